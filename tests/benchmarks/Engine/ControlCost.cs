using System.Diagnostics;
using System.Runtime.CompilerServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>What it costs to build a port of a million addresses, and to change one of them while frames are being decided.</summary>
internal sealed class ControlCost(Report report, int seed)
{
    private const int Addresses = 1_000_000;
    private const int Slices = 20;

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(50);

    public void Run()
    {
        foreach (var isSix in (ReadOnlySpan<bool>)[false, true])
            Measure(isSix, isSix ? "IPv6" : "IPv4");
    }

    // Not inlined: the port before must be gone when memory is measured.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Measure(bool isSix, string family)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var start = Stopwatch.GetTimestamp();
        var port = Plan.Build(PortMode.L2, isSix, Addresses, out _);
        var elapsed = Stopwatch.GetElapsedTime(start);
        var memory = GC.GetTotalMemory(forceFullCollection: true) - before;
        report.Add(new Figure($"build 1M {family} addresses, 10k interfaces", "ms", elapsed.TotalMilliseconds));
        report.Add(new Figure("  its memory beside the address map", "MB", memory / 1e6));
        report.Add(new Figure("  the address map", "MB", MapBytes(isSix) / 1e6));
        Change(port, isSix, family);
    }

    private static long MapBytes(bool isSix)
    {
        var map = new AddressMap();
        for (var number = 0; number < Addresses; number++)
            map.Add(Plan.Address(isSix, number), number / Plan.AddressesPerInterface);
        return map.MemoryBytes;
    }

    /// <summary>Slices of time with changes and without take turns; without them this thread spins, so that it takes as much of the machine.</summary>
    private void Change(Port port, bool isSix, string family)
    {
        var random = new Random(seed);
        using var reader = new Reader(port, new Traffic(Path.Receive, isSix, [.. Enumerable.Range(0, 8192).Select(_ => random.Next(Addresses))], random));
        var (adds, removes) = (new List<double>(1 << 20), new List<double>(1 << 20));
        var (rates, gaps, quietGaps) = (new List<double>(), new List<double>(), new List<double>());
        var collections = GC.CollectionCount(0);
        for (var slice = 0; slice < Slices; slice++)
        {
            var quiet = reader.During(() => Repeat(static () => Thread.SpinWait(10)));
            var busy = reader.During(() => Repeat(() => ChangeOne(port, isSix, random, adds, removes)));
            rates.Add(busy.FramesPerSecond / quiet.FramesPerSecond);
            gaps.Add(busy.LongestGap.TotalMicroseconds);
            quietGaps.Add(quiet.LongestGap.TotalMicroseconds);
        }
        collections = GC.CollectionCount(0) - collections;
        Write($"add one to 1M {family}", adds);
        Write($"remove one of 1M {family}", removes);
        report.Add(new Figure("  frames decided meanwhile, of the rate before", "x", Statistics.Median(rates)));
        report.Add(new Figure($"  longest gap between batches of {Traffic.Batch}", "us", Statistics.Median(gaps)) { Least = gaps.Min() });
        report.Add(new Figure("  the same without changes", "us", Statistics.Median(quietGaps)) { Least = quietGaps.Min() });
        report.Line($"  medians of {Slices} slices of {Slice.TotalMilliseconds:0} ms each; {collections} collections");
    }

    /// <summary>An address that is not among the million comes to some interface and goes.</summary>
    private static void ChangeOne(Port port, bool isSix, Random random, List<double> adds, List<double> removes)
    {
        var owner = port.Find($"ipvl{random.Next(Addresses / Plan.AddressesPerInterface)}")!;
        var prefix = new L3Prefix(Plan.Address(isSix, Addresses + random.Next(Addresses * 4)), isSix ? 64 : 24);
        var start = Stopwatch.GetTimestamp();
        Plan.Check(port.AddAddress(owner, prefix));
        var added = Stopwatch.GetTimestamp();
        Plan.Check(port.RemoveAddress(owner, prefix));
        removes.Add(Stopwatch.GetElapsedTime(added).TotalMicroseconds);
        adds.Add(Stopwatch.GetElapsedTime(start, added).TotalMicroseconds);
    }

    private static void Repeat(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Slice)
            action();
    }

    private void Write(string name, List<double> costs)
    {
        report.Add(new Figure(name, "us", Statistics.Median(costs)) { Least = costs.Min(), Target = 20 });
        report.Line($"  p99 {Statistics.Quantile(costs, 0.99):0.0} us, p99.9 {Statistics.Quantile(costs, 0.999):0.0} us, max {costs.Max():0.0} us, {costs.Count} changes");
    }

    /// <summary>Decides batch after batch on a thread of its own and watches how long each takes to follow the one before.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly Thread _thread;
        private readonly ManualResetEventSlim _started = new();
        private volatile bool _stop;
        private long _frames;
        private long _longest;
        private long _reset;

        public Reader(Port port, Traffic traffic)
        {
            _thread = new Thread(() => Read(port, new ReceiveDecider(port), traffic)) { IsBackground = true };
            _thread.Start();
            _started.Wait();
        }

        public (double FramesPerSecond, TimeSpan LongestGap) During(Action action)
        {
            var (frames, start) = (Volatile.Read(ref _frames), Stopwatch.GetTimestamp());
            Interlocked.Exchange(ref _reset, 1);
            action();
            var rate = (Volatile.Read(ref _frames) - frames) / Stopwatch.GetElapsedTime(start).TotalSeconds;
            return (rate, Stopwatch.GetElapsedTime(0, Volatile.Read(ref _longest)));
        }

        public void Dispose()
        {
            _stop = true;
            _thread.Join();
            _started.Dispose();
        }

        private void Read(Port port, ReceiveDecider decider, Traffic traffic)
        {
            var first = 0;
            var ticks = new long[1];
            var last = Stopwatch.GetTimestamp();
            while (!_stop)
            {
                if (decider.Run(traffic, first, ticks) != Traffic.Batch)
                    throw new InvalidOperationException($"an address of {port.MasterName} that nobody touched was not found");
                first = (first + Traffic.Batch) % traffic.Count;
                Volatile.Write(ref _frames, _frames + Traffic.Batch);
                var now = Stopwatch.GetTimestamp();
                if (Volatile.Read(ref _reset) != 0 && Interlocked.Exchange(ref _reset, 0) != 0)
                    Volatile.Write(ref _longest, 0);
                else if (now - last > _longest)
                    Volatile.Write(ref _longest, now - last);
                last = now;
                _started.Set();
            }
        }
    }
}
