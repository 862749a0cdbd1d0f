/* Tones: G.711 against its definition, measured frequencies against made ones. */
#include "ua/tone.h"

#include <math.h>

#include "base/rand.h"
#include "tap.h"

static void
test_pcmu(void)
{
    /* G.711 table 2a: decoder outputs (14 bits) of the first code of each segment, positive side. */
    static const struct { uint8_t code; int value; } rows[] = {
        { 0x80, 8031 }, { 0x90, 3999 }, { 0xa0, 1983 }, { 0xb0, 975 }, { 0xc0, 471 },
        { 0xd0, 219 },  { 0xe0, 93 },   { 0xf0, 30 },   { 0xff, 0 },
    };
    bool same = true, monotone = true;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ok(rf_pcmu_decode(rows[i].code) == 4 * rows[i].value, "G.711: code 0x%02x is %d", rows[i].code, rows[i].value);
        ok(rf_pcmu_decode(rows[i].code & 0x7f) == -4 * rows[i].value, "G.711: and negative");
    }
    for (int code = 0; code < 256; code++) /* 0x7f is minus zero: it reads as 0 and is written as 0xff */
        same &= code == 0x7f || rf_pcmu_encode(rf_pcmu_decode((uint8_t)code)) == code;
    ok(same, "every code comes back");
    for (int v = -32768; v + 7 <= 32767; v += 7)
        monotone &= rf_pcmu_decode(rf_pcmu_encode((int16_t)v)) <= rf_pcmu_decode(rf_pcmu_encode((int16_t)(v + 7)));
    ok(monotone, "louder is never quieter");
    ok(rf_pcmu_encode(32767) == 0x80 && rf_pcmu_encode(-32768) == 0x00, "what is too loud is clipped");
}

static void
test_measure(void)
{
    static const double tones[] = { 300, 440, 697, 1004, 1633, 3000 };
    static int16_t sample[8000];
    bool noise_is_none = true;

    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++) {
        double phase = 0.3, hz;

        rf_tone_make(sample, 8000, tones[i], &phase);
        for (size_t k = 0; k < 8000; k++)
            sample[k] = rf_pcmu_decode(rf_pcmu_encode(sample[k]));
        hz = rf_tone_hz(sample, 8000);
        ok(fabs(hz - tones[i]) < 0.5, "%.0f Hz is measured as %.2f", tones[i], hz);
        ok(rf_tone_purity(sample, 8000, hz) > 0.99, "and nearly all energy is there: %.4f",
           rf_tone_purity(sample, 8000, hz));
        ok(rf_tone_purity(sample, 8000, tones[i] + 200) < 0.01, "and hardly any 200 Hz beside");
        ok(rf_tone_purity(sample, 160, tones[i]) > 0.9, "one packet of it is enough to see it");
    }
    for (int round = 0; round < 200; round++) {
        uint8_t code[160];

        rf_rand_fill(&rf_rand_system, code, sizeof code);
        for (size_t k = 0; k < 160; k++)
            sample[k] = rf_pcmu_decode(code[k]);
        noise_is_none &= rf_tone_purity(sample, 160, 440) < 0.5;
    }
    ok(noise_is_none, "random octets, as ciphertext is, are not taken for a tone");
    for (size_t k = 0; k < 8000; k++)
        sample[k] = 0;
    ok(rf_tone_hz(sample, 8000) == 0 && rf_tone_purity(sample, 8000, 440) == 0, "silence has no frequency");
    ok(rf_tone_hz(sample, 0) == 0 && rf_tone_hz(sample, 1) == 0, "nothing has none either");
}

int
main(void)
{
    test_pcmu();
    test_measure();
    return tap_done();
}
