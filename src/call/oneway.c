/*
 * call/oneway.c - audio that flows one way and not the other (RF-401), and why, as far as counters can tell
 *
 * Only while both sides said sendrecv: then silence from one of them is a fault (or a mute key that stops
 * packets). A window begins at a sample; as long as packets reach one party and none reaches the other it
 * grows, and when it is ONEWAY_US long this is told once, with what the counters of the window say. The
 * window starts anew with anything else, so that a quiet line, a hold and a media process that is being
 * restarted are no one-way audio.
 */
#include "base/json.h"
#include "call/layer.h"

/* Cause, for programs; the sentence says it for people. */
static const char *const names[ONEWAY_CAUSES] = {
    [ONEWAY_NOTHING] = "nothing-arrived",    [ONEWAY_STOPPED] = "nothing-arrives-any-more",
    [ONEWAY_REPORTS] = "reports-but-no-audio", [ONEWAY_AUTH] = "authentication-fails",
    [ONEWAY_CLEAR] = "clear-refused",        [ONEWAY_FOREIGN] = "from-another-address",
    [ONEWAY_REPLAYED] = "replayed",          [ONEWAY_NO_RTP] = "not-rtp",
    [ONEWAY_QUEUE] = "lost-in-our-queue",    [ONEWAY_HELD_BACK] = "held-back-by-us",
    [ONEWAY_UNSENT] = "network-refused",     [ONEWAY_NO_TARGET] = "no-address-to-send-to",
};

static bool
both_ways(const struct leg_media *m)
{
    return m != NULL && m->theirs == RF_SENDRECV && m->ours == RF_SENDRECV;
}

bool
call_flows_both_ways(const struct call *c)
{
    return c->state == CALL_UP && c->b != NULL && both_ways(c->a->media) && both_ways(c->b->media);
}

/* What was done with the packets of `from` since the window began; `to` should have got them. */
static enum oneway_cause
cause_of(const struct media_numbers *from, const struct media_numbers *from0, const struct media_numbers *to,
         const struct media_numbers *to0, uint64_t *packets)
{
    struct { enum oneway_cause cause; uint64_t n; } fates[] = {
        { ONEWAY_AUTH, from->in_auth_failed - from0->in_auth_failed },
        { ONEWAY_CLEAR, from->in_clear_refused - from0->in_clear_refused },
        { ONEWAY_FOREIGN, from->in_foreign - from0->in_foreign },
        { ONEWAY_REPLAYED, from->in_replayed - from0->in_replayed },
        { ONEWAY_NO_RTP, from->in_malformed + from->in_other - from0->in_malformed - from0->in_other },
        { ONEWAY_QUEUE, from->in_kernel_dropped - from0->in_kernel_dropped },
    };
    size_t most = 0;

    *packets = from->in_packets - from0->in_packets;
    if (*packets > 0)
        return to->out_refused > to0->out_refused  ? ONEWAY_HELD_BACK
               : to->out_failed > to0->out_failed ? ONEWAY_UNSENT
                                                  : ONEWAY_NO_TARGET;
    for (size_t i = 1; i < sizeof fates / sizeof *fates; i++)
        if (fates[i].n > fates[most].n)
            most = i;
    *packets = fates[most].n;
    if (*packets > 0)
        return fates[most].cause;
    /* Reports come about every 5 s: within the window, or with no audio ever before. */
    if (from->in_rtcp > from0->in_rtcp || (from->in_packets == 0 && from->in_rtcp > 0))
        return ONEWAY_REPORTS;
    return from->in_packets > 0 ? ONEWAY_STOPPED : ONEWAY_NOTHING;
}

static void
put_address(struct rf_buf *b, const char *before, const struct rf_addr *a)
{
    if (!rf_addr_is_set(a))
        return;
    rf_put_str(b, before);
    rf_put_addr(b, a);
}

static void
put_detail(struct rf_buf *b, const struct call *c, const struct leg *from, const struct leg *to)
{
    const struct leg_oneway *o = &from->oneway;
    const struct rf_addr *ours = &from->media_addr, *sdp = &from->media->peer;

    switch (o->cause) {
    case ONEWAY_NOTHING:
    case ONEWAY_STOPPED:
    case ONEWAY_REPORTS:
        rf_put_str(b, o->cause == ONEWAY_NOTHING ? "nothing arrived"
                      : o->cause == ONEWAY_STOPPED ? "nothing arrives any more"
                                                   : "its RTCP reports arrive, but no audio: it sends none");
        if (o->cause == ONEWAY_REPORTS)
            return;
        put_address(b, " at ", ours);
        put_address(b, "; its SDP says ", sdp);
        if (rf_addr_is_set(sdp) && rf_addr_is_private(sdp) && !rf_addr_is_loopback(sdp))
            rf_put_str(b, ", a private address");
        return;
    case ONEWAY_AUTH:
        rf_putf(b, "%llu packets arrived and none is authentic", (unsigned long long)o->packets);
        return;
    case ONEWAY_CLEAR:
        rf_putf(b, "%llu packets arrived in clear, and this leg needs SRTP", (unsigned long long)o->packets);
        return;
    case ONEWAY_FOREIGN:
        rf_putf(b, "%llu packets arrived from an address that is not the peer's",
                (unsigned long long)o->packets);
        put_address(b, ", which is ", rf_addr_is_set(&o->learnt) ? &o->learnt : sdp);
        return;
    case ONEWAY_REPLAYED:
        rf_putf(b, "%llu packets arrived and all are repeats of earlier ones",
                (unsigned long long)o->packets);
        return;
    case ONEWAY_NO_RTP:
        rf_putf(b, "%llu packets arrived and none is RTP", (unsigned long long)o->packets);
        return;
    case ONEWAY_QUEUE:
        rf_putf(b, "%llu packets were lost in our own queue", (unsigned long long)o->packets);
        return;
    case ONEWAY_HELD_BACK:
    case ONEWAY_UNSENT:
    case ONEWAY_NO_TARGET:
        rf_putf(b, "%llu packets arrived, but ", (unsigned long long)o->packets);
        rf_putf(b, o->cause == ONEWAY_HELD_BACK ? "none may be sent on to %s"
                   : o->cause == ONEWAY_UNSENT ? "the network takes none for %s"
                                               : "there is no address of %s to send them to", to->user);
        if (o->cause == ONEWAY_UNSENT)
            put_address(b, " at ", &to->media->peer);
        return;
    case ONEWAY_CAUSES:
        break;
    }
    rf_assert(!"a cause without a sentence");
}

static void
tell(struct call *c, struct leg *from, struct leg *to, uint64_t now_us)
{
    struct leg_oneway *o = &from->oneway;
    struct rf_buf b = rf_buf(o->detail, sizeof o->detail - 1);
    struct rf_log_field fields[] = {
        RF_F_STR("who", leg_who(from)), RF_F_STR("detail", o->detail), RF_F_STR("cause", names[o->cause]),
        RF_F_STR("leg", from->side == 0 ? "A" : "B"), RF_F_STR("call", c->id),
        RF_F_U64("packets", o->packets), { 0 },
    };
    char key[64 + 2 + sizeof c->id];

    put_detail(&b, c, from, to);
    o->detail[b.n] = '\0';
    if (o->is_told)
        return;
    o->is_told = true;
    if (o->times++ == 0)
        tally_one_way();
    if (o->times > ONEWAY_LOG_MAX)
        return;
    ladder_add(c, from->side, false, "", 0, "RF-401 no audio arrives", now_us);
    snprintf(key, sizeof key, "%s %s", c->id, from->side == 0 ? "A" : "B");
    if (c->l->env.refuse != NULL)
        c->l->env.refuse(c->l->env.ctx, RF_REFUSE_ONE_WAY_AUDIO, rf_span_str(key), fields, now_us);
    else
        rf_refuse(RF_REFUSE_ONE_WAY_AUDIO, fields);
}

/* Its time ended: audio arrives again, or nobody waits for any (hold). */
static bool
stop(struct leg *from, uint64_t now_us)
{
    struct leg_oneway *o = &from->oneway;

    if (!o->is_told)
        return false;
    o->is_told = false;
    o->total_us += now_us - o->since_us;
    return true;
}

static void
over(struct call *c, struct leg *from, uint64_t now_us)
{
    const struct leg_oneway *o = &from->oneway;

    if (!stop(from, now_us) || o->times > ONEWAY_LOG_MAX)
        return;
    ladder_add(c, from->side, false, "", 0, "audio arrives again", now_us);
    RF_LOGF(RF_LOG_INFO, "call.one_way_audio_over", "audio arrives again", RF_F_STR("who", leg_who(from)),
            RF_F_STR("leg", from->side == 0 ? "A" : "B"), RF_F_U64("seconds", (now_us - o->since_us) / RF_S),
            RF_F_STR("call", c->id));
}

/* A window begins here. */
static void
begin(struct call *c, const struct media_numbers now[2], uint64_t now_us)
{
    for (int side = 0; side < 2; side++) {
        c->window[side] = now[side];
        c->window_sent[side] = now[side].out_packets;
    }
    c->window_us = now_us;
}

void
oneway_sample(struct call *c, uint64_t now_us)
{
    struct media_numbers now[2];
    struct leg *leg[2] = { c->a, c->b };
    bool reached[2], lately[2];

    if (!call_flows_both_ways(c) || !call_media_numbers(c, c->a, &now[0]) ||
        !call_media_numbers(c, c->b, &now[1])) {
        c->window_us = 0;
        for (int side = 0; side < 2; side++)
            if (leg[side] != NULL)
                stop(leg[side], now_us);
        return;
    }
    if (c->window_us == 0) {
        begin(c, now, now_us);
        return;
    }
    for (int side = 0; side < 2; side++) {
        reached[side] = now[side].out_packets > c->window[side].out_packets;
        lately[side] = now[side].out_packets > c->window_sent[side];
        c->window_sent[side] = now[side].out_packets;
    }
    for (int to = 0; to < 2; to++) {
        struct leg *from = leg[1 - to];
        struct leg_oneway *o = &from->oneway;

        if (reached[to])
            over(c, from, now_us);
        if (reached[to] || !lately[1 - to] || now_us - c->window_us < ONEWAY_US)
            continue;
        if (!o->is_told)
            o->since_us = c->window_us;
        o->cause = cause_of(&now[1 - to], &c->window[1 - to], &now[to], &c->window[to], &o->packets);
        o->learnt = now[1 - to].learnt;
        tell(c, from, leg[to], now_us);
    }
    if ((reached[0] && reached[1]) || !(lately[0] || lately[1]))
        begin(c, now, now_us);
}

/* Of the leg from which no audio arrives now, or did when the call ended. */
static const struct leg *
silent_leg(const struct call *c)
{
    if (c->a->oneway.is_told)
        return c->a;
    return c->b != NULL && c->b->oneway.is_told ? c->b : NULL;
}

bool
oneway_is_told(const struct call *c)
{
    return silent_leg(c) != NULL;
}

void
oneway_put_sentence(const struct call *c, struct rf_buf *b)
{
    const struct leg *leg = silent_leg(c);

    rf_refusal_sentence(b, rf_refusal_row(RF_REFUSE_ONE_WAY_AUDIO)->sentence,
                        (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg)),
                                                       RF_F_STR("detail", leg->oneway.detail), { 0 } });
}

void
oneway_put(const struct call *c, const struct leg *leg, struct rf_buf *b)
{
    const struct leg_oneway *o = &leg->oneway;
    uint64_t until_us = c->ended_us != 0 ? c->ended_us : call_now(c);
    uint64_t total_us = o->total_us + (o->is_told && until_us > o->since_us ? until_us - o->since_us : 0);

    if (o->times == 0)
        return;
    rf_json_open(b, "no_audio", '{');
    rf_json_str(b, "code", rf_refusal_row(RF_REFUSE_ONE_WAY_AUDIO)->code);
    rf_json_str(b, "cause", names[o->cause]);
    rf_json_str(b, "detail", o->detail);
    rf_json_bool(b, "to_the_last", o->is_told);
    rf_json_u64(b, "times", o->times);
    rf_json_u64(b, "began_s", o->since_us > c->answered_us ? (o->since_us - c->answered_us) / RF_S : 0);
    rf_json_u64(b, "seconds", total_us / RF_S);
    rf_json_close(b, '}');
}
