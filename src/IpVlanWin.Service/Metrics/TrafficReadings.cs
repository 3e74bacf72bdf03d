using System.Diagnostics.Metrics;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Metrics;

/// <summary>What the data paths have counted, as measurements. All instruments of one collection share one reading.</summary>
internal sealed class TrafficReadings(DesiredState state, Func<string, PortRuntime?> find, MetricsDetail detail, TimeProvider time)
{
    private const string InterfaceTag = "network.interface.name", DirectionTag = "network.io.direction", MasterTag = "ipvlan.master", ReasonTag = "ipvlan.drop.reason";

    // Shorter than anybody's collection period, longer than one collection takes.
    private static readonly TimeSpan s_fresh = TimeSpan.FromMilliseconds(250);

    // Guards _reading and _readAt.
    private readonly Lock _lock = new();
    private Reading? _reading;
    private long _readAt;

    public IEnumerable<Measurement<long>> Bytes() => Both(static sum => sum.RxBytes, static sum => sum.TxBytes);

    public IEnumerable<Measurement<long>> Packets() => Both(static sum => sum.RxPackets, static sum => sum.TxPackets);

    public IEnumerable<Measurement<long>> Errors() => Both(static sum => sum.RxErrors, static sum => sum.TxDropped);

    public IEnumerable<Measurement<long>> Drops() =>
        Read().Ports.Where(static port => port.Status is not null).SelectMany(static port => port.Status!.Drops.Select(drop =>
            new Measurement<long>(drop.Value, Tag(MasterTag, port.Master), Tag(ReasonTag, drop.Key.Word()))));

    public IEnumerable<Measurement<long>> InterfaceCounts() => Read().Ports.Select(static port => new Measurement<long>(port.Interfaces, Tag(MasterTag, port.Master)));

    public IEnumerable<Measurement<long>> PortsUp() => Read().Ports.Select(static port => new Measurement<long>(port.Status is { IsUp: true } ? 1 : 0, Tag(MasterTag, port.Master)));

    public IEnumerable<Measurement<long>> Faults() => Read().Ports.Select(static port => new Measurement<long>(port.Faults, Tag(MasterTag, port.Master)));

    private IEnumerable<Measurement<long>> Both(Func<CounterValues, long> receive, Func<CounterValues, long> transmit)
    {
        foreach (var series in Read().Traffic)
        {
            yield return Measure(receive(series.Sum), series, "receive");
            yield return Measure(transmit(series.Sum), series, "transmit");
        }
    }

    private static Measurement<long> Measure(long value, Series series, string direction) => series.Interface is null
        ? new Measurement<long>(value, Tag(MasterTag, series.Master), Tag(DirectionTag, direction))
        : new Measurement<long>(value, Tag(MasterTag, series.Master), Tag(InterfaceTag, series.Interface), Tag(DirectionTag, direction));

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);

    private Reading Read()
    {
        lock (_lock)
        {
            if (_reading is null || time.GetElapsedTime(_readAt) > s_fresh)
                (_reading, _readAt) = (ReadNow(), time.GetTimestamp());
            return _reading;
        }
    }

    private Reading ReadNow()
    {
        var model = state.Current;
        var isByInterface = detail == MetricsDetail.Interface && model.Interfaces.Count <= Telemetry.MaxInterfaces;
        var ports = new List<PortReading>();
        var traffic = new List<Series>();
        foreach (var port in model.Ports.Values)
        {
            var runtime = find(port.Master);
            ports.Add(new PortReading(port.Master, port.Count, runtime?.Faults.Count ?? 0, runtime?.Running?.Port));
            if (runtime?.Running is not { } running)
                continue;
            var sum = default(CounterValues);
            foreach (var one in running.Interfaces)
            {
                if (isByInterface)
                    traffic.Add(new Series(port.Master, one.Name, one.Counters));
                else
                    sum = Add(sum, one.Counters);
            }
            if (!isByInterface)
                traffic.Add(new Series(port.Master, null, sum));
        }
        return new Reading(ports, traffic);
    }

    private static CounterValues Add(CounterValues a, CounterValues b) => new(
        a.RxPackets + b.RxPackets, a.RxBytes + b.RxBytes, a.Multicast + b.Multicast, a.TxPackets + b.TxPackets, a.TxBytes + b.TxBytes,
        a.RxErrors + b.RxErrors, a.TxDropped + b.TxDropped);

    /// <summary>Traffic of an interface, or of a whole port where it names none.</summary>
    private readonly record struct Series(string Master, string? Interface, CounterValues Sum);

    private sealed record PortReading(string Master, int Interfaces, int Faults, PortStatus? Status);

    private sealed record Reading(List<PortReading> Ports, List<Series> Traffic);
}
