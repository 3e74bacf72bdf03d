using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>The engine against the naive port.</summary>
[TestClass]
public sealed class PortWalkTests
{
    private const int LeastWalks = 5;
    private const int Walks = 40;
    private const int StepsPerWalk = 5000;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(5);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Random_walk_agrees_with_the_naive_port()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        TestContext.WriteLine($"first seed {seed} (IPVLANWIN_FUZZ_SEED repeats it)");
        var clock = Stopwatch.StartNew();
        var reached = new Dictionary<(bool FromWire, DecisionAction Action, DropReason Reason, bool Fragments), long>();
        long judged = 0;
        // Unless told to go on, some seconds are enough where the machine is slow.
        for (var walk = 0; walk < LeastWalks || (walk < Walks && clock.Elapsed < Enough) || clock.Elapsed.TotalSeconds < seconds; walk++)
        {
            var steps = new PortWalk(unchecked(seed + walk), port => new EngineAlone(port));
            for (var step = 0; step < StepsPerWalk; step++)
                steps.Step();
            judged += steps.Judged;
            foreach (var (what, count) in steps.Reached)
                reached[what] = reached.GetValueOrDefault(what) + count;
        }
        TestContext.WriteLine($"{judged} frames judged in {clock.Elapsed.TotalSeconds:F1} s");
        foreach (var (what, count) in reached.OrderBy(entry => entry.Key))
            TestContext.WriteLine($"{(what.FromWire ? "rx" : "tx")} {what.Action} {what.Reason.Word()}{(what.Fragments ? " fragments" : "")}: {count}");
        foreach (var action in Enum.GetValues<DecisionAction>())
            Assert.IsTrue(reached.Keys.Any(what => what.Action == action), $"the walk reaches {action}");
        Assert.IsGreaterThan(LeastWalks * StepsPerWalk / 2, judged);
    }
}
