/* Known answers for digests and HMAC: RFC 1321 A.5, FIPS 180 examples, RFC 2202, RFC 4231. */
#include "base/codec.h"
#include "crypto/digest.h"
#include "tap.h"

static void
digests(void)
{
    static const struct {
        enum rf_md alg;
        const char *a, *b, *hex;
    } cases[] = {
        { RF_MD_MD5, "", "", "d41d8cd98f00b204e9800998ecf8427e" },
        { RF_MD_MD5, "message ", "digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { RF_MD_SHA1, "a", "bc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { RF_MD_SHA256, "ab", "c", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { RF_MD_SHA512_256, "", "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_span part[2] = { rf_span_str(cases[i].a), rf_span_str(cases[i].b) };
        uint8_t got[RF_MD_MAX], want[RF_MD_MAX];
        size_t n = 0;

        ok(rf_hex_decode(rf_span_str(cases[i].hex), want, sizeof want, &n) == RF_OK &&
               n == rf_md_octets(cases[i].alg) && rf_digest(cases[i].alg, part, 2, got) == RF_OK &&
               memcmp(got, want, n) == 0,
           "digest %d of \"%s%s\" in two parts", (int)cases[i].alg, cases[i].a, cases[i].b);
    }
}

static void
hmacs(void)
{
    static const struct {
        enum rf_md alg;
        const char *key;
        size_t key_repeat;
        const char *data, *hex, *why;
    } cases[] = {
        { RF_MD_SHA1, "Jefe", 1, "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
          "RFC 2202 3 case 2" },
        { RF_MD_SHA1, "\xaa", 80, "Test Using Larger Than Block-Size Key - Hash Key First",
          "aa4ae5e15272d00e95705637ce8a3b55ed402112", "RFC 2202 3 case 6: the key is hashed first" },
        { RF_MD_MD5, "Jefe", 1, "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738",
          "RFC 2202 2 case 2" },
        { RF_MD_SHA256, "Jefe", 1, "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "RFC 4231 4.3" },
        { RF_MD_SHA256, "\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "RFC 4231 4.7" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char key[256];
        size_t len = strlen(cases[i].key), n = 0;
        struct rf_span part = rf_span_str(cases[i].data);
        uint8_t got[RF_MD_MAX], want[RF_MD_MAX];

        for (size_t k = 0; k < cases[i].key_repeat; k++)
            memcpy(key + k * len, cases[i].key, len);
        ok(rf_hex_decode(rf_span_str(cases[i].hex), want, sizeof want, &n) == RF_OK &&
               rf_hmac(cases[i].alg, rf_span(key, len * cases[i].key_repeat), &part, 1, got) == RF_OK &&
               memcmp(got, want, n) == 0,
           "HMAC, %s", cases[i].why);
    }
}

int
main(void)
{
    digests();
    hmacs();
    return tap_done();
}
