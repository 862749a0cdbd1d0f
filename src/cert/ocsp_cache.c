#include "cert/ocsp_cache.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#include "cert/part.h"

#define BUCKETS 256 /* four entries each when it is full */

/*
 * Invariants:
 * (I1) An entry with is_open has exactly one errand, and stays until that came back.
 * (I2) `verdict` is one that rf_ocsp_judge gave, or empty (NO_ANSWER, next_update 0).
 */
struct entry {
    uint8_t key[32];
    int next;            /* in its bucket, or in the list of free ones; -1 ends */
    bool is_open;
    int64_t retry_s;     /* not asked before that */
    int64_t wait_s;      /* how long it was last waited for; 0: the last question was answered */
    uint64_t used;       /* order of use: the smallest makes room */
    const char *failure; /* why the last answer was none; "" */
    struct rf_ocsp_verdict verdict;
};

struct rf_ocsp_cache {
    struct rf_ocsp_fetcher fetcher;
    pthread_mutex_t lock; /* what follows */
    uint64_t uses;
    size_t count, open;
    int free_entry;
    int bucket[BUCKETS];
    struct entry entry[RF_OCSP_ENTRIES_MAX];
};

enum rf_err
rf_ocsp_cache_new(struct rf_ocsp_cache **out, const struct rf_ocsp_fetcher *fetcher)
{
    struct rf_ocsp_cache *c = calloc(1, sizeof *c);

    if (c == NULL)
        return RF_ERR_NOMEM;
    if (fetcher != NULL)
        c->fetcher = *fetcher;
    rf_assert(pthread_mutex_init(&c->lock, NULL) == 0);
    for (int i = 0; i < BUCKETS; i++)
        c->bucket[i] = -1;
    for (int i = 0; i < RF_OCSP_ENTRIES_MAX; i++)
        c->entry[i].next = i + 1 < RF_OCSP_ENTRIES_MAX ? i + 1 : -1;
    *out = c;
    return RF_OK;
}

void
rf_ocsp_cache_free(struct rf_ocsp_cache *c)
{
    if (c == NULL)
        return;
    rf_assert(c->open == 0);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* --- entries --- */

/* Which certificate of which authority: its key, its name, the serial number. */
static bool
key_of(X509 *x, X509 *issuer, uint8_t out[static 32])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char *name = NULL;
    int n = i2d_X509_NAME(X509_get_issuer_name(x), &name);
    uint8_t spki[32];
    bool made;

    rf_part_spki(issuer, spki);
    made = md != NULL && n > 0 && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
           EVP_DigestUpdate(md, spki, sizeof spki) == 1 && EVP_DigestUpdate(md, name, (size_t)n) == 1 &&
           EVP_DigestUpdate(md, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)) == 1 &&
           EVP_DigestFinal_ex(md, out, NULL) == 1;
    OPENSSL_free(name);
    EVP_MD_CTX_free(md);
    return made;
}

static int
find(const struct rf_ocsp_cache *c, const uint8_t key[static 32])
{
    for (int i = c->bucket[key[0] % BUCKETS]; i >= 0; i = c->entry[i].next)
        if (memcmp(c->entry[i].key, key, 32) == 0)
            return i;
    return -1;
}

static void
drop(struct rf_ocsp_cache *c, int i)
{
    int *at = &c->bucket[c->entry[i].key[0] % BUCKETS];

    while (*at != i)
        at = &c->entry[*at].next;
    *at = c->entry[i].next;
    c->entry[i].next = c->free_entry;
    c->free_entry = i;
    c->count--;
}

/* The one that was not used for longest and has nothing under way. -1: all have. */
static int
least_used(const struct rf_ocsp_cache *c)
{
    int least = -1;

    for (int i = 0; i < RF_OCSP_ENTRIES_MAX; i++)
        if (!c->entry[i].is_open && (least < 0 || c->entry[i].used < c->entry[least].used))
            least = i;
    return least;
}

static struct entry *
entry_for(struct rf_ocsp_cache *c, const uint8_t key[static 32])
{
    int i = find(c, key);

    if (i < 0) {
        if (c->free_entry < 0 && (i = least_used(c)) >= 0)
            drop(c, i);
        if (c->free_entry < 0)
            return NULL;
        i = c->free_entry;
        c->free_entry = c->entry[i].next;
        c->entry[i] = (struct entry){ .next = c->bucket[key[0] % BUCKETS], .failure = "",
                                      .verdict = { .reason = "", .why = "" } };
        memcpy(c->entry[i].key, key, 32);
        c->bucket[key[0] % BUCKETS] = i;
        c->count++;
    }
    c->entry[i].used = ++c->uses;
    return &c->entry[i];
}

/* --- asking --- */

static struct rf_ocsp_errand *
errand_new(X509 *x, X509 *issuer, const uint8_t key[static 32], const char *url)
{
    struct rf_ocsp_errand *e = calloc(1, sizeof *e);
    struct rf_buf b;

    if (e == NULL)
        return NULL;
    b = rf_buf(e->request, sizeof e->request);
    /* No nonce: answers are signed once for all who ask, and an answer that is cached may be old by design. */
    if (rf_ocsp_request(x, issuer, NULL, &b) != RF_OK) {
        free(e);
        return NULL;
    }
    e->request_n = b.n;
    memcpy(e->url, url, sizeof e->url);
    memcpy(e->key, key, sizeof e->key);
    X509_up_ref(x);
    X509_up_ref(issuer);
    e->x = x;
    e->issuer = issuer;
    return e;
}

static void
errand_free(struct rf_ocsp_errand *e)
{
    X509_free(e->x);
    X509_free(e->issuer);
    free(e);
}

static bool
is_current(const struct rf_ocsp_verdict *v, int64_t now_s)
{
    return v->status != RF_OCSP_NO_ANSWER && v->next_update >= now_s - RF_OCSP_SKEW_S &&
           v->this_update <= now_s + RF_OCSP_SKEW_S;
}

/* Under the lock: should it be asked now? */
static bool
is_due(const struct rf_ocsp_cache *c, const struct entry *e, int64_t now_s)
{
    if (e->is_open || c->fetcher.fetch == NULL)
        return false;
    if (is_current(&e->verdict, now_s) && now_s < rf_ocsp_renew_at(&e->verdict))
        return false;
    /* A clock that was set back by more than a wait lets it be asked. */
    return now_s >= e->retry_s || now_s < e->retry_s - RF_OCSP_RETRY_MAX_S;
}

void
rf_ocsp_cache_ask(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out)
{
    struct rf_ocsp_cache *c = ctx;
    struct rf_ocsp_errand *errand = NULL;
    char url[RF_OCSP_URL_MAX] = "";
    struct entry *e;
    uint8_t key[32];
    bool is_open = false;

    *out = (struct rf_ocsp_verdict){ .reason = "", .why = "it names no responder" };
    if (!rf_ocsp_url(x, url, sizeof url))
        return;
    out->why = "there is no room for its answer";
    if (!key_of(x, issuer, key))
        return;
    pthread_mutex_lock(&c->lock);
    e = entry_for(c, key);
    if (e != NULL && is_due(c, e, now_s)) {
        if (c->open < RF_OCSP_ERRANDS_MAX) {
            e->is_open = true;
            c->open++;
            is_open = true;
        } else {
            e->failure = "too many questions are open";
        }
    }
    if (e != NULL && is_current(&e->verdict, now_s)) {
        *out = e->verdict;
    } else if (e != NULL) {
        out->why = e->is_open ? "its responder has not answered yet" : e->failure[0] != '\0' ? e->failure : "nobody asks";
        out->is_pending = e->is_open;
    }
    pthread_mutex_unlock(&c->lock);
    if (!is_open)
        return;
    errand = errand_new(x, issuer, key, url);
    if (errand != NULL) {
        c->fetcher.fetch(c->fetcher.ctx, errand);
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->entry[find(c, key)].is_open = false; /* (I1): it is still there */
    c->open--;
    pthread_mutex_unlock(&c->lock);
}

static void
fail(struct entry *e, const char *why, int64_t now_s)
{
    e->wait_s = e->wait_s == 0 ? RF_OCSP_RETRY_S : 2 * e->wait_s;
    if (e->wait_s > RF_OCSP_RETRY_MAX_S)
        e->wait_s = RF_OCSP_RETRY_MAX_S;
    e->retry_s = now_s + e->wait_s;
    e->failure = why;
}

void
rf_ocsp_cache_answer(struct rf_ocsp_cache *c, struct rf_ocsp_errand *errand, struct rf_span answer, int64_t now_s,
                     struct rf_ocsp_verdict *verdict)
{
    const struct rf_ocsp_question q = { .x = errand->x, .issuer = errand->issuer, .now_s = now_s };
    struct rf_ocsp_verdict v = { .reason = "", .why = "its responder cannot be reached" };
    struct entry *e;

    if (answer.n > 0)
        rf_ocsp_judge(&q, answer, &v);
    pthread_mutex_lock(&c->lock);
    e = &c->entry[find(c, errand->key)]; /* (I1) */
    e->is_open = false;
    c->open--;
    if (v.status == RF_OCSP_NO_ANSWER) {
        fail(e, v.why, now_s);
    } else {
        /* An older answer than the one at hand is a replay; what is revoked stays so (but for a hold). */
        if (!is_current(&e->verdict, now_s) || v.this_update >= e->verdict.this_update)
            e->verdict = v;
        e->wait_s = 0;
        /* One that is past its half already is not asked for again at once. */
        e->retry_s = now_s + RF_OCSP_RETRY_S;
        e->failure = "";
    }
    pthread_mutex_unlock(&c->lock);
    errand_free(errand);
    if (verdict != NULL)
        *verdict = v;
}

size_t
rf_ocsp_cache_count(struct rf_ocsp_cache *c)
{
    size_t n;

    pthread_mutex_lock(&c->lock);
    n = c->count;
    pthread_mutex_unlock(&c->lock);
    return n;
}

size_t
rf_ocsp_cache_open(struct rf_ocsp_cache *c)
{
    size_t n;

    pthread_mutex_lock(&c->lock);
    n = c->open;
    pthread_mutex_unlock(&c->lock);
    return n;
}
