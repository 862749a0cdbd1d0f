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
 * Threads: any, once sealed. Memory: a few kB an entry; at most RF_TRUST_ENTRIES_MAX of them.
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
/** The names of anchors, for a CertificateRequest; bounded by what a handshake carries. */
struct stack_st_X509_NAME *rf_trust_names(const struct rf_trust *t); /* the caller frees with sk_X509_NAME_pop_free */

#endif
