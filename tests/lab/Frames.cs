using System.Buffers.Binary;
using System.Net;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Lab.Tests;

/// <summary>Frames written by hand.</summary>
internal static class Frames
{
    public const ushort Four = 0x0800;
    public const ushort Six = 0x86dd;
    public const ushort Arp = 0x0806;
    public const ushort Tag = 0x8100;

    public static byte[] Ethernet(MacAddress destination, MacAddress source, ushort type, byte[] payload)
    {
        var frame = new byte[14 + payload.Length];
        destination.Write(frame);
        source.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), type);
        payload.CopyTo(frame, 14);
        return frame;
    }

    /// <summary>IEEE 802.1Q: a tag before the type.</summary>
    public static byte[] Tagged(byte[] frame, ushort vlan)
    {
        var tag = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(tag, Tag);
        BinaryPrimitives.WriteUInt16BigEndian(tag.AsSpan(2), vlan);
        return [.. frame.AsSpan(0, 12), .. tag, .. frame.AsSpan(12)];
    }

    /// <summary>RFC 826, operation 1 (request) or 2 (reply).</summary>
    public static byte[] ArpMessage(ushort operation, MacAddress sender, IPAddress senderAddress, MacAddress target, IPAddress targetAddress)
    {
        var message = new byte[28];
        ReadOnlySpan<byte> kinds = [0, 1, 8, 0, 6, 4];
        kinds.CopyTo(message);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), operation);
        sender.Write(message.AsSpan(8));
        senderAddress.GetAddressBytes().CopyTo(message, 14);
        target.Write(message.AsSpan(18));
        targetAddress.GetAddressBytes().CopyTo(message, 24);
        return message;
    }

    /// <summary>A UDP packet over IPv4, without a UDP checksum (RFC 768).</summary>
    public static byte[] FourUdp(IPEndPoint source, IPEndPoint destination, byte[] payload, bool mayFragment)
    {
        var packet = new byte[28 + payload.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), 0x1234);
        packet[6] = (byte)(mayFragment ? 0 : 0x40);
        packet[8] = 64;
        packet[9] = 17;
        source.Address.GetAddressBytes().CopyTo(packet, 12);
        destination.Address.GetAddressBytes().CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum.Compute(packet.AsSpan(0, 20)));
        WriteUdp(packet.AsSpan(20), source, destination, payload);
        return packet;
    }

    /// <summary>A UDP packet over IPv6, its UDP checksum left out: for who looks at headers only.</summary>
    public static byte[] SixUdp(IPEndPoint source, IPEndPoint destination, byte[] payload)
    {
        var packet = new byte[48 + payload.Length];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - 40));
        packet[6] = 17;
        packet[7] = 64;
        source.Address.GetAddressBytes().CopyTo(packet, 8);
        destination.Address.GetAddressBytes().CopyTo(packet, 24);
        WriteUdp(packet.AsSpan(40), source, destination, payload);
        return packet;
    }

    /// <summary>Bytes that differ from place to place and from one length to another.</summary>
    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 31) ^ (i >> 8) ^ length);
        return bytes;
    }

    private static void WriteUdp(Span<byte> datagram, IPEndPoint source, IPEndPoint destination, byte[] payload)
    {
        BinaryPrimitives.WriteUInt16BigEndian(datagram, (ushort)source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], (ushort)destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[4..], (ushort)datagram.Length);
        payload.CopyTo(datagram[8..]);
    }
}
