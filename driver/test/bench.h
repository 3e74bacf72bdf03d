// What the C# replayer drives: one port with its adapters, either the core alone (bench_core.c) or the whole filter over the fake NDIS
// (bench_filter.c). Places: 0 is the wire, 1 the host (and the master's LUID), others are stand-ins' LUIDs. No call comes from two
// threads at once.
#pragma once

#include <stdint.h>

#define BENCH_EXPORT __attribute__((visibility("default")))

enum { BenchWire = 0, BenchHost = 1 };

enum {
    BenchTranslate = 1, // stand-ins have MACs of their own
    BenchTagOutOfBand = 2,
    BenchSplit = 4, // frames in several pieces
    // A service is at the other end: events are its to take, and time stands still, so that what waits for a neighbor waits.
    BenchServed = 8,
};

// Failures: NULL, or the caller's buffer too small.
BENCH_EXPORT void *BenchCreate(const uint8_t *mac, uint32_t ipMtu, uint32_t options);
// The number of allocations, lists and requests that are left: 0 unless there is a fault.
BENCH_EXPORT uint32_t BenchDestroy(void *bench);
// A request of ipvlan_ioctl.h. Its NTSTATUS.
BENCH_EXPORT uint32_t BenchControl(void *bench, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written);
BENCH_EXPORT void BenchSetMaster(void *bench, const uint8_t *mac, uint32_t ipMtu, uint32_t isUp);
// The adapter of a stand-in comes and goes.
BENCH_EXPORT void BenchAttach(void *bench, uint64_t luid);
BENCH_EXPORT void BenchDetach(void *bench, uint64_t luid);
// What its stack asks for: multicast list and packet filter.
BENCH_EXPORT void BenchSetGroups(void *bench, uint64_t luid, const uint8_t *macs, uint32_t count, uint32_t isPromiscuous, uint32_t isAllMulticast);
// A frame enters; all that follows from it is done when the call returns. The send error, by number.
BENCH_EXPORT uint32_t BenchInject(void *bench, uint64_t place, const uint8_t *frame, uint32_t length, uint32_t longestSegment);
// The next frame that came out: its length, or -1.
BENCH_EXPORT int32_t BenchTake(void *bench, uint64_t *place, uint8_t *buffer, uint32_t capacity);
// The next neighbor that is wanted: its family, or 0.
BENCH_EXPORT uint32_t BenchTakeMissing(void *bench, uint8_t *address);
// The driver's next event (IPVLAN_EVENT) of a served bench; 0: none.
BENCH_EXPORT uint32_t BenchTakeEvent(void *bench, void *event);
// The MAC of a stand-in's stack.
BENCH_EXPORT void BenchMacOf(void *bench, uint64_t luid, uint8_t *mac);
