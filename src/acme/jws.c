#include "acme/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"

#define P256_OCTETS   32
#define RSA_MAX       1024 /* octets: a key of 8192 bits */
#define PROTECTED_MAX 4096 /* header: an RSA key of 8192 bits is 1.4 kB, URL and kid 1 kB */

const char *
rf_acme_key_kind_name(enum rf_acme_key_kind kind)
{
    return kind == RF_ACME_RSA ? "rsa" : "ecdsa";
}

EVP_PKEY *
rf_acme_key_new(enum rf_acme_key_kind kind)
{
    return kind == RF_ACME_RSA ? EVP_RSA_gen(RF_ACME_RSA_BITS) : EVP_EC_gen("P-256");
}

enum rf_err
rf_acme_key_put(struct rf_buf *out, EVP_PKEY *key)
{
    BIO *b = BIO_new(BIO_s_secmem());
    enum rf_err err = RF_ERR_CRYPTO;
    char *p;
    long n;

    if (b != NULL && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1) {
        n = BIO_get_mem_data(b, &p);
        rf_put(out, rf_span(p, n > 0 ? (size_t)n : 0));
        err = rf_buf_done(out);
    }
    BIO_free(b);
    return err;
}

EVP_PKEY *
rf_acme_key_read(struct rf_span pem)
{
    BIO *b = pem.n > 0 && pem.n <= RF_ACME_KEY_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;

    BIO_free(b);
    return key;
}

/* "name":"BASE64URL" of a number; octets > 0: padded to so many (RFC 7518 6.2.1.2). */
static bool
put_number(struct rf_buf *out, EVP_PKEY *key, const char *param, const char *name, int octets)
{
    uint8_t mem[RSA_MAX];
    BIGNUM *number = NULL;
    int n = -1;

    if (EVP_PKEY_get_bn_param(key, param, &number) != 1)
        return false;
    if (octets == 0)
        octets = BN_num_bytes(number);
    if (octets <= (int)sizeof mem)
        n = BN_bn2binpad(number, mem, octets);
    BN_free(number);
    if (n <= 0)
        return false;
    rf_putf(out, "\"%s\":\"", name);
    rf_put_base64url(out, mem, (size_t)n);
    rf_put_char(out, '"');
    return true;
}

static bool
is_p256(EVP_PKEY *key)
{
    char group[32] = "";

    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && strcmp(group, "prime256v1") == 0;
}

enum rf_err
rf_jwk_put(struct rf_buf *out, EVP_PKEY *key)
{
    bool fine;

    if (is_p256(key)) {
        rf_put_str(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",");
        fine = put_number(out, key, OSSL_PKEY_PARAM_EC_PUB_X, "x", P256_OCTETS);
        rf_put_char(out, ',');
        fine = fine && put_number(out, key, OSSL_PKEY_PARAM_EC_PUB_Y, "y", P256_OCTETS);
    } else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        rf_put_char(out, '{');
        fine = put_number(out, key, OSSL_PKEY_PARAM_RSA_E, "e", 0);
        rf_put_str(out, ",\"kty\":\"RSA\",");
        fine = fine && put_number(out, key, OSSL_PKEY_PARAM_RSA_N, "n", 0);
    } else {
        return RF_ERR_UNSUPPORTED;
    }
    rf_put_char(out, '}');
    return fine ? rf_buf_done(out) : RF_ERR_CRYPTO;
}

enum rf_err
rf_jwk_thumbprint(EVP_PKEY *key, char out[static RF_ACME_THUMBPRINT_MAX])
{
    char mem[2048];
    uint8_t hash[32];
    struct rf_buf jwk = rf_buf(mem, sizeof mem), text = rf_buf(out, RF_ACME_THUMBPRINT_MAX - 1);
    enum rf_err err = rf_jwk_put(&jwk, key);

    out[0] = '\0';
    if (err)
        return err;
    if (EVP_Digest(jwk.p, jwk.n, hash, NULL, EVP_sha256(), NULL) != 1)
        return RF_ERR_CRYPTO;
    rf_put_base64url(&text, hash, sizeof hash);
    out[text.n] = '\0';
    return rf_buf_done(&text);
}

/* OpenSSL's DER signature as r and s, 32 octets each (RFC 7518 3.4). */
static bool
put_ecdsa(struct rf_buf *out, const uint8_t *der, size_t n)
{
    uint8_t rs[2 * P256_OCTETS];
    const uint8_t *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    bool fine = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, P256_OCTETS) == P256_OCTETS &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + P256_OCTETS, P256_OCTETS) == P256_OCTETS;

    ECDSA_SIG_free(sig);
    if (fine)
        rf_put_base64url(out, rs, sizeof rs);
    return fine;
}

static enum rf_err
put_signature(struct rf_buf *out, const struct rf_jws *j, struct rf_span input)
{
    uint8_t sig[RSA_MAX];
    size_t n = sizeof sig;
    unsigned mac_n = 0;
    EVP_MD_CTX *md;
    bool fine;

    if (j->mac.n > 0) {
        if (HMAC(EVP_sha256(), j->mac.p, (int)j->mac.n, (const uint8_t *)input.p, input.n, sig, &mac_n) == NULL)
            return RF_ERR_CRYPTO;
        rf_put_base64url(out, sig, mac_n);
        return rf_buf_done(out);
    }
    md = EVP_MD_CTX_new();
    fine = md != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, j->key) == 1 &&
           EVP_DigestSign(md, sig, &n, (const uint8_t *)input.p, input.n) == 1;
    EVP_MD_CTX_free(md);
    if (fine && is_p256(j->key))
        fine = put_ecdsa(out, sig, n);
    else if (fine)
        rf_put_base64url(out, sig, n);
    return fine ? rf_buf_done(out) : RF_ERR_CRYPTO;
}

static enum rf_err
put_protected(struct rf_buf *out, const struct rf_jws *j)
{
    enum rf_err err = RF_OK;

    rf_putf(out, "{\"alg\":\"%s\",", j->mac.n > 0 ? "HS256" : is_p256(j->key) ? "ES256" : "RS256");
    if (j->kid != NULL) {
        rf_put_str(out, "\"kid\":");
        rf_put_json_string(out, rf_span_str(j->kid));
    } else {
        rf_put_str(out, "\"jwk\":");
        err = rf_jwk_put(out, j->key);
    }
    if (j->nonce != NULL) {
        rf_put_str(out, ",\"nonce\":");
        rf_put_json_string(out, rf_span_str(j->nonce));
    }
    rf_put_str(out, ",\"url\":");
    rf_put_json_string(out, rf_span_str(j->url));
    rf_put_char(out, '}');
    return err ? err : rf_buf_done(out);
}

enum rf_err
rf_jws_put(struct rf_buf *out, const struct rf_jws *j, struct rf_span payload)
{
    char mem[PROTECTED_MAX], sig_mem[RSA_MAX * 2];
    struct rf_buf head = rf_buf(mem, sizeof mem), sig = rf_buf(sig_mem, sizeof sig_mem), input;
    size_t head_n, payload_at;
    enum rf_err err = put_protected(&head, j);

    if (err)
        return err;
    /* The signature is over "protected.payload"; both are written once, to where they stay, with the JSON between
     * them put in afterwards. */
    rf_put_str(out, "{\"protected\":\"");
    payload_at = out->n;
    rf_put_base64url(out, head.p, head.n);
    head_n = out->n - payload_at;
    rf_put_char(out, '.');
    rf_put_base64url(out, payload.p, payload.n);
    if (rf_buf_done(out) != RF_OK)
        return RF_ERR_NOMEM;
    input = rf_buf(out->p + payload_at, out->n - payload_at);
    err = put_signature(&sig, j, rf_span(input.p, input.cap));
    if (err)
        return err;
    out->n = payload_at + head_n;
    rf_put_str(out, "\",\"payload\":\"");
    rf_put_base64url(out, payload.p, payload.n);
    rf_put_str(out, "\",\"signature\":\"");
    rf_put(out, rf_buf_span(&sig));
    rf_put_str(out, "\"}");
    return rf_buf_done(out);
}
