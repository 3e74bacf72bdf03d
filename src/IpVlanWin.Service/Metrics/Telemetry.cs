using System.Diagnostics;
using System.Diagnostics.Metrics;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Metrics;

/// <summary>
/// The service's instruments, named as OpenTelemetry's semantic conventions ask: dots, no unit in the name, units in UCUM, attributes of
/// the conventions where they have one. One meter a service, so that two in one process are told apart.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "IpVlanWin";

    /// <summary>Most interfaces that are told one by one.</summary>
    public const int MaxInterfaces = 1000;

    private static readonly string s_version = typeof(Telemetry).Assembly.GetName().Version!.ToString(3);

    // In seconds; those that the conventions advise for calls, with finer ones below: most calls here take less than a millisecond.
    private static readonly double[] s_seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Histogram<double> _rpc;
    private readonly Histogram<double> _reconcile;
    private readonly Counter<long> _drift;
    private readonly Counter<long> _refused;
    private readonly UpDownCounter<long> _connections;

    public Telemetry()
    {
        Meter = new Meter(new MeterOptions(Name) { Version = s_version, Scope = this });
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = s_seconds };
        _rpc = Meter.CreateHistogram("ipvlan.rpc.duration", "s", "Time from a message read to its answer made; a batch is one.", null, advice);
        _reconcile = Meter.CreateHistogram("ipvlan.reconcile.duration", "s", "Time of a pass over desired and actual state.", null, advice);
        _drift = Meter.CreateCounter<long>("ipvlan.reconcile.drift", "{difference}", "Differences that something else had made and a full pass mended.");
        _refused = Meter.CreateCounter<long>("ipvlan.rpc.connections.refused", "{connection}", "Clients turned away: no room, or no right.");
        _connections = Meter.CreateUpDownCounter<long>("ipvlan.rpc.connections", "{connection}", "Clients connected.");
    }

    /// <summary>Spans of requests and passes.</summary>
    public static ActivitySource Activities { get; } = new(Name, s_version);

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <param name="state">What should be.</param>
    /// <param name="find">What runs for a master, or null.</param>
    /// <param name="detail">How fine.</param>
    /// <summary>Adds the instruments that are read when somebody asks: nothing is counted twice and nothing costs while nobody looks.</summary>
    public void Watch(DesiredState state, Func<string, PortRuntime?> find, MetricsDetail detail)
    {
        var traffic = new TrafficReadings(state, find, detail, TimeProvider.System);
        Meter.CreateObservableCounter("ipvlan.interface.io", traffic.Bytes, "By", "Bytes of frames, Ethernet header included, as the interface sees them.");
        Meter.CreateObservableCounter("ipvlan.interface.packets", traffic.Packets, "{packet}", "Frames, as the interface sees them.");
        Meter.CreateObservableCounter("ipvlan.interface.errors", traffic.Errors, "{error}", "Frames too long to be received, and frames the port refused to send.");
        Meter.CreateObservableCounter("ipvlan.frames.dropped", traffic.Drops, "{frame}", "Frames that went nowhere, by reason.");
        Meter.CreateObservableUpDownCounter("ipvlan.port.interfaces", traffic.InterfaceCounts, "{interface}", "Interfaces of a port.");
        Meter.CreateObservableGauge("ipvlan.port.up", traffic.PortsUp, null, "1 where the port's data path runs and its master is up, else 0.");
        Meter.CreateObservableGauge("ipvlan.interface.faults", traffic.Faults, "{interface}", "Interfaces that could not be made as they should be.");
        Meter.CreateObservableUpDownCounter("ipvlan.state.interfaces", () => (long)state.Current.Interfaces.Count, "{interface}", "Interfaces that should exist.");
        Meter.CreateObservableUpDownCounter("ipvlan.state.ports", () => (long)state.Current.Ports.Count, "{port}", "Ports that should exist.");
        Meter.CreateObservableCounter("ipvlan.state.changes", () => state.Current.Version, "{change}", "Transactions ever stored.");
    }

    /// <summary>A message was answered.</summary>
    /// <param name="method">A method of the contract, batch, or _OTHER: never what a client made up.</param>
    /// <param name="error">What it was refused for, or null.</param>
    /// <param name="started">Timestamp of its beginning.</param>
    public void Answered(string method, ErrorCode? error, long started)
    {
        var tags = new TagList { { "rpc.system.name", "jsonrpc" }, { "rpc.method", method } };
        if (error is not null)
            tags.Add("error.type", error.Name);
        _rpc.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tags);
    }

    /// <summary>A pass has ended.</summary>
    public void Reconciled(bool isFull, int drift, long started)
    {
        _reconcile.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("ipvlan.reconcile.scope", isFull ? "full" : "changed"));
        if (drift > 0)
            _drift.Add(drift);
    }

    /// <summary>A client came (1) or went (-1).</summary>
    public void Connected(int difference) => _connections.Add(difference);

    /// <summary>A client was turned away.</summary>
    public void Refused(ErrorCode why) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", why.Name));

    public void Dispose() => Meter.Dispose();
}
