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
        var found = _entries.TryGetValue(address, out var entry) && entry.HoldsUntil >= now;
        mac = found ? entry.Mac : default;
        return found;
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

    private readonly record struct Entry(MacAddress Mac, TimeSpan HoldsUntil);
}
