namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// Puts a number to what WinDivert lost in silence: the adapter's own count against ours, over the times in which a queue was found full.
/// The host's own packets of those times are in it too, so it is an upper bound. Asked by one thread, once a second or so.
/// </summary>
public sealed class DivertLossWatch
{
    private readonly Func<long> _adapterPackets;
    private readonly Func<DivertStatistics> _statistics;
    private long _adapterBefore;
    private DivertStatistics _before;

    /// <summary>Starts counting now.</summary>
    /// <param name="adapterPackets">Unicast packets that the master has received and sent so far.</param>
    /// <param name="statistics">Ours.</param>
    public DivertLossWatch(Func<long> adapterPackets, Func<DivertStatistics> statistics)
    {
        ArgumentNullException.ThrowIfNull(adapterPackets);
        ArgumentNullException.ThrowIfNull(statistics);
        (_adapterPackets, _statistics) = (adapterPackets, statistics);
        (_adapterBefore, _before) = (adapterPackets(), statistics());
    }

    /// <summary>Packets lost so far, at most.</summary>
    public long LostAtMost { get; private set; }

    /// <summary>Looks again.</summary>
    public void Sample()
    {
        var (adapter, now) = (_adapterPackets(), _statistics());
        if (now.Overruns > _before.Overruns)
            LostAtMost += Math.Max(0, adapter - _adapterBefore - (now.Received - _before.Received));
        (_adapterBefore, _before) = (adapter, now);
    }
}
