using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// One master adapter with its interfaces: ipvl_port in the Linux driver. Changes are made here, by any thread, and take hold in
/// the data path without stopping it; the data path reads <see cref="Snapshot"/>.
/// </summary>
public sealed class Port
{
    /// <summary>Most interfaces of one port.</summary>
    public const int MaxInterfaces = 1 << 20;

    /// <summary>Least MTU in bytes (RFC 791 section 3.2).</summary>
    public const int MinIpMtu = 68;

    /// <summary>Largest MTU in bytes (RFC 791 section 3.1).</summary>
    public const int MaxIpMtu = 65_535;

    // Guards everything below but what the data path reads.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, VirtualInterface> _byName = new(StringComparer.Ordinal);
    private readonly PriorityQueue<int, int> _freeNumbers = new();
    private readonly StateLines _stateLines = new();
    private volatile PortSnapshot _snapshot;
    private PortMode _mode = PortMode.L3;
    private PortFlag _flag = PortFlag.Bridge;

    /// <summary>A port without interfaces; its master is down and has no addresses.</summary>
    /// <param name="masterName">The master's name, for people.</param>
    /// <param name="mac">The master's MAC.</param>
    /// <param name="ipMtu">The master's MTU in bytes of IP packet.</param>
    /// <param name="seed">Any number, best a random one: keeps outsiders from choosing addresses that collide in the map.</param>
    /// <exception cref="ArgumentOutOfRangeException">The MTU is not 68 to 65535.</exception>
    public Port(string masterName, MacAddress mac, int ipMtu, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ipMtu, MinIpMtu);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ipMtu, MaxIpMtu);
        MasterName = masterName;
        Map = new AddressMap(seed);
        _snapshot = new PortSnapshot(this, null) { Mac = mac, IpMtu = ipMtu };
    }

    /// <summary>The master's name.</summary>
    public string MasterName { get; }

    /// <summary>What the data path reads, once per batch.</summary>
    public PortSnapshot Snapshot => _snapshot;

    /// <summary>The address map.</summary>
    public AddressMap Map { get; }

    /// <summary>Frames that went nowhere, by reason, of the whole port.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>The stations of the master's link, as the host knows them.</summary>
    public NeighborTable Neighbors => Router.Neighbors;

    /// <summary>The master is up and frames pass.</summary>
    public bool IsMasterUp => _snapshot.IsUp;

    internal Router Router { get; } = new();

    /// <summary>The interfaces, in order of their numbers.</summary>
    public IReadOnlyList<VirtualInterface> Interfaces
    {
        get
        {
            var members = _snapshot.Members;
            var interfaces = new List<VirtualInterface>(members.Count);
            foreach (var member in members.Interfaces.AsSpan(0, members.Count))
            {
                if (member is not null)
                    interfaces.Add(member);
            }
            return interfaces;
        }
    }

    /// <summary>The interface of that name, or null.</summary>
    public VirtualInterface? Find(string name)
    {
        lock (_lock)
            return _byName.GetValueOrDefault(name);
    }

    /// <summary>Adds an interface: down, without addresses, with the master's MTU (semantics 46). EINVAL, EEXIST, EBUSY, looked for in this order (ipvlan_nl_validate).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="mode">Set for the whole port; null keeps the port's.</param>
    /// <param name="flag">Set for the whole port; null keeps the port's.</param>
    /// <param name="added">The interface.</param>
    public PortResult AddInterface(string name, PortMode? mode, PortFlag? flag, out VirtualInterface? added)
    {
        lock (_lock)
        {
            added = null;
            if ((mode is { } newMode && !Enum.IsDefined(newMode)) || (flag is { } newFlag && !Enum.IsDefined(newFlag)))
                return PortResult.Invalid;
            if (_byName.ContainsKey(name))
                return PortResult.Exists;
            if (_byName.Count == MaxInterfaces)
                return PortResult.LimitReached;
            if (!_freeNumbers.TryDequeue(out var id, out _))
                id = _snapshot.Members.Count;
            if (_byName.Count == 0)
                (_mode, _flag) = (PortMode.L3, PortFlag.Bridge);
            (_mode, _flag) = (mode ?? _mode, flag ?? _flag);
            added = new VirtualInterface(name, id, _snapshot.IpMtu, _stateLines);
            _byName.Add(name, added);
            Publish(new PortSnapshot(this, _snapshot) { Mode = _mode, Flag = _flag, Members = _snapshot.Members.With(id, added) });
            return PortResult.Ok;
        }
    }

    /// <summary>Removes an interface; its addresses are free at once. ENODEV.</summary>
    public PortResult RemoveInterface(VirtualInterface removed)
    {
        ArgumentNullException.ThrowIfNull(removed);
        lock (_lock)
        {
            if (!Has(removed))
                return PortResult.NoDevice;
            removed.SetUp(false);
            foreach (var address in removed.PrefixLengths.Keys)
                Map.Remove(address);
            removed.PrefixLengths.Clear();
            _byName.Remove(removed.Name);
            _freeNumbers.Enqueue(removed.Id, removed.Id);
            Publish(new PortSnapshot(this, _snapshot) { Members = _snapshot.Members.With(removed.Id, null) });
            return PortResult.Ok;
        }
    }

    /// <summary>Gives an interface another name. EEXIST, ENODEV.</summary>
    public PortResult Rename(VirtualInterface renamed, string name)
    {
        ArgumentNullException.ThrowIfNull(renamed);
        lock (_lock)
        {
            if (!Has(renamed))
                return PortResult.NoDevice;
            if (_byName.TryGetValue(name, out var other))
                return other == renamed ? PortResult.Ok : PortResult.Exists;
            _byName.Remove(renamed.Name);
            renamed.Name = name;
            _byName.Add(name, renamed);
            return PortResult.Ok;
        }
    }

    /// <summary>Sets the port's mode, for all its interfaces at once (semantics 45). EINVAL.</summary>
    public PortResult SetMode(PortMode mode)
    {
        if (!Enum.IsDefined(mode))
            return PortResult.Invalid;
        lock (_lock)
        {
            _mode = mode;
            Publish(new PortSnapshot(this, _snapshot) { Mode = mode });
            return PortResult.Ok;
        }
    }

    /// <summary>Sets the port's flag, for all its interfaces at once (semantics 45). EINVAL.</summary>
    public PortResult SetFlag(PortFlag flag)
    {
        if (!Enum.IsDefined(flag))
            return PortResult.Invalid;
        lock (_lock)
        {
            _flag = flag;
            Publish(new PortSnapshot(this, _snapshot) { Flag = flag });
            return PortResult.Ok;
        }
    }

    /// <summary>Brings an interface up or down (semantics 44, 47). ENODEV.</summary>
    public PortResult SetUp(VirtualInterface changed, bool isUp) => Change(changed, () => changed.SetUp(isUp));

    /// <summary>Promiscuous on or off (semantics 16). ENODEV.</summary>
    public PortResult SetPromiscuous(VirtualInterface changed, bool on) => Change(changed, () => changed.SetPromiscuous(on));

    /// <summary>All multicast on or off (semantics 16). ENODEV.</summary>
    public PortResult SetAllMulticast(VirtualInterface changed, bool on) => Change(changed, () => changed.SetAllMulticast(on));

    /// <summary>Joins a group; twice is once (semantics 52). ENODEV.</summary>
    public PortResult AddGroup(VirtualInterface changed, MacAddress group) =>
        Change(changed, () => changed.SetGroups(Sorted([.. changed.GroupValues, group.Value])));

    /// <summary>Leaves a group. ENODEV, ENOENT.</summary>
    public PortResult RemoveGroup(VirtualInterface changed, MacAddress group)
    {
        ArgumentNullException.ThrowIfNull(changed);
        lock (_lock)
        {
            if (!Has(changed))
                return PortResult.NoDevice;
            var kept = new List<ulong>(changed.GroupValues.Length);
            foreach (var other in changed.GroupValues)
            {
                if (other != group.Value)
                    kept.Add(other);
            }
            if (kept.Count == changed.GroupValues.Length)
                return PortResult.GroupAbsent;
            changed.SetGroups([.. kept]);
            return PortResult.Ok;
        }
    }

    /// <summary>Replaces all groups of an interface by what its stack says it is a member of. ENODEV.</summary>
    public PortResult SetGroups(VirtualInterface changed, IReadOnlyCollection<MacAddress> groups) =>
        Change(changed, () =>
        {
            var values = new ulong[groups.Count];
            var i = 0;
            foreach (var group in groups)
                values[i++] = group.Value;
            changed.SetGroups(Sorted(values));
        });

    /// <summary>Adds an address to an interface (semantics 41). EADDRINUSE, EEXIST, ENODEV.</summary>
    public PortResult AddAddress(VirtualInterface changed, L3Prefix prefix)
    {
        ArgumentNullException.ThrowIfNull(changed);
        lock (_lock)
        {
            if (!Has(changed))
                return PortResult.NoDevice;
            if (Map.Add(prefix.Address, changed.Id))
            {
                changed.PrefixLengths.Add(prefix.Address, prefix.Length);
                return PortResult.Ok;
            }
            if (!changed.PrefixLengths.TryGetValue(prefix.Address, out var length))
                return PortResult.AddressInUse;
            return prefix.Address.IsSix || length == prefix.Length ? PortResult.Exists : PortResult.AddressInUse;
        }
    }

    /// <summary>Takes an address from an interface (semantics 43). EADDRNOTAVAIL, ENODEV.</summary>
    public PortResult RemoveAddress(VirtualInterface changed, L3Prefix prefix)
    {
        ArgumentNullException.ThrowIfNull(changed);
        lock (_lock)
        {
            if (!Has(changed))
                return PortResult.NoDevice;
            if (!changed.PrefixLengths.TryGetValue(prefix.Address, out var length) || length != prefix.Length)
                return PortResult.AddressAbsent;
            changed.PrefixLengths.Remove(prefix.Address);
            Map.Remove(prefix.Address);
            return PortResult.Ok;
        }
    }

    /// <summary>The addresses of an interface, sorted.</summary>
    public IReadOnlyList<L3Prefix> AddressesOf(VirtualInterface asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        lock (_lock)
        {
            var prefixes = new List<L3Prefix>(asked.PrefixLengths.Count);
            foreach (var (address, length) in asked.PrefixLengths)
                prefixes.Add(new L3Prefix(address, length));
            prefixes.Sort();
            return prefixes;
        }
    }

    /// <summary>The interface that has an address, up or down, or null.</summary>
    public VirtualInterface? OwnerOf(L3Address address)
    {
        lock (_lock)
        {
            return _snapshot.InterfaceAt(Map.Find(address));
        }
    }

    /// <summary>Sets an interface's MTU, in bytes of IP packet (semantics 50). EINVAL, ENODEV.</summary>
    public PortResult SetMtu(VirtualInterface changed, int ipMtu)
    {
        ArgumentNullException.ThrowIfNull(changed);
        lock (_lock)
        {
            if (!Has(changed))
                return PortResult.NoDevice;
            if (ipMtu < MinIpMtu || ipMtu > _snapshot.IpMtu)
                return PortResult.Invalid;
            changed.SetMtu(ipMtu);
            changed.HasOwnMtu = true;
            return PortResult.Ok;
        }
    }

    /// <summary>Sets the master's MTU, in bytes of IP packet; interfaces follow (semantics 51). EINVAL.</summary>
    public PortResult SetMasterMtu(int ipMtu)
    {
        lock (_lock)
        {
            if (ipMtu is < MinIpMtu or > MaxIpMtu)
                return PortResult.Invalid;
            foreach (var member in _byName.Values)
            {
                if (!member.HasOwnMtu || member.IpMtu > ipMtu)
                    member.SetMtu(ipMtu);
            }
            Publish(new PortSnapshot(this, _snapshot) { IpMtu = ipMtu });
            return PortResult.Ok;
        }
    }

    /// <summary>Sets the MAC of the master, and with it every interface's (semantics 49).</summary>
    public void SetMasterMac(MacAddress mac)
    {
        lock (_lock)
            Publish(new PortSnapshot(this, _snapshot) { Mac = mac });
    }

    /// <summary>Brings the master up or down (semantics 48).</summary>
    public void SetMasterUp(bool isUp)
    {
        lock (_lock)
            Publish(new PortSnapshot(this, _snapshot) { IsUp = isUp });
    }

    /// <summary>Adds an address of the host on the master, and its on-link prefix. EEXIST.</summary>
    public PortResult AddMasterAddress(L3Prefix prefix)
    {
        lock (_lock)
            return Router.Host.Add(prefix) ? PortResult.Ok : PortResult.Exists;
    }

    /// <summary>Takes an address of the host off the master, and its on-link prefix. EADDRNOTAVAIL.</summary>
    public PortResult RemoveMasterAddress(L3Prefix prefix)
    {
        lock (_lock)
            return Router.Host.Remove(prefix) ? PortResult.Ok : PortResult.AddressAbsent;
    }

    /// <summary>The host's addresses on the master, sorted.</summary>
    public IReadOnlyList<L3Prefix> MasterAddresses
    {
        get
        {
            lock (_lock)
            {
                var prefixes = new List<L3Prefix>(Router.Host.Prefixes);
                prefixes.Sort();
                return prefixes;
            }
        }
    }

    /// <summary>Adds a route of the host, other than those that follow from its addresses.</summary>
    public void AddRoute(L3Prefix prefix, Route route)
    {
        lock (_lock)
            Router.Routes.Add(prefix, route);
    }

    /// <summary>Takes a route of the host out. Returns false where there is none like it.</summary>
    public bool RemoveRoute(L3Prefix prefix, Route route)
    {
        lock (_lock)
            return Router.Routes.Remove(prefix, route);
    }

    private static ulong[] Sorted(ulong[] values)
    {
        var unique = new SortedSet<ulong>(values);
        return [.. unique];
    }

    private PortResult Change(VirtualInterface changed, Action change)
    {
        ArgumentNullException.ThrowIfNull(changed);
        lock (_lock)
        {
            if (!Has(changed))
                return PortResult.NoDevice;
            change();
            return PortResult.Ok;
        }
    }

    private bool Has(VirtualInterface asked) => _byName.TryGetValue(asked.Name, out var found) && found == asked;

    private void Publish(PortSnapshot snapshot) => _snapshot = snapshot;
}
