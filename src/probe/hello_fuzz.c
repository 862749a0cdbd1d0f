/* Any octets as a server's first flight, whole and octet by octet: the same comes out; and as an answer of SSL 2. */
#include <stdint.h>
#include <stdlib.h>

#include "probe/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rf_probe_flight whole, pieces;
    struct rf_probe_ssl2 ssl2;
    struct rf_span name;

    rf_probe_flight_init(&whole);
    rf_probe_flight_feed(&whole, rf_span(data, size));
    rf_probe_flight_init(&pieces);
    for (size_t i = 0; i < size; i++)
        rf_probe_flight_feed(&pieces, rf_span(data + i, 1));
    rf_assert(whole.state == pieces.state && whole.suite == pieces.suite &&
              whole.chain_count == pieces.chain_count);
    rf_assert(whole.alert == pieces.alert && whole.dh_bits == pieces.dh_bits && whole.group == pieces.group);
    for (size_t i = 0; i < 64 && rf_probe_flight_ca_name(&whole, i, &name) == RF_OK; i++)
        rf_assert(name.n <= UINT16_MAX);
    for (size_t i = 0; i < whole.chain_count && i < RF_PROBE_CHAIN_MAX; i++)
        rf_assert((const uint8_t *)whole.cert[i].p >= whole.octets &&
                  (const uint8_t *)whole.cert[i].p + whole.cert[i].n <= whole.octets + whole.octets_n);
    if (rf_probe_ssl2_read(rf_span(data, size), &ssl2) == RF_OK)
        rf_assert(ssl2.is_hello && ssl2.cert.n <= size);
    return 0;
}
