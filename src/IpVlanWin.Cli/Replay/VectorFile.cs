using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IpVlanWin.Cli.Replay;

/// <summary>Reads vector files, plain or gzip-compressed, one JSON object a line.</summary>
internal static class VectorFile
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <exception cref="CommandException">A line is not a scenario, there is none, or the file cannot be read.</exception>
    public static IEnumerable<Scenario> Read(string path) => ReadText(path).Select(static one => Parse(one.Line, one.Place));

    /// <summary>The lines as they stand.</summary>
    /// <exception cref="CommandException">There is none, or the file cannot be read.</exception>
    public static IEnumerable<string> ReadLines(string path) => ReadText(path).Select(static one => one.Line);

    private static IEnumerable<(string Line, string Place)> ReadText(string path)
    {
        using var reader = Open(path);
        var isEmpty = true;
        for (var number = 1; ; number++)
        {
            if (ReadLine(reader, path, number) is not { } line)
                break;
            if (line.Length == 0)
                continue;
            isEmpty = false;
            yield return (line, string.Create(CultureInfo.InvariantCulture, $"{path}: line {number}"));
        }
        if (isEmpty)
            throw CommandException.Refused($"{path}: holds no scenario");
    }

    private static StreamReader Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = File.OpenRead(path);
            var isCompressed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
            file.Position = 0;
            return new StreamReader(isCompressed ? new GZipStream(file, CompressionMode.Decompress) : file);
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            file?.Dispose();
            throw CommandException.Refused($"{(path.Length == 0 ? "--vectors" : path)}: cannot be read: {FileFaults.Describe(fault, path)}", fault);
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
            throw CommandException.Refused($"{path}: line {number}: damaged gzip data: {fault.Message}", fault);
        }
        catch (IOException fault)
        {
            throw CommandException.Refused($"{path}: line {number}: cannot be read: {FileFaults.Describe(fault, path)}", fault);
        }
    }

    /// <summary>Reads one scenario.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    public static Scenario Parse(string line, string place)
    {
        try
        {
            var scenario = JsonSerializer.Deserialize<Scenario>(line, Options)
                ?? throw CommandException.Refused($"{place}: null is not a scenario");
            return scenario with { Source = place };
        }
        catch (JsonException fault)
        {
            throw CommandException.Refused($"{place}: not a scenario: at {fault.Path ?? "$"}: {JsonFaults.Describe(fault)}", fault);
        }
    }
}
