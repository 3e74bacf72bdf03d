using IpVlanWin.Protocol;
using IpVlanWin.Service.State;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Tests;

/// <summary>What becomes of a service that starts on a damaged, foreign, locked, older, newer or closed store, or whose disk fills up.</summary>
[TestClass]
public sealed class StoreFaultTests
{
    private const int Stored = 60;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("pages")]
    [DataRow("cut")]
    [DataRow("empty")]
    [DataRow("other database")]
    public async Task Damaged_store_is_kept_aside_and_the_backup_served(string damage)
    {
        using var folder = new TestFolder();
        await FillAsync(folder);
        var bytes = await File.ReadAllBytesAsync(folder.File, TestContext.CancellationToken);
        switch (damage)
        {
            case "pages":
                new Random(2).NextBytes(bytes.AsSpan(4096));
                break;
            case "cut":
                bytes = bytes[..(bytes.Length - 5000)];
                break;
            case "empty":
                bytes = [];
                break;
            default:
                bytes = [];
                File.Delete(folder.File);
                Sql(folder.File, "CREATE TABLE cars (colour TEXT)");
                break;
        }
        if (damage != "other database")
            await File.WriteAllBytesAsync(folder.File, bytes, TestContext.CancellationToken);
        await MustBeRecoveredAsync(folder, Stored);
    }

    [TestMethod]
    [DataRow("gone")]
    [DataRow("empty")]
    public async Task Log_that_is_lost_after_a_kill_is_not_taken_for_a_new_store(string damage)
    {
        using var folder = new TestFolder();
        using (var service = await StartAsync(folder))
        {
            await AddAsync(service, 0, 3);
            await service.KillAsync();
        }
        // So early in its life all of the state is in the log, and the file has no tables yet.
        var log = folder.File + "-wal";
        Assert.IsGreaterThan(0, new FileInfo(log).Length);
        if (damage == "gone")
            File.Delete(log);
        else
            await File.WriteAllBytesAsync(log, [], TestContext.CancellationToken);
        await MustBeRecoveredAsync(folder, 0);
    }

    [TestMethod]
    [DataRow("empty")]
    [DataRow("noise")]
    public async Task Log_of_a_store_that_was_closed_does_no_harm(string content)
    {
        using var folder = new TestFolder();
        await FillAsync(folder);
        await File.WriteAllBytesAsync(folder.File + "-wal", content == "empty" ? [] : [.. Enumerable.Range(0, 50_000).Select(static i => (byte)(i * 31))], TestContext.CancellationToken);
        using var service = await StartAsync(folder);
        using var client = service.Connect();
        var info = await client.GetServiceAsync(TestContext.CancellationToken);
        Assert.AreEqual((null, Stored), (info.Recovery, info.Interfaces));
    }

    [TestMethod]
    public async Task Database_without_tables_is_schema_0_and_brought_forward()
    {
        using var folder = new TestFolder();
        Sql(folder.File, "CREATE TABLE t (x); DROP TABLE t; PRAGMA user_version = 0");
        using var service = await StartAsync(folder);
        await AddAsync(service, 0, 1);
        using var client = service.Connect();
        var info = await client.GetServiceAsync(TestContext.CancellationToken);
        Assert.AreEqual((Schema.Migrations.Length, null, 1), (info.Schema, info.Recovery, info.Interfaces));
    }

    [TestMethod]
    public async Task Newer_schema_is_refused_and_left_alone()
    {
        using var folder = new TestFolder();
        await FillAsync(folder);
        Sql(folder.File, "PRAGMA user_version = 99");
        var before = await File.ReadAllBytesAsync(folder.File, TestContext.CancellationToken);
        await MustBeRefusedAsync(folder, $"was written by a newer version (schema 99; this one knows up to {Schema.Migrations.Length}); install that version again, or move the file away");
        CollectionAssert.AreEqual(before, await File.ReadAllBytesAsync(folder.File, TestContext.CancellationToken));
        Sql(folder.File, $"PRAGMA user_version = {Schema.Migrations.Length}");
        using var service = await StartAsync(folder);
        using var client = service.Connect();
        Assert.AreEqual(Stored, (await client.GetServiceAsync(TestContext.CancellationToken)).Interfaces);
    }

    [TestMethod]
    public async Task Store_of_another_service_is_refused_and_that_one_goes_on()
    {
        using var folder = new TestFolder();
        using var first = await StartAsync(folder);
        await AddAsync(first, 0, 5);
        using (var second = ServiceProcess.Start(folder.Path, ServiceProcess.PipeFor(folder) + "2"))
        {
            var (status, errors) = await second.ExitAsync();
            Assert.AreNotEqual(0, status);
            StringAssert.Contains(errors, "is in use by another process; end the other service first");
        }
        await AddAsync(first, 5, 5);
    }

    [TestMethod]
    public async Task Store_that_another_program_holds_is_refused_until_it_lets_go()
    {
        using var folder = new TestFolder();
        await FillAsync(folder);
        using (var connection = new SqliteConnection($"Data Source={folder.File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE meta SET value = value;";
            command.ExecuteNonQuery();
            await MustBeRefusedAsync(folder, "is in use by another process");
        }
        using var service = await StartAsync(folder);
        using var client = service.Connect();
        Assert.AreEqual(Stored, (await client.GetServiceAsync(TestContext.CancellationToken)).Interfaces);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public async Task Read_only_folder_is_refused_with_a_sentence(bool hasState)
    {
        using var folder = new TestFolder();
        using var place = new TestFolder();
        using var space = new MountSpace(place.Path, "8m");
        if (hasState)
        {
            using var service = await ServiceProcess.Start(place.Path, ServiceProcess.PipeFor(folder), space.Inside).StartedAsync();
            await AddAsync(service, 0, 5);
            await service.KillAsync();
        }
        space.Run("mount", "-o", "remount,ro", place.Path);
        using (var refused = ServiceProcess.Start(place.Path, ServiceProcess.PipeFor(folder), space.Inside))
        {
            var (status, errors) = await refused.ExitAsync();
            Assert.AreNotEqual(0, status);
            StringAssert.Contains(errors, place.Path);
            StringAssert.Contains(errors, "Read-only file system");
            Assert.IsLessThanOrEqualTo(1, errors.Trim().Count(static c => c == '\n'), errors);
        }
        space.Run("mount", "-o", "remount,rw", place.Path);
        using var again = await ServiceProcess.Start(place.Path, ServiceProcess.PipeFor(folder), space.Inside).StartedAsync();
        using var client = again.Connect();
        Assert.AreEqual(hasState ? 5 : 0, (await client.GetServiceAsync(TestContext.CancellationToken)).Interfaces);
    }

    [TestMethod]
    public async Task Disk_that_fills_up_refuses_changes_until_there_is_room()
    {
        using var folder = new TestFolder();
        using var place = new TestFolder();
        using var space = new MountSpace(place.Path, "4m");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var version = 0L;
        using (var service = await ServiceProcess.Start(place.Path, ServiceProcess.PipeFor(folder), space.Inside).StartedAsync())
        {
            using var client = service.Connect();
            for (var round = 0; round < 2; round++)
            {
                await AddAsync(service, names.Count, 20, names);
                space.Fill();
                ControlException? fault = null;
                while (fault is null)
                {
                    try
                    {
                        Assert.IsLessThan(20_000, names.Count, "the disk never fills up");
                        await AddAsync(service, names.Count, 50, names);
                    }
                    catch (ControlException refusal)
                    {
                        fault = refusal;
                    }
                }
                Assert.AreSame(ErrorCode.NotStored, fault.Code, fault.Message);
                Assert.AreEqual("the change was not made, because it could not be stored: the disk is full", fault.Message);
                version = (await client.GetServiceAsync(TestContext.CancellationToken)).StateVersion;
                await MustHaveAsync(client, names);
                // Small changes are refused as large ones are, or made: never half of one.
                try
                {
                    await client.SetInterfaceAsync(new InterfaceChange { Name = "i0", Admin = "up" }, TestContext.CancellationToken);
                }
                catch (ControlException refusal)
                {
                    Assert.AreSame(ErrorCode.NotStored, refusal.Code);
                }
                space.MakeRoom();
                await client.SetInterfaceAsync(new InterfaceChange { Name = "i0", Admin = round == 0 ? "up" : "down" }, TestContext.CancellationToken);
                await AddAsync(service, names.Count, 20, names);
                Assert.IsGreaterThan(version, (await client.GetServiceAsync(TestContext.CancellationToken)).StateVersion);
            }
            // On a full disk it is also killed.
            space.Fill();
            await service.KillAsync();
        }
        space.MakeRoom();
        using (var service = await ServiceProcess.Start(place.Path, ServiceProcess.PipeFor(folder), space.Inside).StartedAsync())
        {
            using var client = service.Connect();
            Assert.IsNull((await client.GetServiceAsync(TestContext.CancellationToken)).Recovery);
            await MustHaveAsync(client, names);
            Assert.AreEqual("down", (await client.GetInterfaceAsync("i0", TestContext.CancellationToken)).Admin);
        }
    }

    [TestMethod]
    public void Backup_that_finds_no_room_leaves_nothing_behind()
    {
        using var folder = new TestFolder();
        using var state = folder.Open();
        state.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a" }));
        var before = Directory.GetFiles(folder.Backups).Length;
        var time = new FixedTime(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var backups = new Backups(folder.Path, time);
        // A folder in its place: what was written before the failure must go.
        Directory.CreateDirectory(Path.Combine(folder.Backups, "state-20300101T000000000Z.db"));
        using (var other = new TestFolder())
        using (var store = Store.Open(Path.Combine(other.Path, "state.db"), Schema.Migrations))
            Assert.Throws<Exception>(() => backups.Make(store));
        Assert.HasCount(before, Directory.GetFiles(folder.Backups));
    }

    private static Task<ServiceProcess> StartAsync(TestFolder folder) => ServiceProcess.Start(folder.Path, ServiceProcess.PipeFor(folder)).StartedAsync();

    /// <summary>A state that was written and closed, with a backup of it.</summary>
    private static async Task FillAsync(TestFolder folder)
    {
        using var service = await StartAsync(folder);
        await AddAsync(service, 0, Stored);
        Assert.AreEqual(0, await service.StopAsync());
    }

    private static async Task AddAsync(ServiceProcess service, int first, int count, HashSet<string>? names = null)
    {
        using var client = service.Connect();
        await client.BatchAsync([.. Enumerable.Range(first, count).Select(static i => RpcCall.AddInterface(
            new InterfaceSpec { Master = "eth0", Name = $"i{i}", Addresses = [$"10.{i / 250}.{i % 250}.1/8", $"fd00::{i + 1:x}/64"] }))]);
        names?.UnionWith(Enumerable.Range(first, count).Select(static i => $"i{i}"));
    }

    private static async Task MustHaveAsync(ControlClient client, IReadOnlySet<string> names)
    {
        var all = await ControlClient.AllAsync(client.ListInterfacesAsync, new ListQuery { Limit = 1000 });
        Assert.AreEqual(string.Join(' ', names.Order()), string.Join(' ', all.Select(static one => one.Name).Order()));
        Assert.IsTrue(all.All(static one => one.Addresses.Count == 2));
    }

    private async Task MustBeRecoveredAsync(TestFolder folder, int count)
    {
        using (var service = await StartAsync(folder))
        {
            using var client = service.Connect();
            var info = await client.GetServiceAsync(TestContext.CancellationToken);
            Assert.IsNotNull(info.Recovery, "the damage is reported");
            StringAssert.Contains(info.Recovery, "is kept as");
            StringAssert.Contains(service.Output, "state-recovered");
            Assert.AreEqual(count, info.Interfaces);
            await AddAsync(service, Stored, 1);
            await service.KillAsync();
        }
        Assert.HasCount(1, Directory.GetFiles(folder.Path, "state.db.damaged-*Z"));
        using (var service = await StartAsync(folder))
        {
            using var client = service.Connect();
            var info = await client.GetServiceAsync(TestContext.CancellationToken);
            Assert.AreEqual((null, count + 1), (info.Recovery, info.Interfaces));
        }
    }

    private static async Task MustBeRefusedAsync(TestFolder folder, string sentence)
    {
        using var service = ServiceProcess.Start(folder.Path, ServiceProcess.PipeFor(folder));
        var (status, errors) = await service.ExitAsync();
        Assert.AreNotEqual(0, status);
        StringAssert.StartsWith(errors, "ipvlansvc: ");
        StringAssert.Contains(errors, sentence);
        Assert.IsLessThanOrEqualTo(1, errors.Trim().Count(static c => c == '\n'), errors);
    }

    private static void Sql(string path, string text)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
