// What is to be done with a frame, why one goes nowhere, and what a change came to: names and numbers as in the C# engine and in the ABI.
#pragma once

#include "../include/ipvlan_ioctl.h"
#include "wire.h"

typedef enum PortMode { ModeL2 = IPVLAN_MODE_L2, ModeL3 = IPVLAN_MODE_L3, ModeL3S = IPVLAN_MODE_L3S } PortMode;

typedef enum PortFlag { FlagBridge = IPVLAN_FLAG_BRIDGE, FlagPrivate = IPVLAN_FLAG_PRIVATE, FlagVepa = IPVLAN_FLAG_VEPA } PortFlag;

typedef enum PortResult {
    PortOk = IPVLAN_RESULT_OK,
    PortInvalid = IPVLAN_RESULT_INVALID,
    PortExists = IPVLAN_RESULT_EXISTS,
    PortAddressInUse = IPVLAN_RESULT_ADDRESS_IN_USE,
    PortAddressAbsent = IPVLAN_RESULT_ADDRESS_ABSENT,
    PortGroupAbsent = IPVLAN_RESULT_GROUP_ABSENT,
    PortNotSupported = IPVLAN_RESULT_NOT_SUPPORTED,
    PortNoDevice = IPVLAN_RESULT_NO_DEVICE,
    PortLimitReached = IPVLAN_RESULT_LIMIT_REACHED,
    PortNoMemory = IPVLAN_RESULT_NO_MEMORY,
} PortResult;

typedef enum DecisionAction {
    ActionDrop,            // nothing; the reason says why
    ActionHost,            // hand it, as received on the master, to the host's stack
    ActionDeliver,         // hand it unchanged to the target
    ActionHostAndLocal,    // l3s: hand it to the host, and the packet in it, cut to PacketLength, to the target
    ActionFloodReceived,   // into the backlog, from the wire: the host and every member get a copy
    ActionFloodSent,       // into the backlog, from an interface: every other member and the wire get a copy
    ActionWire,            // send it unchanged on the master
    ActionRoute,           // rewrite it and send it on the master to the next hop
    ActionNeighborMissing, // as Route, but the next hop's MAC is not known: have it resolved, queue the packet
    ActionRouteToHost,     // rewrite it and hand it to the host's stack
} DecisionAction;

typedef enum SendError { SendErrorNone, SendErrorNoBuffers, SendErrorNetworkDown, SendErrorMessageTooLong, SendErrorInvalid } SendError;

// Semantics 58; the rule that drops it in brackets.
typedef enum DropReason {
    DropNone,
    DropPrivate,                // 21a, 25
    DropTaggedPrivate,          // 21b
    DropMulticastInL3,          // 26
    DropNotIp,                  // 27
    DropIpv4Header,             // 29
    DropIpv6Header,             // 29
    DropSourceNotRoutable,      // 31
    DropDestinationNotRoutable, // 31
    DropNoRoute,                // 34
    DropMtuExceeded,            // 34, 38
    DropNeighborQueueFull,      // 34
    DropMasterDown,             // 23, 29, 48
    DropInterfaceDown,          // 47
    DropRunt,
    DropOversize,
    DropShortTag,        // 7
    DropBacklogFull,     // 57
    DropPause,           // 22a
    DropL3sInvalid,      // 18; the host has it
    DropDeviceQueueFull, // no room, no memory, or the adapter paused
    DropReasonCount,
} DropReason;

_Static_assert(DropReasonCount == IPVLAN_DROP_REASONS, "the ABI shows every reason");

typedef struct VirtualInterface VirtualInterface;

typedef struct Decision {
    VirtualInterface *Target;
    uint8_t Action;
    uint8_t Reason;
    uint8_t SendError;
    uint8_t NeedsFragmenting; // longer than the master's MTU and may be fragmented (RFC 791 section 2.3)
    uint32_t PacketLength;    // l3s: bytes of the IP packet without padding
} Decision;

typedef struct NextHop {
    L3Address Address;
    Mac Mac;
} NextHop;
