using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tracing;

/// <summary>One step on a frame's way.</summary>
/// <param name="Rule">The rule of the semantics that decided it, such as 12 or 21a.</param>
/// <param name="Text">What it came to, in one sentence.</param>
public sealed record TraceStep(string Rule, string Text);

/// <summary>
/// What would become of a frame, and why. The decision is the port's own, made by a shadow of its snapshot, so it cannot differ from what the
/// data path does, and no counter moves; the steps explain it.
/// </summary>
public sealed record FrameTrace
{
    private FrameTrace(Decision decision, PortSnapshot shadow, Explanation explained)
    {
        Action = decision.Action;
        Error = decision.SendError;
        // The host gets what an interface in l3s cannot take.
        Reason = shadow.Drops[DropReason.L3sInvalid] > 0 ? DropReason.L3sInvalid : decision.Reason;
        NeedsFragmenting = decision.NeedsFragmenting;
        Receiver = shadow.TargetOf(decision)?.Name;
        Targets = explained.Targets;
        Steps = explained.Steps;
        ToHost = Action is DecisionAction.Host or DecisionAction.HostAndLocal or DecisionAction.RouteToHost or DecisionAction.FloodReceived;
        ToWire = Action is DecisionAction.Wire or DecisionAction.Route or DecisionAction.NeighborMissing || (Action == DecisionAction.FloodSent && shadow.IsUp);
    }

    /// <summary>What was decided.</summary>
    public DecisionAction Action { get; }

    /// <summary>Why it goes nowhere, or in l3s not to its interface; else none.</summary>
    public DropReason Reason { get; }

    /// <summary>What the sender would be told.</summary>
    public SendError Error { get; }

    /// <summary>It would be cut to the master's MTU.</summary>
    public bool NeedsFragmenting { get; }

    /// <summary>The interface that the decision names, by name.</summary>
    public string? Receiver { get; }

    /// <summary>Names of the interfaces that get it, copies of a flooded frame included.</summary>
    public IReadOnlyList<string> Targets { get; }

    /// <summary>The host gets it.</summary>
    public bool ToHost { get; }

    /// <summary>It goes to the wire, perhaps once the next hop's MAC is known.</summary>
    public bool ToWire { get; }

    /// <summary>The steps in order; the last ones decide.</summary>
    public IReadOnlyList<TraceStep> Steps { get; }

    /// <summary>A frame from the wire. Any thread.</summary>
    /// <param name="port">The port.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    public static FrameTrace OfReceived(Port port, ReadOnlySpan<byte> frame, in FrameOffload offload = default)
    {
        ArgumentNullException.ThrowIfNull(port);
        var shadow = port.Snapshot.Shadow();
        var explained = new Explanation(shadow, port.MasterName, offload);
        var decision = shadow.Receive(frame, offload);
        explained.Received(frame, decision);
        return new FrameTrace(decision, shadow, explained);
    }

    /// <summary>A frame that an interface's stack sends. Any thread.</summary>
    /// <param name="port">The port.</param>
    /// <param name="sender">The interface; null is returned where it is not one of the port's any more.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="now">Time on the clock of the neighbors' lifetimes.</param>
    /// <param name="offload">What is unfinished about it.</param>
    public static FrameTrace? OfSent(Port port, VirtualInterface sender, ReadOnlySpan<byte> frame, TimeSpan now, in FrameOffload offload = default)
    {
        ArgumentNullException.ThrowIfNull(port);
        ArgumentNullException.ThrowIfNull(sender);
        var snapshot = port.Snapshot;
        if (snapshot.InterfaceAt(sender.Id) != sender)
            return null;
        var shadow = snapshot.Shadow();
        var from = shadow.InterfaceAt(sender.Id)!;
        var explained = new Explanation(shadow, port.MasterName, offload);
        var hop = default(NextHop);
        var decision = shadow.Transmit(from, frame, offload, now, ref hop);
        explained.Sent(from, frame, decision, hop);
        return new FrameTrace(decision, shadow, explained);
    }

    /// <summary>A packet from the wire, where the host's own stack moves the packets (<see cref="PortSnapshot.ReceivePacket"/>). Any thread.</summary>
    /// <param name="port">The port.</param>
    /// <param name="frame">The packet as a frame; of what is no IP packet, nothing is seen.</param>
    public static FrameTrace OfReceivedPacket(Port port, ReadOnlySpan<byte> frame)
    {
        ArgumentNullException.ThrowIfNull(port);
        var shadow = port.Snapshot.Shadow();
        var explained = new Explanation(shadow, port.MasterName, default);
        var decision = Explanation.IsPacket(frame) ? shadow.ReceivePacket(frame[EtherType.HeaderLength..]) : new Decision(DecisionAction.Host);
        explained.ReceivedPacket(frame, decision);
        return new FrameTrace(decision, shadow, explained);
    }

    /// <summary>A packet that an interface's stack sends, where that is the host's own, which routes it (<see cref="PortSnapshot.TransmitPacket"/>). Any thread.</summary>
    /// <param name="port">The port.</param>
    /// <param name="sender">The interface; null is returned where it is not one of the port's any more.</param>
    /// <param name="frame">The packet as a frame; of what is no IP packet, nothing is seen.</param>
    public static FrameTrace? OfSentPacket(Port port, VirtualInterface sender, ReadOnlySpan<byte> frame)
    {
        ArgumentNullException.ThrowIfNull(port);
        ArgumentNullException.ThrowIfNull(sender);
        var snapshot = port.Snapshot;
        if (snapshot.InterfaceAt(sender.Id) != sender)
            return null;
        var shadow = snapshot.Shadow();
        var explained = new Explanation(shadow, port.MasterName, default);
        var decision = Explanation.IsPacket(frame) ? shadow.TransmitPacket(frame[EtherType.HeaderLength..]) : new Decision(DecisionAction.Host);
        explained.SentPacket(sender, frame, decision);
        return new FrameTrace(decision, shadow, explained);
    }
}
