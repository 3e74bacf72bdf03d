using System.Net.Sockets;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

// The stacks over stand-ins: MTU and addresses, on the host or in a container's namespace.
public sealed partial class FilterPortHost
{
    private static readonly AddressFamily[] s_families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    /// <inheritdoc/>
    public void SetMtu(FilterStandIn standIn, int ipMtu) => At(PlaceOf(standIn), (network, index) => network.SetMtu(index, ipMtu));

    /// <inheritdoc/>
    public IReadOnlyCollection<L3Address> AddAddresses(FilterStandIn standIn, IReadOnlyCollection<L3Prefix> prefixes, bool asks)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        var place = PlaceOf(standIn);
        var flags = Flags(place, prefixes, asks);
        IReadOnlyCollection<L3Address> asked = [];
        At(place, (network, index) =>
        {
            var present = network.ListAddresses(index).ToDictionary(static one => L3Address.From(one.Address), static one => one.PrefixLength);
            List<L3Prefix> added = [];
            try
            {
                foreach (var prefix in prefixes)
                {
                    if (present.TryGetValue(prefix.Address, out var length) && length == prefix.Length)
                        continue;
                    // Of an earlier run, with another prefix.
                    if (length > 0)
                        network.RemoveAddress(index, prefix.Address.ToIPAddress(), length);
                    network.AddAddress(index, prefix.Address.ToIPAddress(), prefix.Length, flags(prefix));
                    added.Add(prefix);
                }
                asked = AsOf(network.ListAddresses(index), AddressFlags.Tentative, prefixes);
            }
            catch (HostNetworkException)
            {
                foreach (var prefix in added)
                    _onHost.Guard(() => network.RemoveAddress(index, prefix.Address.ToIPAddress(), prefix.Length));
                throw;
            }
        });
        return asked;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<L3Address> AddressesOf(FilterStandIn standIn)
    {
        List<L3Address> all = [];
        At(PlaceOf(standIn), (network, index) => all = [.. network.ListAddresses(index).Select(static one => L3Address.From(one.Address))]);
        return all;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<L3Address, string> FindOthers(IReadOnlyCollection<L3Address> addresses, TimeSpan patience, WaitHandle ending) =>
        _master is { } master ? DuplicateProbe.Find(_host, master, addresses, patience, ending) : new Dictionary<L3Address, string>();

    /// <inheritdoc/>
    public void RemoveAddress(FilterStandIn standIn, L3Prefix prefix) => At(PlaceOf(standIn), (network, index) =>
    {
        try
        {
            network.RemoveAddress(index, prefix.Address.ToIPAddress(), prefix.Length);
        }
        catch (HostNetworkException) when (!network.ListAddresses(index).Any(one => L3Address.From(one.Address) == prefix.Address))
        {
            // Somebody was quicker, or the adapter is gone; or it never was there.
        }
    });

    /// <inheritdoc/>
    public FilterStack? Mend(FilterStandIn standIn, FilterWish wish)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        ArgumentNullException.ThrowIfNull(wish);
        if (!_places.TryGetValue(standIn.Tag, out var place))
            return null;
        var near = _host.Network.FindLink(place.Link.LinkIndex);
        if (near is null || near.Name != wish.Name)
        {
            if (_host.FindStandIn(standIn.Tag) is not { } found)
            {
                _onHost.Tell("stand-in-lost", "somebody removed the stand-in; it is made anew", wish.Name, $"{standIn.Tag}", "");
                _places.TryRemove(standIn.Tag, out _);
                _settings.Journal.CrossOut([place.Mark.On(_settings.PortName)]);
                return null;
            }
            place.Link = found;
            if (found.Name != wish.Name)
            {
                _onHost.Tell("stand-in-renamed", "somebody renamed the stand-in; it has its name again", wish.Name, wish.Name, found.Name);
                place.Link = _host.Rename(found, wish.Name);
            }
            near = _host.Network.FindLink(place.Link.LinkIndex);
            // It comes and goes: the next time tells.
            if (near is null)
                return new FilterStack(standIn, [], []);
        }
        var space = place.Mark.Namespace;
        var link = space is null ? near : FollowEnd(place, space);
        var now = standIn with { Luid = _settings.Bindings.LuidOf(link, space), LinkIndex = near.Index };
        // It is to be made the interface's first.
        if (now.Luid != standIn.Luid)
            return new FilterStack(now, [], []);
        if (!wish.IsAttached && _settings.Bindings.FindBinding(link, FilterPortHostSettings.Component, space) is false)
        {
            _onHost.Tell("binding-lost", "somebody took the filter off the stand-in; it is bound again", wish.Name, "bound", "unbound");
            _settings.Bindings.SetBinding(link, FilterPortHostSettings.Component, isBound: true, space);
        }
        var flags = Flags(place, wish.Addresses, wish.Asks);
        FilterStack? stack = null;
        At(place, (network, index) =>
        {
            MendAddresses(network, index, wish, flags);
            var all = network.ListAddresses(index);
            stack = new FilterStack(now, AsOf(all, AddressFlags.Tentative, wish.Addresses), AsOf(all, AddressFlags.DadFailed, wish.Addresses));
        });
        FollowMtu(standIn, link, wish);
        return stack;
    }

    /// <summary>An adapter may carry less than the master.</summary>
    private void FollowMtu(FilterStandIn standIn, HostLink link, FilterWish wish)
    {
        try
        {
            if (link.IpMtu != wish.IpMtu)
                SetMtu(standIn, wish.IpMtu);
        }
        catch (HostNetworkException refused)
        {
            throw new IOException($"the stack of {wish.Name} does not take packets of {wish.IpMtu} bytes: give it an MTU that its adapter carries (ipvlan link set dev {wish.Name} mtu {link.IpMtu}); {refused.Message}", refused);
        }
    }

    /// <summary>The container's end as it is now; where it is not, the stand-in waits for it.</summary>
    private HostLink FollowEnd(Place place, string space)
    {
        var lack = _host.NamespaceLack(space);
        if (lack is null)
        {
            var index = place.End!.Index;
            HostLink? end = null;
            _host.Inside(space, network => end = network.FindLink(index));
            if ((end ?? _host.FindEnd(space, place.Link)) is { } found)
                return place.End = found;
        }
        _waiting[place.Mark.Tag] = place;
        _places.TryRemove(place.Mark.Tag, out _);
        throw new NamespacePendingException(lack ?? EndLack(place));
    }

    private void MendAddresses(IHostNetwork network, int index, FilterWish wish, Func<L3Prefix, AddressFlags> flags)
    {
        var present = network.ListAddresses(index).Where(static one => !one.Address.IsIPv6LinkLocal).ToDictionary(static one => L3Address.From(one.Address));
        var wanted = wish.Addresses.ToHashSet();
        foreach (var (address, one) in present.Where(pair => !wanted.Contains(new L3Prefix(pair.Key, pair.Value.PrefixLength)) && !wish.Withheld.Contains(new L3Prefix(pair.Key, pair.Value.PrefixLength))))
        {
            _onHost.Tell("address-surplus", "an address of the stand-in that nobody asked for is removed", wish.Name, $"{address}", "");
            network.RemoveAddress(index, one.Address, one.PrefixLength);
        }
        foreach (var prefix in wanted.Order())
        {
            if (present.TryGetValue(prefix.Address, out var one) && one.PrefixLength == prefix.Length)
            {
                if (!wish.AsksAgain || (one.Flags & AddressFlags.DadFailed) == 0)
                    continue;
                network.RemoveAddress(index, one.Address, one.PrefixLength);
            }
            // Stacks make their own link-local addresses, and may have this one.
            else if (prefix.Address.ToIPAddress().IsIPv6LinkLocal && network.ListAddresses(index).Any(one => L3Address.From(one.Address) == prefix.Address))
                continue;
            else
                _onHost.Tell("address-lost", "somebody took the address off the stand-in; it is put back", wish.Name, $"{prefix.Address}", "");
            network.AddAddress(index, prefix.Address.ToIPAddress(), prefix.Length, flags(prefix));
        }
    }

    private void RemoveAddresses(Place place) => At(place, static (network, index) =>
    {
        foreach (var one in network.ListAddresses(index).Where(static one => !one.Address.IsIPv6LinkLocal))
            network.RemoveAddress(index, one.Address, one.PrefixLength);
    });

    /// <summary>With which flags an address is added, once its stack is told whether to ask.</summary>
    private Func<L3Prefix, AddressFlags> Flags(Place place, IReadOnlyCollection<L3Prefix> prefixes, bool asks)
    {
        var index = place.End?.Index ?? place.Link.LinkIndex;
        var isAsking = s_families.ToDictionary(static family => family, family =>
            prefixes.Any(prefix => prefix.Address.IsSix == (family == AddressFamily.InterNetworkV6)) && _host.SetAsking(place.Mark.Namespace, index, family, asks));
        return prefix => isAsking[prefix.Address.IsSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork] ? AddressFlags.None : AddressFlags.NoDad;
    }

    private static List<L3Address> AsOf(IReadOnlyList<HostAddress> all, AddressFlags flag, IReadOnlyCollection<L3Prefix> prefixes)
    {
        var wanted = prefixes.Select(static prefix => prefix.Address).ToHashSet();
        return [.. all.Where(one => (one.Flags & flag) != 0).Select(static one => L3Address.From(one.Address)).Where(wanted.Contains)];
    }

    /// <summary>Where a stand-in's stack is.</summary>
    private void At(Place place, Action<IHostNetwork, int> body)
    {
        if (place.End is { } end)
            _host.Inside(place.Mark.Namespace!, network => body(network, end.Index));
        else
            body(_host.Network, place.Link.LinkIndex);
    }
}
