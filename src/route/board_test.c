/* What is known of connections: health, rates, counts, addresses. */
#include "route/board.h"

#include "loop/wheel.h"
#include "tap.h"

int
main(void)
{
    struct rf_board *b;
    struct rf_connection c = { .name = "acme", .host = "sbc.example" }, numeric = { .name = "n", .host = "192.0.2.1" };
    struct rf_addr a, other;
    struct rf_board_row row;
    char name[RF_CONNECTION_NAME_MAX];
    unsigned taken = 0;

    if (!ok(rf_board_new(&b, &rf_rand_system) == RF_OK, "a board") ||
        rf_addr_parse(RF_SPAN_LIT("192.0.2.1"), 5060, &a) != RF_OK ||
        rf_addr_parse(RF_SPAN_LIT("192.0.2.2"), 5060, &other) != RF_OK)
        return tap_done();
    ok(rf_board_is_up(b, &c) && rf_board_is_up(NULL, &c), "what is not known counts as up");
    ok(!rf_board_heard(b, "acme", false, 60 * RF_S, 100 * RF_S) && rf_board_is_up(b, &c), "one OPTIONS is lost");
    ok(!rf_board_heard(b, "acme", false, 60 * RF_S, 130 * RF_S) && rf_board_is_up(b, &c), "30 s of silence");
    ok(rf_board_heard(b, "acme", false, 60 * RF_S, 160 * RF_S) && !rf_board_is_up(b, &c), "60 s: out of rotation (RF-507)");
    ok(!rf_board_heard(b, "acme", false, 60 * RF_S, 190 * RF_S), "told once");
    ok(rf_board_heard(b, "acme", true, 60 * RF_S, 200 * RF_S) && rf_board_is_up(b, &c), "back with the first answer");
    ok(!rf_board_heard(b, "acme", false, 60 * RF_S, 230 * RF_S) && rf_board_is_up(b, &c), "silence is counted anew");
    (void)rf_board_heard(b, "acme", true, 60 * RF_S, 290 * RF_S);
    rf_board_asked(b, "acme", 300 * RF_S);
    rf_board_asked(b, "acme", 330 * RF_S);
    ok(!rf_board_heard(b, "acme", false, 60 * RF_S, 332 * RF_S) && rf_board_is_up(b, &c) &&
           rf_board_heard(b, "acme", false, 60 * RF_S, 360 * RF_S) && !rf_board_is_up(b, &c),
       "from the first question without an answer, not from when it was given up (RF-507)");

    ok(!rf_board_leads_to(b, &c, &a), "a name that was not looked up leads nowhere");
    rf_board_set_addresses(b, "acme", &a, 1);
    ok(rf_board_leads_to(b, &c, &a) && !rf_board_leads_to(b, &c, &other), "an address of the name (TEL-1)");
    rf_board_set_addresses(b, "acme", NULL, 0);
    ok(!rf_board_leads_to(b, &c, &a), "the name lost its address");
    ok(rf_board_leads_to(NULL, &numeric, &a) && !rf_board_leads_to(NULL, &numeric, &other), "a numeric server");

    for (int i = 0; i < 30; i++)
        taken += rf_board_rate(b, "acme", 10, 1000 * RF_S);
    ok(taken == 10, "10 a second: %u of 30 at once", taken);
    ok(rf_board_rate(b, "acme", 10, 1000 * RF_S + 100 * RF_MS) && !rf_board_rate(b, "acme", 10, 1000 * RF_S + 100 * RF_MS),
       "one more after a tenth of a second");
    ok(rf_board_take(b, "acme", 2) == RF_OK && rf_board_take(b, "acme", 2) == RF_OK &&
           rf_board_take(b, "acme", 2) == RF_ERR_RANGE,
       "two calls at one time, not three");
    rf_board_drop(b, "acme");
    ok(rf_board_take(b, "acme", 2) == RF_OK, "one that ended makes room");

    rf_board_set_registration(b, "acme", RF_REGISTRATION_UP, 200, 77, RF_TLS, 5000);
    ok(rf_board_of_flow(b, 77, name) && strcmp(name, "acme") == 0 && !rf_board_of_flow(b, 78, name) &&
           !rf_board_of_flow(b, 0, name),
       "whose registration a flow is");
    ok(rf_board_look(b, "acme", &row) && row.registration == RF_REGISTRATION_UP && row.calls == 2 && row.status == 200 &&
           !rf_board_look(b, "other", &row),
       "what people see");
    rf_board_free(b);
    return tap_done();
}
