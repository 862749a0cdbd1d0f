#include "probe/run.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"

#define RETRIES 2        /* a connection that is refused in the middle is tried again */
#define RETRY_US 300000u /* after so long: servers count connections by the second */
#define GIVE_UP 6        /* questions in a row that found no connection: the peer is gone */
#define SSL2_MAX 32768

/* --- names --- */

/* getaddrinfo has no deadline: it runs beside us, and is left behind when it takes too long. */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done, is_left;
    int error;
    char host[256];
    int type;
    struct rf_addr addr;
};

static void
lookup_free(struct lookup *l)
{
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void *
lookup_main(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_socktype = l->type, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    int error = getaddrinfo(l->host, NULL, &hints, &list);
    bool is_left;

    pthread_mutex_lock(&l->lock);
    l->error = error;
    if (error == 0)
        l->addr = rf_addr_from(list->ai_addr);
    l->is_done = true;
    is_left = l->is_left;
    pthread_cond_signal(&l->done);
    pthread_mutex_unlock(&l->lock);
    if (error == 0)
        freeaddrinfo(list);
    if (is_left)
        lookup_free(l);
    return NULL;
}

static bool
resolve(const char *host, int type, uint64_t timeout_us, struct rf_addr *out, char *why, size_t size)
{
    struct lookup *l;
    pthread_condattr_t monotonic;
    struct timespec at;
    pthread_t thread;
    uint64_t until = rf_now_us() + timeout_us;
    bool is_done, ok;

    if (rf_addr_parse(rf_span_str(host), 0, out) == RF_OK)
        return true;
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return false;
    snprintf(l->host, sizeof l->host, "%s", host);
    l->type = type;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&thread, NULL, lookup_main, l) != 0) {
        lookup_free(l);
        return false;
    }
    pthread_detach(thread);
    at = (struct timespec){.tv_sec = (time_t)(until / 1000000), .tv_nsec = (long)(until % 1000000) * 1000};
    pthread_mutex_lock(&l->lock);
    while (!l->is_done && pthread_cond_timedwait(&l->done, &l->lock, &at) == 0)
        continue;
    is_done = l->is_done;
    l->is_left = !is_done;
    ok = is_done && l->error == 0;
    *out = l->addr;
    snprintf(why, size, "%s",
             !is_done        ? "the resolver did not answer in time"
             : l->error != 0 ? gai_strerror(l->error)
                             : "");
    pthread_mutex_unlock(&l->lock);
    if (is_done)
        lookup_free(l);
    return ok;
}

/* --- one raw question --- */

/* What one thread needs; large, so it is made once. */
struct asker {
    struct rf_probe_flight flight;
    struct rf_probe_ssl2 ssl2;
    struct rf_probe_lists lists;
    size_t ssl2_n;
    char ssl2_octets[SSL2_MAX];
};

/* false: the flight (or hello of SSL 2) is over. */
static bool
take_octets(struct asker *k, bool is_ssl2, struct rf_span octets)
{
    if (!is_ssl2)
        return rf_probe_flight_feed(&k->flight, octets) == RF_FLIGHT_MORE;
    octets = rf_span_sub(octets, 0, sizeof k->ssl2_octets - k->ssl2_n);
    memcpy(k->ssl2_octets + k->ssl2_n, octets.p, octets.n);
    k->ssl2_n += octets.n;
    return rf_probe_ssl2_read(rf_span(k->ssl2_octets, k->ssl2_n), &k->ssl2) == RF_ERR_AGAIN &&
           k->ssl2_n < sizeof k->ssl2_octets;
}

static enum rf_probe_outcome
read_flight(struct asker *k, const struct rf_probe_target *t, int fd, bool is_ssl2, uint64_t until_us)
{
    char octets[8192];

    for (;;) {
        ssize_t n;

        if (!rf_probe_wait(t, fd, POLLIN, until_us))
            return RF_OUTCOME_SILENT;
        n = recv(fd, octets, sizeof octets, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return RF_OUTCOME_CLOSED;
        if (!take_octets(k, is_ssl2, rf_span(octets, (size_t)n)))
            return RF_OUTCOME_FLIGHT;
    }
}

static int
connect_again(const struct rf_probe_target *t, uint64_t *until_us)
{
    int fd = -1;

    for (int i = 0; i <= RETRIES && fd < 0 && rf_now_us() < t->until_us; i++) {
        if (i > 0)
            (void)poll(NULL, 0, RETRY_US / 1000 * i);
        *until_us = rf_probe_deadline(t);
        fd = rf_probe_connect(t, *until_us);
    }
    return fd;
}

static void
ask(struct asker *k, const struct rf_probe_target *t, enum rf_probe_topic topic,
    const struct rf_probe_hello *hello, struct rf_probe_answer *a)
{
    bool is_ssl2 = topic == RF_TOPIC_SSL2;
    char mem[RF_PROBE_HELLO_MAX];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    uint64_t until;
    enum rf_err err = is_ssl2 ? rf_probe_hello_put_ssl2(&b, &rf_rand_system)
                              : rf_probe_hello_put(&b, hello, &rf_rand_system);
    int fd = err == RF_OK ? connect_again(t, &until) : -1;

    *a = (struct rf_probe_answer){.outcome = RF_OUTCOME_NO_ROOM};
    if (fd < 0)
        return;
    rf_probe_flight_init(&k->flight);
    k->ssl2_n = 0;
    memset(&k->ssl2, 0, sizeof k->ssl2);
    /* A new socket takes 2 kB at once, or the peer has closed it. */
    if (send(fd, b.p, b.n, MSG_NOSIGNAL) != (ssize_t)b.n)
        a->outcome = RF_OUTCOME_CLOSED;
    else
        a->outcome = read_flight(k, t, fd, is_ssl2, until);
    close(fd);
    if (is_ssl2)
        a->ssl2 = &k->ssl2;
    else
        a->flight = &k->flight;
}

/* --- the threads --- */

struct run {
    const struct rf_probe_target *target;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct rf_probe_scan *scan;
    unsigned in_vain; /* questions in a row without a connection */
    bool ran_out_of_time;
};

static void
note_time(struct run *r)
{
    if (rf_now_us() < r->target->until_us)
        return;
    r->ran_out_of_time = true;
    rf_probe_scan_end(r->scan);
}

/* A conversation writes members of the facts that nobody else looks at before it is done. */
static void
hold(struct run *r, enum rf_probe_topic topic)
{
    struct rf_probe_shown shown = {0};
    unsigned made = rf_probe_talk(r->target, topic, &r->scan->facts, &shown);

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < shown.count; i++)
        rf_probe_facts_add_x509(&r->scan->facts, shown.chain[i].x, shown.chain[i].n, shown.chain[i].sent);
    note_time(r);
    rf_probe_scan_done(r->scan, topic, made);
    pthread_mutex_unlock(&r->lock);
    rf_probe_shown_fini(&shown);
}

static void
put_question(struct run *r, struct asker *k, enum rf_probe_topic topic, const struct rf_probe_hello *hello)
{
    struct rf_probe_answer a;

    ask(k, r->target, topic, hello, &a);
    pthread_mutex_lock(&r->lock);
    r->in_vain = a.outcome == RF_OUTCOME_NO_ROOM ? r->in_vain + 1 : 0;
    if (r->in_vain >= GIVE_UP)
        rf_probe_scan_end(r->scan);
    note_time(r);
    rf_probe_scan_take(r->scan, topic, &a);
    pthread_mutex_unlock(&r->lock);
}

static void *
work(void *arg)
{
    struct run *r = arg;
    struct asker *k = malloc(sizeof *k);
    sigset_t pipe;

    /* OpenSSL writes without MSG_NOSIGNAL, and peers hang up whenever they like. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);

    pthread_mutex_lock(&r->lock);
    if (k == NULL)
        rf_probe_scan_end(r->scan);
    for (;;) {
        enum rf_probe_topic topic;
        struct rf_probe_hello hello;
        struct rf_probe_lists *lists = k != NULL ? &k->lists : &(struct rf_probe_lists){0};
        enum rf_err err = rf_probe_scan_next(r->scan, &topic, &hello, lists);

        if (err == RF_ERR_NOT_FOUND)
            break;
        if (err == RF_ERR_AGAIN) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        pthread_mutex_unlock(&r->lock);
        if (rf_probe_topic_row(topic)->talks)
            hold(r, topic);
        else
            put_question(r, k, topic, &hello);
        pthread_mutex_lock(&r->lock);
        pthread_cond_broadcast(&r->changed);
    }
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    free(k);
    ERR_clear_error();
    return NULL;
}

static enum rf_err
run_scan(const struct rf_probe_conf *conf, struct rf_probe_result *out)
{
    struct rf_probe_scan *scan = calloc(1, sizeof *scan);
    struct run r = {.target = &out->target,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER,
                    .scan = scan};
    pthread_t thread[RF_PROBE_PARALLEL_MAX];
    unsigned n = 0;
    struct rf_addr a;
    const char *name = conf->server_name;

    if (scan == NULL)
        return RF_ERR_NOMEM;
    if (name == NULL)
        name = rf_addr_parse(rf_span_str(conf->host), 0, &a) == RF_OK ? "" : conf->host;
    rf_probe_scan_init(scan, rf_span_str(name), conf->level);
    while (n < conf->parallel && n < RF_PROBE_PARALLEL_MAX && pthread_create(&thread[n], NULL, work, &r) == 0)
        n++;
    if (n == 0) {
        free(scan);
        return RF_ERR_NOMEM;
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    out->facts = scan->facts;
    out->facts.is_timed_out = r.ran_out_of_time;
    out->is_reached = out->facts.has_hello || out->facts.talk.is_up || out->facts.ssl2 == RF_PROBE_YES;
    if (!out->is_reached && out->facts.said[0] != '\0')
        snprintf(out->error, sizeof out->error, "it does not speak TLS on this port; it said: %.60s",
                 out->facts.said);
    else if (!out->is_reached)
        snprintf(out->error, sizeof out->error, "%s", out->facts.first_error);
    free(scan);
    return RF_OK;
}

enum rf_err
rf_probe_run(const struct rf_probe_conf *conf, struct rf_probe_result **out)
{
    struct rf_probe_result *r = calloc(1, sizeof *r);
    struct rf_probe_target *t;
    uint64_t began = rf_now_us();
    enum rf_err err = RF_OK;
    int fd;

    if (r == NULL)
        return RF_ERR_NOMEM;
    t = &r->target;
    snprintf(t->host, sizeof t->host, "%s", conf->host);
    t->port = conf->port;
    t->is_sip = conf->is_sip;
    t->transport = conf->transport;
    t->connection_us = conf->connection_us;
    t->cert = conf->cert;
    t->until_us = began + conf->timeout_us;
    r->is_resolved = resolve(conf->host, conf->transport == RF_PROBE_OVER_UDP ? SOCK_DGRAM : SOCK_STREAM,
                             conf->connection_us, &t->addr, r->error, sizeof r->error);
    if (r->is_resolved)
        rf_addr_set_port(&t->addr, conf->port);
    if (r->is_resolved && conf->transport != RF_PROBE_OVER_TLS) {
        r->facts.connections = rf_probe_talk_plain(t, &r->facts.talk);
        r->is_reached = r->facts.talk.is_up;
        snprintf(r->error, sizeof r->error, "%s", r->is_reached ? "" : r->facts.talk.error);
    } else if (r->is_resolved) {
        fd = rf_probe_connect(t,
                              rf_probe_deadline(t)); /* the reason of the system, before anything is asked */
        r->facts.connections = 1;
        if (fd < 0) {
            snprintf(r->error, sizeof r->error, "%s", strerror(errno));
        } else {
            close(fd);
            err = run_scan(conf, r);
            r->facts.connections++;
        }
    }
    r->took_us = rf_now_us() - began;
    if (err != RF_OK) {
        rf_probe_result_free(r);
        return err;
    }
    *out = r;
    return RF_OK;
}

void
rf_probe_result_free(struct rf_probe_result *r)
{
    if (r == NULL)
        return;
    rf_probe_facts_fini(&r->facts);
    free(r);
}
