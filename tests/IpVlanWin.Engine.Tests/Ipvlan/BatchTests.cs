using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>Decided on together or one by one, frames have the same fate and the counters the same values.</summary>
[TestClass]
public sealed class BatchTests
{
    private const int Interfaces = 40;
    private const int Batches = 60;

    public TestContext TestContext { get; set; } = null!;

    /// <summary>Few addresses are left to the frames' own look, many are found in turns; batches are shorter and longer than a turn.</summary>
    [TestMethod]
    [DataRow(50)]
    [DataRow(20_000)]
    public void A_batch_is_decided_as_its_frames_are(int addresses)
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var random = new Random(seed);
        var (together, alone) = (Build(addresses), Build(addresses));
        var reached = new Dictionary<DecisionAction, int>();
        for (var batch = 0; batch < Batches; batch++)
        {
            foreach (var port in (ReadOnlySpan<Port>)[together, alone])
                Change(port, new Random(unchecked(seed + batch)));
            var forge = new FrameForge(random);
            var frames = Enumerable.Range(0, random.Next(1, 200)).Select(_ => random.Next(3) == 0 ? forge.Next() : new ForgedFrame(Plain(random, addresses))).ToList();
            var sender = random.Next(3) == 0 ? null : $"ipvl{random.Next(Interfaces)}";
            var deliveries = new Delivery[frames.Count + random.Next(3)];
            var snapshot = together.Snapshot;
            var list = new FrameArray([.. frames.Select(frame => frame.Bytes)]);
            var isDecided = sender is null ? snapshot.Receive(list, deliveries) : snapshot.Transmit(together.Find(sender)!, list, deliveries);
            Assert.AreEqual(addresses > 16_384, isDecided);
            for (var i = 0; i < frames.Count; i++)
            {
                var expected = Text(Decide(alone, sender, frames[i], default));
                var decision = Decide(together, sender, frames[i], deliveries[i]);
                Assert.AreEqual(expected, Text(decision), $"batch {batch}, frame {i} {Convert.ToHexString(frames[i].Bytes)} from {sender ?? "the wire"}");
                reached[decision.Action] = reached.GetValueOrDefault(decision.Action) + 1;
            }
        }
        for (var i = 0; i < Interfaces; i++)
            Assert.AreEqual(Counters(alone.Find($"ipvl{i}")!), Counters(together.Find($"ipvl{i}")!), $"ipvl{i}");
        foreach (var action in (ReadOnlySpan<DecisionAction>)[DecisionAction.Deliver, DecisionAction.Host, DecisionAction.Route, DecisionAction.Wire, DecisionAction.Drop])
            Assert.IsGreaterThan(10, reached.GetValueOrDefault(action), action.ToString());
        Assert.IsGreaterThan(Batches, reached[DecisionAction.Deliver]);
    }

    [TestMethod]
    [DataRow(50)]
    [DataRow(20_000)]
    public void A_batch_allocates_nothing(int addresses)
    {
        var port = Build(addresses);
        var random = new Random(1);
        var list = new FrameArray([.. Enumerable.Range(0, 100).Select(_ => Plain(random, addresses))]);
        var deliveries = new Delivery[100];
        var sender = port.Find("ipvl0")!;
        AllocationAssert.None(200, () => Run(), "batch");

        void Run()
        {
            port.Snapshot.Receive(list, deliveries);
            port.Snapshot.Transmit(sender, list, deliveries);
        }
    }

    [TestMethod]
    public void Too_few_places_for_what_is_decided_are_refused_before_anything_is_counted()
    {
        var port = Build(50);
        var list = new FrameArray([Plain(new Random(1), 50), Plain(new Random(2), 50)]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => port.Snapshot.Receive(list, new Delivery[1]));
        Assert.AreEqual(0, Enumerable.Range(0, Interfaces).Sum(i => port.Find($"ipvl{i}")!.Counters.RxPackets));
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
    private static byte[] Plain(Random random, int addresses)
    {
        var number = random.Next(addresses + (addresses / 8));
        var to = Address(number, isSix: number % 2 == 0).ToString();
        var from = number % 2 == 0 ? "fd00::77" : "192.0.2.7";
        return Ip(random.Next(8) == 0 ? OtherMac : OwnMac, random.Next(8) == 0 ? OtherMac : OwnMac, from, to, random.Next(1, 1600));
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

    private static Decision Decide(Port port, string? sender, ForgedFrame frame, Delivery delivery)
    {
        var hop = default(NextHop);
        return sender is null
            ? port.Snapshot.Receive(frame.Bytes, frame.Offload, delivery)
            : port.Snapshot.Transmit(port.Find(sender)!, frame.Bytes, frame.Offload, TimeSpan.Zero, ref hop, delivery);
    }

    private static string Text(Decision decision) =>
        $"{decision.Action} {decision.Target} {decision.Reason} {decision.SendError} {decision.NeedsFragmenting} {decision.PacketLength}";

    private static string Counters(VirtualInterface member)
    {
        var counters = member.Counters;
        return $"{counters.RxPackets} {counters.RxBytes} {counters.TxPackets} {counters.TxBytes} {counters.Multicast} {counters.RxErrors} {counters.TxDropped}";
    }
}
