using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Observe;

/// <summary>
/// What one client is told. Whoever has news offers it and never waits; what finds the queue full is left out and counted, and so is all that
/// follows until the client has taken what was there. Then he is told how much he missed.
/// </summary>
/// <param name="spec">What he wants.</param>
/// <param name="statistics">Pages of all statistics.</param>
internal sealed class Subscription(SubscribeSpec spec, Func<ListQuery, Page<StatisticsRecord>> statistics)
{
    /// <summary>Bytes of messages that wait; a longer one may be the only one.</summary>
    public const int QueueBytes = 1 << 20;

    private const int StatisticsPage = 1000;

    // One token: there is something to take.
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    // Guards _queue, _bytes and _lost.
    private readonly Lock _lock = new();
    private readonly Queue<ArraySegment<byte>> _queue = [];
    private long _bytes;
    private long _lost;

    public SubscribeSpec Spec => spec;

    /// <summary>Framed notification of a record.</summary>
    public static ArraySegment<byte> Frame<T>(string method, T told, JsonTypeInfo<T> type)
        where T : ControlEvent
    {
        var message = new MessageWriter();
        using (var json = message.BeginJson())
            RpcText.WriteRequest(json, null, method, told, type);
        return message.Framed();
    }

    /// <summary>Queues a framed message, or counts it as lost.</summary>
    public void Offer(ArraySegment<byte> framed)
    {
        lock (_lock)
        {
            if (_lost > 0 || (_bytes + framed.Count > QueueBytes && _queue.Count > 0))
            {
                _lost++;
            }
            else
            {
                _queue.Enqueue(framed);
                _bytes += framed.Count;
            }
        }
        _news.Writer.TryWrite(true);
    }

    /// <summary>Tells until the client leaves.</summary>
    /// <param name="write">Writes one framed message; waits as long as the client does not read.</param>
    /// <param name="leaving">The client leaves, or the service ends.</param>
    /// <exception cref="IOException">The client is gone.</exception>
    /// <exception cref="OperationCanceledException">He leaves.</exception>
    public async Task RunAsync(Func<ArraySegment<byte>, Task> write, CancellationToken leaving)
    {
        using var timer = spec.StatisticsSeconds is { } seconds ? new PeriodicTimer(TimeSpan.FromSeconds(seconds)) : null;
        var due = timer?.WaitForNextTickAsync(leaving).AsTask();
        var news = _news.Reader.ReadAsync(leaving).AsTask();
        while (true)
        {
            await Task.WhenAny(due is null ? [news] : [news, due]).ConfigureAwait(false);
            leaving.ThrowIfCancellationRequested();
            if (news.IsCompleted)
                news = _news.Reader.ReadAsync(leaving).AsTask();
            await DrainAsync(write).ConfigureAwait(false);
            if (due is not { IsCompleted: true })
                continue;
            await WriteStatisticsAsync(write).ConfigureAwait(false);
            due = timer!.WaitForNextTickAsync(leaving).AsTask();
        }
    }

    private async Task DrainAsync(Func<ArraySegment<byte>, Task> write)
    {
        while (TryTake(out var framed))
            await write(framed).ConfigureAwait(false);
    }

    /// <summary>Page by page and not by way of the queue: a slow client gets them less often.</summary>
    private async Task WriteStatisticsAsync(Func<ArraySegment<byte>, Task> write)
    {
        string? cursor = null;
        do
        {
            var page = statistics(new ListQuery { Limit = StatisticsPage, Cursor = cursor });
            await write(Frame("statistics", new StatisticsEvent { Items = page.Items }, ProtocolJson.Plain.StatisticsEvent)).ConfigureAwait(false);
            await DrainAsync(write).ConfigureAwait(false);
            cursor = page.Cursor;
        }
        while (cursor is not null);
    }

    private bool TryTake(out ArraySegment<byte> framed)
    {
        lock (_lock)
        {
            if (_queue.TryDequeue(out framed))
            {
                _bytes -= framed.Count;
                return true;
            }
            if (_lost == 0)
                return false;
            framed = Frame("events.lost", new LostEvent { Count = _lost }, ProtocolJson.Plain.LostEvent);
            _lost = 0;
            return true;
        }
    }
}
