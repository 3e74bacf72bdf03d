using System.Net;

namespace IpVlanWin.HostNetwork;

/// <summary>What a route does with a packet. The values are Linux's <c>RTN_*</c> (rtnetlink(7)).</summary>
public enum RouteKind : byte
{
    /// <summary>Sends it on.</summary>
    Unicast = 1,

    /// <summary>Keeps it: the destination is this host.</summary>
    Local = 2,

    /// <summary>Broadcasts it on the link.</summary>
    Broadcast = 3,

    /// <summary>The destination is one of a group (anycast).</summary>
    Anycast = 4,

    /// <summary>Multicasts it on the link.</summary>
    Multicast = 5,

    /// <summary>Drops it silently.</summary>
    Blackhole = 6,

    /// <summary>Drops it and answers "host unreachable".</summary>
    Unreachable = 7,

    /// <summary>Drops it and answers "administratively prohibited".</summary>
    Prohibit = 8,

    /// <summary>Goes on with the next table of the policy.</summary>
    Throw = 9,
}

/// <summary>
/// A route of the main table. A route over several next hops is shown as one of these for each next hop. A route is its
/// own identity: one that changes is another one.
/// </summary>
/// <remarks>Limits: routes that select by type of service or by source prefix are not shown; neither are other tables.</remarks>
public sealed record HostRoute
{
    /// <summary>The prefix it matches; 0.0.0.0/0 or ::/0 is the default route.</summary>
    public required IPNetwork Destination { get; init; }

    /// <summary>What it does with a packet.</summary>
    public RouteKind Kind { get; init; } = RouteKind.Unicast;

    /// <summary>The egress link's index, or 0 when it has none (blackhole and its like).</summary>
    public int LinkIndex { get; init; }

    /// <summary>The next hop, or null for a destination on the link. An IPv4 route may have an IPv6 gateway (RFC 5549).</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The preference; lower wins. When an IPv6 route is added with 0, the kernel makes it 1024.</summary>
    public uint Metric { get; init; }

    /// <summary>Who made it (Linux <c>RTPROT_*</c>: 2 the kernel, 3 boot, 4 an administrator, 9 router advertisements).</summary>
    public byte Protocol { get; init; } = 4;

    /// <summary>The source address it prefers, or null.</summary>
    public IPAddress? PreferredSource { get; init; }

    /// <summary>True when the gateway is taken to be on the link even though no prefix covers it (<c>RTNH_F_ONLINK</c>).</summary>
    public bool OnLink { get; init; }
}
