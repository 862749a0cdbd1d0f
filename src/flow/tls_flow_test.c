/* TLS flows on loopback, between two layers of one loop, and against plain sockets. */
#include "flow/harness.h"

#include <malloc.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cert/ca.h"

#define IDLE_PHONES 300
#define IDLE_MAX    16384 /* octets of memory of an idle TLS phone: what 100,000 of them may cost */

static const struct rf_transport_limits usual = RF_TRANSPORT_LIMITS;
static struct heard server, client;
static char buffer[70000], reply[70000];
static char dir[] = "/tmp/rf-tls-flow-XXXXXX";
static struct rf_cert *cert;
static struct rf_tls_tickets *tickets;
static struct rf_tls_client *tls_client;

static void
make_tls(void)
{
    static const char *const names[] = { "pbx.example", "127.0.0.1", "::1" };
    struct rf_ca_conf conf = { dir, "test CA", names, 3 };
    struct rf_ca_result result;
    struct rf_cert_problem problem;
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM_REMOTE };
    struct rf_tls_client_conf client_conf = { .level = RF_TLS_INTERMEDIATE, .check = &check };
    char chain[256], key[256];
    const char *why;

    rf_assert(mkdtemp(dir) != NULL);
    rf_assert(rf_ca_ensure(&conf, rf_wall_s(), &result, &problem) == RF_OK);
    snprintf(chain, sizeof chain, "%s/server.pem", dir);
    snprintf(key, sizeof key, "%s/server.key", dir);
    rf_assert(rf_cert_load(&cert, chain, key, &problem) == RF_OK);
    snprintf(chain, sizeof chain, "%s/ca.pem", dir);
    rf_assert(rf_trust_new(&check.trust) == RF_OK && rf_trust_add_path(check.trust, chain, &problem) == RF_OK);
    rf_assert(rf_tls_client_new(&tls_client, &client_conf, &why) == RF_OK);
    rf_trust_unref(check.trust);
    rf_assert(rf_tls_tickets_new(&tickets, RF_SPAN_LIT("a master secret of thirty-two oc"),
                                 RF_TLS_TICKET_PERIOD_S, rf_wall_s) == RF_OK);
}

static void
remove_files(void)
{
    static const char *const files[] = { "ca.pem", "ca.key", "server.pem", "server.key" };
    char path[256];

    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static struct rf_tls_server *
tls_server(void)
{
    struct rf_tls_server_conf conf = { "sip-phones", RF_TLS_INTERMEDIATE, &cert, 1, tickets };
    struct rf_tls_server *s;
    const char *why;

    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    return s;
}

static struct rf_addr
tls_up(const char *at, const struct rf_transport_limits *limits)
{
    struct rf_tls_server *s = tls_server();
    struct rf_addr to;

    layer_up(&server, 1, limits);
    layer_up(&client, 2, &usual);
    to = listen_at(&server, "sip-phones", RF_TLS, at, s);
    rf_tls_server_unref(s);
    return to;
}

static struct rf_flow *
connect_to(const struct rf_addr *to, const char *host)
{
    struct rf_connect_conf conf = {
        .transport = RF_TLS, .remote = *to, .name = "out", .tls = tls_client, .host = rf_span_str(host)
    };
    struct rf_flow *f;

    rf_assert(rf_transport_connect(client.layer, &conf, &f) == RF_OK);
    return f;
}

static void
there_and_back(const char *at)
{
    struct rf_addr to = tls_up(at, &usual);
    struct rf_flow *f = connect_to(&to, "pbx.example"), *other;
    size_t n = make_message(buffer, sizeof buffer, "tls", 60000);

    server.answer = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    ok(rf_flow_send(f, rf_span(buffer, n)) == RF_OK, "%s: a flow takes messages before it is open", at);
    PUMP_UNTIL(client.messages == 1);
    ok(server.messages == 1 && server.last_n == n && memcmp(server.last, buffer, n) == 0,
       "%s: 60 kB over TLS", at);
    ok(client.messages == 1, "%s: and an answer", at);
    ok(strcmp(server.flow->facts.tls_version, "1.3") == 0 &&
           strcmp(server.flow->facts.tls_group, "X25519") == 0 &&
           strncmp(server.flow->facts.tls_cipher, "TLS_", 4) == 0 && !server.flow->facts.tls_resumed,
       "%s: the flow says TLS %s, %s, %s", at, server.flow->facts.tls_version, server.flow->facts.tls_cipher,
       server.flow->facts.tls_group);
    for (int i = 0; i < 50; i++) {
        n = make_message(buffer, sizeof buffer, "many", (size_t)(i * 37));
        rf_assert(rf_flow_send(f, rf_span(buffer, n)) == RF_OK);
    }
    PUMP_UNTIL(client.messages == 51);
    ok(client.messages == 51, "%s: fifty more, each answered", at);
    rf_transport_ping(f);
    PUMP_UNTIL(counts(&server).pings == 1);
    ok(counts(&server).pings == 1, "%s: a ping", at);

    other = connect_to(&to, at[0] == '[' ? "::1" : "127.0.0.1");
    ok(other != f, "%s: a connection is reused for the same verified host only", at);
    rf_flow_watch(f, &client.watch);
    rf_flow_close(server.flow);
    PUMP_UNTIL(client.gone == 1);
    ok(client.gone == 1, "%s: closing one side ends the other", at);
    PUMP_UNTIL(counts(&server).tls_connections == 1);
    ok(counts(&server).tls_connections == 1 && counts(&server).connections == 1,
       "%s: the other connection stays", at);
    rf_flow_unref(f);
    rf_flow_unref(other);
    layer_down(&client);
    layer_down(&server);
}

static void
wrong_host(void)
{
    uint64_t before = rf_refusal_count(RF_REFUSE_CERT_REFUSED_BY_PEER);
    struct rf_addr to = tls_up("127.0.0.1:0", &usual);
    struct rf_flow *f = connect_to(&to, "bank.example");

    rf_flow_watch(f, &client.watch);
    rf_assert(rf_flow_send(f, RF_SPAN_LIT("secret")) == RF_OK);
    PUMP_UNTIL(client.gone == 1 && server.tls_failed == 1);
    ok(client.gone == 1 && client.opened == 0 && client.tls_failed == 1,
       "a server with another name is not spoken to");
    ok(client.failure.refusal == RF_REFUSE_CERT_NAME_MISMATCH, "our side says why: %s",
       client.failure.reason);
    ok(server.tls_failed == 1 && server.failure.refusal == RF_REFUSE_CERT_REFUSED_BY_PEER &&
           server.messages == 0 && rf_refusal_count(RF_REFUSE_CERT_REFUSED_BY_PEER) == before + 1,
       "RF-202 at the server: %s", server.failure.reason);
    rf_flow_unref(f);
    layer_down(&client);
    layer_down(&server);
}

static void
old_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    struct rf_addr to = tls_up("127.0.0.1:0", &usual);
    int fd = dial(&to), result = -1, i;
    unsigned long error = 0;

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    rf_assert(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1);
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    for (i = 0; i < 200; i++) {
        result = SSL_do_handshake(ssl);
        if (result == 1 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ)
            break;
        rf_loop_once(loop, 5 * RF_MS);
    }
    error = ERR_peek_last_error();
    ok(result != 1 && ERR_GET_REASON(error) == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
       "TEL-14: a TLS 1.1 client gets the alert protocol_version");
    ok(server.tls_failed == 1 && server.failure.refusal == RF_REFUSE_TLS_VERSION &&
           strcmp(server.failure.version, "TLS 1.1") == 0,
       "RF-101: it offers at most %s, we need %s", server.failure.version, server.failure.min);
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    layer_down(&client);
    layer_down(&server);
}

static void
plain_at_the_tls_port(void)
{
    static const char ack[] = "ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\n"
                              "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n"
                              "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    struct rf_addr to = tls_up("127.0.0.1:0", &usual);
    uint64_t before = rf_refusal_count(RF_REFUSE_TLS_PLAIN_ON_TLS);
    bool is_end;
    int fd = dial(&to);
    size_t n = make_message(buffer, sizeof buffer, "plain", 3);
    ssize_t got;

    memcpy(buffer + n, buffer, n);
    say(fd, buffer, 2 * n);
    got = hear(fd, reply, sizeof reply - 1, &is_end);
    reply[got > 0 ? got : 0] = '\0';
    ok(strncmp(reply, "SIP/2.0 403 TLS Required\r\n", 26) == 0 && is_end,
       "RF-106: plain SIP is answered 403 in clear");
    ok(strstr(reply, "RF-106") != NULL && strstr(reply, "\r\nCall-ID: plain\r\n") != NULL &&
           strstr(reply, "received=127.0.0.1") != NULL && strstr(reply + 1, "SIP/2.0 403") == NULL,
       "once, with the code, and as a response to it");
    ok(rf_refusal_count(RF_REFUSE_TLS_PLAIN_ON_TLS) == before + 1 && server.messages == 0 &&
           server.opened == 0,
       "it is counted, and nothing is handed up");
    close(fd);

    fd = dial(&to);
    say(fd, "GET / HTTP/1.1\r\nHost: pbx.example\r\n\r\n", 37);
    got = hear(fd, reply, sizeof reply - 1, &is_end);
    reply[got > 0 ? got : 0] = '\0';
    ok(strncmp(reply, "HTTP/1.1 400 ", 13) == 0 && is_end, "HTTP is told that this is a TLS port");
    close(fd);

    fd = dial(&to);
    say(fd, ack, sizeof ack - 1);
    got = hear(fd, reply, sizeof reply, &is_end);
    ok(got == 0 && is_end, "an ACK is never answered");
    close(fd);
    fd = dial(&to);
    say(fd, "\x01\x02\x03\n\n", 5);
    got = hear(fd, reply, sizeof reply, &is_end);
    ok(got == 0 && is_end, "noise gets nothing");
    close(fd);
    fd = dial(&to);
    PUMP_UNTIL(counts(&server).accepted == 5);
    close(fd);
    PUMP_UNTIL(server.tls_failed == 1);
    ok(server.failure.refusal == RF_REFUSE_TLS_CLOSED, "RF-109: closed without a word");
    layer_down(&client);
    layer_down(&server);
}

static void
slow_handshake(void)
{
    struct rf_transport_limits limits = usual;
    struct rf_addr to;
    bool is_end;
    int silent, half;

    limits.handshake_us = 200 * RF_MS;
    to = tls_up("127.0.0.1:0", &limits);
    silent = dial(&to);
    half = dial(&to);
    say(half, "\x16\x03\x01\x02", 4);
    ok(hear(silent, reply, 1, &is_end) <= 0 && hear(half, reply, 1, &is_end) <= 0 && server.tls_failed == 2,
       "a handshake that is not done in time ends, begun or not");
    ok(server.failure.refusal == RF_REFUSE_TLS_FAILED && counts(&server).timeouts == 2, "RF-108: %s",
       server.failure.reason);
    close(silent);
    close(half);
    layer_down(&client);
    layer_down(&server);
}

static void
reload(void)
{
    struct rf_addr to = tls_up("127.0.0.1:0", &usual);
    struct rf_flow *f = connect_to(&to, "pbx.example"), *g;
    struct rf_tls_server *next;
    size_t n = make_message(buffer, sizeof buffer, "reload", 0);

    PUMP_UNTIL(client.opened == 1 && server.opened == 1);
    next = tls_server();
    rf_transport_set_tls(server.layer, "sip-phones", next);
    rf_tls_server_unref(next);
    rf_assert(rf_flow_send(f, rf_span(buffer, n)) == RF_OK);
    g = connect_to(&to, "127.0.0.1");
    PUMP_UNTIL(server.messages == 1 && server.opened == 2);
    ok(server.messages == 1 && !f->is_closed, "IPC-31: a reload drops no connection");
    ok(server.opened == 2 && client.opened == 2, "and new ones use the new context");
    rf_flow_unref(f);
    rf_flow_unref(g);
    layer_down(&client);
    layer_down(&server);
}

/* The phones live in a child process, so that the growth of this one is the server's alone. */
static void
idle_memory(void)
{
    struct rf_addr to = tls_up("127.0.0.1:0", &usual);
    struct mallinfo2 before, now;
    size_t n = make_message(buffer, sizeof buffer, "idle", 300), each;
    int status, go[2];
    char octet;
    pid_t child;

    rf_assert(pipe(go) == 0);
    server.answer = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    before = mallinfo2();
    child = fork();
    rf_assert(child >= 0);
    if (child == 0) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

        for (int i = 0; i < IDLE_PHONES; i++) {
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            SSL *ssl = SSL_new(ctx);

            if (connect(fd, &to.sa, rf_addr_len(&to)) != 0 || SSL_set_fd(ssl, fd) != 1 ||
                SSL_connect(ssl) != 1 || SSL_write(ssl, buffer, (int)n) != (int)n ||
                SSL_read(ssl, reply, sizeof reply) <= 0)
                _exit(1);
        }
        _exit(read(go[0], &octet, 1) == 1 ? 0 : 2);
    }
    PUMP_UNTIL(server.messages == IDLE_PHONES);
    PUMP_FOR(50 * RF_MS);
    now = mallinfo2();
    each = (now.uordblks + now.hblkhd - before.uordblks - before.hblkhd) / IDLE_PHONES;
    ok(server.messages == IDLE_PHONES && counts(&server).tls_connections == IDLE_PHONES,
       "%d phones are connected", IDLE_PHONES);
    ok(each > 1000 && each <= IDLE_MAX, "an idle TLS phone costs %zu octets, at most %d", each, IDLE_MAX);
    rf_assert(write(go[1], "x", 1) == 1);
    waitpid(child, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "every phone was served");
    PUMP_UNTIL(counts(&server).connections == 0);
    ok(counts(&server).connections == 0 && counts(&server).tls_connections == 0, "and all are gone");
    close(go[0]);
    close(go[1]);
    layer_down(&client);
    layer_down(&server);
}

int
main(void)
{
    rf_assert(rf_loop_new(&loop) == RF_OK);
    make_tls();
    there_and_back("127.0.0.1:0");
    there_and_back("[::1]:0");
    wrong_host();
    old_client();
    plain_at_the_tls_port();
    slow_handshake();
    reload();
    if (!RF_SANITIZED) /* a sanitizer's heap has another size */
        idle_memory();
    rf_tls_client_unref(tls_client);
    rf_tls_tickets_unref(tickets);
    rf_cert_unref(cert);
    remove_files();
    rf_loop_free(loop);
    return tap_done();
}
