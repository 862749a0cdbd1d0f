/*
 * rtp/rtcp.h - what a compound RTCP packet says: reports, goodbye, name; and the round trip it gives away
 *
 * RFC 3550 6, reduced size RFC 5506. Packets of other types (RTPFB, PSFB, XR, APP) are stepped over.
 */
#ifndef RF_RTP_RTCP_H
#define RF_RTP_RTCP_H

#include "base/span.h"

#define RF_RTCP_REPORTS_MAX 8 /* report blocks that are kept; a leg has up to 4 streams */

enum { RF_RTCP_SR = 200, RF_RTCP_RR = 201, RF_RTCP_SDES = 202, RF_RTCP_BYE = 203 };

/* One report block: how our sender's stream arrives there. */
struct rf_rtcp_report {
    uint32_t ssrc;          /* of the stream that is reported on */
    uint8_t fraction_lost;  /* of 256, since the last report */
    int32_t lost;           /* in all; negative with duplicates */
    uint32_t highest;       /* extended highest sequence number */
    uint32_t jitter;        /* timestamp units */
    uint32_t lsr, dlsr;     /* 1/65536 s; 0: no sender report had arrived there */
    uint32_t highest_at;    /* where `highest` stands in the packet */
};

struct rf_rtcp {
    uint32_t sender_ssrc;   /* of the first packet */
    bool has_sender_info;   /* an SR */
    uint32_t ntp_high, ntp_low, rtp_timestamp, packets, octets;
    size_t report_count;    /* kept in report[] */
    struct rf_rtcp_report report[RF_RTCP_REPORTS_MAX];
    struct rf_span cname;   /* of the first SDES chunk that has one; as it came, may hold any octet */
    bool has_bye;
    uint32_t bye_ssrc;      /* the first */
};

/**
 * What a report says as `seen` of a stream whose numbers were shifted on their way there, in the numbers of its source.
 * @param shift    what was added to the source's numbers
 * @param highest  of the source as we count it, extended: says how often they have come round
 */
uint32_t rf_rtcp_highest_of_source(uint32_t seen, uint16_t shift, uint32_t highest);

/** RF_ERR_SYNTAX: a version other than 2, a length that leaves the datagram, or padding before the last packet. */
RF_MUST_CHECK enum rf_err rf_rtcp_parse(const uint8_t *p, size_t n, struct rf_rtcp *out);

/** The middle 32 bits of the NTP time of an SR: what reports repeat as LSR. */
static inline uint32_t
rf_rtcp_mid_ntp(const struct rf_rtcp *r)
{
    return r->ntp_high << 16 | r->ntp_low >> 16;
}

/* A relay has no NTP time of its own in the reports it passes on. It remembers when a sender report went out to a
 * peer; the report that comes back names it by LSR and says how long it lay there (DLSR). */
#define RF_RTCP_RTT_KEPT 4 /* sender reports under way: one every 5 s, answered by the next report back */

struct rf_rtcp_rtt {
    struct {
        uint32_t lsr;
        uint64_t sent_us; /* 0: empty */
    } sr[RF_RTCP_RTT_KEPT];
    uint32_t next;
};

/** A compound packet with an SR went to the peer. */
void rf_rtcp_rtt_sent(struct rf_rtcp_rtt *t, uint32_t mid_ntp, uint64_t now_us);
/** A report came from the peer: the time there and back, or 0 when it names no SR that we remember. */
uint32_t rf_rtcp_rtt_us(const struct rf_rtcp_rtt *t, const struct rf_rtcp_report *report, uint64_t now_us);

#endif
