/*
 * The store on SQLite.
 *
 * (I1) `done` with RF_OK is called only after COMMIT returned, and COMMIT returns after fsync (synchronous=FULL).
 *      A transaction of nobody's asking (records and copies of calls) is committed without: it outlives any process
 *      from there on, and the machine after SYNC_WITHIN_NS.
 * (I2) The store's thread alone writes; it holds the lock only to swap batches, never during SQLite's work.
 * (I3) A group is written whole or not at all: a transaction that fails is rolled back, and its groups are
 *      tried again one transaction each, so that one that cannot be written takes no other with it.
 * (I4) The write-ahead log is copied into the database after CHECKPOINT_FRAMES, so it stays bounded.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "store/inside.h"
#include "store/schema.h"

#define TRANSACTION_WRITES 4096  /* the longest a lone write can wait behind others: 50 ms of SQLite's work */
/* From commit to commit under load, in which all that comes shares an fsync: when somebody waits for an answer, and
 * when nobody does (records and copies of calls). */
#define COMMIT_EVERY_NS    8000000
#define COMMIT_LAZILY_NS   25000000
#define SYNC_WITHIN_NS     1000000000 /* what was committed without fsync */
#define CHECKPOINT_FRAMES  4096  /* 16 MiB of log */
#define RESTART_FRAMES     32768 /* 128 MiB: a reader held the log open; now wait for it */
#define GIVE_UP_AFTER      16    /* failures in a row after which the rest of a transaction fails untried */
#define PRUNE_EVERY        1024  /* call records between two looks at how many there are */
#define PRUNE_AT_ONCE      512   /* that one transaction deletes: others wait behind it for 20 ms of work */
#define HISTORY_OCTETS_MAX (64 << 20)

static const char *const statement_text[ST_COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_BINDING_PUT] = "INSERT INTO binding(aor, sub, value, expires_s) VALUES(?1, ?2, ?3, ?4)"
                       " ON CONFLICT(aor, sub) DO UPDATE SET value=excluded.value, expires_s=excluded.expires_s",
    [ST_BINDING_DELETE] = "DELETE FROM binding WHERE aor=?1 AND sub=?2",
    [ST_BINDING_DELETE_ALL] = "DELETE FROM binding WHERE aor=?1",
    [ST_BINDING_EXPIRE] = "DELETE FROM binding WHERE expires_s<=?4",
    [ST_DIALOG_PUT] = "INSERT INTO dialog(call_id, value) VALUES(?1, ?3)"
                      " ON CONFLICT(call_id) DO UPDATE SET value=excluded.value",
    [ST_DIALOG_DELETE] = "DELETE FROM dialog WHERE call_id=?1",
    [ST_RECORD_PUT] = "INSERT INTO record(call_id, value, began_s) VALUES(?1, ?3, ?4)"
                      " ON CONFLICT(call_id) DO UPDATE SET value=excluded.value, began_s=excluded.began_s",
    [ST_RECORD_KEY_PUT] = "INSERT OR REPLACE INTO record_key(seq, began_s, caller, called, callee, connection_a,"
                          " connection_b, verdict, code)"
                          " VALUES((SELECT seq FROM record WHERE call_id=?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    /* At most ?2 rows at once, so that no transaction grows with what is to be deleted. */
    [ST_RECORD_PRUNE] = "DELETE FROM record WHERE seq <= min((SELECT max(seq) FROM record) - ?1,"
                        " (SELECT min(seq) FROM record) + ?2 - 1)",
    [ST_RECORD_KEY_PRUNE] = "DELETE FROM record_key WHERE seq < (SELECT min(seq) FROM record)",
    [ST_RECORD_PRUNE_AGE] = "DELETE FROM record WHERE seq IN"
                            " (SELECT seq FROM record_key WHERE began_s<?1 ORDER BY began_s, seq LIMIT ?2)",
    [ST_RECORD_KEY_PRUNE_AGE] = "DELETE FROM record_key WHERE seq IN"
                                " (SELECT seq FROM record_key WHERE began_s<?1 ORDER BY began_s, seq LIMIT ?2)",
    /* The version is part of what its text is sealed with. */
    [ST_SETTINGS_NEXT] = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name='settings'), 0) + 1",
    [ST_SETTINGS_PUT] = "INSERT INTO settings(version, who, value, at_s, key_id) VALUES(?4, ?1, ?3, unixepoch(), ?5)",
    /* The newest always stays; older ones while there are at most ?1 and ?2 octets in all. */
    [ST_SETTINGS_PRUNE] = "DELETE FROM settings WHERE version IN (SELECT version FROM (SELECT version,"
                          " row_number() OVER newest AS n, sum(length(value)) OVER newest AS octets FROM settings"
                          " WINDOW newest AS (ORDER BY version DESC)) WHERE n > ?1 OR (n > 1 AND octets > ?2))",
    [ST_SECRET_PUT] = "INSERT INTO secret(name, value, key_id) VALUES(?1, ?3, ?5)"
                      " ON CONFLICT(name) DO UPDATE SET value=excluded.value, key_id=excluded.key_id",
    [ST_SECRET_DELETE] = "DELETE FROM secret WHERE name=?1",
    [ST_TRUST_PUT] = "INSERT INTO trusted(fingerprint, scope, value, at_s, came)"
                     " VALUES(?1, ?2, ?3, ?4, (SELECT coalesce(max(version), 0) FROM settings))",
    [ST_TRUST_DELETE] = "UPDATE trusted SET went=(SELECT coalesce(max(version), 0) FROM settings)"
                        " WHERE fingerprint=?1 AND scope=?2 AND went IS NULL",
    /* Back to version ?4: what came after it leaves, then what went after it returns. */
    [ST_TRUST_LEAVE] = "UPDATE trusted SET went=(SELECT coalesce(max(version), 0) FROM settings)"
                       " WHERE went IS NULL AND came>?4",
    [ST_TRUST_RETURN] = "INSERT INTO trusted(fingerprint, scope, value, at_s, came)"
                        " SELECT fingerprint, scope, value, at_s, (SELECT coalesce(max(version), 0) FROM settings)"
                        " FROM trusted WHERE came<=?4 AND went>?4",
    [ST_TRUST_PRUNE] = "DELETE FROM trusted WHERE went<=(SELECT min(version) FROM settings)",
    [ST_USE_PUT] = "INSERT INTO tls_use(device, sub, value, expires_s) VALUES(?1, ?2, ?3, ?4)"
                   " ON CONFLICT(device, sub) DO UPDATE SET value=excluded.value, expires_s=excluded.expires_s",
    [ST_USE_EXPIRE] = "DELETE FROM tls_use WHERE expires_s<=?4",
    [ST_ITEM_PUT] = "INSERT INTO item(kind, name, value, key_id) VALUES(?1, ?2, ?3, ?5)"
                    " ON CONFLICT(kind, name) DO UPDATE SET value=excluded.value, key_id=excluded.key_id",
    [ST_ITEM_DELETE] = "DELETE FROM item WHERE kind=?1 AND name=?2",
};

static int64_t
monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- when the disk is waited for ---------------------------------------------------------------------- */

/* A pragma acts when it is compiled, so there is no statement to keep. Where it fails, the stricter one stays. */
static void
set_lax(struct rf_store *s, bool is_lax)
{
    if (s->is_lax == is_lax)
        return;
    if (sqlite3_exec(s->db, is_lax ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", NULL, NULL, NULL) ==
        SQLITE_OK)
        s->is_lax = is_lax;
}

/* fsync of the log alone, when no transaction comes that would do it. What fails is tried again with the next. */
static void
sync_log(struct rf_store *s)
{
    sqlite3_file *log = NULL;

    if (sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log != NULL &&
        log->pMethods != NULL)
        log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    s->unsynced_ns = 0;
}

/* --- one transaction ---------------------------------------------------------------------------------- */

static int
run(struct rf_store *s, enum statement which)
{
    int r = sqlite3_step(s->st[which]);

    sqlite3_reset(s->st[which]);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

/* A trusted certificate that is put takes the place of the same one; going back lets the later ones leave first. */
static int
make_way(struct rf_store *s, const struct rf_store_write *w)
{
    enum statement which = w->op == RF_STORE_TRUST_PUT ? ST_TRUST_DELETE : ST_TRUST_LEAVE;
    int r;

    if (w->op == RF_STORE_TRUST_PUT) {
        rf_store_bind(s->st[which], 1, w->key);
        rf_store_bind(s->st[which], 2, w->sub);
    } else {
        sqlite3_bind_int64(s->st[which], 4, w->expires_s);
    }
    r = run(s, which);
    sqlite3_clear_bindings(s->st[which]);
    return r;
}

/* Words of a record for searches: the fields of w->sub, each with a NUL behind it; what is missing is empty. */
static int
put_record_key(struct rf_store *s, const struct rf_store_write *w)
{
    sqlite3_stmt *st = s->st[ST_RECORD_KEY_PUT];
    struct rf_span left = w->sub;
    int r;

    rf_store_bind(st, 1, w->key);
    sqlite3_bind_int64(st, 2, w->expires_s);
    for (int i = 0; i < RF_STORE_RECORD_WORDS; i++) {
        size_t n = rf_span_find(left, '\0');

        rf_store_bind(st, 3 + i, rf_span_sub(left, 0, n));
        left = rf_span_sub(left, n + 1, left.n);
    }
    r = run(s, ST_RECORD_KEY_PUT);
    sqlite3_clear_bindings(st);
    return r;
}

static int
next_version(struct rf_store *s, int64_t *version)
{
    sqlite3_stmt *st = s->st[ST_SETTINGS_NEXT];
    int r = sqlite3_step(st);

    if (r == SQLITE_ROW)
        *version = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return r == SQLITE_ROW ? SQLITE_OK : r;
}

/* What is kept sealed: value and key of the row, and for the settings the version that it is bound to. */
static int
bind_sealed(struct rf_store *s, sqlite3_stmt *st, const struct rf_store_write *w)
{
    struct rf_sealed_row row = { "secret", w->key, { "", 0 } };
    char text[24];
    struct rf_span sealed;
    int64_t version = 0;
    int r = SQLITE_OK;

    if (w->op == RF_STORE_ITEM_PUT) {
        row = (struct rf_sealed_row){ "item", w->key, w->sub };
    } else if (w->op == RF_STORE_SETTINGS_PUT) {
        r = next_version(s, &version);
        if (r != SQLITE_OK)
            return r;
        snprintf(text, sizeof text, "%lld", (long long)version);
        row = (struct rf_sealed_row){ "settings", rf_span_str(text), w->key };
        sqlite3_bind_int64(st, 4, version);
    }
    r = rf_sealed_value(s, &row, w->value, &sealed);
    if (r != SQLITE_OK)
        return r;
    rf_store_bind(st, 3, sealed);
    sqlite3_bind_int64(st, 5, rf_keyring_newest(&s->ring));
    return SQLITE_OK;
}

static int
apply_write(struct rf_store *s, const struct rf_store_write *w)
{
    static const struct {
        enum statement which;
        bool has_sub, has_value, has_time, is_sealed;
    } plan[] = {
        [RF_STORE_BINDING_PUT] = { ST_BINDING_PUT, true, true, true, false },
        [RF_STORE_BINDING_DELETE] = { ST_BINDING_DELETE, true, false, false, false },
        [RF_STORE_DIALOG_PUT] = { ST_DIALOG_PUT, false, true, false, false },
        [RF_STORE_DIALOG_DELETE] = { ST_DIALOG_DELETE, false, false, false, false },
        [RF_STORE_RECORD_PUT] = { ST_RECORD_PUT, false, true, true, false },
        [RF_STORE_SETTINGS_PUT] = { ST_SETTINGS_PUT, false, false, false, true },
        [RF_STORE_SECRET_PUT] = { ST_SECRET_PUT, false, false, false, true },
        [RF_STORE_SECRET_DELETE] = { ST_SECRET_DELETE, false, false, false, false },
        [RF_STORE_BINDING_EXPIRE] = { ST_BINDING_EXPIRE, false, false, true, false },
        [RF_STORE_TRUST_PUT] = { ST_TRUST_PUT, true, true, true, false },
        [RF_STORE_TRUST_DELETE] = { ST_TRUST_DELETE, true, false, false, false },
        [RF_STORE_TRUST_RESTORE] = { ST_TRUST_RETURN, false, false, true, false },
        [RF_STORE_USE_PUT] = { ST_USE_PUT, true, true, true, false },
        [RF_STORE_USE_EXPIRE] = { ST_USE_EXPIRE, false, false, true, false },
        [RF_STORE_ITEM_PUT] = { ST_ITEM_PUT, true, false, false, true },
        [RF_STORE_ITEM_DELETE] = { ST_ITEM_DELETE, true, false, false, false },
    };
    bool all_of_aor = w->op == RF_STORE_BINDING_DELETE && w->sub.n == 0;
    enum statement which;
    sqlite3_stmt *st;
    int r = SQLITE_OK;

    if (w->op == RF_STORE_KEY_ROTATE)
        return rf_sealed_rotate(s);
    which = all_of_aor ? ST_BINDING_DELETE_ALL : plan[w->op].which;
    st = s->st[which];
    if (w->op == RF_STORE_TRUST_PUT || w->op == RF_STORE_TRUST_RESTORE)
        r = make_way(s, w);
    if (r != SQLITE_OK)
        return r;
    rf_store_bind(st, 1, w->key);
    if (plan[w->op].has_sub && !all_of_aor)
        rf_store_bind(st, 2, w->sub);
    if (plan[w->op].has_value)
        rf_store_bind(st, 3, w->value);
    if (plan[w->op].has_time)
        sqlite3_bind_int64(st, 4, w->expires_s);
    if (plan[w->op].is_sealed)
        r = bind_sealed(s, st, w);
    if (r == SQLITE_OK)
        r = run(s, which);
    sqlite3_clear_bindings(st);
    if (r == SQLITE_OK && w->op == RF_STORE_SETTINGS_PUT) {
        sqlite3_bind_int64(s->st[ST_SETTINGS_PRUNE], 1, RF_STORE_HISTORY_MAX);
        sqlite3_bind_int64(s->st[ST_SETTINGS_PRUNE], 2, HISTORY_OCTETS_MAX);
        r = run(s, ST_SETTINGS_PRUNE);
        if (r == SQLITE_OK)
            r = run(s, ST_TRUST_PRUNE);
    }
    if (r == SQLITE_OK && w->op == RF_STORE_RECORD_PUT) {
        s->records_since_prune++;
        r = put_record_key(s, w);
    }
    return r;
}

static int
apply_group(struct rf_store *s, const struct rf_batch_group *g)
{
    struct rf_store_write w;
    size_t at = 0;
    int r = SQLITE_OK;

    while (r == SQLITE_OK && rf_batch_write(g, &at, &w))
        r = apply_write(s, &w);
    return r;
}

/* Groups of the batch from `from` to before `to`, in one transaction. */
static enum rf_err
commit_groups(struct rf_store *s, size_t from, size_t to, char *why, size_t why_size)
{
    const struct rf_batch_group *g;
    int r = run(s, ST_BEGIN);

    while (r == SQLITE_OK && from < to && (g = rf_batch_next(&s->writing, &from)) != NULL)
        r = apply_group(s, g);
    if (r == SQLITE_OK)
        r = run(s, ST_COMMIT);
    if (r == SQLITE_OK) {
        s->unsynced_ns = !s->is_lax ? 0 : s->unsynced_ns != 0 ? s->unsynced_ns : monotonic_ns();
        return RF_OK;
    }
    if (s->why[0] != '\0')
        snprintf(why, why_size, "%s", s->why);
    else
        rf_schema_why(s->db, why, why_size);
    s->why[0] = '\0';
    if (!sqlite3_get_autocommit(s->db)) {
        int undone = run(s, ST_ROLLBACK);

        /* Some failures roll back by themselves; then there is nothing left to undo. */
        rf_assert(undone == SQLITE_OK || sqlite3_get_autocommit(s->db));
    }
    return RF_ERR_IO;
}

static void
answer_groups(struct rf_store *s, size_t from, size_t to, enum rf_err err)
{
    const struct rf_batch_group *g;

    while (from < to && (g = rf_batch_next(&s->writing, &from)) != NULL)
        if (g->done != NULL)
            g->done(g->ctx, g->cookie, err);
}

static void
count_result(struct rf_store *s, uint64_t groups, uint64_t writes, enum rf_err err, const char *why)
{
    pthread_mutex_lock(&s->lock);
    if (err == RF_OK) {
        s->counts.writes += writes;
        s->counts.commits++;
        if (writes > 0) { /* a group of questions alone proves nothing about the disk */
            s->counts.last_why[0] = '\0';
            s->counts.last_error = RF_OK;
        }
    } else {
        s->counts.failed += groups;
        snprintf(s->counts.last_why, sizeof s->counts.last_why, "%s", why);
        s->counts.last_error = err;
    }
    pthread_mutex_unlock(&s->lock);
}

/* (I3): after a transaction has failed, each of its groups in one of its own. */
static void
commit_one_by_one(struct rf_store *s, size_t from, size_t to)
{
    const struct rf_batch_group *g;
    char why[160] = "";
    int in_a_row = 0;

    while (from < to) {
        size_t next = from;
        enum rf_err err = RF_ERR_IO;

        g = rf_batch_next(&s->writing, &next);
        if (in_a_row < GIVE_UP_AFTER)
            err = commit_groups(s, from, next, why, sizeof why);
        in_a_row = err == RF_OK ? 0 : in_a_row + 1;
        count_result(s, 1, g->writes, err, why);
        answer_groups(s, from, next, err);
        from = next;
    }
}

static void
commit_batch(struct rf_store *s)
{
    size_t from = 0;

    while (from < s->writing.n) {
        const struct rf_batch_group *g;
        size_t to = from;
        uint64_t groups = 0, writes = 0;
        char why[160];
        enum rf_err err;

        while (writes < TRANSACTION_WRITES && (g = rf_batch_next(&s->writing, &to)) != NULL) {
            groups++;
            writes += g->writes;
        }
        err = commit_groups(s, from, to, why, sizeof why);
        if (err == RF_OK || groups == 1) {
            count_result(s, groups, writes, err, why);
            answer_groups(s, from, to, err);
        } else {
            commit_one_by_one(s, from, to);
        }
        from = to;
    }
}

/* --- between transactions ----------------------------------------------------------------------------- */

static int
on_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
    struct rf_store *s = ctx;

    s->wal_frames = frames;
    return SQLITE_OK;
}

/* (I4). A checkpoint that fails (full disk) leaves the log as it is: nothing is lost, and the next one tries again. */
static void
checkpoint(struct rf_store *s)
{
    int mode = s->wal_frames >= RESTART_FRAMES ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;

    if (s->wal_frames < CHECKPOINT_FRAMES)
        return;
    if (mode == SQLITE_CHECKPOINT_RESTART)
        sqlite3_busy_timeout(s->db, 100);
    sqlite3_wal_checkpoint_v2(s->db, NULL, mode, NULL, NULL);
    if (mode == SQLITE_CHECKPOINT_RESTART)
        sqlite3_busy_timeout(s->db, 5000);
}

/* A prune that fails is made up for by the next one. */
/* In one transaction, so that no record is without its words for long. Whether as many went as may at once. */
static bool
delete_records(struct rf_store *s, enum statement records, enum statement keys, int64_t first)
{
    int64_t gone = 0;
    int r;

    set_lax(s, true); /* nobody waits for it */
    r = run(s, ST_BEGIN);
    if (r != SQLITE_OK)
        return false;
    sqlite3_bind_int64(s->st[records], 1, first);
    sqlite3_bind_int64(s->st[records], 2, PRUNE_AT_ONCE);
    r = run(s, records);
    gone = r == SQLITE_OK ? sqlite3_changes(s->db) : 0;
    if (keys == ST_RECORD_KEY_PRUNE_AGE) {
        sqlite3_bind_int64(s->st[keys], 1, first);
        sqlite3_bind_int64(s->st[keys], 2, PRUNE_AT_ONCE);
    }
    if (r == SQLITE_OK && gone > 0)
        r = run(s, keys);
    if (r == SQLITE_OK)
        r = run(s, ST_COMMIT);
    if (r == SQLITE_OK && s->unsynced_ns == 0 && s->is_lax)
        s->unsynced_ns = monotonic_ns();
    if (r != SQLITE_OK && !sqlite3_get_autocommit(s->db))
        run(s, ST_ROLLBACK);
    return r == SQLITE_OK && gone >= PRUNE_AT_ONCE;
}

static void
prune_records(struct rf_store *s)
{
    int64_t count, age_s;
    bool has_more;

    if (s->records_since_prune < PRUNE_EVERY)
        return;
    pthread_mutex_lock(&s->lock);
    count = s->keep_count;
    age_s = s->keep_age_s;
    pthread_mutex_unlock(&s->lock);

    has_more = delete_records(s, ST_RECORD_PRUNE, ST_RECORD_KEY_PRUNE, count);
    if (age_s > 0)
        has_more |= delete_records(s, ST_RECORD_PRUNE_AGE, ST_RECORD_KEY_PRUNE_AGE, (int64_t)time(NULL) - age_s);
    if (!has_more)
        s->records_since_prune = 0;
}

static void
wait_until(struct rf_store *s, int64_t until_ns)
{
    const struct timespec until = { .tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 };

    pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

/*
 * A write that somebody waits for and that comes long enough after the last commit began is committed at once;
 * others gather until then. Without this a fast disk would give each REGISTER an fsync of its own, which costs more
 * CPU time than the REGISTER. What nobody waits for always gathers: a call's copy and its record are often a few
 * milliseconds apart. Who stops or flushes is not kept waiting. Lock held.
 */
static void
gather(struct rf_store *s, int64_t last_ns)
{
    const int64_t began_ns = monotonic_ns();

    s->writer_gathers = true;
    while (!s->stop && s->flushers == 0) {
        const int64_t until_ns = s->is_awaited ? last_ns + COMMIT_EVERY_NS : began_ns + COMMIT_LAZILY_NS;

        if (monotonic_ns() >= until_ns)
            break;
        wait_until(s, until_ns);
    }
    s->writer_gathers = false;
}

/* Until there is something to write, or to stop. Lock held. */
static void
sleep_until_asked(struct rf_store *s)
{
    while (s->waiting.groups == 0 && !s->stop) {
        if (s->prune_asked || s->records_since_prune >= PRUNE_EVERY) {
            s->prune_asked = false;
            s->records_since_prune = PRUNE_EVERY;
            pthread_mutex_unlock(&s->lock);
            prune_records(s);
            checkpoint(s);
            pthread_mutex_lock(&s->lock);
            continue;
        }
        s->writer_sleeps = true;
        if (s->unsynced_ns == 0) {
            pthread_cond_wait(&s->wake, &s->lock);
            continue;
        }
        wait_until(s, s->unsynced_ns + SYNC_WITHIN_NS);
        if (s->waiting.groups == 0 && monotonic_ns() - s->unsynced_ns >= SYNC_WITHIN_NS) {
            pthread_mutex_unlock(&s->lock);
            sync_log(s);
            pthread_mutex_lock(&s->lock);
        }
    }
    s->writer_sleeps = false;
}

static void *
writer(void *ctx)
{
    struct rf_store *s = ctx;
    int64_t last_ns = monotonic_ns() - COMMIT_EVERY_NS;

    pthread_setname_np(pthread_self(), "store");
    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct rf_batch taken;
        uint64_t groups;
        bool is_lax;

        sleep_until_asked(s);
        if (s->waiting.groups == 0)
            break;
        gather(s, last_ns);
        last_ns = monotonic_ns();
        is_lax = !s->is_awaited && !s->stop && s->flushers == 0 &&
                 (s->unsynced_ns == 0 || last_ns - s->unsynced_ns < SYNC_WITHIN_NS);
        s->is_awaited = false;
        taken = s->waiting;
        s->waiting = s->writing; /* empty, with its memory */
        s->writing = taken;
        groups = taken.groups;
        pthread_mutex_unlock(&s->lock);

        set_lax(s, is_lax);
        commit_batch(s);
        rf_batch_clear(&s->writing);
        rf_sealed_forget_old(s);
        prune_records(s);
        checkpoint(s);

        pthread_mutex_lock(&s->lock);
        s->finished += groups;
        if (s->flushers > 0)
            pthread_cond_broadcast(&s->idle);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------- */

static enum rf_err
start_thread(struct rf_store *s)
{
    sigset_t all, before;
    int r;

    /* Signals are for the loops of other threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&s->thread, NULL, writer, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->has_thread = r == 0;
    return r == 0 ? RF_OK : RF_ERR_NOMEM;
}

enum rf_err
rf_store_open(struct rf_store **out, const char *dir, char *why, size_t why_size)
{
    struct rf_store *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    char path[1024];
    enum rf_err err;

    if (s == NULL)
        return RF_ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->read_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&s->idle, NULL);
    s->keep_count = 100000;
    s->records_since_prune = PRUNE_EVERY; /* settle what an earlier run left */

    if (snprintf(path, sizeof path, "%s/ringfence.db", dir) >= (int)sizeof path) {
        snprintf(why, why_size, "the path of the state directory is longer than %zu octets", sizeof path - 16);
        err = RF_ERR_RANGE;
        goto fail;
    }
    err = rf_schema_open(&s->db, path, why, why_size);
    if (err)
        goto fail;
    s->dir = strdup(dir);
    err = s->dir != NULL ? rf_sealed_settle(s->db, &s->ring, dir, why, why_size) : RF_ERR_NOMEM;
    if (err)
        goto fail;
    err = rf_schema_open_reader(&s->reader, path, why, why_size);
    if (err)
        goto fail;
    for (int i = 0; i < ST_COUNT; i++) {
        int r = sqlite3_prepare_v3(s->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL);

        if (r != SQLITE_OK) {
            snprintf(why, why_size, "the database %s does not have the tables it should: %s", path,
                     sqlite3_errmsg(s->db));
            err = RF_ERR_STATE;
            goto fail;
        }
    }
    sqlite3_wal_hook(s->db, on_wal, s);
    err = start_thread(s);
    if (err) {
        snprintf(why, why_size, "cannot start the store's thread");
        goto fail;
    }
    *out = s;
    return RF_OK;

fail:
    rf_store_close(s);
    return err;
}

void
rf_store_close(struct rf_store *s)
{
    if (s == NULL)
        return;
    if (s->has_thread) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    sqlite3_close(s->reader);
    for (int i = 0; i < ST_COUNT; i++)
        sqlite3_finalize(s->st[i]);
    if (s->sealed != NULL)
        rf_wipe(s->sealed, s->sealed_cap);
    free(s->sealed);
    rf_keyring_fini(&s->ring);
    free(s->dir);
    sqlite3_close(s->db); /* the last connection: copies the log into the database and removes it */
    rf_batch_fini(&s->waiting);
    rf_batch_fini(&s->writing);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->read_lock);
    free(s);
}

/* --- writes -------------------------------------------------------------------------------------------- */

enum rf_err
rf_store_write(struct rf_store *s, const struct rf_store_write *w, size_t n,
               void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx, uint64_t cookie)
{
    enum rf_err err;

    for (size_t i = 0; i < n; i++) {
        rf_assert((unsigned)w[i].op <= RF_STORE_OP_LAST);
        if (w[i].key.n == 0 && w[i].op != RF_STORE_SETTINGS_PUT && w[i].op != RF_STORE_BINDING_EXPIRE &&
            w[i].op != RF_STORE_TRUST_RESTORE && w[i].op != RF_STORE_USE_EXPIRE && w[i].op != RF_STORE_KEY_ROTATE)
            return RF_ERR_RANGE;
        if (w[i].op == RF_STORE_SECRET_PUT && w[i].value.n > RF_SECRET_MAX)
            return RF_ERR_RANGE;
    }
    pthread_mutex_lock(&s->lock);
    err = rf_batch_add(&s->waiting, w, n, done, ctx, cookie);
    if (err == RF_OK) {
        bool is_awaited = done != NULL || (n > 0 && w[0].op == RF_STORE_KEY_ROTATE); /* (I1): keys leave after it */
        bool hastens = is_awaited && !s->is_awaited;

        s->queued++;
        s->is_awaited |= is_awaited;
        if (s->writer_sleeps || (s->writer_gathers && hastens)) {
            s->writer_sleeps = false; /* one signal wakes it, however many are queued until it runs */
            pthread_cond_signal(&s->wake);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}

enum rf_err
rf_store_flush(struct rf_store *s)
{
    uint64_t ticket;
    enum rf_err err;

    pthread_mutex_lock(&s->lock);
    ticket = s->queued;
    s->flushers++;
    pthread_cond_signal(&s->wake);
    while (s->finished < ticket)
        pthread_cond_wait(&s->idle, &s->lock);
    s->flushers--;
    err = s->counts.failed == s->failed_at_flush ? RF_OK : RF_ERR_IO;
    s->failed_at_flush = s->counts.failed;
    pthread_mutex_unlock(&s->lock);
    return err;
}

void
rf_store_keep_records(struct rf_store *s, int64_t count, int64_t age_s)
{
    rf_assert(count > 0 && age_s >= 0);
    pthread_mutex_lock(&s->lock);
    s->keep_count = count;
    s->keep_age_s = age_s;
    s->prune_asked = true;
    s->writer_sleeps = false;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void
rf_store_counts(struct rf_store *s, struct rf_store_counts *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->counts;
    out->queued = (uint32_t)(s->queued - s->finished);
    pthread_mutex_unlock(&s->lock);
}
