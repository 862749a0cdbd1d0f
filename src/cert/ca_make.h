/*
 * cert/ca_make.h - inside cert: keys, certificates and lists of revoked ones, in memory
 *
 * What is made here passes our own level High: key usage and purpose are said, names are in the
 * subjectAltName, key identifiers lead from a certificate to its issuer.
 */
#ifndef RF_CERT_CA_MAKE_H
#define RF_CERT_CA_MAKE_H

#include "cert/ca.h"
#include "cert/ca_list.h"

#define RF_CA_DAY_S 86400
/* A phone's clock may be behind ours; a certificate that starts in its future would be refused (RF-205). */
#define RF_CA_BACKDATE_S RF_CA_DAY_S
/* Who copies the list must come back within a month; we make the next one when ten days are left. */
#define RF_CA_CRL_DAYS 30
#define RF_CA_CRL_DAYS_LEFT 10

/** P-256, or RSA 2048, which old phones check in time and level High accepts. NULL: it failed. */
EVP_PKEY *rf_ca_make_key(enum rf_ca_key kind);

/** What kind of name is it, and is it one? "pbx.example", "*.pbx.example", "192.0.2.1", "sip:example.com". */
bool rf_ca_name_kind(const char *name, enum rf_san_kind *out);

X509 *rf_ca_make_root(EVP_PKEY *key, const char *common_name, int64_t wall_s, int days);

struct rf_ca_leaf {
    const char *common_name;
    const char *const *name; /* subjectAltName, each as rf_ca_name_kind has it */
    size_t name_count;
    unsigned use; /* RF_CA_CLIENT | RF_CA_SERVER */
    int64_t from, until;
    const char *crl_url, *ocsp_url; /* NULL or "": it names none */
};

/** A leaf that `ca` signs. NULL: OpenSSL could not. */
X509 *rf_ca_make_leaf(EVP_PKEY *key, const struct rf_ca_leaf *leaf, const struct rf_cert *ca);

/**
 * The list of what is revoked and has not ended for longer than a list lasts (RFC 5280 5).
 * @param was     the last one, signed by this root, or NULL: what it revokes and `list` does not know stays revoked
 * @param number  above that of the last one
 */
X509_CRL *rf_ca_make_crl(const struct rf_cert *ca, const struct rf_ca_list *list, X509_CRL *was, int64_t number,
                         int64_t wall_s);
/** Mark as revoked what the last list revokes, whatever its records say: they may come from a backup. */
void rf_ca_recall_revoked(struct rf_ca_list *list, X509_CRL *was);
/** Number of a list (RFC 5280 5.2.3); 0 none. */
int64_t rf_ca_crl_number(X509_CRL *crl);
/** Should a new one be made? It was signed by another root, it ends soon, or it lacks one that is revoked. */
bool rf_ca_crl_is_stale(X509_CRL *crl, const struct rf_cert *ca, const struct rf_ca_list *list,
                        int64_t wall_s);
/** When that will be so, as far as its end is concerned; 0: it has none. */
int64_t rf_ca_crl_due(X509_CRL *crl);

/** "7f3a..." of a certificate. */
void rf_ca_serial(X509 *x, char *out, size_t size);

#endif
