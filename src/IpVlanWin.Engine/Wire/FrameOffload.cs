using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Wire;

/// <summary>How a frame that stands for several segments is to be cut. Values as in virtio 1.2 section 5.1.6.</summary>
public enum SegmentationKind : byte
{
    /// <summary>One frame, one segment.</summary>
    None = 0,

    /// <summary>TCP over IPv4 (VIRTIO_NET_HDR_GSO_TCPV4).</summary>
    Tcp4 = 1,

    /// <summary>TCP over IPv6 (VIRTIO_NET_HDR_GSO_TCPV6).</summary>
    Tcp6 = 4,

    /// <summary>UDP over IPv4 or IPv6, cut into datagrams (VIRTIO_NET_HDR_GSO_UDP_L4).</summary>
    Udp = 5,
}

/// <summary>
/// What is unfinished about a frame: a partial checksum, segments still to be cut. Ten bytes, in the host's byte order laid out
/// as struct virtio_net_hdr (virtio 1.2 section 5.1.6), so that TAP devices and packet sockets pass it on untouched.
/// The default value means a finished frame. Offsets count from the frame's first byte.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = Bytes)]
public readonly struct FrameOffload : IEquatable<FrameOffload>
{
    /// <summary>Size of the structure in bytes.</summary>
    public const int Bytes = 10;

    private const byte NeedsChecksumBit = 1;
    private const byte EcnBit = 0x80;

    private readonly byte _flags;
    private readonly byte _segmentation;
    private readonly ushort _headerLength;
    private readonly ushort _segmentSize;
    private readonly ushort _checksumStart;
    private readonly ushort _checksumOffset;

    /// <summary>Describes an unfinished frame.</summary>
    /// <param name="checksumStart">Where the checksummed bytes begin, in bytes from the start of the frame.</param>
    /// <param name="checksumOffset">Where the checksum goes, in bytes from <paramref name="checksumStart"/>.</param>
    /// <param name="kind">How the frame is to be cut.</param>
    /// <param name="segmentSize">Payload bytes of each segment; 0 when <paramref name="kind"/> is none.</param>
    /// <param name="ecn">The first segment alone carries CWR (RFC 3168 section 6.1.2).</param>
    public FrameOffload(int checksumStart, int checksumOffset, SegmentationKind kind = SegmentationKind.None, int segmentSize = 0, bool ecn = false)
    {
        _flags = NeedsChecksumBit;
        _segmentation = (byte)((byte)kind | (ecn ? EcnBit : 0));
        _headerLength = 0;
        _segmentSize = (ushort)segmentSize;
        _checksumStart = (ushort)checksumStart;
        _checksumOffset = (ushort)checksumOffset;
    }

    private FrameOffload(FrameOffload other, int shift)
    {
        this = other;
        if (other.NeedsChecksum)
            _checksumStart = (ushort)(other._checksumStart + shift);
        if (other._headerLength != 0)
            _headerLength = (ushort)(other._headerLength + shift);
    }

    /// <summary>The transport checksum holds the sum of the pseudo header only and has to be completed.</summary>
    public bool NeedsChecksum => (_flags & NeedsChecksumBit) != 0;

    /// <summary>How the frame is to be cut.</summary>
    public SegmentationKind Segmentation => (SegmentationKind)(_segmentation & ~EcnBit);

    /// <summary>Only the first segment carries CWR.</summary>
    public bool Ecn => (_segmentation & EcnBit) != 0;

    /// <summary>Payload bytes of each segment.</summary>
    public int SegmentSize => _segmentSize;

    /// <summary>Where the checksummed bytes begin, in bytes from the start of the frame.</summary>
    public int ChecksumStart => _checksumStart;

    /// <summary>Where the checksum goes, in bytes from <see cref="ChecksumStart"/>.</summary>
    public int ChecksumOffset => _checksumOffset;

    /// <summary>Nothing is left to be done.</summary>
    public bool IsFinished => ((_flags & NeedsChecksumBit) | _segmentation) == 0;

    /// <summary>The same work on a frame in which <paramref name="bytes"/> bytes (a VLAN tag: 4 or -4) came in before the transport header.</summary>
    public FrameOffload Shifted(int bytes) => IsFinished ? this : new FrameOffload(this, bytes);

    /// <inheritdoc/>
    public bool Equals(FrameOffload other) =>
        _flags == other._flags && _segmentation == other._segmentation && _headerLength == other._headerLength &&
        _segmentSize == other._segmentSize && _checksumStart == other._checksumStart && _checksumOffset == other._checksumOffset;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is FrameOffload other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_flags, _segmentation, _segmentSize, _checksumStart, _checksumOffset);

    /// <summary>Same work.</summary>
    public static bool operator ==(FrameOffload left, FrameOffload right) => left.Equals(right);

    /// <summary>Different work.</summary>
    public static bool operator !=(FrameOffload left, FrameOffload right) => !left.Equals(right);
}
