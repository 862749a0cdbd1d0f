/*
 * What a peer may send as its chain, judged against a store of what else the input holds: the report is
 * whole, the level in force says what the levels' list says of it, and without a store nobody passes Medium.
 */
#include <stdint.h>

#include "cert/check.h"
#include "cert/fuzz_items.h"

#define NOW 1795300000ll /* the day on which the seeds of the corpus were made */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct rf_check_question *q, const struct rf_check_report *r, bool has_store)
{
    struct rf_log_field field[RF_CHECK_FIELDS_MAX];
    bool is_on_list = (r->passes_level & (1u << q->level)) != 0;

    rf_assert(r->is_accepted == (r->first_failed == RF_CHECK_RULE_COUNT));
    rf_assert(r->is_accepted == (r->refusal == RF_REFUSE_NONE));
    rf_assert(q->medium_is_legacy || r->is_accepted == is_on_list);
    rf_assert(r->path_count <= RF_CHECK_CHAIN_MAX + 2);
    for (int rule = 0; rule < RF_CHECK_RULE_COUNT; rule++)
        rf_assert(memchr(r->line[rule].detail, '\0', sizeof r->line[rule].detail) != NULL);
    rf_assert(r->is_accepted || r->line[r->first_failed].result == RF_CHECK_FAIL);
    rf_assert(has_store || !r->is_accepted || q->level <= RF_CHECK_LOW);
    rf_check_fields(r, "peer", field);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rf_check_report report;
    static const char *const targets[] = {"trunk.example.net", "192.0.2.7", "02a0b1c2d3e4", ""};
    struct rf_span in = rf_span(data, size);
    struct rf_check_question q = {.now_s = NOW};
    struct rf_cert_problem problem;
    struct rf_trust *trust;
    struct fuzz_item item;
    X509 *chain[FUZZ_ITEMS_MAX];
    bool has_store = false;

    if (size == 0 || rf_trust_new(&trust) != RF_OK)
        return 0;
    q.level = (enum rf_check_level)(data[0] % RF_CHECK_LEVEL_COUNT);
    q.use = (enum rf_check_use)(data[0] / 8 % 3);
    q.peer_is_server = (data[0] & 32) != 0;
    q.medium_is_legacy = (data[0] & 64) != 0;
    q.ocsp = (enum rf_check_ocsp)(data[0] % RF_CHECK_OCSP_COUNT);
    q.staple_is_due = q.peer_is_server;
    q.target = rf_span_str(targets[(data[0] >> 6) % 4]);
    q.common_name_counts = q.wildcard_counts_in_sip = (data[0] & 128) != 0;
    in = rf_span_sub(in, 1, in.n - 1);
    for (size_t i = 0; i < FUZZ_ITEMS_MAX && fuzz_next(&in, &item); i++) {
        X509 *x;

        if (item.kind == 'T' || item.kind == 'A') {
            has_store |= rf_trust_add(trust, item.octets, "fuzz", item.kind == 'A', &problem) == RF_OK;
        } else if (item.kind == 'S') {
            q.stapled = item.octets;
        } else if ((x = fuzz_x509(item.octets)) != NULL) {
            chain[q.chain_count++] = x;
        }
    }
    q.chain = chain;
    q.trust = trust;
    if (rf_check_peer(&q, &report) == RF_OK)
        look(&q, &report, has_store);
    for (size_t i = 0; i < q.chain_count; i++)
        X509_free(chain[i]);
    rf_trust_unref(trust);
    return 0;
}
