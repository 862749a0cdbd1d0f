/*
 * crypto/backend_ipsec_mb.c - seals by intel-ipsec-mb (x86-64)
 *
 * Counter mode gains nothing from a batch, HMAC-SHA1 gains most: 16 packets side by side with AVX-512. So the
 * two halves run as bursts of their own, and GCM, which needs no batch, by the direct functions.
 */
#include <assert.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdio.h>

#include "base/secret.h"
#include "crypto/backend.h"

/* Below this many packets one after the other is cheaper: 195 ns each, against about 1200 ns a burst and 70 ns for
 * each in it (172 octets, AVX-512, one core of a shared virtual machine). */
#define HASH_BURST_MIN 10

#define TAG_ASKED 12 /* release 1.3 takes HMAC-SHA1 tags of 12 or 20 octets only; the caller cuts to 10 or 4 */

static_assert(RF_SEAL_BATCH <= IMB_MAX_BURST_SIZE, "a batch is one burst");

struct manager {
    IMB_MGR *mb;
    IMB_ARCH arch;
    IMB_JOB job[RF_SEAL_BATCH];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;
static _Thread_local struct manager *of_thread;

static void
manager_free(void *arg)
{
    struct manager *m = arg;

    if (m->mb != NULL)
        free_mb_mgr(m->mb);
    rf_wipe(m, sizeof *m);
    free(m);
}

static void
make_key(void)
{
    has_key = pthread_key_create(&at_thread_end, manager_free) == 0;
}

/* This thread's manager; made at its first call. NULL: no memory, or a machine the library does not know. */
static struct manager *
manager(void)
{
    struct manager *m;

    if (of_thread != NULL)
        return of_thread;
    pthread_once(&once, make_key);
    m = has_key ? calloc(1, sizeof *m) : NULL;
    if (m == NULL)
        return NULL;
    m->mb = alloc_mb_mgr(0);
    if (m->mb != NULL)
        init_mb_mgr_auto(m->mb, &m->arch);
    if (m->mb == NULL || imb_get_errno(m->mb) != 0 || pthread_setspecific(at_thread_end, m) != 0) {
        manager_free(m);
        return NULL;
    }
    of_thread = m;
    return m;
}

static const char *
arch_name(IMB_ARCH arch)
{
    switch (arch) {
    case IMB_ARCH_SSE:
        return "SSE";
    case IMB_ARCH_AVX2:
        return "AVX2";
    case IMB_ARCH_AVX512:
        return "AVX512";
    default:
        return "x86-64";
    }
}

static const char *
describe(void)
{
    static _Thread_local char text[64];
    struct manager *m = manager();
    const char *version = imb_get_version_str();

    snprintf(text, sizeof text, "ipsec-mb %s (%s)", version[0] == 'v' ? version + 1 : version,
             m != NULL ? arch_name(m->arch) : "no memory");
    return text;
}

static bool
is_usable(void)
{
    struct manager *m = manager();

    /* Its AES in plain C is slower than OpenSSL's and not constant in time. */
    return m != NULL && (m->mb->features & IMB_FEATURE_AESNI) != 0;
}

static size_t
size(enum rf_srtp_cipher cipher, size_t key_octets)
{
    switch (cipher) {
    case RF_CIPHER_AES_CM:
        return 16 * (key_octets / 4 + 7); /* rounds + 1 keys (FIPS 197) */
    case RF_CIPHER_AES_GCM:
        return sizeof(struct gcm_key_data);
    default:
        return 0;
    }
}

static enum rf_err
make(struct rf_seal *seal, const struct rf_seal_key *key)
{
    struct manager *m = manager();
    void *own = rf_seal_own(seal);
    _Alignas(16) uint8_t unused[16 * 15]; /* keys for decrypting blocks, which counter mode never does */

    if (m == NULL)
        return RF_ERR_NOMEM;
    switch (key->cipher) {
    case RF_CIPHER_AES_CM:
        if (key->key_octets == 16)
            IMB_AES_KEYEXP_128(m->mb, key->key, own, unused);
        else if (key->key_octets == 24)
            IMB_AES_KEYEXP_192(m->mb, key->key, own, unused);
        else
            IMB_AES_KEYEXP_256(m->mb, key->key, own, unused);
        rf_wipe(unused, sizeof unused);
        break;
    case RF_CIPHER_AES_GCM:
        if (key->key_octets == 16)
            IMB_AES128_GCM_PRE(m->mb, key->key, own);
        else
            IMB_AES256_GCM_PRE(m->mb, key->key, own);
        break;
    default:
        break;
    }
    return RF_OK;
}

static void
end(struct rf_seal *seal)
{
}

static void
fail_all(struct rf_seal_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        jobs[i]->failed = true;
}

static void
ctr(struct rf_seal_job *const *jobs, size_t n)
{
    struct manager *m = manager();

    if (m == NULL) {
        fail_all(jobs, n);
        return;
    }
    /* One burst takes keys of one length. */
    for (size_t key_octets = 16; key_octets <= 32; key_octets += 8) {
        uint32_t count = 0;

        for (size_t i = 0; i < n; i++) {
            IMB_JOB *j = &m->job[count];

            if (jobs[i]->seal->key_octets != key_octets)
                continue;
            j->enc_keys = rf_seal_own(jobs[i]->seal);
            j->dec_keys = j->enc_keys;
            j->key_len_in_bytes = key_octets;
            j->src = jobs[i]->data;
            j->dst = jobs[i]->data;
            j->cipher_start_src_offset_in_bytes = 0;
            j->msg_len_to_cipher_in_bytes = jobs[i]->octets;
            j->iv = jobs[i]->iv;
            j->iv_len_in_bytes = 16;
            j->cipher_mode = IMB_CIPHER_CNTR;
            j->cipher_direction = IMB_DIR_ENCRYPT;
            j->status = IMB_STATUS_BEING_PROCESSED;
            j->user_data = jobs[i];
            count++;
        }
        if (count == 0 || IMB_SUBMIT_CIPHER_BURST_NOCHECK(m->mb, m->job, count, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                                          (IMB_KEY_SIZE_BYTES)key_octets) == count)
            continue;
        for (uint32_t i = 0; i < count; i++)
            ((struct rf_seal_job *)m->job[i].user_data)->failed = true;
    }
}

static void
hmac(struct rf_seal_job *const *jobs, size_t n)
{
    struct manager *m = manager();

    if (n < HASH_BURST_MIN) {
        rf_backend_openssl.hmac(jobs, n);
        return;
    }
    if (m == NULL) {
        fail_all(jobs, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        IMB_JOB *j = &m->job[i];

        j->src = jobs[i]->auth;
        j->hash_start_src_offset_in_bytes = 0;
        j->msg_len_to_hash_in_bytes = jobs[i]->auth_octets;
        j->auth_tag_output = jobs[i]->tag;
        j->auth_tag_output_len_in_bytes = TAG_ASKED;
        j->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)jobs[i]->seal->inner;
        j->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)jobs[i]->seal->outer;
        j->hash_alg = IMB_AUTH_HMAC_SHA_1;
        j->status = IMB_STATUS_BEING_PROCESSED;
    }
    if (IMB_SUBMIT_HASH_BURST_NOCHECK(m->mb, m->job, (uint32_t)n, IMB_AUTH_HMAC_SHA_1) != n)
        fail_all(jobs, n);
}

static void
gcm_seal(struct rf_seal_job *job)
{
    struct manager *m = manager();
    struct gcm_context_data scratch;

    if (m == NULL)
        job->failed = true;
    else if (job->seal->key_octets == 16)
        IMB_AES128_GCM_ENC(m->mb, rf_seal_own(job->seal), &scratch, job->data, job->data, job->octets, job->iv,
                           job->auth, job->auth_octets, job->tag, 16);
    else
        IMB_AES256_GCM_ENC(m->mb, rf_seal_own(job->seal), &scratch, job->data, job->data, job->octets, job->iv,
                           job->auth, job->auth_octets, job->tag, 16);
}

static enum rf_err
gcm_open(struct rf_seal_job *job, size_t tag_octets)
{
    struct manager *m = manager();
    struct gcm_context_data scratch;
    uint8_t tag[16];

    if (m == NULL)
        return RF_ERR_CRYPTO;
    if (job->seal->key_octets == 16)
        IMB_AES128_GCM_DEC(m->mb, rf_seal_own(job->seal), &scratch, job->data, job->data, job->octets, job->iv,
                           job->auth, job->auth_octets, tag, 16);
    else
        IMB_AES256_GCM_DEC(m->mb, rf_seal_own(job->seal), &scratch, job->data, job->data, job->octets, job->iv,
                           job->auth, job->auth_octets, tag, 16);
    if (rf_octets_eq(tag, job->tag, tag_octets))
        return RF_OK;
    memcpy(tag, job->tag, sizeof tag);
    gcm_seal(job); /* the same key stream again puts the packet back */
    memcpy(job->tag, tag, sizeof tag);
    return RF_ERR_AUTH;
}

const struct rf_backend rf_backend_ipsec_mb = {
    .name = "ipsec-mb",
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
