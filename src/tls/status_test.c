/*
 * What a server's authority says of it, sent along in real handshakes (RFC 6066 8) or had from elsewhere:
 * off, soft, hard.
 */
#include <openssl/ocsp.h>

#include "cert/ocsp_cache.h"
#include "tls/harness.h"

static struct id root, with_url, without_url, stranger, promising;
static struct rf_trust *trust;

enum sends { NOTHING, GOOD, REVOKED, UNKNOWN, OLD, FORGED, RUBBISH };

static unsigned char octets[4096];
static int octet_count;

static void
make_answer(enum sends what, const struct id *about)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const struct id *signer = what == FORGED ? &stranger : &root;
    ASN1_TIME *from = X509_gmtime_adj(NULL, what == OLD ? -7200 : -60),
              *to = X509_gmtime_adj(NULL, what == OLD ? -3600 : 3600);
    int status = what == REVOKED   ? V_OCSP_CERTSTATUS_REVOKED
                 : what == UNKNOWN ? V_OCSP_CERTSTATUS_UNKNOWN
                                   : V_OCSP_CERTSTATUS_GOOD;
    unsigned char *p = octets;
    OCSP_RESPONSE *resp;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), about->x, root.x);

    OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, from, from, to);
    rf_assert(OCSP_basic_sign(basic, signer->x, signer->key, EVP_sha256(), NULL, 0) == 1);
    resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    octet_count = i2d_OCSP_RESPONSE(resp, &p);
    if (what == NOTHING)
        octet_count = 0;
    if (what == RUBBISH)
        octet_count = 20;
    OCSP_RESPONSE_free(resp);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
}

static int
on_status(SSL *ssl, void *arg)
{
    if (octet_count == 0)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(octets, (size_t)octet_count), octet_count);
    return SSL_TLSEXT_ERR_OK;
}

static struct rf_ocsp_verdict source_says;

static void
source_ask(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out)
{
    *out = source_says;
}

static struct rf_tls_client *
client(enum rf_check_ocsp ocsp, bool has_source)
{
    struct rf_tls_check check = {
        .level = RF_CHECK_MEDIUM_REMOTE, .use = RF_CHECK_SIP, .trust = trust, .ocsp = ocsp};
    struct rf_tls_client_conf conf = {
        .level = RF_TLS_INTERMEDIATE, .check = &check, .interface = "sip-trunks"};
    struct rf_tls_client *c = NULL;
    const char *why;

    if (has_source)
        check.ocsp_source.ask = source_ask;
    rf_assert(rf_tls_client_new(&c, &conf, &why) == RF_OK);
    return c;
}

static void
stapled(int version)
{
    const char *v = version == TLS1_2_VERSION ? "1.2" : "1.3";
    static const struct {
        const char *why;
        enum rf_check_ocsp ocsp;
        enum sends sends;
        enum { RESPONDER, BARE, PROMISE } shows; /* names a responder; none; none, and must-staple (RFC 7633) */
        enum rf_ocsp_status elsewhere;
        bool is_up;
        enum rf_refusal refusal;
    } cases[] = {
        {"off, revoked is sent", RF_CHECK_OCSP_OFF, REVOKED, RESPONDER, RF_OCSP_REVOKED, true, RF_REFUSE_NONE},
        {"soft, good", RF_CHECK_OCSP_SOFT, GOOD, RESPONDER, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"soft, nothing", RF_CHECK_OCSP_SOFT, NOTHING, RESPONDER, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"soft, revoked", RF_CHECK_OCSP_SOFT, REVOKED, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_REVOKED},
        {"soft, rubbish", RF_CHECK_OCSP_SOFT, RUBBISH, RESPONDER, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"hard, good", RF_CHECK_OCSP_HARD, GOOD, RESPONDER, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"hard, nothing", RF_CHECK_OCSP_HARD, NOTHING, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"hard, nothing, but it is known elsewhere", RF_CHECK_OCSP_HARD, NOTHING, RESPONDER, RF_OCSP_GOOD, true,
         RF_REFUSE_NONE},
        {"hard, revoked", RF_CHECK_OCSP_HARD, REVOKED, RESPONDER, RF_OCSP_GOOD, false, RF_REFUSE_CERT_REVOKED},
        {"hard, nothing, revoked elsewhere", RF_CHECK_OCSP_HARD, NOTHING, RESPONDER, RF_OCSP_REVOKED, false,
         RF_REFUSE_CERT_REVOKED},
        {"hard, unknown", RF_CHECK_OCSP_HARD, UNKNOWN, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"hard, of yesterday", RF_CHECK_OCSP_HARD, OLD, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"hard, by a stranger", RF_CHECK_OCSP_HARD, FORGED, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"hard, rubbish", RF_CHECK_OCSP_HARD, RUBBISH, RESPONDER, RF_OCSP_NO_ANSWER, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"hard, no responder named", RF_CHECK_OCSP_HARD, NOTHING, BARE, RF_OCSP_REVOKED, true, RF_REFUSE_NONE},
        {"must-staple, off", RF_CHECK_OCSP_OFF, NOTHING, PROMISE, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"must-staple, soft, nothing", RF_CHECK_OCSP_SOFT, NOTHING, PROMISE, RF_OCSP_GOOD, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"must-staple, soft, good", RF_CHECK_OCSP_SOFT, GOOD, PROMISE, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {"must-staple, soft, rubbish", RF_CHECK_OCSP_SOFT, RUBBISH, PROMISE, RF_OCSP_GOOD, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"must-staple, soft, of yesterday", RF_CHECK_OCSP_SOFT, OLD, PROMISE, RF_OCSP_GOOD, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"must-staple, hard, by a stranger", RF_CHECK_OCSP_HARD, FORGED, PROMISE, RF_OCSP_GOOD, false,
         RF_REFUSE_CERT_STATUS_UNKNOWN},
        {"must-staple, hard, revoked", RF_CHECK_OCSP_HARD, REVOKED, PROMISE, RF_OCSP_GOOD, false,
         RF_REFUSE_CERT_REVOKED},
        {"must-staple, hard, good", RF_CHECK_OCSP_HARD, GOOD, PROMISE, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct id *shown = cases[i].shows == PROMISE ? &promising
                                 : cases[i].shows == BARE  ? &without_url
                                                           : &with_url;
        SSL_CTX *other = other_side(true, shown, NULL);
        struct rf_tls_client *c = client(cases[i].ocsp, true);
        struct duel d;

        source_says =
            (struct rf_ocsp_verdict){.status = cases[i].elsewhere, .reason = "", .why = "nobody answered"};
        make_answer(cases[i].sends, shown);
        SSL_CTX_set_max_proto_version(other, version);
        SSL_CTX_set_tlsext_status_cb(other, on_status);
        duel_open(&d, NULL, c, "trunk.example", other);
        duel_run(&d);
        ok(d.is_up == cases[i].is_up && (d.is_up || d.failure.refusal == cases[i].refusal),
           "TLS %s, %s: %s (%s)", v, cases[i].why, d.is_up ? "up" : "refused",
           d.is_up ? "" : d.failure.reason);
        duel_close(&d);
        rf_tls_client_unref(c);
        SSL_CTX_free(other);
    }
}

/* A name that is wrong stays wrong, whatever its authority says. */
static void
other_rules_stay(void)
{
    SSL_CTX *other = other_side(true, &with_url, NULL);
    struct rf_tls_client *c = client(RF_CHECK_OCSP_HARD, false);
    struct duel d;

    make_answer(GOOD, &with_url);
    SSL_CTX_set_tlsext_status_cb(other, on_status);
    duel_open(&d, NULL, c, "other.example", other);
    duel_run(&d);
    ok(!d.is_up && d.failure.refusal == RF_REFUSE_CERT_NAME_MISMATCH, "good, but of another name: %s",
       d.failure.reason);
    duel_close(&d);
    rf_tls_client_unref(c);
    SSL_CTX_free(other);
}

/*
 * Our side is the server: nobody staples for clients (but in TLS 1.3, where it is not asked for), so the
 * source is asked.
 */
static void
of_clients(int version)
{
    const char *v = version == TLS1_2_VERSION ? "1.2" : "1.3";
    struct rf_cert *own = as_cert(&without_url, NULL, NULL);
    static const struct {
        enum rf_check_ocsp ocsp;
        enum rf_ocsp_status says;
        bool is_up;
        enum rf_refusal refusal;
    } cases[] = {
        {RF_CHECK_OCSP_OFF, RF_OCSP_REVOKED, true, RF_REFUSE_NONE},
        {RF_CHECK_OCSP_SOFT, RF_OCSP_NO_ANSWER, true, RF_REFUSE_NONE},
        {RF_CHECK_OCSP_SOFT, RF_OCSP_REVOKED, false, RF_REFUSE_CERT_REVOKED},
        {RF_CHECK_OCSP_HARD, RF_OCSP_GOOD, true, RF_REFUSE_NONE},
        {RF_CHECK_OCSP_HARD, RF_OCSP_NO_ANSWER, false, RF_REFUSE_CERT_STATUS_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_tls_check check = {.level = RF_CHECK_MEDIUM,
                                     .use = RF_CHECK_SIP,
                                     .trust = trust,
                                     .ocsp = cases[i].ocsp,
                                     .ocsp_source = {NULL, source_ask}};
        struct rf_tls_server_conf conf = {.interface = "sip-trunks",
                                          .level = RF_TLS_INTERMEDIATE,
                                          .cert = &own,
                                          .cert_count = 1,
                                          .ask = RF_TLS_ASK_REQUIRED,
                                          .check = &check};
        SSL_CTX *other = other_side(false, &with_url, NULL);
        struct rf_tls_server *s = NULL;
        const char *why;
        struct duel d;

        source_says =
            (struct rf_ocsp_verdict){.status = cases[i].says, .reason = "", .why = "nobody answered"};
        rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
        SSL_CTX_set_max_proto_version(other, version);
        duel_open(&d, s, NULL, NULL, other);
        duel_run(&d);
        ok(d.is_up == cases[i].is_up && (d.is_up || d.failure.refusal == cases[i].refusal),
           "TLS %s, a client, %s, %s: %s", v, rf_check_ocsp_name(cases[i].ocsp),
           rf_ocsp_status_name(cases[i].says), d.is_up ? "up" : d.failure.reason);
        duel_close(&d);
        rf_tls_server_unref(s);
        SSL_CTX_free(other);
    }
    rf_cert_unref(own);
}

/* --- the authority is being asked: the connection is held --- */

static unsigned asked; /* since the case began */
static unsigned answers_after;
static enum rf_ocsp_status then;

static void
slow_ask(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out)
{
    *out = (struct rf_ocsp_verdict){.reason = "", .why = "its responder has not answered yet", .is_pending = true};
    if (asked++ >= answers_after)
        *out = (struct rf_ocsp_verdict){.status = then, .reason = "", .why = "nobody answered"};
}

/* Both sides shake hands; ours is not over before the authority has answered. */
static void
held(bool we_serve, int version, bool may_hold)
{
    static const struct {
        unsigned after;
        enum rf_ocsp_status then;
        bool is_up;
        enum rf_refusal refusal;
        const char *why;
    } cases[] = {
        {3, RF_OCSP_GOOD, true, RF_REFUSE_NONE, "good, after a while"},
        {3, RF_OCSP_REVOKED, false, RF_REFUSE_CERT_REVOKED, "revoked, after a while"},
        {3, RF_OCSP_NO_ANSWER, false, RF_REFUSE_CERT_STATUS_UNKNOWN, "nobody answered, after a while"},
        {UINT32_MAX, RF_OCSP_GOOD, false, RF_REFUSE_CERT_STATUS_UNKNOWN, "no answer for three seconds"},
    };
    struct rf_cert *own = as_cert(&without_url, NULL, NULL);
    struct rf_tls_check check = {.level = we_serve ? RF_CHECK_MEDIUM : RF_CHECK_MEDIUM_REMOTE,
                                 .use = RF_CHECK_SIP,
                                 .trust = trust,
                                 .ocsp = RF_CHECK_OCSP_HARD,
                                 .ocsp_source = {NULL, slow_ask}};
    struct rf_tls_server_conf sconf = {.interface = "sip-trunks",
                                       .level = RF_TLS_INTERMEDIATE,
                                       .cert = &own,
                                       .cert_count = 1,
                                       .ask = RF_TLS_ASK_REQUIRED,
                                       .check = &check};
    struct rf_tls_client_conf cconf = {
        .level = RF_TLS_INTERMEDIATE, .check = &check, .interface = "sip-trunks"};
    size_t last = may_hold ? sizeof cases / sizeof *cases : 1;

    for (size_t i = 0; i < last; i++) {
        SSL_CTX *other = other_side(!we_serve, &with_url, NULL);
        struct rf_tls_server *s = NULL;
        struct rf_tls_client *c = NULL;
        enum rf_err err = RF_ERR_AGAIN;
        bool was_held = false, is_up;
        struct rf_tls_failure f = {0};
        const char *why;
        struct duel d;

        asked = 0;
        answers_after = cases[i].after;
        then = cases[i].then;
        rf_assert((we_serve ? rf_tls_server_new(&s, &sconf, &why) : rf_tls_client_new(&c, &cconf, &why)) == RF_OK);
        SSL_CTX_set_max_proto_version(other, version);
        duel_open(&d, s, c, we_serve ? NULL : "trunk.example", other);
        if (may_hold)
            rf_tls_conn_may_hold(d.ours);
        for (int round = 0; err == RF_ERR_AGAIN && round < 1000; round++) {
            (void)SSL_do_handshake(d.theirs);
            ERR_clear_error();
            err = rf_tls_conn_handshake(d.ours);
            was_held |= rf_tls_conn_is_held(d.ours);
            if (rf_tls_conn_is_held(d.ours))
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        is_up = err == RF_OK;
        if (!is_up)
            rf_tls_conn_failure(d.ours, &f);
        if (may_hold && !is_up) {
            char octet;
            int n = SSL_read(d.theirs, &octet, 1);

            ok(SSL_get_error(d.theirs, n) == SSL_ERROR_ZERO_RETURN && f.alert_sent == SSL_AD_CLOSE_NOTIFY,
               "the other side is told that it is over (close_notify), not cut off");
            ERR_clear_error();
        }
        if (may_hold)
            ok(was_held && is_up == cases[i].is_up && f.refusal == cases[i].refusal && !rf_tls_conn_is_held(d.ours),
               "TLS %s, held, our side is the %s: %s: %s", version == TLS1_2_VERSION ? "1.2" : "1.3",
               we_serve ? "server" : "client", cases[i].why, is_up ? "up" : f.reason);
        else
            ok(!was_held && !is_up && f.refusal == RF_REFUSE_CERT_STATUS_UNKNOWN,
               "not held unless its owner says so: %s", f.reason);
        duel_close(&d);
        rf_tls_server_unref(s);
        rf_tls_client_unref(c);
        SSL_CTX_free(other);
    }
    rf_cert_unref(own);
}

/* Our own certificate promises what is not sent: said when it is loaded. */
static void
own_promise(void)
{
    struct rf_cert *own = as_cert(&promising, NULL, NULL);
    struct rf_tls_staple *staple = NULL, *none = NULL;
    struct rf_tls_server_conf conf = {
        .interface = "sip-phones", .level = RF_TLS_INTERMEDIATE, .cert = &own, .cert_count = 1};
    struct rf_tls_findings found;
    struct rf_tls_staple_state state;

    rf_assert(rf_tls_staple_new(&staple) == RF_OK);
    for (int i = 0; i < 3; i++) {
        size_t said = 0;

        conf.staple = i == 0 ? NULL : i == 1 ? &none : &staple;
        rf_tls_conf_examine(&conf, NULL, rf_wall_s(), &found);
        for (size_t k = 0; k < found.count; k++)
            said += found.finding[k].refusal == RF_REFUSE_CERT_STATUS_UNKNOWN && !found.finding[k].is_fatal;
        ok(said == (i < 2), "must-staple of our own %s",
           i < 2 ? "without a staple is said (RF-217)" : "with one is fine");
    }
    rf_tls_staple_look(staple, &state);
    ok(!state.has_answer && state.fetched_s == 0 && state.failed_s == 0, "a slot begins empty");
    rf_tls_staple_failed(staple, "nobody answered", 1000);
    rf_tls_staple_look(staple, &state);
    ok(!state.has_answer && state.failed_s == 1000 && strcmp(state.failure, "nobody answered") == 0,
       "it knows what failed");
    rf_assert(rf_tls_staple_set(staple, RF_SPAN_LIT("x"), 2000) == RF_OK);
    rf_tls_staple_look(staple, &state);
    ok(state.has_answer && state.until_s == 2000 && state.failed_s == 0 && state.fetched_s >= rf_wall_s() - 5,
       "and when an answer came");
    rf_tls_staple_unref(staple);
    rf_cert_unref(own);
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    root = make_id(NULL, &(struct make){.cn = "Root", .is_ca = true});
    stranger = make_id(NULL, &(struct make){.cn = "Root", .is_ca = true});
    with_url = make_id(&root, &(struct make){.cn = "t",
                                             .san = "DNS:trunk.example",
                                             .extension = "authorityInfoAccess",
                                             .value = "OCSP;URI:http://ocsp.example/"});
    without_url = make_id(&root, &(struct make){.cn = "t", .san = "DNS:trunk.example"});
    promising = make_id(&root, &(struct make){.cn = "t",
                                              .san = "DNS:trunk.example",
                                              .extension = "tlsfeature",
                                              .value = "status_request"});
    rf_assert(rf_trust_new(&trust) == RF_OK);
    trust_add(trust, &root);
    stapled(TLS1_2_VERSION);
    stapled(TLS1_3_VERSION);
    other_rules_stay();
    of_clients(TLS1_2_VERSION);
    of_clients(TLS1_3_VERSION);
    held(true, TLS1_2_VERSION, true);
    held(true, TLS1_3_VERSION, true);
    held(false, TLS1_2_VERSION, true);
    held(false, TLS1_3_VERSION, true);
    held(true, TLS1_3_VERSION, false);
    own_promise();
    rf_trust_unref(trust);
    free_id(&root);
    free_id(&stranger);
    free_id(&with_url);
    free_id(&without_url);
    free_id(&promising);
    return tap_done();
}
