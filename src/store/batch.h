/*
 * store/batch.h - writes that wait for the disk, packed one behind the other
 *
 * A group is what one rf_store_write queued: its writes are committed together or not at all. Groups are packed
 * into one growing block, so that queueing costs a memcpy and no allocation once the block has its size. Two
 * batches swap roles: callers fill one while the store's thread writes the other.
 *
 * Threads: plain data; the store locks. Memory: secrets are wiped by rf_batch_clear.
 */
#ifndef RF_STORE_BATCH_H
#define RF_STORE_BATCH_H

#include "store/store.h"

#define RF_BATCH_OCTETS_MAX (32u << 20) /* 80,000 refreshed bindings of 400 octets: seconds of work for a disk */
#define RF_BATCH_WRITES_MAX 65536u

struct rf_batch_group {
    void (*done)(void *ctx, uint64_t cookie, enum rf_err err);
    void *ctx;
    uint64_t cookie;
    size_t octets; /* of the whole group with this header */
    uint32_t writes;
    bool has_secret;
};

struct rf_batch {
    char *p;
    size_t n, cap;
    size_t groups, writes;
};

/** RF_ERR_NOMEM: the batch is full; nothing was added. */
RF_MUST_CHECK enum rf_err rf_batch_add(struct rf_batch *b, const struct rf_store_write *w, size_t n,
                                       void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx,
                                       uint64_t cookie);
/** The group at offset *at, which moves behind it; NULL at the end. */
const struct rf_batch_group *rf_batch_next(const struct rf_batch *b, size_t *at);
/** The writes of a group: start with at = 0. false after the last. The spans point into the batch. */
bool rf_batch_write(const struct rf_batch_group *g, size_t *at, struct rf_store_write *out);
/** Empty it and keep its memory. */
void rf_batch_clear(struct rf_batch *b);
void rf_batch_fini(struct rf_batch *b);

#endif
