/*
 * call/record.c - the record of a call: who, when, how protected, why not. Never a key.
 */
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "call/layer.h"
#include "store/store.h"

#define FIRST_OCTETS 8192
#define WORDS_OCTETS 512      /* four names of at most 64, and short words */
#define MOST_OCTETS  (1 << 20) /* several times what the largest ladder and all attempts fill */

static void
put_when(struct rf_buf *b, const char *name, int64_t wall_s)
{
    char text[32];
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) != 0)
        rf_json_str(b, name, text);
}

static void
put_leg(const struct call *c, const struct leg *leg, struct rf_buf *b)
{
    rf_json_open(b, NULL, '{');
    rf_json_str(b, "leg", leg->side == 0 ? "A" : "B");
    rf_json_str(b, "user", leg->user);
    if (leg->connection[0] != '\0')
        rf_json_str(b, "connection", leg->connection);
    rf_json_str(b, "display", leg->display);
    evidence_put_signalling(leg, b);
    evidence_put_media(c, leg, b);
    if (leg->status != 0)
        rf_json_u64(b, "status", (uint64_t)leg->status);
    rf_json_close(b, '}');
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
    if (oneway_is_told(c))
        return RF_REFUSE_ONE_WAY_AUDIO;
    if (c->is_bypass)
        return RF_REFUSE_BYPASS_UNPROVEN;
    if (!c->verdict_seen)
        return RF_REFUSE_NONE;
    if (c->verdict_min == VERDICT_ENCRYPTED)
        return RF_REFUSE_NONE;
    for (int side = 0; side < 2; side++) {
        const struct leg *leg = side == 0 ? c->a : c->b;
        struct media_numbers n = { 0 };

        /* It may have been so earlier in its life alone. */
        if (leg != NULL && (leg_is_in_clear(leg) || (call_media_numbers(c, leg, &n) && n.in_clear + n.out_clear > 0)))
            return RF_REFUSE_MEDIA_IN_CLEAR;
    }
    return RF_REFUSE_KEYS_IN_CLEAR;
}

static void
put_oneway_sentence(const struct call *c, struct rf_buf *b)
{
    char text[sizeof c->sentence];
    struct rf_buf s = rf_buf(text, sizeof text - 1);

    oneway_put_sentence(c, &s);
    text[s.n] = '\0';
    rf_json_str(b, "sentence", text);
}

/* All but the ladder, and without the last bracket. */
static void
put_facts(struct call *c, uint64_t now_us, struct rf_buf *b)
{
    enum rf_refusal code = code_of(c);
    uint64_t until = c->ended_us != 0 ? c->ended_us : now_us;

    rf_json_open(b, NULL, '{');
    rf_json_str(b, "id", c->id); /* first: rf_call_show finds it there */
    rf_json_str(b, "state", state_name(c));
    rf_json_str(b, "from", c->a->user);
    rf_json_str(b, "from_display", c->a->display);
    rf_json_str(b, "to", c->called);
    rf_json_str(b, "to_display", c->b != NULL ? c->b->display : "");
    rf_json_str(b, "call_id", c->a->dialog.call_id);
    put_when(b, "began", c->began_wall_s);
    if (c->answered)
        put_when(b, "answered", c->answered_wall_s);
    rf_json_u64(b, "seconds", c->answered ? (until - c->answered_us) / RF_S : 0);
    if (c->state == CALL_ENDING) {
        put_when(b, "ended", c->ended_wall_s);
        rf_json_str(b, "ended_by", c->ended_by);
        rf_json_u64(b, "status", (uint64_t)c->status);
    }
    rf_json_bool(b, "restored", c->restored);
    transfer_put(c, b);
    rf_json_str(b, "verdict", verdict_name(c->verdict_now));
    rf_json_str(b, "verdict_min", verdict_name(c->verdict_seen ? c->verdict_min : VERDICT_UNPROVEN));
    if (code != RF_REFUSE_NONE) {
        rf_json_str(b, "code", rf_refusal_row(code)->code);
        if (rf_refusal_row(code)->q850 != 0)
            rf_json_u64(b, "q850_cause", (uint64_t)rf_refusal_row(code)->q850);
        if (code == c->refusal)
            rf_json_str(b, "sentence", c->sentence);
        else if (code == RF_REFUSE_ONE_WAY_AUDIO)
            put_oneway_sentence(c, b);
    }
    forward_put(c, b);
    rf_json_open(b, "legs", '[');
    put_leg(c, c->a, b);
    if (c->b != NULL)
        put_leg(c, c->b, b);
    else
        RF_LIST_FOREACH(&c->attempts, it)
            put_leg(c, rf_container(it, struct leg, link), b);
    rf_json_close(b, ']');
}

/* The text with or without the ladder, in the layer's memory until the next one is made; empty: no memory. */
static struct rf_span
record_text(struct call *c, uint64_t now_us, bool with_ladder)
{
    struct rf_call_layer *l = c->l;

    for (size_t cap = l->record_cap > 0 ? l->record_cap : FIRST_OCTETS; cap <= MOST_OCTETS; cap *= 2) {
        struct rf_buf b;

        if (cap > l->record_cap) {
            char *more = realloc(l->record_mem, cap);

            if (more == NULL)
                break;
            l->record_mem = more;
            l->record_cap = cap;
        }
        b = rf_buf(l->record_mem, l->record_cap);
        put_facts(c, now_us, &b);
        if (with_ladder)
            ladder_put(c, &b);
        rf_json_close(&b, '}');
        if (!b.overflow)
            return rf_json_text(&b);
    }
    return rf_span(NULL, 0);
}

json_t *
record_make(struct call *c, uint64_t now_us, bool with_ladder)
{
    struct rf_span text = record_text(c, now_us, with_ladder);

    return text.n > 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
}

/* Who was called: the leg that answered, or of a call that nobody answered the first that rang. */
static struct rf_span
words_of(const struct call *c, const char *verdict, char *mem, size_t size)
{
    const struct leg *b = c->b != NULL               ? c->b
                          : !rf_list_empty(&c->attempts) ? rf_container(c->attempts.next, struct leg, link)
                                                     : NULL;
    enum rf_refusal code = code_of(c);
    const char *const word[RF_STORE_RECORD_WORDS] = {
        c->a->user,
        c->called,
        b != NULL ? b->user : NULL,
        c->a->connection,
        b != NULL ? b->connection : NULL,
        verdict,
        code != RF_REFUSE_NONE ? rf_refusal_row(code)->code : NULL,
    };
    struct rf_buf out = rf_buf(mem, size);

    rf_store_put_words(&out, word);
    return rf_buf_span(&out);
}

void
record_keep(struct call *c, uint64_t now_us)
{
    struct rf_call_layer *l = c->l;
    struct rf_call_record r;
    char words[WORDS_OCTETS];
    size_t at;

    if (c->record_made)
        return;
    c->record_made = true;
    tally_ended(c);
    r.text = record_text(c, now_us, true);
    r.ladder_at = rf_span_find_str(r.text, RF_SPAN_LIT(",\"ladder\":")); /* quotes within a string have a backslash */
    r.verdict_min = verdict_name(c->verdict_seen ? c->verdict_min : VERDICT_UNPROVEN);
    r.words = words_of(c, r.verdict_min, words, sizeof words);
    r.began_s = c->began_wall_s;
    at = l->recent_next++ % RECENT_MAX;
    free(l->recent[at].record);
    l->recent[at].record = r.text.n > 0 ? strndup(r.text.p, r.text.n) : NULL;
    l->recent[at].began_us = c->began_us;
    if (r.text.n > 0)
        l->env.record(l->env.ctx, rf_span_str(c->id), &r);
}
