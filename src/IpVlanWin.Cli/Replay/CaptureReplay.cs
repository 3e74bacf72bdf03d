using IpVlanWin.Devices;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Replay;

/// <summary>
/// Feeds the frames of a capture to a port, in order and at their times, and records what comes out at each place. Flooded copies
/// come out at once. Nobody answers for the wire, so a routed packet whose next hop is no neighbor of the topology is dropped.
/// </summary>
internal sealed class CaptureReplay : IDisposable
{
    private const int FramesBetweenChecks = 256;

    private readonly Port _port;
    private readonly VirtualInterface? _sender;
    private readonly ReplayOutput _output;
    private readonly FramePump _pump;
    private readonly CaptureWriter _dropped;
    private readonly int _droppedInterface;
    private readonly FrameDirection _fed;
    private readonly long[] _dropsBefore = new long[DropReasons.Count];
    private readonly List<string> _comment = [];
    private readonly byte[] _buffer = new byte[FrameBatch.Headroom + CaptureReader.MaxCapturedLength];
    private L3Address? _missingNeighbor;
    private long _unixNanoseconds;

    /// <param name="port">Decides.</param>
    /// <param name="sender">The interface that sends the frames; null where the master receives them.</param>
    /// <param name="output">Has a file for each of <see cref="Places"/>.</param>
    public CaptureReplay(Port port, VirtualInterface? sender, ReplayOutput output)
    {
        (_port, _sender, _output) = (port, sender, output);
        _fed = sender is null ? FrameDirection.Inbound : FrameDirection.Outbound;
        _pump = new FramePump(port, NewDevice(EnginePort.WirePlace, FrameDirection.Outbound), NewDevice(EnginePort.HostPlace, FrameDirection.Inbound), next => _missingNeighbor = next);
        foreach (var member in port.Interfaces)
            _pump.Attach(member, NewDevice(member.Name, FrameDirection.Inbound));
        _dropped = output[ReplayOutput.DroppedPlace];
        _droppedInterface = _dropped.AddInterface(sender?.Name ?? EnginePort.WirePlace);
    }

    /// <summary>What became of the frames.</summary>
    public ReplayCounts Counts { get; } = new();

    /// <summary>Where frames come out.</summary>
    public static IEnumerable<string> Places(Port port) =>
        [EnginePort.WirePlace, EnginePort.HostPlace, .. port.Interfaces.Select(member => member.Name), ReplayOutput.DroppedPlace];

    /// <summary>Why no frame of the file can be fed; null where it can, or where only the frames tell.</summary>
    public static CaptureFormatException? FindHeaderFault(CaptureReader reader) =>
        reader.Interfaces is [var only] && only.LinkType != CaptureInterface.Ethernet ? WrongLinkType(reader, only, "header", 0) : null;

    /// <summary>Feeds frames until the capture ends or is found faulty.</summary>
    /// <returns>What ended it early; null where nothing did.</returns>
    /// <exception cref="CommandException">A file could not be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Exception? Run(CaptureReader reader, CancellationToken cancel)
    {
        while (true)
        {
            if (Counts.Read % FramesBetweenChecks == 0)
            {
                cancel.ThrowIfCancellationRequested();
                _output.ThrowIfFailed();
            }
            try
            {
                if (!reader.TryRead(out var frame))
                    return null;
                if (frame.Interface.LinkType != CaptureInterface.Ethernet)
                    return WrongLinkType(reader, frame.Interface, "packet", frame.Offset);
                Take(frame);
            }
            catch (Exception fault) when (fault is CaptureFormatException or IOException)
            {
                return fault;
            }
        }
    }

    /// <summary>The files stay the output's.</summary>
    public void Dispose() => _pump.Dispose();

    private static CaptureFormatException WrongLinkType(CaptureReader reader, CaptureInterface found, string part, long offset) =>
        new(reader.Name, part, offset, $"link type {found.LinkType} must be {CaptureInterface.Ethernet} (Ethernet)");

    private PcapDevice NewDevice(string place, FrameDirection direction) =>
        new(place, target: _output[place], clock: () => _unixNanoseconds, sent: direction);

    private void Take(in CapturedFrame frame)
    {
        Counts.Read++;
        _unixNanoseconds = frame.UnixNanoseconds ?? _unixNanoseconds;
        if (frame.Direction != FrameDirection.Unknown && frame.Direction != _fed)
        {
            Counts.OtherDirection++;
            return;
        }
        // The port would judge by a length that the frame did not have.
        if (frame.OriginalLength > frame.Bytes.Length)
        {
            Counts.Truncated++;
            return;
        }
        var buffer = _buffer.AsSpan(0, FrameBatch.Headroom + frame.Bytes.Length);
        frame.Bytes.CopyTo(buffer[FrameBatch.Headroom..]);
        var now = TimeSpan.FromTicks(_unixNanoseconds / TimeSpan.NanosecondsPerTick);
        var decision = _sender is null ? _pump.Receive(buffer, default, now) : _pump.Transmit(_sender, buffer, default, now);
        while (_pump.Flood(int.MaxValue))
        {
        }
        if (decision.Action == DecisionAction.NeighborMissing)
            _pump.DropExpired(TimeSpan.MaxValue);
        Counts.Count(decision.Action);
        RecordDrops(frame.Bytes, decision);
    }

    private void RecordDrops(ReadOnlySpan<byte> frame, in Decision decision)
    {
        for (var i = 1; i < _dropsBefore.Length; i++)
        {
            var reason = (DropReason)i;
            var drops = _port.Drops[reason] - _dropsBefore[i];
            if (drops == 0)
                continue;
            _dropsBefore[i] += drops;
            _comment.Add(Describe(reason, drops, decision));
        }
        if (_comment.Count == 0)
            return;
        _dropped.Write(_droppedInterface, _unixNanoseconds, frame, new FrameNote(_fed, Comment: _comment is [var only] ? only : string.Join(", ", _comment)));
        _comment.Clear();
    }

    private string Describe(DropReason reason, long drops, in Decision decision)
    {
        if (decision.Action == DecisionAction.NeighborMissing && reason == DropReason.NoRoute)
            return $"{reason.Word()}: no neighbor {_missingNeighbor}";
        if (decision.Reason == reason)
            return _port.Snapshot.TargetOf(decision) is { } target ? $"{reason.Word()} at {target.Name}" : reason.Word();
        // Other frames or copies of the frame went their way.
        return reason == DropReason.L3sInvalid ? $"{reason.Word()}: host only" : $"{reason.Word()}: {drops} of its copies";
    }
}

/// <summary>What became of a capture's frames. In l3s a frame may be passed to the host and delivered; it counts under both.</summary>
internal sealed class ReplayCounts
{
    public long Read { get; set; }

    /// <summary>Not fed: the capture had cut them short.</summary>
    public long Truncated { get; set; }

    /// <summary>Not fed: the capture says that they went the other way.</summary>
    public long OtherDirection { get; set; }

    public long PassedToHost { get; private set; }

    public long Delivered { get; private set; }

    public long Flooded { get; private set; }

    public long SentToWire { get; private set; }

    public long Dropped { get; private set; }

    public void Count(DecisionAction action)
    {
        switch (action)
        {
            case DecisionAction.Host or DecisionAction.RouteToHost:
                PassedToHost++;
                break;
            case DecisionAction.Deliver:
                Delivered++;
                break;
            case DecisionAction.HostAndLocal:
                PassedToHost++;
                Delivered++;
                break;
            case DecisionAction.FloodReceived or DecisionAction.FloodSent:
                Flooded++;
                break;
            case DecisionAction.Wire or DecisionAction.Route:
                SentToWire++;
                break;
            case DecisionAction.Drop or DecisionAction.NeighborMissing:
                Dropped++;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, null);
        }
    }
}
