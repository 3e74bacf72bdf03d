using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Protocol;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.State;

/// <summary>What should exist: validated, and on the disk before anybody is told so. Members may be called by any thread.</summary>
internal sealed class DesiredState : IDisposable, IHostJournal
{
    private static readonly TimeSpan s_backupDelay = TimeSpan.FromSeconds(60);

    private readonly IHost _host;
    private readonly ServiceLog _log;
    private readonly Backups _backups;
    private readonly ITimer _backupTimer;

    // Guards the store and puts changes in order.
    private readonly Lock _lock = new();
    private readonly Store _store;
    private readonly Dictionary<(string Port, string Key), HostThing> _hostThings;
    private long _nextId;
    private bool _isBackupDue;
    private bool _isDisposed;

    // Guards _changes, and the moment when the state and they change together.
    private readonly Lock _changesLock = new();
    private Changes _changes = new();
    private volatile Model _current;

    private DesiredState(Store store, string? recovery, Backups backups, IHost host, TimeProvider time, ServiceLog log)
    {
        (_store, Recovery, _backups, _host, _log) = (store, recovery, backups, host, log);
        (_current, _nextId) = (store.Loaded, store.NextId);
        _hostThings = store.LoadHostThings().ToDictionary(static thing => (thing.Port, thing.Key));
        _backupTimer = time.CreateTimer(_ => BackUp(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _isBackupDue = backups.NewestFirst.Count == 0 || recovery is not null;
    }

    /// <summary>What had to be done to the store at start, in one sentence, or null.</summary>
    public string? Recovery { get; }

    /// <summary>Version of the store's schema.</summary>
    public int Schema => _store.SchemaVersion;

    /// <summary>The state now.</summary>
    public Model Current => _current;

    /// <summary>The port of a state by its master's name or index, or by one of its interfaces; null where there is none.</summary>
    public DesiredPort? FindPort(Model model, string asked) =>
        model.Ports.GetValueOrDefault(model.Interfaces.TryGetValue(asked, out var member) ? member.Master : asked) ?? model.Ports.GetValueOrDefault(_host.NameOf(asked));

    /// <summary>Opens the store in a folder, makes it where there is none, and mends it where it is damaged.</summary>
    /// <exception cref="StateException">It cannot be used.</exception>
    public static DesiredState Open(string folder, IHost host, TimeProvider time, ServiceLog log, IReadOnlyList<string>? migrations = null)
    {
        StateFolder.Prepare(folder);
        try
        {
            var backups = new Backups(folder, time);
            var (store, recovery) = StateRecovery.Open(folder, backups, time, migrations ?? State.Schema.Migrations);
            if (recovery is not null)
                log.Error("state-recovered", recovery);
            var state = new DesiredState(store, recovery, backups, host, time, log);
            state.BackUp();
            return state;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StateException($"the state in {folder} cannot be used: {fault.Message}", fault);
        }
        catch (DamagedStoreException fault)
        {
            throw new StateException($"the state in {folder} cannot be replaced: {fault.Message}", fault);
        }
    }

    /// <summary>The state now, and what changed since this was asked last. For one who asks.</summary>
    public (Model Model, Changes Changes) TakeChanges()
    {
        lock (_changesLock)
        {
            var taken = (_current, _changes);
            _changes = new Changes();
            return taken;
        }
    }

    /// <summary>One transaction: all that is done in it or nothing.</summary>
    /// <returns>The state with it.</returns>
    /// <exception cref="ControlException">A part of it is refused, or it cannot be stored. Nothing has changed.</exception>
    public Model Change(Action<StateChange> change)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var transaction = new StateChange(_current, _nextId, _host);
            change(transaction);
            if (transaction.TouchedPorts.Count == 0 && transaction.TouchedInterfaces.Count == 0)
                return _current;
            _store.Commit(transaction);
            _nextId = transaction.NextId;
            lock (_changesLock)
            {
                _changes.Add(transaction);
                _current = transaction.Build();
            }
            if (!_isBackupDue)
            {
                _isBackupDue = true;
                _backupTimer.Change(s_backupDelay, Timeout.InfiniteTimeSpan);
            }
            return _current;
        }
    }

    /// <summary>What ports have put on the host: beside the desired state, and no part of it.</summary>
    public IReadOnlyList<HostThing> List()
    {
        lock (_lock)
            return [.. _hostThings.Values];
    }

    /// <inheritdoc/>
    public void Write(IReadOnlyCollection<HostThing> things)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var news = things.Where(thing => !_hostThings.TryGetValue((thing.Port, thing.Key), out var known) || known != thing).ToList();
            if (news.Count == 0)
                return;
            _store.CommitHostThings(news, []);
            foreach (var thing in news)
                _hostThings[(thing.Port, thing.Key)] = thing;
        }
    }

    /// <inheritdoc/>
    public void CrossOut(IReadOnlyCollection<HostThing> things)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var known = things.Where(thing => _hostThings.ContainsKey((thing.Port, thing.Key))).ToList();
            if (known.Count == 0)
                return;
            _store.CommitHostThings([], known);
            foreach (var thing in known)
                _hostThings.Remove((thing.Port, thing.Key));
        }
    }

    /// <summary>The state as a document.</summary>
    public StateDocument Export()
    {
        var model = _current;
        var byMaster = model.Interfaces.Values.ToLookup(static one => one.Master, StringComparer.Ordinal);
        return new StateDocument
        {
            Schema = StateDocument.CurrentSchema,
            Ports = [.. Model.Sorted(model.Ports.Keys).Select(master => Entry(model.Ports[master], byMaster[master]))],
        };
    }

    /// <summary>Makes a backup if something changed since the last.</summary>
    public void BackUp()
    {
        lock (_lock)
        {
            if (!_isBackupDue || _isDisposed)
                return;
            _isBackupDue = false;
            try
            {
                _backups.Make(_store);
            }
            catch (Exception fault) when (fault is SqliteException or IOException or UnauthorizedAccessException)
            {
                // The state itself is safe.
                _log.Error("backup-failed", fault.Message);
                _isBackupDue = true;
                _backupTimer.Change(s_backupDelay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose()
    {
        BackUp();
        _backupTimer.Dispose();
        lock (_lock)
        {
            _isDisposed = true;
            _store.Dispose();
        }
    }

    private static PortEntry Entry(DesiredPort port, IEnumerable<DesiredInterface> members) => new()
    {
        Master = port.Master,
        Mode = port.Mode.Word(),
        Flag = port.Flag.Word(),
        Datapath = port.Datapath,
        Interfaces = [.. members.OrderBy(static one => one.Id).Select(static one => new InterfaceEntry
        {
            Name = one.Name,
            Namespace = one.Namespace,
            Mtu = one.IpMtu,
            Admin = one.IsUp ? "up" : "down",
            Addresses = [.. one.Addresses.Select(static prefix => prefix.ToString())],
            Multicast = one.Groups.IsEmpty ? null : [.. one.Groups.Select(static group => group.ToString())],
        })],
    };
}
