#include "filter.h"

// One module for each adapter. Its role follows from the ports: the one that it is the master of, or the interface that it is the
// stand-in of. A role is taken up in FilterRestart; losing it takes hold at once.

static bool GateEnter(Gate *gate)
{
    uint64_t state = Load64(&gate->State);
    while ((state & 1) == 0) {
        if (CompareExchange64(&gate->State, &state, state + 2))
            return true;
    }
    return false;
}

bool ModuleEnter(Module *module) { return GateEnter(&module->Gate); }

void ModuleLeave(Module *module)
{
    NDIS_HANDLE handle = module->Handle;
    // What comes after belongs to nobody: the module may be gone.
    if (FetchAdd64(&module->Gate.State, (uint64_t)-2) == 3)
        NdisFPauseComplete(handle);
}

Module *ModuleFind(uint64_t luid)
{
    Module *module = TheDriver.Modules;
    while (module != NULL && module->Luid != luid)
        module = module->Next;
    return module;
}

void ModuleNoteUse(Module *module)
{
    if (module->Callers == 0 && !module->Own.IsInFlight)
        (void)KeSetEvent(&module->Unused, IO_NO_INCREMENT, FALSE);
    else
        KeClearEvent(&module->Unused);
}

uint64_t ModuleTellPort(Module *module)
{
    Port *port = module->Port;
    if (port == NULL)
        return 0;
    bool isUp = module->IsConnected != 0 && module->Away == 0 && (Load64(&module->Gate.State) & 1) == 0;
    const PortSnapshot *known = port->Snapshot;
    bool isNew = known->Mac != module->Mac || known->IpMtu != module->IpMtu || (known->IsUp != 0) != isUp;
    // Without memory the port goes on with what it knew, but never with a master that is not there.
    if (PortSetMaster(port, module->Mac, module->IpMtu, isUp) == PortNoMemory && !isUp)
        PortMasterDown(port);
    return isNew ? port->Luid : 0;
}

// Under the core's lock.
static void TakeRole(Module *module)
{
    Port *port = ControlFindPort(&TheDriver.Control, module->Luid);
    VirtualInterface *member = port != NULL ? NULL : ControlFindInterface(&TheDriver.Control, module->Luid);
    STORE(module->Port, port);
    STORE(module->Interface, member);
    if (port != NULL)
        STORE(port->Module, module);
    if (member != NULL) {
        STORE(member->Module, module);
        // What its stack asked for before it had a role. Without memory it hears all multicast.
        if (ApplyReception(module) != PortOk)
            Store32(&member->IsAllMulticast, true);
    }
}

// Under the core's lock. As ModuleTellPort.
static uint64_t LeaveRole(Module *module)
{
    uint64_t changed = ModuleTellPort(module);
    if (module->Port != NULL)
        STORE(module->Port->Module, NULL);
    if (module->Interface != NULL)
        STORE(module->Interface->Module, NULL);
    STORE(module->Port, NULL);
    STORE(module->Interface, NULL);
    return changed;
}

static void PortLeaving(Control *control, Port *port)
{
    UNREFERENCED_PARAMETER(control);
    if (port->Module != NULL)
        STORE(((Module *)port->Module)->Port, NULL);
    STORE(port->Module, NULL);
    PendingDropPort(port->Luid);
}

static void InterfaceLeaving(Control *control, VirtualInterface *member)
{
    UNREFERENCED_PARAMETER(control);
    if (member->Module != NULL)
        STORE(((Module *)member->Module)->Interface, NULL);
}

// IRQL = PASSIVE_LEVEL. Data handlers come and go with the role, by a restart.
static void RoleChanged(Control *control, uint64_t luid)
{
    UNREFERENCED_PARAMETER(control);
    CoreLock();
    Module *module = ModuleFind(luid);
    if (module != NULL) {
        module->Callers++;
        ModuleNoteUse(module);
    }
    CoreUnlock();
    if (module == NULL)
        return;
    // NDIS restarts at its own time. Where it cannot, the adapter is going or restarting anyway, and looks its role up then.
    (void)NdisFRestartFilter(module->Handle);
    CoreLock();
    module->Callers--;
    ModuleNoteUse(module);
    CoreUnlock();
}

static void NeighborFound(Control *control, uint64_t masterLuid, L3Address address, Mac mac)
{
    UNREFERENCED_PARAMETER(control);
    PendingFlush(masterLuid, address, mac);
}

static uint64_t HookNow(Control *control)
{
    UNREFERENCED_PARAMETER(control);
    return Now();
}

static void ReceptionChanged(Control *control, uint64_t masterLuid)
{
    UNREFERENCED_PARAMETER(control);
    OwnRequestUpdate(masterLuid);
}

const ControlHooks ModuleHooks = {PortLeaving, InterfaceLeaving, RoleChanged, ReceptionChanged, NeighborFound, HookNow};

static void PostEvent(uint32_t kind, uint64_t luid)
{
    IPVLAN_EVENT event = {.Kind = kind, .Luid = luid};
    EventPost(&event);
}

void ModuleTellChange(uint64_t masterLuid)
{
    IPVLAN_EVENT event = {.Kind = IPVLAN_EVENT_MASTER_CHANGED, .MasterLuid = masterLuid};
    if (masterLuid != 0)
        EventPost(&event);
}

_IRQL_requires_(PASSIVE_LEVEL) NDIS_STATUS KMAPI FilterAttach(NDIS_HANDLE filter, NDIS_HANDLE driverContext,
                                                              PNDIS_FILTER_ATTACH_PARAMETERS parameters)
{
    UNREFERENCED_PARAMETER(driverContext);
    if (parameters->MiniportMediaType != NdisMedium802_3 || parameters->MacAddressLength != MacLength)
        return NDIS_STATUS_NOT_SUPPORTED;
    Module *module = CoreAllocate(sizeof(Module));
    if (module == NULL)
        return NDIS_STATUS_RESOURCES;
    module->Handle = filter;
    module->Luid = parameters->BaseMiniportNetLuid.Value;
    module->Mac = ReadMac(parameters->CurrentMacAddress);
    module->IpMtu = 1500;
    module->IsConnected = parameters->MediaConnectState != MediaConnectStateDisconnected;
    module->LinkSpeed = parameters->XmitLinkSpeed;
    module->Gate.State = 1;
    if (parameters->DefaultOffloadConfiguration != NULL)
        memcpy(&module->OffloadHeader, parameters->DefaultOffloadConfiguration, sizeof(module->OffloadHeader));
    KeInitializeEvent(&module->Unused, NotificationEvent, TRUE);
    NDIS_FILTER_ATTRIBUTES attributes = {
        .Header = {NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, NDIS_FILTER_ATTRIBUTES_REVISION_1, NDIS_SIZEOF_FILTER_ATTRIBUTES_REVISION_1},
    };
    NDIS_STATUS status = NdisFSetAttributes(filter, module, &attributes);
    if (status != NDIS_STATUS_SUCCESS) {
        CoreFree(module);
        return status;
    }
    CoreLock();
    module->Next = TheDriver.Modules;
    TheDriver.Modules = module;
    CoreUnlock();
    PostEvent(IPVLAN_EVENT_ATTACHED, module->Luid);
    return NDIS_STATUS_SUCCESS;
}

_IRQL_requires_(PASSIVE_LEVEL) VOID KMAPI FilterDetach(NDIS_HANDLE context)
{
    Module *module = context;
    uint64_t luid = module->Luid;
    CoreLock();
    Module **link = &TheDriver.Modules;
    while (*link != module)
        link = &(*link)->Next;
    *link = module->Next;
    uint64_t changed = LeaveRole(module);
    CoreUnlock();
    ModuleTellChange(changed);
    // A request of ours to the miniport below, or a call of NDIS by its handle, may be under way still; none begins any more.
    (void)KeWaitForSingleObject(&module->Unused, Executive, KernelMode, FALSE, NULL);
    CoreLock();
    EpochRetire(&TheDriver.Control.Epoch, &module->Retired, NULL);
    EpochCollect(&TheDriver.Control.Epoch);
    CoreUnlock();
    PostEvent(IPVLAN_EVENT_DETACHED, luid);
}

// Paused. An adapter without a role has no data handlers: NDIS passes us by.
_IRQL_requires_(PASSIVE_LEVEL) NDIS_STATUS KMAPI FilterSetModuleOptions(NDIS_HANDLE context)
{
    Module *module = context;
    CoreLock();
    bool hasRole =
        ControlFindPort(&TheDriver.Control, module->Luid) != NULL || ControlFindInterface(&TheDriver.Control, module->Luid) != NULL;
    CoreUnlock();
    module->HasHandlers = hasRole;
    NDIS_FILTER_PARTIAL_CHARACTERISTICS handlers = {
        .Header = {NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS, NDIS_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1,
                   NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1},
        .SendNetBufferListsHandler = hasRole ? FilterSend : NULL,
        .SendNetBufferListsCompleteHandler = hasRole ? FilterSendComplete : NULL,
        .CancelSendNetBufferListsHandler = hasRole ? FilterCancelSend : NULL,
        .ReceiveNetBufferListsHandler = hasRole ? FilterReceive : NULL,
        .ReturnNetBufferListsHandler = hasRole ? FilterReturn : NULL,
    };
    return NdisSetOptionalHandlers(module->Handle, (PNDIS_DRIVER_OPTIONAL_HANDLERS)(PVOID)&handlers);
}

static void ReadAttributes(Module *module, const NDIS_FILTER_RESTART_PARAMETERS *parameters)
{
    for (PNDIS_RESTART_ATTRIBUTES at = parameters->RestartAttributes; at != NULL; at = at->Next) {
        if (at->Oid != OID_GEN_MINIPORT_RESTART_ATTRIBUTES || at->DataLength < sizeof(NDIS_RESTART_GENERAL_ATTRIBUTES))
            continue;
        PNDIS_RESTART_GENERAL_ATTRIBUTES general = (PNDIS_RESTART_GENERAL_ATTRIBUTES)(PVOID)at->Data;
        if (general->MtuSize >= IPVLAN_MIN_MTU && general->MtuSize <= IPVLAN_MAX_MTU)
            module->IpMtu = general->MtuSize;
    }
}

_IRQL_requires_(PASSIVE_LEVEL) NDIS_STATUS KMAPI FilterRestart(NDIS_HANDLE context, PNDIS_FILTER_RESTART_PARAMETERS parameters)
{
    Module *module = context;
    bool isStandIn, isConnected = true;
    uint64_t speed = 0, masterLuid, standInOf = 0;
    CoreLock();
    ReadAttributes(module, parameters);
    // A role that came after FilterSetModuleOptions waits for the restart that it asked for.
    if (module->HasHandlers)
        TakeRole(module);
    masterLuid = module->Port == NULL ? 0 : module->Luid;
    isStandIn = module->Interface != NULL;
    if (isStandIn) {
        Module *master = LOAD(module->Interface->Port->Module);
        isConnected = master != NULL && master->IsConnected != 0;
        speed = master == NULL ? 0 : master->LinkSpeed;
        standInOf = module->Interface->Port->Luid;
    }
    CoreUnlock();
    if (isStandIn) {
        StatusStripOffload(module);
        StatusTellLink(module, isConnected, speed);
    }
    // Last: from here on other modules deliver to this one. NDIS sees it running when this returns, and asks for no less.
    CoreLock();
    StoreRelease64(&module->Gate.State, 0);
    uint64_t changed = ModuleTellPort(module);
    CoreUnlock();
    ModuleTellChange(changed);
    if (masterLuid != 0)
        StatusTellStandIns(masterLuid);
    // Also where it was a master and is one no more: then the host's own wishes are put back.
    OwnRequestUpdate(isStandIn ? standInOf : module->Luid);
    return NDIS_STATUS_SUCCESS;
}

_IRQL_requires_(PASSIVE_LEVEL) NDIS_STATUS KMAPI FilterPause(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters)
{
    Module *module = context;
    UNREFERENCED_PARAMETER(parameters);
    uint64_t state, changed;
    CoreLock();
    state = FetchAdd64(&module->Gate.State, 1);
    changed = LeaveRole(module);
    CoreUnlock();
    ModuleTellChange(changed);
    // Packets of ours that are with NDIS come back first; the last one completes the pause.
    return state == 0 ? NDIS_STATUS_SUCCESS : NDIS_STATUS_PENDING;
}
