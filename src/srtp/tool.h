/*
 * srtp/tool.h - one packet by hand: what `ringfence srtp protect|unprotect` does
 *
 * Threads: for a command; one at a time.
 */
#ifndef RF_SRTP_TOOL_H
#define RF_SRTP_TOOL_H

#include "base/buf.h"
#include "crypto/suite.h"

struct rf_srtp_tool {
    bool is_protect, is_rtcp;
    uint8_t clear;         /* RF_SRTP_CLEAR_*: session parameters of the a=crypto line */
    struct rf_span suite;  /* name or alias */
    struct rf_span key;    /* Base64 of master key || salt, as after "inline:" */
    struct rf_span mki;    /* hexadecimal; empty: none */
    uint64_t seq;          /* unprotect: sequence number that is expected. RTCP: index to send, or expected */
    uint64_t roc;
    struct rf_span packet; /* hexadecimal; white space is skipped */
};

/**
 * Appends the result in hexadecimal.
 *
 * Protecting takes the sequence number from the packet's header and the ROC from `roc`. Unprotecting starts from
 * a stream at (roc, seq), tries the compatibility modes, and refuses SRTCP in clear unless `clear` names it.
 *
 * @param why  on error a constant sentence for a person
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE: the arguments or the packet are wrong; RF_ERR_NOT_FOUND: no such suite;
 *         else what rf_srtp_protect or rf_srtp_unprotect said of the packet
 */
RF_MUST_CHECK enum rf_err rf_srtp_tool(const struct rf_srtp_tool *t, struct rf_buf *out, const char **why);

#endif
