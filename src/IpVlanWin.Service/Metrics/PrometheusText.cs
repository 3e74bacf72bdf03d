using System.Diagnostics.Metrics;
using System.Text;

namespace IpVlanWin.Service.Metrics;

/// <summary>Gathers what one meter measures, and writes it as Prometheus' text format 0.0.4. Any thread may call.</summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();

    // Guards _families and what is in them.
    private readonly Lock _lock = new();
    private readonly List<MetricFamily> _families = [];

    // One collection at a time: two would mix their readings.
    private readonly Lock _collecting = new();

    public PrometheusText(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!ReferenceEquals(instrument.Meter, meter))
                return;
            var family = new MetricFamily(instrument);
            lock (_lock)
                _families.Add(family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, family) => Take(value, tags, family));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, family) => Take(value, tags, family));
        _listener.Start();
    }

    /// <summary>Everything as it is now.</summary>
    public string Collect()
    {
        lock (_collecting)
        {
            lock (_lock)
            {
                foreach (var family in _families)
                {
                    if (family.IsObservable)
                        family.Clear();
                }
            }
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            lock (_lock)
            {
                foreach (var family in _families.OrderBy(static family => family.Name, StringComparer.Ordinal))
                    family.Write(text);
            }
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? family)
    {
        lock (_lock)
            ((MetricFamily)family!).Take(value, tags);
    }
}
