#include "main/md5only.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

#define UNANSWERED_US 300000 /* sooner it may be the same attempt over another path */

/* Known for it from their source; tests/interop has both. */
static const char *const known[] = { "baresip v0", "baresip v1", "SIPp" };

struct entry {
    struct rf_hash_node node;
    struct rf_link link; /* oldest first */
    uint64_t asked_us;   /* when the list was given and nothing came yet; 0: it was answered */
    bool is_md5_only;
    size_t key_n;
    char key[96];
};

struct rf_md5_only {
    pthread_mutex_t lock;
    struct rf_hash table;
    struct rf_link oldest;
};

enum rf_err
rf_md5_only_new(struct rf_md5_only **out, const struct rf_rand *rand)
{
    struct rf_md5_only *m = calloc(1, sizeof *m);

    if (m == NULL || rf_hash_init(&m->table, rand) != RF_OK) {
        free(m);
        return RF_ERR_NOMEM;
    }
    pthread_mutex_init(&m->lock, NULL);
    rf_list_init(&m->oldest);
    *out = m;
    return RF_OK;
}

static void
entry_free(struct rf_md5_only *m, struct entry *e)
{
    rf_hash_remove(&m->table, &e->node);
    rf_list_remove(&e->link);
    free(e);
}

void
rf_md5_only_free(struct rf_md5_only *m)
{
    if (m == NULL)
        return;
    RF_LIST_FOREACH(&m->oldest, it)
        entry_free(m, rf_container(it, struct entry, link));
    rf_hash_fini(&m->table);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static bool
is_key(const struct rf_hash_node *node, const void *key)
{
    const struct entry *e = rf_container(node, struct entry, node);

    return rf_span_eq(rf_span(e->key, e->key_n), *(const struct rf_span *)key);
}

/* User and host: a phone has another port each time. */
static struct rf_span
key_of(struct rf_span user, const struct rf_addr *source, char *mem, size_t size)
{
    struct rf_buf b = rf_buf(mem, size);

    rf_put_host(&b, source, false);
    rf_put_char(&b, ' ');
    rf_put(&b, rf_span_sub(user, 0, size - b.n));
    return rf_buf_span(&b);
}

static struct entry *
find(struct rf_md5_only *m, struct rf_span key)
{
    struct rf_hash_node *node = rf_hash_find(&m->table, rf_hash_of(&m->table, key), is_key, &key);

    return node != NULL ? rf_container(node, struct entry, node) : NULL;
}

static struct entry *
find_or_make(struct rf_md5_only *m, struct rf_span key)
{
    struct entry *e = find(m, key);

    if (e != NULL)
        return e;
    if (m->table.count >= RF_MD5_ONLY_MAX)
        entry_free(m, rf_container(m->oldest.next, struct entry, link));
    e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    memcpy(e->key, key.p, key.n);
    e->key_n = key.n;
    rf_hash_insert(&m->table, &e->node, rf_hash_of(&m->table, key));
    rf_list_append(&m->oldest, &e->link);
    return e;
}

bool
rf_md5_only_ask(struct rf_md5_only *m, struct rf_span user, const struct rf_addr *source, struct rf_span user_agent,
                uint64_t now_us)
{
    char mem[sizeof((struct entry *)0)->key];
    struct rf_span key = key_of(user, source, mem, sizeof mem);
    struct entry *e;
    bool md5;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (rf_span_starts(user_agent, known[i]))
            return true;
    pthread_mutex_lock(&m->lock);
    e = find_or_make(m, key);
    if (e != NULL && !e->is_md5_only && e->asked_us != 0 && now_us - e->asked_us > UNANSWERED_US)
        e->is_md5_only = true;
    else if (e != NULL && e->asked_us == 0)
        e->asked_us = now_us;
    md5 = e != NULL && e->is_md5_only;
    pthread_mutex_unlock(&m->lock);
    return md5;
}

void
rf_md5_only_answered(struct rf_md5_only *m, struct rf_span user, const struct rf_addr *source,
                     enum rf_digest_algorithm algorithm)
{
    char mem[sizeof((struct entry *)0)->key];
    struct entry *e;

    pthread_mutex_lock(&m->lock);
    e = find(m, key_of(user, source, mem, sizeof mem));
    if (e != NULL && algorithm != RF_DIGEST_MD5)
        entry_free(m, e); /* it reads lists */
    else if (e != NULL)
        e->asked_us = 0;
    pthread_mutex_unlock(&m->lock);
}
