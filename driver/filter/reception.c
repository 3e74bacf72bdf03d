#include "filter.h"

// What a master's miniport is to receive: what the host asked for, and the groups of every stand-in. Told by requests of our own, one at
// a time: first the list, then the packet filter.

static uint32_t AddMac(uint8_t *macs, uint32_t count, Mac mac)
{
    for (uint32_t i = 0; i < Least(count, IPVLAN_MAX_GROUPS); i++) {
        if (ReadMac(macs + (size_t)i * MacLength) == mac)
            return count;
    }
    if (count < IPVLAN_MAX_GROUPS)
        WriteMac(macs + (size_t)count * MacLength, mac);
    return count + 1;
}

uint32_t UnionOf(const Module *module, uint8_t *macs, uint32_t *filter)
{
    uint32_t count = 0;
    bool isAll = false, hasMembers = false;
    for (uint32_t i = 0; i < module->HostMacCount; i++)
        count = AddMac(macs, count, ReadMac(module->HostMacs + (size_t)i * MacLength));
    const PortSnapshot *snapshot = module->Port == NULL ? NULL : module->Port->Snapshot;
    for (uint32_t i = 0; snapshot != NULL && i < snapshot->InterfaceCount; i++) {
        const VirtualInterface *member = snapshot->Interfaces[i];
        if (member == NULL)
            continue;
        hasMembers = true;
        isAll = isAll || member->IsAllMulticast || member->IsPromiscuous;
        for (uint32_t j = 0; member->Groups != NULL && j < member->Groups->Count; j++)
            count = AddMac(macs, count, member->Groups->Groups[j]);
    }
    // Promiscuous is the host's to ask for, never ours.
    *filter = module->HostFilter;
    if (hasMembers)
        *filter |= NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_BROADCAST | NDIS_PACKET_TYPE_MULTICAST;
    if (isAll || count > IPVLAN_MAX_GROUPS || module->Own.IsListFull)
        *filter |= NDIS_PACKET_TYPE_ALL_MULTICAST;
    return count;
}

PortResult ApplyReception(Module *standIn)
{
    VirtualInterface *member = standIn->Interface;
    if (member == NULL)
        return PortOk;
    PortResult result = PortSetGroups(member->Port, member, standIn->HostMacs, standIn->HostMacCount);
    if (result != PortOk)
        return result;
    Store32(&member->IsPromiscuous, (standIn->HostFilter & NDIS_PACKET_TYPE_PROMISCUOUS) != 0);
    Store32(&member->IsAllMulticast, (standIn->HostFilter & NDIS_PACKET_TYPE_ALL_MULTICAST) != 0);
    return PortOk;
}

static void Prepare(OwnRequest *own, NDIS_OID oid, PVOID buffer, uint32_t length)
{
    own->Request = (NDIS_OID_REQUEST){
        .Header = {NDIS_OBJECT_TYPE_OID_REQUEST, NDIS_OID_REQUEST_REVISION_1, NDIS_SIZEOF_OID_REQUEST_REVISION_1},
        .RequestType = NdisRequestSetInformation,
        .RequestId = own,
    };
    own->Request.DATA.SET_INFORMATION.Oid = oid;
    own->Request.DATA.SET_INFORMATION.InformationBuffer = buffer;
    own->Request.DATA.SET_INFORMATION.InformationBufferLength = length;
}

// The module cannot go while a request is in flight: FilterDetach waits for it.
static void Issue(Module *module)
{
    NDIS_STATUS status = NdisFOidRequest(module->Handle, &module->Own.Request);
    if (status != NDIS_STATUS_PENDING)
        (void)OwnRequestComplete(module, &module->Own.Request, status);
}

// Under the core's lock; true: issue it.
static bool Start(Module *module)
{
    OwnRequest *own = &module->Own;
    own->IsWanted = false;
    own->IsListFull = false;
    own->MacCount = UnionOf(module, own->Macs, &own->Filter);
    own->HasUnion = module->Port != NULL;
    own->IsInFlight = true;
    ModuleNoteUse(module);
    own->IsFilterStage = false;
    Prepare(own, OID_802_3_MULTICAST_LIST, own->Macs, Least(own->MacCount, IPVLAN_MAX_GROUPS) * MacLength);
    return true;
}

void OwnRequestUpdate(uint64_t masterLuid)
{
    CoreLock();
    Module *module = ModuleFind(masterLuid);
    bool isNeeded = module != NULL && (module->Port != NULL || module->Own.HasUnion);
    bool isFree = isNeeded && !module->Own.IsInFlight;
    if (isNeeded && !isFree)
        module->Own.IsWanted = true;
    if (isFree)
        (void)Start(module);
    CoreUnlock();
    if (isFree)
        Issue(module);
}

bool OwnRequestComplete(Module *module, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    OwnRequest *own = &module->Own;
    bool goesOn = true;
    if (request != &own->Request)
        return false;
    CoreLock();
    if (!own->IsFilterStage) {
        // A miniport that keeps a shorter list hears all multicast instead.
        if (status != NDIS_STATUS_SUCCESS || own->MacCount > IPVLAN_MAX_GROUPS) {
            own->IsListFull = true;
            own->Filter |= NDIS_PACKET_TYPE_ALL_MULTICAST;
        }
        own->IsFilterStage = true;
        Prepare(own, OID_GEN_CURRENT_PACKET_FILTER, &own->Filter, sizeof(own->Filter));
    } else if (own->IsWanted) {
        goesOn = Start(module);
    } else {
        own->IsInFlight = false;
        goesOn = false;
        ModuleNoteUse(module);
    }
    CoreUnlock();
    if (goesOn)
        Issue(module);
    return true;
}
