namespace IpVlanWin.HostNetwork;

/// <summary>What a stand-in is made of.</summary>
public enum StandInKind
{
    /// <summary>A KM-TEST loopback adapter: compartment 1 only. On Linux, in the lab, a bridge without ports.</summary>
    Loopback,

    /// <summary>
    /// The host's port of an internal Hyper-V switch; the container service can move it to a compartment. On Linux, in the lab, the near end
    /// of a veth pair.
    /// </summary>
    VSwitch,
}

/// <summary>A device of ours, found by the tag it carries and never by its name.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Tag">The identity it was made with.</param>
/// <param name="Id">Loopback: the device instance identifier (ROOT\NET\0000). Switch: the switch's GUID. On Linux the link's index.</param>
/// <param name="Name">What it was named; for reports only.</param>
public sealed record StandInDevice(StandInKind Kind, Guid Tag, string Id, string Name);

/// <summary>A stand-in's link.</summary>
/// <param name="Device">The device.</param>
/// <param name="LinkIndex">The link's index now; it may change when the system restarts.</param>
/// <param name="Name">The link's name.</param>
public sealed record StandInLink(StandInDevice Device, int LinkIndex, string Name);

/// <summary>What a container behind a vSwitch stand-in is to have on its end.</summary>
/// <param name="Addresses">All its addresses but link-local ones.</param>
/// <param name="GatewayFour">The host's end, by which everything goes; null without IPv4.</param>
/// <param name="GatewaySix">The same for IPv6.</param>
public sealed record ContainerSide(IReadOnlyCollection<System.Net.IPAddress> Addresses, System.Net.IPAddress? GatewayFour, System.Net.IPAddress? GatewaySix);
