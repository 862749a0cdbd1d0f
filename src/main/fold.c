#include "main/fold.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/list.h"

#define STRIPES  16
#define KEY_MAX  160
#define TEXT_MAX 256

struct entry {
    struct rf_hash_node node;
    struct rf_link link;     /* oldest first */
    uint64_t since_us, repeats;
    enum rf_refusal refusal;
    char key[KEY_MAX];
    char sentence[TEXT_MAX]; /* of the first one */
};

struct stripe {
    _Alignas(64) pthread_mutex_t lock;
    struct rf_hash table;
    struct rf_link oldest;
};

struct rf_fold {
    struct rf_hash_key key;
    _Atomic uint64_t unnamed; /* refused while their stripe was full */
    struct stripe stripe[STRIPES];
};

enum rf_err
rf_fold_new(struct rf_fold **out, const struct rf_rand *rand)
{
    struct rf_fold *f = aligned_alloc(_Alignof(struct rf_fold), sizeof *f);
    enum rf_err err = RF_OK;

    if (f == NULL)
        return RF_ERR_NOMEM;
    memset(f, 0, sizeof *f);
    rf_rand_fill(rand, &f->key, sizeof f->key);
    for (int i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&f->stripe[i].lock, NULL);
        rf_list_init(&f->stripe[i].oldest);
        if (!err)
            err = rf_hash_init(&f->stripe[i].table, rand);
    }
    if (err) {
        rf_fold_free(f);
        return err;
    }
    *out = f;
    return RF_OK;
}

static void
entry_free(struct stripe *st, struct entry *e)
{
    rf_hash_remove(&st->table, &e->node);
    rf_list_remove(&e->link);
    free(e);
}

void
rf_fold_free(struct rf_fold *f)
{
    if (f == NULL)
        return;
    for (int i = 0; i < STRIPES; i++) {
        struct stripe *st = &f->stripe[i];

        RF_LIST_FOREACH(&st->oldest, it)
        entry_free(st, rf_container(it, struct entry, link));
        rf_hash_fini(&st->table);
        pthread_mutex_destroy(&st->lock);
    }
    free(f);
}

static bool
is_key(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, struct entry, node)->key, key) == 0;
}

/* Is it the first of its key, which is now remembered? Below the stripe's lock. */
static bool
is_first(struct rf_fold *f, struct stripe *st, uint64_t hash, const char *name, enum rf_refusal r,
         const struct rf_log_field *fields, uint64_t now_us)
{
    struct rf_hash_node *node = rf_hash_find(&st->table, hash, is_key, name);
    struct rf_buf sentence;
    struct entry *e;

    if (node != NULL) {
        rf_container(node, struct entry, node)->repeats++;
        return false;
    }
    e = st->table.count < RF_FOLD_MAX / STRIPES ? calloc(1, sizeof *e) : NULL;
    if (e == NULL) {
        atomic_fetch_add_explicit(&f->unnamed, 1, memory_order_relaxed);
        return false;
    }
    memcpy(e->key, name, strlen(name) + 1);
    e->refusal = r;
    e->since_us = now_us;
    sentence = rf_buf(e->sentence, sizeof e->sentence - 1);
    rf_refusal_sentence(&sentence, rf_refusal_row(r)->sentence, fields);
    rf_hash_insert(&st->table, &e->node, hash);
    rf_list_append(&st->oldest, &e->link);
    return true;
}

void
rf_fold_refuse(struct rf_fold *f, enum rf_refusal r, struct rf_span key, const struct rf_log_field *fields,
               uint64_t now_us)
{
    char name[KEY_MAX];
    struct rf_buf b = rf_buf(name, sizeof name - 1);
    struct stripe *st;
    uint64_t hash;
    bool first;

    rf_put_str(&b, rf_refusal_row(r)->code);
    rf_put_char(&b, ' ');
    for (size_t i = 0; i < key.n && i < 120 && key.p[i] != '\0'; i++)
        rf_put_char(&b, key.p[i]);
    name[b.n] = '\0';
    hash = rf_siphash(&f->key, name, b.n);
    st = &f->stripe[hash >> 32 & (STRIPES - 1)];
    pthread_mutex_lock(&st->lock);
    first = is_first(f, st, hash, name, r, fields, now_us);
    pthread_mutex_unlock(&st->lock);
    if (first)
        rf_refuse(r, fields);
    else
        rf_refusal_add(r, 1);
}

void
rf_fold_put_source(struct rf_buf *b, const struct rf_addr *a)
{
    struct rf_addr site = *a;

    if (site.sa.sa_family == AF_INET6)
        memset((char *)&site.v6.sin6_addr + 8, 0, 8);
    rf_put_host(b, &site, false);
}

static bool
put_field(struct rf_buf *b, const struct rf_log_field *fields, const char *name)
{
    for (const struct rf_log_field *at = fields; at->kind != RF_LOG_END; at++)
        if (at->kind == RF_LOG_STR && strcmp(at->name, name) == 0) {
            rf_put_char(b, ' ');
            rf_put_str(b, at->str);
            return true;
        }
    return false;
}

/* One line a minute for each source and kind, however often it connects. */
void
rf_fold_refuse_source(struct rf_fold *f, enum rf_refusal r, const struct rf_addr *who,
                      const struct rf_log_field *fields, uint64_t now_us)
{
    char key[KEY_MAX];
    struct rf_buf b = rf_buf(key, sizeof key);

    rf_fold_put_source(&b, who);
    put_field(&b, fields, "listener");
    put_field(&b, fields, "what");
    /* The reason of a refused certificate has words of the certificate: a stranger could make one kind after the
     * other of them. */
    if (!put_field(&b, fields, "check"))
        put_field(&b, fields, "reason");
    rf_fold_refuse(f, r, rf_buf_span(&b), fields, now_us);
}

/* The next one whose minute is over, copied out so that no lock is held while it is logged; false: none. */
static bool
next_due(struct stripe *st, uint64_t now_us, struct entry *out)
{
    bool found = false;

    pthread_mutex_lock(&st->lock);
    RF_LIST_FOREACH(&st->oldest, it) {
        struct entry *e = rf_container(it, struct entry, link);

        /* Workers' clocks are read at different moments: one may be a little ahead of ours. */
        if (now_us < e->since_us + RF_FOLD_WAIT_US)
            break;
        if (e->repeats == 0) {
            entry_free(st, e);
            continue;
        }
        *out = *e;
        e->repeats = 0;
        e->since_us = now_us;
        rf_list_remove(&e->link);
        rf_list_append(&st->oldest, &e->link);
        found = true;
        break;
    }
    pthread_mutex_unlock(&st->lock);
    return found;
}

void
rf_fold_tick(struct rf_fold *f, uint64_t now_us)
{
    struct entry e;
    uint64_t unnamed = atomic_exchange_explicit(&f->unnamed, 0, memory_order_relaxed);

    for (int i = 0; i < STRIPES; i++)
        while (next_due(&f->stripe[i], now_us, &e)) {
            const struct rf_refusal_row *row = rf_refusal_row(e.refusal);

            RF_LOG_CODE(row->severity, row->code, "refused.repeated", e.sentence, RF_F_U64("repeat", e.repeats),
                        RF_F_STR("fix", row->fix));
        }
    if (unnamed > 0)
        RF_LOGF(RF_LOG_WARN, "refused.many", "more kinds of refusals at once than are told apart",
                RF_F_U64("repeat", unnamed));
}
