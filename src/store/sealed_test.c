/*
 * Secrets at rest: what lies in the database without its key says nothing, no value can take another row's place, and
 * neither a rotation that is cut off nor a missing key file loses a row (issue 4.8).
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/keyring.h"
#include "store/store.h"
#include "tap.h"

#define SECRETS 40

static char base[64];

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return remove(path);
}

static const char *
fresh_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", base, name);
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (mkdir(path, 0700) != 0)
        abort();
    return path;
}

static enum rf_err
try_open(const char *dir, struct rf_store **s, char why[static 400])
{
    why[0] = '\0';
    return rf_store_open(s, dir, why, 400);
}

static struct rf_store *
open_or_die(const char *dir)
{
    struct rf_store *s = NULL;
    char why[400];

    if (try_open(dir, &s, why) != RF_OK) {
        diag("%s", why);
        abort();
    }
    return s;
}

static void
write_or_die(struct rf_store *s, struct rf_store_write w)
{
    if (rf_store_write(s, &w, 1, NULL, NULL, 0) != RF_OK || rf_store_flush(s) != RF_OK)
        abort();
}

static void
sql(const char *dir, const char *text)
{
    sqlite3 *db = NULL;
    char path[300], *why = NULL;

    snprintf(path, sizeof path, "%s/ringfence.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
        sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
        diag("%s", why != NULL ? why : "no database");
        abort();
    }
    sqlite3_close(db);
}

/* Whether any file of the directory, the key file aside, has these octets. */
static const char *needle;
static char found_in[300];

static int
look_into(const char *path, const struct stat *st, int type, struct FTW *where)
{
    char *text;
    int fd;

    if (type != FTW_F || strcmp(path + where->base, RF_KEYRING_FILE) == 0 || st->st_size == 0)
        return 0;
    text = malloc((size_t)st->st_size);
    fd = open(path, O_RDONLY);
    if (text == NULL || fd < 0 || read(fd, text, (size_t)st->st_size) != st->st_size)
        abort();
    if (memmem(text, (size_t)st->st_size, needle, strlen(needle)) != NULL)
        snprintf(found_in, sizeof found_in, "%s", path);
    close(fd);
    free(text);
    return 0;
}

static bool
lies_in(const char *dir, const char *what)
{
    needle = what;
    found_in[0] = '\0';
    nftw(dir, look_into, 16, FTW_PHYS);
    return found_in[0] != '\0';
}

static struct rf_store_write
secret(const char *name, const char *value)
{
    return (struct rf_store_write){ .op = RF_STORE_SECRET_PUT, .key = rf_span_str(name), .value = rf_span_str(value) };
}

static bool
has_secret(struct rf_store *s, const char *name, const char *value)
{
    struct rf_secret out = { .n = 0 };
    bool same = rf_store_load_secret(s, rf_span_str(name), &out) == RF_OK &&
                rf_span_is(rf_span(out.octet, out.n), value);

    rf_secret_fini(&out);
    return same;
}

static bool
take_value(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    snprintf(ctx, 200, "%.*s", RF_SPAN_ARG(value));
    return false;
}

/* --- the ring ------------------------------------------------------------------------------------------ */

static void
values(void)
{
    static const struct { struct rf_sealed_row row; const char *why; } others[] = {
        { { "secret", RF_SPAN_LIT("user-202"), RF_SPAN_LIT("") }, "another name" },
        { { "item", RF_SPAN_LIT("user-201"), RF_SPAN_LIT("") }, "another kind" },
        { { "secret", RF_SPAN_LIT("user-20"), RF_SPAN_LIT("1") }, "the same octets, divided otherwise" },
        { { "secret", RF_SPAN_LIT(""), RF_SPAN_LIT("user-201") }, "the names in the other place" },
    };
    const struct rf_sealed_row row = { "secret", RF_SPAN_LIT("user-201"), RF_SPAN_LIT("") };
    const struct rf_span value = RF_SPAN_LIT("tidal-marsh-9");
    struct rf_keyring ring = { .n = 0 }, other = { .n = 0 };
    uint8_t a[64], b[64], out[64];
    const struct rf_span sealed = rf_span(a, value.n + RF_SEAL_EXTRA);
    bool all_refused = true;

    ok(rf_keyring_seal(&ring, &rf_rand_system, &row, value, a) == RF_ERR_STATE, "an empty ring seals nothing");
    rf_assert(rf_keyring_add(&ring, &rf_rand_system) == RF_OK && rf_keyring_add(&other, &rf_rand_system) == RF_OK);
    rf_assert(rf_keyring_seal(&ring, &rf_rand_system, &row, value, a) == RF_OK &&
              rf_keyring_seal(&ring, &rf_rand_system, &row, value, b) == RF_OK);
    ok(memcmp(a, b, sealed.n) != 0 && memmem(a, sealed.n, value.p, value.n) == NULL,
       "the same value is never sealed to the same octets");
    ok(rf_keyring_unseal(&ring, rf_keyring_newest(&ring), &row, sealed, out) == RF_OK &&
           memcmp(out, value.p, value.n) == 0,
       "it opens for its own row");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ok(rf_keyring_unseal(&ring, rf_keyring_newest(&ring), &others[i].row, sealed, out) == RF_ERR_AUTH,
           "it does not open for %s", others[i].why);
    ok(rf_keyring_unseal(&other, rf_keyring_newest(&other), &row, sealed, out) == RF_ERR_AUTH &&
           rf_keyring_unseal(&other, rf_keyring_newest(&ring), &row, sealed, out) == RF_ERR_NOT_FOUND,
       "nor by another key");
    for (size_t i = 0; i < sealed.n; i++) {
        a[i] ^= 1;
        all_refused &= rf_keyring_unseal(&ring, rf_keyring_newest(&ring), &row, sealed, out) == RF_ERR_AUTH;
        a[i] ^= 1;
    }
    ok(all_refused, "nor with any octet changed");
    for (size_t n = 0; n < sealed.n; n++)
        all_refused &= rf_keyring_unseal(&ring, rf_keyring_newest(&ring), &row, rf_span_sub(sealed, 0, n), out) ==
                       RF_ERR_AUTH;
    ok(all_refused, "nor cut short anywhere");
    ok(rf_keyring_seal(&ring, &rf_rand_system, &row, RF_SPAN_LIT(""), b) == RF_OK &&
           rf_keyring_unseal(&ring, rf_keyring_newest(&ring), &row, rf_span(b, RF_SEAL_EXTRA), out) == RF_OK,
       "an empty value is a value");
    rf_keyring_fini(&ring);
    rf_keyring_fini(&other);
}

static void
put_file(const char *dir, const char *text, mode_t mode)
{
    char path[300];
    int fd;

    snprintf(path, sizeof path, "%s/" RF_KEYRING_FILE, dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) != 0)
        abort();
    close(fd);
}

static void
key_file(void)
{
    static const struct { const char *text, *why; } damaged[] = {
        { "", "empty" },
        { "ringfence secret key 1\n", "no key" },
        { "something else\n", "another file" },
        { "ringfence secret key 1\n0123456789abcdef 00\n", "a short key" },
        { "ringfence secret key 1\n0123456789abcdef "
          "0000000000000000000000000000000000000000000000000000000000000000\n", "the ID of another key" },
    };
    const char *dir = fresh_dir("file");
    struct rf_keyring ring = { .n = 0 }, again;
    char why[400], path[300];
    struct stat st;

    snprintf(path, sizeof path, "%s/" RF_KEYRING_FILE, dir);
    ok(rf_keyring_read(&again, dir, why, sizeof why) == RF_ERR_NOT_FOUND, "there is no key file: %s", why);
    for (int i = 0; i < RF_KEYRING_KEYS; i++)
        rf_assert(rf_keyring_add(&ring, &rf_rand_system) == RF_OK);
    ok(rf_keyring_add(&ring, &rf_rand_system) == RF_ERR_RANGE, "a ring has a limit");
    ok(rf_keyring_write(&ring, dir, why, sizeof why) == RF_OK && stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
       "the key file has mode 0600");
    ok(rf_keyring_read(&again, dir, why, sizeof why) == RF_OK && again.n == ring.n &&
           memcmp(&again, &ring, sizeof ring) == 0,
       "it is read as it was written");
    rf_keyring_keep_newest(&again);
    ok(again.n == 1 && rf_keyring_newest(&again) == rf_keyring_newest(&ring) &&
           rf_keyring_write(&again, dir, why, sizeof why) == RF_OK &&
           rf_keyring_read(&again, dir, why, sizeof why) == RF_OK && again.n == 1,
       "all but the newest leave");
    chmod(path, 0640);
    ok(rf_keyring_read(&again, dir, why, sizeof why) == RF_ERR_REFUSED && strstr(why, "chmod 600") != NULL,
       "others may read it: %s", why);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        put_file(dir, damaged[i].text, 0600);
        ok(rf_keyring_read(&again, dir, why, sizeof why) == RF_ERR_STATE && again.n == 0, "damaged, %s: %s",
           damaged[i].why, why);
    }
    rf_keyring_fini(&ring);
    rf_keyring_fini(&again);
}

/* --- the database -------------------------------------------------------------------------------------- */

static void
at_rest(void)
{
    const char *dir = fresh_dir("rest");
    char why[400], out[200] = "", from[300], to[300];
    struct rf_store *s = open_or_die(dir);
    enum rf_err err;

    write_or_die(s, secret("carrier", "heron-in-the-reeds"));
    write_or_die(s, secret("other", "kite"));
    write_or_die(s, (struct rf_store_write){ .op = RF_STORE_ITEM_PUT, .key = RF_SPAN_LIT("acme-certificate"),
                                             .sub = RF_SPAN_LIT("web"), .value = RF_SPAN_LIT("PRIVATE-of-web") });
    write_or_die(s, (struct rf_store_write){ .op = RF_STORE_SETTINGS_PUT, .key = RF_SPAN_LIT("me"),
                                             .value = RF_SPAN_LIT("user 9 {\n password literal-in-the-layer\n}\n") });
    ok(!lies_in(dir, "heron-in-the-reeds") && !lies_in(dir, "PRIVATE-of-web") && !lies_in(dir, "literal-in-the-layer"),
       "no secret, private key or settings in database and log as they are: %s", found_in);
    ok(rf_store_load_items(s, RF_SPAN_LIT("acme-certificate"), take_value, out) == RF_OK &&
           strcmp(out, "PRIVATE-of-web") == 0,
       "an item comes back");
    ok(rf_store_load_settings(s, take_value, out) == RF_OK && strstr(out, "literal-in-the-layer") != NULL,
       "the settings come back");
    rf_store_close(s);
    ok(!lies_in(dir, "heron-in-the-reeds") && !lies_in(dir, "PRIVATE-of-web") && !lies_in(dir, "literal-in-the-layer"),
       "nor after the log was copied into it: %s", found_in);

    s = open_or_die(dir);
    sql(dir, "UPDATE secret SET value=(SELECT value FROM secret WHERE name=x'6f74686572')"
             " WHERE name=x'63617272696572'");
    {
        struct rf_secret got = { .n = 0 };

        err = rf_store_load_secret(s, RF_SPAN_LIT("carrier"), &got);
        ok(err == RF_ERR_STATE && got.n == 0, "a value that was put into another row is refused");
    }
    write_or_die(s, secret("carrier", "heron-in-the-reeds"));
    rf_store_close(s);

    snprintf(from, sizeof from, "%s/" RF_KEYRING_FILE, dir);
    snprintf(to, sizeof to, "%s/away", base);
    rf_assert(rename(from, to) == 0);
    err = try_open(dir, &s, why);
    ok(err == RF_ERR_NOT_FOUND && strstr(why, RF_KEYRING_FILE) != NULL && access(from, F_OK) != 0,
       "without its key file the database is refused, and no new key is made: %s", why);
    put_file(dir, "ringfence secret key 1\n", 0600);
    ok(try_open(dir, &s, why) == RF_ERR_STATE, "with a damaged one, too: %s", why);
    {
        struct rf_keyring wrong = { .n = 0 };

        rf_assert(rf_keyring_add(&wrong, &rf_rand_system) == RF_OK &&
                  rf_keyring_write(&wrong, dir, why, sizeof why) == RF_OK);
        ok(try_open(dir, &s, why) == RF_ERR_NOT_FOUND, "and with that of another database: %s", why);
    }
    rf_assert(rename(to, from) == 0);
    s = open_or_die(dir);
    ok(has_secret(s, "carrier", "heron-in-the-reeds") && has_secret(s, "other", "kite"),
       "nothing was lost: with its key file back everything opens");
    rf_store_close(s);
    sql(dir, "UPDATE secret SET value=x'6b697465', key_id=0 WHERE name=x'6f74686572'");
    ok(try_open(dir, &s, why) == RF_ERR_STATE, "a plain value that was put there afterwards is refused: %s", why);
}

/* A database as programs before version 4 made it. */
static const char *
make_plain(const char *name)
{
    const char *dir = fresh_dir(name);
    struct rf_store *s = open_or_die(dir);

    write_or_die(s, (struct rf_store_write){ .op = RF_STORE_RECORD_PUT, .key = RF_SPAN_LIT("7f3a"), .expires_s = 1000,
                                             .value = RF_SPAN_LIT("{\"from\":\"201\",\"to\":\"202\",\"legs\":[{},"
                                                                  "{\"user\":\"202\",\"connection\":\"k\"}]}") });
    rf_store_close(s);
    sql(dir, "PRAGMA user_version=0; DELETE FROM migration WHERE version=4; DROP TABLE record_key;"
             "CREATE INDEX record_began ON record(began_s); ALTER TABLE secret DROP COLUMN key_id;"
             "ALTER TABLE item DROP COLUMN key_id; ALTER TABLE settings DROP COLUMN key_id; DELETE FROM secret;"
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<39)"
             " INSERT INTO secret(name, value)"
             " SELECT CAST('user-'||i AS BLOB), CAST('plain-password-'||i AS BLOB) FROM n;"
             "INSERT INTO item(kind, name, value) VALUES(x'61', x'62', CAST(printf('%.9000c', 'K') AS BLOB));"
             "INSERT INTO settings(who, value, at_s) VALUES(x'63', CAST('password plain-in-layer' AS BLOB), 1);"
             "DELETE FROM secret WHERE name=x'757365722d35'");
    return dir;
}

/* All but the one that was deleted. */
static bool
all_came_over(struct rf_store *s)
{
    char name[32], value[64];
    bool all = true;

    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof name, "user-%d", i);
        snprintf(value, sizeof value, "plain-password-%d", i);
        all &= i == 5 || has_secret(s, name, value);
    }
    return all;
}

static void
from_plain(void)
{
    const char *dir = make_plain("plain");
    char out[200] = "";
    struct rf_store *s;

    ok(lies_in(dir, "plain-password-7") && lies_in(dir, "plain-in-layer"),
       "an older database has its secrets in plain");
    s = open_or_die(dir);
    ok(all_came_over(s), "they are there after the upgrade");
    ok(rf_store_load_items(s, RF_SPAN_LIT("a"), take_value, out) == RF_OK && strncmp(out, "KKKK", 4) == 0,
       "items, too");
    ok(rf_store_load_settings(s, take_value, out) == RF_OK && strcmp(out, "password plain-in-layer") == 0,
       "and the settings");
    ok(!lies_in(dir, "plain-password-") && !lies_in(dir, "plain-in-layer") && !lies_in(dir, "KKKKKKKKKKKK"),
       "none of them is left in database or log, deleted ones included: %s", found_in);
    out[0] = '\0';
    ok(rf_store_search_records(s, &(struct rf_store_search){ .connection = RF_SPAN_LIT("k"), .limit = 5 }, take_value,
                               out) == RF_OK &&
           out[0] != '\0',
       "records from before are found by their words");
    rf_store_close(s);
}

/* kill -9 at any moment of the first start with an older database: nothing is lost, and in the end nothing is plain. */
static void
killed_upgrade(void)
{
    bool all = true, none_left = true;
    int cut = 0;

    for (int round = 0; all && round < 30; round++) {
        const char *dir = make_plain("upgrade");
        struct rf_store *s;
        pid_t child = fork();
        int status;

        if (child == 0) {
            rf_store_close(open_or_die(dir));
            _exit(0);
        }
        usleep((useconds_t)round * 1000);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        cut += WIFSIGNALED(status);
        s = open_or_die(dir);
        all = all_came_over(s);
        none_left &= !lies_in(dir, "plain-password-") && !lies_in(dir, "KKKKKKKKKKKK");
        rf_store_close(s);
    }
    ok(all && none_left && cut > 0, "an upgrade that is killed, %d times: every secret is there, none is plain", cut);
}

/* --- rotation ------------------------------------------------------------------------------------------ */

static int64_t
key_of_file(const char *dir, size_t *n)
{
    struct rf_keyring ring;
    char why[400];
    int64_t id;

    if (rf_keyring_read(&ring, dir, why, sizeof why) != RF_OK)
        return 0;
    *n = ring.n;
    id = rf_keyring_newest(&ring);
    rf_keyring_fini(&ring);
    return id;
}

static bool
all_there(struct rf_store *s)
{
    char name[32], value[64];

    for (int i = 0; i < SECRETS; i++) {
        snprintf(name, sizeof name, "user-%d", i);
        snprintf(value, sizeof value, "password-%d", i);
        if (!has_secret(s, name, value))
            return false;
    }
    return true;
}

static const char *
filled(const char *name)
{
    const char *dir = fresh_dir(name);
    struct rf_store *s = open_or_die(dir);
    char key[32], value[64];

    for (int i = 0; i < SECRETS; i++) {
        snprintf(key, sizeof key, "user-%d", i);
        snprintf(value, sizeof value, "password-%d", i);
        write_or_die(s, secret(key, value));
    }
    rf_store_close(s);
    return dir;
}

static void
rotation(void)
{
    const char *dir = filled("rotate");
    struct rf_store *s = open_or_die(dir);
    struct rf_store_counts counts;
    char path[300];
    size_t n = 0;
    int64_t before = key_of_file(dir, &n), after;
    enum rf_err err;

    write_or_die(s, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
    ok(all_there(s), "after a rotation all secrets open");
    rf_store_close(s);
    after = key_of_file(dir, &n);
    ok(after != 0 && after != before && n == 1, "the file has another key, and that alone");
    s = open_or_die(dir);
    ok(all_there(s), "and at the next start");
    snprintf(path, sizeof path, "%s/" RF_KEYRING_FILE, dir);
    rf_assert(remove(path) == 0);
    write_or_die(s, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
    ok(all_there(s) && key_of_file(dir, &n) != 0 && n == 1, "a key file that vanished while it ran is there again");
    chmod(path, 0644);
    err = rf_store_write(s, &(struct rf_store_write){ .op = RF_STORE_KEY_ROTATE }, 1, NULL, NULL, 0);
    ok(err == RF_OK && rf_store_flush(s) == RF_ERR_IO, "one that others may read is not changed");
    rf_store_counts(s, &counts);
    ok(strstr(counts.last_why, "chmod 600") != NULL && all_there(s), "and it is said why: %s", counts.last_why);
    chmod(path, 0600);
    rf_store_close(s);
    s = open_or_die(dir);
    ok(all_there(s), "after which all is well again");
    rf_store_close(s);
}

/* The daemon changes its key while another process of ours, which opened the store before, reads. */
static void
two_processes(void)
{
    const char *dir = filled("two");
    struct rf_store *daemon = open_or_die(dir), *other = open_or_die(dir);

    write_or_die(daemon, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
    ok(all_there(daemon) && all_there(other), "who opened the store before a rotation reads on");
    write_or_die(other, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
    ok(all_there(daemon) && all_there(other), "also when it was the other's");
    write_or_die(daemon, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
    rf_store_close(other);
    rf_store_close(daemon);
    daemon = open_or_die(dir);
    ok(all_there(daemon), "and nothing is lost when both have changed it");
    rf_store_close(daemon);
}

/* The two states in which a rotation can be cut off, made by hand. */
static void
cut_off(void)
{
    for (int committed = 0; committed < 2; committed++) {
        const char *dir = filled("cut");
        struct rf_keyring ring, first;
        struct rf_store *s;
        char why[400];
        size_t n = 0;

        rf_assert(rf_keyring_read(&ring, dir, why, sizeof why) == RF_OK);
        first = ring;
        if (committed) {
            s = open_or_die(dir);
            write_or_die(s, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
            rf_store_close(s);
            rf_assert(rf_keyring_read(&ring, dir, why, sizeof why) == RF_OK);
            first.key[1] = ring.key[0];
            first.n = 2;
            ring = first;
        } else {
            rf_assert(rf_keyring_add(&ring, &rf_rand_system) == RF_OK);
        }
        rf_assert(rf_keyring_write(&ring, dir, why, sizeof why) == RF_OK);
        s = open_or_die(dir);
        ok(all_there(s) && key_of_file(dir, &n) == rf_keyring_newest(&ring) && n == 1,
           "a rotation that ended %s its commit is finished at the next start", committed ? "after" : "before");
        rf_store_close(s);
        rf_keyring_fini(&ring);
        rf_keyring_fini(&first);
    }
}

/* kill -9 at any moment of a rotation, again and again on one database. */
static void
killed(void)
{
    const char *dir = filled("killed");
    _Atomic unsigned *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rf_store *s;
    bool all = done != MAP_FAILED;
    size_t n = 0, two = 0;
    int rotated = 0;
    int64_t id = key_of_file(dir, &n), now;

    for (int round = 0; all && round < 60; round++) {
        pid_t child = fork();

        if (child == 0) {
            s = open_or_die(dir);
            for (;;) {
                write_or_die(s, (struct rf_store_write){ .op = RF_STORE_KEY_ROTATE });
                atomic_fetch_add(done, 1);
            }
        }
        /* Killed at another moment of its work each time: after a rotation, within one of the next. */
        for (unsigned before = atomic_load(done), i = 0; atomic_load(done) == before && i < 100000; i++)
            usleep(100);
        usleep((useconds_t)(round * 737 % 9000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        now = key_of_file(dir, &n);
        rotated += now != id;
        two += n > 1;
        id = now;
        s = open_or_die(dir);
        all = all_there(s) && key_of_file(dir, &n) != 0 && n == 1;
        rf_store_close(s);
    }
    ok(all, "60 times kill -9 during a rotation: every secret opens at the next start");
    munmap(done, sizeof *done);
    ok(rotated > 50, "rotations were under way: %d with another key, %zu of them cut between its two steps", rotated,
       two);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(base, sizeof base, "%.40s/rf-sealed-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(base) == NULL)
        return 1;
    values();
    key_file();
    at_rest();
    from_plain();
    killed_upgrade();
    rotation();
    two_processes();
    cut_off();
    killed();
    nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
