/*
 * benchmarks/tlsfloor.c - the floor of a TLS handshake: what OpenSSL itself costs
 *
 * A server with one thread and one epoll set that does nothing but handshakes and answers a CRLF to whatever it
 * reads. What a real server costs above this is its own.
 *
 * Usage: bench-tlsfloor PORT CERTIFICATE.pem KEY.pem    (loopback; ends by SIGTERM)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int fd;
    SSL *ssl;
};

static void
peer_end(struct peer *p)
{
    SSL_free(p->ssl);
    close(p->fd);
    free(p);
    ERR_clear_error();
}

static void
accept_all(int listener, int set, SSL_CTX *tls)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };

        if (p == NULL || (p->ssl = SSL_new(tls)) == NULL)
            abort();
        p->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        SSL_set_fd(p->ssl, fd);
        SSL_set_accept_state(p->ssl);
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
    }
}

static void
serve(struct peer *p)
{
    char octets[4096];
    int n;

    for (;;) {
        n = SSL_read(p->ssl, octets, sizeof octets);
        if (n > 0) {
            SSL_write(p->ssl, "\r\n", 2);
            continue;
        }
        if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ && SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_WRITE)
            peer_end(p);
        ERR_clear_error();
        return;
    }
}

int
main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event events[256], e = { .events = EPOLLIN };
    struct rlimit files;
    int listener, set, on = 1;
    SSL_CTX *tls;

    if (argc != 4) {
        fprintf(stderr, "usage: bench-tlsfloor PORT CERTIFICATE.pem KEY.pem\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    at.sin_port = htons((uint16_t)atoi(argv[1]));
    tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, argv[3], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) {
        perror("listen");
        return 1;
    }
    set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(set, events, 256, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(listener, set, tls);
            else
                serve(events[i].data.ptr);
        }
    }
}
