#include "scenario.h"

// Edges that vectors and the other scenarios do not come by: headers cut short, buffers that promise too much, limits, roles that change
// in between.

static const uint8_t Router[6] = {2, 0, 0, 0, 0, 0xfe};
static const uint8_t Broadcast[6] = {255, 255, 255, 255, 255, 255};
enum { Runt = 14, DeviceQueueFull = 20 };

typedef struct Spoilt {
    const char *Why;
    uint32_t At;
    uint8_t Value;
    uint32_t Length; // 0: whole
} Spoilt;

// A large send or an undone checksum whose headers are not such goes as it is: nothing is cut, nothing is written where no field is.
static void HeadersThatCannotBe(void)
{
    static const Spoilt four[] = {{"version", 14, 0x55, 0}, {"header length", 14, 0x44, 0},     {"a fragment", 20, 0x20, 0},  {"no transport", 23, 47, 0},
                                  {"TCP header", 46, 0x40, 0}, {"TCP header beyond", 46, 0xf0, 60}, {"type", 13, 0x36, 0},        {"IPv4 cut", 0, 2, 30},
                                  {"header beyond", 14, 0x4f, 60}, {"TCP cut", 0, 2, 50},          {"total length", 16, 0xff, 0}};
    static const Spoilt six[] = {{"version", 14, 0x50, 0}, {"IPv6 cut", 0, 2, 50}, {"options cut", 20, 0, 58}, {"options beyond", 55, 0xff, 0}, {"length", 18, 0xff, 0}};
    uint8_t frame[512], sent[512];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, false);
    FakeAdapter *one = world->StandIns[0];
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < sizeof(four) / sizeof(four[0]) + sizeof(six) / sizeof(six[0]); i++) {
            bool isSix = i >= sizeof(four) / sizeof(four[0]);
            const Spoilt *spoilt = isSix ? &six[i - sizeof(four) / sizeof(four[0])] : &four[i];
            uint32_t length = Tcp4(frame, Router, MasterMac, 2, 99);
            if (isSix) {
                memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd, 0x60, 0, 0, 0, (uint8_t)((length - 54) >> 8), (uint8_t)(length - 54), 0, 64}, 10);
                frame[54] = 6;
                frame[55] = 0;
                frame[54 + 8 + 12] = 0x50;
            }
            frame[spoilt->At] = spoilt->Value;
            // What is turned: the checksum's request, then the cut's.
            FakeFrame made = {.Bytes = frame, .Pieces = 2, .Length = spoilt->Length == 0 ? length : spoilt->Length};
            made.Checksum = turn == 0 ? 4 : 0;
            made.LargeSend = turn == 1 ? 0x80000000u | 100 : 0;
            memcpy(sent, frame, sizeof(sent));
            Forget(world);
            FakeSend(one, FakeMakeList(&made));
            uint32_t compared = made.Length < 128 ? made.Length : 128;
            bool isWhole = CountSeen(world, 0) == 1 && LastSeen(world, 0)->Length == made.Length;
            // A wrong total length alone does not keep a large send from being cut: each segment gets its own.
            bool isCut = turn == 1 && (strcmp(spoilt->Why, "total length") == 0 || strcmp(spoilt->Why, "length") == 0);
            if (isCut ? CountSeen(world, 0) != 4 : !isWhole || memcmp(LastSeen(world, 0)->Bytes, sent, compared) != 0)
                FakeFault(__FILE__, __LINE__, "HeadersThatCannotBe", "%s, turn %u", spoilt->Why, turn);
        }
    }
    // A total length that leaves no room for the field, or not for a header, whatever is behind it.
    for (uint8_t total = 21; total <= 30; total += 9) {
        FakeFrame padded = {.Bytes = frame, .Checksum = 4, .Length = Udp4(frame, Router, MasterMac, 2, 99, 12)};
        frame[17] = total;
        frame[23] = 6;
        frame[46] = 0x50;
        memcpy(sent, frame, sizeof(sent));
        FakeSend(one, FakeMakeList(&padded));
        CHECK(memcmp(LastSeen(world, 0)->Bytes, sent, padded.Length) == 0);
    }
    // One that can: an odd number of bytes.
    FakeFrame made = {.Bytes = frame, .Checksum = 8, .Length = Udp4(frame, Router, MasterMac, 2, 99, 11)};
    FakeSend(one, FakeMakeList(&made));
    CHECK((LastSeen(world, 0)->Bytes[40] | LastSeen(world, 0)->Bytes[41]) != 0);
    WorldDestroy(world);
}

static void FramesCutShort(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_PRIVATE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 2, 10) > 0 ? 10 : 0);
    CHECK(WorldPortStatus(world).Drops[Runt] == 1 && world->SeenCount == 0);
    // A tag that ends too soon: on the wire as it is, translated as far as it goes; and received on the master, lost.
    memcpy(frame + 6, one->Mac, 6);
    memcpy(frame, Router, 6);
    memcpy(frame + 12, (const uint8_t[]){0x81, 0, 0, 7}, 4);
    SendFrame(one, frame, 16);
    CHECK(CountSeen(world, 0) == 1 && LastSeen(world, 0)->Length == 16 && memcmp(LastSeen(world, 0)->Bytes + 6, MasterMac, 6) == 0);
    memcpy(frame, one->Mac, 6);
    SendFrame(one, frame, 16);
    CHECK(CountSeen(world, 0) == 1 && CountSeen(world, MasterLuid) == 0 && world->LastStatus == NDIS_STATUS_SUCCESS);
    // l3: no question, so no answer; l3s: no packet for a host.
    CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_FLAG | IPVLAN_SET_OPTIONS, IPVLAN_MODE_L3S, 0, IPVLAN_OPTION_ANSWER_RESOLUTION) == STATUS_SUCCESS);
    SendFrame(one, frame, 13);
    CHECK(world->LastStatus == NDIS_STATUS_INVALID_PACKET);
    memset(frame, 0, sizeof(frame));
    memcpy(frame, Broadcast, 6);
    memcpy(frame + 6, one->Mac, 6);
    memcpy(frame + 12, (const uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, 10); // an ARP reply
    SendFrame(one, frame, 42);
    frame[15] = 9; // another hardware
    SendFrame(one, frame, 42);
    FakeDrain();
    CHECK(CountSeen(world, 2) == 0 && world->LastStatus == NDIS_STATUS_RESOURCES);
    for (uint32_t i = 0; i < 2; i++) {
        memset(frame, 0, sizeof(frame));
        memcpy(frame, MasterMac, 6);
        memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64}, 10);
        frame[i == 0 ? 19 : 14] = i == 0 ? 200 : 0x50; // longer than it is, or another version
        frame[22] = frame[38] = 0xfd;
        frame[37] = 9;
        frame[53] = 2;
        ReceiveFrame(world->Master, frame, 62);
    }
    CHECK(CountSeen(world, 2) == 0 && CountSeen(world, MasterLuid) == 2);
    WorldDestroy(world);
}

// Buffers are walked, not believed.
static void BuffersThatPromiseTooMuch(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeFrame made = {.Bytes = frame, .Pieces = 2, .Length = Udp4(frame, MasterMac, Router, 99, 2, 10)};
    // Longer than its MDLs: dropped, and it goes back.
    PNET_BUFFER_LIST list = FakeMakeList(&made);
    list->FirstNetBuffer->DataLength += 100;
    FakeIndicate(world->Master, list, false);
    CHECK(world->SeenCount == 0 && world->Master->Indicated == 0 && WorldPortStatus(world).Drops[DeviceQueueFull] == 1);
    made.Length = Udp4(frame, Router, world->StandIns[0]->Mac, 2, 99, 10);
    list = FakeMakeList(&made);
    list->FirstNetBuffer->DataLength = 1000000;
    FakeSend(world->StandIns[0], list);
    CHECK(world->LastStatus == NDIS_STATUS_RESOURCES && world->SeenCount == 0);
    // The headers are there, the rest is not: the copy fails.
    uint8_t *longer = calloc(1, 1500);
    FakeFrame large = {.Bytes = longer, .Length = Udp4(longer, MasterMac, Router, 99, 2, 400)};
    list = FakeMakeList(&large);
    list->FirstNetBuffer->DataLength += 100;
    FakeIndicate(world->Master, list, false);
    CHECK(world->SeenCount == 0 && world->Master->Indicated == 0);
    free(longer);
    // It begins where the first piece ends; and one that is not mapped yet.
    made.Length = Udp4(frame, MasterMac, Router, 99, 2, 10);
    for (uint32_t i = 0; i < 2; i++) {
        Forget(world);
        list = FakeMakeList(&made);
        PMDL first = list->FirstNetBuffer->MdlChain;
        if (i == 0) {
            list->FirstNetBuffer->CurrentMdlOffset = first->ByteCount;
            list->FirstNetBuffer->DataLength = first->Next->ByteCount;
        } else {
            first->MdlFlags = 0;
            first->MappedSystemVa = NULL;
        }
        FakeIndicate(world->Master, list, false);
        CHECK(world->SeenCount == 1 && CountSeen(world, i == 0 ? MasterLuid : 2) == 1);
    }
    // No buffer at all passes.
    list = FakeMakeList(&made);
    PNET_BUFFER buffer = list->FirstNetBuffer;
    list->FirstNetBuffer = NULL;
    world->Holds = true;
    FakeIndicate(world->Master, list, false);
    CHECK(world->HeldCount == 1 && world->Held[0] == list);
    WorldGiveBack(world);
    (void)buffer;
    WorldDestroy(world);
}

static NTSTATUS Item(World *world, uint8_t kind, uint32_t number)
{
    IPVLAN_ITEM item = {.Kind = kind, .Family = 4, .PrefixLength = 32, .StandInLuid = 2, .Address = {12, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
    item.Mac[0] = 2;
    return WorldChange(world, &item);
}

static void LimitsAreKept(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    // One address of the master is there already.
    for (uint32_t i = 0; i < IPVLAN_MAX_MASTER_ADDRESSES; i++)
        CHECK(Item(world, IPVLAN_ITEM_MASTER_ADDRESS, i) == (i + 1 < IPVLAN_MAX_MASTER_ADDRESSES ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL));
    uint8_t macs[6 * 257];
    for (uint32_t i = 0; i < 257; i++)
        memcpy(macs + i * 6, (const uint8_t[]){1, 0, 0x5e, 3, (uint8_t)(i >> 8), (uint8_t)i}, 6);
    CHECK(FakeRequest(one, NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, macs, sizeof(macs), NULL) == NDIS_STATUS_MULTICAST_FULL);
    CHECK(WorldStatus(world, 2).GroupCount == 0);
    // The same twice is one.
    memcpy(macs + 6, macs, 6);
    CHECK(FakeRequest(one, NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, macs, 18, NULL) == NDIS_STATUS_SUCCESS && WorldStatus(world, 2).GroupCount == 2);
    // Two routes of one prefix, the later goes first.
    IPVLAN_ITEM route = {.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .PrefixLength = 8, .Address = {20}, .GatewayFamily = 4, .Gateway = {10, 0, 0, 9}};
    CHECK(WorldChange(world, &route) == STATUS_SUCCESS);
    route.Metric = 7;
    CHECK(WorldChange(world, &route) == STATUS_SUCCESS);
    route.Flags = IPVLAN_ITEM_REMOVE;
    CHECK(WorldChange(world, &route) == STATUS_SUCCESS && WorldChange(world, &route) == STATUS_UNSUCCESSFUL);
    WorldDestroy(world);
}

static void RequestsOfWrongShape(void)
{
    uint8_t buffer[256] = {0};
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    IPVLAN_INTERFACE member = {.Header = {sizeof(member), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid};
    IPVLAN_PORT port = {.Header = {sizeof(port), IPVLAN_ABI_VERSION, 0}, .MasterLuid = 77};
    IPVLAN_CHANGES changes = {.Header = {sizeof(changes), IPVLAN_ABI_VERSION, 0}, .MasterLuid = 78};
    IPVLAN_HEADER header = {sizeof(header) + 1, IPVLAN_ABI_VERSION, 0};
#define ASK(code, request, input, output) (memcpy(buffer, request, sizeof(*(request))), FakeControl(world->File, code, buffer, input, output, NULL))
    CHECK(ASK(IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member) - 1, 0) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member), 0) == STATUS_INVALID_PARAMETER); // no stand-in named
    member.StandInLuid = 2;
    member.Fields = IPVLAN_SET_MODE;
    CHECK(ASK(IOCTL_IPVLAN_SET_INTERFACE, &member, sizeof(member), 0) == STATUS_INVALID_PARAMETER);
    member.StandInLuid = 55;
    member.Mode = 3;
    CHECK(ASK(IOCTL_IPVLAN_ADD_INTERFACE, &member, sizeof(member), 0) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_PORT, &port, sizeof(port), sizeof(IPVLAN_PORT_STATUS)) == STATUS_NOT_FOUND);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_CAPABILITIES, &header, sizeof(header), 56) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(IPVLAN_EVENT)) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_CHANGE, &changes, sizeof(changes) - 1, 0) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes) - 1, 200) == STATUS_INVALID_PARAMETER);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes) + 1, 200) == STATUS_INVALID_PARAMETER);
    // A port without addresses has nothing to tell, but there must be room for that.
    port.MasterLuid = 78;
    CHECK(ASK(IOCTL_IPVLAN_ADD_PORT, &port, sizeof(port), 0) == STATUS_SUCCESS);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes), sizeof(changes) - 1) == STATUS_BUFFER_TOO_SMALL);
    CHECK(ASK(IOCTL_IPVLAN_QUERY_ADDRESSES, &changes, sizeof(changes), sizeof(changes)) == STATUS_SUCCESS);
    // Cancelled before it came to the queue.
    header.Size = sizeof(header);
    IPVLAN_EVENT event;
    for (uint32_t i = 0; i < 2; i++) // of the two attachments
        CHECK(FakeControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, memcpy(&event, &header, sizeof(header)), sizeof(header), sizeof(event), NULL) == STATUS_SUCCESS);
    FakeCancelNext();
    FakePendedControl *call = FakeBeginControl(world->File, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(event));
    CHECK(FakePendedStatus(call, NULL, NULL) == STATUS_CANCELLED);
    FakeEndControl(call);
    WorldDestroy(world);
}

// Between the loss of a role and the restart that takes the handlers away.
static void RolesLostInBetween(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    IPVLAN_INTERFACE member = {.Header = {sizeof(member), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .StandInLuid = 2};
    IPVLAN_PORT port = {.Header = {sizeof(port), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid};
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_REMOVE_INTERFACE, &member, sizeof(member), 0, NULL) == STATUS_SUCCESS);
    SendFrame(one, frame, Udp4(frame, Router, one->Mac, 2, 99, 10));
    ReceiveFrame(one, frame, Udp4(frame, one->Mac, Router, 99, 2, 10));
    FakeFrame made = {.Bytes = frame, .Length = 60};
    PNET_BUFFER_LIST list = FakeMakeList(&made);
    FakeIndicate(one, list, true);
    FakeFreeList(list);
    // As if we were not there: down, and up twice.
    CHECK(world->Sends[2] == 1 && CountSeen(world, 2) == 2);
    FakeRestartWanted();
    CHECK(one->Handlers.SendNetBufferListsHandler == NULL);
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_REMOVE_PORT, &port, sizeof(port), 0, NULL) == STATUS_SUCCESS);
    Forget(world);
    ReceiveFrame(world->Master, frame, Udp4(frame, MasterMac, Router, 99, 2, 10));
    CHECK(CountSeen(world, MasterLuid) == 1);
    FakeRestartWanted();
    WorldDestroy(world);
}

static void LinkOf(void *master) { FakeSetLink(master, true); }

// The master's link changes while a stand-in restarts: it has its role, and is not running yet.
static void LinkWhileRestarting(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakePause(world->StandIns[0]);
    uint32_t before = world->StandIns[1]->StatusCount;
    FakeBeforeLock(2, LinkOf, world->Master);
    FakeRestart(world->StandIns[0]);
    CHECK(world->StandIns[1]->StatusCount == before + 1 && world->StandIns[0]->LastLink.MediaConnectState == MediaConnectStateConnected);
    WorldDestroy(world);
}

// More than one processor's queue takes, by two adapters each within its own bound; and an unload that finds floods half done.
static void QueuesThatAreFull(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 4, true);
    FakeAdapter *one = world->StandIns[0];
    KIRQL irql = FakeRaise();
    for (uint32_t i = 0; i < 4400; i++)
        SendFrame(one, frame, Udp4(frame, MasterMac, one->Mac, 2, (uint8_t)(3 + i % 2), 10));
    FakeLower(irql);
    FakeDrain();
    CHECK(CountSeen(world, 3) + CountSeen(world, 4) == 4096 && WorldStatus(world, 3).Drops[DeviceQueueFull] + WorldStatus(world, 4).Drops[DeviceQueueFull] == 304);
    Forget(world);
    irql = FakeRaise();
    for (uint32_t i = 0; i < 400; i++)
        SendFrame(one, frame, Udp4(frame, Broadcast, one->Mac, 2, 255, 10));
    // As on a processor that is busy: its DPC runs no more before the unload.
    FakeSetProcessor(1);
    FakeLower(irql);
    uint64_t before = world->LiveBefore;
    FakeClose(world->File);
    FakeUnload();
    FakeSetProcessor(0);
    CHECK(FakeLive() == before);
    free(world->Seen);
    free(world);
}

const Scenario EdgeScenarios[] = {
    {"headers that cannot be", HeadersThatCannotBe},
    {"frames cut short", FramesCutShort},
    {"buffers that promise too much", BuffersThatPromiseTooMuch},
    {"limits are kept", LimitsAreKept},
    {"requests of a wrong shape", RequestsOfWrongShape},
    {"roles lost in between", RolesLostInBetween},
    {"the link changes while a stand-in restarts", LinkWhileRestarting},
    {"queues that are full, an unload with floods half done", QueuesThatAreFull},
    {NULL, NULL},
};
