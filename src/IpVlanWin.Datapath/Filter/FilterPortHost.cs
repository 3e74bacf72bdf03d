using System.Collections.Concurrent;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>What a port of the filter has of its host.</summary>
public sealed record FilterPortHostSettings
{
    /// <summary>The filter's component identifier (driver/inf/ipvlan.inf).</summary>
    public const string Component = "ipvlanwin";

    /// <summary>The port's name: the master's, when the port was made.</summary>
    public required string PortName { get; init; }

    /// <summary>The host; becomes the port's own.</summary>
    public required IStandInHost Host { get; init; }

    /// <summary>Its bindings; stays the caller's.</summary>
    public required IFilterBindings Bindings { get; init; }

    /// <summary>Identity of the master (<see cref="IStandInHost.IdOf"/>).</summary>
    public required string MasterId { get; init; }

    /// <summary>Remembers what is on the host.</summary>
    public required IHostJournal Journal { get; init; }

    /// <summary>Told what happened on the host, on any thread.</summary>
    public Action<HostEvent>? OnEvent { get; init; }
}

/// <summary>
/// A port's host over stand-ins: KM-TEST adapters on Windows, bridges without ports in the lab. Whatever it puts there is written down
/// before. It ends without touching the host: stand-ins stay for the next start, and without the driver's port nothing leaves or reaches them.
/// </summary>
public sealed class FilterPortHost : IFilterHost
{
    private readonly FilterPortHostSettings _settings;
    private readonly IStandInHost _host;
    private readonly PortOnHost _onHost;
    private readonly ConcurrentDictionary<Guid, Place> _places = new();
    private volatile HostLink? _master;
    private bool _isMasterGone;

    /// <summary>Binds the filter to the master.</summary>
    /// <exception cref="HostNetworkException">The system refuses.</exception>
    /// <exception cref="IOException">The master is not there, can be none, or the filter cannot be bound to it.</exception>
    public FilterPortHost(FilterPortHostSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _host) = (settings, settings.Host);
        _onHost = new PortOnHost(_host, settings.Journal, settings.PortName, settings.OnEvent);
        var link = _onHost.FindMaster(settings.MasterId);
        _master = link;
        MasterLuid = settings.Bindings.LuidOf(link);
        settings.Journal.Write([new HostThing(settings.PortName, HostMarks.Master, settings.MasterId), new FilterPortMark(MasterLuid).On(settings.PortName)]);
        Bind(link, isMaster: true);
    }

    /// <summary>The master's NET_LUID.</summary>
    public ulong MasterLuid { get; }

    /// <inheritdoc/>
    public int MasterIndex => _master?.Index ?? 0;

    /// <inheritdoc/>
    public FilterStandIn Create(string name, string? namespaceName)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (namespaceName is not null)
            throw new NotSupportedException("data path filter carries interfaces of the host's own namespace alone: use data path windivert for one in a container");
        var place = FindStandIn(name) ?? MakeStandIn(name);
        try
        {
            var link = Bind(place.Link);
            _places[place.Mark.Tag] = place;
            return new FilterStandIn(_settings.Bindings.LuidOf(link), link.Index, place.Mark.Tag);
        }
        catch
        {
            _onHost.UndoOrKeep(place.Mark.On(_settings.PortName));
            throw;
        }
    }

    /// <inheritdoc/>
    public void Remove(FilterStandIn standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        if (!_places.TryRemove(standIn.Tag, out var place))
            return;
        var thing = place.Mark.On(_settings.PortName);
        HostMarks.Undo(_host, thing);
        _settings.Journal.CrossOut([thing]);
    }

    /// <inheritdoc/>
    public void Rename(FilterStandIn standIn, string name)
    {
        var place = PlaceOf(standIn);
        place.Link = _host.Rename(place.Link, name);
        place.Mark = place.Mark with { Interface = name };
        _settings.Journal.Write([place.Mark.On(_settings.PortName)]);
    }

    /// <inheritdoc/>
    public void SetMtu(FilterStandIn standIn, int ipMtu) => _host.Network.SetMtu(PlaceOf(standIn).Link.LinkIndex, ipMtu);

    /// <inheritdoc/>
    public void AddAddresses(FilterStandIn standIn, IReadOnlyCollection<L3Prefix> prefixes)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        var index = PlaceOf(standIn).Link.LinkIndex;
        var present = _host.Network.ListAddresses(index).ToDictionary(static one => L3Address.From(one.Address), static one => one.PrefixLength);
        List<L3Prefix> added = [];
        try
        {
            foreach (var prefix in prefixes)
            {
                if (present.TryGetValue(prefix.Address, out var length) && length == prefix.Length)
                    continue;
                // Of an earlier run, with another prefix.
                if (length > 0)
                    _host.Network.RemoveAddress(index, prefix.Address.ToIPAddress(), length);
                _host.Network.AddAddress(index, prefix.Address.ToIPAddress(), prefix.Length, AddressFlags.NoDad);
                added.Add(prefix);
            }
        }
        catch (HostNetworkException)
        {
            foreach (var prefix in added)
                _onHost.Guard(() => _host.Network.RemoveAddress(index, prefix.Address.ToIPAddress(), prefix.Length));
            throw;
        }
    }

    /// <inheritdoc/>
    public void RemoveAddress(FilterStandIn standIn, L3Prefix prefix)
    {
        var index = PlaceOf(standIn).Link.LinkIndex;
        try
        {
            _host.Network.RemoveAddress(index, prefix.Address.ToIPAddress(), prefix.Length);
        }
        catch (HostNetworkException) when (!_host.Network.ListAddresses(index).Any(one => L3Address.From(one.Address) == prefix.Address))
        {
            // Somebody was quicker, or the adapter is gone.
        }
    }

    /// <inheritdoc/>
    public void Resolve(L3Address neighbor)
    {
        if (_master is { } master)
            _host.Network.Resolve(master.Index, neighbor.ToIPAddress());
    }

    /// <inheritdoc/>
    public IDisposable Watch(Action<HostSnapshot> onChange)
    {
        ArgumentNullException.ThrowIfNull(onChange);
        var turn = new Lock();
        IHostWatch? watch = null;
        // Whoever comes before the watch is known waits for the first call.
        lock (turn)
        {
            watch = _host.Watch(_ =>
            {
                lock (turn)
                    onChange(watch!.Snapshot);
            });
            onChange(watch.Snapshot);
        }
        return watch;
    }

    /// <inheritdoc/>
    public FilterStandIn? Mend(FilterStandIn standIn, FilterWish wish)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        ArgumentNullException.ThrowIfNull(wish);
        if (!_places.TryGetValue(standIn.Tag, out var place))
            return null;
        var link = _host.Network.FindLink(place.Link.LinkIndex);
        if (link is null || link.Name != wish.Name)
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
            link = _host.Network.FindLink(place.Link.LinkIndex);
            // It comes and goes: the next time tells.
            if (link is null)
                return standIn;
        }
        if (!wish.IsAttached && _settings.Bindings.FindBinding(link, FilterPortHostSettings.Component) is false)
        {
            _onHost.Tell("binding-lost", "somebody took the filter off the stand-in; it is bound again", wish.Name, "bound", "unbound");
            _settings.Bindings.SetBinding(link, FilterPortHostSettings.Component, isBound: true);
        }
        if (link.IpMtu != wish.IpMtu)
            _host.Network.SetMtu(link.Index, wish.IpMtu);
        MendAddresses(link.Index, wish);
        return standIn with { Luid = _settings.Bindings.LuidOf(link), LinkIndex = link.Index };
    }

    /// <inheritdoc/>
    public void Tidy()
    {
        foreach (var left in _onHost.Things(HostMarks.StandIn).Where(thing => !_places.ContainsKey(HostMarks.Read<StandInMark>(thing).Tag)))
            _onHost.UndoOrKeep(left);
    }

    /// <inheritdoc/>
    public void FollowMaster(bool isAttached)
    {
        var (before, now) = (_master, _host.FindLink(_settings.MasterId));
        _master = now;
        if (now is null)
        {
            if (!_isMasterGone)
                _onHost.Tell("master-gone", "the master was unplugged or removed; its interfaces wait for it", before?.Name ?? _settings.PortName, "there", "gone");
            _isMasterGone = true;
            return;
        }
        if (_isMasterGone)
            _onHost.Tell("master-back", "the master is there again", now.Name, "gone", "there");
        _isMasterGone = false;
        if (before is not null && before.Name != now.Name)
            _onHost.Tell("master-renamed", "the master has another name; it stays the master", _settings.PortName, before.Name, now.Name);
        if (now != before && _host.MasterRefusal(now) is { } refusal)
        {
            _onHost.Tell("master-refused", refusal, now.Name, "usable", "taken");
            throw new IOException(refusal);
        }
        if (!isAttached && _settings.Bindings.FindBinding(now, FilterPortHostSettings.Component) is false)
        {
            _onHost.Tell("binding-lost", "somebody took the filter off the master; it is bound again", now.Name, "bound", "unbound");
            Bind(now, isMaster: true);
        }
    }

    /// <summary>Leaves the host as it is.</summary>
    public void Dispose() => _host.Dispose();

    private Place PlaceOf(FilterStandIn standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        return _places.TryGetValue(standIn.Tag, out var place) ? place : throw new IOException($"stand-in {standIn.Tag} is not there any more");
    }

    /// <summary>The one that an earlier run left, with its addresses: connections over it go on.</summary>
    private Place? FindStandIn(string name)
    {
        foreach (var thing in _onHost.Things(HostMarks.StandIn))
        {
            var mark = HostMarks.Read<StandInMark>(thing);
            if (mark.Interface == name && mark.Namespace is null && _host.FindStandIn(mark.Tag) is { } link)
                return new Place { Mark = mark, Link = link };
        }
        return null;
    }

    private Place MakeStandIn(string name)
    {
        var mark = new StandInMark(Guid.NewGuid(), StandInKind.Loopback, name, null, null);
        _settings.Journal.Write([mark.On(_settings.PortName)]);
        try
        {
            var link = _host.Create(mark.Kind, mark.Tag, name, null);
            if (_host.Quieten(link) is { } before)
            {
                mark = mark with { Before = before };
                _settings.Journal.Write([mark.On(_settings.PortName)]);
            }
            return new Place { Mark = mark, Link = link };
        }
        catch
        {
            _onHost.UndoOrKeep(mark.On(_settings.PortName));
            throw;
        }
    }

    private HostLink Bind(StandInLink standIn)
    {
        var link = _host.Network.FindLink(standIn.LinkIndex) ?? throw new IOException($"stand-in {standIn.Name} went while it was made");
        Bind(link, isMaster: false);
        return link;
    }

    /// <summary>The master is not ours: that it was not bound is written down. A stand-in takes its binding with it.</summary>
    private void Bind(HostLink link, bool isMaster)
    {
        var isBound = _settings.Bindings.FindBinding(link, FilterPortHostSettings.Component)
            ?? throw new IOException($"the filter cannot be bound to {link.Name}, where Windows does not list it: put the driver in (ipvlansvc install-driver)");
        if (isBound)
            return;
        if (isMaster)
            _settings.Journal.Write([new BindingMark(_settings.MasterId, FilterPortHostSettings.Component).On(_settings.PortName)]);
        _settings.Bindings.SetBinding(link, FilterPortHostSettings.Component, isBound: true);
    }

    private void MendAddresses(int index, FilterWish wish)
    {
        var present = _host.Network.ListAddresses(index).Where(static one => !one.Address.IsIPv6LinkLocal)
            .ToDictionary(static one => L3Address.From(one.Address), static one => one.PrefixLength);
        var wanted = wish.Addresses.ToHashSet();
        foreach (var (address, length) in present.Where(pair => !wanted.Contains(new L3Prefix(pair.Key, pair.Value))))
        {
            _onHost.Tell("address-surplus", "an address of the stand-in that nobody asked for is removed", wish.Name, $"{address}", "");
            _host.Network.RemoveAddress(index, address.ToIPAddress(), length);
        }
        foreach (var prefix in wanted.Where(prefix => !present.TryGetValue(prefix.Address, out var length) || length != prefix.Length).Order())
        {
            // Stacks make their own link-local addresses, and may have this one.
            if (prefix.Address.ToIPAddress().IsIPv6LinkLocal && _host.Network.ListAddresses(index).Any(one => L3Address.From(one.Address) == prefix.Address))
                continue;
            _onHost.Tell("address-lost", "somebody took the address off the stand-in; it is put back", wish.Name, $"{prefix.Address}", "");
            _host.Network.AddAddress(index, prefix.Address.ToIPAddress(), prefix.Length, AddressFlags.NoDad);
        }
    }

    private sealed class Place
    {
        public required StandInMark Mark { get; set; }

        public required StandInLink Link { get; set; }
    }
}
