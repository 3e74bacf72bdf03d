// The whole filter over the fake NDIS, behind bench.h: configuration by the control device, groups by OID requests, frames through
// FilterSend and FilterReceive.
#include "bench.h"

#include "../include/ipvlan_ioctl.h"
#include "fake.h"

typedef struct Bench {
    OutputList Frames;
    OutputList Missing;
    OutputList Events;
    FakeFile *File;
    FakePendedControl *Event;
    uint8_t Mac[6];
    uint32_t IpMtu;
    uint32_t IsUp;
    uint32_t Options;
    uint32_t Turn; // every other frame comes at DISPATCH_LEVEL, every third is borrowed
    NDIS_STATUS LastStatus;
    uint64_t LiveBefore;
} Bench;

// Of builds that measure coverage: to that file what was reached so far.
BENCH_EXPORT void BenchWriteProfile(const char *path);
void __llvm_profile_set_filename(const char *path) __attribute__((weak));
int __llvm_profile_write_file(void) __attribute__((weak));

void BenchWriteProfile(const char *path)
{
    if (__llvm_profile_set_filename == NULL || __llvm_profile_write_file == NULL)
        return;
    __llvm_profile_set_filename(path);
    (void)__llvm_profile_write_file();
    // Not once more at the end.
    __llvm_profile_set_filename("/dev/null");
}

static void Note(Bench *bench, uint64_t place, PNET_BUFFER_LIST lists)
{
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = list->Next) {
        uint32_t tag = (uint32_t)(uintptr_t)list->NetBufferListInfo[Ieee8021QNetBufferListInfo];
        for (PNET_BUFFER buffer = list->FirstNetBuffer; buffer != NULL; buffer = buffer->Next) {
            uint32_t length, shift = tag == 0 ? 0 : 4;
            uint8_t *bytes = FakeRead(buffer, &length), *out = malloc(length + 4u);
            memcpy(out, bytes, length < 12 ? length : 12);
            if (length > 12)
                memcpy(out + 12 + shift, bytes + 12, length - 12);
            if (shift != 0) {
                uint32_t tci = (tag & 7) << 13 | (tag >> 3 & 1) << 12 | (tag >> 4 & 0xfff);
                out[12] = 0x81;
                out[13] = 0;
                out[14] = (uint8_t)(tci >> 8);
                out[15] = (uint8_t)tci;
            }
            (void)OutputAdd(&bench->Frames, place, out, length + shift);
            free(out);
            free(bytes);
        }
    }
}

static void OnReceive(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    Bench *bench = adapter->Context;
    Note(bench, adapter->Luid, lists);
    if ((flags & NDIS_RECEIVE_FLAGS_RESOURCES) == 0)
        FakeReturn(adapter, lists);
}

static void OnSend(FakeAdapter *adapter, PNET_BUFFER_LIST lists, ULONG flags)
{
    (void)flags;
    Note(adapter->Context, BenchWire, lists);
    FakeComplete(adapter, lists);
}

static void OnSendComplete(FakeAdapter *adapter, PNET_BUFFER_LIST lists)
{
    Bench *bench = adapter->Context;
    while (lists != NULL) {
        PNET_BUFFER_LIST next = lists->Next;
        bench->LastStatus = lists->Status;
        FakeFreeList(lists);
        lists = next;
    }
}

static void Attach(Bench *bench, uint64_t luid, const uint8_t *mac, uint32_t ipMtu)
{
    FakeAdapter *adapter = FakeAttach(luid, mac, ipMtu);
    FAKE_CHECK(adapter != NULL, "refused");
    adapter->Context = bench;
    adapter->OnReceive = OnReceive;
    adapter->OnSend = OnSend;
    adapter->OnSendComplete = OnSendComplete;
    FakeRestart(adapter);
}

static void WaitForEvent(Bench *bench)
{
    IPVLAN_HEADER header = {.Size = sizeof(header), .Version = IPVLAN_ABI_VERSION};
    bench->Event = FakeBeginControl(bench->File, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(IPVLAN_EVENT));
}

static void TakeEvents(Bench *bench)
{
    IPVLAN_EVENT event;
    while (FakePendedStatus(bench->Event, &event, NULL) == STATUS_SUCCESS) {
        FakeEndControl(bench->Event);
        if ((bench->Options & BenchServed) != 0) {
            (void)OutputAdd(&bench->Events, 0, (const uint8_t *)&event, sizeof(event));
        } else if (event.Kind == IPVLAN_EVENT_NEIGHBOR_WANTED) {
            uint8_t missing[17];
            missing[0] = event.Family;
            memcpy(missing + 1, event.Address, 16);
            (void)OutputAdd(&bench->Missing, 0, missing, sizeof(missing));
        }
        WaitForEvent(bench);
    }
}

void *BenchCreate(const uint8_t *mac, uint32_t ipMtu, uint32_t options)
{
    Bench *bench = calloc(1, sizeof(Bench));
    bench->LiveBefore = FakeLive();
    bench->IpMtu = ipMtu;
    bench->IsUp = 1;
    bench->Options = options;
    memcpy(bench->Mac, mac, 6);
    FAKE_CHECK(FakeLoad() == STATUS_SUCCESS, "DriverEntry");
    bench->File = FakeOpen();
    WaitForEvent(bench);
    Attach(bench, BenchHost, mac, ipMtu);
    return bench;
}

uint32_t BenchDestroy(void *handle)
{
    Bench *bench = handle;
    uint8_t bytes[65536 + 64];
    uint64_t place, before = bench->LiveBefore;
    TakeEvents(bench);
    while (OutputTake(&bench->Frames, &place, bytes, sizeof(bytes)) >= 0 || OutputTake(&bench->Missing, &place, bytes, sizeof(bytes)) >= 0 ||
           OutputTake(&bench->Events, &place, bytes, sizeof(bytes)) >= 0) {
    }
    (void)FakeCancelControl(bench->Event);
    FakeEndControl(bench->Event);
    FakeClose(bench->File);
    FakeUnload();
    free(bench);
    return (uint32_t)(FakeLive() - before);
}

uint32_t BenchControl(void *handle, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    Bench *bench = handle;
    NTSTATUS status = FakeControl(bench->File, code, buffer, inputLength, outputLength, written);
    FakeRestartWanted();
    FakeDrain();
    return (uint32_t)status;
}

void BenchSetMaster(void *handle, const uint8_t *mac, uint32_t ipMtu, uint32_t isUp)
{
    Bench *bench = handle;
    FakeAdapter *master = FakeFind(BenchHost);
    if (memcmp(bench->Mac, mac, 6) != 0) {
        // As a changed NetworkAddress does: the adapter goes and comes. Stand-ins that share its MAC are given the new one the same way.
        memcpy(bench->Mac, mac, 6);
        FakeDetach(master);
        Attach(bench, BenchHost, mac, ipMtu);
        master = FakeFind(BenchHost);
        for (uint64_t luid = BenchHost + 1; (bench->Options & BenchTranslate) == 0 && luid < 64; luid++) {
            if (FakeFind(luid) == NULL)
                continue;
            FakeDetach(FakeFind(luid));
            BenchAttach(bench, luid);
        }
        if (!isUp)
            FakeSetLink(master, false);
    } else if (bench->IpMtu != ipMtu) {
        FakePause(master);
        master->IpMtu = ipMtu;
        FakeRestart(master);
    }
    if (bench->IsUp != isUp)
        FakeSetLink(master, isUp != 0);
    memcpy(bench->Mac, mac, 6);
    bench->IpMtu = ipMtu;
    bench->IsUp = isUp;
}

void BenchMacOf(void *handle, uint64_t luid, uint8_t *mac)
{
    Bench *bench = handle;
    memcpy(mac, bench->Mac, 6);
    if ((bench->Options & BenchTranslate) == 0)
        return;
    const uint8_t own[6] = {0x06, 0xd7, 0x3a, 0x91, (uint8_t)(luid >> 8), (uint8_t)luid};
    memcpy(mac, own, 6);
}

void BenchAttach(void *handle, uint64_t luid)
{
    Bench *bench = handle;
    uint8_t mac[6];
    BenchMacOf(bench, luid, mac);
    Attach(bench, luid, mac, bench->IpMtu);
}

void BenchDetach(void *handle, uint64_t luid)
{
    (void)handle;
    FakeDetach(FakeFind(luid));
}

void BenchSetGroups(void *handle, uint64_t luid, const uint8_t *macs, uint32_t count, uint32_t isPromiscuous, uint32_t isAllMulticast)
{
    (void)handle;
    FakeAdapter *adapter = FakeFind(luid);
    uint32_t filter = NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_MULTICAST | NDIS_PACKET_TYPE_BROADCAST;
    filter |= (isPromiscuous ? (uint32_t)NDIS_PACKET_TYPE_PROMISCUOUS : 0) | (isAllMulticast ? (uint32_t)NDIS_PACKET_TYPE_ALL_MULTICAST : 0);
    uint8_t *list = malloc(count * 6u + 1);
    if (count > 0)
        memcpy(list, macs, count * 6u);
    FAKE_CHECK(FakeRequest(adapter, NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, list, count * 6, NULL) == NDIS_STATUS_SUCCESS, "list");
    FAKE_CHECK(FakeRequest(adapter, NdisRequestSetInformation, OID_GEN_CURRENT_PACKET_FILTER, &filter, sizeof(filter), NULL) == NDIS_STATUS_SUCCESS,
               "filter");
    free(list);
}

static PNET_BUFFER_LIST MakeList(const Bench *bench, const uint8_t *bytes, uint32_t length, bool isSent)
{
    uint8_t *copy = malloc(length + 1u);
    memcpy(copy, bytes, length);
    FakeFrame frame = {.Bytes = copy, .Length = length, .Pieces = (bench->Options & BenchSplit) != 0 ? 1 + bench->Turn % 5 : 1};
    bool isTagged = length >= 18 && bytes[12] == 0x81 && bytes[13] == 0;
    uint32_t tci = isTagged ? (uint32_t)bytes[14] << 8 | bytes[15] : 0;
    // VID 0 sent out of band means untagged; a received tag that is all zero cannot be told out of band.
    bool canBeOut = isTagged && (isSent ? (tci & 0xfff) != 0 : tci != 0);
    if (canBeOut && (bench->Options & BenchTagOutOfBand) != 0) {
        memmove(copy + 12, bytes + 16, length - 16);
        frame.Length = length - 4;
        frame.TagInfo = tci >> 13 | (tci >> 12 & 1) << 3 | (tci & 0xfff) << 4;
    }
    PNET_BUFFER_LIST list = FakeMakeList(&frame);
    free(copy);
    return list;
}

static uint32_t ErrorOf(NDIS_STATUS status)
{
    switch (status) {
    case NDIS_STATUS_SUCCESS:
        return 0;
    case NDIS_STATUS_MEDIA_DISCONNECTED:
        return 2;
    case NDIS_STATUS_INVALID_LENGTH:
        return 3;
    case NDIS_STATUS_INVALID_PACKET:
        return 4;
    default:
        return 1;
    }
}

uint32_t BenchInject(void *handle, uint64_t place, const uint8_t *frame, uint32_t length, uint32_t longestSegment)
{
    Bench *bench = handle;
    (void)longestSegment;
    FakeAdapter *adapter = FakeFind(place == BenchWire ? (uint64_t)BenchHost : place);
    bool isSent = place != BenchWire;
    PNET_BUFFER_LIST list = MakeList(bench, frame, length, isSent);
    bench->LastStatus = NDIS_STATUS_SUCCESS;
    KIRQL irql = bench->Turn % 2 == 0 ? FakeRaise() : FakeIrql();
    bool isBorrowed = bench->Turn++ % 3 == 0;
    if (isSent) {
        // A disconnected miniport loses what the host sends.
        FakeSend(adapter, list);
    } else {
        FakeIndicate(adapter, list, isBorrowed);
        if (isBorrowed)
            FakeFreeList(list);
    }
    FakeLower(irql);
    FakeDrain();
    TakeEvents(bench);
    if ((bench->Options & BenchServed) == 0) {
        // Each step asks anew for a missing neighbor.
        FakeAdvance(40000000);
        FakeDrain();
    }
    return ErrorOf(bench->LastStatus);
}

uint32_t BenchTakeEvent(void *handle, void *event)
{
    Bench *bench = handle;
    uint64_t place;
    TakeEvents(bench);
    return OutputTake(&bench->Events, &place, event, sizeof(IPVLAN_EVENT)) >= 0;
}

int32_t BenchTake(void *handle, uint64_t *place, uint8_t *buffer, uint32_t capacity)
{
    return OutputTake(&((Bench *)handle)->Frames, place, buffer, capacity);
}

uint32_t BenchTakeMissing(void *handle, uint8_t *address)
{
    uint8_t missing[17];
    uint64_t place;
    if (OutputTake(&((Bench *)handle)->Missing, &place, missing, sizeof(missing)) < 0)
        return 0;
    memcpy(address, missing + 1, 16);
    return missing[0];
}
