using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Observe;

/// <summary>Answers what would become of a frame. Any thread may ask.</summary>
internal sealed class Tracer(DesiredState state, Reconciler reconciler)
{
    /// <exception cref="ControlException">not-found, bad-argument, link-down, mode-not-supported.</exception>
    public TraceReply Trace(TraceSpec spec)
    {
        var model = state.Current;
        var (master, name) = ObservedPort.Find(state, model, spec.Master, spec.Interface);
        var isSent = spec.Direction switch
        {
            "from-wire" => false,
            "from-interface" => true,
            _ => throw ErrorCode.BadArgument.With("direction", "from-wire or from-interface"),
        };
        if (isSent && name is null)
            throw ErrorCode.BadArgument.With("interface", "the interface that sends it");
        var datapath = ObservedPort.Running(reconciler, master);
        var frame = new TraceFrame(spec, isSent, datapath.Port.Mac, address => model.Owners.ContainsKey(new AddressKey(master, address))).Build();
        FrameTrace trace;
        try
        {
            trace = datapath.Trace(isSent ? name : null, frame) ?? throw ErrorCode.NotFound.With("interface", name!);
        }
        catch (NotSupportedException)
        {
            throw ErrorCode.ModeNotSupported.With(datapath.Kind, "traces", "linux or memory");
        }
        return new TraceReply
        {
            Decision = Word(trace.Action),
            Targets = trace.Targets,
            ToHost = trace.ToHost,
            ToWire = trace.ToWire,
            Reason = trace.Reason == DropReason.None ? null : trace.Reason.Word(),
            Frame = Convert.ToHexStringLower(frame),
            Steps = [.. trace.Steps.Select(static step => new Protocol.TraceStep { Rule = step.Rule, Text = step.Text })],
        };
    }

    private static string Word(DecisionAction action) => action switch
    {
        DecisionAction.Drop => "drop",
        DecisionAction.Host => "host",
        DecisionAction.Deliver => "deliver",
        DecisionAction.HostAndLocal => "host-and-local",
        DecisionAction.FloodReceived or DecisionAction.FloodSent => "flood",
        DecisionAction.Wire => "wire",
        DecisionAction.Route => "route-wire",
        DecisionAction.NeighborMissing => "route-pending",
        DecisionAction.RouteToHost => "route-host",
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}
