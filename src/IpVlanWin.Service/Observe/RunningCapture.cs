using System.IO.Pipes;
using IpVlanWin.Datapath;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;

namespace IpVlanWin.Service.Observe;

/// <summary>
/// One capture: waits for its reader, streams to him, and ends when he leaves, when it is stopped, or with the data path. Frames are recorded
/// from the moment he is there.
/// </summary>
internal sealed class RunningCapture
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // How long a reader may take for what is recorded when the capture has been stopped.
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(10);

    private readonly NamedPipeServerStream _pipe;
    private readonly ServerSettings _settings;
    private readonly IDatapath _datapath;
    private readonly string? _name;
    private readonly int _queueBytes;
    private readonly int _snapLength;
    private readonly ServiceLog _log;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CaptureSink? _sink;

    public RunningCapture(
        long id, string pipeName, ServerSettings settings, IDatapath datapath, string? name, int queueBytes, int snapLength, ServiceLog log)
    {
        (Id, PipeName, _settings, _datapath, _name, _queueBytes, _snapLength, _log) = (id, pipeName, settings, datapath, name, queueBytes, snapLength, log);
        _pipe = ControlServer.Create(settings, pipeName, PipeOptions.FirstPipeInstance);
    }

    public long Id { get; }

    public string PipeName { get; }

    public Task Completion => _completion.Task;

    public CaptureTotals Totals => _sink is { } sink ? new CaptureTotals { Recorded = sink.Taken, Dropped = sink.Dropped } : new CaptureTotals();

    /// <summary>Records no more. Does not wait for the reader.</summary>
    public void Stop() => _stopped.TrySetResult();

    /// <summary>Runs until it ends; never faults.</summary>
    public async Task RunAsync(CancellationToken ending)
    {
        try
        {
            await using (_pipe.ConfigureAwait(false))
            {
                if (await WaitForReaderAsync(ending).ConfigureAwait(false))
                    await StreamAsync(ending).ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or OperationCanceledException or UnauthorizedAccessException or NotSupportedException)
        {
            _log.Info("capture-failed", fault.Message, ("id", Id));
        }
        catch (Exception fault)
        {
            // A fault of ours ends this capture and nothing else.
            _log.Error("capture-failed", fault.ToString(), ("id", Id));
        }
        _log.Info("capture-ended", "its pipe is closed", ("id", Id), ("recorded", Totals.Recorded), ("dropped", Totals.Dropped));
        _completion.SetResult();
    }

    private async Task<bool> WaitForReaderAsync(CancellationToken ending)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ending);
        late.CancelAfter(s_patience);
        _ = _stopped.Task.ContinueWith(static (_, source) => TryCancel((CancellationTokenSource)source!), late, TaskScheduler.Default);
        await _pipe.WaitForConnectionAsync(late.Token).ConfigureAwait(false);
        if (!OperatingSystem.IsWindows())
        {
            // There is one reader, and he is here.
            File.Delete(PipeName);
        }
        return ControlServer.Judge(_settings, _pipe) == Access.Full;
    }

    private static void TryCancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The reader came first.
        }
    }

    private async Task StreamAsync(CancellationToken ending)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(ending);
        var writer = new PcapNgWriter(new PipeWriteStream(_pipe, leaving.Token)) { KeptLength = _snapLength };
        using var sink = new CaptureSink(writer, queueBytes: _queueBytes, snapLength: _snapLength);
        _sink = sink;
        var reader = WaitForLeaveAsync(leaving.Token);
        using (var capture = _datapath.StartCapture(sink, _name))
        {
            // Gone since it was asked for: the file ends where it begins.
            if (capture is null)
                Stop();
            // The head and the interfaces go out at once.
            sink.Wake();
            await Task.WhenAny(reader, _stopped.Task, _datapath.Completion).ConfigureAwait(false);
        }
        leaving.CancelAfter(reader.IsCompleted ? TimeSpan.Zero : s_farewell);
        // Waits for its thread, which writes what is left.
        await Task.Run(sink.Dispose, CancellationToken.None).ConfigureAwait(false);
        await leaving.CancelAsync().ConfigureAwait(false);
        await reader.ConfigureAwait(false);
    }

    /// <summary>A reader has nothing to say: whatever comes, its end or a fault, he is done.</summary>
    private async Task WaitForLeaveAsync(CancellationToken leaving)
    {
        try
        {
            await _pipe.ReadAsync(new byte[1], leaving).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Gone, or not asked any more.
        }
    }
}
