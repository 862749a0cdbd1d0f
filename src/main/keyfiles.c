#include "main/keyfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/iface.h"
#include "main/launch.h"

/* The block: entries one behind the other, each a head, its name and its octets. */
struct entry {
    uint32_t name_n, octets_n;
};

struct rf_key_files {
    char *block;
    size_t n, cap;
    uint32_t *slot; /* where an entry begins, and 1, at the hash of its name or behind; 0: free */
    size_t slots, count;
};

enum rf_err
rf_key_files_new(struct rf_key_files **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? RF_OK : RF_ERR_NOMEM;
}

void
rf_key_files_free(struct rf_key_files *k)
{
    if (k == NULL)
        return;
    if (k->block != NULL)
        rf_wipe(k->block, k->n);
    free(k->block);
    free(k->slot);
    free(k);
}

/* The entry at *at, and *at behind it. false: the end, or no whole entry. */
static bool
next(const struct rf_key_files *k, size_t *at, struct entry *e, char **name, char **octets)
{
    size_t left = k->n - *at;

    if (left < sizeof *e)
        return false;
    memcpy(e, k->block + *at, sizeof *e);
    left -= sizeof *e;
    if (e->name_n > left || e->octets_n > left - e->name_n)
        return false;
    *name = k->block + *at + sizeof *e;
    *octets = *name + e->name_n;
    *at += sizeof *e + e->name_n + e->octets_n;
    return true;
}

/* The slot of this name, or the free one where it would be. Names are the operator's: the hash (FNV-1a) need not
 * withstand anybody. */
static uint32_t *
slot_of(const struct rf_key_files *k, struct rf_span name)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;

    for (size_t c = 0; c < name.n; c++)
        h = (h ^ (uint8_t)name.p[c]) * 0x100000001b3u;
    for (i = h % k->slots; k->slot[i] != 0; i = (i + 1) % k->slots) {
        struct entry e;
        char *its_name, *octets;
        size_t at = k->slot[i] - 1;

        if (next(k, &at, &e, &its_name, &octets) && rf_span_eq(rf_span(its_name, e.name_n), name))
            break;
    }
    return &k->slot[i];
}

/* All entries into a table of twice the room they need. */
static enum rf_err
index_all(struct rf_key_files *k)
{
    struct entry e;
    char *name, *octets;

    free(k->slot);
    k->slots = 2 * k->count + 64;
    k->slot = calloc(k->slots, sizeof *k->slot);
    if (k->slot == NULL) {
        k->slots = 0;
        return RF_ERR_NOMEM;
    }
    for (size_t at = 0, begin = 0; next(k, &at, &e, &name, &octets); begin = at) {
        uint32_t *slot = slot_of(k, rf_span(name, e.name_n));

        if (*slot == 0)
            *slot = (uint32_t)begin + 1;
    }
    return RF_OK;
}

/* No realloc: it would leave keys in memory that it gives back. */
static enum rf_err
make_room(struct rf_key_files *k, size_t more)
{
    size_t cap = 2 * (k->n + more);
    char *block;

    if (k->cap - k->n >= more)
        return RF_OK;
    if (k->n + more > RF_KEY_FILES_MAX)
        return RF_ERR_RANGE;
    block = malloc(cap);
    if (block == NULL)
        return RF_ERR_NOMEM;
    if (k->block != NULL) {
        memcpy(block, k->block, k->n);
        rf_wipe(k->block, k->n);
    }
    free(k->block);
    k->block = block;
    k->cap = cap;
    return RF_OK;
}

enum rf_err
rf_key_files_put(struct rf_key_files *k, struct rf_span name, struct rf_span octets)
{
    struct entry e = { .name_n = (uint32_t)name.n, .octets_n = (uint32_t)octets.n };
    enum rf_err err;

    if (name.n > RF_LAUNCH_PATH_MAX || octets.n > RF_KEY_FILES_MAX)
        return RF_ERR_RANGE;
    err = make_room(k, sizeof e + name.n + octets.n);
    if (err)
        return err;
    memcpy(k->block + k->n, &e, sizeof e);
    memcpy(k->block + k->n + sizeof e, name.p, name.n);
    if (octets.n > 0)
        memcpy(k->block + k->n + sizeof e + name.n, octets.p, octets.n);
    k->n += sizeof e + name.n + octets.n;
    k->count++;
    if (4 * k->count > 3 * k->slots)
        return index_all(k);
    *slot_of(k, name) = (uint32_t)(k->n - (sizeof e + name.n + octets.n)) + 1;
    return RF_OK;
}

/* --- reading --- */

__attribute__((format(printf, 4, 5))) static enum rf_err
wrong(struct rf_conf_problem *problem, const struct rf_key_file *file, enum rf_err err, const char *format,
      ...)
{
    va_list ap;

    problem->at = file->at;
    problem->code = err == RF_ERR_REFUSED ? RF_REFUSE_KEY_FILE_MODE : RF_REFUSE_NONE;
    va_start(ap, format);
    vsnprintf(problem->sentence, sizeof problem->sentence, format, ap);
    va_end(ap);
    return err;
}

static void
user_name(uid_t uid, char *out, size_t size)
{
    const struct passwd *pw = getpwuid(uid);

    if (pw != NULL)
        snprintf(out, size, "%s", pw->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)uid);
}

static enum rf_err
check_rights(const struct rf_key_file *file, const struct stat *st, uid_t uid,
             struct rf_conf_problem *problem)
{
    bool is_theirs = st->st_uid == uid; /* the children's user could open it itself */
    char owner[64];

    user_name(st->st_uid, owner, sizeof owner);
    if (file->is_secret && (st->st_mode & 077) != 0)
        return wrong(problem, file, RF_ERR_REFUSED,
                     "%.80s holds a secret and others may read it (mode %04o): chmod 600 %.80s", file->path,
                     (unsigned)st->st_mode & 07777, file->path);
    if (file->at.layer == RF_CONF_STORE && !is_theirs && (st->st_mode & S_IROTH) == 0)
        return wrong(problem, file, RF_ERR_REFUSED,
                     "%.80s belongs to %.32s and was named by a command: such a file is named by the "
                     "configuration file",
                     file->path, owner);
    if (file->is_secret && !is_theirs && st->st_uid != 0 && st->st_uid != geteuid())
        return wrong(problem, file, RF_ERR_REFUSED,
                     "%.80s holds a secret and belongs to %.32s, who may read it: chown root %.80s",
                     file->path, owner, file->path);
    return RF_OK;
}

static enum rf_err
read_octets(struct rf_key_files *k, const struct rf_key_file *file, int fd, size_t size,
            struct rf_conf_problem *problem)
{
    char *mem = malloc(size + 1);
    size_t used = 0;
    ssize_t got = 1;
    enum rf_err err;

    if (mem == NULL)
        return RF_ERR_NOMEM;
    while (used < size && got > 0) {
        got = read(fd, mem + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    err = got < 0 ? wrong(problem, file, RF_ERR_IO, "cannot read %.120s: %s", file->path, strerror(errno))
                  : rf_key_files_put(k, rf_span_str(file->path), rf_span(mem, used));
    rf_wipe(mem, size);
    free(mem);
    return err;
}

enum rf_err
rf_key_files_add(struct rf_key_files *k, const struct rf_key_file *file, uid_t uid,
                 struct rf_conf_problem *problem)
{
    struct rf_span there;
    struct stat st;
    enum rf_err err;
    int fd;

    if (rf_key_files_find(k, rf_span_str(file->path), &there))
        return RF_OK;
    fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err = wrong(problem, file, RF_ERR_NOT_FOUND, "cannot read %.120s: %s", file->path,
                    fd < 0 ? strerror(errno) : "it is no file");
        if (fd >= 0)
            close(fd);
        return err;
    }
    err = st.st_size > RF_KEY_FILE_MAX
              ? wrong(problem, file, RF_ERR_RANGE, "%.120s has more than 1 MB", file->path)
              : check_rights(file, &st, uid, problem);
    if (!err)
        err = read_octets(k, file, fd, (size_t)st.st_size, problem);
    close(fd);
    return err;
}

struct collect {
    struct rf_key_files *k;
    uid_t uid;
    struct rf_conf_problem *problem;
    enum rf_err err;
};

static void
collect_file(struct collect *c, const struct rf_option *o, struct rf_span word, struct rf_conf_origin at)
{
    char path[RF_PATH_MAX];
    const struct rf_key_file file = { .path = path, .is_secret = o->type != RF_OPT_FILE, .at = at };

    if (rf_span_starts(word, "file:") && rf_span_copy(rf_option_path(word), path, sizeof path) == RF_OK)
        c->err = rf_key_files_add(c->k, &file, c->uid, c->problem);
}

static void
collect_value(void *ctx, const char *name, const char *value, struct rf_conf_origin at)
{
    struct collect *c = ctx;
    struct rf_span label;
    const struct rf_option *o = rf_option_resolve(rf_span_str(name), &label);
    struct rf_span left = rf_span_str(value), word;

    if (o == NULL || (o->type != RF_OPT_FILE && o->type != RF_OPT_KEY_FILE && o->type != RF_OPT_SECRET))
        return;
    while (!c->err && o->is_list && rf_conf_next_word(&left, &word))
        collect_file(c, o, word, at);
    if (!c->err && !o->is_list)
        collect_file(c, o, left, at); /* a path with a space in it is one word here */
}

enum rf_err
rf_key_files_collect(struct rf_key_files *k, const struct rf_conf *conf, uid_t uid,
                     struct rf_conf_problem *problem)
{
    struct collect c = { k, uid, problem, RF_OK };

    rf_conf_visit(conf, collect_value, &c);
    if (c.err && problem->sentence[0] == '\0')
        snprintf(problem->sentence, sizeof problem->sentence, "the key files: %s", rf_err_text(c.err));
    return c.err;
}

int
rf_key_files_seal(const struct rf_key_files *k)
{
    return rf_sealed_file("ringfence-keys", k->block, k->n);
}

/* --- using --- */

enum rf_err
rf_key_files_receive(struct rf_key_files **out, int fd)
{
    struct rf_key_files *k;
    struct entry e;
    char *name, *octets;
    size_t at = 0;
    enum rf_err err = rf_key_files_new(&k);

    if (err)
        return err;
    k->block = rf_sealed_read(fd, RF_KEY_FILES_MAX, &k->n);
    k->cap = k->n;
    if (k->block == NULL)
        err = RF_ERR_IO;
    while (!err && at < k->n)
        err = next(k, &at, &e, &name, &octets) ? (k->count++, RF_OK) : RF_ERR_SYNTAX;
    if (!err)
        err = index_all(k);
    if (err)
        rf_key_files_free(k);
    else
        *out = k;
    return err;
}

bool
rf_key_files_find(const struct rf_key_files *k, struct rf_span name, struct rf_span *octets)
{
    struct entry e;
    char *its_name, *its_octets;
    size_t at;

    if (k == NULL || k->slots == 0)
        return false;
    at = *slot_of(k, name);
    if (at == 0)
        return false;
    at--;
    rf_assert(next(k, &at, &e, &its_name, &its_octets));
    *octets = rf_span(its_octets, e.octets_n);
    return true;
}
