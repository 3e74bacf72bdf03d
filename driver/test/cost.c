// What a decision of the core costs, for the C# replayer to measure beside the engine's: frames of 64 bytes from the wire, plain IPv4, each
// to an address chosen at random, their headers one after another as in a batch. Times are of one round over all frames.
#include <stdlib.h>
#include <time.h>

#include "../core/control.h"
#include "bench.h"

// As far ahead as FilterReceive fetches.
enum { Frames = 1 << 16, FrameLength = 64, Ahead = 8 };

typedef struct Cost {
    Epoch Epoch;
    Port *Port;
    uint8_t *Frames;
} Cost;

// Interfaces own the addresses from 10.0.0.0 on in turn. NULL: no memory.
BENCH_EXPORT void *CostCreate(uint32_t addresses, uint32_t interfaces);
BENCH_EXPORT void CostDestroy(void *cost);
// Nanoseconds, and how many frames were delivered.
BENCH_EXPORT uint64_t CostRun(void *cost, uint32_t *delivered);
// The same loop with a call that only looks at the frame.
BENCH_EXPORT uint64_t CostLoop(void *cost, uint32_t *seen);

static uint64_t Nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool Fill(Port *port, uint32_t addresses, uint32_t interfaces)
{
    VirtualInterface **members = calloc(interfaces, sizeof(*members));
    bool isOk = members != NULL;
    for (uint32_t i = 0; isOk && i < interfaces; i++) {
        isOk = PortAddInterface(port, 2 + i, NULL, NULL, &members[i]) == PortOk;
        if (isOk)
            InterfaceSetUp(members[i], true);
    }
    for (uint32_t i = 0; isOk && i < addresses; i++)
        isOk = PortAddAddress(port, members[i % interfaces], (L3Address){0, 0x0a000000 + i, FamilyFour}, 8) == PortOk;
    free(members);
    return isOk && PortSetMaster(port, 1, 1500, true) == PortOk;
}

static void Forge(uint8_t *frames, uint32_t addresses)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < Frames; i++) {
        uint8_t *frame = frames + (size_t)i * FrameLength;
        random = random * 1664525 + 1013904223;
        Write16(frame + 12, TypeIpv4);
        frame[14] = 0x45;
        Write16(frame + 16, 50);
        Write32(frame + 30, 0x0a000000 + (uint32_t)(((uint64_t)random * addresses) >> 32));
    }
}

void *CostCreate(uint32_t addresses, uint32_t interfaces)
{
    Cost *cost = calloc(1, sizeof(Cost));
    if (cost == NULL || !EpochInitialize(&cost->Epoch, 1))
        return NULL;
    cost->Port = PortCreate(&cost->Epoch, 1, 0x1234567, 1);
    cost->Frames = calloc(Frames + Ahead, FrameLength);
    if (cost->Port == NULL || cost->Frames == NULL || !Fill(cost->Port, addresses, interfaces))
        return NULL;
    Forge(cost->Frames, addresses);
    memcpy(cost->Frames + (size_t)Frames * FrameLength, cost->Frames, (size_t)Ahead * FrameLength);
    return cost;
}

void CostDestroy(void *handle)
{
    Cost *cost = handle;
    for (uint32_t i = 0; i < cost->Port->Snapshot->InterfaceCount; i++)
        PortForgetInterface(cost->Port, cost->Port->Snapshot->Interfaces[i]);
    PortRetire(cost->Port);
    EpochDestroy(&cost->Epoch);
    free(cost->Frames);
    free(cost);
}

static void Foresee(const PortMap *map, const uint8_t *bytes, Foresight *foresights)
{
    for (uint32_t i = 0; i < Ahead; i++)
        foresights[i] = PortForesee(map, bytes + (size_t)i * FrameLength, FrameLength);
}

uint64_t CostRun(void *handle, uint32_t *delivered)
{
    Cost *cost = handle;
    uint32_t count = 0;
    uint64_t started = Nanoseconds();
    EpochEnter(&cost->Epoch, 0);
    Port *port = cost->Port;
    const PortSnapshot *snapshot = PortRead(port);
    PortMap map = PortReadMap(port);
    Foresight foresights[2][Ahead];
    const uint8_t *bytes = cost->Frames;
    Foresee(&map, bytes, foresights[0]);
    for (uint32_t block = 0; block < Frames / Ahead; block++) {
        // Behind the last frame are the first ones again.
        Foresee(&map, bytes + Ahead * FrameLength, foresights[(block + 1) % 2]);
        for (const Foresight *foresight = foresights[block % 2], *end = foresight + Ahead; foresight < end; foresight++, bytes += FrameLength) {
            Frame frame = {.Bytes = bytes, .Length = FrameLength, .LongestSegment = FrameLength};
            count += PortReceive(port, snapshot, 0, &frame, foresight).Action == ActionDeliver;
        }
    }
    EpochLeave(&cost->Epoch, 0);
    *delivered = count;
    return Nanoseconds() - started;
}

static NOINLINE Decision Look(const Frame *frame) { return (Decision){.Action = frame->Bytes[30]}; }

uint64_t CostLoop(void *handle, uint32_t *seen)
{
    Cost *cost = handle;
    uint32_t count = 0;
    uint64_t started = Nanoseconds();
    for (uint32_t i = 0; i < Frames; i++) {
        Frame frame = {.Bytes = cost->Frames + (size_t)i * FrameLength, .Length = FrameLength, .LongestSegment = FrameLength};
        count += Look(&frame).Action == 10;
    }
    *seen = count;
    return Nanoseconds() - started;
}
