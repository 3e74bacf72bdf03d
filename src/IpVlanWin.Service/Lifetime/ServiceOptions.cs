using System.Net;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.Service.Lifetime;

/// <summary>What the service was told: by its settings file, and over that by its command line.</summary>
internal sealed record ServiceOptions
{
    /// <summary>Name under which the Windows service manager and the event log know it.</summary>
    public const string DefaultServiceName = "IpVlanWin";

    /// <summary>What auto comes to: a kind; or auto, for what is installed and usable when a port is made.</summary>
    public string Datapath { get; init; } = Host.DefaultDatapath;

    /// <summary>What is logged at least.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Info;

    /// <summary>On Windows, the group that may ask but not change; null for none.</summary>
    public string? ReaderGroup { get; init; }

    /// <summary>Where metrics are served as Prometheus' text; null for nowhere.</summary>
    public IPEndPoint? Prometheus { get; init; }

    /// <summary>How fine metrics are.</summary>
    public MetricsDetail Metrics { get; init; } = MetricsDetail.Interface;

    /// <summary>How long a client may stay silent; null for ever.</summary>
    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The wire is told, in l2, which addresses have come.</summary>
    public bool Announces { get; init; } = true;
}
