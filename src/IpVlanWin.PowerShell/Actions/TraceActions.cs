using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>Asks what would become of a frame. Nothing is sent and nothing is counted.</summary>
internal sealed class TraceActions(ServiceLink link)
{
    /// <summary>Without a direction, an interface is the sender, and what is asked of a master comes from the wire.</summary>
    /// <exception cref="ControlException">not-found, bad-argument, mode-not-supported.</exception>
    public TraceReply Trace(TraceSpec spec)
    {
        var complete = spec with { Direction = spec.Direction ?? (spec.Interface is null ? "from-wire" : "from-interface") };
        return link.Ask(client => client.TraceAsync(complete, link.Cancellation));
    }
}
