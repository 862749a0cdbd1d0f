/* `ringfence sdp decide`. */
#include "policy/tool.h"

#include <jansson.h>

#include "tap.h"

#define HEAD "v=0\r\no=- 7 7 IN IP4 192.0.2.50\r\ns=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\n"
#define KEY "u0Xbfdmr9bV7HbK3DJLxqh6eqLpZ6a7gPu2gQ7WT"
#define OUR_KEY "iu0fxiht9mjbuwnTGKxen+9dLp8TQwEi0jhTf3lF"
#define CM80 "AES_CM_128_HMAC_SHA1_80"
#define SAVP HEAD "m=audio 40000 RTP/SAVP 0\r\na=crypto:5 " CM80 " inline:" KEY "\r\n"
#define CLEAR_SAVP HEAD "m=audio 40000 RTP/SAVP 0\r\na=crypto:5 " CM80 " inline:" KEY " UNENCRYPTED_SRTP\r\n"
#define AVP HEAD "m=audio 40000 RTP/AVP 0\r\n"

static char text[RF_SDP_TOOL_TEXT_MAX + 1];

static enum rf_err
decide(const struct rf_sdp_tool *t, const char *sdp)
{
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    enum rf_err err = rf_sdp_decide(t, rf_span_str(sdp), &rf_rand_system, &b);

    text[b.n] = '\0';
    return err;
}

static const struct {
    const char *why, *sdp, *srtp, *transport;
    bool is_answer;
    enum rf_err want;
    const char *shows, *our_offer;
    bool bypass, unencrypted;
} cases[] = {
    { "an offer that is taken", SAVP, "required", "tls", false, RF_OK, "encrypted with " CM80 ", tag 5" },
    { "its answer", SAVP, "required", "tls", false, RF_OK, "a=crypto:5 " CM80 " inline:" },
    { "keys in clear", SAVP, "required", "udp", false, RF_OK, "RF-309" },
    { "TEL-34", AVP, "required", "tls", false, RF_ERR_REFUSED, "RF-301" },
    { "TEL-34", AVP, "required", "tls", false, RF_ERR_REFUSED, "Q.850;cause=88;text=\"INCOMPATIBLE_DESTINATION\"" },
    { "plain where it is optional", AVP, "optional", "tls", false, RF_OK, "not encrypted" },
    { "not SDP", "hello", "off", "tls", false, RF_ERR_REFUSED, "RF-514" },
    { "an answer to the offer that the policy makes", SAVP, "required", "tls", true, RF_OK, "tag 5" },
    { "TEL-32", SAVP, "off", "tls", true, RF_ERR_REFUSED, "RF-305" },
    { "an answer to an offer that is given", SAVP, "required", "tls", true, RF_ERR_REFUSED,
      "this tag was not offered",
      HEAD "m=audio 4 RTP/SAVP 0\r\na=crypto:1 " CM80 " inline:" OUR_KEY "\r\n" },
    { "TEL-38: an answer with our own key", SAVP, "required", "tls", true, RF_ERR_REFUSED, "its key is our own",
      HEAD "m=audio 4 RTP/SAVP 0\r\na=crypto:5 " CM80 " inline:" KEY "\r\n" },
    { "TEL-29: unencrypted is not taken", CLEAR_SAVP, "required", "tls", false, RF_ERR_REFUSED, "not encrypted" },
    { "TEL-29: unless it is allowed", CLEAR_SAVP, "required", "tls", false, RF_OK,
      "not encrypted: " CM80 ", tag 5 (weak), UNENCRYPTED_SRTP", .unencrypted = true },
    { "TEL-29: and the answer says so", CLEAR_SAVP, "required", "tls", false, RF_OK, " UNENCRYPTED_SRTP\r\n",
      .unencrypted = true },
    { "TEL-29: it is a finding", CLEAR_SAVP, "required", "tls", false, RF_OK, "RF-403", .unencrypted = true },
    { "TEL-29: reports alone", HEAD "m=audio 4 RTP/SAVP 0\r\na=crypto:5 " CM80 " inline:" KEY " UNENCRYPTED_SRTCP\r\n",
      "required", "tls", false, RF_OK, "encrypted with " CM80 ", tag 5 (weak), UNENCRYPTED_SRTCP",
      .unencrypted = true },
    { "TEL-29: an answer to an offer that was so", CLEAR_SAVP, "required", "tls", true, RF_OK, "not encrypted: " CM80,
      HEAD "m=audio 4 RTP/SAVP 0\r\na=crypto:5 " CM80 " inline:" OUR_KEY " UNENCRYPTED_SRTP\r\n", .unencrypted = true },
    { "TEL-33: bypass", SAVP, "required", "tls", false, RF_OK, "RF-307", .bypass = true },
    { "bypass: keys by UDP", SAVP, "required", "udp", false, RF_ERR_REFUSED, "RF-309", .bypass = true },
    { "bypass: plain", AVP, "required", "udp", false, RF_OK, "passed on unchanged", .bypass = true },
    { "our offer is broken", SAVP, "required", "tls", true, RF_ERR_SYNTAX, "our offer cannot be used", "v=1\r\n" },
};

int
main(void)
{
    struct rf_sdp_tool t;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rf_sdp_tool_init(&t);
        t.is_answer = cases[i].is_answer;
        t.bypass = cases[i].bypass;
        t.policy.allow_unencrypted = cases[i].unencrypted;
        t.our_offer = rf_span_str(cases[i].our_offer);
        ok(rf_sdp_tool_srtp(&t, rf_span_str(cases[i].srtp)) == RF_OK &&
               rf_sdp_tool_transport(&t, rf_span_str(cases[i].transport)) == RF_OK &&
               decide(&t, cases[i].sdp) == cases[i].want && strstr(text, cases[i].shows) != NULL,
           "%s: %s", cases[i].why, cases[i].shows);
        ok(strstr(text, KEY) == NULL && strstr(text, OUR_KEY) == NULL, "no key of the input is printed");
        t.json = true;
        if (decide(&t, cases[i].sdp) != RF_ERR_SYNTAX) {
            json_error_t problem;
            json_t *o = json_loads(text, 0, &problem);

            ok(o != NULL && json_is_true(json_object_get(o, "accepted")) == (cases[i].want == RF_OK) &&
                   (cases[i].want == RF_OK || (json_is_string(json_object_get(o, "code")) &&
                                               json_integer_value(json_object_get(o, "status")) == 488)) &&
                   (json_is_string(json_object_get(o, "answer")) == (cases[i].want == RF_OK && !cases[i].is_answer && !cases[i].bypass)) &&
                   strstr(text, KEY) == NULL,
               "the same as JSON");
            json_decref(o);
        }
    }
    ok(rf_sdp_tool_srtp(&t, RF_SPAN_LIT("on")) == RF_ERR_NOT_FOUND, "a mode that does not exist");
    ok(rf_sdp_tool_transport(&t, RF_SPAN_LIT("ws")) == RF_ERR_NOT_FOUND, "a transport that is not asked about");
    return tap_done();
}
