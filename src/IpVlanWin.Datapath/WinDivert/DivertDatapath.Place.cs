using System.Collections.Immutable;
using System.Net.Sockets;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

// Puts on the host what is to be there: handles first, then settings, addresses and routes, and last the answers on the master. Under the lock.
public sealed partial class DivertDatapath
{
    private static readonly AddressFamily[] s_families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    private DivertArrangement? _applied;
    private bool _isMasterSet;

    /// <summary>Returns false where a part of it was refused.</summary>
    private bool Place(HostView view, bool isTime)
    {
        foreach (var left in _onHost.Things(HostMarks.StandIn).Where(thing => !_members.Values.Any(member => thing.Key == member.Mark.On(_settings.PortName).Key)).ToList())
            _onHost.UndoOrKeep(left);
        var wanted = _members.Values.OrderBy(static member => member.Order).ToDictionary(static member => member, Wanted);
        var arrangement = Arrange(view, wanted);
        if (_master is not null && !Same(arrangement, _applied))
        {
            _traffic.Apply(arrangement);
            _applied = arrangement;
        }
        var all = wanted.Values.SelectMany(static addresses => addresses).ToHashSet();
        foreach (var thing in _onHost.Things(HostMarks.Proxy).Where(thing => !all.Contains(L3Address.Parse(HostMarks.Read<ProxyMark>(thing).Address))).ToList())
            _onHost.UndoOrKeep(thing);
        if (_master is { } master)
            SetMaster(master, wanted);
        var isWhole = true;
        foreach (var (member, addresses) in wanted)
        {
            try
            {
                Place(member, addresses, view, isTime);
                member.Fault = null;
            }
            catch (HostNetworkException refused)
            {
                if (member.Fault != refused.Message)
                    _onHost.Tell("interface-refused", refused.Message, member.Interface.Name, "", "");
                member.Fault = refused.Message;
                isWhole = false;
            }
        }
        return isWhole;
    }

    private ImmutableHashSet<L3Address> Wanted(DivertMember member) => member.Interface.IsUp
        ? [.. _port.AddressesOf(member.Interface).Select(static prefix => prefix.Address).Where(member.Confirmed.Contains)]
        : [];

    private DivertArrangement Arrange(HostView view, Dictionary<DivertMember, ImmutableHashSet<L3Address>> wanted)
    {
        var ours = _members.Values.Where(static member => !member.IsForwarded).Select(static member => member.StandIn.LinkIndex).ToHashSet();
        return new DivertArrangement
        {
            MasterIndex = (uint)(_master?.Index ?? 0),
            LoopbackIndex = (uint)_host.LoopbackIndex,
            LoopbackStandIns = [.. ours.Order().Select(static index => (uint)index)],
            SwitchStandIns = [.. _members.Values.Where(static member => member.IsForwarded).Select(static member => (uint)member.StandIn.LinkIndex).Order()],
            LocalAddresses = [.. wanted.Where(static pair => !pair.Key.IsForwarded).SelectMany(static pair => pair.Value).Order()],
            ForwardedAddresses = [.. wanted.Where(static pair => pair.Key.IsForwarded).SelectMany(static pair => pair.Value).Order()],
            HostAddresses = [.. view.Addresses.Where(group => !ours.Contains(group.Key)).SelectMany(static group => group)
                .Select(static one => new L3Prefix(L3Address.From(one.Address), one.PrefixLength)).Order()],
        };
    }

    private static bool Same(DivertArrangement one, DivertArrangement? other) => other is not null
        && one.MasterIndex == other.MasterIndex
        && one.LoopbackStandIns.SequenceEqual(other.LoopbackStandIns) && one.SwitchStandIns.SequenceEqual(other.SwitchStandIns)
        && one.LocalAddresses.SequenceEqual(other.LocalAddresses) && one.ForwardedAddresses.SequenceEqual(other.ForwardedAddresses)
        && one.HostAddresses.SequenceEqual(other.HostAddresses);

    private void Place(DivertMember member, ImmutableHashSet<L3Address> addresses, HostView view, bool isTime)
    {
        var index = member.StandIn.LinkIndex;
        Set(member, index, addresses);
        if (view.Links.TryGetValue(index, out var link) && link.IpMtu != member.Interface.IpMtu)
            _host.Network.SetMtu(index, member.Interface.IpMtu);
        if (member.IsForwarded)
            PlaceRoutes(member, addresses, view, isTime);
        else
            PlaceAddresses(member, addresses, view);
        if (_master is { } master)
            Answer(member, addresses.Except(_proxied), master);
        member.Placed = addresses;
    }

    private void PlaceAddresses(DivertMember member, ImmutableHashSet<L3Address> addresses, HostView view)
    {
        var present = view.Addresses[member.StandIn.LinkIndex].Where(static one => !one.Address.IsIPv6LinkLocal)
            .ToDictionary(static one => L3Address.From(one.Address), static one => one.PrefixLength);
        foreach (var (surplus, length) in present.Where(pair => !addresses.Contains(pair.Key)))
        {
            _onHost.Tell("address-surplus", "an address of the stand-in that nobody asked for is removed", member.Interface.Name, surplus.ToString(), "");
            _host.Network.RemoveAddress(member.StandIn.LinkIndex, surplus.ToIPAddress(), length);
        }
        member.OnHost.UnionWith(addresses);
        foreach (var address in addresses.Where(address => !present.ContainsKey(address)).Order())
        {
            if (member.Placed.Contains(address))
                _onHost.Tell("address-lost", "somebody took the address off the stand-in; it is put back", member.Interface.Name, address.ToString(), "");
            _host.Network.AddAddress(member.StandIn.LinkIndex, address.ToIPAddress(), address.Bits, AddressFlags.NoDad);
        }
    }

    private void PlaceRoutes(DivertMember member, ImmutableHashSet<L3Address> addresses, HostView view, bool isTime)
    {
        var index = member.StandIn.LinkIndex;
        var gateways = view.Addresses[index].Select(static one => one.Address).ToList();
        var (four, six) = (member.GatewayFour, DivertMember.GatewaySix);
        foreach (var (gateway, length) in ((System.Net.IPAddress, int)[])[(four, 32), (six, 64)])
        {
            if (!gateways.Contains(gateway))
                _host.Network.AddAddress(index, gateway, length, AddressFlags.NoDad);
        }
        var present = view.Routes[index].Where(static route => route.Gateway is null && route.Kind == RouteKind.Unicast)
            .Where(static route => route.Destination.PrefixLength == (route.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128))
            .ToDictionary(static route => L3Address.From(route.Destination.BaseAddress));
        foreach (var (surplus, route) in present.Where(pair => !addresses.Contains(pair.Key) && pair.Value.Protocol == RouteTo(member, pair.Key).Protocol))
        {
            _onHost.Tell("route-surplus", "a route to the stand-in that nobody asked for is removed", member.Interface.Name, surplus.ToString(), "");
            _host.Network.RemoveRoute(route);
        }
        var missing = addresses.Where(address => !present.ContainsKey(address)).Order().ToList();
        // The container has its address before packets are sent there.
        if (missing.Count > 0 || isTime || !addresses.SetEquals(member.Placed))
            _host.Furnish(member.Namespace!, member.StandIn, new ContainerSide([.. addresses.Select(static one => one.ToIPAddress())], addresses.Any(static one => !one.IsSix) ? four : null, addresses.Any(static one => one.IsSix) ? six : null));
        member.OnHost.UnionWith(addresses);
        foreach (var address in missing)
        {
            if (member.Placed.Contains(address))
                _onHost.Tell("route-lost", "somebody removed or changed the route to the container; it is put back", member.Interface.Name, address.ToString(), "");
            _host.Network.ReplaceRoute(RouteTo(member, address));
        }
    }

    private void Answer(DivertMember member, ImmutableHashSet<L3Address> addresses, HostLink master)
    {
        if (addresses.Count == 0)
            return;
        _settings.Journal.Write([.. addresses.Select(address => new ProxyMark(_settings.MasterId, address.ToString()).On(_settings.PortName))]);
        foreach (var address in addresses.Order())
        {
            if (!_host.AddProxy(master.Index, address.ToIPAddress(), member.IsForwarded))
                _onHost.Tell("route-needed", "this host cannot answer for the address: the upstream router needs a route to it over this host", member.Interface.Name, address.ToString(), master.Name);
            _proxied.Add(address);
        }
    }

    private void Set(DivertMember member, int index, ImmutableHashSet<L3Address> addresses)
    {
        var need = member.IsForwarded ? new IpInterfaceChange { Forwarding = true, DadTransmits = 0 } : new IpInterfaceChange { WeakHostSend = true, WeakHostReceive = true, DadTransmits = 0 };
        foreach (var family in s_families)
        {
            if (_host.FindIpInterface(index, family) is not { } now)
            {
                if (addresses.Any(address => address.IsSix == (family == AddressFamily.InterNetworkV6)))
                    throw new IOException($"{(family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} is not bound to stand-in {member.StandIn.Name}: bind it there");
                continue;
            }
            // IPv4 on Linux has no probes to switch off.
            if (need.FirstDifference(now) is not { } different)
                continue;
            if (member.IsSet)
                _onHost.Tell("setting-lost", "somebody changed a setting of the stand-in; it is put back", member.Interface.Name, different, Describe(now));
            _host.SetIpInterface(index, family, need);
        }
        member.IsSet = true;
    }

    /// <summary>The master is not ours: what is changed there is written down as it was.</summary>
    private void SetMaster(HostLink master, Dictionary<DivertMember, ImmutableHashSet<L3Address>> wanted)
    {
        foreach (var family in s_families)
        {
            var ofFamily = wanted.Where(pair => pair.Value.Any(address => address.IsSix == (family == AddressFamily.InterNetworkV6))).Select(static pair => pair.Key).ToList();
            if (ofFamily.Count == 0)
                continue;
            var need = _host.ProxyNeeds;
            if (ofFamily.Exists(static member => !member.IsForwarded))
                need = need.With(new IpInterfaceChange { WeakHostReceive = true });
            if (ofFamily.Exists(static member => member.IsForwarded))
                need = need.With(new IpInterfaceChange { Forwarding = true });
            var now = _host.FindIpInterface(master.Index, family);
            // A virtual switch or a team takes the IP layer off its adapter.
            if (now is null && _host.MasterRefusal(master) is { } refusal)
                throw Ended(new IOException(refusal));
            if (now is null)
                throw new IOException($"{(family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} is not bound to {master.Name}: bind it there, or remove the addresses of that family");
            if (need.FirstDifference(now) is not { } different)
                continue;
            var mark = new SettingMark(_settings.MasterId, family, need.Reverse(now)).On(_settings.PortName);
            if (_onHost.Things(mark.Key).FirstOrDefault() is { } known)
            {
                // What was first is what is to come back.
                mark = new SettingMark(_settings.MasterId, family, need.Reverse(now).With(HostMarks.Read<SettingMark>(known).Undo)).On(_settings.PortName);
                if (_isMasterSet)
                    _onHost.Tell("setting-lost", "somebody changed a setting of the master that interfaces need; it is put back", master.Name, different, Describe(now));
            }
            _settings.Journal.Write([mark]);
            _host.SetIpInterface(master.Index, family, need);
        }
        _isMasterSet = true;
    }

    private static string Describe(IpInterfaceSettings now) => $"forwarding {now.Forwarding}, weak host send {now.WeakHostSend}, receive {now.WeakHostReceive}";
}
