using System.Diagnostics;
using IpVlanWin.Engine.Tests.Oracle;

namespace IpVlanWin.Devices.Tests;

/// <summary>The pump with its devices against the naive port.</summary>
[TestClass]
public sealed class FramePumpWalkTests
{
    private const int LeastWalks = 3;
    private const int Walks = 12;
    private const int StepsPerWalk = 4000;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(3);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Random_walk_agrees_with_the_naive_port()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"first seed {seed}");
        var clock = Stopwatch.StartNew();
        long judged = 0;
        for (var walk = 0; walk < LeastWalks || (walk < Walks && clock.Elapsed < Enough); walk++)
        {
            FramePumpBed? bed = null;
            var steps = new PortWalk(unchecked(seed + walk), port => bed = new FramePumpBed(port, resolvesAtOnce: true));
            for (var step = 0; step < StepsPerWalk; step++)
                steps.Step();
            bed!.Dispose();
            judged += steps.Judged;
        }
        TestContext.WriteLine($"{judged} frames judged in {clock.Elapsed.TotalSeconds:F1} s");
        Assert.IsGreaterThan(LeastWalks * StepsPerWalk / 2, judged);
    }
}
