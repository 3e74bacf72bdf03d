#include "scenario.h"

// The control device: hostile requests get a status and change nothing; events and their pended requests.

// A request of any length: what it is longer than its structure is zero.
static NTSTATUS RawBytes(World *world, uint32_t code, const void *request, size_t size, uint32_t inputLength, uint32_t outputLength)
{
    uint8_t *buffer = calloc(1, 80000);
    memcpy(buffer, request, size);
    NTSTATUS status = FakeControl(world->File, code, buffer, inputLength, outputLength, NULL);
    free(buffer);
    return status;
}

#define Raw(world, code, request, inputLength, outputLength) RawBytes(world, code, request, sizeof(*(request)), inputLength, outputLength)

static void HostileRequests(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    IPVLAN_PORT port = {.Header = {sizeof(port), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid};
    IPVLAN_INTERFACE member = {.Header = {sizeof(member), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .StandInLuid = 2};
    IPVLAN_CHANGES changes = {.Header = {sizeof(changes), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid};
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    IPVLAN_PORT_STATUS before = WorldPortStatus(world);
    // Lengths.
    for (uint32_t function = 0x800; function <= 0x80c; function++) {
        for (uint32_t length = 0; length < 8; length++)
            CHECK(Raw(world, IPVLAN_IOCTL(function), &port, length, 4096) == STATUS_INVALID_PARAMETER);
        port.Header.Version = IPVLAN_ABI_VERSION - 1;
        CHECK(Raw(world, IPVLAN_IOCTL(function), &port, 8, 4096) == STATUS_REVISION_MISMATCH);
        port.Header.Version = IPVLAN_ABI_VERSION;
    }
    CHECK(Raw(world, IPVLAN_IOCTL(0x80d), &port, sizeof(port), 0) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(Raw(world, 0, &port, sizeof(port), 0) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port) - 1, 0) == STATUS_INVALID_PARAMETER);
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port) + 1, 0) == STATUS_INVALID_PARAMETER);
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_PORT, &port, sizeof(port), sizeof(IPVLAN_PORT_STATUS) - 1) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_INTERFACE, &member, sizeof(member), 8) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_GROUPS, &member, sizeof(member), sizeof(IPVLAN_GROUPS) - 1) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_CAPABILITIES, &header, sizeof(header), 8) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_CAPABILITIES, &header, sizeof(header), 56) == STATUS_SUCCESS);
    CHECK(Raw(world, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), 8) == STATUS_BUFFER_TOO_SMALL);
    // Values.
    port.Fields = IPVLAN_SET_MODE;
    port.Mode = 3;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port), 0) == STATUS_INVALID_PARAMETER);
    port.Fields = IPVLAN_SET_FLAG;
    port.Flag = UINT32_MAX;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port), 0) == STATUS_INVALID_PARAMETER);
    port.Fields = 0x80;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port), 0) == STATUS_INVALID_PARAMETER);
    port.Fields = IPVLAN_SET_OPTIONS;
    port.Options = 2;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_PORT, &port, sizeof(port), 0) == STATUS_INVALID_PARAMETER);
    port.Fields = 0;
    CHECK(Raw(world, IOCTL_IPVLAN_ADD_PORT, &port, sizeof(port), 0) == STATUS_OBJECT_NAME_COLLISION);
    port.MasterLuid = 2;
    CHECK(Raw(world, IOCTL_IPVLAN_ADD_PORT, &port, sizeof(port), 0) == STATUS_OBJECT_NAME_COLLISION);
    port.MasterLuid = 55;
    CHECK(Raw(world, IOCTL_IPVLAN_REMOVE_PORT, &port, sizeof(port), 0) == STATUS_NOT_FOUND);
    port.Header.Reserved = 1;
    CHECK(Raw(world, IOCTL_IPVLAN_ADD_PORT, &port, sizeof(port), 0) == STATUS_INVALID_PARAMETER);
    port.Header.Reserved = 0;
    for (uint64_t luid = 100; luid < 100 + IPVLAN_MAX_PORTS; luid++) {
        port.MasterLuid = luid;
        NTSTATUS expected = luid < 100 + IPVLAN_MAX_PORTS - 1 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
        CHECK(Raw(world, IOCTL_IPVLAN_ADD_PORT, &port, sizeof(port), 0) == expected);
    }
    CHECK(Raw(world, IOCTL_IPVLAN_ADD_INTERFACE, &member, sizeof(member), 0) == STATUS_OBJECT_NAME_COLLISION);
    member.Fields = IPVLAN_SET_MTU;
    member.Mtu = 67;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member), 0) == STATUS_INVALID_PARAMETER);
    member.Mtu = 1501;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member), 0) == STATUS_INVALID_PARAMETER);
    member.StandInLuid = 77;
    CHECK(Raw(world, IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member), 0) == STATUS_NOT_FOUND);
    // Counts.
    changes.Count = UINT32_MAX;
    CHECK(Raw(world, IOCTL_IPVLAN_CHANGE, &changes, sizeof(changes), 4096) == STATUS_INVALID_PARAMETER);
    changes.Count = IPVLAN_MAX_CHANGES + 1;
    CHECK(Raw(world, IOCTL_IPVLAN_CHANGE, &changes, sizeof(changes), 4096) == STATUS_INVALID_PARAMETER);
    changes.Count = 1;
    CHECK(Raw(world, IOCTL_IPVLAN_CHANGE, &changes, sizeof(changes), 4096) == STATUS_INVALID_PARAMETER);
    CHECK(Raw(world, IOCTL_IPVLAN_CHANGE, &changes, sizeof(changes) + sizeof(IPVLAN_ITEM), 95) == STATUS_BUFFER_TOO_SMALL);
    changes.Count = 0;
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes), sizeof(changes)) == STATUS_BUFFER_TOO_SMALL);
    changes.Cursor = UINT32_MAX;
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes), sizeof(changes)) == STATUS_SUCCESS);
    changes.MasterLuid = 3;
    CHECK(Raw(world, IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes), 75000) == STATUS_NOT_FOUND);
    // Items.
    static const IPVLAN_ITEM bad[] = {
        {.Kind = 0, .Family = 4},
        {.Kind = 6, .Family = 4},
        {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 2, .Mac = {2}},
        {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 9, .Mac = {1}},
        {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 2, .Mac = {1}, .Family = 4},
        {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 2, .Mac = {1}, .PrefixLength = 1},
        {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 2, .Mac = {1}, .Flags = IPVLAN_ITEM_REMOVE},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 5, .StandInLuid = 2},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 33, .StandInLuid = 2},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 6, .PrefixLength = 129, .StandInLuid = 2},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 24, .StandInLuid = 9},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 24, .StandInLuid = 2, .Address = {10, 0, 0, 3}},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 24, .StandInLuid = 2, .Flags = 4},
        {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 24, .StandInLuid = 2, .Reserved = 1},
        {.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .GatewayFamily = 7},
        {.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .PrefixLength = 9, .Flags = IPVLAN_ITEM_REMOVE},
        {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .Mac = {1}},
        {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 6, .Flags = IPVLAN_ITEM_REMOVE},
        {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 4, .PrefixLength = 24, .Address = {10, 0, 0, 1}},
        {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 4, .PrefixLength = 25, .Address = {10, 0, 0, 1}, .Flags = IPVLAN_ITEM_REMOVE},
    };
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(WorldChange(world, &bad[i]) == STATUS_UNSUCCESSFUL);
    IPVLAN_PORT_STATUS after = WorldPortStatus(world);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    WorldDestroy(world);
}

static void ItemsComeAndGo(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_PORT_STATUS before = WorldPortStatus(world);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            uint8_t flags = round == 0 ? 0 : IPVLAN_ITEM_REMOVE, high = (uint8_t)(i >> 8), low = (uint8_t)i;
            const IPVLAN_ITEM items[] = {
                {.Kind = IPVLAN_ITEM_ADDRESS, .Flags = flags, .Family = 4, .PrefixLength = 16, .StandInLuid = 2, .Address = {10, 1, high, low}},
                {.Kind = IPVLAN_ITEM_ADDRESS, .Flags = flags, .Family = 6, .PrefixLength = 64, .StandInLuid = 2, .Address = {0xfd, 1, [14] = high, low}},
                {.Kind = IPVLAN_ITEM_ROUTE, .Flags = flags, .Family = 4, .PrefixLength = (uint8_t)(8 + i % 25), .Metric = i, .Address = {20, high, low},
                 .GatewayFamily = 4, .Gateway = {10, 0, 0, 9}},
                {.Kind = IPVLAN_ITEM_NEIGHBOR, .Flags = flags, .Family = 6, .PrefixLength = 128, .Address = {0xfe, 0x80, [14] = high, low}, .Mac = {2, 2}, .HoldsFor = i},
            };
            for (int j = 0; j < 4; j++)
                CHECK(WorldChange(world, &items[j]) == STATUS_SUCCESS);
            if (i < 200) {
                IPVLAN_ITEM host = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Flags = flags, .Family = i % 2 == 0 ? 4 : 6, .PrefixLength = 20, .Address = {172, 16, high, low}};
                CHECK(WorldChange(world, &host) == STATUS_SUCCESS);
            }
        }
        IPVLAN_PORT_STATUS status = WorldPortStatus(world);
        CHECK(round == 1 || (status.AddressCount == 6002 && status.NeighborCount == 3000 && status.RouteCount == before.RouteCount + 3200 - 0));
    }
    IPVLAN_PORT_STATUS after = WorldPortStatus(world);
    CHECK(after.AddressCount == before.AddressCount && after.RouteCount == before.RouteCount && after.NeighborCount == before.NeighborCount);
    WorldDestroy(world);
}

static FakePendedControl *Wait(World *world)
{
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    return FakeBeginControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(IPVLAN_EVENT));
}

static void EventsPend(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_EVENT event;
    FakePendedControl *waiting[17];
    // What happened before is told first, in order.
    const IPVLAN_EVENT before[] = {
        {.Kind = IPVLAN_EVENT_ATTACHED, .Luid = MasterLuid},
        {.Kind = IPVLAN_EVENT_MASTER_CHANGED, .MasterLuid = MasterLuid},
        {.Kind = IPVLAN_EVENT_ATTACHED, .Luid = FirstStandIn},
    };
    for (uint32_t i = 0; i < 3; i++) {
        FakePendedControl *told = Wait(world);
        CHECK(FakePendedStatus(told, &event, NULL) == STATUS_SUCCESS && event.Kind == before[i].Kind && event.Luid == before[i].Luid);
        CHECK(event.MasterLuid == before[i].MasterLuid);
        FakeEndControl(told);
    }
    for (uint32_t i = 0; i < 17; i++)
        waiting[i] = Wait(world);
    CHECK(FakePendedStatus(waiting[16], NULL, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(FakePendedStatus(waiting[15], NULL, NULL) == STATUS_PENDING);
    CHECK(FakeCancelControl(waiting[0]) && FakePendedStatus(waiting[0], NULL, NULL) == STATUS_CANCELLED && !FakeCancelControl(waiting[0]));
    WorldAttach(world, 7, (const uint8_t[]){6, 0, 0, 0, 1, 7});
    CHECK(FakePendedStatus(waiting[1], &event, NULL) == STATUS_SUCCESS && event.Luid == 7);
    // A handle that closes takes its requests with it, another's stay.
    FakeFile *other = FakeOpen(), *own = world->File;
    world->File = other;
    FakePendedControl *others = Wait(world);
    FakeClose(own);
    for (uint32_t i = 2; i < 16; i++)
        CHECK(FakePendedStatus(waiting[i], NULL, NULL) == STATUS_CANCELLED);
    for (uint32_t i = 0; i < 17; i++)
        FakeEndControl(waiting[i]);
    FakeDetach(world->StandIns[5]);
    CHECK(FakePendedStatus(others, &event, NULL) == STATUS_SUCCESS && event.Kind == IPVLAN_EVENT_DETACHED && event.Luid == 7);
    FakeEndControl(others);
    // More than the queue holds: how many were lost is told.
    for (uint32_t i = 0; i < IPVLAN_MAX_EVENTS; i++) {
        WorldAttach(world, 7, (const uint8_t[]){6, 0, 0, 0, 1, 7});
        FakeDetach(world->StandIns[5]);
    }
    for (uint32_t i = 0; i <= IPVLAN_MAX_EVENTS; i++) {
        FakePendedControl *told = Wait(world);
        CHECK(FakePendedStatus(told, &event, NULL) == STATUS_SUCCESS);
        FakeEndControl(told);
    }
    CHECK(event.Kind == IPVLAN_EVENT_LOST && event.Count == IPVLAN_MAX_EVENTS);
    WorldDestroy(world);
}

// A master that pauses, loses its link, sleeps or has another MTU: told once, and only where something is new.
static void MasterChangesAreTold(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_EVENT event;
    for (uint32_t i = 0; i < 3; i++) {
        FakePendedControl *told = Wait(world);
        CHECK(FakePendedStatus(told, NULL, NULL) == STATUS_SUCCESS);
        FakeEndControl(told);
    }
    for (uint32_t i = 0; i < 7; i++) {
        FakePendedControl *waiting = Wait(world);
        switch (i) {
        case 0:
            FakePause(world->Master);
            break;
        case 1:
            world->Master->IpMtu = 1400;
            FakeRestart(world->Master);
            break;
        case 2:
            FakeSetLink(world->Master, false);
            break;
        case 3:
            // Nothing new, and a stand-in's link is nobody's business.
            FakeSetLink(world->Master, false);
            FakePause(world->StandIns[0]);
            FakeRestart(world->StandIns[0]);
            CHECK(FakePendedStatus(waiting, NULL, NULL) == STATUS_PENDING);
            FakeSetLink(world->Master, true);
            break;
        case 4:
            FakeSetPower(world->Master, 4);
            break;
        case 5:
            FakeSetPower(world->Master, NdisDeviceStateD0);
            break;
        default:
            FakeSurpriseRemove(world->Master);
            break;
        }
        CHECK(FakePendedStatus(waiting, &event, NULL) == STATUS_SUCCESS && event.Kind == IPVLAN_EVENT_MASTER_CHANGED && event.MasterLuid == MasterLuid);
        CHECK((WorldPortStatus(world).IsUp != 0) == (i == 1 || i == 3 || i == 5) && WorldPortStatus(world).Mtu == (i == 0 ? 1500 : 1400));
        FakeEndControl(waiting);
    }
    WorldDestroy(world);
}

static void UseAfterClose(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 0, true);
    FakeFile file = {0};
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    uint8_t buffer[64];
    memcpy(buffer, &header, sizeof(header));
    CHECK(FakeControl(&file, IOCTL_IPVLAN_QUERY_CAPABILITIES, buffer, sizeof(header), sizeof(buffer), NULL) == STATUS_INVALID_DEVICE_REQUEST);
    WorldDestroy(world);
}

const Scenario RequestScenarios[] = {
    {"hostile requests", HostileRequests},
    {"thousands of items come and go", ItemsComeAndGo},
    {"events pend, are cancelled, overflow", EventsPend},
    {"a master's changes are told", MasterChangesAreTold},
    {"use after close", UseAfterClose},
    {NULL, NULL},
};
