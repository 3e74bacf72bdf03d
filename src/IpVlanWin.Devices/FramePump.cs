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
public sealed partial class FramePump : IDisposable
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
    private readonly Foresight _foresight;
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
        _foresight = new Foresight(_batch.Capacity);
        _snapshot = port.Snapshot;
    }

    /// <summary>Flooded frames that wait (at most <see cref="Backlog.Capacity"/>).</summary>
    public int BacklogCount => _backlog.Count;

    /// <summary>Neighbors that packets wait for.</summary>
    public int PendingNeighbors => _pending.Count;

    /// <summary>Moves one batch that came from the wire. Returns true where more may wait.</summary>
    public bool ReceiveFromWire(TimeSpan now)
    {
        Read(_wire);
        if (_watch is not null)
            return MoveWatched(null, now);
        _snapshot.Foresee(_batch.Frames, _foresight);
        var foreseen = _foresight.Frames;
        for (var i = 0; i < _batch.Count; i++)
            Receive(_batch.Buffer(i), _batch.Offload(i), now, foreseen[i]);
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
        if (DeviceOf(sender.Id) is not { } device)
            return false;
        Read(device);
        if (_watch is not null)
            return MoveWatched(sender, now);
        _snapshot.Foresee(sender, _batch.Frames, _foresight);
        var foreseen = _foresight.Frames;
        for (var i = 0; i < _batch.Count; i++)
            Transmit(sender, _batch.Buffer(i), _batch.Offload(i), now, foreseen[i]);
        return EndBatch();
    }

    /// <summary>One frame from the wire: decides and carries it out. The buffer begins with the headroom.</summary>
    public Decision Receive(Span<byte> buffer, in FrameOffload offload, TimeSpan now, Foreseen foreseen = default)
    {
        var decision = _snapshot.Receive(buffer[FrameBatch.Headroom..], offload, foreseen);
        var hop = default(NextHop);
        CarryOut(decision, null, buffer, offload, now, ref hop);
        return decision;
    }

    /// <summary>One frame from an interface: decides and carries it out. The buffer begins with the headroom.</summary>
    public Decision Transmit(VirtualInterface sender, Span<byte> buffer, in FrameOffload offload, TimeSpan now, Foreseen foreseen = default)
    {
        var hop = default(NextHop);
        var decision = _snapshot.Transmit(sender, buffer[FrameBatch.Headroom..], offload, now, ref hop, foreseen);
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

    private void LoseFromHost(ReadOnlySpan<byte> buffer, in FrameOffload offload)
    {
        _watch?.Left(null, buffer[FrameBatch.Headroom..], offload, DropReason.MasterDown);
        _snapshot.CountDrop(DropReason.MasterDown);
    }

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
                Deliver(decision, buffer, offload);
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
                if (decision is { Reason: DropReason.MtuExceeded, TargetId: < 0 })
                    ReplyTooBig(sender!, buffer, now);
                break;
            default:
                throw new InvalidOperationException($"unknown action {decision.Action}");
        }
    }

    private IFrameDevice? DeviceOf(int id) => (uint)id < (uint)_interfaces.Length ? _interfaces[id] : null;

    private void Deliver(in Decision decision, Span<byte> buffer, in FrameOffload offload) =>
        Send(DeviceOf(decision.TargetId), buffer, offload, _snapshot.TargetOf(decision));

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

    /// <summary>l3s: MACs, type and the packet without padding; priority tags are off (semantics 18a, 19).</summary>
    private void SendLocal(Span<byte> buffer, in FrameOffload offload, in Decision decision)
    {
        var finished = offload;
        var frame = buffer[FrameBatch.Headroom..];
        var tags = EtherType.TagBytes(frame);
        if (tags > 0)
        {
            frame[..(2 * MacAddress.Bytes)].CopyTo(frame[tags..]);
            buffer = buffer[tags..];
            finished = offload.Shifted(-tags);
        }
        Deliver(decision, buffer[..(FrameBatch.Headroom + EtherType.HeaderLength + decision.PacketLength)], finished);
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
}
