using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

// Stand-ins come and go, written down before they are made. All under the lock.
public sealed partial class DivertDatapath
{
    // Addresses that the master answers for, written down and made in this run.
    private readonly HashSet<L3Address> _proxied = [];

    /// <summary>The one that an earlier run left, with its addresses: connections over it go on.</summary>
    private (StandInMark Mark, StandInLink Link)? FindStandIn(InterfaceSettings settings)
    {
        foreach (var thing in _onHost.Things(HostMarks.StandIn))
        {
            var mark = HostMarks.Read<StandInMark>(thing);
            if (mark.Interface == settings.Name && mark.Namespace == settings.Namespace && _host.FindStandIn(mark.Tag) is { } link)
                return (mark, link);
        }
        return null;
    }

    private (StandInMark Mark, StandInLink Link) MakeStandIn(string name, string? namespaceName)
    {
        var mark = new StandInMark(Guid.NewGuid(), namespaceName is null ? StandInKind.Loopback : StandInKind.VSwitch, name, namespaceName, null);
        _settings.Journal.Write([mark.On(_settings.PortName)]);
        try
        {
            var link = _host.Create(mark.Kind, mark.Tag, name, namespaceName);
            if (_host.Quieten(link) is { } before)
            {
                mark = mark with { Before = before };
                _settings.Journal.Write([mark.On(_settings.PortName)]);
            }
            return (mark, link);
        }
        catch
        {
            _onHost.UndoOrKeep(mark.On(_settings.PortName));
            throw;
        }
    }

    /// <summary>Sees that each interface's stand-in is there under its name; Windows feature updates delete KM-TEST adapters.</summary>
    private void MendStandIn(DivertMember member, HostView view)
    {
        var name = member.Interface.Name;
        if (view.Links.TryGetValue(member.StandIn.LinkIndex, out var link) && link.Name == member.StandIn.Name && link.Name == name)
            return;
        if (_host.FindStandIn(member.Mark.Tag) is not { } found)
        {
            var old = member.Mark;
            (member.Mark, member.StandIn) = MakeStandIn(name, member.Namespace);
            _settings.Journal.CrossOut([old.On(_settings.PortName)]);
            member.Placed = [];
            member.OnHost.Clear();
            (member.IsSet, member.FirewallProfile) = (false, null);
            _onHost.Tell("stand-in-lost", "somebody removed the stand-in; it is made anew", name, old.Tag.ToString(), member.Mark.Tag.ToString());
            return;
        }
        member.StandIn = found;
        if (found.Name == name)
            return;
        _onHost.Tell("stand-in-renamed", "somebody renamed the stand-in; it has its name again", name, name, found.Name);
        member.StandIn = _host.Rename(found, name);
    }

    /// <summary>Off the host: first the answers, then the addresses. The engine still decides about packets on their way.</summary>
    private void TakeOff(DivertMember member, IReadOnlyCollection<L3Address> addresses)
    {
        var gone = new List<HostThing>(addresses.Count);
        try
        {
            foreach (var address in addresses)
            {
                if (_proxied.Contains(address))
                {
                    // As long as the master is away, its entries are too.
                    if (_master is { } master)
                        _host.RemoveProxy(master.Index, address.ToIPAddress());
                    _proxied.Remove(address);
                    gone.Add(new ProxyMark(_settings.MasterId, address.ToString()).On(_settings.PortName));
                }
                member.Placed = member.Placed.Remove(address);
                if (member.OnHost.Contains(address))
                {
                    Gone(() => TakeOff(member, address), () => IsOnHost(member, address));
                    member.OnHost.Remove(address);
                }
                member.Confirmed.Remove(address);
            }
        }
        finally
        {
            _settings.Journal.CrossOut(gone);
        }
    }

    private void TakeOff(DivertMember member, L3Address address)
    {
        if (member.IsForwarded)
            _host.Network.RemoveRoute(RouteTo(member, address));
        else
            _host.Network.RemoveAddress(member.StandIn.LinkIndex, address.ToIPAddress(), address.Bits);
    }

    private bool IsOnHost(DivertMember member, L3Address address) => member.IsForwarded
        ? _host.Network.ListRoutes().Any(route => route.LinkIndex == member.StandIn.LinkIndex && route.Destination == RouteTo(member, address).Destination)
        : _host.Network.ListAddresses(member.StandIn.LinkIndex).Any(one => one.Address.Equals(address.ToIPAddress()));

    /// <summary>A removal that is refused because it is gone already is done.</summary>
    private static void Gone(Action remove, Func<bool> isThere)
    {
        try
        {
            remove();
        }
        catch (HostNetworkException) when (!isThere())
        {
            // Somebody was quicker.
        }
    }

    private static HostRoute RouteTo(DivertMember member, L3Address address) =>
        new() { Destination = new System.Net.IPNetwork(address.ToIPAddress(), address.Bits), LinkIndex = member.StandIn.LinkIndex };
}
