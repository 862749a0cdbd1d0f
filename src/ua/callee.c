/* Requests that come in: calls, what is asked within them, and the rest (RFC 3261 8.2, 12.2.2, 13.3). */
#include "ua/inside.h"

#include <stdio.h>

#define ALLOW "Allow: " UA_ALLOW "\r\n"
#define REASON_88 "Reason: Q.850;cause=88;text=\"INCOMPATIBLE_DESTINATION\"\r\n"

static const struct rf_span no_tag, no_body;

static void
keep_value(char *out, size_t size, struct rf_span s)
{
    snprintf(out, size, "%.*s", RF_SPAN_ARG(s));
}

/* A response outside a dialog still needs a tag (8.2.6.2). */
static void
respond_plain(struct ua_stxn *t, int status, const char *headers)
{
    char tag[17];

    ua_random_hex(tag, 8);
    ua_respond(t, status, rf_span_str(tag), headers, NULL, no_body);
}

/* Contact and Allow of responses that make or refresh a dialog. */
static const char *
dialog_headers(struct rf_ua_call *call, const struct rf_addr *to)
{
    static _Thread_local char text[900];
    char contact[700];

    if (ua_contact(call->ua, to, contact, sizeof contact) != RF_OK)
        contact[0] = '\0';
    snprintf(text, sizeof text, "%s%s%s" ALLOW, contact[0] != '\0' ? "Contact: " : "", contact,
             contact[0] != '\0' ? "\r\n" : "");
    return text;
}

static void
respond(struct rf_ua_call *call, struct ua_stxn *t, int status, struct rf_span sdp)
{
    ua_respond(t, status, rf_span_str(call->local_tag), dialog_headers(call, &t->source),
               sdp.n > 0 ? "application/sdp" : NULL, sdp);
}

static void
refuse_call(struct rf_ua_call *call, int status)
{
    if (call->invited == NULL)
        return;
    ua_respond(call->invited, status, rf_span_str(call->local_tag), status == 488 ? REASON_88 : "", NULL, no_body);
    call->info.status = status;
    ua_call_end(call, false);
}

/* --- INVITE --- */

/* Takes the offer of the INVITE; false: the call was refused for it. The answer is kept in call->sdp. */
static bool
take_offer(struct rf_ua_call *call, const struct ua_stxn *t)
{
    char text[8192];
    struct rf_buf b = rf_buf(text, sizeof text);
    bool secure = ua_transport_is_secure(call->ua);
    enum rf_err err;

    if (t->msg.body.n > 0) {
        err = ua_offer_take(call, t->msg.body, secure, &b);
    } else {
        /* No offer: ours goes with the 200, the answer comes with the ACK (13.2.1). */
        call->is_offerless = true;
        err = ua_offer_put(call, call->has_face ? call->face.direction : RF_SENDRECV, !call->is_agreed, &b);
    }
    if (err != RF_OK)
        return false;
    free(call->sdp);
    call->sdp = rf_span_dup(rf_buf_span(&b));
    return call->sdp != NULL;
}

static void
new_call(struct rf_ua *ua, struct ua_stxn *t)
{
    const struct rf_ua_conf *conf = &ua->conf;
    struct rf_ua_call *call = ua_call_new(ua, true);

    if (call == NULL) {
        respond_plain(t, 500, "");
        return;
    }
    call->invited = t;
    t->call = call;
    keep_value(call->call_id, sizeof call->call_id, t->msg.call_id);
    keep_value(call->remote_tag, sizeof call->remote_tag, t->msg.from_tag);
    snprintf(call->local, sizeof call->local, "<%.*s>", RF_SPAN_ARG(t->msg.to.uri.raw));
    snprintf(call->remote, sizeof call->remote, "<%.*s>", RF_SPAN_ARG(t->msg.from.uri.raw));
    call->remote_cseq = t->msg.cseq;
    ua_dialog_learn(call, &t->msg, true, false);
    if (conf->reply != RF_UA_REJECT && !take_offer(call, t)) {
        refuse_call(call, 488);
        return;
    }
    if (conf->ring == 183 && conf->reply != RF_UA_REJECT && !call->is_offerless) {
        call->has_early_media = true;
        respond(call, t, 183, rf_span_str(call->sdp));
    } else if (conf->ring != 0) {
        respond(call, t, conf->ring, no_body);
    }
    if (conf->reply != RF_UA_RING)
        call->answer_us = ua_now_us() + (uint64_t)conf->answer_after_ms * 1000;
}

void
ua_callee_due(struct rf_ua_call *call)
{
    const struct rf_ua_conf *conf = &call->ua->conf;
    enum rf_err err;

    if (conf->reply == RF_UA_REJECT)
        err = rf_ua_call_reject(call, conf->reject_status != 0 ? conf->reject_status : 486);
    else
        err = rf_ua_call_answer(call);
    (void)err; /* ended meanwhile: nothing is left to answer */
}

enum rf_err
rf_ua_call_answer(struct rf_ua_call *call)
{
    if (!call->info.is_incoming || call->info.state != RF_UA_RINGING || call->invited == NULL)
        return RF_ERR_STATE;
    respond(call, call->invited, 200, rf_span_str(call->sdp));
    call->info.status = 200;
    call->info.state = RF_UA_UP;
    return RF_OK;
}

enum rf_err
rf_ua_call_reject(struct rf_ua_call *call, int status)
{
    if (!call->info.is_incoming || call->info.state != RF_UA_RINGING || call->invited == NULL)
        return RF_ERR_STATE;
    refuse_call(call, status);
    return RF_OK;
}

static void
reinvited(struct rf_ua_call *call, struct ua_stxn *t)
{
    call->info.reinvites++;
    if (call->info.state != RF_UA_UP) {
        ua_respond(t, call->info.state == RF_UA_ENDED ? 481 : 500, no_tag, "", NULL, no_body);
        return;
    }
    if (call->invite != NULL || call->has_offered) { /* 14.2, RFC 3264 4: an offer of ours is open */
        ua_respond(t, 491, no_tag, "", NULL, no_body);
        return;
    }
    call->is_offerless = false;
    if (!take_offer(call, t)) {
        ua_respond(t, 488, no_tag, REASON_88, NULL, no_body);
        return;
    }
    ua_dialog_learn(call, &t->msg, false, false);
    call->invited = t;
    t->call = call;
    respond(call, t, 200, rf_span_str(call->sdp));
}

void
ua_callee_ack(struct rf_ua *ua, const struct rf_sip_msg *ack)
{
    struct rf_ua_call *call = ua_call_find(ua, ack, true);
    struct ua_stxn *t = call != NULL ? call->invited : NULL;

    if (t == NULL || t->msg.cseq != ack->cseq || t->status < 200)
        return;
    t->is_acked = true;
    t->resend_us = UA_NEVER;
    call->invited = NULL;
    if (!call->is_offerless || !call->has_offered || call->info.state != RF_UA_UP)
        return;
    if (ack->body.n == 0 || ua_answer_take(call, ack->body, ua_transport_is_secure(ua)) != RF_OK)
        ua_call_send_bye(call, REASON_88);
}

/* --- other requests --- */

static void
cancelled(struct rf_ua *ua, struct ua_stxn *t)
{
    RF_LIST_FOREACH(&ua->calls, it) {
        struct rf_ua_call *call = rf_container(it, struct rf_ua_call, link);
        struct ua_stxn *invite = call->invited;

        if (invite == NULL || !rf_span_eq(invite->msg.via.branch, t->msg.via.branch))
            continue;
        ua_respond(t, 200, rf_span_str(call->local_tag), "", NULL, no_body);
        if (invite->status >= 200) /* answered already: the CANCEL comes too late (9.2) */
            return;
        keep_value(call->info.reason, sizeof call->info.reason, rf_sip_value(&t->msg, RF_HDR_REASON));
        ua_respond(invite, 487, rf_span_str(call->local_tag), "", NULL, no_body);
        call->info.status = 487;
        ua_call_end(call, true);
        return;
    }
    respond_plain(t, 481, "");
}

static void
bye(struct rf_ua_call *call, struct ua_stxn *t)
{
    keep_value(call->info.reason, sizeof call->info.reason, rf_sip_value(&t->msg, RF_HDR_REASON));
    ua_respond(t, 200, no_tag, "", NULL, no_body);
    if (call->invited != NULL && call->invited->status < 200)
        ua_respond(call->invited, 487, rf_span_str(call->local_tag), "", NULL, no_body);
    ua_call_end(call, true);
}

static void
within_call(struct rf_ua_call *call, struct ua_stxn *t)
{
    if (t->msg.cseq <= call->remote_cseq) { /* 12.2.2: out of order */
        ua_respond(t, 500, no_tag, "", NULL, no_body);
        return;
    }
    call->remote_cseq = t->msg.cseq;
    switch (t->msg.method) {
    case RF_SIP_INVITE:
        reinvited(call, t);
        break;
    case RF_SIP_BYE:
        bye(call, t);
        break;
    case RF_SIP_INFO:
        call->info.infos++;
        keep_value(call->info.last_body, sizeof call->info.last_body, t->msg.body);
        ua_respond(t, 200, no_tag, "", NULL, no_body);
        break;
    case RF_SIP_OPTIONS:
        ua_respond(t, 200, no_tag, ALLOW "Accept: application/sdp\r\n", NULL, no_body);
        break;
    case RF_SIP_NOTIFY: /* nothing was subscribed to here (RFC 6665 4.1.3) */
        ua_respond(t, 481, no_tag, "", NULL, no_body);
        break;
    default:
        ua_respond(t, 405, no_tag, ALLOW, NULL, no_body);
        break;
    }
}

void
ua_callee_request(struct rf_ua *ua, struct ua_stxn *t)
{
    struct rf_ua_call *call = t->msg.to_tag.n > 0 ? ua_call_find(ua, &t->msg, true) : NULL;
    struct rf_span required = rf_sip_value(&t->msg, RF_HDR_REQUIRE);
    char unsupported[300];

    if (t->msg.method == RF_SIP_CANCEL) {
        cancelled(ua, t);
    } else if (required.n > 0) { /* 8.2.2.3: no extension is supported */
        snprintf(unsupported, sizeof unsupported, "Unsupported: %.*s\r\n", RF_SPAN_ARG(rf_span_sub(required, 0, 256)));
        respond_plain(t, 420, unsupported);
    } else if (call != NULL) {
        within_call(call, t);
    } else if (t->msg.to_tag.n > 0) {
        ua_respond(t, 481, no_tag, "", NULL, no_body);
    } else if (t->msg.method == RF_SIP_INVITE) {
        new_call(ua, t);
    } else if (t->msg.method == RF_SIP_OPTIONS) {
        respond_plain(t, 200, ALLOW "Accept: application/sdp\r\n");
    } else if (t->msg.method == RF_SIP_BYE || t->msg.method == RF_SIP_NOTIFY) {
        respond_plain(t, 481, "");
    } else {
        respond_plain(t, 405, ALLOW);
    }
}
