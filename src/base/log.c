#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd, file_fd;
    enum rf_log_level level;
    const char *process;
    bool is_terminal;
} log_to = { STDERR_FILENO, -1, RF_LOG_INFO, "ringfence", false };

static const char *const level_name[] = { "error", "warn", "info", "debug" };

void
rf_log_open(int fd, int file_fd, enum rf_log_level level, const char *process)
{
    log_to.fd = fd;
    log_to.file_fd = file_fd;
    log_to.level = level;
    log_to.process = process;
    log_to.is_terminal = fd >= 0 && isatty(fd) == 1;
}

/* Octets of the UTF-8 sequence at p, 0 when it is none (RFC 3629: no overlong forms, no surrogates). */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;

    if (p[0] >= 0x80 && p[0] < 0xc2)
        return 0;
    if (p[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

void
rf_text_mend(char *text)
{
    size_t left = strlen(text);

    for (char *p = text; left > 0;) {
        size_t n = utf8_length((const unsigned char *)p, left);
        bool is_control = ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f;

        if (n == 0 || is_control) {
            *p = '?';
            n = 1;
        }
        p += n;
        left -= n;
    }
}

void
rf_put_json_string(struct rf_buf *b, struct rf_span s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    rf_put_char(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t n = utf8_length(p + i, s.n - i);

        if (n == 0) {
            rf_put_str(b, "\\ufffd");
            n = 1;
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            rf_putf(b, "\\u%04x", p[i]);
        } else if (p[i] == '"' || p[i] == '\\') {
            rf_put_char(b, '\\');
            rf_put_char(b, (char)p[i]);
        } else {
            rf_put(b, rf_span(p + i, n));
        }
        i += n;
    }
    rf_put_char(b, '"');
}

static void
put_value(struct rf_buf *b, const struct rf_log_field *f)
{
    char text[RF_ADDR_TEXT_MAX];

    switch (f->kind) {
    case RF_LOG_STR:
        rf_put_json_string(b, rf_span_str(f->str));
        break;
    case RF_LOG_SPAN:
        rf_put_json_string(b, f->span);
        break;
    case RF_LOG_U64:
        rf_put_u64(b, f->u64);
        break;
    case RF_LOG_I64:
        rf_putf(b, "%lld", (long long)f->i64);
        break;
    case RF_LOG_BOOL:
        rf_put_str(b, f->u64 != 0 ? "true" : "false");
        break;
    case RF_LOG_ADDR:
        rf_put_json_string(b, rf_span_str(rf_addr_text(f->addr, text)));
        break;
    case RF_LOG_JSON:
        rf_put(b, f->span);
        break;
    case RF_LOG_END:
        break;
    }
}

static void
write_line(int fd, struct rf_buf *b)
{
    ssize_t n;

    /* A line that is too long ends early rather than not at all; its JSON is then broken, and says so. */
    if (b->n == b->cap)
        b->n--;
    b->p[b->n++] = '\n';
    do
        n = write(fd, b->p, b->n);
    while (n < 0 && errno == EINTR);
    b->n--;
}

static void
put_json(struct rf_buf *b, enum rf_log_level level, const char *code, const char *event, const char *msg,
         const struct rf_log_field *fields)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    rf_putf(b, "{\"ts\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\"", tm.tm_year + 1900,
            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000,
            level_name[level]);
    if (code != NULL)
        rf_putf(b, ",\"code\":\"%s\"", code);
    rf_putf(b, ",\"event\":\"%s\",\"process\":\"%s\",\"msg\":", event, log_to.process);
    rf_put_json_string(b, rf_span_str(msg));
    for (; fields->kind != RF_LOG_END; fields++) {
        rf_putf(b, ",\"%s\":", fields->name);
        put_value(b, fields);
    }
    rf_put_char(b, '}');
}

static void
put_text(struct rf_buf *b, enum rf_log_level level, const char *code, const char *event, const char *msg,
         const struct rf_log_field *fields)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    rf_putf(b, "%02d:%02d:%02d.%03ld %-5s %s%s%s", tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000,
            level_name[level], code != NULL ? code : "", code != NULL ? " " : "", msg);
    rf_putf(b, "  event=%s", event);
    for (; fields->kind != RF_LOG_END; fields++) {
        if (fields->kind == RF_LOG_JSON) /* for programs; a person asks for it by command */
            continue;
        rf_putf(b, " %s=", fields->name);
        put_value(b, fields);
    }
}

void
rf_log_event(enum rf_log_level level, const char *code, const char *event, const char *msg,
             const struct rf_log_field *fields)
{
    /* Call records carry the evidence of both legs: about 6 kB. PIPE_BUF is 4096; longer lines may interleave
     * on a pipe shared by processes, never in a file opened with O_APPEND. */
    char mem[16384];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (level > log_to.level)
        return;
    if (log_to.file_fd >= 0 || (log_to.fd >= 0 && !log_to.is_terminal)) {
        put_json(&b, level, code, event, msg, fields);
        if (log_to.file_fd >= 0)
            write_line(log_to.file_fd, &b);
        if (log_to.fd >= 0 && !log_to.is_terminal)
            write_line(log_to.fd, &b);
    }
    if (log_to.fd >= 0 && log_to.is_terminal) {
        b = rf_buf(mem, sizeof mem);
        put_text(&b, level, code, event, msg, fields);
        write_line(log_to.fd, &b);
    }
}
