using System.Diagnostics;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>What it costs to build a port of a million addresses, and to change one of them while frames are being decided.</summary>
internal sealed class ControlCost(Report report, int seed)
{
    private const int Addresses = 1_000_000;
    private const int Changes = 20_000;
    private const int BatchFrames = 64;

    private static readonly TimeSpan Alone = TimeSpan.FromSeconds(1);

    public void Run()
    {
        foreach (var isSix in (ReadOnlySpan<bool>)[false, true])
        {
            var family = isSix ? "IPv6" : "IPv4";
            GC.Collect();
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var start = Stopwatch.GetTimestamp();
            var port = Plan.Build(PortMode.L2, isSix, Addresses, out _);
            var elapsed = Stopwatch.GetElapsedTime(start);
            var memory = GC.GetTotalMemory(forceFullCollection: true) - before;
            report.Add(new Figure($"build 1M {family} addresses, 10k interfaces", "ms", elapsed.TotalMilliseconds));
            report.Add(new Figure($"  its memory, all told", "MB", memory / 1e6));
            Change(port, isSix, family);
        }
    }

    private void Change(Port port, bool isSix, string family)
    {
        var random = new Random(seed);
        using var reader = new Reader(port, new Traffic(Path.Receive, isSix, [.. Enumerable.Range(0, 8192).Select(_ => random.Next(Addresses))], random));
        var alone = reader.During(() => Thread.Sleep(Alone));
        var adds = new List<double>(Changes);
        var removes = new List<double>(Changes);
        var collections = GC.CollectionCount(0);
        var during = reader.During(() =>
        {
            // Addresses come and go one by one, at random places and owners, those added being new ones.
            for (var i = 0; i < Changes; i++)
            {
                var owner = port.Find($"ipvl{random.Next(Addresses / Plan.AddressesPerInterface)}")!;
                var prefix = new L3Prefix(Plan.Address(isSix, Addresses + random.Next(Addresses * 4)), isSix ? 64 : 24);
                var start = Stopwatch.GetTimestamp();
                var result = port.AddAddress(owner, prefix);
                var added = Stopwatch.GetTimestamp();
                if (result != PortResult.Ok)
                    continue;
                Plan.Check(port.RemoveAddress(owner, prefix));
                removes.Add(Stopwatch.GetElapsedTime(added).TotalMicroseconds);
                adds.Add(Stopwatch.GetElapsedTime(start, added).TotalMicroseconds);
            }
        });
        collections = GC.CollectionCount(0) - collections;
        Write($"add one of 1M {family}", adds);
        Write($"remove one of 1M {family}", removes);
        report.Add(new Figure($"  frames decided meanwhile", "M/s", during.FramesPerSecond / 1e6)
        {
            Ratios = new Dictionary<string, double> { ["of the rate without changes"] = during.FramesPerSecond / alone.FramesPerSecond },
        });
        report.Line($"  longest gap between batches of {BatchFrames}: {during.LongestGap.TotalMicroseconds:0} us with {adds.Count + removes.Count} changes ({collections} collections), "
            + $"{alone.LongestGap.TotalMicroseconds:0} us in {Alone.TotalSeconds:0} s without");
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
            var last = Stopwatch.GetTimestamp();
            while (!_stop)
            {
                if (decider.Run(traffic, first, BatchFrames) != BatchFrames)
                    throw new InvalidOperationException($"an address of {port.MasterName} that nobody touched was not found");
                first = (first + BatchFrames) % traffic.Count;
                Volatile.Write(ref _frames, _frames + BatchFrames);
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
