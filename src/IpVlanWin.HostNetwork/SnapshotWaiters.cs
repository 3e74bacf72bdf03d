namespace IpVlanWin.HostNetwork;

/// <summary>Those who wait for a snapshot that satisfies them, and the snapshot itself.</summary>
internal sealed class SnapshotWaiters
{
    // Guards _waiters and _ended; the snapshot is published before the waiters are asked.
    private readonly Lock _lock = new();
    private readonly List<Waiter> _waiters = [];
    private bool _ended;
    private volatile HostSnapshot _snapshot = HostSnapshot.Empty;

    public HostSnapshot Snapshot => _snapshot;

    public void Publish(HostSnapshot snapshot)
    {
        _snapshot = snapshot;
        lock (_lock)
        {
            foreach (var waiter in _waiters) waiter.Ask(snapshot);
        }
    }

    public Task<HostSnapshot> WaitFor(Func<HostSnapshot, bool> condition, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Waiter waiter;
        lock (_lock)
        {
            var snapshot = _snapshot;
            if (condition(snapshot)) return Task.FromResult(snapshot);
            if (_ended) return Task.FromException<HostSnapshot>(new InvalidOperationException("the watch has ended"));
            waiter = new Waiter(condition);
            _waiters.Add(waiter);
        }
        return Wait(waiter, cancellation);
    }

    /// <summary>No snapshot comes any more.</summary>
    public void End(Exception? error)
    {
        lock (_lock)
        {
            _ended = true;
            foreach (var waiter in _waiters) waiter.Result.TrySetException(new InvalidOperationException("the watch has ended", error));
        }
    }

    private async Task<HostSnapshot> Wait(Waiter waiter, CancellationToken cancellation)
    {
        try
        {
            return await waiter.Result.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock) _waiters.Remove(waiter);
        }
    }

    private sealed class Waiter(Func<HostSnapshot, bool> condition)
    {
        public TaskCompletionSource<HostSnapshot> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Ask(HostSnapshot snapshot)
        {
            if (Result.Task.IsCompleted) return;
            try
            {
                if (condition(snapshot)) Result.TrySetResult(snapshot);
            }
            catch (Exception e)
            {
                // The condition is the waiter's own, and so is its error.
                Result.TrySetException(e);
            }
        }
    }
}
