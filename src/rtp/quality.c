/* rtp/quality.c - see quality.h */
#include "rtp/quality.h"

#define R_OF_DEFAULTS 93.2
#define PACKET_MS     20.0

/* Ie and Bpl of G.113 appendix I: tables I.1 and I.3. */
static const struct rf_quality_codec codecs[] = {
    { "PCMU", "G.711 with concealment", 0, 25.1 },
    { "PCMA", "G.711 with concealment", 0, 25.1 },
    { "G722", "G.711 with concealment", 0, 25.1 },
    { "opus", "G.711 with concealment", 0, 25.1 },
    { "G729", "G.729A", 11, 19.0 },
    { "G723", "G.723.1 at 6.3 kbit/s", 15, 16.1 },
    { "GSM-EFR", "GSM EFR", 5, 10.0 },
};

const struct rf_quality_codec *
rf_quality_codec(struct rf_span name)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (rf_span_iis(name, codecs[i].name))
            return &codecs[i];
    return NULL;
}

uint32_t
rf_quality_loss(const struct rf_quality_path *p)
{
    double expected = (double)p->received + (double)p->lost;

    return expected > 0 ? (uint32_t)((double)p->lost * 100000 / expected + 0.5) : 0;
}

static double
delay_impairment(double ta_ms)
{
    double id = 0.024 * ta_ms;

    return ta_ms > 177.3 ? id + 0.11 * (ta_ms - 177.3) : id;
}

/* G.107 annex B. */
static double
score(double r)
{
    if (r <= 0)
        return 1;
    if (r >= 100)
        return 4.5;
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

uint32_t
rf_quality_mos(const struct rf_quality_codec *codec, const struct rf_quality_path *p)
{
    double ppl = rf_quality_loss(p) / 1000.0, ta_ms, mos;

    if (p->received == 0)
        return 0;
    ta_ms = (double)p->rtt_us / 2000 + 2 * (double)p->jitter_us / 1000 + PACKET_MS;
    mos = score(R_OF_DEFAULTS - delay_impairment(ta_ms) - codec->ie - (95 - codec->ie) * ppl / (ppl + codec->bpl));
    /* The cubic dips below 1 for R between 0 and 6.5. */
    return mos < 1 ? 1000 : (uint32_t)(mos * 1000 + 0.5);
}
