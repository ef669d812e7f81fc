// Finds wow and flutter: the speed of a tape that swings, as whatever turns in a machine is not quite round.
// From one short spectrum to the next all partials of whatever sounds move by the same ratio; over pieces of
// some 20 s these ratios are searched for swings that keep their rate and phase, as turning parts have it and
// singers do not. Swings of 0.5 to 12 Hz are found, and only while something with a pitch is heard.
#ifndef TA_DSP_SOUND_WOW_H
#define TA_DSP_SOUND_WOW_H

#include <stddef.h>

struct ta_sound_wow_result {
    double percent;    // RMS of the speed's deviation by all swings that stand out
    double hertz;      // of the largest; 0: nothing found
    double confidence; // that it is one, 0 to 1; with nothing found, that there is none
};

struct ta_sound_wow;

// NULL if rate or channels are out of range (sound_block.h). Thread-safety: Unsafe.
struct ta_sound_wow *ta_sound_wow_create(int rate, int channels);
void ta_sound_wow_destroy(struct ta_sound_wow **wow);
void ta_sound_wow_add(struct ta_sound_wow *wow, const float *const *planes, size_t samples);
// Of all that was added so far.
void ta_sound_wow_result(const struct ta_sound_wow *wow, struct ta_sound_wow_result *out);

#endif
