// Fuzz target: a frame, in a buffer of its exact size, through every decision of the core and every change that is made to copies.
#include <stdlib.h>

#include "../core/control.h"
#include "../core/rewrite.h"
#include "../core/segmenter.h"

static void IgnorePort(Control *control, Port *port) { (void)control, (void)port; }
static void IgnoreInterface(Control *control, VirtualInterface *member) { (void)control, (void)member; }
static void IgnoreRole(Control *control, uint64_t luid) { (void)control, (void)luid; }
static void IgnoreNeighbor(Control *control, uint64_t luid, L3Address address, Mac mac) { (void)control, (void)luid, (void)address, (void)mac; }
static uint64_t Zero(Control *control) { return (void)control, 0; }

static const ControlHooks Hooks = {IgnorePort, IgnoreInterface, IgnoreRole, IgnoreRole, IgnoreNeighbor, Zero};
static Control control;
static Port *port;
static VirtualInterface *members[2];

static void Prepare(void)
{
    if (!ControlInitialize(&control, &Hooks, 1, 1))
        abort();
    port = PortCreate(&control.Epoch, 1, 1, 1);
    for (uint32_t i = 0; i < 2; i++) {
        L3Address four = {0, 0x0a000002 + i, FamilyFour}, six = {0xfdull << 56, 2 + i, FamilySix};
        if (PortAddInterface(port, 2 + i, NULL, NULL, &members[i]) != PortOk || PortAddAddress(port, members[i], four, 24) != PortOk ||
            PortAddAddress(port, members[i], six, 64) != PortOk)
            abort();
        InterfaceSetUp(members[i], true);
        members[i]->IsAllMulticast = 1;
    }
    L3Address host = {0, 0x0a000001, FamilyFour}, any = {0, 0, FamilyFour}, anySix = {0, 0, FamilySix};
    Route route = {.Gateway = {0, 0x0a0000fe, FamilyFour}}, onLink = {0};
    if (RouterAddHostAddress(&port->Router, host, 24) != PortOk || RouteAdd(&port->Router.Routes, any, 0, &route) != RouteOk ||
        RouteAdd(&port->Router.Routes, anySix, 0, &onLink) != RouteOk || PortSetMaster(port, 0x020000000001, 1500, true) != PortOk)
        abort();
}

static void Change(const uint8_t *data, uint32_t length, uint32_t choice)
{
    uint8_t *copy = malloc(length), *out = malloc((size_t)length + 2048);
    L3Address address;
    Mac mac;
    Segmenter segmenter;
    Fragmenter fragmenter;
    uint32_t size;
    memcpy(copy, data, length);
    TranslateSent(copy, length, ReadMac(copy), 0x020000000001);
    TranslateDelivered(copy, length, 0x060000000001, ReadMac(copy));
    ChecksumComplete(copy, length, choice & 3);
    (void)NeighborSeen(copy, length, &address, &mac);
    (void)ResolutionAnswerTo(copy, length, 1, out, &size);
    if (SegmenterStart(&segmenter, copy, length, 1 + choice)) {
        while (SegmenterNext(&segmenter, out) != 0) {
        }
    }
    if (FragmenterStart(&fragmenter, copy, length, 68 + choice)) {
        while (FragmenterNext(&fragmenter, out) != 0) {
        }
    }
    free(copy);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (port == NULL)
        Prepare();
    if (size < 2 + EtherHeaderLength)
        return 0;
    uint32_t choice = data[0], length = (uint32_t)size - 2, where = data[1] % 3;
    if (PortSet(port, IPVLAN_SET_MODE | IPVLAN_SET_FLAG, choice % 3, choice / 3 % 3, 0) != PortOk)
        abort();
    uint32_t headerLength = Least(length, FrameHeaderBytes), cursor = 0;
    uint8_t *header = malloc(headerLength);
    memcpy(header, data + 2, headerLength);
    Frame frame = {.Bytes = header, .Length = length, .LongestSegment = length};
    NextHop hop = {0};
    EpochEnter(&control.Epoch, 0);
    const PortSnapshot *snapshot = PortRead(port);
    PortMap map = PortReadMap(port);
    Foresight foresight = PortForesee(&map, header, length);
    Decision decision = where == 2 ? PortReceive(port, snapshot, 0, &frame, &foresight) : PortTransmit(port, snapshot, 0, members[where], &frame, 0, &hop);
    if (decision.Action == ActionFloodReceived || decision.Action == ActionFloodSent) {
        while (PortNextReceiver(port, snapshot, 0, &frame, decision.Action == ActionFloodSent ? members[where]->Serial : 0, &cursor) != NULL) {
        }
    }
    if (decision.Action == ActionHostAndLocal && decision.PacketLength > length)
        abort();
    if (decision.Action == ActionRoute || decision.Action == ActionRouteToHost) {
        uint8_t *copy = malloc(length);
        memcpy(copy, data + 2, length);
        RewriteRouted(copy, length, hop.Mac, snapshot->Mac);
        uint8_t reply[TooBigMaxLength];
        L3Address from = {0, 0x0a000001, Read16(copy + 12) == TypeIpv6 ? FamilySix : FamilyFour};
        (void)TooBigReplyWrite(copy, length, from, 1, 1280, reply);
        free(copy);
    }
    EpochLeave(&control.Epoch, 0);
    free(header);
    Change(data + 2, length, choice);
    return 0;
}
