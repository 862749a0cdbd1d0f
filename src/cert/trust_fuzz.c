/*
 * Any octets as a trusted store: all of them are added or nothing is; what was added can be asked, and a
 * second time adds nothing.
 */
#include <stdint.h>

#include "cert/part.h"
#include "cert/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask_all(const struct rf_trust *t)
{
    STACK_OF(X509_NAME) *names = rf_trust_names(t);

    for (size_t i = 0; i < rf_trust_count(t); i++) {
        const struct rf_trust_entry *e = rf_trust_entry(t, i);
        X509 *x = rf_trust_x509(t, i);
        struct rf_trust_revocation rev;
        size_t same = 0;

        rf_assert(e->use < RF_TRUST_USE_COUNT && strcmp(e->origin, "fuzz") == 0);
        rf_assert(e->facts.san_count <= RF_CERT_NAMES_MAX);
        rf_assert(rf_trust_has_copy(t, x) && rf_trust_index(t, rf_trust_part(t, i)) == (int)i);
        for (int k = rf_trust_next(t, X509_get_subject_name(x), -1); k >= 0;
             k = rf_trust_next(t, X509_get_subject_name(x), k))
            same += k == (int)i;
        rf_assert(same == 1);
        rf_trust_revoked(t, x, x, x, 1795000000, &rev);
        rf_assert(rev.reason != NULL && (!rev.is_revoked || rev.lists > 0));
    }
    for (size_t i = 0; i < rf_trust_crl_count(t); i++) {
        struct rf_trust_crl_facts f;

        rf_trust_crl_facts(t, i, &f);
        rf_assert(memchr(f.issuer, '\0', sizeof f.issuer) != NULL && strcmp(f.origin, "fuzz") == 0);
    }
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_cert_problem problem;
    struct rf_trust *t;
    size_t count, lists;
    enum rf_err err;

    if (rf_trust_new(&t) != RF_OK)
        return 0;
    err = rf_trust_add(t, rf_span(data, size), "fuzz", size % 2 == 1, &problem);
    count = rf_trust_count(t);
    lists = rf_trust_crl_count(t);
    if (err) {
        rf_assert(count == 0 && lists == 0);
        rf_assert(err == RF_ERR_NOMEM || problem.text[0] != '\0');
    } else {
        ask_all(t);
        rf_assert(rf_trust_add(t, rf_span(data, size), "fuzz", size % 2 == 1, &problem) == RF_OK);
        rf_assert(rf_trust_count(t) == count && rf_trust_crl_count(t) == lists);
    }
    rf_trust_unref(t);
    return 0;
}
