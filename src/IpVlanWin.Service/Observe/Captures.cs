using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Observe;

/// <summary>The captures that run, each with a pipe of its own. Any thread may ask.</summary>
internal sealed class Captures(ServerSettings settings, DesiredState state, Reconciler reconciler, ServiceLog log) : IAsyncDisposable
{
    /// <summary>Most captures at once: each has a thread and a queue.</summary>
    public const int MaxCaptures = 16;

    private const int DefaultQueueBytes = CaptureSink.DefaultQueueBytes;
    private const int MinQueueBytes = 256 * 1024;
    private const int MaxQueueBytes = 64 * 1024 * 1024;

    private readonly ConcurrentDictionary<long, RunningCapture> _running = new();
    private readonly CancellationTokenSource _ending = new();

    // Guards _last, and keeps the bound.
    private readonly Lock _lock = new();
    private long _last;

    /// <summary>Makes a pipe and waits for its reader in the background.</summary>
    /// <exception cref="ControlException">not-found, bad-argument, limit-reached, mode-not-supported, link-down.</exception>
    public CaptureReply Start(CaptureSpec spec, Session session)
    {
        var (master, name) = ObservedPort.Find(state, state.Current, spec.Master, spec.Interface);
        var queueBytes = Within(spec.QueueBytes ?? DefaultQueueBytes, MinQueueBytes, MaxQueueBytes, "queueBytes");
        var snapLength = Within(spec.SnapLength ?? CaptureWriter.SnapLength, EtherType.HeaderLength, CaptureWriter.SnapLength, "snapLength");
        var datapath = ObservedPort.Running(reconciler, master);
        if (datapath.CaptureRefusal is { } why)
            throw ErrorCode.ModeNotSupported.With(datapath.Kind, why, "windivert");
        RunningCapture capture;
        lock (_lock)
        {
            if (_running.Count >= MaxCaptures)
                throw ErrorCode.LimitReached.With($"{MaxCaptures} captures");
            var id = ++_last;
            // Nobody can know the name beforehand.
            var pipeName = string.Create(CultureInfo.InvariantCulture, $"{settings.PipeName}.{id}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
            capture = new RunningCapture(id, pipeName, settings, datapath, name, queueBytes, snapLength, log);
            _running[id] = capture;
        }
        session.AtEnd.Push(capture.Stop);
        _ = capture.RunAsync(_ending.Token).ContinueWith(_ => _running.TryRemove(capture.Id, out RunningCapture? _), TaskScheduler.Default);
        log.Info("capture-started", "waits for its reader", ("id", capture.Id), ("master", master), ("interface", name));
        return new CaptureReply { Id = capture.Id, Pipe = capture.PipeName };
    }

    /// <summary>Records no more; the reader gets what was recorded.</summary>
    /// <exception cref="ControlException">not-found: it has ended already, or never was.</exception>
    public CaptureTotals Stop(CaptureName name)
    {
        if (!_running.TryGetValue(name.Id, out var capture))
            throw ErrorCode.NotFound.With("capture", name.Id);
        capture.Stop();
        return capture.Totals;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_running.Values.Select(static capture => capture.Completion)).ConfigureAwait(false);
        _ending.Dispose();
    }

    private static int Within(int value, int least, int most, string argument) =>
        value >= least && value <= most ? value : throw ErrorCode.BadArgument.With(argument, $"{least} to {most} bytes");
}
