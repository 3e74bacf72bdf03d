using System.Runtime.Versioning;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>The service under the Windows service manager: its log goes to the event log.</summary>
[SupportedOSPlatform("windows")]
internal static class ScmService
{
    /// <summary>Runs it until it has ended; null where the service manager did not start this process.</summary>
    public static ExitStatus? TryRun(CommandLine line) => ScmLifetime.TryRun(line.ServiceName, lifetime => Run(line, lifetime));

    private static ExitStatus Run(CommandLine line, ILifetime lifetime)
    {
        using var events = new EventLogWriter(line.ServiceName);
        return ServiceRun.RunAsync(line, lifetime, least => new ServiceLog(TextWriter.Null) { Least = least, Also = events.Write }, TextWriter.Null).GetAwaiter().GetResult();
    }
}
