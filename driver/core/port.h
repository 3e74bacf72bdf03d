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
} InterfaceCounters;

// What decisions on one processor look at and count: a cache line that no other processor writes to, but where the interface is changed.
typedef struct InterfaceShare {
    uint32_t IsUp;
    uint32_t IpMtu;
    InterfaceCounters Counters;
} InterfaceShare;

enum { CacheLine = 64 };

_Static_assert(sizeof(InterfaceShare) == CacheLine, "one line for each processor");

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
    GroupList *Groups; // NULL: none; all of the two below
    // Under the core's lock:
    GroupList *StackGroups;
    GroupList *GivenGroups;
    void *Module;      // whose stack it is; the filter's
    void *Block;       // that it lies in, at the first cache line
    uint64_t Drops[DropReasonCount];
    uint64_t Padding[5];
    InterfaceShare Shares[]; // one for each processor
};

_Static_assert(offsetof(VirtualInterface, Shares) % CacheLine == 0, "shares begin with a cache line");

typedef struct PortSnapshot {
    Retired Retired;
    PortMode Mode;
    PortFlag Flag;
    uint32_t IpMtu;
    uint32_t IsUp;
    uint32_t PlainEnd; // frames of PlainIpv4Bytes and less than so many more may go the short way through PortReceive
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
    // Address as its bytes stand in a frame -> (interface number + 1) << 8 | prefix length.
    Table Four;
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
// Where there was no memory to tell it so.
void PortMasterDown(Port *port);
void InterfaceSetUp(VirtualInterface *changed, bool isUp);
void InterfaceSetMtu(VirtualInterface *changed, uint32_t ipMtu);
PortResult PortSetMtu(Port *port, VirtualInterface *changed, uint32_t ipMtu);
// groups.c. What the interface's stack asks for, in any order; and groups that it is given beside those, each once.
PortResult PortSetGroups(Port *port, VirtualInterface *changed, const uint8_t *macs, uint32_t count);
PortResult PortAddGroup(Port *port, VirtualInterface *changed, Mac group);
PortResult PortRemoveGroup(Port *port, VirtualInterface *changed, Mac group);
void GroupsFree(VirtualInterface *member);
PortResult PortAddAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length);
PortResult PortRemoveAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length);

// An address as a key of its map; the other way round it is the same.
typedef struct MapKey {
    uint64_t High;
    uint64_t Low;
} MapKey;

static inline MapKey PortMapKey(L3Address address)
{
    return address.Family == FamilyFour ? (MapKey){0, SWAP32((uint32_t)address.Low)} : (MapKey){SWAP64(address.High), SWAP64(address.Low)};
}

// Sum over the processors.
InterfaceCounters InterfaceReadCounters(const VirtualInterface *member);

static inline PortSnapshot *PortRead(const Port *port) { return LOAD(port->Snapshot); }

// The address map as it was when an epoch was entered, for whoever looks up many.
typedef struct PortMap {
    const TableDirectory *Four;
    const TableDirectory *Six;
    uint64_t SeedFour;
    uint64_t SeedSix;
} PortMap;

// After PortRead: what the map names, the snapshot knows or never will.
static inline PortMap PortReadMap(const Port *port)
{
    return (PortMap){LOAD(port->Four.Directory), LOAD(port->Six.Directory), port->Four.Seed, port->Six.Seed};
}

// The lines of the address map in which a plain frame's destination would lie, of either family. They last as long as the epoch.
typedef struct Foresight {
    const TableLine *Four;
    const TableLine *Six;
} Foresight;

Foresight PortForeseeSix(const PortMap *map, const uint8_t *bytes, uint32_t length);

// For the PortReceive of that frame, best a few frames before: has the processor fetch the line that is looked up then. At least length
// bytes are there. They may be others by then: a line that is the wrong one costs time, and nothing else.
static ALWAYS_INLINE Foresight PortForesee(const PortMap *map, const uint8_t *bytes, uint32_t length)
{
    if (length < PlainIpv4Bytes || Read16(bytes + 12) != TypeIpv4)
        return PortForeseeSix(map, bytes, length);
    const TableLine *line = TableLineIn(map->Four, TableHashFour(map->SeedFour, Raw32(bytes + 30)));
    PREFETCH(line);
    return (Foresight){line, &TableNoLine};
}

// Decisions, inside an epoch. The processor counts: nobody else counts in its place meanwhile.
Decision PortReceive(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, const Foresight *foresight);
Decision PortTransmit(Port *port, const PortSnapshot *snapshot, uint32_t processor, VirtualInterface *sender, const Frame *frame,
                      uint64_t now, NextHop *hop);
// The next interface that gets a copy of a flooded frame, counted there; NULL when there is none left. A cursor starts at 0. The sender
// (its serial; 0 for a frame received on the master) gets none. What cannot take it (38) is counted and passed over.
VirtualInterface *PortNextReceiver(Port *port, const PortSnapshot *snapshot, uint32_t processor, const Frame *frame, uint32_t senderSerial,
                                   uint32_t *cursor);
void PortCountDrop(Port *port, DropReason reason, VirtualInterface *at);
