using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using IpVlanWin.Cli.HostCare;
using IpVlanWin.Cli.Ip;
using IpVlanWin.Cli.Lab;
using IpVlanWin.Cli.Observe;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Cli;

internal static class Program
{
    /// <summary>Exit status as iproute2's: 0, 1 for wrong syntax (or a failed judgement), 2 for a refusal.</summary>
    private static int Main(string[] args) => Run(args, Console.Error);

    /// <param name="args">The command line.</param>
    /// <param name="errors">Where errors and usages go.</param>
    /// <param name="output">Null for standard output.</param>
    /// <param name="input">Null for standard input.</param>
    /// <param name="pipeName">The service's; null for the default.</param>
    /// <param name="isLinux">What is asked of this system; null for what it is.</param>
    internal static int Run(string[] args, TextWriter errors, TextWriter? output = null, TextReader? input = null, string? pipeName = null, bool? isLinux = null)
    {
        var root = new RootCommand("Linux ipvlan for Windows: many interfaces, one MAC.")
        {
            LabCommand.Create(),
            ReplayCommand.Create(),
            CaptureCommand.Create(pipeName),
            TraceCommand.Create(pipeName),
            DoctorCommand.Create(),
            ServiceCommand.Create(),
        };
        string[] others = [.. root.Subcommands.Where(static verb => !verb.Hidden).Select(static verb => verb.Name)];
        if (args.Length == 0 || !(others.Contains(args[0]) || args[0] is "--help" or "--version"))
        {
            using var written = output is null ? StandardOutput() : null;
            return IpCommand.Run(args, others, new Streams(output ?? written!, errors, input ?? Console.In), pipeName, isLinux ?? OperatingSystem.IsLinux());
        }
        // A file that begins with "@" is a file.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
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

    /// <summary>Not the console's writer, which flushes after every word.</summary>
    private static StreamWriter StandardOutput() => new(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1 << 16);
}
