#include "tls/hello.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>

/* Values that stand for nothing: GREASE (RFC 8701), TLS_FALLBACK_SCSV, the renegotiation SCSV (RFC 5746). */
static bool
is_grease(unsigned v)
{
    return (v & 0x0f0f) == 0x0a0a && (v >> 8) == (v & 0xff);
}

#define SCSV_FALLBACK 0x5600
#define SCSV_RENEGOTIATION 0x00ff

static unsigned
u16(struct rf_span s, size_t at)
{
    return (unsigned)(unsigned char)s.p[at] << 8 | (unsigned char)s.p[at + 1];
}

/* The numbers of a list from octet `at` on, without GREASE; *count may pass max. */
static void
read_numbers(struct rf_span body, size_t at, uint16_t *to, size_t max, uint16_t *count)
{
    for (; at + 1 < body.n; at += 2) {
        unsigned v = u16(body, at);

        if (is_grease(v))
            continue;
        if (*count < max)
            to[*count] = (uint16_t)v;
        if (*count < UINT16_MAX)
            (*count)++;
    }
}

/* The versions a client can speak, as the table of levels knows them. */
static rf_tls_level_set
read_versions(const struct rf_tls_hello_parts *parts, struct rf_tls_offer *o)
{
    rf_tls_level_set set = 0;

    if (!parts->has_versions) {
        o->highest_version = parts->legacy_version > TLS1_2_VERSION ? TLS1_2_VERSION : parts->legacy_version;
        /* It speaks that or less: RFC 5246 E.1. */
        for (int v = TLS1_VERSION; v <= o->highest_version; v++)
            set |= rf_tls_levels_with_version(v);
        return set;
    }
    read_numbers(parts->versions, 1, o->version, RF_TLS_OFFER_VERSIONS, &o->version_count);
    for (size_t i = 1; i + 1 < parts->versions.n; i += 2) {
        int v = (int)u16(parts->versions, i);

        if (is_grease((unsigned)v) || v > TLS1_3_VERSION)
            continue;
        set |= rf_tls_levels_with_version(v);
        if (v > o->highest_version)
            o->highest_version = v;
    }
    return set;
}

static rf_tls_level_set
read_suites(struct rf_span body, struct rf_tls_offer *o)
{
    rf_tls_level_set set = 0;

    for (size_t i = 0; i + 1 < body.n; i += 2) {
        unsigned id = u16(body, i);

        o->is_fallback |= id == SCSV_FALLBACK;
        if (is_grease(id) || id == SCSV_FALLBACK || id == SCSV_RENEGOTIATION)
            continue;
        if (o->suite_count < RF_TLS_OFFER_SUITES)
            o->suite[o->suite_count] = (uint16_t)id;
        if (o->suite_count < UINT16_MAX)
            o->suite_count++;
        set |= rf_tls_levels_with_suite((uint16_t)id);
    }
    return set;
}

static rf_tls_level_set
read_groups(const struct rf_tls_hello_parts *parts, struct rf_tls_offer *o)
{
    rf_tls_level_set set = 0;

    o->has_groups = parts->has_groups;
    if (!parts->has_groups) /* a TLS 1.2 client takes any group then (RFC 8422 4) */
        return (rf_tls_level_set)-1;
    read_numbers(parts->groups, 2, o->group, RF_TLS_OFFER_GROUPS, &o->group_count);
    for (size_t i = 2; i + 1 < parts->groups.n; i += 2)
        set |= rf_tls_levels_with_group((uint16_t)u16(parts->groups, i));
    return set;
}

/* ServerNameList of RFC 6066 3: length, then type 0, length, name. Names with octets that no host name has are
 * not kept: they would end up in log lines. */
static void
read_server_name(struct rf_span body, char *to, size_t size)
{
    size_t n;

    if (body.n < 5 || body.p[2] != 0)
        return;
    n = u16(body, 3);
    if (n > body.n - 5 || n >= size)
        return;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)body.p[5 + i] <= ' ' || (unsigned char)body.p[5 + i] >= 0x7f)
            return;
    memcpy(to, body.p + 5, n);
    to[n] = '\0';
}

/* ProtocolNameList of RFC 7301 3.1: length, then names with one octet of length. */
static void
read_alpn(struct rf_span body, char *to, size_t size)
{
    size_t n;

    if (body.n < 3)
        return;
    n = (unsigned char)body.p[2];
    if (n > body.n - 3 || n >= size)
        return;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)body.p[3 + i] <= ' ' || (unsigned char)body.p[3 + i] >= 0x7f)
            return;
    memcpy(to, body.p + 3, n);
    to[n] = '\0';
}

void
rf_tls_offer_read(const struct rf_tls_hello_parts *parts, struct rf_tls_offer *out)
{
    rf_tls_level_set versions, suites, groups;

    memset(out, 0, sizeof *out);
    versions = read_versions(parts, out);
    suites = read_suites(parts->suites, out);
    groups = read_groups(parts, out);
    out->has_sigalgs = parts->has_sigalgs;
    read_numbers(parts->sigalgs, 2, out->sigalg, RF_TLS_OFFER_SIGALGS, &out->sigalg_count);
    out->asks_status = parts->asks_status;
    read_server_name(parts->server_name, out->server_name, sizeof out->server_name);
    read_alpn(parts->alpn, out->alpn, sizeof out->alpn);
    out->fits = versions & suites & groups;
}

bool
rf_tls_offer_has_version(const struct rf_tls_offer *o, int min, int max)
{
    size_t kept = o->version_count < RF_TLS_OFFER_VERSIONS ? o->version_count : RF_TLS_OFFER_VERSIONS;

    if (o->version_count == 0)
        return o->highest_version >= min;
    for (size_t i = 0; i < kept; i++)
        if (o->version[i] >= min && o->version[i] <= max)
            return true;
    return false;
}

bool
rf_tls_offer_has_suite(const struct rf_tls_offer *o, enum rf_tls_level level)
{
    size_t kept = o->suite_count < RF_TLS_OFFER_SUITES ? o->suite_count : RF_TLS_OFFER_SUITES;

    for (size_t i = 0; i < kept; i++)
        if ((rf_tls_levels_with_suite(o->suite[i]) >> level & 1) != 0)
            return true;
    return false;
}

bool
rf_tls_offer_has_group(const struct rf_tls_offer *o, enum rf_tls_level level)
{
    size_t kept = o->group_count < RF_TLS_OFFER_GROUPS ? o->group_count : RF_TLS_OFFER_GROUPS;

    if (!o->has_groups)
        return true;
    for (size_t i = 0; i < kept; i++)
        if ((rf_tls_levels_with_group(o->group[i]) >> level & 1) != 0)
            return true;
    return false;
}

/* --- names, for people --- */

/* What old devices offer and the library does not have any more. */
static const struct {
    uint16_t id;
    const char *name;
} gone[] = {
    { 0x0004, "RC4-MD5" },
    { 0x0005, "RC4-SHA" },
    { 0x0009, "DES-CBC-SHA" },
    { 0x000a, "DES-CBC3-SHA" },
    { 0x0013, "DHE-DSS-DES-CBC3-SHA" },
    { 0x0015, "DHE-RSA-DES-CBC-SHA" },
    { 0x0016, "DHE-RSA-DES-CBC3-SHA" },
    { 0xc007, "ECDHE-ECDSA-RC4-SHA" },
    { 0xc008, "ECDHE-ECDSA-DES-CBC3-SHA" },
    { 0xc011, "ECDHE-RSA-RC4-SHA" },
    { 0xc012, "ECDHE-RSA-DES-CBC3-SHA" },
};

#define NAMES_MAX 256 /* OpenSSL 3.0 has 160 */

/* OpenSSL looks a suite up only for a connection, so its table is read once. Its names are constant. */
static struct {
    uint16_t id;
    const char *name;
} names[NAMES_MAX];
static size_t name_count;
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void
read_names(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    STACK_OF(SSL_CIPHER) * all;

    if (ctx == NULL)
        return;
    SSL_CTX_set_security_level(ctx, 0);
    if (SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL") == 1) {
        all = SSL_CTX_get_ciphers(ctx);
        for (int i = 0; i < sk_SSL_CIPHER_num(all) && name_count < NAMES_MAX; i++) {
            const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);

            names[name_count].id = SSL_CIPHER_get_protocol_id(c);
            names[name_count++].name = SSL_CIPHER_get_name(c);
        }
    }
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

const char *
rf_tls_suite_name(uint16_t suite, char text[static 48])
{
    pthread_once(&names_once, read_names);
    snprintf(text, 48, "0x%04x", suite);
    for (size_t i = 0; i < name_count; i++)
        if (names[i].id == suite)
            snprintf(text, 48, "%s", names[i].name);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (gone[i].id == suite)
            snprintf(text, 48, "%s", gone[i].name);
    return text;
}

const char *
rf_tls_sigalg_name(uint16_t sigalg, char text[static 32])
{
    static const struct {
        uint16_t id;
        const char *name;
    } known[] = {
        { 0x0401, "rsa_pkcs1_sha256" },
        { 0x0501, "rsa_pkcs1_sha384" },
        { 0x0601, "rsa_pkcs1_sha512" },
        { 0x0403, "ecdsa_secp256r1_sha256" },
        { 0x0503, "ecdsa_secp384r1_sha384" },
        { 0x0603, "ecdsa_secp521r1_sha512" },
        { 0x0804, "rsa_pss_rsae_sha256" },
        { 0x0805, "rsa_pss_rsae_sha384" },
        { 0x0806, "rsa_pss_rsae_sha512" },
        { 0x0807, "ed25519" },
        { 0x0808, "ed448" },
        { 0x0809, "rsa_pss_pss_sha256" },
        { 0x080a, "rsa_pss_pss_sha384" },
        { 0x080b, "rsa_pss_pss_sha512" },
        { 0x0201, "rsa_pkcs1_sha1" },
        { 0x0203, "ecdsa_sha1" },
        { 0x0202, "dsa_sha1" },
        { 0x0301, "rsa_pkcs1_sha224" },
        { 0x0303, "ecdsa_sha224" },
        { 0x0101, "rsa_pkcs1_md5" },
    };

    snprintf(text, 32, "0x%04x", sigalg);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == sigalg)
            snprintf(text, 32, "%s", known[i].name);
    return text;
}
