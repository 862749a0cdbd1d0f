/*
 * flow/count.c - messages for the metrics, by what their first octets say
 */
#include "flow/layer.h"

#include "sip/msg.h"

_Static_assert((int)RF_TRANSPORT_COUNT == RF_TALLY_TRANSPORTS, "a cell for each");
_Static_assert((int)RF_SIP_METHOD_COUNT == RF_TALLY_METHODS, "a cell for each");

#define METHOD_MAX 9 /* SUBSCRIBE */

/* Three digits behind "SIP/2.0 "; 0: it is no response. */
static unsigned
status_of(struct rf_span m)
{
    static const char version[] = "SIP/2.0 ";
    const size_t n = sizeof version - 1;
    unsigned status = 0;

    if (m.n < n + 3 || memcmp(m.p, version, n) != 0)
        return 0;
    for (size_t i = n; i < n + 3; i++) {
        if (m.p[i] < '0' || m.p[i] > '9')
            return 0;
        status = status * 10 + (unsigned)(m.p[i] - '0');
    }
    return status;
}

void
rf_flow_count(enum rf_tally_way way, enum rf_transport t, struct rf_span message)
{
    struct rf_tally *to = rf_tally_mine();
    unsigned status = status_of(message);

    if (status != 0) {
        rf_count(&to->sip_responses[way][t][rf_tally_status(status)], 1);
    } else {
        struct rf_span method = rf_span_sub(message, 0, METHOD_MAX + 1);

        method = rf_span_sub(method, 0, rf_span_find(method, ' '));
        if (rf_span_find(method, '/') == method.n) /* else a response that is none, or a word of HTTP */
            rf_count(&to->sip_requests[way][t][rf_sip_method_find(method)], 1);
    }
}
