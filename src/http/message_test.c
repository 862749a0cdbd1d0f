#include "http/message.h"
#include "http/date.h"
#include "tap.h"

#define H "Host: pbx.example\r\n"

static const struct {
    const char *in;
    int status; /* 0: read; -1: not whole yet */
    const char *why;
} heads[] = {
    { "GET / HTTP/1.1\r\n" H "\r\n", 0, "RFC 9112 3" },
    { "GET /a?b=c HTTP/1.1\r\n" H "\r\n", 0, "with a query" },
    { "GET / HTTP/1.0\r\n\r\n", 0, "HTTP/1.0 needs no Host" },
    { "GET http://pbx.example/x HTTP/1.1\r\n" H "\r\n", 0, "absolute-form (3.2.2)" },
    { "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0, "asterisk-form" },
    { "\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, "an empty line before it (2.2)" },
    { "BREW /pot HTTP/1.1\r\n" H "\r\n", 0, "an unknown method is a routing matter" },
    { "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", 0, "IPv6 and a port" },
    { "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400, "something else behind the bracket" },
    { "GET / HTTP/1.1\r\n" H "X: \r\n\r\n", 0, "an empty value" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 0, "an empty body" },
    { "GET / HTTP/1.1\r\n" H, -1, "no empty line yet" },
    { "GET / HTT", -1, "half a request line" },
    { "", -1, "nothing" },
    { "GET / HTTP/1.1\r", -1, "half a line end" },
    { "GET / HTTP/1.1\n" H "\r\n", 400, "bare LF (2.2)" },
    { "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bare LF in a header" },
    { "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "bare CR" },
    { "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bare CR ends a line" },
    { "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, "obs-fold (5.2)" },
    { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "space before the colon (5.1)" },
    { "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "space before the first header (2.2)" },
    { "GET / HTTP/1.1\r\nHost\r\n\r\n", 400, "no colon" },
    { "GET / HTTP/1.1\r\n: a\r\n\r\n", 400, "no name" },
    { "GET / HTTP/1.1\r\n" H "X: a\001\r\n\r\n", 400, "a control character" },
    { "GET / HTTP/1.1\r\n\r\n", 400, "no Host (RFC 9112 3.2)" },
    { "GET / HTTP/1.1\r\n" H H "\r\n", 400, "two Hosts" },
    { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "a Host with a path" },
    { "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400, "a port that is none" },
    { "GET  / HTTP/1.1\r\n" H "\r\n", 400, "two spaces" },
    { "GET /a b HTTP/1.1\r\n" H "\r\n", 400, "a space in the target" },
    { "GET /#x HTTP/1.1\r\n" H "\r\n", 400, "a fragment" },
    { "GET pbx HTTP/1.1\r\n" H "\r\n", 400, "a target without a slash" },
    { "GET * HTTP/1.1\r\n" H "\r\n", 400, "asterisk-form is OPTIONS'" },
    { "GET /\r\n\r\n", 400, "HTTP/0.9" },
    { "GET / HTTP/2.0\r\n" H "\r\n", 505, "another major version" },
    { "GET / http/1.1\r\n" H "\r\n", 400, "the version is case-sensitive (2.3)" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, "two lengths, even the same" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400, "a list of lengths" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400, "a sign" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400, "hexadecimal" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", 400, "above any length" },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both (6.1)" },
    { "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "twice" },
    { "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "another coding" },
    { "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501, "nearly chunked" },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0 (6.1)" },
    { "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417, "an expectation nobody knows" },
};

static void
test_heads(void)
{
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct rf_http_request r;
        struct rf_http_problem p;
        enum rf_err err = rf_http_request_read(rf_span_str(heads[i].in), &r, &p);
        int got = err == RF_OK ? 0 : err == RF_ERR_AGAIN ? -1 : p.status;

        ok(got == heads[i].status, "head %zu: %s (%d, want %d)", i, heads[i].why, got, heads[i].status);
    }
}

static void
test_limits(void)
{
    static char mem[40000];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_http_request r;
    struct rf_http_problem p;

    rf_put_str(&b, "GET / HTTP/1.1\r\n" H);
    for (int i = 0; i < RF_HTTP_HEADERS_MAX; i++)
        rf_putf(&b, "X-%d: y\r\n", i);
    rf_put_str(&b, "\r\n");
    ok(rf_http_request_read(rf_buf_span(&b), &r, &p) == RF_ERR_SYNTAX && p.status == 431, "one header too many");
    b.n = 0;
    rf_put_str(&b, "GET / HTTP/1.1\r\n" H "X: ");
    while (b.n < RF_HTTP_HEAD_MAX)
        rf_put_char(&b, 'x');
    ok(rf_http_request_read(rf_buf_span(&b), &r, &p) == RF_ERR_SYNTAX && p.status == 431,
       "a header that never ends is refused at the limit");
    b.n = 0;
    rf_put_str(&b, "GET /");
    while (b.n < RF_HTTP_TARGET_MAX + 10)
        rf_put_char(&b, 'x');
    rf_put_str(&b, " HTTP/1.1\r\n" H "\r\n");
    ok(rf_http_request_read(rf_buf_span(&b), &r, &p) == RF_ERR_SYNTAX && p.status == 414, "a long target");
}

static void
test_meaning(void)
{
    struct rf_http_request r;
    struct rf_http_problem p;

    ok(rf_http_request_read(RF_SPAN_LIT("GET http://other.example:81/p?q HTTP/1.1\r\n" H "\r\n"), &r, &p) == RF_OK &&
           rf_span_is(r.host, "other.example") && r.host_port == 81 && rf_span_is(r.path, "/p") &&
           rf_span_is(r.query, "q"),
       "the authority of an absolute-form target counts, not Host");
    ok(rf_http_request_read(RF_SPAN_LIT("GET / HTTP/1.1\r\n" H "Connection: x, close\r\n\r\n"), &r, &p) == RF_OK &&
           !r.keep_alive,
       "Connection: close among others");
    ok(rf_http_request_read(RF_SPAN_LIT("GET / HTTP/1.1\r\n" H "\r\n"), &r, &p) == RF_OK && r.keep_alive,
       "HTTP/1.1 keeps the connection");
    ok(rf_http_request_read(RF_SPAN_LIT("GET / HTTP/1.0\r\n\r\n"), &r, &p) == RF_OK && !r.keep_alive,
       "HTTP/1.0 does not");
    ok(rf_span_is(rf_http_header_value(&r, "host"), "") && r.header_count == 0, "a header that is not there");
}

static const struct {
    const char *in;
    const char *out; /* NULL: err */
    enum rf_err err;
    const char *why;
} chunked[] = {
    { "5\r\nhello\r\n0\r\n\r\n", "hello", RF_OK, "one chunk" },
    { "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "hello world", RF_OK, "an extension" },
    { "0\r\n\r\n", "", RF_OK, "nothing" },
    { "5\r\nhello\r\n0\r\nX: y\r\n\r\n", "hello", RF_OK, "a trailer is dropped" },
    { "5\r\nhel", NULL, RF_ERR_AGAIN, "half a chunk" },
    { "5\r\nhello\r\n0\r\n", NULL, RF_ERR_AGAIN, "no empty line yet" },
    { "5\r\nhelloXX0\r\n\r\n", NULL, RF_ERR_SYNTAX, "a chunk that is longer than it says" },
    { "5\nhello\r\n0\r\n\r\n", NULL, RF_ERR_SYNTAX, "bare LF" },
    { "-5\r\nhello\r\n", NULL, RF_ERR_SYNTAX, "a sign" },
    { "\r\nhello\r\n", NULL, RF_ERR_SYNTAX, "no number" },
    { "0x5\r\nhello\r\n", NULL, RF_ERR_SYNTAX, "0x" },
    { "7fffffff\r\n", NULL, RF_ERR_RANGE, "larger than allowed" },
    { "10000000000000005\r\nhello\r\n0\r\n\r\n", NULL, RF_ERR_RANGE, "a number that wraps" },
};

static void
test_bodies(void)
{
    struct rf_http_request r = { .framing = RF_HTTP_CHUNKED };
    char mem[64];
    struct rf_span body;
    size_t used;

    for (size_t i = 0; i < sizeof chunked / sizeof *chunked; i++) {
        enum rf_err err = rf_http_body_read(&r, rf_span_str(chunked[i].in), mem, sizeof mem, &body, &used);

        ok(err == chunked[i].err && (err || (rf_span_is(body, chunked[i].out) && used == strlen(chunked[i].in))),
           "chunked: %s", chunked[i].why);
    }
    r = (struct rf_http_request){ .framing = RF_HTTP_LENGTH, .length = 5 };
    ok(rf_http_body_read(&r, RF_SPAN_LIT("helloGET /"), mem, sizeof mem, &body, &used) == RF_OK && used == 5 &&
           rf_span_is(body, "hello"),
       "a body ends where its length says; the next request stays");
    r.length = 65;
    ok(rf_http_body_read(&r, RF_SPAN_LIT(""), mem, sizeof mem, &body, &used) == RF_ERR_RANGE,
       "too long a body is refused before it comes");
}

static const struct {
    const char *in, *out; /* NULL: refused */
} paths[] = {
    { "/", "/" }, { "/a%20b", "/a b" }, { "/a/../b", NULL }, { "/a/%2e%2e/b", NULL }, { "/.", NULL }, { "/a/..", NULL },
    { "/...", "/..." }, { "/a%2fb", NULL }, { "/a%5cb", NULL }, { "/%00", NULL }, { "/%4", NULL }, { "/%zz", NULL },
    { "/.well-known/x", "/.well-known/x" },
};

static void
test_paths(void)
{
    char mem[64];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        enum rf_err err = rf_http_path_decode(rf_span_str(paths[i].in), mem, sizeof mem);

        ok(paths[i].out == NULL ? err != RF_OK : err == RF_OK && strcmp(mem, paths[i].out) == 0, "path %s",
           paths[i].in);
    }
    ok(rf_http_path_decode(RF_SPAN_LIT("/abcdef"), mem, 4) == RF_ERR_RANGE, "a path that is too long");
}

static void
test_responses(void)
{
    char mem[512];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    int64_t when = 0;

    rf_http_put_status(&b, 404, 784111777);
    rf_http_put_body(&b, "text/plain", RF_SPAN_LIT("no"), false);
    ok(rf_span_is(rf_buf_span(&b), "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                   "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nno"),
       "a response, octet for octet");
    b.n = 0;
    rf_http_put_status(&b, 200, 0);
    rf_http_put_body(&b, NULL, RF_SPAN_LIT("no"), true);
    ok(rf_span_find_str(rf_buf_span(&b), RF_SPAN_LIT("Content-Length: 2\r\n\r\n")) + 21 == b.n,
       "HEAD has the length and no body");
    b.n = 0;
    rf_http_put_header(&b, "Location", RF_SPAN_LIT("/a\r\nSet-Cookie: x"));
    ok(rf_buf_done(&b) != RF_OK, "a value that would split the response makes none");
    ok(rf_http_date_read(RF_SPAN_LIT("Sun, 06 Nov 1994 08:49:37 GMT"), &when) == RF_OK && when == 784111777,
       "a date is read back");
    ok(rf_http_date_read(RF_SPAN_LIT("Sunday, 06-Nov-94 08:49:37 GMT"), &when) != RF_OK, "obsolete dates are not");
}

int
main(void)
{
    test_heads();
    test_limits();
    test_meaning();
    test_bodies();
    test_paths();
    test_responses();
    return tap_done();
}
