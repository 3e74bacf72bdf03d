using System.Runtime.CompilerServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>What is to be done with a frame.</summary>
public enum DecisionAction : byte
{
    /// <summary>Nothing; <see cref="Decision.Reason"/> says why.</summary>
    Drop,

    /// <summary>Hand it, as received on the master, to the host's stack.</summary>
    Host,

    /// <summary>Hand it unchanged to <see cref="Decision.Target"/>.</summary>
    Deliver,

    /// <summary>l3s: hand it to the host, and the packet in it, cut to <see cref="Decision.PacketLength"/>, to <see cref="Decision.Target"/>.</summary>
    HostAndLocal,

    /// <summary>Put it in the backlog, from the wire: the host and every member get a copy.</summary>
    FloodReceived,

    /// <summary>Put it in the backlog, from an interface: every other member and the wire get a copy.</summary>
    FloodSent,

    /// <summary>Send it unchanged on the master.</summary>
    Wire,

    /// <summary>Route it: rewrite by <see cref="Routing.RoutedPacket"/> and send on the master to the next hop.</summary>
    Route,

    /// <summary>As <see cref="Route"/>, but the next hop's MAC is not known: have it resolved, queue the packet.</summary>
    NeighborMissing,

    /// <summary>Route it to the host itself: rewrite by <see cref="Routing.RoutedPacket"/> and hand it to the host's stack.</summary>
    RouteToHost,
}

/// <summary>The error that a refused or dropped send gives its sender (format section 5).</summary>
public enum SendError : byte
{
    /// <summary>Counted as sent.</summary>
    None,

    /// <summary>ENOBUFS: the port dropped the frame.</summary>
    NoBuffers,

    /// <summary>ENETDOWN: the interface is down.</summary>
    NetworkDown,

    /// <summary>EMSGSIZE: longer than the interface's MTU allows.</summary>
    MessageTooLong,

    /// <summary>EINVAL: shorter than an Ethernet header.</summary>
    Invalid,
}

/// <summary>A decision: two machine words, so that it comes back in registers and is never put together in memory.</summary>
public readonly struct Decision
{
    private const int ReasonShift = 8;
    private const int ErrorShift = 16;
    private const int FragmentShift = 24;
    private const int LengthShift = 32;

    private readonly ulong _rest;

    // Inlined: a constructor that is called wants its object in memory, and then nothing can be handed on by a jump.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Decision(DecisionAction action, VirtualInterface? target = null, DropReason reason = DropReason.None, SendError error = SendError.None, int packetLength = 0, bool fragment = false)
    {
        Target = target;
        _rest = (ulong)action | ((ulong)reason << ReasonShift) | ((ulong)error << ErrorShift) | ((fragment ? 1ul : 0) << FragmentShift) | ((ulong)(uint)packetLength << LengthShift);
    }

    /// <summary>The interface that gets it; null where none does.</summary>
    public VirtualInterface? Target { get; }

    /// <summary>What is to be done.</summary>
    public DecisionAction Action => (DecisionAction)(byte)_rest;

    /// <summary>Why it is dropped; none where it is not.</summary>
    public DropReason Reason => (DropReason)(byte)(_rest >> ReasonShift);

    /// <summary>What the sender is told.</summary>
    public SendError SendError => (SendError)(byte)(_rest >> ErrorShift);

    /// <summary>The packet is longer than the master's MTU and may be fragmented (RFC 791 section 2.3).</summary>
    public bool NeedsFragmenting => (byte)(_rest >> FragmentShift) != 0;

    /// <summary>l3s: bytes of the IP packet without padding.</summary>
    public int PacketLength => (int)(_rest >> LengthShift);
}
