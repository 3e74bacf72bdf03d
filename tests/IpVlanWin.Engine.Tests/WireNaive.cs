using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests;

/// <summary>Checksums word by word, and frames put together byte by byte: slow, obvious, independent of what is tested.</summary>
internal static class WireNaive
{
    public static ushort Sum(params byte[][] parts)
    {
        var bytes = parts.SelectMany(part => part).ToArray();
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += ((uint)bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
            if (sum > 0xFFFF)
                sum -= 0xFFFF;
        }
        return (ushort)sum;
    }

    public static byte[] Big16(int value) => [(byte)(value >> 8), (byte)value];

    public static byte[] Big32(uint value) => [.. Big16((int)(value >> 16)), .. Big16((int)value)];

    public static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A finished transport checksum is right: header, payload and pseudo header sum up to ffff.</summary>
    public static bool IsIntact(byte[] source, byte[] destination, byte protocol, byte[] transport) =>
        Sum(source, destination, Big32((uint)transport.Length), [0, protocol], transport) == 0xFFFF;

    /// <summary>A frame made for cutting, with all that has to survive it.</summary>
    public sealed record Super(byte[] Frame, FrameOffload Offload, int Network, int Transport, int Payload, byte[] Source, byte[] Destination, byte Protocol, bool IsIpv6)
    {
        public byte[] Data => Frame[Payload..];
    }

    public static Super RandomSuper(Random random, bool partial = true, bool? udp = null)
    {
        var isIpv6 = random.Next(2) == 0;
        var isUdp = udp ?? (random.Next(3) == 0);
        byte protocol = isUdp ? (byte)17 : (byte)6;
        byte[] source = Bytes(random, isIpv6 ? 16 : 4), destination = Bytes(random, isIpv6 ? 16 : 4), onHeader = destination;
        List<byte> frame = [.. Bytes(random, 12)];
        for (var tags = random.Next(3); tags > 0; tags--)
            frame.AddRange([.. Big16(random.Next(2) == 0 ? 0x8100 : 0x88A8), .. Bytes(random, 2)]);
        frame.AddRange(Big16(isIpv6 ? 0x86DD : 0x0800));
        var network = frame.Count;

        byte[] extensions = [];
        var next = protocol;
        if (isIpv6)
        {
            for (var count = random.Next(4); count > 0; count--)
            {
                byte kind = random.Next(3) switch { 0 => 0, 1 => 43, _ => 60 };
                var body = Bytes(random, 8 * (1 + random.Next(3)));
                (body[0], body[1]) = (next, (byte)((body.Length / 8) - 1));
                if (kind == 43)
                {
                    body[3] = (byte)(partial ? random.Next(2) : 0);
                    if (body[3] != 0)
                        onHeader = Bytes(random, 16);
                }
                (extensions, next) = ([.. body, .. extensions], kind);
            }
        }

        byte[] header = isUdp
            ? [.. Bytes(random, 4), 0, 0, 0, 0]
            : Bytes(random, 20 + (4 * random.Next(11)));
        if (!isUdp)
            header[12] = (byte)((header.Length / 4 << 4) | (header[12] & 15));
        var data = Bytes(random, random.Next(8) == 0 ? random.Next(4) : random.Next(9000));
        var transportLength = header.Length + data.Length;
        if (isUdp)
            Big16(transportLength).CopyTo(header, 4);
        var checksumOffset = isUdp ? 6 : 16;
        Big16(partial ? Sum(source, destination, Big32((uint)transportLength), [0, protocol]) : 0x1234).CopyTo(header, checksumOffset);

        if (isIpv6)
            frame.AddRange([0x60, .. Bytes(random, 3), .. Big16(extensions.Length + transportLength), next, 64, .. source, .. onHeader, .. extensions]);
        else
        {
            var options = Bytes(random, 4 * random.Next(11));
            byte[] packet = [(byte)(0x45 + (options.Length / 4)), .. Bytes(random, 1), .. Big16(20 + options.Length + transportLength),
                .. Bytes(random, 2), (byte)(random.Next(2) * 0x40), 0, 64, protocol, 0, 0, .. source, .. destination, .. options];
            Big16(~Sum(packet)).CopyTo(packet, 10);
            frame.AddRange(packet);
        }
        var transport = frame.Count;
        frame.AddRange([.. header, .. data]);
        var segmentation = isUdp ? SegmentationKind.Udp : isIpv6 ? SegmentationKind.Tcp6 : SegmentationKind.Tcp4;
        var offload = new FrameOffload(transport, checksumOffset, segmentation, 1 + random.Next(random.Next(4) == 0 ? 10_000 : 1500), random.Next(2) == 0);
        if (!partial)
        {
            var raw = System.Runtime.InteropServices.MemoryMarshal.AsBytes(new[] { offload }.AsSpan());
            raw[0] = 2;
            raw[6..10].Clear();
            offload = System.Runtime.InteropServices.MemoryMarshal.Read<FrameOffload>(raw);
        }
        return new Super([.. frame], offload, network, transport, transport + header.Length, source, destination, protocol, isIpv6);
    }
}
