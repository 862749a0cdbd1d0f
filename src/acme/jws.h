/*
 * acme/jws.h - signed requests: JSON Web Keys, their thumbprints, JSON Web Signatures (RFC 7515, 7517, 7638)
 *
 * ACME wants each request as a flattened JWS with the headers alg, nonce, url, and jwk or kid (RFC 8555 6.2).
 * Keys are P-256 (ES256) or RSA (RS256); external account binding adds HS256.
 *
 * Threads: any; plain functions. The caller gives the memory.
 */
#ifndef RF_ACME_JWS_H
#define RF_ACME_JWS_H

#include <openssl/types.h>

#include "base/buf.h"

enum rf_acme_key_kind { RF_ACME_ECDSA, RF_ACME_RSA, RF_ACME_KEY_KINDS };

#define RF_ACME_THUMBPRINT_MAX 44       /* SHA-256 in base64url is 43 characters */
#define RF_ACME_RSA_BITS       2048     /* what every phone takes; RSA 4096 costs a server 6 times as much */
#define RF_ACME_KEY_PEM_MAX    8192     /* an RSA key of 8192 bits is 6.4 kB */

/** "ecdsa", "rsa". */
const char *rf_acme_key_kind_name(enum rf_acme_key_kind kind);

/** A new key; free with EVP_PKEY_free. NULL: OpenSSL failed. An RSA key takes some 100 ms. */
EVP_PKEY *rf_acme_key_new(enum rf_acme_key_kind kind);
/** PKCS #8 in PEM. The buffer holds a secret: wipe it. RF_ERR_NOMEM, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_acme_key_put(struct rf_buf *out, EVP_PKEY *key);
/** From such a text; NULL: it is none. */
EVP_PKEY *rf_acme_key_read(struct rf_span pem);

/** The public key as a JWK, members in lexicographic order without spaces: the input of a thumbprint, too. */
RF_MUST_CHECK enum rf_err rf_jwk_put(struct rf_buf *out, EVP_PKEY *key);
/** RFC 7638, as a C string. */
RF_MUST_CHECK enum rf_err rf_jwk_thumbprint(EVP_PKEY *key, char out[static RF_ACME_THUMBPRINT_MAX]);

struct rf_jws {
    EVP_PKEY *key;       /* signs; NULL with mac */
    struct rf_span mac;  /* HS256 key (RFC 8555 7.3.4); n == 0: none */
    const char *url;
    const char *nonce;   /* NULL: none (inner objects) */
    const char *kid;     /* NULL: the header carries jwk */
};

/** The flattened JWS. An empty payload is POST-as-GET (RFC 8555 6.3). RF_ERR_NOMEM, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_jws_put(struct rf_buf *out, const struct rf_jws *j, struct rf_span payload);

#endif
