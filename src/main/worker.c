#include "main/worker.h"

#include <stdlib.h>
#include <sys/prctl.h>

#include "acme/shown.h"
#include "base/tally.h"
#include "main/keeper.h"

#define TICK_US (200 * RF_MS)
/* What a message waits at most under load; a phone repeats after 500 ms (T1). See docs/benchmarks.md for what it saves. */
#define REST_US (2 * RF_MS)
/* Handshakes that are remembered, by a worker: 0.3 MB in all. */
#define HANDSHAKES_GOOD   256
#define HANDSHAKES_FAILED 128
/* 16 MiB in blocks that are just too small for malloc to map each by itself. */
#define ARENA_BLOCK  (120 * 1024)
#define ARENA_BLOCKS 140

void
rf_worker_transport_limits(const struct rf_worker *w, struct rf_transport_limits *l)
{
    const struct rf_conf *c = w->site->conf;

    *l = (struct rf_transport_limits)RF_TRANSPORT_LIMITS;
    l->connections_max = (uint32_t)rf_conf_number(c, "sip.connections-max");
    l->per_source_max = (uint32_t)rf_conf_number(c, "sip.connections-per-source");
    l->loopback_is_exempt = rf_conf_is_on(c, "security.exempt-loopback");
    l->unused_us = (uint64_t)rf_conf_number(c, "sip.idle-time") * RF_S;
}

/* Which interface a listener belongs to; its name is the interface's. */
enum rf_iface
rf_listener_iface(const char *listener)
{
    enum rf_iface i = RF_IFACE_SIP_PHONES;

    (void)!rf_iface_find(rf_span_str(listener), &i);
    return i;
}

static void
on_media(void *ctx, const struct rf_media_reply *reply, uint64_t now_us)
{
    rf_call_media_reply(((struct rf_worker *)ctx)->calls, reply, now_us);
}

static void
on_tick(struct rf_timer *t, uint64_t now_us)
{
    struct rf_worker *w = rf_container(t, struct rf_worker, tick);

    atomic_store_explicit(&w->numbers.beat_us, now_us, memory_order_relaxed);
    atomic_store_explicit(&w->numbers.calls, rf_call_count(w->calls), memory_order_relaxed);
    rf_worker_tick_events(w, now_us);
    rf_timer_arm(rf_loop_wheel(w->loop), t, now_us + TICK_US);
}

/* --- TLS --- */

/* What an authority wants to see (tls-alpn-01): the port 443 that it asks may lead to a listener of SIP. */
static struct rf_cert *
find_challenge(void *ctx, struct rf_span server_name)
{
    struct rf_worker *w = ctx;

    return w->shared->shown != NULL ? rf_acme_shown_certificate(w->shared->shown, server_name) : NULL;
}

/* Contexts of all interfaces that listen, or none of them: half of a configuration is never in force. */
enum rf_err
rf_worker_make_tls(struct rf_worker *w)
{
    struct rf_tls_server *made[RF_IFACE_COUNT] = { NULL };
    const char *why = "";
    enum rf_err err = RF_OK;

    for (int i = 0; !err && i < RF_IFACE_COUNT; i++)
        if (w->site->ifaces->iface[i].has_listener) {
            err = rf_ifaces_server(w->site->ifaces, (enum rf_iface)i, w->shared->tickets, w->handshakes, &made[i],
                                   &why);
            if (!err)
                rf_tls_server_set_challenge(made[i], find_challenge, w);
        }
    if (err)
        RF_LOGF(RF_LOG_ERROR, "tls.failed", "the TLS contexts could not be made", RF_F_STR("reason", why));
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        struct rf_tls_server *old = err ? made[i] : w->tls[i];

        if (!err)
            w->tls[i] = made[i];
        rf_tls_server_unref(old);
    }
    return err;
}

void
rf_worker_drop_clients(struct rf_worker *w)
{
    rf_tls_client_unref(w->client);
    w->client = NULL;
    for (size_t i = 0; i < w->client_count; i++)
        rf_tls_client_unref(w->clients[i]);
    free(w->clients);
    w->clients = NULL;
    w->client_count = 0;
}

struct rf_tls_client *
rf_worker_client(struct rf_worker *w, const struct rf_call_server *server)
{
    const struct rf_connection *k =
        server->is_device ? NULL : rf_connection_named(w->site->connections, rf_span_str(server->name));
    struct rf_tls_client **slot = &w->client;
    const char *why = "";
    enum rf_err err = RF_OK;

    if (k == NULL && !server->is_device)
        return NULL; /* a reload took it away */
    if (k != NULL && w->clients == NULL) {
        w->client_count = rf_connections_count(w->site->connections);
        w->clients = calloc(w->client_count, sizeof(struct rf_tls_client *));
        if (w->clients == NULL) {
            w->client_count = 0;
            return NULL;
        }
    }
    if (k != NULL)
        slot = &w->clients[k->index];
    if (*slot == NULL && k != NULL)
        err = rf_ifaces_connection(w->site->ifaces, k->index, w->handshakes, slot, &why);
    else if (*slot == NULL)
        err = rf_ifaces_client(w->site->ifaces, RF_IFACE_SIP_TRUNKS, w->handshakes, slot, &why);
    if (err)
        RF_LOGF(RF_LOG_ERROR, "tls.failed", "the TLS context could not be made", RF_F_STR("server", server->name),
                RF_F_STR("reason", why));
    return *slot;
}

/* --- numbers --- */

json_t *
rf_worker_numbers_json(struct rf_worker *w)
{
    struct rf_transport_counts t;
    struct rf_txn_counts x = rf_txn_counts(w->txn);
    struct rf_call_counts calls = rf_call_counts(w->calls);
    json_t *o = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        { "calls", calls.calls },
        { "calls_encrypted", calls.encrypted },
        { "calls_ending", rf_call_count(w->calls) - calls.calls },
        { "subscriptions", rf_event_count(w->events) },
        { "transactions", x.servers + x.clients },
        { "retransmits_in", x.retransmits_in },
        { "retransmits_out", x.retransmits_out },
        { "timeouts", x.timeouts },
        { "malformed", atomic_load_explicit(&w->numbers.malformed, memory_order_relaxed) },
        { "dropped", atomic_load_explicit(&w->numbers.dropped, memory_order_relaxed) },
        { "posted", atomic_load_explicit(&w->numbers.posted, memory_order_relaxed) },
        { "post_refused", atomic_load_explicit(&w->numbers.post_refused, memory_order_relaxed) },
        { "guarded", atomic_load_explicit(&w->numbers.guarded, memory_order_relaxed) },
        { "strangers", atomic_load_explicit(&w->numbers.strangers, memory_order_relaxed) },
        { "registers", atomic_load_explicit(&w->numbers.registers, memory_order_relaxed) },
        { "media_pending", rf_media_client_pending(w->media) },
    };

    rf_transport_counts(w->transport, &t);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    json_object_set_new(o, "connections", json_integer(t.connections));
    json_object_set_new(o, "tls_connections", json_integer(t.tls_connections));
    json_object_set_new(o, "handshakes", json_integer((json_int_t)t.handshakes));
    json_object_set_new(o, "handshakes_failed", json_integer((json_int_t)t.handshakes_failed));
    json_object_set_new(o, "messages_in", json_integer((json_int_t)t.messages_in));
    return o;
}

/* --- its life --- */

static enum rf_err
make_parts(struct rf_worker *w)
{
    const struct rf_launch *l = w->shared->launch;
    struct rf_transport_limits limits;
    struct rf_transport_user user;
    struct rf_txn_user txn_user;
    /* 65,536 of each: at 10,000 REGISTERs a second over UDP, timer J keeps 32 s of them; beyond that 503. */
    const struct rf_txn_limits txn_limits = { .server_max = 400000, .client_max = 65536, .t1_us = 500 * RF_MS,
                                              .t2_us = 4 * RF_S, .t4_us = 5 * RF_S };
    int control[RF_THREADS_MAX];
    struct rf_media_client_conf media = { .threads = l->threads, .slots_per_thread = l->slots_per_thread,
                                          .map = w->shared->map,
                                          .control = control, .epoch = l->epoch, .reply = on_media, .ctx = w };
    struct rf_call_env env;
    enum rf_err err;

    rf_worker_transport_limits(w, &limits);
    rf_worker_transport_user(w, &user);
    rf_worker_txn_user(w, &txn_user);
    err = rf_loop_new(&w->loop);
    if (!err)
        rf_loop_rest(w->loop, REST_US);
    if (!err)
        err = rf_mailbox_new(&w->letters, w->loop, RF_LETTER_MAX, RF_LETTER_RING, rf_worker_letter, w);
    if (!err)
        err = rf_transport_layer_new(&w->transport, w->loop, w->index, &limits, &user, &rf_rand_system);
    if (!err) {
        const struct rf_remote_conf remote = { .worker = w->index, .layer = w->transport,
                                               .wheel = rf_loop_wheel(w->loop), .rand = &rf_rand_system,
                                               .post = rf_worker_post_flow, .ctx = w };

        err = rf_remote_flows_new(&w->remotes, &remote);
    }
    if (!err)
        err = rf_txn_layer_new(&w->txn, rf_loop_wheel(w->loop), &rf_rand_system, &txn_limits, &txn_user);
    if (!err)
        err = rf_paths_new(&w->paths, w);
    if (!err)
        err = rf_keeper_new(&w->keeper, w);
    if (!err)
        err = rf_register_new(&w->registers, w);
    if (err)
        return err;
    for (unsigned t = 0; t < l->threads; t++)
        control[t] = rf_launch_find(l, RF_FD_MEDIA, w->index, t);
    media.loop = w->loop;
    err = rf_media_client_new(&w->media, &media);
    if (err)
        return err;
    rf_worker_call_env(w, &env);
    err = rf_call_layer_new(&w->calls, &env);
    return err ? err : rf_worker_make_events(w, &env);
}

enum rf_err
rf_worker_new(struct rf_worker **out, struct rf_signal *shared, uint16_t index, struct rf_site *site)
{
    struct rf_worker *w = calloc(1, sizeof *w);
    enum rf_err err = w != NULL ? RF_OK : RF_ERR_NOMEM;

    if (err)
        return err;
    w->shared = shared;
    w->index = index;
    w->site = site;
    w->tick.fire = on_tick;
    err = rf_tls_ring_new(&w->handshakes, HANDSHAKES_GOOD, HANDSHAKES_FAILED);
    if (!err)
        err = rf_devices_new(&w->devices, shared->store, &rf_rand_system);
    if (!err)
        err = make_parts(w);
    if (!err)
        err = rf_worker_make_tls(w);
    if (err) {
        rf_worker_free(w);
        return err;
    }
    atomic_store_explicit(&w->numbers.beat_us, rf_now_us(), memory_order_relaxed);
    *out = w;
    return RF_OK;
}

/*
 * This thread's part of malloc grows by single pages, each with an mprotect, two for each call: grow it once. It costs
 * a page a block, half a MiB; the rest is not touched, and signal's trim threshold (main/signal.c) keeps it.
 */
static void
grow_arena(void)
{
    void *block[ARENA_BLOCKS];

    for (unsigned i = 0; i < ARENA_BLOCKS; i++)
        block[i] = malloc(ARENA_BLOCK);
    for (unsigned i = 0; i < ARENA_BLOCKS; i++)
        free(block[i]);
}

static void *
run(void *arg)
{
    struct rf_worker *w = arg;
    char name[16];

    snprintf(name, sizeof name, "rf-worker-%u", w->index);
    prctl(PR_SET_NAME, name);
    grow_arena();
    rf_tally_enter();
    on_tick(&w->tick, rf_now_us());
    rf_keeper_take_site(w->keeper);
    rf_loop_run(w->loop);
    return NULL;
}

enum rf_err
rf_worker_start(struct rf_worker *w)
{
    w->runs = pthread_create(&w->thread, NULL, run, w) == 0;
    return w->runs ? RF_OK : RF_ERR_NOMEM;
}

void
rf_worker_stop(struct rf_worker *w)
{
    if (!w->runs)
        return;
    rf_loop_stop(w->loop);
    pthread_join(w->thread, NULL);
    w->runs = false;
}

void
rf_worker_free(struct rf_worker *w)
{
    if (w == NULL)
        return;
    rf_event_layer_free(w->events);
    rf_call_layer_free(w->calls);
    rf_keeper_free(w->keeper);
    rf_paths_free(w->paths);
    rf_media_client_free(w->media);
    rf_txn_layer_free(w->txn);
    rf_remote_flows_free(w->remotes);
    rf_transport_layer_free(w->transport);
    for (int i = 0; i < RF_IFACE_COUNT; i++)
        rf_tls_server_unref(w->tls[i]);
    rf_worker_drop_clients(w);
    rf_tls_ring_free(w->handshakes);
    rf_devices_free(w->devices);
    rf_register_free(w->registers);
    rf_mailbox_free(w->stored);
    rf_mailbox_free(w->kept);
    rf_letters_drop(w->letters);
    rf_mailbox_free(w->letters);
    if (w->loop != NULL)
        rf_timer_cancel(rf_loop_wheel(w->loop), &w->tick);
    rf_loop_free(w->loop);
    rf_site_unref(w->site);
    free(w);
}
