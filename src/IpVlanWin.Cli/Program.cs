using System.CommandLine;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Cli;

internal static class Program
{
    /// <summary>Exit status as iproute2's: 0, 1 for wrong syntax (or a failed judgement), 2 for a refusal.</summary>
    private static int Main(string[] args) => Run(args, Console.Error);

    internal static int Run(string[] args, TextWriter errors, TextWriter? output = null)
    {
        var root = new RootCommand("Linux ipvlan for Windows: many interfaces, one MAC.") { ReplayCommand.Create() };
        var parsed = root.Parse(args);
        if (parsed.Errors is [var first, ..])
        {
            errors.WriteLine($"ipvlan: {first.Message}");
            return 1;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output ?? Console.Out });
        }
        catch (CommandException fault)
        {
            errors.WriteLine($"ipvlan: {fault.Message}");
            return fault.ExitStatus;
        }
    }
}
