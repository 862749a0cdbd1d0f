/*
 * cert/cert.h - a certificate chain with its key, and what it says
 *
 * What a listener shows: leaf first, then intermediates, with the leaf's private key. Immutable once made, so
 * workers share it by reference.
 *
 * Threads: any (the count is atomic). Memory: a few kB; the key is wiped by OpenSSL when the last reference goes.
 */
#ifndef RF_CERT_CERT_H
#define RF_CERT_CERT_H

#include <openssl/types.h>

#include "base/addr.h"

#define RF_CERT_NAMES_MAX 64 /* subjectAltName entries kept in the facts; more are still matched by OpenSSL */
#define RF_CERT_FILE_MAX  (1u << 20)

enum rf_san_kind { RF_SAN_DNS, RF_SAN_IP, RF_SAN_URI };

struct rf_san {
    enum rf_san_kind kind;
    char text[256]; /* "pbx.example", "192.0.2.1", "sip:example.com" */
};

/* Plain data about one certificate. Times are seconds since 1970. */
struct rf_cert_facts {
    char subject[256], issuer[256]; /* RFC 2253, clipped */
    char serial[48];                /* hexadecimal */
    char key[24];                   /* "EC P-256", "RSA 2048" */
    int64_t not_before, not_after;
    uint8_t sha256[32];             /* of the DER: the fingerprint */
    bool is_ca, is_self_signed;
    bool must_staple;               /* rf_cert_must_staple */
    size_t san_count;
    struct rf_san san[RF_CERT_NAMES_MAX];
};

/* What was wrong with a file. */
struct rf_cert_problem {
    bool key_file_is_open;  /* others may read the key (RF-809) */
    bool is_mismatch;       /* the key is another certificate's (RF-219) */
    unsigned mode;          /* of that file */
    char text[320];         /* "server.key does not belong to server.pem" */
};

struct rf_cert;

/**
 * From PEM texts: one to ten certificates, leaf first, and its key (not encrypted).
 * @return RF_ERR_SYNTAX not PEM, one of them is damaged, or key and certificate do not belong together; RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_cert_from_pem(struct rf_cert **out, struct rf_span chain, struct rf_span key,
                                           struct rf_cert_problem *problem);

/**
 * From files. A key file that its group or others may read is refused (RF-809).
 * @return as above; RF_ERR_REFUSED for the mode; RF_ERR_NOT_FOUND, RF_ERR_IO
 */
RF_MUST_CHECK enum rf_err rf_cert_load(struct rf_cert **out, const char *chain_path, const char *key_path,
                                       struct rf_cert_problem *problem);

struct rf_cert *rf_cert_ref(struct rf_cert *c);
void rf_cert_unref(struct rf_cert *c); /* NULL is fine */

/** Facts of the leaf. */
const struct rf_cert_facts *rf_cert_facts(const struct rf_cert *c);

/** May it be shown for this host name (RFC 6125: a wildcard stands for one label) or address in text form? */
bool rf_cert_is_for(const struct rf_cert *c, struct rf_span host);

/* For tls: the parts; no new references. */
X509 *rf_cert_leaf(const struct rf_cert *c);
EVP_PKEY *rf_cert_key(const struct rf_cert *c);
size_t rf_cert_extra_count(const struct rf_cert *c);
X509 *rf_cert_extra(const struct rf_cert *c, size_t i); /* intermediates in order */

/**
 * Does it promise its authority's answer with every handshake ("must-staple")? Its TLS feature extension names
 * status_request (RFC 7633 4).
 */
bool rf_cert_must_staple(X509 *x);

/** Facts of any certificate. */
void rf_cert_facts_read(X509 *x, struct rf_cert_facts *out);

/**
 * The next certificate of a PEM text; the caller's to free. Nobody is asked for a passphrase, whatever the text says.
 * @return RF_ERR_NOT_FOUND  there is none any more
 *         RF_ERR_SYNTAX     it is damaged: what stands behind it must not be used as if it had not been there
 */
RF_MUST_CHECK enum rf_err rf_cert_pem_next(BIO *in, X509 **out);

/** Read a file of at most RF_CERT_FILE_MAX octets; *out is the caller's to free (rf_wipe a key first). */
RF_MUST_CHECK enum rf_err rf_cert_file_read(const char *path, bool is_key, char **out, size_t *n,
                                            struct rf_cert_problem *problem);

#endif
