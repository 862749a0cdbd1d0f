/*
 * main/trialsdp.c - the last step of a trial: an offer as a call would send it, and every kind of answer to it, judged
 *
 * Nothing is sent. Keys are made as for a call and wiped; they are never shown.
 */
#include <stdlib.h>

#include "base/secret.h"
#include "main/trial.h"
#include "sdp/write.h"

/* Codecs are those of the caller; what is judged here does not depend on them. */
static const char codecs_text[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                                  "m=audio 4000 RTP/AVP 8 0\r\n";

struct dry {
    struct rf_trial *trial;
    struct rf_srtp_policy policy;
    const char *setting, *transport;
    struct rf_sdp_face ours;
    struct rf_sdp codecs;
    json_t *answers;
};

static const char *
profile_name(enum rf_sdp_profile p)
{
    return rf_sdp_profile_is_secure(p) ? "RTP/SAVP" : "RTP/AVP";
}

/* The refusal's code and sentence; nothing when there is none. */
static void
put_decision(struct dry *y, const struct rf_srtp_decision *d, json_t *o)
{
    struct rf_log_field fields[RF_SRTP_REFUSAL_FIELDS];
    char sentence[512];
    struct rf_buf b = rf_buf(sentence, sizeof sentence - 1);

    json_object_set_new(o, "accepted", json_boolean(d->refusal == RF_REFUSE_NONE));
    json_object_set_new(o, "encrypted", json_boolean(d->encrypted));
    if (d->refusal == RF_REFUSE_NONE)
        return;
    rf_srtp_refusal_fields(d, y->trial->connection->name, y->setting, y->transport, fields);
    rf_refusal_sentence(&b, rf_refusal_row(d->refusal)->sentence, fields);
    sentence[b.n] = '\0';
    json_object_set_new(o, "code", json_string(rf_refusal_row(d->refusal)->code));
    json_object_set_new(o, "sentence", json_string(sentence));
}

/* An answer with this face. */
static void
judge(struct dry *y, const char *what, const struct rf_sdp_face *theirs)
{
    char text[2048];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_sdp *answer = malloc(sizeof *answer);
    struct rf_srtp_decision *d = calloc(1, sizeof *d);
    json_t *o = json_pack("{s:s}", "answer", what);
    const char *why;

    rf_put_sdp(&b, &y->codecs, 0, NULL, 0, theirs);
    if (answer != NULL && d != NULL && rf_buf_done(&b) == RF_OK &&
        rf_sdp_parse(rf_buf_span(&b), answer, &why) == RF_OK) {
        rf_srtp_answer_in(&y->policy, &y->ours, answer, rf_sdp_first_audio(answer), d);
        put_decision(y, d, o);
        json_array_append(y->answers, o);
    }
    json_decref(o);
    rf_wipe(text, sizeof text);
    if (d != NULL)
        rf_wipe(d, sizeof *d);
    free(d);
    free(answer);
}

/* A suite, as its row says, with a fresh key. */
static void
face_of(struct dry *y, const struct rf_srtp_suite *suite, uint32_t tag, enum rf_sdp_profile profile,
        struct rf_sdp_face *out)
{
    *out = (struct rf_sdp_face){ .rtp = y->ours.rtp, .profile = profile };
    if (suite == NULL)
        return;
    out->crypto_count = 1;
    out->crypto[0].tag = tag;
    out->crypto[0].key.suite = suite->id;
    rf_rand_fill(&rf_rand_system, out->crypto[0].key.key, suite->key_octets);
    rf_rand_fill(&rf_rand_system, out->crypto[0].key.salt, suite->salt_octets);
}

static const struct rf_srtp_suite *
suite_not_offered(const struct dry *y)
{
    for (unsigned id = rf_srtp_suite_count(); id > 0; id--) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(id);
        bool is_offered = suite->has_null_cipher || suite->has_null_auth;

        for (size_t i = 0; i < y->ours.crypto_count; i++)
            is_offered = is_offered || y->ours.crypto[i].key.suite == id;
        if (!is_offered)
            return suite;
    }
    return NULL;
}

static void
try_answers(struct dry *y)
{
    const struct rf_srtp_suite *other = suite_not_offered(y);
    struct rf_sdp_face face;
    char what[128];

    for (size_t i = 0; i < y->ours.crypto_count; i++) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(y->ours.crypto[i].key.suite);

        face_of(y, suite, y->ours.crypto[i].tag, y->ours.profile, &face);
        snprintf(what, sizeof what, "%s, %s, tag %u", profile_name(face.profile), suite->name,
                 (unsigned)face.crypto[0].tag);
        judge(y, what, &face);
    }
    face_of(y, NULL, 0, RF_RTP_AVP, &face);
    judge(y, "RTP/AVP without a=crypto", &face);
    face_of(y, NULL, 0, RF_RTP_SAVP, &face);
    judge(y, "RTP/SAVP without a=crypto", &face);
    if (other != NULL) {
        face_of(y, other, (uint32_t)y->ours.crypto_count + 1, y->ours.profile, &face);
        snprintf(what, sizeof what, "%s, %s, which was not offered", profile_name(face.profile), other->name);
        judge(y, what, &face);
    }
    if (y->ours.crypto_count > 0) {
        face = y->ours;
        face.crypto_count = 1;
        judge(y, "our own line sent back", &face);
    }
    rf_wipe(&face, sizeof face);
}

static void
put_offer(const struct dry *y, json_t *step)
{
    json_t *suites = json_array();

    for (size_t i = 0; i < y->ours.crypto_count; i++)
        json_array_append_new(suites, json_pack("{s:i, s:s}", "tag", (int)y->ours.crypto[i].tag, "suite",
                                                rf_srtp_suite(y->ours.crypto[i].key.suite)->name));
    json_object_set_new(step, "offer", json_pack("{s:s, s:o}", "profile", profile_name(y->ours.profile), "suites",
                                                 suites));
}

static void
dry_run(struct dry *y, json_t *step)
{
    enum rf_refusal why = rf_srtp_offer_out(&y->policy, &rf_rand_system, &y->ours);

    if (why != RF_REFUSE_NONE) {
        struct rf_srtp_decision d = { .refusal = why };
        struct rf_log_field fields[RF_SRTP_REFUSAL_FIELDS];

        rf_srtp_refusal_fields(&d, y->trial->connection->name, y->setting, y->transport, fields);
        rf_trial_fail(y->trial, step, why, fields);
        return;
    }
    put_offer(y, step);
    try_answers(y);
    rf_trial_say(step, "%s %s: %s with %zu suite%s over %s", y->setting,
                 y->policy.mode == RF_SRTP_REQUIRED   ? "required"
                 : y->policy.mode == RF_SRTP_OPTIONAL ? "optional"
                                                      : "off",
                 profile_name(y->ours.profile), y->ours.crypto_count, y->ours.crypto_count == 1 ? "" : "s",
                 y->transport);
}

void
rf_trial_sdp(struct rf_trial *t, enum rf_transport transport)
{
    const struct rf_connection *k = t->connection;
    struct dry *y = calloc(1, sizeof *y);
    json_t *step = rf_trial_step(t, "sdp", NULL);
    const char *why;

    if (k->is_bypass) {
        rf_trial_say(step, "media-handling-mode is bypass: the caller's own session description goes out, and its "
                           "encryption is not ours to show (RF-307)");
        free(y);
        return;
    }
    if (y == NULL || rf_sdp_parse(RF_SPAN_LIT(codecs_text), &y->codecs, &why) != RF_OK) {
        rf_trial_fail_text(t, step, RF_REFUSE_BAD_SDP, rf_err_text(RF_ERR_NOMEM), NULL);
        free(y);
        return;
    }
    y->trial = t;
    y->policy = k->out.srtp;
    y->policy.transport_secure = rf_transport_is_secure(transport);
    y->setting = k->out.srtp_setting;
    y->transport = rf_transport_name(transport);
    y->ours.rtp = y->codecs.media[0].connection;
    rf_addr_set_port(&y->ours.rtp, y->codecs.media[0].port);
    y->answers = json_array();
    json_object_set_new(step, "answers", y->answers);
    dry_run(y, step);
    rf_wipe(y, sizeof *y);
    free(y);
}
