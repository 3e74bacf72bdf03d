// Fuzz target: lists of any shape (buffers, pieces, out-of-band words) and requests of any content, through the whole filter.
#include "scenario.h"

static World *world;

static void Lists(const uint8_t *data, uint32_t length)
{
    uint32_t tag = (uint32_t)data[1] | (uint32_t)data[2] << 8, first = length / 2;
    FakeFrame more = {.Bytes = data + first, .Length = length - first, .Pieces = 1 + data[3] % 4};
    FakeFrame frame = {.Bytes = data, .Length = data[0] & 1 ? first : length, .Pieces = 1 + data[4] % 6, .TagInfo = data[0] & 2 ? tag : 0};
    frame.Next = data[0] & 1 ? &more : NULL;
    frame.Checksum = data[0] & 4 ? data[5] : 0;
    frame.LargeSend = data[0] & 8 ? (uint32_t)data[6] | (uint32_t)data[7] << 24 : 0;
    frame.Coalesced = data[0] & 8 ? data[6] : 0;
    PNET_BUFFER_LIST list = FakeMakeList(&frame);
    KIRQL irql = data[0] & 16 ? FakeRaise() : FakeIrql();
    if (data[0] & 32) {
        FakeSend(world->StandIns[data[0] >> 7], list);
    } else {
        FakeIndicate(world->Master, list, (data[0] & 64) != 0);
        if (data[0] & 64)
            FakeFreeList(list);
    }
    FakeLower(irql);
}

static void Requests(const uint8_t *data, uint32_t length)
{
    uint32_t code = IPVLAN_IOCTL(0x800 + data[0] % 14), outputLength = (uint32_t)data[1] * 8;
    uint8_t *buffer = calloc(1, length + 4096u);
    memcpy(buffer, data + 2, length - 2);
    // Most would end at the version.
    if (length >= 10 && (data[0] & 128) != 0) {
        buffer[4] = IPVLAN_ABI_VERSION;
        buffer[5] = buffer[6] = buffer[7] = 0;
    }
    FakePendedControl *call = FakeBeginControl(world->File, code, buffer, length - 2, outputLength);
    if (FakePendedStatus(call, NULL, NULL) == STATUS_PENDING)
        (void)FakeCancelControl(call);
    FakeEndControl(call);
    FakeRestartWanted();
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t inputs;
    if (size < 12 || size > 4096)
        return 0;
    // Requests change the port: now and then a new one.
    if (world != NULL && inputs++ % 64 == 0) {
        WorldDestroy(world);
        world = NULL;
    }
    if (world == NULL)
        world = WorldCreate(data[8] % 3, data[9] % 3, 2, data[10] % 2 == 0);
    if (data[11] % 4 == 0)
        Requests(data, (uint32_t)size);
    else
        Lists(data, (uint32_t)size);
    FakeDrain();
    world->SeenCount = 0;
    return 0;
}
