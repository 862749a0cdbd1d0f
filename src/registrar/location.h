/*
 * registrar/location.h - bindings: at which contacts, by which flows, an address of record can be reached
 *
 * The rules of RFC 3261 10.3, RFC 3327 (Path) and RFC 5626 (outbound: a binding is named by +sip.instance and
 * reg-id, so a phone that connects anew replaces its old flow). The table is read and written by all workers;
 * it is cut into shards by AOR, each with its lock, held only while bindings are copied in or out.
 *
 * A change is made in memory and queued for the store in one step; the caller answers 200 when the store says
 * that it is committed. When the commit fails the caller answers 500 and the AOR is loaded again from the store
 * (rf_location_reload).
 *
 * Life: the store is closed before rf_location_free, so that no answer of it comes late.
 */
#ifndef RF_REGISTRAR_LOCATION_H
#define RF_REGISTRAR_LOCATION_H

#include "base/rand.h"
#include "flow/flow.h"
#include "sip/msg.h"
#include "store/store.h"

#define RF_AOR_MAX          321  /* "sip:", a user of 63 octets, "@", a domain of 253: what conf allows */
#define RF_BINDINGS_PER_AOR 10   /* default of registrar.bindings-max; above: 503 */
#define RF_CONTACT_MAX      512  /* octets of a contact URI */
#define RF_PATH_MAX         1024 /* octets of all Path values together */

struct rf_location;

/* One contact of an AOR. Plain data, copied out by rf_location_find. */
struct rf_binding {
    char contact[RF_CONTACT_MAX];  /* URI without <> */
    char path[RF_PATH_MAX];        /* Route set to reach it; empty: none */
    char instance[80];             /* +sip.instance value; empty: none */
    uint32_t reg_id;               /* 0: none */
    char call_id[128];
    uint32_t cseq;
    uint16_t q;                    /* thousandths: 0 .. 1000 */
    int64_t expires_s;             /* wall clock */
    enum rf_transport transport;   /* of the REGISTER */
    struct rf_addr source;         /* where it came from: NAT's outside */
    uint64_t flow_id;              /* rf_flow.id; a flow of an earlier run is gone */
    uint16_t worker;
    char listener[24];
    char user_agent[96];
};

struct rf_location_limits {
    uint32_t min_expires_s, max_expires_s, default_expires_s; /* 60, 3600, 3600 */
    uint32_t bindings_max;
    uint32_t aors_max;
};

/** @param store  NULL: nothing outlives the process, and changes count as committed at once (plays) */
RF_MUST_CHECK enum rf_err rf_location_new(struct rf_location **out, struct rf_store *store,
                                          const struct rf_rand *rand, const struct rf_location_limits *limits);
/** New limits (a reload); bindings that are there stay. Any thread. */
void rf_location_change(struct rf_location *l, const struct rf_location_limits *limits);
/** Read all bindings that have not expired. At start, before workers run. */
RF_MUST_CHECK enum rf_err rf_location_load(struct rf_location *l, int64_t now_s);
void rf_location_free(struct rf_location *l);

/* What a REGISTER leads to. */
struct rf_register_result {
    /* 200, 400, 403 (bindings-max), 423 (min_expires), 439 (RFC 5626 6), 500 (CSeq order), 503 */
    int status;
    const char *sentence;       /* for a refusal: a constant string, of a 503 what is full; "" for 200 */
    uint32_t bindings;          /* for 403: how many there would be */
    bool waits_for_store;       /* a change was queued: answer when `done` was called */
    uint32_t min_expires_s;
};

/**
 * Do what a REGISTER of an authenticated user asks for: fetch, add, refresh, remove, "*".
 * @param done, ctx, cookie  as of rf_store_write; called only when waits_for_store
 */
void rf_location_register(struct rf_location *l, struct rf_span aor, const struct rf_sip_msg *req,
                          struct rf_flow *flow, int64_t now_s,
                          void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx, uint64_t cookie,
                          struct rf_register_result *out);

/**
 * Contact header lines (with what is left of each one's expires), and the Path, Supported and Require (outbound)
 * ones that the 200 to this request needs.
 */
void rf_location_put_contacts(struct rf_location *l, struct rf_span aor, const struct rf_sip_msg *req,
                              int64_t now_s, struct rf_buf *b);

/**
 * Copy out the bindings of an AOR that have not expired: best q first, then the newest. Of several flows of one
 * instance (RFC 5626 7) only the newest one that is up is given. Returns how many (at most max).
 */
size_t rf_location_find(struct rf_location *l, struct rf_span aor, int64_t now_s, struct rf_binding *out,
                        size_t max);

/** A flow is gone: bindings keep their row but are not reachable until the phone registers again (RF-504). */
void rf_location_flow_gone(struct rf_location *l, uint64_t flow_id);

/**
 * Undo what is only in memory: read this AOR again from the store, behind the writes that wait there now. It
 * returns at once; the bindings change on the store's thread.
 */
void rf_location_reload(struct rf_location *l, struct rf_span aor, int64_t now_s);

/**
 * Forget bindings that have expired, here and in the store. Each call looks at a part of the table; call it once
 * a second from one thread, and all of it is looked at in a minute.
 */
void rf_location_sweep(struct rf_location *l, int64_t now_s);

/** Visit all bindings that have not expired. For `ringfence registrations`. `visit` must not call the location. */
void rf_location_visit(struct rf_location *l, int64_t now_s,
                       void (*visit)(void *ctx, struct rf_span aor, const struct rf_binding *b), void *ctx);

struct rf_location_counts {
    uint64_t aors, bindings;
    uint64_t by_transport[RF_TRANSPORT_COUNT]; /* bindings, of the REGISTER that made them */
};
struct rf_location_counts rf_location_counts(struct rf_location *l);

#endif
