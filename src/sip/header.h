/*
 * sip/header.h - the header fields that a B2BUA and a registrar read, one function per grammar rule
 *
 * Each takes the value (or one list element) of its field and is called when somebody needs it. Spans point
 * into the value. On an error *out is not to be used.
 *
 * Threads: plain data.
 */
#ifndef RF_SIP_HEADER_H
#define RF_SIP_HEADER_H

#include "sip/msg.h"

/* Session-Expires (RFC 4028 4): delta-seconds *( SEMI se-params ) */
enum rf_sip_refresher { RF_REFRESHER_NONE, RF_REFRESHER_UAC, RF_REFRESHER_UAS };

struct rf_sip_session_expires {
    uint32_t seconds; /* not checked against 90: below it is 422, which is the dialog's answer */
    enum rf_sip_refresher refresher;
};

RF_MUST_CHECK enum rf_err rf_sip_session_expires_parse(struct rf_span value, struct rf_sip_session_expires *out);

/* Min-SE (RFC 4028 5): delta-seconds *( SEMI generic-param ) */
RF_MUST_CHECK enum rf_err rf_sip_min_se_parse(struct rf_span value, uint32_t *seconds);

/* One Contact (RFC 3261 20.10, RFC 5626 10) */
struct rf_sip_contact {
    struct rf_sip_name_addr addr; /* not set for "*" */
    bool is_star;
    bool has_expires;
    uint32_t expires;         /* above 2^32-1: that; not a number: 3600 (RFC 3261 10.2.1.1) */
    uint16_t q;               /* thousandths; 1000 when absent */
    struct rf_span instance;  /* +sip.instance without quotes and < >; empty: none */
    uint32_t reg_id;          /* 1 to 2^31-1; 0: none */
    bool has_ob;              /* ;ob in the URI (RFC 5626 5.3) */
};

/** RF_ERR_SYNTAX for a broken address, q or reg-id: 400. */
RF_MUST_CHECK enum rf_err rf_sip_contact_parse(struct rf_span element, struct rf_sip_contact *out);

/* One reason of Reason (RFC 3326 2) */
struct rf_sip_reason {
    struct rf_span protocol; /* "Q.850", "SIP" */
    int cause;               /* 0: none */
    struct rf_span text;     /* without its quotes, escapes kept; empty: none */
};

RF_MUST_CHECK enum rf_err rf_sip_reason_parse(struct rf_span element, struct rf_sip_reason *out);

/* Retry-After (RFC 3261 20.33): delta-seconds [ comment ] *( SEMI retry-param ) */
struct rf_sip_retry_after {
    uint32_t seconds;
    uint32_t duration; /* 0: none */
};

RF_MUST_CHECK enum rf_err rf_sip_retry_after_parse(struct rf_span value, struct rf_sip_retry_after *out);

/* Content-Type (RFC 3261 20.15): m-type SLASH m-subtype *( SEMI m-parameter ) */
struct rf_sip_content_type {
    struct rf_span type, subtype, params;
};

RF_MUST_CHECK enum rf_err rf_sip_content_type_parse(struct rf_span value, struct rf_sip_content_type *out);

/**
 * Is the body of this type ("application/sdp")? Parameters do not count; a message without Content-Type or
 * with a broken one is of none.
 */
bool rf_sip_content_is(const struct rf_sip_msg *m, const char *type);
/** There is a body and it is SDP, whatever its parameters are: phones send an empty one. */
bool rf_sip_has_sdp(const struct rf_sip_msg *m);

/* Replaces (RFC 3891 6.1) */
struct rf_sip_replaces {
    struct rf_span call_id, to_tag, from_tag;
    bool is_early_only;
};

/** RF_ERR_SYNTAX unless there is a Call-ID and exactly one tag of each kind. */
RF_MUST_CHECK enum rf_err rf_sip_replaces_parse(struct rf_span value, struct rf_sip_replaces *out);

/* RSeq and RAck (RFC 3262 7) */
struct rf_sip_rack {
    uint32_t rseq, cseq;
    enum rf_sip_method method;
    struct rf_span method_text;
};

/** 1 to 2^32-1; RF_ERR_SYNTAX, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_sip_rseq_parse(struct rf_span value, uint32_t *out);
RF_MUST_CHECK enum rf_err rf_sip_rack_parse(struct rf_span value, struct rf_sip_rack *out);

/* Event (RFC 6665 8.2.1): the package is compared byte by byte, with its templates */
struct rf_sip_event {
    struct rf_span package, id, params; /* id empty: none */
};

RF_MUST_CHECK enum rf_err rf_sip_event_parse(struct rf_span value, struct rf_sip_event *out);

/* Subscription-State (RFC 6665 8.2.3) */
enum rf_sip_substate { RF_SUBSTATE_OTHER, RF_SUBSTATE_ACTIVE, RF_SUBSTATE_PENDING, RF_SUBSTATE_TERMINATED };

struct rf_sip_subscription_state {
    enum rf_sip_substate state;
    struct rf_span state_text, reason;
    bool has_expires, has_retry_after;
    uint32_t expires, retry_after;
};

RF_MUST_CHECK enum rf_err rf_sip_subscription_state_parse(struct rf_span value,
                                                          struct rf_sip_subscription_state *out);

/* Refer-To (RFC 3515 2.1, RFC 3891 for the Replaces in it) */
struct rf_sip_refer_to {
    struct rf_sip_name_addr addr;
    struct rf_span method;   /* of the URI's method parameter; empty: INVITE */
    struct rf_span replaces; /* the Replaces header of the URI, still escaped: rf_put_unescaped, then
                                rf_sip_replaces_parse; empty: none */
};

RF_MUST_CHECK enum rf_err rf_sip_refer_to_parse(struct rf_span value, struct rf_sip_refer_to *out);

/** Bit 1u << enum rf_sip_method for each known method of Allow; 0 without Allow. */
uint32_t rf_sip_allow(const struct rf_sip_msg *m);

/** Info-Package (RFC 6086 8): the package without its parameters. */
RF_MUST_CHECK enum rf_err rf_sip_info_package_parse(struct rf_span value, struct rf_span *package);

#endif
