using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>
/// Makes a routed packet ready to leave, in place: semantics 30 and 33, __ip_local_out and ip6_local_out in Linux. Lengths are set to
/// the bytes there, the IPv4 header checksum is recomputed, the MACs are the hop's and the master's. TTL and hop limit stay.
/// </summary>
public static class RoutedPacket
{
    /// <summary>Rewrites a frame on which the router decided; shorter ones never get that far.</summary>
    public static void Rewrite(Span<byte> frame, MacAddress destination, MacAddress source)
    {
        destination.Write(frame);
        source.Write(frame[MacAddress.Bytes..]);
        var packet = frame[EtherType.HeaderLength..];
        if (BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == EtherType.IPv4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
            Checksum.WriteIpv4Header(packet[..Math.Min((packet[0] & 15) * 4, packet.Length)]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - 40));
        }
    }
}
