using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>
/// Cuts an IPv4 packet that is longer than the master's MTU into fragments: RFC 791 section 2.3 and 3.2, ip_do_fragment in Linux.
/// Options without the copied bit are blanked in all but the first. Works on a finished frame without a tag.
/// </summary>
public ref struct Fragmenter
{
    private const int CopiedOption = 0x80;
    private const int MoreFragments = 0x2000;
    private const int FragmentOffsetBits = 0x1fff;
    private const int MinHeaderLength = 20;

    private readonly ReadOnlySpan<byte> _frame;
    private readonly int _headerLength;
    private readonly int _payloadPerFragment;
    private int _done;

    private Fragmenter(ReadOnlySpan<byte> frame, int headerLength, int payloadPerFragment)
    {
        _frame = frame;
        _headerLength = headerLength;
        _payloadPerFragment = payloadPerFragment;
    }

    /// <summary>Starts on a frame.</summary>
    /// <param name="frame">Ethernet header and IPv4 packet.</param>
    /// <param name="ipMtu">Most bytes of each fragment's packet.</param>
    /// <param name="fragmenter">Ready for <see cref="WriteNext"/>.</param>
    /// <returns>False where the header is not one to copy or the MTU leaves no room for eight bytes of payload.</returns>
    public static bool TryStart(ReadOnlySpan<byte> frame, int ipMtu, out Fragmenter fragmenter)
    {
        fragmenter = default;
        if (frame.Length < EtherType.HeaderLength + MinHeaderLength)
            return false;
        var headerLength = (frame[EtherType.HeaderLength] & 15) * 4;
        var payload = (ipMtu - headerLength) & ~7;
        if (headerLength < MinHeaderLength || frame.Length < EtherType.HeaderLength + headerLength || payload < 8)
            return false;
        fragmenter = new Fragmenter(frame, headerLength, payload);
        return true;
    }

    /// <summary>Writes the next fragment's frame.</summary>
    /// <param name="destination">Room for a frame of the MTU given.</param>
    /// <returns>Its length in bytes; 0 after the last.</returns>
    public int WriteNext(Span<byte> destination)
    {
        var whole = _frame.Length - EtherType.HeaderLength - _headerLength;
        var payload = Math.Min(_payloadPerFragment, whole - _done);
        if (payload <= 0)
            return 0;
        var headers = EtherType.HeaderLength + _headerLength;
        _frame[..headers].CopyTo(destination);
        _frame.Slice(headers + _done, payload).CopyTo(destination[headers..]);
        var packet = destination.Slice(EtherType.HeaderLength, _headerLength + payload);
        var before = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var isLast = _done + payload == whole && (before & MoreFragments) == 0;
        var offset = (before & FragmentOffsetBits) + (_done / 8);
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], (ushort)((offset & FragmentOffsetBits) | (isLast ? 0 : MoreFragments)));
        if (_done > 0)
            BlankFirstOnlyOptions(packet[MinHeaderLength.._headerLength]);
        Checksum.WriteIpv4Header(packet[.._headerLength]);
        _done += payload;
        return headers + payload;
    }

    private static void BlankFirstOnlyOptions(Span<byte> options)
    {
        const byte EndOfOptions = 0;
        const byte NoOperation = 1;
        for (var i = 0; i < options.Length && options[i] != EndOfOptions;)
        {
            if (options[i] == NoOperation)
            {
                i++;
                continue;
            }
            if (i + 1 >= options.Length || options[i + 1] < 2 || i + options[i + 1] > options.Length)
                return;
            var length = options[i + 1];
            if ((options[i] & CopiedOption) == 0)
                options.Slice(i, length).Fill(NoOperation);
            i += length;
        }
    }
}
