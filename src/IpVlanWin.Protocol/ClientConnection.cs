using System.Globalization;
using System.Text.Json;

namespace IpVlanWin.Protocol;

/// <summary>The connection broke; whether a request was done is not known.</summary>
internal sealed class ConnectionLostException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>An answer: a result or a refusal.</summary>
internal readonly struct RpcAnswer(JsonElement result, ControlException? error)
{
    public JsonElement Result { get; } = result;

    public ControlException? Error { get; } = error;
}

/// <summary>One connection of a client. Answers find their requests by number, so many may wait at once.</summary>
internal sealed class ClientConnection : IDisposable
{
    private readonly Stream _stream;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _writing = new(1, 1);

    // Guards _waiting, _last and _lost.
    private readonly object _lock = new();
    private readonly Dictionary<long, TaskCompletionSource<RpcAnswer>> _waiting = [];
    private long _last;
    private ConnectionLostException? _lost;

    public ClientConnection(Stream stream)
    {
        _stream = stream;
        _ = Task.Run(ReadAsync);
    }

    /// <summary>Nothing will be answered any more.</summary>
    public bool IsLost
    {
        get
        {
            lock (_lock)
                return _lost is not null;
        }
    }

    /// <summary>Sends requests as one message and waits for all their answers. Cancelling asks the service to drop what has not begun.</summary>
    public async Task<RpcAnswer[]> SendAsync(IReadOnlyList<RpcCall> calls, bool isBatch, CancellationToken cancellation)
    {
        var first = Register(calls.Count, out var answers);
        try
        {
            await WriteAsync(Write(calls, first, isBatch), cancellation).ConfigureAwait(false);
            var all = Task.WhenAll(answers);
            var cancelled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (cancellation.Register(() => cancelled.TrySetResult(true)))
            {
                if (await Task.WhenAny(all, cancelled.Task).ConfigureAwait(false) == all)
                    return await all.ConfigureAwait(false);
            }
            await CancelAsync(first).ConfigureAwait(false);
            throw new OperationCanceledException(cancellation);
        }
        finally
        {
            lock (_lock)
            {
                for (var i = 0; i < calls.Count; i++)
                    _waiting.Remove(first + i);
            }
        }
    }

    public void Dispose()
    {
        End(new ConnectionLostException("the client was closed"));
        _ending.Cancel();
        _stream.Dispose();
    }

    private static MessageWriter Write(IReadOnlyList<RpcCall> calls, long first, bool isBatch)
    {
        var message = new MessageWriter();
        using var json = message.BeginJson();
        if (isBatch)
            json.WriteStartArray();
        for (var i = 0; i < calls.Count; i++)
            RpcText.WriteRequest(json, first + i, calls[i].Method, calls[i].Arguments, calls[i].Type);
        if (isBatch)
            json.WriteEndArray();
        json.Flush();
        return message.Length <= MessageReader.MaxMessage
            ? message
            : throw ErrorCode.BadArgument.With("batch", $"at most {MessageReader.MaxMessage} bytes long; this has {message.Length}");
    }

    private long Register(int count, out Task<RpcAnswer>[] answers)
    {
        answers = new Task<RpcAnswer>[count];
        lock (_lock)
        {
            if (_lost is not null)
                throw new ConnectionLostException(_lost.Message, _lost);
            var first = _last + 1;
            _last += count;
            for (var i = 0; i < count; i++)
            {
                var waiting = new TaskCompletionSource<RpcAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add(first + i, waiting);
                answers[i] = waiting.Task;
            }
            return first;
        }
    }

    /// <summary>Once begun, a message is written whole: half of one would end the connection for all.</summary>
    private async Task WriteAsync(MessageWriter message, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var framed = message.Framed();
#if NETSTANDARD2_0
            await _stream.WriteAsync(framed.Array, framed.Offset, framed.Count, _ending.Token).ConfigureAwait(false);
#else
            await _stream.WriteAsync(framed, _ending.Token).ConfigureAwait(false);
#endif
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            var lost = new ConnectionLostException("the connection is lost: " + fault.Message, fault);
            End(lost);
            throw lost;
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task CancelAsync(long first)
    {
        var message = new MessageWriter();
        using (var json = message.BeginJson())
            RpcText.WriteRequest(json, null, "$/cancelRequest", new CancelRequest { Id = first }, ProtocolJson.Plain.CancelRequest);
        try
        {
            await WriteAsync(message, _ending.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is ConnectionLostException or OperationCanceledException)
        {
            // Then there is nothing left to cancel.
        }
    }

    private async Task ReadAsync()
    {
        var reader = new MessageReader(_stream);
        try
        {
            while (await reader.ReadAsync(_ending.Token).ConfigureAwait(false) is { } message)
                Take(message);
            End(new ConnectionLostException("the service closed the connection"));
        }
        catch (Exception fault) when (fault is IOException or ControlException or JsonException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            End(new ConnectionLostException("the connection is lost: " + fault.Message, fault));
        }
        // Also where the service spoke nonsense: it must not wait for us.
        _stream.Dispose();
    }

    private void Take(ArraySegment<byte> message)
    {
        using var document = JsonDocument.Parse(message.AsMemory(), new JsonDocumentOptions { MaxDepth = ProtocolJson.MaxDepth });
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Array)
        {
            foreach (var answer in root.EnumerateArray())
                TakeAnswer(answer);
        }
        else
        {
            TakeAnswer(root);
        }
    }

    private void TakeAnswer(JsonElement answer)
    {
        var hasError = answer.TryGetProperty("error", out var error);
        if (!answer.TryGetProperty("id", out var id) || id.ValueKind != JsonValueKind.Number || !id.TryGetInt64(out var number))
        {
            // An error without a number means the whole message; after it the service closes. Anything else is a notification.
            if (hasError)
                End(new ConnectionLostException(Refusal(error).Message, Refusal(error)));
            return;
        }
        TaskCompletionSource<RpcAnswer>? waiting;
        lock (_lock)
            _waiting.TryGetValue(number, out waiting);
        if (hasError)
            waiting?.TrySetResult(new RpcAnswer(default, Refusal(error)));
        else if (answer.TryGetProperty("result", out var result))
            waiting?.TrySetResult(new RpcAnswer(result.Clone(), null));
    }

    /// <summary>The error member of an answer.</summary>
    public static ControlException Refusal(JsonElement error)
    {
        var sentence = error.TryGetProperty("message", out var message) ? message.GetString() : null;
        var number = error.TryGetProperty("code", out var code) && code.TryGetInt32(out var value) ? value : 0;
        var name = error.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("code", out var word) ? word.GetString() : null;
        foreach (var known in ErrorCode.All)
        {
            if (known.Name == name || (name is null && known.Number == number))
                return new ControlException(known, sentence ?? known.Sentence);
        }
        // A newer service knows more.
        return new ControlException(ErrorCode.InternalError, string.Format(CultureInfo.InvariantCulture, "{0} ({1})", sentence, name ?? number.ToString(CultureInfo.InvariantCulture)));
    }

    private void End(ConnectionLostException lost)
    {
        TaskCompletionSource<RpcAnswer>[] waiting;
        lock (_lock)
        {
            _lost ??= lost;
            waiting = [.. _waiting.Values];
            _waiting.Clear();
        }
        foreach (var one in waiting)
            one.TrySetException(lost);
    }
}
