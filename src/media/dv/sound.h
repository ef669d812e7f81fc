// Sound out of DV's blocks.
#ifndef TA_MEDIA_DV_SOUND_H
#define TA_MEDIA_DV_SOUND_H

#include "media/dv/facts.h"

enum { TA_DV_MAX_SAMPLES = 1944 + 63 }; // of a channel in a frame

// The samples of pair `pair` of a frame as 16-bit stereo into `out` (2 * sound->samples). `there` has a byte
// for each block, 0 where it is missing. What is missing or marked as wrong is bridged by a straight line;
// returns the number of such samples (2 * samples when there is nothing: `out` is silence then).
int ta_dv_sound_extract(const uint8_t *frame, const uint8_t *there, const AVDVProfile *p,
                        const struct ta_dv_sound *sound, int pair, int16_t *out);

// Resampling of stereo sound by a ratio that need not be a simple one. Any sample of the result can be asked
// for: it depends on the samples around its place and nothing else.
struct ta_dv_resampler;
// `ratio`: samples out for each sample in.
struct ta_dv_resampler *ta_dv_resampler_create(double ratio);
void ta_dv_resampler_destroy(struct ta_dv_resampler **r);
int ta_dv_resampler_reach(const struct ta_dv_resampler *r); // samples needed before and after a place
// The pair of samples at `place` (in samples of `in`, of which there are `count`; silence beyond).
void ta_dv_resampler_get(const struct ta_dv_resampler *r, const int16_t *in, int64_t count, double place,
                         int16_t out[2]);

#endif
