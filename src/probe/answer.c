#include "probe/answer.h"

#include <stdio.h>

#include "sip/header.h"
#include "sip/write.h"

void
rf_probe_clean(char *to, size_t size, struct rf_span from)
{
    size_t n = 0;

    for (size_t i = 0; i < from.n && n + 1 < size; i++) {
        unsigned char c = (unsigned char)from.p[i];

        to[n++] = c < 0x20 || c >= 0x7f ? '.' : (char)c;
    }
    to[n] = '\0';
}

void
rf_probe_request_init(struct rf_probe_request *r, const struct rf_rand *rand)
{
    snprintf(r->branch, sizeof r->branch, "z9hG4bK%016llx", (unsigned long long)rf_rand_u64(rand));
    snprintf(r->call_id, sizeof r->call_id, "probe-%016llx", (unsigned long long)rf_rand_u64(rand));
    snprintf(r->tag, sizeof r->tag, "%08x", (unsigned)rf_rand_u64(rand));
}

static const char *
transport_name(enum rf_probe_transport t)
{
    return t == RF_PROBE_OVER_TLS ? "TLS" : t == RF_PROBE_OVER_TCP ? "TCP" : "UDP";
}

/* OPTIONS to the host itself (RFC 3261 11). */
static void
put_options(struct rf_buf *b, const struct rf_probe_request *r)
{
    bool is_v6 = strchr(r->host, ':') != NULL;
    char host[300], uri[360], local[RF_ADDR_TEXT_MAX];
    struct rf_span user = rf_span_str(r->user != NULL ? r->user : "probe");

    snprintf(host, sizeof host, is_v6 ? "[%s]" : "%s", r->host);
    if (r->transport == RF_PROBE_OVER_UDP)
        snprintf(uri, sizeof uri, "sip:%s:%u", host, r->port);
    else
        snprintf(uri, sizeof uri, "sip:%s:%u;transport=%s", host, r->port,
                 r->transport == RF_PROBE_OVER_TLS ? "tls" : "tcp");
    rf_addr_text(&r->local, local);
    rf_sip_put_request(b, "OPTIONS", rf_span_str(r->uri != NULL ? r->uri : uri));
    rf_sip_put_headerf(b, RF_HDR_VIA, "SIP/2.0/%s %s;rport;branch=%s", transport_name(r->transport), local,
                       r->branch);
    rf_sip_put_headerf(b, RF_HDR_MAX_FORWARDS, "70");
    rf_put_str(b, "From: <sip:");
    rf_put_escaped_user(b, user);
    rf_putf(b, "@%s>;tag=%s\r\n", r->user != NULL ? host : local, r->tag);
    rf_sip_put_headerf(b, RF_HDR_TO, "<sip:%s>", host);
    rf_sip_put_headerf(b, RF_HDR_CALL_ID, "%s", r->call_id);
    rf_sip_put_headerf(b, RF_HDR_CSEQ, "1 OPTIONS");
    rf_put_str(b, "Contact: <sip:");
    rf_put_escaped_user(b, user);
    rf_putf(b, "@%s%s>\r\n", local,
            r->transport == RF_PROBE_OVER_TLS   ? ";transport=tls"
            : r->transport == RF_PROBE_OVER_TCP ? ";transport=tcp"
                                                : "");
    rf_sip_put_headerf(b, RF_HDR_ACCEPT, "application/sdp");
    rf_sip_put_headerf(b, RF_HDR_USER_AGENT, "ringfence/%s probe", RF_VERSION);
    rf_sip_put_body(b, NULL, rf_span(NULL, 0));
}

enum rf_err
rf_probe_request_put(struct rf_buf *b, const struct rf_probe_request *r)
{
    bool is_v6 = strchr(r->host, ':') != NULL;

    if (r->is_sip)
        put_options(b, r);
    else
        rf_putf(b,
                "HEAD / HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: ringfence/%s probe\r\nAccept: */*\r\n"
                "Connection: close\r\n\r\n",
                is_v6 ? "[" : "", r->host, is_v6 ? "]" : "", RF_VERSION);
    return rf_buf_done(b);
}

static void
odd(struct rf_probe_talk_facts *t, const char *text)
{
    if (t->oddity_count < sizeof t->oddities / sizeof *t->oddities)
        snprintf(t->oddities[t->oddity_count++], sizeof t->oddities[0], "%s", text);
}

/* --- SIP --- */

static void
copy_value(const struct rf_sip_msg *m, enum rf_sip_header id, char *to, size_t size)
{
    rf_probe_clean(to, size, rf_sip_value(m, id));
}

/* All methods of Allow and its kin in one line, over commas and fields. */
static void
copy_list(const struct rf_sip_msg *m, enum rf_sip_header id, char *to, size_t size)
{
    struct rf_sip_walk w = rf_sip_walk(m, id);
    struct rf_span one;
    char text[64];
    struct rf_buf b = rf_buf(to, size - 1);

    while (rf_sip_walk_next(&w, &one)) {
        rf_probe_clean(text, sizeof text, one);
        rf_putf(&b, "%s%s", b.n > 0 ? ", " : "", text);
    }
    to[b.n] = '\0';
}

/* A response copies Via, From, To, Call-ID and CSeq, and adds a To tag (RFC 3261 8.2.6.2); what its Contact says is
 * where the next request goes. */
static void
check_response(const struct rf_probe_request *r, const struct rf_sip_msg *m, struct rf_probe_talk_facts *t)
{
    struct rf_span contact = rf_sip_value(m, RF_HDR_CONTACT);

    if (!rf_span_is(m->via.branch, r->branch))
        odd(t, "the top Via is not the one that was sent");
    if (!rf_span_is(m->call_id, r->call_id) || m->cseq != 1 || m->method != RF_SIP_OPTIONS)
        odd(t, "Call-ID or CSeq is not the one that was sent");
    if (!rf_span_is(m->from_tag, r->tag))
        odd(t, "the From tag is not the one that was sent");
    if (m->to_tag.n == 0)
        odd(t, "To has no tag (RFC 3261 8.2.6.2)");
    copy_value(m, RF_HDR_CONTACT, t->contact, sizeof t->contact);
    if (contact.p != NULL && r->transport == RF_PROBE_OVER_TLS && !rf_span_starts(contact, "<sips:") &&
        rf_span_find_str(contact, RF_SPAN_LIT("transport=tls")) == contact.n &&
        rf_span_find_str(contact, RF_SPAN_LIT("transport=TLS")) == contact.n)
        odd(t, "Contact names no TLS: the next request to it would go in clear");
    if (m->status / 100 == 2 && rf_sip_value(m, RF_HDR_ALLOW).p == NULL)
        odd(t, "there is no Allow (RFC 3261 11.2)");
}

static void
take_response(const struct rf_probe_request *r, const struct rf_sip_msg *m, struct rf_probe_talk_facts *t)
{
    t->answered = RF_PROBE_YES;
    t->status = m->status;
    rf_probe_clean(t->reason, sizeof t->reason, m->reason);
    copy_value(m, RF_HDR_SERVER, t->server, sizeof t->server);
    if (t->server[0] == '\0')
        copy_value(m, RF_HDR_USER_AGENT, t->server, sizeof t->server);
    copy_list(m, RF_HDR_ALLOW, t->allow, sizeof t->allow);
    copy_list(m, RF_HDR_SUPPORTED, t->supported, sizeof t->supported);
    copy_value(m, RF_HDR_WARNING, t->warning, sizeof t->warning);
    check_response(r, m, t);
}

static enum rf_err
no_answer(struct rf_probe_talk_facts *t, const char *text, struct rf_span octets)
{
    char said[48];

    t->answered = RF_PROBE_NO;
    rf_probe_clean(said, sizeof said, rf_span_sub(octets, 0, rf_span_find(octets, '\r')));
    snprintf(t->not_answered, sizeof t->not_answered, octets.n > 0 ? "%s: %s" : "%s", text, said);
    return RF_OK;
}

static enum rf_err
read_sip(const struct rf_probe_request *r, struct rf_span octets, bool is_over,
         struct rf_probe_talk_facts *out)
{
    struct rf_sip_problem problem;
    struct rf_sip_msg m;
    struct rf_span whole = octets;
    size_t n;

    while (octets.n > 0) {
        enum rf_sip_frame_kind kind =
            r->transport == RF_PROBE_OVER_UDP ? RF_FRAME_MESSAGE : rf_sip_frame(octets, &n, &problem);

        if (r->transport == RF_PROBE_OVER_UDP)
            n = octets.n;
        if (kind == RF_FRAME_BROKEN)
            return no_answer(out, "what came is no SIP", whole);
        if (kind == RF_FRAME_MORE)
            break;
        if (kind == RF_FRAME_MESSAGE) {
            if (rf_sip_msg_parse(&m, rf_span(octets.p, n), &problem) != RF_OK)
                return no_answer(out, "its SIP is broken", whole);
            /* Its own requests (a server may send OPTIONS as well) and provisional answers are not what is waited for. */
            if (!m.is_request && m.status >= 200) {
                take_response(r, &m, out);
                return RF_OK;
            }
        }
        octets = rf_span_sub(octets, n, octets.n);
    }
    if (is_over)
        return no_answer(out, whole.n > 0 ? "the answer is not whole" : "no answer came", whole);
    return RF_ERR_AGAIN;
}

/* --- HTTP --- */

static void
copy_field(struct rf_span head, const char *name, char *to, size_t size)
{
    while (head.n > 0) {
        size_t end = rf_span_find(head, '\n'), colon;
        struct rf_span line = rf_span_trim(rf_span_sub(head, 0, end));

        colon = rf_span_find(line, ':');
        if (colon < line.n && rf_span_iis(rf_span_trim(rf_span_sub(line, 0, colon)), name)) {
            rf_probe_clean(to, size, rf_span_trim(rf_span_sub(line, colon + 1, line.n)));
            return;
        }
        head = rf_span_sub(head, end + 1, head.n);
    }
}

static enum rf_err
read_http(struct rf_span octets, bool is_over, struct rf_probe_talk_facts *out)
{
    size_t end = rf_span_find_str(octets, RF_SPAN_LIT("\r\n\r\n"));
    struct rf_span head = rf_span_sub(octets, 0, end), line;
    uint64_t status;

    if (end == octets.n) {
        if (octets.n >= 5 && !rf_span_starts(octets, "HTTP/"))
            return no_answer(out, "what came is no HTTP", octets);
        if (!is_over)
            return RF_ERR_AGAIN;
        return no_answer(out, octets.n > 0 ? "the answer is not whole" : "no answer came", octets);
    }
    line = rf_span_sub(head, 0, rf_span_find(head, '\r'));
    if (!rf_span_starts(line, "HTTP/1.") || line.n < 12 ||
        rf_span_u64(rf_span_sub(line, 9, 3), 999, &status) != RF_OK)
        return no_answer(out, "what came is no HTTP", octets);
    out->answered = RF_PROBE_YES;
    out->status = (int)status;
    rf_probe_clean(out->reason, sizeof out->reason, rf_span_trim(rf_span_sub(line, 12, line.n)));
    copy_field(head, "Server", out->server, sizeof out->server);
    copy_field(head, "Location", out->location, sizeof out->location);
    copy_field(head, "Strict-Transport-Security", out->hsts, sizeof out->hsts);
    return RF_OK;
}

enum rf_err
rf_probe_answer_read(const struct rf_probe_request *r, struct rf_span octets, bool is_over,
                     struct rf_probe_talk_facts *out)
{
    return r->is_sip ? read_sip(r, octets, is_over, out) : read_http(octets, is_over, out);
}
