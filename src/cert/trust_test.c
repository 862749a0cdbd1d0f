/* The trusted store: what it takes, lists of revoked certificates, and many threads that ask it at once. */
#include <pthread.h>

#include "cert/cert_test.h"

/* --- revocation --- */

static X509_CRL *
crl_of(const struct made *ca, EVP_PKEY *key, const struct made *revoked, int64_t from, int64_t to)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_new();

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x));
    X509_time_adj_ex(t, 0, 0, &(time_t){ from });
    X509_CRL_set1_lastUpdate(crl, t);
    X509_time_adj_ex(t, 0, 0, &(time_t){ to });
    X509_CRL_set1_nextUpdate(crl, t);
    if (revoked != NULL) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

        X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x));
        X509_time_adj_ex(t, 0, 0, &(time_t){ T0 - DAY });
        X509_REVOKED_set_revocationDate(r, t);
        ASN1_ENUMERATED_set(reason, 1);
        X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0);
        ASN1_ENUMERATED_free(reason);
        X509_CRL_add0_revoked(crl, r);
    }
    X509_CRL_sort(crl);
    X509_CRL_sign(crl, key != NULL ? key : ca->key, EVP_sha256());
    ASN1_TIME_free(t);
    return crl;
}

/* Takes the list. */
static enum rf_err
add_crl(struct rf_trust *t, X509_CRL *crl, struct rf_cert_problem *problem)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *pem;
    long n;
    enum rf_err err;

    PEM_write_bio_X509_CRL(b, crl);
    n = BIO_get_mem_data(b, &pem);
    err = rf_trust_add(t, rf_span(pem, (size_t)n), "list", false, problem);
    BIO_free(b);
    X509_CRL_free(crl);
    return err;
}

static void
revocation(void)
{
    const struct made *stranger = make((struct recipe){ .subject = "Mid", .ext = { CA_EXT } });
    const struct made *rolled = make((struct recipe){ .subject = "Mid", .issuer = root, .ext = { CA_EXT } });
    struct {
        X509_CRL *crl;
        bool want, is_stale;
        const char *what;
    } cases[] = {
        { crl_of(mid, NULL, NULL, T0 - DAY, T0 + DAY), true, false, "a list that does not name it" },
        { crl_of(mid, NULL, leaf, T0 - DAY, T0 + DAY), false, false, "one that does" },
        { crl_of(mid, NULL, leaf, T0 - 9 * DAY, T0 - DAY), false, true, "one that does and is past its end" },
        { crl_of(mid, NULL, NULL, T0 - 9 * DAY, T0 - DAY), true, true, "one that does not, and is past its end: told, not refused" },
        { crl_of(mid, stranger->key, leaf, T0 - DAY, T0 + DAY), true, false, "the list of another authority of that name" },
        { crl_of(mid, rolled->key, leaf, T0 - DAY, T0 + DAY), false, false, "signed with the authority's new key" },
        { crl_of(root, NULL, mid, T0 - DAY, T0 + DAY), false, false, "the intermediate is revoked" },
        { crl_of(root, NULL, root, T0 - DAY, T0 + DAY), false, false, "the root says that of itself" },
        { crl_of(root, NULL, leaf, T0 - DAY, T0 + DAY), true, false, "its number on another authority's list" },
    };
    struct rf_cert_problem problem;
    X509_CRL *indirect;
    ISSUING_DIST_POINT *idp = ISSUING_DIST_POINT_new();
    struct rf_trust *t;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        t = STORE(root, stranger, rolled);
        ok(add_crl(t, cases[i].crl, &problem) == RF_OK && rf_trust_crl_count(t) == 1, "a list is taken: %s", problem.text);
        for (int twice = 0; twice < 2; twice++)
            ok(PASSES(t, RF_CHECK_MEDIUM, leaf, mid) == cases[i].want, "AVA-6 revoked? %s: %s", cases[i].what, why());
        ok(report.is_revocation_stale == cases[i].is_stale, "and whether a list has ended is told");
        ok(PASSES(t, RF_CHECK_LOW, leaf, mid), "AVA-5 level low does not ask");
        rf_trust_unref(t);
    }
    idp->indirectCRL = 0xff;
    indirect = crl_of(mid, NULL, leaf, T0, T0 + DAY);
    X509_CRL_add1_ext_i2d(indirect, NID_issuing_distribution_point, idp, 1, 0);
    X509_CRL_sign(indirect, mid->key, EVP_sha256());
    ISSUING_DIST_POINT_free(idp);
    t = STORE(root);
    ok(add_crl(t, indirect, &problem) == RF_ERR_SYNTAX && rf_trust_crl_count(t) == 0, "an indirect list is refused: %s", problem.text);
    rf_trust_unref(t);
}

/* --- the store's own --- */

static void
stores(void)
{
    static const char *const bad[] = { "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                       "-----BEGIN CERTIFICATE-----\n", "\x30\x82\xff\xff", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" };
    struct rf_cert_problem problem;
    struct rf_trust *t;
    STACK_OF(X509_NAME) *names;
    BIO *b = BIO_new(BIO_s_mem());
    char *pem;
    long n;

    if (!ok(rf_trust_new(&t) == RF_OK && b != NULL, "a store"))
        return;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(rf_trust_add(t, rf_span_str(bad[i]), "bad", false, &problem) == RF_ERR_SYNTAX && problem.text[0] != '\0',
           "what is no store: %s", problem.text);
    ok(rf_trust_add(t, RF_SPAN_LIT(" \n"), "empty", false, &problem) == RF_OK && rf_trust_count(t) == 0, "an empty one is one");
    PEM_write_bio_X509(b, root->x);
    PEM_write_bio_PrivateKey(b, root->key, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(b, mid->x);
    n = BIO_get_mem_data(b, &pem);
    ok(rf_trust_add(t, rf_span(pem, (size_t)n), "two", false, &problem) == RF_OK && rf_trust_count(t) == 2, "two, and a key is passed over");
    BIO_puts(b, bad[1]);
    n = BIO_get_mem_data(b, &pem);
    ok(rf_trust_add(t, rf_span(pem, (size_t)n), "three", false, &problem) == RF_ERR_SYNTAX && rf_trust_count(t) == 2,
       "a damaged third: none of them is added: %s", problem.text);
    ok(rf_trust_has_copy(t, mid->x) && !rf_trust_has_copy(t, leaf->x), "AVA-15 copies are known");
    names = rf_trust_names(t);
    ok(sk_X509_NAME_num(names) == 1, "AVA-1 a CertificateRequest names the anchors");
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    rf_trust_unref(rf_trust_ref(t));
    rf_trust_unref(t);
    BIO_free(b);
    if (rf_trust_new(&t) == RF_OK) {
        enum rf_err err = rf_trust_add_system(t, &problem);

        ok(err == RF_ERR_NOT_FOUND || (err == RF_OK && rf_trust_count(t) > 50), "TEL-6 the system's bundle: %zu entries %s",
           rf_trust_count(t), problem.text);
        ok(rf_trust_add_path(t, "/nonexistent", &problem) == RF_ERR_NOT_FOUND, "no such file: %s", problem.text);
        rf_trust_unref(t);
    }
}

/* --- one store, many threads --- */

static struct rf_trust *shared;

static void *
many(void *arg)
{
    long bad = 0;
    struct rf_check_report *r = malloc(sizeof *r);
    X509 *chain[] = { leaf->x, mid->x };
    struct rf_check_question q = ask(shared, chain, 2, RF_CHECK_HIGH);

    for (int i = 0; i < 20; i++)
        bad += rf_check_peer(&q, r) != RF_OK || r->is_accepted || r->refusal != RF_REFUSE_CERT_REVOKED;
    free(r);
    return (void *)bad;
}

static void
threads(void)
{
    struct rf_cert_problem problem;
    pthread_t thread[4];
    void *bad;
    long sum = 0;

    shared = STORE(root, leaf);
    ok(add_crl(shared, crl_of(mid, NULL, leaf, T0, T0 + DAY), &problem) == RF_OK, "a list");
    for (size_t i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, many, NULL);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(thread[i], &bad);
        sum += (long)bad;
    }
    ok(sum == 0, "four threads ask one store at once");
    rf_trust_unref(shared);
}

int
main(void)
{
    basics();
    stores();
    revocation();
    threads();
    made_free();
    return tap_done();
}
