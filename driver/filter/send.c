#include "filter.h"

// What a stand-in's stack sends is decided on, copied and completed at once; its miniport never sees it. What the host sends on a master
// is none of the port's business (semantics 53).

typedef struct Sending {
    Module *Module;
    Port *Port;
    const PortSnapshot *Snapshot;
    VirtualInterface *Sender;
    uint32_t Processor;
    Batch Wire;
} Sending;

static NDIS_STATUS StatusOf(uint32_t error)
{
    switch (error) {
    case SendErrorNone:
        return NDIS_STATUS_SUCCESS;
    case SendErrorNetworkDown:
        return NDIS_STATUS_MEDIA_DISCONNECTED;
    case SendErrorMessageTooLong:
        return NDIS_STATUS_INVALID_LENGTH;
    case SendErrorInvalid:
        return NDIS_STATUS_INVALID_PACKET;
    case SendErrorNoBuffers:
    default:
        return NDIS_STATUS_RESOURCES;
    }
}

static Packet *CopySent(Sending *sending, const View *view)
{
    Packet *packet = ViewCopy(view, sending->Module->Mac, sending->Snapshot->Mac);
    if (packet == NULL)
        PortCountDrop(sending->Port, DropDeviceQueueFull, sending->Sender);
    return packet;
}

// ICMP "fragmentation needed" or ICMPv6 "packet too big", at most so many a second.
static void ReplyTooBig(Sending *sending, const View *view)
{
    uint64_t now = Now(), window = Load64(&TheDriver.TooBigWindow);
    uint8_t family = Read16(view->Frame.Bytes + 12) == TypeIpv6 ? FamilySix : FamilyFour;
    L3Address from;
    if (now - window >= SECOND && CompareExchange64(&TheDriver.TooBigWindow, &window, now))
        Store32(&TheDriver.TooBigReplies, 0);
    if (Add32(&TheDriver.TooBigReplies, 1) > TooBigRepliesPerSecond || !RouterPickSource(&sending->Port->Router, family, &from))
        return;
    Packet *packet = CopySent(sending, view), *reply = packet == NULL ? NULL : PacketAllocate(TooBigMaxLength);
    if (reply != NULL) {
        reply->Length = reply->LongestSegment =
            TooBigReplyWrite(packet->Bytes, packet->Length, from, sending->Snapshot->Mac, sending->Snapshot->IpMtu, reply->Bytes);
        if (reply->Length != 0)
            DeliverToInterface(sending->Port, sending->Snapshot, sending->Sender, reply, sending->Processor, NULL);
        else
            PacketFree(reply);
    }
    if (packet != NULL)
        PacketFree(packet);
}

static void RouteCopy(Sending *sending, const View *view, Decision decision, const NextHop *hop)
{
    Packet *packet = CopySent(sending, view);
    if (packet == NULL)
        return;
    packet->TagInfo = 0;
    packet->NeedsFragmenting = decision.NeedsFragmenting;
    if (decision.Action == ActionRouteToHost) {
        // From the stand-in's own MAC where it has one: a stack refuses what seems to come from itself.
        RewriteRouted(packet->Bytes, packet->Length, sending->Snapshot->Mac, sending->Module->Mac);
        DeliverToHost(sending->Port, sending->Sender, packet, sending->Processor, NULL);
        return;
    }
    bool isMissing = decision.Action == ActionNeighborMissing;
    RewriteRouted(packet->Bytes, packet->Length, isMissing ? 0 : hop->Mac, sending->Snapshot->Mac);
    if (isMissing)
        PendingAdd(sending->Port, sending->Sender, hop->Address, packet);
    else
        SendToWire(sending->Port, sending->Sender, packet, &sending->Wire);
}

// Rule W1. True: it was a question for the module itself.
static bool AnswerResolution(Sending *sending, const View *view)
{
    uint8_t bytes[ResolutionReplyLength];
    uint32_t length;
    if (sending->Snapshot->Mode == ModeL2 || (sending->Snapshot->Options & IPVLAN_OPTION_ANSWER_RESOLUTION) == 0)
        return false;
    ResolutionKind kind = ResolutionAnswerTo(view->Frame.Bytes, view->Frame.Length, sending->Snapshot->Mac, bytes, &length);
    if (kind != ResolutionAnswer)
        return kind == ResolutionSwallow;
    Packet *reply = PacketAllocate(length);
    if (reply == NULL) {
        PortCountDrop(sending->Port, DropDeviceQueueFull, sending->Sender);
        return true;
    }
    memcpy(reply->Bytes, bytes, length);
    DeliverToInterface(sending->Port, sending->Snapshot, sending->Sender, reply, sending->Processor, NULL);
    return true;
}

static NDIS_STATUS SendBuffer(Sending *sending, PNET_BUFFER_LIST list, PNET_BUFFER buffer)
{
    View view;
    NextHop hop = {0};
    if (!ViewRead(&view, list, buffer, true, sending->Module->Mac, sending->Snapshot->Mac)) {
        PortCountDrop(sending->Port, DropDeviceQueueFull, sending->Sender);
        return NDIS_STATUS_RESOURCES;
    }
    if (AnswerResolution(sending, &view))
        return NDIS_STATUS_SUCCESS;
    Decision decision =
        PortTransmit(sending->Port, sending->Snapshot, sending->Processor, sending->Sender, &view.Frame, Now(), &hop);
    switch (decision.Action) {
    case ActionDrop:
        if (decision.Reason == DropMtuExceeded && decision.Target == NULL)
            ReplyTooBig(sending, &view);
        break;
    case ActionDeliver:
        DeliverToInterface(sending->Port, sending->Snapshot, decision.Target, CopySent(sending, &view), sending->Processor, NULL);
        break;
    case ActionHost:
        DeliverToHost(sending->Port, sending->Sender, CopySent(sending, &view), sending->Processor, NULL);
        break;
    case ActionFloodReceived:
        DeliverToHost(sending->Port, sending->Sender, CopySent(sending, &view), sending->Processor, NULL);
        FloodLater(sending->Port, NULL, CopySent(sending, &view), sending->Processor);
        break;
    case ActionFloodSent:
        FloodLater(sending->Port, sending->Sender, CopySent(sending, &view), sending->Processor);
        break;
    case ActionWire:
        SendToWire(sending->Port, sending->Sender, CopySent(sending, &view), &sending->Wire);
        break;
    default:
        RouteCopy(sending, &view, decision, &hop);
        break;
    }
    return StatusOf(decision.SendError);
}

// A large send tells its stack, when it completes, what was done: version 1 the bytes of payload, version 2 nothing but itself.
static void CompleteLargeSend(PNET_BUFFER_LIST list)
{
    const uint32_t versionTwo = 0x80000000u;
    uint32_t info = (uint32_t)(uintptr_t)NET_BUFFER_LIST_INFO(list, TcpLargeSendNetBufferListInfo);
    if (info == 0)
        return;
    uint32_t payload = 0, headers = info >> 20 & 0x3ff;
    if ((info & versionTwo) == 0) {
        for (PNET_BUFFER at = NET_BUFFER_LIST_FIRST_NB(list); at != NULL; at = NET_BUFFER_NEXT_NB(at))
            payload += NET_BUFFER_DATA_LENGTH(at) > headers + 20 ? NET_BUFFER_DATA_LENGTH(at) - headers - 20 : 0;
    }
    NET_BUFFER_LIST_INFO(list, TcpLargeSendNetBufferListInfo) = (PVOID)(uintptr_t)((info & versionTwo) | payload);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterSend(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags)
{
    Module *module = context;
    Section section;
    SectionEnter(&section);
    VirtualInterface *sender = LOAD(module->Interface);
    if (sender == NULL) {
        SectionEndReading(&section);
        SectionLeave(&section);
        NdisFSendNetBufferLists(module->Handle, lists, port, flags);
        return;
    }
    Sending sending = {.Module = module, .Port = sender->Port, .Sender = sender, .Processor = section.Processor};
    sending.Snapshot = PortRead(sending.Port);
    for (PNET_BUFFER_LIST list = lists; list != NULL; list = NET_BUFFER_LIST_NEXT_NBL(list)) {
        NDIS_STATUS status = NDIS_STATUS_SUCCESS;
        for (PNET_BUFFER buffer = NET_BUFFER_LIST_FIRST_NB(list); buffer != NULL; buffer = NET_BUFFER_NEXT_NB(buffer)) {
            NDIS_STATUS one = SendBuffer(&sending, list, buffer);
            status = one == NDIS_STATUS_SUCCESS ? status : one;
        }
        CompleteLargeSend(list);
        NET_BUFFER_LIST_STATUS(list) = status;
    }
    SectionEndReading(&section);
    BatchSend(&sending.Wire);
    SectionLeave(&section);
    NdisFSendNetBufferListsComplete(module->Handle, lists,
                                    (flags & NDIS_SEND_FLAGS_DISPATCH_LEVEL) != 0 ? NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL : 0);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterSendComplete(NDIS_HANDLE context, PNET_BUFFER_LIST lists, ULONG flags)
{
    Module *module = context;
    ListChain own = {0}, others = {0};
    PacketSplit(module, lists, &own, &others);
    if (others.First != NULL)
        NdisFSendNetBufferListsComplete(module->Handle, others.First, flags);
    // Last: a pause may complete by it, and the module go.
    PacketFreeLists(own.First);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterCancelSend(NDIS_HANDLE context, PVOID cancelId)
{
    // Nothing that a stack sent waits here: all of it was completed in the call.
    NdisFCancelSendNetBufferLists(((Module *)context)->Handle, cancelId);
}
