/*
 * The 24 causes of failures.md 5.1, each by a real handshake: our side names its code, or where it cannot know, the
 * self-check that finds the cause.
 */
#include "tls/harness.h"

static struct id root, middle, foreign_root;
static struct rf_trust *trust, *nobody;

/* --- one case --- */

enum role { OUR_CLIENT, OUR_SERVER };

struct play {
    const char *row; /* of the table */
    enum role role;
    struct make peer;                          /* its certificate; cn NULL: none */
    struct make own;                           /* ours; cn NULL: a good one (server), none (client) */
    const struct id *peer_issuer, *own_issuer; /* NULL: the root; &self: itself */
    bool peer_sends_middle, own_sends_middle;
    enum rf_tls_level level;
    enum rf_check_level check;
    bool asks, peer_asks;     /* for a client certificate */
    bool peer_verifies;       /* it knows our root */
    const char *peer_purpose; /* it verifies for this name */
    int min, max;             /* the peer's versions; 0: all */
    const char *suites, *suites_13, *groups;
    int peer_security_level; /* of its suites; -1 (0 here): 0 */
    bool peer_has_dh_1024;
    enum rf_refusal want;
    int cause;                      /* enum rf_tls_cause that must be named; -1 none */
    int alert_sent, alert_received; /* -1: not looked at */
};

static struct id self; /* a mark */

static struct id
make_one(const struct make *m, const struct id *issuer)
{
    return make_id(issuer == &self ? NULL : issuer != NULL ? issuer : &root, m);
}

static void
peer_dh_1024(SSL_CTX *ctx)
{
    EVP_PKEY_CTX *g = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *params = NULL;

    rf_assert(EVP_PKEY_paramgen_init(g) == 1);
    rf_assert(EVP_PKEY_CTX_set_dh_paramgen_prime_len(g, 1024) == 1);
    /* RFC 5114's group of 1024 bits: no search for a prime. */
    rf_assert(EVP_PKEY_CTX_set_dh_rfc5114(g, 1) == 1);
    rf_assert(EVP_PKEY_paramgen(g, &params) == 1);
    rf_assert(SSL_CTX_set0_tmp_dh_pkey(ctx, params) == 1);
    EVP_PKEY_CTX_free(g);
}

static SSL_CTX *
peer_ctx(const struct play *p, struct id *id)
{
    bool is_server = p->role == OUR_CLIENT;
    SSL_CTX *ctx = other_side(is_server, p->peer.cn != NULL ? id : NULL,
                              p->peer.cn != NULL && p->peer_sends_middle ? &middle : NULL);
    char list[160];

    snprintf(list, sizeof list, "%s:@SECLEVEL=%d", p->suites != NULL ? p->suites : "ALL",
             p->peer_security_level);
    rf_assert(SSL_CTX_set_cipher_list(ctx, list) == 1);
    if (p->suites_13 != NULL)
        rf_assert(SSL_CTX_set_ciphersuites(ctx, p->suites_13) == 1);
    if (p->groups != NULL)
        rf_assert(SSL_CTX_set1_groups_list(ctx, p->groups) == 1);
    if (p->min != 0)
        SSL_CTX_set_min_proto_version(ctx, p->min);
    if (p->max != 0)
        SSL_CTX_set_max_proto_version(ctx, p->max);
    if (p->peer_has_dh_1024)
        peer_dh_1024(ctx);
    if (p->peer_verifies) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root.x);
        if (p->peer_purpose != NULL)
            X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(ctx), p->peer_purpose, 0);
    }
    return ctx;
}

static void
play(const struct play *p)
{
    static const struct make good = { .cn = "pbx.example", .san = "DNS:pbx.example" };
    struct id peer = p->peer.cn != NULL ? make_one(&p->peer, p->peer_issuer) : (struct id){ NULL, NULL };
    bool has_own = p->own.cn != NULL || p->role == OUR_SERVER;
    struct id own =
        has_own ? make_one(p->own.cn != NULL ? &p->own : &good, p->own_issuer) : (struct id){ NULL, NULL };
    struct rf_cert *cert = has_own ? as_cert(&own, p->own_sends_middle ? &middle : NULL, NULL) : NULL;
    struct rf_tls_check check = { .level = p->check, .trust = trust };
    struct rf_tls_server_conf server_conf = { "sip-trunks",
                                              p->level,
                                              &cert,
                                              1,
                                              NULL,
                                              .check = &check,
                                              .ask = p->asks ? RF_TLS_ASK_REQUIRED : RF_TLS_ASK_OFF };
    struct rf_tls_client_conf client_conf = { p->level, cert, &check };
    struct rf_tls_server *server = NULL;
    struct rf_tls_client *client = NULL;
    struct rf_tls_ring *ring;
    static struct rf_tls_event event;
    static struct rf_tls_offer offer;
    static char json[16384];
    struct rf_buf b = rf_buf(json, sizeof json);
    SSL_CTX *ctx = peer_ctx(p, &peer);
    const struct rf_tls_failure *f;
    const char *why;
    bool has_cause = p->cause < 0, is_noted;
    struct duel d;

    server_conf.interface = p->level == RF_TLS_OLD ? "https" : "sip-trunks";
    rf_assert(rf_tls_ring_new(&ring, 1, 1) == RF_OK);
    server_conf.ring = client_conf.ring = ring;
    if (p->role == OUR_SERVER)
        rf_assert(rf_tls_server_new(&server, &server_conf, &why) == RF_OK);
    else
        rf_assert(rf_tls_client_new(&client, &client_conf, &why) == RF_OK);
    duel_open(&d, server, client, "pbx.example", ctx);
    duel_run(&d);
    f = &d.failure;
    for (size_t i = 0; i < f->cause_count; i++)
        has_cause |= f->cause[i] == p->cause;
    if (!ok(!d.is_up && f->refusal == p->want && has_cause &&
                (p->alert_sent < 0 || f->alert_sent == p->alert_sent) &&
                (p->alert_received < 0 || f->alert_received == p->alert_received),
            "%s, we are the %s: %s%s%s", p->row, p->role == OUR_SERVER ? "server" : "client",
            rf_refusal_row(p->want)->code, p->cause >= 0 ? ", self-check " : "",
            p->cause >= 0 ? rf_tls_cause_slug((enum rf_tls_cause)p->cause) : ""))
        diag("up %d, got %s (%s), alerts sent %d received %d, %d causes, first %s", d.is_up,
             rf_refusal_row(f->refusal)->code, f->reason, f->alert_sent, f->alert_received, f->cause_count,
             f->cause_count > 0 ? rf_tls_cause_slug((enum rf_tls_cause)f->cause[0]) : "-");
    is_noted = rf_tls_ring_copy(ring, 0, true, &event, &offer, 1) == 1;
    rf_tls_event_json(&b, &event, &offer);
    ok(is_noted && event.failure.refusal == p->want && !b.overflow &&
           strstr(json, rf_refusal_row(p->want)->code) != NULL &&
           (p->role == OUR_CLIENT || offer.highest_version == 0 || offer.suite_count > 0),
       "and it is noted with what was offered");
    duel_close(&d);
    SSL_CTX_free(ctx);
    rf_tls_server_unref(server);
    rf_tls_client_unref(client);
    rf_tls_ring_free(ring);
    rf_cert_unref(cert);
    free_id(&peer);
    free_id(&own);
}

/* --- the table --- */

#define GOOD                                                                                                 \
    {                                                                                                        \
        .cn = "pbx.example", .san = "DNS:pbx.example"                                                        \
    }
#define REMOTE .level = RF_TLS_INTERMEDIATE, .check = RF_CHECK_MEDIUM_REMOTE
#define LOOKED -1

static const struct play plays[] = {
    { "1 root not trusted", OUR_CLIENT, .peer = GOOD, .peer_issuer = &foreign_root, REMOTE,
      .want = RF_REFUSE_CERT_UNKNOWN_CA, .cause = -1, .alert_sent = SSL_AD_UNKNOWN_CA,
      .alert_received = LOOKED },
    { "1 root not trusted", OUR_SERVER, .own = GOOD, .own_issuer = &foreign_root, REMOTE,
      .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_ROOT,
      .alert_sent = LOOKED, .alert_received = SSL_AD_UNKNOWN_CA },
    { "2 intermediate not sent", OUR_CLIENT, .peer = GOOD, .peer_issuer = &middle, REMOTE,
      .want = RF_REFUSE_CERT_UNKNOWN_CA, .cause = -1, .alert_sent = SSL_AD_UNKNOWN_CA,
      .alert_received = LOOKED },
    { "2 intermediate not sent, but its address", OUR_CLIENT,
      .peer = { .cn = "pbx.example",
                .san = "DNS:pbx.example",
                .extension = "authorityInfoAccess",
                .value = "caIssuers;URI:http://ca.example/middle.cer" },
      .peer_issuer = &middle, REMOTE, .want = RF_REFUSE_CERT_MISSING_INTERMEDIATE, .cause = -1,
      .alert_sent = SSL_AD_UNKNOWN_CA, .alert_received = LOOKED },
    { "2 intermediate not sent", OUR_SERVER, .own = GOOD, .own_issuer = &middle, REMOTE,
      .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_CHAIN,
      .alert_sent = LOOKED, .alert_received = SSL_AD_UNKNOWN_CA },
    { "3 self-signed", OUR_CLIENT, .peer = GOOD, .peer_issuer = &self, REMOTE,
      .want = RF_REFUSE_CERT_SELF_SIGNED, .cause = -1, .alert_sent = SSL_AD_UNKNOWN_CA,
      .alert_received = LOOKED },
    { "3 self-signed", OUR_SERVER, .own = GOOD, .own_issuer = &self, REMOTE, .peer_verifies = true,
      .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_SELF_SIGNED, .alert_sent = LOOKED,
      .alert_received = SSL_AD_UNKNOWN_CA },
    { "4 expired", OUR_CLIENT,
      .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .from_s = -86400, .to_s = -3600 }, REMOTE,
      .want = RF_REFUSE_CERT_EXPIRED, .cause = -1, .alert_sent = SSL_AD_CERTIFICATE_EXPIRED,
      .alert_received = LOOKED },
    { "4 expired", OUR_SERVER,
      .own = { .cn = "pbx.example", .san = "DNS:pbx.example", .from_s = -86400, .to_s = -3600 }, REMOTE,
      .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_EXPIRED,
      .alert_sent = LOOKED, .alert_received = SSL_AD_CERTIFICATE_EXPIRED },
    { "5 not yet valid", OUR_CLIENT,
      .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .from_s = 3600, .to_s = 86400 }, REMOTE,
      .want = RF_REFUSE_CERT_NOT_YET_VALID, .cause = -1, .alert_sent = LOOKED, .alert_received = LOOKED },
    { "5 not yet valid", OUR_SERVER,
      .own = { .cn = "pbx.example", .san = "DNS:pbx.example", .from_s = 3600, .to_s = 86400 }, REMOTE,
      .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_NOT_YET,
      .alert_sent = LOOKED, .alert_received = SSL_AD_BAD_CERTIFICATE },
    { "6 name mismatch", OUR_CLIENT, .peer = { .cn = "pbx.example", .san = "DNS:other.example" }, REMOTE,
      .want = RF_REFUSE_CERT_NAME_MISMATCH, .cause = -1, .alert_sent = SSL_AD_BAD_CERTIFICATE,
      .alert_received = LOOKED },
    { "6 name mismatch", OUR_SERVER, .own = { .cn = "pbx.example", .san = "DNS:other.example" }, REMOTE,
      .peer_verifies = true, .peer_purpose = "pbx.example", .want = RF_REFUSE_CERT_REFUSED_BY_PEER,
      .cause = RF_TLS_CAUSE_NAME, .alert_sent = LOOKED, .alert_received = SSL_AD_BAD_CERTIFICATE },
    { "7 RSA 1024", OUR_CLIENT, .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 1024 },
      .level = RF_TLS_INTERMEDIATE, .check = RF_CHECK_HIGH, .want = RF_REFUSE_CERT_KEY_TOO_SMALL, .cause = -1,
      .alert_sent = SSL_AD_BAD_CERTIFICATE, .alert_received = LOOKED },
    { "7 RSA 512 below level low", OUR_SERVER, .peer = { .cn = "t.example", .rsa_bits = 512 }, .asks = true,
      .max = TLS1_2_VERSION, .level = RF_TLS_INTERMEDIATE, .check = RF_CHECK_LOW,
      .want = RF_REFUSE_CERT_KEY_TOO_SMALL, .cause = -1, .alert_sent = SSL_AD_BAD_CERTIFICATE,
      .alert_received = LOOKED },
    { "7 RSA 2048 where the peer wants more", OUR_SERVER,
      .own = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 }, REMOTE,
      .peer_verifies = true, .peer_security_level = 3, .suites = "DEFAULT",
      .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_KEY, .alert_sent = LOOKED,
      .alert_received = SSL_AD_BAD_CERTIFICATE },
    { "8 wrong purpose", OUR_CLIENT,
      .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .eku = "clientAuth" }, REMOTE,
      .want = RF_REFUSE_CERT_WRONG_PURPOSE, .cause = -1, .alert_sent = SSL_AD_UNSUPPORTED_CERTIFICATE,
      .alert_received = LOOKED },
    { "8 wrong purpose", OUR_SERVER, .peer = { .cn = "t.example", .eku = "serverAuth" }, .asks = true, REMOTE,
      .want = RF_REFUSE_CERT_WRONG_PURPOSE, .cause = -1, .alert_sent = SSL_AD_UNSUPPORTED_CERTIFICATE,
      .alert_received = LOOKED },
    { "8 wrong purpose of ours", OUR_SERVER,
      .own = { .cn = "pbx.example", .san = "DNS:pbx.example", .eku = "clientAuth" }, REMOTE,
      .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_PURPOSE,
      .alert_sent = LOOKED, .alert_received = SSL_AD_UNSUPPORTED_CERTIFICATE },
    { "9 unknown critical extension", OUR_CLIENT,
      .peer = { .cn = "pbx.example",
                .san = "DNS:pbx.example",
                .extension = "1.2.3.4.5",
                .value = "critical,DER:0500" },
      REMOTE, .want = RF_REFUSE_CERT_CRITICAL_EXTENSION, .cause = -1, .alert_sent = LOOKED,
      .alert_received = LOOKED },
    { "9 unknown critical extension", OUR_SERVER,
      .own = { .cn = "pbx.example",
               .san = "DNS:pbx.example",
               .extension = "1.2.3.4.5",
               .value = "critical,DER:0500" },
      REMOTE, .peer_verifies = true, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_EXTENSION,
      .alert_sent = LOOKED, .alert_received = SSL_AD_CERTIFICATE_UNKNOWN },
    { "10 no shared suite, 1.2", OUR_SERVER, REMOTE, .max = TLS1_2_VERSION, .suites = "AES128-SHA",
      .want = RF_REFUSE_TLS_NO_CIPHER, .cause = -1, .alert_sent = SSL_AD_HANDSHAKE_FAILURE,
      .alert_received = LOOKED },
    { "10 no shared suite, 1.2", OUR_CLIENT, .peer = GOOD, REMOTE, .max = TLS1_2_VERSION,
      .suites = "ECDHE-ECDSA-AES256-SHA", .want = RF_REFUSE_TLS_FAILED, .cause = RF_TLS_CAUSE_SUITE,
      .alert_sent = LOOKED, .alert_received = SSL_AD_HANDSHAKE_FAILURE },
    { "11 no shared suite, 1.3", OUR_SERVER, REMOTE, .min = TLS1_3_VERSION,
      .suites_13 = "TLS_AES_128_CCM_SHA256", .want = RF_REFUSE_TLS_NO_CIPHER, .cause = -1,
      .alert_sent = SSL_AD_HANDSHAKE_FAILURE, .alert_received = LOOKED },
    { "11 no shared suite, 1.3", OUR_CLIENT, .peer = GOOD, REMOTE, .min = TLS1_3_VERSION,
      .suites_13 = "TLS_AES_128_CCM_SHA256", .want = RF_REFUSE_TLS_FAILED, .cause = RF_TLS_CAUSE_SUITE,
      .alert_sent = LOOKED, .alert_received = SSL_AD_HANDSHAKE_FAILURE },
    { "12 no shared group", OUR_SERVER, REMOTE, .min = TLS1_3_VERSION, .groups = "P-521",
      .want = RF_REFUSE_TLS_NO_GROUP, .cause = -1, .alert_sent = SSL_AD_HANDSHAKE_FAILURE,
      .alert_received = LOOKED },
    { "12 no shared group", OUR_CLIENT, .peer = GOOD, REMOTE, .min = TLS1_3_VERSION, .groups = "P-521",
      .want = RF_REFUSE_TLS_FAILED, .cause = RF_TLS_CAUSE_GROUP, .alert_sent = LOOKED,
      .alert_received = SSL_AD_HANDSHAKE_FAILURE },
    { "13 DH 1024", OUR_CLIENT, .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 },
      .peer_has_dh_1024 = true, .suites = "DHE-RSA-AES128-GCM-SHA256", .max = TLS1_2_VERSION, REMOTE,
      .want = RF_REFUSE_TLS_DH_SMALL, .cause = -1, .alert_sent = SSL_AD_HANDSHAKE_FAILURE,
      .alert_received = LOOKED },
    { "13 DH 1024 at level old", OUR_CLIENT,
      .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 }, .peer_has_dh_1024 = true,
      .suites = "DHE-RSA-AES128-SHA256", .max = TLS1_2_VERSION, .level = RF_TLS_OLD, .check = RF_CHECK_NONE,
      .want = RF_REFUSE_TLS_DH_SMALL, .cause = -1, .alert_sent = SSL_AD_HANDSHAKE_FAILURE,
      .alert_received = LOOKED },
    { "14 client certificate missing, 1.2", OUR_SERVER, .asks = true, REMOTE, .max = TLS1_2_VERSION,
      .want = RF_REFUSE_CERT_MISSING, .cause = -1, .alert_sent = SSL_AD_HANDSHAKE_FAILURE,
      .alert_received = LOOKED },
    { "14 client certificate missing, 1.2", OUR_CLIENT, .peer = GOOD, .peer_verifies = true, REMOTE,
      .max = TLS1_2_VERSION, .want = RF_REFUSE_TLS_FAILED, .cause = RF_TLS_CAUSE_CLIENT_CERT,
      .alert_sent = LOOKED, .alert_received = SSL_AD_HANDSHAKE_FAILURE },
    { "15 client certificate missing, 1.3", OUR_SERVER, .asks = true, REMOTE, .min = TLS1_3_VERSION,
      .want = RF_REFUSE_CERT_MISSING, .cause = -1, .alert_sent = SSL_AD_CERTIFICATE_REQUIRED,
      .alert_received = LOOKED },
    { "15 client certificate missing, 1.3", OUR_CLIENT, .peer = GOOD, .peer_verifies = true, REMOTE,
      .min = TLS1_3_VERSION, .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_CLIENT_CERT,
      .alert_sent = LOOKED, .alert_received = SSL_AD_CERTIFICATE_REQUIRED },
    { "16 client certificate, unknown CA", OUR_SERVER, .peer = { .cn = "t.example" },
      .peer_issuer = &foreign_root, .asks = true, REMOTE, .want = RF_REFUSE_CERT_UNKNOWN_CA, .cause = -1,
      .alert_sent = SSL_AD_UNKNOWN_CA, .alert_received = LOOKED },
    { "16 client certificate, unknown CA", OUR_CLIENT, .peer = GOOD, .peer_verifies = true,
      .own = { .cn = "t.example" }, .own_issuer = &foreign_root, REMOTE,
      .want = RF_REFUSE_CERT_REFUSED_BY_PEER, .cause = RF_TLS_CAUSE_ROOT, .alert_sent = LOOKED,
      .alert_received = SSL_AD_UNKNOWN_CA },
    { "17 version too low", OUR_SERVER, REMOTE, .max = TLS1_1_VERSION, .want = RF_REFUSE_TLS_VERSION,
      .cause = -1, .alert_sent = SSL_AD_PROTOCOL_VERSION, .alert_received = LOOKED },
    { "17 version too low", OUR_CLIENT, .peer = GOOD, REMOTE, .max = TLS1_1_VERSION,
      .want = RF_REFUSE_TLS_FAILED, .cause = RF_TLS_CAUSE_VERSION, .alert_sent = LOOKED,
      .alert_received = SSL_AD_PROTOCOL_VERSION },
    { "18 TLS 1.0, the peer refuses SHA-1", OUR_CLIENT,
      .peer = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 }, .level = RF_TLS_OLD,
      .check = RF_CHECK_MEDIUM_REMOTE, .max = TLS1_VERSION, .peer_security_level = 1,
      .want = RF_REFUSE_TLS_LEGACY_SIGNATURE, .cause = RF_TLS_CAUSE_SIGNATURE, .alert_sent = LOOKED,
      .alert_received = SSL_AD_INTERNAL_ERROR },
    { "19 TLS 1.1, the client refuses SHA-1", OUR_SERVER,
      .own = { .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 }, .level = RF_TLS_OLD,
      .check = RF_CHECK_MEDIUM, .max = TLS1_1_VERSION, .peer_security_level = 1,
      .suites = "ECDHE-RSA-AES128-SHA", .want = RF_REFUSE_TLS_LEGACY_SIGNATURE,
      .cause = RF_TLS_CAUSE_SIGNATURE, .alert_sent = LOOKED, .alert_received = SSL_AD_INTERNAL_ERROR },
};

/* --- without a TLS peer --- */

static void
octets_at(enum role role, const char *octets, bool closes, enum rf_refusal want, int cause, const char *what)
{
    struct id id = make_id(&root, &(struct make)GOOD);
    struct rf_cert *cert = as_cert(&id, NULL, NULL);
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM_REMOTE, .trust = trust };
    struct rf_tls_server_conf server_conf = { "sip-phones", RF_TLS_INTERMEDIATE, &cert, 1, NULL };
    struct rf_tls_client_conf client_conf = { RF_TLS_INTERMEDIATE, NULL, &check };
    struct rf_tls_server *server = NULL;
    struct rf_tls_client *client = NULL;
    struct rf_tls_failure f;
    struct rf_tls_conn *c;
    const char *why;
    enum rf_err err;
    int fd[2];

    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    if (role == OUR_SERVER) {
        rf_assert(rf_tls_server_new(&server, &server_conf, &why) == RF_OK);
        rf_assert(rf_tls_conn_accept(&c, server, fd[0]) == RF_OK);
    } else {
        rf_assert(rf_tls_client_new(&client, &client_conf, &why) == RF_OK);
        rf_assert(rf_tls_conn_connect(&c, client, fd[0], RF_SPAN_LIT("pbx.example"), NULL) == RF_OK);
        rf_assert(rf_tls_conn_handshake(c) == RF_ERR_AGAIN);
    }
    rf_assert(write(fd[1], octets, strlen(octets)) == (ssize_t)strlen(octets));
    if (closes)
        shutdown(fd[1], SHUT_WR);
    err = rf_tls_conn_handshake(c);
    rf_tls_conn_failure(c, &f);
    if (!ok(err == RF_ERR_CRYPTO && f.refusal == want &&
                (cause < 0 || (f.cause_count > 0 && f.cause[0] == cause)),
            "%s: %s%s%s", what, rf_refusal_row(want)->code, cause >= 0 ? ", self-check " : "",
            cause >= 0 ? rf_tls_cause_slug((enum rf_tls_cause)cause) : ""))
        diag("err %d, %s: %s", err, rf_refusal_row(f.refusal)->code, f.reason);
    rf_tls_conn_free(c);
    rf_tls_server_unref(server);
    rf_tls_client_unref(client);
    rf_cert_unref(cert);
    free_id(&id);
    close(fd[0]);
    close(fd[1]);
}

static void
wrong_key(void)
{
    struct id a = make_id(&root, &(struct make)GOOD), b = make_id(&root, &(struct make)GOOD);
    BIO *chain = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    struct rf_cert_problem problem = { 0 };
    struct rf_cert *c = NULL;
    char *p, *q;
    long pn, qn;

    PEM_write_bio_X509(chain, a.x);
    PEM_write_bio_PrivateKey(key, b.key, NULL, NULL, 0, NULL, NULL);
    pn = BIO_get_mem_data(chain, &p);
    qn = BIO_get_mem_data(key, &q);
    ok(rf_cert_from_pem(&c, rf_span(p, (size_t)pn), rf_span(q, (size_t)qn), &problem) == RF_ERR_SYNTAX &&
           problem.is_mismatch && problem.text[0] != '\0',
       "24 key does not match certificate: found at load: %s", problem.text);
    BIO_free(chain);
    BIO_free(key);
    free_id(&a);
    free_id(&b);
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    root = make_id(NULL, &(struct make){ .cn = "root", .is_ca = true });
    foreign_root = make_id(NULL, &(struct make){ .cn = "foreign root", .is_ca = true });
    middle = make_id(&root, &(struct make){ .cn = "middle", .is_ca = true });
    rf_assert(rf_trust_new(&trust) == RF_OK && rf_trust_new(&nobody) == RF_OK);
    trust_add(trust, &root);
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        play(&plays[i]);
    octets_at(OUR_SERVER, "OPTIONS sip:pbx.example SIP/2.0\r\n\r\n", false, RF_REFUSE_TLS_PLAIN_ON_TLS, -1,
              "20 plain SIP on the TLS port");
    octets_at(OUR_SERVER, "GET / HTTP/1.1\r\n\r\n", false, RF_REFUSE_TLS_PLAIN_ON_TLS, -1,
              "21 plain HTTP on the TLS port");
    octets_at(OUR_CLIENT, "SIP/2.0 400 Bad Request\r\n\r\n", false, RF_REFUSE_TLS_FAILED,
              RF_TLS_CAUSE_PLAIN_PORT, "22 TLS on a plain SIP port (RF-107 there: tls_flow_test)");
    octets_at(OUR_SERVER, "\x16\x03\x01", true, RF_REFUSE_TLS_CLOSED, RF_TLS_CAUSE_SCAN,
              "23 the peer closes without alert");
    octets_at(OUR_CLIENT, "", true, RF_REFUSE_TLS_CLOSED, RF_TLS_CAUSE_PLAIN_PORT,
              "23 the server closes without alert");
    wrong_key();
    rf_trust_unref(trust);
    rf_trust_unref(nobody);
    free_id(&root);
    free_id(&foreign_root);
    free_id(&middle);
    return tap_done();
}
