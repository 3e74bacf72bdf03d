// Longest-prefix match over the host's prefixes and routes: one table for each prefix length in use, longest first. RouteTable in the
// C# engine. Readers (inside an epoch) never wait; writers hold the core's lock.
#pragma once

#include "table.h"
#include "wire.h"

typedef struct Route {
    L3Address Gateway; // family none: the prefix is on the link
    uint32_t Metric;   // among routes of one prefix the lowest wins; the first added of several equal ones
    bool IsUnreachable;
} Route;

typedef struct RouteLevel {
    Retired Retired;
    uint32_t Length;
    Table Routes; // network -> RouteSet
} RouteLevel;

typedef struct RouteLevels {
    Retired Retired;
    uint32_t Count;
    RouteLevel *Levels[]; // longest first
} RouteLevels;

typedef struct RouteTable {
    Epoch *Epoch;
    uint64_t Seed;
    uint32_t Count; // routes
    RouteLevels *Four;
    RouteLevels *Six;
} RouteTable;

typedef enum RouteResult { RouteOk, RouteAbsent, RouteNoMemory } RouteResult;

void RouteTableInitialize(RouteTable *table, Epoch *epoch, uint64_t seed);
void RouteTableDestroy(RouteTable *table);

RouteResult RouteAdd(RouteTable *table, L3Address prefix, uint32_t length, const Route *route);

// Takes one equal route out.
RouteResult RouteRemove(RouteTable *table, L3Address prefix, uint32_t length, const Route *route);

// The best route of the longest prefix that holds an address, or NULL. It lasts as long as the reader is inside.
const Route *RouteFind(const RouteTable *table, L3Address destination);
