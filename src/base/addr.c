#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

socklen_t
rf_addr_len(const struct rf_addr *a)
{
    switch (a->sa.sa_family) {
    case AF_INET:
        return sizeof a->v4;
    case AF_INET6:
        return sizeof a->v6;
    default:
        return 0;
    }
}

uint16_t
rf_addr_port(const struct rf_addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void
rf_addr_set_port(struct rf_addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}

enum rf_err
rf_addr_parse(struct rf_span host, uint16_t port, struct rf_addr *out)
{
    char text[INET6_ADDRSTRLEN];
    struct rf_addr a = { 0 };

    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = rf_span_sub(host, 1, host.n - 2);
    if (rf_span_copy(host, text, sizeof text) != RF_OK)
        return RF_ERR_SYNTAX;
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
    } else {
        return RF_ERR_SYNTAX;
    }
    rf_addr_set_port(&a, port);
    *out = a;
    return RF_OK;
}

enum rf_err
rf_addr_parse_port(struct rf_span text, struct rf_addr *out)
{
    size_t colon = text.n;
    uint64_t port;

    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0 || rf_span_u64(rf_span_sub(text, colon, text.n), 65535, &port) != RF_OK)
        return RF_ERR_SYNTAX;
    text.n = colon - 1;
    /* An IPv6 address needs its brackets here: without them its last group would pass for a port. */
    if (rf_span_find(text, ':') < text.n && text.p[0] != '[')
        return RF_ERR_SYNTAX;
    return rf_addr_parse(text, (uint16_t)port, out);
}

struct rf_addr
rf_addr_from(const struct sockaddr *sa)
{
    struct rf_addr a = { 0 };

    if (sa->sa_family == AF_INET) {
        memcpy(&a.v4, sa, sizeof a.v4);
        memset(a.v4.sin_zero, 0, sizeof a.v4.sin_zero);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&a.v6, sa, sizeof a.v6);
        if (IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr)) {
            struct rf_addr v4 = { .v4 = { .sin_family = AF_INET, .sin_port = a.v6.sin6_port } };

            memcpy(&v4.v4.sin_addr, &a.v6.sin6_addr.s6_addr[12], 4);
            return v4;
        }
    }
    return a;
}

bool
rf_addr_same_host(const struct rf_addr *a, const struct rf_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    if (a->sa.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0 &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id;
    return true;
}

bool
rf_addr_eq(const struct rf_addr *a, const struct rf_addr *b)
{
    return rf_addr_same_host(a, b) && rf_addr_port(a) == rf_addr_port(b);
}

bool
rf_addr_is_loopback(const struct rf_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

bool
rf_addr_is_any(const struct rf_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == 0;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

bool
rf_addr_is_private(const struct rf_addr *a)
{
    if (rf_addr_is_loopback(a))
        return true;
    if (a->sa.sa_family == AF_INET) {
        uint32_t ip = ntohl(a->v4.sin_addr.s_addr);

        return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 22 == 0x191 /* 100.64/10 */ ||
               ip >> 16 == 0xa9fe;
    }
    if (a->sa.sa_family == AF_INET6)
        return (a->v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr);
    return false;
}

bool
rf_addr_is_within(const struct rf_addr *a, const struct rf_addr *network, unsigned bits)
{
    const uint8_t *x, *y;
    unsigned whole = bits / 8, rest = bits % 8;

    if (a->sa.sa_family != network->sa.sa_family)
        return false;
    x = a->sa.sa_family == AF_INET6 ? (const uint8_t *)&a->v6.sin6_addr : (const uint8_t *)&a->v4.sin_addr;
    y = a->sa.sa_family == AF_INET6 ? (const uint8_t *)&network->v6.sin6_addr : (const uint8_t *)&network->v4.sin_addr;
    return memcmp(x, y, whole) == 0 && (rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0);
}

void
rf_put_host(struct rf_buf *b, const struct rf_addr *a, bool brackets)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (a->sa.sa_family == AF_INET)
        inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof text);
    else if (a->sa.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof text);
    brackets = brackets && a->sa.sa_family == AF_INET6;
    if (brackets)
        rf_put_char(b, '[');
    rf_put_str(b, text);
    if (brackets)
        rf_put_char(b, ']');
}

void
rf_put_addr(struct rf_buf *b, const struct rf_addr *a)
{
    rf_put_host(b, a, true);
    rf_put_char(b, ':');
    rf_put_u64(b, rf_addr_port(a));
}

const char *
rf_addr_text(const struct rf_addr *a, char text[static RF_ADDR_TEXT_MAX])
{
    struct rf_buf b = rf_buf(text, RF_ADDR_TEXT_MAX - 1);

    rf_put_addr(&b, a);
    text[b.n] = '\0';
    return text;
}
