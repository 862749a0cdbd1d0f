/*
 * call/record.c - the record of a call: who, when, how protected, why not. Never a key.
 */
#include <time.h>

#include "call/layer.h"

static json_t *
when(int64_t wall_s)
{
    char text[32];
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return json_null();
    return json_string(text);
}

static json_t *
leg_json(const struct call *c, const struct leg *leg)
{
    json_t *o = json_object();

    json_object_set_new(o, "leg", json_string(leg->side == 0 ? "A" : "B"));
    json_object_set_new(o, "user", json_string(leg->user));
    json_object_set_new(o, "display", json_string(leg->display));
    json_object_set_new(o, "signalling", evidence_leg_signalling(leg));
    json_object_set_new(o, "media", evidence_leg_media(c, leg));
    if (leg->status != 0)
        json_object_set_new(o, "status", json_integer(leg->status));
    return o;
}

static const char *
state_name(const struct call *c)
{
    switch (c->state) {
    case CALL_OPENING:
    case CALL_RINGING:
        return "ringing";
    case CALL_UP:
        return "up";
    default:
        return c->answered ? "ended" : "refused";
    }
}

/* The code that a reader should look up: why it was refused or ended, or what weakened it. */
static enum rf_refusal
code_of(const struct call *c)
{
    if (c->refusal != RF_REFUSE_NONE)
        return c->refusal;
    if (!c->verdict_seen)
        return RF_REFUSE_NONE;
    if (c->verdict_min == VERDICT_ENCRYPTED)
        return RF_REFUSE_NONE;
    for (int side = 0; side < 2; side++) {
        const struct leg *leg = side == 0 ? c->a : c->b;

        if (leg != NULL && leg->media != NULL && !leg->media->is_encrypted)
            return RF_REFUSE_MEDIA_IN_CLEAR;
    }
    return RF_REFUSE_KEYS_IN_CLEAR;
}

json_t *
record_make(struct call *c, uint64_t now_us, bool with_ladder)
{
    json_t *o = json_object(), *legs = json_array();
    enum rf_refusal code = code_of(c);
    uint64_t until = c->ended_us != 0 ? c->ended_us : now_us;
    uint64_t seconds = c->answered ? (until - c->answered_us) / RF_S : 0;

    json_object_set_new(o, "id", json_string(c->id));
    json_object_set_new(o, "state", json_string(state_name(c)));
    json_object_set_new(o, "from", json_string(c->a->user));
    json_object_set_new(o, "from_display", json_string(c->a->display));
    json_object_set_new(o, "to", json_string(c->called));
    json_object_set_new(o, "to_display", json_string(c->b != NULL ? c->b->display : ""));
    json_object_set_new(o, "call_id", json_string(c->a->dialog.call_id));
    json_object_set_new(o, "began", when(c->began_wall_s));
    if (c->answered)
        json_object_set_new(o, "answered", when(c->answered_wall_s));
    json_object_set_new(o, "seconds", json_integer((json_int_t)seconds));
    if (c->state == CALL_ENDING) {
        json_object_set_new(o, "ended", when(c->l->env.wall_s(c->l->env.ctx)));
        json_object_set_new(o, "ended_by", json_string(c->ended_by));
        json_object_set_new(o, "status", json_integer(c->status));
    }
    json_object_set_new(o, "restored", json_boolean(c->restored));
    json_object_set_new(o, "verdict", json_string(verdict_name(c->verdict_now)));
    json_object_set_new(o, "verdict_min",
                        json_string(verdict_name(c->verdict_seen ? c->verdict_min : VERDICT_UNPROVEN)));
    if (code != RF_REFUSE_NONE) {
        json_object_set_new(o, "code", json_string(rf_refusal_row(code)->code));
        if (code == c->refusal)
            json_object_set_new(o, "sentence", json_string(c->sentence));
    }
    json_array_append_new(legs, leg_json(c, c->a));
    if (c->b != NULL)
        json_array_append_new(legs, leg_json(c, c->b));
    else
        RF_LIST_FOREACH(&c->attempts, it)
            json_array_append_new(legs, leg_json(c, rf_container(it, struct leg, link)));
    json_object_set_new(o, "legs", legs);
    if (with_ladder) {
        json_object_set_new(o, "ladder", ladder_json(c));
        json_object_set_new(o, "ladder_more", json_integer(c->ladder_more));
    }
    return o;
}

void
record_keep(struct call *c, uint64_t now_us)
{
    struct rf_call_layer *l = c->l;
    json_t *record, **slot;

    if (c->record_made)
        return;
    c->record_made = true;
    record = record_make(c, now_us, true);
    slot = &l->recent[l->recent_next++ % RECENT_MAX];
    json_decref(*slot);
    *slot = json_incref(record);
    l->env.record(l->env.ctx, rf_span_str(c->id), record);
    json_decref(record);
}
