/* Sockets of a phone: UDP, TCP, TLS by OpenSSL as client (and as server where a phone listens). */
#include "ua/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define OUT_MAX (1 << 20) /* octets waiting on a connection; a peer that reads nothing ends it */

static void
tls_error(const char *what, char *out, size_t size)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;

    snprintf(out, size, "%s: %s", what, reason != NULL ? reason : e != 0 ? "OpenSSL error" : "closed without a word");
    ERR_clear_error();
}

/* --- contexts --- */

static SSL_CTX *
client_ctx(struct rf_ua *ua)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int max = ua->conf.tls_max;

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    /* Versions below 1.2 sign with SHA-1, which OpenSSL 3 allows at security level 0 only. A phone that offers
     * them is there to be refused by the other side, not by itself. */
    if (max != 0 && max < TLS1_2_VERSION && (SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0") != 1 ||
                                             SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) != 1))
        goto fail;
    if (max != 0 && SSL_CTX_set_max_proto_version(ctx, max) != 1)
        goto fail;
    if (ua->conf.trust_file != NULL ? SSL_CTX_load_verify_locations(ctx, ua->conf.trust_file, NULL) != 1
                                    : SSL_CTX_set_default_verify_paths(ctx) != 1)
        goto fail;
    SSL_CTX_set_verify(ctx, ua->conf.tls_unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    return ctx;

fail:
    SSL_CTX_free(ctx);
    return NULL;
}

static SSL_CTX *
server_ctx(struct rf_ua *ua)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || ua->conf.cert_file == NULL ||
        ua->conf.key_file == NULL || SSL_CTX_use_certificate_chain_file(ctx, ua->conf.cert_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, ua->conf.key_file, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

enum rf_err
ua_tls_init(struct rf_ua *ua)
{
    if (ua->conf.transport != RF_UA_TLS)
        return RF_OK;
    if (ua->conf.tls_max != 0 && (ua->conf.tls_max < TLS1_VERSION || ua->conf.tls_max > TLS1_3_VERSION))
        return RF_ERR_RANGE;
    ua->tls_client = client_ctx(ua);
    if (ua->conf.listen)
        ua->tls_server = server_ctx(ua);
    return ua->tls_client == NULL || (ua->conf.listen && ua->tls_server == NULL) ? RF_ERR_CRYPTO : RF_OK;
}

/* --- making and ending --- */

void
ua_watch(struct rf_ua_set *set, struct ua_handle *h, uint32_t events, int op)
{
    struct epoll_event e = { .events = events, .data.ptr = h };

    /* Fails only for a descriptor that is not ours or when the kernel has no memory for a dozen octets. */
    rf_assert(epoll_ctl(set->epoll, op, h->fd, &e) == 0);
}

static void
watch(struct ua_conn *c)
{
    uint32_t want = EPOLLIN | (c->is_connecting || c->out_n > 0 ? (uint32_t)EPOLLOUT : 0);

    if (c->ssl != NULL && c->is_handshaking && SSL_want_write(c->ssl))
        want |= EPOLLOUT;
    if (c->is_dead || want == c->events)
        return;
    ua_watch(c->ua->set, &c->handle, want, c->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    c->events = want;
}

static void conn_ready(struct ua_handle *h, uint32_t events);
static void udp_ready(struct ua_handle *h, uint32_t events);
static void listener_ready(struct ua_handle *h, uint32_t events);

static struct rf_addr
local_of(int fd)
{
    struct sockaddr_storage s;
    socklen_t n = sizeof s;

    memset(&s, 0, sizeof s);
    if (getsockname(fd, (struct sockaddr *)&s, &n) != 0)
        return (struct rf_addr){ 0 };
    return rf_addr_from((struct sockaddr *)&s);
}

/* Takes fd. */
static struct ua_conn *
conn_new(struct rf_ua *ua, int fd, void (*ready)(struct ua_handle *, uint32_t))
{
    struct ua_conn *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;

    if (c == NULL) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    c->handle.fd = fd;
    c->handle.ready = ready;
    c->ua = ua;
    c->transport = ua->conf.transport;
    rf_list_append(&ua->conns, &c->link);
    return c;
}

static int
socket_bound(const struct rf_addr *local, int type)
{
    int fd = socket(local->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return -1;
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &local->sa, rf_addr_len(local)) != 0) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

enum rf_err
ua_conn_open_own(struct rf_ua *ua)
{
    bool is_udp = ua->conf.transport == RF_UA_UDP;
    struct ua_conn *c;

    if (!is_udp && !ua->conf.listen)
        return RF_OK;
    c = conn_new(ua, socket_bound(&ua->conf.local, is_udp ? SOCK_DGRAM : SOCK_STREAM),
                 is_udp ? udp_ready : listener_ready);
    if (c == NULL)
        return RF_ERR_IO;
    ua->own = c;
    c->is_listener = !is_udp;
    if (!is_udp && listen(c->handle.fd, 128) != 0)
        return RF_ERR_IO;
    c->local = local_of(c->handle.fd);
    watch(c);
    return RF_OK;
}

static bool
tls_begin(struct ua_conn *c)
{
    struct rf_ua *ua = c->ua;
    const char *name = ua->conf.server_name;
    X509_VERIFY_PARAM *param;
    char text[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    struct rf_addr as_addr;

    c->ssl = SSL_new(c->is_server ? ua->tls_server : ua->tls_client);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->handle.fd) != 1)
        return false;
    c->is_handshaking = true;
    if (c->is_server) {
        SSL_set_accept_state(c->ssl);
        return true;
    }
    SSL_set_connect_state(c->ssl);
    if (name == NULL) {
        rf_put_host(&b, &c->peer, false);
        text[b.n] = '\0';
        name = text;
    }
    param = SSL_get0_param(c->ssl);
    if (rf_addr_parse(rf_span_str(name), 0, &as_addr) == RF_OK)
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    /* RFC 5922 7.2: a SIP domain is not matched by a wildcard. */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 && SSL_set_tlsext_host_name(c->ssl, name) == 1;
}

struct ua_conn *
ua_conn_to(struct rf_ua *ua, const struct rf_addr *to)
{
    struct rf_addr local = ua->conf.local;
    struct ua_conn *c;
    int fd, one = 1;

    if (ua->conf.transport == RF_UA_UDP)
        return ua->own;
    RF_LIST_FOREACH(&ua->conns, it) {
        c = rf_container(it, struct ua_conn, link);
        if (!c->is_dead && !c->is_listener && rf_addr_eq(&c->peer, to))
            return c;
    }
    rf_addr_set_port(&local, 0);
    fd = socket_bound(&local, SOCK_STREAM);
    if (fd < 0)
        return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c = conn_new(ua, fd, conn_ready);
    if (c == NULL)
        return NULL;
    c->peer = *to;
    c->is_connecting = true;
    ua->link_info = (struct rf_ua_link_info){ .pongs = ua->link_info.pongs };
    if (connect(fd, &to->sa, rf_addr_len(to)) != 0 && errno != EINPROGRESS) {
        int why = errno;

        ua_conn_kill(c, strerror(why));
        errno = why;
        return NULL;
    }
    c->local = local_of(fd);
    if (ua->conf.transport == RF_UA_TLS && !tls_begin(c)) {
        ua_conn_kill(c, "the TLS connection could not be prepared");
        errno = ENOMEM;
        return NULL;
    }
    watch(c);
    return c;
}

void
ua_conn_kill(struct ua_conn *c, const char *why)
{
    if (c->is_dead)
        return;
    c->is_dead = true;
    if (!c->is_server) {
        c->ua->link_info.is_up = false;
        snprintf(c->ua->link_info.error, sizeof c->ua->link_info.error, "%s", why);
    }
    close(c->handle.fd); /* epoll forgets it */
    c->handle.fd = -1;
    ua_txn_conn_lost(c->ua, c);
}

void
ua_conn_free(struct ua_conn *c)
{
    rf_list_remove(&c->link);
    SSL_free(c->ssl);
    if (c->handle.fd >= 0)
        close(c->handle.fd);
    free(c->in);
    free(c->out);
    free(c);
}

/* --- writing --- */

/* 1: done, 0: later, -1: dead */
static int
write_some(struct ua_conn *c, const char *p, size_t n, size_t *written)
{
    ssize_t r;

    *written = 0;
    if (c->is_connecting || c->is_handshaking)
        return 0;
    if (c->ssl != NULL) {
        int code;

        ERR_clear_error();
        if (SSL_write_ex(c->ssl, p, n, written) == 1)
            return *written == n;
        code = SSL_get_error(c->ssl, 0);
        return code == SSL_ERROR_WANT_WRITE || code == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    r = send(c->handle.fd, p, n, MSG_NOSIGNAL);
    if (r < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    *written = (size_t)r;
    return *written == n;
}

static void
flush(struct ua_conn *c)
{
    while (!c->is_dead && c->out_n > 0) {
        size_t n;
        int r = write_some(c, c->out, c->out_n, &n);

        if (r < 0) {
            ua_conn_kill(c, "writing failed");
            return;
        }
        memmove(c->out, c->out + n, c->out_n - n);
        c->out_n -= n;
        if (r == 0 && n == 0)
            break;
    }
    watch(c);
}

bool
ua_conn_send(struct ua_conn *c, const struct rf_addr *to, struct rf_span octets)
{
    if (c == NULL || c->is_dead)
        return false;
    if (c->transport == RF_UA_UDP) {
        /* A datagram that the kernel does not take is as good as lost; retransmission deals with both. */
        (void)!sendto(c->handle.fd, octets.p, octets.n, 0, &to->sa, rf_addr_len(to));
        return true;
    }
    if (c->out_n + octets.n > c->out_cap) {
        size_t cap = c->out_n + octets.n;
        char *more = cap <= OUT_MAX ? realloc(c->out, cap) : NULL;

        if (more == NULL) {
            ua_conn_kill(c, "the peer does not read");
            return false;
        }
        c->out = more;
        c->out_cap = cap;
    }
    memcpy(c->out + c->out_n, octets.p, octets.n);
    c->out_n += octets.n;
    flush(c);
    return !c->is_dead;
}

/* --- reading --- */

static void
udp_ready(struct ua_handle *h, uint32_t events)
{
    struct ua_conn *c = rf_container(h, struct ua_conn, handle);
    static _Thread_local char datagram[RF_SIP_MESSAGE_MAX];
    struct sockaddr_storage from;
    struct rf_addr source;

    for (int i = 0; i < 64; i++) {
        socklen_t n = sizeof from;
        ssize_t r = recvfrom(h->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &n);

        if (r < 0)
            return;
        source = rf_addr_from((struct sockaddr *)&from);
        ua_txn_receive(c->ua, c, &source, rf_span(datagram, (size_t)r));
    }
}

static void
take_messages(struct ua_conn *c)
{
    size_t n;
    struct rf_sip_problem problem;

    while (!c->is_dead && c->in_n > 0) {
        /* Only the side that opened a connection pings (RFC 5626 3.5.1), so what a server sends is a pong, and
         * need not wait for the octets that would make it a ping. */
        if (!c->is_server && c->in_n >= 2 && memcmp(c->in, "\r\n", 2) == 0) {
            c->ua->link_info.pongs++;
            c->in_n -= 2;
            memmove(c->in, c->in + 2, c->in_n);
            continue;
        }
        switch (rf_sip_frame(rf_span(c->in, c->in_n), &n, &problem)) {
        case RF_FRAME_MORE:
            if (c->in_n == RF_SIP_MESSAGE_MAX)
                ua_conn_kill(c, "a message is too long");
            return;
        case RF_FRAME_MESSAGE:
            ua_txn_receive(c->ua, c, &c->peer, rf_span(c->in, n));
            break;
        case RF_FRAME_PING:
            ua_conn_send(c, &c->peer, RF_SPAN_LIT("\r\n"));
            break;
        case RF_FRAME_PONG:
            break;
        case RF_FRAME_BROKEN:
            ua_conn_kill(c, problem.sentence);
            return;
        }
        if (c->is_dead)
            return;
        memmove(c->in, c->in + n, c->in_n - n);
        c->in_n -= n;
    }
}

/* false: nothing more now */
static bool
read_some(struct ua_conn *c)
{
    size_t n = 0, room = RF_SIP_MESSAGE_MAX - c->in_n;
    char why[200];
    ssize_t r;

    if (c->ssl != NULL) {
        ERR_clear_error();
        if (SSL_read_ex(c->ssl, c->in + c->in_n, room, &n) != 1) {
            int code = SSL_get_error(c->ssl, 0);

            if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
                return false;
            tls_error(code == SSL_ERROR_ZERO_RETURN ? "the peer closed the TLS connection" : "TLS", why, sizeof why);
            ua_conn_kill(c, why);
            return false;
        }
    } else {
        r = recv(c->handle.fd, c->in + c->in_n, room, 0);
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (r <= 0) {
            ua_conn_kill(c, r == 0 ? "the peer closed the connection" : strerror(errno));
            return false;
        }
        n = (size_t)r;
    }
    c->in_n += n;
    take_messages(c);
    return !c->is_dead;
}

static void
link_is_up(struct ua_conn *c)
{
    struct rf_ua_link_info *info = &c->ua->link_info;

    if (c->is_server)
        return;
    info->is_up = true;
    info->error[0] = '\0';
    if (c->ssl == NULL)
        return;
    snprintf(info->tls_version, sizeof info->tls_version, "%s", SSL_get_version(c->ssl));
    snprintf(info->tls_cipher, sizeof info->tls_cipher, "%s", SSL_get_cipher_name(c->ssl));
    info->is_verified = SSL_get_verify_result(c->ssl) == X509_V_OK && SSL_get_verify_mode(c->ssl) != SSL_VERIFY_NONE;
}

static void
handshake(struct ua_conn *c)
{
    char why[200], what[120];
    int r, code;

    ERR_clear_error();
    r = SSL_do_handshake(c->ssl);
    if (r == 1) {
        c->is_handshaking = false;
        link_is_up(c);
        return;
    }
    code = SSL_get_error(c->ssl, r);
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return;
    if (SSL_get_verify_result(c->ssl) != X509_V_OK && !c->ua->conf.tls_unverified)
        snprintf(what, sizeof what, "TLS: %s", X509_verify_cert_error_string(SSL_get_verify_result(c->ssl)));
    else
        snprintf(what, sizeof what, "TLS");
    tls_error(what, why, sizeof why);
    ua_conn_kill(c, why);
}

static void
conn_ready(struct ua_handle *h, uint32_t events)
{
    struct ua_conn *c = rf_container(h, struct ua_conn, handle);

    if (c->is_dead)
        return;
    if (c->is_connecting) {
        int err = 0;
        socklen_t n = sizeof err;

        if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0 || err != 0) {
            ua_conn_kill(c, strerror(err));
            return;
        }
        if ((events & EPOLLOUT) == 0)
            return;
        c->is_connecting = false;
        if (c->ssl == NULL)
            link_is_up(c);
    }
    if (c->is_handshaking)
        handshake(c);
    if (c->is_dead || c->is_handshaking) {
        watch(c);
        return;
    }
    if (c->in == NULL && (c->in = malloc(RF_SIP_MESSAGE_MAX)) == NULL) {
        ua_conn_kill(c, "out of memory");
        return;
    }
    while (read_some(c))
        ;
    if (!c->is_dead)
        flush(c);
}

static void
listener_ready(struct ua_handle *h, uint32_t events)
{
    struct ua_conn *listener = rf_container(h, struct ua_conn, handle), *c;
    struct rf_ua *ua = listener->ua;
    struct sockaddr_storage from;
    socklen_t n = sizeof from;
    int fd = accept4(h->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c = conn_new(ua, fd, conn_ready);
    if (c == NULL)
        return;
    c->is_server = true;
    c->peer = rf_addr_from((struct sockaddr *)&from);
    c->local = local_of(fd);
    if (ua->conf.transport == RF_UA_TLS && !tls_begin(c)) {
        ua_conn_kill(c, "the TLS connection could not be prepared");
        return;
    }
    watch(c);
}
