#include "cert/part.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Extensions that path building and the rules honour, or that restrict nothing. */
static const int known[] = {
    NID_key_usage,
    NID_ext_key_usage,
    NID_basic_constraints,
    NID_subject_alt_name,
    NID_name_constraints,
    NID_certificate_policies,
    NID_policy_constraints,
    NID_policy_mappings,
    NID_inhibit_any_policy,
    NID_crl_distribution_points,
    NID_authority_key_identifier,
    NID_subject_key_identifier,
    NID_id_pkix_OCSP_noCheck,
};

#define OID_SIP_DOMAIN "1.3.6.1.5.5.7.3.20" /* RFC 5924 */

bool
rf_part_time(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;

    /* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ: no offsets, no fractions. */
    if (t == NULL || ASN1_STRING_length(t) != (ASN1_STRING_type(t) == V_ASN1_UTCTIME ? 13 : 15) ||
        ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

void
rf_part_time_text(int64_t s, char *out, size_t size)
{
    time_t t = (time_t)s;
    struct tm tm;

    if (size > 0 && (gmtime_r(&t, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M UTC", &tm) == 0))
        out[0] = '\0';
}

/* Clipped between two characters: half of one is no UTF-8, and whoever reads JSON or metrics refuses the whole text. */
static size_t
clipped(const char *text, size_t n, size_t max)
{
    if (n <= max)
        return n;
    n = max;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

void
rf_part_name(const X509_NAME *name, char *out, size_t size)
{
    BIO *b = BIO_new(BIO_s_mem());
    size_t n = 0;
    char *text;
    long all;

    /* Control characters are escaped, so a name cannot fake a line of a log; UTF-8 stays. */
    if (b != NULL && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0 &&
        (all = BIO_get_mem_data(b, &text)) > 0) {
        n = clipped(text, (size_t)all, size - 1);
        memcpy(out, text, n);
    }
    out[n] = '\0';
    BIO_free(b);
}

void
rf_part_subject(const struct rf_part *p, char *out, size_t size)
{
    rf_part_name(X509_get_subject_name(p->x), out, size);
    if (out[0] == '\0')
        snprintf(out, size, "(no subject)");
}

void
rf_part_issuer(const struct rf_part *p, char *out, size_t size)
{
    rf_part_name(X509_get_issuer_name(p->x), out, size);
}

void
rf_part_spki(X509 *x, uint8_t out[static 32])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    unsigned made = 32;

    memset(out, 0, 32);
    if (n > 0 && EVP_Digest(der, (size_t)n, out, &made, EVP_sha256(), NULL) != 1)
        memset(out, 0, 32);
    OPENSSL_free(der);
}

/* --- keys --- */

/* An RSA key with exponent 1, or an even one, signs nothing: whoever sees it can forge. */
static bool
rsa_is_usable(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool usable = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) && !BN_is_one(e);

    BN_free(e);
    return usable;
}

static void
read_key(struct rf_part *p, bool is_ours)
{
    EVP_PKEY *key = X509_get0_pubkey(p->x);
    int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

    p->key_kind = "";
    if (key == NULL || bits <= 0)
        return;
    p->key_bits = bits;
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
    case EVP_PKEY_DSA:
    case EVP_PKEY_DH:
        p->key_kind = EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA  ? "DSA"
                      : EVP_PKEY_get_base_id(key) == EVP_PKEY_DH ? "DH"
                                                                 : "RSA";
        /* The rule names 1024 and 2048 bits, so 1023 and 2047 are too few, whatever a formula of strength rounds. */
        p->key_strength = bits >= 2048 ? RF_STRENGTH_RSA_2048 : bits >= 1024 ? RF_STRENGTH_RSA_1024 : 1;
        if (strcmp(p->key_kind, "RSA") == 0 && !rsa_is_usable(key))
            p->key_strength = 0;
        p->can_verify =
            p->key_strength > 0 && strcmp(p->key_kind, "DH") != 0 &&
            (is_ours || bits <= (p->key_kind[0] == 'R' ? RF_PART_RSA_BITS_MAX : RF_PART_DSA_BITS_MAX));
        break;
    case EVP_PKEY_EC: {
        char group[64];
        int is_explicit = 0;

        p->key_kind = "EC";
        /* Half of the order's bits. Parameters instead of a name are forbidden (RFC 5480 2.1.1): elsewhere they were
         * a way to forge (CVE-2020-0601). */
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
            EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) != 1 ||
            is_explicit)
            break;
        p->key_strength = bits / 2;
        p->can_verify = true;
        break;
    }
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        p->key_kind = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED448 ? "Ed448" : "Ed25519";
        p->key_strength = EVP_PKEY_get_security_bits(key);
        p->can_verify = true;
        break;
    default:
        p->key_kind = "unknown";
        break;
    }
}

/* --- signature --- */

static void
read_signature(struct rf_part *p)
{
    int nid = X509_get_signature_nid(p->x), digest = NID_undef, key = NID_undef, bits = 0;
    uint32_t flags;
    const char *name = OBJ_nid2sn(nid);

    snprintf(p->signature, sizeof p->signature, "%s", name != NULL && nid != NID_undef ? name : "unknown");
    if (X509_get_signature_info(p->x, &digest, &key, &bits, &flags) != 1)
        bits = 0;
    /* Not by strength alone: what is asked is "no MD5, no SHA-1", and libraries differ in how they rate them. */
    p->has_weak_signature = bits < RF_STRENGTH_RSA_1024 || digest == NID_sha1 || digest == NID_md5 ||
                            digest == NID_md5_sha1 || digest == NID_md4 || digest == NID_md2 ||
                            digest == NID_mdc2;
}

/* --- extensions --- */

/* The first critical extension that is not in `known`, and whether one stands there twice (RFC 5280 4.2). */
static void
read_critical(struct rf_part *p)
{
    int n = X509_get_ext_count(p->x);

    for (int i = 0; i < n; i++) {
        X509_EXTENSION *e = X509_get_ext(p->x, i);
        const ASN1_OBJECT *o = X509_EXTENSION_get_object(e);
        int nid = OBJ_obj2nid(o);
        bool is_known = false;

        for (size_t k = 0; nid != NID_undef && k < sizeof known / sizeof *known; k++)
            is_known |= known[k] == nid;
        if (is_known && X509_get_ext_by_OBJ(p->x, o, i) >= 0)
            p->is_malformed = true;
        if (!is_known && X509_EXTENSION_get_critical(e) && p->unknown_critical[0] == '\0' &&
            OBJ_obj2txt(p->unknown_critical, sizeof p->unknown_critical, o, 1) <= 0)
            snprintf(p->unknown_critical, sizeof p->unknown_critical, "unreadable");
    }
}

static void
read_purposes(struct rf_part *p)
{
    int critical = -1;
    EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(p->x, NID_ext_key_usage, &critical, NULL);

    p->has_purpose = list != NULL;
    p->is_malformed |= list == NULL && critical != -1;
    for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
        const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(list, i);
        char oid[32];

        switch (OBJ_obj2nid(o)) {
        case NID_client_auth:
            p->purpose |= RF_PURPOSE_CLIENT;
            break;
        case NID_server_auth:
            p->purpose |= RF_PURPOSE_SERVER;
            break;
        case NID_anyExtendedKeyUsage:
            p->purpose |= RF_PURPOSE_ANY;
            break;
        default:
            p->purpose |= OBJ_obj2txt(oid, sizeof oid, o, 1) > 0 && strcmp(oid, OID_SIP_DOMAIN) == 0
                              ? RF_PURPOSE_SIP
                              : RF_PURPOSE_OTHER;
            break;
        }
    }
    EXTENDED_KEY_USAGE_free(list);
}

static void
read_basic(struct rf_part *p)
{
    int critical = -1;
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(p->x, NID_basic_constraints, &critical, NULL);

    p->path_len = -1;
    p->is_malformed |= bc == NULL && critical != -1;
    if (bc == NULL)
        return;
    p->has_basic = true;
    p->is_ca = bc->ca != 0;
    if (bc->pathlen != NULL) {
        int64_t len;

        /* More than any path we follow is no limit; less than 0 is nonsense that limits to nothing. */
        p->path_len =
            ASN1_INTEGER_get_int64(&len, bc->pathlen) == 1 && len >= 0 ? (len > 1000 ? 1000 : (long)len) : 0;
    }
    BASIC_CONSTRAINTS_free(bc);
}

static void
read_policies(struct rf_part *p)
{
    int critical = -1;
    POLICY_CONSTRAINTS *pc = X509_get_ext_d2i(p->x, NID_policy_constraints, &critical, NULL);

    p->is_malformed |= pc == NULL && critical != -1;
    p->wants_policies = pc != NULL && pc->requireExplicitPolicy != NULL;
    POLICY_CONSTRAINTS_free(pc);
}

static void
read_constraints(struct rf_part *p)
{
    int critical = -1;

    p->constraints = X509_get_ext_d2i(p->x, NID_name_constraints, &critical, NULL);
    p->is_malformed |= p->constraints == NULL && critical != -1;
}

void
rf_part_read(struct rf_part *p, X509 *x, bool is_ours)
{
    unsigned n = sizeof p->sha256;
    uint32_t flags;

    memset(p, 0, sizeof *p);
    p->x = x;
    flags = X509_get_extension_flags(x); /* OpenSSL reads its extensions now, under its own lock */
    p->is_v1 = X509_get_version(x) != X509_VERSION_3;
    p->is_malformed = (flags & EXFLAG_INVALID) != 0 || (p->is_v1 && X509_get_ext_count(x) > 0);
    p->is_self_issued = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
    p->has_times = rf_part_time(X509_get0_notBefore(x), &p->not_before) &&
                   rf_part_time(X509_get0_notAfter(x), &p->not_after);
    p->has_key_usage = (flags & EXFLAG_KUSAGE) != 0;
    p->key_usage = p->has_key_usage ? X509_get_key_usage(x) : 0;
    read_basic(p);
    read_purposes(p);
    read_policies(p);
    read_constraints(p);
    read_critical(p);
    read_key(p, is_ours);
    read_signature(p);
    if (X509_digest(x, EVP_sha256(), p->sha256, &n) != 1)
        memset(p->sha256, 0, sizeof p->sha256);
    rf_part_spki(x, p->spki);
    ERR_clear_error();
}

void
rf_part_fini(struct rf_part *p)
{
    NAME_CONSTRAINTS_free(p->constraints);
    p->constraints = NULL;
}

bool
rf_part_is_self_signed(const struct rf_part *p)
{
    bool is = p->is_self_issued && p->can_verify && X509_verify(p->x, X509_get0_pubkey(p->x)) == 1;

    ERR_clear_error();
    return is;
}

enum rf_part_fit
rf_part_fit(const struct rf_part *p, const struct rf_part *issuer)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(p->x);
    const ASN1_OCTET_STRING *has = X509_get0_subject_key_id(issuer->x);

    if (wanted == NULL || has == NULL)
        return RF_PART_MAY_FIT;
    return ASN1_OCTET_STRING_cmp(wanted, has) == 0 ? RF_PART_FITS : RF_PART_FITS_NOT;
}
