/*
 * rtp/rtp.h - RTP headers, and telling apart what shares a port (RFC 3550, 5761, 7983, 4733)
 *
 * Pure functions over octets that came from the network: every length is checked, nothing is copied.
 */
#ifndef RF_RTP_RTP_H
#define RF_RTP_RTP_H

#include "base/span.h"

#define RF_RTP_HEADER_OCTETS 12 /* without CSRCs and extension */

enum rf_packet_kind { RF_PACKET_OTHER, RF_PACKET_STUN, RF_PACKET_DTLS, RF_PACKET_RTP, RF_PACKET_RTCP };

/**
 * By the first octets alone (RFC 7983 7): 0-3 STUN, 20-63 DTLS, 128-191 RTP or RTCP. Of those it is RTCP when the
 * second octet is 192 to 223 (RFC 5761 4: payload types 64 to 95 are not used with multiplexing). Not proof that
 * the packet is sound. RF_PACKET_OTHER: drop.
 */
enum rf_packet_kind rf_packet_kind(const uint8_t *p, size_t n);

struct rf_rtp {
    uint8_t payload_type; /* 0 to 127 */
    bool is_marked, has_padding;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    uint32_t header_octets; /* with CSRCs and extension: where the payload (encrypted in SRTP) begins */
};

/** RF_ERR_SYNTAX: not version 2, or shorter than its header, CSRCs and extension say. */
RF_MUST_CHECK enum rf_err rf_rtp_parse(const uint8_t *p, size_t n, struct rf_rtp *out);

/** The payload without padding; of a packet in clear. RF_ERR_SYNTAX: the padding count is 0 or too large. */
RF_MUST_CHECK enum rf_err rf_rtp_payload(const uint8_t *p, size_t n, const struct rf_rtp *h,
                                         struct rf_span *payload);

/** Write a plain header of 12 octets: no CSRC, no extension, no padding. */
void rf_rtp_put_header(uint8_t out[static RF_RTP_HEADER_OCTETS], const struct rf_rtp *h);

/* One report of a telephone-event (RFC 4733 2.3). */
struct rf_rtp_event {
    uint8_t event;     /* 0-9 digits, 10 *, 11 #, 12-15 A-D, 16 flash */
    bool is_end;
    uint8_t volume;    /* -dBm0, 0 to 63 */
    uint16_t duration; /* timestamp units */
};

/** Whether a packet is a telephone-event: by the payload type that SDP named (negative: none was). */
static inline bool
rf_rtp_is_event(const struct rf_rtp *h, int event_payload_type)
{
    return h->payload_type == event_payload_type;
}

/** The first report of a payload. RF_ERR_SYNTAX: shorter than 4 octets. */
RF_MUST_CHECK enum rf_err rf_rtp_event_parse(struct rf_span payload, struct rf_rtp_event *out);

#endif
