/*
 * cert/ca.h - the local certificate authority: a root of our own and the server certificate it signs
 *
 * For a machine without a public certificate. Four files in one directory, written whole or not at all, the
 * keys with mode 0600:
 *   ca.pem      root, P-256, 10 years      what phones are given
 *   ca.key
 *   server.pem  leaf, P-256, 397 days      what listeners show; the root is not sent with it
 *   server.key
 *
 * The leaf is made anew, with a new key, when a third of its life is left, when the names changed, or when the
 * root did. The root is never replaced: phones trust it.
 */
#ifndef RF_CERT_CA_H
#define RF_CERT_CA_H

#include "cert/cert.h"

#define RF_CA_DAYS   3652 /* 10 years */
#define RF_LEAF_DAYS 397  /* the most that browsers accept */

struct rf_ca_conf {
    const char *dir;         /* exists, ours alone */
    const char *ca_name;     /* common name of a new root: "ringfence local CA (pbx)" */
    const char *const *name; /* host names and addresses in text form; the first is the common name */
    size_t name_count;       /* 1 to RF_CERT_NAMES_MAX */
    bool must_renew;         /* the leaf, whatever its age */
};

struct rf_ca_result {
    bool made_ca, made_leaf;
    const char *why; /* the leaf was made: "there was none", "its names changed", ...; constant strings */
};

/**
 * See that the four files are there and current.
 * @param wall_s  now, seconds since 1970
 * @return RF_ERR_REFUSED a key file that others may read (RF-809); RF_ERR_RANGE a name that cannot be in a
 *         certificate; RF_ERR_SYNTAX a root that is broken (it is not replaced); RF_ERR_IO, RF_ERR_CRYPTO
 */
RF_MUST_CHECK enum rf_err rf_ca_ensure(const struct rf_ca_conf *conf, int64_t wall_s, struct rf_ca_result *result,
                                       struct rf_cert_problem *problem);

/** When rf_ca_ensure should be called again: the time at which a third of this certificate's life is left. */
int64_t rf_cert_renew_at(const struct rf_cert_facts *f);

#endif
