/*
 * rtp/quality.h - how a stream sounds: the E-model (ITU-T G.107), reduced to what a relay knows
 *
 * Rating R = 93.2 - Id - Ie,eff, where 93.2 is what G.107's defaults leave of 100 (no echo, quiet rooms). Id is the
 * delay's part: 0.024 Ta, and 0.11 (Ta - 177.3) more beyond 177.3 ms. Ie,eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl) for
 * random loss (BurstR 1), with Ie and Bpl of G.113 appendix I. The mean opinion score follows from R (G.107 annex B).
 *
 * What it is not: a measurement of sound. It knows neither the phones' jitter buffers and concealment nor echo.
 *
 * Threads: any; pure.
 */
#ifndef RF_RTP_QUALITY_H
#define RF_RTP_QUALITY_H

#include "base/span.h"

/* What G.113 says of a codec. */
struct rf_quality_codec {
    const char *name;    /* encoding name of SDP: "PCMU"; static payload types have theirs by RFC 3551 */
    const char *values;  /* whose values these are: "G.711 with concealment" */
    double ie, bpl;
};

/**
 * @param name  encoding name, letter case does not count
 * @return NULL: G.113 has no values for it, so there is no score. Wideband codecs are rated by the values of G.711 with
 *         concealment: on the scale of narrow band they are no worse, and this scale cannot say how much better.
 */
const struct rf_quality_codec *rf_quality_codec(struct rf_span name);

struct rf_quality_path {
    uint64_t received, lost;  /* packets */
    uint64_t jitter_us;
    uint64_t rtt_us;          /* there and back between the ends, as far as it is known; 0: not */
};

/** Loss in thousandths of a per cent: 1500 is 1.5 %. 0 when nothing was expected. */
uint32_t rf_quality_loss(const struct rf_quality_path *p);

/**
 * Mean opinion score in thousandths, 1000 (bad) to 4409 (the best of narrow band). One way takes half the round trip,
 * a packet of 20 ms and a jitter buffer of twice the jitter.
 * @return 0: nothing was received, so there is nothing to rate
 */
uint32_t rf_quality_mos(const struct rf_quality_codec *codec, const struct rf_quality_path *p);

#endif
