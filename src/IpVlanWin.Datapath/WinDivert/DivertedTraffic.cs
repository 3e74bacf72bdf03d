using System.Diagnostics;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// The packets of one port, past WinDivert: the host's stack moves them, the engine decides. One thread a handle; decisions are made one
/// batch at a time. The order that fails closed: <see cref="SetFlag"/> and <see cref="Apply"/> before the addresses are put on the host;
/// at the end the addresses come off first, then <see cref="Dispose"/>.
/// </summary>
public sealed class DivertedTraffic : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly DivertSettings _settings;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards what follows, and puts changes in order.
    private readonly Lock _lock = new();
    private readonly List<DivertReader> _readers = [];
    private readonly ReaderStatistics _ended = new();
    private SafetyNetLink? _safetyNet;
    private DivertArrangement? _arrangement;
    private bool _isDisposed;

    private volatile uint _masterIndex;

    // Guarded by the decision lock.
    private readonly List<IFrameWatch> _watches = [];
    private PacketWatch? _packetWatch;

    /// <summary>Tests the library. Nothing is diverted before <see cref="Apply"/>.</summary>
    /// <exception cref="DivertException">WinDivert.dll is missing.</exception>
    /// <exception cref="NotSupportedException">The port's mode or flag is none of this data path's, or checksums come out wrong; the message says what to do.</exception>
    public DivertedTraffic(Port port, DivertSettings settings)
    {
        ArgumentNullException.ThrowIfNull(port);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.BatchPackets, 64, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(settings.BatchPackets, DivertLimits.MaxBatch, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.BatchBytes, DivertLimits.MaxPacketLength, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(settings.Priority, settings.SafetyNetPriority, nameof(settings));
        var refusal = DivertSupport.Refusal(port.Snapshot.Mode, port.Snapshot.Flag)
            ?? (port.Snapshot.Flag == PortFlag.Private && settings.StartSafetyNet is null ? "flag private needs a safety net, and none can be started" : null)
            ?? ChecksumSelfTest.Run();
        if (refusal is not null)
            throw new NotSupportedException(refusal);
        (Port, _settings) = (port, settings);
    }

    /// <summary>The port.</summary>
    public Port Port { get; }

    /// <summary>Ends with this object; faulted where a handle cannot be read any more.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Handles open, those of the safety net apart.</summary>
    public int HandleCount
    {
        get
        {
            lock (_lock)
                return _readers.Count;
        }
    }

    /// <summary>What became of packets so far.</summary>
    public DivertStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                ReaderStatistics[] all = [_ended, .. _readers.Select(static reader => reader.Statistics)];
                return new DivertStatistics(
                    Sum(all, static one => Volatile.Read(ref one.Received)), Sum(all, static one => Volatile.Read(ref one.Passed)),
                    Sum(all, static one => Volatile.Read(ref one.Dropped)), Sum(all, static one => Volatile.Read(ref one.Cut)),
                    Sum(all, static one => Volatile.Read(ref one.Unreadable)), Sum(all, static one => Volatile.Read(ref one.SendFailures)),
                    all.Select(static one => one.LastSendError).FirstOrDefault(static error => error != 0),
                    Sum(all, static one => Volatile.Read(ref one.Expired)),
                    Stopwatch.GetElapsedTime(0, all.Max(static one => Volatile.Read(ref one.LongestWaitTicks))),
                    Sum(all, static one => Volatile.Read(ref one.Overruns)), Sum(all, static one => Volatile.Read(ref one.OnMaster)));
            }
        }
    }

    /// <summary>Makes decisions, and the port's counters, one thread's at a time.</summary>
    internal Lock DecisionLock { get; } = new();

    internal uint MasterIndex => _masterIndex;

    /// <summary>Sets the flag, and with private the safety net before it. ENOTSUP: see <see cref="DivertSupport.Refusal"/>.</summary>
    /// <exception cref="IOException">The safety net cannot be spread; the flag is as it was.</exception>
    public PortResult SetFlag(PortFlag flag)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!Enum.IsDefined(flag))
                return PortResult.Invalid;
            if (DivertSupport.Refusal(Port.Snapshot.Mode, flag) is not null || (flag == PortFlag.Private && _settings.StartSafetyNet is null))
                return PortResult.NotSupported;
            if (flag == PortFlag.Private)
                SpreadSafetyNet(_arrangement);
            var result = Port.SetFlag(flag);
            if (flag != PortFlag.Private)
                EndSafetyNet();
            return result;
        }
    }

    /// <summary>Sets the mode. ENOTSUP for l2: see <see cref="DivertSupport.Refusal"/>.</summary>
    public PortResult SetMode(PortMode mode) =>
        DivertSupport.Refusal(mode, Port.Snapshot.Flag) is null ? Port.SetMode(mode) : PortResult.NotSupported;

    /// <summary>
    /// Opens the handles of an arrangement and ends those of the one before, without a gap: what the old ones hold is decided on before
    /// the new ones' packets are looked at, so that no connection loses a packet or its order. Handles that stay the same stay open.
    /// </summary>
    /// <exception cref="DivertException">WinDivert refuses; the handles are as they were.</exception>
    /// <exception cref="IOException">The safety net cannot be spread; the handles are as they were.</exception>
    public void Apply(DivertArrangement arrangement)
    {
        ArgumentNullException.ThrowIfNull(arrangement);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var wanted = DivertPlan.ForEngine(arrangement, _settings.Form);
            if (Port.Snapshot.Flag == PortFlag.Private)
                SpreadSafetyNet(arrangement);
            var opened = new List<DivertReader>();
            try
            {
                foreach (var plan in wanted.Where(plan => !_readers.Exists(reader => reader.Plan == plan)))
                    opened.Add(new DivertReader(plan, _settings, this));
            }
            catch
            {
                // What they hold goes back into the stack.
                opened.ForEach(static reader => reader.Dispose());
                throw;
            }
            var kept = wanted.ToHashSet();
            End([.. _readers.Where(reader => !kept.Contains(reader.Plan))]);
            _masterIndex = arrangement.MasterIndex;
            foreach (var reader in opened)
                reader.Start();
            _readers.AddRange(opened);
            _arrangement = arrangement;
        }
    }

    /// <summary>Sees that a private port has its safety net: where its process was ended, another one is spread.</summary>
    /// <exception cref="IOException">It cannot be spread; the engine still drops.</exception>
    public void KeepSafetyNet()
    {
        lock (_lock)
        {
            if (_isDisposed || _safetyNet is not { HasExited: true } gone)
                return;
            gone.Dispose();
            _safetyNet = null;
            if (Port.Snapshot.Flag == PortFlag.Private)
                SpreadSafetyNet(_arrangement);
        }
    }

    /// <summary>Shows packets to a watch, as frames with made-up Ethernet headers, until what it returns is disposed.</summary>
    internal IDisposable Watch(IFrameWatch watch)
    {
        lock (DecisionLock)
            _watches.Add(watch);
        return new WatchEnd(this, watch);
    }

    /// <summary>Under the decision lock: null as long as nobody looks.</summary>
    internal PacketWatch? PacketWatch => _watches.Count == 0 ? null : _packetWatch ??= new PacketWatch(Port, _watches);

    /// <summary>Decides on what is queued and closes the handles. The safety net ends by itself, once no address is on the host.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            End([.. _readers]);
            _safetyNet?.Release(s_patience);
            _safetyNet = null;
        }
        _completion.TrySetResult();
    }

    internal void Fail(DivertException fault) => _completion.TrySetException(fault);

    private static long Sum(ReaderStatistics[] all, Func<ReaderStatistics, long> field) => all.Sum(field);

    /// <summary>Under the lock.</summary>
    private void End(List<DivertReader> readers)
    {
        readers.ForEach(static reader => reader.StopDiverting());
        foreach (var reader in readers)
        {
            reader.Drain();
            reader.Dispose();
            _readers.Remove(reader);
            var (from, to) = (reader.Statistics, _ended);
            to.Received += from.Received;
            to.Passed += from.Passed;
            to.Dropped += from.Dropped;
            to.Cut += from.Cut;
            to.Unreadable += from.Unreadable;
            to.SendFailures += from.SendFailures;
            to.Expired += from.Expired;
            to.Overruns += from.Overruns;
            to.OnMaster += from.OnMaster;
            to.LongestWaitTicks = Math.Max(to.LongestWaitTicks, from.LongestWaitTicks);
            to.LastSendError = from.LastSendError == 0 ? to.LastSendError : from.LastSendError;
        }
    }

    /// <summary>Under the lock. Without an arrangement there is nothing to keep apart yet.</summary>
    private void SpreadSafetyNet(DivertArrangement? arrangement)
    {
        if (arrangement is null)
            return;
        if (_safetyNet is null)
        {
            _safetyNet = _settings.StartSafetyNet!();
            if (_settings.OnSafetyNetGone is { } gone)
                _safetyNet.WhenGone(gone);
        }
        _safetyNet.Spread(DivertPlan.ForSafetyNet(arrangement), _settings.SafetyNetPriority, [.. arrangement.LocalAddresses, .. arrangement.ForwardedAddresses]);
    }

    private sealed class WatchEnd(DivertedTraffic owner, IFrameWatch watch) : IDisposable
    {
        public void Dispose()
        {
            lock (owner.DecisionLock)
                owner._watches.Remove(watch);
        }
    }

    private void EndSafetyNet()
    {
        _safetyNet?.Dispose();
        _safetyNet = null;
    }
}
