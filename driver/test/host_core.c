// The core's surroundings in a process: memory that can be made to fail, and the lock.
#include "host_core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../core/control.h"

enum { PageBytes = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t blocks;
static uint64_t allocations;
static uint64_t failAt = UINT64_MAX;

void *CoreAllocate(size_t bytes)
{
    if (__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED) == failAt)
        return NULL;
    // As in the kernel: whole pages begin with a page.
    void *block = bytes < PageBytes ? calloc(1, bytes) : aligned_alloc(PageBytes, (bytes + PageBytes - 1) / PageBytes * PageBytes);
    if (block != NULL && bytes >= PageBytes)
        memset(block, 0, bytes);
    if (block != NULL)
        (void)__atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
    return block;
}

void CoreFree(void *block)
{
    (void)__atomic_fetch_sub(&blocks, 1, __ATOMIC_RELAXED);
    free(block);
}

void CoreLock(void) { pthread_mutex_lock(&lock); }

void CoreUnlock(void) { pthread_mutex_unlock(&lock); }

uint64_t HostBlocks(void) { return __atomic_load_n(&blocks, __ATOMIC_RELAXED); }

void HostFailAllocation(uint64_t number)
{
    __atomic_store_n(&allocations, 0, __ATOMIC_RELAXED);
    failAt = number;
}

uint64_t HostAllocations(void) { return __atomic_load_n(&allocations, __ATOMIC_RELAXED); }
