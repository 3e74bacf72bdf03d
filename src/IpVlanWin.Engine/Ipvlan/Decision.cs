using System.Runtime.CompilerServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>What is to be done with a frame.</summary>
public enum DecisionAction : byte
{
    /// <summary>Nothing; <see cref="Decision.Reason"/> says why.</summary>
    Drop,

    /// <summary>Hand it, as received on the master, to the host's stack.</summary>
    Host,

    /// <summary>Hand it unchanged to <see cref="Decision.TargetId"/>.</summary>
    Deliver,

    /// <summary>l3s: hand it to the host, and the packet in it, cut to <see cref="Decision.PacketLength"/>, to <see cref="Decision.TargetId"/>.</summary>
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

/// <summary>A decision: one machine word, so that it comes back in a register and is never put together in memory.</summary>
public readonly struct Decision
{
    // Bits: action 8, reason 8, error 4, fragmenting 1, packet length 17, and the target's number and one 26.
    private const int ReasonShift = 8;
    private const int ErrorShift = 16;
    private const int FragmentShift = 20;
    private const int LengthShift = 21;
    private const int TargetShift = 38;
    private const uint ErrorMask = (1u << (FragmentShift - ErrorShift)) - 1;
    private const uint LengthMask = (1u << (TargetShift - LengthShift)) - 1;

    private readonly ulong _packed;

    // Inlined: a constructor that is called wants its object in memory, and then nothing can be handed on by a jump.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Decision(DecisionAction action, int targetId = -1, DropReason reason = DropReason.None, SendError error = SendError.None, int packetLength = 0, bool fragment = false) =>
        _packed = (ulong)action | ((ulong)reason << ReasonShift) | ((ulong)error << ErrorShift) | ((fragment ? 1ul : 0) << FragmentShift)
            | ((ulong)(uint)packetLength << LengthShift) | ((ulong)(uint)(targetId + 1) << TargetShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Decision(ulong packed) => _packed = packed;

    /// <summary>To deliver to an interface, by what the address map keeps: one more than its number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Decision DeliverTo(int found) => new((ulong)DecisionAction.Deliver | ((ulong)(uint)found << TargetShift));

    /// <summary>
    /// The number of the interface that gets it, that flooded it or could not take it; -1 where none is named. Whose number it is,
    /// <see cref="PortSnapshot.TargetOf"/> of the snapshot that decided knows.
    /// </summary>
    public int TargetId => (int)(_packed >> TargetShift) - 1;

    /// <summary>What is to be done.</summary>
    public DecisionAction Action => (DecisionAction)(byte)_packed;

    /// <summary>Why it is dropped; none where it is not.</summary>
    public DropReason Reason => (DropReason)(byte)(_packed >> ReasonShift);

    /// <summary>What the sender is told.</summary>
    public SendError SendError => (SendError)((uint)(_packed >> ErrorShift) & ErrorMask);

    /// <summary>The packet is longer than the master's MTU and may be fragmented (RFC 791 section 2.3).</summary>
    public bool NeedsFragmenting => ((_packed >> FragmentShift) & 1) != 0;

    /// <summary>l3s: bytes of the IP packet without padding.</summary>
    public int PacketLength => (int)((uint)(_packed >> LengthShift) & LengthMask);
}
