// Levels of half seconds, how channels go together, and clipped runs: the part of sound_measure.h that looks
// at samples as they are.
#ifndef TA_DSP_SOUND_LEVELS_H
#define TA_DSP_SOUND_LEVELS_H

#include "dsp/sound_measure.h"

struct ta_sound_levels;

struct ta_sound_levels *ta_sound_levels_create(int rate, int channels);
void ta_sound_levels_destroy(struct ta_sound_levels **levels);
void ta_sound_levels_add(struct ta_sound_levels *levels, const float *const *planes, size_t samples);
// Sets what it knows of.
void ta_sound_levels_result(const struct ta_sound_levels *levels, struct ta_sound_measured *out);

#endif
