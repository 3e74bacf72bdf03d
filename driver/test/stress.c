#include "scenario.h"

#include <pthread.h>
#include <time.h>

// stress [SECONDS]: attach, detach, pause, restart, requests and traffic from several threads in random order, for the thread sanitizer. Each thread is a
// processor. As NDIS does, nothing is sent on or received from an adapter that is not running: its lock is held for writing meanwhile.

enum { Threads = 2, StandIns = 3 }; // one more opens and closes the device; the main thread changes things

static World *world;
static pthread_rwlock_t locks[1 + StandIns];
static uint32_t isOver;
static uint64_t frames, opened;

static uint32_t Next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint32_t)(*random >> 32);
}

static FakeAdapter *AdapterOf(uint32_t number) { return number == 0 ? world->Master : world->StandIns[number - 1]; }

// On the master: of a neighbor that may be waited for.
static uint32_t ArpReply(uint8_t *frame, const uint8_t *mac, uint8_t of)
{
    memset(frame, 0, 60);
    memcpy(frame, MasterMac, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, (const uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, 10);
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 28, (const uint8_t[]){10, 0, 0, of}, 4);
    memcpy(frame + 38, (const uint8_t[]){10, 0, 0, 1}, 4);
    return 60;
}

static void *Traffic(void *argument)
{
    static const uint8_t macs[][6] = {{255, 255, 255, 255, 255, 255}, {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 0xfe}, {1, 0, 0x5e, 0, 0, 2}};
    uint32_t processor = (uint32_t)(uintptr_t)argument;
    uint64_t random = 88172645463325252u + processor;
    FakeSetProcessor(processor);
    while (__atomic_load_n(&isOver, __ATOMIC_ACQUIRE) == 0) {
        uint8_t frame[256];
        uint32_t number = Next(&random) % (1 + StandIns);
        KIRQL irql = Next(&random) % 2 == 0 ? FakeRaise() : FakeIrql();
        if (pthread_rwlock_tryrdlock(&locks[number]) == 0) {
            FakeAdapter *adapter = AdapterOf(number);
            if (adapter != NULL && __atomic_load_n(&adapter->State, __ATOMIC_ACQUIRE) == FakeRunning) {
                const uint8_t *destination = macs[Next(&random) % 4], *source = number == 0 ? macs[2] : adapter->Mac;
                uint8_t to = (uint8_t)(1 + Next(&random) % 6);
                uint32_t length = Udp4(frame, destination, source, number == 0 ? 99 : (uint8_t)(1 + number), to, Next(&random) % 100);
                if (number == 0 && Next(&random) % 4 == 0)
                    length = ArpReply(frame, macs[2], (uint8_t)(4 + to % 3));
                if (number == 0)
                    ReceiveFrame(adapter, frame, length);
                else
                    SendFrame(adapter, frame, length);
                (void)__atomic_fetch_add(&frames, 1, __ATOMIC_RELAXED);
            }
            pthread_rwlock_unlock(&locks[number]);
        }
        FakeLower(irql);
        FakeLower(FakeRaise()); // whatever DPC came meanwhile
    }
    return NULL;
}

// Waits for events, cancels or not, and closes while others are posting: each request is completed once, with a status.
static void *Requests(void *argument)
{
    IPVLAN_HEADER header = {sizeof(header), IPVLAN_ABI_VERSION, 0};
    uint64_t random = 0x9E3779B97F4A7C15u;
    FakeSetProcessor((uint32_t)(uintptr_t)argument);
    while (__atomic_load_n(&isOver, __ATOMIC_ACQUIRE) == 0) {
        FakePendedControl *calls[4];
        FakeFile *file = FakeOpen();
        IPVLAN_PORT port = {.Header = {sizeof(port), IPVLAN_ABI_VERSION, 0}, .MasterLuid = MasterLuid};
        uint8_t answer[sizeof(IPVLAN_PORT_STATUS)];
        for (uint32_t i = 0; i < 4; i++)
            calls[i] = FakeBeginControl(file, IOCTL_IPVLAN_NEXT_EVENT, &header, sizeof(header), sizeof(IPVLAN_EVENT));
        memcpy(answer, &port, sizeof(port));
        CHECK(FakeControl(file, IOCTL_IPVLAN_QUERY_PORT, answer, sizeof(port), sizeof(answer), NULL) == STATUS_SUCCESS);
        if (Next(&random) % 2 == 0)
            (void)FakeCancelControl(calls[Next(&random) % 4]);
        FakeClose(file);
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(FakePendedStatus(calls[i], NULL, NULL) != STATUS_PENDING);
            FakeEndControl(calls[i]);
        }
        opened++;
    }
    return NULL;
}

static void Reattach(uint32_t number, uint64_t luid)
{
    uint8_t mac[6];
    memcpy(mac, AdapterOf(number)->Mac, 6);
    FakeDetach(AdapterOf(number));
    WorldAttach(world, luid, mac);
}

static void Change(uint64_t *random)
{
    uint32_t number = Next(random) % (1 + StandIns), kind = Next(random) % 12;
    uint64_t luid = number == 0 ? (uint64_t)MasterLuid : FirstStandIn + number - 1;
    uint8_t group[6] = {1, 0, 0x5e, 0, 0, (uint8_t)(Next(random) % 4)}, low = (uint8_t)Next(random);
    IPVLAN_ITEM item = {.Kind = IPVLAN_ITEM_ADDRESS, .Family = 4, .PrefixLength = 8, .StandInLuid = 2, .Address = {11, 0, (uint8_t)(Next(random) % 8), low}};
    item.Flags = Next(random) % 2 == 0 ? IPVLAN_ITEM_REMOVE : 0;
    if (kind < 4)
        pthread_rwlock_wrlock(&locks[number]);
    switch (kind) {
    case 0:
        FakePause(AdapterOf(number));
        FakeRestart(AdapterOf(number));
        break;
    case 1:
        Reattach(number, luid);
        break;
    case 2:
        if (number != 0) {
            // The role goes and comes: each time by a restart.
            (void)WorldInterface(world, IOCTL_IPVLAN_REMOVE_INTERFACE, luid, 0, 0);
            (void)WorldInterface(world, IOCTL_IPVLAN_ADD_INTERFACE, luid, 0, 0);
            (void)WorldInterface(world, IOCTL_IPVLAN_SET_INTERFACE, luid, IPVLAN_SET_UP, 1);
            item.StandInLuid = luid;
            item.Flags = 0;
            memcpy(item.Address, (const uint8_t[]){10, 0, 0, (uint8_t)(1 + number)}, 4);
            (void)WorldChange(world, &item);
        }
        break;
    case 3:
        (void)FakeRequest(AdapterOf(number), NdisRequestSetInformation, OID_802_3_MULTICAST_LIST, group, 6, NULL);
        break;
    case 4:
        (void)WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_MODE | IPVLAN_SET_FLAG, Next(random) % 3, Next(random) % 3, 0);
        break;
    case 7:
        FakeSetPower(world->Master, Next(random) % 2 == 0 ? 1 : 4);
        break;
    case 8:
        (void)WorldPort(world, IOCTL_IPVLAN_SET_PORT, IPVLAN_SET_OPTIONS, 0, 0, Next(random) % 2);
        break;
    case 5:
        FakeSetLink(world->Master, Next(random) % 4 != 0);
        break;
    case 6:
        item.Kind = IPVLAN_ITEM_NEIGHBOR;
        item.PrefixLength = 32;
        item.Mac[0] = 2;
        memcpy(item.Address, (const uint8_t[]){10, 0, 0, (uint8_t)(4 + low % 3)}, 4);
        (void)WorldChange(world, &item);
        break;
    default:
        (void)WorldChange(world, &item);
        break;
    }
    if (kind < 4)
        pthread_rwlock_unlock(&locks[number]);
}

static void Stress(uint32_t seconds)
{
    pthread_t threads[Threads + 1];
    uint64_t random = 0x2545F4914F6CDD1Du, changes = 0;
    world = WorldCreate(IPVLAN_MODE_L2, IPVLAN_FLAG_BRIDGE, StandIns, true);
    for (uint32_t i = 0; i <= StandIns; i++)
        pthread_rwlock_init(&locks[i], NULL);
    FakeSetThreaded(true);
    FakeSetProcessor(Threads + 1);
    CHECK(pthread_create(&threads[Threads], NULL, Requests, (void *)(uintptr_t)Threads) == 0);
    for (uint32_t i = 0; i < Threads; i++)
        CHECK(pthread_create(&threads[i], NULL, Traffic, (void *)(uintptr_t)i) == 0);
    struct timespec started, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &started);
    do {
        Change(&random);
        changes++;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - started.tv_sec < (time_t)seconds);
    __atomic_store_n(&isOver, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i <= Threads; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    FakeSetThreaded(false);
    FakeSetProcessor(0);
    FakeDrain();
    (void)printf("%llu frames, %llu changes, %llu handles opened and closed, %u s\n", (unsigned long long)frames, (unsigned long long)changes,
                 (unsigned long long)opened, seconds);
    WorldDestroy(world);
}

int main(int count, char **arguments)
{
    TableReadWhileItChanges(20000);
    Stress(count > 1 ? (uint32_t)atoi(arguments[1]) : 10);
    (void)printf("1 passed, 0 failed\n");
    return 0;
}
