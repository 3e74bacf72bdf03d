using System.Diagnostics;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>Killed at any instant, the state has every change that was acknowledged.</summary>
[TestClass]
public sealed class KillTests
{
    private const int Rounds = 6;

    /// <summary>Runs in a process of its own: makes, renames and removes interfaces, and says each change once it is stored.</summary>
    internal static int WriteForEver(string path)
    {
        using var state = State.DesiredState.Open(path, new FakeHost(), TimeProvider.System, new ServiceLog(TextWriter.Null));
        Console.WriteLine("ready");
        for (var i = state.Current.Version; ; i++)
        {
            var name = $"i{i}";
            state.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = name, Addresses = [$"10.{i / 62500}.{i / 250 % 250}.{i % 250}/8"] }));
            Console.WriteLine("+" + name);
            if (i % 3 == 0)
            {
                // Said before and after: in between, either is right.
                Console.WriteLine("?" + name);
                state.Change(change => change.RemoveInterface(new InterfaceName { Name = name }));
                Console.WriteLine("-" + name);
            }
        }
    }

    [TestMethod]
    public async Task Nothing_acknowledged_is_lost()
    {
        using var folder = new TestFolder();
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var expected = new HashSet<string>();
        var unsure = new HashSet<string>();
        for (var round = 0; round < Rounds; round++)
        {
            using var writer = Process.Start(new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet",
                ["exec", typeof(KillTests).Assembly.Location, "write-for-ever", folder.Path]) { RedirectStandardOutput = true })!;
            var lines = random.Next(2, 200);
            for (var i = 0; i < lines; i++)
                Note((await writer.StandardOutput.ReadLineAsync())!, expected, unsure);
            // SIGKILL; TerminateProcess on Windows.
            writer.Kill();
            // What it said before it died counts too; a line cut short was not said.
            var rest = await writer.StandardOutput.ReadToEndAsync();
            foreach (var line in rest[..(rest.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Note(line.TrimEnd('\r'), expected, unsure);
            await writer.WaitForExitAsync();
            using var state = folder.Open();
            Assert.IsNull(state.Recovery);
            Assert.IsEmpty(expected.Except(state.Current.Interfaces.Keys), $"round {round}: lost");
            // One change may have been stored and not said any more.
            var surplus = state.Current.Interfaces.Keys.Except(expected).Except(unsure).ToArray();
            Assert.IsLessThanOrEqualTo(1, surplus.Length, $"round {round}: {string.Join(' ', surplus)} was never asked for, or was removed");
            expected = [.. state.Current.Interfaces.Keys];
            unsure.Clear();
        }
    }

    private static void Note(string line, HashSet<string> expected, HashSet<string> unsure)
    {
        var name = line[1..];
        switch (line[0])
        {
            case '+':
                expected.Add(name);
                break;
            case '?':
                expected.Remove(name);
                unsure.Add(name);
                break;
            case '-':
                unsure.Remove(name);
                break;
        }
    }
}
