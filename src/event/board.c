#include "event/board.h"

#include <pthread.h>
#include <stdlib.h>

#include "loop/wheel.h"

#define KEPT_MAX 64 /* dialogs of one user; those above it are not seen on lamps, and a user that has so many is busy */
#define SETS 2048   /* of the table of rates ... */
#define WAYS 4      /* ... each with so many names */

struct known {
    struct rf_hash_node node;
    char user[64];
    uint64_t watchers; /* bit of each worker */
    struct rf_call_dialog *dialog;
    size_t count, cap;
    bool has_mailbox;
    struct rf_mailbox_state mailbox;
};

struct rate {
    uint64_t name; /* its hash; 0: free */
    uint64_t at_us;
    double left;
};

struct rf_event_board {
    pthread_mutex_t lock;
    struct rf_hash users;
    struct rate rate[SETS][WAYS];
    void (*changed)(void *ctx, const char *user, uint16_t worker);
    void *ctx;
};

enum rf_err
rf_event_board_new(struct rf_event_board **out, const struct rf_rand *rand,
                   void (*changed)(void *ctx, const char *user, uint16_t worker), void *ctx)
{
    struct rf_event_board *b = calloc(1, sizeof *b);

    if (b == NULL)
        return RF_ERR_NOMEM;
    pthread_mutex_init(&b->lock, NULL);
    b->changed = changed;
    b->ctx = ctx;
    if (rf_hash_init(&b->users, rand) != RF_OK) {
        rf_event_board_free(b);
        return RF_ERR_NOMEM;
    }
    *out = b;
    return RF_OK;
}

static void
known_free(struct rf_event_board *b, struct known *k)
{
    rf_hash_remove(&b->users, &k->node);
    free(k->dialog);
    free(k);
}

void
rf_event_board_free(struct rf_event_board *b)
{
    if (b == NULL)
        return;
    RF_HASH_FOREACH(&b->users, it)
    known_free(b, rf_container(it, struct known, node));
    rf_hash_fini(&b->users);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static bool
is_user(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, const struct known, node)->user, key) == 0;
}

/* With the lock held, as all that follow. */
static struct known *
find(struct rf_event_board *b, const char *user)
{
    struct rf_hash_node *node = rf_hash_find(&b->users, rf_hash_of(&b->users, rf_span_str(user)), is_user, user);

    return node != NULL ? rf_container(node, struct known, node) : NULL;
}

static struct known *
find_or_make(struct rf_event_board *b, const char *user)
{
    struct known *k = find(b, user);

    if (k != NULL || strlen(user) >= sizeof k->user || (k = calloc(1, sizeof *k)) == NULL)
        return k;
    snprintf(k->user, sizeof k->user, "%s", user);
    rf_hash_insert(&b->users, &k->node, rf_hash_of(&b->users, rf_span_str(user)));
    return k;
}

static void
forget_if_empty(struct rf_event_board *b, struct known *k)
{
    if (k->watchers == 0 && k->count == 0 && !k->has_mailbox)
        known_free(b, k);
}

/* Takes the lock off first: a reader may be told at once. */
static void
unlock_and_say(struct rf_event_board *b, const char *user, uint64_t watchers)
{
    pthread_mutex_unlock(&b->lock);
    for (uint16_t i = 0; i < 64; i++)
        if (watchers & 1ull << i)
            b->changed(b->ctx, user, i);
}

void
rf_event_board_watch(struct rf_event_board *b, const char *user, uint16_t worker, bool on)
{
    struct known *k;

    pthread_mutex_lock(&b->lock);
    k = on ? find_or_make(b, user) : find(b, user);
    if (k != NULL) {
        if (on)
            k->watchers |= 1ull << worker;
        else
            k->watchers &= ~(1ull << worker);
        forget_if_empty(b, k);
    }
    pthread_mutex_unlock(&b->lock);
}

/* --- dialogs --- */

static struct rf_call_dialog *
find_dialog(struct known *k, const char *id)
{
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->dialog[i].id, id) == 0)
            return &k->dialog[i];
    return NULL;
}

static bool
grow(struct known *k)
{
    size_t cap = k->cap > 0 ? 2 * k->cap : 2;
    struct rf_call_dialog *more;

    if (k->count < k->cap)
        return true;
    if (k->count >= KEPT_MAX)
        return false;
    more = realloc(k->dialog, cap * sizeof *more);
    if (more == NULL)
        return false;
    k->dialog = more;
    k->cap = cap;
    return true;
}

static bool
take(struct known *k, const struct rf_call_dialog *d)
{
    struct rf_call_dialog *was = find_dialog(k, d->id);

    if (d->state == RF_DIALOG_NONE) {
        if (was == NULL)
            return false;
        memmove(was, was + 1, (size_t)(k->dialog + k->count - was - 1) * sizeof *was);
        k->count--;
    } else if (was != NULL) {
        *was = *d;
    } else {
        if (!grow(k))
            return false;
        k->dialog[k->count++] = *d;
    }
    return true;
}

void
rf_event_board_tell(struct rf_event_board *b, const struct rf_call_dialog *d)
{
    uint64_t watchers = 0;
    struct known *k;

    pthread_mutex_lock(&b->lock);
    k = d->state == RF_DIALOG_NONE ? find(b, d->user) : find_or_make(b, d->user);
    if (k != NULL) {
        if (take(k, d))
            watchers = k->watchers;
        forget_if_empty(b, k);
    }
    unlock_and_say(b, d->user, watchers);
}

size_t
rf_event_board_dialogs(struct rf_event_board *b, const char *user,
                       struct rf_call_dialog out[static RF_EVENT_DIALOGS_MAX])
{
    struct known *k;
    size_t n = 0;

    pthread_mutex_lock(&b->lock);
    k = find(b, user);
    for (size_t i = 0; k != NULL && i < k->count && n < RF_EVENT_DIALOGS_MAX; i++)
        out[n++] = k->dialog[i];
    pthread_mutex_unlock(&b->lock);
    return n;
}

/* --- mailboxes --- */

enum rf_err
rf_event_board_set_mailbox(struct rf_event_board *b, const char *user, const struct rf_mailbox_state *m)
{
    uint64_t watchers = 0;
    enum rf_err err = RF_OK;
    struct known *k;

    pthread_mutex_lock(&b->lock);
    k = m != NULL ? find_or_make(b, user) : find(b, user);
    if (k != NULL) {
        k->has_mailbox = m != NULL;
        k->mailbox = m != NULL ? *m : (struct rf_mailbox_state){ 0 };
        watchers = k->watchers;
        forget_if_empty(b, k);
    } else if (m != NULL) {
        err = RF_ERR_NOMEM;
    }
    unlock_and_say(b, user, watchers);
    return err;
}

bool
rf_event_board_mailbox(struct rf_event_board *b, const char *user, struct rf_mailbox_state *out)
{
    struct known *k;
    bool found;

    pthread_mutex_lock(&b->lock);
    k = find(b, user);
    found = k != NULL && k->has_mailbox;
    *out = found ? k->mailbox : (struct rf_mailbox_state){ 0 };
    pthread_mutex_unlock(&b->lock);
    return found;
}

void
rf_event_board_visit_mailboxes(struct rf_event_board *b,
                               void (*visit)(void *ctx, const char *user, const struct rf_mailbox_state *m), void *ctx)
{
    pthread_mutex_lock(&b->lock);
    RF_HASH_FOREACH(&b->users, it)
    {
        const struct known *k = rf_container(it, const struct known, node);

        if (k->has_mailbox)
            visit(ctx, k->user, &k->mailbox);
    }
    pthread_mutex_unlock(&b->lock);
}

/* --- how often --- */

bool
rf_event_board_rate(struct rf_event_board *b, const char *name, uint32_t per_minute, uint64_t now_us)
{
    uint64_t hash = rf_hash_of(&b->users, rf_span_str(name)) | 1;
    struct rate *set = b->rate[hash / 2 % SETS], *r = &set[0];
    bool may;

    pthread_mutex_lock(&b->lock);
    /* The name's own place, else the one that nobody used for the longest time. */
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name == hash) {
            r = &set[i];
            break;
        }
        if (set[i].at_us < r->at_us)
            r = &set[i];
    }
    if (r->name != hash)
        *r = (struct rate){ .name = hash, .at_us = now_us, .left = per_minute };
    if (now_us > r->at_us)
        r->left += (double)(now_us - r->at_us) * per_minute / (60.0 * RF_S);
    if (r->left > per_minute)
        r->left = per_minute;
    r->at_us = now_us;
    may = r->left >= 1;
    if (may)
        r->left -= 1;
    pthread_mutex_unlock(&b->lock);
    return may;
}
