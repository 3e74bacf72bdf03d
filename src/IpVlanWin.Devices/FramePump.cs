using System.Buffers.Binary;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

/// <summary>
/// Moves frames between one port's devices: reads a batch, takes the port's snapshot once, lets it decide, and carries each decision
/// out. The wire device is the master's adapter; the host device is the host's own stack on the master. One thread at a time.
/// </summary>
public sealed class FramePump : IDisposable
{
    /// <summary>Most replies "too big" in a second (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f).</summary>
    public const int TooBigRepliesPerSecond = 100;

    private const int MostUnflushed = 64;

    private readonly Port _port;
    private readonly Action<L3Address> _resolve;
    private readonly IFrameDevice _bareWire;
    private readonly IFrameDevice _host;
    private readonly OffloadEgress _egress = new();
    private readonly FrameBatch _batch;
    private readonly Backlog _backlog = new(FrameBatch.Headroom);
    private readonly PendingPackets _pending = new(FrameBatch.Headroom);
    // Devices that were sent something since the last flush; one may stand here more than once.
    private readonly List<IFrameDevice> _unflushed = new(MostUnflushed);
    private readonly byte[] _scratch = new byte[FrameBatch.Headroom + FrameBatch.MaxFrameLength];
    // What frames go through: the devices themselves, or before them what tells the watch.
    private IFrameDevice _wire;
    private FragmentingDevice _fragmentingWire;
    private IFrameDevice?[] _interfaces = [];
    private (VirtualInterface? Member, IFrameDevice? Bare)[] _attached = [];
    private IFrameWatch? _watch;
    private PortSnapshot _snapshot;
    private TimeSpan _tooBigWindow = TimeSpan.MinValue;
    private int _tooBigReplies;

    /// <summary>A pump over open devices. They stay the caller's.</summary>
    /// <param name="port">Decides.</param>
    /// <param name="wire">The master's adapter.</param>
    /// <param name="host">The host's stack.</param>
    /// <param name="resolve">Has a next hop's MAC looked up; answered some time by <see cref="NeighborFound"/>.</param>
    /// <param name="batch">Where frames are read into; the pump's own from now on.</param>
    public FramePump(Port port, IFrameDevice wire, IFrameDevice host, Action<L3Address> resolve, FrameBatch? batch = null)
    {
        ArgumentNullException.ThrowIfNull(port);
        (_port, _resolve) = (port, resolve);
        (_bareWire, _wire, _host) = (wire, wire, host);
        _fragmentingWire = new FragmentingDevice(wire);
        _batch = batch ?? new FrameBatch();
        _snapshot = port.Snapshot;
    }

    /// <summary>Flooded frames that wait (at most <see cref="Backlog.Capacity"/>).</summary>
    public int BacklogCount => _backlog.Count;

    /// <summary>Neighbors that packets wait for.</summary>
    public int PendingNeighbors => _pending.Count;

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

    /// <summary>Moves one batch that came from the wire. Returns true where more may wait.</summary>
    public bool ReceiveFromWire(TimeSpan now)
    {
        Read(_wire);
        if (_watch is not null)
            return MoveWatched(null, now);
        for (var i = 0; i < _batch.Count; i++)
            Receive(_batch.Buffer(i), _batch.Offload(i), now);
        return EndBatch();
    }

    /// <summary>Moves one batch that the host's own stack sent on the master. Returns true where more may wait.</summary>
    public bool ReceiveFromHost()
    {
        Read(_host);
        for (var i = 0; i < _batch.Count; i++)
            SendFromHost(_batch.Buffer(i), _batch.Offload(i));
        return EndBatch();
    }

    /// <summary>Moves one batch that an interface's stack sent. Returns true where more may wait.</summary>
    public bool ReceiveFromInterface(VirtualInterface sender, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (sender.Id >= _interfaces.Length || _interfaces[sender.Id] is not { } device)
            return false;
        Read(device);
        if (_watch is not null)
            return MoveWatched(sender, now);
        for (var i = 0; i < _batch.Count; i++)
            Transmit(sender, _batch.Buffer(i), _batch.Offload(i), now);
        return EndBatch();
    }

    /// <summary>One frame from the wire: decides and carries it out. The buffer begins with the headroom.</summary>
    public Decision Receive(Span<byte> buffer, in FrameOffload offload, TimeSpan now)
    {
        var decision = _snapshot.Receive(buffer[FrameBatch.Headroom..], offload);
        var hop = default(NextHop);
        CarryOut(decision, null, buffer, offload, now, ref hop);
        return decision;
    }

    /// <summary>One frame from an interface: decides and carries it out. The buffer begins with the headroom.</summary>
    public Decision Transmit(VirtualInterface sender, Span<byte> buffer, in FrameOffload offload, TimeSpan now)
    {
        var hop = default(NextHop);
        var decision = _snapshot.Transmit(sender, buffer[FrameBatch.Headroom..], offload, now, ref hop);
        CarryOut(decision, sender, buffer, offload, now, ref hop);
        return decision;
    }

    /// <summary>One frame that the host's own stack sends on the master: none of the port's business (semantics 53).</summary>
    public void SendFromHost(Span<byte> buffer, in FrameOffload offload)
    {
        if (_snapshot.IsUp)
            Send(_wire, buffer, offload, null);
        else
            LoseFromHost(buffer, offload);
    }

    /// <summary>The port as it is now holds for the frames that follow. Batches do it by themselves.</summary>
    public void TakeSnapshot() => _snapshot = _port.Snapshot;

    /// <summary>Floods what is in the backlog, at most so many copies. Returns true where some is left.</summary>
    public bool Flood(int mostCopies)
    {
        TakeSnapshot();
        while (_backlog.Count > 0 && mostCopies > 0)
        {
            var buffer = _backlog.Buffer;
            if (_backlog.Cursor == 0)
                FloodOutside(buffer);
            while (mostCopies > 0)
            {
                var receiver = _snapshot.NextReceiver(buffer[FrameBatch.Headroom..], _backlog.Offload, _backlog.Sender, ref _backlog.Cursor);
                if (receiver is null)
                {
                    _backlog.RemoveFirst();
                    break;
                }
                Send(DeviceOf(receiver), buffer, _backlog.Offload, receiver);
                mostCopies--;
            }
        }
        Flush();
        return _backlog.Count > 0;
    }

    /// <summary>A neighbor's MAC is known now: what waited for it goes out.</summary>
    public void NeighborFound(L3Address neighbor, MacAddress mac)
    {
        TakeSnapshot();
        foreach (var packet in _pending.Take(neighbor))
        {
            if (!_snapshot.IsUp)
            {
                _snapshot.CountDrop(DropReason.MasterDown, packet.Sender);
                continue;
            }
            var frame = packet.Buffer.AsSpan(FrameBatch.Headroom);
            mac.Write(frame);
            _snapshot.Mac.Write(frame[MacAddress.Bytes..]);
            SendRouted(packet.Buffer, packet.Offload, packet.NeedsFragmenting, packet.Sender);
        }
        Flush();
    }

    /// <summary>Drops what has waited too long for a neighbor.</summary>
    public void DropExpired(TimeSpan now)
    {
        foreach (var packet in _pending.TakeExpired(now))
            _snapshot.CountDrop(DropReason.NoRoute, packet.Sender);
    }

    /// <summary>
    /// Ends a run of frames given one by one: what devices held back goes out now. The members that move batches, flood or answer for a
    /// neighbor do it by themselves.
    /// </summary>
    public void Flush()
    {
        foreach (var device in _unflushed)
            device.Flush();
        _unflushed.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _batch.Dispose();

    private void Read(IFrameDevice device)
    {
        _batch.Clear();
        device.Receive(_batch);
        TakeSnapshot();
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

    private void LoseFromHost(ReadOnlySpan<byte> buffer, in FrameOffload offload)
    {
        _watch?.Left(null, buffer[FrameBatch.Headroom..], offload, DropReason.MasterDown);
        _snapshot.CountDrop(DropReason.MasterDown);
    }

    private IFrameDevice Watched(IFrameDevice device, VirtualInterface? at) => _watch is null ? device : new WatchedDevice(device, _watch, at);

    private bool EndBatch()
    {
        var more = _batch.Count > 0;
        _batch.Clear();
        Flush();
        return more;
    }

    private void CarryOut(in Decision decision, VirtualInterface? sender, Span<byte> buffer, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        switch (decision.Action)
        {
            case DecisionAction.Deliver:
                Send(DeviceOf(decision.Target!), buffer, offload, decision.Target);
                break;
            case DecisionAction.Host:
                Send(_host, buffer, offload, sender);
                break;
            case DecisionAction.Wire:
                Send(_wire, buffer, offload, sender);
                break;
            case DecisionAction.FloodReceived:
                AddToBacklog(buffer, offload, exclude: null, sender);
                break;
            case DecisionAction.FloodSent:
                AddToBacklog(buffer, offload, exclude: sender, sender);
                break;
            case DecisionAction.HostAndLocal:
                Send(_host, buffer, offload, sender);
                SendLocal(buffer, offload, decision);
                break;
            case DecisionAction.Route:
                RoutedPacket.Rewrite(buffer[FrameBatch.Headroom..], hop.Mac, _snapshot.Mac);
                SendRouted(buffer, offload, decision.NeedsFragmenting, sender);
                break;
            case DecisionAction.NeighborMissing:
                RoutedPacket.Rewrite(buffer[FrameBatch.Headroom..], default, _snapshot.Mac);
                WaitForNeighbor(hop.Address, buffer, offload, decision.NeedsFragmenting, sender!, now);
                break;
            case DecisionAction.RouteToHost:
                RoutedPacket.Rewrite(buffer[FrameBatch.Headroom..], _snapshot.Mac, _snapshot.Mac);
                Send(_host, buffer, offload, sender);
                break;
            case DecisionAction.Drop:
                if (decision is { Reason: DropReason.MtuExceeded, Target: null })
                    ReplyTooBig(sender!, buffer, now);
                break;
            default:
                throw new InvalidOperationException($"unknown action {decision.Action}");
        }
    }

    private IFrameDevice? DeviceOf(VirtualInterface target) => target.Id < _interfaces.Length ? _interfaces[target.Id] : null;

    private void Send(IFrameDevice? device, Span<byte> buffer, in FrameOffload offload, VirtualInterface? at)
    {
        if (device is null || _egress.Send(device, buffer, offload) != SendResult.Sent)
            _snapshot.CountDrop(DropReason.DeviceQueueFull, at);
        if (device is not null && (_unflushed.Count == 0 || _unflushed[^1] != device))
            NoteUnflushed(device);
    }

    private void NoteUnflushed(IFrameDevice device)
    {
        if (_unflushed.Count == MostUnflushed)
            Flush();
        _unflushed.Add(device);
    }

    private void AddToBacklog(Span<byte> buffer, in FrameOffload offload, VirtualInterface? exclude, VirtualInterface? sender)
    {
        if (!_backlog.TryAdd(buffer[FrameBatch.Headroom..], offload, exclude))
            _snapshot.CountDrop(DropReason.BacklogFull, sender);
    }

    /// <summary>The copy for the host or the wire.</summary>
    private void FloodOutside(Span<byte> buffer)
    {
        if (_backlog.Sender is null)
            Send(_host, buffer, _backlog.Offload, null);
        else if (_snapshot.IsUp)
            Send(_wire, buffer, _backlog.Offload, _backlog.Sender);
    }

    /// <summary>l3s: MACs, type and the packet without padding; a priority tag is off (semantics 19).</summary>
    private void SendLocal(Span<byte> buffer, in FrameOffload offload, in Decision decision)
    {
        var finished = offload;
        var frame = buffer[FrameBatch.Headroom..];
        if (EtherType.IsTag((ushort)((frame[12] << 8) | frame[13])))
        {
            frame[..(2 * MacAddress.Bytes)].CopyTo(frame[EtherType.TagLength..]);
            buffer = buffer[EtherType.TagLength..];
            finished = offload.Shifted(-EtherType.TagLength);
        }
        Send(DeviceOf(decision.Target!), buffer[..(FrameBatch.Headroom + EtherType.HeaderLength + decision.PacketLength)], finished, decision.Target);
    }

    private void WaitForNeighbor(L3Address neighbor, Span<byte> buffer, in FrameOffload offload, bool needsFragmenting, VirtualInterface sender, TimeSpan now)
    {
        if (!_pending.TryAdd(neighbor, buffer[FrameBatch.Headroom..], offload, needsFragmenting, sender, now, out var isFirst))
            _snapshot.CountDrop(DropReason.NeighborQueueFull, sender);
        else if (isFirst)
            _resolve(neighbor);
    }

    private void SendRouted(Span<byte> buffer, in FrameOffload offload, bool needsFragmenting, VirtualInterface? sender)
    {
        _fragmentingWire.IpMtu = _snapshot.IpMtu;
        Send(needsFragmenting ? _fragmentingWire : _wire, buffer, offload, sender);
    }

    private void ReplyTooBig(VirtualInterface sender, Span<byte> buffer, TimeSpan now)
    {
        // The packet's family, not the next hop's: IPv4 may go by an IPv6 gateway (RFC 8950).
        var isSix = BinaryPrimitives.ReadUInt16BigEndian(buffer[(FrameBatch.Headroom + 12)..]) == EtherType.IPv6;
        if (now - TimeSpan.FromSeconds(1) >= _tooBigWindow)
            (_tooBigWindow, _tooBigReplies) = (now, 0);
        if (_tooBigReplies++ >= TooBigRepliesPerSecond || !_snapshot.TryPickHostAddress(isSix, out var from))
            return;
        var length = TooBigReply.Write(buffer[FrameBatch.Headroom..], from, _snapshot.Mac, _snapshot.IpMtu, _scratch.AsSpan(FrameBatch.Headroom));
        if (length > 0)
            Send(DeviceOf(sender), _scratch.AsSpan(0, FrameBatch.Headroom + length), default, sender);
    }
}
