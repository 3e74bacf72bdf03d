using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace IpVlanWin.Engine.Wire;

/// <summary>
/// Cuts a frame that stands for several segments into finished frames, one per call of <see cref="WriteNext"/>: IP lengths, IPv4
/// identifications and header checksums, TCP sequence numbers and flags, UDP lengths, transport checksums. What the kernel's
/// tcp_gso_segment, __udp_gso_segment and inet_gso_segment do. RFC 9293 section 3.1, RFC 768, RFC 3168 section 6.1.2.
/// </summary>
public ref struct Segmenter
{
    private const byte TcpFin = 0x01;
    private const byte TcpPush = 0x08;
    private const byte TcpCongestionWindowReduced = 0x80;

    private readonly ReadOnlySpan<byte> _frame;
    private readonly SegmentHeaders _headers;
    private readonly int _segmentSize;
    private readonly bool _ecn;
    private readonly ushort _pseudoSum;
    private bool _hasMore;
    private int _next;
    private ushort _identification;

    private Segmenter(ReadOnlySpan<byte> frame, scoped in SegmentHeaders headers, scoped in FrameOffload offload, int longestSegment, ushort pseudoSum)
    {
        _frame = frame;
        _headers = headers;
        _segmentSize = offload.SegmentSize;
        _ecn = offload.Ecn;
        _pseudoSum = pseudoSum;
        _hasMore = true;
        _next = headers.Payload;
        _identification = headers.IsIpv6 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(frame[(headers.Network + 4)..]);
        LongestSegment = longestSegment;
    }

    /// <summary>Length in bytes of the longest segment's frame: what the destination of <see cref="WriteNext"/> has to hold.</summary>
    public int LongestSegment { get; }

    /// <summary>
    /// Starts cutting. Total over any bytes: false where the offload does not fit the frame (no segment size, headers cut short, another
    /// protocol, a fragment, a checksum elsewhere than in the transport header, tunnels).
    /// </summary>
    public static bool TryStart(ReadOnlySpan<byte> frame, scoped in FrameOffload offload, out Segmenter segmenter)
    {
        segmenter = default;
        if (offload.SegmentSize == 0 || !SegmentHeaders.TryLocate(frame, offload.Segmentation, out var headers))
            return false;
        var longest = Math.Min(frame.Length, headers.Payload + offload.SegmentSize);
        if (longest - headers.Network - (headers.IsIpv6 ? SegmentHeaders.Ipv6HeaderLength : 0) > ushort.MaxValue)
            return false;
        var transportLength = frame.Length - headers.Transport;
        ushort pseudoSum;
        if (offload.NeedsChecksum)
        {
            // The field holds the pseudo header's sum with the whole length in it, which is right even where a routing header
            // names the final destination.
            if (offload.ChecksumStart != headers.Transport || offload.ChecksumOffset != headers.ChecksumOffset)
                return false;
            var partial = BinaryPrimitives.ReadUInt16BigEndian(frame[(headers.Transport + headers.ChecksumOffset)..]);
            pseudoSum = Checksum.Subtract(partial, Checksum.Add((ushort)transportLength, (ushort)(transportLength >> 16)));
        }
        else if (headers.IsSourceRouted)
            return false;
        else
        {
            var (addresses, addressLength) = headers.IsIpv6 ? (headers.Network + 8, 16) : (headers.Network + 12, 4);
            pseudoSum = Checksum.PseudoHeader(
                frame.Slice(addresses, addressLength), frame.Slice(addresses + addressLength, addressLength), headers.Protocol, 0);
        }
        segmenter = new Segmenter(frame, headers, offload, longest, pseudoSum);
        return true;
    }

    /// <summary>
    /// Length in bytes of the longest frame that <paramref name="frame"/> puts on the wire: its own, or that of its first segment. The
    /// headers' length comes from the checksum's start and the transport header, as the header's own hint may be wrong (virtio 1.2
    /// section 5.1.6.2). A frame that its offload does not fit counts as it is.
    /// </summary>
    public static int SegmentFrameLength(ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        var kind = offload.Segmentation;
        if (kind == SegmentationKind.None || offload.SegmentSize == 0)
            return frame.Length;
        int payload;
        if (offload.NeedsChecksum)
        {
            if (!SegmentHeaders.TryTransportHeaderLength(frame, offload.ChecksumStart, kind, out var length))
                return frame.Length;
            payload = offload.ChecksumStart + length;
        }
        else if (SegmentHeaders.TryLocate(frame, kind, out var headers))
            payload = headers.Payload;
        else
            return frame.Length;
        return Math.Min(frame.Length, payload + offload.SegmentSize);
    }

    /// <summary>Writes the next segment's frame.</summary>
    /// <param name="destination">At least <see cref="LongestSegment"/> bytes, not overlapping the frame.</param>
    /// <returns>Bytes written; 0 after the last segment.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int WriteNext(Span<byte> destination)
    {
        if (!_hasMore)
            return 0;
        if (destination.Length < LongestSegment)
            ThrowTooShort();

        var isFirst = _next == _headers.Payload;
        var payload = _frame[_next..];
        var isLast = payload.Length <= _segmentSize;
        if (!isLast)
            payload = payload[.._segmentSize];
        _frame[.._headers.Payload].CopyTo(destination);
        payload.CopyTo(destination[_headers.Payload..]);
        var segment = destination[..(_headers.Payload + payload.Length)];

        WriteNetworkHeader(segment[_headers.Network..]);
        WriteTransportHeader(segment[_headers.Transport..], isFirst, isLast);
        _next += payload.Length;
        _hasMore = !isLast;
        return segment.Length;
    }

    private void WriteNetworkHeader(Span<byte> packet)
    {
        if (_headers.IsIpv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - SegmentHeaders.Ipv6HeaderLength));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], _identification++);
        Checksum.WriteIpv4Header(packet[..(_headers.Transport - _headers.Network)]);
    }

    private readonly void WriteTransportHeader(Span<byte> transport, bool isFirst, bool isLast)
    {
        if (_headers.ChecksumOffset == SegmentHeaders.UdpChecksumOffset)
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        else
        {
            var sequence = transport[4..];
            BinaryPrimitives.WriteUInt32BigEndian(sequence, BinaryPrimitives.ReadUInt32BigEndian(sequence) + (uint)(_next - _headers.Payload));
            if (!isLast)
                transport[13] &= unchecked((byte)~(TcpFin | TcpPush));
            if (_ecn && !isFirst)
                transport[13] &= unchecked((byte)~TcpCongestionWindowReduced);
        }
        var field = transport.Slice(_headers.ChecksumOffset, sizeof(ushort));
        field.Clear();
        Checksum.WriteNonZero(field, Checksum.Compute(transport, Checksum.Add(_pseudoSum, (ushort)transport.Length)));
    }

    [DoesNotReturn]
    private static void ThrowTooShort() => throw new ArgumentException("a segment's destination must hold the longest segment", "destination");
}
