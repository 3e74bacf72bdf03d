#include "breaches.h"

// Bad drivers, an act each: see breaches.h. Some stand in for a handler of the driver's, which the fake then calls.

static uint8_t frame[128];
static World *world; // of the act under way, for handlers

static NDIS_HANDLE NewPool(void)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, 16}, .fAllocateNetBuffer = TRUE, .PoolTag = 1};
    return NdisAllocateNetBufferListPool(NULL, &parameters);
}

static PNET_BUFFER_LIST ListOf(NDIS_HANDLE pool)
{
    static uint8_t bytes[64];
    PMDL mdl = NdisAllocateMdl(pool, bytes, sizeof(bytes));
    return NdisAllocateNetBufferAndNetBufferList(pool, 0, 0, mdl, 0, sizeof(bytes));
}

static PNET_BUFFER_LIST OwnList(void)
{
    static NDIS_HANDLE pool;
    if (pool == NULL)
        pool = NewPool();
    PNET_BUFFER_LIST list = ListOf(pool);
    list->SourceHandle = world->Master;
    memset(list->NetBufferListInfo, 0, sizeof(list->NetBufferListInfo));
    return list;
}

static PNET_BUFFER_LIST TestList(void)
{
    FakeFrame made = {.Bytes = frame, .Length = 60};
    return FakeMakeList(&made);
}

// A list that the filter has, of the miniport's or the protocol's.
static PNET_BUFFER_LIST Passing(FakeOrigin origin, FakeAdapter *adapter, bool isBorrowed)
{
    PNET_BUFFER_LIST list = TestList();
    *FakeStateOf(list) = (FakeListState){.Holder = HeldByFilter, .Origin = origin, .Adapter = adapter, .IsBorrowed = isBorrowed, .Hash = FakeHash(list)};
    return list;
}

#define ACT(name) static void name(void *argument)
#define BEGIN() (world = argument)

// The kernel.
ACT(ExecutablePool) { BEGIN(), (void)ExAllocatePoolWithTag(0, 8, 1); }
ACT(NoTag) { BEGIN(), (void)ExAllocatePoolWithTag(NonPagedPoolNx, 8, 0); }
ACT(OtherTag) { BEGIN(), ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPoolNx, 8, 1), 2); }
static VOID KMAPI LowersIrql(PKDPC dpc, PVOID context, PVOID one, PVOID two)
{
    (void)dpc, (void)context, (void)one, (void)two;
    FakeSetIrql(PASSIVE_LEVEL);
}
ACT(DpcLowersIrql)
{
    static KDPC dpc;
    BEGIN();
    KeInitializeDpc(&dpc, LowersIrql, NULL);
    (void)KeInsertQueueDpc(&dpc, NULL, NULL);
    FakeDrain();
}
ACT(LockTwice)
{
    KSPIN_LOCK lock = 0;
    BEGIN();
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
}
ACT(UnlockTwice)
{
    KSPIN_LOCK lock = 0;
    BEGIN();
    KeReleaseSpinLock(&lock, PASSIVE_LEVEL);
}
ACT(UnlockLow)
{
    KSPIN_LOCK lock = 0;
    BEGIN();
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
    FakeSetIrql(APC_LEVEL);
    KeReleaseSpinLock(&lock, PASSIVE_LEVEL);
}
ACT(UnlockUpwards)
{
    KSPIN_LOCK lock = 0;
    BEGIN();
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
    KeReleaseSpinLock(&lock, 15);
}
ACT(ProcessorAtPassive) { BEGIN(), (void)KeGetCurrentProcessorNumberEx(NULL); }

static VOID KMAPI DoesNothing(PKDPC dpc, PVOID context, PVOID one, PVOID two) { (void)dpc, (void)context, (void)one, (void)two; }
ACT(FreeQueuedDpc)
{
    BEGIN();
    KDPC *dpc = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(KDPC), 1);
    KeInitializeDpc(dpc, DoesNothing, NULL);
    (void)KeInsertQueueDpc(dpc, NULL, NULL);
    ExFreePoolWithTag(dpc, 1);
}

// Lists and their pools.
ACT(PoolHeader)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.fAllocateNetBuffer = TRUE, .PoolTag = 1};
    BEGIN(), (void)NdisAllocateNetBufferListPool(NULL, &parameters);
}
ACT(PoolWithoutBuffers)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, 16}, .PoolTag = 1};
    BEGIN(), (void)NdisAllocateNetBufferListPool(NULL, &parameters);
}
ACT(PoolContext)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, 16}, .fAllocateNetBuffer = TRUE, .ContextSize = 8, .PoolTag = 1};
    BEGIN(), (void)NdisAllocateNetBufferListPool(NULL, &parameters);
}
ACT(PoolTagless)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, 16}, .fAllocateNetBuffer = TRUE};
    BEGIN(), (void)NdisAllocateNetBufferListPool(NULL, &parameters);
}
ACT(FreeNoPool)
{
    uint64_t zero[4] = {0};
    BEGIN(), NdisFreeNetBufferListPool(zero);
}
ACT(FreePoolEarly)
{
    BEGIN();
    NDIS_HANDLE pool = NewPool();
    (void)ListOf(pool);
    NdisFreeNetBufferListPool(pool);
}
ACT(ListOfNoPool)
{
    uint64_t zero[4] = {0};
    BEGIN(), (void)NdisAllocateNetBufferAndNetBufferList(zero, 0, 0, NULL, 0, 0);
}
ACT(BeyondMdl)
{
    BEGIN();
    PMDL mdl = NdisAllocateMdl(world, frame, 8);
    (void)NdisAllocateNetBufferAndNetBufferList(NewPool(), 0, 0, mdl, 1, 8);
}
ACT(FreeOthers) { BEGIN(), NdisFreeNetBufferList(Passing(FromMiniport, world->Master, false)); }
ACT(FreeWhileOut)
{
    BEGIN();
    PNET_BUFFER_LIST list = OwnList();
    world->HoldsSends = true;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
    NdisFreeNetBufferList(list);
}
ACT(EmptyMdl) { BEGIN(), (void)NdisAllocateMdl(world, frame, 0); }
ACT(ExecutableMapping)
{
    MDL mdl = {0};
    BEGIN(), (void)MmMapLockedPagesSpecifyCache(&mdl, KernelMode, MmCached, NULL, FALSE, LowPagePriority);
}

// Registration and attachment.
static const UNICODE_STRING name = {76, 78, NULL}; // as long as a GUID

static NDIS_FILTER_DRIVER_CHARACTERISTICS Registered(void)
{
    NDIS_FILTER_DRIVER_CHARACTERISTICS own = *FakeCharacteristics();
    return own;
}
static void Register(NDIS_FILTER_DRIVER_CHARACTERISTICS *given)
{
    NDIS_HANDLE handle;
    (void)NdisFRegisterFilterDriver(FakeDriver(), NULL, given, &handle);
}
#define REGISTER(act, change)                                       \
    ACT(act)                                                        \
    {                                                               \
        BEGIN();                                                    \
        NDIS_FILTER_DRIVER_CHARACTERISTICS given = Registered();    \
        change;                                                     \
        Register(&given);                                           \
    }
REGISTER(RegisterHeader, given.Header.Size = 200)
REGISTER(RegisterVersion, given.MinorNdisVersion = 50)
REGISTER(RegisterNames, given.UniqueName.Length = 2)
REGISTER(RegisterWithoutPause, given.PauseHandler = NULL)
REGISTER(RegisterSendAlone, given.SendNetBufferListsCompleteHandler = NULL)
REGISTER(RegisterReceiveAlone, given.ReturnNetBufferListsHandler = NULL)
REGISTER(RegisterRequestsAlone, given.OidRequestCompleteHandler = NULL)
REGISTER(RegisterTwice, (void)0)
ACT(DeregisterOther) { BEGIN(), NdisFDeregisterFilterDriver(world); }
ACT(NoUnload)
{
    BEGIN();
    FakeDriver()->DriverUnload = NULL;
    FakeUnload();
}
static VOID KMAPI UnloadsNothing(PDRIVER_OBJECT driver) { (void)driver; }
ACT(UnloadLeaves)
{
    BEGIN();
    FakeDriver()->DriverUnload = UnloadsNothing;
    FakeUnload();
}
static NDIS_STATUS KMAPI AttachesAndRefuses(NDIS_HANDLE filter, NDIS_HANDLE context, PNDIS_FILTER_ATTACH_PARAMETERS parameters)
{
    (void)context, (void)parameters;
    NDIS_FILTER_ATTRIBUTES attributes = {.Header = {NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, 1, 8}};
    (void)NdisFSetAttributes(filter, world, &attributes);
    return NDIS_STATUS_RESOURCES;
}
static NDIS_STATUS KMAPI AttachesWithoutAttributes(NDIS_HANDLE filter, NDIS_HANDLE context, PNDIS_FILTER_ATTACH_PARAMETERS parameters)
{
    (void)filter, (void)context, (void)parameters;
    return NDIS_STATUS_SUCCESS;
}
ACT(AttachThenRefuse)
{
    BEGIN();
    FakeCharacteristics()->AttachHandler = AttachesAndRefuses;
    (void)FakeAttach(99, MasterMac, 1500);
}
ACT(AttachWithoutAttributes)
{
    BEGIN();
    FakeCharacteristics()->AttachHandler = AttachesWithoutAttributes;
    (void)FakeAttach(99, MasterMac, 1500);
}
ACT(AttributesHeader)
{
    NDIS_FILTER_ATTRIBUTES attributes = {.Flags = 0};
    BEGIN(), (void)NdisFSetAttributes(world->Master, world, &attributes);
}
ACT(AttributesLater)
{
    NDIS_FILTER_ATTRIBUTES attributes = {.Header = {NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, 1, 8}};
    BEGIN(), (void)NdisFSetAttributes(world->Master, world, &attributes);
}
static void SetHandlers(FakeState state, USHORT size, bool sends, bool receives)
{
    NDIS_FILTER_PARTIAL_CHARACTERISTICS given = {.Header = {NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS, 1, size}};
    given.SendNetBufferListsHandler = sends ? FakeCharacteristics()->SendNetBufferListsHandler : NULL;
    given.ReceiveNetBufferListsHandler = receives ? FakeCharacteristics()->ReceiveNetBufferListsHandler : NULL;
    world->Master->State = state;
    (void)NdisSetOptionalHandlers(world->Master, (PNDIS_DRIVER_OPTIONAL_HANDLERS)(PVOID)&given);
}
ACT(HandlersHeader) { BEGIN(), SetHandlers(FakePaused, 40, false, false); }
ACT(HandlersWhileRunning) { BEGIN(), SetHandlers(FakeRunning, 48, false, false); }
ACT(HandlersSendAlone) { BEGIN(), SetHandlers(FakePaused, 48, true, false); }
ACT(HandlersReceiveAlone) { BEGIN(), SetHandlers(FakePaused, 48, false, true); }

// States.
ACT(PauseCompletedUnasked) { BEGIN(), NdisFPauseComplete(world->Master); }
static NDIS_STATUS KMAPI PauseFails(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters)
{
    (void)context, (void)parameters;
    return NDIS_STATUS_FAILURE;
}
static NDIS_STATUS KMAPI PauseSaysBoth(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters)
{
    (void)context, (void)parameters;
    NdisFPauseComplete(world->Master);
    return NDIS_STATUS_SUCCESS;
}
static NDIS_STATUS KMAPI PausesAtOnce(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters)
{
    (void)context, (void)parameters;
    return NDIS_STATUS_SUCCESS;
}
static VOID KMAPI DetachesNothing(NDIS_HANDLE context) { (void)context; }
static void PauseBy(FILTER_PAUSE *handler)
{
    FakeCharacteristics()->PauseHandler = handler;
    FakePause(world->Master);
}
ACT(FailedPause) { BEGIN(), PauseBy(PauseFails); }
ACT(PauseTwice) { BEGIN(), PauseBy(PauseSaysBoth); }
ACT(PauseWithOwnOut)
{
    BEGIN();
    world->HoldsSends = true;
    NdisFSendNetBufferLists(world->Master, OwnList(), 0, 0);
    PauseBy(PausesAtOnce);
}
static void Detach(int64_t sent, int64_t requests)
{
    world->Master->State = FakePaused;
    world->Master->Sent = sent;
    world->Master->Indicated = 0;
    world->Master->Requests = requests;
    FakeCharacteristics()->DetachHandler = DetachesNothing;
    // It stays where it is: only what the fake says of it counts.
    FakeAdapter copy = *world->Master, *lone = malloc(sizeof(copy));
    memcpy(lone, &copy, sizeof(copy));
    FakeDetachLone(lone);
}
ACT(ListsAtDetach) { BEGIN(), Detach(1, 0); }
ACT(RequestsAtDetach) { BEGIN(), Detach(0, 1); }

// The data path.
ACT(FalseDispatch) { BEGIN(), NdisFSendNetBufferLists(world->Master, OwnList(), 0, NDIS_SEND_FLAGS_DISPATCH_LEVEL); }
static VOID KMAPI SendsHigh(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags)
{
    (void)context, (void)lists, (void)port, (void)flags;
    (void)FakeRaise();
}
static VOID KMAPI ReceivesHigh(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    (void)context, (void)lists, (void)port, (void)count, (void)flags;
    (void)FakeRaise();
}
static VOID KMAPI ReceivesAndKeeps(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    (void)context, (void)port, (void)count, (void)flags;
    FakeStateOf(lists)->Holder = HeldAbove;
}
static VOID KMAPI ReceivesAndUnlinks(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    (void)context, (void)port, (void)count, (void)flags;
    lists->Next = NULL;
}
ACT(SendReturnsHigh)
{
    BEGIN();
    world->Master->Handlers.SendNetBufferListsHandler = SendsHigh;
    FakeSend(world->Master, TestList());
}
static void ReceiveBy(FILTER_RECEIVE_NET_BUFFER_LISTS *handler, bool isBorrowed)
{
    PNET_BUFFER_LIST list = TestList();
    list->Next = TestList();
    world->Master->Handlers.ReceiveNetBufferListsHandler = handler;
    FakeIndicate(world->Master, list, isBorrowed);
}
ACT(ReceiveReturnsHigh) { BEGIN(), ReceiveBy(ReceivesHigh, false); }
ACT(KeepBorrowed) { BEGIN(), ReceiveBy(ReceivesAndKeeps, true); }
ACT(UnlinkBorrowed) { BEGIN(), ReceiveBy(ReceivesAndUnlinks, true); }
ACT(NoSourceHandle)
{
    BEGIN();
    PNET_BUFFER_LIST list = OwnList();
    list->SourceHandle = NULL;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
ACT(UndefinedInfo)
{
    BEGIN();
    PNET_BUFFER_LIST list = OwnList();
    list->NetBufferListInfo[3] = (PVOID)(uintptr_t)0xa5a5a5a5;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
ACT(OriginatePaused)
{
    BEGIN();
    world->Master->State = FakePaused;
    NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 1, 0);
}
ACT(SendTwice)
{
    BEGIN();
    PNET_BUFFER_LIST list = OwnList();
    world->HoldsSends = true;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
ACT(ChangeInPassing)
{
    BEGIN();
    PNET_BUFFER_LIST list = Passing(FromMiniport, world->Master, false);
    FakeStateOf(list)->Hash++;
    NdisFIndicateReceiveNetBufferLists(world->Master, list, 0, 1, 0);
}
ACT(OtherModulesList) { BEGIN(), NdisFSendNetBufferLists(world->Master, Passing(FromProtocol, world->StandIns[0], false), 0, 0); }
ACT(SendNothing) { BEGIN(), NdisFSendNetBufferLists(world->Master, NULL, 0, 0); }
ACT(SendWithoutCompletion)
{
    BEGIN();
    world->Master->Handlers.SendNetBufferListsCompleteHandler = NULL;
    NdisFSendNetBufferLists(world->Master, OwnList(), 0, 0);
}
ACT(CompleteNothing) { BEGIN(), NdisFSendNetBufferListsComplete(world->Master, NULL, 0); }
ACT(CompleteOwn) { BEGIN(), NdisFSendNetBufferListsComplete(world->Master, OwnList(), 0); }
ACT(IndicateFlags) { BEGIN(), NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 1, 4); }
ACT(IndicateWithoutReturn)
{
    BEGIN();
    world->Master->Handlers.ReturnNetBufferListsHandler = NULL;
    NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 1, 0);
}
ACT(LendNoMore) { BEGIN(), NdisFIndicateReceiveNetBufferLists(world->Master, Passing(FromMiniport, world->Master, true), 0, 1, 0); }
ACT(WrongCount) { BEGIN(), NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 2, 0); }
ACT(ReturnNothing) { BEGIN(), NdisFReturnNetBufferLists(world->Master, NULL, 0); }
ACT(ReturnOwn) { BEGIN(), NdisFReturnNetBufferLists(world->Master, OwnList(), 0); }

// Requests and indications.
static NDIS_OID_REQUEST NewRequest(void)
{
    NDIS_OID_REQUEST request = {.Header = {NDIS_OBJECT_TYPE_OID_REQUEST, 1, NDIS_SIZEOF_OID_REQUEST_REVISION_1}};
    return request;
}
ACT(RequestHeader)
{
    NDIS_OID_REQUEST request = {.RequestType = NdisRequestSetInformation};
    BEGIN(), (void)NdisFOidRequest(world->Master, &request);
}
static NDIS_STATUS KMAPI PassesOriginal(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    (void)context;
    return NdisFOidRequest(world->Master, request);
}
static NDIS_STATUS KMAPI CompletesAsPending(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    (void)context;
    NdisFOidRequestComplete(world->Master, request, NDIS_STATUS_PENDING);
    return NDIS_STATUS_PENDING;
}
static NDIS_STATUS KMAPI CompletesTwice(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    (void)context;
    NdisFOidRequestComplete(world->Master, request, NDIS_STATUS_SUCCESS);
    NdisFOidRequestComplete(world->Master, request, NDIS_STATUS_SUCCESS);
    return NDIS_STATUS_PENDING;
}
static NDIS_STATUS KMAPI CompletesUnpended(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    (void)context;
    NdisFOidRequestComplete(world->Master, request, NDIS_STATUS_SUCCESS);
    return NDIS_STATUS_SUCCESS;
}
static VOID KMAPI CompletesNothing(NDIS_HANDLE context, PNDIS_OID_REQUEST request, NDIS_STATUS status) { (void)context, (void)request, (void)status; }
static void Ask(FILTER_OID_REQUEST *handler)
{
    uint8_t buffer[8];
    if (handler != NULL)
        FakeCharacteristics()->OidRequestHandler = handler;
    (void)FakeRequest(world->Master, NdisRequestMethod, 0x12345678, buffer, sizeof(buffer), NULL);
}
ACT(NoClone) { BEGIN(), Ask(PassesOriginal); }
ACT(RequestPendingAgain) { BEGIN(), Ask(CompletesAsPending); }
ACT(RequestCompletedTwice) { BEGIN(), Ask(CompletesTwice); }
ACT(RequestCompletedUnpended) { BEGIN(), Ask(CompletesUnpended); }
ACT(RequestForgotten)
{
    BEGIN();
    world->Master->PendsRequests = true;
    FakeCharacteristics()->OidRequestCompleteHandler = CompletesNothing;
    Ask(NULL);
}
ACT(CloneWithoutTag)
{
    NDIS_OID_REQUEST request = NewRequest();
    PNDIS_OID_REQUEST clone;
    BEGIN(), (void)NdisAllocateCloneOidRequest(world->Master, &request, 0, &clone);
}
ACT(StatusHeader)
{
    NDIS_STATUS_INDICATION status = {.StatusCode = NDIS_STATUS_LINK_STATE};
    BEGIN(), NdisFIndicateStatus(world->Master, &status);
}

// The device.
static void RegisterDevice(USHORT size, const UNICODE_STRING *security, const UNICODE_STRING *deviceName)
{
    PDRIVER_DISPATCH none[IRP_MJ_MAXIMUM_FUNCTION + 1] = {0};
    NDIS_DEVICE_OBJECT_ATTRIBUTES attributes = {
        .Header = {NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES, 1, size},
        .DeviceName = (PNDIS_STRING)(uintptr_t)deviceName,
        .SymbolicName = (PNDIS_STRING)(uintptr_t)deviceName,
        .MajorFunctions = none,
        .DefaultSDDLString = security,
    };
    PDEVICE_OBJECT device;
    NDIS_HANDLE handle;
    (void)NdisRegisterDeviceEx(world, &attributes, &device, &handle);
}
static const UNICODE_STRING nameless = {0, 0, NULL};
static const WCHAR guardText[] = u"D:P(A;;GA;;;SY)(A;;GA;;;BA)";
static const UNICODE_STRING guard = {sizeof(guardText) - 2, sizeof(guardText), (WCHAR *)guardText};
ACT(DeviceHeader) { BEGIN(), RegisterDevice(48, &guard, &name); }
ACT(OpenDevice) { BEGIN(), RegisterDevice(56, &name, &name); }
ACT(NamelessDevice) { BEGIN(), RegisterDevice(56, &guard, &nameless); }
ACT(DeviceTwice) { BEGIN(), RegisterDevice(56, &guard, &name); }
ACT(OtherDevice) { BEGIN(), NdisDeregisterDeviceEx(world); }
ACT(CancelLockLow) { BEGIN(), IoReleaseCancelSpinLock(PASSIVE_LEVEL); }

static NTSTATUS Finish(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}
static VOID KMAPI CancelsNothing(PDEVICE_OBJECT device, PIRP irp) { (void)device, (void)irp; }
#define DISPATCH(routine, ...)                                             \
    static NTSTATUS KMAPI routine(PDEVICE_OBJECT device, PIRP irp)         \
    {                                                                      \
        (void)device;                                                      \
        __VA_ARGS__                                                        \
    }
DISPATCH(FinishesPending, return Finish(irp, STATUS_PENDING, 0);)
DISPATCH(FinishesCancelable, (void)IoSetCancelRoutine(irp, CancelsNothing); return Finish(irp, STATUS_SUCCESS, 0);)
DISPATCH(FinishesTwice, (void)Finish(irp, STATUS_SUCCESS, 0); return Finish(irp, STATUS_SUCCESS, 0);)
DISPATCH(PendsUnmarked, (void)irp; return STATUS_PENDING;)
DISPATCH(Forgets, (void)irp; return STATUS_SUCCESS;)
DISPATCH(AnswersTooMuch, return Finish(irp, STATUS_SUCCESS, 9);)
DISPATCH(RefusesWithAnswer, return Finish(irp, STATUS_NOT_FOUND, 1);)
DISPATCH(Pends, IoMarkIrpPending(irp); (void)IoSetCancelRoutine(irp, CancelsNothing); return STATUS_PENDING;)

static FakePendedControl *Control(PDRIVER_DISPATCH routine)
{
    uint8_t buffer[8] = {0};
    (void)FakeSetDispatch(IRP_MJ_DEVICE_CONTROL, routine);
    return FakeBeginControl(world->File, 0, buffer, sizeof(buffer), sizeof(buffer));
}
ACT(CompletedAsPending) { BEGIN(), (void)Control(FinishesPending); }
ACT(CompletedCancelable) { BEGIN(), (void)Control(FinishesCancelable); }
ACT(CompletedTwice) { BEGIN(), (void)Control(FinishesTwice); }
ACT(UnmarkedPending) { BEGIN(), (void)Control(PendsUnmarked); }
ACT(NotCompleted) { BEGIN(), (void)Control(Forgets); }
ACT(TooMuchAnswered) { BEGIN(), (void)FakePendedStatus(Control(AnswersTooMuch), NULL, NULL); }
ACT(AnswerOfRefusal) { BEGIN(), (void)FakePendedStatus(Control(RefusesWithAnswer), NULL, NULL); }
ACT(CancelKeepsLock) { BEGIN(), (void)FakeCancelControl(Control(Pends)); }
ACT(CleanupLeaves)
{
    BEGIN();
    (void)Control(Pends);
    FakeClose(world->File);
}

const Breach Breaches[] = {
    {"executable pool", ExecutablePool},
    {"pool without a tag", NoTag},
    {"another tag", OtherTag},
    {"a DPC that lowers the IRQL", DpcLowersIrql},
    {"a queued DPC freed", FreeQueuedDpc},
    {"a lock twice", LockTwice},
    {"an unlock without a lock", UnlockTwice},
    {"an unlock below DISPATCH_LEVEL", UnlockLow},
    {"an unlock that raises the IRQL", UnlockUpwards},
    {"a processor's number at PASSIVE_LEVEL", ProcessorAtPassive},
    {"a pool's header", PoolHeader},
    {"a pool without buffers", PoolWithoutBuffers},
    {"a pool's context", PoolContext},
    {"a pool without a tag", PoolTagless},
    {"a pool that is none", FreeNoPool},
    {"a pool freed before its lists", FreePoolEarly},
    {"a list of no pool", ListOfNoPool},
    {"data beyond its MDL", BeyondMdl},
    {"another's list freed", FreeOthers},
    {"a list freed that is out", FreeWhileOut},
    {"an empty MDL", EmptyMdl},
    {"an executable mapping", ExecutableMapping},
    {"a registration's header", RegisterHeader},
    {"a registration's version", RegisterVersion},
    {"a registration's names", RegisterNames},
    {"no pause handler", RegisterWithoutPause},
    {"a send handler alone", RegisterSendAlone},
    {"a receive handler alone", RegisterReceiveAlone},
    {"a request handler alone", RegisterRequestsAlone},
    {"registered twice", RegisterTwice},
    {"another's registration", DeregisterOther},
    {"attached, then refused", AttachThenRefuse},
    {"attached without attributes", AttachWithoutAttributes},
    {"the attributes' header", AttributesHeader},
    {"attributes after the attachment", AttributesLater},
    {"the handlers' header", HandlersHeader},
    {"handlers changed while running", HandlersWhileRunning},
    {"a send handler set alone", HandlersSendAlone},
    {"a receive handler set alone", HandlersReceiveAlone},
    {"a pause completed that is none", PauseCompletedUnasked},
    {"a pause that fails", FailedPause},
    {"a pause completed and returned", PauseTwice},
    {"a pause with own lists out", PauseWithOwnOut},
    {"lists kept at detach", ListsAtDetach},
    {"requests kept at detach", RequestsAtDetach},
    {"a false promise of DISPATCH_LEVEL", FalseDispatch},
    {"a send that returns at another IRQL", SendReturnsHigh},
    {"a receive that returns at another IRQL", ReceiveReturnsHigh},
    {"a borrowed list kept", KeepBorrowed},
    {"a borrowed chain unlinked", UnlinkBorrowed},
    {"no SourceHandle", NoSourceHandle},
    {"an undefined out-of-band word", UndefinedInfo},
    {"an indication while paused", OriginatePaused},
    {"a list sent twice", SendTwice},
    {"a passing list changed", ChangeInPassing},
    {"another module's list", OtherModulesList},
    {"nothing sent", SendNothing},
    {"a send without a completion handler", SendWithoutCompletion},
    {"nothing completed", CompleteNothing},
    {"an own list completed to the protocol", CompleteOwn},
    {"unknown flags", IndicateFlags},
    {"an indication without a return handler", IndicateWithoutReturn},
    {"a borrowed list given away", LendNoMore},
    {"a wrong count", WrongCount},
    {"nothing returned", ReturnNothing},
    {"an own list returned to the miniport", ReturnOwn},
    {"a request's header", RequestHeader},
    {"a request passed without a clone", NoClone},
    {"a request completed as pending", RequestPendingAgain},
    {"a request completed twice", RequestCompletedTwice},
    {"a request completed and returned", RequestCompletedUnpended},
    {"a request forgotten", RequestForgotten},
    {"a clone without a tag", CloneWithoutTag},
    {"an indication's header", StatusHeader},
    {"a device's header", DeviceHeader},
    {"a device for everybody", OpenDevice},
    {"a device without a name", NamelessDevice},
    {"a device twice", DeviceTwice},
    {"another's device", OtherDevice},
    {"the cancel lock at PASSIVE_LEVEL", CancelLockLow},
    {"an IRP completed as pending", CompletedAsPending},
    {"an IRP completed with a cancel routine", CompletedCancelable},
    {"an IRP completed twice", CompletedTwice},
    {"an IRP pended unmarked", UnmarkedPending},
    {"an IRP not completed", NotCompleted},
    {"more answered than there is room", TooMuchAnswered},
    {"a refusal with an answer", AnswerOfRefusal},
    {"a cancel routine that keeps its lock", CancelKeepsLock},
    {"a cleanup that leaves a request", CleanupLeaves},
    // Last: there is no driver any more.
    {"an unload that leaves registrations", UnloadLeaves},
    {"no unload routine", NoUnload},
    {NULL, NULL},
};
