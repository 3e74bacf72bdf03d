using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Observe;

/// <summary>
/// Tells subscribers what is different after each pass of the reconciler: what was changed on demand, and what came about by itself. While
/// nobody listens it keeps nothing and compares nothing.
/// </summary>
internal sealed class EventHub(DesiredState state, Views views)
{
    /// <summary>Longest time between statistics.</summary>
    public const int MaxStatisticsSeconds = 3600;

    // Guards all below, and puts events in order.
    private readonly Lock _lock = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly Dictionary<string, PortRecord> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (DesiredInterface Desired, InterfaceRecord Record)> _interfaces = [];
    private Model? _told;

    /// <summary>From now on a client is told.</summary>
    /// <exception cref="ControlException">bad-argument.</exception>
    public Subscription Subscribe(SubscribeSpec spec, out long version)
    {
        if (spec.StatisticsSeconds is < 1 or > MaxStatisticsSeconds)
            throw ErrorCode.BadArgument.With("statisticsSeconds", $"1 to {MaxStatisticsSeconds}");
        if (spec is { Interfaces: false, Ports: false, StatisticsSeconds: null })
            throw ErrorCode.BadArgument.With("params", "an object that asks for something: interfaces, ports or statisticsSeconds");
        var subscription = new Subscription(spec, views.ListStatistics);
        lock (_lock)
        {
            if (_told is null)
                Remember(state.Current);
            _subscriptions.Add(subscription);
            version = _told!.Version;
        }
        return subscription;
    }

    public void Unsubscribe(Subscription subscription)
    {
        lock (_lock)
        {
            if (!_subscriptions.Remove(subscription) || _subscriptions.Count > 0)
                return;
            _told = null;
            _ports.Clear();
            _interfaces.Clear();
        }
    }

    /// <summary>A pass has ended; passes come one at a time.</summary>
    /// <param name="model">What it made true.</param>
    /// <param name="touched">Names of the interfaces that it changed or tried to.</param>
    /// <param name="mended">Those of them that somebody else had changed.</param>
    /// <param name="full">It looked at everything; else what was not touched is as it was.</param>
    public void Publish(Model model, IReadOnlySet<string> touched, IReadOnlySet<string> mended, bool full)
    {
        lock (_lock)
        {
            // A subscriber came while the pass ran and knows more than it did already: the pass that follows tells the rest.
            if (_told is null || model.Version < _told.Version)
                return;
            if (!ReferenceEquals(model, _told))
                TellRemoved(model);
            foreach (var port in model.Ports.Values)
                TellPort(port);
            foreach (var one in model.Interfaces.Values)
            {
                var isKnown = _interfaces.TryGetValue(one.Id, out var known);
                if (full || !isKnown || !ReferenceEquals(known.Desired, one) || touched.Contains(one.Name))
                    TellInterface(one, isKnown ? known.Record : null, mended.Contains(one.Name));
            }
            _told = model;
        }
    }

    private static bool Same(InterfaceRecord one, InterfaceRecord other) =>
        one with { Addresses = other.Addresses, Multicast = other.Multicast, StaticMulticast = other.StaticMulticast } == other
        && one.Addresses.SequenceEqual(other.Addresses) && one.Multicast.SequenceEqual(other.Multicast) && one.StaticMulticast.SequenceEqual(other.StaticMulticast);

    private void Remember(Model model)
    {
        _told = model;
        foreach (var port in model.Ports.Values)
            _ports[port.Master] = views.Record(port);
        foreach (var one in model.Interfaces.Values)
            _interfaces[one.Id] = (one, views.Record(one));
    }

    private void TellRemoved(Model model)
    {
        HashSet<long>? present = null;
        foreach (var (id, known) in _interfaces)
        {
            if (model.Interfaces.TryGetValue(known.Desired.Name, out var same) && same.Id == id)
                continue;
            // By another name it is still the same.
            if ((present ??= [.. model.Interfaces.Values.Select(static one => one.Id)]).Contains(id))
                continue;
            _interfaces.Remove(id);
            Tell(ControlEvent.Removed, known.Record);
        }
        foreach (var (master, record) in _ports)
        {
            if (model.Ports.ContainsKey(master))
                continue;
            _ports.Remove(master);
            Tell(ControlEvent.Removed, record);
        }
    }

    private void TellPort(DesiredPort port)
    {
        var record = views.Record(port);
        var isKnown = _ports.TryGetValue(port.Master, out var known);
        if (known == record)
            return;
        _ports[port.Master] = record;
        Tell(isKnown ? ControlEvent.Changed : ControlEvent.Added, record);
    }

    private void TellInterface(DesiredInterface one, InterfaceRecord? known, bool wasMended)
    {
        var record = views.Record(one);
        _interfaces[one.Id] = (one, record);
        if (known is null)
            Tell(ControlEvent.Added, record);
        else if (wasMended || !Same(known, record))
            Tell(ControlEvent.Changed, record);
    }

    private void Tell(string change, PortRecord record)
    {
        ArraySegment<byte> framed = default;
        foreach (var subscription in _subscriptions)
        {
            if (!subscription.Spec.Ports)
                continue;
            if (framed.Array is null)
                framed = Subscription.Frame("port.changed", new PortEvent { Change = change, Port = record }, ProtocolJson.Plain.PortEvent);
            subscription.Offer(framed);
        }
    }

    private void Tell(string change, InterfaceRecord record)
    {
        ArraySegment<byte> framed = default;
        foreach (var subscription in _subscriptions)
        {
            if (!subscription.Spec.Interfaces)
                continue;
            if (framed.Array is null)
                framed = Subscription.Frame("interface.changed", new InterfaceEvent { Change = change, Interface = record }, ProtocolJson.Plain.InterfaceEvent);
            subscription.Offer(framed);
        }
    }
}
