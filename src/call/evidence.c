/*
 * call/evidence.c - what protected a call, from packets that were counted and never from settings
 *
 * A leg is encrypted when SRTP packets passed and no clear one did; SRTP whose payload is in clear (UNENCRYPTED_SRTP)
 * is clear, though authentic. A call is ENCRYPTED when both legs are, now, and
 * both signalling paths are TLS, so that the keys could not be read. verdict_min is the worst of its life.
 */
#include "base/json.h"
#include "call/layer.h"
#include "rtp/quality.h"

enum leg_proof { LEG_SILENT, LEG_CLEAR, LEG_MIXED, LEG_ENCRYPTED };

const char *
verdict_name(enum verdict v)
{
    static const char *const names[] = { "UNPROVEN", "CLEAR", "PARTLY", "ENCRYPTED" };

    return names[v];
}

static enum leg_proof
proof(uint64_t encrypted, uint64_t clear)
{
    if (encrypted == 0)
        return clear == 0 ? LEG_SILENT : LEG_CLEAR;
    return clear == 0 ? LEG_ENCRYPTED : LEG_MIXED;
}

/* Without authentication nothing proves who sent the packets (TEL-30), without encryption there is nothing to prove. */
static bool
proves(const struct leg *leg)
{
    const struct rf_srtp_suite *s = leg->media != NULL ? rf_srtp_suite(leg->media->tx.suite) : NULL;

    return s != NULL && !s->has_null_auth && !s->has_null_cipher && !leg_is_in_clear(leg);
}

bool
leg_is_in_clear(const struct leg *leg)
{
    return leg->media != NULL && (!leg->media->is_encrypted || (leg->media->tx.clear & RF_SRTP_CLEAR_RTP) != 0);
}

static bool
keys_were_secret(const struct leg *leg)
{
    return rf_transport_is_secure(leg->transport) && !(leg->media != NULL && leg->media->keys_in_clear);
}

static enum verdict
judge(const struct call *c, enum leg_proof a, enum leg_proof b)
{
    if (a == LEG_SILENT && b == LEG_SILENT)
        return VERDICT_UNPROVEN;
    if (a == LEG_SILENT || b == LEG_SILENT) {
        enum leg_proof heard = a == LEG_SILENT ? b : a;

        return heard == LEG_CLEAR ? VERDICT_CLEAR : heard == LEG_MIXED ? VERDICT_PARTLY : VERDICT_UNPROVEN;
    }
    if (a == LEG_CLEAR && b == LEG_CLEAR)
        return VERDICT_CLEAR;
    if (a == LEG_ENCRYPTED && b == LEG_ENCRYPTED && proves(c->a) && proves(c->b) && keys_were_secret(c->a) &&
        keys_were_secret(c->b))
        return VERDICT_ENCRYPTED;
    return VERDICT_PARTLY;
}

static void
look(struct call *c)
{
    enum leg_proof now[2];
    enum verdict v;

    if (c->b == NULL || c->state == CALL_ENDING)
        return;
    for (int side = 0; side < 2; side++) {
        struct leg *leg = side == 0 ? c->a : c->b;
        struct media_numbers n;
        uint64_t encrypted, clear;

        if (!call_media_numbers(c, leg, &n))
            return;
        encrypted = n.in_authentic - n.in_unencrypted + n.out_encrypted;
        clear = n.in_clear + n.out_clear;
        now[side] = proof(encrypted - leg->seen_encrypted, clear - leg->seen_clear);
        leg->seen_encrypted = encrypted;
        leg->seen_clear = clear;
    }
    v = judge(c, now[0], now[1]);
    if (v == VERDICT_UNPROVEN && c->verdict_seen)
        return; /* silence between two samples (hold, a quiet line) does not undo what was proven */
    c->verdict_now = v;
    if (v != VERDICT_UNPROVEN && (!c->verdict_seen || v < c->verdict_min)) {
        c->verdict_min = v;
        c->verdict_seen = true;
    }
}

void
evidence_sample(struct call *c)
{
    look(c);
    tally_sample(c);
}

void
evidence_freeze(struct call *c)
{
    evidence_sample(c);
    for (int side = 0; side < 2; side++) {
        struct leg *leg = side == 0 ? c->a : c->b;

        if (leg == NULL || leg->has_end || !call_media_numbers(c, leg, &leg->end))
            continue;
        leg->has_end = true;
        tally_leg_over(c, leg);
    }
}

static void
put_addr(struct rf_buf *b, const char *name, const struct rf_addr *a)
{
    char text[RF_ADDR_TEXT_MAX];

    if (rf_addr_is_set(a))
        rf_json_str(b, name, rf_addr_text(a, text));
}

/* That the peer showed; how it was judged stands in the log of its handshake, under the same fingerprint. */
static void
put_certificate(const struct rf_flow_facts *f, struct rf_buf *b)
{
    char hex[2 * sizeof f->tls_peer_sha256 + 1];

    for (size_t i = 0; i < sizeof f->tls_peer_sha256; i++)
        snprintf(hex + 2 * i, 3, "%02x", f->tls_peer_sha256[i]);
    rf_json_open(b, "peer_certificate", '{');
    rf_json_str(b, "subject", f->tls_peer);
    rf_json_str(b, "sha256", hex);
    rf_json_close(b, '}');
}

void
evidence_put_signalling(const struct leg *leg, struct rf_buf *b)
{
    const struct rf_flow_facts *f = &leg->facts;

    rf_json_open(b, "signalling", '{');
    rf_json_str(b, "transport", rf_transport_name(leg->transport));
    put_addr(b, "address", &leg->remote);
    if (leg->listener[0] != '\0')
        rf_json_str(b, "interface", leg->listener);
    if (f->tls_version[0] != '\0') {
        rf_json_str(b, "tls_version", f->tls_version);
        rf_json_str(b, "tls_cipher", f->tls_cipher);
        rf_json_str(b, "tls_group", f->tls_group);
        rf_json_bool(b, "tls_resumed", f->tls_resumed);
    }
    if (f->tls_peer[0] != '\0')
        put_certificate(f, b);
    if (f->since_wall_s > 0)
        rf_json_u64(b, "since", (uint64_t)f->since_wall_s);
    rf_json_str(b, "sign_in", leg->sign_in);
    rf_json_close(b, '}');
}

/* RFC 4568 6.3.2: what is authenticated and not encrypted (TEL-29). */
static void
put_session_parameters(uint8_t clear, struct rf_buf *b)
{
    rf_json_open(b, "session_parameters", '[');
    if ((clear & RF_SRTP_CLEAR_RTP) != 0)
        rf_json_str(b, NULL, "UNENCRYPTED_SRTP");
    if ((clear & RF_SRTP_CLEAR_RTCP) != 0)
        rf_json_str(b, NULL, "UNENCRYPTED_SRTCP");
    rf_json_close(b, ']');
}

static void
put_agreed(const struct call *c, const struct leg_media *m, struct rf_buf *b)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite(m->tx.suite);

    /* TEL-33: whatever the two sides have agreed, nobody here has seen a packet. */
    if (c->is_bypass)
        rf_json_bool(b, "bypass", true);
    rf_json_str(b, "protection", c->is_bypass                                   ? "unverified"
                                 : !m->is_encrypted                             ? "none"
                                 : (m->tx.clear & RF_SRTP_CLEAR_RTP) != 0       ? "SRTP, not encrypted"
                                                                                : "SRTP");
    if (m->is_encrypted && suite != NULL) {
        rf_json_str(b, "suite", suite->name);
        rf_json_str(b, "keying", "SDES");
        rf_json_u64(b, "tag", (uint64_t)m->tag);
        rf_json_bool(b, "keys_in_clear", m->keys_in_clear);
        rf_json_bool(b, "weak", m->is_weak);
        if (m->tx.clear != 0)
            put_session_parameters(m->tx.clear, b);
    }
    rf_json_str(b, "direction", rf_sdp_direction_name(m->theirs));
}

/* What the relay learnt of this peer's SRTP and went along with (srtp/srtp.h). */
static void
put_learnt(uint32_t quirks, struct rf_buf *b)
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        { RF_SRTP_QUIRK_RTCP_TAG32, "srtcp-tag-32" },
        { RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG, "srtcp-tag-80" },
        { RF_SRTP_QUIRK_AES192_OLD, "aes-192-old-derivation" },
        { RF_SRTP_QUIRK_ROC_KEPT, "roc-kept" },
        { RF_SRTP_QUIRK_ROC_RESET, "roc-reset" },
    };

    if (quirks == 0)
        return;
    rf_json_open(b, "srtp_learnt", '[');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((quirks & names[i].bit) != 0)
            rf_json_str(b, NULL, names[i].name);
    rf_json_close(b, ']');
}

/* What arrived of what its party sent, and with the delay to the other end how that sounds (rtp/quality.h). */
static void
put_heard(const struct media_numbers *n, const struct rf_quality_codec *codec, uint64_t rtt_us, struct rf_buf *b)
{
    const struct rf_quality_path path = { .received = n->in_packets, .lost = n->in_lost, .jitter_us = n->in_jitter_us,
                                          .rtt_us = rtt_us };
    uint32_t mos = codec != NULL ? rf_quality_mos(codec, &path) : 0;

    rf_json_ms(b, "loss_percent", rf_quality_loss(&path));
    rf_json_ms(b, "jitter_ms", n->in_jitter_us);
    if (mos != 0)
        rf_json_ms(b, "mos", mos);
}

/* What its party's reports say of what we sent there. Its word, not our measurement. */
static void
put_reported(const struct media_numbers *n, const struct rf_quality_codec *codec, uint64_t rtt_us, struct rf_buf *b)
{
    const struct rf_quality_path path = { .received = n->out_packets - n->far_lost, .lost = n->far_lost,
                                          .jitter_us = n->far_jitter_us, .rtt_us = rtt_us };
    uint32_t mos = codec != NULL ? rf_quality_mos(codec, &path) : 0;

    if (n->far_reports == 0)
        return;
    rf_json_open(b, "reported", '{');
    rf_json_u64(b, "reports", n->far_reports);
    rf_json_u64(b, "lost", n->far_lost);
    rf_json_ms(b, "loss_percent", rf_quality_loss(&path));
    rf_json_ms(b, "jitter_ms", n->far_jitter_us);
    if (mos != 0)
        rf_json_ms(b, "mos", mos);
    rf_json_close(b, '}');
}

static void
put_numbers(const struct media_numbers *n, const struct rf_quality_codec *codec, uint64_t rtt_us, struct rf_buf *b)
{
    put_addr(b, "learnt_address", &n->learnt);
    put_learnt(n->quirks, b);
    rf_json_open(b, "in", '{');
    rf_json_u64(b, "packets", n->in_packets);
    rf_json_u64(b, "authentic", n->in_authentic);
    rf_json_u64(b, "clear", n->in_clear);
    rf_json_u64(b, "unencrypted", n->in_unencrypted);
    rf_json_u64(b, "refused", n->in_auth_failed);
    rf_json_u64(b, "replayed", n->in_replayed);
    rf_json_u64(b, "clear_refused", n->in_clear_refused);
    rf_json_u64(b, "foreign", n->in_foreign);
    rf_json_u64(b, "malformed", n->in_malformed);
    rf_json_u64(b, "other", n->in_other);
    rf_json_u64(b, "queue_lost", n->in_kernel_dropped);
    rf_json_u64(b, "rtcp", n->in_rtcp);
    rf_json_u64(b, "lost", n->in_lost);
    put_heard(n, codec, rtt_us, b);
    rf_json_u64(b, "telephone_event", n->in_dtmf);
    rf_json_close(b, '}');
    rf_json_open(b, "out", '{');
    rf_json_u64(b, "packets", n->out_packets);
    rf_json_u64(b, "encrypted", n->out_encrypted);
    rf_json_u64(b, "clear", n->out_clear);
    rf_json_u64(b, "refused", n->out_refused);
    rf_json_u64(b, "failed", n->out_failed);
    put_reported(n, codec, rtt_us, b);
    rf_json_close(b, '}');
    rf_json_ms(b, "clear_seconds", n->clear_us / 1000);
    if (n->rtt_us != 0)
        rf_json_ms(b, "rtt_ms", n->rtt_us);
}

/* There and back between the two phones: both halves, as far as RTCP gave them away. */
static uint64_t
rtt_of(const struct call *c)
{
    const struct leg *legs[2] = { c->a, c->b };
    struct media_numbers n;
    uint64_t rtt_us = 0;

    for (int i = 0; i < 2; i++)
        if (legs[i] != NULL && call_media_numbers(c, legs[i], &n))
            rtt_us += n.rtt_us;
    return rtt_us;
}

void
evidence_put_media(const struct call *c, const struct leg *leg, struct rf_buf *b)
{
    const struct leg_media *m = leg->media != NULL ? leg->media : leg->next;
    const struct rf_quality_codec *codec;
    struct media_numbers n;
    char name[32];

    rf_json_open(b, "media", '{');
    if (m == NULL) {
        rf_json_str(b, "protection", "none agreed");
    } else {
        put_agreed(c, m, b);
        put_addr(b, "sdp_address", &m->peer);
        if (!c->is_bypass)
            put_addr(b, "our_address", &leg->media_addr);
        call_codec(m, name, sizeof name);
        codec = rf_quality_codec(rf_span_str(name));
        if (name[0] != '\0')
            rf_json_str(b, "codec", name);
        if (codec != NULL)
            rf_json_str(b, "mos_values", codec->values);
        if (call_media_numbers(c, leg, &n))
            put_numbers(&n, codec, rtt_of(c), b);
        oneway_put(c, leg, b);
    }
    rf_json_close(b, '}');
}
