/*
 * sip/via.c - Via (RFC 3261 20.42, RFC 3581, RFC 5923, RFC 6223)
 */
#include "sip/chars.h"
#include "sip/uri.h"

/*
 * sent-protocol = "SIP" SLASH "2.0" SLASH transport. The grammar allows other protocols; no element that we
 * could answer to speaks one.
 */
static struct rf_span
take_protocol(struct rf_cursor *c)
{
    struct rf_span name = rf_sip_take_some(c, RF_CH_TOKEN), version;

    if (!rf_sip_sep(c, '/'))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    version = rf_sip_take_some(c, RF_CH_TOKEN);
    if (!rf_sip_sep(c, '/'))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    if (c->err == RF_OK && (!RF_SIP_WORD(name, "sip") || !rf_span_is(version, "2.0")))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return rf_sip_take_some(c, RF_CH_TOKEN);
}

/* via-params with a meaning for us; other names are accepted with any value. Twice the same one is
 * refused. */
static void
note_param(struct rf_cursor *c, struct rf_sip_via *out, struct rf_span name, struct rf_span value)
{
    uint64_t number = 0;

    if (RF_SIP_WORD(name, "branch")) {
        if (value.n == 0 || out->branch.p != NULL)
            rf_cur_fail(c, RF_ERR_SYNTAX);
        out->branch = value;
    } else if (RF_SIP_WORD(name, "rport")) {
        if (out->has_rport || (value.p != NULL && (rf_span_u64(value, 65535, &number) != RF_OK || number == 0)))
            rf_cur_fail(c, RF_ERR_SYNTAX);
        out->has_rport = true;
        out->rport = (uint16_t)number;
    } else if (RF_SIP_WORD(name, "received")) {
        if (value.n == 0 || out->received.p != NULL)
            rf_cur_fail(c, RF_ERR_SYNTAX);
        out->received = value;
    } else if (RF_SIP_WORD(name, "ttl")) {
        rf_cur_fail(c, rf_span_u64(value, 255, &number));
    }
}

/*
 * via-parm = sent-protocol LWS sent-by *( SEMI via-params ), sent-by = host [ COLON port ]
 */
void
rf_sip_via_take(struct rf_cursor *c, struct rf_sip_via *out)
{
    struct rf_span name, value;
    const char *start, *params;

    memset(out, 0, sizeof *out);
    rf_sip_sws(c);
    start = c->p;
    out->transport = take_protocol(c);
    rf_cur_lws(c);
    out->host = rf_sip_take_host(c);
    if (rf_sip_sep(c, ':'))
        out->port = rf_sip_take_port(c);
    params = c->p;
    while (rf_sip_take_param(c, &name, &value))
        note_param(c, out, name, value);
    rf_sip_element_end(c, start, params, &out->params, &out->raw);
}

enum rf_err
rf_sip_via_parse(struct rf_span element, struct rf_sip_via *out)
{
    struct rf_cursor c = rf_cur(element);

    rf_sip_via_take(&c, out);
    return rf_cur_done(&c);
}
