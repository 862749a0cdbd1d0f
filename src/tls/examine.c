/*
 * tls/examine.c - what is wrong with an interface's settings, found before anybody connects
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tls/context.h"
#include "tls/strength.h"

#define DAY_S 86400

static struct rf_tls_finding *
add(struct rf_tls_findings *f, bool is_fatal, enum rf_refusal refusal, size_t cert)
{
    static struct rf_tls_finding overflow; /* more findings than anybody reads: the first ones are kept */
    struct rf_tls_finding *one = f->count < RF_TLS_FINDINGS_MAX ? &f->finding[f->count++] : &overflow;

    f->fatal_count += is_fatal;
    one->is_fatal = is_fatal;
    one->refusal = refusal;
    one->cert = cert;
    return one;
}

static const char *
day_of(int64_t when_s, char text[static 16])
{
    time_t t = (time_t)when_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(text, 16, "%Y-%m-%d", &tm);
    return text;
}

static const char *
name_of(const struct rf_cert *c)
{
    const struct rf_cert_facts *facts = rf_cert_facts(c);

    return facts->san_count > 0 ? facts->san[0].text : facts->subject;
}

/* --- one certificate --- */

static void
examine_dates(const struct rf_cert *c, size_t i, int64_t now_s, struct rf_tls_findings *out)
{
    const struct rf_cert_facts *facts = rf_cert_facts(c);
    struct rf_tls_finding *f;
    char day[16];

    if (now_s > facts->not_after) {
        f = add(out, true, RF_REFUSE_CERT_EXPIRED, i);
        snprintf(f->text, sizeof f->text, "the certificate for %s ended on %s (%lld days ago)", name_of(c),
                 day_of(facts->not_after, day), (long long)((now_s - facts->not_after) / DAY_S));
    } else if (now_s < facts->not_before) {
        f = add(out, true, RF_REFUSE_CERT_NOT_YET_VALID, i);
        snprintf(f->text, sizeof f->text,
                 "the certificate for %s starts on %s; is this machine's clock right?", name_of(c),
                 day_of(facts->not_before, day));
    }
}

static void
examine_strength(const struct rf_cert *c, size_t i, struct rf_tls_findings *out)
{
    char why[128];

    for (size_t j = 0; j <= rf_cert_extra_count(c); j++) {
        X509 *x = j == 0 ? rf_cert_leaf(c) : rf_cert_extra(c, j - 1);
        struct rf_tls_finding *f;

        if (rf_tls_strength_own(x, j == 0, why))
            continue;
        f = add(out, true,
                strstr(why, "signed") != NULL ? RF_REFUSE_CERT_BAD_SIGNATURE : RF_REFUSE_CERT_KEY_TOO_SMALL,
                i);
        if (j == 0)
            snprintf(f->text, sizeof f->text, "the certificate for %s %s", name_of(c), why);
        else
            snprintf(f->text, sizeof f->text, "certificate %zu of the chain for %s %s", j + 1, name_of(c),
                     why);
    }
}

/* A listener's certificate that is for clients alone: whoever checks purposes, as we do (AVA-8), refuses it. */
static void
examine_purpose(const struct rf_cert *c, size_t i, struct rf_tls_findings *out)
{
    /* All bits without the extension: it is for everything (RFC 5280 4.2.1.12). */
    uint32_t purposes = X509_get_extended_key_usage(rf_cert_leaf(c));
    struct rf_tls_finding *f;

    if ((purposes & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0)
        return;
    f = add(out, false, RF_REFUSE_CERT_WRONG_PURPOSE, i);
    snprintf(f->text, sizeof f->text,
             "the certificate for %s is not meant for servers (its extended key usage lacks serverAuth): many "
             "clients will refuse it", name_of(c));
}

/* Each certificate of a chain must be signed by the next: TLS 1.2 clients need not look further. */
static void
examine_order(const struct rf_cert *c, size_t i, struct rf_tls_findings *out)
{
    X509 *below = rf_cert_leaf(c);

    for (size_t j = 0; j < rf_cert_extra_count(c); j++) {
        X509 *above = rf_cert_extra(c, j);

        if (X509_check_issued(above, below) != X509_V_OK) {
            struct rf_tls_finding *f = add(out, false, RF_REFUSE_CERT_MISSING_INTERMEDIATE, i);

            snprintf(f->text, sizeof f->text,
                     "the chain for %s is out of order: certificate %zu did not issue the one before it",
                     name_of(c), j + 2);
            return;
        }
        below = above;
    }
    ERR_clear_error();
}

/* Would a peer that knows the roots find a path with what we send? */
static void
examine_chain(const struct rf_cert *c, size_t i, const struct rf_trust *roots, int64_t now_s,
              struct rf_tls_findings *out)
{
    X509 *chain[RF_CHECK_CHAIN_MAX] = { rf_cert_leaf(c) };
    struct rf_check_question q = { .level = RF_CHECK_MEDIUM,
                                   .use = RF_CHECK_HTTPS,
                                   .peer_is_server = true,
                                   .chain = chain,
                                   .chain_count = 1,
                                   .trust = roots,
                                   .now_s = now_s };
    struct rf_check_report *report = malloc(sizeof *report);
    struct rf_tls_finding *f;

    for (size_t j = 0; j < rf_cert_extra_count(c) && q.chain_count < RF_CHECK_CHAIN_MAX; j++)
        chain[q.chain_count++] = rf_cert_extra(c, j);
    if (report == NULL || rf_check_peer(&q, report) != RF_OK ||
        report->line[RF_CHECK_CHAIN].result != RF_CHECK_FAIL || rf_cert_facts(c)->is_self_signed) {
        free(report);
        return;
    }
    f = add(out, false,
            report->refusal == RF_REFUSE_CERT_MISSING_INTERMEDIATE ? report->refusal
                                                                   : RF_REFUSE_CERT_UNKNOWN_CA,
            i);
    if (f->refusal == RF_REFUSE_CERT_MISSING_INTERMEDIATE)
        snprintf(f->text, sizeof f->text, "the chain for %s lacks the intermediate certificate %s%s%s",
                 name_of(c), report->missing_issuer,
                 report->missing_issuer_url[0] != '\0' ? ", to be had at " : "", report->missing_issuer_url);
    else
        snprintf(f->text, sizeof f->text,
                 "the chain for %s ends at %s, which no public list has: peers must be given it, or it is an "
                 "intermediate whose issuer is missing",
                 name_of(c), report->missing_issuer);
    free(report);
}

/* Strict clients refuse a certificate that promises its authority's answer and comes without it (RFC 7633 4.2.3.1). */
static void
examine_staple(const struct rf_tls_server_conf *conf, size_t i, struct rf_tls_findings *out)
{
    struct rf_tls_finding *f;

    if (!rf_cert_facts(conf->cert[i])->must_staple || (conf->staple != NULL && conf->staple[i] != NULL))
        return;
    f = add(out, false, RF_REFUSE_CERT_STATUS_UNKNOWN, i);
    snprintf(f->text, sizeof f->text,
             "the certificate for %s promises its authority's answer in every handshake (must-staple), and none will "
             "be sent: its block needs staple on, an issuer that is known here, and an OCSP address",
             name_of(conf->cert[i]));
}

/* --- the level --- */

enum { KEY_RSA = 1, KEY_EC = 2 };

static int
kind_of(const struct rf_cert *c)
{
    switch (EVP_PKEY_get_base_id(rf_cert_key(c))) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return KEY_RSA;
    case EVP_PKEY_EC:
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return KEY_EC;
    default:
        return 0;
    }
}

/* Suites that a kind of key serves: RSA those without ECDSA in their name, the others those with it. */
static bool
serves(const char *suites, int kinds)
{
    for (const char *p = suites; *p != '\0'; p += strcspn(p, ":"), p += *p == ':') {
        bool is_ecdsa = strncmp(p, "ECDHE-ECDSA", 11) == 0;

        if (((is_ecdsa ? KEY_EC : KEY_RSA) & kinds) != 0)
            return true;
    }
    return false;
}

static void
examine_level(const struct rf_tls_server_conf *conf, struct rf_tls_findings *out)
{
    const struct rf_tls_level_row *row = rf_tls_level_row(conf->level);
    struct rf_tls_finding *f;
    int kinds = 0;

    for (size_t i = 0; i < conf->cert_count; i++) {
        int kind = kind_of(conf->cert[i]);

        kinds |= kind;
        if (kind == 0) {
            f = add(out, true, RF_REFUSE_TLS_NO_CIPHER, i);
            snprintf(f->text, sizeof f->text,
                     "no cipher suite of any level can use the key of the certificate for %s",
                     name_of(conf->cert[i]));
        }
    }
    if (kinds == 0)
        return;
    if (row->suites_12[0] != '\0' && !serves(row->suites_12, kinds)) {
        f = add(out, true, RF_REFUSE_TLS_NO_CIPHER, conf->cert_count);
        snprintf(f->text, sizeof f->text,
                 "no cipher suite of level %s can use the keys of these certificates", row->name);
    }
    /* Devices of the level's oldest kind take RSA alone (Mozilla: certificate type rsa). */
    if (row->min_version < TLS1_2_VERSION && (kinds & KEY_RSA) == 0) {
        f = add(out, false, RF_REFUSE_TLS_NO_CIPHER, conf->cert_count);
        snprintf(
            f->text, sizeof f->text,
            "level %s is there for old devices, and many of them take RSA certificates alone; there is none",
            row->name);
    }
    if (strcmp(row->kind, "modern") == 0 && (kinds & KEY_EC) == 0) {
        f = add(out, false, RF_REFUSE_TLS_NO_CIPHER, conf->cert_count);
        snprintf(f->text, sizeof f->text, "level %s recommends an ECDSA certificate; there is none",
                 row->name);
    }
}

void
rf_tls_conf_examine(const struct rf_tls_server_conf *conf, const struct rf_trust *roots, int64_t now_s,
                    struct rf_tls_findings *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < conf->cert_count; i++) {
        examine_dates(conf->cert[i], i, now_s, out);
        examine_strength(conf->cert[i], i, out);
        examine_purpose(conf->cert[i], i, out);
        examine_order(conf->cert[i], i, out);
        examine_staple(conf, i, out);
        if (roots != NULL)
            examine_chain(conf->cert[i], i, roots, now_s, out);
    }
    examine_level(conf, out);
    if (conf->ask == RF_TLS_ASK_REQUIRED && conf->check != NULL && conf->check->level > RF_CHECK_LOW &&
        (conf->check->trust == NULL || rf_trust_count(conf->check->trust) == 0)) {
        struct rf_tls_finding *f = add(out, false, RF_REFUSE_CERT_UNKNOWN_CA, conf->cert_count);

        snprintf(f->text, sizeof f->text,
                 "client certificates are required at level %s, but the trusted certificate store is empty: "
                 "nobody "
                 "will get in",
                 rf_check_level_name(conf->check->level));
    }
}
