using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Lab.Tests;

/// <summary>Multicast and broadcast between stacks (semantics 12 to 16, 22, 26).</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class MulticastTests : LabTest
{
    private const int MulticastDns = 5353;
    private const int LevelSocket = 1;
    private const int BindToDevice = 25;
    private static readonly IPAddress s_four = IPAddress.Parse("224.0.0.251");
    private static readonly IPAddress s_six = IPAddress.Parse("ff02::fb");

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_member_gets_its_group_and_others_see_nothing_of_it(bool isSix)
    {
        var bed = Open(PortMode.L2);
        using var sender = Sender(bed.Wire, isSix);
        using var member = Listener(bed.Red, isSix);
        var target = new IPEndPoint(isSix ? s_six : s_four, MulticastDns);
        Join(member, bed.Red, isSix);
        Eventually.Holds(() => IsHeard(sender, member, target));

        // A frame marks the end of what was under way before.
        Bed.MustReach(bed.Wire, bed.Green, isSix);
        var before = bed.Status(bed.Green).Counters;
        var multicast = bed.Status(bed.Red).Counters.Multicast;
        for (var i = 0; i < 20; i++)
            sender.SendTo([1], target);
        Eventually.Holds(() => bed.Status(bed.Red).Counters.Multicast >= multicast + 20);
        Assert.AreEqual(before.Multicast, bed.Status(bed.Green).Counters.Multicast, "multicast of an interface that is no member");
        Assert.AreEqual(before.RxPackets, bed.Status(bed.Green).Counters.RxPackets, "packets of an interface that is no member");

        Leave(member, bed.Red, isSix);
        Eventually.Holds(() => IsIgnored(bed, sender, target));
    }

    [TestMethod]
    public void A_group_joined_right_after_another_is_heard_at_once()
    {
        var bed = Open(PortMode.L2, interfaces: 1);
        using var sender = Sender(bed.Wire, isSix: false);
        using var member = Listener(bed.Red, isSix: false);
        for (byte i = 1; i <= 10; i++)
        {
            var group = IPAddress.Parse($"239.1.2.{i}");
            member.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, bed.Red.Link));
        }
        for (byte i = 1; i <= 10; i++)
            Eventually.Holds(() => IsHeard(sender, member, new IPEndPoint(IPAddress.Parse($"239.1.2.{i}"), MulticastDns)));
    }

    [TestMethod]
    [DataRow("255.255.255.255")]
    [DataRow("10.77.0.255")]
    public void Broadcasts_reach_everybody_in_l2_but_the_host_from_inside(string address)
    {
        var bed = Open(PortMode.L2);
        var target = new IPEndPoint(IPAddress.Parse(address), MulticastDns);
        using var red = Listener(bed.Red, isSix: false);
        using var green = Listener(bed.Green, isSix: false);
        using var host = Listener(bed.Host, isSix: false);
        using var wire = Listener(bed.Wire, isSix: false);
        foreach (var (socket, station) in new[] { (red, bed.Red), (wire, bed.Wire) })
        {
            socket.EnableBroadcast = true;
            socket.SetRawSocketOption(LevelSocket, BindToDevice, Encoding.ASCII.GetBytes(station.Device));
        }

        Eventually.Holds(() => IsHeard(red, green, target) && TransferTests.TryReceive(wire, new byte[9]) is 1);
        Assert.AreEqual(0, host.Available, "an interface's broadcast at the host");
        Eventually.Holds(() => IsHeard(wire, green, target) && TransferTests.TryReceive(host, new byte[9]) is 1);
    }

    [TestMethod]
    [DataRow(PortMode.L3)]
    [DataRow(PortMode.L3S)]
    public void In_l3_there_is_no_multicast_and_its_sending_is_a_counted_drop(PortMode mode)
    {
        var bed = Open(mode);
        using var wire = Listener(bed.Wire, isSix: false);
        using var red = Listener(bed.Red, isSix: false);
        using var host = Listener(bed.Host, isSix: false);
        Join(wire, bed.Wire, isSix: false);
        Join(red, bed.Red, isSix: false);
        Join(host, bed.Host, isSix: false);
        wire.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.HostToNetworkOrder(bed.Wire.Link));
        red.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.HostToNetworkOrder(bed.Red.Link));
        red.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, false);
        wire.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, false);
        var target = new IPEndPoint(s_four, MulticastDns);

        Eventually.Holds(() => IsHeard(wire, host, target));
        var before = bed.Drops(bed.Red, DropReason.MulticastInL3);
        for (var i = 0; i < 5; i++)
            red.SendTo([1], target);
        Eventually.Holds(() => bed.Drops(bed.Red, DropReason.MulticastInL3) >= before + 5);
        Assert.AreEqual(0, wire.Available, "multicast of an interface at the wire");
        Assert.AreEqual(0, red.Available, "multicast of the wire at an interface");
        Assert.AreEqual(0, bed.Status(bed.Red).Counters.Multicast);
    }

    private static Socket Sender(Station station, bool isSix)
    {
        var socket = station.OpenUdp(isSix);
        if (isSix)
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, station.Link);
        else
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.HostToNetworkOrder(station.Link));
        return socket;
    }

    private static Socket Listener(Station station, bool isSix)
    {
        var socket = station.Open(isSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveTimeout = 500;
        if (isSix)
            socket.DualMode = false;
        socket.Bind(new IPEndPoint(isSix ? IPAddress.IPv6Any : IPAddress.Any, MulticastDns));
        return socket;
    }

    private static void Join(Socket socket, Station station, bool isSix)
    {
        if (isSix)
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(s_six, station.Link));
        else
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(s_four, station.Link));
    }

    private static void Leave(Socket socket, Station station, bool isSix)
    {
        if (isSix)
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.DropMembership, new IPv6MulticastOption(s_six, station.Link));
        else
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.DropMembership, new MulticastOption(s_four, station.Link));
    }

    private static bool IsHeard(Socket sender, Socket receiver, IPEndPoint target)
    {
        sender.SendTo([7], target);
        return TransferTests.TryReceive(receiver, new byte[9]) is 1;
    }

    /// <summary>A datagram to the group, and one to the interface itself after it: only the second is counted.</summary>
    private static bool IsIgnored(Bed bed, Socket sender, IPEndPoint target)
    {
        var before = bed.Status(bed.Red).Counters;
        sender.SendTo([7], target);
        Bed.MustReach(bed.Wire, bed.Red);
        return bed.Status(bed.Red).Counters is var after && after.Multicast == before.Multicast;
    }
}
