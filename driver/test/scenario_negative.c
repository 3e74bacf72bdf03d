#include "scenario.h"

#if defined(KM_LOADED)
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guarded.h"
#endif

// The fake itself: every rule that it keeps is broken here once, and it says so. A fake that lets something pass proves nothing.

static World *world;
static uint8_t frame[128];

static PNET_BUFFER_LIST OwnList(void)
{
    static uint8_t bytes[64];
    static NDIS_HANDLE pool;
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, 16}, .fAllocateNetBuffer = TRUE, .PoolTag = 1};
    if (pool == NULL)
        pool = NdisAllocateNetBufferListPool(NULL, &parameters);
    PMDL mdl = NdisAllocateMdl(world, bytes, sizeof(bytes));
    PNET_BUFFER_LIST list = NdisAllocateNetBufferAndNetBufferList(pool, 0, 0, mdl, 0, sizeof(bytes));
    list->SourceHandle = world->Master;
    memset(list->NetBufferListInfo, 0, sizeof(list->NetBufferListInfo));
    return list;
}

static PNET_BUFFER_LIST TestList(void)
{
    FakeFrame made = {.Bytes = frame, .Length = 60};
    return FakeMakeList(&made);
}

static void HighPool(void *unused)
{
    (void)unused;
    KSPIN_LOCK lock = 0;
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
    NdisFDeregisterFilterDriver(NULL);
}
static void ExecutablePool(void *unused) { (void)unused, (void)ExAllocatePoolWithTag(0, 8, 1); }
static void OtherTag(void *unused) { (void)unused, ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPoolNx, 8, 1), 2); }
static void LockTwice(void *unused)
{
    (void)unused;
    KSPIN_LOCK lock = 0;
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
    (void)KeAcquireSpinLockRaiseToDpc(&lock);
}
static void UnlockTwice(void *unused)
{
    (void)unused;
    KSPIN_LOCK lock = 0;
    KeReleaseSpinLock(&lock, PASSIVE_LEVEL);
}
static void ProcessorAtPassive(void *unused) { (void)unused, (void)KeGetCurrentProcessorNumberEx(NULL); }
static void WaitAtDispatch(void *unused)
{
    (void)unused;
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    (void)FakeRaise();
    (void)KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}
static void FalseDispatch(void *unused) { (void)unused, NdisFSendNetBufferLists(world->Master, OwnList(), 0, NDIS_SEND_FLAGS_DISPATCH_LEVEL); }
static void NoSourceHandle(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = OwnList();
    list->SourceHandle = NULL;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
static void UndefinedInfo(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = OwnList();
    list->NetBufferListInfo[3] = (PVOID)(uintptr_t)0xa5a5a5a5;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
static void OriginatePaused(void *unused)
{
    (void)unused;
    world->Master->State = FakePaused;
    NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 1, 0);
}
static void WrongCount(void *unused) { (void)unused, NdisFIndicateReceiveNetBufferLists(world->Master, OwnList(), 0, 2, 0); }
static void FreeWhileOut(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = OwnList();
    world->HoldsSends = true;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
    NdisFreeNetBufferList(list);
}
static void SendTwice(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = OwnList();
    world->HoldsSends = true;
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
static void CompleteOwn(void *unused) { (void)unused, NdisFSendNetBufferListsComplete(world->Master, OwnList(), 0); }
static void ReturnOwn(void *unused) { (void)unused, NdisFReturnNetBufferLists(world->Master, OwnList(), 0); }
static void ChangeInPassing(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = TestList();
    *FakeStateOf(list) = (FakeListState){.Holder = HeldByFilter, .Origin = FromMiniport, .Adapter = world->Master, .Hash = 1};
    NdisFIndicateReceiveNetBufferLists(world->Master, list, 0, 1, 0);
}
static void OtherModulesList(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = TestList();
    *FakeStateOf(list) = (FakeListState){.Holder = HeldByFilter, .Origin = FromProtocol, .Adapter = world->StandIns[0], .Hash = FakeHash(list)};
    NdisFSendNetBufferLists(world->Master, list, 0, 0);
}
static void KeepBorrowed(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = TestList();
    *FakeStateOf(list) =
        (FakeListState){.Holder = HeldByFilter, .Origin = FromMiniport, .Adapter = world->Master, .IsBorrowed = true, .Hash = FakeHash(list)};
    NdisFIndicateReceiveNetBufferLists(world->Master, list, 0, 1, 0);
}
static void ReturnBorrowed(void *unused)
{
    (void)unused;
    PNET_BUFFER_LIST list = TestList();
    *FakeStateOf(list) =
        (FakeListState){.Holder = HeldByFilter, .Origin = FromMiniport, .Adapter = world->Master, .IsBorrowed = true, .Hash = FakeHash(list)};
    NdisFReturnNetBufferLists(world->Master, list, 0);
}
static void HandlersWhileRunning(void *unused)
{
    (void)unused;
    NDIS_FILTER_PARTIAL_CHARACTERISTICS none = {.Header = {NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS, 1, 48}};
    (void)NdisSetOptionalHandlers(world->Master, (PNDIS_DRIVER_OPTIONAL_HANDLERS)(PVOID)&none);
}
static void PauseCompletedUnasked(void *unused) { (void)unused, NdisFPauseComplete(world->Master); }
static void LeakAtDetach(void *unused)
{
    (void)unused;
    world->Master->Sent = 1;
    FakeDetach(world->Master);
}
static void ExecutableMapping(void *unused)
{
    (void)unused;
    MDL mdl = {0};
    (void)MmMapLockedPagesSpecifyCache(&mdl, KernelMode, MmCached, NULL, FALSE, LowPagePriority);
}
static void OpenDevice(void *unused)
{
    (void)unused;
    NDIS_DEVICE_OBJECT_ATTRIBUTES attributes = {.Header = {NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES, 1, 56}};
    PDEVICE_OBJECT device;
    NDIS_HANDLE handle;
    NdisDeregisterDeviceEx(world); // not the device's handle
    (void)NdisRegisterDeviceEx(world, &attributes, &device, &handle);
}
static void CompleteTwice(void *unused)
{
    (void)unused;
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    FakePendedControl *call = FakeBeginControl(world->File, IOCTL_IPVLAN_QUERY_CAPABILITIES, &header, sizeof(header), 56);
    IofCompleteRequest((PIRP)(void *)call, 0);
}

static const struct {
    const char *Name;
    void (*Act)(void *);
} Broken[] = {
    {"a PASSIVE_LEVEL routine at DISPATCH_LEVEL", HighPool},
    {"executable pool", ExecutablePool},
    {"another tag", OtherTag},
    {"a lock twice", LockTwice},
    {"an unlock without a lock", UnlockTwice},
    {"a processor's number at PASSIVE_LEVEL", ProcessorAtPassive},
    {"a wait at DISPATCH_LEVEL", WaitAtDispatch},
    {"a false promise of DISPATCH_LEVEL", FalseDispatch},
    {"no SourceHandle", NoSourceHandle},
    {"an undefined out-of-band word", UndefinedInfo},
    {"an indication while paused", OriginatePaused},
    {"a wrong count", WrongCount},
    {"a list freed that is out", FreeWhileOut},
    {"a list sent twice", SendTwice},
    {"an own list completed to the protocol", CompleteOwn},
    {"an own list returned to the miniport", ReturnOwn},
    {"a passing list changed", ChangeInPassing},
    {"another module's list", OtherModulesList},
    {"a borrowed list kept", KeepBorrowed},
    {"a borrowed list returned", ReturnBorrowed},
    {"handlers changed while running", HandlersWhileRunning},
    {"a pause completed that is none", PauseCompletedUnasked},
    {"lists kept at detach", LeakAtDetach},
    {"an executable mapping", ExecutableMapping},
    {"another's device handle", OpenDevice},
    {"a request completed twice", CompleteTwice},
};

static void EveryRuleBites(void)
{
    for (uint32_t i = 0; i < sizeof(Broken) / sizeof(Broken[0]); i++) {
        if (world == NULL)
            world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
        world->Master->State = FakeRunning;
        world->HoldsSends = false;
        bool isFault = FakeExpectFault(Broken[i].Act, NULL);
        (void)printf("  %s: %s\n", Broken[i].Name, FakeLastFault());
        if (!isFault)
            FakeFault(__FILE__, __LINE__, "EveryRuleBites", "%s went unnoticed", Broken[i].Name);
    }
}

#if defined(KM_LOADED)
// What the image, which no sanitizer instruments, reads or writes beyond a block ends the process.
static bool Faults(volatile uint8_t *at)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        *at = 1;
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void BlocksEnd(void)
{
    uint8_t *block = GuardedAllocate(61);
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 1);
    CHECK(!Faults(block) && !Faults(block + 60) && Faults(block + 61));
    CHECK(!Faults(pool + 63) && Faults(pool + 64));
    // Code cannot be written, data cannot be run: the handlers are code.
    CHECK(Faults((volatile uint8_t *)(uintptr_t)FakeCharacteristics()->AttachHandler));
    GuardedFree(block);
    ExFreePoolWithTag(pool, 1);
}
#endif

const Scenario NegativeScenarios[] = {
#if defined(KM_LOADED)
    {"a byte beyond a block", BlocksEnd},
#endif
    {"every rule of the fake bites", EveryRuleBites},
    {NULL, NULL},
};
