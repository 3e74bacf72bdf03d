using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The port's decisions on packets that the host's stack moves, by the rules of the semantics.</summary>
[TestClass]
public sealed class PacketDecisionTests
{
    private const string One = "10.0.0.2", Two = "10.0.0.3", OneSix = "fd00::2", Far = "192.0.2.9", FarSix = "2001:db8::9";

    private readonly Port _port = new("m0", MacAddress.Read([2, 0, 0, 0, 0, 1]), 1500);
    private readonly VirtualInterface _one, _two;

    public PacketDecisionTests()
    {
        _port.SetMasterUp(true);
        _port.AddMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        _port.AddInterface("ipvl0", PortMode.L3, PortFlag.Bridge, out var one);
        _port.AddInterface("ipvl1", null, null, out var two);
        (_one, _two) = (one!, two!);
        _port.SetUp(_one, true);
        _port.SetUp(_two, true);
        _port.AddAddress(_one, L3Prefix.Parse(One));
        _port.AddAddress(_one, L3Prefix.Parse(OneSix));
        _port.AddAddress(_two, L3Prefix.Parse(Two));
    }

    [TestMethod]
    [DataRow(Far, One)]
    [DataRow(FarSix, OneSix)]
    [DataRow(Two, One)]
    public void Received_GoesToTheOwner(string source, string destination)
    {
        var packet = Packets.Make(source, destination);
        var decision = _port.Snapshot.ReceivePacket(packet);
        Assert.AreEqual((DecisionAction.Deliver, _one), (decision.Action, _port.Snapshot.TargetOf(decision)));
        Assert.AreEqual((1L, packet.Length + 14L), (_one.Counters.RxPackets, _one.Counters.RxBytes));
        Assert.AreEqual(0, _two.Counters.TxPackets);
    }

    [TestMethod]
    public void Received_ForNobody_IsTheHosts()
    {
        foreach (var packet in (byte[][])[Packets.Make(Far, "10.0.0.1"), Packets.Make(FarSix, "fd00::3"), [], [0x45], new byte[60], Packets.Make(Far, One)[..19]])
            Assert.AreEqual(DecisionAction.Host, _port.Snapshot.ReceivePacket(packet).Action);
        _port.SetUp(_one, false);
        Assert.AreEqual(DecisionAction.Host, _port.Snapshot.ReceivePacket(Packets.Make(Far, One)).Action);
        Assert.AreEqual(0, _one.Counters.RxPackets);
    }

    [TestMethod]
    public void Received_MasterDown_IsDropped()
    {
        _port.SetMasterUp(false);
        Assert.AreEqual(DropReason.MasterDown, _port.Snapshot.ReceivePacket(Packets.Make(Far, One)).Reason);
        Assert.AreEqual(1, _port.Drops[DropReason.MasterDown]);
    }

    [TestMethod]
    public void Received_L3s_InvalidIsCounted_AndLeftToTheHost()
    {
        _port.SetMode(PortMode.L3S);
        var broken = Packets.Make(Far, One);
        broken[10] ^= 1;
        foreach (var packet in (byte[][])[broken, Packets.Make("127.0.0.1", One), Packets.Make(One, One)])
            Assert.AreEqual(DecisionAction.Host, _port.Snapshot.ReceivePacket(packet).Action);
        Assert.AreEqual((3L, 0L), (_port.Drops[DropReason.L3sInvalid], _one.Counters.RxPackets));
        Assert.AreEqual(DecisionAction.Deliver, _port.Snapshot.ReceivePacket(Packets.Make(Far, One)).Action);
    }

    [TestMethod]
    public void Sent_ToASibling()
    {
        var packet = Packets.Make(One, Two);
        Assert.AreEqual(DecisionAction.Deliver, _port.Snapshot.TransmitPacket(packet).Action);
        Assert.AreEqual((1L, packet.Length + 14L, 1L, packet.Length + 14L), (_one.Counters.TxPackets, _one.Counters.TxBytes, _two.Counters.RxPackets, _two.Counters.RxBytes));
        // To itself too (25); in private neither, with the master down or not.
        Assert.AreEqual(DecisionAction.Deliver, _port.Snapshot.TransmitPacket(Packets.Make(One, One)).Action);
        _port.SetFlag(PortFlag.Private);
        _port.SetMasterUp(false);
        Assert.AreEqual((DropReason.Private, SendError.NoBuffers), (_port.Snapshot.TransmitPacket(packet).Reason, _port.Snapshot.TransmitPacket(Packets.Make(One, One)).SendError));
        Assert.AreEqual((2L, 2L), (_one.Counters.TxDropped, _port.Drops[DropReason.Private]));
    }

    [TestMethod]
    [DataRow(One, Far, DecisionAction.Wire, DropReason.None)]
    [DataRow(OneSix, FarSix, DecisionAction.Wire, DropReason.None)]
    [DataRow(One, "10.0.0.1", DecisionAction.Wire, DropReason.None)]
    [DataRow("10.0.0.1", Far, DecisionAction.Host, DropReason.None)]
    [DataRow("10.0.0.1", Two, DecisionAction.Host, DropReason.None)]
    [DataRow(One, "224.0.0.251", DecisionAction.Drop, DropReason.MulticastInL3)]
    [DataRow(One, "255.255.255.255", DecisionAction.Drop, DropReason.MulticastInL3)]
    [DataRow(OneSix, "ff02::fb", DecisionAction.Drop, DropReason.MulticastInL3)]
    [DataRow(One, "10.0.0.255", DecisionAction.Drop, DropReason.DestinationNotRoutable)]
    public void Sent_Elsewhere(string source, string destination, DecisionAction action, DropReason reason)
    {
        var decision = _port.Snapshot.TransmitPacket(Packets.Make(source, destination));
        Assert.AreEqual((action, reason), (decision.Action, decision.Reason));
        Assert.AreEqual((action == DecisionAction.Wire ? 1L : 0, action == DecisionAction.Drop ? 1L : 0), (_one.Counters.TxPackets, _one.Counters.TxDropped));
        Assert.AreEqual(reason == DropReason.None ? 0 : 1, _one.Drops[reason == DropReason.None ? DropReason.NoRoute : reason]);
    }

    [TestMethod]
    public void Sent_MasterOrInterfaceDown_IsDropped()
    {
        _port.SetMasterUp(false);
        Assert.AreEqual(DropReason.MasterDown, _port.Snapshot.TransmitPacket(Packets.Make(One, Far)).Reason);
        _port.SetUp(_one, false);
        Assert.AreEqual((DropReason.InterfaceDown, SendError.NetworkDown), (_port.Snapshot.TransmitPacket(Packets.Make(One, Two)).Reason, _port.Snapshot.TransmitPacket(Packets.Make(One, Two)).SendError));
        Assert.AreEqual(1, _one.Counters.TxDropped);
    }

    /// <summary>RFC 4861: the host's stack must be able to resolve its next hops, whatever address it speaks from.</summary>
    [TestMethod]
    public void Sent_NeighborDiscovery_IsTheHosts()
    {
        var packet = Packets.Make(OneSix, "ff02::1:ff00:9");
        packet[6] = 58;
        foreach (var (type, action) in ((byte, DecisionAction)[])[(135, DecisionAction.Host), (136, DecisionAction.Host), (128, DecisionAction.Drop), (143, DecisionAction.Drop)])
        {
            packet[40] = type;
            Assert.AreEqual(action, _port.Snapshot.TransmitPacket(packet).Action);
        }
    }

    [TestMethod]
    public void Deciding_AllocatesNothing()
    {
        byte[][] packets = [Packets.Make(Far, One), Packets.Make(One, Two), Packets.Make(One, Far), Packets.Make(OneSix, FarSix), Packets.Make(One, "224.0.0.1"), [1, 2]];
        Decide();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            Decide();
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Decide()
        {
            var snapshot = _port.Snapshot;
            foreach (var packet in packets)
            {
                snapshot.ReceivePacket(packet);
                snapshot.TransmitPacket(packet);
            }
        }
    }
}
