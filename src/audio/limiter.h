// A look-ahead limiter of true peaks: what lies between the samples counts too, as four times as many of them
// show it. Channels are held down together.
#ifndef TA_AUDIO_LIMITER_H
#define TA_AUDIO_LIMITER_H

#include <stddef.h>

struct ta_limiter;
// `ceiling` in dB of true peak. Thread-safety: Unsafe.
struct ta_limiter *ta_limiter_create(int rate, int channels, double ceiling);
// In place: output i is that of input i - latency(). Any number of samples.
void ta_limiter_run(struct ta_limiter *l, float *const *planes, size_t samples);
size_t ta_limiter_latency(int rate);                // in samples
double ta_limiter_most(const struct ta_limiter *l); // dB that it has taken off at most
void ta_limiter_destroy(struct ta_limiter **l);

// The highest true peak of a signal; 1 is full scale.
struct ta_true_peak;
struct ta_true_peak *ta_true_peak_create(int channels);
void ta_true_peak_add(struct ta_true_peak *t, float *const *planes, size_t samples);
double ta_true_peak_get(const struct ta_true_peak *t);
void ta_true_peak_destroy(struct ta_true_peak **t);

#endif
