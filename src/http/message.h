/*
 * http/message.h - HTTP/1.1 requests in, responses out (RFC 9110, RFC 9112)
 *
 * A request is read from the octets that have come so far: not yet whole, whole, or never to be one. What two servers
 * could read in two ways is refused instead of guessed at, because that is how requests are smuggled: a line end that
 * is not CRLF, a folded header, space before a colon, Content-Length twice, or together with Transfer-Encoding.
 *
 * A body comes by Content-Length or chunked; rf_http_body_read copies its octets out of either.
 *
 * Threads: any; plain functions. Memory: spans into the caller's buffer.
 */
#ifndef RF_HTTP_MESSAGE_H
#define RF_HTTP_MESSAGE_H

#include "base/buf.h"

#define RF_HTTP_HEAD_MAX    16384 /* request line and headers; browsers send 1 to 4 kB */
#define RF_HTTP_HEADERS_MAX 64
#define RF_HTTP_TARGET_MAX  4096
#define RF_HTTP_TRAILER_MAX 2048  /* octets of chunk extensions of one line, and of trailers */

enum rf_http_method { RF_HTTP_OTHER, RF_HTTP_GET, RF_HTTP_HEAD, RF_HTTP_POST, RF_HTTP_PUT, RF_HTTP_PATCH,
                      RF_HTTP_DELETE, RF_HTTP_OPTIONS, RF_HTTP_METHOD_COUNT };

/* Bits for tables of routes. */
#define RF_HTTP_BIT(method) (1u << (method))

const char *rf_http_method_name(enum rf_http_method m);

struct rf_http_header {
    struct rf_span name, value; /* value without spaces at its ends */
};

enum rf_http_framing { RF_HTTP_NO_BODY, RF_HTTP_LENGTH, RF_HTTP_CHUNKED };

struct rf_http_request {
    enum rf_http_method method;
    struct rf_span method_text;
    struct rf_span target;       /* as it came */
    struct rf_span path, query;  /* of an absolute-form target, too; query without '?' */
    struct rf_span host;         /* Host, or the authority of an absolute-form target; without the port */
    uint16_t host_port;          /* 0: none was named */
    int minor;                   /* HTTP/1.minor */
    bool keep_alive;             /* the connection may go on after the answer */
    bool expects_continue;
    enum rf_http_framing framing;
    uint64_t length;             /* RF_HTTP_LENGTH */
    size_t head_octets;          /* request line, headers, empty line: where the body begins */
    size_t header_count;
    struct rf_http_header header[RF_HTTP_HEADERS_MAX];
};

/* What a request that cannot be read gets. */
struct rf_http_problem {
    int status;                  /* 400, 414, 417, 431, 501, 505 */
    const char *sentence;        /* a constant string */
};

/**
 * Read the head of a request.
 * @return RF_OK; RF_ERR_AGAIN it is not whole yet; RF_ERR_SYNTAX with *problem: answer it and close
 */
RF_MUST_CHECK enum rf_err rf_http_request_read(struct rf_span octets, struct rf_http_request *out,
                                               struct rf_http_problem *problem);

/** The value of a header; p == NULL: there is none. The first when there are several. */
struct rf_span rf_http_header_value(const struct rf_http_request *r, const char *name);

/**
 * Read the body behind the head.
 * @param octets  what came behind the head
 * @param used    octets of the body with its framing, when it is whole
 * @param body    its octets are copied here when it is chunked; at most `max`
 * @param out     the body: in `octets` or in `body`
 * @return RF_OK; RF_ERR_AGAIN not whole yet; RF_ERR_RANGE longer than max (413); RF_ERR_SYNTAX
 */
RF_MUST_CHECK enum rf_err rf_http_body_read(const struct rf_http_request *r, struct rf_span octets, char *body,
                                            size_t max, struct rf_span *out, size_t *used);

/**
 * The path with %XX decoded into mem, as a C string. What a table of routes compares.
 * @return RF_ERR_SYNTAX a wrong %XX, %00 or %2F, a dot segment; RF_ERR_RANGE too long
 */
RF_MUST_CHECK enum rf_err rf_http_path_decode(struct rf_span path, char *mem, size_t size);

/* --- responses --- */

/** "Not Found". "" of a number we never send. */
const char *rf_http_reason(int status);

/** Status line and Date. Headers follow by rf_http_put_header, then rf_http_put_body. */
void rf_http_put_status(struct rf_buf *out, int status, int64_t wall_s);
/** A value with CR, LF or NUL in it makes the whole response unusable (out->overflow): it would split it. */
void rf_http_put_header(struct rf_buf *out, const char *name, struct rf_span value);
void rf_http_put_headerf(struct rf_buf *out, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Content-Type, Content-Length, empty line and the body; with HEAD the body is left out (RFC 9110 9.3.2). */
void rf_http_put_body(struct rf_buf *out, const char *type, struct rf_span body, bool is_head);

#endif
