/* A line that is read can be written and read again, with the same key. */
#include "sdp/crypto_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_crypto_line line, again;
    char text[1024];
    struct rf_buf b = rf_buf(text, sizeof text);
    const char *why = NULL;

    if (rf_crypto_line_parse(rf_span(data, size), &line, &why) != RF_OK) {
        rf_assert(why != NULL && line.key_count == 0);
        return 0;
    }
    rf_assert(line.key_count <= RF_CRYPTO_KEYS_MAX && (line.key_count > 0) == (line.suite != NULL));
    for (size_t i = 0; i < line.key_count; i++) {
        b.n = 0;
        rf_put_crypto_line(&b, line.tag, &line.key[i]);
        rf_assert(!b.overflow);
        rf_assert(rf_crypto_line_parse(rf_span(text + 9, b.n - 11), &again, &why) == RF_OK);
        rf_assert(again.tag == line.tag && again.suite == line.suite && again.key_count == 1);
        line.key[i].lifetime = 0; /* not written: we never limit a key of ours */
        rf_assert(memcmp(&again.key[0], &line.key[i], sizeof again.key[0]) == 0);
    }
    return 0;
}
