/*
 * call/save.c - a call that is up, as octets for the store, so that a new signal process knows it
 *
 * Everything that a BYE, a re-INVITE and the record need, except keys: those lie in the media map, which outlives the
 * process, and never reach the disk. The octets are read back with the suspicion of any input: the file may be damaged
 * or of another version.
 */
#include <stdlib.h>

#include "base/cursor.h"
#include "call/layer.h"

#define BLOB_VERSION 7
#define BLOB_MAX     65536 /* two descriptions of RF_SDP_MAX, two dialogs of RF_DIALOG_TEXT_MAX, and room */

/* --- numbers and texts, little endian, each text with its length --- */

static void
put_u(struct rf_buf *b, uint64_t v, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        rf_put_char(b, (char)(v >> (8 * i)));
}

static void
put_text(struct rf_buf *b, struct rf_span s)
{
    put_u(b, s.n, 4);
    rf_put(b, s);
}

static void
put_str(struct rf_buf *b, const char *s)
{
    put_text(b, rf_span_str(s));
}

static void
put_address(struct rf_buf *b, const struct rf_addr *a)
{
    char text[RF_ADDR_TEXT_MAX];

    put_str(b, rf_addr_is_set(a) ? rf_addr_text(a, text) : "");
}

static uint64_t
get_u(struct rf_cursor *c, size_t octets)
{
    struct rf_span s = rf_cur_take(c, octets);
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
    return v;
}

static bool
get_bool(struct rf_cursor *c)
{
    uint64_t v = get_u(c, 1);

    if (v > 1)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return v == 1;
}

/* An enum member below `count`. */
static unsigned
get_enum(struct rf_cursor *c, unsigned enumerators)
{
    uint64_t v = get_u(c, 1);

    if (v >= enumerators) {
        rf_cur_fail(c, RF_ERR_RANGE);
        return 0;
    }
    return (unsigned)v;
}

static struct rf_span
get_text(struct rf_cursor *c)
{
    return rf_cur_take(c, (size_t)get_u(c, 4));
}

static void
get_array(struct rf_cursor *c, char *out, size_t size)
{
    if (rf_span_copy(get_text(c), out, size) != RF_OK)
        rf_cur_fail(c, RF_ERR_RANGE);
}

static char *
get_dup(struct rf_cursor *c)
{
    struct rf_span s = get_text(c);
    char *p = c->err == RF_OK ? rf_span_dup(s) : NULL;

    if (p == NULL)
        rf_cur_fail(c, RF_ERR_NOMEM);
    return p;
}

static struct rf_addr
get_address(struct rf_cursor *c)
{
    struct rf_span s = get_text(c);
    struct rf_addr a = { 0 };

    if (c->err == RF_OK && s.n > 0 && rf_addr_parse_port(s, &a) != RF_OK)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return a;
}

/* --- parts --- */

static void
put_dialog(struct rf_buf *b, const struct rf_dialog *d)
{
    put_u(b, d->is_uac, 1);
    put_u(b, d->has_remote_cseq, 1);
    put_u(b, d->local_cseq, 4);
    put_u(b, d->remote_cseq, 4);
    put_u(b, d->invite_cseq, 4);
    put_str(b, d->call_id);
    put_str(b, d->local_tag);
    put_str(b, d->remote_tag);
    put_str(b, d->local);
    put_str(b, d->remote);
    put_str(b, d->target);
    put_u(b, d->route_count, 1);
    for (size_t i = 0; i < d->route_count; i++)
        put_str(b, d->route[i]);
}

static void
get_dialog(struct rf_cursor *c, struct rf_dialog *d)
{
    size_t routes;

    d->is_confirmed = true;
    d->is_uac = get_bool(c);
    d->has_remote_cseq = get_bool(c);
    d->local_cseq = (uint32_t)get_u(c, 4);
    d->remote_cseq = (uint32_t)get_u(c, 4);
    d->invite_cseq = (uint32_t)get_u(c, 4);
    d->call_id = get_dup(c);
    d->local_tag = get_dup(c);
    d->remote_tag = get_dup(c);
    d->local = get_dup(c);
    d->remote = get_dup(c);
    d->target = get_dup(c);
    routes = get_enum(c, RF_DIALOG_ROUTES_MAX + 1);
    for (size_t i = 0; i < routes && c->err == RF_OK; i++) {
        d->route[i] = get_dup(c);
        d->route_count = i + 1;
    }
}

static void
put_policy(struct rf_buf *b, const struct rf_srtp_policy *p)
{
    put_u(b, p->mode, 1);
    put_u(b, p->suite_count, 1);
    for (size_t i = 0; i < p->suite_count; i++)
        put_u(b, p->suite[i], 1);
    put_u(b, p->answer_savp, 1);
    put_u(b, p->allow_null_auth, 1);
    put_u(b, p->offerer_order, 1);
    put_u(b, p->hosted, 1);
    put_u(b, p->strict_transport, 1);
}

static void
get_policy(struct rf_cursor *c, struct rf_srtp_policy *p)
{
    p->mode = get_enum(c, RF_SRTP_REQUIRED + 1);
    p->suite_count = get_enum(c, RF_CRYPTO_LINES_MAX + 1);
    for (size_t i = 0; i < p->suite_count; i++)
        p->suite[i] = (uint8_t)get_enum(c, rf_srtp_suite_count() + 1);
    p->answer_savp = get_bool(c);
    p->allow_null_auth = get_bool(c);
    p->offerer_order = get_bool(c);
    p->hosted = get_bool(c);
    p->strict_transport = get_bool(c);
}

static void
put_media(struct rf_buf *b, const struct leg_media *m)
{
    put_u(b, m != NULL, 1);
    if (m == NULL)
        return;
    put_text(b, rf_span(m->sdp, m->sdp_n));
    put_u(b, (uint64_t)m->stream, 1);
    put_u(b, m->is_encrypted, 1);
    put_u(b, m->is_weak, 1);
    put_u(b, m->keys_in_clear, 1);
    put_u(b, m->rtcp_mux, 1);
    put_u(b, m->theirs, 1);
    put_u(b, m->ours, 1);
    put_u(b, m->profile, 1);
    put_u(b, m->tag, 4);
    put_address(b, &m->peer);
    put_address(b, &m->peer_rtcp);
}

static struct leg_media *
get_media(struct rf_cursor *c)
{
    struct leg_media *m;
    struct rf_span sdp;

    if (!get_bool(c))
        return NULL;
    m = calloc(1, sizeof *m);
    sdp = get_text(c);
    if (m == NULL || sdp.n > RF_SDP_MAX || (m->sdp = malloc(sdp.n + 1)) == NULL) {
        rf_cur_fail(c, RF_ERR_NOMEM);
        leg_media_free(m);
        return NULL;
    }
    memcpy(m->sdp, sdp.p, sdp.n);
    m->sdp_n = sdp.n;
    m->stream = (int)get_enum(c, RF_SDP_MEDIA_MAX);
    m->is_encrypted = get_bool(c);
    m->is_weak = get_bool(c);
    m->keys_in_clear = get_bool(c);
    m->rtcp_mux = get_bool(c);
    m->theirs = get_enum(c, RF_INACTIVE + 1);
    m->ours = get_enum(c, RF_INACTIVE + 1);
    m->profile = get_enum(c, RF_PROFILE_OTHER + 1);
    m->tag = (uint32_t)get_u(c, 4);
    m->peer = get_address(c);
    m->peer_rtcp = get_address(c);
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
        put_u(b, v[i], 8);
}

static void
get_base(struct rf_cursor *c, struct media_numbers *n)
{
    uint64_t v[BASE_NUMBERS];

    for (size_t i = 0; i < BASE_NUMBERS; i++)
        v[i] = get_u(c, 8);
    memcpy(n, v, sizeof v);
}

/* A call that a transfer made: what is left to do, and where it came from. */
static void
put_transfer(struct rf_buf *b, const struct call *c)
{
    const struct origin *o = c->origin;

    put_u(b, o != NULL, 1);
    if (o == NULL)
        return;
    put_u(b, c->join, 1);
    put_media(b, o->abilities);
    put_base(b, &c->a->base);
    put_base(b, &c->b->base);
    put_u(b, o->kind, 1);
    put_str(b, o->user);
    put_str(b, o->display);
    put_str(b, o->connection);
    put_u(b, o->is_private, 1);
    put_str(b, o->moving[0].id);
    put_str(b, o->moving[1].id);
}

static void
get_transfer(struct rf_cursor *cur, struct call *c)
{
    struct origin *o;

    if (!get_bool(cur))
        return;
    o = c->origin = calloc(1, sizeof *o);
    if (o == NULL) {
        rf_cur_fail(cur, RF_ERR_NOMEM);
        return;
    }
    c->join = (uint8_t)get_enum(cur, JOIN_INVITE);
    o->abilities = get_media(cur);
    get_base(cur, &c->a->base);
    get_base(cur, &c->b->base);
    o->kind = (uint8_t)get_enum(cur, TRANSFER_KINDS);
    get_array(cur, o->user, sizeof o->user);
    get_array(cur, o->display, sizeof o->display);
    get_array(cur, o->connection, sizeof o->connection);
    o->is_private = get_bool(cur);
    get_array(cur, o->moving[0].id, sizeof o->moving[0].id);
    get_array(cur, o->moving[1].id, sizeof o->moving[1].id);
    /* Nobody is left who could be joined later, and nothing to join with: no such call was saved. */
    if (c->join == JOIN_ASKED || (c->join != JOIN_NONE && o->abilities == NULL) ||
        (c->join == JOIN_A && c->b->media == NULL))
        rf_cur_fail(cur, RF_ERR_SYNTAX);
}

static void
put_leg(struct rf_buf *b, const struct leg *leg)
{
    put_str(b, leg->user);
    put_str(b, leg->connection);
    put_str(b, leg->device);
    put_u(b, leg->is_private, 1);
    put_str(b, leg->display);
    put_str(b, leg->setting);
    put_str(b, leg->instance);
    put_str(b, leg->listener);
    put_str(b, leg->sign_in != NULL ? leg->sign_in : "");
    put_u(b, leg->transport, 1);
    put_address(b, &leg->remote);
    put_address(b, &leg->media_addr);
    put_str(b, leg->facts.tls_version);
    put_str(b, leg->facts.tls_cipher);
    put_str(b, leg->facts.tls_group);
    put_u(b, leg->facts.tls_resumed, 1);
    put_str(b, leg->facts.tls_peer);
    rf_put(b, rf_span(leg->facts.tls_peer_sha256, sizeof leg->facts.tls_peer_sha256));
    put_u(b, (uint64_t)leg->facts.since_wall_s, 8);
    put_u(b, leg->session.expires_s, 4);
    put_u(b, leg->session.we_refresh, 1);
    put_u(b, leg->session.peer_supports, 1);
    put_u(b, leg->allows_update, 1);
    put_u(b, leg->refers, 2);
    put_u(b, leg->sdp_id, 8);
    put_u(b, leg->sdp_version, 8);
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

    get_array(c, leg->user, sizeof leg->user);
    get_array(c, leg->connection, sizeof leg->connection);
    get_array(c, leg->device, sizeof leg->device);
    leg->is_private = get_bool(c);
    get_array(c, leg->display, sizeof leg->display);
    get_array(c, leg->setting, sizeof leg->setting);
    get_array(c, leg->instance, sizeof leg->instance);
    get_array(c, leg->listener, sizeof leg->listener);
    leg->sign_in = sign_in_named(get_text(c));
    leg->transport = get_enum(c, RF_TRANSPORT_COUNT);
    leg->remote = get_address(c);
    leg->media_addr = get_address(c);
    get_array(c, leg->facts.tls_version, sizeof leg->facts.tls_version);
    get_array(c, leg->facts.tls_cipher, sizeof leg->facts.tls_cipher);
    get_array(c, leg->facts.tls_group, sizeof leg->facts.tls_group);
    leg->facts.tls_resumed = get_bool(c);
    get_array(c, leg->facts.tls_peer, sizeof leg->facts.tls_peer);
    print = rf_cur_take(c, sizeof leg->facts.tls_peer_sha256);
    if (c->err == RF_OK)
        memcpy(leg->facts.tls_peer_sha256, print.p, print.n);
    leg->facts.since_wall_s = (int64_t)get_u(c, 8);
    leg->session.expires_s = (uint32_t)get_u(c, 4);
    leg->session.we_refresh = get_bool(c);
    leg->session.peer_supports = get_bool(c);
    leg->allows_update = get_bool(c);
    leg->refers = (uint16_t)get_u(c, 2);
    leg->sdp_id = get_u(c, 8);
    leg->sdp_version = get_u(c, 8) + 1; /* what was sent last is not known here: the next one is a new one */
    get_policy(c, &leg->policy);
    get_dialog(c, &leg->dialog);
    leg->media = get_media(c);
    leg->state = LEG_UP;
}

static void
put_forwards(struct rf_buf *b, const struct call *c)
{
    put_u(b, c->forward_count, 1);
    for (size_t i = 0; i < c->forward_count; i++) {
        put_str(b, c->forwards[i].user);
        put_str(b, c->forwards[i].to);
        put_u(b, c->forwards[i].reason, 1);
    }
}

static void
get_forwards(struct rf_cursor *cur, struct call *c)
{
    unsigned n = get_enum(cur, FORWARDS_MAX + 1);

    if (n == 0 || (c->forwards = calloc(FORWARDS_MAX, sizeof *c->forwards)) == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        get_array(cur, c->forwards[i].user, sizeof c->forwards[i].user);
        get_array(cur, c->forwards[i].to, sizeof c->forwards[i].to);
        c->forwards[i].reason = (uint8_t)get_enum(cur, FORWARD_REASONS);
    }
    c->forward_count = (uint8_t)n;
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
    put_u(&b, BLOB_VERSION, 4);
    put_str(&b, c->a->dialog.call_id); /* first, so that its worker is found without the rest */
    put_str(&b, c->id);
    put_str(&b, c->called);
    put_u(&b, c->is_bypass, 1);
    put_u(&b, (uint64_t)c->began_wall_s, 8);
    put_u(&b, (uint64_t)c->answered_wall_s, 8);
    put_u(&b, c->verdict_seen, 1);
    put_u(&b, c->verdict_min, 1);
    put_u(&b, c->media.slot, 4);
    put_u(&b, c->media.generation, 4);
    put_u(&b, c->max_forwards, 1);
    put_u(&b, c->is_swapped, 1);
    put_leg(&b, c->a);
    put_leg(&b, c->b);
    put_forwards(&b, c);
    put_transfer(&b, c);
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

static void
get_call(struct rf_cursor *cur, struct call *c)
{
    get_array(cur, c->id, sizeof c->id);
    get_array(cur, c->called, sizeof c->called);
    c->is_bypass = get_bool(cur);
    c->began_wall_s = (int64_t)get_u(cur, 8);
    c->answered_wall_s = (int64_t)get_u(cur, 8);
    c->verdict_seen = get_bool(cur);
    c->verdict_min = (uint8_t)get_enum(cur, VERDICT_ENCRYPTED + 1);
    c->media.slot = (uint32_t)get_u(cur, 4);
    c->media.generation = (uint32_t)get_u(cur, 4);
    c->max_forwards = (uint8_t)get_u(cur, 1);
    c->is_swapped = get_bool(cur);
    get_leg(cur, c->a);
    get_leg(cur, c->b);
    get_forwards(cur, c);
    get_transfer(cur, c);
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

    if (get_u(&cur, 4) != BLOB_VERSION)
        return 0;
    call_id = get_text(&cur);
    return cur.err == RF_OK ? rf_call_owner(key, call_id, workers) : 0;
}

enum rf_err
rf_call_restore(struct rf_call_layer *l, struct rf_span value, uint64_t now_us)
{
    struct rf_cursor cur = rf_cur(value);
    int64_t wall_s = l->env.wall_s(l->env.ctx);
    struct call *c;
    enum rf_err err;

    if (get_u(&cur, 4) != BLOB_VERSION)
        return RF_ERR_UNSUPPORTED;
    (void)get_text(&cur); /* leg A's Call-ID comes again with its dialog */
    c = call_new(l, now_us);
    if (c == NULL)
        return RF_ERR_NOMEM;
    c->a = leg_new(c, 0);
    c->b = leg_new(c, 1);
    if (c->a == NULL || c->b == NULL) {
        call_free(c);
        return RF_ERR_NOMEM;
    }
    get_call(&cur, c);
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
