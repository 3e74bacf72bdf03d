// Lengths and numbers of Ethernet, ARP and IP headers, MACs and addresses. IEEE 802.3, RFC 826, RFC 791 section 3.1, RFC 8200 section 3.
#pragma once

#include "base.h"

enum {
    EtherHeaderLength = 14,
    EtherTagLength = 4,
    ShortestTagged = 20, // header, tag, and the two bytes behind the type that are looked at where a tag is taken off (skb_vlan_untag)
    MacLength = 6,
    ArpLength = 28,
    Ipv4MinLength = 20,
    Ipv6Length = 40,
    MasterSlack = 18, // an Ethernet header and a tag
    Ipv4MaxLength = 60,
    // No rule looks at more of a frame than this many bytes: header, tags and the longest IPv4 header, or a neighbor solicitation.
    FrameHeaderBytes = 128,
    MostTags = 13, // that are taken off
};

_Static_assert(EtherHeaderLength + MostTags * EtherTagLength + Ipv4MaxLength <= FrameHeaderBytes, "what is looked at behind all tags is there");

enum { TypeIpv4 = 0x0800, TypeArp = 0x0806, TypeVlanTag = 0x8100, TypeIpv6 = 0x86dd, TypePause = 0x8808, TypeServiceTag = 0x88a8 };

enum { ProtocolIcmp = 1, ProtocolTcp = 6, ProtocolUdp = 17, ProtocolIcmpV6 = 58 };

enum { RouterSolicitation = 133, RouterAdvertisement = 134, NeighborSolicitation = 135, NeighborAdvertisement = 136, Redirect = 137 };

typedef enum KeyFamily { FamilyNone = 0, FamilyFour = 4, FamilySix = 6 } KeyFamily;

// An IPv4 address is in the lowest 32 bits of Low.
typedef struct L3Address {
    uint64_t High;
    uint64_t Low;
    uint8_t Family;
} L3Address;

// As a number, first byte highest; the upper 16 bits are zero.
typedef uint64_t Mac;

// A frame as the port looks at it: a tag that travels out of band is put in place.
typedef struct Frame {
    const uint8_t *Bytes;    // at least the first FrameHeaderBytes of it, or all
    uint32_t Length;         // bytes of the whole frame
    uint32_t LongestSegment; // frame length of the longest segment it stands for (semantics 55); else Length
} Frame;

static inline bool IsTag(uint32_t type) { return type == TypeVlanTag || type == TypeServiceTag; }

// Bytes of the tags behind a frame's MACs. The frame is no runt.
static inline uint32_t TagBytes(const uint8_t *frame, uint32_t length)
{
    uint32_t bytes = 0;
    while (bytes < MostTags * EtherTagLength && length >= EtherHeaderLength + bytes + EtherTagLength && IsTag(Read16(frame + EtherHeaderLength - 2 + bytes)))
        bytes += EtherTagLength;
    return bytes;
}

static inline bool IsMulticastMac(const uint8_t *mac) { return (mac[0] & 1) != 0; }

static inline Mac ReadMac(const uint8_t *at) { return (uint64_t)Read16(at) << 32 | Read32(at + 2); }

static inline void WriteMac(uint8_t *at, Mac mac)
{
    Write16(at, (uint32_t)(mac >> 32));
    Write32(at + 2, (uint32_t)mac);
}

static inline L3Address ReadAddress(const uint8_t *at, KeyFamily family)
{
    return family == FamilyFour ? (L3Address){.Low = Read32(at), .Family = FamilyFour}
                                : (L3Address){.High = Read64(at), .Low = Read64(at + 8), .Family = FamilySix};
}

// 4 or 16 bytes.
static inline void WriteAddress(uint8_t *at, L3Address address)
{
    if (address.Family == FamilyFour) {
        Write32(at, (uint32_t)address.Low);
        return;
    }
    Write32(at, (uint32_t)(address.High >> 32));
    Write32(at + 4, (uint32_t)address.High);
    Write32(at + 8, (uint32_t)(address.Low >> 32));
    Write32(at + 12, (uint32_t)address.Low);
}

static inline bool SameAddress(L3Address left, L3Address right)
{
    return left.Low == right.Low && left.High == right.High && left.Family == right.Family;
}

static inline uint32_t AddressBits(uint8_t family) { return family == FamilyFour ? 32 : 128; }

static inline bool IsMulticastAddress(L3Address address)
{
    return address.Family == FamilyFour ? address.Low >> 28 == 0xe : address.High >> 56 == 0xff;
}

static inline L3Address MaskedAddress(L3Address address, uint32_t length)
{
    if (address.Family == FamilyFour) {
        address.Low = length == 0 ? 0 : address.Low & (0xffffffffu << (32 - length) & 0xffffffffu);
        return address;
    }
    address.High = length == 0 ? 0 : length >= 64 ? address.High : address.High & (UINT64_MAX << (64 - length));
    address.Low = length <= 64 ? 0 : length >= 128 ? address.Low : address.Low & (UINT64_MAX << (128 - length));
    return address;
}
