using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>An IPv4 packet without options and fragments, or an IPv6 one without extension headers: RFC 791 section 3.1, RFC 8200 section 3.</summary>
internal readonly ref struct IpPacket
{
    private const int FourHeaderLength = 20;
    private const int SixHeaderLength = 40;
    private const int FragmentBits = 0x3fff;

    private readonly ReadOnlySpan<byte> _bytes;

    private IpPacket(ReadOnlySpan<byte> bytes, bool isSix)
    {
        _bytes = bytes;
        IsSix = isSix;
    }

    public bool IsSix { get; }

    public byte Protocol => _bytes[IsSix ? 6 : 9];

    public byte HopLimit => _bytes[IsSix ? 7 : 8];

    public L3Address Source => IsSix ? L3Address.ReadSix(_bytes[8..]) : L3Address.ReadFour(_bytes[12..]);

    public L3Address Destination => IsSix ? L3Address.ReadSix(_bytes[24..]) : L3Address.ReadFour(_bytes[16..]);

    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength(IsSix)..];

    public static int HeaderLength(bool isSix) => isSix ? SixHeaderLength : FourHeaderLength;

    /// <summary>Checks version, lengths and the IPv4 header's checksum; padding is off then.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        var isSix = !bytes.IsEmpty && bytes[0] >> 4 == 6;
        if (bytes.Length < HeaderLength(isSix))
            return false;
        var length = isSix ? SixHeaderLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (length > bytes.Length || length < HeaderLength(isSix))
            return false;
        if (!isSix && (bytes[0] != 0x45 || !Checksum.IsIpv4HeaderIntact(bytes[..FourHeaderLength]) || (BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & FragmentBits) != 0))
            return false;
        packet = new IpPacket(bytes[..length], isSix);
        return true;
    }

    /// <summary>The transport's sum with its pseudo header is right.</summary>
    public bool IsTransportIntact => Checksum.Sum(Payload, PseudoHeader(_bytes, IsSix, Protocol, Payload.Length)) == 0xffff;

    /// <summary>Writes the header before a transport that is in place, and the transport's checksum.</summary>
    /// <returns>The packet's length in bytes.</returns>
    public static int Finish(Span<byte> packet, L3Address source, L3Address destination, byte protocol, int transportLength, byte hopLimit)
    {
        var isSix = destination.IsSix;
        var header = packet[..HeaderLength(isSix)];
        header.Clear();
        if (isSix)
        {
            header[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)transportLength);
            (header[6], header[7]) = (protocol, hopLimit);
            source.Write(header[8..]);
            destination.Write(header[24..]);
        }
        else
        {
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(FourHeaderLength + transportLength));
            (header[8], header[9]) = (hopLimit, protocol);
            source.Write(header[12..]);
            destination.Write(header[16..]);
            Checksum.WriteIpv4Header(header);
        }
        var transport = packet.Slice(header.Length, transportLength);
        var field = transport[(protocol == Udp.Protocol ? 6 : 2)..];
        BinaryPrimitives.WriteUInt16BigEndian(field, 0);
        var initial = protocol == IcmpEcho.Protocol(isSix: false) ? (ushort)0 : PseudoHeader(packet, isSix, protocol, transportLength);
        var checksum = Checksum.Compute(transport, initial);
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 && protocol == Udp.Protocol ? ushort.MaxValue : checksum);
        return header.Length + transportLength;
    }

    private static ushort PseudoHeader(ReadOnlySpan<byte> packet, bool isSix, byte protocol, int length) => isSix
        ? Checksum.PseudoHeader(packet.Slice(8, 16), packet.Slice(24, 16), protocol, length)
        : Checksum.PseudoHeader(packet.Slice(12, 4), packet.Slice(16, 4), protocol, length);
}

/// <summary>Echo requests and replies: RFC 792, RFC 4443 section 4.</summary>
internal static class IcmpEcho
{
    public const int HeaderLength = 8;

    /// <summary>Of our own requests: 56 bytes of payload, as ping sends them.</summary>
    public const int Length = HeaderLength + 56;

    public static byte Protocol(bool isSix) => isSix ? (byte)58 : (byte)1;

    public static byte RequestType(bool isSix) => isSix ? (byte)128 : (byte)8;

    public static byte ReplyType(bool isSix) => isSix ? (byte)129 : (byte)0;

    /// <summary>Writes all but the checksum.</summary>
    public static void Write(Span<byte> message, bool isSix, ushort identifier, ushort sequence)
    {
        message[..HeaderLength].Clear();
        message[0] = RequestType(isSix);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], sequence);
        for (var i = HeaderLength; i < message.Length; i++)
            message[i] = (byte)i;
    }

    public static bool IsIntact(in IpPacket packet) =>
        packet.Payload.Length >= 4 && (packet.IsSix ? packet.IsTransportIntact : Checksum.Sum(packet.Payload) == 0xffff);
}

/// <summary>UDP: RFC 768.</summary>
internal static class Udp
{
    public const byte Protocol = 17;
    public const int HeaderLength = 8;

    /// <summary>Writes all but the checksum.</summary>
    public static void Write(Span<byte> datagram, ushort fromPort, ushort toPort, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt16BigEndian(datagram, fromPort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], toPort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[4..], (ushort)(HeaderLength + payload.Length));
        payload.CopyTo(datagram[HeaderLength..]);
    }

    /// <summary>A checksum must be there: the lab's hosts all send one.</summary>
    public static bool TryParse(in IpPacket packet, out ushort fromPort, out ushort toPort, out ReadOnlySpan<byte> payload)
    {
        (fromPort, toPort) = (0, 0);
        payload = default;
        var datagram = packet.Payload;
        if (datagram.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(datagram[4..]) != datagram.Length || !packet.IsTransportIntact)
            return false;
        fromPort = BinaryPrimitives.ReadUInt16BigEndian(datagram);
        toPort = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        payload = datagram[HeaderLength..];
        return true;
    }
}
