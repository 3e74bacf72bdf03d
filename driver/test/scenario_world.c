#include "scenario.h"

const uint8_t MasterMac[6] = {2, 0, 0, 0, 0, 1};

static void See(World *world, uint64_t place, PNET_BUFFER_LIST lists)
{
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        for (PNET_BUFFER buffer = list->FirstNetBuffer; buffer != NULL; buffer = buffer->Next) {
            uint32_t length, number = __atomic_fetch_add(&world->SeenCount, 1, __ATOMIC_RELAXED);
            if (number >= MostSeen)
                continue;
            uint8_t *bytes = FakeRead(buffer, &length);
            Seen *seen = &world->Seen[number];
            seen->Place = place;
            seen->Length = length;
            seen->TagInfo = (uint32_t)(uintptr_t)list->NetBufferListInfo[Ieee8021QNetBufferListInfo];
            seen->ChecksumInfo = (uint32_t)(uintptr_t)list->NetBufferListInfo[TcpIpChecksumNetBufferListInfo];
            memcpy(seen->Info, list->NetBufferListInfo, sizeof(seen->Info));
            memcpy(seen->Bytes, bytes, length < sizeof(seen->Bytes) ? length : sizeof(seen->Bytes));
            free(bytes);
        }
    }
}

static void Hold(World *world, PNET_BUFFER_LIST lists)
{
    while (lists != NULL) {
        PNET_BUFFER_LIST next = lists->Next;
        lists->Next = NULL;
        world->Held[world->HeldCount++] = lists;
        lists = next;
    }
}

static void OnReceive(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    World *world = adapter->Context;
    (void)__atomic_fetch_add(&world->Indications[adapter->Luid % 16], 1, __ATOMIC_RELAXED);
    See(world, adapter->Luid, lists);
    if ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) != 0)
        return;
    if (world->Holds)
        Hold(world, lists);
    else
        FakeReturn(adapter, lists);
}

static void OnSend(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    World *world = adapter->Context;
    (void)flags;
    (void)__atomic_fetch_add(&world->Sends[adapter->Luid % 16], 1, __ATOMIC_RELAXED);
    See(world, 0, lists);
    if (world->HoldsSends)
        Hold(world, lists);
    else
        FakeComplete(adapter, lists);
}

static void OnSendComplete(FakeAdapter *adapter, PNET_BUFFER_LIST lists)
{
    World *world = adapter->Context;
    (void)__atomic_fetch_add(&world->Completions[adapter->Luid % 16], 1, __ATOMIC_RELAXED);
    while (lists != NULL) {
        PNET_BUFFER_LIST next = lists->Next;
        __atomic_store_n(&world->LastStatus, lists->Status, __ATOMIC_RELAXED);
        (void)__atomic_fetch_add(&world->Completed, 1, __ATOMIC_RELAXED);
        FakeFreeList(lists);
        lists = next;
    }
}

static void OnStatus(FakeAdapter *adapter, PNDIS_STATUS_INDICATION status)
{
    if (status->StatusCode == NDIS_STATUS_LINK_STATE)
        memcpy(&adapter->LastLink, status->StatusBuffer, sizeof(adapter->LastLink));
}

void WorldGiveBack(World *world)
{
    for (uint32_t i = 0; i < world->HeldCount; i++) {
        FakeListState *state = FakeStateOf(world->Held[i]);
        if (state->Holder == HeldAbove)
            FakeReturn(state->Adapter, world->Held[i]);
        else
            FakeComplete(state->Adapter, world->Held[i]);
    }
    world->HeldCount = 0;
}

static FakeAdapter *Attach(World *world, uint64_t luid, const uint8_t *mac)
{
    FakeAdapter *adapter = FakeAttach(luid, mac, 1500);
    if (adapter == NULL)
        return NULL;
    adapter->Context = world;
    adapter->OnReceive = OnReceive;
    adapter->OnSend = OnSend;
    adapter->OnSendComplete = OnSendComplete;
    adapter->OnStatus = OnStatus;
    FakeRestart(adapter);
    return adapter;
}

void WorldAttach(World *world, uint64_t luid, const uint8_t *mac)
{
    FakeAdapter *adapter = Attach(world, luid, mac);
    if (luid == MasterLuid)
        world->Master = adapter;
    else
        world->StandIns[luid - FirstStandIn] = adapter;
}

NTSTATUS WorldPort(World *world, uint32_t code, uint32_t fields, uint32_t mode, uint32_t flag, uint32_t options)
{
    IPVLAN_PORT request = {.Header = {sizeof(request), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .Fields = fields, .Options = options, .Mode = mode, .Flag = flag};
    NTSTATUS status = FakeControl(world->File, code, &request, sizeof(request), 0, NULL);
    FakeRestartWanted();
    return status;
}

NTSTATUS WorldInterface(World *world, uint32_t code, uint64_t luid, uint32_t fields, uint32_t isUp)
{
    IPVLAN_INTERFACE request = {.Header = {sizeof(request), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .StandInLuid = luid, .Fields = fields, .IsUp = isUp};
    NTSTATUS status = FakeControl(world->File, code, &request, sizeof(request), 0, NULL);
    FakeRestartWanted();
    return status;
}

NTSTATUS WorldChange(World *world, const IPVLAN_ITEM *item)
{
    uint8_t buffer[sizeof(IPVLAN_CHANGES) + sizeof(IPVLAN_ITEM)];
    IPVLAN_CHANGES request = {.Header = {sizeof(request), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .Count = 1};
    IPVLAN_ITEM result;
    memcpy(buffer, &request, sizeof(request));
    memcpy(buffer + sizeof(request), item, sizeof(*item));
    NTSTATUS status = FakeControl(world->File, IOCTL_IPVLAN_CHANGE, buffer, sizeof(buffer), sizeof(buffer), NULL);
    memcpy(&result, buffer + sizeof(request), sizeof(result));
    return status != STATUS_SUCCESS ? status : result.Result == IPVLAN_RESULT_OK ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static bool AddStandIn(World *world, uint32_t number, bool isTranslated)
{
    uint64_t luid = FirstStandIn + number;
    const uint8_t own[6] = {6, 0, 0, 0, 1, (uint8_t)luid};
    IPVLAN_ITEM four = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 24, .StandInLuid = luid, .Address = {10, 0, 0, (uint8_t)(2 + number)}};
    IPVLAN_ITEM six = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 6, .PrefixLength = 64, .StandInLuid = luid, .Address = {0xfd, [15] = (uint8_t)(2 + number)}};
    if (WorldInterface(world, IOCTL_IPVLAN_ADD_INTERFACE, luid, 0, 0) != STATUS_SUCCESS)
        return false;
    world->StandIns[number] = Attach(world, luid, isTranslated ? own : MasterMac);
    world->StandInCount = number + 1;
    return world->StandIns[number] != NULL && WorldInterface(world, IOCTL_IPVLAN_SET_INTERFACE, luid, IPVLAN_SET_UP, 1) == STATUS_SUCCESS &&
           WorldChange(world, &four) == STATUS_SUCCESS && WorldChange(world, &six) == STATUS_SUCCESS;
}

static bool Fill(World *world, uint32_t mode, uint32_t flag, uint32_t standIns, bool isTranslated)
{
    static const IPVLAN_ITEM host = {.Kind = IPVLAN_ITEM_MASTER_ADDRESS, .Family = 4, .PrefixLength = 24, .Address = {10, 0, 0, 1}};
    static const IPVLAN_ITEM route = {.Kind = IPVLAN_ITEM_ROUTE, .Family = 4, .Gateway = {10, 0, 0, 254}, .GatewayFamily = 4};
    if (WorldPort(world, IOCTL_IPVLAN_ADD_PORT, 0, 0, 0, 0) != STATUS_SUCCESS)
        return false;
    world->Master = Attach(world, MasterLuid, MasterMac);
    if (world->Master == NULL || WorldChange(world, &host) != STATUS_SUCCESS || WorldChange(world, &route) != STATUS_SUCCESS)
        return false;
    for (uint32_t i = 0; i < standIns; i++) {
        if (!AddStandIn(world, i, isTranslated))
            return false;
    }
    return WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_FLAG, mode, flag, 0) == STATUS_SUCCESS;
}

static World *New(void)
{
    World *world = calloc(1, sizeof(World));
    world->LiveBefore = FakeLive();
    world->Seen = calloc(MostSeen, sizeof(Seen));
    return world;
}

World *WorldCreate(uint32_t mode, uint32_t flag, uint32_t standIns, bool isTranslated)
{
    World *world = New();
    CHECK(FakeLoad() == STATUS_SUCCESS);
    world->File = FakeOpen();
    CHECK(Fill(world, mode, flag, standIns, isTranslated));
    return world;
}

NTSTATUS WorldTryCreate(World **created, uint32_t mode, uint32_t flag, uint32_t standIns)
{
    World *world = New();
    NTSTATUS status = FakeLoad();
    if (status != STATUS_SUCCESS) {
        CHECK(FakeLive() == world->LiveBefore);
        free(world->Seen);
        free(world);
        *created = NULL;
        return status;
    }
    world->File = FakeOpen();
    status = Fill(world, mode, flag, standIns, true) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    *created = world;
    return status;
}

void WorldDestroy(World *world)
{
    uint64_t before = world->LiveBefore;
    WorldGiveBack(world);
    FakeDrain();
    FakeClose(world->File);
    FakeUnload();
    free(world->Seen);
    free(world);
    FAKE_CHECK(FakeLive() == before, "%lld left", (long long)(FakeLive() - before));
}

IPVLAN_INTERFACE_STATUS WorldStatus(World *world, uint64_t luid)
{
    union {
        IPVLAN_INTERFACE Request;
        IPVLAN_INTERFACE_STATUS Status;
    } buffer = {.Request = {.Header = {sizeof(IPVLAN_INTERFACE), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid, .StandInLuid = luid}};
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_QUERY_INTERFACE, &buffer, sizeof(IPVLAN_INTERFACE), sizeof(buffer.Status), NULL) == STATUS_SUCCESS);
    return buffer.Status;
}

IPVLAN_PORT_STATUS WorldPortStatus(World *world)
{
    union {
        IPVLAN_PORT Request;
        IPVLAN_PORT_STATUS Status;
    } buffer = {.Request = {.Header = {sizeof(IPVLAN_PORT), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid}};
    CHECK(FakeControl(world->File, IOCTL_IPVLAN_QUERY_PORT, &buffer, sizeof(IPVLAN_PORT), sizeof(buffer.Status), NULL) == STATUS_SUCCESS);
    return buffer.Status;
}

static uint32_t Sum(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

uint32_t Udp4(uint8_t *frame, const uint8_t *destination, const uint8_t *source, uint8_t from, uint8_t to, uint32_t payload)
{
    uint32_t total = 28 + payload;
    const uint8_t header[28] = {0x45, 0, (uint8_t)(total >> 8), (uint8_t)total, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to,
                                1, 2, 3, 4, (uint8_t)((8 + payload) >> 8), (uint8_t)(8 + payload), 0, 0};
    memcpy(frame, destination, 6);
    memcpy(frame + 6, source, 6);
    frame[12] = 8;
    frame[13] = 0;
    memcpy(frame + 14, header, sizeof(header));
    for (uint32_t i = 0; i < payload; i++)
        frame[42 + i] = (uint8_t)i;
    uint32_t sum = 0xffff - Sum(frame + 14, 20);
    frame[24] = (uint8_t)(sum >> 8);
    frame[25] = (uint8_t)sum;
    return 14 + total;
}

// 3 segments of 100 bytes and one of 50.
uint32_t Tcp4(uint8_t *frame, const uint8_t *destination, const uint8_t *source, uint8_t from, uint8_t to)
{
    uint32_t length = Udp4(frame, destination, source, from, to, 362);
    frame[23] = 6;
    memset(frame + 34, 0, 20);
    frame[46] = 0x50;
    frame[47] = 0x19; // FIN, PSH, ACK
    return length;
}

void SendFrame(FakeAdapter *adapter, const uint8_t *bytes, uint32_t length)
{
    FakeFrame frame = {.Bytes = bytes, .Length = length, .Pieces = 3};
    FakeSend(adapter, FakeMakeList(&frame));
}

void ReceiveFrame(FakeAdapter *adapter, const uint8_t *bytes, uint32_t length)
{
    FakeFrame frame = {.Bytes = bytes, .Length = length, .Pieces = 3};
    FakeIndicate(adapter, FakeMakeList(&frame), false);
}

uint32_t CountSeen(const World *world, uint64_t place)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->SeenCount && i < MostSeen; i++)
        count += world->Seen[i].Place == place;
    return count;
}

const Seen *LastSeen(const World *world, uint64_t place)
{
    for (uint32_t i = world->SeenCount; i > 0; i--) {
        if (world->Seen[i - 1].Place == place)
            return &world->Seen[i - 1];
    }
    FakeFault(__FILE__, __LINE__, "LastSeen", "nothing at %llu", (unsigned long long)place);
}

void Forget(World *world)
{
    world->SeenCount = 0;
    memset(world->Indications, 0, sizeof(world->Indications));
    memset(world->Sends, 0, sizeof(world->Sends));
    memset(world->Completions, 0, sizeof(world->Completions));
}
