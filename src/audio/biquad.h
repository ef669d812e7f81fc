// Filters of second order.
#ifndef TA_AUDIO_BIQUAD_H
#define TA_AUDIO_BIQUAD_H

#include <stddef.h>

struct ta_biquad {
    double b0, b1, b2, a1, a2;
};

// `frequency` in Hz; one at or above half the rate is taken for just below it. Q of 0.707 is Butterworth's.
void ta_biquad_highpass(struct ta_biquad *b, int rate, double frequency, double q);
void ta_biquad_lowpass(struct ta_biquad *b, int rate, double frequency, double q); // there: passes all
void ta_biquad_peak(struct ta_biquad *b, int rate, double frequency, double q, double gain_db);
// One channel, in place; `state` two numbers, zero at first.
void ta_biquad_run(const struct ta_biquad *b, double *state, float *samples, size_t count);
// Two channels at once, which takes as long; the same bits.
void ta_biquad_run_pair(const struct ta_biquad *b, double (*state)[2], float *const *planes, size_t count);

#endif
