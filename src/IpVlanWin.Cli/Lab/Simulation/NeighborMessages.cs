using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>An ARP packet for IPv4 over Ethernet: RFC 826, "Packet format".</summary>
internal readonly ref struct ArpPacket
{
    public const int Length = 28;
    public const ushort Request = 1;
    public const ushort Reply = 2;

    private static ReadOnlySpan<byte> Fixed => [0, 1, 8, 0, MacAddress.Bytes, 4];

    private readonly ReadOnlySpan<byte> _bytes;

    private ArpPacket(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public ushort Operation => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    public MacAddress SenderMac => MacAddress.Read(_bytes[8..]);

    public L3Address Sender => L3Address.ReadFour(_bytes[14..]);

    public L3Address Target => L3Address.ReadFour(_bytes[24..]);

    public static bool TryParse(ReadOnlySpan<byte> bytes, out ArpPacket packet)
    {
        packet = new ArpPacket(bytes);
        return bytes.Length >= Length && bytes.StartsWith(Fixed);
    }

    public static void Write(Span<byte> destination, ushort operation, MacAddress senderMac, L3Address sender, MacAddress targetMac, L3Address target)
    {
        Fixed.CopyTo(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], operation);
        senderMac.Write(destination[8..]);
        sender.Write(destination[14..]);
        targetMac.Write(destination[18..]);
        target.Write(destination[24..]);
    }
}

/// <summary>A neighbor solicitation or advertisement with its link-layer address option: RFC 4861 sections 4.3, 4.4 and 4.6.1.</summary>
internal readonly ref struct NeighborMessage
{
    public const byte Solicitation = 135;
    public const byte Advertisement = 136;

    /// <summary>With the option.</summary>
    public const int Length = 32;

    /// <summary>Receivers refuse messages with any other (RFC 4861 sections 7.1.1 and 7.1.2).</summary>
    public const byte HopLimit = 255;

    private const int OptionOffset = 24;
    private const byte SourceOption = 1;
    private const byte TargetOption = 2;
    private const uint SolicitedAndOverride = 0x6000_0000;

    private readonly ReadOnlySpan<byte> _bytes;

    private NeighborMessage(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public L3Address Target => L3Address.ReadSix(_bytes[8..]);

    /// <summary>Takes a message of either type, its checksum and hop limit already checked.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out NeighborMessage message)
    {
        message = new NeighborMessage(bytes);
        return bytes.Length >= OptionOffset && bytes[0] is Solicitation or Advertisement;
    }

    /// <summary>The sender's MAC, from the option that goes with the type.</summary>
    public bool TryFindMac(out MacAddress mac)
    {
        var wanted = _bytes[0] == Solicitation ? SourceOption : TargetOption;
        var options = _bytes[OptionOffset..];
        while (options.Length >= 8 && options[1] > 0 && options.Length >= options[1] * 8)
        {
            if (options[0] == wanted)
            {
                mac = MacAddress.Read(options[2..]);
                return true;
            }
            options = options[(options[1] * 8)..];
        }
        mac = default;
        return false;
    }

    /// <summary>Writes all but the checksum.</summary>
    public static void Write(Span<byte> destination, byte type, L3Address target, MacAddress mac)
    {
        destination[..Length].Clear();
        destination[0] = type;
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], type == Advertisement ? SolicitedAndOverride : 0);
        target.Write(destination[8..]);
        destination[OptionOffset] = type == Advertisement ? TargetOption : SourceOption;
        destination[OptionOffset + 1] = 1;
        mac.Write(destination[(OptionOffset + 2)..]);
    }
}

/// <summary>Multicast MACs and groups.</summary>
internal static class Multicast
{
    /// <summary>RFC 1112 section 6.4; RFC 2464 section 7.</summary>
    public static MacAddress Mac(L3Address group) => group.IsSix
        ? new MacAddress(0x3333_0000_0000ul | (uint)group.Low)
        : new MacAddress(0x0100_5e00_0000 | (group.Low & 0x7f_ffff));

    /// <summary>RFC 4291 section 2.7.1.</summary>
    public static L3Address SolicitedNode(L3Address address) => new(0xff02_0000_0000_0000, 0x0000_0001_ff00_0000 | (address.Low & 0xff_ffff));
}
