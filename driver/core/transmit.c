#include "decide.h"

// Semantics sections 5 and 6. Numbers in comments are rules.

// Before the port: no counter of the seven moves.
static Decision Refused(VirtualInterface *sender, DropReason reason, SendError error)
{
    PortCountDrop(sender->Port, reason, sender);
    return (Decision){.Action = ActionDrop, .Reason = (uint8_t)reason, .SendError = (uint8_t)error};
}

static Decision Dropped(VirtualInterface *sender, uint32_t processor, DropReason reason)
{
    Count(&sender->Shares[processor].Counters.TxDropped, 1);
    return Refused(sender, reason, SendErrorNoBuffers);
}

// Lost, though the sender counts it as sent.
static Decision Swallowed(VirtualInterface *sender, DropReason reason) { return Refused(sender, reason, SendErrorNone); }

// 21a and 25: to a sibling, or to the sender itself.
static Decision TransmitToTarget(const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, VirtualInterface *target,
                                 const Frame *frame)
{
    if (snapshot->Flag == FlagPrivate)
        return Dropped(sender, processor, DropPrivate);
    CountSent(sender, processor, frame->Length);
    if (IsTooLong(frame, IpMtu(target, processor) + MasterSlack)) {
        Count(&target->Shares[processor].Counters.RxErrors, 1);
        PortCountDrop(target->Port, DropMtuExceeded, target);
        return (Decision){.Target = target, .Action = ActionDrop, .Reason = DropMtuExceeded};
    }
    CountReceived(target, processor, frame->Length);
    return ToTarget(ActionDeliver, target);
}

// 21b.
static bool IsTaggedForSibling(const Port *port, const PortSnapshot *snapshot, uint32_t processor, const VirtualInterface *sender,
                               const Frame *frame)
{
    const uint32_t offset = EtherHeaderLength + EtherTagLength;
    if (frame->Length < offset)
        return false;
    L3Key key = Classify(frame, offset, Read16(frame->Bytes + 16));
    VirtualInterface *target = Owner(port, snapshot, processor, frame, key.Family, key.DestinationOffset);
    return target != NULL && target != sender;
}

// 21.
static Decision TransmitToOwnMac(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                                 uint32_t protocol)
{
    L3Key key = Classify(frame, EtherHeaderLength, protocol);
    VirtualInterface *target = Owner(port, snapshot, processor, frame, key.Family, key.DestinationOffset);
    if (target != NULL)
        return TransmitToTarget(snapshot, processor, sender, target, frame);
    if (snapshot->Flag == FlagPrivate && IsTag(protocol) && IsTaggedForSibling(port, snapshot, processor, sender, frame))
        return Dropped(sender, processor, DropTaggedPrivate);
    CountSent(sender, processor, frame->Length);
    if (!snapshot->IsUp)
        return Swallowed(sender, DropMasterDown);
    if (IsTooLong(frame, snapshot->IpMtu + MasterSlack))
        return Swallowed(sender, DropOversize);
    if (IsTag(protocol) && frame->Length < ShortestTagged)
        return Swallowed(sender, DropShortTag);
    return ReceiveOnMaster(port, snapshot, processor, frame);
}

static Decision TransmitSwitched(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                                 uint32_t protocol)
{
    bool isToOwnMac = memcmp(frame->Bytes, frame->Bytes + MacLength, MacLength) == 0;
    if (snapshot->Flag != FlagVepa && isToOwnMac)
        return TransmitToOwnMac(port, snapshot, processor, sender, frame, protocol);
    CountSent(sender, processor, frame->Length);
    if (IsMulticastMac(frame->Bytes)) {
        if (protocol == TypePause)
            return Swallowed(sender, DropPause);
        return ToTarget(ActionFloodSent, sender);
    }
    return snapshot->IsUp ? (Decision){.Action = ActionWire} : Swallowed(sender, DropMasterDown);
}

// 25 to 34.
static Decision TransmitRouted(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                               uint32_t protocol, uint64_t now, NextHop *hop)
{
    if (snapshot->Flag != FlagVepa) {
        L3Key key = Classify(frame, EtherHeaderLength, protocol);
        VirtualInterface *target = Owner(port, snapshot, processor, frame, key.Family, key.DestinationOffset);
        if (target != NULL)
            return TransmitToTarget(snapshot, processor, sender, target, frame);
    }
    if (IsMulticastMac(frame->Bytes))
        return Dropped(sender, processor, DropMulticastInL3);
    if (protocol != TypeIpv4 && protocol != TypeIpv6)
        return Dropped(sender, processor, DropNotIp);
    if (!snapshot->IsUp)
        return Dropped(sender, processor, DropMasterDown);
    Decision decision = RouterDecide(&port->Router, frame, protocol, snapshot->IpMtu, now, hop);
    // An IPv6 group of the host alone is dropped behind where Linux counts, so it counts as sent (ip6_finish_output2).
    bool isSwallowed = decision.Reason == DropDestinationNotRoutable && protocol == TypeIpv6;
    if (decision.Action == ActionDrop && !isSwallowed)
        return Dropped(sender, processor, (DropReason)decision.Reason);
    CountSent(sender, processor, frame->Length);
    return isSwallowed ? Swallowed(sender, (DropReason)decision.Reason) : decision;
}

Decision PortTransmit(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                      uint64_t now, NextHop *hop)
{
    if (!IsUp(sender, processor))
        return Refused(sender, DropInterfaceDown, SendErrorNetworkDown);
    if (frame->Length < EtherHeaderLength)
        return Refused(sender, DropRunt, SendErrorInvalid);
    uint32_t protocol = Read16(frame->Bytes + 12);
    uint32_t tag = protocol == TypeVlanTag ? EtherTagLength : 0;
    if (IsTooLong(frame, IpMtu(sender, processor) + EtherHeaderLength + tag))
        return Refused(sender, DropOversize, SendErrorMessageTooLong);
    if (snapshot->Mode == ModeL2)
        return TransmitSwitched(port, snapshot, processor, sender, frame, protocol);
    return TransmitRouted(port, snapshot, processor, sender, frame, protocol, now, hop);
}
