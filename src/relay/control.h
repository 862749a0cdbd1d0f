/*
 * relay/control.h - what signal and media say to each other
 *
 * Fixed-size messages by value over SOCK_SEQPACKET socket pairs that the parent made: one pair for each
 * (signal worker, media thread). No pointers, no shared heap. Both sides check every field of what they
 * receive: the other process may have been taken over.
 *
 * A session is two legs joined; both lie in one media thread. It is named by slot and generation, so a late
 * message for a session that ended does not touch its successor.
 */
#ifndef RF_RELAY_CONTROL_H
#define RF_RELAY_CONTROL_H

#include "base/addr.h"
#include "crypto/suite.h"

#define RF_MEDIA_VERSION 5
#define RF_MEDIA_TIMEOUT_MAX_S 86400 /* a day: longer means that nobody looks after the session */
#define RF_MEDIA_KEYS_MAX 2 /* keys to receive with at once: MKI, or the old key during a re-keying */

struct rf_media_name {
    uint32_t slot, generation; /* generation 0: no session */
};

/* One leg's media, all of it: a change sends the whole again. */
struct rf_media_leg {
    struct rf_addr peer;          /* where SDP says media goes; not set: nowhere yet (learnt when allowed) */
    struct rf_addr peer_rtcp;     /* not set: peer at port + 1, or peer when muxed */
    struct rf_srtp_key tx;        /* we send with; suite 0: plain RTP */
    uint8_t rx_count;             /* 0: plain RTP is received */
    struct rf_srtp_key rx[RF_MEDIA_KEYS_MAX];
    uint32_t rx_roc;              /* ROC of the peer in another session that it was moved from; 0: none. With its old
                                     key it goes on there (TEL-40), so a stream not heard yet is looked for there too */
    uint8_t rtcp_mux;             /* 1: RTCP on the RTP port, both ways */
    uint8_t may_send;             /* 0: nothing leaves to this leg (hold; SRTP required and no key yet) */
    uint8_t may_receive;          /* 0: RTP that arrives is counted and dropped; RTCP goes on (RFC 3264 8.4) */
    uint8_t require_srtp;         /* 1: never send or accept clear packets here, whatever the keys say (I3) */
    uint8_t unencrypted_allowed;  /* 1: keys that leave something in clear (RF_SRTP_CLEAR_*) are SRTP here as well */
    uint8_t rtcp_tag32_refused;   /* operator forbids the 32-bit SRTCP tag */
    uint8_t symmetric;            /* 1: follow the source of packets as relay/learn.h allows */
    struct rf_addr signalled_from; /* where this leg's SIP comes from: a source at this host is believed sooner;
                                      not set: unknown */
    uint32_t clock_rate;          /* of the RTP timestamps, for the jitter; 0: 8000 */
    uint8_t dtmf_payload;         /* payload type of telephone-event, to count it; 0: none */
};

enum rf_media_command {
    RF_MEDIA_OPEN = 1, /* two ports, leg 0 and leg 1; nothing is relayed before a CHANGE; answered OPENED */
    RF_MEDIA_CHANGE,   /* set one leg; answered CHANGED */
    RF_MEDIA_CLOSE,    /* end it; its ports rest for a while; answered CLOSED with the final numbers in the map */
    RF_MEDIA_ADOPT,    /* a new signal process knows this session: it stays; answered ADOPTED, or GONE */
    RF_MEDIA_SWEEP,    /* close this worker's sessions that were not adopted since its process started */
    RF_MEDIA_EXTEND    /* one leg gets a port of the other family beside its own, until CLOSE: its phones ring by both.
                          The peer of a CHANGE says which is used. Answered EXTENDED, or FULL when there is none */
};

struct rf_media_request {
    uint32_t version;             /* RF_MEDIA_VERSION */
    uint32_t command;             /* enum rf_media_command */
    uint64_t cookie;              /* repeated in the answer; the caller's own */
    uint64_t epoch;               /* of the signal process: grows with each start */
    struct rf_media_name session;
    uint32_t leg;                 /* CHANGE, EXTEND: 0 or 1 */
    uint32_t timeout_s;           /* OPEN: TIMEOUT after so long without a packet on either leg; 0: never */
    uint8_t family[2];            /* OPEN: 4 or 6 for each leg's port; EXTEND: that of `leg` */
    uint8_t is_ahead; /* OPEN, 1: for a call to come, nobody waits for the answer. CLOSE, 1: no call came, so
                                     nobody knows its ports, and they need no rest */
    uint8_t is_repeat;            /* 1: may have been done already by a media process that died before it answered */
    struct rf_media_leg change;   /* CHANGE */
};

enum rf_media_event {
    RF_MEDIA_OPENED = 1, /* port[], session; or error */
    RF_MEDIA_CHANGED,
    RF_MEDIA_CLOSED,
    RF_MEDIA_ADOPTED,
    RF_MEDIA_GONE,       /* no such session */
    RF_MEDIA_TIMEOUT,    /* no packet from `leg` for timeout_s, nor a CHANGE of either leg; sent once, again after
                             media came back or a CHANGE. Not for a leg that may not be received from */
    RF_MEDIA_AUTH_BAD,   /* RF-308: > 50 packets or 1 s of failing authentication from `leg`; once a minute */
    RF_MEDIA_STARTED,    /* first packet that was accepted from `leg` */
    RF_MEDIA_FULL,       /* error answer to OPEN and EXTEND: no slot or port */
    RF_MEDIA_EXTENDED    /* port[leg] */
};

struct rf_media_reply {
    uint32_t version;
    uint32_t event;               /* enum rf_media_event */
    uint64_t cookie;              /* 0 for events that answer nothing */
    struct rf_media_name session;
    uint32_t leg;
    uint16_t port[2];             /* OPENED: RTP ports of leg 0 and 1; RTCP one above. EXTENDED: port[leg] */
};

/** RF_ERR_RANGE when a field of one leg cannot be right. */
RF_MUST_CHECK enum rf_err rf_media_leg_check(const struct rf_media_leg *leg);
/** RF_ERR_RANGE when a field cannot be right (unknown suite, family, leg, address): close the session. */
RF_MUST_CHECK enum rf_err rf_media_request_check(const struct rf_media_request *r, size_t octets);
RF_MUST_CHECK enum rf_err rf_media_reply_check(const struct rf_media_reply *r, size_t octets);

#endif
