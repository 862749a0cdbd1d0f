/*
 * main/certdesk.c - commands about certificates: cert.list, .show, .add, .export, .renew; those of trustdesk.c; tls.devices
 *
 * What is shown is what the contexts were made of.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec.h"
#include "main/certrow.h"
#include "main/credentials.h"
#include "main/desk.h"

#define DAY_S 86400

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* --- as JSON ------------------------------------------------------------------------------------------- */

const char *
rf_cert_time_text(int64_t at_s, char mem[32])
{
    time_t t = (time_t)at_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(mem, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        mem[0] = '\0';
    return mem;
}

const char *
rf_cert_hex_text(const uint8_t sha256[32], char mem[65])
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

json_t *
rf_cert_facts_json(const struct rf_cert_facts *f, int64_t now_s)
{
    char from[32], until[32], hex[65];
    json_t *names = json_array();

    for (size_t i = 0; i < f->san_count; i++)
        json_array_append_new(names, json_string(f->san[i].text));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:b, s:b, s:o}", "subject", f->subject, "issuer",
                     f->issuer, "serial", f->serial, "key", f->key, "not_before", rf_cert_time_text(f->not_before, from),
                     "not_after", rf_cert_time_text(f->not_after, until), "days", days_left(f->not_after, now_s), "sha256",
                     rf_cert_hex_text(f->sha256, hex), "authority", f->is_ca, "self_signed", f->is_self_signed, "names", names);
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
        rf_cert_time_text(state.fetched_s, fetched);
    if (state.has_answer)
        rf_cert_time_text(state.until_s, until);
    if (state.failed_s != 0)
        rf_cert_time_text(state.failed_s, failed);
    return json_pack("{s:b, s:s, s:s, s:s, s:s}", "shown", state.has_answer && now_s < state.until_s, "fetched",
                     fetched, "next_update", until, "failed", failed, "failure", state.failure);
}

static json_t *
own_json(const struct rf_ifaces *s, const struct rf_site_cert *c, int64_t now_s)
{
    json_t *o = rf_cert_facts_json(rf_cert_facts(c->cert), now_s), *chain = json_array();

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
        json_array_append_new(chain, rf_cert_facts_json(f, now_s));
        free(f);
    }
    json_object_set_new(o, "chain", chain);
    return o;
}

/* --- trusted certificates of the store ----------------------------------------------------------------- */

struct trusted_rows {
    json_t *rows;
    int64_t now_s;
};

X509 *
rf_cert_of_der(struct rf_span der)
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
        x = rf_cert_of_der(rf_span(der, n));
    if (x != NULL) {
        rf_cert_facts_read(x, f);
        o = rf_cert_facts_json(f, t->now_s);
        json_object_set_new(o, "kind", json_string("trusted"));
        json_object_set_new(o, "source", json_string("store"));
        json_object_set_new(o, "for", json_stringn(scope.p, scope.n));
        json_object_set_new(o, "who", json_string(text_of(row, "who")));
        json_object_set_new(o, "why", json_string(text_of(row, "why")));
        json_object_set_new(o, "anchor", json_boolean(json_is_true(json_object_get(row, "anchor"))));
        json_object_set_new(o, "at", json_string(rf_cert_time_text(at_s, when)));
        json_array_append_new(t->rows, o);
    }
    X509_free(x);
    free(der);
    free(f);
    json_decref(row);
    return true;
}

json_t *
rf_desk_stored_trust(struct rf_desk *d)
{
    struct trusted_rows t = { json_array(), rf_wall_s() };

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
            o = rf_cert_facts_json(&e->facts, now_s);
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
                      "sha256", rf_cert_hex_text(f.sha256, hex), "made", rf_cert_time_text(f.this_update, made), "read",
                      rf_cert_time_text(s->loaded_s, read));
        if (f.next_update != 0) {
            rf_cert_time_text(f.next_update, until);
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
    json_t *rows = json_array(), *stored = rf_desk_stored_trust(d);
    int64_t now_s = rf_wall_s();

    for (size_t i = 0; i < s->cert_count; i++)
        json_array_append_new(rows, own_json(s, &s->cert[i], now_s));
    json_array_extend(rows, stored);
    json_decref(stored);
    put_trusted_files(s, rows, now_s);
    put_lists(s, rows, now_s);
    return rows;
}

bool
rf_cert_is_meant(const json_t *row, const char *what, size_t least)
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
        if (rf_cert_is_meant(row, text_of(request, "name"), RF_FINGERPRINT_MIN))
            json_array_append(found, row);
    json_decref(rows);
    if (json_array_size(found) > 0) {
        rf_control_answer(ask, found);
        return;
    }
    json_decref(found);
    rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_UNKNOWN_CERT)->code,
                      "there is no certificate of this name or fingerprint",
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
        rf_control_refuse(ask, 2, rf_refusal_row(RF_REFUSE_UNKNOWN_CERT)->code,
                          "there is no certificate of our own of this name", "ringfence cert list");
    else
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_CERT_MISSING_INTERMEDIATE)->code,
                          "this machine does not know the root of that certificate", "ask its authority for it");
    BIO_free(out);
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
        rf_control_refuse(ask, 2, rf_refusal_row(RF_REFUSE_UNKNOWN_CERT)->code,
                          "only the certificate local, and those that renew themselves, are made here",
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
    else if (strcmp(command, "cert.renew") == 0)
        cert_renew(d, ask, request);
    else if (strcmp(command, "cert.add") == 0)
        rf_desk_cert_add(d, ask, request);
    else if (strcmp(command, "tls.devices") == 0)
        tls_devices(d, ask, request);
    else
        return rf_desk_trust_command(d, ask, command, request);
    return true;
}
