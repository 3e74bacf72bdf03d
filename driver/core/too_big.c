#include "rewrite.h"

// None is sent about a later fragment, an ICMP error or redirect, or to a source that is not one host (RFC 1122 section 3.2.2, RFC 4443
// section 2.4 e).

enum { IcmpHeader = 8, HopLimit = 64 };

static uint32_t WriteFour(const uint8_t *packet, uint32_t length, L3Address from, uint32_t ipMtu, uint8_t *reply)
{
    uint32_t headerLength = Least((packet[0] & 15u) * 4, length), source = Read32(packet + 12);
    // 0/8, 127/8, 224/4 and 240/4 are no hosts (RFC 1122 section 3.2.1.3).
    if (source >> 24 == 0 || source >> 24 == 127 || source >> 29 == 7 || (Read16(packet + 6) & 0x1fff) != 0)
        return 0;
    if (packet[9] == ProtocolIcmp && length > headerLength) {
        uint8_t type = packet[headerLength];
        if (type == 3 || type == 4 || type == 5 || type == 11 || type == 12)
            return 0;
    }
    uint32_t quoted = Least(length, 576 - Ipv4MinLength - IcmpHeader), total = Ipv4MinLength + IcmpHeader + quoted;
    memset(reply, 0, Ipv4MinLength + IcmpHeader);
    reply[0] = 0x45;
    Write16(reply + 2, total);
    reply[8] = HopLimit;
    reply[9] = ProtocolIcmp;
    WriteAddress(reply + 12, from);
    memcpy(reply + 16, packet + 12, 4);
    ChecksumWriteIpv4(reply, Ipv4MinLength);
    uint8_t *message = reply + Ipv4MinLength;
    message[0] = 3;
    message[1] = 4;
    Write16(message + 6, ipMtu);
    memcpy(message + IcmpHeader, packet, quoted);
    Write16(message + 2, ChecksumCompute(message, IcmpHeader + quoted, 0));
    return EtherHeaderLength + total;
}

static uint32_t WriteSix(const uint8_t *packet, uint32_t length, L3Address from, uint32_t ipMtu, uint8_t *reply)
{
    L3Address source = ReadAddress(packet + 8, FamilySix);
    if ((source.High | source.Low) == 0 || IsMulticastAddress(source))
        return 0;
    if (packet[6] == ProtocolIcmpV6 && length > Ipv6Length && (packet[Ipv6Length] < 128 || packet[Ipv6Length] == Redirect))
        return 0;
    uint32_t quoted = Least(length, 1280 - Ipv6Length - IcmpHeader), total = IcmpHeader + quoted;
    memset(reply, 0, Ipv6Length + IcmpHeader);
    reply[0] = 0x60;
    Write16(reply + 4, total);
    reply[6] = ProtocolIcmpV6;
    reply[7] = HopLimit;
    WriteAddress(reply + 8, from);
    memcpy(reply + 24, packet + 8, 16);
    uint8_t *message = reply + Ipv6Length;
    message[0] = 2;
    Write32(message + 4, ipMtu);
    memcpy(message + IcmpHeader, packet, quoted);
    Write16(message + 2, ChecksumCompute(message, total, ChecksumPseudo(reply + 8, 16, ProtocolIcmpV6, total)));
    return EtherHeaderLength + Ipv6Length + total;
}

uint32_t TooBigReplyWrite(const uint8_t *frame, uint32_t length, L3Address from, Mac mac, uint32_t ipMtu, uint8_t *reply)
{
    WriteMac(reply, mac);
    WriteMac(reply + MacLength, mac);
    memcpy(reply + 12, frame + 12, 2);
    const uint8_t *packet = frame + EtherHeaderLength;
    length -= EtherHeaderLength;
    return from.Family == FamilySix ? WriteSix(packet, length, from, ipMtu, reply + EtherHeaderLength)
                                    : WriteFour(packet, length, from, ipMtu, reply + EtherHeaderLength);
}
