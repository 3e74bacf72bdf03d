using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>Where a route sends packets.</summary>
/// <param name="Gateway">Next hop, or null where the prefix is on the link.</param>
/// <param name="Metric">Among routes of one prefix the lowest wins; the first added of several equal ones.</param>
/// <param name="IsUnreachable">Packets go nowhere (blackhole, unreachable, prohibit; or out of another adapter than the master).</param>
public sealed record Route(L3Address? Gateway, uint Metric = 0, bool IsUnreachable = false);

/// <summary>
/// Longest-prefix match over the host's prefixes and routes: one <see cref="AddressMap"/> for each prefix length in use, longest first; before
/// them, a bit for each first 16 bits of an address under which there may be anything but the default route. Reads are safe beside one writer
/// and allocate nothing.
/// </summary>
public sealed class RouteTable
{
    private const int MaxLength = 128;
    private const int MarkedBits = 16;

    private readonly Generation _generation;
    private readonly Level?[] _four = new Level?[33];
    private readonly Level?[] _six = new Level?[MaxLength + 1];
    private volatile Level[] _fourInUse = [];
    private volatile Level[] _sixInUse = [];
    // Set for good: a bit too many costs time and nothing else.
    private readonly ulong[] _fourMarks = new ulong[1 << (MarkedBits - 6)];
    private readonly ulong[] _sixMarks = new ulong[1 << (MarkedBits - 6)];
    private volatile RoutedPrefix? _fourDefault;
    private volatile RoutedPrefix? _sixDefault;

    /// <summary>An empty table.</summary>
    public RouteTable()
        : this(new Generation())
    {
    }

    internal RouteTable(Generation generation)
    {
        _generation = generation;
        // Groups are nobody's to route.
        NoteSpecial(new L3Prefix(new L3Address(0xE000_0000), 4));
        NoteSpecial(new L3Prefix(new L3Address(0xFF00_0000_0000_0000, 0), 8));
    }

    /// <summary>Adds a route. Several may share a prefix.</summary>
    public void Add(L3Prefix prefix, Route route)
    {
        ArgumentNullException.ThrowIfNull(route);
        var levels = prefix.Address.IsSix ? _six : _four;
        var isNew = levels[prefix.Length] is null;
        if (prefix.Length > 0)
            NoteSpecial(prefix);
        var level = levels[prefix.Length] ??= new Level(prefix.Length);
        level.Change(prefix.Network, null, route);
        if (isNew)
            PublishInUse(prefix.Address.IsSix);
        EndChange(prefix);
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
        EndChange(prefix);
        return true;
    }

    /// <summary>The route of the longest prefix that holds an address.</summary>
    public bool TryFind(L3Address destination, [NotNullWhen(true)] out Route? route)
    {
        route = Find(destination)?.Best;
        return route is not null;
    }

    /// <summary>The default route, for the IPv4 address there, where it leads through a gateway; null where <see cref="Find"/> has to say.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RoutedPrefix? FindDefaultFour(ref byte at) => IsMarked(_fourMarks, ref at) ? null : _fourDefault;

    /// <summary>As <see cref="FindDefaultFour"/>, for an IPv6 address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RoutedPrefix? FindDefaultSix(ref byte at) => IsMarked(_sixMarks, ref at) ? null : _sixDefault;

    /// <summary>Has <see cref="FindDefaultFour"/> and <see cref="FindDefaultSix"/> say nothing about the addresses of a prefix.</summary>
    internal void NoteSpecial(L3Prefix prefix)
    {
        var network = prefix.Network;
        var marks = network.IsSix ? _sixMarks : _fourMarks;
        var start = network.IsSix ? (int)(network.High >> 48) : (int)((uint)network.Low >> MarkedBits);
        for (var left = 1 << Math.Max(MarkedBits - prefix.Length, 0); left > 0; left--, start++)
            Volatile.Write(ref marks[start >> 6], marks[start >> 6] | (1ul << start));
    }

    /// <summary>The routes of the longest prefix that holds an address, or null.</summary>
    internal RoutedPrefix? Find(L3Address destination)
    {
        foreach (var level in destination.IsSix ? _sixInUse : _fourInUse)
        {
            if (level.Find(destination) is { } found)
                return found;
        }
        return null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMarked(ulong[] marks, ref byte at)
    {
        var start = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(ref at));
        return (Volatile.Read(ref marks[start >> 6]) >> start & 1) != 0;
    }

    private void EndChange(L3Prefix prefix)
    {
        if (prefix.Length == 0 && prefix.Address.IsSix)
            _sixDefault = ThroughGateway(_six[0]?.Find(prefix.Network));
        else if (prefix.Length == 0)
            _fourDefault = ThroughGateway(_four[0]?.Find(prefix.Network));
        _generation.Advance();
    }

    private static RoutedPrefix? ThroughGateway(RoutedPrefix? way) => way?.Best is { Gateway: not null, IsUnreachable: false } ? way : null;

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

    /// <summary>The prefixes of one length: network -> place in an array. Who reads a place checks whose it is by now.</summary>
    private sealed class Level(int length)
    {
        private readonly ulong _highMask = length >= 64 ? ulong.MaxValue : length == 0 ? 0 : ulong.MaxValue << (64 - length);
        private readonly ulong _lowMask = length >= 128 ? ulong.MaxValue : length <= 64 ? 0 : ulong.MaxValue << (128 - length);
        private readonly uint _fourMask = length == 0 ? 0 : length >= 32 ? uint.MaxValue : uint.MaxValue << (32 - length);
        private readonly AddressMap _places = new();
        private readonly Stack<int> _free = new();
        private volatile RoutedPrefix?[] _prefixes = [];

        public bool IsEmpty => _places.Count == 0;

        public RoutedPrefix? Find(L3Address destination)
        {
            var network = destination.IsSix
                ? new L3Address(destination.High & _highMask, destination.Low & _lowMask)
                : new L3Address((uint)destination.Low & _fourMask);
            // All addresses share the one network of length 0.
            var place = length == 0 ? 0 : _places.Find(network);
            var prefixes = _prefixes;
            return (uint)place < (uint)prefixes.Length && prefixes[place] is { } found && found.Network == network ? found : null;
        }

        public bool Change(L3Address network, Route? gone, Route? added)
        {
            var place = _places.Find(network);
            var routes = new List<Route>(place < 0 ? [] : _prefixes[place]!.Routes);
            if (gone is not null && !routes.Remove(gone))
                return false;
            if (added is not null)
            {
                var before = routes.FindIndex(other => other.Metric > added.Metric);
                routes.Insert(before < 0 ? routes.Count : before, added);
            }
            if (routes.Count == 0)
                Remove(network, place);
            else if (place >= 0)
                Put(place, new RoutedPrefix(network, routes));
            else
                Insert(new RoutedPrefix(network, routes));
            return true;
        }

        private void Remove(L3Address network, int place)
        {
            _places.Remove(network);
            Put(place, null);
            _free.Push(place);
        }

        private void Insert(RoutedPrefix inserted)
        {
            if (!_free.TryPop(out var place))
            {
                place = _places.Count;
                if (place >= _prefixes.Length)
                {
                    var grown = new RoutedPrefix?[Math.Max(4, place * 2)];
                    _prefixes.CopyTo(grown, 0);
                    _prefixes = grown;
                }
            }
            Put(place, inserted);
            _places.Add(inserted.Network, place);
        }

        private void Put(int place, RoutedPrefix? prefix) => Volatile.Write(ref _prefixes[place], prefix);
    }
}

/// <summary>The routes of a prefix, best first. Never changed: another takes its place.</summary>
internal sealed class RoutedPrefix(L3Address network, IReadOnlyList<Route> routes)
{
    private NeighborTable.Entry? _gateway;
    private long _generation;

    public L3Address Network { get; } = network;

    public IReadOnlyList<Route> Routes { get; } = routes;

    public Route Best { get; } = routes[0];

    /// <summary>The best route has a gateway: <see cref="Gateway"/>.</summary>
    public bool HasGateway { get; } = routes[0].Gateway is not null;

    public L3Address Gateway { get; } = routes[0].Gateway ?? default;

    /// <summary>The neighbor that the best route's gateway is; null where it is not known. The data path's thread alone.</summary>
    public NeighborTable.Entry? GatewayIn(NeighborTable neighbors)
    {
        // Read before what is looked up: a change in between makes it look stale, never fresh.
        var generation = neighbors.GenerationNumber;
        if (_generation != generation)
            (_gateway, _generation) = (neighbors.Find(Gateway), generation);
        return _gateway;
    }
}
