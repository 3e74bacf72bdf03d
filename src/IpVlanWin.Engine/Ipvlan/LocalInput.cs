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

    /// <summary>Family of the destination of a packet long enough to have one. 16 or 24 bytes into it.</summary>
    public static KeyFamily Destination(ReadOnlySpan<byte> packet, ushort protocol) =>
        protocol == EtherType.IPv4 && packet.Length >= Ipv4MinLength ? KeyFamily.Four
        : protocol == EtherType.IPv6 && packet.Length >= Ipv6Length ? KeyFamily.Six
        : KeyFamily.None;

    /// <summary>Length of the packet without padding, or 0 where a host would not take it.</summary>
    public static int AcceptedLength(ReadOnlySpan<byte> packet, ushort protocol) =>
        protocol == EtherType.IPv4 ? AcceptedIpv4Length(packet) : AcceptedIpv6Length(packet);

    private static int AcceptedIpv4Length(ReadOnlySpan<byte> packet)
    {
        var headerLength = (packet[0] & 15) * 4;
        if (packet[0] >> 4 != 4 || headerLength < Ipv4MinLength || headerLength > packet.Length || !Checksum.IsIpv4HeaderIntact(packet[..headerLength]))
            return 0;
        var totalLength = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (totalLength < headerLength || totalLength > packet.Length)
            return 0;
        var source = BinaryPrimitives.ReadUInt32BigEndian(packet[12..]);
        var isMartian = source >> 24 == 127 || source >> 28 == 0xe || source is 0 or uint.MaxValue;
        return isMartian ? 0 : totalLength;
    }

    private static int AcceptedIpv6Length(ReadOnlySpan<byte> packet)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + Ipv6Length;
        if (packet[0] >> 4 != 6 || length > packet.Length)
            return 0;
        var source = L3Address.ReadSix(packet[8..]);
        if (source.IsMulticast || source == new L3Address(0, 1))
            return 0;
        return source.IsUnspecified && packet[6] == IcmpV6 ? 0 : length;
    }
}
