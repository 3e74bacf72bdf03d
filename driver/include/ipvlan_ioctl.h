// The driver's control interface, version 2. Kernel, test harness and the C# mirror share it.
//
// Every request and every answer begins with IPVLAN_HEADER; Size is that of the fixed structure, without the items behind it. Buffers are
// METHOD_BUFFERED. Fields have fixed widths, are naturally aligned and hold no pointers; reserved fields are zero. Adapters are named by
// their NET_LUID. Numbers are in the machine's byte order, addresses and MACs in network byte order.
#pragma once

#ifndef IPVLAN_NO_STDINT
#include <stdint.h>
#endif

#define IPVLAN_ABI_VERSION 2

// CTL_CODE(FILE_DEVICE_NETWORK, function, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define IPVLAN_IOCTL(function) ((0x12u << 16) | (3u << 14) | ((uint32_t)(function) << 2))

#define IOCTL_IPVLAN_QUERY_CAPABILITIES IPVLAN_IOCTL(0x800) // IPVLAN_HEADER -> IPVLAN_CAPABILITIES
#define IOCTL_IPVLAN_ADD_PORT IPVLAN_IOCTL(0x801)           // IPVLAN_PORT -> nothing
#define IOCTL_IPVLAN_REMOVE_PORT IPVLAN_IOCTL(0x802)        // IPVLAN_PORT -> nothing
#define IOCTL_IPVLAN_SET_PORT IPVLAN_IOCTL(0x803)           // IPVLAN_PORT -> nothing
#define IOCTL_IPVLAN_QUERY_PORT IPVLAN_IOCTL(0x804)         // IPVLAN_PORT -> IPVLAN_PORT_STATUS
#define IOCTL_IPVLAN_ADD_INTERFACE IPVLAN_IOCTL(0x805)      // IPVLAN_INTERFACE -> nothing
#define IOCTL_IPVLAN_REMOVE_INTERFACE IPVLAN_IOCTL(0x806)   // IPVLAN_INTERFACE -> nothing
#define IOCTL_IPVLAN_SET_INTERFACE IPVLAN_IOCTL(0x807)      // IPVLAN_INTERFACE -> nothing
#define IOCTL_IPVLAN_QUERY_INTERFACE IPVLAN_IOCTL(0x808)    // IPVLAN_INTERFACE -> IPVLAN_INTERFACE_STATUS
#define IOCTL_IPVLAN_CHANGE IPVLAN_IOCTL(0x809)             // IPVLAN_CHANGES with items -> the same with results
#define IOCTL_IPVLAN_QUERY_ADDRESSES IPVLAN_IOCTL(0x80a)    // IPVLAN_CHANGES as cursor -> IPVLAN_CHANGES with items
#define IOCTL_IPVLAN_NEXT_EVENT IPVLAN_IOCTL(0x80b)         // IPVLAN_HEADER -> IPVLAN_EVENT, pends until there is one
#define IOCTL_IPVLAN_QUERY_GROUPS IPVLAN_IOCTL(0x80c)       // IPVLAN_INTERFACE -> IPVLAN_GROUPS

// Limits, told by IOCTL_IPVLAN_QUERY_CAPABILITIES.
#define IPVLAN_MAX_PORTS 64
#define IPVLAN_MAX_INTERFACES 4096 // of one port
#define IPVLAN_MAX_ADDRESSES 4194304
#define IPVLAN_MAX_ROUTES 65536
#define IPVLAN_MAX_NEIGHBORS 65536
#define IPVLAN_MAX_MASTER_ADDRESSES 256
#define IPVLAN_MAX_GROUPS 256 // of one interface's stack, beyond it receives all multicast; and as many that it was given by IPVLAN_ITEM_GROUP
#define IPVLAN_MAX_CHANGES 4096
#define IPVLAN_MAX_EVENTS 256
#define IPVLAN_MIN_MTU 68
#define IPVLAN_MAX_MTU 65535

// Reasons of IPVLAN_PORT_STATUS.Drops, in the order of semantics 58; the first is none.
#define IPVLAN_DROP_REASONS 21

enum { IPVLAN_MODE_L2 = 0, IPVLAN_MODE_L3 = 1, IPVLAN_MODE_L3S = 2 };
enum { IPVLAN_FLAG_BRIDGE = 0, IPVLAN_FLAG_PRIVATE = 1, IPVLAN_FLAG_VEPA = 2 };

// What a change came to; all but OK change nothing.
enum {
    IPVLAN_RESULT_OK = 0,
    IPVLAN_RESULT_INVALID = 1,        // EINVAL
    IPVLAN_RESULT_EXISTS = 2,         // EEXIST
    IPVLAN_RESULT_ADDRESS_IN_USE = 3, // EADDRINUSE
    IPVLAN_RESULT_ADDRESS_ABSENT = 4, // EADDRNOTAVAIL
    IPVLAN_RESULT_GROUP_ABSENT = 5,   // ENOENT
    IPVLAN_RESULT_NOT_SUPPORTED = 6,  // ENOTSUP
    IPVLAN_RESULT_NO_DEVICE = 7,      // ENODEV
    IPVLAN_RESULT_LIMIT_REACHED = 8,  // EBUSY
    IPVLAN_RESULT_NO_MEMORY = 9,      // ENOMEM
};

typedef struct IPVLAN_HEADER {
    uint32_t Size;
    uint16_t Version;
    uint16_t Reserved;
} IPVLAN_HEADER;

typedef struct IPVLAN_CAPABILITIES {
    IPVLAN_HEADER Header;
    uint32_t DriverVersion; // major << 16 | minor
    uint32_t Modes;         // bit 1 << IPVLAN_MODE_x
    uint32_t Flags;         // bit 1 << IPVLAN_FLAG_x
    uint32_t MaxPorts;
    uint32_t MaxInterfaces;
    uint32_t MaxAddresses;
    uint32_t MaxRoutes;
    uint32_t MaxNeighbors;
    uint32_t MaxMasterAddresses;
    uint32_t MaxGroups;
    uint32_t MaxChanges;
    uint32_t MaxEvents;
} IPVLAN_CAPABILITIES;

// Which fields of IPVLAN_PORT and IPVLAN_INTERFACE are meant.
enum {
    IPVLAN_SET_MODE = 1,
    IPVLAN_SET_FLAG = 2,
    IPVLAN_SET_OPTIONS = 4,
    IPVLAN_SET_UP = 8,
    IPVLAN_SET_MTU = 16,
};

enum {
    // Answer the stand-ins' own ARP requests and neighbor solicitations with the master's MAC (l3, l3s; rule W1).
    IPVLAN_OPTION_ANSWER_RESOLUTION = 1,
};

typedef struct IPVLAN_PORT {
    IPVLAN_HEADER Header;
    uint64_t MasterLuid;
    uint32_t Fields;
    uint32_t Options;
    uint32_t Mode; // 32 bits wide, so that an unknown value stays one
    uint32_t Flag;
} IPVLAN_PORT;

typedef struct IPVLAN_PORT_STATUS {
    IPVLAN_HEADER Header;
    uint64_t MasterLuid;
    uint32_t Mode;
    uint32_t Flag;
    uint32_t Options;
    uint32_t Mtu;
    uint8_t Mac[6];
    uint8_t IsUp;       // the master is there, its link is up and it is not paused
    uint8_t IsAttached; // the master's filter module is there
    uint32_t InterfaceCount;
    uint32_t AddressCount;
    uint32_t RouteCount;
    uint32_t NeighborCount;
    uint32_t Reserved;
    uint64_t Drops[IPVLAN_DROP_REASONS];
} IPVLAN_PORT_STATUS;

typedef struct IPVLAN_INTERFACE {
    IPVLAN_HEADER Header;
    uint64_t MasterLuid;
    uint64_t StandInLuid;
    uint32_t Fields; // on adding, SET_MODE and SET_FLAG set those of the whole port (semantics 46)
    uint32_t Mtu;
    uint32_t Mode;
    uint32_t Flag;
    uint32_t IsUp;
    uint32_t Reserved;
} IPVLAN_INTERFACE;

typedef struct IPVLAN_INTERFACE_STATUS {
    IPVLAN_HEADER Header;
    uint64_t StandInLuid;
    uint32_t Mtu;
    uint8_t IsUp;
    uint8_t IsAttached;
    uint8_t HasOwnMtu;
    uint8_t IsPromiscuous;
    uint8_t IsAllMulticast;
    uint8_t Reserved[3];
    uint32_t GroupCount;
    uint64_t RxPackets;
    uint64_t RxBytes;
    uint64_t Multicast;
    uint64_t TxPackets;
    uint64_t TxBytes;
    uint64_t RxErrors;
    uint64_t TxDropped;
    uint64_t Drops[IPVLAN_DROP_REASONS];
} IPVLAN_INTERFACE_STATUS;

// The multicast groups that an interface receives, each once: its stack's, and those that it was given.
typedef struct IPVLAN_GROUPS {
    IPVLAN_HEADER Header;
    uint64_t StandInLuid;
    uint32_t Count;
    uint32_t Reserved;
    uint8_t Macs[2 * IPVLAN_MAX_GROUPS * 6]; // zero behind the last
} IPVLAN_GROUPS;

enum {
    IPVLAN_ITEM_ADDRESS = 1,
    IPVLAN_ITEM_MASTER_ADDRESS = 2,
    IPVLAN_ITEM_ROUTE = 3,
    IPVLAN_ITEM_NEIGHBOR = 4,
    IPVLAN_ITEM_GROUP = 5, // StandInLuid and Mac alone: a multicast group beside those of the interface's stack
};

enum { IPVLAN_ITEM_REMOVE = 1, IPVLAN_ITEM_UNREACHABLE = 2 };

// One thing to be added or removed. What a kind does not use is zero.
typedef struct IPVLAN_ITEM {
    uint8_t Kind;
    uint8_t Flags;
    uint8_t Family; // 4 or 6
    uint8_t PrefixLength;
    uint32_t Metric;
    uint64_t StandInLuid; // of an address, a group
    uint8_t Address[16];  // IPv4 in the first four bytes
    uint8_t Gateway[16];
    uint8_t GatewayFamily; // 0: on the link
    uint8_t Reserved;
    uint8_t Mac[6];
    uint64_t HoldsFor; // of a neighbor, in units of 100 ns; 0 for ever
    uint32_t Result;
    uint32_t Reserved2;
} IPVLAN_ITEM;

typedef struct IPVLAN_CHANGES {
    IPVLAN_HEADER Header;
    uint64_t MasterLuid;
    uint32_t Count;
    uint32_t Cursor; // of a query: 0 at first, then as answered; UINT32_MAX after the last
    IPVLAN_ITEM Items[];
} IPVLAN_CHANGES;

enum {
    IPVLAN_EVENT_NEIGHBOR_WANTED = 1, // Address: resolve it, and add it as a neighbor
    IPVLAN_EVENT_ATTACHED = 2,        // Luid: an adapter's module came
    IPVLAN_EVENT_DETACHED = 3,        // Luid: an adapter's module went
    IPVLAN_EVENT_LOST = 4,            // the queue was full: Count events were lost; look at everything again
    IPVLAN_EVENT_MASTER_CHANGED = 5,  // a port's MAC, MTU or state (IsUp) is another: query it
};

typedef struct IPVLAN_EVENT {
    IPVLAN_HEADER Header;
    uint32_t Kind;
    uint32_t Count;
    uint64_t MasterLuid;
    uint64_t Luid;
    uint8_t Address[16];
    uint8_t Family;
    uint8_t Reserved[7];
} IPVLAN_EVENT;

_Static_assert(sizeof(IPVLAN_HEADER) == 8, "ABI");
_Static_assert(sizeof(IPVLAN_CAPABILITIES) == 56, "ABI");
_Static_assert(sizeof(IPVLAN_PORT) == 32, "ABI");
_Static_assert(sizeof(IPVLAN_PORT_STATUS) == 232, "ABI");
_Static_assert(sizeof(IPVLAN_INTERFACE) == 48, "ABI");
_Static_assert(sizeof(IPVLAN_INTERFACE_STATUS) == 256, "ABI");
_Static_assert(sizeof(IPVLAN_GROUPS) == 3096, "ABI");
_Static_assert(sizeof(IPVLAN_ITEM) == 72, "ABI");
_Static_assert(sizeof(IPVLAN_CHANGES) == 24, "ABI");
_Static_assert(sizeof(IPVLAN_EVENT) == 56, "ABI");
