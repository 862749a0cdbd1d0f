#include "sip/header.h"

#include "sip/chars.h"

/*
 * delta-seconds = 1*DIGIT; beyond 2^32-1 it is taken for that (RFC 3261 20.19)
 */
static uint32_t
take_delta_seconds(struct rf_cursor *c)
{
    struct rf_span digits = rf_sip_take_some(c, RF_CH_DIGIT);
    uint64_t v = 0;

    if (c->err != RF_OK)
        return 0;
    return rf_span_u64(digits, UINT32_MAX, &v) == RF_OK ? (uint32_t)v : UINT32_MAX;
}

/* A parameter whose value is delta-seconds. */
static uint32_t
param_seconds(struct rf_cursor *c, struct rf_span value)
{
    struct rf_cursor v = rf_cur(value);
    uint32_t seconds = take_delta_seconds(&v);

    rf_cur_fail(c, rf_cur_done(&v));
    return seconds;
}

/* se-params = refresher-param / generic-param, refresher-param = "refresher" EQUAL ( "uas" / "uac" ) */
enum rf_err
rf_sip_session_expires_parse(struct rf_span value, struct rf_sip_session_expires *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    *out = (struct rf_sip_session_expires){ 0, RF_REFRESHER_NONE };
    out->seconds = take_delta_seconds(&c);
    while (rf_sip_take_param(&c, &name, &v)) {
        if (!rf_span_iis(name, "refresher"))
            continue;
        if (out->refresher != RF_REFRESHER_NONE)
            rf_cur_fail(&c, RF_ERR_SYNTAX);
        /* Some phones quote it: refresher="uac" (RFC 4028 does not). */
        v = rf_sip_unquote(v);
        if (rf_span_iis(v, "uac"))
            out->refresher = RF_REFRESHER_UAC;
        else if (rf_span_iis(v, "uas"))
            out->refresher = RF_REFRESHER_UAS;
        else
            rf_cur_fail(&c, RF_ERR_SYNTAX);
    }
    return rf_cur_done(&c);
}

enum rf_err
rf_sip_min_se_parse(struct rf_span value, uint32_t *seconds)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    *seconds = take_delta_seconds(&c);
    while (rf_sip_take_param(&c, &name, &v))
        ;
    return rf_cur_done(&c);
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths */
static uint16_t
take_q(struct rf_cursor *c)
{
    uint64_t whole = rf_cur_u64(c, 1);
    unsigned thousandths = 0, weight = 100;

    if (rf_cur_accept(c, '.')) {
        struct rf_span digits = rf_sip_take(c, RF_CH_DIGIT);

        if (digits.n > 3)
            rf_cur_fail(c, RF_ERR_SYNTAX);
        for (size_t i = 0; i < digits.n && i < 3; i++, weight /= 10)
            thousandths += (unsigned)(digits.p[i] - '0') * weight;
    }
    if (whole == 1 && thousandths > 0)
        rf_cur_fail(c, RF_ERR_RANGE);
    return (uint16_t)(whole * 1000 + thousandths);
}

static void
contact_param(struct rf_cursor *c, struct rf_sip_contact *out, struct rf_span name, struct rf_span value)
{
    struct rf_cursor v = rf_cur(value);

    if (rf_span_iis(name, "expires")) {
        out->has_expires = true;
        out->expires = take_delta_seconds(&v);
        if (rf_cur_done(&v) != RF_OK)
            out->expires = 3600; /* RFC 3261 10.2.1.1: malformed values are taken for 3600 */
    } else if (rf_span_iis(name, "q")) {
        out->q = take_q(&v);
        rf_cur_fail(c, rf_cur_done(&v));
    } else if (rf_span_iis(name, "reg-id")) {
        out->reg_id = (uint32_t)rf_cur_u64(&v, INT32_MAX);
        rf_cur_fail(c, rf_cur_done(&v));
        if (out->reg_id == 0)
            rf_cur_fail(c, RF_ERR_RANGE);
    } else if (rf_span_iis(name, "+sip.instance")) {
        /* RFC 5626 4.1: a URN in < > in quotes. Without the brackets from some softphones; still one name. */
        out->instance = rf_sip_unquote(value);
        if (out->instance.n >= 2 && out->instance.p[0] == '<' && out->instance.p[out->instance.n - 1] == '>')
            out->instance = rf_span_sub(out->instance, 1, out->instance.n - 2);
        if (out->instance.n == 0)
            rf_cur_fail(c, RF_ERR_SYNTAX);
    }
}

/* contact-param = (name-addr / addr-spec) *( SEMI contact-params ), or STAR */
enum rf_err
rf_sip_contact_parse(struct rf_span element, struct rf_sip_contact *out)
{
    struct rf_cursor c = rf_cur(element);
    struct rf_span params, name, value;

    memset(out, 0, sizeof *out);
    out->q = 1000;
    if (rf_span_is(element, "*")) {
        out->is_star = true;
        return RF_OK;
    }
    rf_sip_name_addr_take(&c, &out->addr);
    if (c.err != RF_OK)
        return c.err;
    out->has_ob = rf_sip_uri_param(&out->addr.uri, "ob", &value);
    params = out->addr.params;
    while (rf_sip_param_next(&params, &name, &value))
        contact_param(&c, out, name, value);
    return rf_cur_done(&c);
}

/* reason-value = protocol *( SEMI reason-params ): cause = 1*DIGIT, text = quoted-string */
enum rf_err
rf_sip_reason_parse(struct rf_span element, struct rf_sip_reason *out)
{
    struct rf_cursor c = rf_cur(element);
    struct rf_span name, value;
    uint64_t cause;

    *out = (struct rf_sip_reason){ 0 };
    out->protocol = rf_sip_take_some(&c, RF_CH_TOKEN);
    while (rf_sip_take_param(&c, &name, &value)) {
        if (rf_span_iis(name, "cause")) {
            rf_cur_fail(&c, rf_span_u64(value, 999, &cause));
            if (c.err == RF_OK)
                out->cause = (int)cause;
        } else if (rf_span_iis(name, "text")) {
            out->text = rf_sip_unquote(value);
        }
    }
    return rf_cur_done(&c);
}

/* comment = LPAREN *( ctext / quoted-pair / comment ) RPAREN */
static void
take_comment(struct rf_cursor *c)
{
    unsigned depth = 0;

    do {
        char ch = rf_cur_peek(c);

        if (rf_cur_at_end(c)) {
            rf_cur_fail(c, RF_ERR_SYNTAX);
            return;
        }
        rf_cur_take(c, ch == '\\' ? 2 : 1);
        if (ch == '(')
            depth++;
        else if (ch == ')')
            depth--;
    } while (c->err == RF_OK && depth > 0);
}

enum rf_err
rf_sip_retry_after_parse(struct rf_span value, struct rf_sip_retry_after *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    *out = (struct rf_sip_retry_after){ 0, 0 };
    out->seconds = take_delta_seconds(&c);
    rf_sip_sws(&c);
    if (rf_cur_peek(&c) == '(')
        take_comment(&c);
    while (rf_sip_take_param(&c, &name, &v))
        if (rf_span_iis(name, "duration"))
            out->duration = param_seconds(&c, v);
    return rf_cur_done(&c);
}

enum rf_err
rf_sip_content_type_parse(struct rf_span value, struct rf_sip_content_type *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;
    const char *params;

    *out = (struct rf_sip_content_type){ 0 };
    out->type = rf_sip_take_some(&c, RF_CH_TOKEN);
    if (!rf_sip_sep(&c, '/'))
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    out->subtype = rf_sip_take_some(&c, RF_CH_TOKEN);
    params = c.p;
    while (rf_sip_take_param(&c, &name, &v))
        ;
    out->params = rf_span_trim(rf_span(params, (size_t)(c.p - params)));
    return rf_cur_done(&c);
}

bool
rf_sip_content_is(const struct rf_sip_msg *m, const char *type)
{
    struct rf_sip_content_type t;
    struct rf_span want = rf_span_str(type), value = rf_sip_value(m, RF_HDR_CONTENT_TYPE);
    size_t slash = rf_span_find(want, '/');

    return value.p != NULL && rf_sip_content_type_parse(value, &t) == RF_OK &&
           rf_span_ieq(t.type, rf_span(want.p, slash)) &&
           rf_span_ieq(t.subtype, rf_span_sub(want, slash + 1, want.n));
}

bool
rf_sip_has_sdp(const struct rf_sip_msg *m)
{
    struct rf_span type = rf_sip_value(m, RF_HDR_CONTENT_TYPE);

    type = rf_span_trim(rf_span_sub(type, 0, rf_span_find(type, ';')));
    return m->body.n > 0 && rf_span_iis(type, "application/sdp");
}

/*
 * Replaces = callid *( SEMI replaces-param ), replaces-param = to-tag / from-tag / early-flag / generic-param
 * The Call-ID ends at the first semicolon, which a word cannot hold.
 */
enum rf_err
rf_sip_replaces_parse(struct rf_span value, struct rf_sip_replaces *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    *out = (struct rf_sip_replaces){ 0 };
    out->call_id = rf_span_trim(rf_cur_until(&c, ';'));
    if (out->call_id.n == 0)
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    for (size_t i = 0; i < out->call_id.n; i++)
        if (!rf_sip_is(out->call_id.p[i], RF_CH_VISIBLE))
            rf_cur_fail(&c, RF_ERR_SYNTAX);
    while (rf_sip_take_param(&c, &name, &v)) {
        bool is_to = rf_span_iis(name, "to-tag");

        if (is_to || rf_span_iis(name, "from-tag")) {
            struct rf_span *tag = is_to ? &out->to_tag : &out->from_tag;

            if (tag->p != NULL || v.n == 0)
                rf_cur_fail(&c, RF_ERR_SYNTAX);
            *tag = v;
        } else if (rf_span_iis(name, "early-only")) {
            out->is_early_only = true;
        }
    }
    if (out->to_tag.n == 0 || out->from_tag.n == 0)
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    return rf_cur_done(&c);
}

/* response-num = 1*DIGIT, 1 to 2^32-1 (RFC 3262 7.1) */
static uint32_t
take_rseq(struct rf_cursor *c)
{
    uint64_t v = rf_cur_u64(c, UINT32_MAX);

    if (v == 0)
        rf_cur_fail(c, RF_ERR_RANGE);
    return (uint32_t)v;
}

enum rf_err
rf_sip_rseq_parse(struct rf_span value, uint32_t *out)
{
    struct rf_cursor c = rf_cur(value);

    *out = take_rseq(&c);
    return rf_cur_done(&c);
}

/* RAck = response-num LWS CSeq-num LWS Method */
enum rf_err
rf_sip_rack_parse(struct rf_span value, struct rf_sip_rack *out)
{
    struct rf_cursor c = rf_cur(value);

    out->rseq = take_rseq(&c);
    rf_cur_lws(&c);
    out->cseq = (uint32_t)rf_cur_u64(&c, INT32_MAX);
    rf_cur_lws(&c);
    out->method_text = rf_sip_take_some(&c, RF_CH_TOKEN);
    out->method = rf_sip_method_find(out->method_text);
    return rf_cur_done(&c);
}

/* Event = event-type *( SEMI event-param ), event-param = "id" EQUAL token / generic-param */
enum rf_err
rf_sip_event_parse(struct rf_span value, struct rf_sip_event *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;
    const char *params;

    *out = (struct rf_sip_event){ 0 };
    out->package = rf_sip_take_some(&c, RF_CH_TOKEN);
    params = c.p;
    while (rf_sip_take_param(&c, &name, &v))
        if (rf_span_iis(name, "id"))
            out->id = v;
    out->params = rf_span_trim(rf_span(params, (size_t)(c.p - params)));
    return rf_cur_done(&c);
}

/* Subscription-State = substate-value *( SEMI subexp-params ) */
enum rf_err
rf_sip_subscription_state_parse(struct rf_span value, struct rf_sip_subscription_state *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    memset(out, 0, sizeof *out);
    out->state_text = rf_sip_take_some(&c, RF_CH_TOKEN);
    if (rf_span_iis(out->state_text, "active"))
        out->state = RF_SUBSTATE_ACTIVE;
    else if (rf_span_iis(out->state_text, "pending"))
        out->state = RF_SUBSTATE_PENDING;
    else if (rf_span_iis(out->state_text, "terminated"))
        out->state = RF_SUBSTATE_TERMINATED;
    while (rf_sip_take_param(&c, &name, &v)) {
        if (rf_span_iis(name, "reason")) {
            out->reason = v;
        } else if (rf_span_iis(name, "expires")) {
            out->has_expires = true;
            out->expires = param_seconds(&c, v);
        } else if (rf_span_iis(name, "retry-after")) {
            out->has_retry_after = true;
            out->retry_after = param_seconds(&c, v);
        }
    }
    return rf_cur_done(&c);
}

/* Refer-To = ( name-addr / addr-spec ) *( SEMI generic-param ) */
enum rf_err
rf_sip_refer_to_parse(struct rf_span value, struct rf_sip_refer_to *out)
{
    struct rf_span headers, name, v;
    enum rf_err err;

    memset(out, 0, sizeof *out);
    err = rf_sip_name_addr_parse(value, &out->addr);
    if (err != RF_OK)
        return err;
    rf_sip_uri_param(&out->addr.uri, "method", &out->method);
    headers = out->addr.uri.headers;
    while (rf_sip_uri_header_next(&headers, &name, &v)) {
        if (!rf_span_iis(name, "Replaces"))
            continue;
        if (out->replaces.p != NULL)
            return RF_ERR_SYNTAX;
        out->replaces = v;
    }
    return RF_OK;
}

uint32_t
rf_sip_allow(const struct rf_sip_msg *m)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_ALLOW);
    struct rf_span method;
    uint32_t bits = 0;

    while (rf_sip_walk_next(&w, &method))
        bits |= 1u << rf_sip_method_find(method);
    return bits & ~(1u << RF_SIP_UNKNOWN);
}

/* Info-Package = info-package-type *( SEMI generic-param ) */
enum rf_err
rf_sip_info_package_parse(struct rf_span value, struct rf_span *package)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v;

    *package = rf_sip_take_some(&c, RF_CH_TOKEN);
    while (rf_sip_take_param(&c, &name, &v))
        ;
    return rf_cur_done(&c);
}
