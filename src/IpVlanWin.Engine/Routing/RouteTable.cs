using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>Where a route sends packets.</summary>
/// <param name="Gateway">Next hop, or null where the prefix is on the link.</param>
/// <param name="Metric">Among routes of one prefix the lowest wins; the first added of several equal ones.</param>
/// <param name="IsUnreachable">Packets go nowhere (blackhole, unreachable, prohibit; or out of another adapter than the master).</param>
public sealed record Route(L3Address? Gateway, uint Metric = 0, bool IsUnreachable = false);

/// <summary>
/// Longest-prefix match over the host's prefixes and routes: one hash table for each prefix length in use, longest first. Reads
/// are safe beside one writer and allocate nothing.
/// </summary>
public sealed class RouteTable
{
    private const int MaxLength = 128;

    private readonly Generation _generation;
    private readonly Level?[] _four = new Level?[33];
    private readonly Level?[] _six = new Level?[MaxLength + 1];
    private volatile Level[] _fourInUse = [];
    private volatile Level[] _sixInUse = [];

    /// <summary>An empty table.</summary>
    public RouteTable()
        : this(new Generation())
    {
    }

    internal RouteTable(Generation generation) => _generation = generation;

    /// <summary>Adds a route. Several may share a prefix.</summary>
    public void Add(L3Prefix prefix, Route route)
    {
        ArgumentNullException.ThrowIfNull(route);
        var levels = prefix.Address.IsSix ? _six : _four;
        var isNew = levels[prefix.Length] is null;
        var level = levels[prefix.Length] ??= new Level(prefix.Length);
        level.Change(prefix.Network, null, route);
        if (isNew)
            PublishInUse(prefix.Address.IsSix);
        _generation.Advance();
    }

    /// <summary>Takes one equal route out. Returns false where there is none.</summary>
    public bool Remove(L3Prefix prefix, Route route)
    {
        ArgumentNullException.ThrowIfNull(route);
        var levels = prefix.Address.IsSix ? _six : _four;
        if (levels[prefix.Length] is not { } level || !level.Change(prefix.Network, route, null))
            return false;
        if (level.IsEmpty)
        {
            levels[prefix.Length] = null;
            PublishInUse(prefix.Address.IsSix);
        }
        _generation.Advance();
        return true;
    }

    /// <summary>The route of the longest prefix that holds an address.</summary>
    public bool TryFind(L3Address destination, [NotNullWhen(true)] out Route? route)
    {
        foreach (var level in destination.IsSix ? _sixInUse : _fourInUse)
        {
            if (level.TryFind(destination, out route))
                return true;
        }
        route = null;
        return false;
    }

    private void PublishInUse(bool isSix)
    {
        var levels = isSix ? _six : _four;
        var inUse = new List<Level>();
        for (var length = levels.Length - 1; length >= 0; length--)
        {
            if (levels[length] is { } level)
                inUse.Add(level);
        }
        if (isSix)
            _sixInUse = [.. inUse];
        else
            _fourInUse = [.. inUse];
    }

    private sealed class Level(int length)
    {
        // Best route first.
        private readonly ConcurrentDictionary<L3Address, Route[]> _routes = new();

        public bool IsEmpty => _routes.IsEmpty;

        public bool TryFind(L3Address destination, [NotNullWhen(true)] out Route? route)
        {
            route = _routes.TryGetValue(destination.Masked(length), out var found) ? found[0] : null;
            return route is not null;
        }

        public bool Change(L3Address network, Route? gone, Route? added)
        {
            var routes = new List<Route>(_routes.GetValueOrDefault(network, []));
            if (gone is not null && !routes.Remove(gone))
                return false;
            if (added is not null)
            {
                var before = routes.FindIndex(other => other.Metric > added.Metric);
                routes.Insert(before < 0 ? routes.Count : before, added);
            }
            if (routes.Count == 0)
                _routes.TryRemove(network, out _);
            else
                _routes[network] = [.. routes];
            return true;
        }
    }
}
