using IpVlanWin.Cli.Replay;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;

namespace IpVlanWin.Cli.Tests;

/// <summary>The engine against what was recorded from the Linux driver, and the judge itself against expectations that are wrong.</summary>
[TestClass]
public sealed class VectorTests
{
    private static readonly Lazy<IReadOnlyList<Scenario>> Recorded = new(() => [.. VectorFile.Read(FilePath())]);

    public TestContext TestContext { get; set; } = null!;

    private static string FilePath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "tests", "conformance", "vectors.jsonl.gz");
            if (File.Exists(path))
                return path;
        }
        throw new FileNotFoundException($"no tests/conformance/vectors.jsonl.gz above {AppContext.BaseDirectory}");
    }

    private static (ReplayTotals Totals, List<Mismatch> Mismatches) Judge(params IEnumerable<Scenario> scenarios)
    {
        List<Mismatch> mismatches = [];
        var totals = new ReplayTotals(mismatches.Add);
        foreach (var scenario in scenarios)
        {
            using var port = new EnginePort(scenario);
            VectorReplay.Run(scenario, port, totals);
        }
        return (totals, mismatches);
    }

    [TestMethod]
    public void The_engine_does_as_linux_does()
    {
        var (totals, mismatches) = Judge(Recorded.Value);
        foreach (var mismatch in mismatches.Take(20))
            TestContext.WriteLine($"{mismatch}");
        Assert.AreEqual("7372 judged, 0 mismatched, 113 not judged", totals.Summary);
        Assert.AreEqual(657, totals.Scenarios);
        Assert.IsTrue(totals.IsClean);
        Assert.IsEmpty(mismatches);
        Assert.AreEqual(totals.Judged, totals.JudgedByClass.Values.Sum());
    }

    /// <summary>What `trace` says of a frame is what becomes of it, and asking changes nothing.</summary>
    [TestMethod]
    public void Traces_agree_with_the_engine()
    {
        var traced = 0;
        var totals = new ReplayTotals(mismatch => Assert.Fail($"{mismatch}"));
        var rules = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var scenario in Recorded.Value)
        {
            VectorReplay.Run(scenario, totals, (port, sender, frame) =>
            {
                var trace = sender is null ? FrameTrace.OfReceived(port, frame) : FrameTrace.OfSent(port, sender, frame, TimeSpan.Zero)!;
                Assert.IsGreaterThan(1, trace.Steps.Count);
                rules.UnionWith(trace.Steps.Select(static step => step.Rule));
                var invalid = port.Drops[DropReason.L3sInvalid];
                return decision =>
                {
                    traced++;
                    var reason = trace.Reason == DropReason.L3sInvalid ? DropReason.None : trace.Reason;
                    Assert.AreEqual((decision.Action, decision.Reason, decision.SendError, port.Snapshot.TargetOf(decision)?.Name), (trace.Action, reason, trace.Error, trace.Receiver), scenario.Name);
                    Assert.AreEqual(trace.Reason == DropReason.L3sInvalid, port.Drops[DropReason.L3sInvalid] > invalid, scenario.Name);
                };
            });
        }
        Assert.AreEqual("7372 judged, 0 mismatched, 113 not judged", totals.Summary);
        Assert.IsGreaterThan(5000, traced);
        TestContext.WriteLine($"{traced} traced; rules named: {string.Join(' ', rules)}");
    }

    /// <summary>The first scenario that has a fitting step, with that step changed.</summary>
    private static (Scenario Changed, int Step) Change(Func<ScenarioStep, bool> fits, Func<ScenarioStep, ScenarioStep> change)
    {
        foreach (var scenario in Recorded.Value)
        {
            for (var i = 0; i < scenario.Steps.Count; i++)
            {
                if (!fits(scenario.Steps[i]))
                    continue;
                var steps = scenario.Steps.ToArray();
                steps[i] = change(steps[i]);
                return (scenario with { Steps = steps }, i);
            }
        }
        throw new InvalidOperationException("no scenario has such a step");
    }

    private static bool IsJudged(ScenarioStep step) => step.Decision is "driver" or "routed";

    private static void AssertFound((Scenario Changed, int Step) wrong, string what)
    {
        var (totals, mismatches) = Judge(wrong.Changed);
        Assert.AreEqual(1, totals.Mismatched);
        Assert.IsFalse(totals.IsClean);
        Assert.IsNotEmpty(mismatches);
        foreach (var mismatch in mismatches)
        {
            Assert.AreEqual(wrong.Step, mismatch.Step);
            Assert.AreEqual(wrong.Changed.Name, mismatch.Scenario);
            Assert.StartsWith(what, mismatch.What);
            Assert.AreNotEqual(mismatch.Expected, mismatch.Got);
        }
        Assert.AreEqual(1, totals.MismatchedByCategory[wrong.Changed.Category]);
    }

    [TestMethod]
    public void A_frame_at_another_place_is_found()
    {
        var (changed, step) = Change(
            step => IsJudged(step) && step.Expect is [{ At: "wire" }],
            step => step with { Expect = [step.Expect![0] with { At = "host" }] });
        var (totals, mismatches) = Judge(changed);
        Assert.AreEqual(1, totals.Mismatched, "a step counts once");
        CollectionAssert.AreEquivalent((string[])["frames at host", "frames at wire"], mismatches.Select(mismatch => mismatch.What).ToArray());
        Assert.IsTrue(mismatches.All(mismatch => mismatch.Step == step));
    }

    [TestMethod]
    public void A_byte_that_differs_is_found() => AssertFound(
        Change(
            step => IsJudged(step) && step.Expect is [_] && step.NeighborMissing is null,
            step => step with { Expect = [step.Expect![0] with { Frame = step.Expect[0].Frame[..^2] + (step.Expect[0].Frame.EndsWith("00", StringComparison.Ordinal) ? "01" : "00") }] }),
        "frames at ");

    [TestMethod]
    public void A_frame_that_is_missing_is_found() => AssertFound(
        Change(step => IsJudged(step) && step.Expect is [], step => step with { Expect = [new PlacedFrame("host", "000000000000000000000000ffff")], Types = ["host"] }),
        "frames at host");

    [TestMethod]
    public void A_frame_too_many_is_found() => AssertFound(
        Change(step => IsJudged(step) && step.Expect is [{ At: "host" }], step => step with { Expect = [], Types = [] }),
        "frames at host");

    [TestMethod]
    public void A_counter_is_found() => AssertFound(
        Change(
            step => IsJudged(step) && step.Counters is { Count: 1 },
            step => step with { Counters = step.Counters!.ToDictionary(entry => entry.Key, entry => (IReadOnlyDictionary<string, long>)entry.Value.ToDictionary(counter => counter.Key, counter => counter.Value + 1)) }),
        "counters");

    [TestMethod]
    public void A_counter_that_should_have_stayed_is_found() => AssertFound(
        Change(step => IsJudged(step) && step.Counters is { Count: 1 }, step => step with { Counters = null }),
        "counters");

    [TestMethod]
    public void An_error_that_is_missing_is_found() => AssertFound(
        Change(step => IsJudged(step) && step.SendError is null && step.Inject!.At.StartsWith("ipvl", StringComparison.Ordinal), step => step with { SendError = "ENOBUFS" }),
        "sendError");

    [TestMethod]
    public void An_error_too_many_is_found() => AssertFound(
        Change(step => IsJudged(step) && step.SendError == "ENOBUFS", step => step with { SendError = null }),
        "sendError");

    [TestMethod]
    public void A_result_is_found() => AssertFound(
        Change(step => step is { Action: not null, Result: "EADDRINUSE" }, step => step with { Result = "ok" }),
        "result");

    [TestMethod]
    public void The_ports_state_is_found() => AssertFound(
        Change(step => step.Port is not null, step => step with { Port = step.Port! with { Mtu = step.Port.Mtu + 1 } }),
        "port");

    [TestMethod]
    [DataRow("mtu")]
    [DataRow("up")]
    [DataRow("mac")]
    [DataRow("addresses")]
    [DataRow("promiscuous")]
    [DataRow("allmulti")]
    public void An_interfaces_state_is_found(string what) => AssertFound(
        Change(
            step => step.After is { Count: > 0 },
            step =>
            {
                var (name, state) = step.After!.First();
                state = what switch
                {
                    "mtu" => state with { Mtu = state.Mtu - 1 },
                    "up" => state with { Up = !state.Up },
                    "mac" => state with { Mac = "02:aa:aa:aa:aa:aa" },
                    "addresses" => state with { Addresses = [.. state.Addresses, "192.0.2.200/24"] },
                    "promiscuous" => state with { Promiscuous = !state.Promiscuous },
                    _ => state with { Allmulti = !state.Allmulti },
                };
                return step with { After = new Dictionary<string, InterfaceAfter>(step.After!) { [name] = state } };
            }),
        "after");

    [TestMethod]
    public void Statistics_are_found_though_no_step_differs()
    {
        var scenario = Recorded.Value.First(each => each.Statistics is { Count: > 0 });
        var (name, counters) = scenario.Statistics!.First();
        var wrong = new Dictionary<string, IReadOnlyDictionary<string, long>>(scenario.Statistics!)
        {
            [name] = counters.ToDictionary(entry => entry.Key, entry => entry.Value + 1),
        };
        var (totals, mismatches) = Judge(scenario with { Statistics = wrong });
        Assert.AreEqual(0, totals.Mismatched);
        Assert.IsFalse(totals.IsClean);
        Assert.IsGreaterThan(0, totals.StatisticsMismatches);
        Assert.IsTrue(mismatches.All(mismatch => mismatch.What == "statistics"));
    }
}
