/*
 * call/refer.c - REFER in the dialog of a call, and the subscription that it implies (RFC 3515, RFC 4488)
 *
 * We consume it: nothing of a REFER reaches the other party but the number it names. Of Refer-To count the user part,
 * which goes to the dial plan like a dialled number, and Replaces; other headers of the URI (RFC 3261 19.1.5) are not
 * looked at. One transfer at a time in a call bounds what a peer can make us call.
 *
 * NOTIFY bears a status line and no more (2.4.5): whom the new leg speaks with is not its asker's business. One is under
 * way at a time; what happened meanwhile is told in the next. A final one does not wait.
 */
#include <stdlib.h>

#include "call/layer.h"
#include "sip/header.h"

static void notify(struct refer *r, uint64_t now_us);

static void
reply(struct call *c, struct leg *leg, struct rf_server_txn *txn, int status, const char *note, uint64_t now_us)
{
    ladder_add(c, leg->side, true, "REFER", status, note, now_us);
    rf_server_txn_reply(txn, status, NULL, (struct rf_span){ 0 }, now_us);
}

/* --- what is asked for --- */

/* "Refer-Sub: false" (RFC 4488 4): the asker wants no NOTIFY. */
static bool
is_quiet(const struct rf_sip_msg *msg)
{
    for (size_t i = 0; i < msg->field_count; i++) {
        struct rf_span v = msg->field[i].value;

        if (rf_span_iis(msg->field[i].name, "Refer-Sub"))
            return rf_span_iis(rf_span_trim(rf_span_sub(v, 0, rf_span_find(v, ';'))), "false");
    }
    return false;
}

/* What one would have dialled. false: nobody could. */
static bool
number_of(const struct leg *leg, const struct rf_sip_uri *uri, char out[static RF_NUMBER_MAX])
{
    char text[RF_NUMBER_MAX];
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    rf_put_unescaped(&b, uri->user);
    if (b.overflow || b.n == 0 || memchr(text, '\0', b.n) != NULL)
        return false;
    text[b.n] = '\0';
    if (leg->connection[0] != '\0' || uri->scheme == RF_URI_TEL)
        return rf_number_clean(rf_buf_span(&b), out) == RF_OK && out[0] != '\0';
    memcpy(out, text, b.n + 1);
    return true;
}

/* A status that refuses it, or 0. */
static int
judge(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, struct rf_sip_refer_to *to,
      char number[static RF_NUMBER_MAX])
{
    const struct leg *other = leg_other(leg);

    if (rf_sip_value(msg, RF_HDR_REFER_TO).p == NULL ||
        rf_sip_refer_to_parse(rf_sip_value(msg, RF_HDR_REFER_TO), to) != RF_OK)
        return 400;
    if (to->addr.uri.scheme == RF_URI_OTHER)
        return 416;
    if (to->method.n > 0 && !rf_span_iis(to->method, "INVITE"))
        return 400;
    if (c->refer != NULL || c->join != JOIN_NONE)
        return 491;
    if (c->state != CALL_UP || leg->state != LEG_UP || other == NULL || other->state != LEG_UP ||
        other->media == NULL)
        return 491;
    if (to->replaces.p != NULL)
        return 0; /* the dialog says who is meant */
    if (to->addr.uri.scheme != RF_URI_TEL && !call_host_is_ours(c->l, &to->addr.uri, leg->flow))
        return 404;
    return number_of(leg, &to->addr.uri, number) ? 0 : 404;
}

/* What Replaces says, which is escaped in the URI. The spans are in `text`. */
static int
read_replaces(struct rf_span escaped, struct rf_buf *text, struct rf_sip_replaces *out)
{
    rf_put_unescaped(text, escaped);
    return rf_buf_done(text) == RF_OK && rf_sip_replaces_parse(rf_buf_span(text), out) == RF_OK ? 0 : 400;
}

static void
refused(struct call *c, struct leg *leg, const char *reason, uint64_t now_us)
{
    struct rf_call_env *env = &c->l->env;
    const struct rf_log_field fields[] = { RF_F_STR("what", "a transfer"), RF_F_STR("who", leg_who(leg)),
                                           RF_F_STR("reason", reason), RF_F_STR("call", c->id), { 0 } };

    if (env->refuse != NULL)
        env->refuse(env->ctx, RF_REFUSE_FORBIDDEN, rf_span_str(leg_who(leg)), fields, now_us);
    else
        rf_refuse(RF_REFUSE_FORBIDDEN, fields);
}

/* --- it is accepted --- */

static bool
accept_it(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    char text[512];
    struct rf_buf extra = rf_buf(text, sizeof text);
    struct rf_addr ours;
    struct rf_hop hop;

    c->refer = calloc(1, sizeof *c->refer);
    if (c->refer == NULL) {
        reply(c, leg, txn, 503, "", now_us);
        return false;
    }
    c->refer->call = c;
    c->refer->from = leg;
    c->refer->cseq = msg->cseq;
    c->refer->has_id = leg->refers++ > 0;
    c->refer->is_quiet = is_quiet(msg);
    leg_hop(leg, &hop, &ours);
    rf_put_contact(&extra, &hop, leg_contact_user(leg));
    if (c->refer->is_quiet)
        rf_put_str(&extra, "Refer-Sub: false\r\n");
    ladder_add(c, leg->side, true, "REFER", 202, "", now_us);
    rf_server_txn_reply(txn, 202, NULL, rf_buf_done(&extra) == RF_OK ? rf_buf_span(&extra) : (struct rf_span){ 0 },
                        now_us);
    return true;
}

void
refer_blind(struct call *c, struct leg *leg, const char *number, uint64_t now_us)
{
    struct call *made = transfer_blind(leg_other(leg), leg, number, now_us);
    char note[72];

    if (made == NULL) {
        refer_tell(c, 503, now_us);
        return;
    }
    snprintf(note, sizeof note, "transfer to %.40s: call %s", number, made->id);
    ladder_add(c, leg->side, false, "", 0, note, now_us);
    c->refer->made = made->serial;
    refer_tell(c, 100, now_us);
    transfer_ring(made, now_us);
}

/* The second call rings: there is nobody to join with yet. The same number is called for the one who stays, and that
 * call ends. */
static void
ringing(struct call *c, struct leg *leg, struct call *with, uint64_t now_us)
{
    char number[sizeof with->called];

    memcpy(number, with->called, sizeof number);
    call_end(with, "transfer", 487, RF_REFUSE_NONE, now_us);
    refer_blind(c, leg, number, now_us);
}

/* Both calls are up: their other ends are joined. second NULL: it is at another worker. */
static void
attended(struct call *c, struct leg *leg, struct leg *second, const struct far *far, uint64_t now_us)
{
    struct leg *other = second != NULL ? leg_other(second) : NULL;
    struct call *made = transfer_attended(leg_other(leg), other, leg, far, now_us);
    char note[72];

    if (made == NULL) {
        refer_tell(c, 503, now_us);
        return;
    }
    snprintf(note, sizeof note, "attended transfer: call %s", made->id);
    ladder_add(c, leg->side, false, "", 0, note, now_us);
    c->refer->made = made->serial;
    refer_tell(c, 100, now_us);
    transfer_open(made, now_us);
}

void
refer_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
              uint64_t now_us)
{
    char number[RF_NUMBER_MAX], text[512];
    struct rf_buf unescaped = rf_buf(text, sizeof text);
    struct rf_sip_refer_to to;
    struct rf_sip_replaces r;
    struct leg *second = NULL;
    struct far far;
    bool has_replaces, is_far = false;
    int status = judge(c, leg, msg, &to, number);

    if (!call_settings(c)->transfer) {
        refused(c, leg, "sip.transfer is off", now_us);
        reply(c, leg, txn, 403, "", now_us);
        return;
    }
    has_replaces = status == 0 && to.replaces.p != NULL;
    if (has_replaces)
        status = read_replaces(to.replaces, &unescaped, &r);
    if (has_replaces && status == 0) {
        second = leg_named(c->l, r.call_id, r.to_tag, r.from_tag);
        is_far = second == NULL && far_named(c->l, &r, &far);
        if (!is_far)
            status = second != NULL && second->call == c
                         ? 481 : transfer_judge(second, TRANSFER_ATTENDED, leg->user, leg->connection, false);
    }
    if (status == 403)
        refused(c, leg, "Replaces names a call of somebody else", now_us);
    if (status != 0 && status != 300) {
        reply(c, leg, txn, status, "", now_us);
        return;
    }
    if (!accept_it(c, leg, txn, msg, now_us))
        return;
    if (status == 300)
        ringing(c, leg, second->call, now_us);
    else if (has_replaces)
        attended(c, leg, second, &far, now_us);
    else
        refer_blind(c, leg, number, now_us);
}

/* --- NOTIFY --- */

/* Last thing its caller does (I5). */
static void
notify_over(struct refer *r, uint64_t now_us)
{
    struct call *c = r->call;

    r->notify = NULL;
    if (r->status >= 200 && (r->is_quiet || r->told == r->status))
        refer_free(c);
    else
        notify(r, now_us);
    if (c->state == CALL_ENDING && !refer_is_open(c))
        call_settle(c);
}

static void
notify_answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct refer *r = owner;
    struct leg *from = r->from;

    if (msg->status < 200)
        return;
    ladder_msg(r->call, from->side, false, msg, now_us);
    rf_client_txn_disown(txn);
    if (leg_answers_challenge(from, msg, &r->challenges)) {
        r->told = 0; /* once more, or what is new by now */
        notify_over(r, now_us);
        return;
    }
    r->challenges = 0;
    if (msg->status == 481 || msg->status == 489) /* it knows of no subscription (RFC 6665 4.2.2) */
        r->is_quiet = true;
    notify_over(r, now_us);
}

static void
notify_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct refer *r = owner;

    (void)why;
    rf_client_txn_disown(txn);
    r->is_quiet = true; /* RFC 6665 4.2.2: the subscription is over; the transfer goes on */
    notify_over(r, now_us);
}

static void
notify_ended(void *owner, struct rf_client_txn *txn)
{
    struct refer *r = owner;

    if (r->notify == txn)
        r->notify = NULL;
}

static const struct rf_client_txn_events notify_events = { notify_answered, notify_failed, notify_ended };

/* The news, unless a NOTIFY is under way. */
static void
notify(struct refer *r, uint64_t now_us)
{
    char text[256], body[96];
    struct rf_buf extra = rf_buf(text, sizeof text), frag = rf_buf(body, sizeof body);
    bool is_final = r->status >= 200;

    /* With credentials it goes on in a dialog whose BYE is sent, too: its subscription is not over (RFC 5057 4.1). */
    if (r->is_quiet || r->told == r->status || (r->from->state != LEG_UP && r->challenges == 0)) {
        leg_credentials_drop(r->from);
        return;
    }
    if (r->notify != NULL && !is_final)
        return;
    if (r->notify != NULL)
        rf_client_txn_disown(r->notify);
    r->notify = NULL;
    rf_put_str(&extra, "Event: refer");
    if (r->has_id)
        rf_putf(&extra, ";id=%u", (unsigned)r->cseq);
    if (is_final)
        rf_put_str(&extra, "\r\nSubscription-State: terminated;reason=noresource\r\n");
    else
        rf_putf(&extra, "\r\nSubscription-State: active;expires=%u\r\n",
                (unsigned)call_settings(r->call)->ring_time_s);
    rf_putf(&frag, "SIP/2.0 %u %s\r\n", r->status, rf_sip_reason_phrase(r->status));
    r->told = r->status;
    if (leg_send(r->from, RF_SIP_NOTIFY, rf_buf_span(&extra), "message/sipfrag;version=2.0", rf_buf_span(&frag),
                 &notify_events, r, &r->notify, now_us) == RF_OK)
        return;
    leg_credentials_drop(r->from);
    r->is_quiet = true; /* no way to its asker, who learns of it by what it hears */
}

void
refer_tell(struct call *c, int status, uint64_t now_us)
{
    struct refer *r = c->refer;

    if (r == NULL || r->status >= 200)
        return;
    r->status = (uint16_t)status;
    if (status >= 200)
        r->made = 0;
    notify(r, now_us);
    if (status >= 200 && r->notify == NULL)
        refer_free(c);
}

bool
refer_is_open(const struct call *c)
{
    return c->refer != NULL && c->refer->notify != NULL;
}

void
refer_free(struct call *c)
{
    struct refer *r = c->refer;

    if (r == NULL)
        return;
    if (r->notify != NULL)
        rf_client_txn_disown(r->notify);
    free(r);
    c->refer = NULL;
}

/* --- SUBSCRIBE --- */

void
refer_subscribe(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                uint64_t now_us)
{
    struct refer *r = c->refer;
    struct rf_sip_event event;
    uint32_t expires = 0;
    char text[32];
    struct rf_buf extra = rf_buf(text, sizeof text);
    int status = 200;

    if (rf_sip_event_parse(rf_sip_value(msg, RF_HDR_EVENT), &event) != RF_OK ||
        rf_sip_seconds(msg, RF_HDR_EXPIRES, call_settings(c)->ring_time_s, &expires) != RF_OK)
        status = 400;
    else if (!rf_span_is(event.package, "refer"))
        status = 489;
    else if (r == NULL || r->from != leg || r->is_quiet || r->status >= 200)
        status = 481;
    ladder_add(c, leg->side, true, "SUBSCRIBE", status, "", now_us);
    if (status != 200) {
        rf_server_txn_reply(txn, status, NULL,
                            status == 489 ? RF_SPAN_LIT("Allow-Events: refer\r\n") : (struct rf_span){ 0 }, now_us);
        return;
    }
    /* It lasts as long as the new call rings: that is what may be refreshed, or given up. */
    rf_putf(&extra, "Expires: %u\r\n", expires == 0 ? 0u : (unsigned)call_settings(c)->ring_time_s);
    rf_server_txn_reply(txn, 200, NULL, rf_buf_span(&extra), now_us);
    if (expires == 0) {
        r->is_quiet = true;
        return;
    }
    r->told = 0;
    notify(r, now_us);
}
