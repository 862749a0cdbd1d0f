/*
 * main/trustdesk.c - commands about whom we trust: cert.refused, .trust, .pin, .untrust
 *
 * What is trusted by command is in the store, with who and when; each change is a version of the settings, so that
 * `config rollback` takes it back (AVA-11).
 *
 * A stranger chooses every octet of a chain that was refused, and when it is:
 * (T1) An authority is what signed, not what stands at a place of the chain.
 * (T2) Trusted is the certificate that somebody was shown, whoever was refused since.
 * (T3) A fingerprint that makes somebody trusted is longer than what can be searched for.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "main/certrow.h"
#include "main/credentials.h"
#include "main/desk.h"
#include "main/refused.h"

#define TRUST_MAX 16 /* certificates of one `cert trust` */
#define PIN_MIN   16 /* hexadecimal digits: nobody makes another certificate that begins with the same 64 bits (T3) */

/* Rows of refused peers. */
struct refused_rows {
    json_t *rows;
    int64_t now_s;
    const char *event; /* this one; NULL: all */
};

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* A sentence with what was asked for in it; the exit status is 2: another word is needed. */
__attribute__((format(printf, 4, 5))) static void
refuse(struct rf_control_ask *ask, enum rf_refusal code, const char *fix, const char *format, ...)
{
    char sentence[320];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    rf_control_refuse(ask, 2, rf_refusal_row(code)->code, sentence, fix);
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
 * A peer sends what it likes behind its certificate, so a place in the chain says nothing (T1).
 */
static X509 *
authority_of(const struct rf_refused_chain *c)
{
    X509 *at = rf_cert_of_der(rf_refused_der(c, 0));
    bool is_leaf = true;

    for (size_t i = 1; at != NULL && i < c->count; i++) {
        X509 *x = rf_cert_of_der(rf_refused_der(c, i));

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
    json_object_set_new(row, "signed_by", rf_cert_facts_json(f, now_s));
    X509_free(x);
}

static bool
put_refused_row(struct refused_rows *t, const struct rf_refused_chain *c)
{
    X509 *x = rf_cert_of_der(rf_refused_der(c, 0));
    struct rf_cert_facts *f = calloc(1, sizeof *f);
    json_t *o, *levels = json_array();
    char when[32], peer[RF_ADDR_TEXT_MAX];

    for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
        if (c->passes_level & (1u << i))
            json_array_append_new(levels, json_string(rf_check_level_name((enum rf_check_level)i)));
    if (x != NULL && f != NULL) {
        rf_cert_facts_read(x, f);
        o = rf_cert_facts_json(f, t->now_s);
        json_object_set_new(o, "event", json_integer(c->number));
        json_object_set_new(o, "kind", json_string("refused"));
        json_object_set_new(o, "peer", json_string(rf_addr_text(&c->peer, peer)));
        json_object_set_new(o, "interface", json_string(c->interface));
        json_object_set_new(o, "code", json_string(rf_refusal_row(c->refusal)->code));
        json_object_set_new(o, "reason", json_string(c->detail));
        json_object_set_new(o, "would_pass", json_incref(levels));
        json_object_set_new(o, "times", json_integer(c->times));
        json_object_set_new(o, "sent", json_integer(c->count));
        json_object_set_new(o, "at", json_string(rf_cert_time_text(c->wall_s, when)));
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
    struct refused_rows *t = ctx;

    if (t->event != NULL && !is_event(c, t->event))
        return true;
    return put_refused_row(t, c) && t->event == NULL;
}

static void
cert_refused(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct refused_rows t = { json_array(), rf_wall_s(), json_string_value(json_object_get(request, "event")) };

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

    return X509_digest(x, EVP_sha256(), mine, &n) == 1 && strcmp(rf_cert_hex_text(mine, hex), sha256) == 0;
}

static bool
has_cert(const struct rf_refused_chain *c, const char *sha256)
{
    bool is_there = false;

    for (size_t i = 0; i < c->count && !is_there; i++) {
        X509 *x = rf_cert_of_der(rf_refused_der(c, i));

        is_there = x != NULL && is_cert(x, sha256);
        X509_free(x);
    }
    return is_there;
}

/*
 * The certificate itself ends its path, so that it alone is trusted, at any level. With --authority what signed it
 * does, and with it everything that it ever signs. Who was shown a certificate says which (sha256): meanwhile another
 * stranger may have become "last", and a peer that tries again has a new number (T2).
 */
static bool
take_event(void *ctx, const struct rf_refused_chain *c)
{
    struct wanted *w = ctx;
    bool is_shown = w->sha256[0] != '\0';
    X509 *x;

    if (is_shown ? !has_cert(c, w->sha256) : !is_event(c, w->event))
        return true;
    x = w->authority ? authority_of(c) : rf_cert_of_der(rf_refused_der(c, 0));
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
        refuse(ask, RF_REFUSE_COMMAND, "all, or one of: sip-phones sip-trunks https provisioning management node-link",
               "there is no interface %.60s", text);
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
        write[n] = (struct rf_store_write){ .op = RF_STORE_TRUST_PUT, .key = rf_span_str(rf_cert_hex_text(f->sha256, hex[n])),
                                            .sub = rf_span_str(scope), .value = rf_span_str(text[n]),
                                            .expires_s = rf_wall_s() };
    }
    if (n == w->count && n > 0)
        rf_desk_apply_writes(d, ask, write, n);
    else
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_OVERLOAD)->code, "out of memory", "try again");
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
        refuse(ask, RF_REFUSE_FILE_OF_CERTS, "a file of 1 to 16 certificates in PEM form; many: trusted-certificate-store",
               "%.200s: %s", text_of(request, "file"), fault);
    else if (w.count == 0)
        refuse(ask, RF_REFUSE_UNKNOWN_CERT, "ringfence cert refused lists them",
               w.authority ? "there is no event %.20s whose peer sent what signed its certificate"
                           : "there is no event %.20s with a certificate of a refused peer",
               w.event);
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
    json_t *row = json_pack("{s:s}", "sha256", rf_cert_hex_text(c->sha256, hex));

    if (s->to->count == 0 && rf_cert_is_meant(row, s->fingerprint, PIN_MIN)) {
        s->to->x[0] = rf_cert_of_der(rf_refused_der(c, 0));
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

    if (!scope_of(ask, text_of(request, "for"), "", scope))
        return;
    rf_refused_visit(d->conf.shared->refused, find_refused, &s);
    for (int i = 0; w.count == 0 && i < RF_IFACE_COUNT; i++) {
        const struct rf_site_iface *f = &d->site->ifaces->iface[i];
        const struct rf_trust *t = f->outward.trust != NULL ? f->outward.trust : f->check.trust;

        for (size_t k = 0; t != NULL && w.count == 0 && k < rf_trust_count(t); k++) {
            char hex[65];
            json_t *row = json_pack("{s:s}", "sha256", rf_cert_hex_text(rf_trust_entry(t, k)->facts.sha256, hex));

            if (rf_cert_is_meant(row, s.fingerprint, PIN_MIN)) {
                w.x[0] = rf_trust_x509(t, k);
                X509_up_ref(w.x[0]);
                w.count = 1;
            }
            json_decref(row);
        }
    }
    w.is_anchor[0] = true;
    if (w.count == 0)
        refuse(ask, RF_REFUSE_UNKNOWN_CERT,
               "16 digits of it or more: ringfence cert refused lists them; cert trust FILE takes a file",
               "no certificate of this fingerprint (%.70s) was refused here or is in the store", s.fingerprint);
    else
        put_in_store(d, ask, &w, scope, text_of(request, "who"), "pin");
    wanted_fini(&w);
}

static void
cert_untrust(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    json_t *rows = rf_desk_stored_trust(d), *row;
    struct rf_store_write write[TRUST_MAX];
    size_t i, n = 0;

    json_array_foreach (rows, i, row)
        if (n < TRUST_MAX && rf_cert_is_meant(row, text_of(request, "fingerprint"), RF_FINGERPRINT_MIN) &&
            (text_of(request, "for")[0] == '\0' || strcmp(text_of(request, "for"), text_of(row, "for")) == 0))
            write[n++] = (struct rf_store_write){ .op = RF_STORE_TRUST_DELETE,
                                                  .key = rf_span_str(text_of(row, "sha256")),
                                                  .sub = rf_span_str(text_of(row, "for")) };
    if (n > 0)
        rf_desk_apply_writes(d, ask, write, n);
    else
        refuse(ask, RF_REFUSE_UNKNOWN_CERT,
               "8 digits of it or more; those of files go with their file: ringfence cert list --trusted shows where "
               "they are from",
               "no certificate of this fingerprint (%.70s) was trusted by command%s%.30s", text_of(request, "fingerprint"),
               text_of(request, "for")[0] != '\0' ? " for " : "", text_of(request, "for"));
    json_decref(rows);
}

/* --- the table ----------------------------------------------------------------------------------------- */

bool
rf_desk_trust_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "cert.refused") == 0)
        cert_refused(d, ask, request);
    else if (strcmp(command, "cert.trust") == 0)
        cert_trust(d, ask, request);
    else if (strcmp(command, "cert.pin") == 0)
        cert_pin(d, ask, request);
    else if (strcmp(command, "cert.untrust") == 0)
        cert_untrust(d, ask, request);
    else
        return false;
    return true;
}
