// The packets of a network namespace's own stack, by NFQUEUE: what passes is let go by verdict where it was queued, and anything
// else outbound or forwarded goes by a raw socket, so that the host routes it.
#define _GNU_SOURCE
#include "nfqueue.h"

#include "divert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE_IN = 0, QUEUE_OUT = 1, QUEUES = 2, BUCKETS = 1 << 16, ROOM = 1 << 17, PENDING_MILLISECONDS = 2000 };

// Packets of our own that no rule may queue again.
static const uint32_t MARK = 0x44495654;

struct pending {
    struct pending *next;
    int64_t timestamp, since;
    uint32_t id, length;
    uint64_t hash, taken_by;
    uint16_t queue;
};

static int netlink = -1, raw_four = -1, raw_six = -1, control = -1;
static struct pending *pending[BUCKETS];
static uint32_t loopback_index;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t hash_of(const uint8_t *data, uint32_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ data[i]) * 0x100000001b3u;
    return hash;
}

static struct pending **bucket(int64_t timestamp) { return &pending[((uint64_t)timestamp * 0x9e3779b97f4a7c15u) >> 48]; }

static struct pending *take_pending(int64_t timestamp)
{
    for (struct pending **at = bucket(timestamp); *at; at = &(*at)->next) {
        if ((*at)->timestamp == timestamp) {
            struct pending *found = *at;
            *at = found->next;
            return found;
        }
    }
    return NULL;
}

static void send_netlink(const void *message, size_t length)
{
    if (send(netlink, message, length, 0) < 0)
        die("imitation: netlink");
}

static void add(struct nlmsghdr *header, uint16_t type, const void *data, size_t length)
{
    struct nlattr *attribute = (struct nlattr *)(void *)((char *)header + NLMSG_ALIGN(header->nlmsg_len));
    attribute->nla_type = type;
    attribute->nla_len = (uint16_t)(NLA_HDRLEN + length);
    memcpy((char *)attribute + NLA_HDRLEN, data, length);
    header->nlmsg_len = (uint32_t)(NLMSG_ALIGN(header->nlmsg_len) + NLA_ALIGN(attribute->nla_len));
}

static struct nlmsghdr *begin(uint8_t *room, uint16_t type, uint16_t queue)
{
    memset(room, 0, 64);
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)room;
    header->nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
    header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
    header->nlmsg_flags = NLM_F_REQUEST;
    struct nfgenmsg *family = NLMSG_DATA(header);
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
    family->res_id = htons(queue);
    return header;
}

static void verdict(const struct pending *of, uint32_t what, const struct packet *changed)
{
    static uint8_t room[ROOM];
    struct nlmsghdr *header = begin(room, NFQNL_MSG_VERDICT, of->queue);
    struct nfqnl_msg_verdict_hdr decided = { .verdict = htonl(what), .id = htonl(of->id) };
    add(header, NFQA_VERDICT_HDR, &decided, sizeof decided);
    if (changed)
        add(header, NFQA_PAYLOAD, changed->data, changed->length);
    send_netlink(header, header->nlmsg_len);
}

static void send_raw(const struct packet *packet)
{
    // [S] outbound injection names no interface, forward injection none that counts: the host routes.
    bool is_inbound = packet->address.layer == LAYER_NETWORK && !(packet->address.bits & BIT_OUTBOUND);
    if (is_inbound) {
        fprintf(stderr, "imitation: an inbound packet that was not diverted cannot be injected here\n");
        return;
    }
    if (packet->data[0] >> 4 == 6) {
        struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
        memcpy(&to.sin6_addr, packet->data + 24, 16);
        sendto(raw_six, packet->data, packet->length, 0, (struct sockaddr *)&to, sizeof to);
    } else {
        struct sockaddr_in to = { .sin_family = AF_INET };
        memcpy(&to.sin_addr, packet->data + 16, 4);
        sendto(raw_four, packet->data, packet->length, 0, (struct sockaddr *)&to, sizeof to);
    }
}

static void pass(struct packet *packet)
{
    struct pending *found = take_pending(packet->address.timestamp);
    if (!found) {
        send_raw(packet);
    } else {
        bool is_changed = found->length != packet->length || found->hash != hash_of(packet->data, packet->length);
        verdict(found, NF_ACCEPT, is_changed ? packet : NULL);
        free(found);
    }
    free(packet);
}

static void lose(struct packet *packet)
{
    struct pending *found = take_pending(packet->address.timestamp);
    if (found) {
        verdict(found, NF_DROP, NULL);
        free(found);
    }
    free(packet);
}

static uint32_t mtu(uint32_t interface_index)
{
    struct ifreq request = { 0 };
    if (!if_indextoname(interface_index, request.ifr_name) || ioctl(control, SIOCGIFMTU, &request) != 0)
        return 65535;
    return (uint32_t)request.ifr_mtu;
}

static bool is_local(const uint8_t *packet)
{
    bool is_six = packet[0] >> 4 == 6;
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    struct sockaddr_in four = { .sin_family = AF_INET };
    memcpy(&six.sin6_addr, packet + 24, 16);
    memcpy(&four.sin_addr, packet + 16, 4);
    int probe = socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = is_six ? bind(probe, (struct sockaddr *)&six, sizeof six) == 0 : bind(probe, (struct sockaddr *)&four, sizeof four) == 0;
    close(probe);
    return found;
}

static uint32_t get32(const struct nlattr *attribute)
{
    uint32_t value;
    memcpy(&value, (const char *)attribute + NLA_HDRLEN, sizeof value);
    return ntohl(value);
}

// [D] checksums of packets whose device will complete them are arbitrary, and the bits say so.
static void spoil_checksum(struct packet *packet)
{
    uint8_t protocol;
    uint32_t offset;
    bool is_fragment;
    if (!packet_transport(packet->data, packet->length, &protocol, &offset, &is_fragment) || is_fragment)
        return;
    uint32_t field = protocol == 6 ? offset + 16 : protocol == 17 ? offset + 6 : packet->length;
    if (field + 2 > packet->length)
        return;
    packet->data[field] ^= 0x5a;
    packet->address.bits &= (uint8_t)~(protocol == 6 ? BIT_TCP_CHECKSUM : BIT_UDP_CHECKSUM);
}

static void take_message(const struct nlmsghdr *header)
{
    const struct nlattr *attributes[NFQA_MAX + 1] = { 0 };
    const char *at = (const char *)NLMSG_DATA(header) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    const char *stop = (const char *)header + header->nlmsg_len;
    while (at + NLA_HDRLEN <= stop) {
        const struct nlattr *one = (const struct nlattr *)(const void *)at;
        if ((one->nla_type & NLA_TYPE_MASK) <= NFQA_MAX)
            attributes[one->nla_type & NLA_TYPE_MASK] = one;
        at += NLA_ALIGN(one->nla_len);
    }
    if (!attributes[NFQA_PACKET_HDR] || !attributes[NFQA_PAYLOAD])
        return;
    const struct nfqnl_msg_packet_hdr *hook = (const void *)((const char *)attributes[NFQA_PACKET_HDR] + NLA_HDRLEN);
    if (attributes[NFQA_CAP_LEN]) {
        // NFQUEUE copies no more than 65531 bytes; loopback's MTU must be less.
        fprintf(stderr, "imitation: a packet of %u bytes passes unseen\n", get32(attributes[NFQA_CAP_LEN]));
        struct pending unseen = { .id = ntohl(hook->packet_id), .queue = hook->hook == NF_INET_LOCAL_IN ? QUEUE_IN : QUEUE_OUT };
        verdict(&unseen, NF_ACCEPT, NULL);
        return;
    }
    uint32_t length = attributes[NFQA_PAYLOAD]->nla_len - (uint32_t)NLA_HDRLEN;
    struct packet *packet = calloc(1, sizeof *packet + length);
    packet->length = length;
    memcpy(packet->data, (const char *)attributes[NFQA_PAYLOAD] + NLA_HDRLEN, length);
    struct address *address = &packet->address;
    address->timestamp = clock_stamp();
    address->layer = hook->hook == NF_INET_FORWARD ? LAYER_FORWARD : LAYER_NETWORK;
    address->bits = BIT_IP_CHECKSUM | BIT_TCP_CHECKSUM | BIT_UDP_CHECKSUM | (ntohs(hook->hw_protocol) == 0x86dd ? BIT_SIX : 0);
    if (hook->hook == NF_INET_LOCAL_OUT)
        address->bits |= BIT_OUTBOUND;
    // [S] FORWARD's interface is the one the packet leaves by.
    const struct nlattr *device = attributes[hook->hook == NF_INET_LOCAL_IN ? NFQA_IFINDEX_INDEV : NFQA_IFINDEX_OUTDEV];
    address->interface_index = device ? get32(device) : 0;
    if (address->interface_index == loopback_index && hook->hook == NF_INET_LOCAL_OUT) {
        address->bits |= BIT_LOOPBACK;
        // [I] which index loopback packets carry.
        if (switch_value("loopback-index"))
            address->interface_index = (uint32_t)switch_value("loopback-index");
    }
    struct pending *waiting = calloc(1, sizeof *waiting);
    waiting->timestamp = address->timestamp;
    waiting->since = clock_milliseconds();
    waiting->id = ntohl(hook->packet_id);
    waiting->queue = hook->hook == NF_INET_LOCAL_IN ? QUEUE_IN : QUEUE_OUT;
    waiting->length = length;
    waiting->hash = hash_of(packet->data, length);
    const struct nlattr *info = attributes[NFQA_SKB_INFO];
    if (info && (get32(info) & NFQA_SKB_CSUMNOTREADY))
        address->bits &= (uint8_t)~(BIT_TCP_CHECKSUM | BIT_UDP_CHECKSUM);
    if (switch_value("offload") && (address->bits & BIT_OUTBOUND))
        spoil_checksum(packet);
    if (switch_value("impostor"))
        address->bits |= BIT_IMPOSTOR;
    struct pending **in = bucket(waiting->timestamp);
    waiting->next = *in;
    *in = waiting;
    driver_divert(packet, INT32_MAX);
}

static void ready(void)
{
    static uint8_t room[ROOM];
    for (int i = 0; i < 128; i++) {
        ssize_t got = recv(netlink, room, sizeof room, MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS)
            continue;
        if (got <= 0)
            return;
        for (size_t at = 0; at + sizeof(struct nlmsghdr) <= (size_t)got;) {
            const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)(room + at);
            if (header->nlmsg_len < sizeof *header || header->nlmsg_len > (size_t)got - at)
                break;
            if (header->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
                take_message(header);
            at += NLMSG_ALIGN(header->nlmsg_len);
        }
    }
}

// Lets go, as dropped, of those that are old, or that a reader took with it. The kernel must not keep them: as long as it does, TCP
// does not send them again.
static void drop_pending(int64_t oldest, uint64_t taken_by)
{
    for (int i = 0; i < BUCKETS; i++) {
        for (struct pending **at = &pending[i]; *at;) {
            struct pending *one = *at;
            if (one->since >= oldest && (taken_by == 0 || one->taken_by != taken_by)) {
                at = &one->next;
                continue;
            }
            *at = one->next;
            verdict(one, NF_DROP, NULL);
            free(one);
        }
    }
}

static void tick(void) { drop_pending(clock_milliseconds() - PENDING_MILLISECONDS, 0); }

static void closed(uint64_t token) { drop_pending(INT64_MIN, token); }

static void taken(const struct packet *packet, uint64_t token)
{
    for (struct pending *one = *bucket(packet->address.timestamp); one; one = one->next) {
        if (one->timestamp == packet->address.timestamp)
            one->taken_by = token;
    }
}

static void configure(uint16_t queue)
{
    uint8_t room[256];
    struct nlmsghdr *header = begin(room, NFQNL_MSG_CONFIG, queue);
    struct nfqnl_msg_config_cmd bind_it = { .command = NFQNL_CFG_CMD_BIND };
    add(header, NFQA_CFG_CMD, &bind_it, sizeof bind_it);
    struct nfqnl_msg_config_params whole = { .copy_range = htonl(0xffff), .copy_mode = NFQNL_COPY_PACKET };
    add(header, NFQA_CFG_PARAMS, &whole, sizeof whole);
    uint32_t most = htonl(65535);
    add(header, NFQA_CFG_QUEUE_MAXLEN, &most, sizeof most);
    // "rsc": inbound packets as the adapter coalesced them.
    uint32_t mask = htonl(NFQA_CFG_F_GSO), flags = htonl(queue == QUEUE_IN && switch_value("rsc") ? NFQA_CFG_F_GSO : 0);
    add(header, NFQA_CFG_FLAGS, &flags, sizeof flags);
    add(header, NFQA_CFG_MASK, &mask, sizeof mask);
    header->nlmsg_flags |= NLM_F_ACK;
    send_netlink(header, header->nlmsg_len);
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer;
    if (recv(netlink, &answer, sizeof answer, 0) < 0 || answer.header.nlmsg_type != NLMSG_ERROR || answer.error.error != 0) {
        errno = -answer.error.error;
        die("imitation: NFQUEUE");
    }
}

static void rules(const char *tables)
{
    char text[1024];
    // [S] inbound loopback is never captured. Without a broker packets pass, as without a driver.
    snprintf(text, sizeof text,
        "%s -w -t mangle -A INPUT ! -i lo -j NFQUEUE --queue-num 0 --queue-bypass && "
        "%s -w -t mangle -A OUTPUT -m mark --mark 0x%x -j RETURN && "
        "%s -w -t mangle -A OUTPUT -j NFQUEUE --queue-num 1 --queue-bypass && "
        "%s -w -t mangle -A FORWARD -j NFQUEUE --queue-num 1 --queue-bypass",
        tables, tables, MARK, tables, tables);
    if (system(text) != 0) {
        fprintf(stderr, "imitation: %s failed\n", tables);
        exit(1);
    }
}

const struct source *nfqueue_open(void)
{
    static struct source source;
    netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    raw_four = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    raw_six = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (netlink < 0 || raw_four < 0 || raw_six < 0 || control < 0)
        die("imitation: socket");
    int on = 1, room = 64 << 20;
    setsockopt(netlink, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(netlink, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    if (setsockopt(raw_four, SOL_SOCKET, SO_MARK, &MARK, sizeof MARK) != 0 || setsockopt(raw_six, SOL_SOCKET, SO_MARK, &MARK, sizeof MARK) != 0)
        die("imitation: SO_MARK");
    loopback_index = if_nametoindex("lo");
    for (uint16_t queue = 0; queue < QUEUES; queue++)
        configure(queue);
    // Debian's plain "iptables" speaks nf_tables, whose queue not every kernel has.
    bool has_legacy = system("command -v iptables-legacy >/dev/null") == 0;
    rules(has_legacy ? "iptables-legacy" : "iptables");
    rules(has_legacy ? "ip6tables-legacy" : "ip6tables");
    host = (struct host){ .pass = pass, .lose = lose, .taken = taken, .closed = closed, .mtu = mtu, .is_local = is_local };
    source = (struct source){ netlink, ready, tick };
    return &source;
}
