namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// Puts a number to what WinDivert lost in silence: what the master's adapter has carried less what was diverted there, from before a
/// queue was found full until a sample after the last that found it so. The host's own packets of that time are in it, and pieces of what was
/// diverted whole: it is an upper bound. What was lost between interfaces no adapter has counted. Sampled by one thread, once a second or so,
/// which is longer than WinDivert keeps a packet; read by any.
/// </summary>
public sealed class DivertLossWatch
{
    private readonly Func<long?> _adapterPackets;
    private readonly Func<DivertStatistics> _statistics;

    private long? _carried;

    // Carried and not diverted, at the last sample and at the one before; null while the adapter is not there.
    private long? _last;
    private long? _beforeLast;
    private long _from;
    private long _lost;
    private long _overruns;
    private bool _wasFound;
    private volatile bool _isOverrunning;

    /// <summary>Starts counting now.</summary>
    /// <param name="adapterPackets">Unicast packets that the master has received and sent so far; null while it is not there.</param>
    /// <param name="statistics">Ours.</param>
    public DivertLossWatch(Func<long?> adapterPackets, Func<DivertStatistics> statistics)
    {
        ArgumentNullException.ThrowIfNull(adapterPackets);
        ArgumentNullException.ThrowIfNull(statistics);
        (_adapterPackets, _statistics) = (adapterPackets, statistics);
        var now = statistics();
        _carried = adapterPackets();
        _last = _beforeLast = _carried - now.OnMaster;
        _overruns = now.Overruns;
    }

    /// <summary>Packets lost so far, at most; those of the last second are not in it yet.</summary>
    public long LostAtMost => Volatile.Read(ref _lost);

    /// <summary>How often a queue was found full.</summary>
    public long Overruns => Volatile.Read(ref _overruns);

    /// <summary>A queue was found full since the last sample but one.</summary>
    public bool IsOverrunning => _isOverrunning;

    /// <summary>Looks again.</summary>
    public void Sample()
    {
        // The adapter first: what comes between the two is then no loss.
        var adapter = _adapterPackets();
        var statistics = _statistics();
        var now = adapter - statistics.OnMaster;
        var wasFull = _isOverrunning;
        var isFound = statistics.Overruns > _overruns;
        // It may stay full after it was last found so, for less than it takes to read it: a sample more.
        var isFull = isFound || _wasFound;
        if (now is null || _last is null || _beforeLast is null || adapter < _carried)
        {
            // The adapter is away, or another one: it counts from zero.
            (_beforeLast, _last, _from) = (now, now, now ?? 0);
        }
        else
        {
            // It was full before it was found full. What has been counted is not counted again.
            if (isFull && !wasFull)
                _from = Math.Max(_from, _beforeLast.Value);
            // What is queued now is not lost: the lesser of two looks has it once.
            if (wasFull && Math.Min(_last.Value, now.Value) is var certain && certain > _from)
            {
                Volatile.Write(ref _lost, _lost + (certain - _from));
                _from = certain;
            }
            (_beforeLast, _last) = (_last, now);
        }
        (_carried, _wasFound) = (adapter, isFound);
        Volatile.Write(ref _overruns, statistics.Overruns);
        _isOverrunning = isFull;
    }
}
