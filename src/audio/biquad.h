// Filters of second order.
#ifndef TA_AUDIO_BIQUAD_H
#define TA_AUDIO_BIQUAD_H

#include <stddef.h>

// Of the state (s1, s2) and a sample x comes b0 x + s1; the next state is (c1 x + s2 - a1 s1, c2 x - a2 s1).
// The transposed form with its output put in: from one sample to the next there is one product and one
// difference.
struct ta_biquad {
    double b0, c1, c2, a1, a2;
};

// `frequency` in Hz; one at or above half the rate is taken for just below it. Q of 0.707 is Butterworth's.
void ta_biquad_highpass(struct ta_biquad *b, int rate, double frequency, double q);
void ta_biquad_lowpass(struct ta_biquad *b, int rate, double frequency, double q); // there: passes all
void ta_biquad_peak(struct ta_biquad *b, int rate, double frequency, double q, double gain_db);
// Through `filters` of them one after the other, 1 to TA_BIQUADS, in place; between them nothing is rounded.
// `state` of each: two numbers, zero at first. Two channels, with as many filters, take hardly longer than
// one with one: each sample waits for the one before it in its own filter alone. A channel gets the same bits
// either way.
enum { TA_BIQUADS = 4 };
void ta_biquad_run(const struct ta_biquad *b, int filters, double (*state)[2], float *samples, size_t count);
void ta_biquad_run_pair(const struct ta_biquad *b, int filters, double (*left)[2], double (*right)[2],
                        float *const *planes, size_t count);

#endif
