/* crypto/selftest.c - a back end earns its place: known answers, then random packets against the plain functions */
#include <stdlib.h>

#include "base/codec.h"
#include "base/rand.h"
#include "base/secret.h"
#include "crypto/aes.h"
#include "crypto/backend.h"
#include "crypto/digest.h"

#define PACKET_MAX  1500
#define SEAL_MEMORY 2048 /* more than any seal of any back end */

/* Key stream at index 0 and SSRC 0: RFC 3711 B.2, RFC 6188 7.3 and 7.1. */
static const struct {
    const char *key, *stream;
} ctr_known[] = {
    { "2b7e151628aed2a6abf7158809cf4f3c", "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab" },
    { "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
      "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a" },
    { "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
      "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac" },
};

/* RFC 7714 16.1.1 and 16.2.1. */
#define GCM_HEADER "8040f17b8041f8d35501a0b2"
#define GCM_NONCE  "51753c6580c2726f20718414" /* salt XOR (SSRC, ROC 0, SEQ f17b) */
#define GCM_PLAIN  "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
static const struct {
    const char *key, *sealed;
} gcm_known[] = {
    { "000102030405060708090a0b0c0d0e0f",
      "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
      "899d7f27beb16a9152cf765ee4390cce" },
    { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
      "7aa3db36dfffd6b0f9bb7878d7a76c13" },
};

/* RFC 2202 3, case 1: the one with a key of 20 octets. */
#define HMAC_DATA  "Hi There"
#define HMAC_KNOWN "b617318655057264e28bc0b6"

struct bench {
    struct rf_seal_job job[RF_SEAL_BATCH];
    struct rf_seal_job *at[RF_SEAL_BATCH];
    uint8_t seal[RF_SEAL_BATCH][SEAL_MEMORY];
    struct rf_seal_key key[RF_SEAL_BATCH];
    uint8_t packet[RF_SEAL_BATCH][PACKET_MAX], want[PACKET_MAX];
};

static size_t
hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    enum rf_err err = rf_hex_decode(rf_span_str(text), out, cap, &n);

    rf_assert(err == RF_OK);
    return n;
}

static struct rf_seal *
seal_at(struct bench *t, size_t i)
{
    uintptr_t p = (uintptr_t)t->seal[i];

    return (struct rf_seal *)((p + RF_SEAL_ALIGN - 1) & ~(uintptr_t)(RF_SEAL_ALIGN - 1));
}

static bool
make(struct bench *t, size_t i, const struct rf_backend *b)
{
    rf_assert(rf_seal_size_with(b, t->key[i].cipher, t->key[i].key_octets) + RF_SEAL_ALIGN <= SEAL_MEMORY);
    if (rf_seal_make_with(b, seal_at(t, i), &t->key[i]) != RF_OK)
        return false;
    t->job[i].seal = seal_at(t, i);
    t->at[i] = &t->job[i];
    return true;
}

static bool
ctr_knows(struct bench *t, const struct rf_backend *b)
{
    bool good = true;

    for (size_t i = 0; good && i < sizeof ctr_known / sizeof *ctr_known; i++) {
        uint8_t stream[32];

        memset(t, 0, sizeof *t);
        t->key[0].cipher = RF_CIPHER_AES_CM;
        t->key[0].key_octets = hex(ctr_known[i].key, t->key[0].key, sizeof t->key[0].key);
        hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000", t->job[0].iv, 16);
        t->job[0].data = t->packet[0];
        t->job[0].octets = (uint32_t)hex(ctr_known[i].stream, stream, sizeof stream);
        if (!make(t, 0, b))
            return false;
        rf_seal_cipher(t->at, 1);
        good = !t->job[0].failed && memcmp(t->packet[0], stream, sizeof stream) == 0;
        rf_seal_end(seal_at(t, 0));
    }
    return good;
}

static bool
gcm_knows(struct bench *t, const struct rf_backend *b)
{
    bool good = true;

    for (size_t i = 0; good && i < sizeof gcm_known / sizeof *gcm_known; i++) {
        struct rf_seal_job *j = &t->job[0];
        uint8_t header[12], sealed[64], plain[64];
        size_t n;

        memset(t, 0, sizeof *t);
        t->key[0].cipher = RF_CIPHER_AES_GCM;
        t->key[0].key_octets = hex(gcm_known[i].key, t->key[0].key, sizeof t->key[0].key);
        hex(GCM_NONCE, j->iv, 12);
        hex(GCM_HEADER, header, sizeof header);
        n = hex(GCM_PLAIN, t->packet[0], PACKET_MAX);
        memcpy(plain, t->packet[0], n);
        hex(gcm_known[i].sealed, sealed, sizeof sealed);
        j->auth = header;
        j->auth_octets = sizeof header;
        j->data = t->packet[0];
        j->octets = (uint32_t)n;
        if (!make(t, 0, b))
            return false;
        rf_seal_gcm_seal(j);
        good = !j->failed && memcmp(t->packet[0], sealed, n) == 0 && memcmp(j->tag, sealed + n, 16) == 0;
        j->tag[0] ^= 1;
        good = good && rf_seal_gcm_open(j, 16) == RF_ERR_AUTH && memcmp(t->packet[0], sealed, n) == 0;
        j->tag[0] ^= 1;
        good = good && rf_seal_gcm_open(j, 8) == RF_OK && memcmp(t->packet[0], plain, n) == 0;
        rf_seal_end(seal_at(t, 0));
    }
    return good;
}

/* Every batch size, so that single packets, part-filled and full lanes are all seen. */
static bool
hmac_knows(struct bench *t, const struct rf_backend *b)
{
    uint8_t want[12];
    bool good = true;

    memset(t, 0, sizeof *t);
    hex(HMAC_KNOWN, want, sizeof want);
    for (size_t i = 0; i < RF_SEAL_BATCH; i++) {
        t->key[i].cipher = RF_CIPHER_NULL;
        memset(t->key[i].auth, 0x0b, sizeof t->key[i].auth);
        t->job[i].auth = (const uint8_t *)HMAC_DATA;
        t->job[i].auth_octets = sizeof HMAC_DATA - 1;
        if (!make(t, i, b))
            return false;
    }
    for (size_t n = 1; n <= RF_SEAL_BATCH; n++) {
        for (size_t i = 0; i < n; i++)
            memset(t->job[i].tag, 0, sizeof t->job[i].tag);
        rf_seal_hmac(t->at, n);
        for (size_t i = 0; i < n; i++)
            good = good && !t->job[i].failed && memcmp(t->job[i].tag, want, sizeof want) == 0;
    }
    for (size_t i = 0; i < RF_SEAL_BATCH; i++)
        rf_seal_end(seal_at(t, i));
    return good;
}

/* Counter mode and HMAC of mixed key lengths in one batch, as the media thread sends them. */
static bool
random_batch_agrees(struct bench *t, const struct rf_backend *b, const struct rf_rand *rand, size_t n)
{
    static const uint8_t key_octets[] = { 16, 24, 32 };
    bool good = true;

    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < n; i++) {
        struct rf_seal_key *k = &t->key[i];
        struct rf_seal_job *j = &t->job[i];

        rf_rand_fill(rand, k, sizeof *k);
        k->cipher = RF_CIPHER_AES_CM;
        k->key_octets = key_octets[rf_rand_u64(rand) % 3];
        k->salt_octets = RF_SRTP_SALT_MAX;
        rf_rand_fill(rand, t->packet[i], PACKET_MAX);
        rf_rand_fill(rand, j->iv, 14);
        j->auth = t->packet[i];
        j->auth_octets = 12 + (uint32_t)(rf_rand_u64(rand) % 400);
        j->data = t->packet[i] + 12;
        j->octets = j->auth_octets - 12;
        if (!make(t, i, b))
            return false;
    }
    rf_seal_cipher(t->at, n);
    rf_seal_hmac(t->at, n);
    for (size_t i = 0; i < n; i++) {
        struct rf_seal_job *j = &t->job[i];
        struct rf_span part = rf_span(j->auth, j->auth_octets);
        uint8_t tag[RF_MD_MAX];

        good = good && !j->failed &&
               rf_hmac(RF_MD_SHA1, rf_span(t->key[i].auth, sizeof t->key[i].auth), &part, 1, tag) == RF_OK &&
               memcmp(tag, j->tag, 12) == 0;
        /* The key stream twice gives back what went in: compare by encrypting with both. */
        memcpy(t->want, j->data, j->octets);
        rf_seal_cipher(&t->at[i], 1);
        good = good && rf_aes_ctr(t->key[i].key, t->key[i].key_octets, j->iv, t->want, j->octets) == RF_OK &&
               memcmp(t->want, j->data, j->octets) == 0;
        rf_seal_end(seal_at(t, i));
    }
    return good;
}

static bool
random_gcm_agrees(struct bench *t, const struct rf_backend *b, const struct rf_rand *rand)
{
    struct rf_seal_job *j = &t->job[0];
    struct rf_seal_key *k = &t->key[0];
    struct rf_gcm plain;
    uint8_t tag[16];
    bool good;

    memset(j, 0, sizeof *j);
    rf_rand_fill(rand, k, sizeof *k);
    k->cipher = RF_CIPHER_AES_GCM;
    k->key_octets = (rf_rand_u64(rand) & 1) != 0 ? 16 : 32;
    rf_rand_fill(rand, t->packet[0], PACKET_MAX);
    rf_rand_fill(rand, j->iv, 12);
    j->auth = t->packet[0];
    j->auth_octets = 12 + 4 * (uint32_t)(rf_rand_u64(rand) % 16);
    j->data = t->packet[0] + j->auth_octets;
    j->octets = (uint32_t)(rf_rand_u64(rand) % 1400);
    memcpy(t->want, j->data, j->octets);
    if (!make(t, 0, b))
        return false;
    rf_seal_gcm_seal(j);
    plain = (struct rf_gcm){ .key = k->key,
                             .key_octets = k->key_octets,
                             .nonce = j->iv,
                             .aad = { j->auth },
                             .aad_octets = { j->auth_octets },
                             .data = t->want,
                             .octets = j->octets };
    good = !j->failed && rf_gcm_seal(&plain, tag) == RF_OK && memcmp(tag, j->tag, 16) == 0 &&
           memcmp(t->want, j->data, j->octets) == 0;
    rf_seal_end(seal_at(t, 0));
    return good;
}

bool
rf_backend_passes(const struct rf_backend *b)
{
    uint64_t seed = 0x5254502d73656c66; /* any: the run repeats */
    struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    struct bench *t = malloc(sizeof *t);
    bool good = t != NULL;

    good = good && ctr_knows(t, b) && gcm_knows(t, b) && hmac_knows(t, b);
    for (size_t n = 1; good && n <= RF_SEAL_BATCH; n += 7)
        good = random_batch_agrees(t, b, &rand, n);
    for (size_t i = 0; good && i < 64; i++)
        good = random_gcm_agrees(t, b, &rand);
    free(t);
    return good;
}
