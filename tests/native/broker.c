// Serves the library's connections: the driver's device, and the script of a test. One thread.
#define _GNU_SOURCE
#include "divert.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct connection *next;
    int descriptor;
    uint64_t token; // of the handle that it opened, or receives from
    bool is_owner, is_waiting, is_dirty, is_gone;
    uint32_t room, most;
};

static struct connection *connections;
static struct packet *emitted, **emitted_last = &emitted;
static uint8_t body[MAX_BODY], reply[MAX_BODY];

static bool read_whole(int descriptor, void *into, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = recv(descriptor, (char *)into + done, length - done, 0);
        if (got <= 0 && errno != EINTR)
            return false;
        if (got == 0)
            return false;
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}

static bool write_whole(int descriptor, const void *from, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = send(descriptor, (const char *)from + done, length - done, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            done += (size_t)put;
    }
    return true;
}

static void answer(struct connection *connection, int code, const void *data, size_t length)
{
    struct message header = { .size = (uint32_t)length, .code = (uint32_t)code };
    if (!write_whole(connection->descriptor, &header, sizeof header) || !write_whole(connection->descriptor, data, length))
        connection->is_gone = true;
}

void driver_wake(struct handle *handle)
{
    for (struct connection *one = connections; one; one = one->next) {
        if (one->token == handle->token && !one->is_owner)
            one->is_dirty = true;
    }
}

static void try_receive(struct connection *connection)
{
    struct handle *handle = driver_find(connection->token);
    struct address *addresses = (struct address *)(void *)(reply + sizeof(uint32_t) * 2);
    uint8_t *packets = (uint8_t *)(addresses + MAX_BATCH);
    uint32_t bytes = 0, count = 0;
    int error = handle ? driver_receive(handle, packets, connection->room, addresses, connection->most, &bytes, &count) : E_ABORTED;
    if (error == E_NONE && count == 0)
        return;
    connection->is_waiting = false;
    memcpy(reply, &count, sizeof count);
    memmove(addresses + count, packets, bytes);
    answer(connection, error, reply, sizeof(uint32_t) * 2 + count * sizeof(struct address) + bytes);
}

static void end(struct connection *connection)
{
    struct handle *handle = connection->is_owner ? driver_find(connection->token) : NULL;
    if (!handle)
        return;
    driver_wake(handle);
    driver_close(handle);
}

static void script_pass(struct packet *packet)
{
    packet->next = NULL;
    *emitted_last = packet;
    emitted_last = &packet->next;
}

static void script_lose(struct packet *packet) { free(packet); }

static uint32_t script_mtu(uint32_t interface_index)
{
    (void)interface_index;
    return switch_value("mtu") ? (uint32_t)switch_value("mtu") : 1500;
}

static bool script_is_local(const uint8_t *packet)
{
    (void)packet;
    return switch_value("local-destinations") != 0;
}

static void script_taken(const struct packet *packet, uint64_t token)
{
    (void)packet;
    (void)token;
}

static void script_closed(uint64_t token) { (void)token; }

struct host host;

void script_host(void)
{
    host = (struct host){ .pass = script_pass, .lose = script_lose, .taken = script_taken, .closed = script_closed, .mtu = script_mtu, .is_local = script_is_local };
}

static void serve_script(struct connection *connection, uint32_t code, uint32_t size)
{
    uint32_t count = 0;
    switch (code) {
    case OP_DIVERT: {
        uint32_t length = size - (uint32_t)sizeof(struct address);
        struct packet *packet = calloc(1, sizeof *packet + length);
        memcpy(&packet->address, body, sizeof packet->address);
        if (packet->address.timestamp == 0)
            packet->address.timestamp = clock_stamp();
        packet->length = length;
        memcpy(packet->data, body + sizeof packet->address, length);
        driver_divert(packet, INT32_MAX);
        answer(connection, E_NONE, NULL, 0);
        return;
    }
    case OP_TAKE: {
        struct packet *packet = emitted;
        if (!packet) {
            answer(connection, E_NO_DATA, NULL, 0);
            return;
        }
        emitted = packet->next;
        if (!emitted)
            emitted_last = &emitted;
        memcpy(reply, &packet->address, sizeof packet->address);
        memcpy(reply + sizeof packet->address, packet->data, packet->length);
        answer(connection, E_NONE, reply, sizeof packet->address + packet->length);
        free(packet);
        return;
    }
    case OP_ADVANCE: {
        int64_t milliseconds;
        memcpy(&milliseconds, body, sizeof milliseconds);
        clock_advance(milliseconds);
        answer(connection, E_NONE, NULL, 0);
        return;
    }
    case OP_SWITCH: {
        int32_t value;
        memcpy(&value, body, sizeof value);
        body[size] = 0;
        switch_set((const char *)body + sizeof value, value);
        answer(connection, E_NONE, NULL, 0);
        return;
    }
    case OP_RESET:
        switches_from_environment();
        while (emitted) {
            struct packet *next = emitted->next;
            free(emitted);
            emitted = next;
        }
        emitted_last = &emitted;
        answer(connection, E_NONE, NULL, 0);
        return;
    case OP_HANDLES:
        for (struct connection *one = connections; one; one = one->next)
            count += one->is_owner && driver_find(one->token) != NULL;
        answer(connection, E_NONE, &count, sizeof count);
        return;
    default:
        connection->is_gone = true;
    }
}

static void serve(struct connection *connection)
{
    struct message header;
    if (!read_whole(connection->descriptor, &header, sizeof header) || header.size >= sizeof body || !read_whole(connection->descriptor, body, header.size)) {
        connection->is_gone = true;
        return;
    }
    if (header.code >= OP_DIVERT) {
        serve_script(connection, header.code, header.size);
        return;
    }
    struct handle *handle = driver_find(connection->token);
    if (!handle && header.code != OP_OPEN && header.code != OP_ATTACH) {
        answer(connection, E_INVALID_HANDLE, NULL, 0);
        return;
    }
    switch (header.code) {
    case OP_OPEN: {
        int32_t numbers[2];
        uint64_t flags;
        memcpy(numbers, body, sizeof numbers);
        memcpy(&flags, body + sizeof numbers, sizeof flags);
        body[header.size] = 0;
        int error = driver_open((const char *)body + sizeof numbers + sizeof flags, numbers[0], numbers[1], flags, &handle);
        if (error == E_NONE) {
            connection->token = handle->token;
            connection->is_owner = true;
        }
        answer(connection, error, &connection->token, sizeof connection->token);
        return;
    }
    case OP_ATTACH:
        memcpy(&connection->token, body, sizeof connection->token);
        answer(connection, driver_find(connection->token) ? E_NONE : E_INVALID_HANDLE, NULL, 0);
        return;
    case OP_RECEIVE:
        memcpy(&connection->room, body, sizeof connection->room);
        memcpy(&connection->most, body + sizeof connection->room, sizeof connection->most);
        // What fits into one answer.
        if (connection->room > (1 << 20) - 64)
            connection->room = (1 << 20) - 64;
        connection->is_waiting = true;
        connection->is_dirty = true;
        return;
    case OP_SEND: {
        uint32_t count, sent = 0;
        memcpy(&count, body, sizeof count);
        size_t before = 2 * sizeof(uint32_t) + (size_t)count * sizeof(struct address);
        int error = before > header.size ? E_INVALID_PARAMETER
            : driver_send(handle, body + before, header.size - (uint32_t)before, (const struct address *)(const void *)(body + 2 * sizeof(uint32_t)), count, &sent);
        answer(connection, error, &sent, sizeof sent);
        return;
    }
    case OP_SHUTDOWN: {
        uint32_t how;
        memcpy(&how, body, sizeof how);
        answer(connection, driver_shutdown(handle, (int)how), NULL, 0);
        return;
    }
    case OP_SET: {
        uint32_t parameter;
        uint64_t value;
        memcpy(&parameter, body, sizeof parameter);
        memcpy(&value, body + sizeof parameter, sizeof value);
        answer(connection, driver_set(handle, (int)parameter, value), NULL, 0);
        return;
    }
    case OP_GET: {
        uint32_t parameter;
        uint64_t value = 0;
        memcpy(&parameter, body, sizeof parameter);
        int error = driver_get(handle, (int)parameter, &value);
        answer(connection, error, &value, sizeof value);
        return;
    }
    case OP_CLOSE:
        end(connection);
        answer(connection, E_NONE, NULL, 0);
        return;
    default:
        connection->is_gone = true;
    }
}

static void accept_one(int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (descriptor < 0)
        return;
    // An answer of any size fits, so that a reader that is stopped does not stop the driver.
    int room = 4 << 20;
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    struct connection *connection = calloc(1, sizeof *connection);
    connection->descriptor = descriptor;
    connection->next = connections;
    connections = connection;
}

static void remove_gone(void)
{
    for (struct connection **at = &connections; *at;) {
        struct connection *one = *at;
        if (!one->is_gone) {
            at = &one->next;
            continue;
        }
        end(one);
        *at = one->next;
        close(one->descriptor);
        free(one);
    }
}

void broker_serve(int listener, int stop, const struct source *source)
{
    int64_t ticked = clock_milliseconds();
    struct pollfd *polled = NULL;
    for (;;) {
        size_t count = 3;
        for (struct connection *one = connections; one; one = one->next)
            count++;
        polled = realloc(polled, count * sizeof *polled);
        polled[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
        polled[1] = (struct pollfd){ .fd = stop, .events = POLLIN };
        polled[2] = (struct pollfd){ .fd = source ? source->descriptor : -1, .events = POLLIN };
        size_t i = 3;
        for (struct connection *one = connections; one; one = one->next)
            polled[i++] = (struct pollfd){ .fd = one->descriptor, .events = POLLIN };
        poll(polled, count, 500);
        i = 3;
        struct connection *known = connections;
        if (polled[1].revents)
            break;
        if (polled[2].revents)
            source->ready();
        for (struct connection *one = known; one; one = one->next, i++) {
            if (polled[i].revents)
                serve(one);
        }
        if (polled[0].revents)
            accept_one(listener);
        if (source && clock_milliseconds() - ticked >= 500) {
            source->tick();
            ticked = clock_milliseconds();
        }
        // A closed handle's queue may wake others.
        remove_gone();
        for (struct connection *one = connections; one; one = one->next) {
            if (one->is_dirty && one->is_waiting)
                try_receive(one);
            one->is_dirty = false;
        }
        remove_gone();
    }
    free(polled);
}
