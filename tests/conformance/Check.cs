using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>Records scenarios of a vector file again and holds the answers against those in the file: the recorder's own proof.</summary>
internal static class Check
{
    public static Draft ToDraft(Scenario scenario) => new(scenario.Name, scenario.Category, new Topology(scenario.Mode, scenario.Flag, scenario.Master, scenario.Interfaces),
        [.. scenario.Steps.Select(step => step.Inject is { } inject
            ? DraftStep.Inject(inject.At, Convert.FromHexString(inject.Frame), step.Comment)
            : DraftStep.Act(step.Action!.First().Key, step.Action!.First().Value))]);

    /// <summary>The judged steps that were compared, and a line for each that differs.</summary>
    public static (int Compared, IReadOnlyList<string> Differences) Compare(Scenario vector, Transcript transcript)
    {
        List<string> differences = [];
        var compared = 0;
        var steps = (JsonArray)transcript.Json["steps"]!;
        for (var i = 0; i < vector.Steps.Count; i++)
        {
            var wanted = vector.Steps[i];
            if (wanted.Decision is "stack" or "host" || (string?)steps[i]!["decision"] is "stack" or "host")
                continue;
            compared++;
            var got = VectorFile.Parse(transcript.Json.ToJsonString(), vector.Name).Steps[i];
            var (left, right) = (Describe(wanted), Describe(got));
            if (left != right)
                differences.Add($"{vector.Name} step {i}: the file has {left}, recorded now {right} ({wanted.Comment})");
        }
        return (compared, differences);
    }

    private static string Describe(ScenarioStep step)
    {
        if (step.Action is not null)
        {
            var after = step.After!.OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => $"{entry.Key} {entry.Value.Up} {entry.Value.Mtu} {entry.Value.Mac} [{string.Join(' ', entry.Value.Addresses)}] {entry.Value.Promiscuous} {entry.Value.Allmulti}");
            return $"{step.Result} {step.Port} {string.Join("; ", after)}";
        }
        var copies = step.Expect!.Select((copy, i) => (copy.At, Type: step.Types![i], copy.Frame))
            .Where(copy => step.NeighborMissing is null || copy.At != "wire")
            .Select(copy => $"{copy.At} {(copy.At == "wire" ? "" : copy.Type)} {(copy.Type == "lo/host" ? copy.Frame[24..] : copy.Frame)}");
        var counters = (step.Counters ?? new Dictionary<string, IReadOnlyDictionary<string, long>>()).OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => $"{entry.Key} {string.Join(' ', entry.Value.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key}={one.Value}"))}");
        return $"{string.Join(", ", copies)}; {string.Join(", ", counters)}; {step.SendError}; {step.NeighborMissing}";
    }
}
