using static IpVlanWin.Engine.Tests.Oracle.NaiveHeader;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>IPv4 fragmentation and reassembly by RFC 791 sections 2.3 and 3.2, plainly.</summary>
public static class NaiveFragments
{
    /// <summary>The example procedure of RFC 791 section 3.2. A frame that leaves no room for eight bytes is lost.</summary>
    public static List<byte[]> Cut(byte[] frame, int ipMtu)
    {
        var ethernet = frame[..14];
        var packet = frame[14..];
        var headerLength = packet[0] % 16 * 4;
        var payload = packet[headerLength..];
        var blocks = (ipMtu - headerLength) / 8;
        List<byte[]> fragments = [];
        if (blocks < 1)
            return fragments;
        var wasMore = (packet[6] & 0x20) != 0;
        var firstBlock = Word(packet, 6) % 0x2000;
        for (var at = 0; at < payload.Length; at += blocks * 8)
        {
            var piece = payload.Skip(at).Take(blocks * 8).ToArray();
            var more = wasMore || at + piece.Length < payload.Length;
            var header = packet[..headerLength];
            if (at > 0)
                BlankUncopied(header);
            WireNaive.Big16(headerLength + piece.Length).CopyTo(header, 2);
            WireNaive.Big16((firstBlock + (at / 8)) % 0x2000 + (more ? 0x2000 : 0)).CopyTo(header, 6);
            WireNaive.Big16(0).CopyTo(header, 10);
            WireNaive.Big16(~WireNaive.Sum(header)).CopyTo(header, 10);
            fragments.Add([.. ethernet, .. header, .. piece]);
        }
        return fragments;
    }

    /// <summary>The payload that fragments of one datagram carry, and whether all of it from the given block on is there.</summary>
    public static (byte[] Payload, bool Whole) Reassemble(IEnumerable<byte[]> frames, int firstBlock, bool expectEnd)
    {
        SortedDictionary<int, byte> bytes = [];
        var end = -1;
        foreach (var frame in frames)
        {
            var packet = frame[14..(14 + Word(frame, 16))];
            var header = packet[0] % 16 * 4;
            var start = (Word(packet, 6) % 0x2000 * 8) - (firstBlock * 8);
            for (var i = header; i < packet.Length; i++)
                bytes[start + i - header] = packet[i];
            if ((packet[6] & 0x20) == 0)
                end = start + packet.Length - header;
        }
        var isDense = bytes.Keys.Select((key, index) => key == index).All(same => same);
        return ([.. bytes.Values], isDense && (expectEnd ? end == bytes.Count : end < 0));
    }

    private static void BlankUncopied(byte[] header)
    {
        var i = 20;
        while (i < header.Length && header[i] != 0)
        {
            if (header[i] == 1)
            {
                i++;
                continue;
            }
            if (i + 1 == header.Length || header[i + 1] < 2 || i + header[i + 1] > header.Length)
                break;
            int length = header[i + 1];
            if (header[i] < 0x80)
                Array.Fill(header, (byte)1, i, length);
            i += length;
        }
    }
}
