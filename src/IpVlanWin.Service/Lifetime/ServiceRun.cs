using System.Net.Sockets;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Lifetime;

/// <summary>The service's life under any lifetime: restore, listen, wait, end.</summary>
internal static class ServiceRun
{
    // Starting and stopping may take as long as there is something to restore; what hangs for this long never ends.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_beat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Until asked to stop.</summary>
    /// <param name="line">What was typed.</param>
    /// <param name="lifetime">Who asks.</param>
    /// <param name="openLog">Makes the log, once it is known how much is wanted.</param>
    /// <param name="errors">Where a person may look: told in one line why it did not start.</param>
    public static async Task<ExitStatus> RunAsync(CommandLine line, ILifetime lifetime, Func<LogLevel, ServiceLog> openLog, TextWriter errors)
    {
        var log = openLog(LogLevel.Info);
        try
        {
            // Windows has no such bound on handles.
            if (!OperatingSystem.IsWindows())
                LoadedAssemblies.Load();
            var options = line.Resolve();
            log = openLog(options.LogLevel);
            var pipeName = line.PipeName;
            var settings = new ServerSettings { PipeName = pipeName, ReaderGroup = options.ReaderGroup, IdleTimeout = options.IdleTimeout ?? Timeout.InfiniteTimeSpan, Announces = options.Announces };
            ControlService service;
            using (Beat(lifetime))
                service = ControlService.Start(line.Folder, options.Datapath, settings, log, new MetricsSettings(options.Metrics, options.Prometheus));
            Timer? stopping = null;
            try
            {
                await using (service.ConfigureAwait(false))
                {
                    lifetime.Ready(service.Summary);
                    var watchdog = lifetime.WatchdogPeriod is { } period ? new Watchdog(lifetime, period, pipeName, log) : null;
                    await lifetime.StopAsked.ConfigureAwait(false);
                    log.Info("stopping", "asked to end");
                    lifetime.Stopping();
                    stopping = Beat(lifetime);
                    if (watchdog is not null)
                        await watchdog.DisposeAsync().ConfigureAwait(false);
                }
            }
            finally
            {
                stopping?.Dispose();
            }
            return ExitStatus.Ok;
        }
        catch (SettingsException fault)
        {
            return Tell(log, errors, ExitStatus.BadSettings, fault.Message);
        }
        catch (StateException fault)
        {
            return Tell(log, errors, ExitStatus.Refused, fault.Message);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or SocketException)
        {
            return Tell(log, errors, ExitStatus.AddressTaken, fault.Message);
        }
        catch (ControlException fault)
        {
            return Tell(log, errors, ExitStatus.BadSettings, fault.Message);
        }
        catch (Exception fault)
        {
            // A fault of ours: the exit status has whoever started us try again.
            return Tell(log, errors, ExitStatus.Failed, fault.ToString());
        }
    }

    private static ExitStatus Tell(ServiceLog log, TextWriter errors, ExitStatus status, string text)
    {
        log.Error(status == ExitStatus.Failed ? "failed" : "not-started", text, ("status", (int)status));
        errors.WriteLine($"ipvlansvc: {text.Split('\n')[0]}");
        return status;
    }

    /// <summary>Says that it goes on, until disposed of or for too long.</summary>
    private static Timer Beat(ILifetime lifetime)
    {
        var begun = TimeProvider.System.GetTimestamp();
        return new Timer(
            _ =>
            {
                if (TimeProvider.System.GetElapsedTime(begun) < s_longest)
                    lifetime.Progress(s_patience);
            }, null, s_beat, s_beat);
    }
}
