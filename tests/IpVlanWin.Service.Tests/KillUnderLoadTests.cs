using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>
/// The service is killed while several clients change it, and while it starts: what it says after the next start is, client by client,
/// the state after its last acknowledged change, or after the one that was asked for and not answered. A batch is whole or absent.
/// </summary>
[TestClass]
public sealed class KillUnderLoadTests
{
    private const int Workers = 5;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Every_acknowledged_change_is_there_after_each_kill()
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("IPVLANWIN_KILLS") ?? "30", CultureInfo.InvariantCulture);
        var seed = Environment.TickCount;
        TestContext.WriteLine($"seed {seed}, {kills} kills");
        var random = new Random(seed);
        using var folder = new TestFolder();
        var pipeName = ServiceProcess.PipeFor(folder);
        var workers = Enumerable.Range(0, Workers).Select(number => new LoadWorker(number, new Random(random.Next()))).ToArray();
        long version = 0, changes = 0;
        var (isStarting, inDoubt, doneInDoubt) = (0, 0, 0);
        for (var killed = 0; ; killed++)
        {
            using var service = ServiceProcess.Start(folder.Path, pipeName);
            if (killed < kills && random.Next(6) == 0)
            {
                // Somewhere between its first instruction and its first client.
                await Task.Delay(random.Next(400), TestContext.CancellationToken);
                await service.KillAsync();
                isStarting++;
                continue;
            }
            await service.StartedAsync();
            using (var client = service.Connect())
            {
                var info = await client.GetServiceAsync(TestContext.CancellationToken);
                Assert.IsNull(info.Recovery, $"kill {killed}");
                Assert.IsGreaterThanOrEqualTo(version, info.StateVersion, $"kill {killed}: the state's version");
                version = info.StateVersion;
                inDoubt += workers.Count(static worker => worker.InDoubt is not null);
                doneInDoubt += await CompareAsync(client, workers, killed);
            }
            if (killed == kills)
            {
                Assert.AreEqual(0, OperatingSystem.IsWindows() ? 0 : await service.StopAsync());
                break;
            }
            long acknowledged = 0;
            var target = random.Next(1, 250);
            var enough = new TaskCompletionSource();
            var clients = workers.Select(_ => service.Connect()).ToArray();
            var load = Task.WhenAll(workers.Zip(clients, (worker, client) => Task.Run(() => worker.RunAsync(client, stored =>
            {
                InterlockedMax(ref version, stored);
                if (Interlocked.Increment(ref acknowledged) == target)
                    enough.SetResult();
            }))));
            // A worker that fails ends the waiting too.
            await await Task.WhenAny(enough.Task, load);
            var instant = random.Next(3000);
            for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalMicroseconds < instant;)
                Thread.SpinWait(20);
            await service.KillAsync();
            await load;
            changes += acknowledged;
            foreach (var client in clients)
                client.Dispose();
        }
        TestContext.WriteLine($"{kills} kills, {isStarting} of them while starting; {changes} changes acknowledged; {inDoubt} unanswered, of which {doneInDoubt} had been stored");
    }

    /// <summary>Returns how many unanswered changes turned out to be stored.</summary>
    private static async Task<int> CompareAsync(ControlClient client, LoadWorker[] workers, int killed)
    {
        var all = await ControlClient.AllAsync(client.ListInterfacesAsync, new ListQuery { Limit = 1000 });
        var ports = await ControlClient.AllAsync(client.ListPortsAsync, new ListQuery());
        foreach (var one in all)
        {
            Assert.AreEqual(one.Admin, one.State, $"kill {killed}: {one.Name}: {one.Reason}");
            Assert.IsTrue(one.Addresses.All(static address => address.State == "preferred"), $"kill {killed}: addresses of {one.Name}");
        }
        foreach (var port in ports)
            Assert.AreEqual(all.Count(one => one.Port == port.Master), port.InterfaceCount, $"kill {killed}: interfaces of {port.Master}");
        var byWorker = all.ToLookup(static one => one.Name[..(one.Name.IndexOf('-', StringComparison.Ordinal) + 1)]);
        Assert.IsEmpty(byWorker.Select(static own => own.Key).Except(workers.Select(static worker => worker.Prefix)), "interfaces that nobody asked for");
        var done = 0;
        foreach (var worker in workers)
        {
            var present = LoadState.Text(ports.Where(port => port.Master == worker.OwnMaster), byWorker[worker.Prefix]);
            if (worker.InDoubt is { } unanswered && present == unanswered.Text(worker.OwnMaster))
            {
                // It may also have changed nothing.
                done += present == worker.Acknowledged.Text(worker.OwnMaster) ? 0 : 1;
                worker.Acknowledged = unanswered;
            }
            worker.InDoubt = null;
            Assert.AreEqual(worker.Acknowledged.Text(worker.OwnMaster), present, $"kill {killed}: {worker.Prefix}");
        }
        return done;
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Interlocked.Read(ref most); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref most, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}
