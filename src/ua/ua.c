/* The set, its loop, phones, and the waits. */
#include "ua/inside.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"

static const char *const transport_name[] = { [RF_UA_UDP] = "udp", [RF_UA_TCP] = "tcp", [RF_UA_TLS] = "tls" };

const char *
rf_ua_transport_name(enum rf_ua_transport t)
{
    return transport_name[t];
}

uint64_t
ua_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
ua_random_hex(char *out, size_t octets)
{
    uint8_t random[32];
    struct rf_buf b = rf_buf(out, 2 * octets);

    rf_assert(octets <= sizeof random);
    rf_rand_fill(&rf_rand_system, random, octets);
    rf_put_hex(&b, random, octets);
    out[2 * octets] = '\0';
}

bool
ua_transport_is_secure(const struct rf_ua *ua)
{
    return ua->conf.transport == RF_UA_TLS;
}

/* --- the set --- */

enum rf_err
rf_ua_set_new(struct rf_ua_set **out)
{
    struct rf_ua_set *set = calloc(1, sizeof *set);

    if (set == NULL)
        return RF_ERR_NOMEM;
    rf_list_init(&set->phones);
    set->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (set->epoll < 0) {
        free(set);
        return RF_ERR_IO;
    }
    *out = set;
    return RF_OK;
}

void
rf_ua_set_free(struct rf_ua_set *set)
{
    if (set == NULL)
        return;
    while (!rf_list_empty(&set->phones))
        rf_ua_free(rf_container(set->phones.next, struct rf_ua, link));
    close(set->epoll);
    free(set);
}

/* What is due for every phone; returns when the next thing is. */
static uint64_t
tick(struct rf_ua_set *set)
{
    uint64_t now = ua_now_us(), next = UA_NEVER, due;

    RF_LIST_FOREACH(&set->phones, p) {
        struct rf_ua *ua = rf_container(p, struct rf_ua, link);

        due = ua_txn_tick(ua, now);
        next = due < next ? due : next;
        RF_LIST_FOREACH(&ua->calls, c) {
            due = ua_call_tick(rf_container(c, struct rf_ua_call, link), now);
            next = due < next ? due : next;
        }
        ua_reap(ua);
    }
    return next;
}

void
rf_ua_poll(struct rf_ua_set *set, int timeout_ms)
{
    struct epoll_event event[64];
    uint64_t next = tick(set), now = ua_now_us();
    uint64_t wait_ms = next == UA_NEVER ? UINT64_MAX : next > now ? (next - now + 999) / 1000 : 0;
    int n;

    if (wait_ms < (uint64_t)timeout_ms)
        timeout_ms = (int)wait_ms;
    n = epoll_wait(set->epoll, event, (int)(sizeof event / sizeof event[0]), timeout_ms);
    for (int i = 0; i < n; i++) {
        struct ua_handle *h = event[i].data.ptr;

        h->ready(h, event[i].events);
    }
    tick(set);
}

void
rf_ua_run(struct rf_ua_set *set, uint32_t ms)
{
    uint64_t end = ua_now_us() + (uint64_t)ms * 1000, now;

    while ((now = ua_now_us()) < end)
        rf_ua_poll(set, (int)((end - now + 999) / 1000));
}

/* --- a phone --- */

static enum rf_err
policy_make(struct rf_srtp_policy *p, const struct rf_ua_conf *conf)
{
    struct rf_span unknown;

    memset(p, 0, sizeof *p);
    p->mode = conf->srtp;
    p->answer_savp = conf->answer_savp;
    p->transport_secure = conf->transport == RF_UA_TLS;
    if (conf->suites == NULL) {
        p->suite_count = rf_srtp_suites_for_phones(p->suite);
        return RF_OK;
    }
    if (rf_srtp_suites_parse(rf_span_str(conf->suites), p->suite, &p->suite_count, &unknown) != RF_OK)
        return RF_ERR_RANGE;
    for (size_t i = 0; i < p->suite_count; i++)
        p->allow_null_auth |= rf_srtp_suite(p->suite[i])->has_null_auth;
    return RF_OK;
}

enum rf_err
rf_ua_new(struct rf_ua **out, struct rf_ua_set *set, const struct rf_ua_conf *conf)
{
    struct rf_ua *ua = calloc(1, sizeof *ua);
    struct rf_buf b;
    enum rf_err err;

    if (ua == NULL)
        return RF_ERR_NOMEM;
    ua->set = set;
    ua->conf = *conf;
    ua->digest_used = RF_DIGEST_COUNT;
    rf_list_init(&ua->conns);
    rf_list_init(&ua->ctxns);
    rf_list_init(&ua->stxns);
    rf_list_init(&ua->calls);
    rf_list_append(&set->phones, &ua->link);
    ua_random_hex(ua->register_call_id, 12);
    err = policy_make(&ua->policy, conf);
    if (err == RF_OK && !rf_addr_is_set(&ua->conf.local))
        err = rf_addr_parse(RF_SPAN_LIT("127.0.0.1"), 0, &ua->conf.local);
    if (err == RF_OK)
        err = ua_tls_init(ua);
    if (err == RF_OK)
        err = ua_conn_open_own(ua);
    if (err != RF_OK) {
        int why = errno;

        rf_ua_free(ua);
        errno = why;
        return err;
    }
    b = rf_buf(ua->domain, sizeof ua->domain - 1);
    if (conf->domain != NULL) {
        rf_put_str(&b, conf->domain);
    } else if (rf_addr_is_set(&conf->server)) {
        rf_put_host(&b, &conf->server, true);
    } else {
        rf_put_host(&b, &ua->conf.local, true);
    }
    ua->domain[b.n] = '\0';
    b = rf_buf(ua->aor, sizeof ua->aor - 1);
    rf_put_str(&b, "<sip:");
    rf_put_escaped_user(&b, rf_span_str(conf->user));
    rf_putf(&b, "@%s>", ua->domain);
    ua->aor[b.n] = '\0';
    *out = ua;
    return RF_OK;
}

void
rf_ua_free(struct rf_ua *ua)
{
    if (ua == NULL)
        return;
    while (!rf_list_empty(&ua->calls))
        rf_ua_call_free(rf_container(ua->calls.next, struct rf_ua_call, link));
    while (!rf_list_empty(&ua->ctxns))
        ua_ctxn_free(rf_container(ua->ctxns.next, struct ua_ctxn, link));
    while (!rf_list_empty(&ua->stxns))
        ua_stxn_free(rf_container(ua->stxns.next, struct ua_stxn, link));
    while (!rf_list_empty(&ua->conns))
        ua_conn_free(rf_container(ua->conns.next, struct ua_conn, link));
    SSL_CTX_free(ua->tls_client);
    SSL_CTX_free(ua->tls_server);
    rf_list_remove(&ua->link);
    free(ua);
}

void
ua_reap(struct rf_ua *ua)
{
    RF_LIST_FOREACH(&ua->ctxns, it) {
        struct ua_ctxn *t = rf_container(it, struct ua_ctxn, link);

        if (t->state == UA_DEAD) {
            ua_call_forget_txn(ua, t);
            ua_ctxn_free(t);
        }
    }
    RF_LIST_FOREACH(&ua->stxns, it) {
        struct ua_stxn *t = rf_container(it, struct ua_stxn, link);

        if (t->is_dead) {
            ua_call_forget_txn(ua, t);
            ua_stxn_free(t);
        }
    }
    RF_LIST_FOREACH(&ua->conns, it) {
        struct ua_conn *c = rf_container(it, struct ua_conn, link);

        if (c->is_dead)
            ua_conn_free(c);
    }
}

void
rf_ua_set_conf(struct rf_ua *ua, const struct rf_ua_conf *conf)
{
    struct rf_ua_conf *c = &ua->conf;
    enum rf_err err;

    c->srtp = conf->srtp;
    c->suites = conf->suites;
    c->offer_avp = conf->offer_avp;
    c->answer_savp = conf->answer_savp;
    c->rtcp_mux = conf->rtcp_mux;
    c->tone_hz = conf->tone_hz;
    c->rtcp_ms = conf->rtcp_ms;
    c->record_max = conf->record_max;
    c->reply = conf->reply;
    c->reject_status = conf->reject_status;
    c->ring = conf->ring;
    c->answer_after_ms = conf->answer_after_ms;
    c->digests = conf->digests;
    c->password = conf->password;
    err = policy_make(&ua->policy, c);
    rf_assert(err == RF_OK);
}

static struct ua_conn *
server_conn(const struct rf_ua *ua)
{
    RF_LIST_FOREACH(&ua->conns, it) {
        struct ua_conn *c = rf_container(it, struct ua_conn, link);

        if (!c->is_dead && !c->is_listener && !c->is_server && c->transport != RF_UA_UDP)
            return c;
    }
    return NULL;
}

struct rf_addr
rf_ua_addr(const struct rf_ua *ua)
{
    const struct ua_conn *c = ua->own != NULL ? ua->own : server_conn(ua);

    return c != NULL ? c->local : ua->conf.local;
}

void
rf_ua_link(const struct rf_ua *ua, struct rf_ua_link_info *out)
{
    *out = ua->link_info;
    if (ua->conf.transport == RF_UA_UDP)
        out->is_up = true;
}

enum rf_err
rf_ua_ping(struct rf_ua *ua)
{
    struct ua_conn *c = server_conn(ua);

    return c != NULL && ua_conn_send(c, &c->peer, RF_SPAN_LIT("\r\n\r\n")) ? RF_OK : RF_ERR_STATE;
}

void
rf_ua_drop_link(struct rf_ua *ua)
{
    struct ua_conn *c = server_conn(ua);

    if (c != NULL)
        ua_conn_kill(c, "dropped on demand");
}

enum rf_digest_algorithm
rf_ua_digest_used(const struct rf_ua *ua)
{
    return ua->digest_used;
}

unsigned
rf_ua_bindings(const struct rf_ua *ua)
{
    return ua->bindings;
}

/* --- waits --- */

struct limit {
    uint64_t end_us;
};

static struct limit
limit(uint32_t ms)
{
    return (struct limit){ ua_now_us() + (uint64_t)ms * 1000 };
}

/* Polls once; false when the time is over. */
static bool
poll_within(struct rf_ua_set *set, const struct limit *l)
{
    uint64_t now = ua_now_us();

    if (now >= l->end_us)
        return false;
    rf_ua_poll(set, (int)((l->end_us - now + 999) / 1000));
    return true;
}

enum rf_err
rf_ua_wait_registered(struct rf_ua *ua, uint32_t timeout_ms)
{
    struct limit l = limit(timeout_ms);

    while (ua->register_is_pending)
        if (!poll_within(ua->set, &l))
            return RF_ERR_TIMEOUT;
    if (ua->register_lost)
        return RF_ERR_CLOSED;
    return ua->register_status >= 200 && ua->register_status < 300 ? RF_OK : RF_ERR_REFUSED;
}

enum rf_err
rf_ua_wait_up(struct rf_ua_call *call, uint32_t timeout_ms)
{
    struct limit l = limit(timeout_ms);

    while (call->info.state < RF_UA_UP)
        if (!poll_within(call->ua->set, &l))
            return RF_ERR_TIMEOUT;
    return call->info.state == RF_UA_UP ? RF_OK : RF_ERR_REFUSED;
}

enum rf_err
rf_ua_wait_ended(struct rf_ua_call *call, uint32_t timeout_ms)
{
    struct limit l = limit(timeout_ms);

    while (call->info.state != RF_UA_ENDED)
        if (!poll_within(call->ua->set, &l))
            return RF_ERR_TIMEOUT;
    return RF_OK;
}

enum rf_err
rf_ua_wait_incoming(struct rf_ua *ua, uint32_t timeout_ms, struct rf_ua_call **out)
{
    struct limit l = limit(timeout_ms);

    while ((*out = rf_ua_incoming(ua)) == NULL || (*out)->info.state == RF_UA_ENDED)
        if (!poll_within(ua->set, &l))
            return RF_ERR_TIMEOUT;
    return RF_OK;
}

enum rf_err
rf_ua_wait_reinvite(struct rf_ua_call *call, uint32_t timeout_ms)
{
    struct limit l = limit(timeout_ms);

    while (call->info.reinvite_status == 0 && call->info.state == RF_UA_UP)
        if (!poll_within(call->ua->set, &l))
            return RF_ERR_TIMEOUT;
    return call->info.reinvite_status >= 200 && call->info.reinvite_status < 300 ? RF_OK : RF_ERR_REFUSED;
}

enum rf_err
rf_ua_wait_media(struct rf_ua_call *call, uint64_t packets, uint32_t timeout_ms)
{
    struct limit l = limit(timeout_ms);
    struct rf_ua_media_info m;
    uint64_t want;

    rf_ua_media(call, &m);
    want = m.authentic + m.clear + packets;
    do {
        rf_ua_media(call, &m);
        if (m.authentic + m.clear >= want)
            return RF_OK;
    } while (poll_within(call->ua->set, &l));
    return RF_ERR_TIMEOUT;
}
