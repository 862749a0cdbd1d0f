/* rtp/rtp.c - see rtp.h */
#include "rtp/rtp.h"

#include "rtp/octets.h"

enum rf_packet_kind
rf_packet_kind(const uint8_t *p, size_t n)
{
    if (n < 2)
        return RF_PACKET_OTHER;
    if (p[0] <= 3)
        return RF_PACKET_STUN;
    if (p[0] >= 20 && p[0] <= 63)
        return RF_PACKET_DTLS;
    if (p[0] >= 128 && p[0] <= 191)
        return p[1] >= 192 && p[1] <= 223 ? RF_PACKET_RTCP : RF_PACKET_RTP;
    return RF_PACKET_OTHER;
}

/*
 *  0                   1                   2                   3         RFC 3550 5.1
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |                             SSRC                              |
 * |                         CSRC, CC times                        |
 * |      defined by profile       |    length in 32-bit words     |      X, 5.3.1
 */
enum rf_err
rf_rtp_parse(const uint8_t *p, size_t n, struct rf_rtp *out)
{
    uint32_t octets = RF_RTP_HEADER_OCTETS;

    if (n < RF_RTP_HEADER_OCTETS || p[0] >> 6 != 2)
        return RF_ERR_SYNTAX;
    octets += 4u * (p[0] & 0x0f);
    if ((p[0] & 0x10) != 0) {
        if (n < octets + 4)
            return RF_ERR_SYNTAX;
        octets += 4 + 4u * rf_get16(p + octets + 2);
    }
    if (n < octets)
        return RF_ERR_SYNTAX;

    out->payload_type = p[1] & 0x7f;
    out->is_marked = (p[1] & 0x80) != 0;
    out->has_padding = (p[0] & 0x20) != 0;
    out->seq = rf_get16(p + 2);
    out->timestamp = rf_get32(p + 4);
    out->ssrc = rf_get32(p + 8);
    out->header_octets = octets;
    return RF_OK;
}

enum rf_err
rf_rtp_payload(const uint8_t *p, size_t n, const struct rf_rtp *h, struct rf_span *payload)
{
    size_t octets, padding = 0;

    if (n < h->header_octets)
        return RF_ERR_SYNTAX;
    octets = n - h->header_octets;
    if (h->has_padding) {
        padding = octets > 0 ? p[n - 1] : 0;
        if (padding == 0 || padding > octets)
            return RF_ERR_SYNTAX;
    }
    *payload = rf_span(p + h->header_octets, octets - padding);
    return RF_OK;
}

void
rf_rtp_put_header(uint8_t out[static RF_RTP_HEADER_OCTETS], const struct rf_rtp *h)
{
    out[0] = 0x80;
    out[1] = (uint8_t)((h->is_marked ? 0x80 : 0) | (h->payload_type & 0x7f));
    rf_set16(out + 2, h->seq);
    rf_set32(out + 4, h->timestamp);
    rf_set32(out + 8, h->ssrc);
}

/*
 * |     event     |E|R| volume    |          duration             |      RFC 4733 2.3
 */
enum rf_err
rf_rtp_event_parse(struct rf_span payload, struct rf_rtp_event *out)
{
    const uint8_t *p = (const uint8_t *)payload.p;

    if (payload.n < 4)
        return RF_ERR_SYNTAX;
    out->event = p[0];
    out->is_end = (p[1] & 0x80) != 0;
    out->volume = p[1] & 0x3f;
    out->duration = rf_get16(p + 2);
    return RF_OK;
}
