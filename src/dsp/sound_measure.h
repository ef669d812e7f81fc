// What is heard in a track, in one pass and constant memory: facts to decide from, each with how sure it is.
// Levels are dB of full scale: 0 is the RMS of 1, a sine that fills the range has -3. "Confidence" is 0 (not
// known) to 1.
#ifndef TA_DSP_SOUND_MEASURE_H
#define TA_DSP_SOUND_MEASURE_H

#include <stddef.h>

#include "dsp/sound_mains.h"
#include "dsp/sound_wow.h"

enum ta_sound_channels {
    TA_SOUND_UNKNOWN,      // silent, or too short to tell
    TA_SOUND_MONO,         // one channel
    TA_SOUND_STEREO,       // or more channels, which differ
    TA_SOUND_DUAL_MONO,    // two channels with the same sound
    TA_SOUND_OUT_OF_PHASE, // the same sound, one turned over
    TA_SOUND_ONE_SIDED,    // sound in one of two channels
};

struct ta_sound_value {
    double value, confidence;
};

// Buzz of head switching (sound_buzz.h), in the mean of all channels, of excerpts.
struct ta_sound_buzz_heard {
    double fields; // a second: near 50 or 59.94; 0: nothing found
    double confidence;
    double level_db;
};

struct ta_sound_measured {
    double seconds;
    double silent;                  // share of half seconds in which there is digital silence, 0 to 1
    double rms_db, peak_db;         // of the samples that are not; the loudest channel's peak; -200: none
    long long bad_samples;          // that were no numbers
    struct ta_sound_value noise_db; // RMS of the quietest half seconds that are not digital silence
    struct ta_sound_value hiss_db;  // of noise above 2 kHz
    struct ta_sound_value bandwidth_hz;
    struct ta_sound_mains_result hum;
    struct ta_sound_buzz_heard buzz;
    struct ta_sound_wow_result wow;
    struct ta_sound_value clipped;  // runs of clipped samples a minute
    struct ta_sound_value clicks;   // a minute; of long tracks a part is heard for them
    struct ta_sound_value dropouts; // a minute, likewise
    double clip_level;              // where, 0 to 1 and above; 0: nowhere
    enum ta_sound_channels channels;
    double channels_confidence;
    int side;           // the channel with sound, of TA_SOUND_ONE_SIDED
    double correlation; // of the first two channels, -1 to 1
    double balance_db;  // of the first above the second
};

struct ta_sound_measure;

// NULL if rate or channels are out of range (sound_block.h). Thread-safety: Unsafe.
struct ta_sound_measure *ta_sound_measure_create(int rate, int channels);
void ta_sound_measure_destroy(struct ta_sound_measure **measure);
// Any number of samples at a time. Nothing is changed.
void ta_sound_measure_add(struct ta_sound_measure *measure, const float *const *planes, size_t samples);
// Of all that was added so far.
void ta_sound_measure_result(const struct ta_sound_measure *measure, struct ta_sound_measured *out);

#endif
