// Blocks that end at a page nobody may touch: what the linked driver, which no sanitizer instruments, reads or writes beyond one ends the
// test at that instruction. In instrumented builds they are malloc's.
#pragma once

#include <stddef.h>

#if defined(KM_LOADED)
// Ends exactly at the page: no alignment is promised.
void *GuardedAllocate(size_t bytes);
void GuardedFree(void *block);
// A size whose block is aligned as pool is.
static inline size_t GuardedAligned(size_t bytes) { return (bytes + 15) / 16 * 16; }
#else
#include <stdlib.h>
static inline void *GuardedAllocate(size_t bytes) { return malloc(bytes == 0 ? 1 : bytes); }
static inline void GuardedFree(void *block) { free(block); }
static inline size_t GuardedAligned(size_t bytes) { return bytes; }
#endif
