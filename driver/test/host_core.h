#pragma once

#include <stdint.h>

// Blocks that the core has and has not given back.
uint64_t HostBlocks(void);
// Of the allocations from now on, the one of that number (from 0) fails; UINT64_MAX: none.
void HostFailAllocation(uint64_t number);
// Allocations since then.
uint64_t HostAllocations(void);
