using System.Globalization;
using System.Net;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.Service.Lifetime;

/// <summary>A setting that the file and the command line share. This table is the only place where they are written.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Option">Its name on the command line.</param>
/// <param name="Placeholder">Stands for the value in the usage.</param>
/// <param name="Legal">What the value must be, in words.</param>
/// <param name="Apply">The options with the value, or null where it is not legal.</param>
internal sealed record Setting(string Key, string Option, string Placeholder, string Legal, Func<ServiceOptions, string, ServiceOptions?> Apply)
{
    private const int MaxIdleSeconds = 30 * 24 * 3600;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("datapath", "--datapath", OperatingSystem.IsLinux() ? "linux|memory" : "auto|filter|windivert|memory", OperatingSystem.IsLinux() ? "linux or memory" : "auto, filter, windivert or memory",
            static (options, value) => value == "memory" || (value == "linux" && OperatingSystem.IsLinux()) || (value == "windivert" && DivertHost.IsPossible) || (value == "filter" && FilterHost.IsPossible) || (value == "auto" && !OperatingSystem.IsLinux())
                ? options with { Datapath = value } : null),
        new("logLevel", "--log-level", "info|warning|error", "info, warning or error",
            static (options, value) => value switch
            {
                "info" => options with { LogLevel = LogLevel.Info },
                "warning" => options with { LogLevel = LogLevel.Warning },
                "error" => options with { LogLevel = LogLevel.Error },
                _ => null,
            }),
        new("readerGroup", "--reader-group", "GROUP", "the name of a group, on Windows",
            static (options, value) => value.Length > 0 && OperatingSystem.IsWindows() ? options with { ReaderGroup = value } : null),
        new("prometheus", "--prometheus", "ADDRESS:PORT", "a loopback address and a port, such as 127.0.0.1:9464 or [::1]:9464: metrics are for this host alone",
            static (options, value) => ParseLoopback(value) is { } endpoint ? options with { Prometheus = endpoint } : null),
        new("metrics", "--metrics", "interface|port", "interface or port",
            static (options, value) => value switch
            {
                "interface" => options with { Metrics = MetricsDetail.Interface },
                "port" => options with { Metrics = MetricsDetail.Port },
                _ => null,
            }),
        new("idleTimeout", "--idle-timeout", "SECONDS", $"a number of seconds from 1 to {MaxIdleSeconds}, or 0 for none",
            static (options, value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= MaxIdleSeconds
                ? options with { IdleTimeout = seconds == 0 ? null : TimeSpan.FromSeconds(seconds) }
                : null),
        new("announce", "--announce", "on|off", "on or off",
            static (options, value) => value is "on" or "off" ? options with { Announces = value == "on" } : null),
    ];

    /// <summary>Null for anything but an address of the loopback with a port.</summary>
    private static IPEndPoint? ParseLoopback(string value)
    {
        var colon = value.LastIndexOf(':');
        return colon > 0
            && int.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort
            && IPEndPoint.TryParse(value, out var endpoint) && IPAddress.IsLoopback(endpoint.Address) && endpoint.Port == port
            ? endpoint
            : null;
    }
}
