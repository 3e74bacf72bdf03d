using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Tracing;

/// <summary>Traces against what the engine then does.</summary>
[TestClass]
public sealed class FrameTraceTests
{
    private const int LeastWalks = 3;
    private const int StepsPerWalk = 3000;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(4);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Random_frames_are_traced_as_they_go_and_nothing_moves()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        TestContext.WriteLine($"first seed {seed} (IPVLANWIN_FUZZ_SEED repeats it)");
        var rules = new SortedSet<string>(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        for (var walk = 0; walk < LeastWalks || clock.Elapsed < Enough; walk++)
        {
            var steps = new PortWalk(unchecked(seed + walk), port => new TracedPort(port, rules));
            for (var step = 0; step < StepsPerWalk; step++)
                steps.Step();
        }
        TestContext.WriteLine($"rules named: {string.Join(' ', rules)}");
        string[] needed = ["1", "3", "7", "9", "11", "12", "13", "15", "18", "18a", "19", "21", "21a", "21c", "22b", "23", "25", "26", "27", "28", "29", "31", "32", "33", "34", "47", "48"];
        Assert.IsEmpty(needed.Except(rules), $"not named: {string.Join(' ', needed.Except(rules))}");
    }

    [TestMethod]
    [DataRow(PortMode.L2, PortFlag.Bridge, "a", "02000000000a02000000000a080045000014000000004001f96b0a0000010a000002", DecisionAction.Deliver, "b", "21a")]
    [DataRow(PortMode.L2, PortFlag.Private, "a", "02000000000a02000000000a080045000014000000004001f96b0a0000010a000002", DecisionAction.Drop, "", "21a")]
    [DataRow(PortMode.L2, PortFlag.Vepa, "a", "02000000000a02000000000a080045000014000000004001f96b0a0000010a000002", DecisionAction.Wire, "", "23")]
    [DataRow(PortMode.L3, PortFlag.Bridge, "a", "02000000000a02000000000a080045000014000000004001f96b0a0000010a000002", DecisionAction.Deliver, "b", "25")]
    [DataRow(PortMode.L3, PortFlag.Bridge, "a", "02000000000a02000000000a080045000014000000004001f96b0a00000108080808", DecisionAction.Drop, "", "34")]
    [DataRow(PortMode.L3, PortFlag.Bridge, "a", "ffffffffffff02000000000a080045000014000000004001f96b0a00000108080808", DecisionAction.Drop, "", "26")]
    [DataRow(PortMode.L2, PortFlag.Bridge, null, "ffffffffffff0200000000ff0806000108000604000102000000000bc0a80001000000000000c0a80002", DecisionAction.FloodReceived, "a b", "12")]
    [DataRow(PortMode.L3S, PortFlag.Bridge, null, "02000000000a0200000000ff080045000014000000004001f96b0a0000090a000002", DecisionAction.Host, "", "18b")]
    public void Decisive_rule_is_named(PortMode mode, PortFlag flag, string? sender, string hex, DecisionAction action, string targets, string rule)
    {
        var port = new Port("eth0", MacAddress.Parse("02:00:00:00:00:0a"), 1500);
        port.SetMasterUp(true);
        foreach (var (name, address) in (ReadOnlySpan<(string, string)>)[("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")])
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface(name, mode, flag, out var added));
            port.AddAddress(added!, L3Prefix.Parse(address));
            port.SetUp(added!, true);
        }
        var frame = Convert.FromHexString(hex);
        var trace = sender is null ? FrameTrace.OfReceived(port, frame) : FrameTrace.OfSent(port, port.Find(sender)!, frame, TimeSpan.Zero)!;
        var steps = string.Join("; ", trace.Steps.Select(static step => $"{step.Rule}: {step.Text}"));
        Assert.AreEqual(action, trace.Action, steps);
        Assert.AreEqual(targets, string.Join(' ', trace.Targets), steps);
        Assert.AreEqual(rule, trace.Steps[^1].Rule, steps);
    }

    [TestMethod]
    public void Interface_of_another_port_or_gone_has_no_trace()
    {
        var port = new Port("eth0", MacAddress.Parse("02:00:00:00:00:0a"), 1500);
        port.AddInterface("a", null, null, out var gone);
        port.RemoveInterface(gone!);
        Assert.IsNull(FrameTrace.OfSent(port, gone!, new byte[60], TimeSpan.Zero));
    }

    /// <summary>Traces each frame before the engine decides on it.</summary>
    private sealed class TracedPort(Port port, SortedSet<string> rules) : IPortUnderTest
    {
        private readonly EngineAlone _engine = new(port);

        public Port Port => port;

        public bool CanHoldSnapshot => false;

        public bool HoldsSnapshot { get; set; }

        public void Attached(VirtualInterface added)
        {
        }

        public void Detached(VirtualInterface removed)
        {
        }

        public (Decision Decision, List<NaiveCopy> Copies) Inject(VirtualInterface? sender, ForgedFrame frame, TimeSpan now)
        {
            port.Neighbors.TakeUsed();
            var before = Counters();
            var trace = sender is null ? FrameTrace.OfReceived(port, frame.Bytes, frame.Offload) : FrameTrace.OfSent(port, sender, frame.Bytes, now, frame.Offload)!;
            Assert.AreEqual(before, Counters(), "asking counts nothing");
            Assert.IsEmpty(port.Neighbors.TakeUsed(), "asking uses no neighbor");
            var invalid = port.Drops[DropReason.L3sInvalid];
            var (decision, copies) = _engine.Inject(sender, frame, now);
            var isInvalid = port.Drops[DropReason.L3sInvalid] > invalid;
            var said = string.Join("; ", trace.Steps.Select(static step => $"{step.Rule}: {step.Text}"));
            Assert.AreEqual(
                (decision.Action, isInvalid ? DropReason.L3sInvalid : decision.Reason, decision.SendError, port.Snapshot.TargetOf(decision)?.Name, decision.NeedsFragmenting),
                (trace.Action, trace.Reason, trace.Error, trace.Receiver, trace.NeedsFragmenting), said);
            var targets = copies.Where(copy => port.Find(copy.Place) is not null).Select(static copy => copy.Place);
            Assert.AreEqual(string.Join(' ', targets), string.Join(' ', trace.Targets), said);
            Assert.AreEqual(copies.Any(static copy => copy.Place == NaiveCopy.Host), trace.ToHost, said);
            if (!trace.NeedsFragmenting)
                Assert.AreEqual(copies.Any(static copy => copy.Place == NaiveCopy.Wire || copy.Place.StartsWith("missing", StringComparison.Ordinal)), trace.ToWire, said);
            foreach (var step in trace.Steps)
                rules.Add(step.Rule);
            return (decision, copies);
        }

        private string Counters()
        {
            var text = new List<long>();
            foreach (var member in port.Interfaces)
            {
                var counters = member.Counters;
                text.AddRange([counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped]);
                for (var reason = DropReason.None; (int)reason < DropReasons.Count; reason++)
                    text.Add(member.Drops[reason]);
            }
            for (var reason = DropReason.None; (int)reason < DropReasons.Count; reason++)
                text.Add(port.Drops[reason]);
            return string.Join(' ', text);
        }
    }
}
