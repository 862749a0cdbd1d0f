#include "route/search.h"

static void
heard(struct rf_dns_query *q, const struct rf_dns_answer *answer, uint64_t now_us)
{
    struct rf_search *s = rf_container(q, struct rf_search, query);

    rf_resolve_answer(&s->resolve, answer);
    s->ready(s, now_us);
}

enum rf_err
rf_search_begin(struct rf_search *s, struct rf_dns *dns, const struct rf_sip_uri *uri,
                const struct rf_resolve_conf *conf)
{
    memset(&s->query, 0, sizeof s->query);
    s->dns = dns;
    s->query.done = heard;
    s->ready = NULL;
    return rf_resolve_begin(&s->resolve, uri, conf);
}

enum rf_err
rf_search_next(struct rf_search *s, struct rf_target *target, uint64_t now_us)
{
    for (;;) {
        enum rf_err err = rf_resolve_next(&s->resolve, target);
        struct rf_span name = rf_span_str(s->resolve.question.name);
        const struct rf_dns_answer *known;

        if (err == RF_ERR_NOT_FOUND && s->resolve.had_failure)
            return RF_ERR_TIMEOUT;
        if (err != RF_ERR_AGAIN)
            return err;
        known = rf_dns_cached(s->dns, s->resolve.question.type, name, now_us);
        if (known == NULL) {
            err = rf_dns_ask(s->dns, &s->query, s->resolve.question.type, name, now_us);
            if (err == RF_OK)
                return RF_ERR_AGAIN;
            if (err != RF_ERR_SYNTAX)
                return err;
            /* A name of the DNS that cannot be asked: as if it had no records. */
            known =
                &(const struct rf_dns_answer){ .status = RF_DNS_NO_NAME, .type = s->resolve.question.type };
        }
        rf_resolve_answer(&s->resolve, known);
    }
}

void
rf_search_end(struct rf_search *s)
{
    rf_dns_cancel(&s->query);
}
