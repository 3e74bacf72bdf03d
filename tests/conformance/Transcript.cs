using System.Text.Json;
using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>A recorded scenario in the conformance format, with the counts of what the deviations altered.</summary>
internal sealed class Transcript
{
    private readonly Draft _draft;
    private readonly Dictionary<string, Dictionary<string, long>> _judged = new(StringComparer.Ordinal);
    private PortModel _port;

    private Transcript(Draft draft, JsonObject start)
    {
        _draft = draft;
        _port = new PortModel(draft.Start, start);
    }

    /// <summary>The scenario.</summary>
    public JsonObject Json { get; private set; } = [];

    /// <summary>Steps that each deviation altered.</summary>
    public SortedDictionary<string, int> Altered { get; } = new(StringComparer.Ordinal);

    public int Judged { get; private set; }

    public Draft Draft => _draft;

    /// <exception cref="InvalidOperationException">The guest could not set it up.</exception>
    public static Transcript Of(Draft draft, JsonObject answer)
    {
        if (answer["fault"] is { } fault)
            throw new InvalidOperationException($"scenario {draft.Name}: {(string)fault!}");
        var start = (JsonObject)answer["start"]!;
        var transcript = new Transcript(draft, start);
        transcript.Build(start, (JsonArray)answer["steps"]!);
        return transcript;
    }

    /// <summary>The same as the replayer reads it.</summary>
    public Scenario ToScenario() => VectorFile.Parse(Json.ToJsonString(), _draft.Name);

    private void Build(JsonObject start, JsonArray answers)
    {
        var steps = new JsonArray();
        for (var i = 0; i < _draft.Steps.Count; i++)
        {
            var step = _draft.Steps[i];
            var json = step.ToJson();
            foreach (var (key, value) in (step.IsAction ? Act(step, (JsonObject)answers[i]!) : Inject(step, (JsonObject)answers[i]!)).ToList())
                json[key] = value?.DeepClone();
            if (step.Comment is not null)
                json["comment"] = step.Comment;
            steps.Add((JsonNode)json);
        }
        var interfaces = new JsonArray();
        foreach (var declared in _draft.Start.Interfaces)
        {
            var after = start["after"]![declared.Name]!;
            interfaces.Add((JsonNode)new JsonObject
            {
                ["name"] = declared.Name,
                ["up"] = declared.Up,
                ["addresses"] = new JsonArray([.. (declared.Addresses ?? []).Select(address => (JsonNode)address)]),
                ["multicast"] = after["multicast"]!.DeepClone(),
                ["promiscuous"] = declared.Promiscuous,
                ["allmulti"] = declared.Allmulti,
            });
        }
        Json = new JsonObject
        {
            ["name"] = _draft.Name,
            ["category"] = _draft.Category,
            ["mode"] = _draft.Start.Mode,
            ["flag"] = _draft.Start.Flag,
            ["master"] = JsonSerializer.SerializeToNode(_draft.Start.Master, Draft.Json),
            ["interfaces"] = interfaces,
            ["steps"] = steps,
            ["statistics"] = new JsonObject(_judged.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry =>
                KeyValuePair.Create(entry.Key, (JsonNode?)new JsonObject(entry.Value.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value)))))),
        };
    }

    private JsonObject Inject(DraftStep step, JsonObject answer)
    {
        var linux = Observation.Read(answer, step, _port);
        linux.Decision = Judgement.Of(step, _port, linux);
        Outcome? twin = null;
        var twinFrame = step.Frame;
        if (answer["twin"] is JsonObject other)
        {
            twinFrame = Convert.FromHexString((string)other["frame"]!);
            var twinStep = step with { Frame = twinFrame };
            twin = Observation.Read(other, twinStep, _port);
            twin.Decision = Judgement.Of(twinStep, _port, twin);
        }
        var (expected, applied) = Deviations.Apply(step, _port, linux, twin, twinFrame);
        expected.Decision = expected.Decision == "stack" ? "stack" : twin is null ? linux.Decision : expected.Decision;
        var json = expected.ToJson();
        if (step.At == "wire" && (!_port.IsUp || step.Frame.Length < 14 || step.Frame.Length > _port.Mtu + 18))
            json["artefact"] = "wire-refused";
        else if (step.At != "wire" && Judgement.IsRefused(step, _port))
            json["artefact"] = "send-refused";
        Deviate(json, applied, linux.ToJson());
        if (expected.Decision is not "stack")
            Count(expected, applied);
        return json;
    }

    private JsonObject Act(DraftStep step, JsonObject answer)
    {
        var result = (string)answer["result"]!;
        var linux = new JsonObject { ["result"] = result, ["port"] = answer["port"]!.DeepClone(), ["after"] = answer["after"]!.DeepClone() };
        List<string> applied = [];
        var state = answer;
        var json = (JsonObject)linux.DeepClone();
        if (answer["then"] is JsonObject led)
        {
            state = led;
            json["port"] = led["port"]!.DeepClone();
            json["after"] = led["after"]!.DeepClone();
            if (step.Kind == "set-mtu" && step.Arguments!.Interface != _draft.Start.Master.Name && result == "ok")
                json["result"] = "EINVAL";
            if (json.ToJsonString() != linux.ToJsonString())
                applied.Add(step.Kind == "link-add" ? "D6" : "D7");
        }
        _port.Take(state);
        _port.FollowHost(step.Kind, step.Arguments!, result);
        // A port without interfaces has no mode and no flag (semantics 59).
        if (_port.After.Count == 0)
            json.Remove("port");
        Deviate(json, applied, linux);
        Judged++;
        foreach (var deviation in applied)
            Altered[deviation] = Altered.GetValueOrDefault(deviation) + 1;
        return json;
    }

    private static void Deviate(JsonObject json, List<string> applied, JsonObject linux)
    {
        if (applied.Count == 0)
            return;
        json["deviation"] = new JsonArray([.. applied.Order(StringComparer.Ordinal).Select(one => (JsonNode)one)]);
        json["linux"] = linux;
    }

    private void Count(Outcome expected, List<string> applied)
    {
        Judged++;
        foreach (var deviation in applied)
            Altered[deviation] = Altered.GetValueOrDefault(deviation) + 1;
        foreach (var (name, counters) in expected.Counters)
        {
            var sums = _judged.TryGetValue(name, out var known) ? known : _judged[name] = [];
            foreach (var (counter, value) in counters)
                sums[counter] = sums.GetValueOrDefault(counter) + value;
        }
    }
}
