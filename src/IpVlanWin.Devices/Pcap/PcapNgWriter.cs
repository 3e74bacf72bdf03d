using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// pcapng, one little-endian section, timestamps in nanoseconds (draft-ietf-opsawg-pcapng: 4.1 section header, 4.2 interface
/// description, 4.3 enhanced packet block, 4.6 interface statistics, 3.5 options). A frame costs no allocation.
/// </summary>
public sealed class PcapNgWriter : CaptureWriter
{
    private const int BlockHeaderLength = 8;
    private const int TrailerLength = 4;
    private const int OptionHeaderLength = 4;
    private const int MaxOptionLength = ushort.MaxValue;
    private const byte NanosecondResolution = 9;
    private const ushort HardwareOption = 2;
    private const ushort OperatingSystemOption = 3;
    private const ushort ApplicationOption = 4;
    private const uint ChecksumNotReady = 1 << 9;
    private const uint SegmentationOffloaded = 1 << 11;

    private const ushort ReceivedOption = 4;
    private const ushort InterfaceDropOption = 5;

    private int _interfaces;

    /// <summary>Begins a file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="origin">Who makes it; <see cref="CaptureOrigin.ThisProcess"/> when null.</param>
    /// <param name="leaveOpen">Do not dispose the stream with the writer.</param>
    public PcapNgWriter(Stream stream, CaptureOrigin? origin = null, bool leaveOpen = false)
        : base(stream, leaveOpen)
    {
        origin ??= CaptureOrigin.ThisProcess;
        var block = Reserve(
            BlockHeaderLength + 16 + TextRoom(origin.Hardware) + TextRoom(origin.OperatingSystem) + TextRoom(origin.Application) +
            OptionHeaderLength + TrailerLength);
        var at = BlockHeaderLength;
        BinaryPrimitives.WriteUInt32LittleEndian(block[at..], PcapNgReader.ByteOrderMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(block[(at + 4)..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(block[(at + 6)..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(block[(at + 8)..], -1);
        at += 16;
        at += WriteText(block[at..], HardwareOption, origin.Hardware);
        at += WriteText(block[at..], OperatingSystemOption, origin.OperatingSystem);
        at += WriteText(block[at..], ApplicationOption, origin.Application);
        FinishBlock(block, PcapNgReader.SectionHeaderBlock, at, hasOptions: at > BlockHeaderLength + 16);
    }

    /// <summary>What interface descriptions say is kept of a frame, in bytes; 1 to <see cref="CaptureWriter.SnapLength"/>.</summary>
    public int KeptLength { get; init; } = SnapLength;

    /// <inheritdoc/>
    public override int MaxInterfaces => CaptureReader.MaxInterfaces;

    /// <inheritdoc/>
    public override int AddInterface(string name, string? description = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_interfaces == MaxInterfaces)
            ThrowNoMoreInterfaces();
        var block = Reserve(
            BlockHeaderLength + 8 + TextRoom(name) + TextRoom(description) + (2 * OptionHeaderLength) + OptionHeaderLength + TrailerLength);
        if (!block.IsEmpty)
        {
            var at = BlockHeaderLength;
            BinaryPrimitives.WriteUInt16LittleEndian(block[at..], CaptureInterface.Ethernet);
            BinaryPrimitives.WriteUInt16LittleEndian(block[(at + 2)..], 0);
            BinaryPrimitives.WriteInt32LittleEndian(block[(at + 4)..], KeptLength);
            at += 8;
            at += WriteText(block[at..], PcapNgReader.InterfaceNameOption, name);
            at += WriteText(block[at..], PcapNgReader.InterfaceDescriptionOption, description);
            at += WriteOption(block[at..], PcapNgReader.ResolutionOption, [NanosecondResolution]);
            FinishBlock(block, PcapNgReader.InterfaceDescriptionBlock, at, hasOptions: true);
        }
        return _interfaces++;
    }

    /// <inheritdoc/>
    public override bool Write(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)@interface, (uint)_interfaces, nameof(@interface));
        var kept = Math.Min(frame.Length, SnapLength);
        var padded = (kept + 3) & ~3;
        var block = Reserve(
            BlockHeaderLength + 20 + padded + TextRoom(note.Comment) + (3 * OptionHeaderLength) + sizeof(uint) + sizeof(ulong) + TrailerLength);
        if (block.IsEmpty)
            return false;
        var time = (ulong)Math.Max(0, unixNanoseconds);
        var at = BlockHeaderLength;
        BinaryPrimitives.WriteInt32LittleEndian(block[at..], @interface);
        BinaryPrimitives.WriteUInt32LittleEndian(block[(at + 4)..], (uint)(time >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[(at + 8)..], (uint)time);
        BinaryPrimitives.WriteInt32LittleEndian(block[(at + 12)..], kept);
        BinaryPrimitives.WriteInt32LittleEndian(block[(at + 16)..], Math.Max(frame.Length, note.FullLength));
        at += 20;
        frame[..kept].CopyTo(block[at..]);
        block[(at + kept)..(at + padded)].Clear();
        at += padded;
        var options = at;
        at += WriteText(block[at..], PcapNgReader.CommentOption, note.Comment);
        at += WriteFlags(block[at..], note);
        at += WriteDropCount(block[at..], note.DroppedBefore);
        FinishBlock(block, PcapNgReader.EnhancedPacketBlock, at, hasOptions: at > options);
        return true;
    }

    /// <inheritdoc/>
    public override void WriteStatistics(int @interface, long unixNanoseconds, long received, long lost)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)@interface, (uint)_interfaces, nameof(@interface));
        var block = Reserve(BlockHeaderLength + 12 + (2 * (OptionHeaderLength + sizeof(ulong))) + OptionHeaderLength + TrailerLength);
        if (block.IsEmpty)
            return;
        var time = (ulong)Math.Max(0, unixNanoseconds);
        var at = BlockHeaderLength;
        BinaryPrimitives.WriteInt32LittleEndian(block[at..], @interface);
        BinaryPrimitives.WriteUInt32LittleEndian(block[(at + 4)..], (uint)(time >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[(at + 8)..], (uint)time);
        at += 12;
        at += WriteNumber(block[at..], ReceivedOption, received);
        at += WriteNumber(block[at..], InterfaceDropOption, lost);
        FinishBlock(block, PcapNgReader.InterfaceStatisticsBlock, at, hasOptions: true);
    }

    private static int WriteFlags(Span<byte> destination, in FrameNote note)
    {
        var flags = (uint)note.Direction & 3;
        if (note.Offload.NeedsChecksum)
            flags |= ChecksumNotReady;
        if (note.Offload.Segmentation != SegmentationKind.None)
            flags |= SegmentationOffloaded;
        if (flags == 0)
            return 0;
        Span<byte> value = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(value, flags);
        return WriteOption(destination, PcapNgReader.FlagsOption, value);
    }

    private static int WriteDropCount(Span<byte> destination, long frames) =>
        frames <= 0 ? 0 : WriteNumber(destination, PcapNgReader.DropCountOption, frames);

    private static int WriteNumber(Span<byte> destination, ushort code, long number)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        return WriteOption(destination, code, value);
    }

    /// <summary>Most bytes <see cref="WriteText"/> uses.</summary>
    private static int TextRoom(string? text) =>
        string.IsNullOrEmpty(text) ? 0 : OptionHeaderLength + Math.Min(Encoding.UTF8.GetMaxByteCount(text.Length), MaxOptionLength + 1);

    private static int WriteText(Span<byte> destination, ushort code, string? text)
    {
        if (string.IsNullOrEmpty(text))
            return 0;
        var room = Math.Min(MaxOptionLength, destination.Length - OptionHeaderLength);
        // Stops before the character that no longer fits; unpaired surrogates become U+FFFD.
        Utf8.FromUtf16(text, destination.Slice(OptionHeaderLength, room), out _, out var written);
        return FinishOption(destination, code, written);
    }

    private static int WriteOption(Span<byte> destination, ushort code, ReadOnlySpan<byte> value)
    {
        value.CopyTo(destination[OptionHeaderLength..]);
        return FinishOption(destination, code, value.Length);
    }

    private static int FinishOption(Span<byte> destination, ushort code, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, code);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], (ushort)length);
        var padded = (length + 3) & ~3;
        destination[(OptionHeaderLength + length)..(OptionHeaderLength + padded)].Clear();
        return OptionHeaderLength + padded;
    }

    private void FinishBlock(Span<byte> block, uint type, int at, bool hasOptions)
    {
        if (hasOptions)
        {
            block.Slice(at, OptionHeaderLength).Clear();
            at += OptionHeaderLength;
        }
        var length = at + TrailerLength;
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], length);
        BinaryPrimitives.WriteInt32LittleEndian(block[at..], length);
        Commit(length);
    }
}
