using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// A port as the data path sees it during one batch: read <see cref="Port.Snapshot"/> once, then decide frame by frame. Mode, flag,
/// master and the set of interfaces stay as they were; addresses, link states, groups and routes are live, each read whole.
/// Calls count, so all of one port's come from one thread at a time. Nothing here allocates, locks or throws for a frame's sake.
/// </summary>
/// <remarks>
/// Numbers in comments are rules of the semantics. In the Linux driver: ipvlan_handle_frame, ipvlan_queue_xmit, ipvlan_l3_rcv.
/// The parts are not inlined, so that each hands on to the next by a jump: inlined, their results would need stack slots that are zeroed
/// for every frame.
/// </remarks>
public sealed unsafe partial class PortSnapshot
{
    private const int MasterSlack = VirtualInterface.MasterSlack;

    // The first six of eight bytes read as one number.
    private static ulong MacBits => BitConverter.IsLittleEndian ? ulong.MaxValue >> 16 : ulong.MaxValue << 16;

    /// <summary>Decides on a frame that the master received from the wire (semantics sections 3 and 4) and counts it.</summary>
    public Decision Receive(ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if (MayReceive(ref first, frame.Length))
        {
            var found = PlainOwner(ref first, frame.Length);
            if ((uint)(found - 1) < (uint)_members.Count)
                return ReceivedBy(found, frame.Length);
            if (found != AddressMap.Beyond)
                return new Decision(DecisionAction.Host);
        }
        return ReceiveUnusual(frame, offload);
    }

    /// <summary>Decides on a frame that an interface's stack sends (semantics sections 5 and 6) and counts it.</summary>
    /// <param name="sender">The interface; must belong to this port.</param>
    /// <param name="frame">The frame, tag in place.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="now">Time on the clock of the neighbors' lifetimes.</param>
    /// <param name="hop">Filled in where the decision is to route.</param>
    public Decision Transmit(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if (MaySwitch(sender.StateLine, ref first, frame.Length))
        {
            var found = PlainOwner(ref first, frame.Length);
            if ((uint)(found - 1) < (uint)_members.Count)
                return SentTo(found, sender, frame, offload, now, ref hop);
            if (found != AddressMap.Beyond && Mode != PortMode.L2)
                return TransmitPlain(sender, frame, offload, now, ref hop);
        }
        return TransmitUnusual(sender, frame, offload, now, ref hop);
    }

    /// <summary>
    /// The next interface that gets a copy of a flooded frame, counted there; null when there is none left. A cursor starts at 0.
    /// Members that cannot take it (38) are counted and passed over. Read from the snapshot of the moment of flooding.
    /// </summary>
    /// <param name="frame">The flooded frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="sender">Who sent it and gets none; null for a frame received on the master.</param>
    /// <param name="cursor">Where to go on.</param>
    public VirtualInterface? NextReceiver(ReadOnlySpan<byte> frame, in FrameOffload offload, VirtualInterface? sender, ref int cursor)
    {
        var mac = MacAddress.Read(frame);
        while (cursor < _members.Count)
        {
            if (_members.Interfaces[cursor++] is not { IsUp: true } member || member == sender || !member.HasMulticast(mac))
                continue;
            if (sender is null)
            {
                member.CountReceived(LengthWithoutTag(frame));
            }
            else if (IsTooLong(frame, offload, member.IpMtu + MasterSlack))
            {
                CountTooLong(member);
                continue;
            }
            else
            {
                member.CountReceived(frame.Length);
            }
            member.CountMulticast();
            return member;
        }
        return null;
    }

    /// <summary>Counts a frame that was decided on but could not go: the device, the backlog or the neighbor's queue had no room, or the master went down.</summary>
    public void CountDrop(DropReason reason, VirtualInterface? at = null)
    {
        Drops.Count(reason);
        at?.Drops.Count(reason);
    }

    /// <summary>Up, no runt, not too long, and unicast or in l3: nothing to ask of a plain frame but who has the destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayReceive(ref byte first, int length) => (uint)(length - Classifier.ShortestPlain) < _receivable && (first & _flooded) == 0;

    /// <summary>Up, no runt, not too long, siblings may be reached and one may be meant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MaySwitch(InterfaceState* sending, ref byte first, int length) =>
        length <= sending->Limit - MasterSlack + EtherType.HeaderLength && length >= Classifier.ShortestPlain && Flag == PortFlag.Bridge
            && (Mode != PortMode.L2 || IsToOwnMac(ref first));

    /// <summary>
    /// One more than the number of the interface that has the destination of a plain frame; less where none has, and <see cref="AddressMap.Beyond"/>
    /// where that takes a closer look, and of other frames.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PlainOwner(ref byte frame, int length)
    {
        if (Classifier.IsPlainFour(ref frame, length))
            return _map.FindFour(ref Unsafe.Add(ref frame, Classifier.Ipv4Destination));
        return Classifier.IsPlainSix(ref frame, length) ? _map.FindSix(ref Unsafe.Add(ref frame, Classifier.Ipv6Destination)) : AddressMap.Beyond;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private InterfaceState* StateOf(int id) => (InterfaceState*)Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_members.States), (nint)(uint)id);

    /// <summary>A plain frame from the wire for an address of the member, up or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Decision ReceivedBy(int found, int length)
    {
        var state = StateOf(found - 1);
        if (!state->IsUp)
            return new Decision(DecisionAction.Host);
        state->CountReceived(length);
        // Holds the interfaces, and they their states.
        GC.KeepAlive(this);
        return Decision.DeliverTo(found);
    }

    /// <summary>A plain frame from an interface for an address of another, up or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Decision SentTo(int found, VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        var state = StateOf(found - 1);
        if (frame.Length > state->Limit)
            return TransmitUnusual(sender, frame, offload, now, ref hop);
        sender.StateLine->CountSent(frame.Length);
        state->CountReceived(frame.Length);
        GC.KeepAlive(sender);
        GC.KeepAlive(this);
        return Decision.DeliverTo(found);
    }

    private static Decision Received(VirtualInterface target, int bytes)
    {
        target.CountReceived(bytes);
        return new Decision(DecisionAction.Deliver, target.Id);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision ReceiveUnusual(ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        if (!IsUp)
            return Lost(DropReason.MasterDown);
        if (frame.Length < EtherType.HeaderLength)
            return Lost(DropReason.Runt);
        if (IsTooLong(frame, offload, IpMtu + MasterSlack))
            return Lost(DropReason.Oversize);
        return ReceiveOnMaster(frame);
    }

    /// <summary>Sections 3 and 4, for frames from the wire and for those that rule 21c turns back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision ReceiveOnMaster(ReadOnlySpan<byte> frame)
    {
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        var offset = EtherType.HeaderLength;
        if (EtherType.IsTag(protocol))
        {
            offset += EtherType.TagLength;
            if (frame.Length < EtherType.ShortestTagged)
                return Lost(DropReason.ShortTag);
            protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[16..]);
        }
        if (Mode == PortMode.L3S)
            return ReceiveInspected(frame, offset, protocol);
        var key = Classifier.Classify(frame, offset, protocol);
        if (Mode == PortMode.L2 && (frame[0] & 1) != 0)
            return ReceiveMulticast(frame, protocol, key);
        var target = Owner(frame, key.Family, key.DestinationOffset);
        if (target is null)
            return new Decision(DecisionAction.Host);
        return Received(target, frame.Length - (offset - EtherType.HeaderLength));
    }

    /// <summary>Rules 12 to 14.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision ReceiveMulticast(ReadOnlySpan<byte> frame, ushort protocol, L3Key key) =>
        new(protocol == EtherType.Pause || IsOurs(frame, key) ? DecisionAction.Host : DecisionAction.FloodReceived);

    /// <summary>l3s: the host gets everything; a packet for an interface goes to its IP layer as well (18, 19).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision ReceiveInspected(ReadOnlySpan<byte> frame, int offset, ushort protocol)
    {
        offset = LocalInput.SkipTags(frame, offset, ref protocol);
        if (protocol is not (EtherType.IPv4 or EtherType.IPv6) || !IsForThisStation(frame, offset))
            return new Decision(DecisionAction.Host);
        var key = LocalInput.Destination(frame[offset..], protocol);
        var target = key == KeyFamily.None ? null : Owner(frame, key, offset + (key == KeyFamily.Four ? 16 : 24));
        if (target is null)
            return new Decision(DecisionAction.Host);
        var length = LocalInput.AcceptedLength(frame[offset..], protocol);
        if (length <= 0 || IsFromItself(frame[offset..], key, target))
        {
            CountDrop(DropReason.L3sInvalid, target);
            return new Decision(DecisionAction.Host);
        }
        target.CountReceived(EtherType.HeaderLength + length);
        return new Decision(DecisionAction.HostAndLocal, target.Id, packetLength: length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitUnusual(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        if (!sender.IsUp)
            return Refused(sender, DropReason.InterfaceDown, SendError.NetworkDown);
        if (frame.Length < EtherType.HeaderLength)
            return Refused(sender, DropReason.Runt, SendError.Invalid);
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        var limit = sender.IpMtu + EtherType.HeaderLength + (protocol == EtherType.VlanTag ? EtherType.TagLength : 0);
        if (IsTooLong(frame, offload, limit))
            return Refused(sender, DropReason.Oversize, SendError.MessageTooLong);
        if (Mode == PortMode.L2)
            return TransmitSwitched(sender, frame, offload, protocol);
        return TransmitRouted(sender, frame, offload, protocol, now, ref hop);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitSwitched(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, ushort protocol)
    {
        if (Flag != PortFlag.Vepa && IsToOwnMac(ref MemoryMarshal.GetReference(frame)))
            return TransmitToOwnMac(sender, frame, offload, protocol);
        sender.CountSent(frame.Length);
        if ((frame[0] & 1) != 0)
            return protocol == EtherType.Pause ? Swallowed(sender, DropReason.Pause) : new Decision(DecisionAction.FloodSent, sender.Id);
        return IsUp ? new Decision(DecisionAction.Wire) : Swallowed(sender, DropReason.MasterDown);
    }

    /// <summary>Rule 21.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitToOwnMac(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, ushort protocol)
    {
        var key = Classifier.Classify(frame, EtherType.HeaderLength, protocol);
        if (Owner(frame, key.Family, key.DestinationOffset) is { } target)
            return TransmitToTarget(sender, target, frame, offload);
        if (Flag == PortFlag.Private && EtherType.IsTag(protocol) && IsTaggedForSibling(sender, frame))
            return Dropped(sender, DropReason.TaggedPrivate);
        sender.CountSent(frame.Length);
        if (!IsUp)
            return Swallowed(sender, DropReason.MasterDown);
        if (IsTooLong(frame, offload, IpMtu + MasterSlack))
            return Swallowed(sender, DropReason.Oversize);
        return EtherType.IsTag(protocol) && frame.Length < EtherType.ShortestTagged
            ? Swallowed(sender, DropReason.ShortTag)
            : ReceiveOnMaster(frame);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitRouted(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, ushort protocol, TimeSpan now, ref NextHop hop)
    {
        if (Flag != PortFlag.Vepa)
        {
            var key = Classifier.Classify(frame, EtherType.HeaderLength, protocol);
            if (Owner(frame, key.Family, key.DestinationOffset) is { } target)
                return TransmitToTarget(sender, target, frame, offload);
        }
        return Classifier.IsPlain(frame) ? TransmitPlain(sender, frame, offload, now, ref hop) : TransmitToLink(sender, frame, offload, now, ref hop);
    }

    /// <summary>As <see cref="TransmitToLink"/>, which need not be asked for a plain frame that goes to the default gateway.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitPlain(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if ((first & 1) != 0 || !IsUp || IsTooLong(frame, offload, IpMtu + EtherType.HeaderLength) || !_router.TryGateway(ref first, now, ref hop))
            return TransmitToLink(sender, frame, offload, now, ref hop);
        sender.CountSent(frame.Length);
        return new Decision(DecisionAction.Route);
    }

    /// <summary>Rules 26 to 34: for no sibling, so routed as the host's own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitToLink(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop)
    {
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if ((frame[0] & 1) != 0)
            return Dropped(sender, DropReason.MulticastInL3);
        if (protocol is not (EtherType.IPv4 or EtherType.IPv6))
            return Dropped(sender, DropReason.NotIp);
        if (!IsUp)
            return Dropped(sender, DropReason.MasterDown);
        var decision = _router.Decide(frame, offload, protocol, IpMtu, now, ref hop);
        // An IPv6 group of the host alone is dropped behind where Linux counts, so it counts as sent (ip6_finish_output2).
        var isSwallowed = decision.Reason == DropReason.DestinationNotRoutable && protocol == EtherType.IPv6;
        if (decision.Action == DecisionAction.Drop && !isSwallowed)
            return Dropped(sender, decision.Reason);
        sender.CountSent(frame.Length);
        return isSwallowed ? Swallowed(sender, decision.Reason) : decision;
    }

    /// <summary>Rules 21a and 25: to a sibling, or to the sender itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision TransmitToTarget(VirtualInterface sender, VirtualInterface target, ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        if (Flag == PortFlag.Private)
            return Dropped(sender, DropReason.Private);
        sender.CountSent(frame.Length);
        if (IsTooLong(frame, offload, target.IpMtu + MasterSlack))
        {
            CountTooLong(target);
            return new Decision(DecisionAction.Drop, target.Id, DropReason.MtuExceeded);
        }
        target.CountReceived(frame.Length);
        return new Decision(DecisionAction.Deliver, target.Id);
    }

    /// <summary>Destination and source MAC are the same. The frame is no runt.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsToOwnMac(ref byte first) =>
        ((Unsafe.ReadUnaligned<ulong>(ref first) ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, MacAddress.Bytes))) & MacBits) == 0;

    /// <summary>Rule 13: one of the port's interfaces sent it, and it came back.</summary>
    private bool IsOurs(ReadOnlySpan<byte> frame, L3Key key) =>
        MacAddress.Read(frame[MacAddress.Bytes..]) == Mac && Owner(frame, key.Family, key.SourceOffset) is not null;

    /// <summary>Rule 18a.</summary>
    internal bool IsForThisStation(ReadOnlySpan<byte> frame, int offset)
    {
        if ((frame[0] & 1) == 0 && MacAddress.Read(frame) != Mac)
            return false;
        return offset == EtherType.HeaderLength || LocalInput.HasPriorityTag(frame, offset);
    }

    /// <summary>Rule 21b.</summary>
    private bool IsTaggedForSibling(VirtualInterface sender, ReadOnlySpan<byte> frame)
    {
        const int Offset = EtherType.HeaderLength + EtherType.TagLength;
        if (frame.Length < Offset)
            return false;
        var key = Classifier.Classify(frame, Offset, BinaryPrimitives.ReadUInt16BigEndian(frame[16..]));
        return Owner(frame, key.Family, key.DestinationOffset) is { } target && target != sender;
    }

    /// <summary>The interface that is up and has the address (3).</summary>
    private VirtualInterface? Owner(ReadOnlySpan<byte> frame, KeyFamily family, int offset)
    {
        // The map may already name an interface that this snapshot does not have yet.
        var id = _map.Find(frame, family, offset);
        return InterfaceAt(id) is { IsUp: true } owner ? owner : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsTooLong(ReadOnlySpan<byte> frame, in FrameOffload offload, int limit) =>
        frame.Length > limit && Segmenter.SegmentFrameLength(frame, offload) > limit;

    private static int LengthWithoutTag(ReadOnlySpan<byte> frame) =>
        EtherType.IsTag(BinaryPrimitives.ReadUInt16BigEndian(frame[12..])) ? frame.Length - EtherType.TagLength : frame.Length;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CountTooLong(VirtualInterface receiver)
    {
        receiver.CountReceiveError();
        CountDrop(DropReason.MtuExceeded, receiver);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision Lost(DropReason reason)
    {
        Drops.Count(reason);
        return new Decision(DecisionAction.Drop, reason: reason);
    }

    /// <summary>Before the port: no counter of the seven moves.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision Refused(VirtualInterface sender, DropReason reason, SendError error)
    {
        CountDrop(reason, sender);
        return new Decision(DecisionAction.Drop, reason: reason, error: error);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision Dropped(VirtualInterface sender, DropReason reason)
    {
        sender.CountSendDropped();
        return Refused(sender, reason, SendError.NoBuffers);
    }

    /// <summary>Lost, though the sender counts it as sent.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Decision Swallowed(VirtualInterface sender, DropReason reason)
    {
        CountDrop(reason, sender);
        return new Decision(DecisionAction.Drop, reason: reason);
    }
}
