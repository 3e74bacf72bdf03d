using System.Diagnostics;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>How fast the machine is at this moment: with others at work, reads from beyond the cache take many times as long.</summary>
internal static class MachineSpeed
{
    private const int Line = 64 / sizeof(int);
    private const int Runs = 9;
    private const int Reads = 50_000;

    public static string Describe() =>
        $"this machine now: a read takes {Latency(16 << 10):0.0} ns in 16 KB, {Latency(512 << 10):0.0} ns in 512 KB, {Latency(32 << 20):0.0} ns in 32 MB (least of {Runs} runs; idle machines: about 2, 6 and 80)";

    /// <summary>Nanoseconds for each of a chain of reads, every one to the place that the last names, over that many bytes.</summary>
    private static double Latency(int bytes)
    {
        var lines = bytes / 64;
        var order = new int[lines];
        for (var i = 0; i < lines; i++)
            order[i] = i;
        new Random(1).Shuffle(order);
        var next = new int[lines * Line];
        for (var i = 0; i < lines; i++)
            next[order[i] * Line] = order[(i + 1) % lines] * Line;
        var least = double.MaxValue;
        var at = 0;
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Reads; i++)
                at = next[at];
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Reads);
        }
        GC.KeepAlive(at);
        return least;
    }
}
