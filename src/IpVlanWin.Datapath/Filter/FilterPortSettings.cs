using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Datapath.Filter;

/// <summary>Something happened that a port does not mend by itself.</summary>
public enum FilterEventKind
{
    /// <summary>The filter is on the adapter (again).</summary>
    AdapterCame,

    /// <summary>The adapter went, or the filter was taken from it.</summary>
    AdapterWent,

    /// <summary>The driver had to drop events.</summary>
    EventsLost,

    /// <summary>The driver has no room for all of the host's addresses, routes or neighbors.</summary>
    LimitReached,

    /// <summary>The operating system refused what the port asked for by itself.</summary>
    HostRefused,
}

/// <summary>What happened to a port.</summary>
/// <param name="Kind">What.</param>
/// <param name="Subject">The master's or interface's name.</param>
/// <param name="Text">One sentence.</param>
public sealed record FilterEvent(FilterEventKind Kind, string Subject, string Text);

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

    /// <summary>Told what happens, on a thread of the driver's or the host's.</summary>
    public Action<FilterEvent>? OnEvent { get; init; }
}
