/*
 * sdp/write.h - our side of a leg's session description
 *
 * A B2BUA writes an offer or answer of its own for each leg: codecs and their parameters are those of the other
 * leg, addresses, keys, profile and origin are ours. Nothing of the other leg's network is copied (c=, o=, ICE
 * candidates, fingerprints, its keys).
 */
#ifndef RF_SDP_WRITE_H
#define RF_SDP_WRITE_H

#include "sdp/crypto_line.h"

struct rf_sdp_face {
    struct rf_addr rtp;            /* what we announce in c= and m=; RTCP is the next port unless rtcp_mux */
    enum rf_sdp_profile profile;
    enum rf_sdp_direction direction;
    uint64_t session_id, version;  /* o=: version grows by one with each change (RFC 3264 8) */
    bool rtcp_mux;
    size_t crypto_count;           /* offers: several; answers: one; 0: none */
    struct {
        uint32_t tag;
        struct rf_srtp_key key;
    } crypto[RF_CRYPTO_LINES_MAX];
};

/**
 * Append a session description.
 *
 * @param codecs  whose stream `stream` gives formats, rtpmap, fmtp, ptime, maxptime; other attributes are left out
 * @param shape   the offer that is answered, so that the answer has as many m= lines (all but audio_index with
 *                port 0); NULL for an offer of our own with the one audio stream
 * @param audio_index  which m= line of `shape` is ours; 0 when shape is NULL
 */
void rf_put_sdp(struct rf_buf *b, const struct rf_sdp *codecs, int stream, const struct rf_sdp *shape,
                int audio_index, const struct rf_sdp_face *face);

#endif
