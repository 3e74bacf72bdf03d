// Cuts a frame that stands for several segments into finished frames, and completes checksums: Segmenter in the C# engine.
// RFC 9293 section 3.1, RFC 768, RFC 3168 section 6.1.2.
#pragma once

#include "checksum.h"

typedef struct Segmenter {
    const uint8_t *Frame;
    uint32_t Length;
    uint32_t SegmentSize; // payload bytes of each segment
    uint32_t Network;     // offsets from the frame's start
    uint32_t Transport;
    uint32_t Payload;
    uint32_t Next;
    uint16_t PseudoSum; // without the length
    uint16_t Identification;
    bool IsSix;
    bool IsUdp;
    bool HasMore;
} Segmenter;

// False where the frame is not TCP or UDP over IP in one piece, or a routing header names another destination.
bool SegmenterStart(Segmenter *segmenter, const uint8_t *frame, uint32_t length, uint32_t segmentSize);
// Length of the next segment's frame, 0 after the last; the destination holds Payload + SegmentSize bytes.
uint32_t SegmenterNext(Segmenter *segmenter, uint8_t *destination);

enum { CompleteIpv4Header = 1, CompleteTransport = 2 };
// Computes the checksums that a stack left undone; what does not have them stays as it is.
void ChecksumComplete(uint8_t *frame, uint32_t length, uint32_t what);
