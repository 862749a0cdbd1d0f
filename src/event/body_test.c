/* event/body.h: what voice mail systems send, and XML whatever a display name holds. */
#include "event/body.h"

#include "tap.h"

static const struct {
    const char *in;
    enum rf_err want;
    struct rf_message_counts counts;
    const char *why;
} summaries[] = {
    { "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n", RF_OK,
      { 2, 8, 0, 2 }, "RFC 3842 5.2" },
    { "Messages-Waiting: no\r\n", RF_OK, { 0, 0, 0, 0 }, "nothing waits" },
    { "Messages-Waiting: yes\r\n", RF_OK, { 1, 0, 0, 0 }, "a system that does not count" },
    { "Messages-Waiting:yes\nVoice-Message:4/0\n", RF_OK, { 4, 0, 0, 0 }, "LF alone, no blank" },
    { "MESSAGES-WAITING: YES\r\nvoice-message: 1 / 2 ( 1 / 0 )\r\n", RF_OK, { 1, 2, 1, 0 }, "letter case, blanks" },
    { "Messages-Waiting: yes\r\nFax-Message: 9/9\r\nVoice-Message: 1/0\r\n\r\nTo: x\r\nVoice-Message: 7/7\r\n", RF_OK,
      { 1, 0, 0, 0 }, "other kinds, and headers of single messages" },
    { "", RF_ERR_SYNTAX, { 0 }, "empty" },
    { "Voice-Message: 1/0\r\n", RF_ERR_SYNTAX, { 0 }, "no status" },
    { "Messages-Waiting: maybe\r\n", RF_ERR_SYNTAX, { 0 }, "neither yes nor no" },
    { "Messages-Waiting: yes\r\nVoice-Message: 1\r\n", RF_ERR_SYNTAX, { 0 }, "no old ones" },
    { "Messages-Waiting: yes\r\nVoice-Message: -1/0\r\n", RF_ERR_SYNTAX, { 0 }, "below nothing" },
    { "Messages-Waiting: yes\r\nVoice-Message: 1/0 (1/0\r\n", RF_ERR_SYNTAX, { 0 }, "a bracket is open" },
    { "Messages-Waiting: yes\r\nVoice-Message: 100000/0\r\n", RF_ERR_RANGE, { 0 }, "more than anybody hears" },
};

static const struct { const char *in, *want, *why; } texts[] = {
    { "Maya", "Maya", "as it is" },
    { "<b>\"Tom & Jerry's\"</b>", "&lt;b&gt;&quot;Tom &amp; Jerry&apos;s&quot;&lt;/b&gt;", "marks" },
    { "J\xc3\xbcrgen \xe6\x97\xa5 \xf0\x9f\x93\x9e", "J\xc3\xbcrgen \xe6\x97\xa5 \xf0\x9f\x93\x9e",
      "UTF-8 of every length" },
    { "J\xfcrgen", "J?rgen", "Latin-1" },
    { "\xc0\xaf", "??", "an overlong slash" },
    { "\xed\xa0\x80", "???", "a surrogate" },
    { "\xef\xbf\xbf", "???", "no character of XML" },
    { "a\x01\x1f\x7f", "a???", "control characters" },
    { "\xe6\x97", "??", "cut off" },
};

int
main(void)
{
    char mem[4096];

    for (size_t i = 0; i < sizeof summaries / sizeof *summaries; i++) {
        struct rf_message_counts got;
        enum rf_err err = rf_summary_parse(rf_span_str(summaries[i].in), &got);

        ok(err == summaries[i].want && (err || memcmp(&got, &summaries[i].counts, sizeof got) == 0), "summary: %s",
           summaries[i].why);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rf_buf b = rf_buf(mem, sizeof mem);

        rf_xml_put(&b, rf_span_str(texts[i].in));
        ok(rf_span_is(rf_buf_span(&b), texts[i].want), "XML: %s", texts[i].why);
    }
    {
        struct rf_buf b = rf_buf(mem, sizeof mem);
        struct rf_message_counts in = { 3, 7, 1, 2 }, out;

        rf_summary_put(&b, "pbx.example", "201", &in);
        ok(rf_summary_parse(rf_buf_span(&b), &out) == RF_OK && memcmp(&in, &out, sizeof in) == 0,
           "what is written is read");
    }
    return tap_done();
}
