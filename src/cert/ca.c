#include "cert/ca.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cert/ca_files.h"
#include "cert/ca_inside.h"
#include "cert/ca_make.h"

int64_t
rf_cert_renew_at(const struct rf_cert_facts *f)
{
    return f->not_after - (f->not_after - f->not_before) / 3;
}

enum rf_err
rf_ca_crypto_failed(struct rf_cert_problem *problem, const char *what)
{
    snprintf(problem->text, sizeof problem->text, "OpenSSL could not make %s", what);
    return RF_ERR_CRYPTO;
}

/* --- files --- */

static enum rf_err
load_pair(const char *dir, const char *name, struct rf_cert **out, struct rf_cert_problem *problem)
{
    char chain[600], key[600];

    snprintf(chain, sizeof chain, "%s/%s.pem", dir, name);
    snprintf(key, sizeof key, "%s/%s.key", dir, name);
    return rf_cert_load(out, chain, key, problem);
}

BIO *
rf_ca_cert_pem(X509 *x)
{
    BIO *pem = BIO_new(BIO_s_mem());

    if (pem != NULL && PEM_write_bio_X509(pem, x) != 1) {
        BIO_free(pem);
        pem = NULL;
    }
    return pem;
}

static enum rf_err
write_pair(const struct rf_ca_folder *f, const char *name, X509 *x, EVP_PKEY *key,
           struct rf_cert_problem *problem)
{
    BIO *cert_pem = rf_ca_cert_pem(x), *key_pem = rf_ca_key_pem(key);
    enum rf_err err = RF_ERR_CRYPTO;
    char file[64];

    if (cert_pem == NULL || key_pem == NULL) {
        rf_ca_crypto_failed(problem, "PEM");
    } else {
        /* The key first: a certificate without its key would be taken for damage. */
        snprintf(file, sizeof file, "%s.key", name);
        err = rf_ca_write(f, file, 0600, key_pem, problem);
        if (!err) {
            snprintf(file, sizeof file, "%s.pem", name);
            err = rf_ca_write(f, file, 0644, cert_pem, problem);
        }
    }
    BIO_free(cert_pem);
    rf_ca_key_free(key_pem);
    return err;
}

enum rf_err
rf_ca_write_list(struct rf_ca_session *s, struct rf_cert_problem *problem)
{
    BIO *text = rf_ca_list_text(&s->list);
    enum rf_err err =
        text != NULL ? rf_ca_write(&s->folder, RF_CA_LIST_FILE, 0600, text, problem) : RF_ERR_NOMEM;

    BIO_free(text);
    return err;
}

/* --- the root --- */

/* RF_ERR_NOT_FOUND: there is none, and there are no remains of one either. */
static enum rf_err
load_root(const struct rf_ca_folder *f, struct rf_cert **out, struct rf_cert_problem *problem)
{
    enum rf_err err = load_pair(f->path, "ca", out, problem);

    /* A root without its key: somebody moved files; phones trust that root. */
    if (err == RF_ERR_NOT_FOUND && rf_ca_folder_has(f, "ca.pem")) {
        snprintf(problem->text, sizeof problem->text, "%.100s/ca.pem is there but its ca.key is not",
                 f->path);
        return RF_ERR_SYNTAX;
    }
    /* A start that was cut short leaves a key and nothing else; here a new root would take the old one's key away. */
    if (err == RF_ERR_NOT_FOUND && rf_ca_folder_has(f, "ca.key") &&
        (rf_ca_folder_has(f, RF_CA_LIST_FILE) || rf_ca_folder_has(f, "ca.crl") || rf_ca_folder_has(f, "server.pem"))) {
        snprintf(problem->text, sizeof problem->text, "%.100s/ca.key is there but its ca.pem is not", f->path);
        return RF_ERR_SYNTAX;
    }
    return err;
}

static enum rf_err
make_root(const struct rf_ca_folder *f, const char *name, enum rf_ca_key kind, int days, int64_t wall_s,
          struct rf_cert_problem *problem)
{
    EVP_PKEY *key = rf_ca_make_key(kind);
    char common[RF_CA_NAME_MAX + 1];
    X509 *x;
    enum rf_err err;

    snprintf(common, sizeof common, "%s", name);
    x = key != NULL ? rf_ca_make_root(key, common, wall_s, days) : NULL;
    err = x != NULL ? write_pair(f, "ca", x, key, problem)
                    : rf_ca_crypto_failed(problem, "the root certificate");

    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}

/* --- the list of revoked certificates --- */

/* NULL: there is none that can be read. */
static X509_CRL *
load_crl(const struct rf_ca_folder *f)
{
    struct rf_cert_problem problem;
    X509_CRL *crl = NULL;
    char path[600], *text;
    BIO *in;
    size_t n;

    snprintf(path, sizeof path, "%s/ca.crl", f->path);
    if (rf_cert_file_read(path, false, &text, &n, &problem) != RF_OK)
        return NULL;
    in = BIO_new_mem_buf(text, (int)n);
    if (in != NULL)
        crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
    BIO_free(in);
    free(text);
    return crl;
}

static bool
has_signed(const struct rf_cert *root, X509_CRL *crl)
{
    bool has = crl != NULL && X509_CRL_verify(crl, X509_get0_pubkey(rf_cert_leaf(root))) == 1;

    ERR_clear_error();
    return has;
}

enum rf_err
rf_ca_session_open(struct rf_ca_session *s, const char *dir, struct rf_cert_problem *problem)
{
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    memset(s, 0, sizeof *s);
    err = rf_ca_folder_open(&s->folder, dir, problem);
    if (!err)
        err = rf_ca_folder_lock(&s->folder, problem);
    if (!err)
        err = load_root(&s->folder, &s->root, problem);
    if (err == RF_ERR_NOT_FOUND) {
        snprintf(problem->text, sizeof problem->text, "there is no authority in %.120s", dir);
        return RF_ERR_STATE;
    }
    if (!err)
        err = rf_ca_list_load(&s->list, s->folder.path, problem);
    if (!err)
        err = rf_ca_urls_load(&s->urls, s->folder.path, problem);
    if (!err) {
        X509_CRL *was = load_crl(&s->folder);

        if (has_signed(s->root, was))
            rf_ca_recall_revoked(&s->list, was);
        X509_CRL_free(was);
    }
    return err;
}

void
rf_ca_session_close(struct rf_ca_session *s)
{
    rf_cert_unref(s->root);
    rf_ca_list_fini(&s->list);
    rf_ca_folder_close(&s->folder);
    s->root = NULL;
}

/* --- a new list of revoked certificates --- */

static enum rf_err
write_crl(const struct rf_ca_folder *f, X509_CRL *crl, struct rf_cert_problem *problem)
{
    BIO *pem = BIO_new(BIO_s_mem());
    enum rf_err err = pem != NULL && PEM_write_bio_X509_CRL(pem, crl) == 1
                          ? rf_ca_write(f, "ca.crl", 0644, pem, problem)
                          : rf_ca_crypto_failed(problem, "PEM");

    BIO_free(pem);
    return err;
}

enum rf_err
rf_ca_keep_crl(struct rf_ca_session *s, int64_t wall_s, bool *made, int64_t *due_s,
               struct rf_cert_problem *problem)
{
    X509_CRL *was = load_crl(&s->folder), *is;
    /*
     * Numbers only grow (RFC 5280 5.2.3). The time is above all that were, also when the last list was
     * lost.
     */
    int64_t number = was != NULL ? rf_ca_crl_number(was) + 1 : 0;
    enum rf_err err;

    *made = false;
    if (was != NULL && !rf_ca_crl_is_stale(was, s->root, &s->list, wall_s)) {
        *due_s = rf_ca_crl_due(was);
        X509_CRL_free(was);
        return RF_OK;
    }
    is = rf_ca_make_crl(s->root, &s->list, has_signed(s->root, was) ? was : NULL,
                        number > wall_s ? number : wall_s, wall_s);
    X509_CRL_free(was);
    if (is == NULL)
        return rf_ca_crypto_failed(problem, "the list of revoked certificates");
    err = write_crl(&s->folder, is, problem);
    *due_s = rf_ca_crl_due(is);
    X509_CRL_free(is);
    *made = err == RF_OK;
    return err;
}

/* --- our server's leaf --- */

/*
 * Letters, digits, '-', '_', '.' and ':' alone; one leading "*." is fine. Less strict than what an operator
 * may order: a machine starts under whatever name it has.
 */
static bool
name_is_fit(const char *name)
{
    size_t n = strlen(name), skip = strncmp(name, "*.", 2) == 0 ? 2 : 0;

    return n > skip && n < sizeof((struct rf_san *)0)->text &&
           strspn(name + skip, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") ==
               n - skip;
}

enum rf_err
rf_ca_record_add(struct rf_ca_session *s, X509 *x, const struct rf_ca_leaf *leaf, int64_t wall_s,
                 struct rf_ca_record *out, struct rf_cert_problem *problem)
{
    struct rf_buf b = rf_buf(out->names, sizeof out->names - 1);
    enum rf_err err;

    memset(out, 0, sizeof *out);
    rf_ca_serial(x, out->serial, sizeof out->serial);
    snprintf(out->name, sizeof out->name, "%s", leaf->common_name);
    for (size_t i = 0; i < leaf->name_count; i++)
        rf_putf(&b, "%s%s", i > 0 ? "," : "", leaf->name[i]);
    out->use = leaf->use;
    out->from = leaf->from;
    out->until = leaf->until;
    err = rf_ca_list_add(&s->list, out, wall_s);
    if (err == RF_ERR_RANGE)
        snprintf(problem->text, sizeof problem->text,
                 "%.100s/" RF_CA_LIST_FILE " is full, and none of its certificates has ended",
                 s->folder.path);
    if (err == RF_ERR_RANGE)
        return RF_ERR_SYNTAX;
    if (!err) {
        err = rf_ca_write_list(s, problem);
        if (err)
            rf_ca_list_undo(&s->list);
    }
    return err;
}

static enum rf_err
make_leaf(struct rf_ca_session *s, const struct rf_ca_conf *conf, int64_t wall_s,
          struct rf_cert_problem *problem)
{
    char common[RF_CA_NAME_MAX + 1];
    struct rf_ca_leaf leaf = {.common_name = common,
                              .name = conf->name,
                              .name_count = conf->name_count,
                              .use = RF_CA_CLIENT | RF_CA_SERVER,
                              .from = wall_s - RF_CA_BACKDATE_S,
                              .crl_url = s->urls.crl,
                              .ocsp_url = s->urls.ocsp};
    EVP_PKEY *key = rf_ca_make_key(RF_CA_ECDSA);
    struct rf_ca_record record;
    enum rf_err err;
    X509 *x;

    snprintf(common, sizeof common, "%s", conf->name[0]);
    leaf.until = leaf.from + RF_LEAF_DAYS * RF_CA_DAY_S;
    x = key != NULL ? rf_ca_make_leaf(key, &leaf, s->root) : NULL;
    err = x != NULL ? rf_ca_record_add(s, x, &leaf, wall_s, &record, problem)
                    : rf_ca_crypto_failed(problem, "the server certificate");
    if (!err)
        err = write_pair(&s->folder, "server", x, key, problem);
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}

static bool
has_name(const struct rf_cert_facts *f, const char *name)
{
    char text[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_span wanted = rf_span_str(name);
    struct rf_addr a;

    if (rf_addr_parse(wanted, 0, &a) == RF_OK) {
        rf_put_host(&b, &a, false);
        wanted = rf_buf_span(&b);
    }
    for (size_t i = 0; i < f->san_count; i++)
        if (rf_span_ieq(rf_span_str(f->san[i].text), wanted))
            return true;
    return false;
}

/* NULL: it is current. */
static const char *
why_anew(const struct rf_ca_session *s, const struct rf_ca_conf *conf, const struct rf_cert *leaf,
         int64_t wall_s)
{
    const struct rf_cert_facts *f = rf_cert_facts(leaf);
    const struct rf_ca_record *r = rf_ca_list_find(&s->list, f->serial);

    if (X509_verify(rf_cert_leaf(leaf), X509_get0_pubkey(rf_cert_leaf(s->root))) != 1)
        return "another root signed it";
    if (r != NULL && r->revoked != 0)
        return "it was revoked";
    if (conf->must_renew)
        return "it was asked for";
    if (wall_s >= rf_cert_renew_at(f))
        return "less than a third of its life was left";
    if (f->not_before > wall_s)
        return "it starts in the future";
    if (f->san_count != conf->name_count)
        return "its names changed";
    for (size_t i = 0; i < conf->name_count; i++)
        if (!has_name(f, conf->name[i]))
            return "its names changed";
    return NULL;
}

static enum rf_err
ensure_leaf(struct rf_ca_session *s, const struct rf_ca_conf *conf, int64_t wall_s,
            struct rf_ca_result *result, struct rf_cert_problem *problem)
{
    struct rf_cert *leaf = NULL;
    enum rf_err err = load_pair(s->folder.path, "server", &leaf, problem);

    if (err == RF_ERR_REFUSED || err == RF_ERR_IO || err == RF_ERR_NOMEM)
        return err;
    if (err == RF_OK)
        result->why = why_anew(s, conf, leaf, wall_s);
    else
        result->why = err == RF_ERR_NOT_FOUND ? "there was none" : "it was damaged";
    if (err == RF_OK)
        result->due_s = rf_cert_renew_at(rf_cert_facts(leaf));
    rf_cert_unref(leaf);
    if (result->why == NULL)
        return RF_OK;
    err = make_leaf(s, conf, wall_s, problem);
    result->made_leaf = err == RF_OK;
    if (!err)
        err = load_pair(s->folder.path, "server", &leaf, problem);
    if (!err) {
        result->due_s = rf_cert_renew_at(rf_cert_facts(leaf));
        rf_cert_unref(leaf);
    }
    return err;
}

/* --- all of it --- */

enum rf_err
rf_ca_ensure(const struct rf_ca_conf *conf, int64_t wall_s, struct rf_ca_result *result,
             struct rf_cert_problem *problem)
{
    struct rf_ca_session s;
    int64_t crl_due_s = 0;
    enum rf_err err;

    memset(result, 0, sizeof *result);
    memset(problem, 0, sizeof *problem);
    rf_assert(conf->name_count >= 1 && conf->name_count <= RF_CERT_NAMES_MAX);
    for (size_t i = 0; i < conf->name_count; i++) {
        if (!name_is_fit(conf->name[i])) {
            snprintf(problem->text, sizeof problem->text, "\"%.100s\" cannot be a name in a certificate",
                     conf->name[i]);
            return RF_ERR_RANGE;
        }
    }
    err = rf_ca_session_open(&s, conf->dir, problem);
    if (err == RF_ERR_STATE && s.folder.lock_fd >= 0) {
        err = make_root(&s.folder, conf->ca_name, RF_CA_ECDSA, RF_CA_DAYS, wall_s, problem);
        result->made_ca = err == RF_OK;
        rf_ca_session_close(&s);
        if (!err)
            err = rf_ca_session_open(&s, conf->dir, problem);
    }
    if (!err)
        err = ensure_leaf(&s, conf, wall_s, result, problem);
    if (!err)
        err = rf_ca_keep_crl(&s, wall_s, &result->made_crl, &crl_due_s, problem);
    if (!err && crl_due_s < result->due_s)
        result->due_s = crl_due_s;
    rf_ca_session_close(&s);
    return err;
}

enum rf_err
rf_ca_look(const char *dir, struct rf_cert_problem *problem)
{
    struct rf_ca_session s = {.folder = {.fd = -1, .lock_fd = -1}};
    struct rf_cert *leaf = NULL;
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    err = rf_ca_folder_open(&s.folder, dir, problem);
    if (!err)
        err = load_root(&s.folder, &s.root, problem);
    if (err == RF_ERR_NOT_FOUND)
        err = RF_ERR_STATE;
    if (!err)
        err = rf_ca_list_load(&s.list, s.folder.path, problem);
    if (!err)
        err = rf_ca_urls_load(&s.urls, s.folder.path, problem);
    if (!err && rf_ca_folder_has(&s.folder, "server.pem"))
        err = load_pair(s.folder.path, "server", &leaf, problem);
    rf_cert_unref(leaf);
    rf_ca_session_close(&s);
    return err;
}

/* What was asked for is another one than that which is there. */
static bool
is_other(const struct rf_cert_facts *f, const char *ca_name, const enum rf_ca_key *kind)
{
    char subject[sizeof f->subject];

    snprintf(subject, sizeof subject, "CN=%s", ca_name != NULL ? ca_name : "");
    return (ca_name != NULL && strcmp(subject, f->subject) != 0) ||
           (kind != NULL && (*kind == RF_CA_RSA) != (strncmp(f->key, "RSA", 3) == 0));
}

static bool
is_plain_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= RF_CA_NAME_MAX && name[0] != ' ' && name[n - 1] != ' ' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ().-_'") == n;
}

/* What an operator says of its addresses; those that he does not name stay. */
static enum rf_err
keep_urls(struct rf_ca_session *s, const struct rf_ca_root *want, struct rf_cert_problem *problem)
{
    if (want->crl_url == NULL && want->ocsp_url == NULL)
        return RF_OK;
    if (want->crl_url != NULL)
        snprintf(s->urls.crl, sizeof s->urls.crl, "%s", want->crl_url);
    if (want->ocsp_url != NULL)
        snprintf(s->urls.ocsp, sizeof s->urls.ocsp, "%s", want->ocsp_url);
    return rf_ca_urls_write(&s->urls, &s->folder, problem);
}

static bool
is_fit_or_none(const char *url)
{
    return url == NULL || url[0] == '\0' || rf_ca_url_is_fit(url);
}

enum rf_err
rf_ca_init(const char *dir, const struct rf_ca_root *want, int64_t wall_s, bool *made,
           struct rf_cert_facts *facts, struct rf_cert_problem *problem)
{
    struct rf_ca_session s;
    int64_t due_s;
    enum rf_err err;
    bool crl;

    *made = false;
    if (want->name != NULL && !is_plain_name(want->name)) {
        snprintf(problem->text, sizeof problem->text,
                 "a name of an authority has 1 to %d letters, digits, blanks and any of ().-_'",
                 RF_CA_NAME_MAX);
        return RF_ERR_RANGE;
    }
    if (!is_fit_or_none(want->crl_url) || !is_fit_or_none(want->ocsp_url)) {
        snprintf(problem->text, sizeof problem->text,
                 "an address is plain http, such as http://pki.example/ca.crl, of at most %d octets without "
                 "blanks, commas and quotes",
                 RF_CA_URL_MAX - 1);
        return RF_ERR_RANGE;
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        snprintf(problem->text, sizeof problem->text, "%.120s: %s", dir, strerror(errno));
        return errno == EACCES || errno == EPERM ? RF_ERR_REFUSED : RF_ERR_IO;
    }
    err = rf_ca_session_open(&s, dir, problem);
    if (err == RF_ERR_STATE && s.folder.lock_fd >= 0) {
        err = make_root(&s.folder, want->name != NULL ? want->name : want->default_name,
                        want->key != NULL ? *want->key : RF_CA_ECDSA, want->days, wall_s, problem);
        *made = err == RF_OK;
        rf_ca_session_close(&s);
        if (!err)
            err = rf_ca_session_open(&s, dir, problem);
    } else if (!err && is_other(rf_cert_facts(s.root), want->name, want->key)) {
        snprintf(problem->text, sizeof problem->text, "the authority %.100s is there already, with a key %s",
                 rf_cert_facts(s.root)->subject, rf_cert_facts(s.root)->key);
        err = RF_ERR_EXISTS;
    }
    if (!err)
        err = keep_urls(&s, want, problem);
    if (!err)
        err = rf_ca_keep_crl(&s, wall_s, &crl, &due_s, problem);
    if (!err && facts != NULL)
        *facts = *rf_cert_facts(s.root);
    rf_ca_session_close(&s);
    return err;
}
