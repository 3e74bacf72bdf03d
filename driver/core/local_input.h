// What a host's IP input accepts, as far as l3s depends on it: semantics 18b to 18d; LocalInput in the C# engine.
// RFC 791 section 3.1, RFC 1122 section 3.2.1, RFC 8200 section 3, RFC 4291 section 2.5.
#pragma once

#include "wire.h"

// The last tag before this offset has VLAN 0.
static inline bool HasPriorityTag(const Frame *frame, uint32_t offset) { return (Read16(frame->Bytes + offset - EtherTagLength) & 0xfff) == 0; }

// Where a packet begins, and its protocol, when the host has taken off what tags stand before it: a further one wherever those before have
// VLAN 0, and nothing is cut short (__netif_receive_skb_core).
uint32_t LocalInputSkipTags(const Frame *frame, uint32_t offset, uint32_t *protocol);

// Family of the destination of a packet long enough to have one: 16 or 24 bytes into it.
KeyFamily LocalInputDestination(const Frame *frame, uint32_t offset, uint32_t protocol);

// Length of the packet without padding, or 0 where a host would not take it. The packet has a destination.
uint32_t LocalInputAcceptedLength(const Frame *frame, uint32_t offset, uint32_t protocol);
