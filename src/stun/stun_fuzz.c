/* Any octets as STUN: decoded, checked with a key, and answered; the answer must decode again. */
#include <stdint.h>

#include "stun/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rf_addr from = { .v4 = { .sin_family = AF_INET, .sin_port = 0x1234 } };
    char mem[RF_STUN_MESSAGE_MAX];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_stun m, answer;

    if (rf_stun_parse(data, size, &m) != RF_OK)
        return 0;
    (void)rf_stun_is_from(&m, RF_SPAN_LIT("VOkJxbRl1RmTxUk/WvJxBt"));
    if (m.unknown_count > 0)
        rf_assert(rf_stun_refusal(&b, &m, 420, RF_SPAN_LIT("key")) == RF_OK);
    else
        rf_assert(rf_stun_binding_success(&b, &m, &from, RF_SPAN_LIT("key")) == RF_OK);
    rf_assert(rf_stun_parse((const uint8_t *)b.p, b.n, &answer) == RF_OK);
    rf_assert(rf_stun_is_from(&answer, RF_SPAN_LIT("key")));
    rf_assert(memcmp(answer.id, m.id, sizeof m.id) == 0);
    return 0;
}
