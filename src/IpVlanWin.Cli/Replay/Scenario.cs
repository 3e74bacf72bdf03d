using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IpVlanWin.Cli.Replay;

/// <summary>One scenario of a vector set: a starting state and steps (conformance format, section 1).</summary>
internal sealed record Scenario(
    string Name,
    string Category,
    string Mode,
    string Flag,
    TopologyMaster Master,
    IReadOnlyList<TopologyInterface> Interfaces,
    IReadOnlyList<ScenarioStep> Steps,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>>? Statistics)
    : Topology(Mode, Flag, Master, Interfaces)
{
    /// <summary>File and line it was read from, for messages.</summary>
    [JsonIgnore]
    public string Source { get; init; } = "";

    /// <summary>Where something is wrong, for messages.</summary>
    [JsonIgnore]
    public string Place => Source.Length == 0 ? $"scenario '{Name}'" : $"{Source}: scenario '{Name}'";
}

/// <summary>An inject or an action step (section 3).</summary>
internal sealed record ScenarioStep
{
    public PlacedFrame? Inject { get; init; }

    public IReadOnlyList<PlacedFrame>? Expect { get; init; }

    public IReadOnlyList<string>? Types { get; init; }

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>>? Counters { get; init; }

    public string? SendError { get; init; }

    public string? Decision { get; init; }

    public string? NeighborMissing { get; init; }

    public string? Artefact { get; init; }

    public IReadOnlyList<string>? Deviation { get; init; }

    public string? Comment { get; init; }

    public Dictionary<string, ActionArguments>? Action { get; init; }

    public string? Result { get; init; }

    public PortAfter? Port { get; init; }

    public IReadOnlyDictionary<string, InterfaceAfter>? After { get; init; }
}

internal sealed record PlacedFrame(string At, string Frame);

internal sealed record ActionArguments(
    string? Interface = null,
    string? Address = null,
    [property: JsonConverter(typeof(WordOrNumber))] string? Mode = null,
    [property: JsonConverter(typeof(WordOrNumber))] string? Flag = null,
    bool? On = null,
    string? Mac = null,
    int? Mtu = null);

internal sealed record PortAfter(string Mode, string Flag, bool Up, int Mtu);

internal sealed record InterfaceAfter(
    bool Up,
    int Mtu,
    string Mac,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<string> Multicast,
    bool Promiscuous,
    bool Allmulti);

/// <summary>A mode or flag may be given as a number that stands for no known value.</summary>
internal sealed class WordOrNumber : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetInt64().ToString(CultureInfo.InvariantCulture) : reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
