using IpVlanWin.Cli.Ip.Completion;
using IpVlanWin.HostNetwork;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip;

/// <summary>The command line in the grammar of iproute2.</summary>
internal static class IpCommand
{
    // As ip's: exit(-1).
    private const int UsageStatus = 255, UnreachableStatus = 3;

    /// <summary>Runs one command line to its end.</summary>
    /// <param name="args">All of it.</param>
    /// <param name="others">The verbs that are not nouns of the table.</param>
    /// <param name="streams">Where to write and read.</param>
    /// <param name="pipeName">The service's; null for the default.</param>
    /// <param name="isLinux">False refuses what only Linux can do.</param>
    /// <returns>0, 1 for a line that is not understood, 2 for a refusal, 3 where no service answers, 255 for the usage.</returns>
    public static int Run(string[] args, IReadOnlyList<string> others, Streams streams, string? pipeName, bool isLinux)
    {
        try
        {
            if (args is ["complete", ..])
            {
                Candidates.Print(args, others, streams.Output, pipeName);
                return 0;
            }
            var options = GlobalOptions.Read(args, out var words);
            if (options.AsksVersion)
            {
                streams.Output.WriteLine($"ipvlan utility, IpVlanWin {typeof(IpCommand).Assembly.GetName().Version!.ToString(3)}");
                return 0;
            }
            if (options.AsksHelp)
                throw new UsageException(Usage.All(others));
            if (options.BatchFile is not null)
                return Batch.RunAsync(options, others, streams, pipeName, isLinux).GetAwaiter().GetResult();
            var line = Line.Read(words, others);
            using var session = new Session(options, streams.Output, streams.Input, pipeName, isLinux);
            line.RunAsync(session).GetAwaiter().GetResult();
            return 0;
        }
        catch (UsageException usage)
        {
            streams.Errors.Write(usage.Message);
            return UsageStatus;
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            return Tell(streams.Errors, fault);
        }
        finally
        {
            streams.Output.Flush();
        }
    }

    /// <summary>What a user or a system may bring about; anything else is a fault of ours.</summary>
    public static bool IsRefusal(Exception fault) => fault is CommandException or ControlException or HostNetworkException;

    /// <summary>Writes the one line of a refusal; returns its exit status.</summary>
    public static int Tell(TextWriter errors, Exception fault)
    {
        errors.WriteLine($"Error: {fault.Message}");
        return fault switch
        {
            CommandException command => command.ExitStatus,
            ControlException control when control.Code == ErrorCode.ServiceUnreachable || control.Code == ErrorCode.TimedOut => UnreachableStatus,
            _ => 2,
        };
    }
}

/// <summary>What a command writes to and reads from.</summary>
internal sealed record Streams(TextWriter Output, TextWriter Errors, TextReader Input);
