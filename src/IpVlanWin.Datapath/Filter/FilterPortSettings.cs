using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Datapath.Filter;

/// <summary>A port of the filter driver.</summary>
public sealed record FilterPortSettings
{
    /// <summary>The driver; stays the caller's.</summary>
    public required FilterDriver Driver { get; init; }

    /// <summary>The host; becomes the data path's own.</summary>
    public required IFilterHost Host { get; init; }

    /// <summary>The master's name.</summary>
    public required string MasterName { get; init; }

    /// <summary>The master's NET_LUID.</summary>
    public required ulong MasterLuid { get; init; }

    /// <summary>The port's mode.</summary>
    public PortMode Mode { get; init; } = PortMode.L3;

    /// <summary>The port's flag.</summary>
    public PortFlag Flag { get; init; }

    /// <summary>How long another owner of an address may take to answer (RFC 4862 section 5.1: RetransTimer).</summary>
    public TimeSpan ProbeTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the host is looked at although nothing told of a change, and duplicate addresses are tried again.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told what happens, on a thread of the driver's, the host's or the port's.</summary>
    public Action<HostEvent>? OnEvent { get; init; }
}
