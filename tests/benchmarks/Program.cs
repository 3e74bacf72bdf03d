using System.CommandLine;
using IpVlanWin.Benchmarks.Control;
using IpVlanWin.Benchmarks.Engine;
using IpVlanWin.Benchmarks.Lab;

namespace IpVlanWin.Benchmarks;

internal static class Program
{
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1031", Justification = "The last resort, which prints all of it.")]
    private static int Main(string[] args)
    {
        // Not for people: the data path as a process of its own.
        if (OperatingSystem.IsLinux() && args is [IpVlanWinVariant.Verb, var port, var host, var a, var b, var wait])
            return IpVlanWinVariant.Serve(port, host, a, b, withSpin: wait == "spin");
        var root = new RootCommand("Benchmarks of IpVlanWin. They print figures beside their targets; a figure never makes them fail.") { EngineCommand(), ControlCommand(), LabCommand() };
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
        catch (Exception fault)
        {
            // Caught so that what was made is removed on the way here.
            Console.Error.WriteLine(fault);
            return 3;
        }
    }

    private static Option<FileInfo?> JsonOption() => new("--json") { Description = "Write the figures there as well.", HelpName = "FILE" };

    private static Command EngineCommand()
    {
        var json = JsonOption();
        var rounds = new Option<int>("--rounds") { Description = "Alternating rounds of each decision.", DefaultValueFactory = _ => 201 };
        var seed = new Option<int>("--seed") { Description = "Of the traffic.", DefaultValueFactory = _ => Random.Shared.Next() };
        var only = new Option<string>("--only") { Description = "Only the decisions with this in their name; \"control\": only building and changing.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
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
            report.Line(MachineSpeed.Describe());
            new DecisionCost(report, result.GetValue(rounds), result.GetValue(seed), result.GetValue(only)!).Run();
            if (result.GetValue(only) is "" or "control")
                new ControlCost(report, result.GetValue(seed)).Run();
            report.Line(MachineSpeed.Describe());
            report.WriteJson(result.GetValue(json));
            return 0;
        });
        return command;
    }

    private static Command ControlCommand()
    {
        var json = JsonOption();
        var rounds = new Option<int>("--rounds") { Description = "Services, one after the other.", DefaultValueFactory = _ => 3 };
        var count = new Option<int>("--interfaces") { Description = "Interfaces, with three addresses each.", DefaultValueFactory = _ => 10_000 };
        rounds.Validators.Add(result =>
        {
            if (result.GetValue(rounds) is < 1 or > 100)
                result.AddError("argument of \"--rounds\" must be 1 to 100");
        });
        count.Validators.Add(result =>
        {
            if (result.GetValue(count) is < 1000 or > 60_000)
                result.AddError("argument of \"--interfaces\" must be 1000 to 60000");
        });
        var command = new Command("control", "The service: interfaces made, listed and restored through its pipe, with the memory data path.") { rounds, count, json };
        command.SetAction(async (result, cancellation) =>
        {
            var report = new Report(Console.Out);
            report.Line(MachineSpeed.Describe());
            await new ControlBenchmark(report, result.GetValue(rounds), result.GetValue(count)).RunAsync(cancellation).ConfigureAwait(false);
            report.Line(MachineSpeed.Describe());
            report.WriteJson(result.GetValue(json));
            return 0;
        });
        return command;
    }

    private static Command LabCommand()
    {
        var json = JsonOption();
        var rounds = new Option<int>("--rounds") { Description = "Paired rounds.", DefaultValueFactory = _ => 9 };
        var seconds = new Option<int>("--seconds") { Description = "Length of each measurement.", DefaultValueFactory = _ => 1 };
        var only = new Option<string>("--only") { Description = "Only these variants, with commas between them.", HelpName = "NAMES", DefaultValueFactory = _ => "" };
        var tests = new Option<string>("--tests") { Description = "Only the tests with this in their name.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        rounds.Validators.Add(result =>
        {
            if (result.GetValue(rounds) is < 1 or > 1000)
                result.AddError("argument of \"--rounds\" must be 1 to 1000");
        });
        seconds.Validators.Add(result =>
        {
            if (result.GetValue(seconds) is < 1 or > 60)
                result.AddError("argument of \"--seconds\" must be 1 to 60");
        });
        var command = new Command("lab", "Throughput, packet rate and latency beside other switches, in network namespaces. Needs root.") { rounds, seconds, only, tests, json };
        command.SetAction(result =>
        {
            if (!OperatingSystem.IsLinux())
                throw new BenchmarkException("the lab benchmark needs Linux");
            var (token, registrations) = LabBenchmark.Interruption();
            using (registrations)
            {
                var report = new Report(Console.Out);
                new LabBenchmark(report, result.GetValue(rounds), TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(only)!, result.GetValue(tests)!, token).Run();
                report.WriteJson(result.GetValue(json));
            }
            return 0;
        });
        return command;
    }
}
