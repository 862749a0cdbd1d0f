#include "main/path.h"

#include <stdlib.h>

#include "conf/options.h"
#include "main/worker.h"
#include "net/socket.h"
#include "route/peers.h"
#include "route/search.h"

#define WANT_WAIT_US (3 * RF_S) /* a neighbour answers in a millisecond; later means that question or answer was lost */
#define CONNECT_WAIT_US (4 * RF_S) /* for each target: a SYN that is lost is sent again after 1 s and 3 s */
#define TCP_FIRST_US    (1 * RF_S) /* for TCP where UDP is known to work: the call rings that much later, once */
#define TARGETS_MAX     8          /* of one name: whoever writes the zone does not decide how long we try */

#define LARGE_MAX       1300       /* RFC 3261 18.1.1: octets of a request on a path whose MTU is not known */
#define MTU_ROOM        200        /* and below the MTU of one that is */
#define MTU_LEAST       1280       /* of IPv6. A path below it is not looked for: such requests would go by UDP at most
                                      as one datagram more, and each call would cost three system calls */

struct rf_paths {
    struct rf_worker *worker;
    struct rf_dns *dns;
    struct rf_peers *peers;
    struct rf_link all;
    uint64_t serial;              /* of the last question to another worker */
    struct rf_resolve_conf resolve, resolve_servers;
    bool listens[RF_TRANSPORT_COUNT][2]; /* [1]: IPv6. Who calls back must find a listener of the transport. */
};

struct way {
    enum rf_transport transport;
    struct rf_addr addr;
    char host[256]; /* TLS: whom its certificate must name */
};

/*
 * The ways to one binding. The timer stands for what may never come: the answer of another worker (a full mailbox
 * loses it), or the end of a connect. So `ready` is called once for each rf_path_next.
 */
struct rf_path {
    struct rf_link link;
    struct rf_timer timer;
    struct rf_paths *paths;
    const struct rf_binding *binding;
    bool is_server;               /* of the configuration: `server` */
    struct rf_call_server server;
    char server_name[64];
    struct rf_path_choice choice;
    bool is_wanted;               /* rf_path_next was called and `ready` was not yet */
    bool is_large;                /* for a request that is too large for a datagram */
    bool flow_was_given;          /* FLOW */
    struct rf_flow *given;        /* FLOW: that it was; a phone that answers on it has no other way */
    bool somebody_waits;          /* a target was passed over because of its Retry-After */
    bool search_is_over;          /* SEARCH: the name has no more; what failed before is left */
    bool source_was_given;        /* SEARCH: (P2) */
    uint64_t serial;              /* of the question to another worker; 0: none is open */
    struct rf_flow *flow;         /* being connected; NULL: nothing is */
    struct rf_flow_watch watch;
    struct rf_search *search;     /* NULL: no name is looked up */
    unsigned targets;             /* tried */
    struct way last;              /* the one tried last */
    struct way list[TARGETS_MAX]; /* ADDRESS: all of them. SEARCH: those that failed not long ago, for the end */
    unsigned count, next;
    rf_path_ready *ready;
    void *owner;
};

static void path_on(struct rf_path *s, uint64_t now_us);

static struct rf_wheel *
wheel(const struct rf_paths *p)
{
    return rf_loop_wheel(p->worker->loop);
}

/* --- the life of a path --- */

static void
connect_drop(struct rf_path *s)
{
    rf_timer_cancel(wheel(s->paths), &s->timer);
    if (s->flow == NULL)
        return;
    rf_flow_unwatch(&s->watch);
    rf_flow_unref(s->flow);
    s->flow = NULL;
}

static void
search_drop(struct rf_path *s)
{
    if (s->search != NULL)
        rf_search_end(s->search);
    free(s->search);
    s->search = NULL;
}

void
rf_path_free(struct rf_path *s)
{
    if (s == NULL)
        return;
    connect_drop(s);
    search_drop(s);
    rf_flow_unref(s->given);
    rf_list_remove(&s->link);
    free(s);
}

/* `ready` comes last, because it may end the path. The flow's reference goes to the asker. */
static void
path_done(struct rf_path *s, struct rf_flow *flow, enum rf_err why)
{
    connect_drop(s);
    s->is_wanted = false;
    s->ready(s->owner, flow, flow != NULL ? RF_OK : why);
}

/* --- what is known of the targets --- */

/* A way that is alone is tried each time: to set it aside would only mean not to call (pathrule.h). */
static bool
has_others(const struct rf_path *s)
{
    return s->choice.way == RF_PATH_SEARCH || s->count > 1;
}

static bool
is_tcp_first(const struct rf_path *s)
{
    return s->is_large && s->last.transport == RF_TCP;
}

static void
note(struct rf_path *s, enum rf_peer what, uint32_t seconds, uint64_t now_us)
{
    rf_peers_note(s->paths->peers, s->last.transport, &s->last.addr, what, seconds, now_us);
}

void
rf_path_aside(struct rf_path *s, uint32_t retry_after_s, uint64_t now_us)
{
    if (s->targets == 0 || !has_others(s))
        return;
    if (retry_after_s > 0)
        note(s, RF_PEER_WAITS, retry_after_s < RF_PEER_WAIT_MAX_S ? retry_after_s : RF_PEER_WAIT_MAX_S, now_us);
    else
        note(s, RF_PEER_FAILED, is_tcp_first(s) ? RF_PEER_NO_TCP_S : RF_PEER_ASIDE_S, now_us);
}

/* It is to be tried now; else it comes later, or not at all. */
static bool
is_its_turn(struct rf_path *s, const struct way *w, uint64_t now_us)
{
    enum rf_peer known = rf_peers_look(s->paths->peers, w->transport, &w->addr, now_us);

    if (known == RF_PEER_WAITS) {
        s->somebody_waits = true;
        return false;
    }
    if (known != RF_PEER_FAILED)
        return true;
    if (s->count < TARGETS_MAX)
        s->list[s->count++] = *w;
    return false;
}

/* --- one target --- */

static void
connect_failed(struct rf_path *s, uint64_t now_us)
{
    connect_drop(s);
    rf_path_aside(s, 0, now_us);
    path_on(s, now_us);
}

static void
on_timer(struct rf_timer *t, uint64_t now_us)
{
    struct rf_path *s = rf_container(t, struct rf_path, timer);

    if (s->serial == 0) {
        connect_failed(s, now_us);
        return;
    }
    s->serial = 0; /* the other worker said nothing */
    path_done(s, NULL, RF_ERR_CLOSED);
}

static void
on_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    connect_failed(rf_container(w, struct rf_path, watch), now_us);
}

/* The same to a server of the configuration, which its operator has named: also on this machine. */
static enum rf_err
server_flow(struct rf_path *s, const struct way *w, struct rf_flow **flow)
{
    struct rf_worker *worker = s->paths->worker;
    struct rf_connect_conf conf = { .transport = w->transport, .remote = w->addr,
                                    .name = rf_iface_row(RF_IFACE_SIP_TRUNKS)->name, .host = rf_span_str(w->host) };

    if (w->transport == RF_UDP)
        return rf_transport_udp(worker->transport, conf.name, &w->addr, flow);
    if (w->transport == RF_TLS && (conf.tls = rf_worker_client(worker, &s->server)) == NULL)
        return RF_ERR_CRYPTO;
    return rf_transport_connect(worker->transport, &conf, flow);
}

/* RF_OK: *flow is there, or is being connected. */
static enum rf_err
target_flow(struct rf_paths *p, const struct rf_binding *b, const struct way *w, struct rf_flow **flow)
{
    const struct rf_connect_conf conf = { .transport = w->transport, .remote = w->addr, .name = b->listener };

    if (!rf_path_may(b, &w->addr) || !p->listens[w->transport][w->addr.sa.sa_family == AF_INET6])
        return RF_ERR_NOT_FOUND;
    if (w->transport == RF_UDP)
        return rf_transport_udp(p->worker->transport, b->listener[0] != '\0' ? b->listener : NULL, &w->addr, flow);
    return rf_transport_connect(p->worker->transport, &conf, flow);
}

/* true: it is settled or waited for, and the path may be gone. */
static bool
target_try(struct rf_path *s, struct way w, uint64_t now_us)
{
    bool may_wait = rf_peers_look(s->paths->peers, w.transport, &w.addr, now_us) == RF_PEER_WORKS;
    struct rf_flow *flow;

    s->targets++;
    s->last = w;
    if ((s->is_server ? server_flow(s, &w, &flow) : target_flow(s->paths, s->binding, &w, &flow)) != RF_OK)
        return false;
    if (rf_transport_is_open(flow)) {
        path_done(s, flow, RF_OK);
        return true;
    }
    s->flow = flow;
    rf_flow_watch(flow, &s->watch);
    rf_timer_arm(wheel(s->paths), &s->timer,
                 now_us + (is_tcp_first(s) && !may_wait ? TCP_FIRST_US : CONNECT_WAIT_US));
    return true;
}

/* --- one after the other --- */

static void
search_ready(struct rf_search *search, uint64_t now_us)
{
    path_on(search->owner, now_us);
}

static enum rf_err
search_begin(struct rf_path *s)
{
    struct rf_resolve_conf conf = s->is_server ? s->paths->resolve_servers : s->paths->resolve;
    enum rf_err err;

    s->search = calloc(1, sizeof *s->search);
    if (s->search == NULL)
        return RF_ERR_NOMEM;
    conf.ipv4_first = s->is_server ||
                      s->binding->source.sa.sa_family == AF_INET; /* the family by which it reached us works */
    conf.avoid_udp = s->is_large;
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

/* The targets that a name leads to, then those of them that failed not long ago. true: as target_try. */
static bool
search_try(struct rf_path *s, enum rf_err *why, uint64_t now_us)
{
    struct rf_target t;

    *why = RF_OK;
    if (s->search == NULL && !s->search_is_over)
        *why = search_begin(s);
    while (!*why && !s->search_is_over && s->targets + s->count < TARGETS_MAX) {
        struct way w;

        *why = rf_search_next(s->search, &t, now_us);
        if (*why == RF_ERR_AGAIN)
            return true;
        if (*why)
            break;
        w = (struct way){ t.transport, t.addr, "" };
        snprintf(w.host, sizeof w.host, "%s", t.host);
        if (is_its_turn(s, &w, now_us) && target_try(s, w, now_us))
            return true;
    }
    s->search_is_over = true;
    search_drop(s);
    while (s->next < s->count)
        if (target_try(s, s->list[s->next++], now_us))
            return true;
    return false;
}

static void
search_over(struct rf_path *s, enum rf_err why, uint64_t now_us)
{
    bool leads_nowhere = s->targets == 0 && !s->somebody_waits && why != RF_ERR_NOMEM;

    if (leads_nowhere && s->choice.source_at_last && !s->source_was_given) {
        s->source_was_given = true;
        if (target_try(s, (struct way){ .transport = RF_UDP, .addr = s->binding->source }, now_us))
            return;
    }
    path_done(s, NULL, s->somebody_waits ? RF_ERR_AGAIN : leads_nowhere ? RF_ERR_NOT_FOUND : RF_ERR_IO);
}

/* --- a flow of another worker: its owner knows whether it is there and what it is like --- */

static enum rf_err
ask_owner(struct rf_path *s, uint64_t now_us)
{
    struct rf_paths *p = s->paths;
    struct rf_worker *w = p->worker;
    struct rf_letter_card letter = { .head = { .kind = RF_LETTER_WANT, .from = w->index },
                                     .serial = ++p->serial, .flow = { .id = s->binding->flow_id } };

    if (!rf_worker_post(w->shared->worker[s->binding->flow_id >> 48]->letters, &letter, sizeof letter,
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

static void
choose(struct rf_path *s, bool flow_is_lost)
{
    if (s->is_server)
        rf_path_choose_server(s->binding, flow_is_lost, &s->choice);
    else
        rf_path_choose(s->binding, flow_is_lost, &s->choice);
}

/* The connection of the REGISTER is not there: is there another way? */
static void
flow_is_lost(struct rf_path *s)
{
    choose(s, true);
    s->flow_was_given = true;
}

void
rf_paths_card(struct rf_paths *p, const struct rf_letter_card *letter, uint64_t now_us)
{
    RF_LIST_FOREACH(&p->all, it) {
        struct rf_path *s = rf_container(it, struct rf_path, link);
        struct rf_flow *flow = NULL;

        if (s->serial == 0 || s->serial != letter->serial)
            continue;
        rf_timer_cancel(wheel(p), &s->timer);
        s->serial = 0;
        if (letter->is_found && rf_remote_flow(p->worker->remotes, &letter->flow, &flow) == RF_OK) {
            s->given = rf_flow_ref(flow);
            path_done(s, flow, RF_OK);
            return;
        }
        flow_is_lost(s);
        path_on(s, now_us);
        return;
    }
}

/* true: as target_try. */
static bool
flow_try(struct rf_path *s, uint64_t now_us)
{
    struct rf_worker *w = s->paths->worker;
    uint64_t at = s->binding->flow_id >> 48; /* whose worker is in its id */
    struct rf_flow *flow;

    if (at != w->index && at < w->shared->workers) {
        if (ask_owner(s, now_us) != RF_OK)
            path_done(s, NULL, RF_ERR_CLOSED);
        return true;
    }
    flow = at == w->index ? rf_transport_find(w->transport, s->binding->flow_id) : NULL;
    if (flow == NULL || flow->is_closed)
        return false;
    s->given = rf_flow_ref(flow);
    path_done(s, rf_flow_ref(flow), RF_OK);
    return true;
}

/* The address alone; for a large request TCP first, unless it is known not to be there. */
static void
list_addresses(struct rf_path *s, uint64_t now_us)
{
    struct rf_path_choice *c = &s->choice;
    struct rf_buf host;
    bool is_v6 = c->addr.sa.sa_family == AF_INET6;

    s->count = s->next = 0;
    if (s->is_large && c->may_leave_udp && (s->is_server || s->paths->listens[RF_TCP][is_v6]) &&
        rf_peers_look(s->paths->peers, RF_TCP, &c->addr, now_us) < RF_PEER_FAILED)
        s->list[s->count++] = (struct way){ .transport = RF_TCP, .addr = c->addr };
    s->list[s->count] = (struct way){ .transport = c->transport, .addr = c->addr };
    host = rf_buf(s->list[s->count].host, sizeof s->list[s->count].host - 1);
    rf_put_host(&host, &c->addr, false);
    s->list[s->count].host[host.n] = '\0';
    s->count++;
}

/* The next target, until one is reached or waited for. */
static void
path_on(struct rf_path *s, uint64_t now_us)
{
    enum rf_err why;

    if (s->choice.way == RF_PATH_FLOW) {
        if (!s->flow_was_given) {
            s->flow_was_given = true;
            if (flow_try(s, now_us))
                return;
        }
        if (s->given != NULL && !s->given->is_closed) {
            path_done(s, NULL, RF_ERR_IO);
            return;
        }
        flow_is_lost(s);
    }
    switch (s->choice.way) {
    case RF_PATH_ADDRESS:
        if (s->count == 0)
            list_addresses(s, now_us);
        while (s->next < s->count)
            if (target_try(s, s->list[s->next++], now_us))
                return;
        path_done(s, NULL, RF_ERR_IO);
        return;
    case RF_PATH_SEARCH:
        if (!search_try(s, &why, now_us))
            search_over(s, why, now_us);
        return;
    default:
        path_done(s, NULL, s->choice.why);
    }
}

/* --- from outside --- */

/* The certificate passed all else; its operator has said which ones he means. */
static bool
pin_fits(const struct rf_path *s, const struct rf_flow *flow)
{
    struct rf_worker *w = s->paths->worker;
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_connection *k = s->is_server && !s->server.is_device && tls != NULL
                                        ? rf_connection_named(w->site->connections, rf_span_str(s->server_name))
                                        : NULL;
    const struct rf_tls_peer *peer = k != NULL ? rf_tls_conn_peer(tls) : NULL;
    char fingerprint[65];
    struct rf_buf b = rf_buf(fingerprint, sizeof fingerprint - 1);

    if (k == NULL || (peer != NULL && rf_ifaces_pin_fits(w->site->ifaces, k->index, peer->sha256)))
        return true;
    if (peer != NULL)
        rf_put_hex(&b, peer->sha256, sizeof peer->sha256);
    fingerprint[b.n] = '\0';
    RF_REFUSE(SERVER_NOT_PINNED, RF_F_STR("peer", s->server_name), RF_F_ADDR("addr", &flow->remote),
              RF_F_STR("fingerprint", fingerprint));
    return false;
}

void
rf_paths_opened(struct rf_paths *p, struct rf_flow *flow, uint64_t now_us)
{
    bool is_told;

    /* `ready` may begin and end paths, so the list is walked anew after each. Those that begin now find it open. */
    do {
        is_told = false;
        RF_LIST_FOREACH(&p->all, it) {
            struct rf_path *s = rf_container(it, struct rf_path, link);

            if (s->flow != flow)
                continue;
            is_told = true;
            if (!pin_fits(s, flow)) {
                connect_failed(s, now_us);
                break;
            }
            if (is_tcp_first(s) || rf_peers_look(p->peers, s->last.transport, &s->last.addr, now_us) == RF_PEER_FAILED)
                note(s, RF_PEER_WORKS, RF_PEER_TCP_S, now_us);
            path_done(s, rf_flow_ref(flow), RF_OK);
            break;
        }
    } while (is_told);
}

struct rf_path *
rf_path_new(struct rf_paths *p, const struct rf_binding *b, const struct rf_call_server *server, rf_path_ready *ready,
            void *owner)
{
    struct rf_path *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->paths = p;
    s->binding = b;
    s->ready = ready;
    s->owner = owner;
    s->timer.fire = on_timer;
    s->watch.gone = on_gone;
    if (server != NULL) {
        s->is_server = true;
        snprintf(s->server_name, sizeof s->server_name, "%s", server->name);
        s->server = (struct rf_call_server){ s->server_name, server->is_device };
    }
    choose(s, false);
    rf_list_append(&p->all, &s->link);
    return s;
}

/* Nothing was sent to the target given last: it is given again, or what may come before it is. */
static void
begin_anew(struct rf_path *s)
{
    s->is_large = true;
    search_drop(s);
    s->count = s->next = s->targets = 0;
    s->search_is_over = s->source_was_given = s->somebody_waits = false;
}

void
rf_path_next(struct rf_path *s, bool is_large)
{
    uint64_t now_us = rf_now_us();

    rf_assert(!s->is_wanted);
    s->is_wanted = true;
    if (is_large && !s->is_large)
        begin_anew(s);
    path_on(s, now_us);
}

enum rf_err
rf_paths_search(struct rf_paths *p, struct rf_search *s, const struct rf_sip_uri *uri)
{
    return rf_search_begin(s, p->dns, uri, &p->resolve_servers);
}

size_t
rf_path_udp_max(const struct rf_addr *peer, size_t octets)
{
    int mtu;

    if (octets > LARGE_MAX || octets <= MTU_LEAST - MTU_ROOM)
        return LARGE_MAX;
    mtu = rf_socket_mtu(peer);
    return mtu > MTU_ROOM && mtu - MTU_ROOM < LARGE_MAX ? (size_t)(mtu - MTU_ROOM) : LARGE_MAX;
}

/* --- its life --- */

static enum rf_err
dns_new(struct rf_paths *p)
{
    struct rf_addr server[RF_DNS_SERVERS_MAX];
    struct rf_dns_conf conf = RF_DNS_CONF;

    conf.server = server;
    conf.server_count = rf_site_dns_servers(p->worker->site->conf, server);
    return rf_dns_new(&p->dns, p->worker->loop, &conf, &rf_rand_system);
}

void
rf_paths_see_listeners(struct rf_paths *p)
{
    const struct rf_site *s = p->worker->site;

    memset(p->listens, 0, sizeof p->listens);
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listener[i].transport < RF_TRANSPORT_COUNT && rf_iface_row(s->listener[i].iface)->is_sip)
            p->listens[s->listener[i].transport][s->listener[i].addr.sa.sa_family == AF_INET6] = true;
    p->resolve = (struct rf_resolve_conf){
        .udp = p->listens[RF_UDP][0] || p->listens[RF_UDP][1],
        .tcp = p->listens[RF_TCP][0] || p->listens[RF_TCP][1],
        .ipv4 = p->listens[RF_UDP][0] || p->listens[RF_TCP][0],
        .ipv6 = p->listens[RF_UDP][1] || p->listens[RF_TCP][1],
        .rand = &rf_rand_system,
    };
    /* Connections to servers need no listener; what comes by UDP needs one. */
    p->resolve_servers = (struct rf_resolve_conf){ .udp = p->resolve.udp, .tcp = true, .tls = true, .ipv4 = true,
                                                   .ipv6 = true, .rand = &rf_rand_system };
}

enum rf_err
rf_paths_new(struct rf_paths **out, struct rf_worker *w)
{
    struct rf_paths *p = calloc(1, sizeof *p);
    enum rf_err err;

    if (p == NULL)
        return RF_ERR_NOMEM;
    p->worker = w;
    rf_list_init(&p->all);
    rf_paths_see_listeners(p);
    err = rf_peers_new(&p->peers, &rf_rand_system);
    if (!err)
        err = dns_new(p);
    if (err) {
        rf_peers_free(p->peers);
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
    rf_dns_free(p->dns);
    rf_peers_free(p->peers);
    free(p);
}
