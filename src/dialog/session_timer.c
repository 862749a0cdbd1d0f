/*
 * dialog/session_timer.c - see session_timer.h
 */
#include "dialog/session_timer.h"

#include "sip/header.h"

enum rf_err
rf_session_expires_of(const struct rf_sip_msg *m, struct rf_session_expires *out)
{
    struct rf_span value = rf_sip_value(m, RF_HDR_SESSION_EXPIRES), min_se = rf_sip_value(m, RF_HDR_MIN_SE);
    struct rf_sip_session_expires said = { 0 };

    memset(out, 0, sizeof *out);
    if ((value.p != NULL && rf_sip_session_expires_parse(value, &said) != RF_OK) ||
        (min_se.p != NULL && rf_sip_min_se_parse(min_se, &out->min_se_s) != RF_OK))
        return RF_ERR_SYNTAX;
    out->expires_s = said.seconds;
    out->has_refresher = said.refresher != RF_REFRESHER_NONE;
    out->refresher_is_uac = said.refresher == RF_REFRESHER_UAC;
    if (out->min_se_s < RF_MIN_SE_LEAST_S)
        out->min_se_s = RF_MIN_SE_LEAST_S;
    out->supported = rf_sip_has_token(m, RF_HDR_SUPPORTED, "timer") || rf_sip_has_token(m, RF_HDR_REQUIRE, "timer");
    return RF_OK;
}

enum rf_err
rf_session_timer_uas(const struct rf_session_expires *asked, uint32_t wanted_s, uint32_t min_se_s,
                     struct rf_session_timer *out)
{
    memset(out, 0, sizeof *out);
    out->peer_supports = asked->supported;
    if (asked->expires_s != 0 && asked->expires_s < min_se_s) {
        /* Without support a 422 means nothing to the peer, and we refresh ourselves: a longer one is ours to use. */
        if (asked->supported)
            return RF_ERR_RANGE;
    }
    out->expires_s = asked->expires_s != 0 ? asked->expires_s : wanted_s;
    /* We may shorten it, not below either side's Min-SE (RFC 4028 9). */
    if (wanted_s != 0 && out->expires_s > wanted_s)
        out->expires_s = wanted_s;
    if (out->expires_s != 0 && out->expires_s < asked->min_se_s)
        out->expires_s = asked->min_se_s;
    if (out->expires_s != 0 && out->expires_s < min_se_s)
        out->expires_s = min_se_s;
    if (!asked->supported)
        out->we_refresh = true; /* table 2 of RFC 4028: only we can */
    else
        out->we_refresh = asked->has_refresher ? !asked->refresher_is_uac : false;
    return RF_OK;
}

void
rf_session_timer_uac(const struct rf_session_expires *answer, uint32_t asked_s, struct rf_session_timer *out)
{
    memset(out, 0, sizeof *out);
    out->peer_supports = answer->supported || answer->expires_s != 0;
    if (answer->expires_s == 0) {
        /* No timer there; when we asked for one we refresh alone (RFC 4028 7.2), which finds a dead peer. */
        out->expires_s = asked_s;
        out->we_refresh = true;
        return;
    }
    out->expires_s = answer->expires_s < RF_MIN_SE_LEAST_S ? RF_MIN_SE_LEAST_S : answer->expires_s;
    out->we_refresh = answer->has_refresher ? answer->refresher_is_uac : true;
}

void
rf_put_session_timer_response(struct rf_buf *b, const struct rf_session_timer *t)
{
    if (t->expires_s == 0 || !t->peer_supports)
        return;
    if (!t->we_refresh)
        rf_sip_put_header(b, RF_HDR_REQUIRE, RF_SPAN_LIT("timer"));
    rf_sip_put_headerf(b, RF_HDR_SESSION_EXPIRES, "%u;refresher=%s", (unsigned)t->expires_s,
                       t->we_refresh ? "uas" : "uac");
}

void
rf_put_session_timer_request(struct rf_buf *b, uint32_t expires_s, uint32_t min_se_s,
                             const struct rf_session_timer *now_running)
{
    if (expires_s == 0)
        return;
    if (now_running != NULL && now_running->expires_s != 0)
        rf_sip_put_headerf(b, RF_HDR_SESSION_EXPIRES, "%u;refresher=%s", (unsigned)expires_s,
                           now_running->we_refresh ? "uac" : "uas");
    else
        rf_sip_put_headerf(b, RF_HDR_SESSION_EXPIRES, "%u", (unsigned)expires_s);
    rf_sip_put_headerf(b, RF_HDR_MIN_SE, "%u", (unsigned)min_se_s);
}

uint32_t
rf_session_timer_due_s(const struct rf_session_timer *t)
{
    uint32_t third = t->expires_s / 3;

    if (t->we_refresh)
        return t->expires_s / 2;
    return t->expires_s - (third < 32 ? third : 32);
}
