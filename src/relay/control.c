/*
 * relay/control.c - what a message between signal and media may hold
 */
#include "relay/control.h"

/* Media goes to one host: a multicast or broadcast destination would multiply what a peer sends. */
static bool
addr_is_sane(const struct rf_addr *a)
{
    switch (a->sa.sa_family) {
    case 0:
        return true;
    case AF_INET:
        return !IN_MULTICAST(ntohl(a->v4.sin_addr.s_addr)) && a->v4.sin_addr.s_addr != INADDR_BROADCAST;
    case AF_INET6:
        return !IN6_IS_ADDR_MULTICAST(&a->v6.sin6_addr);
    default:
        return false;
    }
}

static bool
key_is_sane(const struct rf_srtp_key *k)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite(k->suite);

    return k->mki_octets <= RF_SRTP_MKI_MAX &&
           (k->suite == 0 ? k->clear == 0 : suite != NULL && rf_srtp_suite_may_be_clear(suite, k->clear));
}

enum rf_err
rf_media_leg_check(const struct rf_media_leg *leg)
{
    if (!addr_is_sane(&leg->peer) || !addr_is_sane(&leg->peer_rtcp) || !addr_is_sane(&leg->signalled_from))
        return RF_ERR_RANGE;
    if (leg->rtcp_mux > 1 || leg->may_send > 1 || leg->may_receive > 1 || leg->require_srtp > 1 ||
        leg->unencrypted_allowed > 1 || leg->rtcp_tag32_refused > 1 || leg->symmetric > 1)
        return RF_ERR_RANGE;
    if (!key_is_sane(&leg->tx) || leg->rx_count > RF_MEDIA_KEYS_MAX)
        return RF_ERR_RANGE;
    for (unsigned i = 0; i < leg->rx_count; i++)
        if (leg->rx[i].suite == 0 || !key_is_sane(&leg->rx[i]))
            return RF_ERR_RANGE;
    /* 192 kHz is the fastest clock of a registered audio format; payload types have 7 bits. */
    if (leg->clock_rate > 192000 || leg->dtmf_payload > 127)
        return RF_ERR_RANGE;
    return RF_OK;
}

enum rf_err
rf_media_request_check(const struct rf_media_request *r, size_t octets)
{
    if (octets != sizeof *r || r->version != RF_MEDIA_VERSION)
        return RF_ERR_RANGE;
    switch (r->command) {
    case RF_MEDIA_OPEN:
        for (int i = 0; i < 2; i++)
            if (r->family[i] != 4 && r->family[i] != 6)
                return RF_ERR_RANGE;
        return r->timeout_s <= RF_MEDIA_TIMEOUT_MAX_S && r->is_repeat <= 1 && r->is_ahead <= 1 ? RF_OK : RF_ERR_RANGE;
    case RF_MEDIA_CHANGE:
        if (r->leg > 1 || r->session.generation == 0)
            return RF_ERR_RANGE;
        return rf_media_leg_check(&r->change);
    case RF_MEDIA_EXTEND:
        return r->leg <= 1 && r->session.generation != 0 && (r->family[r->leg] == 4 || r->family[r->leg] == 6) &&
                       r->is_repeat <= 1
                   ? RF_OK
                   : RF_ERR_RANGE;
    case RF_MEDIA_CLOSE:
        return r->session.generation != 0 && r->is_ahead <= 1 ? RF_OK : RF_ERR_RANGE;
    case RF_MEDIA_ADOPT:
        return r->session.generation != 0 ? RF_OK : RF_ERR_RANGE;
    case RF_MEDIA_SWEEP:
        return RF_OK;
    default:
        return RF_ERR_RANGE;
    }
}

enum rf_err
rf_media_reply_check(const struct rf_media_reply *r, size_t octets)
{
    if (octets != sizeof *r || r->version != RF_MEDIA_VERSION)
        return RF_ERR_RANGE;
    if (r->event < RF_MEDIA_OPENED || r->event > RF_MEDIA_EXTENDED || r->leg > 1)
        return RF_ERR_RANGE;
    if (r->event == RF_MEDIA_OPENED &&
        (r->session.generation % 2 == 0 || r->port[0] == 0 || r->port[1] == 0))
        return RF_ERR_RANGE;
    if (r->event == RF_MEDIA_EXTENDED && (r->session.generation % 2 == 0 || r->port[r->leg] == 0))
        return RF_ERR_RANGE;
    return RF_OK;
}
