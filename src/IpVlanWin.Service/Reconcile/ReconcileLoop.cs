using System.Threading.Channels;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Service.Reconcile;

/// <summary>Runs a full pass when the host's network changed, when a data path ended or something is missing, and from time to time.</summary>
internal sealed class ReconcileLoop : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(30);

    // While something is missing: a namespace, for one, comes without a sign.
    private static readonly TimeSpan s_shortPeriod = TimeSpan.FromSeconds(5);

    // Changes come in bursts, and our own are among them.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly Channel<bool> _signals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ending = new();
    private readonly Reconciler _reconciler;
    private readonly ServiceLog _log;
    private readonly HostWatch? _watch;
    private readonly Task _running;

    public ReconcileLoop(Reconciler reconciler, bool watchesHost, ServiceLog log)
    {
        (_reconciler, _log) = (reconciler, log);
        _reconciler.OnUnfinished = () => _signals.Writer.TryWrite(true);
        if (watchesHost && OperatingSystem.IsLinux())
        {
            using var own = NetworkNamespace.OpenCurrent();
            _watch = HostWatch.Start(own, _ => _signals.Writer.TryWrite(true));
        }
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _reconciler.OnUnfinished = null;
        if (OperatingSystem.IsLinux())
            _watch?.Dispose();
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                using (var waiting = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token))
                {
                    waiting.CancelAfter(_reconciler.IsWhole ? s_period : s_shortPeriod);
                    try
                    {
                        await _signals.Reader.ReadAsync(waiting.Token).ConfigureAwait(false);
                        await Task.Delay(s_pause, _ending.Token).ConfigureAwait(false);
                    }
                    catch (OperationCanceledException) when (!_ending.IsCancellationRequested)
                    {
                        // It is time.
                    }
                }
                _reconciler.Run(full: true);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault)
            {
                // A fault of ours: the next pass may still do its work, and the log tells of this one.
                _log.Error("reconcile-failed", fault.ToString());
            }
        }
    }
}
