#include "filter.h"

// Frames on their way to a stack or to the wire. What one stack sends another goes through the processor's queue and its DPC, never
// inside the sender's call; order is kept within a processor, and so within a flow.

enum { ReceiveTcpSucceeded = 8, ReceiveUdpSucceeded = 16, ReceiveIpSucceeded = 32 };

void BatchAdd(Batch *batch, Packet *packet)
{
    packet->Next = NULL;
    if (batch->First == NULL)
        batch->First = packet;
    else
        batch->Last->Next = packet;
    batch->Last = packet;
}

// The longest run of packets for one module, as a chain of lists. Packets that could not be dressed were counted and are gone.
static Module *TakeRun(Batch *batch, ListChain *chain, bool isReceive)
{
    Module *module = NULL;
    while (batch->First != NULL && (module == NULL || batch->First->Module == module)) {
        Packet *packet = batch->First;
        batch->First = packet->Next;
        PNET_BUFFER_LIST list = PacketDress(packet, isReceive);
        if (list == NULL) {
            // The module's own counter is the only place left for it: its port may be gone.
            PacketFree(packet);
            continue;
        }
        module = packet->Module;
        ChainAdd(chain, list);
    }
    return module;
}

void BatchIndicate(Batch *batch)
{
    while (batch->First != NULL) {
        ListChain chain = {0};
        Module *module = TakeRun(batch, &chain, true);
        if (module != NULL)
            NdisFIndicateReceiveNetBufferLists(module->Handle, chain.First, NDIS_DEFAULT_PORT_NUMBER, chain.Count,
                                               NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL);
    }
}

void BatchSend(Batch *batch)
{
    while (batch->First != NULL) {
        ListChain chain = {0};
        Module *module = TakeRun(batch, &chain, false);
        if (module != NULL)
            NdisFSendNetBufferLists(module->Handle, chain.First, NDIS_DEFAULT_PORT_NUMBER, NDIS_SEND_FLAGS_DISPATCH_LEVEL);
    }
}

void QueueAppend(DeliveryQueue *queue, Packet *packet)
{
    packet->Next = NULL;
    if (queue->First == NULL)
        queue->First = packet;
    else
        queue->Last->Next = packet;
    queue->Last = packet;
    queue->Count++;
}

// False: the queue is full.
static bool Enqueue(Packet *packet, uint32_t processor)
{
    DeliveryQueue *queue = &TheDriver.Queues[processor];
    KIRQL irql;
    KeAcquireSpinLock(&queue->Lock, &irql);
    bool hasRoom = queue->Count < MostQueued;
    if (hasRoom)
        QueueAppend(queue, packet);
    KeReleaseSpinLock(&queue->Lock, irql);
    if (hasRoom)
        (void)KeInsertQueueDpc(&queue->Dpc, NULL, NULL);
    return hasRoom;
}

// Assigns a packet and adds it to the batch or, with none, to the processor's queue; false where it cannot, and the packet is freed.
static bool HandOne(Packet *packet, Module *module, uint32_t processor, Batch *batch)
{
    if (!PacketAssign(packet, module)) {
        PacketFree(packet);
        return false;
    }
    if (batch != NULL) {
        BatchAdd(batch, packet);
        return true;
    }
    if (Enqueue(packet, processor))
        return true;
    PacketFree(packet);
    return false;
}

// Cuts a packet into segments, each assigned to the module and given to the callee in order. The packet itself is freed.
typedef struct Cut {
    Segmenter Segmenter;
    Packet *Whole;
} Cut;

static bool CutStart(Cut *cut, Packet *packet)
{
    uint32_t segmentSize = packet->SegmentSize;
    cut->Whole = packet;
    return segmentSize != 0 && SegmenterStart(&cut->Segmenter, packet->Bytes, packet->Length, segmentSize) &&
           cut->Segmenter.Payload + segmentSize < packet->Length;
}

// NULL: no more, or no memory (then *isShort).
static Packet *CutNext(Cut *cut, bool *isShort)
{
    if (!cut->Segmenter.HasMore)
        return NULL;
    uint32_t longest = cut->Segmenter.Payload + cut->Segmenter.SegmentSize;
    Packet *segment = PacketAllocate(Least(longest, cut->Segmenter.Length));
    if (segment == NULL) {
        *isShort = true;
        return NULL;
    }
    segment->Length = segment->LongestSegment = SegmenterNext(&cut->Segmenter, segment->Bytes);
    segment->TagInfo = cut->Whole->TagInfo;
    segment->ChecksumInfo = ReceiveTcpSucceeded | ReceiveIpSucceeded;
    segment->HashValue = cut->Whole->HashValue;
    segment->HashInfo = cut->Whole->HashInfo;
    return segment;
}

// The same for a packet that may stand for several segments. Counts where something of it finds no place.
static void HandOver(Port *port, VirtualInterface *at, Packet *packet, Module *module, uint32_t processor, Batch *batch)
{
    Cut cut;
    bool isShort = false;
    if (module != NULL && CutStart(&cut, packet)) {
        Packet *segment;
        while ((segment = CutNext(&cut, &isShort)) != NULL)
            isShort = !HandOne(segment, module, processor, batch) || isShort;
        PacketFree(packet);
    } else {
        isShort = !HandOne(packet, module, processor, batch);
    }
    if (isShort)
        PortCountDrop(port, DropDeviceQueueFull, at);
}

void DeliverToInterface(Port *port, const PortSnapshot *snapshot, VirtualInterface *target, Packet *packet, uint32_t processor,
                        Batch *batch)
{
    if (packet == NULL)
        return;
    Module *module = LOAD(target->Module);
    if (module != NULL)
        TranslateDelivered(packet->Bytes, packet->Length, module->Mac, snapshot->Mac);
    HandOver(port, target, packet, module, processor, batch);
}

void DeliverToHost(Port *port, VirtualInterface *sender, Packet *packet, uint32_t processor, Batch *batch)
{
    if (packet != NULL)
        HandOver(port, sender, packet, LOAD(port->Module), processor, batch);
}

static void FragmentToWire(Port *port, VirtualInterface *sender, Module *master, Packet *packet, uint32_t ipMtu, Batch *batch)
{
    Fragmenter fragmenter;
    bool isShort = !FragmenterStart(&fragmenter, packet->Bytes, packet->Length, ipMtu);
    while (!isShort && fragmenter.Done < packet->Length - EtherHeaderLength - fragmenter.HeaderLength) {
        Packet *fragment = PacketAllocate(EtherHeaderLength + ipMtu);
        if (fragment == NULL) {
            isShort = true;
            break;
        }
        fragment->TagInfo = packet->TagInfo;
        fragment->Length = fragment->LongestSegment = FragmenterNext(&fragmenter, fragment->Bytes);
        isShort = !HandOne(fragment, master, 0, batch);
    }
    if (isShort)
        PortCountDrop(port, DropDeviceQueueFull, sender);
    PacketFree(packet);
}

void SendToWire(Port *port, VirtualInterface *sender, Packet *packet, Batch *batch)
{
    if (packet == NULL)
        return;
    Module *master = LOAD(port->Module);
    if (packet->NeedsFragmenting && packet->SegmentSize == 0)
        FragmentToWire(port, sender, master, packet, PortRead(port)->IpMtu, batch);
    else
        HandOver(port, sender, packet, master, 0, batch);
}
