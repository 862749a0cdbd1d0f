/*
 * AVA-1 to AVA-5, 16, 17, 22, 25, GEN-14 to GEN-17, TEL-5: peers are judged by the check engine in real handshakes, in
 * both roles, at once or later, and again when they resume.
 */
#include "tls/harness.h"

static struct id root, middle, foreign_root, server_id;
static struct rf_cert *server_cert, *own_client_cert;
static struct rf_trust *trust, *pinned;
static struct rf_tls_tickets *tickets;
static int64_t clock_s;

static int64_t
test_clock(void)
{
    return clock_s;
}

static struct rf_tls_server *
server(const struct rf_tls_check *check, enum rf_tls_ask ask, struct rf_tls_ring *ring)
{
    struct rf_tls_server_conf conf = { .interface = "sip-trunks",
                                       .level = RF_TLS_INTERMEDIATE,
                                       .cert = &server_cert,
                                       .cert_count = 1,
                                       .tickets = tickets,
                                       .ask = ask,
                                       .check = check,
                                       .ring = ring };
    struct rf_tls_server *s = NULL;
    const char *why;

    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    return s;
}

/* --- levels, in both roles --- */

static const struct kind {
    const char *what;
    struct make make;
    int issuer; /* 0 root, 1 middle (sent), 2 foreign root, 3 itself */
    bool in_store;
    bool up[RF_CHECK_LEVEL_COUNT]; /* none low medium high medium-remote high-remote */
} kinds[] = {
    { "a good certificate with a copy in the store",
      { .cn = "t", .san = "DNS:trunk.example" },
      1,
      true,
      { true, true, true, true, true, true } },
    { "a good certificate",
      { .cn = "t", .san = "DNS:trunk.example" },
      1,
      false,
      { true, true, true, false, true, false } },
    { "RSA 1024",
      { .cn = "t", .san = "DNS:trunk.example", .rsa_bits = 1024 },
      0,
      false,
      { true, true, true, false, true, false } },
    { "RSA 1024 with a copy in the store",
      { .cn = "t", .san = "DNS:trunk.example", .rsa_bits = 1024 },
      0,
      true,
      { true, true, true, false, true, false } },
    { "an unknown authority",
      { .cn = "t", .san = "DNS:trunk.example" },
      2,
      false,
      { true, true, false, false, false, false } },
    { "self-signed",
      { .cn = "t", .san = "DNS:trunk.example" },
      3,
      false,
      { true, true, false, false, false, false } },
    { "self-signed and in the store",
      { .cn = "t", .san = "DNS:trunk.example" },
      3,
      true,
      { true, true, true, false, true, false } },
    { "expired",
      { .cn = "t", .san = "DNS:trunk.example", .from_s = -7200, .to_s = -60 },
      0,
      true,
      { false, false, false, false, false, false } },
    { "not yet valid",
      { .cn = "t", .san = "DNS:trunk.example", .from_s = 600, .to_s = 7200 },
      0,
      true,
      { false, false, false, false, false, false } },
    { "signed by SHA-1",
      { .cn = "t", .san = "DNS:trunk.example", .md = NULL },
      4,
      true,
      { true, true, false, false, false, false } },
    { "another name, in the store",
      { .cn = "trunk.example", .san = "DNS:other.example" },
      0,
      true,
      { true, true, true, true, false, false } },
    { "a wildcard, in the store",
      { .cn = "t", .san = "DNS:*.example" },
      0,
      true,
      { true, true, true, true, false, false } },
};

static struct id
make_kind(const struct kind *k)
{
    struct make m = k->make;

    m.md = k->issuer == 4 ? EVP_sha1() : NULL;
    return make_id(k->issuer == 1   ? &middle
                   : k->issuer == 2 ? &foreign_root
                   : k->issuer == 3 ? NULL
                                    : &root,
                   &m);
}

static void
levels(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct id id = make_kind(&kinds[i]);
        const struct id *above = kinds[i].issuer == 1 ? &middle : NULL;
        SSL_CTX *as_client = other_side(false, &id, above), *as_server = other_side(true, &id, above);
        struct rf_tls_check check = { .use = RF_CHECK_SIP };
        const char *why;

        rf_assert(rf_trust_new(&check.trust) == RF_OK);
        trust_add(check.trust, &root);
        if (kinds[i].in_store)
            trust_add(check.trust, &id);
        for (int level = 0; level < RF_CHECK_LEVEL_COUNT; level++) {
            bool is_remote = level >= RF_CHECK_MEDIUM_REMOTE, want = kinds[i].up[level];
            struct rf_tls_client_conf conf = { RF_TLS_INTERMEDIATE, own_client_cert, &check };
            const struct rf_tls_peer *p;
            struct rf_tls_server *s;
            struct rf_tls_client *c;
            struct duel d;

            check.level = (enum rf_check_level)level;
            rf_assert(rf_tls_client_new(&c, &conf, &why) == RF_OK);
            duel_open(&d, NULL, c, "trunk.example", as_server);
            duel_run(&d);
            if (!ok(d.is_up == want && (d.is_up || d.failure.refusal >= RF_REFUSE_CERT_UNKNOWN_CA),
                    "AVA-25: a server with %s is %s at level %s", kinds[i].what,
                    want ? "accepted" : "refused", rf_check_level_name(check.level)))
                diag("%s", d.failure.reason);
            duel_close(&d);
            rf_tls_client_unref(c);

            s = server(&check, RF_TLS_ASK_REQUIRED, NULL);
            duel_open(&d, s, NULL, NULL, as_client);
            duel_run(&d);
            if (!is_remote || !kinds[i].up[level - 2]) {
                want = kinds[i].up[is_remote ? level - 2 : level];
                if (!ok(d.is_up == want && (d.is_up || d.failure.alert_sent > 0),
                        "AVA-3: a client with %s is %s at level %s%s", kinds[i].what,
                        want ? "accepted" : "refused", rf_check_level_name(check.level),
                        d.is_up ? "" : " with an alert"))
                    diag("%s", d.failure.reason);
            } else {
                struct rf_check_report *report = malloc(sizeof *report);

                p = rf_tls_conn_peer(d.ours);
                ok(d.is_up && p != NULL && p->needs_target, "AVA-16: a client at level %s waits for its name",
                   rf_check_level_name(check.level));
                ok(rf_tls_conn_judge(d.ours, NULL, RF_SPAN_LIT("trunk.example"), NULL, report) == RF_OK &&
                       report->is_accepted == want,
                   "AVA-16, AVA-17: once it is known, %s is %s", kinds[i].what,
                   want ? "accepted" : "refused");
                free(report);
            }
            p = rf_tls_conn_peer(d.ours);
            if (d.is_up)
                ok(p->has_shown && p->is_accepted && (p->passes_level & 1 << level) != 0 &&
                       rf_tls_conn_chain_count(d.ours) == (above != NULL ? 2 : 1),
                   "its chain and verdict are kept");
            duel_close(&d);
            rf_tls_server_unref(s);
        }
        rf_trust_unref(check.trust);
        SSL_CTX_free(as_client);
        SSL_CTX_free(as_server);
        free_id(&id);
    }
}

/* --- asking --- */

static void
asking(void)
{
    static const struct {
        enum rf_tls_ask ask;
        enum rf_tls_enforce enforce;
        int shows; /* 0 nothing, 1 a good one, 2 a foreign one */
        bool up, is_asked, is_accepted;
        enum rf_refusal refusal;
    } cases[] = {
        { RF_TLS_ASK_OFF, RF_TLS_ENFORCE_HANDSHAKE, 1, true, false, false, RF_REFUSE_NONE },
        { RF_TLS_ASK_OPTIONAL, RF_TLS_ENFORCE_HANDSHAKE, 0, true, true, true, RF_REFUSE_NONE },
        { RF_TLS_ASK_OPTIONAL, RF_TLS_ENFORCE_HANDSHAKE, 1, true, true, true, RF_REFUSE_NONE },
        { RF_TLS_ASK_OPTIONAL, RF_TLS_ENFORCE_HANDSHAKE, 2, false, true, false, RF_REFUSE_CERT_UNKNOWN_CA },
        { RF_TLS_ASK_OPTIONAL, RF_TLS_ENFORCE_LATER, 2, true, true, false, RF_REFUSE_CERT_UNKNOWN_CA },
        { RF_TLS_ASK_REQUIRED, RF_TLS_ENFORCE_HANDSHAKE, 0, false, true, false, RF_REFUSE_CERT_MISSING },
        { RF_TLS_ASK_REQUIRED, RF_TLS_ENFORCE_HANDSHAKE, 1, true, true, true, RF_REFUSE_NONE },
        { RF_TLS_ASK_REQUIRED, RF_TLS_ENFORCE_LATER, 0, true, true, false, RF_REFUSE_CERT_MISSING },
        { RF_TLS_ASK_REQUIRED, RF_TLS_ENFORCE_LATER, 1, true, true, true, RF_REFUSE_NONE },
        { RF_TLS_ASK_REQUIRED, RF_TLS_ENFORCE_LATER, 2, true, true, false, RF_REFUSE_CERT_UNKNOWN_CA },
    };
    struct id good = make_id(&root, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
    struct id foreign = make_id(&foreign_root, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_tls_check check = { .level = RF_CHECK_MEDIUM, .enforce = cases[i].enforce, .trust = trust };
        struct rf_tls_server *s = server(&check, cases[i].ask, NULL);

        for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
            SSL_CTX *ctx = other_side(false,
                                      cases[i].shows == 1   ? &good
                                      : cases[i].shows == 2 ? &foreign
                                                            : NULL,
                                      NULL);
            const struct rf_tls_peer *p;
            struct rf_cert_facts facts;
            struct duel d;

            SSL_CTX_set_max_proto_version(ctx, v);
            duel_open(&d, s, NULL, NULL, ctx);
            duel_run(&d);
            p = rf_tls_conn_peer(d.ours);
            ok(d.is_up == cases[i].up && (!d.is_up || (p != NULL) == cases[i].is_asked) &&
                   (d.is_up || d.failure.refusal == cases[i].refusal) &&
                   (!d.is_up || p == NULL ||
                    (p->is_accepted == cases[i].is_accepted && p->refusal == cases[i].refusal &&
                     p->has_shown == (cases[i].shows > 0))),
               "AVA-1, AVA-2, AVA-22: TLS %s, certificate %s, %s, client shows %s: %s",
               rf_tls_version_name(v), rf_tls_ask_name(cases[i].ask),
               cases[i].enforce == RF_TLS_ENFORCE_LATER ? "enforced later" : "at once",
               cases[i].shows == 0   ? "none"
               : cases[i].shows == 1 ? "a good one"
                                     : "a foreign one",
               cases[i].up ? rf_refusal_row(cases[i].refusal)->code : "refused");
            if (d.is_up && p != NULL && p->has_shown) {
                unsigned char *der = NULL;
                int n = i2d_X509(cases[i].shows == 1 ? good.x : foreign.x, &der);
                struct rf_span kept = rf_tls_conn_chain(d.ours, 0);

                ok(kept.n == (size_t)n && memcmp(kept.p, der, kept.n) == 0 &&
                       rf_tls_conn_peer_facts(d.ours, &facts) == RF_OK && facts.san_count == 1 &&
                       strcmp(facts.san[0].text, "trunk.example") == 0 &&
                       memcmp(facts.sha256, p->sha256, sizeof p->sha256) == 0,
                   "its certificate is kept as it came, with names and fingerprint");
                OPENSSL_free(der);
            }
            if (cases[i].ask != RF_TLS_ASK_OFF) {
                const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(d.theirs);

                ok(sk_X509_NAME_num(names) == 1 &&
                       X509_NAME_cmp(sk_X509_NAME_value(names, 0), X509_get_subject_name(root.x)) == 0,
                   "IPC-15: the request names the authorities");
            }
            duel_close(&d);
            SSL_CTX_free(ctx);
        }
        rf_tls_server_unref(s);
    }
    free_id(&good);
    free_id(&foreign);
}

/* --- resumption respects the certificate --- */

static SSL_SESSION *kept_session;

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION_free(kept_session);
    kept_session = session;
    return 1;
}

/* Resume at a server with these settings. */
static bool
resumes(SSL_CTX *ctx, const struct rf_tls_check *check, enum rf_tls_ask ask, bool *is_up, bool *is_accepted)
{
    struct rf_tls_server *s = server(check, ask, NULL);
    SSL_SESSION *copy = SSL_SESSION_dup(kept_session);
    const struct rf_tls_peer *p;
    struct duel d;
    bool resumed;

    duel_open(&d, s, NULL, NULL, ctx);
    SSL_set_session(d.theirs, copy);
    SSL_SESSION_free(copy);
    duel_run(&d);
    p = rf_tls_conn_peer(d.ours);
    resumed = d.is_up && d.facts.resumed;
    *is_up = d.is_up;
    *is_accepted =
        d.is_up && p != NULL && p->has_shown && p->is_accepted && rf_tls_conn_chain_count(d.ours) == 2;
    duel_close(&d);
    rf_tls_server_unref(s);
    return resumed;
}

static void
resumption(int version)
{
    struct id id = make_id(&middle, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
    SSL_CTX *ctx = other_side(false, &id, &middle);
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM, .trust = trust, .wall_s = test_clock }, other;
    struct rf_tls_server *s = server(&check, RF_TLS_ASK_REQUIRED, NULL);
    const char *v = rf_tls_version_name(version);
    bool up, accepted;
    struct duel d;

    clock_s = rf_wall_s();
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    duel_open(&d, s, NULL, NULL, ctx);
    duel_run(&d);
    ok(d.is_up && !d.facts.resumed && kept_session != NULL,
       "TLS %s: a client with a certificate gets a ticket", v);
    duel_close(&d);
    rf_tls_server_unref(s);

    ok(resumes(ctx, &check, RF_TLS_ASK_REQUIRED, &up, &accepted) && accepted,
       "TLS %s: it resumes, and its chain and verdict come with the ticket", v);
    other = check;
    other.trust = pinned;
    ok(!resumes(ctx, &other, RF_TLS_ASK_REQUIRED, &up, &accepted) && !up,
       "TLS %s: it does not once its authority is not trusted any more", v);
    other = check;
    other.level = RF_CHECK_HIGH;
    ok(!resumes(ctx, &other, RF_TLS_ASK_REQUIRED, &up, &accepted) && !up,
       "TLS %s: nor once the level was raised", v);
    other = check;
    other.level = RF_CHECK_LOW;
    ok(!resumes(ctx, &other, RF_TLS_ASK_REQUIRED, &up, &accepted) && up,
       "TLS %s: a lowered level makes a full handshake, which succeeds", v);
    clock_s += 2 * 86400;
    ok(!resumes(ctx, &check, RF_TLS_ASK_REQUIRED, &up, &accepted) && !up,
       "TLS %s: nor once its certificate has ended", v);
    other = check;
    other.enforce = RF_TLS_ENFORCE_LATER;
    ok(!resumes(ctx, &other, RF_TLS_ASK_REQUIRED, &up, &accepted) && up && !accepted,
       "TLS %s: with settings that judge later it comes in, with its verdict", v);
    SSL_SESSION_free(kept_session);
    kept_session = NULL;
    SSL_CTX_free(ctx);
    free_id(&id);
}

/* Judged later: the ticket of somebody who is not welcome any more brings its chain, and the verdict of today. */
static void
resumption_later(int version)
{
    struct id id = make_id(&middle, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
    struct rf_tls_check check = {
        .level = RF_CHECK_MEDIUM, .enforce = RF_TLS_ENFORCE_LATER, .trust = trust, .wall_s = test_clock
    };
    SSL_CTX *ctx = other_side(false, &id, &middle), *bare = other_side(false, NULL, NULL);
    struct rf_tls_server *s = server(&check, RF_TLS_ASK_OPTIONAL, NULL);
    const char *v = rf_tls_version_name(version);
    bool up, accepted;
    struct duel d;

    clock_s = rf_wall_s();
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(bare, version);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_sess_set_new_cb(bare, keep_session);
    duel_open(&d, s, NULL, NULL, ctx);
    duel_run(&d);
    duel_close(&d);
    ok(resumes(ctx, &check, RF_TLS_ASK_OPTIONAL, &up, &accepted) && accepted, "TLS %s, judged later: it resumes", v);
    clock_s += 2 * 86400;
    ok(resumes(ctx, &check, RF_TLS_ASK_OPTIONAL, &up, &accepted) && !accepted,
       "TLS %s, judged later: with an ended certificate it resumes and is not accepted", v);
    duel_open(&d, s, NULL, NULL, bare);
    duel_run(&d);
    duel_close(&d);
    ok(resumes(bare, &check, RF_TLS_ASK_OPTIONAL, &up, &accepted) && !accepted,
       "TLS %s, optional: a phone without a certificate resumes, too", v);
    SSL_SESSION_free(kept_session);
    kept_session = NULL;
    rf_tls_server_unref(s);
    SSL_CTX_free(ctx);
    SSL_CTX_free(bare);
    free_id(&id);
}

/* Our side is the client: the session's server is judged again. */
static void
client_resumption(void)
{
    struct id id = make_id(&root, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
    SSL_CTX *ctx = other_side(true, &id, NULL);
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM_REMOTE, .trust = trust, .wall_s = test_clock };
    struct rf_tls_client_conf conf = { RF_TLS_INTERMEDIATE, NULL, &check };
    struct rf_tls_client *c, *stricter;
    SSL_SESSION *session;
    const char *why;
    static const struct {
        const char *host;
        int64_t later_s;
        bool with_stricter, resumed, up;
    } cases[] = {
        { "trunk.example", 0, false, true, true },
        { "trunk.example", 0, true, false, true },
        { "other.example", 0, false, false, false },
        { "trunk.example", 2 * 86400, false, false, false },
    };
    struct duel d;

    clock_s = rf_wall_s();
    rf_assert(rf_tls_client_new(&c, &conf, &why) == RF_OK);
    check.level = RF_CHECK_MEDIUM;
    rf_assert(rf_tls_client_new(&stricter, &conf, &why) == RF_OK);
    duel_open(&d, NULL, c, "trunk.example", ctx);
    duel_run(&d);
    session = rf_tls_conn_session(d.ours);
    ok(d.is_up && SSL_SESSION_is_resumable(session), "our client has a session to resume");
    duel_close(&d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_SESSION *copy = SSL_SESSION_dup(session);

        clock_s = rf_wall_s() + cases[i].later_s;
        memset(&d, 0, sizeof d);
        d.outcome = RF_ERR_AGAIN;
        rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, d.fd) == 0);
        rf_assert(rf_tls_conn_connect(&d.ours, cases[i].with_stricter ? stricter : c, d.fd[0],
                                      rf_span_str(cases[i].host), copy) == RF_OK);
        SSL_SESSION_free(copy);
        d.theirs = SSL_new(ctx);
        SSL_set_fd(d.theirs, d.fd[1]);
        SSL_set_accept_state(d.theirs);
        duel_run(&d);
        ok(d.is_up == cases[i].up && (d.is_up && d.facts.resumed) == cases[i].resumed &&
               (!d.is_up || rf_tls_conn_chain_count(d.ours) == 1),
           "our client %s: %s", cases[i].resumed ? "resumes" : "does not resume",
           i == 0   ? "the same settings and host"
           : i == 1 ? "other settings"
           : i == 2 ? "another host"
                    : "the server's certificate has ended");
        duel_close(&d);
    }
    SSL_SESSION_free(session);
    rf_tls_client_unref(c);
    rf_tls_client_unref(stricter);
    SSL_CTX_free(ctx);
    free_id(&id);
}

/* --- what we show --- */

static void
shown(void)
{
    struct rf_tls_server *s = server(NULL, RF_TLS_ASK_OFF, NULL);
    SSL_CTX *ctx = other_side(false, NULL, NULL);
    struct duel d;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root.x);
    duel_open(&d, s, NULL, "pbx.example", ctx);
    duel_run(&d);
    ok(d.is_up && sk_X509_num(SSL_get_peer_cert_chain(d.theirs)) == 2 &&
           X509_cmp(sk_X509_value(SSL_get_peer_cert_chain(d.theirs), 1), middle.x) == 0,
       "TEL-5: the whole chain is sent, without its root, and a client that knows the root accepts it");
    duel_close(&d);
    SSL_CTX_free(ctx);
    ctx = other_side(false, NULL, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), middle.x);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    duel_open(&d, s, NULL, "pbx.example", ctx);
    duel_run(&d);
    ok(d.is_up, "TEL-7: a client that trusts the intermediate alone accepts it");
    duel_close(&d);
    SSL_CTX_free(ctx);
    rf_tls_server_unref(s);
}

static void
stapled(void)
{
    static const char answer[] = "octets of an OCSP answer";
    struct rf_tls_staple *slot;
    struct rf_tls_check check = { .wall_s = test_clock };
    struct rf_tls_server_conf conf = { .interface = "https",
                                       .level = RF_TLS_INTERMEDIATE,
                                       .cert = &server_cert,
                                       .cert_count = 1,
                                       .check = &check };
    struct rf_tls_server *s;
    SSL_CTX *ctx = other_side(false, NULL, NULL);
    const char *why;

    clock_s = rf_wall_s();
    rf_assert(rf_tls_staple_new(&slot) == RF_OK);
    conf.staple = &slot;
    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    for (int i = 0; i < 4; i++) {
        const unsigned char *got = NULL;
        struct duel d;
        long n;

        if (i == 1)
            rf_assert(rf_tls_staple_set(slot, RF_SPAN_LIT(answer), clock_s + 100) == RF_OK);
        if (i == 2)
            clock_s += 100;
        if (i == 3) {
            char *big = calloc(1, RF_TLS_STAPLE_MAX + 1);

            ok(rf_tls_staple_set(slot, rf_span(big, RF_TLS_STAPLE_MAX + 1), clock_s + 9) == RF_ERR_RANGE,
               "an answer that is too long is not taken");
            free(big);
            rf_assert(rf_tls_staple_set(slot, rf_span(NULL, 0), 0) == RF_OK);
        }
        duel_open(&d, s, NULL, "pbx.example", ctx);
        SSL_set_tlsext_status_type(d.theirs, TLSEXT_STATUSTYPE_ocsp);
        duel_run(&d);
        n = SSL_get_tlsext_status_ocsp_resp(d.theirs, &got);
        ok(d.is_up && (i == 1 ? n == (long)sizeof answer - 1 && memcmp(got, answer, sizeof answer - 1) == 0
                              : n <= 0),
           "OCSP: %s",
           i == 0   ? "an empty slot shows nothing"
           : i == 1 ? "what is put in is shown by the same context"
           : i == 2 ? "not after its end"
                    : "not once it was taken out");
        duel_close(&d);
    }
    rf_tls_server_unref(s);
    rf_tls_staple_unref(slot);
    SSL_CTX_free(ctx);
}

/* --- settings that cannot work --- */

static void
finds(const char *what, const struct id *id, const struct id *above, enum rf_tls_level level, bool fatal,
      enum rf_refusal want)
{
    struct rf_cert *cert = as_cert(id, above, NULL);
    struct rf_tls_server_conf conf = { .interface = "https", .level = level, .cert = &cert, .cert_count = 1 };
    struct rf_tls_findings found;
    bool hit;

    rf_tls_conf_examine(&conf, trust, rf_wall_s(), &found);
    hit = want == RF_REFUSE_NONE && found.count == 0;
    for (size_t i = 0; i < found.count; i++)
        hit |= found.finding[i].refusal == want && found.finding[i].is_fatal == fatal &&
               found.finding[i].text[0] != '\0';
    ok(hit && (found.fatal_count > 0) == fatal, "%s: %s", what,
       found.count > 0 ? found.finding[0].text : "nothing found");
    rf_cert_unref(cert);
}

static void
examined(void)
{
    static const struct {
        const char *what;
        struct make make;
        int issuer; /* 0 root, 1 middle sent, 2 middle not sent, 3 middle not sent, its address known, 4 wrong order */
        enum rf_tls_level level;
        bool fatal;
        enum rf_refusal want;
    } cases[] = {
        { "a good chain",
          { .cn = "a", .san = "DNS:a.example" },
          1,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_NONE },
        { "for clients alone",
          { .cn = "a", .san = "DNS:a.example", .eku = "clientAuth" },
          1,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_CERT_WRONG_PURPOSE },
        { "for everything by name",
          { .cn = "a", .san = "DNS:a.example", .eku = "anyExtendedKeyUsage" },
          1,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_NONE },
        { "expired",
          { .cn = "a", .san = "DNS:a.example", .from_s = -864000, .to_s = -86401 },
          0,
          RF_TLS_INTERMEDIATE,
          true,
          RF_REFUSE_CERT_EXPIRED },
        { "not yet valid",
          { .cn = "a", .san = "DNS:a.example", .from_s = 3600, .to_s = 86400 },
          0,
          RF_TLS_INTERMEDIATE,
          true,
          RF_REFUSE_CERT_NOT_YET_VALID },
        { "RSA 1024",
          { .cn = "a", .san = "DNS:a.example", .rsa_bits = 1024 },
          0,
          RF_TLS_OLD,
          true,
          RF_REFUSE_CERT_KEY_TOO_SMALL },
        { "SHA-1",
          { .cn = "a", .san = "DNS:a.example", .rsa_bits = 2048 },
          5,
          RF_TLS_OLD,
          true,
          RF_REFUSE_CERT_BAD_SIGNATURE },
        { "TEL-5: missing intermediate",
          { .cn = "a", .san = "DNS:a.example" },
          2,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_CERT_UNKNOWN_CA },
        { "TEL-5: missing intermediate, known where",
          { .cn = "a",
            .san = "DNS:a.example",
            .extension = "authorityInfoAccess",
            .value = "caIssuers;URI:http://ca.example/middle.cer" },
          2,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_CERT_MISSING_INTERMEDIATE },
        { "a chain out of order",
          { .cn = "a", .san = "DNS:a.example" },
          4,
          RF_TLS_INTERMEDIATE,
          false,
          RF_REFUSE_CERT_MISSING_INTERMEDIATE },
        { "ECDSA alone at old",
          { .cn = "a", .san = "DNS:a.example" },
          0,
          RF_TLS_OLD,
          false,
          RF_REFUSE_TLS_NO_CIPHER },
        { "RSA alone at modern",
          { .cn = "a", .san = "DNS:a.example", .rsa_bits = 2048 },
          0,
          RF_TLS_MODERN,
          false,
          RF_REFUSE_TLS_NO_CIPHER },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct make m = cases[i].make;
        bool below_middle = cases[i].issuer == 1 || cases[i].issuer == 2;
        struct id id;

        if (cases[i].issuer == 5)
            m.md = EVP_sha1();
        id = make_id(below_middle ? &middle : &root, &m);
        finds(cases[i].what, &id, cases[i].issuer == 1 || cases[i].issuer == 4 ? &middle : NULL,
              cases[i].level, cases[i].fatal, cases[i].want);
        free_id(&id);
    }
}

static void
weak_is_not_loaded(void)
{
    struct id id = make_id(&root, &(struct make){ .cn = "a", .san = "DNS:a.example", .rsa_bits = 1024 });
    struct rf_cert *cert = as_cert(&id, NULL, NULL);
    struct rf_tls_server_conf conf = {
        .interface = "https", .level = RF_TLS_OLD, .cert = &cert, .cert_count = 1
    };
    struct rf_tls_server *s = NULL;
    const char *why = "";

    enum rf_err err = rf_tls_server_new(&s, &conf, &why);

    ok(err == RF_ERR_CRYPTO && s == NULL && why[0] != '\0',
       "a weak certificate of our own is refused even at level old: %s", why);
    rf_cert_unref(cert);
    free_id(&id);
}

/* --- evidence --- */

static void
evidence(void)
{
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM, .trust = trust };
    struct id id = make_id(&root, &(struct make){ .cn = "trunk of carrier", .san = "DNS:trunk.example" });
    SSL_CTX *ctx = other_side(false, &id, NULL), *bare = other_side(false, NULL, NULL);
    static struct rf_tls_event events[8];
    static char json[16384];
    struct rf_buf b = rf_buf(json, sizeof json);
    struct rf_tls_ring *ring;
    struct rf_tls_server *s;
    const struct rf_tls_event *e = &events[1];
    size_t n;

    rf_assert(rf_tls_ring_new(&ring, 4, 2) == RF_OK);
    s = server(&check, RF_TLS_ASK_REQUIRED, ring);
    for (int i = 0; i < 8; i++) {
        struct duel d;

        duel_open(&d, s, NULL, "pbx.example", i < 5 ? ctx : bare);
        duel_run(&d);
        duel_close(&d);
    }
    n = rf_tls_ring_copy(ring, 0, false, events, NULL, 8);
    ok(n == 4 && events[0].serial == 2 && events[3].serial == 5 && rf_tls_ring_count(ring, false) == 5,
       "the last four good handshakes are kept, oldest first");
    ok(e->is_done && e->version == TLS1_3_VERSION && e->suite >> 8 == 0x13 && e->group == 29 &&
           e->we_are_server && strcmp(e->server_name, "pbx.example") == 0 &&
           strcmp(e->interface, "sip-trunks") == 0 && !e->is_resumed,
       "with version, suite, group, name and interface");
    ok(e->has_certificate && e->is_accepted && strcmp(e->subject, "CN=trunk of carrier") == 0 &&
           (e->passes_level & 1 << RF_CHECK_MEDIUM) != 0 && (e->passes_level & 1 << RF_CHECK_HIGH) == 0,
       "with certificate, verdict, and which levels it would pass");
    ok(e->fits == ((1 << RF_TLS_LEVEL_COUNT) - 1),
       "and which cipher levels would have taken the client: all");
    rf_tls_event_json(&b, e, NULL);
    ok(!b.overflow && strstr(json, "\"tls.protocol.version\":\"1.3\"") != NULL &&
           strstr(json, "\"tls.curve\":\"X25519\"") != NULL,
       "and is text when asked");
    n = rf_tls_ring_copy(ring, 6, true, events, NULL, 8);
    ok(n == 2 && events[0].serial == 7 && events[1].failure.refusal == RF_REFUSE_CERT_MISSING &&
           rf_tls_ring_count(ring, true) == 3,
       "failed ones have a ring of their own, read from a serial on");
    rf_tls_server_unref(s);
    rf_tls_ring_free(ring);
    SSL_CTX_free(ctx);
    SSL_CTX_free(bare);
    free_id(&id);
}

int
main(void)
{
    struct id client_id;

    signal(SIGPIPE, SIG_IGN);
    clock_s = rf_wall_s();
    root = make_id(NULL, &(struct make){ .cn = "root", .is_ca = true });
    foreign_root = make_id(NULL, &(struct make){ .cn = "foreign root", .is_ca = true });
    middle = make_id(&root, &(struct make){ .cn = "middle", .is_ca = true });
    server_id = make_id(&middle, &(struct make){ .cn = "pbx.example", .san = "DNS:pbx.example" });
    client_id = make_id(&root, &(struct make){ .cn = "us", .san = "DNS:us.example" });
    server_cert = as_cert(&server_id, &middle, NULL);
    own_client_cert = as_cert(&client_id, NULL, NULL);
    rf_assert(rf_trust_new(&trust) == RF_OK && rf_trust_new(&pinned) == RF_OK);
    trust_add(trust, &root);
    trust_add(pinned, &foreign_root);
    rf_assert(rf_tls_tickets_new(&tickets, RF_SPAN_LIT("a master secret of thirty-two oc"),
                                 RF_TLS_TICKET_PERIOD_S, rf_wall_s) == RF_OK);
    levels();
    asking();
    resumption(TLS1_2_VERSION);
    resumption(TLS1_3_VERSION);
    resumption_later(TLS1_2_VERSION);
    resumption_later(TLS1_3_VERSION);
    client_resumption();
    shown();
    stapled();
    examined();
    weak_is_not_loaded();
    evidence();
    rf_trust_unref(trust);
    rf_trust_unref(pinned);
    rf_tls_tickets_unref(tickets);
    rf_cert_unref(server_cert);
    rf_cert_unref(own_client_cert);
    free_id(&root);
    free_id(&foreign_root);
    free_id(&middle);
    free_id(&server_id);
    free_id(&client_id);
    return tap_done();
}
