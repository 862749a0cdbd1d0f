#include "net/dns.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/hash.h"

#define FAILED_TTL_S 5   /* a dead server is not asked again for each call in the meantime */
#define HOSTS_MAX    512 /* names taken from the hosts file */
#define TRIES        3

/* A name and type with its answer; or, while `is_pending`, with those who wait for it. */
struct entry {
    struct rf_hash_node node;
    struct rf_link link;    /* dns->used (least recently used first), dns->pending or dns->answered */
    struct rf_link waiting; /* rf_dns_query */
    struct rf_dns *dns;
    uint64_t expires_us;
    bool is_pending, is_used; /* in which list */
    bool is_static;           /* of the hosts file: never forgotten, in no list but `answered` */
    enum rf_dns_type type;
    char name[RF_DNS_NAME_MAX];
    struct rf_dns_answer *answer; /* only `count` records of it are there */
};

struct socket_watch {
    struct rf_watch watch;
    struct rf_link link;
    struct rf_dns *dns;
};

struct rf_dns {
    struct rf_loop *loop;
    struct rf_dns_conf conf;
    ares_channel channel;
    bool has_channel, is_ending;
    struct rf_timer timer;   /* c-ares' next retry */
    struct rf_timer deliver; /* answers that came; told from the loop */
    struct rf_link used, pending, answered, sockets;
    struct rf_hash entries;
    struct rf_dns_counts counts;
    struct rf_dns_answer scratch;
};

/* --- entries --- */

static size_t
answer_size(size_t count)
{
    return offsetof(struct rf_dns_answer, record) + count * sizeof(struct rf_dns_record);
}

static uint64_t
hash_of(const struct rf_dns *d, enum rf_dns_type type, const char *name)
{
    char key[RF_DNS_NAME_MAX + 1];
    size_t n = strlen(name);

    key[0] = (char)type;
    memcpy(key + 1, name, n);
    return rf_hash_of(&d->entries, rf_span(key, n + 1));
}

struct entry_key {
    enum rf_dns_type type;
    const char *name;
};

static bool
entry_is(const struct rf_hash_node *node, const void *key)
{
    const struct entry *e = rf_container(node, const struct entry, node);
    const struct entry_key *k = key;

    return e->type == k->type && strcmp(e->name, k->name) == 0;
}

static struct entry *
find(const struct rf_dns *d, enum rf_dns_type type, const char *name)
{
    struct entry_key key = { type, name };
    struct rf_hash_node *node = rf_hash_find(&d->entries, hash_of(d, type, name), entry_is, &key);

    return node != NULL ? rf_container(node, struct entry, node) : NULL;
}

static void
entry_free(struct entry *e)
{
    while (!rf_list_empty(&e->waiting))
        rf_list_remove(e->waiting.next);
    rf_hash_remove(&e->dns->entries, &e->node);
    rf_list_remove(&e->link);
    if (e->is_pending)
        e->dns->counts.pending--;
    else
        e->dns->counts.cached--;
    free(e->answer);
    free(e);
}

static struct entry *
entry_new(struct rf_dns *d, enum rf_dns_type type, const char *name)
{
    struct entry *e = calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    e->dns = d;
    e->type = type;
    e->is_pending = true;
    memcpy(e->name, name, strlen(name) + 1);
    rf_list_init(&e->waiting);
    rf_hash_insert(&d->entries, &e->node, hash_of(d, type, name));
    rf_list_append(&d->pending, &e->link);
    d->counts.pending++;
    return e;
}

static bool
entry_keep(struct entry *e, const struct rf_dns_answer *answer, uint64_t expires_us)
{
    size_t size = answer_size(answer->count);

    e->answer = malloc(size);
    if (e->answer == NULL)
        return false;
    memcpy(e->answer, answer, size);
    e->expires_us = expires_us;
    e->is_pending = false;
    e->dns->counts.pending--;
    e->dns->counts.cached++;
    rf_list_remove(&e->link);
    return true;
}

static void
mark_used(struct rf_dns *d, struct entry *e)
{
    rf_list_remove(&e->link);
    rf_list_append(&d->used, &e->link);
    e->is_used = true;
}

static void
make_room(struct rf_dns *d)
{
    while (d->counts.cached > d->conf.cache_max && !rf_list_empty(&d->used))
        entry_free(rf_container(d->used.next, struct entry, link));
}

/* As the tables hold them: lower case, no final dot. */
static bool
normal(struct rf_span name, char out[static RF_DNS_NAME_MAX])
{
    if (!rf_dns_name_is_fit(name))
        return false;
    if (name.p[name.n - 1] == '.')
        name.n--;
    for (size_t i = 0; i < name.n; i++)
        out[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + ('a' - 'A') : name.p[i]);
    out[name.n] = '\0';
    return true;
}

/* --- the hosts file --- */

static void
add_host(struct rf_dns *d, const char *name, const struct rf_addr *a)
{
    enum rf_dns_type type = a->sa.sa_family == AF_INET ? RF_DNS_A : RF_DNS_AAAA;
    struct entry *e;
    char key[RF_DNS_NAME_MAX];

    if (!normal(rf_span_str(name), key) || find(d, type, key) != NULL) /* the first line of a name counts */
        return;
    memset(&d->scratch, 0, answer_size(1));
    d->scratch.status = RF_DNS_FOUND;
    d->scratch.type = type;
    d->scratch.ttl_s = RF_DNS_TTL_MAX_S;
    d->scratch.count = 1;
    d->scratch.record[0].addr = *a;
    e = entry_new(d, type, key);
    if (e != NULL && !entry_keep(e, &d->scratch, UINT64_MAX))
        entry_free(e);
    else if (e != NULL)
        e->is_static = true;
}

static void
read_hosts(struct rf_dns *d, const char *path)
{
    FILE *f = fopen(path, "re");
    char line[1024];
    int names = 0;

    if (f == NULL)
        return;
    while (names < HOSTS_MAX && fgets(line, sizeof line, f) != NULL) {
        char *save, *word;
        struct rf_addr a;

        line[strcspn(line, "#\r\n")] = '\0';
        word = strtok_r(line, " \t", &save);
        if (word == NULL || rf_addr_parse(rf_span_str(word), 0, &a) != RF_OK)
            continue;
        while ((word = strtok_r(NULL, " \t", &save)) != NULL && names++ < HOSTS_MAX)
            add_host(d, word, &a);
    }
    fclose(f);
}

/* --- c-ares --- */

static void
arm_timer(struct rf_dns *d)
{
    struct timeval tv, *t = ares_timeout(d->channel, NULL, &tv);

    if (t == NULL)
        rf_timer_cancel(rf_loop_wheel(d->loop), &d->timer);
    else
        rf_timer_arm(rf_loop_wheel(d->loop), &d->timer,
                     rf_now_us() + (uint64_t)t->tv_sec * RF_S + (uint64_t)t->tv_usec + RF_MS);
}

static void
retry(struct rf_timer *t, uint64_t now_us)
{
    struct rf_dns *d = rf_container(t, struct rf_dns, timer);

    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(d);
}

static void
socket_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct rf_dns *d = rf_container(w, struct socket_watch, watch)->dns;
    int fd = w->fd;

    ares_process_fd(d->channel, (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
    arm_timer(d);
}

/* c-ares opens, uses and closes sockets; here it says what it waits for. */
static void
socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct rf_dns *d = ctx;
    uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    struct socket_watch *s = NULL;

    RF_LIST_FOREACH(&d->sockets, link)
    {
        struct socket_watch *known = rf_container(link, struct socket_watch, link);

        if (known->watch.fd == fd)
            s = known;
    }
    if (events == 0) {
        if (s == NULL)
            return;
        rf_loop_unwatch(d->loop, &s->watch);
        rf_list_remove(&s->link);
        free(s);
        return;
    }
    if (s != NULL) {
        rf_loop_rewatch(d->loop, &s->watch, events);
        return;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return; /* its questions time out */
    s->dns = d;
    s->watch.fd = fd;
    s->watch.ready = socket_ready;
    if (rf_loop_watch(d->loop, &s->watch, events) != RF_OK) {
        free(s);
        return;
    }
    rf_list_append(&d->sockets, &s->link);
}

static void
deliver(struct rf_timer *t, uint64_t now_us)
{
    struct rf_dns *d = rf_container(t, struct rf_dns, deliver);

    while (!rf_list_empty(&d->answered)) {
        struct entry *e = rf_container(d->answered.next, struct entry, link);

        if (!rf_list_empty(&e->waiting)) {
            struct rf_dns_query *q = rf_container(e->waiting.next, struct rf_dns_query, link);

            /* Who hears it may ask, cancel and forget, but entries here stay until nobody waits. */
            rf_list_remove(&q->link);
            q->done(q, e->answer, now_us);
            continue;
        }
        rf_list_remove(&e->link);
        if (!e->is_static)
            mark_used(d, e);
    }
    make_room(d);
}

static void
hand_out(struct rf_dns *d, struct entry *e)
{
    e->is_used = false;
    rf_list_append(&d->answered, &e->link);
    if (!rf_timer_is_armed(&d->deliver))
        rf_timer_arm(rf_loop_wheel(d->loop), &d->deliver, 0);
}

/* From c-ares: in a call of rf_dns_ask, or from the loop. So the answer is only noted here. */
static void
answered(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
    struct entry *e = arg;
    struct rf_dns *d = e->dns;
    struct rf_dns_answer *a = &d->scratch;
    uint64_t now_us = rf_now_us();

    if (d->is_ending)
        return;
    if (abuf == NULL || alen <= 0 ||
        rf_dns_decode(rf_span(abuf, (size_t)alen), e->type, rf_span_str(e->name), a) != RF_OK) {
        memset(a, 0, answer_size(0));
        a->status = RF_DNS_FAILED;
        a->type = e->type;
    }
    if (a->status == RF_DNS_FAILED) {
        a->ttl_s = FAILED_TTL_S;
        d->counts.failed++;
    }
    if (!entry_keep(e, a, now_us + a->ttl_s * RF_S)) {
        entry_free(e); /* no memory even for this: those who wait have limits of their own */
        return;
    }
    hand_out(d, e);
}

static enum rf_err
open_channel(struct rf_dns *d)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
        .timeout = (int)d->conf.timeout_ms,
        .tries = TRIES,
        .sock_state_cb = socket_state,
        .sock_state_cb_data = d,
        .ednspsz = 1232,
    };
    char text[1024];
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    if (ares_init_options(&d->channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                              ARES_OPT_EDNSPSZ) != ARES_SUCCESS)
        return RF_ERR_IO;
    d->has_channel = true;
    for (size_t i = 0; i < d->conf.server_count; i++) {
        if (i > 0)
            rf_put_char(&b, ',');
        rf_put_addr(&b, &d->conf.server[i]);
    }
    text[b.n] = '\0';
    if (d->conf.server_count > 0 &&
        (b.overflow || ares_set_servers_ports_csv(d->channel, text) != ARES_SUCCESS))
        return RF_ERR_RANGE;
    return RF_OK;
}

/* --- from outside --- */

enum rf_err
rf_dns_new(struct rf_dns **out, struct rf_loop *loop, const struct rf_dns_conf *conf,
           const struct rf_rand *rand)
{
    struct rf_dns *d;
    enum rf_err err;

    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return RF_ERR_IO;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return RF_ERR_NOMEM;
    d->loop = loop;
    d->conf = *conf;
    d->timer.fire = retry;
    d->deliver.fire = deliver;
    rf_list_init(&d->used);
    rf_list_init(&d->pending);
    rf_list_init(&d->answered);
    rf_list_init(&d->sockets);
    err = rf_hash_init(&d->entries, rand);
    if (err == RF_OK)
        err = open_channel(d);
    if (err != RF_OK) {
        rf_dns_free(d);
        return err;
    }
    if (conf->hosts != NULL)
        read_hosts(d, conf->hosts);
    d->conf.server = NULL;
    *out = d;
    return RF_OK;
}

void
rf_dns_free(struct rf_dns *d)
{
    if (d == NULL)
        return;
    d->is_ending = true;
    if (d->has_channel)
        ares_destroy(d->channel);
    rf_timer_cancel(rf_loop_wheel(d->loop), &d->timer);
    rf_timer_cancel(rf_loop_wheel(d->loop), &d->deliver);
    RF_HASH_FOREACH(&d->entries, node)
    entry_free(rf_container(node, struct entry, node));
    rf_hash_fini(&d->entries);
    free(d);
}

const struct rf_dns_answer *
rf_dns_cached(struct rf_dns *d, enum rf_dns_type type, struct rf_span name, uint64_t now_us)
{
    char key[RF_DNS_NAME_MAX];
    struct entry *e;

    if (!normal(name, key))
        return NULL;
    e = find(d, type, key);
    if (e == NULL || e->is_pending || e->expires_us <= now_us)
        return NULL;
    d->counts.hits++;
    if (e->is_used)
        mark_used(d, e);
    return e->answer;
}

enum rf_err
rf_dns_ask(struct rf_dns *d, struct rf_dns_query *q, enum rf_dns_type type, struct rf_span name,
           uint64_t now_us)
{
    char key[RF_DNS_NAME_MAX];
    struct entry *e;

    rf_dns_cancel(q);
    if (!normal(name, key))
        return RF_ERR_SYNTAX;
    e = find(d, type, key);
    if (e != NULL && !e->is_pending && e->expires_us <= now_us && rf_list_empty(&e->waiting)) {
        entry_free(e);
        e = NULL;
    }
    if (e != NULL) {
        rf_list_append(&e->waiting, &q->link);
        if (e->is_pending)
            return RF_OK;
        /* It is remembered: told from the loop like any other. */
        rf_list_remove(&e->link);
        hand_out(d, e);
        return RF_OK;
    }
    if (d->counts.pending >= d->conf.pending_max)
        return RF_ERR_NOMEM;
    e = entry_new(d, type, key);
    if (e == NULL)
        return RF_ERR_NOMEM;
    rf_list_append(&e->waiting, &q->link);
    d->counts.asked++;
    ares_query(d->channel, key, 1 /* IN */, (int)type, answered, e);
    arm_timer(d);
    return RF_OK;
}

void
rf_dns_cancel(struct rf_dns_query *q)
{
    rf_list_remove(&q->link);
}

void
rf_dns_forget(struct rf_dns *d)
{
    while (!rf_list_empty(&d->used))
        entry_free(rf_container(d->used.next, struct entry, link));
}

struct rf_dns_counts
rf_dns_counts(const struct rf_dns *d)
{
    return d->counts;
}
