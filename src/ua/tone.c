#include "ua/tone.h"

#include <math.h>
#include <stdbool.h>

#define PEAK 12000   /* of a tone: -9 dB below full scale, clear of clipping */
#define SILENCE 400  /* mean amplitude below this is no tone */

/*
 * G.711 mu-law: sign, 3 bits of segment, 4 of step, all inverted. A sample of 14 bits plus the bias 33 lies in
 * segment s when its highest set bit is s + 5.
 */
#define BIAS 33
#define CLIP 8158 /* 8191 - BIAS */

uint8_t
rf_pcmu_encode(int16_t sample)
{
    int magnitude = sample / 4, segment = 0;
    bool is_negative = magnitude < 0;

    if (is_negative)
        magnitude = -magnitude;
    if (magnitude > CLIP)
        magnitude = CLIP;
    magnitude += BIAS;
    while (magnitude >> (segment + 6) != 0)
        segment++;
    return (uint8_t)~((is_negative ? 0x80 : 0) | segment << 4 | ((magnitude >> (segment + 1)) & 15));
}

int16_t
rf_pcmu_decode(uint8_t code)
{
    int bits = (uint8_t)~code, segment = bits >> 4 & 7;
    int magnitude = (((bits & 15) << 1 | BIAS) << segment) - BIAS;

    return (int16_t)((bits & 0x80 ? -magnitude : magnitude) * 4);
}

void
rf_tone_make(int16_t *out, size_t n, double hz, double *phase)
{
    double step = 2 * M_PI * hz / RF_TONE_RATE;

    for (size_t i = 0; i < n; i++) {
        out[i] = hz > 0 ? (int16_t)lrint(PEAK * sin(*phase)) : 0;
        *phase = fmod(*phase + step, 2 * M_PI);
    }
}

double
rf_tone_hz(const int16_t *samples, size_t n)
{
    double first = -1, last = -1, sum = 0;
    size_t crossings = 0;

    for (size_t i = 0; i < n; i++)
        sum += fabs((double)samples[i]);
    if (n < 2 || sum / (double)n < SILENCE)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (samples[i - 1] >= 0 || samples[i] < 0)
            continue;
        /* Where the line between the two samples meets zero. */
        last = (double)i - (double)samples[i] / ((double)samples[i] - samples[i - 1]);
        if (crossings++ == 0)
            first = last;
    }
    return crossings < 2 ? 0 : (double)(crossings - 1) * RF_TONE_RATE / (last - first);
}

double
rf_tone_purity(const int16_t *samples, size_t n, double hz)
{
    double w = 2 * M_PI * hz / RF_TONE_RATE, c = 2 * cos(w), s1 = 0, s2 = 0, energy = 0;

    for (size_t i = 0; i < n; i++) {
        double s0 = samples[i] + c * s1 - s2;

        s2 = s1;
        s1 = s0;
        energy += (double)samples[i] * samples[i];
    }
    if (energy == 0)
        return 0;
    /* A sine of amplitude A has energy n A^2 / 2, and its Goertzel power is (n A / 2)^2. */
    return fmin(1, (s1 * s1 + s2 * s2 - c * s1 * s2) * 2 / ((double)n * energy));
}
