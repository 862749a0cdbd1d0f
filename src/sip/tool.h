/*
 * sip/tool.h - what `ringfence sip parse` prints
 *
 * Made for people and scripts that look at one message; nothing of it runs in the daemon's traffic.
 */
#ifndef RF_SIP_TOOL_H
#define RF_SIP_TOOL_H

#include "base/buf.h"

/* JSON of the largest message: each octet may become six, and values stand in up to four places. */
#define RF_SIP_TOOL_OUTPUT_MAX (2u << 20)

/**
 * Parse `octets` as one datagram and append its fields, or why it is refused and the status that would be
 * sent.
 *
 * JSON, accepted: { "verdict": "ok", "kind": "request"|"response", "method", "ruri": {...} | "status",
 * "reason", "via": [...], "via_count", "from": {...}, "to": {...}, "call_id", "cseq", "max_forwards",
 * "contact": [...], "contact_count", "content_length", "subject", "require": [...], "proxy_require": [...],
 * "header": { name: value } }.
 * JSON, refused: { "verdict": "refused", "status": 400, "why": "...", "where":
 * "...", "kind", "method" }; status 0 means that nothing is sent. "content_length" is the length of the body.
 *
 * @return RF_OK accepted, RF_ERR_SYNTAX refused (the answer is in *out all the same), RF_ERR_NOMEM *out is too small
 */
RF_MUST_CHECK enum rf_err rf_sip_tool_parse(struct rf_buf *out, struct rf_span octets, bool json);

#endif
