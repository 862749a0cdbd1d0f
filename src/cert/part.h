/*
 * cert/part.h - one certificate as path building and rules need it: read once, then only compared
 *
 * Everything here is plain facts with a verdict on none of them. Octets of a peer went in: whatever OpenSSL could
 * not make sense of is a fact too (`is_malformed`, `has_times`), so that a rule refuses it by name.
 *
 * Threads: made on one, read by any. Memory: borrows the X509, which must outlive it, and owns the name constraints.
 */
#ifndef RF_CERT_PART_H
#define RF_CERT_PART_H

#include <openssl/x509v3.h>

#include "cert/cert.h"

/* How strong a key is, so that keys of different kinds compare (NIST SP 800-57 part 1, table 2). */
#define RF_STRENGTH_RSA_1024 80
#define RF_STRENGTH_RSA_2048 112

/*
 * Keys that a peer's certificates may verify signatures with, at most. A check of RSA 8192 costs half a
 * millisecond, of RSA 16384 ten times that; public authorities end at 4096.
 */
#define RF_PART_RSA_BITS_MAX 8192
#define RF_PART_DSA_BITS_MAX 3072

struct rf_part {
    X509 *x;
    int64_t not_before, not_after; /* both inclusive */
    bool has_times;                /* both could be read */
    bool is_malformed;             /* an extension that OpenSSL knows cannot be read, or stands there twice */
    bool is_v1;                    /* no extensions at all: version 1 or 2 */
    bool is_self_issued;           /* issuer and subject are the same name */
    bool has_basic, is_ca;         /* basicConstraints is there; and says CA:TRUE */
    long path_len;                 /* -1: no limit */
    bool has_key_usage;
    uint32_t key_usage;            /* X509v3_KU_* */
    bool has_purpose;              /* extendedKeyUsage is there */
    unsigned purpose;              /* RF_PURPOSE_* of those that matter here */
    bool wants_policies;           /* policyConstraints with requireExplicitPolicy */
    char unknown_critical[64];     /* OID of a critical extension that we do not process; "" none */
    const char *key_kind;          /* "RSA", "EC", "Ed25519"; "" unknown */
    int key_bits, key_strength;    /* strength 0: cannot be measured, or no key at all */
    bool can_verify;               /* its key may be used on signatures at our cost */
    bool has_weak_signature;       /* it was signed with MD5, SHA-1 or worse */
    char signature[32];            /* "RSA-SHA1" */
    uint8_t sha256[32];            /* of the whole certificate */
    uint8_t spki[32];              /* SHA-256 of its SubjectPublicKeyInfo */
    NAME_CONSTRAINTS *constraints; /* or NULL */
};

#define RF_PURPOSE_CLIENT 1u
#define RF_PURPOSE_SERVER 2u
#define RF_PURPOSE_ANY    4u
#define RF_PURPOSE_SIP    8u /* id-kp-sipDomain, RFC 5924 */
#define RF_PURPOSE_OTHER  16u

/** Read it. @param is_ours  of our own store: no limit on its key */
void rf_part_read(struct rf_part *p, X509 *x, bool is_ours);
void rf_part_fini(struct rf_part *p);

/** Issuer equals subject and its signature is by its own key. Costs one check of a signature. */
bool rf_part_is_self_signed(const struct rf_part *p);

/** How well an issuer's key fits what the certificate says of it (RFC 5280 4.2.1.1): a hint, never a verdict. */
enum rf_part_fit { RF_PART_FITS, RF_PART_MAY_FIT, RF_PART_FITS_NOT, RF_PART_FIT_COUNT };
enum rf_part_fit rf_part_fit(const struct rf_part *p, const struct rf_part *issuer);

/** A name as text (RFC 2253), for sentences: "" for one that OpenSSL cannot print. Clipped, it is UTF-8 still. */
void rf_part_name(const X509_NAME *name, char *out, size_t size);
/** Subject or issuer likewise. */
void rf_part_subject(const struct rf_part *p, char *out, size_t size);
void rf_part_issuer(const struct rf_part *p, char *out, size_t size);

/** Strict: what is no time of RFC 5280 4.1.2.5 is false. */
bool rf_part_time(const ASN1_TIME *t, int64_t *out);

/** "2026-11-21 09:58 UTC" */
void rf_part_time_text(int64_t s, char *out, size_t size);

/** SHA-256 of the SubjectPublicKeyInfo. */
void rf_part_spki(X509 *x, uint8_t out[static 32]);

#endif
