#include "probe/judge.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "probe/suites.h"

#define SOON_S (30 * 86400)

const char *
rf_probe_mark_name(enum rf_probe_mark mark)
{
    static const char *const names[] = {"", "ok", "-", "WARN", "FAIL"};

    return names[mark];
}

__attribute__((format(printf, 4, 5))) static void
find(struct rf_probe_chain_verdict *v, enum rf_probe_mark mark, const char *what, const char *format, ...)
{
    struct rf_probe_finding *f = &v->finding[v->finding_count];
    va_list ap;

    if (v->finding_count == RF_PROBE_FINDINGS_MAX)
        return;
    f->mark = mark;
    f->what = what;
    va_start(ap, format);
    vsnprintf(f->text, sizeof f->text, format, ap);
    va_end(ap);
    v->finding_count++;
}

/* Each certificate is to be followed by its issuer (RFC 5246 7.4.2). */
static void
judge_order(const struct rf_probe_chain *c, struct rf_probe_chain_verdict *v)
{
    for (size_t i = 0; i + 1 < c->count; i++) {
        bool is_elsewhere = false;

        if (v->cert[i].is_self_signed || X509_check_issued(c->x[i + 1], c->x[i]) == X509_V_OK)
            continue;
        for (size_t k = 0; k < c->count; k++)
            is_elsewhere |= k != i && X509_check_issued(c->x[k], c->x[i]) == X509_V_OK;
        find(v, is_elsewhere ? RF_MARK_WARN : RF_MARK_FAIL, is_elsewhere ? "order" : "stray",
             is_elsewhere
                 ? "certificate %zu is not followed by its issuer, which stands elsewhere in the chain"
                 : "certificate %zu is followed by one that did not issue it; its issuer is not sent",
             i + 1);
    }
    for (size_t i = 1; i < c->count; i++)
        for (size_t k = 0; k < i; k++)
            if (X509_cmp(c->x[i], c->x[k]) == 0) {
                find(v, RF_MARK_WARN, "twice", "certificate %zu is sent twice", k + 1);
                break;
            }
    for (size_t i = 1; i < c->count; i++)
        if (v->cert[i].is_self_signed) {
            find(v, RF_MARK_NOTE, "root-sent", "certificate %zu is a root: whoever trusts it has it already",
                 i + 1);
            break;
        }
    if (c->sent > c->count)
        find(v, RF_MARK_FAIL, "too-many", "%u certificates are sent, %u could be read", c->sent, c->count);
}

static void
judge_dates(struct rf_probe_chain_verdict *v, int64_t now_s)
{
    for (size_t i = 0; i < v->count; i++) {
        long long days = (long long)(v->cert[i].not_after - now_s) / 86400;

        if (v->cert[i].not_after < now_s)
            find(v, RF_MARK_FAIL, "expired", "certificate %zu ended %lld days ago", i + 1, -days);
        else if (v->cert[i].not_before > now_s)
            find(v, RF_MARK_FAIL, "not-yet-valid", "certificate %zu is not valid yet", i + 1);
        else if (v->cert[i].not_after - now_s < SOON_S)
            find(v, RF_MARK_WARN, "ends-soon", "certificate %zu ends in %lld days", i + 1, days);
    }
}

/* Where does the path break? */
static void
judge_path(struct rf_probe_chain_verdict *v)
{
    const struct rf_check_report *r = &v->report;
    bool is_root_alone = v->count == 1 && v->cert[0].is_self_signed;

    if (r->line[RF_CHECK_CHAIN].otherwise != RF_CHECK_FAIL)
        return;
    if (is_root_alone)
        find(v, RF_MARK_WARN, "self-signed",
             "the certificate is self-signed: trusted where it is pinned, nowhere else");
    else if (r->missing_issuer_url[0] != '\0')
        find(v, RF_MARK_FAIL, "missing-intermediate",
             "an intermediate is not sent: %s; it says it is at %s (not fetched)", r->missing_issuer,
             r->missing_issuer_url);
    else if (r->missing_issuer[0] != '\0')
        find(v, RF_MARK_WARN, "issuer-unknown",
             "the issuer is neither sent nor trusted here: %s (an authority of their own, or a missing "
             "intermediate)",
             r->missing_issuer);
    else
        find(v, RF_MARK_WARN, "chain", "no path to a trusted root: %s", r->line[RF_CHECK_CHAIN].detail);
}

/* Rules that say something of themselves, in the words of the check engine. */
static void
judge_rules(struct rf_probe_chain_verdict *v)
{
    static const struct {
        enum rf_check_rule rule;
        enum rf_probe_mark mark;
    } rules[] = {
        {RF_CHECK_KEY_SIZE, RF_MARK_FAIL},           {RF_CHECK_SIGNATURE, RF_MARK_FAIL},
        {RF_CHECK_KEY_USAGE, RF_MARK_WARN},          {RF_CHECK_EXTENDED_KEY_USAGE, RF_MARK_FAIL},
        {RF_CHECK_CRITICAL_EXTENSION, RF_MARK_WARN}, {RF_CHECK_TARGET_NAME, RF_MARK_FAIL},
        {RF_CHECK_SIP_DOMAIN, RF_MARK_FAIL},         {RF_CHECK_REVOKED, RF_MARK_FAIL},
    };
    bool name_failed = v->report.line[RF_CHECK_TARGET_NAME].otherwise == RF_CHECK_FAIL;

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rf_check_line *line = &v->report.line[rules[i].rule];

        if (line->otherwise != RF_CHECK_FAIL || (rules[i].rule == RF_CHECK_SIP_DOMAIN && name_failed))
            continue;
        find(v, rules[i].mark, rf_check_rule_name(rules[i].rule), "%s: %s", rf_check_rule_name(rules[i].rule),
             line->detail);
    }
}

void
rf_probe_judge_chain(const struct rf_probe_chain *chain, const char *host, bool is_sip,
                     const struct rf_trust *trust, int64_t now_s, struct rf_probe_chain_verdict *out)
{
    struct rf_check_question q = {.level = RF_CHECK_HIGH_REMOTE,
                                  .use = is_sip ? RF_CHECK_SIP : RF_CHECK_HTTPS,
                                  .peer_is_server = true,
                                  .chain = chain->x,
                                  .chain_count = chain->count,
                                  .trust = trust,
                                  .target = rf_span_str(host),
                                  .now_s = now_s};

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < chain->count; i++)
        rf_cert_facts_read(chain->x[i], &out->cert[out->count++]);
    judge_order(chain, out);
    judge_dates(out, now_s);
    out->is_judged = rf_check_peer(&q, &out->report) == RF_OK;
    if (out->is_judged) {
        judge_path(out);
        judge_rules(out);
    } else {
        find(out, RF_MARK_FAIL, "unreadable", "the certificate cannot be judged");
    }
}

/* --- suites and levels --- */

enum rf_probe_mark
rf_probe_judge_suite(uint16_t suite, const char **why)
{
    char text[8];
    const char *name = rf_probe_suite_name(suite, text);

    *why = rf_probe_suite_weakness(suite);
    if (**why != '\0')
        return strcmp(*why, "3DES") == 0 ? RF_MARK_WARN : RF_MARK_FAIL;
    if (rf_probe_suite_kx(suite) == RF_KX_OTHER) {
        *why = "no forward secrecy";
        return RF_MARK_WARN;
    }
    if (strstr(name, "GCM") == NULL && strstr(name, "CCM") == NULL && strstr(name, "CHACHA20") == NULL &&
        strstr(name, "AEGIS") == NULL && strstr(name, "MGM") == NULL) {
        *why = "CBC";
        return RF_MARK_NOTE;
    }
    return RF_MARK_OK;
}

/* RSA keys of the certificates shown, against what the level asks. */
static bool
keys_meet(const struct rf_probe_facts *f, const struct rf_tls_level_row *row, char why[static 160])
{
    for (size_t i = 0; i < f->chain_count; i++) {
        EVP_PKEY *key = X509_get0_pubkey(f->chain[i].x[0]);
        int bits = key != NULL && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;

        if (bits > 0 && bits < (row->rsa_bits_min > 0 ? row->rsa_bits_min : 2048)) {
            snprintf(why, 160, "its RSA key has %d bits", bits);
            return false;
        }
    }
    return true;
}

bool
rf_probe_meets(const struct rf_probe_facts *f, enum rf_tls_level level, char why[static 160])
{
    const struct rf_tls_level_row *row = rf_tls_level_row(level);
    char text[8];

    why[0] = '\0';
    if (f->ssl2 == RF_PROBE_YES) {
        snprintf(why, 160, "it speaks SSL 2");
        return false;
    }
    for (int i = 0; i < RF_PROBE_VERSION_COUNT; i++) {
        const struct rf_probe_version_facts *v = &f->version[i];
        int number = rf_probe_version_number((enum rf_probe_version)i);

        if (v->is_spoken == RF_PROBE_YES && number < row->min_version) {
            snprintf(why, 160, "it speaks %s", rf_probe_version_name((enum rf_probe_version)i));
            return false;
        }
        for (size_t k = 0; k < v->suite_count; k++) {
            if ((rf_tls_levels_with_suite(v->suite[k]) >> level & 1) != 0)
                continue;
            snprintf(why, 160, "it takes %s with %s", rf_probe_suite_name(v->suite[k], text),
                     rf_probe_version_name((enum rf_probe_version)i));
            return false;
        }
        if (v->is_incomplete) {
            snprintf(why, 160, "not all suites of %s could be asked for",
                     rf_probe_version_name((enum rf_probe_version)i));
            return false;
        }
    }
    if (f->dh_bits > 0 && f->dh_bits < row->dh_bits_min) {
        snprintf(why, 160, "its Diffie-Hellman key has %u bits", f->dh_bits);
        return false;
    }
    if (f->secure_renegotiation == RF_PROBE_NO || f->deflate == RF_PROBE_YES) {
        snprintf(why, 160, "%s",
                 f->deflate == RF_PROBE_YES ? "it compresses" : "its renegotiation is not secure");
        return false;
    }
    if (!keys_meet(f, row, why))
        return false;
    if (!f->level[level].is_up) {
        snprintf(why, 160, "our client cannot connect to it at this level");
        return false;
    }
    return true;
}
