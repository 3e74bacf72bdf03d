using System.Diagnostics;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.HostNetwork;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Lifetime;

/// <summary>`ipvlansvc clean-host`: takes off the host what interfaces put there. The service must have ended.</summary>
internal static class HostCleaning
{
    // https://www.sqlite.org/rescode.html
    private const int Busy = 5;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public static ExitStatus Run(CommandLine line, TextWriter output, TextWriter errors)
    {
        if (!DivertHost.IsPossible && !FilterHost.IsPossible)
            return ExitStatus.Ok;
        var status = ExitStatus.Ok;
        DesiredState? state = null;
        try
        {
            if (File.Exists(Path.Combine(line.Folder, "state.db")))
                state = Open(line.Folder);
        }
        catch (StateException fault)
        {
            Tell(fault.Message);
            // A service that runs needs all that is there.
            if (IsInUse(fault))
                return status;
            // Without a journal there still are stand-ins, which carry their tag.
        }
        using (state)
        {
            IHostJournal journal = state is null ? new MemoryJournal() : state;
            using var filter = new FilterHost(new DivertHost { Journal = journal });
            var isFiltered = filter.IsUsable;
            if (journal.List().Count == 0 && OperatingSystem.IsWindows() && !DivertHost.IsInstalled && !isFiltered)
                return status;
            try
            {
                // The driver's ports first: nothing passes a stand-in that is about to go.
                if (isFiltered || FilterMarks.HasLeft(journal, static _ => false))
                    Report(filter.Clean(journal, static _ => false, isThorough: true));
                using var host = DivertHost.OpenHost();
                Report(HostMarks.Sweep(host, journal, static _ => false));
            }
            catch (Exception fault) when (fault is HostNetworkException or IOException or PlatformNotSupportedException)
            {
                Tell(fault.Message);
            }
        }
        return status;

        static DesiredState Open(string folder)
        {
            // A service that reported its end holds its file until its process has ended; each attempt waits a second.
            for (var clock = Stopwatch.StartNew(); ; )
            {
                try
                {
                    return DesiredState.Open(folder, new Host("memory"), TimeProvider.System, new ServiceLog(TextWriter.Null));
                }
                catch (StateException fault) when (IsInUse(fault) && clock.Elapsed < s_patience)
                {
                }
            }
        }

        static bool IsInUse(StateException fault) => fault.InnerException is SqliteException { SqliteErrorCode: Busy };

        void Report((IReadOnlyList<string> Done, IReadOnlyList<string> Failures) swept)
        {
            foreach (var text in swept.Done)
                output.WriteLine(text);
            foreach (var text in swept.Failures)
                Tell(text);
        }

        void Tell(string text)
        {
            errors.WriteLine($"ipvlansvc: {text}");
            status = ExitStatus.Refused;
        }
    }
}
