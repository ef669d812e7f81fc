// Takes clicks and crackle out of sound, and fills in dropouts. A click is where prediction from before and
// from after fail at once, far more than anywhere around; it is filled in from both sides by a model of what
// is around. Where sound is gone for a moment, up to 20 ms are filled in likewise, and up to 60 by what was
// before and after, faded from one to the other. All else stays as it is, to the bit. For what is not said
// here see sound_block.h.
#ifndef TA_DSP_SOUND_CLICKS_H
#define TA_DSP_SOUND_CLICKS_H

#include <stdbool.h>
#include <stddef.h>

struct ta_sound_clicks_params {
    double threshold; // errors of prediction against those around, 2 to 100; the lower, the more are clicks;
                      // 0: 8
    bool keep_clicks; // for dropouts alone
    bool keep_dropouts;
};

struct ta_sound_clicks_counts {
    long long clicks, dropouts; // of the channel with most
    long long samples;          // filled in, in all channels
};

struct ta_sound_clicks;

struct ta_sound_clicks *ta_sound_clicks_create(const struct ta_sound_clicks_params *params, int rate,
                                               int channels);
void ta_sound_clicks_destroy(struct ta_sound_clicks **clicks);
void ta_sound_clicks_run(struct ta_sound_clicks *clicks, float *const *planes, size_t samples);
size_t ta_sound_clicks_latency(const struct ta_sound_clicks *clicks);
size_t ta_sound_clicks_reach(const struct ta_sound_clicks *clicks);
void ta_sound_clicks_counts(const struct ta_sound_clicks *clicks, struct ta_sound_clicks_counts *out);

#endif
