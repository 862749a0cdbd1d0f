/* What calls in both directions share: dialog state (RFC 3261 12), requests within it, and how they end. */
#include "ua/inside.h"

#include <stdio.h>

static const char *const state_name[] = {
    [RF_UA_CALLING] = "calling", [RF_UA_RINGING] = "ringing", [RF_UA_UP] = "up", [RF_UA_ENDED] = "ended"
};

const char *
rf_ua_state_name(enum rf_ua_state s)
{
    return state_name[s];
}

struct rf_ua_call *
ua_call_new(struct rf_ua *ua, bool is_incoming)
{
    struct rf_ua_call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->ua = ua;
    call->info.is_incoming = is_incoming;
    call->info.state = is_incoming ? RF_UA_RINGING : RF_UA_CALLING;
    call->answer_us = UA_NEVER;
    ua_random_hex(call->local_tag, 8);
    call->face.session_id = ua_now_us();
    rf_list_append(&ua->calls, &call->link);
    return call;
}

void
ua_call_forget_txn(struct rf_ua *ua, const void *txn)
{
    RF_LIST_FOREACH(&ua->calls, it) {
        struct rf_ua_call *call = rf_container(it, struct rf_ua_call, link);

        if (call->invite == txn)
            call->invite = NULL;
        if (call->invited == txn)
            call->invited = NULL;
    }
}

static void
ignore_response(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    /* Its call is gone. */
}

void
rf_ua_call_free(struct rf_ua_call *call)
{
    if (call == NULL)
        return;
    RF_LIST_FOREACH(&call->ua->ctxns, it) {
        struct ua_ctxn *t = rf_container(it, struct ua_ctxn, link);

        if (t->owner != call)
            continue;
        t->owner = NULL;
        t->on_response = ignore_response;
        if (t->req != NULL && t->req->cseq_counter == &call->cseq) {
            t->req->own_counter = call->cseq;
            t->req->cseq_counter = &t->req->own_counter;
        }
    }
    RF_LIST_FOREACH(&call->ua->stxns, it) {
        struct ua_stxn *t = rf_container(it, struct ua_stxn, link);

        if (t->call == call)
            t->call = NULL;
    }
    rf_list_remove(&call->link);
    ua_media_free(call->media);
    rf_wipe(&call->face, sizeof call->face);
    free(call->ack);
    free(call->sdp);
    free(call);
}

struct rf_ua_call *
rf_ua_incoming(struct rf_ua *ua)
{
    struct rf_ua_call *latest = NULL;

    RF_LIST_FOREACH(&ua->calls, it) {
        struct rf_ua_call *call = rf_container(it, struct rf_ua_call, link);

        if (call->info.is_incoming)
            latest = call;
    }
    return latest;
}

struct rf_ua_call *
ua_call_find(struct rf_ua *ua, const struct rf_sip_msg *msg, bool is_request)
{
    struct rf_span ours = is_request ? msg->to_tag : msg->from_tag;
    struct rf_span theirs = is_request ? msg->from_tag : msg->to_tag;

    RF_LIST_FOREACH(&ua->calls, it) {
        struct rf_ua_call *call = rf_container(it, struct rf_ua_call, link);

        if (rf_span_is(msg->call_id, call->call_id) && rf_span_is(ours, call->local_tag) &&
            (!is_request || rf_span_is(theirs, call->remote_tag)))
            return call;
    }
    return NULL;
}

/* --- addresses --- */

bool
ua_uri_addr(const struct rf_ua *ua, struct rf_span text, struct rf_addr *out)
{
    struct rf_sip_uri uri;

    if (rf_sip_uri_parse(text, &uri) == RF_OK &&
        rf_addr_parse(uri.host, uri.port != 0 ? uri.port : ua->conf.transport == RF_UA_TLS ? 5061 : 5060, out) == RF_OK)
        return true;
    *out = ua->conf.server;
    return rf_addr_is_set(out);
}

enum rf_err
ua_contact(struct rf_ua *ua, const struct rf_addr *to, char *out, size_t size)
{
    const struct ua_conn *c = ua->own != NULL ? ua->own : ua_conn_to(ua, to);
    struct rf_buf b = rf_buf(out, size - 1);

    if (c == NULL)
        return RF_ERR_IO;
    rf_put_str(&b, "<sip:");
    rf_put_escaped_user(&b, rf_span_str(ua->conf.user));
    rf_put_char(&b, '@');
    rf_put_addr(&b, &c->local);
    if (ua->conf.transport != RF_UA_UDP)
        rf_putf(&b, ";transport=%s", rf_ua_transport_name(ua->conf.transport));
    rf_put_char(&b, '>');
    out[b.n] = '\0';
    return rf_buf_done(&b);
}

/* A span as a C string; what does not fit is refused by leaving `out` as it was. */
static void
keep(char *out, size_t size, struct rf_span s)
{
    if (s.n == 0 || s.n >= size || memchr(s.p, '\0', s.n) != NULL)
        return;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

void
ua_dialog_learn(struct rf_ua_call *call, const struct rf_sip_msg *msg, bool with_routes, bool reverse_routes)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_CONTACT);
    struct rf_sip_name_addr contact;
    struct rf_span element;
    size_t n = 0;

    if (rf_sip_walk_next(&w, &element) && rf_sip_name_addr_parse(element, &contact) == RF_OK)
        keep(call->target, sizeof call->target, contact.uri.raw);
    if (!with_routes)
        return;
    w = rf_sip_walk(msg, RF_HDR_RECORD_ROUTE);
    while (n < UA_ROUTES_MAX && rf_sip_walk_next(&w, &element))
        keep(call->route[n++], sizeof call->route[0], element);
    call->route_count = n;
    for (size_t i = 0; reverse_routes && i < n / 2; i++) {
        char swap[sizeof call->route[0]];

        memcpy(swap, call->route[i], sizeof swap);
        memcpy(call->route[i], call->route[n - 1 - i], sizeof swap);
        memcpy(call->route[n - 1 - i], swap, sizeof swap);
    }
}

/* --- requests within the dialog --- */

struct ua_request *
ua_dialog_request(struct rf_ua_call *call, enum rf_sip_method method, struct rf_addr *to)
{
    struct ua_request *q = calloc(1, sizeof *q);
    struct rf_sip_name_addr first;
    struct rf_buf b;

    if (q == NULL)
        return NULL;
    q->method = method;
    q->cseq_counter = &call->cseq;
    snprintf(q->uri, sizeof q->uri, "%s", call->target);
    snprintf(q->from, sizeof q->from, "%s;tag=%s", call->local, call->local_tag);
    snprintf(q->to, sizeof q->to, "%s%s%s", call->remote, call->remote_tag[0] != '\0' ? ";tag=" : "",
             call->remote_tag);
    memcpy(q->call_id, call->call_id, sizeof q->call_id);
    b = rf_buf(q->routes, sizeof q->routes - 1);
    for (size_t i = 0; i < call->route_count; i++)
        rf_putf(&b, "Route: %s\r\n", call->route[i]);
    q->routes[b.n] = '\0';
    if (!ua_uri_addr(call->ua, rf_span_str(q->uri), to))
        goto fail;
    /* Only loose routers are followed; RFC 2543's strict ones are not built any more. */
    if (call->route_count > 0 && (rf_sip_name_addr_parse(rf_span_str(call->route[0]), &first) != RF_OK ||
                                  !ua_uri_addr(call->ua, first.uri.raw, to)))
        goto fail;
    return q;

fail:
    free(q);
    return NULL;
}

static void
bye_answered(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    /* Whatever it says, the call is over (RFC 3261 15.1.1). */
}

void
ua_call_send_bye(struct rf_ua_call *call, const char *headers)
{
    struct rf_addr to;
    struct ua_request *q = ua_dialog_request(call, RF_SIP_BYE, &to);

    if (q != NULL) {
        snprintf(q->headers, sizeof q->headers, "%s", headers);
        ua_ctxn_start(call->ua, q, &to, bye_answered, call);
    }
    ua_call_end(call, false);
}

void
ua_call_end(struct rf_ua_call *call, bool by_peer)
{
    if (call->info.state == RF_UA_ENDED)
        return;
    call->info.state = RF_UA_ENDED;
    call->info.ended_by_peer = by_peer;
    call->answer_us = UA_NEVER;
    if (call->media != NULL)
        ua_media_stop(call->media);
}

static void
request_answered(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    struct rf_ua_call *call = t->owner;

    if (status >= 200)
        call->info.request_status = status;
}

enum rf_err
rf_ua_call_request(struct rf_ua_call *call, enum rf_sip_method method, const char *type, struct rf_span body)
{
    struct rf_addr to;
    struct ua_request *q;

    if (call->info.state != RF_UA_UP)
        return RF_ERR_STATE;
    q = ua_dialog_request(call, method, &to);
    if (q == NULL)
        return RF_ERR_NOMEM;
    if (body.n > sizeof q->body) {
        free(q);
        return RF_ERR_RANGE;
    }
    if (body.n > 0)
        memcpy(q->body, body.p, body.n);
    q->body_n = body.n;
    q->body_type = type;
    call->info.request_status = 0;
    return ua_ctxn_start(call->ua, q, &to, request_answered, call) != NULL ? RF_OK : RF_ERR_IO;
}

void
rf_ua_call_info(const struct rf_ua_call *call, struct rf_ua_call_info *out)
{
    *out = call->info;
}

uint64_t
ua_call_tick(struct rf_ua_call *call, uint64_t now)
{
    uint64_t next = UA_NEVER, due;

    if (now >= call->answer_us) {
        call->answer_us = UA_NEVER;
        ua_callee_due(call);
    }
    if (call->media != NULL) {
        due = ua_media_tick(call->media, now);
        next = due < next ? due : next;
    }
    return call->answer_us < next ? call->answer_us : next;
}
