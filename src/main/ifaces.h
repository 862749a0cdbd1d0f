/*
 * main/ifaces.h - the interfaces as they are set: level, certificates, whom they trust, ready for contexts
 *
 * Made by signal's first thread for each snapshot of the configuration, read-only from then on; workers make their
 * contexts of it. What cannot work is found here, before anything that works is replaced, and the line is named.
 */
#ifndef RF_MAIN_IFACES_H
#define RF_MAIN_IFACES_H

#include "cert/ocsp_cache.h"
#include "conf/iface.h"
#include "store/store.h"
#include "tls/conn.h"

#define RF_SITE_CERTS_MAX 64 /* certificates of our own, all blocks together */
#define RF_PEER_NAMES_MAX 64 /* sip-trunks.peer-names */

/* A certificate of our own, under the name of its block; two of one name have keys of two types. */
struct rf_site_cert {
    const char *name; /* of the configuration's snapshot, or "local" */
    struct rf_cert *cert;
    bool is_complete; /* its chain ends below a root that this machine knows, or below our own */
    bool is_automatic;/* it renews itself (main/automatic.h) */
    bool is_public;   /* that root is one of the system's */
    char missing[256];/* the issuer that nobody has, when it is not complete */
    X509 *
        issuer; /* who signed it; of the chain, or trusted somewhere; a reference; NULL: not looked for, or not known */
    struct rf_tls_staple *staple; /* what its authority says, sent along with it (main/inquiry.h); NULL: nothing is */
};

struct rf_site_iface {
    bool has_listener;
    enum rf_tls_level level;
    enum rf_tls_ask ask;
    struct rf_tls_check check;  /* of clients; trust is ours */
    struct rf_tls_check
        outward; /* of servers to which we connect: trust with the system's authorities; NULL: we do not */
    size_t cert_count;
    struct rf_cert *cert[RF_SITE_CERTS_MAX]; /* in the order of the setting; references of the list below */
    struct rf_tls_staple *staple[RF_SITE_CERTS_MAX]; /* of each, likewise; NULL: none */
};

#define RF_PINS_MAX 8 /* sip-connection.*.certificate-pin */

/* How we are the client of a SIP connection's server: as sip-trunks, with what its block says otherwise. */
struct rf_site_server {
    const char *name;
    struct rf_tls_check check;
    struct rf_cert *cert;     /* shown to it; of the list below */
    size_t pin_count;
    uint8_t pin[RF_PINS_MAX][32];
};

/* Something that could not be read, although nothing that is served needs it. */
struct rf_site_fault {
    enum rf_refusal code; /* RF_REFUSE_NONE: there is none */
    char sentence[256], effect[128];
};

struct rf_ifaces {
    size_t cert_count;
    struct rf_site_cert cert[RF_SITE_CERTS_MAX];
    struct rf_check_own own[RF_SITE_CERTS_MAX];
    uint8_t system_digest[32]; /* of what `system` was made of */
    struct rf_trust *system; /* public authorities and our own root: what others are likely to trust */
    struct rf_site_iface iface[RF_IFACE_COUNT];
    size_t server_count;
    struct rf_site_server *server; /* in the order of the blocks sip-connection */
    size_t peer_name_count;
    char peer_name[RF_PEER_NAMES_MAX][256];
    bool legacy_is_over;     /* medium-without-r11-checks is set, and has ended by the change of a level (AVA-10) */
    int64_t loaded_s;        /* when files were read */
    struct rf_site_fault fault; /* of our own authority */
    size_t warning_count;
    struct {
        enum rf_refusal code;
        char text[320];
    } warning[16];           /* for the log, once it is applied */
};

struct rf_ifaces_sources {
    const struct rf_conf *conf;
    struct rf_span bundle;            /* cert/bundle.h */
    struct rf_store *store;           /* trusted certificates that commands added; NULL: none */
    int64_t trust_version;            /* of those: 0 as of now */
    struct rf_ocsp_cache *ocsp;       /* what authorities say of peers; NULL: nobody is asked */
    const struct rf_ifaces *running;  /* in force; an own certificate that ended meanwhile is no reason to refuse */
    bool legacy_is_over;              /* as it was remembered */
    int64_t now_s;
};

/**
 * @return with *problem set, at the line of the setting: RF_ERR_SYNTAX, RF_ERR_NOT_FOUND, RF_ERR_CRYPTO, RF_ERR_RANGE,
 *         RF_ERR_REFUSED, RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_ifaces_new(struct rf_ifaces **out, const struct rf_ifaces_sources *from,
                                        struct rf_conf_problem *problem);
void rf_ifaces_free(struct rf_ifaces *s); /* NULL is fine */

/** A worker's context for clients of an interface. */
RF_MUST_CHECK enum rf_err rf_ifaces_server(const struct rf_ifaces *s, enum rf_iface i, struct rf_tls_tickets *tickets,
                                           struct rf_tls_ring *ring, struct rf_tls_server **out, const char **why);
/** A worker's context for servers to which we connect as this interface. */
RF_MUST_CHECK enum rf_err rf_ifaces_client(const struct rf_ifaces *s, enum rf_iface i, struct rf_tls_ring *ring,
                                           struct rf_tls_client **out, const char **why);

/** The same for the server of the SIP connection number i; its certificate is judged by the connection's own settings. */
RF_MUST_CHECK enum rf_err rf_ifaces_connection(const struct rf_ifaces *s, size_t i, struct rf_tls_ring *ring,
                                               struct rf_tls_client **out, const char **why);
/** Is it one of the certificates that the connection's operator has pinned? true: it is, or none are. */
bool rf_ifaces_pin_fits(const struct rf_ifaces *s, size_t i, const uint8_t sha256[static 32]);

/** What to do about it; a constant string. */
const char *rf_site_fault_fix(const struct rf_site_fault *f);

/* --- trusted certificates in the store --- */

#define RF_TRUSTED_EVERYWHERE "*" /* scope of a certificate that is trusted on every interface */

/** Is a certificate of the store with this scope ("*", "sip-trunks") trusted on this interface? */
bool rf_ifaces_trusts(enum rf_iface i, struct rf_span scope);

#endif
