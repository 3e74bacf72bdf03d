#include "scenario.h"

// What the design says of offloads, l3 and neighbors, that no other scenario holds.

static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};

static NDIS_STATUS Query(FakeAdapter *adapter, NDIS_OID oid, void *buffer, uint32_t length, uint32_t *written)
{
    return FakeRequest(adapter, NdisRequestQueryInformation, oid, buffer, length, written);
}

static void OffloadsAreStripped(void)
{
    static const NDIS_OID told[] = {OID_TCP_OFFLOAD_CURRENT_CONFIG, OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES};
    uint8_t buffer[200];
    uint32_t written;
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    uint32_t before = one->MiniportRequests;
    for (uint32_t i = 0; i < 2; i++) {
        memset(buffer, 0xa5, sizeof(buffer));
        CHECK(Query(one, told[i], buffer, sizeof(buffer), &written) == NDIS_STATUS_SUCCESS && written == 156);
        // The header as the miniport has it, nothing that can be asked for.
        CHECK(buffer[0] == 0xa7 && buffer[1] == 3 && buffer[2] == 156);
        for (uint32_t j = 4; j < 156; j++)
            CHECK(buffer[j] == 0);
        CHECK(Query(one, told[i], buffer, 155, &written) == NDIS_STATUS_INVALID_LENGTH && written == 0);
        // The master's are its own.
        CHECK(Query(world->Master, told[i], buffer, sizeof(buffer), &written) == NDIS_STATUS_NOT_SUPPORTED);
    }
    CHECK(FakeRequest(one, NdisRequestSetInformation, OID_TCP_OFFLOAD_PARAMETERS, buffer, 40, NULL) == NDIS_STATUS_NOT_SUPPORTED);
    CHECK(one->MiniportRequests == before && world->Master->MiniportRequests > 0);
    // An adapter that told of none has none to tell of.
    FakeDetach(one);
    FakeHasOffload = false;
    WorldAttach(world, 2, (const uint8_t[]){6, 0, 0, 0, 1, 2});
    FakeHasOffload = true;
    one = world->StandIns[0];
    CHECK(one->OffloadIndications == 0 && Query(one, told[0], buffer, sizeof(buffer), &written) == NDIS_STATUS_NOT_SUPPORTED);
    // What of it is told later is passed on without.
    uint8_t offload[156] = {0xa7, 3, 156, 0, 1, 1};
    FakeIndicateStatus(one, NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, sizeof(offload));
    CHECK(one->OffloadIndications == 1 && Query(one, told[0], buffer, sizeof(buffer), &written) == NDIS_STATUS_SUCCESS && buffer[4] == 0);
    WorldDestroy(world);
}

static uint32_t Sum(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// Four segments of a stream at a place, in order.
static void CheckSegments(const World *world, uint64_t place)
{
    uint32_t next = 0, count = 0;
    for (uint32_t i = 0; i < world->SeenCount; i++) {
        const Seen *seen = &world->Seen[i];
        if (seen->Place != place)
            continue;
        uint32_t sequence = (uint32_t)seen->Bytes[40] << 8 | seen->Bytes[41];
        CHECK(sequence == next && Sum(seen->Bytes + 14, 20) == 0xffff && (seen->Bytes[16] << 8 | seen->Bytes[17]) == (int)seen->Length - 14);
        next = sequence + seen->Length - 54;
        count++;
    }
    CHECK(count == 4 && next == 350);
}

static void CoalescedSegmentsComeIn(void)
{
    uint8_t frame[512];
    for (uint32_t mode = IPVLAN_MODE_L2; mode <= IPVLAN_MODE_L3S; mode++) {
        for (int isBorrowed = 0; isBorrowed < 2; isBorrowed++) {
            World *world = WorldCreate(mode, IPVLAN_FLAG_BRIDGE, 1, true);
            FakeFrame made = {.Bytes = frame, .Pieces = 3, .Coalesced = 4, .Checksum = 8 | 32};
            made.Length = Tcp4(frame, MasterMac, Router, 99, 2);
            uint32_t sum = 0xffff - Sum(frame + 14, 20) + 0; // its header is right: l3s looks (rule 18b)
            sum += (uint32_t)frame[24] << 8 | frame[25];
            sum = (sum & 0xffff) + (sum >> 16);
            frame[24] = (uint8_t)(sum >> 8);
            frame[25] = (uint8_t)sum;
            PNET_BUFFER_LIST list = FakeMakeList(&made);
            FakeIndicate(world->Master, list, isBorrowed == 1);
            if (isBorrowed == 1)
                FakeFreeList(list);
            CheckSegments(world, 2);
            // One packet in the counters (semantics 55); in l3s the host has it too, as it came.
            CHECK(WorldStatus(world, 2).RxPackets == 1 && CountSeen(world, MasterLuid) == (mode == IPVLAN_MODE_L3S));
            CHECK(mode != IPVLAN_MODE_L3S || LastSeen(world, MasterLuid)->Length == made.Length);
            // The host's own stay whole.
            Forget(world);
            made.Length = Tcp4(frame, MasterMac, Router, 99, 1);
            FakeIndicate(world->Master, FakeMakeList(&made), false);
            CHECK(CountSeen(world, MasterLuid) == 1 && LastSeen(world, MasterLuid)->Length == made.Length);
            WorldDestroy(world);
        }
    }
}

static void LargeSendsAreRouted(void)
{
    uint8_t frame[512];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    FakeFrame made = {.Bytes = frame, .Pieces = 4, .LargeSend = 0x80000000u | 34 << 20 | 100};
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 98}, .Mac = {2, 0, 0, 0, 0, 98}};
    // To a sibling, to the host.
    made.Length = Tcp4(frame, Router, one->Mac, 2, 3);
    FakeSend(one, FakeMakeList(&made));
    FakeDrain();
    CheckSegments(world, 3);
    made.Length = Tcp4(frame, Router, one->Mac, 2, 1);
    FakeSend(one, FakeMakeList(&made));
    FakeDrain();
    CheckSegments(world, MasterLuid);
    // Waiting for its neighbor it is one packet; then it is cut.
    made.Length = Tcp4(frame, Router, one->Mac, 2, 98);
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 0);
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS);
    CheckSegments(world, 0);
    CHECK(LastSeen(world, 0)->Bytes[5] == 98 && memcmp(LastSeen(world, 0)->Bytes + 6, MasterMac, 6) == 0);
    Forget(world);
    FakeSend(one, FakeMakeList(&made));
    CheckSegments(world, 0);
    WorldDestroy(world);
}

static uint32_t Arp(uint8_t *frame, const uint8_t *destination, const uint8_t *mac, uint8_t operation, uint32_t sender, uint8_t target)
{
    memset(frame, 0, 60);
    memcpy(frame, destination, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, (const uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, operation}, 10);
    memcpy(frame + 22, mac, 6);
    for (uint32_t i = 0; i < 4; i++)
        frame[28 + i] = (uint8_t)(sender >> (24 - 8 * i));
    memcpy(frame + 38, (const uint8_t[]){10, 0, 0, target}, 4);
    return 60;
}

static void ProbesOfDuplicates(void)
{
    enum { NotIp = 4 };
    static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
    uint8_t frame[128];
    for (uint32_t mode = IPVLAN_MODE_L3; mode <= IPVLAN_MODE_L3S; mode++) {
        World *world = WorldCreate(mode, IPVLAN_FLAG_BRIDGE, 2, true);
        FakeAdapter *one = world->StandIns[0];
        CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_OPTIONS, 0, 0, IPVLAN_OPTION_ANSWER_RESOLUTION) == STATUS_SUCCESS);
        // A probe (for its own address and for a sibling's), an announcement: swallowed, so that no address seems taken.
        SendFrame(one, frame, Arp(frame, broadcast, one->Mac, 1, 0, 2));
        SendFrame(one, frame, Arp(frame, broadcast, one->Mac, 1, 0, 3));
        SendFrame(one, frame, Arp(frame, broadcast, one->Mac, 1, 0x0a000002, 2));
        FakeDrain();
        CHECK(world->SeenCount == 0 && world->LastStatus == NDIS_STATUS_SUCCESS && world->Completed == 3);
        // A solicitation from :: for fd00::2.
        memset(frame, 0, sizeof(frame));
        memcpy(frame, (const uint8_t[]){0x33, 0x33, 0xff, 0, 0, 2}, 6);
        memcpy(frame + 6, one->Mac, 6);
        memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255}, 10);
        frame[38] = 0xff;
        frame[54] = 135;
        frame[62] = 0xfd;
        frame[77] = 2;
        SendFrame(one, frame, 78);
        FakeDrain();
        CHECK(world->SeenCount == 0);
        // A question for any other address is answered with the master's MAC, also for a sibling's.
        SendFrame(one, frame, Arp(frame, broadcast, one->Mac, 1, 0x0a000002, 3));
        FakeDrain();
        CHECK(world->SeenCount == 1 && LastSeen(world, 2)->Bytes[21] == 2 && memcmp(LastSeen(world, 2)->Bytes + 22, MasterMac, 6) == 0);
        // Without the option, and in l2, they are frames as others.
        CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_OPTIONS, 0, 0, 0) == STATUS_SUCCESS);
        SendFrame(one, frame, Arp(frame, Router, one->Mac, 1, 0, 77));
        CHECK(WorldStatus(world, 2).Drops[NotIp] == 1);
        CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_OPTIONS, IPVLAN_MODE_L2, 0, IPVLAN_OPTION_ANSWER_RESOLUTION) == STATUS_SUCCESS);
        SendFrame(one, frame, Arp(frame, broadcast, one->Mac, 1, 0, 2));
        FakeDrain();
        CHECK(CountSeen(world, 0) == 1 && CountSeen(world, 3) == 1);
        WorldDestroy(world);
    }
}

static uint8_t RoutedTo(World *world, FakeAdapter *from, uint8_t address)
{
    uint8_t frame[128];
    uint32_t before = CountSeen(world, 0);
    SendFrame(from, frame, Udp4(frame, Router, from->Mac, 2, address, 10));
    return CountSeen(world, 0) == before ? 0 : LastSeen(world, 0)->Bytes[5];
}

static void NeighborsAreHeardAgain(void)
{
    const uint8_t macs[4][6] = {{2, 0, 0, 0, 0, 0xa0}, {2, 0, 0, 0, 0, 0xa1}, {2, 0, 0, 0, 0, 0xa2}, {2, 0, 0, 0, 0, 0xa3}};
    uint8_t frame[64];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    // Nobody asked for it: not learnt.
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[0], 2, 0x0a000063, 1));
    CHECK(WorldPortStatus(world).NeighborCount == 0 && RoutedTo(world, one, 99) == 0);
    // Waited for: learnt. At once another answer: not believed within a second, then it is.
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[0], 2, 0x0a000063, 1));
    CHECK(WorldPortStatus(world).NeighborCount == 1 && RoutedTo(world, one, 99) == 0xa0);
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[1], 2, 0x0a000063, 1));
    CHECK(RoutedTo(world, one, 99) == 0xa0);
    FakeAdvance(10000000);
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[1], 2, 0x0a000063, 1));
    CHECK(RoutedTo(world, one, 99) == 0xa1);
    // Each answer makes it hold for a minute more; without one it is over.
    FakeAdvance(59 * 10000000ull);
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[1], 2, 0x0a000063, 1));
    FakeAdvance(59 * 10000000ull);
    CHECK(RoutedTo(world, one, 99) == 0xa1);
    FakeAdvance(2 * 10000000ull);
    CHECK(RoutedTo(world, one, 99) == 0);
    // What the service set for ever is the service's to change; a group is nobody's MAC.
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 99}, .Mac = {2, 0, 0, 0, 0, 0xa2}};
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS);
    FakeAdvance(10000000);
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, macs[3], 2, 0x0a000063, 1));
    CHECK(RoutedTo(world, one, 99) == 0xa2);
    neighbor.HoldsFor = 20000000;
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS);
    ReceiveFrame(world->Master, frame, Arp(frame, MasterMac, (const uint8_t[]){3, 0, 0, 0, 0, 0xa3}, 2, 0x0a000063, 1));
    CHECK(RoutedTo(world, one, 99) == 0xa2);
    WorldDestroy(world);
}

// Of one neighbor no more than so many bytes wait, whatever the packets' number.
static void WaitingBytesAreBounded(void)
{
    enum { NeighborQueueFull = 11, Long = 60000 };
    uint8_t *frame = malloc(Long + 64);
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeFrame made = {.Bytes = frame, .LargeSend = 0x80000000u | 34 << 20 | 1400};
    made.Length = Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, Long);
    frame[23] = 6;
    frame[46] = 0x50;
    for (uint32_t i = 0; i < 6; i++)
        FakeSend(world->StandIns[0], FakeMakeList(&made));
    CHECK(WorldPortStatus(world).Drops[NeighborQueueFull] == 2);
    FakeAdvance(10000000);
    FakeAdvance(30000000);
    CHECK(WorldPortStatus(world).Drops[9] == 4);
    WorldDestroy(world);
    free(frame);
}

const Scenario FlowScenarios[] = {
    {"offloads are stripped: OIDs, status, attributes", OffloadsAreStripped},
    {"coalesced segments come in, in each mode", CoalescedSegmentsComeIn},
    {"large sends are routed", LargeSendsAreRouted},
    {"l3, l3s: probes of duplicates", ProbesOfDuplicates},
    {"l3: neighbors are heard again", NeighborsAreHeardAgain},
    {"l3: bytes that wait are bounded", WaitingBytesAreBounded},
    {NULL, NULL},
};
