// Takes the buzz of head switching out of Hi-Fi sound: clicks at the rate of fields, each of two heads with
// its own. Sound is averaged in step with the picture's frames over some hundred fields, what is loud
// counting for little; what stands out of that mean at its own place in the frame is buzz, and is subtracted.
// A sound card's clock that is not the picture's is followed. Steady tones are none of it. For what is not
// said here see sound_block.h.
#ifndef TA_DSP_SOUND_BUZZ_H
#define TA_DSP_SOUND_BUZZ_H

#include <stddef.h>

struct ta_sound_buzz_params {
    double fields; // a second, 40 to 70: 50 or 60 / 1.001; 0: the latter
};

struct ta_sound_buzz_found {
    double level_db;   // RMS of what is taken out, in the loudest channel, dB of full scale; -200: nothing
    double confidence; // that there is buzz, 0 to 1
    double fields;     // a second, as followed
};

struct ta_sound_buzz;

struct ta_sound_buzz *ta_sound_buzz_create(const struct ta_sound_buzz_params *params, int rate, int channels);
void ta_sound_buzz_destroy(struct ta_sound_buzz **buzz);
void ta_sound_buzz_run(struct ta_sound_buzz *buzz, float *const *planes, size_t samples);
size_t ta_sound_buzz_latency(const struct ta_sound_buzz *buzz);
size_t ta_sound_buzz_reach(const struct ta_sound_buzz *buzz);
// Of the last seconds that were worked on.
void ta_sound_buzz_found(const struct ta_sound_buzz *buzz, struct ta_sound_buzz_found *out);

#endif
