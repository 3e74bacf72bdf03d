// The filter's own structures: modules (one for each adapter it is attached to), packets (frames it owns), queues and the driver.
#pragma once

#include "../include/kmndis.h"

#include "../core/control.h"
#include "../core/rewrite.h"
#include "../core/segmenter.h"

enum {
    PoolTag = 'vlpI',             // "Iplv" in a dump
    MostPacketsInFlight = 4096,   // of one module: sent, indicated or queued, not yet given back
    MostQueued = 4096,            // deliveries of one processor
    MostBacklog = 1000,           // frames of one port that wait to be flooded (semantics 57)
    MostCopiesAtOnce = 256,       // of floods, in one run of a DPC
    MostPendingNeighbors = 256,
    MostPendingPackets = 64,      // for one neighbor
    MostPendingBytes = 256 * 1024, // for one neighbor
    TooBigRepliesPerSecond = 100,
};
#define SECOND 10000000ull // in units of 100 ns
#define NEIGHBOR_PATIENCE (3 * SECOND)
#define NEIGHBOR_LEARNT_FOR (60 * SECOND)

// What Away is made of.
enum { AwayAsleep = 1, AwayRemoved = 2 };

typedef struct Module Module;
typedef struct Packet Packet;

// Nobody enters once it is closed; the last to leave a closed one completes what waits for it.
typedef struct Gate {
    uint64_t State; // users times 2, plus 1 when closed
} Gate;

typedef struct ListChain {
    PNET_BUFFER_LIST First;
    PNET_BUFFER_LIST Last;
    uint32_t Count;
} ListChain;

// Requests of our own to the miniport below a master: the union of what the host and the stand-ins want. Under the core's lock.
typedef struct OwnRequest {
    NDIS_OID_REQUEST Request;
    uint32_t Filter;
    uint32_t MacCount;
    uint8_t Macs[IPVLAN_MAX_GROUPS * 6];
    bool IsInFlight;
    bool IsFilterStage; // the list goes first
    bool IsWanted;      // something changed meanwhile
    bool HasUnion;      // the miniport has more than the host asked for
    bool IsListFull;    // the miniport cannot keep the list: all multicast instead
} OwnRequest;

struct Module {
    Retired Retired;
    Module *Next; // under the core's lock
    NDIS_HANDLE Handle;
    uint64_t Luid;
    Gate Gate; // open while running
    uint32_t InFlight;
    uint32_t IsPausing;
    Port *Port;                  // of a master; read in an epoch
    VirtualInterface *Interface; // of a stand-in; read in an epoch
    // Under the core's lock:
    Mac Mac;
    uint32_t IpMtu;
    uint32_t IsConnected;
    uint32_t Away; // asleep, or removed by surprise: nothing is sent on it or indicated
    uint64_t LinkSpeed;
    NDIS_OBJECT_HEADER OffloadHeader; // of its NDIS_OFFLOAD; size 0: none
    uint32_t HostFilter; // what the protocols above asked for
    uint32_t HostMacCount;
    uint8_t HostMacs[IPVLAN_MAX_GROUPS * 6];
    OwnRequest Own;
    uint32_t Callers; // of NDIS with its handle, outside its own callbacks
    KEVENT Unused;    // set while there are neither callers nor a request of ours in flight
    // Fixed while the module runs: set in FilterSetModuleOptions.
    uint32_t HasHandlers;
};

// A frame of ours: one block, bytes behind it. Fields are set before others can see it.
struct Packet {
    Packet *Next;
    Module *Module; // whose gate it is inside; NULL: none yet
    PMDL Mdl;       // both only while NDIS has it
    PNET_BUFFER_LIST List;
    uint64_t PortLuid; // of a flood
    uint32_t PortSerial;
    uint32_t SenderSerial;
    uint32_t Cursor;
    uint32_t Length; // bytes of the frame in Bytes; a tag out of band not counted
    uint32_t LongestSegment;
    uint16_t TagInfo; // out of band, as in Ieee8021QNetBufferListInfo; 0: none
    uint8_t IsFlood;
    uint8_t ChecksumInfo; // of a delivery, as in TcpIpChecksumNetBufferListInfo
    uint8_t NeedsFragmenting;
    uint8_t Reserved;
    uint32_t SegmentSize; // to be cut before it leaves; 0: whole
    PVOID HashValue; // of the frame it was copied from
    PVOID HashInfo;
    uint8_t Bytes[];
};

// One processor's deliveries from stack to stack. Enqueued and drained at DISPATCH_LEVEL.
typedef struct DeliveryQueue {
    KSPIN_LOCK Lock;
    Packet *First;
    Packet *Last;
    uint32_t Count;
    bool IsClosed; // the DPC is queued no more
    KDPC Dpc;
} DeliveryQueue;

typedef struct Driver {
    Control Control; // first: hooks find the driver by it
    NDIS_HANDLE Handle;
    NDIS_HANDLE DeviceHandle;
    NDIS_HANDLE ListPool;
    PDEVICE_OBJECT Device;
    Module *Modules; // under the core's lock
    DeliveryQueue *Queues;
    uint64_t TooBigWindow;
    uint32_t TooBigReplies;
} Driver;

extern Driver TheDriver;

// environment.c
typedef struct Section {
    KSPIN_LOCK Lock;
    KIRQL Irql;
    uint32_t Processor;
} Section;

// At DISPATCH_LEVEL until SectionLeave, inside the epoch until SectionEndReading: NDIS is called in between. Nests.
_IRQL_requires_max_(DISPATCH_LEVEL) void SectionEnter(Section *section);
_IRQL_requires_(DISPATCH_LEVEL) void SectionEndReading(Section *section);
_IRQL_requires_(DISPATCH_LEVEL) void SectionLeave(Section *section);
uint64_t Now(void);

// module.c
FILTER_ATTACH FilterAttach;
FILTER_DETACH FilterDetach;
FILTER_RESTART FilterRestart;
FILTER_PAUSE FilterPause;
FILTER_SET_MODULE_OPTIONS FilterSetModuleOptions;
_IRQL_requires_max_(DISPATCH_LEVEL) bool ModuleEnter(Module *module);
_IRQL_requires_max_(DISPATCH_LEVEL) void ModuleLeave(Module *module);
// Under the core's lock: tells the port what its master is like.
void ModuleTellPort(Module *module);
Module *ModuleFind(uint64_t luid);
// Under the core's lock: sets or clears Unused.
void ModuleNoteUse(Module *module);
extern const ControlHooks ModuleHooks;

// packet.c
_IRQL_requires_max_(DISPATCH_LEVEL) Packet *PacketAllocate(uint32_t length);
_IRQL_requires_max_(DISPATCH_LEVEL) void PacketFree(Packet *packet);
// Takes a place in the module's bound and its gate; false where it is closed or full, or the adapter away.
_IRQL_requires_max_(DISPATCH_LEVEL) bool PacketAssign(Packet *packet, Module *module);
// Gives it a list for NDIS, with the out-of-band data of its direction; NULL: no memory. The packet is assigned.
_IRQL_requires_max_(DISPATCH_LEVEL) PNET_BUFFER_LIST PacketDress(Packet *packet, bool isReceive);
// Ends what NDIS gave back: every list in the chain is ours.
_IRQL_requires_max_(DISPATCH_LEVEL) void PacketFreeLists(PNET_BUFFER_LIST lists);
// Splits a chain into ours and the rest.
void PacketSplit(const Module *module, PNET_BUFFER_LIST lists, ListChain *own, ListChain *others);
void ChainAdd(ListChain *chain, PNET_BUFFER_LIST list);

// view.c: a frame as it lies in the lists of NDIS.
typedef struct View {
    Frame Frame;
    PNET_BUFFER Buffer;
    uint32_t DataLength;
    uint16_t TagInfo;     // out of band; not 0 where the header below has it in place
    uint8_t Complete;     // checksums that are to be computed (segmenter.h)
    uint8_t IsUdp;
    uint32_t SegmentSize; // to be cut; 0: whole
    PNET_BUFFER_LIST List;
    uint8_t Header[FrameHeaderBytes + EtherTagLength];
} View;

// False: the data is not where the buffer says. own and master: as TranslateSent; equal, nothing is translated.
bool ViewRead(View *view, PNET_BUFFER_LIST list, PNET_BUFFER buffer, bool isSent, Mac own, Mac master);
// Where a list's first frame begins and how much of it lies there, if that can be told at once; else NULL.
const uint8_t *ViewPeek(PNET_BUFFER_LIST list, uint32_t *length);
// The whole frame, an out-of-band tag left out, with room for more behind; NULL: no memory.
Packet *ViewCopy(const View *view, Mac own, Mac master);

// deliver.c: frames on their way to a stack or to the wire.
typedef struct Batch {
    Packet *First;
    Packet *Last;
} Batch;
void BatchAdd(Batch *batch, Packet *packet);
// Indicates or sends all of it; outside every epoch. IRQL = DISPATCH_LEVEL.
_IRQL_requires_(DISPATCH_LEVEL) void BatchIndicate(Batch *batch);
_IRQL_requires_(DISPATCH_LEVEL) void BatchSend(Batch *batch);
// Under the queue's lock.
void QueueAppend(DeliveryQueue *queue, Packet *packet);
// All four take the packet; one of NULL is a frame that could not be copied, which is counted by now.
// Finishes a copy for an interface's stack and adds it (cut into segments if it stands for several) to the batch or, with none, to the
// processor's queue. Counts where it cannot.
void DeliverToInterface(Port *port, const PortSnapshot *snapshot, VirtualInterface *target, Packet *packet, uint32_t processor,
                        Batch *batch);
// The same for the host's stack on the master.
void DeliverToHost(Port *port, VirtualInterface *sender, Packet *packet, uint32_t processor, Batch *batch);
// And for the wire.
void SendToWire(Port *port, VirtualInterface *sender, Packet *packet, Batch *batch);
// Puts a frame into the port's backlog; frees it where that is full.
void FloodLater(Port *port, VirtualInterface *sender, Packet *packet, uint32_t processor);
bool QueuesInitialize(void);
void QueuesDestroy(void);

// receive.c, send.c
FILTER_RECEIVE_NET_BUFFER_LISTS FilterReceive;
FILTER_RETURN_NET_BUFFER_LISTS FilterReturn;
FILTER_SEND_NET_BUFFER_LISTS FilterSend;
FILTER_SEND_NET_BUFFER_LISTS_COMPLETE FilterSendComplete;
FILTER_CANCEL_SEND_NET_BUFFER_LISTS FilterCancelSend;

// pending.c: packets that wait for a neighbor.
void PendingInitialize(void);
void PendingDestroy(void);
// Takes the packet; asks the service for the first of a neighbor. In a section.
void PendingAdd(Port *port, VirtualInterface *sender, L3Address neighbor, Packet *packet);
bool PendingIsWanted(uint64_t portLuid, L3Address neighbor);
bool PendingIsEmpty(void);
_IRQL_requires_max_(DISPATCH_LEVEL) void PendingFlush(uint64_t portLuid, L3Address neighbor, Mac mac);
void PendingDropPort(uint64_t portLuid);

// oid.c, status.c
FILTER_OID_REQUEST FilterOidRequest;
FILTER_OID_REQUEST_COMPLETE FilterOidRequestComplete;
FILTER_CANCEL_OID_REQUEST FilterCancelOidRequest;
FILTER_STATUS FilterStatus;
FILTER_DEVICE_PNP_EVENT_NOTIFY FilterDevicePnPEventNotify;
FILTER_NET_PNP_EVENT FilterNetPnPEvent;
// The union that a master's miniport is to receive may have changed. Not under the core's lock.
_IRQL_requires_max_(DISPATCH_LEVEL) void OwnRequestUpdate(uint64_t masterLuid);
bool OwnRequestComplete(Module *module, PNDIS_OID_REQUEST request, NDIS_STATUS status);
// Under the core's lock: what the adapter's miniport is to receive. The list's count; more than IPVLAN_MAX_GROUPS do not fit.
uint32_t UnionOf(const Module *module, uint8_t *macs, uint32_t *filter);
// Under the core's lock: a stand-in's packet filter and multicast list are its interface's (semantics 15, 16).
PortResult ApplyReception(Module *standIn);
// Link state of the master, told to a stand-in's stack; not under the core's lock.
_IRQL_requires_max_(DISPATCH_LEVEL) void StatusTellLink(Module *standIn, bool isConnected, uint64_t speed);
_IRQL_requires_max_(DISPATCH_LEVEL) void StatusTellStandIns(uint64_t masterLuid);
// A stand-in's stack is to ask for no offload.
_IRQL_requires_max_(DISPATCH_LEVEL) void StatusStripOffload(Module *standIn);

// device.c
void EventsInitialize(void); // before the first event
NTSTATUS DeviceCreate(void);
void DeviceDestroy(void);
_IRQL_requires_max_(DISPATCH_LEVEL) void EventPost(const IPVLAN_EVENT *event);
