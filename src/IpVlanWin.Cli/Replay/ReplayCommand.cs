using System.CommandLine;

namespace IpVlanWin.Cli.Replay;

/// <summary>`ipvlan replay`: conformance vectors, or a capture through a topology.</summary>
internal static class ReplayCommand
{
    public static Command Create()
    {
        var vectors = new Option<string[]>("--vectors")
        {
            Description = "Judge the engine by conformance vectors (.jsonl or .jsonl.gz).",
            HelpName = "FILE...",
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("replay", "Run recorded frames through the engine, without devices.") { vectors };
        command.SetAction(result => result.GetValue(vectors) is { Length: > 0 } files
            ? RunVectors(files, Console.Out)
            : throw CommandException.Syntax("replay needs --vectors FILE..."));
        return command;
    }

    private static int RunVectors(IEnumerable<string> files, TextWriter output)
    {
        var totals = new ReplayTotals(mismatch => output.WriteLine(
            $"{mismatch.Scenario} step {mismatch.Step}: {mismatch.What}: expected {mismatch.Expected}, got {mismatch.Got}{(mismatch.Comment is null ? "" : $" ({mismatch.Comment})")}"));
        foreach (var file in files)
        {
            foreach (var scenario in VectorFile.Read(file))
                VectorReplay.Run(scenario, totals);
        }
        output.WriteLine($"{totals.Scenarios} scenarios; judged steps: {string.Join(", ", totals.JudgedByClass.Select(entry => $"{entry.Value} {entry.Key}"))}");
        foreach (var (category, count) in totals.MismatchedByCategory)
            output.WriteLine($"mismatched in {category}: {count}");
        foreach (var (deviation, count) in totals.MismatchedByDeviation)
            output.WriteLine($"mismatched where {deviation} applies: {count}");
        if (totals.StatisticsMismatches > 0)
            output.WriteLine($"statistics that differ: {totals.StatisticsMismatches}");
        output.WriteLine(totals.Summary);
        return totals.IsClean ? 0 : 1;
    }
}
