#include "port.h"

// Changes to a port. What decides on frames is in receive.c and transmit.c.

enum { LeastMtu = IPVLAN_MIN_MTU, LargestMtu = IPVLAN_MAX_MTU };

static PortSnapshot *NewSnapshot(uint32_t interfaceCount)
{
    PortSnapshot *snapshot = CoreAllocate(sizeof(PortSnapshot) + sizeof(VirtualInterface *) * (size_t)interfaceCount);
    if (snapshot != NULL)
        snapshot->InterfaceCount = interfaceCount;
    return snapshot;
}

Port *PortCreate(Epoch *epoch, uint64_t luid, uint64_t seed, uint32_t processors)
{
    Port *port = CoreAllocate(sizeof(Port));
    PortSnapshot *snapshot = port == NULL ? NULL : NewSnapshot(0);
    if (snapshot == NULL) {
        if (port != NULL)
            CoreFree(port);
        return NULL;
    }
    snapshot->Mode = ModeL3;
    snapshot->IpMtu = 1500;
    port->Epoch = epoch;
    port->Luid = luid;
    port->Processors = processors;
    port->NextSerial = 1;
    port->Snapshot = snapshot;
    TableInitialize(&port->Four, TableFour, epoch, seed);
    TableInitialize(&port->Six, TableSix, epoch, seed);
    RouterInitialize(&port->Router, epoch, seed);
    return port;
}

static void FreePort(Retired *block)
{
    Port *port = CONTAINER(block, Port, Retired);
    RouterDestroy(&port->Router);
    TableDestroy(&port->Four);
    TableDestroy(&port->Six);
    CoreFree(port->Snapshot);
    CoreFree(port);
}

void PortRetire(Port *port) { EpochRetire(port->Epoch, &port->Retired, FreePort); }

// A copy of the snapshot with room for so many interfaces, to be changed and published.
static PortSnapshot *CopySnapshot(const Port *port, uint32_t interfaceCount)
{
    const PortSnapshot *old = port->Snapshot;
    PortSnapshot *copy = NewSnapshot(interfaceCount);
    if (copy == NULL)
        return NULL;
    copy->Mode = old->Mode;
    copy->Flag = old->Flag;
    copy->IpMtu = old->IpMtu;
    copy->IsUp = old->IsUp;
    copy->Options = old->Options;
    copy->Mac = old->Mac;
    memcpy(copy->Interfaces, old->Interfaces, sizeof(VirtualInterface *) * (size_t)Least(interfaceCount, old->InterfaceCount));
    return copy;
}

static void Publish(Port *port, PortSnapshot *snapshot)
{
    PortSnapshot *old = port->Snapshot;
    bool hasPlain = snapshot->IsUp != 0 && snapshot->Mode != ModeL3S;
    snapshot->PlainEnd = hasPlain ? snapshot->IpMtu + MasterSlack - PlainIpv4Bytes + 1 : 0;
    STORE(port->Snapshot, snapshot);
    EpochRetire(port->Epoch, &old->Retired, NULL);
    EpochCollect(port->Epoch);
}

VirtualInterface *PortFind(const Port *port, uint64_t luid)
{
    for (uint32_t i = 0; i < port->Snapshot->InterfaceCount; i++) {
        VirtualInterface *member = port->Snapshot->Interfaces[i];
        if (member != NULL && member->Luid == luid)
            return member;
    }
    return NULL;
}

static void FreeInterface(Retired *block)
{
    VirtualInterface *member = CONTAINER(block, VirtualInterface, Retired);
    GroupsFree(member);
    CoreFree(member->Block);
}

static VirtualInterface *NewInterface(uint32_t processors)
{
    uint8_t *block = CoreAllocate(sizeof(VirtualInterface) + sizeof(InterfaceShare) * (size_t)processors + CacheLine);
    if (block == NULL)
        return NULL;
    VirtualInterface *member = (VirtualInterface *)(block + (0 - (uintptr_t)block) % CacheLine);
    member->Block = block;
    return member;
}

bool PortKnows(const uint32_t *mode, const uint32_t *flag) { return (mode == NULL || *mode <= ModeL3S) && (flag == NULL || *flag <= FlagVepa); }

PortResult PortAddInterface(Port *port, uint64_t luid, const uint32_t *mode, const uint32_t *flag, VirtualInterface **added)
{
    *added = NULL;
    if (!PortKnows(mode, flag))
        return PortInvalid;
    if (PortFind(port, luid) != NULL)
        return PortExists;
    uint32_t id = 0;
    while (id < port->Snapshot->InterfaceCount && port->Snapshot->Interfaces[id] != NULL)
        id++;
    if (id >= IPVLAN_MAX_INTERFACES)
        return PortLimitReached;
    uint32_t count = port->Snapshot->InterfaceCount;
    PortSnapshot *snapshot = CopySnapshot(port, id < count ? count : id + 1);
    if (snapshot == NULL)
        return PortNoMemory;
    VirtualInterface *member = NewInterface(port->Processors);
    if (member == NULL) {
        CoreFree(snapshot);
        return PortNoMemory;
    }
    member->Port = port;
    member->Luid = luid;
    member->Id = id;
    member->Serial = port->NextSerial++;
    InterfaceSetMtu(member, snapshot->IpMtu);
    if (port->Members++ == 0) {
        snapshot->Mode = ModeL3;
        snapshot->Flag = FlagBridge;
    }
    if (mode != NULL)
        snapshot->Mode = (PortMode)*mode;
    if (flag != NULL)
        snapshot->Flag = (PortFlag)*flag;
    snapshot->Interfaces[id] = member;
    Publish(port, snapshot);
    *added = member;
    return PortOk;
}

void PortDetachInterface(VirtualInterface *removed)
{
    InterfaceSetUp(removed, false);
    STORE(removed->Module, NULL);
    removed->Luid = 0;
}

bool PortSweepAddresses(Port *port, const VirtualInterface *removed, uint32_t *cursor)
{
    // The cursor's lowest bit tells the table.
    uint32_t inTable = *cursor >> 1;
    Table *table = (*cursor & 1) == 0 ? &port->Four : &port->Six;
    const TableSegment *segment;
    uint32_t count;
    if (!TableNextSegment(table, &inTable, &segment, &count)) {
        bool hasMore = (*cursor & 1) == 0;
        *cursor = 1;
        return hasMore;
    }
    for (uint32_t i = 0; i < count; i++) {
        TableSlot slot = TableSlotAt(table, segment, i);
        if (slot.Value >= TableLeastValue && slot.Value >> 8 == (uint64_t)removed->Id + 1)
            TableRemove(table, slot.High, slot.Low);
    }
    *cursor = inTable << 1 | (*cursor & 1);
    return true;
}

void PortForgetInterface(Port *port, VirtualInterface *removed)
{
    // In place, so that it cannot fail; readers see the interface or NULL.
    STORE(port->Snapshot->Interfaces[removed->Id], NULL);
    port->Members--;
    EpochRetire(port->Epoch, &removed->Retired, FreeInterface);
    EpochCollect(port->Epoch);
}

PortResult PortSet(Port *port, uint32_t fields, uint32_t mode, uint32_t flag, uint32_t options)
{
    if (((fields & IPVLAN_SET_MODE) != 0 && mode > ModeL3S) || ((fields & IPVLAN_SET_FLAG) != 0 && flag > FlagVepa) ||
        ((fields & IPVLAN_SET_OPTIONS) != 0 && (options & ~(uint32_t)IPVLAN_OPTION_ANSWER_RESOLUTION) != 0))
        return PortInvalid;
    PortSnapshot *snapshot = CopySnapshot(port, port->Snapshot->InterfaceCount);
    if (snapshot == NULL)
        return PortNoMemory;
    if ((fields & IPVLAN_SET_MODE) != 0)
        snapshot->Mode = (PortMode)mode;
    if ((fields & IPVLAN_SET_FLAG) != 0)
        snapshot->Flag = (PortFlag)flag;
    if ((fields & IPVLAN_SET_OPTIONS) != 0)
        snapshot->Options = options;
    Publish(port, snapshot);
    return PortOk;
}

PortResult PortSetMaster(Port *port, Mac mac, uint32_t ipMtu, bool isUp)
{
    if (ipMtu < LeastMtu || ipMtu > LargestMtu)
        return PortInvalid;
    PortSnapshot *snapshot = CopySnapshot(port, port->Snapshot->InterfaceCount);
    if (snapshot == NULL)
        return PortNoMemory;
    for (uint32_t i = 0; i < snapshot->InterfaceCount && ipMtu != snapshot->IpMtu; i++) {
        VirtualInterface *member = snapshot->Interfaces[i];
        if (member != NULL && (!member->HasOwnMtu || member->IpMtu > ipMtu))
            InterfaceSetMtu(member, ipMtu);
    }
    snapshot->Mac = mac;
    snapshot->IpMtu = ipMtu;
    snapshot->IsUp = isUp;
    Publish(port, snapshot);
    return PortOk;
}

void PortMasterDown(Port *port)
{
    Store32(&port->Snapshot->IsUp, 0);
    Store32(&port->Snapshot->PlainEnd, 0);
}

void InterfaceSetUp(VirtualInterface *changed, bool isUp)
{
    changed->IsUp = isUp;
    for (uint32_t i = 0; i < changed->Port->Processors; i++)
        Store32(&changed->Shares[i].IsUp, isUp);
}

void InterfaceSetMtu(VirtualInterface *changed, uint32_t ipMtu)
{
    changed->IpMtu = ipMtu;
    for (uint32_t i = 0; i < changed->Port->Processors; i++)
        Store32(&changed->Shares[i].IpMtu, ipMtu);
}

PortResult PortSetMtu(Port *port, VirtualInterface *changed, uint32_t ipMtu)
{
    if (ipMtu < LeastMtu || ipMtu > port->Snapshot->IpMtu)
        return PortInvalid;
    InterfaceSetMtu(changed, ipMtu);
    changed->HasOwnMtu = true;
    return PortOk;
}

static Table *MapOf(Port *port, uint8_t family) { return family == FamilyFour ? &port->Four : &port->Six; }

PortResult PortAddAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length)
{
    Table *map = MapOf(port, address.Family);
    MapKey key = PortMapKey(address);
    uint64_t owner = TableLookUp(map, key.High, key.Low);
    if (owner >= TableLeastValue) {
        if (owner >> 8 != (uint64_t)changed->Id + 1)
            return PortAddressInUse;
        return address.Family == FamilySix || (owner & 0xff) == length ? PortExists : PortAddressInUse;
    }
    if (port->Four.Count + port->Six.Count >= IPVLAN_MAX_ADDRESSES)
        return PortLimitReached;
    bool isAdded = TableAdd(map, key.High, key.Low, ((uint64_t)changed->Id + 1) << 8 | length) == TableOk;
    EpochCollect(port->Epoch);
    return isAdded ? PortOk : PortNoMemory;
}

PortResult PortRemoveAddress(Port *port, VirtualInterface *changed, L3Address address, uint32_t length)
{
    Table *map = MapOf(port, address.Family);
    MapKey key = PortMapKey(address);
    if (TableLookUp(map, key.High, key.Low) != (((uint64_t)changed->Id + 1) << 8 | length))
        return PortAddressAbsent;
    TableRemove(map, key.High, key.Low);
    return PortOk;
}

InterfaceCounters InterfaceReadCounters(const VirtualInterface *member)
{
    InterfaceCounters sum = {0};
    for (uint32_t i = 0; i < member->Port->Processors; i++) {
        const InterfaceCounters *one = &member->Shares[i].Counters;
        sum.RxPackets += Load64(&one->RxPackets);
        sum.RxBytes += Load64(&one->RxBytes);
        sum.TxPackets += Load64(&one->TxPackets);
        sum.TxBytes += Load64(&one->TxBytes);
        sum.Multicast += Load64(&one->Multicast);
        sum.RxErrors += Load64(&one->RxErrors);
        sum.TxDropped += Load64(&one->TxDropped);
    }
    return sum;
}
