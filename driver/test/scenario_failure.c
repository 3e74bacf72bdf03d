#include "scenario.h"

// Every allocation fails once, at its own turn, in a run that goes through all parts; nothing is lost, leaked or given back twice.

static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255}, Router[6] = {2, 0, 0, 0, 0, 0xfe};

static void Traffic(World *world)
{
    uint8_t frame[2048];
    FakeAdapter *one = world->StandIns[0];
    FakeFrame large = {.Bytes = frame, .Pieces = 2, .LargeSend = 0x80000000u | 100};
    FakeFrame more = {.Bytes = frame, .Length = 60}, both = {.Bytes = frame, .Length = 60, .Next = &more};
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
    SendFrame(one, frame, Udp4(frame, MasterMac, MasterMac, 2, 200, 10));
    FakeDrain();
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 2, 10));
    ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Router, 99, 255, 10));
    FakeIndicate(world->Master, FakeMakeList(&both), false);
    large.Length = Udp4(frame, MasterMac, one->Mac, 2, 3, 362);
    frame[23] = 6;
    frame[46] = 0x50;
    FakeSend(one, FakeMakeList(&large));
    frame[33] = 99;
    memcpy(frame, Router, 6);
    FakeSend(one, FakeMakeList(&large));
    FakeDrain();
    // Routed, with and without a neighbor, and back.
    (void)WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_OPTIONS, IPVLAN_MODE_L3, 0, IPVLAN_OPTION_ANSWER_RESOLUTION);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 98, 10));
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
    IPVLAN_ITEM given = {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = FirstStandIn, .Mac = {1, 0, 0x5e, 0, 0, 9}};
    (void)WorldChange(world, &given);
    given.Flags = IPVLAN_ITEM_REMOVE;
    (void)WorldChange(world, &given);
    uint32_t filter = 11;
    (void)FakeRequest(world->Master, NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 4, NULL);
    (void)FakeRequest(world->Master, NdisRequestQueryInformation, 0x12345, groups, 12, NULL);
    FakeSetLink(world->Master, false);
    FakeSetLink(world->Master, true);
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
            world->Master->State == FakeRunning)
            Traffic(world);
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

const Scenario FailureScenarios[] = {
    {"every allocation fails once", Sweep},
    {NULL, NULL},
};
