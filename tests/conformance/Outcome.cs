using System.Text.Json.Nodes;

namespace IpVlanWin.Conformance;

/// <summary>A frame that came out somewhere.</summary>
internal sealed record Copy(string At, string Type, byte[] Frame);

/// <summary>What a frame came to.</summary>
internal sealed class Outcome
{
    public List<Copy> Copies { get; init; } = [];

    public SortedDictionary<string, SortedDictionary<string, long>> Counters { get; init; } = new(StringComparer.Ordinal);

    public string? SendError { get; set; }

    public string Decision { get; set; } = "driver";

    public string? NeighborMissing { get; set; }

    public long Counter(string name, string counter) => Counters.GetValueOrDefault(name)?.GetValueOrDefault(counter) ?? 0;

    public bool Same(Outcome other) => ToJson().ToJsonString() == other.ToJson().ToJsonString();

    public Outcome Clone() => new()
    {
        Copies = [.. Copies],
        Counters = new(Counters.ToDictionary(entry => entry.Key, entry => new SortedDictionary<string, long>(entry.Value, StringComparer.Ordinal)), StringComparer.Ordinal),
        SendError = SendError,
        Decision = Decision,
        NeighborMissing = NeighborMissing,
    };

    /// <summary>The keys of an inject step's answer (conformance format, section 3).</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["expect"] = new JsonArray([.. Copies.Select(copy => (JsonNode)new JsonObject { ["at"] = copy.At, ["frame"] = Convert.ToHexStringLower(copy.Frame) })]),
            ["types"] = new JsonArray([.. Copies.Select(copy => (JsonNode)copy.Type)]),
        };
        var counters = new JsonObject();
        foreach (var (name, values) in Counters)
        {
            if (values.Count > 0)
                counters[name] = new JsonObject(values.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
        }
        if (counters.Count > 0)
            json["counters"] = counters;
        if (SendError is not null)
            json["sendError"] = SendError;
        json["decision"] = Decision;
        if (NeighborMissing is not null)
            json["neighborMissing"] = NeighborMissing;
        return json;
    }
}
