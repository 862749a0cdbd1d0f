/* Several settings changed at once, and the settings of a block as text. */
#include "conf/conf.h"
#include "conf/explain.h"
#include "tap.h"

#define CHANGES_MAX 3

static const struct {
    const char *before;
    const char *change[CHANGES_MAX][2]; /* name, value; NULL: as if it had never been set */
    enum rf_err want;
    const char *after, *why;
} cases[] = {
    { "", { { "number.+1.to", "201" }, { "number.+1.connection", "a b" } }, RF_OK,
      "number +1 {\n    to 201\n    connection a b\n}\n", "a new block, with all of it" },
    { "number +1 {\n    to 201\n}\n", { { "number.+1.to", NULL }, { "number.+1.connection", "a" } }, RF_OK,
      "number +1 {\n    connection a\n}\n", "one goes, one comes" },
    { "sip-connection a {\n    type ip\n}\n", { { "sip-connection.a.outbound.srtp", "required" },
      { "sip-connection.a.outbound.sip-transport-protocol", "TLS" }, { "sip-connection.a.inbound.srtp", "off" } },
      RF_OK,
      "sip-connection a {\n    type ip\n    outbound {\n        srtp required\n        sip-transport-protocol TLS\n"
      "    }\n    inbound {\n        srtp off\n    }\n}\n", "blocks within a block are made once" },
    { "number +1 {\n    to 201\n}\n", { { "number.+1.to", "202" }, { "number.+1.to", "203" } }, RF_OK,
      "number +1 {\n    to 203\n}\n", "in order: the last of two" },
    { "number +1 {\n    to 201\n}\n", { { "number.+1.to", "202" }, { "number.+1.tto", "203" } }, RF_ERR_NOT_FOUND,
      "unknown setting number.+1.tto; did you mean to?", "an unknown one: none is made" },
    { "number +1 {\n    to 201\n}\n", { { "number.+1.to", "2\n3" } }, RF_ERR_SYNTAX,
      "number.+1.to must be one line of text", "no value brings lines of its own" },
    { "", { { "number.+1.to", NULL } }, RF_ERR_NOT_FOUND, "number.+1.to is not set in the settings",
      "nothing to take out" },
    { "number +1 {\n", { { "number.+1.to", "1" } }, RF_ERR_SYNTAX, NULL, "a text that is none" },
};

static void
edits(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_conf_change change[CHANGES_MAX];
        struct rf_conf_problem problem;
        char mem[1024];
        struct rf_buf out = rf_buf(mem, sizeof mem);
        enum rf_err err;
        size_t n = 0;

        for (; n < CHANGES_MAX && cases[i].change[n][0] != NULL; n++)
            change[n] = (struct rf_conf_change){ rf_span_str(cases[i].change[n][0]),
                                                 rf_span_str(cases[i].change[n][1]) };
        err = rf_conf_edit_all(rf_span_str(cases[i].before), change, n, &out, &problem);
        ok(err == cases[i].want &&
               (err ? cases[i].after == NULL || strcmp(problem.sentence, cases[i].after) == 0
                    : rf_span_is(rf_buf_span(&out), cases[i].after)),
           "%s (%s%.*s)", cases[i].why, problem.sentence, RF_SPAN_ARG(rf_buf_span(&out)));
    }
}

static const struct {
    const char *label;
    bool is_valid;
} labels[] = { { "201", true },  { "+442071838750", true }, { "a.b-c_d~e", true }, { "", false },
               { "a b", false }, { "a{", false },           { "a\nb", false },     { "\xc3\xa4", false } };

static void
names(void)
{
    char longest[RF_CONF_LABEL_MAX + 1];

    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        ok(rf_conf_label_is_valid(rf_span_str(labels[i].label)) == labels[i].is_valid, "name of a block: \"%s\" is %s",
           labels[i].label, labels[i].is_valid ? "one" : "none");
    ok(rf_conf_label_is_valid(rf_span(longest, RF_CONF_LABEL_MAX)) &&
           !rf_conf_label_is_valid(rf_span(longest, RF_CONF_LABEL_MAX + 1)), "63 octets at most");
}

static void
blocks(void)
{
    char mem[8192];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    ok(rf_conf_explain(&b, RF_SPAN_LIT("number"), NULL) == RF_OK &&
           rf_span_starts(rf_buf_span(&b), "number NAME: ") && memmem(mem, b.n, "\n  connection  (none)\n", 22) != NULL,
       "explain a block with a name: its settings");
    b = rf_buf(mem, sizeof mem);
    ok(rf_conf_explain(&b, RF_SPAN_LIT("media"), NULL) == RF_OK && memmem(mem, b.n, "\n  ports  (", 11) != NULL &&
           memmem(mem, b.n, "sip.", 4) == NULL, "explain a block without one");
    b = rf_buf(mem, sizeof mem);
    ok(rf_conf_explain(&b, RF_SPAN_LIT("sip-connection"), NULL) == RF_OK && !b.overflow &&
           memmem(mem, b.n, "\n  outbound.srtp  (off)\n", 24) != NULL, "explain the largest block");
}

int
main(void)
{
    edits();
    names();
    blocks();
    return tap_done();
}
