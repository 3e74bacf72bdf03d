#include "filter.h"

// What a master receives is decided on; what a stand-in's miniport receives came past the port and goes nowhere.

enum { ChecksumResults = 0x3f }; // of NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO, without the loopback bit

typedef struct Reception {
    Module *Module;
    Port *Port;
    const PortSnapshot *Snapshot;
    PortMap Map;
    uint32_t Processor;
    Batch Batch;
} Reception;

static Packet *CopyReceived(Reception *reception, const View *view, VirtualInterface *target)
{
    Packet *packet = ViewCopy(view, 0, 0);
    if (packet == NULL) {
        PortCountDrop(reception->Port, DropDeviceQueueFull, target);
        return NULL;
    }
    packet->ChecksumInfo = (uint8_t)((uintptr_t)NET_BUFFER_LIST_INFO(view->List, TcpIpChecksumNetBufferListInfo) & ChecksumResults);
    packet->HashValue = NET_BUFFER_LIST_INFO(view->List, NetBufferListHashValue);
    packet->HashInfo = NET_BUFFER_LIST_INFO(view->List, NetBufferListHashInfo);
    return packet;
}

// l3s: MACs, type and the packet without padding; priority tags are off (semantics 18a, 19).
static void CutToPacket(Packet *packet, uint32_t packetLength)
{
    packet->TagInfo = 0;
    uint32_t tags = TagBytes(packet->Bytes, packet->Length), types = 2 * MacLength;
    memmove(packet->Bytes + types, packet->Bytes + types + tags, packet->Length - types - tags);
    packet->Length = packet->LongestSegment = EtherHeaderLength + packetLength;
}

// A neighbor that is waited for, or that was learnt before: then no oftener than once a second, so that nobody makes us change it with
// each frame.
static void LearnNeighbor(Reception *reception, const Frame *frame)
{
    L3Address address;
    Mac mac;
    if (PortRead(reception->Port)->Mode == ModeL2 || !NeighborSeen(frame->Bytes, frame->Length, &address, &mac))
        return;
    Router *router = &reception->Port->Router;
    uint64_t until = Now() + NEIGHBOR_LEARNT_FOR;
    bool isWanted = !PendingIsEmpty() && PendingIsWanted(reception->Port->Luid, address), isLearnt = false;
    if (!RouterMayLearn(router, address, isWanted, until - SECOND))
        return;
    CoreLock();
    if (RouterMayLearn(router, address, isWanted, until - SECOND))
        isLearnt = RouterSetNeighbor(router, address, mac, until) == PortOk;
    EpochCollect(&TheDriver.Control.Epoch);
    CoreUnlock();
    if (isLearnt)
        PendingFlush(reception->Port->Luid, address, mac);
}

// True: the host gets it.
static bool ReceiveBuffer(Reception *reception, PNET_BUFFER_LIST list, PNET_BUFFER buffer, const Foresight *foresight)
{
    View view;
    Packet *packet = NULL;
    if (!ViewRead(&view, list, buffer, false, 0, 0)) {
        PortCountDrop(reception->Port, DropDeviceQueueFull, NULL);
        return false;
    }
    Foresight own;
    if (foresight == NULL) {
        own = PortForesee(&reception->Map, view.Frame.Bytes, view.Frame.Length);
        foresight = &own;
    }
    Decision decision = PortReceive(reception->Port, reception->Snapshot, reception->Processor, &view.Frame, foresight);
    switch (decision.Action) {
    case ActionHost:
        LearnNeighbor(reception, &view.Frame);
        return true;
    case ActionDeliver:
    case ActionHostAndLocal:
        packet = CopyReceived(reception, &view, decision.Target);
        if (packet != NULL && decision.Action == ActionHostAndLocal)
            CutToPacket(packet, decision.PacketLength);
        DeliverToInterface(reception->Port, reception->Snapshot, decision.Target, packet, reception->Processor, &reception->Batch);
        return decision.Action == ActionHostAndLocal;
    case ActionFloodReceived:
        FloodLater(reception->Port, NULL, CopyReceived(reception, &view, NULL), reception->Processor);
        return true;
    default:
        return false;
    }
}

// True: the list goes up as it is. One with several buffers never does: those that the host gets are copied.
static bool ReceiveList(Reception *reception, PNET_BUFFER_LIST list, const Foresight *foresight)
{
    PNET_BUFFER buffer = NET_BUFFER_LIST_FIRST_NB(list);
    if ((list->NblFlags & NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET) != 0)
        return true;
    if (buffer == NULL || NET_BUFFER_NEXT_NB(buffer) == NULL)
        return buffer == NULL || ReceiveBuffer(reception, list, buffer, foresight);
    for (; buffer != NULL; buffer = NET_BUFFER_NEXT_NB(buffer)) {
        View view;
        if (ReceiveBuffer(reception, list, buffer, NULL) && ViewRead(&view, list, buffer, false, 0, 0))
            DeliverToHost(reception->Port, NULL, CopyReceived(reception, &view, NULL), reception->Processor, &reception->Batch);
    }
    return false;
}

// False: neither a port's master nor a stand-in, the lists are none of our business.
static bool Begin(Reception *reception, Module *module, Section *section)
{
    SectionEnter(section);
    *reception = (Reception){.Module = module, .Port = LOAD(module->Port), .Processor = section->Processor};
    if (reception->Port != NULL) {
        reception->Snapshot = PortRead(reception->Port);
        reception->Map = PortReadMap(reception->Port);
    }
    return reception->Port != NULL || LOAD(module->Interface) != NULL;
}

// What was foreseen of the list's first buffer; NULL: nothing.
static bool Decide(Reception *reception, PNET_BUFFER_LIST list, const Foresight *foresight)
{
    if (reception->Port != NULL)
        return ReceiveList(reception, list, foresight);
    return (list->NblFlags & NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET) != 0;
}

// The miniport has the lists back when the call returns, in the order in which it gave them: they go up one by one, unlinked for the call.
static void ReceiveBorrowed(Module *module, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags)
{
    while (lists != NULL) {
        PNET_BUFFER_LIST next = NET_BUFFER_LIST_NEXT_NBL(lists);
        Reception reception;
        Section section;
        bool passes = !Begin(&reception, module, &section) || Decide(&reception, lists, NULL);
        SectionEndReading(&section);
        BatchIndicate(&reception.Batch);
        SectionLeave(&section);
        if (passes) {
            NET_BUFFER_LIST_NEXT_NBL(lists) = NULL;
            NdisFIndicateReceiveNetBufferLists(module->Handle, lists, port, 1, flags);
            NET_BUFFER_LIST_NEXT_NBL(lists) = next;
        }
        lists = next;
    }
}

// Frames are decided on faster than memory answers: what those further on will need is fetched meanwhile, first their headers, then, for a
// block of frames while the one before is decided on, their places in the address map.
enum { Block = 8, HeadersAhead = 2 * Block };

static PNET_BUFFER_LIST FetchHeader(PNET_BUFFER_LIST list)
{
    uint32_t length;
    const uint8_t *bytes = list == NULL ? NULL : ViewPeek(list, &length);
    if (bytes != NULL)
        PREFETCH(bytes);
    return list == NULL ? NULL : NET_BUFFER_LIST_NEXT_NBL(list);
}

// The next block's first list.
static PNET_BUFFER_LIST Foresee(const Reception *reception, PNET_BUFFER_LIST list, Foresight *foresights)
{
    for (uint32_t i = 0; i < Block && list != NULL && reception->Port != NULL; i++) {
        uint32_t length = 0;
        const uint8_t *bytes = ViewPeek(list, &length);
        foresights[i] = PortForesee(&reception->Map, bytes, bytes == NULL ? 0 : length);
        list = NET_BUFFER_LIST_NEXT_NBL(list);
    }
    return list;
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterReceive(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count,
                                                             ULONG flags)
{
    Module *module = context;
    Reception reception;
    Section section;
    Foresight foresights[2][Block];
    ListChain pass = {0}, gone = {0};
    if ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) != 0) {
        ReceiveBorrowed(module, lists, port, flags);
        return;
    }
    if (!Begin(&reception, module, &section)) {
        pass = (ListChain){.First = lists, .Count = count};
        lists = NULL;
    }
    PNET_BUFFER_LIST header = lists;
    for (uint32_t i = 0; i < HeadersAhead; i++)
        header = FetchHeader(header);
    PNET_BUFFER_LIST place = Foresee(&reception, lists, foresights[0]);
    for (uint32_t turn = 0; lists != NULL; turn++) {
        PNET_BUFFER_LIST next = NET_BUFFER_LIST_NEXT_NBL(lists);
        if (turn % Block == 0)
            place = Foresee(&reception, place, foresights[(turn / Block + 1) % 2]);
        header = FetchHeader(header);
        ChainAdd(Decide(&reception, lists, &foresights[turn / Block % 2][turn % Block]) ? &pass : &gone, lists);
        lists = next;
    }
    SectionEndReading(&section);
    BatchIndicate(&reception.Batch);
    SectionLeave(&section);
    if (pass.First != NULL)
        NdisFIndicateReceiveNetBufferLists(module->Handle, pass.First, port, pass.Count, flags);
    if (gone.First != NULL)
        NdisFReturnNetBufferLists(module->Handle, gone.First,
                                  (flags & NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL) != 0 ? NDIS_RETURN_FLAGS_DISPATCH_LEVEL : 0);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterReturn(NDIS_HANDLE context, PNET_BUFFER_LIST lists, ULONG flags)
{
    Module *module = context;
    ListChain own = {0}, others = {0};
    PacketSplit(module, lists, &own, &others);
    if (others.First != NULL)
        NdisFReturnNetBufferLists(module->Handle, others.First, flags);
    // Last: a pause may complete by it, and the module go.
    PacketFreeLists(own.First);
}
