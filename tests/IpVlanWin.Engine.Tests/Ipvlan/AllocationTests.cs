using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>No decision allocates.</summary>
[TestClass]
public sealed class AllocationTests
{
    private const int Rounds = 2000;

    public static IEnumerable<object[]> Kinds =>
    [
        ["rx deliver", PortMode.L2, PortFlag.Bridge, "", Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2"), DecisionAction.Deliver],
        ["rx deliver IPv6", PortMode.L3, PortFlag.Bridge, "", Ip(OwnMac, OtherMac, "fd00::99", "fd00::2"), DecisionAction.Deliver],
        ["rx deliver ARP", PortMode.L2, PortFlag.Bridge, "", Arp(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2"), DecisionAction.Deliver],
        ["rx host", PortMode.L2, PortFlag.Bridge, "", Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1"), DecisionAction.Host],
        ["rx l3s", PortMode.L3S, PortFlag.Bridge, "", Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2").Tagged(), DecisionAction.HostAndLocal],
        ["rx l3s invalid", PortMode.L3S, PortFlag.Bridge, "", Ip(OwnMac, OtherMac, "127.0.0.1", "10.0.0.2"), DecisionAction.Host],
        ["rx flood", PortMode.L2, PortFlag.Bridge, "", Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"), DecisionAction.FloodReceived],
        ["rx runt", PortMode.L2, PortFlag.Bridge, "", new byte[5], DecisionAction.Drop],
        ["tx deliver", PortMode.L2, PortFlag.Bridge, "a", Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"), DecisionAction.Deliver],
        ["tx private", PortMode.L3, PortFlag.Private, "a", Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"), DecisionAction.Drop],
        ["tx tagged private", PortMode.L2, PortFlag.Private, "a", Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(), DecisionAction.Drop],
        ["tx wire", PortMode.L2, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3"), DecisionAction.Wire],
        ["tx host", PortMode.L2, PortFlag.Bridge, "a", Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.1"), DecisionAction.Host],
        ["tx flood", PortMode.L2, PortFlag.Vepa, "a", Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"), DecisionAction.FloodSent],
        ["tx route", PortMode.L3, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1"), DecisionAction.Route],
        ["tx route IPv6", PortMode.L3S, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1"), DecisionAction.Route],
        ["tx route IPv6 multicast", PortMode.L3, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "fd00::2", "ff02::1"), DecisionAction.Route],
        ["tx route to host", PortMode.L3, PortFlag.Vepa, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.1"), DecisionAction.RouteToHost],
        ["tx neighbor missing", PortMode.L3, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.77"), DecisionAction.NeighborMissing],
        ["tx broadcast of a prefix", PortMode.L3, PortFlag.Bridge, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.255"), DecisionAction.Drop],
        ["tx down", PortMode.L3, PortFlag.Bridge, "c", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.255"), DecisionAction.Drop],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Deciding_allocates_nothing(string kind, PortMode mode, PortFlag flag, string sender, byte[] frame, DecisionAction action)
    {
        var port = new TestPort(mode, flag);
        var member = sender.Length == 0 ? null : port[sender];
        Assert.AreEqual(action, Run(port.Port, member, frame), kind);
        for (var i = 0; i < 100; i++)
            Run(port.Port, member, frame);
        AllocationAssert.None(Rounds, () => Run(port.Port, member, frame), kind);
    }

    private static DecisionAction Run(Port port, VirtualInterface? sender, byte[] frame)
    {
        var snapshot = port.Snapshot;
        var hop = default(NextHop);
        var decision = sender is null ? snapshot.Receive(frame, default) : snapshot.Transmit(sender, frame, default, TimeSpan.Zero, ref hop);
        if (decision.Action is DecisionAction.FloodReceived or DecisionAction.FloodSent)
        {
            var cursor = 0;
            while (snapshot.NextReceiver(frame, default, sender, ref cursor) is not null)
            {
            }
        }
        else if (decision.Action is DecisionAction.Route or DecisionAction.NeighborMissing)
        {
            RoutedPacket.Rewrite(frame, hop.Mac, snapshot.Mac);
        }
        return decision.Action;
    }
}
