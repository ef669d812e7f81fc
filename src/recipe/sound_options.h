// What to make of the sound.
#ifndef TA_RECIPE_SOUND_OPTIONS_H
#define TA_RECIPE_SOUND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

struct ta_sound_recipe {
    int enhance;      // enum ta_sound_enhance
    int hum;          // enum ta_sound_repair
    int buzz;         // enum ta_sound_repair
    int clicks;       // enum ta_sound_repair
    int channels;     // enum ta_sound_channels_choice
    int layout;       // enum ta_sound_layout
    int upmix;        // enum ta_sound_upmix
    double lfe;       // Hz
    double delay;     // ms
    double centre;    // weight
    double gain;      // dB
    double loudness;  // LUFS; 0: off
    int drift;        // enum ta_sound_drift
    int64_t bitrate;  // kbit/s; 0: by codec and channels
    int model;        // 0: the best that is here; else of ta_sound_denoisers (audio/network.h), from 1
    double reduction; // dB that a network takes off noise at most
    bool link;        // a network cleans all channels alike
    int extend;       // enum ta_sound_extend
};
enum ta_sound_enhance {
    TA_ENHANCE_OFF = 0,
    TA_ENHANCE_AUTO,
    TA_ENHANCE_LIGHT,
    TA_ENHANCE_MODERATE,
    TA_ENHANCE_AGGRESSIVE,
    TA_ENHANCE_VOICE,
    TA_ENHANCE_MUSIC,
    TA_ENHANCE_NEURAL
};
enum ta_sound_repair { TA_REPAIR_KEEP = 0, TA_REPAIR_AUTO, TA_REPAIR_REMOVE };
enum ta_sound_channels_choice {
    TA_CHANNELS_KEEP = 0,
    TA_CHANNELS_AUTO,
    TA_CHANNELS_LEFT,
    TA_CHANNELS_RIGHT,
    TA_CHANNELS_INVERT
};
enum ta_sound_layout { TA_LAYOUT_SOURCE = 0, TA_LAYOUT_MONO, TA_LAYOUT_STEREO, TA_LAYOUT_5_1, TA_LAYOUT_7_1 };
enum ta_sound_upmix { TA_UPMIX_MATRIX = 0, TA_UPMIX_SIMPLE, TA_UPMIX_SURROUND };
enum ta_sound_extend { TA_EXTEND_OFF = 0, TA_EXTEND_NARROW, TA_EXTEND_ALWAYS };
enum ta_sound_drift { TA_DRIFT_KEEP = 0, TA_DRIFT_CORRECT };

extern const struct ta_opt ta_sound_recipe_options[];
// Is anything asked for but how sound is stored?
bool ta_sound_recipe_restores(const struct ta_sound_recipe *r);

#endif
