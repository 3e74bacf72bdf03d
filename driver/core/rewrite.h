// Changes to copies of frames, in place or from one buffer to another. A buffer holds the whole frame, an out-of-band tag left out.
#pragma once

#include "checksum.h"

// Makes a routed frame, untagged, ready to leave: semantics 30 and 33; RoutedPacket in the C# engine. TTL and hop limit stay.
void RewriteRouted(uint8_t *frame, uint32_t length, Mac destination, Mac source);

// Cuts an IPv4 packet that is longer than the MTU: RFC 791 sections 2.3 and 3.2; Fragmenter in the C# engine.
typedef struct Fragmenter {
    const uint8_t *Frame;
    uint32_t Length;
    uint32_t HeaderLength;
    uint32_t PayloadPerFragment;
    uint32_t Done;
} Fragmenter;

// False where the header is not one to copy or the MTU leaves no room for eight bytes of payload.
bool FragmenterStart(Fragmenter *fragmenter, const uint8_t *frame, uint32_t length, uint32_t ipMtu);
// Length of the next fragment's frame, 0 after the last; the destination holds a frame of the MTU.
uint32_t FragmenterNext(Fragmenter *fragmenter, uint8_t *destination);

enum { TooBigMaxLength = EtherHeaderLength + 1280 };

// The host's answer to a routed packet that is too long: RFC 1191 section 4, RFC 4443 section 3.2; TooBigReply in the C# engine. An IPv4 or
// IPv6 header is there, the host's address is of its family. Length of the reply; 0 where there is to be none.
uint32_t TooBigReplyWrite(const uint8_t *frame, uint32_t length, L3Address from, Mac mac, uint32_t ipMtu, uint8_t *reply);

// A stand-in's stack has a MAC of its own: in what it sends, its MAC stands for the master's (Ethernet header, ARP, neighbor discovery).
void TranslateSent(uint8_t *frame, uint32_t length, Mac own, Mac master);
// In what it is handed, the master's MAC as receiver (Ethernet destination, ARP target) stands for its own. Senders stay: a stack refuses
// what seems to come from itself.
void TranslateDelivered(uint8_t *frame, uint32_t length, Mac own, Mac master);

// Rule W1: the answer to an ARP request or neighbor solicitation that a stand-in's stack sends in l3 or l3s.
typedef enum ResolutionKind { ResolutionNone, ResolutionSwallow, ResolutionAnswer } ResolutionKind;
enum { ResolutionReplyLength = EtherHeaderLength + Ipv6Length + 32 };
// The reply (ResolutionReplyLength bytes) tells the master's MAC for any address but the asker's own probes, which are swallowed.
ResolutionKind ResolutionAnswerTo(const uint8_t *frame, uint32_t length, Mac master, uint8_t *reply, uint32_t *replyLength);

// A neighbor that a frame seen on the master tells of: an ARP reply or a solicited neighbor advertisement with its link-layer address.
bool NeighborSeen(const uint8_t *frame, uint32_t length, L3Address *address, Mac *mac);
