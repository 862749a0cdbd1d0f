/* Requests of a phone outside dialogs and calls: REGISTER and OPTIONS. */
#include "ua/inside.h"

#include <errno.h>
#include <stdio.h>

static struct ua_request *
request_new(struct rf_ua *ua, enum rf_sip_method method, uint32_t *cseq)
{
    struct ua_request *q = calloc(1, sizeof *q);
    char tag[17];

    if (q == NULL)
        return NULL;
    ua_random_hex(tag, 8);
    q->method = method;
    q->cseq_counter = cseq;
    snprintf(q->from, sizeof q->from, "%s;tag=%s", ua->aor, tag);
    ua_random_hex(q->call_id, 12);
    return q;
}

static unsigned
contacts(const struct rf_sip_msg *msg)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_CONTACT);
    struct rf_span element;
    unsigned n = 0;

    while (rf_sip_walk_next(&w, &element))
        n++;
    return n;
}

static void
registered(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    struct rf_ua *ua = t->ua;

    if (status < 200)
        return;
    ua->register_is_pending = false;
    ua->register_status = status;
    ua->register_lost = msg == NULL;
    if (status < 300 && msg != NULL)
        ua->bindings = contacts(msg);
}

enum rf_err
rf_ua_register(struct rf_ua *ua, uint32_t expires_s)
{
    struct ua_request *q;
    char contact[700];
    struct rf_addr to = ua->conf.server;

    if (!rf_addr_is_set(&to) || ua_contact(ua, &to, contact, sizeof contact) != RF_OK)
        return RF_ERR_IO;
    q = request_new(ua, RF_SIP_REGISTER, &ua->register_cseq);
    if (q == NULL)
        return RF_ERR_NOMEM;
    /* One Call-ID for all registrations of a phone (RFC 3261 10.2.4). */
    memcpy(q->call_id, ua->register_call_id, sizeof ua->register_call_id);
    snprintf(q->uri, sizeof q->uri, "sip:%s", ua->domain);
    snprintf(q->to, sizeof q->to, "%s", ua->aor);
    snprintf(q->headers, sizeof q->headers, "Contact: %s;expires=%u%s%s%s\r\nExpires: %u\r\nAllow: %s\r\n%s", contact,
             (unsigned)expires_s, ua->conf.instance != NULL ? ";reg-id=1;+sip.instance=\"<" : "",
             ua->conf.instance != NULL ? ua->conf.instance : "", ua->conf.instance != NULL ? ">\"" : "",
             (unsigned)expires_s, UA_ALLOW, ua->conf.instance != NULL ? "Supported: path, outbound\r\n" : "");
    ua->register_is_pending = true;
    ua->register_lost = false;
    ua->register_status = 0;
    ua->digest_used = RF_DIGEST_COUNT;
    if (ua_ctxn_start(ua, q, &to, registered, NULL) != NULL)
        return RF_OK;
    ua->register_is_pending = false;
    ua->register_lost = true;
    return RF_ERR_IO;
}

int
rf_ua_register_status(const struct rf_ua *ua)
{
    return ua->register_status;
}

static void
options_answered(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    if (status >= 200)
        t->ua->options_status = status;
}

enum rf_err
rf_ua_options(struct rf_ua *ua, const char *target)
{
    struct ua_request *q = request_new(ua, RF_SIP_OPTIONS, &ua->options_cseq);
    struct rf_addr to;

    if (q == NULL)
        return RF_ERR_NOMEM;
    if (strncmp(target, "sip:", 4) == 0 || strncmp(target, "sips:", 5) == 0)
        snprintf(q->uri, sizeof q->uri, "%s", target);
    else
        snprintf(q->uri, sizeof q->uri, "sip:%s@%s", target, ua->domain);
    if (!ua_uri_addr(ua, rf_span_str(q->uri), &to)) {
        free(q);
        return RF_ERR_NOT_FOUND;
    }
    if (rf_addr_is_set(&ua->conf.server))
        to = ua->conf.server;
    snprintf(q->to, sizeof q->to, "<%s>", q->uri);
    snprintf(q->headers, sizeof q->headers, "Accept: application/sdp\r\n");
    ua->options_status = 0;
    return ua_ctxn_start(ua, q, &to, options_answered, NULL) != NULL ? RF_OK : RF_ERR_IO;
}

int
rf_ua_options_status(const struct rf_ua *ua)
{
    return ua->options_status;
}
