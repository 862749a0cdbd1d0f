/*
 * store/load.c - what is read: rows of one kind, one by one, by a connection that cannot write
 */
#include <stdlib.h>

#include "base/secret.h"
#include "store/inside.h"
#include "store/schema.h"

/* How a row that is kept sealed is bound to its names. */
enum binding { BY_KEY, BY_KEY_AND_SUB, BY_SUB_AND_KEY };

struct sealed_rows {
    const struct rf_store *store;
    const char *kind;
    enum binding binding;
};

/*
 * Another process may have changed the key since this one looked at the file (the daemon, while somebody looks into its
 * store): then the file has it.
 */
static enum rf_err
open_value(const struct rf_store *s, int64_t id, const struct rf_sealed_row *row, struct rf_span value, uint8_t *out)
{
    enum rf_err err = rf_keyring_unseal(&s->ring, id, row, value, out);
    struct rf_keyring now;
    char why[200];

    if (err != RF_ERR_NOT_FOUND || id == 0)
        return err;
    if (rf_keyring_read(&now, s->dir, why, sizeof why) == RF_OK)
        err = rf_keyring_unseal(&now, id, row, value, out);
    rf_keyring_fini(&now);
    return err;
}

/* false: no more rows, as the caller said or because of *err. The octets are wiped when the caller has seen them. */
static bool
pass_opened(const struct sealed_rows *how, sqlite3_stmt *st, rf_store_row *row, void *ctx, enum rf_err *err)
{
    const struct rf_span key = rf_store_column(st, 0), sub = rf_store_column(st, 1), value = rf_store_column(st, 2);
    const struct rf_sealed_row of = { how->kind, how->binding == BY_SUB_AND_KEY ? sub : key,
                                      how->binding == BY_SUB_AND_KEY ? key
                                      : how->binding == BY_KEY       ? rf_span("", 0)
                                                                     : sub };
    uint8_t *mem = malloc(value.n + 1);
    bool goes_on = false;

    *err = mem != NULL ? open_value(how->store, sqlite3_column_int64(st, 4), &of, value, mem) : RF_ERR_NOMEM;
    if (*err == RF_OK)
        goes_on = row(ctx, key, sub, rf_span(mem, value.n - RF_SEAL_EXTRA), sqlite3_column_int64(st, 3));
    else if (*err != RF_ERR_NOMEM)
        *err = RF_ERR_STATE; /* changed by another hand, or sealed for another row */
    if (mem != NULL)
        rf_wipe(mem, value.n);
    free(mem);
    return goes_on;
}

/* sql selects key, sub, value, time, and where the value is sealed the key's ID; ?1 and ?2 are octets, ?3 a number. */
static enum rf_err
load_with(struct rf_store *s, const char *sql, const struct rf_span *bind, size_t binds, int64_t number,
          const struct sealed_rows *sealed, rf_store_row *row, void *ctx)
{
    sqlite3_stmt *st = NULL;
    enum rf_err err = RF_OK;
    int r;

    pthread_mutex_lock(&s->read_lock);
    r = sqlite3_prepare_v2(s->reader, sql, -1, &st, NULL);
    for (size_t i = 0; r == SQLITE_OK && i < binds; i++)
        rf_store_bind(st, (int)i + 1, bind[i]);
    if (r == SQLITE_OK && sqlite3_bind_parameter_count(st) >= 3)
        sqlite3_bind_int64(st, 3, number);
    if (r == SQLITE_OK) {
        while ((r = sqlite3_step(st)) == SQLITE_ROW)
            if (sealed != NULL ? !pass_opened(sealed, st, row, ctx, &err)
                               : !row(ctx, rf_store_column(st, 0), rf_store_column(st, 1), rf_store_column(st, 2),
                                      sqlite3_column_int64(st, 3)))
                break;
    }
    sqlite3_finalize(st);
    pthread_mutex_unlock(&s->read_lock);
    return r == SQLITE_ROW || r == SQLITE_DONE ? err : rf_schema_err(r);
}

static enum rf_err
load(struct rf_store *s, const char *sql, const struct rf_span *bind, size_t binds, int64_t number,
     rf_store_row *row, void *ctx)
{
    return load_with(s, sql, bind, binds, number, NULL, row, ctx);
}

enum rf_err
rf_store_load_bindings(struct rf_store *s, struct rf_span aor_or_empty, rf_store_row *row, void *ctx)
{
    if (aor_or_empty.n == 0)
        return load(s, "SELECT aor, sub, value, expires_s FROM binding", NULL, 0, 0, row, ctx);
    return load(s, "SELECT aor, sub, value, expires_s FROM binding WHERE aor=?1", &aor_or_empty, 1, 0, row, ctx);
}

enum rf_err
rf_store_load_dialogs(struct rf_store *s, rf_store_row *row, void *ctx)
{
    return load(s, "SELECT call_id, x'', value, 0 FROM dialog", NULL, 0, 0, row, ctx);
}

/* The first name after all that begin with `prefix`; empty when there is none (all octets 255). */
static struct rf_span
after_prefix(struct rf_span prefix, char *mem, size_t size)
{
    size_t n = prefix.n < size ? prefix.n : size;

    memcpy(mem, prefix.p, n);
    while (n > 0 && (uint8_t)mem[n - 1] == 0xff)
        n--;
    if (n > 0)
        mem[n - 1] = (char)((uint8_t)mem[n - 1] + 1);
    return rf_span(mem, n);
}

enum rf_err
rf_store_load_records(struct rf_store *s, struct rf_span key_or_empty, int limit, rf_store_row *row, void *ctx)
{
    char upper[256];
    struct rf_span bind[2] = { key_or_empty, key_or_empty };

    if (key_or_empty.n == 0)
        return load(s, "SELECT call_id, x'', value, began_s FROM record ORDER BY seq DESC LIMIT ?3", NULL, 0,
                    limit, row, ctx);
    if (key_or_empty.n < 4 || key_or_empty.n > sizeof upper)
        return load(s, "SELECT call_id, x'', value, began_s FROM record WHERE call_id=?1 LIMIT ?3", bind, 1, limit,
                    row, ctx);
    bind[1] = after_prefix(key_or_empty, upper, sizeof upper);
    return load(s,
                bind[1].n > 0 ? "SELECT call_id, x'', value, began_s FROM record WHERE call_id>=?1 AND call_id<?2"
                                " ORDER BY seq DESC LIMIT ?3"
                              : "SELECT call_id, x'', value, began_s FROM record WHERE call_id>=?1"
                                " ORDER BY seq DESC LIMIT ?3",
                bind, bind[1].n > 0 ? 2 : 1, limit, row, ctx);
}

enum rf_err
rf_store_load_settings(struct rf_store *s, rf_store_row *row, void *ctx)
{
    const struct sealed_rows sealed = { s, "settings", BY_SUB_AND_KEY };

    return load_with(s,
                     "SELECT who, CAST(version AS TEXT), value, at_s, key_id FROM settings"
                     " ORDER BY version DESC LIMIT 1",
                     NULL, 0, 0, &sealed, row, ctx);
}

enum rf_err
rf_store_load_history(struct rf_store *s, int64_t version, rf_store_row *row, void *ctx)
{
    const struct sealed_rows sealed = { s, "settings", BY_SUB_AND_KEY };

    return load_with(s,
                     "SELECT who, CAST(version AS TEXT), value, at_s, key_id FROM settings WHERE ?3=0 OR version=?3"
                     " ORDER BY version DESC",
                     NULL, 0, version, &sealed, row, ctx);
}

struct secret_row {
    struct rf_secret *out;
    enum rf_err err;
};

static bool
take_secret(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    struct secret_row *found = ctx;

    found->err = rf_secret_set(found->out, value.p, value.n);
    return false;
}

enum rf_err
rf_store_load_secret(struct rf_store *s, struct rf_span name, struct rf_secret *out)
{
    struct secret_row found = { out, RF_ERR_NOT_FOUND };
    const struct sealed_rows sealed = { s, "secret", BY_KEY };
    enum rf_err err = load_with(s, "SELECT name, x'', value, 0, key_id FROM secret WHERE name=?1", &name, 1, 0, &sealed,
                                take_secret, &found);

    return err ? err : found.err;
}

enum rf_err
rf_store_load_secret_names(struct rf_store *s, rf_store_row *row, void *ctx)
{
    return load(s, "SELECT name, CAST(printf('%016llx', key_id) AS BLOB), x'', 0 FROM secret ORDER BY name", NULL, 0, 0,
                row, ctx);
}

enum rf_err
rf_store_load_trusted(struct rf_store *s, int64_t version, rf_store_row *row, void *ctx)
{
    return load(s,
                "SELECT fingerprint, scope, value, at_s FROM trusted WHERE (?3=0 AND went IS NULL)"
                " OR (?3<>0 AND came<=?3 AND (went IS NULL OR went>?3)) ORDER BY id",
                NULL, 0, version, row, ctx);
}

enum rf_err
rf_store_load_items(struct rf_store *s, struct rf_span kind, rf_store_row *row, void *ctx)
{
    const struct sealed_rows sealed = { s, "item", BY_KEY_AND_SUB };

    return load_with(s, "SELECT kind, name, value, 0, key_id FROM item WHERE kind=?1 ORDER BY name", &kind, 1, 0,
                     &sealed, row, ctx);
}

enum rf_err
rf_store_load_uses(struct rf_store *s, rf_store_row *row, void *ctx)
{
    return load(s, "SELECT device, sub, value, expires_s FROM tls_use ORDER BY device, sub", NULL, 0, 0, row, ctx);
}
