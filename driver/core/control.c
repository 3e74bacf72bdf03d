#include "control.h"

bool ControlInitialize(Control *control, const ControlHooks *hooks, uint64_t seed, uint32_t processors)
{
    *control = (Control){.Hooks = hooks, .Seed = seed, .Processors = processors, .NextSerial = 1};
    return EpochInitialize(&control->Epoch, processors);
}

Port *ControlFindPort(const Control *control, uint64_t luid)
{
    for (uint32_t i = 0; i < IPVLAN_MAX_PORTS; i++) {
        Port *port = LOAD(control->Ports[i]);
        if (port != NULL && port->Luid == luid)
            return port;
    }
    return NULL;
}

VirtualInterface *ControlFindInterface(const Control *control, uint64_t luid)
{
    for (uint32_t i = 0; i < IPVLAN_MAX_PORTS; i++) {
        VirtualInterface *member = control->Ports[i] == NULL ? NULL : PortFind(control->Ports[i], luid);
        if (member != NULL)
            return member;
    }
    return NULL;
}

static ControlStatus StatusOf(PortResult result)
{
    switch (result) {
    case PortOk:
        return ControlOk;
    case PortExists:
        return ControlExists;
    case PortLimitReached:
        return ControlLimit;
    case PortNoMemory:
        return ControlNoMemory;
    case PortInvalid:
    case PortNotSupported:
    default:
        return ControlInvalid;
    }
}

static IPVLAN_HEADER HeaderOf(uint32_t size) { return (IPVLAN_HEADER){.Size = size, .Version = IPVLAN_ABI_VERSION}; }

static ControlStatus QueryCapabilities(void *buffer, uint32_t outputLength, uint32_t *written)
{
    if (outputLength < sizeof(IPVLAN_CAPABILITIES))
        return ControlTooSmall;
    IPVLAN_CAPABILITIES answer = {
        .Header = HeaderOf(sizeof(answer)),
        .DriverVersion = 1 << 16,
        .Modes = 1 << ModeL2 | 1 << ModeL3 | 1 << ModeL3S,
        .Flags = 1 << FlagBridge | 1 << FlagPrivate | 1 << FlagVepa,
        .MaxPorts = IPVLAN_MAX_PORTS,
        .MaxInterfaces = IPVLAN_MAX_INTERFACES,
        .MaxAddresses = IPVLAN_MAX_ADDRESSES,
        .MaxRoutes = IPVLAN_MAX_ROUTES,
        .MaxNeighbors = IPVLAN_MAX_NEIGHBORS,
        .MaxMasterAddresses = IPVLAN_MAX_MASTER_ADDRESSES,
        .MaxGroups = IPVLAN_MAX_GROUPS,
        .MaxChanges = IPVLAN_MAX_CHANGES,
        .MaxEvents = IPVLAN_MAX_EVENTS,
    };
    memcpy(buffer, &answer, sizeof(answer));
    *written = sizeof(answer);
    return ControlOk;
}

static PortResult AddPort(Control *control, const IPVLAN_PORT *request)
{
    uint32_t slot = 0;
    // An adapter has one role.
    if (ControlFindPort(control, request->MasterLuid) != NULL || ControlFindInterface(control, request->MasterLuid) != NULL)
        return PortExists;
    while (slot < IPVLAN_MAX_PORTS && control->Ports[slot] != NULL)
        slot++;
    if (slot == IPVLAN_MAX_PORTS)
        return PortLimitReached;
    Port *port = PortCreate(&control->Epoch, request->MasterLuid, control->Seed, control->Processors);
    if (port == NULL)
        return PortNoMemory;
    port->Serial = control->NextSerial++;
    port->NextSerial = control->NextSerial;
    PortResult result = PortSet(port, request->Fields, request->Mode, request->Flag, request->Options);
    if (result != PortOk) {
        PortRetire(port);
        EpochCollect(&control->Epoch);
        return result;
    }
    STORE(control->Ports[slot], port);
    return PortOk;
}

// Called with the lock held.
static void RemoveInterface(Control *control, Port *port, VirtualInterface *member)
{
    uint32_t cursor = 0;
    control->Hooks->InterfaceLeaving(control, member);
    PortDetachInterface(member);
    while (PortSweepAddresses(port, member, &cursor)) {
    }
    PortForgetInterface(port, member);
}

static void RemovePort(Control *control, Port *port)
{
    uint32_t slot = 0;
    for (uint32_t i = 0; i < port->Snapshot->InterfaceCount; i++) {
        VirtualInterface *member = port->Snapshot->Interfaces[i];
        if (member == NULL)
            continue;
        uint64_t luid = member->Luid;
        RemoveInterface(control, port, member);
        CoreUnlock();
        control->Hooks->RoleChanged(control, luid);
        CoreLock();
        i = UINT32_MAX;
    }
    control->Hooks->PortLeaving(control, port);
    control->NextSerial = port->NextSerial > control->NextSerial ? port->NextSerial : control->NextSerial;
    while (control->Ports[slot] != port)
        slot++;
    STORE(control->Ports[slot], NULL);
    PortRetire(port);
    EpochCollect(&control->Epoch);
}

void ControlDestroy(Control *control)
{
    CoreLock();
    for (uint32_t i = 0; i < IPVLAN_MAX_PORTS; i++) {
        if (control->Ports[i] != NULL)
            RemovePort(control, control->Ports[i]);
    }
    CoreUnlock();
    EpochDestroy(&control->Epoch);
}

static ControlStatus QueryPort(const Port *port, void *buffer, uint32_t outputLength, uint32_t *written)
{
    if (outputLength < sizeof(IPVLAN_PORT_STATUS))
        return ControlTooSmall;
    const PortSnapshot *snapshot = port->Snapshot;
    IPVLAN_PORT_STATUS answer = {
        .Header = HeaderOf(sizeof(answer)),
        .MasterLuid = port->Luid,
        .Mode = (uint32_t)snapshot->Mode,
        .Flag = (uint32_t)snapshot->Flag,
        .Options = snapshot->Options,
        .Mtu = snapshot->IpMtu,
        .IsUp = snapshot->IsUp != 0,
        .IsAttached = port->Module != NULL,
        .InterfaceCount = port->Members,
        .AddressCount = port->Four.Count + port->Six.Count,
        .RouteCount = port->Router.Routes.Count,
        .NeighborCount = port->Router.NeighborsFour.Count + port->Router.NeighborsSix.Count,
    };
    WriteMac(answer.Mac, snapshot->Mac);
    for (uint32_t i = 0; i < DropReasonCount; i++)
        answer.Drops[i] = Load64(&port->Drops[i]);
    memcpy(buffer, &answer, sizeof(answer));
    *written = sizeof(answer);
    return ControlOk;
}

static ControlStatus ExecutePort(Control *control, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength,
                                 uint32_t *written)
{
    IPVLAN_PORT request;
    if (inputLength != sizeof(request))
        return ControlInvalid;
    memcpy(&request, buffer, sizeof(request));
    if (request.Header.Size != sizeof(request) || request.MasterLuid == 0 ||
        (request.Fields & ~(uint32_t)(IPVLAN_SET_MODE | IPVLAN_SET_FLAG | IPVLAN_SET_OPTIONS)) != 0)
        return ControlInvalid;
    CoreLock();
    Port *port = ControlFindPort(control, request.MasterLuid);
    ControlStatus status = port == NULL && code != IOCTL_IPVLAN_ADD_PORT ? ControlAbsent : ControlOk;
    if (status != ControlOk)
        goto unlock;
    switch (code) {
    case IOCTL_IPVLAN_ADD_PORT:
        status = StatusOf(AddPort(control, &request));
        break;
    case IOCTL_IPVLAN_REMOVE_PORT:
        RemovePort(control, port);
        break;
    case IOCTL_IPVLAN_SET_PORT:
        status = StatusOf(PortSet(port, request.Fields, request.Mode, request.Flag, request.Options));
        break;
    default:
        status = QueryPort(port, buffer, outputLength, written);
        break;
    }
unlock:
    CoreUnlock();
    if (status == ControlOk && (code == IOCTL_IPVLAN_ADD_PORT || code == IOCTL_IPVLAN_REMOVE_PORT))
        control->Hooks->RoleChanged(control, request.MasterLuid);
    return status;
}

static ControlStatus QueryInterface(const VirtualInterface *member, void *buffer, uint32_t outputLength, uint32_t *written)
{
    if (outputLength < sizeof(IPVLAN_INTERFACE_STATUS))
        return ControlTooSmall;
    InterfaceCounters counters = InterfaceReadCounters(member);
    IPVLAN_INTERFACE_STATUS answer = {
        .Header = HeaderOf(sizeof(answer)),
        .StandInLuid = member->Luid,
        .Mtu = member->IpMtu,
        .IsUp = member->IsUp != 0,
        .IsAttached = member->Module != NULL,
        .HasOwnMtu = member->HasOwnMtu != 0,
        .IsPromiscuous = member->IsPromiscuous != 0,
        .IsAllMulticast = member->IsAllMulticast != 0,
        .GroupCount = member->Groups == NULL ? 0 : member->Groups->Count,
        .RxPackets = counters.RxPackets,
        .RxBytes = counters.RxBytes,
        .Multicast = counters.Multicast,
        .TxPackets = counters.TxPackets,
        .TxBytes = counters.TxBytes,
        .RxErrors = counters.RxErrors,
        .TxDropped = counters.TxDropped,
    };
    for (uint32_t i = 0; i < DropReasonCount; i++)
        answer.Drops[i] = Load64(&member->Drops[i]);
    memcpy(buffer, &answer, sizeof(answer));
    *written = sizeof(answer);
    return ControlOk;
}

// The answer is too large for the stack: it is made where it is wanted. The request was copied before.
static ControlStatus QueryGroups(const VirtualInterface *member, void *buffer, uint32_t outputLength, uint32_t *written)
{
    const GroupList *groups = member->Groups;
    IPVLAN_GROUPS *answer = buffer;
    if (outputLength < sizeof(IPVLAN_GROUPS))
        return ControlTooSmall;
    memset(answer, 0, sizeof(*answer));
    answer->Header = HeaderOf(sizeof(*answer));
    answer->StandInLuid = member->Luid;
    answer->Count = groups == NULL ? 0 : groups->Count;
    for (uint32_t i = 0; i < answer->Count; i++)
        WriteMac(answer->Macs + (size_t)i * MacLength, groups->Groups[i]);
    *written = sizeof(*answer);
    return ControlOk;
}

static PortResult AddInterface(Control *control, Port *port, const IPVLAN_INTERFACE *request)
{
    const uint32_t *mode = (request->Fields & IPVLAN_SET_MODE) != 0 ? &request->Mode : NULL;
    const uint32_t *flag = (request->Fields & IPVLAN_SET_FLAG) != 0 ? &request->Flag : NULL;
    // Told before a name in use, as by Linux (ipvlan_nl_validate).
    if (!PortKnows(mode, flag))
        return PortInvalid;
    VirtualInterface *added, *other = ControlFindInterface(control, request->StandInLuid);
    if (other != NULL || ControlFindPort(control, request->StandInLuid) != NULL)
        return PortExists;
    return PortAddInterface(port, request->StandInLuid, mode, flag, &added);
}

static PortResult SetInterface(Port *port, VirtualInterface *member, const IPVLAN_INTERFACE *request)
{
    PortResult result = (request->Fields & IPVLAN_SET_MTU) != 0 ? PortSetMtu(port, member, request->Mtu) : PortOk;
    if (result == PortOk && (request->Fields & IPVLAN_SET_UP) != 0)
        InterfaceSetUp(member, request->IsUp != 0);
    return result;
}

static ControlStatus ExecuteInterface(Control *control, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength,
                                      uint32_t *written)
{
    IPVLAN_INTERFACE request;
    if (inputLength != sizeof(request))
        return ControlInvalid;
    memcpy(&request, buffer, sizeof(request));
    uint32_t legal = code == IOCTL_IPVLAN_ADD_INTERFACE   ? IPVLAN_SET_MODE | IPVLAN_SET_FLAG
                     : code == IOCTL_IPVLAN_SET_INTERFACE ? IPVLAN_SET_UP | IPVLAN_SET_MTU
                                                          : 0;
    if (request.Header.Size != sizeof(request) || request.StandInLuid == 0 || (request.Fields & ~legal) != 0 || request.Reserved != 0)
        return ControlInvalid;
    CoreLock();
    ControlStatus status = ControlOk;
    Port *port = ControlFindPort(control, request.MasterLuid);
    VirtualInterface *member = port == NULL ? NULL : PortFind(port, request.StandInLuid);
    if (port == NULL || (member == NULL && code != IOCTL_IPVLAN_ADD_INTERFACE)) {
        status = ControlAbsent;
        goto unlock;
    }
    switch (code) {
    case IOCTL_IPVLAN_ADD_INTERFACE:
        status = StatusOf(AddInterface(control, port, &request));
        break;
    case IOCTL_IPVLAN_REMOVE_INTERFACE:
        RemoveInterface(control, port, member);
        break;
    case IOCTL_IPVLAN_SET_INTERFACE:
        status = StatusOf(SetInterface(port, member, &request));
        break;
    case IOCTL_IPVLAN_QUERY_GROUPS:
        status = QueryGroups(member, buffer, outputLength, written);
        break;
    default:
        status = QueryInterface(member, buffer, outputLength, written);
        break;
    }
unlock:
    CoreUnlock();
    if (status == ControlOk && (code == IOCTL_IPVLAN_ADD_INTERFACE || code == IOCTL_IPVLAN_REMOVE_INTERFACE))
        control->Hooks->RoleChanged(control, request.StandInLuid);
    return status;
}

ControlStatus ControlChange(Control *control, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written);
ControlStatus ControlQueryAddresses(Control *control, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written);

ControlStatus ControlExecute(Control *control, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    IPVLAN_HEADER header;
    *written = 0;
    if (buffer == NULL || inputLength < sizeof(header))
        return ControlInvalid;
    memcpy(&header, buffer, sizeof(header));
    if (header.Version != IPVLAN_ABI_VERSION)
        return ControlVersion;
    if (header.Reserved != 0)
        return ControlInvalid;
    switch (code) {
    case IOCTL_IPVLAN_QUERY_CAPABILITIES:
        if (inputLength != sizeof(header) || header.Size != sizeof(header))
            return ControlInvalid;
        return QueryCapabilities(buffer, outputLength, written);
    case IOCTL_IPVLAN_ADD_PORT:
    case IOCTL_IPVLAN_REMOVE_PORT:
    case IOCTL_IPVLAN_SET_PORT:
    case IOCTL_IPVLAN_QUERY_PORT:
        return ExecutePort(control, code, buffer, inputLength, outputLength, written);
    case IOCTL_IPVLAN_ADD_INTERFACE:
    case IOCTL_IPVLAN_REMOVE_INTERFACE:
    case IOCTL_IPVLAN_SET_INTERFACE:
    case IOCTL_IPVLAN_QUERY_INTERFACE:
    case IOCTL_IPVLAN_QUERY_GROUPS:
        return ExecuteInterface(control, code, buffer, inputLength, outputLength, written);
    case IOCTL_IPVLAN_CHANGE:
        return ControlChange(control, buffer, inputLength, outputLength, written);
    case IOCTL_IPVLAN_QUERY_ADDRESSES:
        return ControlQueryAddresses(control, buffer, inputLength, outputLength, written);
    default:
        return ControlUnknown;
    }
}
