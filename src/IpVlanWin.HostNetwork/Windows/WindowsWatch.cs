using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// Follows adapters, addresses, routes and neighbors of one compartment and keeps a mirror of them. A consumer gets the
/// differences in order; the first batch is the whole state as additions.
/// </summary>
/// <remarks>
/// Notifications say that something changed, not to what: they mark tables, and the watch's thread reads the marked ones again. So
/// nothing queues up however many changes come, none can be lost, and the last word about each thing is always right; what came
/// and went between two readings is not shown. Neighbors, names and MAC addresses are not notified: every poll reads everything.
/// </remarks>
public sealed class WindowsWatch : IHostWatch
{
    /// <summary>How often everything is read, unless told otherwise.</summary>
    public static readonly TimeSpan DefaultPoll = TimeSpan.FromSeconds(5);

    private readonly IIphlpapi _ip;
    private readonly WindowsNetwork _network;
    private readonly Compartment? _compartment;
    private readonly Action<IReadOnlyList<HostChange>>? _onChanges;
    private readonly TimeSpan _poll;
    private readonly Thread _thread;
    private readonly SnapshotWaiters _waiters = new();
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly ManualResetEventSlim _stop = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stale = (int)HostTables.All;
    private int _disposed;
    private long _readings;

    private WindowsWatch(IIphlpapi ip, Compartment? compartment, Action<IReadOnlyList<HostChange>>? onChanges, TimeSpan poll)
    {
        _ip = ip;
        _network = new WindowsNetwork(ip);
        _compartment = compartment;
        _onChanges = onChanges;
        _poll = poll;
        _thread = new Thread(Run) { IsBackground = true, Name = "host watch" };
    }

    /// <summary>Starts watching. <see cref="Snapshot"/> is complete when this returns.</summary>
    /// <param name="compartment">The compartment; null for the process's own.</param>
    /// <param name="onChanges">
    /// Called on the watch's own thread with one or more changes, in order; <see cref="Snapshot"/> already holds them. If it
    /// throws, the watch ends and <see cref="Completion"/> says why.
    /// </param>
    /// <param name="poll">How often everything is read; null for <see cref="DefaultPoll"/>.</param>
    /// <exception cref="HostNetworkException">The tables cannot be read or the system takes no registration.</exception>
    [SupportedOSPlatform("windows")]
    public static WindowsWatch Start(Compartment? compartment = null, Action<IReadOnlyList<HostChange>>? onChanges = null, TimeSpan? poll = null) =>
        Start(new Iphlpapi(), compartment, onChanges, poll ?? DefaultPoll);

    internal static WindowsWatch Start(IIphlpapi ip, Compartment? compartment, Action<IReadOnlyList<HostChange>>? onChanges, TimeSpan poll)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(poll, TimeSpan.Zero);
        var watch = new WindowsWatch(ip, compartment, onChanges, poll);
        watch._thread.UnsafeStart();
        try
        {
            watch._started.Task.GetAwaiter().GetResult();
            return watch;
        }
        catch
        {
            watch.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public HostSnapshot Snapshot => _waiters.Snapshot;

    /// <inheritdoc/>
    public Task Completion => _completion.Task;

    /// <summary>How often tables were read.</summary>
    public long Readings => Interlocked.Read(ref _readings);

    /// <inheritdoc/>
    public Task<HostSnapshot> WaitFor(Func<HostSnapshot, bool> condition, CancellationToken cancellation) => _waiters.WaitFor(condition, cancellation);

    /// <summary>
    /// Stops: no call of the consumer begins after this returns. Waits for one that is running, except when called from it.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _stop.Set();
        _wake.Set();
        // From its own thread the events are still in use; their handles are collected later.
        if (Thread.CurrentThread == _thread) return;
        _thread.Join();
        _wake.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        Exception? error = null;
        var registrations = new List<IDisposable>();
        try
        {
            _compartment?.Enter();
            // Registered before the first reading: what changes during it is read again.
            Register(registrations, NotificationKind.Interfaces, HostTables.Links | HostTables.Addresses | HostTables.Routes);
            Register(registrations, NotificationKind.Addresses, HostTables.Addresses | HostTables.Routes);
            Register(registrations, NotificationKind.Routes, HostTables.Routes);
            Follow();
        }
        catch (Exception e)
        {
            error = e;
        }
        // Waits for callbacks that run: after this nobody touches the events.
        foreach (var registration in registrations) registration.Dispose();
        _network.Dispose();
        _waiters.End(error);
        if (error is null) _completion.SetResult();
        else _completion.SetException(error);
        // Whoever waits for the start learns why there was none; it is completed already when there was one.
        if (error is null) _started.TrySetResult();
        else _started.TrySetException(error);
    }

    private void Register(List<IDisposable> registrations, NotificationKind kind, HostTables tables)
    {
        var code = _ip.Notify(kind, () =>
        {
            Interlocked.Or(ref _stale, (int)tables);
            _wake.Set();
        }, out var registration);
        if (registration is not null) registrations.Add(registration);
        WindowsError.Check(code, $"be told of changes of {(kind == NotificationKind.Interfaces ? "adapters" : kind == NotificationKind.Addresses ? "addresses" : "routes")}");
    }

    private void Follow()
    {
        while (!_stop.IsSet)
        {
            var start = Stopwatch.GetTimestamp();
            var stale = (HostTables)Interlocked.Exchange(ref _stale, 0);
            Interlocked.Increment(ref _readings);
            var before = _waiters.Snapshot;
            var after = Read(before, stale);
            var changes = SnapshotDifference.Between(before, after);
            if (changes.Count > 0) _waiters.Publish(after);
            _started.TrySetResult();
            if (changes.Count > 0) _onChanges?.Invoke(changes);
            // A pause as long as the reading was: however many changes come, no more than half of the time goes into reading.
            if (_stop.Wait(Stopwatch.GetElapsedTime(start))) return;
            if (!_wake.WaitOne(_poll)) Interlocked.Or(ref _stale, (int)HostTables.All);
        }
    }

    private HostSnapshot Read(HostSnapshot known, HostTables tables)
    {
        var snapshot = known;
        if ((tables & HostTables.Links) != 0) snapshot = snapshot with { Links = Keep(known.Links, _network.ListLinks(), link => link.Index) };
        if ((tables & HostTables.Addresses) != 0) snapshot = snapshot with { Addresses = Keep(known.Addresses, _network.ListAddresses(), address => address.Key) };
        if ((tables & HostTables.Routes) != 0) snapshot = snapshot with { Routes = _network.ListRoutes().ToImmutableHashSet() };
        if ((tables & HostTables.Neighbors) != 0) snapshot = snapshot with { Neighbors = Keep(known.Neighbors, _network.ListNeighbors(), neighbor => neighbor.Key) };
        return snapshot;
    }

    /// <summary>The rows as a dictionary. A table read while it changes may show a row twice: the last one is the newer.</summary>
    private static ImmutableDictionary<TKey, T> Keep<TKey, T>(ImmutableDictionary<TKey, T> known, IReadOnlyList<T> rows, Func<T, TKey> keyOf)
        where TKey : notnull where T : class
    {
        var builder = ImmutableDictionary.CreateBuilder<TKey, T>();
        foreach (var row in rows)
        {
            var key = keyOf(row);
            // The same object as before where nothing changed, so that a reader who kept it holds one copy.
            builder[key] = known.TryGetValue(key, out var old) && old.Equals(row) ? old : row;
        }
        return builder.ToImmutable();
    }
}
