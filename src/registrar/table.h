/*
 * registrar/table.h - the inside of the location table, shared by the files of this folder
 *
 * A row is one binding in as many octets as it needs (about 400; struct rf_binding has room for the largest,
 * 2 kB). An entry is an AOR with its rows. Shards are chosen by a keyed hash of the AOR; a second table, by flow,
 * knows which AORs registered by a connection, so that its end costs no search.
 *
 * (I1) A row is in memory and its write in the store's queue under one hold of its shard's lock, so both see the
 *      changes of an AOR in the same order.
 * (I2) Locks are taken in this order: shard, flow shard or store. None is held while a callback of the caller
 *      runs, but for rf_location_visit.
 */
#ifndef RF_REGISTRAR_TABLE_H
#define RF_REGISTRAR_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "registrar/location.h"

#define RF_LOCATION_SHARDS 64
#define RF_CONTACTS_MAX    64  /* of one REGISTER; bindings-max goes to 100 over several */

enum row_text { TEXT_CONTACT, TEXT_PATH, TEXT_INSTANCE, TEXT_CALL_ID, TEXT_LISTENER, TEXT_AGENT, TEXT_COUNT };

struct row {
    struct row *next;
    uint64_t id;       /* names it in the store: random, never 0 */
    uint64_t touched;  /* higher is newer */
    int64_t expires_s;
    uint64_t flow_id;  /* 0: no flow of this run, or gone */
    uint32_t reg_id, cseq;
    uint16_t q, worker;
    uint8_t transport;
    struct rf_addr source;
    uint16_t end[TEXT_COUNT]; /* where each text ends in `text` */
    char text[];
};

struct entry {
    struct rf_hash_node node;
    struct row *rows;
    uint32_t count;
    uint64_t changed; /* number of the last change: a reload sees that others came after it was asked for */
    uint16_t n;
    char aor[];
};

struct shard {
    pthread_mutex_t lock;
    struct rf_hash aors;
    uint64_t bindings, by_transport[RF_TRANSPORT_COUNT];
};

struct flow_shard {
    pthread_mutex_t lock;
    struct rf_hash flows;
};

struct rf_location {
    struct rf_store *store; /* NULL: none */
    struct rf_rand rand;
    struct rf_hash_key key; /* which shard */
    _Atomic uint32_t min_expires_s, max_expires_s, default_expires_s, bindings_max, aors_max;
    _Atomic uint64_t aors, touches;
    _Atomic uint32_t sweep_at;
    struct shard shard[RF_LOCATION_SHARDS];
    struct flow_shard flow[RF_LOCATION_SHARDS];
};

/* A row before it is one. */
struct row_draft {
    uint64_t id, touched, flow_id;
    int64_t expires_s;
    uint32_t reg_id, cseq;
    uint16_t q, worker;
    enum rf_transport transport;
    struct rf_addr source;
    struct rf_span text[TEXT_COUNT];
};

/** A span into the row. */
struct rf_span rf_row_text(const struct row *r, enum row_text which);
/** NULL: memory is out. The texts must fit struct rf_binding. */
struct row *rf_row_new(const struct row_draft *d);
void rf_row_copy(const struct row *r, struct rf_binding *out);
/** What the store keeps of a row, and back; spans of the draft point into the value. (registrar/row.c) */
void rf_row_encode(struct rf_buf *b, const struct row_draft *d);
RF_MUST_CHECK enum rf_err rf_row_decode(struct rf_span value, struct row_draft *out);

/* All with the shard's lock held. */
struct shard *rf_shard_lock(struct rf_location *l, struct rf_span aor);
struct entry *rf_entry_find(const struct shard *s, struct rf_span aor);
/** Finds or makes. NULL: memory or aors_max is out. */
struct entry *rf_entry_make(struct rf_location *l, struct shard *s, struct rf_span aor);
void rf_entry_free_if_empty(struct rf_location *l, struct shard *s, struct entry *e);
void rf_entry_add(struct shard *s, struct entry *e, struct row *r);
void rf_entry_remove(struct shard *s, struct entry *e, struct row *r); /* frees the row */
/** Take out rows that have expired; those in the store are deleted when its queue has room (else by the load at
 *  the next start). */
void rf_entry_expire(struct rf_location *l, struct shard *s, struct entry *e, int64_t now_s);
/** Something of it was queued for the store. */
void rf_entry_changed(struct rf_location *l, struct entry *e);
/** Remember that this AOR registered by this flow. */
void rf_flow_note(struct rf_location *l, uint64_t flow_id, struct rf_span aor);

#endif
