using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// What a host's IP input accepts, as far as l3s depends on it: semantics 18b to 18d, ip_rcv and ipv6_rcv in Linux.
/// RFC 791 section 3.1, RFC 1122 section 3.2.1, RFC 8200 section 3, RFC 4291 section 2.5.
/// </summary>
internal static class LocalInput
{
    private const int Ipv4MinLength = 20;
    private const int Ipv6Length = 40;
    private const int IcmpV6 = 58;

    /// <summary>
    /// Where a packet begins, and its protocol, when the host has taken off what tags stand before it: a further one wherever those before
    /// have VLAN 0, and nothing is cut short (__netif_receive_skb_core).
    /// </summary>
    public static int SkipTags(ReadOnlySpan<byte> frame, int offset, ref ushort protocol)
    {
        const int End = EtherType.HeaderLength + (EtherType.MostTags * EtherType.TagLength);
        while (EtherType.IsTag(protocol) && HasPriorityTag(frame, offset) && offset < End && frame.Length >= offset + EtherType.TagLength + sizeof(ushort))
        {
            protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[(offset + 2)..]);
            offset += EtherType.TagLength;
        }
        return offset;
    }

    /// <summary>The last tag before this offset has VLAN 0.</summary>
    public static bool HasPriorityTag(ReadOnlySpan<byte> frame, int offset) =>
        (BinaryPrimitives.ReadUInt16BigEndian(frame[(offset - EtherType.TagLength)..]) & 0xfff) == 0;

    /// <summary>Family of the destination of a packet long enough to have one. 16 or 24 bytes into it.</summary>
    public static KeyFamily Destination(ReadOnlySpan<byte> packet, ushort protocol) =>
        protocol == EtherType.IPv4 && packet.Length >= Ipv4MinLength ? KeyFamily.Four
        : protocol == EtherType.IPv6 && packet.Length >= Ipv6Length ? KeyFamily.Six
        : KeyFamily.None;

    /// <summary>What <see cref="AcceptedLength"/> gives for a packet whose version or header length is wrong, or that is cut short.</summary>
    public const int Malformed = 0;

    /// <summary>For a wrong IPv4 header checksum.</summary>
    public const int ChecksumWrong = -1;

    /// <summary>For a source that no packet from another host has.</summary>
    public const int SourceWrong = -2;

    /// <summary>For ICMPv6 from the unspecified address, whoever it is for.</summary>
    public const int FromUnspecified = -3;

    /// <summary>Length of the packet without padding, or why a host would not take it: 0 or less.</summary>
    public static int AcceptedLength(ReadOnlySpan<byte> packet, ushort protocol) =>
        protocol == EtherType.IPv4 ? AcceptedIpv4Length(packet) : AcceptedIpv6Length(packet);

    private static int AcceptedIpv4Length(ReadOnlySpan<byte> packet)
    {
        var headerLength = (packet[0] & 15) * 4;
        if (packet[0] >> 4 != 4 || headerLength < Ipv4MinLength || headerLength > packet.Length)
            return Malformed;
        if (!Checksum.IsIpv4HeaderIntact(packet[..headerLength]))
            return ChecksumWrong;
        var totalLength = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (totalLength < headerLength || totalLength > packet.Length)
            return Malformed;
        var source = BinaryPrimitives.ReadUInt32BigEndian(packet[12..]);
        var isMartian = source >> 24 == 127 || source >> 28 == 0xe || source is 0 or uint.MaxValue;
        return isMartian ? SourceWrong : totalLength;
    }

    private static int AcceptedIpv6Length(ReadOnlySpan<byte> packet)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + Ipv6Length;
        if (packet[0] >> 4 != 6 || length > packet.Length)
            return Malformed;
        var source = L3Address.ReadSix(packet[8..]);
        if (source.IsMulticast || source == new L3Address(0, 1))
            return SourceWrong;
        return source.IsUnspecified && packet[6] == IcmpV6 ? FromUnspecified : length;
    }
}
