/* srtp/tool.c - see tool.h */
#include "srtp/tool.h"

#include "base/codec.h"
#include "base/secret.h"
#include "srtp/srtp.h"

#define PACKET_MAX 65535 /* octets of a UDP datagram */

static enum rf_err
key_of(const struct rf_srtp_tool *t, struct rf_srtp_key *key, const char **why)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(t->suite);
    uint8_t octets[RF_SRTP_KEY_MAX + RF_SRTP_SALT_MAX];
    size_t n = 0, mki_octets = 0;
    enum rf_err err = RF_OK;

    *why = "there is no suite of this name";
    if (suite == NULL)
        return RF_ERR_NOT_FOUND;
    key->suite = suite->id;
    key->clear = t->clear;
    *why = "SRTP of this suite is always encrypted";
    if (!rf_srtp_suite_may_be_clear(suite, t->clear))
        return RF_ERR_RANGE;
    *why = "the MKI is not 1 to 128 octets in hexadecimal";
    if (t->mki.n > 0)
        err = rf_hex_decode(t->mki, key->mki, sizeof key->mki, &mki_octets);
    if (err)
        return err;
    key->mki_octets = (uint8_t)mki_octets;

    *why = "the key is not Base64 of the suite's master key and salt";
    err = rf_base64_decode(t->key, octets, sizeof octets, &n);
    if (err == RF_OK && n != (size_t)suite->key_octets + suite->salt_octets)
        err = RF_ERR_RANGE;
    if (err == RF_OK) {
        memcpy(key->key, octets, suite->key_octets);
        memcpy(key->salt, octets + suite->key_octets, suite->salt_octets);
    }
    rf_wipe(octets, sizeof octets);
    return err;
}

/* Hexadecimal with white space anywhere between octets, as people paste it. */
static enum rf_err
packet_of(struct rf_span text, uint8_t *out, size_t *n)
{
    *n = 0;
    while (text.n > 0) {
        size_t digits = 0, octets;
        enum rf_err err;

        while (digits < text.n && strchr(" \t\r\n", text.p[digits]) == NULL)
            digits++;
        err = rf_hex_decode(rf_span_sub(text, 0, digits), out + *n, PACKET_MAX - *n, &octets);
        if (err)
            return err;
        *n += octets;
        text = rf_span_sub(text, digits, text.n);
        while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL)
            text = rf_span_sub(text, 1, text.n);
    }
    return RF_OK;
}

static const char *
reason(enum rf_err err)
{
    switch (err) {
    case RF_ERR_AUTH:
        return "authentication failed: another key, ROC or MKI, or the packet was changed";
    case RF_ERR_SYNTAX:
        return "this is no packet of its kind, or it is too short";
    case RF_ERR_REFUSED:
        return "SRTCP with or without encryption, as it was not negotiated, or the last index was used";
    case RF_ERR_STALE:
        return "the packet lies before the window of the expected index";
    default:
        return rf_err_text(err);
    }
}

/* A stream that stands where the caller says. */
static void
place(const struct rf_srtp_tool *t, struct rf_srtp_stream *s, const uint8_t *packet, size_t n)
{
    s->roc = (uint32_t)t->roc;
    s->rtcp_reserved = (uint32_t)t->seq;
    if (!t->is_protect && !t->is_rtcp && n >= 12) {
        s->ssrc = (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 | (uint32_t)packet[10] << 8 | packet[11];
        s->s_l = (uint16_t)t->seq;
        s->is_started = true;
    }
}

enum rf_err
rf_srtp_tool(const struct rf_srtp_tool *t, struct rf_buf *out, const char **why)
{
    static const struct rf_srtp_options options = { .allow_quirks = RF_SRTP_QUIRK_RTCP_TAG32 |
                                                                    RF_SRTP_QUIRK_AES192_OLD |
                                                                    RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG };
    static uint8_t packet[PACKET_MAX + RF_SRTP_TRAILER_MAX];
    struct rf_srtp_key key = { 0 };
    struct rf_srtp_stream stream = { 0 };
    struct rf_srtp_ctx *ctx = NULL;
    struct rf_srtp_job job;
    size_t n;
    enum rf_err err;

    *why = "the ROC has 32 bits, a sequence number 16, an SRTCP index 31";
    if (t->roc > UINT32_MAX || t->seq > (t->is_rtcp ? INT32_MAX : UINT16_MAX))
        return RF_ERR_RANGE;
    err = key_of(t, &key, why);
    if (err)
        goto end;
    *why = "the packet is not hexadecimal, or longer than a datagram";
    err = packet_of(t->packet, packet, &n);
    if (err)
        goto end;
    *why = "the keys could not be prepared";
    err = rf_srtp_ctx_new(&ctx, &key, &options);
    if (err)
        goto end;

    place(t, &stream, packet, n);
    job = (struct rf_srtp_job){ .ctx = ctx, .stream = &stream, .packet = packet, .octets = n,
                                .room = sizeof packet, .is_rtcp = t->is_rtcp };
    if (t->is_protect)
        rf_srtp_protect(&job, 1);
    else
        rf_srtp_unprotect(&job, 1);
    err = job.result;
    *why = reason(err);
    if (err == RF_OK) {
        rf_put_hex(out, packet, job.octets);
        err = rf_buf_done(out);
    }

end:
    rf_srtp_ctx_free(ctx);
    rf_wipe(&key, sizeof key);
    return err;
}
