/* The layer's life, its listeners and its tables. */
#include "flow/layer.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/socket.h"

#define ACCEPT_MAX  64           /* connections a listener takes in one round: others get their turn */
#define WAITING_MAX 8192         /* twice what the kernel queues for a socket (net/socket.c) */
#define PAUSE_US    (100 * RF_MS) /* when no descriptor is left */
#define LOG_MAX     10

bool
rf_transport_may_log(struct rf_transport_layer *l, uint64_t now_us)
{
    if (now_us - l->log_window_us >= RF_S) {
        l->log_window_us = now_us;
        l->logged = 0;
    }
    return l->logged++ < LOG_MAX;
}

void
rf_transport_refuse(struct rf_transport_layer *l, enum rf_refusal why, const struct rf_addr *who,
                    const struct rf_log_field *fields, uint64_t now_us)
{
    if (l->user.refuse != NULL)
        l->user.refuse(l->user.ctx, why, who, fields, now_us);
    else if (rf_transport_may_log(l, now_us))
        rf_refuse(why, fields);
    else
        rf_refusal_add(why, 1);
}

/* --- listeners --- */

static void
listener_free(struct rf_listener *ln)
{
    struct rf_transport_layer *l = ln->layer;

    rf_timer_cancel(l->wheel, &ln->pause);
    rf_loop_unwatch(l->loop, &ln->watch);
    rf_list_remove(&ln->link);
    if (ln->watch.fd >= 0)
        close(ln->watch.fd);
    rf_tls_server_unref(ln->tls);
    rf_udp_tx_free(ln->tx);
    free(ln);
}

static bool
is_admitted(struct rf_transport_layer *l, const struct rf_listener *ln, const struct rf_addr *remote,
             uint64_t now_us)
{
    if (l->user.admit != NULL && !l->user.admit(l->user.ctx, remote, ln->transport, now_us)) {
        l->counts.refused_guard++;
        return false;
    }
    return true;
}

static void
accept_some(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct rf_listener *ln = rf_container(w, struct rf_listener, watch);
    struct rf_transport_layer *l = ln->layer;
    struct rf_addr remote;
    int fd;

    for (int i = 0; i < ACCEPT_MAX; i++) {
        enum rf_err err = rf_tcp_accept(w->fd, &fd, &remote);

        if (err == RF_ERR_CLOSED)
            continue;
        if (err == RF_ERR_NOMEM) {
            /* The connection stays in the queue and would wake us again and again. */
            rf_loop_rewatch(l->loop, w, 0);
            rf_timer_arm(l->wheel, &ln->pause, now_us + PAUSE_US);
            rf_transport_refuse(l, RF_REFUSE_OVERLOAD, &ln->bound,
                                (struct rf_log_field[]){ RF_F_STR("what", "the table of descriptors"),
                                                         RF_F_STR("who", "a new connection"), RF_F_U64("seconds", 1),
                                                         RF_F_STR("listener", ln->name), { 0 } },
                                now_us);
        }
        if (err != RF_OK)
            return;
        if (is_admitted(l, ln, &remote, now_us))
            rf_conn_accepted(ln, fd, &remote, now_us);
        else
            close(fd);
    }
}

/* Those whose handshake the kernel has done would be reset with the socket. */
static void
accept_waiting(struct rf_listener *ln, uint64_t now_us)
{
    struct rf_addr remote;
    enum rf_err err = RF_OK;
    int fd;

    for (int i = 0; i < WAITING_MAX && (err == RF_OK || err == RF_ERR_CLOSED); i++) {
        err = rf_tcp_accept(ln->watch.fd, &fd, &remote);
        if (err != RF_OK)
            continue;
        if (is_admitted(ln->layer, ln, &remote, now_us))
            rf_conn_accepted(ln, fd, &remote, now_us);
        else
            close(fd);
    }
}

static void
pause_over(struct rf_timer *t, uint64_t now_us)
{
    struct rf_listener *ln = rf_container(t, struct rf_listener, pause);

    rf_loop_rewatch(ln->layer->loop, &ln->watch, EPOLLIN);
}

enum rf_err
rf_transport_listen(struct rf_transport_layer *l, const struct rf_listener_conf *conf)
{
    struct rf_listener *ln;
    enum rf_err err = RF_OK;

    rf_assert(conf->transport <= RF_TLS && (conf->transport != RF_TLS || conf->tls != NULL));
    ln = calloc(1, sizeof *ln);
    if (ln == NULL)
        return RF_ERR_NOMEM;
    ln->layer = l;
    ln->transport = conf->transport;
    ln->id = conf->id;
    ln->pause.fire = pause_over;
    ln->watch.fd = conf->fd;
    ln->watch.ready = conf->transport == RF_UDP ? rf_udp_ready : accept_some;
    ln->bound = rf_socket_local(conf->fd);
    if (rf_span_copy(rf_span_str(conf->name), ln->name, sizeof ln->name) != RF_OK)
        err = RF_ERR_RANGE;
    if (err == RF_OK && conf->transport == RF_UDP)
        err = rf_udp_tx_new(&ln->tx, conf->fd);
    if (err == RF_OK)
        err = rf_loop_watch(l->loop, &ln->watch, EPOLLIN);
    if (err != RF_OK) {
        ln->watch.fd = -1; /* it stays the caller's */
        listener_free(ln);
        return err;
    }
    ln->tls = conf->tls != NULL ? rf_tls_server_ref(conf->tls) : NULL;
    rf_list_append(&l->listeners, &ln->link);
    return RF_OK;
}

static struct rf_listener *
listener_of(struct rf_link *link)
{
    return rf_container(link, struct rf_listener, link);
}

void
rf_transport_set_limits(struct rf_transport_layer *l, const struct rf_transport_limits *limits)
{
    l->limits = *limits;
}

void
rf_transport_set_tls(struct rf_transport_layer *l, const char *name, struct rf_tls_server *tls)
{
    RF_LIST_FOREACH(&l->listeners, link)
    {
        struct rf_listener *ln = listener_of(link);

        if (ln->tls == NULL || strcmp(ln->name, name) != 0)
            continue;
        rf_tls_server_unref(ln->tls);
        ln->tls = rf_tls_server_ref(tls);
    }
}

void
rf_transport_unlisten(struct rf_transport_layer *l, uint32_t id)
{
    RF_LIST_FOREACH(&l->listeners, link)
    {
        struct rf_listener *ln = listener_of(link);

        if (ln->id != id)
            continue;
        if (ln->tx != NULL) {
            rf_listener_flush(ln);
            rf_udp_flows_forget(l, ln, rf_wheel_now_us(l->wheel));
        } else {
            accept_waiting(ln, rf_wheel_now_us(l->wheel));
        }
        listener_free(ln);
    }
}

struct rf_listener *
rf_transport_listener(struct rf_transport_layer *l, const char *name, enum rf_transport t, int family)
{
    RF_LIST_FOREACH(&l->listeners, link)
    {
        struct rf_listener *ln = listener_of(link);

        if (ln->transport == t && ln->bound.sa.sa_family == family &&
            (name == NULL || strcmp(ln->name, name) == 0))
            return ln;
    }
    return NULL;
}

/* --- the layer --- */

static bool
has_datagrams(struct rf_loop_source *s)
{
    return rf_container(s, struct rf_transport_layer, source)->is_dirty;
}

static void
no_work(struct rf_loop_source *s, uint64_t now_us)
{
}

static void
flush_all(struct rf_loop_hook *h, uint64_t now_us)
{
    struct rf_transport_layer *l = rf_container(h, struct rf_transport_layer, hook);

    if (!l->is_dirty)
        return;
    l->is_dirty = false;
    RF_LIST_FOREACH(&l->listeners, link)
    if (listener_of(link)->tx_is_dirty)
        rf_listener_flush(listener_of(link));
}

enum rf_err
rf_transport_layer_new(struct rf_transport_layer **out, struct rf_loop *loop, uint16_t worker,
                       const struct rf_transport_limits *limits, const struct rf_transport_user *user,
                       const struct rf_rand *rand)
{
    struct rf_transport_layer *l = calloc(1, sizeof *l);

    if (l == NULL)
        return RF_ERR_NOMEM;
    l->loop = loop;
    l->wheel = rf_loop_wheel(loop);
    l->limits = *limits;
    l->user = *user;
    rf_list_init(&l->listeners);
    rf_list_init(&l->conns);
    rf_list_init(&l->udp_flows);
    l->last_id = (uint64_t)worker << 48;
    l->source.has_work = has_datagrams;
    l->source.work = no_work;
    l->hook.run = flush_all;
    if (rf_hash_init(&l->by_id, rand) != RF_OK || rf_hash_init(&l->by_peer, rand) != RF_OK ||
        rf_hash_init(&l->udp_by_id, rand) != RF_OK || rf_hash_init(&l->udp_by_peer, rand) != RF_OK ||
        rf_udp_rx_new(&l->rx) != RF_OK ||
        (user->connections == NULL && rf_quota_new(&l->own_quota, rand) != RF_OK)) {
        rf_transport_layer_free(l);
        return RF_ERR_NOMEM;
    }
    if (l->user.connections == NULL)
        l->user.connections = l->own_quota;
    rf_loop_add_source(loop, &l->source);
    rf_loop_add_hook(loop, &l->hook);
    /* OpenSSL writes with write(2): a peer that is gone must be an error there, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    *out = l;
    return RF_OK;
}

void
rf_transport_layer_free(struct rf_transport_layer *l)
{
    if (l == NULL)
        return;
    while (!rf_list_empty(&l->conns))
        rf_conn_end(rf_container(l->conns.next, struct rf_conn, link), rf_wheel_now_us(l->wheel));
    RF_LIST_FOREACH(&l->listeners, link)
    {
        struct rf_listener *ln = listener_of(link);

        if (ln->tx != NULL)
            rf_listener_flush(ln);
        rf_udp_flows_forget(l, ln, rf_wheel_now_us(l->wheel));
        listener_free(ln);
    }
    rf_loop_remove_source(l->loop, &l->source);
    rf_loop_remove_hook(l->loop, &l->hook);
    rf_hash_fini(&l->by_id);
    rf_hash_fini(&l->by_peer);
    rf_hash_fini(&l->udp_by_id);
    rf_hash_fini(&l->udp_by_peer);
    rf_quota_free(l->own_quota);
    rf_udp_rx_free(l->rx);
    free(l);
}

static bool
conn_has_id(const struct rf_hash_node *node, const void *id)
{
    return rf_container(node, const struct rf_conn, by_id)->flow.id == *(const uint64_t *)id;
}

static bool
udp_flow_has_id(const struct rf_hash_node *node, const void *id)
{
    return rf_container(node, const struct rf_udp_flow, by_id)->flow.id == *(const uint64_t *)id;
}

struct rf_flow *
rf_transport_find(struct rf_transport_layer *l, uint64_t id)
{
    struct rf_span key = rf_span(&id, sizeof id);
    struct rf_hash_node *node = rf_hash_find(&l->by_id, rf_hash_of(&l->by_id, key), conn_has_id, &id);
    struct rf_flow *flow;

    if (node != NULL) {
        flow = &rf_container(node, struct rf_conn, by_id)->flow;
        return flow->is_closed ? NULL : flow;
    }
    node = rf_hash_find(&l->udp_by_id, rf_hash_of(&l->udp_by_id, key), udp_flow_has_id, &id);
    return node != NULL ? &rf_container(node, struct rf_udp_flow, by_id)->flow : NULL;
}

void
rf_transport_counts(const struct rf_transport_layer *l, struct rf_transport_counts *out)
{
    *out = l->counts;
    RF_LIST_FOREACH(&l->listeners, link)
    if (listener_of(link)->tx != NULL)
        out->datagrams_dropped += rf_udp_dropped(listener_of(link)->tx);
}
