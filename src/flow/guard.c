#include "flow/guard.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

#define SECOND_US    1000000u
#define MILLI        1000u /* tokens are counted in thousandths */
#define BANNED_SHARE 2     /* at most half of the table is banned sources, so that there is room to learn */

struct bucket {
    uint64_t milli, at_us; /* tokens at that time */
};

/* Events within a window that begins with the first of them. */
struct tally {
    uint64_t since_us;
    uint32_t count;
};

struct source {
    struct rf_hash_node node;
    struct rf_link link; /* guard->ordinary or guard->banned, least recently used first */
    uint8_t key[17];     /* family, address */
    bool is_banned;      /* in which list */
    uint8_t level;       /* bans so far: doubles the next */
    struct bucket connections, requests;
    struct tally refused, wrong;
    uint64_t ban_until_us;
    const char *reason;
};

struct rf_guard {
    struct rf_guard_limits limits;
    struct rf_hash table;
    struct rf_link ordinary, banned;
    struct rf_guard_counts counts;
};

/* --- sources --- */

static void
key_of(const struct rf_addr *a, uint8_t key[17])
{
    memset(key, 0, 17);
    key[0] = a->sa.sa_family == AF_INET6 ? 6 : 4;
    if (key[0] == 6)
        memcpy(key + 1, &a->v6.sin6_addr, 8); /* /64: one site can use all of its addresses */
    else
        memcpy(key + 1, &a->v4.sin_addr, 4);
}

static bool
source_is(const struct rf_hash_node *node, const void *key)
{
    return memcmp(rf_container(node, const struct source, node)->key, key, 17) == 0;
}

static struct source *
find(const struct rf_guard *g, const uint8_t key[17], uint64_t *hash)
{
    struct rf_hash_node *node;

    *hash = rf_hash_of(&g->table, rf_span(key, 17));
    node = rf_hash_find(&g->table, *hash, source_is, key);
    return node != NULL ? rf_container(node, struct source, node) : NULL;
}

static void
source_free(struct rf_guard *g, struct source *s)
{
    rf_hash_remove(&g->table, &s->node);
    rf_list_remove(&s->link);
    g->counts.sources--;
    if (s->is_banned)
        g->counts.banned--;
    free(s);
}

/* Forget the least recently seen: an ordinary one, so that forged addresses cannot push bans out. */
static void
make_room(struct rf_guard *g)
{
    struct rf_link *list = rf_list_empty(&g->ordinary) ? &g->banned : &g->ordinary;

    while (g->counts.sources >= g->limits.sources_max && !rf_list_empty(list)) {
        g->counts.forgotten++;
        source_free(g, rf_container(list->next, struct source, link));
    }
}

/* Known or new; NULL: exempt, or no memory. */
static struct source *
source_of(struct rf_guard *g, const struct rf_addr *a, uint64_t now_us)
{
    uint8_t key[17];
    uint64_t hash;
    struct source *s;

    if (g->limits.loopback_is_exempt && rf_addr_is_loopback(a))
        return NULL;
    key_of(a, key);
    s = find(g, key, &hash);
    if (s == NULL) {
        make_room(g);
        s = calloc(1, sizeof *s);
        if (s == NULL)
            return NULL;
        memcpy(s->key, key, sizeof s->key);
        s->connections = (struct bucket){ (uint64_t)g->limits.connections_burst * MILLI, now_us };
        s->requests = (struct bucket){ (uint64_t)g->limits.requests_burst * MILLI, now_us };
        rf_hash_insert(&g->table, &s->node, hash);
        g->counts.sources++;
    }
    rf_list_remove(&s->link);
    rf_list_append(s->is_banned ? &g->banned : &g->ordinary, &s->link);
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
    if (t->count == 0 || now_us - t->since_us >= window_us) {
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
later(struct rf_guard *g, uint32_t seconds)
{
    g->counts.refused++;
    return (struct rf_guard_answer){ .verdict = RF_GUARD_LATER, .retry_after_s = seconds };
}

static struct rf_guard_answer
banned(struct rf_guard *g, const struct source *s, bool is_new, uint64_t now_us)
{
    g->counts.refused++;
    return (struct rf_guard_answer){ .verdict = RF_GUARD_BANNED,
                                     .retry_after_s = seconds_up(s->ban_until_us - now_us),
                                     .is_new_ban = is_new,
                                     .reason = s->reason };
}

static void
set_banned(struct rf_guard *g, struct source *s, bool is_banned)
{
    if (s->is_banned == is_banned)
        return;
    s->is_banned = is_banned;
    g->counts.banned += is_banned ? 1 : -1;
    rf_list_remove(&s->link);
    rf_list_append(is_banned ? &g->banned : &g->ordinary, &s->link);
}

/* A ban that is over is noticed here; after as long again without a new one, the next begins small. */
static bool
is_banned_now(struct rf_guard *g, struct source *s, uint64_t now_us)
{
    if (s->ban_until_us > now_us && g->limits.ban_first_us != 0)
        return true;
    set_banned(g, s, false);
    if (s->level > 0 && now_us > s->ban_until_us && now_us - s->ban_until_us > g->limits.ban_max_us)
        s->level = 0;
    return false;
}

static bool
ban(struct rf_guard *g, struct source *s, const char *reason, uint64_t now_us)
{
    uint64_t length_us = g->limits.ban_first_us;

    if (length_us == 0)
        return false;
    for (uint8_t i = 0; i < s->level && length_us < g->limits.ban_max_us; i++)
        length_us *= 2;
    if (length_us > g->limits.ban_max_us)
        length_us = g->limits.ban_max_us;
    if (s->level < 32)
        s->level++;
    if (!s->is_banned && g->counts.banned >= g->limits.sources_max / BANNED_SHARE &&
        !rf_list_empty(&g->banned))
        source_free(g, rf_container(g->banned.next, struct source, link));
    s->ban_until_us = now_us + length_us;
    s->reason = reason;
    s->refused.count = s->wrong.count = 0;
    set_banned(g, s, true);
    g->counts.bans++;
    return true;
}

/* Over its share: later; when a proven source goes on all the same: a ban. */
static struct rf_guard_answer
over(struct rf_guard *g, struct source *s, bool is_proven, uint32_t per_s, const char *reason,
     uint64_t now_us)
{
    if (is_proven && count_in(&s->refused, g->limits.refused_max, g->limits.refused_us, now_us) &&
        ban(g, s, reason, now_us))
        return banned(g, s, true, now_us);
    return later(g, per_s > 0 && per_s < 1000 ? 1 + 1 / per_s : 1);
}

/* --- questions --- */

struct rf_guard_answer
rf_guard_connection(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us)
{
    struct source *s = source_of(g, source, now_us);
    const struct rf_guard_limits *limits = &g->limits;

    if (s == NULL)
        return allowed();
    if (is_banned_now(g, s, now_us))
        return banned(g, s, false, now_us);
    if (take_token(&s->connections, limits->connections_per_s, limits->connections_burst, now_us))
        return allowed();
    return over(g, s, true, limits->connections_per_s, "too many connections", now_us);
}

struct rf_guard_answer
rf_guard_request(struct rf_guard *g, const struct rf_addr *source, bool is_proven, uint64_t now_us)
{
    struct source *s = source_of(g, source, now_us);
    const struct rf_guard_limits *limits = &g->limits;

    if (s == NULL)
        return allowed();
    /* A ban is for the proven: datagrams with the banned address may be another's. */
    if (is_banned_now(g, s, now_us) && is_proven)
        return banned(g, s, false, now_us);
    if (take_token(&s->requests, limits->requests_per_s, limits->requests_burst, now_us))
        return allowed();
    return over(g, s, is_proven, limits->requests_per_s, "too many requests", now_us);
}

struct rf_guard_answer
rf_guard_wrong_password(struct rf_guard *g, const struct rf_addr *source, bool is_proven, uint64_t now_us)
{
    struct source *s = source_of(g, source, now_us);

    if (s == NULL || !is_proven)
        return allowed();
    if (is_banned_now(g, s, now_us))
        return banned(g, s, false, now_us);
    if (count_in(&s->wrong, g->limits.wrong_passwords_max, g->limits.wrong_us, now_us) &&
        ban(g, s, "too many wrong passwords", now_us))
        return banned(g, s, true, now_us);
    return allowed();
}

void
rf_guard_signed_in(struct rf_guard *g, const struct rf_addr *source)
{
    uint8_t key[17];
    uint64_t hash;
    struct source *s;

    key_of(source, key);
    s = find(g, key, &hash);
    if (s != NULL)
        s->wrong.count = 0;
}

struct rf_guard_answer
rf_guard_ask(const struct rf_guard *g, const struct rf_addr *source, uint64_t now_us)
{
    uint8_t key[17];
    uint64_t hash;
    struct source *s;

    key_of(source, key);
    s = find(g, key, &hash);
    if (s == NULL || s->ban_until_us <= now_us || g->limits.ban_first_us == 0)
        return allowed();
    return (struct rf_guard_answer){ .verdict = RF_GUARD_BANNED,
                                     .retry_after_s = seconds_up(s->ban_until_us - now_us),
                                     .reason = s->reason };
}

void
rf_guard_unban(struct rf_guard *g, const struct rf_addr *source)
{
    uint8_t key[17];
    uint64_t hash;
    struct source *s;

    key_of(source, key);
    s = find(g, key, &hash);
    if (s != NULL)
        source_free(g, s);
}

/* --- life --- */

enum rf_err
rf_guard_new(struct rf_guard **out, const struct rf_guard_limits *limits, const struct rf_rand *rand)
{
    struct rf_guard *g = calloc(1, sizeof *g);

    if (g == NULL)
        return RF_ERR_NOMEM;
    g->limits = *limits;
    rf_list_init(&g->ordinary);
    rf_list_init(&g->banned);
    if (rf_hash_init(&g->table, rand) != RF_OK) {
        free(g);
        return RF_ERR_NOMEM;
    }
    *out = g;
    return RF_OK;
}

void
rf_guard_free(struct rf_guard *g)
{
    if (g == NULL)
        return;
    RF_HASH_FOREACH(&g->table, node)
    source_free(g, rf_container(node, struct source, node));
    rf_hash_fini(&g->table);
    free(g);
}

void
rf_guard_set_limits(struct rf_guard *g, const struct rf_guard_limits *limits)
{
    g->limits = *limits;
}

struct rf_guard_counts
rf_guard_counts(const struct rf_guard *g)
{
    return g->counts;
}
