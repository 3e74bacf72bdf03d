using System.Buffers.Binary;
using System.Net;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>IP packets with right checksums.</summary>
internal static class Packets
{
    public const byte Udp = 17, Tcp = 6;

    /// <summary>A packet of UDP or TCP between two addresses of one family.</summary>
    public static byte[] Make(string source, string destination, int payload = 10, byte ttl = 64, byte protocol = Udp, ushort number = 0, bool mayFragment = true)
    {
        var (from, to) = (IPAddress.Parse(source).GetAddressBytes(), IPAddress.Parse(destination).GetAddressBytes());
        var isSix = from.Length == 16;
        var network = isSix ? 40 : 20;
        var transport = protocol == Udp ? 8 : 20;
        var packet = new byte[network + transport + payload];
        for (var i = network + transport; i < packet.Length; i++)
            packet[i] = (byte)(i * 7);
        if (isSix)
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(transport + payload));
            (packet[6], packet[7]) = (protocol, ttl);
            from.CopyTo(packet, 8);
            to.CopyTo(packet, 24);
        }
        else
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), number);
            packet[6] = (byte)(mayFragment ? 0 : 0x40);
            (packet[8], packet[9]) = (ttl, protocol);
            from.CopyTo(packet, 12);
            to.CopyTo(packet, 16);
            Checksum.WriteIpv4Header(packet.AsSpan(0, 20));
        }
        var segment = packet.AsSpan(network);
        BinaryPrimitives.WriteUInt16BigEndian(segment, number);
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], 9);
        if (protocol == Udp)
            BinaryPrimitives.WriteUInt16BigEndian(segment[4..], (ushort)segment.Length);
        else
            (segment[12], segment[13]) = (5 << 4, 0x18);
        BinaryPrimitives.WriteUInt16BigEndian(segment[(protocol == Udp ? 6 : 16)..], TransportChecksum(packet, network, protocol));
        return packet;
    }

    /// <summary>The transport checksum is right.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> packet)
    {
        var isSix = packet[0] >> 4 == 6;
        var network = isSix ? 40 : 20;
        var (at, length) = isSix ? (8, 16) : (12, 4);
        return Checksum.Sum(packet[network..], Checksum.PseudoHeader(
            packet.Slice(at, length), packet.Slice(at + length, length), packet[isSix ? 6 : 9], packet.Length - network)) == 0xFFFF;
    }

    private static ushort TransportChecksum(ReadOnlySpan<byte> packet, int network, byte protocol)
    {
        var (at, length) = network == 40 ? (8, 16) : (12, 4);
        var checksum = Checksum.Compute(packet[network..], Checksum.PseudoHeader(
            packet.Slice(at, length), packet.Slice(at + length, length), protocol, packet.Length - network));
        return checksum == 0 ? ushort.MaxValue : checksum;
    }
}
