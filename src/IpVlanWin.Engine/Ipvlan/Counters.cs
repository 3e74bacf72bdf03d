namespace IpVlanWin.Engine.Ipvlan;

/// <summary>The seven counters of an interface (semantics section 7). Written by the data path's thread alone; read by any.</summary>
public readonly struct InterfaceCounters
{
    private readonly VirtualInterface _owner;

    internal InterfaceCounters(VirtualInterface owner) => _owner = owner;

    /// <summary>Frames handed up.</summary>
    public long RxPackets => Volatile.Read(ref _owner.State.RxPackets);

    /// <summary>Bytes handed up, Ethernet header included (semantics 5, 37).</summary>
    public long RxBytes => Volatile.Read(ref _owner.State.RxBytes);

    /// <summary>Frames handed up as copies of a flooded one.</summary>
    public long Multicast => Volatile.Read(ref _owner.State.Multicast);

    /// <summary>Frames sent.</summary>
    public long TxPackets => Volatile.Read(ref _owner.State.TxPackets);

    /// <summary>Bytes sent, Ethernet header and tag included.</summary>
    public long TxBytes => Volatile.Read(ref _owner.State.TxBytes);

    /// <summary>Frames too long to be handed up.</summary>
    public long RxErrors => Volatile.Read(ref _owner.State.RxErrors);

    /// <summary>Frames the port refused to carry.</summary>
    public long TxDropped => Volatile.Read(ref _owner.State.TxDropped);
}

/// <summary>Frames that went nowhere, by reason (semantics 58). Written by the data path's thread alone; read by any.</summary>
public sealed class DropCounters
{
    private readonly long[] _counts = new long[DropReasons.Count];

    /// <summary>Frames dropped for this reason.</summary>
    public long this[DropReason reason] => Volatile.Read(ref _counts[(int)reason]);

    internal void Count(DropReason reason) => _counts[(int)reason]++;
}
