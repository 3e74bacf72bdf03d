using System.Net;

namespace IpVlanWin.Service.Metrics;

/// <summary>How fine metrics are: every distinct set of attributes costs memory wherever it is collected.</summary>
internal enum MetricsDetail
{
    /// <summary>Traffic by interface, up to <see cref="Telemetry.MaxInterfaces"/> interfaces in all; beyond that by port.</summary>
    Interface,

    /// <summary>Traffic by port.</summary>
    Port,
}

/// <summary>What is measured and where it is served.</summary>
/// <param name="Detail">How fine.</param>
/// <param name="Prometheus">A loopback address, or null for nowhere.</param>
internal sealed record MetricsSettings(MetricsDetail Detail = MetricsDetail.Interface, IPEndPoint? Prometheus = null);
