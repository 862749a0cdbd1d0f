/*
 * call/evidence.c - what protected a call, from packets that were counted and never from settings
 *
 * A leg is encrypted when SRTP packets passed and no clear one did. A call is ENCRYPTED when both legs are, now, and
 * both signalling paths are TLS, so that the keys could not be read. verdict_min is the worst of its life.
 */
#include "call/layer.h"

enum leg_proof { LEG_SILENT, LEG_CLEAR, LEG_MIXED, LEG_ENCRYPTED };

const char *
verdict_name(enum verdict v)
{
    static const char *const names[] = { "UNPROVEN", "CLEAR", "PARTLY", "ENCRYPTED" };

    return names[v];
}

static enum leg_proof
proof(uint64_t encrypted, uint64_t clear)
{
    if (encrypted == 0)
        return clear == 0 ? LEG_SILENT : LEG_CLEAR;
    return clear == 0 ? LEG_ENCRYPTED : LEG_MIXED;
}

/* A suite without authentication proves nothing about who sent the packets (TEL-30). */
static bool
proves(const struct leg *leg)
{
    const struct rf_srtp_suite *s = leg->media != NULL ? rf_srtp_suite(leg->media->tx.suite) : NULL;

    return s != NULL && !s->has_null_auth && !s->has_null_cipher;
}

static bool
keys_were_secret(const struct leg *leg)
{
    return rf_transport_is_secure(leg->transport) && !(leg->media != NULL && leg->media->keys_in_clear);
}

static enum verdict
judge(const struct call *c, enum leg_proof a, enum leg_proof b)
{
    if (a == LEG_SILENT && b == LEG_SILENT)
        return VERDICT_UNPROVEN;
    if (a == LEG_SILENT || b == LEG_SILENT) {
        enum leg_proof heard = a == LEG_SILENT ? b : a;

        return heard == LEG_CLEAR ? VERDICT_CLEAR : heard == LEG_MIXED ? VERDICT_PARTLY : VERDICT_UNPROVEN;
    }
    if (a == LEG_CLEAR && b == LEG_CLEAR)
        return VERDICT_CLEAR;
    if (a == LEG_ENCRYPTED && b == LEG_ENCRYPTED && proves(c->a) && proves(c->b) && keys_were_secret(c->a) &&
        keys_were_secret(c->b))
        return VERDICT_ENCRYPTED;
    return VERDICT_PARTLY;
}

void
evidence_sample(struct call *c)
{
    enum leg_proof now[2];
    enum verdict v;

    if (c->b == NULL || c->state == CALL_ENDING)
        return;
    for (int side = 0; side < 2; side++) {
        struct leg *leg = side == 0 ? c->a : c->b;
        struct media_numbers n;
        uint64_t encrypted, clear;

        if (!call_media_numbers(c, leg, &n))
            return;
        encrypted = n.in_authentic + n.out_encrypted;
        clear = n.in_clear + n.out_clear;
        now[side] = proof(encrypted - leg->seen_encrypted, clear - leg->seen_clear);
        leg->seen_encrypted = encrypted;
        leg->seen_clear = clear;
    }
    v = judge(c, now[0], now[1]);
    if (v == VERDICT_UNPROVEN && c->verdict_seen)
        return; /* silence between two samples (hold, a quiet line) does not undo what was proven */
    c->verdict_now = v;
    if (v != VERDICT_UNPROVEN && (!c->verdict_seen || v < c->verdict_min)) {
        c->verdict_min = v;
        c->verdict_seen = true;
    }
}

void
evidence_freeze(struct call *c)
{
    evidence_sample(c);
    for (int side = 0; side < 2; side++) {
        struct leg *leg = side == 0 ? c->a : c->b;

        if (leg != NULL && call_media_numbers(c, leg, &leg->end))
            leg->has_end = true;
    }
}

static void
put_addr(json_t *o, const char *name, const struct rf_addr *a)
{
    char text[RF_ADDR_TEXT_MAX];

    if (rf_addr_is_set(a))
        json_object_set_new(o, name, json_string(rf_addr_text(a, text)));
}

json_t *
evidence_leg_signalling(const struct leg *leg)
{
    json_t *o = json_object();
    const struct rf_flow_facts *f = &leg->facts;

    json_object_set_new(o, "transport", json_string(rf_transport_name(leg->transport)));
    put_addr(o, "address", &leg->remote);
    if (leg->listener[0] != '\0')
        json_object_set_new(o, "interface", json_string(leg->listener));
    if (f->tls_version[0] != '\0') {
        json_object_set_new(o, "tls_version", json_string(f->tls_version));
        json_object_set_new(o, "tls_cipher", json_string(f->tls_cipher));
        json_object_set_new(o, "tls_group", json_string(f->tls_group));
        json_object_set_new(o, "tls_resumed", json_boolean(f->tls_resumed));
    }
    if (f->since_wall_s != 0)
        json_object_set_new(o, "since", json_integer(f->since_wall_s));
    if (leg->sign_in != NULL)
        json_object_set_new(o, "sign_in", json_string(leg->sign_in));
    return o;
}

static json_t *
count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *
evidence_leg_media(const struct call *c, const struct leg *leg)
{
    const struct leg_media *m = leg->media != NULL ? leg->media : leg->next;
    json_t *o = json_object(), *in, *out;
    struct media_numbers n;
    const struct rf_srtp_suite *suite;

    if (m == NULL) {
        json_object_set_new(o, "protection", json_string("none agreed"));
        return o;
    }
    suite = rf_srtp_suite(m->tx.suite);
    json_object_set_new(o, "protection", json_string(m->is_encrypted ? "SRTP" : "none"));
    if (m->is_encrypted && suite != NULL) {
        json_object_set_new(o, "suite", json_string(suite->name));
        json_object_set_new(o, "keying", json_string("SDES"));
        json_object_set_new(o, "tag", json_integer(m->tag));
        json_object_set_new(o, "keys_in_clear", json_boolean(m->keys_in_clear));
        json_object_set_new(o, "weak", json_boolean(m->is_weak));
    }
    json_object_set_new(o, "direction", json_string(rf_sdp_direction_name(m->theirs)));
    put_addr(o, "sdp_address", &m->peer);
    put_addr(o, "our_address", &c->media_addr[leg->side]);
    if (!call_media_numbers(c, leg, &n))
        return o;
    put_addr(o, "learnt_address", &n.learnt);
    in = json_object();
    json_object_set_new(in, "packets", count(n.in_packets));
    json_object_set_new(in, "authentic", count(n.in_authentic));
    json_object_set_new(in, "clear", count(n.in_clear));
    json_object_set_new(in, "refused", count(n.in_auth_failed));
    json_object_set_new(in, "replayed", count(n.in_replayed));
    json_object_set_new(in, "clear_refused", count(n.in_clear_refused));
    json_object_set_new(in, "foreign", count(n.in_foreign));
    json_object_set_new(in, "malformed", count(n.in_malformed));
    json_object_set_new(in, "lost", count(n.in_lost));
    json_object_set_new(in, "jitter_ms", json_real((double)n.in_jitter_us / 1000));
    json_object_set_new(in, "telephone_event", count(n.in_dtmf));
    json_object_set_new(o, "in", in);
    out = json_object();
    json_object_set_new(out, "packets", count(n.out_packets));
    json_object_set_new(out, "encrypted", count(n.out_encrypted));
    json_object_set_new(out, "clear", count(n.out_clear));
    json_object_set_new(out, "refused", count(n.out_refused));
    json_object_set_new(o, "out", out);
    if (n.rtt_us != 0)
        json_object_set_new(o, "rtt_ms", json_real((double)n.rtt_us / 1000));
    return o;
}
