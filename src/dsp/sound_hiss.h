// Takes hiss out of sound: spectra of some 40 ms, noise by minimum statistics with a look ahead, gains of the
// logarithmic spectral amplitude's estimator. All channels get the same gains, so that places stay where they
// are. For what is not said here see sound_block.h.
#ifndef TA_DSP_SOUND_HISS_H
#define TA_DSP_SOUND_HISS_H

#include <stddef.h>

struct ta_sound_hiss_params {
    double reduction_db; // most that noise is lowered by, 0 to 60; 0 changes nothing but by rounding
    double strength;     // that noise is taken for: 1 as it is, up to 4 where more of it is to go; 0: 1
};

struct ta_sound_hiss;

struct ta_sound_hiss *ta_sound_hiss_create(const struct ta_sound_hiss_params *params, int rate, int channels);
void ta_sound_hiss_destroy(struct ta_sound_hiss **hiss);
void ta_sound_hiss_run(struct ta_sound_hiss *hiss, float *const *planes, size_t samples);
size_t ta_sound_hiss_latency(const struct ta_sound_hiss *hiss);
size_t ta_sound_hiss_reach(const struct ta_sound_hiss *hiss);

#endif
