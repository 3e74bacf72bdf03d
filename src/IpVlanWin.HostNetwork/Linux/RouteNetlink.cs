using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// Reads and changes links, addresses, routes and neighbors of one network namespace by rtnetlink(7). The socket stays in
/// the namespace it was opened in; all members may be called from any thread, one request runs at a time.
/// </summary>
/// <remarks>
/// Every member throws <see cref="HostNetworkException"/> with the kernel's errno when the kernel refuses (EPERM without
/// CAP_NET_ADMIN, ENODEV for an unknown link). Lists are consistent: they are read again when the table changed meanwhile.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed partial class RouteNetlink : IHostNetwork
{
    /// <summary>How often a list is read again before a table that never rests is given up.</summary>
    private const int DumpAttempts = 50;

    // Guards _socket: a request and its answers are one unit.
    private readonly Lock _lock = new();
    private readonly NetlinkSocket _socket;

    private RouteNetlink(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a socket in the calling thread's namespace.</summary>
    public static RouteNetlink Open() => new(NetlinkSocket.Open());

    /// <summary>Opens a socket in a namespace.</summary>
    /// <param name="networkNamespace">The namespace; it may be disposed afterwards.</param>
    public static RouteNetlink Open(NetworkNamespace networkNamespace)
    {
        ArgumentNullException.ThrowIfNull(networkNamespace);
        return networkNamespace.Run(Open);
    }

    /// <summary>Addresses of both families.</summary>
    /// <param name="linkIndex">Only those of this link; null for all.</param>
    public IReadOnlyList<HostAddress> ListAddresses(int? linkIndex = null) =>
        Repeat("list the addresses", (List<HostAddress> list) => DumpAddresses(_socket, address =>
        {
            if (linkIndex is null || address.LinkIndex == linkIndex) list.Add(address);
        }));

    /// <summary>Adds an address. EEXIST when the link has it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">IPv4 or IPv6; a scope identifier is ignored.</param>
    /// <param name="prefixLength">In bits: 0 to 32 or 0 to 128.</param>
    /// <param name="flags">
    /// <see cref="AddressFlags.NoDad"/> makes an IPv6 address usable at once, <see cref="AddressFlags.NoPrefixRoute"/> adds no route.
    /// </param>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None) =>
        Execute(writer => RouteRequests.Address(writer, add: true, linkIndex, address, prefixLength, flags));

    /// <summary>
    /// Removes an address. EADDRNOTAVAIL when the link does not have it. With an IPv4 subnet's first address its further
    /// addresses go too, unless the link's promote_secondaries is set (ip-sysctl).
    /// </summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">Its prefix length in bits.</param>
    public void RemoveAddress(int linkIndex, IPAddress address, int prefixLength) =>
        Execute(writer => RouteRequests.Address(writer, add: false, linkIndex, address, prefixLength, AddressFlags.None));

    /// <summary>Routes of the main table, both families.</summary>
    public IReadOnlyList<HostRoute> ListRoutes() => Repeat("list the routes", (List<HostRoute> list) => DumpRoutes(_socket, list.Add));

    /// <summary>Adds a route. EEXIST when there is one to the same destination with the same metric.</summary>
    /// <param name="route">The route. ENETUNREACH when its gateway is on no link and it is not <see cref="HostRoute.OnLink"/>.</param>
    public void AddRoute(HostRoute route) => Execute(writer => RouteRequests.Route(writer, route, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_EXCL));

    /// <summary>Adds a route in the place of one to the same destination with the same metric, if there is one.</summary>
    /// <param name="route">The route.</param>
    public void ReplaceRoute(HostRoute route) => Execute(writer => RouteRequests.Route(writer, route, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_REPLACE));

    /// <summary>Removes a route. ESRCH when there is none.</summary>
    /// <param name="route">
    /// Destination and kind decide, and of metric, link, gateway and preferred source those that are given.
    /// </param>
    public void RemoveRoute(HostRoute route) => Execute(writer => RouteRequests.Route(writer, route, 0));

    /// <summary>Neighbors of both families, without those that need no resolution (as `ip neighbor` shows them).</summary>
    /// <param name="linkIndex">Only those of this link; null for all.</param>
    public IReadOnlyList<HostNeighbor> ListNeighbors(int? linkIndex = null) =>
        Repeat("list the neighbors", (List<HostNeighbor> list) => DumpNeighbors(_socket, neighbor =>
        {
            if (linkIndex is null || neighbor.LinkIndex == linkIndex) list.Add(neighbor);
        }));

    /// <summary>Adds a neighbor or replaces what is known about it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">Its IP address.</param>
    /// <param name="mac">Its MAC address.</param>
    /// <param name="state">How far it is trusted.</param>
    public void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent) =>
        Execute(writer => RouteRequests.Neighbor(writer, linkIndex, address, mac, state));

    /// <summary>Removes a neighbor. ENOENT when there is none.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">Its IP address.</param>
    public void RemoveNeighbor(int linkIndex, IPAddress address) => Execute(writer => RouteRequests.RemoveNeighbor(writer, linkIndex, address));

    /// <summary>
    /// Asks the kernel to resolve a neighbor by ARP or ND. Returns at once; success and failure come as changes of a
    /// <see cref="HostWatch"/>. Does nothing when the neighbor is known and fresh.
    /// </summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The IP address to resolve.</param>
    public void Resolve(int linkIndex, IPAddress address) => Execute(writer => RouteRequests.Resolve(writer, linkIndex, address));

    /// <summary>
    /// Lets a link answer ARP or ND for an address that lies behind another one. The link must forward that family; IPv6 needs its
    /// proxy_ndp too (ip-sysctl).
    /// </summary>
    /// <param name="linkIndex">The link that answers.</param>
    /// <param name="address">The address.</param>
    public void AddProxy(int linkIndex, IPAddress address) => Execute(writer => RouteRequests.Proxy(writer, add: true, linkIndex, address));

    /// <summary>Ends that. ENOENT when there is none.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The address.</param>
    public void RemoveProxy(int linkIndex, IPAddress address) => Execute(writer => RouteRequests.Proxy(writer, add: false, linkIndex, address));

    /// <summary>Starts a batch: many changes in few system calls.</summary>
    public RouteBatch CreateBatch() => new(this);

    /// <summary>Closes the socket.</summary>
    public void Dispose()
    {
        lock (_lock) _socket.Dispose();
    }

    internal List<BatchFailure> Execute(NetlinkWriter requests)
    {
        var failures = new List<BatchFailure>();
        lock (_lock) _socket.Execute(requests, failures);
        return failures;
    }

    private void Execute(Action<NetlinkWriter> write)
    {
        var writer = new NetlinkWriter();
        write(writer);
        foreach (var failure in Execute(writer)) throw failure.Error;
    }

    private List<T> Repeat<T>(string attempt, Func<List<T>, bool> dump)
    {
        lock (_lock)
        {
            for (var i = 0; i < DumpAttempts; i++)
            {
                var list = new List<T>();
                if (dump(list)) return list;
            }
        }
        LinuxError.Throw(LinuxError.EINTR, attempt, $"they changed during each of {DumpAttempts} readings");
        return null;
    }
}
