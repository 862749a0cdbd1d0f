/* Any octets as an answer to each kind of question; first octet: the kind. */
#include <stdint.h>

#include "net/dns_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum rf_dns_type types[] = { RF_DNS_A, RF_DNS_AAAA, RF_DNS_SRV, RF_DNS_NAPTR };
    static struct rf_dns_answer answer;
    enum rf_err err;

    if (size < 1)
        return 0;
    err = rf_dns_decode(rf_span(data + 1, size - 1), types[data[0] % 4], RF_SPAN_LIT("a.example"), &answer);
    rf_assert(answer.count <= RF_DNS_RECORDS_MAX);
    rf_assert((answer.status == RF_DNS_FOUND) == (answer.count > 0));
    rf_assert(err == RF_OK || answer.status == RF_DNS_FAILED);
    rf_assert(answer.ttl_s <= RF_DNS_TTL_MAX_S);
    for (size_t i = 0; i < answer.count; i++) {
        const struct rf_dns_record *r = &answer.record[i];

        if (answer.type == RF_DNS_SRV)
            rf_assert(r->srv.target[0] == '\0' || rf_dns_name_is_fit(rf_span_str(r->srv.target)));
        if (answer.type == RF_DNS_NAPTR)
            rf_assert(r->naptr.replacement[0] == '\0' ||
                      rf_dns_name_is_fit(rf_span_str(r->naptr.replacement)));
    }
    return 0;
}
