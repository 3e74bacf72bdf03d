using System.CommandLine;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using Spectre.Console;

namespace IpVlanWin.Cli.Lab;

/// <summary>`ipvlan lab`: a port with stations around it, who reaches whom, and a verdict.</summary>
internal static class LabCommand
{
    private const int FailedStatus = 1;

    /// <summary>As shells report a program that Ctrl-C ended: 128 + SIGINT.</summary>
    private const int InterruptedStatus = 130;

    public static Command Create()
    {
        var mode = StrictOption.Word<PortMode?>(
            "--mode", "Mode of the port (default l2).", ["l2", "l3", "l3s"], word => PortWords.TryParse(word, out PortMode parsed) ? parsed : null);
        var flag = StrictOption.Word<PortFlag?>(
            "--flag", "Flag of the port (default bridge; without --mode and --flag all are shown in turn).", ["bridge", "private", "vepa"],
            word => PortWords.TryParse(word, out PortFlag parsed) ? parsed : null);
        var interfaces = StrictOption.Number("--interfaces", "Interfaces on the master.", 1, LabPlan.MaxInterfaces, defaultValue: 3);
        var seconds = StrictOption.Number("--seconds", "Length of each transfer, in seconds.", 1, LabOptions.MaxSeconds, defaultValue: 1);
        var capture = StrictOption.Text("--capture", "Write a pcapng file for each place into this folder.", "DIR", "the name of a folder");
        var keep = StrictOption.Switch("--keep", "Leave it running afterwards, until Ctrl-C.");
        var spin = StrictOption.Switch("--spin", "Poll before blocking: shorter round trips for processor time.");
        var simulate = StrictOption.Switch("--simulate", "Stay in memory, with built-in hosts.");
        var command = new Command("lab", "Run the data path among real network namespaces (Linux, root), else among simulated hosts, and judge it.")
        {
            mode, flag, interfaces, keep, capture, seconds, spin, simulate,
        };
        command.SetAction(result => Run(
            new LabOptions
            {
                Mode = result.GetValue(mode),
                Flag = result.GetValue(flag),
                Interfaces = result.GetValue(interfaces),
                Keep = result.GetValue(keep),
                CaptureDirectory = result.GetValue(capture),
                TransferDuration = TimeSpan.FromSeconds(result.GetValue(seconds)),
                Spin = result.GetValue(spin),
                Simulate = result.GetValue(simulate),
            },
            result.InvocationConfiguration.Output,
            result.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(LabOptions options, TextWriter output, TextWriter errors)
    {
        using var interruption = new Interruption();
        try
        {
            return RunAsync(options, output, interruption.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            errors.WriteLine("ipvlan: lab interrupted, nothing is left of it");
            return InterruptedStatus;
        }
        catch (IOException fault)
        {
            throw CommandException.Refused($"lab could not be finished: {fault.Message}", fault);
        }
    }

    private static async Task<int> RunAsync(LabOptions options, TextWriter output, CancellationToken cancellation)
    {
        var bed = await LabBeds.OpenAsync(options, cancellation).ConfigureAwait(false);
        await using (bed.ConfigureAwait(false))
        {
            var run = new LabRun(bed, options);
            await ViewFor(output).ShowAsync(run, cancellation).ConfigureAwait(false);
            ReportText.WriteVerdict(output, run.Report);
            if (options.Keep)
                await KeepAsync(bed, output, cancellation).ConfigureAwait(false);
            return run.Report.IsPassed ? 0 : FailedStatus;
        }
    }

    private static ILabView ViewFor(TextWriter output) =>
        ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi
            ? new LiveView(AnsiConsole.Console, output)
            : new PlainView(output);

    private static async Task KeepAsync(ILabBed bed, TextWriter output, CancellationToken cancellation)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kept running until Ctrl-C (process {Environment.ProcessId}); to enter:"));
        foreach (var command in bed.EnterCommands)
            output.WriteLine($"  {command}");
        output.Flush();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellation.Register(asked.SetResult).ConfigureAwait(false))
            await asked.Task.ConfigureAwait(false);
    }
}
