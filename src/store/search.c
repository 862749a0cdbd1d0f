/*
 * store/search.c - call records by who, what and when
 *
 * Searches go through the narrow table record_key, newest first. A condition on something rare has an index; one on
 * what most calls share walks the table, of which 100,000 rows are about 10 MB. Either runs beside the writer (WAL).
 */
#include <stdio.h>

#include "store/inside.h"
#include "store/schema.h"

void
rf_store_put_words(struct rf_buf *b, const char *const word[static RF_STORE_RECORD_WORDS])
{
    for (int i = 0; i < RF_STORE_RECORD_WORDS; i++) {
        if (word[i] != NULL)
            rf_put_str(b, word[i]);
        rf_put_char(b, '\0');
    }
}

/*
 * A condition; ?N, its value, is the one of its place in the list. The conditions of the partial indexes are repeated,
 * so that these serve.
 */
struct condition {
    const char *sql;
    struct rf_span word;   /* empty: not asked for */
    int64_t number;        /* where sql is about a number */
    bool is_number;
};

static void
put_conditions(struct rf_buf *sql, const struct condition *c, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        if (c[i].is_number ? c[i].number == 0 : c[i].word.n == 0)
            continue;
        rf_put_str(sql, used++ == 0 ? " WHERE " : " AND ");
        rf_put_str(sql, c[i].sql);
    }
}

enum rf_err
rf_store_search_records(struct rf_store *s, const struct rf_store_search *by, rf_store_row *row, void *ctx)
{
    /* Which of the two legs a user has follows from the connection's name being empty on it. */
    const struct condition conditions[] = {
        { .sql = "(caller=?1 AND connection_a=x''"
                 " OR called=?1 AND connection_b=x'' AND (callee=called OR callee=x'')"
                 " OR callee=?1 AND callee<>called AND connection_b=x'')",
          .word = by->user },
        { .sql = "(caller=?2 OR called=?2 OR callee=?2 AND callee<>called)", .word = by->number },
        { .sql = "(connection_a=?3 AND connection_a<>x'' OR connection_b=?3 AND connection_b<>x'')",
          .word = by->connection },
        { .sql = rf_span_is(by->verdict, "ENCRYPTED") ? "verdict=?4" : "verdict=?4 AND verdict<>x'454e43525950544544'",
          .word = by->verdict },
        { .sql = "code=?5 AND code<>x''", .word = by->code },
        { .sql = "began_s>=?6", .number = by->from_s, .is_number = true },
        { .sql = "began_s<?7", .number = by->until_s, .is_number = true },
        { .sql = "seq<?8", .number = by->before, .is_number = true },
    };
    const size_t n = sizeof conditions / sizeof *conditions;
    char text[1600];
    struct rf_buf sql = rf_buf(text, sizeof text - 1);
    sqlite3_stmt *st = NULL;
    int r;

    rf_put_str(&sql, "SELECT r.call_id, CAST(r.seq AS TEXT), r.value, k.began_s"
                     " FROM (SELECT seq, began_s FROM record_key");
    put_conditions(&sql, conditions, n);
    rf_putf(&sql, " ORDER BY seq DESC LIMIT %d) AS k CROSS JOIN record AS r ON r.seq=k.seq", by->limit);
    text[sql.n] = '\0';

    pthread_mutex_lock(&s->read_lock);
    r = sqlite3_prepare_v2(s->reader, text, -1, &st, NULL);
    for (size_t i = 0; r == SQLITE_OK && i < n; i++) {
        if (conditions[i].is_number && conditions[i].number != 0)
            sqlite3_bind_int64(st, (int)i + 1, conditions[i].number);
        else if (!conditions[i].is_number && conditions[i].word.n > 0)
            rf_store_bind(st, (int)i + 1, conditions[i].word);
    }
    if (r == SQLITE_OK) {
        while ((r = sqlite3_step(st)) == SQLITE_ROW)
            if (!row(ctx, rf_store_column(st, 0), rf_store_column(st, 1), rf_store_column(st, 2),
                     sqlite3_column_int64(st, 3)))
                break;
    }
    sqlite3_finalize(st);
    pthread_mutex_unlock(&s->read_lock);
    return r == SQLITE_ROW || r == SQLITE_DONE ? RF_OK : rf_schema_err(r);
}
