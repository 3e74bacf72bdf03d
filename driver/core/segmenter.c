#include "segmenter.h"

enum { TcpChecksum = 16, UdpChecksum = 6, TcpFin = 1, TcpPush = 8, TcpReduced = 0x80, HopByHop = 0, Routing = 43, DestinationOptions = 60 };

typedef struct Headers {
    uint32_t Network;
    uint32_t Transport;
    uint8_t Protocol;
    bool IsSix;
} Headers;

static bool LocateFour(const uint8_t *frame, uint32_t length, Headers *headers)
{
    const uint8_t *packet = frame + headers->Network;
    uint32_t room = length - headers->Network;
    if (room < Ipv4MinLength || packet[0] >> 4 != 4)
        return false;
    uint32_t headerLength = (packet[0] & 15u) * 4;
    if (headerLength < Ipv4MinLength || headerLength > room || (Read16(packet + 6) & 0x3fff) != 0)
        return false;
    headers->Protocol = packet[9];
    headers->Transport = headers->Network + headerLength;
    return true;
}

static bool LocateSix(const uint8_t *frame, uint32_t length, Headers *headers)
{
    uint32_t at = headers->Network + Ipv6Length;
    if (at > length || frame[headers->Network] >> 4 != 6)
        return false;
    uint8_t protocol = frame[headers->Network + 6];
    while (protocol == HopByHop || protocol == Routing || protocol == DestinationOptions) {
        // With segments left the header's destination is not the one under the checksum (RFC 8200 section 8.1).
        if (at + 8 > length || (protocol == Routing && frame[at + 3] != 0))
            return false;
        protocol = frame[at];
        at += (frame[at + 1] + 1u) * 8;
    }
    headers->Protocol = protocol;
    headers->Transport = at;
    headers->IsSix = true;
    return at <= length;
}

static bool Locate(const uint8_t *frame, uint32_t length, Headers *headers)
{
    *headers = (Headers){0};
    for (uint32_t at = 12; at + 2 <= length; at += EtherTagLength) {
        uint32_t type = Read16(frame + at);
        headers->Network = at + 2;
        if (type == TypeIpv4)
            return LocateFour(frame, length, headers);
        if (type == TypeIpv6)
            return LocateSix(frame, length, headers);
        if (!IsTag(type))
            return false;
    }
    return false;
}

// Bytes of the TCP or UDP header; 0 where it is not whole.
static uint32_t TransportLength(const uint8_t *frame, uint32_t length, const Headers *headers)
{
    uint32_t room = length - headers->Transport;
    if (headers->Protocol == ProtocolUdp)
        return room < 8 ? 0 : 8;
    if (headers->Protocol != ProtocolTcp || room < 20)
        return 0;
    uint32_t headerLength = (frame[headers->Transport + 12] >> 4) * 4u;
    return headerLength < 20 || headerLength > room ? 0 : headerLength;
}

static uint16_t PseudoSum(const uint8_t *frame, const Headers *headers)
{
    const uint8_t *packet = frame + headers->Network;
    return headers->IsSix ? ChecksumPseudo(packet + 8, 16, headers->Protocol, 0) : ChecksumPseudo(packet + 12, 4, headers->Protocol, 0);
}

bool SegmenterStart(Segmenter *segmenter, const uint8_t *frame, uint32_t length, uint32_t segmentSize)
{
    Headers headers;
    if (segmentSize == 0 || !Locate(frame, length, &headers))
        return false;
    uint32_t transportLength = TransportLength(frame, length, &headers);
    if (transportLength == 0)
        return false;
    *segmenter = (Segmenter){
        .Frame = frame,
        .Length = length,
        .SegmentSize = segmentSize,
        .Network = headers.Network,
        .Transport = headers.Transport,
        .Payload = headers.Transport + transportLength,
        .Next = headers.Transport + transportLength,
        .PseudoSum = PseudoSum(frame, &headers),
        .Identification = (uint16_t)(headers.IsSix ? 0 : Read16(frame + headers.Network + 4)),
        .IsSix = headers.IsSix,
        .IsUdp = headers.Protocol == ProtocolUdp,
        .HasMore = true,
    };
    // A segment's IP length has 16 bits.
    return segmenter->Payload + Least(segmentSize, length) - headers.Network <= 65535;
}

static void WriteNetworkHeader(Segmenter *segmenter, uint8_t *packet, uint32_t length)
{
    if (segmenter->IsSix) {
        Write16(packet + 4, length - Ipv6Length);
        return;
    }
    Write16(packet + 2, length);
    Write16(packet + 4, segmenter->Identification++);
    ChecksumWriteIpv4(packet, segmenter->Transport - segmenter->Network);
}

uint32_t SegmenterNext(Segmenter *segmenter, uint8_t *destination)
{
    if (!segmenter->HasMore)
        return 0;
    uint32_t payload = segmenter->Length - segmenter->Next;
    bool isLast = payload <= segmenter->SegmentSize;
    payload = isLast ? payload : segmenter->SegmentSize;
    memcpy(destination, segmenter->Frame, segmenter->Payload);
    memcpy(destination + segmenter->Payload, segmenter->Frame + segmenter->Next, payload);
    uint32_t length = segmenter->Payload + payload, transportLength = length - segmenter->Transport;
    WriteNetworkHeader(segmenter, destination + segmenter->Network, length - segmenter->Network);
    uint8_t *transport = destination + segmenter->Transport;
    uint32_t done = segmenter->Next - segmenter->Payload;
    if (segmenter->IsUdp) {
        Write16(transport + 4, transportLength);
    } else {
        Write32(transport + 4, Read32(transport + 4) + done);
        if (!isLast)
            transport[13] &= (uint8_t) ~(TcpFin | TcpPush);
        // A congestion window is reduced once, not once a segment.
        if (done > 0)
            transport[13] &= (uint8_t)~TcpReduced;
    }
    uint8_t *field = transport + (segmenter->IsUdp ? UdpChecksum : TcpChecksum);
    Write16(field, 0);
    uint16_t pseudo = ChecksumAdd(segmenter->PseudoSum, (uint16_t)transportLength);
    ChecksumWriteNonZero(field, ChecksumCompute(transport, transportLength, pseudo));
    segmenter->Next += payload;
    segmenter->HasMore = !isLast;
    return length;
}

void ChecksumComplete(uint8_t *frame, uint32_t length, uint32_t what)
{
    Headers headers;
    if (!Locate(frame, length, &headers))
        return;
    if ((what & CompleteIpv4Header) != 0 && !headers.IsSix)
        ChecksumWriteIpv4(frame + headers.Network, headers.Transport - headers.Network);
    if ((what & CompleteTransport) == 0 || TransportLength(frame, length, &headers) == 0)
        return;
    // Padding is not under the checksum.
    uint32_t total = headers.IsSix ? Read16(frame + headers.Network + 4) + (uint32_t)Ipv6Length : Read16(frame + headers.Network + 2);
    uint32_t end = headers.Network + total;
    if (end < headers.Transport + 8 || end > length)
        return;
    uint32_t transportLength = end - headers.Transport;
    uint8_t *field = frame + headers.Transport + (headers.Protocol == ProtocolUdp ? UdpChecksum : TcpChecksum);
    if (field + 2 > frame + end)
        return;
    Write16(field, 0);
    uint16_t pseudo = ChecksumAdd(PseudoSum(frame, &headers), (uint16_t)transportLength);
    ChecksumWriteNonZero(field, ChecksumCompute(frame + headers.Transport, transportLength, pseudo));
}
