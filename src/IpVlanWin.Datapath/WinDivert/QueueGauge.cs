using System.Diagnostics;
using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>What one reader counts; written by its thread, read by any.</summary>
internal sealed class ReaderStatistics
{
    public long Received, Passed, Dropped, Cut, Unreadable, SendFailures, Expired, LongestWaitTicks, Overruns, OnMaster;
    public int LastSendError;
}

/// <summary>
/// How full WinDivert's queue is, which it does not tell: packets stamped before a moment and received after it were queued at that
/// moment. A queue found full, or packets kept as long as it keeps any, is an overrun: WinDivert loses the surplus in silence.
/// </summary>
internal sealed class QueueGauge
{
    private readonly ReaderStatistics _statistics;
    private readonly long _nearlyAllPackets;
    private readonly long _nearlyAllBytes;
    private readonly long _nearlyTooLong;
    private long _mark;
    private long _packets;
    private long _bytes;

    public QueueGauge(DivertSettings settings, ReaderStatistics statistics)
    {
        _statistics = statistics;
        // A little was received, and more came, before the moment was taken.
        _nearlyAllPackets = settings.QueuePackets - settings.BatchPackets - (settings.QueuePackets / 16);
        _nearlyAllBytes = settings.QueueBytes - settings.BatchBytes - (settings.QueueBytes / 16);
        _nearlyTooLong = (long)(settings.QueueTime.TotalSeconds * 0.9 * Stopwatch.Frequency);
    }

    /// <summary>Notes a batch, received at <paramref name="now"/>.</summary>
    public void Note(ReadOnlySpan<DivertAddress> addresses, int bytes, long now)
    {
        if (addresses.IsEmpty)
            return;
        var wait = now - addresses[0].Timestamp;
        _statistics.LongestWaitTicks = Math.Max(_statistics.LongestWaitTicks, wait);
        if (addresses[0].Timestamp >= _mark)
            (_mark, _packets, _bytes) = (now, 0, 0);
        _packets += addresses.Length;
        _bytes += bytes;
        if (wait >= _nearlyTooLong || _packets >= _nearlyAllPackets || _bytes >= _nearlyAllBytes)
            _statistics.Overruns++;
    }
}
