using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// pcapng (draft-ietf-opsawg-pcapng; read sections 3.1, 3.5 and 4.1 to 4.4 first, appendix A for the obsolete packet block).
/// Blocks of other types are passed over. A section of a version this does not know ends the file with an error rather than
/// being left out unseen.
/// </summary>
internal sealed class PcapNgReader : CaptureReader
{
    public const uint SectionHeaderBlock = 0x0A0D_0D0A;
    public const uint InterfaceDescriptionBlock = 1;
    public const uint PacketBlock = 2;
    public const uint SimplePacketBlock = 3;
    public const uint InterfaceStatisticsBlock = 5;
    public const uint EnhancedPacketBlock = 6;
    public const uint ByteOrderMagic = 0x1A2B_3C4D;

    public const ushort EndOfOptions = 0;
    public const ushort CommentOption = 1;
    public const ushort InterfaceNameOption = 2;
    public const ushort InterfaceDescriptionOption = 3;
    public const ushort ResolutionOption = 9;
    public const ushort CheckSequenceOption = 13;
    public const ushort TimeOffsetOption = 14;
    public const ushort FlagsOption = 2;
    public const ushort DropCountOption = 4;

    private const int BlockHeaderLength = 8;
    private const int TrailerLength = 4;
    private const int SmallestBlock = BlockHeaderLength + TrailerLength;
    private const int SectionBodyLength = 16;
    private const int InterfaceBodyLength = 8;
    private const int PacketBodyLength = 20;
    private const int SimplePacketBodyLength = 4;
    private const ushort DropsNotKnown = 0xFFFF;

    private readonly List<CaptureInterface> _interfaces = [];
    private bool _bigEndian;
    private int _section = -1;
    private long _blockOffset;

    public PcapNgReader(CaptureInput input)
        : base(input)
    {
        // The caller saw the section header's type, so this block is one.
        TryReadBlock(out _, out var body);
        BeginSection(body);
    }

    public override IReadOnlyList<CaptureInterface> Interfaces => _interfaces;

    private protected override bool TryReadNext(out CapturedFrame frame)
    {
        while (TryReadBlock(out var type, out var body))
        {
            switch (type)
            {
                case SectionHeaderBlock:
                    BeginSection(body);
                    break;
                case InterfaceDescriptionBlock:
                    AddInterface(body);
                    break;
                case EnhancedPacketBlock or PacketBlock:
                    frame = ReadPacket(type, body);
                    return true;
                case SimplePacketBlock:
                    frame = ReadSimplePacket(body);
                    return true;
            }
        }
        frame = default;
        return false;
    }

    /// <summary>Reads one block whole; the body of a type that nobody reads is passed over and comes back empty.</summary>
    private bool TryReadBlock(out uint type, out ReadOnlySpan<byte> body)
    {
        _blockOffset = Input.Offset;
        type = 0;
        body = default;
        var head = Input.Peek(SmallestBlock);
        if (head.IsEmpty)
            return false;
        if (head.Length < SmallestBlock)
            Fail($"file ends after {head.Length} bytes, the smallest block has {SmallestBlock}");

        // The section header's type reads the same both ways; its third word says how to read the second.
        if (BinaryPrimitives.ReadUInt32LittleEndian(head) == SectionHeaderBlock)
            SetByteOrder(head[BlockHeaderLength..]);
        type = U32(head);
        var length = U32(head[4..]);
        if (length < SmallestBlock || length % 4 != 0)
            Fail($"total length {length} is not a multiple of 4 or below {SmallestBlock}");
        if (length > MaxBlockLength)
            Fail($"total length {length} is above {MaxBlockLength}");

        if (type is SectionHeaderBlock or InterfaceDescriptionBlock or EnhancedPacketBlock or PacketBlock or SimplePacketBlock)
        {
            var block = Input.Peek((int)length);
            if (block.Length < length)
                Fail($"file ends after {block.Length} of {length} bytes");
            CheckTrailer(block[^TrailerLength..], length);
            Input.Advance((int)length);
            body = block[BlockHeaderLength..^TrailerLength];
        }
        else
        {
            var skipped = Input.Skip(length - TrailerLength);
            var trailer = Input.Peek(TrailerLength);
            if (trailer.Length < TrailerLength)
                Fail($"file ends after {skipped + trailer.Length} of {length} bytes");
            CheckTrailer(trailer, length);
            Input.Advance(TrailerLength);
        }
        return true;
    }

    private void SetByteOrder(ReadOnlySpan<byte> magic)
    {
        var value = BinaryPrimitives.ReadUInt32LittleEndian(magic);
        _bigEndian = BinaryPrimitives.ReverseEndianness(value) == ByteOrderMagic;
        if (!_bigEndian && value != ByteOrderMagic)
            Fail($"byte-order magic 0x{value:x8} must be 0x{ByteOrderMagic:x8} in either byte order");
    }

    private void CheckTrailer(ReadOnlySpan<byte> trailer, uint length)
    {
        if (U32(trailer) != length)
            Fail($"total length {length} is repeated as {U32(trailer)} at the block's end");
    }

    private void BeginSection(ReadOnlySpan<byte> body)
    {
        CheckBody(body, SectionBodyLength, "a section header block");
        var major = U16(body[4..]);
        var minor = U16(body[6..]);
        // Section 4.1: 2 was written for minor by mistake and means 0.
        if (major != 1 || minor is not (0 or 2))
            Fail($"version {major}.{minor} must be 1.0 or 1.2");
        _section++;
        _interfaces.Clear();
    }

    private void AddInterface(ReadOnlySpan<byte> body)
    {
        CheckBody(body, InterfaceBodyLength, "an interface description block");
        if (_interfaces.Count == MaxInterfaces)
            Fail($"section has more than {MaxInterfaces} interfaces");
        string? name = null, description = null;
        var resolution = TimestampScale.DefaultResolution;
        long offsetSeconds = 0;
        var checkSequence = 0;
        var options = body[InterfaceBodyLength..];
        while (TryReadOption(ref options, out var code, out var value))
        {
            switch (code)
            {
                case InterfaceNameOption:
                    name = Encoding.UTF8.GetString(UpToZero(value));
                    break;
                case InterfaceDescriptionOption:
                    description = Encoding.UTF8.GetString(UpToZero(value));
                    break;
                case ResolutionOption:
                    CheckOption("if_tsresol", value, 1);
                    resolution = value[0];
                    break;
                case TimeOffsetOption:
                    CheckOption("if_tsoffset", value, sizeof(long));
                    offsetSeconds = (long)U64(value);
                    break;
                case CheckSequenceOption:
                    CheckOption("if_fcslen", value, 1);
                    // The draft says bits, its example and most writers mean bytes. Ethernet's is 4 bytes or none.
                    checkSequence = value[0] is 4 or 32 ? 4 : 0;
                    break;
            }
        }
        _interfaces.Add(new CaptureInterface
        {
            Section = _section,
            Index = _interfaces.Count,
            LinkType = U16(body),
            SnapLength = U32(body[4..]),
            Name = name,
            Description = description,
            CheckSequenceLength = checkSequence,
            Timestamps = new TimestampScale(resolution, offsetSeconds),
        });
    }

    private CapturedFrame ReadPacket(uint type, ReadOnlySpan<byte> body)
    {
        CheckBody(body, PacketBodyLength, type == PacketBlock ? "a packet block" : "an enhanced packet block");
        var @interface = Interface(type == PacketBlock ? U16(body) : U32(body));
        var timestamp = ((ulong)U32(body[4..]) << 32) | U32(body[8..]);
        var captured = U32(body[12..]);
        var bytes = PacketBytes(body[PacketBodyLength..], captured);
        var padded = (bytes.Length + 3) & ~3;
        var options = ReadPacketOptions(type, body[(PacketBodyLength + padded)..]);
        if (type == PacketBlock && U16(body[2..]) != DropsNotKnown)
            options.DropCount = U16(body[2..]);
        return new CapturedFrame(@interface, _blockOffset, bytes, U32(body[16..]), @interface.Timestamps.ToUnixNanoseconds(timestamp), options);
    }

    private PacketOptions ReadPacketOptions(uint type, ReadOnlySpan<byte> options)
    {
        var found = default(PacketOptions);
        while (TryReadOption(ref options, out var code, out var value))
        {
            switch (code)
            {
                case CommentOption when found.Comment.IsEmpty:
                    found.Comment = UpToZero(value);
                    break;
                case FlagsOption:
                    CheckOption("epb_flags", value, sizeof(uint));
                    var flags = U32(value);
                    found.Direction = (flags & 3) == 3 ? FrameDirection.Unknown : (FrameDirection)(flags & 3);
                    found.CheckSequenceLength = (int)(flags >> 5) & 0xF;
                    break;
                case DropCountOption when type == EnhancedPacketBlock:
                    CheckOption("epb_dropcount", value, sizeof(ulong));
                    found.DropCount = U64(value);
                    break;
            }
        }
        return found;
    }

    private CapturedFrame ReadSimplePacket(ReadOnlySpan<byte> body)
    {
        CheckBody(body, SimplePacketBodyLength, "a simple packet block");
        var @interface = Interface(0);
        var original = U32(body);
        var captured = @interface.SnapLength == 0 ? original : (uint)Math.Min(original, @interface.SnapLength);
        return new CapturedFrame(@interface, _blockOffset, PacketBytes(body[SimplePacketBodyLength..], captured), original, null, default);
    }

    private CaptureInterface Interface(uint index)
    {
        if (index >= _interfaces.Count)
            Fail($"interface {index} is not described: the section has {_interfaces.Count} so far");
        return _interfaces[(int)index];
    }

    private ReadOnlySpan<byte> PacketBytes(ReadOnlySpan<byte> rest, uint captured)
    {
        if (captured > MaxCapturedLength)
            Fail($"captured length {captured} is above {MaxCapturedLength}");
        if (captured > rest.Length)
            Fail($"captured length {captured} is above the {rest.Length} bytes the block has for it");
        return rest[..(int)captured];
    }

    /// <summary>Section 3.5. A list may end without its end mark.</summary>
    private bool TryReadOption(scoped ref ReadOnlySpan<byte> options, out ushort code, out ReadOnlySpan<byte> value)
    {
        code = EndOfOptions;
        value = default;
        if (options.IsEmpty)
            return false;
        // Blocks, packet bytes with padding, and options are multiples of four bytes, so there are at least four.
        code = U16(options);
        if (code == EndOfOptions)
            return false;
        var length = U16(options[2..]);
        var rest = options[4..];
        if (length > rest.Length)
            Fail($"option {code} has length {length}, the block has {rest.Length} bytes left");
        value = rest[..length];
        options = rest[((length + 3) & ~3)..];
        return true;
    }

    private void CheckOption(string name, ReadOnlySpan<byte> value, int length)
    {
        if (value.Length != length)
            Fail($"option {name} has length {value.Length}, it must be {length}");
    }

    private void CheckBody(ReadOnlySpan<byte> body, int least, string kind)
    {
        if (body.Length < least)
            Fail($"total length {body.Length + SmallestBlock} is below {least + SmallestBlock}, the least of {kind}");
    }

    private static ReadOnlySpan<byte> UpToZero(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        return end < 0 ? text : text[..end];
    }

    private ushort U16(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private uint U32(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private ulong U64(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    [DoesNotReturn]
    private void Fail(string fault) => throw new CaptureFormatException(Name, "block", _blockOffset, fault);
}
