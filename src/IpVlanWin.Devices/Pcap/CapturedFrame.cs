using System.Text;

namespace IpVlanWin.Devices.Pcap;

/// <summary>Which way a frame went, as the captured interface saw it. Values as in epb_flags (draft-ietf-opsawg-pcapng section 4.3.1).</summary>
public enum FrameDirection : byte
{
    /// <summary>Not recorded.</summary>
    Unknown = 0,

    /// <summary>Received.</summary>
    Inbound = 1,

    /// <summary>Sent.</summary>
    Outbound = 2,
}

/// <summary>One packet of a capture file. Good until the reader is asked for the next one.</summary>
public readonly ref struct CapturedFrame
{
    private readonly ReadOnlySpan<byte> _comment;

    internal CapturedFrame(
        CaptureInterface @interface, long offset, ReadOnlySpan<byte> bytes, long originalLength, long? unixNanoseconds, PacketOptions options)
    {
        var checkSequence = options.CheckSequenceLength > 0 ? options.CheckSequenceLength : @interface.CheckSequenceLength;
        originalLength = Math.Max(originalLength, bytes.Length);
        // The check sequence is the packet's last bytes; of a packet cut short only a part of it, or none, was captured.
        var captured = Math.Clamp(checkSequence - (originalLength - bytes.Length), 0, bytes.Length);
        Interface = @interface;
        Offset = offset;
        Bytes = bytes[..(bytes.Length - (int)captured)];
        OriginalLength = Math.Max(originalLength - checkSequence, Bytes.Length);
        UnixNanoseconds = unixNanoseconds;
        Direction = options.Direction;
        DropCount = options.DropCount;
        _comment = options.Comment;
    }

    /// <summary>Where it was captured.</summary>
    public CaptureInterface Interface { get; }

    /// <summary>Bytes from the start of the file to its record or block.</summary>
    public long Offset { get; }

    /// <summary>The captured bytes, without frame check sequence.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Bytes it had on the network; more than <see cref="Bytes"/> holds where the capture cut it short.</summary>
    public long OriginalLength { get; }

    /// <summary>Time in nanoseconds since 1970-01-01 UTC; null where the file has none (simple packet blocks).</summary>
    public long? UnixNanoseconds { get; }

    /// <summary>Which way it went.</summary>
    public FrameDirection Direction { get; }

    /// <summary>Frames lost before it on the same interface; null where the file does not say.</summary>
    public ulong? DropCount { get; }

    /// <summary>Its first comment; null where it has none.</summary>
    public string? Comment => _comment.IsEmpty ? null : Encoding.UTF8.GetString(_comment);
}

/// <summary>What the options of a packet block said.</summary>
internal ref struct PacketOptions
{
    public ReadOnlySpan<byte> Comment;
    public FrameDirection Direction;
    public int CheckSequenceLength;
    public ulong? DropCount;
}
