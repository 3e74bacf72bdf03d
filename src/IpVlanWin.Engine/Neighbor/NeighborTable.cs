using System.Collections.Concurrent;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Neighbor;

/// <summary>
/// IP -> MAC of the stations on the master's link (RFC 826, RFC 4861 section 5.1): permanent entries, and mirrored or learnt ones that
/// hold until a given time. Reads are safe beside one writer and allocate nothing.
/// </summary>
public sealed class NeighborTable
{
    private readonly ConcurrentDictionary<L3Address, Entry> _entries = new();

    /// <summary>Entries, stale ones included.</summary>
    public int Count => _entries.Count;

    /// <summary>The MAC of an address at a time; false where none is known or the entry no longer holds.</summary>
    public bool TryFind(L3Address address, TimeSpan now, out MacAddress mac)
    {
        mac = default;
        if (!_entries.TryGetValue(address, out var entry) || entry.HoldsUntil < now)
            return false;
        mac = entry.Mac;
        if (!entry.IsUsed)
            entry.IsUsed = true;
        return true;
    }

    /// <summary>The addresses that <see cref="TryFind"/> has found since the last call, so that who mirrors them can have them confirmed.</summary>
    public IReadOnlyList<L3Address> TakeUsed()
    {
        var used = new List<L3Address>();
        foreach (var (address, entry) in _entries)
        {
            if (!entry.IsUsed)
                continue;
            entry.IsUsed = false;
            used.Add(address);
        }
        return used;
    }

    /// <summary>Adds or replaces an entry.</summary>
    /// <param name="address">The neighbor's address.</param>
    /// <param name="mac">Its MAC.</param>
    /// <param name="holdsUntil">On the clock whose time the data path passes in; <see cref="TimeSpan.MaxValue"/> for ever.</param>
    public void Set(L3Address address, MacAddress mac, TimeSpan holdsUntil) => _entries[address] = new Entry(mac, holdsUntil);

    /// <summary>Takes an entry out. Returns false where it is not there.</summary>
    public bool Remove(L3Address address) => _entries.TryRemove(address, out _);

    /// <summary>Takes all entries out that no longer hold.</summary>
    public void RemoveStale(TimeSpan now)
    {
        foreach (var (address, entry) in _entries)
        {
            if (entry.HoldsUntil < now)
                _entries.TryRemove(new KeyValuePair<L3Address, Entry>(address, entry));
        }
    }

    private sealed class Entry(MacAddress mac, TimeSpan holdsUntil)
    {
        public MacAddress Mac { get; } = mac;

        public TimeSpan HoldsUntil { get; } = holdsUntil;

        // A mark, not a count: written only where it changes, so that the data path seldom writes.
        public bool IsUsed { get; set; }
    }
}
