/*
 * event/notify.c - NOTIFY: what is new, told by the way that the watcher came, or is found again (RFC 6665 4.2.2)
 *
 * What a watcher knows is what was told and not refused: `shown`. A document is partial when part of what it knows
 * still holds, and full when all is new, when it was asked for, or when the one before may not have arrived. One that
 * does not fit tells a part, and the next one, partial and a version later, goes on (RFC 4235 4.3); only what stood in
 * a document that was sent counts as known.
 *
 *   the watcher answered        then
 *   2xx                         it knows
 *   408, 5xx                    told again later, all of it
 *   any other                   it does not want to know: the subscription is over
 *   nothing (timer F)           the same (RFC 6665 4.2.2)
 *   its connection is gone      looked for by its registration, ever less often, until its end: a phone whose
 *                               connection breaks, and one that must find us again after a restart, need not ask anew
 */
#include <stdlib.h>

#include "event/layer.h"

static void push(struct sub *s, uint64_t now_us);

/* --- a way --- */

static void
look_again(struct sub *s, uint64_t now_us)
{
    s->retry_us = s->retry_us == 0 ? RETRY_FIRST_US : 2 * s->retry_us < RETRY_MOST_US ? 2 * s->retry_us : RETRY_MOST_US;
    rf_timer_arm(s->l->env.call.wheel, &s->later, now_us + s->retry_us);
}

static void
path_drop(struct sub *s)
{
    struct rf_call_env *env = &s->l->env.call;

    if (s->path != NULL)
        env->path_end(env->ctx, s->path);
    s->path = NULL;
    free(s->binding);
    s->binding = NULL;
}

static void
path_ready(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct sub *s = owner;
    uint64_t now_us = layer_now(s->l);
    struct rf_addr was = s->remote;

    (void)why;
    path_drop(s);
    if (flow == NULL) {
        look_again(s, now_us);
        return;
    }
    sub_set_flow(s, flow);
    rf_flow_unref(flow);
    if (s->is_guess)
        s->remote = was; /* until it says that it is the one */
    s->retry_us = 0;
    push(s, now_us);
}

/*
 * By its contact; else the only one at its address; else the only one there is. Of several that it may be, one after
 * the other: those that it is not answer 481.
 */
static bool
find_registered(struct sub *s, struct rf_binding *out)
{
    struct rf_call_env *env = &s->l->env.call;
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    size_t n = 0, reachable = 0, near = 0;
    const struct rf_binding *neighbour = NULL;

    s->is_guess = false;

    rf_call_put_aor(&b, rf_span_str(s->watcher), layer_domain(s->l));
    if (rf_buf_done(&b) == RF_OK)
        n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    for (size_t i = 0; i < n; i++) {
        if (binding[i].transport != s->transport || (s->transport != RF_UDP && binding[i].flow_id == 0))
            continue;
        if (strcmp(binding[i].contact, s->dialog.target) == 0) {
            *out = binding[i];
            return true;
        }
        binding[reachable++] = binding[i];
        if (rf_addr_same_host(&binding[i].source, &s->remote)) {
            neighbour = &binding[reachable - 1];
            near++;
        }
    }
    if (reachable == 0)
        return false;
    s->is_guess = near != 1 && reachable > 1;
    *out = near == 1 ? *neighbour : binding[s->guess % reachable];
    return true;
}

static bool
find_binding(struct sub *s, struct rf_binding *out)
{
    if (find_registered(s, out))
        return true;
    if (s->transport != RF_UDP)
        return false;
    *out = (struct rf_binding){ .transport = RF_UDP, .source = s->remote };
    snprintf(out->contact, sizeof out->contact, "%s", s->dialog.target);
    if (s->dialog.route_count > 0)
        snprintf(out->path, sizeof out->path, "%s", s->dialog.route[0]);
    memcpy(out->listener, s->listener, sizeof out->listener);
    return true;
}

static void
ask_path(struct sub *s, uint64_t now_us)
{
    struct rf_call_env *env = &s->l->env.call;

    s->binding = calloc(1, sizeof *s->binding);
    if (s->binding != NULL && find_binding(s, s->binding))
        s->path = env->path_new(env->ctx, s->binding, NULL, path_ready, s);
    if (s->path == NULL) {
        path_drop(s);
        look_again(s, now_us);
        return;
    }
    env->path_next(env->ctx, s->path, false);
}

/* --- what is new? --- */

static uint8_t
shown_state(const struct sub *s, const char *id)
{
    for (size_t i = 0; i < s->shown_count; i++)
        if (strcmp(s->shown[i].id, id) == 0)
            return s->shown[i].state;
    return RF_DIALOG_NONE;
}

struct news {
    struct rf_call_dialog dialog[RF_EVENT_DIALOGS_MAX]; /* all of them, or those that changed */
    size_t count, all, changed, ended_count;
    char ended[RF_EVENT_DIALOGS_MAX][RF_CALL_DIALOG_ID];
    bool is_full;
};

static void
look(struct sub *s, struct news *n)
{
    n->all = n->count = rf_event_board_dialogs(s->l->env.board, s->watched->user, n->dialog);
    n->changed = n->ended_count = 0;
    for (size_t i = 0; i < n->all; i++)
        n->changed += shown_state(s, n->dialog[i].id) != n->dialog[i].state;
    for (size_t k = 0; k < s->shown_count; k++) {
        bool lasts = false;

        for (size_t i = 0; i < n->all; i++)
            lasts = lasts || strcmp(s->shown[k].id, n->dialog[i].id) == 0;
        if (!lasts)
            memcpy(n->ended[n->ended_count++], s->shown[k].id, RF_CALL_DIALOG_ID);
    }
}

static void
keep_changed(const struct sub *s, struct news *n)
{
    n->count = 0;
    for (size_t i = 0; i < n->all; i++)
        if (shown_state(s, n->dialog[i].id) != n->dialog[i].state)
            n->dialog[n->count++] = n->dialog[i];
}

bool
notify_is_news(struct sub *s)
{
    struct rf_mailbox_state m;
    struct news n;

    if (s->package == PACKAGE_SUMMARY) {
        (void)rf_event_board_mailbox(s->l->env.board, s->watched->user, &m);
        return memcmp(&m.counts, &s->told, sizeof s->told) != 0;
    }
    look(s, &n);
    return n.changed > 0 || n.ended_count > 0;
}

/* --- a document --- */

static struct rf_span
summary(struct sub *s)
{
    struct rf_event_layer *l = s->l;
    struct rf_buf b = rf_buf(l->body, sizeof l->body);
    struct rf_mailbox_state m;

    (void)rf_event_board_mailbox(l->env.board, s->watched->user, &m);
    s->told = m.counts;
    rf_summary_put(&b, layer_domain(l), s->watched->user, &m.counts);
    return rf_buf_span(&b);
}

/*
 * Whoever knows the name of a dialog can send requests within it, so it is its user's own. Others who watch may take the
 * call while it rings, and are told an alias for that (call/pickup.c).
 */
static void
hide_names(const struct sub *s, struct news *n)
{
    if (strcmp(s->watcher, s->watched->user) == 0)
        return;
    for (size_t i = 0; i < n->count; i++) {
        struct rf_call_dialog *d = &n->dialog[i];

        snprintf(d->call_id, sizeof d->call_id, "%s", d->alias.call_id);
        snprintf(d->local_tag, sizeof d->local_tag, "%s", d->alias.local_tag);
        snprintf(d->remote_tag, sizeof d->remote_tag, "%s", d->alias.remote_tag);
    }
}

/* The first dialogs of the news, and of those that ended; empty: it does not fit layer.body. */
static struct rf_span
dialog_info(struct sub *s, struct news *n, size_t count, size_t ended_count)
{
    struct rf_event_layer *l = s->l;
    struct rf_buf b = rf_buf(l->body, sizeof l->body);
    struct rf_dialog_info info = { .domain = layer_domain(l),
                                   .user = s->watched->user,
                                   .version = s->version,
                                   .is_full = n->is_full,
                                   .dialog = n->dialog,
                                   .count = count,
                                   .ended = n->ended,
                                   .ended_count = ended_count };

    rf_dialog_info_put(&b, &info);
    return b.overflow ? rf_span(NULL, 0) : rf_buf_span(&b);
}

/* After the document that has these first ones. */
static void
note_shown(struct sub *s, const struct news *n, size_t count, size_t ended_count)
{
    if (n->is_full)
        s->shown_count = 0;
    for (size_t i = 0; i < ended_count; i++)
        for (size_t k = 0; k < s->shown_count; k++)
            if (strcmp(s->shown[k].id, n->ended[i]) == 0)
                s->shown[k--] = s->shown[--s->shown_count];
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        while (k < s->shown_count && strcmp(s->shown[k].id, n->dialog[i].id) != 0)
            k++;
        if (k == RF_EVENT_DIALOGS_MAX)
            break; /* cannot be: dialogs come after all that ended (fit_part) */
        memcpy(s->shown[k].id, n->dialog[i].id, RF_CALL_DIALOG_ID);
        s->shown[k].state = (uint8_t)n->dialog[i].state;
        s->shown_count += k == s->shown_count;
    }
}

/* --- a NOTIFY --- */

static void
put_state(struct sub *s, struct rf_buf *b)
{
    int64_t left = s->expires_s - layer_wall_s(s->l);

    rf_putf(b, "Event: %s%s%s\r\n", package_name[s->package], s->event_id[0] != '\0' ? ";id=" : "", s->event_id);
    if (s->state == SUB_ENDING)
        rf_putf(b, "Subscription-State: terminated;reason=%s\r\n", s->reason);
    else
        rf_putf(b, "Subscription-State: active;expires=%lld\r\n", (long long)(left > 0 ? left : 0));
}

/* Into layer.out; RF_ERR_NOMEM: it does not fit. */
static enum rf_err
make(struct sub *s, struct rf_span body, char branch[static 49], struct rf_buf *b)
{
    struct rf_event_layer *l = s->l;
    struct rf_call_env *env = &l->env.call;
    uint32_t cseq = s->dialog.local_cseq;
    struct rf_addr ours, media;
    struct rf_hop hop = { s->flow->transport, &ours };

    env->our_address(env->ctx, s->flow, &ours, &media);
    rf_txn_branch(env->txn, branch);
    *b = rf_buf(l->out, sizeof l->out);
    rf_dialog_put_request(b, &s->dialog, RF_SIP_NOTIFY, &hop, branch);
    s->dialog.local_cseq = cseq; /* taken when it is sent */
    rf_put_contact(b, &hop, rf_span_str(s->watched->user));
    layer_put_server(l, b, RF_HDR_USER_AGENT);
    put_state(s, b);
    rf_sip_put_body(b, body.n > 0 ? package_type[s->package] : NULL, body);
    return rf_buf_done(b);
}

/* Who may not watch any more sees nothing more. */
static bool
has_body(const struct sub *s)
{
    return s->state != SUB_ENDING || strcmp(s->reason, "timeout") == 0;
}

/* RFC 3261 18.1.1: it must fit a datagram. */
static bool
fits(const struct sub *s, const struct rf_buf *b)
{
    struct rf_call_env *env = &s->l->env.call;

    return s->flow->transport != RF_UDP || b->n <= env->udp_max(env->ctx, &s->flow->remote, b->n);
}

/* Made in layer.out with its branch; what it has of the news. */
struct notify {
    char branch[49];
    struct rf_buf message;
    size_t count, ended_count;
};

/* With the first ones of the news. RF_ERR_RANGE: made, and too large for the way to the watcher. */
static enum rf_err
make_document(struct sub *s, struct news *n, size_t count, size_t ended_count, struct notify *out)
{
    struct rf_span body = dialog_info(s, n, count, ended_count);
    enum rf_err err = body.n == 0 ? RF_ERR_NOMEM : make(s, body, out->branch, &out->message);

    out->count = count;
    out->ended_count = ended_count;
    return err != RF_OK ? err : fits(s, &out->message) ? RF_OK : RF_ERR_RANGE;
}

/*
 * As much as fits, what ended first: a lamp that stays on is worse than one that comes on late, and `shown` has room for
 * every dialog when it has lost all that ended. One dialog that is too large alone is told with less about it, at last
 * with its state; smaller there is nothing.
 */
static enum rf_err
fit_part(struct sub *s, struct news *n, struct notify *out)
{
    enum rf_err err = RF_ERR_RANGE;

    for (size_t count = n->count; err && count > 1; count--)
        err = make_document(s, n, count - 1, n->ended_count, out);
    if (err && n->ended_count > 0 && !n->is_full)
        for (size_t ended = n->ended_count; err && ended > 0; ended--)
            err = make_document(s, n, 0, ended, out);
    if (err && n->count > 0) {
        struct rf_call_dialog *d = &n->dialog[0];

        d->call_id[0] = d->local_tag[0] = d->remote_tag[0] = '\0';
        err = make_document(s, n, 1, 0, out);
        if (err) {
            d->remote_user[0] = d->remote_display[0] = '\0';
            err = make_document(s, n, 1, 0, out);
        }
    }
    return err == RF_ERR_RANGE ? RF_OK : err;
}

/* Instead of all that changed all that there is now, when that is less; else a part of it. */
static enum rf_err
make_fitting(struct sub *s, struct news *n, struct notify *out)
{
    enum rf_err err;

    if (!has_body(s))
        return make(s, rf_span(NULL, 0), out->branch, &out->message);
    if (s->package == PACKAGE_SUMMARY)
        return make(s, summary(s), out->branch, &out->message);
    err = make_document(s, n, n->count, n->ended_count, out);
    if (err) {
        struct news all = { .is_full = true };

        look(s, &all);
        all.ended_count = 0; /* it says so by leaving them out */
        hide_names(s, &all);
        err = make_document(s, &all, all.count, 0, out);
        if (!err || n->is_full)
            *n = all;
    }
    return err ? fit_part(s, n, out) : RF_OK;
}

static const struct rf_client_txn_events events;

static void
send_notify(struct sub *s, uint64_t now_us)
{
    struct rf_event_layer *l = s->l;
    struct notify made = { .count = 0 };
    struct news n = { .is_full = s->is_full };
    enum rf_err err;

    if (s->package == PACKAGE_DIALOG) {
        look(s, &n);
        n.is_full = s->is_full || n.changed == n.all;
        if (!n.is_full)
            keep_changed(s, &n);
        hide_names(s, &n);
    }
    err = make_fitting(s, &n, &made);
    if (!err)
        err = rf_client_txn_new(&s->notify, l->env.call.txn, s->flow, RF_SIP_NOTIFY, rf_span_str(made.branch),
                                rf_buf_span(&made.message), &events, s, now_us);
    if (err) {
        s->notify = NULL;
        s->is_full = true; /* what was made counts as told (summary), and was not */
        if (err == RF_ERR_CLOSED)
            sub_set_flow(s, NULL);
        look_again(s, now_us);
        return;
    }
    s->dialog.local_cseq++;
    s->version++;
    s->notifies++;
    if (s->package == PACKAGE_DIALOG)
        note_shown(s, &n, made.count, made.ended_count);
    s->is_full = false;
    s->is_due = s->state == SUB_UP && notify_is_news(s); /* what did not fit: when this one is answered (E2) */
    s->notified_us = now_us;
    s->retry_us = 0;
}

static void
push(struct sub *s, uint64_t now_us)
{
    if (!s->is_due || s->state == SUB_NEW || s->state == SUB_OVER || s->notify != NULL || s->path != NULL)
        return;
    if (s->state == SUB_UP && !s->is_full && !notify_is_news(s)) {
        s->is_due = false;
        return;
    }
    if (!s->is_full && now_us < s->notified_us + NOTIFY_GAP_US) {
        if (!rf_timer_is_armed(&s->later))
            rf_timer_arm(s->l->env.call.wheel, &s->later, s->notified_us + NOTIFY_GAP_US);
        return;
    }
    if (s->flow == NULL || s->flow->is_closed)
        ask_path(s, now_us);
    else
        send_notify(s, now_us);
}

void
notify_due(struct sub *s, bool full, uint64_t now_us)
{
    if (s->state == SUB_OVER || (s->state == SUB_ENDING && !full))
        return; /* its last word is said, or on its way */
    s->is_due = true;
    s->is_full = s->is_full || full;
    /* A watcher that is not there is looked for at its time, whatever happens meanwhile. */
    if (s->retry_us == 0 || s->flow != NULL)
        push(s, now_us);
}

void
notify_later(struct rf_timer *t, uint64_t now_us)
{
    push(rf_container(t, struct sub, later), now_us);
}

void
notify_stop(struct sub *s)
{
    rf_timer_cancel(s->l->env.call.wheel, &s->later);
    if (s->notify != NULL)
        rf_client_txn_disown(s->notify);
    s->notify = NULL;
    path_drop(s);
}

/* --- its answer --- */

/* What was on its way may not have arrived. */
static void
tell_again(struct sub *s, uint64_t now_us)
{
    s->is_due = s->is_full = true;
    look_again(s, now_us);
}

/* This was another phone of the same user; until its time is over the right one may still come. */
static void
guess_again(struct sub *s, uint64_t now_us)
{
    s->guess++;
    sub_set_flow(s, NULL);
    s->retry_us = 0;
    tell_again(s, now_us);
}

static void
answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct sub *s = owner;

    if (msg->status < 200)
        return;
    rf_client_txn_disown(txn);
    s->notify = NULL;
    if (s->state == SUB_ENDING && !s->is_due) {
        sub_die(s, now_us);
    } else if (msg->status < 300) {
        s->is_guess = false; /* it was the right one */
        s->remote = s->flow != NULL ? s->flow->remote : s->remote;
        push(s, now_us);
    } else if (msg->status == 481 && s->is_guess) {
        guess_again(s, now_us);
    } else if (msg->status == 408 || (msg->status >= 500 && msg->status < 600)) {
        s->refused++;
        tell_again(s, now_us);
    } else {
        RF_LOGF(RF_LOG_INFO, "subscription.refused", "a watcher does not take what it asked for",
                RF_F_STR("watcher", s->watcher), RF_F_STR("of", s->watched->user),
                RF_F_STR("package", package_name[s->package]), RF_F_I64("status", msg->status));
        sub_die(s, now_us);
    }
}

static void
failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct sub *s = owner;

    rf_client_txn_disown(txn);
    s->notify = NULL;
    if (why != RF_ERR_CLOSED && s->is_guess) {
        guess_again(s, now_us);
        return;
    }
    if (why != RF_ERR_CLOSED) {
        RF_LOGF(RF_LOG_INFO, "subscription.silent", "a watcher is gone without saying so",
                RF_F_STR("watcher", s->watcher), RF_F_STR("of", s->watched->user),
                RF_F_STR("package", package_name[s->package]));
        sub_die(s, now_us);
        return;
    }
    sub_set_flow(s, NULL);
    tell_again(s, now_us);
}

static void
ended(void *owner, struct rf_client_txn *txn)
{
    struct sub *s = owner;

    if (s->notify == txn)
        s->notify = NULL;
}

static const struct rf_client_txn_events events = { answered, failed, ended };
