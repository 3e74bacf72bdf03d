#include "local_input.h"

#include "checksum.h"

uint32_t LocalInputSkipTags(const Frame *frame, uint32_t offset, uint32_t *protocol)
{
    const uint32_t end = EtherHeaderLength + MostTags * EtherTagLength;
    while (IsTag(*protocol) && HasPriorityTag(frame, offset) && offset < end && frame->Length >= offset + EtherTagLength + 2) {
        *protocol = Read16(frame->Bytes + offset + 2);
        offset += EtherTagLength;
    }
    return offset;
}

KeyFamily LocalInputDestination(const Frame *frame, uint32_t offset, uint32_t protocol)
{
    uint32_t length = frame->Length - offset;
    if (protocol == TypeIpv4 && length >= Ipv4MinLength)
        return FamilyFour;
    return protocol == TypeIpv6 && length >= Ipv6Length ? FamilySix : FamilyNone;
}

static uint32_t AcceptedIpv4Length(const uint8_t *packet, uint32_t length)
{
    uint32_t headerLength = (packet[0] & 15u) * 4;
    if (packet[0] >> 4 != 4 || headerLength < Ipv4MinLength || headerLength > length || ChecksumSum(packet, headerLength, 0) != 0xffff)
        return 0;
    uint32_t totalLength = Read16(packet + 2);
    if (totalLength < headerLength || totalLength > length)
        return 0;
    uint32_t source = Read32(packet + 12);
    bool isMartian = source >> 24 == 127 || source >> 28 == 0xe || source == 0 || source == UINT32_MAX;
    return isMartian ? 0 : totalLength;
}

static uint32_t AcceptedIpv6Length(const uint8_t *packet, uint32_t length)
{
    uint32_t totalLength = (uint32_t)Read16(packet + 4) + Ipv6Length;
    if (packet[0] >> 4 != 6 || totalLength > length)
        return 0;
    uint64_t high = Read64(packet + 8), low = Read64(packet + 16);
    bool isUnspecified = (high | low) == 0;
    if (high >> 56 == 0xff || (high == 0 && low == 1) || (isUnspecified && packet[6] == ProtocolIcmpV6))
        return 0;
    return totalLength;
}

uint32_t LocalInputAcceptedLength(const Frame *frame, uint32_t offset, uint32_t protocol)
{
    const uint8_t *packet = frame->Bytes + offset;
    uint32_t length = frame->Length - offset;
    return protocol == TypeIpv4 ? AcceptedIpv4Length(packet, length) : AcceptedIpv6Length(packet, length);
}
