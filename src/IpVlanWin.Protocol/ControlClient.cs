using System.IO.Pipes;
using System.Security.Principal;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IpVlanWin.Protocol;

/// <summary>
/// Talks to the service. Connects with the first request and again when the connection was lost. Members may be called by any thread, and
/// several at once. A refusal is a <see cref="ControlException"/>.
/// </summary>
public sealed partial class ControlClient : IDisposable
{
    private readonly string _pipeName;
    // Puts connecting in order and guards _connection.
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private ClientConnection? _connection;
    private bool _isDisposed;

    /// <summary>A client that has not connected yet.</summary>
    /// <param name="pipeName">Null for <see cref="ControlEndpoint.Default"/>.</param>
    public ControlClient(string? pipeName = null) => _pipeName = pipeName ?? ControlEndpoint.Default;

    /// <summary>How long connecting may take.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Makes changes, all or none, in one transaction.</summary>
    /// <param name="calls">1 to <see cref="RpcMessage.MaxBatch"/> changes, at most <see cref="MessageReader.MaxMessage"/> bytes of text.</param>
    /// <param name="cancellation">Stops waiting; changes that have begun are made.</param>
    /// <exception cref="ControlException">
    /// One was refused, and none was made. <see cref="Exception.Data"/>["index"] is its place in <paramref name="calls"/>.
    /// </exception>
    public async Task<IReadOnlyList<ChangeReply>> BatchAsync(IReadOnlyList<RpcCall> calls, CancellationToken cancellation = default)
    {
        if (calls.Count is 0 or > RpcMessage.MaxBatch)
            throw ErrorCode.BadArgument.With("batch", $"1 to {RpcMessage.MaxBatch} changes");
        var answers = await SendAsync(calls, isBatch: true, cancellation).ConfigureAwait(false);
        ControlException? first = null;
        var replies = new ChangeReply[calls.Count];
        for (var i = 0; i < replies.Length; i++)
        {
            if (answers[i].Error is not { } error)
            {
                replies[i] = answers[i].Result.Deserialize(ProtocolJson.Plain.ChangeReply)!;
            }
            else if (first is null || (first.Code == ErrorCode.BatchRefused && error.Code != ErrorCode.BatchRefused))
            {
                first = error;
                first.Data["index"] = i;
            }
        }
        return first is null ? replies : throw first;
    }

    /// <summary>Ends the connection; requests that wait for an answer fail.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _connection?.Dispose();
        _connecting.Dispose();
    }

    /// <summary>Asks, and once more where the connection was lost: for what changes nothing.</summary>
    private async Task<T> AskAsync<T>(RpcCall call, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        for (var again = true; ; again = false)
        {
            try
            {
                return await SendAsync(call, type, cancellation).ConfigureAwait(false);
            }
            catch (ControlException fault) when (again && fault.Code == ErrorCode.ServiceUnreachable && fault.InnerException is ConnectionLostException)
            {
                // The service was restarted in between, most likely.
            }
        }
    }

    private async Task<T> SendAsync<T>(RpcCall call, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var answer = (await SendAsync([call], isBatch: false, cancellation).ConfigureAwait(false))[0];
        if (answer.Error is { } error)
            throw error;
        try
        {
            return answer.Result.Deserialize(type) ?? throw new JsonException("null");
        }
        catch (JsonException fault)
        {
            throw ErrorCode.ParseError.With($"the answer to {call.Method} does not fit: {fault.Message}");
        }
    }

    private async Task<RpcAnswer[]> SendAsync(IReadOnlyList<RpcCall> calls, bool isBatch, CancellationToken cancellation)
    {
        var connection = await ConnectAsync(cancellation).ConfigureAwait(false);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(Timeout);
        try
        {
            return await connection.SendAsync(calls, isBatch, timeout.Token).ConfigureAwait(false);
        }
        catch (ConnectionLostException lost)
        {
            var fault = ErrorCode.ServiceUnreachable.With(_pipeName, lost.Message);
            throw new ControlException(fault.Code, fault.Message, lost);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw ErrorCode.TimedOut.With(calls[0].Method, Timeout.TotalSeconds);
        }
    }

    private async Task<ClientConnection> ConnectAsync(CancellationToken cancellation)
    {
        if (_isDisposed)
            throw ErrorCode.ServiceUnreachable.With(_pipeName, "the client was closed");
        await _connecting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_connection is { IsLost: false } connected)
                return connected;
            _connection?.Dispose();
            _connection = null;
            return _connection = new ClientConnection(await OpenPipeAsync(_pipeName, cancellation).ConfigureAwait(false));
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<NamedPipeClientStream> OpenPipeAsync(string pipeName, CancellationToken cancellation)
    {
        // Identification: whoever may have taken the name learns who we are and cannot act for us.
        var pipe = new NamedPipeClientStream(".", pipeName, PipeDirection.InOut, PipeOptions.Asynchronous, TokenImpersonationLevel.Identification);
        try
        {
            await pipe.ConnectAsync((int)ConnectTimeout.TotalMilliseconds, cancellation).ConfigureAwait(false);
            return pipe;
        }
        catch (Exception fault) when (fault is TimeoutException or IOException)
        {
            pipe.Dispose();
            throw ErrorCode.ServiceUnreachable.With(pipeName, "nobody listens");
        }
        catch (UnauthorizedAccessException)
        {
            pipe.Dispose();
            throw ErrorCode.AccessDenied.With("talking to the service");
        }
        catch
        {
            pipe.Dispose();
            throw;
        }
    }
}
