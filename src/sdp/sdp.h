/*
 * sdp/sdp.h - session descriptions as spans (RFC 8866) and a=crypto lines (RFC 4568)
 *
 * Threads: plain data; valid as long as the text. No allocation.
 */
#ifndef RF_SDP_SDP_H
#define RF_SDP_SDP_H

#include "base/addr.h"
#include "base/buf.h"

#define RF_SDP_MAX        16384 /* octets; larger bodies are refused with 513 before they come here */
#define RF_SDP_MEDIA_MAX  8     /* m= lines; more are refused */
#define RF_SDP_ATTR_MAX   192   /* a= lines in all */
#define RF_SDP_FORMAT_MAX 64    /* payload types of one m= line */

enum rf_sdp_profile { RF_RTP_AVP, RF_RTP_AVPF, RF_RTP_SAVP, RF_RTP_SAVPF, RF_UDP_TLS_RTP_SAVP,
                      RF_UDP_TLS_RTP_SAVPF, RF_PROFILE_OTHER };
/** "RTP/AVP" and so on; "" for RF_PROFILE_OTHER. */
const char *rf_sdp_profile_name(enum rf_sdp_profile p);
static inline bool
rf_sdp_profile_is_secure(enum rf_sdp_profile p)
{
    return p >= RF_RTP_SAVP && p <= RF_UDP_TLS_RTP_SAVPF;
}

enum rf_sdp_direction { RF_SENDRECV, RF_SENDONLY, RF_RECVONLY, RF_INACTIVE };
const char *rf_sdp_direction_name(enum rf_sdp_direction d); /* "sendrecv" ... */
static inline bool
rf_sdp_sends(enum rf_sdp_direction d)
{
    return d == RF_SENDRECV || d == RF_SENDONLY;
}
static inline bool
rf_sdp_receives(enum rf_sdp_direction d)
{
    return d == RF_SENDRECV || d == RF_RECVONLY;
}
/** What of a direction is said by its two halves. */
static inline enum rf_sdp_direction
rf_sdp_direction_of(bool send, bool receive)
{
    return send ? receive ? RF_SENDRECV : RF_SENDONLY : receive ? RF_RECVONLY : RF_INACTIVE;
}

struct rf_sdp_attr {
    struct rf_span name, value; /* value.p == NULL: a property attribute */
};

struct rf_sdp_media {
    struct rf_span type;                    /* "audio" */
    uint16_t port;                          /* 0: refused or disabled */
    enum rf_sdp_profile profile;
    struct rf_span profile_text;
    size_t format_count;
    struct rf_span format[RF_SDP_FORMAT_MAX];
    struct rf_addr connection;              /* its own or the session's c=; not set when it is a name */
    struct rf_span connection_text;
    size_t attr_from, attr_count;           /* its attributes in rf_sdp.attr */
    enum rf_sdp_direction direction;        /* its own, or the session's, or sendrecv */
    struct rf_addr rtcp;                    /* a=rtcp (RFC 3605), or connection at port + 1 */
    bool rtcp_mux;                          /* a=rtcp-mux (RFC 5761) */
};

struct rf_sdp {
    struct rf_span raw, origin_user, session_id, session_version, session_name;
    size_t session_attr_count;              /* attr[0 .. n) are the session's */
    size_t attr_count;
    struct rf_sdp_attr attr[RF_SDP_ATTR_MAX];
    size_t media_count;
    struct rf_sdp_media media[RF_SDP_MEDIA_MAX];
};

/**
 * @param why  on error, a sentence for the log and the Warning header; a constant string
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE (a limit above)
 */
RF_MUST_CHECK enum rf_err rf_sdp_parse(struct rf_span text, struct rf_sdp *out, const char **why);

/** First attribute with this name among the media's own; NULL when there is none. */
const struct rf_sdp_attr *rf_sdp_media_attr(const struct rf_sdp *s, const struct rf_sdp_media *m,
                                            const char *name);

/**
 * Does a line hold a key of the media, of whatever keying: a=crypto (RFC 4568), a=key-mgmt (RFC 4567), k= (RFC 4566), or
 * such an attribute as a capability (a=acap, RFC 5939)?
 */
bool rf_sdp_line_has_keys(struct rf_span line);
/** Does any line of a description, parsed or not. */
bool rf_sdp_has_keys(struct rf_span text);

/** Index of the first audio stream with a port other than 0, or -1. */
int rf_sdp_first_audio(const struct rf_sdp *s);

#endif
