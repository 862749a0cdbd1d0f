#include "tls/level.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <pthread.h>

#define LEVEL(level) ((rf_tls_level_set)(1u << (level)))

/* --- the published lists; DES-CBC3-SHA, the last of each "old", is left out --- */

#define AEAD_6                                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define DHE_2         ":DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
#define DHE_CHACHA    ":DHE-RSA-CHACHA20-POLY1305"
#define ECDHE_CBC                                                                                             \
    ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"         \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
#define DHE_CBC       ":DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256"
#define RSA_6                                                                                                 \
    ":AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA"

#define TLS_13        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#define CURVES_NIST   "X25519:secp256r1:secp384r1" /* the same three as below: the files say both names */
#define CURVES        "X25519:prime256v1:secp384r1"
#define CURVES_PQ     "X25519MLKEM768:X25519:prime256v1:secp384r1"
#define CERT_CURVES   "prime256v1:secp384r1"

#define SIGNED_RSA    "sha256WithRSAEncryption"
#define SIGNED_ECDSA  "ecdsa-with-SHA256:ecdsa-with-SHA384:ecdsa-with-SHA512"

#define CLIENTS_OLD                                                                                           \
    "Firefox 1:Android 2.3:Chrome 1:Edge 12:IE8 on Windows XP:Java 6:OpenSSL 0.9.8:Opera 5:Safari 1"
#define CLIENTS_INTERMEDIATE                                                                                  \
    "Firefox 27:Android 4.4.2:Chrome 31:Edge:IE 11 on Windows 7:Java 8u31:OpenSSL 1.0.1:Opera 20:Safari 9"
#define CLIENTS_INTERMEDIATE_58                                                                               \
    "Firefox 31.3.0:Android 4.4.2:Chrome 49:Edge 15 on Windows 10:IE 11 on Windows 10:Java 8u161:"            \
    "OpenSSL 1.0.1l:Opera 20:Safari 9"
#define CLIENTS_MODERN                                                                                        \
    "Firefox 63:Android 10.0:Chrome 70:Edge 75:Java 11:OpenSSL 1.1.1:Opera 57:Safari 12.1"

#define HSTS_AGE 63072000

/* name, kind, guideline, versions, suites 1.2, groups, server order, DH,
 * certificate types, curves, signatures, RSA bits, days at most, days recommended, oldest clients */
#define ROW(name_, kind_, guide_, min_, max_, suites_, groups_, order_, dh_, types_, curves_, signed_, rsa_,  \
            days_, recommended_, clients_)                                                                    \
    {                                                                                                         \
        .name = name_, .kind = kind_, .guideline = guide_, .min_version = min_, .max_version = max_,          \
        .suites_12 = suites_, .suites_13 = TLS_13, .groups = groups_, .server_order = order_,                 \
        .dh_bits_min = dh_, .cert_types = types_, .cert_curves = curves_, .cert_signatures = signed_,         \
        .rsa_bits_min = rsa_, .ecdh_bits = 256, .hsts_min_age_s = HSTS_AGE, .cert_days_max = days_,           \
        .cert_days_recommended = recommended_, .ocsp_staple = true, .oldest_clients = clients_                \
    }

#define V10 TLS1_VERSION
#define V12 TLS1_2_VERSION
#define V13 TLS1_3_VERSION

static const struct rf_tls_level_row rows[RF_TLS_LEVEL_COUNT] = {
    [RF_TLS_OLD] = ROW("old", "old", "5.0", V10, V13, AEAD_6 DHE_2 DHE_CHACHA ECDHE_CBC DHE_CBC RSA_6,
                       CURVES_NIST, true, 2048, "rsa", "", SIGNED_RSA, 2048, 730, 0, CLIENTS_OLD),
    [RF_TLS_INTERMEDIATE] = ROW("intermediate", "intermediate", "5.0", V12, V13, AEAD_6 DHE_2, CURVES_NIST,
                                false, 2048, "ecdsa:rsa", "", SIGNED_RSA ":" SIGNED_ECDSA, 2048, 730, 0,
                                CLIENTS_INTERMEDIATE),
    [RF_TLS_MODERN] = ROW("modern", "modern", "5.0", V13, V13, "", CURVES, false, 0, "ecdsa", CERT_CURVES,
                          SIGNED_ECDSA, 2048, 90, 0, CLIENTS_MODERN),
    [RF_TLS_OLD_57] = ROW("old@5.7", "old", "5.7", V10, V13, AEAD_6 DHE_2 DHE_CHACHA ECDHE_CBC DHE_CBC RSA_6,
                          CURVES, true, 2048, "rsa", CERT_CURVES, SIGNED_RSA, 2048, 366, 90, CLIENTS_OLD),
    [RF_TLS_INTERMEDIATE_57] = ROW("intermediate@5.7", "intermediate", "5.7", V12, V13,
                                   AEAD_6 DHE_2 DHE_CHACHA, CURVES, false, 2048, "ecdsa:rsa", CERT_CURVES,
                                   SIGNED_RSA ":" SIGNED_ECDSA, 2048, 366, 90, CLIENTS_INTERMEDIATE),
    [RF_TLS_MODERN_57] = ROW("modern@5.7", "modern", "5.7", V13, V13, "", CURVES, false, 0, "ecdsa",
                             CERT_CURVES, SIGNED_ECDSA, 0, 90, 90, CLIENTS_MODERN),
    [RF_TLS_OLD_58] = ROW("old@5.8", "old", "5.8", V10, V13, AEAD_6 ECDHE_CBC RSA_6, CURVES_PQ, true, 2048,
                          "rsa", CERT_CURVES, SIGNED_RSA, 2048, 366, 90, CLIENTS_OLD),
    [RF_TLS_INTERMEDIATE_58] = ROW("intermediate@5.8", "intermediate", "5.8", V12, V13, AEAD_6, CURVES_PQ,
                                   false, 2048, "ecdsa:rsa", CERT_CURVES, SIGNED_RSA ":" SIGNED_ECDSA, 2048,
                                   366, 90, CLIENTS_INTERMEDIATE_58),
    [RF_TLS_MODERN_58] = ROW("modern@5.8", "modern", "5.8", V13, V13, "", CURVES_PQ, false, 0, "ecdsa",
                             CERT_CURVES, SIGNED_ECDSA, 0, 90, 90, CLIENTS_MODERN),
    [RF_TLS_INTERMEDIATE_60] = ROW("intermediate@6.0", "intermediate", "6.0", V12, V13, AEAD_6, CURVES_PQ,
                                   false, 2048, "ecdsa:rsa", CERT_CURVES, SIGNED_RSA ":" SIGNED_ECDSA, 2048,
                                   366, 90, CLIENTS_INTERMEDIATE_58),
    [RF_TLS_MODERN_60] = ROW("modern@6.0", "modern", "6.0", V13, V13, "", CURVES_PQ, false, 0, "ecdsa",
                             CERT_CURVES, SIGNED_ECDSA, 0, 90, 90, CLIENTS_MODERN),
};

/* --- by name --- */

const struct rf_tls_level_row *
rf_tls_level_row(enum rf_tls_level level)
{
    rf_assert(level < RF_TLS_LEVEL_COUNT);
    return &rows[level];
}

enum rf_err
rf_tls_level_find(struct rf_span name, enum rf_tls_level *out)
{
    /* 5.0 may be said, and is what is meant when none is. */
    if (name.n > 4 && rf_span_is(rf_span_sub(name, name.n - 4, 4), "@5.0"))
        name.n -= 4;
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        if (rf_span_is(name, rows[i].name)) {
            *out = (enum rf_tls_level)i;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

const char *
rf_tls_level_names(void)
{
    return "old, intermediate, modern; of another guideline: old@5.7, intermediate@5.7, modern@5.7, old@5.8, "
           "intermediate@5.8, modern@5.8, intermediate@6.0, modern@6.0";
}

enum rf_tls_level
rf_tls_level_default(const char *interface, bool is_secure_profile)
{
    if (is_secure_profile || strcmp(interface, "sip-trunks") == 0 || strcmp(interface, "node-link") == 0)
        return RF_TLS_INTERMEDIATE;
    return RF_TLS_OLD;
}

int
rf_tls_version_floor(const char *interface)
{
    return strcmp(interface, "sip-trunks") == 0 ? TLS1_2_VERSION : TLS1_VERSION;
}

/* --- by number --- */

/* IANA's numbers of all suites of the table. */
static const struct {
    uint16_t id;
    const char *name;
} suites[] = {
    { 0x1301, "TLS_AES_128_GCM_SHA256" },
    { 0x1302, "TLS_AES_256_GCM_SHA384" },
    { 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
    { 0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { 0xc02f, "ECDHE-RSA-AES128-GCM-SHA256" },
    { 0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384" },
    { 0xc030, "ECDHE-RSA-AES256-GCM-SHA384" },
    { 0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305" },
    { 0xcca8, "ECDHE-RSA-CHACHA20-POLY1305" },
    { 0x009e, "DHE-RSA-AES128-GCM-SHA256" },
    { 0x009f, "DHE-RSA-AES256-GCM-SHA384" },
    { 0xccaa, "DHE-RSA-CHACHA20-POLY1305" },
    { 0xc023, "ECDHE-ECDSA-AES128-SHA256" },
    { 0xc027, "ECDHE-RSA-AES128-SHA256" },
    { 0xc009, "ECDHE-ECDSA-AES128-SHA" },
    { 0xc013, "ECDHE-RSA-AES128-SHA" },
    { 0xc024, "ECDHE-ECDSA-AES256-SHA384" },
    { 0xc028, "ECDHE-RSA-AES256-SHA384" },
    { 0xc00a, "ECDHE-ECDSA-AES256-SHA" },
    { 0xc014, "ECDHE-RSA-AES256-SHA" },
    { 0x0067, "DHE-RSA-AES128-SHA256" },
    { 0x006b, "DHE-RSA-AES256-SHA256" },
    { 0x009c, "AES128-GCM-SHA256" },
    { 0x009d, "AES256-GCM-SHA384" },
    { 0x003c, "AES128-SHA256" },
    { 0x003d, "AES256-SHA256" },
    { 0x002f, "AES128-SHA" },
    { 0x0035, "AES256-SHA" },
};
#define SUITES (sizeof suites / sizeof *suites)

static const struct {
    uint16_t id;
    const char *name, *listed_as; /* RFC 8446's, or the draft's; and as the guidelines write it */
} groups[] = {
    { 29, "X25519", "X25519" },         { 23, "P-256", "prime256v1" },
    { 23, "P-256", "secp256r1" },       { 24, "P-384", "secp384r1" },
    { 25, "P-521", "secp521r1" },       { 30, "X448", "X448" },
    { 4588, "X25519MLKEM768", "X25519MLKEM768" },
    { 4587, "SecP256r1MLKEM768", "SecP256r1MLKEM768" },
    { 256, "ffdhe2048", "ffdhe2048" },  { 257, "ffdhe3072", "ffdhe3072" },
    { 258, "ffdhe4096", "ffdhe4096" },  { 21, "P-224", "secp224r1" },
    { 19, "P-192", "secp192r1" },       { 22, "secp256k1", "secp256k1" },
};
#define GROUPS (sizeof groups / sizeof *groups)

/* Made once from the lists, because it is asked for each suite of each hello. */
static rf_tls_level_set suite_levels[SUITES], group_levels[GROUPS];
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

static bool
is_member(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; (p = strstr(p, name)) != NULL; p++)
        if ((p == list || p[-1] == ':') && (p[n] == ':' || p[n] == '\0'))
            return true;
    return false;
}

static void
make_sets(void)
{
    for (int level = 0; level < RF_TLS_LEVEL_COUNT; level++) {
        for (size_t i = 0; i < SUITES; i++)
            if (is_member(rows[level].suites_12, suites[i].name) ||
                is_member(rows[level].suites_13, suites[i].name))
                suite_levels[i] |= LEVEL(level);
        for (size_t i = 0; i < GROUPS; i++)
            if (is_member(rows[level].groups, groups[i].listed_as))
                group_levels[i] |= LEVEL(level);
    }
}

rf_tls_level_set
rf_tls_levels_with_suite(uint16_t suite)
{
    pthread_once(&sets_once, make_sets);
    for (size_t i = 0; i < SUITES; i++)
        if (suites[i].id == suite)
            return suite_levels[i];
    return 0;
}

rf_tls_level_set
rf_tls_levels_with_group(uint16_t group)
{
    rf_tls_level_set set = 0;

    pthread_once(&sets_once, make_sets);
    for (size_t i = 0; i < GROUPS; i++)
        if (groups[i].id == group)
            set |= group_levels[i];
    return set;
}

rf_tls_level_set
rf_tls_levels_with_version(int version)
{
    rf_tls_level_set set = 0;

    for (int level = 0; level < RF_TLS_LEVEL_COUNT; level++)
        if (version >= rows[level].min_version && version <= rows[level].max_version)
            set |= LEVEL(level);
    return set;
}

const char *
rf_tls_group_name(uint16_t group)
{
    for (size_t i = 0; i < GROUPS; i++)
        if (groups[i].id == group)
            return groups[i].name;
    return NULL;
}

uint16_t
rf_tls_group_number(int openssl_group)
{
    int nid;

    /* Groups without a NID come as their number with a high bit (TLSEXT_nid_unknown). */
    if ((openssl_group & TLSEXT_nid_unknown) != 0)
        return (uint16_t)(openssl_group & 0xffff);
    for (size_t i = 0; i < GROUPS; i++) {
        nid = OBJ_sn2nid(groups[i].listed_as);
        if (nid == NID_undef)
            nid = EC_curve_nist2nid(groups[i].name);
        if (nid != NID_undef && nid == openssl_group)
            return groups[i].id;
    }
    return 0;
}

const char *
rf_tls_version_name(int version)
{
    switch (version) {
    case TLS1_3_VERSION:
        return "1.3";
    case TLS1_2_VERSION:
        return "1.2";
    case TLS1_1_VERSION:
        return "1.1";
    case TLS1_VERSION:
        return "1.0";
    case SSL3_VERSION:
        return "SSL 3";
    case SSL2_VERSION:
        return "SSL 2";
    default:
        return "unknown";
    }
}
