using System.Runtime.Versioning;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>The service under the Windows service manager: nobody reads its output, so its log goes to the event log.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ManagedRun
{
    private readonly CommandLine _line;
    private readonly EventLogWriter _events;

    private ManagedRun(CommandLine line, EventLogWriter events) => (_line, _events) = (line, events);

    /// <summary>Null where the service manager did not start this process: nothing was run.</summary>
    /// <exception cref="WindowsErrorException">The service manager refuses.</exception>
    public static ExitStatus? TryRun(CommandLine line)
    {
        // It costs nothing where it is not needed: a handle that is opened without asking anybody.
        using var events = new EventLogWriter(line.ServiceName);
        return ScmLifetime.TryRun(line.ServiceName, new ManagedRun(line, events).Run);
    }

    private ExitStatus Run(ILifetime lifetime) => ServiceRun.RunAsync(_line, lifetime, OpenLog, TextWriter.Null).GetAwaiter().GetResult();

    private ServiceLog OpenLog(LogLevel least) => new(TextWriter.Null) { Least = least, Also = _events.Write };
}
