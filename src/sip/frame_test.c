/* Messages in a stream (RFC 3261 18.3, RFC 5626 4.4.1), and the lines under them. */
#include "sip/msg.h"
#include "sip/scan.h"

#include "base/rand.h"
#include "tap.h"

#define HEAD "OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" \
             "To: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
#define ACK "ACK sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"

static const struct {
    const char *kinds; /* what comes out in order: m message, p ping, o pong, w wait, b broken */
    int status;        /* of broken */
    const char *why;
    struct rf_span in;
} streams[] = {
#define M(text) RF_SPAN_LIT(text)
    { "w", 0, "nothing", M("") },
    { "p", 0, "a ping", M("\r\n\r\n") },
    { "w", 0, "half a ping", M("\r\n") },
    { "w", 0, "a quarter of a ping", M("\r") },
    { "w", 0, "most of a ping", M("\r\n\r") },
    { "pp", 0, "two pings", M("\r\n\r\n\r\n\r\n") },
    { "om", 0, "a CRLF before a message is skipped", M("\r\n" HEAD "l:0\r\n\r\n") },
    { "pm", 0, "a ping before a message", M("\r\n\r\n" HEAD "l:0\r\n\r\n") },
    { "pom", 0, "a ping and a CRLF", M("\r\n\r\n\r\n" HEAD "l:0\r\n\r\n") },
    { "mp", 0, "a ping behind a message", M(HEAD "l:0\r\n\r\n\r\n\r\n") },
    { "mm", 0, "two messages", M(HEAD "l:0\r\n\r\n" HEAD "l:4\r\n\r\nbody") },
    { "mw", 0, "a message and the beginning of another", M(HEAD "l:0\r\n\r\n" HEAD "l:4\r\n\r\nbod") },
    { "m", 0, "Content-Length with blanks and a fold", M(HEAD "Content-Length  : \r\n 4\r\n\r\nbody") },
    { "m", 0, "a body that looks like header lines", M(HEAD "l:22\r\n\r\nContent-Length: 99\r\n\r\n") },
    { "m", 0, "a body that begins with a blank is no fold", M(HEAD "l:2\r\n\r\n x") },
    { "m", 0, "the same Content-Length twice frames (and is then refused)", M(HEAD "l:1\r\nl:01\r\n\r\nx") },
    { "m", 0, "a header name that only begins like it", M(HEAD "Content-Length-X: 5\r\nlx: 7\r\nl:0\r\n\r\n") },
    { "w", 0, "more to come", M(HEAD "l:5\r\n\r\nbody") },
    { "b", 400, "no Content-Length", M(HEAD "\r\n") },
    { "b", 400, "negative", M(HEAD "l:-1\r\n\r\n") },
    { "b", 400, "no number", M(HEAD "l:x\r\n\r\n") },
    { "b", 400, "empty", M(HEAD "l:\r\n\r\n") },
    { "b", 400, "two that differ", M(HEAD "l:1\r\nContent-Length: 2\r\n\r\nxx") },
    { "b", 400, "one good, one bad", M(HEAD "l:0\r\nContent-Length: x\r\n\r\n") },
    { "b", 513, "65536 octets", M(HEAD "l:65536\r\n\r\n") },
    { "b", 513, "2^32", M(HEAD "l:4294967296\r\n\r\n") },
    { "b", 513, "2^64", M(HEAD "l:18446744073709551616\r\n\r\n") },
    { "b", 0, "ACK is not answered", M(ACK "\r\n") },
    { "b", 0, "nor is a response", M("SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\n\r\n") },
    { "b", 0, "a bare LF", M("\nOPTIONS") },
    { "b", 0, "a bare CR", M("\rOPTIONS") },
    { "b", 0, "lines that end in LF", M("OPTIONS sip:b@c SIP/2.0\nl:0\n\n") },
    { "b", 0, "a TLS hello", M("\x16\x03\x01\x00\xa5\x01\x00\x00") },
    { "b", 0, "a NUL in the first line", M("OPTIONS\0") },
#undef M
};

static char
kind_letter(enum rf_sip_frame_kind kind)
{
    static const char letter[] = { [RF_FRAME_MORE] = 'w', [RF_FRAME_MESSAGE] = 'm', [RF_FRAME_PING] = 'p',
                                   [RF_FRAME_PONG] = 'o', [RF_FRAME_BROKEN] = 'b' };

    return letter[kind];
}

/* Feed the octets in pieces of `step`; the kinds that come out, "w" only at the end. */
static void
feed(struct rf_span in, size_t step, char out[static 16], struct rf_sip_problem *problem)
{
    size_t have = 0, taken = 0, n, k = 0;
    enum rf_sip_frame_kind kind;

    for (;;) {
        kind = rf_sip_frame(rf_span(in.p + taken, have - taken), &n, problem);
        rf_assert(n <= have - taken && (kind != RF_FRAME_MORE || n == 0));
        if (kind == RF_FRAME_MORE && have < in.n) {
            have = have + step < in.n ? have + step : in.n;
            continue;
        }
        if (k < 15 && !(kind == RF_FRAME_MORE && taken == in.n && k > 0))
            out[k++] = kind_letter(kind);
        taken += n;
        if (kind == RF_FRAME_MORE || kind == RF_FRAME_BROKEN)
            break;
    }
    out[k] = '\0';
}

static void
check_streams(void)
{
    struct rf_sip_problem problem;
    char kinds[16];

    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        size_t wrong = 0;

        /* Every step from octet by octet to all at once gives the same. */
        for (size_t step = 1; step <= streams[i].in.n + 1 && wrong == 0; step++) {
            feed(streams[i].in, step, kinds, &problem);
            if (strcmp(kinds, streams[i].kinds) != 0 || (strchr(kinds, 'b') != NULL && problem.status != streams[i].status))
                wrong = step;
        }
        ok(wrong == 0, "%s: %s (step %zu: %s, status %d)", streams[i].why, streams[i].kinds, wrong, kinds, problem.status);
    }
}

static void
check_long(void)
{
    static char big[RF_SIP_MESSAGE_MAX + 10];
    struct rf_sip_problem problem;
    size_t n;

    memset(big, 'x', sizeof big);
    ok(rf_sip_frame(rf_span(big, RF_SIP_MESSAGE_MAX - 1), &n, &problem) == RF_FRAME_MORE, "65534 octets without an end");
    ok(rf_sip_frame(rf_span(big, RF_SIP_MESSAGE_MAX), &n, &problem) == RF_FRAME_BROKEN && n == 0 && problem.status == 0,
       "65535 octets without an end are given up");
}

static void
check_answerable(void)
{
    struct rf_span in = RF_SPAN_LIT(HEAD "l:-1\r\n\r\nbody");
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;
    size_t n;

    ok(rf_sip_frame(in, &n, &problem) == RF_FRAME_BROKEN && n == in.n - 4, "the header part of a broken frame is handed out");
    ok(rf_sip_msg_parse(&msg, rf_span(in.p, n), &problem) == RF_ERR_SYNTAX && problem.status == 400 &&
           rf_span_is(msg.call_id, "x"), "and can be answered");
}

/* The vector form and the plain one on the same octets, marks everywhere. */
static void
check_marks(void)
{
    static const char alphabet[] = "\r\n\0\013\014\016\t a:\x8d\x8a\xff";
    uint64_t seed = 4475;
    char octets[64 + 16];
    int wrong = 0;

    for (int round = 0; round < 200000; round++) {
        uint8_t r[sizeof octets];

        rf_rand_seeded_fill(&seed, r, sizeof r);
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = round % 2 == 0 ? (char)r[i] : alphabet[r[i] % (sizeof alphabet - 1)];
        wrong += rf_sip_marks(octets + round % 16) != rf_sip_marks_plain(octets + round % 16);
    }
    ok(wrong == 0, "both forms mark the same in 200000 windows");
}

/* Lines by the oldest way there is: octet by octet. */
static bool
line_next_plain(struct rf_span *left, struct rf_span *whole, bool *broken)
{
    const char *p = left->p, *end = p + left->n;

    *broken = false;
    if (left->n == 0)
        return false;
    for (; p < end; p++) {
        if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
            if (p > left->p && end - p >= 3 && (p[2] == ' ' || p[2] == '\t')) {
                p++;
                continue;
            }
            *whole = rf_span(left->p, (size_t)(p - left->p));
            *left = rf_span(p + 2, (size_t)(end - p) - 2);
            return true;
        }
        *broken |= *p == '\n' || *p == '\0' || (*p == '\r' && end - p >= 2);
    }
    *whole = *left;
    *left = rf_span(end, 0);
    return true;
}

static void
check_lines(void)
{
    static const char *const piece[] = { "\r\n", "\r\n ", "\r", "\n", "Via: x", "a", "                                ", "\r\n\r\n" };
    uint64_t seed = 3261;
    int wrong = 0;

    for (int round = 0; round < 50000; round++) {
        uint8_t r[24];
        char text[24 * 32];
        struct rf_buf b = rf_buf(text, sizeof text);
        struct rf_span left, line, plain;
        struct rf_sip_lines lines;
        bool broken, plain_broken, more;
        char *exact;

        rf_rand_seeded_fill(&seed, r, sizeof r);
        for (size_t i = 0; i < sizeof r; i++)
            rf_put_str(&b, piece[r[i] % 8]);
        exact = malloc(b.n);
        rf_assert(exact != NULL);
        memcpy(exact, text, b.n);
        left = rf_span(exact, b.n);
        lines = rf_sip_lines(left);
        do {
            more = rf_sip_line_next(&lines, &line, &broken);
            if (line_next_plain(&left, &plain, &plain_broken) != more ||
                (more && (line.p != plain.p || line.n != plain.n || broken != plain_broken))) {
                wrong++;
                break;
            }
        } while (more);
        free(exact);
    }
    ok(wrong == 0, "lines are those of the octet by octet form in 50000 texts");
}

int
main(void)
{
    check_streams();
    check_long();
    check_answerable();
    check_marks();
    check_lines();
    return tap_done();
}
