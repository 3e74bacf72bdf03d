using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>
/// The host's answer to a routed packet that is too long: ICMP "fragmentation needed" (RFC 792, RFC 1191 section 4) or ICMPv6 "packet
/// too big" (RFC 4443 section 3.2). None is sent about a later fragment, an ICMP error or redirect, or to a source that is not one host (RFC 1122 section 3.2.2, RFC 4443
/// section 2.4 e).
/// </summary>
public static class TooBigReply
{
    /// <summary>Room that a reply needs, in bytes: an Ethernet header and IPv6's least MTU.</summary>
    public const int MaxLength = EtherType.HeaderLength + 1280;

    private const int Ipv4Header = 20;
    private const int Ipv6Header = 40;
    private const int IcmpHeader = 8;
    private const byte HopLimit = 64;
    private const byte Icmp = 1;
    private const byte IcmpV6 = 58;
    private const byte Redirect = 137;

    /// <summary>Builds the reply to a frame on which the router decided.</summary>
    /// <param name="frame">The frame that is too long; an IPv4 or IPv6 header is there.</param>
    /// <param name="from">The host's address, of the same family.</param>
    /// <param name="mac">The MAC that host and interface share.</param>
    /// <param name="ipMtu">The MTU that it exceeds.</param>
    /// <param name="reply">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Length of the reply in bytes; 0 where there is to be none.</returns>
    public static int Write(ReadOnlySpan<byte> frame, L3Address from, MacAddress mac, int ipMtu, Span<byte> reply)
    {
        var packet = frame[EtherType.HeaderLength..];
        mac.Write(reply);
        mac.Write(reply[MacAddress.Bytes..]);
        frame.Slice(12, 2).CopyTo(reply[12..]);
        return from.IsSix
            ? WriteSix(packet, from, ipMtu, reply[EtherType.HeaderLength..])
            : WriteFour(packet, from, ipMtu, reply[EtherType.HeaderLength..]);
    }

    private static int WriteFour(ReadOnlySpan<byte> packet, L3Address from, int ipMtu, Span<byte> reply)
    {
        var headerLength = Math.Min((packet[0] & 15) * 4, packet.Length);
        if (!IsOneHost(BinaryPrimitives.ReadUInt32BigEndian(packet[12..])))
            return 0;
        var isLaterFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) != 0;
        if (isLaterFragment || (packet[9] == Icmp && packet.Length > headerLength && packet[headerLength] is 3 or 4 or 5 or 11 or 12))
            return 0;
        var quoted = packet[..Math.Min(packet.Length, 576 - Ipv4Header - IcmpHeader)];
        var length = Ipv4Header + IcmpHeader + quoted.Length;
        reply[..(Ipv4Header + IcmpHeader)].Clear();
        reply[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(reply[2..], (ushort)length);
        reply[8] = HopLimit;
        reply[9] = Icmp;
        from.Write(reply[12..]);
        packet.Slice(12, 4).CopyTo(reply[16..]);
        Checksum.WriteIpv4Header(reply[..Ipv4Header]);
        var message = reply[Ipv4Header..length];
        (message[0], message[1]) = (3, 4);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], (ushort)ipMtu);
        quoted.CopyTo(message[IcmpHeader..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Compute(message));
        return EtherType.HeaderLength + length;
    }

    /// <summary>Not of 0/8, 127/8, 224/4 or 240/4 (RFC 1122 section 3.2.1.3).</summary>
    private static bool IsOneHost(uint source) => source >> 24 is not (0 or 127) && source >> 29 != 7;

    private static int WriteSix(ReadOnlySpan<byte> packet, L3Address from, int ipMtu, Span<byte> reply)
    {
        var source = L3Address.ReadSix(packet[8..]);
        if (source.IsUnspecified || source.IsMulticast || (packet[6] == IcmpV6 && packet.Length > Ipv6Header && packet[Ipv6Header] is < 128 or Redirect))
            return 0;
        var quoted = packet[..Math.Min(packet.Length, 1280 - Ipv6Header - IcmpHeader)];
        var length = IcmpHeader + quoted.Length;
        reply[..(Ipv6Header + IcmpHeader)].Clear();
        reply[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(reply[4..], (ushort)length);
        reply[6] = IcmpV6;
        reply[7] = HopLimit;
        from.Write(reply[8..]);
        packet.Slice(8, 16).CopyTo(reply[24..]);
        var message = reply.Slice(Ipv6Header, length);
        message[0] = 2;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], (uint)ipMtu);
        quoted.CopyTo(message[IcmpHeader..]);
        var pseudo = Checksum.PseudoHeader(reply.Slice(8, 16), reply.Slice(24, 16), IcmpV6, length);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Compute(message, pseudo));
        return EtherType.HeaderLength + Ipv6Header + length;
    }
}
