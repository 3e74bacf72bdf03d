using System.Text.Json.Serialization;

namespace IpVlanWin.Protocol;

/// <summary>A capture to be started: of one interface, or of a whole port with its master.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CaptureSpec
{
    /// <summary>The port's master, or one of its interfaces: the whole port. May be left out where <see cref="Interface"/> is given.</summary>
    public string? Master { get; init; }

    /// <summary>This interface only; null for the whole port.</summary>
    public string? Interface { get; init; }

    /// <summary>Most bytes kept of a frame, 14 to 262144; null for all.</summary>
    public int? SnapLength { get; init; }

    /// <summary>Bytes of frames that may wait for the reader, 262144 to 67108864; null for 8 MiB. What comes beyond is counted and not recorded.</summary>
    public int? QueueBytes { get; init; }
}

/// <summary>A capture runs.</summary>
public sealed record CaptureReply
{
    /// <summary>Its number.</summary>
    public long Id { get; init; }

    /// <summary>
    /// The pipe that streams it as pcapng to one reader, with the control pipe's access; open it with <see cref="ControlClient.OpenCaptureAsync"/>.
    /// The capture ends when its reader leaves, with capture.stop, with the connection that asked for it, or if nobody reads within 30 s.
    /// </summary>
    public string Pipe { get; init; } = "";
}

/// <summary>Names a capture.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CaptureName
{
    /// <summary>Its number.</summary>
    public long Id { get; init; }
}

/// <summary>What a capture came to. Its reader gets what was recorded and then the stream's end.</summary>
public sealed record CaptureTotals
{
    /// <summary>Frames recorded so far.</summary>
    public long Recorded { get; init; }

    /// <summary>Frames that found the queue full.</summary>
    public long Dropped { get; init; }
}

/// <summary>
/// A frame whose way is asked for: as it stands (<see cref="Frame"/>), or built from protocol and addresses. It is not sent, and no counter moves.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TraceSpec
{
    /// <summary>The port, where <see cref="Interface"/> is not given.</summary>
    public string? Master { get; init; }

    /// <summary>The interface: the sender for from-interface; for from-wire it only names the port.</summary>
    public string? Interface { get; init; }

    /// <summary>from-wire or from-interface.</summary>
    public string? Direction { get; init; }

    /// <summary>The frame in hexadecimal, Ethernet header first, without checksum; blanks and colons are skipped. Excludes all below.</summary>
    public string? Frame { get; init; }

    /// <summary>tcp, udp, icmp (ICMPv6 for IPv6 addresses) or arp.</summary>
    public string? Protocol { get; init; }

    /// <summary>Source address; the sender's of an ARP request.</summary>
    public string? Source { get; init; }

    /// <summary>Destination address; the target's of an ARP request.</summary>
    public string? Destination { get; init; }

    /// <summary>Source port of tcp and udp, 0 to 65535; null for 49152.</summary>
    public int? SourcePort { get; init; }

    /// <summary>Destination port of tcp and udp, 0 to 65535; null for 80.</summary>
    public int? DestinationPort { get; init; }

    /// <summary>VLAN identifier of a tag, 0 to 4094; null for none.</summary>
    public int? Vlan { get; init; }

    /// <summary>Source MAC; null for the master's where an interface sends, else for that of a station on the wire (02:00:5e:00:53:01).</summary>
    public string? SourceMac { get; init; }

    /// <summary>
    /// Destination MAC; null for the group's where the destination is one, broadcast for ARP, the master's where it is an address of the port or
    /// comes from the wire, else that of a station on the wire.
    /// </summary>
    public string? DestinationMac { get; init; }
}

/// <summary>One step on a frame's way.</summary>
public sealed record TraceStep
{
    /// <summary>The rule of the semantics that decided it, such as 12 or 21a.</summary>
    public string Rule { get; init; } = "";

    /// <summary>What it came to, in one sentence.</summary>
    public string Text { get; init; } = "";
}

/// <summary>What would become of a frame, and why.</summary>
public sealed record TraceReply
{
    /// <summary>
    /// drop, host, host-and-local (l3s), deliver, flood, wire, route-wire, route-host or route-pending (waits for a neighbor's MAC).
    /// </summary>
    public string Decision { get; init; } = "";

    /// <summary>The interfaces that get it.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>The host gets it.</summary>
    public bool ToHost { get; init; }

    /// <summary>It goes to the wire.</summary>
    public bool ToWire { get; init; }

    /// <summary>Why it is dropped, as in statistics; else null.</summary>
    public string? Reason { get; init; }

    /// <summary>The frame in hexadecimal, as it was judged.</summary>
    public string Frame { get; init; } = "";

    /// <summary>The steps in order; the last one decides.</summary>
    public IReadOnlyList<TraceStep> Steps { get; init; } = [];
}
