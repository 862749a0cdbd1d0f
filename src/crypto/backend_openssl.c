/* crypto/backend_openssl.c - seals by OpenSSL: a keyed EVP context each, kept and used again for every packet */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "crypto/backend.h"

enum kind { CTR_128, CTR_192, CTR_256, GCM_128, GCM_256, KIND_COUNT };

static const char *const kind_name[KIND_COUNT] = { "AES-128-CTR", "AES-192-CTR", "AES-256-CTR", "AES-128-GCM",
                                                   "AES-256-GCM" };
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *fetched[KIND_COUNT];

struct own {
    EVP_CIPHER_CTX *ctx; /* owned; NULL for the null cipher */
};

static void
fetch_all(void)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        fetched[i] = EVP_CIPHER_fetch(NULL, kind_name[i], NULL);
}

static const char *
describe(void)
{
    static _Thread_local char text[64];

    snprintf(text, sizeof text, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
    return text;
}

static bool
is_usable(void)
{
    return true;
}

static size_t
size(enum rf_srtp_cipher cipher, size_t key_octets)
{
    return sizeof(struct own);
}

static enum rf_err
make(struct rf_seal *seal, const struct rf_seal_key *key)
{
    struct own *own = rf_seal_own(seal);
    enum kind kind;

    if (key->cipher == RF_CIPHER_NULL)
        return RF_OK;
    pthread_once(&once, fetch_all);
    if (key->cipher == RF_CIPHER_AES_GCM)
        kind = key->key_octets == 16 ? GCM_128 : GCM_256;
    else
        kind = key->key_octets == 16 ? CTR_128 : key->key_octets == 24 ? CTR_192 : CTR_256;
    if (fetched[kind] == NULL)
        return RF_ERR_CRYPTO;
    own->ctx = EVP_CIPHER_CTX_new();
    if (own->ctx == NULL)
        return RF_ERR_NOMEM;
    if (EVP_CipherInit_ex2(own->ctx, fetched[kind], key->key, NULL, 1, NULL) != 1) {
        EVP_CIPHER_CTX_free(own->ctx);
        own->ctx = NULL;
        return RF_ERR_CRYPTO;
    }
    return RF_OK;
}

static void
end(struct rf_seal *seal)
{
    struct own *own = rf_seal_own(seal);

    EVP_CIPHER_CTX_free(own->ctx); /* wipes its key schedule */
}

static void
ctr(struct rf_seal_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct own *own = rf_seal_own(jobs[i]->seal);
        int out;

        if (EVP_CipherInit_ex2(own->ctx, NULL, NULL, jobs[i]->iv, 1, NULL) != 1 ||
            EVP_CipherUpdate(own->ctx, jobs[i]->data, &out, jobs[i]->data, (int)jobs[i]->octets) != 1)
            jobs[i]->failed = true;
    }
}

static void
hmac(struct rf_seal_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rf_sha1_hmac(jobs[i]->seal->inner, jobs[i]->seal->outer, jobs[i]->auth, jobs[i]->auth_octets,
                     jobs[i]->tag);
}

/* The key schedule is the same in both directions; each call only says which one, and the nonce. */
static bool
gcm_run(struct rf_seal_job *job, int encrypt)
{
    struct own *own = rf_seal_own(job->seal);
    int out;

    return EVP_CipherInit_ex2(own->ctx, NULL, NULL, job->iv, encrypt, NULL) == 1 &&
           EVP_CipherUpdate(own->ctx, NULL, &out, job->auth, (int)job->auth_octets) == 1 &&
           (job->octets == 0 || EVP_CipherUpdate(own->ctx, job->data, &out, job->data, (int)job->octets) == 1);
}

static void
gcm_seal(struct rf_seal_job *job)
{
    struct own *own = rf_seal_own(job->seal);
    uint8_t none[16];
    int out;

    if (!gcm_run(job, 1) || EVP_CipherFinal_ex(own->ctx, none, &out) != 1 ||
        EVP_CIPHER_CTX_ctrl(own->ctx, EVP_CTRL_AEAD_GET_TAG, 16, job->tag) != 1)
        job->failed = true;
}

static enum rf_err
gcm_open(struct rf_seal_job *job, size_t tag_octets)
{
    struct own *own = rf_seal_own(job->seal);
    uint8_t none[16];
    int out;

    if (gcm_run(job, 0) &&
        EVP_CIPHER_CTX_ctrl(own->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_octets, job->tag) == 1 &&
        EVP_CipherFinal_ex(own->ctx, none, &out) == 1)
        return RF_OK;
    return gcm_run(job, 1) ? RF_ERR_AUTH : RF_ERR_CRYPTO; /* the same key stream again puts it back */
}

const struct rf_backend rf_backend_openssl = {
    .name = "openssl",
    .describe = describe,
    .is_usable = is_usable,
    .size = size,
    .make = make,
    .end = end,
    .ctr = ctr,
    .hmac = hmac,
    .gcm_seal = gcm_seal,
    .gcm_open = gcm_open,
};
