#include "fake.h"

#include <pthread.h>

// Adapters, the data path and the states of a filter module. Each rule names its page of the Windows driver documentation.

NTSTATUS KMAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards the list of adapters and their states
static FakeAdapter *adapters;
static DRIVER_OBJECT driverObject;
static NDIS_FILTER_DRIVER_CHARACTERISTICS characteristics;
static bool isRegistered;

NDIS_FILTER_DRIVER_CHARACTERISTICS *FakeCharacteristics(void) { return &characteristics; }

static void Add(int64_t *count, int64_t change) { (void)__atomic_fetch_add(count, change, __ATOMIC_ACQ_REL); }

static FakeState StateOf(FakeAdapter *adapter) { return __atomic_load_n(&adapter->State, __ATOMIC_ACQUIRE); }

static void CheckFlags(const char *call, ULONG flags)
{
    FAKE_RULE((flags & 1) == 0 || FakeIrql() == DISPATCH_LEVEL, "NdisFSendNetBufferLists: SendFlags: NDIS_SEND_FLAGS_DISPATCH_LEVEL", "%s promises DISPATCH_LEVEL at IRQL %u", call, FakeIrql());
}

static ULONG Dispatch(void) { return FakeIrql() == DISPATCH_LEVEL ? 1 : 0; }

PDRIVER_OBJECT FakeDriver(void) { return &driverObject; }

NTSTATUS FakeLoad(void)
{
    memset(&driverObject, 0, sizeof(driverObject));
    return DriverEntry(&driverObject, NULL);
}

void FakeUnload(void)
{
    FAKE_RULE(driverObject.DriverUnload != NULL, "Initializing a Filter Driver: DriverUnload", "a driver without an unload routine");
    driverObject.DriverUnload(&driverObject);
    driverObject.DriverUnload = NULL;
    FAKE_RULE(!isRegistered && !FakeHasDevice(), "Unloading a Filter Driver: deregisters what it registered", "registrations left at unload");
}

NDIS_STATUS KMAPI NdisFRegisterFilterDriver(PDRIVER_OBJECT driver, NDIS_HANDLE context, NDIS_FILTER_DRIVER_CHARACTERISTICS *given,
                                            NDIS_HANDLE *handle)
{
    (void)context;
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(given->Header.Type == NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS && given->Header.Revision == 2 && given->Header.Size == 224, "NDIS_FILTER_DRIVER_CHARACTERISTICS: Header", "header");
    FAKE_RULE(given->MajorNdisVersion == 6 && given->MinorNdisVersion == 30, "NDIS_FILTER_DRIVER_CHARACTERISTICS: MajorNdisVersion, MinorNdisVersion", "version");
    FAKE_RULE(given->FriendlyName.Length > 0 && given->UniqueName.Length == 38 * 2 && given->ServiceName.Length > 0, "NDIS_FILTER_DRIVER_CHARACTERISTICS: FriendlyName, UniqueName, ServiceName", "names");
    FAKE_RULE(given->AttachHandler && given->DetachHandler && given->RestartHandler && given->PauseHandler, "NdisFRegisterFilterDriver: Remarks: mandatory handlers", "mandatory handlers");
    FAKE_RULE(!given->SendNetBufferListsHandler == !given->SendNetBufferListsCompleteHandler, "NDIS_FILTER_DRIVER_CHARACTERISTICS: SendNetBufferListsCompleteHandler", "send and complete");
    FAKE_RULE(!given->ReceiveNetBufferListsHandler == !given->ReturnNetBufferListsHandler, "NDIS_FILTER_DRIVER_CHARACTERISTICS: ReturnNetBufferListsHandler", "receive and return");
    FAKE_RULE(!given->OidRequestHandler == !given->OidRequestCompleteHandler, "NDIS_FILTER_DRIVER_CHARACTERISTICS: OidRequestCompleteHandler", "requests");
    FAKE_RULE(driver == &driverObject && !isRegistered, "NdisFRegisterFilterDriver: DriverObject; once", "registered twice");
    if (FakeAllocationFails())
        return NDIS_STATUS_RESOURCES;
    characteristics = *given;
    isRegistered = true;
    *handle = &characteristics;
    FakeAddLive(1);
    return NDIS_STATUS_SUCCESS;
}

VOID KMAPI NdisFDeregisterFilterDriver(NDIS_HANDLE handle)
{
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(handle == &characteristics && isRegistered, "NdisFDeregisterFilterDriver: NdisFilterDriverHandle", "not registered");
    while (adapters != NULL)
        FakeDetach(adapters);
    isRegistered = false;
    FakeAddLive(-1);
}

FakeAdapter *FakeFind(uint64_t luid)
{
    pthread_mutex_lock(&lock);
    FakeAdapter *adapter = adapters;
    while (adapter != NULL && adapter->Luid != luid)
        adapter = adapter->Next;
    pthread_mutex_unlock(&lock);
    return adapter;
}

bool FakeHasOffload = true;

FakeAdapter *FakeAttach(uint64_t luid, const uint8_t *mac, uint32_t ipMtu)
{
    FakeAdapter *adapter = calloc(1, sizeof(FakeAdapter));
    // NDIS_OFFLOAD with everything on.
    static uint8_t offload[156];
    memset(offload, 1, sizeof(offload));
    *(NDIS_OBJECT_HEADER *)(void *)offload = (NDIS_OBJECT_HEADER){0xa7, 3, sizeof(offload)};
    adapter->Luid = luid;
    adapter->IpMtu = ipMtu;
    adapter->IsConnected = true;
    adapter->Speed = 10000000000;
    memcpy(adapter->Mac, mac, 6);
    NDIS_FILTER_ATTACH_PARAMETERS parameters = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, 4, sizeof(parameters)},
        .NetLuid = {luid + 0x1000000},
        .BaseMiniportNetLuid = {luid},
        .MediaConnectState = MediaConnectStateConnected,
        .XmitLinkSpeed = adapter->Speed,
        .RcvLinkSpeed = adapter->Speed,
        .MiniportMediaType = NdisMedium802_3,
        .DefaultOffloadConfiguration = FakeHasOffload ? offload : NULL,
        .MacAddressLength = 6,
    };
    memcpy(parameters.CurrentMacAddress, mac, 6);
    NDIS_STATUS status = characteristics.AttachHandler(adapter, NULL, &parameters);
    if (status != NDIS_STATUS_SUCCESS) {
        FAKE_RULE(!adapter->IsAttached, "FILTER_ATTACH: Return value", "attributes set, then refused");
        free(adapter);
        return NULL;
    }
    FAKE_RULE(adapter->IsAttached, "FILTER_ATTACH: Remarks: calls NdisFSetAttributes", "attached without NdisFSetAttributes");
    pthread_mutex_lock(&lock);
    adapter->Next = adapters;
    adapters = adapter;
    pthread_mutex_unlock(&lock);
    return adapter;
}

NDIS_STATUS KMAPI NdisFSetAttributes(NDIS_HANDLE handle, NDIS_HANDLE context, NDIS_FILTER_ATTRIBUTES *attributes)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(attributes->Header.Type == NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES && attributes->Header.Size == 8, "NDIS_FILTER_ATTRIBUTES: Header", "header");
    FAKE_RULE(!adapter->IsAttached && context != NULL, "NdisFSetAttributes: FilterModuleContext; from FilterAttach", "only in FilterAttach");
    if (FakeAllocationFails())
        return NDIS_STATUS_RESOURCES;
    adapter->Module = context;
    adapter->IsAttached = true;
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS KMAPI NdisSetOptionalHandlers(NDIS_HANDLE handle, PNDIS_DRIVER_OPTIONAL_HANDLERS optional)
{
    NDIS_FILTER_PARTIAL_CHARACTERISTICS *handlers = (void *)optional;
    FakeAdapter *adapter = handle;
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(handlers->Header.Type == NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS && handlers->Header.Size == 48, "NDIS_FILTER_PARTIAL_CHARACTERISTICS: Header", "header");
    FAKE_RULE(StateOf(adapter) == FakePaused, "FILTER_SET_MODULE_OPTIONS: Remarks: in the Paused state", "handlers changed in state %d", StateOf(adapter));
    FAKE_RULE(!handlers->SendNetBufferListsHandler || handlers->SendNetBufferListsCompleteHandler, "NDIS_FILTER_PARTIAL_CHARACTERISTICS: SendNetBufferListsCompleteHandler", "send and complete");
    FAKE_RULE(!handlers->ReceiveNetBufferListsHandler || handlers->ReturnNetBufferListsHandler, "NDIS_FILTER_PARTIAL_CHARACTERISTICS: ReturnNetBufferListsHandler", "receive and return");
    if (FakeAllocationFails())
        return NDIS_STATUS_RESOURCES;
    adapter->Handlers = *handlers;
    return NDIS_STATUS_SUCCESS;
}

void FakeRestart(FakeAdapter *adapter)
{
    struct {
        NDIS_RESTART_ATTRIBUTES Attributes;
        uint8_t Room[96];
    } general = {.Attributes = {.Oid = OID_GEN_MINIPORT_RESTART_ATTRIBUTES, .DataLength = sizeof(NDIS_RESTART_GENERAL_ATTRIBUTES)}};
    // Others may come before it.
    NDIS_RESTART_ATTRIBUTES other = {.Next = &general.Attributes, .Oid = OID_GEN_STATISTICS};
    NDIS_RESTART_GENERAL_ATTRIBUTES *data = (void *)general.Attributes.Data;
    data->MtuSize = adapter->IpMtu;
    NDIS_FILTER_RESTART_PARAMETERS parameters = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof(parameters)},
        .MiniportMediaType = NdisMedium802_3,
        .RestartAttributes = &other,
    };
    FAKE_CHECK(FakeIrql() == PASSIVE_LEVEL && StateOf(adapter) == FakePaused, "restarted in state %d", StateOf(adapter));
    if (characteristics.SetFilterModuleOptionsHandler(adapter->Module) != NDIS_STATUS_SUCCESS)
        return;
    __atomic_store_n(&adapter->State, FakeRestarting, __ATOMIC_RELEASE);
    NDIS_STATUS status = characteristics.RestartHandler(adapter->Module, &parameters);
    FAKE_CHECK(status == NDIS_STATUS_SUCCESS, "FilterRestart %x", (unsigned)status);
    __atomic_store_n(&adapter->State, FakeRunning, __ATOMIC_RELEASE);
}

VOID KMAPI NdisFPauseComplete(NDIS_HANDLE handle)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    pthread_mutex_lock(&lock);
    bool isAwaited = StateOf(adapter) == FakePausing && !adapter->PauseCompleted;
    adapter->PauseCompleted = isAwaited;
    pthread_mutex_unlock(&lock);
    FAKE_RULE(isAwaited, "NdisFPauseComplete: after FilterPause returned NDIS_STATUS_PENDING, once", "a pause completed twice, or none");
}

static bool IsPauseCompleted(FakeAdapter *adapter)
{
    pthread_mutex_lock(&lock);
    bool isCompleted = adapter->PauseCompleted;
    pthread_mutex_unlock(&lock);
    return isCompleted;
}

void FakePause(FakeAdapter *adapter)
{
    NDIS_FILTER_PAUSE_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof(parameters)}};
    FAKE_CHECK(FakeIrql() == PASSIVE_LEVEL && StateOf(adapter) == FakeRunning, "paused in state %d", StateOf(adapter));
    pthread_mutex_lock(&lock);
    adapter->PauseCompleted = false;
    __atomic_store_n(&adapter->State, FakePausing, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
    NDIS_STATUS status = characteristics.PauseHandler(adapter->Module, &parameters);
    FAKE_RULE(status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_PENDING, "FILTER_PAUSE: Return value: cannot fail", "FilterPause %x", (unsigned)status);
    FAKE_RULE(status == NDIS_STATUS_PENDING || !adapter->PauseCompleted, "FILTER_PAUSE: Remarks: NdisFPauseComplete or success, not both", "completed, and not pended");
    while (status == NDIS_STATUS_PENDING && !IsPauseCompleted(adapter))
        FakeDrain();
    __atomic_store_n(&adapter->State, FakePaused, __ATOMIC_RELEASE);
    FAKE_RULE(__atomic_load_n(&adapter->Own, __ATOMIC_ACQUIRE) == 0, "Pausing a Filter Module: waits for what it originated", "%lld lists of the filter are out after the pause", (long long)adapter->Own);
}

void FakeDetach(FakeAdapter *adapter)
{
    if (StateOf(adapter) == FakeRunning)
        FakePause(adapter);
    pthread_mutex_lock(&lock);
    FakeAdapter **link = &adapters;
    while (*link != adapter)
        link = &(*link)->Next;
    *link = adapter->Next;
    pthread_mutex_unlock(&lock);
    FakeDetachLone(adapter);
}

void FakeDetachLone(FakeAdapter *adapter)
{
    FAKE_CHECK(FakeIrql() == PASSIVE_LEVEL, "detached at IRQL %u", FakeIrql());
    characteristics.DetachHandler(adapter->Module);
    FAKE_RULE(adapter->Sent == 0 && adapter->Indicated == 0, "Detaching a Filter Module: every list is back", "%lld sent and %lld received lists kept at detach", (long long)adapter->Sent,
               (long long)adapter->Indicated);
    FAKE_RULE(adapter->Requests == 0, "FILTER_DETACH: Remarks: outstanding OID requests are complete", "%lld requests kept at detach", (long long)adapter->Requests);
    free(adapter);
}

NDIS_STATUS KMAPI NdisFRestartFilter(NDIS_HANDLE handle)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(PASSIVE_LEVEL);
    pthread_mutex_lock(&lock);
    adapter->RestartWanted = true;
    pthread_mutex_unlock(&lock);
    return NDIS_STATUS_SUCCESS;
}

void FakeRestartWanted(void)
{
    for (FakeAdapter *adapter = adapters; adapter != NULL; adapter = adapter->Next) {
        if (!adapter->RestartWanted)
            continue;
        adapter->RestartWanted = false;
        if (StateOf(adapter) == FakeRunning) {
            FakePause(adapter);
            FakeRestart(adapter);
        }
    }
}

static void Above(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    if (adapter->OnReceive != NULL)
        adapter->OnReceive(adapter, lists, flags);
    else if ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) == 0)
        FakeReturn(adapter, lists);
}

static void Below(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    if (adapter->OnSend != NULL)
        adapter->OnSend(adapter, lists, flags);
    else
        FakeComplete(adapter, lists);
}

void FakeSend(FakeAdapter *adapter, PNET_BUFFER_LIST lists)
{
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        FakeListState *state = FakeStateOf(list);
        FAKE_CHECK(state->Holder == HeldByNobody, "a list sent that is with somebody");
        *state = (FakeListState){.Holder = HeldByFilter, .Origin = FromProtocol, .Adapter = adapter, .Hash = FakeHash(list)};
        Add(&adapter->Sent, 1);
    }
    if (adapter->Handlers.SendNetBufferListsHandler != NULL) {
        KIRQL before = FakeIrql();
        adapter->Handlers.SendNetBufferListsHandler(adapter->Module, lists, NDIS_DEFAULT_PORT_NUMBER, Dispatch());
        FAKE_RULE(FakeIrql() == before, "Managing Hardware Priorities: a routine returns at the IRQL at which it was called", "FilterSend returned at IRQL %u", FakeIrql());
        return;
    }
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next)
        FakeStateOf(list)->Holder = HeldBelow;
    Below(adapter, lists, Dispatch());
}

// The filter hands a list on: it must have it, unchanged if it is not its own.
static void Take(const char *call, FakeAdapter *adapter, PNET_BUFFER_LIST list, FakeOrigin originated, FakeHolder to)
{
    FakeListState *state = FakeStateOf(list);
    FAKE_RULE(state->Holder == HeldByFilter, "Sending Data from a Filter Driver; Receiving Data in Filter Drivers: who owns a list", "%s of a list that is not with the filter (%d)", call, state->Holder);
    if (state->Origin == FromFilter) {
        FAKE_RULE(list->SourceHandle == adapter, "NdisFSendNetBufferLists: Remarks: SourceHandle of lists that the filter originates", "%s of an own list without this module's SourceHandle", call);
        // Restarting too: the restart is complete when FilterRestart returns, and nothing tells a filter when that is.
        FAKE_RULE(StateOf(adapter) != FakePaused, "Filter Module States and Operations: Paused: originates nothing", "%s originates in state %d", call, StateOf(adapter));
        for (int i = 0; i < MaxNetBufferListInfo; i++)
            FAKE_RULE((uintptr_t)list->NetBufferListInfo[i] != 0xa5a5a5a5, "NET_BUFFER_LIST: NetBufferListInfo: set by who originates it", "%s with an undefined out-of-band word %d", call, i);
        state->Adapter = adapter;
        Add(&adapter->Own, 1);
    } else {
        FAKE_RULE(state->Origin == originated && state->Adapter == adapter, "Filter Driver Send and Receive Operations: a list goes on where it came", "%s of a list of another module or direction", call);
        FAKE_RULE(state->Hash == FakeHash(list), "NDIS Filter Drivers: the data of others is not to be changed in place", "%s of a list that the filter changed", call);
    }
    state->Holder = to;
}

VOID KMAPI NdisFSendNetBufferLists(NDIS_HANDLE handle, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    CheckFlags(__func__, flags);
    FAKE_RULE(lists != NULL && port == NDIS_DEFAULT_PORT_NUMBER, "NdisFSendNetBufferLists: NetBufferList, PortNumber", "nothing, or another port");
    FAKE_RULE(adapter->Handlers.SendNetBufferListsCompleteHandler != NULL, "NdisFSendNetBufferLists: Remarks: needs FilterSendNetBufferListsComplete", "nobody takes the completion");
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next)
        Take(__func__, adapter, list, FromProtocol, HeldBelow);
    Below(adapter, lists, flags);
}

void FakeComplete(FakeAdapter *adapter, PNET_BUFFER_LIST lists)
{
    bool throughFilter = adapter->Handlers.SendNetBufferListsCompleteHandler != NULL;
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        FakeListState *state = FakeStateOf(list);
        FAKE_CHECK(state->Holder == HeldBelow, "completed by a miniport that does not have it");
        state->Holder = throughFilter ? HeldByFilter : HeldByNobody;
        if (state->Origin == FromFilter)
            Add(&adapter->Own, -1);
        else if (!throughFilter)
            Add(&adapter->Sent, -1);
    }
    if (throughFilter)
        adapter->Handlers.SendNetBufferListsCompleteHandler(adapter->Module, lists, Dispatch());
    else if (adapter->OnSendComplete != NULL)
        adapter->OnSendComplete(adapter, lists);
}

VOID KMAPI NdisFSendNetBufferListsComplete(NDIS_HANDLE handle, PNET_BUFFER_LIST lists, ULONG flags)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    CheckFlags(__func__, flags);
    FAKE_RULE(lists != NULL, "NdisFSendNetBufferListsComplete: NetBufferLists", "nothing");
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        FAKE_RULE(FakeStateOf(list)->Origin == FromProtocol, "NdisFSendNetBufferListsComplete: Remarks: not for lists that the filter originated", "an own list completed to the protocol");
        Take(__func__, adapter, list, FromProtocol, HeldByNobody);
        Add(&adapter->Sent, -1);
    }
    if (adapter->OnSendComplete != NULL)
        adapter->OnSendComplete(adapter, lists);
}

VOID KMAPI NdisFCancelSendNetBufferLists(NDIS_HANDLE handle, PVOID cancelId)
{
    (void)handle, (void)cancelId;
    FAKE_IRQL(DISPATCH_LEVEL);
}

void FakeIndicate(FakeAdapter *adapter, PNET_BUFFER_LIST lists, bool isBorrowed)
{
    ULONG flags = Dispatch() | (isBorrowed ? (ULONG)NDIS_RECEIVE_FLAGS_RESOURCES : 0), count = 0;
    PNET_BUFFER_LIST order[64];
    bool throughFilter = adapter->Handlers.ReceiveNetBufferListsHandler != NULL;
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        FakeListState *state = FakeStateOf(list);
        FAKE_CHECK(state->Holder == HeldByNobody, "a list indicated that is with somebody");
        *state = (FakeListState){.Holder = throughFilter ? HeldByFilter : HeldAbove,
                                 .Origin = FromMiniport,
                                 .Adapter = adapter,
                                 .IsBorrowed = isBorrowed,
                                 .Hash = FakeHash(list)};
        Add(&adapter->Indicated, 1);
        FAKE_CHECK(count < 64, "a test's chain is too long");
        order[count++] = list;
    }
    KIRQL before = FakeIrql();
    if (throughFilter)
        adapter->Handlers.ReceiveNetBufferListsHandler(adapter->Module, lists, NDIS_DEFAULT_PORT_NUMBER, count, flags);
    else
        Above(adapter, lists, flags);
    FAKE_RULE(FakeIrql() == before, "Managing Hardware Priorities: a routine returns at the IRQL at which it was called", "FilterReceive returned at IRQL %u", FakeIrql());
    for (ULONG i = 0; isBorrowed && i < count; i++) {
        FAKE_RULE(FakeStateOf(order[i])->Holder == (throughFilter ? HeldByFilter : HeldAbove), "FILTER_RECEIVE_NET_BUFFER_LISTS: ReceiveFlags: NDIS_RECEIVE_FLAGS_RESOURCES: not kept, not returned", "a borrowed list was kept or returned");
        FAKE_RULE(order[i]->Next == (i + 1 < count ? order[i + 1] : NULL), "FILTER_RECEIVE_NET_BUFFER_LISTS: ReceiveFlags: NDIS_RECEIVE_FLAGS_RESOURCES: the chain as it was", "a borrowed chain came back in another order");
        FakeStateOf(order[i])->Holder = HeldByNobody;
        Add(&adapter->Indicated, -1);
    }
}

VOID KMAPI NdisFIndicateReceiveNetBufferLists(NDIS_HANDLE handle, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    FakeAdapter *adapter = handle;
    ULONG found = 0;
    FAKE_IRQL(DISPATCH_LEVEL);
    CheckFlags(__func__, flags);
    FAKE_RULE(port == NDIS_DEFAULT_PORT_NUMBER && (flags & ~3u) == 0, "NdisFIndicateReceiveNetBufferLists: PortNumber, ReceiveFlags", "flags %x", flags);
    FAKE_RULE(adapter->Handlers.ReturnNetBufferListsHandler != NULL, "NdisFIndicateReceiveNetBufferLists: Remarks: needs FilterReturnNetBufferLists", "nobody takes the return");
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        bool isOwn = FakeStateOf(list)->Origin == FromFilter;
        FAKE_RULE(isOwn || FakeStateOf(list)->IsBorrowed == ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) != 0), "NdisFIndicateReceiveNetBufferLists: ReceiveFlags: NDIS_RECEIVE_FLAGS_RESOURCES stays set", "borrowed lists stay borrowed");
        Take(__func__, adapter, list, FromMiniport, HeldAbove);
        found++;
    }
    FAKE_RULE(found == count && found > 0, "NdisFIndicateReceiveNetBufferLists: NumberOfNetBufferLists", "%u lists, told as %u", found, count);
    PNET_BUFFER_LIST first = lists;
    Above(adapter, lists, flags);
    if ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) != 0)
        FakeStateOf(first)->Holder = HeldByFilter;
}

void FakeReturn(FakeAdapter *adapter, PNET_BUFFER_LIST lists)
{
    bool throughFilter = adapter->Handlers.ReturnNetBufferListsHandler != NULL;
    for (PNET_BUFFER_LIST list = lists, next; list != NULL; list = next) {
        next = list->Next;
        FakeListState *state = FakeStateOf(list);
        FAKE_CHECK(state->Holder == HeldAbove && !state->IsBorrowed, "returned by a protocol that does not have it");
        state->Holder = throughFilter ? HeldByFilter : HeldByNobody;
        if (state->Origin == FromFilter)
            Add(&adapter->Own, -1);
        if (!throughFilter) {
            Add(&adapter->Indicated, -1);
            FakeFreeList(list);
        }
    }
    if (throughFilter)
        adapter->Handlers.ReturnNetBufferListsHandler(adapter->Module, lists, Dispatch());
}

VOID KMAPI NdisFReturnNetBufferLists(NDIS_HANDLE handle, PNET_BUFFER_LIST lists, ULONG flags)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    CheckFlags(__func__, flags);
    FAKE_RULE(lists != NULL, "NdisFReturnNetBufferLists: NetBufferLists", "nothing");
    while (lists != NULL) {
        PNET_BUFFER_LIST next = lists->Next;
        FAKE_RULE(FakeStateOf(lists)->Origin == FromMiniport && !FakeStateOf(lists)->IsBorrowed, "NdisFReturnNetBufferLists: Remarks: lists of the miniport, none with NDIS_RECEIVE_FLAGS_RESOURCES", "returned a list that is not the miniport's to take");
        Take(__func__, adapter, lists, FromMiniport, HeldByNobody);
        Add(&adapter->Indicated, -1);
        FakeFreeList(lists);
        lists = next;
    }
}
