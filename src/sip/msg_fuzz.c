/* sip-msg: any octets as a datagram. What is accepted can be walked, answered, written and read again the
 * same. */
#include "sip/header.h"
#include "sip/sip_test.h"
#include "sip/tool.h"

static struct rf_sip_msg msg, answer;
static char text[RF_SIP_MESSAGE_MAX], output[RF_SIP_TOOL_OUTPUT_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every reader of a header field on every value: whatever it says, it must not read outside. */
static void
read_headers(void)
{
    struct rf_sip_session_expires se;
    struct rf_sip_contact contact;
    struct rf_sip_reason reason;
    struct rf_sip_retry_after retry;
    struct rf_sip_content_type type;
    struct rf_sip_replaces replaces;
    struct rf_sip_rack rack;
    struct rf_sip_event event;
    struct rf_sip_subscription_state state;
    struct rf_sip_refer_to refer;
    struct rf_span element;
    uint32_t number, sum = 0;

    for (size_t i = 0; i < msg.field_count; i++) {
        struct rf_span v = msg.field[i].value;

        sum += rf_sip_session_expires_parse(v, &se) == RF_OK;
        sum += rf_sip_min_se_parse(v, &number) == RF_OK;
        sum += rf_sip_contact_parse(v, &contact) == RF_OK;
        sum += rf_sip_reason_parse(v, &reason) == RF_OK;
        sum += rf_sip_retry_after_parse(v, &retry) == RF_OK;
        sum += rf_sip_content_type_parse(v, &type) == RF_OK;
        sum += rf_sip_replaces_parse(v, &replaces) == RF_OK;
        sum += rf_sip_rack_parse(v, &rack) == RF_OK;
        sum += rf_sip_rseq_parse(v, &number) == RF_OK;
        sum += rf_sip_event_parse(v, &event) == RF_OK;
        sum += rf_sip_subscription_state_parse(v, &state) == RF_OK;
        sum += rf_sip_refer_to_parse(v, &refer) == RF_OK;
        sum += rf_sip_info_package_parse(v, &element) == RF_OK;
    }
    for (unsigned id = 1; id < RF_HDR_COUNT; id++) {
        struct rf_sip_walk w = rf_sip_walk(&msg, (enum rf_sip_header)id);

        while (rf_sip_walk_next(&w, &element))
            rf_assert(element.p >= msg.raw.p && element.p + element.n <= msg.raw.p + msg.raw.n);
        sum += rf_sip_seconds(&msg, (enum rf_sip_header)id, 0, &number) == RF_OK;
    }
    rf_assert(sum <= msg.field_count * 13 + RF_HDR_COUNT);
}

static void
answer_it(int status, bool must_parse)
{
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_sip_problem problem;
    struct rf_addr source;

    rf_assert(rf_addr_parse(RF_SPAN_LIT("2001:db8::7"), 5070, &source) == RF_OK);
    rf_sip_put_response(&b, &msg, status, NULL, RF_SPAN_LIT("t"), &source);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    rf_assert(!b.overflow || msg.raw.n > 32768);
    if (!b.overflow && must_parse) {
        rf_assert(rf_sip_msg_parse(&answer, rf_buf_span(&b), &problem) == RF_OK);
        rf_assert(answer.status == status && answer.method == msg.method && answer.to_tag.n > 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_span octets = rf_span(data, size);
    struct rf_buf out = rf_buf(output, sizeof output);
    struct rf_sip_problem problem;
    bool accepted = rf_sip_msg_parse(&msg, octets, &problem) == RF_OK;

    if (accepted) {
        const char *wrong = message_round_trip(&msg);

        if (wrong != NULL)
            fprintf(stderr, "round trip: %s\n", wrong);
        rf_assert(wrong == NULL);
        if (msg.is_request)
            answer_it(200, true);
    } else {
        rf_assert(problem.sentence != NULL);
        rf_assert(problem.status == 0 || (problem.status >= 400 && problem.status <= 699));
        if (problem.status != 0)
            answer_it(problem.status, false);
    }
    read_headers();
    if (rf_sip_tool_parse(&out, octets, size % 2 == 0) == RF_OK)
        rf_assert(accepted);
    return 0;
}
