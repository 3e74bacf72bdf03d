using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath;

/// <summary>Frames by which a station tells its address unasked.</summary>
internal static class AnnouncementFrames
{
    private const int ArpLength = 28;
    private const int Ipv6Header = 40;
    private const int AdvertisementLength = 32;
    private const byte IcmpV6 = 58;
    private const byte NeighborAdvertisement = 136;
    private const byte OverrideFlag = 0x20;
    private const byte TargetLinkLayerAddress = 2;
    private const byte HopLimit = 255;

    /// <summary>ff02::1, and its MAC.</summary>
    private static readonly L3Address s_allNodes = new(0xff02_0000_0000_0000, 1);

    private static readonly MacAddress s_allNodesMac = new(0x3333_0000_0001);

    /// <summary>ARP announcement: a request for the own address (RFC 5227 section 1.1, RFC 826).</summary>
    public static byte[] Arp(MacAddress mac, L3Address address)
    {
        var frame = Ethernet(MacAddress.Broadcast, mac, EtherType.Arp, ArpLength);
        var packet = frame.AsSpan(EtherType.HeaderLength);
        ReadOnlySpan<byte> head = [0, 1, 8, 0, 6, 4, 0, 1];
        head.CopyTo(packet);
        mac.Write(packet[8..]);
        address.Write(packet[14..]);
        address.Write(packet[24..]);
        return frame;
    }

    /// <summary>Unsolicited neighbor advertisement to all nodes, overriding what they knew (RFC 4861 sections 4.4 and 7.2.6).</summary>
    public static byte[] Advertisement(MacAddress mac, L3Address address)
    {
        var frame = Ethernet(s_allNodesMac, mac, EtherType.IPv6, Ipv6Header + AdvertisementLength);
        var packet = frame.AsSpan(EtherType.HeaderLength);
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], AdvertisementLength);
        packet[6] = IcmpV6;
        packet[7] = HopLimit;
        address.Write(packet[8..]);
        s_allNodes.Write(packet[24..]);
        var message = packet[Ipv6Header..];
        message[0] = NeighborAdvertisement;
        message[4] = OverrideFlag;
        address.Write(message[8..]);
        message[24] = TargetLinkLayerAddress;
        message[25] = 1;
        mac.Write(message[26..]);
        var initial = Checksum.PseudoHeader(packet.Slice(8, 16), packet.Slice(24, 16), IcmpV6, AdvertisementLength);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Compute(message, initial));
        return frame;
    }

    private static byte[] Ethernet(MacAddress to, MacAddress from, ushort type, int length)
    {
        var frame = new byte[EtherType.HeaderLength + length];
        to.Write(frame);
        from.Write(frame.AsSpan(MacAddress.Bytes));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), type);
        return frame;
    }
}
