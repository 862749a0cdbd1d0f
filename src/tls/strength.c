#include "tls/strength.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "tls/conn.h"

/* Strength in bits as NIST SP 800-57 counts: RSA and DH 2048, SHA-224 have 112. OpenSSL gives SHA-1 64 and the
 * MD5-SHA-1 pair of TLS 1.0 67, because of their collisions. */
#define STRONG 112
#define SHA1_BITS 64

static const int is_old_level = 1, is_not_old_level = 0;

static int
allows(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other, void *ex)
{
    bool is_old = *(const int *)ex != 0;

    switch (op) {
    case SSL_SECOP_TMP_DH:
        if (ssl != NULL && bits < STRONG)
            rf_tls_conn_saw_small_dh(ssl, other);
        return bits >= STRONG;
    case SSL_SECOP_EE_KEY:
    case SSL_SECOP_CA_KEY:
    case SSL_SECOP_CA_MD:
        return bits >= STRONG;
    case SSL_SECOP_PEER_EE_KEY:
    case SSL_SECOP_PEER_CA_KEY:
    case SSL_SECOP_PEER_CA_MD:
        return 1;
    case SSL_SECOP_SIGALG_SUPPORTED:
    case SSL_SECOP_SIGALG_SHARED:
    case SSL_SECOP_SIGALG_CHECK:
    case SSL_SECOP_SIGALG_MASK:
        return bits >= (is_old ? SHA1_BITS : STRONG);
    case SSL_SECOP_COMPRESSION:
        return 0;
    case SSL_SECOP_CURVE_SUPPORTED:
    case SSL_SECOP_CURVE_SHARED:
    case SSL_SECOP_CURVE_CHECK:
    case SSL_SECOP_CIPHER_SUPPORTED:
    case SSL_SECOP_CIPHER_SHARED:
    case SSL_SECOP_CIPHER_CHECK:
        return bits >= STRONG;
    default: /* versions, tickets: set by options */
        return 1;
    }
}

#define SIGNATURES                                                                                           \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"          \
    "rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:"    \
    "RSA+SHA512"

/* Those of the level that the library knows: X25519MLKEM768 came with OpenSSL 3.5. */
static bool
set_groups(SSL_CTX *ctx, const char *list)
{
    char known[128];
    struct rf_buf b = rf_buf(known, sizeof known - 1);
    struct rf_span rest = rf_span_str(list);

    while (rest.n > 0) {
        const char *colon = memchr(rest.p, ':', rest.n);
        size_t n = colon != NULL ? (size_t)(colon - rest.p) : rest.n;
        char one[32];

        if (rf_span_copy(rf_span_sub(rest, 0, n), one, sizeof one) != RF_OK)
            return false;
        if (SSL_CTX_set1_groups_list(ctx, one) == 1)
            rf_putf(&b, "%s%s", b.n > 0 ? ":" : "", one);
        rest = rf_span_sub(rest, n + 1, rest.n);
    }
    ERR_clear_error();
    known[b.n] = '\0';
    return !b.overflow && b.n > 0 && SSL_CTX_set1_groups_list(ctx, known) == 1;
}

/* ffdhe2048 of RFC 7919, always: OpenSSL's own choice follows the certificate's key down to 1024 bits and up to
 * 8192, which costs a handshake 30 ms. */
static bool
set_dh(SSL_CTX *ctx)
{
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t) "ffdhe2048", 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *dh = NULL;
    bool is_set = make != NULL && EVP_PKEY_fromdata_init(make) == 1 &&
                  EVP_PKEY_fromdata(make, &dh, EVP_PKEY_KEY_PARAMETERS, params) == 1 &&
                  SSL_CTX_set0_tmp_dh_pkey(ctx, dh) == 1;

    if (!is_set)
        EVP_PKEY_free(dh);
    EVP_PKEY_CTX_free(make);
    return is_set;
}

bool
rf_tls_strength_set(SSL_CTX *ctx, const struct rf_tls_level_row *row, int min_version, bool weak_peers)
{
    bool is_old = row->min_version < TLS1_2_VERSION;

    /* Debian's openssl.cnf sets level 2 and TLS 1.2 first; what we say here replaces it. */
    SSL_CTX_set_security_level(ctx, is_old || weak_peers ? 0 : 2);
    SSL_CTX_set_security_callback(ctx, allows);
    SSL_CTX_set0_security_ex_data(ctx, (void *)(uintptr_t)(is_old ? &is_old_level : &is_not_old_level));
    /* A list of TLS 1.2 suites may be empty; OpenSSL wants one, and the versions keep it from being used. */
    return SSL_CTX_set_min_proto_version(ctx, min_version) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, row->max_version) == 1 &&
           (row->suites_12[0] == '\0' || SSL_CTX_set_cipher_list(ctx, row->suites_12) == 1) &&
           SSL_CTX_set_ciphersuites(ctx, row->suites_13) == 1 && set_groups(ctx, row->groups) &&
           SSL_CTX_set1_sigalgs_list(ctx, is_old ? SIGNATURES ":RSA+SHA1:ECDSA+SHA1" : SIGNATURES) == 1 &&
           (row->dh_bits_min == 0 || set_dh(ctx));
}

bool
rf_tls_strength_own(X509 *x, bool is_leaf, char why[static 128])
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    int md = NID_undef, pk, bits = 0;
    uint32_t flags;

    if (key == NULL || EVP_PKEY_get_security_bits(key) < STRONG) {
        snprintf(why, 128, "has a key of %d bits; RSA needs 2048, an elliptic curve 224",
                 key != NULL ? EVP_PKEY_get_bits(key) : 0);
        return false;
    }
    if ((X509_get_extension_flags(x) & EXFLAG_SS) != 0 && !is_leaf)
        return true; /* nobody looks at a root's own signature */
    if (X509_get_signature_info(x, &md, &pk, &bits, &flags) != 1 || bits < STRONG) {
        snprintf(why, 128, "is signed with %s, which is broken",
                 md != NID_undef ? OBJ_nid2sn(md) : "an unknown digest");
        return false;
    }
    return true;
}
