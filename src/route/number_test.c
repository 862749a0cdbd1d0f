/* Numbers: reading, writing, matching. */
#include "route/number.h"

#include "tap.h"

static const struct {
    const char *in, *country, *want, *why;
} reads[] = {
    { "+442071838750", "44", "+442071838750", "E.164 stays" },
    { "0044207183875", "49", "+44207183875", "00 is international" },
    { "02071838750", "44", "+442071838750", "0 is national" },
    { "442071838750", "44", "+442071838750", "E.164 without its +" },
    { "200", "44", "200", "an extension stays" },
    { "0800", "44", "0800", "a short number stays" },
    { "02071838750", "", "02071838750", "without a country all stays" },
    { "alice", "44", "alice", "a name stays" },
};

static const struct {
    const char *in;
    enum rf_number_format format;
    const char *country, *want, *why;
} writes[] = {
    { "+442071838750", RF_NUMBER_AS_IS, "44", "+442071838750", "as it is" },
    { "02071838750", RF_NUMBER_E164, "44", "+442071838750", "E.164" },
    { "+442071838750", RF_NUMBER_E164_PLAIN, "44", "442071838750", "without +" },
    { "+442071838750", RF_NUMBER_NATIONAL, "44", "02071838750", "national at home" },
    { "+4930123456", RF_NUMBER_NATIONAL, "44", "004930123456", "national, another country" },
    { "999", RF_NUMBER_NATIONAL, "44", "999", "emergency calls stay" },
    { "201", RF_NUMBER_E164, "", "201", "without a country all stays" },
};

static const struct {
    const char *pattern, *number;
    bool want;
} matches[] = {
    { "+*", "+442071838750", true }, { "+*", "442071838750", false }, { "*", "", true },
    { "0XXXXXXXXXX", "02071838750", true }, { "0XXXXXXXXXX", "0207183875", false },
    { "0XXX", "0*12", false }, { "999", "999", true }, { "999", "9990", false }, { "9X", "9", false },
    { "#31#*", "#31#0301", true },
};

int
main(void)
{
    char out[RF_NUMBER_MAX], long_one[100];

    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        ok(rf_number_read(rf_span_str(reads[i].in), reads[i].country, out) == RF_OK && strcmp(out, reads[i].want) == 0,
           "read %s: %s", reads[i].in, reads[i].why);
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        ok(rf_number_write(rf_span_str(writes[i].in), writes[i].format, writes[i].country, out) == RF_OK &&
               strcmp(out, writes[i].want) == 0,
           "write %s: %s", writes[i].in, writes[i].why);
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++)
        ok((rf_number_match(matches[i].pattern, strlen(matches[i].pattern), rf_span_str(matches[i].number)) >= 0) ==
               matches[i].want,
           "%s %s %s", matches[i].pattern, matches[i].want ? "matches" : "does not match", matches[i].number);
    ok(rf_number_match("+44*", 4, RF_SPAN_LIT("+44207")) > rf_number_match("+*", 2, RF_SPAN_LIT("+44207")) &&
           rf_number_match("0XX", 3, RF_SPAN_LIT("012")) > rf_number_match("0*", 2, RF_SPAN_LIT("012")) &&
           rf_number_match("01X", 3, RF_SPAN_LIT("012")) > rf_number_match("0XX", 3, RF_SPAN_LIT("012")),
       "what says more is more special");
    ok(rf_number_clean(RF_SPAN_LIT("+44 (20) 7183-8750"), out) == RF_OK && strcmp(out, "+442071838750") == 0,
       "marks between digits are taken out");
    ok(rf_number_clean(RF_SPAN_LIT("j.smith"), out) == RF_OK && strcmp(out, "j.smith") == 0, "a name keeps its dots");
    ok(rf_number_clean(RF_SPAN_LIT("12+3"), out) == RF_OK && strcmp(out, "12+3") == 0, "+ in the middle is no number");
    memset(long_one, '1', sizeof long_one);
    ok(rf_number_clean(rf_span(long_one, 64), out) == RF_ERR_RANGE && rf_number_clean(rf_span(long_one, 63), out) == RF_OK &&
           rf_number_read(rf_span_str("0"), "44", out) == RF_OK,
       "63 digits fit, 64 do not");
    return tap_done();
}
