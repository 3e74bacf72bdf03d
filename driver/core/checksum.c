#include "checksum.h"

uint16_t ChecksumSum(const uint8_t *bytes, uint32_t length, uint16_t initial)
{
    uint64_t sum = initial;
    uint32_t at = 0;
    for (; at + 4 <= length; at += 4)
        sum += Read32(bytes + at);
    if (at + 2 <= length) {
        sum += Read16(bytes + at);
        at += 2;
    }
    if (at < length)
        sum += (uint32_t)bytes[at] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
