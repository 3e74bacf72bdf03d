// When memory that readers may still look at can go. A reader is a processor at DISPATCH_LEVEL between Enter and Leave; it never waits.
// A writer unlinks a block, retires it, and it is freed once every reader that was inside has left.
#pragma once

#include "base.h"

typedef struct Retired Retired;

// First field of every block that readers reach without a lock.
struct Retired {
    Retired *Next;
    void (*Release)(Retired *block);
    uint64_t At;
};

typedef struct EpochReader {
    uint64_t Epoch; // 0: outside
    uint32_t Depth; // the processor's own
    uint32_t Reserved;
    uint64_t Padding[6];
} EpochReader;

typedef struct Epoch {
    EpochReader *Readers;
    uint32_t ReaderCount;
    uint32_t RetiredCount; // under the core's lock, as the list is
    uint64_t Now;
    Retired *First;
} Epoch;

// False: no memory.
bool EpochInitialize(Epoch *epoch, uint32_t readerCount);

// Frees all that is left. No reader may be inside.
void EpochDestroy(Epoch *epoch);

// Under the core's lock, after the block can no longer be found. A release of NULL is CoreFree.
void EpochRetire(Epoch *epoch, Retired *block, void (*release)(Retired *block));

// Under the core's lock: frees what no reader can see any more.
void EpochCollect(Epoch *epoch);

static inline void EpochEnter(Epoch *epoch, uint32_t reader)
{
    EpochReader *own = &epoch->Readers[reader];
    if (own->Depth++ == 0)
        ExchangeFull64(&own->Epoch, LoadAcquire64(&epoch->Now));
}

static inline void EpochLeave(Epoch *epoch, uint32_t reader)
{
    EpochReader *own = &epoch->Readers[reader];
    if (--own->Depth == 0)
        StoreRelease64(&own->Epoch, 0);
}
