// The core alone, its decisions carried out on byte arrays as a data path has to.
#include "bench.h"

#include <stdio.h>

#include "../core/control.h"
#include "../core/rewrite.h"
#include "host_core.h"
#include "output_list.h"

enum { MasterLuid = BenchHost, Processors = 1, Processor = 0 };

typedef struct Bench {
    Control Control; // first: hooks find the bench by it
    OutputList Frames;
    OutputList Missing;
    Mac Mac;
    uint32_t IpMtu;
    uint32_t IsUp;
    uint64_t BlocksBefore;
} Bench;

static void IgnorePort(Control *control, Port *port) { (void)control, (void)port; }
static void IgnoreInterface(Control *control, VirtualInterface *member) { (void)control, (void)member; }
static void IgnoreReception(Control *control, uint64_t luid) { (void)control, (void)luid; }
static void IgnoreNeighbor(Control *control, uint64_t luid, L3Address address, Mac mac) { (void)control, (void)luid, (void)address, (void)mac; }
static uint64_t Zero(Control *control) { return (void)control, 0; }

static void TellMaster(Bench *bench)
{
    CoreLock();
    Port *port = ControlFindPort(&bench->Control, MasterLuid);
    if (port != NULL && PortSetMaster(port, bench->Mac, bench->IpMtu, bench->IsUp != 0) == PortInvalid)
        abort();
    CoreUnlock();
}

static void RoleChanged(Control *control, uint64_t luid)
{
    if (luid == MasterLuid)
        TellMaster((Bench *)control);
}

static const ControlHooks Hooks = {IgnorePort, IgnoreInterface, RoleChanged, IgnoreReception, IgnoreNeighbor, Zero};

void *BenchCreate(const uint8_t *mac, uint32_t ipMtu, uint32_t options)
{
    (void)options;
    uint64_t before = HostBlocks();
    Bench *bench = calloc(1, sizeof(Bench));
    if (bench == NULL || !ControlInitialize(&bench->Control, &Hooks, 0x1234567890abcdef, Processors)) {
        free(bench);
        return NULL;
    }
    bench->Mac = ReadMac(mac);
    bench->IpMtu = ipMtu;
    bench->IsUp = 1;
    bench->BlocksBefore = before;
    return bench;
}

uint32_t BenchDestroy(void *handle)
{
    Bench *bench = handle;
    uint8_t bytes[65536 + 64];
    uint64_t place, before = bench->BlocksBefore;
    while (OutputTake(&bench->Frames, &place, bytes, sizeof(bytes)) >= 0 || OutputTake(&bench->Missing, &place, bytes, sizeof(bytes)) >= 0) {
    }
    ControlDestroy(&bench->Control);
    free(bench);
    return (uint32_t)(HostBlocks() - before);
}

uint32_t BenchControl(void *handle, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    // As the filter's device maps them to NTSTATUS.
    static const uint32_t statuses[] = {0,          0xC000000Du, 0xC0000059u, 0xC0000010u, 0xC0000023u,
                                        0xC0000035u, 0xC0000225u, 0xC000009Au, 0xC0000017u, 0xC000020Au};
    return statuses[ControlExecute(&((Bench *)handle)->Control, code, buffer, inputLength, outputLength, written)];
}

void BenchSetMaster(void *handle, const uint8_t *mac, uint32_t ipMtu, uint32_t isUp)
{
    Bench *bench = handle;
    bench->Mac = ReadMac(mac);
    bench->IpMtu = ipMtu;
    bench->IsUp = isUp;
    TellMaster(bench);
}

void BenchAttach(void *handle, uint64_t luid) { (void)handle, (void)luid; }

void BenchDetach(void *handle, uint64_t luid) { (void)handle, (void)luid; }

uint32_t BenchTakeEvent(void *handle, void *event) { return (void)handle, (void)event, 0; }

void BenchMacOf(void *handle, uint64_t luid, uint8_t *mac)
{
    (void)luid;
    WriteMac(mac, ((Bench *)handle)->Mac);
}

void BenchSetGroups(void *handle, uint64_t luid, const uint8_t *macs, uint32_t count, uint32_t isPromiscuous, uint32_t isAllMulticast)
{
    Bench *bench = handle;
    CoreLock();
    VirtualInterface *member = ControlFindInterface(&bench->Control, luid);
    if (member != NULL) {
        Store32(&member->IsPromiscuous, isPromiscuous);
        Store32(&member->IsAllMulticast, isAllMulticast);
        if (PortSetGroups(member->Port, member, macs, count) != PortOk)
            abort();
    }
    CoreUnlock();
}

static void Flood(Bench *bench, Port *port, const PortSnapshot *snapshot, const Frame *frame, const uint8_t *bytes, uint32_t serial)
{
    uint32_t cursor = 0;
    VirtualInterface *receiver;
    while ((receiver = PortNextReceiver(port, snapshot, Processor, frame, serial, &cursor)) != NULL)
        OutputAdd(&bench->Frames, receiver->Luid, bytes, frame->Length);
}

static void SendRouted(Bench *bench, const PortSnapshot *snapshot, const Frame *frame, uint8_t *bytes, Decision decision, Mac hop)
{
    RewriteRouted(bytes, frame->Length, hop, snapshot->Mac);
    Fragmenter fragmenter;
    if (!decision.NeedsFragmenting || frame->LongestSegment != frame->Length) {
        OutputAdd(&bench->Frames, BenchWire, bytes, frame->Length);
    } else if (FragmenterStart(&fragmenter, bytes, frame->Length, snapshot->IpMtu)) {
        uint8_t *fragment = malloc(EtherHeaderLength + (size_t)snapshot->IpMtu);
        uint32_t length;
        while ((length = FragmenterNext(&fragmenter, fragment)) != 0)
            OutputAdd(&bench->Frames, BenchWire, fragment, length);
        free(fragment);
    }
}

static void CarryOut(Bench *bench, Port *port, const PortSnapshot *snapshot, const Frame *frame, uint8_t *bytes, Decision decision,
                     const VirtualInterface *sender, const NextHop *hop)
{
    uint8_t missing[17] = {0};
    uint32_t tags = frame->Length >= EtherHeaderLength ? TagBytes(bytes, frame->Length) : 0;
    switch (decision.Action) {
    case ActionHost:
        OutputAdd(&bench->Frames, BenchHost, bytes, frame->Length);
        break;
    case ActionDeliver:
        OutputAdd(&bench->Frames, decision.Target->Luid, bytes, frame->Length);
        break;
    case ActionHostAndLocal:
        OutputAdd(&bench->Frames, BenchHost, bytes, frame->Length);
        memmove(bytes + tags, bytes, 2 * MacLength);
        OutputAdd(&bench->Frames, decision.Target->Luid, bytes + tags, EtherHeaderLength + decision.PacketLength);
        break;
    case ActionFloodReceived:
        OutputAdd(&bench->Frames, BenchHost, bytes, frame->Length);
        Flood(bench, port, snapshot, frame, bytes, 0);
        break;
    case ActionFloodSent:
        if (snapshot->IsUp)
            OutputAdd(&bench->Frames, BenchWire, bytes, frame->Length);
        Flood(bench, port, snapshot, frame, bytes, sender->Serial);
        break;
    case ActionWire:
        OutputAdd(&bench->Frames, BenchWire, bytes, frame->Length);
        break;
    case ActionRoute:
        SendRouted(bench, snapshot, frame, bytes, decision, hop->Mac);
        break;
    case ActionNeighborMissing:
        missing[0] = hop->Address.Family;
        WriteAddress(missing + 1, hop->Address);
        OutputAdd(&bench->Missing, 0, missing, sizeof(missing));
        break;
    case ActionRouteToHost:
        RewriteRouted(bytes, frame->Length, snapshot->Mac, snapshot->Mac);
        OutputAdd(&bench->Frames, BenchHost, bytes, frame->Length);
        break;
    default:
        break;
    }
}

static Decision Receive(Port *port, const PortSnapshot *snapshot, const Frame *view)
{
    PortMap map = PortReadMap(port);
    Foresight foresight = PortForesee(&map, view->Bytes, view->Length);
    return PortReceive(port, snapshot, Processor, view, &foresight);
}

uint32_t BenchInject(void *handle, uint64_t place, const uint8_t *frame, uint32_t length, uint32_t longestSegment)
{
    Bench *bench = handle;
    uint8_t *bytes = malloc(length + 1u);
    // The header in a buffer of its exact size, so that the sanitizer sees each byte read beyond it.
    uint32_t headerLength = Least(length, FrameHeaderBytes);
    uint8_t *header = malloc(headerLength == 0 ? 1 : headerLength);
    memcpy(bytes, frame, length);
    memcpy(header, frame, headerLength);
    Frame view = {.Bytes = header, .Length = length, .LongestSegment = longestSegment};
    NextHop hop = {0};
    Decision decision = {0};
    EpochEnter(&bench->Control.Epoch, Processor);
    Port *port = ControlFindPort(&bench->Control, MasterLuid);
    VirtualInterface *sender = port == NULL ? NULL : PortFind(port, place);
    if (port != NULL) {
        const PortSnapshot *snapshot = PortRead(port);
        if (place == BenchHost)
            decision.Action = snapshot->IsUp ? ActionWire : ActionDrop;
        else if (place == BenchWire)
            decision = Receive(port, snapshot, &view);
        else if (sender != NULL)
            decision = PortTransmit(port, snapshot, Processor, sender, &view, 0, &hop);
        CarryOut(bench, port, snapshot, &view, bytes, decision, sender, &hop);
    }
    EpochLeave(&bench->Control.Epoch, Processor);
    free(header);
    free(bytes);
    return decision.SendError;
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
