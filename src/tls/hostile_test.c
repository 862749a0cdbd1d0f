/* Peers that mean harm: hellos in pieces and of any size, stalls, renegotiation, chains too long, octets flipped. */
#include <poll.h>

#include "tls/harness.h"

static struct id root, server_id;
static struct rf_cert *server_cert;
static struct rf_trust *trust;

static struct rf_tls_server *
server(enum rf_tls_level level, enum rf_tls_ask ask, struct rf_tls_ring *ring)
{
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM, .trust = trust };
    struct rf_tls_server_conf conf = { .interface = "sip-phones",
                                       .level = level,
                                       .cert = &server_cert,
                                       .cert_count = 1,
                                       .ask = ask,
                                       .check = &check,
                                       .ring = ring };
    struct rf_tls_server *s = NULL;
    const char *why;

    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    return s;
}

/* --- the way between the two sides, in our hands --- */

struct wire {
    struct rf_tls_conn *ours;
    SSL *theirs;
    BIO *to_ours, *from_ours; /* memory: their side's ends */
    int fd[2];                /* ours, the wire's end */
    enum rf_err outcome;
    int theirs_done;
};

static void
wire_open(struct wire *w, struct rf_tls_server *s, SSL_CTX *ctx)
{
    memset(w, 0, sizeof *w);
    w->outcome = RF_ERR_AGAIN;
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->fd) == 0);
    rf_assert(rf_tls_conn_accept(&w->ours, s, w->fd[0]) == RF_OK);
    w->theirs = SSL_new(ctx);
    w->from_ours = BIO_new(BIO_s_mem());
    w->to_ours = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(w->from_ours, -1);
    SSL_set_bio(w->theirs, w->from_ours, w->to_ours);
    SSL_set_connect_state(w->theirs);
}

static void
wire_close(struct wire *w)
{
    rf_tls_conn_free(w->ours);
    SSL_free(w->theirs);
    close(w->fd[0]);
    close(w->fd[1]);
}

/* Let both sides work until nothing moves. Octet `flip` of what they send is turned over; -1: none. */
static void
wire_run(struct wire *w, long flip, size_t piece)
{
    long at = 0;

    for (int quiet = 0; quiet < 2;) {
        char octets[16384];
        bool moved = false;
        ssize_t got;
        int n;

        if (w->theirs_done == 0 && SSL_do_handshake(w->theirs) == 1)
            w->theirs_done = 1;
        ERR_clear_error();
        while ((n = BIO_read(w->to_ours, octets, piece < sizeof octets ? (int)piece : (int)sizeof octets)) >
               0) {
            if (flip >= at && flip < at + n)
                octets[flip - at] = (char)(octets[flip - at] ^ 0x41);
            at += n;
            if (write(w->fd[1], octets, (size_t)n) != n)
                break; /* our side closed */
            if (w->outcome == RF_ERR_AGAIN)
                w->outcome = rf_tls_conn_handshake(w->ours);
            moved = true;
        }
        if (w->outcome == RF_ERR_AGAIN)
            w->outcome = rf_tls_conn_handshake(w->ours);
        while ((got = read(w->fd[1], octets, sizeof octets)) > 0) {
            BIO_write(w->from_ours, octets, (int)got);
            moved = true;
        }
        quiet = moved ? 0 : quiet + 1;
    }
}

/* --- cases --- */

static void
in_pieces(void)
{
    struct rf_tls_server *s = server(RF_TLS_INTERMEDIATE, RF_TLS_ASK_OFF, NULL);
    SSL_CTX *ctx = other_side(false, NULL, NULL);
    struct wire w;

    wire_open(&w, s, ctx);
    wire_run(&w, -1, 1);
    ok(w.outcome == RF_OK && w.theirs_done == 1, "a handshake octet by octet succeeds");
    wire_close(&w);
    SSL_CTX_free(ctx);
    rf_tls_server_unref(s);
}

static void
stalled(void)
{
    static struct rf_tls_event event;
    struct rf_tls_ring *ring;
    struct rf_tls_server *s;
    struct rf_tls_failure f;
    struct rf_tls_conn *c;
    int fd[2];

    rf_assert(rf_tls_ring_new(&ring, 1, 1) == RF_OK);
    s = server(RF_TLS_INTERMEDIATE, RF_TLS_ASK_OFF, ring);
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    rf_assert(rf_tls_conn_accept(&c, s, fd[0]) == RF_OK);
    rf_assert(write(fd[1], "\x16\x03\x01\x02\x00\x01", 6) == 6);
    ok(rf_tls_conn_handshake(c) == RF_ERR_AGAIN, "six octets of a hello are waited for");
    rf_tls_conn_give_up(c, "it was not done within 10 s");
    rf_tls_conn_failure(c, &f);
    ok(f.refusal == RF_REFUSE_TLS_FAILED && strcmp(f.reason, "it was not done within 10 s") == 0,
       "and when the owner gives up, that is the reason: %s", f.reason);
    ok(rf_tls_ring_copy(ring, 0, true, &event, NULL, 1) == 1 && event.failure.refusal == f.refusal,
       "which is noted, once");
    rf_tls_conn_give_up(c, "again");
    ok(rf_tls_ring_count(ring, true) == 1, "and not twice");
    rf_tls_conn_free(c);
    close(fd[0]);
    close(fd[1]);
    rf_tls_server_unref(s);
    rf_tls_ring_free(ring);
}

static void
renegotiating(void)
{
    struct rf_tls_server *s = server(RF_TLS_INTERMEDIATE, RF_TLS_ASK_OFF, NULL);
    SSL_CTX *ctx = other_side(false, NULL, NULL);
    unsigned refused = 0;

    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    for (int i = 0; i < 20; i++) {
        bool is_through = false;
        struct duel d;
        char octet;
        size_t n;

        duel_open(&d, s, NULL, NULL, ctx);
        duel_run(&d);
        rf_assert(d.is_up && SSL_renegotiate(d.theirs) == 1);
        for (int j = 0; j < 5; j++) {
            is_through |= SSL_do_handshake(d.theirs) == 1;
            ERR_clear_error();
            (void)!rf_tls_conn_read(d.ours, &octet, 1, &n);
        }
        refused +=
            !is_through; /* ours answers with a warning (RFC 5246 7.2.2) and goes on with what there is */
        duel_close(&d);
    }
    ok(refused == 20, "renegotiation is refused");
    SSL_CTX_free(ctx);
    rf_tls_server_unref(s);
}

static unsigned char padding[60000];

static int
add_padding(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *n, X509 *x,
            size_t index, int *alert, void *arg)
{
    *out = padding;
    *n = *(size_t *)arg;
    return 1;
}

static void
of_any_size(void)
{
    static size_t sizes[] = { 0, 1, 500, 16000, 17000, 40000, 60000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rf_tls_server *s = server(RF_TLS_INTERMEDIATE, RF_TLS_ASK_OFF, NULL);
        SSL_CTX *ctx = other_side(false, NULL, NULL);
        struct wire w;

        rf_assert(SSL_CTX_add_custom_ext(ctx, 65280, SSL_EXT_CLIENT_HELLO, add_padding, NULL, &sizes[i], NULL,
                                         NULL) == 1);
        wire_open(&w, s, ctx);
        wire_run(&w, -1, 1400);
        ok(w.outcome == RF_OK && w.theirs_done == 1,
           "a hello with an unknown extension of %zu octets is understood", sizes[i]);
        wire_close(&w);
        SSL_CTX_free(ctx);
        rf_tls_server_unref(s);
    }
}

/* All words of its fix are filled, and it says how much is taken. */
static bool
has_fix(const struct rf_tls_failure *f)
{
    char text[1024], fix[1024];
    struct rf_buf sentence = rf_buf(text, sizeof text - 1), b = rf_buf(fix, sizeof fix - 1);
    struct rf_addr peer;

    rf_assert(rf_addr_parse(RF_SPAN_LIT("192.0.2.7"), 5061, &peer) == RF_OK);
    rf_tls_failure_text(f, &peer, "sip-trunks", &sentence, &b);
    text[sentence.n] = fix[b.n] = '\0';
    return strchr(fix, '?') == NULL && strchr(text, '?') == NULL && strstr(fix, "at most 10, 32 kB") != NULL;
}

static void
long_chains(void)
{
    static const struct {
        const char *what;
        int count, rsa_bits;
        bool up;
        enum rf_refusal want;
        const char *says;
    } cases[] = {
        { "8 authorities deep", 8, 0, true, RF_REFUSE_NONE, "" },
        { "20 authorities deep", 20, 0, false, RF_REFUSE_CERT_CHAIN_NOT_VALID, "too deep: 21 certificates were sent, 10" },
        { "60 kB", 60, 4096, false, RF_REFUSE_CERT_CHAIN_NOT_VALID, "too large: more than 32 kB" },
    };
    /* One key for all of them: RSA keys of 4096 bits take seconds to make. */
    struct id big = make_id(NULL, &(struct make){ .cn = "big", .is_ca = true, .rsa_bits = 4096 });

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct id above[64], leaf;
        const struct id *issuer = &root;
        struct rf_tls_server *s = server(RF_TLS_INTERMEDIATE, RF_TLS_ASK_REQUIRED, NULL);
        SSL_CTX *ctx;
        struct duel d;

        for (int j = 0; j < cases[i].count; j++) {
            char name[32];

            snprintf(name, sizeof name, "authority %d", j);
            if (cases[i].rsa_bits > 0) {
                above[j] = (struct id){ X509_dup(big.x), EVP_PKEY_dup(big.key) };
            } else {
                above[j] = make_id(issuer, &(struct make){ .cn = name, .is_ca = true });
                issuer = &above[j];
            }
        }
        leaf = make_id(issuer, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
        ctx = other_side(false, &leaf, NULL);
        for (int j = cases[i].count - 1; j >= 0; j--)
            rf_assert(SSL_CTX_add1_chain_cert(ctx, above[j].x) == 1);
        duel_open(&d, s, NULL, NULL, ctx);
        duel_run(&d);
        if (!ok(d.is_up == cases[i].up &&
                    (d.is_up || (d.failure.refusal == cases[i].want && d.failure.alert_sent > 0 &&
                                 strstr(d.failure.reason, cases[i].says) != NULL && has_fix(&d.failure))),
                "a chain of %s is %s: %s", cases[i].what, cases[i].up ? "taken" : "refused",
                d.failure.reason))
            diag("%s", rf_refusal_row(d.failure.refusal)->code);
        duel_close(&d);
        SSL_CTX_free(ctx);
        rf_tls_server_unref(s);
        free_id(&leaf);
        for (int j = 0; j < cases[i].count; j++)
            free_id(&above[j]);
    }
    free_id(&big);
}

/* Each third octet of what a client sends, turned over: nothing may come of it but a code, or waiting. */
static void
flipped(int version)
{
    struct id id = make_id(&root, &(struct make){ .cn = "t", .san = "DNS:trunk.example" });
    SSL_CTX *ctx = other_side(false, &id, NULL);
    unsigned failed = 0, waits = 0, up = 0, without_code = 0;
    long n = 0;

    SSL_CTX_set_max_proto_version(ctx, version);
    for (long at = 0; at < 1500; at += 3) {
        struct rf_tls_server *s = server(RF_TLS_OLD, RF_TLS_ASK_REQUIRED, NULL);
        struct rf_tls_failure f;
        struct wire w;

        wire_open(&w, s, ctx);
        wire_run(&w, at, 16384);
        rf_tls_conn_failure(w.ours, &f);
        n = (long)BIO_number_written(w.to_ours);
        if (w.outcome == RF_OK)
            up++;
        else if (w.outcome == RF_ERR_AGAIN)
            waits++;
        else
            failed++;
        without_code += w.outcome == RF_ERR_CRYPTO && f.refusal == RF_REFUSE_NONE;
        wire_close(&w);
        rf_tls_server_unref(s);
        if (at > n)
            break;
    }
    /* Some octets do not count: the version in the first record's header, GREASE-like values. */
    ok(failed > 100 && up < failed / 10 && without_code == 0,
       "TLS %s, 1 octet flipped: %u handshakes end with a code, %u wait for more, %u succeed",
       rf_tls_version_name(version), failed, waits, up);
    SSL_CTX_free(ctx);
    free_id(&id);
}

/* --- the offer, from parts that no library would send --- */

static void
offers(void)
{
    static struct rf_tls_offer o;
    static char many[65536];
    struct rf_tls_hello_parts parts = { .legacy_version = TLS1_2_VERSION };

    for (size_t i = 0; i + 1 < sizeof many; i += 2) {
        many[i] = (char)(i >> 9);
        many[i + 1] = (char)(i >> 1);
    }
    parts.suites = rf_span(many, sizeof many);
    parts.groups = parts.sigalgs = parts.versions = parts.suites;
    parts.has_groups = parts.has_sigalgs = true;
    rf_tls_offer_read(&parts, &o);
    ok(o.suite_count > 32000 && o.group_count > 32000 && o.suite[RF_TLS_OFFER_SUITES - 1] != 0,
       "32768 suites are counted, the first %d kept", RF_TLS_OFFER_SUITES);
    for (size_t n = 0; n < 8; n++) {
        parts = (struct rf_tls_hello_parts){
            .legacy_version = TLS1_2_VERSION, .has_versions = true, .has_groups = true, .has_sigalgs = true
        };
        parts.suites = parts.versions = parts.groups = parts.sigalgs = parts.server_name = parts.alpn =
            rf_span("\0\xff\0\xff\xff\xff\xff\xff", n);
        rf_tls_offer_read(&parts, &o);
        ok(o.server_name[0] == '\0' && o.alpn[0] == '\0' && o.highest_version == 0,
           "parts of %zu octets are nothing", n);
    }
    parts.server_name = RF_SPAN_LIT("\0\x0b\0\0\x08"
                                    "a\nb.test");
    parts.alpn = RF_SPAN_LIT("\0\x05\x04"
                             "a\x1b[2");
    rf_tls_offer_read(&parts, &o);
    ok(o.server_name[0] == '\0' && o.alpn[0] == '\0', "names with control characters are not kept");
    parts.server_name = RF_SPAN_LIT("\0\x0e\0\0\x0b"
                                    "pbx.example");
    rf_tls_offer_read(&parts, &o);
    ok(strcmp(o.server_name, "pbx.example") == 0, "others are");
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    root = make_id(NULL, &(struct make){ .cn = "root", .is_ca = true });
    server_id = make_id(&root, &(struct make){ .cn = "pbx.example", .san = "DNS:pbx.example" });
    server_cert = as_cert(&server_id, NULL, NULL);
    rf_assert(rf_trust_new(&trust) == RF_OK);
    trust_add(trust, &root);
    in_pieces();
    stalled();
    renegotiating();
    of_any_size();
    long_chains();
    flipped(TLS1_2_VERSION);
    flipped(TLS1_3_VERSION);
    offers();
    rf_trust_unref(trust);
    rf_cert_unref(server_cert);
    free_id(&root);
    free_id(&server_id);
    return tap_done();
}
