#include "breaches.h"

#if defined(KM_LOADED)
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guarded.h"
#endif

// The fake itself: every rule that it keeps is broken here once, and it says so. A fake that lets something pass proves nothing.

static void Expect(World *world, const char *name, void (*act)(void *), void *argument)
{
    // What an act breaks is put back as far as the next needs it; nothing of this world is counted any more.
    NDIS_FILTER_DRIVER_CHARACTERISTICS characteristics = *FakeCharacteristics();
    NDIS_FILTER_PARTIAL_CHARACTERISTICS handlers = world->Master->Handlers;
    PDRIVER_DISPATCH control = FakeSetDispatch(IRP_MJ_DEVICE_CONTROL, NULL), cleanup = FakeSetDispatch(IRP_MJ_CLEANUP, NULL);
    (void)FakeSetDispatch(IRP_MJ_DEVICE_CONTROL, control);
    (void)FakeSetDispatch(IRP_MJ_CLEANUP, cleanup);
    if (!FakeExpectFault(act, argument))
        FakeFault(__FILE__, __LINE__, "Expect", "%s went unnoticed", name);
    (void)printf("  %s: %s\n", name, FakeLastFault());
    *FakeCharacteristics() = characteristics;
    (void)FakeSetDispatch(IRP_MJ_DEVICE_CONTROL, control);
    (void)FakeSetDispatch(IRP_MJ_CLEANUP, cleanup);
    world->Master->Handlers = handlers;
    world->Master->State = FakeRunning;
    world->Master->PendsRequests = world->HoldsSends = false;
    world->Master->PendedRequest = world->Master->Asked = NULL;
}

// Every routine that the driver imports, one IRQL above its most. With no sensible argument: the IRQL is looked at first.
typedef struct Routine {
    const char *Name;
    VOID(KMAPI *Call)();
} Routine;

#define ROUTINE(result, name, parameters) {#name, (VOID(KMAPI *)())name},
static const Routine Routines[] = {KM_WDM_IMPORTS(ROUTINE) KM_NDIS_IMPORTS(ROUTINE)};

static bool IsOneOf(const char *name, const char *names)
{
    const char *at = strstr(names, name);
    return at != NULL && (at == names || at[-1] == ' ') && (at[strlen(name)] == ' ' || at[strlen(name)] == 0);
}

// Of the page of each, Requirements: IRQL; all others <= DISPATCH_LEVEL.
static int MostIrql(const char *name)
{
    static const char passive[] = "NdisFRegisterFilterDriver NdisFDeregisterFilterDriver NdisFSetAttributes NdisSetOptionalHandlers NdisFRestartFilter "
                                  "NdisFDevicePnPEventNotify NdisFNetPnPEvent NdisAllocateNetBufferListPool NdisRegisterDeviceEx NdisDeregisterDeviceEx "
                                  "KeFlushQueuedDpcs";
    // The last three at DISPATCH_LEVEL alone: rules of their own.
    static const char any[] = "KeInitializeDpc KeSetTargetProcessorDpcEx KeGetProcessorNumberFromIndex KeInsertQueueDpc KeInitializeEvent "
                              "KeQueryMaximumProcessorCountEx KeQueryUnbiasedInterruptTime KeReleaseSpinLock KeGetCurrentProcessorNumberEx "
                              "IoReleaseCancelSpinLock";
    return IsOneOf(name, any) ? -1 : IsOneOf(name, passive) ? PASSIVE_LEVEL : strcmp(name, "KeWaitForSingleObject") == 0 ? APC_LEVEL : DISPATCH_LEVEL;
}

static void CallTooHigh(void *argument)
{
    const Routine *routine = argument;
    FakeSetIrql((KIRQL)(MostIrql(routine->Name) + 1));
    routine->Call(NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

static void EveryRuleBites(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    uint32_t rules = 0;
    for (uint32_t i = 0; i < sizeof(Routines) / sizeof(Routines[0]); i++) {
        if (MostIrql(Routines[i].Name) >= 0)
            Expect(world, Routines[i].Name, CallTooHigh, (void *)(uintptr_t)&Routines[i]);
    }
    for (const Breach *breach = Breaches; breach->Name != NULL; breach++)
        Expect(world, breach->Name, breach->Act, world);
    for (const FakeRule *rule = __start_fake_rules; rule < __stop_fake_rules; rule++, rules++) {
        CHECK(rule->Document != NULL && rule->Document[0] != 0);
        if (rule->Broken == 0)
            FakeFault(rule->File, (int)rule->Line, rule->Condition, "no test breaks this rule (%s)", rule->Document);
    }
    (void)printf("  %u rules, each with its document, each broken\n", rules);
    CHECK(rules > 100);
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
