using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>A port over WinDivert.</summary>
public sealed record DivertPortSettings
{
    /// <summary>
    /// Most interfaces of a port. Filters name interface indexes too, 32 in each, so that handles grow with the square of the interfaces: 165
    /// a family for these with an address each. And PnP names stand-ins ROOT\NET\0000 to 9999 for the whole host.
    /// </summary>
    public const int MaxInterfaces = 1024;

    /// <summary>The port's name: the master's, when the port was made.</summary>
    public required string PortName { get; init; }

    /// <summary>The host; becomes the data path's own.</summary>
    public required IStandInHost Host { get; init; }

    /// <summary>Identity of the master (<see cref="IStandInHost.IdOf"/>).</summary>
    public required string MasterId { get; init; }

    /// <summary>Remembers what is on the host.</summary>
    public required IHostJournal Journal { get; init; }

    /// <summary>How packets are diverted.</summary>
    public DivertSettings Traffic { get; init; } = new();

    /// <summary>The port's mode.</summary>
    public PortMode Mode { get; init; } = PortMode.L3;

    /// <summary>The port's flag.</summary>
    public PortFlag Flag { get; init; }

    /// <summary>How long another owner of an address may take to answer (RFC 4862 section 5.1: RetransTimer).</summary>
    public TimeSpan ProbeTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the host is looked at although it told nothing, and duplicate addresses are tried again.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told what happened on the host, on a thread of the data path.</summary>
    public Action<HostEvent>? OnEvent { get; init; }
}
