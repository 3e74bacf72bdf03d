using System.Collections.Concurrent;

namespace IpVlanWin.HostNetwork.Tests;

/// <summary>Applies a consumer's changes to its own copy, and insists that each one makes sense.</summary>
internal sealed class ChangeConsumer
{
    private HostSnapshot _state = HostSnapshot.Empty;

    public ConcurrentQueue<HostChange> Seen { get; } = new();
    public volatile HostSnapshot State = HostSnapshot.Empty;

    public void Take(IReadOnlyList<HostChange> changes)
    {
        foreach (var change in changes)
        {
            Seen.Enqueue(change);
            switch (change)
            {
                case LinkChange c:
                    Assert.AreEqual(c.Kind == ChangeKind.Added, !_state.Links.ContainsKey(c.Link.Index), $"{c}");
                    _state = _state with { Links = c.Kind == ChangeKind.Removed ? _state.Links.Remove(c.Link.Index) : _state.Links.SetItem(c.Link.Index, c.Link) };
                    break;
                case AddressChange c:
                    Assert.AreEqual(c.Kind == ChangeKind.Added, !_state.Addresses.ContainsKey(c.Address.Key), $"{c}");
                    _state = _state with { Addresses = c.Kind == ChangeKind.Removed ? _state.Addresses.Remove(c.Address.Key) : _state.Addresses.SetItem(c.Address.Key, c.Address) };
                    break;
                case RouteChange c:
                    Assert.AreEqual(c.Kind == ChangeKind.Added, !_state.Routes.Contains(c.Route), $"{c}");
                    _state = _state with { Routes = c.Kind == ChangeKind.Removed ? _state.Routes.Remove(c.Route) : _state.Routes.Add(c.Route) };
                    break;
                case NeighborChange c:
                    Assert.AreEqual(c.Kind == ChangeKind.Added, !_state.Neighbors.ContainsKey(c.Neighbor.Key), $"{c}");
                    _state = _state with { Neighbors = c.Kind == ChangeKind.Removed ? _state.Neighbors.Remove(c.Neighbor.Key) : _state.Neighbors.SetItem(c.Neighbor.Key, c.Neighbor) };
                    break;
                default:
                    Assert.Fail($"unknown change {change}");
                    break;
            }
        }
        State = _state;
    }
}
