#include "scenario.h"

// Adapters that come, go, pause, sleep and fail, in any order; links, groups and statistics that follow.

static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};

static void MasterComesLast(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeDetach(world->Master);
    FakeAdapter *one = world->StandIns[0];
    // Siblings go on without a master; the wire does not.
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    CHECK(CountSeen(world, 0) == 0 && WorldPortStatus(world).Drops[12] == 1 && !WorldPortStatus(world).IsAttached);
    WorldAttach(world, MasterLuid, MasterMac);
    CHECK(WorldPortStatus(world).IsUp && WorldPortStatus(world).IsAttached);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    CHECK(CountSeen(world, 0) == 1);
    // A stand-in goes and comes with its role.
    FakeDetach(world->StandIns[1]);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1 && WorldStatus(world, 3).Drops[20] == 1 && !WorldStatus(world, 3).IsAttached);
    WorldAttach(world, 3, (const uint8_t[]){6, 0, 0, 0, 1, 3});
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 2);
    WorldDestroy(world);
}

static void PauseWaitsForOwnSends(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    NDIS_FILTER_PAUSE_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof(parameters)}};
    world->HoldsSends = true;
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(world->HeldCount == 1 && world->Completed == 1);
    world->Master->State = FakePausing;
    CHECK(FakeCharacteristics()->PauseHandler(world->Master->Module, &parameters) == NDIS_STATUS_PENDING);
    CHECK(!world->Master->PauseCompleted);
    // Nothing more is begun.
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(world->HeldCount == 1);
    WorldGiveBack(world);
    CHECK(world->Master->PauseCompleted);
    world->Master->State = FakePaused;
    WorldDestroy(world);
}

static void QueuedWhilePausing(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    KIRQL irql = FakeRaise();
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    // As on another processor: the queue still has it.
    FakeLower(irql);
    FakePause(world->StandIns[1]);
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(WorldStatus(world, 3).Drops[20] == 1);
    FakeRestart(world->StandIns[1]);
    // An interface that is removed while a flood waits gets no copy; the port that is removed, none of it.
    const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
    Forget(world);
    irql = FakeRaise();
    SendFrame(one, frame, Udp4(frame, broadcast, one->Mac, 2, 255, 10));
    FakeSetProcessor(1); // the DPC of processor 0 does not run here
    FakeLower(irql);
    CHECK(WorldInterface(world, IOCTL_IPVLAN_REMOVE_INTERFACE, 3, 0, 0) == STATUS_SUCCESS);
    FakeSetProcessor(0);
    FakeDrain();
    CHECK(CountSeen(world, 3) == 0);
    irql = FakeRaise();
    SendFrame(one, frame, Udp4(frame, broadcast, one->Mac, 2, 255, 10));
    FakeSetProcessor(1);
    FakeLower(irql);
    Forget(world);
    CHECK(WorldPort(world, IOCTL_IPVLAN_REMOVE_PORT, 0, 0, 0, 0) == STATUS_SUCCESS);
    FakeSetProcessor(0);
    FakeDrain();
    CHECK(CountSeen(world, 0) == 0);
    WorldDestroy(world);
}

static void LinkFollowsMaster(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    CHECK(world->StandIns[0]->LastLink.MediaConnectState == MediaConnectStateConnected && world->StandIns[0]->LastLink.XmitLinkSpeed == 10000000000);
    CHECK(world->StandIns[0]->OffloadIndications == 1);
    FakeSetLink(world->Master, false);
    CHECK(world->StandIns[1]->LastLink.MediaConnectState == MediaConnectStateDisconnected && !WorldPortStatus(world).IsUp);
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(CountSeen(world, 0) == 0 && world->LastStatus == NDIS_STATUS_SUCCESS);
    FakeSetLink(world->Master, true);
    CHECK(WorldPortStatus(world).IsUp);
    // The stand-in's own miniport has no say, neither on its link nor on offloads.
    uint32_t before = world->StandIns[0]->StatusCount;
    FakeSetLink(world->StandIns[0], false);
    CHECK(world->StandIns[0]->StatusCount == before);
    uint8_t offload[156] = {0xa7, 3, 156, 0, 1, 1};
    FakeIndicateStatus(world->StandIns[0], NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, sizeof(offload));
    CHECK(world->StandIns[0]->OffloadIndications == 2);
    FakeIndicateStatus(world->StandIns[0], NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, 2);
    FakeIndicateStatus(world->Master, NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, offload, sizeof(offload));
    CHECK(world->StandIns[0]->OffloadIndications == 2 && world->Master->OffloadIndications == 1);
    // Low power and back; the miniport is told its filters again.
    FakeSetPower(world->Master, 4);
    CHECK(!WorldPortStatus(world).IsUp);
    world->Master->Filter = 0;
    FakeSetPower(world->Master, 1);
    CHECK(WorldPortStatus(world).IsUp && world->Master->Filter != 0);
    FakeSurpriseRemove(world->StandIns[0]);
    FakeSurpriseRemove(world->Master);
    CHECK(!WorldPortStatus(world).IsUp && world->StandIns[1]->LastLink.MediaConnectState == MediaConnectStateDisconnected);
    WorldDestroy(world);
}

static NDIS_STATUS SetList(FakeAdapter *adapter, NDIS_OID oid, const uint8_t *macs, uint32_t length)
{
    uint8_t copy[6 * 300];
    memcpy(copy, macs, length);
    return FakeRequest(adapter, NdisRequestSetInformation, oid, copy, length, NULL);
}

static void GroupsAreUnited(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    const uint8_t hosts[12] = {1, 0, 0x5e, 0, 0, 1, 1, 0, 0x5e, 0, 0, 2}, theirs[12] = {1, 0, 0x5e, 0, 0, 2, 1, 0, 0x5e, 0, 0, 3};
    uint32_t filter = NDIS_PACKET_TYPE_DIRECTED, written;
    uint8_t answer[64];
    CHECK(SetList(world->Master, OID_802_3_MULTICAST_LIST, hosts, sizeof(hosts)) == NDIS_STATUS_SUCCESS && world->Master->MacBytes == 12);
    CHECK(FakeRequest(world->Master, NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 4, NULL) == NDIS_STATUS_SUCCESS);
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, theirs, sizeof(theirs)) == NDIS_STATUS_SUCCESS && world->Master->MacBytes == 18);
    CHECK(world->Master->Filter == (NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_BROADCAST | NDIS_PACKET_TYPE_MULTICAST));
    CHECK(WorldStatus(world, 2).GroupCount == 2);
    // The host sees what it asked for.
    CHECK(FakeRequest(world->Master, NdisRequestQueryInformation, OID_802_3_MULTICAST_LIST, answer, sizeof(answer), &written) == NDIS_STATUS_SUCCESS);
    CHECK(written == 12 && memcmp(answer, hosts, 12) == 0);
    CHECK(FakeRequest(world->Master, NdisRequestQueryInformation, OID_802_3_MULTICAST_LIST, answer, 11, &written) == NDIS_STATUS_INVALID_LENGTH);
    CHECK(FakeRequest(world->Master, NdisRequestQueryInformation, OID_GEN_CURRENT_PACKET_FILTER, answer, 4, &written) == NDIS_STATUS_SUCCESS);
    CHECK(answer[0] == NDIS_PACKET_TYPE_DIRECTED);
    CHECK(SetList(world->StandIns[0], OID_802_3_ADD_MULTICAST_ADDRESS, (const uint8_t[]){1, 0, 0x5e, 0, 0, 9}, 6) == NDIS_STATUS_NOT_SUPPORTED);
    CHECK(WorldStatus(world, 2).GroupCount == 3 && world->Master->MacBytes == 24);
    CHECK(SetList(world->StandIns[0], OID_802_3_DELETE_MULTICAST_ADDRESS, (const uint8_t[]){1, 0, 0x5e, 0, 0, 9}, 6) == NDIS_STATUS_NOT_SUPPORTED);
    CHECK(WorldStatus(world, 2).GroupCount == 2);
    CHECK(SetList(world->StandIns[0], OID_802_3_ADD_MULTICAST_ADDRESS, theirs, 5) == NDIS_STATUS_INVALID_LENGTH);
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, theirs, 7) == NDIS_STATUS_INVALID_LENGTH);
    // A miniport that cannot keep so many hears all multicast.
    world->Master->MostMacs = 2;
    CHECK(SetList(world->StandIns[1], OID_802_3_MULTICAST_LIST, (const uint8_t[]){1, 0, 0x5e, 0, 0, 7}, 6) == NDIS_STATUS_SUCCESS);
    CHECK((world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) != 0);
    // And when the union itself is too long.
    world->Master->MostMacs = 0;
    uint8_t many[6 * 256];
    for (uint32_t i = 0; i < 256; i++)
        memcpy(many + i * 6, (const uint8_t[]){1, 0, 0x5e, 1, 0, (uint8_t)i}, 6);
    CHECK(SetList(world->StandIns[1], OID_802_3_MULTICAST_LIST, many, sizeof(many)) == NDIS_STATUS_SUCCESS);
    CHECK(world->Master->MacBytes == sizeof(many) && (world->Master->Filter & NDIS_PACKET_TYPE_ALL_MULTICAST) != 0);
    CHECK(SetList(world->StandIns[1], OID_802_3_ADD_MULTICAST_ADDRESS, theirs, 6) == NDIS_STATUS_MULTICAST_FULL);
    // A stand-in that wants to hear everything hears all multicast (semantics 16), and the miniport is not made promiscuous.
    filter = NDIS_PACKET_TYPE_PROMISCUOUS;
    CHECK(FakeRequest(world->StandIns[0], NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 4, NULL) == NDIS_STATUS_SUCCESS);
    CHECK(WorldStatus(world, 2).IsPromiscuous && (world->Master->Filter & NDIS_PACKET_TYPE_PROMISCUOUS) == 0);
    CHECK(FakeRequest(world->StandIns[0], NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, 3, NULL) == NDIS_STATUS_INVALID_LENGTH);
    // The port goes: the host's own wishes are put back.
    CHECK(WorldPort(world, IOCTL_IPVLAN_REMOVE_PORT, 0, 0, 0, 0) == STATUS_SUCCESS);
    CHECK(world->Master->MacBytes == 12 && world->Master->Filter == NDIS_PACKET_TYPE_DIRECTED);
    WorldDestroy(world);
}

// Groups that the service gives, beside those of the stack.
static void GroupsAreGiven(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    const uint8_t theirs[6] = {1, 0, 0x5e, 0, 0, 2};
    IPVLAN_ITEM item = {.Kind = IPVLAN_ITEM_GROUP, .StandInLuid = 2, .Mac = {1, 0, 0x5e, 0, 0, 3}};
    IPVLAN_GROUPS groups = WorldGroups(world, 2);
    uint8_t frame[128];
    CHECK(groups.Count == 0);
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, theirs, 6) == NDIS_STATUS_SUCCESS && world->Master->MacBytes == 6);
    // Twice is one membership; the miniport is told.
    CHECK(WorldChange(world, &item) == STATUS_SUCCESS && WorldChange(world, &item) == STATUS_SUCCESS && world->Master->MacBytes == 12);
    groups = WorldGroups(world, 2);
    CHECK(groups.Count == 2 && groups.StandInLuid == 2 && memcmp(groups.Macs, theirs, 6) == 0 && memcmp(groups.Macs + 6, item.Mac, 6) == 0);
    ReceiveFrame(world->Master, frame, Udp4(frame, item.Mac, Router, 99, 200, 10));
    FakeDrain();
    CHECK(CountSeen(world, 2) == 1 && CountSeen(world, 3) == 0);
    // What the stack says does not touch it, and what both say stays until both have left.
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, item.Mac, 6) == NDIS_STATUS_SUCCESS && WorldStatus(world, 2).GroupCount == 1);
    item.Flags = IPVLAN_ITEM_REMOVE;
    CHECK(WorldChange(world, &item) == STATUS_SUCCESS && WorldChange(world, &item) == STATUS_UNSUCCESSFUL && WorldStatus(world, 2).GroupCount == 1);
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, item.Mac, 0) == NDIS_STATUS_SUCCESS && WorldStatus(world, 2).GroupCount == 0);
    CHECK(world->Master->MacBytes == 0);
    item.Flags = 0;
    for (uint32_t i = 0; i < IPVLAN_MAX_GROUPS; i++) {
        item.Mac[5] = (uint8_t)(IPVLAN_MAX_GROUPS - 1 - i);
        CHECK(WorldChange(world, &item) == STATUS_SUCCESS);
    }
    item.Mac[4] = 1;
    CHECK(WorldChange(world, &item) == STATUS_UNSUCCESSFUL && WorldStatus(world, 2).GroupCount == IPVLAN_MAX_GROUPS);
    // A stand-in that goes and comes keeps them.
    FakeDetach(world->StandIns[0]);
    WorldAttach(world, 2, (const uint8_t[]){6, 0, 0, 0, 1, 2});
    CHECK(WorldStatus(world, 2).GroupCount == IPVLAN_MAX_GROUPS);
    WorldDestroy(world);
}

static void RequestsPend(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    NDIS_STATISTICS_INFO statistics;
    uint32_t written, value = 0;
    // A request of the host's passes as a clone, at once or later.
    CHECK(FakeRequest(world->Master, NdisRequestQueryStatistics, OID_GEN_STATISTICS, &statistics, sizeof(statistics), &written) == NDIS_STATUS_SUCCESS);
    CHECK(written == sizeof(statistics));
    world->Master->PendsRequests = true;
    CHECK(FakeRequest(world->Master, NdisRequestQueryInformation, OID_GEN_STATISTICS, &statistics, sizeof(statistics), &written) == NDIS_STATUS_SUCCESS);
    CHECK(FakeRequest(world->Master, NdisRequestMethod, 0x12345678, &value, sizeof(value), &written) == NDIS_STATUS_SUCCESS && written == 3);
    CHECK(FakeRequest(world->Master, NdisRequestSetInformation, 0x12345678, &value, sizeof(value), &written) == NDIS_STATUS_NOT_SUPPORTED);
    // One of ours pends; another change meanwhile is not lost.
    const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 2};
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, group, 6) == NDIS_STATUS_SUCCESS && world->Master->PendedRequest != NULL);
    CHECK(SetList(world->StandIns[0], OID_802_3_MULTICAST_LIST, group, 0) == NDIS_STATUS_SUCCESS);
    while (world->Master->PendedRequest != NULL)
        FakeCompletePended(world->Master, NDIS_STATUS_SUCCESS);
    CHECK(world->Master->MacBytes == 0);
    world->Master->PendsRequests = false;
    FakeCharacteristics()->CancelOidRequestHandler(world->Master->Module, &value);
    FakeCharacteristics()->CancelSendNetBufferListsHandler(world->Master->Module, &value);
    // A stand-in's statistics are the port's.
    uint8_t frame[128];
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(FakeRequest(world->StandIns[0], NdisRequestQueryInformation, OID_GEN_STATISTICS, &statistics, sizeof(statistics), &written) == NDIS_STATUS_SUCCESS);
    CHECK(statistics.ifHCOutUcastPkts == 1 && statistics.ifHCOutOctets == 52);
    WorldDestroy(world);
}

static void IdleAdapters(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    // An adapter without a role has no data handlers.
    WorldAttach(world, 7, (const uint8_t[]){6, 0, 0, 0, 1, 7});
    FakeAdapter *idle = world->StandIns[5];
    CHECK(idle->Handlers.SendNetBufferListsHandler == NULL && idle->Handlers.ReceiveNetBufferListsHandler == NULL);
    SendFrame(idle, frame, Udp4(frame, Router, idle->Mac, 7, 99, 10));
    ReceiveFrame(idle, frame, Udp4(frame, idle->Mac, Router, 99, 7, 10));
    CHECK(CountSeen(world, 0) == 1 && CountSeen(world, 7) == 1);
    // It becomes a stand-in by a restart, and loses the role at once when the interface goes.
    CHECK(WorldInterface(world, IOCTL_IPVLAN_ADD_INTERFACE, 7, 0, 0) == STATUS_SUCCESS);
    CHECK(idle->Handlers.SendNetBufferListsHandler != NULL && WorldStatus(world, 7).IsAttached);
    CHECK(WorldInterface(world, IOCTL_IPVLAN_REMOVE_INTERFACE, 7, 0, 0) == STATUS_SUCCESS && idle->Handlers.SendNetBufferListsHandler == NULL);
    // Neither other media nor other lengths of MAC are ours.
    NDIS_FILTER_ATTACH_PARAMETERS parameters = {.MiniportMediaType = 1, .MacAddressLength = 6};
    CHECK(FakeCharacteristics()->AttachHandler(world, NULL, &parameters) == NDIS_STATUS_NOT_SUPPORTED);
    parameters = (NDIS_FILTER_ATTACH_PARAMETERS){.MacAddressLength = 8};
    CHECK(FakeCharacteristics()->AttachHandler(world, NULL, &parameters) == NDIS_STATUS_NOT_SUPPORTED);
    WorldDestroy(world);
}

const Scenario StateScenarios[] = {
    {"the master comes last, a stand-in goes and comes", MasterComesLast},
    {"a pause waits for what was sent", PauseWaitsForOwnSends},
    {"removed while frames wait", QueuedWhilePausing},
    {"link, power and removal", LinkFollowsMaster},
    {"groups are united", GroupsAreUnited},
    {"groups are given", GroupsAreGiven},
    {"requests pend", RequestsPend},
    {"adapters without a role", IdleAdapters},
    {NULL, NULL},
};
