// What receive.c and transmit.c share.
#pragma once

#include "classifier.h"
#include "port.h"

static inline void Count(uint64_t *counter, uint64_t amount) { Store64(counter, Load64(counter) + amount); }

static inline void CountSent(VirtualInterface *member, uint32_t processor, uint32_t bytes)
{
    InterfaceCounters *counters = &member->Shares[processor].Counters;
    Count(&counters->TxPackets, 1);
    Count(&counters->TxBytes, bytes);
}

static inline void CountReceived(VirtualInterface *member, uint32_t processor, uint32_t bytes)
{
    InterfaceCounters *counters = &member->Shares[processor].Counters;
    Count(&counters->RxPackets, 1);
    Count(&counters->RxBytes, bytes);
}

static inline bool IsUp(const VirtualInterface *member, uint32_t processor) { return Load32(&member->Shares[processor].IsUp) != 0; }

static inline uint32_t IpMtu(const VirtualInterface *member, uint32_t processor) { return Load32(&member->Shares[processor].IpMtu); }

// The interface that a value of the address map names, where it is up.
static inline VirtualInterface *OwnerOf(const PortSnapshot *snapshot, uint32_t processor, uint32_t value)
{
    // Empty and gone become a number that nobody has. The map may already name an interface that this snapshot does not have yet.
    uint32_t id = (value >> 8) - 1;
    if (id >= snapshot->InterfaceCount)
        return NULL;
    VirtualInterface *owner = LOAD(snapshot->Interfaces[id]);
    return owner != NULL && IsUp(owner, processor) ? owner : NULL;
}

// The interface that is up and has the address (3).
static inline VirtualInterface *Owner(const Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint8_t family,
                                      uint32_t offset)
{
    const uint8_t *at = frame->Bytes + offset;
    if (family == FamilyFour)
        return OwnerOf(snapshot, processor, TableFindFour(&port->Four, Raw32(at)));
    return family == FamilySix ? OwnerOf(snapshot, processor, TableFindSix(&port->Six, Raw64(at), Raw64(at + 8))) : NULL;
}

static inline bool IsTooLong(const Frame *frame, uint32_t limit) { return frame->Length > limit && frame->LongestSegment > limit; }

static inline Decision ToTarget(DecisionAction action, VirtualInterface *target)
{
    return (Decision){.Target = target, .Action = (uint8_t)action};
}

// Sections 3 and 4, for frames from the wire and for those that rule 21c turns back.
Decision ReceiveOnMaster(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame);
