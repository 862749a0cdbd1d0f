/*
 * cert/path.h - from a peer's certificate to an anchor of the store (RFC 5280 6.1)
 *
 * OpenSSL's own builder takes the first issuer that seems right and never comes back (and takes a certificate of the
 * same subject for the one that is in the store); a renewed authority, a cross-signed one or two of the same name
 * then fail. Here every issuer of the right name is tried, best guess first, with a bound on all tries together.
 *
 * Threads: any. Memory: on the caller's stack; nothing kept.
 */
#ifndef RF_CERT_PATH_H
#define RF_CERT_PATH_H

#include "cert/check.h"
#include "cert/part.h"

#define RF_PATH_MAX (RF_CHECK_CHAIN_MAX + 2) /* certificates of a path */

/*
 * Signatures that are checked with keys of the peer's choosing, at most: at half a millisecond for the most
 * expensive key we take, a hostile chain costs 32 ms. A good one needs as many as it has certificates.
 */
#define RF_PATH_SENT_TRIES_MAX 64

enum rf_path_fault {
    RF_PATH_OK,
    RF_PATH_NO_ISSUER,      /* nobody has the issuer of the last one */
    RF_PATH_UNKNOWN_ROOT,   /* the last one is self-signed and not in the store */
    RF_PATH_BAD_SIGNATURE,  /* there are issuers of the name; none has the key */
    RF_PATH_WEAK_SIGNATURE, /* MD5 or SHA-1 */
    RF_PATH_NOT_VALID       /* a rule of RFC 5280 for paths; detail says which */
};

struct rf_path {
    enum rf_path_fault fault;
    char detail[160];                         /* "CN=x ended 2026-...": "" when there is no more to say */
    size_t count;                             /* from the leaf up: to the anchor, or as far as it went */
    const struct rf_part *part[RF_PATH_MAX];  /* parts of `sent` or of the store */
};

/**
 * @param sent   as the peer sent them, leaf first; at least one
 * @param depth  certificates between leaf and anchor, at most
 */
void rf_path_find(struct rf_path *out, const struct rf_part *sent, size_t sent_count, const struct rf_trust *trust,
                  unsigned depth, int64_t now_s);

/**
 * Does a certificate keep to an authority's name constraints (RFC 5280 4.2.1.10)? cert/constraint.c
 * @param why  what is outside of them
 */
bool rf_constraint_is_kept(const struct rf_part *p, const NAME_CONSTRAINTS *nc, char *why, size_t size);

#endif
