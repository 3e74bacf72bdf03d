namespace IpVlanWin.Service.Lifetime;

/// <summary>What systemd tells its services by their environment (systemd.exec(5)).</summary>
internal static class Systemd
{
    /// <summary>The lifetime of this process; without systemd a terminal's.</summary>
    /// <param name="complain">Told what of the environment cannot be used, and failures to notify.</param>
    public static SignalLifetime OpenLifetime(Action<string> complain)
    {
        NotifySocket? notify = null;
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } address)
        {
            try
            {
                notify = new NotifySocket(address, complain);
            }
            catch (ArgumentException fault)
            {
                complain(fault.Message);
            }
        }
        return new SignalLifetime(notify, NotifySocket.WatchdogPeriod(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID")));
    }

    /// <summary>Standard output goes to the journal: the variable names its device and inode. A child whose output goes elsewhere inherits the variable too.</summary>
    public static bool IsJournal(string? journalStream)
    {
        if (!OperatingSystem.IsLinux() || journalStream?.Split(':') is not [_, { Length: > 0 } inode])
            return false;
        try
        {
            return new FileInfo("/proc/self/fd/1").LinkTarget == $"socket:[{inode}]";
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
