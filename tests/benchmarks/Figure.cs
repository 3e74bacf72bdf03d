using System.Text.Json;
using System.Text.Json.Serialization;

namespace IpVlanWin.Benchmarks;

/// <summary>One measured figure; a line of output and an object of the JSON file.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Unit of median, least and target.</param>
/// <param name="Median">Median over the rounds.</param>
internal sealed record Figure(string Name, string Unit, double Median)
{
    /// <summary>Least over the rounds: what the figure is when nobody else uses the machine.</summary>
    public double? Least { get; init; }

    /// <summary>A frame's part of the time of the slowest batch among a hundred.</summary>
    public double? BatchP99 { get; init; }

    /// <summary>What is to be reached; compared with the median.</summary>
    public double? Target { get; init; }

    /// <summary>More is better, so the target is a lower bound.</summary>
    public bool IsMoreBetter { get; init; }

    /// <summary>Managed bytes allocated for each frame.</summary>
    public double? AllocatedBytes { get; init; }

    /// <summary>Medians of the ratios, each taken within one round.</summary>
    public IReadOnlyDictionary<string, double>? Ratios { get; init; }

    /// <summary>The target is reached; null where there is none.</summary>
    public bool? IsReached => Target is not { } target ? null
        : (IsMoreBetter ? Median >= target : Median <= target) && AllocatedBytes is null or < 0.001;

    public override string ToString()
    {
        var line = $"{Name,-44} {Number(Median),9} {Unit,-6}";
        if (Least is { } least)
            line += $" least {Number(least),7}";
        if (BatchP99 is { } p99)
            line += $" p99 {Number(p99),7}";
        if (AllocatedBytes is { } bytes)
            line += $"  {bytes:0.###} B/frame";
        if (Ratios is not null)
            line += "  " + string.Join("  ", Ratios.Select(static ratio => $"{ratio.Key} x{ratio.Value:0.00}"));
        if (Target is { } target)
            line += $"  target {(IsMoreBetter ? ">=" : "<=")} {Number(target)} {(IsReached == true ? "PASS" : "FAIL")}";
        return line;
    }

    private static string Number(double value) => Math.Abs(value) >= 1000 ? value.ToString("0") : value.ToString("0.0#");
}

/// <summary>Writes figures as they come and, at the end, all of them as JSON.</summary>
internal sealed class Report(TextWriter output)
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly List<Figure> _figures = [];

    public void Line(string text) => output.WriteLine(text);

    public void Add(Figure figure)
    {
        _figures.Add(figure);
        output.WriteLine(figure);
    }

    /// <summary>For the file alone.</summary>
    public void Record(Figure figure)
    {
        if (double.IsFinite(figure.Median))
            _figures.Add(figure);
    }

    public void WriteJson(FileInfo? file)
    {
        if (file is null)
            return;
        try
        {
            File.WriteAllText(file.FullName, JsonSerializer.Serialize(_figures, Options) + "\n");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BenchmarkException($"cannot write {file.FullName}: {fault.Message}", fault);
        }
    }
}

/// <summary>A benchmark that cannot run; its message is the one line that the user sees.</summary>
internal sealed class BenchmarkException(string message, Exception? cause = null) : Exception(message, cause);
