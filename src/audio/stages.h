// The sound stages by name, for their list and for the plan, which places them.
#ifndef TA_AUDIO_STAGES_H
#define TA_AUDIO_STAGES_H

#include "audio/stage.h"

extern const struct ta_sound_stage_info ta_sound_channels; // one-sided and out-of-phase sound
extern const struct ta_sound_stage_info ta_sound_gain;
extern const struct ta_sound_stage_info ta_sound_highpass, ta_sound_lowpass, ta_sound_peak;
extern const struct ta_sound_stage_info ta_sound_compressor, ta_sound_limiter;
extern const struct ta_sound_stage_info ta_sound_stage_hum, ta_sound_stage_buzz, ta_sound_stage_clicks;
extern const struct ta_sound_stage_info ta_sound_stage_hiss;
// By networks (audio/network.h).
extern const struct ta_sound_stage_info ta_sound_deepfilter, ta_sound_gtcrn, ta_sound_rnnoise,
    ta_sound_flashsr;
extern const struct ta_sound_stage_info ta_sound_mix; // other speakers by fixed weights
extern const struct ta_sound_stage_info ta_sound_upmix_simple, ta_sound_upmix_matrix, ta_sound_upmix_surround;

struct ta_sound_channels_opts {
    int mode; // enum ta_sound_channels_mode
};
enum ta_sound_channels_mode { TA_SOUND_FROM_LEFT = 0, TA_SOUND_FROM_RIGHT, TA_SOUND_INVERT };
struct ta_sound_gain_opts {
    double gain; // dB
};
struct ta_sound_filter_opts {  // of all three filters
    double frequency, q, gain; // Hz, 1, dB (the peak's)
};
struct ta_sound_compressor_opts {
    double threshold, ratio, attack, release; // dB, 1, ms, ms
};
struct ta_sound_limiter_opts {
    double ceiling; // dB true peak
};
struct ta_sound_hum_opts {
    double frequency; // Hz; 0: found on the way
};
struct ta_sound_buzz_opts {
    double fields; // a second
};
struct ta_sound_clicks_opts {
    double threshold;
};
struct ta_sound_hiss_opts {
    double reduction, strength; // dB, 1
};
struct ta_sound_layout_opts {  // of all that change speakers
    char *layout;              // libav's name
    double lfe, delay, centre; // Hz, ms, weight: those of upmix.simple
};

#endif
