#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x52466e63 /* "RFnc": tells our files from another program's */

/*
 * Row ids in the order of arrival keep bindings that are refreshed together on neighbouring pages, and a refresh
 * touches the row but not the index: half the pages of a table clustered by name.
 */
static const char version_1[] =
    "CREATE TABLE binding(id INTEGER PRIMARY KEY, aor BLOB NOT NULL, sub BLOB NOT NULL, value BLOB NOT NULL,"
    " expires_s INTEGER NOT NULL, UNIQUE(aor, sub)) STRICT;"
    "CREATE TABLE dialog(id INTEGER PRIMARY KEY, call_id BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;"
    "CREATE TABLE record(seq INTEGER PRIMARY KEY, call_id BLOB NOT NULL UNIQUE, value BLOB NOT NULL,"
    " began_s INTEGER NOT NULL) STRICT;"
    "CREATE INDEX record_began ON record(began_s);"
    "CREATE TABLE settings(version INTEGER PRIMARY KEY AUTOINCREMENT, who BLOB NOT NULL, value BLOB NOT NULL,"
    " at_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE secret(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;";

/*
 * A trusted certificate is there from the version of the settings with which it came to before the one with which it
 * went. Rows of devices are few: one for each device and kind of TLS in 30 days.
 */
static const char version_2[] =
    "CREATE TABLE trusted(id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL, scope BLOB NOT NULL,"
    " value BLOB NOT NULL, at_s INTEGER NOT NULL, came INTEGER NOT NULL, went INTEGER) STRICT;"
    "CREATE UNIQUE INDEX trusted_now ON trusted(fingerprint, scope) WHERE went IS NULL;"
    "CREATE TABLE tls_use(id INTEGER PRIMARY KEY, device BLOB NOT NULL, sub BLOB NOT NULL, value BLOB NOT NULL,"
    " expires_s INTEGER NOT NULL, UNIQUE(device, sub)) STRICT;";

/* Few rows, each some kB: certificates that renew themselves with their keys, and accounts at authorities. */
static const char version_3[] =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, kind BLOB NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL,"
    " UNIQUE(kind, name)) STRICT;";

/*
 * key_id says by which key of the key file a row's value is sealed; 0: not yet (store/sealed.c sees to it). record_key
 * has the words by which records are looked for: beside the records, since a row of some kB is slow to step over. What
 * is empty, or the same in nearly every call, has no entry in an index.
 */
static const char version_4[] =
    "ALTER TABLE secret ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE item ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE settings ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX record_began;"
    "CREATE TABLE record_key(seq INTEGER PRIMARY KEY, began_s INTEGER NOT NULL, caller BLOB NOT NULL,"
    " called BLOB NOT NULL, callee BLOB NOT NULL, connection_a BLOB NOT NULL, connection_b BLOB NOT NULL,"
    " verdict BLOB NOT NULL, code BLOB NOT NULL) STRICT;"
    "INSERT INTO record_key SELECT seq, began_s, CAST(coalesce(j->>'from', '') AS BLOB),"
    " CAST(coalesce(j->>'to', '') AS BLOB), CAST(coalesce(j->>'$.legs[1].user', '') AS BLOB),"
    " CAST(coalesce(j->>'$.legs[0].connection', '') AS BLOB), CAST(coalesce(j->>'$.legs[1].connection', '') AS BLOB),"
    " CAST(coalesce(j->>'verdict_min', '') AS BLOB), CAST(coalesce(j->>'code', '') AS BLOB)"
    " FROM (SELECT seq, began_s, CAST(value AS TEXT) AS j FROM record) WHERE json_valid(j);"
    "CREATE INDEX record_began ON record_key(began_s);"
    "CREATE INDEX record_caller ON record_key(caller);"
    "CREATE INDEX record_called ON record_key(called);"
    "CREATE INDEX record_callee ON record_key(callee) WHERE callee<>called;"
    "CREATE INDEX record_connection_a ON record_key(connection_a) WHERE connection_a<>x'';"
    "CREATE INDEX record_connection_b ON record_key(connection_b) WHERE connection_b<>x'';"
    "CREATE INDEX record_code ON record_key(code) WHERE code<>x'';"
    "CREATE INDEX record_verdict ON record_key(verdict) WHERE verdict<>x'454e43525950544544';"; /* ENCRYPTED */

static const char *const steps[RF_SCHEMA_VERSION] = { version_1, version_2, version_3, version_4 };

enum rf_err
rf_schema_err(int sqlite_result)
{
    int primary = sqlite_result & 0xff;

    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? RF_ERR_STATE : RF_ERR_IO;
}

void
rf_schema_why(sqlite3 *db, char *why, size_t why_size)
{
    int os = db != NULL ? sqlite3_system_errno(db) : 0;
    int primary = db != NULL ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    /* SQLite keeps the last errno of any kind; it explains only these. */
    bool names_os = os != 0 && (primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN);

    if (names_os)
        snprintf(why, why_size, "%s (%s)", sqlite3_errmsg(db), strerror(os));
    else
        snprintf(why, why_size, "%s", db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

/* SQLite would make the file with the umask's mode; -wal and -shm get the mode of the file itself. */
static enum rf_err
make_private(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, why_size, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return RF_ERR_IO;
    }
    if ((st.st_mode & 0177) != 0 && fchmod(fd, 0600) != 0) {
        snprintf(why, why_size, "others may read %s and its mode cannot be changed: %s", path, strerror(errno));
        close(fd);
        return RF_ERR_IO;
    }
    close(fd);
    return RF_OK;
}

static int
query_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    *out = 0;
    if (r == SQLITE_OK) {
        r = sqlite3_step(st);
        if (r == SQLITE_ROW) {
            *out = sqlite3_column_int64(st, 0);
            r = SQLITE_OK;
        } else if (r == SQLITE_DONE) {
            r = SQLITE_OK;
        }
    }
    sqlite3_finalize(st);
    return r;
}

/*
 * Tables that are read whole at start must be whole. Call records are not checked: there may be a million of
 * them, and a damaged one shows when it is read.
 */
static enum rf_err
check_tables(sqlite3 *db, const char *path, char *why, size_t why_size)
{
    static const char *const checks[] = { "PRAGMA quick_check('binding')", "PRAGMA quick_check('dialog')",
                                          "PRAGMA quick_check('settings')", "PRAGMA quick_check('secret')",
                                          "PRAGMA quick_check('trusted')", "PRAGMA quick_check('tls_use')",
                                          "PRAGMA quick_check('item')" };

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        sqlite3_stmt *st = NULL;
        int r = sqlite3_prepare_v2(db, checks[i], -1, &st, NULL);
        bool is_fine = false;

        if (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
            const char *verdict = (const char *)sqlite3_column_text(st, 0);

            is_fine = verdict != NULL && strcmp(verdict, "ok") == 0;
            if (!is_fine)
                snprintf(why, why_size, "the database %s is damaged: restore a backup, or move it away", path);
        } else {
            snprintf(why, why_size, "the database %s is damaged (%s): restore a backup, or move it away", path,
                     sqlite3_errmsg(db));
        }
        sqlite3_finalize(st);
        if (!is_fine)
            return RF_ERR_STATE;
    }
    return RF_OK;
}

static int
apply_step(sqlite3 *db, int version)
{
    char mark[160];
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (r != SQLITE_OK)
        return r;
    r = sqlite3_exec(db, steps[version - 1], NULL, NULL, NULL);
    snprintf(mark, sizeof mark,
             "INSERT INTO migration(version, at_s, program) VALUES(%d, unixepoch(), '" RF_VERSION "')", version);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, mark, NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != SQLITE_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static enum rf_err
migrate(sqlite3 *db, const char *path, char *why, size_t why_size)
{
    int64_t application = 0, tables = 0, version = 0;
    int r = query_int(db, "PRAGMA application_id", &application);

    if (r == SQLITE_OK)
        r = query_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == SQLITE_OK && tables > 0 && application != APPLICATION_ID) {
        snprintf(why, why_size, "%s is a database of another program", path);
        return RF_ERR_STATE;
    }
    if (r == SQLITE_OK && tables == 0) {
        char sql[80];

        snprintf(sql, sizeof sql, "PRAGMA application_id=%d", APPLICATION_ID);
        r = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    if (r == SQLITE_OK)
        r = sqlite3_exec(db,
                         "CREATE TABLE IF NOT EXISTS migration(version INTEGER PRIMARY KEY, at_s INTEGER NOT NULL,"
                         " program TEXT NOT NULL) STRICT",
                         NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = query_int(db, "SELECT max(version) FROM migration", &version);
    if (r == SQLITE_OK && version > RF_SCHEMA_VERSION) {
        snprintf(why, why_size,
                 "the database %s has version %lld and this program knows up to %d: start the newer program", path,
                 (long long)version, RF_SCHEMA_VERSION);
        return RF_ERR_UNSUPPORTED;
    }
    for (int v = (int)version + 1; r == SQLITE_OK && v <= RF_SCHEMA_VERSION; v++)
        r = apply_step(db, v);
    if (r != SQLITE_OK) {
        char detail[200];

        rf_schema_why(db, detail, sizeof detail);
        if (rf_schema_err(r) == RF_ERR_STATE)
            snprintf(why, why_size, "the database %s is damaged (%s): restore a backup, or move it away", path,
                     detail);
        else
            snprintf(why, why_size, "cannot prepare the database %s: %s", path, detail);
        return rf_schema_err(r);
    }
    return RF_OK;
}

static enum rf_err
connect_to(sqlite3 **out, const char *path, const char *pragmas, char *why, size_t why_size)
{
    sqlite3 *db = NULL;
    int r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

    if (r == SQLITE_OK) {
        sqlite3_extended_result_codes(db, 1);
        /* Only a checkpoint or another command's reader can be in the way, and neither for long. */
        sqlite3_busy_timeout(db, 5000);
        r = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    }
    if (r != SQLITE_OK) {
        char detail[200];

        rf_schema_why(db, detail, sizeof detail);
        if (rf_schema_err(r) == RF_ERR_STATE)
            snprintf(why, why_size, "%s is damaged or no database (%s): restore a backup, or move it away", path,
                     detail);
        else
            snprintf(why, why_size, "cannot open the database %s: %s", path, detail);
        sqlite3_close(db);
        return rf_schema_err(r);
    }
    *out = db;
    return RF_OK;
}

enum rf_err
rf_schema_open(sqlite3 **out, const char *path, char *why, size_t why_size)
{
    sqlite3 *db = NULL;
    enum rf_err err = make_private(path, why, why_size);

    if (err)
        return err;
    /* The store checkpoints after it has answered, not inside a commit that somebody waits for. */
    err = connect_to(&db, path,
                     "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=33554432;"
                     "PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=FAST;"
                     "PRAGMA trusted_schema=OFF",
                     why, why_size);
    if (err == RF_OK)
        err = migrate(db, path, why, why_size);
    if (err == RF_OK)
        err = check_tables(db, path, why, why_size);
    if (err) {
        sqlite3_close(db);
        return err;
    }
    *out = db;
    return RF_OK;
}

enum rf_err
rf_schema_open_reader(sqlite3 **out, const char *path, char *why, size_t why_size)
{
    return connect_to(out, path, "PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA trusted_schema=OFF", why,
                      why_size);
}
