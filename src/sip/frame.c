/*
 * sip/frame.c - where a message ends in a stream (RFC 3261 18.3, RFC 5626 4.4.1)
 *
 * The header part is scanned anew at each call until it is whole; 65535 octets at some GB/s bound that, and a
 * sender who trickles pays a system call of ours per octet anyway.
 */
#include "sip/chars.h"
#include "sip/msg.h"
#include "sip/scan.h"

static enum rf_sip_frame_kind
broken_frame(struct rf_sip_problem *problem, int status, const char *sentence, struct rf_span where)
{
    *problem = (struct rf_sip_problem){ status, sentence, where };
    return RF_FRAME_BROKEN;
}

/* CRLFs before a message. CR or CRLF or CRLFCR alone may be the beginning of a ping: wait. */
static enum rf_sip_frame_kind
frame_crlf(struct rf_span b, size_t *n, struct rf_sip_problem *problem)
{
    static const char ping[] = "\r\n\r\n";
    size_t same = 0;

    while (same < 4 && same < b.n && b.p[same] == ping[same])
        same++;
    if (same == 4) {
        *n = 4;
        return RF_FRAME_PING;
    }
    if (same == b.n)
        return RF_FRAME_MORE;
    if (same >= 2) {
        *n = 2;
        return RF_FRAME_PONG;
    }
    return broken_frame(problem, 0, "a CR or LF that ends no line", rf_span(b.p, 1));
}

/* A response or an ACK is never answered. */
static int
answer_status(struct rf_span start_line, int status)
{
    if (start_line.n >= 4 && (rf_span_starts(start_line, "ACK ") || rf_span_iis(rf_span(start_line.p, 4), "SIP/")))
        return 0;
    return status;
}

struct length {
    uint64_t octets;
    struct rf_span seen; /* the value; p == NULL: none yet */
    const char *bad;     /* why it frames nothing */
};

/* Takes a header line if it is Content-Length. A number beyond 32 bits is as good as the largest. */
static void
note_length(struct length *l, struct rf_span line)
{
    size_t colon;
    struct rf_span value;
    uint64_t octets = UINT32_MAX;

    if ((line.p[0] | 0x20) != 'c' && (line.p[0] | 0x20) != 'l')
        return;
    colon = rf_span_find(line, ':');
    if (colon == line.n || rf_sip_header_find(rf_sip_trim(rf_span(line.p, colon))) != RF_HDR_CONTENT_LENGTH)
        return;
    value = rf_sip_trim(rf_span_sub(line, colon + 1, line.n));
    if (rf_span_u64(value, UINT32_MAX, &octets) == RF_ERR_SYNTAX)
        l->bad = "Content-Length is not a number";
    else if (l->seen.p != NULL && octets != l->octets)
        l->bad = "there are two different Content-Length";
    l->octets = octets;
    l->seen = value;
}

enum rf_sip_frame_kind
rf_sip_frame(struct rf_span buffer, size_t *n, struct rf_sip_problem *problem)
{
    struct rf_sip_lines lines = rf_sip_lines(buffer);
    struct rf_span line, start_line = { NULL, 0 };
    struct length l = { 0, { NULL, 0 }, NULL };
    bool broken, is_whole = false;
    size_t head;

    *n = 0;
    *problem = (struct rf_sip_problem){ 0, NULL, { NULL, 0 } };
    if (buffer.n == 0)
        return RF_FRAME_MORE;
    if (buffer.p[0] == '\r' || buffer.p[0] == '\n')
        return frame_crlf(buffer, n, problem);

    while (!is_whole && rf_sip_line_next(&lines, &line, &broken)) {
        if (start_line.p == NULL && broken)
            return broken_frame(problem, 0, "this is not SIP: the first line has a NUL or a bare CR or LF", line);
        is_whole = line.n == 0;
        if (!is_whole && lines.p == lines.end)
            break; /* no CRLF yet, or the next octet may be a fold */
        if (start_line.p == NULL)
            start_line = line;
        else if (!is_whole)
            note_length(&l, line);
    }
    if (!is_whole) {
        if (buffer.n >= RF_SIP_MESSAGE_MAX)
            return broken_frame(problem, 0, "65535 octets without the end of the header fields", buffer);
        return RF_FRAME_MORE;
    }
    head = (size_t)(lines.p - buffer.p);
    if (l.seen.p == NULL)
        l.bad = "there is no Content-Length, which a stream needs";
    if (l.bad != NULL) {
        *n = head;
        return broken_frame(problem, answer_status(start_line, 400), l.bad, l.seen);
    }
    if (head + l.octets > RF_SIP_MESSAGE_MAX) {
        *n = head;
        return broken_frame(problem, answer_status(start_line, 513), "the message is longer than 65535 octets",
                            l.seen);
    }
    if (buffer.n - head < l.octets)
        return RF_FRAME_MORE;
    *n = head + (size_t)l.octets;
    return RF_FRAME_MESSAGE;
}
