/* Calls that a phone makes, and re-INVITEs of either kind of call (RFC 3261 13.2, 14.1). */
#include "ua/inside.h"

#include <stdio.h>

#include "sip/header.h"

static void
keep_value(char *out, size_t size, struct rf_span s)
{
    snprintf(out, size, "%.*s", RF_SPAN_ARG(s));
}

static void
note_final(struct rf_ua_call *call, const struct rf_sip_msg *msg, int status)
{
    call->info.status = status;
    if (msg == NULL)
        return;
    keep_value(call->info.reason, sizeof call->info.reason, rf_sip_value(msg, RF_HDR_REASON));
    keep_value(call->info.warning, sizeof call->info.warning, rf_sip_value(msg, RF_HDR_WARNING));
}

/* ACK of a 2xx: no transaction of its own, sent again with each repetition of the 2xx. */
void
ua_send_ack(struct rf_ua_call *call, uint32_t cseq, struct rf_span body)
{
    struct rf_addr to;
    struct ua_request *q = ua_dialog_request(call, RF_SIP_ACK, &to);

    if (q == NULL || body.n > sizeof q->body) {
        free(q);
        return;
    }
    if (body.n > 0)
        memcpy(q->body, body.p, body.n);
    q->body_n = body.n;
    q->body_type = body.n > 0 ? "application/sdp" : NULL;
    q->cseq = cseq;
    memcpy(q->auth, call->auth, sizeof q->auth);
    call->ack_cseq = cseq;
    call->ack_to = to;
    ua_ack_send(call->ua, q, &to, &call->ack, &call->ack_n);
    free(q);
}

void
ua_call_stray(struct rf_ua *ua, const struct rf_sip_msg *msg)
{
    struct rf_ua_call *call = ua_call_find(ua, msg, false);

    if (call == NULL || call->ack == NULL || msg->cseq != call->ack_cseq)
        return;
    ua_conn_send(ua_conn_to(ua, &call->ack_to), &call->ack_to, rf_span(call->ack, call->ack_n));
}

/* Ends a call that was answered in a way that our policy refuses (TEL-31, TEL-32). */
static void
bye_refused(struct rf_ua_call *call)
{
    ua_call_send_bye(call, "Reason: Q.850;cause=88;text=\"INCOMPATIBLE_DESTINATION\"\r\n");
}

/* --- responses to our INVITE --- */

static void
learn_from_response(struct rf_ua_call *call, const struct rf_sip_msg *msg)
{
    if (msg->to_tag.n > 0)
        keep_value(call->remote_tag, sizeof call->remote_tag, msg->to_tag);
    ua_dialog_learn(call, msg, true, true);
}

static void
provisional(struct rf_ua_call *call, const struct rf_sip_msg *msg)
{
    if (call->is_cancelled) {
        if (!call->is_cancel_sent)
            ua_ctxn_cancel(call->invite);
        call->is_cancel_sent = true;
        return;
    }
    if (msg->status == 100)
        return;
    call->info.provisional++;
    call->info.status = msg->status;
    if (call->info.state == RF_UA_CALLING)
        call->info.state = RF_UA_RINGING;
    learn_from_response(call, msg);
    if (!rf_sip_has_sdp(msg) || call->is_offerless)
        return;
    if (ua_answer_take(call, msg->body, ua_transport_is_secure(call->ua)) == RF_OK)
        call->has_early_media = true;
    else
        (void)!rf_ua_call_end(call);
}

static void
answered(struct rf_ua_call *call, const struct rf_sip_msg *msg)
{
    char text[4096];
    struct rf_buf b = rf_buf(text, sizeof text);
    bool secure = ua_transport_is_secure(call->ua);
    enum rf_err err = RF_ERR_SYNTAX;

    learn_from_response(call, msg);
    call->info.status = msg->status;
    if (call->is_offerless && rf_sip_has_sdp(msg))
        err = ua_offer_take(call, msg->body, secure, &b);
    else if (!call->is_offerless && rf_sip_has_sdp(msg))
        err = ua_answer_take(call, msg->body, secure);
    else if (call->is_agreed) /* the answer came with a provisional response */
        err = RF_OK;
    ua_send_ack(call, msg->cseq, rf_buf_span(&b));
    if (err != RF_OK) {
        bye_refused(call);
    } else if (call->is_cancelled) { /* the 200 crossed our CANCEL (RFC 3261 9.1) */
        ua_call_send_bye(call, "");
    } else {
        call->info.state = RF_UA_UP;
    }
}

static void
invite_response(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    struct rf_ua_call *call = t->owner;

    if (status < 200) {
        provisional(call, msg);
        return;
    }
    call->invite = NULL;
    memcpy(call->auth, t->req->auth, sizeof call->auth);
    if (call->info.state == RF_UA_ENDED) {
        /* Given up before: nothing but a 200 needs an answer. */
        if (status < 300 && msg != NULL) {
            learn_from_response(call, msg);
            ua_send_ack(call, msg->cseq, RF_SPAN_LIT(""));
            ua_call_send_bye(call, "");
        }
    } else if (status < 300 && msg != NULL) {
        answered(call, msg);
    } else {
        note_final(call, msg, status);
        ua_call_end(call, !call->is_cancelled);
    }
}

enum rf_err
rf_ua_call(struct rf_ua *ua, const char *target, bool offerless, struct rf_ua_call **out)
{
    struct rf_ua_call *call = ua_call_new(ua, false);
    struct ua_request *q = NULL;
    enum rf_err err = RF_ERR_NOMEM;
    struct rf_buf body;
    char contact[700];
    struct rf_addr to;

    if (call == NULL)
        return RF_ERR_NOMEM;
    if (strncmp(target, "sip:", 4) == 0 || strncmp(target, "sips:", 5) == 0)
        snprintf(call->target, sizeof call->target, "%s", target);
    else
        snprintf(call->target, sizeof call->target, "sip:%s@%s", target, ua->domain);
    ua_random_hex(call->call_id, 16);
    if (ua->conf.display != NULL)
        snprintf(call->local, sizeof call->local, "\"%s\" %s", ua->conf.display, ua->aor);
    else
        snprintf(call->local, sizeof call->local, "%s", ua->aor);
    snprintf(call->remote, sizeof call->remote, "<%s>", call->target);
    call->is_offerless = offerless;

    q = ua_dialog_request(call, RF_SIP_INVITE, &to);
    if (q == NULL)
        goto fail;
    if (rf_addr_is_set(&ua->conf.server))
        to = ua->conf.server;
    err = ua_contact(ua, &to, contact, sizeof contact);
    if (err != RF_OK)
        goto fail;
    snprintf(q->headers, sizeof q->headers, "Contact: %s\r\nAllow: %s\r\n", contact, UA_ALLOW);
    body = rf_buf(q->body, sizeof q->body);
    if (!offerless) {
        err = ua_offer_put(call, RF_SENDRECV, true, &body);
        if (err != RF_OK)
            goto fail;
        q->body_type = "application/sdp";
        q->body_n = body.n;
    }
    call->invite = ua_ctxn_start(ua, q, &to, invite_response, call);
    q = NULL;
    err = RF_ERR_IO;
    if (call->invite == NULL)
        goto fail;
    *out = call;
    return RF_OK;

fail:
    free(q);
    rf_ua_call_free(call);
    return err;
}

enum rf_err
rf_ua_call_end(struct rf_ua_call *call)
{
    if (call->info.state == RF_UA_ENDED)
        return RF_ERR_STATE;
    if (call->info.state == RF_UA_UP) {
        ua_call_send_bye(call, "");
        return RF_OK;
    }
    if (call->info.is_incoming)
        return rf_ua_call_reject(call, 486);
    if (call->is_cancelled)
        return RF_ERR_STATE;
    call->is_cancelled = true;
    /* Before the first provisional response a CANCEL could overtake the INVITE: it is sent with that (9.1). */
    if (call->invite != NULL && call->invite->state == UA_PROCEEDING) {
        ua_ctxn_cancel(call->invite);
        call->is_cancel_sent = true;
    }
    return RF_OK;
}

/* --- re-INVITE --- */

static void
reinvite_response(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    struct rf_ua_call *call = t->owner;

    if (status < 200)
        return;
    call->invite = NULL;
    memcpy(call->auth, t->req->auth, sizeof call->auth);
    if (status < 300 && msg != NULL) {
        enum rf_err err = rf_sip_has_sdp(msg) ? ua_answer_take(call, msg->body, ua_transport_is_secure(call->ua))
                                       : RF_ERR_SYNTAX;

        ua_dialog_learn(call, msg, false, false);
        ua_send_ack(call, msg->cseq, RF_SPAN_LIT(""));
        if (err != RF_OK && call->info.state == RF_UA_UP)
            bye_refused(call);
    } else {
        call->has_offered = false;
        /* RFC 3261 12.2.1.2: the dialog itself is gone. */
        if (status == 481 || status == 408 || status == 503)
            ua_call_end(call, true);
    }
    call->info.reinvite_status = status;
}

static enum rf_err
reinvite(struct rf_ua_call *call, enum rf_sdp_direction direction, bool fresh)
{
    struct ua_request *q;
    struct rf_addr to;
    struct rf_buf body;
    char contact[700];

    if (call->info.state != RF_UA_UP || call->invite != NULL || call->has_offered)
        return RF_ERR_STATE;
    q = ua_dialog_request(call, RF_SIP_INVITE, &to);
    if (q == NULL)
        return RF_ERR_NOMEM;
    body = rf_buf(q->body, sizeof q->body);
    if (ua_contact(call->ua, &to, contact, sizeof contact) != RF_OK ||
        ua_offer_put(call, direction, fresh, &body) != RF_OK) {
        free(q);
        return RF_ERR_IO;
    }
    snprintf(q->headers, sizeof q->headers, "Contact: %s\r\nAllow: %s\r\n", contact, UA_ALLOW);
    q->body_type = "application/sdp";
    q->body_n = body.n;
    call->info.reinvite_status = 0;
    call->invite = ua_ctxn_start(call->ua, q, &to, reinvite_response, call);
    return call->invite != NULL ? RF_OK : RF_ERR_IO;
}

enum rf_err
rf_ua_call_hold(struct rf_ua_call *call, bool hold)
{
    return reinvite(call, hold ? RF_SENDONLY : RF_SENDRECV, false);
}

enum rf_err
rf_ua_call_rekey(struct rf_ua_call *call)
{
    return reinvite(call, call->face.direction, true);
}
