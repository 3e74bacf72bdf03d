namespace IpVlanWin.Engine.Ipvlan;

/// <summary>The seven counters of an interface (semantics section 7). Written by the data path's thread alone; read by any.</summary>
public sealed class InterfaceCounters
{
    internal long _rxPackets;
    internal long _rxBytes;
    internal long _multicast;
    internal long _txPackets;
    internal long _txBytes;
    internal long _rxErrors;
    internal long _txDropped;

    /// <summary>Frames handed up.</summary>
    public long RxPackets => Volatile.Read(ref _rxPackets);

    /// <summary>Bytes handed up, Ethernet header included (semantics 5, 37).</summary>
    public long RxBytes => Volatile.Read(ref _rxBytes);

    /// <summary>Frames handed up as copies of a flooded one.</summary>
    public long Multicast => Volatile.Read(ref _multicast);

    /// <summary>Frames sent.</summary>
    public long TxPackets => Volatile.Read(ref _txPackets);

    /// <summary>Bytes sent, Ethernet header and tag included.</summary>
    public long TxBytes => Volatile.Read(ref _txBytes);

    /// <summary>Frames too long to be handed up.</summary>
    public long RxErrors => Volatile.Read(ref _rxErrors);

    /// <summary>Frames the port refused to carry.</summary>
    public long TxDropped => Volatile.Read(ref _txDropped);

    internal void CountSent(int bytes)
    {
        _txPackets++;
        _txBytes += bytes;
    }

    internal void CountReceived(int bytes)
    {
        _rxPackets++;
        _rxBytes += bytes;
    }
}

/// <summary>Frames that went nowhere, by reason (semantics 58). Written by the data path's thread alone; read by any.</summary>
public sealed class DropCounters
{
    private readonly long[] _counts = new long[DropReasons.Count];

    /// <summary>Frames dropped for this reason.</summary>
    public long this[DropReason reason] => Volatile.Read(ref _counts[(int)reason]);

    internal void Count(DropReason reason) => _counts[(int)reason]++;
}
