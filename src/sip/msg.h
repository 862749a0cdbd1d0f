/*
 * sip/msg.h - a SIP message as an index of spans into the receive buffer (RFC 3261 7, 25.1)
 *
 * One pass finds the start line, the header fields and the body; no text is copied. The values that every
 * message needs (top Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length) are parsed and checked then;
 * others on first use by the functions of their headers. The message is valid as long as its buffer.
 *
 * Strict in framing, duplicates and numbers; liberal where RFC 4475 and real phones need it. Each leniency is
 * written down where it is made.
 *
 * Threads: plain data. Cost: no allocation; about 5 kB on the stack or in a worker's scratch.
 */
#ifndef RF_SIP_MSG_H
#define RF_SIP_MSG_H

#include "sip/uri.h"

#define RF_SIP_MESSAGE_MAX 65535 /* octets; UDP's own limit, used for streams as well */
#define RF_SIP_HEADERS_MAX 128   /* header fields; twice the largest torture message */
#define RF_SIP_VIA_MAX     70    /* hops; Max-Forwards starts at 70 */

/* id, name as sent */
#define RF_SIP_METHODS(X)                                                                                     \
    X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(REGISTER) X(PRACK) X(SUBSCRIBE) X(NOTIFY) X(UPDATE)        \
    X(INFO) X(REFER) X(MESSAGE) X(PUBLISH)

enum rf_sip_method {
    RF_SIP_UNKNOWN, /* another token; see method_text */
#define X(name) RF_SIP_##name,
    RF_SIP_METHODS(X)
#undef X
    RF_SIP_METHOD_COUNT
};

/** "INVITE"; "" for RF_SIP_UNKNOWN. */
const char *rf_sip_method_name(enum rf_sip_method m);
/** RF_SIP_UNKNOWN for another token; methods are case-sensitive (RFC 3261 7.1). */
enum rf_sip_method rf_sip_method_find(struct rf_span name);

/* id, name as sent, compact form or 0, may it stand more than once */
#define RF_SIP_HEADERS(X)                                                                                     \
    X(VIA, "Via", 'v', true) X(FROM, "From", 'f', false) X(TO, "To", 't', false)                              \
    X(CALL_ID, "Call-ID", 'i', false) X(CSEQ, "CSeq", 0, false) X(MAX_FORWARDS, "Max-Forwards", 0, false)     \
    X(CONTACT, "Contact", 'm', true) X(ROUTE, "Route", 0, true) X(RECORD_ROUTE, "Record-Route", 0, true)      \
    X(PATH, "Path", 0, true) X(SERVICE_ROUTE, "Service-Route", 0, true) X(EXPIRES, "Expires", 0, false)       \
    X(MIN_EXPIRES, "Min-Expires", 0, false) X(CONTENT_LENGTH, "Content-Length", 'l', false)                   \
    X(CONTENT_TYPE, "Content-Type", 'c', false) X(CONTENT_ENCODING, "Content-Encoding", 'e', true)            \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0, false) X(AUTHORIZATION, "Authorization", 0, true)        \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0, true) X(WWW_AUTHENTICATE, "WWW-Authenticate", 0, true)   \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, true) X(ALLOW, "Allow", 0, true)                           \
    X(ACCEPT, "Accept", 0, true) X(SUPPORTED, "Supported", 'k', true) X(REQUIRE, "Require", 0, true)          \
    X(PROXY_REQUIRE, "Proxy-Require", 0, true) X(UNSUPPORTED, "Unsupported", 0, true)                         \
    X(USER_AGENT, "User-Agent", 0, false) X(SERVER, "Server", 0, false) X(SUBJECT, "Subject", 's', false)     \
    X(DATE, "Date", 0, false) X(WARNING, "Warning", 0, true) X(REASON, "Reason", 0, true)                     \
    X(RETRY_AFTER, "Retry-After", 0, false) X(SESSION_EXPIRES, "Session-Expires", 'x', false)                 \
    X(MIN_SE, "Min-SE", 0, false) X(REPLACES, "Replaces", 0, false) X(REFER_TO, "Refer-To", 'r', false)       \
    X(REFERRED_BY, "Referred-By", 'b', false) X(EVENT, "Event", 'o', false)                                   \
    X(SUBSCRIPTION_STATE, "Subscription-State", 0, false) X(RSEQ, "RSeq", 0, false) X(RACK, "RAck", 0, false) \
    X(INFO_PACKAGE, "Info-Package", 0, false) X(RECV_INFO, "Recv-Info", 0, true)                              \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, true) X(PRIVACY, "Privacy", 0, true)                     \
    X(ALERT_INFO, "Alert-Info", 0, true) X(CALL_INFO, "Call-Info", 0, true)                                   \
    X(FLOW_TIMER, "Flow-Timer", 0, false) X(TIMESTAMP, "Timestamp", 0, false)                                  \
    X(ALLOW_EVENTS, "Allow-Events", 'u', true) X(ACCEPT_CONTACT, "Accept-Contact", 'a', true)                 \
    X(REJECT_CONTACT, "Reject-Contact", 'j', true)                                                            \
    X(REQUEST_DISPOSITION, "Request-Disposition", 'd', true) X(IDENTITY, "Identity", 'y', true)               \
    X(IDENTITY_INFO, "Identity-Info", 'n', true) X(AUTHENTICATION_INFO, "Authentication-Info", 0, true)       \
    X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, true) X(DIVERSION, "Diversion", 0, true)               \
    X(HISTORY_INFO, "History-Info", 0, true)                                                                   \
    X(MIME_VERSION, "MIME-Version", 0, false) X(SESSION_ID, "Session-ID", 0, true)                                  \
    X(SIP_ETAG, "SIP-ETag", 0, false)                                                                         \
    X(SIP_IF_MATCH, "SIP-If-Match", 0, false)

enum rf_sip_header {
    RF_HDR_OTHER, /* not in the table; see its name */
#define X(id, name, compact, many) RF_HDR_##id,
    RF_SIP_HEADERS(X)
#undef X
    RF_HDR_COUNT
};

/** "Call-ID"; "" for RF_HDR_OTHER. */
const char *rf_sip_header_name(enum rf_sip_header id);
/** By name or compact form, without letter case; RF_HDR_OTHER when it is not in the table. */
enum rf_sip_header rf_sip_header_find(struct rf_span name);

struct rf_sip_field {
    enum rf_sip_header id;
    struct rf_span name, value; /* value trimmed; folds are still in it */
};

struct rf_sip_msg {
    struct rf_span raw;          /* the whole message: start line to the end of the body */
    bool is_request;
    enum rf_sip_method method;   /* request: of the start line; response: of CSeq */
    struct rf_span method_text;
    struct rf_span ruri_text;    /* requests */
    struct rf_sip_uri ruri;
    int status;                  /* responses: 100 .. 699 */
    struct rf_span reason;
    struct rf_sip_via via;       /* the topmost */
    struct rf_sip_name_addr from, to;
    struct rf_span from_tag, to_tag; /* empty: none */
    struct rf_span call_id;
    uint32_t cseq;
    uint8_t max_forwards;        /* 70 when absent */
    struct rf_span body;
    size_t field_count;
    uint8_t first[RF_HDR_COUNT]; /* 1 + index of the first field with this id; 0: none */
    struct rf_sip_field field[RF_SIP_HEADERS_MAX];
};

/* Why a message was not accepted and what its sender gets. */
struct rf_sip_problem {
    int status;            /* 400, 483, 505, 513; 0: drop silently (a response, an ACK, nothing to answer with) */
    const char *sentence;  /* for the log and a Warning header; a constant such as "there is no Via" */
    struct rf_span where;  /* the part of the message that is wrong; may be empty */
};

/* Which values are refused eagerly: Via, From, To, Contact, Route, Record-Route and Path (each element),
 * Call-ID, CSeq, Max-Forwards, Content-Length, and a field that must not be repeated. Broken Expires, Date
 * and others are for their readers: RFC 3261 gives a broken Expires a default, and RFC 4475 lets a broken
 * Date pass. */

/**
 * Parse one whole message (a datagram, or what rf_sip_frame cut from a stream).
 * Octets of a datagram after Content-Length are dropped (RFC 3261 18.3).
 *
 * @return RF_OK, or RF_ERR_SYNTAX with *problem set. On error everything found so far is in *out, and when
 *         problem->status is not 0 the fields needed for a response (rf_sip_put_response) are there.
 */
RF_MUST_CHECK enum rf_err rf_sip_msg_parse(struct rf_sip_msg *out, struct rf_span octets,
                                           struct rf_sip_problem *problem);

/** What stands first in a stream's buffer. */
enum rf_sip_frame_kind {
    RF_FRAME_MORE,    /* not whole yet: read on */
    RF_FRAME_MESSAGE, /* octets [0, n) are one message */
    RF_FRAME_PING,    /* CRLF CRLF: answer one CRLF (RFC 5626 4.4.1); n = 4 */
    RF_FRAME_PONG,    /* a lone CRLF: skip; n = 2 */
    RF_FRAME_BROKEN   /* no framing possible: answer problem->status if one can and close */
};

/**
 * Find the first message in a stream (RFC 3261 18.3): Content-Length is required, is a number, and if it is
 * repeated it is the same (rf_sip_msg_parse then refuses the message; the stream stays in step).
 *
 * A buffer that is just CRLF is RF_FRAME_MORE: the other half of a ping may follow. A client that waits for a
 * pong takes such a buffer for it.
 *
 * @param n  octets to take off the buffer; 0 for RF_FRAME_MORE. RF_FRAME_BROKEN: the header part, which
 *           rf_sip_msg_parse reads so that it can be answered with problem->status; 0 when there is none
 */
enum rf_sip_frame_kind rf_sip_frame(struct rf_span buffer, size_t *n, struct rf_sip_problem *problem);

/**
 * The next field with this id at or after *i (start with 0), which moves behind it; NULL when none is
 * left.
 */
const struct rf_sip_field *rf_sip_field_next(const struct rf_sip_msg *m, enum rf_sip_header id, size_t *i);
/** Value of the first such field; p == NULL when there is none. */
struct rf_span rf_sip_value(const struct rf_sip_msg *m, enum rf_sip_header id);

/* Walks the elements of all fields with one id, over commas and lines alike. */
struct rf_sip_walk {
    const struct rf_sip_msg *m;
    enum rf_sip_header id;
    size_t i;
    struct rf_span left;
};
static inline struct rf_sip_walk
rf_sip_walk(const struct rf_sip_msg *m, enum rf_sip_header id)
{
    return (struct rf_sip_walk){ m, id, 0, { NULL, 0 } };
}
/**
 * Where a comma belongs to the value (Authorization and its kin, Date, Subject) a whole field is one
 * element.
 */
bool rf_sip_walk_next(struct rf_sip_walk *w, struct rf_span *element);

/** Is `token` in the comma list of these fields (Supported, Require, Allow)? Letter case does not count. */
bool rf_sip_has_token(const struct rf_sip_msg *m, enum rf_sip_header id, const char *token);

/** A number header (Expires, Min-Expires, Session-Expires' first part...): absent gives `absent`; beyond
 *  2^32-1 gives that maximum (RFC 3261 20.19). RF_ERR_SYNTAX when it is no number. What follows a semicolon or
 *  an opening parenthesis (Retry-After's comment) is not looked at. */
RF_MUST_CHECK enum rf_err rf_sip_seconds(const struct rf_sip_msg *m, enum rf_sip_header id, uint32_t absent,
                                         uint32_t *out);

#endif
