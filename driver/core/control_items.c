#include "control.h"

// Bulk changes, item by item, each under the lock by itself: readers and other writers go on in between.

static bool ReadItem(const uint8_t *bytes, uint8_t family, uint32_t length, L3Address *address)
{
    if ((family != FamilyFour && family != FamilySix) || length > AddressBits(family))
        return false;
    *address = ReadAddress(bytes, (KeyFamily)family);
    return true;
}

static PortResult ChangeRoute(Port *port, const IPVLAN_ITEM *item, L3Address address, bool isRemoved)
{
    Route route = {.Metric = item->Metric, .IsUnreachable = (item->Flags & IPVLAN_ITEM_UNREACHABLE) != 0};
    if (item->GatewayFamily != 0 && !ReadItem(item->Gateway, item->GatewayFamily, 0, &route.Gateway))
        return PortInvalid;
    if (isRemoved) {
        RouteResult result = RouteRemove(&port->Router.Routes, address, item->PrefixLength, &route);
        return result == RouteOk ? PortOk : result == RouteAbsent ? PortAddressAbsent : PortNoMemory;
    }
    if (port->Router.Routes.Count >= IPVLAN_MAX_ROUTES)
        return PortLimitReached;
    return RouteAdd(&port->Router.Routes, address, item->PrefixLength, &route) == RouteOk ? PortOk : PortNoMemory;
}

static PortResult ChangeGroup(Port *port, const IPVLAN_ITEM *item, bool isRemoved)
{
    VirtualInterface *member = PortFind(port, item->StandInLuid);
    if (member == NULL)
        return PortNoDevice;
    if (!IsMulticastMac(item->Mac) || item->Family != 0 || item->PrefixLength != 0)
        return PortInvalid;
    return isRemoved ? PortRemoveGroup(port, member, ReadMac(item->Mac)) : PortAddGroup(port, member, ReadMac(item->Mac));
}

static PortResult ChangeItem(Control *control, Port *port, const IPVLAN_ITEM *item)
{
    L3Address address;
    bool isRemoved = (item->Flags & IPVLAN_ITEM_REMOVE) != 0;
    if ((item->Flags & ~(IPVLAN_ITEM_REMOVE | IPVLAN_ITEM_UNREACHABLE)) != 0 || item->Reserved != 0 || item->Reserved2 != 0)
        return PortInvalid;
    if (item->Kind == IPVLAN_ITEM_GROUP)
        return ChangeGroup(port, item, isRemoved);
    if (!ReadItem(item->Address, item->Family, item->PrefixLength, &address))
        return PortInvalid;
    switch (item->Kind) {
    case IPVLAN_ITEM_ADDRESS: {
        VirtualInterface *member = PortFind(port, item->StandInLuid);
        if (member == NULL)
            return PortNoDevice;
        return isRemoved ? PortRemoveAddress(port, member, address, item->PrefixLength)
                         : PortAddAddress(port, member, address, item->PrefixLength);
    }
    case IPVLAN_ITEM_MASTER_ADDRESS:
        return isRemoved ? RouterRemoveHostAddress(&port->Router, address, item->PrefixLength)
                         : RouterAddHostAddress(&port->Router, address, item->PrefixLength);
    case IPVLAN_ITEM_ROUTE:
        return ChangeRoute(port, item, address, isRemoved);
    case IPVLAN_ITEM_NEIGHBOR: {
        if (isRemoved)
            return RouterRemoveNeighbor(&port->Router, address);
        if (IsMulticastMac(item->Mac))
            return PortInvalid;
        uint64_t now = control->Hooks->Now(control);
        uint64_t until = item->HoldsFor == 0 || item->HoldsFor > UINT64_MAX - now ? UINT64_MAX : now + item->HoldsFor;
        return RouterSetNeighbor(&port->Router, address, ReadMac(item->Mac), until);
    }
    default:
        return PortInvalid;
    }
}

static ControlStatus ReadChanges(const void *buffer, uint32_t inputLength, IPVLAN_CHANGES *request)
{
    if (inputLength < sizeof(*request))
        return ControlInvalid;
    memcpy(request, buffer, sizeof(*request));
    return request->Header.Size == sizeof(*request) && request->Count <= IPVLAN_MAX_CHANGES ? ControlOk : ControlInvalid;
}

static void FindNeighbor(Control *control, uint64_t masterLuid, const IPVLAN_ITEM *item)
{
    if (item->Kind != IPVLAN_ITEM_NEIGHBOR || (item->Flags & IPVLAN_ITEM_REMOVE) != 0 || item->Result != IPVLAN_RESULT_OK)
        return;
    L3Address address = ReadAddress(item->Address, (KeyFamily)item->Family);
    control->Hooks->NeighborFound(control, masterLuid, address, ReadMac(item->Mac));
}

ControlStatus ControlChange(Control *control, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    IPVLAN_CHANGES request;
    ControlStatus status = ReadChanges(buffer, inputLength, &request);
    if (status != ControlOk)
        return status;
    uint32_t length = (uint32_t)(sizeof(request) + request.Count * sizeof(IPVLAN_ITEM));
    if (inputLength != length)
        return ControlInvalid;
    if (outputLength < length)
        return ControlTooSmall;
    bool hasGroups = false;
    uint8_t *at = (uint8_t *)buffer + sizeof(request);
    for (uint32_t i = 0; i < request.Count; i++, at += sizeof(IPVLAN_ITEM)) {
        IPVLAN_ITEM item;
        memcpy(&item, at, sizeof(item));
        CoreLock();
        // Looked up anew: the port may go in between.
        Port *port = ControlFindPort(control, request.MasterLuid);
        item.Result = port == NULL ? PortNoDevice : ChangeItem(control, port, &item);
        EpochCollect(&control->Epoch);
        CoreUnlock();
        memcpy(at, &item, sizeof(item));
        FindNeighbor(control, request.MasterLuid, &item);
        hasGroups = hasGroups || (item.Kind == IPVLAN_ITEM_GROUP && item.Result == IPVLAN_RESULT_OK);
    }
    if (hasGroups)
        control->Hooks->ReceptionChanged(control, request.MasterLuid);
    *written = length;
    return ControlOk;
}

static uint32_t WriteSegment(const Port *port, bool isSix, const TableSegment *segment, uint32_t count, uint8_t *at)
{
    uint32_t done = 0;
    uint8_t family = isSix ? FamilySix : FamilyFour;
    for (uint32_t i = 0; i < count; i++) {
        TableSlot slot = TableSlotAt(isSix ? &port->Six : &port->Four, segment, i);
        uint64_t id = (slot.Value >> 8) - 1;
        if (slot.Value < TableLeastValue || id >= port->Snapshot->InterfaceCount || port->Snapshot->Interfaces[id] == NULL)
            continue;
        IPVLAN_ITEM item = {
            .Kind = IPVLAN_ITEM_ADDRESS,
            .Family = family,
            .PrefixLength = (uint8_t)slot.Value,
            .StandInLuid = port->Snapshot->Interfaces[id]->Luid,
        };
        MapKey address = PortMapKey((L3Address){slot.High, slot.Low, family});
        WriteAddress(item.Address, (L3Address){address.High, address.Low, family});
        memcpy(at + done * sizeof(item), &item, sizeof(item));
        done++;
    }
    return done;
}

// One segment of the map a call, so that the lock is never held for long; the answer must have room for a full one.
ControlStatus ControlQueryAddresses(Control *control, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    IPVLAN_CHANGES request;
    ControlStatus status = ReadChanges(buffer, inputLength, &request);
    if (status != ControlOk)
        return status;
    if (inputLength != sizeof(request))
        return ControlInvalid;
    uint8_t *items = (uint8_t *)buffer + sizeof(request);
    const TableSegment *segment;
    uint32_t count, cursor = request.Cursor >> 1;
    bool isSix = (request.Cursor & 1) != 0;
    request.Count = 0;
    CoreLock();
    const Port *port = ControlFindPort(control, request.MasterLuid);
    if (port == NULL) {
        status = ControlAbsent;
        goto unlock;
    }
    if (TableNextSegment(isSix ? &port->Six : &port->Four, &cursor, &segment, &count)) {
        if (outputLength < sizeof(request) + (uint64_t)segment->Live * sizeof(IPVLAN_ITEM)) {
            status = ControlTooSmall;
            goto unlock;
        }
        request.Count = WriteSegment(port, isSix, segment, count, items);
        request.Cursor = cursor << 1 | (uint32_t)isSix;
    } else {
        request.Cursor = isSix ? UINT32_MAX : 1;
    }
unlock:
    CoreUnlock();
    if (status != ControlOk)
        return status;
    if (outputLength < sizeof(request))
        return ControlTooSmall;
    memcpy(buffer, &request, sizeof(request));
    *written = (uint32_t)(sizeof(request) + request.Count * sizeof(IPVLAN_ITEM));
    return ControlOk;
}
