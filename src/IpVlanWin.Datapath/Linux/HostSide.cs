using System.Runtime.Versioning;
using System.Threading.Channels;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath.Linux;

/// <summary>
/// The host's own stack on the master: a TAP with the master's MAC in the host's namespace. Its addresses, routes and neighbors are
/// mirrored into the port, and it resolves the neighbors that the port misses.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class HostSide : IDisposable
{
    private const int ResolveQueue = 1024;
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(5);

    private readonly Port _port;
    private readonly Action<L3Address, MacAddress?> _onNeighbor;
    private readonly Action _onLink;
    private readonly RouteNetlink _netlink;
    private readonly Channel<L3Address> _toResolve = Channel.CreateBounded<L3Address>(
        new BoundedChannelOptions(ResolveQueue) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Task _resolving;

    // Guards what is mirrored: the first snapshot and the changes after it come from two threads.
    private readonly Lock _lock = new();
    private readonly Dictionary<HostRoute, (L3Prefix Prefix, Route Route)> _routes = [];
    private HostWatch? _watch;
    private Timer? _refreshing;
    private volatile bool _isUp;

    /// <summary>Makes the TAP. Nothing is mirrored until <see cref="Start"/>.</summary>
    /// <param name="port">Gets what is mirrored.</param>
    /// <param name="name">The TAP's name.</param>
    /// <param name="networkNamespace">The host's namespace.</param>
    /// <param name="onNeighbor">Told of each neighbor's MAC, null where it is no longer known; has the port know it.</param>
    /// <param name="onLink">Told when <see cref="IsUp"/> may have changed.</param>
    public HostSide(Port port, string name, NetworkNamespace networkNamespace, Action<L3Address, MacAddress?> onNeighbor, Action onLink)
    {
        (_port, _onNeighbor, _onLink) = (port, onNeighbor, onLink);
        Namespace = networkNamespace;
        Tap = LinuxTap.Create(name, port.Snapshot.Mac, networkNamespace.Handle);
        _netlink = RouteNetlink.Open(networkNamespace);
        _resolving = ResolveAsync();
    }

    public LinuxTap Tap { get; }

    public NetworkNamespace Namespace { get; }

    /// <summary>The host has the master up.</summary>
    public bool IsUp => _isUp;

    public void Start()
    {
        _netlink.SetMtu(Tap.InterfaceIndex, _port.Snapshot.IpMtu);
        lock (_lock)
        {
            _watch = HostWatch.Start(Namespace, OnChanges);
            var snapshot = _watch.Snapshot;
            if (snapshot.Links.TryGetValue(Tap.InterfaceIndex, out var link))
                Apply(new LinkChange(ChangeKind.Added, link));
            foreach (var address in snapshot.Addresses.Values)
                Apply(new AddressChange(ChangeKind.Added, address));
            foreach (var route in snapshot.Routes)
                Apply(new RouteChange(ChangeKind.Added, route));
            foreach (var neighbor in snapshot.Neighbors.Values)
                Apply(new NeighborChange(ChangeKind.Added, neighbor));
        }
        _refreshing = new Timer(_ => Refresh(), null, s_refresh, s_refresh);
    }

    /// <summary>Has the host's stack look a neighbor up. Does not wait; the answer comes as a change.</summary>
    public void Resolve(L3Address neighbor) => _toResolve.Writer.TryWrite(neighbor);

    /// <summary>The master's adapter has another MAC or MTU now.</summary>
    public void Follow(MacAddress mac, int ipMtu)
    {
        _netlink.SetMac(Tap.InterfaceIndex, mac.ToPhysical());
        _netlink.SetMtu(Tap.InterfaceIndex, ipMtu);
    }

    /// <summary>Mirrors no more: nothing is told when this returns.</summary>
    public void Stop()
    {
        _refreshing?.Dispose();
        _watch?.Dispose();
    }

    public void Dispose()
    {
        Stop();
        _toResolve.Writer.TryComplete();
        _resolving.GetAwaiter().GetResult();
        _netlink.Dispose();
        Tap.Dispose();
    }

    private async Task ResolveAsync()
    {
        await foreach (var neighbor in _toResolve.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                _netlink.Resolve(Tap.InterfaceIndex, neighbor.ToIPAddress());
            }
            catch (HostNetworkException)
            {
                // The link is down or going: the packets that wait expire, counted.
            }
        }
    }

    private void OnChanges(IReadOnlyList<HostChange> changes)
    {
        lock (_lock)
        {
            foreach (var change in changes)
                Apply(change);
        }
    }

    /// <summary>Each change may come twice, by the first snapshot and by notification; applying it again changes nothing.</summary>
    private void Apply(HostChange change)
    {
        switch (change)
        {
            case LinkChange { Link: var link } when link.Index == Tap.InterfaceIndex:
                _isUp = link.IsUp && change.Kind != ChangeKind.Removed;
                _onLink();
                break;
            case AddressChange { Address: var address } when address.LinkIndex == Tap.InterfaceIndex:
                Apply(address, change.Kind);
                break;
            case RouteChange { Route: var route }:
                Apply(route, change.Kind);
                break;
            case NeighborChange { Neighbor: var neighbor } when neighbor.LinkIndex == Tap.InterfaceIndex:
                Apply(neighbor, change.Kind);
                break;
        }
    }

    private void Apply(HostAddress address, ChangeKind kind)
    {
        var prefix = new L3Prefix(L3Address.From(address.Address), address.PrefixLength);
        if (kind == ChangeKind.Removed)
            _port.RemoveMasterAddress(prefix);
        else
            _port.AddMasterAddress(prefix);
    }

    private void Apply(HostRoute route, ChangeKind kind)
    {
        if (kind == ChangeKind.Removed)
        {
            if (_routes.Remove(route, out var gone))
                _port.RemoveRoute(gone.Prefix, gone.Route);
            return;
        }
        if (_routes.ContainsKey(route))
            return;
        // What leaves by another link than the master is not carried by this data path.
        var isUnreachable = route.Kind != RouteKind.Unicast || route.LinkIndex != Tap.InterfaceIndex;
        var gateway = route.Gateway is null ? default(L3Address?) : L3Address.From(route.Gateway);
        var mirrored = (Prefix: route.Destination.ToPrefix(), Route: new Route(gateway, route.Metric, isUnreachable));
        _routes.Add(route, mirrored);
        _port.AddRoute(mirrored.Prefix, mirrored.Route);
    }

    private void Apply(HostNeighbor neighbor, ChangeKind kind)
    {
        var isKnown = kind != ChangeKind.Removed && neighbor.IsUsable;
        _onNeighbor(L3Address.From(neighbor.Address), isKnown && neighbor.Mac.TryToMac(out var mac) ? mac : null);
    }

    /// <summary>The host does not see the traffic that we route for it: have it confirm the neighbors that are in use (RFC 4861 section 7.3.3).</summary>
    private void Refresh()
    {
        var snapshot = _watch?.Snapshot ?? HostSnapshot.Empty;
        foreach (var address in _port.Neighbors.TakeUsed())
        {
            if (snapshot.Neighbors.TryGetValue(new NeighborKey(Tap.InterfaceIndex, address.ToIPAddress()), out var neighbor) && neighbor.State == NeighborState.Stale)
                Resolve(address);
        }
    }
}
