#include "guarded.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// One mapping a block: pages, and one that faults. Given back blocks are kept, by number of pages, for others; overwritten first.

enum { PageBytes = 4096, MostKept = 64 };

typedef struct Region {
    struct Region *Next;
    uint8_t *Mapping;
    size_t Pages;
    void *Block;
} Region;

enum { Buckets = 1 << 14 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards both
static Region *kept[MostKept];
static Region *inUse[Buckets]; // by block

static Region **BucketOf(const void *block) { return &inUse[((uintptr_t)block / 16 * 0x9E3779B97F4A7C15u) >> 50]; }

static Region *Map(size_t pages)
{
    Region *region = calloc(1, sizeof(Region));
    uint8_t *mapping = mmap(NULL, (pages + 1) * PageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == NULL || mapping == MAP_FAILED || mprotect(mapping + pages * PageBytes, PageBytes, PROT_NONE) != 0)
        abort();
    region->Mapping = mapping;
    region->Pages = pages;
    return region;
}

void *GuardedAllocate(size_t bytes)
{
    size_t pages = (bytes + PageBytes - 1) / PageBytes;
    if (pages == 0)
        pages = 1;
    pthread_mutex_lock(&lock);
    Region *region = pages < MostKept ? kept[pages] : NULL;
    if (region != NULL)
        kept[pages] = region->Next;
    else
        region = Map(pages);
    region->Block = region->Mapping + pages * PageBytes - bytes;
    Region **bucket = BucketOf(region->Block);
    region->Next = *bucket;
    *bucket = region;
    pthread_mutex_unlock(&lock);
    return region->Block;
}

void GuardedFree(void *block)
{
    if (block == NULL)
        return;
    pthread_mutex_lock(&lock);
    Region **link = BucketOf(block);
    while (*link != NULL && (*link)->Block != block)
        link = &(*link)->Next;
    Region *region = *link;
    if (region == NULL)
        abort(); // freed twice, or never given
    *link = region->Next;
    memset(block, 0xdd, region->Pages * PageBytes - (size_t)((uint8_t *)block - region->Mapping));
    if (region->Pages < MostKept) {
        region->Next = kept[region->Pages];
        kept[region->Pages] = region;
    } else {
        (void)munmap(region->Mapping, (region->Pages + 1) * PageBytes);
        free(region);
    }
    pthread_mutex_unlock(&lock);
}
