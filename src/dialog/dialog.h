/*
 * dialog/dialog.h - a dialog: the relation of two user agents (RFC 3261 12)
 *
 * Tags, targets, route set and the order of CSeq. It is made from the INVITE and its responses, builds requests
 * within the dialog and judges those that come in. No socket, no clock, no transaction.
 *
 * Threads: plain data of one worker. Memory: one block of text per dialog, freed by rf_dialog_fini.
 */
#ifndef RF_DIALOG_DIALOG_H
#define RF_DIALOG_DIALOG_H

#include "base/rand.h"
#include "flow/flow.h"
#include "sip/msg.h"
#include "sip/write.h"

#define RF_DIALOG_ROUTES_MAX 16   /* Record-Route values; one per proxy between us and the phone, with room */
#define RF_DIALOG_TEXT_MAX   8192 /* octets of all texts together; larger requests get 513 */

struct rf_dialog {
    bool is_uac;       /* we sent the INVITE that made it: the Call-ID is ours (glare, RFC 3261 14.1) */
    bool is_confirmed; /* a 2xx was sent or received */
    bool has_remote_cseq;
    bool has_max_forwards; /* of the request that begins it; all others bear 70, for they cannot go round */
    uint8_t max_forwards;
    uint32_t local_cseq, remote_cseq;
    uint32_t invite_cseq; /* of the last INVITE we sent: its ACK bears it */
    /* C strings in heap memory of their own; NULL: not known yet */
    char *call_id, *local_tag, *remote_tag;
    char *local, *remote;   /* name-addr without tag: what stands in From and To */
    char *target;           /* remote target URI */
    size_t route_count;
    char *route[RF_DIALOG_ROUTES_MAX]; /* "<sip:p.example;lr>" in the order in which requests pass them */
};

/** Tags, addresses, target and route, to be kept; Call-ID and numbers are the caller's to keep. pack.c */
void rf_dialog_pack(struct rf_buf *b, const struct rf_dialog *d);
/** Into one that is zeroed, with texts of its own; whatever was wrong stands in c->err, and rf_dialog_fini copes. */
void rf_dialog_unpack(struct rf_cursor *c, struct rf_dialog *d);
/** Frees the texts; a zeroed dialog is fine. */
void rf_dialog_fini(struct rf_dialog *d);

/**
 * As UAS, from an INVITE that came in.
 * @return RF_ERR_SYNTAX no usable Contact (400), RF_ERR_RANGE too much text or too many routes (513), RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_dialog_from_request(struct rf_dialog *d, const struct rf_sip_msg *invite,
                                                 struct rf_span local_tag);

/** As UAC, before the INVITE is sent: no remote tag yet. routes: a Path as comma list, may be empty. */
RF_MUST_CHECK enum rf_err rf_dialog_begin(struct rf_dialog *d, struct rf_span call_id, struct rf_span local_tag,
                                          struct rf_span local, struct rf_span remote, struct rf_span target,
                                          struct rf_span routes, uint32_t cseq);

/**
 * A 101-2xx to our INVITE: its To tag, Contact and Record-Route complete a copy of the dialog that was begun, so
 * that each fork has its own. `out` may be `begun` itself when it is the only one.
 * @return RF_ERR_SYNTAX no To tag, or a 2xx without a usable Contact; RF_ERR_RANGE, RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_dialog_from_response(struct rf_dialog *out, const struct rf_dialog *begun,
                                                  const struct rf_sip_msg *response);

/** Does the message, a request that came in, belong to it? (Call-ID and both tags.) */
bool rf_dialog_is(const struct rf_dialog *d, const struct rf_sip_msg *request);

/**
 * A request within the dialog came in: order of CSeq, new target from Contact of an INVITE or UPDATE.
 * @return RF_ERR_STALE its CSeq is not above the last one: answer 500 (12.2.2)
 */
RF_MUST_CHECK enum rf_err rf_dialog_request_in(struct rf_dialog *d, const struct rf_sip_msg *request);
/** A 2xx to our re-INVITE: the target may be new. */
void rf_dialog_refresh_target(struct rf_dialog *d, const struct rf_sip_msg *msg);

/* How we are named on a hop. */
struct rf_hop {
    enum rf_transport transport;
    const struct rf_addr *ours; /* for Via and Contact */
};

/**
 * Start of a request in the dialog: request line, Via, Max-Forwards, Route, From, To, Call-ID, CSeq. The caller adds
 * its own headers and the body. ACK uses the CSeq of our last INVITE, others the next one.
 */
void rf_dialog_put_request(struct rf_buf *b, struct rf_dialog *d, enum rf_sip_method method,
                           const struct rf_hop *hop, const char *branch);

/** "Contact: <sip:HOST:PORT;transport=tls>" as peers reach us on this hop. user may be empty. */
void rf_put_contact(struct rf_buf *b, const struct rf_hop *hop, struct rf_span user);
/** "Via: SIP/2.0/TLS host:port;branch=...;rport" */
void rf_put_via(struct rf_buf *b, const struct rf_hop *hop, const char *branch);

/** After a 491: 2.1 to 4 s in steps of 10 ms when the Call-ID is ours, 0 to 2 s otherwise (RFC 3261 14.1). */
uint64_t rf_dialog_glare_wait_us(const struct rf_dialog *d, const struct rf_rand *rand);

#endif
