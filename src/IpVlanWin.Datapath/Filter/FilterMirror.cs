using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>A route as the driver keeps it.</summary>
internal readonly record struct MirroredRoute(L3Prefix Prefix, L3Address? Gateway, uint Metric, bool IsUnreachable);

/// <summary>What the driver was told of its host: the master's addresses, routes and neighbors. Not safe for several threads.</summary>
internal sealed class FilterMirror
{
    private readonly HashSet<L3Prefix> _addresses = [];
    private readonly HashSet<MirroredRoute> _routes = [];
    private readonly Dictionary<L3Address, MacAddress> _neighbors = [];

    /// <summary>The master's addresses.</summary>
    public IReadOnlyCollection<L3Prefix> Addresses => _addresses;

    /// <summary>Items that make the driver's view the snapshot's; what goes comes first, so that its room is free.</summary>
    /// <param name="snapshot">The host now.</param>
    /// <param name="masterIndex">The master's link.</param>
    /// <param name="own">Links of ours: what is reached by them is no route of the host's.</param>
    public AbiItem[] Follow(HostSnapshot snapshot, int masterIndex, IReadOnlySet<int> own)
    {
        List<AbiItem> gone = [], come = [];
        var addresses = snapshot.Addresses.Values.Where(one => one.LinkIndex == masterIndex && (one.Flags & (AddressFlags.Tentative | AddressFlags.DadFailed)) == 0)
            .Select(one => new L3Prefix(L3Address.From(one.Address), one.PrefixLength)).ToHashSet();
        var routes = snapshot.Routes.Where(route => IsMirrored(route, snapshot, own)).Select(route => Of(route, masterIndex)).ToHashSet();
        var neighbors = new Dictionary<L3Address, MacAddress>();
        foreach (var neighbor in snapshot.Neighbors.Values)
        {
            if (neighbor.LinkIndex == masterIndex && neighbor.IsUsable && neighbor.Mac.TryToMac(out var mac) && !mac.IsMulticast)
                neighbors[L3Address.From(neighbor.Address)] = mac;
        }
        gone.AddRange(_addresses.Except(addresses).Select(prefix => FilterItems.MasterAddress(prefix, isRemoved: true)));
        gone.AddRange(_routes.Except(routes).Select(route => FilterItems.Route(route, isRemoved: true)));
        gone.AddRange(_neighbors.Where(entry => !neighbors.ContainsKey(entry.Key)).Select(entry => FilterItems.Neighbor(entry.Key, entry.Value, isRemoved: true)));
        come.AddRange(addresses.Except(_addresses).Select(prefix => FilterItems.MasterAddress(prefix)));
        come.AddRange(routes.Except(_routes).Select(route => FilterItems.Route(route)));
        come.AddRange(neighbors.Where(entry => !_neighbors.TryGetValue(entry.Key, out var known) || known != entry.Value).Select(entry => FilterItems.Neighbor(entry.Key, entry.Value)));
        Replace(_addresses, addresses);
        Replace(_routes, routes);
        _neighbors.Clear();
        foreach (var (address, mac) in neighbors)
            _neighbors.Add(address, mac);
        return [.. gone, .. come];
    }

    /// <summary>Gives an engine's port the same.</summary>
    public void Copy(Port port)
    {
        foreach (var prefix in _addresses)
            port.AddMasterAddress(prefix);
        foreach (var route in _routes)
            port.AddRoute(route.Prefix, new Route(route.Gateway, route.Metric, route.IsUnreachable));
        foreach (var (address, mac) in _neighbors)
            port.Neighbors.Set(address, mac, TimeSpan.MaxValue);
    }

    private static void Replace<T>(HashSet<T> known, HashSet<T> now)
    {
        known.Clear();
        known.UnionWith(now);
    }

    // The on-link routes of the master's own prefixes come with its addresses; what is local or multicast is the driver's to know.
    private static bool IsMirrored(HostRoute route, HostSnapshot snapshot, IReadOnlySet<int> own)
    {
        if (route.Kind is not (RouteKind.Unicast or RouteKind.Blackhole or RouteKind.Unreachable or RouteKind.Prohibit) || own.Contains(route.LinkIndex))
            return false;
        var isLoopback = snapshot.Links.TryGetValue(route.LinkIndex, out var link) && (link.Flags & LinkFlags.Loopback) != 0;
        return !isLoopback && !L3Address.From(route.Destination.BaseAddress).IsMulticast;
    }

    // What leaves by another link than the master is not carried by this data path.
    private static MirroredRoute Of(HostRoute route, int masterIndex) => new(
        route.Destination.ToPrefix(), route.Gateway is null ? null : L3Address.From(route.Gateway), route.Metric,
        route.Kind != RouteKind.Unicast || route.LinkIndex != masterIndex);
}
