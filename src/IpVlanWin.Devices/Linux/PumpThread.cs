using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Devices.Linux;

/// <summary>
/// The thread that runs a <see cref="FramePump"/> over descriptors: waits for readable devices, moves a batch of each, floods a slice of
/// the backlog, and goes on. Devices come and go between batches; the pump is touched by this thread alone.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class PumpThread : IDisposable
{
    private const ulong WireTag = 0;
    private const ulong HostTag = 1;
    private const ulong FirstInterfaceTag = 2;
    private const int ReadyPerWait = 64;
    private const int CopiesPerTurn = 256;
    private static readonly TimeSpan s_housekeeping = TimeSpan.FromMilliseconds(250);

    private readonly FramePump _pump;
    private readonly IFrameDevice _wire;
    private readonly IFrameDevice _host;
    private readonly Action<VirtualInterface> _onGone;
    private readonly TimeSpan _spin;
    private readonly Epoll _epoll = new();
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<ulong, (VirtualInterface Interface, IFrameDevice Device)> _attached = [];
    private ulong _nextTag = FirstInterfaceTag;
    private volatile bool _stopping;

    /// <summary>Starts the thread.</summary>
    /// <param name="pump">Belongs to the thread from now on.</param>
    /// <param name="wire">The pump's wire device.</param>
    /// <param name="host">The pump's host device.</param>
    /// <param name="onGone">Told, on the pump's thread, of an interface whose device was taken away and is detached now.</param>
    /// <param name="spin">How long to look for further frames before blocking: shorter latency for idle processor time. Zero blocks at once.</param>
    public PumpThread(FramePump pump, IFrameDevice wire, IFrameDevice host, Action<VirtualInterface> onGone, TimeSpan spin = default)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(host);
        (_pump, _wire, _host, _onGone, _spin) = (pump, wire, host, onGone, spin);
        _epoll.Add(wire.PollDescriptor, WireTag);
        _epoll.Add(host.PollDescriptor, HostTag);
        _thread = new Thread(Run) { IsBackground = true, Name = "frame pump", Priority = ThreadPriority.AboveNormal };
        _thread.UnsafeStart();
    }

    /// <summary>Ends when the thread ends; faulted where an error ended it.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Time on the pump's clock.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Has something done by the pump's thread, between batches, in order. Not after <see cref="Dispose"/>.</summary>
    public void Post(Action<FramePump> change)
    {
        _posted.Enqueue(() => change(_pump));
        _epoll.Wake();
    }

    /// <summary>From now on the interface's frames cross by this device. Returns when it is so.</summary>
    /// <exception cref="LinuxDeviceException">The device's descriptor cannot be watched, or the pump has ended.</exception>
    public void Attach(VirtualInterface attached, IFrameDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var hasRun = TryInvoke(pump =>
        {
            var tag = _nextTag++;
            _epoll.Add(device.PollDescriptor, tag);
            _attached.Add(tag, (attached, device));
            pump.Attach(attached, device);
        });
        if (!hasRun)
            throw new LinuxDeviceException($"{device.Name}: the frame pump has ended");
    }

    /// <summary>The device is no longer used when this returns.</summary>
    public void Detach(VirtualInterface detached) => TryInvoke(_ =>
    {
        foreach (var (tag, entry) in _attached)
        {
            if (entry.Interface == detached)
                Forget(tag);
        }
    });

    /// <summary>Stops the thread and waits for it. The devices stay open.</summary>
    public void Dispose()
    {
        _stopping = true;
        _epoll.Wake();
        _thread.Join();
        _epoll.Dispose();
    }

    /// <summary>Has something done by the pump's thread and waits until it is. Returns false where the pump has ended before.</summary>
    private bool TryInvoke(Action<FramePump> change)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(pump =>
        {
            try
            {
                change(pump);
                done.SetResult();
            }
            catch (LinuxDeviceException fault)
            {
                done.SetException(fault);
            }
        });
        Task.WaitAny(done.Task, Completion);
        if (!done.Task.IsCompleted)
            return false;
        done.Task.GetAwaiter().GetResult();
        return true;
    }

    private void Run()
    {
        try
        {
            Turn();
            _completion.SetResult();
        }
        catch (Exception fault)
        {
            // Told to whoever watches Completion: the pump must not take the process with it.
            _completion.SetException(fault);
        }
    }

    private void Turn()
    {
        var ready = new EpollReady[ReadyPerWait];
        var isFlooding = false;
        var lastFrame = Now;
        var nextHousekeeping = Now + s_housekeeping;
        while (!_stopping)
        {
            while (_posted.TryDequeue(out var change))
                change();
            var mayBlock = !isFlooding && (_spin == TimeSpan.Zero || Now - lastFrame > _spin);
            var count = _epoll.Wait(ready, mayBlock ? s_housekeeping : TimeSpan.Zero);
            var now = Now;
            for (var i = 0; i < count; i++)
                Move(ready[i].Tag, now);
            if (count > 0)
                lastFrame = now;
            isFlooding = _pump.BacklogCount > 0 && _pump.Flood(CopiesPerTurn);
            if (now >= nextHousekeeping)
            {
                _pump.DropExpired(now);
                // A removed link tells its packet socket that it is down, and a moment later, without a word, that it is gone.
                CheckMaster(WireTag);
                CheckMaster(HostTag);
                nextHousekeeping = now + s_housekeeping;
            }
        }
    }

    private void Move(ulong tag, TimeSpan now)
    {
        if (tag == WireTag)
            _pump.ReceiveFromWire(now);
        else if (tag == HostTag)
            _pump.ReceiveFromHost();
        else if (_attached.TryGetValue(tag, out var entry))
            MoveFromInterface(tag, entry.Interface, entry.Device, now);
        CheckMaster(tag);
    }

    private void MoveFromInterface(ulong tag, VirtualInterface sender, IFrameDevice device, TimeSpan now)
    {
        _pump.ReceiveFromInterface(sender, now);
        if (device is not IRemovableDevice { IsGone: true })
            return;
        Forget(tag);
        _onGone(sender);
    }

    /// <summary>Without its wire or its host a pump has nothing left to do.</summary>
    private void CheckMaster(ulong tag)
    {
        var device = tag switch { WireTag => _wire, HostTag => _host, _ => null };
        if (device is IRemovableDevice { IsGone: true })
            throw new LinuxDeviceException($"{device.Name}: the master's adapter is gone");
    }

    private void Forget(ulong tag)
    {
        if (!_attached.Remove(tag, out var entry))
            return;
        if (entry.Device.PollDescriptor >= 0)
            _epoll.Remove(entry.Device.PollDescriptor);
        _pump.Detach(entry.Interface);
    }
}
