using System.Collections.Concurrent;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Control;

/// <summary>What is, put beside what should be, as the protocol's records. Any thread may ask.</summary>
internal sealed class Views(DesiredState state, Reconciler reconciler, Host host)
{
    // A page with its head stays below the longest message whatever its records hold.
    private const int PageCost = 800_000;
    private const int AddressCost = 160;
    private const int RecordCost = 1200;

    private static readonly string s_version = typeof(Views).Assembly.GetName().Version!.ToString(3);

    // Counters at the last reset, by the interface's number.
    private readonly ConcurrentDictionary<long, InterfaceStatus> _resets = new();

    public Page<PortRecord> ListPorts(ListQuery query)
    {
        var model = state.Current;
        return Pages(Model.Sorted(model.Ports.Keys), query, name => query.Master is null || query.Master == name, name => Record(model.Ports[name]), static _ => RecordCost);
    }

    public PortRecord GetPort(PortName name)
    {
        var model = state.Current;
        var asked = Checked.Text(name.Master, "master");
        return state.FindPort(model, asked) is { } port ? Record(port) : throw ErrorCode.NotFound.With("port", asked);
    }

    public Page<InterfaceRecord> ListInterfaces(ListQuery query)
    {
        var model = state.Current;
        return Pages(model.InterfaceNames, query, name => Matches(query, model.Interfaces[name]), name => Record(model.Interfaces[name]),
            static record => RecordCost + (AddressCost * (record.Addresses.Count + record.Multicast.Count + record.StaticMulticast.Count)));
    }

    public InterfaceRecord GetInterface(InterfaceName name) => Record(Find(name.Name));

    public Page<AddressRecord> ListAddresses(ListQuery query)
    {
        var model = state.Current;
        var limit = Checked.Limit(query.Limit);
        // A key is "interface prefix": a blank sorts before all that names are made of, so keys are in order of names.
        var after = query.Cursor is { } cursor ? Array.BinarySearch(model.InterfaceNames, cursor.Split(' ')[0], StringComparer.Ordinal) : 0;
        var keys = new List<string>();
        for (var i = after < 0 ? ~after : after; i < model.InterfaceNames.Length && keys.Count <= limit; i++)
        {
            var one = model.Interfaces[model.InterfaceNames[i]];
            if (!Matches(query, one))
                continue;
            foreach (var key in Model.Sorted(one.Addresses.Select(prefix => $"{one.Name} {prefix}")))
            {
                if (query.Cursor is null || string.CompareOrdinal(key, query.Cursor) > 0)
                    keys.Add(key);
            }
        }
        return Pages([.. keys], query, static _ => true, key => Address(model.Interfaces[key[..key.IndexOf(' ', StringComparison.Ordinal)]], key), static _ => AddressCost);
    }

    public Page<StatisticsRecord> ListStatistics(ListQuery query)
    {
        var model = state.Current;
        if (query.Interface is not null)
            Find(query.Interface);
        return Pages(model.InterfaceNames, query, name => Matches(query, model.Interfaces[name]), name => Statistics(model.Interfaces[name]), static _ => RecordCost);
    }

    /// <summary>Counts from now on: one interface, or all.</summary>
    public void ResetStatistics(string? name)
    {
        var model = state.Current;
        foreach (var one in name is null ? model.Interfaces.Values : [Find(name)])
        {
            if (Status(one) is { } status)
                _resets[one.Id] = status;
        }
        var present = model.Interfaces.Values.Select(static one => one.Id).ToHashSet();
        foreach (var gone in _resets.Keys.Where(id => !present.Contains(id)))
            _resets.TryRemove(gone, out _);
    }

    public ServiceRecord GetService()
    {
        var model = state.Current;
        return new ServiceRecord
        {
            Version = s_version, ProcessId = Environment.ProcessId, Schema = state.Schema, StateVersion = model.Version,
            Ports = model.Ports.Count, Interfaces = model.Interfaces.Count, Drift = reconciler.Drift, Recovery = state.Recovery,
        };
    }

    private static bool Matches(ListQuery query, DesiredInterface one) =>
        (query.Master is null || query.Master == one.Master) && (query.Interface is null || query.Interface == one.Name);

    /// <summary>A part of a sorted list: after the cursor, up to the limit or as much as a message holds.</summary>
    private static Page<T> Pages<T>(string[] sorted, ListQuery query, Func<string, bool> matches, Func<string, T> read, Func<T, int> cost)
    {
        var limit = Checked.Limit(query.Limit);
        var found = query.Cursor is null ? ~0 : Array.BinarySearch(sorted, query.Cursor, StringComparer.Ordinal);
        var items = new List<T>();
        var spent = 0;
        string? last = null;
        for (var i = found < 0 ? ~found : found + 1; i < sorted.Length; i++)
        {
            if (!matches(sorted[i]))
                continue;
            if (items.Count == limit)
                return new Page<T> { Items = items, Cursor = last };
            var item = read(sorted[i]);
            spent += cost(item);
            if (spent > PageCost && items.Count > 0)
                return new Page<T> { Items = items, Cursor = last };
            items.Add(item);
            last = sorted[i];
        }
        return new Page<T> { Items = items };
    }

    private DesiredInterface Find(string? name)
    {
        var asked = Checked.Text(name, "name");
        return state.Current.Interfaces.TryGetValue(asked, out var found) ? found : throw ErrorCode.NotFound.With("interface", asked);
    }

    private InterfaceStatus? Status(DesiredInterface one) => reconciler.Find(one.Master)?.Running?.Find(one.Name);

    public PortRecord Record(DesiredPort port)
    {
        var runtime = reconciler.Find(port.Master);
        var status = runtime?.Running?.Port;
        return new PortRecord
        {
            Master = port.Master,
            Mode = port.Mode.Word(),
            Flag = port.Flag.Word(),
            Datapath = port.Datapath,
            ResolvedDatapath = host.Resolve(port.Datapath),
            State = status is { IsUp: true } ? "up" : status is not null ? "down" : runtime is { Fault: not null, IsWaiting: false } ? "error" : "pending",
            Reason = status is not null ? null : runtime?.Fault ?? "its data path is being started",
            Mac = status?.Mac.ToString(),
            Mtu = status?.IpMtu,
            InterfaceCount = port.Count,
            LostPackets = status?.LostPackets ?? 0,
            Version = port.Version,
        };
    }

    public InterfaceRecord Record(DesiredInterface one)
    {
        var runtime = reconciler.Find(one.Master);
        var status = runtime?.Running?.Find(one.Name);
        var fault = runtime is null ? null : runtime.Running is null ? runtime.Fault : runtime.Faults.GetValueOrDefault(one.Name);
        return new InterfaceRecord
        {
            Index = one.Id,
            Name = one.Name,
            Port = one.Master,
            Namespace = one.Namespace,
            Mtu = status?.IpMtu ?? one.IpMtu,
            HasOwnMtu = one.IpMtu is not null,
            Admin = one.IsUp ? "up" : "down",
            State = runtime is { Running: null, IsWaiting: true } || runtime?.Waiting.ContainsKey(one.Name) == true ? "pending" : fault is not null ? "error" : status is null ? "pending" : status.IsUp ? "up" : "down",
            Reason = fault ?? (status is null ? "it is being made" : null),
            Addresses = [.. one.Addresses.Select(prefix => Address(one, prefix.ToString(), status))],
            Multicast = [.. status?.Groups.Select(static group => group.ToString()) ?? []],
            StaticMulticast = [.. one.Groups.Select(static group => group.ToString())],
            Version = one.Version,
        };
    }

    private AddressRecord Address(DesiredInterface one, string key) => Address(one, key[(key.IndexOf(' ', StringComparison.Ordinal) + 1)..], Status(one));

    private static AddressRecord Address(DesiredInterface one, string prefix, InterfaceStatus? status) => new()
    {
        Prefix = prefix,
        Interface = one.Name,
        State = status is null ? "tentative"
            : status.Refused.Any(refused => refused.ToString() == prefix) ? "duplicate"
            : status.Addresses.Any(present => present.ToString() == prefix) ? "preferred" : "tentative",
    };

    private StatisticsRecord Statistics(DesiredInterface one)
    {
        if (Status(one) is not { } status)
            return new StatisticsRecord { Interface = one.Name };
        var from = _resets.GetValueOrDefault(one.Id);
        // An interface that was made anew counts from zero again.
        if (from is not null && (from.Counters.RxPackets > status.Counters.RxPackets || from.Counters.TxPackets > status.Counters.TxPackets))
            from = null;
        var (now, then) = (status.Counters, from?.Counters ?? default);
        var drops = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (reason, count) in status.Drops)
        {
            if (count - (from?.Drops.GetValueOrDefault(reason) ?? 0) is > 0 and var since)
                drops.Add(reason.Word(), since);
        }
        return new StatisticsRecord
        {
            Interface = one.Name,
            RxPackets = now.RxPackets - then.RxPackets,
            RxBytes = now.RxBytes - then.RxBytes,
            Multicast = now.Multicast - then.Multicast,
            RxErrors = now.RxErrors - then.RxErrors,
            TxPackets = now.TxPackets - then.TxPackets,
            TxBytes = now.TxBytes - then.TxBytes,
            TxDropped = now.TxDropped - then.TxDropped,
            Drops = drops,
        };
    }
}
