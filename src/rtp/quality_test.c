/*
 * Scores by the E-model: G.107 annex B's own pairs of R and MOS, and what loss, delay and codec do to them.
 */
#include "rtp/quality.h"

#include "tap.h"

static const struct {
    const char *codec;
    struct rf_quality_path path;
    uint32_t mos; /* thousandths; worked out by hand from the formulas of quality.h, half a hundredth is allowed */
    const char *why;
} scores[] = {
    { "PCMU", { 1000, 0, 0, 0 }, 4400, "nothing lost: R 92.7" },
    { "pcma", { 1000, 0, 0, 0 }, 4400, "letter case does not count" },
    { "PCMU", { 990, 10, 0, 0 }, 4316, "1 % lost" },
    { "PCMU", { 900, 100, 0, 0 }, 3387, "10 % lost: Ie,eff 27.1, R 65.7" },
    { "G729", { 1000, 0, 0, 0 }, 4087, "G.729A: Ie 11" },
    { "PCMU", { 1000, 0, 0, 800000 }, 2913, "800 ms there and back" },
    { "PCMU", { 1000, 0, 200000, 0 }, 2913, "a jitter of 200 ms fills a buffer of 400" },
    { "opus", { 1000, 0, 0, 0 }, 4400, "wideband, by the values of G.711" },
    { "PCMU", { 10, 990, 0, 0 }, 1169, "99 % lost: R 16.9" },
    { "PCMU", { 1, 0, 10000000, 4000000 }, 1000, "as bad as it gets" },
    { "PCMU", { 0, 500, 0, 0 }, 0, "nothing arrived: nothing to rate" },
};

int
main(void)
{
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        const struct rf_quality_codec *codec = rf_quality_codec(rf_span_str(scores[i].codec));
        uint32_t mos = codec != NULL ? rf_quality_mos(codec, &scores[i].path) : UINT32_MAX;

        ok(mos + 5 >= scores[i].mos && mos <= scores[i].mos + 5, "%s: %u (%u), %s", scores[i].codec, mos, scores[i].mos,
           scores[i].why);
    }
    ok(rf_quality_codec(RF_SPAN_LIT("iLBC")) == NULL && rf_quality_codec(RF_SPAN_LIT("PCM")) == NULL &&
           rf_quality_codec(RF_SPAN_LIT("")) == NULL,
       "a codec without values gets no score");
    ok(rf_quality_loss(&(struct rf_quality_path){ .received = 985, .lost = 15 }) == 1500 &&
           rf_quality_loss(&(struct rf_quality_path){ .received = 0, .lost = 0 }) == 0 &&
           rf_quality_loss(&(struct rf_quality_path){ .received = 0, .lost = 9 }) == 100000,
       "loss in thousandths of a per cent");
    for (uint64_t lost = 0, before = UINT32_MAX; lost <= 1000; lost += 10) {
        uint32_t mos = rf_quality_mos(rf_quality_codec(RF_SPAN_LIT("PCMU")),
                                      &(struct rf_quality_path){ .received = 1001 - lost, .lost = lost });

        if (mos > before || mos < 1000 || mos > 4409)
            ok(false, "more loss never sounds better: %u after %u", mos, (unsigned)before);
        before = mos;
    }
    return tap_done();
}
