// Takes hum of the mains out of sound: its fundamental is followed, and each harmonic up to 1 kHz is
// estimated in amplitude and phase from some seconds before and after, in which what is steady counts and
// what comes and goes (speech, notes) does not, and is subtracted. Where nothing steady is there, samples
// stay as they are, to the bit. For what is not said here see sound_block.h.
#ifndef TA_DSP_SOUND_HUM_H
#define TA_DSP_SOUND_HUM_H

#include <stddef.h>

struct ta_sound_hum_params {
    double frequency; // of the fundamental, 45 to 66 Hz, as measured (sound_mains.h); 0: found on the way
    double highest;   // harmonics up to here, Hz; 0: 1000
};

struct ta_sound_hum;

struct ta_sound_hum *ta_sound_hum_create(const struct ta_sound_hum_params *params, int rate, int channels);
void ta_sound_hum_destroy(struct ta_sound_hum **hum);
void ta_sound_hum_run(struct ta_sound_hum *hum, float *const *planes, size_t samples);
size_t ta_sound_hum_latency(const struct ta_sound_hum *hum);
size_t ta_sound_hum_reach(const struct ta_sound_hum *hum);
// The fundamental as it is followed now, Hz; 0 while none is known.
double ta_sound_hum_frequency(const struct ta_sound_hum *hum);

#endif
