#include "registrar/location.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "registrar/table.h"
#include "sip/header.h"
#include "sip/write.h"

/* --- shards and entries -------------------------------------------------------------------------------- */

struct shard *
rf_shard_lock(struct rf_location *l, struct rf_span aor)
{
    struct shard *s = &l->shard[rf_siphash(&l->key, aor.p, aor.n) % RF_LOCATION_SHARDS];

    pthread_mutex_lock(&s->lock);
    return s;
}

static bool
is_aor(const struct rf_hash_node *node, const void *key)
{
    const struct entry *e = (const struct entry *)(const void *)node;

    return rf_span_eq(rf_span(e->aor, e->n), *(const struct rf_span *)key);
}

struct entry *
rf_entry_find(const struct shard *s, struct rf_span aor)
{
    return (struct entry *)(void *)rf_hash_find(&s->aors, rf_hash_of(&s->aors, aor), is_aor, &aor);
}

struct entry *
rf_entry_make(struct rf_location *l, struct shard *s, struct rf_span aor)
{
    struct entry *e = rf_entry_find(s, aor);

    if (e != NULL)
        return e;
    if (aor.n > RF_AOR_MAX || atomic_load(&l->aors) >= atomic_load(&l->aors_max))
        return NULL;
    e = calloc(1, sizeof *e + aor.n);
    if (e == NULL)
        return NULL;
    e->n = (uint16_t)aor.n;
    memcpy(e->aor, aor.p, aor.n);
    rf_hash_insert(&s->aors, &e->node, rf_hash_of(&s->aors, aor));
    atomic_fetch_add(&l->aors, 1);
    return e;
}

void
rf_entry_free_if_empty(struct rf_location *l, struct shard *s, struct entry *e)
{
    if (e->rows != NULL)
        return;
    rf_hash_remove(&s->aors, &e->node);
    free(e);
    atomic_fetch_sub(&l->aors, 1);
}

void
rf_entry_add(struct shard *s, struct entry *e, struct row *r)
{
    r->next = e->rows;
    e->rows = r;
    e->count++;
    s->bindings++;
    s->by_transport[r->transport]++;
}

void
rf_entry_remove(struct shard *s, struct entry *e, struct row *r)
{
    struct row **at = &e->rows;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    e->count--;
    s->bindings--;
    s->by_transport[r->transport]--;
    free(r);
}

/* --- flows --------------------------------------------------------------------------------------------- */

/* The AORs that registered by one connection. It ends with the connection, not with the bindings. */
struct flow_aors {
    struct rf_hash_node node;
    uint64_t flow_id;
    struct flow_aor {
        struct flow_aor *next;
        uint16_t n;
        char aor[];
    } *first;
};

static struct flow_shard *
flow_shard(struct rf_location *l, uint64_t flow_id)
{
    return &l->flow[flow_id % RF_LOCATION_SHARDS];
}

static bool
is_flow(const struct rf_hash_node *node, const void *key)
{
    return ((const struct flow_aors *)(const void *)node)->flow_id == *(const uint64_t *)key;
}

static struct flow_aors *
find_flow(const struct flow_shard *s, uint64_t flow_id)
{
    uint64_t hash = rf_hash_of(&s->flows, rf_span(&flow_id, sizeof flow_id));

    return (struct flow_aors *)(void *)rf_hash_find(&s->flows, hash, is_flow, &flow_id);
}

/* When memory is out the flow's end is not noticed here; sending to it fails all the same. */
void
rf_flow_note(struct rf_location *l, uint64_t flow_id, struct rf_span aor)
{
    struct flow_shard *s = flow_shard(l, flow_id);
    struct flow_aors *f;
    struct flow_aor *a = NULL;

    pthread_mutex_lock(&s->lock);
    f = find_flow(s, flow_id);
    if (f == NULL && (f = calloc(1, sizeof *f)) != NULL) {
        f->flow_id = flow_id;
        rf_hash_insert(&s->flows, &f->node, rf_hash_of(&s->flows, rf_span(&flow_id, sizeof flow_id)));
    }
    if (f != NULL)
        for (a = f->first; a != NULL && !rf_span_eq(rf_span(a->aor, a->n), aor); a = a->next)
            ;
    if (f != NULL && a == NULL && (a = malloc(sizeof *a + aor.n)) != NULL) {
        a->n = (uint16_t)aor.n;
        memcpy(a->aor, aor.p, aor.n);
        a->next = f->first;
        f->first = a;
    }
    pthread_mutex_unlock(&s->lock);
}

void
rf_location_flow_gone(struct rf_location *l, uint64_t flow_id)
{
    struct flow_shard *fs = flow_shard(l, flow_id);
    struct flow_aors *f;

    pthread_mutex_lock(&fs->lock);
    f = find_flow(fs, flow_id);
    if (f != NULL)
        rf_hash_remove(&fs->flows, &f->node);
    pthread_mutex_unlock(&fs->lock);
    if (f == NULL)
        return;
    while (f->first != NULL) {
        struct flow_aor *a = f->first;
        struct rf_span aor = rf_span(a->aor, a->n);
        struct shard *s = rf_shard_lock(l, aor);
        struct entry *e = rf_entry_find(s, aor);

        for (struct row *r = e != NULL ? e->rows : NULL; r != NULL; r = r->next)
            if (r->flow_id == flow_id)
                r->flow_id = 0;
        pthread_mutex_unlock(&s->lock);
        f->first = a->next;
        free(a);
    }
    free(f);
}

/* --- life ---------------------------------------------------------------------------------------------- */

void
rf_location_change(struct rf_location *l, const struct rf_location_limits *limits)
{
    atomic_store(&l->min_expires_s, limits->min_expires_s);
    atomic_store(&l->max_expires_s, limits->max_expires_s);
    atomic_store(&l->default_expires_s, limits->default_expires_s);
    atomic_store(&l->bindings_max, limits->bindings_max);
    atomic_store(&l->aors_max, limits->aors_max);
}

enum rf_err
rf_location_new(struct rf_location **out, struct rf_store *store, const struct rf_rand *rand,
                const struct rf_location_limits *limits)
{
    struct rf_location *l = calloc(1, sizeof *l);
    enum rf_err err = RF_OK;

    if (l == NULL)
        return RF_ERR_NOMEM;
    l->store = store;
    l->rand = *rand;
    rf_rand_fill(rand, &l->key, sizeof l->key);
    rf_location_change(l, limits);
    for (int i = 0; i < RF_LOCATION_SHARDS; i++) {
        pthread_mutex_init(&l->shard[i].lock, NULL);
        pthread_mutex_init(&l->flow[i].lock, NULL);
        if (err == RF_OK)
            err = rf_hash_init(&l->shard[i].aors, rand);
        if (err == RF_OK)
            err = rf_hash_init(&l->flow[i].flows, rand);
    }
    if (err) {
        rf_location_free(l);
        return err;
    }
    *out = l;
    return RF_OK;
}

void
rf_location_free(struct rf_location *l)
{
    if (l == NULL)
        return;
    for (int i = 0; i < RF_LOCATION_SHARDS; i++) {
        RF_HASH_FOREACH(&l->shard[i].aors, it)
        {
            struct entry *e = (struct entry *)(void *)it;

            while (e->rows != NULL)
                rf_entry_remove(&l->shard[i], e, e->rows);
            rf_hash_remove(&l->shard[i].aors, it);
            free(e);
        }
        RF_HASH_FOREACH(&l->flow[i].flows, it)
        {
            struct flow_aors *f = (struct flow_aors *)(void *)it;

            while (f->first != NULL) {
                struct flow_aor *a = f->first;

                f->first = a->next;
                free(a);
            }
            rf_hash_remove(&l->flow[i].flows, it);
            free(f);
        }
        rf_hash_fini(&l->shard[i].aors);
        rf_hash_fini(&l->flow[i].flows);
        pthread_mutex_destroy(&l->shard[i].lock);
        pthread_mutex_destroy(&l->flow[i].lock);
    }
    free(l);
}

/* --- from the store ------------------------------------------------------------------------------------ */

struct loading {
    struct rf_location *l;
    int64_t now_s;
    struct row *rows;    /* of one AOR, for a reload */
    uint64_t unreadable;
    enum rf_err err;
};

/* NULL: expired, unreadable, or memory is out (in->err). */
static struct row *
row_from_store(struct loading *in, struct rf_span aor, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct row_draft d;
    struct row *r;

    if (expires_s <= in->now_s)
        return NULL;
    if (sub.n != sizeof d.id || aor.n == 0 || aor.n > RF_AOR_MAX || rf_row_decode(value, &d) != RF_OK) {
        in->unreadable++;
        return NULL;
    }
    memcpy(&d.id, sub.p, sizeof d.id);
    d.expires_s = expires_s;
    d.touched = atomic_fetch_add(&in->l->touches, 1);
    r = rf_row_new(&d);
    if (r == NULL)
        in->err = RF_ERR_NOMEM;
    return r;
}

/* At start: no other thread is there, and a lock taken under the store's own would turn (I2) around. */
static bool
load_row(void *ctx, struct rf_span aor, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct loading *in = ctx;
    struct row *r = row_from_store(in, aor, sub, value, expires_s);
    struct shard *s;
    struct entry *e;

    if (r == NULL)
        return in->err == RF_OK;
    s = &in->l->shard[rf_siphash(&in->l->key, aor.p, aor.n) % RF_LOCATION_SHARDS];
    e = rf_entry_make(in->l, s, aor);
    if (e != NULL)
        rf_entry_add(s, e, r);
    if (e == NULL) {
        free(r);
        in->err = RF_ERR_NOMEM;
    }
    return in->err == RF_OK;
}

enum rf_err
rf_location_load(struct rf_location *l, int64_t now_s)
{
    struct loading in = { .l = l, .now_s = now_s };
    struct rf_store_write expire = { .op = RF_STORE_BINDING_EXPIRE, .expires_s = now_s };
    enum rf_err err;

    if (l->store == NULL)
        return RF_OK;
    err = rf_store_load_bindings(l->store, rf_span(NULL, 0), load_row, &in);
    if (err == RF_OK)
        err = in.err;
    if (err == RF_OK)
        err = rf_store_write(l->store, &expire, 1, NULL, NULL, 0);
    if (in.unreadable > 0)
        RF_LOGF(RF_LOG_WARN, "registrar.unreadable", "some stored bindings cannot be read; their phones come back "
                "when they register again", RF_F_U64("bindings", in.unreadable));
    return err;
}

/* A reload that waits behind the writes in the store's queue. */
struct reload {
    struct rf_location *l;
    int64_t now_s;
    uint64_t changed; /* of the entry, 0 when there is none */
    uint16_t n;
    char aor[];
};

static bool
collect_row(void *ctx, struct rf_span aor, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct loading *in = ctx;
    struct row *r = row_from_store(in, aor, sub, value, expires_s);

    if (r != NULL) {
        r->next = in->rows;
        in->rows = r;
    }
    return in->err == RF_OK;
}

/* Put the rows of the store in the place of those in memory; a flow that is up stays known. */
static void
replace_rows(struct rf_location *l, struct shard *s, struct entry *e, struct row *rows)
{
    while (rows != NULL) {
        struct row *r = rows, *old = e->rows;

        rows = r->next;
        while (old != NULL && old->id != r->id)
            old = old->next;
        if (old != NULL) {
            r->flow_id = old->flow_id;
            r->worker = old->worker;
            r->touched = old->touched;
            rf_entry_remove(s, e, old);
        }
        r->touched |= 1ull << 63; /* marks the new ones below */
        rf_entry_add(s, e, r);
    }
    for (struct row *r = e->rows, *next; r != NULL; r = next) {
        next = r->next;
        if (r->touched >> 63 == 0)
            rf_entry_remove(s, e, r);
        else
            r->touched &= ~(1ull << 63);
    }
}

/* On the store's thread. */
static void
reload_now(void *ctx, uint64_t cookie, enum rf_err barrier)
{
    struct reload *re = ctx;
    struct rf_location *l = re->l;
    struct rf_span aor = rf_span(re->aor, re->n);
    struct loading in = { .l = l, .now_s = re->now_s };
    struct shard *s = rf_shard_lock(l, aor);
    struct entry *e = rf_entry_find(s, aor);
    uint64_t changed = e != NULL ? e->changed : 0;
    bool is_overtaken = changed != re->changed;

    re->changed = changed;
    /* Newer changes wait in the queue: what is on disk does not have them yet. */
    if (is_overtaken && rf_store_write(l->store, NULL, 0, reload_now, re, 0) == RF_OK) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    if (rf_store_load_bindings(l->store, aor, collect_row, &in) == RF_OK && in.err == RF_OK) {
        if (e == NULL && in.rows != NULL)
            e = rf_entry_make(l, s, aor);
        if (e != NULL) {
            replace_rows(l, s, e, in.rows);
            in.rows = NULL;
            rf_entry_free_if_empty(l, s, e);
        }
    }
    pthread_mutex_unlock(&s->lock);
    while (in.rows != NULL) {
        struct row *r = in.rows;

        in.rows = r->next;
        free(r);
    }
    free(re);
}

void
rf_location_reload(struct rf_location *l, struct rf_span aor, int64_t now_s)
{
    struct reload *re;
    struct shard *s;
    struct entry *e;

    if (l->store == NULL || aor.n > RF_AOR_MAX || (re = malloc(sizeof *re + aor.n)) == NULL)
        return;
    *re = (struct reload){ l, now_s, 0, (uint16_t)aor.n };
    memcpy(re->aor, aor.p, aor.n);
    s = rf_shard_lock(l, aor);
    e = rf_entry_find(s, aor);
    re->changed = e != NULL ? e->changed : 0;
    pthread_mutex_unlock(&s->lock);
    if (rf_store_write(l->store, NULL, 0, reload_now, re, 0) != RF_OK)
        reload_now(re, 0, RF_OK); /* the queue is full: now is better than not */
}

/* --- ends ---------------------------------------------------------------------------------------------- */

void
rf_entry_changed(struct rf_location *l, struct entry *e)
{
    e->changed = 1 + atomic_fetch_add(&l->touches, 1);
}

void
rf_entry_expire(struct rf_location *l, struct shard *s, struct entry *e, int64_t now_s)
{
    for (struct row *r = e->rows, *next; r != NULL; r = next) {
        struct rf_store_write w = { .op = RF_STORE_BINDING_DELETE, .key = { e->aor, e->n },
                                    .sub = { (const char *)&r->id, sizeof r->id } };

        next = r->next;
        if (r->expires_s > now_s)
            continue;
        if (l->store != NULL && rf_store_write(l->store, &w, 1, NULL, NULL, 0) == RF_OK)
            rf_entry_changed(l, e);
        rf_entry_remove(s, e, r);
    }
}

void
rf_location_sweep(struct rf_location *l, int64_t now_s)
{
    struct shard *s = &l->shard[atomic_fetch_add(&l->sweep_at, 1) % RF_LOCATION_SHARDS];

    pthread_mutex_lock(&s->lock);
    RF_HASH_FOREACH(&s->aors, it)
    {
        struct entry *e = (struct entry *)(void *)it;

        rf_entry_expire(l, s, e, now_s);
        rf_entry_free_if_empty(l, s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

/* --- questions ----------------------------------------------------------------------------------------- */

/* Of the same phone: several flows of one instance (RFC 5626 7). */
static bool
is_same_instance(const struct row *a, const struct row *b)
{
    struct rf_span instance = rf_row_text(a, TEXT_INSTANCE);

    return a->reg_id != 0 && b->reg_id != 0 && instance.n > 0 &&
           rf_span_ieq(instance, rf_row_text(b, TEXT_INSTANCE));
}

static bool
is_better_flow(const struct row *a, const struct row *b)
{
    if ((a->flow_id != 0) != (b->flow_id != 0))
        return a->flow_id != 0;
    return a->touched > b->touched;
}

static bool
is_shadowed(const struct entry *e, const struct row *r, int64_t now_s)
{
    for (const struct row *o = e->rows; o != NULL; o = o->next)
        if (o != r && o->expires_s > now_s && is_same_instance(o, r) && is_better_flow(o, r))
            return true;
    return false;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;

    if (x->q != y->q)
        return x->q > y->q ? -1 : 1;
    return x->touched > y->touched ? -1 : x->touched < y->touched;
}

size_t
rf_location_find(struct rf_location *l, struct rf_span aor, int64_t now_s, struct rf_binding *out, size_t max)
{
    const struct row *found[256];
    struct shard *s = rf_shard_lock(l, aor);
    const struct entry *e = rf_entry_find(s, aor);
    size_t n = 0;

    for (const struct row *r = e != NULL ? e->rows : NULL; r != NULL && n < sizeof found / sizeof *found; r = r->next)
        if (r->expires_s > now_s && !is_shadowed(e, r, now_s))
            found[n++] = r;
    qsort(found, n, sizeof *found, compare_rows);
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        rf_row_copy(found[i], &out[i]);
    pthread_mutex_unlock(&s->lock);
    return n;
}

void
rf_location_visit(struct rf_location *l, int64_t now_s,
                  void (*visit)(void *ctx, struct rf_span aor, const struct rf_binding *b), void *ctx)
{
    struct rf_binding copy;

    for (int i = 0; i < RF_LOCATION_SHARDS; i++) {
        struct shard *s = &l->shard[i];

        pthread_mutex_lock(&s->lock);
        RF_HASH_FOREACH(&s->aors, it)
        {
            const struct entry *e = (const struct entry *)(const void *)it;

            for (const struct row *r = e->rows; r != NULL; r = r->next) {
                if (r->expires_s <= now_s)
                    continue;
                rf_row_copy(r, &copy);
                visit(ctx, rf_span(e->aor, e->n), &copy);
            }
        }
        pthread_mutex_unlock(&s->lock);
    }
}

struct rf_location_counts
rf_location_counts(struct rf_location *l)
{
    struct rf_location_counts c = { 0 };

    for (int i = 0; i < RF_LOCATION_SHARDS; i++) {
        pthread_mutex_lock(&l->shard[i].lock);
        c.aors += l->shard[i].aors.count;
        c.bindings += l->shard[i].bindings;
        for (int t = 0; t < RF_TRANSPORT_COUNT; t++)
            c.by_transport[t] += l->shard[i].by_transport[t];
        pthread_mutex_unlock(&l->shard[i].lock);
    }
    return c;
}

/* --- the 200 ------------------------------------------------------------------------------------------- */

static void
put_contact(struct rf_buf *b, const struct row *r, int64_t now_s)
{
    char value[RF_CONTACT_MAX + 256];
    struct rf_buf v = rf_buf(value, sizeof value);

    rf_put_char(&v, '<');
    rf_put(&v, rf_row_text(r, TEXT_CONTACT));
    rf_putf(&v, ">;expires=%lld", (long long)(r->expires_s - now_s));
    if (r->q != 1000)
        rf_putf(&v, ";q=0.%03u", r->q);
    if (rf_row_text(r, TEXT_INSTANCE).n > 0) {
        rf_put_str(&v, ";+sip.instance=\"<");
        rf_put(&v, rf_row_text(r, TEXT_INSTANCE));
        rf_put_str(&v, ">\"");
    }
    if (r->reg_id != 0)
        rf_putf(&v, ";reg-id=%u", r->reg_id);
    b->overflow |= v.overflow;
    rf_sip_put_header(b, RF_HDR_CONTACT, rf_buf_span(&v));
}

void
rf_location_put_contacts(struct rf_location *l, struct rf_span aor, const struct rf_sip_msg *req, int64_t now_s,
                         struct rf_buf *b)
{
    struct shard *s = rf_shard_lock(l, aor);
    const struct entry *e = rf_entry_find(s, aor);
    bool is_outbound = false;

    for (const struct row *r = e != NULL ? e->rows : NULL; r != NULL; r = r->next) {
        if (r->expires_s <= now_s)
            continue;
        put_contact(b, r, now_s);
        is_outbound |= r->reg_id != 0 && rf_span_eq(rf_row_text(r, TEXT_CALL_ID), req->call_id);
    }
    pthread_mutex_unlock(&s->lock);

    rf_sip_put_copy(b, req, RF_HDR_PATH); /* RFC 3327 5.3 */
    rf_sip_put_header(b, RF_HDR_SUPPORTED, RF_SPAN_LIT("path, outbound"));
    if (is_outbound && rf_sip_has_token(req, RF_HDR_SUPPORTED, "outbound"))
        rf_sip_put_header(b, RF_HDR_REQUIRE, RF_SPAN_LIT("outbound"));
}
