using System.Net;

namespace IpVlanWin.Conformance;

/// <summary>The decision class of a step (conformance format, section 4): what of Linux's answer a port must match.</summary>
internal static class Judgement
{
    public static string Of(DraftStep step, PortModel port, Outcome outcome)
    {
        var view = new FrameView(step.Frame);
        if (step.At == "host")
            return "host";
        // What the host loses where it takes a further tag off, nobody sees, so that it would look as if the port had not passed it on.
        if ((step.At == "wire" || (view.IsToItself && port.Mode == "l2" && port.Flag != "vepa")) && FrameView.Inspected(step.Frame).IsCutShort)
            return "stack";
        if (step.At == "wire")
        {
            if (port.Mode != "l3s")
                return "driver";
            view = new FrameView(FrameView.WithLastTag(step.Frame));
            // The host's own IPv6 is gone: its affair, of which ipvlan sees only the end.
            if (port.HostLacksIpv6 && view.InnerType == 0x86dd)
                return "stack";
            return view.HasOptions || (view.IsFromUnspecified && view.Inner.Length > 40 && view.Inner[40] == 135) ? "stack" : "local-in";
        }
        if (port.Mode == "l2" || view.IsMulticast || view.Type is not (0x0800 or 0x86dd))
            return "driver";
        if (outcome.Copies.Exists(copy => copy.At is not ("wire" or "host")) || outcome.Counters.Any(entry => entry.Key != step.At && entry.Value.ContainsKey("rxErrors")))
            return "driver";
        if (outcome.SendError is not (null or "ENOBUFS"))
            return IsRefused(step, port) ? "driver" : "stack";
        if (outcome.SendError is null && outcome.Counter(step.At, "rxErrors") > 0)
            return "driver";
        return IsJudgedRoute(view, port) ? "routed" : "stack";
    }

    public static bool IsRefused(DraftStep step, PortModel port)
    {
        if (port.After[step.At] is not { } after)
            return false;
        var slack = new FrameView(step.Frame).Type == 0x8100 ? 18 : 14;
        return !(bool)after["up"]! || step.Frame.Length < 14 || step.Frame.Length > (int)after["mtu"]! + slack;
    }

    /// <summary>Semantics 34: what depends on more of the host's stack than its routes and neighbors is left out.</summary>
    private static bool IsJudgedRoute(FrameView view, PortModel port)
    {
        var packet = view.Packet;
        if (view.Type == 0x0800)
        {
            if (packet.Length < 20 || (packet[0] & 15) < 5)
                return true;
            var source = packet[12..16];
            var isOdd = (source[0] != 127 && (source[0] is 0 or >= 224)) || (source[0] == 127 && packet[16] == 127);
            var isOwnAffair = packet[16] is 0 or >= 240 && packet[16..20].IndexOfAnyExcept((byte)0xff) >= 0;
            return packet.Length <= port.Mtu && !isOdd && !isOwnAffair && packet[16] != 127 && (packet[16] is >= 224 || port.HasRoute(new IPAddress(packet[16..20])));
        }
        if (packet.Length < 40)
            return true;
        var from = packet[8..24];
        var isOddSource = from[0] == 0xff || from[..15].IndexOfAnyExcept((byte)0) < 0;
        var to = packet[24..40];
        var isOddDestination = to[0] != 0xff && to[..12].IndexOfAnyExcept((byte)0) < 0;
        return packet.Length <= port.Mtu && !port.HostLacksIpv6 && !isOddSource && !isOddDestination && (to[0] == 0xff || port.HasRoute(new IPAddress(to)));
    }
}
