using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IpVlanWin.Protocol;

/// <summary>
/// What a service tells a subscriber, over a connection of its own. Whoever does not read in time gets a <see cref="LostEvent"/> in the place of
/// what was left out. One reader at a time.
/// </summary>
public sealed class ControlSubscription : IDisposable
{
    private const int RequestId = 1;

    private readonly Stream _stream;
    private readonly string _pipeName;
    private readonly MessageReader _reader;

    private ControlSubscription(Stream stream, string pipeName) => (_stream, _pipeName, _reader) = (stream, pipeName, new MessageReader(stream));

    /// <summary>The state's version when the subscription began.</summary>
    public long Version { get; private set; }

    /// <summary>Waits for the next event. A cancelled call loses none: the next one goes on.</summary>
    /// <exception cref="ControlException">service-unreachable: the connection has ended. Subscribe again, then list.</exception>
    public async Task<ControlEvent> ReadAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            using var message = await ReadMessageAsync(cancellation).ConfigureAwait(false);
            // What a newer service tells is skipped.
            if (Parse(message.RootElement) is { } told)
                return told;
        }
    }

    /// <summary>Hands every event to a callback until cancelled; the next one waits until it returns.</summary>
    /// <exception cref="ControlException">service-unreachable: the connection has ended.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(Action<ControlEvent> take, CancellationToken cancellation = default)
    {
        while (true)
            take(await ReadAsync(cancellation).ConfigureAwait(false));
    }

    /// <summary>Ends the connection, and a call that reads.</summary>
    public void Dispose() => _stream.Dispose();

    internal static async Task<ControlSubscription> StartAsync(Stream stream, string pipeName, SubscribeSpec spec, CancellationToken cancellation)
    {
        var subscription = new ControlSubscription(stream, pipeName);
        var request = new MessageWriter();
        using (var json = request.BeginJson())
            RpcText.WriteRequest(json, RequestId, "service.subscribe", spec, ProtocolJson.Plain.SubscribeSpec);
        await subscription.GuardAsync(async () =>
        {
            var framed = request.Framed();
#if NETSTANDARD2_0
            await stream.WriteAsync(framed.Array, framed.Offset, framed.Count, cancellation).ConfigureAwait(false);
#else
            await stream.WriteAsync(framed, cancellation).ConfigureAwait(false);
#endif
            return true;
        }).ConfigureAwait(false);
        // The answer comes before the first event.
        using var answer = await subscription.ReadMessageAsync(cancellation).ConfigureAwait(false);
        if (answer.RootElement.TryGetProperty("error", out var error))
            throw ClientConnection.Refusal(error);
        subscription.Version = answer.RootElement.GetProperty("result").Deserialize(ProtocolJson.Plain.SubscribeReply)!.Version;
        return subscription;
    }

    private static ControlEvent? Parse(JsonElement message)
    {
        if (!message.TryGetProperty("method", out var method) || !message.TryGetProperty("params", out var told))
            return null;
        return method.GetString() switch
        {
            "interface.changed" => Read(told, ProtocolJson.Plain.InterfaceEvent),
            "port.changed" => Read(told, ProtocolJson.Plain.PortEvent),
            "statistics" => Read(told, ProtocolJson.Plain.StatisticsEvent),
            "events.lost" => Read(told, ProtocolJson.Plain.LostEvent),
            _ => null,
        };
    }

    private static ControlEvent? Read<T>(JsonElement told, JsonTypeInfo<T> type)
        where T : ControlEvent => told.Deserialize(type);

    private Task<JsonDocument> ReadMessageAsync(CancellationToken cancellation) => GuardAsync(async () =>
    {
        var message = await _reader.ReadAsync(cancellation).ConfigureAwait(false) ?? throw new EndOfStreamException("the service closed the connection");
        // The document keeps the bytes, and the reader's buffer is used again.
        return JsonDocument.Parse(message.AsSpan().ToArray(), new JsonDocumentOptions { MaxDepth = ProtocolJson.MaxDepth });
    });

    private async Task<T> GuardAsync<T>(Func<Task<T>> body)
    {
        try
        {
            return await body().ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or JsonException or ObjectDisposedException or InvalidOperationException)
        {
            throw new ControlException(ErrorCode.ServiceUnreachable, ErrorCode.ServiceUnreachable.With(_pipeName, fault.Message).Message, fault);
        }
    }
}
