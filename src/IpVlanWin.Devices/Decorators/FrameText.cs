using System.Buffers.Binary;
using System.Net;
using System.Text;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>A frame in one line for people, as tcpdump writes it with -e. Total: any bytes give a line.</summary>
public static class FrameText
{
    private const int EthernetLength = 14;
    private const int VlanTagLength = 4;
    private const int ArpLength = 28;
    private const int Ip4Length = 20;
    private const int Ip6Length = 40;
    private const ushort FirstEtherType = 0x0600;

    /// <summary>Addresses, ethertype, length, and what is inside.</summary>
    public static string Describe(ReadOnlySpan<byte> frame, in FrameOffload offload = default)
    {
        var text = new StringBuilder();
        Append(text, frame, offload);
        return text.ToString();
    }

    internal static void Append(StringBuilder text, ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        if (frame.Length < EthernetLength)
        {
            text.Append($"length {frame.Length}: [cut short within the Ethernet header]");
            return;
        }
        text.Append($"{MacAddress.Read(frame[MacAddress.Bytes..])} > {MacAddress.Read(frame)}, ");
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        var packet = frame[EthernetLength..];
        while (type is 0x8100 or 0x88A8 && packet.Length >= VlanTagLength)
        {
            text.Append($"{(type == 0x8100 ? "vlan" : "svlan")} {BinaryPrimitives.ReadUInt16BigEndian(packet) & 0xFFF}, ");
            type = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
            packet = packet[VlanTagLength..];
        }
        text.Append(type < FirstEtherType ? $"802.3, length {frame.Length}" : $"ethertype {TypeName(type)}(0x{type:x4}), length {frame.Length}");
        AppendPacket(text, type, packet);
        if (offload.Segmentation != SegmentationKind.None)
            text.Append($" [{offload.Segmentation} segments of {offload.SegmentSize}]");
        if (offload.NeedsChecksum)
            text.Append(" [checksum not ready]");
    }

    private static string TypeName(ushort type) => type switch
    {
        0x0800 => "IPv4 ",
        0x0806 => "ARP ",
        0x86DD => "IPv6 ",
        0x8808 => "MAC control ",
        0x8100 or 0x88A8 => "VLAN ",
        _ => "",
    };

    private static void AppendPacket(StringBuilder text, ushort type, ReadOnlySpan<byte> packet)
    {
        switch (type)
        {
            case 0x0806:
                AppendArp(text, packet);
                break;
            case 0x0800:
                AppendIp4(text, packet);
                break;
            case 0x86DD:
                AppendIp6(text, packet);
                break;
        }
    }

    private static void AppendArp(StringBuilder text, ReadOnlySpan<byte> packet)
    {
        // RFC 826; anything but IPv4 over Ethernet has other lengths.
        if (packet.Length < ArpLength || packet[4] != MacAddress.Bytes || packet[5] != 4)
        {
            text.Append(": [not IPv4 over Ethernet, or cut short]");
            return;
        }
        var operation = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var sender = new IPAddress(packet.Slice(14, 4));
        var target = new IPAddress(packet.Slice(24, 4));
        text.Append(operation switch
        {
            1 => $": Request who-has {target} tell {sender}",
            2 => $": Reply {sender} is-at {MacAddress.Read(packet[8..])}",
            _ => $": operation {operation} from {sender} for {target}",
        });
    }

    private static void AppendIp4(StringBuilder text, ReadOnlySpan<byte> packet)
    {
        var headerLength = packet.IsEmpty ? 0 : (packet[0] & 0xF) * 4;
        if (packet.Length < Ip4Length || packet[0] >> 4 != 4 || headerLength < Ip4Length || headerLength > packet.Length)
        {
            text.Append(": [bad IPv4 header]");
            return;
        }
        var fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var isFirst = (fragment & 0x1FFF) == 0;
        AppendAddresses(
            text, new IPAddress(packet.Slice(12, 4)), new IPAddress(packet.Slice(16, 4)), packet[9], isFirst ? packet[headerLength..] : default);
        if ((fragment & 0x3FFF) != 0)
            text.Append($" [fragment at {(fragment & 0x1FFF) * 8}{((fragment & 0x2000) != 0 ? "+" : "")}]");
    }

    private static void AppendIp6(StringBuilder text, ReadOnlySpan<byte> packet)
    {
        if (packet.Length < Ip6Length || packet[0] >> 4 != 6)
        {
            text.Append(": [bad IPv6 header]");
            return;
        }
        AppendAddresses(text, new IPAddress(packet.Slice(8, 16)), new IPAddress(packet.Slice(24, 16)), packet[6], packet[Ip6Length..]);
    }

    private static void AppendAddresses(StringBuilder text, IPAddress source, IPAddress destination, byte protocol, ReadOnlySpan<byte> transport)
    {
        if (protocol is 6 or 17 && transport.Length >= 4)
        {
            var (from, to) = (BinaryPrimitives.ReadUInt16BigEndian(transport), BinaryPrimitives.ReadUInt16BigEndian(transport[2..]));
            text.Append($": {source}.{from} > {destination}.{to}: {(protocol == 6 ? "TCP" : "UDP")}");
            if (protocol == 6 && transport.Length >= 14)
                AppendTcpFlags(text, transport[13]);
            return;
        }
        text.Append($": {source} > {destination}: ");
        var type = transport.IsEmpty ? -1 : transport[0];
        _ = (protocol, type) switch
        {
            (1, 0) => text.Append("ICMP echo reply"),
            (1, 8) => text.Append("ICMP echo request"),
            (1, >= 0) => text.Append($"ICMP type {type}"),
            (58, 128) => text.Append("ICMP6 echo request"),
            (58, 129) => text.Append("ICMP6 echo reply"),
            (58, 133) => text.Append("ICMP6 router solicitation"),
            (58, 134) => text.Append("ICMP6 router advertisement"),
            (58, 135) => AppendTarget(text.Append("ICMP6 neighbor solicitation"), transport),
            (58, 136) => AppendTarget(text.Append("ICMP6 neighbor advertisement"), transport),
            (58, >= 0) => text.Append($"ICMP6 type {type}"),
            _ => text.Append($"protocol {protocol}"),
        };
    }

    private static StringBuilder AppendTarget(StringBuilder text, ReadOnlySpan<byte> message) =>
        message.Length < 24 ? text : text.Append($", target {new IPAddress(message.Slice(8, 16))}");

    private static void AppendTcpFlags(StringBuilder text, byte flags)
    {
        text.Append(" [");
        ReadOnlySpan<char> letters = "FSRP.UEW";
        for (var i = 0; i < letters.Length; i++)
        {
            if ((flags & (1 << i)) != 0)
                text.Append(letters[i]);
        }
        text.Append(']');
    }
}
