// Finds the addresses of a frame: semantics 6 to 11; Classifier in the C# engine. Total: any bytes give an answer.
// RFC 826, RFC 791 section 3.1, RFC 8200 section 3, RFC 4861 section 4.3.
#pragma once

#include "wire.h"

// Where in a frame its source and its key (semantics 9) stand, in bytes from the frame's start.
typedef struct L3Key {
    uint8_t Family;
    uint8_t SourceOffset;
    uint8_t DestinationOffset;
} L3Key;

// Classifies the packet at offset (Ethernet header and the tag that is off; at most the frame's length) with its type field.
static inline L3Key Classify(const Frame *frame, uint32_t offset, uint32_t protocol)
{
    const L3Key none = {FamilyNone, 0, 0};
    const uint8_t *packet = frame->Bytes + offset;
    uint32_t length = frame->Length - offset;
    if (protocol == TypeIpv4) {
        if (length < Ipv4MinLength || packet[0] >> 4 != 4)
            return none;
        uint32_t headerLength = (packet[0] & 15u) * 4, totalLength = Read16(packet + 2);
        if (headerLength < Ipv4MinLength || headerLength > totalLength || totalLength > length)
            return none;
        return (L3Key){FamilyFour, (uint8_t)(offset + 12), (uint8_t)(offset + 16)};
    }
    if (protocol == TypeIpv6) {
        if (length < Ipv6Length || packet[0] >> 4 != 6)
            return none;
        if (packet[6] != ProtocolIcmpV6 || (Read64(packet + 8) | Read64(packet + 16)) != 0)
            return (L3Key){FamilySix, (uint8_t)(offset + 8), (uint8_t)(offset + 24)};
        // ICMPv6 from ::; only a whole neighbor solicitation has a key: its target.
        if (length < 64 || packet[40] != NeighborSolicitation)
            return none;
        return (L3Key){FamilySix, (uint8_t)(offset + 48), (uint8_t)(offset + 48)};
    }
    if (protocol == TypeArp && length >= ArpLength)
        return (L3Key){FamilyFour, (uint8_t)(offset + 14), (uint8_t)(offset + 24)};
    return none;
}
