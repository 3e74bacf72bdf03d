using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>MTUs that change, and packets above the master's (semantics 34, 50, 51).</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class MtuTests : LabTest
{
    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    public void Interfaces_follow_the_master_and_keep_their_own(PortMode mode)
    {
        var bed = Open(mode);
        SetMaster(bed, 1400);
        Eventually.Holds(() => Mtus(bed) == (1400, 1400, 1400));

        bed.Red.Ip($"link set {bed.Red.Device} mtu 1300");
        Eventually.Holds(() => bed.Status(bed.Red).IpMtu == 1300);
        SetMaster(bed, 1450);
        Eventually.Holds(() => Mtus(bed) == (1450, 1300, 1450));
        SetMaster(bed, 1290);
        Eventually.Holds(() => Mtus(bed) == (1290, 1290, 1290));
        SetMaster(bed, 9000);
        Eventually.Holds(() => Mtus(bed) == (9000, 1290, 9000));
        Bed.MustReach(bed.Red, bed.Wire);
        Bed.MustReach(bed.Green, bed.Wire, isSix: true);

        // More than the master carries is taken back.
        bed.Red.Ip($"link set {bed.Red.Device} mtu 9001");
        Eventually.Holds(() => Mtus(bed) == (9000, 1290, 9000));
        var added = bed.Add();
        Assert.AreEqual(9000, bed.Status(added).IpMtu);
        Assert.AreEqual(9000, added.Netlink.GetLink(added.Link).IpMtu);
    }

    [TestMethod]
    public void A_master_that_carries_more_than_a_tap_is_cut_to_what_a_tap_carries()
    {
        var bed = Open(PortMode.L3);
        SetMaster(bed, 65_535);
        Eventually.Holds(() => Mtus(bed) == (65_521, 65_521, 65_521));
        SetMaster(bed, 1500);
        Eventually.Holds(() => Mtus(bed) == (1500, 1500, 1500));
        Bed.MustReach(bed.Red, bed.Wire);
    }

    [TestMethod]
    public void Jumbo_frames_pass_where_the_master_carries_them()
    {
        var bed = Open(PortMode.L3);
        SetMaster(bed, 9000);
        bed.Wire.Ip($"link set {bed.Wire.Device} mtu 9000");
        Eventually.Holds(() => Mtus(bed) == (9000, 9000, 9000));
        using var sender = bed.Red.OpenUdp(isSix: false);
        sender.DontFragment = true;
        foreach (var station in new[] { bed.Wire, bed.Green })
        {
            using var receiver = station.OpenUdp(isSix: false);
            receiver.ReceiveTimeout = 500;
            Eventually.Holds(() =>
            {
                sender.SendTo(Frames.Pattern(8972), receiver.LocalEndPoint!);
                return TransferTests.TryReceive(receiver, new byte[9000]) == 8972;
            });
        }
    }

    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    public void More_than_the_interfaces_mtu_is_refused_and_counted(PortMode mode)
    {
        Injector? injector = null;
        var bed = Open(mode, decorate: (name, device) => name == "ipvl0" ? injector = new Injector(device) : device);
        using var trigger = bed.Red.OpenUdp(isSix: false);
        using var receiver = bed.Wire.OpenUdp(isSix: false);
        var (from, to) = ((IPEndPoint)trigger.LocalEndPoint!, (IPEndPoint)receiver.LocalEndPoint!);
        // As if the stack had sent it: no stack does, so it comes beside a frame that one sends.
        injector!.Add(Frames.Ethernet(bed.Wire.Mac, bed.Red.Mac, Frames.Four, Frames.FourUdp(from, to, Frames.Pattern(1473), mayFragment: true)));
        trigger.SendTo([1], to);
        var buffer = new byte[2000];
        Assert.AreEqual(1, receiver.Receive(buffer), "the frame beside it");
        Eventually.Holds(() => bed.Drops(bed.Red, DropReason.Oversize) == 1);
        Assert.AreEqual(0, receiver.Available);
    }

    [TestMethod]
    [DataRow(PortMode.L2, false)]
    [DataRow(PortMode.L2, true)]
    [DataRow(PortMode.L3, false)]
    [DataRow(PortMode.L3, true)]
    [DataRow(PortMode.L3S, false)]
    public void A_narrower_link_behind_a_router_is_learned_or_fragmented_for(PortMode mode, bool isSix)
    {
        const int FarMtu = 1300, Payload = 1400;
        var bed = Open(mode);
        var far = bed.CreateNamespace("far");
        var (near, distant) = isSix ? (IPAddress.Parse("fd78::1"), IPAddress.Parse("fd78::2")) : (IPAddress.Parse("10.78.0.1"), IPAddress.Parse("10.78.0.2"));
        var everywhere = new IPNetwork(isSix ? IPAddress.IPv6Any : IPAddress.Any, 0);
        using (var netlink = RouteNetlink.Open(far))
        {
            var link = bed.Wire.Netlink.CreateVeth("narrow", "far", far);
            bed.Wire.Netlink.SetMtu(link.Index, FarMtu);
            bed.Wire.Netlink.AddAddress(link.Index, near, isSix ? 64 : 24, AddressFlags.NoDad);
            bed.Wire.Netlink.SetUp(link.Index, true);
            netlink.AddAddress(link.PeerIndex, distant, isSix ? 64 : 24, AddressFlags.NoDad);
            netlink.SetMtu(link.PeerIndex, FarMtu);
            netlink.SetUp(link.PeerIndex, true);
            // The router's other link: not the master's wire, though seen in the same namespace.
            bed.MasterMacs.Add(MacAddress.Read(netlink.GetLink(link.PeerIndex).Mac.GetAddressBytes()));
            netlink.AddRoute(new HostRoute { Destination = everywhere, Gateway = near, LinkIndex = link.PeerIndex });
        }
        bed.Wire.Namespace.WriteSysctl(isSix ? "net/ipv6/conf/all/forwarding" : "net/ipv4/conf/all/forwarding", "1");
        var router = mode == PortMode.L2 ? bed.Red : bed.Host;
        router.Netlink.AddRoute(new HostRoute { Destination = everywhere, Gateway = bed.Wire.Address(isSix), LinkIndex = router.Link });
        Bed.MustReach(bed.Red, distant);

        var family = isSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        using var receiver = far.Run(() => new Socket(family, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 300 });
        receiver.Bind(new IPEndPoint(distant, 0));
        using var socket = bed.Red.OpenUdp(isSix);
        if (!isSix)
            socket.DontFragment = true;
        socket.Connect(receiver.LocalEndPoint!);
        // IPv6 goes on by itself, in fragments of what it learned; with DF set, sending is refused from then on.
        Eventually.Holds(() =>
        {
            TrySend(socket, Payload);
            return PathMtuOf(socket, isSix) == FarMtu;
        });
        if (!isSix)
            socket.DontFragment = false;
        var buffer = new byte[2000];
        Eventually.Holds(() => TrySend(socket, Payload) && TransferTests.TryReceive(receiver, buffer) is Payload);
        Assert.IsTrue(buffer.AsSpan(0, Payload).SequenceEqual(Frames.Pattern(Payload)));
        Eventually.Holds(() =>
        {
            receiver.SendTo(Frames.Pattern(4000), socket.LocalEndPoint!);
            socket.ReceiveTimeout = 300;
            return TransferTests.TryReceive(socket, new byte[5000]) == 4000;
        });
    }

    private static (int Port, int Red, int Green) Mtus(Bed bed)
    {
        var (red, green) = (bed.Status(bed.Red).IpMtu, bed.Status(bed.Green).IpMtu);
        var (redLink, greenLink) = (bed.Red.Netlink.GetLink(bed.Red.Device).IpMtu, bed.Green.Netlink.GetLink(bed.Green.Device).IpMtu);
        var host = bed.Host.Netlink.GetLink(bed.Host.Device).IpMtu;
        // Stack, port and host's own stack are of one mind, or it is not over yet.
        return red == redLink && green == greenLink && host == bed.Datapath.Port.IpMtu ? (host, red, green) : default;
    }

    private static void SetMaster(Bed bed, int ipMtu) => bed.PortSide.Netlink.SetMtu(bed.PortSide.Link, ipMtu);

    private static int PathMtuOf(Socket socket, bool isSix)
    {
        // IP_MTU (ip(7)), IPV6_MTU (ipv6(7)).
        var known = new byte[sizeof(int)];
        socket.GetRawSocketOption(isSix ? 41 : 0, isSix ? 24 : 14, known);
        return BitConverter.ToInt32(known);
    }

    private static bool TrySend(Socket socket, int length)
    {
        try
        {
            socket.Send(Frames.Pattern(length));
            return true;
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.MessageSize)
        {
            return false;
        }
    }
}
