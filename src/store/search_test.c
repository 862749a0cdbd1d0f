/*
 * Call records: found by user, number, connection, verdict, code and time, in pages; kept as long as the settings say
 * (issue 4.6).
 */
#include <ftw.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "tap.h"

static char base[64];

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return remove(path);
}

static struct rf_store *
open_or_die(const char *name)
{
    struct rf_store *s = NULL;
    char why[400] = "", path[256];

    snprintf(path, sizeof path, "%s/%s", base, name);
    if ((mkdir(path, 0700) != 0) || rf_store_open(&s, path, why, sizeof why) != RF_OK) {
        diag("%s", why);
        abort();
    }
    return s;
}

/* caller, dialled, called, connections, verdict, code; and when it began */
static const struct row {
    const char *id;
    const char *word[RF_STORE_RECORD_WORDS];
    int64_t began_s;
} rows[] = {
    { "c1", { "201", "202", "202", "", "", "ENCRYPTED", "" }, 1000 },
    { "c2", { "203", "201", "201", "", "", "PARTLY", "RF-403" }, 1010 },
    { "c3", { "201", "+4420", "+4420", "", "carrier", "ENCRYPTED", "" }, 1020 },
    { "c4", { "+1555", "+4430", "202", "carrier", "", "CLEAR", "RF-403" }, 1030 },
    { "c5", { "201", "sales", "203", "", "", "ENCRYPTED", "" }, 1040 },
    { "c6", { "201", "202", NULL, NULL, NULL, "UNPROVEN", "RF-301" }, 1050 },
    { "c7", { "+1555", "+4430", "201", "other", "carrier", "ENCRYPTED", "" }, 1060 },
    { "c8", { "201", "201", "201", "201", "x", "UNPROVEN", "" }, 1070 },
};

static void
put_row(struct rf_store *s, const struct row *r)
{
    char words[300];
    struct rf_buf b = rf_buf(words, sizeof words);
    struct rf_store_write w = { .op = RF_STORE_RECORD_PUT, .key = rf_span_str(r->id), .value = RF_SPAN_LIT("{}"),
                                .expires_s = r->began_s };

    rf_store_put_words(&b, r->word);
    w.sub = rf_buf_span(&b);
    if (rf_store_write(s, &w, 1, NULL, NULL, 0) != RF_OK)
        abort();
}

struct found {
    char text[200];
    int count;
    int64_t last;
};

static bool
add_row(void *ctx, struct rf_span key, struct rf_span number, struct rf_span value, int64_t began_s)
{
    struct found *f = ctx;
    size_t n = strlen(f->text);
    uint64_t last = 0;

    snprintf(f->text + n, sizeof f->text - n, "%s%.*s", n > 0 ? " " : "", RF_SPAN_ARG(key));
    f->count++;
    (void)!rf_span_u64(number, INT64_MAX, &last);
    f->last = (int64_t)last;
    return true;
}

static struct found
find(struct rf_store *s, struct rf_store_search by)
{
    struct found f = { .count = 0 };

    if (by.limit == 0)
        by.limit = 100;
    if (rf_store_search_records(s, &by, add_row, &f) != RF_OK)
        snprintf(f.text, sizeof f.text, "error");
    return f;
}

#define W(field, text) { .field = RF_SPAN_LIT(text) }

static const struct {
    struct rf_store_search by;
    const char *want, *why;
} searches[] = {
    { { .limit = 0 }, "c8 c7 c6 c5 c4 c3 c2 c1", "all, newest first" },
    { { .limit = 3 }, "c8 c7 c6", "at most so many" },
    { W(user, "201"), "c6 c5 c3 c2 c1", "a user who called or was called; a connection of that name is none" },
    { W(user, "202"), "c6 c4 c1", "dialled and never reached, and reached by another number" },
    { W(user, "203"), "c5 c2", "reached by a ring group" },
    { W(user, "+4420"), "", "a number over a connection is no user" },
    { W(number, "+4420"), "c3", "a number that was dialled" },
    { W(number, "+1555"), "c7 c4", "that called" },
    { W(number, "sales"), "c5", "a name that was dialled" },
    { W(connection, "carrier"), "c7 c4 c3", "of either leg" },
    { W(connection, ""), "c8 c7 c6 c5 c4 c3 c2 c1", "an empty word is no condition" },
    { W(verdict, "CLEAR"), "c4", "the worst" },
    { W(verdict, "ENCRYPTED"), "c7 c5 c3 c1", "the best" },
    { W(code, "RF-403"), "c4 c2", "a code" },
    { W(code, "RF-40"), "", "a code is whole" },
    { { .from_s = 1030, .until_s = 1050 }, "c5 c4", "from a time, before another" },
    { { .user = RF_SPAN_LIT("201"), .verdict = RF_SPAN_LIT("PARTLY") }, "c2", "two conditions" },
    { { .user = RF_SPAN_LIT("201"), .number = RF_SPAN_LIT("202"), .connection = RF_SPAN_LIT("carrier"),
        .verdict = RF_SPAN_LIT("CLEAR"), .code = RF_SPAN_LIT("RF-301"), .from_s = 1, .until_s = 2 },
      "", "all at once" },
    { W(user, "201' OR '1'='1"), "", "a word is never SQL" },
};

static void
found_by(void)
{
    struct rf_store *s = open_or_die("found");
    struct found f;
    int pages = 0, count = 0;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_row(s, &rows[i]);
    if (rf_store_flush(s) != RF_OK)
        abort();
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        f = find(s, searches[i].by);
        ok(strcmp(f.text, searches[i].want) == 0, "%s: \"%s\"", searches[i].why, f.text);
    }
    for (int64_t before = 0; pages < 10; before = f.last, pages++) {
        f = find(s, (struct rf_store_search){ .limit = 3, .before = before });
        count += f.count;
        if (f.count == 0)
            break;
    }
    ok(count == 8 && pages == 3, "in pages of three all are seen once: %d in %d", count, pages);
    {
        struct row again = rows[0];

        again.word[6] = "RF-401";
        put_row(s, &again);
        f = rf_store_flush(s) == RF_OK ? find(s, (struct rf_store_search)W(code, "RF-401")) : (struct found){ "error" };
        ok(strcmp(f.text, "c1") == 0 && find(s, (struct rf_store_search){ .limit = 0 }).count == 8,
           "a record that is written again has its new words and stays one: %s", f.text);
    }
    rf_store_close(s);
}

static int
count_of(struct rf_store *s)
{
    static const struct rf_store_search all = { .limit = 1000000 };

    return find(s, all).count;
}

static void
put_many(struct rf_store *s, int n, int64_t began_s)
{
    static int serial;
    char id[24];

    for (int i = 0; i < n; i++) {
        const struct row r = { id, { "201", "202", "202", "", "", "ENCRYPTED", "" }, began_s };

        snprintf(id, sizeof id, "many-%d", serial++);
        put_row(s, &r);
        if (i % 1000 == 0 && rf_store_flush(s) != RF_OK)
            abort();
    }
    if (rf_store_flush(s) != RF_OK)
        abort();
}

static int
settled_count(struct rf_store *s, int want)
{
    int count = 0;

    for (int i = 0; i < 200 && (count = count_of(s)) != want; i++)
        usleep(20000);
    return count;
}

static int64_t
rows_of_words(const char *name)
{
    char path[300];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int64_t n = -1;

    snprintf(path, sizeof path, "%s/%s/ringfence.db", base, name);
    if (sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM record_key", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void
kept(void)
{
    struct rf_store *s = open_or_die("kept");
    const int64_t now_s = (int64_t)time(NULL);

    put_many(s, 3000, now_s - 1000);
    put_many(s, 3000, now_s - 10);
    ok(count_of(s) == 6000, "6000 records");
    rf_store_keep_records(s, 100000, 500);
    ok(settled_count(s, 3000) == 3000, "an age is set: older ones go, although no record comes");
    rf_store_keep_records(s, 100, 500);
    ok(settled_count(s, 100) == 100, "a count is set: the newest stay");
    ok(rows_of_words("kept") == 100, "and no words of those that went");
    rf_store_close(s);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(base, sizeof base, "%.40s/rf-search-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(base) == NULL)
        return 1;
    found_by();
    kept();
    nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
