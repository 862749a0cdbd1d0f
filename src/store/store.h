/*
 * store/store.h - what must not be lost: bindings, calls that are up, call records, settings, secrets,
 * trusted certificates, which TLS devices used, and items: few and small things of one kind each
 *
 * One interface; SQLite behind it (store/sqlite.c), PostgreSQL later. One thread of its own writes, in groups:
 * all writes that wait are one transaction (WAL, synchronous=FULL), and each is answered after the commit. A
 * disk that is full or broken fails writes one by one and never stops the daemon.
 *
 * Secrets, items and the settings are kept sealed, by a key that lies beside the database (store/keyring.h).
 *
 * Threads: rf_store_write from any thread; answers come by the `done` callback on the store's thread, which
 * posts them to a mailbox. Reads (rf_store_load_*) are for start-up and for commands, on any thread.
 */
#ifndef RF_STORE_STORE_H
#define RF_STORE_STORE_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"

struct rf_store;

enum rf_store_op {
    RF_STORE_BINDING_PUT,    /* key: aor; sub: binding key; value: blob; expires_s */
    RF_STORE_BINDING_DELETE, /* key, sub; sub empty: all of the AOR */
    RF_STORE_DIALOG_PUT,     /* key: call id; value: blob: a call that is up */
    RF_STORE_DIALOG_DELETE,
    RF_STORE_RECORD_PUT,     /* key: call id; sub: rf_store_put_words; value: JSON call record; expires_s: when it
                              * began, wall seconds */
    RF_STORE_SETTINGS_PUT,   /* value: the store's layer of the configuration, whole; key: who changed it */
    RF_STORE_SECRET_PUT,     /* key: name; value: octets */
    RF_STORE_SECRET_DELETE,
    RF_STORE_BINDING_EXPIRE, /* expires_s: delete all bindings that end then or earlier (reads the whole table) */
    /* Trusted certificates. Each change stands behind a SETTINGS_PUT of the same group, whose version it belongs to,
     * so that the settings of a version and the certificates of a version are one thing that can be gone back to. */
    RF_STORE_TRUST_PUT,      /* key: fingerprint; sub: for what; value: blob; expires_s: when, wall seconds */
    RF_STORE_TRUST_DELETE,   /* key, sub */
    RF_STORE_TRUST_RESTORE,  /* expires_s: a version; the trusted certificates are those of it again */
    RF_STORE_USE_PUT,        /* key: device; sub: what it used; value: blob; expires_s: until when it is kept */
    RF_STORE_USE_EXPIRE,     /* expires_s: delete all uses that end then or earlier */
    RF_STORE_ITEM_PUT,       /* key: kind, such as "acme-certificate"; sub: name; value: blob, may hold keys */
    RF_STORE_ITEM_DELETE,    /* key, sub */
    RF_STORE_KEY_ROTATE      /* a new key, by which all that is kept sealed is sealed again */
};
#define RF_STORE_OP_LAST RF_STORE_KEY_ROTATE

struct rf_store_write {
    enum rf_store_op op;
    struct rf_span key, sub, value; /* copied */
    int64_t expires_s;              /* wall clock */
};

/**
 * Open (make, migrate) the database below dir (ringfence.db, mode 0600) and start its thread.
 * RF_ERR_IO (errno), RF_ERR_UNSUPPORTED made by a newer version, RF_ERR_STATE damaged; RF_ERR_NOT_FOUND the key of its
 * secrets is missing (RF-813), RF_ERR_REFUSED others may read it (RF-809). Nothing was changed then.
 * @param why  on error a sentence for the operator, in a buffer of the caller
 */
RF_MUST_CHECK enum rf_err rf_store_open(struct rf_store **out, const char *dir, char *why, size_t why_size);
/** Writes what waits, then ends. NULL is fine. */
void rf_store_close(struct rf_store *s);

/**
 * Queue n writes that are committed together or not at all. With n == 0 nothing is written, and done is called
 * when all that was queued before has been answered.
 * @param done    called on the store's thread after the commit (RF_OK) or its failure (RF_ERR_IO: nothing of the
 *                n was written); NULL: nobody asks. It must not block; it usually posts to a mailbox.
 * @param ctx, cookie  handed to done
 * @return RF_ERR_NOMEM: the queue is full (answer 503); RF_ERR_RANGE: a secret above RF_SECRET_MAX or no key;
 *         done is not called then
 */
RF_MUST_CHECK enum rf_err rf_store_write(struct rf_store *s, const struct rf_store_write *w, size_t n,
                                         void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx,
                                         uint64_t cookie);
/**
 * Wait until all that was queued before is committed or has failed. For commands and stop.
 * RF_ERR_IO when a write has failed since the last flush. Not from `done`.
 */
RF_MUST_CHECK enum rf_err rf_store_flush(struct rf_store *s);

/*
 * Rows, one by one; `row` returns false to stop. The spans are valid during the call. `row` must not call the
 * store; while it runs the write-ahead log cannot be cut short, so it copies and returns.
 * RF_ERR_IO, RF_ERR_STATE (damaged).
 */
typedef bool rf_store_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value,
                          int64_t expires_s);
RF_MUST_CHECK enum rf_err rf_store_load_bindings(struct rf_store *s, struct rf_span aor_or_empty,
                                                 rf_store_row *row, void *ctx);
RF_MUST_CHECK enum rf_err rf_store_load_dialogs(struct rf_store *s, rf_store_row *row, void *ctx);
/** Newest first, at most `limit`; key_or_empty: only that call (a prefix of 4 or more characters will do). */
RF_MUST_CHECK enum rf_err rf_store_load_records(struct rf_store *s, struct rf_span key_or_empty, int limit,
                                                rf_store_row *row, void *ctx);
/*
 * What a record is found by. Empty: whatever it is; `before`: only records that were stored before the one with this
 * number (0: all), so that a long list is read in pages, newest first.
 */
struct rf_store_search {
    struct rf_span user;       /* a user who called or was called */
    struct rf_span number;     /* that called, was dialled or was called; a user's name, too */
    struct rf_span connection; /* that either leg went over */
    struct rf_span verdict;    /* the worst of its life: "CLEAR" */
    struct rf_span code;       /* "RF-301" */
    int64_t from_s, until_s;   /* when it began: at `from_s` or later, before `until_s`; 0: any time */
    int64_t before;
    int limit;
};
/** Newest first; sub: the record's number as text, for `before`. */
RF_MUST_CHECK enum rf_err rf_store_search_records(struct rf_store *s, const struct rf_store_search *by,
                                                  rf_store_row *row, void *ctx);

#define RF_STORE_RECORD_WORDS 7
/** The words of a record in this order: caller, number dialled, who was called, connection of leg A, of leg B, worst
 *  verdict, code. NULL: none. For `sub` of RF_STORE_RECORD_PUT. */
void rf_store_put_words(struct rf_buf *b, const char *const word[static RF_STORE_RECORD_WORDS]);

/** The newest version; no row when there is none yet. sub: version number as text. */
RF_MUST_CHECK enum rf_err rf_store_load_settings(struct rf_store *s, rf_store_row *row, void *ctx);
RF_MUST_CHECK enum rf_err rf_store_load_secret(struct rf_store *s, struct rf_span name, struct rf_secret *out);
/** Names of all secrets (key), by which key each is sealed (sub, in hexadecimal), never their octets. */
RF_MUST_CHECK enum rf_err rf_store_load_secret_names(struct rf_store *s, rf_store_row *row, void *ctx);
/**
 * Earlier versions of the settings, newest first; key: who, sub: version number as text, value: the text,
 * expires_s: when, wall seconds. @param version  only this one; 0: all that are kept
 */
RF_MUST_CHECK enum rf_err rf_store_load_history(struct rf_store *s, int64_t version, rf_store_row *row, void *ctx);

/** Trusted certificates as of now (version 0) or of a version that is kept; key: fingerprint, sub: for what. */
RF_MUST_CHECK enum rf_err rf_store_load_trusted(struct rf_store *s, int64_t version, rf_store_row *row, void *ctx);
/** What devices used, by device. */
RF_MUST_CHECK enum rf_err rf_store_load_uses(struct rf_store *s, rf_store_row *row, void *ctx);

/** All items of a kind by name: sub is the name. */
RF_MUST_CHECK enum rf_err rf_store_load_items(struct rf_store *s, struct rf_span kind, rf_store_row *row, void *ctx);

#define RF_STORE_HISTORY_MAX 50 /* versions of the settings that are kept */

/**
 * How many call records are kept, and for how long.
 * @param count  at least 1; 100,000 when this is never called
 * @param age_s  0: for ever
 */
void rf_store_keep_records(struct rf_store *s, int64_t count, int64_t age_s);

struct rf_store_counts {
    uint64_t writes, commits, failed; /* since the start */
    uint32_t queued;
    enum rf_err last_error;           /* RF_OK after a commit that worked */
    char last_why[160];
};
void rf_store_counts(struct rf_store *s, struct rf_store_counts *out);

#endif
