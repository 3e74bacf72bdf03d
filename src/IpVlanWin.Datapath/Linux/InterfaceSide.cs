using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath.Linux;

/// <summary>
/// One interface's TAP in its namespace. What its stack does with it (addresses, up and down, MTU, groups) is mirrored into the port,
/// as the kernel driver follows its device's notifiers.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class InterfaceSide : IDisposable
{
    private readonly Port _port;
    private readonly Action _onAddressFreed;
    private readonly Action<L3Address> _onUsable;
    private readonly NetworkNamespace _hostNamespace;

    // Where the TAP is now. Changed by whoever puts changes in order.
    private NetworkNamespace? _ownNamespace;
    private RouteNetlink _netlink;
    private int _linkIndex;

    // Guards _multicast together with its index: the pump asks too, and the TAP may be on the move.
    private readonly Lock _groupsLock = new();
    private MulticastList _multicast;

    // Guards what is mirrored: the first snapshot and the changes after it come from two threads.
    private readonly Lock _lock = new();
    private readonly HashSet<L3Prefix> _refused = [];
    private readonly HashSet<L3Address> _usable = [];
    private HostWatch? _watch;
    private int _seenMtu;
    private bool _seenUp;

    // What the TAP was told last. Telling it again would do harm: the kernel forgets a link's neighbors whenever its MAC is set.
    private (bool HasArp, MacAddress Mac, int IpMtu) _told;

    /// <summary>Makes the TAP, down. Nothing is mirrored until <see cref="Start"/>.</summary>
    /// <param name="port">Gets what is mirrored.</param>
    /// <param name="mirrored">The port's interface.</param>
    /// <param name="ownNamespace">Where it lives, disposed with this; null for the host's.</param>
    /// <param name="hostNamespace">The host's, which stays the caller's.</param>
    /// <param name="decorate">Puts something before the TAP.</param>
    /// <param name="onAddressFreed">Told when an address that others may have asked for is free.</param>
    /// <param name="onUsable">Told of each address that the stack may use from now on: it came, or the link did.</param>
    public InterfaceSide(
        Port port, VirtualInterface mirrored, NetworkNamespace? ownNamespace, NetworkNamespace hostNamespace,
        Func<string, IFrameDevice, IFrameDevice> decorate, Action onAddressFreed, Action<L3Address> onUsable)
    {
        (_port, Interface, _ownNamespace, _onAddressFreed, _onUsable) = (port, mirrored, ownNamespace, onAddressFreed, onUsable);
        _hostNamespace = hostNamespace;
        Tap = LinuxTap.Create(mirrored.Name, port.Snapshot.Mac, Namespace.Handle);
        _linkIndex = Tap.InterfaceIndex;
        _told = (HasArp: true, port.Snapshot.Mac, IpMtu: 0);
        try
        {
            _netlink = RouteNetlink.Open(Namespace);
            _multicast = MulticastList.Open(Namespace);
            Device = new MembershipProbe(decorate(mirrored.Name, Tap), Tap, ReadGroups);
            NameOwnAddresses();
            Follow(port.Snapshot);
        }
        catch
        {
            _multicast?.Dispose();
            _netlink?.Dispose();
            Tap.Dispose();
            throw;
        }
    }

    public VirtualInterface Interface { get; }

    public NetworkNamespace Namespace => _ownNamespace ?? _hostNamespace;

    /// <summary>Index of the TAP in its namespace.</summary>
    public int LinkIndex => _linkIndex;

    /// <summary>Null for the host's.</summary>
    public string? NamespaceName => _ownNamespace?.Name;

    public LinuxTap Tap { get; }

    /// <summary>The TAP with its decorations, for the pump.</summary>
    public IFrameDevice Device { get; }

    /// <summary>Addresses that the stack has and the port refused.</summary>
    public IReadOnlyList<L3Prefix> Refused
    {
        get
        {
            lock (_lock)
                return [.. _refused.Order()];
        }
    }

    public void Start()
    {
        lock (_lock)
        {
            _watch = HostWatch.Start(Namespace, OnChanges);
            var snapshot = _watch.Snapshot;
            if (snapshot.Links.TryGetValue(_linkIndex, out var link))
                Apply(link, ChangeKind.Added);
            foreach (var address in snapshot.Addresses.Values)
            {
                if (address.LinkIndex == _linkIndex)
                    Apply(address, ChangeKind.Added);
            }
        }
        ReadGroups();
    }

    /// <summary>The port has another mode, MAC or MTU now. In l3 and l3s nobody answers ARP, so the stack must not ask.</summary>
    public void Follow(PortSnapshot port)
    {
        var (hasArp, mac, ipMtu) = (port.Mode == PortMode.L2, port.Mac, Interface.IpMtu);
        if (hasArp != _told.HasArp)
            _netlink.SetArp(_linkIndex, hasArp);
        if (mac != _told.Mac)
            _netlink.SetMac(_linkIndex, mac.ToPhysical());
        if (ipMtu != _told.IpMtu)
            _netlink.SetMtu(_linkIndex, ipMtu);
        _told = (hasArp, mac, ipMtu);
    }

    /// <summary>
    /// Moves the TAP. The stack there has none of its addresses and has it down, and so has the port; what is attached to the pump stays.
    /// Not for two threads at once, nor beside <see cref="Follow"/> and what changes the TAP.
    /// </summary>
    /// <param name="ownNamespace">Where to, disposed with this from now on, also where it fails; null for the host's.</param>
    /// <exception cref="HostNetworkException">It cannot be moved, and is where it was.</exception>
    public void MoveTo(NetworkNamespace? ownNamespace)
    {
        var target = ownNamespace ?? _hostNamespace;
        RouteNetlink? netlink = null;
        MulticastList? multicast = null;
        try
        {
            netlink = RouteNetlink.Open(target);
            multicast = MulticastList.Open(target);
            _netlink.MoveTo(_linkIndex, target);
        }
        catch
        {
            multicast?.Dispose();
            netlink?.Dispose();
            ownNamespace?.Dispose();
            throw;
        }
        // Nothing is told of the old place when this returns.
        _watch?.Dispose();
        lock (_lock)
            Forget();
        var left = (_ownNamespace, _netlink, _multicast);
        lock (_groupsLock)
        {
            (_ownNamespace, _netlink, _multicast) = (ownNamespace, netlink, multicast);
            _linkIndex = netlink.GetLink(Interface.Name).Index;
        }
        left._multicast.Dispose();
        left._netlink.Dispose();
        left._ownNamespace?.Dispose();
        _onAddressFreed();
        NameOwnAddresses();
        Start();
    }

    /// <summary>Tells of all addresses that the stack may use, as if they had just come.</summary>
    public void AnnounceAll()
    {
        lock (_lock)
        {
            foreach (var address in _seenUp ? _usable : [])
                _onUsable(address);
        }
    }

    /// <summary>False where the namespace's name was deleted, or names another one now.</summary>
    public bool IsNamespaceThere()
    {
        if (NamespaceName is not { } name)
            return true;
        try
        {
            using var named = NetworkNamespace.Open(name);
            return named.Identity == Namespace.Identity;
        }
        catch (HostNetworkException gone) when (gone.NativeName is "ENOENT" or "ENOTTY" or "EINVAL")
        {
            return false;
        }
    }

    /// <summary>Sets the TAP up or down.</summary>
    public void SetUp(bool isUp) => _netlink.SetUp(_linkIndex, isUp);

    /// <summary>Sets the TAP's MTU in bytes of IP packet.</summary>
    public void SetMtu(int ipMtu) => _netlink.SetMtu(_linkIndex, ipMtu);

    /// <summary>Gives the stack an address; one that it has is left.</summary>
    public void AddAddress(L3Prefix prefix)
    {
        try
        {
            _netlink.AddAddress(_linkIndex, prefix.Address.ToIPAddress(), prefix.Length);
        }
        catch (HostNetworkException fault) when (fault.NativeName == "EEXIST")
        {
            // Added by hand a moment ago.
        }
    }

    /// <summary>Takes an address from the stack, if it has it.</summary>
    public void RemoveAddress(L3Prefix prefix)
    {
        try
        {
            _netlink.RemoveAddress(_linkIndex, prefix.Address.ToIPAddress(), prefix.Length);
        }
        catch (HostNetworkException fault) when (fault.NativeName == "EADDRNOTAVAIL")
        {
            // Removed by hand a moment ago; the port is told all the same.
        }
    }

    /// <summary>Gives the TAP another name.</summary>
    public void Rename(string name) => _netlink.Rename(_linkIndex, name);

    /// <summary>Joins a group beside those of the stack; twice is once.</summary>
    public void AddGroup(MacAddress group)
    {
        _netlink.AddMulticast(Interface.Name, group.ToPhysical());
        ReadGroups();
    }

    /// <summary>Leaves a group that was added. False where it was not.</summary>
    public bool RemoveGroup(MacAddress group)
    {
        try
        {
            _netlink.RemoveMulticast(Interface.Name, group.ToPhysical());
        }
        catch (HostNetworkException fault) when (fault.NativeName == "ENOENT")
        {
            return false;
        }
        ReadGroups();
        return true;
    }

    /// <summary>Hands the stack's groups to the port (semantics 15).</summary>
    public void ReadGroups()
    {
        lock (_groupsLock)
        {
            var groups = new List<MacAddress>();
            foreach (var address in _multicast.Read(_linkIndex))
            {
                if (address.TryToMac(out var mac))
                    groups.Add(mac);
            }
            _port.SetGroups(Interface, groups);
        }
    }

    /// <summary>Tries again what was refused.</summary>
    public void RetryRefused()
    {
        lock (_lock)
        {
            _refused.RemoveWhere(prefix =>
            {
                var isOk = _port.AddAddress(Interface, prefix) == PortResult.Ok;
                if (isOk && _seenUp && _usable.Contains(prefix.Address))
                    _onUsable(prefix.Address);
                return isOk;
            });
        }
    }

    public void Dispose()
    {
        _watch?.Dispose();
        _multicast.Dispose();
        _netlink.Dispose();
        Tap.Dispose();
        _ownNamespace?.Dispose();
    }

    private void OnChanges(IReadOnlyList<HostChange> changes)
    {
        var freed = false;
        var touched = false;
        lock (_lock)
        {
            foreach (var change in changes)
            {
                switch (change)
                {
                    case LinkChange { Link: var link } when link.Index == _linkIndex:
                        Apply(link, change.Kind);
                        touched = change.Kind != ChangeKind.Removed;
                        break;
                    case AddressChange { Address: var address } when address.LinkIndex == _linkIndex:
                        freed |= Apply(address, change.Kind);
                        touched = true;
                        break;
                }
            }
        }
        if (touched)
            ReadGroups();
        if (freed)
            _onAddressFreed();
    }

    private void Apply(HostLink link, ChangeKind kind)
    {
        var isUp = link.IsUp && kind != ChangeKind.Removed;
        _port.SetUp(Interface, isUp);
        var cameUp = isUp && !_seenUp;
        _seenUp = isUp;
        foreach (var address in cameUp ? _usable : [])
            _onUsable(address);
        if (kind == ChangeKind.Removed)
            return;
        _port.SetPromiscuous(Interface, (link.Flags & LinkFlags.Promiscuous) != 0);
        _port.SetAllMulticast(Interface, (link.Flags & LinkFlags.AllMulticast) != 0);
        var isNew = link.IpMtu != _seenMtu;
        _seenMtu = link.IpMtu;
        // A value other than the port's that was not there before is the user's own; one the master cannot carry is taken back.
        if (isNew && link.IpMtu != Interface.IpMtu && _port.SetMtu(Interface, link.IpMtu) == PortResult.Invalid)
            TakeBack(netlink => netlink.SetMtu(_linkIndex, Interface.IpMtu));
        // Everybody has the master's MAC (semantics 49).
        var mac = _port.Snapshot.Mac;
        if (link.Mac.TryToMac(out var seen) && seen != mac)
            TakeBack(netlink => netlink.SetMac(_linkIndex, mac.ToPhysical()));
    }

    private void TakeBack(Action<RouteNetlink> change)
    {
        try
        {
            change(_netlink);
        }
        catch (HostNetworkException fault) when (fault.NativeName == "ENODEV")
        {
            // The TAP has just gone: the pump finds out and removes it.
        }
    }

    /// <summary>Returns true where an address became free.</summary>
    private bool Apply(HostAddress address, ChangeKind kind)
    {
        var prefix = new L3Prefix(L3Address.From(address.Address), address.PrefixLength);
        if (kind == ChangeKind.Removed)
        {
            _refused.Remove(prefix);
            _usable.Remove(prefix.Address);
            return _port.RemoveAddress(Interface, prefix) == PortResult.Ok;
        }
        var result = _port.AddAddress(Interface, prefix);
        if (result == PortResult.AddressInUse)
            _refused.Add(prefix);
        // Before duplicate address detection has ended nobody may be told (RFC 4862 section 5.4).
        if (!address.IsTentative && !address.IsDuplicate && _usable.Add(prefix.Address) && _seenUp)
            _onUsable(prefix.Address);
        return false;
    }

    /// <summary>The stack has none of it any more. Under the lock.</summary>
    private void Forget()
    {
        _port.SetUp(Interface, false);
        foreach (var prefix in _port.AddressesOf(Interface))
            _port.RemoveAddress(Interface, prefix);
        _refused.Clear();
        _usable.Clear();
        _seenUp = false;
    }

    /// <summary>One MAC must not make one link-local address for all.</summary>
    private void NameOwnAddresses() => _netlink.SetAddressGeneration(_linkIndex, AddressGeneration.Random);
}
