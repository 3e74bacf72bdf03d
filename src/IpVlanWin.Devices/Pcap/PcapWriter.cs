using System.Buffers.Binary;

namespace IpVlanWin.Devices.Pcap;

/// <summary>Classic pcap with nanoseconds, little-endian (draft-ietf-opsawg-pcap sections 4 and 5): one interface, no notes.</summary>
public sealed class PcapWriter : CaptureWriter
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private bool _described;

    /// <summary>Begins a file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="leaveOpen">Do not dispose the stream with the writer.</param>
    public PcapWriter(Stream stream, bool leaveOpen = false)
        : base(stream, leaveOpen)
    {
        var header = Reserve(PcapReader.HeaderLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header, PcapReader.NanosecondMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], PcapReader.MajorVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], PcapReader.MinorVersion);
        header[8..16].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], SnapLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], CaptureInterface.Ethernet);
        Commit(PcapReader.HeaderLength);
    }

    /// <inheritdoc/>
    public override int MaxInterfaces => 1;

    /// <summary>Names the one interface; the format has no place for names.</summary>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public override int AddInterface(string name, string? description = null)
    {
        if (_described)
            ThrowNoMoreInterfaces();
        _described = true;
        return 0;
    }

    /// <inheritdoc/>
    /// <remarks>Seconds have 32 bits: 1970 to 2106. Of <paramref name="note"/> only the full length is recorded.</remarks>
    public override bool Write(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note = default)
    {
        if (@interface != 0 || !_described)
            throw new ArgumentOutOfRangeException(nameof(@interface), @interface, "no such interface");
        var kept = Math.Min(frame.Length, SnapLength);
        var record = Reserve(PcapReader.RecordHeaderLength + kept);
        if (record.IsEmpty)
            return false;
        var time = Math.Clamp(unixNanoseconds, 0, (uint.MaxValue * NanosecondsPerSecond) + NanosecondsPerSecond - 1);
        var (seconds, nanoseconds) = Math.DivRem(time, NanosecondsPerSecond);
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)nanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], kept);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], Math.Max(frame.Length, note.FullLength));
        frame[..kept].CopyTo(record[PcapReader.RecordHeaderLength..]);
        Commit(PcapReader.RecordHeaderLength + kept);
        return true;
    }
}
