using System.Diagnostics;
using IpVlanWin.Protocol;
using IpVlanWin.Service.State;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Tests;

/// <summary>The file: damaged, cut, empty, locked, older, newer, on a full disk.</summary>
[TestClass]
public sealed class StoreTests
{
    private static readonly string[] s_oneMore = [.. Schema.Migrations, "ALTER TABLE ports ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"];

    [TestMethod]
    [DataRow("noise in the middle")]
    [DataRow("noise at the start")]
    [DataRow("cut in half")]
    [DataRow("empty")]
    [DataRow("wrong value")]
    [DataRow("table missing")]
    [DataRow("text")]
    public void Damaged_file_is_kept_aside_and_the_newest_good_backup_used(string damage)
    {
        using var folder = new TestFolder();
        Fill(folder, 200);
        // The newest backup is bad as well.
        File.WriteAllText(Path.Combine(folder.Backups, "state-29991231T000000000Z.db"), "this is not a database, and longer than a header of SQLite's, which is a hundred bytes long, as everybody knows");
        Damage(folder.File, damage);
        using (var state = folder.Open())
        {
            Assert.HasCount(200, state.Current.Interfaces);
            Assert.IsNotNull(state.Recovery);
            StringAssert.Contains(state.Recovery, "is kept as");
            state.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "after" }));
        }
        Assert.HasCount(1, Directory.GetFiles(folder.Path, "state.db.damaged-*Z"));
        using (var state = folder.Open())
        {
            Assert.IsNull(state.Recovery);
            Assert.HasCount(201, state.Current.Interfaces);
        }
    }

    [TestMethod]
    public void Damage_without_backup_begins_anew_and_says_so()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File, new string('x', 5000));
        using var state = folder.Open();
        Assert.IsEmpty(state.Current.Interfaces);
        StringAssert.Contains(state.Recovery, "there is no good backup");
    }

    [TestMethod]
    public void Recovery_that_was_killed_half_way_is_finished()
    {
        using var folder = new TestFolder();
        Fill(folder, 3);
        File.Move(folder.File, folder.File + ".restoring");
        using var state = folder.Open();
        Assert.HasCount(3, state.Current.Interfaces);
    }

    [TestMethod]
    public void Locked_file_is_refused_with_a_sentence()
    {
        using var folder = new TestFolder();
        using var first = folder.Open();
        var fault = Assert.ThrowsExactly<StateException>(() => folder.Open());
        StringAssert.Contains(fault.Message, "in use by another process");
        first.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a" }));
    }

    [TestMethod]
    public void Older_schema_is_brought_forward_and_a_newer_one_refused_untouched()
    {
        using var folder = new TestFolder();
        Fill(folder, 5);
        using (var state = folder.Open(s_oneMore))
        {
            Assert.AreEqual(Schema.Migrations.Length + 1, state.Schema);
            Assert.HasCount(5, state.Current.Interfaces);
        }
        var before = File.ReadAllBytes(folder.File);
        var fault = Assert.ThrowsExactly<StateException>(() => folder.Open());
        StringAssert.Contains(fault.Message, "newer version");
        CollectionAssert.AreEqual(before, File.ReadAllBytes(folder.File));
        Assert.IsEmpty(Directory.GetFiles(folder.Path, "*damaged*"));
    }

    [TestMethod]
    public void Backups_of_the_last_changes_and_days_are_kept()
    {
        var now = new DateTimeOffset(2026, 3, 20, 12, 0, 0, TimeSpan.Zero);
        // Three a day for ten days, newest first.
        var all = Enumerable.Range(0, 30).Select(i => $"state-{now.AddHours(-8 * i):yyyyMMdd'T'HHmmssfff'Z'}.db").ToArray();
        var kept = all.Except(Backups.Superfluous(all, now)).ToArray();
        CollectionAssert.AreEqual(all[..5], kept[..5], "the last five");
        Assert.HasCount(8, kept.Select(name => name[..14]).Distinct().ToArray());
        Assert.HasCount(5 + 6, kept);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void Folder_is_closed_to_others()
    {
        using var folder = new TestFolder();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_111_111);
        using var state = folder.Open();
        Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
        Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Backups));
    }

    [TestMethod]
    public void Full_disk_refuses_changes_and_loses_none()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            Assert.Inconclusive("needs Linux and root to mount a small file system");
        using var mountPoint = new TestFolder();
        if (Execute("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", mountPoint.Path) != 0)
            Assert.Inconclusive("this root may not mount");
        try
        {
            using var folder = new TestFolder(mountPoint.Path);
            var stored = new List<string>();
            ControlException? fault = null;
            using (var state = folder.Open())
            {
                for (var i = 0; fault is null && i < 5000; i++)
                {
                    var name = $"i{i}";
                    try
                    {
                        state.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = name, Addresses = [$"10.{i / 250}.{i % 250}.1/8"] }));
                        stored.Add(name);
                    }
                    catch (ControlException refusal)
                    {
                        fault = refusal;
                    }
                }
                Assert.AreSame(ErrorCode.NotStored, fault?.Code);
                StringAssert.Contains(fault!.Message, "disk");
                CollectionAssert.AreEquivalent(stored, state.Current.InterfaceNames);
            }
            using (var state = folder.Open())
                Assert.IsEmpty(stored.Except(state.Current.InterfaceNames));
        }
        finally
        {
            Assert.AreEqual(0, Execute("umount", mountPoint.Path));
        }
    }

    private static void Fill(TestFolder folder, int count)
    {
        using var state = folder.Open();
        state.Change(change =>
        {
            for (var i = 0; i < count; i++)
                change.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}", Addresses = [$"10.0.{i}.1/24"] });
        });
    }

    private static void Damage(string path, string damage)
    {
        var bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "noise in the middle":
                new Random(1).NextBytes(bytes.AsSpan(4096, bytes.Length - 8192));
                break;
            case "noise at the start":
                new Random(1).NextBytes(bytes.AsSpan(0, 200));
                break;
            case "cut in half":
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case "empty":
                bytes = [];
                break;
            case "text":
                bytes = System.Text.Encoding.UTF8.GetBytes("{}");
                break;
            default:
                using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
                {
                    connection.Open();
                    using var command = connection.CreateCommand();
                    command.CommandText = damage == "wrong value" ? "UPDATE addresses SET address = 'nowhere' WHERE interface = 7" : "DROP TABLE addresses";
                    command.ExecuteNonQuery();
                }
                return;
        }
        File.WriteAllBytes(path, bytes);
    }

    private static int Execute(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
