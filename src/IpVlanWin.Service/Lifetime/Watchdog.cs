using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Lifetime;

/// <summary>
/// Says that the service is alive, as long as it is: it is asked over its own pipe, as any client would. A refusal is an answer too (all
/// places may be taken); silence is not.
/// </summary>
internal sealed class Watchdog : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _running;

    /// <param name="lifetime">Who wants to hear.</param>
    /// <param name="period">How often at least.</param>
    /// <param name="pipeName">The service's own.</param>
    /// <param name="log">Where silence is told.</param>
    public Watchdog(ILifetime lifetime, TimeSpan period, string pipeName, ServiceLog log) => _running = Task.Run(() => RunAsync(lifetime, period, pipeName, log));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync(ILifetime lifetime, TimeSpan period, string pipeName, ServiceLog log)
    {
        // Twice a period, as sd_watchdog_enabled(3) advises; asking may take the other half.
        var half = period / 2;
        using var timer = new PeriodicTimer(half);
        try
        {
            do
            {
                if (await AnswersAsync(pipeName, half, log).ConfigureAwait(false))
                    lifetime.Alive();
            }
            while (await timer.WaitForNextTickAsync(_ending.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The service ends.
        }
    }

    private async Task<bool> AnswersAsync(string pipeName, TimeSpan patience, ServiceLog log)
    {
        // A new connection each time: that new clients are taken is part of being alive.
        using var client = new ControlClient(pipeName) { ConnectTimeout = patience, Timeout = patience };
        try
        {
            await client.GetServiceAsync(_ending.Token).ConfigureAwait(false);
            return true;
        }
        catch (ControlException fault)
        {
            // A connection that was taken and then ended is a full house; one that was never taken or never answered is silence.
            if (fault.Code != ErrorCode.TimedOut && (fault.Code != ErrorCode.ServiceUnreachable || fault.InnerException is not null))
                return true;
            log.Warning("watchdog", fault.Message);
            return false;
        }
    }
}
