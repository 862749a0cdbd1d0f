/*
 * main/eventenv.c - what subscriptions and messages of one worker need of the outside (struct rf_event_env)
 *
 * The store's answers come to a mailbox of their own with room for one letter for each question that may be open, so it
 * is never full and no answer is lost (as in register.c).
 */
#include <stdlib.h>

#include "event/watchers.h"
#include "main/worker.h"

#define OPEN_MAX 4096 /* subscriptions that wait for the disk at once; more get 500 */

static const struct rf_event_settings *
settings(void *ctx)
{
    return &((struct rf_worker *)ctx)->site->event;
}

static bool
may_watch(void *ctx, const char *watcher, const char *user)
{
    return rf_watchers_may_see(((struct rf_worker *)ctx)->site->conf, watcher, user);
}

static bool
may_set_mailboxes(void *ctx, const char *user)
{
    const struct rf_directory_user *u = rf_directory_find(((struct rf_worker *)ctx)->site->users, rf_span_str(user));

    return u != NULL && u->may_set_mailboxes;
}

/* --- the store --- */

/* On the store's thread. */
static void
store_done(void *ctx, uint64_t cookie, enum rf_err err)
{
    struct rf_worker *w = ctx;
    struct rf_letter_stored letter = { .head = { .kind = RF_LETTER_STORED }, .cookie = cookie, .err = err };

    if (!rf_worker_post(w->kept, &letter, sizeof letter, rf_span(NULL, 0)))
        atomic_fetch_add_explicit(&w->numbers.store_late, 1, memory_order_relaxed);
}

static void
kept(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_letter_stored letter;

    if (octets.n != sizeof letter)
        return;
    memcpy(&letter, octets.p, sizeof letter);
    w->kept_open--;
    rf_event_stored(w->events, letter.cookie, (enum rf_err)letter.err, now_us);
}

static enum rf_err
store(void *ctx, const char *kind, struct rf_span name, struct rf_span value, uint64_t cookie)
{
    struct rf_worker *w = ctx;
    const struct rf_store_write write = { .op = value.p != NULL ? RF_STORE_ITEM_PUT : RF_STORE_ITEM_DELETE,
                                          .key = rf_span_str(kind), .sub = name, .value = value };
    enum rf_err err;

    if (cookie != 0 && w->kept_open >= OPEN_MAX)
        return RF_ERR_NOMEM;
    err = rf_store_write(w->shared->store, &write, 1, cookie != 0 ? store_done : NULL, w, cookie);
    if (!err && cookie != 0)
        w->kept_open++;
    if (err)
        rf_fold_refuse(w->shared->fold, RF_REFUSE_STORE_FAILED, rf_span_str(kind),
                       (struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                       rf_now_us());
    return err;
}

/* --- who watches whom --- */

void
rf_signal_lamp_changed(void *ctx, const char *user, uint16_t worker)
{
    struct rf_signal *s = ctx;
    struct rf_worker *w = worker < s->workers ? s->worker[worker] : NULL;
    struct rf_letter_lamp letter = { .head = { .kind = RF_LETTER_LAMP, .from = RF_WORKERS_MAX } };

    if (w == NULL)
        return; /* we are ending */
    snprintf(letter.user, sizeof letter.user, "%s", user);
    /* A full mailbox: it looks at all of them at its next tick. */
    if (!rf_worker_post(w->letters, &letter, sizeof letter, rf_span(NULL, 0)))
        atomic_store_explicit(&w->numbers.lamp_missed, true, memory_order_relaxed);
}

/* --- the layer --- */

enum rf_err
rf_worker_make_events(struct rf_worker *w, const struct rf_call_env *call)
{
    struct rf_event_env env = {
        .call = *call,
        .calls = w->calls,
        .board = w->shared->lamps,
        .quota = w->shared->subscriptions,
        .settings = settings,
        .may_watch = may_watch,
        .may_set_mailboxes = may_set_mailboxes,
        .store = store,
    };
    enum rf_err err = rf_mailbox_new(&w->kept, w->loop, sizeof(struct rf_letter_stored),
                                     OPEN_MAX * (sizeof(struct rf_letter_stored) + 32), kept, w);

    return err ? err : rf_event_layer_new(&w->events, &env);
}

void
rf_worker_tick_events(struct rf_worker *w, uint64_t now_us)
{
    if (atomic_exchange_explicit(&w->numbers.lamp_missed, false, memory_order_relaxed))
        rf_event_look_at_all(w->events, now_us);
    if (w->index == 0 && now_us >= w->mailboxes_at_us) {
        rf_event_expire_mailboxes(w->events);
        w->mailboxes_at_us = now_us + 10 * RF_S;
    }
}
