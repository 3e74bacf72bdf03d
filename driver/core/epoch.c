#include "epoch.h"

bool EpochInitialize(Epoch *epoch, uint32_t readerCount)
{
    *epoch = (Epoch){.Now = 1, .ReaderCount = readerCount};
    epoch->Readers = CoreAllocate(sizeof(EpochReader) * readerCount);
    return epoch->Readers != NULL;
}

static void Release(Retired *block)
{
    if (block->Release != NULL)
        block->Release(block);
    else
        CoreFree(block);
}

void EpochDestroy(Epoch *epoch)
{
    // No reader is inside: all of it goes.
    if (epoch->Readers != NULL)
        EpochCollect(epoch);
    if (epoch->Readers != NULL)
        CoreFree(epoch->Readers);
    *epoch = (Epoch){0};
}

void EpochRetire(Epoch *epoch, Retired *block, void (*release)(Retired *block))
{
    block->Release = release;
    block->At = epoch->Now;
    block->Next = epoch->First;
    epoch->First = block;
    epoch->RetiredCount++;
    // A full barrier between the unlinking and the look at the readers.
    ExchangeFull64(&epoch->Now, epoch->Now + 1);
}

void EpochCollect(Epoch *epoch)
{
    if (epoch->First == NULL)
        return;
    uint64_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < epoch->ReaderCount; i++) {
        uint64_t inside = LoadAcquire64(&epoch->Readers[i].Epoch);
        if (inside != 0 && inside < oldest)
            oldest = inside;
    }
    Retired **link = &epoch->First;
    while (*link != NULL) {
        Retired *block = *link;
        if (block->At >= oldest) {
            link = &block->Next;
            continue;
        }
        *link = block->Next;
        epoch->RetiredCount--;
        Release(block);
    }
}
