using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IpVlanWin.Cli.Replay;

/// <summary>One scenario of a vector set: a starting state and steps (conformance format, section 1).</summary>
internal sealed record Scenario(
    string Name,
    string Category,
    string Mode,
    string Flag,
    ScenarioMaster Master,
    IReadOnlyList<ScenarioInterface> Interfaces,
    IReadOnlyList<ScenarioStep> Steps,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>>? Statistics);

/// <summary>The lower adapter and the host's configuration on it (section 2).</summary>
internal sealed record ScenarioMaster(
    string Name,
    string Mac,
    int Mtu,
    IReadOnlyList<string>? Addresses = null,
    IReadOnlyList<ScenarioRoute>? Routes = null,
    IReadOnlyList<ScenarioNeighbor>? Neighbors = null);

internal sealed record ScenarioRoute(string Destination, string Via);

internal sealed record ScenarioNeighbor(string Address, string Mac);

/// <summary>One interface at the start (section 2).</summary>
internal sealed record ScenarioInterface(
    string Name,
    bool Up = true,
    IReadOnlyList<string>? Addresses = null,
    IReadOnlyList<string>? Multicast = null,
    bool Promiscuous = false,
    bool Allmulti = false);

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

/// <summary>Reads vector files, plain or gzip-compressed, one JSON object a line.</summary>
internal static class VectorFile
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectRequiredConstructorParameters = true,
    };

    /// <exception cref="CommandException">A line is not a scenario, or the file cannot be read.</exception>
    public static IEnumerable<Scenario> Read(string path)
    {
        using var reader = Open(path);
        for (var number = 1; ; number++)
        {
            if (ReadLine(reader, path, number) is not { } line)
                yield break;
            if (line.Length > 0)
                yield return Parse(line, path, number);
        }
    }

    private static StreamReader Open(string path)
    {
        try
        {
            Stream file = File.OpenRead(path);
            var isCompressed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
            file.Position = 0;
            return new StreamReader(isCompressed ? new GZipStream(file, CompressionMode.Decompress) : file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Refused($"{path}: cannot be read: {fault.Message}");
        }
    }

    private static string? ReadLine(StreamReader reader, string path, int number)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (InvalidDataException fault)
        {
            throw CommandException.Refused($"{path}: line {number}: damaged gzip data: {fault.Message}");
        }
    }

    private static Scenario Parse(string line, string path, int number)
    {
        try
        {
            return JsonSerializer.Deserialize<Scenario>(line, Options)
                ?? throw CommandException.Refused($"{path}: line {number}: null is not a scenario");
        }
        catch (JsonException fault)
        {
            throw CommandException.Refused($"{path}: line {number}: not a scenario: {fault.Message}");
        }
    }
}
