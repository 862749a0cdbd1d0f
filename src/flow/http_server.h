/*
 * flow/http_server.h - a small HTTP/1.1 server in an event loop: connections, timers, routes
 *
 * Takes inherited sockets, accepts, shakes hands, reads requests (http/message.h) and answers each by the route whose path
 * and method fit. It keeps connections alive, one request after the other. A slow or silent peer costs a bounded time
 * and a bounded buffer; a full server closes what it cannot serve.
 *
 * Force-HTTPS (308 to the same address) and HSTS are decided here, so that no route can forget them.
 *
 * Threads: that of its loop. Memory: an idle connection is 0.4 kB, and 13.7 kB of OpenSSL with TLS.
 */
#ifndef RF_FLOW_HTTP_SERVER_H
#define RF_FLOW_HTTP_SERVER_H

#include "http/message.h"
#include "loop/loop.h"
#include "tls/conn.h"

struct rf_http_server;

struct rf_http_limits {
    uint32_t connections_max;    /* one more is closed at once */
    uint32_t requests_max;       /* of one connection, then it is closed */
    size_t body_max;             /* octets of a request's body; above: 413 */
    uint64_t handshake_us;       /* TLS */
    uint64_t head_us;            /* from the first octet of a request to the end of its head; above: 408 */
    uint64_t body_us;            /* from there to the end of the body */
    uint64_t idle_us;            /* between requests */
    uint64_t stall_us;           /* an answer is queued and the peer takes nothing */
};

#define RF_HTTP_LIMITS                                                                                        \
    {                                                                                                         \
        .connections_max = 2000, .requests_max = 1000, .body_max = 1u << 20, .handshake_us = 10 * RF_S,       \
        .head_us = 10 * RF_S, .body_us = 60 * RF_S, .idle_us = 60 * RF_S, .stall_us = 30 * RF_S               \
    }

/* Strict-Transport-Security (RFC 6797). */
enum rf_http_hsts { RF_HSTS_OFF, RF_HSTS_ON, RF_HSTS_CLEAR /* max-age=0: browsers forget it */ };

struct rf_http_policy {
    bool force_https;
    uint16_t https_port;         /* for the redirect; 443 is not written */
    enum rf_http_hsts hsts;
};

/* What a route is asked. Valid during the call. */
struct rf_http_ask {
    const struct rf_http_request *request;
    const char *path;            /* decoded */
    const char *rest;            /* of a prefix route: what stands behind it */
    struct rf_span body;
    bool is_tls;
    const struct rf_addr *remote;
    int64_t wall_s;
};

/* What it answers; zeroed before. */
struct rf_http_reply {
    int status;                  /* 200 when it stays 0 */
    const char *type;            /* "text/plain; charset=utf-8" when NULL */
    struct rf_span body;         /* copied after the call: may lie in `mem` */
    struct rf_buf headers;       /* rf_http_put_header; 2 kB */
    char mem[4096];              /* scratch */
};

struct rf_http_route {
    const char *path;            /* decoded */
    bool is_prefix;              /* and everything behind it */
    bool stays_plain;            /* not redirected by force_https (IPC-3: ACME) */
    unsigned methods;            /* RF_HTTP_BIT(...); HEAD goes with GET */
    void (*serve)(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply);
};

struct rf_http_user {
    void *ctx;
    const struct rf_http_route *route; /* the first that fits counts */
    size_t routes;
    /** May this source connect? NULL: all may. */
    bool (*admit)(void *ctx, const struct rf_addr *source, uint64_t now_us);
    /** A handshake failed: its log line and count; `who` is the party, for folding repeats. NULL: logged here. */
    void (*refuse)(void *ctx, enum rf_refusal why, const struct rf_addr *who, const struct rf_log_field *fields,
                   uint64_t now_us);
};

RF_MUST_CHECK enum rf_err rf_http_server_new(struct rf_http_server **out, struct rf_loop *loop,
                                             const struct rf_http_limits *limits, const struct rf_http_user *user);
/** Closes everything. NULL is fine. */
void rf_http_server_free(struct rf_http_server *s);

/**
 * @param name  interface, for log lines; a constant string
 * @param id    for rf_http_server_unlisten; several may have the same
 * @param fd    listening; moves here on RF_OK
 */
RF_MUST_CHECK enum rf_err rf_http_server_listen(struct rf_http_server *s, const char *name, uint32_t id, int fd,
                                                bool is_tls);
/** Close the listeners with this id; connections stay. */
void rf_http_server_unlisten(struct rf_http_server *s, uint32_t id);
/** Connections from now on use it; a reference is taken. */
void rf_http_server_set_tls(struct rf_http_server *s, struct rf_tls_server *tls);
void rf_http_server_set_policy(struct rf_http_server *s, const struct rf_http_policy *policy);

#endif
