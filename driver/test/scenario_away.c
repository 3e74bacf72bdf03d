#include "scenario.h"

// Low power, surprise removal, link, statistics, the union of groups, bulk changes and closing, as the design has them.

static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};
static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255};
enum { MasterDown = 12, DeviceQueueFull = 20, Asleep = 4, Awake = 1 };

static void SleepOfEitherSide(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0], *two = world->StandIns[1];
    // A stand-in sleeps: what is for it is dropped, counted, and nothing of it is held; others go on.
    FakeSetPower(two, Asleep);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 3, 10));
    ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Router, 99, 255, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 0 && CountSeen(world, 2) == 1 && WorldStatus(world, 3).Drops[DeviceQueueFull] == 3);
    FakeSetPower(two, Awake);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1);
    // The master sleeps: siblings go on; the wire and the host do not, neither at once nor from a queue.
    KIRQL irql = FakeRaise();
    SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
    FakeSetProcessor(1);
    FakeLower(irql);
    FakeSetPower(world->Master, Asleep);
    FakeSetProcessor(0);
    Forget(world);
    FakeDrain();
    CHECK(CountSeen(world, 0) == 0 && CountSeen(world, 3) == 1);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    SendFrame(one, frame, Udp4(frame, MasterMac, MasterMac, 2, 200, 10));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 0 && CountSeen(world, 3) == 2 && CountSeen(world, MasterLuid) == 0);
    CHECK(WorldPortStatus(world).Drops[MasterDown] >= 1 && !WorldPortStatus(world).IsUp);
    // Awake again: the union is put back.
    world->Master->Filter = world->Master->MacBytes = 0;
    uint8_t group[6] = {1, 0, 0x5e, 0, 0, 7};
    CHECK(FakeRequest(two, NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, group, 6, NULL) == NDIS_STATUS_SUCCESS);
    world->Master->MacBytes = 0;
    FakeSetPower(world->Master, Awake);
    CHECK(WorldPortStatus(world).IsUp && world->Master->MacBytes == 6 && (world->Master->Filter & NDIS_PACKET_TYPE_MULTICAST) != 0);
    WorldDestroy(world);
}

static void RemovedBySurprise(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0], *two = world->StandIns[1];
    FakeSurpriseRemove(two);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 0 && WorldStatus(world, 3).Drops[DeviceQueueFull] == 1);
    // Power does not bring it back; a new one does.
    FakeSetPower(two, Asleep);
    FakeSetPower(two, Awake);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 0);
    FakeDetach(two);
    WorldAttach(world, 3, (const uint8_t[]){6, 0, 0, 0, 1, 3});
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1);
    // The master, with frames of ours still at its miniport: those come back, no more go.
    world->HoldsSends = true;
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    FakeSurpriseRemove(world->Master);
    CHECK(world->HeldCount == 1 && !WorldPortStatus(world).IsUp && one->LastLink.MediaConnectState == MediaConnectStateDisconnected);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    CHECK(world->HeldCount == 1 && WorldPortStatus(world).Drops[MasterDown] == 1);
    WorldGiveBack(world);
    FakeDetach(world->Master);
    WorldAttach(world, MasterLuid, MasterMac);
    CHECK(WorldPortStatus(world).IsUp && one->LastLink.MediaConnectState == MediaConnectStateConnected);
    WorldDestroy(world);
}

static void SpeedAndMtuFollow(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    world->Master->Speed = 2500000000;
    FakeSetLink(world->Master, true);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(world->StandIns[i]->LastLink.XmitLinkSpeed == 2500000000 && world->StandIns[i]->LastLink.RcvLinkSpeed == 2500000000);
    // A stand-in that restarts hears it again, from a master that is down too.
    FakeSetLink(world->Master, false);
    FakePause(world->StandIns[0]);
    memset(&world->StandIns[0]->LastLink, 0, sizeof(world->StandIns[0]->LastLink));
    FakeRestart(world->StandIns[0]);
    CHECK(world->StandIns[0]->LastLink.MediaConnectState == MediaConnectStateDisconnected);
    // The master's MTU at its restart, and the interfaces' with it; one that no adapter can have is not believed.
    FakePause(world->Master);
    world->Master->IpMtu = 9000;
    FakeRestart(world->Master);
    CHECK(WorldPortStatus(world).Mtu == 9000 && WorldStatus(world, 2).Mtu == 9000);
    FakePause(world->Master);
    world->Master->IpMtu = 20;
    FakeRestart(world->Master);
    CHECK(WorldPortStatus(world).Mtu == 9000);
    // Another MAC comes with another attachment, and holds for all at once (rule 49).
    const uint8_t mac[6] = {2, 0, 0, 0, 7, 7};
    FakeDetach(world->Master);
    WorldAttach(world, MasterLuid, mac);
    CHECK(memcmp(WorldPortStatus(world).Mac, mac, 6) == 0);
    uint8_t frame[128];
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(memcmp(LastSeen(world, 0)->Bytes + 6, mac, 6) == 0);
    WorldDestroy(world);
}

static void StatisticsAreThePorts(void)
{
    uint8_t frame[128];
    NDIS_STATISTICS_INFO statistics;
    uint32_t written;
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_PRIVATE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    uint32_t length = Udp4(frame, Router, one->Mac, 2, 99, 10);
    SendFrame(one, frame, length);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10)); // private: dropped
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 2, 10));
    ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Router, 99, 255, 10));
    FakeDrain();
    for (int type = NdisRequestQueryInformation; type <= NdisRequestQueryStatistics; type += 2) {
        uint32_t before = one->MiniportRequests;
        memset(&statistics, 0xa5, sizeof(statistics));
        CHECK(FakeRequest(one, type, OID_GEN_STATISTICS, &statistics, sizeof(statistics), &written) == NDIS_STATUS_SUCCESS && written == sizeof(statistics));
        CHECK(statistics.Header.Size == sizeof(statistics) && statistics.ifHCOutUcastPkts == 1 && statistics.ifHCOutOctets == length);
        CHECK(statistics.ifOutDiscards == 1 && statistics.ifHCInUcastPkts == 1 && statistics.ifHCInMulticastPkts == 1);
        CHECK(statistics.ifHCInOctets == 2 * length && statistics.ifInErrors == 0 && one->MiniportRequests == before);
        CHECK(FakeRequest(one, type, OID_GEN_STATISTICS, &statistics, sizeof(statistics) - 1, &written) == NDIS_STATUS_INVALID_LENGTH && written == 0);
    }
    WorldDestroy(world);
}

static void AUnionTooLong(void)
{
    uint8_t many[2][6 * 200];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    for (uint32_t i = 0; i < 400; i++)
        memcpy(many[i / 200] + i % 200 * 6, (const uint8_t[]){1, 0, 0x5e, 2, (uint8_t)(i >> 8), (uint8_t)i}, 6);
    CHECK(FakeRequest(world->StandIns[0], NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, many[0], 1200, NULL) == NDIS_STATUS_SUCCESS);
    CHECK(world->Master->MacBytes == 1200 && (world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) == 0);
    CHECK(FakeRequest(world->StandIns[1], NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, many[1], 1200, NULL) == NDIS_STATUS_SUCCESS);
    CHECK((world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) != 0);
    // Each stand-in sees its own, and each has its own filtered (rule 15).
    uint8_t frame[128];
    ReceiveFrame(world->Master, frame, Udp4(frame, many[1] + 6 * 199, Router, 99, 50, 10));
    FakeDrain();
    CHECK(CountSeen(world, 2) == 0 && CountSeen(world, 3) == 1);
    // It shrinks: exact again. A stand-in that goes takes its groups with it.
    CHECK(FakeRequest(world->StandIns[1], NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, many[1], 6, NULL) == NDIS_STATUS_SUCCESS);
    CHECK(world->Master->MacBytes == 1206 && (world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) == 0);
    uint32_t filter = NDIS_PACKET_TYPE_ALL_MULTICAST;
    CHECK(FakeRequest(world->StandIns[1], NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 4, NULL) == NDIS_STATUS_SUCCESS);
    CHECK((world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) != 0 && (world->Master->Filter & NDIS_PACKET_TYPE_PROMISCUOUS) == 0);
    CHECK(WorldInterface(world, IOCTL_IPVLAN_REMOVE_INTERFACE, 3, 0, 0) == STATUS_SUCCESS);
    FakePause(world->Master);
    FakeRestart(world->Master);
    CHECK(world->Master->MacBytes == 1200 && (world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) == 0);
    WorldDestroy(world);
}

// Every item of a bulk has its own result, and traffic goes on between two of them.
static void BulkChanges(void)
{
    static uint8_t buffer[sizeof(IPVLAN_CHANGES) + IPVLAN_MAX_CHANGES * sizeof(IPVLAN_ITEM)];
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    IPVLAN_CHANGES request = {.Header = {sizeof(request), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .Count = IPVLAN_MAX_CHANGES};
    memcpy(buffer, &request, sizeof(request));
    for (uint32_t i = 0; i < IPVLAN_MAX_CHANGES; i++) {
        // Every eighth is what the other interface has.
        IPVLAN_ITEM item = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 16, .StandInLuid = 2, .Address = {10, 5, (uint8_t)(i >> 8), (uint8_t)i}};
        if (i % 8 == 7)
            memcpy(item.Address, (const uint8_t[]){10, 0, 0, 3}, 4);
        memcpy(buffer + sizeof(request) + i * sizeof(item), &item, sizeof(item));
    }
    uint32_t written;
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_CHANGE, buffer, sizeof(buffer), sizeof(buffer), &written) == STATUS_SUCCESS && written == sizeof(buffer));
    for (uint32_t i = 0; i < IPVLAN_MAX_CHANGES; i++) {
        IPVLAN_ITEM item;
        memcpy(&item, buffer + sizeof(request) + i * sizeof(item), sizeof(item));
        CHECK(item.Result == (i % 8 == 7 ? (uint32_t)IPVLAN_RESULT_ADDRESS_IN_USE : (uint32_t)IPVLAN_RESULT_OK));
    }
    CHECK(WorldPortStatus(world).AddressCount == 4 + IPVLAN_MAX_CHANGES / 8 * 7);
    uint32_t length = Udp4(frame, MasterMac, Router, 99, 0, 10);
    memcpy(frame + 30, (const uint8_t[]){10, 5, 15, 254}, 4);
    ReceiveFrame(world->Master, frame, length);
    CHECK(CountSeen(world, 2) == 1);
    // A port that is not there: every item says so.
    request.MasterLuid = 77;
    memcpy(buffer, &request, sizeof(request));
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_CHANGE, buffer, sizeof(buffer), sizeof(buffer), &written) == STATUS_SUCCESS);
    IPVLAN_ITEM last;
    memcpy(&last, buffer + sizeof(buffer) - sizeof(last), sizeof(last));
    CHECK(last.Result == IPVLAN_RESULT_NO_DEVICE);
    WorldDestroy(world);
}

static void CleanUp(void *file) { FakeCleanup(file); }

// The last handle is closed while a request for an event is on its way to the queue: it must not be left there.
static void ClosedMeanwhile(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 0, true);
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    IPVLAN_EVENT event;
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, memcpy(&event, &header, sizeof(header)), sizeof(header), sizeof(event), NULL) == STATUS_SUCCESS);
    FakeFile *file = FakeOpen();
    FakeBeforeLock(0, CleanUp, file);
    FakePendedControl *call = FakeBeginControl(file, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(IPVLAN_EVENT));
    CHECK(FakePendedStatus(call, NULL, NULL) == STATUS_CANCELLED);
    FakeEndControl(call);
    FakeClose(file);
    WorldDestroy(world);
}

const Scenario AwayScenarios[] = {
    {"low power of either side", SleepOfEitherSide},
    {"removed by surprise, either side", RemovedBySurprise},
    {"speed, MTU and MAC follow the master", SpeedAndMtuFollow},
    {"statistics are the port's", StatisticsAreThePorts},
    {"a union that is too long, and shrinks", AUnionTooLong},
    {"thousands of changes in one request", BulkChanges},
    {"closed while a request is on its way", ClosedMeanwhile},
    {NULL, NULL},
};
