using System.Collections.Concurrent;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>
/// The host's own addresses on the master and what follows from them: on-link prefixes, and the broadcast address of each IPv4
/// prefix of 30 bits or less (RFC 919 section 7; RFC 3021 for 31). Reads are safe beside one writer.
/// </summary>
public sealed class HostAddresses(RouteTable routes)
{
    private static readonly Route OnLink = new(Gateway: null);

    private readonly ConcurrentDictionary<L3Address, int> _own = new();
    private readonly ConcurrentDictionary<L3Address, int> _broadcast = new();
    private readonly HashSet<L3Prefix> _prefixes = [];
    private volatile L3Address[] _sources = [];

    /// <summary>The addresses with their prefixes. Under the port's lock.</summary>
    internal IReadOnlyCollection<L3Prefix> Prefixes => _prefixes;

    /// <summary>The host has this address.</summary>
    public bool IsOwn(L3Address address) => _own.ContainsKey(address);

    /// <summary>This is the broadcast address of a prefix of the host.</summary>
    public bool IsBroadcast(L3Address address) => _broadcast.ContainsKey(address);

    /// <summary>
    /// One of the host's addresses of a family, to speak from; false where it has none. Not a link-local one where there is another
    /// (RFC 6724 section 5, rule 2).
    /// </summary>
    public bool TryPickSource(bool isSix, out L3Address source)
    {
        foreach (var address in _sources)
        {
            source = address;
            if (address.IsSix == isSix)
                return true;
        }
        source = default;
        return false;
    }

    /// <summary>Adds an address with its prefix. Returns false where it is there with that prefix.</summary>
    internal bool Add(L3Prefix prefix)
    {
        if (!_prefixes.Add(prefix))
            return false;
        _own.AddOrUpdate(prefix.Address, 1, static (_, count) => count + 1);
        routes.Add(prefix, OnLink);
        if (Broadcast(prefix) is { } broadcast)
            _broadcast.AddOrUpdate(broadcast, 1, static (_, count) => count + 1);
        PublishSources();
        return true;
    }

    /// <summary>Takes an address out. Returns false where it is not there with that prefix.</summary>
    internal bool Remove(L3Prefix prefix)
    {
        if (!_prefixes.Remove(prefix))
            return false;
        Release(_own, prefix.Address);
        routes.Remove(prefix, OnLink);
        if (Broadcast(prefix) is { } broadcast)
            Release(_broadcast, broadcast);
        PublishSources();
        return true;
    }

    private void PublishSources()
    {
        var sources = new List<L3Address>(_prefixes.Count);
        foreach (var prefix in _prefixes)
            sources.Add(prefix.Address);
        sources.Sort(static (one, other) => (IsLinkLocal(one), one).CompareTo((IsLinkLocal(other), other)));
        _sources = [.. sources];
    }

    private static bool IsLinkLocal(L3Address address) => address.IsSix && address.High >> 54 == 0xfe80 >> 6;

    private static L3Address? Broadcast(L3Prefix prefix) => prefix.Address.IsSix || prefix.Length > 30
        ? null
        : new L3Address((uint)prefix.Network.Low | (uint)(uint.MaxValue >> prefix.Length));

    private static void Release(ConcurrentDictionary<L3Address, int> counts, L3Address address)
    {
        if (counts[address] == 1)
            counts.TryRemove(address, out _);
        else
            counts[address]--;
    }
}
