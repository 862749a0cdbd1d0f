#include "http/message.h"

#include <stdio.h>

#include "http/date.h"

static const char *const method_names[RF_HTTP_METHOD_COUNT] = {
    [RF_HTTP_OTHER] = "",       [RF_HTTP_GET] = "GET",       [RF_HTTP_HEAD] = "HEAD",     [RF_HTTP_POST] = "POST",
    [RF_HTTP_PUT] = "PUT",      [RF_HTTP_PATCH] = "PATCH",   [RF_HTTP_DELETE] = "DELETE",
    [RF_HTTP_OPTIONS] = "OPTIONS",
};

const char *
rf_http_method_name(enum rf_http_method m)
{
    return method_names[m];
}

/* tchar of RFC 9110 5.6.2 */
static bool
is_tchar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_tchar(s.p[i]))
            return false;
    return s.n > 0;
}

static enum rf_err
refuse(struct rf_http_problem *problem, int status, const char *sentence)
{
    *problem = (struct rf_http_problem){ status, sentence };
    return RF_ERR_SYNTAX;
}

/* --- the request line --- */

static enum rf_http_method
method_of(struct rf_span s)
{
    for (int m = RF_HTTP_GET; m < RF_HTTP_METHOD_COUNT; m++)
        if (rf_span_is(s, method_names[m]))
            return (enum rf_http_method)m;
    return RF_HTTP_OTHER;
}

/* uri-host [ ":" port ]                                        RFC 9110 7.2 */
static bool
take_host(struct rf_http_request *r, struct rf_span s)
{
    struct rf_span host = s, port = { NULL, 0 };
    uint64_t number = 0;
    size_t close = rf_span_find(s, ']');

    if (s.n > 0 && s.p[0] == '[') {
        if (close == s.n)
            return false;
        host = rf_span_sub(s, 0, close + 1);
        port = rf_span_sub(s, close + 1, s.n);
    } else {
        size_t colon = rf_span_find(s, ':');

        host = rf_span_sub(s, 0, colon);
        port = rf_span_sub(s, colon, s.n);
    }
    if (port.n > 0 && port.p[0] != ':')
        return false;
    if (port.n > 1 && rf_span_u64(rf_span_sub(port, 1, port.n), 65535, &number) != RF_OK)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
              c == '_' || c == ':' || c == '[' || c == ']'))
            return false;
    }
    r->host = host;
    r->host_port = (uint16_t)number;
    return host.n < 256;
}

/* request-target = origin-form / absolute-form / asterisk-form         RFC 9112 3.2; authority-form is CONNECT's */
static bool
take_target(struct rf_http_request *r, struct rf_span target)
{
    struct rf_span rest = target;
    size_t mark;

    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= ' ' || target.p[i] > '~')
            return false;
    r->target = target;
    if (rf_span_is(target, "*")) {
        r->path = target;
        return r->method == RF_HTTP_OPTIONS;
    }
    if (target.n > 7 && (rf_span_starts(target, "http://") || rf_span_starts(target, "https://"))) {
        size_t from = target.p[4] == 's' ? 8 : 7, slash;

        rest = rf_span_sub(target, from, target.n);
        slash = rf_span_find(rest, '/');
        if (!take_host(r, rf_span_sub(rest, 0, slash)) || r->host.n == 0)
            return false;
        rest = rf_span_sub(rest, slash, rest.n);
        if (rest.n == 0)
            rest = RF_SPAN_LIT("/");
    }
    if (rest.n == 0 || rest.p[0] != '/' || rf_span_find(rest, '#') < rest.n)
        return false;
    mark = rf_span_find(rest, '?');
    r->path = rf_span_sub(rest, 0, mark);
    r->query = rf_span_sub(rest, mark + 1, rest.n);
    return true;
}

/* request-line = method SP request-target SP HTTP-version          RFC 9112 3 */
static enum rf_err
take_request_line(struct rf_http_request *r, struct rf_span line, struct rf_http_problem *problem)
{
    size_t first = rf_span_find(line, ' ');
    struct rf_span rest = rf_span_sub(line, first + 1, line.n);
    size_t second = rf_span_find(rest, ' ');
    struct rf_span version = rf_span_sub(rest, second + 1, rest.n);

    r->method_text = rf_span_sub(line, 0, first);
    if (!is_token(r->method_text) || second == rest.n)
        return refuse(problem, 400, "the request line cannot be read");
    r->method = method_of(r->method_text);
    if (version.n != 8 || !rf_span_starts(version, "HTTP/") || version.p[6] != '.')
        return refuse(problem, 400, "the request line cannot be read");
    if (version.p[5] != '1' || version.p[7] < '0' || version.p[7] > '9')
        return refuse(problem, 505, "this server speaks HTTP/1.1");
    r->minor = version.p[7] > '0' ? 1 : 0;
    if (second > RF_HTTP_TARGET_MAX)
        return refuse(problem, 414, "the address is too long");
    if (!take_target(r, rf_span_sub(rest, 0, second)))
        return refuse(problem, 400, "the address cannot be read");
    return RF_OK;
}

/* --- headers --- */

/* field-line = field-name ":" OWS field-value OWS                   RFC 9112 5 */
static enum rf_err
take_header(struct rf_http_request *r, struct rf_span line, struct rf_http_problem *problem)
{
    size_t colon = rf_span_find(line, ':');
    struct rf_http_header *h = &r->header[r->header_count];

    if (line.p[0] == ' ' || line.p[0] == '\t') /* obs-fold, 5.2 */
        return refuse(problem, 400, "a header is folded over two lines");
    if (r->header_count == RF_HTTP_HEADERS_MAX)
        return refuse(problem, 431, "there are too many headers");
    if (colon == line.n || !is_token(rf_span_sub(line, 0, colon))) /* also space before the colon, 5.1 */
        return refuse(problem, 400, "a header cannot be read");
    h->name = rf_span_sub(line, 0, colon);
    h->value = rf_span_trim(rf_span_sub(line, colon + 1, line.n));
    for (size_t i = 0; i < h->value.n; i++)
        if (((unsigned char)h->value.p[i] < ' ' && h->value.p[i] != '\t') || h->value.p[i] == 0x7f)
            return refuse(problem, 400, "a header has a control character");
    r->header_count++;
    return RF_OK;
}

static size_t
count_of(const struct rf_http_request *r, const char *name, struct rf_span *value)
{
    size_t n = 0;

    for (size_t i = 0; i < r->header_count; i++)
        if (rf_span_iis(r->header[i].name, name)) {
            *value = r->header[i].value;
            n++;
        }
    return n;
}

/* Is this word in the comma-separated list? */
static bool
list_has(struct rf_span list, const char *word)
{
    while (list.n > 0) {
        size_t comma = rf_span_find(list, ',');

        if (rf_span_iis(rf_span_trim(rf_span_sub(list, 0, comma)), word))
            return true;
        list = rf_span_sub(list, comma + 1, list.n);
    }
    return false;
}

/* Where the body ends: RFC 9112 6.3, without its leniencies. */
static enum rf_err
take_framing(struct rf_http_request *r, struct rf_http_problem *problem)
{
    struct rf_span length = { NULL, 0 }, coding = { NULL, 0 };
    size_t lengths = count_of(r, "Content-Length", &length), codings = count_of(r, "Transfer-Encoding", &coding);

    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
        return refuse(problem, 400, "the length of the body is said twice");
    if (codings > 0) {
        if (r->minor == 0)
            return refuse(problem, 400, "HTTP/1.0 has no Transfer-Encoding");
        if (!rf_span_iis(coding, "chunked"))
            return refuse(problem, 501, "the only transfer coding known here is chunked");
        r->framing = RF_HTTP_CHUNKED;
    }
    if (lengths > 0) {
        /* No list, no sign: 1*DIGIT. */
        if (rf_span_u64(length, INT64_MAX, &r->length) != RF_OK)
            return refuse(problem, 400, "Content-Length is no number");
        r->framing = r->length > 0 ? RF_HTTP_LENGTH : RF_HTTP_NO_BODY;
    }
    return RF_OK;
}

static enum rf_err
take_meaning(struct rf_http_request *r, struct rf_http_problem *problem)
{
    struct rf_span host = { NULL, 0 }, connection = { NULL, 0 }, expect = { NULL, 0 };
    size_t hosts = count_of(r, "Host", &host);
    bool is_absolute = r->host.n > 0; /* its authority counts, not the header (RFC 9112 3.2.2) */
    struct rf_http_request other = { 0 };

    if (hosts > 1 || (hosts == 0 && r->minor == 1))
        return refuse(problem, 400, "there must be one Host header");
    if (hosts == 1 && !take_host(is_absolute ? &other : r, host))
        return refuse(problem, 400, "the Host header cannot be read");
    r->keep_alive = r->minor == 1;
    for (size_t i = 0; i < r->header_count; i++)
        if (rf_span_iis(r->header[i].name, "Connection")) {
            connection = r->header[i].value;
            if (list_has(connection, "close"))
                r->keep_alive = false;
        }
    if (count_of(r, "Expect", &expect) > 0) {
        if (!rf_span_iis(expect, "100-continue"))
            return refuse(problem, 417, "this expectation cannot be met");
        r->expects_continue = r->minor == 1;
    }
    return take_framing(r, problem);
}

/* One line up to CRLF. RF_ERR_AGAIN: no end yet. A bare CR or LF is refused (RFC 9112 2.2). */
static enum rf_err
cut_line(struct rf_span octets, size_t *at, struct rf_span *line, struct rf_http_problem *problem)
{
    struct rf_span rest = rf_span_sub(octets, *at, octets.n);
    size_t lf = rf_span_find(rest, '\n');

    if (lf == rest.n) {
        size_t cr = rf_span_find(rest, '\r');

        if (cr + 1 < rest.n)
            return refuse(problem, 400, "a line ends with a bare CR");
        return RF_ERR_AGAIN;
    }
    if (lf == 0 || rest.p[lf - 1] != '\r')
        return refuse(problem, 400, "a line ends with a bare LF");
    *line = rf_span_sub(rest, 0, lf - 1);
    if (rf_span_find(*line, '\r') < line->n || rf_span_find(*line, '\0') < line->n)
        return refuse(problem, 400, "a line has a bare CR or a NUL");
    *at += lf + 1;
    return RF_OK;
}

enum rf_err
rf_http_request_read(struct rf_span octets, struct rf_http_request *out, struct rf_http_problem *problem)
{
    struct rf_span head = rf_span_sub(octets, 0, RF_HTTP_HEAD_MAX), line;
    size_t at = 0;
    enum rf_err err;

    *out = (struct rf_http_request){ 0 };
    *problem = (struct rf_http_problem){ 0, "" };
    /* Some clients send an empty line behind a body (RFC 9112 2.2). */
    if (rf_span_starts(head, "\r\n"))
        at = 2;
    err = cut_line(head, &at, &line, problem);
    if (!err)
        err = take_request_line(out, line, problem);
    while (!err) {
        err = cut_line(head, &at, &line, problem);
        if (err || line.n == 0)
            break;
        err = take_header(out, line, problem);
    }
    if (err == RF_ERR_AGAIN && octets.n >= RF_HTTP_HEAD_MAX)
        return refuse(problem, 431, "the headers are too long");
    if (err)
        return err;
    out->head_octets = at;
    return take_meaning(out, problem);
}

struct rf_span
rf_http_header_value(const struct rf_http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (rf_span_iis(r->header[i].name, name))
            return r->header[i].value;
    return rf_span(NULL, 0);
}

/* --- bodies --- */

/* chunk-size = 1*HEXDIG, below 2^32: more is longer than any limit here. */
static enum rf_err
chunk_size(struct rf_span line, size_t *out)
{
    size_t semicolon = rf_span_find(line, ';'), n = 0;
    struct rf_span digits = rf_span_sub(line, 0, semicolon);

    if (digits.n == 0 || line.n > RF_HTTP_TRAILER_MAX)
        return RF_ERR_SYNTAX;
    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : c >= 'A' && c <= 'F'   ? c - 'A' + 10
                                                                      : -1;

        if (v < 0)
            return RF_ERR_SYNTAX;
        if (n > (SIZE_MAX >> 36))
            return RF_ERR_RANGE;
        n = n << 4 | (size_t)v;
    }
    *out = n;
    return RF_OK;
}

/* chunked-body = *chunk last-chunk trailer-section CRLF             RFC 9112 7.1 */
static enum rf_err
read_chunks(struct rf_span octets, char *body, size_t max, size_t *body_n, size_t *used)
{
    struct rf_http_problem ignored;
    size_t at = 0, size;
    struct rf_span line;
    enum rf_err err;

    *body_n = 0;
    while (true) {
        /* A line without an end must not make us wait for ever. */
        struct rf_span window = rf_span_sub(octets, 0, at + RF_HTTP_TRAILER_MAX);

        err = cut_line(window, &at, &line, &ignored);
        if (err)
            return err == RF_ERR_AGAIN && octets.n - at >= RF_HTTP_TRAILER_MAX ? RF_ERR_SYNTAX : err;
        err = chunk_size(line, &size);
        if (err)
            return err;
        if (size == 0)
            break;
        if (size > max - *body_n)
            return RF_ERR_RANGE;
        if (octets.n - at < size + 2)
            return octets.n - at > size && octets.p[at + size] != '\r' ? RF_ERR_SYNTAX : RF_ERR_AGAIN;
        if (octets.p[at + size] != '\r' || octets.p[at + size + 1] != '\n')
            return RF_ERR_SYNTAX;
        memcpy(body + *body_n, octets.p + at, size);
        *body_n += size;
        at += size + 2;
    }
    /* Trailers are read and dropped. */
    for (size_t start = at; !err; ) {
        err = cut_line(octets, &at, &line, &ignored);
        if (at - start > RF_HTTP_TRAILER_MAX || (err == RF_ERR_AGAIN && octets.n - start > RF_HTTP_TRAILER_MAX))
            return RF_ERR_SYNTAX;
        if (!err && line.n == 0)
            break;
    }
    *used = at;
    return err;
}

enum rf_err
rf_http_body_read(const struct rf_http_request *r, struct rf_span octets, char *body, size_t max, struct rf_span *out,
                  size_t *used)
{
    size_t n;
    enum rf_err err;

    *out = rf_span(NULL, 0);
    *used = 0;
    switch (r->framing) {
    case RF_HTTP_NO_BODY:
        return RF_OK;
    case RF_HTTP_LENGTH:
        if (r->length > max)
            return RF_ERR_RANGE;
        if (octets.n < r->length)
            return RF_ERR_AGAIN;
        *out = rf_span_sub(octets, 0, (size_t)r->length);
        *used = (size_t)r->length;
        return RF_OK;
    case RF_HTTP_CHUNKED:
        break;
    }
    err = read_chunks(octets, body, max, &n, used);
    *out = rf_span(body, n);
    return err;
}

/* --- paths --- */

static int
hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "." and ".." as a whole segment: what they mean depends on who resolves them, so they mean nothing here. */
static bool
has_dot_segment(const char *path)
{
    for (const char *p = path; (p = strchr(p, '/')) != NULL; ) {
        size_t n;

        p++;
        n = strcspn(p, "/");
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return true;
    }
    return false;
}

enum rf_err
rf_http_path_decode(struct rf_span path, char *mem, size_t size)
{
    struct rf_buf b = rf_buf(mem, size > 0 ? size - 1 : 0);

    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];

        if (c == '%') {
            int high = i + 2 < path.n ? hex(path.p[i + 1]) : -1, low = i + 2 < path.n ? hex(path.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return RF_ERR_SYNTAX;
            c = (char)(high << 4 | low);
            if (c == '\0' || c == '/' || c == '\\')
                return RF_ERR_SYNTAX;
            i += 2;
        }
        rf_put_char(&b, c);
    }
    if (b.overflow)
        return RF_ERR_RANGE;
    mem[b.n] = '\0';
    return has_dot_segment(mem) ? RF_ERR_SYNTAX : RF_OK;
}

/* --- responses --- */

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 100, "Continue" },           { 101, "Switching Protocols" },    { 200, "OK" },
    { 201, "Created" },            { 202, "Accepted" },               { 204, "No Content" },
    { 206, "Partial Content" },    { 303, "See Other" },              { 304, "Not Modified" },
    { 308, "Permanent Redirect" }, { 400, "Bad Request" },            { 401, "Unauthorized" },
    { 403, "Forbidden" },          { 404, "Not Found" },              { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },     { 408, "Request Timeout" },        { 409, "Conflict" },
    { 410, "Gone" },               { 411, "Length Required" },        { 412, "Precondition Failed" },
    { 413, "Content Too Large" },  { 414, "URI Too Long" },           { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" }, { 421, "Misdirected Request" },    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },   { 429, "Too Many Requests" },      { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" },     { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

const char *
rf_http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

void
rf_http_put_status(struct rf_buf *out, int status, int64_t wall_s)
{
    rf_putf(out, "HTTP/1.1 %d %s\r\nDate: ", status, rf_http_reason(status));
    rf_http_date_put(out, wall_s);
    rf_put_str(out, "\r\n");
}

void
rf_http_put_header(struct rf_buf *out, const char *name, struct rf_span value)
{
    if (rf_span_find(value, '\r') < value.n || rf_span_find(value, '\n') < value.n ||
        rf_span_find(value, '\0') < value.n)
        out->overflow = true;
    rf_put_str(out, name);
    rf_put_str(out, ": ");
    rf_put(out, value);
    rf_put_str(out, "\r\n");
}

void
rf_http_put_headerf(struct rf_buf *out, const char *name, const char *format, ...)
{
    char mem[1024];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(mem, sizeof mem, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof mem)
        out->overflow = true;
    else
        rf_http_put_header(out, name, rf_span(mem, (size_t)n));
}

void
rf_http_put_body(struct rf_buf *out, const char *type, struct rf_span body, bool is_head)
{
    if (type != NULL)
        rf_http_put_header(out, "Content-Type", rf_span_str(type));
    rf_http_put_headerf(out, "Content-Length", "%zu", body.n);
    rf_put_str(out, "\r\n");
    if (!is_head)
        rf_put(out, body);
}
