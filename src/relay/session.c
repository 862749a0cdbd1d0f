/*
 * relay/session.c - sessions of one thread: what signal asks for, and what a former process left
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/secret.h"
#include "relay/leg.h"

static uint32_t
generation(const struct rf_media_session *s)
{
    return atomic_load_explicit(&s->generation, memory_order_relaxed);
}

/*
 * A key's name without its value, to see that one comes back. The tag length and the MKI are not part of it: two
 * suites with one key and salt have the same key stream.
 */
static uint64_t
fingerprint(const struct rf_srtp_key *k)
{
    static const struct rf_hash_key fixed;
    uint8_t octets[sizeof k->key + sizeof k->salt];
    uint64_t print;

    if (k->suite == 0)
        return 0;
    memcpy(octets, k->key, sizeof k->key);
    memcpy(octets + sizeof k->key, k->salt, sizeof k->salt);
    print = rf_siphash(&fixed, octets, sizeof octets) | 1;
    rf_wipe(octets, sizeof octets);
    return print;
}

static bool
key_eq(const struct rf_srtp_key *a, const struct rf_srtp_key *b)
{
    return a->suite == b->suite && a->clear == b->clear && a->mki_octets == b->mki_octets &&
           a->lifetime == b->lifetime &&
           rf_octets_eq(a->key, b->key, sizeof a->key) && rf_octets_eq(a->salt, b->salt, sizeof a->salt) &&
           rf_octets_eq(a->mki, b->mki, sizeof a->mki);
}

void
rf_leg_aim(struct rf_relay *r, uint32_t index)
{
    struct rf_leg *leg = &r->leg[index];
    const struct rf_media_leg_state *st = leg->state;
    struct rf_addr before = leg->to_rtp;

    leg->to_rtp = rf_addr_is_set(&st->learnt) ? st->learnt : st->set.peer;
    if (rf_addr_is_any(&leg->to_rtp) || rf_addr_port(&leg->to_rtp) == 0)
        leg->to_rtp = (struct rf_addr){ 0 };

    if (st->set.rtcp_mux) {
        leg->to_rtcp = leg->to_rtp;
    } else if (rf_addr_is_set(&st->learnt_rtcp)) {
        leg->to_rtcp = st->learnt_rtcp;
    } else if (rf_addr_is_set(&st->set.peer_rtcp)) {
        leg->to_rtcp = st->set.peer_rtcp;
    } else {
        leg->to_rtcp = leg->to_rtp;
        if (rf_addr_port(&leg->to_rtcp) == UINT16_MAX)
            leg->to_rtcp = (struct rf_addr){ 0 };
        else if (rf_addr_is_set(&leg->to_rtcp))
            rf_addr_set_port(&leg->to_rtcp, (uint16_t)(rf_addr_port(&leg->to_rtcp) + 1));
    }
    if (!rf_addr_eq(&before, &leg->to_rtp))
        r->io.moved(r->io.ctx, leg->port_index);
}

void
rf_leg_learn(struct rf_relay *r, uint32_t index, const struct rf_addr *from, bool is_rtcp,
             enum rf_learn_strength how)
{
    struct rf_media_leg_state *st = r->leg[index].state;

    /* A process that dies here leaves a torn address, which the next one must not send to. */
    atomic_store_explicit(&st->learnt_torn, 1, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    if (is_rtcp) {
        st->learnt_rtcp = *from;
    } else {
        st->learnt = *from;
        st->learnt_how = (uint8_t)how;
    }
    atomic_store_explicit(&st->learnt_torn, 0, memory_order_release);
    rf_leg_aim(r, index);
}

/* --- contexts --- */

static void
drop_contexts(struct rf_leg *leg)
{
    rf_srtp_ctx_free(leg->tx);
    leg->tx = NULL;
    for (unsigned i = 0; i < RF_MEDIA_KEYS_MAX; i++) {
        rf_srtp_ctx_free(leg->rx[i]);
        leg->rx[i] = NULL;
    }
}

static struct rf_srtp_ctx *
new_context(const struct rf_relay *r, const struct rf_media_leg *set, const struct rf_srtp_key *key, uint32_t serial)
{
    struct rf_srtp_options options = {
        .window = r->replay_window, /* sending as well: what came late and was accepted must be able to leave */
        .allow_quirks = RF_SRTP_QUIRK_AES192_OLD | RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG |
                        (set->rtcp_tag32_refused ? 0 : RF_SRTP_QUIRK_RTCP_TAG32),
        .keep_roc_try_zero = true,
        .bridge_gaps = true,
        .serial = serial,
    };
    struct rf_srtp_ctx *ctx = NULL;

    /* Without a context the leg neither sends nor accepts anything, and both are counted. */
    if (rf_srtp_ctx_new(&ctx, key, &options) != RF_OK)
        return NULL;
    return ctx;
}

/* A key's place in the order of first use. One that comes back gets its own again, and with it its streams (I1). */
static uint32_t
key_serial(struct rf_media_keys *keys, const struct rf_srtp_key *key)
{
    uint64_t print = fingerprint(key);
    uint32_t known = keys->count < RF_MEDIA_KEYS_KNOWN ? keys->count : RF_MEDIA_KEYS_KNOWN;

    if (print == 0)
        return 0;
    for (uint32_t n = keys->count; n > keys->count - known; n--)
        if (keys->print[(n - 1) % RF_MEDIA_KEYS_KNOWN] == print)
            return n;
    keys->print[keys->count % RF_MEDIA_KEYS_KNOWN] = print;
    return ++keys->count;
}

/**
 * Contexts for st->set.
 * @param before  what the present contexts were made for; NULL: there are none yet
 */
static void
make_contexts(const struct rf_relay *r, struct rf_leg *leg, const struct rf_media_leg *before)
{
    const struct rf_media_leg_state *st = leg->state;
    const struct rf_media_leg *set = &st->set;
    struct rf_srtp_ctx *old[RF_MEDIA_KEYS_MAX];

    memcpy(old, leg->rx, sizeof old);
    memset(leg->rx, 0, sizeof leg->rx);
    leg->rx_count = set->rx_count;
    leg->rx_first = 0;
    for (unsigned i = 0; i < set->rx_count; i++) {
        for (unsigned j = 0; before != NULL && j < before->rx_count; j++)
            if (leg->rx[i] == NULL && old[j] != NULL && key_eq(&set->rx[i], &before->rx[j]) &&
                set->rtcp_tag32_refused == before->rtcp_tag32_refused) {
                leg->rx[i] = old[j];
                old[j] = NULL;
            }
        if (leg->rx[i] == NULL)
            leg->rx[i] = new_context(r, set, &set->rx[i], st->rx_serial[i]);
    }
    for (unsigned i = 0; i < RF_MEDIA_KEYS_MAX; i++)
        rf_srtp_ctx_free(old[i]);

    if (before == NULL || leg->tx == NULL || !key_eq(&set->tx, &before->tx)) {
        rf_srtp_ctx_free(leg->tx);
        leg->tx = NULL;
        if (set->tx.suite != 0 && st->tx_serial > st->tx.key_over)
            leg->tx = new_context(r, set, &set->tx, st->tx_serial);
    }
}

static uint32_t
oldest_rx(const struct rf_media_leg_state *st)
{
    uint32_t oldest = UINT32_MAX;

    for (unsigned i = 0; i < st->set.rx_count; i++)
        oldest = st->rx_serial[i] < oldest ? st->rx_serial[i] : oldest;
    return oldest;
}

/* Of two keys without MKI one is being replaced. Keys with MKI may be used by turns. */
static uint8_t
late_keys(const struct rf_media_leg_state *st)
{
    if (st->set.rx_count < 2 || st->set.rx[0].mki_octets > 0)
        return 0;
    return st->rx_serial[0] < st->rx_serial[1] ? 1 : 2;
}

/* RF_SRTP_CLEAR_*: by a suite without a cipher, or by session parameters. */
static unsigned
leaves_clear(const struct rf_srtp_key *key)
{
    return key->suite != 0 ? rf_srtp_suite_leaves_clear(rf_srtp_suite(key->suite), key->clear) : 0;
}

static bool
leaves_rtp_clear(const struct rf_srtp_key *key)
{
    return (leaves_clear(key) & RF_SRTP_CLEAR_RTP) != 0;
}

/* (I3) */
static bool
is_bare(const struct rf_media_leg *set, const struct rf_srtp_key *key)
{
    return leaves_clear(key) != 0 && set->unencrypted_allowed == 0;
}

/* What the packet path reads, from the map. */
static void
load_leg(struct rf_relay *r, uint32_t index)
{
    struct rf_leg *leg = &r->leg[index];
    const struct rf_media_leg *set = &leg->state->set;

    rf_streams_load(&leg->in, &leg->state->rx, 0, oldest_rx(leg->state));
    rf_streams_load(&leg->out, &leg->state->tx, leg->state->tx_serial, leg->state->tx_serial);
    leg->is_changed = leg->state->changed_us != 0;
    leg->may_send = set->may_send;
    leg->may_receive = set->may_receive;
    leg->require_srtp = set->require_srtp;
    leg->rtcp_mux = set->rtcp_mux;
    leg->symmetric = set->symmetric;
    leg->is_tx_srtp = set->tx.suite != 0;
    leg->dtmf_payload = set->dtmf_payload;
    leg->port_index = leg->state->place[leg->state->at].port_index;
    leg->is_rx_authentic = set->rx_count > 0;
    leg->rx_roc = set->rx_roc;
    memcpy(leg->rx_serial, leg->state->rx_serial, sizeof leg->rx_serial);
    leg->rx_late = late_keys(leg->state);
    leg->is_tx_null = leaves_rtp_clear(&set->tx);
    leg->is_tx_bare = is_bare(set, &set->tx);
    leg->is_rx_bare = false;
    leg->rx_null = 0;
    for (unsigned i = 0; i < set->rx_count; i++) {
        if (rf_srtp_suite(set->rx[i].suite)->has_null_auth)
            leg->is_rx_authentic = false;
        if (is_bare(set, &set->rx[i]))
            leg->is_rx_bare = true;
        if (leaves_rtp_clear(&set->rx[i]))
            leg->rx_null |= (uint8_t)(1u << i);
    }
    leg->clock_rate = set->clock_rate != 0 ? set->clock_rate : 8000;
    rf_leg_aim(r, index);
}

/* --- CHANGE, in steps that may be repeated (I2) --- */

/* Which pair of ports speaks with this peer. A hold of the old style names none: then it stays. */
static uint8_t
place_for(const struct rf_media_leg_state *st, const struct rf_addr *peer)
{
    uint8_t family = peer->sa.sa_family == AF_INET6 ? 6 : 4;

    if (!rf_addr_is_set(peer))
        return st->at;
    return st->place[1].family == family && st->place[0].family != family;
}

static void
finish_change(struct rf_media_leg_state *st)
{
    uint32_t pending = atomic_load_explicit(&st->pending, memory_order_acquire);

    if (pending & RF_MEDIA_PENDING_PEER_NEW) {
        st->learnt = (struct rf_addr){ 0 };
        st->learnt_rtcp = (struct rf_addr){ 0 };
        st->learnt_how = RF_LEARN_NONE;
        st->learnt_packets = 0;
        st->learnt_since_us = 0;
    }
    st->at = place_for(st, &st->next.peer);
    st->set = st->next;
    st->tx_serial = st->next_tx_serial;
    memcpy(st->rx_serial, st->next_rx_serial, sizeof st->rx_serial);
    atomic_store_explicit(&st->pending, 0, memory_order_release);
    rf_wipe(&st->next, sizeof st->next);
}

static bool
same_peer(const struct rf_media_leg *a, const struct rf_media_leg *b)
{
    return rf_addr_eq(&a->peer, &b->peer) && rf_addr_eq(&a->peer_rtcp, &b->peer_rtcp) &&
           a->symmetric == b->symmetric;
}

static bool
keeps_a_key(const struct rf_media_leg *set, const struct rf_media_leg *before)
{
    for (unsigned i = 0; i < set->rx_count; i++)
        for (unsigned j = 0; j < before->rx_count; j++)
            if (key_eq(&set->rx[i], &before->rx[j]))
                return true;
    return false;
}

static void
change(struct rf_relay *r, uint32_t index, const struct rf_media_leg *set, uint64_t now_us)
{
    struct rf_leg *leg = &r->leg[index];
    struct rf_media_leg_state *st = leg->state;
    struct rf_media_leg before = st->set;
    uint32_t pending = RF_MEDIA_PENDING_COMMIT;

    st->next_tx_serial = key_serial(&st->tx_keys, &set->tx);
    /* Two keys: the first is the newer one, or they are told apart by MKI and of one age. */
    for (unsigned i = RF_MEDIA_KEYS_MAX; i-- > 0;)
        st->next_rx_serial[i] = i < set->rx_count ? key_serial(&st->rx_keys, &set->rx[i]) : 0;
    if (st->next_tx_serial != 0 && st->next_tx_serial <= st->tx.key_over)
        RF_LOGF(RF_LOG_ERROR, "media.key_again",
                "a key whose indices are not known any more is given to send with again: the leg stays mute",
                RF_F_U64("slot", r->first_slot + index / 2), RF_F_U64("leg", index % 2));
    /* It may be another peer, after a transfer; what this one shows is noted again with its packets. */
    if (!keeps_a_key(set, &before))
        atomic_store_explicit(&st->counts.quirks, 0, memory_order_relaxed);
    if (st->changed_us == 0 || !same_peer(set, &before))
        pending |= RF_MEDIA_PENDING_PEER_NEW;
    st->next = *set;
    atomic_store_explicit(&st->pending, pending, memory_order_release);
    finish_change(st);
    st->changed_us = now_us;
    st->told &= (uint8_t)~RF_MEDIA_TOLD_TIMEOUT;
    rf_leg_other(r, index)->state->told &= (uint8_t)~RF_MEDIA_TOLD_TIMEOUT;

    load_leg(r, index);
    make_contexts(r, leg, &before);
    leg->bad_count = 0;
    rf_wipe(&before, sizeof before);
}

/* --- slots --- */

static void
slot_give(struct rf_relay *r, uint32_t slot, uint64_t at_us)
{
    uint32_t i = (r->free_head + r->free_count) % r->slots;

    r->free_slot[i] = slot;
    r->free_at_us[i] = at_us;
    r->free_count++;
}

/* Nothing was done with it: it is the next one again. */
static void
slot_give_back(struct rf_relay *r, uint32_t slot)
{
    r->free_head = (r->free_head + r->slots - 1) % r->slots;
    r->free_slot[r->free_head] = slot;
    r->free_at_us[r->free_head] = 0;
    r->free_count++;
}

static bool
slot_take(struct rf_relay *r, uint32_t *slot, uint64_t now_us)
{
    if (r->free_count == 0 || r->free_at_us[r->free_head] > now_us)
        return false;
    *slot = r->free_slot[r->free_head];
    r->free_head = (r->free_head + 1) % r->slots;
    r->free_count--;
    return true;
}

static struct rf_media_session *
session_at(const struct rf_relay *r, uint32_t slot)
{
    return &r->map->session[r->first_slot + slot];
}

/* The map's numbers, while they are known to be right: what is given back later was taken. */
static void
keep_places(struct rf_leg *leg)
{
    leg->place_count = leg->state->place[1].family != 0 ? 2 : 1;
    for (unsigned i = 0; i < leg->place_count; i++)
        leg->place_index[i] = leg->state->place[i].port_index;
}

static void
attach_legs(struct rf_relay *r, uint32_t slot)
{
    for (uint32_t i = 2 * slot; i < 2 * slot + 2; i++) {
        r->leg[i] = (struct rf_leg){ .state = &session_at(r, slot)->leg[i % 2], .is_open = true };
        keep_places(&r->leg[i]);
        load_leg(r, i);
    }
    r->open_count++;
}

/* rests: a peer may have heard of its ports. */
static void
close_session(struct rf_relay *r, uint32_t slot, bool rests, uint64_t now_us)
{
    struct rf_media_session *s = session_at(r, slot);
    uint32_t port_index[2][2], places[2];

    for (uint32_t i = 2 * slot; i < 2 * slot + 2; i++) {
        struct rf_media_leg_state *st = &s->leg[i % 2];

        places[i % 2] = r->leg[i].place_count;
        memcpy(port_index[i % 2], r->leg[i].place_index, sizeof port_index[0]);
        if (r->leg[i].owed != 0)
            r->owing--;
        drop_contexts(&r->leg[i]);
        rf_wipe(&st->set.tx, sizeof st->set.tx);
        rf_wipe(st->set.rx, sizeof st->set.rx);
        rf_wipe(&st->next, sizeof st->next);
        rf_wipe(&st->tx_keys, sizeof st->tx_keys);
        rf_wipe(&st->rx_keys, sizeof st->rx_keys);
        r->leg[i] = (struct rf_leg){ 0 };
    }
    atomic_store_explicit(&s->generation, generation(s) + 1, memory_order_release);
    /* After the generation: a process that dies between leaves a free slot, and its ports with nobody. */
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < places[i]; j++)
            r->io.give(r->io.ctx, port_index[i][j], rests ? now_us : 0);
    r->open_count--;
    if (rests)
        slot_give(r, slot, now_us + RF_MEDIA_REST_US);
    else
        slot_give_back(r, slot);
}

/* --- requests --- */

/* An OPEN that a former process did and could not answer. */
static bool
find_repeated(const struct rf_relay *r, uint32_t worker, const struct rf_media_request *q, uint32_t *slot)
{
    for (uint32_t i = 0; i < r->slots; i++) {
        const struct rf_media_session *s = session_at(r, i);

        if (r->leg[2 * i].is_open && s->worker == worker && s->epoch == q->epoch && s->cookie == q->cookie) {
            *slot = i;
            return true;
        }
    }
    return false;
}

static void
answer_opened(const struct rf_relay *r, uint32_t slot, struct rf_media_reply *reply)
{
    const struct rf_media_session *s = session_at(r, slot);

    reply->event = RF_MEDIA_OPENED;
    reply->session = (struct rf_media_name){ r->first_slot + slot, generation(s) };
    for (unsigned i = 0; i < 2; i++)
        reply->port[i] = s->leg[i].place[0].port;
}

static enum rf_err
open_session(struct rf_relay *r, uint32_t worker, const struct rf_media_request *q,
             struct rf_media_reply *reply, uint64_t now_us)
{
    struct rf_media_session *s;
    uint32_t slot, port_index[2];
    uint16_t port[2];
    enum rf_err err;

    if (q->is_repeat && find_repeated(r, worker, q, &slot)) {
        answer_opened(r, slot, reply);
        return RF_OK;
    }
    reply->event = RF_MEDIA_FULL;
    if (!slot_take(r, &slot, now_us))
        return RF_OK;
    for (unsigned i = 0; i < 2; i++) {
        err = r->io.take(r->io.ctx, q->family[i], 2 * slot + i, &port_index[i], &port[i]);
        if (err == RF_OK)
            continue;
        if (i == 1)
            r->io.give(r->io.ctx, port_index[0], 0);
        slot_give_back(r, slot);
        return err == RF_ERR_AGAIN ? RF_ERR_AGAIN : RF_OK;
    }

    s = session_at(r, slot);
    s->worker = worker;
    s->epoch = q->epoch;
    s->cookie = q->cookie;
    s->opened_us = now_us;
    s->timeout_us = q->timeout_s * 1000000ull;
    for (unsigned i = 0; i < 2; i++) {
        memset(&s->leg[i], 0, sizeof s->leg[i]);
        s->leg[i].place[0] = (struct rf_media_place){ port_index[i], port[i], q->family[i] };
    }
    atomic_store_explicit(&s->generation, generation(s) + 1, memory_order_release);
    attach_legs(r, slot);
    answer_opened(r, slot, reply);
    return RF_OK;
}

/* The slot of an open session of this name, or false. */
static bool
find(const struct rf_relay *r, struct rf_media_name name, uint32_t *slot)
{
    *slot = name.slot - r->first_slot;
    return name.slot >= r->first_slot && *slot < r->slots && r->leg[2 * *slot].is_open &&
           generation(session_at(r, *slot)) == name.generation;
}

static void
sweep(struct rf_relay *r, uint32_t worker, uint64_t epoch, uint64_t now_us)
{
    for (uint32_t slot = 0; slot < r->slots; slot++) {
        const struct rf_media_session *s = session_at(r, slot);

        if (r->leg[2 * slot].is_open && s->worker == worker && s->epoch < epoch)
            close_session(r, slot, true, now_us);
    }
}

/* A port of the other family beside the leg's own. One that is there is the answer: the request may be a repeated one. */
static enum rf_err
extend(struct rf_relay *r, uint32_t index, uint8_t family, struct rf_media_reply *reply)
{
    struct rf_media_place *place = r->leg[index].state->place;
    uint32_t port_index;
    uint16_t port;
    enum rf_err err = RF_OK;

    reply->event = RF_MEDIA_FULL;
    reply->leg = index % 2;
    if (place[0].family != family && place[1].family == 0) {
        err = r->io.take(r->io.ctx, family, index, &port_index, &port);
        if (err != RF_OK)
            return err == RF_ERR_AGAIN ? RF_ERR_AGAIN : RF_OK;
        place[1].port_index = port_index;
        place[1].port = port;
        /* A process that dies before this leaves a leg with one place. */
        atomic_signal_fence(memory_order_seq_cst);
        place[1].family = family;
        keep_places(&r->leg[index]);
    }
    reply->event = RF_MEDIA_EXTENDED;
    reply->port[index % 2] = place[place[0].family != family].port;
    return RF_OK;
}

enum rf_err
rf_relay_request(struct rf_relay *r, uint32_t worker, const struct rf_media_request *q,
                 struct rf_media_reply *reply, uint64_t now_us)
{
    struct rf_media_session *s;
    uint32_t slot;

    *reply = (struct rf_media_reply){ .version = RF_MEDIA_VERSION, .cookie = q->cookie, .session = q->session };
    if (q->command == RF_MEDIA_OPEN)
        return open_session(r, worker, q, reply, now_us);
    if (q->command == RF_MEDIA_SWEEP) {
        sweep(r, worker, q->epoch, now_us);
        return RF_ERR_NOT_FOUND;
    }
    reply->event = RF_MEDIA_GONE;
    if (!find(r, q->session, &slot))
        return RF_OK;
    s = session_at(r, slot);
    if (q->command == RF_MEDIA_ADOPT) {
        /* Its process lives on, or a newer one has it: not to be taken away. */
        if (s->epoch > q->epoch || (s->epoch == q->epoch && s->worker != worker))
            return RF_OK;
        s->worker = worker;
        s->epoch = q->epoch;
        reply->event = RF_MEDIA_ADOPTED;
        for (unsigned i = 0; i < 2; i++)
            reply->port[i] = s->leg[i].place[0].port;
        return RF_OK;
    }
    if (s->worker != worker)
        return RF_OK;
    if (q->command == RF_MEDIA_EXTEND)
        return extend(r, 2 * slot + q->leg, q->family[q->leg], reply);
    if (q->command == RF_MEDIA_CHANGE) {
        change(r, 2 * slot + q->leg, &q->change, now_us);
        reply->event = RF_MEDIA_CHANGED;
        reply->leg = q->leg;
    } else {
        close_session(r, slot, !q->is_ahead, now_us);
        reply->event = RF_MEDIA_CLOSED;
    }
    return RF_OK;
}

/* --- start and end --- */

/* A process that was taken over may leave anything in a bool; only 0 and 1 may be read as one. */
static void
settle(bool *claim)
{
    uint8_t octet;

    memcpy(&octet, claim, 1);
    *claim = octet != 0;
}

static void
settle_streams(struct rf_media_streams *m)
{
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++) {
        settle(&m->live[i].is_started);
        settle(&m->live[i].rtcp_is_started);
        settle(&m->live[i].gap_seen);
        settle(&m->live[i].has_former);
    }
    for (unsigned i = 0; i < RF_MEDIA_PARKED; i++) {
        settle(&m->parked[i].is_started);
        settle(&m->parked[i].rtcp_is_started);
    }
}

static bool
is_sane(const struct rf_media_session *s)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct rf_media_leg_state *st = &s->leg[i];

        if ((st->place[0].family != 4 && st->place[0].family != 6) || st->learnt_how > RF_LEARN_EXACT)
            return false;
        if (st->place[1].family != 0 && st->place[1].family != 10 - st->place[0].family)
            return false;
        if (st->at > (st->place[1].family != 0))
            return false;
        if (rf_media_leg_check(&st->set) != RF_OK)
            return false;
        for (unsigned j = 0; j < RF_MEDIA_PARKED; j++)
            if (st->rx.parked[j].rtcp_index > 0x7fffffff || st->tx.parked[j].rtcp_index > 0x7fffffff)
                return false;
    }
    return true;
}

static void
recover_leg(struct rf_relay *r, uint32_t index, uint64_t now_us)
{
    struct rf_leg *leg = &r->leg[index];
    struct rf_media_leg_state *st = leg->state;

    settle_streams(&st->rx);
    settle_streams(&st->tx);
    settle(&st->reception.stats.is_started);
    if (atomic_load_explicit(&st->learnt_torn, memory_order_relaxed) != 0) {
        st->learnt = (struct rf_addr){ 0 };
        st->learnt_rtcp = (struct rf_addr){ 0 };
        st->learnt_how = RF_LEARN_NONE;
        atomic_store_explicit(&st->learnt_torn, 0, memory_order_relaxed);
    }
    /* Indices below the reserved one may have been used by the process that died (I1). */
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        rf_srtp_stream_resume(&st->tx.live[i]);
    load_leg(r, index);
    make_contexts(r, leg, NULL);
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        if ((leg->in.in_use >> i & 1) != 0)
            leg->quirks |= st->rx.live[i].quirks;
    leg->heard_us = now_us; /* silence counts from here: what came meanwhile waits in the sockets */
}

/* All its pairs of ports, or none. */
static bool
claim_places(struct rf_relay *r, uint32_t slot, const struct rf_media_session *s)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct rf_media_place *p = &s->leg[i / 2].place[i % 2];

        if (p->family == 0 || r->io.claim(r->io.ctx, p->family, 2 * slot + i / 2, p->port_index, p->port))
            continue;
        while (i-- > 0)
            if (s->leg[i / 2].place[i % 2].family != 0)
                r->io.give(r->io.ctx, s->leg[i / 2].place[i % 2].port_index, 0);
        return false;
    }
    return true;
}

static bool
recover(struct rf_relay *r, uint32_t slot, uint64_t now_us)
{
    struct rf_media_session *s = session_at(r, slot);

    for (unsigned i = 0; i < 2; i++)
        if (atomic_load_explicit(&s->leg[i].pending, memory_order_acquire) & RF_MEDIA_PENDING_COMMIT) {
            if (rf_media_leg_check(&s->leg[i].next) != RF_OK)
                return false;
            finish_change(&s->leg[i]);
        }
    if (!is_sane(s))
        return false;
    if (!claim_places(r, slot, s))
        return false;
    attach_legs(r, slot);
    for (unsigned i = 0; i < 2; i++)
        recover_leg(r, 2 * slot + i, now_us);
    return true;
}

enum rf_err
rf_relay_new(struct rf_relay **out, struct rf_media_map *map, uint32_t thread, uint16_t replay_window,
             const struct rf_relay_io *io, uint64_t now_us)
{
    struct rf_relay *r = calloc(1, sizeof *r);

    if (r == NULL)
        return RF_ERR_NOMEM;
    r->map = map;
    r->io = *io;
    r->thread = thread;
    r->replay_window = replay_window;
    r->slots = map->slots_per_thread;
    r->first_slot = thread * r->slots;
    r->free_slot = calloc(r->slots, sizeof *r->free_slot);
    r->free_at_us = calloc(r->slots, sizeof *r->free_at_us);
    r->leg = aligned_alloc(64, 2 * (size_t)r->slots * sizeof *r->leg);
    if (r->free_slot == NULL || r->free_at_us == NULL || r->leg == NULL) {
        rf_relay_free(r);
        return RF_ERR_NOMEM;
    }
    memset(r->leg, 0, 2 * (size_t)r->slots * sizeof *r->leg);
    for (uint32_t slot = 0; slot < r->slots; slot++) {
        struct rf_media_session *s = session_at(r, slot);

        if (generation(s) % 2 == 1 && recover(r, slot, now_us))
            continue;
        if (generation(s) % 2 == 1) {
            for (unsigned i = 0; i < 2; i++)
                rf_wipe(&s->leg[i].set, sizeof s->leg[i].set);
            atomic_store_explicit(&s->generation, generation(s) + 1, memory_order_release);
        }
        slot_give(r, slot, 0);
    }
    *out = r;
    return RF_OK;
}

void
rf_relay_free(struct rf_relay *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; r->leg != NULL && i < 2 * r->slots; i++)
        drop_contexts(&r->leg[i]);
    free(r->leg);
    free(r->free_slot);
    free(r->free_at_us);
    free(r);
}

size_t
rf_relay_open_count(const struct rf_relay *r)
{
    return r->open_count;
}

uint32_t
rf_relay_port(const struct rf_relay *r, uint32_t leg)
{
    return r->leg[leg].port_index;
}

const struct rf_addr *
rf_relay_target(const struct rf_relay *r, uint32_t leg)
{
    return &r->leg[leg].to_rtp;
}

uint64_t
rf_relay_heard_us(const struct rf_relay *r, uint32_t leg)
{
    return r->leg[leg].heard_us;
}

struct rf_media_counts *
rf_relay_counts(struct rf_relay *r, uint32_t leg)
{
    return &r->leg[leg].state->counts;
}
