/*
 * event/save.c - a subscription as octets for the store, and back in a new signal process (E4)
 *
 * CSeq and version are written when the subscription begins and is renewed, not with each NOTIFY. A restored one begins
 * as far above them as the process before us could have come: NOTIFY_GAP_US lets at most 4 a second go out, renewals at
 * most a few more; 16 a second of what has passed since is more than both.
 */
#include "base/pack.h"
#include "event/layer.h"

#define VERSION 1
#define VALUE_MAX (RF_DIALOG_TEXT_MAX + 2048)
#define LEAP 16

static void
put_dialog(struct rf_buf *b, const struct rf_dialog *d)
{
    rf_pack_u(b, d->local_cseq, 4);
    rf_pack_u(b, d->remote_cseq, 4);
    rf_dialog_pack(b, d);
}

static void
get_dialog(struct rf_cursor *c, struct rf_dialog *d)
{
    d->is_confirmed = d->has_remote_cseq = true;
    d->local_cseq = (uint32_t)rf_unpack_u(c, 4);
    d->remote_cseq = (uint32_t)rf_unpack_u(c, 4);
    rf_dialog_unpack(c, d);
}

static struct rf_span
name_of(const struct sub *s)
{
    return rf_span_str(s->dialog.local_tag); /* 64 random bits of ours */
}

enum rf_err
sub_save(struct sub *s, uint64_t cookie)
{
    struct rf_event_env *env = &s->l->env;
    char value[VALUE_MAX];
    struct rf_buf b = rf_buf(value, sizeof value);

    rf_pack_u(&b, VERSION, 4);
    rf_pack_str(&b, s->dialog.call_id); /* first, so that its worker is found without the rest */
    rf_pack_u(&b, s->package, 1);
    rf_pack_str(&b, s->watched->user);
    rf_pack_str(&b, s->watcher);
    rf_pack_str(&b, s->event_id);
    rf_pack_u(&b, (uint64_t)s->began_s, 8);
    rf_pack_u(&b, (uint64_t)s->expires_s, 8);
    rf_pack_u(&b, (uint64_t)layer_wall_s(s->l), 8);
    rf_pack_u(&b, s->version, 4);
    rf_pack_u(&b, s->transport, 1);
    rf_pack_addr(&b, &s->remote);
    rf_pack_str(&b, s->listener);
    put_dialog(&b, &s->dialog);
    if (rf_buf_done(&b) != RF_OK)
        return RF_ERR_RANGE;
    return env->store(env->call.ctx, RF_EVENT_SUBSCRIPTION, name_of(s), rf_buf_span(&b), cookie);
}

void
sub_forget(struct sub *s)
{
    struct rf_event_env *env = &s->l->env;

    /* A row that stays because the queue was full ends by its own time. */
    (void)!env->store(env->call.ctx, RF_EVENT_SUBSCRIPTION, name_of(s), rf_span(NULL, 0), 0);
}

/* --- back --- */

uint16_t
rf_event_saved_owner(const struct rf_hash_key *key, struct rf_span value, uint16_t workers)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span call_id;

    if (rf_unpack_u(&c, 4) != VERSION)
        return 0;
    call_id = rf_unpack_text(&c);
    return c.err == RF_OK ? rf_call_owner(key, call_id, workers) : 0;
}

struct saved {
    struct rf_span call_id;
    unsigned package;
    char user[64], watcher[64], event_id[64], listener[24];
    int64_t began_s, expires_s, saved_s;
    uint32_t version;
    unsigned transport;
    struct rf_addr remote;
    struct rf_dialog dialog;
};

static enum rf_err
parse(struct rf_span value, struct saved *v)
{
    struct rf_cursor c = rf_cur(value);

    *v = (struct saved){ 0 };
    if (rf_unpack_u(&c, 4) != VERSION)
        return RF_ERR_UNSUPPORTED;
    v->call_id = rf_unpack_text(&c);
    v->package = rf_unpack_enum(&c, PACKAGES);
    rf_unpack_array(&c, v->user, sizeof v->user);
    rf_unpack_array(&c, v->watcher, sizeof v->watcher);
    rf_unpack_array(&c, v->event_id, sizeof v->event_id);
    v->began_s = (int64_t)rf_unpack_u(&c, 8);
    v->expires_s = (int64_t)rf_unpack_u(&c, 8);
    v->saved_s = (int64_t)rf_unpack_u(&c, 8);
    v->version = (uint32_t)rf_unpack_u(&c, 4);
    v->transport = rf_unpack_enum(&c, RF_TRANSPORT_COUNT);
    v->remote = rf_unpack_addr(&c);
    rf_unpack_array(&c, v->listener, sizeof v->listener);
    get_dialog(&c, &v->dialog);
    if (c.err == RF_OK && (v->dialog.call_id = rf_span_dup(v->call_id)) == NULL)
        return RF_ERR_NOMEM;
    return rf_cur_done(&c);
}

static void
take(struct sub *s, struct saved *v, int64_t now_s)
{
    uint64_t leap = now_s > v->saved_s ? (uint64_t)(now_s - v->saved_s + 1) * LEAP : LEAP;

    s->dialog = v->dialog;
    v->dialog = (struct rf_dialog){ 0 };
    s->dialog.local_cseq = (uint32_t)((s->dialog.local_cseq + leap) & INT32_MAX);
    s->version = (uint32_t)((v->version + leap) & INT32_MAX);
    s->began_s = v->began_s;
    s->expires_s = v->expires_s;
    s->transport = (enum rf_transport)v->transport;
    s->remote = v->remote;
    memcpy(s->event_id, v->event_id, sizeof s->event_id);
    memcpy(s->listener, v->listener, sizeof s->listener);
    s->state = SUB_UP;
}

enum rf_err
rf_event_restore(struct rf_event_layer *l, struct rf_span name, struct rf_span value, uint64_t now_us)
{
    int64_t now_s = layer_wall_s(l);
    struct saved v;
    struct sub *s = NULL;
    enum rf_err err = parse(value, &v);

    if (!err && !rf_span_is(name, v.dialog.local_tag))
        err = RF_ERR_SYNTAX;
    if (!err && v.expires_s <= now_s)
        err = RF_ERR_STALE;
    if (!err && (s = sub_new(l, v.user, (enum package)v.package, v.watcher)) == NULL)
        err = RF_ERR_NOMEM;
    if (err) {
        rf_dialog_fini(&v.dialog);
        /* What is over, or cannot be read, is of no use to the next process either. */
        if (err != RF_ERR_NOMEM)
            (void)!l->env.store(l->env.call.ctx, RF_EVENT_SUBSCRIPTION, name, rf_span(NULL, 0), 0);
        return err == RF_ERR_STALE ? RF_OK : err;
    }
    take(s, &v, now_s);
    /* It was let in by the process before us: whatever the limits say now, it counts. Without memory it does not. */
    if (rf_quota_take(l->env.quota, rf_span_str(s->watcher), UINT32_MAX, UINT32_MAX, &s->share) != RF_OK)
        s->share = NULL;
    sub_enter(s);
    sub_arm(s, now_us);
    notify_due(s, true, now_us);
    return RF_OK;
}
