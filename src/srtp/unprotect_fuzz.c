/*
 * Any octets as SRTP or SRTCP.
 *
 * Input: one octet (low 4 bits: suite; 0x10 SRTCP; 0x20 an MKI of 4 octets; 0x40 compatibility modes; 0x80 what it is,
 * SRTP or SRTCP, was negotiated to be in clear), the suite's master key and salt, then the packet. Seeds are known
 * answers, so that what lies behind authentication is reached too. Contexts are as the relay makes them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rtp/rtp.h"
#include "srtp/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUIRKS (RF_SRTP_QUIRK_RTCP_TAG32 | RF_SRTP_QUIRK_AES192_OLD | RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG)

/* A packet that is refused leaves itself and the stream as they were; one that is accepted is a replay next time. */
static void
unprotect(struct rf_srtp_ctx *ctx, const uint8_t *packet, size_t n, bool is_rtcp)
{
    struct rf_srtp_stream stream = { 0 }, before;
    uint8_t *copy = malloc(n > 0 ? n : 1);
    struct rf_srtp_job job = { .ctx = ctx, .stream = &stream, .packet = copy, .octets = n, .room = n,
                               .is_rtcp = is_rtcp, .after_silence = (n & 1) != 0 };

    rf_assert(copy != NULL);
    memcpy(copy, packet, n);
    before = stream;
    rf_srtp_unprotect(&job, 1);
    if (job.result != RF_OK) {
        rf_assert(memcmp(&before, &stream, sizeof stream) == 0 && memcmp(copy, packet, n) == 0);
    } else {
        rf_assert(job.octets <= n);
        memcpy(copy, packet, n);
        before = stream;
        job.octets = n;
        rf_srtp_unprotect(&job, 1);
        rf_assert(job.result != RF_OK && memcmp(&before, &stream, sizeof stream) == 0);
    }
    free(copy);
}

/* The same octets as a plain packet: what is protected comes back. */
static void
round_trip(struct rf_srtp_ctx *ctx, const uint8_t *packet, size_t n, bool is_rtcp)
{
    struct rf_srtp_stream tx = { 0 }, rx = { 0 };
    uint8_t *copy = malloc(n + RF_SRTP_TRAILER_MAX);
    struct rf_srtp_job job = { .ctx = ctx, .stream = &tx, .packet = copy, .octets = n,
                               .room = n + RF_SRTP_TRAILER_MAX, .is_rtcp = is_rtcp };

    rf_assert(copy != NULL);
    memcpy(copy, packet, n);
    rf_srtp_protect(&job, 1);
    if (job.result == RF_OK) {
        job.stream = &rx;
        rf_srtp_unprotect(&job, 1);
        /* Without any tag SRTCP must at least read as RTCP, which these octets need not. */
        if (job.result == RF_OK)
            rf_assert(job.octets == n && memcmp(copy, packet, n) == 0);
        else
            rf_assert(is_rtcp && job.result == RF_ERR_AUTH);
    }
    free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rf_srtp_suite *suite = size > 0 ? rf_srtp_suite(data[0] & 0x0f) : NULL;
    struct rf_srtp_key key = { 0 };
    struct rf_srtp_options options = { 0 };
    struct rf_srtp_ctx *ctx;
    size_t keysalt;
    bool is_rtcp;

    if (suite == NULL || size - 1 < (keysalt = (size_t)suite->key_octets + suite->salt_octets))
        return 0;
    is_rtcp = (data[0] & 0x10) != 0;
    key.suite = suite->id;
    memcpy(key.key, data + 1, suite->key_octets);
    memcpy(key.salt, data + 1 + suite->key_octets, suite->salt_octets);
    if ((data[0] & 0x20) != 0) {
        key.mki_octets = 4;
        memcpy(key.mki, "\0\0\5\7", 4);
    }
    options.allow_quirks = (data[0] & 0x40) != 0 ? QUIRKS : 0;
    options.keep_roc_try_zero = options.bridge_gaps = true;
    options.serial = 1;
    if ((data[0] & 0x80) != 0)
        key.clear = is_rtcp ? RF_SRTP_CLEAR_RTCP : RF_SRTP_CLEAR_RTP;
    if (!rf_srtp_suite_may_be_clear(suite, key.clear)) {
        rf_assert(rf_srtp_ctx_new(&ctx, &key, &options) == RF_ERR_RANGE);
        return 0;
    }
    rf_assert(rf_srtp_ctx_new(&ctx, &key, &options) == RF_OK);
    unprotect(ctx, data + 1 + keysalt, size - 1 - keysalt, is_rtcp);
    round_trip(ctx, data + 1 + keysalt, size - 1 - keysalt, is_rtcp);
    rf_srtp_ctx_free(ctx);
    return 0;
}
