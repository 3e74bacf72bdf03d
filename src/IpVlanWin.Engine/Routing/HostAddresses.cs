using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>What an address is to the host.</summary>
internal enum HostAddressKind
{
    /// <summary>Somebody else's.</summary>
    Other,

    /// <summary>The host has it.</summary>
    Own,

    /// <summary>The broadcast address of a prefix of the host, or of all.</summary>
    Broadcast,
}

/// <summary>
/// The host's own addresses on the master and what follows from them: on-link prefixes, and the broadcast address of each IPv4
/// prefix of 30 bits or less (RFC 919 section 7; RFC 3021 for 31). Reads are safe beside one writer.
/// </summary>
public sealed class HostAddresses
{
    private static readonly Route OnLink = new(Gateway: null);

    private readonly RouteTable _routes;
    private readonly Generation _generation;
    // What readers ask; the dictionaries say how many prefixes each address follows from.
    private readonly AddressMap _kinds = new();
    private readonly Dictionary<L3Address, int> _own = [];
    private readonly Dictionary<L3Address, int> _broadcast = [];
    private readonly HashSet<L3Prefix> _prefixes = [];
    private volatile L3Address[] _sources = [];

    /// <summary>A host without addresses.</summary>
    /// <param name="routes">Gets the on-link prefixes.</param>
    public HostAddresses(RouteTable routes)
        : this(routes, new Generation())
    {
    }

    internal HostAddresses(RouteTable routes, Generation generation)
    {
        (_routes, _generation) = (routes, generation);
        _broadcast[new L3Address(uint.MaxValue)] = 1;
        PublishKind(new L3Address(uint.MaxValue));
    }

    /// <summary>The addresses with their prefixes. Under the port's lock.</summary>
    internal IReadOnlyCollection<L3Prefix> Prefixes => _prefixes;

    /// <summary>This is the broadcast address of a prefix of the host.</summary>
    public bool IsBroadcast(L3Address address) => KindOf(address) == HostAddressKind.Broadcast;

    /// <summary>What an address is; a broadcast address that is also the host's own is the former.</summary>
    internal HostAddressKind KindOf(L3Address address) => (HostAddressKind)(_kinds.Find(address) + 1);

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
        Count(_own, prefix.Address, 1);
        _routes.Add(prefix, OnLink);
        if (Broadcast(prefix) is { } broadcast)
            Count(_broadcast, broadcast, 1);
        PublishSources();
        _generation.Advance();
        return true;
    }

    /// <summary>Takes an address out. Returns false where it is not there with that prefix.</summary>
    internal bool Remove(L3Prefix prefix)
    {
        if (!_prefixes.Remove(prefix))
            return false;
        Count(_own, prefix.Address, -1);
        _routes.Remove(prefix, OnLink);
        if (Broadcast(prefix) is { } broadcast)
            Count(_broadcast, broadcast, -1);
        PublishSources();
        _generation.Advance();
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

    private void Count(Dictionary<L3Address, int> counts, L3Address address, int change)
    {
        var count = counts.GetValueOrDefault(address) + change;
        if (count == 0)
            counts.Remove(address);
        else
            counts[address] = count;
        PublishKind(address);
    }

    private void PublishKind(L3Address address)
    {
        var kind = _broadcast.ContainsKey(address) ? HostAddressKind.Broadcast : _own.ContainsKey(address) ? HostAddressKind.Own : HostAddressKind.Other;
        if (kind == KindOf(address))
            return;
        _kinds.Remove(address);
        if (kind == HostAddressKind.Other)
            return;
        _routes.NoteSpecial(new L3Prefix(address, address.Bits));
        _kinds.Add(address, (int)kind - 1);
    }
}
