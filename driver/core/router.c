#include "router.h"

enum { DontFragment = 0x4000, MostHostAddresses = IPVLAN_MAX_MASTER_ADDRESSES };

void RouterInitialize(Router *router, Epoch *epoch, uint64_t seed)
{
    *router = (Router){.Epoch = epoch};
    RouteTableInitialize(&router->Routes, epoch, seed);
    TableInitialize(&router->OwnFour, TableWide, epoch, seed);
    TableInitialize(&router->OwnSix, TableWide, epoch, seed);
    TableInitialize(&router->Broadcast, TableWide, epoch, seed);
    TableInitialize(&router->NeighborsFour, TableWide, epoch, seed);
    TableInitialize(&router->NeighborsSix, TableWide, epoch, seed);
}

static void DestroyNeighbors(Table *table)
{
    const TableSegment *segment;
    uint32_t cursor = 0, count;
    while (TableNextSegment(table, &cursor, &segment, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = TableSlotAt(table, segment, i).Value;
            if (value >= TableLeastValue)
                CoreFree((void *)(uintptr_t)value);
        }
    }
    TableDestroy(table);
}

void RouterDestroy(Router *router)
{
    RouteTableDestroy(&router->Routes);
    TableDestroy(&router->OwnFour);
    TableDestroy(&router->OwnSix);
    TableDestroy(&router->Broadcast);
    DestroyNeighbors(&router->NeighborsFour);
    DestroyNeighbors(&router->NeighborsSix);
    if (router->Prefixes != NULL)
        CoreFree(router->Prefixes);
    router->Prefixes = NULL;
}

// One more prefix has the key.
static bool CountUp(Table *table, uint64_t high, uint64_t low)
{
    uint64_t value = TableFind(table, high, low);
    if (value >= TableLeastValue)
        return TableReplace(table, high, low, value + 1);
    return TableAdd(table, high, low, TableLeastValue) == TableOk;
}

static void CountDown(Table *table, uint64_t high, uint64_t low)
{
    uint64_t value = TableFind(table, high, low);
    if (value > TableLeastValue)
        TableReplace(table, high, low, value - 1);
    else
        TableRemove(table, high, low);
}

// The broadcast address of an IPv4 prefix of 30 bits or less (RFC 919 section 7; RFC 3021 for 31).
static bool HasBroadcast(L3Address address, uint32_t length, uint64_t *broadcast)
{
    *broadcast = MaskedAddress(address, length).Low | (length >= 32 ? 0 : 0xffffffffu >> length);
    return address.Family == FamilyFour && length <= 30;
}

static bool IsLinkLocal(L3Address address) { return address.Family == FamilySix && address.High >> 54 == 0xfe80 >> 6; }

static bool ComesBefore(L3Address left, L3Address right)
{
    if (IsLinkLocal(left) != IsLinkLocal(right))
        return IsLinkLocal(right);
    if (left.Family != right.Family)
        return left.Family < right.Family;
    return left.High != right.High ? left.High < right.High : left.Low < right.Low;
}

static uint32_t IndexOf(const HostPrefixes *prefixes, L3Address address, uint32_t length)
{
    uint32_t i = 0, count = prefixes == NULL ? 0 : prefixes->Count;
    while (i < count && !(SameAddress(prefixes->Items[i].Address, address) && prefixes->Items[i].Length == length))
        i++;
    return i;
}

static HostPrefixes *NewPrefixes(uint32_t count)
{
    HostPrefixes *prefixes = CoreAllocate(sizeof(HostPrefixes) + sizeof(HostPrefix) * (size_t)count);
    if (prefixes != NULL)
        prefixes->Count = count;
    return prefixes;
}

static void PublishPrefixes(Router *router, HostPrefixes *built)
{
    HostPrefixes *old = router->Prefixes;
    STORE(router->Prefixes, built);
    if (old != NULL)
        EpochRetire(router->Epoch, &old->Retired, NULL);
}

static Table *OwnOf(Router *router, uint8_t family) { return family == FamilyFour ? &router->OwnFour : &router->OwnSix; }

PortResult RouterAddHostAddress(Router *router, L3Address address, uint32_t length)
{
    const HostPrefixes *old = router->Prefixes;
    uint32_t oldCount = old == NULL ? 0 : old->Count, before = 0;
    if (IndexOf(old, address, length) < oldCount)
        return PortExists;
    if (oldCount == MostHostAddresses)
        return PortLimitReached;
    HostPrefixes *built = NewPrefixes(oldCount + 1);
    if (built == NULL)
        return PortNoMemory;
    while (before < oldCount && ComesBefore(old->Items[before].Address, address))
        before++;
    if (oldCount > 0) {
        memcpy(built->Items, old->Items, sizeof(HostPrefix) * before);
        memcpy(built->Items + before + 1, old->Items + before, sizeof(HostPrefix) * (oldCount - before));
    }
    built->Items[before] = (HostPrefix){address, length};
    Route onLink = {0};
    uint64_t broadcast;
    bool hasBroadcast = HasBroadcast(address, length, &broadcast);
    if (!CountUp(OwnOf(router, address.Family), address.High, address.Low))
        goto free_prefixes;
    if (hasBroadcast && !CountUp(&router->Broadcast, 0, broadcast))
        goto release_own;
    if (RouteAdd(&router->Routes, address, length, &onLink) != RouteOk)
        goto release_broadcast;
    PublishPrefixes(router, built);
    return PortOk;

release_broadcast:
    if (hasBroadcast)
        CountDown(&router->Broadcast, 0, broadcast);
release_own:
    CountDown(OwnOf(router, address.Family), address.High, address.Low);
free_prefixes:
    CoreFree(built);
    return PortNoMemory;
}

PortResult RouterRemoveHostAddress(Router *router, L3Address address, uint32_t length)
{
    const HostPrefixes *old = router->Prefixes;
    uint32_t oldCount = old == NULL ? 0 : old->Count, at = IndexOf(old, address, length);
    if (at == oldCount)
        return PortAddressAbsent;
    HostPrefixes *built = NULL;
    if (oldCount > 1) {
        built = NewPrefixes(oldCount - 1);
        if (built == NULL)
            return PortNoMemory;
        memcpy(built->Items, old->Items, sizeof(HostPrefix) * at);
        memcpy(built->Items + at, old->Items + at + 1, sizeof(HostPrefix) * (built->Count - at));
    }
    Route onLink = {0};
    uint64_t broadcast;
    if (RouteRemove(&router->Routes, address, length, &onLink) == RouteNoMemory) {
        if (built != NULL)
            CoreFree(built);
        return PortNoMemory;
    }
    CountDown(OwnOf(router, address.Family), address.High, address.Low);
    if (HasBroadcast(address, length, &broadcast))
        CountDown(&router->Broadcast, 0, broadcast);
    PublishPrefixes(router, built);
    return PortOk;
}

static Table *NeighborsOf(Router *router, uint8_t family) { return family == FamilyFour ? &router->NeighborsFour : &router->NeighborsSix; }

static Neighbor *NeighborAt(uint64_t value) { return value < TableLeastValue ? NULL : (Neighbor *)(uintptr_t)value; }

PortResult RouterSetNeighbor(Router *router, L3Address address, Mac mac, uint64_t holdsUntil)
{
    Table *table = NeighborsOf(router, address.Family);
    Neighbor *old = NeighborAt(TableFind(table, address.High, address.Low));
    if (old != NULL && old->Mac == mac && old->HoldsUntil == holdsUntil)
        return PortOk;
    if (old == NULL && router->NeighborsFour.Count + router->NeighborsSix.Count >= IPVLAN_MAX_NEIGHBORS)
        return PortLimitReached;
    Neighbor *built = CoreAllocate(sizeof(Neighbor));
    if (built == NULL)
        return PortNoMemory;
    built->Mac = mac;
    built->HoldsUntil = holdsUntil;
    if (old != NULL) {
        TableReplace(table, address.High, address.Low, (uintptr_t)built);
        EpochRetire(router->Epoch, &old->Retired, NULL);
        return PortOk;
    }
    if (TableAdd(table, address.High, address.Low, (uintptr_t)built) == TableOk)
        return PortOk;
    CoreFree(built);
    return PortNoMemory;
}

bool RouterMayLearn(const Router *router, L3Address address, bool isWanted, uint64_t heldUntil)
{
    const Table *table = address.Family == FamilyFour ? &router->NeighborsFour : &router->NeighborsSix;
    const Neighbor *known = NeighborAt(TableFind(table, address.High, address.Low));
    return known == NULL ? isWanted : known->HoldsUntil != UINT64_MAX && known->HoldsUntil <= heldUntil;
}

PortResult RouterRemoveNeighbor(Router *router, L3Address address)
{
    Neighbor *old = NeighborAt(TableRemove(NeighborsOf(router, address.Family), address.High, address.Low));
    if (old == NULL)
        return PortAddressAbsent;
    EpochRetire(router->Epoch, &old->Retired, NULL);
    return PortOk;
}

static Decision Dropped(DropReason reason)
{
    return (Decision){.Action = ActionDrop, .Reason = (uint8_t)reason, .SendError = SendErrorNoBuffers};
}

static bool Has(const Table *table, L3Address address) { return TableFind(table, address.High, address.Low) >= TableLeastValue; }

// IPv4: no host sends those for another (31). IPv6: RFC 4291 section 2.7, scopes 0 and 1 stay on the host; RFC 2464 section 7, the MAC is
// made of the address.
static Decision DecideGroup(L3Address address, NextHop *hop)
{
    if (address.Family == FamilyFour || (address.High >> 48 & 15) <= 1)
        return Dropped(DropDestinationNotRoutable);
    hop->Mac = 0x333300000000u | (address.Low & 0xffffffffu);
    return (Decision){.Action = ActionRoute};
}

bool RouterTakes(const Router *router, uint32_t destination, uint32_t source)
{
    L3Address to = {.Low = destination, .Family = FamilyFour}, from = {.Low = source, .Family = FamilyFour};
    bool isHosts = destination == UINT32_MAX || Has(&router->OwnFour, to) || Has(&router->Broadcast, to);
    // A broadcast address is that, even if it is also the host's own.
    return isHosts && (!Has(&router->OwnFour, from) || Has(&router->Broadcast, from));
}

static Decision DecideNeighbor(const Router *router, const Route *route, uint64_t now, NextHop *hop)
{
    if (route->Gateway.Family != FamilyNone)
        hop->Address = route->Gateway;
    const Table *table = hop->Address.Family == FamilyFour ? &router->NeighborsFour : &router->NeighborsSix;
    const Neighbor *neighbor = NeighborAt(TableFind(table, hop->Address.High, hop->Address.Low));
    hop->Mac = neighbor == NULL ? 0 : neighbor->Mac;
    return (Decision){.Action = neighbor != NULL && neighbor->HoldsUntil >= now ? ActionRoute : ActionNeighborMissing};
}

Decision RouterDecide(const Router *router, const Frame *frame, uint32_t protocol, uint32_t ipMtu, uint64_t now, NextHop *hop)
{
    const uint8_t *packet = frame->Bytes + EtherHeaderLength;
    uint32_t length = frame->Length - EtherHeaderLength;
    bool mayFragment = false;
    if (protocol == TypeIpv4) {
        if (length < Ipv4MinLength || (packet[0] & 15) < 5)
            return Dropped(DropIpv4Header);
        hop->Address = ReadAddress(packet + 16, FamilyFour);
        // From the host to itself is no matter of sources (31, 32). A broadcast address is that, even if it is also the host's own.
        if (packet[12] == 127 && packet[16] != 127 && (!Has(&router->OwnFour, hop->Address) || Has(&router->Broadcast, hop->Address)))
            return Dropped(DropSourceNotRoutable);
        mayFragment = (Read16(packet + 6) & DontFragment) == 0;
    } else {
        if (length < Ipv6Length)
            return Dropped(DropIpv6Header);
        hop->Address = ReadAddress(packet + 24, FamilySix);
    }
    bool isFour = protocol == TypeIpv4;
    Decision decision;
    bool isBroadcast = isFour && (hop->Address.Low == UINT32_MAX || Has(&router->Broadcast, hop->Address));
    if (isBroadcast || IsMulticastAddress(hop->Address)) {
        decision = DecideGroup(hop->Address, hop);
    } else if (Has(isFour ? &router->OwnFour : &router->OwnSix, hop->Address)) {
        decision = (Decision){.Action = ActionRouteToHost};
    } else {
        const Route *route = RouteFind(&router->Routes, hop->Address);
        if (route == NULL || route->IsUnreachable)
            return Dropped(DropNoRoute);
        decision = DecideNeighbor(router, route, now, hop);
    }
    bool isLong = length > ipMtu && frame->LongestSegment - EtherHeaderLength > ipMtu;
    if (!isLong || (decision.Action != ActionRoute && decision.Action != ActionNeighborMissing))
        return decision;
    if (!mayFragment)
        return Dropped(DropMtuExceeded);
    decision.NeedsFragmenting = true;
    return decision;
}

bool RouterPickSource(const Router *router, uint8_t family, L3Address *source)
{
    const HostPrefixes *prefixes = LOAD(router->Prefixes);
    for (uint32_t i = 0; prefixes != NULL && i < prefixes->Count; i++) {
        if (prefixes->Items[i].Address.Family == family) {
            *source = prefixes->Items[i].Address;
            return true;
        }
    }
    return false;
}
