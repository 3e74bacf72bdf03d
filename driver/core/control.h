// Carries out the requests of ipvlan_ioctl.h on the ports. Trusts no length and no number. Knows no adapters: who does, is told by hooks.
#pragma once

#include "port.h"

// Under the lock: nobody else changes anything, and epochs are collected. IRQL <= DISPATCH_LEVEL. Given by the filter or the test's host.
void CoreLock(void);
void CoreUnlock(void);

typedef enum ControlStatus {
    ControlOk,
    ControlInvalid,        // a length, a number or a reserved field that cannot be
    ControlVersion,        // another version of the ABI
    ControlUnknown,        // no such request
    ControlTooSmall,       // no room for the answer
    ControlExists,
    ControlAbsent,
    ControlLimit,
    ControlNoMemory,
} ControlStatus;

typedef struct Control Control;

typedef struct ControlHooks {
    // With the lock held: the port or interface is about to go, whoever points at it lets go.
    void (*PortLeaving)(Control *control, Port *port);
    void (*InterfaceLeaving)(Control *control, VirtualInterface *member);
    // Without the lock: the adapter of that LUID has another role now.
    void (*RoleChanged)(Control *control, uint64_t luid);
    // Without the lock: packets that wait for the neighbor can go.
    void (*NeighborFound)(Control *control, uint64_t masterLuid, L3Address address, Mac mac);
    // Units of 100 ns.
    uint64_t (*Now)(Control *control);
} ControlHooks;

struct Control {
    Epoch Epoch;
    const ControlHooks *Hooks;
    uint64_t Seed;
    uint32_t Processors;
    uint32_t NextSerial;
    Port *Ports[IPVLAN_MAX_PORTS]; // read in an epoch, written under the lock
};

bool ControlInitialize(Control *control, const ControlHooks *hooks, uint64_t seed, uint32_t processors);
// All ports go. No reader may be inside.
void ControlDestroy(Control *control);

// A request in a buffer that also takes the answer. Where it fails nothing is written.
ControlStatus ControlExecute(Control *control, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written);

// Under the lock or inside an epoch.
Port *ControlFindPort(const Control *control, uint64_t luid);
// Under the lock: the interface whose stand-in the adapter is, or NULL.
VirtualInterface *ControlFindInterface(const Control *control, uint64_t luid);
