// Routes packets of l3 and l3s interfaces as the host's own: semantics 29 to 34; Router, HostAddresses and NeighborTable in the C# engine.
// RFC 1122 section 3.2.1.3, RFC 791 section 3.2, RFC 8200 section 3, RFC 826, RFC 4861 section 5.1.
#pragma once

#include "decision.h"
#include "routes.h"

typedef struct Neighbor {
    Retired Retired;
    Mac Mac;
    uint64_t HoldsUntil; // on the clock of now; UINT64_MAX for ever
} Neighbor;

typedef struct HostPrefix {
    L3Address Address;
    uint32_t Length;
} HostPrefix;

typedef struct HostPrefixes {
    Retired Retired;
    uint32_t Count;
    HostPrefix Items[]; // to speak from: not a link-local one where there is another (RFC 6724 section 5, rule 2)
} HostPrefixes;

typedef struct Router {
    Epoch *Epoch;
    RouteTable Routes;
    Table OwnFour, OwnSix;  // address -> prefixes that have it, plus 1
    Table Broadcast;        // IPv4 broadcast address -> prefixes that have it, plus 1
    Table NeighborsFour, NeighborsSix;
    HostPrefixes *Prefixes; // NULL: none
} Router;

void RouterInitialize(Router *router, Epoch *epoch, uint64_t seed);
void RouterDestroy(Router *router);

// The core's lock is held in all that change something.
PortResult RouterAddHostAddress(Router *router, L3Address address, uint32_t length);
PortResult RouterRemoveHostAddress(Router *router, L3Address address, uint32_t length);
PortResult RouterSetNeighbor(Router *router, L3Address address, Mac mac, uint64_t holdsUntil);
// Inside an epoch or under the lock. Whether to believe what a frame tells of a neighbor: one that is wanted, or one that was learnt and holds
// no longer than until then; never one that was set for ever.
bool RouterMayLearn(const Router *router, L3Address address, bool isWanted, uint64_t heldUntil);
PortResult RouterRemoveNeighbor(Router *router, L3Address address);

// Inside an epoch. Decides on an IP packet behind an untagged Ethernet header; ipMtu is the master's.
Decision RouterDecide(const Router *router, const Frame *frame, uint32_t protocol, uint32_t ipMtu, uint64_t now, NextHop *hop);

// Inside an epoch. The host's own input takes an IPv4 packet between these two: the destination is the host's, and the source is not.
bool RouterTakes(const Router *router, uint32_t destination, uint32_t source);

// Inside an epoch. One of the host's addresses of a family, to speak from; false where it has none.
bool RouterPickSource(const Router *router, uint8_t family, L3Address *source);
