// Sound at another rate, for networks that know one rate alone. Nothing moves: what comes out at time t is
// what went in at time t, and how samples are handed over changes nothing.
#ifndef TA_AUDIO_RATE_H
#define TA_AUDIO_RATE_H

#include <stddef.h>

struct ta_log;

// One channel. Thread-safety: Unsafe.
struct ta_sound_rate;
// Equal rates: what goes in comes out. 0, or TA_ERR_* after a message.
int ta_sound_rate_create(struct ta_sound_rate **out, int from, int to, struct ta_log *log);
void ta_sound_rate_destroy(struct ta_sound_rate **r);
// Takes all of `in`. *out are the samples that it brought out, which are the converter's own until the next
// call, *count how many: those that need no more than what went in so far. TA_ERR_* after a message.
int ta_sound_rate_run(struct ta_sound_rate *r, const float *in, size_t samples, const float **out,
                      size_t *count);
// Samples that must follow one before it comes out, counted at the rate that goes in.
int ta_sound_rate_ahead(int from, int to);

#endif
