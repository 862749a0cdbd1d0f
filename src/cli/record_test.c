/*
 * Fields of CSV: quoted as RFC 4180 says, and no formula to a spreadsheet.
 */
#include "cli/commands.h"
#include "tap.h"

static const struct { const char *in, *want, *why; } fields[] = {
    { "", "", "nothing" },
    { "Reception", "Reception", "as it is" },
    { "Smith, Ann", "\"Smith, Ann\"", "a comma" },
    { "the \"boss\"", "\"the \"\"boss\"\"\"", "quotes are doubled" },
    { "two\r\nlines", "\"two\r\nlines\"", "a line break stays within quotes" },
    { " kept", "\" kept\"", "a space at the edge is part of the field (RFC 4180 2.4)" },
    { "+442071838750", "+442071838750", "a number is no formula" },
    { "-12.5", "-12.5", "nor is this one" },
    { "=1+1", "\"'=1+1\"", "a formula" },
    { "=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"", "one with quotes and commas" },
    { "+1+cmd|' /C calc'!A0", "\"'+1+cmd|' /C calc'!A0\"", "by a sign" },
    { "-2+3", "\"'-2+3\"", "by the other sign" },
    { "@SUM(A1)", "\"'@SUM(A1)\"", "by an at" },
    { "\t=1", "\"'\t=1\"", "behind a tab" },
    { "\r=1", "\"'\r=1\"", "behind a return" },
    { "+", "\"'+\"", "a sign alone" },
};

int
main(void)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char mem[200];
        struct rf_buf b = rf_buf(mem, sizeof mem);

        rf_csv_put_field(&b, rf_span_str(fields[i].in));
        ok(rf_span_is(rf_buf_span(&b), fields[i].want), "%s: %.*s", fields[i].why, RF_SPAN_ARG(rf_buf_span(&b)));
    }
    return tap_done();
}
