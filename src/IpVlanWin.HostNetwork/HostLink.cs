using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork;

/// <summary>State of a link as the host shows it. The values are Linux's <c>IFF_*</c> (netdevice(7)).</summary>
[Flags]
public enum LinkFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>Administratively up (<c>IFF_UP</c>).</summary>
    Up = 1 << 0,

    /// <summary>Can broadcast (<c>IFF_BROADCAST</c>).</summary>
    Broadcast = 1 << 1,

    /// <summary>The loopback (<c>IFF_LOOPBACK</c>).</summary>
    Loopback = 1 << 3,

    /// <summary>Point to point, without link-layer addresses (<c>IFF_POINTOPOINT</c>).</summary>
    PointToPoint = 1 << 4,

    /// <summary>Operational: up and with a carrier (<c>IFF_RUNNING</c>).</summary>
    Running = 1 << 6,

    /// <summary>Does not resolve neighbors by itself (<c>IFF_NOARP</c>).</summary>
    NoArp = 1 << 7,

    /// <summary>
    /// Somebody set the link promiscuous by its flag (<c>IFF_PROMISC</c>). A packet socket that asks for promiscuous
    /// reception does not show here.
    /// </summary>
    Promiscuous = 1 << 8,

    /// <summary>Receives every multicast frame, set by its flag (<c>IFF_ALLMULTI</c>).</summary>
    AllMulticast = 1 << 9,

    /// <summary>Can multicast (<c>IFF_MULTICAST</c>).</summary>
    Multicast = 1 << 12,

    /// <summary>The carrier is present (<c>IFF_LOWER_UP</c>).</summary>
    LowerUp = 1 << 16,
}

/// <summary>A network link of the host: an adapter, a veth end, a bridge, a tap.</summary>
public sealed record HostLink
{
    /// <summary>The index, positive, unique in its namespace and never reused for another link while this one lives.</summary>
    public required int Index { get; init; }

    /// <summary>The name, 1 to 15 bytes on Linux.</summary>
    public required string Name { get; init; }

    /// <summary>The driver's kind ("veth", "bridge", "tun", "dummy"; <c>IFLA_INFO_KIND</c>), or null for hardware and loopback.</summary>
    public string? Kind { get; init; }

    /// <summary>What an administrator wrote about it (<c>IFLA_IFALIAS</c>), or null. Linux alone.</summary>
    public string? Alias { get; init; }

    /// <summary>The link-layer address; empty (<see cref="PhysicalAddress.None"/>) when the link has none.</summary>
    public PhysicalAddress Mac { get; init; } = PhysicalAddress.None;

    /// <summary>The largest IP packet in bytes, without the link-layer header (<c>IFLA_MTU</c>).</summary>
    public required int IpMtu { get; init; }

    /// <summary>The flags.</summary>
    public LinkFlags Flags { get; init; }

    /// <summary>The index of the bridge or bond this link is a port of, or 0 (<c>IFLA_MASTER</c>).</summary>
    public int MasterIndex { get; init; }

    /// <summary>
    /// The index of the lower link or of a veth's other end, in that link's own namespace, or 0 (<c>IFLA_LINK</c>).
    /// </summary>
    public int PeerIndex { get; init; }

    /// <summary>True when <see cref="LinkFlags.Up"/> is set.</summary>
    public bool IsUp => (Flags & LinkFlags.Up) != 0;

    /// <summary>True when <see cref="LinkFlags.Running"/> is set.</summary>
    public bool IsRunning => (Flags & LinkFlags.Running) != 0;
}

/// <summary>How a link makes its own IPv6 link-local address (Linux <c>IN6_ADDR_GEN_MODE_*</c>).</summary>
public enum AddressGeneration : byte
{
    /// <summary>From the MAC address (RFC 4291 appendix A).</summary>
    Eui64 = 0,

    /// <summary>None: the link gets no link-local address by itself.</summary>
    None = 1,

    /// <summary>Stable and opaque, from the secret that is configured (RFC 7217).</summary>
    StablePrivacy = 2,

    /// <summary>Stable and opaque, from a secret made up by the kernel (RFC 7217).</summary>
    Random = 3,
}

/// <summary>An offload of a link that can be switched (Linux ethtool, <c>ETHTOOL_S*</c>).</summary>
public enum LinkOffload
{
    /// <summary>Trust in checksums verified on reception.</summary>
    ReceiveChecksum,

    /// <summary>Checksums are left to the link on transmission.</summary>
    TransmitChecksum,

    /// <summary>Frames in several pieces; segmentation offloads need it.</summary>
    ScatterGather,

    /// <summary>TCP segmentation by the link (TSO).</summary>
    TcpSegmentation,

    /// <summary>Generic segmentation just before the driver (GSO).</summary>
    GenericSegmentation,

    /// <summary>Coalescing of received segments (GRO).</summary>
    GenericReceive,
}
