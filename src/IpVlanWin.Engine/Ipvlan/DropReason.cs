namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Why a frame went nowhere (semantics 58; the rule that drops it in brackets).</summary>
public enum DropReason : byte
{
    /// <summary>It was not dropped.</summary>
    None,

    /// <summary>To a sibling of a private port (21a, 25).</summary>
    Private,

    /// <summary>To a sibling of a private port behind a VLAN tag (21b).</summary>
    TaggedPrivate,

    /// <summary>Multicast or broadcast sent in l3 or l3s (26).</summary>
    MulticastInL3,

    /// <summary>Neither IPv4 nor IPv6 sent in l3 or l3s (27).</summary>
    NotIp,

    /// <summary>IPv4 header too short (29).</summary>
    Ipv4Header,

    /// <summary>IPv6 header too short (29).</summary>
    Ipv6Header,

    /// <summary>A source that no host routes (31).</summary>
    SourceNotRoutable,

    /// <summary>A destination that no host routes (31).</summary>
    DestinationNotRoutable,

    /// <summary>No prefix or route covers the destination (34).</summary>
    NoRoute,

    /// <summary>Longer than the way it would go carries (34, 38).</summary>
    MtuExceeded,

    /// <summary>Too many packets wait for a neighbor (34).</summary>
    NeighborQueueFull,

    /// <summary>The master is down (23, 29, 48).</summary>
    MasterDown,

    /// <summary>The interface is down (47).</summary>
    InterfaceDown,

    /// <summary>Shorter than an Ethernet header.</summary>
    Runt,

    /// <summary>Longer than the adapter accepts.</summary>
    Oversize,

    /// <summary>A VLAN tag cut short (7).</summary>
    ShortTag,

    /// <summary>The backlog of frames to be flooded is full (57).</summary>
    BacklogFull,

    /// <summary>PAUSE, swallowed (22a).</summary>
    Pause,

    /// <summary>For an interface in l3s, but not a packet that a host would take (18). The host has it.</summary>
    L3sInvalid,

    /// <summary>The device it was to leave by had no room.</summary>
    DeviceQueueFull,
}

/// <summary>The words for drop reasons.</summary>
public static class DropReasons
{
    /// <summary>Number of reasons, <see cref="DropReason.None"/> included.</summary>
    public const int Count = (int)DropReason.DeviceQueueFull + 1;

    private static readonly string[] Words =
    [
        "none", "private", "tagged-private", "multicast-in-l3", "not-ip", "ipv4-header", "ipv6-header", "source-not-routable",
        "destination-not-routable", "no-route", "mtu-exceeded", "neighbor-queue-full", "master-down", "interface-down", "runt",
        "oversize", "short-tag", "backlog-full", "pause", "l3s-invalid", "device-queue-full",
    ];

    /// <summary>The reason's word, as in semantics 58.</summary>
    public static string Word(this DropReason reason) => Words[(int)reason];
}
