/*
 * call/end.c - the end of a call: everybody is told, the record is made, the relay's ports go back
 */
#include "call/layer.h"

void
call_say(struct call *c, enum rf_refusal why, const struct rf_log_field *fields)
{
    struct rf_buf b = rf_buf(c->sentence, sizeof c->sentence - 1);

    rf_refusal_sentence(&b, rf_refusal_row(why)->sentence, fields);
    c->sentence[b.n] = '\0';
    if (c->l->env.refuse != NULL)
        c->l->env.refuse(c->l->env.ctx, why, rf_span_str(leg_who(c->a)), fields, call_now(c));
    else
        rf_refuse(why, fields);
}

/* RFC 3261 20.43: the text is a quoted string; a sentence holds names that peers chose. */
static void
put_warning(struct call *c, struct rf_buf *b, const struct rf_refusal_row *row)
{
    rf_putf(b, "Warning: 399 %s \"%s ", call_settings(c)->domain, row->code);
    for (const char *p = c->sentence; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            rf_put_char(b, '\\');
        if ((unsigned char)*p >= ' ' && *p != 0x7f)
            rf_put_char(b, *p);
    }
    rf_put_str(b, "\"\r\n");
}

void
put_refusal_headers(struct call *c, struct rf_buf *b, enum rf_refusal why)
{
    const struct rf_refusal_row *row = rf_refusal_row(why);

    if (why == RF_REFUSE_NONE)
        return;
    rf_sip_put_reason_q850(b, row->q850);
    if (call_settings(c)->explain_to_peer) /* a caller has signed in when a call exists */
        put_warning(c, b, row);
    if (why == RF_REFUSE_OVERLOAD)
        rf_put_str(b, "Retry-After: 5\r\n");
}

void
call_refuse(struct call *c, enum rf_refusal why, int status, const struct rf_log_field *fields, uint64_t now_us)
{
    call_say(c, why, fields);
    call_end(c, why == RF_REFUSE_NO_ANSWER ? "no answer" : "us", status != 0 ? status : rf_refusal_row(why)->sip, why,
             now_us);
}

/* BYE, or a final response to its INVITE. */
static void
end_leg(struct call *c, struct leg *leg, int status, uint64_t now_us)
{
    char text[700];
    struct rf_buf extra = rf_buf(text, sizeof text);

    if (leg->state == LEG_UP) {
        leg_bye(leg, now_us);
        return;
    }
    if (leg->server_is_open) {
        put_refusal_headers(c, &extra, c->refusal);
        if (c->refusal == RF_REFUSE_NONE && c->q850 != 0)
            rf_sip_put_reason_q850(&extra, c->q850);
        if (rf_buf_done(&extra) != RF_OK)
            extra.n = 0;
        leg_respond(leg, status, rf_buf_span(&extra), (struct rf_span){ 0 }, now_us);
    }
    leg->state = LEG_DONE;
}

void
call_end(struct call *c, const char *by, int status, enum rf_refusal why, uint64_t now_us)
{
    struct rf_wheel *wheel = c->l->env.wheel;
    bool was_answered = c->answered;

    if (c->state == CALL_ENDING)
        return;
    evidence_freeze(c);
    c->state = CALL_ENDING;
    tally_no_verdict(c);
    call_tell(c);
    c->ended_by = by;
    c->ended_us = now_us;
    c->ended_wall_s = c->l->env.wall_s(c->l->env.ctx);
    c->refusal = why;
    c->status = was_answered && why == RF_REFUSE_NONE ? 200 : status;
    rf_timer_cancel(wheel, &c->timer);
    rf_timer_cancel(wheel, &c->stage_timer);
    transfer_over(c, status, now_us);
    pickup_over(c, now_us);
    early_offer_stop(c, 487, now_us);
    held_drop(c, now_us);
    exchange_stop(c, status >= 300 ? status : 487, now_us);
    infos_stop(c, now_us);
    for (int i = 0; i < 2; i++) {
        struct leg *leg = i == 0 ? c->a : c->b;

        if (leg == NULL)
            continue;
        rf_timer_cancel(wheel, &leg->session_timer);
        if (leg->client_is_open && leg->client != NULL) /* a re-INVITE: it must not wait for ever */
            rf_client_txn_cancel(leg->client, (struct rf_span){ 0 }, now_us);
    }

    c->paths_wanted++; /* a path that is there at once must not end the call under us */
    end_leg(c, c->a, c->status, now_us);
    if (c->b != NULL)
        end_leg(c, c->b, status >= 300 ? status : 487, now_us);
    call_cancel_attempts(c, NULL, "", now_us);
    call_media_close(c);
    if (c->share != NULL)
        rf_quota_drop(c->l->env.quota, c->share);
    c->share = NULL;
    leg_uncount(c->a);
    if (c->b != NULL)
        leg_uncount(c->b);
    /* The answers to what we just sent belong to the record; who does not answer keeps it waiting no longer than this. */
    if (c->l->is_stopping)
        call_close_record(c, now_us);
    else
        rf_timer_arm(wheel, &c->timer, now_us + RECORD_WAIT_US);
    c->paths_wanted--;
    call_settle(c);
}
