#include "tls/evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* A ring: slots are used in turn, the oldest is overwritten. */
struct slots {
    struct rf_tls_event *event;
    struct rf_tls_offer *offer; /* of failed ones; NULL for the good */
    size_t size;
    uint64_t seen;
};

struct rf_tls_ring {
    struct slots good, failed;
    uint64_t serial;
};

enum rf_err
rf_tls_ring_new(struct rf_tls_ring **out, size_t good, size_t failed)
{
    struct rf_tls_ring *r = calloc(1, sizeof *r);

    rf_assert(good >= 1 && failed >= 1);
    if (r == NULL)
        return RF_ERR_NOMEM;
    r->good.size = good;
    r->failed.size = failed;
    r->good.event = calloc(good, sizeof *r->good.event);
    r->failed.event = calloc(failed, sizeof *r->failed.event);
    r->failed.offer = calloc(failed, sizeof *r->failed.offer);
    if (r->good.event == NULL || r->failed.event == NULL || r->failed.offer == NULL) {
        rf_tls_ring_free(r);
        return RF_ERR_NOMEM;
    }
    *out = r;
    return RF_OK;
}

void
rf_tls_ring_free(struct rf_tls_ring *r)
{
    if (r == NULL)
        return;
    free(r->good.event);
    free(r->failed.event);
    free(r->failed.offer);
    free(r);
}

void
rf_tls_ring_add(struct rf_tls_ring *r, const struct rf_tls_event *e, const struct rf_tls_offer *offer)
{
    struct slots *s = e->is_done ? &r->good : &r->failed;
    size_t at = s->seen++ % s->size;

    s->event[at] = *e;
    s->event[at].serial = ++r->serial;
    if (s->offer != NULL && offer != NULL)
        s->offer[at] = *offer;
    else if (s->offer != NULL)
        memset(&s->offer[at], 0, sizeof s->offer[at]);
}

uint64_t
rf_tls_ring_count(const struct rf_tls_ring *r, bool failed)
{
    return failed ? r->failed.seen : r->good.seen;
}

size_t
rf_tls_ring_copy(const struct rf_tls_ring *r, uint64_t after, bool failed, struct rf_tls_event *out,
                 struct rf_tls_offer *offer, size_t max)
{
    const struct slots *s = failed ? &r->failed : &r->good;
    uint64_t i = s->seen > s->size ? s->seen - s->size : 0;
    size_t n = 0;

    for (; i < s->seen && n < max; i++) {
        size_t at = i % s->size;

        if (s->event[at].serial <= after)
            continue;
        out[n] = s->event[at];
        if (offer != NULL && s->offer != NULL)
            offer[n] = s->offer[at];
        else if (offer != NULL)
            memset(&offer[n], 0, sizeof offer[n]);
        n++;
    }
    return n;
}

/* --- as text --- */

static void
put_levels(struct rf_buf *b, const char *name, rf_tls_level_set set)
{
    rf_json_open(b, name, '[');
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++)
        if ((set >> i & 1) != 0)
            rf_json_str(b, NULL, rf_tls_level_row((enum rf_tls_level)i)->name);
    rf_json_close(b, ']');
}

static size_t
at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

static void
put_offer(struct rf_buf *b, const struct rf_tls_offer *o)
{
    char text[48], number[8];

    rf_json_open(b, "offer", '{');
    rf_json_open(b, "versions", '[');
    for (size_t i = 0; i < at_most(o->version_count, RF_TLS_OFFER_VERSIONS); i++)
        rf_json_str(b, NULL, rf_tls_version_name(o->version[i]));
    if (o->version_count == 0)
        rf_json_str(b, NULL, rf_tls_version_name(o->highest_version));
    rf_json_close(b, ']');
    rf_json_u64(b, "suite_count", o->suite_count);
    rf_json_open(b, "suites", '[');
    for (size_t i = 0; i < at_most(o->suite_count, RF_TLS_OFFER_SUITES); i++)
        rf_json_str(b, NULL, rf_tls_suite_name(o->suite[i], text));
    rf_json_close(b, ']');
    rf_json_open(b, "groups", '[');
    for (size_t i = 0; i < at_most(o->group_count, RF_TLS_OFFER_GROUPS); i++) {
        const char *name = rf_tls_group_name(o->group[i]);

        snprintf(number, sizeof number, "0x%04x", o->group[i]);
        rf_json_str(b, NULL, name != NULL ? name : number);
    }
    rf_json_close(b, ']');
    rf_json_open(b, "signature_algorithms", '[');
    for (size_t i = 0; i < at_most(o->sigalg_count, RF_TLS_OFFER_SIGALGS); i++)
        rf_json_str(b, NULL, rf_tls_sigalg_name(o->sigalg[i], text));
    rf_json_close(b, ']');
    rf_json_str(b, "server_name", o->server_name);
    rf_json_str(b, "alpn", o->alpn);
    rf_json_bool(b, "asks_status", o->asks_status);
    rf_json_bool(b, "is_fallback", o->is_fallback);
    rf_json_close(b, '}');
}

static void
put_certificate(struct rf_buf *b, const struct rf_tls_event *e)
{
    char hex[65];
    struct rf_buf h = rf_buf(hex, sizeof hex - 1);

    rf_json_open(b, "certificate", '{');
    rf_json_bool(b, "asked", e->was_asked);
    rf_json_bool(b, "shown", e->has_certificate);
    if (e->has_certificate) {
        rf_put_hex(&h, e->sha256, sizeof e->sha256);
        hex[h.n] = '\0';
        rf_json_str(b, "subject", e->subject);
        rf_json_str(b, "sha256", hex);
        rf_json_u64(b, "not_after", (uint64_t)(e->not_after > 0 ? e->not_after : 0));
        rf_json_open(b, "would_pass", '[');
        for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
            if ((e->passes_level >> i & 1) != 0)
                rf_json_str(b, NULL, rf_check_level_name((enum rf_check_level)i));
        rf_json_close(b, ']');
    }
    if (e->was_asked) {
        rf_json_str(b, "level", rf_check_level_name(e->check_level));
        rf_json_bool(b, "accepted", e->is_accepted);
        if (e->first_failed < RF_CHECK_RULE_COUNT)
            rf_json_str(b, "first_failed", rf_check_rule_name(e->first_failed));
    }
    rf_json_close(b, '}');
}

static void
put_failure(struct rf_buf *b, const struct rf_tls_failure *f)
{
    const struct rf_refusal_row *row = rf_refusal_row(f->refusal);

    rf_json_str(b, "code", row->code);
    rf_json_str(b, "slug", row->slug);
    rf_json_str(b, "reason", f->reason);
    if (f->alert_sent >= 0)
        rf_json_str(b, "alert_sent", rf_tls_alert_name(f->alert_sent));
    if (f->alert_received >= 0)
        rf_json_str(b, "alert_received", rf_tls_alert_name(f->alert_received));
    if (f->dh_bits > 0)
        rf_json_u64(b, "dh_bits", f->dh_bits);
    if (f->nearest_level[0] != '\0')
        rf_json_str(b, "nearest_level", f->nearest_level);
    rf_json_open(b, "causes", '[');
    for (size_t i = 0; i < f->cause_count; i++)
        rf_json_str(b, NULL, rf_tls_cause_slug((enum rf_tls_cause)f->cause[i]));
    rf_json_close(b, ']');
}

void
rf_tls_event_json(struct rf_buf *b, const struct rf_tls_event *e, const struct rf_tls_offer *offer)
{
    char text[RF_ADDR_TEXT_MAX];

    rf_json_open(b, NULL, '{');
    rf_json_u64(b, "serial", e->serial);
    rf_json_u64(b, "at_s", (uint64_t)e->wall_s);
    rf_json_u64(b, "took_us", e->took_us);
    rf_json_str(b, "peer", rf_addr_is_set(&e->peer) ? rf_addr_text(&e->peer, text) : "");
    rf_json_str(b, "interface", e->interface);
    rf_json_str(b, "role", e->we_are_server ? "server" : "client");
    rf_json_bool(b, "done", e->is_done);
    rf_json_bool(b, "tls.resumed", e->is_resumed);
    if (e->version != 0)
        rf_json_str(b, "tls.protocol.version", rf_tls_version_name(e->version));
    if (e->suite != 0) {
        char name[48];

        rf_json_str(b, "tls.cipher", rf_tls_suite_name(e->suite, name));
    }
    if (e->group != 0)
        rf_json_str(b, "tls.curve", rf_tls_group_name(e->group));
    rf_json_str(b, "tls.client.server_name", e->server_name);
    if (e->we_are_server)
        put_levels(b, "would_fit", e->fits);
    put_certificate(b, e);
    if (!e->is_done)
        put_failure(b, &e->failure);
    if (!e->is_done && offer != NULL && offer->highest_version != 0)
        put_offer(b, offer);
    rf_json_close(b, '}');
}
