/*
 * net/dns.h - asks the DNS, and remembers answers as long as their TTL allows
 *
 * c-ares carries the questions (its sockets and timers live in our loop), net/dns_msg.h reads the answers. Names
 * of the hosts file are answered from it. The same question asked twice at once travels once.
 *
 * Threads: one of these a worker. Memory: the cache is bounded; the least recently used answer goes first.
 */
#ifndef RF_NET_DNS_H
#define RF_NET_DNS_H

#include "base/list.h"
#include "base/rand.h"
#include "loop/loop.h"
#include "net/dns_msg.h"

struct rf_dns;

#define RF_DNS_SERVERS_MAX 8 /* more than three are of no use: each is waited for */

struct rf_dns_conf {
    const struct rf_addr *server; /* whom to ask, port included */
    size_t server_count;          /* 0: those of the system */
    const char *hosts;            /* "/etc/hosts"; NULL: none */
    uint32_t cache_max;           /* answers remembered */
    uint32_t pending_max;         /* questions under way */
    uint32_t timeout_ms;          /* of the first try; there are three, each with twice the time */
};

#define RF_DNS_CONF                                                                                           \
    {                                                                                                         \
        .hosts = "/etc/hosts", .cache_max = 4096, .pending_max = 1024, .timeout_ms = 1500                     \
    }

/* A question under way. Lies inside its owner, who cancels it before it ends; zeroed before first use. */
struct rf_dns_query {
    struct rf_link link;
    /** From the loop, never from inside rf_dns_ask. The answer is valid until it asks again or returns. */
    void (*done)(struct rf_dns_query *q, const struct rf_dns_answer *answer, uint64_t now_us);
};

RF_MUST_CHECK enum rf_err rf_dns_new(struct rf_dns **out, struct rf_loop *loop, const struct rf_dns_conf *conf,
                                     const struct rf_rand *rand);
/** Questions under way are forgotten without a call. NULL is fine. */
void rf_dns_free(struct rf_dns *d);

/** What is remembered, or NULL; valid until the loop goes on. */
const struct rf_dns_answer *rf_dns_cached(struct rf_dns *d, enum rf_dns_type type, struct rf_span name,
                                          uint64_t now_us);

/**
 * Ask; q->done hears the answer, also when it is a failure.
 * @return RF_ERR_SYNTAX not a name that can be asked; RF_ERR_NOMEM too many questions are under way
 */
RF_MUST_CHECK enum rf_err rf_dns_ask(struct rf_dns *d, struct rf_dns_query *q, enum rf_dns_type type,
                                     struct rf_span name, uint64_t now_us);
void rf_dns_cancel(struct rf_dns_query *q); /* fine when it is not under way */

/** Forget everything but the hosts file (`ringfence reload`, a network that changed). */
void rf_dns_forget(struct rf_dns *d);

struct rf_dns_counts {
    uint32_t cached, pending;      /* now */
    uint64_t asked, hits, failed;  /* since the start */
};
struct rf_dns_counts rf_dns_counts(const struct rf_dns *d);

#endif
