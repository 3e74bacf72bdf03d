using System.Buffers.Binary;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Observe;

/// <summary>
/// The frame that a request speaks of: as it stands, or a TCP SYN (RFC 9293 section 3.1), a UDP datagram (RFC 768), an ICMP echo request
/// (RFC 792, RFC 4443 section 4.1) or an ARP request (RFC 826), with right lengths and checksums.
/// </summary>
/// <param name="spec">What was asked.</param>
/// <param name="isSent">An interface sends it; else it comes from the wire.</param>
/// <param name="own">The port's MAC.</param>
/// <param name="isOfPort">An address belongs to an interface of the port.</param>
internal sealed class TraceFrame(TraceSpec spec, bool isSent, MacAddress own, Func<L3Address, bool> isOfPort)
{
    private const int DefaultSourcePort = 49152;
    private const int DefaultDestinationPort = 80;
    private const byte Icmp = 1;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte IcmpV6 = 58;
    private const byte HopLimit = 64;

    // Of the range for documentation (RFC 9542 section 2.1.2), made locally administered.
    private static readonly MacAddress s_station = MacAddress.Parse("02:00:5e:00:53:01");

    public byte[] Build()
    {
        if (spec.Frame is not null)
            return Given(spec.Frame);
        var isArp = spec.Protocol == "arp";
        if (spec.Protocol is not ("tcp" or "udp" or "icmp" or "arp"))
            throw ErrorCode.BadArgument.With("protocol", "tcp, udp, icmp or arp, unless a frame is given");
        var (source, destination) = (Address(spec.Source, "source"), Address(spec.Destination, "destination"));
        if (source.IsSix != destination.IsSix || (isArp && source.IsSix))
            throw ErrorCode.BadArgument.With("destination", isArp ? "an IPv4 address, as the source of ARP" : "of the same family as the source");
        if (spec.Protocol is not ("tcp" or "udp") && (spec.SourcePort ?? spec.DestinationPort) is not null)
            throw ErrorCode.BadArgument.With(spec.SourcePort is not null ? "sourcePort" : "destinationPort", $"left out: {spec.Protocol} has no ports");
        var from = Mac(spec.SourceMac, "sourceMac") ?? (isSent ? own : s_station);
        var to = Mac(spec.DestinationMac, "destinationMac") ?? MacOf(destination, isArp);
        var packet = isArp ? Arp(from, source, destination) : source.IsSix ? Ipv6(source, destination) : Ipv4(source, destination);
        return Framed(to, from, isArp ? EtherType.Arp : source.IsSix ? EtherType.IPv6 : EtherType.IPv4, packet);
    }

    private byte[] Given(string hex)
    {
        if (spec.Protocol is not null || spec.Source is not null || spec.Destination is not null || spec.SourcePort is not null || spec.DestinationPort is not null ||
            spec.Vlan is not null || spec.SourceMac is not null || spec.DestinationMac is not null)
        {
            throw ErrorCode.BadArgument.With("frame", "all there is, without protocol, addresses, ports, vlan and MACs beside it");
        }
        var digits = new string([.. hex.Where(static c => c is not (' ' or ':' or '\t' or '\r' or '\n'))]);
        if (digits.Length == 0 || digits.Length % 2 != 0 || digits.Length > 2 * FrameBatch.MaxFrameLength || !digits.All(char.IsAsciiHexDigit))
            throw ErrorCode.BadArgument.With("frame", $"1 to {FrameBatch.MaxFrameLength} bytes in hexadecimal");
        return Convert.FromHexString(digits);
    }

    private MacAddress MacOf(L3Address destination, bool isArp)
    {
        if (isArp || destination == new L3Address(uint.MaxValue))
            return MacAddress.Broadcast;
        if (destination.IsMulticast)
        {
            // RFC 1112 section 6.4, RFC 2464 section 7.
            return destination.IsSix ? new MacAddress(0x3333_0000_0000ul | (uint)destination.Low) : new MacAddress(0x0100_5e00_0000ul | (destination.Low & 0x7f_ffff));
        }
        return !isSent || isOfPort(destination) ? own : s_station;
    }

    private byte[] Framed(MacAddress to, MacAddress from, ushort protocol, byte[] packet)
    {
        var tag = spec.Vlan is null ? 0 : EtherType.TagLength;
        if (spec.Vlan is < 0 or > 4094)
            throw ErrorCode.BadArgument.With("vlan", "0 to 4094");
        var frame = new byte[EtherType.HeaderLength + tag + packet.Length];
        to.Write(frame);
        from.Write(frame.AsSpan(MacAddress.Bytes));
        if (spec.Vlan is { } vlan)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType.VlanTag);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(14), (ushort)vlan);
        }
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12 + tag), protocol);
        packet.CopyTo(frame, EtherType.HeaderLength + tag);
        return frame;
    }

    private static byte[] Arp(MacAddress from, L3Address source, L3Address destination)
    {
        var packet = new byte[28];
        ReadOnlySpan<byte> head = [0, 1, 8, 0, 6, 4, 0, 1];
        head.CopyTo(packet);
        from.Write(packet.AsSpan(8));
        source.Write(packet.AsSpan(14));
        destination.Write(packet.AsSpan(24));
        return packet;
    }

    private byte[] Ipv4(L3Address source, L3Address destination)
    {
        const int Header = 20;
        var (protocol, payload) = Payload(source, destination);
        var packet = new byte[Header + payload.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[6] = 0x40;
        packet[8] = HopLimit;
        packet[9] = protocol;
        source.Write(packet.AsSpan(12));
        destination.Write(packet.AsSpan(16));
        Checksum.WriteIpv4Header(packet.AsSpan(0, Header));
        payload.CopyTo(packet, Header);
        return packet;
    }

    private byte[] Ipv6(L3Address source, L3Address destination)
    {
        const int Header = 40;
        var (protocol, payload) = Payload(source, destination);
        var packet = new byte[Header + payload.Length];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
        packet[6] = protocol;
        packet[7] = HopLimit;
        source.Write(packet.AsSpan(8));
        destination.Write(packet.AsSpan(24));
        payload.CopyTo(packet, Header);
        return packet;
    }

    private (byte Protocol, byte[] Bytes) Payload(L3Address source, L3Address destination)
    {
        var (from, to) = (PortNumber(spec.SourcePort, DefaultSourcePort, "sourcePort"), PortNumber(spec.DestinationPort, DefaultDestinationPort, "destinationPort"));
        var (protocol, length, sumAt) = spec.Protocol switch
        {
            "tcp" => (Tcp, 20, 16),
            "udp" => (Udp, 8, 6),
            _ => (source.IsSix ? IcmpV6 : Icmp, 8, 2),
        };
        var bytes = new byte[length];
        if (protocol is Tcp or Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, from);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), to);
        }
        switch (protocol)
        {
            case Tcp:
                (bytes[12], bytes[13]) = (0x50, 0x02);
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), ushort.MaxValue);
                break;
            case Udp:
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)length);
                break;
            default:
                bytes[0] = protocol == Icmp ? (byte)8 : (byte)128;
                break;
        }
        var size = source.Bits / 8;
        Span<byte> addresses = stackalloc byte[2 * size];
        source.Write(addresses);
        destination.Write(addresses[size..]);
        var initial = protocol == Icmp ? (ushort)0 : Checksum.PseudoHeader(addresses[..size], addresses[size..], protocol, length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(sumAt), Checksum.Compute(bytes, initial));
        return (protocol, bytes);
    }

    private static ushort PortNumber(int? value, int normal, string argument) => (value ?? normal) is >= 0 and <= ushort.MaxValue and var number
        ? (ushort)number
        : throw ErrorCode.BadArgument.With(argument, "0 to 65535");

    private static L3Address Address(string? text, string argument) =>
        L3Address.TryParse(text, out var address) ? address : throw ErrorCode.BadArgument.With(argument, "an IPv4 or IPv6 address");

    private static MacAddress? Mac(string? text, string argument) => text is null ? null
        : MacAddress.TryParse(text, out var mac) ? mac
        : throw ErrorCode.BadArgument.With(argument, "a MAC address such as 02:00:00:00:00:01");
}
