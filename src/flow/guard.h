/*
 * flow/guard.h - how much one source may ask: floods, scans and guessed passwords
 *
 * A source is an IPv4 address or an IPv6 /64. Each has its share of connections and of requests that nobody signed
 * in for; beyond it the answer is 503 with Retry-After. Who goes on regardless, or guesses passwords, is banned
 * for ban_first_us, then twice as long each time, up to ban_max_us.
 *
 * Datagrams can be forged, so only a proven source is ever banned: one that completed a TCP handshake, or that
 * echoed a nonce which we sent to this very address. Otherwise a forger could have his victim banned.
 *
 * One of these serves all workers, so a source that spreads over ports and connections has one share and one ban.
 *
 * Pure: time comes as an argument, the caller logs what it decides with. Threads: any; sources are spread over up to
 * 64 shards by a secret hash, each with a lock that is held for a look-up, once a request. Whether a source is banned
 * takes no lock while its shard has no ban. Memory: bounded; about 130 octets a source, and no allocation once all
 * places are taken.
 */
#ifndef RF_FLOW_GUARD_H
#define RF_FLOW_GUARD_H

#include "base/addr.h"
#include "base/rand.h"
#include "flow/ban_memory.h"

struct rf_guard;

struct rf_guard_limits {
    uint32_t connections_per_s, connections_burst; /* of one source; 0: no limit */
    uint32_t requests_per_s, requests_burst;       /* without valid credentials; 0: no limit */
    uint32_t refused_max;        /* refusals within refused_us before a proven source is banned; 0: never */
    uint64_t refused_us;
    uint32_t wrong_passwords_max;/* within wrong_us; 0: no limit */
    uint64_t wrong_us;
    uint64_t ban_first_us, ban_max_us; /* 0: no bans */
    uint32_t sources_max;        /* remembered */
    bool loopback_is_exempt;
};

/* An office of 500 phones behind one address that comes back after a power cut must get through: 200 connections a
 * second after a burst of 1000. A phone needs two requests to sign in, one of them without credentials. */
#define RF_GUARD_LIMITS                                                                                       \
    {                                                                                                         \
        .connections_per_s = 200, .connections_burst = 1000, .requests_per_s = 200, .requests_burst = 1000,   \
        .refused_max = 1000, .refused_us = 10000000, .wrong_passwords_max = 20, .wrong_us = 60000000,         \
        .ban_first_us = 60000000, .ban_max_us = 3600000000u, .sources_max = 65536, .loopback_is_exempt = true \
    }

enum rf_guard_verdict {
    RF_GUARD_ALLOW,
    RF_GUARD_LATER, /* 503 with Retry-After, or close; unproven sources may as well get nothing */
    RF_GUARD_BANNED /* close, or drop; 503 with Retry-After where an answer is due (RF-511) */
};

struct rf_guard_answer {
    enum rf_guard_verdict verdict;
    uint32_t retry_after_s; /* for the header; 0 when allowed */
    bool is_new_ban;        /* it begins with this: log it */
    const char *reason;     /* what there was too much of, and the setting; a constant string, NULL when allowed */
};

/**
 * @param memory  where bans outlive us (those in it go on), kept by the caller until rf_guard_free; NULL: none
 */
RF_MUST_CHECK enum rf_err rf_guard_new(struct rf_guard **out, const struct rf_guard_limits *limits,
                                       struct rf_ban_memory *memory, const struct rf_rand *rand, uint64_t now_us);
void rf_guard_free(struct rf_guard *g); /* NULL is fine */
/** New limits after a reload; bans that run go on, unless bans are off now. */
void rf_guard_set_limits(struct rf_guard *g, const struct rf_guard_limits *limits);

/** A connection of this source was accepted (proven). */
struct rf_guard_answer rf_guard_connection(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us);
/** A request without valid credentials came. */
struct rf_guard_answer rf_guard_request(struct rf_guard *g, const struct rf_addr *source, bool is_proven,
                                        uint64_t now_us);
/** Credentials were wrong. is_proven also when the nonce was ours for this address. */
struct rf_guard_answer rf_guard_wrong_password(struct rf_guard *g, const struct rf_addr *source, bool is_proven,
                                               uint64_t now_us);
/** Credentials were right: guesses before do not count (one phone of an office mistyped). */
void rf_guard_signed_in(struct rf_guard *g, const struct rf_addr *source);

/** Is it banned now? Counts nothing. */
struct rf_guard_answer rf_guard_ask(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us);
/** Lift a ban; the next one begins small again. false: it was not banned. */
bool rf_guard_unban(struct rf_guard *g, const struct rf_addr *source, uint64_t now_us);

struct rf_guard_ban {
    struct rf_addr source; /* of an IPv6 /64 its first address; no port */
    uint32_t left_s;
    uint8_t level;         /* the how manieth it is */
    const char *reason;
};
/** Bans that run, at most `max` of them; returns how many. */
size_t rf_guard_bans(struct rf_guard *g, uint64_t now_us, struct rf_guard_ban *out, size_t max);

struct rf_guard_counts {
    uint32_t sources, banned;            /* now */
    uint64_t refused, bans, forgotten;   /* since the start */
};
struct rf_guard_counts rf_guard_counts(struct rf_guard *g);

#endif
