// One master adapter with its interfaces; Port, PortSnapshot and VirtualInterface in the C# engine. Decisions are made inside an epoch
// and never wait; changes are made under the core's lock and take hold without stopping anybody.
#pragma once

#include "router.h"

typedef struct InterfaceCounters {
    uint64_t RxPackets;
    uint64_t RxBytes;
    uint64_t TxPackets;
    uint64_t TxBytes;
    uint64_t Multicast;
    uint64_t RxErrors;
    uint64_t TxDropped;
    uint64_t Reserved; // a cache line
} InterfaceCounters;

typedef struct GroupList {
    Retired Retired;
    uint32_t Count;
    uint32_t Reserved;
    Mac Groups[]; // sorted
} GroupList;

typedef struct Port Port;

enum {
    PlainIpv4Bytes = EtherHeaderLength + Ipv4MinLength,
    PlainIpv6Bytes = EtherHeaderLength + Ipv6Length,
};

struct VirtualInterface {
    Retired Retired;
    // What a decision looks at lies together.
    uint32_t IsUp; // a removed interface is down for ever
    uint32_t IpMtu;
    Port *Port;
    uint64_t Luid;
    uint32_t Id;     // small, and used again when the interface is gone
    uint32_t Serial; // never used again in its port
    uint32_t HasOwnMtu; // set on the interface: does not follow the master's (semantics 51)
    uint32_t IsPromiscuous;
    uint32_t IsAllMulticast;
    uint32_t Reserved;
    GroupList *Groups; // NULL: none
    void *Module;      // whose stack it is; the filter's
    uint64_t Drops[DropReasonCount];
    InterfaceCounters Counters[]; // one for each processor
};

typedef struct PortSnapshot {
    Retired Retired;
    PortMode Mode;
    PortFlag Flag;
    uint32_t IpMtu;
    uint32_t IsUp;
    uint32_t Options;
    uint32_t InterfaceCount; // one more than the largest number in use
    Mac Mac;
    VirtualInterface *Interfaces[]; // by number; NULL where a number is free
} PortSnapshot;

struct Port {
    Retired Retired;
    Epoch *Epoch;
    uint64_t Luid;
    PortSnapshot *Snapshot;
    Table Four; // address -> (interface number + 1) << 8 | prefix length; packed
    Table Six;
    Router Router;
    void *Module; // the master's; the filter's
    uint32_t Processors;
    uint32_t Members;
    uint32_t NextSerial;
    uint32_t Serial;  // never used again in this driver's life
    uint32_t Backlog; // frames that wait to be flooded; the filter's
    uint64_t Drops[DropReasonCount];
};

// NULL: no memory. The master is down, has no MAC and an MTU of 1500.
Port *PortCreate(Epoch *epoch, uint64_t luid, uint64_t seed, uint32_t processors);

// Under the core's lock; the port has no interfaces and nobody finds it any more. Freed when no reader can see it.
void PortRetire(Port *port);

// Changes, all under the core's lock. Modes and flags are unchecked numbers.
bool PortKnows(const uint32_t *mode, const uint32_t *flag); // NULL: not given
PortResult PortAddInterface(Port *port, uint64_t luid, const uint32_t *mode, const uint32_t *flag, VirtualInterface **added);
// Takes the interface out of the data path; its addresses are to be removed by PortSweepAddresses before it is forgotten.
void PortDetachInterface(VirtualInterface *removed);
// Removes its addresses from one more segment of the map; false after the last. A cursor starts at 0.
bool PortSweepAddresses(Port *port, const VirtualInterface *removed, uint32_t *cursor);
// Its number is free; its memory goes when no reader can see it.
void PortForgetInterface(Port *port, VirtualInterface *removed);
VirtualInterface *PortFind(const Port *port, uint64_t luid);
PortResult PortSet(Port *port, uint32_t fields, uint32_t mode, uint32_t flag, uint32_t options);
PortResult PortSetMaster(Port *port, Mac mac, uint32_t ipMtu, bool isUp);
PortResult PortSetMtu(Port *port, VirtualInterface *changed, uint32_t ipMtu);
PortResult PortSetGroups(Port *port, VirtualInterface *changed, const uint8_t *macs, uint32_t count);
PortResult PortAddAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length);
PortResult PortRemoveAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length);

// Sum over the processors.
InterfaceCounters InterfaceReadCounters(const VirtualInterface *member);

// Before a PortReceive that is a few frames away: has the processor fetch the place in the address map that a plain IPv4 frame will be
// looked up in. At least length bytes are there.
static inline void PortPrefetch(const Port *port, const uint8_t *bytes, uint32_t length)
{
    if (length >= PlainIpv4Bytes)
        TablePrefetchPacked(&port->Four, Read32(bytes + 30));
}

static inline PortSnapshot *PortRead(const Port *port) { return LOAD(port->Snapshot); }

// Decisions, inside an epoch. The processor counts: nobody else counts in its place meanwhile.
Decision PortReceive(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame);
Decision PortTransmit(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                      uint64_t now, NextHop *hop);
// The next interface that gets a copy of a flooded frame, counted there; NULL when there is none left. A cursor starts at 0. The sender
// (its serial; 0 for a frame received on the master) gets none. What cannot take it (38) is counted and passed over.
VirtualInterface *PortNextReceiver(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint32_t senderSerial,
                                   uint32_t *cursor);
void PortCountDrop(Port *port, DropReason reason, VirtualInterface *at);
