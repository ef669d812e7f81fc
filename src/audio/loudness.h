// Loudness by EBU R 128, and what is done about it. Measured by libebur128, which may be missing from a
// build.
#ifndef TA_AUDIO_LOUDNESS_H
#define TA_AUDIO_LOUDNESS_H

#include <stdbool.h>
#include <stddef.h>

#include "audio/stage.h"

extern const bool ta_loudness_is_there; // libebur128 was built in

// Thread-safety: Unsafe.
struct ta_loudness;
// TA_ERR_UNSUPPORTED where libebur128 is missing, TA_ERR_NOMEM; logged.
int ta_loudness_create(struct ta_loudness **out, const struct ta_sound_format *format, struct ta_log *log);
int ta_loudness_add(struct ta_loudness *l, float *const *planes, size_t samples);
// Integrated, in LUFS; -INFINITY for what is silent or shorter than 0.4 s.
double ta_loudness_get(const struct ta_loudness *l);
void ta_loudness_destroy(struct ta_loudness **l);

// What a track gets. All in dB.
struct ta_level {
    double gain;    // linear
    bool limited;   // true peaks are held below the ceiling
    double missing; // by how much the gain is lower than the target asks for, because peaks would be cut by
                    // more than TA_LEVEL_LIMIT, or because the track has hardly anything but noise
    bool silent;    // nothing to measure: it stays as it is
};
#define TA_LEVEL_LIMIT 3.0    // dB that the limiter may take off
#define TA_LEVEL_MOST 30.0    // dB that a track is raised by at most
#define TA_LEVEL_CEILING -1.5 // dBTP before the encoder
#define TA_LEVEL_ENCODER 0.5  // dB that an encoder may add
// `loudness` in LUFS and `peak` in dBTP as measured; target 0: no target, peaks alone are kept below the
// ceiling. Pure.
struct ta_level ta_level_for(double loudness, double peak, double target, double ceiling);

#endif
