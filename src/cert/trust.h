/*
 * cert/trust.h - whom we trust: a store of certificates and revocation lists
 *
 * An immutable, counted snapshot. It is built entry by entry, then sealed and shared by all workers; a change of
 * the store makes a new one, so that a handshake sees the old store or the new one, never half of each.
 *
 * What an entry is for is told by its certificate, unless the administrator says more:
 *   anchor        self-signed: a root (or a device that is its own root). A path must end at one.
 *   intermediate  issued by another, may sign: helps to build a path, is no end of one.
 *   pinned        issued by another, may not sign: a copy for the level High.
 * An entry that is marked `anchor` by hand ends a path wherever it stands (TEL-7).
 *
 * The same certificate twice is one entry; marked once is marked. Lists of revoked certificates (CRLs) count for
 * the issuer whose key signed them. A list can only refuse: a certificate that it names is revoked, also after the
 * list's own end; what it does not name is not vouched for by it either. So a list that nobody renewed does not cut
 * off every peer; it is reported instead (rf_trust_revocation.has_ended). Indirect lists are refused at load.
 *
 * Threads: any, once sealed. Memory: a few kB an entry; at most RF_TRUST_ENTRIES_MAX of them. Entries are shared by
 * the stores that hold them.
 */
#ifndef RF_CERT_TRUST_H
#define RF_CERT_TRUST_H

#include "cert/cert.h"

#define RF_TRUST_ENTRIES_MAX 4096 /* the public bundle has 140; a pool of pinned trunks some hundred */
#define RF_TRUST_CRLS_MAX    256
#define RF_TRUST_CRL_MAX     (8u << 20) /* octets of one list */

enum rf_trust_use { RF_TRUST_ANCHOR, RF_TRUST_INTERMEDIATE, RF_TRUST_PINNED, RF_TRUST_USE_COUNT };

struct rf_trust_entry {
    enum rf_trust_use use;
    bool is_marked_anchor; /* by hand */
    const char *origin;    /* "/etc/ringfence/trusted/a.pem", "store", "system"; lives as long as the store */
    struct rf_cert_facts facts;
};

struct rf_trust;

/** An empty one; trusts nobody. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_trust_new(struct rf_trust **out);
/**
 * Add all certificates and revocation lists of a PEM text (or one certificate or list in DER).
 * @param origin  copied
 * @param marked_anchor  all of its certificates may end a path
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE too many, RF_ERR_NOMEM; problem->text says where. Nothing is added then.
 */
RF_MUST_CHECK enum rf_err rf_trust_add(struct rf_trust *t, struct rf_span octets, const char *origin,
                                       bool marked_anchor, struct rf_cert_problem *problem);
/** A file, or all *.pem, *.crt, *.cer, *.crl files of a directory. As above; RF_ERR_NOT_FOUND, RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_trust_add_path(struct rf_trust *t, const char *path, struct rf_cert_problem *problem);
/** The system's bundle of public authorities. RF_ERR_NOT_FOUND when this machine has none. */
RF_MUST_CHECK enum rf_err rf_trust_add_system(struct rf_trust *t, struct rf_cert_problem *problem);
/** All of another store: per-connection authorities on top of the interface's. */
RF_MUST_CHECK enum rf_err rf_trust_add_all(struct rf_trust *t, const struct rf_trust *other);

struct rf_trust *rf_trust_ref(struct rf_trust *t);
void rf_trust_unref(struct rf_trust *t); /* NULL is fine */

size_t rf_trust_count(const struct rf_trust *t);
const struct rf_trust_entry *rf_trust_entry(const struct rf_trust *t, size_t i);
/** Octet for octet. */
bool rf_trust_has_copy(const struct rf_trust *t, X509 *x);
/** The certificate of an entry; borrowed. */
X509 *rf_trust_x509(const struct rf_trust *t, size_t i);
/** How many lists of revoked certificates it holds. */
size_t rf_trust_crl_count(const struct rf_trust *t);

/* A list, for people. */
struct rf_trust_crl_facts {
    char issuer[256], origin[256];    /* clipped */
    int64_t this_update, next_update; /* next_update 0: it names none */
    size_t revoked;                   /* certificates on it */
    uint8_t sha256[32];
};
void rf_trust_crl_facts(const struct rf_trust *t, size_t i, struct rf_trust_crl_facts *out);

/* --- for path building --- */

struct rf_part;

/** Entries whose subject is `subject`, one after the other: from = -1 first, then the last answer. -1: no more. */
int rf_trust_next(const struct rf_trust *t, const X509_NAME *subject, int from);
const struct rf_part *rf_trust_part(const struct rf_trust *t, size_t i);
/** The entry that is this certificate octet for octet, or -1. */
int rf_trust_index(const struct rf_trust *t, const struct rf_part *p);

struct rf_trust_revocation {
    bool is_revoked;
    int64_t since;          /* when that happened; 0 unknown */
    const char *reason;     /* "keyCompromise"; "" none given */
    unsigned lists;         /* lists of this issuer that were looked into */
    bool has_ended;         /* one of them is past its next update */
    int64_t next_update;    /* of that one */
    bool has_other_signer;  /* a list of this issuer's name was signed by a key that is not known to be its own */
};

/**
 * Is x revoked?
 * @param issuer  who signed x, by the path that was found  @param anchor  where that path ends: a list may also be
 *                signed by another key of the same issuer, when anchor or issuer vouch for that key (RFC 5280 6.3.3)
 */
void rf_trust_revoked(const struct rf_trust *t, X509 *x, X509 *issuer, X509 *anchor, int64_t now_s,
                      struct rf_trust_revocation *out);

/** The names of anchors, for a CertificateRequest; bounded by what a handshake carries. */
struct stack_st_X509_NAME *rf_trust_names(const struct rf_trust *t); /* the caller frees with sk_X509_NAME_pop_free */

#endif
