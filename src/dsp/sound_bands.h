// How far up sound goes and how loud hiss is: the part of sound_measure.h that looks at spectra.
#ifndef TA_DSP_SOUND_BANDS_H
#define TA_DSP_SOUND_BANDS_H

#include "dsp/sound_measure.h"

struct ta_sound_bands;

struct ta_sound_bands *ta_sound_bands_create(int rate, int channels);
void ta_sound_bands_destroy(struct ta_sound_bands **bands);
void ta_sound_bands_add(struct ta_sound_bands *bands, const float *const *planes, size_t samples);
// Sets what it knows of.
void ta_sound_bands_result(const struct ta_sound_bands *bands, struct ta_sound_measured *out);

#endif
