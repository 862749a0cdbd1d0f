/*
 * main/certdesk.c - commands about certificates: cert.list, .show, .add, .export, .renew, .trust, .untrust, .pin,
 * .trusted, .refused
 *
 * What is shown is what the contexts were made of. What is trusted by command is in the store, with who and when; each
 * change is a version of the settings, so that `config rollback` takes it back (AVA-11).
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec.h"
#include "base/secret.h"
#include "main/credentials.h"
#include "main/desk.h"
#include "main/refused.h"

#define DAY_S     86400
#define TRUST_MAX 16 /* certificates of one `cert trust` */

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* --- as JSON ------------------------------------------------------------------------------------------- */

static const char *
time_text(int64_t at_s, char mem[32])
{
    time_t t = (time_t)at_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(mem, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        mem[0] = '\0';
    return mem;
}

static const char *
hex_text(const uint8_t sha256[32], char mem[65])
{
    struct rf_buf b = rf_buf(mem, 64);

    rf_put_hex(&b, sha256, 32);
    mem[b.n] = '\0';
    return mem;
}

/* Whole days, downwards: what ends in 23 hours ends in 0 days. */
static json_int_t
days_left(int64_t not_after, int64_t now_s)
{
    int64_t left = not_after - now_s;

    return (json_int_t)(left >= 0 ? left / DAY_S : (left - DAY_S + 1) / DAY_S);
}

static json_t *
facts_json(const struct rf_cert_facts *f, int64_t now_s)
{
    char from[32], until[32], hex[65];
    json_t *names = json_array();

    for (size_t i = 0; i < f->san_count; i++)
        json_array_append_new(names, json_string(f->san[i].text));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:b, s:b, s:o}", "subject", f->subject, "issuer",
                     f->issuer, "serial", f->serial, "key", f->key, "not_before", time_text(f->not_before, from),
                     "not_after", time_text(f->not_after, until), "days", days_left(f->not_after, now_s), "sha256",
                     hex_text(f->sha256, hex), "authority", f->is_ca, "self_signed", f->is_self_signed, "names", names);
}

/* Interfaces that listen and show it. */
static json_t *
used_by(const struct rf_ifaces *s, const struct rf_cert *c)
{
    json_t *list = json_array();

    for (int i = 0; i < RF_IFACE_COUNT; i++)
        for (size_t k = 0; s->iface[i].has_listener && k < s->iface[i].cert_count; k++)
            if (s->iface[i].cert[k] == c)
                json_array_append_new(list, json_string(rf_iface_row((enum rf_iface)i)->name));
    return list;
}

/* What its authority says of it, as it is sent along in handshakes; null: nothing is. */
static json_t *
staple_json(struct rf_tls_staple *s, int64_t now_s)
{
    struct rf_tls_staple_state state;
    char fetched[32] = "", until[32] = "", failed[32] = "";

    if (s == NULL)
        return json_null();
    rf_tls_staple_look(s, &state);
    if (state.fetched_s != 0)
        time_text(state.fetched_s, fetched);
    if (state.has_answer)
        time_text(state.until_s, until);
    if (state.failed_s != 0)
        time_text(state.failed_s, failed);
    return json_pack("{s:b, s:s, s:s, s:s, s:s}", "shown", state.has_answer && now_s < state.until_s, "fetched",
                     fetched, "next_update", until, "failed", failed, "failure", state.failure);
}

static json_t *
own_json(const struct rf_ifaces *s, const struct rf_site_cert *c, int64_t now_s)
{
    json_t *o = facts_json(rf_cert_facts(c->cert), now_s), *chain = json_array();

    json_object_set_new(o, "name", json_string(c->name));
    json_object_set_new(o, "kind", json_string("own"));
    json_object_set_new(o, "source", json_string(strcmp(c->name, RF_CREDENTIALS_LOCAL) == 0 ? "local authority"
                                                 : c->is_automatic                          ? "automatic"
                                                                                          : "file"));
    json_object_set_new(o, "used_by", used_by(s, c->cert));
    json_object_set_new(o, "complete", json_boolean(c->is_complete));
    json_object_set_new(o, "trust", json_string(c->is_public ? "public" : "private"));
    json_object_set_new(o, "missing", json_string(c->is_complete ? "" : c->missing));
    json_object_set_new(o, "must_staple", json_boolean(rf_cert_facts(c->cert)->must_staple));
    json_object_set_new(o, "staple", staple_json(c->staple, now_s));
    for (size_t i = 0; i < rf_cert_extra_count(c->cert); i++) {
        struct rf_cert_facts *f = calloc(1, sizeof *f);

        if (f == NULL)
            break;
        rf_cert_facts_read(rf_cert_extra(c->cert, i), f);
        json_array_append_new(chain, facts_json(f, now_s));
        free(f);
    }
    json_object_set_new(o, "chain", chain);
    return o;
}

/* --- trusted certificates of the store ----------------------------------------------------------------- */

struct trusted_rows {
    json_t *rows;
    int64_t now_s;
    const char *event; /* of refused ones: this one; NULL: all */
};

static X509 *
x509_of(struct rf_span der)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return d2i_X509(NULL, &p, (long)der.n);
}

static bool
put_trusted(void *ctx, struct rf_span fingerprint, struct rf_span scope, struct rf_span value, int64_t at_s)
{
    struct trusted_rows *t = ctx;
    json_t *row = json_loadb(value.p, value.n, 0, NULL), *o;
    const char *text = text_of(row, "der");
    struct rf_cert_facts *f = calloc(1, sizeof *f);
    uint8_t *der = malloc(strlen(text) + 4);
    char when[32];
    size_t n = 0;
    X509 *x = NULL;

    if (f != NULL && der != NULL && rf_base64_decode(rf_span_str(text), der, strlen(text) + 4, &n) == RF_OK)
        x = x509_of(rf_span(der, n));
    if (x != NULL) {
        rf_cert_facts_read(x, f);
        o = facts_json(f, t->now_s);
        json_object_set_new(o, "kind", json_string("trusted"));
        json_object_set_new(o, "source", json_string("store"));
        json_object_set_new(o, "for", json_stringn(scope.p, scope.n));
        json_object_set_new(o, "who", json_string(text_of(row, "who")));
        json_object_set_new(o, "why", json_string(text_of(row, "why")));
        json_object_set_new(o, "anchor", json_boolean(json_is_true(json_object_get(row, "anchor"))));
        json_object_set_new(o, "at", json_string(time_text(at_s, when)));
        json_array_append_new(t->rows, o);
    }
    X509_free(x);
    free(der);
    free(f);
    json_decref(row);
    return true;
}

static json_t *
stored_trust(struct rf_desk *d)
{
    struct trusted_rows t = { json_array(), rf_wall_s(), NULL };

    if (rf_store_load_trusted(d->conf.shared->store, 0, put_trusted, &t) != RF_OK)
        json_array_clear(t.rows);
    return t.rows;
}

/* Those of files; the system's are many, and nobody put them there one by one. */
static void
put_trusted_files(const struct rf_ifaces *s, json_t *rows, int64_t now_s)
{
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        const struct rf_trust *t = s->iface[i].check.trust;

        for (size_t k = 0; i != RF_IFACE_SIP_SHARED && k < rf_trust_count(t); k++) {
            const struct rf_trust_entry *e = rf_trust_entry(t, k);
            json_t *o;

            if (strcmp(e->origin, "store") == 0 || strcmp(e->origin, RF_BUNDLE_SYSTEM) == 0 ||
                strcmp(e->origin, RF_CREDENTIALS_LOCAL) == 0)
                continue;
            o = facts_json(&e->facts, now_s);
            json_object_set_new(o, "kind", json_string("trusted"));
            json_object_set_new(o, "source", json_string(e->origin));
            json_object_set_new(o, "for", json_string(rf_iface_row((enum rf_iface)i)->name));
            json_array_append_new(rows, o);
        }
    }
}

/* Lists of revoked certificates are the same on every interface (security.revocation-lists). */
static void
put_lists(const struct rf_ifaces *s, json_t *rows, int64_t now_s)
{
    const struct rf_trust *t = s->iface[RF_IFACE_SIP_TRUNKS].check.trust;

    for (size_t i = 0; t != NULL && i < rf_trust_crl_count(t); i++) {
        struct rf_trust_crl_facts f;
        char made[32], until[32] = "", read[32], hex[65];
        json_t *o;

        rf_trust_crl_facts(t, i, &f);
        o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "kind", "revocation-list", "name", f.origin,
                      "source", f.origin, "subject", f.issuer, "issuer", f.issuer, "revoked", (json_int_t)f.revoked,
                      "sha256", hex_text(f.sha256, hex), "made", time_text(f.this_update, made), "read",
                      time_text(s->loaded_s, read));
        if (f.next_update != 0) {
            time_text(f.next_update, until);
            json_object_set_new(o, "days", json_integer(days_left(f.next_update, now_s)));
        }
        json_object_set_new(o, "next_update", json_string(until));
        json_object_set_new(o, "stale", json_boolean(f.next_update != 0 && f.next_update < now_s));
        json_array_append_new(rows, o);
    }
}

/* --- reading ------------------------------------------------------------------------------------------- */

static json_t *
all_certs(struct rf_desk *d)
{
    const struct rf_ifaces *s = d->site->ifaces;
    json_t *rows = json_array(), *stored = stored_trust(d);
    int64_t now_s = rf_wall_s();

    for (size_t i = 0; i < s->cert_count; i++)
        json_array_append_new(rows, own_json(s, &s->cert[i], now_s));
    json_array_extend(rows, stored);
    json_decref(stored);
    put_trusted_files(s, rows, now_s);
    put_lists(s, rows, now_s);
    return rows;
}

#define FINGERPRINT_MIN 8  /* hexadecimal digits that name a certificate to look at, or to trust no longer */
#define PIN_MIN         16 /* to trust one: nobody makes another certificate that begins with the same 64 bits */

/* By name of its block, or by a fingerprint's beginning of so many digits. */
static bool
is_meant(const json_t *row, const char *what, size_t least)
{
    char digits[65];
    size_t n = 0;

    for (const char *p = rf_span_starts(rf_span_str(what), "sha256") ? what + 6 : what;
         *p != '\0' && n < sizeof digits - 1; p++)
        if (*p != ':')
            digits[n++] = *p >= 'A' && *p <= 'F' ? (char)(*p | 0x20) : *p;
    digits[n] = '\0';
    /* A row without a name is not meant by somebody who named none. */
    return (what[0] != '\0' && strcmp(text_of(row, "name"), what) == 0) ||
           (n >= least && strncmp(text_of(row, "sha256"), digits, n) == 0);
}

static void
cert_show(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    json_t *rows = all_certs(d), *found = json_array(), *row;
    size_t i;

    json_array_foreach (rows, i, row)
        if (is_meant(row, text_of(request, "name"), FINGERPRINT_MIN))
            json_array_append(found, row);
    json_decref(rows);
    if (json_array_size(found) > 0) {
        rf_control_answer(ask, found);
        return;
    }
    json_decref(found);
    rf_control_refuse(ask, 1, "", "there is no certificate of this name or fingerprint",
                      "ringfence cert list shows names and fingerprints");
}

static bool
put_pem(BIO *out, X509 *x)
{
    return PEM_write_bio_X509(out, x) == 1;
}

/* The root below which a chain of ours ends, as far as this machine knows it. */
static X509 *
root_of(const struct rf_ifaces *s, const struct rf_site_cert *c)
{
    size_t extras = rf_cert_extra_count(c->cert);
    X509 *top = extras > 0 ? rf_cert_extra(c->cert, extras - 1) : rf_cert_leaf(c->cert);

    if (X509_self_signed(top, 0) == 1)
        return top;
    for (int at = rf_trust_next(s->system, X509_get_issuer_name(top), -1); at >= 0;
         at = rf_trust_next(s->system, X509_get_issuer_name(top), at)) {
        X509 *x = rf_trust_x509(s->system, (size_t)at);

        if (X509_check_issued(x, top) == X509_V_OK && X509_verify(top, X509_get0_pubkey(x)) == 1)
            return x;
    }
    return NULL;
}

static void
cert_export(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const struct rf_ifaces *s = d->site->ifaces;
    const char *name = text_of(request, "name");
    bool root = json_is_true(json_object_get(request, "root")), is_fine = false;
    const struct rf_site_cert *c = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n = 0;

    /* Without a name: what phones are shown. */
    for (size_t i = 0; i < s->cert_count && c == NULL; i++)
        if (name[0] != '\0' ? strcmp(s->cert[i].name, name) == 0
                            : s->cert[i].cert == s->iface[RF_IFACE_SIP_PHONES].cert[0])
            c = &s->cert[i];
    if (c != NULL && out != NULL) {
        X509 *x = root ? root_of(s, c) : rf_cert_leaf(c->cert);

        is_fine = x != NULL && put_pem(out, x);
        for (size_t i = 0; is_fine && !root && i < rf_cert_extra_count(c->cert); i++)
            is_fine = put_pem(out, rf_cert_extra(c->cert, i));
        n = BIO_get_mem_data(out, &p);
    }
    if (is_fine)
        rf_control_answer(ask, json_pack("{s:s, s:s%}", "name", c->name, "pem", p, (size_t)n));
    else if (c == NULL)
        rf_control_refuse(ask, 2, "", "there is no certificate of our own of this name", "ringfence cert list");
    else
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_CERT_MISSING_INTERMEDIATE)->code,
                          "this machine does not know the root of that certificate", "ask its authority for it");
    BIO_free(out);
}

/* --- refused peers ------------------------------------------------------------------------------------- */

static bool
is_event(const struct rf_refused_chain *c, const char *event)
{
    char number[16];

    snprintf(number, sizeof number, "%u", c->number);
    return strcmp(event, "last") == 0 || strcmp(event, number) == 0;
}

/*
 * What signed the certificate of this chain, and what signed that, as far as it was sent along; NULL: nothing of it was.
 * A peer sends what it likes behind its certificate, so a place in the chain says nothing.
 */
static X509 *
authority_of(const struct rf_refused_chain *c)
{
    X509 *at = x509_of(rf_refused_der(c, 0));
    bool is_leaf = true;

    for (size_t i = 1; at != NULL && i < c->count; i++) {
        X509 *x = x509_of(rf_refused_der(c, i));

        if (x != NULL && X509_check_issued(x, at) == X509_V_OK && X509_verify(at, X509_get0_pubkey(x)) == 1) {
            X509_free(at);
            at = x;
            is_leaf = false;
        } else {
            X509_free(x);
        }
    }
    ERR_clear_error();
    if (is_leaf) {
        X509_free(at);
        return NULL;
    }
    return at;
}

static void
put_authority(json_t *row, const struct rf_refused_chain *c, struct rf_cert_facts *f, int64_t now_s)
{
    X509 *x = authority_of(c);

    if (x == NULL)
        return;
    rf_cert_facts_read(x, f);
    json_object_set_new(row, "signed_by", facts_json(f, now_s));
    X509_free(x);
}

static bool
put_refused_row(struct trusted_rows *t, const struct rf_refused_chain *c)
{
    X509 *x = x509_of(rf_refused_der(c, 0));
    struct rf_cert_facts *f = calloc(1, sizeof *f);
    json_t *o, *levels = json_array();
    char when[32], peer[RF_ADDR_TEXT_MAX];

    for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
        if (c->passes_level & (1u << i))
            json_array_append_new(levels, json_string(rf_check_level_name((enum rf_check_level)i)));
    if (x != NULL && f != NULL) {
        rf_cert_facts_read(x, f);
        o = facts_json(f, t->now_s);
        json_object_set_new(o, "event", json_integer(c->number));
        json_object_set_new(o, "kind", json_string("refused"));
        json_object_set_new(o, "peer", json_string(rf_addr_text(&c->peer, peer)));
        json_object_set_new(o, "interface", json_string(c->interface));
        json_object_set_new(o, "code", json_string(rf_refusal_row(c->refusal)->code));
        json_object_set_new(o, "reason", json_string(c->detail));
        json_object_set_new(o, "would_pass", json_incref(levels));
        json_object_set_new(o, "times", json_integer(c->times));
        json_object_set_new(o, "sent", json_integer(c->count));
        json_object_set_new(o, "at", json_string(time_text(c->wall_s, when)));
        if (t->event != NULL)
            put_authority(o, c, f, t->now_s);
        json_array_append_new(t->rows, o);
    }
    json_decref(levels);
    free(f);
    X509_free(x);
    return true;
}

/* One row with its authority when an event is named: to look for that of all would hold the lock for long. */
static bool
put_refused(void *ctx, const struct rf_refused_chain *c)
{
    struct trusted_rows *t = ctx;

    if (t->event != NULL && !is_event(c, t->event))
        return true;
    return put_refused_row(t, c) && t->event == NULL;
}

static void
cert_refused(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct trusted_rows t = { json_array(), rf_wall_s(), json_string_value(json_object_get(request, "event")) };

    rf_refused_visit(d->conf.shared->refused, put_refused, &t);
    rf_control_answer(ask, t.rows);
}

/* --- changing what is trusted -------------------------------------------------------------------------- */

/* Certificates that a command wants to trust. */
struct wanted {
    X509 *x[TRUST_MAX];
    bool is_anchor[TRUST_MAX];
    size_t count;
    const char *event;  /* "last", "7"; NULL: from a file */
    const char *sha256; /* of what was shown and is meant; "": what the event says now */
    char interface[24]; /* of that event */
    bool authority;     /* what signed it, not the certificate itself */
};

static void
wanted_fini(struct wanted *w)
{
    for (size_t i = 0; i < w->count; i++)
        X509_free(w->x[i]);
}

static bool
is_cert(const X509 *x, const char *sha256)
{
    uint8_t mine[32];
    unsigned n = sizeof mine;
    char hex[65];

    return X509_digest(x, EVP_sha256(), mine, &n) == 1 && strcmp(hex_text(mine, hex), sha256) == 0;
}

static bool
has_cert(const struct rf_refused_chain *c, const char *sha256)
{
    bool is_there = false;

    for (size_t i = 0; i < c->count && !is_there; i++) {
        X509 *x = x509_of(rf_refused_der(c, i));

        is_there = x != NULL && is_cert(x, sha256);
        X509_free(x);
    }
    return is_there;
}

/*
 * The certificate itself ends its path, so that it alone is trusted, at any level. With --authority what signed it
 * does, and with it everything that it ever signs. Who was shown a certificate says which (sha256): meanwhile another
 * stranger may have become "last", and a peer that tries again has a new number.
 */
static bool
take_event(void *ctx, const struct rf_refused_chain *c)
{
    struct wanted *w = ctx;
    bool is_shown = w->sha256[0] != '\0';
    X509 *x;

    if (is_shown ? !has_cert(c, w->sha256) : !is_event(c, w->event))
        return true;
    x = w->authority ? authority_of(c) : x509_of(rf_refused_der(c, 0));
    if (is_shown && x != NULL && !is_cert(x, w->sha256)) {
        X509_free(x);
        return true;
    }
    w->x[0] = x;
    w->is_anchor[0] = true;
    w->count = x != NULL;
    snprintf(w->interface, sizeof w->interface, "%s", c->interface);
    return x == NULL && is_shown;
}

/* All of a file, or what is wrong with it. */
static const char *
take_pem(struct wanted *w, const char *pem, bool is_anchor)
{
    BIO *in = BIO_new_mem_buf(pem, (int)strlen(pem));
    enum rf_err err = in != NULL ? RF_OK : RF_ERR_NOMEM;
    bool is_full = false;
    X509 *x;

    while (!err && !is_full && (err = rf_cert_pem_next(in, &x)) == RF_OK) {
        is_full = w->count == TRUST_MAX;
        if (is_full) {
            X509_free(x);
        } else {
            w->is_anchor[w->count] = is_anchor;
            w->x[w->count++] = x;
        }
    }
    BIO_free(in);
    if (is_full)
        return "there are more than 16 certificates in it";
    if (err == RF_ERR_SYNTAX)
        return "a certificate in it is damaged";
    return w->count > 0 ? NULL : "there is no certificate in PEM form in it";
}

/* The value of a row: what take_stored of main/ifaces.c reads. */
static char *
row_text(X509 *x, bool is_anchor, const char *who, const char *why)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    char *mem = n > 0 ? malloc((size_t)n * 2 + 16) : NULL, *text = NULL;
    struct rf_buf b = rf_buf(mem, mem != NULL ? (size_t)n * 2 + 8 : 0);
    json_t *o;

    if (mem != NULL) {
        rf_put_base64(&b, der, (size_t)n);
        o = json_pack("{s:s%, s:b, s:s, s:s}", "der", b.p, b.n, "anchor", is_anchor, "who", who, "why", why);
        text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
        json_decref(o);
    }
    free(mem);
    OPENSSL_free(der);
    return text;
}

/* "*", an interface's name, or that of its block. */
static bool
scope_of(struct rf_control_ask *ask, const char *text, const char *otherwise, char mem[32])
{
    enum rf_iface i;

    if (text[0] == '\0')
        text = otherwise;
    if (strcmp(text, RF_TRUSTED_EVERYWHERE) == 0 || strcmp(text, "all") == 0) {
        snprintf(mem, 32, "%s", RF_TRUSTED_EVERYWHERE);
        return true;
    }
    if (rf_iface_find(rf_span_str(text), &i) != RF_OK) {
        rf_control_refuse(ask, 2, "", "there is no interface of this name",
                          "all, or one of: sip-phones sip-trunks https provisioning management node-link");
        return false;
    }
    /* What comes by a shared address is judged as a trunk. */
    snprintf(mem, 32, "%s", rf_iface_row(i == RF_IFACE_SIP_SHARED ? RF_IFACE_SIP_TRUNKS : i)->name);
    return true;
}

static void
put_in_store(struct rf_desk *d, struct rf_control_ask *ask, struct wanted *w, const char *scope, const char *who,
             const char *why)
{
    struct rf_store_write write[TRUST_MAX];
    char hex[TRUST_MAX][65], *text[TRUST_MAX] = { NULL };
    struct rf_cert_facts *f = calloc(1, sizeof *f);
    size_t n = 0;

    for (; f != NULL && n < w->count; n++) {
        rf_cert_facts_read(w->x[n], f);
        text[n] = row_text(w->x[n], w->is_anchor[n], who, why);
        if (text[n] == NULL)
            break;
        write[n] = (struct rf_store_write){ .op = RF_STORE_TRUST_PUT, .key = rf_span_str(hex_text(f->sha256, hex[n])),
                                            .sub = rf_span_str(scope), .value = rf_span_str(text[n]),
                                            .expires_s = rf_wall_s() };
    }
    if (n == w->count && n > 0)
        rf_desk_apply_writes(d, ask, write, n);
    else
        rf_control_refuse(ask, 1, "", "out of memory", "try again");
    for (size_t i = 0; i < n; i++)
        free(text[i]);
    free(f);
}

static void
cert_trust(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct wanted w = { .authority = json_is_true(json_object_get(request, "authority")),
                        .sha256 = text_of(request, "sha256") };
    const char *pem = json_string_value(json_object_get(request, "pem")), *fault = NULL;
    char scope[32], why[80];

    if (pem != NULL) {
        fault = take_pem(&w, pem, json_is_true(json_object_get(request, "anchor")));
        snprintf(why, sizeof why, "file");
    } else {
        w.event = text_of(request, "event");
        rf_refused_visit(d->conf.shared->refused, take_event, &w);
        snprintf(why, sizeof why, "event %.40s", w.event);
    }
    if (fault != NULL)
        rf_control_refuse(ask, 2, "", fault, "a file of 1 to 16 certificates in PEM form; many: trusted-certificate-store");
    else if (w.count == 0)
        rf_control_refuse(ask, 2, "", w.authority ? "there is no such event whose peer sent what signed its certificate"
                                              : "there is no such event with a certificate",
                          "ringfence cert refused lists them");
    else if (scope_of(ask, text_of(request, "for"), w.interface[0] != '\0' ? w.interface : RF_TRUSTED_EVERYWHERE,
                      scope))
        put_in_store(d, ask, &w, scope, text_of(request, "who"), why);
    wanted_fini(&w);
}

/* The certificate of this fingerprint among refused ones, and those that are trusted otherwise. */
struct search {
    const char *fingerprint;
    struct wanted *to;
    json_t *row;
};

static bool
find_refused(void *ctx, const struct rf_refused_chain *c)
{
    struct search *s = ctx;
    char hex[65];
    json_t *row = json_pack("{s:s}", "sha256", hex_text(c->sha256, hex));

    if (s->to->count == 0 && is_meant(row, s->fingerprint, PIN_MIN)) {
        s->to->x[0] = x509_of(rf_refused_der(c, 0));
        s->to->count = s->to->x[0] != NULL;
    }
    json_decref(row);
    return s->to->count == 0;
}

static void
cert_pin(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct wanted w = { 0 };
    struct search s = { .fingerprint = text_of(request, "fingerprint"), .to = &w };
    char scope[32];

    rf_refused_visit(d->conf.shared->refused, find_refused, &s);
    for (int i = 0; w.count == 0 && i < RF_IFACE_COUNT; i++) {
        const struct rf_site_iface *f = &d->site->ifaces->iface[i];
        const struct rf_trust *t = f->outward.trust != NULL ? f->outward.trust : f->check.trust;

        for (size_t k = 0; t != NULL && w.count == 0 && k < rf_trust_count(t); k++) {
            char hex[65];
            json_t *row = json_pack("{s:s}", "sha256", hex_text(rf_trust_entry(t, k)->facts.sha256, hex));

            if (is_meant(row, s.fingerprint, PIN_MIN)) {
                w.x[0] = rf_trust_x509(t, k);
                X509_up_ref(w.x[0]);
                w.count = 1;
            }
            json_decref(row);
        }
    }
    w.is_anchor[0] = true;
    if (w.count == 0)
        rf_control_refuse(ask, 2, "", "no certificate of this fingerprint was refused here or is in the store",
                          "16 digits of it or more: ringfence cert refused lists them; cert trust FILE takes a file");
    else if (scope_of(ask, text_of(request, "for"), "", scope))
        put_in_store(d, ask, &w, scope, text_of(request, "who"), "pin");
    wanted_fini(&w);
}

static void
cert_untrust(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    json_t *rows = stored_trust(d), *row;
    struct rf_store_write write[TRUST_MAX];
    size_t i, n = 0;

    json_array_foreach (rows, i, row)
        if (n < TRUST_MAX && is_meant(row, text_of(request, "fingerprint"), FINGERPRINT_MIN) &&
            (text_of(request, "for")[0] == '\0' || strcmp(text_of(request, "for"), text_of(row, "for")) == 0))
            write[n++] = (struct rf_store_write){ .op = RF_STORE_TRUST_DELETE,
                                                  .key = rf_span_str(text_of(row, "sha256")),
                                                  .sub = rf_span_str(text_of(row, "for")) };
    if (n > 0)
        rf_desk_apply_writes(d, ask, write, n);
    else
        rf_control_refuse(ask, 2, "", "no certificate of this fingerprint was trusted by command",
                          "those of files go with their file; ringfence cert list --trusted shows where they are from");
    json_decref(rows);
}

/* --- our own ------------------------------------------------------------------------------------------- */

static bool
is_automatic(const struct rf_site *site, const char *name)
{
    for (size_t i = 0; i < site->automatic->count; i++)
        if (strcmp(site->automatic->certificate[i].label, name) == 0)
            return true;
    return false;
}

/*
 * A local certificate is made by the parent, which alone has its authority's key. One that renews itself has its own
 * way; one of files is renewed where the files come from.
 */
static void
cert_renew(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "name");

    if (strcmp(name, RF_CREDENTIALS_LOCAL) == 0)
        rf_desk_renew_local(d, ask);
    else if (is_automatic(d->site, name))
        rf_desk_renew_automatic(d, ask, name);
    else
        rf_control_refuse(ask, 2, "", "only the certificate local, and those that renew themselves, are made here",
                          "replace the files of another one; it is read again when they change");
}

/* --- what devices use ---------------------------------------------------------------------------------- */

/* Of this device at this interface; the rows of a device stand together. */
static bool
is_newest(const json_t *rows, size_t at)
{
    const json_t *row = json_array_get(rows, at), *other;
    size_t first = at;

    while (first > 0 && strcmp(text_of(json_array_get(rows, first - 1), "device"), text_of(row, "device")) == 0)
        first--;
    for (size_t i = first; (other = json_array_get(rows, i)) != NULL; i++) {
        if (strcmp(text_of(other, "device"), text_of(row, "device")) != 0)
            break;
        if (strcmp(text_of(other, "interface"), text_of(row, "interface")) == 0 &&
            json_integer_value(json_object_get(other, "last")) > json_integer_value(json_object_get(row, "last")))
            return false;
    }
    return true;
}

/*
 * Rows of one interface or of all; with a level only those that it would leave outside. Of a device that uses several
 * kinds of TLS the newest counts: its firmware may have been updated meanwhile.
 */
static void
tls_devices(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *interface = text_of(request, "interface"), *level = text_of(request, "level");
    json_t *rows = NULL, *shown = json_array(), *row;
    enum rf_iface iface = RF_IFACE_SIP_PHONES;
    enum rf_tls_level wanted = RF_TLS_OLD;
    size_t i;

    if ((interface[0] != '\0' && rf_iface_find(rf_span_str(interface), &iface) != RF_OK) ||
        (level[0] != '\0' && rf_tls_level_find(rf_span_str(level), &wanted) != RF_OK)) {
        json_decref(shown);
        rf_control_refuse(ask, 2, "", "there is no such interface or level", "ringfence tls levels lists the levels");
        return;
    }
    if (rf_devices_list(d->conf.shared->store, interface[0] != '\0' ? rf_iface_row(iface)->name : NULL, rf_wall_s(),
                        &rows) != RF_OK) {
        json_decref(shown);
        rf_control_refuse(ask, 1, "", "the store cannot be read", "");
        return;
    }
    json_array_foreach (rows, i, row) {
        const json_t *levels = json_object_get(row, "levels");
        bool fits = false;

        for (size_t k = 0; k < json_array_size(levels); k++)
            fits = fits || strcmp(json_string_value(json_array_get(levels, k)), rf_tls_level_row(wanted)->name) == 0;
        if (level[0] == '\0' || (!fits && is_newest(rows, i) && json_array_size(levels) > 0))
            json_array_append(shown, row);
    }
    json_decref(rows);
    rf_control_answer(ask, shown);
}

/* --- the table ----------------------------------------------------------------------------------------- */

bool
rf_desk_is_cert_change(const char *command)
{
    static const char *const some[] = { "cert.add", "cert.renew", "cert.trust", "cert.untrust", "cert.pin" };

    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (strcmp(command, some[i]) == 0)
            return true;
    return false;
}

bool
rf_desk_cert_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "cert.list") == 0)
        rf_control_answer(ask, all_certs(d));
    else if (strcmp(command, "cert.show") == 0)
        cert_show(d, ask, request);
    else if (strcmp(command, "cert.export") == 0)
        cert_export(d, ask, request);
    else if (strcmp(command, "cert.refused") == 0)
        cert_refused(d, ask, request);
    else if (strcmp(command, "cert.trust") == 0)
        cert_trust(d, ask, request);
    else if (strcmp(command, "cert.renew") == 0)
        cert_renew(d, ask, request);
    else if (strcmp(command, "cert.add") == 0)
        rf_desk_cert_add(d, ask, request);
    else if (strcmp(command, "tls.devices") == 0)
        tls_devices(d, ask, request);
    else if (strcmp(command, "cert.pin") == 0)
        cert_pin(d, ask, request);
    else if (strcmp(command, "cert.untrust") == 0)
        cert_untrust(d, ask, request);
    else
        return false;
    return true;
}
