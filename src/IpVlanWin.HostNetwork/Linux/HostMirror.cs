using System.Collections.Immutable;
using System.Net;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// The mirror behind <see cref="HostWatch"/>: takes notifications and dumps, keeps the state and collects the differences.
/// Belongs to one thread.
/// </summary>
/// <remarks>
/// Some changes are not announced and are found by a dump: IPv4 routes that go with their link or their preferred source
/// (fib_sync_down_dev, fib_sync_down_addr), IPv6 routes that lose it (rt6_remove_prefsrc), the route that a replacement replaces, routes that go with a next-hop object.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class HostMirror
{
    private readonly ImmutableDictionary<int, HostLink>.Builder _links = ImmutableDictionary.CreateBuilder<int, HostLink>();
    private readonly ImmutableDictionary<AddressKey, HostAddress>.Builder _addresses = ImmutableDictionary.CreateBuilder<AddressKey, HostAddress>();
    private readonly ImmutableDictionary<NeighborKey, HostNeighbor>.Builder _neighbors = ImmutableDictionary.CreateBuilder<NeighborKey, HostNeighbor>();
    private readonly ImmutableHashSet<HostRoute>.Builder _routes = ImmutableHashSet.CreateBuilder<HostRoute>();
    private readonly List<HostRoute> _parsedRoutes = [];

    // How many of the known routes prefer each source address.
    private readonly Dictionary<IPAddress, int> _preferredSources = [];
    private List<HostChange> _changes = [];

    /// <summary>The tables that must be read again.</summary>
    public HostTables Stale { get; set; } = HostTables.All;

    /// <summary>True when there are changes to deliver.</summary>
    public bool HasChanges => _changes.Count > 0;

    /// <summary>The state as it is now; costs nothing but what changed since the last call.</summary>
    public HostSnapshot ToSnapshot() => new()
    {
        Links = _links.ToImmutable(),
        Addresses = _addresses.ToImmutable(),
        Routes = _routes.ToImmutable(),
        Neighbors = _neighbors.ToImmutable(),
    };

    /// <summary>Hands over the changes since the last call.</summary>
    public List<HostChange> TakeChanges()
    {
        var changes = _changes;
        _changes = [];
        return changes;
    }

    /// <summary>Applies the notifications of one datagram.</summary>
    /// <returns>The tables they are about.</returns>
    public HostTables Apply(ReadOnlySpan<byte> datagram)
    {
        var touched = HostTables.None;
        var messages = new MessageReader(datagram);
        while (messages.Next()) touched |= Apply(messages.Header, messages.Payload);
        if (messages.IsMalformed) Stale = HostTables.All;
        return touched;
    }

    private HostTables Apply(in NlMsgHdr header, ReadOnlySpan<byte> payload)
    {
        switch (header.Type)
        {
            case Rtnl.RTM_NEWLINK or Rtnl.RTM_DELLINK:
                var linkResult = RouteParser.Link(payload, out var link);
                if (linkResult == ParseResult.Parsed) ApplyLink(link!, header.Type == Rtnl.RTM_NEWLINK);
                return Touched(HostTables.Links, linkResult);
            case Rtnl.RTM_NEWADDR or Rtnl.RTM_DELADDR:
                var addressResult = RouteParser.Address(payload, out var address);
                if (addressResult == ParseResult.Parsed) ApplyAddress(address!, header.Type == Rtnl.RTM_NEWADDR);
                return Touched(HostTables.Addresses, addressResult);
            case Rtnl.RTM_NEWROUTE or Rtnl.RTM_DELROUTE:
                _parsedRoutes.Clear();
                var routeResult = RouteParser.Routes(payload, _parsedRoutes);
                if (routeResult == ParseResult.Parsed) ApplyRoutes(header.Type == Rtnl.RTM_NEWROUTE, (header.Flags & Rtnl.NLM_F_REPLACE) != 0);
                return Touched(HostTables.Routes, routeResult);
            case Rtnl.RTM_NEWNEIGH or Rtnl.RTM_DELNEIGH:
                var neighborResult = RouteParser.Neighbor(payload, out var neighbor);
                if (neighborResult == ParseResult.Parsed) ApplyNeighbor(neighbor!, header.Type == Rtnl.RTM_NEWNEIGH);
                return Touched(HostTables.Neighbors, neighborResult);
            case Rtnl.RTM_NEWNEXTHOP or Rtnl.RTM_DELNEXTHOP:
                Stale |= HostTables.Routes;
                return HostTables.Routes;
            default:
                return HostTables.None;
        }
    }

    /// <summary>A notification that cannot be understood counts as one that was lost.</summary>
    private HostTables Touched(HostTables table, ParseResult result)
    {
        if (result == ParseResult.Malformed) Stale |= table;
        return result == ParseResult.Foreign ? HostTables.None : table;
    }

    private void ApplyLink(HostLink link, bool present)
    {
        var wentDown = _links.TryGetValue(link.Index, out var old) && old.IsUp && !(present && link.IsUp);
        if (wentDown) Stale |= HostTables.Routes;
        Apply(_links, link.Index, link, present, static (kind, link) => new LinkChange(kind, link));
    }

    private void ApplyAddress(HostAddress address, bool present)
    {
        // IPv4 routes go with the source they prefer, IPv6 routes lose it.
        if (!present && _preferredSources.ContainsKey(address.Address)) Stale |= HostTables.Routes;
        Apply(_addresses, address.Key, address, present, static (kind, address) => new AddressChange(kind, address));
    }

    private void ApplyNeighbor(HostNeighbor neighbor, bool present) =>
        Apply(_neighbors, neighbor.Key, neighbor, present && RouteParser.IsShown(neighbor), static (kind, neighbor) => new NeighborChange(kind, neighbor));

    private void ApplyRoutes(bool present, bool replaces)
    {
        // The message does not say which of the routes with that metric was replaced.
        if (replaces) Stale |= HostTables.Routes;
        foreach (var route in _parsedRoutes) ApplyRoute(route, present);
    }

    private void ApplyRoute(HostRoute route, bool present)
    {
        if (!(present ? _routes.Add(route) : _routes.Remove(route))) return;
        _changes.Add(new RouteChange(present ? ChangeKind.Added : ChangeKind.Removed, route));
        if (route.PreferredSource is not { } source) return;
        var users = _preferredSources.GetValueOrDefault(source) + (present ? 1 : -1);
        if (users > 0) _preferredSources[source] = users;
        else _preferredSources.Remove(source);
    }

    private void Apply<TKey, T>(ImmutableDictionary<TKey, T>.Builder table, TKey key, T value, bool present, Func<ChangeKind, T, HostChange> change)
        where TKey : notnull where T : class
    {
        var known = table.TryGetValue(key, out var old);
        if (!present)
        {
            if (!known) return;
            table.Remove(key);
            _changes.Add(change(ChangeKind.Removed, old!));
            return;
        }
        if (known && old!.Equals(value)) return;
        table[key] = value;
        _changes.Add(change(known ? ChangeKind.Changed : ChangeKind.Added, value));
    }

    /// <summary>
    /// Reads the stale tables and takes over the differences. A table that changed while it was read stays stale.
    /// </summary>
    /// <exception cref="HostNetworkException">The kernel refuses to be read.</exception>
    public void Resync(NetlinkSocket socket)
    {
        var links = Read<HostLink>(HostTables.Links, RouteNetlink.DumpLinks, socket);
        var addresses = Read<HostAddress>(HostTables.Addresses, RouteNetlink.DumpAddresses, socket);
        var routes = Read<HostRoute>(HostTables.Routes, RouteNetlink.DumpRoutes, socket);
        var neighbors = Read<HostNeighbor>(HostTables.Neighbors, RouteNetlink.DumpNeighbors, socket);

        // What depends on a link goes before it and comes after it.
        if (neighbors is not null) RemoveOthers(_neighbors, neighbors, neighbor => neighbor.Key, (kind, neighbor) => new NeighborChange(kind, neighbor));
        if (routes is not null)
        {
            foreach (var route in _routes.Except(routes).ToList()) ApplyRoute(route, present: false);
        }
        if (addresses is not null) RemoveOthers(_addresses, addresses, address => address.Key, (kind, address) => new AddressChange(kind, address));
        if (links is not null) RemoveOthers(_links, links, link => link.Index, (kind, link) => new LinkChange(kind, link));

        links?.ForEach(link => Apply(_links, link.Index, link, true, static (kind, link) => new LinkChange(kind, link)));
        addresses?.ForEach(address => Apply(_addresses, address.Key, address, true, static (kind, address) => new AddressChange(kind, address)));
        routes?.ForEach(route => ApplyRoute(route, present: true));
        neighbors?.ForEach(neighbor => ApplyNeighbor(neighbor, present: true));
    }

    private List<T>? Read<T>(HostTables table, Func<NetlinkSocket, Action<T>, bool> dump, NetlinkSocket socket)
    {
        if ((Stale & table) == 0) return null;
        var list = new List<T>();
        if (!dump(socket, list.Add)) return null;
        Stale &= ~table;
        return list;
    }

    private void RemoveOthers<TKey, T>(ImmutableDictionary<TKey, T>.Builder table, List<T> present, Func<T, TKey> keyOf, Func<ChangeKind, T, HostChange> change)
        where TKey : notnull where T : class
    {
        var keys = new HashSet<TKey>(present.Count);
        foreach (var item in present) keys.Add(keyOf(item));
        foreach (var (key, value) in table.Where(entry => !keys.Contains(entry.Key)).ToList())
        {
            table.Remove(key);
            _changes.Add(change(ChangeKind.Removed, value));
        }
    }
}
