/*
 * probe/hello.h - ClientHellos of our own making, and what a server answers to them before anything is encrypted
 *
 * A library offers what it can speak; a probe must offer what it wants to know about. So hellos are written here
 * octet by octet: SSL 2 to TLS 1.3, with any suite. Nobody finishes these handshakes: the ServerHello and what
 * follows it in clear (TLS 1.2 and below: certificates, parameters, the request for a client's certificate) is
 * the answer.
 *
 * Everything that is read is hostile: the flight is bounded in octets, records and certificates.
 *
 * Threads: plain data. Pure: octets in, facts out. Memory: a flight has RF_PROBE_FLIGHT_MAX octets; it lives on
 * the heap.
 */
#ifndef RF_PROBE_HELLO_H
#define RF_PROBE_HELLO_H

#include "base/buf.h"
#include "base/rand.h"

#define RF_PROBE_HELLO_MAX 2048 /* octets of a hello: 128 suites, 40 groups, a name of 255 */
#define RF_PROBE_FLIGHT_MAX                                                                                  \
    131072                        /* octets of a server's handshake messages; OpenSSL's own limit is 102400 */
#define RF_PROBE_RECORDS_MAX 4096 /* records of one flight: endless empty ones end here */
#define RF_PROBE_CHAIN_MAX 10     /* certificates looked at (as cert/check.h); more are counted */
#define RF_PROBE_OFFER_MAX                                                                                   \
    128 /* suites in one hello: more than any client sends, fewer than servers choke on */

/* What a hello says. Lists are borrowed. */
struct rf_probe_hello {
    int version; /* SSL3_VERSION .. TLS1_2_VERSION: the highest; TLS1_3_VERSION: that one alone, unless
                              * `versions` says more */
    const uint16_t *versions; /* supported_versions (RFC 8446 4.2.1) in place of the single one */
    const uint16_t *suite, *group, *sigalg;
    size_t version_count, suite_count, group_count,
        sigalg_count;           /* group, sigalg: 0 leaves the extension out */
    struct rf_span server_name; /* SNI; empty: none */
    bool offers_deflate;        /* compression (RFC 3749) */
    bool is_fallback;           /* TLS_FALLBACK_SCSV (RFC 7507) */
    bool has_share; /* TLS 1.3: a key share of X25519; without one a server says which group it wants */
};

/** A record with the ClientHello. RF_ERR_NOMEM: it does not fit. */
RF_MUST_CHECK enum rf_err rf_probe_hello_put(struct rf_buf *b, const struct rf_probe_hello *h,
                                             const struct rf_rand *rand);
/** A CLIENT-HELLO of SSL 2 with all of its kinds of cipher. */
RF_MUST_CHECK enum rf_err rf_probe_hello_put_ssl2(struct rf_buf *b, const struct rf_rand *rand);

enum rf_probe_flight_state {
    RF_FLIGHT_MORE,    /* not whole yet */
    RF_FLIGHT_DONE,    /* TLS 1.3: the ServerHello is there; below: ServerHelloDone came */
    RF_FLIGHT_ALERT,   /* it refused */
    RF_FLIGHT_NOT_TLS, /* what came is something else: see `said` */
    RF_FLIGHT_BROKEN,  /* a message that cannot be read */
    RF_FLIGHT_TOO_LONG /* above one of the limits */
};

struct rf_probe_flight {
    enum rf_probe_flight_state state;
    int16_t alert, warning;   /* fatal alert, last warning; -1 none */
    bool has_hello, is_retry; /* ServerHello; it is a HelloRetryRequest */
    int version;
    uint16_t suite, group; /* group: of the key share, the retry or the named curve; 0 none */
    uint8_t compression;
    bool has_renegotiation_info, has_extended_master_secret, has_encrypt_then_mac, has_ticket, has_heartbeat;
    bool has_session_id, acknowledges_name;
    bool has_explicit_curve; /* parameters of its own instead of a named curve (RFC 8422 5.4: forbidden) */
    uint16_t dh_bits;
    struct rf_span dh_p, dh_g;
    uint16_t chain_count;                    /* as sent; at most RF_PROBE_CHAIN_MAX of them are in cert */
    struct rf_span cert[RF_PROBE_CHAIN_MAX]; /* DER, leaf first */
    struct rf_span staple;                   /* OCSPResponse */
    bool asks_certificate;
    struct rf_span ca_names; /* DistinguishedName list of the request: each two octets of length and a name */
    char said[80];           /* NOT_TLS: the beginning of what came, printable */

    /* how far it is read */
    uint32_t record_count, warning_count;
    uint8_t header[5];
    uint8_t header_n;
    uint32_t body_left;
    uint32_t octets_n, parsed_n;
    uint8_t alert_octets[2], alert_n;
    uint8_t octets[RF_PROBE_FLIGHT_MAX]; /* handshake messages, without record headers; spans point into it */
};

void rf_probe_flight_init(struct rf_probe_flight *f);
/** Take octets of the connection. Those after the end of the flight are not looked at. */
enum rf_probe_flight_state rf_probe_flight_feed(struct rf_probe_flight *f, struct rf_span octets);

/** Name i of the request's list, DER; RF_ERR_NOT_FOUND past the last or where it is broken. */
RF_MUST_CHECK enum rf_err rf_probe_flight_ca_name(const struct rf_probe_flight *f, size_t i,
                                                  struct rf_span *out);

/** What an SSL 2 server answers. */
struct rf_probe_ssl2 {
    bool is_hello;
    uint16_t cipher_count; /* kinds that it would take */
    struct rf_span cert;   /* DER */
};

/** RF_ERR_AGAIN: not whole yet; RF_ERR_SYNTAX: it is no SERVER-HELLO of SSL 2. */
RF_MUST_CHECK enum rf_err rf_probe_ssl2_read(struct rf_span octets, struct rf_probe_ssl2 *out);

#endif
