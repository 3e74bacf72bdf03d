// WinDivert 2.2 documentation, section 7. Fields and operators beyond those listed here are refused as unknown.
#include "divert.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum field { F_TRUE, F_FALSE, F_INBOUND, F_OUTBOUND, F_LOOPBACK, F_IMPOSTOR, F_FRAGMENT, F_IF, F_SUB_IF, F_IP, F_IPV6, F_ICMP, F_ICMPV6, F_TCP, F_UDP,
    F_IP_SRC, F_IP_DST, F_IP_PROTOCOL, F_IP_TTL, F_IPV6_SRC, F_IPV6_DST, F_IPV6_NEXT, F_IPV6_HOPS, F_TCP_SRC, F_TCP_DST, F_UDP_SRC, F_UDP_DST };

static const struct {
    const char *name;
    enum field field;
    bool not_at_forward;
} FIELDS[] = {
    { "true", F_TRUE, false }, { "false", F_FALSE, false }, { "inbound", F_INBOUND, true }, { "outbound", F_OUTBOUND, true },
    { "loopback", F_LOOPBACK, true }, { "impostor", F_IMPOSTOR, false }, { "fragment", F_FRAGMENT, false }, { "ifIdx", F_IF, false },
    { "subIfIdx", F_SUB_IF, false }, { "ip", F_IP, false }, { "ipv6", F_IPV6, false }, { "icmp", F_ICMP, false }, { "icmpv6", F_ICMPV6, false },
    { "tcp", F_TCP, false }, { "udp", F_UDP, false }, { "ip.SrcAddr", F_IP_SRC, false }, { "ip.DstAddr", F_IP_DST, false },
    { "ip.Protocol", F_IP_PROTOCOL, false }, { "ip.TTL", F_IP_TTL, false }, { "ipv6.SrcAddr", F_IPV6_SRC, false }, { "ipv6.DstAddr", F_IPV6_DST, false },
    { "ipv6.NextHdr", F_IPV6_NEXT, false }, { "ipv6.HopLimit", F_IPV6_HOPS, false }, { "tcp.SrcPort", F_TCP_SRC, false },
    { "tcp.DstPort", F_TCP_DST, false }, { "udp.SrcPort", F_UDP_SRC, false }, { "udp.DstPort", F_UDP_DST, false },
};

enum kind { K_TEST, K_AND, K_OR, K_NOT };
enum comparison { C_EQ, C_NE, C_LT, C_GT, C_LE, C_GE };

struct node {
    enum kind kind;
    enum field field;
    enum comparison comparison;
    uint8_t value[16]; // big-endian
    struct node *left, *right;
};

struct filter {
    struct node *root;
    int tests;
};

struct parser {
    const char *text, *at;
    int layer, tests, depth;
    const char *why;
};

static struct node *fail(struct parser *parser, const char *why)
{
    if (!parser->why)
        parser->why = why;
    return NULL;
}

static void node_free(struct node *node)
{
    // Chains of "or" lean to the left.
    while (node) {
        struct node *left = node->left;
        node_free(node->right);
        free(node);
        node = left;
    }
}

static struct node *node_new(enum kind kind, struct node *left, struct node *right)
{
    struct node *node = calloc(1, sizeof *node);
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static void skip(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '.' || c == '_'; }

static bool take(struct parser *parser, const char *word)
{
    skip(parser);
    size_t length = strlen(word);
    if (strncmp(parser->at, word, length) != 0 || (is_word(word[0]) && is_word(parser->at[length])))
        return false;
    parser->at += length;
    return true;
}

static bool parse_four(const char *text, size_t length, uint8_t out[4])
{
    unsigned part = 0, digits = 0, index = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && isdigit((unsigned char)text[i])) {
            part = part * 10 + (unsigned)(text[i] - '0');
            if (++digits > 3 || part > 255)
                return false;
        } else if ((i == length || text[i] == '.') && digits && index < 4) {
            out[index++] = (uint8_t)part;
            part = digits = 0;
        } else {
            return false;
        }
    }
    return index == 4;
}

// RFC 4291 section 2.2: groups, one ::, an IPv4 tail.
static bool parse_six(const char *text, size_t length, uint8_t out[16])
{
    uint8_t head[16], tail[16];
    size_t heads = 0, tails = 0, i = 0;
    bool gap = false;
    if (length >= 2 && text[0] == ':' && text[1] == ':') {
        gap = true;
        i = 2;
    }
    while (i < length) {
        size_t start = i;
        unsigned group = 0;
        while (i < length && isxdigit((unsigned char)text[i])) {
            char c = (char)tolower((unsigned char)text[i++]);
            group = group * 16 + (unsigned)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
        }
        uint8_t *into = gap ? tail : head;
        size_t *count = gap ? &tails : &heads;
        if (i < length && text[i] == '.') {
            if (heads + tails > 12 || !parse_four(text + start, length - start, into + *count))
                return false;
            *count += 4;
            i = length;
            break;
        }
        if (i == start || i - start > 4 || heads + tails > 14)
            return false;
        into[(*count)++] = (uint8_t)(group >> 8);
        into[(*count)++] = (uint8_t)group;
        if (i == length)
            break;
        if (text[i++] != ':' || i == length)
            return false;
        if (text[i] == ':') {
            if (gap)
                return false;
            gap = true;
            i++;
        }
    }
    if (gap ? heads + tails > 14 : heads + tails != 16)
        return false;
    memset(out, 0, 16);
    memcpy(out, head, heads);
    memcpy(out + 16 - tails, tail, tails);
    return true;
}

static bool parse_value(struct parser *parser, enum field field, uint8_t value[16])
{
    skip(parser);
    const char *start = parser->at;
    while (is_word(*parser->at) || *parser->at == ':')
        parser->at++;
    size_t length = (size_t)(parser->at - start);
    memset(value, 0, 16);
    if (field == F_IP_SRC || field == F_IP_DST)
        return parse_four(start, length, value + 12);
    if (field == F_IPV6_SRC || field == F_IPV6_DST)
        return parse_six(start, length, value);
    if (length == 0 || length > 10)
        return false;
    char *end;
    unsigned long number = strtoul(start, &end, 0);
    for (int i = 0; i < 4; i++)
        value[15 - i] = (uint8_t)(number >> (8 * i));
    return end == parser->at && number <= UINT32_MAX;
}

static struct node *parse_test(struct parser *parser)
{
    skip(parser);
    const char *start = parser->at;
    while (is_word(*parser->at))
        parser->at++;
    size_t length = (size_t)(parser->at - start);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        if (strlen(FIELDS[i].name) != length || strncmp(FIELDS[i].name, start, length) != 0)
            continue;
        // [D] section 7: fields by layer.
        if (parser->layer == LAYER_FORWARD && FIELDS[i].not_at_forward) {
            parser->at = start;
            return fail(parser, "Filter field is not supported at this layer");
        }
        struct node *node = node_new(K_TEST, NULL, NULL);
        node->field = FIELDS[i].field;
        node->comparison = C_NE;
        static const struct { const char *text; enum comparison comparison; } OPERATORS[] = {
            { "==", C_EQ }, { "!=", C_NE }, { "<=", C_LE }, { ">=", C_GE }, { "<", C_LT }, { ">", C_GT }, { "=", C_EQ },
        };
        for (size_t o = 0; o < sizeof OPERATORS / sizeof *OPERATORS; o++) {
            if (!take(parser, OPERATORS[o].text))
                continue;
            node->comparison = OPERATORS[o].comparison;
            if (!parse_value(parser, node->field, node->value)) {
                node_free(node);
                return fail(parser, "Filter value is not valid for the field");
            }
            break;
        }
        parser->tests++;
        return node;
    }
    parser->at = start;
    return fail(parser, "Filter has an unknown word");
}

static struct node *parse_or(struct parser *parser);

static struct node *parse_unary(struct parser *parser)
{
    bool negated = false;
    while (take(parser, "not") || (parser->at[0] == '!' && parser->at[1] != '=' && take(parser, "!")))
        negated = !negated;
    struct node *node;
    if (take(parser, "(")) {
        if (++parser->depth > 64)
            return fail(parser, "Filter is nested too deeply");
        // [D] TEST := TEST0 | not TEST0: "not" belongs to a test.
        if (negated)
            return fail(parser, "Filter negates more than a test");
        node = parse_or(parser);
        parser->depth--;
        if (node && !take(parser, ")")) {
            node_free(node);
            return fail(parser, "Filter lacks a closing parenthesis");
        }
    } else {
        node = parse_test(parser);
    }
    return node && negated ? node_new(K_NOT, node, NULL) : node;
}

static struct node *parse_and(struct parser *parser)
{
    struct node *left = parse_unary(parser);
    while (left && (take(parser, "and") || take(parser, "&&"))) {
        struct node *right = parse_unary(parser);
        if (!right) {
            node_free(left);
            return NULL;
        }
        left = node_new(K_AND, left, right);
    }
    return left;
}

static struct node *parse_or(struct parser *parser)
{
    struct node *left = parse_and(parser);
    while (left && (take(parser, "or") || take(parser, "||"))) {
        struct node *right = parse_and(parser);
        if (!right) {
            node_free(left);
            return NULL;
        }
        left = node_new(K_OR, left, right);
    }
    return left;
}

struct filter *filter_parse(const char *text, int layer, const char **why, uint32_t *position)
{
    struct parser parser = { .text = text, .at = text, .layer = layer };
    struct node *root = parse_or(&parser);
    skip(&parser);
    if (root && *parser.at)
        fail(&parser, "Filter goes on after its end");
    // [D] at most 256 tests.
    if (root && parser.tests > MAX_TESTS)
        fail(&parser, "Filter expression too long");
    if (parser.why) {
        node_free(root);
        if (why)
            *why = parser.why;
        if (position)
            *position = (uint32_t)(parser.at - text);
        return NULL;
    }
    struct filter *filter = calloc(1, sizeof *filter);
    filter->root = root;
    filter->tests = parser.tests;
    return filter;
}

int filter_tests(const struct filter *filter) { return filter->tests; }

void filter_free(struct filter *filter)
{
    if (filter) {
        node_free(filter->root);
        free(filter);
    }
}

struct view {
    const uint8_t *packet;
    uint32_t length, offset;
    const struct address *address;
    uint8_t protocol;
    bool is_four, is_six, has_transport, is_fragment;
};

static bool compare(const uint8_t *actual, size_t length, const struct node *node)
{
    uint8_t value[16] = { 0 };
    memcpy(value + 16 - length, actual, length);
    int order = memcmp(value, node->value, 16);
    switch (node->comparison) {
    case C_EQ: return order == 0;
    case C_NE: return order != 0;
    case C_LT: return order < 0;
    case C_GT: return order > 0;
    case C_LE: return order <= 0;
    default: return order >= 0;
    }
}

static bool compare_number(uint32_t number, const struct node *node)
{
    uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number };
    return compare(bytes, 4, node);
}

static bool test_ports(const struct view *view, const struct node *node, uint8_t protocol, uint32_t at)
{
    return view->has_transport && view->protocol == protocol && view->offset + 4 <= view->length && compare(view->packet + view->offset + at, 2, node);
}

// [D] a test of a field that the packet does not have fails, whatever the comparison.
static bool test(const struct view *view, const struct node *node)
{
    uint8_t bits = view->address->bits;
    switch (node->field) {
    case F_TRUE: return compare_number(1, node);
    case F_FALSE: return compare_number(0, node);
    case F_INBOUND: return compare_number(!(bits & BIT_OUTBOUND), node);
    case F_OUTBOUND: return compare_number(!!(bits & BIT_OUTBOUND), node);
    case F_LOOPBACK: return compare_number(!!(bits & BIT_LOOPBACK), node);
    case F_IMPOSTOR: return compare_number(!!(bits & BIT_IMPOSTOR), node);
    case F_FRAGMENT: return compare_number(view->is_fragment, node);
    case F_IF: return compare_number(view->address->interface_index, node);
    case F_SUB_IF: return compare_number(view->address->sub_interface_index, node);
    case F_IP: return compare_number(view->is_four, node);
    case F_IPV6: return compare_number(view->is_six, node);
    case F_ICMP: return compare_number(view->is_four && view->protocol == 1, node);
    case F_ICMPV6: return compare_number(view->is_six && view->protocol == 58, node);
    case F_TCP: return compare_number(view->has_transport && view->protocol == 6, node);
    case F_UDP: return compare_number(view->has_transport && view->protocol == 17, node);
    case F_IP_SRC: return view->is_four && compare(view->packet + 12, 4, node);
    case F_IP_DST: return view->is_four && compare(view->packet + 16, 4, node);
    case F_IP_PROTOCOL: return view->is_four && compare_number(view->packet[9], node);
    case F_IP_TTL: return view->is_four && compare_number(view->packet[8], node);
    case F_IPV6_SRC: return view->is_six && compare(view->packet + 8, 16, node);
    case F_IPV6_DST: return view->is_six && compare(view->packet + 24, 16, node);
    case F_IPV6_NEXT: return view->is_six && compare_number(view->packet[6], node);
    case F_IPV6_HOPS: return view->is_six && compare_number(view->packet[7], node);
    case F_TCP_SRC: return test_ports(view, node, 6, 0);
    case F_TCP_DST: return test_ports(view, node, 6, 2);
    case F_UDP_SRC: return test_ports(view, node, 17, 0);
    case F_UDP_DST: return test_ports(view, node, 17, 2);
    }
    return false;
}

static bool matches(const struct view *view, const struct node *node)
{
    switch (node->kind) {
    case K_TEST: return test(view, node);
    case K_NOT: return !matches(view, node->left);
    case K_AND: return matches(view, node->left) && matches(view, node->right);
    default: break;
    }
    // A long chain of "or" leans to the left: no recursion down it.
    for (; node->kind == K_OR; node = node->left) {
        if (matches(view, node->right))
            return true;
    }
    return matches(view, node);
}

bool filter_matches(const struct filter *filter, const uint8_t *packet, uint32_t length, const struct address *address)
{
    struct view view = { .packet = packet, .length = length, .address = address };
    // [S] EvalFilter goes by the address's IPv6 bit.
    view.is_six = (address->bits & BIT_SIX) != 0 && length >= 40;
    view.is_four = !(address->bits & BIT_SIX) && length >= 20;
    view.has_transport = packet_transport(packet, length, &view.protocol, &view.offset, &view.is_fragment) && !view.is_fragment;
    return matches(&view, filter->root);
}
