#include "rewrite.h"

// RFC 826; RFC 4861 sections 4.1 to 4.5 and 4.6.1.

enum { SourceLinkLayer = 1, TargetLinkLayer = 2, ArpReply = 2 };

// Offset of the packet and its type; a tag is stepped over. 0 where the frame is too short.
static uint32_t LocatePacket(const uint8_t *frame, uint32_t length, uint32_t *protocol)
{
    uint32_t offset = EtherHeaderLength;
    if (length < offset)
        return 0;
    *protocol = Read16(frame + 12);
    if (IsTag(*protocol)) {
        offset += EtherTagLength;
        if (length < offset)
            return 0;
        *protocol = Read16(frame + 16);
    }
    return offset;
}

static bool IsArp(const uint8_t *packet, uint32_t length)
{
    // Ethernet and IPv4, so that the MACs are where they are looked for.
    return length >= ArpLength && Read32(packet) == 0x00010800 && Read16(packet + 4) == 0x0604;
}

// Bytes of the ICMPv6 message of a whole, unfragmented packet without extension headers; 0 where it is none.
static uint32_t DiscoveryLength(const uint8_t *packet, uint32_t length)
{
    if (length < Ipv6Length + 8 || packet[0] >> 4 != 6 || packet[6] != ProtocolIcmpV6)
        return 0;
    uint32_t messageLength = Read16(packet + 4);
    return messageLength >= 8 && messageLength <= length - Ipv6Length ? messageLength : 0;
}

// Where options begin, by type; 0 where it is no neighbor discovery.
static uint32_t OptionsOffset(uint8_t type)
{
    switch (type) {
    case RouterSolicitation:
        return 8;
    case RouterAdvertisement:
        return 16;
    case NeighborSolicitation:
    case NeighborAdvertisement:
        return 24;
    case Redirect:
        return 40;
    default:
        return 0;
    }
}

static void ReplaceMac(uint8_t *at, Mac before, Mac after)
{
    if (ReadMac(at) == before)
        WriteMac(at, after);
}

static void TranslateOptions(uint8_t *message, uint32_t length, Mac before, Mac after)
{
    uint32_t at = OptionsOffset(message[0]);
    while (at != 0 && at + 8 <= length) {
        uint32_t optionLength = message[at + 1] * 8u;
        if (optionLength == 0 || at + optionLength > length)
            return;
        if ((message[at] == SourceLinkLayer || message[at] == TargetLinkLayer) && ReadMac(message + at + 2) == before) {
            uint8_t mac[MacLength];
            WriteMac(mac, after);
            Write16(message + 2, ChecksumUpdate((uint16_t)Read16(message + 2), message + at + 2, mac, MacLength));
            memcpy(message + at + 2, mac, MacLength);
        }
        at += optionLength;
    }
}

void TranslateSent(uint8_t *frame, uint32_t length, Mac own, Mac master)
{
    uint32_t protocol, offset = LocatePacket(frame, length, &protocol);
    if (length < EtherHeaderLength || own == master)
        return;
    ReplaceMac(frame, own, master);
    ReplaceMac(frame + MacLength, own, master);
    if (offset == 0)
        return;
    uint8_t *packet = frame + offset;
    length -= offset;
    if (protocol == TypeArp && IsArp(packet, length)) {
        ReplaceMac(packet + 8, own, master);
        ReplaceMac(packet + 18, own, master);
    } else if (protocol == TypeIpv6) {
        uint32_t messageLength = DiscoveryLength(packet, length);
        if (messageLength != 0)
            TranslateOptions(packet + Ipv6Length, messageLength, own, master);
    }
}

void TranslateDelivered(uint8_t *frame, uint32_t length, Mac own, Mac master)
{
    uint32_t protocol, offset = LocatePacket(frame, length, &protocol);
    if (length < EtherHeaderLength || own == master)
        return;
    ReplaceMac(frame, master, own);
    if (offset != 0 && protocol == TypeArp && IsArp(frame + offset, length - offset))
        ReplaceMac(frame + offset + 18, master, own);
}

static ResolutionKind AnswerArp(const uint8_t *frame, uint32_t length, Mac master, uint8_t *reply, uint32_t *replyLength)
{
    const uint8_t *packet = frame + EtherHeaderLength;
    if (!IsArp(packet, length - EtherHeaderLength) || Read16(packet + 6) != 1)
        return ResolutionNone;
    // A probe (RFC 5227) or an announcement of the stack's own address.
    if (Read32(packet + 14) == 0 || Read32(packet + 14) == Read32(packet + 24))
        return ResolutionSwallow;
    memcpy(reply, frame + MacLength, MacLength);
    WriteMac(reply + MacLength, master);
    Write16(reply + 12, TypeArp);
    uint8_t *answer = reply + EtherHeaderLength;
    memcpy(answer, packet, 6);
    Write16(answer + 6, ArpReply);
    WriteMac(answer + 8, master);
    memcpy(answer + 14, packet + 24, 4);
    memcpy(answer + 18, packet + 8, 10);
    *replyLength = EtherHeaderLength + ArpLength;
    return ResolutionAnswer;
}

static ResolutionKind AnswerSolicitation(const uint8_t *frame, uint32_t length, Mac master, uint8_t *reply, uint32_t *replyLength)
{
    const uint8_t *packet = frame + EtherHeaderLength;
    uint32_t messageLength = DiscoveryLength(packet, length - EtherHeaderLength);
    if (messageLength < 24 || packet[Ipv6Length] != NeighborSolicitation || packet[7] != 255)
        return ResolutionNone;
    if ((Read64(packet + 8) | Read64(packet + 16)) == 0)
        return ResolutionSwallow;
    memcpy(reply, frame + MacLength, MacLength);
    WriteMac(reply + MacLength, master);
    Write16(reply + 12, TypeIpv6);
    uint8_t *answer = reply + EtherHeaderLength, *message = answer + Ipv6Length;
    memset(answer, 0, Ipv6Length + 32);
    answer[0] = 0x60;
    Write16(answer + 4, 32);
    answer[6] = ProtocolIcmpV6;
    answer[7] = 255;
    memcpy(answer + 8, packet + Ipv6Length + 8, 16);
    memcpy(answer + 24, packet + 8, 16);
    message[0] = NeighborAdvertisement;
    message[4] = 0x60; // solicited, override
    memcpy(message + 8, packet + Ipv6Length + 8, 16);
    message[24] = TargetLinkLayer;
    message[25] = 1;
    WriteMac(message + 26, master);
    Write16(message + 2, ChecksumCompute(message, 32, ChecksumPseudo(answer + 8, 16, ProtocolIcmpV6, 32)));
    *replyLength = ResolutionReplyLength;
    return ResolutionAnswer;
}

ResolutionKind ResolutionAnswerTo(const uint8_t *frame, uint32_t length, Mac master, uint8_t *reply, uint32_t *replyLength)
{
    if (length < EtherHeaderLength)
        return ResolutionNone;
    uint32_t protocol = Read16(frame + 12);
    if (protocol == TypeArp)
        return AnswerArp(frame, length, master, reply, replyLength);
    return protocol == TypeIpv6 ? AnswerSolicitation(frame, length, master, reply, replyLength) : ResolutionNone;
}

bool NeighborSeen(const uint8_t *frame, uint32_t length, L3Address *address, Mac *mac)
{
    if (length < EtherHeaderLength)
        return false;
    const uint8_t *packet = frame + EtherHeaderLength;
    uint32_t protocol = Read16(frame + 12), packetLength = length - EtherHeaderLength;
    if (protocol == TypeArp && IsArp(packet, packetLength) && Read16(packet + 6) == ArpReply) {
        *address = ReadAddress(packet + 14, FamilyFour);
        *mac = ReadMac(packet + 8);
        return !IsMulticastMac(packet + 8);
    }
    uint32_t messageLength = protocol == TypeIpv6 ? DiscoveryLength(packet, packetLength) : 0;
    const uint8_t *message = packet + Ipv6Length;
    if (messageLength < 32 || message[0] != NeighborAdvertisement || packet[7] != 255 || message[24] != TargetLinkLayer || message[25] != 1)
        return false;
    *address = ReadAddress(message + 8, FamilySix);
    *mac = ReadMac(message + 26);
    return !IsMulticastMac(message + 26);
}
