#include "cert/trust.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "cert/part.h"

#define BUCKETS 1024 /* by subject; four entries each when the store is full */

/* Names in a CertificateRequest: 16 kB fit one TLS record. Beyond that none are sent, which asks for any. */
#define NAMES_OCTETS_MAX 16384

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Red Hat */
};

/* One certificate, shared by the stores that hold it. */
struct item {
    _Atomic uint32_t refs;
    unsigned long hash; /* of the subject */
    X509 *x;
    struct rf_part part;
    char *origin;
    struct rf_trust_entry entry; /* last: most of it is never touched */
};

/* One list of revoked certificates, shared likewise. */
struct list {
    _Atomic uint32_t refs;
    X509_CRL *crl;
    char origin[256];
    bool has_next_update;
    int64_t next_update;
    /* Whose key signed it: a list of 8 MB takes 15 ms to hash, so the last answers are kept. */
    pthread_mutex_t lock;
    bool has_signer, has_stranger;
    uint8_t signer[32], stranger[32]; /* SHA-256 of SubjectPublicKeyInfo */
};

struct rf_trust {
    _Atomic uint32_t refs;
    size_t count, list_count;
    struct item *item[RF_TRUST_ENTRIES_MAX];
    int next[RF_TRUST_ENTRIES_MAX]; /* in the bucket; -1 ends */
    int bucket[BUCKETS];
    struct list *list[RF_TRUST_CRLS_MAX];
};

__attribute__((format(printf, 2, 3))) static void
say(struct rf_cert_problem *problem, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(problem->text, sizeof problem->text, format, ap);
    va_end(ap);
}

/* --- items and lists --- */

static void
item_unref(struct item *it)
{
    if (it == NULL || atomic_fetch_sub_explicit(&it->refs, 1, memory_order_acq_rel) != 1)
        return;
    rf_part_fini(&it->part);
    X509_free(it->x);
    free(it->origin);
    free(it);
}

static unsigned long
name_hash(const X509_NAME *name)
{
    return X509_NAME_hash_ex(name, NULL, NULL, NULL);
}

/* Takes x in any case. */
static struct item *
item_new(X509 *x, const char *origin, bool marked_anchor)
{
    struct item *it = calloc(1, sizeof *it);

    if (it == NULL) {
        X509_free(x);
        return NULL;
    }
    atomic_init(&it->refs, 1);
    it->x = x;
    it->origin = strdup(origin);
    if (it->origin == NULL) {
        item_unref(it);
        return NULL;
    }
    it->hash = name_hash(X509_get_subject_name(x));
    rf_part_read(&it->part, x, true);
    rf_cert_facts_read(x, &it->entry.facts);
    it->entry.origin = it->origin;
    it->entry.is_marked_anchor = marked_anchor;
    it->entry.facts.is_self_signed = rf_part_is_self_signed(&it->part);
    it->entry.use = it->entry.facts.is_self_signed ? RF_TRUST_ANCHOR
                    : it->part.is_ca               ? RF_TRUST_INTERMEDIATE
                                                   : RF_TRUST_PINNED;
    return it;
}

static void
list_unref(struct list *l)
{
    if (l == NULL || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_CRL_free(l->crl);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Takes crl in any case. */
static struct list *
list_new(X509_CRL *crl, const char *origin)
{
    struct list *l = calloc(1, sizeof *l);

    if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
        free(l);
        X509_CRL_free(crl);
        return NULL;
    }
    atomic_init(&l->refs, 1);
    l->crl = crl;
    snprintf(l->origin, sizeof l->origin, "%s", origin);
    l->has_next_update = rf_part_time(X509_CRL_get0_nextUpdate(crl), &l->next_update);
    return l;
}

static bool
is_indirect(X509_CRL *crl)
{
    ISSUING_DIST_POINT *p = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    bool is = p != NULL && p->indirectCRL > 0;

    ISSUING_DIST_POINT_free(p);
    return is;
}

/* --- a store --- */

enum rf_err
rf_trust_new(struct rf_trust **out)
{
    struct rf_trust *t = calloc(1, sizeof *t);

    if (t == NULL)
        return RF_ERR_NOMEM;
    atomic_init(&t->refs, 1);
    for (size_t i = 0; i < BUCKETS; i++)
        t->bucket[i] = -1;
    *out = t;
    return RF_OK;
}

struct rf_trust *
rf_trust_ref(struct rf_trust *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void
rf_trust_unref(struct rf_trust *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < t->count; i++)
        item_unref(t->item[i]);
    for (size_t i = 0; i < t->list_count; i++)
        list_unref(t->list[i]);
    free(t);
}

static int
find(const struct rf_trust *t, unsigned long hash, const uint8_t sha256[static 32])
{
    for (int i = t->bucket[hash % BUCKETS]; i >= 0; i = t->next[i])
        if (t->item[i]->hash == hash && memcmp(t->item[i]->part.sha256, sha256, 32) == 0)
            return i;
    return -1;
}

/* Takes a reference. The caller made sure that there is room. */
static void
put_item(struct rf_trust *t, struct item *it)
{
    int same = find(t, it->hash, it->part.sha256), *bucket = &t->bucket[it->hash % BUCKETS];

    if (same >= 0) {
        /* The mark wins; entries are never changed, since another store may hold the same one. */
        if (it->entry.is_marked_anchor && !t->item[same]->entry.is_marked_anchor) {
            item_unref(t->item[same]);
            t->item[same] = it;
        } else {
            item_unref(it);
        }
        return;
    }
    t->item[t->count] = it;
    t->next[t->count] = *bucket;
    *bucket = (int)t->count++;
}

static void
put_list(struct rf_trust *t, struct list *l)
{
    for (size_t i = 0; i < t->list_count; i++) {
        if (X509_CRL_match(t->list[i]->crl, l->crl) == 0) {
            list_unref(l);
            return;
        }
    }
    t->list[t->list_count++] = l;
}

/* --- reading --- */

/* What one call adds: all of it or nothing. */
struct batch {
    struct item *item[RF_TRUST_ENTRIES_MAX];
    struct list *list[RF_TRUST_CRLS_MAX];
    size_t items, lists;
};

static void
batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->items; i++)
        item_unref(b->item[i]);
    for (size_t i = 0; i < b->lists; i++)
        list_unref(b->list[i]);
    free(b);
}

static enum rf_err
take_certificate(struct batch *b, X509 *x, const char *origin, bool marked, struct rf_cert_problem *problem)
{
    struct item *it;

    if (b->items == RF_TRUST_ENTRIES_MAX) {
        X509_free(x);
        say(problem, "%.120s holds more than %d certificates", origin, RF_TRUST_ENTRIES_MAX);
        return RF_ERR_RANGE;
    }
    it = item_new(x, origin, marked);
    if (it == NULL)
        return RF_ERR_NOMEM;
    b->item[b->items++] = it;
    return RF_OK;
}

static enum rf_err
take_list(struct batch *b, X509_CRL *crl, const char *origin, struct rf_cert_problem *problem)
{
    struct list *l;

    if (is_indirect(crl)) {
        X509_CRL_free(crl);
        say(problem, "%.120s holds an indirect revocation list: ask the authority for lists of its own",
            origin);
        return RF_ERR_SYNTAX;
    }
    if (b->lists == RF_TRUST_CRLS_MAX) {
        X509_CRL_free(crl);
        say(problem, "%.120s holds more than %d revocation lists", origin, RF_TRUST_CRLS_MAX);
        return RF_ERR_RANGE;
    }
    l = list_new(crl, origin);
    if (l == NULL)
        return RF_ERR_NOMEM;
    b->list[b->lists++] = l;
    return RF_OK;
}

/* One object in DER; what follows it is an error. *taken is false for what is neither certificate nor list. */
static enum rf_err
take_der(struct batch *b, const char *kind, const unsigned char *der, long n, const char *origin, bool marked,
         bool *taken, struct rf_cert_problem *problem)
{
    const unsigned char *p = der;
    bool is_crl = strcmp(kind, PEM_STRING_X509_CRL) == 0;
    bool is_trusted = strcmp(kind, PEM_STRING_X509_TRUSTED) == 0;
    X509_CRL *crl;
    X509 *x;

    *taken =
        is_crl || is_trusted || strcmp(kind, PEM_STRING_X509) == 0 || strcmp(kind, PEM_STRING_X509_OLD) == 0;
    if (!*taken)
        return RF_OK;
    if (is_crl) {
        if (n > (long)RF_TRUST_CRL_MAX) {
            say(problem, "%.120s holds a revocation list above %u MB", origin, RF_TRUST_CRL_MAX >> 20);
            return RF_ERR_RANGE;
        }
        crl = d2i_X509_CRL(NULL, &p, n);
        if (crl != NULL && p == der + n)
            return take_list(b, crl, origin, problem);
        X509_CRL_free(crl);
    } else {
        x = is_trusted ? d2i_X509_AUX(NULL, &p, n) : d2i_X509(NULL, &p, n);
        if (x != NULL && p == der + n)
            return take_certificate(b, x, origin, marked, problem);
        X509_free(x);
    }
    say(problem, "%.120s holds a damaged %s (the %zu. object)", origin,
        is_crl ? "revocation list" : "certificate", b->items + b->lists + 1);
    return RF_ERR_SYNTAX;
}

static enum rf_err
read_pem(struct batch *b, struct rf_span octets, const char *origin, bool marked,
         struct rf_cert_problem *problem)
{
    BIO *in = BIO_new_mem_buf(octets.p, (int)octets.n);
    enum rf_err err = RF_OK;
    char *name, *header;
    unsigned char *der;
    bool taken;
    long n;

    if (in == NULL)
        return RF_ERR_NOMEM;
    while (err == RF_OK) {
        ERR_clear_error();
        if (PEM_read_bio(in, &name, &header, &der, &n) != 1) {
            if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
                break;
            say(problem, "%.120s is damaged after its %zu. object", origin, b->items + b->lists);
            err = RF_ERR_SYNTAX;
            break;
        }
        /* A private key that stands in the same file is passed over, and wiped. */
        err = take_der(b, name, der, n, origin, marked, &taken, problem);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)n);
    }
    BIO_free(in);
    if (err == RF_OK && b->items + b->lists == 0) {
        say(problem, "%.120s holds neither a certificate nor a revocation list", origin);
        err = RF_ERR_SYNTAX;
    }
    return err;
}

static enum rf_err
read_octets(struct batch *b, struct rf_span octets, const char *origin, bool marked,
            struct rf_cert_problem *problem)
{
    const unsigned char *der = (const unsigned char *)octets.p;
    bool taken;
    X509 *x;

    if (rf_span_trim(octets).n == 0)
        return RF_OK; /* an empty store */
    if (rf_span_find_str(octets, RF_SPAN_LIT("-----BEGIN ")) < octets.n)
        return read_pem(b, octets, origin, marked, problem);
    x = d2i_X509(NULL, &der, (long)octets.n);
    X509_free(x);
    return take_der(b, x != NULL ? PEM_STRING_X509 : PEM_STRING_X509_CRL, (const unsigned char *)octets.p,
                    (long)octets.n, origin, marked, &taken, problem);
}

enum rf_err
rf_trust_add(struct rf_trust *t, struct rf_span octets, const char *origin, bool marked_anchor,
             struct rf_cert_problem *problem)
{
    struct batch *b;
    enum rf_err err;

    memset(problem, 0, sizeof *problem);
    if (octets.n > 2 * RF_TRUST_CRL_MAX) { /* a list in PEM is a third longer than in DER */
        say(problem, "%.120s is longer than %u MB", origin, 2 * RF_TRUST_CRL_MAX >> 20);
        return RF_ERR_RANGE;
    }
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return RF_ERR_NOMEM;
    err = read_octets(b, octets, origin, marked_anchor, problem);
    ERR_clear_error();
    if (err == RF_OK &&
        (t->count + b->items > RF_TRUST_ENTRIES_MAX || t->list_count + b->lists > RF_TRUST_CRLS_MAX)) {
        say(problem, "with %.120s the store would hold more than %d certificates or %d lists", origin,
            RF_TRUST_ENTRIES_MAX, RF_TRUST_CRLS_MAX);
        err = RF_ERR_RANGE;
    }
    if (err == RF_OK) {
        for (size_t i = 0; i < b->items; i++)
            put_item(t, b->item[i]);
        for (size_t i = 0; i < b->lists; i++)
            put_list(t, b->list[i]);
        b->items = b->lists = 0;
    }
    batch_free(b);
    return err;
}

static enum rf_err
add_file(struct rf_trust *t, const char *path, const char *origin, struct rf_cert_problem *problem)
{
    size_t max = 2 * RF_TRUST_CRL_MAX + 1, n;
    FILE *in = fopen(path, "re");
    enum rf_err err;
    char *mem;

    if (in == NULL) {
        say(problem, "%.120s: %s", path, strerror(errno));
        return errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO;
    }
    mem = malloc(max);
    n = mem != NULL ? fread(mem, 1, max, in) : 0;
    if (mem == NULL) {
        err = RF_ERR_NOMEM;
    } else if (ferror(in)) {
        say(problem, "%.120s: %s", path, strerror(errno));
        err = RF_ERR_IO;
    } else {
        err = rf_trust_add(t, rf_span(mem, n), origin, false, problem);
    }
    if (mem != NULL)
        rf_wipe(mem, n);
    free(mem);
    fclose(in);
    return err;
}

static bool
has_suffix(const char *name)
{
    static const char *const suffix[] = { ".pem", ".crt", ".cer", ".crl" };
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++)
        if (n > 4 && name[0] != '.' && strcasecmp(name + n - 4, suffix[i]) == 0)
            return true;
    return false;
}

static int
is_store_file(const struct dirent *e)
{
    return has_suffix(e->d_name);
}

enum rf_err
rf_trust_add_path(struct rf_trust *t, const char *path, struct rf_cert_problem *problem)
{
    enum rf_err err = RF_OK;
    struct dirent **name;
    struct stat st;
    int n;

    memset(problem, 0, sizeof *problem);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return add_file(t, path, path, problem);
    n = scandir(path, &name, is_store_file, alphasort);
    if (n < 0) {
        say(problem, "%.120s: %s", path, strerror(errno));
        return RF_ERR_IO;
    }
    for (int i = 0; i < n; i++) {
        char file[1024];

        if (err == RF_OK && snprintf(file, sizeof file, "%s/%s", path, name[i]->d_name) < (int)sizeof file)
            err = add_file(t, file, file, problem);
        free(name[i]);
    }
    free(name);
    return err;
}

enum rf_err
rf_trust_add_system(struct rf_trust *t, struct rf_cert_problem *problem)
{
    enum rf_err err = RF_ERR_NOT_FOUND;

    for (size_t i = 0; i < sizeof system_bundles / sizeof *system_bundles && err == RF_ERR_NOT_FOUND; i++)
        err = add_file(t, system_bundles[i], "system", problem);
    if (err == RF_ERR_NOT_FOUND)
        say(problem, "this machine has no bundle of public authorities (package ca-certificates)");
    return err;
}

enum rf_err
rf_trust_add_all(struct rf_trust *t, const struct rf_trust *other)
{
    if (t->count + other->count > RF_TRUST_ENTRIES_MAX ||
        t->list_count + other->list_count > RF_TRUST_CRLS_MAX)
        return RF_ERR_RANGE;
    for (size_t i = 0; i < other->count; i++) {
        atomic_fetch_add_explicit(&other->item[i]->refs, 1, memory_order_relaxed);
        put_item(t, other->item[i]);
    }
    for (size_t i = 0; i < other->list_count; i++) {
        atomic_fetch_add_explicit(&other->list[i]->refs, 1, memory_order_relaxed);
        put_list(t, other->list[i]);
    }
    return RF_OK;
}

/* --- asking --- */

size_t
rf_trust_count(const struct rf_trust *t)
{
    return t->count;
}

size_t
rf_trust_crl_count(const struct rf_trust *t)
{
    return t->list_count;
}

void
rf_trust_crl_facts(const struct rf_trust *t, size_t i, struct rf_trust_crl_facts *out)
{
    const struct list *l = t->list[i];
    BIO *b = BIO_new(BIO_s_mem());
    int n = -1;

    memset(out, 0, sizeof *out);
    if (b != NULL && X509_NAME_print_ex(b, X509_CRL_get_issuer(l->crl), 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_read(b, out->issuer, sizeof out->issuer - 1);
    out->issuer[n > 0 ? n : 0] = '\0';
    BIO_free(b);
    snprintf(out->origin, sizeof out->origin, "%s", l->origin);
    if (!rf_part_time(X509_CRL_get0_lastUpdate(l->crl), &out->this_update))
        out->this_update = 0;
    out->next_update = l->has_next_update ? l->next_update : 0;
    n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(l->crl));
    out->revoked = n > 0 ? (size_t)n : 0;
    (void)X509_CRL_digest(l->crl, EVP_sha256(), out->sha256, NULL);
    ERR_clear_error();
}

const struct rf_trust_entry *
rf_trust_entry(const struct rf_trust *t, size_t i)
{
    return &t->item[i]->entry;
}

X509 *
rf_trust_x509(const struct rf_trust *t, size_t i)
{
    return t->item[i]->x;
}

const struct rf_part *
rf_trust_part(const struct rf_trust *t, size_t i)
{
    return &t->item[i]->part;
}

int
rf_trust_index(const struct rf_trust *t, const struct rf_part *p)
{
    return find(t, name_hash(X509_get_subject_name(p->x)), p->sha256);
}

bool
rf_trust_has_copy(const struct rf_trust *t, X509 *x)
{
    uint8_t sha256[32];
    unsigned n = sizeof sha256;

    return X509_digest(x, EVP_sha256(), sha256, &n) == 1 &&
           find(t, name_hash(X509_get_subject_name(x)), sha256) >= 0;
}

int
rf_trust_next(const struct rf_trust *t, const X509_NAME *subject, int from)
{
    unsigned long hash = name_hash(subject);

    for (int i = from < 0 ? t->bucket[hash % BUCKETS] : t->next[from]; i >= 0; i = t->next[i])
        if (t->item[i]->hash == hash && X509_NAME_cmp(X509_get_subject_name(t->item[i]->x), subject) == 0)
            return i;
    return -1;
}

struct stack_st_X509_NAME *
rf_trust_names(const struct rf_trust *t)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    size_t octets = 0;

    for (size_t i = 0; names != NULL && i < t->count; i++) {
        const struct item *it = t->item[i];
        X509_NAME *name;

        if (it->entry.use != RF_TRUST_ANCHOR && !it->entry.is_marked_anchor)
            continue;
        name = X509_NAME_dup(X509_get_subject_name(it->x));
        octets += name != NULL ? (size_t)i2d_X509_NAME(name, NULL) + 2 : 0;
        if (name == NULL || octets > NAMES_OCTETS_MAX || sk_X509_NAME_push(names, name) <= 0) {
            X509_NAME_free(name);
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            return sk_X509_NAME_new_null();
        }
    }
    return names;
}

/* --- revocation --- */

static bool
is_signed_by(struct list *l, X509 *signer)
{
    uint8_t spki[32];
    bool is;

    rf_part_spki(signer, spki);
    pthread_mutex_lock(&l->lock);
    is = l->has_signer && memcmp(l->signer, spki, sizeof spki) == 0;
    if (!is && !(l->has_stranger && memcmp(l->stranger, spki, sizeof spki) == 0)) {
        EVP_PKEY *key = X509_get0_pubkey(signer);

        is = key != NULL && X509_CRL_verify(l->crl, key) == 1;
        ERR_clear_error();
        memcpy(is ? l->signer : l->stranger, spki, sizeof spki);
        *(is ? &l->has_signer : &l->has_stranger) = true;
    }
    pthread_mutex_unlock(&l->lock);
    return is;
}

/* Another certificate of the issuer's name in the store, which the anchor or the issuer itself signed. */
static bool
is_signed_by_sibling(const struct rf_trust *t, struct list *l, X509 *issuer, X509 *anchor)
{
    const X509_NAME *name = X509_get_subject_name(issuer);

    for (int i = rf_trust_next(t, name, -1); i >= 0; i = rf_trust_next(t, name, i)) {
        X509 *other = t->item[i]->x;
        bool is_vouched = t->item[i]->part.is_ca && (X509_verify(other, X509_get0_pubkey(anchor)) == 1 ||
                                                     X509_verify(other, X509_get0_pubkey(issuer)) == 1);

        ERR_clear_error();
        if (is_vouched && is_signed_by(l, other))
            return true;
    }
    return false;
}

static void
look_into(struct list *l, X509 *x, int64_t now_s, struct rf_trust_revocation *out)
{
    X509_REVOKED *entry = NULL;
    int found = X509_CRL_get0_by_cert(l->crl, &entry, x); /* 2: removeFromCRL */

    out->lists++;
    if (l->has_next_update && l->next_update < now_s) {
        out->has_ended = true;
        out->next_update = l->next_update;
    }
    if (found == 1 && !out->is_revoked) {
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        static const char *const name[] = { "unspecified",
                                            "keyCompromise",
                                            "cACompromise",
                                            "affiliationChanged",
                                            "superseded",
                                            "cessationOfOperation",
                                            "certificateHold",
                                            "",
                                            "",
                                            "privilegeWithdrawn",
                                            "aACompromise" };
        long value = reason != NULL ? ASN1_ENUMERATED_get(reason) : -1;

        out->is_revoked = true;
        if (value >= 0 && value < (long)(sizeof name / sizeof *name))
            out->reason = name[value];
        if (!rf_part_time(X509_REVOKED_get0_revocationDate(entry), &out->since))
            out->since = 0;
        ASN1_ENUMERATED_free(reason);
    }
}

void
rf_trust_revoked(const struct rf_trust *t, X509 *x, X509 *issuer, X509 *anchor, int64_t now_s,
                 struct rf_trust_revocation *out)
{
    memset(out, 0, sizeof *out);
    out->reason = "";
    for (size_t i = 0; i < t->list_count; i++) {
        struct list *l = t->list[i];

        if (X509_NAME_cmp(X509_CRL_get_issuer(l->crl), X509_get_issuer_name(x)) != 0)
            continue;
        if (is_signed_by(l, issuer) || is_signed_by_sibling(t, l, issuer, anchor))
            look_into(l, x, now_s, out);
        else
            out->has_other_signer = true;
    }
    ERR_clear_error();
}
