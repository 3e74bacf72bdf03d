#include "filter.h"

// What the core needs (base.h, control.h), in the kernel.

static KSPIN_LOCK coreLock;
static KIRQL coreIrql; // of the holder

void *CoreAllocate(size_t bytes)
{
    void *block = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, PoolTag);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void CoreFree(void *block) { ExFreePoolWithTag(block, PoolTag); }

void CoreLock(void)
{
    KIRQL irql;
    KeAcquireSpinLock(&coreLock, &irql);
    coreIrql = irql;
}

void CoreUnlock(void)
{
    KIRQL irql = coreIrql;
    KeReleaseSpinLock(&coreLock, irql);
}

void SectionEnter(Section *section)
{
    // A lock that nobody else has: it raises to DISPATCH_LEVEL, and is exported everywhere.
    section->Lock = 0;
    KeAcquireSpinLock(&section->Lock, &section->Irql);
    section->Processor = KeGetCurrentProcessorNumberEx(NULL);
    EpochEnter(&TheDriver.Control.Epoch, section->Processor);
}

void SectionEndReading(Section *section) { EpochLeave(&TheDriver.Control.Epoch, section->Processor); }

void SectionLeave(Section *section)
{
    KeReleaseSpinLock(&section->Lock, section->Irql);
}

uint64_t Now(void) { return KeQueryUnbiasedInterruptTime(); }
