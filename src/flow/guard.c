#include "flow/guard.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

#define SECOND_US    1000000u
#define MILLI        1000u /* tokens are counted in thousandths */
#define BANNED_SHARE 2     /* at most half of the table is banned sources, so that there is room to learn */
#define SHARDS_MAX   64    /* as many as there may be workers: two of them seldom wait for each other */
#define SHARD_MIN    1024  /* sources; fewer, and chance would push out some while others have room */

/* Why a ban began; in this order in a ban's memory. */
enum reason { TOO_MANY_CONNECTIONS, TOO_MANY_REQUESTS, TOO_MANY_PASSWORDS, REASON_COUNT };

/* With the setting that decides. */
static const struct {
    const char *ban, *share; /* completes "is banned: ...", "... is full" */
} reason_text[REASON_COUNT] = {
    [TOO_MANY_CONNECTIONS] = { "too many connections (security.handshakes-per-source)",
                               "the share of new connections of one source (security.handshakes-per-source)" },
    [TOO_MANY_REQUESTS] = { "too many requests without sign-in (security.requests-per-source)",
                            "the share of requests without sign-in of one source (security.requests-per-source)" },
    [TOO_MANY_PASSWORDS] = { "too many wrong passwords (security.wrong-passwords)", "" },
};

struct bucket {
    uint64_t milli, at_us; /* tokens at that time */
};

/* Events within a window that begins with the first of them. */
struct tally {
    uint64_t since_us;
    uint32_t count;
};

struct name {
    uint64_t address; /* in memory order */
    uint16_t family;  /* 4, 6 */
};

struct source {
    struct rf_hash_node node;
    struct rf_link link; /* shard->ordinary or shard->banned, least recently used first */
    struct name name;
    bool is_banned;      /* in which list */
    uint8_t level;       /* bans so far: doubles the next */
    uint8_t reason;      /* enum reason */
    struct bucket connections, requests;
    struct tally refused, wrong;
    uint64_t ban_until_us;
    struct rf_ban_slot *slot; /* of a ban that runs; NULL: there is no memory for it */
};

/* What one lock guards. */
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    _Atomic uint32_t banned;        /* members of the list: read without the lock */
    struct rf_guard_limits limits;  /* sources_max is the shard's own */
    struct rf_hash table;
    struct rf_link ordinary, banned_list;
    struct rf_guard_counts counts;  /* `banned` stands above */
    struct rf_ban_slot *slot;       /* slots of them; NULL: no memory */
    uint32_t slots, next_slot;
};

struct rf_guard {
    struct rf_hash_key key;
    uint32_t shards;                /* a power of two */
    _Atomic bool loopback_is_exempt;
    struct shard shard[];
};

/* --- sources --- */

static struct name
name_of(const struct rf_addr *a)
{
    struct name n = { .family = a->sa.sa_family == AF_INET6 ? 6 : 4 };

    if (n.family == 6)
        memcpy(&n.address, &a->v6.sin6_addr, 8); /* /64: one site can use all of its addresses */
    else
        memcpy(&n.address, &a->v4.sin_addr, 4);
    return n;
}

static struct rf_addr
addr_of(struct name n)
{
    struct rf_addr a = { 0 };

    a.sa.sa_family = n.family == 6 ? AF_INET6 : AF_INET;
    if (n.family == 6)
        memcpy(&a.v6.sin6_addr, &n.address, 8);
    else
        memcpy(&a.v4.sin_addr, &n.address, 4);
    return a;
}

static uint64_t
hash_of(const struct rf_guard *g, struct name n)
{
    uint64_t key[2] = { n.address, n.family };

    return rf_siphash(&g->key, key, sizeof key);
}

static struct shard *
shard_of(struct rf_guard *g, uint64_t hash)
{
    return &g->shard[hash >> 32 & (g->shards - 1)];
}

static bool
source_is(const struct rf_hash_node *node, const void *key)
{
    const struct name *own = &rf_container(node, const struct source, node)->name, *n = key;

    return own->address == n->address && own->family == n->family;
}

static struct source *
find(const struct shard *sh, struct name n, uint64_t hash)
{
    struct rf_hash_node *node = rf_hash_find(&sh->table, hash, source_is, &n);

    return node != NULL ? rf_container(node, struct source, node) : NULL;
}

static void
slot_clear(struct source *s)
{
    if (s->slot != NULL)
        atomic_store_explicit(&s->slot->source, 0, memory_order_release); /* (B1) */
    s->slot = NULL;
}

/* Out of its shard; its memory is the caller's. */
static void
take_out(struct shard *sh, struct source *s)
{
    slot_clear(s);
    rf_hash_remove(&sh->table, &s->node);
    rf_list_remove(&s->link);
    sh->counts.sources--;
    if (s->is_banned)
        atomic_fetch_sub_explicit(&sh->banned, 1, memory_order_relaxed);
}

/* A new source's memory. When all places are taken that of the least recently seen: an ordinary one, so that forged
 * addresses cannot push bans out. */
static struct source *
make_room(struct shard *sh)
{
    struct rf_link *list = rf_list_empty(&sh->ordinary) ? &sh->banned_list : &sh->ordinary;
    struct source *s = NULL;

    while (sh->counts.sources >= sh->limits.sources_max && !rf_list_empty(list)) {
        free(s); /* more than one: the limit was lowered */
        s = rf_container(list->next, struct source, link);
        sh->counts.forgotten++;
        take_out(sh, s);
    }
    if (s == NULL)
        return calloc(1, sizeof *s);
    memset(s, 0, sizeof *s);
    return s;
}

static void
append(struct shard *sh, struct source *s)
{
    rf_list_remove(&s->link);
    rf_list_append(s->is_banned ? &sh->banned_list : &sh->ordinary, &s->link);
}

/* Known or new, below the shard's lock; NULL: no memory. */
static struct source *
source_of(struct shard *sh, struct name n, uint64_t hash, uint64_t now_us)
{
    struct source *s = find(sh, n, hash);

    if (s == NULL) {
        s = make_room(sh);
        if (s == NULL)
            return NULL;
        s->name = n;
        s->connections = (struct bucket){ (uint64_t)sh->limits.connections_burst * MILLI, now_us };
        s->requests = (struct bucket){ (uint64_t)sh->limits.requests_burst * MILLI, now_us };
        rf_hash_insert(&sh->table, &s->node, hash);
        sh->counts.sources++;
    }
    append(sh, s);
    return s;
}

/* --- counting --- */

/* One token, if there is one. */
static bool
take_token(struct bucket *b, uint32_t per_s, uint32_t burst, uint64_t now_us)
{
    uint64_t full = (uint64_t)burst * MILLI, elapsed_us = now_us > b->at_us ? now_us - b->at_us : 0;

    if (per_s == 0)
        return true;
    /* After so long it is full, whatever the product would be. */
    if (elapsed_us >= ((uint64_t)burst / per_s + 1) * SECOND_US)
        b->milli = full;
    else
        b->milli += elapsed_us * per_s / (SECOND_US / MILLI);
    if (b->milli > full)
        b->milli = full;
    /* Pieces of time too short for a thousandth of a token are not lost: the clock moves only with what it gave. */
    if (elapsed_us * per_s >= SECOND_US / MILLI)
        b->at_us = now_us;
    if (b->milli < MILLI)
        return false;
    b->milli -= MILLI;
    return true;
}

/* One more event; true when that makes more than max within the window. */
static bool
count_in(struct tally *t, uint32_t max, uint64_t window_us, uint64_t now_us)
{
    /* Workers' clocks are read at different moments: one may be a little behind what another wrote. */
    if (t->count == 0 || (now_us > t->since_us && now_us - t->since_us >= window_us)) {
        t->since_us = now_us;
        t->count = 0;
    }
    t->count++;
    return max != 0 && t->count > max;
}

/* --- bans --- */

static uint32_t
seconds_up(uint64_t us)
{
    return (uint32_t)((us + SECOND_US - 1) / SECOND_US);
}

static struct rf_guard_answer
allowed(void)
{
    return (struct rf_guard_answer){ .verdict = RF_GUARD_ALLOW };
}

static struct rf_guard_answer
banned(const struct source *s, bool is_new, uint64_t now_us)
{
    return (struct rf_guard_answer){ .verdict = RF_GUARD_BANNED,
                                     .retry_after_s = seconds_up(s->ban_until_us - now_us),
                                     .is_new_ban = is_new,
                                     .reason = reason_text[s->reason].ban };
}

static void
set_banned(struct shard *sh, struct source *s, bool is_banned)
{
    if (s->is_banned == is_banned)
        return;
    s->is_banned = is_banned;
    atomic_fetch_add_explicit(&sh->banned, is_banned ? 1 : -1u, memory_order_relaxed);
    append(sh, s);
    if (!is_banned)
        slot_clear(s);
}

/* A ban that is over is noticed here; after as long again without a new one, the next begins small. */
static bool
is_banned_now(struct shard *sh, struct source *s, uint64_t now_us)
{
    if (s->ban_until_us > now_us && sh->limits.ban_first_us != 0)
        return true;
    set_banned(sh, s, false);
    if (s->level > 0 && now_us > s->ban_until_us && now_us - s->ban_until_us > sh->limits.ban_max_us)
        s->level = 0;
    return false;
}

/* The next empty slot, or NULL: the ban then ends with this process. */
static struct rf_ban_slot *
slot_find(struct shard *sh)
{
    for (uint32_t i = 0; i < sh->slots; i++) {
        struct rf_ban_slot *slot = &sh->slot[(sh->next_slot + i) % sh->slots];

        if (atomic_load_explicit(&slot->source, memory_order_relaxed) == 0) {
            sh->next_slot = (sh->next_slot + i + 1) % sh->slots;
            return slot;
        }
    }
    return NULL;
}

static void
remember(struct shard *sh, struct source *s)
{
    if (s->slot == NULL)
        s->slot = slot_find(sh);
    if (s->slot == NULL)
        return;
    atomic_store_explicit(&s->slot->source, 0, memory_order_release); /* (B1) */
    s->slot->address = s->name.address;
    s->slot->until_us = s->ban_until_us;
    s->slot->level = s->level;
    s->slot->reason = s->reason;
    atomic_store_explicit(&s->slot->source, s->name.family, memory_order_release);
}

static bool
ban(struct shard *sh, struct source *s, enum reason reason, uint64_t now_us)
{
    uint64_t length_us = sh->limits.ban_first_us;

    if (length_us == 0)
        return false;
    for (uint8_t i = 0; i < s->level && length_us < sh->limits.ban_max_us; i++)
        length_us *= 2;
    if (length_us > sh->limits.ban_max_us)
        length_us = sh->limits.ban_max_us;
    if (s->level < 32)
        s->level++;
    if (!s->is_banned && !rf_list_empty(&sh->banned_list) &&
        atomic_load_explicit(&sh->banned, memory_order_relaxed) >= sh->limits.sources_max / BANNED_SHARE) {
        struct source *oldest = rf_container(sh->banned_list.next, struct source, link);

        take_out(sh, oldest);
        free(oldest);
    }
    s->ban_until_us = now_us + length_us;
    s->reason = (uint8_t)reason;
    s->refused.count = s->wrong.count = 0;
    set_banned(sh, s, true);
    remember(sh, s);
    sh->counts.bans++;
    return true;
}

/* Over its share: later; when a proven source goes on all the same: a ban. */
static struct rf_guard_answer
over(struct shard *sh, struct source *s, bool is_proven, uint32_t per_s, enum reason reason, uint64_t now_us)
{
    if (is_proven && count_in(&s->refused, sh->limits.refused_max, sh->limits.refused_us, now_us) &&
        ban(sh, s, reason, now_us))
        return banned(s, true, now_us);
    return (struct rf_guard_answer){ .verdict = RF_GUARD_LATER,
                                     .retry_after_s = per_s > 0 && per_s < 1000 ? 1 + 1 / per_s : 1,
                                     .reason = reason_text[reason].share };
}

/* --- questions --- */

/* Each of these decides below the shard's lock, about a source that is there. */

static struct rf_guard_answer
decide_connection(struct shard *sh, struct source *s, bool is_proven, uint64_t now_us)
{
    const struct rf_guard_limits *limits = &sh->limits;

    if (is_banned_now(sh, s, now_us))
        return banned(s, false, now_us);
    if (take_token(&s->connections, limits->connections_per_s, limits->connections_burst, now_us))
        return allowed();
    return over(sh, s, is_proven, limits->connections_per_s, TOO_MANY_CONNECTIONS, now_us);
}

static struct rf_guard_answer
decide_request(struct shard *sh, struct source *s, bool is_proven, uint64_t now_us)
{
    const struct rf_guard_limits *limits = &sh->limits;

    /* A ban is for the proven: datagrams with the banned address may be another's. */
    if (is_banned_now(sh, s, now_us) && is_proven)
        return banned(s, false, now_us);
    if (take_token(&s->requests, limits->requests_per_s, limits->requests_burst, now_us))
        return allowed();
    return over(sh, s, is_proven, limits->requests_per_s, TOO_MANY_REQUESTS, now_us);
}

static struct rf_guard_answer
decide_password(struct shard *sh, struct source *s, bool is_proven, uint64_t now_us)
{
    if (is_banned_now(sh, s, now_us))
        return banned(s, false, now_us);
    if (count_in(&s->wrong, sh->limits.wrong_passwords_max, sh->limits.wrong_us, now_us) &&
        ban(sh, s, TOO_MANY_PASSWORDS, now_us))
        return banned(s, true, now_us);
    return allowed();
}

static bool
is_exempt(const struct rf_guard *g, const struct rf_addr *source)
{
    return atomic_load_explicit(&g->loopback_is_exempt, memory_order_relaxed) && rf_addr_is_loopback(source);
}

static struct rf_guard_answer
decide(struct rf_guard *g, const struct rf_addr *source, bool is_proven, uint64_t now_us,
       struct rf_guard_answer (*how)(struct shard *sh, struct source *s, bool is_proven, uint64_t now_us))
{
    struct rf_guard_answer answer = allowed();
    struct name n = name_of(source);
    uint64_t hash = hash_of(g, n);
    struct shard *sh = shard_of(g, hash);
    struct source *s;

    if (is_exempt(g, source))
        return answer;
    pthread_mutex_lock(&sh->lock);
    s = source_of(sh, n, hash, now_us);
    if (s != NULL)
        answer = how(sh, s, is_proven, now_us);
    if (answer.verdict != RF_GUARD_ALLOW)
        sh->counts.refused++;
    pthread_mutex_unlock(&sh->lock);
    return answer;
}

struct rf_guard_answer
rf_guard_connection(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us)
{
    return decide(g, source, true, now_us, decide_connection);
}

struct rf_guard_answer
rf_guard_request(struct rf_guard *g, const struct rf_addr *source, bool is_proven, uint64_t now_us)
{
    return decide(g, source, is_proven, now_us, decide_request);
}

struct rf_guard_answer
rf_guard_wrong_password(struct rf_guard *g, const struct rf_addr *source, bool is_proven, uint64_t now_us)
{
    return is_proven ? decide(g, source, true, now_us, decide_password) : allowed();
}

void
rf_guard_signed_in(struct rf_guard *g, const struct rf_addr *source)
{
    struct name n = name_of(source);
    uint64_t hash = hash_of(g, n);
    struct shard *sh = shard_of(g, hash);
    struct source *s;

    if (is_exempt(g, source))
        return;
    pthread_mutex_lock(&sh->lock);
    s = find(sh, n, hash);
    if (s != NULL)
        s->wrong.count = 0;
    pthread_mutex_unlock(&sh->lock);
}

struct rf_guard_answer
rf_guard_ask(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us)
{
    struct rf_guard_answer answer = allowed();
    struct name n = name_of(source);
    uint64_t hash = hash_of(g, n);
    struct shard *sh = shard_of(g, hash);
    struct source *s;

    /* Each message comes by here: without a ban in the shard there is nothing to lock for. A ban that begins this
     * very moment may miss a message that is handled in it. */
    if (atomic_load_explicit(&sh->banned, memory_order_relaxed) == 0)
        return answer;
    pthread_mutex_lock(&sh->lock);
    s = find(sh, n, hash);
    if (s != NULL && is_banned_now(sh, s, now_us))
        answer = banned(s, false, now_us);
    pthread_mutex_unlock(&sh->lock);
    return answer;
}

bool
rf_guard_unban(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us)
{
    struct name n = name_of(source);
    uint64_t hash = hash_of(g, n);
    struct shard *sh = shard_of(g, hash);
    struct source *s;
    bool was_banned = false;

    pthread_mutex_lock(&sh->lock);
    s = find(sh, n, hash);
    if (s != NULL) {
        was_banned = is_banned_now(sh, s, now_us);
        take_out(sh, s);
        free(s);
    }
    pthread_mutex_unlock(&sh->lock);
    return was_banned;
}

size_t
rf_guard_bans(struct rf_guard *g, uint64_t now_us, struct rf_guard_ban *out, size_t max)
{
    size_t n = 0;

    for (uint32_t i = 0; i < g->shards; i++) {
        struct shard *sh = &g->shard[i];

        pthread_mutex_lock(&sh->lock);
        RF_LIST_FOREACH(&sh->banned_list, link) {
            const struct source *s = rf_container(link, struct source, link);

            if (n < max && s->ban_until_us > now_us && sh->limits.ban_first_us != 0)
                out[n++] = (struct rf_guard_ban){ .source = addr_of(s->name),
                                                  .left_s = seconds_up(s->ban_until_us - now_us),
                                                  .level = s->level,
                                                  .reason = reason_text[s->reason].ban };
        }
        pthread_mutex_unlock(&sh->lock);
    }
    return n;
}

/* --- life --- */

/* Of a shard: so many sources each that all together keep to the limit. */
static struct rf_guard_limits
limits_of_shard(const struct rf_guard *g, const struct rf_guard_limits *limits)
{
    struct rf_guard_limits own = *limits;

    own.sources_max = limits->sources_max / g->shards;
    if (own.sources_max == 0)
        own.sources_max = 1;
    return own;
}

/* (B2) A ban of the process before us. */
static void
restore(struct rf_guard *g, struct shard *sh, struct rf_ban_slot *slot, uint64_t now_us)
{
    uint16_t family = atomic_load_explicit(&slot->source, memory_order_acquire);
    struct name n = { slot->address, family };
    uint64_t hash = hash_of(g, n), until_us = slot->until_us;
    bool is_ours = (family == 4 || family == 6) && slot->reason < REASON_COUNT && slot->level > 0 &&
                   shard_of(g, hash) == sh && until_us > now_us && find(sh, n, hash) == NULL &&
                   sh->counts.sources < sh->limits.sources_max;
    struct source *s = is_ours ? source_of(sh, n, hash, now_us) : NULL;

    if (s == NULL) {
        atomic_store_explicit(&slot->source, 0, memory_order_release);
        return;
    }
    s->level = slot->level < 32 ? slot->level : 32;
    s->reason = slot->reason;
    s->slot = slot;
    s->ban_until_us = until_us - now_us > sh->limits.ban_max_us ? now_us + sh->limits.ban_max_us : until_us;
    set_banned(sh, s, true);
}

enum rf_err
rf_guard_new(struct rf_guard **out, const struct rf_guard_limits *limits, struct rf_ban_memory *memory,
             const struct rf_rand *rand, uint64_t now_us)
{
    struct rf_guard *g;
    uint32_t shards = 1;
    enum rf_err err = RF_OK;

    while (shards < SHARDS_MAX && limits->sources_max / (2 * shards) >= SHARD_MIN)
        shards *= 2;
    g = aligned_alloc(_Alignof(struct rf_guard), sizeof *g + shards * sizeof g->shard[0]);
    if (g == NULL)
        return RF_ERR_NOMEM;
    memset(g, 0, sizeof *g + shards * sizeof g->shard[0]);
    g->shards = shards;
    if (memory != NULL)
        g->key = memory->key;
    else
        rf_rand_fill(rand, &g->key, sizeof g->key);
    atomic_store_explicit(&g->loopback_is_exempt, limits->loopback_is_exempt, memory_order_relaxed);
    for (uint32_t i = 0; i < shards; i++) {
        struct shard *sh = &g->shard[i];

        pthread_mutex_init(&sh->lock, NULL);
        sh->limits = limits_of_shard(g, limits);
        rf_list_init(&sh->ordinary);
        rf_list_init(&sh->banned_list);
        if (!err)
            err = rf_hash_init(&sh->table, rand);
        if (memory != NULL) {
            sh->slots = RF_BANS_MAX / shards;
            sh->slot = &memory->slot[i * sh->slots];
        }
        for (uint32_t k = 0; !err && k < sh->slots; k++)
            if (atomic_load_explicit(&sh->slot[k].source, memory_order_relaxed) != 0)
                restore(g, sh, &sh->slot[k], now_us);
    }
    if (err) {
        rf_guard_free(g);
        return err;
    }
    *out = g;
    return RF_OK;
}

void
rf_guard_free(struct rf_guard *g)
{
    if (g == NULL)
        return;
    for (uint32_t i = 0; i < g->shards; i++) {
        struct shard *sh = &g->shard[i];

        RF_HASH_FOREACH(&sh->table, node) {
            struct source *s = rf_container(node, struct source, node);

            s->slot = NULL; /* its ban goes on in the next process */
            take_out(sh, s);
            free(s);
        }
        rf_hash_fini(&sh->table);
        pthread_mutex_destroy(&sh->lock);
    }
    free(g);
}

void
rf_guard_set_limits(struct rf_guard *g, const struct rf_guard_limits *limits)
{
    atomic_store_explicit(&g->loopback_is_exempt, limits->loopback_is_exempt, memory_order_relaxed);
    for (uint32_t i = 0; i < g->shards; i++) {
        struct shard *sh = &g->shard[i];

        pthread_mutex_lock(&sh->lock);
        sh->limits = limits_of_shard(g, limits);
        pthread_mutex_unlock(&sh->lock);
    }
}

struct rf_guard_counts
rf_guard_counts(struct rf_guard *g)
{
    struct rf_guard_counts sum = { 0 };

    for (uint32_t i = 0; i < g->shards; i++) {
        struct shard *sh = &g->shard[i];

        pthread_mutex_lock(&sh->lock);
        sum.sources += sh->counts.sources;
        sum.banned += atomic_load_explicit(&sh->banned, memory_order_relaxed);
        sum.refused += sh->counts.refused;
        sum.bans += sh->counts.bans;
        sum.forgotten += sh->counts.forgotten;
        pthread_mutex_unlock(&sh->lock);
    }
    return sum;
}
