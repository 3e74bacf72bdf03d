// What a decision costs: cost ADDRESSES INTERFACES. Frames of 64 bytes from the wire, IPv4, each to an address of an interface chosen at
// random; the frames' headers lie one after another, as a batch does. Prints nanoseconds a frame, the best of several rounds.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../core/control.h"

enum { Frames = 1 << 16, FrameLength = 64, Rounds = 40, Ahead = 8 };

static uint64_t Nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int count, char **arguments)
{
    uint32_t addresses = count > 1 ? (uint32_t)atoi(arguments[1]) : 10000, interfaces = count > 2 ? (uint32_t)atoi(arguments[2]) : 100;
    Epoch epoch;
    if (!EpochInitialize(&epoch, 1))
        return 1;
    Port *port = PortCreate(&epoch, 1, 0x1234567, 1);
    VirtualInterface **members = calloc(interfaces, sizeof(*members));
    for (uint32_t i = 0; i < interfaces; i++) {
        if (PortAddInterface(port, 2 + i, NULL, NULL, &members[i]) != PortOk)
            return 1;
        members[i]->IsUp = 1;
    }
    for (uint32_t i = 0; i < addresses; i++) {
        if (PortAddAddress(port, members[i % interfaces], (L3Address){0, 0x0a000000 + i, FamilyFour}, 8) != PortOk)
            return 1;
    }
    if (PortSetMaster(port, 1, 1500, true) != PortOk)
        return 1;
    uint8_t *frames = calloc(Frames, FrameLength);
    uint32_t random = 1;
    for (uint32_t i = 0; i < Frames; i++) {
        uint8_t *frame = frames + (size_t)i * FrameLength;
        random = random * 1664525 + 1013904223;
        Write16(frame + 12, TypeIpv4);
        frame[14] = 0x45;
        Write16(frame + 16, 50);
        Write32(frame + 30, 0x0a000000 + (uint32_t)(((uint64_t)random * addresses) >> 32));
    }
    uint64_t best = UINT64_MAX, delivered = 0;
    for (uint32_t round = 0; round < Rounds; round++) {
        uint64_t started = Nanoseconds();
        EpochEnter(&epoch, 0);
        const PortSnapshot *snapshot = PortRead(port);
        for (uint32_t i = 0; i < Frames; i++) {
            uint32_t ahead = i + Ahead < Frames ? i + Ahead : i;
            PortPrefetch(port, frames + (size_t)ahead * FrameLength, FrameLength);
            Frame frame = {.Bytes = frames + (size_t)i * FrameLength, .Length = FrameLength, .LongestSegment = FrameLength};
            delivered += PortReceive(port, snapshot, 0, &frame).Action == ActionDeliver;
        }
        EpochLeave(&epoch, 0);
        uint64_t spent = Nanoseconds() - started;
        best = spent < best ? spent : best;
    }
    if (delivered != (uint64_t)Frames * Rounds)
        return 1;
    (void)printf("%u addresses, %u interfaces: %.1f ns a frame\n", addresses, interfaces, (double)best / Frames);
    return 0;
}
