// What a host's IP input accepts, as far as l3s depends on it: semantics 18b to 18d; LocalInput in the C# engine.
// RFC 791 section 3.1, RFC 1122 section 3.2.1, RFC 8200 section 3, RFC 4291 section 2.5.
#pragma once

#include "wire.h"

// Family of the destination of a packet long enough to have one: 16 or 24 bytes into it.
KeyFamily LocalInputDestination(const Frame *frame, uint32_t offset, uint32_t protocol);

// Length of the packet without padding, or 0 where a host would not take it. The packet has a destination.
uint32_t LocalInputAcceptedLength(const Frame *frame, uint32_t offset, uint32_t protocol);
