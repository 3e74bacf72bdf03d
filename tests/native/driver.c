// What the driver WinDivert64.sys does. [S] source, [D] documentation, [V] seen, [I] inferred: see README.md.
#include "divert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNLESS_OFF(name) if (!switch_value("no-" name))

static struct handle *handles;
static uint64_t tokens;
static int64_t advanced;

static struct { char name[48]; int value; } switches[64];

int switch_value(const char *name)
{
    for (size_t i = 0; i < sizeof switches / sizeof *switches && switches[i].name[0]; i++) {
        if (strcmp(switches[i].name, name) == 0)
            return switches[i].value;
    }
    return 0;
}

void switch_set(const char *name, int value)
{
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        if (switches[i].name[0] && strcmp(switches[i].name, name) != 0)
            continue;
        snprintf(switches[i].name, sizeof switches[i].name, "%s", name);
        switches[i].value = value;
        return;
    }
}

// DIVERT_SWITCHES: name[=value] separated by commas.
void switches_from_environment(void)
{
    memset(switches, 0, sizeof switches);
    advanced = 0;
    const char *text = getenv("DIVERT_SWITCHES");
    while (text && *text) {
        char name[48];
        size_t length = strcspn(text, "=,");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        text += length;
        switch_set(name, *text == '=' ? (int)strtol(text + 1, (char **)&text, 10) : 1);
        text += *text == ',';
    }
}

static int64_t now_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t clock_milliseconds(void) { return now_nanoseconds() / 1000000 + advanced; }

void clock_advance(int64_t milliseconds) { advanced += milliseconds; }

// [D] the clock of QueryPerformanceCounter; never twice the same, so that a packet is known again.
int64_t clock_stamp(void)
{
    static int64_t last;
    int64_t now = now_nanoseconds() + advanced * 1000000;
    last = now > last ? now : last + 1;
    return last;
}

static const struct { uint64_t least, usual, most; } PARAMETERS[] = {
    [PARAM_LENGTH] = { 32, 4096, 16384 }, [PARAM_TIME] = { 100, 2000, 16000 }, [PARAM_SIZE] = { 65535, 4 << 20, 32 << 20 },
};

int driver_open(const char *text, int layer, int priority, uint64_t flags, struct handle **opened)
{
    const uint64_t sniff_and_drop = FLAG_SNIFF | FLAG_DROP, both_only = FLAG_RECV_ONLY | FLAG_SEND_ONLY;
    if (switch_value("open-error"))
        return switch_value("open-error");
    if (layer != LAYER_NETWORK && layer != LAYER_FORWARD)
        return E_INVALID_PARAMETER;
    UNLESS_OFF("flag-check") {
        if (priority < -30000 || priority > 30000 || (flags & ~0x3full) || (flags & sniff_and_drop) == sniff_and_drop || (flags & both_only) == both_only)
            return E_INVALID_PARAMETER;
    }
    struct filter *filter = filter_parse(text, layer, NULL, NULL);
    if (!filter)
        return E_INVALID_PARAMETER;
    struct handle *handle = calloc(1, sizeof *handle);
    handle->filter = filter;
    handle->layer = layer;
    handle->priority = priority;
    handle->flags = flags;
    handle->last = &handle->first;
    handle->token = ++tokens;
    // [S] the driver cuts the length to a byte: 256 tests are none. [I] what it then matches: nothing, or everything.
    UNLESS_OFF("corruption")
        handle->is_corrupt = filter_tests(filter) == MAX_TESTS;
    for (int i = 0; i <= PARAM_SIZE; i++)
        handle->parameters[i] = PARAMETERS[i].usual;
    handle->parameters[PARAM_MAJOR] = 2;
    handle->parameters[PARAM_MINOR] = 2;
    struct handle **at = &handles;
    // Of one priority, whoever was there first sees packets first. [D] leaves it undefined.
    while (*at && ((*at)->priority > priority || ((*at)->priority == priority && !switch_value("newest-first"))))
        at = &(*at)->next;
    handle->next = *at;
    *at = handle;
    *opened = handle;
    return E_NONE;
}

struct handle *driver_find(uint64_t token)
{
    struct handle *handle = handles;
    while (handle && handle->token != token)
        handle = handle->next;
    return handle;
}

int driver_shutdown(struct handle *handle, int how)
{
    if (how < SHUTDOWN_RECV || how > (SHUTDOWN_RECV | SHUTDOWN_SEND))
        return E_INVALID_PARAMETER;
    handle->shut_down |= how;
    driver_wake(handle);
    return E_NONE;
}

int driver_set(struct handle *handle, int parameter, uint64_t value)
{
    if (parameter < 0 || parameter > PARAM_SIZE || value < PARAMETERS[parameter].least || value > PARAMETERS[parameter].most)
        return E_INVALID_PARAMETER;
    handle->parameters[parameter] = value;
    return E_NONE;
}

int driver_get(struct handle *handle, int parameter, uint64_t *value)
{
    if (parameter < 0 || parameter >= PARAM_COUNT)
        return E_INVALID_PARAMETER;
    *value = handle->parameters[parameter];
    return E_NONE;
}

static struct packet *unqueue(struct handle *handle)
{
    struct packet *packet = handle->first;
    handle->first = packet->next;
    if (!handle->first)
        handle->last = &handle->first;
    packet->next = NULL;
    handle->queued_packets--;
    handle->queued_bytes -= packet->length;
    return packet;
}

// [S] silent: no counter anywhere. Too old; queue full, oldest first.
static void lose_surplus(struct handle *handle)
{
    UNLESS_OFF("age") {
        int64_t oldest = clock_milliseconds() - (int64_t)handle->parameters[PARAM_TIME];
        while (handle->first && handle->first->queued_at < oldest)
            host.lose(unqueue(handle));
    }
    UNLESS_OFF("length") {
        while (handle->queued_packets > handle->parameters[PARAM_LENGTH])
            host.lose(unqueue(handle));
    }
    UNLESS_OFF("size") {
        while (handle->queued_bytes > handle->parameters[PARAM_SIZE])
            host.lose(unqueue(handle));
    }
}

static void queue(struct handle *handle, struct packet *packet)
{
    packet->queued_at = clock_milliseconds();
    packet->next = NULL;
    *handle->last = packet;
    handle->last = &packet->next;
    handle->queued_packets++;
    handle->queued_bytes += packet->length;
    lose_surplus(handle);
    driver_wake(handle);
}

static bool wants(const struct handle *handle, const struct packet *packet)
{
    if (handle->layer != packet->address.layer || (handle->flags & FLAG_SEND_ONLY) || (handle->shut_down & SHUTDOWN_RECV))
        return false;
    if (handle->is_corrupt)
        return switch_value("corrupt-matches-all") != 0;
    // [S] inbound loopback is never captured.
    bool is_inbound_loopback = packet->address.layer == LAYER_NETWORK && (packet->address.bits & (BIT_OUTBOUND | BIT_LOOPBACK)) == BIT_LOOPBACK;
    if (is_inbound_loopback && !switch_value("no-loopback-rule"))
        return false;
    return filter_matches(handle->filter, packet->data, packet->length, &packet->address);
}

// Shows a packet to the handles of lower priority than `below`, the highest first; the host gets what none takes.
void driver_divert(struct packet *packet, int below)
{
    // [S] over 65575 bytes: lost where anybody wants it.
    for (struct handle *handle = handles; handle; handle = handle->next) {
        // [S] injected at a priority, a packet is seen again at strictly lower ones only.
        if (switch_value("no-priority-rule") ? false : handle->priority >= below)
            continue;
        if (!wants(handle, packet))
            continue;
        if (packet->length > MAX_PACKET) {
            host.lose(packet);
            return;
        }
        if (handle->flags & FLAG_SNIFF) {
            struct packet *copy = malloc(sizeof *copy + packet->length);
            memcpy(copy, packet, sizeof *copy + packet->length);
            copy->address.bits |= BIT_SNIFFED;
            copy->address.timestamp = clock_stamp();
            queue(handle, copy);
            continue;
        }
        if (handle->flags & FLAG_DROP) {
            UNLESS_OFF("drop") {
                host.lose(packet);
                return;
            }
            continue;
        }
        queue(handle, packet);
        return;
    }
    host.pass(packet);
}

int driver_receive(struct handle *handle, uint8_t *packets, uint32_t room, struct address *addresses, uint32_t most, uint32_t *bytes, uint32_t *count)
{
    *bytes = *count = 0;
    if (handle->flags & (FLAG_SEND_ONLY | FLAG_DROP))
        return E_BAD_COMMAND;
    if (most == 0 || most > MAX_BATCH)
        return E_INVALID_PARAMETER;
    lose_surplus(handle);
    while (handle->first && *count < most) {
        struct packet *packet = handle->first;
        if (packet->length > room - *bytes) {
            if (*count > 0)
                break;
            // [D] cut, and 122.
            unqueue(handle);
            host.taken(packet, handle->token);
            memcpy(packets, packet->data, room);
            addresses[0] = packet->address;
            *bytes = room;
            *count = 1;
            free(packet);
            return E_INSUFFICIENT_BUFFER;
        }
        unqueue(handle);
        host.taken(packet, handle->token);
        memcpy(packets + *bytes, packet->data, packet->length);
        addresses[*count] = packet->address;
        *bytes += packet->length;
        ++*count;
        free(packet);
    }
    // [D] shut down: the queue first, then 232.
    return *count == 0 && (handle->shut_down & SHUTDOWN_RECV) ? E_NO_DATA : E_NONE;
}

static int inject(struct handle *handle, const uint8_t *data, uint32_t length, const struct address *address)
{
    struct packet *packet = malloc(sizeof *packet + length);
    packet->next = NULL;
    packet->length = length;
    packet->address = *address;
    packet->address.layer = (uint8_t)handle->layer;
    packet->address.bits = (uint8_t)((address->bits & ~(BIT_SIX | BIT_SNIFFED)) | (data[0] >> 4 == 6 ? BIT_SIX : 0));
    memcpy(packet->data, data, length);
    // [D] an impostor loses one of its TTL; at 0 it is lost, with 1232.
    UNLESS_OFF("ttl-rule") {
        if ((address->bits & BIT_IMPOSTOR) && packet_decrement_ttl(packet->data) == 0) {
            host.lose(packet);
            return E_HOST_UNREACHABLE;
        }
    }
    // [D] what the bits do not vouch for is computed; [S] never for ICMP.
    UNLESS_OFF("completion")
        packet_complete(packet->data, length, address->bits);
    bool is_outbound = handle->layer == LAYER_NETWORK && (address->bits & (BIT_OUTBOUND | BIT_LOOPBACK)) == BIT_OUTBOUND;
    // [S] silent. [I] "fragment-over-mtu": the host fragments it instead.
    if (is_outbound && !switch_value("fragment-over-mtu") && !switch_value("no-mtu-rule") && length > host.mtu(address->interface_index)) {
        host.lose(packet);
        return E_NONE;
    }
    // [S] forward injection refuses an address of the host's own.
    if (handle->layer == LAYER_FORWARD && host.is_local(packet->data)) {
        host.lose(packet);
        return E_NONE;
    }
    driver_divert(packet, handle->priority);
    return E_NONE;
}

int driver_send(struct handle *handle, const uint8_t *packets, uint32_t length, const struct address *addresses, uint32_t count, uint32_t *sent)
{
    *sent = 0;
    if ((handle->flags & FLAG_RECV_ONLY) || (handle->shut_down & SHUTDOWN_SEND))
        return E_BAD_COMMAND;
    if (count == 0 || (count > MAX_BATCH && !switch_value("no-batch-limit")))
        return E_INVALID_PARAMETER;
    int soft = E_NONE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t one = packet_length(packets, length);
        if (one == 0)
            return E_INVALID_PARAMETER;
        int result = inject(handle, packets, one, &addresses[i]);
        if (result == E_NONE)
            *sent += one;
        else
            soft = result;
        // [S] soft: the rest still go, and the last status comes back.
        if (soft != E_NONE && switch_value("no-soft-failure"))
            return soft;
        packets += one;
        length -= one;
    }
    return soft;
}

void driver_close(struct handle *handle)
{
    struct handle **at = &handles;
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
    // [S] what is still queued goes back into the host's stack, lower priorities seeing it; [I] "close-passes": straight into it.
    bool is_returned = !(handle->flags & FLAG_SNIFF) && !switch_value("no-close-reinjection");
    while (handle->first) {
        struct packet *packet = unqueue(handle);
        if (!is_returned)
            host.lose(packet);
        else if (switch_value("close-passes"))
            host.pass(packet);
        else
            driver_divert(packet, handle->priority);
    }
    host.closed(handle->token);
    filter_free(handle->filter);
    free(handle);
}
