/*
 * The store: what it keeps, in which order it answers, and what it does when it is killed, filled or damaged.
 * RF-808 (second instance): "no acknowledged registration, setting or call record is lost".
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/schema.h"
#include "store/state_dir.h"
#include "tap.h"

static char base[64];

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return remove(path);
}

static void
remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh directory below base, in one static buffer. */
static const char *
fresh_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", base, name);
    remove_tree(path);
    if (mkdir(path, 0700) != 0)
        abort();
    return path;
}

static struct rf_store *
open_or_die(const char *dir)
{
    struct rf_store *s = NULL;
    char why[256] = "";

    if (rf_store_open(&s, dir, why, sizeof why) != RF_OK) {
        diag("%s", why);
        abort();
    }
    return s;
}

/* Rows as one text "key/sub=value@time ". */
struct rows {
    char text[4096];
    size_t n;
    int count, stop_after;
};

static bool
add_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    struct rows *r = ctx;

    r->count++;
    r->n += (size_t)snprintf(r->text + r->n, sizeof r->text - r->n, "%.*s/%.*s=%.*s@%lld ", RF_SPAN_ARG(key),
                             RF_SPAN_ARG(sub), RF_SPAN_ARG(value), (long long)at_s);
    if (r->n >= sizeof r->text)
        r->n = sizeof r->text - 1;
    return r->stop_after == 0 || r->count < r->stop_after;
}

static struct rf_store_write
put(enum rf_store_op op, const char *key, const char *sub, const char *value, int64_t at_s)
{
    return (struct rf_store_write){ op, rf_span_str(key), rf_span_str(sub), rf_span_str(value), at_s };
}

static enum rf_err
write_now(struct rf_store *s, struct rf_store_write w)
{
    enum rf_err err = rf_store_write(s, &w, 1, NULL, NULL, 0);

    return err ? err : rf_store_flush(s);
}

/* --- what it keeps ------------------------------------------------------------------------------------ */

static const char *
bindings_of(struct rf_store *s, const char *aor)
{
    static struct rows r;

    r = (struct rows){ 0 };
    if (rf_store_load_bindings(s, rf_span_str(aor), add_row, &r) != RF_OK)
        return "error";
    return r.text;
}

static void
rows_come_back(void)
{
    const char *dir = fresh_dir("rows");
    struct rf_store *s = open_or_die(dir);
    struct rf_secret secret;
    struct rows r = { 0 };
    char path[300];
    struct stat st;
    bool passed;

    ok(write_now(s, put(RF_STORE_BINDING_PUT, "201", "a", "one", 100)) == RF_OK, "a binding is written");
    ok(write_now(s, put(RF_STORE_BINDING_PUT, "201", "b", "two", 200)) == RF_OK, "a second one of the same AOR");
    ok(write_now(s, put(RF_STORE_BINDING_PUT, "202", "a", "other", 300)) == RF_OK, "one of another AOR");
    ok(write_now(s, put(RF_STORE_BINDING_PUT, "201", "a", "new", 150)) == RF_OK, "a refresh");
    ok(strcmp(bindings_of(s, "201"), "201/a=new@150 201/b=two@200 ") == 0, "a refresh replaces its row: %s",
       bindings_of(s, "201"));
    ok(write_now(s, put(RF_STORE_BINDING_DELETE, "201", "b", "", 0)) == RF_OK &&
           strcmp(bindings_of(s, "201"), "201/a=new@150 ") == 0,
       "one binding is deleted by its key");
    ok(write_now(s, put(RF_STORE_BINDING_PUT, "201", "c", "", 9)) == RF_OK &&
           strcmp(bindings_of(s, "201"), "201/a=new@150 201/c=@9 ") == 0,
       "an empty value is a value");
    ok(write_now(s, put(RF_STORE_BINDING_DELETE, "201", "", "", 0)) == RF_OK &&
           strcmp(bindings_of(s, "201"), "") == 0,
       "without a key all bindings of the AOR go");
    ok(strcmp(bindings_of(s, ""), "202/a=other@300 ") == 0, "and no others");

    ok(write_now(s, put(RF_STORE_BINDING_PUT, "203", "a", "late", 301)) == RF_OK &&
           write_now(s, put(RF_STORE_BINDING_EXPIRE, "", "", "", 300)) == RF_OK &&
           strcmp(bindings_of(s, ""), "203/a=late@301 ") == 0,
       "what has expired is deleted at once, and no more");
    ok(write_now(s, put(RF_STORE_BINDING_DELETE, "203", "", "", 0)) == RF_OK &&
           write_now(s, put(RF_STORE_BINDING_PUT, "202", "a", "other", 300)) == RF_OK,
       "back to one binding");

    ok(write_now(s, put(RF_STORE_DIALOG_PUT, "call-1", "", "up", 0)) == RF_OK &&
           write_now(s, put(RF_STORE_DIALOG_PUT, "call-1", "", "held", 0)) == RF_OK &&
           write_now(s, put(RF_STORE_DIALOG_PUT, "call-2", "", "up", 0)) == RF_OK &&
           write_now(s, put(RF_STORE_DIALOG_DELETE, "call-2", "", "", 0)) == RF_OK,
       "dialogs are written and deleted");
    passed = rf_store_load_dialogs(s, add_row, &r) == RF_OK && strcmp(r.text, "call-1/=held@0 ") == 0;
    ok(passed, "dialogs: %s", r.text);

    ok(write_now(s, put(RF_STORE_SECRET_PUT, "user-201", "", "tidal", 0)) == RF_OK &&
           rf_store_load_secret(s, RF_SPAN_LIT("user-201"), &secret) == RF_OK && secret.n == 5 &&
           memcmp(secret.octet, "tidal", 5) == 0,
       "a secret comes back");
    r = (struct rows){ 0 };
    ok(rf_store_load_secret_names(s, add_row, &r) == RF_OK && strncmp(r.text, "user-201/", 9) == 0 &&
           strstr(r.text, "=@0 ") != NULL,
       "a list of secrets has names and no octets");
    ok(write_now(s, put(RF_STORE_SECRET_DELETE, "user-201", "", "", 0)) == RF_OK &&
           rf_store_load_secret(s, RF_SPAN_LIT("user-201"), &secret) == RF_ERR_NOT_FOUND,
       "a deleted secret is gone");
    {
        static char long_value[RF_SECRET_MAX + 1];
        struct rf_store_write w = { RF_STORE_SECRET_PUT, RF_SPAN_LIT("x"), { NULL, 0 },
                                    { long_value, sizeof long_value }, 0 };

        ok(rf_store_write(s, &w, 1, NULL, NULL, 0) == RF_ERR_RANGE, "a secret that could not be read is refused");
        w.op = RF_STORE_DIALOG_PUT;
        w.key.n = 0;
        ok(rf_store_write(s, &w, 1, NULL, NULL, 0) == RF_ERR_RANGE, "a row without a key is refused");
    }

    rf_store_close(s);
    snprintf(path, sizeof path, "%s/ringfence.db", dir);
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600, "the database has mode 0600");
    s = open_or_die(dir);
    ok(strcmp(bindings_of(s, ""), "202/a=other@300 ") == 0, "after a restart the bindings are there");
    rf_store_close(s);

    chmod(path, 0644);
    s = open_or_die(dir);
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600, "a database that others may read is closed to them");
    rf_store_close(s);
}

static void
records(void)
{
    struct rf_store *s = open_or_die(fresh_dir("records"));
    struct rows r = { 0 };
    char key[32];
    bool passed;

    for (int i = 1; i <= 5; i++) {
        snprintf(key, sizeof key, "7f3%c%d", i <= 3 ? 'a' : 'b', i);
        if (write_now(s, put(RF_STORE_RECORD_PUT, key, "", "{}", i)) != RF_OK)
            ok(false, "record %d", i);
    }
    ok(rf_store_load_records(s, RF_SPAN_LIT(""), 2, add_row, &r) == RF_OK &&
           strcmp(r.text, "7f3b5/={}@5 7f3b4/={}@4 ") == 0,
       "records: newest first, at most the limit");
    r = (struct rows){ 0 };
    ok(rf_store_load_records(s, RF_SPAN_LIT("7f3a"), 10, add_row, &r) == RF_OK &&
           strcmp(r.text, "7f3a3/={}@3 7f3a2/={}@2 7f3a1/={}@1 ") == 0,
       "records: by a prefix of four");
    r = (struct rows){ 0 };
    ok(rf_store_load_records(s, RF_SPAN_LIT("7f3"), 10, add_row, &r) == RF_OK && r.count == 0,
       "records: three characters are no prefix");
    r = (struct rows){ .stop_after = 1 };
    ok(rf_store_load_records(s, RF_SPAN_LIT(""), 10, add_row, &r) == RF_OK && r.count == 1,
       "a reader that has enough stops");

    /* Pruning looks once in 1024 records, so so many more than asked for may stand for a while. */
    rf_store_keep_records(s, 100, 0);
    for (int i = 0; i < 3000; i++) {
        struct rf_store_write w;

        snprintf(key, sizeof key, "bulk-%d", i);
        w = put(RF_STORE_RECORD_PUT, key, "", "{}", 1000 + i);
        if (rf_store_write(s, &w, 1, NULL, NULL, 0) != RF_OK)
            ok(false, "record %d is queued", i);
        if (i % 100 == 0 && rf_store_flush(s) != RF_OK)
            ok(false, "record %d is written", i);
    }
    r = (struct rows){ 0 };
    passed = rf_store_flush(s) == RF_OK &&
             rf_store_load_records(s, RF_SPAN_LIT(""), 10000, add_row, &r) == RF_OK && r.count >= 100 &&
             r.count <= 100 + 1024 + 100 && strncmp(r.text, "bulk-2999/", 10) == 0;
    ok(passed, "of 3005 records kept to 100 at most 1224 stand, the newest first: %d", r.count);
    rf_store_close(s);
}

static void
settings(void)
{
    struct rf_store *s = open_or_die(fresh_dir("settings"));
    struct rows r = { 0 };
    char text[32];

    ok(rf_store_load_settings(s, add_row, &r) == RF_OK && r.count == 0, "settings: none at first");
    for (int i = 1; i <= 60; i++) {
        snprintf(text, sizeof text, "v%d", i);
        if (write_now(s, put(RF_STORE_SETTINGS_PUT, i % 2 ? "alice" : "bob", "", text, 0)) != RF_OK)
            ok(false, "version %d", i);
    }
    ok(rf_store_load_settings(s, add_row, &r) == RF_OK && r.count == 1 && strncmp(r.text, "bob/60=v60@", 11) == 0,
       "settings: the newest comes back");
    r = (struct rows){ 0 };
    ok(rf_store_load_history(s, 0, add_row, &r) == RF_OK && r.count == RF_STORE_HISTORY_MAX,
       "settings: the last 50 versions are kept");
    r = (struct rows){ 0 };
    ok(rf_store_load_history(s, 11, add_row, &r) == RF_OK && strncmp(r.text, "alice/11=v11@", 13) == 0,
       "settings: one earlier version comes back");
    r = (struct rows){ 0 };
    ok(rf_store_load_history(s, 10, add_row, &r) == RF_OK && r.count == 0, "settings: the 51st is gone");
    rf_store_close(s);
}

/* --- trusted certificates ------------------------------------------------------------------------------ */

static const char *
trusted_of(struct rf_store *s, int64_t version)
{
    static struct rows r;

    r = (struct rows){ 0 };
    return rf_store_load_trusted(s, version, add_row, &r) == RF_OK ? r.text : "error";
}

/* One group: a version of the settings, and a change of the certificates with it. */
static void
change_trust(struct rf_store *s, enum rf_store_op op, const char *key, const char *sub, const char *value, int64_t number)
{
    struct rf_store_write w[2] = { put(RF_STORE_SETTINGS_PUT, "alice", "", "text", 0), put(op, key, sub, value, number) };

    if (rf_store_write(s, w, 2, NULL, NULL, 0) != RF_OK || rf_store_flush(s) != RF_OK)
        abort();
}

static void
trusted(void)
{
    struct rf_store *s = open_or_die(fresh_dir("trusted"));
    struct rows r = { 0 };

    change_trust(s, RF_STORE_TRUST_PUT, "aa", "", "one", 5);           /* version 1 */
    change_trust(s, RF_STORE_TRUST_PUT, "bb", "sip-trunks", "two", 6); /* 2 */
    change_trust(s, RF_STORE_TRUST_DELETE, "aa", "", "", 0);           /* 3 */
    change_trust(s, RF_STORE_TRUST_PUT, "bb", "sip-trunks", "new", 7); /* 4 */
    ok(strcmp(trusted_of(s, 0), "bb/sip-trunks=new@7 ") == 0, "AVA-11 trusted certificates: what is there now");
    ok(strcmp(trusted_of(s, 1), "aa/=one@5 ") == 0, "AVA-11 as of version 1");
    ok(strcmp(trusted_of(s, 2), "aa/=one@5 bb/sip-trunks=two@6 ") == 0, "AVA-11 as of version 2");
    ok(strcmp(trusted_of(s, 3), "bb/sip-trunks=two@6 ") == 0, "AVA-11 as of version 3");
    change_trust(s, RF_STORE_TRUST_RESTORE, "", "", "", 2); /* 5 */
    ok(strcmp(trusted_of(s, 0), "aa/=one@5 bb/sip-trunks=two@6 ") == 0, "AVA-11 back to version 2");
    ok(strcmp(trusted_of(s, 4), "bb/sip-trunks=new@7 ") == 0, "AVA-11 and version 4 is still known");
    change_trust(s, RF_STORE_TRUST_RESTORE, "", "", "", 4); /* 6 */
    ok(strcmp(trusted_of(s, 0), "bb/sip-trunks=new@7 ") == 0, "AVA-11 back to version 4");
    for (int i = 0; i < RF_STORE_HISTORY_MAX; i++)
        change_trust(s, RF_STORE_TRUST_PUT, "cc", "", "three", 8);
    ok(strcmp(trusted_of(s, 3), "") == 0 && strstr(trusted_of(s, 0), "bb/sip-trunks=new@7 ") != NULL,
       "AVA-11 what no kept version has is gone");

    if (rf_store_write(s, (struct rf_store_write[]){ put(RF_STORE_USE_PUT, "204", "sip-phones 1.0", "a", 100),
                                                     put(RF_STORE_USE_PUT, "204", "sip-phones 1.0", "b", 200),
                                                     put(RF_STORE_USE_PUT, "210", "sip-phones 1.2", "c", 100),
                                                     put(RF_STORE_USE_EXPIRE, "", "", "", 150) },
                       4, NULL, NULL, 0) != RF_OK ||
        rf_store_flush(s) != RF_OK)
        abort();
    ok(rf_store_load_uses(s, add_row, &r) == RF_OK && strcmp(r.text, "204/sip-phones 1.0=b@200 ") == 0,
       "what devices used: the newest of each, and nothing that is too old");
    rf_store_close(s);
}

/* --- groups and answers ------------------------------------------------------------------------------- */

struct answers {
    _Atomic uint32_t good, bad;
    _Atomic uint64_t cookies; /* sum of those that were good */
};

static void
count_answer(void *ctx, uint64_t cookie, enum rf_err err)
{
    struct answers *a = ctx;

    if (err == RF_OK) {
        atomic_fetch_add(&a->good, 1);
        atomic_fetch_add(&a->cookies, cookie);
    } else {
        atomic_fetch_add(&a->bad, 1);
    }
}

static void
groups(void)
{
    struct rf_store *s = open_or_die(fresh_dir("groups"));
    struct answers a = { 0 };
    struct rf_store_counts counts;
    struct rf_store_write w[3] = { put(RF_STORE_BINDING_DELETE, "201", "", "", 0),
                                   put(RF_STORE_BINDING_PUT, "201", "a", "1", 1),
                                   put(RF_STORE_BINDING_PUT, "201", "b", "2", 2) };
    bool refused = false;

    ok(rf_store_write(s, w, 3, count_answer, &a, 7) == RF_OK && rf_store_flush(s) == RF_OK && a.good == 1 &&
           a.cookies == 7,
       "a group is answered once, with its cookie");
    ok(strcmp(bindings_of(s, "201"), "201/a=1@1 201/b=2@2 ") == 0, "its writes are done in their order");
    ok(rf_store_write(s, NULL, 0, count_answer, &a, 0) == RF_OK && rf_store_flush(s) == RF_OK && a.good == 2,
       "a group without writes is answered behind the others");

    for (int i = 0; i < 20000; i++)
        if (rf_store_write(s, w, 3, count_answer, &a, 1) != RF_OK)
            refused = true;
    ok(rf_store_flush(s) == RF_OK && !refused && a.good == 20002, "20,000 groups are each answered");
    rf_store_counts(s, &counts);
    ok(counts.queued == 0 && counts.failed == 0 && counts.last_error == RF_OK && counts.commits < 20001,
       "they shared %llu commits", (unsigned long long)counts.commits);
    rf_store_close(s);
}

/* A callback that holds the store's thread up, so that the queue fills behind it. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void
wait_at_gate(void *ctx, uint64_t cookie, enum rf_err err)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    count_answer(ctx, cookie, err);
}

static void
bounded(void)
{
    struct rf_store *s = open_or_die(fresh_dir("bounded"));
    struct answers a = { 0 };
    struct rf_store_write w = put(RF_STORE_DIALOG_PUT, "c", "", "x", 0);
    uint32_t taken = 0;
    enum rf_err err = RF_OK;

    pthread_mutex_lock(&gate);
    if (rf_store_write(s, &w, 1, wait_at_gate, &a, 0) == RF_OK)
        taken++;
    for (int i = 0; i < 1000000 && err == RF_OK; i++) {
        err = rf_store_write(s, &w, 1, count_answer, &a, 0);
        taken += err == RF_OK;
    }
    ok(err == RF_ERR_NOMEM, "a queue that nobody empties refuses after %u writes", taken);
    pthread_mutex_unlock(&gate);
    ok(rf_store_flush(s) == RF_OK && a.good == taken, "all that it took are answered");
    ok(write_now(s, w) == RF_OK, "and it takes more again");
    rf_store_close(s);
}

/* --- kill -9 ------------------------------------------------------------------------------------------ */

/* Shared with the child: which writes were acknowledged. */
struct shared {
    _Atomic uint64_t acknowledged[4096];
    _Atomic uint32_t count;
};

static void
acknowledge(void *ctx, uint64_t cookie, enum rf_err err)
{
    struct shared *sh = ctx;

    if (err == RF_OK) {
        atomic_store(&sh->acknowledged[cookie], 1);
        atomic_fetch_add(&sh->count, 1);
    }
}

static void
write_until_killed(const char *dir, struct shared *sh, uint32_t from)
{
    struct rf_store *s = open_or_die(dir);

    for (uint64_t i = from;; i++) {
        char aor[32];
        struct rf_store_write w[2];

        snprintf(aor, sizeof aor, "user-%llu", (unsigned long long)i % 4096);
        w[0] = put(RF_STORE_BINDING_PUT, aor, "a", "contact of this phone", (int64_t)i);
        w[1] = put(RF_STORE_BINDING_PUT, aor, "b", "contact of the other", (int64_t)i);
        while (rf_store_write(s, w, 2, acknowledge, sh, i % 4096) != RF_OK)
            usleep(100);
    }
}

static bool
mark_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    uint8_t *seen = ctx;
    uint64_t i;

    if (rf_span_u64(rf_span_sub(key, 5, 16), 4095, &i) == RF_OK)
        seen[i] |= rf_span_is(sub, "a") ? 1 : 2;
    return true;
}

static void
killed(void)
{
    const char *dir = fresh_dir("killed");
    struct shared *sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t acknowledged = 0, lost = 0, torn = 0;
    int rounds = 50;

    for (int round = 0; round < rounds; round++) {
        static uint8_t seen[4096];
        uint32_t before = atomic_load(&sh->count);
        struct rf_store *s;
        pid_t child = fork();

        if (child == 0) {
            write_until_killed(dir, sh, (uint32_t)round * 977);
            _exit(0);
        }
        /* Killed at a different moment of its work each time: after some writes were acknowledged. */
        for (int i = 0; i < 20000 && atomic_load(&sh->count) < before + 1 + (uint32_t)round * 7; i++)
            usleep(100);
        usleep((useconds_t)(round * 37 % 1000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);

        s = open_or_die(dir);
        memset(seen, 0, sizeof seen);
        if (rf_store_load_bindings(s, RF_SPAN_LIT(""), mark_row, seen) != RF_OK)
            ok(false, "round %d: the bindings can be read", round);
        for (size_t i = 0; i < 4096; i++) {
            lost += atomic_load(&sh->acknowledged[i]) && seen[i] != 3;
            torn += seen[i] == 1 || seen[i] == 2;
        }
        rf_store_close(s);
    }
    acknowledged = atomic_load(&sh->count);
    ok(acknowledged > (uint64_t)rounds && lost == 0,
       "killed %d times: of %llu acknowledged writes %llu are lost", rounds, (unsigned long long)acknowledged,
       (unsigned long long)lost);
    ok(torn == 0, "and no group was written in part");
    munmap(sh, sizeof *sh);
}

/* --- a full disk -------------------------------------------------------------------------------------- */

/* Files of this child may not grow beyond a bound, which stands for a disk without space. */
static int
fill_disk(const char *dir)
{
    struct rf_store *s = open_or_die(dir);
    struct rlimit limit, small = { 2 << 20, RLIM_INFINITY };
    static char blob[2000];
    struct rf_store_write w = put(RF_STORE_DIALOG_PUT, "", "", "", 0);
    struct rf_store_counts counts;
    char key[32];
    int good = 0, i;

    signal(SIGXFSZ, SIG_IGN);
    w.value = rf_span(blob, sizeof blob);
    getrlimit(RLIMIT_FSIZE, &limit);
    small.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    for (i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "call-%d", i);
        w.key = rf_span_str(key);
        if (write_now(s, w) != RF_OK)
            break;
        good++;
    }
    rf_store_counts(s, &counts);
    if (!ok(good > 50 && i < 2000 && counts.last_error == RF_ERR_IO && counts.failed == 1 && counts.last_why[0],
            "full disk: the write that does not fit fails (after %d): %s", good, counts.last_why)) {
        diag("%d tried, %llu failed, last %s", i, (unsigned long long)counts.failed, rf_err_name(counts.last_error));
        return 1;
    }
    if (!ok(write_now(s, w) != RF_OK, "full disk: it fails as long as there is no space"))
        return 1;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!ok(write_now(s, w) == RF_OK, "full disk: with space again the same write works"))
        return 1;
    rf_store_counts(s, &counts);
    if (!ok(counts.last_error == RF_OK && counts.last_why[0] == '\0', "full disk: and the trouble is over"))
        return 1;
    rf_store_close(s);
    return good;
}

/* The same by SQLite's own bound, with a group that does not fit between groups that do. */
static void
one_too_large(void)
{
    const char *dir = fresh_dir("large");
    struct rf_store *s = open_or_die(dir);
    struct answers fits = { 0 }, large = { 0 };
    static char blob[1 << 20];
    struct rf_store_write small_w = put(RF_STORE_DIALOG_PUT, "small", "", "x", 0);
    struct rf_store_write large_w = put(RF_STORE_DIALOG_PUT, "large", "", "", 0);
    struct rf_store_write both[2];
    struct rows r = { 0 };
    struct rlimit limit, bound = { 700 << 10, RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    bound.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &bound);
    large_w.value = rf_span(blob, sizeof blob);
    both[0] = put(RF_STORE_DIALOG_PUT, "half", "", "x", 0);
    both[1] = large_w;
    /* The first answer waits at the gate until all others are queued: they become one transaction. */
    pthread_mutex_lock(&gate);
    if (rf_store_write(s, &small_w, 1, wait_at_gate, &fits, 0) != RF_OK ||
        rf_store_write(s, &small_w, 1, count_answer, &fits, 0) != RF_OK ||
        rf_store_write(s, both, 2, count_answer, &large, 0) != RF_OK ||
        rf_store_write(s, &small_w, 1, count_answer, &fits, 0) != RF_OK)
        ok(false, "four groups are queued");
    pthread_mutex_unlock(&gate);
    ok(rf_store_flush(s) == RF_ERR_IO, "a flush says that something failed");
    setrlimit(RLIMIT_FSIZE, &limit);
    ok(fits.good == 3 && fits.bad == 0 && large.bad == 1 && large.good == 0,
       "a group that does not fit fails alone: %u good, %u failed", fits.good, large.bad);
    ok(rf_store_load_dialogs(s, add_row, &r) == RF_OK && strcmp(r.text, "small/=x@0 ") == 0,
       "and nothing of it was written");
    rf_store_close(s);
}

static bool
count_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    ++*(int *)ctx;
    return true;
}

static void
full_disk(void)
{
    const char *dir = fresh_dir("full");
    int good = fill_disk(dir), rows = 0;
    struct rf_store *s = open_or_die(dir);

    ok(rf_store_load_dialogs(s, count_row, &rows) == RF_OK && rows == good + 1,
       "full disk: all %d that were acknowledged are there", good + 1);
    rf_store_close(s);
}

/* --- the log stays bounded ---------------------------------------------------------------------------- */

static void
log_is_bounded(void)
{
    const char *dir = fresh_dir("wal");
    struct rf_store *s = open_or_die(dir);
    static char blob[30000];
    struct rf_store_write w = put(RF_STORE_DIALOG_PUT, "", "", "", 0);
    char path[300], key[32];
    struct stat st;
    long long largest = 0;

    w.value = rf_span(blob, sizeof blob);
    snprintf(path, sizeof path, "%s/ringfence.db-wal", dir);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "call-%d", i % 64);
        w.key = rf_span_str(key);
        memset(blob, i, sizeof blob); /* SQLite leaves pages alone that would not change */
        if (rf_store_write(s, &w, 1, NULL, NULL, 0) != RF_OK)
            i--;
        if (i % 8 == 0 && rf_store_flush(s) == RF_OK && stat(path, &st) == 0 && st.st_size > largest)
            largest = st.st_size;
    }
    ok(largest > 0 && largest < 40 << 20, "90 MB of writes leave a log of at most %lld MB", largest >> 20);
    rf_store_close(s);
}

/* --- versions and damage ------------------------------------------------------------------------------ */

static void
sql(const char *dir, const char *text)
{
    char path[300];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/ringfence.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
        sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        diag("%s: %s", text, sqlite3_errmsg(db));
        abort();
    }
    sqlite3_close(db);
}

static void
overwrite(const char *dir, long at, const char *with, size_t n)
{
    char path[300];
    int fd;

    snprintf(path, sizeof path, "%s/ringfence.db", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || pwrite(fd, with, n, at) != (ssize_t)n)
        abort();
    close(fd);
}

static enum rf_err
try_open(const char *dir, char *why, size_t why_size)
{
    struct rf_store *s = NULL;
    enum rf_err err = rf_store_open(&s, dir, why, why_size);

    if (err == RF_OK)
        rf_store_close(s);
    return err;
}

static void
versions(void)
{
    const char *dir = fresh_dir("versions");
    static char junk[4096];
    char why[256] = "";
    bool passed;

    ok(try_open(dir, why, sizeof why) == RF_OK, "an empty directory gets a database");
    ok(try_open(dir, why, sizeof why) == RF_OK, "a database of this version opens");
    sql(dir, "UPDATE migration SET version=version WHERE version=1; INSERT INTO migration VALUES(5, 0, '9.9')");
    passed = try_open(dir, why, sizeof why) == RF_ERR_UNSUPPORTED && strstr(why, "version 5") != NULL;
    ok(passed, "one of a newer version is refused: %s", why);
    sql(dir, "DELETE FROM migration WHERE version=5");
    ok(try_open(dir, why, sizeof why) == RF_OK, "and was not changed by that");
    sql(dir, "DELETE FROM migration WHERE version>1; DROP TABLE trusted; DROP TABLE tls_use; DROP TABLE item;"
             "DROP TABLE record_key; CREATE INDEX record_began ON record(began_s); PRAGMA user_version=0;"
             "ALTER TABLE secret DROP COLUMN key_id; ALTER TABLE settings DROP COLUMN key_id");
    ok(try_open(dir, why, sizeof why) == RF_OK, "one of version 1 is brought up to this one");

    sql(dir, "DROP TABLE dialog");
    passed = try_open(dir, why, sizeof why) == RF_ERR_STATE && strstr(why, "dialog") != NULL;
    ok(passed, "a table is missing: %s", why);

    dir = fresh_dir("foreign");
    sql(dir, "CREATE TABLE theirs(x)");
    passed = try_open(dir, why, sizeof why) == RF_ERR_STATE && strstr(why, "another program") != NULL;
    ok(passed, "another program's database is refused: %s", why);

    dir = fresh_dir("junk");
    memset(junk, 'j', sizeof junk);
    overwrite(dir, 0, junk, sizeof junk);
    passed = try_open(dir, why, sizeof why) == RF_ERR_STATE && strstr(why, "damaged") != NULL;
    ok(passed, "a file that is no database: %s", why);

    dir = fresh_dir("damaged");
    {
        struct rf_store *s = open_or_die(dir);
        char key[32];

        for (int i = 0; i < 2000; i++) {
            snprintf(key, sizeof key, "user-%d", i);
            if (rf_store_write(s, &(struct rf_store_write){ RF_STORE_BINDING_PUT, rf_span_str(key),
                                                            RF_SPAN_LIT("a"), RF_SPAN_LIT("contact"), 1 },
                               1, NULL, NULL, 0) != RF_OK)
                abort();
        }
        rf_store_close(s);
    }
    for (int page = 40; page < 50; page++) /* of the bindings: the roots of all tables stand before */
        overwrite(dir, page * 4096l, junk, sizeof junk);
    passed = try_open(dir, why, sizeof why) == RF_ERR_STATE && strstr(why, "damaged") != NULL;
    ok(passed, "damaged pages: %s", why);

    dir = fresh_dir("missing");
    remove_tree(dir);
    passed = try_open(dir, why, sizeof why) == RF_ERR_IO && strstr(why, "No such file") != NULL;
    ok(passed, "no directory: %s", why);
}

/* --- the state directory ------------------------------------------------------------------------------ */

static void
state_dir(void)
{
    const char *dir = fresh_dir("state");
    struct rf_state_dir *d = NULL, *second = NULL;
    char why[256] = "", path[300];
    struct stat st;
    int pipe_fd[2];
    char byte;
    bool passed;
    pid_t child, pid = 0;

    snprintf(path, sizeof path, "%s/new", dir);
    ok(rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_OK && stat(path, &st) == 0 &&
           (st.st_mode & 07777) == 0700,
       "the state directory is made with mode 0700");
    passed = rf_state_dir_open(&second, path, &pid, why, sizeof why) == RF_ERR_EXISTS && pid == getpid() &&
           strstr(why, "in use by process") != NULL;
    ok(passed, "RF-808 a second instance is refused and told who has it: %s", why);
    rf_state_dir_close(d);
    ok(rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_OK, "after its end the directory is free");
    rf_state_dir_close(d);

    if (pipe(pipe_fd) != 0)
        abort();
    child = fork();
    if (child == 0) {
        if (rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_OK && write(pipe_fd[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    if (read(pipe_fd[0], &byte, 1) != 1)
        abort();
    ok(rf_state_dir_open(&second, path, &pid, why, sizeof why) == RF_ERR_EXISTS && pid == child,
       "RF-808 another process is named by its id");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ok(rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_OK, "a killed daemon leaves no lock behind");
    rf_state_dir_close(d);

    chmod(path, 0755);
    passed = rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_ERR_REFUSED && strstr(why, "chmod 700") != NULL;
    ok(passed, "a directory with files that others may read is refused: %s", why);
    snprintf(path, sizeof path, "%s/empty", dir);
    mkdir(path, 0755);
    chmod(path, 0755);
    ok(rf_state_dir_open(&d, path, NULL, why, sizeof why) == RF_OK && stat(path, &st) == 0 &&
           (st.st_mode & 07777) == 0700,
       "an empty one is closed to others");
    rf_state_dir_close(d);
    passed = rf_state_dir_open(&d, "/nonexistent/place", NULL, why, sizeof why) == RF_ERR_IO;
    ok(passed, "no parent: %s", why);
}

static void
items(void)
{
    struct rf_store_write put = { .op = RF_STORE_ITEM_PUT, .key = RF_SPAN_LIT("acme-certificate"),
                                  .sub = RF_SPAN_LIT("web/rsa"), .value = RF_SPAN_LIT("one") };
    struct rows r = { 0 };
    struct rf_store *s = open_or_die(base);

    rf_assert(rf_store_write(s, &put, 1, NULL, NULL, 0) == RF_OK);
    put.sub = RF_SPAN_LIT("web/ecdsa");
    put.value = RF_SPAN_LIT("two");
    rf_assert(rf_store_write(s, &put, 1, NULL, NULL, 0) == RF_OK);
    put.value = RF_SPAN_LIT("three");
    rf_assert(rf_store_write(s, &put, 1, NULL, NULL, 0) == RF_OK && rf_store_flush(s) == RF_OK);
    ok(rf_store_load_items(s, put.key, add_row, &r) == RF_OK &&
           strcmp(r.text, "acme-certificate/web/ecdsa=three@0 acme-certificate/web/rsa=one@0 ") == 0,
       "items: by name, the last value of each: %s", r.text);
    put.op = RF_STORE_ITEM_DELETE;
    rf_assert(rf_store_write(s, &put, 1, NULL, NULL, 0) == RF_OK && rf_store_flush(s) == RF_OK);
    r = (struct rows){ 0 };
    ok(rf_store_load_items(s, put.key, add_row, &r) == RF_OK &&
           strcmp(r.text, "acme-certificate/web/rsa=one@0 ") == 0,
       "items: one is deleted");
    rf_store_close(s);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(base, sizeof base, "%.40s/rf-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(base) == NULL)
        return 1;
    state_dir();
    rows_come_back();
    records();
    settings();
    trusted();
    items();
    groups();
    bounded();
    killed();
    full_disk();
    one_too_large();
    log_is_bounded();
    versions();
    remove_tree(base);
    return tap_done();
}
