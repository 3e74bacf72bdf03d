using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace IpVlanWin.Devices.Pcap;

/// <summary>Classic pcap, microseconds or nanoseconds, either byte order (draft-ietf-opsawg-pcap sections 4 and 5).</summary>
internal sealed class PcapReader : CaptureReader
{
    public const uint MicrosecondMagic = 0xA1B2C3D4;
    public const uint NanosecondMagic = 0xA1B23C4D;
    public const int HeaderLength = 24;
    public const int RecordHeaderLength = 16;
    public const ushort MajorVersion = 2;
    public const ushort MinorVersion = 4;

    // The word after the snap length: link type, reserved bits, P (check sequence length is given), its length in 16-bit words.
    private const uint ReservedBits = 0x0BFF_0000;
    private const uint CheckSequencePresent = 0x0400_0000;
    private const int CheckSequenceShift = 28;

    private readonly bool _bigEndian;
    private readonly long _fractionNanoseconds;
    private readonly CaptureInterface _interface;

    public PcapReader(CaptureInput input)
        : base(input)
    {
        var header = input.Peek(HeaderLength);
        var magic = BinaryPrimitives.ReadUInt32LittleEndian(header);
        _bigEndian = BinaryPrimitives.ReverseEndianness(magic) is MicrosecondMagic or NanosecondMagic;
        magic = U32(header);
        if (magic is not (MicrosecondMagic or NanosecondMagic))
            Fail("header", 0, $"magic number 0x{magic:x8} must be 0xa1b2c3d4 or 0xa1b23c4d (pcap, either byte order) or 0x0a0d0d0a (pcapng)");
        if (header.Length < HeaderLength)
            Fail("header", 0, $"file ends after {header.Length} of {HeaderLength} bytes");
        if (U16(header[4..]) != MajorVersion || U16(header[6..]) != MinorVersion)
            Fail("header", 0, $"version {U16(header[4..])}.{U16(header[6..])} must be {MajorVersion}.{MinorVersion}");
        var link = U32(header[20..]);
        if ((link & ReservedBits) != 0)
            Fail("header", 0, $"link type word 0x{link:x8} has reserved bits set (0x{ReservedBits:x8} must be 0)");
        _fractionNanoseconds = magic == NanosecondMagic ? 1 : 1000;
        _interface = new CaptureInterface
        {
            LinkType = (ushort)link,
            SnapLength = U32(header[16..]),
            CheckSequenceLength = (link & CheckSequencePresent) != 0 ? (int)(link >> CheckSequenceShift) * sizeof(ushort) : 0,
        };
        Interfaces = [_interface];
        input.Advance(HeaderLength);
    }

    public override IReadOnlyList<CaptureInterface> Interfaces { get; }

    private protected override bool TryReadNext(out CapturedFrame frame)
    {
        var offset = Input.Offset;
        var header = Input.Peek(RecordHeaderLength);
        if (header.IsEmpty)
        {
            frame = default;
            return false;
        }
        if (header.Length < RecordHeaderLength)
            Fail("record", offset, $"file ends after {header.Length} of {RecordHeaderLength} header bytes");
        var time = (U32(header) * 1_000_000_000L) + (U32(header[4..]) * _fractionNanoseconds);
        var captured = U32(header[8..]);
        var original = U32(header[12..]);
        if (captured > MaxCapturedLength)
            Fail("record", offset, $"captured length {captured} is above {MaxCapturedLength}");
        var length = RecordHeaderLength + (int)captured;
        var record = Input.Peek(length);
        if (record.Length < length)
            Fail("record", offset, $"file ends after {record.Length} of {length} bytes");
        Input.Advance(length);
        frame = new CapturedFrame(_interface, offset, record[RecordHeaderLength..], original, time, default);
        return true;
    }

    private ushort U16(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private uint U32(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    [DoesNotReturn]
    private void Fail(string part, long offset, string fault) => throw new CaptureFormatException(Name, part, offset, fault);
}
