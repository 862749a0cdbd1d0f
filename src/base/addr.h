/*
 * base/addr.h - transport addresses as values
 *
 * An address is IPv4 or IPv6 with a port. It is plain data: it may be copied, compared, hashed and sent in a
 * message by value. Nothing here opens a socket or resolves a name.
 */
#ifndef RF_BASE_ADDR_H
#define RF_BASE_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"

struct rf_addr {
    union {
        struct sockaddr sa; /* sa_family 0: no address */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535" and its NUL fit in 64 octets. */
#define RF_ADDR_TEXT_MAX 64

/** Length for the socket calls: sizeof the member in use, 0 for no address. */
socklen_t rf_addr_len(const struct rf_addr *a);

uint16_t rf_addr_port(const struct rf_addr *a); /* host order */
void rf_addr_set_port(struct rf_addr *a, uint16_t port);

static inline bool
rf_addr_is_set(const struct rf_addr *a)
{
    return a->sa.sa_family != 0;
}

/**
 * From text: an IPv4 address, or an IPv6 address with or without brackets; names are RF_ERR_SYNTAX.
 * @param port  host order
 */
RF_MUST_CHECK enum rf_err rf_addr_parse(struct rf_span host, uint16_t port, struct rf_addr *out);

/** From "1.2.3.4:5060" or "[::1]:5060". */
RF_MUST_CHECK enum rf_err rf_addr_parse_port(struct rf_span text, struct rf_addr *out);

/** From a socket call. An IPv4-mapped IPv6 address becomes IPv4, so that one peer has one form. */
struct rf_addr rf_addr_from(const struct sockaddr *sa);

/** Same address and port. */
bool rf_addr_eq(const struct rf_addr *a, const struct rf_addr *b);
/** Same address; the port does not count. */
bool rf_addr_same_host(const struct rf_addr *a, const struct rf_addr *b);
bool rf_addr_is_loopback(const struct rf_addr *a);
/** 0.0.0.0 or ::. */
bool rf_addr_is_any(const struct rf_addr *a);
/** RFC 1918, RFC 6598, RFC 4193, link-local and loopback: not reachable from outside. */
bool rf_addr_is_private(const struct rf_addr *a);
/** Is it within the network, whose first `bits` bits count? Never one of the other family. */
bool rf_addr_is_within(const struct rf_addr *a, const struct rf_addr *network, unsigned bits);

/** "192.0.2.1", or "2001:db8::1" in brackets when asked (Via, URIs and SDP differ in this). */
void rf_put_host(struct rf_buf *b, const struct rf_addr *a, bool brackets);
/** "192.0.2.1:5060", "[2001:db8::1]:5060". */
void rf_put_addr(struct rf_buf *b, const struct rf_addr *a);
/** rf_put_addr as a C string in `text`; returns `text`. */
const char *rf_addr_text(const struct rf_addr *a, char text[static RF_ADDR_TEXT_MAX]);

#endif
