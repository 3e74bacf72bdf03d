using System.Collections.Concurrent;
using System.Diagnostics;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Reconcile;

/// <summary>
/// Makes what is as it should be. It may run at any time and as often as wanted: where nothing differs it changes nothing. What differs
/// although it had been applied is drift: somebody or something else changed it.
/// </summary>
internal sealed class Reconciler : IDisposable
{
    private readonly DesiredState _state;
    private readonly Host _host;
    private readonly ServiceLog _log;
    private readonly Telemetry? _telemetry;

    // One pass at a time.
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, PortRuntime> _ports = new(StringComparer.Ordinal);
    // Names of what the pass changed or tried to, and of what somebody else had changed before.
    private readonly HashSet<string> _touched = new(StringComparer.Ordinal);
    private readonly HashSet<string> _mended = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _sweepFailures = [];
    private bool _isDisposed;
    private volatile int _drift;
    private volatile bool _isWhole = true;

    public Reconciler(DesiredState state, Host host, ServiceLog log, Telemetry? telemetry = null) =>
        (_state, _host, _log, _telemetry) = (state, host, log, telemetry);

    /// <summary>Differences that the last full pass found and mended.</summary>
    public int Drift => _drift;

    /// <summary>The last pass left nothing undone.</summary>
    public bool IsWhole => _isWhole;

    /// <summary>Told when a data path has ended by itself, and when a pass left something undone.</summary>
    public Action? OnUnfinished { get; set; }

    /// <summary>Told after each pass, within its turn: the state that it made true, the names it touched, those it mended, and whether it was full.</summary>
    public Action<Model, IReadOnlySet<string>, IReadOnlySet<string>, bool>? OnPassed { get; set; }

    /// <summary>What runs for a port, or null.</summary>
    public PortRuntime? Find(string master) => _ports.GetValueOrDefault(master);

    /// <summary>One pass.</summary>
    /// <param name="full">Compare everything with what the data paths have; else only what changed since the last pass.</param>
    public void Run(bool full)
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            var started = Stopwatch.GetTimestamp();
            using var activity = Telemetry.Activities.StartActivity("ipvlan.reconcile");
            var (model, changed) = _state.TakeChanges();
            _touched.Clear();
            _mended.Clear();
            var byMaster = (full ? model.Interfaces.Values : changed.InterfacesOf(model)).ToLookup(static one => one.Master, StringComparer.Ordinal);
            foreach (var (master, runtime) in _ports)
            {
                if ((full || changed.Ports.Contains(master) || byMaster.Contains(master)) &&
                    (!model.Ports.TryGetValue(master, out var desired) || desired.Datapath != runtime.Asked || runtime.Running is null or { Completion.IsCompleted: true }))
                {
                    Stop(master, runtime);
                }
            }
            var drift = 0;
            foreach (var master in full ? model.Ports.Keys : changed.Ports.Union(byMaster.Select(static members => members.Key)))
            {
                if (!model.Ports.TryGetValue(master, out var port))
                    continue;
                var runtime = _ports.GetOrAdd(master, static (_, asked) => new PortRuntime(asked), port.Datapath);
                var isNew = runtime.Running is null;
                if (isNew && !Start(port, runtime))
                    continue;
                if (isNew && !full)
                    drift += Reconcile(runtime, port, [.. model.Interfaces.Values.Where(one => one.Master == master)], null, full);
                else
                    drift += Reconcile(runtime, port, [.. byMaster[master]], full ? null : changed.Interfaces.Keys, full);
            }
            Sweep(model, full);
            if (full)
                _drift = drift;
            var wasWhole = _isWhole;
            _isWhole = _ports.Values.All(static runtime => runtime.Running is not null && runtime.Faults.IsEmpty);
            OnPassed?.Invoke(model, _touched, _mended, full);
            _telemetry?.Reconciled(full, full ? drift : 0, started);
            activity?.SetTag("ipvlan.reconcile.scope", full ? "full" : "changed").SetTag("ipvlan.reconcile.drift", drift);
            if (wasWhole && !_isWhole)
                OnUnfinished?.Invoke();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var (master, runtime) in _ports)
                Stop(master, runtime);
        }
    }

    private bool Start(DesiredPort port, PortRuntime runtime)
    {
        try
        {
            var running = _host.Open(port, happened => Follow(port.Master, happened));
            runtime.Running = running;
            runtime.Fault = null;
            runtime.IsWaiting = false;
            _ = running.Completion.ContinueWith(_ => OnUnfinished?.Invoke(), TaskScheduler.Default);
            _log.Info("port-started", "the data path runs", ("master", port.Master), ("datapath", running.Kind));
            return true;
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            if (runtime.Fault != fault.Message)
                _log.Error("port-failed", fault.Message, ("master", port.Master));
            runtime.Fault = fault.Message;
            runtime.IsWaiting = fault is ControlException { Code: var code } && code == ErrorCode.MasterNotFound;
            return false;
        }
    }

    /// <summary>Says what the host did; the next pass tells subscribers what came of it.</summary>
    private void Follow(string master, HostEvent happened)
    {
        _log.Warning(happened.Name, happened.Text, ("subject", happened.Subject), ("before", happened.Before), ("after", happened.After), ("master", master));
        OnUnfinished?.Invoke();
    }

    private void Stop(string master, PortRuntime runtime)
    {
        _ports.TryRemove(master, out _);
        if (runtime.Running is not { } running)
        {
            // Keeps the fault in view until the next start succeeds or fails in another way.
            if (_state.Current.Ports.TryGetValue(master, out var desired) && desired.Datapath == runtime.Asked && !_isDisposed)
                _ports[master] = runtime;
            return;
        }
        if (running.Completion.Exception is { } ended)
            _log.Error("port-ended", ended.GetBaseException().Message, ("master", master));
        running.Dispose();
        _log.Info("port-stopped", "the data path has ended", ("master", master));
    }

    /// <param name="runtime">What runs.</param>
    /// <param name="port">The port as it should be.</param>
    /// <param name="desired">Interfaces to look at.</param>
    /// <param name="among">Numbers of those that may have been applied and are to go where they are not desired; null for all.</param>
    /// <param name="full">Compare also what was applied.</param>
    private int Reconcile(PortRuntime runtime, DesiredPort port, DesiredInterface[] desired, IEnumerable<long>? among, bool full)
    {
        var datapath = runtime.Running!;
        var drift = 0;
        var status = datapath.Port;
        if (status.Mode != port.Mode)
            datapath.SetMode(port.Mode);
        if (status.Flag != port.Flag)
            datapath.SetFlag(port.Flag);
        var byId = desired.ToDictionary(static one => one.Id);
        foreach (var applied in among is null ? runtime.Applied.Values.ToArray() : [.. among.Select(id => runtime.Applied.GetValueOrDefault(id)).OfType<DesiredInterface>()])
        {
            if (byId.ContainsKey(applied.Id))
                continue;
            datapath.RemoveInterface(applied.Name);
            runtime.Applied.Remove(applied.Id);
        }
        foreach (var one in desired)
        {
            if (!runtime.Applied.TryGetValue(one.Id, out var applied) || applied.Name == one.Name)
                continue;
            // Where the new name is still taken, by one that is itself to be renamed, it is made anew.
            if (Try(runtime, applied.Name, () => datapath.Rename(applied.Name, one.Name)) != PortResult.Ok)
            {
                datapath.RemoveInterface(applied.Name);
                runtime.Applied.Remove(one.Id);
            }
            else
                runtime.Applied[one.Id] = applied with { Name = one.Name };
        }
        if (full)
        {
            var wanted = desired.Select(static one => one.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var surplus in datapath.Interfaces.Where(one => !wanted.Contains(one.Name)))
            {
                datapath.RemoveInterface(surplus.Name);
                drift++;
                _log.Warning("drift", "an interface that should not be there was removed", ("interface", surplus.Name), ("master", port.Master));
            }
        }
        foreach (var name in runtime.Faults.Keys)
        {
            // One that waited may have something on the host.
            if (_state.Current.Interfaces.GetValueOrDefault(name)?.Master != port.Master && runtime.Faults.TryRemove(name, out _))
                datapath.RemoveInterface(name);
        }
        foreach (var one in desired)
        {
            var wasApplied = runtime.Applied.TryGetValue(one.Id, out var applied) && ReferenceEquals(applied, one);
            if (wasApplied && !full)
                continue;
            var changes = 0;
            if (!wasApplied)
                _touched.Add(one.Name);
            if (Try(runtime, one.Name, () => Apply(datapath, port, one, applied, status.IpMtu, out changes)) == PortResult.Ok)
            {
                runtime.Faults.TryRemove(one.Name, out _);
                runtime.Applied[one.Id] = one;
            }
            else
            {
                runtime.Applied.Remove(one.Id);
            }
            if (datapath.Find(one.Name)?.Fault is { } fault)
                Note(runtime, one.Name, fault);
            if (wasApplied && changes > 0)
            {
                drift++;
                _mended.Add(one.Name);
                _log.Warning("drift", "an interface was changed by something else and is mended", ("interface", one.Name), ("master", port.Master));
            }
        }
        datapath.Commit();
        return drift;
    }

    /// <summary>Only what differs is touched.</summary>
    private static PortResult Apply(IDatapath datapath, DesiredPort port, DesiredInterface one, DesiredInterface? before, int masterMtu, out int changes)
    {
        changes = 0;
        var status = datapath.Find(one.Name);
        if (status is not null && status.Namespace != one.Namespace)
        {
            changes++;
            switch (datapath.Move(one.Name, one.Namespace))
            {
                case PortResult.Ok:
                    status = datapath.Find(one.Name);
                    break;
                case PortResult.NotSupported:
                    datapath.RemoveInterface(one.Name);
                    status = null;
                    break;
                case var refused:
                    return refused;
            }
        }
        if (status is null)
        {
            changes++;
            // The first interface of a port turns it to l3 and bridge unless told otherwise (semantics 46).
            if (datapath.AddInterface(new InterfaceSettings(one.Name, one.Namespace, port.Mode, port.Flag)) is not PortResult.Ok and var refused)
                return refused;
            status = datapath.Find(one.Name);
            if (status is null)
                return PortResult.NoDevice;
        }
        // The master may have become smaller than what was set.
        if (one.IpMtu is { } set && Math.Min(set, masterMtu) != status.IpMtu)
        {
            changes++;
            if (datapath.SetMtu(one.Name, Math.Min(set, masterMtu)) is not PortResult.Ok and var refused)
                return refused;
        }
        foreach (var surplus in status.Addresses.Concat(status.Pending))
        {
            // Stacks make their own link-local addresses.
            if (one.Addresses.Contains(surplus) || surplus.Address.ToIPAddress().IsIPv6LinkLocal)
                continue;
            changes++;
            datapath.RemoveAddress(one.Name, surplus);
        }
        foreach (var prefix in one.Addresses)
        {
            if (status.Addresses.Contains(prefix) || status.Pending.Contains(prefix))
                continue;
            changes++;
            if (datapath.AddAddress(one.Name, prefix) is not (PortResult.Ok or PortResult.Exists) and var refused)
                return refused;
        }
        if (ApplyGroups(datapath, one, before, status, ref changes) is not PortResult.Ok and var refusedGroup)
            return refusedGroup;
        if (status.IsUp == one.IsUp)
            return PortResult.Ok;
        changes++;
        return datapath.SetUp(one.Name, one.IsUp);
    }

    /// <summary>Groups that nobody asked for are the stack's own.</summary>
    private static PortResult ApplyGroups(IDatapath datapath, DesiredInterface one, DesiredInterface? before, InterfaceStatus status, ref int changes)
    {
        foreach (var left in before is null ? [] : before.Groups.Except(one.Groups))
        {
            changes++;
            if (datapath.RemoveGroup(one.Name, left) is not (PortResult.Ok or PortResult.GroupAbsent) and var refused)
                return refused;
        }
        foreach (var group in one.Groups)
        {
            if (status.Groups.Contains(group))
                continue;
            changes++;
            if (datapath.AddGroup(one.Name, group) is not PortResult.Ok and var refused)
                return refused;
        }
        return PortResult.Ok;
    }

    private PortResult Try(PortRuntime runtime, string name, Func<PortResult> change)
    {
        string text;
        var result = PortResult.Invalid;
        runtime.Waiting.TryRemove(name, out _);
        try
        {
            result = change();
            if (result == PortResult.Ok)
                return result;
            text = $"the data path refused it ({result.ErrnoName()})";
        }
        catch (NamespacePendingException waits)
        {
            runtime.Waiting[name] = true;
            text = waits.Message;
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            text = fault.Message;
        }
        Note(runtime, name, text);
        return result;
    }

    private void Note(PortRuntime runtime, string name, string text)
    {
        if (!runtime.Faults.TryGetValue(name, out var known) || known != text)
        {
            if (runtime.Waiting.ContainsKey(name))
                _log.Info("interface-waits", text, ("interface", name));
            else
                _log.Error("interface-failed", text, ("interface", name));
        }
        runtime.Faults[name] = text;
    }

    /// <summary>What ports that are gone have left on the host goes too, and what a crash left.</summary>
    private void Sweep(Model model, bool full)
    {
        _host.Keep(model.Ports.ContainsKey);
        if (_host.Sweep(master => model.Ports.TryGetValue(master, out var port) && _host.Resolve(master, port.Datapath) is "windivert" or "filter", full) is not var (done, failures))
            return;
        foreach (var text in done)
            _log.Info("host-swept", text);
        foreach (var text in failures.Except(_sweepFailures))
            _log.Error("host-refused", text);
        _sweepFailures = failures;
    }

    /// <summary>What a host may refuse at any time; anything else is a fault of ours.</summary>
    private static bool IsRefusal(Exception fault) => fault is HostNetworkException or IOException or ControlException or UnauthorizedAccessException or NotSupportedException;
}
