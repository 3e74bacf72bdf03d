using System.IO.Pipes;
using System.Text.Json;
using System.Threading.Channels;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Observe;

namespace IpVlanWin.Service.Control;

/// <summary>
/// One client. Requests are done in order; reading goes on meanwhile, up to a bound, so that a cancellation is heard. Whoever stops in the
/// middle of a message, does not read his answers, or has nothing to say, is left after a while.
/// </summary>
internal sealed class ControlConnection(PipeStream pipe, Dispatcher dispatcher, Session session, TimeSpan patience, TimeSpan idleTimeout, ServiceLog log)
    : IDisposable
{
    // Bytes of messages that wait; one more may come on top, however long.
    private const int QueueBytes = 256 * 1024;
    private const int QueueMessages = 64;

    private readonly Channel<Waiting> _queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(QueueMessages) { SingleReader = true, SingleWriter = true });

    // Told after each message that was done.
    private readonly Channel<bool> _done = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _queuedBytes;

    // Answers and what subscribers are told take turns.
    private readonly SemaphoreSlim _writing = new(1, 1);

    // Guards _waiting: messages that have not begun, for cancellation.
    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];

    /// <summary>Serves until the client goes, misbehaves, or the service ends.</summary>
    public async Task ServeAsync(CancellationToken ending)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(ending);
        var reading = ReadAsync(leaving.Token);
        Task telling = Task.CompletedTask;
        var isTelling = false;
        try
        {
            await foreach (var next in _queue.Reader.ReadAllAsync(leaving.Token).ConfigureAwait(false))
            {
                using (next.Message)
                    await DoAsync(next, leaving.Token).ConfigureAwait(false);
                Interlocked.Add(ref _queuedBytes, -next.Bytes);
                _done.Writer.TryWrite(true);
                // Only behind the answer that promised it.
                if (session.Subscription is not null && !isTelling)
                    (telling, isTelling) = (TellAsync(session.Subscription, leaving), true);
            }
            if (await reading.ConfigureAwait(false) is { } fault)
                await AnswerAsync(Refusal(fault), leaving.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            if (!ending.IsCancellationRequested)
                log.Info("client-left", gone.Message);
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
            await pipe.DisposeAsync().ConfigureAwait(false);
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (session.AtEnd.TryPop(out var end))
                end();
            await telling.ConfigureAwait(false);
            while (_queue.Reader.TryRead(out var left))
                left.Message?.Dispose();
        }
    }

    /// <summary>After it was served.</summary>
    public void Dispose() => _writing.Dispose();

    /// <summary>An answer to nothing in particular.</summary>
    public static MessageWriter Refusal(ControlException error)
    {
        var writer = new MessageWriter();
        using var json = writer.BeginJson();
        RpcText.WriteError(json, default, error);
        json.Flush();
        return writer;
    }

    private async Task DoAsync(Waiting next, CancellationToken leaving)
    {
        bool isCancelled;
        lock (_lock)
        {
            isCancelled = next.IsCancelled;
            _waiting.Remove(next);
        }
        MessageWriter? answer;
        if (next.Message is null)
        {
            answer = Refusal(next.Fault!);
        }
        else if (isCancelled)
        {
            answer = new MessageWriter();
            using var json = answer.BeginJson();
            if (next.Message.IsBatch)
                json.WriteStartArray();
            foreach (var request in next.Message.Requests.Where(static request => !request.IsNotification))
                RpcText.WriteError(json, request.Id, ErrorCode.Cancelled.With());
            if (next.Message.IsBatch)
                json.WriteEndArray();
            json.Flush();
        }
        else
        {
            answer = dispatcher.Handle(next.Message, session);
        }
        if (answer is not null)
            await AnswerAsync(answer, leaving).ConfigureAwait(false);
    }

    private async Task AnswerAsync(MessageWriter answer, CancellationToken leaving)
    {
        using var slow = CancellationTokenSource.CreateLinkedTokenSource(leaving);
        slow.CancelAfter(patience);
        await WriteAsync(answer.Framed(), slow.Token).ConfigureAwait(false);
    }

    private async Task WriteAsync(ArraySegment<byte> framed, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await pipe.WriteAsync(framed, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>A subscriber may take his time: he holds up nobody, unless he asks for something and does not read the answer.</summary>
    private async Task TellAsync(Subscription subscription, CancellationTokenSource leaving)
    {
        try
        {
            await subscription.RunAsync(framed => WriteAsync(framed, leaving.Token), leaving.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            await leaving.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Returns what was wrong with the client's framing, or null.</summary>
    private async Task<ControlException?> ReadAsync(CancellationToken leaving)
    {
        try
        {
            var reader = new MessageReader(pipe) { Patience = patience };
            while (await NextAsync(reader, leaving).ConfigureAwait(false) is { } bytes)
            {
                while (Interlocked.Read(ref _queuedBytes) >= QueueBytes)
                    await _done.Reader.ReadAsync(leaving).ConfigureAwait(false);
                var next = Parse(bytes);
                if (next is null)
                    continue;
                Interlocked.Add(ref _queuedBytes, next.Bytes);
                lock (_lock)
                    _waiting.Add(next);
                await _queue.Writer.WriteAsync(next, leaving).ConfigureAwait(false);
            }
            return null;
        }
        catch (ControlException fault)
        {
            return fault;
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or TimeoutException)
        {
            return null;
        }
        finally
        {
            _queue.Writer.TryComplete();
        }
    }

    /// <summary>The next message; null at the end, and where the client was silent for too long with nothing to wait for.</summary>
    private async Task<ArraySegment<byte>?> NextAsync(MessageReader reader, CancellationToken leaving)
    {
        for (; ; )
        {
            using var idle = CancellationTokenSource.CreateLinkedTokenSource(leaving);
            idle.CancelAfter(idleTimeout);
            try
            {
                return await reader.ReadAsync(idle.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!leaving.IsCancellationRequested)
            {
                // What was read of a message stays in the reader.
                if (session.IsListening || Interlocked.Read(ref _queuedBytes) > 0)
                    continue;
                log.Info("client-idle", "left, because it was silent", ("seconds", (long)idleTimeout.TotalSeconds));
                return null;
            }
        }
    }

    /// <summary>Null for a cancellation, which is done at once.</summary>
    private Waiting? Parse(ArraySegment<byte> bytes)
    {
        RpcMessage message;
        try
        {
            message = RpcMessage.Parse(bytes);
        }
        catch (ControlException fault)
        {
            return new Waiting(null, fault, bytes.Count);
        }
        if (message.IsBatch || !message.Requests[0].IsNotification || message.Requests[0].Method != "$/cancelRequest")
            return new Waiting(message, null, bytes.Count);
        using (message)
        {
            if (message.Requests[0].Arguments is { ValueKind: JsonValueKind.Object } arguments && arguments.TryGetProperty("id", out var id))
                Cancel(id);
        }
        return null;
    }

    private void Cancel(JsonElement id)
    {
        var text = id.GetRawText();
        lock (_lock)
        {
            foreach (var waiting in _waiting)
            {
                // A batch is one transaction: it goes with its first request, whose number stands for it.
                if (waiting.Message?.Requests[0].Id is { ValueKind: not JsonValueKind.Undefined } first && first.GetRawText() == text)
                    waiting.IsCancelled = true;
            }
        }
    }

    private sealed class Waiting(RpcMessage? message, ControlException? fault, int bytes)
    {
        public RpcMessage? Message { get; } = message;

        public ControlException? Fault { get; } = fault;

        public int Bytes { get; } = bytes;

        public bool IsCancelled { get; set; }
    }
}
