/*
 * probe/facts.h - what is known of a peer: filled by the plan and the conversations, read by the report
 *
 * Plain data, of bounded size whatever the peer does.
 */
#ifndef RF_PROBE_FACTS_H
#define RF_PROBE_FACTS_H

#include "probe/hello.h"
#include "tls/conn.h"

#define RF_PROBE_SUITES_MAX                                                                                  \
    72 /* kept of one version; OpenSSL 3.0 with all it has: 62 of TLS 1.2 with an RSA key */
#define RF_PROBE_GROUPS_MAX 24
#define RF_PROBE_CA_NAMES 8 /* kept of a certificate request; more are counted */
#define RF_PROBE_CHAINS_MAX 4

enum rf_probe_answered { RF_PROBE_UNKNOWN, RF_PROBE_YES, RF_PROBE_NO };

/* Versions that are asked for, oldest first. */
enum rf_probe_version {
    RF_PROBE_SSL3,
    RF_PROBE_TLS10,
    RF_PROBE_TLS11,
    RF_PROBE_TLS12,
    RF_PROBE_TLS13,
    RF_PROBE_VERSION_COUNT
};

enum rf_probe_order { RF_ORDER_UNKNOWN, RF_ORDER_SERVER, RF_ORDER_CLIENT };

struct rf_probe_version_facts {
    enum rf_probe_answered is_spoken;
    bool is_incomplete; /* connections failed or the time was up before all suites were asked for */
    uint16_t suite_count;
    uint16_t suite[RF_PROBE_SUITES_MAX];
};

/* One certificate as it was sent. */
struct rf_probe_chain {
    uint16_t sent,
        count; /* sent in all; those that are here: they could be read, RF_PROBE_CHAIN_MAX at most */
    X509 *x[RF_PROBE_CHAIN_MAX];
    uint8_t sha256[32]; /* of the leaf */
};

enum rf_probe_close { RF_CLOSE_UNKNOWN, RF_CLOSE_NOTIFY, RF_CLOSE_FIN, RF_CLOSE_RESET, RF_CLOSE_STAYS };

/* The first conversation. */
struct rf_probe_talk_facts {
    uint8_t leaf_sha256[32];
    bool is_asked, is_up; /* the handshake was done */
    bool is_connected;
    char error[160];      /* why not */
    char version[12], suite[48], group[24], signature[32];
    enum rf_probe_answered asks_certificate, needs_certificate;
    enum rf_probe_answered takes_certificate; /* the one that was given to us for it */
    char wanted_keys[64];       /* TLS 1.2 and below: "RSA ECDSA" */
    char wanted_signatures[320]; /* "ECDSA+SHA256 RSASSA-PSS+SHA256", as it lists them */
    uint16_t ca_name_count;
    char ca_name[RF_PROBE_CA_NAMES][128];
    enum rf_probe_answered has_staple;
    char staple[96];    /* "good, 2026-11-01 to 2026-11-08" */
    bool staple_is_bad; /* revoked, unknown or past its end */
    /* OPTIONS or HEAD */
    enum rf_probe_answered answered;
    int status;
    char reason[80], server[96], allow[160], supported[128], warning[128], location[128], hsts[80],
        contact[128];
    char oddities[4][96]; /* what is wrong with the answer */
    unsigned oddity_count;
    char not_answered[96]; /* why there is none */
    enum rf_probe_close close;
    uint32_t connect_us, shake_us, answer_us;
};

struct rf_probe_name_facts {
    bool is_asked, is_up;
    char error[160];
    bool same_certificate;
    char subject[128];
};

struct rf_probe_resume_facts {
    enum rf_probe_answered is_offered, is_resumed;
};

/* Our client at one level. */
struct rf_probe_level_facts {
    bool is_asked, is_up, was_silent;
    char version[12], suite[48], group[24];
    struct rf_tls_failure failure;
};

/* RF-108: is this cause one? NO: it was tried and ruled out. */
struct rf_probe_causes {
    bool is_asked;
    enum rf_tls_level level;
    enum rf_probe_answered cause[RF_TLS_CAUSE_COUNT];
    bool is_explained;
};

struct rf_probe_facts {
    char name[256];                           /* SNI that was asked for; "" none */
    bool name_is_refused;                     /* no handshake with that name: all else is asked without one */
    enum rf_probe_answered speaks_tls;        /* FIRST */
    bool has_hello;                           /* at least one hello was answered by one */
    char said[80];                            /* instead of TLS */
    char first_error[96];                     /* why nothing came */
    unsigned connections, failed_connections; /* made; that could not be made while others could */
    bool is_timed_out;
    enum rf_probe_answered ssl2;
    uint16_t ssl2_ciphers;
    struct rf_probe_version_facts version[RF_PROBE_VERSION_COUNT];
    enum rf_probe_order order12, order13;
    uint16_t group12_count, group13_count;
    uint16_t group12[RF_PROBE_GROUPS_MAX], group13[RF_PROBE_GROUPS_MAX];
    bool has_explicit_curve;
    uint16_t dh_bits;   /* the smallest seen; 0: no DHE */
    uint8_t dh_p[1024]; /* of that one: 8192 bits; more is only counted */
    uint16_t dh_p_n;
    uint16_t dh_g; /* 0: larger than a small number */
    enum rf_probe_answered deflate, fallback_guard, secure_renegotiation, extended_master_secret,
        encrypt_then_mac, heartbeat, renegotiates;
    bool hello_names_unoffered; /* it chose a suite or group that was not offered */
    uint16_t unreadable_sent;   /* certificates of a chain whose first cannot be read; 0: there was none */
    uint16_t chain_count;
    struct rf_probe_chain chain[RF_PROBE_CHAINS_MAX];
    struct rf_probe_talk_facts talk;
    struct rf_probe_name_facts no_name, other_name;
    char alpn[32];
    enum rf_probe_answered alpn_asked;
    struct rf_probe_resume_facts psk13, ticket12, id12;
    struct rf_probe_level_facts level[RF_TLS_LEVEL_COUNT];
    struct rf_probe_causes causes;
};

/** "SSL 3", "TLS 1.2". */
const char *rf_probe_version_name(enum rf_probe_version v);
/** TLS1_2_VERSION. */
int rf_probe_version_number(enum rf_probe_version v);
/** The SNI of questions that are not about it: "" when there is none, or it is refused. */
const char *rf_probe_facts_name(const struct rf_probe_facts *f);
/** Take certificates, leaf first, unless a chain with this leaf is there already. @param sent  how many came in all */
void rf_probe_facts_add_x509(struct rf_probe_facts *f, X509 *const *x, size_t count, size_t sent);
/** The same from DER. */
void rf_probe_facts_add_chain(struct rf_probe_facts *f, const struct rf_span *der, size_t count, size_t sent);
void rf_probe_facts_fini(struct rf_probe_facts *f);

/** The name of a known Diffie-Hellman prime: "RFC 3526 group 14", "RFC 7919 ffdhe2048"; "" it is not known. */
const char *rf_probe_dh_name(const struct rf_probe_facts *f);

#endif
