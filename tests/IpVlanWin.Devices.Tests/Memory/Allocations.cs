namespace IpVlanWin.Devices.Tests.Memory;

/// <summary>Counts what code allocates on its own thread.</summary>
internal static class Allocations
{
    /// <summary>
    /// Bytes allocated by a round of calls, the least of several rounds: a collection that another thread causes, a lock's first
    /// contention or a recompilation may charge one round with bytes that the code did not ask for, but what it allocates on each
    /// call shows in every round.
    /// </summary>
    public static long Least(Action turn, int callsPerRound = 50)
    {
        turn();
        var least = long.MaxValue;
        for (var round = 0; round < 20 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < callsPerRound; i++)
                turn();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
