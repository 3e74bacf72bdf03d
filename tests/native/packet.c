#include "divert.h"

#include <string.h>

static uint32_t get16(const uint8_t *at) { return (uint32_t)(at[0] << 8 | at[1]); }

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

uint32_t packet_length(const uint8_t *packets, uint32_t length)
{
    uint32_t found = 0;
    if (length >= 20 && packets[0] >> 4 == 4 && get16(packets + 2) >= 20)
        found = get16(packets + 2);
    else if (length >= 40 && packets[0] >> 4 == 6)
        found = get16(packets + 4) + 40;
    return found <= length ? found : 0;
}

bool packet_transport(const uint8_t *packet, uint32_t length, uint8_t *protocol, uint32_t *offset, bool *is_fragment)
{
    *is_fragment = false;
    if (length >= 20 && packet[0] >> 4 == 4) {
        *offset = (packet[0] & 15u) * 4;
        *protocol = packet[9];
        *is_fragment = (get16(packet + 6) & 0x3fff) != 0;
        return *offset >= 20 && *offset <= length;
    }
    if (length < 40 || packet[0] >> 4 != 6)
        return false;
    *protocol = packet[6];
    *offset = 40;
    // RFC 8200 section 4: hop-by-hop, routing and destination options; a fragment header.
    while (*protocol == 0 || *protocol == 43 || *protocol == 60 || *protocol == 44) {
        if (*offset + 8 > length)
            return false;
        if (*protocol == 44)
            *is_fragment = true;
        uint32_t bytes = *protocol == 44 ? 8 : (packet[*offset + 1] + 1u) * 8;
        *protocol = packet[*offset];
        *offset += bytes;
    }
    return *offset <= length;
}

static uint64_t sum(const uint8_t *bytes, uint32_t length)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i + 1 < length; i += 2)
        total += get16(bytes + i);
    if (length & 1)
        total += (uint64_t)bytes[length - 1] << 8;
    return total;
}

static uint32_t fold(uint64_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint32_t)~total & 0xffff;
}

void packet_complete(uint8_t *packet, uint32_t length, uint8_t valid_bits)
{
    bool is_four = packet[0] >> 4 == 4;
    if (is_four && !(valid_bits & BIT_IP_CHECKSUM) && (packet[0] & 15u) * 4 <= length) {
        put16(packet + 10, 0);
        put16(packet + 10, fold(sum(packet, (packet[0] & 15u) * 4)));
    }
    uint8_t protocol;
    uint32_t offset;
    bool is_fragment;
    if (!packet_transport(packet, length, &protocol, &offset, &is_fragment) || is_fragment)
        return;
    uint32_t field;
    if (protocol == 6 && !(valid_bits & BIT_TCP_CHECKSUM) && offset + 20 <= length)
        field = offset + 16;
    else if (protocol == 17 && !(valid_bits & BIT_UDP_CHECKSUM) && offset + 8 <= length)
        field = offset + 6;
    else
        return;
    put16(packet + field, 0);
    uint64_t total = sum(packet + (is_four ? 12 : 8), is_four ? 8 : 32) + protocol + (length - offset) + sum(packet + offset, length - offset);
    uint32_t checksum = fold(total);
    put16(packet + field, checksum == 0 && protocol == 17 ? 0xffff : checksum);
}

int packet_decrement_ttl(uint8_t *packet)
{
    if (packet[0] >> 4 == 6) {
        if (packet[7] > 0)
            packet[7]--;
        return packet[7];
    }
    if (packet[8] > 0)
        packet[8]--;
    put16(packet + 10, 0);
    put16(packet + 10, fold(sum(packet, (packet[0] & 15u) * 4)));
    return packet[8];
}
