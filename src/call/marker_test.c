/* Session-ID: what we know again as ours, what we hand on, and what nobody can make up (docs/design/0020-loops.md). */
#include "call/call.h"

#include <stdio.h>

#include "tap.h"

static struct rf_call_env ours = { .owner_key = { { 1, 2 } } }, theirs = { .owner_key = { { 1, 3 } } };

static struct rf_call_trail
read_trail(const struct rf_call_env *env, const char *session_id)
{
    static struct rf_sip_msg msg;
    char text[4096];
    struct rf_sip_problem problem;
    struct rf_call_trail t;

    snprintf(text, sizeof text,
             "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\n"
             "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
             session_id);
    rf_assert(rf_sip_msg_parse(&msg, rf_span_str(text), &problem) == RF_OK);
    rf_call_trail_read(env, &msg, &t);
    return t;
}

/* The header line of a request that leaves, and how it comes in at the next one. */
static struct rf_call_trail
hop(const struct rf_call_env *from, const struct rf_call_trail *t, const char *connection, const char *number,
    const struct rf_call_env *to)
{
    char line[1024];
    struct rf_buf b = rf_buf(line, sizeof line - 1);

    rf_call_trail_put(from, t, connection, number, &b);
    rf_assert(rf_buf_done(&b) == RF_OK);
    line[b.n] = '\0';
    return read_trail(to, line);
}

static void
test_direct(void)
{
    struct rf_call_trail none = { 0 }, t = hop(&ours, &none, "carrier", "+4930", &ours);

    ok(t.passes == 1 && t.count == 1, "what comes straight back is known");
    ok(rf_call_trail_is_circle(&ours, &t, "carrier", "+4930"), "for the same number by the same connection: a circle");
    ok(!rf_call_trail_is_circle(&ours, &t, "carrier", "+4931"), "for another number: forwarded, no circle");
    ok(!rf_call_trail_is_circle(&ours, &t, "other", "+4930"), "by another connection: none");
    ok(!rf_call_trail_is_circle(&theirs, &t, "carrier", "+4930"), "and with another system's key it is nothing");
    for (unsigned i = 2; i <= 3; i++) {
        char number[8];

        snprintf(number, sizeof number, "+%u", i);
        ok(!rf_call_trail_is_circle(&ours, &t, "carrier", number), "it may leave a time more: %u", i);
        t = hop(&ours, &t, "carrier", number, &ours);
    }
    ok(t.passes == 3 && rf_call_trail_is_circle(&ours, &t, "any", "+99"), "after three times it leaves no more");
}

static void
test_through_others(void)
{
    struct rf_call_trail none = { 0 }, t = hop(&ours, &none, "carrier", "+4930", &theirs);

    ok(t.passes == 0 && t.count == 1 && !rf_call_trail_is_circle(&theirs, &t, "x", "+4930"),
       "another ringfence does not know it, and keeps it");
    t = hop(&theirs, &t, "x", "+4930", &ours);
    ok(t.passes == 1 && t.count == 2 && rf_call_trail_is_circle(&ours, &t, "carrier", "+4930"),
       "so that it comes back to us, and we do");
    t = hop(&ours, &none, "carrier", "+4930", &theirs);
    for (unsigned i = 1; i < RF_TRAIL_MAX; i++)
        t = hop(&theirs, &none, "x", "+1", &theirs).count == 1 ? hop(&theirs, &t, "x", "+4930", &theirs) : none;
    ok(t.count == RF_TRAIL_MAX, "the list is full");
    ok(rf_call_trail_is_circle(&ours, &t, "carrier", "+4930"), "a circle of %d systems is found", RF_TRAIL_MAX);
    t = hop(&theirs, &t, "x", "+4930", &theirs);
    t = hop(&theirs, &t, "x", "+4930", &ours);
    ok(t.count == RF_TRAIL_MAX && t.passes == 0, "behind that the oldest is lost: Max-Forwards has to end it");
}

#define UUID "0123456789abcdef0123456789abcdef"

static void
test_made_up(void)
{
    static const struct {
        const char *line;
        unsigned count;
        const char *why;
    } cases[] = {
        { "", 0, "no Session-ID" },
        { "Session-ID: " UUID "\r\n", 0, "of somebody who does not ask for it: goes nowhere" },
        { "Session-ID: " UUID ";remote=" UUID "\r\n", 0, "as RFC 7989 has it: goes nowhere" },
        { "Session-ID: " UUID ";passed=none\r\n", 1, "of another ringfence: handed on" },
        { "Session-ID: " UUID ";PASSED=" UUID "." UUID "\r\n", 3, "with what it had" },
        { "Session-ID: " UUID ";passed=\r\n", 1, "an empty list" },
        { "Session-ID: " UUID ";passed\r\n", 1, "a list without a value" },
        { "Session-ID: x;passed=" UUID "0.." UUID "." UUID "g.zz." UUID ".\r\n", 2, "what is no UUID is passed over" },
        { "Session-ID: ;passed=" UUID "\r\n", 1, "nothing before it" },
        { "Session-ID: " UUID ";passed=\"" UUID "\"\r\n", 1, "quotes" },
        { "Session-ID: " UUID ";passed=" UUID "." UUID "." UUID "." UUID "." UUID "." UUID "." UUID "." UUID "." UUID
          "." UUID "\r\n", RF_TRAIL_MAX, "more than we keep" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_call_trail t = read_trail(&ours, cases[i].line);

        ok(t.passes == 0 && t.count == cases[i].count && !rf_call_trail_is_circle(&ours, &t, "carrier", "+4930"), "%s: %u",
           cases[i].why, t.count);
    }
}

/* One bit changed anywhere: not ours any more, whatever it says of how often. */
static void
test_changed(void)
{
    struct rf_call_trail none = { 0 }, t = hop(&ours, &none, "carrier", "+4930", &ours), damaged;
    unsigned taken = 0;

    for (unsigned bit = 0; bit < 8 * RF_UUID_OCTETS; bit++) {
        damaged = t;
        damaged.passes = 0;
        damaged.uuid[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        taken += rf_call_trail_is_circle(&ours, &damaged, "carrier", "+4930");
    }
    ok(taken == 0, "none of 128 changes is taken for ours");
}

int
main(void)
{
    ours.rand = theirs.rand = &rf_rand_system;
    test_direct();
    test_through_others();
    test_made_up();
    test_changed();
    return tap_done();
}
