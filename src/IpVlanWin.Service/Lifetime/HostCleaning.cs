using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.HostNetwork;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Lifetime;

/// <summary>`ipvlansvc clean-host`: takes off the host what interfaces put there. The service must have ended.</summary>
internal static class HostCleaning
{
    public static ExitStatus Run(CommandLine line, TextWriter output, TextWriter errors)
    {
        if (!DivertHost.IsPossible)
            return ExitStatus.Ok;
        var status = ExitStatus.Ok;
        DesiredState? state = null;
        try
        {
            if (File.Exists(Path.Combine(line.Folder, "state.db")))
                state = DesiredState.Open(line.Folder, new Host("memory"), TimeProvider.System, new ServiceLog(TextWriter.Null));
        }
        catch (StateException fault)
        {
            // Stand-ins carry their tag; the master's settings are as before after a restart of the system.
            Tell(fault.Message);
        }
        using (state)
        {
            IHostJournal journal = state as IHostJournal ?? new MemoryJournal();
            if (journal.List().Count == 0 && OperatingSystem.IsWindows() && !DivertHost.IsInstalled)
                return status;
            try
            {
                using var host = DivertHost.OpenHost();
                var (done, failures) = HostMarks.Sweep(host, journal, static _ => false);
                foreach (var text in done)
                    output.WriteLine(text);
                foreach (var text in failures)
                    Tell(text);
            }
            catch (Exception fault) when (fault is HostNetworkException or IOException or PlatformNotSupportedException)
            {
                Tell(fault.Message);
            }
        }
        return status;

        void Tell(string text)
        {
            errors.WriteLine($"ipvlansvc: {text}");
            status = ExitStatus.Refused;
        }
    }
}
