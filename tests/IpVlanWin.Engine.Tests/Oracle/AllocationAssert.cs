namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Asserts that code that has been warmed up allocates nothing.</summary>
public static class AllocationAssert
{
    private const int Attempts = 4;

    /// <summary>
    /// Runs it over and over on this thread. What the runtime allocates once, say while it compiles again what has become hot, does not
    /// come back in the next attempt; an allocation per frame does.
    /// </summary>
    public static void None(int runs, Action run, string what = "")
    {
        ArgumentNullException.ThrowIfNull(run);
        long allocated = 0;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < runs; i++)
                run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0)
                return;
        }
        Assert.AreEqual(0, allocated, $"{what}: bytes in {runs} runs");
    }
}
