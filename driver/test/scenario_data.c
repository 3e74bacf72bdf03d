#include "scenario.h"

// The data path: ordering, depth, out-of-band data, offloads, bounds.

static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};

static FakeAdapter *one, *two;
static uint32_t pings, depth, deepest;

// A stack that answers inside the indication.
static void Answer(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    uint8_t frame[128];
    (void)flags;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        if (++pings < 1000) {
            FakeAdapter *self = adapter;
            uint8_t from = self == one ? 2 : 3;
            SendFrame(self, frame, Udp4(frame, MasterMac, self->Mac, from, (uint8_t)(5 - from), 10));
        }
    }
    FakeReturn(adapter, lists);
    depth--;
}

static void PingPong(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    one = world->StandIns[0];
    two = world->StandIns[1];
    one->OnReceive = two->OnReceive = Answer;
    pings = depth = deepest = 0;
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    FakeDrain();
    CHECK(pings == 1000);
    CHECK(deepest == 1);
    WorldDestroy(world);
}

static void SiblingsAndWire(void)
{
    uint8_t frame[256];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    one = world->StandIns[0];
    // To a sibling, whose own MAC stands in the frame then.
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
    CHECK(CountSeen(world, 3) == 1 && memcmp(LastSeen(world, 3)->Bytes, world->StandIns[1]->Mac, 6) == 0);
    CHECK(memcmp(LastSeen(world, 3)->Bytes + 6, MasterMac, 6) == 0 && world->LastStatus == NDIS_STATUS_SUCCESS);
    // To the wire, from the master's MAC.
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    CHECK(CountSeen(world, 0) == 1 && memcmp(LastSeen(world, 0)->Bytes + 6, MasterMac, 6) == 0);
    // From the wire, for one of them and for the host.
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 2, 10));
    CHECK(CountSeen(world, 2) == 1);
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 1, 10));
    CHECK(CountSeen(world, MasterLuid) == 1);
    // Flooded: the wire and every sibling but the sender.
    Forget(world);
    SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 1 && CountSeen(world, 3) == 1 && CountSeen(world, 2) == 0 && CountSeen(world, MasterLuid) == 0);
    ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Router, 99, 255, 10));
    FakeDrain();
    CHECK(CountSeen(world, 2) == 1 && CountSeen(world, 3) == 2 && CountSeen(world, MasterLuid) == 1);
    CHECK(WorldStatus(world, 3).Multicast == 2);
    WorldDestroy(world);
}

static void LoopbackPasses(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeFrame made = {.Bytes = frame, .Length = Udp4(frame, MasterMac, Router, 99, 2, 10)};
    for (int borrowed = 0; borrowed < 2; borrowed++) {
        PNET_BUFFER_LIST list = FakeMakeList(&made);
        list->NblFlags = NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET;
        FakeIndicate(world->Master, list, borrowed == 1);
        if (borrowed == 1)
            FakeFreeList(list);
    }
    CHECK(CountSeen(world, MasterLuid) == 2 && CountSeen(world, 2) == 0);
    // What a stand-in's miniport receives came past the port.
    ReceiveFrame(world->StandIns[0], frame, made.Length);
    CHECK(CountSeen(world, 2) == 0);
    WorldDestroy(world);
}

static void BorrowedChain(void)
{
    uint8_t frames[3][128];
    PNET_BUFFER_LIST lists[3];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    for (int i = 0; i < 3; i++) {
        FakeFrame made = {.Bytes = frames[i], .Length = Udp4(frames[i], MasterMac, Router, 99, i == 1 ? 2 : 1, 10), .Pieces = 2};
        lists[i] = FakeMakeList(&made);
    }
    lists[0]->Next = lists[1];
    lists[1]->Next = lists[2];
    FakeIndicate(world->Master, lists[0], true);
    CHECK(CountSeen(world, MasterLuid) == 2 && CountSeen(world, 2) == 1);
    for (int i = 0; i < 3; i++)
        FakeFreeList(lists[i]);
    WorldDestroy(world);
}

static void SeveralBuffers(void)
{
    uint8_t first[128], second[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeFrame more = {.Bytes = second, .Length = Udp4(second, MasterMac, Router, 99, 2, 10), .Pieces = 2};
    FakeFrame made = {.Bytes = first, .Length = Udp4(first, MasterMac, Router, 99, 1, 20), .Pieces = 3, .Next = &more};
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(CountSeen(world, MasterLuid) == 1 && LastSeen(world, MasterLuid)->Length == made.Length && CountSeen(world, 2) == 1);
    more.Length = Udp4(second, MasterMac, world->StandIns[0]->Mac, 2, 3, 10);
    made.Length = Udp4(first, Router, world->StandIns[0]->Mac, 2, 99, 20);
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 1 && CountSeen(world, 3) == 1 && world->LastStatus == NDIS_STATUS_SUCCESS);
    WorldDestroy(world);
}

static void PriorityTag(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeFrame made = {.Bytes = frame, .TagInfo = 5};
    // VID 0 on sending counts as untagged: it reaches the sibling, and the priority with it, out of band alone.
    made.Length = Udp4(frame, MasterMac, world->StandIns[0]->Mac, 2, 3, 10);
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1 && LastSeen(world, 3)->TagInfo == 5 && LastSeen(world, 3)->Length == made.Length);
    CHECK(WorldStatus(world, 3).RxBytes == made.Length);
    // With a VID it has no valid header as sent: received on the master instead, where the tag is off.
    made.TagInfo = 7 << 4 | 5;
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 2 && LastSeen(world, 3)->TagInfo == made.TagInfo);
    CHECK(WorldStatus(world, 2).TxBytes == 2 * made.Length + 4 && WorldStatus(world, 3).RxBytes == 2 * made.Length);
    WorldDestroy(world);
}

static uint32_t PacketSum(const uint8_t *packet, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)packet[i] << 8 : packet[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void LargeSendAcross(void)
{
    uint8_t frame[512];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeFrame made = {.Bytes = frame, .Pieces = 4, .LargeSend = 0x80000000u | 34 << 20 | 100};
    made.Length = Tcp4(frame, MasterMac, world->StandIns[0]->Mac, 2, 3);
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, 3) == 4 && LastSeen(world, 3)->Length == 54 + 50);
    CHECK(LastSeen(world, 3)->Bytes[47] == 0x19 && world->Seen[0].Bytes[47] == 0x10 && world->Seen[1].Bytes[41] == 100);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(PacketSum(world->Seen[i].Bytes + 14, 20) == 0xffff && (world->Seen[i].ChecksumInfo & 8) != 0);
    // One packet, its whole length in the counters (semantics 55).
    CHECK(WorldStatus(world, 3).RxPackets == 1 && WorldStatus(world, 3).RxBytes == made.Length);
    made.Length = Tcp4(frame, Router, world->StandIns[0]->Mac, 2, 99);
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 4);
    // To the host (rule 21c).
    made.Length = Tcp4(frame, world->StandIns[0]->Mac, world->StandIns[0]->Mac, 2, 99);
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, MasterLuid) == 4 && LastSeen(world, MasterLuid)->Length == 54 + 50);
    // Coalesced segments come in.
    Forget(world);
    made.LargeSend = 0;
    made.Coalesced = 4;
    made.Length = Tcp4(frame, MasterMac, Router, 99, 2);
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(CountSeen(world, 2) == 4);
    WorldDestroy(world);
}

static void ChecksumsAreCompleted(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeFrame made = {.Bytes = frame, .Checksum = 1 | 8 | 16};
    made.Length = Udp4(frame, MasterMac, world->StandIns[0]->Mac, 2, 3, 10);
    frame[24] = frame[25] = 0x77;
    FakeSend(world->StandIns[0], FakeMakeList(&made));
    FakeDrain();
    const uint8_t *got = LastSeen(world, 3)->Bytes;
    CHECK(PacketSum(got + 14, 20) == 0xffff && (got[40] | got[41]) != 0);
    // Pseudo header: addresses, 17, length.
    uint8_t pseudo[12 + 18];
    memcpy(pseudo, got + 26, 8);
    memcpy(pseudo + 8, (uint8_t[]){0, 17, 0, 18}, 4);
    memcpy(pseudo + 12, got + 34, 18);
    CHECK(PacketSum(pseudo, sizeof(pseudo)) == 0xffff);
    WorldDestroy(world);
}

static void BoundsHold(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    // A sibling that keeps what it is given: a bound, a counter, and others go on.
    world->Holds = true;
    uint32_t length = Udp4(frame, MasterMac, world->StandIns[0]->Mac, 2, 3, 10);
    for (uint32_t i = 0; i < 5000; i++)
        SendFrame(world->StandIns[0], frame, length);
    FakeDrain();
    CHECK(world->HeldCount == 4096 && world->Completed == 5000);
    CHECK(WorldStatus(world, 3).Drops[20] == 5000 - 4096);
    // The master pauses and comes back meanwhile.
    FakePause(world->Master);
    FakeRestart(world->Master);
    WorldGiveBack(world);
    world->Holds = false;
    // A backlog of 1,000 frames: one too many is lost whole.
    Forget(world);
    length = Udp4(frame, Broadcast, world->StandIns[0]->Mac, 2, 255, 10);
    KIRQL irql = FakeRaise();
    for (uint32_t i = 0; i < 1001; i++)
        SendFrame(world->StandIns[0], frame, length);
    FakeLower(irql);
    FakeDrain();
    CHECK(CountSeen(world, 3) == 1000 && CountSeen(world, 0) == 1000 && WorldStatus(world, 2).Drops[17] == 1);
    // The queue of deliveries.
    Forget(world);
    length = Udp4(frame, MasterMac, world->StandIns[0]->Mac, 2, 3, 10);
    irql = FakeRaise();
    for (uint32_t i = 0; i < 4100; i++)
        SendFrame(world->StandIns[0], frame, length);
    FakeLower(irql);
    FakeDrain();
    CHECK(CountSeen(world, 3) == 4096);
    WorldDestroy(world);
}

static void RoutedAndResolved(void)
{
    uint8_t frame[2048], reply[42] = {0};
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 2, true);
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    IPVLAN_EVENT event;
    one = world->StandIns[0];
    CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_OPTIONS, 0, 0, IPVLAN_OPTION_ANSWER_RESOLUTION) == STATUS_SUCCESS);
    do
        CHECK(FakeControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, memcpy(&event, &header, sizeof(header)), sizeof(header), sizeof(event), NULL) == STATUS_SUCCESS);
    while (event.Luid != FirstStandIn + 1);
    // Rule W1: the module answers; a probe is swallowed.
    const uint8_t request[42] = {255, 255, 255, 255, 255, 255, one->Mac[0], one->Mac[1], one->Mac[2], one->Mac[3], one->Mac[4], one->Mac[5], 8, 6,
                                 0, 1, 8, 0, 6, 4, 0, 1, one->Mac[0], one->Mac[1], one->Mac[2], one->Mac[3], one->Mac[4], one->Mac[5], 10, 0, 0, 2,
                                 0, 0, 0, 0, 0, 0, 10, 0, 0, 254};
    SendFrame(one, request, sizeof(request));
    FakeDrain();
    CHECK(CountSeen(world, 2) == 1 && LastSeen(world, 2)->Bytes[21] == 2 && memcmp(LastSeen(world, 2)->Bytes + 22, MasterMac, 6) == 0);
    CHECK(memcmp(LastSeen(world, 2)->Bytes, one->Mac, 6) == 0);
    memcpy(reply, request, sizeof(reply));
    memset(reply + 28, 0, 4);
    SendFrame(one, reply, sizeof(reply));
    FakeDrain();
    CHECK(CountSeen(world, 2) == 1 && CountSeen(world, 0) == 0);
    // A packet waits for its neighbor; the service is asked; an ARP reply on the master brings it.
    Forget(world);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, memcpy(&event, &header, sizeof(header)), sizeof(header), sizeof(event), NULL) == STATUS_SUCCESS);
    CHECK(event.Kind == IPVLAN_EVENT_NEIGHBOR_WANTED && event.Address[3] == 99 && CountSeen(world, 0) == 0);
    memcpy(reply, request, sizeof(reply));
    reply[21] = 2;
    memcpy(reply + 22, Router, 6);
    reply[31] = 99;
    ReceiveFrame(world->Master, reply, sizeof(reply));
    CHECK(CountSeen(world, 0) == 1 && memcmp(LastSeen(world, 0)->Bytes, Router, 6) == 0);
    // Waited in vain: counted.
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 77, 10));
    FakeAdvance(10000000);
    FakeAdvance(30000000);
    CHECK(WorldPortStatus(world).Drops[9] == 1);
    // Told by the service.
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 66, 10));
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 66}, .Mac = {2, 0, 0, 0, 0, 66}};
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS && CountSeen(world, 0) == 2);
    // To the host itself, and too big for the master: the sender is told.
    SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 1, 10));
    FakeDrain();
    CHECK(CountSeen(world, MasterLuid) == 2);
    WorldDestroy(world);
}

static void TooBigAndFragments(void)
{
    uint8_t frame[2048];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 99}, .Mac = {2, 0, 0, 0, 0, 99}};
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS);
    one = world->StandIns[0];
    IPVLAN_INTERFACE request = {.Header = {sizeof(request), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .StandInLuid = 2, .Fields = IPVLAN_SET_MTU, .Mtu = 1500};
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_SET_INTERFACE, &request, sizeof(request), 0, NULL) == STATUS_SUCCESS);
    // The master shrinks; an interface's own MTU is clamped with it, so a frame as long as before is refused.
    FakePause(world->Master);
    world->Master->IpMtu = 600;
    FakeRestart(world->Master);
    CHECK(WorldStatus(world, 2).Mtu == 600);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 1000));
    CHECK(world->LastStatus == NDIS_STATUS_INVALID_LENGTH);
    WorldDestroy(world);
}

const Scenario DataScenarios[] = {
    {"a thousand answers inside indications, one deep", PingPong},
    {"siblings, wire, host and floods", SiblingsAndWire},
    {"loopback passes, a stand-in's miniport does not", LoopbackPasses},
    {"a borrowed chain keeps its order", BorrowedChain},
    {"several buffers in one list", SeveralBuffers},
    {"a priority-only tag", PriorityTag},
    {"large sends and coalesced segments", LargeSendAcross},
    {"checksums left undone", ChecksumsAreCompleted},
    {"every queue has its bound", BoundsHold},
    {"l3: answers, neighbors, the host", RoutedAndResolved},
    {"l3: the master's MTU", TooBigAndFragments},
    {NULL, NULL},
};
