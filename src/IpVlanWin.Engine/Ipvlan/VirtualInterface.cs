using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// One virtual device of a port: ipvl_dev in the Linux driver. Its state is changed by <see cref="Port"/>, under the port's lock,
/// and read without one by the data path; each field stands for itself, so no reader can see half a change.
/// </summary>
public sealed unsafe class VirtualInterface
{
    /// <summary>Bytes beside the packet that a frame may have where it is received: the header and a tag.</summary>
    internal const int MasterSlack = 18;

    // The state's memory, pinned, and where in it.
    private readonly byte[] _block;
    private readonly nint _offset;
    private volatile bool _receivesAllMulticast;
    private volatile ulong[] _groups = [];

    internal VirtualInterface(string name, int id, int ipMtu, StateLines lines)
    {
        Name = name;
        Id = id;
        StateLine = lines.Take(out _block);
        _offset = (nint)StateLine - (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_block));
        State.IpMtu = ipMtu;
    }

    /// <summary>Name, unique in the port.</summary>
    public string Name { get; internal set; }

    /// <summary>Number of the interface in its port: small, and used again when the interface is gone.</summary>
    public int Id { get; }

    /// <summary>Up; a removed interface is down for ever.</summary>
    public bool IsUp => State.IsUp;

    /// <summary>MTU in bytes of IP packet.</summary>
    public int IpMtu => State.IpMtu;

    /// <summary>The MTU was set on the interface, so it does not follow the master's (semantics 51).</summary>
    public bool HasOwnMtu { get; internal set; }

    /// <summary>Promiscuous: here, all multicast and nothing else (semantics 16).</summary>
    public bool IsPromiscuous { get; private set; }

    /// <summary>Receives all multicast.</summary>
    public bool IsAllMulticast { get; private set; }

    /// <summary>The seven counters.</summary>
    public InterfaceCounters Counters => new(this);

    /// <summary>What was dropped, by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>The state, for those who keep this from the collector meanwhile.</summary>
    internal InterfaceState* StateLine { get; }

    internal ref InterfaceState State => ref Unsafe.As<byte, InterfaceState>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_block), _offset));

    // Under the port's lock.
    internal Dictionary<L3Address, int> PrefixLengths { get; } = [];

    internal ReadOnlySpan<ulong> GroupValues => _groups;

    /// <summary>The multicast groups it is a member of, sorted.</summary>
    public IReadOnlyList<MacAddress> Groups => Array.ConvertAll(_groups, static value => new MacAddress(value));

    /// <summary>The filter has this multicast MAC (semantics 15).</summary>
    internal bool HasMulticast(MacAddress mac) =>
        mac.IsBroadcast || _receivesAllMulticast || Array.BinarySearch(_groups, mac.Value) >= 0;

    /// <summary>One of the same state whose counters are its own.</summary>
    internal VirtualInterface Shadow(StateLines lines)
    {
        var shadow = new VirtualInterface(Name, Id, IpMtu, lines) { _groups = _groups };
        shadow.SetUp(IsUp);
        shadow.SetPromiscuous(IsPromiscuous);
        shadow.SetAllMulticast(IsAllMulticast);
        return shadow;
    }

    internal void SetUp(bool isUp) => State.Limit = isUp ? State.IpMtu + MasterSlack : 0;

    internal void SetMtu(int ipMtu)
    {
        State.IpMtu = ipMtu;
        SetUp(IsUp);
    }

    internal void SetPromiscuous(bool on)
    {
        IsPromiscuous = on;
        _receivesAllMulticast = IsPromiscuous || IsAllMulticast;
    }

    internal void SetAllMulticast(bool on)
    {
        IsAllMulticast = on;
        _receivesAllMulticast = IsPromiscuous || IsAllMulticast;
    }

    internal void CountSent(int bytes) => State.CountSent(bytes);

    internal void CountReceived(int bytes) => State.CountReceived(bytes);

    internal void CountMulticast() => State.Multicast++;

    internal void CountReceiveError() => State.RxErrors++;

    internal void CountSendDropped() => State.TxDropped++;

    /// <summary>Replaces the list of groups.</summary>
    internal void SetGroups(ulong[] sorted) => _groups = sorted;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
