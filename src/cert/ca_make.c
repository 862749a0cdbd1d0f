#include "cert/ca_make.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "cert/ca_urls.h"
#include "cert/names.h"
#include "cert/part.h"

/*
 * Revoked certificates that the list of what was issued does not know. It holds some 8000 lines, so this is what one
 * that was lost whole could have revoked; the list stays below what rf_cert_file_read takes. Of more the newest stay.
 */
#define CARRIED_MAX 8000

EVP_PKEY *
rf_ca_make_key(enum rf_ca_key kind)
{
    return kind == RF_CA_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
}

/* --- names --- */

bool
rf_ca_name_kind(const char *name, enum rf_san_kind *out)
{
    struct rf_span s = rf_span_str(name), host;
    struct rf_addr a;

    *out = RF_SAN_DNS;
    if (s.n == 0 || s.n >= sizeof((struct rf_san *)0)->text)
        return false;
    if (rf_names_of_sip_uri(s, &host)) {
        *out = RF_SAN_URI;
        return host.n + 4 == s.n &&
               rf_names_is_host(host); /* a port or parameter would match nothing (RFC 5922 7.1) */
    }
    if (rf_addr_parse(s, 0, &a) == RF_OK) {
        *out = RF_SAN_IP;
        return true;
    }
    if (rf_span_starts(s, "*."))
        s = rf_span_sub(s, 2, s.n);
    return rf_names_is_host(s);
}

static GENERAL_NAME *
general_name(const char *name)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    struct rf_addr a;
    enum rf_san_kind kind;
    ASN1_STRING *s;
    bool set;

    (void)!rf_ca_name_kind(name, &kind);
    s = kind == RF_SAN_IP ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (g == NULL || s == NULL) {
        ASN1_STRING_free(s);
        GENERAL_NAME_free(g);
        return NULL;
    }
    if (kind == RF_SAN_IP && rf_addr_parse(rf_span_str(name), 0, &a) == RF_OK)
        set = a.v4.sin_family == AF_INET ? ASN1_STRING_set(s, &a.v4.sin_addr, 4) == 1
                                         : ASN1_STRING_set(s, &a.v6.sin6_addr, 16) == 1;
    else
        set = ASN1_STRING_set(s, name, -1) == 1;
    GENERAL_NAME_set0_value(g, kind == RF_SAN_IP ? GEN_IPADD : kind == RF_SAN_URI ? GEN_URI : GEN_DNS, s);
    if (!set) {
        GENERAL_NAME_free(g);
        return NULL;
    }
    return g;
}

static bool
add_names(X509 *x, const char *const *name, size_t count)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool added = names != NULL;

    for (size_t i = 0; added && i < count; i++) {
        GENERAL_NAME *g = general_name(name[i]);

        added = g != NULL && sk_GENERAL_NAME_push(names, g) > 0;
        if (!added)
            GENERAL_NAME_free(g);
    }
    added = added && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return added;
}

/* --- certificates --- */

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool added;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    added = ext != NULL && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return added;
}

/* RFC 5280 4.1.2.2: positive, at most 20 octets; 126 random bits cannot collide. */
static bool
set_serial(X509 *x)
{
    unsigned char octets[16];
    BIGNUM *n;
    bool set;

    if (RAND_bytes(octets, sizeof octets) != 1)
        return false;
    octets[0] = (unsigned char)((octets[0] & 0x7f) | 0x40);
    n = BN_bin2bn(octets, sizeof octets, NULL);
    set = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return set;
}

static bool
set_common_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

/* Version, serial, validity, key; the rest is the caller's. */
static X509 *
blank(EVP_PKEY *key, int64_t from, int64_t until)
{
    X509 *x = X509_new();

    if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
        ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until) == NULL || X509_set_pubkey(x, key) != 1) {
        X509_free(x);
        return NULL;
    }
    return x;
}

X509 *
rf_ca_make_root(EVP_PKEY *key, const char *common_name, int64_t wall_s, int days)
{
    int64_t from = wall_s - RF_CA_BACKDATE_S;
    X509 *x = blank(key, from, from + (int64_t)days * RF_CA_DAY_S);

    if (x != NULL && set_common_name(X509_get_subject_name(x), common_name) &&
        X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
        add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(x, x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()) != 0)
        return x;
    X509_free(x);
    return NULL;
}

/* Where to learn whether it was revoked (RFC 5280 4.2.1.13, 4.2.2.1). rf_ca_url_is_fit keeps them out of the syntax. */
static bool
add_urls(X509 *x, X509 *issuer, const struct rf_ca_leaf *leaf)
{
    char value[RF_CA_URL_MAX + 16];
    bool added = true;

    if (leaf->crl_url != NULL && leaf->crl_url[0] != '\0') {
        snprintf(value, sizeof value, "URI:%s", leaf->crl_url);
        added = add_extension(x, issuer, NID_crl_distribution_points, value);
    }
    if (added && leaf->ocsp_url != NULL && leaf->ocsp_url[0] != '\0') {
        snprintf(value, sizeof value, "OCSP;URI:%s", leaf->ocsp_url);
        added = add_extension(x, issuer, NID_info_access, value);
    }
    return added;
}

X509 *
rf_ca_make_leaf(EVP_PKEY *key, const struct rf_ca_leaf *leaf, const struct rf_cert *ca)
{
    X509 *x = blank(key, leaf->from, leaf->until), *issuer = rf_cert_leaf(ca);
    /*
     * Cipher suites without forward secrecy encrypt to the key of an RSA certificate; level old still has
     * them.
     */
    const char *usage = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA
                            ? "critical,digitalSignature,keyEncipherment"
                            : "critical,digitalSignature";
    const char *purpose = leaf->use == RF_CA_CLIENT   ? "clientAuth"
                          : leaf->use == RF_CA_SERVER ? "serverAuth"
                                                      : "serverAuth,clientAuth";

    if (x != NULL && set_common_name(X509_get_subject_name(x), leaf->common_name) &&
        X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
        add_names(x, leaf->name, leaf->name_count) &&
        add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(x, issuer, NID_key_usage, usage) &&
        add_extension(x, issuer, NID_ext_key_usage, purpose) &&
        add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(x, issuer, NID_authority_key_identifier, "keyid:always") &&
        add_urls(x, issuer, leaf) && X509_sign(x, rf_cert_key(ca), EVP_sha256()) != 0)
        return x;
    X509_free(x);
    return NULL;
}

static void
put_serial(const ASN1_INTEGER *serial, char *out, size_t size)
{
    struct rf_buf b = rf_buf(out, size - 1);

    rf_put_hex(&b, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    out[b.n] = '\0';
}

void
rf_ca_serial(X509 *x, char *out, size_t size)
{
    put_serial(X509_get0_serialNumber(x), out, size);
}

/* --- lists of revoked certificates --- */

static ASN1_INTEGER *
serial_of(const char *hex)
{
    BIGNUM *n = NULL;
    ASN1_INTEGER *serial = BN_hex2bn(&n, hex) > 0 ? BN_to_ASN1_INTEGER(n, NULL) : NULL;

    BN_free(n);
    return serial;
}

/*
 * It stands on one list beyond its end (RFC 5280 3.3), so that nobody sees it leave the list while it is
 * valid.
 */
static bool
is_listed(const struct rf_ca_record *r, int64_t wall_s)
{
    return r->revoked != 0 && r->until + (RF_CA_CRL_DAYS + 1) * RF_CA_DAY_S > wall_s;
}

static bool
add_revoked(X509_CRL *crl, const struct rf_ca_record *r)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = serial_of(r->serial);
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)r->revoked);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    bool added = entry != NULL && serial != NULL && when != NULL && reason != NULL &&
                 X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
                 X509_REVOKED_set_revocationDate(entry, when) == 1 &&
                 ASN1_ENUMERATED_set(reason, (long)r->reason) == 1;

    /* "unspecified" is said by saying nothing (RFC 5280 5.3.1). */
    if (added && r->reason != RF_CA_UNSPECIFIED)
        added = X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1;
    added = added && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!added)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    ASN1_ENUMERATED_free(reason);
    return added;
}

static bool
set_times(X509_CRL *crl, int64_t wall_s)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(wall_s - RF_CA_BACKDATE_S));
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(wall_s + RF_CA_CRL_DAYS * RF_CA_DAY_S));
    bool set = from != NULL && to != NULL && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
               X509_CRL_set1_nextUpdate(crl, to) == 1;

    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return set;
}

static bool
add_crl_extensions(X509_CRL *crl, X509 *issuer, int64_t number)
{
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    X509_EXTENSION *key_id;
    X509V3_CTX ctx;
    bool added = n != NULL && ASN1_INTEGER_set_int64(n, number) == 1 &&
                 X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    key_id = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    added = added && key_id != NULL && X509_CRL_add_ext(crl, key_id, -1) == 1;
    X509_EXTENSION_free(key_id);
    ASN1_INTEGER_free(n);
    return added;
}

static int
newest_first(const X509_REVOKED *const *a, const X509_REVOKED *const *b)
{
    return ASN1_TIME_compare(X509_REVOKED_get0_revocationDate(*b), X509_REVOKED_get0_revocationDate(*a));
}

static bool
has_record(const struct rf_ca_list *list, const ASN1_INTEGER *serial)
{
    char hex[sizeof list->record->serial];

    put_serial(serial, hex, sizeof hex);
    return rf_ca_list_find(list, hex) != NULL;
}

/*
 * What the last list revokes and ours does not know, because `issued` was lost, cut off between two lines or put back
 * from a backup. When those end is not known either, so they stay.
 */
static STACK_OF(X509_REVOKED) *
unknown_of(X509_CRL *was, X509_CRL *crl, const struct rf_ca_list *list)
{
    STACK_OF(X509_REVOKED) *from = X509_CRL_get_REVOKED(was), *kept = sk_X509_REVOKED_new(newest_first);

    for (int i = 0; kept != NULL && i < sk_X509_REVOKED_num(from); i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_value(from, i), *there;
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);

        if (X509_CRL_get0_by_serial(crl, &there, serial) == 1 || has_record(list, serial))
            continue;
        entry = X509_REVOKED_dup(entry);
        if (entry == NULL || sk_X509_REVOKED_push(kept, entry) <= 0) {
            X509_REVOKED_free(entry);
            sk_X509_REVOKED_pop_free(kept, X509_REVOKED_free);
            return NULL;
        }
    }
    return kept;
}

static bool
carry_over(X509_CRL *crl, X509_CRL *was, const struct rf_ca_list *list)
{
    STACK_OF(X509_REVOKED) *kept = unknown_of(was, crl, list);
    bool carried = kept != NULL;

    if (!carried)
        return false;
    sk_X509_REVOKED_sort(kept);
    for (int i = 0; carried && i < CARRIED_MAX && sk_X509_REVOKED_num(kept) > 0; i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_shift(kept);

        carried = X509_CRL_add0_revoked(crl, entry) == 1;
        if (!carried)
            X509_REVOKED_free(entry);
    }
    sk_X509_REVOKED_pop_free(kept, X509_REVOKED_free);
    return carried;
}

void
rf_ca_recall_revoked(struct rf_ca_list *list, X509_CRL *was)
{
    for (size_t i = 0; i < list->count; i++) {
        struct rf_ca_record *r = &list->record[i];
        ASN1_INTEGER *serial = r->revoked == 0 ? serial_of(r->serial) : NULL;
        X509_REVOKED *entry = NULL;
        int64_t when;

        if (serial != NULL && X509_CRL_get0_by_serial(was, &entry, serial) == 1) {
            ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);

            r->revoked = rf_part_time(X509_REVOKED_get0_revocationDate(entry), &when) && when > 0 ? when : 1;
            r->reason = reason != NULL ? (enum rf_ca_reason)ASN1_ENUMERATED_get(reason) : RF_CA_UNSPECIFIED;
            ASN1_ENUMERATED_free(reason);
        }
        ASN1_INTEGER_free(serial);
    }
}

X509_CRL *
rf_ca_make_crl(const struct rf_cert *ca, const struct rf_ca_list *list, X509_CRL *was, int64_t number, int64_t wall_s)
{
    X509_CRL *crl = X509_CRL_new();
    X509 *issuer = rf_cert_leaf(ca);
    bool made = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 && set_times(crl, wall_s) &&
                add_crl_extensions(crl, issuer, number);

    for (size_t i = 0; made && i < list->count; i++)
        if (is_listed(&list->record[i], wall_s))
            made = add_revoked(crl, &list->record[i]);
    made = made && X509_CRL_sort(crl) == 1 && (was == NULL || carry_over(crl, was, list));
    made = made && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, rf_cert_key(ca), EVP_sha256()) != 0;
    if (!made) {
        X509_CRL_free(crl);
        return NULL;
    }
    return crl;
}

int64_t
rf_ca_crl_number(X509_CRL *crl)
{
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    int64_t number = 0;

    if (n == NULL || ASN1_INTEGER_get_int64(&number, n) != 1)
        number = 0;
    ASN1_INTEGER_free(n);
    return number;
}

int64_t
rf_ca_crl_due(X509_CRL *crl)
{
    int64_t end;

    return rf_part_time(X509_CRL_get0_nextUpdate(crl), &end) ? end - RF_CA_CRL_DAYS_LEFT * RF_CA_DAY_S : 0;
}

bool
rf_ca_crl_is_stale(X509_CRL *crl, const struct rf_cert *ca, const struct rf_ca_list *list, int64_t wall_s)
{
    bool is_stale = X509_CRL_verify(crl, X509_get0_pubkey(rf_cert_leaf(ca))) != 1;
    int64_t from;

    ERR_clear_error();
    is_stale |=
        !rf_part_time(X509_CRL_get0_lastUpdate(crl), &from) || from > wall_s || rf_ca_crl_due(crl) <= wall_s;
    for (size_t i = 0; !is_stale && i < list->count; i++) {
        ASN1_INTEGER *serial = is_listed(&list->record[i], wall_s) ? serial_of(list->record[i].serial) : NULL;
        X509_REVOKED *entry;

        is_stale = serial != NULL && X509_CRL_get0_by_serial(crl, &entry, serial) != 1;
        ASN1_INTEGER_free(serial);
    }
    return is_stale;
}
