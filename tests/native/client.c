// WinDivert.dll's entry points, spoken for by a broker: of this process, or where imitation_connect says. The same source makes
// libWinDivert.so, which leaves its error codes in errno, and WinDivert.dll, which leaves them with SetLastError.
#define _GNU_SOURCE
#include "divert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <winsock2.h>
#define EXPORT __declspec(dllexport)
typedef SOCKET descriptor_t;
typedef SRWLOCK lock_t;
#define lock_make(lock) InitializeSRWLock(lock)
#define lock_take(lock) AcquireSRWLockExclusive(lock)
#define lock_give(lock) ReleaseSRWLockExclusive(lock)
#define close_descriptor closesocket
#define set_error(code) SetLastError((DWORD)(code))
#define NO_DESCRIPTOR INVALID_SOCKET
#else
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#define EXPORT __attribute__((visibility("default")))
typedef int descriptor_t;
typedef pthread_mutex_t lock_t;
#define lock_make(lock) pthread_mutex_init(lock, NULL)
#define lock_take(lock) pthread_mutex_lock(lock)
#define lock_give(lock) pthread_mutex_unlock(lock)
#define close_descriptor close
#define set_error(code) (errno = (code))
#define NO_DESCRIPTOR (-1)
#endif

#define INVALID_HANDLE ((void *)(intptr_t)-1)

// Two connections, so that sending does not wait for receiving.
struct channel {
    descriptor_t descriptor;
    lock_t lock;
};

struct client {
    struct channel owner, receiver;
};

// For the process, and for the calling thread where it has one of its own.
static char where[256];
static _Thread_local char here[256];

static const char *broker_place(void) { return here[0] ? here : where[0] ? where : getenv("DIVERT_BROKER"); }

static bool move(descriptor_t descriptor, void *data, size_t length, bool is_read)
{
    for (size_t done = 0; done < length;) {
#ifdef _WIN32
        int part = length - done > 1 << 20 ? 1 << 20 : (int)(length - done);
        int got = is_read ? recv(descriptor, (char *)data + done, part, 0) : send(descriptor, (char *)data + done, part, 0);
#else
        ssize_t got = is_read ? recv(descriptor, (char *)data + done, length - done, 0) : send(descriptor, (char *)data + done, length - done, MSG_NOSIGNAL);
        if (got < 0 && errno == EINTR)
            continue;
#endif
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

// Parts of a body, or of room for an answer.
struct part {
    const void *data;
    size_t length;
};

// Returns the answer's code; *length is the room for its body, and then its length.
static int ask(struct channel *channel, uint32_t code, const struct part *parts, size_t count, void *body, uint32_t *length)
{
    struct message header = { .code = code };
    for (size_t i = 0; i < count; i++)
        header.size += (uint32_t)parts[i].length;
    int result = E_INVALID_HANDLE;
    lock_take(&channel->lock);
    bool is_well = move(channel->descriptor, &header, sizeof header, false);
    for (size_t i = 0; i < count && is_well; i++)
        is_well = move(channel->descriptor, (void *)(uintptr_t)parts[i].data, parts[i].length, false);
    is_well = is_well && move(channel->descriptor, &header, sizeof header, true) && header.size <= (length ? *length : 0);
    if (is_well && move(channel->descriptor, body, header.size, true)) {
        result = (int)header.code;
        if (length)
            *length = header.size;
    }
    lock_give(&channel->lock);
    return result;
}

#ifdef _WIN32
static descriptor_t connect_to_broker(void)
{
    WSADATA data;
    const char *place = broker_place();
    if (WSAStartup(0x0202, &data) != 0 || !place || strncmp(place, "tcp:", 4) != 0)
        return NO_DESCRIPTOR;
    struct sockaddr_in at = { 0 };
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)atoi(place + 4));
    at.sin_addr.s_addr = htonl(0x7f000001);
    descriptor_t made = socket(AF_INET, SOCK_STREAM, 0);
    // A request goes in parts: none may wait for the other's acknowledgement.
    BOOL on = TRUE;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    if (made != NO_DESCRIPTOR && connect(made, (struct sockaddr *)&at, sizeof at) == 0)
        return made;
    return NO_DESCRIPTOR;
}
#else
static int own_listener = -1;
static struct sockaddr_un own_place;
static socklen_t own_length;

static void *serve_own(void *unused)
{
    (void)unused;
    broker_serve(own_listener, -1, NULL);
    return NULL;
}

static void start_own(void)
{
    // An address without a name in the file system, chosen by the kernel.
    own_place.sun_family = AF_UNIX;
    own_length = sizeof own_place;
    own_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(own_listener, (struct sockaddr *)&own_place, sizeof own_place.sun_family);
    getsockname(own_listener, (struct sockaddr *)&own_place, &own_length);
    listen(own_listener, 128);
    switches_from_environment();
    script_host();
    pthread_t thread;
    pthread_create(&thread, NULL, serve_own, NULL);
    pthread_detach(thread);
}

static descriptor_t connect_to_broker(void)
{
    const char *place = broker_place();
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    socklen_t length = sizeof at;
    if (place && strncmp(place, "unix:", 5) == 0) {
        snprintf(at.sun_path, sizeof at.sun_path, "%s", place + 5);
    } else {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, start_own);
        at = own_place;
        length = own_length;
    }
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, (struct sockaddr *)&at, length) == 0)
        return made;
    close(made);
    return NO_DESCRIPTOR;
}
#endif

static bool channel_open(struct channel *channel)
{
    lock_make(&channel->lock);
    channel->descriptor = connect_to_broker();
    return channel->descriptor != NO_DESCRIPTOR;
}

static int fail(int code)
{
    set_error(code);
    return 0;
}

EXPORT void *WinDivertOpen(const char *filter, int32_t layer, int16_t priority, uint64_t flags)
{
    struct client *client = calloc(1, sizeof *client);
    int32_t numbers[2] = { layer, priority };
    uint64_t token = 0;
    uint32_t length = sizeof token;
    struct part parts[] = { { numbers, sizeof numbers }, { &flags, sizeof flags }, { filter, strlen(filter) } };
    // [D] 2: the driver is not there.
    int error = 2;
    if (channel_open(&client->owner))
        error = ask(&client->owner, OP_OPEN, parts, 3, &token, &length);
    if (error == E_NONE && channel_open(&client->receiver)) {
        struct part of = { &token, sizeof token };
        error = ask(&client->receiver, OP_ATTACH, &of, 1, NULL, NULL);
    }
    if (error == E_NONE)
        return client;
    if (client->owner.descriptor != NO_DESCRIPTOR)
        close_descriptor(client->owner.descriptor);
    free(client);
    set_error(error);
    return INVALID_HANDLE;
}

EXPORT int WinDivertRecvEx(struct client *client, void *packets, uint32_t room, uint32_t *received, uint64_t flags, struct address *addresses, uint32_t *address_bytes, void *overlapped)
{
    static _Thread_local uint8_t *answer;
    uint32_t most = address_bytes ? *address_bytes / (uint32_t)sizeof *addresses : 1;
    // Overlapped calls are not imitated; [S] more than 255 addresses are refused.
    if (flags != 0 || overlapped || most == 0 || (most > MAX_BATCH && address_bytes))
        return fail(E_INVALID_PARAMETER);
    if (!answer)
        answer = malloc(MAX_BODY);
    uint32_t length = MAX_BODY, count = 0;
    struct part parts[] = { { &room, sizeof room }, { &most, sizeof most } };
    int error = ask(&client->receiver, OP_RECEIVE, parts, 2, answer, &length);
    if (length >= 2 * sizeof count && (error == E_NONE || error == E_INSUFFICIENT_BUFFER)) {
        memcpy(&count, answer, sizeof count);
        size_t before = 2 * sizeof count + count * sizeof *addresses;
        if (addresses)
            memcpy(addresses, answer + 2 * sizeof count, count * sizeof *addresses);
        memcpy(packets, answer + before, length - before);
        if (received)
            *received = length - (uint32_t)before;
        if (address_bytes)
            *address_bytes = count * (uint32_t)sizeof *addresses;
    }
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertSendEx(struct client *client, const void *packets, uint32_t length, uint32_t *sent, uint64_t flags, const struct address *addresses, uint32_t address_bytes, void *overlapped)
{
    uint32_t count[2] = { address_bytes / (uint32_t)sizeof *addresses, 0 }, done = 0, room = sizeof done;
    if (flags != 0 || overlapped || address_bytes % sizeof *addresses != 0)
        return fail(E_INVALID_PARAMETER);
    struct part parts[] = { { count, sizeof count }, { addresses, address_bytes }, { packets, length } };
    int error = ask(&client->owner, OP_SEND, parts, 3, &done, &room);
    if (sent)
        *sent = done;
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertRecv(struct client *client, void *packet, uint32_t room, uint32_t *received, struct address *address)
{
    return WinDivertRecvEx(client, packet, room, received, 0, address, NULL, NULL);
}

EXPORT int WinDivertSend(struct client *client, const void *packet, uint32_t length, uint32_t *sent, const struct address *address)
{
    return WinDivertSendEx(client, packet, length, sent, 0, address, sizeof *address, NULL);
}

EXPORT int WinDivertShutdown(struct client *client, uint32_t how)
{
    struct part part = { &how, sizeof how };
    int error = ask(&client->owner, OP_SHUTDOWN, &part, 1, NULL, NULL);
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertClose(struct client *client)
{
    int error = ask(&client->owner, OP_CLOSE, NULL, 0, NULL, NULL);
    close_descriptor(client->owner.descriptor);
    close_descriptor(client->receiver.descriptor);
    free(client);
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertSetParam(struct client *client, uint32_t parameter, uint64_t value)
{
    struct part parts[] = { { &parameter, sizeof parameter }, { &value, sizeof value } };
    int error = ask(&client->owner, OP_SET, parts, 2, NULL, NULL);
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertGetParam(struct client *client, uint32_t parameter, uint64_t *value)
{
    struct part part = { &parameter, sizeof parameter };
    uint32_t length = sizeof *value;
    int error = ask(&client->owner, OP_GET, &part, 1, value, &length);
    return error == E_NONE ? 1 : fail(error);
}

EXPORT int WinDivertHelperCompileFilter(const char *text, int32_t layer, char *object, uint32_t length, const char **why, uint32_t *position)
{
    if (object && length)
        object[0] = 0;
    if (why)
        *why = "No error";
    struct filter *filter = filter_parse(text, layer, why, position);
    filter_free(filter);
    return filter != NULL;
}

EXPORT int WinDivertHelperEvalFilter(const char *text, const void *packet, uint32_t length, const struct address *address)
{
    struct filter *filter = filter_parse(text, address->layer, NULL, NULL);
    bool is_match = filter && filter_matches(filter, packet, length, address);
    filter_free(filter);
    return is_match;
}

EXPORT int WinDivertHelperCalcChecksums(void *packet, uint32_t length, struct address *address, uint64_t flags)
{
    if (packet_length(packet, length) != length)
        return 0;
    packet_complete(packet, length, (uint8_t)(flags ? 0xff : 0));
    // [V] a build by gcc 12 gets UDP wrong.
    if (getenv("DIVERT_WRONG_CHECKSUMS"))
        ((uint8_t *)packet)[length - 1] ^= 1;
    if (address)
        address->bits |= BIT_IP_CHECKSUM | BIT_TCP_CHECKSUM | BIT_UDP_CHECKSUM;
    return 1;
}

// For tests: the script.

static _Thread_local struct channel script;

static int ask_script(uint32_t code, const struct part *parts, size_t count, void *body, uint32_t *length)
{
    if (script.descriptor == 0 && !channel_open(&script))
        return 2;
    return ask(&script, code, parts, count, body, length);
}

EXPORT void imitation_connect_thread(const char *place);

// Where brokers of handles opened from now on are: "unix:PATH", "tcp:PORT", or "" for the one in this process.
EXPORT void imitation_connect(const char *place)
{
    snprintf(where, sizeof where, "%s", place);
    imitation_connect_thread("");
}

// The same for what the calling thread opens and asks; "" for what imitation_connect said.
EXPORT void imitation_connect_thread(const char *place)
{
    snprintf(here, sizeof here, "%s", place);
    if (script.descriptor != 0)
        close_descriptor(script.descriptor);
    memset(&script, 0, sizeof script);
}

EXPORT int imitation_divert(const struct address *address, const void *packet, uint32_t length)
{
    struct part parts[] = { { address, sizeof *address }, { packet, length } };
    return ask_script(OP_DIVERT, parts, 2, NULL, NULL);
}

// E_NO_DATA where the host was given nothing more back. `room` bytes hold the packet; *length is its length.
EXPORT int imitation_take(struct address *address, void *packet, uint32_t room, uint32_t *length)
{
    static _Thread_local uint8_t answer[MAX_PACKET + 1024];
    uint32_t got = sizeof answer;
    int error = ask_script(OP_TAKE, NULL, 0, answer, &got);
    if (error != E_NONE)
        return error;
    *length = got - (uint32_t)sizeof *address;
    memcpy(address, answer, sizeof *address);
    memcpy(packet, answer + sizeof *address, *length < room ? *length : room);
    return E_NONE;
}

EXPORT int imitation_advance(int64_t milliseconds)
{
    struct part part = { &milliseconds, sizeof milliseconds };
    return ask_script(OP_ADVANCE, &part, 1, NULL, NULL);
}

EXPORT int imitation_switch(const char *name, int32_t value)
{
    struct part parts[] = { { &value, sizeof value }, { name, strlen(name) } };
    return ask_script(OP_SWITCH, parts, 2, NULL, NULL);
}

EXPORT int imitation_reset(void) { return ask_script(OP_RESET, NULL, 0, NULL, NULL); }

EXPORT int imitation_handles(void)
{
    uint32_t count = 0, length = sizeof count;
    int error = ask_script(OP_HANDLES, NULL, 0, &count, &length);
    return error == E_NONE ? (int)count : -error;
}
