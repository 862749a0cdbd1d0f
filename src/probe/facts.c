#include "probe/facts.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static const struct {
    const char *name;
    int number;
} versions[RF_PROBE_VERSION_COUNT] = {
    [RF_PROBE_SSL3] = {"SSL 3", SSL3_VERSION},      [RF_PROBE_TLS10] = {"TLS 1.0", TLS1_VERSION},
    [RF_PROBE_TLS11] = {"TLS 1.1", TLS1_1_VERSION}, [RF_PROBE_TLS12] = {"TLS 1.2", TLS1_2_VERSION},
    [RF_PROBE_TLS13] = {"TLS 1.3", TLS1_3_VERSION},
};

const char *
rf_probe_version_name(enum rf_probe_version v)
{
    rf_assert(v < RF_PROBE_VERSION_COUNT);
    return versions[v].name;
}

int
rf_probe_version_number(enum rf_probe_version v)
{
    rf_assert(v < RF_PROBE_VERSION_COUNT);
    return versions[v].number;
}

const char *
rf_probe_facts_name(const struct rf_probe_facts *f)
{
    return f->name_is_refused ? "" : f->name;
}

void
rf_probe_facts_add_x509(struct rf_probe_facts *f, X509 *const *x, size_t count, size_t sent)
{
    struct rf_probe_chain *c = &f->chain[f->chain_count];
    uint8_t digest[32];

    if (count == 0 || X509_digest(x[0], EVP_sha256(), digest, NULL) != 1)
        return;
    for (size_t i = 0; i < f->chain_count; i++)
        if (memcmp(f->chain[i].sha256, digest, sizeof digest) == 0)
            return;
    if (f->chain_count == RF_PROBE_CHAINS_MAX)
        return;
    *c = (struct rf_probe_chain){.sent = (uint16_t)(sent > UINT16_MAX ? UINT16_MAX : sent)};
    for (size_t i = 0; i < count && i < RF_PROBE_CHAIN_MAX && X509_up_ref(x[i]) == 1; i++)
        c->x[c->count++] = x[i];
    memcpy(c->sha256, digest, sizeof digest);
    f->chain_count++;
}

void
rf_probe_facts_add_chain(struct rf_probe_facts *f, const struct rf_span *der, size_t count, size_t sent)
{
    X509 *x[RF_PROBE_CHAIN_MAX];
    size_t n = 0;

    for (; n < count && n < RF_PROBE_CHAIN_MAX; n++) {
        const unsigned char *p = (const unsigned char *)der[n].p;

        x[n] = d2i_X509(NULL, &p, (long)der[n].n);
        if (x[n] == NULL) /* what follows a broken one has no place in the chain */
            break;
    }
    ERR_clear_error();
    if (n == 0 && count > 0)
        f->unreadable_sent = (uint16_t)(sent > UINT16_MAX ? UINT16_MAX : sent);
    rf_probe_facts_add_x509(f, x, n, sent);
    while (n > 0)
        X509_free(x[--n]);
}

void
rf_probe_facts_fini(struct rf_probe_facts *f)
{
    for (size_t i = 0; i < f->chain_count; i++)
        for (size_t k = 0; k < f->chain[i].count; k++)
            X509_free(f->chain[i].x[k]);
    f->chain_count = 0;
}

/* --- Diffie-Hellman parameters that are not the server's own --- */

static bool
is_prime_of(const BIGNUM *p, BIGNUM *(*make)(BIGNUM *))
{
    BIGNUM *known = make(NULL);
    bool same = known != NULL && BN_cmp(p, known) == 0;

    BN_free(known);
    return same;
}

/* Groups that OpenSSL has by name. */
static bool
is_named(const BIGNUM *p, const char *name)
{
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string("group", (char *)(uintptr_t)name, 0),
                            OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *known = NULL;
    bool same = ctx != NULL && EVP_PKEY_paramgen_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_params(ctx, params) == 1 && EVP_PKEY_paramgen(ctx, &key) == 1 &&
                EVP_PKEY_get_bn_param(key, "p", &known) == 1 && BN_cmp(p, known) == 0;

    BN_free(known);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return same;
}

const char *
rf_probe_dh_name(const struct rf_probe_facts *f)
{
    static const struct {
        const char *name;
        BIGNUM *(*make)(BIGNUM *);
    } old[] = {
        {"RFC 2409 group 1", BN_get_rfc2409_prime_768},   {"RFC 2409 group 2", BN_get_rfc2409_prime_1024},
        {"RFC 3526 group 5", BN_get_rfc3526_prime_1536},  {"RFC 3526 group 14", BN_get_rfc3526_prime_2048},
        {"RFC 3526 group 15", BN_get_rfc3526_prime_3072}, {"RFC 3526 group 16", BN_get_rfc3526_prime_4096},
        {"RFC 3526 group 17", BN_get_rfc3526_prime_6144}, {"RFC 3526 group 18", BN_get_rfc3526_prime_8192},
    };
    static const char *const named[][2] = {
        {"ffdhe2048", "RFC 7919 ffdhe2048"},    {"ffdhe3072", "RFC 7919 ffdhe3072"},
        {"ffdhe4096", "RFC 7919 ffdhe4096"},    {"ffdhe6144", "RFC 7919 ffdhe6144"},
        {"ffdhe8192", "RFC 7919 ffdhe8192"},    {"dh_1024_160", "RFC 5114, 1024 bits"},
        {"dh_2048_224", "RFC 5114, 2048 bits"}, {"dh_2048_256", "RFC 5114, 2048 bits"},
    };
    BIGNUM *p = f->dh_p_n > 0 ? BN_bin2bn(f->dh_p, f->dh_p_n, NULL) : NULL;
    const char *found = "";

    for (size_t i = 0; p != NULL && i < sizeof old / sizeof *old && found[0] == '\0'; i++)
        if (is_prime_of(p, old[i].make))
            found = old[i].name;
    for (size_t i = 0; p != NULL && i < sizeof named / sizeof *named && found[0] == '\0'; i++)
        if (is_named(p, named[i][0]))
            found = named[i][1];
    BN_free(p);
    return found;
}
