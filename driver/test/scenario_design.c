#include "scenario.h"

// What the design says of the filter's data path, that no other scenario holds: chains, ownership, out-of-band data, order, tags.

static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};

static PNET_BUFFER_LIST Chain(const FakeFrame *frames, uint32_t count)
{
    PNET_BUFFER_LIST first = NULL, *link = &first;
    for (uint32_t i = 0; i < count; i++) {
        *link = FakeMakeList(&frames[i]);
        link = &(*link)->Next;
    }
    return first;
}

static void ChainsAreSplitOnce(void)
{
    uint8_t bytes[8][128];
    FakeFrame frames[8] = {{0}};
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    const uint8_t *own = world->StandIns[0]->Mac;
    // For the host, an interface, the host, the same interface, everybody, nobody (a tag cut short), the other one, the host.
    for (uint32_t i = 0; i < 8; i++) {
        static const uint8_t to[8] = {1, 2, 1, 2, 255, 1, 3, 1};
        frames[i] = (FakeFrame){.Bytes = bytes[i], .Pieces = 2};
        frames[i].Length = Udp4(bytes[i], i == 4 ? Broadcast : MasterMac, Router, (uint8_t)(90 + i), to[i], 10);
    }
    bytes[5][12] = 0x81;
    frames[5].Length = 17;
    KIRQL irql = FakeRaise(); // the flood waits
    FakeIndicate(world->Master, Chain(frames, 8), false);
    CHECK(world->Indications[MasterLuid] == 1 && world->Indications[2] == 1 && world->Indications[3] == 1 && world->Master->Indicated == 0);
    CHECK(CountSeen(world, MasterLuid) == 4 && CountSeen(world, 2) == 2 && CountSeen(world, 3) == 1);
    // In order.
    uint8_t last = 0;
    for (uint32_t i = 0; i < world->SeenCount; i++) {
        if (world->Seen[i].Place != MasterLuid)
            continue;
        CHECK(world->Seen[i].Bytes[29] > last);
        last = world->Seen[i].Bytes[29];
    }
    FakeLower(irql);
    FakeDrain();
    CHECK(CountSeen(world, 2) == 3 && CountSeen(world, 3) == 2 && WorldPortStatus(world).Drops[16] == 1);
    // Sent: the wire twice, a sibling, the wire. One call down, one completion.
    Forget(world);
    for (uint32_t i = 0; i < 4; i++)
        frames[i].Length = Udp4(bytes[i], i == 2 ? MasterMac : Router, own, 2, i == 2 ? 3 : 99, 10);
    FakeSend(world->StandIns[0], Chain(frames, 4));
    CHECK(world->Sends[MasterLuid] == 1 && CountSeen(world, 0) == 3 && world->Completions[2] == 1 && world->Completed == 4);
    // Nothing goes to the stand-in's own miniport.
    CHECK(world->Sends[2] == 0 && world->Sends[3] == 0);
    // A loopback copy among others passes with them.
    Forget(world);
    frames[0].Length = Udp4(bytes[0], MasterMac, Router, 99, 2, 10);
    frames[1].Length = Udp4(bytes[1], MasterMac, Router, 99, 2, 10);
    PNET_BUFFER_LIST chain = Chain(frames, 2);
    chain->NblFlags = NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET;
    FakeIndicate(world->Master, chain, false);
    CHECK(CountSeen(world, MasterLuid) == 1 && CountSeen(world, 2) == 1);
    chain = Chain(frames, 2);
    chain->NblFlags = NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET;
    FakeIndicate(world->StandIns[1], chain, false);
    CHECK(CountSeen(world, 3) == 1);
    FakeDrain();
    WorldDestroy(world);
}

static PNET_BUFFER_LIST kept[64];
static uint32_t keptCount;

static void Keep(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    (void)adapter, (void)flags;
    while (lists != NULL) {
        PNET_BUFFER_LIST next = lists->Next;
        lists->Next = NULL;
        kept[keptCount++] = lists;
        lists = next;
    }
}

static void ASiblingThatKeepsAll(void)
{
    uint8_t frame[128];
    NDIS_FILTER_PAUSE_PARAMETERS parameters = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof(parameters)}};
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0], *keeper = world->StandIns[1];
    keeper->OnReceive = Keep;
    keptCount = 0;
    for (uint32_t i = 0; i < 10; i++) {
        ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 3, 10));
        SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, 3, 10));
        SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
        ReceiveFrame(world->Master, frame, Udp4(frame, Broadcast, Router, 99, 255, 10));
    }
    FakeDrain();
    CHECK(keptCount == 40 && world->Master->Indicated == 0 && one->Sent == 0);
    // The master pauses, restarts, goes and comes; so does the sender. None of them waits for what the keeper has.
    FakePause(world->Master);
    FakeRestart(world->Master);
    FakePause(one);
    FakeRestart(one);
    FakeDetach(world->Master);
    WorldAttach(world, MasterLuid, MasterMac);
    CHECK(WorldPortStatus(world).IsUp);
    FakeDetach(one);
    WorldAttach(world, 2, (const uint8_t[]){6, 0, 0, 0, 1, 2});
    SendFrame(world->StandIns[0], frame, Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10));
    CHECK(CountSeen(world, 0) == 10 + 1);
    // The keeper itself does, until the last is back.
    keeper->State = FakePausing;
    CHECK(FakeCharacteristics()->PauseHandler(keeper->Module, &parameters) == NDIS_STATUS_PENDING);
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 3, 10));
    FakeDrain();
    CHECK(keptCount == 40);
    for (uint32_t i = 0; i < keptCount; i++) {
        CHECK(!keeper->PauseCompleted);
        FakeReturn(keeper, kept[i]);
    }
    CHECK(keeper->PauseCompleted);
    keeper->State = FakePaused;
    WorldDestroy(world);
}

static PVOID Word(uint32_t value) { return (PVOID)(uintptr_t)value; }

// Every word, but those that make another frame of it.
static PNET_BUFFER_LIST Marked(const FakeFrame *frame)
{
    PNET_BUFFER_LIST list = FakeMakeList(frame);
    for (uint32_t i = 0; i < MaxNetBufferListInfo; i++) {
        if (i != TcpIpChecksumNetBufferListInfo && i != TcpLargeSendNetBufferListInfo && i != TcpRecvSegCoalesceInfo && i != Ieee8021QNetBufferListInfo)
            list->NetBufferListInfo[i] = Word(0x1000 + i);
    }
    return list;
}

static void CheckWords(const Seen *seen, uint32_t checksum, uint32_t tag, bool hasHash, uint32_t frameType)
{
    for (uint32_t i = 0; i < MaxNetBufferListInfo; i++) {
        uint32_t expected = i == TcpIpChecksumNetBufferListInfo ? checksum : i == Ieee8021QNetBufferListInfo ? tag : i == NetBufferListFrameType ? frameType : 0;
        if (hasHash && (i == NetBufferListHashValue || i == NetBufferListHashInfo))
            expected = 0x1000 + i;
        if (seen->Info[i] != Word(expected))
            FakeFault(__FILE__, __LINE__, "CheckWords", "word %u is %p, expected %x", i, seen->Info[i], expected);
    }
}

static void OutOfBandWords(void)
{
    enum { Ipv4Type = 0x0008 }; // 08 00 as it stands in the frame
    uint8_t frame[128], second[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    FakeFrame made = {.Bytes = frame, .Checksum = 0x1f, .TagInfo = 7 << 4 | 5};
    // From the wire to an interface: checksum results, tag and hash; and to everybody.
    made.Length = Udp4(frame, MasterMac, Router, 99, 2, 10);
    FakeIndicate(world->Master, Marked(&made), false);
    CheckWords(LastSeen(world, 2), 0x1f, made.TagInfo, true, Ipv4Type);
    made.Length = Udp4(frame, Broadcast, Router, 99, 255, 10);
    FakeIndicate(world->Master, Marked(&made), false);
    FakeDrain();
    CheckWords(LastSeen(world, 3), 0x1f, made.TagInfo, true, Ipv4Type);
    // The host's is the miniport's own list, with all its words.
    CHECK(LastSeen(world, MasterLuid)->Info[NetBufferListFilteringInfo] == Word(0x1000 + NetBufferListFilteringInfo));
    // A list of two buffers is taken apart, in the same direction.
    FakeFrame more = {.Bytes = second, .Length = Udp4(second, MasterMac, Router, 99, 1, 10)};
    made.Length = Udp4(frame, MasterMac, Router, 99, 1, 10);
    made.Next = &more;
    Forget(world);
    FakeIndicate(world->Master, Marked(&made), false);
    CHECK(CountSeen(world, MasterLuid) == 2);
    CheckWords(LastSeen(world, MasterLuid), 0x1f, made.TagInfo, true, Ipv4Type);
    // From stack to stack and to the wire: nothing but the tag (and that the checksums are good, where they were asked for).
    made = (FakeFrame){.Bytes = frame, .TagInfo = 3};
    made.Length = Udp4(frame, MasterMac, one->Mac, 2, 3, 10);
    FakeSend(one, Marked(&made));
    FakeDrain();
    CheckWords(LastSeen(world, 3), 0, 3, false, Ipv4Type);
    made.Length = Udp4(frame, Router, one->Mac, 2, 99, 10);
    made.Checksum = 1 | 8 | 16;
    FakeSend(one, Marked(&made));
    CheckWords(LastSeen(world, 0), 0, 3, false, 0);
    made.Length = Udp4(frame, Broadcast, one->Mac, 2, 255, 10);
    FakeSend(one, Marked(&made));
    FakeDrain();
    CheckWords(LastSeen(world, 0), 0, 3, false, 0);
    CHECK(LastSeen(world, 3)->Info[NetBufferListHashValue] == NULL);
    WorldDestroy(world);
}

static void OrderIsKept(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 4, true);
    FakeAdapter *one = world->StandIns[0];
    // Frames to one and to all in turn: more copies than one run of the DPC makes.
    KIRQL irql = FakeRaise();
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t length = Udp4(frame, i % 2 == 0 ? MasterMac : Broadcast, one->Mac, 2, i % 2 == 0 ? 3 : 255, 10);
        frame[42] = (uint8_t)(i >> 8);
        frame[43] = (uint8_t)i;
        SendFrame(one, frame, length);
    }
    FakeLower(irql);
    FakeDrain();
    CHECK(CountSeen(world, 3) == 400 && CountSeen(world, 4) == 200 && CountSeen(world, 5) == 200 && CountSeen(world, 0) == 200);
    for (uint64_t place = 0; place <= 5; place++) {
        uint32_t before = 0;
        for (uint32_t i = 0; i < world->SeenCount; i++) {
            const Seen *seen = &world->Seen[i];
            uint32_t number = (uint32_t)seen->Bytes[42] << 8 | seen->Bytes[43];
            if (seen->Place != place)
                continue;
            CHECK(number >= before);
            before = number;
        }
    }
    WorldDestroy(world);
}

static void PriorityOnlyTags(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    FakeFrame made = {.Bytes = frame, .TagInfo = 5};
    // To the wire and to all: out of band, never in both places.
    made.Length = Udp4(frame, Router, one->Mac, 2, 99, 10);
    FakeSend(one, FakeMakeList(&made));
    CHECK(LastSeen(world, 0)->TagInfo == 5 && LastSeen(world, 0)->Length == made.Length && LastSeen(world, 0)->Bytes[12] == 8);
    made.Length = Udp4(frame, Broadcast, one->Mac, 2, 255, 10);
    FakeSend(one, FakeMakeList(&made));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 2 && LastSeen(world, 0)->TagInfo == 5 && LastSeen(world, 3)->TagInfo == 5);
    // From the wire: the tag that is off, counted without (rule 5).
    uint64_t bytes = WorldStatus(world, 2).RxBytes;
    made.Length = Udp4(frame, MasterMac, Router, 99, 2, 10);
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(LastSeen(world, 2)->TagInfo == 5 && WorldStatus(world, 2).RxBytes == bytes + made.Length);
    // One out of band and another in place: the second is an unknown protocol (rule 7).
    made.TagInfo = 7 << 4;
    memmove(frame + 16, frame + 12, made.Length - 12);
    memcpy(frame + 12, (const uint8_t[]){0x81, 0, 0, 9}, 4);
    made.Length += 4;
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(LastSeen(world, MasterLuid)->Length == made.Length && LastSeen(world, MasterLuid)->TagInfo == 7 << 4);
    // l3s: VID 0 is taken off, another VID is the host's alone (rule 18a).
    CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE, IPVLAN_MODE_L3S, 0, 0) == STATUS_SUCCESS);
    Forget(world);
    made.TagInfo = 5;
    made.Length = Udp4(frame, MasterMac, Router, 99, 2, 10);
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(CountSeen(world, MasterLuid) == 1 && CountSeen(world, 2) == 1 && LastSeen(world, 2)->TagInfo == 0 && LastSeen(world, 2)->Length == made.Length);
    made.TagInfo = 7 << 4;
    FakeIndicate(world->Master, FakeMakeList(&made), false);
    CHECK(CountSeen(world, MasterLuid) == 2 && CountSeen(world, 2) == 1);
    // Routed: a priority does not go along (the MACs are discarded, rule 28).
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 99}, .Mac = {2, 0, 0, 0, 0, 99}};
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS);
    made.TagInfo = 5;
    made.Length = Udp4(frame, Router, one->Mac, 2, 99, 10);
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 1 && LastSeen(world, 0)->TagInfo == 0 && LastSeen(world, 0)->Bytes[5] == 99);
    WorldDestroy(world);
}

const Scenario DesignScenarios[] = {
    {"a chain is split once, one call each", ChainsAreSplitOnce},
    {"a sibling that keeps all it is given", ASiblingThatKeepsAll},
    {"out-of-band words", OutOfBandWords},
    {"order is kept", OrderIsKept},
    {"priority-only tags, tags in both places", PriorityOnlyTags},
    {NULL, NULL},
};
