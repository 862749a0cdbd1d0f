/*
 * call/media.c - what a call asks of the relay, and what the relay tells it (relay/control.h)
 */
#include <stdlib.h>

#include "base/cursor.h"
#include "call/layer.h"

#define CHANGE_AGAIN_US   (200 * RF_MS) /* the media process is being restarted: it is back within a second */
#define CHANGE_TRIES_MAX  25            /* 5 s */

static void media_timer_fired(struct rf_timer *t, uint64_t now_us);

static struct rf_media_request
request(const struct call *c, enum rf_media_command command)
{
    struct rf_media_request r;

    memset(&r, 0, sizeof r);
    r.version = RF_MEDIA_VERSION;
    r.command = command;
    r.cookie = c->serial;
    r.session = c->media;
    return r;
}

static enum rf_err
tell(struct call *c, struct rf_media_request *r)
{
    enum rf_err err = c->l->env.media(c->l->env.ctx, r);

    rf_wipe(r, sizeof *r);
    return err;
}

static uint64_t
name_hash(struct rf_call_layer *l, struct rf_media_name name)
{
    return rf_siphash(&l->medias.key, &name, sizeof name);
}

void
call_media_named(struct call *c, struct rf_media_name name)
{
    c->media = name;
    c->media_open = true;
    rf_hash_insert(&c->l->medias, &c->by_media, name_hash(c->l, name));
}

static uint8_t
family_number(int family)
{
    return family == AF_INET6 ? 6 : 4;
}

bool
call_media_open(struct call *c, int family_b, uint64_t now_us)
{
    struct rf_call_env *env = &c->l->env;
    struct rf_media_request r = request(c, RF_MEDIA_OPEN);

    c->family_b = family_b;
    r.family[0] = family_number(c->a->media_addr.sa.sa_family);
    r.family[1] = family_number(family_b);
    r.timeout_s = call_settings(c)->media_timeout_s;
    if (tell(c, &r) != RF_OK)
        return false;
    c->media_opening = true;
    c->media_timer.fire = media_timer_fired;
    rf_timer_arm(env->wheel, &c->media_timer, now_us + MEDIA_WAIT_US);
    return true;
}

/* The phones of a user may be of both families: then legs B have a port of each, and the relay joins leg A with the one
 * that answers. RF_ERR_AGAIN: it is being asked for; RF_ERR_NOT_FOUND: there is none of that family. */
enum rf_err
leg_media_place(struct call *c, struct leg *leg)
{
    struct rf_media_request r;
    struct rf_addr sip, media;
    int family;

    c->l->env.our_address(c->l->env.ctx, leg->flow, &sip, &media);
    if (c->is_bypass)
        return RF_OK;
    family = media.sa.sa_family;
    if (c->borrows_media || c->is_swapped) { /* one port, which the leg before it had */
        leg->media_addr = media;
        rf_addr_set_port(&leg->media_addr, c->port[c->is_swapped ? 0 : 1]);
        return family == c->family_b ? RF_OK : RF_ERR_NOT_FOUND;
    }
    if (family == c->family_none)
        return RF_ERR_NOT_FOUND;
    if (family != c->family_b && c->port_other == 0) {
        if (c->media_extending)
            return RF_ERR_AGAIN;
        r = request(c, RF_MEDIA_EXTEND);
        r.leg = 1;
        r.family[1] = family_number(family);
        if (tell(c, &r) != RF_OK)
            return RF_ERR_NOT_FOUND;
        c->media_extending = true;
        return RF_ERR_AGAIN;
    }
    leg->media_addr = media;
    rf_addr_set_port(&leg->media_addr, family == c->family_b ? c->port[1] : c->port_other);
    return RF_OK;
}

static const struct leg_media *
media_now(const struct leg *leg)
{
    return leg->next != NULL && leg->media == NULL ? leg->next : leg->media;
}

/* "97 opus/48000/2" for format 97: its rate, and whether it is telephone-event (RFC 8866 6.6). 0: another format's. */
static uint32_t
rtpmap_rate(struct rf_span value, struct rf_span format, bool *is_event)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span payload = rf_cur_until(&c, ' '), name;
    uint32_t rate;

    rf_cur_expect(&c, ' ');
    name = rf_cur_until(&c, '/');
    rf_cur_expect(&c, '/');
    rate = (uint32_t)rf_cur_u64(&c, 192000);
    *is_event = rf_span_iis(name, "telephone-event");
    return c.err == RF_OK && rf_span_eq(payload, format) ? rate : 0;
}

/*
 * Clock of the first codec and the payload type of keypad presses, for jitter and counting. A peer sends the payload
 * types of the description it was given (RFC 3264 5.1), and that is the other leg's but for addresses and keys.
 */
static void
fill_codec(struct rf_media_leg *out, const struct leg_media *m)
{
    struct rf_sdp s;
    const struct rf_sdp_media *audio;
    const char *why;

    if (rf_sdp_parse(rf_span(m->sdp, m->sdp_n), &s, &why) != RF_OK || m->stream < 0 ||
        (size_t)m->stream >= s.media_count)
        return;
    audio = &s.media[m->stream];
    for (size_t i = 0; i < audio->attr_count; i++) {
        const struct rf_sdp_attr *a = &s.attr[audio->attr_from + i];

        if (!rf_span_is(a->name, "rtpmap"))
            continue;
        for (size_t f = 0; f < audio->format_count; f++) {
            bool is_event = false;
            uint32_t rate = rtpmap_rate(a->value, audio->format[f], &is_event);
            struct rf_cursor payload = rf_cur(audio->format[f]);

            if (rate == 0)
                continue;
            if (is_event && out->dtmf_payload == 0)
                out->dtmf_payload = (uint8_t)rf_cur_u64(&payload, 127); /* 0 when it is none */
            else if (!is_event && f == 0)
                out->clock_rate = rate; /* without a line the static types of RFC 3551 are at 8000, the default */
        }
    }
}

/* The types that RFC 3551 6 gives a number of their own. */
static const char *
static_codec(struct rf_span format)
{
    static const struct { const char *format, *name; } types[] = { { "0", "PCMU" }, { "3", "GSM" },  { "4", "G723" },
                                                                   { "8", "PCMA" }, { "9", "G722" }, { "18", "G729" } };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rf_span_is(format, types[i].format))
            return types[i].name;
    return "";
}

/* The name in "97 opus/48000/2" for format 97; empty: it is another format's, or not a name. */
static struct rf_span
rtpmap_name(struct rf_span value, struct rf_span format)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span payload = rf_cur_until(&c, ' '), name;

    rf_cur_expect(&c, ' ');
    name = rf_cur_until(&c, '/');
    return c.err == RF_OK && rf_span_eq(payload, format) ? name : rf_span("", 0);
}

void
call_codec(const struct leg_media *m, char *out, size_t size)
{
    struct rf_sdp s;
    const struct rf_sdp_media *audio;
    const char *why;

    out[0] = '\0';
    if (rf_sdp_parse(rf_span(m->sdp, m->sdp_n), &s, &why) != RF_OK || m->stream < 0 ||
        (size_t)m->stream >= s.media_count || s.media[m->stream].format_count == 0)
        return;
    audio = &s.media[m->stream];
    snprintf(out, size, "%s", static_codec(audio->format[0]));
    for (size_t i = 0; i < audio->attr_count; i++) {
        const struct rf_sdp_attr *a = &s.attr[audio->attr_from + i];
        struct rf_span name = rf_span_is(a->name, "rtpmap") ? rtpmap_name(a->value, audio->format[0]) : rf_span("", 0);

        if (name.n > 0)
            snprintf(out, size, "%.*s", RF_SPAN_ARG(name));
    }
}

static void
fill_leg(struct rf_media_leg *out, const struct leg *leg, const struct leg_media *m, const struct leg_media *old)
{
    const struct leg *other = leg_other(leg);
    const struct leg_media *told = other != NULL ? media_now(other) : NULL;

    memset(out, 0, sizeof *out);
    fill_codec(out, told != NULL ? told : m);
    out->signalled_from = leg->remote;
    out->peer = m->peer;
    out->peer_rtcp = m->peer_rtcp;
    out->rtcp_mux = m->rtcp_mux;
    out->symmetric = 1;
    out->may_send = rf_sdp_receives(m->theirs) && rf_sdp_sends(m->ours);
    out->may_receive = rf_sdp_sends(m->theirs) && rf_sdp_receives(m->ours);
    out->require_srtp = m->is_encrypted || leg->policy.mode == RF_SRTP_REQUIRED || leg->policy.hosted; /* (I3) */
    if (!m->is_encrypted)
        return;
    out->unencrypted_allowed = leg->policy.allow_unencrypted && !leg->policy.hosted; /* TEL-29 */
    out->tx = m->tx;
    out->rx_roc = leg->end.roc; /* of a leg that a transfer brought here from a call of more than 65536 packets */
    out->rx_count = m->rx_count;
    for (size_t i = 0; i < m->rx_count; i++)
        out->rx[i] = m->rx[i];
    /* Packets that were on their way when the key changed; the next CHANGE, at their ACK, ends this. */
    if (old != NULL && old->is_encrypted && m->rx_count == 1 &&
        !rf_octets_eq(old->rx[0].key, m->rx[0].key, sizeof m->rx[0].key))
        out->rx[out->rx_count++] = old->rx[0];
}

void
call_media_change(struct call *c, struct leg *leg, const struct leg_media *old)
{
    struct rf_media_request r = request(c, RF_MEDIA_CHANGE);
    const struct leg_media *m = media_now(leg);

    if (!c->media_open || m == NULL)
        return;
    if (c->join != JOIN_NONE && leg->media == NULL)
        return; /* a leg that moved and has not answered yet: what it can is no agreement */
    if (c->borrows_media)
        return; /* the session is another call's still */
    rf_assert(!(leg->policy.mode == RF_SRTP_REQUIRED || leg->policy.hosted) || m->is_encrypted); /* (I3) */
    r.leg = leg_slot(leg);
    fill_leg(&r.change, leg, m, old);
    if (tell(c, &r) == RF_OK)
        return;
    c->media_tries++;
    c->media_timer.fire = media_timer_fired;
    rf_timer_arm(c->l->env.wheel, &c->media_timer, call_now(c) + CHANGE_AGAIN_US);
}

/* A session whose call is gone and whose CLOSE the relay could not take, because it is being restarted: its ports
 * would be lost until our next start. */
struct closing {
    struct rf_link link;
    struct rf_media_name name;
};

static enum rf_err
close_named(struct rf_call_layer *l, struct rf_media_name name)
{
    struct rf_media_request r;

    memset(&r, 0, sizeof r);
    r.version = RF_MEDIA_VERSION;
    r.command = RF_MEDIA_CLOSE;
    r.session = name;
    return l->env.media(l->env.ctx, &r);
}

static void
close_or_keep(struct rf_call_layer *l, struct rf_media_name name)
{
    struct closing *x;

    if (close_named(l, name) == RF_OK)
        return;
    x = malloc(sizeof *x);
    if (x == NULL)
        return; /* a sweep at the next start finds it */
    *x = (struct closing){ .name = name };
    rf_list_append(&l->closing, &x->link);
    if (!rf_timer_is_armed(&l->closing_timer))
        rf_timer_arm(l->env.wheel, &l->closing_timer, rf_wheel_now_us(l->env.wheel) + CHANGE_AGAIN_US);
}

static void
closing_fired(struct rf_timer *t, uint64_t now_us)
{
    struct rf_call_layer *l = rf_container(t, struct rf_call_layer, closing_timer);

    RF_LIST_FOREACH(&l->closing, it) {
        struct closing *x = rf_container(it, struct closing, link);

        if (close_named(l, x->name) != RF_OK) {
            rf_timer_arm(l->env.wheel, t, now_us + CHANGE_AGAIN_US);
            return;
        }
        rf_list_remove(it);
        free(x);
    }
}

/* The relay says that there is no such session: nothing is left to close. */
static void
closing_drop(struct rf_call_layer *l, struct rf_media_name name)
{
    RF_LIST_FOREACH(&l->closing, it) {
        struct closing *x = rf_container(it, struct closing, link);

        if (x->name.slot == name.slot && x->name.generation == name.generation) {
            rf_list_remove(it);
            free(x);
        }
    }
    if (rf_list_empty(&l->closing))
        rf_timer_cancel(l->env.wheel, &l->closing_timer);
}

void
layer_closing_init(struct rf_call_layer *l)
{
    rf_list_init(&l->closing);
    l->closing_timer.fire = closing_fired;
}

void
layer_closing_fini(struct rf_call_layer *l)
{
    if (l->closing.next == NULL)
        return;
    rf_timer_cancel(l->env.wheel, &l->closing_timer);
    RF_LIST_FOREACH(&l->closing, it)
        free(rf_container(it, struct closing, link));
}

void
call_media_close(struct call *c)
{
    rf_timer_cancel(c->l->env.wheel, &c->media_timer);
    if (!c->media_open)
        return;
    c->media_open = false;
    rf_hash_remove(&c->l->medias, &c->by_media);
    close_or_keep(c->l, c->media);
}

void
call_media_adopt(struct call *c)
{
    struct rf_media_request r = request(c, RF_MEDIA_ADOPT);

    (void)!tell(c, &r); /* without an answer the session timer or a BYE ends the call */
}

static void
media_timer_fired(struct rf_timer *t, uint64_t now_us)
{
    struct call *c = rf_container(t, struct call, media_timer);

    if (c->media_opening) {
        c->media_opening = false;
        if (c->state == CALL_ENDING) {
            call_settle(c);
            return;
        }
        call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                    (const struct rf_log_field[]){ RF_F_STR("what", "the media relay"), RF_F_STR("who", leg_who(c->a)),
                                                   RF_F_STR("seconds", "5"), RF_F_STR("call", c->id), { 0 } },
                    now_us);
        return;
    }
    if (c->media_tries > CHANGE_TRIES_MAX) {
        call_end(c, "media relay", 500, RF_REFUSE_NONE, now_us);
        return;
    }
    if (c->b != NULL) {
        call_media_change(c, c->b, NULL);
        call_media_change(c, c->a, NULL);
    }
}

/* --- replies --- */

static bool
media_is(const struct rf_hash_node *node, const void *key)
{
    const struct rf_media_name *name = key;
    const struct call *c = rf_container(node, const struct call, by_media);

    return c->media.slot == name->slot && c->media.generation == name->generation;
}

/* The port of the other family, or none: its phones ring, or have failed. */
static void
extended(struct call *c, const struct rf_media_reply *reply, uint64_t now_us)
{
    struct rf_call_layer *l = c->l;
    uint64_t serial = c->serial;

    c->media_extending = false;
    if (reply->event == RF_MEDIA_EXTENDED)
        c->port_other = reply->port[1];
    else
        c->family_none = c->family_b == AF_INET6 ? AF_INET : AF_INET6;
    pickup_go_on(c, now_us);
    c = call_by_serial(l, serial);
    if (c != NULL && c->state == CALL_RINGING)
        call_ring(c, now_us);
}

static void
opened(struct call *c, const struct rf_media_reply *reply, uint64_t now_us)
{
    if (c->media_extending) {
        extended(c, reply, now_us);
        return;
    }
    if (!c->media_opening)
        return;
    c->media_opening = false;
    rf_timer_cancel(c->l->env.wheel, &c->media_timer);
    if (reply->event == RF_MEDIA_FULL) {
        if (c->state == CALL_ENDING) {
            call_settle(c);
            return;
        }
        call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                    (const struct rf_log_field[]){ RF_F_STR("what", "the range of media ports"),
                                                   RF_F_STR("who", leg_who(c->a)), RF_F_STR("seconds", "5"),
                                                   RF_F_STR("call", c->id), { 0 } },
                    now_us);
        return;
    }
    call_media_named(c, reply->session);
    if (c->state == CALL_ENDING) { /* CANCEL was quicker than the relay */
        call_media_close(c);
        call_settle(c);
        return;
    }
    for (int side = 0; side < 2; side++)
        c->port[side] = reply->port[side];
    rf_addr_set_port(&c->a->media_addr, reply->port[0]);
    if (c->join == JOIN_ASKED && c->b != NULL)
        transfer_opened(c, now_us);
    else
        call_ring(c, now_us);
}

/* The leg that the relay means. */
static struct leg *
leg_of_slot(struct call *c, uint32_t slot)
{
    return (slot == 0) != c->is_swapped ? c->a : c->b;
}

static void
timed_out(struct call *c, const struct rf_media_reply *reply, uint64_t now_us)
{
    struct leg *leg = leg_of_slot(c, reply->leg);
    char seconds[16];

    /* On hold silence means nothing: the session timer watches those. */
    if (leg == NULL || !call_flows_both_ways(c))
        return;
    snprintf(seconds, sizeof seconds, "%u", (unsigned)call_settings(c)->media_timeout_s);
    call_say(c, RF_REFUSE_MEDIA_TIMEOUT,
             (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg)), RF_F_STR("seconds", seconds),
                                            RF_F_STR("call", c->id), { 0 } });
    call_end(c, "media timeout", 480, RF_REFUSE_MEDIA_TIMEOUT, now_us);
}

static void
auth_bad(struct call *c, const struct rf_media_reply *reply, uint64_t now_us)
{
    struct leg *leg = leg_of_slot(c, reply->leg);
    char since[32];

    if (leg == NULL || c->auth_bad_logged[leg->side])
        return;
    c->auth_bad_logged[leg->side] = true;
    snprintf(since, sizeof since, "%llu s after the answer",
             (unsigned long long)((now_us - c->answered_us) / RF_S));
    ladder_add(c, leg->side, false, "", 0, "RF-308 media fails authentication", now_us);
    RF_REFUSE(SRTP_AUTH_FAILED, RF_F_STR("who", leg_who(leg)), RF_F_STR("since", since), RF_F_STR("call", c->id));
}

void
rf_call_media_reply(struct rf_call_layer *l, const struct rf_media_reply *reply, uint64_t now_us)
{
    struct rf_hash_node *node;
    struct call *c = NULL;

    if (reply->event == RF_MEDIA_OPENED || reply->event == RF_MEDIA_FULL || reply->event == RF_MEDIA_EXTENDED) {
        c = call_by_serial(l, reply->cookie);
        if (c != NULL)
            opened(c, reply, now_us);
        else if (reply->event == RF_MEDIA_OPENED)
            close_or_keep(l, reply->session); /* its call gave up waiting: nobody else will close it */
        return;
    }
    node = rf_hash_find(&l->medias, name_hash(l, reply->session), media_is, &reply->session);
    if (node == NULL) {
        if (reply->event == RF_MEDIA_GONE)
            closing_drop(l, reply->session);
        return;
    }
    c = rf_container(node, struct call, by_media);
    switch (reply->event) {
    case RF_MEDIA_TIMEOUT:
        timed_out(c, reply, now_us);
        return;
    case RF_MEDIA_AUTH_BAD:
        auth_bad(c, reply, now_us);
        return;
    case RF_MEDIA_STARTED:
        if (reply->leg < 2)
            ladder_add(c, (uint8_t)(reply->leg ^ c->is_swapped), false, "", 0, "first media packet", now_us);
        return;
    case RF_MEDIA_CHANGED:
    case RF_MEDIA_ADOPTED:
        c->media_tries = 0;
        return;
    case RF_MEDIA_GONE:
        c->media_open = false;
        rf_hash_remove(&l->medias, &c->by_media);
        call_end(c, "media relay", 500, RF_REFUSE_NONE, now_us);
        return;
    default:
        return;
    }
}

/* --- numbers --- */

#define LOAD(x) atomic_load_explicit(&(x), memory_order_relaxed)

static bool
read_numbers(const struct call *c, const struct leg *leg, struct media_numbers *out)
{
    const struct rf_media_session *s;
    const struct rf_media_counts *n;

    memset(out, 0, sizeof *out);
    if (!c->media_open || c->l->env.media_map == NULL || (s = rf_media_map_find(c->l->env.media_map, c->media)) == NULL)
        return false;
    n = &s->leg[leg_slot(leg)].counts;
    out->in_packets = LOAD(n->in_packets);
    out->in_unencrypted = LOAD(n->in_unencrypted);
    out->in_authentic = LOAD(n->in_authentic) + out->in_unencrypted;
    out->in_clear = LOAD(n->in_clear) + out->in_unencrypted;
    out->in_auth_failed = LOAD(n->in_auth_failed);
    out->in_replayed = LOAD(n->in_replayed);
    out->in_malformed = LOAD(n->in_malformed);
    out->in_foreign = LOAD(n->in_foreign);
    out->in_clear_refused = LOAD(n->in_clear_refused);
    out->in_other = LOAD(n->in_other);
    out->in_kernel_dropped = LOAD(n->in_kernel_dropped);
    out->in_rtcp = LOAD(n->in_rtcp);
    out->in_lost = LOAD(n->in_lost);
    out->in_jitter_us = LOAD(n->in_jitter_us);
    out->in_dtmf = LOAD(n->in_dtmf);
    out->out_packets = LOAD(n->out_packets);
    out->out_encrypted = LOAD(n->out_encrypted);
    out->out_clear = LOAD(n->out_clear);
    out->out_refused = LOAD(n->out_refused);
    out->out_failed = LOAD(n->out_failed);
    out->clear_us = LOAD(n->clear_us);
    out->far_lost = LOAD(n->far_lost);
    out->far_jitter_us = LOAD(n->far_jitter_us);
    out->far_reports = LOAD(n->far_reports);
    out->rtt_us = LOAD(n->rtt_us);
    out->quirks = LOAD(n->quirks);
    out->roc = rf_media_roc(&s->leg[leg_slot(leg)]);
    out->learnt = s->leg[leg_slot(leg)].learnt;
    return true;
}

uint8_t
leg_slot(const struct leg *leg)
{
    return leg->side ^ leg->call->is_swapped;
}

/* What the map counted before the leg came into this call. */
static void
subtract(struct media_numbers *n, const struct media_numbers *base)
{
    n->in_packets -= base->in_packets;
    n->in_authentic -= base->in_authentic;
    n->in_clear -= base->in_clear;
    n->in_unencrypted -= base->in_unencrypted;
    n->in_auth_failed -= base->in_auth_failed;
    n->in_replayed -= base->in_replayed;
    n->in_malformed -= base->in_malformed;
    n->in_foreign -= base->in_foreign;
    n->in_clear_refused -= base->in_clear_refused;
    n->in_other -= base->in_other;
    n->in_kernel_dropped -= base->in_kernel_dropped;
    n->in_rtcp -= base->in_rtcp;
    n->in_lost -= base->in_lost < n->in_lost ? base->in_lost : n->in_lost; /* an estimate, which may shrink */
    n->in_dtmf -= base->in_dtmf;
    n->out_packets -= base->out_packets;
    n->out_encrypted -= base->out_encrypted;
    n->out_clear -= base->out_clear;
    n->out_refused -= base->out_refused;
    n->out_failed -= base->out_failed;
}

bool
call_media_numbers(const struct call *c, const struct leg *leg, struct media_numbers *out)
{
    if (leg->has_end) {
        *out = leg->end;
        return true;
    }
    if (!read_numbers(c, leg, out))
        return false;
    subtract(out, &leg->base);
    return true;
}

void
leg_media_base(struct leg *leg)
{
    if (read_numbers(leg->call, leg, &leg->base))
        tally_leg_anew(leg, &leg->base);
}

void
call_media_take(struct call *c, struct call *from)
{
    rf_timer_cancel(c->l->env.wheel, &from->media_timer);
    rf_hash_remove(&c->l->medias, &from->by_media);
    from->media_open = false;
    c->borrows_media = false;
    call_media_named(c, from->media);
}
