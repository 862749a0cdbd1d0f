/* UDP and TCP on loopback: framing, keep-alive, limits, ends. */
#include "flow/harness.h"

#include <stdlib.h>

static const struct rf_transport_limits usual = RF_TRANSPORT_LIMITS;
static struct heard server, client;
static char buffer[70000], reply[70000];

static void
datagrams(const char *at)
{
    struct rf_addr to, none = addr_of(at[0] == '[' ? "[::1]:0" : "127.0.0.1:0");
    struct rf_flow *flow;
    uint64_t id;
    static const struct {
        const char *p;
        size_t n;
        const char *what;
    } noise[] = {
        { "\r\n\r\n", 4, "CRLF CRLF" },
        { "\0\0\0\0", 4, "four zero octets" },
        { "", 0, "an empty datagram" },
    };
    static const char stun[20] = "\0\1\0\0\x21\x12\xa4\x42"
                                 "abcdefghijkl";

    layer_up(&server, 3, &usual);
    layer_up(&client, 4, &usual);
    to = listen_at(&server, "sip", RF_UDP, at, NULL);
    listen_at(&client, "out", RF_UDP, none.sa.sa_family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0", NULL);
    if (none.sa.sa_family == AF_INET)
        to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        to.v6.sin6_addr = in6addr_loopback;

    rf_assert(rf_transport_udp(client.layer, NULL, &to, &flow) == RF_OK);
    server.answer = "pong";
    ok(rf_flow_send(flow, RF_SPAN_LIT("ping")) == RF_OK, "%s: sent", at);
    PUMP_UNTIL(client.messages == 1);
    ok(server.messages == 1 && server.last_n == 4 && memcmp(server.last, "ping", 4) == 0, "%s: heard", at);
    ok(client.messages == 1 && client.flow == flow, "%s: the answer comes by the flow that asked", at);
    ok(server.flow->id >> 48 == 3 && server.flow->worker == 3 &&
           rf_transport_find(server.layer, server.flow->id) == server.flow,
       "%s: a flow is found by its id, which names its worker", at);
    ok(rf_addr_eq(&server.flow->local, &to) && strcmp(server.flow->listener, "sip") == 0,
       "%s: the flow knows our address, not \"any\"", at);
    id = server.flow->id;
    rf_assert(rf_flow_send(flow, RF_SPAN_LIT("again")) == RF_OK);
    PUMP_UNTIL(client.messages == 2);
    ok(server.flow->id == id && counts(&server).udp_flows == 1, "%s: the same peer has the same flow", at);

    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        rf_assert(rf_flow_send(flow, rf_span(noise[i].p, noise[i].n)) == RF_OK);
    rf_assert(rf_flow_send(flow, rf_span(stun, sizeof stun)) == RF_OK);
    PUMP_UNTIL(server.stun == 1);
    ok(server.messages == 2 && counts(&server).keepalives_in == 3, "%s: keep-alives are swallowed", at);
    ok(server.stun == 1, "%s: STUN is told apart", at);
    ok(rf_flow_send(flow, rf_span(buffer, 65536)) == RF_ERR_RANGE, "%s: too large for a datagram", at);
    rf_flow_close(flow);
    ok(!flow->is_closed, "%s: closing a UDP flow does nothing", at);

    rf_flow_watch(flow, &client.watch);
    rf_transport_unlisten(client.layer, 0);
    ok(client.gone == 1 && flow->is_closed && rf_flow_send(flow, RF_SPAN_LIT("x")) == RF_ERR_CLOSED,
       "%s: without its socket the flow is gone", at);
    rf_flow_unref(flow);
    layer_down(&server);
    layer_down(&client);
}

static void
forgetting(void)
{
    struct rf_transport_limits limits = usual;
    struct rf_flow *held[3], *f;
    struct rf_addr to;

    limits.udp_flows_max = 3;
    layer_up(&client, 1, &limits);
    listen_at(&client, "out", RF_UDP, "127.0.0.1:0", NULL);
    for (int i = 0; i < 20; i++) {
        char text[32];

        snprintf(text, sizeof text, "127.0.1.%d:5060", i + 1);
        to = addr_of(text);
        rf_assert(rf_transport_udp(client.layer, "out", &to, &f) == RF_OK);
        rf_flow_unref(f);
    }
    ok(counts(&client).udp_flows == 3, "UDP flows are bounded; those that nobody holds are forgotten");
    for (int i = 0; i < 3; i++) {
        char text[32];

        snprintf(text, sizeof text, "127.0.2.%d:5060", i + 1);
        to = addr_of(text);
        rf_assert(rf_transport_udp(client.layer, "out", &to, &held[i]) == RF_OK);
    }
    to = addr_of("127.0.3.1:5060");
    ok(rf_transport_udp(client.layer, "out", &to, &f) == RF_ERR_NOMEM, "those that are held stay");
    rf_flow_unref(held[1]);
    ok(rf_transport_udp(client.layer, "out", &to, &f) == RF_OK, "and make room when they are let go");
    rf_flow_unref(f);
    rf_flow_unref(held[0]);
    rf_flow_unref(held[2]);
    to = addr_of("[::1]:5060");
    ok(rf_transport_udp(client.layer, "out", &to, &f) == RF_ERR_NOT_FOUND, "no IPv6 listener, no IPv6 flow");
    layer_down(&client);
}

static void
framing(const char *at)
{
    struct rf_addr to;
    size_t n, total = 0;
    int fd;
    bool is_end;

    layer_up(&server, 1, &usual);
    to = listen_at(&server, "sip", RF_TCP, at, NULL);
    fd = dial(&to);
    PUMP_UNTIL(server.opened == 1);
    ok(server.opened == 1 && counts(&server).connections == 1, "%s: a connection is accepted", at);

    n = make_message(buffer, sizeof buffer, "whole", 10);
    say(fd, buffer, n);
    PUMP_UNTIL(server.messages == 1);
    ok(server.messages == 1 && server.last_n == n && memcmp(server.last, buffer, n) == 0, "%s: one message",
       at);

    for (size_t i = 0; i < n; i++)
        say(fd, buffer + i, 1);
    PUMP_UNTIL(server.messages == 2);
    ok(server.messages == 2 && server.last_n == n && memcmp(server.last, buffer, n) == 0,
       "%s: one message, an octet at a time", at);

    for (int i = 0; i < 100; i++) {
        char id[16];

        snprintf(id, sizeof id, "p%d", i);
        total += make_message(buffer + total, sizeof buffer - total, id, (size_t)(i % 7));
    }
    say(fd, buffer, total);
    PUMP_UNTIL(server.messages == 102);
    ok(server.messages == 102, "%s: a hundred messages in one go", at);

    n = make_message(buffer, sizeof buffer, "large", 65000);
    say(fd, buffer, n);
    PUMP_UNTIL(server.messages == 103);
    ok(server.messages == 103 && server.last_n == n && memcmp(server.last, buffer, n) == 0,
       "%s: a message of 65 kB", at);

    server.answer = "answer";
    say(fd, buffer, n);
    ok(hear(fd, reply, 6, &is_end) == 6 && memcmp(reply, "answer", 6) == 0, "%s: an answer comes back", at);

    rf_flow_watch(server.flow, &server.watch);
    close(fd);
    PUMP_UNTIL(server.gone == 1);
    ok(server.gone == 1 && server.flow->is_closed && counts(&server).connections == 0,
       "%s: the peer's end is told once", at);
    ok(rf_flow_send(server.flow, RF_SPAN_LIT("x")) == RF_ERR_CLOSED, "%s: then sending fails", at);
    ok(rf_transport_find(server.layer, server.flow->id) == NULL, "%s: and its id leads nowhere", at);
    layer_down(&server);
}

static void
keep_alive(void)
{
    struct rf_addr to;
    bool is_end;
    int fd;
    size_t n;

    layer_up(&server, 1, &usual);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    say(fd, "\r\n\r\n", 4);
    ok(hear(fd, reply, 2, &is_end) == 2 && memcmp(reply, "\r\n", 2) == 0,
       "a ping is answered (RFC 5626 4.4.1)");
    say(fd, "\r\n", 2);
    PUMP_FOR(20 * RF_MS);
    say(fd, "\r", 1);
    PUMP_FOR(20 * RF_MS);
    say(fd, "\n", 1);
    ok(hear(fd, reply, 2, &is_end) == 2, "a ping in three parts too");
    n = make_message(buffer, sizeof buffer, "crlf", 0);
    say(fd, "\r\n", 2);
    say(fd, buffer, n);
    PUMP_UNTIL(server.messages == 1);
    ok(server.messages == 1 && recv(fd, reply, 1, MSG_DONTWAIT) < 0,
       "a CRLF before a start line is noise (RFC 3261 7.5)");
    for (int i = 0; i < 10000; i++)
        memcpy(buffer + 2 * i, "\r\n", 2);
    say(fd, buffer, 20000);
    n = make_message(buffer, sizeof buffer, "after", 0);
    say(fd, buffer, n);
    PUMP_UNTIL(server.messages == 2);
    ok(server.messages == 2 && counts(&server).pings == 5002,
       "10,000 CRLFs are 5000 pings, and the stream goes on");
    close(fd);
    layer_down(&server);
}

static void
wrong_octets(void)
{
    static const struct {
        const char *text;
        bool answered;
        const char *what;
    } cases[] = {
        { "hello\nworld\r\n\r\n", false, "a bare LF in the first line" },
        { "INVITE sip:a@b SIP/2.0\r\nContent-Length: x\r\n\r\n", true, "a Content-Length that is no number" },
        { "INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n", true, "no Content-Length" },
        { "\n\n\n\n", false, "LFs" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_addr to;
        bool is_end;
        int fd;
        ssize_t n;

        layer_up(&server, 1, &usual);
        to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
        fd = dial(&to);
        say(fd, cases[i].text, strlen(cases[i].text));
        n = hear(fd, reply, sizeof reply, &is_end);
        ok(is_end && server.broken == 1 && server.messages == 0, "%s: the connection is closed",
           cases[i].what);
        ok((n > 0) == cases[i].answered, "%s: %s", cases[i].what,
           cases[i].answered ? "answered first" : "no answer");
        close(fd);
        PUMP_UNTIL(counts(&server).connections == 0);
        layer_down(&server);
    }
}

static void
tls_at_the_plain_port(void)
{
    static const char hello[] = { 22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3 };
    uint64_t before = rf_refusal_count(RF_REFUSE_TLS_ON_PLAIN);
    struct rf_addr to;
    bool is_end;
    int fd;
    ssize_t n;

    layer_up(&server, 1, &usual);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    say(fd, hello, sizeof hello);
    n = hear(fd, reply, sizeof reply, &is_end);
    ok(n == 7 && reply[0] == 21 && reply[6] == 40 && is_end, "TLS at a plain port gets an alert and the end");
    ok(rf_refusal_count(RF_REFUSE_TLS_ON_PLAIN) == before + 1, "RF-107 is counted");
    close(fd);
    layer_down(&server);
}

static void
closing(void)
{
    struct rf_addr to;
    bool is_end;
    int fd;
    size_t n;

    layer_up(&server, 1, &usual);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    n = make_message(buffer, sizeof buffer, "close", 0);
    memcpy(buffer + n, buffer, n);
    server.answer = "last words";
    server.close_after = true;
    say(fd, buffer, 2 * n);
    ok(hear(fd, reply, sizeof reply, &is_end) == 10 && is_end,
       "what was sent before close arrives, then the end");
    ok(server.messages == 1, "nothing is handed up after close");
    ok(counts(&server).connections == 1,
       "the socket stays until the peer has closed, so that no reset eats the rest");
    close(fd);
    PUMP_UNTIL(counts(&server).connections == 0);
    ok(counts(&server).connections == 0, "then it ends");
    layer_down(&server);
}

static void
a_peer_that_does_not_read(void)
{
    struct rf_transport_limits limits = usual;
    struct rf_addr to;
    int fd;
    unsigned sent = 0;
    enum rf_err err = RF_OK;

    limits.write_max = 65536;
    limits.stall_us = 300 * RF_MS;
    layer_up(&server, 1, &limits);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    PUMP_UNTIL(server.opened == 1);
    memset(buffer, 'a', 10000);
    while (err == RF_OK && sent++ < 100000) {
        err = rf_flow_send(server.flow, rf_span(buffer, 10000));
        rf_loop_once(loop, 0);
    }
    ok(err == RF_ERR_NOMEM && counts(&server).queue_full == 1, "after %u kB its queue is full", sent * 10);
    rf_flow_watch(server.flow, &server.watch);
    PUMP_UNTIL(server.gone == 1);
    ok(server.gone == 1 && counts(&server).timeouts == 1, "and when it still takes nothing it is given up");
    close(fd);
    layer_down(&server);
}

static void
slow_reader_gets_everything(void)
{
    struct rf_addr to;
    bool is_end, sent_all = true;
    int fd;
    size_t got = 0;

    layer_up(&server, 1, &usual);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    PUMP_UNTIL(server.opened == 1);
    for (int i = 0; i < 40; i++) {
        memset(buffer, 'a' + i % 26, 60000);
        sent_all = sent_all && rf_flow_send(server.flow, rf_span(buffer, 60000)) == RF_OK;
        if (i % 4 == 3)
            for (size_t had = got; got < had + 240000;) {
                ssize_t n = hear(fd, reply, 60000, &is_end);

                if (n <= 0)
                    break;
                for (ssize_t k = 0; k < n; k++)
                    sent_all = sent_all && reply[k] == (char)('a' + (got + (size_t)k) / 60000 % 26);
                got += (size_t)n;
            }
    }
    ok(sent_all && got == 2400000, "2.4 MB through a slow reader arrive whole and in order");
    close(fd);
    layer_down(&server);
}

static void
limits_hold(void)
{
    struct rf_transport_limits limits = usual;
    struct rf_addr to;
    bool is_end;
    int fd[4];

    limits.connections_max = 2;
    layer_up(&server, 1, &limits);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    for (int i = 0; i < 3; i++)
        fd[i] = dial(&to);
    ok(hear(fd[2], reply, 1, &is_end) <= 0 && counts(&server).refused_full == 1 &&
           counts(&server).connections == 2,
       "the third of two connections is closed");
    close(fd[0]);
    PUMP_UNTIL(counts(&server).connections == 1);
    fd[3] = dial(&to);
    PUMP_UNTIL(counts(&server).connections == 2);
    ok(counts(&server).connections == 2, "when one ends there is room again");
    for (int i = 1; i < 4; i++)
        close(fd[i]);
    layer_down(&server);

    limits = usual;
    limits.per_source_max = 1;
    limits.loopback_is_exempt = false;
    layer_up(&server, 1, &limits);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd[0] = dial(&to);
    fd[1] = dial(&to);
    ok(hear(fd[1], reply, 1, &is_end) <= 0 && counts(&server).refused_source == 1,
       "a source has its share only");
    close(fd[0]);
    PUMP_UNTIL(counts(&server).connections == 0);
    fd[2] = dial(&to);
    PUMP_UNTIL(counts(&server).connections == 1);
    ok(counts(&server).connections == 1, "and gets it back");
    close(fd[1]);
    close(fd[2]);
    server.refuse_all = true;
    fd[0] = dial(&to);
    ok(hear(fd[0], reply, 1, &is_end) <= 0 && counts(&server).refused_guard == 1, "the guard's word counts");
    close(fd[0]);
    layer_down(&server);
}

static void
times_hold(void)
{
    struct rf_transport_limits limits = usual;
    struct rf_addr to;
    bool is_end;
    int fd;
    uint64_t began;

    limits.half_message_us = 200 * RF_MS;
    limits.idle_us = 0;
    layer_up(&server, 1, &limits);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    began = rf_now_us();
    say(fd, "INVITE sip:a@b", 14);
    while (recv(fd, reply, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN && rf_now_us() < began + 5 * RF_S) {
        if (!say(fd, "x", 1))
            break;
        rf_loop_once(loop, 10 * RF_MS);
    }
    ok(rf_now_us() - began < 2 * RF_S && rf_now_us() - began >= 200 * RF_MS,
       "half a message lives its time, whatever trickles in");
    close(fd);
    fd = dial(&to);
    say(fd, "\r\n\r\n", 4);
    hear(fd, reply, 2, &is_end);
    PUMP_FOR(400 * RF_MS);
    ok(counts(&server).connections == 1, "pings are no half message");
    close(fd);
    layer_down(&server);

    limits = usual;
    limits.idle_us = 150 * RF_MS;
    layer_up(&server, 1, &limits);
    to = listen_at(&server, "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    for (int i = 0; i < 4; i++) {
        PUMP_FOR(80 * RF_MS);
        say(fd, "\r\n", 2);
    }
    ok(counts(&server).connections == 1, "a connection that is used is not idle");
    hear(fd, reply, 65, &is_end);
    ok(is_end && counts(&server).timeouts == 1, "an idle one ends");
    close(fd);
    layer_down(&server);
}

static void
connecting(void)
{
    struct rf_addr to;
    struct rf_connect_conf conf = { .transport = RF_TCP, .name = "out" };
    struct rf_flow *a, *b;
    size_t n = make_message(buffer, sizeof buffer, "out", 0);

    layer_up(&server, 1, &usual);
    layer_up(&client, 2, &usual);
    to = listen_at(&server, "sip", RF_TCP, "[::1]:0", NULL);
    conf.remote = to;
    ok(rf_transport_connect(client.layer, &conf, &a) == RF_OK, "a connection is begun");
    ok(rf_flow_send(a, rf_span(buffer, n)) == RF_OK && server.messages == 0, "and takes a message at once");
    ok(rf_transport_connect(client.layer, &conf, &b) == RF_OK && a == b,
       "the same peer has the same connection");
    server.answer = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    PUMP_UNTIL(client.messages == 1);
    ok(server.messages == 1 && client.messages == 1 && client.opened == 1,
       "it goes out when the connection is open");
    ok(rf_addr_port(&a->local) != 0 && rf_addr_eq(&a->local, &server.flow->remote),
       "the flow knows both addresses");
    rf_transport_ping(a);
    PUMP_UNTIL(counts(&server).pings == 1);
    PUMP_FOR(30 * RF_MS);
    ok(counts(&server).pings == 1 && counts(&client).pings == 0, "our ping is answered; the pong is no ping");
    rf_flow_unref(a);
    rf_flow_close(b);
    PUMP_UNTIL(b->is_closed);
    ok(rf_transport_connect(client.layer, &conf, &a) == RF_OK && a != b, "after its end there is a new one");
    rf_flow_unref(a);
    rf_flow_unref(b);
    layer_down(&server);
    layer_down(&client);

    layer_up(&client, 2, &usual); /* nobody listens there now */
    if (!ok(rf_transport_connect(client.layer, &conf, &a) == RF_OK,
            "a connection to a closed port is begun")) {
        layer_down(&client);
        return;
    }
    rf_flow_watch(a, &client.watch);
    ok(rf_flow_send(a, rf_span(buffer, n)) == RF_OK && client.gone == 0, "what is sent waits");
    PUMP_UNTIL(client.gone == 1);
    ok(client.gone == 1 && a->is_closed, "then the flow is told gone");
    rf_flow_unref(a);
    layer_down(&client);
}

int
main(void)
{
    rf_assert(rf_loop_new(&loop) == RF_OK);
    datagrams("0.0.0.0:0");
    datagrams("[::]:0");
    forgetting();
    framing("127.0.0.1:0");
    framing("[::1]:0");
    keep_alive();
    wrong_octets();
    tls_at_the_plain_port();
    closing();
    a_peer_that_does_not_read();
    slow_reader_gets_everything();
    limits_hold();
    times_hold();
    connecting();
    rf_loop_free(loop);
    return tap_done();
}
