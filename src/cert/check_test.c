/*
 * The check engine on certificates made here: what tests/data/certs has not - other kinds of keys, depths, orders,
 * names and authorities that look alike. The tables of the levels themselves are tests/certs/levels.py.
 */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <time.h>

#include "cert/cert_test.h"
#include "cert/part.h"

/* --- dates, keys --- */

static void
dates(void)
{
    static const struct {
        int64_t now, is_good;
        const char *what;
    } cases[] = {
        { T0 - 30 * DAY - 1, 0, "a second before it starts" }, { T0 - 30 * DAY, 1, "the second it starts" },
        { T0 + 300 * DAY, 1, "the second it ends" },           { T0 + 300 * DAY + 1, 0, "a second after" },
    };
    struct rf_check_question q = ask(NULL, &leaf->x, 1, RF_CHECK_NONE);
    const struct made *odd = make((struct recipe){ .subject = "odd", .ext = { LEAF_EXT } });

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        q.now_s = cases[i].now;
        ok(judge(&q) == (cases[i].is_good != 0), "AVA-4 %s: %s", cases[i].what, why());
        ok(report.is_accepted || report.refusal == (i == 0 ? RF_REFUSE_CERT_NOT_YET_VALID : RF_REFUSE_CERT_EXPIRED),
           "AVA-26 and the code says which");
    }
    /* An offset instead of Z is not of RFC 5280; OpenSSL would read it. */
    ASN1_STRING_set(X509_getm_notAfter(odd->x), "301121000000+0100", 17);
    make_sign(odd->x, odd->key, NULL);
    ok(!PASSES(NULL, RF_CHECK_NONE, odd), "AVA-4 dates that cannot be read are refused at every level: %s", why());
}

static void
keys(void)
{
    static const struct {
        const char *kind;
        bool low, high;
    } cases[] = {
        { "RSA512", false, false },    { "RSA1023", false, false },   { "RSA1024", true, false },
        { "RSA2047", true, false },    { "RSA2048", true, true },     { "RSA3072", true, true },
        { "secp112r1", false, false }, { "secp128r1", false, false }, { "secp160r1", true, false },
        { "P-192", true, false },      { "secp224r1", true, true },   { "brainpoolP256r1", true, true },
        { "P-521", true, true },       { "ED25519", true, true },     { "ED448", true, true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct made *m = make((struct recipe){ .subject = "k", .issuer = root, .kind = cases[i].kind,
                                                     .ext = { LEAF_EXT } });
        struct rf_trust *t = STORE(root, m);

        ok(PASSES(t, RF_CHECK_NONE, m), "AVA-4 %s at level none", cases[i].kind);
        ok(PASSES(t, RF_CHECK_LOW, m) == cases[i].low, "AVA-5 %s at level low: %s", cases[i].kind, why());
        ok(PASSES(t, RF_CHECK_MEDIUM, m) == cases[i].low, "AVA-6 %s at level medium: %s", cases[i].kind, why());
        ok(PASSES(t, RF_CHECK_HIGH, m) == cases[i].high, "AVA-12 %s at level high: %s", cases[i].kind, why());
        rf_trust_unref(t);
    }
}

/* Keys that look long and protect nothing. */
static void
bad_keys(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL, *rsa = EVP_RSA_gen(2048), *one = NULL;
    const struct made *m;
    struct rf_trust *t;
    BIGNUM *n = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params;

    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1);
    EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_EXPLICIT_CURVE);
    EVP_PKEY_keygen(ctx, &key);
    m = make((struct recipe){ .subject = "explicit", .issuer = root, .key = key, .ext = { LEAF_EXT } });
    /* As a peer sends it: the copy in memory still knows the name of its curve. */
    t = STORE(root, m);
    ok(rf_trust_part(t, 1)->key_strength == 0, "AVA-5 a curve given by its parameters (RFC 5480 2.1.1) has no strength");
    rf_trust_unref(t);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);

    EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N, &n);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_ulong(bld, OSSL_PKEY_PARAM_RSA_E, 1);
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY_fromdata_init(ctx);
    EVP_PKEY_fromdata(ctx, &one, EVP_PKEY_PUBLIC_KEY, params);
    if (ok(one != NULL, "an RSA key with exponent 1")) {
        m = make((struct recipe){ .subject = "one", .issuer = root, .key = one, .ext = { LEAF_EXT } });
        ok(!PASSES(NULL, RF_CHECK_LOW, m), "AVA-5 is refused: %s", why());
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_free(one);
    EVP_PKEY_free(rsa);
    BN_free(n);
}

/* --- paths --- */

static void
lookalikes(void)
{
    const struct made *same[20], *good, *other_leaf;
    struct rf_trust *t;

    /* Twenty roots of one name; the right one is somewhere among them, with and without key identifiers. */
    for (int ids = 0; ids < 2; ids++) {
        for (size_t i = 0; i < 20; i++)
            same[i] = make((struct recipe){ .subject = "Same Root", .no_key_ids = ids == 0, .ext = { CA_EXT } });
        for (size_t place = 0; place < 20; place += 19) {
            good = make((struct recipe){ .subject = "x", .issuer = same[place], .no_key_ids = ids == 0, .ext = { LEAF_EXT } });
            if (rf_trust_new(&t) != RF_OK)
                return;
            for (size_t i = 0; i < 20; i++)
                store_add(t, same[i], false);
            ok(PASSES(t, RF_CHECK_MEDIUM, good), "AVA-6 the right one of 20 roots of one name, place %zu, %s key identifiers: %s",
               place, ids ? "with" : "without", why());
            ok(!PASSES(t, RF_CHECK_HIGH, good), "AVA-15 which is no copy of it");
            rf_trust_unref(t);
        }
    }

    /* The exact certificate is found although one of its subject stands before it. */
    good = make((struct recipe){ .subject = "twin", .ext = { LEAF_EXT } });
    other_leaf = make((struct recipe){ .subject = "twin", .ext = { LEAF_EXT } });
    t = STORE(other_leaf, good);
    ok(PASSES(t, RF_CHECK_MEDIUM, good), "AVA-6 a self-signed certificate in the store, after another of the same subject");
    ok(!PASSES(t, RF_CHECK_HIGH, good) && report.refusal == RF_REFUSE_CERT_SELF_SIGNED, "AVA-13 and level high refuses it");
    good = make((struct recipe){ .subject = "twin", .ext = { LEAF_EXT } });
    ok(!PASSES(t, RF_CHECK_MEDIUM, good) && report.refusal == RF_REFUSE_CERT_SELF_SIGNED, "AVA-6 a third twin is refused: %s",
       why());
    rf_trust_unref(t);
}

static double
seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void
hundreds(void)
{
    const struct made *good_mid = NULL, *end, *sent[12];
    struct rf_trust *t = STORE(root);
    double began;
    X509 *chain[40];
    struct rf_check_question q;
    EVP_PKEY *key[9];

    /* A hundred intermediates of one name in the store, the right one first or last, nothing to tell them apart. */
    for (int i = 0; i < 100; i++) {
        good_mid = make((struct recipe){ .subject = "Same Mid", .issuer = root, .no_key_ids = true, .ext = { CA_EXT } });
        store_add(t, good_mid, false);
        if (i == 0 || i == 99) {
            end = make((struct recipe){ .subject = "e", .issuer = good_mid, .no_key_ids = true, .ext = { LEAF_EXT } });
            ok(PASSES(t, RF_CHECK_MEDIUM, end), "AVA-6 a signer among %d intermediates of one name: %s", i + 1, why());
        }
    }
    end = make((struct recipe){ .subject = "e", .issuer = mid, .no_key_ids = true, .ext = { LEAF_EXT } });
    X509_set_issuer_name(end->x, X509_get_subject_name(good_mid->x));
    make_sign(end->x, mid->key, NULL);
    began = seconds();
    ok(!PASSES(t, RF_CHECK_MEDIUM, end) && report.refusal == RF_REFUSE_CERT_BAD_SIGNATURE, "none of a hundred: %s", why());
    ok(seconds() - began < 1.0 * (RF_SANITIZED ? 20 : 1), "and that took %.1f ms", 1e3 * (seconds() - began));
    rf_trust_unref(t);

    /* Nine authorities of one name that all signed each other, none of them known: the paths through them are 9!. */
    t = STORE(root);
    for (size_t i = 0; i < 9; i++)
        key[i] = make_key("P-521");
    for (size_t i = 0; i < 9; i++) {
        struct made issuer = { .key = key[(i + 1) % 9], .x = good_mid->x };

        sent[i + 1] = make((struct recipe){ .subject = "Same Mid", .issuer = &issuer, .key = key[i], .no_key_ids = true,
                                            .ext = { CA_EXT } });
    }
    sent[0] = make((struct recipe){ .subject = "e", .issuer = sent[1], .no_key_ids = true, .ext = { LEAF_EXT } });
    for (size_t i = 0; i < 10; i++)
        chain[i] = sent[i]->x;
    q = ask(t, chain, 10, RF_CHECK_MEDIUM);
    began = seconds();
    ok(!judge(&q), "nine that signed each other in a circle: %s", why());
    ok(seconds() - began < 1.0 * (RF_SANITIZED ? 20 : 1), "and that took %.1f ms", 1e3 * (seconds() - began));
    rf_trust_unref(t);

    /* The circle has a way out: one of them is signed by a root as well. */
    sent[10] = make((struct recipe){ .subject = "Same Mid", .issuer = root, .key = key[4], .no_key_ids = true,
                                     .ext = { CA_EXT } });
    t = STORE(root, sent[10]);
    ok(judge(&(struct rf_check_question){ .level = RF_CHECK_MEDIUM, .chain = chain, .chain_count = 10, .trust = t, .now_s = T0 }),
       "AVA-6 a way out of the circle is found: %s, %zu certificates", why(), report.path_count);
    rf_trust_unref(t);
    for (size_t i = 0; i < 9; i++)
        EVP_PKEY_free(key[i]);
}

/* More certificates than anybody sends: the first ten are looked at. */
static void
long_chains(void)
{
    const struct made *up[16] = { root };
    struct rf_trust *t = STORE(root);
    X509 *chain[40];
    struct rf_check_question q;

    for (int i = 1; i < 13; i++) {
        char name[16];

        snprintf(name, sizeof name, "Level %d", i);
        up[i] = make((struct recipe){ .subject = name, .issuer = up[i - 1], .ext = { CA_EXT } });
    }
    /* root, i intermediates, leaf */
    for (int i = 1; i <= 12; i++) {
        const struct made *end = make((struct recipe){ .subject = "deep", .issuer = up[i], .ext = { LEAF_EXT } });
        size_t n = 0;

        chain[n++] = end->x;
        for (int k = i; k > 0; k--)
            chain[n++] = up[k]->x;
        q = ask(t, chain, n, RF_CHECK_MEDIUM);
        ok(judge(&q) == (i <= 9), "GEN-17 %d intermediates sent: %s", i, why());
        if (i > 9) {
            char says[96];

            snprintf(says, sizeof says, "too deep: %d certificates were sent, 10 are looked at", i + 1);
            ok(report.refusal == RF_REFUSE_CERT_CHAIN_NOT_VALID && strstr(report.words.reason, says) != NULL,
               "GEN-17 which says how deep, and the limit: %s", report.words.reason);
        }
        if (i == 3) {
            q.verify_depth = 3;
            ok(judge(&q), "GEN-17 depth 3 is within verify-depth 3");
            q.verify_depth = 2;
            ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_CHAIN_NOT_VALID, "GEN-17 and not within 2: %s", why());
        }
    }
    /* Ten and more in any order, with strangers among them. */
    chain[0] = leaf->x;
    for (size_t i = 1; i < 9; i++)
        chain[i] = up[i]->x;
    chain[9] = mid->x;
    q = ask(t, chain, 10, RF_CHECK_MEDIUM);
    ok(judge(&q), "AVA-6 the issuer comes last, after eight that do not belong there: %s", why());
    for (size_t i = 9; i < 39; i++)
        chain[i] = up[1]->x;
    chain[39] = mid->x;
    q = ask(t, chain, 40, RF_CHECK_MEDIUM);
    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_CHAIN_NOT_VALID &&
           strcmp(report.words.reason, "40 certificates were sent, 10 are looked at, and an issuer is not among those") == 0,
       "an issuer in place 40 is not looked for, which is said: %s", report.words.reason);
    q.level = RF_CHECK_LOW;
    ok(judge(&q), "AVA-5 level low looks at the leaf alone");
    rf_trust_unref(t);
}

static void
crossed(void)
{
    /* An authority in four certificates: by an unknown root, by a root that ended, by a good one, by itself. */
    const struct made *unknown = make((struct recipe){ .subject = "Unknown", .ext = { CA_EXT } });
    const struct made *ended = make((struct recipe){ .subject = "Ended", .to = T0 - DAY, .ext = { CA_EXT } });
    const struct made *self = make((struct recipe){ .subject = "Cross", .ext = { CA_EXT } });
    const struct made *by_unknown = make((struct recipe){ .subject = "Cross", .issuer = unknown, .key = self->key, .ext = { CA_EXT } });
    const struct made *by_ended = make((struct recipe){ .subject = "Cross", .issuer = ended, .key = self->key, .ext = { CA_EXT } });
    const struct made *by_root = make((struct recipe){ .subject = "Cross", .issuer = root, .key = self->key, .ext = { CA_EXT } });
    const struct made *end = make((struct recipe){ .subject = "end", .issuer = self, .ext = { LEAF_EXT } });
    struct rf_trust *t = STORE(root, ended);

    ok(PASSES(t, RF_CHECK_MEDIUM, end, by_unknown, by_ended, by_root), "AVA-6 the third of three cross-signatures leads to a root: %s",
       why());
    ok(!PASSES(t, RF_CHECK_MEDIUM, end, by_unknown) && report.refusal == RF_REFUSE_CERT_UNKNOWN_CA, "AVA-6 one alone to an unknown one: %s",
       why());
    ok(strcmp(report.missing_issuer, "CN=Unknown") == 0, "and the missing issuer is %s", report.missing_issuer);
    ok(!PASSES(t, RF_CHECK_MEDIUM, end, by_ended) && report.refusal == RF_REFUSE_CERT_CHAIN_NOT_VALID, "AVA-6 or to one that ended: %s", why());
    rf_trust_unref(t);
    t = STORE(self);
    ok(PASSES(t, RF_CHECK_MEDIUM, end, by_unknown), "AVA-6 the root itself is in the store, a cross-signature is sent: %s", why());
    ok(report.path_count == 2, "GEN-19 the path ends at it");
    rf_trust_unref(t);
    t = STORE(root, by_root, unknown);
    ok(PASSES(t, RF_CHECK_MEDIUM, end), "AVA-6 a cross-signature in the store: %s", why());
    rf_trust_unref(t);
}

/* Who may sign. */
static void
signers(void)
{
    static const struct {
        const char *ext[3];
        bool as_mid, as_root;
        const char *what;
    } cases[] = {
        { { CA_EXT }, true, true, "an authority" },
        { { "basicConstraints=CA:TRUE" }, true, true, "an authority without key usage" },
        { { "basicConstraints=CA:TRUE", "keyUsage=digitalSignature" }, false, false, "an authority without keyCertSign" },
        { { "basicConstraints=CA:FALSE", "keyUsage=keyCertSign" }, false, false, "CA:FALSE with keyCertSign" },
        { { LEAF_EXT }, false, false, "a peer's certificate" },
        { { "keyUsage=keyCertSign" }, false, true, "no basic constraints, keyCertSign" },
        { { NULL }, false, false, "version 3 without extensions" },
        { { CA_EXT, "1.3.6.1.4.1.99999.7=critical,ASN1:NULL" }, false, false, "an unknown critical extension" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe r = { .subject = "Signer", .ext = { cases[i].ext[0], cases[i].ext[1], cases[i].ext[2] } };
        const struct made *as_root = make(r), *as_mid, *a, *b;
        struct rf_trust *t = STORE(root, as_root);

        r.issuer = root;
        as_mid = make(r);
        a = make((struct recipe){ .subject = "a", .issuer = as_root, .ext = { LEAF_EXT } });
        b = make((struct recipe){ .subject = "b", .issuer = as_mid, .ext = { LEAF_EXT } });
        ok(PASSES(t, RF_CHECK_MEDIUM, a) == cases[i].as_root, "AVA-6 in the store %s %s: %s", cases[i].what,
           cases[i].as_root ? "signs" : "does not sign", why());
        ok(PASSES(t, RF_CHECK_MEDIUM, b, as_mid) == cases[i].as_mid, "AVA-6 sent by the peer %s %s: %s", cases[i].what,
           cases[i].as_mid ? "signs" : "does not sign", why());
        rf_trust_unref(t);
    }
}

static void
path_lengths(void)
{
    const struct made *r1 = make((struct recipe){ .subject = "R1", .ext = { "basicConstraints=critical,CA:TRUE,pathlen:1" } });
    const struct made *a = make((struct recipe){ .subject = "A", .issuer = r1, .ext = { CA_EXT } });
    /* Self-issued: the same name with a new key does not count (RFC 5280 4.2.1.9). */
    const struct made *a2 = make((struct recipe){ .subject = "A", .issuer = a, .ext = { CA_EXT } });
    const struct made *b = make((struct recipe){ .subject = "B", .issuer = a2, .ext = { CA_EXT } });
    const struct made *under_a2 = make((struct recipe){ .subject = "x", .issuer = a2, .ext = { LEAF_EXT } });
    const struct made *under_b = make((struct recipe){ .subject = "y", .issuer = b, .ext = { LEAF_EXT } });
    const struct made *ca_leaf = make((struct recipe){ .subject = "z", .issuer = a, .ext = { CA_EXT, "extendedKeyUsage=clientAuth" } });
    struct rf_trust *t = STORE(r1);

    ok(PASSES(t, RF_CHECK_MEDIUM, under_a2, a2, a), "AVA-6 a self-issued authority does not count for the path length: %s", why());
    ok(!PASSES(t, RF_CHECK_MEDIUM, under_b, b, a2, a), "AVA-6 another one does: %s", why());
    ok(!PASSES(t, RF_CHECK_MEDIUM, ca_leaf, a) && report.first_failed == RF_CHECK_KEY_USAGE,
       "AVA-7 a leaf that is an authority breaks no path length, but has no key usage for TLS: %s", why());
    rf_trust_unref(t);
}

static void
marked(void)
{
    struct rf_trust *t = STORE(mid), *both;

    ok(!PASSES(t, RF_CHECK_MEDIUM, leaf), "AVA-6 an intermediate alone is no anchor: %s", why());
    ok(rf_trust_entry(t, 0)->use == RF_TRUST_INTERMEDIATE, "TEL-7 it is told to be an intermediate");
    store_add(t, mid, true);
    ok(rf_trust_count(t) == 1 && rf_trust_entry(t, 0)->is_marked_anchor, "TEL-7 the same again, marked: one entry");
    ok(PASSES(t, RF_CHECK_MEDIUM, leaf), "TEL-7 marked by hand it ends a path: %s", why());
    rf_trust_unref(t);
    t = STORE(leaf);
    ok(rf_trust_entry(t, 0)->use == RF_TRUST_PINNED && !PASSES(t, RF_CHECK_HIGH, leaf), "AVA-15 a copy alone makes no chain: %s", why());
    store_add(t, leaf, true);
    ok(PASSES(t, RF_CHECK_HIGH, leaf), "TEL-7 unless it is marked: %s", why());
    rf_trust_unref(t);

    /* Per connection: the interface's store and the connection's own, without changing either. */
    t = STORE(leaf);
    both = STORE(root, mid);
    ok(rf_trust_add_all(both, t) == RF_OK && rf_trust_count(both) == 3 && rf_trust_count(t) == 1, "TEL-10 stores are joined");
    ok(PASSES(both, RF_CHECK_HIGH, leaf), "TEL-10 the connection with its own authority accepts: %s", why());
    ok(!PASSES(t, RF_CHECK_HIGH, leaf), "TEL-10 another refuses the same peer");
    rf_trust_unref(t);
    ok(PASSES(both, RF_CHECK_HIGH, leaf), "entries outlive the store that they came from");
    rf_trust_unref(both);
}

static void
policies(void)
{
    const struct made *strict = make((struct recipe){ .subject = "Strict", .issuer = root,
        .ext = { CA_EXT, "certificatePolicies=1.3.6.1.4.1.99999.1", "policyConstraints=critical,requireExplicitPolicy:0" } });
    const struct made *with = make((struct recipe){ .subject = "w", .issuer = strict, .ext = { LEAF_EXT, "certificatePolicies=1.3.6.1.4.1.99999.1" } });
    const struct made *without = make((struct recipe){ .subject = "o", .issuer = strict, .ext = { LEAF_EXT } });
    struct rf_trust *t = STORE(root);

    ok(PASSES(t, RF_CHECK_MEDIUM, with, strict), "AVA-9 a policy that is required and there: %s", why());
    ok(!PASSES(t, RF_CHECK_MEDIUM, without, strict), "AVA-9 required and not there: %s", why());
    rf_trust_unref(t);
}

/* SHA-1 and MD5 count nowhere but on an anchor, which is trusted for being in the store. */
static void
digests(void)
{
    static const struct {
        const char *digest;
        bool want;
    } cases[] = { { "MD5", false }, { "SHA1", false }, { "SHA224", true }, { "SHA256", true }, { "SHA512", true }, { "SHA3-256", true } };
    EVP_PKEY *key = EVP_RSA_gen(2048); /* MD5 has no place beside elliptic keys */

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *digest = cases[i].digest;
        const struct made *r = make((struct recipe){ .subject = "DR", .key = key, .digest = digest, .ext = { CA_EXT } });
        const struct made *m = make((struct recipe){ .subject = "DM", .key = key, .issuer = r, .digest = digest, .ext = { CA_EXT } });
        const struct made *under_r = make((struct recipe){ .subject = "a", .issuer = r, .ext = { LEAF_EXT } });
        const struct made *under_m = make((struct recipe){ .subject = "b", .issuer = m, .ext = { LEAF_EXT } });
        const struct made *self = make((struct recipe){ .subject = "s", .key = key, .digest = digest, .ext = { LEAF_EXT } });
        struct rf_trust *t = STORE(r, self), *with_m = STORE(r, m);

        ok(PASSES(t, RF_CHECK_MEDIUM, under_r), "AVA-6 %s on the root: %s", digest, why());
        ok(PASSES(t, RF_CHECK_MEDIUM, self), "AVA-6 %s on a self-signed certificate in the store: %s", digest, why());
        ok(PASSES(t, RF_CHECK_MEDIUM, under_m, m) == cases[i].want, "AVA-6 %s on an intermediate: %s", digest, why());
        ok(PASSES(with_m, RF_CHECK_MEDIUM, under_m) == cases[i].want, "AVA-6 also when it is in the store: %s", why());
        ok(report.is_accepted || report.refusal == RF_REFUSE_CERT_BAD_SIGNATURE, "AVA-26 with its own code");
        rf_trust_unref(t);
        rf_trust_unref(with_m);
    }
    EVP_PKEY_free(key);
    {
        const struct made *pss = make((struct recipe){ .subject = "PSS", .issuer = root, .kind = "PSS2048", .ext = { CA_EXT } });
        const struct made *e = make((struct recipe){ .subject = "e", .issuer = pss, .ext = { LEAF_EXT } });
        struct rf_trust *t = STORE(root);

        ok(PASSES(t, RF_CHECK_MEDIUM, e, pss), "AVA-6 an authority with an RSA-PSS key: %s", why());
        rf_trust_unref(t);
    }
}

/* --- purposes --- */

static void
purposes(void)
{
    static const struct {
        const char *eku, *mid_eku;
        bool client, server, sip_client, by_switch;
    } cases[] = {
        { NULL, NULL, true, true, true, true },
        { "clientAuth", NULL, true, false, true, true },
        { "serverAuth", NULL, false, true, false, true },
        { "anyExtendedKeyUsage", NULL, true, true, true, true },
        { "1.3.6.1.5.5.7.3.20", NULL, false, false, true, false },
        { "codeSigning", NULL, false, false, false, false },
        { "emailProtection,clientAuth", NULL, true, false, true, true },
        { "clientAuth,serverAuth", "serverAuth", false, true, false, true },
        { "clientAuth", "emailProtection", false, false, false, false },
        { "clientAuth", "anyExtendedKeyUsage", true, false, true, true },
    };
    struct rf_trust *t = STORE(root);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char eku[64] = "", mid_eku[64] = "";
        const struct made *m, *e;
        X509 *chain[2];
        struct rf_check_question q;

        snprintf(eku, sizeof eku, "extendedKeyUsage=%s", cases[i].eku != NULL ? cases[i].eku : "");
        snprintf(mid_eku, sizeof mid_eku, "extendedKeyUsage=%s", cases[i].mid_eku != NULL ? cases[i].mid_eku : "");
        m = make((struct recipe){ .subject = "M", .issuer = root, .ext = { CA_EXT, cases[i].mid_eku != NULL ? mid_eku : NULL } });
        e = make((struct recipe){ .subject = "E", .issuer = m, .ext = { "keyUsage=digitalSignature", cases[i].eku != NULL ? eku : NULL } });
        chain[0] = e->x;
        chain[1] = m->x;
        q = ask(t, chain, 2, RF_CHECK_MEDIUM);
        q.use = RF_CHECK_HTTPS;
        ok(judge(&q) == cases[i].client, "AVA-8 %s below %s as client on HTTPS: %s", eku, mid_eku, why());
        q.peer_is_server = true;
        ok(judge(&q) == cases[i].server, "AVA-8 AVA-25 %s below %s as server on HTTPS: %s", eku, mid_eku, why());
        q.use = RF_CHECK_SIP;
        q.peer_is_server = false;
        ok(judge(&q) == cases[i].sip_client, "AVA-8 %s below %s as client on SIP: %s", eku, mid_eku, why());
        q.use = RF_CHECK_HTTPS;
        q.purpose_may_be_missing = true;
        ok(judge(&q) == cases[i].by_switch, "AVA-8 %s below %s as client, with the switch of the trunk: %s", eku, mid_eku, why());
    }
    rf_trust_unref(t);
}

/* --- copies, our own --- */

static void
identities(void)
{
    const struct made *again = make((struct recipe){ .subject = "trunk", .issuer = mid, .key = leaf->key, .ext = { LEAF_EXT } });
    struct rf_trust *t = STORE(root, mid, leaf);
    struct rf_check_own own[2];
    struct rf_check_question q = ask(t, &leaf->x, 1, RF_CHECK_HIGH);

    ok(judge(&q), "AVA-15 a copy in the store: %s", why());
    q.chain = &again->x;
    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_NOT_IN_STORE, "AVA-15 issued again with the same key is no copy: %s", why());
    rf_check_own(root->x, &own[0]);
    rf_check_own(again->x, &own[1]);
    q.chain = &leaf->x;
    q.own = own;
    q.own_count = 2;
    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_REFLECTED, "AVA-14 our own key in another certificate: %s", why());
    q.level = RF_CHECK_MEDIUM;
    ok(judge(&q), "AVA-14 which level medium does not ask");
    rf_trust_unref(t);
}

/* --- what is reported --- */

static void
sentences(void)
{
    struct rf_trust *t = STORE(root);
    struct rf_log_field field[RF_CHECK_FIELDS_MAX];
    const struct made *aia = make((struct recipe){ .subject = "aia", .issuer = mid, .ext = { LEAF_EXT, "authorityInfoAccess=caIssuers;URI:http://ca.example/mid.crt" } });
    struct rf_check_question q = ask(t, NULL, 0, RF_CHECK_NONE);

    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_MISSING && report.passes_level == 0, "AVA-2 no certificate is refused at every level");
    ok(!PASSES(t, RF_CHECK_MEDIUM, aia) && report.refusal == RF_REFUSE_CERT_MISSING_INTERMEDIATE &&
           strcmp(report.missing_issuer_url, "http://ca.example/mid.crt") == 0 && strcmp(report.missing_issuer, "CN=Mid") == 0,
       "AVA-26 a missing intermediate: %s at %s", report.missing_issuer, report.missing_issuer_url);
    for (int r = RF_REFUSE_CERT_MISSING; r < RF_REFUSAL_COUNT; r++) {
        const struct rf_refusal_row *row = rf_refusal_row((enum rf_refusal)r);
        char text[2048];
        struct rf_buf b = rf_buf(text, sizeof text);

        if (strncmp(row->name, "CERT_", 5) != 0 && strncmp(row->name, "DEVICE_", 7) != 0)
            continue;
        if (r == RF_REFUSE_CERT_REFUSED_BY_PEER)
            continue;
        rf_check_fields(&report, "carrier", field);
        rf_refusal_sentence(&b, row->sentence, field);
        rf_refusal_sentence(&b, row->fix, field);
        ok(rf_span_find(rf_buf_span(&b), '?') == b.n && !b.overflow, "AVA-26 %s has all its words", row->code);
    }
    for (size_t i = 0; i < 5; i++) {
        static const char *const must[] = { "check", "check_level", "subject", "issuer", "serial" };
        bool has = false;

        for (size_t k = 0; field[k].kind != RF_LOG_END; k++)
            has |= strcmp(field[k].name, must[i]) == 0;
        ok(has, "AVA-26 a refusal has the field %s", must[i]);
    }
    rf_trust_unref(t);
}

static void
names_of_things(void)
{
    enum rf_check_level level;

    for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
        ok(rf_check_level_find(rf_span_str(rf_check_level_name((enum rf_check_level)i)), &level) == RF_OK && (int)level == i,
           "level %s", rf_check_level_name((enum rf_check_level)i));
    ok(rf_check_level_find(RF_SPAN_LIT("Medium + Remote"), &level) == RF_OK && level == RF_CHECK_MEDIUM_REMOTE, "Medium + Remote");
    ok(rf_check_level_find(RF_SPAN_LIT("high_remote"), &level) == RF_OK && level == RF_CHECK_HIGH_REMOTE, "high_remote");
    ok(rf_check_level_find(RF_SPAN_LIT("mediumm"), &level) == RF_ERR_NOT_FOUND, "mediumm");
    for (int i = 0; i < RF_CHECK_RULE_COUNT; i++)
        ok(rf_check_rule_name((enum rf_check_rule)i)[0] != '\0' && rf_check_rule_alert((enum rf_check_rule)i) >= 40, "rule %s, alert %d",
           rf_check_rule_name((enum rf_check_rule)i), rf_check_rule_alert((enum rf_check_rule)i));
    ok(rf_check_rule_alert(RF_CHECK_CHAIN) == 48, "TEL-6 unknown_ca");
}

int
main(void)
{
    basics();
    dates();
    keys();
    bad_keys();
    lookalikes();
    hundreds();
    long_chains();
    crossed();
    signers();
    path_lengths();
    marked();
    policies();
    digests();
    purposes();
    identities();
    sentences();
    names_of_things();
    made_free();
    return tap_done();
}
