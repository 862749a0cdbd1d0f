/*
 * ua/tone.h - tones: made, coded as PCMU (ITU-T G.711), and measured
 */
#ifndef RF_UA_TONE_H
#define RF_UA_TONE_H

#include <stddef.h>
#include <stdint.h>

#define RF_TONE_RATE 8000 /* samples a second of PCMU */

uint8_t rf_pcmu_encode(int16_t sample);
int16_t rf_pcmu_decode(uint8_t code);

/** The next n samples of a sine of this frequency; *phase (radians, 0 at the start) goes on. hz 0: silence. */
void rf_tone_make(int16_t *out, size_t n, double hz, double *phase);

/** Frequency by the mean distance of upward zero crossings; 0: silence or no tone. */
double rf_tone_hz(const int16_t *samples, size_t n);

/** Share of the energy that lies at hz (Goertzel), 0 to 1: a sine gives almost 1, noise about 2 / n. */
double rf_tone_purity(const int16_t *samples, size_t n, double hz);

#endif
