/*
 * dialog/session_timer.h - how long a session lasts without a sign of life (RFC 4028)
 *
 * Facts in, decision out; whoever owns the dialog runs the timers.
 */
#ifndef RF_DIALOG_SESSION_TIMER_H
#define RF_DIALOG_SESSION_TIMER_H

#include "sip/msg.h"
#include "sip/write.h"

#define RF_MIN_SE_LEAST_S 90 /* RFC 4028 4: no smaller Min-SE means anything */

struct rf_session_timer {
    uint32_t expires_s;   /* 0: no session timer in this dialog */
    bool we_refresh;
    bool peer_supports;   /* the peer said Supported: timer */
    uint8_t missed;       /* refreshes in a row that found no path to the peer */
};

/* What a message says. */
struct rf_session_expires {
    uint32_t expires_s; /* 0: no such header */
    uint32_t min_se_s;  /* at least 90 */
    bool supported;
    bool has_refresher, refresher_is_uac;
};

/** RF_ERR_SYNTAX: Session-Expires or Min-SE is no number (400). */
RF_MUST_CHECK enum rf_err rf_session_expires_of(const struct rf_sip_msg *m, struct rf_session_expires *out);

/**
 * As UAS of an INVITE (RFC 4028 9).
 * @param wanted_s  ours; 0: we ask for none, but grant what the peer asks for
 * @return RF_ERR_RANGE: too small, answer 422 with Min-SE: min_se_s
 */
RF_MUST_CHECK enum rf_err rf_session_timer_uas(const struct rf_session_expires *asked, uint32_t wanted_s,
                                               uint32_t min_se_s, struct rf_session_timer *out);
/** As UAC, from the 2xx to our INVITE that asked for asked_s (RFC 4028 7.2). */
void rf_session_timer_uac(const struct rf_session_expires *answer, uint32_t asked_s, struct rf_session_timer *out);

/** Header lines for our 2xx: Session-Expires, and Require: timer when the peer shall refresh (RFC 4028 9). */
void rf_put_session_timer_response(struct rf_buf *b, const struct rf_session_timer *t);
/** Header lines for our INVITE. */
void rf_put_session_timer_request(struct rf_buf *b, uint32_t expires_s, uint32_t min_se_s,
                                  const struct rf_session_timer *now_running);

/** Seconds until we refresh (half), or until the session is over: SE - min(32, SE / 3) (RFC 4028 10). */
uint32_t rf_session_timer_due_s(const struct rf_session_timer *t);

#endif
