#include "filter.h"

// Packets that wait for a neighbor's MAC (RFC 1122 section 2.3.2.2, RFC 4861 section 7.2.2); PendingPackets in the C# engine. Bounded by
// neighbors, packets and bytes; one that finds no room is not taken. The service resolves, and tells by adding the neighbor.

typedef struct Waiting {
    uint64_t PortLuid; // 0: free
    L3Address Address;
    uint64_t Until;
    uint32_t Count;
    uint32_t Bytes;
    Packet *First;
    Packet *Last;
} Waiting;

static KSPIN_LOCK lock; // guards all below
static Waiting waiting[MostPendingNeighbors];
static uint32_t used; // read without the lock, for a hint
static KTIMER timer;
static KDPC timerDpc;

static Waiting *Find(uint64_t portLuid, L3Address address)
{
    for (uint32_t i = 0; i < MostPendingNeighbors; i++) {
        if (waiting[i].PortLuid == portLuid && SameAddress(waiting[i].Address, address))
            return &waiting[i];
    }
    return NULL;
}

// Under the lock: its packets, chained.
static Packet *Take(Waiting *from)
{
    Packet *first = from->First;
    *from = (Waiting){0};
    Store32(&used, used - 1);
    return first;
}

static void StartTimer(void)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)SECOND};
    (void)KeSetTimer(&timer, due, &timerDpc);
}

// In a section. What waited in vain is dropped, and counted where its port is still there.
static void DropChain(uint64_t portLuid, Packet *packet)
{
    Port *port = ControlFindPort(&TheDriver.Control, portLuid);
    while (packet != NULL) {
        Packet *next = packet->Next;
        if (port != NULL)
            PortCountDrop(port, DropNoRoute, NULL);
        PacketFree(packet);
        packet = next;
    }
}

_IRQL_requires_(DISPATCH_LEVEL) static VOID KMAPI Expire(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    uint64_t now = Now();
    Section section;
    SectionEnter(&section);
    for (uint32_t i = 0; i < MostPendingNeighbors; i++) {
        KIRQL irql;
        Packet *expired = NULL;
        KeAcquireSpinLock(&lock, &irql);
        uint64_t portLuid = waiting[i].PortLuid;
        if (portLuid != 0 && waiting[i].Until <= now)
            expired = Take(&waiting[i]);
        KeReleaseSpinLock(&lock, irql);
        DropChain(portLuid, expired);
    }
    SectionEndReading(&section);
    SectionLeave(&section);
    if (!PendingIsEmpty())
        StartTimer();
}

void PendingInitialize(void)
{
    memset(waiting, 0, sizeof(waiting));
    used = 0;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&timerDpc, Expire, NULL);
}

// No module is left.
void PendingDestroy(void)
{
    (void)KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
    // The DPC may have set the timer once more.
    (void)KeCancelTimer(&timer);
    for (uint32_t i = 0; i < MostPendingNeighbors; i++) {
        if (waiting[i].PortLuid != 0)
            DropChain(0, Take(&waiting[i]));
    }
}

bool PendingIsEmpty(void) { return Load32(&used) == 0; }

bool PendingIsWanted(uint64_t portLuid, L3Address neighbor)
{
    KIRQL irql;
    KeAcquireSpinLock(&lock, &irql);
    bool isWanted = Find(portLuid, neighbor) != NULL;
    KeReleaseSpinLock(&lock, irql);
    return isWanted;
}

// Under the lock. NULL: no room for one more neighbor.
static Waiting *Begin(uint64_t portLuid, L3Address neighbor)
{
    Waiting *free = NULL;
    for (uint32_t i = 0; i < MostPendingNeighbors && free == NULL; i++) {
        if (waiting[i].PortLuid == 0)
            free = &waiting[i];
    }
    if (free == NULL)
        return NULL;
    *free = (Waiting){.PortLuid = portLuid, .Address = neighbor, .Until = Now() + NEIGHBOR_PATIENCE};
    Store32(&used, used + 1);
    return free;
}

void PendingAdd(Port *port, VirtualInterface *sender, L3Address neighbor, Packet *packet)
{
    KIRQL irql;
    bool isFirst = false;
    packet->Next = NULL;
    KeAcquireSpinLock(&lock, &irql);
    Waiting *to = Find(port->Luid, neighbor);
    if (to == NULL) {
        to = Begin(port->Luid, neighbor);
        isFirst = to != NULL;
    }
    bool hasRoom = to != NULL && to->Count < MostPendingPackets && to->Bytes + packet->Length <= MostPendingBytes;
    if (hasRoom) {
        if (to->First == NULL)
            to->First = packet;
        else
            to->Last->Next = packet;
        to->Last = packet;
        to->Count++;
        to->Bytes += packet->Length;
    }
    KeReleaseSpinLock(&lock, irql);
    if (!hasRoom) {
        PortCountDrop(port, DropNeighborQueueFull, sender);
        PacketFree(packet);
    }
    if (!isFirst)
        return;
    StartTimer();
    IPVLAN_EVENT event = {.Kind = IPVLAN_EVENT_NEIGHBOR_WANTED, .MasterLuid = port->Luid, .Family = neighbor.Family};
    WriteAddress(event.Address, neighbor);
    EventPost(&event);
}

void PendingFlush(uint64_t portLuid, L3Address neighbor, Mac mac)
{
    KIRQL irql;
    Section section;
    Batch wire = {0};
    if (PendingIsEmpty())
        return;
    KeAcquireSpinLock(&lock, &irql);
    Waiting *from = Find(portLuid, neighbor);
    Packet *packet = from == NULL ? NULL : Take(from);
    KeReleaseSpinLock(&lock, irql);
    SectionEnter(&section);
    Port *port = ControlFindPort(&TheDriver.Control, portLuid);
    while (packet != NULL) {
        Packet *next = packet->Next;
        if (port == NULL || !PortRead(port)->IsUp) {
            if (port != NULL)
                PortCountDrop(port, DropMasterDown, NULL);
            PacketFree(packet);
        } else {
            WriteMac(packet->Bytes, mac);
            WriteMac(packet->Bytes + MacLength, PortRead(port)->Mac);
            SendToWire(port, NULL, packet, &wire);
        }
        packet = next;
    }
    SectionEndReading(&section);
    BatchSend(&wire);
    SectionLeave(&section);
}

void PendingDropPort(uint64_t portLuid)
{
    KIRQL irql;
    for (uint32_t i = 0; i < MostPendingNeighbors; i++) {
        Packet *packet = NULL;
        KeAcquireSpinLock(&lock, &irql);
        if (waiting[i].PortLuid == portLuid)
            packet = Take(&waiting[i]);
        KeReleaseSpinLock(&lock, irql);
        while (packet != NULL) {
            Packet *next = packet->Next;
            PacketFree(packet);
            packet = next;
        }
    }
}
