#include "route/board.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "loop/wheel.h"

struct entry {
    struct rf_hash_node node;
    char name[RF_CONNECTION_NAME_MAX];
    struct rf_board_row row;
    uint64_t silent_since_us; /* the first OPTIONS without an answer since the last one with; 0: none */
    uint64_t filled_us;       /* rate: when tokens were counted last */
    double tokens;
};

struct rf_board {
    pthread_mutex_t lock;
    struct rf_hash table;
};

enum rf_err
rf_board_new(struct rf_board **out, const struct rf_rand *rand)
{
    struct rf_board *b = calloc(1, sizeof *b);
    enum rf_err err = b != NULL ? rf_hash_init(&b->table, rand) : RF_ERR_NOMEM;

    if (err) {
        free(b);
        return err;
    }
    pthread_mutex_init(&b->lock, NULL);
    *out = b;
    return RF_OK;
}

void
rf_board_free(struct rf_board *b)
{
    if (b == NULL)
        return;
    RF_HASH_FOREACH(&b->table, it)
        free(rf_container(it, struct entry, node));
    rf_hash_fini(&b->table);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static bool
is_of(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, const struct entry, node)->name, key) == 0;
}

/* Locked. NULL: not there, or no memory to make it. */
static struct entry *
entry_of(struct rf_board *b, const char *name, bool make)
{
    uint64_t hash = rf_hash_of(&b->table, rf_span_str(name));
    struct rf_hash_node *node = rf_hash_find(&b->table, hash, is_of, name);
    struct entry *e;

    if (node != NULL)
        return rf_container(node, struct entry, node);
    e = make ? calloc(1, sizeof *e) : NULL;
    if (e == NULL || rf_span_copy(rf_span_str(name), e->name, sizeof e->name) != RF_OK) {
        free(e);
        return NULL;
    }
    rf_hash_insert(&b->table, &e->node, hash);
    return e;
}

void
rf_board_set_addresses(struct rf_board *b, const char *name, const struct rf_addr *address, size_t n)
{
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL) {
        e->row.address_count = n < RF_BOARD_ADDRESSES_MAX ? n : RF_BOARD_ADDRESSES_MAX;
        for (size_t i = 0; i < e->row.address_count; i++)
            e->row.address[i] = address[i];
    }
    pthread_mutex_unlock(&b->lock);
}

bool
rf_board_leads_to(void *board, const struct rf_connection *c, const struct rf_addr *source)
{
    struct rf_board *b = board;
    struct rf_addr literal;
    const struct entry *e;
    bool found = false;

    if (rf_addr_parse(rf_span_str(c->host), 0, &literal) == RF_OK)
        return rf_addr_same_host(&literal, source);
    if (b == NULL)
        return false;
    pthread_mutex_lock(&b->lock);
    e = entry_of(b, c->name, false);
    for (size_t i = 0; e != NULL && !found && i < e->row.address_count; i++)
        found = rf_addr_same_host(&e->row.address[i], source);
    pthread_mutex_unlock(&b->lock);
    return found;
}

void
rf_board_asked(struct rf_board *b, const char *name, uint64_t now_us)
{
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL && e->silent_since_us == 0)
        e->silent_since_us = now_us;
    pthread_mutex_unlock(&b->lock);
}

bool
rf_board_heard(struct rf_board *b, const char *name, bool answered, uint64_t force_us, uint64_t now_us)
{
    struct entry *e;
    uint8_t was = RF_HEALTH_UNKNOWN, is = RF_HEALTH_UNKNOWN;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL) {
        was = e->row.health;
        if (answered) {
            e->row.health = RF_HEALTH_UP;
            e->row.heard_us = now_us;
            e->silent_since_us = 0;
        } else if (e->silent_since_us == 0) {
            e->silent_since_us = now_us;
        }
        if (!answered && now_us - e->silent_since_us >= force_us)
            e->row.health = RF_HEALTH_DOWN;
        is = e->row.health;
    }
    pthread_mutex_unlock(&b->lock);
    return was != is;
}

bool
rf_board_is_up(void *board, const struct rf_connection *c)
{
    struct rf_board *b = board;
    const struct entry *e;
    bool up;

    if (b == NULL)
        return true;
    pthread_mutex_lock(&b->lock);
    e = entry_of(b, c->name, false);
    up = e == NULL || e->row.health != RF_HEALTH_DOWN;
    pthread_mutex_unlock(&b->lock);
    return up;
}

void
rf_board_set_registration(struct rf_board *b, const char *name, enum rf_registration state, int status,
                          uint64_t flow_id, enum rf_transport transport, int64_t until_s)
{
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL) {
        e->row.registration = (uint8_t)state;
        e->row.status = status;
        e->row.flow_id = flow_id;
        e->row.transport = transport;
        e->row.until_s = until_s;
    }
    pthread_mutex_unlock(&b->lock);
}

bool
rf_board_of_flow(struct rf_board *b, uint64_t flow_id, char name[static RF_CONNECTION_NAME_MAX])
{
    bool found = false;

    if (flow_id == 0)
        return false;
    pthread_mutex_lock(&b->lock);
    RF_HASH_FOREACH(&b->table, it) {
        const struct entry *e = rf_container(it, const struct entry, node);

        if (e->row.flow_id == flow_id) {
            memcpy(name, e->name, RF_CONNECTION_NAME_MAX);
            found = true;
        }
    }
    pthread_mutex_unlock(&b->lock);
    return found;
}

enum rf_err
rf_board_take(struct rf_board *b, const char *name, uint32_t max)
{
    enum rf_err err = RF_ERR_NOMEM;
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL) {
        err = e->row.calls < max ? RF_OK : RF_ERR_RANGE;
        e->row.calls += err == RF_OK;
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

void
rf_board_drop(struct rf_board *b, const char *name)
{
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, false);
    rf_assert(e != NULL && e->row.calls > 0);
    e->row.calls--;
    pthread_mutex_unlock(&b->lock);
}

bool
rf_board_rate(struct rf_board *b, const char *name, uint32_t per_s, uint64_t now_us)
{
    bool may = false;
    struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, true);
    if (e != NULL) {
        if (e->filled_us == 0)
            e->tokens = per_s;
        else if (now_us > e->filled_us)
            e->tokens += (double)(now_us - e->filled_us) * per_s / (double)RF_S;
        if (e->tokens > per_s)
            e->tokens = per_s;
        if (now_us > e->filled_us)
            e->filled_us = now_us;
        may = e->tokens >= 1;
        if (may)
            e->tokens -= 1;
    }
    pthread_mutex_unlock(&b->lock);
    return may;
}

bool
rf_board_look(struct rf_board *b, const char *name, struct rf_board_row *out)
{
    const struct entry *e;

    pthread_mutex_lock(&b->lock);
    e = entry_of(b, name, false);
    if (e != NULL)
        *out = e->row;
    pthread_mutex_unlock(&b->lock);
    return e != NULL;
}

const char *
rf_health_name(enum rf_health h)
{
    static const char *const name[] = { "unknown", "up", "down" };

    return name[h];
}

const char *
rf_registration_name(enum rf_registration r)
{
    static const char *const name[] = { "none", "trying", "registered", "refused", "failed" };

    return name[r];
}
