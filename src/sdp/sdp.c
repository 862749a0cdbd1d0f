/*
 * sdp/sdp.c - reads session descriptions (RFC 8866 5, 9)
 *
 * Strict: every line is "type=value" of a known type, v= o= s= come first and in this order, one of each;
 * numbers and addresses are whole; a stream that is on has a connection address; no NUL and no stray CR.
 *
 * Leniencies, each with its row in sdp_test.c:
 * (L1) lines may end in LF alone (RFC 8866 5 asks readers for it) and the last line in nothing (old Grandstream,
 *      hand-made INFO and test tools)
 * (L2) empty lines at the end (gateways that append a CRLF to the body)
 * (L3) t= may be missing, and lines after s= come in any order within their section: neither says anything in
 *      offer and answer (RFC 3264 5), and phones put b=, a= and c= as they like
 * (L4) several SP, or one at the end, in m= (Sipura and Linksys end the format list with one)
 * (L5) the same direction stands twice, at most of one value (session and media level differ: media wins)
 * (L6) s= is empty (RFC 8866 5.3 wants a text; many phones send none)
 * (L7) blanks after a property attribute ("a=sendrecv ")
 */
#include "sdp/sdp.h"

#include "base/cursor.h"

static const char *const profile_name[] = {
    [RF_RTP_AVP] = "RTP/AVP",
    [RF_RTP_AVPF] = "RTP/AVPF",
    [RF_RTP_SAVP] = "RTP/SAVP",
    [RF_RTP_SAVPF] = "RTP/SAVPF",
    [RF_UDP_TLS_RTP_SAVP] = "UDP/TLS/RTP/SAVP",
    [RF_UDP_TLS_RTP_SAVPF] = "UDP/TLS/RTP/SAVPF",
    [RF_PROFILE_OTHER] = "",
};

static const char *const direction_name[] = {
    [RF_SENDRECV] = "sendrecv",
    [RF_SENDONLY] = "sendonly",
    [RF_RECVONLY] = "recvonly",
    [RF_INACTIVE] = "inactive",
};

const char *
rf_sdp_profile_name(enum rf_sdp_profile p)
{
    return profile_name[p];
}

const char *
rf_sdp_direction_name(enum rf_sdp_direction d)
{
    return direction_name[d];
}

/* What a reader carries from line to line. */
struct reader {
    struct rf_sdp *sdp;
    struct rf_sdp_media *media; /* section we are in; NULL: the session's */
    struct rf_addr connection;  /* of the session */
    struct rf_span connection_text;
    bool has_connection, media_has_connection;
    bool has_direction;         /* in this section */
    enum rf_sdp_direction direction; /* of the session, sendrecv when it says none */
    struct rf_span rtcp;        /* value of this stream's a=rtcp; p == NULL: none */
    size_t line;                /* counts from 0 */
    const char *why;
};

static enum rf_err
refuse(struct reader *r, enum rf_err err, const char *why)
{
    r->why = why;
    return err;
}

/* token-char of RFC 8866 9 */
static bool
is_token_char(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]", c) == NULL;
}

static bool
is_token(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

/* 1*DIGIT of any length: o= may hold more than 64 bits. */
static bool
is_numeric(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* The next word of a line whose words are separated by SP (L4); empty at the end. */
static struct rf_span
word_next(struct rf_cursor *c)
{
    while (rf_cur_accept(c, ' '))
        ;
    return rf_cur_until(c, ' ');
}

/* o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>     RFC 8866 5.2 */
static enum rf_err
origin_parse(struct reader *r, struct rf_span value)
{
    struct rf_cursor c = rf_cur(value);

    r->sdp->origin_user = word_next(&c);
    r->sdp->session_id = word_next(&c);
    r->sdp->session_version = word_next(&c);
    if (!is_numeric(r->sdp->session_id) || !is_numeric(r->sdp->session_version))
        return refuse(r, RF_ERR_SYNTAX, "o= needs a session id and a version, both numbers");
    if (word_next(&c).n == 0 || word_next(&c).n == 0 || word_next(&c).n == 0 || word_next(&c).n > 0)
        return refuse(r, RF_ERR_SYNTAX, "o= does not have its six parts");
    return RF_OK;
}

/* connection-address without the TTL and count that only multicast has; a name leaves *out unset. */
static enum rf_err
address_parse(struct reader *r, struct rf_span net, struct rf_span type, struct rf_span text, struct rf_addr *out)
{
    memset(out, 0, sizeof *out);
    if (text.n == 0 || (!rf_span_iis(type, "IP4") && !rf_span_iis(type, "IP6")))
        return refuse(r, RF_ERR_SYNTAX, "an address is not \"IN IP4 address\" or \"IN IP6 address\"");
    if (!rf_span_iis(net, "IN"))
        return refuse(r, RF_ERR_SYNTAX, "the network type of an address is not IN");
    if (rf_span_find(text, '/') < text.n)
        return refuse(r, RF_ERR_SYNTAX, "a multicast address cannot be relayed");
    if (rf_addr_parse(text, 0, out) != RF_OK) {
        for (size_t i = 0; i < text.n; i++)
            if (!is_token_char(text.p[i]))
                return refuse(r, RF_ERR_SYNTAX, "an address is neither an IP address nor a name");
        return RF_OK;
    }
    if ((out->sa.sa_family == AF_INET) != rf_span_iis(type, "IP4"))
        return refuse(r, RF_ERR_SYNTAX, "an address is not of the family in front of it");
    if (out->sa.sa_family == AF_INET ? IN_MULTICAST(ntohl(out->v4.sin_addr.s_addr))
                                     : IN6_IS_ADDR_MULTICAST(&out->v6.sin6_addr))
        return refuse(r, RF_ERR_SYNTAX, "a multicast address cannot be relayed");
    return RF_OK;
}

/* c=<nettype> <addrtype> <connection-address>                                     RFC 8866 5.7 */
static enum rf_err
connection_parse(struct reader *r, struct rf_span value)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span net = word_next(&c), type = word_next(&c), text = word_next(&c);
    struct rf_addr addr;
    enum rf_err err;

    if (word_next(&c).n > 0)
        return refuse(r, RF_ERR_SYNTAX, "c= has more than three parts");
    err = address_parse(r, net, type, text, &addr);
    if (err != RF_OK)
        return err;
    if (r->media == NULL) {
        if (r->has_connection)
            return refuse(r, RF_ERR_SYNTAX, "two c= lines in the session part");
        r->has_connection = true;
        r->connection = addr;
        r->connection_text = text;
        return RF_OK;
    }
    /* Several c= in a stream mean several multicast groups (RFC 8866 5.7). */
    if (r->media_has_connection)
        return refuse(r, RF_ERR_SYNTAX, "two c= lines for one stream");
    r->media_has_connection = true;
    r->media->connection = addr;
    r->media->connection_text = text;
    return RF_OK;
}

static enum rf_sdp_profile
profile_of(struct rf_span text)
{
    for (int i = 0; i < RF_PROFILE_OTHER; i++)
        if (rf_span_iis(text, profile_name[i]))
            return (enum rf_sdp_profile)i;
    return RF_PROFILE_OTHER;
}

/* Formats of RTP streams are payload types (RFC 8866 5.14), 7 bits of the RTP header. */
static enum rf_err
formats_parse(struct reader *r, struct rf_cursor *c)
{
    struct rf_sdp_media *m = r->media;
    struct rf_span format;

    while ((format = word_next(c)).n > 0) {
        uint64_t payload_type;

        if (m->format_count == RF_SDP_FORMAT_MAX)
            return refuse(r, RF_ERR_RANGE, "a stream lists more formats than are read");
        if (m->profile != RF_PROFILE_OTHER && rf_span_u64(format, 127, &payload_type) != RF_OK)
            return refuse(r, RF_ERR_SYNTAX, "a payload type is not a number from 0 to 127");
        m->format[m->format_count++] = format;
    }
    if (m->format_count == 0)
        return refuse(r, RF_ERR_SYNTAX, "m= lists no format");
    return RF_OK;
}

/* What can be known of a stream only when its section is over. */
static enum rf_err
media_finish(struct reader *r)
{
    struct rf_sdp_media *m = r->media;

    if (m == NULL)
        return RF_OK;
    m->attr_count = r->sdp->attr_count - m->attr_from;
    if (!r->media_has_connection) {
        m->connection = r->connection;
        m->connection_text = r->connection_text;
        if (!r->has_connection && m->port != 0)
            return refuse(r, RF_ERR_SYNTAX, "a stream has no c= line and neither has the session");
    }
    if (!r->has_direction)
        m->direction = r->direction;
    /* The hold of RFC 2543: "send me nothing" (RFC 3264 8.4 asks us to understand it). */
    if (rf_addr_is_set(&m->connection) && rf_addr_is_any(&m->connection)) {
        if (m->direction == RF_SENDRECV)
            m->direction = RF_SENDONLY;
        else if (m->direction == RF_RECVONLY)
            m->direction = RF_INACTIVE;
    }
    if (rf_addr_is_set(&m->connection)) {
        rf_addr_set_port(&m->connection, m->port);
        if (m->port != 0 && m->port < UINT16_MAX) {
            m->rtcp = m->connection;
            rf_addr_set_port(&m->rtcp, m->port + 1);
        }
    }
    if (r->rtcp.p != NULL) {
        /* a=rtcp:port [nettype addrtype address]                                   RFC 3605 2.1 */
        struct rf_cursor c = rf_cur(r->rtcp);
        uint64_t port = rf_cur_u64(&c, UINT16_MAX);
        struct rf_span net = word_next(&c), type = word_next(&c), text = word_next(&c);
        struct rf_addr addr = m->connection;
        enum rf_err err;

        if (c.err != RF_OK || word_next(&c).n > 0)
            return refuse(r, RF_ERR_SYNTAX, "a=rtcp is not a port and at most one address");
        if (net.n > 0) {
            err = address_parse(r, net, type, text, &addr);
            if (err != RF_OK)
                return err;
        }
        if (rf_addr_is_set(&addr))
            rf_addr_set_port(&addr, (uint16_t)port);
        m->rtcp = addr;
    }
    return RF_OK;
}

/* m=<media> <port>["/"<number of ports>] <proto> <fmt> ...                        RFC 8866 5.14 */
static enum rf_err
media_parse(struct reader *r, struct rf_span value)
{
    struct rf_cursor c = rf_cur(value);
    enum rf_err err = media_finish(r);
    struct rf_sdp_media *m;
    struct rf_span port;
    struct rf_cursor p;

    if (err != RF_OK)
        return err;
    if (r->sdp->media_count == RF_SDP_MEDIA_MAX)
        return refuse(r, RF_ERR_RANGE, "there are more m= lines than are read");
    m = r->media = &r->sdp->media[r->sdp->media_count++];
    m->attr_from = r->sdp->attr_count;
    m->type = word_next(&c);
    if (!is_token(m->type))
        return refuse(r, RF_ERR_SYNTAX, "m= does not begin with a media type");
    port = word_next(&c);
    p = rf_cur(port);
    m->port = (uint16_t)rf_cur_u64(&p, UINT16_MAX);
    if (rf_cur_accept(&p, '/') && rf_cur_u64(&p, UINT16_MAX) != 1)
        rf_cur_fail(&p, RF_ERR_RANGE);
    if (rf_cur_done(&p) != RF_OK)
        return refuse(r, RF_ERR_SYNTAX, "the port of m= is not a number from 0 to 65535");
    m->profile_text = word_next(&c);
    if (m->profile_text.n == 0)
        return refuse(r, RF_ERR_SYNTAX, "m= has no transport profile");
    m->profile = profile_of(m->profile_text);
    r->media_has_connection = r->has_direction = false;
    r->rtcp = (struct rf_span){ NULL, 0 };
    return formats_parse(r, &c);
}

static enum rf_err
direction_set(struct reader *r, enum rf_sdp_direction d)
{
    enum rf_sdp_direction *have = r->media != NULL ? &r->media->direction : &r->direction;

    if (r->has_direction && *have != d)
        return refuse(r, RF_ERR_SYNTAX, "two directions for one stream contradict each other");
    r->has_direction = true;
    *have = d;
    return RF_OK;
}

/* a=<attribute>[":"<value>]                                                        RFC 8866 5.13 */
static enum rf_err
attr_parse(struct reader *r, struct rf_span value)
{
    struct rf_sdp_attr *a;
    size_t colon = rf_span_find(value, ':');

    if (r->sdp->attr_count == RF_SDP_ATTR_MAX)
        return refuse(r, RF_ERR_RANGE, "there are more a= lines than are read");
    a = &r->sdp->attr[r->sdp->attr_count++];
    a->name = rf_span_sub(value, 0, colon);
    a->value = colon < value.n ? rf_span_sub(value, colon + 1, SIZE_MAX) : (struct rf_span){ NULL, 0 };
    if (a->value.p == NULL)
        a->name = rf_span_trim(a->name); /* (L7) */
    if (!is_token(a->name))
        return refuse(r, RF_ERR_SYNTAX, "an a= line has no name");
    if (r->media == NULL)
        r->sdp->session_attr_count++;
    if (a->value.p == NULL) {
        for (int d = RF_SENDRECV; d <= RF_INACTIVE; d++)
            if (rf_span_is(a->name, direction_name[d]))
                return direction_set(r, (enum rf_sdp_direction)d);
        if (r->media != NULL && rf_span_is(a->name, "rtcp-mux"))
            r->media->rtcp_mux = true;
    } else if (r->media != NULL && rf_span_is(a->name, "rtcp")) {
        if (r->rtcp.p != NULL)
            return refuse(r, RF_ERR_SYNTAX, "two a=rtcp lines for one stream");
        r->rtcp = rf_span_trim(a->value);
    }
    return RF_OK;
}

static enum rf_err
line_parse(struct reader *r, struct rf_span line)
{
    static const char head[] = "vos"; /* the first three lines */
    struct rf_span value = rf_span_sub(line, 2, SIZE_MAX);
    size_t n = r->line++;

    if (line.n < 2 || line.p[1] != '=')
        return refuse(r, RF_ERR_SYNTAX, "a line is not type=value");
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\0' || value.p[i] == '\r')
            return refuse(r, RF_ERR_SYNTAX, "a line holds a NUL or a lone CR");
    if (n < 3 ? line.p[0] != head[n] : memchr(head, line.p[0], 3) != NULL)
        return refuse(r, RF_ERR_SYNTAX, "v=, o= and s= are not the first three lines, once each");
    switch (line.p[0]) {
    case 'v':
        return rf_span_is(value, "0") ? RF_OK : refuse(r, RF_ERR_SYNTAX, "the version is not v=0");
    case 'o':
        return origin_parse(r, value);
    case 's':
        r->sdp->session_name = value;
        return RF_OK;
    case 'c':
        return connection_parse(r, value);
    case 'm':
        return media_parse(r, value);
    case 'a':
        return attr_parse(r, value);
    case 'i': case 'b': case 'k': /* session or stream; nothing we relay depends on them */
        return RF_OK;
    case 'u': case 'e': case 'p': case 't': case 'r': case 'z':
        return r->media == NULL ? RF_OK
                                : refuse(r, RF_ERR_SYNTAX, "a line of the session part stands after m=");
    default:
        return refuse(r, RF_ERR_SYNTAX, "a line has a type that RFC 8866 does not know");
    }
}

enum rf_err
rf_sdp_parse(struct rf_span text, struct rf_sdp *out, const char **why)
{
    struct reader r = { .sdp = out, .direction = RF_SENDRECV };
    struct rf_cursor c;
    enum rf_err err = RF_OK;

    memset(out, 0, sizeof *out);
    out->raw = text;
    if (text.n > RF_SDP_MAX)
        err = refuse(&r, RF_ERR_RANGE, "the session description is too long");
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) /* (L1), (L2) */
        text.n--;
    c = rf_cur(text);
    if (err == RF_OK && text.n == 0)
        err = refuse(&r, RF_ERR_SYNTAX, "the session description is empty");
    while (err == RF_OK && !rf_cur_at_end(&c)) {
        struct rf_span line = rf_cur_until(&c, '\n');

        rf_cur_accept(&c, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        err = line_parse(&r, line);
    }
    if (err == RF_OK && r.line < 3)
        err = refuse(&r, RF_ERR_SYNTAX, "v=, o= and s= are not the first three lines, once each");
    if (err == RF_OK)
        err = media_finish(&r);
    if (err != RF_OK)
        *why = r.why;
    return err;
}

const struct rf_sdp_attr *
rf_sdp_media_attr(const struct rf_sdp *s, const struct rf_sdp_media *m, const char *name)
{
    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++)
        if (rf_span_is(s->attr[i].name, name))
            return &s->attr[i];
    return NULL;
}

int
rf_sdp_first_audio(const struct rf_sdp *s)
{
    for (size_t i = 0; i < s->media_count; i++)
        if (s->media[i].port != 0 && rf_span_iis(s->media[i].type, "audio"))
            return (int)i;
    return -1;
}
