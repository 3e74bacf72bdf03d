using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Lab;

/// <summary>What has to come of a probe, and why.</summary>
/// <param name="IsReached">It has to arrive; else it must not.</param>
/// <param name="Reason">In words.</param>
internal readonly record struct Expectation(bool IsReached, string Reason);

/// <summary>Who reaches whom in the lab, by mode, flag and kind of pair (conformance semantics sections 3 to 6). Pure.</summary>
internal static class Expectations
{
    /// <summary>A ping, there and back. The wire is an ordinary link: nobody on it sends a frame back to where it came from.</summary>
    /// <exception cref="ArgumentException">Such a pair is not in the lab.</exception>
    public static Expectation Ping(PortMode mode, PortFlag flag, StationKind from, StationKind to) => (from, to) switch
    {
        (StationKind.Interface, StationKind.Interface) => Siblings(flag),
        (StationKind.Interface, StationKind.Host) or (StationKind.Host, StationKind.Interface) =>
            new(false, "the host and its ipvlan interfaces do not reach each other, as on Linux"),
        (StationKind.Interface, StationKind.Wire) or (StationKind.Wire, StationKind.Interface) => mode == PortMode.L2
            ? new(true, "interfaces are on the master's link")
            : new(true, "the master's link is routed to and from the interfaces"),
        (StationKind.Host, StationKind.Wire) or (StationKind.Wire, StationKind.Host) =>
            new(true, "the host keeps its link beside the interfaces"),
        (StationKind.Interface, StationKind.OffLink) => mode == PortMode.L2
            ? new(false, "no route of the interface leads off the link")
            : new(false, "no route of the host leads off the link"),
        (StationKind.Host, StationKind.OffLink) => new(false, "no route of the host leads off the link"),
        _ => throw NoSuchPair(from, to),
    };

    /// <summary>A datagram to a multicast group that every station is in, one way. The flag plays no part (semantics 22).</summary>
    /// <exception cref="ArgumentException">Such a pair is not in the lab.</exception>
    public static Expectation Multicast(PortMode mode, StationKind from, StationKind to) => (from, to) switch
    {
        (StationKind.Host, StationKind.Wire) or (StationKind.Wire, StationKind.Host) =>
            new(true, "the host keeps its link beside the interfaces"),
        (StationKind.Interface, StationKind.Host) or (StationKind.Host, StationKind.Interface) =>
            new(false, "the host and its ipvlan interfaces do not reach each other, as on Linux"),
        (StationKind.Interface, StationKind.Interface or StationKind.Wire) or (StationKind.Wire, StationKind.Interface) => mode == PortMode.L2
            ? new(true, "multicast is flooded in l2, whatever the flag")
            : new(false, "multicast does not exist in " + mode.Word()),
        _ => throw NoSuchPair(from, to),
    };

    private static Expectation Siblings(PortFlag flag) => flag switch
    {
        PortFlag.Bridge => new(true, "bridge siblings reach each other"),
        PortFlag.Private => new(false, "private siblings do not reach each other"),
        PortFlag.Vepa => new(false, "vepa leaves siblings to the wire, and this wire sends nothing back"),
        _ => throw new ArgumentOutOfRangeException(nameof(flag), flag, "a flag is " + PortWords.Flags),
    };

    private static ArgumentException NoSuchPair(StationKind from, StationKind to) => new($"the lab has no pair {from} -> {to}");
}
