#include "probe/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "probe/suites.h"

#define COLUMNS 80
#define INDENT 24 /* where values stand */

/* --- lines --- */

struct page {
    FILE *out;
    bool colour;
};

/* Words, broken at spaces so that no line passes the last column; two spaces stay two where they fit. */
static void
put_wrapped(struct page *p, const char *text)
{
    size_t column = INDENT;

    while (*text != '\0') {
        size_t blanks = strspn(text, " "), n = strcspn(text + blanks, " ");

        if (n > 0 && column + blanks + n > COLUMNS && column > INDENT) {
            fprintf(p->out, "\n%*s", INDENT, "");
            column = INDENT;
            text += blanks;
            blanks = 0;
        }
        /* A word that is longer than a line is cut where the line ends. */
        for (; column + blanks + n > COLUMNS; column = INDENT, blanks = 0) {
            size_t part = COLUMNS - column - blanks;

            fprintf(p->out, "%.*s\n%*s", (int)(blanks + part), text, INDENT, "");
            text += blanks + part;
            n -= part;
        }
        if (n > 0)
            fprintf(p->out, "%.*s", (int)(blanks + n), text);
        column += blanks + n;
        text += blanks + n;
    }
    fputc('\n', p->out);
}

__attribute__((format(printf, 4, 5))) static void
row(struct page *p, enum rf_probe_mark mark, const char *label, const char *format, ...)
{
    static const char *const colour[] = {"", "\033[32m", "", "\033[33m", "\033[31m"};
    char text[1400];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fprintf(p->out, "  %s%-4s%s %-16s ", p->colour ? colour[mark] : "", rf_probe_mark_name(mark),
            p->colour && colour[mark][0] != '\0' ? "\033[0m" : "", label);
    put_wrapped(p, text);
}

static void
title(struct page *p, const char *text)
{
    fprintf(p->out, "\n%s%s%s\n", p->colour ? "\033[1m" : "", text, p->colour ? "\033[0m" : "");
}

static const char *
yes_no(enum rf_probe_answered a)
{
    return a == RF_PROBE_YES ? "yes" : a == RF_PROBE_NO ? "no" : "not known";
}

/* Good news is `good`; what is not known is neither. */
static enum rf_probe_mark
mark_of(enum rf_probe_answered a, enum rf_probe_answered good, enum rf_probe_mark otherwise)
{
    return a == RF_PROBE_UNKNOWN ? RF_MARK_NOTE : a == good ? RF_MARK_OK : otherwise;
}

/* --- versions and suites --- */

static void
put_version(struct page *p, const struct rf_probe_facts *f, enum rf_probe_version version)
{
    const struct rf_probe_version_facts *v = &f->version[version];
    bool is_old = version < RF_PROBE_TLS12;
    enum rf_probe_order order = version == RF_PROBE_TLS13   ? f->order13
                                : version == RF_PROBE_TLS12 ? f->order12
                                                            : RF_ORDER_UNKNOWN;
    enum rf_probe_mark mark = RF_MARK_NOTE;
    char text[8];

    if (v->is_spoken == RF_PROBE_YES)
        mark = version == RF_PROBE_SSL3 ? RF_MARK_FAIL : is_old ? RF_MARK_WARN : RF_MARK_OK;
    else if (v->is_spoken == RF_PROBE_NO && is_old)
        mark = RF_MARK_OK;
    row(p, mark, rf_probe_version_name(version), "%s%s%s", yes_no(v->is_spoken),
        order == RF_ORDER_SERVER   ? ", its own order of suites counts"
        : order == RF_ORDER_CLIENT ? ", the client's order of suites counts"
                                   : "",
        v->is_incomplete ? " (incomplete: not every question was answered)" : "");
    for (size_t i = 0; i < v->suite_count; i++) {
        const char *why;
        enum rf_probe_mark suite_mark = rf_probe_judge_suite(v->suite[i], &why);

        row(p, suite_mark, "", "%s%s%s", rf_probe_suite_name(v->suite[i], text), why[0] != '\0' ? "  " : "",
            why);
    }
}

static void
put_groups(struct page *p, const char *label, const uint16_t *group, size_t n)
{
    char mem[600], text[16];
    struct rf_buf b = rf_buf(mem, sizeof mem - 1);

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        rf_putf(&b, "%s%s", i > 0 ? ", " : "", rf_probe_group_name(group[i], text));
    mem[b.n] = '\0';
    row(p, RF_MARK_OK, label, "%s", mem);
}

static void
put_keys(struct page *p, const struct rf_probe_facts *f)
{
    const char *name = rf_probe_dh_name(f);

    put_groups(p, "groups 1.3", f->group13, f->group13_count);
    put_groups(p, "groups to 1.2", f->group12, f->group12_count);
    if (f->has_explicit_curve)
        row(p, RF_MARK_WARN, "curve", "parameters of its own instead of a named curve");
    if (f->dh_bits > 0)
        row(p,
            f->dh_bits < 1024   ? RF_MARK_FAIL
            : f->dh_bits < 2048 ? RF_MARK_WARN
                                : RF_MARK_OK,
            "Diffie-Hellman", "%u bits, %s", f->dh_bits, name[0] != '\0' ? name : "parameters of its own");
    if (f->hello_names_unoffered)
        row(p, RF_MARK_FAIL, "suites", "it chose a suite that was not offered");
}

static void
put_resumption(struct page *p, const char *kind, const struct rf_probe_resume_facts *r)
{
    if (r->is_offered != RF_PROBE_UNKNOWN)
        row(p, RF_MARK_NOTE, "resumption", "%s: %s", kind,
            r->is_offered == RF_PROBE_NO    ? "not offered"
            : r->is_resumed == RF_PROBE_YES ? "offered, and taken"
                                            : "offered, and not taken back");
}

static bool
must_staple(const struct rf_probe_facts *f)
{
    return f->chain_count > 0 && f->chain[0].count > 0 && rf_cert_must_staple(f->chain[0].x[0]);
}

static bool
breaks_promise(const struct rf_probe_facts *f)
{
    return f->talk.has_staple == RF_PROBE_NO && must_staple(f);
}

static void
put_protocol(struct page *p, const struct rf_probe_facts *f)
{
    const struct rf_probe_name_facts *name[] = {&f->no_name, &f->other_name};
    static const char *const label[] = {"without a name", "another name"};

    title(p, "Behaviour");
    row(p, mark_of(f->deflate, RF_PROBE_NO, RF_MARK_FAIL), "compression", "%s", yes_no(f->deflate));
    row(p, mark_of(f->secure_renegotiation, RF_PROBE_YES, RF_MARK_FAIL), "renegotiation",
        "secure (RFC 5746): %s; begun by a client: %s", yes_no(f->secure_renegotiation),
        f->renegotiates == RF_PROBE_YES  ? "accepted"
        : f->renegotiates == RF_PROBE_NO ? "refused"
                                         : "not known");
    row(p, mark_of(f->extended_master_secret, RF_PROBE_YES, RF_MARK_NOTE), "master secret",
        "extended (RFC 7627): %s", yes_no(f->extended_master_secret));
    if (f->fallback_guard != RF_PROBE_UNKNOWN)
        row(p, mark_of(f->fallback_guard, RF_PROBE_YES, RF_MARK_NOTE), "rolled back",
            "an older version with the sign of RFC 7507 is refused: %s", yes_no(f->fallback_guard));
    put_resumption(p, "TLS 1.3 ticket", &f->psk13);
    put_resumption(p, "TLS 1.2 ticket", &f->ticket12);
    put_resumption(p, "TLS 1.2 session id", &f->id12);
    row(p, RF_MARK_NOTE, "ALPN", "%s", f->alpn_asked == RF_PROBE_YES ? f->alpn : "it chooses no protocol");
    if (f->heartbeat == RF_PROBE_YES)
        row(p, RF_MARK_WARN, "heartbeat", "offered: OpenSSL 1.0.1 before its patch g leaks memory this way");
    row(p, f->talk.staple_is_bad || breaks_promise(f) ? RF_MARK_FAIL : RF_MARK_NOTE, "OCSP staple", "%s",
        f->talk.has_staple == RF_PROBE_YES ? f->talk.staple
        : breaks_promise(f)                ? "none, though its certificate promises one (must-staple): RF-217"
        : f->talk.has_staple == RF_PROBE_NO ? "none"
                                            : "not known");
    row(p, f->talk.takes_certificate == RF_PROBE_NO ? RF_MARK_FAIL : RF_MARK_NOTE, "asks us",
        "a client certificate: %s%s%s", yes_no(f->talk.asks_certificate),
        f->talk.needs_certificate == RF_PROBE_YES   ? ", and refuses us without one"
        : f->talk.takes_certificate == RF_PROBE_YES ? ", and takes ours"
        : f->talk.takes_certificate == RF_PROBE_NO  ? ", and refuses ours: "
                                                    : "",
        f->talk.takes_certificate == RF_PROBE_NO ? f->talk.error : "");
    if (f->talk.wanted_keys[0] != '\0')
        row(p, RF_MARK_NONE, "", "with a key of %s", f->talk.wanted_keys);
    if (f->talk.wanted_signatures[0] != '\0')
        row(p, RF_MARK_NONE, "", "signed with %s", f->talk.wanted_signatures);
    for (size_t i = 0; i < f->talk.ca_name_count && i < RF_PROBE_CA_NAMES; i++)
        row(p, RF_MARK_NONE, "", "by %s", f->talk.ca_name[i]);
    if (f->talk.ca_name_count > RF_PROBE_CA_NAMES)
        row(p, RF_MARK_NONE, "", "and %u more authorities", f->talk.ca_name_count - RF_PROBE_CA_NAMES);
    if (f->name_is_refused)
        row(p, RF_MARK_FAIL, "server name", "it refuses %s; everything else was asked without a name",
            f->name);
    for (size_t i = 0; i < 2; i++)
        if (name[i]->is_asked)
            row(p, RF_MARK_NOTE, label[i], "%s%s",
                !name[i]->is_up             ? "refused: "
                : name[i]->same_certificate ? "the same certificate"
                                            : "another certificate: ",
                !name[i]->is_up             ? name[i]->error
                : name[i]->same_certificate ? ""
                                            : name[i]->subject);
}

/* --- certificates --- */

static void
put_date(char to[static 16], int64_t at)
{
    time_t t = (time_t)at;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(to, 16, "%Y-%m-%d", &tm);
}

/* Levels by name that a chain passes. */
static const char *
passes_text(const struct rf_check_report *r, bool want, char to[static 160])
{
    struct rf_buf b = rf_buf(to, 159);

    for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
        if (((r->passes_level >> i & 1) != 0) == want)
            rf_putf(&b, "%s%s", b.n > 0 ? ", " : "", rf_check_level_name((enum rf_check_level)i));
    to[b.n] = '\0';
    return b.n > 0 ? to : "none of them";
}

static void
put_chain(struct page *p, const struct rf_probe_chain_verdict *v, const struct rf_probe_chain *c)
{
    char from[16], to[16], list[160], names[512];

    title(p, "Certificates");
    for (size_t i = 0; i < v->count; i++) {
        const struct rf_cert_facts *x = &v->cert[i];
        struct rf_buf b = rf_buf(names, sizeof names - 1);
        char label[16];

        snprintf(label, sizeof label, "%zu of %u", i + 1, c->sent);
        put_date(from, x->not_before);
        put_date(to, x->not_after);
        row(p, RF_MARK_NONE, label, "%s", x->subject);
        row(p, RF_MARK_NONE, "", "%s, %s to %s%s", x->key, from, to, x->is_ca ? ", may sign" : "");
        row(p, RF_MARK_NONE, "", "issued by %s", x->is_self_signed ? "itself" : x->issuer);
        for (size_t k = 0; i == 0 && k < x->san_count && k < 12; k++)
            rf_putf(&b, "%s%s", k > 0 ? ", " : "", x->san[k].text);
        names[b.n] = '\0';
        if (b.n > 0)
            row(p, RF_MARK_NONE, "", "for %s%s", names, x->san_count > 12 ? " and more" : "");
    }
    if (v->finding_count == 0)
        row(p, RF_MARK_OK, "chain", "whole, in order, in date, for this name, trusted");
    for (size_t i = 0; i < v->finding_count; i++)
        row(p, v->finding[i].mark, i == 0 ? "findings" : "", "%s", v->finding[i].text);
    if (v->is_judged) {
        row(p, RF_MARK_NONE, "check levels", "it passes %s", passes_text(&v->report, true, list));
        row(p, RF_MARK_NONE, "", "it fails %s", passes_text(&v->report, false, list));
    }
}

/* --- our levels --- */

static void
failure_text(const struct rf_probe_level_facts *l, char to[static 512])
{
    const struct rf_refusal_row *refusal = rf_refusal_row(l->failure.refusal);

    switch (l->failure.refusal) {
    case RF_REFUSE_TLS_DH_SMALL:
        snprintf(to, 512, "%s its Diffie-Hellman key has %u bits, we need 2048", refusal->code,
                 l->failure.dh_bits);
        break;
    case RF_REFUSE_TLS_VERSION:
        snprintf(to, 512, "%s it speaks none of our versions", refusal->code);
        break;
    default:
        snprintf(to, 512, "%s %s", refusal->code,
                 l->failure.reason[0] != '\0' ? l->failure.reason : refusal->slug);
    }
}

static void
put_levels(struct page *p, const struct rf_probe_facts *f)
{
    char text[512];

    title(p, "Our client at each cipher level");
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        const struct rf_probe_level_facts *l = &f->level[i];
        const char *name = rf_tls_level_row((enum rf_tls_level)i)->name;

        if (!l->is_asked) {
            row(p, RF_MARK_NOTE, name, "not tried");
        } else if (l->is_up) {
            row(p, f->talk.needs_certificate == RF_PROBE_YES ? RF_MARK_WARN : RF_MARK_OK, name, "%s %s%s%s%s",
                l->version, l->suite, l->group[0] != '\0' ? " " : "", l->group,
                f->talk.needs_certificate == RF_PROBE_YES ? "; then it wants our certificate" : "");
        } else {
            failure_text(l, text);
            row(p, RF_MARK_FAIL, name, "%s", text);
        }
    }
}

static void
put_causes(struct page *p, const struct rf_probe_facts *f)
{
    const struct rf_probe_causes *c = &f->causes;
    char heading[80];

    if (!c->is_asked)
        return;
    snprintf(heading, sizeof heading, "Why level %s fails, cause by cause (RF-108)",
             rf_tls_level_row(c->level)->name);
    title(p, heading);
    for (int i = 0; i < RF_TLS_CAUSE_COUNT; i++)
        if (c->cause[i] != RF_PROBE_UNKNOWN)
            row(p, c->cause[i] == RF_PROBE_YES ? RF_MARK_FAIL : RF_MARK_OK,
                c->cause[i] == RF_PROBE_YES ? "the cause" : "ruled out", "%s: %s",
                rf_tls_cause_slug((enum rf_tls_cause)i), rf_tls_cause_text((enum rf_tls_cause)i));
    if (!c->is_explained)
        row(p, RF_MARK_WARN, "not found", "none of what was tried makes it answer");
}

/* --- OPTIONS, HEAD --- */

static void
put_answer(struct page *p, const struct rf_probe_result *r)
{
    const struct rf_probe_talk_facts *t = &r->facts.talk;
    static const char *const close[] = {[RF_CLOSE_UNKNOWN] = "not known",
                                        [RF_CLOSE_NOTIFY] = "it says goodbye (close_notify)",
                                        [RF_CLOSE_FIN] = "it closes without close_notify",
                                        [RF_CLOSE_RESET] = "it resets the connection",
                                        [RF_CLOSE_STAYS] = "it keeps the connection after our close_notify"};

    title(p, r->target.is_sip ? "SIP OPTIONS" : "HTTP HEAD");
    if (t->answered == RF_PROBE_YES)
        row(p,
            t->status < 300   ? RF_MARK_OK
            : t->status < 500 ? RF_MARK_NOTE
                              : RF_MARK_WARN,
            "answer", "%d %s, after %.1f ms", t->status, t->reason, t->answer_us / 1000.0);
    else if (t->is_asked)
        row(p, RF_MARK_WARN, "answer", "%s", t->not_answered[0] != '\0' ? t->not_answered : t->error);
    if (t->server[0] != '\0')
        row(p, RF_MARK_NONE, "server", "%s", t->server);
    if (t->allow[0] != '\0')
        row(p, RF_MARK_NONE, "allow", "%s", t->allow);
    if (t->supported[0] != '\0')
        row(p, RF_MARK_NONE, "supported", "%s", t->supported);
    if (t->contact[0] != '\0')
        row(p, RF_MARK_NONE, "contact", "%s", t->contact);
    if (t->warning[0] != '\0')
        row(p, RF_MARK_NOTE, "warning", "%s", t->warning);
    if (t->location[0] != '\0')
        row(p, RF_MARK_NONE, "location", "%s", t->location);
    if (!r->target.is_sip && t->answered == RF_PROBE_YES)
        row(p, RF_MARK_NOTE, "HSTS", "%s", t->hsts[0] != '\0' ? t->hsts : "none");
    for (unsigned i = 0; i < t->oddity_count; i++)
        row(p, RF_MARK_WARN, "odd", "%s", t->oddities[i]);
    if (r->target.transport == RF_PROBE_OVER_TLS && t->is_up)
        row(p, t->close == RF_CLOSE_NOTIFY ? RF_MARK_OK : RF_MARK_NOTE, "close", "%s", close[t->close]);
}

static const char *
transport_name(const struct rf_probe_target *t)
{
    return t->transport == RF_PROBE_OVER_TLS   ? (t->is_sip ? "SIP over TLS" : "HTTPS")
           : t->transport == RF_PROBE_OVER_TCP ? "SIP over TCP"
                                               : "SIP over UDP";
}

void
rf_probe_report_text(const struct rf_probe_report *r, bool colour, FILE *out)
{
    const struct rf_probe_result *result = r->result;
    const struct rf_probe_facts *f = &result->facts;
    struct page page = {out, colour}, *p = &page;
    char addr[RF_ADDR_TEXT_MAX];

    fprintf(out, "%.60s:%u  %s\n", result->target.host, result->target.port, transport_name(&result->target));
    row(p, result->is_reached ? RF_MARK_OK : RF_MARK_FAIL, "reached", "%s%s%s",
        result->is_resolved ? rf_addr_text(&result->target.addr, addr) : "no", result->is_reached ? "" : ": ",
        result->is_reached ? "" : result->error);
    row(p, RF_MARK_NONE, "probe", "%u connections in %.1f s%s%s", f->connections,
        (double)result->took_us / 1e6,
        f->is_timed_out ? "; the time was up before all was asked (--timeout)" : "",
        f->failed_connections > 0 ? "; some were refused (--parallel 1 asks one after the other)" : "");
    if (result->is_reached && result->target.transport == RF_PROBE_OVER_TLS) {
        title(p, "Versions and suites");
        row(p, mark_of(f->ssl2, RF_PROBE_NO, RF_MARK_FAIL), "SSL 2", "%s", yes_no(f->ssl2));
        for (int v = 0; v < RF_PROBE_VERSION_COUNT; v++)
            put_version(p, f, (enum rf_probe_version)v);
        put_keys(p, f);
        put_protocol(p, f);
        for (size_t i = 0; i < f->chain_count; i++)
            put_chain(p, &r->chain[i], &f->chain[i]);
        if (f->unreadable_sent > 0) {
            title(p, "Certificates");
            row(p, RF_MARK_FAIL, "chain", "%u certificates are sent, and the first cannot be read",
                f->unreadable_sent);
        }
        put_levels(p, f);
        put_causes(p, f);
    }
    if (result->is_reached)
        put_answer(p, result);
    if (r->has_min) {
        title(p, "Asked for (--min)");
        row(p, r->is_met ? RF_MARK_OK : RF_MARK_FAIL, rf_tls_level_row(r->min)->name, "%s%s",
            r->is_met ? "met: nothing is offered below it" : "not met: ", r->below);
    }
}

/* --- JSON --- */

static json_t *
json_of(enum rf_probe_answered a)
{
    return a == RF_PROBE_UNKNOWN ? json_null() : json_boolean(a == RF_PROBE_YES);
}

static void
set_text(json_t *o, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(o, name, json_string(text));
}

static json_t *
json_versions(const struct rf_probe_facts *f)
{
    json_t *list = json_array();
    char text[8];

    json_array_append_new(list, json_pack("{s:s, s:o}", "version", "SSL 2", "spoken", json_of(f->ssl2)));
    for (int i = 0; i < RF_PROBE_VERSION_COUNT; i++) {
        const struct rf_probe_version_facts *v = &f->version[i];
        json_t *suites = json_array();
        enum rf_probe_order order = i == RF_PROBE_TLS13   ? f->order13
                                    : i == RF_PROBE_TLS12 ? f->order12
                                                          : RF_ORDER_UNKNOWN;
        json_t *one;

        for (size_t k = 0; k < v->suite_count; k++) {
            const char *why;
            enum rf_probe_mark mark = rf_probe_judge_suite(v->suite[k], &why);

            json_array_append_new(
                suites, json_pack("{s:s, s:i, s:s, s:s}", "suite", rf_probe_suite_name(v->suite[k], text),
                                  "number", v->suite[k], "mark", rf_probe_mark_name(mark), "why", why));
        }
        one = json_pack("{s:s, s:o, s:b, s:o}", "version", rf_probe_version_name((enum rf_probe_version)i),
                        "spoken", json_of(v->is_spoken), "complete", !v->is_incomplete, "suites", suites);
        if (order != RF_ORDER_UNKNOWN)
            json_object_set_new(one, "order", json_string(order == RF_ORDER_SERVER ? "server" : "client"));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *
json_groups(const uint16_t *group, size_t n)
{
    json_t *list = json_array();
    char text[16];

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(rf_probe_group_name(group[i], text)));
    return list;
}

static json_t *
json_resume(const struct rf_probe_resume_facts *r)
{
    return json_pack("{s:o, s:o}", "offered", json_of(r->is_offered), "resumed", json_of(r->is_resumed));
}

static json_t *
json_name(const struct rf_probe_name_facts *n)
{
    json_t *o = json_pack("{s:b, s:b}", "accepted", n->is_up, "same_certificate", n->same_certificate);

    if (!n->is_up)
        set_text(o, "error", n->error);
    set_text(o, "subject", n->subject);
    return o;
}

static json_t *
json_chain(const struct rf_probe_chain_verdict *v, const struct rf_probe_chain *c)
{
    json_t *certs = json_array(), *findings = json_array(), *levels = json_object(), *checks = json_array();
    char fingerprint[65];

    for (size_t i = 0; i < v->count; i++) {
        const struct rf_cert_facts *x = &v->cert[i];
        struct rf_buf b = rf_buf(fingerprint, 64);
        json_t *names = json_array();

        rf_put_hex(&b, x->sha256, 32);
        fingerprint[64] = '\0';
        for (size_t k = 0; k < x->san_count; k++)
            json_array_append_new(names, json_string(x->san[k].text));
        json_array_append_new(certs, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:s, s:o}", "subject",
                                               x->subject, "issuer", x->issuer, "serial", x->serial, "key",
                                               x->key, "not_before", (json_int_t)x->not_before, "not_after",
                                               (json_int_t)x->not_after, "authority", x->is_ca, "sha256",
                                               fingerprint, "names", names));
    }
    for (size_t i = 0; i < v->finding_count; i++)
        json_array_append_new(findings,
                              json_pack("{s:s, s:s, s:s}", "finding", v->finding[i].what, "mark",
                                        rf_probe_mark_name(v->finding[i].mark), "text", v->finding[i].text));
    for (int i = 0; i < RF_CHECK_LEVEL_COUNT && v->is_judged; i++)
        json_object_set_new(levels, rf_check_level_name((enum rf_check_level)i),
                            json_boolean(v->report.passes_level >> i & 1));
    for (int i = 0; i < RF_CHECK_RULE_COUNT && v->is_judged; i++) {
        enum rf_check_result result = v->report.line[i].otherwise;

        json_array_append_new(checks, json_pack("{s:s, s:s, s:s}", "check",
                                                rf_check_rule_name((enum rf_check_rule)i), "result",
                                                result == RF_CHECK_PASS   ? "pass"
                                                : result == RF_CHECK_FAIL ? "fail"
                                                                          : "not made",
                                                "detail", v->report.line[i].detail));
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:s}", "sent", c->sent, "certificates", certs, "findings",
                     findings, "would_pass", levels, "checks", checks, "missing_issuer_url",
                     v->report.missing_issuer_url);
}

static json_t *
json_levels(const struct rf_probe_facts *f)
{
    json_t *o = json_object();

    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        const struct rf_probe_level_facts *l = &f->level[i];
        json_t *one = json_pack("{s:b}", "handshake", l->is_up);

        if (l->is_up) {
            set_text(one, "version", l->version);
            set_text(one, "suite", l->suite);
            set_text(one, "group", l->group);
        } else if (l->is_asked) {
            json_t *causes = json_array();

            for (size_t k = 0; k < l->failure.cause_count; k++)
                json_array_append_new(causes,
                                      json_string(rf_tls_cause_slug((enum rf_tls_cause)l->failure.cause[k])));
            json_object_set_new(one, "code", json_string(rf_refusal_row(l->failure.refusal)->code));
            set_text(one, "reason", l->failure.reason);
            json_object_set_new(one, "causes", causes);
        }
        json_object_set_new(o, rf_tls_level_row((enum rf_tls_level)i)->name, one);
    }
    return o;
}

static json_t *
json_causes(const struct rf_probe_causes *c)
{
    json_t *o = json_object();

    for (int i = 0; i < RF_TLS_CAUSE_COUNT; i++)
        if (c->cause[i] != RF_PROBE_UNKNOWN)
            json_object_set_new(o, rf_tls_cause_slug((enum rf_tls_cause)i),
                                json_string(c->cause[i] == RF_PROBE_YES ? "cause" : "ruled out"));
    return json_pack("{s:s, s:b, s:o}", "level", rf_tls_level_row(c->level)->name, "explained",
                     c->is_explained, "causes", o);
}

static json_t *
json_answer(const struct rf_probe_talk_facts *t, bool is_sip)
{
    static const char *const close[] = {[RF_CLOSE_UNKNOWN] = "unknown",
                                        [RF_CLOSE_NOTIFY] = "close_notify",
                                        [RF_CLOSE_FIN] = "fin",
                                        [RF_CLOSE_RESET] = "reset",
                                        [RF_CLOSE_STAYS] = "stays"};
    json_t *o = json_pack("{s:s, s:o, s:s}", "method", is_sip ? "OPTIONS" : "HEAD", "answered",
                          json_of(t->answered), "close", close[t->close]);
    json_t *odd = json_array();

    if (t->answered == RF_PROBE_YES) {
        json_object_set_new(o, "status", json_integer(t->status));
        json_object_set_new(o, "answer_us", json_integer(t->answer_us));
    }
    set_text(o, "reason", t->reason);
    set_text(o, "server", t->server);
    set_text(o, "allow", t->allow);
    set_text(o, "supported", t->supported);
    set_text(o, "contact", t->contact);
    set_text(o, "warning", t->warning);
    set_text(o, "location", t->location);
    set_text(o, "hsts", t->hsts);
    set_text(o, "not_answered", t->not_answered);
    for (unsigned i = 0; i < t->oddity_count; i++)
        json_array_append_new(odd, json_string(t->oddities[i]));
    json_object_set_new(o, "oddities", odd);
    return o;
}

static void
add_tls(const struct rf_probe_report *r, json_t *o)
{
    const struct rf_probe_facts *f = &r->result->facts;
    json_t *chains = json_array(), *names = json_array();

    for (size_t i = 0; i < f->chain_count; i++)
        json_array_append_new(chains, json_chain(&r->chain[i], &f->chain[i]));
    for (size_t i = 0; i < f->talk.ca_name_count && i < RF_PROBE_CA_NAMES; i++)
        json_array_append_new(names, json_string(f->talk.ca_name[i]));
    json_object_set_new(o, "versions", json_versions(f));
    json_object_set_new(o, "groups",
                        json_pack("{s:o, s:o}", "TLS 1.3", json_groups(f->group13, f->group13_count),
                                  "TLS 1.2", json_groups(f->group12, f->group12_count)));
    if (f->dh_bits > 0)
        json_object_set_new(o, "diffie_hellman",
                            json_pack("{s:i, s:i, s:s}", "bits", f->dh_bits, "generator", f->dh_g, "group",
                                      rf_probe_dh_name(f)));
    json_object_set_new(o, "compression", json_of(f->deflate));
    json_object_set_new(o, "secure_renegotiation", json_of(f->secure_renegotiation));
    json_object_set_new(o, "client_renegotiation", json_of(f->renegotiates));
    json_object_set_new(o, "extended_master_secret", json_of(f->extended_master_secret));
    json_object_set_new(o, "encrypt_then_mac", json_of(f->encrypt_then_mac));
    json_object_set_new(o, "fallback_guard", json_of(f->fallback_guard));
    json_object_set_new(o, "heartbeat", json_of(f->heartbeat));
    json_object_set_new(o, "resumption",
                        json_pack("{s:o, s:o, s:o}", "TLS 1.3 ticket", json_resume(&f->psk13),
                                  "TLS 1.2 ticket", json_resume(&f->ticket12), "TLS 1.2 session id",
                                  json_resume(&f->id12)));
    json_object_set_new(o, "alpn", f->alpn_asked == RF_PROBE_YES ? json_string(f->alpn) : json_null());
    json_object_set_new(o, "staple",
                        f->talk.has_staple == RF_PROBE_YES ? json_string(f->talk.staple) : json_null());
    json_object_set_new(o, "must_staple", json_boolean(must_staple(f)));
    json_object_set_new(o, "client_certificate",
                        json_pack("{s:o, s:o, s:o, s:i, s:o, s:s, s:s}", "asked",
                                  json_of(f->talk.asks_certificate), "required",
                                  json_of(f->talk.needs_certificate), "taken",
                                  json_of(f->talk.takes_certificate), "authority_count",
                                  f->talk.ca_name_count, "authorities", names, "keys",
                                  f->talk.wanted_keys, "signatures", f->talk.wanted_signatures));
    json_object_set_new(o, "server_name",
                        json_pack("{s:s, s:b, s:o, s:o}", "sent", f->name, "refused", f->name_is_refused,
                                  "without", json_name(&f->no_name), "another", json_name(&f->other_name)));
    if (f->talk.is_up)
        json_object_set_new(o, "negotiated",
                            json_pack("{s:s, s:s, s:s, s:s, s:i}", "version", f->talk.version, "suite",
                                      f->talk.suite, "group", f->talk.group, "signature", f->talk.signature,
                                      "handshake_us", (int)f->talk.shake_us));
    if (f->unreadable_sent > 0)
        json_object_set_new(o, "unreadable_chain", json_integer(f->unreadable_sent));
    json_object_set_new(o, "chains", chains);
    json_object_set_new(o, "levels", json_levels(f));
    if (f->causes.is_asked)
        json_object_set_new(o, "failure", json_causes(&f->causes));
}

json_t *
rf_probe_report_json(const struct rf_probe_report *r)
{
    const struct rf_probe_result *result = r->result;
    char addr[RF_ADDR_TEXT_MAX];
    json_t *o = json_pack(
        "{s:s, s:i, s:s, s:s, s:b, s:i, s:i, s:b, s:f}", "host", result->target.host, "port",
        result->target.port, "address", result->is_resolved ? rf_addr_text(&result->target.addr, addr) : "",
        "protocol", transport_name(&result->target), "reached", result->is_reached, "connections",
        (int)result->facts.connections, "connections_failed", (int)result->facts.failed_connections,
        "timed_out", result->facts.is_timed_out, "seconds", (double)result->took_us / 1e6);

    if (o == NULL)
        return NULL;
    if (!result->is_reached)
        set_text(o, "error", result->error);
    if (result->is_reached && result->target.transport == RF_PROBE_OVER_TLS)
        add_tls(r, o);
    if (result->is_reached)
        json_object_set_new(o, "answer", json_answer(&result->facts.talk, result->target.is_sip));
    if (r->has_min)
        json_object_set_new(o, "min",
                            json_pack("{s:s, s:b, s:s}", "level", rf_tls_level_row(r->min)->name, "met",
                                      r->is_met, "below", r->below));
    return o;
}
