using System.Collections.Immutable;

namespace IpVlanWin.HostNetwork;

/// <summary>The network state of one namespace at one moment. Immutable; any thread may keep and read it.</summary>
public sealed record HostSnapshot
{
    /// <summary>Nothing at all.</summary>
    public static HostSnapshot Empty { get; } = new();

    /// <summary>Links by index.</summary>
    public ImmutableDictionary<int, HostLink> Links { get; init; } = ImmutableDictionary<int, HostLink>.Empty;

    /// <summary>Addresses of both families.</summary>
    public ImmutableDictionary<AddressKey, HostAddress> Addresses { get; init; } = ImmutableDictionary<AddressKey, HostAddress>.Empty;

    /// <summary>Routes of the main table, both families.</summary>
    public ImmutableHashSet<HostRoute> Routes { get; init; } = [];

    /// <summary>Neighbors of both families, without those that need no resolution.</summary>
    public ImmutableDictionary<NeighborKey, HostNeighbor> Neighbors { get; init; } = ImmutableDictionary<NeighborKey, HostNeighbor>.Empty;

    /// <summary>The link of that name, or null.</summary>
    /// <param name="name">The name, compared exactly.</param>
    public HostLink? FindLink(string name)
    {
        foreach (var link in Links.Values)
        {
            if (string.Equals(link.Name, name, StringComparison.Ordinal)) return link;
        }
        return null;
    }
}
