using System.Buffers.Binary;

namespace IpVlanWin.Engine.Wire;

/// <summary>Protocol numbers of the Ethernet type field (IEEE 802 Numbers, IANA) that the port tells apart, and header lengths in bytes.</summary>
public static class EtherType
{
    /// <summary>IPv4 (RFC 894).</summary>
    public const ushort IPv4 = 0x0800;

    /// <summary>ARP (RFC 826).</summary>
    public const ushort Arp = 0x0806;

    /// <summary>Customer VLAN tag (IEEE 802.1Q).</summary>
    public const ushort VlanTag = 0x8100;

    /// <summary>IPv6 (RFC 2464 section 3).</summary>
    public const ushort IPv6 = 0x86dd;

    /// <summary>MAC control, PAUSE (IEEE 802.3 annex 31B).</summary>
    public const ushort Pause = 0x8808;

    /// <summary>Service VLAN tag (IEEE 802.1ad).</summary>
    public const ushort ServiceTag = 0x88a8;

    /// <summary>Bytes of an Ethernet header without a tag.</summary>
    public const int HeaderLength = 14;

    /// <summary>Bytes of a VLAN tag.</summary>
    public const int TagLength = 4;

    /// <summary>Bytes that a tagged frame must have where its tag is taken off: the two behind the type are looked at too (skb_vlan_untag).</summary>
    public const int ShortestTagged = HeaderLength + TagLength + 2;

    /// <summary>Most tags that are taken off a frame: as many as leave the longest IPv4 header within the 128 bytes that the driver looks at.</summary>
    public const int MostTags = 13;

    /// <summary>The type is that of a VLAN tag.</summary>
    public static bool IsTag(ushort type) => type is VlanTag or ServiceTag;

    /// <summary>Bytes of the tags behind a frame's MACs. The frame is no runt.</summary>
    public static int TagBytes(ReadOnlySpan<byte> frame)
    {
        var bytes = 0;
        while (bytes < MostTags * TagLength && frame.Length >= HeaderLength + bytes + TagLength && IsTag(BinaryPrimitives.ReadUInt16BigEndian(frame[(HeaderLength - 2 + bytes)..])))
            bytes += TagLength;
        return bytes;
    }
}
