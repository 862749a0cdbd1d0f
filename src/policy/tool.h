/*
 * policy/tool.h - `ringfence sdp decide`: what would be decided on this offer or answer, without a daemon
 *
 * A decision aid. The answer it prints holds a fresh key, as an answer must; that key was made for this one print,
 * belongs to no call and is forgotten. No other key, theirs or ours, is ever printed.
 */
#ifndef RF_POLICY_TOOL_H
#define RF_POLICY_TOOL_H

#include "policy/srtp_policy.h"

struct rf_sdp_tool {
    struct rf_srtp_policy policy; /* rf_sdp_tool_init fills it; flags change it */
    bool is_answer;               /* --direction answer-in */
    bool bypass;                  /* media-handling-mode bypass */
    int status;                   /* of the far side's final response, instead of a description; 0: none */
    size_t places;                /* how many connections were tried and answered so */
    const char *transport;        /* "tls", "tcp", "udp"; policy.transport_secure says the same */
    struct rf_span our_offer;     /* --our-offer; p == NULL: the offer that the policy would make */
    bool json;
};

/* An answer to a session of RF_SDP_MAX octets, as JSON, with every octet escaped. */
#define RF_SDP_TOOL_TEXT_MAX (8 * RF_SDP_MAX)

/** srtp required, an offer that came in by TLS, the suites of connections, answer profile mirrored, text. */
void rf_sdp_tool_init(struct rf_sdp_tool *t);

/** "tls", "tcp" or "udp": sets transport and policy.transport_secure. RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_sdp_tool_transport(struct rf_sdp_tool *t, struct rf_span name);
/** "off", "optional", "required". RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_sdp_tool_srtp(struct rf_sdp_tool *t, struct rf_span name);

/**
 * Decide on `sdp` and write decision, reason, code and (for an accepted offer) our answer.
 *
 * @param out  room for RF_SDP_TOOL_TEXT_MAX octets
 * @return RF_OK accepted, RF_ERR_REFUSED refused (both are in `out`); RF_ERR_SYNTAX our_offer is not one of ours
 *         (`out` then holds one line that says why); RF_ERR_NOMEM `out` is too small
 */
RF_MUST_CHECK enum rf_err rf_sdp_decide(const struct rf_sdp_tool *t, struct rf_span sdp,
                                        const struct rf_rand *rand, struct rf_buf *out);

#endif
