/*
 * crypto/sha1.c - HMAC-SHA1 from two precomputed states
 *
 * OpenSSL's EVP form of a keyed HMAC copies a context for each message, which allocates. Its SHA1_* functions
 * work on plain memory: 40 octets a key instead of two heap objects, and 230 against 320 ns a packet of 172 octets
 * (measured, one core of a shared virtual machine). They are marked deprecated since 3.0; SHA-1 in HMAC is what
 * RFC 3711 prescribes, and both back ends and the self-test hold the result.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/secret.h"
#include "crypto/backend.h"

void
rf_sha1_pad(uint32_t state[5], const uint8_t *key, size_t key_octets, uint8_t pad)
{
    uint8_t block[SHA_CBLOCK];
    SHA_CTX c;

    rf_assert(key_octets <= sizeof block);
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < key_octets; i++)
        block[i] ^= key[i];
    SHA1_Init(&c);
    SHA1_Update(&c, block, sizeof block);
    state[0] = c.h0;
    state[1] = c.h1;
    state[2] = c.h2;
    state[3] = c.h3;
    state[4] = c.h4;
    rf_wipe(block, sizeof block);
    rf_wipe(&c, sizeof c);
}

static void
resume(SHA_CTX *c, const uint32_t state[5])
{
    c->h0 = state[0];
    c->h1 = state[1];
    c->h2 = state[2];
    c->h3 = state[3];
    c->h4 = state[4];
    c->Nl = SHA_CBLOCK * 8; /* bits so far: the block of the key */
    c->Nh = 0;
    c->num = 0;
}

void
rf_sha1_hmac(const uint32_t inner[5], const uint32_t outer[5], const uint8_t *data, size_t n, uint8_t *tag)
{
    SHA_CTX c;

    resume(&c, inner);
    SHA1_Update(&c, data, n);
    SHA1_Final(tag, &c);
    resume(&c, outer);
    SHA1_Update(&c, tag, SHA_DIGEST_LENGTH);
    SHA1_Final(tag, &c);
}
