#include "cert/names.h"

#include <openssl/err.h>
#include <stdio.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4, as text */
#define LABEL_MAX 63

static struct rf_span
octets_of(const ASN1_STRING *s)
{
    return rf_span(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool
is_host_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
rf_names_is_host(struct rf_span s)
{
    size_t label = 0;

    if (s.n == 0 || s.n > HOST_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? label == 0 : !is_host_octet(s.p[i]))
            return false;
        label = s.p[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
    }
    return label > 0;
}

bool
rf_names_target(struct rf_span text, struct rf_span *out)
{
    struct rf_span s = rf_span_trim(text);
    struct rf_addr a;

    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    *out = s;
    return rf_addr_parse(s, 0, &a) == RF_OK || rf_names_is_host(s);
}

/* "*.example.net" for "a.example.net": one whole label on the left, and two labels after it at least. */
static bool
is_covered(struct rf_span pattern, struct rf_span host)
{
    struct rf_span rest, under;
    size_t dot = rf_span_find(host, '.');

    if (pattern.n < 3 || pattern.p[0] != '*' || pattern.p[1] != '.' || dot == 0 || dot == host.n)
        return false;
    rest = rf_span_sub(pattern, 2, pattern.n);
    under = rf_span_sub(host, dot + 1, host.n);
    return rf_names_is_host(rest) && rf_span_find(rest, '.') < rest.n && rf_span_ieq(rest, under);
}

/* --- SIP URI --- */

bool
rf_names_of_sip_uri(struct rf_span uri, struct rf_span *host)
{
    struct rf_span rest;
    size_t end = 0;

    if (uri.n < 4 || !rf_span_ieq(rf_span_sub(uri, 0, 4), RF_SPAN_LIT("sip:")) ||
        rf_span_find(uri, '@') < uri.n)
        return false;
    rest = rf_span_sub(uri, 4, uri.n);
    while (end < rest.n && rest.p[end] != ':' && rest.p[end] != ';' && rest.p[end] != '?')
        end++;
    *host = rf_span_sub(rest, 0, end);
    return true;
}

/* --- what is shown --- */

struct shown {
    struct rf_buf text;
    size_t left_out;
};

/* What is not printable becomes "?": these are the peer's octets on their way to a log. */
static void
show(struct shown *s, const char *kind, struct rf_span name)
{
    size_t cap = sizeof((struct rf_names_result *)0)->shown - sizeof ", and 1000 more";

    if (s->text.n + name.n + strlen(kind) + 2 > cap) {
        s->left_out++;
        return;
    }
    if (s->text.n > 0)
        rf_put_str(&s->text, ", ");
    rf_put_str(&s->text, kind);
    for (size_t i = 0; i < name.n; i++)
        rf_put_char(&s->text, name.p[i] > ' ' && name.p[i] < 0x7f ? name.p[i] : '?');
}

static void
shown_end(struct shown *s)
{
    if (s->left_out > 0)
        rf_putf(&s->text, "%s%zu more", s->text.n > 0 ? ", and " : "", s->left_out);
    rf_put_char(&s->text, '\0');
}

/* --- the three questions --- */

static GENERAL_NAMES *
names_of(X509 *x, bool *is_there)
{
    int critical = -1;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);

    *is_there = critical != -1; /* also when it stands there twice or cannot be read */
    ERR_clear_error();
    return names;
}

static int
count_of(const GENERAL_NAMES *names)
{
    int n = sk_GENERAL_NAME_num(names);

    return n > RF_NAMES_MAX ? RF_NAMES_MAX : n;
}

/* RFC 5922 7.1, 2: the common name, when it is a host name. */
static void
match_common_name(X509 *x, struct rf_span domain, struct rf_names_result *out)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int last = -1;

    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
        last = i;
    if (last >= 0) {
        struct rf_span cn = octets_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));

        out->is_match = rf_names_is_host(cn) && rf_span_ieq(cn, domain);
    }
}

void
rf_names_sip(X509 *x, struct rf_span domain, bool common_name_counts, bool wildcard_counts,
             struct rf_names_result *out)
{
    bool has_names, has_sip = false;
    GENERAL_NAMES *names = names_of(x, &has_names);
    struct shown shown = { 0 };
    struct rf_span host;

    memset(out, 0, sizeof *out);
    shown.text = rf_buf(out->shown, sizeof out->shown);
    for (int i = 0; i < count_of(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

        if (g->type != GEN_URI || !rf_names_of_sip_uri(octets_of(g->d.uniformResourceIdentifier), &host))
            continue;
        has_sip = true;
        out->is_match |= rf_names_is_host(host) && rf_span_ieq(host, domain);
        show(&shown, "sip:", host);
    }
    /* "if and only if no other identity is found that matches the sip URI type" */
    for (int i = 0; !has_sip && i < count_of(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

        if (g->type != GEN_DNS)
            continue;
        host = octets_of(g->d.dNSName);
        out->is_match |= rf_names_is_host(host) && rf_span_ieq(host, domain);
        out->is_wildcard |= is_covered(host, domain);
        show(&shown, "", host);
    }
    if (wildcard_counts && out->is_wildcard)
        out->is_match = true;
    if (out->is_match)
        out->is_wildcard = false;
    if (!has_names && common_name_counts)
        match_common_name(x, domain, out);
    shown_end(&shown);
    GENERAL_NAMES_free(names);
}

void
rf_names_host(X509 *x, struct rf_span host, struct rf_names_result *out)
{
    bool has_names;
    GENERAL_NAMES *names = names_of(x, &has_names);
    struct shown shown = { 0 };

    memset(out, 0, sizeof *out);
    shown.text = rf_buf(out->shown, sizeof out->shown);
    for (int i = 0; i < count_of(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        struct rf_span name;

        if (g->type != GEN_DNS)
            continue;
        name = octets_of(g->d.dNSName);
        out->is_match |= (rf_names_is_host(name) && rf_span_ieq(name, host)) || is_covered(name, host);
        show(&shown, "", name);
    }
    shown_end(&shown);
    GENERAL_NAMES_free(names);
}

/* From the octets of an iPAddress; false: neither 4 nor 16. */
static bool
address_of(struct rf_span octets, struct rf_addr *out)
{
    memset(out, 0, sizeof *out);
    if (octets.n == 4) {
        out->v4.sin_family = AF_INET;
        memcpy(&out->v4.sin_addr, octets.p, 4);
        return true;
    }
    if (octets.n == 16) {
        out->v6.sin6_family = AF_INET6;
        memcpy(&out->v6.sin6_addr, octets.p, 16);
        *out = rf_addr_from(&out->sa);
        return true;
    }
    return false;
}

void
rf_names_address(X509 *x, const struct rf_addr *address, struct rf_names_result *out)
{
    bool has_names;
    GENERAL_NAMES *names = names_of(x, &has_names);
    struct rf_addr wanted = rf_addr_from(&address->sa), a;
    struct shown shown = { 0 };

    memset(out, 0, sizeof *out);
    shown.text = rf_buf(out->shown, sizeof out->shown);
    for (int i = 0; i < count_of(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        char text[RF_ADDR_TEXT_MAX];
        struct rf_buf b = rf_buf(text, sizeof text);

        if (g->type != GEN_IPADD || !address_of(octets_of(g->d.iPAddress), &a))
            continue;
        out->is_match |= rf_addr_same_host(&a, &wanted);
        rf_put_host(&b, &a, false);
        show(&shown, "", rf_buf_span(&b));
    }
    shown_end(&shown);
    GENERAL_NAMES_free(names);
}
