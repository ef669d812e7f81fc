// Finds the hum of the mains: lines at multiples of 50 or 60 Hz (within 2 %, as a tape's speed goes) that
// stay while all else comes and goes. Spectra of some 3 s are averaged as logarithms, which lets a steady
// line stand out of speech and music that are far louder for part of the time.
#ifndef TA_DSP_SOUND_MAINS_H
#define TA_DSP_SOUND_MAINS_H

#include <stdbool.h>
#include <stddef.h>

enum { TA_SOUND_HARMONICS = 20 }; // at most: those up to 1 kHz of 50 Hz

struct ta_sound_mains_result {
    double frequency;  // of the fundamental, Hz; 0: nothing found
    double confidence; // that it is hum of the mains, 0 to 1
    double level_db;   // of all its harmonics together, RMS, dB of full scale, in the loudest channel
    int harmonics;     // that stand out
    int spectra;       // heard so far
};

struct ta_sound_mains;

// NULL if rate or channels are out of range (sound_block.h). Thread-safety: Unsafe.
struct ta_sound_mains *ta_sound_mains_create(int rate, int channels);
void ta_sound_mains_destroy(struct ta_sound_mains **mains);
void ta_sound_mains_add(struct ta_sound_mains *mains, const float *const *planes, size_t samples);
void ta_sound_mains_result(const struct ta_sound_mains *mains, struct ta_sound_mains_result *out);

#endif
