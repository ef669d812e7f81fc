// What the stages of the slot "denoise" share.
#ifndef TA_VIDEO_DENOISE_H
#define TA_VIDEO_DENOISE_H

#include <stdbool.h>

#include "base/opt.h"
#include "media/format.h"

struct ta_buf;

// Means the same in hqdn3d and recursive: the difference to a neighbour, in levels of 8 bits, that gives it a
// quarter of its weight.
struct ta_denoise_opts {
    struct ta_floats strength;
};
enum ta_denoise_strength { TA_LUMA_SPACE = 0, TA_CHROMA_SPACE, TA_LUMA_TIME, TA_CHROMA_TIME };

extern const struct ta_opt ta_denoise_options[];

// Of denoise.motion. The noise is "auto" until the plan, which knows what was measured, replaces it.
struct ta_denoise_motion_opts {
    double strength;                 // factor of the noise
    double sigma_luma, sigma_chroma; // its standard deviations, in steps of 8 bits, or TA_NOISE_AUTO
    double sharpen;
    int64_t radius; // 0 until set_quality() replaces it
    int effort;     // enum ta_effort
};
#define TA_NOISE_AUTO (-1.0)
#define TA_NOISE_MOST 32.0
#define TA_NOISE_UNKNOWN 2.0 // what is taken where nothing was measured

// Refuses what is not planar YUV of 8 to 16 bits without alpha.
int ta_denoise_check(const struct ta_format *in, struct ta_buf *why);
// The same, and refuses options without numbers.
int ta_denoise_check_all(const struct ta_denoise_opts *o, const struct ta_format *in, struct ta_buf *why);

// Puts numbers in the place of "auto"; see ta_stage_info.
struct ta_stage_measured;
void ta_denoise_set_measured(void *opts, const struct ta_stage_measured *m, struct ta_buf *why);
// No strength at all.
bool ta_denoise_is_neutral(const void *opts, const struct ta_format *in);

#endif
