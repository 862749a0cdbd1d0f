#include "cert/ca.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cert/ca_inside.h"

/* --- what is ordered --- */

__attribute__((format(printf, 3, 4))) static enum rf_err
refuse(struct rf_cert_problem *problem, enum rf_err err, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(problem->text, sizeof problem->text, format, ap);
    va_end(ap);
    return err;
}

/* A common name that is a file name as well: no folder above, no hidden file, none of the authority's own. */
static bool
is_fit(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= RF_CA_NAME_MAX && name[0] != '.' && name[0] != '-' && strcmp(name, "ca") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static enum rf_err
check_order(const struct rf_ca_order *o, struct rf_cert_problem *problem)
{
    enum rf_san_kind kind;
    size_t octets = 0;

    if (!is_fit(o->name))
        return refuse(problem, RF_ERR_RANGE,
                      "\"%.80s\" cannot be the name of a certificate's files: letters, digits, dots, hyphens "
                      "and underscores, at "
                      "most 64; not \"ca\"",
                      o->name);
    if (o->name_count == 0 && !rf_ca_name_kind(o->name, &kind))
        return refuse(problem, RF_ERR_RANGE,
                      "\"%.80s\" is no host name and no address; say with --name what it is for", o->name);
    for (size_t i = 0; i < o->name_count; i++) {
        octets += strlen(o->names[i]) + 1;
        if (!rf_ca_name_kind(o->names[i], &kind))
            return refuse(
                problem, RF_ERR_RANGE,
                "\"%.80s\" is no name for a certificate: a host name, an address, or sip:DOMAIN without port",
                o->names[i]);
    }
    if (o->name_count > RF_CERT_NAMES_MAX || octets >= RF_CA_NAMES_TEXT)
        return refuse(problem, RF_ERR_RANGE, "too many names for one certificate");
    if (o->days < 1)
        return refuse(problem, RF_ERR_RANGE, "a certificate lasts a day or longer");
    return RF_OK;
}

/* It ends with its root at the latest, and a root that has ended signs nothing. */
static enum rf_err
take_times(const struct rf_ca_session *s, const struct rf_ca_order *o, int64_t wall_s,
           struct rf_ca_leaf *leaf, struct rf_cert_problem *problem)
{
    const struct rf_cert_facts *root = rf_cert_facts(s->root);

    leaf->from = wall_s - RF_CA_BACKDATE_S;
    if (leaf->from < root->not_before)
        leaf->from = root->not_before;
    leaf->until = o->days < 36525 ? wall_s + (int64_t)o->days * RF_CA_DAY_S : root->not_after;
    if (leaf->until > root->not_after)
        leaf->until = root->not_after;
    if (leaf->until <= wall_s || leaf->from > wall_s)
        return refuse(problem, RF_ERR_SYNTAX, "the authority %.100s is not in date", root->subject);
    return RF_OK;
}

/* --- files of a certificate --- */

struct output {
    struct rf_ca_folder folder;
    char cert[RF_CA_NAME_MAX + 8], key[RF_CA_NAME_MAX + 8];
    bool has_root; /* the same root is there already */
};

static bool
has_same_root(const struct output *out, const struct rf_ca_session *s)
{
    struct rf_cert_problem problem;
    char path[600], *text;
    size_t n;
    bool is = false;
    BIO *in;
    X509 *x;

    snprintf(path, sizeof path, "%s/ca.pem", out->folder.path);
    if (rf_cert_file_read(path, false, &text, &n, &problem) != RF_OK)
        return false;
    in = BIO_new_mem_buf(text, (int)n);
    x = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    is = x != NULL && X509_cmp(x, rf_cert_leaf(s->root)) == 0;
    X509_free(x);
    BIO_free(in);
    free(text);
    return is;
}

static enum rf_err
open_output(struct output *out, const struct rf_ca_order *o, const struct rf_ca_session *s,
            struct rf_cert_problem *problem)
{
    struct stat there, here;
    enum rf_err err = rf_ca_folder_open(&out->folder, o->out_dir, problem);

    if (err)
        return err;
    snprintf(out->cert, sizeof out->cert, "%s.pem", o->name);
    snprintf(out->key, sizeof out->key, "%s.key", o->name);
    if (fstat(out->folder.fd, &there) != 0 || fstat(s->folder.fd, &here) != 0)
        return refuse(problem, RF_ERR_IO, "%.120s cannot be looked at", o->out_dir);
    if (there.st_dev == here.st_dev && there.st_ino == here.st_ino)
        return refuse(problem, RF_ERR_RANGE,
                      "%.120s is the authority's own folder; name another one with --out", o->out_dir);
    out->has_root = has_same_root(out, s);
    if (!out->has_root && rf_ca_folder_has(&out->folder, "ca.pem"))
        return refuse(problem, RF_ERR_EXISTS, "%.120s/ca.pem is there and is another authority", o->out_dir);
    if (!o->may_replace &&
        (rf_ca_folder_has(&out->folder, out->cert) || rf_ca_folder_has(&out->folder, out->key)))
        return refuse(problem, RF_ERR_EXISTS, "%.100s/%.70s or its key is there", o->out_dir, out->cert);
    return RF_OK;
}

static enum rf_err
stage(const struct output *out, const struct rf_ca_session *s, X509 *x, EVP_PKEY *key,
      struct rf_cert_problem *problem)
{
    BIO *cert_pem = rf_ca_cert_pem(x), *key_pem = rf_ca_key_pem(key),
        *root_pem = rf_ca_cert_pem(rf_cert_leaf(s->root));
    enum rf_err err = RF_OK;

    if (cert_pem == NULL || key_pem == NULL || root_pem == NULL)
        err = rf_ca_crypto_failed(problem, "PEM");
    if (!err)
        err = rf_ca_stage(&out->folder, out->key, 0600, key_pem, problem);
    if (!err)
        err = rf_ca_stage(&out->folder, out->cert, 0644, cert_pem, problem);
    if (!err && !out->has_root)
        err = rf_ca_stage(&out->folder, "ca.pem", 0644, root_pem, problem);
    BIO_free(cert_pem);
    BIO_free(root_pem);
    rf_ca_key_free(key_pem);
    return err;
}

static void
unstage(const struct output *out)
{
    rf_ca_unstage(&out->folder, out->key);
    rf_ca_unstage(&out->folder, out->cert);
    if (!out->has_root)
        rf_ca_unstage(&out->folder, "ca.pem");
}

/*
 * Renames alone are left: they need no room on the disk. The certificate comes last, and whoever finds it
 * finds the rest. The key that a replaced certificate had is gone then, as it was asked for.
 */
static enum rf_err
commit(const struct output *out, struct rf_cert_problem *problem)
{
    enum rf_err err = out->has_root ? RF_OK : rf_ca_commit(&out->folder, "ca.pem", problem);

    if (!err)
        err = rf_ca_commit(&out->folder, out->key, problem);
    if (!err)
        err = rf_ca_commit(&out->folder, out->cert, problem);
    return err;
}

/* On the list before anybody sees it: what is not there could never be revoked. */
static enum rf_err
issue(struct rf_ca_session *s, const struct output *out, struct rf_ca_leaf *leaf, EVP_PKEY *key,
      int64_t wall_s, struct rf_ca_record *made, struct rf_cert_problem *problem)
{
    struct rf_cert_problem again;
    X509 *x;
    enum rf_err err;

    leaf->crl_url = s->urls.crl;
    leaf->ocsp_url = s->urls.ocsp;
    x = rf_ca_make_leaf(key, leaf, s->root);
    err = x != NULL ? RF_OK : rf_ca_crypto_failed(problem, "the certificate");
    if (!err)
        err = stage(out, s, x, key, problem);
    if (!err) {
        err = rf_ca_record_add(s, x, leaf, wall_s, made, problem);
        if (!err && (err = commit(out, problem)) != RF_OK) {
            rf_ca_list_undo(&s->list);
            /* Should that fail as well, the list names one that nobody has, which does no harm. */
            (void)!rf_ca_write_list(s, &again);
        }
    }
    if (err)
        unstage(out);
    X509_free(x);
    return err;
}

enum rf_err
rf_ca_issue(const char *dir, const struct rf_ca_order *o, int64_t wall_s, struct rf_ca_record *made,
            struct rf_cert_problem *problem)
{
    const char *own = o->name;
    struct rf_ca_leaf leaf = {.common_name = o->name,
                              .name = o->name_count > 0 ? o->names : &own,
                              .name_count = o->name_count > 0 ? o->name_count : 1,
                              .use = o->use};
    struct output out = {.folder = {.fd = -1, .lock_fd = -1}};
    struct rf_ca_session s = {.folder = {.fd = -1, .lock_fd = -1}};
    EVP_PKEY *key = NULL;
    enum rf_err err;
    int64_t due_s;
    bool crl;

    memset(problem, 0, sizeof *problem);
    err = check_order(o, problem);
    if (!err) {
        key = rf_ca_make_key(o->key); /* RSA may take a second: before the lock */
        if (key == NULL)
            err = rf_ca_crypto_failed(problem, "a key");
    }
    if (!err)
        err = rf_ca_session_open(&s, dir, problem);
    if (!err)
        err = take_times(&s, o, wall_s, &leaf, problem);
    if (!err)
        err = open_output(&out, o, &s, problem);
    if (!err)
        err = rf_ca_keep_crl(&s, wall_s, &crl, &due_s, problem);
    if (!err)
        err = issue(&s, &out, &leaf, key, wall_s, made, problem);
    rf_ca_folder_close(&out.folder);
    rf_ca_session_close(&s);
    EVP_PKEY_free(key);
    return err;
}

/* --- revocation --- */

/* The one valid certificate of a name, or the one of a number. */
static enum rf_err
find(const struct rf_ca_session *s, const char *which, struct rf_ca_record **out,
     struct rf_cert_problem *problem)
{
    struct rf_buf b = rf_buf(problem->text, sizeof problem->text - 1);
    size_t named = 0, revoked = 0;

    *out = rf_ca_list_find(&s->list, which);
    if (*out != NULL)
        return RF_OK;
    rf_putf(&b, "several certificates have the name %.64s; give the number of one:", which);
    for (size_t i = 0; i < s->list.count; i++) {
        struct rf_ca_record *r = &s->list.record[i];

        if (strcmp(r->name, which) != 0)
            continue;
        revoked += r->revoked != 0;
        if (r->revoked != 0)
            continue;
        named++;
        *out = r;
        rf_putf(&b, " %s", r->serial);
    }
    if (named > 1)
        return RF_ERR_RANGE;
    memset(problem->text, 0, sizeof problem->text);
    if (named == 1)
        return RF_OK;
    return revoked > 0 ? refuse(problem, RF_ERR_EXISTS, "%.80s was revoked before", which)
                       : refuse(problem, RF_ERR_NOT_FOUND,
                                "nothing was issued under the name or number %.80s", which);
}

enum rf_err
rf_ca_revoke(const char *dir, const char *which, enum rf_ca_reason reason, int64_t wall_s,
             struct rf_ca_record *revoked, struct rf_cert_problem *problem)
{
    struct rf_ca_record *r = NULL;
    struct rf_ca_session s;
    enum rf_err err = rf_ca_session_open(&s, dir, problem);
    int64_t due_s;
    bool made;

    if (!err)
        err = find(&s, which, &r, problem);
    if (!err && r->revoked != 0)
        err = refuse(problem, RF_ERR_EXISTS, "%.80s was revoked before", which);
    if (!err) {
        r->revoked = wall_s;
        r->reason = reason;
        *revoked = *r;
        /* The list first: should the other file fail, the next one who looks makes it from the list. */
        err = rf_ca_write_list(&s, problem);
    }
    if (!err)
        err = rf_ca_keep_crl(&s, wall_s, &made, &due_s, problem);
    rf_ca_session_close(&s);
    return err;
}

/* --- what is shown --- */

enum rf_err
rf_ca_issued(const char *dir, struct rf_ca_record **out, size_t *count, struct rf_cert_problem *problem)
{
    struct rf_ca_folder folder;
    struct rf_ca_list list = {0};
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    /* Without the lock: the file is replaced whole, and whoever only reads need not be able to write. */
    err = rf_ca_folder_open(&folder, dir, problem);
    if (!err)
        err = rf_ca_list_load(&list, folder.path, problem);
    rf_ca_folder_close(&folder);
    if (err == RF_ERR_NOT_FOUND)
        err = refuse(problem, RF_ERR_STATE, "there is no authority in %.120s", dir);
    if (!err) {
        *out = list.record;
        *count = list.count;
    }
    return err;
}

enum rf_err
rf_ca_crl(const char *dir, int64_t wall_s, char **out, size_t *n, struct rf_cert_problem *problem)
{
    struct rf_ca_session s;
    enum rf_err err = rf_ca_session_open(&s, dir, problem);
    char path[600];
    int64_t due_s;
    bool made;

    if (!err)
        err = rf_ca_keep_crl(&s, wall_s, &made, &due_s, problem);
    if (!err) {
        snprintf(path, sizeof path, "%s/ca.crl", s.folder.path);
        err = rf_cert_file_read(path, false, out, n, problem);
    }
    rf_ca_session_close(&s);
    return err;
}
