using IpVlanWin.Cli.Replay;
using IpVlanWin.Driver.Tests;

namespace IpVlanWin.Conformance;

/// <summary>A port that is compared with recordings.</summary>
/// <param name="Name">For people.</param>
/// <param name="Open">Makes one in a scenario's starting state.</param>
internal sealed record Candidate(string Name, Func<Scenario, IReplayPort> Open)
{
    // A driver's library holds one driver.
    private static readonly Lock OneDriver = new();

    public static readonly Candidate Engine = new("engine", static scenario => new EnginePort(scenario));

    /// <summary>The driver's builds for tests; none where its compiler is missing.</summary>
    public static IReadOnlyList<Candidate> Driver()
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!Array.Exists(directories, directory => File.Exists(Path.Combine(directory, "clang"))))
            return [];
        return [Of("core", BenchOptions.None), Of("filter", BenchOptions.None), Of("filter", BenchOptions.Translate | BenchOptions.TagOutOfBand | BenchOptions.Split)];

        static Candidate Of(string target, BenchOptions options)
        {
            var library = NativeBuild.Library(target);
            return new Candidate(options == BenchOptions.None ? $"driver {target}" : $"driver {target} ({options})", scenario => new DriverPort(library, scenario, options));
        }
    }

    /// <summary>Where the port's answers are others than those recorded.</summary>
    public IReadOnlyList<Mismatch> Compare(Scenario scenario) => Compare(scenario, new List<Mismatch>(), out _);

    public IReadOnlyList<Mismatch> Compare(Scenario scenario, List<Mismatch> mismatches, out ReplayTotals totals)
    {
        totals = new ReplayTotals(mismatches.Add);
        if (this == Engine)
            Replay(totals);
        else
        {
            lock (OneDriver)
                Replay(totals);
        }
        return mismatches;

        void Replay(ReplayTotals totals)
        {
            using var port = Open(scenario);
            VectorReplay.Run(scenario, port, totals);
        }
    }
}

/// <summary>What many comparisons came to.</summary>
internal sealed class Tally
{
    /// <summary>Judged steps from which on ceilings hold.</summary>
    public const int LeastForCeilings = 1000;

    public int Scenarios { get; private set; }

    public int Steps { get; private set; }

    public int Judged { get; private set; }

    public SortedDictionary<string, int> Altered { get; } = new(StringComparer.Ordinal);

    public void Add(Transcript transcript)
    {
        Scenarios++;
        Steps += transcript.Draft.Steps.Count;
        Judged += transcript.Judged;
        foreach (var (deviation, count) in transcript.Altered)
            Altered[deviation] = Altered.GetValueOrDefault(deviation) + count;
    }

    /// <summary>
    /// How many steps each deviation altered, and which of them altered too many. Of fewer than <see cref="LeastForCeilings"/> steps no share
    /// can be told.
    /// </summary>
    public IReadOnlyList<string> Report(TextWriter output)
    {
        List<string> above = [];
        output.WriteLine($"{Scenarios} scenarios, {Steps} steps, {Judged} judged");
        foreach (var (deviation, ceiling) in Deviations.Ceilings)
        {
            var count = Altered.GetValueOrDefault(deviation);
            var share = Judged == 0 ? 0 : 100.0 * count / Judged;
            var line = FormattableString.Invariant($"{deviation} altered {count} steps, {share:0.00} % (ceiling {ceiling} %)");
            output.WriteLine(line);
            if (Judged >= LeastForCeilings && share > ceiling)
                above.Add(line);
        }
        return above;
    }
}
