using System.Collections.Concurrent;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Neighbor;

/// <summary>
/// IP -> MAC of the stations on the master's link (RFC 826, RFC 4861 section 5.1): permanent entries, and mirrored or learnt ones that
/// hold until a given time. Reads are safe beside one writer and allocate nothing.
/// </summary>
public sealed class NeighborTable
{
    private readonly Generation _generation;
    private readonly ConcurrentDictionary<L3Address, Entry> _entries = new();

    /// <summary>An empty table.</summary>
    public NeighborTable()
        : this(new Generation())
    {
    }

    internal NeighborTable(Generation generation) => _generation = generation;

    /// <summary>Entries, stale ones included.</summary>
    public int Count => _entries.Count;

    /// <summary>Advances with the neighbors, at least.</summary>
    internal long GenerationNumber => _generation.Number;

    /// <summary>The MAC of an address at a time; false where none is known or the entry no longer holds.</summary>
    public bool TryFind(L3Address address, TimeSpan now, out MacAddress mac)
    {
        if (Find(address) is { } entry && entry.TryUse(now))
        {
            mac = entry.Mac;
            return true;
        }
        mac = default;
        return false;
    }

    /// <summary>The entry of an address, whether it still holds or not. It is the address's until the generation advances.</summary>
    internal Entry? Find(L3Address address) => _entries.TryGetValue(address, out var entry) ? entry : null;

    /// <summary>The addresses that <see cref="TryFind"/> has found since the last call, so that who mirrors them can have them confirmed.</summary>
    public IReadOnlyList<L3Address> TakeUsed()
    {
        var used = new List<L3Address>();
        foreach (var (address, entry) in _entries)
        {
            if (!entry.IsUsed)
                continue;
            entry.ForgetUse();
            used.Add(address);
        }
        return used;
    }

    /// <summary>Adds or replaces an entry.</summary>
    /// <param name="address">The neighbor's address.</param>
    /// <param name="mac">Its MAC.</param>
    /// <param name="holdsUntil">On the clock whose time the data path passes in; <see cref="TimeSpan.MaxValue"/> for ever.</param>
    public void Set(L3Address address, MacAddress mac, TimeSpan holdsUntil)
    {
        if (_entries.TryGetValue(address, out var entry) && entry.Mac == mac && entry.HoldsUntil == holdsUntil)
            return;
        _entries[address] = new Entry(mac, holdsUntil);
        _generation.Advance();
    }

    /// <summary>Takes an entry out. Returns false where it is not there.</summary>
    public bool Remove(L3Address address)
    {
        if (!_entries.TryRemove(address, out _))
            return false;
        _generation.Advance();
        return true;
    }

    /// <summary>Takes all entries out that no longer hold.</summary>
    public void RemoveStale(TimeSpan now)
    {
        foreach (var (address, entry) in _entries)
        {
            if (entry.HoldsUntil < now)
                _entries.TryRemove(new KeyValuePair<L3Address, Entry>(address, entry));
        }
        _generation.Advance();
    }

    internal sealed class Entry(MacAddress mac, TimeSpan holdsUntil)
    {
        private volatile bool _isUsed;

        public MacAddress Mac { get; } = mac;

        public TimeSpan HoldsUntil { get; } = holdsUntil;

        public bool IsUsed => _isUsed;

        /// <summary>False where it no longer holds.</summary>
        public bool TryUse(TimeSpan now)
        {
            // A mark, not a count: written only where it changes, so that the data path seldom writes.
            if (!_isUsed)
                _isUsed = true;
            return HoldsUntil >= now;
        }

        public void ForgetUse() => _isUsed = false;

        /// <summary>One whose use nobody notices.</summary>
        public Entry Shadow() => new(Mac, HoldsUntil);
    }
}
