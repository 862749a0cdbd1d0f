/* Answers of responders, good and bad, made here; what the check engine and the cache do with them. */
#include "cert/ocsp.h"

#include <openssl/ocsp.h>

#include "cert/cert_test.h"
#include "cert/ocsp_cache.h"

#define URL "http://ocsp.example/q"
#define AIA "authorityInfoAccess=OCSP;URI:" URL
#define NONCE "0123456789abcdef"

static const struct made *other_root, *trunk, *delegate, *stranger;
static struct rf_ocsp_verdict verdict;

/* How to make an answer. What is 0 or NULL has a default: a good one by the issuer, of this hour, for a week. */
struct answer {
    const struct made *signer;       /* the issuer */
    const struct made *about;        /* trunk */
    const struct made *by;           /* the issuer that is named in it: mid */
    const struct made *named;        /* responder ID: the signer */
    const char *digest;              /* of names */
    const char *signed_with;
    int status;                      /* V_OCSP_CERTSTATUS_GOOD is 0 */
    int reason;                      /* 0: none is given */
    int64_t from, to;                /* seconds from T0; to = NEVER: no end */
    bool by_key, without_certs, critical, is_damaged, has_tail;
    const char *nonce;
    int response_status;             /* 0 successful */
    size_t others;                   /* answers about other certificates in front of it */
};

#define NEVER INT64_MAX

static ASN1_TIME *
time_at(int64_t s)
{
    return ASN1_GENERALIZEDTIME_set(NULL, (time_t)(T0 + s));
}

static void
add_single(OCSP_BASICRESP *basic, OCSP_CERTID *id, const struct answer *a)
{
    ASN1_TIME *from = time_at(a->from != 0 ? a->from : -3600), *to = a->to == NEVER ? NULL : time_at(a->to != 0 ? a->to : 7 * DAY);
    ASN1_TIME *when = time_at(-2 * DAY);
    OCSP_SINGLERESP *single = OCSP_basic_add1_status(basic, id, a->status, a->reason > 0 ? a->reason : OCSP_REVOKED_STATUS_NOSTATUS,
                                                     when, from, to);

    if (a->critical) {
        ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5", 1);
        ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
        X509_EXTENSION *e;

        ASN1_OCTET_STRING_set(octets, (const unsigned char *)"\x05\x00", 2);
        e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, octets);
        OCSP_SINGLERESP_add_ext(single, e, -1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(octets);
        ASN1_OBJECT_free(oid);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(when);
    OCSP_CERTID_free(id);
}

static struct rf_span
answer_of(struct answer a)
{
    static unsigned char octets[2 * RF_OCSP_ANSWER_MAX];
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const struct made *signer = a.signer != NULL ? a.signer : mid, *about = a.about != NULL ? a.about : trunk;
    const struct made *by = a.by != NULL ? a.by : mid;
    const EVP_MD *md = EVP_get_digestbyname(a.digest != NULL ? a.digest : "SHA1");
    unsigned long flags = a.by_key ? OCSP_RESPID_KEY : 0;
    unsigned char *p = octets;
    OCSP_RESPONSE *resp;
    int n;

    for (size_t i = 0; i < a.others; i++) {
        const struct made *some = i % 2 == 0 ? mid : leaf;
        struct answer plain = { 0 };

        add_single(basic, OCSP_cert_to_id(md, some->x, mid->x), &plain);
    }
    add_single(basic, OCSP_cert_to_id(md, about->x, by->x), &a);
    if (a.nonce != NULL)
        OCSP_basic_add1_nonce(basic, (unsigned char *)(uintptr_t)a.nonce, (int)strlen(a.nonce));
    if (a.without_certs)
        flags |= OCSP_NOCERTS;
    if (OCSP_basic_sign(basic, signer->x, signer->key, EVP_get_digestbyname(a.signed_with != NULL ? a.signed_with : "SHA256"),
                        NULL, flags) != 1) {
        printf("Bail out! signing an answer\n");
        exit(1);
    }
    resp = OCSP_response_create(a.response_status, a.response_status == 0 ? basic : NULL);
    n = i2d_OCSP_RESPONSE(resp, &p);
    rf_assert(n > 0 && n < (int)sizeof octets - 1);
    if (a.is_damaged)
        octets[n / 3] ^= 1;
    if (a.has_tail)
        octets[n++] = 0;
    OCSP_RESPONSE_free(resp);
    OCSP_BASICRESP_free(basic);
    return rf_span(octets, (size_t)n);
}

static enum rf_ocsp_status
judged(struct answer a, const uint8_t *nonce)
{
    struct rf_ocsp_question q = { .x = trunk->x, .issuer = mid->x, .nonce = nonce, .now_s = T0 };

    rf_ocsp_judge(&q, answer_of(a), &verdict);
    return verdict.status;
}

static void
answers(void)
{
    const struct made *late = make((struct recipe){ .subject = "Late", .issuer = mid, .to = T0 - DAY,
                                                    .ext = { "extendedKeyUsage=OCSPSigning" } });
    const struct made *web = make((struct recipe){ .subject = "Web", .issuer = mid,
                                                   .ext = { "extendedKeyUsage=serverAuth,anyExtendedKeyUsage" } });
    const struct made *plain = make((struct recipe){ .subject = "Plain", .issuer = mid });
    const struct made *agrees = make((struct recipe){ .subject = "Agrees", .issuer = mid,
                                                      .ext = { "keyUsage=keyAgreement", "extendedKeyUsage=OCSPSigning" } });
    const struct made *critical = make((struct recipe){ .subject = "Critical", .issuer = mid,
                                                        .ext = { "extendedKeyUsage=OCSPSigning", "1.2.3.4=critical,ASN1:NULL" } });
    const struct made *weak = make((struct recipe){ .subject = "Weak", .issuer = mid, .kind = "RSA1024",
                                                    .ext = { "extendedKeyUsage=OCSPSigning" } });
    const struct made *sha1 = make((struct recipe){ .subject = "Sha1", .issuer = mid, .digest = "SHA1",
                                                    .ext = { "extendedKeyUsage=OCSPSigning" } });
    const struct made *by_root = make((struct recipe){ .subject = "ByRoot", .issuer = root,
                                                       .ext = { "extendedKeyUsage=OCSPSigning" } });
    const struct made *impostor = make((struct recipe){ .subject = "Mid", .ext = { CA_EXT } });
    const struct made *of_impostor = make((struct recipe){ .subject = "Forged", .issuer = impostor,
                                                           .ext = { "extendedKeyUsage=OCSPSigning" } });
    const struct made *ed = make((struct recipe){ .subject = "Ed", .issuer = mid, .kind = "ED25519",
                                                  .ext = { "extendedKeyUsage=OCSPSigning", "keyUsage=digitalSignature" } });
    const struct {
        const char *why;
        struct answer a;
        enum rf_ocsp_status want;
        const char *says; /* part of verdict.why */
    } cases[] = {
        { "the issuer says good", { 0 }, RF_OCSP_GOOD, "" },
        { "named by its key", { .by_key = true }, RF_OCSP_GOOD, "" },
        { "without certificates", { .without_certs = true }, RF_OCSP_GOOD, "" },
        { "names hashed with SHA-256", { .digest = "SHA256" }, RF_OCSP_GOOD, "" },
        { "revoked", { .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 1 }, RF_OCSP_REVOKED, "" },
        { "not known there", { .status = V_OCSP_CERTSTATUS_UNKNOWN }, RF_OCSP_UNKNOWN, "" },
        { "behind sixty others", { .others = 60 }, RF_OCSP_GOOD, "" },
        { "behind too many others", { .others = 64 }, RF_OCSP_NO_ANSWER, "not about this" },
        { "a responder that the issuer named", { .signer = delegate }, RF_OCSP_GOOD, "" },
        { "named by its key as well", { .signer = delegate, .by_key = true }, RF_OCSP_GOOD, "" },
        { "one with an Ed25519 key", { .signer = ed, .signed_with = "none" }, RF_OCSP_GOOD, "" },
        { "such a one that does not send its certificate", { .signer = delegate, .without_certs = true }, RF_OCSP_NO_ANSWER,
          "nobody signed it" },
        { "one that is not meant for it", { .signer = plain }, RF_OCSP_NO_ANSWER, "id-kp-OCSPSigning" },
        { "any purpose is not this purpose", { .signer = web }, RF_OCSP_NO_ANSWER, "id-kp-OCSPSigning" },
        { "one that has ended", { .signer = late }, RF_OCSP_NO_ANSWER, "not in date" },
        { "one whose key may not sign", { .signer = agrees }, RF_OCSP_NO_ANSWER, "key usage" },
        { "one with an unknown critical extension", { .signer = critical }, RF_OCSP_NO_ANSWER, "honoured" },
        { "a key of 1024 bits still counts", { .signer = weak }, RF_OCSP_GOOD, "" },
        { "one that was named with SHA-1", { .signer = sha1 }, RF_OCSP_NO_ANSWER, "too weak" },
        { "one that another authority named, above the issuer", { .signer = by_root }, RF_OCSP_NO_ANSWER, "not named by" },
        { "a stranger", { .signer = stranger }, RF_OCSP_NO_ANSWER, "not named by" },
        { "an authority of the same name with another key", { .signer = impostor }, RF_OCSP_NO_ANSWER, "not its issuer's" },
        { "whom an authority of the same name named", { .signer = of_impostor }, RF_OCSP_NO_ANSWER, "not named by" },
        { "signed with SHA-1", { .signed_with = "SHA1" }, RF_OCSP_NO_ANSWER, "SHA-1" },
        { "damaged", { .is_damaged = true, .without_certs = true }, RF_OCSP_NO_ANSWER, "" },
        { "octets behind it", { .has_tail = true }, RF_OCSP_NO_ANSWER, "cannot be read" },
        { "about another certificate", { .about = leaf }, RF_OCSP_NO_ANSWER, "not about this" },
        { "about the same number of another authority", { .by = root }, RF_OCSP_NO_ANSWER, "not about this" },
        { "a critical extension", { .critical = true }, RF_OCSP_NO_ANSWER, "critical" },
        { "starts in four minutes", { .from = 240 }, RF_OCSP_GOOD, "" },
        { "starts in six", { .from = 360 }, RF_OCSP_NO_ANSWER, "future" },
        { "ended four minutes ago", { .from = -DAY, .to = -240 }, RF_OCSP_GOOD, "" },
        { "ended six minutes ago", { .from = -DAY, .to = -360 }, RF_OCSP_NO_ANSWER, "ended" },
        { "a revocation that has ended says nothing either", { .from = -DAY, .to = -360, .status = V_OCSP_CERTSTATUS_REVOKED },
          RF_OCSP_NO_ANSWER, "ended" },
        { "ends before it begins", { .from = -100, .to = -200 }, RF_OCSP_NO_ANSWER, "before it begins" },
        { "no end, of this morning", { .from = -DAY / 2, .to = NEVER }, RF_OCSP_GOOD, "" },
        { "no end, of the day before yesterday", { .from = -2 * DAY, .to = NEVER }, RF_OCSP_NO_ANSWER, "ended" },
        { "no nonce", { 0 }, RF_OCSP_GOOD, "" },
        { "our nonce", { .nonce = NONCE }, RF_OCSP_GOOD, "" },
        { "another nonce", { .nonce = "0123456789abcdeF" }, RF_OCSP_NO_ANSWER, "nonce" },
        { "a shorter nonce", { .nonce = "0123456789abcde" }, RF_OCSP_NO_ANSWER, "nonce" },
        { "malformed request", { .response_status = 1 }, RF_OCSP_NO_ANSWER, "did not understand" },
        { "internal error", { .response_status = 2 }, RF_OCSP_NO_ANSWER, "fault" },
        { "try later", { .response_status = 3 }, RF_OCSP_NO_ANSWER, "busy" },
        { "signature wanted", { .response_status = 5 }, RF_OCSP_NO_ANSWER, "signed" },
        { "unauthorized", { .response_status = 6 }, RF_OCSP_NO_ANSWER, "does not speak for" },
        { "a status that is none", { .response_status = 77 }, RF_OCSP_NO_ANSWER, "none" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum rf_ocsp_status got = judged(cases[i].a, (const uint8_t *)NONCE);

        ok(got == cases[i].want && strstr(verdict.why, cases[i].says) != NULL &&
               (got == RF_OCSP_NO_ANSWER) == (verdict.why[0] != '\0'),
           "%s: %s %s", cases[i].why, rf_ocsp_status_name(got), verdict.why);
    }
    judged((struct answer){ .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 1 }, NULL);
    ok(verdict.since == T0 - 2 * DAY && strcmp(verdict.reason, "keyCompromise") == 0, "when and why it was revoked");
    judged((struct answer){ .nonce = "another" }, NULL);
    ok(verdict.status == RF_OCSP_GOOD, "who sent no nonce looks at none");
    ok(rf_ocsp_renew_at(&verdict) == T0 - 3600 + (7 * DAY + 3600) / 2, "asked again half-way");
}

/* Each octet of a good answer, changed: never another good or revoked one about what was signed. */
static void
every_octet(void)
{
    struct rf_ocsp_question q = { .x = trunk->x, .issuer = mid->x, .now_s = T0 };
    struct rf_span good = answer_of((struct answer){ .without_certs = true });
    size_t n = good.n, wrong = 0, cut = 0;
    char copy[4096];

    memcpy(copy, good.p, n);
    for (size_t i = 0; i < n; i++) {
        copy[i] ^= 0x11;
        rf_ocsp_judge(&q, rf_span(copy, n), &verdict);
        wrong += verdict.status == RF_OCSP_REVOKED || verdict.status == RF_OCSP_UNKNOWN;
        copy[i] ^= 0x11;
        rf_ocsp_judge(&q, rf_span(copy, i), &verdict);
        cut += verdict.status != RF_OCSP_NO_ANSWER;
    }
    ok(n > 100 && wrong == 0 && cut == 0, "%zu octets, each changed and each cut off: none says something else", n);
    rf_ocsp_judge(&q, rf_span(copy, 0), &verdict);
    ok(verdict.status == RF_OCSP_NO_ANSWER, "nothing is no answer");
    static char much[RF_OCSP_ANSWER_MAX + 1];
    rf_ocsp_judge(&q, rf_span(much, sizeof much), &verdict);
    ok(strstr(verdict.why, "too long") != NULL, "%s", verdict.why);
}

static void
questions(void)
{
    char mem[RF_OCSP_REQUEST_MAX], small[16], url[64], tiny[8];
    struct rf_buf b = rf_buf(mem, sizeof mem), s = rf_buf(small, sizeof small);
    const unsigned char *p = (const unsigned char *)mem;
    OCSP_REQUEST *req;
    OCSP_CERTID *id;
    static const struct {
        const char *aia, *want;
    } urls[] = {
        { "OCSP;URI:http://a.example/ocsp", "http://a.example/ocsp" },
        { "OCSP;URI:HTTP://a.example", "HTTP://a.example" },
        { "OCSP;URI:https://a.example/ocsp", NULL },
        { "OCSP;URI:ldap://a.example", NULL },
        { "OCSP;URI:http://", NULL },
        { "caIssuers;URI:http://a.example/ca.crt", NULL },
        { "OCSP;URI:https://a.example/x,OCSP;URI:http://b.example/y", "http://b.example/y" },
        { "OCSP;DNS:a.example", NULL },
    };

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char ext[200];
        const struct made *m;
        bool found;

        snprintf(ext, sizeof ext, "authorityInfoAccess=%s", urls[i].aia);
        m = make((struct recipe){ .subject = "Url", .issuer = mid, .ext = { ext } });
        found = rf_ocsp_url(m->x, url, sizeof url);
        ok(found == (urls[i].want != NULL) && (!found || strcmp(url, urls[i].want) == 0), "%s: %s", urls[i].aia,
           found ? url : "none");
    }
    ok(!rf_ocsp_url(leaf->x, url, sizeof url) && !rf_ocsp_url(trunk->x, tiny, sizeof tiny), "no address; one that is too long");

    ok(rf_ocsp_request(trunk->x, mid->x, (const uint8_t *)NONCE, &b) == RF_OK, "a question has %zu octets", b.n);
    req = d2i_OCSP_REQUEST(NULL, &p, (long)b.n);
    id = OCSP_cert_to_id(EVP_sha1(), trunk->x, mid->x);
    ok(req != NULL && OCSP_request_onereq_count(req) == 1 &&
           OCSP_id_cmp(OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0)), id) == 0 &&
           OCSP_REQUEST_get_ext_by_NID(req, NID_id_pkix_OCSP_Nonce, -1) >= 0,
       "about this certificate, with a nonce");
    ok(rf_ocsp_request(trunk->x, mid->x, NULL, &s) == RF_ERR_RANGE, "one that does not fit is an error");
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(req);
}

/* --- the check engine --- */

static struct rf_ocsp_verdict source_says;
static unsigned source_asked;

static void
source_ask(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out)
{
    source_asked++;
    *out = source_says;
}

static void
rules(void)
{
    struct rf_trust *t = STORE(root);
    X509 *chain[] = { trunk->x, mid->x }, *bare[] = { leaf->x, mid->x };
    const struct rf_ocsp_source source = { .ask = source_ask };
    const struct {
        const char *why;
        enum rf_check_ocsp ocsp;
        enum rf_ocsp_status status;       /* of the source */
        bool is_bare;                     /* a certificate that names no responder */
        const struct answer *stapled;
        bool accepted;
        enum rf_refusal refusal;
        bool is_missing;
        unsigned asked;
    } cases[] = {
        { "off: nobody is asked", RF_CHECK_OCSP_OFF, RF_OCSP_REVOKED, false, NULL, true, RF_REFUSE_NONE, false, 0 },
        { "soft, good", RF_CHECK_OCSP_SOFT, RF_OCSP_GOOD, false, NULL, true, RF_REFUSE_NONE, false, 1 },
        { "soft, revoked", RF_CHECK_OCSP_SOFT, RF_OCSP_REVOKED, false, NULL, false, RF_REFUSE_CERT_REVOKED, false, 1 },
        { "soft, no answer", RF_CHECK_OCSP_SOFT, RF_OCSP_NO_ANSWER, false, NULL, true, RF_REFUSE_NONE, true, 1 },
        { "soft, unknown", RF_CHECK_OCSP_SOFT, RF_OCSP_UNKNOWN, false, NULL, true, RF_REFUSE_NONE, true, 1 },
        { "hard, good", RF_CHECK_OCSP_HARD, RF_OCSP_GOOD, false, NULL, true, RF_REFUSE_NONE, false, 1 },
        { "hard, revoked", RF_CHECK_OCSP_HARD, RF_OCSP_REVOKED, false, NULL, false, RF_REFUSE_CERT_REVOKED, false, 1 },
        { "hard, no answer", RF_CHECK_OCSP_HARD, RF_OCSP_NO_ANSWER, false, NULL, false, RF_REFUSE_CERT_STATUS_UNKNOWN, true, 1 },
        { "hard, unknown", RF_CHECK_OCSP_HARD, RF_OCSP_UNKNOWN, false, NULL, false, RF_REFUSE_CERT_STATUS_UNKNOWN, true, 1 },
        { "hard, no responder named", RF_CHECK_OCSP_HARD, RF_OCSP_REVOKED, true, NULL, true, RF_REFUSE_NONE, false, 0 },
        { "stapled good: nobody is asked", RF_CHECK_OCSP_HARD, RF_OCSP_NO_ANSWER, false, &(struct answer){ 0 }, true, RF_REFUSE_NONE,
          false, 0 },
        { "stapled revoked", RF_CHECK_OCSP_SOFT, RF_OCSP_GOOD, false, &(struct answer){ .status = V_OCSP_CERTSTATUS_REVOKED }, false,
          RF_REFUSE_CERT_REVOKED, false, 0 },
        { "stapled and old: asked instead", RF_CHECK_OCSP_HARD, RF_OCSP_GOOD, false,
          &(struct answer){ .from = -3 * DAY, .to = -2 * DAY }, true, RF_REFUSE_NONE, false, 1 },
        { "stapled by a stranger", RF_CHECK_OCSP_HARD, RF_OCSP_NO_ANSWER, false, &(struct answer){ .signer = stranger }, false,
          RF_REFUSE_CERT_STATUS_UNKNOWN, true, 1 },
        { "stapled counts where no responder is named", RF_CHECK_OCSP_SOFT, RF_OCSP_GOOD, true,
          &(struct answer){ .about = leaf, .status = V_OCSP_CERTSTATUS_REVOKED }, false, RF_REFUSE_CERT_REVOKED, false, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_check_question q = ask(t, cases[i].is_bare ? bare : chain, 2, RF_CHECK_MEDIUM);
        bool accepted;

        source_says = (struct rf_ocsp_verdict){ .status = cases[i].status, .reason = "", .why = "the network is away" };
        source_asked = 0;
        q.ocsp = cases[i].ocsp;
        q.ocsp_source = &source;
        if (cases[i].stapled != NULL)
            q.stapled = answer_of(*cases[i].stapled);
        accepted = judge(&q);
        ok(accepted == cases[i].accepted && report.refusal == cases[i].refusal && report.is_ocsp_missing == cases[i].is_missing &&
               source_asked == cases[i].asked,
           "%s: %s (%s), asked %u", cases[i].why, accepted ? "accepted" : "refused", report.line[RF_CHECK_REVOKED].detail,
           source_asked);
    }
    rf_trust_unref(t);
}

static void
rules_of_levels(void)
{
    struct rf_trust *t = STORE(root);
    X509 *chain[] = { trunk->x, mid->x };
    struct rf_check_question q = ask(t, chain, 2, RF_CHECK_LOW);
    enum rf_check_ocsp mode;

    q.ocsp = RF_CHECK_OCSP_HARD;
    ok(judge(&q) && report.passes_level == ((1u << RF_CHECK_NONE) | (1u << RF_CHECK_LOW)),
       "hard without a source: None and Low accept, the others would not");
    q.level = RF_CHECK_MEDIUM;
    ok(!judge(&q) && strstr(why(), "CN=trunk: nobody asks") != NULL, "%s", why());
    ok(rf_check_ocsp_find(RF_SPAN_LIT("Hard"), &mode) == RF_OK && mode == RF_CHECK_OCSP_HARD &&
           strcmp(rf_check_ocsp_name(mode), "hard") == 0 && rf_check_ocsp_find(RF_SPAN_LIT("x"), &mode) == RF_ERR_NOT_FOUND,
       "modes have names");
    rf_trust_unref(t);
}

/* The responder's own certificate is on a list that is loaded. */
static void
revoked_responder(void)
{
    struct rf_trust *t = STORE(root, mid);
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_TIME *from = time_at(-DAY), *to = time_at(DAY);
    struct rf_ocsp_question q = { .x = trunk->x, .issuer = mid->x, .trust = t, .now_s = T0 };
    struct rf_cert_problem problem;
    unsigned char *der = NULL;
    int n;

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(mid->x));
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, to);
    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(delegate->x));
    X509_REVOKED_set_revocationDate(r, from);
    X509_CRL_add0_revoked(crl, r);
    X509_CRL_sign(crl, mid->key, EVP_sha256());
    n = i2d_X509_CRL(crl, &der);
    rf_ocsp_judge(&q, answer_of((struct answer){ .signer = delegate }), &verdict);
    ok(verdict.status == RF_OCSP_GOOD, "a responder of whom nothing bad is known");
    ok(rf_trust_add(t, rf_span(der, (size_t)n), "list", false, &problem) == RF_OK, "a list that names it");
    rf_ocsp_judge(&q, answer_of((struct answer){ .signer = delegate }), &verdict);
    ok(verdict.status == RF_OCSP_NO_ANSWER && strstr(verdict.why, "revoked") != NULL, "%s", verdict.why);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
    rf_trust_unref(t);
}

/* --- the cache --- */

static struct rf_ocsp_errand *errands[2 * RF_OCSP_ERRANDS_MAX];
static size_t errand_count;

static void
take_errand(void *ctx, struct rf_ocsp_errand *e)
{
    rf_assert(errand_count < sizeof errands / sizeof *errands);
    errands[errand_count++] = e;
}

static enum rf_ocsp_status
known(struct rf_ocsp_cache *c, const struct made *m, int64_t now_s)
{
    rf_ocsp_cache_ask(c, m->x, mid->x, now_s, &verdict);
    return verdict.status;
}

static void
cache_asks_once(void)
{
    const struct rf_ocsp_fetcher fetcher = { .fetch = take_errand };
    struct rf_ocsp_cache *c;
    struct rf_span silence = rf_span(NULL, 0);

    if (!ok(rf_ocsp_cache_new(&c, &fetcher) == RF_OK, "a cache"))
        return;
    ok(known(c, leaf, T0) == RF_OCSP_NO_ANSWER && !verdict.is_pending && errand_count == 0, "%s", verdict.why);
    ok(known(c, trunk, T0) == RF_OCSP_NO_ANSWER && verdict.is_pending && errand_count == 1 &&
           strcmp(errands[0]->url, URL) == 0 && errands[0]->request_n > 50,
       "one that is not known is asked for: %s", verdict.why);
    ok(known(c, trunk, T0) == RF_OCSP_NO_ANSWER && errand_count == 1 && rf_ocsp_cache_open(c) == 1, "once");

    rf_ocsp_cache_answer(c, errands[0], silence, T0, &verdict);
    ok(verdict.status == RF_OCSP_NO_ANSWER && rf_ocsp_cache_open(c) == 0, "%s", verdict.why);
    errand_count = 0;
    ok(known(c, trunk, T0 + 59) == RF_OCSP_NO_ANSWER && !verdict.is_pending && errand_count == 0, "no answer: a minute's rest (%s)",
       verdict.why);
    ok(known(c, trunk, T0 + 60) == RF_OCSP_NO_ANSWER && verdict.is_pending && errand_count == 1, "then once more");
    rf_ocsp_cache_answer(c, errands[0], RF_SPAN_LIT("rubbish"), T0 + 60, NULL);
    errand_count = 0;
    known(c, trunk, T0 + 60 + 119);
    ok(errand_count == 0, "then two minutes (%s)", verdict.why);
    known(c, trunk, T0 + 60 + 120);
    ok(errand_count == 1, "and once more");
    rf_ocsp_cache_answer(c, errands[0], answer_of((struct answer){ 0 }), T0 + 180, &verdict);
    errand_count = 0;
    ok(verdict.status == RF_OCSP_GOOD && known(c, trunk, T0 + 180) == RF_OCSP_GOOD && errand_count == 0, "an answer is kept");
    ok(known(c, trunk, T0 + 3 * DAY) == RF_OCSP_GOOD && errand_count == 0, "for half its life without a question");
    ok(known(c, trunk, T0 + 4 * DAY) == RF_OCSP_GOOD && errand_count == 1, "then it still counts, and a newer one is fetched");

    rf_ocsp_cache_answer(c, errands[0], answer_of((struct answer){ .from = -2 * DAY, .status = V_OCSP_CERTSTATUS_UNKNOWN }),
                         T0 + 4 * DAY, NULL);
    errand_count = 0;
    ok(known(c, trunk, T0 + 4 * DAY + 1) == RF_OCSP_GOOD && errand_count == 0, "an older answer replaces nothing");
    known(c, trunk, T0 + 4 * DAY + 61);
    ok(errand_count == 1, "and is asked for again");
    rf_ocsp_cache_answer(c, errands[0], answer_of((struct answer){ .from = 4 * DAY, .to = 11 * DAY, .status = V_OCSP_CERTSTATUS_REVOKED }),
                         T0 + 4 * DAY + 61, NULL);
    errand_count = 0;
    ok(known(c, trunk, T0 + 4 * DAY + 62) == RF_OCSP_REVOKED, "a newer one does");
    ok(known(c, trunk, T0 + 12 * DAY) == RF_OCSP_NO_ANSWER && verdict.is_pending, "after its end it says nothing");
    rf_ocsp_cache_answer(c, errands[0], silence, T0 + 12 * DAY, NULL);
    errand_count = 0;
    known(c, trunk, T0 - 30 * DAY);
    ok(errand_count == 1, "a clock that was set back does not stop the questions");
    rf_ocsp_cache_answer(c, errands[0], silence, T0, NULL);
    errand_count = 0;
    rf_ocsp_cache_free(c);
    rf_ocsp_cache_free(NULL);
}

/* More certificates than entries, and more at once than may be under way. */
static void
cache_is_bounded(void)
{
    const struct rf_ocsp_fetcher fetcher = { .fetch = take_errand };
    static X509 *many[RF_OCSP_ENTRIES_MAX + 300];
    struct rf_ocsp_cache *c;
    size_t n = sizeof many / sizeof *many, most = 0;

    if (!ok(rf_ocsp_cache_new(&c, &fetcher) == RF_OK, "a cache"))
        return;
    for (size_t i = 0; i < n; i++) {
        many[i] = X509_dup(trunk->x);
        ASN1_INTEGER_set(X509_get_serialNumber(many[i]), (long)(5000000 + i));
    }
    for (size_t i = 0; i < 2 * RF_OCSP_ERRANDS_MAX; i++)
        rf_ocsp_cache_ask(c, many[i], mid->x, T0, &verdict);
    ok(errand_count == RF_OCSP_ERRANDS_MAX && !verdict.is_pending, "%zu questions at once: %s", errand_count, verdict.why);
    for (size_t i = 0; i < n; i++) {
        rf_ocsp_cache_ask(c, many[i], mid->x, T0, &verdict);
        if (rf_ocsp_cache_count(c) > most)
            most = rf_ocsp_cache_count(c);
    }
    ok(most == RF_OCSP_ENTRIES_MAX && errand_count == RF_OCSP_ERRANDS_MAX, "%zu certificates in %zu entries", n, most);
    for (size_t i = 0; i < RF_OCSP_ERRANDS_MAX; i++)
        rf_ocsp_cache_answer(c, errands[i], rf_span(NULL, 0), T0, NULL);
    errand_count = 0;
    rf_ocsp_cache_ask(c, many[0], mid->x, T0 + 1, &verdict);
    ok(!verdict.is_pending && strstr(verdict.why, "reached") != NULL, "those with a question stayed: %s", verdict.why);
    rf_ocsp_cache_ask(c, many[RF_OCSP_ERRANDS_MAX + 1], mid->x, T0 + 1, &verdict);
    ok(verdict.is_pending && errand_count == 1, "and others are asked for now");
    rf_ocsp_cache_answer(c, errands[0], rf_span(NULL, 0), T0, NULL);
    errand_count = 0;
    for (size_t i = 0; i < n; i++)
        X509_free(many[i]);
    rf_ocsp_cache_free(c);
}

int
main(void)
{
    basics();
    other_root = make((struct recipe){ .subject = "Other", .ext = { CA_EXT } });
    trunk = make((struct recipe){ .subject = "trunk", .issuer = mid, .ext = { LEAF_EXT, "subjectAltName=DNS:trunk.example.net", AIA } });
    delegate = make((struct recipe){ .subject = "Responder", .issuer = mid,
                                     .ext = { "keyUsage=critical,digitalSignature", "extendedKeyUsage=critical,OCSPSigning" } });
    stranger = make((struct recipe){ .subject = "Stranger", .issuer = other_root, .ext = { "extendedKeyUsage=OCSPSigning" } });
    questions();
    answers();
    every_octet();
    rules();
    rules_of_levels();
    revoked_responder();
    cache_asks_once();
    cache_is_bounded();
    made_free();
    return tap_done();
}
