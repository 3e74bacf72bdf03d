using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>Looked up ahead or not, frames have the same fate and the counters the same values.</summary>
[TestClass]
public sealed class ForesightTests
{
    private const int Interfaces = 40;
    private const int Batches = 60;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(50, 1)]
    [DataRow(50, 2)]
    [DataRow(50, null)]
    [DataRow(20_000, 1)]
    [DataRow(20_000, 2)]
    public void Frames_of_a_batch_are_decided_as_each_alone(int addresses, int? turns)
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var random = new Random(seed);
        var (together, alone) = (Build(addresses), Build(addresses));
        var reached = new Dictionary<DecisionAction, int>();
        var foresight = new Foresight(200) { Turns = turns };
        var foreseen = 0;
        for (var batch = 0; batch < Batches; batch++)
        {
            foreach (var port in (ReadOnlySpan<Port>)[together, alone])
                Change(port, new Random(unchecked(seed + batch)));
            var forge = new FrameForge(random);
            var frames = Enumerable.Range(0, random.Next(1, 200)).Select(_ => random.Next(3) == 0 ? forge.Next() : new ForgedFrame(Plain(random, addresses))).ToList();
            var sender = random.Next(3) == 0 ? null : $"ipvl{random.Next(Interfaces)}";
            Foresee(together, sender, new FrameArray([.. frames.Select(frame => frame.Bytes)]), foresight);
            for (var i = 0; i < frames.Count; i++)
            {
                var expected = Text(Decide(alone, sender, frames[i], default));
                var decision = Decide(together, sender, frames[i], foresight.Frames[i]);
                Assert.AreEqual(expected, Text(decision), $"batch {batch}, frame {i} {Convert.ToHexString(frames[i].Bytes)} from {sender ?? "the wire"}");
                reached[decision.Action] = reached.GetValueOrDefault(decision.Action) + 1;
                foreseen += foresight.Frames[i].IsNothing ? 0 : 1;
            }
        }
        for (var i = 0; i < Interfaces; i++)
            Assert.AreEqual(Counters(alone.Find($"ipvl{i}")!), Counters(together.Find($"ipvl{i}")!), $"ipvl{i}");
        foreach (var action in (ReadOnlySpan<DecisionAction>)[DecisionAction.Deliver, DecisionAction.Host, DecisionAction.Route, DecisionAction.Wire, DecisionAction.Drop])
            Assert.IsGreaterThan(10, reached.GetValueOrDefault(action), action.ToString());
        Assert.IsGreaterThan(Batches, reached[DecisionAction.Deliver]);
        if (turns is null)
            Assert.AreEqual(0, foreseen, "few addresses");
        else
            Assert.IsGreaterThan(Batches, foreseen);
    }

    /// <summary>By itself only many addresses are looked up ahead; and what is foreseen of one batch is not left for the next.</summary>
    [TestMethod]
    public void It_is_taken_where_it_pays_and_forgotten_where_not()
    {
        var (few, many) = (Build(50), Build(20_000));
        var list = new FrameArray([Plain(new Random(1), 50, toOther: false), Plain(new Random(2), 50, toOther: false)]);
        var foresight = new Foresight(3);
        many.Snapshot.Foresee(list, foresight);
        Assert.IsFalse(foresight.Frames[0].IsNothing || foresight.Frames[1].IsNothing);
        Assert.IsTrue(foresight.Frames[2].IsNothing);
        many.Snapshot.Foresee(new FrameArray([list[0].ToArray()]), foresight);
        Assert.IsFalse(foresight.Frames[0].IsNothing);
        Assert.IsTrue(foresight.Frames[1].IsNothing, "of a longer batch before");
        Assert.IsFalse(few.Snapshot.Foresee(list, foresight));
        Assert.IsTrue(foresight.Frames[0].IsNothing && foresight.Frames[1].IsNothing);
        Assert.IsTrue(many.Snapshot.Foresee(list, foresight));
        few.Snapshot.Foresee(list, foresight);
        Assert.IsTrue(foresight.Frames[0].IsNothing && foresight.Frames[1].IsNothing);
    }

    /// <summary>An address that comes or goes behind the look ahead: each frame is decided by the map before or after.</summary>
    [TestMethod]
    public void Addresses_may_come_and_go_behind_it()
    {
        var port = Build(20_000);
        var owner = port.Find("ipvl0")!;
        var mine = new L3Prefix(Address(20_001, isSix: false), 24);
        var list = new FrameArray([Ip(OwnMac, OtherMac, "192.0.2.7", mine.Address.ToString(), 100)]);
        var foresight = new Foresight(1);
        for (var step = 0; step < 3; step++)
        {
            port.Snapshot.Foresee(list, foresight);
            Assert.AreEqual(PortResult.Ok, port.AddAddress(owner, mine));
            // Splits what was foreseen out of the map; the memory must still be there.
            for (var i = 0; i < 20_000; i++)
                Assert.AreEqual(PortResult.Ok, port.AddAddress(owner, new L3Prefix(Address(100_000 + (step * 20_000) + i, isSix: false), 24)));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var decision = port.Snapshot.Receive(list[0], default, foresight.Frames[0]);
            Assert.IsTrue(decision.Action == DecisionAction.Host || decision.TargetId == owner.Id, decision.Action.ToString());
            port.Snapshot.Foresee(list, foresight);
            Assert.AreEqual(owner.Id, port.Snapshot.Receive(list[0], default, foresight.Frames[0]).TargetId);
            Assert.AreEqual(PortResult.Ok, port.RemoveAddress(owner, mine));
            decision = port.Snapshot.Receive(list[0], default, foresight.Frames[0]);
            Assert.IsTrue(decision.Action == DecisionAction.Host || decision.TargetId == owner.Id, decision.Action.ToString());
        }
    }

    [TestMethod]
    [DataRow(50)]
    [DataRow(20_000)]
    public void It_allocates_nothing(int addresses)
    {
        var port = Build(addresses);
        var random = new Random(1);
        var list = new FrameArray([.. Enumerable.Range(0, 100).Select(_ => Plain(random, addresses))]);
        var foresight = new Foresight(100);
        var sender = port.Find("ipvl0")!;
        AllocationAssert.None(200, () => Run(), "batch");

        void Run()
        {
            port.Snapshot.Foresee(list, foresight);
            port.Snapshot.Foresee(sender, list, foresight);
        }
    }

    [TestMethod]
    public void More_frames_than_there_is_room_for_are_refused()
    {
        var port = Build(20_000);
        var list = new FrameArray([Plain(new Random(1), 50), Plain(new Random(2), 50)]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => port.Snapshot.Foresee(list, new Foresight(1)));
    }

    private static Port Build(int addresses)
    {
        var port = new Port("eth0", MacAddress.Parse(OwnMac), 1500, seed: 7);
        port.SetMasterUp(true);
        for (var i = 0; i < Interfaces; i++)
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface($"ipvl{i}", null, null, out var added));
            port.SetUp(added!, true);
        }
        for (var i = 0; i < addresses; i++)
        {
            var owner = port.Find($"ipvl{i % Interfaces}")!;
            Assert.AreEqual(PortResult.Ok, port.AddAddress(owner, new L3Prefix(Address(i, isSix: i % 2 == 0), 24)));
        }
        port.AddMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        port.AddRoute(L3Prefix.Parse("0.0.0.0/0"), new Route(L3Address.Parse("10.0.0.254")));
        port.Neighbors.Set(L3Address.Parse("10.0.0.254"), MacAddress.Parse(GatewayMac), TimeSpan.MaxValue);
        return port;
    }

    private static L3Address Address(int number, bool isSix) =>
        isSix ? new L3Address(0xfd00_0000_0000_0000, (ulong)number + 0x1_0000) : new L3Address(0x0a10_0000u + (uint)number);

    /// <summary>A frame that most likely has an interface's address and MAC, and sometimes nobody's.</summary>
    private static byte[] Plain(Random random, int addresses, bool toOther = true)
    {
        var number = random.Next(addresses + (toOther ? addresses / 8 : 0));
        var to = Address(number, isSix: number % 2 == 0).ToString();
        var from = number % 2 == 0 ? "fd00::77" : "192.0.2.7";
        return Ip(toOther && random.Next(8) == 0 ? OtherMac : OwnMac, random.Next(8) == 0 ? OtherMac : OwnMac, from, to, random.Next(1, 1600));
    }

    private static void Change(Port port, Random random)
    {
        port.SetMode((PortMode)random.Next(3));
        port.SetFlag(random.Next(3) == 0 ? (PortFlag)random.Next(3) : PortFlag.Bridge);
        port.SetMasterUp(random.Next(10) != 0);
        for (var i = 0; i < 3; i++)
        {
            var changed = port.Find($"ipvl{random.Next(Interfaces)}")!;
            port.SetUp(changed, random.Next(3) != 0);
            port.SetMtu(changed, random.Next(600, 1501));
        }
        // A free number among those that are taken.
        if (random.Next(4) == 0 && port.Find("passing") is { } passing)
            port.RemoveInterface(passing);
        else if (port.Find("passing") is null)
            port.AddInterface("passing", null, null, out _);
    }

    private static void Foresee(Port port, string? sender, FrameArray frames, Foresight foresight)
    {
        if (sender is null)
            port.Snapshot.Foresee(frames, foresight);
        else
            port.Snapshot.Foresee(port.Find(sender)!, frames, foresight);
    }

    private static Decision Decide(Port port, string? sender, ForgedFrame frame, Foreseen foreseen)
    {
        var hop = default(NextHop);
        return sender is null
            ? port.Snapshot.Receive(frame.Bytes, frame.Offload, foreseen)
            : port.Snapshot.Transmit(port.Find(sender)!, frame.Bytes, frame.Offload, TimeSpan.Zero, ref hop, foreseen);
    }

    private static string Text(Decision decision) =>
        $"{decision.Action} {decision.TargetId} {decision.Reason} {decision.SendError} {decision.NeedsFragmenting} {decision.PacketLength}";

    private static string Counters(VirtualInterface member)
    {
        var counters = member.Counters;
        return $"{counters.RxPackets} {counters.RxBytes} {counters.TxPackets} {counters.TxBytes} {counters.Multicast} {counters.RxErrors} {counters.TxDropped}";
    }
}
