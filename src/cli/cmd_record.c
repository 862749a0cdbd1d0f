/*
 * cli/cmd_record.c - `calls --ended`: records of calls that ended, for people, as JSON lines and as CSV
 *
 * CSV is RFC 4180: CRLF, a header, quotes where they are needed. A name that a caller chose may look like a formula to
 * a spreadsheet; such a cell begins with an apostrophe.
 */
#include <stdlib.h>
#include <time.h>

#include "cli/commands.h"
#include "conf/options.h"

#define TABLE_LIMIT 50
#define PAGE        200 /* records a question: the daemon gives no more at once (main/recorddesk.c) */

/* --- columns ------------------------------------------------------------------------------------------- */

/* path: members from the record, or for a leg from the leg, with dots between. */
struct column {
    const char *name, *path, *help;
};

static const struct column of_call[] = {
    { "id", "id", "of the call; `call show ID` and `ladder ID` take it" },
    { "began", "began", "when its INVITE came, UTC" },
    { "answered", "answered", "when it was answered; empty: never" },
    { "ended", "ended", "when it ended" },
    { "seconds", "seconds", "from the answer to the end" },
    { "from", "from", "user or number that called" },
    { "from_name", "from_display", "name that the caller showed" },
    { "to", "to", "what was dialled" },
    { "to_name", "to_display", "name of who answered" },
    { "state", "state", "ended: was answered; refused: was not" },
    { "status", "status", "what the caller got; 200 for a call that was up" },
    { "ended_by", "ended_by", "who ended it, or what" },
    { "verdict", "verdict", "protection when it ended: ENCRYPTED, PARTLY, CLEAR, UNPROVEN" },
    { "verdict_min", "verdict_min", "the worst protection of its life" },
    { "code", "code", "why it was refused or ended, or what weakened it (refusals.md)" },
    { "q850_cause", "q850_cause", "ISDN cause of that code" },
    { "sentence", "sentence", "the evidence for it in words" },
};

static const struct column of_leg[] = {
    { "user", "user", "user or number of this leg" },
    { "connection", "connection", "its sip-connection; empty: a phone of ours" },
    { "transport", "signalling.transport", "of its signalling" },
    { "address", "signalling.address", "where its signalling came from or went to" },
    { "tls_version", "signalling.tls_version", "1.2 or 1.3; empty: no TLS" },
    { "tls_cipher", "signalling.tls_cipher", "cipher suite of the connection" },
    { "peer_certificate", "signalling.peer_certificate.subject", "subject of the certificate that the peer showed" },
    { "peer_certificate_sha256", "signalling.peer_certificate.sha256", "its fingerprint" },
    { "sign_in", "signalling.sign_in", "how it was known: digest algorithm, registered, address, certificate" },
    { "protection", "media.protection", "SRTP; SRTP, not encrypted; none; unverified (bypass); none agreed" },
    { "suite", "media.suite", "SRTP suite" },
    { "keying", "media.keying", "how the keys were agreed: SDES" },
    { "keys_in_clear", "media.keys_in_clear", "on: they came over signalling that was not encrypted" },
    { "codec", "media.codec", "first codec that was agreed" },
    { "in_packets", "media.in.packets", "RTP packets accepted from it" },
    { "in_authentic", "media.in.authentic", "of these, authenticated" },
    { "in_clear", "media.in.clear", "of these, in clear" },
    { "in_refused", "media.in.refused", "dropped: not authentic" },
    { "in_replayed", "media.in.replayed", "dropped: came before" },
    { "in_clear_refused", "media.in.clear_refused", "dropped: in clear where SRTP is required" },
    { "out_packets", "media.out.packets", "RTP packets sent to it" },
    { "out_encrypted", "media.out.encrypted", "of these, encrypted" },
    { "out_clear", "media.out.clear", "of these, in clear" },
    { "clear_seconds", "media.clear_seconds", "how long packets passed in clear, either way" },
    { "in_lost", "media.in.lost", "packets of it that did not arrive (RFC 3550 A.3)" },
    { "in_loss_percent", "media.in.loss_percent", "the same of what was expected" },
    { "in_jitter_ms", "media.in.jitter_ms", "of what arrived (RFC 3550 A.8)" },
    { "in_mos", "media.in.mos", "how what it sent sounds, 1 to 4.4 (E-model, ITU-T G.107)" },
    { "rtt_ms", "media.rtt_ms", "to the phone and back, from RTCP (RFC 3550 6.4.1)" },
    { "out_lost", "media.out.reported.lost", "of what was sent to it, lost as its RTCP reports say" },
    { "out_loss_percent", "media.out.reported.loss_percent", "the same of what was sent" },
    { "out_jitter_ms", "media.out.reported.jitter_ms", "there, as it reports" },
    { "out_mos", "media.out.reported.mos", "how it sounds there, by those reports" },
    { "mos_values", "media.mos_values", "whose values of ITU-T G.113 were used; empty: there are none, and no score" },
    { "leg_status", "status", "leg B: what its phone answered when it did not take the call" },
    { "no_audio_code", "media.no_audio.code", "RF-401: nothing came from it for a while" },
    { "no_audio_cause", "media.no_audio.cause", "and why" },
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const json_t *
at_path(const json_t *o, const char *path)
{
    while (o != NULL && path[0] != '\0') {
        size_t n = strcspn(path, ".");

        o = json_object_getn(o, path, n);
        path += n + (path[n] == '.');
    }
    return o;
}

/* --- CSV ----------------------------------------------------------------------------------------------- */

/* What spreadsheets take for a formula. A number with its sign is none: +442071838750 stays what it is. */
static bool
is_formula(struct rf_span s)
{
    if (s.n == 0 || memchr("=+-@\t\r\n", s.p[0], 7) == NULL)
        return false;
    if (s.p[0] != '+' && s.p[0] != '-')
        return true;
    for (size_t i = 1; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '.')
            return true;
    return s.n == 1;
}

/* field = *TEXTDATA / DQUOTE *(TEXTDATA / COMMA / CR / LF / 2DQUOTE) DQUOTE   RFC 4180 2 */
void
rf_csv_put_field(struct rf_buf *b, struct rf_span s)
{
    bool quoted = is_formula(s) || (s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '));

    for (size_t i = 0; i < s.n && !quoted; i++)
        quoted = strchr(",\"\r\n", s.p[i]) != NULL;
    if (quoted)
        rf_put_char(b, '"');
    if (is_formula(s))
        rf_put_char(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            rf_put_char(b, '"');
        rf_put_char(b, s.p[i]);
    }
    if (quoted)
        rf_put_char(b, '"');
}

static void
put_cell(struct rf_buf *b, const json_t *o, const char *path, bool first)
{
    char text[1024];
    struct rf_buf value = rf_buf(text, sizeof text);
    const json_t *found = at_path(o, path);

    if (!first)
        rf_put_char(b, ',');
    if (found != NULL)
        rf_cli_put_value(&value, found);
    rf_csv_put_field(b, rf_buf_span(&value));
}

static bool
print_line(struct rf_buf *b)
{
    rf_put_str(b, "\r\n");
    if (b->overflow)
        return false;
    fwrite(b->p, 1, b->n, stdout);
    return true;
}

static bool
print_header(void)
{
    char text[8192];
    struct rf_buf b = rf_buf(text, sizeof text);

    for (size_t i = 0; i < COUNT(of_call); i++)
        rf_putf(&b, "%s%s", i > 0 ? "," : "", of_call[i].name);
    for (int leg = 0; leg < 2; leg++)
        for (size_t i = 0; i < COUNT(of_leg); i++)
            rf_putf(&b, ",%c_%s", "ab"[leg], of_leg[i].name);
    return print_line(&b);
}

/* Of the legs B that nobody answered the first stands here; the JSON has all. */
static bool
print_record(const json_t *record)
{
    char text[65536];
    struct rf_buf b = rf_buf(text, sizeof text);

    for (size_t i = 0; i < COUNT(of_call); i++)
        put_cell(&b, record, of_call[i].path, i == 0);
    for (size_t leg = 0; leg < 2; leg++)
        for (size_t i = 0; i < COUNT(of_leg); i++)
            put_cell(&b, json_array_get(json_object_get(record, "legs"), leg), of_leg[i].path, false);
    return print_line(&b);
}

void
rf_cmd_put_records(FILE *out)
{
    fputs("# Records of calls\n\n"
          "Made by `ringfence docs` from the table in `src/cli/cmd_record.c`. `ringfence calls --ended` searches\n"
          "them, `--json` prints each as a line of JSON with all legs, `--csv` as a line of these columns (RFC\n"
          "4180). No record holds a key, a password or a digest response.\n\n"
          "A cell that a spreadsheet would take for a formula begins with an apostrophe; a number with its sign,\n"
          "such as +442071838750, is none. Times are UTC. `call-records.max` and `call-records.age` say how many\n"
          "are kept and how long.\n\n## The call\n\n| column | in JSON | what it is |\n|---|---|---|\n", out);
    for (size_t i = 0; i < COUNT(of_call); i++)
        fprintf(out, "| `%s` | `%s` | %s |\n", of_call[i].name, of_call[i].path, of_call[i].help);
    fputs("\n## Each leg\n\nColumns of leg A begin with `a_`, those of leg B with `b_`; in JSON they are members of\n"
          "`legs[0]` and `legs[1]`.\n\n| column | in JSON | what it is |\n|---|---|---|\n", out);
    for (size_t i = 0; i < COUNT(of_leg); i++)
        fprintf(out, "| `%s` | `%s` | %s |\n", of_leg[i].name, of_leg[i].path, of_leg[i].help);
    fputs("\n## Scores\n\n"
          "`mos` is the E-model of ITU-T G.107, reduced to what a relay knows: R = 93.2 - Id - Ie,eff, with the\n"
          "delay's part Id = 0.024 Ta, and 0.11 (Ta - 177.3) more beyond 177.3 ms, and the loss's Ie,eff =\n"
          "Ie + (95 - Ie) Ppl / (Ppl + Bpl). Ta is half the round trip between the two phones, a packet of 20 ms\n"
          "and twice the jitter. Ie and Bpl are those of G.113 appendix I: G.711 with concealment (PCMU, PCMA, and\n"
          "the wideband codecs G722 and opus, which this scale cannot rate higher), G.729A, G.723.1, GSM EFR.\n"
          "Other codecs get no score.\n\n"
          "What arrives here is measured here (`in`); what a phone hears is what its RTCP reports say (`out`),\n"
          "which pass this system and are read after they were authenticated.\n", out);
}

/* --- the search ---------------------------------------------------------------------------------------- */

/* A date, a moment in UTC, or how long ago. */
static bool
take_time(const char *text, json_int_t *out)
{
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d" };
    int64_t ago_s;

    for (size_t i = 0; i < COUNT(forms); i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);

        if (end != NULL && *end == '\0') {
            *out = (json_int_t)timegm(&tm);
            return true;
        }
    }
    if (rf_duration_parse(rf_span_str(text), &ago_s) != RF_OK)
        return false;
    *out = (json_int_t)time(NULL) - ago_s;
    return true;
}

/* The conditions as the daemon takes them; NULL after an error that was printed. */
static json_t *
conditions(const struct rf_cli *cli)
{
    static const char *const words[] = { "user", "number", "connection", "code" };
    static const char *const times[] = { "from", "until" };
    static const char *const verdicts[] = { "ENCRYPTED", "PARTLY", "CLEAR", "UNPROVEN" };
    json_t *o = json_pack("{s:s}", "command", "calls.ended");
    const char *value;
    char flag[16];

    for (size_t i = 0; i < COUNT(words); i++) {
        snprintf(flag, sizeof flag, "--%s", words[i]);
        if ((value = rf_cli_flag(cli, flag)) != NULL)
            json_object_set_new(o, words[i], json_string(value));
    }
    for (size_t i = 0; i < COUNT(times); i++) {
        json_int_t at;

        snprintf(flag, sizeof flag, "--%s", times[i]);
        if ((value = rf_cli_flag(cli, flag)) == NULL)
            continue;
        if (!take_time(value, &at)) {
            rf_cli_fail(cli, RF_EXIT_USAGE,
                        "%s takes a date, a time such as 2026-11-21T09:00:00Z, or how long ago: 24h", flag);
            json_decref(o);
            return NULL;
        }
        json_object_set_new(o, times[i], json_integer(at));
    }
    if ((value = rf_cli_flag(cli, "--verdict")) != NULL) {
        for (size_t i = 0; i < COUNT(verdicts); i++)
            if (strcasecmp(value, verdicts[i]) == 0)
                json_object_set_new(o, "verdict", json_string(verdicts[i]));
        if (json_object_get(o, "verdict") == NULL) {
            rf_cli_fail(cli, RF_EXIT_USAGE, "--verdict takes ENCRYPTED, PARTLY, CLEAR or UNPROVEN");
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

/* How many at most; 0 after an error that was printed. */
static uint64_t
limit_of(const struct rf_cli *cli)
{
    const char *text = rf_cli_flag(cli, "--limit");
    uint64_t n = cli->json || rf_cli_flag(cli, "--csv") != NULL ? UINT64_MAX : TABLE_LIMIT;

    if (text != NULL && (rf_span_u64(rf_span_str(text), UINT32_MAX, &n) != RF_OK || n == 0)) {
        rf_cli_fail(cli, RF_EXIT_USAGE, "--limit takes a number from 1");
        return 0;
    }
    return n;
}

/* A page is printed as it comes, so a long export needs no memory for the whole; people's table is made at the end. */
static bool
take_page(const struct rf_cli *cli, json_t *page, json_t *all)
{
    const bool is_csv = rf_cli_flag(cli, "--csv") != NULL;
    json_t *record;
    size_t i;

    if (!is_csv && !cli->json) {
        json_array_extend(all, page);
        return true;
    }
    json_array_foreach (page, i, record) {
        if (!is_csv)
            rf_cli_json(record);
        else if (!print_record(record))
            return false;
    }
    return true;
}

int
rf_cmd_calls_ended(struct rf_cli *cli)
{
    uint64_t left = limit_of(cli);
    json_t *by = left > 0 ? conditions(cli) : NULL, *all = json_array();
    int status = by != NULL ? RF_EXIT_DONE : RF_EXIT_USAGE;

    if (by != NULL && rf_cli_flag(cli, "--csv") != NULL && !print_header())
        status = RF_EXIT_FAILED;
    while (status == RF_EXIT_DONE && left > 0) {
        const size_t asked = left < PAGE ? (size_t)left : PAGE;
        json_t *page;
        size_t n;

        json_object_set_new(by, "limit", json_integer((json_int_t)asked));
        page = rf_cli_ask(cli, json_deep_copy(by), &status);
        if (page == NULL)
            break;
        n = json_array_size(page);
        if (n > 0)
            json_object_set(by, "before", json_object_get(json_array_get(page, n - 1), "record"));
        if (!take_page(cli, page, all))
            status = rf_cli_fail(cli, RF_EXIT_FAILED, "a record is too long for a line");
        json_decref(page);
        left = n < asked ? 0 : left - n;
    }
    if (status == RF_EXIT_DONE && !cli->json && rf_cli_flag(cli, "--csv") == NULL)
        rf_calls_print_ended(cli, all);
    json_decref(by);
    json_decref(all);
    return status;
}
