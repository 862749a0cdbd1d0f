/*
 * sip/msg.c - one message: start line, header index, body, and the values that every message needs
 *
 * Invariants:
 * (I1) The first problem found is the one reported; the pass goes on, so that a 400 can be built from
 *      whatever else was readable (RFC 4475 3.3.1 wants an answer to a request without From and To).
 * (I2) A value in the index holds no NUL but as a quoted-pair in a quoted string, and no CR or LF but in a
 *      fold, or there is a problem.
 */
#include "sip/msg.h"

#include "sip/chars.h"
#include "sip/scan.h"

struct pass {
    struct rf_sip_msg *m;
    struct rf_sip_problem *problem;
    bool failed;
};

static void
fail(struct pass *ps, int status, const char *sentence, struct rf_span where)
{
    if (ps->failed) /* (I1) */
        return;
    ps->failed = true;
    *ps->problem = (struct rf_sip_problem){ status, sentence, where };
}

static bool
is_token(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!rf_sip_is(s.p[i], RF_CH_TOKEN))
            return false;
    return s.n > 0;
}

/* "SIP/" in any letter case: a method cannot hold "/". */
static bool
starts_with_sip(struct rf_span s)
{
    return s.n >= 4 && s.p[3] == '/' && RF_SIP_WORD(rf_span(s.p, 3), "sip");
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase: the second SP is there even without a reason. */
static void
parse_status_line(struct pass *ps, struct rf_span line)
{
    struct rf_sip_msg *m = ps->m;
    uint64_t status;

    m->is_request = false;
    if (line.n < 12 || !rf_span_iis(rf_span(line.p, 8), "SIP/2.0 ") || line.p[11] != ' ' ||
        rf_span_u64(rf_span(line.p + 8, 3), 699, &status) != RF_OK || status < 100) {
        fail(ps, 0, "the status line is broken", line);
        return;
    }
    m->status = (int)status;
    m->reason = rf_span_sub(line, 12, line.n);
}

/* SIP-Version of another number, such as SIP/7.0: 505 (RFC 3261 21.5.6). */
static bool
is_other_version(struct rf_span s)
{
    struct rf_cursor c = rf_cur(s);

    rf_cur_take(&c, 4);
    rf_sip_take_some(&c, RF_CH_DIGIT);
    rf_cur_expect(&c, '.');
    rf_sip_take_some(&c, RF_CH_DIGIT);
    return starts_with_sip(s) && rf_cur_done(&c) == RF_OK;
}

/* Request-Line = Method SP Request-URI SP SIP-Version, with exactly one SP each and no LWS elsewhere. */
static void
parse_request_line(struct pass *ps, struct rf_span line)
{
    struct rf_sip_msg *m = ps->m;
    size_t sp = rf_span_find(line, ' ');
    struct rf_span version;

    m->is_request = true;
    m->method_text = rf_span(line.p, sp);
    if (!is_token(m->method_text)) {
        m->method_text = rf_span(line.p, 0);
        fail(ps, 400, "the method is not a token", line);
        return;
    }
    m->method = rf_sip_method_find(m->method_text);
    line = rf_span_sub(line, sp + 1, line.n);
    sp = rf_span_find(line, ' ');
    m->ruri_text = rf_span(line.p, sp);
    version = rf_span_sub(line, sp + 1, line.n);
    if (!(version.n == 7 && rf_span_iis(version, "SIP/2.0"))) {
        if (is_other_version(version))
            fail(ps, 505, "the SIP version is not 2.0", version);
        else
            fail(ps, 400, "the request line is not method, URI, version with one space between", line);
        return;
    }
    if (rf_sip_uri_parse(m->ruri_text, &m->ruri) != RF_OK)
        fail(ps, 400, "the Request-URI is broken", m->ruri_text);
    else if (m->ruri.headers.n > 0)
        fail(ps, 400, "the Request-URI has a header part (RFC 3261 19.1.1)", m->ruri.headers);
}

/* NUL may stand in a quoted string behind a backslash (RFC 3261 25.1 quoted-pair; RFC 4475 3.1.1.2). */
static bool
nuls_are_quoted(struct rf_span s)
{
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (quoted && s.p[i] == '\\' && i + 1 < s.n)
            i++;
        else if (s.p[i] == '\0')
            return false;
    }
    return true;
}

/* CR and LF alone end no line; only a whole fold may stand in a value. */
static bool
line_ends_are_folds(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' && s.n - i >= 3 && s.p[i + 1] == '\n' && (s.p[i + 2] == ' ' || s.p[i + 2] == '\t'))
            i += 2;
        else if (s.p[i] == '\r' || s.p[i] == '\n')
            return false;
    }
    return true;
}

static bool
is_clean(struct rf_span s)
{
    return line_ends_are_folds(s) && nuls_are_quoted(s);
}

/*
 * Fields that decide how a message is handled and that a second one would make ambiguous. Subject, Date,
 * User-Agent, Server and other remarks may be repeated: gateways add theirs to what is there; the first
 * counts.
 */
static bool
repeat_is_error(enum rf_sip_header id)
{
    switch (id) {
    case RF_HDR_FROM:
    case RF_HDR_TO:
    case RF_HDR_CALL_ID:
    case RF_HDR_CSEQ:
    case RF_HDR_MAX_FORWARDS:
    case RF_HDR_CONTENT_LENGTH:
    case RF_HDR_CONTENT_TYPE:
    case RF_HDR_EXPIRES:
    case RF_HDR_MIN_EXPIRES:
    case RF_HDR_SESSION_EXPIRES:
    case RF_HDR_MIN_SE:
    case RF_HDR_REPLACES:
    case RF_HDR_REFER_TO:
    case RF_HDR_REFERRED_BY:
    case RF_HDR_EVENT:
    case RF_HDR_SUBSCRIPTION_STATE:
    case RF_HDR_RSEQ:
    case RF_HDR_RACK:
    case RF_HDR_INFO_PACKAGE:
        return true;
    default:
        return false;
    }
}

/* message-header = token HCOLON value; HCOLON = *( SP / HTAB ) ":" SWS */
static void
index_line(struct pass *ps, struct rf_span line)
{
    struct rf_sip_msg *m = ps->m;
    struct rf_sip_field *f = &m->field[m->field_count];
    size_t colon = 0;
    struct rf_span name;

    /* Names are short: a call of memchr costs more than this. */
    while (colon < line.n && line.p[colon] != ':')
        colon++;
    name = rf_span(line.p, colon);
    while (name.n > 0 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
        name.n--;
    if (colon == line.n) {
        fail(ps, 400, "a header line has no colon", line);
        return;
    }
    f->id = rf_sip_header_find(name);
    if (f->id == RF_HDR_OTHER && !is_token(name)) {
        fail(ps, 400, "a header name is not a token", line);
        return;
    }
    f->name = name;
    f->value = rf_sip_trim(rf_span_sub(line, colon + 1, line.n));
    m->field_count++;
    if (m->first[f->id] == 0)
        m->first[f->id] = (uint8_t)m->field_count;
    else if (repeat_is_error(f->id))
        fail(ps, 400, "a header field that may stand once is repeated", line);
}

/* The header part: everything up to the empty line. What is left is the body. */
static void
index_fields(struct pass *ps, struct rf_sip_lines *lines)
{
    struct rf_span line;
    bool broken;

    while (rf_sip_line_next(lines, &line, &broken)) {
        if (line.n == 0)
            return;
        if (broken && !is_clean(line))
            fail(ps, 400, "the header part has a NUL, or a CR or LF that ends no line", line);
        if (ps->m->field_count == RF_SIP_HEADERS_MAX) {
            fail(ps, 513, "more than 128 header fields", line);
            continue;
        }
        index_line(ps, line);
    }
    fail(ps, 400, "there is no empty line after the header fields", rf_span(lines->p, 0));
}

/* RFC 3261 18.3: in a datagram octets after the body are dropped, and a body that is cut short is an
 * error. */
static void
cut_body(struct pass *ps, const char *start, struct rf_span rest)
{
    struct rf_sip_msg *m = ps->m;
    struct rf_span value = rf_sip_value(m, RF_HDR_CONTENT_LENGTH);
    uint64_t n = rest.n;

    if (value.p != NULL) {
        enum rf_err err = rf_span_u64(value, UINT32_MAX, &n);

        if (err == RF_ERR_SYNTAX)
            fail(ps, 400, "Content-Length is not a number", value);
        else if (err != RF_OK || n > rest.n)
            fail(ps, 400, "Content-Length is larger than what came", value);
        if (err != RF_OK || n > rest.n)
            n = rest.n;
    }
    m->body = rf_span(rest.p, (size_t)n);
    m->raw = rf_span(start, (size_t)(rest.p - start) + (size_t)n);
}

static void
check_via(struct pass *ps, struct rf_span value, size_t *count)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_sip_via other;

    do {
        rf_sip_via_take(&c, *count == 0 ? &ps->m->via : &other);
        if (c.err != RF_OK) {
            /* The top one stays unknown: the next must not pass for it. */
            if ((*count)++ == 0)
                memset(&ps->m->via, 0, sizeof ps->m->via);
            fail(ps, 400, "Via is broken", value);
            return;
        }
        if (++*count > RF_SIP_VIA_MAX) {
            fail(ps, 483, "more than 70 Via", value);
            return;
        }
    } while (rf_cur_accept(&c, ','));
}

/* Each element of a list of name-addr. Contact may be "*" alone (RFC 3261 10.2.2). */
static void
check_addresses(struct pass *ps, struct rf_span value, const char *sentence, bool star)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_sip_name_addr a;

    if (star && rf_span_is(value, "*"))
        return;
    do {
        rf_sip_name_addr_take(&c, &a);
        if (c.err != RF_OK) {
            fail(ps, 400, sentence, value);
            return;
        }
    } while (rf_cur_accept(&c, ','));
}

/* From and To: one address (RFC 3261 20.20, 20.39). */
static void
check_party(struct pass *ps, struct rf_span value, struct rf_sip_name_addr *out, struct rf_span *tag,
            const char *sentence)
{
    if (rf_sip_name_addr_parse(value, out) != RF_OK || (out->tag.n > 0 && !is_token(out->tag))) {
        memset(out, 0, sizeof *out);
        fail(ps, 400, sentence, value);
        return;
    }
    *tag = out->tag;
}

/* Call-ID = word [ "@" word ], taken as any visible octets: it is compared, never read, and some senders use
 * Base64 with its "=". */
static void
check_call_id(struct pass *ps, struct rf_span value)
{
    for (size_t i = 0; i < value.n; i++)
        if (!rf_sip_is(value.p[i], RF_CH_VISIBLE)) {
            fail(ps, 400, "Call-ID is broken", value);
            return;
        }
    if (value.n == 0)
        fail(ps, 400, "Call-ID is empty", value);
    ps->m->call_id = value;
}

/* CSeq = 1*DIGIT LWS Method; the number is below 2^31 (RFC 3261 8.1.1.5). */
static void
check_cseq(struct pass *ps, struct rf_span value)
{
    struct rf_sip_msg *m = ps->m;
    struct rf_cursor c = rf_cur(value);
    uint64_t number = rf_cur_u64(&c, INT32_MAX);
    struct rf_span method;

    rf_cur_lws(&c);
    method = rf_sip_take_some(&c, RF_CH_TOKEN);
    switch (rf_cur_done(&c)) {
    case RF_OK:
        break;
    case RF_ERR_RANGE:
        fail(ps, 400, "the number of CSeq is above 2^31-1", value);
        return;
    default:
        fail(ps, 400, "CSeq is not a number and a method", value);
        return;
    }
    m->cseq = (uint32_t)number;
    if (m->is_request) {
        if (!rf_span_eq(method, m->method_text))
            fail(ps, 400, "the method of CSeq is not that of the request line", value);
    } else {
        m->method_text = method;
        m->method = rf_sip_method_find(method);
    }
}

static void
check_max_forwards(struct pass *ps, struct rf_span value)
{
    uint64_t hops;

    if (rf_span_u64(value, 255, &hops) != RF_OK)
        fail(ps, 400, "Max-Forwards is not a number from 0 to 255", value);
    else
        ps->m->max_forwards = (uint8_t)hops;
}

static void
check_fields(struct pass *ps)
{
    struct rf_sip_msg *m = ps->m;
    size_t vias = 0;

    for (size_t i = 0; i < m->field_count; i++) {
        const struct rf_sip_field *f = &m->field[i];
        bool is_first = m->first[f->id] == i + 1;

        switch (f->id) {
        case RF_HDR_VIA:
            check_via(ps, f->value, &vias);
            break;
        case RF_HDR_FROM:
            if (is_first)
                check_party(ps, f->value, &m->from, &m->from_tag, "From is broken");
            break;
        case RF_HDR_TO:
            if (is_first)
                check_party(ps, f->value, &m->to, &m->to_tag, "To is broken");
            break;
        case RF_HDR_CALL_ID:
            if (is_first)
                check_call_id(ps, f->value);
            break;
        case RF_HDR_CSEQ:
            if (is_first)
                check_cseq(ps, f->value);
            break;
        case RF_HDR_MAX_FORWARDS:
            if (is_first)
                check_max_forwards(ps, f->value);
            break;
        case RF_HDR_CONTACT:
            check_addresses(ps, f->value, "Contact is broken", true);
            break;
        case RF_HDR_ROUTE:
            check_addresses(ps, f->value, "Route is broken", false);
            break;
        case RF_HDR_RECORD_ROUTE:
            check_addresses(ps, f->value, "Record-Route is broken", false);
            break;
        case RF_HDR_PATH:
            check_addresses(ps, f->value, "Path is broken", false);
            break;
        default:
            break;
        }
    }
}

/* RFC 3261 8.1.1. Max-Forwards is missing in RFC 2543 requests (RFC 4475 3.4.1): taken for 70. */
static void
check_mandatory(struct pass *ps)
{
    static const struct {
        enum rf_sip_header id;
        const char *sentence;
    } needed[] = {
        { RF_HDR_VIA, "there is no Via" },         { RF_HDR_FROM, "there is no From" },
        { RF_HDR_TO, "there is no To" },           { RF_HDR_CALL_ID, "there is no Call-ID" },
        { RF_HDR_CSEQ, "there is no CSeq" },
    };

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (ps->m->first[needed[i].id] == 0)
            fail(ps, 400, needed[i].sentence, rf_span(NULL, 0));
}

/* Only a request other than ACK is ever answered, and only with a Via that can be sent back. Without a
 * method that can be read it may be an ACK. */
static bool
can_answer(const struct rf_sip_msg *m)
{
    struct rf_span via = rf_sip_value(m, RF_HDR_VIA);

    return m->is_request && m->method_text.n > 0 && m->method != RF_SIP_ACK && via.n > 0 && is_clean(via);
}

enum rf_err
rf_sip_msg_parse(struct rf_sip_msg *out, struct rf_span octets, struct rf_sip_problem *problem)
{
    struct pass ps = { out, problem, false };
    struct rf_sip_lines lines;
    struct rf_span line;
    bool broken;

    /* Not the index: it is 5 kB, and field_count says how much of it counts. */
    memset(out, 0, offsetof(struct rf_sip_msg, field));
    *problem = (struct rf_sip_problem){ 0, NULL, { NULL, 0 } };
    out->max_forwards = 70;

    /* RFC 3261 7.5: empty lines before the start line are ignored. */
    while (octets.n >= 2 && octets.p[0] == '\r' && octets.p[1] == '\n')
        octets = rf_span_sub(octets, 2, octets.n);
    out->raw = octets;
    lines = rf_sip_lines(rf_span(octets.p, octets.n < RF_SIP_MESSAGE_MAX ? octets.n : RF_SIP_MESSAGE_MAX));
    if (!rf_sip_line_next(&lines, &line, &broken)) {
        fail(&ps, 0, "the message is empty", octets);
        return RF_ERR_SYNTAX;
    }
    if (octets.n > RF_SIP_MESSAGE_MAX)
        fail(&ps, 513, "the message is longer than 65535 octets", rf_span(octets.p, 0));
    if (starts_with_sip(line))
        parse_status_line(&ps, line);
    else
        parse_request_line(&ps, line);
    if (broken)
        fail(&ps, 400, "the start line has a NUL, or a CR or LF that ends no line", line);

    index_fields(&ps, &lines);
    cut_body(&ps, octets.p, rf_sip_lines_left(&lines));
    check_fields(&ps);
    check_mandatory(&ps);
    if (!ps.failed)
        return RF_OK;
    if (!can_answer(out))
        problem->status = 0;
    return RF_ERR_SYNTAX;
}
