#include "main/automatic.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "cert/bundle.h"
#include "conf/iface.h"

struct take {
    const struct rf_conf *conf;
    const struct rf_conf_block *block;
    struct rf_acme_certificate *to;
    struct rf_conf_problem *problem;
};

__attribute__((format(printf, 4, 5))) static enum rf_err
fail(struct take *t, enum rf_err err, const char *setting, const char *format, ...)
{
    char name[160];
    va_list ap;

    snprintf(name, sizeof name, "certificate.%s.%s", rf_conf_block_label(t->block), setting);
    *t->problem = (struct rf_conf_problem){ .at = rf_conf_origin(t->conf, name) };
    va_start(ap, format);
    vsnprintf(t->problem->sentence, sizeof t->problem->sentence, format, ap);
    va_end(ap);
    return err;
}

static const char *
text_of(const struct take *t, const char *setting)
{
    return rf_conf_block_text(t->conf, t->block, setting);
}

static enum rf_err
take_names(struct take *t)
{
    const char *names = text_of(t, "names");
    struct rf_span left = rf_span_str(names[0] != '\0' ? names : rf_conf_text(t->conf, "domain")), word;
    struct rf_acme_certificate *c = t->to;

    while (rf_conf_next_word(&left, &word)) {
        char *to = c->name[c->names];

        if (c->names == RF_ACME_NAMES_MAX)
            return fail(t, RF_ERR_RANGE, "names", "more than %d names", RF_ACME_NAMES_MAX);
        if (rf_span_copy(word, to, RF_ACME_NAME_MAX) != RF_OK)
            return fail(t, RF_ERR_RANGE, "names", "a name is too long");
        for (char *p = to; *p != '\0'; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
        if (!rf_acme_name_is_valid(rf_span_str(to)))
            return fail(t, RF_ERR_SYNTAX, "names", "an authority gives no certificate for %.200s", to);
        c->names++;
    }
    return c->names > 0 ? RF_OK : fail(t, RF_ERR_NOT_FOUND, "names", "the certificate is for no name");
}

static enum rf_err
take_contacts(struct take *t)
{
    struct rf_span left = rf_span_str(text_of(t, "contact")), word;
    struct rf_acme_certificate *c = t->to;

    while (rf_conf_next_word(&left, &word)) {
        if (c->contacts == RF_ACME_CONTACTS_MAX)
            return fail(t, RF_ERR_RANGE, "contact", "more than %d contacts", RF_ACME_CONTACTS_MAX);
        if (rf_span_find(word, '@') == word.n || word.n > 240)
            return fail(t, RF_ERR_SYNTAX, "contact", "%.*s is no mail address", RF_SPAN_ARG(rf_span_sub(word, 0, 80)));
        snprintf(c->contact[c->contacts++], RF_ACME_CONTACT_MAX, "%s%.*s",
                 rf_span_starts(word, "mailto:") ? "" : "mailto:", RF_SPAN_ARG(word));
    }
    return RF_OK;
}

static enum rf_err
take_external_account(struct take *t)
{
    struct rf_acme_certificate *c = t->to;
    struct rf_secret key = { .n = 0 };
    enum rf_err err;

    snprintf(c->external_id, sizeof c->external_id, "%s", text_of(t, "external-account-id"));
    if (c->external_id[0] == '\0')
        return RF_OK;
    err = rf_conf_block_secret(t->conf, t->block, "external-account-key", &key);
    if (!err)
        err = rf_base64url_decode(rf_span(key.octet, key.n), c->external_key, sizeof c->external_key,
                                  &c->external_key_n);
    rf_secret_fini(&key);
    if (err == RF_ERR_NOT_FOUND && text_of(t, "external-account-key")[0] != '\0')
        return RF_OK; /* a check away from the daemon does not have it */
    if (err || c->external_key_n == 0)
        return fail(t, err ? err : RF_ERR_RANGE, "external-account-id",
                    "external-account-key must be there, in base64url, at most %d octets", RF_ACME_HMAC_MAX);
    return RF_OK;
}

static enum rf_err
put_pem(struct rf_span der, BIO *out)
{
    const uint8_t *p = (const uint8_t *)der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    enum rf_err err = x != NULL && PEM_write_bio_X509(out, x) == 1 ? RF_OK : RF_ERR_SYNTAX;

    X509_free(x);
    return err;
}

/* All certificates of ca-file, as PEM again. */
static enum rf_err
take_ca(struct take *t, struct rf_span bundle)
{
    struct rf_span path = rf_option_path(rf_span_str(text_of(t, "ca-file")));
    struct rf_bundle_item item;
    BIO *pem = path.n > 0 ? BIO_new(BIO_s_mem()) : NULL;
    size_t at = 0;
    char *p;
    long n = 0;

    if (path.n == 0)
        return RF_OK;
    while (pem != NULL && rf_bundle_next(bundle, &at, &item))
        if (item.kind == RF_BUNDLE_TRUSTED && rf_span_eq(item.name, path))
            (void)!put_pem(item.first, pem); /* what is no certificate is a revocation list */
    if (pem != NULL)
        n = BIO_get_mem_data(pem, &p);
    if (n > 0 && n <= RF_ACME_CA_MAX)
        t->to->ca_pem = rf_span_dup(rf_span(p, (size_t)n));
    BIO_free(pem);
    if (t->to->ca_pem == NULL)
        return fail(t, RF_ERR_NOT_FOUND, "ca-file", "there is no certificate in it");
    return RF_OK;
}

static enum rf_err
take_block(struct take *t, struct rf_span bundle)
{
    struct rf_acme_certificate *c = t->to;
    const char *key = text_of(t, "key-type"), *directory = text_of(t, "directory");
    enum rf_err err;

    if (rf_span_copy(rf_span_str(rf_conf_block_label(t->block)), c->label, sizeof c->label) != RF_OK)
        return fail(t, RF_ERR_RANGE, "lets-encrypt", "the name of the block is longer than %d octets",
                    RF_ACME_LABEL_MAX - 1);
    if (!rf_acme_url_is_valid(rf_span_str(directory)))
        return fail(t, RF_ERR_SYNTAX, "directory", "%.200s is no https address", directory);
    snprintf(c->directory, sizeof c->directory, "%s", directory);
    snprintf(c->profile, sizeof c->profile, "%s", text_of(t, "profile"));
    snprintf(c->authority, sizeof c->authority, "%s", text_of(t, "preferred-chain"));
    c->wants[RF_ACME_ECDSA] = strcmp(key, "rsa") != 0;
    c->wants[RF_ACME_RSA] = strcmp(key, "ecdsa") != 0;
    c->challenge = strcmp(text_of(t, "challenge"), "tls-alpn-01") == 0 ? RF_ACME_TLS_ALPN_01 : RF_ACME_HTTP_01;
    c->reuse_key = rf_conf_block_is_on(t->conf, t->block, "reuse-key");
    c->terms_agreed = rf_conf_block_is_on(t->conf, t->block, "terms-agreed");
    c->renew_before_s = rf_conf_block_number(t->conf, t->block, "renew-before");
    err = take_names(t);
    if (!err)
        err = take_contacts(t);
    if (!err)
        err = take_external_account(t);
    if (!err)
        err = take_ca(t, bundle);
    return err;
}

enum rf_err
rf_automatic_new(struct rf_automatic **out, const struct rf_conf *c, struct rf_span bundle,
                 struct rf_conf_problem *problem)
{
    struct take t = { .conf = c, .problem = problem };
    struct rf_automatic *a;
    size_t n = 0;
    enum rf_err err = RF_OK;

    for (size_t i = 0; (t.block = rf_conf_block_at(c, "certificate", i)) != NULL; i++)
        n += rf_conf_block_is_on(c, t.block, "lets-encrypt");
    if (n > RF_ACME_CERTIFICATES_MAX) {
        snprintf(problem->sentence, sizeof problem->sentence, "more than %d certificates that renew themselves",
                 RF_ACME_CERTIFICATES_MAX);
        return RF_ERR_RANGE;
    }
    a = calloc(1, sizeof *a + n * sizeof a->certificate[0]);
    if (a == NULL)
        return RF_ERR_NOMEM;
    for (size_t i = 0; !err && (t.block = rf_conf_block_at(c, "certificate", i)) != NULL; i++) {
        if (!rf_conf_block_is_on(c, t.block, "lets-encrypt"))
            continue;
        t.to = &a->certificate[a->count++];
        err = take_block(&t, bundle);
    }
    if (err) {
        rf_automatic_free(a);
        return err;
    }
    *out = a;
    return RF_OK;
}

void
rf_automatic_free(struct rf_automatic *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->count; i++) {
        free(a->certificate[i].ca_pem);
        rf_wipe(a->certificate[i].external_key, sizeof a->certificate[i].external_key);
    }
    free(a);
}

struct look {
    const char *label;
    struct rf_cert **out;
    size_t n;
};

static bool
take_item(void *ctx, struct rf_span kind, struct rf_span name, struct rf_span value, int64_t at_s)
{
    struct look *l = ctx;
    size_t n = strlen(l->label);

    if (name.n > n + 1 && rf_span_starts(name, l->label) && name.p[n] == '/' && l->n < RF_AUTOMATIC_CERTS_MAX &&
        rf_acme_item_certificate(value, &l->out[l->n]) == RF_OK)
        l->n++;
    return true;
}

size_t
rf_automatic_certs(struct rf_store *store, const char *label, struct rf_cert *out[static RF_AUTOMATIC_CERTS_MAX])
{
    struct look l = { label, out, 0 };

    /* By name: ecdsa stands before rsa. */
    (void)!rf_store_load_items(store, RF_SPAN_LIT(RF_ACME_ITEM_CERTIFICATE), take_item, &l);
    return l.n;
}
