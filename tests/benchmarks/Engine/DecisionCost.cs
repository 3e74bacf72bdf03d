using System.Diagnostics;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>
/// Nanoseconds and bytes for each frame decided, the port and its peers in turn: a slow moment of the machine falls on all of them,
/// and ratios are taken within a round. The time of the loop alone is taken off. (BenchmarkDotNet runs its cases one after the other, each in a process of its own.)
/// </summary>
internal sealed class DecisionCost(Report report, int rounds, int seed, string only)
{
    // About 0.2 ms: shorter than a scheduler's turn, so that among many runs some are undisturbed.
    private const int BatchesPerRun = 312;
    private const int FramesPerRun = BatchesPerRun * Traffic.Batch;
    private const int HotAddresses = 8192;
    private const int ColdFrames = 1 << 20;

    private static readonly (string Name, int Addresses, bool IsCold)[] Sizes =
        [("1", 1, false), ("100", 100, false), ("10k", 10_000, false), ("1M warm", 1_000_000, false), ("1M cold", 1_000_000, true)];

    public void Run()
    {
        report.Line($"batches of {Traffic.Batch}; p99: of a batch's time, a frame's part of it; warm: {HotAddresses} of the addresses, over and over; cold: all, at random. Frames are in the cache.");
        Warm();
        foreach (var path in Enum.GetValues<Path>())
        {
            foreach (var isSix in (ReadOnlySpan<bool>)[false, true])
            {
                foreach (var (size, addresses, isCold) in Sizes)
                {
                    var name = $"{Name(path)} IPv{(isSix ? 6 : 4)} {size} addresses";
                    if (name.Contains(only, StringComparison.Ordinal))
                        Measure(name, path, isSix, addresses, isCold);
                }
            }
        }
    }

    /// <summary>Has everything compiled for a mix of traffic, as in a process that serves many interfaces, not for the first case alone.</summary>
    private void Warm()
    {
        var until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3 / 2);
        var cases = new List<(Traffic, Decider[])>();
        foreach (var path in Enum.GetValues<Path>())
        {
            foreach (var isSix in (ReadOnlySpan<bool>)[false, true])
            {
                // Few addresses, many, and many interfaces as well: they are looked up in different ways.
                foreach (var addresses in (ReadOnlySpan<int>)[1000, 10_000, 40_000])
                    cases.Add((Frames(path, isSix, addresses, isCold: false), Variants(path, isSix, addresses)));
            }
        }
        while (Stopwatch.GetTimestamp() < until)
        {
            foreach (var (traffic, variants) in cases)
            {
                foreach (var variant in variants)
                    variant.Run(traffic, 0, new long[30]);
            }
        }
    }

    private void Measure(string name, Path path, bool isSix, int addresses, bool isCold)
    {
        var traffic = Frames(path, isSix, addresses, isCold);
        var variants = Variants(path, isSix, addresses);
        var costs = variants.Select(_ => new List<double>(rounds)).ToArray();
        var warming = new long[traffic.Count / Traffic.Batch];
        var ticks = new long[BatchesPerRun];
        var batches = new List<double>(rounds * BatchesPerRun);
        var allocated = 0L;
        var first = 0;
        GC.Collect();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < variants.Length; turn++)
            {
                var which = (turn + round) % variants.Length;
                var variant = variants[which];
                if (!isCold)
                    variant.Run(traffic, 0, warming);
                var bytes = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                var hits = variant.Run(traffic, first, ticks);
                var elapsed = Stopwatch.GetElapsedTime(start);
                if (hits != FramesPerRun)
                    throw new InvalidOperationException($"{variant.Name}: {hits} of {FramesPerRun} frames reached their target");
                if (which == 0)
                {
                    allocated += GC.GetAllocatedBytesForCurrentThread() - bytes;
                    foreach (var taken in ticks)
                        batches.Add(taken * (1e9 / Stopwatch.Frequency / Traffic.Batch));
                }
                costs[which].Add(elapsed.TotalNanoseconds / FramesPerRun);
            }
            if (isCold)
                first = (first + FramesPerRun) % traffic.Count;
        }
        // Within each round, so that a slow moment is in both.
        List<double> Net(int which) => [.. costs[which].Zip(costs[^1], static (all, loop) => all - loop)];
        var ours = Net(0);
        report.Add(new Figure(name, "ns", Statistics.Median(ours))
        {
            Least = costs[0].Min() - costs[^1].Min(),
            BatchP99 = Statistics.Quantile(batches, 0.99) - Statistics.Median(costs[^1]),
            AllocatedBytes = (double)allocated / rounds / FramesPerRun,
            Target = isCold ? 50 : addresses > 10_000 ? 15 : isSix ? 12 : 10,
            Ratios = variants.Length == 2 ? null : Enumerable.Range(1, variants.Length - 2).ToDictionary(
                peer => variants[peer].Name,
                peer => Statistics.Median([.. Net(peer).Zip(ours, static (theirs, ours) => theirs / ours)])),
        });
    }

    private static string Name(Path path) => path switch
    {
        Path.Receive => "l2 receive",
        Path.Sibling => "l2 transmit to sibling",
        _ => "l3 transmit routed",
    };

    private static Decider[] Variants(Path path, bool isSix, int addresses)
    {
        var port = Plan.Build(path == Path.Routed ? PortMode.L3 : PortMode.L2, isSix, addresses, out var sender);
        return path switch
        {
            Path.Receive => [new ReceiveDecider(port), .. Peers.Build(isSix, addresses), new NoDecider()],
            Path.Sibling => [new TransmitDecider(port, sender, DecisionAction.Deliver), new NoDecider()],
            _ => [new TransmitDecider(port, sender, DecisionAction.Route), new NoDecider()],
        };
    }

    private Traffic Frames(Path path, bool isSix, int addresses, bool isCold)
    {
        var random = new Random(seed);
        var count = isCold ? ColdFrames : addresses > 10_000 ? HotAddresses : Math.Max(addresses, 1024);
        var destinations = new int[(count + Traffic.Batch - 1) / Traffic.Batch * Traffic.Batch];
        for (var i = 0; i < destinations.Length; i++)
            destinations[i] = random.Next(addresses);
        return new Traffic(path, isSix, destinations, random);
    }
}
