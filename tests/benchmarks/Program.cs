using System.CommandLine;
using IpVlanWin.Benchmarks.Engine;

namespace IpVlanWin.Benchmarks;

internal static class Program
{
    private static int Main(string[] args)
    {
        var root = new RootCommand("Benchmarks of IpVlanWin. They print figures beside their targets; a figure never makes them fail.") { EngineCommand() };
        var parsed = root.Parse(args);
        if (parsed.Errors is [var first, ..])
        {
            Console.Error.WriteLine($"benchmarks: {first.Message}");
            return 1;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (BenchmarkException fault)
        {
            Console.Error.WriteLine($"benchmarks: {fault.Message}");
            return 2;
        }
    }

    private static Option<FileInfo?> JsonOption() => new("--json") { Description = "Write the figures there as well.", HelpName = "FILE" };

    private static Command EngineCommand()
    {
        var json = JsonOption();
        var rounds = new Option<int>("--rounds") { Description = "Alternating rounds of each decision.", DefaultValueFactory = _ => 201 };
        var seed = new Option<int>("--seed") { Description = "Of the traffic.", DefaultValueFactory = _ => Random.Shared.Next() };
        var only = new Option<string>("--only") { Description = "Only the decisions with this in their name.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        rounds.Validators.Add(result =>
        {
            if (result.GetValue(rounds) is < 1 or > 10_000)
                result.AddError("argument of \"--rounds\" must be 1 to 10000");
        });
        var command = new Command("engine", "What a decision of the engine costs, in memory.") { rounds, only, seed, json };
        command.SetAction(result =>
        {
            var report = new Report(Console.Out);
            report.Line($"seed {result.GetValue(seed)}; ratios: the peer's time over ours, so above 1 ours is faster");
            new DecisionCost(report, result.GetValue(rounds), result.GetValue(seed), result.GetValue(only)!).Run();
            if (result.GetValue(only)!.Length == 0)
                new ControlCost(report, result.GetValue(seed)).Run();
            report.WriteJson(result.GetValue(json));
            return 0;
        });
        return command;
    }
}
