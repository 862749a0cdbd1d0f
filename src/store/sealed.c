/*
 * store/sealed.c - the rows that hold secrets, and the key file that opens them
 *
 * (K1) A row that is sealed by a key is committed after that key is in the file, on disk.
 * (K2) A key leaves the file only after no row needs it, seen in a transaction that begins after the one that resealed
 *      them.
 * (K3) Whoever changes the file holds the database's write lock and has read the file after taking it: the daemon and
 *      whoever looks into its store while it runs do not undo each other's work.
 *
 * So whenever a rotation is cut off, file and rows fit, and the next start does what is left of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "store/inside.h"
#include "store/schema.h"

/* PRAGMA user_version: how far the rows have come. */
enum { ROWS_PLAIN, ROWS_SEALED_NOT_WIPED, ROWS_SEALED };

static const struct {
    const char *kind;
    const char *next;  /* ?1 key, ?2 the row before: row, key, value, and the two names that the value is bound to */
    const char *put;   /* ?1 row, ?2 value, ?3 key */
    const char *keys;  /* that rows are sealed by */
} tables[] = {
    { "secret",
      "SELECT id, key_id, value, name, x'' FROM secret WHERE id>?2 AND key_id<>?1 ORDER BY id LIMIT 1",
      "UPDATE secret SET value=?2, key_id=?3 WHERE id=?1", "SELECT key_id, count(*) FROM secret GROUP BY key_id" },
    { "item", "SELECT id, key_id, value, kind, name FROM item WHERE id>?2 AND key_id<>?1 ORDER BY id LIMIT 1",
      "UPDATE item SET value=?2, key_id=?3 WHERE id=?1", "SELECT key_id, count(*) FROM item GROUP BY key_id" },
    { "settings",
      "SELECT version, key_id, value, CAST(version AS TEXT), who FROM settings WHERE version>?2 AND key_id<>?1"
      " ORDER BY version LIMIT 1",
      "UPDATE settings SET value=?2, key_id=?3 WHERE version=?1",
      "SELECT key_id, count(*) FROM settings GROUP BY key_id" },
};
#define TABLES (sizeof tables / sizeof *tables)

/* --- rows ---------------------------------------------------------------------------------------------- */

static int
exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
number_of(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(st, 0);
        r = SQLITE_OK;
    }
    sqlite3_finalize(st);
    return r;
}

static int
set_state(sqlite3 *db, int state)
{
    char sql[48];

    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", state);
    return exec(db, sql);
}

/* What the row at `st` holds, sealed anew. The caller frees and wipes *out. */
static int
seal_again(sqlite3_stmt *st, const char *kind, const struct rf_keyring *ring, bool may_be_plain, uint8_t **out,
           size_t *n)
{
    const int64_t id = sqlite3_column_int64(st, 1);
    const struct rf_span value = rf_store_column(st, 2);
    const struct rf_sealed_row row = { kind, rf_store_column(st, 3), rf_store_column(st, 4) };
    struct rf_span plain = value;
    uint8_t *mem = malloc(value.n + 1), *sealed = malloc(value.n + RF_SEAL_EXTRA);
    enum rf_err err = mem == NULL || sealed == NULL ? RF_ERR_NOMEM : RF_OK;

    if (!err && id != 0) {
        err = rf_keyring_unseal(ring, id, &row, value, mem);
        plain = rf_span(mem, value.n - RF_SEAL_EXTRA);
    } else if (!err && !may_be_plain) {
        err = RF_ERR_AUTH;
    }
    if (!err)
        err = rf_keyring_seal(ring, &rf_rand_system, &row, plain, sealed);
    *n = plain.n + RF_SEAL_EXTRA;
    if (mem != NULL)
        rf_wipe(mem, value.n);
    free(mem);
    if (err) {
        free(sealed);
        return err == RF_ERR_NOMEM ? SQLITE_NOMEM : SQLITE_CORRUPT;
    }
    *out = sealed;
    return SQLITE_OK;
}

/* One table, row by row: what is read and what is written are never the same statement's. */
static int
reseal_table(sqlite3 *db, size_t t, const struct rf_keyring *ring, bool may_be_plain, int64_t *resealed)
{
    sqlite3_stmt *next = NULL, *put = NULL;
    int64_t row = INT64_MIN;
    int r = sqlite3_prepare_v2(db, tables[t].next, -1, &next, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_prepare_v2(db, tables[t].put, -1, &put, NULL);
    while (r == SQLITE_OK) {
        uint8_t *sealed = NULL;
        size_t n = 0;

        sqlite3_bind_int64(next, 1, rf_keyring_newest(ring));
        sqlite3_bind_int64(next, 2, row);
        r = sqlite3_step(next);
        if (r != SQLITE_ROW)
            break;
        row = sqlite3_column_int64(next, 0);
        r = seal_again(next, tables[t].kind, ring, may_be_plain, &sealed, &n);
        sqlite3_reset(next);
        if (r != SQLITE_OK)
            break;
        sqlite3_bind_int64(put, 1, row);
        rf_store_bind(put, 2, rf_span(sealed, n));
        sqlite3_bind_int64(put, 3, rf_keyring_newest(ring));
        r = sqlite3_step(put);
        sqlite3_reset(put);
        sqlite3_clear_bindings(put);
        free(sealed);
        r = r == SQLITE_DONE ? SQLITE_OK : r;
        ++*resealed;
    }
    sqlite3_finalize(next);
    sqlite3_finalize(put);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int
reseal(sqlite3 *db, const struct rf_keyring *ring, bool may_be_plain, int64_t *resealed)
{
    int r = SQLITE_OK;

    *resealed = 0;
    for (size_t t = 0; r == SQLITE_OK && t < TABLES; t++)
        r = reseal_table(db, t, ring, may_be_plain, resealed);
    return r;
}

/* Keys that rows are sealed by: how many rows need one that is not in the ring, and how many an older one. */
static int
count_needed(sqlite3 *db, const struct rf_keyring *ring, int64_t *missing, int64_t *missing_id, int64_t *older)
{
    int r = SQLITE_OK;

    *missing = *missing_id = *older = 0;
    for (size_t t = 0; r == SQLITE_OK && t < TABLES; t++) {
        sqlite3_stmt *st = NULL;

        r = sqlite3_prepare_v2(db, tables[t].keys, -1, &st, NULL);
        while (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
            int64_t id = sqlite3_column_int64(st, 0), rows = sqlite3_column_int64(st, 1);

            if (id != 0 && !rf_keyring_has(ring, id)) {
                *missing += rows;
                *missing_id = id;
            } else if (id != rf_keyring_newest(ring)) {
                *older += rows;
            }
            r = SQLITE_OK;
        }
        sqlite3_finalize(st);
        r = r == SQLITE_DONE ? SQLITE_OK : r;
    }
    return r;
}

/* --- at the start -------------------------------------------------------------------------------------- */

static enum rf_err
sql_failed(sqlite3 *db, int r, char *why, size_t why_size)
{
    if (r == SQLITE_CORRUPT && (sqlite3_errcode(db) & 0xff) != SQLITE_CORRUPT)
        snprintf(why, why_size, "a secret in the database was changed or is not sealed: restore a backup of the "
                                "database together with its key file");
    else
        rf_schema_why(db, why, why_size);
    return rf_schema_err(r);
}

/* What the file has, or a first key; and whether it opens all rows. The write lock is held. */
static enum rf_err
find_keys(sqlite3 *db, struct rf_keyring *ring, const char *dir, char *why, size_t why_size)
{
    int64_t missing, id, older;
    enum rf_err err = rf_keyring_read(ring, dir, why, why_size);
    bool is_new = err == RF_ERR_NOT_FOUND;
    int r;

    if (err && !is_new)
        return err;
    r = count_needed(db, ring, &missing, &id, &older);
    if (r != SQLITE_OK)
        return sql_failed(db, r, why, why_size);
    if (missing > 0) {
        snprintf(why, why_size,
                 "%lld secrets of the database are sealed by key %016llx, which is not in %s/" RF_KEYRING_FILE
                 ": put that file back from a backup",
                 (long long)missing, (unsigned long long)id, dir);
        return RF_ERR_NOT_FOUND;
    }
    if (!is_new)
        return RF_OK;
    err = rf_keyring_add(ring, &rf_rand_system);
    if (err) {
        snprintf(why, why_size, "no key for the secrets could be made: %s", rf_err_text(err));
        return err;
    }
    return rf_keyring_write(ring, dir, why, why_size);
}

/* (K2), (K3). Own transaction. */
static enum rf_err
forget_old(sqlite3 *db, struct rf_keyring *ring, const char *dir, char *why, size_t why_size)
{
    int64_t missing, id, older;
    struct rf_keyring now;
    enum rf_err err = RF_OK;
    int r = exec(db, "BEGIN IMMEDIATE");

    if (r != SQLITE_OK)
        return sql_failed(db, r, why, why_size);
    err = rf_keyring_read(&now, dir, why, why_size);
    r = count_needed(db, &now, &missing, &id, &older);
    if (!err && r == SQLITE_OK && missing == 0 && older == 0 && now.n > 1) {
        rf_keyring_keep_newest(&now);
        err = rf_keyring_write(&now, dir, why, why_size);
    }
    if (!err && r == SQLITE_OK)
        *ring = now;
    rf_keyring_fini(&now);
    exec(db, "ROLLBACK"); /* it changed nothing but the file */
    return err;
}

/*
 * The pages that held plain rows, and those that were free, are written anew; then the log goes. Once in the life of a
 * database, and tried again at the next start where it fails (a full disk): what was sealed stays sealed.
 */
static void
wipe_plain(sqlite3 *db, const char *dir)
{
    char *before = sqlite3_temp_directory;

    /* The copy that VACUUM makes is of the database's size: not in memory, and nowhere but here. */
    sqlite3_temp_directory = sqlite3_mprintf("%s", dir);
    if (exec(db, "PRAGMA temp_store=FILE") == SQLITE_OK && exec(db, "VACUUM") == SQLITE_OK &&
        exec(db, "PRAGMA wal_checkpoint(TRUNCATE)") == SQLITE_OK)
        (void)set_state(db, ROWS_SEALED);
    exec(db, "PRAGMA temp_store=MEMORY");
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = before;
}

enum rf_err
rf_sealed_settle(sqlite3 *db, struct rf_keyring *ring, const char *dir, char *why, size_t why_size)
{
    int64_t state = 0, resealed = 0;
    enum rf_err err;
    int r = exec(db, "BEGIN IMMEDIATE");

    if (r != SQLITE_OK)
        return sql_failed(db, r, why, why_size);
    err = find_keys(db, ring, dir, why, why_size);
    if (!err)
        r = number_of(db, "PRAGMA user_version", &state);
    if (!err && r == SQLITE_OK)
        r = reseal(db, ring, state == ROWS_PLAIN, &resealed);
    if (!err && r == SQLITE_OK && state == ROWS_PLAIN) {
        state = resealed > 0 ? ROWS_SEALED_NOT_WIPED : ROWS_SEALED;
        r = set_state(db, (int)state);
    }
    if (!err && r == SQLITE_OK)
        r = exec(db, "COMMIT");
    if (!err && r != SQLITE_OK)
        err = sql_failed(db, r, why, why_size);
    if (!sqlite3_get_autocommit(db))
        exec(db, "ROLLBACK");
    if (!err && ring->n > 1)
        err = forget_old(db, ring, dir, why, why_size);
    if (!err && state == ROWS_SEALED_NOT_WIPED)
        wipe_plain(db, dir);
    if (err)
        rf_keyring_fini(ring);
    return err;
}

/* --- while it runs ------------------------------------------------------------------------------------- */

int
rf_sealed_rotate(struct rf_store *s)
{
    struct rf_keyring next;
    int64_t resealed;
    enum rf_err err = rf_keyring_read(&next, s->dir, s->why, sizeof s->why);

    if (err == RF_ERR_NOT_FOUND) { /* somebody took it away while we run: it is not lost yet */
        next = s->ring;
        err = RF_OK;
    }
    /* More than one: a rotation before this one did not come to its end, and this is the rest of it. */
    if (!err && next.n == 1) {
        err = rf_keyring_add(&next, &rf_rand_system);
        if (!err)
            err = rf_keyring_write(&next, s->dir, s->why, sizeof s->why); /* (K1) */
    }
    if (!err) {
        pthread_mutex_lock(&s->read_lock);
        s->ring = next;
        pthread_mutex_unlock(&s->read_lock);
        s->has_old_keys = true;
    }
    rf_keyring_fini(&next);
    if (err)
        return SQLITE_ERROR;
    s->why[0] = '\0';
    return reseal(s->db, &s->ring, false, &resealed);
}

void
rf_sealed_forget_old(struct rf_store *s)
{
    struct rf_keyring next = s->ring;
    char why[200];

    if (!s->has_old_keys)
        return;
    if (forget_old(s->db, &next, s->dir, why, sizeof why) == RF_OK) {
        pthread_mutex_lock(&s->read_lock);
        s->ring = next;
        pthread_mutex_unlock(&s->read_lock);
        s->has_old_keys = next.n > 1;
    }
    rf_keyring_fini(&next);
}

int
rf_sealed_value(struct rf_store *s, const struct rf_sealed_row *row, struct rf_span value, struct rf_span *out)
{
    size_t n = value.n + RF_SEAL_EXTRA;

    if (n > s->sealed_cap) {
        uint8_t *more = realloc(s->sealed, n);

        if (more == NULL)
            return SQLITE_NOMEM;
        s->sealed = more;
        s->sealed_cap = n;
    }
    *out = rf_span(s->sealed, n);
    return rf_keyring_seal(&s->ring, &rf_rand_system, row, value, s->sealed) == RF_OK ? SQLITE_OK : SQLITE_IOERR;
}
