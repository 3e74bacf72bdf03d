using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;

namespace IpVlanWin.Devices;

// Which devices there are, and the watch that may look on.
public sealed partial class FramePump
{
    /// <summary>From now on the interface's frames leave by this device.</summary>
    public void Attach(VirtualInterface attached, IFrameDevice device)
    {
        ArgumentNullException.ThrowIfNull(attached);
        if (attached.Id >= _interfaces.Length)
        {
            Array.Resize(ref _interfaces, Math.Max(8, Math.Max(attached.Id + 1, _interfaces.Length * 2)));
            Array.Resize(ref _attached, _interfaces.Length);
        }
        _attached[attached.Id] = (attached, device);
        _interfaces[attached.Id] = Watched(device, attached);
    }

    /// <summary>The interface's device is no longer used.</summary>
    public void Detach(VirtualInterface detached)
    {
        ArgumentNullException.ThrowIfNull(detached);
        if (detached.Id < _interfaces.Length)
            (_interfaces[detached.Id], _attached[detached.Id]) = (null, default);
    }

    /// <summary>Shows the frames that follow to a watch, in place of the one before; null for none.</summary>
    public void Watch(IFrameWatch? watch)
    {
        _watch = watch;
        _wire = Watched(_bareWire, null);
        _fragmentingWire = new FragmentingDevice(_wire);
        for (var i = 0; i < _attached.Length; i++)
        {
            if (_attached[i].Bare is { } bare)
                _interfaces[i] = Watched(bare, _attached[i].Member);
        }
    }

    /// <summary>The batch, from an interface or the wire, with the watch looking on.</summary>
    private bool MoveWatched(VirtualInterface? sender, TimeSpan now)
    {
        var watch = _watch!;
        for (var i = 0; i < _batch.Count; i++)
        {
            var buffer = _batch.Buffer(i);
            var frame = buffer[FrameBatch.Headroom..];
            ref readonly var offload = ref _batch.Offload(i);
            var hop = default(NextHop);
            var invalid = _port.Drops[DropReason.L3sInvalid];
            var decision = sender is null ? _snapshot.Receive(frame, offload) : _snapshot.Transmit(sender, frame, offload, now, ref hop);
            // The host has it then, but not the interface it was for.
            var reason = _port.Drops[DropReason.L3sInvalid] != invalid ? DropReason.L3sInvalid : ReasonFor(decision, frame.Length, hop);
            watch.Arrived(sender, frame, offload, reason);
            CarryOut(decision, sender, buffer, offload, now, ref hop);
        }
        watch.EndBatch();
        return EndBatch();
    }

    /// <summary>Why a frame will go nowhere: what was decided, or that what it would wait in is full.</summary>
    private DropReason ReasonFor(in Decision decision, int frameLength, in NextHop hop) => decision.Action switch
    {
        DecisionAction.Drop => decision.Reason,
        DecisionAction.FloodReceived or DecisionAction.FloodSent when _backlog.Count == Backlog.Capacity => DropReason.BacklogFull,
        DecisionAction.NeighborMissing when !_pending.HasRoom(hop.Address, frameLength) => DropReason.NeighborQueueFull,
        _ => DropReason.None,
    };

    private IFrameDevice Watched(IFrameDevice device, VirtualInterface? at) => _watch is null ? device : new WatchedDevice(device, _watch, at);
}
