/*
 * relay/packet.c - the life of a packet: in by one leg, out by the other
 *
 * A batch goes through in three passes, so that the crypto sees many packets at once:
 *   1  kind, and unprotect jobs         all jobs are run together
 *   2  source, statistics, destination, and protect jobs; again together
 *   3  what protect left
 * Order within a stream is the order of arrival throughout.
 */
#include "relay/leg.h"
#include "rtp/octets.h"

#define AUTH_BAD_PACKETS 50        /* RF-308 */
#define AUTH_BAD_US      1000000ull
#define AUTH_BAD_AGAIN_US 60000000ull
#define SILENCE_US       30000000ull /* 32768 packets, which no receiver can bridge, last 33 s at 1000 a second */
#define TICKS_A_SECOND   20        /* rf_relay_tick; each looks at one part in 20 of the sessions */

enum step {
    STEP_DROP,
    STEP_CLEAR, /* in clear as it came */
    STEP_JOB,   /* waits for the batch's unprotect */
    STEP_DONE,  /* unprotected alone */
    STEP_OUT,   /* leaves as it is */
    STEP_SEAL   /* waits for the batch's protect */
};

/* What a packet needs beside its frame while it passes through. */
struct passage {
    enum step step;
    uint32_t job;
    uint32_t ssrc;
    uint8_t key;                   /* which of the leg's keys it came under; 0 when plain */
    bool is_old_key;               /* a newer key is there: what comes late under this one moves nothing */
    struct rf_srtp_stream *stream; /* received in; NULL when plain */
};

/* --- failing authentication (RF-308) --- */

static void
owe(struct rf_relay *r, struct rf_leg *leg, uint8_t event)
{
    if (leg->owed == 0)
        r->owing++;
    leg->owed |= event;
    r->has_fresh_event = true;
}

static void
auth_failed(struct rf_relay *r, struct rf_leg *leg, uint64_t now_us)
{
    rf_bump(&leg->state->counts.in_auth_failed, 1);
    if (leg->bad_count == 0)
        leg->bad_since_us = now_us;
    leg->bad_count++;
    if ((leg->bad_count > AUTH_BAD_PACKETS || now_us - leg->bad_since_us > AUTH_BAD_US) &&
        (leg->bad_told_us == 0 || now_us - leg->bad_told_us >= AUTH_BAD_AGAIN_US)) {
        leg->bad_told_us = now_us;
        owe(r, leg, RF_LEG_OWES_AUTH_BAD);
    }
}

static void
refused(struct rf_relay *r, struct rf_leg *leg, enum rf_err why, uint64_t now_us)
{
    struct rf_media_counts *n = &leg->state->counts;

    rf_note(&n->last_bad_us, now_us);
    switch (why) {
    case RF_ERR_AUTH:
        auth_failed(r, leg, now_us);
        break;
    case RF_ERR_REPLAY:
    case RF_ERR_STALE:
        rf_bump(&n->in_replayed, 1);
        break;
    case RF_ERR_REFUSED: /* SRTCP in clear, or the key's life is over */
        rf_bump(&n->in_rtcp_refused, 1);
        break;
    default:
        rf_bump(&n->in_malformed, 1);
    }
}

/* --- pass 1: kind, unprotect --- */

/* So long without RTP that a source which counted on (a hold, a path that was closed) may be a wrap further. */
static bool
is_after_silence(const struct rf_leg *leg, uint64_t now_us)
{
    uint64_t last_us = atomic_load_explicit(&leg->state->counts.last_in_us, memory_order_relaxed);

    return last_us != 0 && now_us > last_us && now_us - last_us > SILENCE_US;
}

/* Another stream under this key has settled how the peer derives its keys: a forged SSRC must not make us try both. */
static bool
is_derivation_known(const struct rf_leg *leg, uint8_t key)
{
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        if ((leg->in.in_use >> i & 1) != 0 && leg->in.in_map->live[i].key == leg->rx_serial[key])
            return true;
    return false;
}

/*
 * One packet by itself: its SSRC is not live, or there are two keys and it must be tried with both. What fails
 * leaves no trace: the stream is a copy until the packet has authenticated.
 */
static enum rf_err
unprotect_alone(struct rf_relay *r, struct rf_leg *leg, struct rf_frame *f, struct passage *p, uint64_t now_us)
{
    struct rf_srtp_stream *live = rf_streams_find(&leg->in, p->ssrc, r->batch), scratch;
    enum rf_err first = RF_ERR_AUTH;

    if (live == NULL) {
        rf_streams_recall(&leg->in, p->ssrc, &scratch);
        if (!scratch.is_started)
            scratch.roc = leg->rx_roc;
    }
    for (unsigned i = 0; i < leg->rx_count; i++) {
        uint8_t key = (uint8_t)((leg->rx_first + i) % leg->rx_count);
        struct rf_srtp_job job = {
            .ctx = leg->rx[key],
            .stream = live != NULL ? live : &scratch,
            .packet = f->packet,
            .octets = f->octets,
            .room = RF_FRAME_ROOM,
            .is_rtcp = f->is_rtcp,
            .after_silence = is_after_silence(leg, now_us),
        };

        if (job.ctx == NULL)
            continue;
        if (live == NULL && !scratch.is_started && is_derivation_known(leg, key)) {
            job.is_derivation_known = true;
            scratch.quirks = leg->quirks & RF_SRTP_QUIRK_AES192_OLD;
        }
        rf_srtp_unprotect(&job, 1);
        if (job.result == RF_OK) {
            leg->rx_first = p->key = key;
            p->is_old_key = (leg->rx_late >> key & 1) != 0;
            f->octets = (uint32_t)job.octets;
            p->stream = live != NULL ? live : rf_streams_adopt(&leg->in, &scratch, r->batch);
            return p->stream != NULL ? RF_OK : RF_ERR_REPLAY;
        }
        /* A packet that is refused is as it came. The preferred key's verdict counts, unless the other one knows
         * better than "not authentic". */
        if (i == 0 || first == RF_ERR_AUTH)
            first = job.result;
    }
    return first;
}

static void
open_frame(struct rf_relay *r, struct rf_frame *f, struct passage *p, struct rf_srtp_job *jobs, size_t *job_count,
           uint64_t now_us)
{
    struct rf_leg *leg = &r->leg[f->leg];
    enum rf_packet_kind kind;
    struct rf_rtp h;
    enum rf_err err;

    p->step = STEP_DROP;
    f->is_to_send = f->is_encrypted = false;
    if (!leg->is_open)
        return;
    kind = rf_packet_kind(f->packet, f->octets);
    if (!leg->is_changed || (kind != RF_PACKET_RTP && kind != RF_PACKET_RTCP)) {
        rf_bump(&leg->state->counts.in_other, 1);
        return;
    }
    /* RTCP comes by its own port, or by both when it may be muxed; RTP by its own alone. */
    f->is_rtcp = kind == RF_PACKET_RTCP;
    if (f->is_rtcp ? f->port == RF_PORT_RTP && !leg->rtcp_mux : f->port == RF_PORT_RTCP) {
        rf_bump(&leg->state->counts.in_rtcp_refused, 1);
        return;
    }
    if (f->is_rtcp ? f->octets < 8 : rf_rtp_parse(f->packet, f->octets, &h) != RF_OK) {
        refused(r, leg, RF_ERR_SYNTAX, now_us);
        return;
    }
    p->ssrc = rf_get32(f->packet + (f->is_rtcp ? 4 : 8));
    p->stream = NULL;
    p->is_old_key = false;
    p->key = 0;
    if (leg->require_srtp && (leg->rx_count == 0 || leg->is_rx_bare)) { /* (I3) */
        rf_bump(f->is_rtcp ? &leg->state->counts.in_rtcp_refused : &leg->state->counts.in_clear_refused, 1);
        rf_note(&leg->state->counts.last_bad_us, now_us);
        return;
    }
    if (leg->rx_count == 0) {
        p->step = STEP_CLEAR;
        return;
    }
    /* Without leave to follow, only the signalled source is worth the work. */
    if (!leg->symmetric && !rf_addr_eq(&f->addr, f->port == RF_PORT_RTP ? &leg->to_rtp : &leg->to_rtcp)) {
        rf_bump(&leg->state->counts.in_foreign, 1);
        return;
    }
    if (leg->rx_count == 1 && leg->rx[0] != NULL)
        p->stream = rf_streams_find(&leg->in, p->ssrc, r->batch);
    if (p->stream == NULL) {
        err = unprotect_alone(r, leg, f, p, now_us);
        if (err == RF_OK)
            p->step = STEP_DONE;
        else
            refused(r, leg, err, now_us);
        return;
    }
    p->step = STEP_JOB;
    p->job = (uint32_t)*job_count;
    jobs[(*job_count)++] = (struct rf_srtp_job){
        .ctx = leg->rx[0],
        .stream = p->stream,
        .packet = f->packet,
        .octets = f->octets,
        .room = RF_FRAME_ROOM,
        .is_rtcp = f->is_rtcp,
        .after_silence = is_after_silence(leg, now_us),
    };
}

/* --- pass 2: source, statistics, destination --- */

static bool
plain_rtcp_source_is_ours(struct rf_relay *r, const struct rf_leg *leg, const struct rf_frame *f)
{
    struct rf_media_leg_state *st = leg->state;

    if (rf_addr_eq(&f->addr, &leg->to_rtcp))
        return true;
    /* Reports come from the host that the audio comes from; the port is the first one that speaks. */
    if (!leg->symmetric || f->port == RF_PORT_RTP || rf_addr_is_set(&st->learnt_rtcp) ||
        !rf_addr_is_set(&leg->to_rtp) || !rf_addr_same_host(&f->addr, &leg->to_rtp))
        return false;
    rf_leg_learn(r, f->leg, &f->addr, true, RF_LEARN_NONE);
    return true;
}

/* Where it came from: false when it is foreign. Follows where that is allowed. */
static bool
source_is_ours(struct rf_relay *r, struct rf_leg *leg, const struct rf_frame *f, const struct passage *p,
               uint64_t now_us)
{
    struct rf_media_leg_state *st = leg->state;
    bool is_authentic = p->stream != NULL && leg->is_rx_authentic;
    uint16_t seq = (uint16_t)(f->packet[2] << 8 | f->packet[3]);
    bool is_rtcp_port = f->port == RF_PORT_RTCP;
    enum rf_learn_strength how;
    enum rf_learn_verdict verdict;
    struct rf_learn_facts facts = {
        .from = &f->addr,
        .peer = is_rtcp_port ? &leg->to_rtcp : &st->set.peer,
        .signalled_from = &st->set.signalled_from,
        .learnt = is_rtcp_port ? &st->learnt_rtcp : &st->learnt,
        .symmetric = leg->symmetric,
        .is_authentic = is_authentic,
        /* RTCP that shares the port does not move the audio: its index says nothing of the audio's order. */
        .is_newest = !p->is_old_key && (f->is_rtcp ? is_rtcp_port : p->stream != NULL && p->stream->s_l == seq),
        .learnt_how = st->learnt_how,
        .since_us = now_us - st->learnt_since_us,
        .packets = st->learnt_packets,
    };

    if (f->is_rtcp && !is_authentic)
        return plain_rtcp_source_is_ours(r, leg, f);
    verdict = rf_learn(&facts, &how);
    if (verdict == RF_LEARN_REFUSE)
        return false;
    if (!is_authentic) {
        if (st->learnt_packets == 0)
            st->learnt_since_us = now_us;
        if (st->learnt_packets < RF_LEARN_WINDOW_PACKETS)
            st->learnt_packets++;
    }
    if (verdict == RF_LEARN_FOLLOW)
        rf_leg_learn(r, f->leg, &f->addr, is_rtcp_port, how);
    return true;
}

/*
 * How long the leg had media in clear: from packet to packet while less than a second lies between two, in either
 * direction; one that stands alone is a packet's 20 ms.
 */
static void
note_clear(struct rf_media_counts *n, uint64_t now_us)
{
    uint64_t last_us = atomic_load_explicit(&n->last_clear_us, memory_order_relaxed), gap_us = now_us - last_us;

    rf_bump(&n->clear_us, last_us != 0 && gap_us < 1000000 ? gap_us : 20000);
    rf_note(&n->last_clear_us, now_us);
}

static void
count_in(struct rf_relay *r, struct rf_leg *leg, const struct rf_frame *f, const struct passage *p, uint64_t now_us)
{
    struct rf_media_counts *n = &leg->state->counts;
    bool is_srtp = p->stream != NULL, is_null = is_srtp && (leg->rx_null >> p->key & 1) != 0;

    if (is_srtp) {
        leg->bad_count = 0;
        if (p->stream->quirks != 0)
            atomic_store_explicit(&n->quirks, atomic_load_explicit(&n->quirks, memory_order_relaxed) |
                                  p->stream->quirks, memory_order_relaxed);
        leg->quirks = p->stream->quirks;
    }
    leg->heard_us = now_us;
    leg->state->told &= (uint8_t)~RF_MEDIA_TOLD_TIMEOUT;
    if (f->is_rtcp) {
        rf_bump(&n->in_rtcp, 1);
        return;
    }
    rf_bump(&n->in_packets, 1);
    rf_bump(&n->in_octets, f->octets);
    rf_note(&n->last_in_us, now_us);
    if (!is_srtp || is_null) {
        rf_bump(is_srtp ? &n->in_unencrypted : &n->in_clear, 1);
        note_clear(n, now_us);
    } else if (leg->is_rx_authentic) {
        rf_bump(&n->in_authentic, 1);
    }
    rf_leg_received(leg, f->packet, f->octets, is_srtp && leg->is_rx_authentic, now_us);
    if ((leg->state->told & RF_MEDIA_TOLD_STARTED) == 0 && (leg->owed & RF_LEG_OWES_STARTED) == 0)
        owe(r, leg, RF_LEG_OWES_STARTED);
}

static struct rf_srtp_stream *
stream_out(struct rf_relay *r, struct rf_leg *to, uint32_t ssrc)
{
    struct rf_srtp_stream *s = rf_streams_find(&to->out, ssrc, r->batch), recalled;

    if (s != NULL)
        return s;
    rf_streams_recall(&to->out, ssrc, &recalled);
    return rf_streams_adopt(&to->out, &recalled, r->batch);
}

static void
route(struct rf_relay *r, struct rf_frame *f, struct passage *p, const struct rf_rtcp *rtcp,
      struct rf_srtp_job *jobs, size_t *job_count, uint64_t now_us)
{
    struct rf_leg *from = &r->leg[f->leg], *to = rf_leg_other(r, f->leg);
    bool is_rtcp_port = f->is_rtcp && !to->rtcp_mux;
    const struct rf_addr *where = is_rtcp_port ? &to->to_rtcp : &to->to_rtp;

    /* A held leg's reports go on (RFC 3264 8.4 stops media alone). */
    if ((!from->may_receive && !f->is_rtcp) || !rf_addr_is_set(where))
        return;
    if (!to->may_send || (to->require_srtp && (!to->is_tx_srtp || to->is_tx_bare))) { /* (I3) */
        rf_bump(&to->state->counts.out_refused, 1);
        return;
    }
    if (f->is_rtcp && rtcp->has_sender_info)
        rf_rtcp_rtt_sent(&to->rtt, rf_rtcp_mid_ntp(rtcp), now_us);
    f->leg ^= 1;
    f->port = is_rtcp_port ? RF_PORT_RTCP : RF_PORT_RTP;
    f->addr = *where;
    if (!to->is_tx_srtp) {
        p->step = STEP_OUT;
        return;
    }
    p->stream = to->tx != NULL ? stream_out(r, to, p->ssrc) : NULL;
    if (p->stream == NULL) {
        rf_bump(&to->state->counts.out_refused, 1);
        return;
    }
    p->stream->quirks = to->quirks & RF_SRTP_QUIRK_AES192_OLD;
    if (p->stream->has_former && (to->quirks & RF_SRTP_QUIRK_ROC_KEPT) != 0)
        rf_srtp_stream_keep_roc(p->stream);
    p->step = STEP_SEAL;
    p->job = (uint32_t)*job_count;
    jobs[(*job_count)++] = (struct rf_srtp_job){
        .ctx = to->tx,
        .stream = p->stream,
        .packet = f->packet,
        .octets = f->octets,
        .room = RF_FRAME_ROOM,
        .is_rtcp = f->is_rtcp,
    };
}

/* A packet that is sound and authentic as far as its leg asks: is it from the right place, and where does it go? */
static void
pass_on(struct rf_relay *r, struct rf_frame *f, struct passage *p, struct rf_srtp_job *jobs, size_t *job_count,
        uint64_t now_us)
{
    struct rf_leg *leg = &r->leg[f->leg];
    struct rf_rtcp rtcp;

    p->step = STEP_DROP;
    if (f->is_rtcp && rf_rtcp_parse(f->packet, f->octets, &rtcp) != RF_OK) {
        refused(r, leg, RF_ERR_SYNTAX, now_us);
        return;
    }
    if (!source_is_ours(r, leg, f, p, now_us)) {
        rf_bump(&leg->state->counts.in_foreign, 1);
        rf_note(&leg->state->counts.last_bad_us, now_us);
        return;
    }
    count_in(r, leg, f, p, now_us);
    if (f->is_rtcp) {
        rf_leg_rtcp_received(leg, rf_leg_other(r, f->leg), &rtcp, now_us);
        rf_leg_rtcp_renumber(leg, rf_leg_other(r, f->leg), &rtcp, f->packet, r->batch);
    }
    route(r, f, p, &rtcp, jobs, job_count, now_us);
}

static void send_owed(struct rf_relay *r, uint32_t slot);

void
rf_relay_prefetch(const struct rf_relay *r, uint32_t leg)
{
    const char *mine = (const char *)&r->leg[leg];

    /* A session's lines were last touched 20 ms and some thousand packets ago. */
    for (size_t line = 0; line < offsetof(struct rf_leg, bad_count); line += 64)
        __builtin_prefetch(mine + line);
}

/* What the passes to come will touch of a leg that is in the cache now. */
static void
prefetch_state(const struct rf_leg *leg)
{
    const struct rf_media_leg_state *st = leg->state;
    const char *counts = (const char *)&st->counts;

    for (size_t line = 0; line < sizeof st->counts; line += 64)
        __builtin_prefetch(counts + line, 1);
    __builtin_prefetch(&st->reception, 1);
    __builtin_prefetch(&st->learnt);
}

/* What unprotect says of the frames that were given to it. */
static void
take_opened(struct rf_relay *r, struct rf_frame *frames, struct passage *passage, const struct rf_srtp_job *jobs,
            size_t n, uint64_t now_us)
{
    for (size_t i = 0; i < n; i++) {
        struct rf_frame *f = &frames[i];
        struct passage *p = &passage[i];

        if (p->step != STEP_JOB)
            continue;
        if (jobs[p->job].result == RF_OK) {
            f->octets = (uint32_t)jobs[p->job].octets;
        } else {
            refused(r, &r->leg[f->leg], jobs[p->job].result, now_us);
            p->step = STEP_DROP;
        }
    }
}

/* What protect says, and with it which frames are to leave. */
static void
take_sealed(struct rf_relay *r, struct rf_frame *frames, const struct passage *passage, const struct rf_srtp_job *jobs,
            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct rf_frame *f = &frames[i];
        const struct passage *p = &passage[i];

        f->is_to_send = p->step == STEP_OUT;
        if (p->step != STEP_SEAL)
            continue;
        if (jobs[p->job].result == RF_OK) {
            f->octets = (uint32_t)jobs[p->job].octets;
            f->is_to_send = f->is_encrypted = true;
        } else {
            rf_bump(&r->leg[f->leg].state->counts.out_refused, 1);
        }
    }
}

void
rf_relay_batch(struct rf_relay *r, struct rf_frame *frames, size_t n, uint64_t now_us)
{
    struct passage passage[RF_BATCH_MAX];
    struct rf_srtp_job jobs[RF_BATCH_MAX];
    uint32_t slots[RF_BATCH_MAX];
    size_t job_count = 0;

    rf_assert(n <= RF_BATCH_MAX);
    r->batch++;
    for (size_t i = 0; i < n; i++) {
        if (i + 4 < n && r->leg[frames[i + 4].leg].is_open) {
            prefetch_state(&r->leg[frames[i + 4].leg]);
            rf_relay_prefetch(r, frames[i + 4].leg ^ 1);
        }
        rf_assert(frames[i].leg < 2 * r->slots && frames[i].octets <= RF_FRAME_PACKET_MAX);
        slots[i] = frames[i].leg / 2;
        open_frame(r, &frames[i], &passage[i], jobs, &job_count, now_us);
    }
    if (job_count > 0)
        rf_srtp_unprotect(jobs, job_count);
    take_opened(r, frames, passage, jobs, n, now_us);

    job_count = 0; /* the array is used again: results are in the frames now */
    for (size_t i = 0; i < n; i++)
        if (passage[i].step != STEP_DROP)
            pass_on(r, &frames[i], &passage[i], jobs, &job_count, now_us);
    if (job_count > 0)
        rf_srtp_protect(jobs, job_count);

    take_sealed(r, frames, passage, jobs, n);
    if (r->has_fresh_event) {
        r->has_fresh_event = false;
        for (size_t i = 0; i < n; i++)
            send_owed(r, slots[i]);
    }
}

bool
rf_relay_may_leave(const struct rf_relay *r, const struct rf_frame *f)
{
    const struct rf_leg *leg = &r->leg[f->leg];

    return f->is_to_send && leg->is_open && leg->may_send && f->is_encrypted == leg->is_tx_srtp &&
           ((f->is_encrypted && !leg->is_tx_bare) || !leg->require_srtp);
}

void
rf_relay_sent(struct rf_relay *r, const struct rf_frame *f, bool is_sent, uint64_t now_us)
{
    const struct rf_leg *leg = &r->leg[f->leg];
    struct rf_media_counts *n = &leg->state->counts;
    bool is_clear = !f->is_encrypted || leg->is_tx_null;

    if (!is_sent) {
        rf_bump(&n->out_failed, 1);
    } else if (f->is_rtcp) {
        rf_bump(&n->out_rtcp, 1);
    } else {
        rf_bump(&n->out_packets, 1);
        rf_bump(&n->out_octets, f->octets);
        rf_bump(is_clear ? &n->out_clear : &n->out_encrypted, 1);
        if (is_clear)
            note_clear(n, now_us);
    }
}

/* --- events and timeouts --- */

static bool
tell(struct rf_relay *r, uint32_t index, enum rf_media_event event)
{
    const struct rf_media_session *s = &r->map->session[r->first_slot + index / 2];
    struct rf_media_reply e = {
        .version = RF_MEDIA_VERSION,
        .event = event,
        .session = { r->first_slot + index / 2, atomic_load_explicit(&s->generation, memory_order_relaxed) },
        .leg = index % 2,
    };

    return r->io.event(r->io.ctx, s->worker, &e);
}

static void
send_owed(struct rf_relay *r, uint32_t slot)
{
    for (uint32_t i = 2 * slot; i < 2 * slot + 2; i++) {
        struct rf_leg *leg = &r->leg[i];

        if (leg->owed == 0)
            continue;
        if ((leg->owed & RF_LEG_OWES_STARTED) && tell(r, i, RF_MEDIA_STARTED)) {
            leg->owed &= (uint8_t)~RF_LEG_OWES_STARTED;
            leg->state->told |= RF_MEDIA_TOLD_STARTED;
        }
        if ((leg->owed & RF_LEG_OWES_AUTH_BAD) && tell(r, i, RF_MEDIA_AUTH_BAD))
            leg->owed &= (uint8_t)~RF_LEG_OWES_AUTH_BAD;
        if (leg->owed == 0)
            r->owing--;
    }
}

/* Silence since the last packet, the last CHANGE of either leg (an answer starts both) or the start of this process,
 * whichever came last. */
static void
check_timeout(struct rf_relay *r, uint32_t index, uint64_t timeout_us, uint64_t now_us)
{
    struct rf_leg *leg = &r->leg[index];
    const struct rf_leg *other = rf_leg_other(r, index);
    uint64_t since_us = leg->heard_us;

    if (since_us < leg->state->changed_us)
        since_us = leg->state->changed_us;
    if (since_us < other->state->changed_us)
        since_us = other->state->changed_us;

    /* A leg that is on hold owes us nothing. */
    if (timeout_us == 0 || !leg->is_changed || !leg->may_receive || (leg->state->told & RF_MEDIA_TOLD_TIMEOUT) != 0)
        return;
    if (now_us > since_us && now_us - since_us >= timeout_us && tell(r, index, RF_MEDIA_TIMEOUT))
        leg->state->told |= RF_MEDIA_TOLD_TIMEOUT;
}

void
rf_relay_tick(struct rf_relay *r, uint64_t now_us)
{
    uint32_t part = (r->slots + TICKS_A_SECOND - 1) / TICKS_A_SECOND;

    r->tick_us = now_us;
    for (uint32_t i = 0; i < part; i++) {
        uint32_t slot = r->tick_slot;

        r->tick_slot = (slot + 1) % r->slots;
        if (!r->leg[2 * slot].is_open)
            continue;
        for (uint32_t leg = 2 * slot; leg < 2 * slot + 2; leg++)
            check_timeout(r, leg, r->map->session[r->first_slot + slot].timeout_us, now_us);
        if (r->owing > 0)
            send_owed(r, slot);
    }
}
