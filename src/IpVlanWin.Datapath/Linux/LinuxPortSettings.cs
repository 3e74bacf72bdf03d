using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath.Linux;

/// <summary>Where a port's master and its host are.</summary>
[SupportedOSPlatform("linux")]
public sealed record LinuxPortSettings
{
    /// <summary>Name of the master as the host sees it: the TAP that is made in <see cref="HostNamespace"/> with the wire link's MAC and MTU.</summary>
    public required string MasterName { get; init; }

    /// <summary>Where the host's own stack lives. It must not forward.</summary>
    public required NetworkNamespace HostNamespace { get; init; }

    /// <summary>Where the wire link is.</summary>
    public required NetworkNamespace WireNamespace { get; init; }

    /// <summary>The link that is the wire. It carries no addresses: its stack would answer beside us.</summary>
    public required string WireLink { get; init; }

    /// <summary>Mode until the first interface says otherwise.</summary>
    public PortMode Mode { get; init; } = PortMode.L3;

    /// <summary>Flag until the first interface says otherwise.</summary>
    public PortFlag Flag { get; init; } = PortFlag.Bridge;

    /// <summary>How long the pump looks for further frames before it blocks.</summary>
    public TimeSpan Spin { get; init; }

    /// <summary>
    /// Tell the wire, in l2, which addresses are here when they come, when an interface or the master comes up and when its MAC changes
    /// (RFC 5227, RFC 4861 section 7.2.6). The frames are sent beside the port, and count nowhere in it.
    /// </summary>
    public bool Announces { get; init; }

    /// <summary>Puts something before a device, such as a capture; told "wire", "host" or the interface's name.</summary>
    public Func<string, IFrameDevice, IFrameDevice> Decorate { get; init; } = static (_, device) => device;
}
