#include "routes.h"

// The routes of one prefix, best first.
typedef struct RouteSet {
    Retired Retired;
    uint32_t Count;
    uint32_t Reserved;
    Route Routes[];
} RouteSet;

void RouteTableInitialize(RouteTable *table, Epoch *epoch, uint64_t seed) { *table = (RouteTable){.Epoch = epoch, .Seed = seed}; }

static RouteSet *SetOf(uint64_t value) { return value < TableLeastValue ? NULL : (RouteSet *)(uintptr_t)value; }

static void FreeLevel(Retired *block)
{
    RouteLevel *level = CONTAINER(block, RouteLevel, Retired);
    const TableSegment *segment;
    uint32_t cursor = 0, count;
    while (TableNextSegment(&level->Routes, &cursor, &segment, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            RouteSet *set = SetOf(TableSlotAt(&level->Routes, segment, i).Value);
            if (set != NULL)
                CoreFree(set);
        }
    }
    TableDestroy(&level->Routes);
    CoreFree(level);
}

static void DestroyLevels(RouteLevels *levels)
{
    if (levels == NULL)
        return;
    for (uint32_t i = 0; i < levels->Count; i++)
        FreeLevel(&levels->Levels[i]->Retired);
    CoreFree(levels);
}

void RouteTableDestroy(RouteTable *table)
{
    DestroyLevels(table->Four);
    DestroyLevels(table->Six);
    table->Four = table->Six = NULL;
}

static RouteLevels **LevelsOf(RouteTable *table, uint8_t family) { return family == FamilyFour ? &table->Four : &table->Six; }

static RouteLevel *FindLevel(const RouteLevels *levels, uint32_t length)
{
    for (uint32_t i = 0; levels != NULL && i < levels->Count; i++) {
        if (levels->Levels[i]->Length == length)
            return levels->Levels[i];
    }
    return NULL;
}

// Publishes the list without one level and with another; either may be NULL.
static bool ChangeLevels(RouteTable *table, RouteLevels **link, const RouteLevel *gone, RouteLevel *added)
{
    RouteLevels *old = *link;
    uint32_t oldCount = old == NULL ? 0 : old->Count;
    RouteLevels *built = CoreAllocate(sizeof(RouteLevels) + sizeof(RouteLevel *) * ((size_t)oldCount + 1));
    if (built == NULL)
        return false;
    for (uint32_t i = 0; i < oldCount; i++) {
        if (added != NULL && added->Length > old->Levels[i]->Length) {
            built->Levels[built->Count++] = added;
            added = NULL;
        }
        if (old->Levels[i] != gone)
            built->Levels[built->Count++] = old->Levels[i];
    }
    if (added != NULL)
        built->Levels[built->Count++] = added;
    STORE(*link, built);
    if (old != NULL)
        EpochRetire(table->Epoch, &old->Retired, NULL);
    return true;
}

static RouteLevel *EnsureLevel(RouteTable *table, RouteLevels **link, uint32_t length)
{
    RouteLevel *level = FindLevel(*link, length);
    if (level != NULL)
        return level;
    level = CoreAllocate(sizeof(RouteLevel));
    if (level == NULL)
        return NULL;
    level->Length = length;
    TableInitialize(&level->Routes, TableWide, table->Epoch, table->Seed);
    if (ChangeLevels(table, link, NULL, level))
        return level;
    CoreFree(level);
    return NULL;
}

RouteResult RouteAdd(RouteTable *table, L3Address prefix, uint32_t length, const Route *route)
{
    L3Address network = MaskedAddress(prefix, length);
    RouteLevel *level = EnsureLevel(table, LevelsOf(table, prefix.Family), length);
    if (level == NULL)
        return RouteNoMemory;
    RouteSet *old = SetOf(TableFind(&level->Routes, network.High, network.Low));
    uint32_t oldCount = old == NULL ? 0 : old->Count, before = 0;
    RouteSet *built = CoreAllocate(sizeof(RouteSet) + sizeof(Route) * ((size_t)oldCount + 1));
    if (built == NULL)
        return RouteNoMemory;
    while (before < oldCount && old->Routes[before].Metric <= route->Metric)
        before++;
    if (oldCount > 0) {
        memcpy(built->Routes, old->Routes, sizeof(Route) * before);
        memcpy(built->Routes + before + 1, old->Routes + before, sizeof(Route) * (oldCount - before));
    }
    built->Routes[before] = *route;
    built->Count = oldCount + 1;
    table->Count++;
    if (old != NULL) {
        TableReplace(&level->Routes, network.High, network.Low, (uintptr_t)built);
        EpochRetire(table->Epoch, &old->Retired, NULL);
        return RouteOk;
    }
    if (TableAdd(&level->Routes, network.High, network.Low, (uintptr_t)built) == TableOk)
        return RouteOk;
    table->Count--;
    CoreFree(built);
    return RouteNoMemory;
}

static uint32_t IndexOf(const RouteSet *set, const Route *route)
{
    uint32_t i = 0;
    while (i < set->Count && !(SameAddress(set->Routes[i].Gateway, route->Gateway) && set->Routes[i].Metric == route->Metric &&
                               set->Routes[i].IsUnreachable == route->IsUnreachable))
        i++;
    return i;
}

RouteResult RouteRemove(RouteTable *table, L3Address prefix, uint32_t length, const Route *route)
{
    L3Address network = MaskedAddress(prefix, length);
    RouteLevels **link = LevelsOf(table, prefix.Family);
    RouteLevel *level = FindLevel(*link, length);
    RouteSet *old = level == NULL ? NULL : SetOf(TableFind(&level->Routes, network.High, network.Low));
    uint32_t at = old == NULL ? 0 : IndexOf(old, route);
    if (old == NULL || at == old->Count)
        return RouteAbsent;
    if (old->Count > 1) {
        RouteSet *built = CoreAllocate(sizeof(RouteSet) + sizeof(Route) * ((size_t)old->Count - 1));
        if (built == NULL)
            return RouteNoMemory;
        built->Count = old->Count - 1;
        memcpy(built->Routes, old->Routes, sizeof(Route) * at);
        memcpy(built->Routes + at, old->Routes + at + 1, sizeof(Route) * (built->Count - at));
        TableReplace(&level->Routes, network.High, network.Low, (uintptr_t)built);
    } else {
        TableRemove(&level->Routes, network.High, network.Low);
    }
    EpochRetire(table->Epoch, &old->Retired, NULL);
    table->Count--;
    // An empty level costs each look-up; without memory to publish a list without it, it stays.
    if (level->Routes.Count == 0 && ChangeLevels(table, link, level, NULL))
        EpochRetire(table->Epoch, &level->Retired, FreeLevel);
    return RouteOk;
}

const Route *RouteFind(const RouteTable *table, L3Address destination)
{
    const RouteLevels *levels = destination.Family == FamilyFour ? LOAD(table->Four) : LOAD(table->Six);
    for (uint32_t i = 0; levels != NULL && i < levels->Count; i++) {
        const RouteLevel *level = levels->Levels[i];
        L3Address network = MaskedAddress(destination, level->Length);
        const RouteSet *set = SetOf(TableFind(&level->Routes, network.High, network.Low));
        if (set != NULL)
            return &set->Routes[0];
    }
    return NULL;
}
