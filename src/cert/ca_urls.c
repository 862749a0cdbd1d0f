#include "cert/ca_urls.h"

#include <openssl/bio.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEME "http://"

bool
rf_ca_url_is_fit(const char *url)
{
    size_t n = strlen(url);

    if (n >= RF_CA_URL_MAX || !rf_span_starts(rf_span_str(url), SCHEME) || n == sizeof SCHEME - 1)
        return false;
    for (size_t i = 0; i < n; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f || strchr(",;\"'\\", url[i]) != NULL)
            return false;
    return url[sizeof SCHEME - 1] != '/';
}

static bool
take_line(struct rf_span line, struct rf_ca_urls *out)
{
    size_t blank = rf_span_find(line, ' ');
    struct rf_span word = rf_span_sub(line, 0, blank), value = rf_span_trim(rf_span_sub(line, blank, line.n));
    char *to = rf_span_is(word, "crl") ? out->crl : rf_span_is(word, "ocsp") ? out->ocsp : NULL;

    return to != NULL && rf_span_copy(value, to, RF_CA_URL_MAX) == RF_OK && rf_ca_url_is_fit(to);
}

enum rf_err
rf_ca_urls_load(struct rf_ca_urls *out, const char *dir, struct rf_cert_problem *problem)
{
    char path[600], *text;
    struct rf_span left;
    enum rf_err err;
    size_t n;

    memset(out, 0, sizeof *out);
    snprintf(path, sizeof path, "%s/" RF_CA_URLS_FILE, dir);
    err = rf_cert_file_read(path, false, &text, &n, problem);
    if (err == RF_ERR_NOT_FOUND) {
        problem->text[0] = '\0';
        return RF_OK;
    }
    if (err)
        return err;
    left = rf_span(text, n);
    for (size_t number = 1; left.n > 0 && !err; number++) {
        size_t end = rf_span_find(left, '\n');
        struct rf_span line = rf_span_trim(rf_span_sub(left, 0, end));

        left = rf_span_sub(left, end + 1, left.n);
        if (line.n > 0 && line.p[0] != '#' && !take_line(line, out)) {
            snprintf(problem->text, sizeof problem->text,
                     RF_CA_URLS_FILE ":%zu: this line cannot be understood", number);
            err = RF_ERR_SYNTAX;
        }
    }
    free(text);
    return err;
}

enum rf_err
rf_ca_urls_write(const struct rf_ca_urls *urls, const struct rf_ca_folder *f, struct rf_cert_problem *problem)
{
    BIO *b = BIO_new(BIO_s_mem());
    bool is_whole = b != NULL;
    enum rf_err err;

    is_whole = is_whole && BIO_puts(b, "# Where others learn what this authority revoked: ringfence ca init\n") > 0;
    if (urls->crl[0] != '\0')
        is_whole = is_whole && BIO_printf(b, "crl %s\n", urls->crl) > 0;
    if (urls->ocsp[0] != '\0')
        is_whole = is_whole && BIO_printf(b, "ocsp %s\n", urls->ocsp) > 0;
    err = is_whole ? rf_ca_write(f, RF_CA_URLS_FILE, 0644, b, problem) : RF_ERR_NOMEM;
    BIO_free(b);
    return err;
}
