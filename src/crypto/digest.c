/* crypto/digest.c - see digest.h */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/secret.h"

#define BLOCK_MAX 128 /* octets of SHA-512's block, the longest */

static const struct {
    const char *name;
    size_t octets, block;
} digests[RF_MD_COUNT] = {
    [RF_MD_MD5] = { "MD5", 16, 64 },
    [RF_MD_SHA1] = { "SHA1", 20, 64 },
    [RF_MD_SHA256] = { "SHA256", 32, 64 },
    [RF_MD_SHA512_256] = { "SHA512-256", 32, 128 },
};

/* Fetching walks OpenSSL's providers under a lock, which costs more than a short digest: once per process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *fetched[RF_MD_COUNT];
static pthread_key_t at_thread_end;
static bool has_key;
static _Thread_local EVP_MD_CTX *thread_ctx;

static void
free_ctx(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void
fetch_all(void)
{
    for (size_t i = 0; i < RF_MD_COUNT; i++)
        fetched[i] = EVP_MD_fetch(NULL, digests[i].name, NULL);
    has_key = pthread_key_create(&at_thread_end, free_ctx) == 0;
}

static EVP_MD_CTX *
ctx_of_thread(void)
{
    pthread_once(&once, fetch_all);
    if (thread_ctx == NULL && has_key) {
        thread_ctx = EVP_MD_CTX_new();
        if (thread_ctx != NULL && pthread_setspecific(at_thread_end, thread_ctx) != 0) {
            EVP_MD_CTX_free(thread_ctx);
            thread_ctx = NULL;
        }
    }
    return thread_ctx;
}

size_t
rf_md_octets(enum rf_md alg)
{
    rf_assert(alg < RF_MD_COUNT);
    return digests[alg].octets;
}

/* One digest of an optional leading block and the parts. */
static enum rf_err
digest(enum rf_md alg, const uint8_t *first, const struct rf_span *parts, size_t n, uint8_t *out)
{
    EVP_MD_CTX *ctx = ctx_of_thread();

    if (ctx == NULL || fetched[alg] == NULL || EVP_DigestInit_ex2(ctx, fetched[alg], NULL) != 1)
        return RF_ERR_CRYPTO;
    if (first != NULL && EVP_DigestUpdate(ctx, first, digests[alg].block) != 1)
        return RF_ERR_CRYPTO;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0 && EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
            return RF_ERR_CRYPTO;
    }
    return EVP_DigestFinal_ex(ctx, out, NULL) == 1 ? RF_OK : RF_ERR_CRYPTO;
}

enum rf_err
rf_digest(enum rf_md alg, const struct rf_span *parts, size_t n, uint8_t *out)
{
    rf_assert(alg < RF_MD_COUNT);
    return digest(alg, NULL, parts, n, out);
}

enum rf_err
rf_hmac(enum rf_md alg, struct rf_span key, const struct rf_span *parts, size_t n, uint8_t *out)
{
    uint8_t block[BLOCK_MAX] = { 0 }, inner[RF_MD_MAX];
    struct rf_span inner_span;
    enum rf_err err = RF_OK;

    rf_assert(alg < RF_MD_COUNT);
    if (key.n > digests[alg].block)
        err = digest(alg, NULL, &key, 1, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);

    for (size_t i = 0; i < digests[alg].block; i++)
        block[i] ^= 0x36;
    if (err == RF_OK)
        err = digest(alg, block, parts, n, inner);
    for (size_t i = 0; i < digests[alg].block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    inner_span = rf_span(inner, digests[alg].octets);
    if (err == RF_OK)
        err = digest(alg, block, &inner_span, 1, out);

    rf_wipe(block, sizeof block);
    rf_wipe(inner, sizeof inner);
    return err;
}
