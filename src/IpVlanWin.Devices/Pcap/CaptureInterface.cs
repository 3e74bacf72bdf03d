namespace IpVlanWin.Devices.Pcap;

/// <summary>An interface that a capture file describes (draft-ietf-opsawg-pcapng section 4.2). A classic pcap file has one, unnamed.</summary>
public sealed class CaptureInterface
{
    /// <summary>LINKTYPE_ETHERNET (draft-ietf-opsawg-pcaplinktype), the only one whose packets are frames here.</summary>
    public const int Ethernet = 1;

    /// <summary>Section of the file it belongs to, from 0.</summary>
    public int Section { get; init; }

    /// <summary>Place among the section's interfaces, from 0.</summary>
    public int Index { get; init; }

    /// <summary>Link type of its packets.</summary>
    public int LinkType { get; init; }

    /// <summary>Most bytes captured of a packet; 0 means no limit was set.</summary>
    public long SnapLength { get; init; }

    /// <summary>if_name, where the file gives one.</summary>
    public string? Name { get; init; }

    /// <summary>if_description, where the file gives one.</summary>
    public string? Description { get; init; }

    /// <summary>Bytes of frame check sequence at the end of each packet; 0 where there is none or the file does not say.</summary>
    public int CheckSequenceLength { get; init; }

    internal TimestampScale Timestamps { get; init; }
}
