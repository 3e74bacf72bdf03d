using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Lab;

/// <summary>What `ipvlan lab` was asked for.</summary>
internal sealed record LabOptions
{
    public const int MaxSeconds = 3600;

    /// <summary>Mode at the start; null where not asked for.</summary>
    public PortMode? Mode { get; init; }

    /// <summary>Flag at the start; null where not asked for.</summary>
    public PortFlag? Flag { get; init; }

    /// <summary>1 to <see cref="LabPlan.MaxInterfaces"/>.</summary>
    public int Interfaces { get; init; } = 3;

    /// <summary>Leave it running after the verdict, until interrupted.</summary>
    public bool Keep { get; init; }

    /// <summary>Folder for one pcapng file per place; null for none.</summary>
    public string? CaptureDirectory { get; init; }

    /// <summary>Length of each transfer.</summary>
    public TimeSpan TransferDuration { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The data path polls for a while before it blocks.</summary>
    public bool Spin { get; init; }

    /// <summary>In memory, even where namespaces could be made.</summary>
    public bool Simulate { get; init; }

    /// <summary>The mode the port starts in.</summary>
    public PortMode FirstMode => Mode ?? PortMode.L2;

    /// <summary>The flag the port starts with.</summary>
    public PortFlag FirstFlag => Flag ?? PortFlag.Bridge;

    /// <summary>Neither mode nor flag was asked for: shows the flags one after the other on the running port.</summary>
    public bool WalksFlags => Mode is null && Flag is null;
}
