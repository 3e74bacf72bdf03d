using System.Buffers.Binary;
using System.Net;

namespace IpVlanWin.Conformance;

/// <summary>Makes frames out of their parts: whole Ethernet frames without FCS, checksums right.</summary>
internal static class Forge
{
    public const string Own = "02:00:00:00:00:01";
    public const string Station = "02:00:00:00:00:99";
    public const string Gateway = "02:00:00:00:00:fe";
    public const string Foreign = "02:00:00:00:00:55";
    public const string Broadcast = "ff:ff:ff:ff:ff:ff";

    private static readonly byte[] Payload = "recorded-anew"u8.ToArray();

    public static byte[] Mac(string text) => [.. text.Split(':').Select(part => Convert.ToByte(part, 16))];

    public static byte[] Address(string text) => IPAddress.Parse(text).GetAddressBytes();

    public static byte[] Ethernet(string to, string from, int type, ReadOnlySpan<byte> packet) => [.. Mac(to), .. Mac(from), (byte)(type >> 8), (byte)type, .. packet];

    /// <summary>The same with a VLAN tag behind the MACs.</summary>
    public static byte[] Tagged(byte[] frame, int vid, int type = 0x8100) => [.. frame[..12], (byte)(type >> 8), (byte)type, (byte)(vid >> 8), (byte)vid, .. frame[12..]];

    public static byte[] Four(string from, string to, int protocol = 17, byte[]? payload = null, byte[]? options = null, int fragment = 0, int ttl = 64, int number = 0)
    {
        payload ??= protocol == 17 ? [0x0f, 0xa0, 0x13, 0x88, 0, (byte)(8 + Payload.Length), 0, 0, .. Payload] : Payload;
        var header = new byte[20 + (options?.Length ?? 0)];
        header[0] = (byte)(0x40 | (header.Length / 4));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(header.Length + payload.Length));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)number);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), (ushort)fragment);
        (header[8], header[9]) = ((byte)ttl, (byte)protocol);
        Address(from).CopyTo(header, 12);
        Address(to).CopyTo(header, 16);
        options?.CopyTo(header, 20);
        SetChecksum(header);
        return [.. header, .. payload];
    }

    public static byte[] Six(string from, string to, int next = 17, byte[]? payload = null, int hopLimit = 64)
    {
        payload ??= [0x0f, 0xa0, 0x13, 0x88, 0, (byte)(8 + Payload.Length), 0, 0, .. Payload];
        return [0x60, 0, 0, 0, (byte)(payload.Length >> 8), (byte)payload.Length, (byte)next, (byte)hopLimit, .. Address(from), .. Address(to), .. payload];
    }

    public static byte[] Arp(int operation, string senderMac, string sender, string target, string targetMac = "00:00:00:00:00:00") =>
        [0, 1, 8, 0, 6, 4, 0, (byte)operation, .. Mac(senderMac), .. Address(sender), .. Mac(targetMac), .. Address(target)];

    /// <summary>ICMPv6 about a neighbor: 135 asks, 136 answers. The checksum is left out: nothing that is compared looks at it.</summary>
    public static byte[] Discovery(int type, string from, string to, string target, string? mac = null) =>
        Six(from, to, 58, [(byte)type, 0, 0, 0, 0, 0, 0, 0, .. Address(target), .. mac is null ? [] : (byte[])[1, 1, .. Mac(mac)]], 255);

    /// <summary>The header's checksum made right, over the bytes its length names.</summary>
    public static void SetChecksum(Span<byte> packet)
    {
        var length = Math.Min((packet[0] & 15) * 4, packet.Length & ~1);
        if (length < 12)
            return;
        packet[10] = packet[11] = 0;
        uint sum = 0;
        for (var i = 0; i + 1 < length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet[i..]);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], (ushort)~sum);
    }
}
