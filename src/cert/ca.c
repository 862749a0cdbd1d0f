#include "cert/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#define DAY_S 86400
/* A phone's clock may be behind ours; a certificate that starts in its future would be refused (RF-205). */
#define BACKDATE_S DAY_S

int64_t
rf_cert_renew_at(const struct rf_cert_facts *f)
{
    return f->not_after - (f->not_after - f->not_before) / 3;
}

static enum rf_err
crypto_failed(struct rf_cert_problem *problem, const char *what)
{
    snprintf(problem->text, sizeof problem->text, "OpenSSL could not make %s", what);
    return RF_ERR_CRYPTO;
}

/* --- files --- */

/* Written beside its place, synced, then renamed: a reader sees the old file or the new one. */
static enum rf_err
write_file(const char *dir, const char *name, mode_t mode, BIO *content, struct rf_cert_problem *problem)
{
    char path[512], temp[520];
    char *p;
    long n = BIO_get_mem_data(content, &p), done = 0;
    int fd, dir_fd;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return RF_ERR_RANGE;
    snprintf(temp, sizeof temp, "%s.new", path);
    unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        goto failed;
    while (done < n) {
        ssize_t w = write(fd, p + done, (size_t)(n - done));

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            break;
        done += w;
    }
    if (done != n || fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(temp, path) != 0) {
        close(fd);
        unlink(temp);
        goto failed;
    }
    close(fd);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd >= 0) {
        fsync(dir_fd);
        close(dir_fd);
    }
    return RF_OK;

failed:
    snprintf(problem->text, sizeof problem->text, "%s: %s", path, strerror(errno));
    return RF_ERR_IO;
}

static enum rf_err
write_pair(const char *dir, const char *name, X509 *x, EVP_PKEY *key, struct rf_cert_problem *problem)
{
    char file[64];
    BIO *cert_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());
    enum rf_err err = RF_ERR_CRYPTO;

    if (cert_pem == NULL || key_pem == NULL || PEM_write_bio_X509(cert_pem, x) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1) {
        crypto_failed(problem, "PEM");
        goto done;
    }
    /* The key first: a certificate without its key would be taken for damage. */
    snprintf(file, sizeof file, "%s.key", name);
    err = write_file(dir, file, 0600, key_pem, problem);
    if (err == RF_OK) {
        snprintf(file, sizeof file, "%s.pem", name);
        err = write_file(dir, file, 0644, cert_pem, problem);
    }

done:
    if (key_pem != NULL) {
        char *p;
        long n = BIO_get_mem_data(key_pem, &p);

        rf_wipe(p, n > 0 ? (size_t)n : 0);
    }
    BIO_free(cert_pem);
    BIO_free(key_pem);
    return err;
}

static enum rf_err
load_pair(const char *dir, const char *name, struct rf_cert **out, struct rf_cert_problem *problem)
{
    char chain[512], key[512];

    if (snprintf(chain, sizeof chain, "%s/%s.pem", dir, name) >= (int)sizeof chain)
        return RF_ERR_RANGE;
    snprintf(key, sizeof key, "%s/%s.key", dir, name);
    return rf_cert_load(out, chain, key, problem);
}

/* --- certificates --- */

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool added;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    added = ext != NULL && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return added;
}

/* RFC 5280 4.1.2.2: positive, at most 20 octets; 127 random bits cannot collide. */
static bool
set_serial(X509 *x)
{
    unsigned char octets[16];
    BIGNUM *n;
    bool set;

    if (RAND_bytes(octets, sizeof octets) != 1)
        return false;
    octets[0] = (unsigned char)((octets[0] & 0x7f) | 0x40);
    n = BN_bin2bn(octets, sizeof octets, NULL);
    set = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return set;
}

static bool
set_common_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

/* Version, serial, validity, key; the rest is the caller's. */
static X509 *
blank(EVP_PKEY *key, int64_t wall_s, int days)
{
    X509 *x = X509_new();

    if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
        ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(wall_s - BACKDATE_S)) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(wall_s - BACKDATE_S + (int64_t)days * DAY_S)) == NULL ||
        X509_set_pubkey(x, key) != 1) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static enum rf_err
make_ca(const struct rf_ca_conf *conf, int64_t wall_s, struct rf_cert_problem *problem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key != NULL ? blank(key, wall_s, RF_CA_DAYS) : NULL;
    enum rf_err err;

    if (x == NULL || !set_common_name(X509_get_subject_name(x), conf->ca_name) ||
        X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
        !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(x, x, NID_subject_key_identifier, "hash") || X509_sign(x, key, EVP_sha256()) == 0)
        err = crypto_failed(problem, "the root certificate");
    else
        err = write_pair(conf->dir, "ca", x, key, problem);
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}

/*
 * Letters, digits, '-', '.' and ':' alone, so that a name cannot add an entry of another kind to the list that
 * OpenSSL parses; one leading "*." is fine.
 */
static bool
name_is_fit(const char *name)
{
    size_t n = strlen(name), skip = strncmp(name, "*.", 2) == 0 ? 2 : 0;

    return n > skip && n < sizeof((struct rf_san *)0)->text &&
           strspn(name + skip, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:") ==
               n - skip;
}

static enum rf_err
add_names(X509 *x, const struct rf_ca_conf *conf)
{
    static const size_t size = RF_CERT_NAMES_MAX * 264;
    char *text = malloc(size);
    struct rf_buf b = rf_buf(text, size - 1);
    struct rf_addr a;
    bool added;

    if (text == NULL)
        return RF_ERR_NOMEM;
    for (size_t i = 0; i < conf->name_count; i++) {
        bool is_address = rf_addr_parse(rf_span_str(conf->name[i]), 0, &a) == RF_OK;

        rf_putf(&b, "%s%s:%s", i > 0 ? "," : "", is_address ? "IP" : "DNS", conf->name[i]);
    }
    text[b.n] = '\0';
    added = !b.overflow && add_extension(x, x, NID_subject_alt_name, text);
    free(text);
    return added ? RF_OK : RF_ERR_CRYPTO;
}

static enum rf_err
make_leaf(const struct rf_ca_conf *conf, const struct rf_cert *ca, int64_t wall_s,
          struct rf_cert_problem *problem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key != NULL ? blank(key, wall_s, RF_LEAF_DAYS) : NULL;
    X509 *issuer = rf_cert_leaf(ca);
    char common[65]; /* ub-common-name is 64 (RFC 5280 A.1) */
    enum rf_err err;

    snprintf(common, sizeof common, "%s", conf->name[0]);
    if (x == NULL || !set_common_name(X509_get_subject_name(x), common) ||
        X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1 || add_names(x, conf) != RF_OK ||
        !add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(x, issuer, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(x, issuer, NID_ext_key_usage, "serverAuth,clientAuth") ||
        !add_extension(x, issuer, NID_subject_key_identifier, "hash") ||
        !add_extension(x, issuer, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(x, rf_cert_key(ca), EVP_sha256()) == 0)
        err = crypto_failed(problem, "the server certificate");
    else
        err = write_pair(conf->dir, "server", x, key, problem);
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
why_anew(const struct rf_ca_conf *conf, const struct rf_cert *ca, const struct rf_cert *leaf, int64_t wall_s)
{
    const struct rf_cert_facts *f = rf_cert_facts(leaf);

    if (X509_verify(rf_cert_leaf(leaf), X509_get0_pubkey(rf_cert_leaf(ca))) != 1)
        return "another root signed it";
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
ensure_leaf(const struct rf_ca_conf *conf, const struct rf_cert *ca, int64_t wall_s,
            struct rf_ca_result *result, struct rf_cert_problem *problem)
{
    struct rf_cert *leaf = NULL;
    enum rf_err err = load_pair(conf->dir, "server", &leaf, problem);

    if (err == RF_ERR_REFUSED || err == RF_ERR_IO || err == RF_ERR_NOMEM)
        return err;
    if (err == RF_OK)
        result->why = why_anew(conf, ca, leaf, wall_s);
    else
        result->why = err == RF_ERR_NOT_FOUND ? "there was none" : "it was damaged";
    rf_cert_unref(leaf);
    if (result->why == NULL)
        return RF_OK;
    err = make_leaf(conf, ca, wall_s, problem);
    result->made_leaf = err == RF_OK;
    return err;
}

enum rf_err
rf_ca_ensure(const struct rf_ca_conf *conf, int64_t wall_s, struct rf_ca_result *result,
             struct rf_cert_problem *problem)
{
    struct rf_cert *ca = NULL;
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
    err = load_pair(conf->dir, "ca", &ca, problem);
    if (err == RF_ERR_NOT_FOUND) {
        /* A root without its key, or a key without its root: somebody moved files; phones trust that root. */
        char path[512];

        snprintf(path, sizeof path, "%s/ca.pem", conf->dir);
        if (access(path, F_OK) == 0) {
            snprintf(problem->text, sizeof problem->text, "%.100s is there but its ca.key is not", path);
            return RF_ERR_SYNTAX;
        }
        err = make_ca(conf, wall_s, problem);
        if (err != RF_OK)
            return err;
        result->made_ca = true;
        err = load_pair(conf->dir, "ca", &ca, problem);
    }
    if (err != RF_OK)
        return err;
    err = ensure_leaf(conf, ca, wall_s, result, problem);
    rf_cert_unref(ca);
    return err;
}
