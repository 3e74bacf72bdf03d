using System.Net;
using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork;

/// <summary>State of a neighbor (RFC 4861 section 7.3.2). The values are Linux's <c>NUD_*</c>.</summary>
[Flags]
public enum NeighborState : ushort
{
    /// <summary>Just made, nothing started.</summary>
    None = 0,

    /// <summary>Being resolved; there is no MAC yet.</summary>
    Incomplete = 0x01,

    /// <summary>Resolved and confirmed lately.</summary>
    Reachable = 0x02,

    /// <summary>Resolved, to be confirmed at its next use.</summary>
    Stale = 0x04,

    /// <summary>In use, waiting a moment for a confirmation before it is probed.</summary>
    Delay = 0x08,

    /// <summary>Being confirmed by unicast.</summary>
    Probe = 0x10,

    /// <summary>Resolution failed: nobody answered.</summary>
    Failed = 0x20,

    /// <summary>Needs no resolution (multicast, or a link without ARP).</summary>
    NoArp = 0x40,

    /// <summary>Set by an administrator; never changes by itself.</summary>
    Permanent = 0x80,
}

/// <summary>What makes a neighbor one and the same.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The neighbor's IP address.</param>
public readonly record struct NeighborKey(int LinkIndex, IPAddress Address);

/// <summary>A binding of an IP address to a MAC address on a link.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The neighbor's IP address.</param>
/// <param name="Mac">Its MAC address, or null while there is none.</param>
/// <param name="State">How far it is known.</param>
public sealed record HostNeighbor(int LinkIndex, IPAddress Address, PhysicalAddress? Mac, NeighborState State)
{
    /// <summary>The neighbor's identity.</summary>
    public NeighborKey Key => new(LinkIndex, Address);

    /// <summary>True when <see cref="Mac"/> may be used to send (Linux <c>NUD_VALID</c>).</summary>
    public bool IsUsable => Mac is not null && (State & (NeighborState.Permanent | NeighborState.NoArp | NeighborState.Reachable
        | NeighborState.Probe | NeighborState.Stale | NeighborState.Delay)) != 0;
}
