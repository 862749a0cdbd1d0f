/*
 * call/party.c - requests that begin something else than a call: who sends them, and where their server is
 * (call/call.h)
 */
#include "call/layer.h"

/* RF-503: a user speaks for its own address of record alone. */
static bool
is_own_name(struct rf_call_layer *l, const struct rf_sip_msg *msg, const char *user, struct rf_flow *flow)
{
    char name[64];
    struct rf_buf b = rf_buf(name, sizeof name - 1);

    if (msg->from.uri.scheme != RF_URI_SIP && msg->from.uri.scheme != RF_URI_SIPS)
        return false;
    rf_put_unescaped(&b, msg->from.uri.user);
    name[b.overflow ? 0 : b.n] = '\0';
    return strcmp(name, user) == 0 && call_host_is_ours(l, &msg->from.uri, flow);
}

void
rf_call_refuse_request(struct rf_call_layer *l, struct rf_server_txn *txn, enum rf_refusal why, int status,
                       const char *who, const struct rf_log_field *fields, uint64_t now_us)
{
    const struct rf_refusal_row *row = rf_refusal_row(why);
    char sentence[320], text[900];
    struct rf_buf s = rf_buf(sentence, sizeof sentence), b = rf_buf(text, sizeof text);
    const struct rf_call_settings *settings = l->env.settings(l->env.ctx);

    if (l->env.refuse != NULL)
        l->env.refuse(l->env.ctx, why, rf_span_str(who), fields, now_us);
    else
        rf_refuse(why, fields);
    rf_put_str(&s, row->code);
    rf_put_char(&s, ' ');
    rf_refusal_sentence(&s, row->sentence, fields);
    if (settings->explain_to_peer)
        rf_sip_put_warning(&b, 399, rf_span_str(settings->domain), rf_buf_span(&s));
    if (why == RF_REFUSE_OVERLOAD)
        rf_put_str(&b, "Retry-After: 5\r\n");
    if (rf_buf_done(&b) != RF_OK)
        b.n = 0;
    rf_server_txn_reply(txn, status != 0 ? status : row->sip, NULL, rf_buf_span(&b), now_us);
}

void
rf_call_message_too_large(struct rf_call_layer *l, struct rf_server_txn *txn, const char *who, size_t octets,
                          const char *reason, uint64_t now_us)
{
    rf_call_refuse_request(l, txn, RF_REFUSE_MESSAGE_TOO_LARGE, 0, who,
                           (const struct rf_log_field[]){ RF_F_STR("who", who), RF_F_U64("octets", octets),
                                                          RF_F_STR("reason", reason), { 0 } },
                           now_us);
}

bool
rf_call_message_may(struct rf_call_layer *l, struct rf_server_txn *txn, const char *who, size_t octets, uint64_t now_us)
{
    enum rf_refusal why = l->env.judge_message != NULL ? l->env.judge_message(l->env.ctx, who, octets, now_us)
                                                       : RF_REFUSE_NONE;

    if (why == RF_REFUSE_MESSAGE_TOO_LARGE)
        rf_call_message_too_large(l, txn, who, octets, "sip.message-max allows less", now_us);
    else if (why != RF_REFUSE_NONE)
        rf_call_refuse_request(
            l, txn, why, 0, who,
            (const struct rf_log_field[]){
                RF_F_STR("what", "the number of messages a minute (sip.messages-per-minute)"), RF_F_STR("who", who),
                RF_F_STR("seconds", "5"), { 0 } },
            now_us);
    return why == RF_REFUSE_NONE;
}

void
rf_call_forbid_message(struct rf_call_layer *l, struct rf_server_txn *txn, const char *connection, uint64_t now_us)
{
    rf_call_refuse_request(l, txn, RF_REFUSE_FORBIDDEN, 0, connection,
                           (const struct rf_log_field[]){ RF_F_STR("what", "a text message"),
                                                          RF_F_STR("who", connection),
                                                          RF_F_STR("reason", "messages is off for this connection"),
                                                          { 0 } },
                           now_us);
}

/* It came in clear, and its user or connection does not take that (IPC-24, TEL-35). */
static void
refuse_clear(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_call_party *who, uint64_t now_us)
{
    const struct rf_connection *k = who->connection;
    char setting[128] = "";

    if (k != NULL)
        snprintf(setting, sizeof setting, "sip-connection.%s.require-tls off", k->name);
    rf_call_refuse_request(
        l, txn, k != NULL ? RF_REFUSE_CONNECTION_NEEDS_TLS : RF_REFUSE_TLS_REQUIRED, 0, who->user,
        (const struct rf_log_field[]){ RF_F_STR("who", k != NULL ? k->name : who->user),
                                       RF_F_STR("setting", setting),
                                       RF_F_STR("transport", rf_transport_name(rf_server_txn_flow(txn)->transport)),
                                       { 0 } },
        now_us);
}

bool
rf_call_party_of(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                 struct rf_call_party *out, uint64_t now_us)
{
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct caller who;
    bool is_fine;

    if (!request_check(l, txn, msg, now_us))
        return false;
    if (msg->max_forwards == 0) {
        rf_server_txn_reply(txn, 483, NULL, (struct rf_span){ 0 }, now_us);
        return false;
    }
    if (!request_caller(l, txn, msg, &who, now_us))
        return false;
    *out = (struct rf_call_party){ .connection = who.connection, .is_private = who.is_private };
    snprintf(out->user, sizeof out->user, "%s", who.user.name);
    snprintf(out->display, sizeof out->display, "%s", who.user.display);
    if (who.connection != NULL)
        caller_dialled(&who, msg, out->dialled, sizeof out->dialled);
    is_fine = who.connection != NULL || is_own_name(l, msg, out->user, flow);
    if (!is_fine) {
        rf_call_refuse_request(
            l, txn, RF_REFUSE_FORBIDDEN, 0, out->user,
            (const struct rf_log_field[]){ RF_F_SPAN("what", msg->from.uri.raw),
                                           RF_F_STR("who", out->user),
                                           RF_F_STR("reason", "From must be the user that signed in"),
                                           { 0 } },
            now_us);
    } else if (who.user.require_tls && !rf_transport_is_secure(flow->transport)) {
        is_fine = false;
        refuse_clear(l, txn, out, now_us);
    }
    rf_wipe(&who.user, sizeof who.user);
    if (is_fine && who.connection == NULL) {
        struct rf_buf b = rf_buf(out->dialled, sizeof out->dialled - 1);

        rf_put_unescaped(&b, msg->ruri.user);
        out->dialled[b.overflow || memchr(out->dialled, '\0', b.n) != NULL ? 0 : b.n] = '\0';
    }
    if (is_fine && msg->ruri.scheme != RF_URI_TEL && !call_host_is_ours(l, &msg->ruri, flow))
        out->dialled[0] = '\0';
    return is_fine;
}

enum rf_refusal
rf_call_binding_of(struct rf_call_layer *l, const struct rf_connection *k, const char *number, struct rf_binding *out)
{
    enum rf_refusal why;

    if (k->type == RF_CONNECTION_CREDENTIAL && !k->is_customer)
        why = connection_registered(l, NULL, k, out);
    else
        why = connection_server(l, k, number, out);
    return why;
}
