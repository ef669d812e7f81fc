// The sound of the scene, a pure function of the sample's number.
#ifndef TA_SIMULATE_SOUND_H
#define TA_SIMULATE_SOUND_H

#include <stdint.h>

enum { TA_SOUND_RATE = 48000 };

// `cut_every` seconds between clicks. Stereo, interleaved.
void ta_sound_make(uint32_t seed, double cut_every, int64_t first, int count, int16_t *interleaved);

#endif
