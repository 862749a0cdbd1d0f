#include "acme/csr.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/secret.h"

#define DAY_S 86400

bool
rf_acme_name_is_address(const char *name)
{
    struct rf_addr a;

    return rf_addr_parse(rf_span_str(name), 0, &a) == RF_OK;
}

/* label = alnum *( alnum / "-" ) alnum                      RFC 1123 2.1, at most 63 octets */
static bool
is_label(struct rf_span label)
{
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool
rf_acme_name_is_valid(struct rf_span name)
{
    struct rf_addr a;
    size_t labels = 0;

    if (rf_addr_parse(name, 0, &a) == RF_OK)
        return name.n > 0 && name.p[0] != '[';
    if (name.n == 0 || name.n >= RF_ACME_NAME_MAX)
        return false;
    if (rf_span_is(name, "localhost"))
        return true;
    while (true) {
        size_t dot = rf_span_find(name, '.');

        if (!is_label(rf_span_sub(name, 0, dot)))
            return false;
        labels++;
        if (dot == name.n)
            return labels >= 2;
        name = rf_span_sub(name, dot + 1, name.n);
    }
}

/* subjectAltName of all names; the caller frees it. NULL: memory, or a name that is none. */
static GENERAL_NAMES *
alt_names(const char (*name)[RF_ACME_NAME_MAX], size_t names)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();

    for (size_t i = 0; list != NULL && i < names; i++) {
        GENERAL_NAME *g = GENERAL_NAME_new();
        ASN1_OCTET_STRING *ip = rf_acme_name_is_address(name[i]) ? a2i_IPADDRESS(name[i]) : NULL;
        ASN1_IA5STRING *dns = ip == NULL ? ASN1_IA5STRING_new() : NULL;

        if (g == NULL || (ip == NULL && (dns == NULL || ASN1_STRING_set(dns, name[i], -1) != 1))) {
            GENERAL_NAME_free(g);
            ASN1_OCTET_STRING_free(ip);
            ASN1_IA5STRING_free(dns);
            sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
            return NULL;
        }
        if (ip != NULL)
            GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
        else
            GENERAL_NAME_set0_value(g, GEN_DNS, dns);
        sk_GENERAL_NAME_push(list, g);
    }
    return list;
}

static bool
set_csr(X509_REQ *req, EVP_PKEY *key, const char (*name)[RF_ACME_NAME_MAX], size_t names)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    GENERAL_NAMES *list = alt_names(name, names);
    bool fine = list != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
                X509_REQ_set_pubkey(req, key) == 1 &&
                X509V3_add1_i2d(&extensions, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1 &&
                X509_REQ_add_extensions(req, extensions) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0;

    sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return fine;
}

enum rf_err
rf_acme_csr_put(struct rf_buf *out, EVP_PKEY *key, const char (*name)[RF_ACME_NAME_MAX], size_t names)
{
    X509_REQ *req = X509_REQ_new();
    uint8_t *der = NULL;
    enum rf_err err = RF_ERR_CRYPTO;
    int n;

    ERR_clear_error();
    if (req != NULL && set_csr(req, key, name, names) && (n = i2d_X509_REQ(req, &der)) > 0) {
        rf_put(out, rf_span(der, (size_t)n));
        err = rf_buf_done(out) == RF_OK ? RF_OK : RF_ERR_RANGE;
    }
    OPENSSL_free(der);
    X509_REQ_free(req);
    return err;
}

/* --- what came back --- */

/* Visit each certificate; stops when visit says false. The number visited, -1: broken or too many. */
static int
visit_chain(struct rf_span pem, bool (*visit)(X509 *x, int index, void *ctx), void *ctx)
{
    BIO *b = pem.n > 0 && pem.n <= RF_ACME_CHAIN_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    int n = 0;
    bool go_on = b != NULL;
    enum rf_err err = RF_OK;
    X509 *x;

    while (go_on && (err = rf_cert_pem_next(b, &x)) == RF_OK) {
        go_on = n < RF_ACME_CERTS_MAX && (visit == NULL || visit(x, n, ctx));
        n++;
        X509_free(x);
    }
    if (err == RF_ERR_SYNTAX)
        n = -1;
    BIO_free(b);
    return n > RF_ACME_CERTS_MAX ? -1 : n;
}

enum rf_err
rf_acme_chain_check(struct rf_span chain_pem, EVP_PKEY *key, const char (*name)[RF_ACME_NAME_MAX], size_t names,
                    int64_t wall_s, char *why, size_t why_size)
{
    struct rf_cert_problem problem = { 0 };
    struct rf_cert *c = NULL;
    char mem[RF_ACME_KEY_PEM_MAX];
    struct rf_buf key_pem = rf_buf(mem, sizeof mem);
    int n = visit_chain(chain_pem, NULL, NULL);
    enum rf_err err = RF_OK;

    if (n < 1) {
        snprintf(why, why_size, "the answer is not a certificate chain of 1 to %d certificates", RF_ACME_CERTS_MAX);
        return chain_pem.n > RF_ACME_CHAIN_MAX ? RF_ERR_RANGE : RF_ERR_SYNTAX;
    }
    err = rf_acme_key_put(&key_pem, key);
    if (!err)
        err = rf_cert_from_pem(&c, chain_pem, rf_buf_span(&key_pem), &problem);
    rf_wipe(mem, sizeof mem);
    if (err) {
        snprintf(why, why_size, "the certificate that was issued is not for our key");
        return RF_ERR_REFUSED;
    }
    for (size_t i = 0; i < names && !err; i++)
        if (!rf_cert_is_for(c, rf_span_str(name[i]))) {
            snprintf(why, why_size, "the certificate that was issued is not for %s", name[i]);
            err = RF_ERR_REFUSED;
        }
    if (!err && rf_cert_facts(c)->not_after <= wall_s) {
        snprintf(why, why_size, "the certificate that was issued has ended already by this machine's clock");
        err = RF_ERR_STALE;
    }
    rf_cert_unref(c);
    return err;
}

static bool
look_for_issuer(X509 *x, int index, void *ctx)
{
    const char **authority = ctx;
    char name[256];

    if (X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName, name, sizeof name) > 0 &&
        strstr(name, *authority) != NULL) {
        *authority = NULL;
        return false;
    }
    return true;
}

bool
rf_acme_chain_is_from(struct rf_span chain_pem, const char *authority)
{
    const char *left = authority;

    (void)visit_chain(chain_pem, look_for_issuer, &left);
    return left == NULL;
}

struct leaf_use {
    struct rf_buf *out;
    enum rf_err err;
};

static bool
put_leaf(X509 *x, int index, void *ctx)
{
    struct leaf_use *u = ctx;
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);

    if (n > 0) {
        rf_put(u->out, rf_span(der, (size_t)n));
        u->err = rf_buf_done(u->out);
    }
    OPENSSL_free(der);
    return false;
}

enum rf_err
rf_acme_leaf_der(struct rf_span chain_pem, struct rf_buf *out)
{
    struct leaf_use use = { out, RF_ERR_SYNTAX };

    (void)visit_chain(chain_pem, put_leaf, &use);
    return use.err;
}

/* The serial's octets are those of its DER, with the leading zero of a positive number. */
static bool
put_id(X509 *x, int index, void *ctx)
{
    struct leaf_use *u = ctx;
    const ASN1_OCTET_STRING *key_id = X509_get0_authority_key_id(x);
    uint8_t *der = NULL;
    int n = i2d_ASN1_INTEGER((ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(x), &der);

    if (key_id != NULL && n > 2 && n < 130) { /* tag, one octet of length, content */
        rf_put_base64url(u->out, ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id));
        rf_put_char(u->out, '.');
        rf_put_base64url(u->out, der + 2, (size_t)n - 2);
        u->err = rf_buf_done(u->out);
    } else {
        u->err = RF_ERR_NOT_FOUND;
    }
    OPENSSL_free(der);
    return false;
}

enum rf_err
rf_acme_certificate_id(struct rf_span chain_pem, struct rf_buf *out)
{
    struct leaf_use use = { out, RF_ERR_SYNTAX };

    (void)visit_chain(chain_pem, put_id, &use);
    return use.err;
}

/* --- tls-alpn-01 --- */

/* acmeIdentifier ::= OCTET STRING (SIZE (32)), 1.3.6.1.5.5.7.1.31, critical      RFC 8737 3 */
static bool
add_acme_identifier(X509 *x, struct rf_span key_authorization)
{
    uint8_t value[2 + 32] = { 0x04, 0x20 };
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool fine = oid != NULL && octets != NULL &&
                EVP_Digest(key_authorization.p, key_authorization.n, value + 2, NULL, EVP_sha256(), NULL) == 1 &&
                ASN1_OCTET_STRING_set(octets, value, sizeof value) == 1 &&
                (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, octets)) != NULL &&
                X509_add_ext(x, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    return fine;
}

static bool
fill_alpn(X509 *x, EVP_PKEY *key, const char *name, struct rf_span key_authorization, int64_t wall_s)
{
    char one[1][RF_ACME_NAME_MAX];
    GENERAL_NAMES *list;
    bool fine;

    snprintf(one[0], sizeof one[0], "%s", name);
    list = alt_names(one, 1);
    /* Its clock may be off, and the certificate lives for this one look only. */
    fine = list != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(wall_s - DAY_S)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(wall_s + 7 * DAY_S)) != NULL &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                      (const uint8_t *)"ACME challenge", -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 && X509_set_pubkey(x, key) == 1 &&
           X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1 &&
           add_acme_identifier(x, key_authorization) && X509_sign(x, key, EVP_sha256()) > 0;
    sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
    return fine;
}

enum rf_err
rf_acme_alpn_certificate(struct rf_cert **out, const char *name, struct rf_span key_authorization, int64_t wall_s)
{
    EVP_PKEY *key = rf_acme_key_new(RF_ACME_ECDSA);
    X509 *x = X509_new();
    BIO *b = BIO_new(BIO_s_mem());
    char key_mem[RF_ACME_KEY_PEM_MAX], *chain = NULL;
    struct rf_buf key_pem = rf_buf(key_mem, sizeof key_mem);
    struct rf_cert_problem problem = { 0 };
    enum rf_err err = RF_ERR_CRYPTO;
    long n;

    ERR_clear_error();
    if (key != NULL && x != NULL && b != NULL && fill_alpn(x, key, name, key_authorization, wall_s) &&
        PEM_write_bio_X509(b, x) == 1 && (n = BIO_get_mem_data(b, &chain)) > 0) {
        err = rf_acme_key_put(&key_pem, key);
        if (!err)
            err = rf_cert_from_pem(out, rf_span(chain, (size_t)n), rf_buf_span(&key_pem), &problem);
    }
    rf_wipe(key_mem, sizeof key_mem);
    BIO_free(b);
    X509_free(x);
    EVP_PKEY_free(key);
    return err;
}
