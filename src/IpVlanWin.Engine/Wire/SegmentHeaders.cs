using System.Buffers.Binary;

namespace IpVlanWin.Engine.Wire;

/// <summary>
/// Where the headers of a frame lie that is to be cut: Ethernet, VLAN tags (IEEE 802.1Q, 802.1ad), IPv4 with options (RFC 791) or IPv6
/// with the extension headers that every segment repeats (RFC 8200 section 4), TCP or UDP. Offsets in bytes from the frame's start.
/// </summary>
internal readonly struct SegmentHeaders
{
    public const int Ipv6HeaderLength = 40;
    public const int UdpHeaderLength = 8;
    public const int TcpChecksumOffset = 16;
    public const int UdpChecksumOffset = 6;

    private const int EtherTypeOffset = 12;
    private const int VlanTagLength = 4;
    private const int MinimumIpv4HeaderLength = 20;
    private const int MinimumTcpHeaderLength = 20;
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;

    public int Network { get; private init; }

    public int Transport { get; private init; }

    public int Payload { get; private init; }

    public bool IsIpv6 { get; private init; }

    /// <summary>A routing header with segments left: the header's destination is not the one under the checksum (RFC 8200 section 8.1).</summary>
    public bool IsSourceRouted { get; private init; }

    public byte Protocol { get; private init; }

    public int ChecksumOffset => Protocol == ProtocolUdp ? UdpChecksumOffset : TcpChecksumOffset;

    /// <summary>Finds the headers. Total: false for whatever cannot be cut as <paramref name="kind"/>.</summary>
    public static bool TryLocate(ReadOnlySpan<byte> frame, SegmentationKind kind, out SegmentHeaders headers)
    {
        headers = default;
        if (!TryLocateNetwork(frame, out var network, out var isIpv6))
            return false;
        byte protocol;
        int transport;
        var sourceRouted = false;
        if (isIpv6 ? !TrySkipIpv6(frame, network, out protocol, out transport, out sourceRouted) : !TrySkipIpv4(frame, network, out protocol, out transport))
            return false;
        if (protocol != kind switch
        {
            SegmentationKind.Tcp4 when !isIpv6 => ProtocolTcp,
            SegmentationKind.Tcp6 when isIpv6 => ProtocolTcp,
            SegmentationKind.Udp => ProtocolUdp,
            _ => -1,
        })
            return false;
        if (!TryTransportHeaderLength(frame, transport, kind, out var length))
            return false;
        headers = new SegmentHeaders
        {
            Network = network,
            Transport = transport,
            Payload = transport + length,
            IsIpv6 = isIpv6,
            IsSourceRouted = sourceRouted,
            Protocol = protocol,
        };
        return true;
    }

    /// <summary>Length in bytes of the TCP or UDP header at <paramref name="transport"/>; false where it is not whole.</summary>
    public static bool TryTransportHeaderLength(ReadOnlySpan<byte> frame, int transport, SegmentationKind kind, out int length)
    {
        length = UdpHeaderLength;
        if (kind != SegmentationKind.Udp)
        {
            if (transport + MinimumTcpHeaderLength > frame.Length)
                return false;
            length = (frame[transport + 12] >> 4) * 4;
            if (length < MinimumTcpHeaderLength)
                return false;
        }
        return transport + length <= frame.Length;
    }

    private static bool TryLocateNetwork(ReadOnlySpan<byte> frame, out int network, out bool isIpv6)
    {
        isIpv6 = false;
        for (var at = EtherTypeOffset; ; at += VlanTagLength)
        {
            network = at + sizeof(ushort);
            if (network > frame.Length)
                return false;
            switch (BinaryPrimitives.ReadUInt16BigEndian(frame[at..]))
            {
                case 0x8100 or 0x88A8:
                    continue;
                case 0x0800:
                    return true;
                case 0x86DD:
                    isIpv6 = true;
                    return true;
                default:
                    return false;
            }
        }
    }

    private static bool TrySkipIpv4(ReadOnlySpan<byte> frame, int network, out byte protocol, out int transport)
    {
        (protocol, transport) = (0, 0);
        var packet = frame[network..];
        if (packet.Length < MinimumIpv4HeaderLength || packet[0] >> 4 != 4)
            return false;
        var headerLength = (packet[0] & 15) * 4;
        const ushort moreFragmentsAndOffset = 0x3FFF;
        if (headerLength < MinimumIpv4HeaderLength || headerLength > packet.Length ||
            (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & moreFragmentsAndOffset) != 0)
            return false;
        (protocol, transport) = (packet[9], network + headerLength);
        return true;
    }

    private static bool TrySkipIpv6(ReadOnlySpan<byte> frame, int network, out byte protocol, out int transport, out bool sourceRouted)
    {
        const byte hopByHop = 0, routing = 43, destinationOptions = 60;
        (protocol, transport, sourceRouted) = (0, network + Ipv6HeaderLength, false);
        if (transport > frame.Length || frame[network] >> 4 != 6)
            return false;
        protocol = frame[network + 6];
        while (protocol is hopByHop or routing or destinationOptions)
        {
            if (transport + 8 > frame.Length)
                return false;
            sourceRouted |= protocol == routing && frame[transport + 3] != 0;
            protocol = frame[transport];
            transport += (frame[transport + 1] + 1) * 8;
        }
        return transport <= frame.Length;
    }
}
