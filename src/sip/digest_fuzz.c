/* digest: any octets as credentials and as a challenge; a challenge that is read can be answered and
 * verified. */
#include "sip/digest.h"

static char mem[2 * 65536];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rf_span user = RF_SPAN_LIT("alice"), password = RF_SPAN_LIT("secret"),
                         method = RF_SPAN_LIT("REGISTER");
    struct rf_span value = rf_span(data, size);
    struct rf_digest_credentials c;
    struct rf_digest_challenge challenge;
    uint8_t ha1[RF_DIGEST_OCTETS_MAX] = { 1 };
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (rf_digest_credentials_parse(value, &c) == RF_OK)
        rf_assert(!rf_digest_verify(&c, ha1, method, value));
    if (rf_digest_challenge_parse(value, &challenge) == RF_OK) {
        rf_put_digest_credentials(&b, &challenge, user, password, method, RF_SPAN_LIT("sip:x"), 1, RF_SPAN_LIT("c"));
        if (!b.overflow) {
            rf_assert(rf_digest_credentials_parse(rf_buf_span(&b), &c) == RF_OK);
            rf_assert(c.algorithm == challenge.algorithm && c.nc == (c.has_qop ? 1u : 0u));
            rf_assert(rf_span_eq(c.realm, challenge.realm) && rf_span_eq(c.nonce, challenge.nonce));
        }
    }
    return 0;
}
