using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Protocol;
using IpVlanWin.Service;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Benchmarks.Control;

/// <summary>
/// A service with many interfaces: how fast they are made in batches and one by one, listed, and restored by the next start, and what
/// memory they take. The service is a process of its own, cold as it is after a start; its disk is that of the temporary folder.
/// </summary>
internal sealed class ControlBenchmark(Report report, int rounds, int count)
{
    private const int Single = 200;

    private readonly List<double> _made = [], _listed = [], _single = [], _restored = [], _memory = [], _mostMemory = [], _restoredMemory = [];

    public async Task RunAsync(CancellationToken cancellation)
    {
        for (var round = 0; round < rounds; round++)
        {
            var folder = Directory.CreateTempSubdirectory("ipvlanwin-benchmark-").FullName;
            try
            {
                await MakeAsync(folder, cancellation).ConfigureAwait(false);
                await RestoreAsync(folder, cancellation).ConfigureAwait(false);
                if (round == rounds - 1)
                {
                    Parts();
                    await HeapAsync(folder).ConfigureAwait(false);
                }
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        report.Add(new Figure($"interfaces made, {count} in batches of {RpcMessage.MaxBatch}", "1/s", Statistics.Median(_made)) { Least = _made.Min(), Target = 2000, IsMoreBetter = true });
        report.Add(new Figure($"  one by one, beside {count}", "ms", Statistics.Median(_single)) { Least = _single.Min() });
        report.Add(new Figure("  all listed", "ms", Statistics.Median(_listed)) { Least = _listed.Min(), Target = 1000 });
        report.Add(new Figure("  restored, from the start of the process", "ms", Statistics.Median(_restored)) { Least = _restored.Min(), Target = 3000 });
        report.Add(new Figure("  resident memory after that", "MiB", Statistics.Median(_restoredMemory)));
        report.Add(new Figure("  resident memory after they were made", "MiB", Statistics.Median(_memory)));
        report.Add(new Figure("  the same, at most", "MiB", Statistics.Median(_mostMemory)));
    }

    private static InterfaceSpec Spec(int i) => new()
    {
        Master = "eth0", Name = "i" + i.ToString(CultureInfo.InvariantCulture), Admin = "up",
        Addresses = [$"10.{i / 250}.{i % 250}.1/16", $"10.{i / 250}.{i % 250}.2/16", $"fd00::{i + 1:x}/64"],
    };

    private async Task MakeAsync(string folder, CancellationToken cancellation)
    {
        using var service = new ServiceRun(folder);
        await service.Client.GetServiceAsync(cancellation).ConfigureAwait(false);
        var batches = Enumerable.Range(0, count).Select(static i => RpcCall.AddInterface(Spec(i))).Chunk(RpcMessage.MaxBatch).ToArray();
        var start = Stopwatch.GetTimestamp();
        foreach (var batch in batches)
            await service.Client.BatchAsync(batch, cancellation).ConfigureAwait(false);
        _made.Add(count / Stopwatch.GetElapsedTime(start).TotalSeconds);
        (var now, var most) = service.Memory;
        _memory.Add(now);
        _mostMemory.Add(most);
        var times = new List<double>();
        for (var i = 0; i < Single; i++)
        {
            start = Stopwatch.GetTimestamp();
            await service.Client.AddInterfaceAsync(Spec(count + i), cancellation).ConfigureAwait(false);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        _single.Add(Statistics.Median(times));
        await service.Client.BatchAsync(
            [.. Enumerable.Range(count, Single).Select(static i => RpcCall.RemoveInterface(new InterfaceName { Name = Spec(i).Name }))], cancellation).ConfigureAwait(false);
        await ListAsync(service, _listed, cancellation).ConfigureAwait(false);
        service.Stop();
    }

    private async Task RestoreAsync(string folder, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        using var service = new ServiceRun(folder);
        var info = await service.Client.GetServiceAsync(cancellation).ConfigureAwait(false);
        _restored.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        if (info.Interfaces != count || info.Recovery is not null)
            throw new BenchmarkException($"{info.Interfaces} of {count} interfaces were restored: {info.Recovery}");
        _restoredMemory.Add(service.Memory.Now);
        await ListAsync(service, [], cancellation).ConfigureAwait(false);
        service.Stop();
    }

    private async Task ListAsync(ServiceRun service, List<double> times, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        var all = await ControlClient.AllAsync(service.Client.ListInterfacesAsync, new ListQuery { Limit = 1000 }, cancellation).ConfigureAwait(false);
        times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        if (all.Count != count || all.Any(static one => one.State != "up" || one.Addresses.Count != 3 || one.Addresses.Any(static address => address.State != "preferred")))
            throw new BenchmarkException($"{all.Count} of {count} interfaces are listed, and not all of them are up with their addresses");
    }

    /// <summary>Where the time goes: the same changes in this process, judged, stored and applied one after the other.</summary>
    private void Parts()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-benchmark-").FullName;
        try
        {
            var log = new ServiceLog(TextWriter.Null);
            var host = new Host("memory");
            using var state = DesiredState.Open(folder, host, TimeProvider.System, log);
            using var reconciler = new Reconciler(state, host, log);
            TimeSpan judged = default, stored = default, applied = default;
            foreach (var batch in Enumerable.Range(0, count).Chunk(RpcMessage.MaxBatch))
            {
                var start = Stopwatch.GetTimestamp();
                state.Change(change =>
                {
                    foreach (var i in batch)
                        change.AddInterface(Spec(i));
                    judged += Stopwatch.GetElapsedTime(start);
                    start = Stopwatch.GetTimestamp();
                });
                stored += Stopwatch.GetElapsedTime(start);
                start = Stopwatch.GetTimestamp();
                reconciler.Run(full: false);
                applied += Stopwatch.GetElapsedTime(start);
            }
            report.Add(new Figure($"{count} interfaces judged, in one process", "ms", judged.TotalMilliseconds));
            report.Add(new Figure("  stored", "ms", stored.TotalMilliseconds));
            report.Add(new Figure("  applied to the memory data path", "ms", applied.TotalMilliseconds));
            var again = Stopwatch.GetTimestamp();
            reconciler.Run(full: true);
            report.Add(new Figure("  compared with it in full", "ms", Stopwatch.GetElapsedTime(again).TotalMilliseconds));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>What a restored service holds on the managed heap.</summary>
    private async Task HeapAsync(string folder)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var settings = new ServerSettings { PipeName = OperatingSystem.IsWindows() ? "ipvlanwin-benchmark-heap-" + Environment.ProcessId : Path.Combine(folder, "h") };
        await using var service = ControlService.Start(folder, "memory", settings, new ServiceLog(TextWriter.Null));
        report.Add(new Figure($"managed heap of {count} interfaces", "MiB", (GC.GetTotalMemory(forceFullCollection: true) - before) / (1024.0 * 1024)));
        GC.KeepAlive(service);
    }
}
