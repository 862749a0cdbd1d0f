#include "main/path.h"

#include <stdlib.h>

#include "conf/options.h"
#include "main/worker.h"
#include "route/search.h"

#define WANT_WAIT_US    (3 * RF_S) /* a neighbour answers in a millisecond; later means that question or answer was lost */
#define CONNECT_WAIT_US (4 * RF_S) /* for each target: a SYN that is lost is sent again after 1 s and 3 s */
#define TARGETS_MAX     8          /* of one name: whoever writes the zone does not decide how long we try */

struct rf_paths {
    struct rf_worker *worker;
    struct rf_dns *dns;
    struct rf_link seeks;
    uint64_t serial;              /* of the last question to another worker */
    struct rf_resolve_conf resolve;
    bool listens[RF_TRANSPORT_COUNT][2]; /* [1]: IPv6. Who calls back must find a listener of the transport. */
};

/*
 * A path that is looked for. The timer stands for what may never come: the answer of another worker (a full
 * mailbox loses it), or the end of a connect. So `ready` is called once in any case.
 */
struct seek {
    struct rf_link link;
    struct rf_timer timer;
    struct rf_paths *paths;
    struct rf_binding binding;
    struct rf_path_choice choice;
    uint64_t serial;              /* of the question to another worker; 0: none is open */
    struct rf_flow *flow;         /* being connected; NULL: nothing is */
    struct rf_flow_watch watch;
    struct rf_search *search;     /* NULL: no name is looked up */
    unsigned targets;             /* tried */
    void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why);
    void *owner;
};

static void seek_on(struct seek *s, uint64_t now_us);

static struct rf_wheel *
wheel(const struct rf_paths *p)
{
    return rf_loop_wheel(p->worker->loop);
}

/* --- the life of a seek --- */

static void
connect_drop(struct seek *s)
{
    rf_timer_cancel(wheel(s->paths), &s->timer);
    if (s->flow == NULL)
        return;
    rf_flow_unwatch(&s->watch);
    rf_flow_unref(s->flow);
    s->flow = NULL;
}

static void
seek_free(struct seek *s)
{
    connect_drop(s);
    if (s->search != NULL)
        rf_search_end(s->search);
    free(s->search);
    rf_list_remove(&s->link);
    free(s);
}

/* Frees it; `ready` comes last, because the call may ask again in it. The flow's reference goes to the asker. */
static void
seek_done(struct seek *s, struct rf_flow *flow, enum rf_err why)
{
    void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why) = s->ready;
    void *owner = s->owner;

    seek_free(s);
    ready(owner, flow, flow != NULL ? RF_OK : why);
}

static void
on_timer(struct rf_timer *t, uint64_t now_us)
{
    struct seek *s = rf_container(t, struct seek, timer);

    if (s->serial != 0) { /* the other worker said nothing */
        seek_done(s, NULL, RF_ERR_CLOSED);
        return;
    }
    connect_drop(s);
    seek_on(s, now_us);
}

static void
on_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    struct seek *s = rf_container(w, struct seek, watch);

    connect_drop(s);
    seek_on(s, now_us);
}

static struct seek *
seek_new(struct rf_paths *p, const struct rf_binding *b,
         void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why), void *owner)
{
    struct seek *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->paths = p;
    s->binding = *b;
    s->ready = ready;
    s->owner = owner;
    s->timer.fire = on_timer;
    s->watch.gone = on_gone;
    rf_list_append(&p->seeks, &s->link);
    return s;
}

/* --- one target --- */

/* RF_OK: *flow is there, or is being connected. */
static enum rf_err
target_flow(struct rf_paths *p, const struct rf_binding *b, enum rf_transport t, const struct rf_addr *addr,
            struct rf_flow **flow)
{
    const struct rf_connect_conf conf = { .transport = t, .remote = *addr, .name = b->listener };

    if (!rf_path_may(b, addr) || !p->listens[t][addr->sa.sa_family == AF_INET6])
        return RF_ERR_NOT_FOUND;
    if (t == RF_UDP)
        return rf_transport_udp(p->worker->transport, b->listener[0] != '\0' ? b->listener : NULL, addr, flow);
    return rf_transport_connect(p->worker->transport, &conf, flow);
}

/* true: it is settled or waited for, and the seek may be gone. */
static bool
target_try(struct seek *s, enum rf_transport t, const struct rf_addr *addr, uint64_t now_us)
{
    struct rf_flow *flow;

    s->targets++;
    if (target_flow(s->paths, &s->binding, t, addr, &flow) != RF_OK)
        return false;
    if (rf_transport_is_open(flow)) {
        seek_done(s, flow, RF_OK);
        return true;
    }
    s->flow = flow;
    rf_flow_watch(flow, &s->watch);
    rf_timer_arm(wheel(s->paths), &s->timer, now_us + CONNECT_WAIT_US);
    return true;
}

/* --- one after the other --- */

static void
search_ready(struct rf_search *search, uint64_t now_us)
{
    struct seek *s = search->owner;

    seek_on(s, now_us);
}

static enum rf_err
search_begin(struct seek *s)
{
    struct rf_resolve_conf conf = s->paths->resolve;
    enum rf_err err;

    s->search = calloc(1, sizeof *s->search);
    if (s->search == NULL)
        return RF_ERR_NOMEM;
    conf.ipv4_first = s->binding.source.sa.sa_family == AF_INET; /* the family by which it reached us works */
    err = rf_search_begin(s->search, s->paths->dns, &s->choice.uri, &conf);
    if (err) {
        free(s->search);
        s->search = NULL;
        return err;
    }
    s->search->ready = search_ready;
    s->search->owner = s;
    return RF_OK;
}

/* The name leads nowhere. */
static void
search_over(struct seek *s, enum rf_err why, uint64_t now_us)
{
    if (s->targets == 0 && s->choice.source_at_last && why != RF_ERR_NOMEM &&
        target_try(s, RF_UDP, &s->binding.source, now_us))
        return;
    seek_done(s, NULL, s->targets > 0 || why == RF_ERR_NOMEM ? RF_ERR_IO : RF_ERR_NOT_FOUND);
}

/* The next target, until one is reached or waited for. */
static void
seek_on(struct seek *s, uint64_t now_us)
{
    const struct rf_path_choice *choice = &s->choice;
    struct rf_target target;
    enum rf_err err = RF_OK;

    if (choice->way == RF_PATH_ADDRESS) {
        if (s->targets > 0 || !target_try(s, choice->transport, &choice->addr, now_us))
            seek_done(s, NULL, RF_ERR_IO);
        return;
    }
    if (choice->way != RF_PATH_SEARCH) {
        seek_done(s, NULL, choice->why);
        return;
    }
    if (s->search == NULL)
        err = search_begin(s);
    while (!err && s->targets < TARGETS_MAX) {
        err = rf_search_next(s->search, &target, now_us);
        if (err == RF_ERR_AGAIN || (!err && target_try(s, target.transport, &target.addr, now_us)))
            return;
    }
    search_over(s, err, now_us);
}

/* --- a flow of another worker: its owner knows whether it is there and what it is like --- */

static enum rf_err
ask_owner(struct seek *s, uint64_t now_us)
{
    struct rf_paths *p = s->paths;
    struct rf_worker *w = p->worker;
    struct rf_letter_card letter = { .head = { .kind = RF_LETTER_WANT, .from = w->index },
                                     .serial = ++p->serial, .flow = { .id = s->binding.flow_id } };

    if (!rf_worker_post(w->shared->worker[s->binding.flow_id >> 48]->letters, &letter, sizeof letter,
                        rf_span(NULL, 0)))
        return RF_ERR_CLOSED;
    s->serial = letter.serial;
    rf_timer_arm(wheel(p), &s->timer, now_us + WANT_WAIT_US);
    return RF_OK;
}

void
rf_paths_want(struct rf_paths *p, const struct rf_letter_card *letter)
{
    struct rf_worker *w = p->worker;
    struct rf_letter_card answer = *letter;
    struct rf_flow *f = rf_transport_find(w->transport, letter->flow.id);
    unsigned to = letter->head.from;

    answer.head = (struct rf_letter_head){ .kind = RF_LETTER_CARD, .from = w->index };
    answer.is_found = f != NULL && !f->is_closed;
    if (answer.is_found)
        rf_flow_card_fill(&answer.flow, f);
    /* A full mailbox loses the answer: the asker's timer stands for it. */
    if (to < w->shared->workers &&
        !rf_worker_post(w->shared->worker[to]->letters, &answer, sizeof answer, rf_span(NULL, 0)))
        atomic_fetch_add_explicit(&w->numbers.post_refused, 1, memory_order_relaxed);
}

void
rf_paths_card(struct rf_paths *p, const struct rf_letter_card *letter, uint64_t now_us)
{
    RF_LIST_FOREACH(&p->seeks, it) {
        struct seek *s = rf_container(it, struct seek, link);
        struct rf_flow *flow = NULL;

        if (s->serial == 0 || s->serial != letter->serial)
            continue;
        rf_timer_cancel(wheel(p), &s->timer);
        s->serial = 0;
        if (letter->is_found && rf_remote_flow(p->worker->remotes, &letter->flow, &flow) == RF_OK) {
            seek_done(s, flow, RF_OK);
            return;
        }
        rf_path_choose(&s->binding, true, &s->choice);
        seek_on(s, now_us);
        return;
    }
}

/* --- from outside --- */

void
rf_paths_opened(struct rf_paths *p, struct rf_flow *flow)
{
    /* `ready` may begin another seek, which comes last in the list and finds this flow open. It ends none. */
    RF_LIST_FOREACH(&p->seeks, it) {
        struct seek *s = rf_container(it, struct seek, link);

        if (s->flow == flow)
            seek_done(s, rf_flow_ref(flow), RF_OK);
    }
}

/* What needs no waiting: nothing is allocated. true: *flow, or it is known that there is none (*why). */
static bool
find_at_once(struct rf_paths *p, const struct rf_binding *b, struct rf_path_choice *choice, struct rf_flow **flow,
             enum rf_err *why)
{
    struct rf_worker *w = p->worker;
    uint64_t at = b->flow_id >> 48; /* whose worker is in its id */

    rf_path_choose(b, false, choice);
    if (choice->way == RF_PATH_FLOW) {
        if (at != w->index && at < w->shared->workers)
            return false;
        *flow = at == w->index ? rf_transport_find(w->transport, b->flow_id) : NULL;
        if (*flow != NULL && !(*flow)->is_closed) {
            rf_flow_ref(*flow);
            return true;
        }
        *flow = NULL;
        rf_path_choose(b, true, choice);
    }
    *why = choice->why;
    if (choice->way == RF_PATH_NONE)
        return true;
    if (choice->way != RF_PATH_ADDRESS || choice->transport != RF_UDP)
        return false;
    *why = target_flow(p, b, RF_UDP, &choice->addr, flow);
    return true;
}

void
rf_paths_find(struct rf_paths *p, const struct rf_binding *b,
              void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why), void *owner)
{
    struct rf_path_choice choice;
    struct rf_flow *flow = NULL;
    enum rf_err why = RF_OK;
    uint64_t now_us = rf_now_us();
    struct seek *s;

    if (find_at_once(p, b, &choice, &flow, &why)) {
        ready(owner, why == RF_OK ? flow : NULL, why);
        return;
    }
    s = seek_new(p, b, ready, owner);
    if (s == NULL) {
        ready(owner, NULL, RF_ERR_NOMEM);
        return;
    }
    /* Again, for its spans must lie in our copy of the binding. */
    rf_path_choose(&s->binding, choice.way != RF_PATH_FLOW, &s->choice);
    if (choice.way != RF_PATH_FLOW)
        seek_on(s, now_us);
    else if (ask_owner(s, now_us) != RF_OK)
        seek_done(s, NULL, RF_ERR_CLOSED);
}

/* --- its life --- */

static enum rf_err
dns_new(struct rf_paths *p)
{
    struct rf_span words = rf_span_trim(rf_span_str(rf_conf_text(p->worker->site->conf, "sip.dns-servers")));
    struct rf_addr server[RF_DNS_SERVERS_MAX];
    struct rf_dns_conf conf = RF_DNS_CONF;

    conf.server = server;
    while (words.n > 0 && conf.server_count < RF_DNS_SERVERS_MAX) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));

        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
        if (rf_server_parse(word, 53, &server[conf.server_count]) == RF_OK) /* not so: "system" */
            conf.server_count++;
    }
    return rf_dns_new(&p->dns, p->worker->loop, &conf, &rf_rand_system);
}

static void
see_listeners(struct rf_paths *p)
{
    const struct rf_launch *l = p->worker->shared->launch;

    for (uint32_t i = 0; i < l->fd_count; i++)
        if (l->fd[i].kind == RF_FD_LISTENER && l->fd[i].transport < RF_TRANSPORT_COUNT &&
            rf_iface_row((enum rf_iface)l->fd[i].b)->is_sip)
            p->listens[l->fd[i].transport][l->fd[i].addr.sa.sa_family == AF_INET6] = true;
    p->resolve = (struct rf_resolve_conf){
        .udp = p->listens[RF_UDP][0] || p->listens[RF_UDP][1],
        .tcp = p->listens[RF_TCP][0] || p->listens[RF_TCP][1],
        .ipv4 = p->listens[RF_UDP][0] || p->listens[RF_TCP][0],
        .ipv6 = p->listens[RF_UDP][1] || p->listens[RF_TCP][1],
        .rand = &rf_rand_system,
    };
}

enum rf_err
rf_paths_new(struct rf_paths **out, struct rf_worker *w)
{
    struct rf_paths *p = calloc(1, sizeof *p);
    enum rf_err err;

    if (p == NULL)
        return RF_ERR_NOMEM;
    p->worker = w;
    rf_list_init(&p->seeks);
    see_listeners(p);
    err = dns_new(p);
    if (err) {
        free(p);
        return err;
    }
    *out = p;
    return RF_OK;
}

void
rf_paths_free(struct rf_paths *p)
{
    if (p == NULL)
        return;
    RF_LIST_FOREACH(&p->seeks, it)
        seek_free(rf_container(it, struct seek, link));
    rf_dns_free(p->dns);
    free(p);
}
