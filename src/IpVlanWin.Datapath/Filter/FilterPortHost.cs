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
/// A port's host over stand-ins: KM-TEST adapters and, for containers, internal switches on Windows, bridges without ports and veth pairs in
/// the lab. Whatever it puts there is written down before. It ends without touching the host: stand-ins stay for the next start, and without
/// the driver's port nothing leaves or reaches them.
/// </summary>
public sealed partial class FilterPortHost : IFilterHost
{
    private readonly FilterPortHostSettings _settings;
    private readonly IStandInHost _host;
    private readonly PortOnHost _onHost;
    private readonly ConcurrentDictionary<Guid, Place> _places = new();
    // Stand-ins of containers whose end is not there (any more).
    private readonly ConcurrentDictionary<Guid, Place> _waiting = new();
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
        Bind(link, null, isMaster: true);
    }

    /// <summary>The master's NET_LUID.</summary>
    public ulong MasterLuid { get; }

    /// <inheritdoc/>
    public int MasterIndex => _master?.Index ?? 0;

    /// <inheritdoc/>
    public int QuestionsAtOnce => _host.ProbesAtOnce;

    /// <inheritdoc/>
    public FilterStandIn Create(string name, string? namespaceName)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (namespaceName is not null && _host.NamespaceLack(namespaceName) is { } lack)
            throw new NamespacePendingException(lack);
        var place = FindStandIn(name, namespaceName) ?? MakeStandIn(name, namespaceName);
        if (namespaceName is null)
            return Settle(place);
        // What the container service attached to the switch would go with it: it stays until nobody wants it.
        _waiting[place.Mark.Tag] = place;
        place.End = _host.FindEnd(namespaceName, place.Link) ?? throw new NamespacePendingException(EndLack(place));
        var made = Settle(place);
        _waiting.TryRemove(place.Mark.Tag, out _);
        return made;
    }

    /// <inheritdoc/>
    public void Abandon(string name)
    {
        foreach (var (tag, place) in _waiting)
        {
            if (place.Mark.Interface == name && _waiting.TryRemove(tag, out _))
                _onHost.UndoOrKeep(place.Mark.On(_settings.PortName));
        }
    }

    /// <inheritdoc/>
    public void Remove(FilterStandIn standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        if (!_places.TryRemove(standIn.Tag, out var place))
            return;
        // A container's end may outlive the switch.
        if (place.Mark.Namespace is { } space && _host.NamespaceLack(space) is null)
            _onHost.Guard(() => RemoveAddresses(place));
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
    public void Tidy()
    {
        foreach (var left in _onHost.Things(HostMarks.StandIn).Where(thing => !IsKept(HostMarks.Read<StandInMark>(thing).Tag)))
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
            Bind(now, null, isMaster: true);
        }
    }

    /// <summary>Leaves the host as it is.</summary>
    public void Dispose() => _host.Dispose();

    private Place PlaceOf(FilterStandIn standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        return _places.TryGetValue(standIn.Tag, out var place) ? place : throw new IOException($"stand-in {standIn.Tag} is not there any more");
    }

    private bool IsKept(Guid tag) => _places.ContainsKey(tag) || _waiting.ContainsKey(tag);

    /// <summary>The one that an earlier run left, with its addresses: connections over it go on.</summary>
    private Place? FindStandIn(string name, string? namespaceName)
    {
        foreach (var thing in _onHost.Things(HostMarks.StandIn))
        {
            var mark = HostMarks.Read<StandInMark>(thing);
            if (mark.Interface != name)
                continue;
            if (mark.Namespace == namespaceName && _host.FindStandIn(mark.Tag) is { } link)
                return new Place { Mark = mark, Link = link };
            // Of another namespace, it has the name that is to be given.
            _places.TryRemove(mark.Tag, out _);
            _waiting.TryRemove(mark.Tag, out _);
            _onHost.UndoOrKeep(thing);
        }
        return null;
    }

    private Place MakeStandIn(string name, string? namespaceName)
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
            return new Place { Mark = mark, Link = link };
        }
        catch
        {
            _onHost.UndoOrKeep(mark.On(_settings.PortName));
            throw;
        }
    }

    /// <summary>Binds the filter to it and keeps it.</summary>
    private FilterStandIn Settle(Place place)
    {
        try
        {
            var link = place.End ?? _host.Network.FindLink(place.Link.LinkIndex) ?? throw new IOException($"stand-in {place.Link.Name} went while it was made");
            Bind(link, place.Mark.Namespace, isMaster: false);
            var luid = _settings.Bindings.LuidOf(link, place.Mark.Namespace);
            _places[place.Mark.Tag] = place;
            return new FilterStandIn(luid, place.Link.LinkIndex, place.Mark.Tag);
        }
        catch when (place.Mark.Namespace is null)
        {
            _onHost.UndoOrKeep(place.Mark.On(_settings.PortName));
            throw;
        }
    }

    /// <summary>
    /// The master is not ours: that it was not bound is written down. A stand-in takes its binding with it. Windows may not list the adapters
    /// of a container: whether the filter is on it, the driver says.
    /// </summary>
    private void Bind(HostLink link, string? namespaceName, bool isMaster)
    {
        var isBound = _settings.Bindings.FindBinding(link, FilterPortHostSettings.Component, namespaceName);
        if (isBound is null && namespaceName is null)
            throw new IOException($"the filter cannot be bound to {link.Name}, where Windows does not list it: put the driver in (ipvlansvc install-driver)");
        if (isBound is not false)
            return;
        if (isMaster)
            _settings.Journal.Write([new BindingMark(_settings.MasterId, FilterPortHostSettings.Component).On(_settings.PortName)]);
        _settings.Bindings.SetBinding(link, FilterPortHostSettings.Component, isBound: true, namespaceName);
    }

    private static string EndLack(Place place) =>
        $"container namespace {place.Mark.Namespace} has no adapter on the switch \"{place.Link.Name}\" yet: attach one endpoint of the container service to it, and give that the switch's name";

    private sealed class Place
    {
        public required StandInMark Mark { get; set; }

        public required StandInLink Link { get; set; }

        /// <summary>Of one in a container: its adapter there.</summary>
        public HostLink? End { get; set; }
    }
}
