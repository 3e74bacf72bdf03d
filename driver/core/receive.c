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
static bool IsOurs(const Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, L3Key key)
{
    return ReadMac(frame->Bytes + MacLength) == snapshot->Mac && Owner(port, snapshot, processor, frame, key.Family, key.SourceOffset) != NULL;
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
static bool IsFromItself(const Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint32_t offset,
                         const VirtualInterface *target)
{
    return Owner(port, snapshot, processor, frame, FamilyFour, offset + 12) == target &&
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
    VirtualInterface *target = Owner(port, snapshot, processor, frame, (uint8_t)family, offset + (family == FamilyFour ? 16 : 24));
    if (target == NULL)
        return host;
    uint32_t length = LocalInputAcceptedLength(frame, offset, protocol);
    if (length == 0 || (family == FamilyFour && IsFromItself(port, snapshot, processor, frame, offset, target))) {
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
        bool isHosts = protocol == TypePause || IsOurs(port, snapshot, processor, frame, key);
        return (Decision){.Action = isHosts ? ActionHost : ActionFloodReceived};
    }
    VirtualInterface *target = Owner(port, snapshot, processor, frame, key.Family, key.DestinationOffset);
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

static ALWAYS_INLINE Decision Accept(VirtualInterface *target, uint32_t processor, uint32_t length)
{
    CountReceived(target, processor, length);
    return ToTarget(ActionDeliver, target);
}

Foresight PortForeseeSix(const PortMap *map, const uint8_t *bytes, uint32_t length)
{
    if (length < PlainIpv6Bytes || Read16(bytes + 12) != TypeIpv6)
        return (Foresight){&TableNoLine, &TableNoLine};
    const TableLine *line = TableLineIn(map->Six, TableHash(map->SeedSix, Raw64(bytes + 38), Raw64(bytes + 46)));
    PREFETCH(line);
    return (Foresight){&TableNoLine, line};
}

// The short way for IPv6 that is no ICMPv6.
static NOINLINE Decision ReceiveSix(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, const Foresight *foresight)
{
    const uint8_t *bytes = frame->Bytes;
    if ((Raw32(bytes + 12) & 0xf0ffff) != (0x60u << 16 | 0xdd86) || frame->Length < PlainIpv6Bytes || bytes[20] == ProtocolIcmpV6)
        return ReceiveAny(port, snapshot, processor, frame);
    VirtualInterface *target = OwnerOf(snapshot, processor, LineFindSix(foresight->Six, Raw64(bytes + 38), Raw64(bytes + 46)));
    return target != NULL ? Accept(target, processor, frame->Length) : ReceiveAny(port, snapshot, processor, frame);
}

// Most frames have a short way: untagged, unicast, IPv4 without options or IPv6, in l2 or l3, for an interface. All others go the long way,
// which comes to the same for these. Every call is the last thing done, so that the short way has nothing to save.
Decision PortReceive(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, const Foresight *foresight)
{
    const uint8_t *bytes = frame->Bytes;
    uint32_t length = frame->Length, more = length - PlainIpv4Bytes;
    if (more >= Load32(&snapshot->PlainEnd) || IsMulticastMac(bytes))
        return ReceiveAny(port, snapshot, processor, frame);
    if ((Raw32(bytes + 12) & 0xffffff) != (0x45u << 16 | 0x0008)) // type, version and header length
        return ReceiveSix(port, snapshot, processor, frame, foresight);
    // At least a header, and no more than there is.
    if ((uint32_t)Read16(bytes + 16) - Ipv4MinLength > more)
        return ReceiveAny(port, snapshot, processor, frame);
    VirtualInterface *target = OwnerOf(snapshot, processor, LineFindFour(foresight->Four, Raw32(bytes + 30)));
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
        if (member == NULL || !IsUp(member, processor) || member->Serial == senderSerial || !HasMulticast(member, mac))
            continue;
        if (senderSerial == 0) {
            // 5: without the outer tag.
            CountReceived(member, processor, IsTag(Read16(frame->Bytes + 12)) ? frame->Length - EtherTagLength : frame->Length);
        } else if (IsTooLong(frame, IpMtu(member, processor) + MasterSlack)) {
            Count(&member->Shares[processor].Counters.RxErrors, 1);
            PortCountDrop(port, DropMtuExceeded, member);
            continue;
        } else {
            CountReceived(member, processor, frame->Length);
        }
        Count(&member->Shares[processor].Counters.Multicast, 1);
        return member;
    }
    return NULL;
}
