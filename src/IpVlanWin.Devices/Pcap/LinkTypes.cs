namespace IpVlanWin.Devices.Pcap;

/// <summary>Names of the link types that captures of IP traffic mostly have (draft-ietf-opsawg-pcaplinktype).</summary>
internal static class LinkTypes
{
    /// <summary>Number and name, or the number alone.</summary>
    public static string Name(int linkType)
    {
        var name = linkType switch
        {
            0 => "LINKTYPE_NULL",
            CaptureInterface.Ethernet => "LINKTYPE_ETHERNET",
            9 => "LINKTYPE_PPP",
            101 => "LINKTYPE_RAW",
            105 => "LINKTYPE_IEEE802_11",
            108 => "LINKTYPE_LOOP",
            113 => "LINKTYPE_LINUX_SLL",
            127 => "LINKTYPE_IEEE802_11_RADIOTAP",
            228 => "LINKTYPE_IPV4",
            229 => "LINKTYPE_IPV6",
            239 => "LINKTYPE_NFLOG",
            276 => "LINKTYPE_LINUX_SLL2",
            _ => null,
        };
        return name is null ? $"{linkType}" : $"{linkType} ({name})";
    }
}
