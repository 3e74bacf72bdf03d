using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Devices.Tests;

/// <summary>Packets that wait for a next hop's MAC.</summary>
public sealed partial class FramePumpTests
{
    [TestMethod]
    public void A_missing_neighbor_is_asked_for_once_and_its_packets_go_in_order()
    {
        var (port, a, _) = NewPort(PortMode.L3);
        using var bed = new FramePumpBed(port);
        for (var i = 0; i < 5; i++)
            Assert.AreEqual(DecisionAction.NeighborMissing, bed.Send(a, OnLink(i)).Action);
        Assert.AreEqual("10.0.0.77", string.Join(',', bed.Asked));
        Assert.AreEqual(1, bed.Pump.PendingNeighbors);
        Assert.AreEqual("", bed.Places());
        bed.Pump.NeighborFound(L3Address.Parse("10.0.0.76"), MacAddress.Parse(NeighborMac));
        Assert.AreEqual("", bed.Places(), "another's answer is none");
        bed.Pump.NeighborFound(L3Address.Parse("10.0.0.77"), MacAddress.Parse(NeighborMac));
        var sent = bed.TakeAll();
        Assert.HasCount(5, sent);
        for (var i = 0; i < 5; i++)
        {
            Assert.AreEqual(NaiveCopy.Wire, sent[i].Place);
            CollectionAssert.AreEqual((byte[])[.. Mac(NeighborMac), .. Mac(OwnMac), .. OnLink(i)[12..]], sent[i].Bytes);
        }
        Assert.AreEqual(0, bed.Pump.PendingNeighbors);
        Assert.AreEqual(5, a.Counters.TxPackets);
        bed.Pump.NeighborFound(L3Address.Parse("10.0.0.77"), MacAddress.Parse(NeighborMac));
        Assert.AreEqual("", bed.Places(), "sent once");
        bed.Send(a, OnLink(1));
        Assert.HasCount(2, bed.Asked, "asked for anew");
    }

    [TestMethod]
    public void Waiting_packets_leave_with_the_masters_present_mac_and_only_while_it_is_up()
    {
        var (port, a, _) = NewPort(PortMode.L3);
        using var bed = new FramePumpBed(port);
        var neighbor = L3Address.Parse("10.0.0.77");
        bed.Send(a, OnLink(0));
        port.SetMasterMac(MacAddress.Parse("02:00:00:00:00:55"));
        bed.Pump.NeighborFound(neighbor, MacAddress.Parse(NeighborMac));
        CollectionAssert.AreEqual(Mac("02:00:00:00:00:55"), bed.TakeAll().Single().Bytes[6..12]);
        bed.Send(a, OnLink(0));
        port.SetMasterUp(false);
        bed.Pump.NeighborFound(neighbor, MacAddress.Parse(NeighborMac));
        Assert.AreEqual("", bed.Places());
        Assert.AreEqual(1, port.Drops[DropReason.MasterDown]);
        Assert.AreEqual(1, a.Drops[DropReason.MasterDown]);
        Assert.AreEqual(0, a.Counters.TxDropped);
    }

    [TestMethod]
    public void What_waits_too_long_is_dropped_and_counted()
    {
        var (port, a, b) = NewPort(PortMode.L3);
        using var bed = new FramePumpBed(port);
        var start = TimeSpan.FromMinutes(1);
        bed.Send(a, OnLink(0), now: start);
        bed.Send(b, OnLink(1), now: start + TimeSpan.FromSeconds(1));
        bed.Send(a, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.78"), now: start + TimeSpan.FromSeconds(2));
        bed.Pump.DropExpired(start + PendingPackets.Patience - TimeSpan.FromTicks(1));
        Assert.AreEqual(2, bed.Pump.PendingNeighbors);
        bed.Pump.DropExpired(start + PendingPackets.Patience);
        Assert.AreEqual(1, bed.Pump.PendingNeighbors);
        Assert.AreEqual((2, 1, 1), (port.Drops[DropReason.NoRoute], a.Drops[DropReason.NoRoute], b.Drops[DropReason.NoRoute]));
        Assert.AreEqual((2, 0), (a.Counters.TxPackets, a.Counters.TxDropped), "they stay counted as sent");
        Assert.AreEqual("", bed.Places());
    }

    [TestMethod]
    public void A_full_queue_for_a_neighbor_is_counted()
    {
        var (port, a, _) = NewPort(PortMode.L3);
        using var bed = new FramePumpBed(port);
        for (var i = 0; i < PendingPackets.PerNeighbor + 3; i++)
            bed.Send(a, OnLink(0));
        Assert.AreEqual((3, 3), (port.Drops[DropReason.NeighborQueueFull], a.Drops[DropReason.NeighborQueueFull]));
        for (var i = 0; i < PendingPackets.Neighbors; i++)
            bed.Send(a, Ip(OtherMac, OwnMac, "fd00::2", $"fd00::1:{i:x}"));
        Assert.AreEqual((4, 4), (port.Drops[DropReason.NeighborQueueFull], a.Drops[DropReason.NeighborQueueFull]));
        Assert.HasCount(PendingPackets.Neighbors, bed.Asked, "who cannot wait is not asked for");
        Assert.AreEqual(PendingPackets.PerNeighbor + 3 + PendingPackets.Neighbors, a.Counters.TxPackets);
        Assert.AreEqual(0, a.Counters.TxDropped);
    }
}
