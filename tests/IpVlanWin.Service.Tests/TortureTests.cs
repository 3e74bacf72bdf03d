using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>
/// As many clients as the service takes, most of them hostile, against one who works. A second service that nobody disturbs is asked at
/// the same moments, so that what a busy machine does to both cancels out.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class TortureTests
{
    private const int MaxConnections = 64;
    private const int Probes = 60;

    // The work of 62 clients is shared out fairly at worst; 20 to 25 were seen.
    private const double MostSlowdown = 200;
    private const long MostBytes = 768L << 20;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Hostile_clients_slow_others_down_no_more_than_their_share_and_take_no_memory_for_good()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux: reads the service's memory from /proc");
        using var folder = new TestFolder();
        using var quietFolder = new TestFolder();
        using var service = await ServiceProcess.StartCompiledOnce(folder.Path, ServiceProcess.PipeFor(folder)).StartedAsync();
        using var quiet = await ServiceProcess.StartCompiledOnce(quietFolder.Path, ServiceProcess.PipeFor(quietFolder)).StartedAsync();
        using var probe = service.Connect();
        using var quietProbe = quiet.Connect();
        for (var first = 0; first < 3000; first += 1000)
            await probe.BatchAsync([.. Enumerable.Range(first, 1000).Select(static i => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}", Addresses = [$"10.{i / 250}.{i % 250}.1/8"] }))]);
        await MeasureAsync(probe, quietProbe, Probes);
        var (idle, _) = await MeasureAsync(probe, quietProbe, Probes);
        var before = service.ReadStatus("VmRSS");

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        var connected = new CountdownEvent(MaxConnections - 1);
        var hostile = Enumerable.Range(0, MaxConnections - 1).Select(i => Task.Run(() => TormentAsync(service.PipeName, i, connected, ending.Token))).ToArray();
        Assert.IsTrue(connected.Wait(TimeSpan.FromSeconds(60)), "all of them are connected");
        var (median, worst) = await MeasureAsync(probe, quietProbe, Probes);
        var most = service.ReadStatus("VmHWM");
        await ending.CancelAsync();
        await Task.WhenAll(hostile);

        TestContext.WriteLine($"slowdown against an undisturbed service: {idle:F1} idle, {median:F1} under torture (slowest call {worst.TotalMilliseconds:F0} ms)");
        TestContext.WriteLine($"memory: {before >> 20} MiB before, {most >> 20} MiB at most");
        Assert.IsLessThan(MostSlowdown, median);
        Assert.IsLessThan(MostBytes, most);
        // All their places are free again, and the state is whole.
        var again = Enumerable.Range(0, MaxConnections - 1).Select(_ => service.Connect()).ToArray();
        foreach (var client in again)
            await RetryAsync(async () => Assert.IsGreaterThanOrEqualTo(3000, (await client.GetServiceAsync(TestContext.CancellationToken)).Interfaces));
        Assert.AreEqual(3000, (await ControlClient.AllAsync(probe.ListInterfacesAsync, new ListQuery { Limit = 1000 }, TestContext.CancellationToken)).Count(static one => one.Name[0] == 'i'));
        foreach (var client in again)
            client.Dispose();
        Assert.DoesNotContain("-failed ", service.Output);
        Assert.AreEqual(0, await service.StopAsync());
    }

    /// <summary>
    /// Either it goes on when there are descriptors again, or the runtime ends it: .NET breaks off with "Out of memory.", or an exception that says
    /// so in a thread of its own, where it needs a descriptor for itself and gets none. Then whoever restarts it has all of its state.
    /// </summary>
    [TestMethod]
    public async Task Service_that_is_out_of_descriptors_goes_on_or_comes_back()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux: prlimit(1)");
        using var folder = new TestFolder();
        using var service = await ServiceProcess.StartCompiledOnce(folder.Path, ServiceProcess.PipeFor(folder)).StartedAsync();
        using var first = service.Connect();
        await first.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "kept0" }, TestContext.CancellationToken);
        var open = Directory.GetFiles($"/proc/{service.Id}/fd").Length;
        Limit(service, open + 1);
        var clients = new List<RawClient>();
        try
        {
            for (var i = 0; i < 4; i++)
                clients.Add(await RawClient.ConnectAsync(service.PipeName));
            Assert.AreEqual("kept0", (await first.GetInterfaceAsync("kept0", TestContext.CancellationToken)).Name, "who is connected is served");
            await RetryAsync(() =>
            {
                GiveUpIfGone();
                StringAssert.Contains(service.Output, "client-refused");
                return Task.CompletedTask;
            });
            Limit(service, 1024);
            using var late = service.Connect();
            await RetryAsync(() =>
            {
                GiveUpIfGone();
                return late.GetInterfaceAsync("kept0", TestContext.CancellationToken);
            });
        }
        catch (Exception fault) when (fault is ControlException or IOException or System.Net.Sockets.SocketException)
        {
            var (status, errors) = await service.ExitAsync();
            Assert.AreNotEqual(0, status, fault.Message);
            StringAssert.Matches(errors, new Regex("Out of memory\\.|OutOfMemoryException"));
            using var next = await ServiceProcess.StartCompiledOnce(folder.Path, ServiceProcess.PipeFor(folder)).StartedAsync();
            using var late = next.Connect();
            Assert.AreEqual("kept0", (await late.GetInterfaceAsync("kept0", TestContext.CancellationToken)).Name);
        }
        foreach (var client in clients)
            client.Dispose();

        void GiveUpIfGone()
        {
            if (service.HasExited)
                throw new IOException("the service ended");
        }
    }

    private static void Limit(ServiceProcess service, int descriptors)
    {
        using var process = Process.Start("prlimit", [$"--pid={service.Id}", $"--nofile={descriptors}:"]);
        process.WaitForExit();
        if (process.ExitCode != 0)
            Assert.Inconclusive("needs the right to set a limit: prlimit(1)");
    }

    /// <summary>Again until it holds, or a minute is over.</summary>
    private static async Task RetryAsync(Func<Task> check)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            try
            {
                await check();
                return;
            }
            catch (Exception fault) when (fault is AssertFailedException or ControlException && clock.Elapsed < TimeSpan.FromSeconds(60))
            {
                // Not yet.
            }
        }
    }

    /// <summary>Asks both in turn. How much slower the first is, by medians, and its slowest call.</summary>
    private static async Task<(double Ratio, TimeSpan Worst)> MeasureAsync(ControlClient client, ControlClient quiet, int count)
    {
        var (times, quietTimes) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < count; i++)
        {
            foreach (var (asked, into) in new[] { (client, times), (quiet, quietTimes) })
            {
                var start = Stopwatch.GetTimestamp();
                await asked.GetServiceAsync();
                into.Add(Stopwatch.GetElapsedTime(start));
            }
        }
        times.Sort();
        quietTimes.Sort();
        return (times[count / 2] / quietTimes[count / 2], times[^1]);
    }

    /// <summary>Misbehaves in its own way until told to end; comes again when it was left.</summary>
    private static async Task TormentAsync(string pipeName, int number, CountdownEvent connected, CancellationToken ending)
    {
        var isFirst = true;
        var random = new Random(number);
        while (!ending.IsCancellationRequested)
        {
            using var client = await RawClient.ConnectAsync(pipeName);
            if (isFirst)
                connected.Signal();
            isFirst = false;
            try
            {
                await MisbehaveAsync(client, number, random, ending);
            }
            catch (Exception left) when (left is IOException or OperationCanceledException or ControlException or AssertFailedException)
            {
                // Left by the service, or it is over.
            }
        }
    }

    private static async Task MisbehaveAsync(RawClient client, int number, Random random, CancellationToken ending)
    {
        switch (number % 12)
        {
            case 0:
                await client.SendAsync("Conten"u8.ToArray(), ending);
                await Task.Delay(Timeout.Infinite, ending);
                break;
            case 1:
                await client.SendAsync("Content-Length: 1048576\r\n\r\n{\"jsonrpc\""u8.ToArray(), ending);
                await Task.Delay(Timeout.Infinite, ending);
                break;
            case 2:
                await client.SendAsync("Content-Length: 1048577\r\n\r\n"u8.ToArray(), ending);
                while (await client.TryReceiveAsync() is not null)
                {
                }
                break;
            case 3:
                // Asks for much and reads none of it.
                for (; ; )
                    await client.SendAsync(RawClient.Request(1, "interface.list", """{"limit":1000}"""), ending);
            case 4:
                // The same, and much longer questions.
                for (; ; )
                    await client.SendAsync(RawClient.Request(1, "interface.get", $$"""{"name":"{{new string('x', 1_000_000)}}"}"""), ending);
            case 5:
                for (; ; )
                {
                    var noise = new byte[random.Next(1, 2000)];
                    random.NextBytes(noise);
                    await client.SendAsync(RawClient.Frame(noise), ending);
                    await client.ReceiveAsync();
                }
            case 6:
                // Half a million tokens, refused and not.
                var tokens = string.Concat(Enumerable.Repeat("[],", 330_000)) + "[]";
                for (; ; )
                {
                    await client.SendAsync($"[{tokens}]", ending);
                    await client.ReceiveAsync();
                    await client.SendAsync(RawClient.Request(1, "no.such", $$"""{"a":[{{tokens}}]}"""), ending);
                    await client.ReceiveAsync();
                }
            case 7:
                for (; ; )
                {
                    await client.SendAsync("[" + string.Join(',', Enumerable.Range(0, 1000).Select(static i => RawClient.Request(i, "interface.list", """{"limit":1000}"""))) + "]", ending);
                    await client.ReceiveAsync();
                }
            case 8:
                for (; ; )
                {
                    await client.CallAsync("no.such.method");
                    await client.CallAsync("interface.set", """{"name":5}""");
                    ending.ThrowIfCancellationRequested();
                }
            case 9:
                // Works hard, and breaks off a document that it imports.
                for (; ; )
                {
                    await client.CallAsync("interface.add", $$"""{"master":"eth{{number}}","name":"t{{number}}"}""");
                    await client.CallAsync("state.import", $$"""{"text":"{{new string('x', 200_000)}}","isFirst":{{(random.Next(40) == 0 ? "true" : "false")}}}""");
                    await client.CallAsync("interface.remove", $$"""{"name":"t{{number}}"}""");
                    ending.ThrowIfCancellationRequested();
                }
            case 10:
                // Begins an export again and again, and never ends one.
                for (; ; )
                {
                    await client.CallAsync("state.export");
                    ending.ThrowIfCancellationRequested();
                }
            default:
                for (; ; )
                {
                    var flood = string.Concat(Enumerable.Repeat(Encoding.ASCII.GetString(RawClient.Frame("""{"jsonrpc":"2.0","method":"service.info"}""")), 500));
                    await client.SendAsync(Encoding.ASCII.GetBytes(flood), ending);
                }
        }
    }
}
