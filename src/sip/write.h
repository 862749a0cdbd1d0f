/*
 * sip/write.h - builds SIP messages into a fixed buffer
 *
 * A message is: a start, headers in any order, and rf_sip_put_body at the end. Nothing is ever folded, and no
 * value with CR, LF or NUL is written (such a value sets overflow: a header cannot be smuggled in). What is
 * copied from a message that parsed is unfolded, and may hold a NUL as a quoted-pair in a quoted string, as
 * it came.
 */
#ifndef RF_SIP_WRITE_H
#define RF_SIP_WRITE_H

#include "sip/msg.h"

/** "INVITE uri SIP/2.0\r\n". */
void rf_sip_put_request(struct rf_buf *b, const char *method, struct rf_span uri);

/**
 * Start of a response to req: status line, all Via (the top one completed with received and rport, RFC 3261
 * 18.2.1, RFC 3581 4), From, To, Call-ID, CSeq, copied. Works on a message whose parse failed with a status:
 * what is missing or holds a bare CR, LF or NUL is left out, what is broken otherwise goes back as it came.
 * @param reason  NULL: the RFC's own phrase for the status
 * @param to_tag  added to To when it has none; empty for 100
 * @param source  where the request came from; NULL leaves the top Via as it is
 */
void rf_sip_put_response(struct rf_buf *b, const struct rf_sip_msg *req, int status, const char *reason,
                         struct rf_span to_tag, const struct rf_addr *source);

/** "Name: value\r\n". */
void rf_sip_put_header(struct rf_buf *b, enum rf_sip_header id, struct rf_span value);
__attribute__((format(printf, 3, 4))) void rf_sip_put_headerf(struct rf_buf *b, enum rf_sip_header id,
                                                              const char *format, ...);
/** One field of a message that was received, unfolded, by its full name. */
void rf_sip_put_field(struct rf_buf *b, const struct rf_sip_field *f);
/** Copies all fields with this id from m, one line each, unfolded. */
void rf_sip_put_copy(struct rf_buf *b, const struct rf_sip_msg *m, enum rf_sip_header id);

/** Content-Type (when there is a body), Content-Length, the empty line, the body. type NULL: no body. */
void rf_sip_put_body(struct rf_buf *b, const char *type, struct rf_span body);

/** "Not Acceptable Here" for 488 and so on; "Unknown" for others. */
const char *rf_sip_reason_phrase(int status);

/** Reason header "Q.850;cause=88;text=\"INCOMPATIBLE_DESTINATION\"" (RFC 3326); nothing for cause 0. */
void rf_sip_put_reason_q850(struct rf_buf *b, int cause);

/** "Warning: 399 agent \"text\"" (RFC 3261 20.43). @param agent  our host or a pseudonym */
void rf_sip_put_warning(struct rf_buf *b, int code, struct rf_span agent, struct rf_span text);

#endif
