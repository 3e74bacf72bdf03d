using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>A change of a <see cref="RouteBatch"/> that the kernel refused.</summary>
/// <param name="Position">The change's place in the batch, from 0.</param>
/// <param name="Error">Why.</param>
public sealed record BatchFailure(int Position, HostNetworkException Error);

/// <summary>
/// Changes that are sent together, many in one system call. Each is tried on its own: one that fails does not stop the
/// others. Not for several threads; held in memory until sent (about 100 bytes a change).
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class RouteBatch
{
    private readonly RouteNetlink _netlink;
    private readonly NetlinkWriter _writer = new();

    internal RouteBatch(RouteNetlink netlink) => _netlink = netlink;

    /// <summary>The number of changes collected.</summary>
    public int Count => _writer.Count;

    /// <inheritdoc cref="RouteNetlink.AddAddress"/>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None) =>
        RouteRequests.Address(_writer, add: true, linkIndex, address, prefixLength, flags);

    /// <inheritdoc cref="RouteNetlink.RemoveAddress"/>
    public void RemoveAddress(int linkIndex, IPAddress address, int prefixLength) =>
        RouteRequests.Address(_writer, add: false, linkIndex, address, prefixLength, AddressFlags.None);

    /// <inheritdoc cref="RouteNetlink.AddRoute"/>
    public void AddRoute(HostRoute route) => RouteRequests.Route(_writer, route, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_EXCL);

    /// <inheritdoc cref="RouteNetlink.ReplaceRoute"/>
    public void ReplaceRoute(HostRoute route) => RouteRequests.Route(_writer, route, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_REPLACE);

    /// <inheritdoc cref="RouteNetlink.RemoveRoute"/>
    public void RemoveRoute(HostRoute route) => RouteRequests.Route(_writer, route, 0);

    /// <inheritdoc cref="RouteNetlink.SetNeighbor"/>
    public void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent) =>
        RouteRequests.Neighbor(_writer, linkIndex, address, mac, state);

    /// <inheritdoc cref="RouteNetlink.RemoveNeighbor"/>
    public void RemoveNeighbor(int linkIndex, IPAddress address) => RouteRequests.RemoveNeighbor(_writer, linkIndex, address);

    /// <summary>Sends all, empties the batch and returns what was refused, in order.</summary>
    /// <exception cref="HostNetworkException">The socket itself failed; some changes may have been made.</exception>
    public IReadOnlyList<BatchFailure> Send()
    {
        try
        {
            return _netlink.Execute(_writer);
        }
        finally
        {
            _writer.Clear();
        }
    }
}
