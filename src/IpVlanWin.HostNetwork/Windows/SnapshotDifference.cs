using System.Collections.Immutable;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>What happened between two readings. What depends on a link goes before it and comes after it.</summary>
internal static class SnapshotDifference
{
    public static List<HostChange> Between(HostSnapshot before, HostSnapshot after)
    {
        var changes = new List<HostChange>();
        Removed(before.Neighbors, after.Neighbors, changes, static (kind, neighbor) => new NeighborChange(kind, neighbor));
        if (!ReferenceEquals(before.Routes, after.Routes))
        {
            foreach (var route in before.Routes)
            {
                if (!after.Routes.Contains(route)) changes.Add(new RouteChange(ChangeKind.Removed, route));
            }
        }
        Removed(before.Addresses, after.Addresses, changes, static (kind, address) => new AddressChange(kind, address));
        Removed(before.Links, after.Links, changes, static (kind, link) => new LinkChange(kind, link));

        Present(before.Links, after.Links, changes, static (kind, link) => new LinkChange(kind, link));
        Present(before.Addresses, after.Addresses, changes, static (kind, address) => new AddressChange(kind, address));
        if (!ReferenceEquals(before.Routes, after.Routes))
        {
            foreach (var route in after.Routes)
            {
                if (!before.Routes.Contains(route)) changes.Add(new RouteChange(ChangeKind.Added, route));
            }
        }
        Present(before.Neighbors, after.Neighbors, changes, static (kind, neighbor) => new NeighborChange(kind, neighbor));
        return changes;
    }

    private static void Removed<TKey, T>(ImmutableDictionary<TKey, T> before, ImmutableDictionary<TKey, T> after, List<HostChange> changes, Func<ChangeKind, T, HostChange> change)
        where TKey : notnull
    {
        if (ReferenceEquals(before, after)) return;
        foreach (var (key, old) in before)
        {
            if (!after.ContainsKey(key)) changes.Add(change(ChangeKind.Removed, old));
        }
    }

    private static void Present<TKey, T>(ImmutableDictionary<TKey, T> before, ImmutableDictionary<TKey, T> after, List<HostChange> changes, Func<ChangeKind, T, HostChange> change)
        where TKey : notnull where T : class
    {
        if (ReferenceEquals(before, after)) return;
        foreach (var (key, now) in after)
        {
            if (!before.TryGetValue(key, out var old)) changes.Add(change(ChangeKind.Added, now));
            else if (!old.Equals(now)) changes.Add(change(ChangeKind.Changed, now));
        }
    }
}
