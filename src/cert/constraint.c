/*
 * Name constraints (RFC 5280 4.2.1.10): which names an authority may sign for.
 *
 * Our own, since OpenSSL's takes a URI without "//" for a syntax error, and sip:example.net is the name that a SIP
 * certificate has (RFC 5922). A form of name that we cannot compare is not allowed when it is constrained.
 */
#include <openssl/err.h>
#include <stdio.h>

#include "cert/names.h"
#include "cert/path.h"

/* Comparisons for one certificate: 250 names (public authorities' most) against 250 constraints. */
#define COMPARISONS_MAX 65536

struct names {
    const NAME_CONSTRAINTS *nc;
    size_t comparisons;
    char *why;
    size_t size;
};

static struct rf_span
octets_of(const ASN1_STRING *s)
{
    return rf_span(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool
ends_with(struct rf_span s, struct rf_span end)
{
    return s.n >= end.n && rf_span_ieq(rf_span_sub(s, s.n - end.n, s.n), end);
}

/* "example.net" is the name itself and all below it; ".example.net" only those below it. */
static bool
is_below(struct rf_span name, struct rf_span base)
{
    if (base.n == 0)
        return true;
    if (base.p[0] == '.')
        return name.n > base.n && ends_with(name, base);
    return rf_span_ieq(name, base) ||
           (name.n > base.n && ends_with(name, base) && name.p[name.n - base.n - 1] == '.');
}

/* A wildcard is for names below an excluded one as well: "*.example.net" reaches into "a.example.net". */
static bool
reaches_into(struct rf_span name, struct rf_span base)
{
    if (base.n > 0 && base.p[0] == '.')
        base = rf_span_sub(base, 1, base.n);
    return name.n > 2 && name.p[0] == '*' && name.p[1] == '.' &&
           ends_with(base, rf_span_sub(name, 1, name.n));
}

/* A URI's or mailbox's host: ".example.net" is what is below it, "example.net" that host alone. */
static bool
is_host_in(struct rf_span host, struct rf_span base)
{
    return base.n > 0 && base.p[0] == '.' ? is_below(host, base) : rf_span_ieq(host, base);
}

/* Up to the first of these octets. A NUL is an octet like any other. */
static struct rf_span
up_to(struct rf_span s, struct rf_span marks)
{
    size_t end = 0;

    while (end < s.n && rf_span_find(marks, s.p[end]) == marks.n)
        end++;
    return rf_span_sub(s, 0, end);
}

/* Host of a URI with or without an authority; false when it has none that is a host name. */
static bool
host_of(struct rf_span uri, struct rf_span *host)
{
    size_t colon = rf_span_find(uri, ':'), at;
    struct rf_span rest;

    if (colon == uri.n)
        return false;
    rest = rf_span_sub(uri, colon + 1, uri.n);
    if (rest.n >= 2 && rest.p[0] == '/' && rest.p[1] == '/')
        rest = up_to(rf_span_sub(rest, 2, rest.n), RF_SPAN_LIT("/?#"));
    at = rf_span_find(rest, '@');
    if (at < rest.n)
        rest = rf_span_sub(rest, at + 1, rest.n);
    *host = up_to(rest, RF_SPAN_LIT(":;?"));
    return rf_names_is_host(*host);
}

static bool
is_mailbox_in(struct rf_span mailbox, struct rf_span base)
{
    size_t at = rf_span_find(mailbox, '@'), base_at = rf_span_find(base, '@');
    struct rf_span host = rf_span_sub(mailbox, at + 1, mailbox.n);

    if (at == mailbox.n)
        return false;
    if (base_at == base.n)
        return is_host_in(host, base);
    return rf_span_eq(rf_span_sub(mailbox, 0, at), rf_span_sub(base, 0, base_at)) &&
           rf_span_ieq(host, rf_span_sub(base, base_at + 1, base.n));
}

static bool
is_address_in(struct rf_span address, struct rf_span base)
{
    if (base.n != 2 * address.n)
        return false;
    for (size_t i = 0; i < address.n; i++)
        if (((address.p[i] ^ base.p[i]) & base.p[address.n + i]) != 0)
            return false;
    return true;
}

/* The base is the beginning of the name, part by part. */
static bool
is_directory_in(const X509_NAME *name, const X509_NAME *base)
{
    int n = X509_NAME_entry_count(base), sets;
    X509_NAME *head;
    bool is;

    if (n == 0)
        return true;
    sets = X509_NAME_ENTRY_set(X509_NAME_get_entry(base, n - 1)) + 1;
    head = X509_NAME_dup(name);
    for (int i = head != NULL ? X509_NAME_entry_count(head) - 1 : -1; i >= 0; i--)
        if (X509_NAME_ENTRY_set(X509_NAME_get_entry(head, i)) >= sets)
            X509_NAME_ENTRY_free(X509_NAME_delete_entry(head, i));
    is = head != NULL && X509_NAME_cmp(head, base) == 0;
    X509_NAME_free(head);
    return is;
}

/* One name against one subtree of its form; *is_comparable false: it cannot be told. */
static bool
is_in(const GENERAL_NAME *g, const GENERAL_NAME *base, bool is_excluded, bool *is_comparable)
{
    struct rf_span host;

    *is_comparable = true;
    switch (g->type) {
    case GEN_DNS:
        return is_below(octets_of(g->d.dNSName), octets_of(base->d.dNSName)) ||
               (is_excluded && reaches_into(octets_of(g->d.dNSName), octets_of(base->d.dNSName)));
    case GEN_URI:
        *is_comparable = host_of(octets_of(g->d.uniformResourceIdentifier), &host);
        return *is_comparable && is_host_in(host, octets_of(base->d.uniformResourceIdentifier));
    case GEN_EMAIL:
        return is_mailbox_in(octets_of(g->d.rfc822Name), octets_of(base->d.rfc822Name));
    case GEN_IPADD:
        return is_address_in(octets_of(g->d.iPAddress), octets_of(base->d.iPAddress));
    case GEN_DIRNAME:
        return is_directory_in(g->d.directoryName, base->d.directoryName);
    default:
        *is_comparable = false;
        return false;
    }
}

/* Subtrees that are not of the plain form (RFC 5280: minimum 0, no maximum) are ones we cannot judge by. */
static bool
is_plain(const GENERAL_SUBTREE *t)
{
    return t->maximum == NULL && (t->minimum == NULL || ASN1_INTEGER_get(t->minimum) == 0);
}

static bool
refuse(struct names *n, const GENERAL_NAME *g, const char *what)
{
    struct rf_buf b = rf_buf(n->why, n->size - 1);
    struct rf_span text = { 0 };
    char subject[80];

    if (g->type == GEN_DNS || g->type == GEN_URI || g->type == GEN_EMAIL)
        text = octets_of(g->d.ia5);
    if (g->type == GEN_DIRNAME) {
        X509_NAME_oneline(g->d.directoryName, subject, sizeof subject);
        text = rf_span_str(subject);
    }
    for (size_t i = 0; i < text.n && i < 80; i++)
        rf_put_char(&b, text.p[i] >= ' ' && text.p[i] < 0x7f ? text.p[i] : '?');
    rf_putf(&b, "%s%s", text.n > 0 ? ": " : "", what);
    n->why[b.n] = '\0';
    return false;
}

static bool
is_allowed(struct names *n, const GENERAL_NAME *g)
{
    bool is_permitted = false, has_permitted = false, is_comparable;

    for (int i = 0; i < sk_GENERAL_SUBTREE_num(n->nc->excludedSubtrees); i++) {
        const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(n->nc->excludedSubtrees, i);

        if (t->base->type != g->type)
            continue;
        if (++n->comparisons > COMPARISONS_MAX)
            return refuse(n, g, "too many names");
        if (!is_plain(t) || is_in(g, t->base, true, &is_comparable) || !is_comparable)
            return refuse(n, g, "an excluded name");
    }
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(n->nc->permittedSubtrees) && !is_permitted; i++) {
        const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(n->nc->permittedSubtrees, i);

        if (t->base->type != g->type)
            continue;
        if (++n->comparisons > COMPARISONS_MAX)
            return refuse(n, g, "too many names");
        has_permitted = true;
        is_permitted = is_plain(t) && is_in(g, t->base, false, &is_comparable);
    }
    return !has_permitted || is_permitted || refuse(n, g, "not a permitted name");
}

/* A string of the subject as a name of another form. */
static bool
is_string_allowed(struct names *n, int type, const ASN1_STRING *s)
{
    GENERAL_NAME g = { .type = type };
    ASN1_STRING *ia5 = ASN1_STRING_type_new(V_ASN1_IA5STRING);
    bool is = ia5 != NULL && ASN1_STRING_set(ia5, ASN1_STRING_get0_data(s), ASN1_STRING_length(s)) == 1;

    g.d.ia5 = ia5;
    is = is && is_allowed(n, &g);
    ASN1_STRING_free(ia5);
    return is;
}

/*
 * The subject is a directory name; its mailboxes count when no other name is a mailbox; and a common name that is a
 * host name is one where there are no other names, since somebody may take it for one.
 */
static bool
is_subject_allowed(struct names *n, X509 *x, bool has_names, bool has_mailbox)
{
    X509_NAME *subject = X509_get_subject_name(x);
    GENERAL_NAME g = { .type = GEN_DIRNAME, .d.directoryName = subject };

    if (X509_NAME_entry_count(subject) > 0 && !is_allowed(n, &g))
        return false;
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(subject, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(e));
        const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);

        if (nid == NID_pkcs9_emailAddress && !has_mailbox && !is_string_allowed(n, GEN_EMAIL, s))
            return false;
        if (nid == NID_commonName && !has_names && rf_names_is_host(octets_of(s)) &&
            rf_span_find(octets_of(s), '.') < (size_t)ASN1_STRING_length(s) &&
            !is_string_allowed(n, GEN_DNS, s))
            return false;
    }
    return true;
}

bool
rf_constraint_is_kept(const struct rf_part *p, const NAME_CONSTRAINTS *nc, char *why, size_t size)
{
    struct names n = { .nc = nc, .why = why, .size = size };
    int critical = -1;
    GENERAL_NAMES *names = X509_get_ext_d2i(p->x, NID_subject_alt_name, &critical, NULL);
    bool is_kept = true, has_mailbox = false;

    why[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && is_kept; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

        has_mailbox |= g->type == GEN_EMAIL;
        is_kept = is_allowed(&n, g);
    }
    if (names == NULL && critical != -1) {
        snprintf(why, size, "names that cannot be read");
        is_kept = false;
    }
    is_kept = is_kept && is_subject_allowed(&n, p->x, names != NULL, has_mailbox);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return is_kept;
}
