using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <content>
/// Where there are many addresses it is found out ahead, for all plain frames of a batch, where their destinations will be looked up, so that the
/// waits for memory of all frames overlap. Where there are few it would cost more than it saves.
/// </content>
public sealed unsafe partial class PortSnapshot
{
    // From here on addresses outgrow the nearest cache.
    private const int ManyAddresses = 1 << 11;

    // From here on the interfaces' states do.
    private const int ManyInterfaces = 1 << 8;

    /// <summary>What differs between frames from the wire and from an interface.</summary>
    private interface IDirection
    {
        /// <summary>Nothing is to be asked of a plain frame but who has its destination.</summary>
        bool Admits(PortSnapshot snapshot, ref byte first, int length);
    }

    /// <summary>Foresees, where that pays, where the frames of a batch from the wire will be looked up. Nothing is counted.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="foresight">What was foreseen: good for this snapshot and these frames.</param>
    /// <returns>Something was foreseen. Where not, every frame's is the default.</returns>
    public bool Foresee<TFrames>(TFrames frames, Foresight foresight)
        where TFrames : struct, IFrameList, allows ref struct =>
        Foresee(frames, default(FromWire), foresight);

    /// <summary>Foresees, where that pays, where the frames of a batch from an interface will be looked up. Nothing is counted.</summary>
    /// <param name="sender">The interface; must belong to this port.</param>
    /// <param name="frames">The frames.</param>
    /// <param name="foresight">What was foreseen: good for this snapshot and these frames.</param>
    /// <returns>Something was foreseen. Where not, every frame's is the default.</returns>
    public bool Foresee<TFrames>(VirtualInterface sender, TFrames frames, Foresight foresight)
        where TFrames : struct, IFrameList, allows ref struct
    {
        var any = Foresee(frames, new FromInterface(sender.StateLine), foresight);
        GC.KeepAlive(sender);
        return any;
    }

    /// <summary>As <see cref="Receive(ReadOnlySpan{byte}, in FrameOffload)"/>, for a frame of a batch.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="foreseen">What this snapshot foresaw of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Decision Receive(ReadOnlySpan<byte> frame, in FrameOffload offload, Foreseen foreseen)
    {
        if (foreseen.IsNothing)
            return Receive(frame, offload);
        var found = foreseen.Find(frame);
        if ((uint)(found - 1) < (uint)_members.Count)
            return ReceivedBy(found, frame.Length);
        return found != AddressMap.Beyond ? new Decision(DecisionAction.Host) : ReceiveUnusual(frame, offload);
    }

    /// <summary>As <see cref="Transmit(VirtualInterface, ReadOnlySpan{byte}, in FrameOffload, TimeSpan, ref NextHop)"/>, for a frame of a batch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Decision Transmit(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop, Foreseen foreseen)
    {
        if (foreseen.IsNothing)
            return Transmit(sender, frame, offload, now, ref hop);
        var found = foreseen.Find(frame);
        if ((uint)(found - 1) < (uint)_members.Count)
            return SentTo(found, sender, frame, offload, now, ref hop);
        return found != AddressMap.Beyond && Mode != PortMode.L2
            ? TransmitPlain(sender, frame, offload, now, ref hop)
            : TransmitUnusual(sender, frame, offload, now, ref hop);
    }

    private bool Foresee<TFrames, TDirection>(TFrames frames, TDirection direction, Foresight foresight)
        where TFrames : struct, IFrameList, allows ref struct
        where TDirection : struct, IDirection
    {
        var turns = foresight.Turns ?? (_map.Count < ManyAddresses ? 0 : _members.Count < ManyInterfaces ? 1 : 2);
        if (turns == 0)
        {
            foresight.Forget();
            return false;
        }
        var all = foresight.Begin(_map, frames.Count);
        FindLines(foresight.Reading, frames, direction, all);
        if (turns > 1)
            FindInterfaces(frames, all);
        return true;
    }

    /// <summary>First turn: where each frame's destination lies.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FindLines<TFrames, TDirection>(AddressMap.Reading map, TFrames frames, TDirection direction, Span<Foreseen> all)
        where TFrames : struct, IFrameList, allows ref struct
        where TDirection : struct, IDirection
    {
        for (var i = 0; i < all.Length; i++)
        {
            var foreseen = LineOf(in map, frames[i], direction);
            Bring(foreseen.Line);
            all[i] = foreseen;
        }
    }

    /// <summary>Second turn: whose it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FindInterfaces<TFrames>(TFrames frames, Span<Foreseen> all)
        where TFrames : struct, IFrameList, allows ref struct
    {
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].IsNothing)
                continue;
            var found = all[i].Find(frames[i]);
            all[i] = Foreseen.Of(found);
            if ((uint)(found - 1) < (uint)_members.Count)
                Bring(StateOf(found - 1));
        }
    }

    /// <summary>Where the destination of a frame that is admitted and plain is looked up; nothing of others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Foreseen LineOf<TDirection>(in AddressMap.Reading map, ReadOnlySpan<byte> frame, TDirection direction)
        where TDirection : struct, IDirection
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if (!direction.Admits(this, ref first, frame.Length))
            return default;
        if (Classifier.IsPlainFour(ref first, frame.Length))
            return Foreseen.InFour(map.LineOfFour(ref Unsafe.Add(ref first, Classifier.Ipv4Destination)));
        return Classifier.IsPlainSix(ref first, frame.Length) ? Foreseen.InSix(map.LineOfSix(ref Unsafe.Add(ref first, Classifier.Ipv6Destination))) : default;
    }

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
    }

    private readonly struct FromInterface(InterfaceState* sending) : IDirection
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Admits(PortSnapshot snapshot, ref byte first, int length) => snapshot.MaySwitch(sending, ref first, length);
    }
}
