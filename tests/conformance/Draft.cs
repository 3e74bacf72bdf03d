using System.Text.Json;
using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>A step before it has an answer: a frame that enters somewhere, or an action.</summary>
internal sealed record DraftStep(string At, byte[] Frame, string Kind, ActionArguments? Arguments, string? Comment)
{
    public bool IsAction => Arguments is not null;

    public static DraftStep Inject(string at, byte[] frame, string? comment = null) => new(at, frame, "", null, comment);

    public static DraftStep Act(string kind, ActionArguments arguments) => new("", [], kind, arguments, null);

    public JsonObject ToJson()
    {
        if (Arguments is null)
            return new JsonObject { ["inject"] = new JsonObject { ["at"] = At, ["frame"] = Convert.ToHexStringLower(Frame) } };
        return new JsonObject { ["action"] = new JsonObject { [Kind] = JsonSerializer.SerializeToNode(Arguments, Draft.Json) } };
    }

    public override string ToString() => ToJson().ToJsonString();
}

/// <summary>A scenario before it has answers.</summary>
internal sealed record Draft(string Name, string Category, Topology Start, IReadOnlyList<DraftStep> Steps)
{
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What the guest is asked: the start, and each step with what the plan adds to it.</summary>
    public JsonObject ToJob()
    {
        var job = (JsonObject)JsonSerializer.SerializeToNode(Start, Json)!;
        var plan = new Plan(Start);
        var steps = new JsonArray();
        foreach (var step in Steps)
            steps.Add((JsonNode)plan.Prepare(step));
        job["steps"] = steps;
        return job;
    }
}
