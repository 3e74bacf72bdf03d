#include "scenario.h"

// What the other scenarios and the vectors do not come by: neighbor discovery, what waits in vain, a map that changes much, packets
// too long for a master that has just become smaller.

static const uint8_t Gateway[6] = {2, 0, 0, 0, 0, 0xfe};

static uint32_t Sum(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// Right where it is 0xffff.
static uint32_t TransportSum(const uint8_t *packet, uint32_t length) { return Sum(packet[6] + length, packet + 8, 32 + length); }

// Ethernet and IPv6 from fd00::a to fd00::b, payload of so many bytes to follow; the frame's length.
static uint32_t Ipv6(uint8_t *frame, const uint8_t *destination, const uint8_t *source, uint8_t from, uint8_t to, uint8_t next, uint32_t payload)
{
    memset(frame, 0, 54 + payload);
    memcpy(frame, destination, 6);
    memcpy(frame + 6, source, 6);
    memcpy(frame + 12, (const uint8_t[]){0x86, 0xdd, 0x60, 0, 0, 0, (uint8_t)(payload >> 8), (uint8_t)payload, next, 255}, 10);
    frame[22] = from == 0 ? 0 : 0xfd;
    frame[37] = from;
    frame[38] = 0xfd;
    frame[53] = to;
    return 54 + payload;
}

// A message of neighbor discovery for fd00::about with one link-layer option where that type has its options.
static uint32_t Discovery(uint8_t *frame, const uint8_t *source, uint8_t from, uint8_t to, uint8_t type, uint8_t about, const uint8_t *mac)
{
    static const uint8_t offsets[] = {8, 16, 24, 24, 40};
    uint32_t at = 54u + offsets[type - 133], payload = offsets[type - 133] + 8u, length;
    length = Ipv6(frame, (const uint8_t[]){0x33, 0x33, 0xff, 0, 0, about}, source, from, to, 58, payload);
    frame[54] = type;
    if (type >= 135) {
        frame[62] = 0xfd;
        frame[77] = about;
    }
    frame[at] = type == 136 ? 2 : 1;
    frame[at + 1] = 1;
    memcpy(frame + at + 2, mac, 6);
    uint32_t sum = 0xffff - TransportSum(frame + 14, payload);
    frame[56] = (uint8_t)(sum >> 8);
    frame[57] = (uint8_t)sum;
    return length;
}

static void DiscoveryIsTranslatedAndAnswered(void)
{
    uint8_t frame[256];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    for (uint8_t type = 133; type <= 137; type++) {
        uint32_t length = Discovery(frame, one->Mac, 2, 0x99, type, 0x99, one->Mac);
        SendFrame(one, frame, length);
        FakeDrain();
        const Seen *seen = LastSeen(world, 0);
        CHECK(seen->Length == length && memcmp(seen->Bytes + 6, MasterMac, 6) == 0 && memcmp(seen->Bytes + length - 6, MasterMac, 6) == 0);
        CHECK(TransportSum(seen->Bytes + 14, length - 54) == 0xffff);
    }
    // An option that has no length, and one that ends outside: nothing behind is looked at.
    uint32_t length = Discovery(frame, one->Mac, 2, 0x99, 135, 0x99, one->Mac);
    for (uint8_t units = 0; units <= 2; units += 2) {
        frame[79] = units;
        SendFrame(one, frame, length);
        FakeDrain();
        CHECK(memcmp(LastSeen(world, 0)->Bytes + length - 6, one->Mac, 6) == 0);
    }
    // Rule W1.
    CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_OPTIONS, IPVLAN_MODE_L3, 0, IPVLAN_OPTION_ANSWER_RESOLUTION) == STATUS_SUCCESS);
    Forget(world);
    SendFrame(one, frame, Discovery(frame, one->Mac, 2, 0x99, 135, 0x99, one->Mac));
    FakeDrain();
    const Seen *answer = LastSeen(world, 2);
    CHECK(answer->Bytes[54] == 136 && answer->Bytes[77] == 0x99 && memcmp(answer->Bytes + 80, MasterMac, 6) == 0 && TransportSum(answer->Bytes + 14, 32) == 0xffff);
    SendFrame(one, frame, Discovery(frame, one->Mac, 0, 0x99, 135, 2, one->Mac));
    FakeDrain();
    CHECK(world->SeenCount == 1);
    // An advertisement on the master brings a neighbor that is waited for.
    IPVLAN_ITEM host = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 6, .PrefixLength = 64, .Address = {0xfd, [15] = 1}};
    CHECK(WorldChange(world, &host) == STATUS_SUCCESS);
    SendFrame(one, frame, Ipv6(frame, MasterMac, one->Mac, 2, 0x77, 17, 8));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 0);
    ReceiveFrame(world->Master, frame, Discovery(frame, Gateway, 0x77, 1, 136, 0x77, Gateway));
    FakeDrain();
    CHECK(CountSeen(world, 0) == 1 && memcmp(LastSeen(world, 0)->Bytes, Gateway, 6) == 0);
    // Groups need no neighbor; the scope of the host stays on it.
    length = Ipv6(frame, MasterMac, one->Mac, 2, 5, 17, 8);
    memcpy(frame + 38, (const uint8_t[]){0xff, 5}, 2);
    SendFrame(one, frame, length);
    CHECK(memcmp(LastSeen(world, 0)->Bytes, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 5}, 6) == 0);
    frame[39] = 1;
    SendFrame(one, frame, length);
    CHECK(CountSeen(world, 0) == 2 && WorldStatus(world, 2).Drops[8] == 1);
    WorldDestroy(world);
}

static void LargeSendsOfIpv6(void)
{
    uint8_t frame[512];
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    FakeFrame made = {.Bytes = frame, .Pieces = 3, .LargeSend = 0x80000000u | 100};
    made.Length = Ipv6(frame, Gateway, one->Mac, 2, 0x99, 6, 20 + 250);
    frame[54 + 12] = 0x50;
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 3 && LastSeen(world, 0)->Length == 54 + 70);
    CHECK(TransportSum(LastSeen(world, 0)->Bytes + 14, 20 + 50) == 0xffff);
    // Behind options, in a tag, and with a routing header that is not finished: that one cannot be cut.
    Forget(world);
    made.Length = Ipv6(frame, Gateway, one->Mac, 2, 0x99, 0, 8 + 20 + 250);
    frame[54] = 6;
    frame[54 + 8 + 12] = 0x50;
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 3);
    frame[20] = 43;
    frame[57] = 1;
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 4);
    memmove(frame + 16, frame + 12, made.Length - 12);
    memcpy(frame + 12, (const uint8_t[]){0x81, 0, 0, 7}, 4);
    frame[24] = 0;
    made.Length += 4;
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 7);
    // Version 1 of the request is told its payload when it completes; UDP is cut as well.
    made.LargeSend = 34 << 20 | 100;
    made.Length = Udp4(frame, Gateway, one->Mac, 2, 99, 250);
    FakeSend(one, FakeMakeList(&made));
    CHECK(CountSeen(world, 0) == 10);
    WorldDestroy(world);
}

static uint64_t DropsOf(World *world, uint32_t reason) { return WorldPortStatus(world).Drops[reason]; }

static void WaitingHasBounds(void)
{
    enum { NeighborQueueFull = 11, MasterDown = 12 };
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    IPVLAN_ITEM wide = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 4, .PrefixLength = 8, .Address = {10, 9, 9, 9}};
    CHECK(WorldChange(world, &wide) == STATUS_SUCCESS);
    for (uint32_t i = 0; i < 66; i++)
        SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 99, 10));
    CHECK(DropsOf(world, NeighborQueueFull) == 2);
    for (uint32_t i = 0; i < 260; i++) {
        uint32_t length = Udp4(frame, Gateway, one->Mac, 2, 50, 10);
        frame[31] = 3;
        frame[32] = (uint8_t)(i >> 8);
        frame[33] = (uint8_t)i;
        SendFrame(one, frame, length);
    }
    CHECK(DropsOf(world, NeighborQueueFull) == 2 + 5);
    // Found when the master is down.
    FakeSetLink(world->Master, false);
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 99}, .Mac = {2, 0, 0, 0, 0, 99}};
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS && DropsOf(world, MasterDown) == 64 && CountSeen(world, 0) == 0);
    // Another MAC for the same, and away with it.
    neighbor.Mac[5] = 98;
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS && WorldPortStatus(world).NeighborCount == 1);
    neighbor.Flags = IPVLAN_ITEM_REMOVE;
    CHECK(WorldChange(world, &neighbor) == STATUS_SUCCESS && WorldPortStatus(world).NeighborCount == 0);
    // What still waits goes with the port.
    CHECK(WorldPort(world, IOCTL_IPVLAN_REMOVE_PORT, 0, 0, 0, 0) == STATUS_SUCCESS);
    WorldDestroy(world);
}

static void AnAddressMapThatChangesMuch(void)
{
    uint8_t frame[128];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 2, true);
    for (uint32_t i = 0; i < 6000; i++) {
        IPVLAN_ITEM item = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 8, .StandInLuid = 2, .Address = {11, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        IPVLAN_ITEM six = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 6, .PrefixLength = 64, .StandInLuid = 3, .Address = {0x20, 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};
        CHECK(WorldChange(world, &item) == STATUS_SUCCESS && WorldChange(world, &item) != STATUS_SUCCESS && WorldChange(world, &six) == STATUS_SUCCESS);
        item.Flags = six.Flags = IPVLAN_ITEM_REMOVE;
        // A few stay; of the others nothing but their places, until those are cleared away.
        if (i % 8 != 0)
            CHECK(WorldChange(world, &item) == STATUS_SUCCESS && WorldChange(world, &item) != STATUS_SUCCESS && WorldChange(world, &six) == STATUS_SUCCESS);
    }
    CHECK(WorldPortStatus(world).AddressCount == 2 * (750 + 2));
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t length = Udp4(frame, MasterMac, Gateway, 99, 0, 10);
        memcpy(frame + 30, (const uint8_t[]){11, 0, (uint8_t)(i >> 8), (uint8_t)i}, 4);
        Forget(world);
        ReceiveFrame(world->Master, frame, length);
        CHECK(CountSeen(world, 2) == (i % 8 == 0) && CountSeen(world, MasterLuid) == (i % 8 != 0));
    }
    WorldDestroy(world);
}

static void SendsThatCannotBe(void)
{
    uint8_t frame[128];
    const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 2, true);
    FakeAdapter *one = world->StandIns[0];
    // What the host itself sends is none of the port's business.
    SendFrame(world->Master, frame, Udp4(frame, Gateway, MasterMac, 1, 99, 10));
    CHECK(CountSeen(world, 0) == 1 && world->LastStatus == NDIS_STATUS_SUCCESS);
    SendFrame(one, frame, 10);
    CHECK(world->LastStatus == NDIS_STATUS_INVALID_PACKET);
    // 21c with a group: the host, and every member.
    uint8_t groups[6];
    memcpy(groups, group, 6);
    CHECK(FakeRequest(world->StandIns[1], NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, groups, 6, NULL) == NDIS_STATUS_SUCCESS);
    SendFrame(one, frame, Udp4(frame, group, group, 2, 200, 10));
    FakeDrain();
    CHECK(CountSeen(world, MasterLuid) == 1 && CountSeen(world, 3) == 1);
    CHECK(WorldInterface(world, IOCTL_IPVLAN_SET_INTERFACE, 2, IPVLAN_SET_UP, 0) == STATUS_SUCCESS);
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 99, 10));
    CHECK(world->LastStatus == NDIS_STATUS_MEDIA_DISCONNECTED);
    WorldDestroy(world);
}

#if !defined(KM_LOADED)
#include "../filter/filter.h"

// In the moment between the master's new MTU and the interfaces'.
static void LongerThanTheMastersMtu(void)
{
    uint8_t frame[2048];
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    FakeAdapter *one = world->StandIns[0];
    IPVLAN_ITEM host = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 6, .PrefixLength = 64, .Address = {0xfd, [15] = 1}};
    IPVLAN_ITEM neighbor = {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 4, .PrefixLength = 32, .Address = {10, 0, 0, 99}, .Mac = {2, 0, 0, 0, 0, 99}};
    CHECK(WorldChange(world, &host) == STATUS_SUCCESS && WorldChange(world, &neighbor) == STATUS_SUCCESS);
    FakePause(world->Master);
    world->Master->IpMtu = 600;
    FakeRestart(world->Master);
    InterfaceSetMtu(ControlFindInterface(&TheDriver.Control, 2), 1500);
    // Fragments, with an option that only the first keeps.
    uint32_t length = Udp4(frame, Gateway, one->Mac, 2, 99, 1000);
    memmove(frame + 38, frame + 34, length - 34);
    memcpy(frame + 34, (const uint8_t[]){1, 7, 3, 4}, 4);
    frame[14] = 0x46;
    frame[17] = (uint8_t)(frame[17] + 4);
    frame[20] = 0;
    SendFrame(one, frame, length + 4);
    CHECK(CountSeen(world, 0) == 2 && (world->Seen[0].Bytes[20] & 0x20) != 0 && world->Seen[1].Bytes[34] == 1 && world->Seen[1].Bytes[35] == 1);
    CHECK(world->Seen[0].Length - 38 + world->Seen[1].Length - 38 == length - 34);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(Sum(0, world->Seen[i].Bytes + 14, 24) == 0xffff);
    // An option that has no length ends the search.
    frame[35] = 7;
    frame[36] = 0;
    SendFrame(one, frame, length + 4);
    CHECK(CountSeen(world, 0) == 4);
    // Not to be fragmented: the sender is told the MTU.
    Forget(world);
    SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 99, 1000));
    FakeDrain();
    const Seen *reply = LastSeen(world, 2);
    CHECK(reply->Bytes[34] == 3 && reply->Bytes[35] == 4 && reply->Bytes[40] == 600 >> 8 && reply->Bytes[41] == (600 & 0xff) && reply->Bytes[33] == 2);
    CHECK(CountSeen(world, 0) == 0 && world->LastStatus == NDIS_STATUS_RESOURCES);
    // Of a later fragment, and of an error, nobody is told.
    length = Udp4(frame, Gateway, one->Mac, 2, 99, 1000);
    frame[21] = 9;
    SendFrame(one, frame, length);
    length = Udp4(frame, Gateway, one->Mac, 2, 99, 1000);
    frame[23] = 1;
    frame[34] = 3;
    SendFrame(one, frame, length);
    length = Ipv6(frame, MasterMac, one->Mac, 2, 0x99, 17, 1000);
    SendFrame(one, frame, length);
    FakeDrain();
    reply = LastSeen(world, 2);
    CHECK(CountSeen(world, 2) == 2 && reply->Bytes[54] == 2 && reply->Bytes[60] == 600 >> 8 && reply->Bytes[53] == 2);
    length = Ipv6(frame, MasterMac, one->Mac, 2, 0x99, 58, 1000);
    frame[54] = 1;
    SendFrame(one, frame, length);
    for (uint32_t i = 0; i < 2 * TooBigRepliesPerSecond; i++)
        SendFrame(one, frame, Udp4(frame, Gateway, one->Mac, 2, 99, 1000));
    FakeDrain();
    CHECK(CountSeen(world, 2) <= TooBigRepliesPerSecond);
    // From a group nobody is told, nor where the host has no address of the family to speak from.
    FakeAdvance(10000000);
    Forget(world);
    length = Ipv6(frame, MasterMac, one->Mac, 2, 0x99, 17, 1000);
    frame[22] = 0xff;
    SendFrame(one, frame, length);
    host.Flags = IPVLAN_ITEM_REMOVE;
    IPVLAN_ITEM route = {.Kind = IPVLAN_ITEM_ROUTE, .Family = 6, .PrefixLength = 8, .Address = {0xfd}};
    CHECK(WorldChange(world, &route) == STATUS_SUCCESS && WorldChange(world, &host) == STATUS_SUCCESS);
    SendFrame(one, frame, Ipv6(frame, MasterMac, one->Mac, 2, 0x99, 17, 1000));
    FakeDrain();
    CHECK(world->SeenCount == 0 && world->LastStatus == NDIS_STATUS_RESOURCES);
    // Turned back to the master (rule 21c) it is too long there: lost, and counted as sent.
    CHECK(WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE, IPVLAN_MODE_L2, 0, 0) == STATUS_SUCCESS);
    SendFrame(one, frame, Udp4(frame, one->Mac, one->Mac, 2, 200, 1000));
    CHECK(world->SeenCount == 0 && world->LastStatus == NDIS_STATUS_SUCCESS && WorldStatus(world, 2).Drops[15] == 1);
    WorldDestroy(world);
}

// The largest numbers, without so many to count.
static void LargestNumbers(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L3, IPVLAN_FLAG_BRIDGE, 1, true);
    Port *port = ControlFindPort(&TheDriver.Control, MasterLuid);
    const struct {
        uint32_t *Count;
        uint32_t Most;
        IPVLAN_ITEM Item;
    } limits[] = {
        {&port->Four.Count, IPVLAN_MAX_ADDRESSES, {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 6, .PrefixLength = 64, .StandInLuid = 2, .Address = {0xfd, 7}}},
        {&port->Router.Routes.Count, IPVLAN_MAX_ROUTES, {.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .PrefixLength = 9, .Address = {20}}},
        {&port->Router.NeighborsFour.Count, IPVLAN_MAX_NEIGHBORS, {.Kind = IPVLAN_ITEM_NEIGHBOR, .Family = 6, .PrefixLength = 128, .Address = {0xfd, 8}, .Mac = {2}}},
    };
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t before = *limits[i].Count;
        *limits[i].Count = limits[i].Most;
        CHECK(WorldChange(world, &limits[i].Item) == STATUS_UNSUCCESSFUL);
        *limits[i].Count = before;
        CHECK(WorldChange(world, &limits[i].Item) == STATUS_SUCCESS);
    }
    WorldDestroy(world);
}

static void AsManyInterfaces(void)
{
    World *world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, 0, true);
    for (uint64_t i = 0; i <= IPVLAN_MAX_INTERFACES; i++)
        CHECK(WorldInterface(world, IOCTL_IPVLAN_ADD_INTERFACE, 100 + i, 0, 0) == (i < IPVLAN_MAX_INTERFACES ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES));
    CHECK(WorldInterface(world, IOCTL_IPVLAN_REMOVE_INTERFACE, 100 + 77, 0, 0) == STATUS_SUCCESS);
    CHECK(WorldInterface(world, IOCTL_IPVLAN_ADD_INTERFACE, 100 + IPVLAN_MAX_INTERFACES, 0, 0) == STATUS_SUCCESS);
    WorldDestroy(world);
}
#endif

const Scenario CoreScenarios[] = {
    {"neighbor discovery", DiscoveryIsTranslatedAndAnswered},
    {"large sends of IPv6", LargeSendsOfIpv6},
    {"waiting has bounds", WaitingHasBounds},
    {"an address map that changes much", AnAddressMapThatChangesMuch},
    {"sends that cannot be", SendsThatCannotBe},
#if !defined(KM_LOADED)
    {"longer than the master's MTU", LongerThanTheMastersMtu},
    {"the largest numbers", LargestNumbers},
    {"as many interfaces as there may be", AsManyInterfaces},
#endif
    {NULL, NULL},
};
