using System.Runtime.InteropServices;

namespace IpVlanWin.Service.Lifetime;

/// <summary>Ended by a signal (on Windows by the console), from a terminal or by systemd, which is told how it goes (sd_notify(3)).</summary>
internal sealed class SignalLifetime : ILifetime, IDisposable
{
    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _signals;
    private readonly NotifySocket? _notify;

    /// <param name="notify">systemd, or null. Disposed with this.</param>
    /// <param name="watchdogPeriod">How often systemd wants to hear from us, or null.</param>
    public SignalLifetime(NotifySocket? notify, TimeSpan? watchdogPeriod)
    {
        (_notify, WatchdogPeriod) = (notify, notify is null ? null : watchdogPeriod);
        _signals = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Stop))];
    }

    public Task StopAsked => _stop.Task;

    public TimeSpan? WatchdogPeriod { get; }

    public void Progress(TimeSpan patience) => _notify?.Send($"EXTEND_TIMEOUT_USEC={(long)patience.TotalMicroseconds}");

    public void Ready(string status) => _notify?.Send($"READY=1\nSTATUS={status}");

    public void Alive() => _notify?.Send("WATCHDOG=1");

    public void Stopping() => _notify?.Send("STOPPING=1\nSTATUS=stopping");

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        _notify?.Dispose();
    }

    /// <summary>The first one asks; a second one ends the process as it would without us.</summary>
    private void Stop(PosixSignalContext signal) => signal.Cancel = _stop.TrySetResult();
}
