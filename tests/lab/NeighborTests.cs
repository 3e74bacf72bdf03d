using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Lab.Tests;

/// <summary>ARP, neighbor discovery, duplicate addresses, autoconfiguration, and neighbors that change or do not answer.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class NeighborTests : LabTest
{
    private static readonly PhysicalAddress s_otherMac = PhysicalAddress.Parse("02-aa-bb-cc-dd-ee");

    [TestMethod]
    public void An_address_of_the_wires_is_found_to_be_a_duplicate()
    {
        var bed = Open(PortMode.L2);
        var taken = IPAddress.Parse("fd77::dddd");
        bed.Wire.Netlink.AddAddress(bed.Wire.Link, taken, 64, AddressFlags.NoDad);
        bed.Red.Set("ipv6", "accept_dad", "1");
        bed.Red.Netlink.AddAddress(bed.Red.Link, taken, 64);
        Eventually.Holds(() => bed.Red.Netlink.ListAddresses(bed.Red.Link).Any(known => known.Address.Equals(taken) && known.IsDuplicate));

        var free = IPAddress.Parse("fd77::eeee");
        bed.Red.Netlink.AddAddress(bed.Red.Link, free, 64);
        Eventually.Holds(() => bed.Red.Netlink.ListAddresses(bed.Red.Link).Any(known => known.Address.Equals(free) && known is { IsTentative: false, IsDuplicate: false }));
        Bed.MustReach(bed.Wire, free);
    }

    [TestMethod]
    [DataRow("10.77.0.77", 24)]
    [DataRow("fd77::77", 64)]
    public void An_address_of_a_siblings_is_refused_and_owned_once_it_is_free(string text, int length)
    {
        var bed = Open(PortMode.L2);
        var address = IPAddress.Parse(text);
        var prefix = new L3Prefix(L3Address.From(address), length);
        bed.Red.Netlink.AddAddress(bed.Red.Link, address, length, AddressFlags.NoDad);
        Eventually.Holds(() => bed.Status(bed.Red).Addresses.Contains(prefix));
        bed.Green.Netlink.AddAddress(bed.Green.Link, address, length, AddressFlags.NoDad);
        Eventually.Holds(() => bed.Status(bed.Green).Refused.Contains(prefix));
        Assert.DoesNotContain(prefix, bed.Status(bed.Green).Addresses);
        var before = bed.Status(bed.Green).Counters.RxPackets;
        Bed.MustReach(bed.Wire, address);
        Assert.AreEqual(bed.Datapath.Port.Mac, bed.Wire.NeighborOf(address));

        bed.Red.Netlink.RemoveAddress(bed.Red.Link, address, length);
        Eventually.Holds(() => bed.Status(bed.Green) is { Refused.Count: 0, Addresses: var owned } && owned.Contains(prefix));
        Bed.MustReach(bed.Wire, address);
        Assert.IsGreaterThan(before, bed.Status(bed.Green).Counters.RxPackets);

        // With the interface that has it, too, an address becomes free.
        bed.Red.Netlink.AddAddress(bed.Red.Link, address, length, AddressFlags.NoDad);
        Eventually.Holds(() => bed.Status(bed.Red).Refused.Contains(prefix));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.RemoveInterface(bed.Green.Device));
        Eventually.Holds(() => bed.Status(bed.Red) is { Refused.Count: 0, Addresses: var owned } && owned.Contains(prefix));
        Bed.MustReach(bed.Wire, address);
    }

    [TestMethod]
    public void Gratuitous_arp_is_learned_both_ways()
    {
        var bed = Open(PortMode.L2);
        using var frames = bed.Red.OpenFrames();
        bed.Wire.Set("ipv4", "arp_accept", "1");
        var announced = Frames.Ethernet(
            MacAddress.Broadcast, bed.Red.Mac, Frames.Arp, Frames.ArpMessage(1, bed.Red.Mac, bed.Red.Four, default, bed.Red.Four));
        Eventually.Holds(() =>
        {
            frames.Send(announced);
            return bed.Wire.NeighborOf(bed.Red.Four) == bed.Datapath.Port.Mac;
        });

        Bed.MustReach(bed.Red, bed.Wire);
        using var wireFrames = bed.Wire.OpenFrames();
        bed.Wire.Netlink.SetMac(bed.Wire.Link, s_otherMac);
        var other = bed.Wire.Mac;
        var moved = Frames.Ethernet(MacAddress.Broadcast, other, Frames.Arp, Frames.ArpMessage(1, other, bed.Wire.Four, default, bed.Wire.Four));
        Eventually.Holds(() =>
        {
            wireFrames.Send(moved);
            return bed.Red.NeighborOf(bed.Wire.Four) == other;
        });
        Bed.MustReach(bed.Red, bed.Wire);
    }

    [TestMethod]
    public void Router_advertisements_configure_interfaces_with_addresses_of_their_own()
    {
        var bed = Open(PortMode.L2);
        var router = IPAddress.Parse("2001:db8:77::1");
        bed.Wire.Netlink.AddAddress(bed.Wire.Link, router, 64, AddressFlags.NoDad);
        foreach (var member in bed.Members)
            member.Set("ipv6", "accept_ra", "1");
        using var advertiser = bed.Wire.Open(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
        advertiser.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, bed.Wire.Link);
        advertiser.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, 255);
        var everybody = new IPEndPoint(IPAddress.Parse("ff02::1"), 0);
        var found = new Dictionary<Station, IPAddress>();
        Eventually.Holds(() =>
        {
            advertiser.SendTo(RouterAdvertisement(router), everybody);
            foreach (var member in bed.Members)
            {
                var made = member.Netlink.ListAddresses(member.Link).FirstOrDefault(known => !known.IsTentative && known.Address.ToString().StartsWith("2001:db8:77:", StringComparison.Ordinal));
                if (made is not null)
                    found[member] = made.Address;
            }
            return found.Count == bed.Members.Count;
        });
        Assert.AreNotEqual(found[bed.Red], found[bed.Green]);
        foreach (var member in bed.Members)
        {
            Eventually.Holds(() => bed.Status(member).Addresses.Any(owned => owned.Address == L3Address.From(found[member])));
            Assert.IsEmpty(bed.Status(member).Refused);
            Bed.MustReach(member, router);
            Bed.MustReach(bed.Wire, found[member]);
            Bed.MustReach(member, Bed.OffLinkSix);
        }
        Bed.MustReach(bed.Red, found[bed.Green]);
    }

    [TestMethod]
    [DataRow(PortMode.L3, false)]
    [DataRow(PortMode.L3S, true)]
    public void A_neighbor_that_changes_its_mac_is_followed(PortMode mode, bool isSix)
    {
        var bed = Open(mode);
        var family = isSix ? "ipv6" : "ipv4";
        // A fast life for the host's neighbors: trusted for a moment, confirmed at once.
        foreach (var (name, value) in new[] { ("base_reachable_time_ms", "500"), ("delay_first_probe_time", "0"), ("retrans_time_ms", "200") })
            bed.Host.Namespace.WriteSysctl($"net/{family}/neigh/{bed.Host.Device}/{name}", value);
        Bed.MustReach(bed.Red, bed.Wire, isSix);
        Assert.AreEqual(bed.Wire.Mac, bed.Host.NeighborOf(bed.Wire.Address(isSix)));

        // The wire says nothing of it, and takes only what is for its new address.
        bed.Wire.Set("ipv4", "arp_notify", "0");
        bed.Wire.Set("ipv6", "ndisc_notify", "0");
        bed.Wire.Netlink.SetMac(bed.Wire.Link, s_otherMac);
        // It forgot its neighbors with its address.
        bed.Follow(mode);
        Bed.MustReach(bed.Red, bed.Wire, isSix);
        Assert.AreEqual(bed.Wire.Mac, bed.Host.NeighborOf(bed.Wire.Address(isSix)));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void What_waits_for_a_neighbor_in_vain_is_counted(bool isSix)
    {
        // A queue of 64 for each neighbor: the rest finds it full.
        const int Sent = 100;
        const int Queue = 64;
        var bed = Open(PortMode.L3);
        var nobody = IPAddress.Parse(isSix ? "fd77::9999" : "10.77.0.99");
        using var socket = bed.Red.OpenUdp(isSix);
        var (noRoute, queueFull) = (bed.Drops(bed.Red, DropReason.NoRoute), bed.Drops(bed.Red, DropReason.NeighborQueueFull));
        for (var i = 0; i < Sent; i++)
            socket.SendTo([1], new IPEndPoint(nobody, 9));
        Eventually.Holds(() => bed.Drops(bed.Red, DropReason.NeighborQueueFull) == queueFull + Sent - Queue);
        Eventually.Holds(
            () => bed.Drops(bed.Red, DropReason.NoRoute) == noRoute + Queue, "the rest expires",
            () => string.Join(' ', bed.Status(bed.Red).Drops));
        Assert.AreEqual(bed.Drops(bed.Red, DropReason.NeighborQueueFull), bed.Datapath.Port.Drops[DropReason.NeighborQueueFull]);

        // Once somebody is there, it works.
        bed.Wire.Netlink.AddAddress(bed.Wire.Link, nobody, isSix ? 64 : 24, AddressFlags.NoDad);
        Bed.MustReach(bed.Red, nobody);
    }

    [TestMethod]
    public void Packets_that_waited_for_a_neighbor_arrive_in_order()
    {
        var bed = Open(PortMode.L3);
        using var sender = bed.Red.OpenUdp(isSix: false);
        using var receiver = bed.Wire.OpenUdp(isSix: false);
        Assert.IsNull(bed.Host.NeighborOf(bed.Wire.Four), "the wire is unknown at first");
        for (byte i = 0; i < 20; i++)
            sender.SendTo([i], receiver.LocalEndPoint!);
        var buffer = new byte[9];
        for (byte i = 0; i < 20; i++)
        {
            Assert.AreEqual(1, receiver.Receive(buffer));
            Assert.AreEqual(i, buffer[0]);
        }
    }

    /// <summary>RFC 4861 section 4.2, with a prefix to configure from (section 4.6.2). The kernel computes the checksum.</summary>
    private static byte[] RouterAdvertisement(IPAddress prefix)
    {
        var message = new byte[16 + 32];
        message[0] = 134;
        message[4] = 64;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), 1800);
        var option = message.AsSpan(16);
        option[0] = 3;
        option[1] = 4;
        option[2] = 64;
        option[3] = 0xc0;
        BinaryPrimitives.WriteUInt32BigEndian(option[4..], 86_400);
        BinaryPrimitives.WriteUInt32BigEndian(option[8..], 14_400);
        prefix.GetAddressBytes().AsSpan(0, 8).CopyTo(option[16..]);
        return message;
    }
}
