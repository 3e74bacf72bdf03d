using System.Buffers.Binary;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// Outbound packets longer than the adapter's MTU, which WinDivert loses without a word when they are sent again: the stack shows packets
/// before it fragments or segments them. Cut here as the stack would: TCP into segments, IPv4 without DF and IPv6 from this host
/// into fragments (RFC 791 section 2.3, RFC 8200 section 4.5). One thread's.
/// </summary>
internal sealed class OversizePackets
{
    private const int Ethernet = EtherType.HeaderLength;
    private const int Ipv6Length = 40;
    private const int FragmentHeader = 44, HopByHop = 0, Routing = 43, Tcp = 6, Udp = 17;

    private readonly byte[] _frame = new byte[Ethernet + DivertLimits.MaxPacketLength];
    private readonly byte[] _piece = new byte[Ethernet + DivertLimits.MaxPacketLength];
    private readonly byte[] _packets = new byte[4 * DivertLimits.MaxPacketLength];
    private readonly DivertAddress[] _addresses = new DivertAddress[DivertLimits.MaxBatch];
    private uint _identification = (uint)Random.Shared.Next();
    private int _bytes;
    private int _count;

    /// <summary>What the last packet was cut into, ready to be sent.</summary>
    public ReadOnlySpan<byte> Packets => _packets.AsSpan(0, _bytes);

    /// <summary>The addresses that go with <see cref="Packets"/>.</summary>
    public ReadOnlySpan<DivertAddress> Addresses => _addresses.AsSpan(0, _count);

    /// <summary>Cuts a packet. False where that is not allowed, or comes to more than a batch.</summary>
    public bool TryCut(ReadOnlySpan<byte> packet, in DivertAddress address, int ipMtu)
    {
        (_bytes, _count) = (0, 0);
        var isSix = packet[0] >> 4 == 6;
        var frame = _frame.AsSpan(0, Ethernet + packet.Length);
        frame.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], isSix ? EtherType.IPv6 : EtherType.IPv4);
        packet.CopyTo(frame[Ethernet..]);
        var whole = frame[Ethernet..];
        var transport = isSix ? Ipv6Length : (packet[0] & 15) * 4;
        var protocol = isSix ? packet[6] : packet[9];
        var isFragment = !isSix && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0;
        if (protocol == Tcp && !isFragment)
            return TryCutTcp(frame, transport, isSix, ipMtu, address);
        if (protocol == Udp && !isFragment && !address.HasUdpChecksum && !TryComplete(whole, transport, 6, isSix))
            return false;
        if (isSix)
            return TryFragmentSix(whole, ipMtu, address);
        var mayFragment = (packet[6] & 0x40) == 0;
        return mayFragment && TryFragmentFour(frame, ipMtu, address);
    }

    private bool TryCutTcp(Span<byte> frame, int transport, bool isSix, int ipMtu, in DivertAddress address)
    {
        var packet = frame[Ethernet..];
        if (packet.Length < transport + 20)
            return false;
        var headers = transport + ((packet[transport + 12] >> 4) * 4);
        if (headers >= ipMtu)
            return false;
        // A partial checksum: the pseudo header's sum, with the whole length in it.
        BinaryPrimitives.WriteUInt16BigEndian(packet[(transport + 16)..], PseudoHeader(packet, transport, isSix, Tcp));
        var offload = new FrameOffload(Ethernet + transport, 16, isSix ? SegmentationKind.Tcp6 : SegmentationKind.Tcp4, ipMtu - headers);
        if (!Segmenter.TryStart(frame, offload, out var segmenter))
            return false;
        for (var length = segmenter.WriteNext(_piece); length > 0; length = segmenter.WriteNext(_piece))
        {
            if (!TryAppend(_piece.AsSpan(Ethernet, length - Ethernet), address))
                return false;
        }
        return true;
    }

    private bool TryFragmentFour(ReadOnlySpan<byte> frame, int ipMtu, in DivertAddress address)
    {
        if (!Fragmenter.TryStart(frame, ipMtu, out var fragmenter))
            return false;
        for (var length = fragmenter.WriteNext(_piece); length > 0; length = fragmenter.WriteNext(_piece))
        {
            if (!TryAppend(_piece.AsSpan(Ethernet, length - Ethernet), address))
                return false;
        }
        return true;
    }

    /// <summary>The headers that every fragment repeats, a fragment header, and a part of the rest whose length is a multiple of eight.</summary>
    private bool TryFragmentSix(ReadOnlySpan<byte> packet, int ipMtu, in DivertAddress address)
    {
        var repeated = Ipv6Length;
        var nextHeader = 6;
        while (packet[nextHeader] is HopByHop or Routing)
        {
            if (repeated + 8 > packet.Length)
                return false;
            nextHeader = repeated;
            repeated += (packet[repeated + 1] + 1) * 8;
        }
        var part = (ipMtu - repeated - 8) & ~7;
        if (packet[nextHeader] == FragmentHeader || part < 8 || repeated > packet.Length)
            return false;
        _identification++;
        for (var done = repeated; done < packet.Length; done += part)
        {
            var length = Math.Min(part, packet.Length - done);
            var piece = _piece.AsSpan(0, repeated + 8 + length);
            packet[..repeated].CopyTo(piece);
            BinaryPrimitives.WriteUInt16BigEndian(piece[4..], (ushort)(piece.Length - Ipv6Length));
            piece[nextHeader] = FragmentHeader;
            piece[repeated] = packet[nextHeader];
            piece[repeated + 1] = 0;
            var isLast = done + length == packet.Length;
            BinaryPrimitives.WriteUInt16BigEndian(piece[(repeated + 2)..], (ushort)((done - repeated) | (isLast ? 0 : 1)));
            BinaryPrimitives.WriteUInt32BigEndian(piece[(repeated + 4)..], _identification);
            packet.Slice(done, length).CopyTo(piece[(repeated + 8)..]);
            if (!TryAppend(piece, address))
                return false;
        }
        return true;
    }

    /// <summary>Nobody can compute a transport checksum from fragments.</summary>
    private static bool TryComplete(Span<byte> packet, int transport, int field, bool isSix)
    {
        if (packet.Length < transport + 8)
            return false;
        var offload = new FrameOffload(transport, field);
        BinaryPrimitives.WriteUInt16BigEndian(packet[(transport + field)..], PseudoHeader(packet, transport, isSix, Udp));
        return Checksum.TryComplete(packet, offload);
    }

    private static ushort PseudoHeader(ReadOnlySpan<byte> packet, int transport, bool isSix, byte protocol)
    {
        var (at, length) = isSix ? (8, 16) : (12, 4);
        return Checksum.PseudoHeader(packet.Slice(at, length), packet.Slice(at + length, length), protocol, packet.Length - transport);
    }

    private bool TryAppend(ReadOnlySpan<byte> packet, in DivertAddress address)
    {
        if (_count == _addresses.Length || _bytes + packet.Length > _packets.Length)
            return false;
        packet.CopyTo(_packets.AsSpan(_bytes));
        _bytes += packet.Length;
        ref var added = ref _addresses[_count++];
        added = address;
        (added.HasIpChecksum, added.HasTcpChecksum, added.HasUdpChecksum) = (true, true, true);
        return true;
    }
}
