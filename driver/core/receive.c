#include "decide.h"
#include "local_input.h"

// Numbers in comments are rules of the semantics.

void PortCountDrop(Port *port, DropReason reason, VirtualInterface *at)
{
    Add64(&port->Drops[reason], 1);
    if (at != NULL)
        Add64(&at->Drops[reason], 1);
}

static Decision Lost(Port *port, DropReason reason)
{
    PortCountDrop(port, reason, NULL);
    return (Decision){.Action = ActionDrop, .Reason = (uint8_t)reason};
}

// 13: one of the port's interfaces sent it, and it came back.
static bool IsOurs(const Port *port, const PortSnapshot *snapshot, const Frame *frame, L3Key key)
{
    return ReadMac(frame->Bytes + MacLength) == snapshot->Mac && Owner(port, snapshot, frame, key.Family, key.SourceOffset) != NULL;
}

// 18a.
static bool IsForThisStation(const PortSnapshot *snapshot, const Frame *frame, uint32_t offset)
{
    if (!IsMulticastMac(frame->Bytes) && ReadMac(frame->Bytes) != snapshot->Mac)
        return false;
    return offset == EtherHeaderLength || HasPriorityTag(frame, offset);
}

// 18d: an IPv4 packet from an address of the interface that it is for, which that one's own input refuses. Not where the host has the
// destination as well, and not the source: then the host's input takes it (ipvlan_l3_rcv, ipvlan_nf_input).
static bool IsFromItself(const Port *port, const PortSnapshot *snapshot, const Frame *frame, uint32_t offset, const VirtualInterface *target)
{
    return Owner(port, snapshot, frame, FamilyFour, offset + 12) == target &&
           !RouterTakes(&port->Router, Read32(frame->Bytes + offset + 16), Read32(frame->Bytes + offset + 12));
}

// l3s: the host gets everything; a packet for an interface goes to its IP layer as well (18, 19).
static Decision ReceiveInspected(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint32_t offset,
                                 uint32_t protocol)
{
    const Decision host = {.Action = ActionHost};
    offset = LocalInputSkipTags(frame, offset, &protocol);
    KeyFamily family = LocalInputDestination(frame, offset, protocol);
    if (family == FamilyNone || !IsForThisStation(snapshot, frame, offset))
        return host;
    VirtualInterface *target = Owner(port, snapshot, frame, (uint8_t)family, offset + (family == FamilyFour ? 16 : 24));
    if (target == NULL)
        return host;
    uint32_t length = LocalInputAcceptedLength(frame, offset, protocol);
    if (length == 0 || (family == FamilyFour && IsFromItself(port, snapshot, frame, offset, target))) {
        PortCountDrop(port, DropL3sInvalid, target);
        return host;
    }
    CountReceived(target, processor, EtherHeaderLength + length);
    Decision decision = ToTarget(ActionHostAndLocal, target);
    decision.PacketLength = length;
    return decision;
}

Decision ReceiveOnMaster(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame)
{
    uint32_t protocol = Read16(frame->Bytes + 12), offset = EtherHeaderLength;
    if (IsTag(protocol)) {
        offset += EtherTagLength;
        if (frame->Length < ShortestTagged)
            return Lost(port, DropShortTag);
        protocol = Read16(frame->Bytes + 16);
    }
    if (snapshot->Mode == ModeL3S)
        return ReceiveInspected(port, snapshot, processor, frame, offset, protocol);
    L3Key key = Classify(frame, offset, protocol);
    if (snapshot->Mode == ModeL2 && IsMulticastMac(frame->Bytes)) {
        bool isHosts = protocol == TypePause || IsOurs(port, snapshot, frame, key);
        return (Decision){.Action = isHosts ? ActionHost : ActionFloodReceived};
    }
    VirtualInterface *target = Owner(port, snapshot, frame, key.Family, key.DestinationOffset);
    if (target == NULL)
        return (Decision){.Action = ActionHost};
    CountReceived(target, processor, frame->Length - (offset - EtherHeaderLength));
    return ToTarget(ActionDeliver, target);
}

static NOINLINE Decision ReceiveAny(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame)
{
    if (!snapshot->IsUp)
        return Lost(port, DropMasterDown);
    if (frame->Length < EtherHeaderLength)
        return Lost(port, DropRunt);
    if (IsTooLong(frame, snapshot->IpMtu + MasterSlack))
        return Lost(port, DropOversize);
    return ReceiveOnMaster(port, snapshot, processor, frame);
}

static Decision Accept(VirtualInterface *target, uint32_t processor, uint32_t length)
{
    CountReceived(target, processor, length);
    return ToTarget(ActionDeliver, target);
}

// The short way for IPv6 that is no ICMPv6.
static NOINLINE Decision ReceiveSix(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame)
{
    const uint8_t *bytes = frame->Bytes;
    if (Read32(bytes + 12) >> 12 != (TypeIpv6 << 4 | 6) || frame->Length < PlainIpv6Bytes || bytes[20] == ProtocolIcmpV6)
        return ReceiveAny(port, snapshot, processor, frame);
    VirtualInterface *target = OwnerOf(snapshot, (uint32_t)TableFind(&port->Six, Read64(bytes + 38), Read64(bytes + 46)));
    return target != NULL ? Accept(target, processor, frame->Length) : ReceiveAny(port, snapshot, processor, frame);
}

// Most frames have a short way: untagged, unicast, IPv4 without options or IPv6, in l2 or l3, for an interface. All others go the long way,
// which comes to the same for these. Every call is the last thing done, so that the short way has nothing to save.
Decision PortReceive(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame)
{
    const uint8_t *bytes = frame->Bytes;
    uint32_t length = frame->Length;
    if (length < PlainIpv4Bytes || length > snapshot->IpMtu + MasterSlack || !snapshot->IsUp || snapshot->Mode == ModeL3S ||
        IsMulticastMac(bytes))
        return ReceiveAny(port, snapshot, processor, frame);
    if (Read32(bytes + 12) >> 8 != (TypeIpv4 << 8 | 0x45)) // type, version and header length
        return ReceiveSix(port, snapshot, processor, frame);
    uint32_t totalLength = Read16(bytes + 16);
    if (totalLength < Ipv4MinLength || totalLength > length - EtherHeaderLength)
        return ReceiveAny(port, snapshot, processor, frame);
    VirtualInterface *target = OwnerOf(snapshot, TablePeekPacked(&port->Four, Read32(bytes + 30)));
    return target != NULL ? Accept(target, processor, length) : ReceiveAny(port, snapshot, processor, frame);
}

// 15.
static bool HasMulticast(const VirtualInterface *member, Mac mac)
{
    if (mac == 0xffffffffffffu || Load32(&member->IsPromiscuous) != 0 || Load32(&member->IsAllMulticast) != 0)
        return true;
    const GroupList *list = LOAD(member->Groups);
    uint32_t low = 0, high = list == NULL ? 0 : list->Count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (list->Groups[middle] < mac)
            low = middle + 1;
        else
            high = middle;
    }
    return list != NULL && low < list->Count && list->Groups[low] == mac;
}

VirtualInterface *PortNextReceiver(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint32_t senderSerial,
                                   uint32_t *cursor)
{
    Mac mac = ReadMac(frame->Bytes);
    while (*cursor < snapshot->InterfaceCount) {
        VirtualInterface *member = LOAD(snapshot->Interfaces[*cursor]);
        (*cursor)++;
        if (member == NULL || Load32(&member->IsUp) == 0 || member->Serial == senderSerial || !HasMulticast(member, mac))
            continue;
        if (senderSerial == 0) {
            // 5: without the outer tag.
            CountReceived(member, processor, IsTag(Read16(frame->Bytes + 12)) ? frame->Length - EtherTagLength : frame->Length);
        } else if (IsTooLong(frame, Load32(&member->IpMtu) + MasterSlack)) {
            Count(&member->Counters[processor].RxErrors, 1);
            PortCountDrop(port, DropMtuExceeded, member);
            continue;
        } else {
            CountReceived(member, processor, frame->Length);
        }
        Count(&member->Counters[processor].Multicast, 1);
        return member;
    }
    return NULL;
}
