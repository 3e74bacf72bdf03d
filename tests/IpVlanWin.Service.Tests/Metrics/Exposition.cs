using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace IpVlanWin.Service.Tests.Metrics;

/// <summary>
/// A strict reader of Prometheus' text format 0.0.4: HELP and TYPE once and before the samples, samples of a family together, names and
/// labels well-formed, no series twice, histograms cumulative and whole.
/// </summary>
internal sealed partial class Exposition
{
    private readonly Dictionary<string, string> _types = [];
    private readonly Dictionary<string, string> _helps = [];

    private Exposition()
    {
    }

    /// <summary>Values by "name{label=value,...}" with labels in the order they came and unescaped.</summary>
    public Dictionary<string, double> Samples { get; } = [];

    public IReadOnlyDictionary<string, string> Types => _types;

    public IReadOnlyDictionary<string, string> Helps => _helps;

    public static Exposition Parse(string text)
    {
        var read = new Exposition();
        Assert.IsTrue(text.EndsWith('\n'), "the last line has no end");
        string? family = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var parts = line["# HELP ".Length..].Split(' ', 2);
                family = parts[0];
                Assert.IsTrue(read._helps.TryAdd(family, parts[1]), line);
                Assert.IsFalse(read._types.ContainsKey(family), "TYPE before HELP: " + line);
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line["# TYPE ".Length..].Split(' ');
                Assert.HasCount(2, parts);
                Assert.AreEqual(family, parts[0], line);
                Assert.Contains(parts[1], new[] { "counter", "gauge", "histogram" });
                Assert.IsTrue(read._types.TryAdd(parts[0], parts[1]), line);
                Assert.AreEqual(parts[1] == "counter", parts[0].EndsWith("_total", StringComparison.Ordinal), line);
            }
            else
            {
                read.Take(line, family);
            }
        }
        read.CheckHistograms();
        return read;
    }

    private void Take(string line, string? family)
    {
        var match = Sample().Match(line);
        Assert.IsTrue(match.Success, "not a sample: " + line);
        var name = match.Groups["name"].Value;
        Assert.IsNotNull(family, line);
        Assert.IsTrue(_types.TryGetValue(family, out var type), line);
        Assert.Contains(name, type == "histogram" ? new[] { family + "_bucket", family + "_sum", family + "_count" } : [family]);
        var labels = new List<string>();
        for (var i = 0; i < match.Groups["key"].Captures.Count; i++)
            labels.Add(match.Groups["key"].Captures[i].Value + "=" + Unescape(match.Groups["value"].Captures[i].Value));
        Assert.HasCount(labels.Count, labels.Select(static label => label.Split('=')[0]).Distinct().ToArray(), line);
        var number = match.Groups["number"].Value;
        var value = number switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, "NaN" => double.NaN, _ => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture) };
        Assert.IsTrue(Samples.TryAdd(labels.Count == 0 ? name : $"{name}{{{string.Join(',', labels)}}}", value), "twice: " + line);
        Assert.IsTrue(type != "counter" || value >= 0, line);
    }

    private void CheckHistograms()
    {
        foreach (var family in _types.Where(static one => one.Value == "histogram").Select(static one => one.Key))
        {
            var series = Samples.Where(one => one.Key.StartsWith(family + "_bucket", StringComparison.Ordinal))
                .GroupBy(one => Bound().Replace(one.Key, ""));
            foreach (var one in series)
            {
                var counts = one.Select(static bucket => bucket.Value).ToArray();
                CollectionAssert.AreEqual(counts.Order().ToArray(), counts, one.Key + " is not cumulative");
                StringAssert.EndsWith(one.Last().Key, "le=+Inf}");
                var rest = one.Key.Replace("_bucket", "_count", StringComparison.Ordinal).Replace("{}", "", StringComparison.Ordinal);
                Assert.AreEqual(counts[^1], Samples[rest]);
                Assert.IsTrue(Samples.ContainsKey(rest.Replace("_count", "_sum", StringComparison.Ordinal)));
            }
        }
    }

    private static string Unescape(string value)
    {
        var text = new StringBuilder();
        for (var i = 0; i < value.Length; i++)
            text.Append(value[i] != '\\' ? value[i] : value[++i] == 'n' ? '\n' : value[i]);
        return text.ToString();
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>([^"\\\n]|\\[\\"n])*)"(,(?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>([^"\\\n]|\\[\\"n])*)")*\})? (?<number>NaN|[+-]Inf|[-+0-9.eE]+)$""", RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();

    [GeneratedRegex(",?le=[^,}]*")]
    private static partial Regex Bound();
}
