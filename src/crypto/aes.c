/* crypto/aes.c - see aes.h */
#include "crypto/aes.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/secret.h"

enum kind { CTR_128, CTR_192, CTR_256, GCM_128, GCM_256, ECB_128, KIND_COUNT };

static const char *const kind_name[KIND_COUNT] = { "AES-128-CTR", "AES-192-CTR", "AES-256-CTR",
                                                   "AES-128-GCM", "AES-256-GCM", "AES-128-ECB" };

/* The contexts of a thread. Naming the cipher again would make OpenSSL allocate, so each keeps its own. */
struct contexts {
    EVP_CIPHER_CTX *ctx[KIND_COUNT];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *fetched[KIND_COUNT];
static pthread_key_t at_thread_end;
static bool has_key;
static _Thread_local struct contexts *of_thread;

static void
contexts_free(void *arg)
{
    struct contexts *c = arg;

    for (size_t i = 0; i < KIND_COUNT; i++)
        EVP_CIPHER_CTX_free(c->ctx[i]);
    free(c);
}

static void
fetch_all(void)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        fetched[i] = EVP_CIPHER_fetch(NULL, kind_name[i], NULL);
    has_key = pthread_key_create(&at_thread_end, contexts_free) == 0;
}

static EVP_CIPHER_CTX *
context(enum kind kind)
{
    EVP_CIPHER_CTX *ctx;

    pthread_once(&once, fetch_all);
    if (of_thread == NULL) {
        struct contexts *c = has_key ? calloc(1, sizeof *c) : NULL;

        if (c == NULL || pthread_setspecific(at_thread_end, c) != 0) {
            free(c);
            return NULL;
        }
        of_thread = c;
    }
    if (of_thread->ctx[kind] != NULL || fetched[kind] == NULL)
        return of_thread->ctx[kind];

    ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && (EVP_CipherInit_ex2(ctx, fetched[kind], NULL, NULL, 1, NULL) != 1 ||
                        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    of_thread->ctx[kind] = ctx;
    return ctx;
}

enum rf_err
rf_aes_ctr(const uint8_t *key, size_t key_octets, const uint8_t *iv, uint8_t *data, size_t n)
{
    EVP_CIPHER_CTX *ctx = context(key_octets == 16 ? CTR_128 : key_octets == 24 ? CTR_192 : CTR_256);
    int out;

    rf_assert(key_octets == 16 || key_octets == 24 || key_octets == 32);
    rf_assert(n <= INT32_MAX);
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, NULL, key, iv, 1, NULL) != 1 ||
        EVP_CipherUpdate(ctx, data, &out, data, (int)n) != 1)
        return RF_ERR_CRYPTO;
    return RF_OK;
}

/* All of one GCM operation up to the tag. */
static EVP_CIPHER_CTX *
gcm_run(const struct rf_gcm *g, int encrypt)
{
    EVP_CIPHER_CTX *ctx = context(g->key_octets == 16 ? GCM_128 : GCM_256);
    int out;

    rf_assert(g->key_octets == 16 || g->key_octets == 32);
    rf_assert(g->octets <= INT32_MAX);
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, NULL, g->key, g->nonce, encrypt, NULL) != 1)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        if (g->aad_octets[i] > 0 && EVP_CipherUpdate(ctx, NULL, &out, g->aad[i], (int)g->aad_octets[i]) != 1)
            return NULL;
    }
    if (g->octets > 0 && EVP_CipherUpdate(ctx, g->data, &out, g->data, (int)g->octets) != 1)
        return NULL;
    return ctx;
}

enum rf_err
rf_gcm_seal(const struct rf_gcm *g, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = gcm_run(g, 1);
    uint8_t none[16];
    int out;

    if (ctx == NULL || EVP_CipherFinal_ex(ctx, none, &out) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) != 1)
        return RF_ERR_CRYPTO;
    return RF_OK;
}

enum rf_err
rf_gcm_open(const struct rf_gcm *g, const uint8_t *tag, size_t tag_octets)
{
    EVP_CIPHER_CTX *ctx = gcm_run(g, 0);
    uint8_t copy[16], none[16];
    int out;

    rf_assert(tag_octets == 8 || tag_octets == 16);
    if (ctx == NULL)
        return RF_ERR_CRYPTO;
    memcpy(copy, tag, tag_octets); /* the call wants to write, by its type */
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_octets, copy) == 1 &&
        EVP_CipherFinal_ex(ctx, none, &out) == 1)
        return RF_OK;
    return gcm_run(g, 1) != NULL ? RF_ERR_AUTH : RF_ERR_CRYPTO;
}

/*
 * RFC 3711 4.1.2.1:  m = k_s || 0x555..5,  IV' = E(k_e XOR m, IV),
 *                    S(-1) = 0,  S(j) = E(k_e, IV' XOR j XOR S(j-1))
 */
enum rf_err
rf_aes_f8(const uint8_t *key, const uint8_t *salt, size_t salt_octets, const uint8_t *iv, uint8_t *data, size_t n)
{
    EVP_CIPHER_CTX *ctx = context(ECB_128);
    uint8_t masked[16], iv2[16], s[16] = { 0 };
    enum rf_err err = RF_ERR_CRYPTO;
    int out;

    rf_assert(salt_octets <= 16);
    for (size_t i = 0; i < 16; i++)
        masked[i] = key[i] ^ (i < salt_octets ? salt[i] : 0x55);
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, NULL, masked, NULL, 1, NULL) != 1 ||
        EVP_CipherUpdate(ctx, iv2, &out, iv, 16) != 1 || EVP_CipherInit_ex2(ctx, NULL, key, NULL, 1, NULL) != 1)
        goto end;

    for (size_t at = 0; at < n; at += 16) {
        uint32_t j = (uint32_t)(at / 16);

        for (size_t i = 0; i < 16; i++)
            s[i] ^= iv2[i];
        s[12] ^= (uint8_t)(j >> 24);
        s[13] ^= (uint8_t)(j >> 16);
        s[14] ^= (uint8_t)(j >> 8);
        s[15] ^= (uint8_t)j;
        if (EVP_CipherUpdate(ctx, s, &out, s, 16) != 1)
            goto end;
        for (size_t i = 0; i < 16 && at + i < n; i++)
            data[at + i] ^= s[i];
    }
    err = RF_OK;

end:
    rf_wipe(masked, sizeof masked);
    rf_wipe(iv2, sizeof iv2);
    rf_wipe(s, sizeof s);
    return err;
}
