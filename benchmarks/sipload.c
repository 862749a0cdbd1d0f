/*
 * benchmarks/sipload.c - a SIP load generator over UDP, TCP and TLS for any registrar and proxy
 *
 * One thread, one epoll set. It drives ringfence and its peers alike and knows nothing of either; what the
 * server costs is measured from outside (tools/run-bench). Its own CPU time is printed, to show that it was not
 * the limit.
 *
 * Modes:
 *   register    REGISTER, 401, REGISTER with credentials, 200: one operation
 *   call        INVITE to a phone in this same process, ringing, answer, ACK, BYE: one operation
 *   handshake   TLS connection, then a CRLF ping and its pong (RFC 5626 4.4.1): one operation
 *   storm       connection, handshake, REGISTER with credentials, close: one operation
 *   idle        as storm, but all connections stay open for --hold seconds after the line "held"
 *
 * With --trunk the phone that is called is a carrier: it registers as u0 alone, and all others dial numbers. With --media each call
 * carries audio both ways (callmedia.h).
 *
 * Users are u0 .. uN-1 with one password. Rates are an open loop (--rate a second); --in-flight bounds it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/rand.h"
#include "loop/loop.h"
#include "sip/digest.h"
#include "sip/msg.h"
#include "callmedia.h"
#include "sip/write.h"

enum mode { MODE_REGISTER, MODE_CALL, MODE_HANDSHAKE, MODE_STORM, MODE_IDLE };
enum transport { UDP, TCP, TLS };

static const char *const mode_names[] = { "register", "call", "handshake", "storm", "idle" };
static const char *const transport_names[] = { "UDP", "TCP", "TLS" };
static const char *const transport_params[] = { "udp", "tcp", "tls" };

static struct {
    enum mode mode;
    enum transport transport, callee_transport;
    const char *host, *domain, *password;
    uint16_t port, callee_port, callee_server_port;
    int operations, users, connections, in_flight, hold_s, sources;
    double rate;
    bool resume, encrypted_offer, trunk;
    int media; /* packets that a caller sends before it hangs up; 0: no media */
    int tls_version; /* 12 or 13 */
} opt = {
    .host = "127.0.0.1", .domain = "sip.test", .password = "secret", .port = 15060, .callee_port = 16000,
    .operations = 10000, .users = 1000, .connections = 50, .in_flight = 200, .rate = 1000, .tls_version = 13,
    .sources = 1,
};

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_HANDSHAKE, LINK_UP };

/* A socket towards the server. */
struct link {
    struct rf_watch watch;
    enum link_state state;
    enum transport transport;
    SSL *ssl;
    uint16_t local_port;
    char *in, *out; /* what is not a whole message yet; what the socket did not take */
    size_t in_octets, out_octets, out_room;
    int operation; /* the one this connection was opened for; -1: shared by many */
};

enum op_state { OP_FREE, OP_CONNECT, OP_CHALLENGE, OP_FINAL, OP_RINGING, OP_TALK, OP_BYE, OP_PONG, OP_DONE };

struct operation {
    enum op_state state;
    int user;
    uint32_t cseq;
    uint64_t started_us;
    struct link *link;
    struct media_end *media;
    char *answer; /* OP_TALK: the 200, for the BYE */
    size_t answer_octets;
    char branch[24];
};

/* A call at the phone that is called, by its Call-ID. */
struct answered {
    struct media_end *media;
    char call_id[128];
};

/* What a user was challenged with: the nonce is used again with the next count where the server allows it. */
struct credentials {
    char nonce[160], realm[64];
    uint32_t nc;
    bool has_qop;
};

static struct rf_loop *loop;
static struct sockaddr_in server;
static SSL_CTX *tls;
static SSL_SESSION *session;
static struct operation *ops;
static struct credentials *credentials;
static struct link **links, *callee;
static uint64_t *latency_us;
static struct answered *answered; /* as many as calls in flight */
static int oldest; /* operation that may not have ended */
static int started, ended, succeeded, failed, running, resumed, next_link;
static char tls_text[96];
static int failed_with[700]; /* failed operations by the status that ended them; 0: no answer, or a lost connection */

#define CALL_TIMEOUT_US (20 * RF_S + (uint64_t)opt.media * 20 * RF_MS)

static void operation_message(struct link *l, const struct rf_sip_msg *m);
static void callee_message(struct link *l, const struct rf_sip_msg *m);
static void link_is_up(struct link *l);
static void link_died(struct link *l);
static void start_operations(uint64_t now_us);

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "sipload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- links --- */

static void
link_close(struct link *l)
{
    if (l->state == LINK_CLOSED)
        return;
    l->state = LINK_CLOSED;
    if (l->ssl != NULL) {
        SSL_shutdown(l->ssl);
        SSL_free(l->ssl);
        l->ssl = NULL;
        ERR_clear_error();
    }
    rf_loop_unwatch(loop, &l->watch);
    close(l->watch.fd);
    free(l->in);
    free(l->out);
    l->in = l->out = NULL;
    l->in_octets = l->out_octets = l->out_room = 0;
}

static void
link_fail(struct link *l)
{
    link_close(l);
    link_died(l);
}

static void
link_flush(struct link *l)
{
    size_t sent = 0;

    while (sent < l->out_octets) {
        ssize_t n = l->ssl != NULL ? SSL_write(l->ssl, l->out + sent, (int)(l->out_octets - sent))
                                   : send(l->watch.fd, l->out + sent, l->out_octets - sent, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    memmove(l->out, l->out + sent, l->out_octets - sent);
    l->out_octets -= sent;
    rf_loop_rewatch(loop, &l->watch, l->out_octets > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
link_send(struct link *l, struct rf_span message)
{
    if (l->state == LINK_CLOSED)
        return;
    if (l->transport == UDP) {
        if (send(l->watch.fd, message.p, message.n, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
            die("send");
        return;
    }
    if (l->out_octets + message.n > l->out_room) {
        l->out_room = l->out_octets + message.n + 2048;
        l->out = realloc(l->out, l->out_room);
        if (l->out == NULL)
            die("memory");
    }
    memcpy(l->out + l->out_octets, message.p, message.n);
    l->out_octets += message.n;
    if (l->state == LINK_UP)
        link_flush(l);
}

static void
message_in(struct link *l, struct rf_span octets)
{
    static struct rf_sip_msg m;
    struct rf_sip_problem problem;

    if (rf_sip_msg_parse(&m, octets, &problem) != RF_OK) {
        fprintf(stderr, "sipload: the server sent what is no SIP: %s\n", problem.sentence);
        exit(1);
    }
    if (m.is_request)
        callee_message(l, &m);
    else
        operation_message(l, &m);
}

/* Takes whole messages off the buffer. A link may be closed by what a message leads to. */
static void
stream_in(struct link *l)
{
    size_t at = 0, n;
    struct rf_sip_problem problem;

    while (l->state == LINK_UP && at < l->in_octets) {
        switch (rf_sip_frame(rf_span(l->in + at, l->in_octets - at), &n, &problem)) {
        case RF_FRAME_MORE:
            /* A pong with nothing behind it might still become a ping: who asked for it need not wait. */
            if (l->in_octets - at == 2 && l->operation >= 0 && ops[l->operation].state == OP_PONG)
                operation_message(l, NULL);
            break;
        case RF_FRAME_MESSAGE: {
            char *copy = malloc(n);

            if (copy == NULL)
                die("memory");
            memcpy(copy, l->in + at, n);
            at += n;
            message_in(l, rf_span(copy, n));
            free(copy);
            continue;
        }
        case RF_FRAME_PING:
        case RF_FRAME_PONG:
            at += n;
            if (l->operation >= 0 && ops[l->operation].state == OP_PONG)
                operation_message(l, NULL);
            continue;
        case RF_FRAME_BROKEN:
            link_fail(l);
            return;
        }
        break;
    }
    if (l->state != LINK_UP)
        return;
    memmove(l->in, l->in + at, l->in_octets - at);
    l->in_octets -= at;
    if (l->in_octets == 0) {
        free(l->in);
        l->in = NULL;
    }
}

static void
datagrams_in(struct link *l)
{
    static char octets[65536];

    for (int i = 0; i < 64 && l->state == LINK_UP; i++) {
        ssize_t n = recv(l->watch.fd, octets, sizeof octets, 0);

        if (n <= 0)
            return;
        message_in(l, rf_span(octets, (size_t)n));
    }
}

static void
octets_in(struct link *l)
{
    static char octets[32768];

    while (l->state == LINK_UP) {
        ssize_t n = l->ssl != NULL ? SSL_read(l->ssl, octets, sizeof octets)
                                   : recv(l->watch.fd, octets, sizeof octets, 0);

        if (n <= 0) {
            int why = l->ssl != NULL ? SSL_get_error(l->ssl, (int)n) : 0;
            bool wait = l->ssl != NULL ? why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE
                                       : n < 0 && errno == EAGAIN;

            ERR_clear_error();
            if (!wait)
                link_fail(l);
            return;
        }
        l->in = realloc(l->in, l->in_octets + (size_t)n);
        if (l->in == NULL)
            die("memory");
        memcpy(l->in + l->in_octets, octets, (size_t)n);
        l->in_octets += (size_t)n;
        stream_in(l);
    }
}

static void
link_handshake(struct link *l)
{
    int done = SSL_connect(l->ssl);

    if (done == 1) {
        l->state = LINK_UP;
        resumed += SSL_session_reused(l->ssl);
        if (tls_text[0] == '\0')
            snprintf(tls_text, sizeof tls_text, "%s %s", SSL_get_version(l->ssl), SSL_get_cipher_name(l->ssl));
        rf_loop_rewatch(loop, &l->watch, EPOLLIN);
        link_is_up(l);
        return;
    }
    switch (SSL_get_error(l->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        rf_loop_rewatch(loop, &l->watch, EPOLLIN);
        break;
    case SSL_ERROR_WANT_WRITE:
        rf_loop_rewatch(loop, &l->watch, EPOLLIN | EPOLLOUT);
        break;
    default:
        ERR_clear_error();
        link_fail(l);
    }
}

static void
link_connected(struct link *l)
{
    int error = 0;
    socklen_t n = sizeof error;

    getsockopt(l->watch.fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (error != 0) {
        link_fail(l);
    } else if (l->transport == TLS) {
        l->ssl = SSL_new(tls);
        if (l->ssl == NULL || SSL_set_fd(l->ssl, l->watch.fd) != 1)
            die("TLS");
        SSL_set_tlsext_host_name(l->ssl, opt.domain);
        if (opt.resume && session != NULL)
            SSL_set_session(l->ssl, session);
        l->state = LINK_HANDSHAKE;
        link_handshake(l);
    } else {
        l->state = LINK_UP;
        rf_loop_rewatch(loop, &l->watch, EPOLLIN);
        link_is_up(l);
    }
}

static void
link_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct link *l = rf_container(w, struct link, watch);

    if (l->state == LINK_CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            link_connected(l);
    } else if (l->state == LINK_HANDSHAKE) {
        link_handshake(l);
    } else if (l->transport == UDP) {
        datagrams_in(l);
    } else {
        if (events & EPOLLOUT)
            link_flush(l);
        octets_in(l);
    }
    start_operations(now_us);
}

/* @param port  0: any */
static void
link_open(struct link *l, int number, uint16_t port)
{
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t n = sizeof local;
    int on = 1, room = 4 << 20;
    bool is_stream = l->transport != UDP;

    /* Several loopback addresses, so that 20,000 connections find source ports. */
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number % opt.sources) * 256);
    l->watch.fd = socket(AF_INET, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    l->watch.ready = link_ready;
    if (l->watch.fd < 0)
        die("socket");
    if (is_stream) {
        setsockopt(l->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(l->watch.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    } else {
        setsockopt(l->watch.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    if (bind(l->watch.fd, (struct sockaddr *)&local, sizeof local) != 0)
        die("bind");
    l->state = LINK_CONNECTING;
    if (connect(l->watch.fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS)
        die("connect");
    getsockname(l->watch.fd, (struct sockaddr *)&local, &n);
    l->local_port = ntohs(local.sin_port);
    if (rf_loop_watch(loop, &l->watch, is_stream ? EPOLLIN | EPOLLOUT : EPOLLIN) != RF_OK)
        die("epoll");
    if (!is_stream) {
        l->state = LINK_UP;
        link_is_up(l);
    }
}

static struct link *
link_new(enum transport transport, int operation)
{
    struct link *l = calloc(1, sizeof *l);

    if (l == NULL)
        die("memory");
    l->transport = transport;
    l->operation = operation;
    return l;
}

/* --- requests --- */

static void put_dialled(struct rf_buf *b, const struct operation *o);

static void
put_common(struct rf_buf *b, const struct link *l, int op, const char *method, const char *to_tag)
{
    const struct operation *o = &ops[op];

    rf_putf(b, "Via: SIP/2.0/%s 127.0.0.1:%u;branch=%s;rport\r\nMax-Forwards: 70\r\n",
            transport_names[l->transport], l->local_port, o->branch);
    rf_putf(b, "From: <sip:u%d@%s>;tag=f%d\r\n", o->user, opt.domain, op);
    if (strcmp(method, "REGISTER") == 0)
        rf_putf(b, "To: <sip:u%d@%s>\r\n", o->user, opt.domain);
    else {
        rf_put_str(b, "To: <");
        put_dialled(b, o);
        rf_putf(b, ">%s%s\r\n", to_tag[0] ? ";tag=" : "", to_tag);
    }
    rf_putf(b, "Call-ID: %d.%d@load\r\nCSeq: %u %s\r\n", op, (int)getpid(), o->cseq, method);
    rf_putf(b, "Contact: <sip:u%d@127.0.0.1:%u;transport=%s>\r\n", o->user, l->local_port,
            transport_params[l->transport]);
}

static void
new_branch(struct operation *o)
{
    snprintf(o->branch, sizeof o->branch, "z9hG4bK%016llx", (unsigned long long)rf_rand_u64(&rf_rand_system));
}

static void
put_credentials(struct rf_buf *b, struct operation *o, const char *header, const char *method, const char *uri)
{
    struct credentials *c = &credentials[o->user];
    struct rf_digest_challenge challenge = { .algorithm = RF_DIGEST_MD5, .has_auth = c->has_qop,
                                             .realm = rf_span_str(c->realm), .nonce = rf_span_str(c->nonce) };
    char user[16];

    if (c->nonce[0] == '\0')
        return;
    snprintf(user, sizeof user, "u%d", o->user);
    rf_putf(b, "%s: ", header);
    rf_put_digest_credentials(b, &challenge, rf_span_str(user), rf_span_str(opt.password), rf_span_str(method),
                              rf_span_str(uri), ++c->nc, RF_SPAN_LIT("0a4f113b"));
    rf_put_str(b, "\r\n");
}

static void
send_register(int op)
{
    struct operation *o = &ops[op];
    char mem[2048], uri[96];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    o->cseq++;
    new_branch(o);
    snprintf(uri, sizeof uri, "sip:%s", opt.domain);
    rf_sip_put_request(&b, "REGISTER", rf_span_str(uri));
    put_common(&b, o->link, op, "REGISTER", "");
    rf_put_str(&b, "Expires: 3600\r\n");
    if (o->state == OP_FINAL)
        put_credentials(&b, o, "Authorization", "REGISTER", uri);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    link_send(o->link, rf_buf_span(&b));
}

static void
put_dialled(struct rf_buf *b, const struct operation *o)
{
    if (opt.trunk)
        rf_putf(b, "sip:+4930%06d@%s", o->user, opt.domain);
    else
        rf_putf(b, "sip:u%d@%s", (o->user + 1) % opt.users, opt.domain);
}

/* An offer with or without keys. The key is of no use to anybody: no media flows in this measurement. */
static struct rf_span
offer_text(void)
{
    static const char plain[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                                "m=audio 39998 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n";
    static const char secure[] =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=audio 39998 RTP/SAVP 0 8 101\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\na=ptime:20\r\n";

    return opt.encrypted_offer ? RF_SPAN_LIT(secure) : RF_SPAN_LIT(plain);
}

static void
send_invite(int op)
{
    struct operation *o = &ops[op];
    char mem[4096], text[512], uri[96];
    struct rf_buf b = rf_buf(mem, sizeof mem), u = rf_buf(uri, sizeof uri - 1);
    struct rf_span offer = offer_text();

    o->cseq++;
    new_branch(o);
    put_dialled(&u, o);
    uri[u.n] = '\0';
    rf_sip_put_request(&b, "INVITE", rf_span_str(uri));
    put_common(&b, o->link, op, "INVITE", "");
    put_credentials(&b, o, "Proxy-Authorization", "INVITE", uri);
    if (opt.media > 0) {
        if (o->media == NULL && (o->media = media_take()) == NULL)
            die("more calls than ports for media");
        offer = rf_span(text, media_describe(o->media, rf_span(NULL, 0), text, sizeof text));
    }
    rf_sip_put_body(&b, "application/sdp", offer);
    link_send(o->link, rf_buf_span(&b));
}

/* Route set of a caller: Record-Route of the response, last first (RFC 3261 12.1.2). */
static void
put_routes(struct rf_buf *b, const struct rf_sip_msg *m)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_RECORD_ROUTE);
    struct rf_span route[8], element;
    size_t n = 0;

    while (n < 8 && rf_sip_walk_next(&w, &element))
        route[n++] = element;
    while (n > 0)
        rf_sip_put_header(b, RF_HDR_ROUTE, route[--n]);
}

static void
send_in_dialog(int op, const char *method, const struct rf_sip_msg *response)
{
    struct operation *o = &ops[op];
    char mem[4096], tag[128] = "";
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_sip_name_addr contact;
    struct rf_span value = rf_sip_value(response, RF_HDR_CONTACT);

    if (rf_span_copy(response->to_tag, tag, sizeof tag) != RF_OK ||
        rf_sip_name_addr_parse(value, &contact) != RF_OK) {
        fprintf(stderr, "sipload: a 200 without a usable Contact or tag\n");
        exit(1);
    }
    new_branch(o);
    if (strcmp(method, "ACK") != 0)
        o->cseq++;
    rf_sip_put_request(&b, method, contact.uri.raw);
    put_common(&b, o->link, op, method, tag);
    put_routes(&b, response);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    link_send(o->link, rf_buf_span(&b));
}

/* ACK of a 300-699 goes on the INVITE's own branch (RFC 3261 17.1.1.3). */
static void
send_ack_of_failure(int op, const struct rf_sip_msg *response)
{
    struct operation *o = &ops[op];
    char mem[2048], uri[96], tag[128] = "";
    struct rf_buf b = rf_buf(mem, sizeof mem), u = rf_buf(uri, sizeof uri - 1);

    put_dialled(&u, o);
    uri[u.n] = '\0';
    if (rf_span_copy(response->to_tag, tag, sizeof tag) != RF_OK)
        tag[0] = '\0';
    rf_sip_put_request(&b, "ACK", rf_span_str(uri));
    put_common(&b, o->link, op, "ACK", tag);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    link_send(o->link, rf_buf_span(&b));
}

/* --- operations --- */

/* @param status  200: it went well; another final status: it failed with this; 0: nothing came */
static void
operation_end(int op, int status)
{
    struct operation *o = &ops[op];

    if (o->state == OP_DONE)
        return;
    o->state = OP_DONE;
    ended++;
    running--;
    media_give_back(o->media);
    o->media = NULL;
    free(o->answer);
    o->answer = NULL;
    if (status == 200) {
        latency_us[succeeded++] = rf_now_us() - o->started_us;
    } else {
        failed++;
        failed_with[status < 700 ? status : 0]++;
    }
    if (o->link != NULL && o->link->operation == op && (opt.mode != MODE_IDLE || status != 200)) {
        if (opt.resume && session == NULL && o->link->ssl != NULL)
            session = SSL_get1_session(o->link->ssl);
        link_close(o->link);
    }
}

static bool
learn_challenge(int user, const struct rf_sip_msg *m, enum rf_sip_header header)
{
    struct credentials *c = &credentials[user];
    size_t i = 0;

    for (const struct rf_sip_field *f; (f = rf_sip_field_next(m, header, &i)) != NULL;) {
        struct rf_digest_challenge challenge;

        if (rf_digest_challenge_parse(f->value, &challenge) == RF_OK &&
            challenge.algorithm == RF_DIGEST_MD5 &&
            rf_span_copy(challenge.nonce, c->nonce, sizeof c->nonce) == RF_OK &&
            rf_span_copy(challenge.realm, c->realm, sizeof c->realm) == RF_OK) {
            c->nc = 0;
            c->has_qop = challenge.has_auth;
            return true;
        }
    }
    return false;
}

/* The call is up: audio until --media packets are sent (hang_up). */
static void
talk(int op, const struct rf_sip_msg *m)
{
    struct operation *o = &ops[op];
    struct rf_span whole = m->raw;

    o->answer = malloc(whole.n);
    if (o->answer == NULL || !media_start(o->media, m->body, (unsigned)opt.media, rf_now_us())) {
        operation_end(op, 0);
        return;
    }
    memcpy(o->answer, whole.p, whole.n);
    o->answer_octets = whole.n;
    o->state = OP_TALK;
}

static void
call_response(int op, const struct rf_sip_msg *m)
{
    struct operation *o = &ops[op];

    if (m->method == RF_SIP_BYE) {
        operation_end(op, m->status);
    } else if (m->status == 407 && o->state == OP_CHALLENGE) {
        send_ack_of_failure(op, m);
        o->state = OP_FINAL;
        if (!learn_challenge(o->user, m, RF_HDR_PROXY_AUTHENTICATE))
            operation_end(op, m->status);
        else
            send_invite(op);
    } else if (m->status >= 300) {
        send_ack_of_failure(op, m);
        operation_end(op, m->status);
    } else if (m->status >= 200 && (o->state == OP_CHALLENGE || o->state == OP_FINAL)) {
        send_in_dialog(op, "ACK", m);
        if (opt.media > 0)
            talk(op, m);
        else {
            o->state = OP_BYE;
            send_in_dialog(op, "BYE", m);
        }
    }
}

/* Calls whose audio is sent end. */
static void
hang_up(void)
{
    for (int op = oldest; op < started; op++) {
        struct operation *o = &ops[op];
        struct rf_sip_problem problem;
        struct rf_sip_msg m;

        if (o->state != OP_TALK || !media_is_over(o->media))
            continue;
        o->state = OP_BYE;
        if (rf_sip_msg_parse(&m, rf_span(o->answer, o->answer_octets), &problem) == RF_OK)
            send_in_dialog(op, "BYE", &m);
        else
            operation_end(op, 0);
    }
}

static void
operation_message(struct link *l, const struct rf_sip_msg *m)
{
    uint64_t number;
    int op;
    struct operation *o;

    if (m == NULL) { /* a pong */
        operation_end(l->operation, 200);
        return;
    }
    if (m->status < 200 || l == callee ||
        rf_span_u64(rf_span_sub(m->call_id, 0, rf_span_find(m->call_id, '.')), (uint64_t)opt.operations - 1,
                    &number) != RF_OK)
        return;
    op = (int)number;
    o = &ops[op];
    if (o->state == OP_DONE || m->cseq != o->cseq)
        return;
    if (opt.mode == MODE_CALL) {
        call_response(op, m);
    } else if (m->status == 401 && o->state == OP_CHALLENGE && learn_challenge(o->user, m, RF_HDR_WWW_AUTHENTICATE)) {
        o->state = OP_FINAL;
        send_register(op);
    } else {
        operation_end(op, m->status);
    }
}

static void
operation_go(int op)
{
    struct operation *o = &ops[op];

    switch (opt.mode) {
    case MODE_CALL:
        o->state = OP_CHALLENGE;
        send_invite(op);
        break;
    case MODE_HANDSHAKE:
        o->state = OP_PONG;
        link_send(o->link, RF_SPAN_LIT("\r\n\r\n"));
        break;
    default:
        o->state = OP_CHALLENGE;
        send_register(op);
    }
}

static void
link_is_up(struct link *l)
{
    if (l->operation >= 0)
        operation_go(l->operation);
    else if (l->out_octets > 0)
        link_flush(l);
}

static void
link_died(struct link *l)
{
    if (l->operation >= 0 && ops[l->operation].state != OP_DONE)
        operation_end(l->operation, 0);
    else if (l->operation < 0) {
        fprintf(stderr, "sipload: the server closed a shared connection\n");
        exit(1);
    }
}

/* --- the phone that is called --- */

static const char silent_answer[] = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                                    "m=audio 39996 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
                                    "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

static void
callee_reply(struct link *l, const struct rf_sip_msg *m, int status, const char *reason, struct rf_span body)
{
    static char mem[16384];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_addr source = { .v4 = server };

    rf_sip_put_response(&b, m, status, reason, RF_SPAN_LIT("callee"), &source);
    rf_sip_put_copy(&b, m, RF_HDR_RECORD_ROUTE);
    rf_sip_put_headerf(&b, RF_HDR_CONTACT, "<sip:callee@127.0.0.1:%u;transport=%s>", l->local_port,
                       transport_params[l->transport]);
    rf_sip_put_body(&b, body.n > 0 ? "application/sdp" : NULL, body);
    link_send(l, rf_buf_span(&b));
}

static struct answered *
answered_of(struct rf_span call_id)
{
    for (int i = 0; i < opt.in_flight; i++)
        if (rf_span_is(call_id, answered[i].call_id))
            return &answered[i];
    return NULL;
}

/* Room for another call that is answered; its description is in text. */
static size_t
callee_answers(const struct rf_sip_msg *m, char *text, size_t room)
{
    struct answered *a = answered_of(rf_span(NULL, 0));
    size_t n;

    if (a == NULL || rf_span_copy(m->call_id, a->call_id, sizeof a->call_id) != RF_OK || (a->media = media_take()) == NULL)
        die("more calls than ports for media");
    n = media_describe(a->media, m->body, text, room);
    if (n == 0 || !media_start(a->media, m->body, 0, rf_now_us()))
        die("an INVITE to a description that is none of ours");
    return n;
}

static void
callee_message(struct link *l, const struct rf_sip_msg *m)
{
    char text[512];

    if (m->method == RF_SIP_INVITE) {
        size_t n = opt.media > 0 ? callee_answers(m, text, sizeof text) : 0;

        callee_reply(l, m, 180, "Ringing", rf_span(NULL, 0));
        callee_reply(l, m, 200, "OK", n > 0 ? rf_span(text, n) : RF_SPAN_LIT(silent_answer));
    } else if (m->method != RF_SIP_ACK) {
        struct answered *a = m->method == RF_SIP_BYE && opt.media > 0 ? answered_of(m->call_id) : NULL;

        if (a != NULL) {
            media_give_back(a->media);
            a->call_id[0] = '\0';
        }
        callee_reply(l, m, 200, "OK", rf_span(NULL, 0));
    }
}

/* --- the schedule --- */

static uint64_t begin_us;

static void
start_operations(uint64_t now_us)
{
    double due;

    if (now_us < begin_us)
        return;
    due = opt.rate > 0 ? (double)(now_us - begin_us) * 1e-6 * opt.rate : opt.operations;
    while (started < opt.operations && running < opt.in_flight && (double)started <= due) {
        int op = started++;
        struct operation *o = &ops[op];

        running++;
        o->user = opt.trunk && callee != NULL ? 1 + op % (opt.users - 1) : op % opt.users;
        o->started_us = now_us;
        if (opt.mode == MODE_REGISTER || opt.mode == MODE_CALL) {
            o->link = links[next_link++ % opt.connections];
            operation_go(op);
        } else {
            o->state = OP_CONNECT;
            o->link = link_new(opt.transport, op);
            link_open(o->link, op, 0);
        }
    }
}

static void
round_ended(void *ctx, uint64_t now_us)
{
    (void)ctx;
    start_operations(now_us);
    if (opt.media > 0) {
        media_run(now_us);
        hang_up();
    }
    while (oldest < started && ops[oldest].state == OP_DONE)
        oldest++;
    while (oldest < started && now_us - ops[oldest].started_us > CALL_TIMEOUT_US)
        operation_end(oldest++, 0);
}

static void
run_until_done(void)
{
    while (ended < opt.operations)
        rf_loop_once(loop, opt.rate > 0 ? RF_MS : 10 * RF_MS);
}

/* The phone that is called signs in as every user, from its own socket. */
static void
register_callee(void)
{
    int operations = opt.operations;
    enum mode mode = opt.mode;
    struct link **others = links;
    double rate = opt.rate;
    int connections = opt.connections;
    uint16_t port = ntohs(server.sin_port);

    server.sin_port = htons(opt.callee_server_port);
    callee = link_new(opt.callee_transport, -1);
    link_open(callee, 0, opt.callee_transport == UDP ? opt.callee_port : 0);
    server.sin_port = htons(port);

    struct link *only[1] = { callee };
    struct link *answering = callee;

    callee = NULL; /* while it registers it is an ordinary link */
    links = only;
    opt.connections = 1;
    opt.mode = MODE_REGISTER;
    opt.operations = opt.trunk ? 1 : opt.users;
    opt.rate = 2000;
    begin_us = rf_now_us();
    run_until_done();
    if (failed > 0) {
        fprintf(stderr, "sipload: %d of %d users could not register\n", failed, opt.operations);
        exit(1);
    }
    callee = answering;
    links = others;
    opt.connections = connections;
    opt.mode = mode;
    opt.operations = operations;
    opt.rate = rate;
    started = ended = succeeded = failed = running = next_link = oldest = 0;
    memset(ops, 0, sizeof *ops * (size_t)operations);
    memset(credentials, 0, sizeof *credentials * (size_t)opt.users);
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void
report(double seconds)
{
    struct rusage u;
    char media[120] = "";

    getrusage(RUSAGE_SELF, &u);
    qsort(latency_us, (size_t)succeeded, sizeof *latency_us, by_value);
    if (opt.media > 0) {
        struct media_count c = media_counted();

        snprintf(media, sizeof media, "\"media_sent\":%llu,\"media_received\":%llu,\"media_wrong\":%llu,",
                 (unsigned long long)c.sent, (unsigned long long)c.received, (unsigned long long)c.wrong);
    }
    printf("{\"mode\":\"%s\",\"transport\":\"%s\",\"ok\":%d,\"failed\":%d,\"seconds\":%.3f,\"rate\":%.0f,"
           "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"own_cpu_s\":%.2f,\"tls\":\"%s\",\"resumed\":%d,%s\"failed_with\":{",
           mode_names[opt.mode], transport_names[opt.transport], succeeded, failed, seconds, succeeded / seconds,
           succeeded > 0 ? (double)latency_us[succeeded / 2] * 1e-3 : 0,
           succeeded > 0 ? (double)latency_us[(size_t)succeeded * 99 / 100] * 1e-3 : 0,
           succeeded > 0 ? (double)latency_us[succeeded - 1] * 1e-3 : 0,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6,
           tls_text, resumed, media);
    for (int status = 0, n = 0; status < 700; status++)
        if (failed_with[status] > 0)
            printf("%s\"%d\":%d", n++ > 0 ? "," : "", status, failed_with[status]);
    printf("}}\n");
    fflush(stdout);
}

static void
usage(void)
{
    fputs("bench-sipload MODE [options]      MODE: register call handshake storm idle\n"
          "  --transport udp|tcp|tls  --port N  --host A  --domain D  --password P  --users N\n"
          "  --operations N  --rate N (0: as fast as possible)  --in-flight N  --connections N (register, call)\n"
          "  --callee-transport T  --callee-server-port N  --callee-port N  --encrypted-offer  --trunk  --media PACKETS (call)\n"
          "  --hold S (idle)  --resume  --tls 12|13  --sources N (loopback source addresses)\n",
          stderr);
    exit(2);
}

static int
word_in(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (strcasecmp(words[i], word) == 0)
            return i;
    usage();
    return -1;
}

static void
parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "transport", 1, NULL, 't' },   { "port", 1, NULL, 'p' },     { "host", 1, NULL, 'H' },
        { "domain", 1, NULL, 'd' },      { "password", 1, NULL, 'P' }, { "users", 1, NULL, 'u' },
        { "operations", 1, NULL, 'n' },  { "rate", 1, NULL, 'r' },     { "in-flight", 1, NULL, 'f' },
        { "connections", 1, NULL, 'c' }, { "callee-transport", 1, NULL, 'y' }, { "callee-port", 1, NULL, 'Y' },
        { "callee-server-port", 1, NULL, 'S' }, { "encrypted-offer", 0, NULL, 'e' }, { "hold", 1, NULL, 'h' },
        { "trunk", 0, NULL, 'T' },       { "media", 1, NULL, 'm' },
        { "resume", 0, NULL, 'R' },      { "tls", 1, NULL, 'V' },      { "sources", 1, NULL, 's' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    if (argc < 2)
        usage();
    opt.mode = (enum mode)word_in(mode_names, 5, argv[1]);
    optind = 2;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (c) {
        case 't': opt.transport = (enum transport)word_in(transport_params, 3, optarg); break;
        case 'y': opt.callee_transport = (enum transport)word_in(transport_params, 3, optarg); break;
        case 'p': opt.port = (uint16_t)atoi(optarg); break;
        case 'Y': opt.callee_port = (uint16_t)atoi(optarg); break;
        case 'S': opt.callee_server_port = (uint16_t)atoi(optarg); break;
        case 'H': opt.host = optarg; break;
        case 'd': opt.domain = optarg; break;
        case 'P': opt.password = optarg; break;
        case 'u': opt.users = atoi(optarg); break;
        case 'n': opt.operations = atoi(optarg); break;
        case 'r': opt.rate = atof(optarg); break;
        case 'f': opt.in_flight = atoi(optarg); break;
        case 'c': opt.connections = atoi(optarg); break;
        case 'e': opt.encrypted_offer = true; break;
        case 'h': opt.hold_s = atoi(optarg); break;
        case 'R': opt.resume = true; break;
        case 'T': opt.trunk = true; break;
        case 'm': opt.media = atoi(optarg); break;
        case 'V': opt.tls_version = atoi(optarg); break;
        case 's': opt.sources = atoi(optarg); break;
        default: usage();
        }
    }
    if (opt.users < 1 || opt.operations < 1 || opt.connections < 1 || opt.in_flight < 1 || opt.sources < 1 || (opt.trunk && opt.users < 2))
        usage();
    if (opt.callee_server_port == 0)
        opt.callee_server_port = opt.port;
}

int
main(int argc, char **argv)
{
    struct rlimit files;
    uint64_t end_us;
    int slots;

    parse_options(argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(opt.port) };
    if (inet_pton(AF_INET, opt.host, &server.sin_addr) != 1)
        usage();
    tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || rf_loop_new(&loop) != RF_OK)
        die("start");
    SSL_CTX_set_max_proto_version(tls, opt.tls_version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    slots = opt.operations > opt.users ? opt.operations : opt.users;
    ops = calloc((size_t)slots, sizeof *ops);
    latency_us = calloc((size_t)slots, sizeof *latency_us);
    credentials = calloc((size_t)opt.users, sizeof *credentials);
    links = calloc((size_t)opt.connections, sizeof *links);
    answered = calloc((size_t)opt.in_flight, sizeof *answered);
    if (ops == NULL || latency_us == NULL || credentials == NULL || links == NULL || answered == NULL)
        die("memory");
    if (opt.media > 0 && !media_open(loop, 2 * (unsigned)opt.in_flight))
        die("ports for media");
    rf_loop_on_round(loop, round_ended, NULL);
    if (opt.mode == MODE_CALL)
        register_callee();
    if (opt.mode == MODE_REGISTER || opt.mode == MODE_CALL) {
        for (int i = 0; i < opt.connections; i++) {
            links[i] = link_new(opt.transport, -1);
            link_open(links[i], i, 0);
        }
        for (bool all_up = false; !all_up;) { /* connections are not part of the measurement */
            all_up = true;
            for (int i = 0; i < opt.connections; i++)
                all_up = all_up && links[i]->state == LINK_UP;
            begin_us = rf_now_us() + RF_S;
            rf_loop_once(loop, RF_MS);
        }
    }
    if (opt.mode == MODE_CALL || opt.mode == MODE_REGISTER) {
        printf("ready\n"); /* whoever measures starts its clock now */
        fflush(stdout);
        usleep(300000);
    }
    begin_us = rf_now_us();
    start_operations(begin_us);
    run_until_done();
    end_us = rf_now_us();
    if (opt.mode == MODE_IDLE) {
        printf("held\n");
        fflush(stdout);
        for (uint64_t until = end_us + (uint64_t)opt.hold_s * RF_S; rf_now_us() < until;)
            rf_loop_once(loop, 100 * RF_MS);
    }
    report((double)(end_us - begin_us) * 1e-6);
    return failed > 0 ? 1 : 0;
}
