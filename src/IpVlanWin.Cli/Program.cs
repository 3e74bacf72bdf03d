using System.CommandLine;
using System.CommandLine.Help;
using IpVlanWin.Cli.Lab;
using IpVlanWin.Cli.Observe;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Cli;

internal static class Program
{
    /// <summary>Exit status as iproute2's: 0, 1 for wrong syntax (or a failed judgement), 2 for a refusal.</summary>
    private static int Main(string[] args) => Run(args, Console.Error);

    internal static int Run(string[] args, TextWriter errors, TextWriter? output = null)
    {
        var root = new RootCommand("Linux ipvlan for Windows: many interfaces, one MAC.")
        {
            LabCommand.Create(),
            ReplayCommand.Create(),
            CaptureCommand.Create(),
            TraceCommand.Create(),
        };
        // A file that begins with "@" is a file.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (args.Length == 0)
        {
            root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = errors, Error = errors });
            return 1;
        }
        if (parsed.Action is not HelpAction && ParseErrors.Describe(parsed) is { } error)
        {
            errors.WriteLine($"ipvlan: {error}");
            return 1;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output ?? Console.Out, Error = errors });
        }
        catch (CommandException fault)
        {
            errors.WriteLine($"ipvlan: {fault.Message}");
            return fault.ExitStatus;
        }
    }
}
