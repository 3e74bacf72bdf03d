using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace IpVlanWin.Service.Metrics;

/// <summary>One instrument as Prometheus' text format 0.0.4 has it: its name, its kind and its series by their labels. Guarded by its owner.</summary>
internal sealed class MetricFamily
{
    private readonly string _type;
    private readonly double[]? _bounds;
    private readonly SortedDictionary<string, double> _values = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Buckets> _histograms = new(StringComparer.Ordinal);

    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType().Name;
        _type = kind.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : kind.StartsWith("Counter", StringComparison.Ordinal) || kind.StartsWith("ObservableCounter", StringComparison.Ordinal) ? "counter" : "gauge";
        // A total of what goes up only; of anything else there is just the last value.
        IsSum = !instrument.IsObservable && !kind.StartsWith("Gauge", StringComparison.Ordinal);
        IsObservable = instrument.IsObservable;
        Name = NameOf(instrument.Name, instrument.Unit, _type);
        Help = instrument.Description ?? instrument.Name;
        if (instrument is Histogram<double> histogram)
            _bounds = [.. histogram.Advice?.HistogramBucketBoundaries ?? []];
    }

    public string Name { get; }

    public string Help { get; }

    public bool IsObservable { get; }

    private bool IsSum { get; }

    /// <summary>Before the next reading of an observable instrument: series that are gone are not repeated.</summary>
    public void Clear() => _values.Clear();

    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = LabelsOf(tags);
        if (_bounds is not null)
        {
            if (!_histograms.TryGetValue(labels, out var buckets))
                _histograms.Add(labels, buckets = new Buckets(new long[_bounds.Length + 1]));
            var at = Array.BinarySearch(_bounds, value);
            buckets.Counts[at < 0 ? ~at : at]++;
            buckets.Sum += value;
            return;
        }
        _values[labels] = IsSum ? _values.GetValueOrDefault(labels) + value : value;
    }

    public void Write(StringBuilder text)
    {
        if (_values.Count == 0 && _histograms.Count == 0)
            return;
        text.Append("# HELP ").Append(Name).Append(' ').Append(Escape(Help, isLabel: false)).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');
        foreach (var (labels, value) in _values)
            Line(text, "", labels, null, value);
        foreach (var (labels, buckets) in _histograms)
        {
            var total = 0L;
            for (var i = 0; i < buckets.Counts.Length; i++)
            {
                total += buckets.Counts[i];
                Line(text, "_bucket", labels, i < _bounds!.Length ? Number(_bounds[i]) : "+Inf", total);
            }
            Line(text, "_sum", labels, null, buckets.Sum);
            Line(text, "_count", labels, null, total);
        }
    }

    /// <summary>OpenTelemetry's rules for Prometheus: dots become underscores, the unit is written out, counters end in _total.</summary>
    internal static string NameOf(string name, string? unit, string type)
    {
        var suffix = unit switch { "By" => "_bytes", "s" => "_seconds", _ => "" };
        return Plain(name) + suffix + (type == "counter" ? "_total" : "");
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(Plain(key)).Append("=\"");
            text.Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", isLabel: true)).Append('"');
        }
        return text.ToString();
    }

    private static string Plain(string name) => string.Create(name.Length, name, static (span, name) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(name[i]) || name[i] == '_' ? name[i] : '_';
    });

    private static string Escape(string value, bool isLabel)
    {
        value = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? value.Replace("\"", "\\\"", StringComparison.Ordinal) : value;
    }

    private void Line(StringBuilder text, string suffix, string labels, string? bound, double value)
    {
        text.Append(Name).Append(suffix);
        if (labels.Length > 0 || bound is not null)
        {
            text.Append('{').Append(labels);
            if (bound is not null)
                text.Append(labels.Length > 0 ? "," : "").Append("le=\"").Append(bound).Append('"');
            text.Append('}');
        }
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => double.IsNaN(value) ? "NaN"
        : double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        // Counters stay whole numbers up to 2^53 and beyond.
        : value == Math.Floor(value) && Math.Abs(value) < 1e18 ? ((long)value).ToString(CultureInfo.InvariantCulture)
        : value.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Buckets(long[] counts)
    {
        public long[] Counts { get; } = counts;

        public double Sum { get; set; }
    }
}
