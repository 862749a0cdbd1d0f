#include "cert/check.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "cert/device.h"
#include "cert/names.h"
#include "cert/path.h"

#define BIT(rule) (1u << RF_CHECK_##rule)

#define RULES_NONE (BIT(PRESENT) | BIT(IN_DATE))
#define RULES_LOW (RULES_NONE | BIT(KEY_SIZE))
#define RULES_LEGACY (RULES_LOW | BIT(SIGNATURE) | BIT(CHAIN) | BIT(REVOKED))
#define RULES_MEDIUM (RULES_LEGACY | BIT(KEY_USAGE) | BIT(EXTENDED_KEY_USAGE) | BIT(CRITICAL_EXTENSION))
#define RULES_HIGH (RULES_MEDIUM | BIT(SELF_SIGNED) | BIT(REFLECTED) | BIT(COPY_IN_STORE))
#define RULES_REMOTE (BIT(TARGET_NAME) | BIT(SIP_DOMAIN))

/* The page's two tables as one: what each level asks for, and the key it wants. */
static const struct {
    const char *name;
    unsigned rules;
    int strength;
} levels[RF_CHECK_LEVEL_COUNT + 1] = {
    [RF_CHECK_NONE] = { "none", RULES_NONE, 0 },
    [RF_CHECK_LOW] = { "low", RULES_LOW, RF_STRENGTH_RSA_1024 },
    [RF_CHECK_MEDIUM] = { "medium", RULES_MEDIUM, RF_STRENGTH_RSA_1024 },
    [RF_CHECK_HIGH] = { "high", RULES_HIGH, RF_STRENGTH_RSA_2048 },
    [RF_CHECK_MEDIUM_REMOTE] = { "medium-remote", RULES_MEDIUM | RULES_REMOTE, RF_STRENGTH_RSA_1024 },
    [RF_CHECK_HIGH_REMOTE] = { "high-remote", RULES_HIGH | RULES_REMOTE, RF_STRENGTH_RSA_2048 },
    [RF_CHECK_LEVEL_COUNT] = { "medium", RULES_LEGACY, RF_STRENGTH_RSA_1024 },
};

static const struct {
    const char *name;
    int alert;
} rules[RF_CHECK_RULE_COUNT] = {
    [RF_CHECK_PRESENT] = { "present",
                           SSL3_AD_HANDSHAKE_FAILURE }, /* TLS 1.3: certificate_required, the caller's */
    [RF_CHECK_IN_DATE] = { "in-date", SSL_AD_CERTIFICATE_EXPIRED },
    [RF_CHECK_KEY_SIZE] = { "key-size", SSL_AD_BAD_CERTIFICATE },
    [RF_CHECK_SIGNATURE] = { "signature", SSL_AD_BAD_CERTIFICATE },
    [RF_CHECK_CHAIN] = { "chain", SSL_AD_UNKNOWN_CA },
    [RF_CHECK_KEY_USAGE] = { "key-usage", SSL_AD_UNSUPPORTED_CERTIFICATE },
    [RF_CHECK_EXTENDED_KEY_USAGE] = { "extended-key-usage", SSL_AD_UNSUPPORTED_CERTIFICATE },
    [RF_CHECK_CRITICAL_EXTENSION] = { "critical-extension", SSL_AD_UNSUPPORTED_CERTIFICATE },
    [RF_CHECK_SELF_SIGNED] = { "self-signed", SSL_AD_UNKNOWN_CA },
    [RF_CHECK_REFLECTED] = { "reflected", SSL_AD_CERTIFICATE_UNKNOWN },
    [RF_CHECK_COPY_IN_STORE] = { "copy-in-store", SSL_AD_CERTIFICATE_UNKNOWN },
    [RF_CHECK_TARGET_NAME] = { "name", SSL_AD_BAD_CERTIFICATE },
    [RF_CHECK_SIP_DOMAIN] = { "sip-domain", SSL_AD_BAD_CERTIFICATE },
    [RF_CHECK_REVOKED] = { "revoked", SSL_AD_CERTIFICATE_REVOKED },
};

/* What is being judged. */
struct judge {
    const struct rf_check_question *q;
    struct rf_check_report *r;
    struct rf_part part[RF_CHECK_CHAIN_MAX];
    size_t count;
    struct rf_path path;
    enum rf_check_result result[RF_CHECK_RULE_COUNT]; /* of key-size: at the level in force */
    bool is_self_signed;
    struct rf_names_result names;
    struct rf_device_id device;
    bool is_status_unknown; /* refused because nobody could say that it is good */
};

/* --- one rule, one function --- */

__attribute__((format(printf, 4, 5))) static void
say(struct judge *j, enum rf_check_rule rule, bool is_good, const char *format, ...)
{
    struct rf_check_line *line = &j->r->line[rule];
    va_list ap;

    j->result[rule] = is_good ? RF_CHECK_PASS : RF_CHECK_FAIL;
    va_start(ap, format);
    vsnprintf(line->detail, sizeof line->detail, format, ap);
    va_end(ap);
}

/* Both ends are inclusive (RFC 5280 4.1.2.5). */
static void
check_in_date(struct judge *j)
{
    const struct rf_part *leaf = &j->part[0];
    char from[40], to[40];

    if (!leaf->has_times) {
        say(j, RF_CHECK_IN_DATE, false, "its dates cannot be read");
        return;
    }
    rf_part_time_text(leaf->not_before, from, sizeof from);
    rf_part_time_text(leaf->not_after, to, sizeof to);
    if (leaf->not_before > j->q->now_s)
        say(j, RF_CHECK_IN_DATE, false, "starts %s", from);
    else if (leaf->not_after < j->q->now_s)
        say(j, RF_CHECK_IN_DATE, false, "ended %s", to);
    else
        say(j, RF_CHECK_IN_DATE, true, "%s to %s", from, to);
}

static void
check_key_size(struct judge *j)
{
    const struct rf_part *leaf = &j->part[0];
    int wanted = levels[j->q->level].strength;

    if (wanted == 0)
        wanted = RF_STRENGTH_RSA_1024; /* what the next level would say */
    if (leaf->key_strength == 0)
        say(j, RF_CHECK_KEY_SIZE, false,
            "a key of a kind that is not known here, or one that protects nothing");
    else
        say(j, RF_CHECK_KEY_SIZE, leaf->key_strength >= wanted,
            "%s %d, at least RSA %d or EC %d is asked for", leaf->key_kind, leaf->key_bits,
            wanted >= RF_STRENGTH_RSA_2048 ? 2048 : 1024, 2 * wanted);
}

static const char *
last_subject(const struct judge *j, char text[static 96])
{
    rf_part_subject(j->path.part[j->path.count - 1], text, 96);
    return text;
}

static void
check_path(struct judge *j)
{
    const struct rf_path *path = &j->path;
    char last[96];

    last_subject(j, last);
    switch (path->fault) {
    case RF_PATH_OK:
        say(j, RF_CHECK_SIGNATURE, true, "%s", "");
        say(j, RF_CHECK_CHAIN, true, "%zu certificate%s up to %s", path->count, path->count == 1 ? "" : "s",
            last);
        return;
    case RF_PATH_BAD_SIGNATURE:
    case RF_PATH_WEAK_SIGNATURE:
        say(j, RF_CHECK_SIGNATURE, false, "%.90s: %s", last, path->detail);
        say(j, RF_CHECK_CHAIN, false, "no path to an anchor of the store");
        return;
    case RF_PATH_NO_ISSUER:
        say(j, RF_CHECK_SIGNATURE, true, "%s", "");
        say(j, RF_CHECK_CHAIN, false, "no path to an anchor of the store: nobody has the issuer of %.90s",
            last);
        return;
    case RF_PATH_UNKNOWN_ROOT:
        say(j, RF_CHECK_SIGNATURE, true, "%s", "");
        say(j, RF_CHECK_CHAIN, false, "the path ends at %.90s, which is not in the store", last);
        return;
    case RF_PATH_NOT_VALID:
        say(j, RF_CHECK_SIGNATURE, true, "%s", "");
        say(j, RF_CHECK_CHAIN, false, "%s", path->detail);
        return;
    }
}

static void
check_key_usage(struct judge *j)
{
    const struct rf_part *leaf = &j->part[0];
    const uint32_t fit = X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_KEY_ENCIPHERMENT | X509v3_KU_KEY_AGREEMENT;

    if (!leaf->has_key_usage)
        say(j, RF_CHECK_KEY_USAGE, false, "it has no key usage");
    else if ((leaf->key_usage & fit) == 0)
        say(j, RF_CHECK_KEY_USAGE, false, "its key usage does not fit TLS");
    else
        say(j, RF_CHECK_KEY_USAGE, true, "%s", "");
}

/* Does an extended key usage, of a peer or of an authority that limits its own, cover this connection? */
static bool
is_meant_for(const struct rf_check_question *q, const struct rf_part *p)
{
    unsigned wanted = RF_PURPOSE_ANY | (q->peer_is_server ? RF_PURPOSE_SERVER : RF_PURPOSE_CLIENT);

    if (q->use == RF_CHECK_SIP)
        wanted |= RF_PURPOSE_SIP;
    if (q->purpose_may_be_missing)
        wanted |= RF_PURPOSE_SERVER;
    return !p->has_purpose || (p->purpose & wanted) != 0;
}

static void
check_extended_key_usage(struct judge *j)
{
    const char *wanted = j->q->peer_is_server ? "serverAuth" : "clientAuth";
    char name[96];

    if (!is_meant_for(j->q, &j->part[0])) {
        say(j, RF_CHECK_EXTENDED_KEY_USAGE, false, "%s is not among its purposes", wanted);
        return;
    }
    /* An authority between leaf and anchor may be limited as well: what it signs cannot be meant for more. */
    for (size_t i = 1; j->path.fault == RF_PATH_OK && i + 1 < j->path.count; i++) {
        if (!is_meant_for(j->q, j->path.part[i])) {
            rf_part_subject(j->path.part[i], name, sizeof name);
            say(j, RF_CHECK_EXTENDED_KEY_USAGE, false, "%s is not among the purposes of %s", wanted, name);
            return;
        }
    }
    say(j, RF_CHECK_EXTENDED_KEY_USAGE, true, "%s", j->part[0].has_purpose ? "" : "none, so any");
}

static void
check_critical_extension(struct judge *j)
{
    const char *oid = j->part[0].unknown_critical;

    say(j, RF_CHECK_CRITICAL_EXTENSION, oid[0] == '\0', "%s%s", oid,
        oid[0] != '\0' ? " is critical and not known here" : "");
}

static void
check_self_signed(struct judge *j)
{
    j->is_self_signed = rf_part_is_self_signed(&j->part[0]);
    say(j, RF_CHECK_SELF_SIGNED, !j->is_self_signed, "%s", j->is_self_signed ? "its own key signed it" : "");
}

static void
check_reflected(struct judge *j)
{
    bool is_ours = false;

    for (size_t i = 0; i < j->q->own_count; i++)
        is_ours |= memcmp(j->q->own[i].spki_sha256, j->part[0].spki, sizeof j->part[0].spki) == 0;
    say(j, RF_CHECK_REFLECTED, !is_ours, "%s", is_ours ? "its key is one of ours" : "");
}

static void
check_copy(struct judge *j)
{
    bool has = j->q->trust != NULL && rf_trust_index(j->q->trust, &j->part[0]) >= 0;

    say(j, RF_CHECK_COPY_IN_STORE, has, "%s", has ? "" : "the store has no copy of it, octet for octet");
}

/* IPC-17: the address that was asked for is the one address in the certificate. */
static void
check_device(struct judge *j)
{
    struct rf_check_words *w = &j->r->words;
    char wanted[RF_DEVICE_TEXT_MAX];

    rf_device_identify(j->part[0].x, RF_DEVICE_USUAL, &j->device);
    snprintf(w->names, sizeof w->names, "%s", j->device.mac);
    if (rf_device_parse(rf_span_trim(j->q->target), wanted) != RF_OK)
        say(j, RF_CHECK_TARGET_NAME, false, "%s is not a handset's hardware address", w->expected);
    else if (j->device.found == RF_DEVICE_NONE)
        say(j, RF_CHECK_TARGET_NAME, false, "it names no hardware address");
    else if (j->device.found == RF_DEVICE_SEVERAL)
        say(j, RF_CHECK_TARGET_NAME, false, "it names more than one hardware address, or hides one");
    else
        say(j, RF_CHECK_TARGET_NAME, strcmp(wanted, j->device.mac) == 0, "it is for %s", j->device.mac);
}

static void
check_names(struct judge *j)
{
    const struct rf_check_question *q = j->q;
    struct rf_check_words *w = &j->r->words;
    struct rf_addr address = { 0 };
    enum rf_check_rule rule = RF_CHECK_TARGET_NAME;
    char text[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_span target;

    j->r->is_name_known = q->target.n > 0 || (q->source != NULL && q->use != RF_CHECK_PROVISIONING);
    if (!j->r->is_name_known)
        return;
    if (q->target.n == 0)
        rf_put_host(&b, q->source, false);
    snprintf(w->expected, sizeof w->expected, "%.*s",
             RF_SPAN_ARG(q->target.n > 0 ? q->target : rf_buf_span(&b)));
    if (q->use == RF_CHECK_PROVISIONING) {
        check_device(j);
        return;
    }
    if (q->target.n > 0 && !rf_names_target(q->target, &target)) {
        say(j, rule, false, "%.90s is no host name in its ASCII form and no address", w->expected);
        return;
    }
    if (q->target.n == 0 || rf_addr_parse(target, 0, &address) == RF_OK) {
        rf_names_address(j->part[0].x, q->target.n == 0 ? q->source : &address, &j->names);
    } else if (q->use == RF_CHECK_SIP) {
        rule = RF_CHECK_SIP_DOMAIN;
        rf_names_sip(j->part[0].x, target, q->common_name_counts, q->wildcard_counts_in_sip, &j->names);
    } else {
        rf_names_host(j->part[0].x, target, &j->names);
    }
    snprintf(w->names, sizeof w->names, "%s", j->names.shown[0] != '\0' ? j->names.shown : "no such name");
    say(j, rule, j->names.is_match, "%s%s", j->names.is_match ? "" : "it is for ",
        j->names.is_match ? "" : w->names);
}

/* --- revocation --- */

static void
say_revoked(struct judge *j, const struct rf_part *p, int64_t since, const char *reason)
{
    char name[96], when[40] = "";

    rf_part_subject(p, name, sizeof name);
    if (since != 0)
        rf_part_time_text(since, when, sizeof when);
    snprintf(j->r->words.when, sizeof j->r->words.when, "%s", when[0] != '\0' ? when : "at an unknown time");
    snprintf(j->r->words.reason, sizeof j->r->words.reason, "%s",
             reason[0] != '\0' ? reason : "no reason given");
    say(j, RF_CHECK_REVOKED, false, "%s was revoked%s%s%s%s", name, when[0] != '\0' ? " " : "", when,
        reason[0] != '\0' ? ": " : "", reason);
}

/* One certificate by its authority's answer. False: it is refused, and that was said. */
static bool
is_good_by_ocsp(struct judge *j, size_t i, bool *is_known)
{
    const struct rf_check_question *q = j->q;
    const struct rf_part *p = j->path.part[i];
    struct rf_ocsp_question ask = { .x = p->x, .issuer = j->path.part[i + 1]->x, .trust = q->trust, .now_s = q->now_s };
    struct rf_ocsp_verdict v = { .reason = "", .why = "nobody asks" };
    char url[256], name[96];

    if (i == 0 && q->stapled.n > 0)
        rf_ocsp_judge(&ask, q->stapled, &v);
    if (v.status == RF_OCSP_NO_ANSWER && !rf_ocsp_url(p->x, url, sizeof url))
        return true;
    if (v.status == RF_OCSP_NO_ANSWER && q->ocsp_source != NULL)
        q->ocsp_source->ask(q->ocsp_source->ctx, p->x, ask.issuer, q->now_s, &v);
    if (i == 0)
        j->r->ocsp = v;
    *is_known |= v.status == RF_OCSP_GOOD;
    if (v.status == RF_OCSP_REVOKED) {
        say_revoked(j, p, v.since, v.reason);
        return false;
    }
    if (v.status == RF_OCSP_GOOD)
        return true;
    j->r->is_ocsp_missing = true;
    j->r->is_ocsp_pending |= v.is_pending;
    rf_part_subject(p, name, sizeof name);
    snprintf(j->r->words.reason, sizeof j->r->words.reason, "%s: %s", name,
             v.status == RF_OCSP_UNKNOWN ? "the responder does not know it" : v.why);
    if (q->ocsp == RF_CHECK_OCSP_SOFT)
        return true;
    j->is_status_unknown = true;
    say(j, RF_CHECK_REVOKED, false, "no proof that it is still good: %s", j->r->words.reason);
    return false;
}

/*
 * RFC 7633 4.2.3.1: who promised the answer and does not send it has something to hide, or is set up wrongly;
 * "soft" was meant for authorities that do not answer, not for this. False: it is refused, and that was said.
 */
static bool
is_stapled_as_promised(struct judge *j)
{
    const struct rf_check_question *q = j->q;
    struct rf_ocsp_verdict v = { .why = "no answer came along" };
    struct rf_ocsp_question ask;
    const char *why;

    if (!q->staple_is_due || q->ocsp == RF_CHECK_OCSP_OFF || j->path.count < 2 || !rf_cert_must_staple(j->part[0].x))
        return true;
    ask = (struct rf_ocsp_question){ .x = j->path.part[0]->x, .issuer = j->path.part[1]->x, .trust = q->trust,
                                     .now_s = q->now_s };
    if (q->stapled.n > 0)
        rf_ocsp_judge(&ask, q->stapled, &v);
    if (v.status == RF_OCSP_GOOD || v.status == RF_OCSP_REVOKED) /* revoked is said by is_good_by_ocsp */
        return true;
    j->r->is_ocsp_missing = true;
    j->is_status_unknown = true;
    why = v.status == RF_OCSP_UNKNOWN ? "the responder does not know it" : v.why;
    snprintf(j->r->words.reason, sizeof j->r->words.reason,
             "its certificate promises the answer with each handshake (must-staple): %s", why);
    say(j, RF_CHECK_REVOKED, false, "must-staple: %s", why);
    return false;
}

/* Lists count from Medium on, where one is loaded for an issuer of the path; then what authorities answer. */
static void
check_revoked(struct judge *j)
{
    const struct rf_path *path = &j->path;
    bool is_known = false;
    unsigned lists = 0;

    j->r->ocsp = (struct rf_ocsp_verdict){ .reason = "", .why = "" };
    if (path->fault != RF_PATH_OK)
        return;
    for (size_t i = 0; i < path->count; i++) {
        const struct rf_part *p = path->part[i], *issuer = i + 1 < path->count ? path->part[i + 1] : p;
        struct rf_trust_revocation rev;

        if (issuer == p && !p->is_self_issued)
            continue; /* an anchor by hand: its issuer is not known here */
        rf_trust_revoked(j->q->trust, p->x, issuer->x, path->part[path->count - 1]->x, j->q->now_s, &rev);
        lists += rev.lists;
        j->r->is_revocation_stale |= rev.has_ended;
        if (rev.is_revoked) {
            say_revoked(j, p, rev.since, rev.reason);
            return;
        }
    }
    if (!is_stapled_as_promised(j))
        return;
    for (size_t i = 0; j->q->ocsp != RF_CHECK_OCSP_OFF && i + 1 < path->count; i++)
        if (!is_good_by_ocsp(j, i, &is_known))
            return;
    if (j->r->is_ocsp_missing)
        say(j, RF_CHECK_REVOKED, true, "let pass without an answer: %s", j->r->words.reason);
    else if (is_known)
        say(j, RF_CHECK_REVOKED, true, "its authority says that it is good");
    else
        say(j, RF_CHECK_REVOKED, true, "%s",
            lists == 0                  ? "no list is loaded for its issuers"
            : j->r->is_revocation_stale ? "not on the lists, one of which is past its end"
                                        : "not on the lists");
}

/* --- all rules of a level --- */

static unsigned
rules_of(const struct rf_check_question *q, unsigned level)
{
    unsigned asked = levels[level].rules;

    /* AVA-10 is about Medium alone: whoever chooses another level has chosen anew. */
    if (level == RF_CHECK_MEDIUM && q->medium_is_legacy)
        asked = RULES_LEGACY;
    if (q->use == RF_CHECK_PROVISIONING)
        asked |= BIT(TARGET_NAME);
    return asked;
}

/* The first rule of a level that fails; RF_CHECK_RULE_COUNT: none. */
static enum rf_check_rule
first_failed(const struct judge *j, unsigned level)
{
    unsigned asked = rules_of(j->q, level);

    for (int rule = 0; rule < RF_CHECK_RULE_COUNT; rule++) {
        bool has_failed = rule == RF_CHECK_KEY_SIZE ? j->part[0].key_strength < levels[level].strength
                                                    : j->result[rule] == RF_CHECK_FAIL;

        if ((asked & (1u << rule)) != 0 && has_failed)
            return (enum rf_check_rule)rule;
    }
    return RF_CHECK_RULE_COUNT;
}

/* --- what it is called --- */

/* AIA caIssuers: where the owner of a certificate says that its issuer is (RFC 5280 4.2.2.1). */
static void
issuer_url(X509 *x, char *out, size_t size)
{
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);

    out[0] = '\0';
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(aia) && out[0] == '\0'; i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
        struct rf_span url;
        bool is_plain = true;

        if (OBJ_obj2nid(d->method) != NID_ad_ca_issuers || d->location->type != GEN_URI)
            continue;
        url = rf_span(ASN1_STRING_get0_data(d->location->d.ia5),
                      (size_t)ASN1_STRING_length(d->location->d.ia5));
        for (size_t k = 0; k < url.n; k++)
            is_plain &= url.p[k] > ' ' && url.p[k] < 0x7f;
        if (is_plain && rf_span_starts(url, "http") && rf_span_copy(url, out, size) != RF_OK)
            out[0] = '\0';
    }
    AUTHORITY_INFO_ACCESS_free(aia);
    ERR_clear_error();
}

static enum rf_refusal
chain_refusal(struct judge *j)
{
    struct rf_check_report *r = j->r;
    const struct rf_part *last = j->path.part[j->path.count - 1];

    snprintf(r->words.reason, sizeof r->words.reason, "%s", r->line[RF_CHECK_CHAIN].detail);
    if (j->path.fault == RF_PATH_NOT_VALID)
        return RF_REFUSE_CERT_CHAIN_NOT_VALID;
    if (j->is_self_signed)
        return RF_REFUSE_CERT_SELF_SIGNED;
    rf_part_issuer(last, r->missing_issuer, sizeof r->missing_issuer);
    issuer_url(last->x, r->missing_issuer_url, sizeof r->missing_issuer_url);
    /* A leaf alone that names a place for its issuer: what it lacks is an intermediate, not our trust. */
    return j->path.fault == RF_PATH_NO_ISSUER && j->path.count == 1 && r->missing_issuer_url[0] != '\0'
               ? RF_REFUSE_CERT_MISSING_INTERMEDIATE
               : RF_REFUSE_CERT_UNKNOWN_CA;
}

static void
date_words(struct judge *j)
{
    const struct rf_part *leaf = &j->part[0];
    bool is_early = leaf->not_before > j->q->now_s;
    int64_t off = is_early ? leaf->not_before - j->q->now_s : j->q->now_s - leaf->not_after;
    struct rf_check_words *w = &j->r->words;

    rf_part_time_text(is_early ? leaf->not_before : leaf->not_after, w->when, sizeof w->when);
    rf_part_time_text(j->q->now_s, w->now, sizeof w->now);
    snprintf(w->days, sizeof w->days, "%lld", (long long)(off / 86400));
    if (off >= 2 * 86400)
        snprintf(w->off, sizeof w->off, "%lld days", (long long)(off / 86400));
    else
        snprintf(w->off, sizeof w->off, "%lld minutes", (long long)(off / 60));
}

static enum rf_refusal
refusal_of(struct judge *j, enum rf_check_rule rule)
{
    struct rf_check_report *r = j->r;
    struct rf_check_words *w = &r->words;
    const struct rf_part *leaf = &j->part[0];
    bool is_ec = leaf->key_kind != NULL && leaf->key_kind[0] == 'E';

    switch (rule) {
    case RF_CHECK_PRESENT:
        return RF_REFUSE_CERT_MISSING;
    case RF_CHECK_IN_DATE:
        date_words(j);
        return leaf->has_times && leaf->not_before > j->q->now_s ? RF_REFUSE_CERT_NOT_YET_VALID
                                                                 : RF_REFUSE_CERT_EXPIRED;
    case RF_CHECK_KEY_SIZE:
        snprintf(w->bits, sizeof w->bits, "%d", leaf->key_bits);
        snprintf(w->min, sizeof w->min, "%d",
                 is_ec                                               ? 2 * levels[r->level].strength
                 : levels[r->level].strength >= RF_STRENGTH_RSA_2048 ? 2048
                                                                     : 1024);
        return RF_REFUSE_CERT_KEY_TOO_SMALL;
    case RF_CHECK_SIGNATURE:
        snprintf(w->reason, sizeof w->reason, "%s", r->line[rule].detail);
        return RF_REFUSE_CERT_BAD_SIGNATURE;
    case RF_CHECK_CHAIN:
        return chain_refusal(j);
    case RF_CHECK_KEY_USAGE:
        snprintf(w->purpose, sizeof w->purpose, "TLS");
        snprintf(w->eku, sizeof w->eku, "the key usage digitalSignature");
        return RF_REFUSE_CERT_WRONG_PURPOSE;
    case RF_CHECK_EXTENDED_KEY_USAGE:
        snprintf(w->purpose, sizeof w->purpose, "a TLS %s", j->q->peer_is_server ? "server" : "client");
        snprintf(w->eku, sizeof w->eku, "%s", j->q->peer_is_server ? "serverAuth" : "clientAuth");
        return RF_REFUSE_CERT_WRONG_PURPOSE;
    case RF_CHECK_CRITICAL_EXTENSION:
        snprintf(w->reason, sizeof w->reason, "%s", leaf->unknown_critical);
        return RF_REFUSE_CERT_CRITICAL_EXTENSION;
    case RF_CHECK_SELF_SIGNED:
        return RF_REFUSE_CERT_SELF_SIGNED;
    case RF_CHECK_REFLECTED:
        return RF_REFUSE_CERT_REFLECTED;
    case RF_CHECK_COPY_IN_STORE:
        return RF_REFUSE_CERT_NOT_IN_STORE;
    case RF_CHECK_TARGET_NAME:
        if (j->q->use == RF_CHECK_PROVISIONING)
            return j->device.found == RF_DEVICE_ONE ? RF_REFUSE_DEVICE_MAC_MISMATCH
                                                    : RF_REFUSE_DEVICE_GENERIC;
        return RF_REFUSE_CERT_NAME_MISMATCH;
    case RF_CHECK_SIP_DOMAIN:
        return j->names.is_wildcard ? RF_REFUSE_CERT_WILDCARD_IN_SIP : RF_REFUSE_CERT_NAME_MISMATCH;
    case RF_CHECK_REVOKED:
        return j->is_status_unknown ? RF_REFUSE_CERT_STATUS_UNKNOWN : RF_REFUSE_CERT_REVOKED;
    case RF_CHECK_RULE_COUNT:
        break;
    }
    return RF_REFUSE_NONE;
}

static void
conclude(struct judge *j)
{
    struct rf_check_report *r = j->r;
    unsigned asked = rules_of(j->q, r->level);

    for (unsigned level = 0; level <= RF_CHECK_LEVEL_COUNT; level++)
        if (first_failed(j, level) == RF_CHECK_RULE_COUNT)
            r->passes_level |= (uint8_t)(1u << level);
    for (int rule = 0; rule < RF_CHECK_RULE_COUNT; rule++) {
        r->line[rule].otherwise = j->result[rule];
        r->line[rule].result = (asked & (1u << rule)) != 0 ? j->result[rule] : RF_CHECK_NOT_MADE;
    }
    r->first_failed = first_failed(j, r->level);
    r->is_accepted = r->first_failed == RF_CHECK_RULE_COUNT;
    r->refusal = refusal_of(j, r->first_failed);
}

/* --- the question --- */

static void
report_path(struct judge *j)
{
    j->r->path_count = j->path.count;
    for (size_t i = 0; i < j->path.count; i++)
        rf_part_subject(j->path.part[i], j->r->path[i], sizeof j->r->path[i]);
}

/* What is missing may stand behind those that are looked at. */
static void
blame_count(struct judge *j)
{
    j->path.fault = RF_PATH_NOT_VALID;
    snprintf(j->path.detail, sizeof j->path.detail,
             j->path.count == j->count
                 ? "it is too deep: %zu certificates were sent, %zu are looked at, and those reach no root of the store"
                 : "%zu certificates were sent, %zu are looked at, and an issuer is not among those",
             j->q->chain_count, j->count);
}

static void
judge_leaf(struct judge *j)
{
    const struct rf_check_question *q = j->q;
    unsigned depth =
        q->verify_depth > 0 && q->verify_depth < RF_CHECK_CHAIN_MAX ? q->verify_depth : RF_CHECK_CHAIN_MAX;
    struct rf_buf b = rf_buf(j->r->words.fingerprint, sizeof j->r->words.fingerprint - 1);

    rf_put_hex(&b, j->part[0].sha256, sizeof j->part[0].sha256);
    rf_cert_facts_read(j->part[0].x, &j->r->leaf);
    check_self_signed(j);
    j->r->leaf.is_self_signed = j->is_self_signed;
    if (q->trust != NULL) {
        rf_path_find(&j->path, j->part, j->count, q->trust, depth, q->now_s);
    } else {
        j->path.fault = RF_PATH_NO_ISSUER;
        j->path.part[0] = &j->part[0];
        j->path.count = 1;
    }
    if (j->path.fault == RF_PATH_NO_ISSUER && q->chain_count > j->count)
        blame_count(j);
    say(j, RF_CHECK_PRESENT, true,
        q->chain_count > j->count ? "%zu certificates, of which %zu were looked at" : "%zu", q->chain_count,
        j->count);
    check_in_date(j);
    check_key_size(j);
    check_path(j);
    check_key_usage(j);
    check_extended_key_usage(j);
    check_critical_extension(j);
    check_reflected(j);
    check_copy(j);
    check_names(j);
    check_revoked(j);
    report_path(j);
}

enum rf_err
rf_check_peer(const struct rf_check_question *q, struct rf_check_report *report)
{
    struct judge *j = calloc(1, sizeof *j); /* 20 kB: more than a worker's stack should lend */

    if (j == NULL)
        return RF_ERR_NOMEM;
    memset(report, 0, sizeof *report);
    report->level = q->level;
    j->q = q;
    j->r = report;
    for (; j->count < q->chain_count && j->count < RF_CHECK_CHAIN_MAX && q->chain[j->count] != NULL;
         j->count++)
        rf_part_read(&j->part[j->count], q->chain[j->count], false);
    if (q->chain_count > 0 && j->count == 0) {
        free(j);
        return RF_ERR_SYNTAX;
    }
    if (j->count > 0)
        judge_leaf(j);
    else
        say(j, RF_CHECK_PRESENT, false, "it showed none");
    conclude(j);
    for (size_t i = 0; i < j->count; i++)
        rf_part_fini(&j->part[i]);
    free(j);
    return RF_OK;
}

/* --- names of things --- */

void
rf_check_own(X509 *x, struct rf_check_own *out)
{
    rf_part_spki(x, out->spki_sha256);
}

void
rf_check_fields(const struct rf_check_report *report, const char *peer,
                struct rf_log_field field[static RF_CHECK_FIELDS_MAX])
{
    const struct rf_check_words *w = &report->words;
    const char *issuer = report->missing_issuer[0] != '\0' ? report->missing_issuer : report->leaf.issuer;
    const struct rf_log_field all[] = {
        RF_F_STR("peer", peer),
        RF_F_STR("owner", peer),
        RF_F_STR("who", peer),
        RF_F_STR("check", rf_check_rule_name(report->first_failed)),
        RF_F_STR("check_level", rf_check_level_name(report->level)),
        RF_F_STR("subject", report->leaf.subject),
        RF_F_STR("issuer", issuer),
        RF_F_STR("serial", report->leaf.serial),
        RF_F_STR("name", report->missing_issuer),
        RF_F_STR("when", w->when),
        RF_F_STR("now", w->now),
        RF_F_STR("days", w->days),
        RF_F_STR("off", w->off),
        RF_F_STR("names", w->names),
        RF_F_STR("expected", w->expected),
        RF_F_STR("domain", w->expected),
        RF_F_STR("bits", w->bits),
        RF_F_STR("min", w->min),
        RF_F_STR("purpose", w->purpose),
        RF_F_STR("eku", w->eku),
        RF_F_STR("reason", w->reason),
        RF_F_STR("fingerprint", w->fingerprint),
        RF_F_STR("mac1", w->names),
        RF_F_STR("mac2", w->expected),
        RF_F_STR("maker", report->leaf.issuer),
        RF_F_STR("url", report->missing_issuer_url),
        { 0 },
    };

    static_assert(sizeof all / sizeof *all <= RF_CHECK_FIELDS_MAX, "the caller's array holds all of them");
    memcpy(field, all, sizeof all);
}

const char *
rf_check_level_name(enum rf_check_level level)
{
    return (unsigned)level < RF_CHECK_LEVEL_COUNT ? levels[level].name : "";
}

const char *
rf_check_rule_name(enum rf_check_rule rule)
{
    return (unsigned)rule < RF_CHECK_RULE_COUNT ? rules[rule].name : "";
}

int
rf_check_rule_alert(enum rf_check_rule rule)
{
    return (unsigned)rule < RF_CHECK_RULE_COUNT ? rules[rule].alert : SSL_AD_CERTIFICATE_UNKNOWN;
}

static const char *const ocsp_names[RF_CHECK_OCSP_COUNT] = { "off", "soft", "hard" };

const char *
rf_check_ocsp_name(enum rf_check_ocsp ocsp)
{
    return (unsigned)ocsp < RF_CHECK_OCSP_COUNT ? ocsp_names[ocsp] : "";
}

enum rf_err
rf_check_ocsp_find(struct rf_span name, enum rf_check_ocsp *out)
{
    for (int i = 0; i < RF_CHECK_OCSP_COUNT; i++) {
        if (rf_span_iis(name, ocsp_names[i])) {
            *out = (enum rf_check_ocsp)i;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

enum rf_err
rf_check_level_find(struct rf_span name, enum rf_check_level *out)
{
    char plain[24];
    struct rf_buf b = rf_buf(plain, sizeof plain);

    for (size_t i = 0; i < name.n; i++)
        if (strchr("_+ ", name.p[i]) == NULL || name.p[i] == '\0')
            rf_put_char(&b, name.p[i]);
        else if (b.n > 0 && b.p[b.n - 1] != '-')
            rf_put_char(&b, '-');
    if (b.overflow)
        return RF_ERR_NOT_FOUND;
    for (int level = 0; level < RF_CHECK_LEVEL_COUNT; level++) {
        if (rf_span_iis(rf_buf_span(&b), levels[level].name)) {
            *out = (enum rf_check_level)level;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}
