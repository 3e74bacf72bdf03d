using System.Net;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>
/// IP Helper as its documentation has it, in memory: it refuses what the documentation says is refused, and anything it was
/// not told about. Only what is built on <see cref="IIphlpapi"/> is tested with it; the entry points themselves are not.
/// </summary>
internal sealed class StrictIphlpapi : IIphlpapi
{
    public const uint AccessDenied = 5, InvalidParameter = 87, BadNetName = 67, NotFound = 1168, Exists = 5010;

    // Guards everything below.
    private readonly Lock _lock = new();
    private readonly List<MibIfRow2> _adapters = [];
    private readonly List<MibIpInterfaceRow> _ipInterfaces = [];
    private readonly List<MibUnicastIpAddressRow> _addresses = [];
    private readonly List<MibIpForwardRow2> _routes = [];
    private readonly List<MibIpNetRow2> _neighbors = [];
    private readonly HashSet<(uint, uint)> _proxies = [];
    private readonly HashSet<(IPAddress, uint)> _anycast = [];
    private readonly Dictionary<NotificationKind, List<Action>> _callbacks = [];

    [ThreadStatic]
    private static uint t_compartment;

    /// <summary>Compartments that exist.</summary>
    public HashSet<uint> Compartments { get; } = [1];

    /// <summary>False: every change is refused with 5.</summary>
    public bool Elevated { get; set; } = true;

    /// <summary>False: nobody is told of changes, as under Wine.</summary>
    public bool Notifies { get; set; } = true;

    /// <summary>True: SetIpInterfaceEntry succeeds and does nothing.</summary>
    public bool SetLies { get; set; }

    /// <summary>Who answers ARP and ND.</summary>
    public Dictionary<IPAddress, byte[]> Stations { get; } = [];

    /// <summary>Called by every resolution before it answers.</summary>
    public Action? Resolving { get; set; }

    /// <summary>What every table answers, when not 0.</summary>
    public uint TableCode { get; set; }

    public int Registrations { get; private set; }

    public int ProxyCount => _proxies.Count;

    public int AnycastCount => _anycast.Count;

    public void Plug(uint index, string alias, bool v4 = true, bool v6 = true, Func<MibIfRow2, MibIfRow2>? change = null)
    {
        var row = new MibIfRow2 { InterfaceIndex = index, InterfaceLuid = 0x6000000000000 | (ulong)index << 24, Mtu = 1500, Type = 6, AccessType = 2, Flags = 1, OperStatus = 1, AdminStatus = 1, MediaConnectState = 1, PhysicalAddressLength = 6, PhysicalMediumType = 14 };
        Put(ref row.Alias, alias);
        Put(ref row.Description, $"Adapter #{index}");
        new byte[] { 2, 0, 0, 0, 0, (byte)index }.CopyTo((Span<byte>)row.PhysicalAddress);
        if (change is not null) row = change(row);
        lock (_lock)
        {
            _adapters.Add(row);
            foreach (var family in new[] { SockAddrInet.V4, SockAddrInet.V6 })
            {
                if (family == SockAddrInet.V4 ? v4 : v6)
                    _ipInterfaces.Add(new MibIpInterfaceRow { Family = family, InterfaceIndex = index, NlMtu = 1500, DadTransmits = family == SockAddrInet.V4 ? 3u : 1u, UseAutomaticMetric = 1, Metric = 25, SitePrefixLength = 64, Connected = 1 });
            }
        }
        Tell(NotificationKind.Interfaces);
    }

    /// <summary>An adapter's own row, changed.</summary>
    public void Change(uint index, Func<MibIfRow2, MibIfRow2> change)
    {
        lock (_lock)
        {
            var at = _adapters.FindIndex(row => row.InterfaceIndex == index);
            _adapters[at] = change(_adapters[at]);
        }
        Tell(NotificationKind.Interfaces);
    }

    /// <summary>TCP/IP is taken off an adapter, and its addresses and routes with it.</summary>
    public void Unbind(uint index)
    {
        lock (_lock)
        {
            _ipInterfaces.RemoveAll(row => row.InterfaceIndex == index);
            _addresses.RemoveAll(row => row.InterfaceIndex == index);
            _routes.RemoveAll(row => row.InterfaceIndex == index);
        }
        Tell(NotificationKind.Interfaces);
    }

    /// <summary>What the active store held is gone: addresses, routes and proxy entries of all adapters.</summary>
    public void ForgetAll()
    {
        lock (_lock)
        {
            _addresses.Clear();
            _routes.Clear();
            _proxies.Clear();
            _anycast.Clear();
        }
        Tell(NotificationKind.Addresses);
    }

    public void Unplug(uint index)
    {
        lock (_lock)
        {
            _adapters.RemoveAll(row => row.InterfaceIndex == index);
            _ipInterfaces.RemoveAll(row => row.InterfaceIndex == index);
            _addresses.RemoveAll(row => row.InterfaceIndex == index);
            _routes.RemoveAll(row => row.InterfaceIndex == index);
            _neighbors.RemoveAll(row => row.InterfaceIndex == index);
        }
        Tell(NotificationKind.Interfaces);
    }

    /// <summary>Ends the detection of every tentative address; those listed are found to be taken.</summary>
    public void EndDetection(params IPAddress[] taken)
    {
        lock (_lock)
        {
            for (var i = 0; i < _addresses.Count; i++)
            {
                var row = _addresses[i];
                if (row.DadState != Rows.DadTentative) continue;
                row.DadState = taken.Contains(row.Address.ToAddress()) ? Rows.DadDuplicate : Rows.DadPreferred;
                _addresses[i] = row;
            }
        }
        Tell(NotificationKind.Addresses);
    }

    public uint GetInterfaces(out MibIfRow2[] rows)
    {
        lock (_lock) rows = [.. _adapters];
        return TableCode;
    }

    public uint GetInterface(ref MibIfRow2 row)
    {
        lock (_lock)
        {
            var index = row.InterfaceIndex;
            var at = _adapters.FindIndex(one => one.InterfaceIndex == index);
            if (at < 0) return NotFound;
            row = _adapters[at];
            return 0;
        }
    }

    public uint GetIpInterfaces(ushort family, out MibIpInterfaceRow[] rows) => Table(_ipInterfaces, row => row.Family, family, out rows);

    public uint GetIpInterface(ref MibIpInterfaceRow row)
    {
        lock (_lock)
        {
            var at = FindIpInterface(row.Family, row.InterfaceIndex);
            if (row.Family is not (SockAddrInet.V4 or SockAddrInet.V6)) return InvalidParameter;
            if (at < 0) return NotFound;
            row = _ipInterfaces[at];
            return 0;
        }
    }

    public uint SetIpInterface(ref MibIpInterfaceRow row)
    {
        lock (_lock)
        {
            var at = FindIpInterface(row.Family, row.InterfaceIndex);
            if (!Elevated) return AccessDenied;
            if (at < 0) return NotFound;
            if (row.SitePrefixLength > (row.Family == SockAddrInet.V4 ? 32u : 128u)) return InvalidParameter;
            if (row.NlMtu < (row.Family == SockAddrInet.V4 ? 352 : 1280)) return InvalidParameter;
            if (!SetLies) _ipInterfaces[at] = row with { SitePrefixLength = 64 };
        }
        Tell(NotificationKind.Interfaces);
        return 0;
    }

    public uint GetAddresses(ushort family, out MibUnicastIpAddressRow[] rows) => Table(_addresses, row => row.Address.Family, family, out rows);

    public void InitializeAddress(out MibUnicastIpAddressRow row) => row = new MibUnicastIpAddressRow
    {
        // InitializeUnicastIpAddressEntry: IpPrefixOriginUnchanged, IpSuffixOriginUnchanged, infinite, the whole length.
        PrefixOrigin = 16,
        SuffixOrigin = 16,
        ValidLifetime = uint.MaxValue,
        PreferredLifetime = uint.MaxValue,
        OnLinkPrefixLength = 255,
    };

    public uint CreateAddress(in MibUnicastIpAddressRow given)
    {
        var row = given;
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            if (row.Address.ToAddress() is not { } address || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.IsIPv6Multicast) return InvalidParameter;
            if (row.ValidLifetime < row.PreferredLifetime || (row.PrefixOrigin == 16) != (row.SuffixOrigin == 16)) return InvalidParameter;
            var bits = row.Address.Family == SockAddrInet.V4 ? 32 : 128;
            if (row.OnLinkPrefixLength == 255) row.OnLinkPrefixLength = (byte)bits;
            if (row.OnLinkPrefixLength > bits) return InvalidParameter;
            var at = FindIpInterface(row.Address.Family, row.InterfaceIndex);
            if (at < 0) return NotFound;
            if (FindAddress(row) >= 0) return Exists;
            row.DadState = _ipInterfaces[at].DadTransmits == 0 ? Rows.DadPreferred : Rows.DadTentative;
            _addresses.Add(row);
        }
        Tell(NotificationKind.Addresses);
        return 0;
    }

    public uint DeleteAddress(in MibUnicastIpAddressRow row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            var at = FindAddress(row);
            if (at < 0) return NotFound;
            _addresses.RemoveAt(at);
        }
        Tell(NotificationKind.Addresses);
        return 0;
    }

    public uint GetRoutes(ushort family, out MibIpForwardRow2[] rows) => Table(_routes, row => row.DestinationPrefix.Prefix.Family, family, out rows);

    public void InitializeRoute(out MibIpForwardRow2 row) => row = new MibIpForwardRow2
    {
        // InitializeIpForwardEntry: infinite, and values that must be replaced.
        ValidLifetime = uint.MaxValue,
        PreferredLifetime = uint.MaxValue,
        SitePrefixLength = 255,
        Metric = uint.MaxValue,
        Protocol = -1,
        Loopback = 1,
        AutoconfigureAddress = 1,
        Immortal = 1,
    };

    public uint CreateRoute(in MibIpForwardRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            if (row.DestinationPrefix.Prefix.ToAddress() is not { } prefix || row.NextHop.Family != row.DestinationPrefix.Prefix.Family) return InvalidParameter;
            var bits = row.DestinationPrefix.Prefix.Family == SockAddrInet.V4 ? 32 : 128;
            if (row.DestinationPrefix.PrefixLength > bits || row.SitePrefixLength > bits || row.Metric == uint.MaxValue || row.Protocol < 1) return InvalidParameter;
            if (!Rows.Network(prefix, row.DestinationPrefix.PrefixLength).BaseAddress.Equals(prefix)) return InvalidParameter;
            if (FindIpInterface(row.DestinationPrefix.Prefix.Family, row.InterfaceIndex) < 0) return NotFound;
            if (FindRoute(row) >= 0) return Exists;
            // Loopback is the system's to say.
            _routes.Add(row with { Loopback = 0 });
        }
        Tell(NotificationKind.Routes);
        return 0;
    }

    public uint SetRoute(in MibIpForwardRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            var at = FindRoute(row);
            if (at < 0) return NotFound;
            _routes[at] = row with { Loopback = 0 };
        }
        Tell(NotificationKind.Routes);
        return 0;
    }

    public uint DeleteRoute(in MibIpForwardRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            var at = FindRoute(row);
            if (at < 0) return NotFound;
            _routes.RemoveAt(at);
        }
        Tell(NotificationKind.Routes);
        return 0;
    }

    public uint GetBestRoute(uint interfaceIndex, in SockAddrInet source, in SockAddrInet destination, out MibIpForwardRow2 route, out SockAddrInet bestSource)
    {
        route = default;
        bestSource = default;
        lock (_lock)
        {
            if (destination.ToAddress() is not { } to) return InvalidParameter;
            var found = false;
            foreach (var candidate in _routes)
            {
                if (candidate.DestinationPrefix.Prefix.Family != destination.Family || (interfaceIndex != 0 && candidate.InterfaceIndex != interfaceIndex)) continue;
                if (!new IPNetwork(candidate.DestinationPrefix.Prefix.ToAddress()!, candidate.DestinationPrefix.PrefixLength).Contains(to)) continue;
                if (found && candidate.DestinationPrefix.PrefixLength <= route.DestinationPrefix.PrefixLength) continue;
                route = candidate;
                found = true;
            }
            if (!found) return 1231;
            bestSource = source;
            if (source.Family != SockAddrInet.Unspecified) return 0;
            foreach (var address in _addresses)
            {
                if (address.InterfaceIndex == route.InterfaceIndex && address.Address.Family == destination.Family) bestSource = address.Address;
            }
            return bestSource.Family == SockAddrInet.Unspecified ? NotFound : 0;
        }
    }

    public uint GetNeighbors(ushort family, out MibIpNetRow2[] rows) => Table(_neighbors, row => row.Address.Family, family, out rows);

    public uint CreateNeighbor(in MibIpNetRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            if (row.Address.ToAddress() is null || row.PhysicalAddressLength is 0 or > 32) return InvalidParameter;
            if (FindIpInterface(row.Address.Family, row.InterfaceIndex) < 0) return NotFound;
            if (FindNeighbor(row) >= 0) return Exists;
            _neighbors.Add(row);
            return 0;
        }
    }

    public uint SetNeighbor(ref MibIpNetRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            var at = FindNeighbor(row);
            if (at < 0) return NotFound;
            _neighbors[at] = row;
            return 0;
        }
    }

    public uint DeleteNeighbor(in MibIpNetRow2 row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            var at = FindNeighbor(row);
            if (at < 0) return NotFound;
            _neighbors.RemoveAt(at);
            return 0;
        }
    }

    public uint ResolveNeighbor(ref MibIpNetRow2 row)
    {
        Resolving?.Invoke();
        lock (_lock)
        {
            if (row.Address.ToAddress() is not { } address || IPAddress.IsLoopback(address)) return InvalidParameter;
            if (FindIpInterface(row.Address.Family, row.InterfaceIndex) < 0) return NotFound;
            var at = FindNeighbor(row);
            if (at >= 0) _neighbors.RemoveAt(at);
            if (!Stations.TryGetValue(address, out var mac))
            {
                _neighbors.Add(row with { State = Rows.NeighborUnreachable });
                return BadNetName;
            }
            mac.CopyTo((Span<byte>)row.PhysicalAddress);
            row.PhysicalAddressLength = (uint)mac.Length;
            row.State = Rows.NeighborReachable;
            _neighbors.Add(row);
            return 0;
        }
    }

    public uint CreateProxyArp(uint address, uint mask, uint interfaceIndex)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            if (address == 0 || mask == 0 || FindIpInterface(SockAddrInet.V4, interfaceIndex) < 0) return InvalidParameter;
            return _proxies.Add((address, interfaceIndex)) ? 0 : Exists;
        }
    }

    public uint DeleteProxyArp(uint address, uint mask, uint interfaceIndex)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            return _proxies.Remove((address, interfaceIndex)) ? 0 : NotFound;
        }
    }

    public uint CreateAnycast(in MibAnycastIpAddressRow row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            if (row.Address.ToAddress() is not { IsIPv6Multicast: false } address || address.Equals(IPAddress.IPv6Any) || row.InterfaceLuid != 0) return InvalidParameter;
            if (FindIpInterface(SockAddrInet.V6, row.InterfaceIndex) < 0) return NotFound;
            return _anycast.Add((address, row.InterfaceIndex)) ? 0 : Exists;
        }
    }

    public uint DeleteAnycast(in MibAnycastIpAddressRow row)
    {
        lock (_lock)
        {
            if (!Elevated) return AccessDenied;
            return row.Address.ToAddress() is { } address && _anycast.Remove((address, row.InterfaceIndex)) ? 0 : NotFound;
        }
    }

    public uint Notify(NotificationKind kind, Action changed, out IDisposable? registration)
    {
        registration = null;
        if (!Notifies) return WindowsError.NotSupported;
        lock (_lock)
        {
            if (!_callbacks.TryGetValue(kind, out var list)) _callbacks[kind] = list = [];
            list.Add(changed);
            Registrations++;
        }
        registration = new Registration(this, kind, changed);
        return 0;
    }

    public uint GetThreadCompartment() => Math.Max(t_compartment, 1);

    public uint SetThreadCompartment(uint compartment)
    {
        if (!Elevated) return AccessDenied;
        if (!Compartments.Contains(compartment)) return NotFound;
        t_compartment = compartment;
        return 0;
    }

    public static void Put(ref Name257 name, string text)
    {
        name = default;
        for (var i = 0; i < text.Length; i++) name[i] = text[i];
    }

    private uint Table<T>(List<T> table, Func<T, ushort> familyOf, ushort family, out T[] rows)
    {
        lock (_lock) rows = [.. table.Where(row => family == SockAddrInet.Unspecified || familyOf(row) == family)];
        // "No entries as specified were found."
        return TableCode != 0 ? TableCode : rows.Length == 0 ? NotFound : 0;
    }

    // The system calls back on threads of its own, outside of any lock.
    private void Tell(NotificationKind kind)
    {
        Action[] callbacks;
        lock (_lock) callbacks = _callbacks.TryGetValue(kind, out var list) ? [.. list] : [];
        foreach (var callback in callbacks) callback();
    }

    private int FindIpInterface(ushort family, uint index) => _ipInterfaces.FindIndex(row => row.Family == family && row.InterfaceIndex == index);

    private int FindAddress(MibUnicastIpAddressRow wanted) => _addresses.FindIndex(row => row.InterfaceIndex == wanted.InterfaceIndex && Same(row.Address, wanted.Address));

    private int FindRoute(MibIpForwardRow2 wanted) => _routes.FindIndex(row => row.InterfaceIndex == wanted.InterfaceIndex
        && row.DestinationPrefix.PrefixLength == wanted.DestinationPrefix.PrefixLength && Same(row.DestinationPrefix.Prefix, wanted.DestinationPrefix.Prefix) && Same(row.NextHop, wanted.NextHop));

    private int FindNeighbor(MibIpNetRow2 wanted) => _neighbors.FindIndex(row => row.InterfaceIndex == wanted.InterfaceIndex && Same(row.Address, wanted.Address));

    private static bool Same(in SockAddrInet left, in SockAddrInet right) => left.Family == right.Family
        && (left.Family == SockAddrInet.V4 ? left.V4AddressOrFlow == right.V4AddressOrFlow : ((ReadOnlySpan<byte>)left.V6Address).SequenceEqual(right.V6Address));

    private sealed class Registration(StrictIphlpapi owner, NotificationKind kind, Action changed) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._callbacks[kind].Remove(changed);
                owner.Registrations--;
            }
        }
    }
}
