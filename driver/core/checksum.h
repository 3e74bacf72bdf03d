// The Internet checksum (RFC 1071; incremental update RFC 1624 section 3). A sum is the folded one's complement sum of big-endian words;
// a checksum is its complement, the value that stands in a header.
#pragma once

#include "wire.h"

uint16_t ChecksumSum(const uint8_t *bytes, uint32_t length, uint16_t initial);

static inline uint16_t ChecksumAdd(uint16_t left, uint16_t right)
{
    uint32_t sum = (uint32_t)left + right;
    return (uint16_t)(sum + (sum >> 16));
}

static inline uint16_t ChecksumCompute(const uint8_t *bytes, uint32_t length, uint16_t initial)
{
    return (uint16_t)~ChecksumSum(bytes, length, initial);
}

// A checksum after bytes under it, at an even offset, changed (RFC 1624 equation 3).
static inline uint16_t ChecksumUpdate(uint16_t checksum, const uint8_t *before, const uint8_t *after, uint32_t length)
{
    uint16_t without = ChecksumAdd((uint16_t)~checksum, (uint16_t)~ChecksumSum(before, length, 0));
    return (uint16_t)~ChecksumAdd(without, ChecksumSum(after, length, 0));
}

// Sum of the pseudo header of TCP, UDP (RFC 9293 section 3.1) and ICMPv6 (RFC 8200 section 8.1); addresses of 4 or 16 bytes, adjacent.
static inline uint16_t ChecksumPseudo(const uint8_t *addresses, uint32_t addressLength, uint32_t protocol, uint32_t length)
{
    uint16_t sum = ChecksumAdd((uint16_t)length, (uint16_t)(length >> 16));
    return ChecksumSum(addresses, addressLength * 2, ChecksumAdd(sum, (uint16_t)protocol));
}

// Computes and writes the IPv4 header's checksum; at least 20 bytes.
static inline void ChecksumWriteIpv4(uint8_t *header, uint32_t length)
{
    Write16(header + 10, 0);
    Write16(header + 10, ChecksumCompute(header, length, 0));
}

// Writes a transport checksum; zero as ffff, which says the same and does not mean "none" in UDP (RFC 768).
static inline void ChecksumWriteNonZero(uint8_t *field, uint16_t checksum) { Write16(field, checksum == 0 ? 0xffffu : checksum); }
