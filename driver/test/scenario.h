// Scenarios over the fake NDIS: one port, a master and stand-ins, and what a test wants to know of what came out.
#pragma once

#include "../include/ipvlan_ioctl.h"
#include "fake.h"

enum { MasterLuid = 1, FirstStandIn = 2, MostSeen = 8192 };

typedef struct Seen {
    uint64_t Place; // 0: the wire
    uint32_t Length;
    uint32_t TagInfo;
    uint32_t ChecksumInfo;
    uint8_t Bytes[128];
    PVOID Info[MaxNetBufferListInfo]; // all out-of-band words
} Seen;

typedef struct World {
    FakeFile *File;
    FakeAdapter *Master;
    FakeAdapter *StandIns[8];
    uint32_t StandInCount;
    Seen *Seen;
    uint32_t SeenCount;
    uint32_t Completed;
    uint32_t Indications[16], Sends[16], Completions[16]; // calls, by LUID
    NDIS_STATUS LastStatus;
    bool Holds;      // protocols keep what they are indicated
    bool HoldsSends; // the master's miniport keeps what it is sent
    PNET_BUFFER_LIST Held[MostSeen];
    uint32_t HeldCount;
    uint64_t LiveBefore;
} World;

extern const uint8_t MasterMac[6];
// A port with that many stand-ins, up, with addresses 10.0.0.(2 + i) and fd00::(2 + i); their MACs are their own if translated.
World *WorldCreate(uint32_t mode, uint32_t flag, uint32_t standIns, bool isTranslated);
// Takes all down in order and checks that nothing is left.
void WorldDestroy(World *world);
NTSTATUS WorldTryCreate(World **world, uint32_t mode, uint32_t flag, uint32_t standIns);
void WorldGiveBack(World *world);
NTSTATUS WorldChange(World *world, const IPVLAN_ITEM *item);
NTSTATUS WorldInterface(World *world, uint32_t code, uint64_t luid, uint32_t fields, uint32_t isUp);
NTSTATUS WorldPort(World *world, uint32_t code, uint32_t fields, uint32_t mode, uint32_t flag, uint32_t options);
IPVLAN_INTERFACE_STATUS WorldStatus(World *world, uint64_t luid);
IPVLAN_PORT_STATUS WorldPortStatus(World *world);
IPVLAN_GROUPS WorldGroups(World *world, uint64_t luid);
void WorldAttach(World *world, uint64_t luid, const uint8_t *mac);

// IPv4 with UDP from 10.0.a to 10.0.b; the length of the frame. isSameMac: destination MAC = source MAC.
uint32_t Tcp4(uint8_t *frame, const uint8_t *destination, const uint8_t *source, uint8_t from, uint8_t to); // 350 bytes of payload
uint32_t Udp4(uint8_t *frame, const uint8_t *destination, const uint8_t *source, uint8_t from, uint8_t to, uint32_t payload);
void SendFrame(FakeAdapter *adapter, const uint8_t *bytes, uint32_t length);
void ReceiveFrame(FakeAdapter *adapter, const uint8_t *bytes, uint32_t length);
// The frames seen at a place, and the last of them.
uint32_t CountSeen(const World *world, uint64_t place);
const Seen *LastSeen(const World *world, uint64_t place);
void Forget(World *world);

#define CHECK(condition) ((condition) ? (void)0 : FakeFault(__FILE__, __LINE__, #condition, "check"))

typedef struct Scenario {
    const char *Name;
    void (*Run)(void);
} Scenario;

// scenario_table.c; not of the loaded image.
void TableReadWhileItChanges(uint32_t changes);

extern const Scenario DesignScenarios[], FlowScenarios[], AwayScenarios[], EdgeScenarios[], TableScenarios[], DataScenarios[], StateScenarios[], RequestScenarios[], NegativeScenarios[], FailureScenarios[], CoreScenarios[];
