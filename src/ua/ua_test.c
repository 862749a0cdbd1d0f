/*
 * Two phones call each other directly, over loopback: every transport with and without SRTP, tones compared; holding,
 * new keys, refusals, what a peer must drop, and what is seen of a broken TLS peer.
 *
 * # mostly waits
 */
#include "ua/ua.h"

#include <math.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "sip/write.h"
#include "srtp/srtp.h"
#include "tap.h"

static struct rf_ua_set *set;
static char cert_file[64], key_file[64], other_cert_file[64];

/* --- a certificate for 127.0.0.1 --- */

static void
write_pem(char path[64], void (*write)(FILE *, const void *), const void *what)
{
    int fd;
    FILE *f;

    snprintf(path, 64, "/tmp/rf-ua-test-XXXXXX");
    fd = mkstemp(path);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL)
        abort();
    write(f, what);
    fclose(f);
}

static void
write_cert(FILE *f, const void *cert)
{
    if (PEM_write_X509(f, cert) != 1)
        abort();
}

static void
write_key(FILE *f, const void *key)
{
    if (PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
}

static X509 *
self_signed(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509V3_CTX ctx;
    X509_EXTENSION *san;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"phone", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509V3_set_ctx_nodb(&ctx);
    san = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    if (X509_sign(cert, key, EVP_sha256()) == 0)
        abort();
    return cert;
}

static void
make_certificates(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *cert = self_signed(key), *other_cert = self_signed(other);

    write_pem(cert_file, write_cert, cert);
    write_pem(key_file, write_key, key);
    write_pem(other_cert_file, write_cert, other_cert);
    X509_free(cert);
    X509_free(other_cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* --- two phones --- */

struct pair {
    struct rf_ua *a, *b;
    struct rf_ua_call *call, *in;
    char uri[128];
};

static struct rf_ua_conf
conf_of(const char *user, enum rf_ua_transport transport)
{
    return (struct rf_ua_conf){ .user = user, .transport = transport, .listen = transport != RF_UA_UDP,
                                .cert_file = cert_file, .key_file = key_file, .trust_file = cert_file,
                                .srtp = RF_SRTP_REQUIRED, .tone_hz = 440, .rtcp_ms = 300, .record_max = 1 << 20,
                                .ring = 180, .answer_after_ms = 20 };
}

static void
pair_open(struct pair *p, const struct rf_ua_conf *a, const struct rf_ua_conf *b)
{
    struct rf_addr addr;
    char text[RF_ADDR_TEXT_MAX];

    memset(p, 0, sizeof *p);
    if (rf_ua_new(&p->a, set, a) != RF_OK || rf_ua_new(&p->b, set, b) != RF_OK)
        abort();
    addr = rf_ua_addr(p->b);
    snprintf(p->uri, sizeof p->uri, "sip:b@%s", rf_addr_text(&addr, text));
}

static void
pair_close(struct pair *p)
{
    rf_ua_free(p->a);
    rf_ua_free(p->b);
}

static bool
pair_call(struct pair *p)
{
    return rf_ua_call(p->a, p->uri, false, &p->call) == RF_OK && rf_ua_wait_up(p->call, 5000) == RF_OK &&
           rf_ua_wait_incoming(p->b, 5000, &p->in) == RF_OK && rf_ua_wait_up(p->in, 5000) == RF_OK;
}

static struct rf_ua_media_info
media_of(const struct rf_ua_call *call)
{
    struct rf_ua_media_info m;

    rf_ua_media(call, &m);
    return m;
}

static struct rf_ua_call_info
info_of(const struct rf_ua_call *call)
{
    struct rf_ua_call_info i;

    rf_ua_call_info(call, &i);
    return i;
}

static bool
hears(const struct rf_ua_call *call, double hz)
{
    struct rf_ua_media_info m = media_of(call);

    diag("%.1f Hz, purity %.3f, %llu authentic, %llu clear, %llu lost", m.hz, m.purity,
         (unsigned long long)m.authentic, (unsigned long long)m.clear, (unsigned long long)m.lost);
    return fabs(m.hz - hz) < 4 && m.purity > 0.8;
}

/* --- calls --- */

static void
test_transport(enum rf_ua_transport t, enum rf_srtp_mode mode, const char *suites)
{
    struct rf_ua_conf a = conf_of("a", t), b = conf_of("b", t);
    const char *name = rf_ua_transport_name(t);
    struct rf_ua_media_info ma, mb;
    struct pair p;

    a.srtp = b.srtp = mode;
    a.suites = suites;
    b.suites = suites;
    b.tone_hz = 880;
    pair_open(&p, &a, &b);
    if (!ok(pair_call(&p), "%s: a call is answered", name)) {
        struct rf_ua_link_info l;

        rf_ua_link(p.a, &l);
        diag("%d %s, %s", info_of(p.call).status, info_of(p.call).detail, l.error);
        pair_close(&p);
        return;
    }
    ok(info_of(p.call).provisional == 1 && info_of(p.call).status == 200, "%s: it rang", name);
    ok(rf_ua_wait_media(p.call, 25, 3000) == RF_OK && rf_ua_wait_media(p.in, 25, 3000) == RF_OK,
       "%s: media arrives on both sides", name);
    ok(hears(p.call, 880) && hears(p.in, 440), "%s: each hears the other's tone", name);
    ma = media_of(p.call);
    mb = media_of(p.in);
    if (mode == RF_SRTP_REQUIRED) {
        ok(ma.authentic >= 25 && ma.clear == 0 && mb.authentic >= 25 && mb.clear == 0 &&
               strcmp(ma.tx_suite, mb.rx_suite) == 0 && strcmp(ma.rx_suite, mb.tx_suite) == 0 &&
               (suites == NULL || strcmp(ma.tx_suite, suites) == 0),
           "%s: all of it authenticated with %s", name, ma.tx_suite);
        ok(rf_ua_clear_datagrams(p.call, 880) == 0 && rf_ua_clear_datagrams(p.in, 440) == 0,
           "%s: no datagram was audio in clear", name);
    } else {
        ok(ma.clear >= 25 && ma.authentic == 0 && mb.clear >= 25 && ma.tx_suite[0] == '\0', "%s: plain RTP", name);
        ok(rf_ua_clear_datagrams(p.call, 880) >= 25, "%s: and the datagrams show it", name);
    }
    ok(ma.auth_failed + ma.replayed + ma.malformed + mb.auth_failed + mb.replayed + mb.malformed == 0 &&
           ma.lost == 0 && mb.lost == 0,
       "%s: nothing was refused or lost", name);
    ok(ma.rtcp_received > 0 && ma.rtcp_refused == 0 && mb.rtcp_received > 0 && mb.rtcp_refused == 0 && ma.reports > 0,
       "%s: sender reports came both ways, and speak of our stream", name);
    ok(rf_ua_call_end(p.call) == RF_OK && rf_ua_wait_ended(p.in, 3000) == RF_OK && info_of(p.in).ended_by_peer,
       "%s: BYE ends it", name);
    pair_close(&p);
}

static void
test_in_call(void)
{
    struct rf_ua_conf a = conf_of("a", RF_UA_UDP), b = conf_of("b", RF_UA_UDP);
    struct rf_ua_media_info before, after;
    struct pair p;

    pair_open(&p, &a, &b);
    if (!ok(pair_call(&p), "a call to change"))
        return;
    ok(rf_ua_wait_media(p.in, 10, 3000) == RF_OK, "media flows");
    ok(rf_ua_call_hold(p.call, true) == RF_OK && rf_ua_wait_reinvite(p.call, 3000) == RF_OK &&
           info_of(p.in).their_direction == RF_SENDONLY && info_of(p.call).their_direction == RF_RECVONLY,
       "hold: sendonly is answered recvonly");
    rf_ua_run(set, 60);
    before = media_of(p.call);
    rf_ua_run(set, 200);
    after = media_of(p.call);
    ok(after.received == before.received, "who is held sends nothing");
    before = media_of(p.in);
    ok(rf_ua_wait_media(p.in, 5, 1000) == RF_OK && media_of(p.in).auth_failed == before.auth_failed,
       "who holds goes on under the same key");
    ok(rf_ua_call_hold(p.call, false) == RF_OK && rf_ua_wait_reinvite(p.call, 3000) == RF_OK &&
           rf_ua_wait_media(p.call, 10, 2000) == RF_OK && media_of(p.call).auth_failed == 0,
       "resume: media comes back");
    ok(rf_ua_call_rekey(p.call) == RF_OK && rf_ua_wait_reinvite(p.call, 3000) == RF_OK &&
           rf_ua_wait_media(p.in, 20, 2000) == RF_OK && rf_ua_wait_media(p.call, 20, 2000) == RF_OK &&
           media_of(p.in).auth_failed <= 2 && hears(p.in, 440),
       "TEL-40: a new key, and audio goes on");
    ok(rf_ua_call_request(p.in, RF_SIP_INFO, "application/dtmf-relay", RF_SPAN_LIT("Signal=5\r\n")) == RF_OK,
       "INFO is sent");
    rf_ua_run(set, 100);
    ok(info_of(p.in).request_status == 200 && info_of(p.call).infos == 1 &&
           strcmp(info_of(p.call).last_body, "Signal=5\r\n") == 0,
       "INFO arrives with its body");
    ok(rf_ua_send_dtmf(p.call, '7') == RF_OK, "a digit");
    rf_ua_run(set, 300);
    ok(rf_ua_send_dtmf(p.call, '#') == RF_OK, "and another");
    rf_ua_run(set, 300);
    ok(strcmp(rf_ua_dtmf(p.in), "7#") == 0, "RFC 4733: digits arrive once each: \"%s\"", rf_ua_dtmf(p.in));
    ok(rf_ua_call_end(p.in) == RF_OK && rf_ua_wait_ended(p.call, 3000) == RF_OK, "the callee hangs up");
    pair_close(&p);
}

/* TEL-25, TEL-26: what is done on demand, a correct receiver drops. */
static void
test_bad_packets(void)
{
    struct rf_ua_conf a = conf_of("a", RF_UA_UDP), b = conf_of("b", RF_UA_UDP);
    struct rf_ua_media_info m;
    struct pair p;

    pair_open(&p, &a, &b);
    if (!ok(pair_call(&p) && rf_ua_wait_media(p.in, 10, 3000) == RF_OK, "a call to disturb"))
        return;
    ok(rf_ua_send_forged(p.call) == RF_OK && rf_ua_send_replay(p.call) == RF_OK && rf_ua_send_clear(p.call) == RF_OK,
       "a forged, a replayed and a clear packet are sent");
    rf_ua_run(set, 100);
    m = media_of(p.in);
    ok(m.auth_failed == 2 && m.replayed == 1, "all three are refused: %llu with a wrong tag, %llu replayed",
       (unsigned long long)m.auth_failed, (unsigned long long)m.replayed);
    ok(rf_ua_clear_datagrams(p.in, 440) == 1, "the recorder sees the one in clear");
    ok(rf_ua_wait_media(p.in, 10, 1000) == RF_OK && media_of(p.in).lost == 0, "the stream goes on without loss");
    pair_close(&p);
}

static void
test_outcomes(void)
{
    struct rf_ua_conf a = conf_of("a", RF_UA_UDP), b = conf_of("b", RF_UA_UDP);
    struct rf_ua_call *call;
    struct pair p;

    pair_open(&p, &a, &b);
    b.reply = RF_UA_REJECT;
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_ERR_REFUSED &&
           info_of(call).status == 486 && info_of(call).ended_by_peer,
       "busy");
    b.reject_status = 603;
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_ERR_REFUSED &&
           info_of(call).status == 603,
       "declined");
    b.reply = RF_UA_RING;
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 200) == RF_ERR_TIMEOUT &&
           info_of(call).state == RF_UA_RINGING && rf_ua_call_end(call) == RF_OK &&
           rf_ua_wait_ended(call, 3000) == RF_OK && info_of(call).status == 487 &&
           rf_ua_incoming(p.b) != NULL && info_of(rf_ua_incoming(p.b)).ended_by_peer,
       "nobody answers, CANCEL");
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 200) == RF_ERR_TIMEOUT &&
           rf_ua_call_answer(rf_ua_incoming(p.b)) == RF_OK && rf_ua_wait_up(call, 3000) == RF_OK,
       "answered by hand");
    b.reply = RF_UA_ANSWER;
    b.ring = 183;
    b.answer_after_ms = 400;
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_media(call, 8, 2000) == RF_OK &&
           info_of(call).state == RF_UA_RINGING && media_of(call).early >= 8 && media_of(call).clear == 0 &&
           rf_ua_wait_up(call, 3000) == RF_OK && rf_ua_wait_media(call, 5, 2000) == RF_OK &&
           media_of(call).auth_failed == 0,
       "TEL-24: early media is encrypted, and goes on after the answer");
    b.ring = 180;
    b.answer_after_ms = 0;
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, true, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_OK &&
           rf_ua_wait_media(call, 10, 2000) == RF_OK && media_of(call).authentic >= 10 &&
           rf_ua_wait_media(rf_ua_incoming(p.b), 10, 2000) == RF_OK,
       "an INVITE without an offer");
    a.srtp = RF_SRTP_OFF;
    rf_ua_set_conf(p.a, &a);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_ERR_REFUSED &&
           info_of(call).status == 488 && strstr(info_of(call).reason, "cause=88") != NULL &&
           info_of(rf_ua_incoming(p.b)).refusal == RF_REFUSE_CRYPTO_MISSING,
       "TEL-34: a plain offer where SRTP is required: 488 and cause 88");
    a.srtp = RF_SRTP_REQUIRED;
    a.offer_avp = true;
    b.srtp = RF_SRTP_OFF;
    b.answer_savp = true;
    rf_ua_set_conf(p.a, &a);
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_OK &&
           rf_ua_wait_media(call, 5, 2000) == RF_OK && media_of(call).authentic >= 5,
       "TEL-23, TEL-36: RTP/AVP with a=crypto, answered RTP/SAVP");
    a.offer_avp = false;
    a.srtp = b.srtp = RF_SRTP_OPTIONAL;
    rf_ua_set_conf(p.a, &a);
    rf_ua_set_conf(p.b, &b);
    ok(rf_ua_call(p.a, p.uri, false, &call) == RF_OK && rf_ua_wait_up(call, 3000) == RF_OK &&
           rf_ua_wait_media(call, 5, 2000) == RF_OK && media_of(call).authentic >= 5,
       "RFC 8643: optional on both sides becomes SRTP");
    ok(rf_ua_options(p.a, p.uri) == RF_OK, "OPTIONS is sent");
    rf_ua_run(set, 100);
    ok(rf_ua_options_status(p.a) == 200, "and answered");
    pair_close(&p);
}

static void
test_mux(void)
{
    struct rf_ua_conf a = conf_of("a", RF_UA_UDP), b = conf_of("b", RF_UA_UDP);
    struct rf_ua_datagram d;
    bool on_rtcp_port = false;
    struct pair p;

    a.rtcp_mux = b.rtcp_mux = true;
    pair_open(&p, &a, &b);
    ok(pair_call(&p) && rf_ua_wait_media(p.in, 25, 3000) == RF_OK, "RFC 5761: a call with one port");
    for (size_t i = 0; p.in != NULL && rf_ua_datagram(p.in, i, &d); i++)
        on_rtcp_port |= d.on_rtcp_port;
    ok(p.in != NULL && media_of(p.in).rtcp_received > 0 && !on_rtcp_port, "RFC 5761: reports come on it");
    pair_close(&p);
}

static void
test_tls_failures(void)
{
    static const struct { int tls_max; bool wrong_ca, wrong_name; const char *why, *says; } cases[] = {
        { 0x0302, false, false, "TEL-14: TLS 1.1 is refused by the peer", "protocol version" },
        { 0, true, false, "an authority that is not trusted", "self-signed" },
        { 0, false, true, "a certificate for another name", "mismatch" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_ua_conf a = conf_of("a", RF_UA_TLS), b = conf_of("b", RF_UA_TLS);
        struct rf_ua_link_info l;
        struct pair p;

        a.tls_max = cases[i].tls_max;
        if (cases[i].wrong_ca)
            a.trust_file = other_cert_file;
        if (cases[i].wrong_name)
            a.server_name = "127.0.0.2";
        pair_open(&p, &a, &b);
        a.server = rf_ua_addr(p.b);
        rf_ua_free(p.a);
        if (rf_ua_new(&p.a, set, &a) != RF_OK)
            abort();
        ok(rf_ua_register(p.a, 60) == RF_OK && rf_ua_wait_registered(p.a, 3000) == RF_ERR_CLOSED, "%s", cases[i].why);
        rf_ua_link(p.a, &l);
        ok(!l.is_up && strstr(l.error, cases[i].says) != NULL, "and the reason is told: %s", l.error);
        pair_close(&p);
    }
    {
        struct rf_ua_conf a = conf_of("a", RF_UA_TLS), b = conf_of("b", RF_UA_TLS);
        struct rf_ua_link_info l;
        struct pair p;

        pair_open(&p, &a, &b);
        a.server = rf_ua_addr(p.b);
        rf_ua_free(p.a);
        if (rf_ua_new(&p.a, set, &a) != RF_OK)
            abort();
        ok(rf_ua_register(p.a, 60) == RF_OK && rf_ua_wait_registered(p.a, 3000) == RF_ERR_REFUSED &&
               rf_ua_register_status(p.a) == 405,
           "a phone is no registrar");
        rf_ua_link(p.a, &l);
        ok(l.is_up && l.is_verified && strcmp(l.tls_version, "TLSv1.3") == 0, "the certificate was verified, %s %s",
           l.tls_version, l.tls_cipher);
        ok(rf_ua_ping(p.a) == RF_OK, "ping");
        rf_ua_run(set, 100);
        rf_ua_link(p.a, &l);
        ok(l.pongs == 1, "RFC 5626 4.4.1: and pong");
        rf_ua_drop_link(p.a);
        ok(rf_ua_register(p.a, 60) == RF_OK && rf_ua_wait_registered(p.a, 3000) == RF_ERR_REFUSED,
           "after a lost connection a new one is made");
        pair_close(&p);
    }
    {
        struct rf_ua_conf a = conf_of("a", RF_UA_TCP);
        struct rf_ua *ua;

        if (rf_addr_parse_port(RF_SPAN_LIT("127.0.0.1:1"), &a.server) != RF_OK || rf_ua_new(&ua, set, &a) != RF_OK)
            abort();
        ok(rf_ua_register(ua, 60) != RF_OK || rf_ua_wait_registered(ua, 3000) == RF_ERR_CLOSED,
           "nobody listens there: it is told at once");
        rf_ua_free(ua);
    }
}

/* --- signing in, against a server of a few lines --- */

struct server {
    int fd;
    struct rf_addr addr;
    struct rf_digest_verifier verifier;
    unsigned drop;          /* requests that are lost on the way */
    unsigned algorithms;    /* bits of what is offered */
    bool is_stale_once;
    int final_status;       /* after a right password */
    unsigned challenges, verified, wrong, acks;
    uint32_t last_cseq, last_ack_cseq;
    enum rf_digest_algorithm used;
};

static void
server_open(struct server *s)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;

    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (rf_addr_parse(RF_SPAN_LIT("127.0.0.1"), 0, &s->addr) != RF_OK ||
        bind(s->fd, &s->addr.sa, rf_addr_len(&s->addr)) != 0 || getsockname(s->fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    s->addr = rf_addr_from((struct sockaddr *)&a);
    s->algorithms = 7;
    s->final_status = 200;
    rf_digest_verifier_make(&s->verifier, RF_SPAN_LIT("201"), RF_SPAN_LIT("pbx"), RF_SPAN_LIT("secret"));
}

static void
server_answer(struct server *s, const struct rf_sip_msg *m, const struct rf_addr *from)
{
    bool is_invite = m->method == RF_SIP_INVITE;
    struct rf_span auth = rf_sip_value(m, is_invite ? RF_HDR_PROXY_AUTHORIZATION : RF_HDR_AUTHORIZATION);
    struct rf_digest_credentials c;
    char text[4096], challenge[512];
    struct rf_buf b = rf_buf(text, sizeof text);
    bool is_good = auth.p != NULL && rf_digest_credentials_parse(auth, &c) == RF_OK &&
                   rf_digest_verify(&c, s->verifier.ha1[c.algorithm], m->method_text, m->body);
    bool is_stale = is_good && s->is_stale_once;
    int status = is_good && !is_stale ? s->final_status : is_invite ? 407 : 401;

    s->last_cseq = m->cseq;
    s->is_stale_once &= !is_stale;
    s->verified += is_good;
    s->wrong += auth.p != NULL && !is_good;
    if (is_good)
        s->used = c.algorithm;
    rf_sip_put_response(&b, m, status, NULL, RF_SPAN_LIT("server"), from);
    for (int a = 0; (status == 401 || status == 407) && a < RF_DIGEST_COUNT; a++) {
        struct rf_buf v = rf_buf(challenge, sizeof challenge);

        if ((s->algorithms & 1u << a) == 0)
            continue;
        rf_put_digest_challenge(&v, (enum rf_digest_algorithm)a, RF_SPAN_LIT("pbx"),
                                is_stale ? RF_SPAN_LIT("nonce-2") : RF_SPAN_LIT("nonce-1"), is_stale);
        rf_sip_put_header(&b, is_invite ? RF_HDR_PROXY_AUTHENTICATE : RF_HDR_WWW_AUTHENTICATE, rf_buf_span(&v));
        s->challenges++;
    }
    if (status == 200)
        rf_sip_put_copy(&b, m, RF_HDR_CONTACT);
    rf_sip_put_body(&b, NULL, RF_SPAN_LIT(""));
    (void)!sendto(s->fd, b.p, b.n, 0, &from->sa, rf_addr_len(from));
}

/* The server answers what is there, then the phones do; for so long. */
static void
serve(struct server *s, uint32_t ms)
{
    char datagram[8192];
    struct sockaddr_storage a;

    for (uint32_t spent = 0; spent < ms; spent += 5) {
        socklen_t n = sizeof a;
        ssize_t octets = recvfrom(s->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&a, &n);
        struct rf_sip_problem problem;
        struct rf_addr from;
        struct rf_sip_msg m;

        if (octets > 0 && rf_sip_msg_parse(&m, rf_span(datagram, (size_t)octets), &problem) == RF_OK) {
            from = rf_addr_from((struct sockaddr *)&a);
            if (m.method == RF_SIP_ACK) {
                s->acks++;
                s->last_ack_cseq = m.cseq;
            } else if (s->drop > 0) {
                s->drop--;
            } else {
                server_answer(s, &m, &from);
            }
        }
        rf_ua_run(set, 5);
    }
}

static const struct {
    const char *why, *password;
    unsigned offered, known;
    unsigned drop;
    bool stale;
    uint32_t ms;
    int want;
    enum rf_digest_algorithm used;
    unsigned verified, wrong;
} sign_in_cases[] = {
    { "the strongest of three", "secret", 7, 0, 0, false, 100, 200, RF_DIGEST_SHA512_256, 1, 0 },
    { "MD5 alone is offered", "secret", 1, 0, 0, false, 100, 200, RF_DIGEST_MD5, 1, 0 },
    { "SHA-256 alone is known", "secret", 7, 1u << RF_DIGEST_SHA256, 0, false, 100, 200, RF_DIGEST_SHA256, 1, 0 },
    { "nothing in common", "secret", 1, 1u << RF_DIGEST_SHA256, 0, false, 100, 401, RF_DIGEST_COUNT, 0, 0 },
    { "a wrong password is tried once", "Secret", 1, 0, 0, false, 100, 401, RF_DIGEST_MD5, 0, 1 },
    { "no password", NULL, 7, 0, 0, false, 100, 401, RF_DIGEST_COUNT, 0, 0 },
    { "a stale nonce", "secret", 2, 0, 0, true, 100, 200, RF_DIGEST_SHA256, 2, 0 },
    { "RFC 3261 17.1.2: a lost request is repeated", "secret", 1, 0, 1, false, 700, 200, RF_DIGEST_MD5, 1, 0 },
};

static void
test_sign_in(void)
{
    for (size_t i = 0; i < sizeof sign_in_cases / sizeof sign_in_cases[0]; i++) {
        struct rf_ua_conf conf = conf_of("201", RF_UA_UDP);
        struct server s;
        struct rf_ua *ua;
        bool good;

        server_open(&s);
        s.algorithms = sign_in_cases[i].offered;
        s.drop = sign_in_cases[i].drop;
        s.is_stale_once = sign_in_cases[i].stale;
        conf.server = s.addr;
        conf.password = sign_in_cases[i].password;
        conf.digests = sign_in_cases[i].known;
        conf.instance = "urn:uuid:00000000-0000-1000-8000-000A95A0E128";
        if (rf_ua_new(&ua, set, &conf) != RF_OK)
            abort();
        good = rf_ua_register(ua, 60) == RF_OK;
        serve(&s, sign_in_cases[i].ms);
        ok(good && rf_ua_register_status(ua) == sign_in_cases[i].want &&
               rf_ua_digest_used(ua) == sign_in_cases[i].used && s.verified == sign_in_cases[i].verified &&
               s.wrong == sign_in_cases[i].wrong && (sign_in_cases[i].want != 200 || rf_ua_bindings(ua) == 1),
           "REGISTER: %s", sign_in_cases[i].why);
        rf_ua_free(ua);
        close(s.fd);
    }
    {
        struct rf_ua_conf conf = conf_of("201", RF_UA_UDP);
        struct rf_ua_call *call;
        struct server s;
        struct rf_ua *ua;

        server_open(&s);
        s.final_status = 486;
        conf.server = s.addr;
        conf.password = "secret";
        if (rf_ua_new(&ua, set, &conf) != RF_OK || rf_ua_call(ua, "202", false, &call) != RF_OK)
            abort();
        serve(&s, 150);
        ok(info_of(call).status == 486 && s.verified == 1 && s.last_cseq == 2,
           "INVITE: 407 is answered in a new transaction");
        ok(s.acks == 2 && s.last_ack_cseq == 2, "RFC 3261 17.1.1.3: both refusals are acknowledged");
        rf_ua_free(ua);
        close(s.fd);
    }
}

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK || rf_ua_set_new(&set) != RF_OK)
        return 1;
    make_certificates();
    test_transport(RF_UA_UDP, RF_SRTP_REQUIRED, NULL);
    test_transport(RF_UA_UDP, RF_SRTP_OFF, NULL);
    test_transport(RF_UA_TCP, RF_SRTP_REQUIRED, "AEAD_AES_256_GCM");
    test_transport(RF_UA_TLS, RF_SRTP_REQUIRED, "AES_256_CM_HMAC_SHA1_32");
    test_in_call();
    test_bad_packets();
    test_outcomes();
    test_mux();
    test_tls_failures();
    test_sign_in();
    rf_ua_set_free(set);
    unlink(cert_file);
    unlink(key_file);
    unlink(other_cert_file);
    return tap_done();
}
