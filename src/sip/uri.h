/*
 * sip/uri.h - SIP, SIPS and tel URIs and the headers built on them (RFC 3261 19.1, 20, 25.1; RFC 3966)
 *
 * All members are spans into the text that was parsed, still escaped.
 */
#ifndef RF_SIP_URI_H
#define RF_SIP_URI_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/cursor.h"

/* Parameters, and headers, of one URI: equality looks for each in the other, and phones send half a dozen. */
#define RF_SIP_URI_PARAMS_MAX 32

enum rf_uri_scheme { RF_URI_SIP, RF_URI_SIPS, RF_URI_TEL, RF_URI_OTHER };

struct rf_sip_uri {
    enum rf_uri_scheme scheme;
    struct rf_span raw;
    struct rf_span user, password; /* tel: user is the number; empty when absent (has_user tells) */
    bool has_user;
    struct rf_span host;           /* IPv6 with its brackets */
    uint16_t port;                 /* 0: none given */
    struct rf_span params;         /* ";a=b;c", with its first ';'; empty: none */
    struct rf_span headers;        /* "?a=b&c=d" without '?'; empty: none */
};

/** An absolute URI and nothing else. An unknown scheme is RF_OK with RF_URI_OTHER (416 is the caller's). */
RF_MUST_CHECK enum rf_err rf_sip_uri_parse(struct rf_span text, struct rf_sip_uri *out);

/**
 * Value of a parameter of a ";a=b;c" list (names without case). false: not there; `value` may be empty. A
 * quoted value keeps its quotes (rf_sip_unquote). For the parameters of a URI use rf_sip_uri_param: they may
 * be escaped.
 */
bool rf_sip_param(struct rf_span params, const char *name, struct rf_span *value);

/** As rf_sip_param for u->params, where "%6C%72" is "lr" (RFC 4475 3.1.1.3). The value is still escaped. */
bool rf_sip_uri_param(const struct rf_sip_uri *u, const char *name, struct rf_span *value);

/** Walks ";a=b;c": true and moves on while there is another. value.p == NULL when it has no '='. */
bool rf_sip_param_next(struct rf_span *params, struct rf_span *name, struct rf_span *value);

/** Walks "a=b&c=d" of u->headers in the same way. */
bool rf_sip_uri_header_next(struct rf_span *headers, struct rf_span *name, struct rf_span *value);

/** URI equality of RFC 3261 19.1.4; RFC 3966 5 for tel; the same octets for other schemes. */
bool rf_sip_uri_eq(const struct rf_sip_uri *a, const struct rf_sip_uri *b);

/** Append user or another part with %HH undone once. Escaped NUL stays an octet 0: do not make a C string. */
void rf_put_unescaped(struct rf_buf *b, struct rf_span s);
/** Append a user part, escaping what a user may not hold (RFC 3261 25.1). */
void rf_put_escaped_user(struct rf_buf *b, struct rf_span s);

/** Without the quotes around it; anything else is returned as it is. */
struct rf_span rf_sip_unquote(struct rf_span s);
/** Append with "\\x" made x and folds made one SP: the text of a quoted-string whose quotes are off. */
void rf_put_unquoted(struct rf_buf *b, struct rf_span s);
/** Append as a quoted-string with its quotes. CR, LF and NUL set overflow. */
void rf_put_quoted(struct rf_buf *b, struct rf_span s);

/* name-addr / addr-spec with header parameters: From, To, Contact, Route, Record-Route, Path, Refer-To... */
struct rf_sip_name_addr {
    struct rf_span display;  /* as written, without the outer quotes, escapes kept */
    struct rf_sip_uri uri;
    struct rf_span params;   /* header parameters ";tag=x;q=0.5" */
    struct rf_span tag;      /* of them; empty: none */
    struct rf_span raw;      /* the whole element */
};

RF_MUST_CHECK enum rf_err rf_sip_name_addr_parse(struct rf_span text, struct rf_sip_name_addr *out);

/** As rf_sip_name_addr_parse for the first of a list; the cursor stops behind it, at a comma or the end. */
void rf_sip_name_addr_take(struct rf_cursor *c, struct rf_sip_name_addr *out);

/**
 * Takes the next element off a comma-separated value (commas in quotes and <> do not count), trimmed. Empty
 * elements are passed over ("INVITE,,ACK"); where one is an error rf_sip_msg_parse has refused it.
 * @return false when the value is used up
 */
bool rf_sip_list_next(struct rf_span *value, struct rf_span *element);

struct rf_sip_via {
    struct rf_span transport; /* "UDP" as written */
    struct rf_span host;      /* IPv6 with its brackets */
    uint16_t port;            /* 0: none */
    struct rf_span params, branch, received;
    bool has_rport;           /* ;rport or ;rport=n */
    uint16_t rport;           /* its value, 0: none */
    struct rf_span raw;
};

RF_MUST_CHECK enum rf_err rf_sip_via_parse(struct rf_span element, struct rf_sip_via *out);

/** As rf_sip_via_parse for the first of a list; the cursor stops behind it, at a comma or the end. */
void rf_sip_via_take(struct rf_cursor *c, struct rf_sip_via *out);

#endif
