#include "cert/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "cert/part.h"

#define CHAIN_MAX 10 /* certificates in one file; public chains have two or three */

struct rf_cert {
    _Atomic uint32_t refs;
    X509 *chain[CHAIN_MAX];
    size_t count;
    EVP_PKEY *key;
    struct rf_cert_facts facts;
};

/* --- facts --- */

static int64_t
time_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
add_san(struct rf_cert_facts *f, enum rf_san_kind kind, struct rf_span text)
{
    struct rf_san *san = &f->san[f->san_count];

    if (f->san_count == RF_CERT_NAMES_MAX || rf_span_copy(text, san->text, sizeof san->text) != RF_OK)
        return;
    san->kind = kind;
    f->san_count++;
}

static void
add_address(struct rf_cert_facts *f, const unsigned char *octets, int n)
{
    struct rf_addr a = { 0 };
    char text[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (n == 4) {
        a.v4.sin_family = AF_INET;
        memcpy(&a.v4.sin_addr, octets, 4);
    } else if (n == 16) {
        a.v6.sin6_family = AF_INET6;
        memcpy(&a.v6.sin6_addr, octets, 16);
    } else {
        return;
    }
    rf_put_host(&b, &a, false);
    add_san(f, RF_SAN_IP, rf_buf_span(&b));
}

static void
read_sans(X509 *x, struct rf_cert_facts *f)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        const ASN1_STRING *s;

        if (g->type != GEN_DNS && g->type != GEN_URI && g->type != GEN_IPADD)
            continue;
        s = g->type == GEN_IPADD ? g->d.iPAddress : g->d.ia5;
        if (g->type == GEN_IPADD)
            add_address(f, ASN1_STRING_get0_data(s), ASN1_STRING_length(s));
        else
            add_san(f, g->type == GEN_DNS ? RF_SAN_DNS : RF_SAN_URI,
                    rf_span(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
    }
    GENERAL_NAMES_free(names);
}

static void
read_key(X509 *x, struct rf_cert_facts *f)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    char group[64] = "";

    if (key == NULL)
        return;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && group[0] != '\0')
        snprintf(f->key, sizeof f->key, "EC %.16s", strcmp(group, "prime256v1") == 0 ? "P-256" : group);
    else
        snprintf(f->key, sizeof f->key, "%.12s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

bool
rf_cert_must_staple(X509 *x)
{
    TLS_FEATURE *features = X509_get_ext_d2i(x, NID_tlsfeature, NULL, NULL);
    bool must = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        must = must || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLSEXT_TYPE_status_request;
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    ERR_clear_error();
    return must;
}

void
rf_cert_facts_read(X509 *x, struct rf_cert_facts *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    struct rf_buf b = rf_buf(out->serial, sizeof out->serial - 1);
    unsigned n = sizeof out->sha256;

    /* The names after san_count stay as they are: 16 kB that a store of 140 entries need not touch. */
    memset(out, 0, offsetof(struct rf_cert_facts, san));
    rf_part_name(X509_get_subject_name(x), out->subject, sizeof out->subject);
    rf_part_name(X509_get_issuer_name(x), out->issuer, sizeof out->issuer);
    rf_put_hex(&b, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    out->not_before = time_of(X509_get0_notBefore(x));
    out->not_after = time_of(X509_get0_notAfter(x));
    out->is_ca = X509_check_ca(x) > 0;
    out->is_self_signed = X509_self_signed(x, 0) == 1;
    out->must_staple = rf_cert_must_staple(x);
    if (X509_digest(x, EVP_sha256(), out->sha256, &n) != 1)
        memset(out->sha256, 0, sizeof out->sha256);
    read_key(x, out);
    read_sans(x, out);
}

/* --- make --- */

__attribute__((format(printf, 2, 3))) static enum rf_err
say(struct rf_cert_problem *problem, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(problem->text, sizeof problem->text, format, ap);
    va_end(ap);
    return RF_ERR_SYNTAX;
}

/* An encrypted key would make OpenSSL ask on the terminal; nobody sits there. */
static int
no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    return -1;
}

/* Whoever does not have the root does not trust it for being sent; it only makes handshakes larger (TEL-5). */
static void
drop_roots(struct rf_cert *c)
{
    size_t kept = c->count > 0 ? 1 : 0;

    for (size_t i = 1; i < c->count; i++)
        if (X509_self_signed(c->chain[i], 0) == 1)
            X509_free(c->chain[i]);
        else
            c->chain[kept++] = c->chain[i];
    c->count = kept;
}

enum rf_err
rf_cert_pem_next(BIO *in, X509 **out)
{
    bool is_end;

    ERR_clear_error();
    *out = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
    is_end = *out == NULL && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return *out != NULL ? RF_OK : is_end ? RF_ERR_NOT_FOUND : RF_ERR_SYNTAX;
}

/* All of it or nothing: half a chain would be served as if it were whole, and peers would refuse it one by one. */
static enum rf_err
read_chain(struct rf_cert *c, struct rf_span pem, struct rf_cert_problem *problem)
{
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    enum rf_err err = b != NULL ? RF_OK : RF_ERR_NOMEM;
    size_t count = 0;
    X509 *x;

    while (!err && (err = rf_cert_pem_next(b, &x)) == RF_OK) {
        if (count++ < CHAIN_MAX)
            c->chain[c->count++] = x;
        else
            X509_free(x);
    }
    BIO_free(b);
    if (err == RF_ERR_SYNTAX)
        return say(problem, "certificate %zu in it is damaged", count + 1);
    if (err != RF_ERR_NOT_FOUND)
        return err;
    if (count > CHAIN_MAX)
        return say(problem, "it has %zu certificates, %d are a chain at most", count, CHAIN_MAX);
    drop_roots(c);
    return c->count > 0 ? RF_OK : say(problem, "there is no certificate in PEM form in it");
}

static enum rf_err
read_private_key(struct rf_cert *c, struct rf_span pem, struct rf_cert_problem *problem)
{
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);

    if (b == NULL)
        return RF_ERR_NOMEM;
    c->key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
    BIO_free(b);
    if (c->key == NULL)
        return say(problem, "its key file holds no private key in PEM form without a passphrase");
    problem->is_mismatch = X509_check_private_key(c->chain[0], c->key) != 1;
    ERR_clear_error();
    if (problem->is_mismatch)
        return say(problem, "the private key does not belong to the certificate");
    return RF_OK;
}

enum rf_err
rf_cert_from_pem(struct rf_cert **out, struct rf_span chain, struct rf_span key,
                 struct rf_cert_problem *problem)
{
    struct rf_cert *c;
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    if (chain.n > RF_CERT_FILE_MAX || key.n > RF_CERT_FILE_MAX)
        return RF_ERR_RANGE;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return RF_ERR_NOMEM;
    atomic_init(&c->refs, 1);
    err = read_chain(c, chain, problem);
    if (err == RF_OK)
        err = read_private_key(c, key, problem);
    if (err != RF_OK) {
        rf_cert_unref(c);
        return err;
    }
    rf_cert_facts_read(c->chain[0], &c->facts);
    *out = c;
    return RF_OK;
}

enum rf_err
rf_cert_file_read(const char *path, bool is_key, char **out, size_t *n, struct rf_cert_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* of a pipe: at once, to be refused below */
    struct stat st;
    size_t size, used = 0;
    ssize_t got = 1;
    char *mem;

    if (fd < 0) {
        say(problem, "%s: %s", path, strerror(errno));
        return errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > RF_CERT_FILE_MAX) {
        close(fd);
        say(problem, "%s is not a file of at most 1 MB", path);
        return RF_ERR_IO;
    }
    if (is_key && (st.st_mode & 077) != 0) {
        close(fd);
        problem->key_file_is_open = true;
        problem->mode = st.st_mode & 07777;
        say(problem, "%s holds a private key and others may read it (mode %04o)", path, problem->mode);
        return RF_ERR_REFUSED;
    }
    size = (size_t)st.st_size;
    mem = malloc(size + 1);
    while (mem != NULL && used < size && got > 0) {
        got = read(fd, mem + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (mem == NULL)
        return RF_ERR_NOMEM;
    mem[used] = '\0';
    *out = mem;
    *n = used;
    return RF_OK;
}

enum rf_err
rf_cert_load(struct rf_cert **out, const char *chain_path, const char *key_path,
             struct rf_cert_problem *problem)
{
    char *chain = NULL, *key = NULL;
    size_t chain_n, key_n = 0;
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    err = rf_cert_file_read(chain_path, false, &chain, &chain_n, problem);
    if (err == RF_OK)
        err = rf_cert_file_read(key_path, true, &key, &key_n, problem);
    if (err == RF_OK) {
        err = rf_cert_from_pem(out, rf_span(chain, chain_n), rf_span(key, key_n), problem);
        if (err != RF_OK) {
            char why[sizeof problem->text];

            memcpy(why, problem->text, sizeof why);
            say(problem, "%.120s with %.120s: %.74s", chain_path, key_path, why);
        }
    }
    if (key != NULL)
        rf_wipe(key, key_n);
    free(key);
    free(chain);
    return err;
}

/* --- use and end --- */

struct rf_cert *
rf_cert_ref(struct rf_cert *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
rf_cert_unref(struct rf_cert *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < c->count; i++)
        X509_free(c->chain[i]);
    EVP_PKEY_free(c->key);
    free(c);
}

const struct rf_cert_facts *
rf_cert_facts(const struct rf_cert *c)
{
    return &c->facts;
}

bool
rf_cert_is_for(const struct rf_cert *c, struct rf_span host)
{
    char text[256];
    struct rf_addr a;

    if (rf_span_copy(host, text, sizeof text) != RF_OK || text[0] == '\0')
        return false;
    if (rf_addr_parse(host, 0, &a) == RF_OK)
        return X509_check_ip_asc(c->chain[0], text, 0) == 1;
    return X509_check_host(c->chain[0], text, host.n, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

X509 *
rf_cert_leaf(const struct rf_cert *c)
{
    return c->chain[0];
}

EVP_PKEY *
rf_cert_key(const struct rf_cert *c)
{
    return c->key;
}

size_t
rf_cert_extra_count(const struct rf_cert *c)
{
    return c->count - 1;
}

X509 *
rf_cert_extra(const struct rf_cert *c, size_t i)
{
    return c->chain[i + 1];
}
