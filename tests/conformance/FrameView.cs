using System.Buffers.Binary;

namespace IpVlanWin.Conformance;

/// <summary>
/// What the recorder itself looks at in a frame, by fixed offsets: enough to know which steps a deviation may touch and which are not judged.
/// Written apart from the engine's and the driver's classifiers on purpose.
/// </summary>
internal readonly ref struct FrameView(ReadOnlySpan<byte> frame)
{
    private readonly ReadOnlySpan<byte> _frame = frame;

    public int Length => _frame.Length;

    public bool IsMulticast => _frame.Length > 0 && (_frame[0] & 1) != 0;

    public bool IsToItself => _frame.Length >= 12 && _frame[..6].SequenceEqual(_frame[6..12]);

    public int Type => _frame.Length >= 14 ? BinaryPrimitives.ReadUInt16BigEndian(_frame[12..]) : 0;

    public bool IsTagged => Type is 0x8100 or 0x88a8;

    /// <summary>Type and packet behind one tag, where there is one.</summary>
    public int InnerType => IsTagged ? (_frame.Length >= 18 ? BinaryPrimitives.ReadUInt16BigEndian(_frame[16..]) : 0) : Type;

    public int InnerOffset => Math.Min(_frame.Length, IsTagged ? 18 : 14);

    public ReadOnlySpan<byte> Inner => _frame[InnerOffset..];

    /// <summary>
    /// Where a packet begins when the host has taken its tags off: all of them, as long as those before have VLAN 0. And whether one is cut
    /// so short that the host loses the frame, unseen by all.
    /// </summary>
    public static (int Offset, bool IsCutShort) Inspected(ReadOnlySpan<byte> frame)
    {
        var offset = 14;
        while (frame.Length >= offset && Number(frame, offset - 2) is 0x8100 or 0x88a8 && (offset == 14 || (Number(frame, offset - 4) & 0xfff) == 0))
        {
            if (frame.Length < offset + 6)
                return (Math.Min(offset, frame.Length), offset > 14);
            offset += 4;
        }
        return (Math.Min(offset, frame.Length), false);
    }

    /// <summary>A frame as it is when all tags but the last are off.</summary>
    public static byte[] WithLastTag(byte[] frame)
    {
        var (offset, _) = Inspected(frame);
        return offset > 18 ? [.. frame[..12], .. frame[(offset - 6)..]] : frame;
    }

    public ReadOnlySpan<byte> Packet => _frame[Math.Min(14, _frame.Length)..];

    public static int Number(ReadOnlySpan<byte> packet, int offset) => BinaryPrimitives.ReadUInt16BigEndian(packet[offset..]);

    /// <summary>An IPv4 packet that is a fragment.</summary>
    public bool IsFragment => InnerType == 0x0800 && Inner.Length >= 20 && (Number(Inner, 6) & 0x3fff) != 0;

    /// <summary>Options in IPv4, or an IPv6 header before all others that the host's own checks look into.</summary>
    public bool HasOptions => InnerType switch
    {
        0x0800 => Inner.Length >= 20 && (Inner[0] & 15) > 5,
        0x86dd => Inner.Length >= 40 && Inner[6] is 0 or 43 or 60,
        _ => false,
    };

    /// <summary>ICMPv6 from the unspecified address.</summary>
    public bool IsFromUnspecified => InnerType == 0x86dd && Inner.Length >= 40 && Inner[6] == 58 && Inner[8..24].IndexOfAnyExcept((byte)0) < 0;

    /// <summary>The address that a frame with a valid header would be looked up by, where it stands.</summary>
    public static ReadOnlySpan<byte> Key(int type, ReadOnlySpan<byte> packet) => type switch
    {
        0x0800 when packet.Length >= 20 => packet[16..20],
        0x0806 when packet.Length >= 28 => packet[24..28],
        0x86dd when packet.Length >= 64 && new FrameView([.. new byte[12], 0x86, 0xdd, .. packet]).IsFromUnspecified => packet[48..64],
        0x86dd when packet.Length >= 40 => packet[24..40],
        _ => [],
    };

    /// <summary>
    /// The driver would read behind the end of this frame when an interface sends it: it counts the Ethernet header as part of the packet.
    /// What it finds there is not defined, so such frames are never sent.
    /// </summary>
    public bool IsUndefinedWhenSent(bool isRouted)
    {
        var bytes = Packet.Length;
        var needed = Type switch
        {
            0x0806 => 28,
            0x0800 => 20,
            0x86dd => 40,
            _ => 0,
        };
        if (bytes < needed && bytes + 14 >= needed)
            return true;
        if (Type == 0x86dd && IsFromUnspecified && bytes is >= 34 and < 64)
            return true;
        return isRouted && Type == 0x0800 && bytes >= 20 && (Packet[0] & 15) * 4 > bytes;
    }
}
