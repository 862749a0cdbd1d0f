/*
 * relay/streams.c - live and parked streams
 *
 * Written so that a process may die between any two stores: a slot counts only once its bit in in_use is set, a
 * parked stream only once parked_count covers it, and a stream that is both live and parked is live.
 */
#include "relay/streams.h"

static uint32_t
in_use(const struct rf_media_streams *m)
{
    return atomic_load_explicit(&m->in_use, memory_order_relaxed) & ((1u << RF_MEDIA_SSRCS) - 1);
}

static uint32_t
parked_count(const struct rf_media_streams *m)
{
    uint32_t n = atomic_load_explicit(&m->parked_count, memory_order_relaxed);

    return n < RF_MEDIA_PARKED ? n : RF_MEDIA_PARKED;
}

void
rf_streams_load(struct rf_streams *s, struct rf_media_streams *in_map, uint32_t present, uint32_t oldest)
{
    *s = (struct rf_streams){ .in_map = in_map, .in_use = in_use(in_map), .present = present, .oldest = oldest };
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++) {
        s->ssrc[i] = in_map->live[i].ssrc;
        s->key[i] = present != 0 ? in_map->live[i].key : 0;
    }
}

/* @param key  0: of any */
static struct rf_media_parked *
find_parked(const struct rf_streams *s, uint32_t ssrc, uint32_t key)
{
    struct rf_media_parked *p = s->in_map->parked;

    for (unsigned i = 0; i < parked_count(s->in_map); i++)
        if (p[i].ssrc == ssrc && (key == 0 || p[i].key == key))
            return &p[i];
    return NULL;
}

static void
thaw(const struct rf_media_parked *p, struct rf_srtp_stream *out)
{
    out->roc = p->roc;
    out->s_l = p->s_l;
    out->is_started = p->is_started;
    out->quirks = p->quirks;
    out->rtcp_index = p->rtcp_index;
    out->rtcp_reserved = p->rtcp_reserved;
    out->rtcp_is_started = p->rtcp_is_started;
    out->packets = p->packets;
    out->shift = p->shift;
    out->key = p->key;
    out->key_floor = p->key_floor;
    out->rtcp_key = p->rtcp_key;
    out->rtcp_key_floor = p->rtcp_key_floor;
    /* Which of the last indices were used is not known any more: all of them count as used. */
    memset(out->window, 0xff, sizeof out->window);
    memset(out->rtcp_window, 0xff, sizeof out->rtcp_window);
}

/* Sending: the same SSRC under the latest of the keys before. false: it was not sent yet. */
static bool
find_former(const struct rf_streams *s, uint32_t ssrc, struct rf_srtp_stream *out)
{
    const struct rf_media_streams *m = s->in_map;
    uint32_t latest = 0;

    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        if ((s->in_use >> i & 1) != 0 && s->ssrc[i] == ssrc && s->key[i] < s->present && s->key[i] > latest) {
            latest = s->key[i];
            *out = m->live[i];
        }
    for (unsigned i = 0; i < parked_count(m); i++)
        if (m->parked[i].ssrc == ssrc && m->parked[i].key < s->present && m->parked[i].key > latest) {
            latest = m->parked[i].key;
            thaw(&m->parked[i], out);
        }
    return latest != 0;
}

void
rf_streams_recall(const struct rf_streams *s, uint32_t ssrc, struct rf_srtp_stream *out)
{
    const struct rf_media_parked *p = find_parked(s, ssrc, s->present);
    struct rf_srtp_stream former = { 0 };

    memset(out, 0, sizeof *out);
    out->ssrc = ssrc;
    out->key = s->present;
    if (p != NULL)
        thaw(p, out);
    else if (s->present != 0 && find_former(s, ssrc, &former))
        rf_srtp_stream_follow(out, &former);
}

/* A parked stream of a key that is out of use, the oldest; it can be given up. */
static struct rf_media_parked *
find_over(struct rf_streams *s)
{
    struct rf_media_streams *m = s->in_map;
    struct rf_media_parked *over = NULL;

    for (unsigned i = 0; i < parked_count(m); i++)
        if (m->parked[i].key < s->oldest && (over == NULL || m->parked[i].key < over->key))
            over = &m->parked[i];
    return over;
}

static bool
park(struct rf_streams *s, const struct rf_srtp_stream *old, uint32_t limit)
{
    struct rf_media_streams *m = s->in_map;
    struct rf_media_parked *p = find_parked(s, old->ssrc, s->present != 0 ? old->key : 0);
    uint32_t n = parked_count(m);
    bool is_new = p == NULL;

    if (is_new && n >= limit) {
        p = find_over(s);
        if (p == NULL)
            return false;
        is_new = false;
        if (m->key_over < p->key)
            m->key_over = p->key; /* before it is overwritten: a process may die between */
        atomic_signal_fence(memory_order_seq_cst);
    } else if (is_new) {
        p = &m->parked[n];
    }
    *p = (struct rf_media_parked){
        .ssrc = old->ssrc,
        .roc = old->roc,
        .rtcp_index = old->rtcp_index,
        .rtcp_reserved = old->rtcp_reserved,
        .key = old->key,
        .key_floor = old->key_floor,
        .rtcp_key = old->rtcp_key,
        .rtcp_key_floor = old->rtcp_key_floor,
        .packets = old->packets,
        .s_l = old->s_l,
        .shift = old->shift,
        .quirks = old->quirks,
        .is_started = old->is_started,
        .rtcp_is_started = old->rtcp_is_started,
    };
    if (is_new)
        atomic_store_explicit(&m->parked_count, n + 1, memory_order_release);
    return true;
}

struct rf_srtp_stream *
rf_streams_adopt(struct rf_streams *s, const struct rf_srtp_stream *stream, uint32_t batch)
{
    struct rf_media_streams *m = s->in_map;
    unsigned slot = RF_MEDIA_SSRCS;
    struct rf_media_parked *p;
    uint32_t n;

    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++) {
        if ((s->in_use >> i & 1) == 0) {
            slot = i;
            break;
        }
        if (s->batch[i] != batch && (slot == RF_MEDIA_SSRCS || batch - s->batch[i] > batch - s->batch[slot]))
            slot = i;
    }
    if (slot == RF_MEDIA_SSRCS)
        return NULL;
    if ((s->in_use >> slot & 1) != 0) {
        /* One that comes back frees its place only after it is live, so that it is never in neither. */
        p = find_parked(s, stream->ssrc, s->present);
        if (!park(s, &m->live[slot], p != NULL ? RF_MEDIA_PARKED : RF_MEDIA_PARKED - 1))
            return NULL;
        s->in_use &= ~(1u << slot);
        atomic_store_explicit(&m->in_use, s->in_use, memory_order_release);
    }
    m->live[slot] = *stream;
    s->ssrc[slot] = stream->ssrc;
    s->key[slot] = s->present;
    s->batch[slot] = batch;
    s->in_use |= 1u << slot;
    atomic_store_explicit(&m->in_use, s->in_use, memory_order_release);

    /* It is live now: its parked entry makes room for another. */
    p = find_parked(s, stream->ssrc, s->present);
    if (p != NULL) {
        n = parked_count(m);
        *p = m->parked[n - 1];
        atomic_store_explicit(&m->parked_count, n - 1, memory_order_release);
    }
    return &m->live[slot];
}
