using System.Net;
using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork;

/// <summary>
/// What both systems can do to a host's network: <see cref="Linux.RouteNetlink"/> by rtnetlink, <see cref="Windows.WindowsNetwork"/>
/// by IP Helper. All members may be called from any thread and throw <see cref="HostNetworkException"/> with the system's own code
/// when it refuses.
/// </summary>
public interface IHostNetwork : IDisposable
{
    /// <summary>All links.</summary>
    IReadOnlyList<HostLink> ListLinks();

    /// <summary>The link of that name, or null.</summary>
    /// <param name="name">The name (on Windows the alias, whatever its case).</param>
    HostLink? FindLink(string name);

    /// <summary>The link of that index, or null.</summary>
    /// <param name="index">The index, from 1.</param>
    HostLink? FindLink(int index);

    /// <summary>Addresses of both families.</summary>
    /// <param name="linkIndex">Only those of this link; null for all.</param>
    IReadOnlyList<HostAddress> ListAddresses(int? linkIndex = null);

    /// <summary>Adds an address; refused when the link has it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">IPv4 or IPv6; a scope identifier is ignored.</param>
    /// <param name="prefixLength">In bits: 0 to 32 or 0 to 128.</param>
    /// <param name="flags"><see cref="AddressFlags.NoDad"/>, <see cref="AddressFlags.NoPrefixRoute"/> or none.</param>
    void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None);

    /// <summary>Removes an address; refused when the link does not have it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">Its prefix length in bits.</param>
    void RemoveAddress(int linkIndex, IPAddress address, int prefixLength);

    /// <summary>Routes, both families.</summary>
    IReadOnlyList<HostRoute> ListRoutes();

    /// <summary>Adds a route; refused when there is the same.</summary>
    /// <param name="route">The route.</param>
    void AddRoute(HostRoute route);

    /// <summary>Adds a route in the place of one to the same destination with the same metric, if there is one.</summary>
    /// <param name="route">The route.</param>
    void ReplaceRoute(HostRoute route);

    /// <summary>Removes a route; refused when there is none.</summary>
    /// <param name="route">Destination and kind decide, and of metric, link and gateway those that are given.</param>
    void RemoveRoute(HostRoute route);

    /// <summary>Neighbors of both families, without those that need no resolution.</summary>
    /// <param name="linkIndex">Only those of this link; null for all.</param>
    IReadOnlyList<HostNeighbor> ListNeighbors(int? linkIndex = null);

    /// <summary>Adds a neighbor or replaces what is known about it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">Its IP address.</param>
    /// <param name="mac">Its MAC address.</param>
    /// <param name="state">How far it is trusted.</param>
    void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent);

    /// <summary>Removes a neighbor; refused when there is none.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">Its IP address.</param>
    void RemoveNeighbor(int linkIndex, IPAddress address);

    /// <summary>Asks for a neighbor to be resolved by ARP or ND and returns at once; the answer shows in the neighbors.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The IP address to resolve.</param>
    void Resolve(int linkIndex, IPAddress address);

    /// <summary>Sets the MTU.</summary>
    /// <param name="index">The link.</param>
    /// <param name="ipMtu">The largest IP packet in bytes.</param>
    void SetMtu(int index, int ipMtu);
}

/// <summary>
/// Follows a host's network and keeps a mirror of it: <see cref="Linux.HostWatch"/> and <see cref="Windows.WindowsWatch"/>. The last
/// word about each thing is always right; what came and went between two readings may not be shown.
/// </summary>
public interface IHostWatch : IDisposable
{
    /// <summary>The state as it is known now.</summary>
    HostSnapshot Snapshot { get; }

    /// <summary>Ends when the watch has ended, with the error that ended it if there was one.</summary>
    Task Completion { get; }

    /// <summary>Waits until the mirror satisfies a condition.</summary>
    /// <param name="condition">Must be quick.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task<HostSnapshot> WaitFor(Func<HostSnapshot, bool> condition, CancellationToken cancellation);
}
