/*
 * store/inside.h - the store's own struct, and what its files ask of each other. For this folder alone.
 */
#ifndef RF_STORE_INSIDE_H
#define RF_STORE_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/batch.h"
#include "store/keyring.h"
#include "store/store.h"

enum statement {
    ST_BEGIN, ST_COMMIT, ST_ROLLBACK,
    ST_BINDING_PUT, ST_BINDING_DELETE, ST_BINDING_DELETE_ALL, ST_BINDING_EXPIRE,
    ST_DIALOG_PUT, ST_DIALOG_DELETE,
    ST_RECORD_PUT, ST_RECORD_KEY_PUT,
    ST_RECORD_PRUNE, ST_RECORD_KEY_PRUNE, ST_RECORD_PRUNE_AGE, ST_RECORD_KEY_PRUNE_AGE,
    ST_SETTINGS_NEXT, ST_SETTINGS_PUT, ST_SETTINGS_PRUNE,
    ST_SECRET_PUT, ST_SECRET_DELETE,
    ST_TRUST_PUT, ST_TRUST_DELETE, ST_TRUST_LEAVE, ST_TRUST_RETURN, ST_TRUST_PRUNE,
    ST_USE_PUT, ST_USE_EXPIRE,
    ST_ITEM_PUT, ST_ITEM_DELETE,
    ST_COUNT
};

struct rf_store {
    /* the writer's own */
    sqlite3 *db;
    sqlite3_stmt *st[ST_COUNT];
    struct rf_batch writing;
    int wal_frames;
    uint32_t records_since_prune;
    uint8_t *sealed;      /* scratch: the value of one row, sealed */
    size_t sealed_cap;
    char why[200];        /* that a statement failed for, when it was not SQLite's doing */
    bool has_old_keys;    /* a rotation was committed, and the file still has the keys from before */
    bool is_lax;          /* this connection commits without fsync now */
    int64_t unsynced_ns;  /* since when something is committed without fsync; 0: nothing */

    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t wake;  /* something waits, or stop */
    pthread_cond_t idle;  /* finished moved on */
    struct rf_batch waiting;
    bool writer_sleeps, stop;
    bool writer_gathers; /* for a commit to come */
    bool is_awaited;     /* somebody waits for a write in `waiting` */
    uint64_t queued, finished; /* groups, since the start */
    int flushers;
    uint64_t failed_at_flush; /* counts.failed when the last flush ended */
    int64_t keep_count, keep_age_s;
    bool prune_asked;    /* either was set: look now */
    struct rf_store_counts counts;

    char *dir;           /* constant */

    pthread_mutex_t read_lock;
    sqlite3 *reader;
    /* The writer alone changes it and reads it without the lock. It is to have a key before a row that is sealed by it
     * can be read. */
    struct rf_keyring ring;
};


/** The octets must stay until the statement has run. */
static inline void
rf_store_bind(sqlite3_stmt *st, int at, struct rf_span v)
{
    sqlite3_bind_blob(st, at, v.n > 0 ? v.p : "", (int)v.n, SQLITE_STATIC);
}

static inline struct rf_span
rf_store_column(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);

    return rf_span(p != NULL ? p : "", (size_t)sqlite3_column_bytes(st, i));
}

/* --- sealed.c --- */

/**
 * Make the file and the rows agree: a key when there is none yet, a rotation that was cut off done to its end, rows
 * from before there were keys sealed and their octets wiped from the files. For the first connection, before threads.
 * @return RF_ERR_NOT_FOUND  the key that the rows need is not there; RF_ERR_REFUSED, RF_ERR_STATE, RF_ERR_IO as
 *         rf_keyring_read; with a sentence. Nothing was changed then
 */
RF_MUST_CHECK enum rf_err rf_sealed_settle(sqlite3 *db, struct rf_keyring *ring, const char *dir, char *why,
                                           size_t why_size);
/** In the writer's transaction: a new key, into the file first, and all rows sealed by it. An SQLite result. */
int rf_sealed_rotate(struct rf_store *s);
/** After that transaction: the file keeps the newest key alone. */
void rf_sealed_forget_old(struct rf_store *s);
/** The value of a row that is about to be written, sealed, in s->sealed. An SQLite result. */
int rf_sealed_value(struct rf_store *s, const struct rf_sealed_row *row, struct rf_span value, struct rf_span *out);

#endif
