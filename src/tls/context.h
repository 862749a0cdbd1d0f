/*
 * tls/context.h - what an interface's TLS looks like: level, certificates, the check of peers, ticket keys
 *
 * "Interface" is the design's word: sip-phones, sip-trunks, https... each with its own level and certificates.
 * An rf_tls_server is an immutable snapshot of one: at a reload a new one is made and new connections use it,
 * while the connections that are there keep theirs. Each worker makes its own from the same settings, so that
 * nothing of OpenSSL is contended; tickets work across them because their keys are computed (tls/tickets.h).
 *
 * Threads: a server or client context and its connections are used by one thread. The reference count alone is
 * atomic. Memory: some 60 kB a certificate.
 */
#ifndef RF_TLS_CONTEXT_H
#define RF_TLS_CONTEXT_H

#include "cert/check.h"
#include "tls/evidence.h"
#include "tls/level.h"
#include "tls/staple.h"
#include "tls/tickets.h"

/* Is a client asked for its certificate? */
enum rf_tls_ask {
    RF_TLS_ASK_OFF,
    RF_TLS_ASK_OPTIONAL, /* without one it comes in; one that is shown is judged */
    RF_TLS_ASK_REQUIRED, /* without one it is refused (RF-110) */
    RF_TLS_ASK_COUNT
};

/* "off", "optional", "required". */
const char *rf_tls_ask_name(enum rf_tls_ask ask);

/* When does the verdict count? */
enum rf_tls_enforce {
    RF_TLS_ENFORCE_HANDSHAKE, /* a peer that fails is refused with the alert of the failed rule */
    /* The handshake goes through; the connection's owner looks at rf_tls_conn_peer when it knows who the peer is:
     * shared ports (AVA-22), provisioning that answers 403 (IPC-15). */
    RF_TLS_ENFORCE_LATER
};

/*
 * How a peer's certificate is judged. The rules are those of cert/check.h; OpenSSL's own path check never
 * decides. A server does not know in the handshake for whom the peer will speak, so there the remote levels are
 * judged without their names (rf_tls_peer.needs_target), and the owner asks rf_tls_conn_judge with the name once
 * it knows it (AVA-16, AVA-17).
 */
struct rf_tls_check {
    enum rf_check_level level;
    enum rf_check_use use;
    enum rf_tls_enforce enforce;
    bool medium_is_legacy, purpose_may_be_missing, common_name_counts, wildcard_counts_in_sip; /* cert/check.h */
    unsigned verify_depth;          /* 0: RF_CHECK_CHAIN_MAX */
    struct rf_trust *trust;         /* sealed; a reference is taken; NULL: nobody is trusted */
    const struct rf_check_own *own; /* our own identities; copied */
    size_t own_count;
    enum rf_check_ocsp ocsp; /* of a server that we connect to, what it sends along (stapling) is looked at first */
    struct rf_ocsp_source ocsp_source; /* outlives the context; no function: nobody is asked */
    int64_t (*wall_s)(void);        /* NULL: rf_wall_s */
};

struct rf_tls_server_conf {
    const char *interface;        /* "sip-phones"; tickets of one interface are not taken by another */
    enum rf_tls_level level;
    struct rf_cert *const *cert;  /* references are taken; the first is shown when no name matches */
    size_t cert_count;            /* 1 or more; for one name there may be one of each type of key */
    struct rf_tls_tickets *tickets; /* a reference is taken; NULL: no resumption */
    struct rf_tls_staple *const *staple; /* one for each certificate, entries may be NULL; NULL: none has any */
    enum rf_tls_ask ask;
    const struct rf_tls_check *check; /* copied; may be NULL when ask is off */
    struct rf_tls_ring *ring;     /* where handshakes are noted: this worker's, outlives the context; or NULL */
};

struct rf_tls_server;

/**
 * @return RF_ERR_CRYPTO when OpenSSL does not take a certificate or a setting; the reason is in *why (constant
 *         string). rf_tls_conf_examine says more, and says it before.
 */
RF_MUST_CHECK enum rf_err rf_tls_server_new(struct rf_tls_server **out, const struct rf_tls_server_conf *conf,
                                            const char **why);
struct rf_tls_server *rf_tls_server_ref(struct rf_tls_server *s);
void rf_tls_server_unref(struct rf_tls_server *s); /* NULL is fine */
/**
 * Answer tls-alpn-01 (RFC 8737): a hello whose only application protocol is acme-tls/1 is shown what `find` gives for its
 * server name (a reference is handed over), or refused when that is NULL. Call before the first connection.
 */
void rf_tls_server_set_challenge(struct rf_tls_server *s,
                                 struct rf_cert *(*find)(void *ctx, struct rf_span server_name), void *ctx);

/* --- what is wrong with the settings --- */

#define RF_TLS_FINDINGS_MAX 16

struct rf_tls_finding {
    bool is_fatal;            /* it cannot work: refuse the configuration; otherwise warn */
    enum rf_refusal refusal;  /* RF_REFUSE_CERT_EXPIRED ... */
    size_t cert;              /* index of the certificate it is about; cert_count: none of them */
    char text[256];           /* "pbx.example ended on 2026-11-01 (20 days ago)" */
};

struct rf_tls_findings {
    size_t count, fatal_count;
    struct rf_tls_finding finding[RF_TLS_FINDINGS_MAX];
};

/**
 * Look at settings before they are used: a certificate that is expired, not yet valid or too weak for the level,
 * an intermediate that is missing or out of order, no suite that its keys can serve, nobody who could be let in.
 * @param roots  what peers are likely to trust: the system's bundle and our own CA; NULL: chains are not judged
 */
void rf_tls_conf_examine(const struct rf_tls_server_conf *conf, const struct rf_trust *roots, int64_t now_s,
                         struct rf_tls_findings *out);

/* --- our side is the client --- */

struct rf_tls_client_conf {
    enum rf_tls_level level;
    struct rf_cert *cert;      /* shown when the server asks; NULL: none */
    const struct rf_tls_check *check; /* copied; how the server is judged */
    int min_version;           /* a floor above that of the level (rf_tls_version_floor); 0: none */
    struct rf_tls_ring *ring;  /* as in rf_tls_server_conf */
    const char *interface;     /* for the ring: "sip-trunks"; NULL: "" */
};

struct rf_tls_client;

RF_MUST_CHECK enum rf_err rf_tls_client_new(struct rf_tls_client **out, const struct rf_tls_client_conf *conf,
                                            const char **why);
struct rf_tls_client *rf_tls_client_ref(struct rf_tls_client *c);
void rf_tls_client_unref(struct rf_tls_client *c); /* NULL is fine */

/* --- inside tls --- */

/*
 * Memory that handshakes need while they last is kept for the next ones. Between the objects that OpenSSL keeps for
 * hours it would leave holes: 1 kB a phone was measured.
 */
#define RF_TLS_SPARES_MAX 128

/* What servers and clients have in common. */
struct rf_tls_side {
    char interface[24];
    enum rf_tls_level level;
    int min_version;            /* of the level and of the interface's floor */
    bool has_check;
    struct rf_tls_check check;
    struct rf_tls_ring *ring;
    uint8_t digest[32];         /* of the settings: tickets and sessions of others are not taken */
    struct rf_tls_shake *spare[RF_TLS_SPARES_MAX];
    size_t spare_count;
};

/** What `find` gives; NULL also when there is no `find`. */
struct rf_cert *rf_tls_server_challenge(const struct rf_tls_server *s, struct rf_span server_name);
struct rf_tls_side *rf_tls_server_side(struct rf_tls_server *s);
struct rf_tls_side *rf_tls_client_side(struct rf_tls_client *c);
enum rf_tls_ask rf_tls_server_ask(const struct rf_tls_server *s);
SSL_CTX *rf_tls_server_ctx(const struct rf_tls_server *s);
SSL_CTX *rf_tls_client_ctx(const struct rf_tls_client *c);
/** The context of the certificate for this name (SNI), the first one when there is none. */
SSL_CTX *rf_tls_server_ctx_for(const struct rf_tls_server *s, struct rf_span name);

#endif
