/* rtp/rtcp.c - see rtcp.h */
#include "rtp/rtcp.h"

#include "rtp/octets.h"

#define SDES_CNAME 1
#define SENDER_INFO_OCTETS 20
#define REPORT_OCTETS 24

/* Report blocks of an SR or RR; count says how many, the packet's length how many fit. RFC 3550 6.4.1 */
static enum rf_err
reports(const uint8_t *whole, const uint8_t *p, size_t n, size_t count, struct rf_rtcp *out)
{
    if (n / REPORT_OCTETS < count)
        return RF_ERR_SYNTAX;
    for (size_t i = 0; i < count && out->report_count < RF_RTCP_REPORTS_MAX; i++, p += REPORT_OCTETS) {
        struct rf_rtcp_report *r = &out->report[out->report_count++];
        uint32_t lost = rf_get32(p + 4) & 0xffffff;

        r->ssrc = rf_get32(p);
        r->fraction_lost = p[4];
        r->lost = lost < 0x800000 ? (int32_t)lost : (int32_t)lost - 0x1000000;
        r->highest = rf_get32(p + 8);
        r->highest_at = (uint32_t)(p + 8 - whole);
        r->jitter = rf_get32(p + 12);
        r->lsr = rf_get32(p + 16);
        r->dlsr = rf_get32(p + 20);
    }
    return RF_OK;
}

/* chunk = SSRC 1*item, items end with a zero octet and fill up to 32 bits. RFC 3550 6.5 */
static enum rf_err
source_descriptions(const uint8_t *p, size_t n, size_t count, struct rf_rtcp *out)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (n - at < 4)
            return RF_ERR_SYNTAX;
        at += 4;
        for (;;) {
            if (at >= n)
                return RF_ERR_SYNTAX;
            if (p[at] == 0)
                break;
            if (n - at < 2 || n - at - 2 < p[at + 1])
                return RF_ERR_SYNTAX;
            if (p[at] == SDES_CNAME && out->cname.p == NULL)
                out->cname = rf_span(p + at + 2, p[at + 1]);
            at += 2 + (size_t)p[at + 1];
        }
        at = (at + 4) & ~(size_t)3; /* one zero octet at least; n is a multiple of 4, so this stays within */
    }
    return RF_OK;
}

/* One packet of the compound: header of 4 octets, then the sender's SSRC for all but SDES. */
static enum rf_err
packet(const uint8_t *whole, const uint8_t *p, size_t n, struct rf_rtcp *out)
{
    size_t count = p[0] & 0x1f;

    switch (p[1]) {
    case RF_RTCP_SR:
        if (n < 8 + SENDER_INFO_OCTETS)
            return RF_ERR_SYNTAX;
        if (!out->has_sender_info) {
            out->has_sender_info = true;
            out->ntp_high = rf_get32(p + 8);
            out->ntp_low = rf_get32(p + 12);
            out->rtp_timestamp = rf_get32(p + 16);
            out->packets = rf_get32(p + 20);
            out->octets = rf_get32(p + 24);
        }
        return reports(whole, p + 8 + SENDER_INFO_OCTETS, n - 8 - SENDER_INFO_OCTETS, count, out);
    case RF_RTCP_RR:
        return n < 8 ? RF_ERR_SYNTAX : reports(whole, p + 8, n - 8, count, out);
    case RF_RTCP_SDES:
        return source_descriptions(p + 4, n - 4, count, out);
    case RF_RTCP_BYE:
        if (n < 4 + 4 * count)
            return RF_ERR_SYNTAX;
        if (count > 0 && !out->has_bye) {
            out->has_bye = true;
            out->bye_ssrc = rf_get32(p + 4);
        }
        return RF_OK;
    default:
        return RF_OK;
    }
}

enum rf_err
rf_rtcp_parse(const uint8_t *p, size_t n, struct rf_rtcp *out)
{
    size_t at = 0;

    memset(out, 0, sizeof *out);
    if (n < 8)
        return RF_ERR_SYNTAX;
    out->sender_ssrc = rf_get32(p + 4);
    while (at < n) {
        size_t octets, used;
        enum rf_err err;

        if (n - at < 4 || p[at] >> 6 != 2 || p[at + 1] < 192 || p[at + 1] > 223)
            return RF_ERR_SYNTAX;
        octets = 4 * ((size_t)rf_get16(p + at + 2) + 1);
        if (octets > n - at)
            return RF_ERR_SYNTAX;
        used = octets;
        if ((p[at] & 0x20) != 0) {
            uint8_t padding = p[at + octets - 1];

            /* RFC 3550 6.4.1: only the last packet of a compound is padded, by a multiple of 4. */
            if (at + octets != n || padding == 0 || padding % 4 != 0 || padding > octets - 4)
                return RF_ERR_SYNTAX;
            used -= padding;
        }
        err = packet(p, p + at, used, out);
        if (err)
            return err;
        at += octets;
    }
    return RF_OK;
}

uint32_t
rf_rtcp_highest_of_source(uint32_t seen, uint16_t shift, uint32_t highest)
{
    uint16_t seq = (uint16_t)(seen - shift);
    int16_t ahead = (int16_t)(uint16_t)(seq - (uint16_t)highest);

    /* Behind the first of all: from before it began anew. */
    return ahead < 0 && highest < (uint32_t)-(int32_t)ahead ? seq : highest + (uint32_t)(int32_t)ahead;
}

void
rf_rtcp_rtt_sent(struct rf_rtcp_rtt *t, uint32_t mid_ntp, uint64_t now_us)
{
    t->sr[t->next].lsr = mid_ntp;
    t->sr[t->next].sent_us = now_us;
    t->next = (t->next + 1) % RF_RTCP_RTT_KEPT;
}

uint32_t
rf_rtcp_rtt_us(const struct rf_rtcp_rtt *t, const struct rf_rtcp_report *report, uint64_t now_us)
{
    uint64_t held_us = (uint64_t)report->dlsr * 1000000 >> 16;

    if (report->lsr == 0)
        return 0;
    for (size_t i = 0; i < RF_RTCP_RTT_KEPT; i++) {
        uint64_t away_us;

        if (t->sr[i].sent_us == 0 || t->sr[i].lsr != report->lsr || now_us < t->sr[i].sent_us)
            continue;
        away_us = now_us - t->sr[i].sent_us;
        /* A peer may claim to have held it longer than it was away; its clock is not ours. */
        if (away_us < held_us || away_us - held_us > UINT32_MAX)
            return 0;
        return (uint32_t)(away_us - held_us);
    }
    return 0;
}
