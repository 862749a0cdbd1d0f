#include "cert/device.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cert/names.h"

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * An address at the beginning of `s`: groups of hexadecimal digits with the same mark between them. Returns its
 * length, 0 for none.
 *
 *   address = 12HEXDIG / 2HEXDIG 5(":" 2HEXDIG) / 2HEXDIG 5("-" 2HEXDIG) / 4HEXDIG 2("." 4HEXDIG)
 */
static size_t
address_at(struct rf_span s, char mac[static RF_DEVICE_TEXT_MAX])
{
    static const struct {
        size_t group;
        char mark;
    } notation[] = { { 12, '\0' }, { 2, ':' }, { 2, '-' }, { 4, '.' } };

    for (size_t k = 0; k < sizeof notation / sizeof *notation; k++) {
        size_t at = 0, n = 0;

        while (n < 12 && at < s.n) {
            if (n > 0 && n % notation[k].group == 0) {
                if (s.p[at] != notation[k].mark || ++at == s.n)
                    break;
            }
            if (digit_of(s.p[at]) < 0)
                break;
            mac[n++] = "0123456789abcdef"[digit_of(s.p[at++])];
        }
        mac[12] = '\0';
        if (n == 12)
            return at;
    }
    return 0;
}

/* A handset has an address of its own: not zero, and not one of a group (IEEE 802: lowest bit of the first octet). */
static bool
is_of_one(const char *mac)
{
    return (digit_of(mac[1]) & 1) == 0 && strcmp(mac, "000000000000") != 0;
}

enum rf_err
rf_device_parse(struct rf_span text, char out[static RF_DEVICE_TEXT_MAX])
{
    size_t n = address_at(text, out);

    if (n == 0 || n != text.n) {
        out[0] = '\0';
        return RF_ERR_SYNTAX;
    }
    return is_of_one(out) ? RF_OK : RF_ERR_RANGE;
}

/*
 * Is the address at `at`, n octets long, a part of something longer? Thirteen digits, or a seventh pair before or
 * after it. (A model before it, as in "T48-02-a0-...", is no pair.)
 */
static bool
is_part_of_longer(struct rf_span s, size_t at, size_t n)
{
    size_t end = at + n, group = n == 14 ? 4 : 2, run = 0;
    char mark;

    if (end < s.n && digit_of(s.p[end]) >= 0)
        return true;
    if (n == 12)
        return false;
    mark = s.p[at + group];
    if (end + 1 < s.n && s.p[end] == mark && digit_of(s.p[end + 1]) >= 0)
        return true;
    if (at == 0 || s.p[at - 1] != mark)
        return false;
    while (run + 1 < at && digit_of(s.p[at - 2 - run]) >= 0)
        run++;
    return run == group && (at - 1 == run || !rf_names_is_host(rf_span_sub(s, at - 2 - run, 1)));
}

void
rf_device_search(struct rf_span text, struct rf_device_id *found)
{
    for (size_t i = 0; i < text.n;) {
        char mac[RF_DEVICE_TEXT_MAX];
        struct rf_span rest = rf_span_sub(text, i, text.n);
        size_t n = address_at(rest, mac);

        if (n == 0 || is_part_of_longer(text, i, n)) {
            /* A whole run of digits is passed over, so that no address is cut out of a longer number. */
            bool is_digit = digit_of(text.p[i]) >= 0;

            while (i < text.n && (digit_of(text.p[i]) >= 0) == is_digit)
                i++;
            continue;
        }
        i += n;
        if (!is_of_one(mac) || (found->found != RF_DEVICE_NONE && strcmp(found->mac, mac) == 0))
            continue;
        if (found->found == RF_DEVICE_NONE)
            memcpy(found->mac, mac, sizeof mac);
        found->found = found->found == RF_DEVICE_NONE ? RF_DEVICE_ONE : RF_DEVICE_SEVERAL;
    }
}

static void
search_subject(X509 *x, int nid, bool whole, struct rf_device_id *out)
{
    const X509_NAME *subject = X509_get_subject_name(x);

    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, nid, i)) >= 0;) {
        unsigned char *utf8 = NULL;
        int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        struct rf_span text = rf_span(utf8, n > 0 ? (size_t)n : 0);
        char mac[RF_DEVICE_TEXT_MAX];

        /* A NUL is how a name hides its end from some programs; such a certificate identifies nothing. */
        if (rf_span_find(text, '\0') < text.n)
            out->found = RF_DEVICE_SEVERAL;
        else if (!whole || rf_device_parse(text, mac) == RF_OK)
            rf_device_search(text, out);
        OPENSSL_free(utf8);
    }
}

static void
search_names(X509 *x, struct rf_device_id *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < RF_NAMES_MAX; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        struct rf_span name;

        if (g->type != GEN_DNS)
            continue;
        name = rf_span(ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName));
        rf_device_search(rf_span_sub(name, 0, rf_span_find(name, '.')), out);
    }
    GENERAL_NAMES_free(names);
}

void
rf_device_identify(X509 *x, unsigned fields, struct rf_device_id *out)
{
    static const struct {
        unsigned field;
        int nid;
        bool whole;
    } subject[] = {
        { RF_DEVICE_CN, NID_commonName, false },
        { RF_DEVICE_SERIAL, NID_serialNumber, false },
        { RF_DEVICE_STATE, NID_stateOrProvinceName, true },
        { RF_DEVICE_OU, NID_organizationalUnitName, false },
    };

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof subject / sizeof *subject; i++)
        if ((fields & subject[i].field) != 0)
            search_subject(x, subject[i].nid, subject[i].whole, out);
    if ((fields & RF_DEVICE_DNS) != 0)
        search_names(x, out);
    ERR_clear_error();
}
