#include "policy/tool.h"

#include <stdio.h>

#include "base/secret.h"

void
rf_sdp_tool_init(struct rf_sdp_tool *t)
{
    memset(t, 0, sizeof *t);
    t->policy.mode = RF_SRTP_REQUIRED;
    t->policy.transport_secure = true;
    t->policy.suite_count = rf_srtp_suites_for_connections(t->policy.suite);
    t->transport = "tls";
}

enum rf_err
rf_sdp_tool_transport(struct rf_sdp_tool *t, struct rf_span name)
{
    static const char *const transport[] = { "tls", "tcp", "udp" };

    for (size_t i = 0; i < sizeof transport / sizeof transport[0]; i++) {
        if (rf_span_iis(name, transport[i])) {
            t->transport = transport[i];
            t->policy.transport_secure = i == 0;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

enum rf_err
rf_sdp_tool_srtp(struct rf_sdp_tool *t, struct rf_span name)
{
    static const char *const mode[] = {
        [RF_SRTP_OFF] = "off", [RF_SRTP_OPTIONAL] = "optional", [RF_SRTP_REQUIRED] = "required"
    };

    for (size_t i = 0; i < sizeof mode / sizeof mode[0]; i++) {
        if (rf_span_iis(name, mode[i])) {
            t->policy.mode = (enum rf_srtp_mode)i;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

/* Our side of an offer of ours, read back from its text. */
static const char *
face_of(struct rf_span text, struct rf_sdp_face *face)
{
    struct rf_sdp sdp;
    struct rf_crypto_line line;
    const char *why = NULL;
    int stream;

    memset(face, 0, sizeof *face);
    if (rf_sdp_parse(text, &sdp, &why) != RF_OK)
        return why;
    stream = rf_sdp_first_audio(&sdp);
    if (stream < 0)
        return "there is no audio stream that is on";
    face->profile = sdp.media[stream].profile;
    for (size_t i = 0; i < sdp.media[stream].attr_count; i++) {
        const struct rf_sdp_attr *a = &sdp.attr[sdp.media[stream].attr_from + i];

        if (!rf_span_is(a->name, "crypto") || face->crypto_count == RF_CRYPTO_LINES_MAX)
            continue;
        if (rf_crypto_line_parse(a->value, &line, &why) != RF_OK)
            return why;
        if (line.suite == NULL)
            continue;
        face->crypto[face->crypto_count].tag = line.tag;
        face->crypto[face->crypto_count++].key = line.key[0];
        rf_wipe(&line, sizeof line);
    }
    return NULL;
}

static void
put_bool(struct rf_buf *b, const char *name, bool v)
{
    rf_putf(b, ",\"%s\":%s", name, v ? "true" : "false");
}

static void
put_member(struct rf_buf *b, const char *name, struct rf_span v)
{
    rf_putf(b, ",\"%s\":", name);
    rf_put_json_string(b, v);
}

/* Reason header value of a refusal (RFC 3326); empty when the row has no cause. */
static void
put_reason(struct rf_buf *b, const struct rf_refusal_row *row)
{
    if (row->q850 != 0)
        rf_putf(b, "Q.850;cause=%d;text=\"%s\"", row->q850, rf_q850_text(row->q850));
}

/* SRTP that leaves the audio in clear (TEL-29). */
static bool
is_clear(const struct rf_srtp_decision *d)
{
    return d->encrypted && (rf_srtp_suite_leaves_clear(d->suite, d->clear) & RF_SRTP_CLEAR_RTP) != 0;
}

struct report {
    const struct rf_srtp_decision *d;
    const struct rf_refusal_row *row;
    bool relayed;
    struct rf_span sentence, fix, reason, answer;
};

static void
put_json(struct rf_buf *b, const struct report *r)
{
    const struct rf_srtp_decision *d = r->d;
    bool accepted = d->refusal == RF_REFUSE_NONE;

    rf_putf(b, "{\"accepted\":%s", accepted ? "true" : "false");
    if (accepted && r->relayed) {
        put_bool(b, "relayed", true);
        put_member(b, "warning", rf_span_str(rf_refusal_row(RF_REFUSE_BYPASS_UNPROVEN)->code));
        put_member(b, "sentence", RF_SPAN_LIT("media encryption not checked: media bypasses this system"));
    } else if (accepted) {
        put_bool(b, "encrypted", d->encrypted && !is_clear(d));
        if (d->encrypted) {
            put_member(b, "suite", rf_span_str(d->suite->name));
            rf_putf(b, ",\"tag\":%u", (unsigned)d->tag);
            put_bool(b, "weak", d->weak);
            if (d->clear != 0)
                rf_putf(b, ",\"session_parameters\":[%s]",
                        d->clear == RF_SRTP_CLEAR_RTP    ? "\"UNENCRYPTED_SRTP\""
                        : d->clear == RF_SRTP_CLEAR_RTCP ? "\"UNENCRYPTED_SRTCP\""
                                                         : "\"UNENCRYPTED_SRTP\",\"UNENCRYPTED_SRTCP\"");
            put_bool(b, "keys_in_clear", d->keys_in_clear);
        }
        if (is_clear(d))
            put_member(b, "warning", rf_span_str(rf_refusal_row(RF_REFUSE_MEDIA_IN_CLEAR)->code));
        else if (d->keys_in_clear)
            put_member(b, "warning", rf_span_str(rf_refusal_row(RF_REFUSE_KEYS_IN_CLEAR)->code));
    } else {
        put_member(b, "code", rf_span_str(r->row->code));
        put_member(b, "name", rf_span_str(r->row->slug));
        rf_putf(b, ",\"status\":%d", r->row->sip);
        put_member(b, "reason", r->reason);
        put_member(b, "sentence", r->sentence);
        put_member(b, "fix", r->fix);
        if (d->detail[0] != '\0')
            put_member(b, "detail", rf_span_str(d->detail));
    }
    rf_putf(b, ",\"skipped_lines\":%zu", d->skipped);
    if (r->answer.n > 0)
        put_member(b, "answer", r->answer);
    rf_put_str(b, "}\n");
}

static void
put_text(struct rf_buf *b, const struct report *r)
{
    const struct rf_srtp_decision *d = r->d;

    if (d->refusal != RF_REFUSE_NONE) {
        rf_putf(b, "refused   %s %s\n", r->row->code, r->row->slug);
        rf_putf(b, "status    %d\nReason:   ", r->row->sip);
        rf_put(b, r->reason);
        rf_put_str(b, "\nwhy       ");
        rf_put(b, r->sentence);
        if (d->detail[0] != '\0')
            rf_putf(b, "\ndetail    %s", d->detail);
        rf_put_str(b, "\nfix       ");
        rf_put(b, r->fix);
        rf_put_char(b, '\n');
        return;
    }
    if (r->relayed) {
        rf_putf(b, "accepted  passed on unchanged\nwarning   %s %s: media encryption not checked\n",
                rf_refusal_row(RF_REFUSE_BYPASS_UNPROVEN)->code, rf_refusal_row(RF_REFUSE_BYPASS_UNPROVEN)->slug);
        return;
    }
    if (d->encrypted)
        rf_putf(b, "accepted  %s %s, tag %u%s%s%s\n",
                is_clear(d) ? "authenticated, not encrypted:" : "encrypted with", d->suite->name, (unsigned)d->tag,
                d->weak ? " (weak)" : "", (d->clear & RF_SRTP_CLEAR_RTP) != 0 ? ", UNENCRYPTED_SRTP" : "",
                (d->clear & RF_SRTP_CLEAR_RTCP) != 0 ? ", UNENCRYPTED_SRTCP" : "");
    else
        rf_put_str(b, "accepted  plain RTP, not encrypted\n");
    if (is_clear(d))
        rf_putf(b, "warning   %s %s: whoever is on the way can listen\n",
                rf_refusal_row(RF_REFUSE_MEDIA_IN_CLEAR)->code, rf_refusal_row(RF_REFUSE_MEDIA_IN_CLEAR)->slug);
    if (d->keys_in_clear)
        rf_putf(b, "warning   %s %s: the keys came over an unencrypted connection\n",
                rf_refusal_row(RF_REFUSE_KEYS_IN_CLEAR)->code, rf_refusal_row(RF_REFUSE_KEYS_IN_CLEAR)->slug);
    if (d->skipped > 0)
        rf_putf(b, "skipped   %zu a=crypto line%s\n", d->skipped, d->skipped == 1 ? "" : "s");
    if (r->answer.n > 0) {
        rf_put_str(b, "answer\n");
        rf_put(b, r->answer);
    }
}

/* An answer with the address of documentation (RFC 5737) and the discard port: nothing listens for this call. */
static void
put_answer(struct rf_buf *b, const struct rf_sdp *offer, int stream, const struct rf_srtp_decision *d,
           const struct rf_rand *rand)
{
    static const enum rf_sdp_direction mirror[] = { [RF_SENDRECV] = RF_SENDRECV, [RF_SENDONLY] = RF_RECVONLY,
                                                    [RF_RECVONLY] = RF_SENDONLY, [RF_INACTIVE] = RF_INACTIVE };
    struct rf_sdp_face face = { .session_id = 1, .version = 1, .rtcp_mux = offer->media[stream].rtcp_mux,
                                .direction = mirror[offer->media[stream].direction] };
    enum rf_err err = rf_addr_parse(RF_SPAN_LIT("192.0.2.1"), 9, &face.rtp);

    rf_assert(err == RF_OK);
    rf_srtp_answer_out(d, rand, &face);
    rf_put_sdp(b, offer, stream, offer, stream, &face);
    rf_wipe(&face, sizeof face);
}

/* What the caller hears of a final response (TEL-35). */
static enum rf_err
decide_status(const struct rf_sdp_tool *t, struct rf_buf *out)
{
    bool is_incompatible = t->status == 488 || t->status == 606;
    int status = is_incompatible ? rf_srtp_incompatible_status(t->status, t->places) : t->status;
    char reason[96] = "";

    if (is_incompatible)
        snprintf(reason, sizeof reason, "Q.850;cause=88;text=\"%s\"", rf_q850_text(88));
    if (t->json) {
        rf_putf(out, "{\"accepted\":%s,\"to_caller\":{\"status\":%d", t->status < 300 ? "true" : "false", status);
        put_member(out, "reason", rf_span_str(reason));
        rf_put_str(out, "}}\n");
    } else {
        rf_putf(out, "to caller %d\nReason:   %s\n", status, reason);
    }
    return rf_buf_done(out) != RF_OK ? RF_ERR_NOMEM : t->status < 300 ? RF_OK : RF_ERR_REFUSED;
}

enum rf_err
rf_sdp_decide(const struct rf_sdp_tool *t, struct rf_span sdp, const struct rf_rand *rand, struct rf_buf *out)
{
    /* A leg's answer is as long as the offer's codecs plus one key, our own lines and refused streams. */
    char answer_text[2 * RF_SDP_MAX], sentence_text[1024], fix_text[1024], reason_text[128];
    struct rf_buf answer = rf_buf(answer_text, sizeof answer_text);
    struct rf_buf sentence = rf_buf(sentence_text, sizeof sentence_text);
    struct rf_buf fix = rf_buf(fix_text, sizeof fix_text), reason = rf_buf(reason_text, sizeof reason_text);
    struct rf_log_field field[RF_SRTP_REFUSAL_FIELDS];
    struct rf_srtp_decision d;
    struct rf_sdp_face ours;
    struct rf_sdp parsed;
    struct report r = { .d = &d };
    const char *why = NULL;
    enum rf_err err;

    if (t->status != 0)
        return decide_status(t, out);
    memset(&d, 0, sizeof d);
    memset(&ours, 0, sizeof ours);
    if (t->bypass) {
        r.relayed = true;
    } else if (t->is_answer && t->our_offer.p != NULL) {
        why = face_of(t->our_offer, &ours);
        if (why != NULL) {
            rf_putf(out, "our offer cannot be used: %s\n", why);
            return RF_ERR_SYNTAX;
        }
    } else if (t->is_answer) {
        d.refusal = rf_srtp_offer_out(&t->policy, rand, &ours);
    }
    if (d.refusal == RF_REFUSE_NONE && rf_sdp_parse(sdp, &parsed, &why) != RF_OK) {
        d.refusal = RF_REFUSE_BAD_SDP;
        snprintf(d.detail, sizeof d.detail, "%s", why);
    } else if (t->bypass) {
        rf_srtp_bypass(&t->policy, &parsed, rf_sdp_first_audio(&parsed), &d);
    } else if (d.refusal == RF_REFUSE_NONE && t->is_answer) {
        rf_srtp_answer_in(&t->policy, &ours, &parsed, rf_sdp_first_audio(&parsed), &d);
    } else if (d.refusal == RF_REFUSE_NONE) {
        int stream = rf_sdp_first_audio(&parsed);

        rf_srtp_offer_in(&t->policy, &parsed, stream, &d);
        if (d.refusal == RF_REFUSE_NONE)
            put_answer(&answer, &parsed, stream, &d, rand);
    }
    r.row = rf_refusal_row(d.refusal);
    if (d.refusal != RF_REFUSE_NONE) {
        rf_srtp_refusal_fields(&d, "the peer", "srtp", t->transport, field);
        rf_refusal_sentence(&sentence, r.row->sentence, field);
        rf_refusal_sentence(&fix, r.row->fix, field);
        put_reason(&reason, r.row);
    }
    r.sentence = rf_buf_span(&sentence);
    r.fix = rf_buf_span(&fix);
    r.reason = rf_buf_span(&reason);
    r.answer = rf_buf_span(&answer); /* bypass has none: it would be theirs, with its keys */
    if (t->json)
        put_json(out, &r);
    else
        put_text(out, &r);
    err = d.refusal == RF_REFUSE_NONE ? RF_OK : RF_ERR_REFUSED;
    if (answer.overflow || rf_buf_done(out) != RF_OK)
        err = RF_ERR_NOMEM;
    rf_wipe(answer_text, sizeof answer_text);
    rf_wipe(&ours, sizeof ours);
    rf_wipe(&d, sizeof d);
    return err;
}
