/* RFC 4475: the 25 messages of tests/data/sip-torture, as expected.json says, as a datagram and in a
 * stream. */
#include <jansson.h>

#include "sip/sip_test.h"
#include "sip/tool.h"
#include "tap.h"

static struct rf_sip_msg msg;
static char output[RF_SIP_TOOL_OUTPUT_MAX];

/* "via[0].host", "contact.q" (of the first contact), "header[Name]" in the tool's JSON. */
static const json_t *
look_up(const json_t *at, const char *path)
{
    char key[128];

    while (at != NULL && *path != '\0') {
        if (*path == '.' || *path == ']') {
            path++;
        } else if (*path == '[' && json_is_array(at)) {
            char *end;

            at = json_array_get(at, (size_t)strtoul(path + 1, &end, 10));
            path = end;
        } else {
            size_t n = *path == '[' ? strcspn(++path, "]") : strcspn(path, ".[");

            if (json_is_array(at))
                at = json_array_get(at, 0);
            snprintf(key, sizeof key, "%.*s", (int)n, path);
            path += n;
            at = json_object_get(at, key);
        }
    }
    return at;
}

static bool
field_is(const json_t *parsed, const char *name, const json_t *want)
{
    const json_t *got;

    if (strcmp(name, "unsupported_uas") == 0)
        name = "require"; /* nothing of them is supported by anybody */
    else if (strcmp(name, "unsupported_proxy") == 0)
        name = "proxy_require";
    got = look_up(parsed, name);
    if (json_is_number(want))
        return json_is_number(got) && json_number_value(got) == json_number_value(want);
    return got != NULL && json_equal(got, want);
}

static void
check_fields(const char *file, struct rf_span octets, json_t *fields)
{
    struct rf_buf out = rf_buf(output, sizeof output);
    enum rf_err err = rf_sip_tool_parse(&out, octets, true);
    json_t *parsed = json_loadb(output, out.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *want;

    ok(err == RF_OK && parsed != NULL, "%s: ringfence sip parse prints JSON", file);
    json_object_foreach(fields, name, want)
        if (!ok(field_is(parsed, name, want), "%s: %s", file, name))
            diag("%.*s", (int)out.n, output);
    json_decref(parsed);
    out.n = 0;
    ok(rf_sip_tool_parse(&out, octets, false) == RF_OK && out.n > 0, "%s: ringfence sip parse prints text", file);
}

static bool
list_has_status(const json_t *list, int status)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        if (json_is_integer(v) && json_integer_value(v) == status)
            return true;
    return false;
}

static void
check_response(const char *file, int status)
{
    static char mem[RF_SIP_MESSAGE_MAX];
    static struct rf_sip_msg answer;
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_sip_problem problem;
    struct rf_addr source;

    rf_assert(rf_addr_parse(RF_SPAN_LIT("198.51.100.7"), 5070, &source) == RF_OK);
    rf_sip_put_response(&b, &msg, status, NULL, RF_SPAN_LIT("t"), &source);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    ok(!b.overflow && rf_span_starts(rf_buf_span(&b), "SIP/2.0 ") &&
           rf_span_find_str(rf_buf_span(&b), RF_SPAN_LIT("\r\nVia: SIP/")) < b.n,
       "%s: a %d can be built", file, status);
    if (msg.via.raw.n > 0 && msg.from.raw.n > 0 && msg.to.raw.n > 0 && msg.cseq > 0)
        ok(rf_sip_msg_parse(&answer, rf_buf_span(&b), &problem) == RF_OK && answer.status == status &&
               rf_span_eq(answer.call_id, msg.call_id) && rf_span_eq(answer.from_tag, msg.from_tag),
           "%s: the %d is good SIP", file, status);
}

static void
check_stream(const char *file, struct rf_span octets, const char *want, bool is_ok)
{
    struct rf_sip_problem problem;
    enum rf_sip_frame_kind kind;
    size_t n, whole;

    kind = rf_sip_frame(octets, &whole, &problem);
    if (strcmp(want, "wait") == 0) {
        ok(kind == RF_FRAME_MORE && whole == 0, "%s: a stream waits for more", file);
        return;
    }
    if (strcmp(want, "close") == 0) {
        ok(kind == RF_FRAME_BROKEN && problem.status == 400 && whole > 0, "%s: a stream is answered 400 and closed",
           file);
        ok(rf_sip_msg_parse(&msg, rf_span(octets.p, whole), &problem) == RF_ERR_SYNTAX && problem.status == 400,
           "%s: its header part can be answered", file);
        return;
    }
    ok(kind == RF_FRAME_MESSAGE, "%s: a stream holds a whole message", file);
    for (size_t cut = 1; cut < whole; cut++)
        if (rf_sip_frame(rf_span(octets.p, cut), &n, &problem) != RF_FRAME_MORE || n != 0) {
            ok(false, "%s: the first %zu octets are not whole", file, cut);
            return;
        }
    ok(true, "%s: no shorter part of it is taken for whole", file);
    ok((rf_sip_msg_parse(&msg, rf_span(octets.p, whole), &problem) == RF_OK) == is_ok,
       "%s: a stream gives the same verdict", file);
    octets = rf_span_sub(octets, whole, octets.n);
    if (strcmp(want, "two messages") == 0) {
        kind = rf_sip_frame(octets, &n, &problem);
        ok(kind == RF_FRAME_PONG && n == 2, "%s: the empty line between is skipped", file);
        octets = rf_span_sub(octets, n, octets.n);
        kind = rf_sip_frame(octets, &n, &problem);
        ok(kind == RF_FRAME_MESSAGE && rf_sip_msg_parse(&msg, rf_span(octets.p, n), &problem) == RF_OK &&
               msg.method == RF_SIP_INVITE,
           "%s: the second message comes out", file);
    }
}

static void
check_message(const char *file, json_t *expected)
{
    const char *verdict = json_string_value(json_object_get(expected, "parse"));
    const json_t *uas = json_object_get(expected, "uas");
    json_t *fields = json_object_get(expected, "fields");
    struct rf_sip_problem problem;
    struct rf_span octets;
    char path[256];
    enum rf_err err;
    const char *wrong;

    snprintf(path, sizeof path, "sip-torture/%s", file);
    octets = file_read(tap_data(path));
    if (!ok(octets.p != NULL, "%s can be read", file))
        return;
    err = rf_sip_msg_parse(&msg, octets, &problem);
    if (strcmp(verdict, "ok") == 0)
        ok(err == RF_OK, "%s: accepted (%s)", file, err == RF_OK ? "no problem" : problem.sentence);
    else if (strcmp(verdict, "error") == 0)
        ok(err == RF_ERR_SYNTAX, "%s: refused (%s)", file, err != RF_OK ? problem.sentence : "no problem");
    if (err == RF_OK) {
        wrong = message_round_trip(&msg);
        ok(wrong == NULL, "%s: written and parsed again it is the same (%s)", file, wrong != NULL ? wrong : "yes");
        if (msg.is_request)
            check_response(file, 404);
    } else {
        ok(list_has_status(uas, problem.status), "%s: status %d", file, problem.status);
        check_response(file, problem.status);
    }
    if (fields != NULL)
        check_fields(file, octets, fields);
    check_stream(file, octets, json_string_value(json_object_get(expected, "stream")), err == RF_OK);
    free((void *)(uintptr_t)octets.p);
}

int
main(void)
{
    json_t *all = json_load_file(tap_data("sip-torture/expected.json"), 0, NULL), *expected;
    const char *file;

    ok(json_object_size(all) == 25, "expected.json names 25 messages");
    json_object_foreach(all, file, expected)
        check_message(file, expected);
    json_decref(all);
    return tap_done();
}
