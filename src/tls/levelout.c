#include "tls/levelout.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/json.h"
#include "tls/level.h"

static const char *const guidelines[] = { "5.0", "5.7", "5.8", "6.0" };

/* Where the table leaves the published files; docs/design/0012-tls-levels.md says why. */
static const char *const deviations[] = {
    "old: DES-CBC3-SHA is left out; 3DES is broken (Sweet32) and not in the system's OpenSSL",
    "old of 5.0 and 5.7: Diffie-Hellman has 2048 bits or more, not 1024",
};

/* --- JSON --- */

/* A list joined by ':'. */
static void
put_list(struct rf_buf *b, const char *name, const char *list)
{
    struct rf_span rest = rf_span_str(list);
    char one[64];

    rf_json_open(b, name, '[');
    while (rest.n > 0) {
        size_t n = rf_span_find(rest, ':');

        if (rf_span_copy(rf_span_sub(rest, 0, n), one, sizeof one) == RF_OK)
            rf_json_str(b, NULL, one);
        rest = rf_span_sub(rest, n + 1, rest.n);
    }
    rf_json_close(b, ']');
}

static void
put_number(struct rf_buf *b, const char *name, int v)
{
    if (v > 0)
        rf_json_u64(b, name, (uint64_t)v);
    else
        rf_putf(b, "\"%s\":null,", name);
}

static void
put_versions(struct rf_buf *b, const struct rf_tls_level_row *row)
{
    static const char *const names[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };

    rf_json_open(b, "tls_versions", '[');
    for (int v = row->min_version; v <= row->max_version; v++)
        rf_json_str(b, NULL, names[v - TLS1_VERSION]);
    rf_json_close(b, ']');
}

/* IANA's names of the TLS 1.2 suites. */
static void
put_iana(struct rf_buf *b, const struct rf_tls_level_row *row)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    STACK_OF(SSL_CIPHER) * suites;

    rf_json_open(b, "iana", '[');
    if (ctx != NULL && row->suites_12[0] != '\0') {
        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_ciphersuites(ctx, "");
        if (SSL_CTX_set_cipher_list(ctx, row->suites_12) == 1) {
            suites = SSL_CTX_get_ciphers(ctx);
            for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++)
                rf_json_str(b, NULL, SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(suites, i)));
        }
    }
    rf_json_close(b, ']');
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

static void
put_level(struct rf_buf *b, const struct rf_tls_level_row *row)
{
    bool is_first = strcmp(row->guideline, guidelines[0]) == 0;

    rf_json_open(b, row->kind, '{');
    if (is_first) {
        put_list(b, "openssl_ciphers", row->suites_12);
        put_list(b, "openssl_ciphersuites", row->suites_13);
    } else {
        rf_json_open(b, "ciphers", '{');
        put_iana(b, row);
        put_list(b, "openssl", row->suites_12);
        rf_json_close(b, '}');
        put_list(b, "ciphersuites", row->suites_13);
        put_number(b, "recommended_certificate_lifespan", row->cert_days_recommended);
    }
    put_versions(b, row);
    put_list(b, "tls_curves", row->groups);
    put_list(b, "certificate_types", row->cert_types);
    if (row->cert_curves[0] != '\0')
        put_list(b, "certificate_curves", row->cert_curves);
    else
        rf_putf(b, "\"certificate_curves\":null,");
    put_list(b, "certificate_signatures", row->cert_signatures);
    put_number(b, "rsa_key_size", row->rsa_bits_min);
    put_number(b, "dh_param_size", row->dh_bits_min);
    put_number(b, "ecdh_param_size", row->ecdh_bits);
    put_number(b, "hsts_min_age", (int)row->hsts_min_age_s);
    put_list(b, "oldest_clients", row->oldest_clients);
    rf_json_bool(b, "ocsp_staple", row->ocsp_staple);
    rf_json_bool(b, "server_preferred_order", row->server_order);
    put_number(b, "maximum_certificate_lifespan", row->cert_days_max);
    rf_json_close(b, '}');
}

static void
put_guideline(struct rf_buf *b, const char *guideline)
{
    rf_putf(b, "\"version\":%s,", guideline);
    rf_json_open(b, "configurations", '{');
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        const struct rf_tls_level_row *row = rf_tls_level_row((enum rf_tls_level)i);

        if (strcmp(row->guideline, guideline) == 0)
            put_level(b, row);
    }
    rf_json_close(b, '}');
}

void
rf_tls_levels_json(struct rf_buf *b)
{
    rf_json_open(b, NULL, '{');
    put_guideline(b, guidelines[0]);
    rf_json_open(b, "guidelines", '{');
    for (size_t i = 1; i < sizeof guidelines / sizeof *guidelines; i++) {
        rf_json_open(b, guidelines[i], '{');
        put_guideline(b, guidelines[i]);
        rf_json_close(b, '}');
    }
    rf_json_close(b, '}');
    rf_json_open(b, "deviations", '[');
    for (size_t i = 0; i < sizeof deviations / sizeof *deviations; i++)
        rf_json_str(b, NULL, deviations[i]);
    rf_json_close(b, ']');
    rf_json_close(b, '}');
    b->n = rf_json_text(b).n;
}

/* --- text --- */

/* The members of a list, one behind the other, in lines of some 100 columns. */
static void
print_list(struct rf_buf *b, const char *name, const char *list)
{
    struct rf_span rest = rf_span_str(list);
    size_t column = 0;

    rf_putf(b, "  %-16s", name);
    if (rest.n == 0)
        rf_put_str(b, "none");
    while (rest.n > 0) {
        size_t n = rf_span_find(rest, ':');

        if (column > 0 && column + n > 80) {
            b->n--; /* the space */
            rf_putf(b, "\n  %-16s", "");
            column = 0;
        }
        rf_putf(b, "%.*s ", (int)n, rest.p);
        column += n + 1;
        rest = rf_span_sub(rest, n + 1, rest.n);
    }
    if (b->n > 0 && b->p[b->n - 1] == ' ')
        b->n--;
    rf_put_char(b, '\n');
}

void
rf_tls_levels_text(struct rf_buf *b)
{
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        const struct rf_tls_level_row *row = rf_tls_level_row((enum rf_tls_level)i);

        rf_putf(b, "%s%s  (Mozilla Server Side TLS %s)\n", i > 0 ? "\n" : "", row->name, row->guideline);
        if (row->min_version == row->max_version)
            rf_putf(b, "  %-16sTLS %s\n", "versions", rf_tls_version_name(row->max_version));
        else
            rf_putf(b, "  %-16sTLS %s to %s\n", "versions", rf_tls_version_name(row->min_version),
                    rf_tls_version_name(row->max_version));
        print_list(b, "TLS 1.3 suites", row->suites_13);
        print_list(b, "older suites", row->suites_12);
        print_list(b, "groups", row->groups);
        rf_putf(b, "  %-16s%s\n", "order", row->server_order ? "the server's" : "the client's");
        if (row->dh_bits_min > 0)
            rf_putf(b, "  %-16s%d bits or more\n", "DH", row->dh_bits_min);
    }
    rf_put_str(b, "\nLeft out of the published lists\n");
    for (size_t i = 0; i < sizeof deviations / sizeof *deviations; i++)
        rf_putf(b, "  %s\n", deviations[i]);
    rf_put_str(b, "\nThe default of sip-phones is old; sip-trunks never speaks less than TLS 1.2.\n");
}
