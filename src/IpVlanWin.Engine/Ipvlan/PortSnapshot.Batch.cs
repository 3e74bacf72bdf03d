using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Frames of a batch.</summary>
public interface IFrameList
{
    /// <summary>How many.</summary>
    int Count { get; }

    /// <summary>The bytes of one.</summary>
    ReadOnlySpan<byte> this[int index] { get; }
}

/// <summary>What was decided on a frame together with its batch. The default: nothing yet.</summary>
public readonly struct Delivery
{
    private const int ToLink = -1;
    private const int ToHost = 1;
    private const int Bias = 2;

    private readonly int _value;

    private Delivery(int value) => _value = value;

    /// <summary>Nothing was decided or counted yet.</summary>
    internal bool IsOpen => _value <= 0;

    /// <summary>Open, but of an l3 interface and for no sibling.</summary>
    internal bool IsForLink => _value == ToLink;

    /// <summary>Number of the interface that gets it, which has counted it; negative where the host does.</summary>
    internal int Target => _value - Bias;

    internal static Delivery Link => new(ToLink);

    internal static Delivery Host => new(ToHost);

    internal static Delivery To(int target) => new(target + Bias);
}

/// <content>
/// Where there are many addresses the plain frames of a batch are decided on together, in three turns - where each address lies, whose it is, the
/// decision - so that the waits for memory of all frames overlap. Where there are few it would cost more than it saves.
/// </content>
public sealed unsafe partial class PortSnapshot
{
    // From here on addresses outgrow the nearer caches.
    private const int ManyAddresses = 1 << 14;

    // As many as the nearest cache takes at once.
    private const int FramesAhead = 64;

    // Lines are aligned, so this bit of their place is free to tell the family.
    private const nint IsSix = 1;

    /// <summary>What differs between frames from the wire and from an interface.</summary>
    private interface IDirection
    {
        /// <summary>Nothing is to be asked of a plain frame but who has its destination.</summary>
        bool Admits(PortSnapshot snapshot, ref byte first, int length);

        /// <summary>Decides on a frame and counts it.</summary>
        /// <param name="found">Who has its destination, as <see cref="AddressMap.FindFour(nint, ref byte)"/>, or <see cref="AddressMap.Beyond"/> where that was not asked.</param>
        /// <param name="state">That interface's, or null.</param>
        /// <param name="length">Bytes of the frame.</param>
        Delivery Settle(int found, InterfaceState* state, int length);
    }

    /// <summary>Decides, where that pays, on those frames from the wire that are plain, as <see cref="Receive(ReadOnlySpan{byte}, in FrameOffload)"/>, and counts them.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="deliveries">What was decided; at least as many.</param>
    /// <returns>False where nothing was, as it would cost more than it saves.</returns>
    public bool Receive<TFrames>(TFrames frames, Span<Delivery> deliveries)
        where TFrames : struct, IFrameList =>
        Decide(frames, default(FromWire), deliveries);

    /// <summary>Decides, where that pays, on those frames from an interface that are plain and for a sibling, as <see cref="Transmit(VirtualInterface, ReadOnlySpan{byte}, in FrameOffload, TimeSpan, ref NextHop)"/>, and counts them.</summary>
    /// <param name="sender">The interface; must belong to this port.</param>
    /// <param name="frames">The frames.</param>
    /// <param name="deliveries">What was decided; at least as many.</param>
    /// <returns>False where nothing was, as it would cost more than it saves.</returns>
    public bool Transmit<TFrames>(VirtualInterface sender, TFrames frames, Span<Delivery> deliveries)
        where TFrames : struct, IFrameList =>
        Decide(frames, new FromInterface(sender.StateLine, Mode != PortMode.L2 ? Delivery.Link : default), deliveries);

    /// <summary>As <see cref="Receive(ReadOnlySpan{byte}, in FrameOffload)"/>, for a frame of a batch.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="delivery">What this snapshot decided with the batch, if anything.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Decision Receive(ReadOnlySpan<byte> frame, in FrameOffload offload, Delivery delivery) =>
        delivery.IsOpen ? Receive(frame, offload) : DecisionOf(delivery);

    /// <summary>As <see cref="Transmit(VirtualInterface, ReadOnlySpan{byte}, in FrameOffload, TimeSpan, ref NextHop)"/>, for a frame of a batch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Decision Transmit(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop, Delivery delivery)
    {
        if (!delivery.IsOpen)
            return DecisionOf(delivery);
        return delivery.IsForLink ? TransmitToLink(sender, frame, offload, now, ref hop) : Transmit(sender, frame, offload, now, ref hop);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Decision DecisionOf(Delivery delivery) =>
        delivery.Target < 0 ? new Decision(DecisionAction.Host) : new Decision(DecisionAction.Deliver, _members[delivery.Target].Interface);

    // Apart from its loops: a method with both would be compiled before the runtime knows how it is used.
    [SkipLocalsInit]
    private bool Decide<TFrames, TDirection>(TFrames frames, TDirection direction, Span<Delivery> deliveries)
        where TFrames : struct, IFrameList
        where TDirection : struct, IDirection
    {
        deliveries = deliveries[..frames.Count];
        if (_map.Count < ManyAddresses)
            return false;
        var lines = stackalloc nint[FramesAhead];
        var found = stackalloc int[FramesAhead];
        var states = stackalloc nint[FramesAhead];
        TakeTurns(frames, direction, deliveries, lines, found, states);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeTurns<TFrames, TDirection>(TFrames frames, TDirection direction, Span<Delivery> deliveries, nint* lines, int* found, nint* states)
        where TFrames : struct, IFrameList
        where TDirection : struct, IDirection
    {
        var map = _map.Now;
        for (var start = 0; start < deliveries.Length; start += FramesAhead)
        {
            var count = Math.Min(deliveries.Length - start, FramesAhead);
            for (var i = 0; i < count; i++)
            {
                lines[i] = LineOf(map, frames[start + i], direction);
                Bring((void*)lines[i]);
            }
            var beyond = 0;
            for (var i = 0; i < count; i++)
            {
                found[i] = Find(lines[i], frames[start + i]);
                states[i] = (nint)StateOf(found[i]);
                Bring((void*)states[i]);
                beyond += found[i] == AddressMap.Beyond ? 1 : 0;
            }
            if (beyond > 0)
                FindBeyond(frames, start, count, lines, found, states);
            for (var i = 0; i < count; i++)
                deliveries[start + i] = direction.Settle(found[i], (InterfaceState*)states[i], frames[start + i].Length);
        }
        map.End();
    }

    /// <summary>The frames whose destinations do not lie in the line that was asked. Apart, so that nothing is called in the turns themselves.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FindBeyond<TFrames>(TFrames frames, int start, int count, nint* lines, int* found, nint* states)
        where TFrames : struct, IFrameList
    {
        for (var i = 0; i < count; i++)
        {
            if (found[i] != AddressMap.Beyond || lines[i] == 0)
                continue;
            found[i] = (lines[i] & IsSix) == 0
                ? _map.Find(frames[start + i], KeyFamily.Four, Classifier.Ipv4Destination) + 1
                : _map.Find(frames[start + i], KeyFamily.Six, Classifier.Ipv6Destination) + 1;
            states[i] = (nint)StateOf(found[i]);
        }
    }

    /// <summary>Where the destination of a frame that is admitted and plain is looked up, with the bit <see cref="IsSix"/>; 0 for others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint LineOf<TDirection>(in AddressMap.Reading map, ReadOnlySpan<byte> frame, TDirection direction)
        where TDirection : struct, IDirection
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if (!direction.Admits(this, ref first, frame.Length))
            return 0;
        if (Classifier.IsPlainFour(ref first, frame.Length))
            return map.LineOfFour(ref Unsafe.Add(ref first, Classifier.Ipv4Destination));
        return Classifier.IsPlainSix(ref first, frame.Length) ? map.LineOfSix(ref Unsafe.Add(ref first, Classifier.Ipv6Destination)) | IsSix : 0;
    }

    /// <summary>Who has the destination of a frame; <see cref="AddressMap.Beyond"/> also without a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Find(nint line, ReadOnlySpan<byte> frame)
    {
        if (line == 0)
            return AddressMap.Beyond;
        ref var first = ref MemoryMarshal.GetReference(frame);
        return (line & IsSix) == 0
            ? AddressMap.FindFour(line, ref Unsafe.Add(ref first, Classifier.Ipv4Destination))
            : AddressMap.FindSix(line & ~IsSix, ref Unsafe.Add(ref first, Classifier.Ipv6Destination));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private InterfaceState* StateOf(int found) => (uint)(found - 1) < (uint)_memberCount ? MemberAt(found - 1).State : null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Bring(void* line)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(line);
    }

    private readonly struct FromWire : IDirection
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Admits(PortSnapshot snapshot, ref byte first, int length) => snapshot.MayReceive(ref first, length);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Delivery Settle(int found, InterfaceState* state, int length)
        {
            if (state == null)
                return found == AddressMap.Beyond ? default : Delivery.Host;
            if (!state->IsUp)
                return Delivery.Host;
            state->CountReceived(length);
            return Delivery.To(found - 1);
        }
    }

    private readonly struct FromInterface(InterfaceState* sending, Delivery toNone) : IDirection
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Admits(PortSnapshot snapshot, ref byte first, int length) => snapshot.MaySwitch(sending, ref first, length);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Delivery Settle(int found, InterfaceState* state, int length)
        {
            if (state == null)
                return found == AddressMap.Beyond ? default : toNone;
            if (length > state->Limit)
                return default;
            sending->CountSent(length);
            state->CountReceived(length);
            return Delivery.To(found - 1);
        }
    }
}
