#include "main/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "acme/transport.h"
#include "base/secret.h"
#include "main/desk.h"
#include "main/sandbox.h"
#include "main/self.h"
#include "main/settings.h"
#include "main/slow.h"
#include "main/web.h"

#define TICK_US        RF_S
#define BEAT_LATE_US   (15 * RF_S) /* a worker whose loop did not go round for so long: we are not alive */
#define STATUS_EVERY   10          /* ticks */
#define GOODBYE_US     (3 * RF_S)  /* for BYEs and their answers, before we end */
#define DESK_RING      (1u << 20)

struct process {
    struct rf_launch *launch;
    struct rf_signal shared;
    struct rf_loop *loop;
    struct rf_desk *desk;
    struct rf_slow *slow;
    struct rf_web *web;
    struct rf_watch channel;
    struct rf_timer tick, goodbye;
    int log_fd;
    unsigned ticks;
    bool stops;
};

static int
failed(const char *what, const char *why)
{
    RF_LOGF(RF_LOG_ERROR, "signal.failed", "signal cannot start", RF_F_STR("step", what), RF_F_STR("reason", why));
    return 1;
}

void
rf_signal_limits(const struct rf_conf *c, struct rf_location_limits *limits, struct rf_auth_settings *auth)
{
    struct rf_span words = rf_span_trim(rf_span_str(rf_conf_text(c, "sip.digest-algorithms")));

    *limits = (struct rf_location_limits){
        .min_expires_s = (uint32_t)rf_conf_number(c, "registrar.min-expires"),
        .max_expires_s = (uint32_t)rf_conf_number(c, "registrar.max-expires"),
        .default_expires_s = (uint32_t)rf_conf_number(c, "registrar.default-expires"),
        .bindings_max = (uint32_t)rf_conf_number(c, "registrar.bindings-max"),
        .aors_max = 1000000, /* about 1 GB of bindings; every AOR is a user of the configuration */
    };
    *auth = (struct rf_auth_settings){ .nonce_life_s = (uint32_t)rf_conf_number(c, "security.nonce-life"),
                                       .replay_slots = 65536 };
    while (words.n > 0 && auth->algorithm_count < RF_DIGEST_COUNT) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));

        for (int a = 0; a < RF_DIGEST_COUNT; a++)
            if (rf_span_iis(word, rf_digest_name((enum rf_digest_algorithm)a)))
                auth->algorithm[auth->algorithm_count++] = (enum rf_digest_algorithm)a;
        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
    }
}

/* --- secrets of the installation: made once, kept in the store --- */

static enum rf_err
own_secret(struct rf_store *store, const char *name, size_t octets, struct rf_secret *out)
{
    enum rf_err err = rf_store_load_secret(store, rf_span_str(name), out);
    struct rf_store_write write = { .op = RF_STORE_SECRET_PUT, .key = rf_span_str(name) };

    if (err != RF_ERR_NOT_FOUND && (err || out->n == octets))
        return err;
    out->n = octets;
    rf_rand_fill(&rf_rand_system, out->octet, octets);
    write.value = rf_span(out->octet, octets);
    err = rf_store_write(store, &write, 1, NULL, NULL, 0);
    return err ? err : rf_store_flush(store);
}

static enum rf_err
take_secrets(struct rf_signal *s)
{
    struct rf_secret secret = { .n = 0 };
    enum rf_err err = own_secret(s->store, "system-owner-key", sizeof s->owner_key, &secret);

    if (!err)
        memcpy(&s->owner_key, secret.octet, sizeof s->owner_key);
    if (!err)
        err = own_secret(s->store, "system-tls-tickets", 32, &secret);
    if (!err)
        err = rf_tls_tickets_new(&s->tickets, rf_span(secret.octet, secret.n), RF_TLS_TICKET_PERIOD_S, rf_wall_s);
    rf_secret_fini(&secret);
    return err;
}

/* --- the parent's words --- */

static void
say_goodbye(struct process *p, uint32_t drain_s)
{
    const struct rf_letter_head letter = { .kind = RF_LETTER_STOP, .from = RF_WORKERS_MAX };
    uint64_t now_us = rf_now_us();

    if (p->stops && drain_s > 0)
        return;
    p->stops = true;
    if (drain_s > 0) {
        RF_LOGF(RF_LOG_INFO, "daemon.drains", "calls that are up may go on for a while", RF_F_U64("seconds", drain_s));
        rf_timer_arm(rf_loop_wheel(p->loop), &p->goodbye, now_us + drain_s * RF_S);
        return;
    }
    for (unsigned i = 0; i < p->shared.workers; i++)
        (void)rf_worker_post(p->shared.worker[i]->letters, &letter, sizeof letter, rf_span(NULL, 0));
    rf_loop_stop(p->loop);
}

static void
on_goodbye(struct rf_timer *t, uint64_t now_us)
{
    struct process *p = rf_container(t, struct process, goodbye);

    /* The drain is over: the parent is told, and tells us to stop like any other time. */
    (void)rf_channel_send(p->channel.fd, RF_SAY_STOP, 0, NULL, -1);
}

/* Somebody asked the desk: the parent must know, so that it does not start us again. */
static void
on_stop_asked(void *ctx, uint32_t drain_s)
{
    struct process *p = ctx;

    if (drain_s > 0)
        say_goodbye(p, drain_s);
    else
        (void)rf_channel_send(p->channel.fd, RF_SAY_STOP, 0, NULL, -1);
}

static void
on_channel(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct process *p = rf_container(w, struct process, channel);
    struct rf_channel_msg m;
    enum rf_err err;
    int fds[RF_WORKERS_MAX];
    size_t n;

    while ((err = rf_channel_receive_all(w->fd, &m, fds, &n)) == RF_OK) {
        int fd = n > 0 ? fds[0] : -1;

        switch ((enum rf_channel_what)m.what) {
        case RF_SAY_STOP:
            say_goodbye(p, 0);
            break;
        case RF_SAY_RELOAD:
            rf_desk_reload(p->desk, fd, &m);
            break;
        case RF_SAY_LISTEN:
            rf_desk_listener(p->desk, &m, fds, n);
            n = 0; /* they are the desk's */
            break;
        case RF_SAY_LOG:
            if (fd >= 0 && p->log_fd >= 0)
                (void)dup3(fd, p->log_fd, O_CLOEXEC);
            break;
        case RF_SAY_READY:
        case RF_SAY_ALIVE:
        case RF_SAY_STATUS:
        case RF_SAY_RELOADED:
        case RF_SAY_RENEW:
            break;
        }
        while (n > 0)
            close(fds[--n]);
    }
    if (err == RF_ERR_CLOSED)
        rf_loop_stop(p->loop);
}

static void
on_tick(struct rf_timer *t, uint64_t now_us)
{
    struct process *p = rf_container(t, struct process, tick);
    bool alive = true;

    for (unsigned i = 0; i < p->shared.workers; i++)
        alive = alive && now_us < atomic_load_explicit(&p->shared.worker[i]->numbers.beat_us, memory_order_relaxed) +
                                      BEAT_LATE_US;
    if (alive)
        (void)rf_channel_send(p->channel.fd, RF_SAY_ALIVE, 0, NULL, -1);
    rf_fold_tick(p->shared.fold, now_us);
    for (int i = 0; i < RF_PULSE_COUNT; i++)
        rf_pulse_look(&p->shared.pulse[i], now_us);
    if (p->ticks++ % STATUS_EVERY == 0)
        rf_desk_tick(p->desk, now_us);
    rf_timer_arm(rf_loop_wheel(p->loop), t, now_us + TICK_US);
}

static void
on_letter(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct process *p = ctx;

    rf_desk_letter(p->desk, octets);
}

/* --- calls that were up --- */

/* Workers run already and empty their mailboxes: more calls than one ring holds only take longer. */
static void
post_surely(struct rf_mailbox *to, const void *head, size_t head_n, struct rf_span octets)
{
    while (!rf_worker_post(to, head, head_n, octets))
        usleep(1000);
}

static bool
restore_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct process *p = ctx;
    struct rf_letter_item letter = { .head = { .kind = RF_LETTER_RESTORE, .from = RF_WORKERS_MAX } };
    uint16_t owner = rf_call_saved_owner(&p->shared.owner_key, value, (uint16_t)p->shared.workers);

    /* Nothing of ours is as large: the row is damaged, and its worker drops it like any that cannot be read. */
    if (value.n > RF_LETTER_MAX - sizeof letter)
        value = rf_span(NULL, 0);
    if (rf_span_copy(key, letter.name, sizeof letter.name) != RF_OK) {
        RF_LOGF(RF_LOG_WARN, "call.not_restored", "a call that was up cannot be read from the store",
                RF_F_SPAN("call", key));
        return true;
    }
    post_surely(p->shared.worker[owner]->letters, &letter, sizeof letter, value);
    return true;
}

static bool
restore_mailbox(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct process *p = ctx;
    struct rf_mailbox_state m;
    char user[64];

    if (rf_span_copy(sub, user, sizeof user) != RF_OK || rf_mailbox_parse(value, &m) != RF_OK ||
        rf_event_board_set_mailbox(p->shared.lamps, user, &m) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "mailbox.not_restored", "how many messages wait for a user cannot be read from the store",
                RF_F_SPAN("user", sub));
    return true;
}

static bool
restore_subscription(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct process *p = ctx;
    struct rf_letter_item letter = { .head = { .kind = RF_LETTER_SUBSCRIPTION, .from = RF_WORKERS_MAX } };
    uint16_t owner = rf_event_saved_owner(&p->shared.owner_key, value, (uint16_t)p->shared.workers);

    if (value.n > RF_LETTER_MAX - sizeof letter || rf_span_copy(sub, letter.name, sizeof letter.name) != RF_OK) {
        RF_LOGF(RF_LOG_WARN, "subscription.not_restored", "a subscription cannot be read from the store",
                RF_F_SPAN("subscription", sub));
        return true;
    }
    post_surely(p->shared.worker[owner]->letters, &letter, sizeof letter, value);
    return true;
}

/* After the calls: whoever watches is told of those that are up. */
static void
restore_events(struct process *p)
{
    if (rf_store_load_items(p->shared.store, RF_SPAN_LIT(RF_EVENT_MAILBOX), restore_mailbox, p) != RF_OK ||
        rf_store_load_items(p->shared.store, RF_SPAN_LIT(RF_EVENT_SUBSCRIPTION), restore_subscription, p) != RF_OK)
        RF_LOGF(RF_LOG_ERROR, "subscription.not_restored", "subscriptions could not be read from the store");
}

static void
restore_calls(struct process *p)
{
    const struct rf_letter_head sweep = { .kind = RF_LETTER_SWEEP, .from = RF_WORKERS_MAX };

    if (rf_store_load_dialogs(p->shared.store, restore_row, p) != RF_OK) {
        /* Their media goes on as long as packets come: better than silence in calls that nobody ended. */
        RF_LOGF(RF_LOG_ERROR, "call.not_restored", "the calls that were up could not be read from the store");
        return;
    }
    /* Behind the calls in each mailbox, so that media is told of every one of them first. */
    for (unsigned i = 0; i < p->shared.workers; i++)
        post_surely(p->shared.worker[i]->letters, &sweep, sizeof sweep, rf_span(NULL, 0));
}

/*
 * Only now: what a phone says about a call that is up must find it, and a user's calls are counted before another is
 * asked for. Until then the kernel keeps what arrives.
 */
static void
begin_to_listen(struct process *p)
{
    for (uint32_t i = 0; i < p->launch->fd_count; i++) {
        const struct rf_launch_fd *f = &p->launch->fd[i];
        struct rf_letter_listen letter = { .head = { .kind = RF_LETTER_LISTEN, .from = RF_WORKERS_MAX }, .id = f->b,
                                           .fd = f->fd, .transport = f->transport };

        if (f->kind != RF_FD_LISTENER || f->a >= p->shared.workers)
            continue;
        memcpy(letter.name, f->name, sizeof letter.name);
        post_surely(rf_acceptor(&p->shared, letter.name, f->a), &letter, sizeof letter, rf_span(NULL, 0));
    }
}

/* --- start --- */

static void
warm_up(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    tzset();
    json_set_alloc_funcs(malloc, rf_wipe_and_free);
    sigaction(SIGPIPE, &ignore, NULL);
    (void)!rf_acme_transport_global();
    (void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
}

/* What one source, one user and everybody may have, whichever worker serves them. */
static int
make_limits(struct rf_signal *s, const struct rf_conf *c)
{
    struct rf_guard_limits guard;

    rf_signal_guard_limits(c, &guard);
    s->bans = rf_ban_memory_map(rf_launch_find(s->launch, RF_FD_BANS, 0, 0), &rf_rand_system);
    if (s->bans == NULL)
        return failed("bans", strerror(errno));
    if (rf_refused_new(&s->refused) != RF_OK)
        return failed("limits", strerror(errno));
    if (rf_guard_new(&s->guard, &guard, s->bans, &rf_rand_system, rf_now_us()) != RF_OK ||
        rf_fold_new(&s->fold, &rf_rand_system) != RF_OK || rf_board_new(&s->board, &rf_rand_system) != RF_OK ||
        rf_quota_new(&s->connections, &rf_rand_system) != RF_OK || rf_quota_new(&s->calls, &rf_rand_system) != RF_OK ||
        rf_quota_new(&s->subscriptions, &rf_rand_system) != RF_OK ||
        rf_call_guests_new(&s->guests, &rf_rand_system) != RF_OK ||
        rf_event_board_new(&s->lamps, &rf_rand_system, rf_signal_lamp_changed, s) != RF_OK)
        return failed("limits", strerror(errno));
    return 0;
}

/* What all workers share; 0, or the exit status after it said why. */
/* A question about a peer's certificate, from whichever thread judges it. Until the slow thread is there nobody comes. */
static void
on_fetch(void *ctx, struct rf_ocsp_errand *errand)
{
    struct rf_signal *s = ctx;
    const struct rf_letter_inquiry letter = { .head = { .kind = RF_LETTER_INQUIRY, .from = RF_WORKERS_MAX },
                                              .errand = errand };

    if (s->slow == NULL || !rf_worker_post(s->slow, &letter, sizeof letter, rf_span(NULL, 0)))
        rf_ocsp_cache_answer(s->ocsp, errand, rf_span(NULL, 0), rf_wall_s(), NULL);
}

static int
make_shared(struct process *p, struct rf_site **site)
{
    const struct rf_launch *l = p->launch;
    struct rf_signal *s = &p->shared;
    struct rf_site_sources from = { .config = l->has_config ? l->config : NULL };
    struct rf_conf_problem problem = { 0 };
    struct rf_location_limits limits;
    struct rf_auth_settings auth;
    struct rf_media_map *map;
    char why[1600] = "";
    struct rf_buf b = rf_buf(why, sizeof why - 1);
    struct rf_key_files *files = NULL;
    int files_fd = rf_launch_find(l, RF_FD_CERTS, 0, 0);
    enum rf_err err = rf_key_files_receive(&files, files_fd);

    close(files_fd); /* whoever takes us over later shall not find it */
    if (err)
        return failed("certificates", rf_err_text(err));
    if (rf_store_open(&s->store, l->state_dir, why, sizeof why) != RF_OK)
        return failed("store", why);
    if (take_secrets(s) != RF_OK)
        return failed("secrets", "the store does not take them");
    if (rf_ocsp_cache_new(&s->ocsp, &(struct rf_ocsp_fetcher){ s, on_fetch }) != RF_OK)
        return failed("certificates", "no memory for what authorities say of them");
    from.store = s->store;
    from.files = files;
    from.ocsp = s->ocsp;
    err = rf_site_load(site, &from, &problem);
    rf_key_files_free(files);
    if (err) {
        rf_conf_put_problem(&b, &problem);
        why[b.n] = '\0';
        rf_config_refuse(&problem, why);
        return 3;
    }
    rf_signal_limits((*site)->conf, &limits, &auth);
    if (rf_auth_new(&s->auth, &rf_rand_system, &auth) != RF_OK ||
        rf_location_new(&s->location, s->store, &rf_rand_system, &limits) != RF_OK ||
        rf_location_load(s->location, rf_wall_s()) != RF_OK)
        return failed("registrations", "they cannot be read from the store");
    if (rf_media_map_attach(rf_launch_find(l, RF_FD_MAP, 0, 0), l->threads, l->slots_per_thread, l->ports_per_thread,
                            false, &map) != RF_OK)
        return failed("map", strerror(errno));
    s->map = map;
    return make_limits(s, (*site)->conf);
}

static int
start_workers(struct process *p, struct rf_site *site)
{
    for (unsigned i = 0; i < p->launch->workers; i++) {
        if (rf_worker_new(&p->shared.worker[i], &p->shared, (uint16_t)i, rf_site_ref(site)) != RF_OK)
            return failed("worker", strerror(errno));
        p->shared.workers = i + 1;
    }
    for (unsigned i = 0; i < p->shared.workers; i++)
        if (rf_worker_start(p->shared.worker[i]) != RF_OK)
            return failed("worker", "no thread could be started");
    return 0;
}

/* The threads beside the workers. */
static int
start_others(struct process *p, struct rf_site *site)
{
    if (rf_acme_shown_new(&p->shared.shown) != RF_OK || rf_slow_new(&p->slow, &p->shared, site) != RF_OK)
        return failed("certificates", "what renews them could not be made");
    if (rf_web_new(&p->web, &p->shared, site) != RF_OK)
        return failed("web", "its listeners could not be made");
    p->shared.slow = rf_slow_thread(p->slow)->letters;
    p->shared.web = rf_web_thread(p->web)->letters;
    if (rf_side_thread_start(rf_slow_thread(p->slow)) != RF_OK ||
        rf_side_thread_start(rf_web_thread(p->web)) != RF_OK)
        return failed("threads", "no thread could be started");
    return 0;
}

static int
start(struct process *p)
{
    struct rf_desk_conf desk = { .shared = &p->shared, .stop = on_stop_asked, .ctx = p };
    struct rf_site *site = NULL;
    int status = make_shared(p, &site);

    if (status != 0)
        return status;
    for (uint32_t i = 0; i < p->launch->fd_count; i++)
        if (p->launch->fd[i].kind == RF_FD_LISTENER && p->launch->fd[i].a == 0)
            rf_site_add_listener(site, &p->launch->fd[i]);
    if (rf_loop_new(&p->loop) != RF_OK ||
        rf_mailbox_new(&p->shared.desk, p->loop, RF_LETTER_MAX, DESK_RING, on_letter, p) != RF_OK)
        return failed("loop", strerror(errno));
    atomic_store(&p->shared.configured_s, rf_wall_s());
    p->shared.workers = p->launch->workers; /* known before the first one looks for its neighbours */
    desk.loop = p->loop;
    desk.site = site;
    desk.channel = p->channel.fd;
    if (rf_desk_new(&p->desk, &desk) != RF_OK)
        return failed("control socket", strerror(errno));
    status = start_workers(p, site);
    if (status == 0)
        status = start_others(p, site);
    rf_site_unref(site);
    if (status != 0)
        return status;
    p->channel.ready = on_channel;
    p->tick.fire = on_tick;
    p->goodbye.fire = on_goodbye;
    if (rf_loop_watch(p->loop, &p->channel, EPOLLIN) != RF_OK)
        return failed("channel", strerror(errno));
    on_tick(&p->tick, rf_now_us());
    restore_calls(p);
    restore_events(p);
    begin_to_listen(p);
    return 0;
}

/* BYEs are under way: give their answers a moment, then end in the order in which things need each other. */
static void
end(struct process *p)
{
    uint64_t until_us = rf_now_us() + GOODBYE_US;
    bool busy = true;

    while (busy && rf_now_us() < until_us) {
        usleep(20000);
        busy = false;
        for (unsigned i = 0; i < p->shared.workers; i++)
            busy = busy || atomic_load_explicit(&p->shared.worker[i]->numbers.calls, memory_order_relaxed) > 0;
    }
    rf_desk_trials_end(p->desk); /* they may ask authorities, by the slow thread's mailbox */
    rf_side_thread_stop(rf_slow_thread(p->slow));
    rf_side_thread_stop(rf_web_thread(p->web));
    for (unsigned i = 0; i < p->shared.workers; i++)
        rf_worker_stop(p->shared.worker[i]);
    rf_desk_end(p->desk);
    /* The store's thread still answers what workers wrote, into their mailboxes. A disk that fails was told already. */
    (void)!rf_store_flush(p->shared.store);
    for (unsigned i = 0; i < p->shared.workers; i++) {
        struct rf_worker *w = p->shared.worker[i];

        p->shared.worker[i] = NULL; /* the others may still have words for it */
        rf_worker_free(w);
    }
    rf_slow_free(p->slow);
    rf_web_free(p->web);
    rf_acme_shown_free(p->shared.shown);
    rf_desk_free(p->desk);
    rf_store_close(p->shared.store);
    rf_location_free(p->shared.location);
    rf_auth_free(p->shared.auth);
    rf_tls_tickets_unref(p->shared.tickets);
    rf_refused_free(p->shared.refused);
    rf_ocsp_cache_free(p->shared.ocsp);
    rf_self_free(p->shared.self);
    rf_guard_free(p->shared.guard);
    rf_ban_memory_unmap(p->shared.bans);
    rf_board_free(p->shared.board);
    rf_fold_free(p->shared.fold);
    rf_quota_free(p->shared.connections);
    rf_quota_free(p->shared.calls);
    rf_quota_free(p->shared.subscriptions);
    rf_event_board_free(p->shared.lamps);
    rf_call_guests_free(p->shared.guests);
    rf_letters_drop(p->shared.desk);
    rf_mailbox_free(p->shared.desk);
    rf_loop_free(p->loop);
    free(p->launch);
}

/*
 * malloc gives memory back and takes it again, in steps of a page, many times a second: two mprotect and a page fault
 * for each call. What it keeps instead is bounded by what was in use at once.
 */
static void
keep_memory(void)
{
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int
rf_signal_main(void)
{
    static struct process p;
    struct rf_sandbox sandbox = { .role = RF_SANDBOX_SIGNAL };
    int status;

    if (rf_launch_receive(&p.launch) != RF_OK)
        return 2;
    p.shared.launch = p.launch;
    p.channel.fd = rf_launch_find(p.launch, RF_FD_CHANNEL, 0, 0);
    p.log_fd = rf_launch_find(p.launch, RF_FD_LOG, 0, 0);
    rf_log_open(STDERR_FILENO, p.log_fd, (enum rf_log_level)p.launch->log_level, "signal");
    prctl(PR_SET_NAME, "rf-signal");
    keep_memory();
    warm_up();
    sandbox.drops_user = p.launch->drops_user;
    sandbox.uid = p.launch->uid;
    sandbox.gid = p.launch->gid;
    sandbox.state_dir = p.launch->state_dir;
    sandbox.config_path = p.launch->has_config ? p.launch->config : NULL;
    sandbox.log_fd = p.log_fd;
    if (rf_self_new(&p.shared.self) != RF_OK)
        return failed("process", strerror(errno));
    if (rf_sandbox_enter(&sandbox) != RF_OK)
        return failed("sandbox", strerror(errno));
    status = start(&p);
    if (status != 0)
        _exit(status); /* half made: nothing of it may run on */
    RF_LOGF(RF_LOG_INFO, "signal.serves", "signal serves", RF_F_I64("pid", getpid()),
            RF_F_U64("workers", p.shared.workers), RF_F_U64("start", p.launch->epoch),
            RF_F_STR("sandbox", rf_sandbox_text()));
    (void)rf_channel_send(p.channel.fd, RF_SAY_READY, 0, NULL, -1);
    rf_loop_run(p.loop);
    end(&p);
    return 0;
}
