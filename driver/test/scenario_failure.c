#include "scenario.h"

#if !defined(KM_LOADED)
#include "../filter/filter.h"
#endif

// Every allocation fails once, at its own turn, in a run that goes through all parts; nothing is lost, leaked or given back twice.

static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255}, Gateway[6] = {2, 0, 0, 0, 0, 0xfe};

static void Traffic(World *world)
{
    uint8_t frame[2048];
    FakeAdapter *one = world->StandIns[0];
    FakeFrame large = {.Bytes = frame, .Pieces = 2, .LargeSend = 0x80000000u | 100};
    FakeFrame more = {.Bytes = frame, .Length = 60}, both = {.Bytes = frame, .Length = 60, .Next = &more};
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 99, 10));
    SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
    SendFrame(one, frame, Udp4(frame, MasterMac, MasterMac, 2, 200, 10));
    FakeDrain();
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Gateway, 99, 2, 10));
    ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Gateway, 99, 255, 10));
    FakeIndicate(world->Master, FakeMakeList(&both), false);
    large.Length = Udp4(frame, MasterMac, one->Mac, 2, 3, 362);
    frame[23] = 6;
    frame[46] = 0x50;
    FakeSend(one, FakeMakeList(&large));
    frame[33] = 99;
    memcpy(frame, Gateway, 6);
    FakeSend(one, FakeMakeList(&large));
    FakeDrain();
    // Routed, with and without a neighbor, and back.
    (void)WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_OPTIONS, IPVLAN_MODE_L3, 0, IPVLAN_OPTION_ANSWER_RESOLUTION);
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 98, 10));
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 1, 10));
    const uint8_t request[42] = {255, 255, 255, 255, 255, 255, 6, 0, 0, 0, 1, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 6, 0, 0, 0, 1, 2, 10, 0, 0, 2, [38] = 10, 0, 0, 98};
    SendFrame(one, request, sizeof(request));
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 98}, .Mac = {2, 0, 0, 0, 0, 98}};
    (void)WorldChange(world, &neighbor);
    IPVLAN_ITEM six = {.Kind = IPVLAN_ITEM_ROUTE, .Family = 6, .PrefixLength = 64, .Address = {0x20, 1}};
    (void)WorldChange(world, &six);
    six.Flags = IPVLAN_ITEM_REMOVE;
    (void)WorldChange(world, &six);
    for (uint32_t i = 0; i < 1100; i++) {
        IPVLAN_ITEM address = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 8, .StandInLuid = 2, .Address = {11, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        (void)WorldChange(world, &address);
    }
    uint8_t groups[12] = {1, 0, 0x5e, 0, 0, 1, 1, 0, 0x5e, 0, 0, 2};
    (void)FakeRequest(one, NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, groups, 12, NULL);
    uint32_t filter = 11;
    (void)FakeRequest(world->Master, NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 4, NULL);
    (void)FakeRequest(world->Master, NdisRequestQueryInformation, 0x12345, groups, 12, NULL);
    FakeSetLink(world->Master, false);
    FakeSetLink(world->Master, true);
    FakeDrain();
}

static void Change(World *world, IPVLAN_ITEM item)
{
    (void)WorldChange(world, &item);
    item.Metric++;
    (void)WorldChange(world, &item);
    item.Flags = IPVLAN_ITEM_REMOVE;
    (void)WorldChange(world, &item);
    item.Metric--;
    (void)WorldChange(world, &item);
}

// What is routed, learnt, cut and told, in l3.
static void MoreTraffic(World *world)
{
    uint8_t frame[2048], offload[156] = {0xa7, 3, 156, 0, 1, 1};
    FakeAdapter *one = world->StandIns[0];
    IPVLAN_ITEM second = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 4, .PrefixLength = 16, .Address = {172, 16, 0, 1}};
    IPVLAN_ITEM six = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 6, .PrefixLength = 64, .Address = {0xfd, [15] = 1}};
    Change(world, (IPVLAN_ITEM){.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .PrefixLength = 24, .Address = {30, 1, 1}, .GatewayFamily = 4, .Gateway = {10, 0, 0, 7}});
    (void)WorldChange(world, &second);
    (void)WorldChange(world, &six);
    second.Flags = IPVLAN_ITEM_REMOVE;
    (void)WorldChange(world, &second);
    // Waited for, and learnt.
    const uint8_t reply[42] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x60, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 0x60, 10, 0, 0, 97, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1};
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 97, 10));
    ReceiveFrame(world->Master, reply, sizeof(reply));
    FakeIndicateStatus(one, NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, sizeof(offload));
    FakeFrame large = {.Bytes = frame, .Pieces = 4, .LargeSend = 0x80000000u | 100};
    large.Length = Tcp4(frame, Gateway, one->Mac, 2, 1);
    FakeSend(one, FakeMakeList(&large));
    FakeFrame coalesced = {.Bytes = frame, .Pieces = 4, .Coalesced = 4};
    coalesced.Length = Tcp4(frame, MasterMac, Gateway, 99, 2);
    FakeIndicate(world->Master, FakeMakeList(&coalesced), false);
#if !defined(KM_LOADED)
    // Longer than the master takes, as in scenario_core.c: fragments, and an answer.
    VirtualInterface *member = ControlFindInterface(&TheDriver.Control, 2);
    PortRead(member->Port)->IpMtu = 600;
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 97, 1000));
    uint32_t length = Udp4(frame, Gateway, one->Mac, 2, 97, 1000);
    frame[20] = 0;
    SendFrame(one, frame, length);
#endif
    FakeDrain();
}

static void Sweep(void)
{
    uint64_t failures = 0;
    for (uint64_t number = 0;; number++) {
        World *world;
        FakeFailAllocation(number);
        NTSTATUS status = WorldTryCreate(&world, IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2);
        if (status == STATUS_SUCCESS && world->StandIns[0]->State == FakeRunning && world->StandIns[1]->State == FakeRunning &&
            world->Master->State == FakeRunning) {
            Traffic(world);
            MoreTraffic(world);
        }
        bool isOver = FakeAllocations() <= number;
        FakeFailAllocation(UINT64_MAX);
        if (world != NULL)
            WorldDestroy(world);
        if (isOver)
            break;
        failures++;
    }
    (void)printf("  %llu allocations failed once each\n", (unsigned long long)failures);
    CHECK(failures > 100);
}

// Each allocation of a change fails once, then the change is made: before that it made none.
static void MadeAtLast(World *world, const IPVLAN_ITEM *item)
{
    for (uint64_t number = 0;; number++) {
        IPVLAN_PORT_STATUS before = WorldPortStatus(world);
        FakeFailAllocation(number);
        NTSTATUS status = WorldChange(world, item);
        bool wasAsked = FakeAllocations() > number;
        FakeFailAllocation(UINT64_MAX);
        IPVLAN_PORT_STATUS after = WorldPortStatus(world);
        // A removal may do without what it asked for.
        if (status == STATUS_SUCCESS)
            return;
        CHECK(wasAsked && memcmp(&before, &after, sizeof(before)) == 0);
    }
}

static void MapsThatGrow(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_PORT_STATUS before = WorldPortStatus(world);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 200; i++) {
            uint8_t flags = round == 0 ? 0 : IPVLAN_ITEM_REMOVE, low = (uint8_t)(i + 3);
            const IPVLAN_ITEM items[] = {
                {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Flags = flags, .Family = 4, .PrefixLength = 24, .Address = {10, 0, (uint8_t)(i % 2), low}},
                {.Kind = IPVLAN_ITEM_ROUTE, .Flags = flags, .Family = 4, .PrefixLength = 32, .Address = {20, 0, 0, low}, .GatewayFamily = 4, .Gateway = {10, 0, 0, 9}},
                {.Kind = IPVLAN_ITEM_NEIGHBOR, .Flags = flags, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, low}, .Mac = {2}},
                {.Kind = IPVLAN_ITEM_ADDRESS, .Flags = flags, .Family = 6, .PrefixLength = 64, .StandInLuid = 2, .Address = {0xfd, 9, [15] = low}},
            };
            for (uint32_t j = 0; j < 4; j++)
                MadeAtLast(world, &items[j]);
        }
    }
    IPVLAN_PORT_STATUS after = WorldPortStatus(world);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    // Places that are gone have to be cleared away, at last: that takes memory too.
    for (uint32_t i = 0; i < 3000; i++) {
        IPVLAN_ITEM item = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 7, (uint8_t)(i >> 8), (uint8_t)i}, .Mac = {2}};
        MadeAtLast(world, &item);
        item.Flags = IPVLAN_ITEM_REMOVE;
        MadeAtLast(world, &item);
    }
    WorldDestroy(world);
}

#if defined(FAKE_SITES)
#include <execinfo.h>

static uint32_t unfailed;

static void Name(void *const *frames, uint32_t depth)
{
    unfailed++;
    (void)fflush(stdout);
    while (depth > 0 && frames[depth - 1] == NULL)
        depth--;
    backtrace_symbols_fd(frames, (int)depth, 1);
    (void)printf("  ^ never failed\n");
    (void)fflush(stdout);
}

// Of every place in the driver from which any scenario so far made it allocate.
static void EveryPlace(void)
{
    uint32_t places = FakeSites(Name);
    (void)printf("  %u places allocate\n", places);
    (void)fflush(stdout);
    CHECK(unfailed == 0 && places > 40);
}
#endif

const Scenario FailureScenarios[] = {
    {"every allocation fails once", Sweep},
    {"maps that grow without memory", MapsThatGrow},
#if defined(FAKE_SITES)
    {"every place that allocates has failed", EveryPlace},
#endif
    {NULL, NULL},
};
