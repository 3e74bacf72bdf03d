using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// Follows links, addresses, routes and neighbors of one namespace and keeps a mirror of them. A consumer gets the
/// differences in order; the first batch is the whole state as additions. When the kernel drops notifications because the
/// consumer was slow, everything is read again and the difference delivered, so the mirror never stays wrong.
/// </summary>
/// <remarks>
/// A thing that came and went again between two readings may never be shown; one may also be shown to come and go late. The
/// last word about each thing is always right. The kernel does not announce that a neighbor begins to be resolved or
/// waits for a confirmation: <see cref="NeighborState.Incomplete"/> and <see cref="NeighborState.Delay"/> may be missing.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class HostWatch : IHostWatch
{
    /// <summary>Datagrams taken before what they say is delivered.</summary>
    private const int BatchDatagrams = 4096;

    /// <summary>How often the first reading is tried while the tables keep changing.</summary>
    private const int FirstReadings = 50;

    private readonly NetlinkSocket _notifications;
    private readonly NetlinkSocket _dumps;
    private readonly SafeFileHandle _wake;
    private readonly Action<IReadOnlyList<HostChange>>? _onChanges;
    private readonly HostMirror _mirror = new();
    private long _nextReading;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly SnapshotWaiters _waiters = new();
    private int _disposed;
    private long _overruns;

    private HostWatch(NetlinkSocket notifications, NetlinkSocket dumps, SafeFileHandle wake, Action<IReadOnlyList<HostChange>>? onChanges)
    {
        _notifications = notifications;
        _dumps = dumps;
        _wake = wake;
        _onChanges = onChanges;
        _thread = new Thread(Run) { IsBackground = true, Name = "host watch" };
    }

    /// <summary>Starts watching. <see cref="Snapshot"/> is complete when this returns.</summary>
    /// <param name="networkNamespace">The namespace; it may be disposed afterwards.</param>
    /// <param name="onChanges">
    /// Called on the watch's own thread with one or more changes, in order; <see cref="Snapshot"/> already holds them. While
    /// it runs, the kernel's receive buffer is the queue. If it throws, the watch ends and <see cref="Completion"/> says why.
    /// </param>
    /// <param name="receiveBufferBytes">
    /// The bound of that queue in bytes (the kernel counts its own overhead, about 1 KiB a notification, against twice this). Beyond
    /// it notifications are dropped, <see cref="Overruns"/> counts, and everything is read again.
    /// </param>
    /// <exception cref="HostNetworkException">The namespace cannot be entered or read.</exception>
    public static HostWatch Start(NetworkNamespace networkNamespace, Action<IReadOnlyList<HostChange>>? onChanges = null,
        int receiveBufferBytes = 4 * 1024 * 1024)
    {
        ArgumentNullException.ThrowIfNull(networkNamespace);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(receiveBufferBytes);
        NetlinkSocket? notifications = null, dumps = null;
        SafeFileHandle? wake = null;
        try
        {
            (notifications, dumps) = networkNamespace.Run(() => (NetlinkSocket.Open(), NetlinkSocket.Open()));
            wake = NativeMethods.EventFd(0, NativeMethods.EFD_CLOEXEC);
            if (wake.IsInvalid) LinuxError.ThrowLast("make an event descriptor");
            notifications.SetReceiveBuffer(receiveBufferBytes);
            ReadOnlySpan<int> groups = [Rtnl.RTNLGRP_LINK, Rtnl.RTNLGRP_NEIGH, Rtnl.RTNLGRP_IPV4_IFADDR, Rtnl.RTNLGRP_IPV4_ROUTE,
                Rtnl.RTNLGRP_IPV6_IFADDR, Rtnl.RTNLGRP_IPV6_ROUTE, Rtnl.RTNLGRP_NEXTHOP];
            foreach (var group in groups) notifications.Join(group);
            var watch = new HostWatch(notifications, dumps, wake, onChanges);
            watch.ReadFirst();
            watch._thread.UnsafeStart();
            return watch;
        }
        catch
        {
            notifications?.Dispose();
            dumps?.Dispose();
            wake?.Dispose();
            throw;
        }
    }

    /// <summary>The state as known now.</summary>
    public HostSnapshot Snapshot => _waiters.Snapshot;

    /// <summary>Ends when the watch ends: completed by <see cref="Dispose"/>, faulted by an error, after which <see cref="Snapshot"/> is history.</summary>
    public Task Completion => _completion.Task;

    /// <summary>How often the kernel dropped notifications and everything was read again.</summary>
    public long Overruns => Interlocked.Read(ref _overruns);

    /// <summary>Waits until the mirror satisfies a condition.</summary>
    /// <param name="condition">Asked on this thread, then on the watch's own; it must be quick.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The snapshot that satisfied it.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    /// <exception cref="InvalidOperationException">The watch ended first.</exception>
    public Task<HostSnapshot> WaitFor(Func<HostSnapshot, bool> condition, CancellationToken cancellation) => _waiters.WaitFor(condition, cancellation);

    /// <summary>
    /// Stops: no call of the consumer begins after this returns. Waits for one that is running, except when called from it.
    /// </summary>
    public unsafe void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        ulong one = 1;
        if (NativeMethods.Write(_wake, &one, sizeof(ulong)) < 0) LinuxError.ThrowLast("stop the watch");
        if (Thread.CurrentThread == _thread) return;
        _thread.Join();
        _wake.Dispose();
    }

    private void ReadFirst()
    {
        for (var i = 0; i < FirstReadings && _mirror.Stale != HostTables.None; i++) _mirror.Resync(_dumps);
        if (_mirror.Stale != HostTables.None) LinuxError.Throw(LinuxError.EINTR, "read the host's network", $"{_mirror.Stale} changed during each of {FirstReadings} readings");
        _waiters.Publish(_mirror.ToSnapshot());
    }

    private void Run()
    {
        Exception? error = null;
        try
        {
            Deliver();
            while (Poll(Patience()))
            {
                // Only an empty queue makes the kernel take notifications again after it dropped some (netlink_rcv_wake),
                // so reading again before that could miss changes for good.
                if (Drain(out _) && Patience() == 0) Resync();
                Deliver();
            }
        }
        catch (Exception e)
        {
            error = e;
        }
        End(error);
    }

    private void Resync()
    {
        var read = _mirror.Stale;
        var start = Stopwatch.GetTimestamp();
        _mirror.Resync(_dumps);
        var end = Stopwatch.GetTimestamp();
        _nextReading = end + (end - start);
        // The kernel does not say when routes and neighbors changed during a dump, and a removal can make it skip others.
        // Whatever happened to them meanwhile waits in the queue now.
        Drain(out var touched);
        _mirror.Stale |= touched & read & (HostTables.Routes | HostTables.Neighbors);
    }

    /// <summary>
    /// Milliseconds until the stale tables may be read again, or -1 when none is stale. Each reading is followed by a pause
    /// as long as it was: however many changes call for one, no more than half of the time goes into reading.
    /// </summary>
    private int Patience()
    {
        if (_mirror.Stale == HostTables.None) return -1;
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _nextReading);
        return left <= TimeSpan.Zero ? 0 : (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue);
    }

    /// <summary>Applies the waiting notifications. Returns true when none is left.</summary>
    private bool Drain(out HostTables touched)
    {
        touched = HostTables.None;
        for (var i = 0; i < BatchDatagrams; i++)
        {
            var errno = _notifications.TryReceive(out var datagram);
            switch (errno)
            {
                case 0:
                    touched |= _mirror.Apply(datagram);
                    break;
                case LinuxError.EAGAIN:
                    return true;
                case LinuxError.ENOBUFS or LinuxError.EMSGSIZE:
                    Interlocked.Increment(ref _overruns);
                    _mirror.Stale = HostTables.All;
                    break;
                default:
                    LinuxError.Throw(errno, "receive the host network's changes");
                    break;
            }
        }
        return false;
    }

    private void Deliver()
    {
        if (!_mirror.HasChanges) return;
        var changes = _mirror.TakeChanges();
        _waiters.Publish(_mirror.ToSnapshot());
        _onChanges?.Invoke(changes);
    }

    /// <summary>Waits for notifications, the time or the stop. Returns false to stop.</summary>
    private unsafe bool Poll(int timeoutMilliseconds)
    {
        var descriptors = stackalloc PollFd[2];
        descriptors[0] = new PollFd { Descriptor = (int)_wake.DangerousGetHandle(), Events = NativeMethods.POLLIN };
        descriptors[1] = new PollFd { Descriptor = (int)_notifications.Handle.DangerousGetHandle(), Events = NativeMethods.POLLIN };
        while (NativeMethods.Poll(descriptors, 2, timeoutMilliseconds) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not LinuxError.EINTR) LinuxError.Throw(errno, "wait for the host network's changes");
        }
        return descriptors[0].Returned == 0;
    }

    // The thread owns the descriptors, so that none is closed while it polls.
    private void End(Exception? error)
    {
        _waiters.End(error);
        _notifications.Dispose();
        _dumps.Dispose();
        if (error is null) _completion.SetResult();
        else _completion.SetException(error);
    }
}
