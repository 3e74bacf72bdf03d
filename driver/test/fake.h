// A strict NDIS: what the documentation forbids a filter stops the test at the call that does it. Adapters with a miniport below and a
// protocol above, one filter in between. Threads stand for processors.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/kmndis.h"
#include "output_list.h"

// fake_kernel.c
// A rule of the documentation for drivers, with the page that makes it: broken, the test ends. scenario_negative.c breaks every one.
typedef struct FakeRule {
    const char *File;
    const char *Condition;
    const char *Document;
    uint32_t Line;
    uint32_t Broken; // how often
} FakeRule;
#define FAKE_RULE(condition, document, ...)                                                                                             \
    do {                                                                                                                                \
        static FakeRule rule __attribute__((used, section("fake_rules"))) = {__FILE__, #condition, document, __LINE__, 0};              \
        if (!(condition)) {                                                                                                             \
            rule.Broken++;                                                                                                              \
            FakeFault(__FILE__, __LINE__, #condition, __VA_ARGS__);                                                                     \
        }                                                                                                                               \
    } while (0)
#define FAKE_IRQL(most) \
    FAKE_RULE(FakeIrql() <= (most), "the page of the routine, Requirements: IRQL", "%s at IRQL %u, at most %u", __func__, FakeIrql(), most)
extern FakeRule __start_fake_rules[], __stop_fake_rules[]; // all of them, by the linker
// What a test must not do, and what this fake cannot.
#define FAKE_CHECK(condition, ...) ((condition) ? (void)0 : FakeFault(__FILE__, __LINE__, #condition, __VA_ARGS__))
void FakeFault(const char *file, int line, const char *condition, const char *format, ...) __attribute__((format(printf, 4, 5), noreturn));
// A test that expects a fault: it comes back here instead of ending the process. True: there was one.
bool FakeExpectFault(void (*act)(void *argument), void *argument);
const char *FakeLastFault(void);

enum { FakeProcessors = 4 };
// The calling thread is that processor from now on.
void FakeSetProcessor(uint32_t number);
KIRQL FakeIrql(void);
KIRQL FakeRaise(void);
void FakeLower(KIRQL irql);
void FakeSetIrql(KIRQL to);
// Several threads use the fake: each runs its own processor's DPCs, whenever it lowers its IRQL, and nobody runs another's.
void FakeSetThreaded(bool isThreaded);
bool FakeIsThreaded(void);
// The calling thread runs this once, before the next spin lock but so many that it takes: what another processor does just then.
void FakeBeforeLock(uint32_t skipped, void (*act)(void *argument), void *argument);
// Runs what DPCs are queued anywhere, until there are none. Only where no other thread uses the fake.
void FakeDrain(void);
void FakeAdvance(uint64_t units); // of 100 ns; timers that come due fire
// Of the allocations from now on, the one of that number (from 0) fails; UINT64_MAX: none.
void FakeFailAllocation(uint64_t number);
uint64_t FakeAllocations(void);
bool FakeAllocationFails(void);
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAKE_SITES // compilers inline otherwise elsewhere, and the linked image's frames cannot be walked
#endif
#endif
#if defined(FAKE_SITES)
// The number of places from which the driver allocated so far; tells those that never failed.
uint32_t FakeSites(void (*unfailed)(void *const *frames, uint32_t depth));
#endif
// Memory, lists, clones and devices that were allocated and not given back.
uint64_t FakeLive(void);
void FakeAddLive(int64_t change);

// fake_lists.c: who has a list now, and whose it is.
typedef struct FakeAdapter FakeAdapter;
typedef enum FakeHolder { HeldByNobody, HeldByFilter, HeldAbove, HeldBelow } FakeHolder;
typedef enum FakeOrigin { FromFilter, FromProtocol, FromMiniport } FakeOrigin;

typedef struct FakeListState {
    FakeHolder Holder;
    FakeOrigin Origin;
    FakeAdapter *Adapter;
    bool IsBorrowed; // NDIS_RECEIVE_FLAGS_RESOURCES
    uint32_t Length; // of what was sent or indicated, to see that nobody changed it
    uint64_t Hash;
} FakeListState;

FakeListState *FakeStateOf(PNET_BUFFER_LIST list);

typedef struct FakeFrame {
    const uint8_t *Bytes;
    uint32_t Length;
    uint32_t Pieces;   // MDLs
    uint32_t TagInfo;  // out of band
    uint32_t Checksum; // TcpIpChecksumNetBufferListInfo
    uint32_t LargeSend;
    uint32_t Coalesced;
    struct FakeFrame *Next; // a further buffer of the same list
} FakeFrame;

PNET_BUFFER_LIST FakeMakeList(const FakeFrame *frame);
void FakeFreeList(PNET_BUFFER_LIST list);
// The bytes of one buffer, in memory from malloc.
uint8_t *FakeRead(PNET_BUFFER buffer, uint32_t *length);
uint64_t FakeHash(PNET_BUFFER_LIST list);

// fake_ndis.c
typedef enum FakeState { FakePaused, FakeRestarting, FakeRunning, FakePausing } FakeState;

struct FakeAdapter {
    FakeAdapter *Next;
    uint64_t Luid;
    uint8_t Mac[6];
    uint32_t IpMtu;
    bool IsConnected;
    uint64_t Speed;
    PVOID Module;
    FakeState State;
    bool IsAttached;
    bool PauseCompleted;
    bool RestartWanted;
    NDIS_FILTER_PARTIAL_CHARACTERISTICS Handlers;
    // Lists with the filter or through it, that are not back where they came from.
    int64_t Sent;      // by the protocol
    int64_t Indicated; // by the miniport
    int64_t Own;       // the filter's, above or below
    int64_t Requests;
    uint32_t MiniportRequests; // that reached the miniport
    PNDIS_OID_REQUEST Asked; // a protocol's, with the filter
    // What comes out. Called at the IRQL of the filter's call; they give back by FakeReturn and FakeComplete, at once or later.
    void (*OnReceive)(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags);
    void (*OnSend)(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags);
    void (*OnSendComplete)(FakeAdapter *adapter, PNET_BUFFER_LIST lists);
    void (*OnStatus)(FakeAdapter *adapter, PNDIS_STATUS_INDICATION status);
    void *Context;
    // The miniport's own: what it was told to receive.
    uint32_t Filter;
    uint8_t Macs[4096];
    uint32_t MacBytes;
    uint32_t MostMacs; // 0: any number
    bool PendsRequests;
    PNDIS_OID_REQUEST PendedRequest;
    NDIS_STATUS RequestStatus; // of a request that was pended, when it completes
    bool RequestDone;
    uint32_t StatusCount;
    NDIS_LINK_STATE LastLink;
    uint32_t OffloadIndications;
};

PDRIVER_OBJECT FakeDriver(void);
NTSTATUS FakeLoad(void); // DriverEntry
void FakeUnload(void);   // the driver's unload routine; all adapters are gone before
extern bool FakeHasOffload; // adapters that are attached from now on tell what they can offload
FakeAdapter *FakeAttach(uint64_t luid, const uint8_t *mac, uint32_t ipMtu); // attached and paused; NULL: refused
void FakeRestart(FakeAdapter *adapter);
void FakePause(FakeAdapter *adapter);
void FakeDetach(FakeAdapter *adapter); // pauses first where it runs
void FakeDetachLone(FakeAdapter *adapter); // one that is in no list
FakeAdapter *FakeFind(uint64_t luid);
void FakeRestartWanted(void); // the restarts that the filter asked for

// The protocol sends, the miniport indicates; DISPATCH_LEVEL flags follow the thread's IRQL.
void FakeSend(FakeAdapter *adapter, PNET_BUFFER_LIST lists);
void FakeIndicate(FakeAdapter *adapter, PNET_BUFFER_LIST lists, bool isBorrowed);
// The protocol gives back what it was indicated, the miniport what it was sent.
void FakeReturn(FakeAdapter *adapter, PNET_BUFFER_LIST lists);
void FakeComplete(FakeAdapter *adapter, PNET_BUFFER_LIST lists);

// fake_requests.c
NDIS_STATUS FakeRequest(FakeAdapter *adapter, int type, NDIS_OID oid, void *buffer, uint32_t length, uint32_t *written);
void FakeCompletePended(FakeAdapter *adapter, NDIS_STATUS status);
void FakeIndicateStatus(FakeAdapter *adapter, NDIS_STATUS code, void *buffer, uint32_t length);
void FakeSetLink(FakeAdapter *adapter, bool isConnected);
void FakeSetPower(FakeAdapter *adapter, uint32_t state);
void FakeSurpriseRemove(FakeAdapter *adapter);
NDIS_FILTER_DRIVER_CHARACTERISTICS *FakeCharacteristics(void);

// fake_device.c
typedef struct FakeFile {
    FILE_OBJECT Object;
    int64_t Pended; // requests that are not completed
} FakeFile;
typedef struct FakePendedControl FakePendedControl;
FakeFile *FakeOpen(void);
void FakeClose(FakeFile *file); // cleanup and close
void FakeCleanup(FakeFile *file);
// For a test of the fake itself; gives back what was there.
PDRIVER_DISPATCH FakeSetDispatch(UCHAR function, PDRIVER_DISPATCH routine);
NTSTATUS FakeControl(FakeFile *file, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written);
// One that may pend. Its status: STATUS_PENDING until it is completed.
FakePendedControl *FakeBeginControl(FakeFile *file, uint32_t code, const void *buffer, uint32_t inputLength, uint32_t outputLength);
NTSTATUS FakePendedStatus(FakePendedControl *pended, void *answer, uint32_t *written);
bool FakeCancelControl(FakePendedControl *pended);
// The calling thread's next request is cancelled before the driver sees it.
void FakeCancelNext(void);
void FakeEndControl(FakePendedControl *pended); // it is completed
bool FakeHasDevice(void);
