#include "cert/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"

struct head {
    uint32_t kind, name, first, second; /* octets of each */
};

struct rf_bundle {
    char *p;
    size_t n, cap;
    struct rf_bundle_file *file;
    size_t file_count;
};

__attribute__((format(printf, 3, 4))) static enum rf_err
say(struct rf_cert_problem *problem, enum rf_err err, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(problem->text, sizeof problem->text, format, ap);
    va_end(ap);
    return err;
}

enum rf_err
rf_bundle_new(struct rf_bundle **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? RF_OK : RF_ERR_NOMEM;
}

static void
drop_octets(char *p, size_t n)
{
    if (p != NULL)
        rf_wipe(p, n);
    free(p);
}

void
rf_bundle_drop(struct rf_bundle *b)
{
    drop_octets(b->p, b->n);
    b->p = NULL;
    b->n = b->cap = 0;
}

void
rf_bundle_free(struct rf_bundle *b)
{
    if (b == NULL)
        return;
    drop_octets(b->p, b->n);
    for (size_t i = 0; i < b->file_count; i++)
        free(b->file[i].path);
    free(b->file);
    free(b);
}

/* --- octets --- */

/* Not realloc: it would leave a copy of the keys behind. */
static enum rf_err
make_room(struct rf_bundle *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : 65536;
    char *p;

    if (n > RF_BUNDLE_MAX || b->n + n > RF_BUNDLE_MAX)
        return RF_ERR_NOMEM;
    while (cap < b->n + n)
        cap *= 2;
    if (cap == b->cap)
        return RF_OK;
    p = malloc(cap);
    if (p == NULL)
        return RF_ERR_NOMEM;
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    drop_octets(b->p, b->n);
    b->p = p;
    b->cap = cap;
    return RF_OK;
}

static enum rf_err
add_item(struct rf_bundle *b, enum rf_bundle_kind kind, struct rf_span name, struct rf_span first,
         struct rf_span second)
{
    const struct head h = { kind, (uint32_t)name.n, (uint32_t)first.n, (uint32_t)second.n };
    const struct rf_span parts[] = { rf_span(&h, sizeof h), name, first, second };
    enum rf_err err = make_room(b, sizeof h + name.n + first.n + second.n);

    for (size_t i = 0; !err && i < 4; i++) {
        if (parts[i].n > 0)
            memcpy(b->p + b->n, parts[i].p, parts[i].n);
        b->n += parts[i].n;
    }
    return err;
}

struct rf_span
rf_bundle_block(const struct rf_bundle *b)
{
    return rf_span(b->p, b->n);
}

bool
rf_bundle_next(struct rf_span block, size_t *at, struct rf_bundle_item *out)
{
    struct head h;
    size_t left = block.n - *at;

    if (*at > block.n || left < sizeof h)
        return false;
    memcpy(&h, block.p + *at, sizeof h);
    left -= sizeof h;
    if (h.kind < RF_BUNDLE_OWN || h.kind > RF_BUNDLE_FAULT || (uint64_t)h.name + h.first + h.second > left)
        return false;
    *at += sizeof h;
    out->kind = (enum rf_bundle_kind)h.kind;
    out->name = rf_span_sub(block, *at, h.name);
    *at += h.name;
    out->first = rf_span_sub(block, *at, h.first);
    *at += h.first;
    out->second = rf_span_sub(block, *at, h.second);
    *at += h.second;
    return true;
}

/* --- files --- */

static struct rf_bundle_file
look_at(const char *path)
{
    struct rf_bundle_file f = { .path = (char *)(uintptr_t)path };
    struct stat st;

    if (stat(path, &st) == 0) {
        f.mtime = st.st_mtim;
        f.size = st.st_size;
        f.inode = st.st_ino;
    }
    return f;
}

/* Before it is read: a change in between is then seen as one. */
enum rf_err
rf_bundle_watch(struct rf_bundle *b, const char *path)
{
    struct rf_bundle_file *more;

    if (b->file_count >= RF_BUNDLE_FILES_MAX)
        return RF_ERR_NOMEM;
    more = realloc(b->file, (b->file_count + 1) * sizeof *more);
    if (more == NULL)
        return RF_ERR_NOMEM;
    b->file = more;
    more[b->file_count] = look_at(path);
    more[b->file_count].path = strdup(path);
    if (more[b->file_count].path == NULL)
        return RF_ERR_NOMEM;
    b->file_count++;
    return RF_OK;
}

static bool
is_same_file(const struct rf_bundle_file *a, const struct rf_bundle_file *b)
{
    return a->inode == b->inode && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
           a->mtime.tv_nsec == b->mtime.tv_nsec;
}

bool
rf_bundle_is_stale(const struct rf_bundle *b)
{
    for (size_t i = 0; i < b->file_count; i++) {
        const struct rf_bundle_file *was = &b->file[i];
        struct rf_bundle_file is = look_at(was->path);

        if (!is_same_file(&is, was))
            return true;
    }
    return false;
}

/* rf_cert_file_read takes 1 MB at most, which is right for certificates and not for revocation lists. */
static enum rf_err
read_list(const char *path, char **out, size_t *n, struct rf_cert_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t got = 1;

    *n = 0;
    if (fd < 0)
        return say(problem, errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > RF_BUNDLE_LIST_MAX) {
        close(fd);
        return say(problem, RF_ERR_IO, "%s is not a file of at most 8 MB", path);
    }
    *out = malloc((size_t)st.st_size + 1);
    while (*out != NULL && *n < (size_t)st.st_size && got > 0) {
        got = read(fd, *out + *n, (size_t)st.st_size - *n);
        *n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (*out == NULL)
        return RF_ERR_NOMEM;
    /* A disk that fails in the middle, or somebody who writes the file meanwhile, is no end of the file. */
    return *n == (size_t)st.st_size ? RF_OK : say(problem, RF_ERR_IO, "%s could not be read to its end", path);
}

/* --- own --- */

enum rf_err
rf_bundle_add_own(struct rf_bundle *b, const char *name, struct rf_span chain, struct rf_span key,
                  struct rf_cert_problem *problem)
{
    struct rf_cert *c = NULL;
    /* Key and certificate must belong together before anything that works is replaced. */
    enum rf_err err = rf_cert_from_pem(&c, chain, key, problem);

    rf_cert_unref(c);
    return err ? err : add_item(b, RF_BUNDLE_OWN, rf_span_str(name), chain, key);
}

enum rf_err
rf_bundle_add_fault(struct rf_bundle *b, const char *code, const char *sentence, const char *effect)
{
    return add_item(b, RF_BUNDLE_FAULT, rf_span_str(code), rf_span_str(sentence), rf_span_str(effect));
}

/* --- trusted --- */

static enum rf_err
add_der(struct rf_bundle *b, const char *group, const char *path, const unsigned char *der, long n, bool is_list)
{
    const unsigned char *p = der;
    bool is_good = false;

    if (is_list) {
        X509_CRL *crl = d2i_X509_CRL(NULL, &p, n);

        is_good = crl != NULL && p == der + n;
        X509_CRL_free(crl);
    } else {
        X509 *x = d2i_X509(NULL, &p, n);

        is_good = x != NULL && p == der + n;
        X509_free(x);
    }
    ERR_clear_error();
    return is_good ? add_item(b, RF_BUNDLE_TRUSTED, rf_span_str(group), rf_span(der, (size_t)n), rf_span_str(path))
                   : RF_ERR_SYNTAX;
}

/* Only what is a certificate or a list goes on; a key that stands in the same file does not. */
static enum rf_err
add_pem(struct rf_bundle *b, const char *group, const char *path, struct rf_span octets, size_t *found)
{
    BIO *in = BIO_new_mem_buf(octets.p, (int)octets.n);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    enum rf_err err = in != NULL ? RF_OK : RF_ERR_NOMEM;
    long n;

    ERR_clear_error();
    while (!err && PEM_read_bio(in, &name, &header, &der, &n) == 1) {
        bool is_list = strcmp(name, PEM_STRING_X509_CRL) == 0;

        if (is_list || strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
            err = add_der(b, group, path, der, n, is_list);
            (*found)++;
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)n);
        ERR_clear_error();
    }
    /* A file that was cut off would otherwise lose the lists behind the cut, and with them what they revoke. */
    if (!err && *found > 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        err = RF_ERR_SYNTAX;
    ERR_clear_error();
    BIO_free(in);
    return err;
}

static enum rf_err
add_file(struct rf_bundle *b, const char *group, const char *path, struct rf_cert_problem *problem)
{
    char *octets = NULL;
    size_t n = 0, found = 0, before = b->n;
    enum rf_err err = rf_bundle_watch(b, path);

    if (!err)
        err = read_list(path, &octets, &n, problem);
    if (!err)
        err = add_pem(b, group, path, rf_span(octets, n), &found);
    if (!err && found == 0 && n > 0) {
        err = add_der(b, group, path, (const unsigned char *)octets, (long)n, false);
        if (err == RF_ERR_SYNTAX)
            err = add_der(b, group, path, (const unsigned char *)octets, (long)n, true);
        found = err == RF_OK;
    }
    drop_octets(octets, n);
    if (!err && found == 0)
        err = RF_ERR_SYNTAX;
    if (err == RF_ERR_SYNTAX && found > 0)
        say(problem, err, "%s is damaged at or after its %zu. certificate or list", path, found);
    else if (err == RF_ERR_SYNTAX)
        say(problem, err, "%s: there is no certificate and no revocation list in it that can be read", path);
    else if (err == RF_ERR_NOMEM)
        say(problem, err, "%s: too many certificates and lists in all", path);
    if (err)
        b->n = before;
    return err;
}

static bool
is_wanted(const char *name)
{
    static const char *const ends[] = { ".pem", ".crt", ".cer", ".der", ".crl" };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; name[0] != '.' && dot != NULL && i < sizeof ends / sizeof *ends; i++)
        if (strcmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum rf_err
add_folder(struct rf_bundle *b, const char *group, const char *folder, struct rf_cert_problem *problem)
{
    struct dirent **entry = NULL;
    enum rf_err err = rf_bundle_watch(b, folder);
    int n = err ? 0 : scandir(folder, &entry, NULL, by_name);

    if (n < 0)
        return say(problem, RF_ERR_IO, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[1024 + 256];

        if (!err && is_wanted(entry[i]->d_name)) {
            snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
            err = add_file(b, group, path, problem);
        }
        free(entry[i]);
    }
    free(entry);
    return err;
}

static bool
has_group(const struct rf_bundle *b, const char *group)
{
    struct rf_bundle_item item;
    size_t at = 0;

    while (rf_bundle_next(rf_bundle_block(b), &at, &item))
        if (item.kind == RF_BUNDLE_TRUSTED && rf_span_is(item.name, group))
            return true;
    return false;
}

/* --- an authority with its list --- */

static X509 *
cert_of(struct rf_span der)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return d2i_X509(NULL, &p, (long)der.n);
}

static X509_CRL *
list_of(struct rf_span der)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return d2i_X509_CRL(NULL, &p, (long)der.n);
}

/* Has this root signed one of the lists that stand from `at` on? */
static bool
has_list(struct rf_span block, size_t at, X509 *root)
{
    EVP_PKEY *key = X509_get0_pubkey(root);
    struct rf_bundle_item item;
    bool has = false;

    while (key != NULL && !has && rf_bundle_next(block, &at, &item)) {
        X509_CRL *list = list_of(item.first);

        has = list != NULL && X509_CRL_verify(list, key) == 1;
        X509_CRL_free(list);
    }
    return has;
}

/* What was added from `at` on: a root at least, and each with a list of its own. */
static bool
is_authority(struct rf_span block, size_t at)
{
    size_t first = at, roots = 0;
    struct rf_bundle_item item;
    bool is = true;

    while (is && rf_bundle_next(block, &at, &item)) {
        X509 *root = cert_of(item.first);

        if (root != NULL) {
            is = has_list(block, first, root);
            roots++;
        }
        X509_free(root);
    }
    ERR_clear_error();
    return is && roots > 0;
}

enum rf_err
rf_bundle_add_authority(struct rf_bundle *b, const char *group, const char *root_path, const char *list_path,
                        struct rf_cert_problem *problem)
{
    size_t before = b->n;
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    err = add_file(b, group, list_path, problem);
    if (!err)
        err = add_file(b, group, root_path, problem);
    if (!err && !is_authority(rf_bundle_block(b), before))
        err = say(problem, RF_ERR_SYNTAX, "%.150s is no list of revoked certificates that the root of %.150s signed",
                  list_path, root_path);
    if (err)
        b->n = before;
    return err;
}

enum rf_err
rf_bundle_add_trusted(struct rf_bundle *b, const char *group, const char *path, struct rf_cert_problem *problem)
{
    struct stat st;

    memset(problem, 0, sizeof *problem);
    if (has_group(b, group))
        return RF_OK;
    if (stat(path, &st) != 0)
        return say(problem, errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO, "%s: %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? add_folder(b, group, path, problem) : add_file(b, group, path, problem);
}

/*
 * The items of the system's authorities as they were read last: a reload comes for other reasons, and to parse 140
 * certificates takes longer than all the rest of it. They are public, and this process reads them alone.
 */
static struct {
    struct rf_bundle_file at;
    char *octets;
    size_t n;
} system_items;

static enum rf_err
add_system_file(struct rf_bundle *b, const char *path)
{
    struct rf_cert_problem ignored = { 0 };
    struct rf_bundle_file is = look_at(path);
    size_t before = b->n;
    enum rf_err err;

    if (system_items.octets != NULL && strcmp(system_items.at.path, path) == 0 && is_same_file(&system_items.at, &is)) {
        err = rf_bundle_watch(b, path);
        if (!err)
            err = make_room(b, system_items.n);
        if (!err) {
            memcpy(b->p + b->n, system_items.octets, system_items.n);
            b->n += system_items.n;
        }
        return err;
    }
    err = add_file(b, RF_BUNDLE_SYSTEM, path, &ignored);
    free(system_items.octets);
    system_items.octets = err ? NULL : malloc(b->n - before + 1);
    if (system_items.octets != NULL) {
        system_items.n = b->n - before;
        memcpy(system_items.octets, b->p + before, system_items.n);
        system_items.at = is; /* of before it was read: a change meanwhile is seen the next time */
    }
    return err;
}

enum rf_err
rf_bundle_add_system(struct rf_bundle *b)
{
    /* The file that Debian and its kin keep; OpenSSL's own default is a folder of links to its parts. */
    static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt" };
    const char *named = getenv(X509_get_default_cert_file_env());

    if (named != NULL && access(named, R_OK) == 0)
        return add_system_file(b, named);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (access(files[i], R_OK) == 0)
            return add_system_file(b, files[i]);
    return RF_OK;
}
