#include "filter.h"

// The queues' DPC, and the flooding that it does: a frame's copies are made there, a bounded number in one run.

void FloodLater(Port *port, VirtualInterface *sender, Packet *packet, uint32_t processor)
{
    if (packet == NULL)
        return;
    packet->IsFlood = true;
    packet->PortLuid = port->Luid;
    packet->PortSerial = port->Serial;
    packet->SenderSerial = sender == NULL ? 0 : sender->Serial;
    if (Add32(&port->Backlog, 1) <= MostBacklog) {
        DeliveryQueue *queue = &TheDriver.Queues[processor];
        KIRQL irql;
        KeAcquireSpinLock(&queue->Lock, &irql);
        // Beyond MostQueued too: the backlog is its own bound.
        QueueAppend(queue, packet);
        KeReleaseSpinLock(&queue->Lock, irql);
        (void)KeInsertQueueDpc(&queue->Dpc, NULL, NULL);
        return;
    }
    Add32(&port->Backlog, (uint32_t)-1);
    PortCountDrop(port, DropBacklogFull, sender);
    PacketFree(packet);
}

static Packet *Copy(const Packet *packet)
{
    Packet *copy = PacketAllocate(packet->Length);
    if (copy == NULL)
        return NULL;
    memcpy(copy->Bytes, packet->Bytes, packet->Length);
    copy->TagInfo = packet->TagInfo;
    copy->ChecksumInfo = packet->ChecksumInfo;
    copy->HashValue = packet->HashValue;
    copy->HashInfo = packet->HashInfo;
    return copy;
}

// The frame with its out-of-band tag in place, as the port looks at it.
static Frame FrameOf(const Packet *packet, uint8_t *header)
{
    Frame frame = {.Bytes = packet->Bytes, .Length = packet->Length, .LongestSegment = packet->LongestSegment};
    bool isTagged = packet->SenderSerial != 0 ? (packet->TagInfo & 0xfff0) != 0 : packet->TagInfo != 0;
    if (!isTagged)
        return frame;
    memcpy(header, packet->Bytes, 2 * MacLength);
    Write16(header + 12, TypeVlanTag);
    Write16(header + 14, 0);
    frame.Bytes = header;
    frame.Length += EtherTagLength;
    return frame;
}

// One more run of copies; true: there are more. In a section.
static bool Flood(Packet *packet, uint32_t processor, uint32_t *budget, Batch *batch, Batch *wire)
{
    Port *port = ControlFindPort(&TheDriver.Control, packet->PortLuid);
    uint8_t header[2 * MacLength + EtherTagLength];
    if (port == NULL || port->Serial != packet->PortSerial) {
        PacketFree(packet);
        return false;
    }
    const PortSnapshot *snapshot = PortRead(port);
    Frame frame = FrameOf(packet, header);
    VirtualInterface *receiver;
    while (*budget > 0 &&
           (receiver = PortNextReceiver(port, snapshot, processor, &frame, packet->SenderSerial, &packet->Cursor)) != NULL) {
        Packet *copy = Copy(packet);
        (*budget)--;
        if (copy == NULL)
            PortCountDrop(port, DropDeviceQueueFull, receiver);
        else
            DeliverToInterface(port, snapshot, receiver, copy, processor, batch);
    }
    if (packet->Cursor < snapshot->InterfaceCount && *budget == 0)
        return true;
    Add32(&port->Backlog, (uint32_t)-1);
    // The original is the wire's copy, or nobody's: the host had the one it received.
    packet->IsFlood = false;
    if (packet->SenderSerial != 0 && snapshot->IsUp)
        SendToWire(port, NULL, packet, wire);
    else
        PacketFree(packet);
    return false;
}

static Packet *TakeAll(DeliveryQueue *queue)
{
    KIRQL irql;
    KeAcquireSpinLock(&queue->Lock, &irql);
    Packet *first = queue->First;
    queue->First = queue->Last = NULL;
    queue->Count = 0;
    KeReleaseSpinLock(&queue->Lock, irql);
    return first;
}

// What is left goes before all that came meanwhile.
static void PutBack(DeliveryQueue *queue, Packet *first)
{
    KIRQL irql;
    uint32_t count = 1;
    Packet *last = first;
    for (; last->Next != NULL; last = last->Next)
        count++;
    KeAcquireSpinLock(&queue->Lock, &irql);
    last->Next = queue->First;
    if (queue->First == NULL)
        queue->Last = last;
    queue->First = first;
    queue->Count += count;
    bool isClosed = queue->IsClosed;
    KeReleaseSpinLock(&queue->Lock, irql);
    if (!isClosed)
        (void)KeInsertQueueDpc(&queue->Dpc, NULL, NULL);
}

_IRQL_requires_(DISPATCH_LEVEL) static VOID KMAPI Drain(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    DeliveryQueue *queue = context;
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    Packet *packet = TakeAll(queue);
    uint32_t budget = MostCopiesAtOnce;
    Batch batch = {0}, wire = {0};
    Section section;
    SectionEnter(&section);
    while (packet != NULL) {
        Packet *next = packet->Next;
        if (!packet->IsFlood) {
            BatchAdd(&batch, packet);
        } else if (Flood(packet, section.Processor, &budget, &batch, &wire)) {
            PutBack(queue, packet);
            break;
        }
        packet = next;
    }
    SectionEndReading(&section);
    BatchIndicate(&batch);
    BatchSend(&wire);
    SectionLeave(&section);
}

bool QueuesInitialize(void)
{
    uint32_t count = TheDriver.Control.Processors;
    TheDriver.Queues = CoreAllocate(sizeof(DeliveryQueue) * count);
    if (TheDriver.Queues == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        PROCESSOR_NUMBER number;
        KeInitializeDpc(&TheDriver.Queues[i].Dpc, Drain, &TheDriver.Queues[i]);
        // Where a processor cannot be named its DPC runs wherever it is queued, which is the same processor.
        if (KeGetProcessorNumberFromIndex(i, &number) == STATUS_SUCCESS)
            (void)KeSetTargetProcessorDpcEx(&TheDriver.Queues[i].Dpc, &number);
    }
    return true;
}

// Nobody enqueues any more, but a DPC that leaves something for its next run: those are over, once they cannot be queued again.
void QueuesDestroy(void)
{
    for (uint32_t i = 0; i < TheDriver.Control.Processors; i++) {
        KIRQL irql;
        KeAcquireSpinLock(&TheDriver.Queues[i].Lock, &irql);
        TheDriver.Queues[i].IsClosed = true;
        KeReleaseSpinLock(&TheDriver.Queues[i].Lock, irql);
    }
    KeFlushQueuedDpcs();
    for (uint32_t i = 0; i < TheDriver.Control.Processors; i++) {
        Packet *packet = TakeAll(&TheDriver.Queues[i]);
        while (packet != NULL) {
            Packet *next = packet->Next;
            PacketFree(packet);
            packet = next;
        }
    }
    CoreFree(TheDriver.Queues);
}
