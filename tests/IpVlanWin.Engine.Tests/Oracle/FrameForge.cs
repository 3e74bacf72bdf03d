using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.WireNaive;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>A forged frame in both forms.</summary>
public sealed record ForgedFrame(byte[] Bytes, FrameOffload Offload, int LongestSegment)
{
    public ForgedFrame(byte[] bytes)
        : this(bytes, default, bytes.Length)
    {
    }

    public NaiveFrame Naive => new(Bytes, LongestSegment);
}

/// <summary>Forges frames that nearly make sense: realistic ones between few addresses, then bent in one place or several.</summary>
public sealed class FrameForge(Random random)
{
    public static readonly string[] Four =
    [
        "0A000002", "0A000003", "0A000004", "0A000105", "0A000001", "0A000163", "0A0000FE", "0A0000FF", "0A000063", "C0A80001",
        "7F000001", "E00000FB", "FFFFFFFF", "0A0001FF", "AC100002", "C6336401", "F0000001", "0A000200", "0A000201",
    ];

    public static readonly string[] Six =
    [
        "FD000000000000000000000000000002", "FD000000000000000000000000000003", "FD000000000000000000000000000004",
        "FD000000000000000000000000000001", "FD000000000000000000000000000099", "FD0000000000000000000000000000FE",
        "FE800000000000000000000000000002", "FE800000000000000000000000000099", "00000000000000000000000000000001",
        "00000000000000000000000000000000", "FF0200000000000000000000000000FB", "FF020000000000000000000000000001",
        "FF010000000000000000000000000001", "FF0E0000000000000000000000001234", "20010DB8000000000000000000000007",
        "0000000000000000000000000A000002",
    ];

    public static readonly string[] Groups = ["01005E000001", "01005E0000FB", "333300000001", "3333000000FB", "3333FF000002", "0180C2000001", "01005E7F0001"];

    public static readonly string[] Stations = ["020000000001", "020000000002", "020000000099", "0200000000FE", "000000000000"];

    /// <summary>Of the address pools above, those an interface or the master may have.</summary>
    public static readonly string[] Owned = [.. Four[..10], .. Four[14..16], "0A0000FF", "0A000200", "0A000201", .. Six[..9], Six[14], Six[15]];

    public string Mac { get; set; } = Stations[0];

    public T Pick<T>(IReadOnlyList<T> list) => list[random.Next(list.Count)];

    private bool Chance(int inHundred) => random.Next(100) < inHundred;

    public ForgedFrame Next()
    {
        var source = Chance(60) ? Mac : Pick(Stations);
        var destination = random.Next(10) switch
        {
            < 3 => source,
            < 5 => Mac,
            < 7 => Pick(Stations),
            7 => "FFFFFFFFFFFF",
            _ => Pick(Groups),
        };
        if (Chance(2))
            source = Pick(Groups);
        if (Chance(1))
            destination = source = Pick(Groups);
        if (Chance(6))
            return Offloaded(destination, source);
        byte[] frame = [.. Convert.FromHexString(destination), .. Convert.FromHexString(source), .. Tags(), .. Body()];
        if (Chance(10))
            frame = [.. frame, .. Bytes(random, random.Next(40))];
        if (Chance(3))
            frame = [.. frame, .. Bytes(random, random.Next(1400, 1600) + (Chance(30) ? random.Next(4000) : 0))];
        if (Chance(8))
            frame = frame[..random.Next(frame.Length + 1)];
        if (Chance(15))
            Bend(frame);
        return new ForgedFrame(frame);
    }

    /// <summary>An IPv4 or IPv6 packet of that length for a foreign MAC.</summary>
    public ForgedFrame Routable(int packetLength)
    {
        var isSix = Chance(20);
        var packet = isSix ? PacketSix() : PacketFour();
        Array.Resize(ref packet, Math.Max(packetLength, 60));
        return new ForgedFrame([.. Convert.FromHexString(Stations[2]), .. Convert.FromHexString(Mac), .. Big16(isSix ? 0x86dd : 0x0800), .. packet]);
    }

    private void Bend(byte[] frame)
    {
        for (var count = 1 + random.Next(3); count > 0 && frame.Length > 0; count--)
        {
            var at = Chance(70) ? Math.Min(frame.Length - 1, 12 + random.Next(60)) : random.Next(frame.Length);
            frame[at] = Chance(50) ? (byte)(frame[at] ^ (1 << random.Next(8))) : (byte)random.Next(256);
        }
    }

    private byte[] Tags()
    {
        List<byte> tags = [];
        for (var count = Chance(85) ? 0 : Chance(80) ? 1 : 2; count > 0; count--)
            tags.AddRange([.. Big16(Chance(70) ? 0x8100 : 0x88a8), .. Big16(Chance(50) ? random.Next(16) << 12 : random.Next(65536))]);
        return [.. tags];
    }

    private byte[] Body() => random.Next(20) switch
    {
        < 3 => Arp(),
        < 11 => [.. Big16(0x0800), .. PacketFour()],
        < 17 => [.. Big16(0x86dd), .. PacketSix()],
        17 => [.. Big16(0x8808), .. Big16(1), .. Big16(0xffff), .. new byte[42]],
        18 => [.. Big16(random.Next(0x600)), .. Bytes(random, random.Next(60))],
        _ => [.. Big16(random.Next(65536)), .. Bytes(random, random.Next(60))],
    };

    private byte[] Arp() =>
    [
        .. Big16(0x0806), .. Big16(1), .. Big16(0x0800), 6, 4, .. Big16(1 + random.Next(2)),
        .. Convert.FromHexString(Mac), .. Convert.FromHexString(Chance(10) ? "00000000" : Pick(Four)), .. new byte[6], .. Convert.FromHexString(Pick(Four)),
    ];

    public byte[] PacketFour()
    {
        var options = Chance(10) ? Options() : [];
        var payload = Bytes(random, random.Next(Chance(10) ? 3000 : 40));
        byte[] header =
        [
            (byte)(0x45 + (options.Length / 4)), 0, .. Big16(20 + options.Length + payload.Length), .. Bytes(random, 2),
            .. Big16((Chance(40) ? 0x4000 : 0) | (Chance(10) ? random.Next(0x4000) : 0)), (byte)random.Next(3), Pick((byte[])[1, 6, 17]), 0, 0,
            .. Convert.FromHexString(Chance(3) ? "00000000" : Pick(Four)), .. Convert.FromHexString(Pick(Four)), .. options,
        ];
        Big16(~Sum(header)).CopyTo(header, 10);
        if (Chance(3))
            header[10] ^= 1;
        return [.. header, .. payload];
    }

    private byte[] Options()
    {
        List<byte> options = [];
        var room = 4 * (1 + random.Next(10));
        while (options.Count < room)
        {
            var length = 2 + random.Next(6);
            if (Chance(20) || options.Count + length > room)
                options.Add(Chance(80) ? (byte)1 : (byte)0);
            else
                options.AddRange([Pick((byte[])[7, 68, 130, 131, 148]), (byte)(Chance(97) ? length : random.Next(256)), .. Bytes(random, length - 2)]);
        }
        return [.. options];
    }

    public byte[] PacketSix()
    {
        var source = Chance(12) ? new string('0', 32) : Pick(Six);
        byte[] payload;
        byte next;
        if (Chance(40))
        {
            next = 58;
            var type = Pick((byte[])[128, 129, 133, 134, 135, 135, 135, 136, 1, 2, 143]);
            payload = [type, 0, .. Bytes(random, 2), .. new byte[4], .. type is 135 or 136 ? Convert.FromHexString(Pick(Six)) : Bytes(random, random.Next(24))];
        }
        else
        {
            next = Pick((byte[])[6, 17, 44, 0, 43, 60, 59]);
            payload = Bytes(random, random.Next(Chance(10) ? 3000 : 40));
        }
        return [0x60, .. Bytes(random, 3), .. Big16(payload.Length), next, (byte)random.Next(3), .. Convert.FromHexString(source), .. Convert.FromHexString(Pick(Six)), .. payload];
    }

    /// <summary>A frame that stands for several segments, or one with a partial checksum; never bent, so that its layout is known.</summary>
    private ForgedFrame Offloaded(string destination, string source)
    {
        var isSix = Chance(50);
        var isUdp = Chance(40);
        byte[] transport = isUdp ? new byte[8] : [.. new byte[12], (byte)((5 + random.Next(4)) << 4), 0x10, .. new byte[6]];
        var transportLength = isUdp ? 8 : transport[12] / 16 * 4;
        Array.Resize(ref transport, transportLength);
        var data = Bytes(random, Chance(30) ? random.Next(100) : random.Next(8000));
        var protocol = (byte)(isUdp ? 17 : 6);
        byte[] ip;
        if (isSix)
        {
            ip = [0x60, 0, 0, 0, .. Big16(transportLength + data.Length), protocol, 64, .. Convert.FromHexString(Pick(Six)), .. Convert.FromHexString(Pick(Six))];
        }
        else
        {
            ip =
            [
                0x45, 0, .. Big16(20 + transportLength + data.Length), 1, 2, (byte)(Chance(60) ? 0x40 : 0), 0, 64, protocol, 0, 0,
                .. Convert.FromHexString(Pick(Four)), .. Convert.FromHexString(Pick(Four)),
            ];
            Big16(~Sum(ip)).CopyTo(ip, 10);
        }
        if (isUdp)
            Big16(transportLength + data.Length).CopyTo(transport, 4);
        byte[] head = [.. Convert.FromHexString(destination), .. Convert.FromHexString(source), .. Chance(85) ? Array.Empty<byte>() : [.. Big16(0x8100), .. Big16(Chance(50) ? 0 : 5)], .. Big16(isSix ? 0x86dd : 0x0800), .. ip];
        byte[] frame = [.. head, .. transport, .. data];
        var segment = Chance(20) ? 0 : 1 + random.Next(1700);
        var kind = segment == 0 ? SegmentationKind.None : isUdp ? SegmentationKind.Udp : isSix ? SegmentationKind.Tcp6 : SegmentationKind.Tcp4;
        var offload = new FrameOffload(head.Length, isUdp ? 6 : 16, kind, segment);
        return new ForgedFrame(frame, offload, segment == 0 ? frame.Length : Math.Min(frame.Length, head.Length + transportLength + segment));
    }
}
