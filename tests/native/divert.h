// An imitation of WinDivert 2.2 for tests: what its parts share. README.md says what is imitated, from which fact.
#ifndef DIVERT_H
#define DIVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_PACKET = 65575, MAX_BATCH = 255, MAX_TESTS = 256 };

enum { LAYER_NETWORK, LAYER_FORWARD };

enum { FLAG_SNIFF = 1, FLAG_DROP = 2, FLAG_RECV_ONLY = 4, FLAG_SEND_ONLY = 8, FLAG_NO_INSTALL = 0x10, FLAG_FRAGMENTS = 0x20 };

enum { SHUTDOWN_RECV = 1, SHUTDOWN_SEND = 2 };

enum { PARAM_LENGTH, PARAM_TIME, PARAM_SIZE, PARAM_MAJOR, PARAM_MINOR, PARAM_COUNT };

// winerror.h
enum {
    E_NONE = 0,
    E_INVALID_HANDLE = 6,
    E_BAD_COMMAND = 22,
    E_INVALID_PARAMETER = 87,
    E_INSUFFICIENT_BUFFER = 122,
    E_NO_DATA = 232,
    E_ABORTED = 995,
    E_NOT_INSTALLED = 1060,
    E_HOST_UNREACHABLE = 1232,
    E_NO_RESOURCES = 1450,
};

// Bits of struct address.bits.
enum {
    BIT_SNIFFED = 0x01,
    BIT_OUTBOUND = 0x02,
    BIT_LOOPBACK = 0x04,
    BIT_IMPOSTOR = 0x08,
    BIT_SIX = 0x10,
    BIT_IP_CHECKSUM = 0x20,
    BIT_TCP_CHECKSUM = 0x40,
    BIT_UDP_CHECKSUM = 0x80,
};

// WINDIVERT_ADDRESS at the layers that carry packets.
struct address {
    int64_t timestamp;
    uint8_t layer;
    uint8_t event;
    uint8_t bits;
    uint8_t reserved1;
    uint32_t reserved2;
    uint32_t interface_index;
    uint32_t sub_interface_index;
    uint8_t rest[56];
};

_Static_assert(sizeof(struct address) == 80, "WINDIVERT_ADDRESS");
_Static_assert(offsetof(struct address, layer) == 8, "Layer");
_Static_assert(offsetof(struct address, bits) == 10, "bits");
_Static_assert(offsetof(struct address, interface_index) == 16, "IfIdx");

// filter.c: the filter language, as far as packets' addresses and directions go.
struct filter;

// Returns null, with the reason and its position, where the text is no filter at that layer.
struct filter *filter_parse(const char *text, int layer, const char **why, uint32_t *position);
// As many tests as 256 are kept in a byte: the filter means nothing any more.
int filter_tests(const struct filter *filter);
bool filter_matches(const struct filter *filter, const uint8_t *packet, uint32_t length, const struct address *address);
void filter_free(struct filter *filter);

// packet.c
uint32_t packet_length(const uint8_t *packets, uint32_t length);
// Computes the checksums whose bits are not set. ICMP is left alone.
void packet_complete(uint8_t *packet, uint32_t length, uint8_t valid_bits);
// Returns the new TTL or hop limit.
int packet_decrement_ttl(uint8_t *packet);
bool packet_transport(const uint8_t *packet, uint32_t length, uint8_t *protocol, uint32_t *offset, bool *is_fragment);

// driver.c: handles, queues and priorities. One thread.
struct packet {
    struct packet *next;
    struct address address;
    int64_t queued_at; // milliseconds
    uint32_t length;
    uint8_t data[];
};

struct handle {
    struct handle *next; // highest priority first
    struct filter *filter;
    int layer;
    int priority;
    uint64_t flags;
    uint64_t parameters[PARAM_COUNT];
    struct packet *first, **last;
    uint64_t queued_packets, queued_bytes;
    int shut_down;
    bool is_corrupt;
    uint64_t token;
};

// What the host does; each takes the packet, which is not kept.
struct host {
    void (*pass)(struct packet *packet);
    void (*lose)(struct packet *packet);
    // A handle's reader has it now; what it has not sent again when the handle is closed is lost.
    void (*taken)(const struct packet *packet, uint64_t token);
    void (*closed)(uint64_t token);
    // Most bytes of a packet that leaves by this interface.
    uint32_t (*mtu)(uint32_t interface_index);
    bool (*is_local)(const uint8_t *packet);
};

extern struct host host;

// Behaviour that tests take out or turn round, by name; see README.md.
int switch_value(const char *name);
void switch_set(const char *name, int value);
void switches_from_environment(void);

int64_t clock_milliseconds(void);
void clock_advance(int64_t milliseconds);
int64_t clock_stamp(void);

int driver_open(const char *filter, int layer, int priority, uint64_t flags, struct handle **opened);
void driver_divert(struct packet *packet, int below);
// E_NONE, or E_NO_DATA at the end; *count 0 without an error: nothing there yet.
int driver_receive(struct handle *handle, uint8_t *packets, uint32_t room, struct address *addresses, uint32_t most, uint32_t *bytes, uint32_t *count);
int driver_send(struct handle *handle, const uint8_t *packets, uint32_t length, const struct address *addresses, uint32_t count, uint32_t *sent);
int driver_shutdown(struct handle *handle, int how);
int driver_set(struct handle *handle, int parameter, uint64_t value);
int driver_get(struct handle *handle, int parameter, uint64_t *value);
void driver_close(struct handle *handle);
struct handle *driver_find(uint64_t token);
void driver_wake(struct handle *handle); // broker.c: something changed for whoever receives

// Messages between the library and the broker: header, then a body. One request at a time and connection, each answered.
enum {
    OP_OPEN = 1,   // i32 layer, i32 priority, u64 flags, filter text -> u64 token
    OP_ATTACH,     // u64 token: this connection receives
    OP_RECEIVE,    // u32 room, u32 most -> u32 count, addresses, packets
    OP_SEND,       // u32 count, addresses, packets -> u32 bytes
    OP_SHUTDOWN,   // u32 how
    OP_SET,        // u32 parameter, u64 value
    OP_GET,        // u32 parameter -> u64 value
    OP_CLOSE,
    OP_DIVERT = 64,        // address, packet: as if the host had it
    OP_TAKE,               // -> address, packet: the next that the host was given back; empty without one
    OP_ADVANCE,            // i64 milliseconds
    OP_SWITCH,             // i32 value, name
    OP_RESET,              // switches and clock as they were, nothing emitted
    OP_HANDLES,            // -> u32 open handles
};

struct message {
    uint32_t size; // of the body
    uint32_t code; // OP_* of a request, E_* of an answer
};

// broker.c: serves connections of `listener` until `stop` is readable (-1: for ever); `source` is the host's descriptor or -1.
struct source {
    int descriptor;
    void (*ready)(void);
    void (*tick)(void); // twice a second
};

void broker_serve(int listener, int stop, const struct source *source);
void script_host(void); // broker.c: `host` is what a test says it is

enum { MAX_BODY = MAX_BATCH * 80 + (1 << 20) };

#endif
