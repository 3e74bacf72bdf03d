namespace IpVlanWin.Protocol;

// Methods that watch.
public sealed partial class ControlClient
{
    /// <summary>
    /// service.subscribe, on a connection of its own. List after this returned, and nothing is missed. bad-argument, limit-reached.
    /// </summary>
    /// <param name="spec">What to be told.</param>
    /// <param name="cancellation">Stops subscribing; not the subscription.</param>
    public async Task<ControlSubscription> SubscribeAsync(SubscribeSpec spec, CancellationToken cancellation = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(Timeout);
        var pipe = await OpenPipeAsync(_pipeName, cancellation).ConfigureAwait(false);
        try
        {
            return await ControlSubscription.StartAsync(pipe, _pipeName, spec, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            pipe.Dispose();
            throw ErrorCode.TimedOut.With("service.subscribe", Timeout.TotalSeconds);
        }
        catch
        {
            pipe.Dispose();
            throw;
        }
    }

    /// <summary>capture.start. It lasts no longer than this client's connection. not-found, bad-argument, limit-reached, mode-not-supported.</summary>
    public Task<CaptureReply> StartCaptureAsync(CaptureSpec spec, CancellationToken cancellation = default) =>
        SendAsync(RpcCall.Ask("capture.start", spec, ProtocolJson.Plain.CaptureSpec), ProtocolJson.Plain.CaptureReply, cancellation);

    /// <summary>The stream of a capture: pcapng until the capture ends. Disposing it ends the capture. service-unreachable, access-denied.</summary>
    public async Task<Stream> OpenCaptureAsync(CaptureReply capture, CancellationToken cancellation = default) =>
        await OpenPipeAsync(capture.Pipe, cancellation).ConfigureAwait(false);

    /// <summary>capture.stop. The reader gets what was recorded before the stream ends. not-found.</summary>
    public Task<CaptureTotals> StopCaptureAsync(long id, CancellationToken cancellation = default) =>
        SendAsync(RpcCall.Ask("capture.stop", new CaptureName { Id = id }, ProtocolJson.Plain.CaptureName), ProtocolJson.Plain.CaptureTotals, cancellation);

    /// <summary>trace.start: what would become of a frame, and why. not-found, bad-argument, mode-not-supported.</summary>
    public Task<TraceReply> TraceAsync(TraceSpec spec, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("trace.start", spec, ProtocolJson.Plain.TraceSpec), ProtocolJson.Plain.TraceReply, cancellation);
}
