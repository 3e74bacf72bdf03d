using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>Changes of the running port: links, addresses, the master, modes and flags (semantics sections 8 and 9).</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ChangeTests : LabTest
{
    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    public void An_interface_that_is_down_owns_nothing_and_comes_back(PortMode mode)
    {
        var bed = Open(mode);
        Bed.MustReach(bed.Wire, bed.Red);
        bed.Red.Ip($"link set {bed.Red.Device} down");
        Eventually.Holds(() => !bed.Status(bed.Red).IsUp);
        // IPv4 addresses stay with the interface, IPv6 ones go with the link.
        Eventually.Holds(() => bed.Status(bed.Red).Addresses.Count == 1);
        Bed.MustNotReach(bed.Wire, bed.Red.Four);
        Bed.MustReach(bed.Wire, bed.Green);

        bed.Red.Ip($"link set {bed.Red.Device} up");
        bed.Red.Netlink.AddAddress(bed.Red.Link, bed.Red.Six, 64, AddressFlags.NoDad);
        bed.Follow(mode);
        Bed.MustReach(bed.Wire, bed.Red);
        Bed.MustReach(bed.Wire, bed.Red, isSix: true);
        Bed.MustReach(bed.Red, bed.Green);
    }

    [TestMethod]
    [DataRow(PortMode.L2, "10.77.0.200/24")]
    [DataRow(PortMode.L2, "fd77::200/64")]
    [DataRow(PortMode.L3, "192.0.2.200/32")]
    [DataRow(PortMode.L3S, "fd77::200/64")]
    public void Addresses_come_and_go_by_the_stacks_own_tools(PortMode mode, string prefix)
    {
        var bed = Open(mode);
        var owned = L3Prefix.Parse(prefix);
        var address = owned.Address.ToIPAddress();
        var isSix = owned.Address.IsSix;
        if (mode != PortMode.L2)
        {
            bed.Wire.Ip($"route add {address}/{(isSix ? 128 : 32)} dev {bed.Wire.Device}");
            bed.Wire.Netlink.SetNeighbor(bed.Wire.Link, address, bed.PortSide.Netlink.GetLink(Bed.WireLink).Mac);
        }
        Bed.MustNotReach(bed.Wire, address);
        bed.Red.Exec("ip", "address", "add", prefix, "dev", bed.Red.Device);
        Eventually.Holds(() => bed.Status(bed.Red).Addresses.Contains(owned));
        Bed.MustReach(bed.Wire, address);
        bed.Red.Exec("ip", "address", "del", prefix, "dev", bed.Red.Device);
        Eventually.Holds(() => !bed.Status(bed.Red).Addresses.Contains(owned));
        Bed.MustNotReach(bed.Wire, address);
    }

    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    [DataRow(PortMode.L3S)]
    public void With_the_master_down_interfaces_reach_each_other_only(PortMode mode)
    {
        var bed = Open(mode);
        Bed.MustReach(bed.Red, bed.Wire);
        Bed.MustReach(bed.Red, bed.Green);
        bed.PortSide.Ip($"link set {Bed.WireLink} down");
        Eventually.Holds(() => !bed.Datapath.Port.IsUp);
        Bed.MustNotReach(bed.Red, bed.Wire.Four);
        Bed.MustReach(bed.Red, bed.Green);
        Bed.MustReach(bed.Red, bed.Green, isSix: true);
        Assert.IsGreaterThan(0, bed.Drops(bed.Red, DropReason.MasterDown));

        bed.PortSide.Ip($"link set {Bed.WireLink} up");
        Eventually.Holds(() => bed.Datapath.Port.IsUp);
        Bed.MustReach(bed.Red, bed.Wire);

        bed.Host.Ip($"link set dev {bed.Host.Device} down");
        Eventually.Holds(() => !bed.Datapath.Port.IsUp);
        bed.Host.Ip($"link set dev {bed.Host.Device} up");
        Eventually.Holds(() => bed.Datapath.Port.IsUp);
        Bed.MustReach(bed.Host, bed.Wire);
        Bed.MustReach(bed.Red, bed.Wire);
    }

    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    public void All_follow_the_masters_mac(PortMode mode)
    {
        var bed = Open(mode);
        Bed.MustReach(bed.Red, bed.Wire);
        var mac = MacAddress.Parse("02:12:34:56:78:9a");
        bed.MasterMacs.Add(mac);
        bed.PortSide.Ip($"link set {Bed.WireLink} address {mac}");
        Eventually.Holds(() => bed.Datapath.Port.Mac == mac && bed.Red.Mac == mac && bed.Green.Mac == mac && bed.Host.Mac == mac);
        bed.Follow(mode);
        foreach (var isSix in new[] { false, true })
        {
            Bed.MustReach(bed.Red, bed.Wire, isSix);
            Bed.MustReach(bed.Host, bed.Wire, isSix);
            Bed.MustReach(bed.Red, bed.Green, isSix);
            Assert.AreEqual(mac, bed.Wire.NeighborOf(bed.Red.Address(isSix)));
        }

        // Nobody else has a MAC of its own.
        bed.Red.Netlink.SetMac(bed.Red.Link, PhysicalAddress.Parse("02-00-00-00-00-99"));
        Eventually.Holds(() => bed.Red.Mac == mac);
    }

    [TestMethod]
    public void A_namespace_that_is_deleted_takes_its_interface_along()
    {
        var bed = Open(PortMode.L2);
        var prefix = new L3Prefix(L3Address.From(bed.Green.Four), 24);
        Tool.Run("ip", "netns", "delete", bed.Green.Namespace.Name!);
        Eventually.Holds(() => bed.Datapath.Interfaces.Count == 1);
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.IsFalse(bed.Datapath.Completion.IsCompleted);
        // What it had is free.
        bed.Red.Netlink.AddAddress(bed.Red.Link, bed.Green.Four, 24);
        Eventually.Holds(() => bed.Status(bed.Red).Addresses.Contains(prefix));
        Bed.MustReach(bed.Wire, bed.Green.Four);
        // The bed deletes it by name in the end.
        NetworkNamespace.Create(bed.Green.Namespace.Name!).Dispose();
    }

    [TestMethod]
    public void A_link_that_is_deleted_is_an_interface_removed()
    {
        var bed = Open(PortMode.L3);
        bed.Green.Ip($"link delete {bed.Green.Device}");
        Eventually.Holds(() => bed.Datapath.Interfaces.Count == 1);
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.AreEqual(PortResult.NoDevice, bed.Datapath.RemoveInterface(bed.Green.Device));
    }

    [TestMethod]
    public void An_interface_that_is_added_disturbs_no_other()
    {
        var bed = Open(PortMode.L2, interfaces: 1);
        var address = IPAddress.Parse("10.77.0.123");
        bed.Red.Netlink.SetNeighbor(bed.Red.Link, address, PhysicalAddress.Parse("02-00-00-00-00-77"));
        bed.Add();
        bed.Datapath.SetFlag(PortFlag.Private);
        Assert.AreEqual(MacAddress.Parse("02:00:00:00:00:77"), bed.Red.NeighborOf(address), "a neighbor set by hand");
    }

    [TestMethod]
    public async Task A_stream_outlives_every_change_of_mode_and_flag()
    {
        var bed = Open(PortMode.L2);
        // What both kinds of mode need, at once: the interface's stack sends all to the wire, which knows it.
        using var listener = bed.Wire.Open(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(bed.Wire.Four, 0));
        listener.Listen(1);
        using var sender = bed.Red.Open(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        sender.SendTimeout = 20_000;
        sender.Connect(listener.LocalEndPoint!);
        using var receiver = listener.Accept();
        receiver.ReceiveTimeout = 20_000;
        long received = 0, wrong = 0;
        var isOver = false;
        var sending = Task.Run(() =>
        {
            var chunk = Counted();
            while (!Volatile.Read(ref isOver))
                sender.Send(chunk);
            sender.Shutdown(SocketShutdown.Send);
        });
        var receiving = Task.Run(() =>
        {
            var expected = Counted();
            var buffer = new byte[expected.Length];
            for (int got; (got = receiver.Receive(buffer)) > 0; Interlocked.Add(ref received, got))
            {
                for (var i = 0; i < got; i++)
                    wrong += buffer[i] == expected[(received + i) % expected.Length] ? 0 : 1;
            }
        });
        foreach (var mode in new[] { PortMode.L3, PortMode.L3S, PortMode.L2, PortMode.L3S, PortMode.L2, PortMode.L3 })
        {
            foreach (var flag in new[] { PortFlag.Private, PortFlag.Vepa, PortFlag.Bridge })
            {
                bed.SetMode(mode);
                bed.Datapath.SetFlag(flag);
                var before = Interlocked.Read(ref received);
                Eventually.Holds(() => Interlocked.Read(ref received) > before + 100_000, $"the stream goes on in {mode} {flag}");
            }
        }
        Volatile.Write(ref isOver, true);
        await Task.WhenAll(sending, receiving).ConfigureAwait(false);
        Assert.AreEqual(0, wrong, "bytes other than those sent");
    }

    [TestMethod]
    public async Task A_stream_between_siblings_outlives_interfaces_that_come_and_go()
    {
        var bed = Open(PortMode.L3);
        using var listener = bed.Green.Open(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(bed.Green.Six, 0));
        listener.Listen(1);
        using var sender = bed.Red.Open(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        sender.Connect(listener.LocalEndPoint!);
        using var receiver = listener.Accept();
        var sent = Frames.Pattern(64 << 20);
        var sending = Task.Run(() =>
        {
            sender.Send(sent);
            sender.Shutdown(SocketShutdown.Send);
        });
        var receiving = Task.Run(() => TransferTests.ReadToEnd(receiver));
        bed.CreateNamespace("guest");
        var guest = bed.Red.Namespace.Name!.Replace("red", "guest", StringComparison.Ordinal);
        for (var i = 0; i < 20 || (!receiving.IsCompleted && i < 100); i++)
        {
            Assert.AreEqual(PortResult.Ok, bed.Datapath.AddInterface(new Datapath.InterfaceSettings("guest", guest)));
            Assert.AreEqual(PortResult.Ok, bed.Datapath.RemoveInterface("guest"));
        }
        await sending.ConfigureAwait(false);
        Assert.IsTrue((await receiving.ConfigureAwait(false)).AsSpan().SequenceEqual(sent));
    }

    private static byte[] Counted()
    {
        // Of a length that is no multiple of anything a segment may have.
        var bytes = new byte[65_537];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i ^ (i >> 8));
        return bytes;
    }
}
