#include "fake.h"
#include "guarded.h"

#include <execinfo.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

// IRQL, locks, pool, DPCs, events, timers.

static _Thread_local KIRQL irql;
static _Thread_local uint32_t processor;
static _Thread_local bool inDpc;
static _Thread_local jmp_buf faultReturn;
static _Thread_local bool expectsFault;
static char lastFault[512];
static _Thread_local void (*beforeLock)(void *argument);
static _Thread_local void *beforeLockArgument;
static _Thread_local uint32_t lockCount, skippedLocks;

static bool isThreaded;
static uint64_t allocations, failAt = UINT64_MAX, live;
static uint64_t now = 1000000000;

void FakeFault(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[400];
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)snprintf(lastFault, sizeof(lastFault), "%s:%d: %s: %s", file, line, condition, text);
    if (expectsFault)
        longjmp(faultReturn, 1);
    (void)fprintf(stderr, "fault: %s\n", lastFault);
    abort();
}

bool FakeExpectFault(void (*act)(void *argument), void *argument)
{
    KIRQL before = irql;
    uint32_t processorBefore = processor;
    volatile bool isFault = true;
    expectsFault = true;
    if (setjmp(faultReturn) == 0) {
        act(argument);
        isFault = false;
    }
    expectsFault = inDpc = false;
    irql = before;
    processor = processorBefore;
    return isFault;
}

const char *FakeLastFault(void) { return lastFault; }

void FakeSetProcessor(uint32_t number) { processor = number; }

KIRQL FakeIrql(void) { return irql; }

void FakeSetIrql(KIRQL to) { irql = to; }

#if defined(FAKE_SITES)
// Where the driver allocates: the call, its caller and that one's, while a driver is loaded and one thread uses the fake.
enum { MostSites = 512, SiteDepth = 4 };
static struct {
    void *Frames[SiteDepth];
    uint64_t Failed;
} sites[MostSites];
static uint32_t siteCount;

__attribute__((noinline)) static void NoteSite(bool fails)
{
    void *frames[SiteDepth + 3];
    int count = backtrace(frames, SiteDepth + 3);
    uint32_t i = 0;
    if (count < SiteDepth + 3)
        return;
    // What called the driver does not make another place of it. test/build links the driver before the fake.
    for (int j = 4; j < SiteDepth + 3; j++)
        frames[j] = frames[j - 1] == NULL || frames[j] > (void *)(uintptr_t)FakeHasDevice ? NULL : frames[j];
    while (i < siteCount && memcmp(sites[i].Frames, frames + 3, sizeof(sites[i].Frames)) != 0)
        i++;
    if (i == MostSites)
        abort();
    if (i == siteCount)
        memcpy(sites[siteCount++].Frames, frames + 3, sizeof(sites[i].Frames));
    sites[i].Failed += fails;
}

uint32_t FakeSites(void (*unfailed)(void *const *frames, uint32_t depth))
{
    for (uint32_t i = 0; i < siteCount; i++) {
        if (sites[i].Failed == 0)
            unfailed(sites[i].Frames, SiteDepth);
    }
    return siteCount;
}
#endif

__attribute__((noinline)) bool FakeAllocationFails(void)
{
    bool fails = __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED) == __atomic_load_n(&failAt, __ATOMIC_RELAXED);
#if defined(FAKE_SITES)
    if (!isThreaded && FakeDriver()->DriverUnload != NULL)
        NoteSite(fails);
#endif
    return fails;
}

void FakeFailAllocation(uint64_t number)
{
    __atomic_store_n(&allocations, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&failAt, number, __ATOMIC_RELAXED);
}

uint64_t FakeAllocations(void) { return __atomic_load_n(&allocations, __ATOMIC_RELAXED); }

void FakeAddLive(int64_t change) { (void)__atomic_fetch_add(&live, (uint64_t)change, __ATOMIC_RELAXED); }

uint64_t FakeLive(void) { return __atomic_load_n(&live, __ATOMIC_RELAXED); }

// ExAllocatePoolWithTag: IRQL <= DISPATCH_LEVEL for non-paged pool. What it gives is not zeroed.
PVOID KMAPI ExAllocatePoolWithTag(int type, SIZE_T bytes, ULONG tag)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(type == NonPagedPoolNx, "POOL_TYPE: NonPagedPoolNx; No-Execute (NX) Nonpaged Pool", "pool type %d may be executable or paged", type);
    FAKE_RULE(bytes > 0 && tag != 0, "ExAllocatePoolWithTag: NumberOfBytes, Tag", "no bytes or no tag");
    if (FakeAllocationFails())
        return NULL;
    uint64_t *block = GuardedAllocate(GuardedAligned(bytes + 16));
    if (block == NULL)
        abort();
    block[0] = tag;
    block[1] = bytes;
    memset(block + 2, 0xa5, bytes);
    FakeAddLive(1);
    return block + 2;
}

typedef struct QueuedDpc {
    pthread_mutex_t Lock;
    PKDPC First;
    PKDPC Last;
} QueuedDpc;

static QueuedDpc queues[FakeProcessors] = {
    {.Lock = PTHREAD_MUTEX_INITIALIZER}, {.Lock = PTHREAD_MUTEX_INITIALIZER}, {.Lock = PTHREAD_MUTEX_INITIALIZER}, {.Lock = PTHREAD_MUTEX_INITIALIZER}};

// Of memory that is freed.
static bool HasQueuedDpc(const uint8_t *from, uint64_t bytes)
{
    bool has = false;
    for (uint32_t i = 0; i < FakeProcessors; i++) {
        pthread_mutex_lock(&queues[i].Lock);
        for (PKDPC dpc = queues[i].First; dpc != NULL && !has; dpc = dpc->DpcListEntry)
            has = (const uint8_t *)dpc >= from && (const uint8_t *)dpc < from + bytes;
        pthread_mutex_unlock(&queues[i].Lock);
    }
    return has;
}

VOID KMAPI ExFreePoolWithTag(PVOID address, ULONG tag)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    uint64_t *block = (uint64_t *)address - 2;
    FAKE_RULE(block[0] == tag, "ExFreePoolWithTag: Tag", "freed with another tag");
    FAKE_RULE(!HasQueuedDpc((const uint8_t *)address, block[1]), "KeInsertQueueDpc: Dpc: resident until it has run", "a queued DPC is freed");
    FakeAddLive(-1);
    GuardedFree(block);
}

static PKDPC TakeDpc(uint32_t number)
{
    QueuedDpc *queue = &queues[number];
    pthread_mutex_lock(&queue->Lock);
    PKDPC dpc = queue->First;
    if (dpc != NULL) {
        queue->First = dpc->DpcListEntry;
        if (queue->First == NULL)
            queue->Last = NULL;
        dpc->DpcListEntry = NULL;
        dpc->DpcData = NULL; // may be queued again from here on
    }
    pthread_mutex_unlock(&queue->Lock);
    return dpc;
}

static void RunDpc(PKDPC dpc, uint32_t number)
{
    uint32_t before = processor;
    inDpc = true;
    irql = DISPATCH_LEVEL;
    processor = number;
    dpc->DeferredRoutine(dpc, dpc->DeferredContext, NULL, NULL);
    FAKE_RULE(irql == DISPATCH_LEVEL, "KDEFERRED_ROUTINE: Requirements: IRQL", "a DPC returned at IRQL %u", irql);
    irql = PASSIVE_LEVEL;
    processor = before;
    inDpc = false;
}

// A processor's DPCs run when its IRQL falls below DISPATCH_LEVEL, one at a time, at DISPATCH_LEVEL.
static void RunDpcs(uint32_t number)
{
    PKDPC dpc;
    if (inDpc)
        return;
    while ((dpc = TakeDpc(number)) != NULL)
        RunDpc(dpc, number);
}

KIRQL FakeRaise(void)
{
    KIRQL before = irql;
    irql = DISPATCH_LEVEL;
    return before;
}

void FakeLower(KIRQL to)
{
    FAKE_CHECK(to <= irql, "lowered from %u to %u", irql, to);
    irql = to;
    if (to < DISPATCH_LEVEL)
        RunDpcs(processor);
}

void FakeBeforeLock(uint32_t skipped, void (*act)(void *argument), void *argument)
{
    beforeLock = act;
    beforeLockArgument = argument;
    skippedLocks = skipped;
    lockCount = 0;
}

bool FakeIsThreaded(void) { return isThreaded; }

void FakeSetThreaded(bool threaded) { isThreaded = threaded; }

void FakeDrain(void)
{
    FAKE_CHECK(irql == PASSIVE_LEVEL, "drained at IRQL %u", irql);
    if (isThreaded) {
        RunDpcs(processor);
        (void)sched_yield();
        return;
    }
    for (uint32_t i = 0; i < FakeProcessors; i++)
        RunDpcs(i);
}

// KeAcquireSpinLock: IRQL <= DISPATCH_LEVEL, raises to it; not recursive.
KIRQL KMAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK lock)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    uint64_t self = (uint64_t)(uintptr_t)&irql;
    if (beforeLock != NULL && lockCount++ == skippedLocks) {
        void (*act)(void *) = beforeLock;
        beforeLock = NULL;
        act(beforeLockArgument);
    }
    FAKE_RULE(__atomic_load_n(lock, __ATOMIC_RELAXED) != self, "Introduction to Spin Locks: not recursive", "a spin lock taken twice");
    uint64_t expected = 0;
    while (!__atomic_compare_exchange_n(lock, &expected, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        expected = 0;
        (void)sched_yield(); // there may be fewer processors than threads
    }
    return FakeRaise();
}

VOID KMAPI KeReleaseSpinLock(PKSPIN_LOCK lock, KIRQL to)
{
    FAKE_RULE(__atomic_load_n(lock, __ATOMIC_RELAXED) == (uint64_t)(uintptr_t)&irql, "KeReleaseSpinLock: SpinLock is held by the caller", "a spin lock released that is not held");
    FAKE_RULE(irql == DISPATCH_LEVEL, "KeReleaseSpinLock: Requirements: IRQL", "a spin lock released at IRQL %u", irql);
    FAKE_RULE(to <= DISPATCH_LEVEL, "KeReleaseSpinLock: NewIrql is what KeAcquireSpinLock gave", "back to IRQL %u", to);
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
    FakeLower(to);
}

VOID KMAPI KeInitializeDpc(PKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context)
{
    *dpc = (KDPC){.DeferredRoutine = routine, .DeferredContext = context, .OpaqueTarget = UINT64_MAX};
}

NTSTATUS KMAPI KeSetTargetProcessorDpcEx(PKDPC dpc, PPROCESSOR_NUMBER number)
{
    dpc->OpaqueTarget = number->Number;
    return STATUS_SUCCESS;
}

NTSTATUS KMAPI KeGetProcessorNumberFromIndex(ULONG index, PPROCESSOR_NUMBER number)
{
    *number = (PROCESSOR_NUMBER){.Number = (UCHAR)index};
    return index < FakeProcessors ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

BOOLEAN KMAPI KeInsertQueueDpc(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    (void)argument1, (void)argument2;
    uint32_t number = dpc->OpaqueTarget == UINT64_MAX ? processor : (uint32_t)dpc->OpaqueTarget;
    QueuedDpc *queue = &queues[number];
    pthread_mutex_lock(&queue->Lock);
    bool isQueued = dpc->DpcData != NULL;
    if (!isQueued) {
        dpc->DpcData = queue;
        dpc->DpcListEntry = NULL;
        if (queue->First == NULL)
            queue->First = dpc;
        else
            queue->Last->DpcListEntry = dpc;
        queue->Last = dpc;
    }
    pthread_mutex_unlock(&queue->Lock);
    return !isQueued;
}

// IRQL = PASSIVE_LEVEL.
VOID KMAPI KeFlushQueuedDpcs(VOID)
{
    FAKE_IRQL(PASSIVE_LEVEL);
    // Those that are queued now: one that is queued again meanwhile runs later.
    for (uint32_t i = 0; i < FakeProcessors; i++) {
        PKDPC queued[8], dpc;
        uint32_t count = 0;
        while (count < 8 && (dpc = TakeDpc(i)) != NULL)
            queued[count++] = dpc;
        for (uint32_t j = 0; j < count; j++)
            RunDpc(queued[j], i);
    }
}

static pthread_mutex_t eventLock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t eventChanged = PTHREAD_COND_INITIALIZER;

VOID KMAPI KeInitializeEvent(PKEVENT event, int type, BOOLEAN state)
{
    FAKE_CHECK(type == NotificationEvent, "only notification events");
    event->Opaque[0] = state;
}

LONG KMAPI KeSetEvent(PKEVENT event, LONG increment, BOOLEAN wait)
{
    (void)increment;
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_CHECK(!wait, "a wait must follow");
    pthread_mutex_lock(&eventLock);
    event->Opaque[0] = 1;
    pthread_cond_broadcast(&eventChanged);
    pthread_mutex_unlock(&eventLock);
    return 0;
}

VOID KMAPI KeClearEvent(PKEVENT event)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    pthread_mutex_lock(&eventLock);
    event->Opaque[0] = 0;
    pthread_mutex_unlock(&eventLock);
}

// A wait without a limit: IRQL <= APC_LEVEL.
NTSTATUS KMAPI KeWaitForSingleObject(PVOID object, int reason, CHAR mode, BOOLEAN alertable, PLARGE_INTEGER timeout)
{
    (void)reason, (void)mode, (void)alertable;
    FAKE_IRQL(APC_LEVEL);
    FAKE_CHECK(timeout == NULL, "no time limits here");
    PKEVENT event = object;
    pthread_mutex_lock(&eventLock);
    while (event->Opaque[0] == 0)
        pthread_cond_wait(&eventChanged, &eventLock);
    pthread_mutex_unlock(&eventLock);
    return STATUS_SUCCESS;
}

enum { MostTimers = 4 };
static pthread_mutex_t timerLock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    PKTIMER Timer;
    PKDPC Dpc;
    uint64_t Due;
} timers[MostTimers];

VOID KMAPI KeInitializeTimer(PKTIMER timer)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    *timer = (KTIMER){{0}};
}

BOOLEAN KMAPI KeSetTimer(PKTIMER timer, LARGE_INTEGER due, PKDPC dpc)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_CHECK(due.QuadPart < 0, "only relative times");
    pthread_mutex_lock(&timerLock);
    int slot = -1;
    for (int i = 0; i < MostTimers; i++) {
        if (timers[i].Timer == timer || (slot < 0 && timers[i].Timer == NULL))
            slot = i;
    }
    FAKE_CHECK(slot >= 0, "too many timers");
    bool wasSet = timers[slot].Timer == timer;
    timers[slot].Timer = timer;
    timers[slot].Dpc = dpc;
    timers[slot].Due = __atomic_load_n(&now, __ATOMIC_RELAXED) + (uint64_t)-due.QuadPart;
    pthread_mutex_unlock(&timerLock);
    return wasSet;
}

BOOLEAN KMAPI KeCancelTimer(PKTIMER timer)
{
    bool wasSet = false;
    FAKE_IRQL(DISPATCH_LEVEL);
    pthread_mutex_lock(&timerLock);
    for (int i = 0; i < MostTimers; i++) {
        if (timers[i].Timer == timer) {
            timers[i].Timer = NULL;
            wasSet = true;
        }
    }
    pthread_mutex_unlock(&timerLock);
    return wasSet;
}

void FakeAdvance(uint64_t units)
{
    (void)__atomic_fetch_add(&now, units, __ATOMIC_RELAXED);
    for (int i = 0; i < MostTimers; i++) {
        pthread_mutex_lock(&timerLock);
        PKDPC dpc = timers[i].Timer != NULL && timers[i].Due <= __atomic_load_n(&now, __ATOMIC_RELAXED) ? timers[i].Dpc : NULL;
        if (dpc != NULL)
            timers[i].Timer = NULL;
        pthread_mutex_unlock(&timerLock);
        if (dpc != NULL)
            (void)KeInsertQueueDpc(dpc, NULL, NULL);
    }
    FakeDrain();
}

ULONGLONG KMAPI KeQueryUnbiasedInterruptTime(VOID) { return __atomic_load_n(&now, __ATOMIC_RELAXED); }

ULONG KMAPI KeQueryMaximumProcessorCountEx(USHORT group)
{
    FAKE_CHECK(group == ALL_PROCESSOR_GROUPS, "all groups");
    return FakeProcessors;
}

ULONG KMAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER number)
{
    FAKE_RULE(irql == DISPATCH_LEVEL, "KeGetCurrentProcessorNumberEx: Remarks: below DISPATCH_LEVEL a thread may move meanwhile", "a processor's number at IRQL %u", irql);
    if (number != NULL)
        *number = (PROCESSOR_NUMBER){.Number = (UCHAR)processor};
    return processor;
}
