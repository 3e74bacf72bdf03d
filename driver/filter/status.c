#include "filter.h"

// Status indications and PnP: the link of a stand-in is its master's, and its offloads are none.

static void Indicate(Module *module, NDIS_STATUS code, PVOID buffer, uint32_t length)
{
    NDIS_STATUS_INDICATION indication = {
        .Header = {NDIS_OBJECT_TYPE_STATUS_INDICATION, NDIS_STATUS_INDICATION_REVISION_1, NDIS_SIZEOF_STATUS_INDICATION_REVISION_1},
        .SourceHandle = module->Handle,
        .StatusCode = code,
        .StatusBuffer = buffer,
        .StatusBufferSize = length,
    };
    NdisFIndicateStatus(module->Handle, &indication);
}

void StatusTellLink(Module *standIn, bool isConnected, uint64_t speed)
{
    NDIS_LINK_STATE state = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_LINK_STATE_REVISION_1, NDIS_SIZEOF_LINK_STATE_REVISION_1},
        .MediaConnectState = isConnected ? MediaConnectStateConnected : MediaConnectStateDisconnected,
        .MediaDuplexState = 2, // full
        .XmitLinkSpeed = speed,
        .RcvLinkSpeed = speed,
    };
    Indicate(standIn, NDIS_STATUS_LINK_STATE, &state, sizeof(state));
}

void StatusStripOffload(Module *standIn)
{
    uint32_t size = standIn->OffloadHeader.Size;
    uint8_t *offload = size < sizeof(NDIS_OBJECT_HEADER) ? NULL : CoreAllocate(size);
    // Without it the stack may ask for offloads: they are done in software then.
    if (offload == NULL)
        return;
    memcpy(offload, &standIn->OffloadHeader, sizeof(NDIS_OBJECT_HEADER));
    Indicate(standIn, NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, size);
    CoreFree(offload);
}

// The stand-in of that number, kept from going by its gate; NULL where there is none.
static Module *EnterStandIn(uint64_t masterLuid, uint32_t *number, bool *isConnected, uint64_t *speed)
{
    Module *found = NULL;
    CoreLock();
    Port *port = ControlFindPort(&TheDriver.Control, masterLuid);
    Module *master = ModuleFind(masterLuid);
    *isConnected = master != NULL && master->IsConnected != 0;
    *speed = master == NULL ? 0 : master->LinkSpeed;
    while (port != NULL && found == NULL && *number < port->Snapshot->InterfaceCount) {
        VirtualInterface *member = port->Snapshot->Interfaces[(*number)++];
        if (member != NULL && member->Module != NULL && ModuleEnter(member->Module))
            found = member->Module;
    }
    CoreUnlock();
    return found;
}

void StatusTellStandIns(uint64_t masterLuid)
{
    uint32_t number = 0;
    bool isConnected;
    uint64_t speed;
    Module *standIn;
    while ((standIn = EnterStandIn(masterLuid, &number, &isConnected, &speed)) != NULL) {
        StatusTellLink(standIn, isConnected, speed);
        ModuleLeave(standIn);
    }
}

// The adapter's own link: a master's port goes up and down with it. True: its stand-ins are to be told.
static bool NoteLink(Module *module, bool isConnected, uint64_t speed)
{
    CoreLock();
    module->IsConnected = isConnected;
    module->LinkSpeed = speed;
    ModuleTellPort(module);
    bool isMaster = module->Port != NULL;
    CoreUnlock();
    return isMaster;
}

static bool IsStandIn(Module *module)
{
    CoreLock();
    bool isStandIn = module->Interface != NULL;
    CoreUnlock();
    return isStandIn;
}

static void StripIndication(Module *module, PNDIS_STATUS_INDICATION status)
{
    if (status->StatusBufferSize < sizeof(NDIS_OBJECT_HEADER))
        return;
    memcpy(&module->OffloadHeader, status->StatusBuffer, sizeof(NDIS_OBJECT_HEADER));
    if (module->OffloadHeader.Size <= status->StatusBufferSize)
        StatusStripOffload(module);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterStatus(NDIS_HANDLE context, PNDIS_STATUS_INDICATION status)
{
    Module *module = context;
    bool tellsStandIns = false;
    if (status->StatusCode == NDIS_STATUS_LINK_STATE && status->StatusBufferSize >= sizeof(NDIS_LINK_STATE)) {
        const NDIS_LINK_STATE *state = status->StatusBuffer;
        if (IsStandIn(module))
            return;
        tellsStandIns = NoteLink(module, state->MediaConnectState != MediaConnectStateDisconnected, state->XmitLinkSpeed);
    } else if (status->StatusCode == NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG && IsStandIn(module)) {
        StripIndication(module, status);
        return;
    }
    NdisFIndicateStatus(module->Handle, status);
    if (tellsStandIns)
        StatusTellStandIns(module->Luid);
}

_IRQL_requires_(PASSIVE_LEVEL) VOID KMAPI FilterDevicePnPEventNotify(NDIS_HANDLE context, PNET_DEVICE_PNP_EVENT event)
{
    Module *module = context;
    if (event->DevicePnPEvent == NdisDevicePnPEventSurpriseRemoved) {
        CoreLock();
        Store32(&module->Away, module->Away | AwayRemoved);
        CoreUnlock();
        if (NoteLink(module, false, 0))
            StatusTellStandIns(module->Luid);
    }
    NdisFDevicePnPEventNotify(module->Handle, event);
}

_IRQL_requires_(PASSIVE_LEVEL) NDIS_STATUS KMAPI FilterNetPnPEvent(NDIS_HANDLE context, PNET_PNP_EVENT_NOTIFICATION event)
{
    Module *module = context;
    if (event->NetPnPEvent.NetEvent == NetEventSetPower && event->NetPnPEvent.BufferLength >= sizeof(uint32_t)) {
        uint32_t state;
        memcpy(&state, event->NetPnPEvent.Buffer, sizeof(state));
        CoreLock();
        Store32(&module->Away, (module->Away & AwayRemoved) | (state > NdisDeviceStateD0 ? AwayAsleep : 0));
        ModuleTellPort(module);
        CoreUnlock();
        // A miniport may have forgotten its filters while it slept.
        if (state <= NdisDeviceStateD0)
            OwnRequestUpdate(module->Luid);
    }
    return NdisFNetPnPEvent(module->Handle, event);
}
