/*
 * call/save.c - a call that is up, as octets for the store, so that a new signal process knows it
 *
 * Everything that a BYE, a re-INVITE and the record need, except keys: those lie in the media map, which outlives the
 * process, and never reach the disk. The octets are read back with the suspicion of any input: the file may be damaged
 * or of another version.
 */
#include <stdlib.h>

#include "base/pack.h"
#include "call/layer.h"

#define BLOB_VERSION 9
#define BLOB_OLDER   8     /* without what put_rest writes: of the program before an upgrade */
#define BLOB_MAX     65536 /* two descriptions of RF_SDP_MAX, two dialogs of RF_DIALOG_TEXT_MAX, and room */

/* --- parts --- */

static void
put_dialog(struct rf_buf *b, const struct rf_dialog *d)
{
    rf_pack_u(b, d->is_uac, 1);
    rf_pack_u(b, d->has_remote_cseq, 1);
    rf_pack_u(b, d->local_cseq, 4);
    rf_pack_u(b, d->remote_cseq, 4);
    rf_pack_u(b, d->invite_cseq, 4);
    rf_pack_str(b, d->call_id);
    rf_dialog_pack(b, d);
}

static void
get_dialog(struct rf_cursor *c, struct rf_dialog *d)
{
    d->is_confirmed = true;
    d->is_uac = rf_unpack_bool(c);
    d->has_remote_cseq = rf_unpack_bool(c);
    d->local_cseq = (uint32_t)rf_unpack_u(c, 4);
    d->remote_cseq = (uint32_t)rf_unpack_u(c, 4);
    d->invite_cseq = (uint32_t)rf_unpack_u(c, 4);
    d->call_id = rf_unpack_dup(c);
    rf_dialog_unpack(c, d);
}

static void
put_policy(struct rf_buf *b, const struct rf_srtp_policy *p)
{
    rf_pack_u(b, p->mode, 1);
    rf_pack_u(b, p->suite_count, 1);
    for (size_t i = 0; i < p->suite_count; i++)
        rf_pack_u(b, p->suite[i], 1);
    rf_pack_u(b, p->answer_savp, 1);
    rf_pack_u(b, p->allow_null_auth, 1);
    rf_pack_u(b, p->allow_unencrypted, 1);
    rf_pack_u(b, p->offerer_order, 1);
    rf_pack_u(b, p->hosted, 1);
    rf_pack_u(b, p->strict_transport, 1);
}

static void
get_policy(struct rf_cursor *c, struct rf_srtp_policy *p)
{
    p->mode = rf_unpack_enum(c, RF_SRTP_REQUIRED + 1);
    p->suite_count = rf_unpack_enum(c, RF_CRYPTO_LINES_MAX + 1);
    for (size_t i = 0; i < p->suite_count; i++)
        p->suite[i] = (uint8_t)rf_unpack_enum(c, rf_srtp_suite_count() + 1);
    p->answer_savp = rf_unpack_bool(c);
    p->allow_null_auth = rf_unpack_bool(c);
    p->allow_unencrypted = rf_unpack_bool(c);
    p->offerer_order = rf_unpack_bool(c);
    p->hosted = rf_unpack_bool(c);
    p->strict_transport = rf_unpack_bool(c);
}

static void
put_media(struct rf_buf *b, const struct leg_media *m)
{
    rf_pack_u(b, m != NULL, 1);
    if (m == NULL)
        return;
    rf_pack_text(b, rf_span(m->sdp, m->sdp_n));
    rf_pack_u(b, (uint64_t)m->stream, 1);
    rf_pack_u(b, m->is_encrypted, 1);
    rf_pack_u(b, m->is_weak, 1);
    rf_pack_u(b, m->keys_in_clear, 1);
    rf_pack_u(b, m->rtcp_mux, 1);
    rf_pack_u(b, m->theirs, 1);
    rf_pack_u(b, m->ours, 1);
    rf_pack_u(b, m->profile, 1);
    rf_pack_u(b, m->tag, 4);
    rf_pack_addr(b, &m->peer);
    rf_pack_addr(b, &m->peer_rtcp);
}

static struct leg_media *
get_media(struct rf_cursor *c)
{
    struct leg_media *m;
    struct rf_span sdp;

    if (!rf_unpack_bool(c))
        return NULL;
    m = calloc(1, sizeof *m);
    sdp = rf_unpack_text(c);
    if (m == NULL || sdp.n > RF_SDP_MAX || (m->sdp = malloc(sdp.n + 1)) == NULL) {
        rf_cur_fail(c, RF_ERR_NOMEM);
        leg_media_free(m);
        return NULL;
    }
    memcpy(m->sdp, sdp.p, sdp.n);
    m->sdp_n = sdp.n;
    m->stream = (int)rf_unpack_enum(c, RF_SDP_MEDIA_MAX);
    m->is_encrypted = rf_unpack_bool(c);
    m->is_weak = rf_unpack_bool(c);
    m->keys_in_clear = rf_unpack_bool(c);
    m->rtcp_mux = rf_unpack_bool(c);
    m->theirs = rf_unpack_enum(c, RF_INACTIVE + 1);
    m->ours = rf_unpack_enum(c, RF_INACTIVE + 1);
    m->profile = rf_unpack_enum(c, RF_PROFILE_OTHER + 1);
    m->tag = (uint32_t)rf_unpack_u(c, 4);
    m->peer = rf_unpack_addr(c);
    m->peer_rtcp = rf_unpack_addr(c);
    return m;
}

/* All of it are numbers of 64 bits but what subtract in media.c does not look at. */
#define BASE_NUMBERS (offsetof(struct media_numbers, rtt_us) / sizeof(uint64_t))

static void
put_base(struct rf_buf *b, const struct media_numbers *n)
{
    uint64_t v[BASE_NUMBERS];

    memcpy(v, n, sizeof v);
    for (size_t i = 0; i < BASE_NUMBERS; i++)
        rf_pack_u(b, v[i], 8);
}

static void
get_base(struct rf_cursor *c, struct media_numbers *n)
{
    uint64_t v[BASE_NUMBERS];

    for (size_t i = 0; i < BASE_NUMBERS; i++)
        v[i] = rf_unpack_u(c, 8);
    memcpy(n, v, sizeof v);
}

/* A call that a transfer made: what is left to do, and where it came from. */
static void
put_transfer(struct rf_buf *b, const struct call *c)
{
    const struct origin *o = c->origin;

    rf_pack_u(b, o != NULL, 1);
    if (o == NULL)
        return;
    rf_pack_u(b, c->join, 1);
    put_media(b, o->abilities);
    put_base(b, &c->a->base);
    put_base(b, &c->b->base);
    rf_pack_u(b, o->kind, 1);
    rf_pack_str(b, o->user);
    rf_pack_str(b, o->display);
    rf_pack_str(b, o->connection);
    rf_pack_u(b, o->is_private, 1);
    rf_pack_str(b, o->moving[0].id);
    rf_pack_str(b, o->moving[1].id);
}

static void
get_transfer(struct rf_cursor *cur, struct call *c)
{
    struct origin *o;

    if (!rf_unpack_bool(cur))
        return;
    o = c->origin = calloc(1, sizeof *o);
    if (o == NULL) {
        rf_cur_fail(cur, RF_ERR_NOMEM);
        return;
    }
    c->join = (uint8_t)rf_unpack_enum(cur, JOIN_INVITE);
    o->abilities = get_media(cur);
    get_base(cur, &c->a->base);
    get_base(cur, &c->b->base);
    o->kind = (uint8_t)rf_unpack_enum(cur, TRANSFER_KINDS);
    rf_unpack_array(cur, o->user, sizeof o->user);
    rf_unpack_array(cur, o->display, sizeof o->display);
    rf_unpack_array(cur, o->connection, sizeof o->connection);
    o->is_private = rf_unpack_bool(cur);
    rf_unpack_array(cur, o->moving[0].id, sizeof o->moving[0].id);
    rf_unpack_array(cur, o->moving[1].id, sizeof o->moving[1].id);
    /* Nobody is left who could be joined later, and nothing to join with: no such call was saved. */
    if (c->join == JOIN_ASKED || (c->join != JOIN_NONE && o->abilities == NULL) ||
        (c->join == JOIN_A && c->b->media == NULL))
        rf_cur_fail(cur, RF_ERR_SYNTAX);
}

static void
put_leg(struct rf_buf *b, const struct leg *leg)
{
    rf_pack_str(b, leg->user);
    rf_pack_str(b, leg->connection);
    rf_pack_str(b, leg->device);
    rf_pack_u(b, leg->is_private, 1);
    rf_pack_str(b, leg->display);
    rf_pack_str(b, leg->setting);
    rf_pack_str(b, leg->instance);
    rf_pack_str(b, leg->listener);
    rf_pack_str(b, leg->sign_in != NULL ? leg->sign_in : "");
    rf_pack_u(b, leg->transport, 1);
    rf_pack_addr(b, &leg->remote);
    rf_pack_addr(b, &leg->media_addr);
    rf_pack_str(b, leg->facts.tls_version);
    rf_pack_str(b, leg->facts.tls_cipher);
    rf_pack_str(b, leg->facts.tls_group);
    rf_pack_u(b, leg->facts.tls_resumed, 1);
    rf_pack_str(b, leg->facts.tls_peer);
    rf_put(b, rf_span(leg->facts.tls_peer_sha256, sizeof leg->facts.tls_peer_sha256));
    rf_pack_u(b, (uint64_t)leg->facts.since_wall_s, 8);
    rf_pack_u(b, leg->session.expires_s, 4);
    rf_pack_u(b, leg->session.we_refresh, 1);
    rf_pack_u(b, leg->session.peer_supports, 1);
    rf_pack_u(b, leg->allows_update, 1);
    rf_pack_u(b, leg->refers, 2);
    rf_pack_u(b, leg->sdp_id, 8);
    rf_pack_u(b, leg->sdp_version, 8);
    put_policy(b, &leg->policy);
    put_dialog(b, &leg->dialog);
    put_media(b, leg->media);
}

/* Constant strings for what was saved as text. */
static const char *
sign_in_named(struct rf_span s)
{
    for (int a = 0; a < RF_DIGEST_COUNT; a++)
        if (rf_span_is(s, rf_digest_name(a)))
            return rf_digest_name(a);
    return rf_span_is(s, "registered")     ? "registered"
           : rf_span_is(s, "registration") ? "registration"
           : rf_span_is(s, "certificate")  ? "certificate"
           : rf_span_is(s, "address")      ? "address"
           : rf_span_is(s, "name")         ? "name"
                                           : NULL;
}

static void
get_leg(struct rf_cursor *c, struct leg *leg)
{
    struct rf_span print;

    rf_unpack_array(c, leg->user, sizeof leg->user);
    rf_unpack_array(c, leg->connection, sizeof leg->connection);
    rf_unpack_array(c, leg->device, sizeof leg->device);
    leg->is_private = rf_unpack_bool(c);
    rf_unpack_array(c, leg->display, sizeof leg->display);
    rf_unpack_array(c, leg->setting, sizeof leg->setting);
    rf_unpack_array(c, leg->instance, sizeof leg->instance);
    rf_unpack_array(c, leg->listener, sizeof leg->listener);
    leg->sign_in = sign_in_named(rf_unpack_text(c));
    leg->transport = rf_unpack_enum(c, RF_TRANSPORT_COUNT);
    leg->remote = rf_unpack_addr(c);
    leg->media_addr = rf_unpack_addr(c);
    rf_unpack_array(c, leg->facts.tls_version, sizeof leg->facts.tls_version);
    rf_unpack_array(c, leg->facts.tls_cipher, sizeof leg->facts.tls_cipher);
    rf_unpack_array(c, leg->facts.tls_group, sizeof leg->facts.tls_group);
    leg->facts.tls_resumed = rf_unpack_bool(c);
    rf_unpack_array(c, leg->facts.tls_peer, sizeof leg->facts.tls_peer);
    print = rf_cur_take(c, sizeof leg->facts.tls_peer_sha256);
    if (c->err == RF_OK)
        memcpy(leg->facts.tls_peer_sha256, print.p, print.n);
    leg->facts.since_wall_s = (int64_t)rf_unpack_u(c, 8);
    leg->session.expires_s = (uint32_t)rf_unpack_u(c, 4);
    leg->session.we_refresh = rf_unpack_bool(c);
    leg->session.peer_supports = rf_unpack_bool(c);
    leg->allows_update = rf_unpack_bool(c);
    leg->refers = (uint16_t)rf_unpack_u(c, 2);
    leg->sdp_id = rf_unpack_u(c, 8);
    leg->sdp_version = rf_unpack_u(c, 8) + 1; /* what was sent last is not known here: the next one is a new one */
    get_policy(c, &leg->policy);
    get_dialog(c, &leg->dialog);
    leg->media = get_media(c);
    leg->state = LEG_UP;
}

static void
put_forwards(struct rf_buf *b, const struct call *c)
{
    rf_pack_u(b, c->forward_count, 1);
    for (size_t i = 0; i < c->forward_count; i++) {
        rf_pack_str(b, c->forwards[i].user);
        rf_pack_str(b, c->forwards[i].to);
        rf_pack_u(b, c->forwards[i].reason, 1);
    }
}

static void
get_forwards(struct rf_cursor *cur, struct call *c)
{
    unsigned n = rf_unpack_enum(cur, FORWARDS_MAX + 1);

    if (n == 0 || (c->forwards = calloc(FORWARDS_MAX, sizeof *c->forwards)) == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        rf_unpack_array(cur, c->forwards[i].user, sizeof c->forwards[i].user);
        rf_unpack_array(cur, c->forwards[i].to, sizeof c->forwards[i].to);
        c->forwards[i].reason = (uint8_t)rf_unpack_enum(cur, FORWARD_REASONS);
    }
    c->forward_count = (uint8_t)n;
}

/* What joins legs without a transfer, where it came from and who took it. */
static void
put_rest(struct rf_buf *b, const struct call *c)
{
    rf_pack_u(b, c->origin == NULL ? c->join : JOIN_NONE, 1);
    rf_pack_str(b, c->picked_by);
    rf_pack_u(b, c->trail.passes, 1);
    rf_pack_u(b, c->trail.count, 1);
    rf_put(b, rf_span((const char *)c->trail.uuid, (size_t)c->trail.count * RF_UUID_OCTETS));
}

static void
get_rest(struct rf_cursor *cur, struct call *c)
{
    uint8_t join = (uint8_t)rf_unpack_enum(cur, JOIN_INVITE);
    struct rf_span uuids;

    if (join != JOIN_NONE)
        c->join = join;
    /* (JOIN_A) and (JOIN_B) offer each leg what the other has agreed. */
    if (join == JOIN_ASKED || (join != JOIN_NONE && (c->origin != NULL || c->a->media == NULL || c->b->media == NULL)))
        rf_cur_fail(cur, RF_ERR_SYNTAX);
    rf_unpack_array(cur, c->picked_by, sizeof c->picked_by);
    c->trail.passes = (uint8_t)rf_unpack_u(cur, 1);
    c->trail.count = (uint8_t)rf_unpack_enum(cur, RF_TRAIL_MAX + 1);
    uuids = rf_cur_take(cur, (size_t)c->trail.count * RF_UUID_OCTETS);
    if (cur->err == RF_OK && uuids.n > 0)
        memcpy(c->trail.uuid, uuids.p, uuids.n);
}

static bool
has_room(struct rf_call_layer *l)
{
    /* Kept: an allocation of this size is given back to the kernel each time. */
    return l->save_mem != NULL || (l->save_mem = malloc(BLOB_MAX)) != NULL;
}

struct rf_span
leg_put(struct leg *leg)
{
    struct rf_buf b;

    if (!has_room(leg->call->l))
        return (struct rf_span){ 0 };
    b = rf_buf(leg->call->l->save_mem, BLOB_MAX);
    put_leg(&b, leg);
    return rf_buf_done(&b) == RF_OK ? rf_buf_span(&b) : (struct rf_span){ 0 };
}

enum rf_err
leg_get(struct leg *leg, struct rf_span octets)
{
    struct rf_cursor cur = rf_cur(octets);

    get_leg(&cur, leg);
    return rf_cur_done(&cur);
}

void
call_save(struct call *c)
{
    struct rf_call_env *env = &c->l->env;
    struct rf_buf b;

    call_tell(c); /* what is worth a row is worth a look at the lamps: a leg may have come from another call */
    if (c->state != CALL_UP || c->b == NULL || c->join == JOIN_INVITE)
        return;
    if (!has_room(c->l))
        return;
    b = rf_buf(c->l->save_mem, BLOB_MAX);
    rf_pack_u(&b, BLOB_VERSION, 4);
    rf_pack_str(&b, c->a->dialog.call_id); /* first, so that its worker is found without the rest */
    rf_pack_str(&b, c->id);
    rf_pack_str(&b, c->called);
    rf_pack_u(&b, c->is_bypass, 1);
    rf_pack_u(&b, (uint64_t)c->began_wall_s, 8);
    rf_pack_u(&b, (uint64_t)c->answered_wall_s, 8);
    rf_pack_u(&b, c->verdict_seen, 1);
    rf_pack_u(&b, c->verdict_min, 1);
    rf_pack_u(&b, c->media.slot, 4);
    rf_pack_u(&b, c->media.generation, 4);
    rf_pack_u(&b, c->max_forwards, 1);
    rf_pack_u(&b, c->is_swapped, 1);
    put_leg(&b, c->a);
    put_leg(&b, c->b);
    put_forwards(&b, c);
    put_transfer(&b, c);
    put_rest(&b, c);
    if (rf_buf_done(&b) == RF_OK)
        env->save(env->ctx, rf_span_str(c->id), rf_buf_span(&b));
    else
        RF_LOGF(RF_LOG_WARN, "call.save", "a call is too large to be saved; a restart would end it",
                RF_F_STR("call", c->id));
}

void
call_forget(struct call *c)
{
    c->l->env.save(c->l->env.ctx, rf_span_str(c->id), (struct rf_span){ 0 });
}

/* --- back --- */

/* Keys and addresses as the relay has them. */
static bool
keys_from_map(struct call *c, struct leg *leg)
{
    const struct rf_media_session *s =
        c->l->env.media_map != NULL ? rf_media_map_find(c->l->env.media_map, c->media) : NULL;
    const struct rf_media_leg *set;

    if (leg->media == NULL || !leg->media->is_encrypted)
        return true;
    if (s == NULL)
        return false;
    set = &s->leg[leg_slot(leg)].set;
    leg->media->tx = set->tx;
    leg->media->rx_count = set->rx_count <= RF_MEDIA_KEYS_MAX ? set->rx_count : 0;
    for (size_t i = 0; i < leg->media->rx_count; i++)
        leg->media->rx[i] = set->rx[i];
    return leg->media->rx_count > 0 && set->tx.suite != 0;
}

static bool
is_readable(uint64_t version)
{
    return version == BLOB_VERSION || version == BLOB_OLDER;
}

static void
get_call(struct rf_cursor *cur, uint64_t version, struct call *c)
{
    rf_unpack_array(cur, c->id, sizeof c->id);
    rf_unpack_array(cur, c->called, sizeof c->called);
    c->is_bypass = rf_unpack_bool(cur);
    c->began_wall_s = (int64_t)rf_unpack_u(cur, 8);
    c->answered_wall_s = (int64_t)rf_unpack_u(cur, 8);
    c->verdict_seen = rf_unpack_bool(cur);
    c->verdict_min = (uint8_t)rf_unpack_enum(cur, VERDICT_ENCRYPTED + 1);
    c->media.slot = (uint32_t)rf_unpack_u(cur, 4);
    c->media.generation = (uint32_t)rf_unpack_u(cur, 4);
    c->max_forwards = (uint8_t)rf_unpack_u(cur, 1);
    c->is_swapped = rf_unpack_bool(cur);
    get_leg(cur, c->a);
    get_leg(cur, c->b);
    get_forwards(cur, c);
    get_transfer(cur, c);
    if (version > BLOB_OLDER)
        get_rest(cur, c);
}

/* When it began, on this process's clock: its own time at least. */
static uint64_t
back(uint64_t now_us, int64_t seconds)
{
    uint64_t us = seconds > 0 ? (uint64_t)seconds * RF_S : 0;

    return us < now_us ? now_us - us : 0;
}

uint16_t
rf_call_saved_owner(const struct rf_hash_key *key, struct rf_span value, uint16_t workers)
{
    struct rf_cursor cur = rf_cur(value);
    struct rf_span call_id;

    if (!is_readable(rf_unpack_u(&cur, 4)))
        return 0;
    call_id = rf_unpack_text(&cur);
    return cur.err == RF_OK ? rf_call_owner(key, call_id, workers) : 0;
}

enum rf_err
rf_call_restore(struct rf_call_layer *l, struct rf_span value, uint64_t now_us)
{
    struct rf_cursor cur = rf_cur(value);
    int64_t wall_s = l->env.wall_s(l->env.ctx);
    uint64_t version = rf_unpack_u(&cur, 4);
    struct call *c;
    enum rf_err err;

    if (!is_readable(version))
        return RF_ERR_UNSUPPORTED;
    (void)rf_unpack_text(&cur); /* leg A's Call-ID comes again with its dialog */
    c = call_new(l, now_us);
    if (c == NULL)
        return RF_ERR_NOMEM;
    c->a = leg_new(c, 0);
    c->b = leg_new(c, 1);
    if (c->a == NULL || c->b == NULL) {
        call_free(c);
        return RF_ERR_NOMEM;
    }
    get_call(&cur, version, c);
    err = rf_cur_done(&cur);
    if (err != RF_OK) {
        call_free(c);
        return err;
    }
    c->state = CALL_UP;
    c->answered = c->restored = true;
    c->answered_us = back(now_us, wall_s - c->answered_wall_s);
    /* It was admitted by the process before us: whatever the limits say now, it counts. Without memory it does not. */
    if (rf_quota_take(l->env.quota, rf_span_str(c->a->connection[0] != '\0' ? "" : c->a->user), UINT32_MAX, UINT32_MAX,
                      &c->share) != RF_OK)
        c->share = NULL;
    for (int side = 0; side < 2 && l->env.board != NULL; side++) {
        struct leg *leg = side == 0 ? c->a : c->b;

        leg->is_counted = leg->connection[0] != '\0' &&
                          rf_board_take(l->env.board, leg->connection, UINT32_MAX) == RF_OK;
    }
    for (int side = 0; side < 2; side++) {
        leg_enter(side == 0 ? c->a : c->b);
        leg_be_guest(side == 0 ? c->a : c->b);
    }
    if (!c->is_bypass)
        call_media_named(c, c->media);
    ladder_add(c, 0, false, "", 0, "known again after a restart", now_us);
    if (!keys_from_map(c, c->a) || !keys_from_map(c, c->b)) {
        /* Its media is gone with the whole machine: the phones are told if they can be reached. */
        c->media_open = false;
        rf_hash_remove(&l->medias, &c->by_media);
        call_end(c, "restart", 500, RF_REFUSE_NONE, now_us);
        return RF_ERR_NOT_FOUND;
    }
    if (!c->is_bypass)
        call_media_adopt(c);
    leg_session_start(c->a, now_us);
    leg_session_start(c->b, now_us);
    rf_timer_arm(l->env.wheel, &c->timer, now_us + SAMPLE_US);
    call_tell(c);
    return RF_OK;
}
