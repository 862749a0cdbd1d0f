/* crypto/seal.c - see seal.h: seals, and jobs handed to the back end that made them */
#include "crypto/seal.h"

#include "base/secret.h"
#include "crypto/aes.h"
#include "crypto/backend.h"

static const struct rf_backend *in_use = &rf_backend_openssl;

static size_t
align_up(size_t n)
{
    return (n + RF_SEAL_ALIGN - 1) & ~(size_t)(RF_SEAL_ALIGN - 1);
}

size_t
rf_seal_size_with(const struct rf_backend *b, enum rf_srtp_cipher cipher, size_t key_octets)
{
    if (cipher == RF_CIPHER_AES_F8)
        return align_up(RF_SEAL_ALIGN + sizeof(struct rf_seal_f8));
    return align_up(RF_SEAL_ALIGN + b->size(cipher, key_octets));
}

size_t
rf_seal_size(enum rf_srtp_cipher cipher, size_t key_octets)
{
    return rf_seal_size_with(in_use, cipher, key_octets);
}

enum rf_err
rf_seal_make(struct rf_seal *seal, const struct rf_seal_key *key)
{
    return rf_seal_make_with(in_use, seal, key);
}

enum rf_err
rf_seal_make_with(const struct rf_backend *b, struct rf_seal *seal, const struct rf_seal_key *key)
{
    size_t octets = rf_seal_size_with(b, key->cipher, key->key_octets);
    enum rf_err err = RF_OK;

    rf_assert((uintptr_t)seal % RF_SEAL_ALIGN == 0);
    memset(seal, 0, octets);
    seal->backend = b;
    seal->cipher = (uint8_t)key->cipher;
    seal->key_octets = (uint8_t)key->key_octets;
    seal->salt_octets = (uint8_t)key->salt_octets;
    seal->octets = (uint32_t)octets;
    rf_sha1_pad(seal->inner, key->auth, sizeof key->auth, 0x36);
    rf_sha1_pad(seal->outer, key->auth, sizeof key->auth, 0x5c);
    if (key->cipher == RF_CIPHER_AES_F8) {
        struct rf_seal_f8 *f8 = rf_seal_own(seal);

        memcpy(f8->key, key->key, sizeof f8->key);
        memcpy(f8->salt, key->salt, sizeof f8->salt);
    } else {
        err = b->make(seal, key);
    }
    if (err)
        rf_seal_end(seal);
    return err;
}

void
rf_seal_end(struct rf_seal *seal)
{
    if (seal->backend == NULL)
        return;
    if (seal->cipher != RF_CIPHER_AES_F8)
        seal->backend->end(seal);
    rf_wipe(seal, seal->octets);
}

/* In a running process all seals have one back end, so a run is the whole batch; tests compare two. */
static size_t
run_of_one_backend(struct rf_seal_job *const *jobs, size_t n)
{
    size_t i = 1;

    while (i < n && jobs[i]->seal->backend == jobs[0]->seal->backend)
        i++;
    return i;
}

void
rf_seal_cipher(struct rf_seal_job *const *jobs, size_t n)
{
    struct rf_seal_job *ctr[RF_SEAL_BATCH];
    size_t count = 0;

    rf_assert(n <= RF_SEAL_BATCH);
    for (size_t i = 0; i < n; i++) {
        struct rf_seal_job *job = jobs[i];

        if (job->octets == 0)
            continue;
        if (job->seal->cipher == RF_CIPHER_AES_CM) {
            ctr[count++] = job;
        } else if (job->seal->cipher == RF_CIPHER_AES_F8) {
            const struct rf_seal_f8 *f8 = rf_seal_own(job->seal);

            if (rf_aes_f8(f8->key, f8->salt, job->seal->salt_octets, job->iv, job->data, job->octets) != RF_OK)
                job->failed = true;
        }
    }
    for (size_t at = 0; at < count;) {
        size_t run = run_of_one_backend(ctr + at, count - at);

        ctr[at]->seal->backend->ctr(ctr + at, run);
        at += run;
    }
}

void
rf_seal_hmac(struct rf_seal_job *const *jobs, size_t n)
{
    rf_assert(n <= RF_SEAL_BATCH);
    for (size_t at = 0; at < n;) {
        size_t run = run_of_one_backend(jobs + at, n - at);

        jobs[at]->seal->backend->hmac(jobs + at, run);
        at += run;
    }
}

void
rf_seal_gcm_seal(struct rf_seal_job *job)
{
    job->seal->backend->gcm_seal(job);
}

enum rf_err
rf_seal_gcm_open(struct rf_seal_job *job, size_t tag_octets)
{
    return job->seal->backend->gcm_open(job, tag_octets);
}

void
rf_seal_prefetch(const struct rf_seal *seal)
{
    /* The common part and the round keys of AES-256, or the first hash keys of GCM. */
    for (size_t line = 0; line < 5; line++)
        __builtin_prefetch((const uint8_t *)seal + line * 64);
}

enum rf_err
rf_seal_init(const char *want)
{
    static const struct rf_backend *const backends[] = {
#if RF_HAVE_IPSEC_MB
        &rf_backend_ipsec_mb,
#endif
        &rf_backend_openssl,
    };
    bool is_auto = strcmp(want, "auto") == 0;

    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        const struct rf_backend *b = backends[i];

        if ((is_auto || strcmp(want, b->name) == 0) && b->is_usable() && rf_backend_passes(b)) {
            in_use = b;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

const char *
rf_seal_backend(void)
{
    return in_use->describe();
}
