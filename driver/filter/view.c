#include "filter.h"

// Out-of-band words: NDIS_NET_BUFFER_LIST_8021Q_INFO, NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO,
// NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO and NDIS_RSC_NBL_INFO, bit by bit as documented.
enum {
    SendTcpChecksum = 4,
    SendUdpChecksum = 8,
    SendIpChecksum = 16,
    LargeSendMss = 0xfffff,
    VlanIdBits = 0xfff0,
    TagBits = 0xffff,
};

static uint32_t Info(PNET_BUFFER_LIST list, uint32_t id) { return (uint32_t)(uintptr_t)NET_BUFFER_LIST_INFO(list, id); }

// Priority 3 bits, canonical format 1 bit, VLAN 12 bits, from the lowest on; in the frame the other way round.
static uint32_t TagOf(uint32_t info) { return (info & 7) << 13 | (info >> 3 & 1) << 12 | (info >> 4 & 0xfff); }

// Gathers so many bytes from the buffer's start. False: they are not there.
static bool Gather(PNET_BUFFER buffer, uint8_t *to, uint32_t length)
{
    PMDL mdl = NET_BUFFER_CURRENT_MDL(buffer);
    uint32_t offset = NET_BUFFER_CURRENT_MDL_OFFSET(buffer);
    while (length > 0) {
        if (mdl == NULL)
            return false;
        if (offset >= mdl->ByteCount) {
            offset -= mdl->ByteCount;
            mdl = mdl->Next;
            continue;
        }
        const uint8_t *from = MmGetSystemAddressForMdlSafe(mdl, (ULONG)LowPagePriority | (ULONG)MdlMappingNoExecute);
        if (from == NULL)
            return false;
        uint32_t part = Least(mdl->ByteCount - offset, length);
        memcpy(to, from + offset, part);
        to += part;
        length -= part;
        offset = 0;
        mdl = mdl->Next;
    }
    return true;
}

// What of a frame that stands for several is one segment: of a large send as its stack says, of coalesced ones as many as there were.
static uint32_t SegmentSizeOf(PNET_BUFFER_LIST list, bool isSent, const uint8_t *header, uint32_t length)
{
    if (isSent)
        return Info(list, TcpLargeSendNetBufferListInfo) & LargeSendMss;
    uint32_t segments = Info(list, TcpRecvSegCoalesceInfo) & 0xffff;
    if (segments < 2)
        return 0;
    // Ethernet, IP and the shortest TCP header: options make the estimate a little large, which only makes segments a little longer
    // than they were; the last is as short as need be.
    uint32_t headers = EtherHeaderLength + (Read16(header + 12) == TypeIpv6 ? Ipv6Length : Ipv4MinLength) + 20;
    return length <= headers ? 0 : (length - headers + segments - 1) / segments;
}

const uint8_t *ViewPeek(PNET_BUFFER_LIST list, uint32_t *length)
{
    PNET_BUFFER buffer = NET_BUFFER_LIST_FIRST_NB(list);
    PMDL mdl = buffer == NULL ? NULL : NET_BUFFER_CURRENT_MDL(buffer);
    if (mdl == NULL || (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0)
        return NULL;
    uint32_t offset = NET_BUFFER_CURRENT_MDL_OFFSET(buffer);
    if (offset >= mdl->ByteCount)
        return NULL;
    *length = Least(mdl->ByteCount - offset, NET_BUFFER_DATA_LENGTH(buffer));
    return (const uint8_t *)mdl->MappedSystemVa + offset;
}

bool ViewRead(View *view, PNET_BUFFER_LIST list, PNET_BUFFER buffer, bool isSent, Mac own, Mac master)
{
    uint32_t length = NET_BUFFER_DATA_LENGTH(buffer);
    uint32_t tagInfo = Info(list, Ieee8021QNetBufferListInfo) & TagBits;
    *view = (View){.Buffer = buffer, .List = list, .DataLength = length, .TagInfo = (uint16_t)tagInfo};
    uint8_t *header = view->Header + EtherTagLength;
    if (!Gather(buffer, header, Least(length, FrameHeaderBytes)))
        return false;
    view->Frame = (Frame){.Bytes = header, .Length = length, .LongestSegment = length};
    if (length < EtherHeaderLength)
        return true;
    if (isSent && own != master) {
        if (ReadMac(header) == own)
            WriteMac(header, master);
        if (ReadMac(header + MacLength) == own)
            WriteMac(header + MacLength, master);
    }
    view->SegmentSize = SegmentSizeOf(list, isSent, header, length);
    Segmenter segmenter;
    if (view->SegmentSize != 0 && SegmenterStart(&segmenter, header, Least(length, FrameHeaderBytes), view->SegmentSize))
        view->Frame.LongestSegment = Least(length, segmenter.Payload + view->SegmentSize);
    uint32_t checksum = isSent ? Info(list, TcpIpChecksumNetBufferListInfo) : 0;
    view->Complete = (uint8_t)((checksum & SendIpChecksum ? CompleteIpv4Header : 0) |
                               (checksum & (SendTcpChecksum | SendUdpChecksum) ? CompleteTransport : 0));
    // What is sent with a priority alone counts as untagged; what is received with one is tagged with VID 0.
    if (isSent ? (tagInfo & VlanIdBits) == 0 : tagInfo == 0)
        return true;
    memmove(view->Header, header, 2 * MacLength);
    Write16(view->Header + 12, TypeVlanTag);
    Write16(view->Header + 14, TagOf(tagInfo));
    view->Frame.Bytes = view->Header;
    view->Frame.Length += EtherTagLength;
    view->Frame.LongestSegment += EtherTagLength;
    return true;
}

Packet *ViewCopy(const View *view, Mac own, Mac master)
{
    Packet *packet = PacketAllocate(view->DataLength);
    if (packet == NULL)
        return NULL;
    if (!Gather(view->Buffer, packet->Bytes, view->DataLength)) {
        PacketFree(packet);
        return NULL;
    }
    packet->TagInfo = view->TagInfo;
    packet->LongestSegment = view->Frame.LongestSegment;
    packet->SegmentSize = view->SegmentSize;
    if (own != master)
        TranslateSent(packet->Bytes, packet->Length, own, master);
    if (view->Complete != 0 && view->SegmentSize == 0)
        ChecksumComplete(packet->Bytes, packet->Length, view->Complete);
    return packet;
}
