/*
 * Any answer about a certificate, by a responder of its authority: a verdict is whole and fresh, and octets that are
 * behind it make it none.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cert/fuzz_items.h"
#include "cert/ocsp.h"

#define NOW 1795000000ll

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct rf_ocsp_question *q, struct rf_span answer)
{
    struct rf_ocsp_verdict v, longer;
    char *copy = malloc(answer.n + 1);
    char url[64];

    rf_ocsp_judge(q, answer, &v);
    rf_assert(v.reason != NULL && v.why != NULL && !v.is_pending);
    if (v.status == RF_OCSP_NO_ANSWER) {
        rf_assert(v.why[0] != '\0');
    } else {
        rf_assert(v.why[0] == '\0' && v.this_update <= v.next_update);
        rf_assert(v.this_update <= NOW + RF_OCSP_SKEW_S && v.next_update >= NOW - RF_OCSP_SKEW_S);
        rf_assert(rf_ocsp_renew_at(&v) >= v.this_update && rf_ocsp_renew_at(&v) <= v.next_update);
        if (copy != NULL) {
            memcpy(copy, answer.p, answer.n);
            copy[answer.n] = 0;
            rf_ocsp_judge(q, rf_span(copy, answer.n + 1), &longer);
            rf_assert(longer.status == RF_OCSP_NO_ANSWER);
        }
    }
    (void)!rf_ocsp_url(q->x, url, sizeof url);
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_span in = rf_span(data, size);
    struct rf_ocsp_question q = { .now_s = NOW };
    struct fuzz_item item;
    X509 *pair[2] = { NULL, NULL };

    in = rf_span_sub(in, 1, size > 0 ? size - 1 : 0);
    for (size_t i = 0; i < 2 && fuzz_next(&in, &item); i++)
        pair[i] = fuzz_x509(item.octets);
    q.x = pair[0];
    q.issuer = pair[1];
    if (size > 0 && (data[0] & 1) != 0)
        q.nonce = (const uint8_t *)"0123456789abcdef";
    if (q.x != NULL && q.issuer != NULL)
        look(&q, in);
    X509_free(pair[0]);
    X509_free(pair[1]);
    return 0;
}
