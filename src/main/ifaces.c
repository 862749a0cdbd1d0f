#include "main/ifaces.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "cert/bundle.h"
#include "main/automatic.h"
#include "main/credentials.h"

struct load {
    struct rf_ifaces *to;
    const struct rf_ifaces_sources *from;
    struct rf_conf_problem *problem;
};

__attribute__((format(printf, 4, 5))) static enum rf_err
fail(struct load *l, enum rf_err err, struct rf_conf_origin at, const char *format, ...)
{
    va_list ap;

    *l->problem = (struct rf_conf_problem){ .at = at };
    va_start(ap, format);
    vsnprintf(l->problem->sentence, sizeof l->problem->sentence, format, ap);
    va_end(ap);
    return err;
}

__attribute__((format(printf, 3, 4))) static void
warn(struct load *l, enum rf_refusal code, const char *format, ...)
{
    struct rf_ifaces *s = l->to;
    va_list ap;

    if (s->warning_count == sizeof s->warning / sizeof s->warning[0])
        return;
    s->warning[s->warning_count].code = code;
    va_start(ap, format);
    vsnprintf(s->warning[s->warning_count++].text, sizeof s->warning[0].text, format, ap);
    va_end(ap);
}

/* --- trusted certificates ------------------------------------------------------------------------------ */

/* All of the bundle that one of these paths names. */
static enum rf_err
trust_paths(struct load *l, struct rf_trust *t, const char *paths, struct rf_conf_origin at)
{
    struct rf_bundle_item item;
    struct rf_cert_problem why = { 0 };
    size_t pos = 0;
    enum rf_err err = RF_OK;

    while (!err && rf_bundle_next(l->from->bundle, &pos, &item)) {
        struct rf_span left = rf_span_str(paths), word;
        char origin[1300];
        bool is_named = false;

        while (item.kind == RF_BUNDLE_TRUSTED && !is_named && rf_conf_next_word(&left, &word))
            is_named = rf_span_eq(rf_option_path(word), item.name);
        if (is_named && (rf_span_is(item.name, RF_BUNDLE_SYSTEM) || rf_span_is(item.name, RF_CREDENTIALS_LOCAL)))
            item.second = item.name;
        if (!is_named || rf_span_copy(item.second, origin, sizeof origin) != RF_OK)
            continue;
        err = rf_trust_add(t, item.first, origin, false, &why);
        if (err)
            err = fail(l, err, at, "%.120s: %.120s", origin, why.text[0] != '\0' ? why.text : rf_err_text(err));
    }
    return err;
}

bool
rf_ifaces_trusts(enum rf_iface i, struct rf_span scope)
{
    if (i == RF_IFACE_SIP_SHARED)
        i = RF_IFACE_SIP_TRUNKS;
    /* Phones' manufacturers are named one by one: whom all else trusts may not fetch a configuration. */
    if (rf_span_is(scope, RF_TRUSTED_EVERYWHERE))
        return i != RF_IFACE_PROVISIONING;
    return rf_span_is(scope, rf_iface_row(i)->name);
}

struct stored {
    struct rf_trust *to;
    enum rf_iface iface;
    enum rf_err err;
};

/* A row that cannot be read is left out: it was checked when it was written, and one less is trusted. */
static bool
take_stored(void *ctx, struct rf_span fingerprint, struct rf_span scope, struct rf_span value, int64_t at_s)
{
    struct stored *s = ctx;
    struct rf_cert_problem why = { 0 };
    json_t *row;
    const char *text;
    uint8_t *der;
    size_t n;

    if (!rf_ifaces_trusts(s->iface, scope))
        return true;
    row = json_loadb(value.p, value.n, 0, NULL);
    text = json_string_value(json_object_get(row, "der"));
    der = text != NULL ? malloc(strlen(text) + 4) : NULL;
    if (der != NULL && rf_base64_decode(rf_span_str(text), der, strlen(text) + 4, &n) == RF_OK)
        s->err = rf_trust_add(s->to, rf_span(der, n), "store", json_is_true(json_object_get(row, "anchor")), &why);
    if (s->err == RF_ERR_SYNTAX)
        s->err = RF_OK;
    free(der);
    json_decref(row);
    return s->err == RF_OK;
}

static enum rf_err
trust_stored(struct load *l, struct rf_trust *t, enum rf_iface i)
{
    struct stored s = { t, i, RF_OK };
    enum rf_err err = RF_OK;

    if (l->from->store != NULL)
        err = rf_store_load_trusted(l->from->store, l->from->trust_version, take_stored, &s);
    if (err || s.err)
        return fail(l, err ? err : s.err, (struct rf_conf_origin){ 0 }, "the trusted certificates of the store: %s",
                    rf_err_text(err ? err : s.err));
    return RF_OK;
}

static bool
connects_outward(enum rf_iface i)
{
    return i == RF_IFACE_SIP_TRUNKS || i == RF_IFACE_NODE_LINK;
}

static enum rf_err
make_trust(struct load *l, enum rf_iface i, const struct rf_iface_settings *set, struct rf_site_iface *out)
{
    const struct rf_conf *c = l->from->conf;
    enum rf_iface judge = i == RF_IFACE_SIP_SHARED ? RF_IFACE_SIP_TRUNKS : i;
    struct rf_trust *t = NULL, *outward = NULL;
    enum rf_err err = rf_trust_new(&t);

    if (!err && connects_outward(i))
        err = rf_trust_new(&outward);
    if (!err)
        err = trust_paths(l, t, set->trusted, rf_iface_origin(c, judge, "trusted-certificate-store"));
    if (!err)
        err = trust_paths(l, t, set->revocation_lists, rf_conf_origin(c, "security.revocation-lists"));
    if (!err)
        err = trust_stored(l, t, i);
    /* Our own authority issues certificates for our own peers (GEN-18), not for handsets. */
    if (!err && i != RF_IFACE_PROVISIONING)
        err = trust_paths(l, t, RF_CREDENTIALS_LOCAL, (struct rf_conf_origin){ 0 });
    if (!err && set->system_authorities && i != RF_IFACE_PROVISIONING)
        err = rf_trust_add_all(t, l->to->system);
    if (!err && outward != NULL)
        err = rf_trust_add_all(outward, t);
    if (!err && outward != NULL)
        err = rf_trust_add_all(outward, l->to->system);
    out->check.trust = t;
    out->outward.trust = outward;
    return err;
}

/* --- our own certificates ------------------------------------------------------------------------------ */

static enum rf_err
origin_of_cert(const struct rf_conf *c, const char *name, struct rf_conf_origin *out)
{
    char setting[128];

    *out = (struct rf_conf_origin){ 0 };
    snprintf(setting, sizeof setting, "certificate.%s.chain", name);
    if (!rf_conf_knows(c, rf_span_str(setting)))
        return RF_ERR_NOT_FOUND;
    *out = rf_conf_origin(c, setting);
    return RF_OK;
}

static bool
has_cert(const struct rf_ifaces *s, const struct rf_cert *c)
{
    for (size_t i = 0; s != NULL && i < s->cert_count; i++)
        if (memcmp(rf_cert_facts(s->cert[i].cert)->sha256, rf_cert_facts(c)->sha256, 32) == 0)
            return true;
    return false;
}

/*
 * Certificates that renew themselves are in the store (main/automatic.h). One that has ended while we were off is left
 * out: our own authority's is shown until there is a new one. true: they are taken.
 */
static bool
is_automatic(struct load *l, const struct rf_conf_block *b)
{
    struct rf_ifaces *s = l->to;
    struct rf_cert *cert[RF_AUTOMATIC_CERTS_MAX];
    const char *name = rf_conf_block_label(b);
    size_t n, used = 0;

    for (size_t i = 0; i < s->cert_count; i++)
        if (strcmp(s->cert[i].name, name) == 0 && rf_conf_block_is_on(l->from->conf, b, "lets-encrypt"))
            return true; /* a second item of the same name */
    if (l->from->store == NULL || !rf_conf_block_is_on(l->from->conf, b, "lets-encrypt"))
        return false;
    n = rf_automatic_certs(l->from->store, name, cert);
    for (size_t i = 0; i < n; i++) {
        bool ended = rf_cert_facts(cert[i])->not_after <= l->from->now_s && !has_cert(l->from->running, cert[i]);

        if (ended || s->cert_count == RF_SITE_CERTS_MAX) {
            rf_cert_unref(cert[i]);
            continue;
        }
        s->cert[s->cert_count] = (struct rf_site_cert){ .name = name, .cert = cert[i], .is_automatic = true };
        rf_check_own(rf_cert_leaf(cert[i]), &s->own[s->cert_count]);
        s->cert_count++;
        used++;
    }
    return used > 0;
}

static void
take_fault(struct rf_ifaces *s, const struct rf_bundle_item *item)
{
    s->fault.code = rf_refusal_find(item->name);
    (void)!rf_span_copy(item->first, s->fault.sentence, sizeof s->fault.sentence);
    (void)!rf_span_copy(item->second, s->fault.effect, sizeof s->fault.effect);
}

const char *
rf_site_fault_fix(const struct rf_site_fault *f)
{
    return f->code == RF_REFUSE_KEY_FILE_MODE ? "chmod 600 that file, then: ringfence reload"
                                              : rf_refusal_row(f->code)->fix;
}

static enum rf_err
take_own(struct load *l)
{
    struct rf_ifaces *s = l->to;
    struct rf_bundle_item item;
    size_t pos = 0;

    while (rf_bundle_next(l->from->bundle, &pos, &item)) {
        struct rf_site_cert *c = &s->cert[s->cert_count];
        const struct rf_conf_block *b;
        struct rf_cert_problem why = { 0 };
        enum rf_err err;

        if (item.kind == RF_BUNDLE_FAULT)
            take_fault(s, &item);
        if (item.kind != RF_BUNDLE_OWN)
            continue;
        if (s->cert_count == RF_SITE_CERTS_MAX)
            return fail(l, RF_ERR_RANGE, (struct rf_conf_origin){ 0 }, "more than %d certificates of our own",
                        RF_SITE_CERTS_MAX);
        b = rf_conf_block(l->from->conf, "certificate", item.name);
        if (b != NULL && is_automatic(l, b))
            continue; /* the bundle has only a stand-in, or what was there before */
        if (b == NULL && !rf_span_is(item.name, RF_CREDENTIALS_LOCAL))
            continue; /* the block that named it is gone again */
        c->name = b != NULL ? rf_conf_block_label(b) : RF_CREDENTIALS_LOCAL;
        err = rf_cert_from_pem(&c->cert, item.first, item.second, &why);
        if (err) {
            struct rf_conf_origin at;

            (void)!origin_of_cert(l->from->conf, c->name, &at);
            return fail(l, err, at, "certificate %s: %s", c->name, why.text);
        }
        rf_check_own(rf_cert_leaf(c->cert), &s->own[s->cert_count]);
        s->cert_count++;
    }
    return pos == l->from->bundle.n ? RF_OK
                                    : fail(l, RF_ERR_SYNTAX, (struct rf_conf_origin){ 0 },
                                           "what the parent process read is damaged");
}

/* The chain as others would judge it. */
static enum rf_err
see_chain(struct load *l, struct rf_site_cert *c)
{
    X509 *chain[RF_CHECK_CHAIN_MAX];
    struct rf_check_question q = { .level = RF_CHECK_MEDIUM, .use = RF_CHECK_HTTPS, .peer_is_server = true,
                                   .medium_is_legacy = true, .chain = chain, .trust = l->to->system,
                                   .now_s = l->from->now_s };
    struct rf_check_report *r = malloc(sizeof *r);
    enum rf_err err;

    if (r == NULL)
        return RF_ERR_NOMEM;
    chain[q.chain_count++] = rf_cert_leaf(c->cert);
    for (size_t i = 0; i < rf_cert_extra_count(c->cert) && q.chain_count < RF_CHECK_CHAIN_MAX; i++)
        chain[q.chain_count++] = rf_cert_extra(c->cert, i);
    err = rf_check_peer(&q, r);
    if (!err) {
        c->is_complete = r->line[RF_CHECK_CHAIN].result == RF_CHECK_PASS;
        snprintf(c->missing, sizeof c->missing, "%s", r->missing_issuer);
        for (size_t i = 0; c->is_complete && r->path_count > 0 && i < rf_trust_count(l->to->system); i++) {
            const struct rf_trust_entry *e = rf_trust_entry(l->to->system, i);

            c->is_public |= strcmp(e->facts.subject, r->path[r->path_count - 1]) == 0 &&
                            strcmp(e->origin, RF_BUNDLE_SYSTEM) == 0;
        }
    }
    free(r);
    return err;
}

/* --- what its authority says of one of ours ------------------------------------------------------------ */

static bool
has_signed(X509 *above, X509 *x)
{
    bool has = above != NULL && X509_NAME_cmp(X509_get_subject_name(above), X509_get_issuer_name(x)) == 0 &&
               X509_verify(x, X509_get0_pubkey(above)) == 1;

    ERR_clear_error();
    return has;
}

/* Of its own chain, of the system's authorities, of whatever is trusted on any interface: what counts is the signature. */
static X509 *
issuer_of(const struct load *l, const struct rf_cert *c)
{
    X509 *x = rf_cert_leaf(c), *above = rf_cert_extra_count(c) > 0 ? rf_cert_extra(c, 0) : NULL;
    const struct rf_trust *known = l->to->system;
    struct rf_bundle_item item;
    size_t pos = 0;

    if (has_signed(above, x)) {
        X509_up_ref(above);
        return above;
    }
    for (int i = rf_trust_next(known, X509_get_issuer_name(x), -1); i >= 0;
         i = rf_trust_next(known, X509_get_issuer_name(x), i)) {
        above = rf_trust_x509(known, (size_t)i);
        if (has_signed(above, x)) {
            X509_up_ref(above);
            return above;
        }
    }
    while (rf_bundle_next(l->from->bundle, &pos, &item)) {
        const unsigned char *p = (const unsigned char *)item.first.p;

        if (item.kind != RF_BUNDLE_TRUSTED || rf_span_is(item.name, RF_BUNDLE_SYSTEM))
            continue;
        above = d2i_X509(NULL, &p, (long)item.first.n); /* NULL: a revocation list */
        if (has_signed(above, x))
            return above;
        X509_free(above);
    }
    ERR_clear_error();
    return NULL;
}

/* The place for the answer stays the same over reloads, so that a certificate that stays is never without it. */
static enum rf_err
make_staple(struct load *l, struct rf_site_cert *c)
{
    const struct rf_conf_block *b = rf_conf_block(l->from->conf, "certificate", rf_span_str(c->name));
    const struct rf_ifaces *running = l->from->running;
    char url[RF_OCSP_URL_MAX];

    if (b == NULL || !rf_conf_block_is_on(l->from->conf, b, "staple") ||
        !rf_ocsp_url(rf_cert_leaf(c->cert), url, sizeof url))
        return RF_OK;
    c->issuer = issuer_of(l, c->cert);
    if (c->issuer == NULL)
        return RF_OK;
    for (size_t i = 0; running != NULL && i < running->cert_count; i++) {
        const struct rf_site_cert *was = &running->cert[i];

        if (was->staple != NULL &&
            memcmp(rf_cert_facts(was->cert)->sha256, rf_cert_facts(c->cert)->sha256, 32) == 0) {
            c->staple = rf_tls_staple_ref(was->staple);
            return RF_OK;
        }
    }
    return rf_tls_staple_new(&c->staple);
}

static void
use_cert(struct rf_site_iface *f, const struct rf_site_cert *c)
{
    for (size_t i = 0; i < f->cert_count; i++)
        if (f->cert[i] == c->cert)
            return;
    if (f->cert_count < RF_SITE_CERTS_MAX) {
        f->staple[f->cert_count] = c->staple;
        f->cert[f->cert_count++] = c->cert;
    }
}

static void
choose_certs(struct load *l, const char *names, struct rf_site_iface *out)
{
    struct rf_span left = rf_span_str(names), word;

    while (rf_conf_next_word(&left, &word))
        for (size_t i = 0; i < l->to->cert_count; i++)
            if (rf_span_is(word, l->to->cert[i].name))
                use_cert(out, &l->to->cert[i]);
}

/* --- does it work? ------------------------------------------------------------------------------------- */

/* A certificate that is in force and ended meanwhile must not stand in the way of every other change. */
static bool
is_tolerated(const struct load *l, const struct rf_site_iface *f, const struct rf_tls_finding *found)
{
    return found->refusal == RF_REFUSE_CERT_EXPIRED && found->cert < f->cert_count &&
           has_cert(l->from->running, f->cert[found->cert]);
}

static const char *
name_of_cert(const struct rf_ifaces *s, const struct rf_cert *c)
{
    for (size_t i = 0; i < s->cert_count; i++)
        if (s->cert[i].cert == c)
            return s->cert[i].name;
    return RF_CREDENTIALS_LOCAL;
}

/* A listener has nothing to show, because our own authority is broken. */
static enum rf_err
fail_for_fault(struct load *l, enum rf_iface i)
{
    enum rf_err err = fail(l, RF_ERR_REFUSED, rf_iface_origin(l->from->conf, i, "certificate"), "%s: %s",
                           rf_iface_row(i)->name, l->to->fault.sentence);

    l->problem->code = l->to->fault.code;
    return err;
}

/* What it issued has ended, and it cannot issue another. */
static bool
is_of_broken_authority(const struct load *l, const struct rf_site_iface *f, const struct rf_tls_finding *found)
{
    return l->to->fault.code != RF_REFUSE_NONE && found->refusal == RF_REFUSE_CERT_EXPIRED &&
           found->cert < f->cert_count && strcmp(name_of_cert(l->to, f->cert[found->cert]), RF_CREDENTIALS_LOCAL) == 0;
}

static enum rf_err
judge_findings(struct load *l, enum rf_iface i, const struct rf_tls_findings *all)
{
    const struct rf_site_iface *f = &l->to->iface[i];
    const char *interface = rf_iface_row(i)->name;

    for (size_t k = 0; k < all->count; k++) {
        const struct rf_tls_finding *found = &all->finding[k];
        struct rf_conf_origin at = rf_iface_origin(l->from->conf, i, "cipher-suite-level");

        if (found->cert < f->cert_count &&
            origin_of_cert(l->from->conf, name_of_cert(l->to, f->cert[found->cert]), &at))
            at = rf_iface_origin(l->from->conf, i, "certificate");
        if (found->is_fatal && !is_tolerated(l, f, found)) {
            enum rf_err err = fail(l, RF_ERR_REFUSED, at, "%s: %s", interface, found->text);

            l->problem->code = found->refusal;
            return is_of_broken_authority(l, f, found) ? fail_for_fault(l, i) : err;
        }
        warn(l, found->refusal, "%s: %s", interface, found->text);
    }
    return RF_OK;
}

static enum rf_err
try_it(struct load *l, enum rf_iface i)
{
    const struct rf_site_iface *f = &l->to->iface[i];
    struct rf_tls_server_conf conf = { .interface = rf_iface_row(i)->name, .level = f->level, .cert = f->cert,
                                       .cert_count = f->cert_count, .ask = f->ask, .check = &f->check,
                                       .staple = f->staple };
    struct rf_tls_findings *found = calloc(1, sizeof *found);
    struct rf_tls_server *made = NULL;
    const char *why = "";
    enum rf_err err;

    if (found == NULL)
        return RF_ERR_NOMEM;
    rf_tls_conf_examine(&conf, l->to->system, l->from->now_s, found);
    err = judge_findings(l, i, found);
    if (!err) {
        err = rf_tls_server_new(&made, &conf, &why);
        if (err)
            err = fail(l, err, rf_iface_origin(l->from->conf, i, "certificate"), "%s: %s", rf_iface_row(i)->name,
                       why[0] != '\0' ? why : rf_err_text(err));
    }
    rf_tls_server_unref(made);
    free(found);
    return err;
}

/* --- public authorities -------------------------------------------------------------------------------- */

/* Parsed once: they change with the operating system, and settings change for other reasons. */
static enum rf_err
make_system(struct load *l)
{
    struct rf_ifaces *s = l->to;
    struct rf_bundle_item item;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    size_t pos = 0;
    enum rf_err err = RF_OK;

    if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
        err = RF_ERR_NOMEM;
    while (!err && rf_bundle_next(l->from->bundle, &pos, &item))
        if (item.kind == RF_BUNDLE_TRUSTED &&
            (rf_span_is(item.name, RF_BUNDLE_SYSTEM) || rf_span_is(item.name, RF_CREDENTIALS_LOCAL)) &&
            EVP_DigestUpdate(md, item.first.p, item.first.n) != 1)
            err = RF_ERR_NOMEM;
    if (!err && EVP_DigestFinal_ex(md, s->system_digest, NULL) != 1)
        err = RF_ERR_NOMEM;
    EVP_MD_CTX_free(md);
    if (err)
        return err;
    if (l->from->running != NULL && memcmp(l->from->running->system_digest, s->system_digest, 32) == 0) {
        s->system = rf_trust_ref(l->from->running->system);
        return RF_OK;
    }
    err = rf_trust_new(&s->system);
    return err ? err
               : trust_paths(l, s->system, RF_BUNDLE_SYSTEM " " RF_CREDENTIALS_LOCAL, (struct rf_conf_origin){ 0 });
}

/* --- one interface ------------------------------------------------------------------------------------- */

static enum rf_err
load_iface(struct load *l, enum rf_iface i)
{
    const struct rf_conf *c = l->from->conf;
    const struct rf_iface_row *row = rf_iface_row(i);
    struct rf_site_iface *f = &l->to->iface[i];
    struct rf_iface_settings set;
    enum rf_err err;

    rf_iface_settings(c, i, &set);
    if (rf_tls_level_find(rf_span_str(set.level), &f->level) != RF_OK)
        return fail(l, RF_ERR_NOT_FOUND, rf_iface_origin(c, i, "cipher-suite-level"),
                    "%s.cipher-suite-level: there is no level %s; there are %s", row->block, set.level,
                    rf_tls_level_names());
    f->ask = (enum rf_tls_ask)set.ask;
    f->check = (struct rf_tls_check){
        .use = row->is_sip ? RF_CHECK_SIP : i == RF_IFACE_PROVISIONING ? RF_CHECK_PROVISIONING : RF_CHECK_HTTPS,
        /* The other side is told in words, by an answer, where it is not known in the handshake what it is. */
        .enforce = i == RF_IFACE_SIP_SHARED || i == RF_IFACE_PROVISIONING ? RF_TLS_ENFORCE_LATER
                                                                          : RF_TLS_ENFORCE_HANDSHAKE,
        .medium_is_legacy = set.medium_is_legacy && !l->to->legacy_is_over,
        .verify_depth = set.verify_depth,
        .ocsp = (enum rf_check_ocsp)set.ocsp,
        .ocsp_source = { l->from->ocsp, l->from->ocsp != NULL ? rf_ocsp_cache_ask : NULL },
        .own = l->to->own,
        .own_count = l->to->cert_count,
    };
    err = rf_check_level_find(rf_span_str(set.checks), &f->check.level);
    if (err)
        return fail(l, err, rf_iface_origin(c, i, "received-certificate-checks"), "there is no level %s", set.checks);
    f->outward = f->check;
    f->outward.enforce = RF_TLS_ENFORCE_HANDSHAKE;
    err = make_trust(l, i, &set, f);
    if (err)
        return err;
    choose_certs(l, set.certificates, f);
    /* What nobody can reach shows nothing, and as a client it goes without. */
    if (f->cert_count == 0 && l->to->fault.code != RF_REFUSE_NONE)
        return f->has_listener ? fail_for_fault(l, i) : RF_OK;
    if (f->cert_count == 0)
        return fail(l, RF_ERR_NOT_FOUND, rf_iface_origin(c, i, "certificate"), "%s: there is no certificate %s",
                    row->name, set.certificates);
    /* What nobody can reach is judged when it is listened on. */
    return f->has_listener ? try_it(l, i) : RF_OK;
}

/* Set for good by the first change of any level. */
static void
see_legacy(struct load *l)
{
    const struct rf_ifaces *running = l->from->running;
    struct rf_iface_settings set;
    enum rf_check_level level;

    if (!rf_conf_is_on(l->from->conf, "security.medium-without-r11-checks"))
        return;
    l->to->legacy_is_over = l->from->legacy_is_over;
    for (int i = 0; running != NULL && i < RF_IFACE_COUNT; i++) {
        rf_iface_settings(l->from->conf, (enum rf_iface)i, &set);
        if (rf_check_level_find(rf_span_str(set.checks), &level) == RF_OK && level != running->iface[i].check.level)
            l->to->legacy_is_over = true;
    }
}

static void
take_peer_names(struct load *l)
{
    struct rf_span left = rf_span_str(rf_conf_text(l->from->conf, "sip-trunks.peer-names")), word;
    struct rf_ifaces *s = l->to;

    while (s->peer_name_count < RF_PEER_NAMES_MAX && rf_conf_next_word(&left, &word))
        if (rf_span_copy(word, s->peer_name[s->peer_name_count], sizeof s->peer_name[0]) == RF_OK)
            s->peer_name_count++;
}

static enum rf_err
see_listeners(struct load *l)
{
    struct rf_iface_listen listen[RF_LISTENERS_MAX];
    size_t n;
    enum rf_err err = rf_iface_listens(l->from->conf, listen, RF_LISTENERS_MAX, &n, l->problem);

    for (size_t i = 0; !err && i < n; i++)
        if (listen[i].at.scheme == RF_LISTEN_TLS || listen[i].at.scheme == RF_LISTEN_HTTPS)
            l->to->iface[listen[i].iface].has_listener = true;
    return err;
}

/* --- servers of SIP connections ------------------------------------------------------------------------ */

static void
take_pins(const char *pins, struct rf_site_server *server)
{
    struct rf_span left = rf_span_str(pins), word;
    size_t n;

    while (server->pin_count < RF_PINS_MAX && rf_conf_next_word(&left, &word))
        if (rf_hex_decode(rf_span_sub(word, 7, 64), server->pin[server->pin_count], 32, &n) == RF_OK && n == 32)
            server->pin_count++; /* behind "sha256:"; its form was checked */
}

static enum rf_err
take_server(struct load *l, const struct rf_conf_block *b, struct rf_site_server *server)
{
    const struct rf_conf *c = l->from->conf;
    const struct rf_site_iface *trunks = &l->to->iface[RF_IFACE_SIP_TRUNKS];
    const char *paths = rf_conf_block_text(c, b, "trusted-certificate-store");
    const char *cert = rf_conf_block_text(c, b, "certificate");
    char setting[128];
    enum rf_err err = RF_OK;

    server->name = rf_conf_block_label(b);
    server->check = trunks->outward;
    /* One is 53 KiB, and most connections have none of their own. rf_ifaces_free drops it. */
    if (paths[0] == '\0') {
        server->check.trust = rf_trust_ref(trunks->outward.trust);
    } else {
        snprintf(setting, sizeof setting, "sip-connection.%s.trusted-certificate-store", server->name);
        err = rf_trust_new(&server->check.trust);
        if (!err)
            err = rf_trust_add_all(server->check.trust, trunks->outward.trust);
        if (!err)
            err = trust_paths(l, server->check.trust, paths, rf_conf_origin(c, setting));
    }
    if (!err)
        err = rf_check_level_find(
            rf_span_str(rf_conf_block_text(c, b, "received-certificate-checks-telephony-endpoints")),
            &server->check.level);
    server->cert = trunks->cert[0];
    for (size_t i = 0; strcmp(cert, "interface") != 0 && i < l->to->cert_count; i++)
        if (strcmp(l->to->cert[i].name, cert) == 0) {
            server->cert = l->to->cert[i].cert;
            break;
        }
    take_pins(rf_conf_block_text(c, b, "certificate-pin"), server);
    return err;
}

static enum rf_err
take_servers(struct load *l)
{
    const struct rf_conf_block *b;
    enum rf_err err = RF_OK;
    size_t n = 0;

    while (rf_conf_block_at(l->from->conf, "sip-connection", n) != NULL)
        n++;
    l->to->server = calloc(n + 1, sizeof *l->to->server);
    if (l->to->server == NULL)
        return RF_ERR_NOMEM;
    for (size_t i = 0; !err && (b = rf_conf_block_at(l->from->conf, "sip-connection", i)) != NULL; i++) {
        l->to->server_count++;
        err = take_server(l, b, &l->to->server[i]);
    }
    return err;
}

enum rf_err
rf_ifaces_new(struct rf_ifaces **out, const struct rf_ifaces_sources *from, struct rf_conf_problem *problem)
{
    struct rf_ifaces *s = calloc(1, sizeof *s);
    struct load l = { s, from, problem };
    enum rf_err err;

    if (s == NULL)
        return RF_ERR_NOMEM;
    s->loaded_s = from->now_s;
    err = make_system(&l);
    if (!err)
        err = take_own(&l);
    for (size_t i = 0; !err && i < s->cert_count; i++) {
        err = see_chain(&l, &s->cert[i]);
        if (!err)
            err = make_staple(&l, &s->cert[i]);
    }
    if (!err)
        err = see_listeners(&l);
    if (!err)
        see_legacy(&l);
    for (int i = 0; !err && i < RF_IFACE_COUNT; i++)
        err = load_iface(&l, (enum rf_iface)i);
    if (!err)
        err = take_servers(&l);
    if (err) {
        rf_ifaces_free(s);
        return err;
    }
    take_peer_names(&l);
    *out = s;
    return RF_OK;
}

void
rf_ifaces_free(struct rf_ifaces *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->cert_count; i++) {
        rf_tls_staple_unref(s->cert[i].staple);
        X509_free(s->cert[i].issuer);
        rf_cert_unref(s->cert[i].cert);
    }
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        rf_trust_unref(s->iface[i].check.trust);
        rf_trust_unref(s->iface[i].outward.trust);
    }
    for (size_t i = 0; i < s->server_count; i++)
        rf_trust_unref(s->server[i].check.trust);
    free(s->server);
    rf_trust_unref(s->system);
    free(s);
}

/* --- contexts ------------------------------------------------------------------------------------------ */

enum rf_err
rf_ifaces_server(const struct rf_ifaces *s, enum rf_iface i, struct rf_tls_tickets *tickets, struct rf_tls_ring *ring,
                 struct rf_tls_server **out, const char **why)
{
    const struct rf_site_iface *f = &s->iface[i];
    const struct rf_tls_server_conf conf = { .interface = rf_iface_row(i)->name, .level = f->level, .cert = f->cert,
                                             .cert_count = f->cert_count, .tickets = tickets, .ask = f->ask,
                                             .check = &f->check, .ring = ring, .staple = f->staple };

    return rf_tls_server_new(out, &conf, why);
}

enum rf_err
rf_ifaces_client(const struct rf_ifaces *s, enum rf_iface i, struct rf_tls_ring *ring, struct rf_tls_client **out,
                 const char **why)
{
    const struct rf_site_iface *f = &s->iface[i];
    const struct rf_tls_client_conf conf = { .level = f->level, .cert = f->cert[0], .check = &f->outward, .ring = ring,
                                             .interface = rf_iface_row(i)->name,
                                             .min_version = rf_tls_version_floor(rf_iface_row(i)->name) };

    return rf_tls_client_new(out, &conf, why);
}

enum rf_err
rf_ifaces_connection(const struct rf_ifaces *s, size_t i, struct rf_tls_ring *ring, struct rf_tls_client **out,
                     const char **why)
{
    const char *interface = rf_iface_row(RF_IFACE_SIP_TRUNKS)->name;
    struct rf_tls_client_conf conf = { .level = s->iface[RF_IFACE_SIP_TRUNKS].level,
                                       .ring = ring,
                                       .interface = interface,
                                       .min_version = rf_tls_version_floor(interface) };

    if (i >= s->server_count)
        return RF_ERR_NOT_FOUND;
    conf.cert = s->server[i].cert;
    conf.check = &s->server[i].check;
    return rf_tls_client_new(out, &conf, why);
}

bool
rf_ifaces_pin_fits(const struct rf_ifaces *s, size_t i, const uint8_t sha256[static 32])
{
    bool fits = i >= s->server_count || s->server[i].pin_count == 0;

    for (size_t k = 0; !fits && k < s->server[i].pin_count; k++)
        fits = memcmp(s->server[i].pin[k], sha256, 32) == 0;
    return fits;
}
