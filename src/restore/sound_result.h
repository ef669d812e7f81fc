// What was done with a whole track, in the numbers that a journal line keeps.
#ifndef TA_RESTORE_SOUND_RESULT_H
#define TA_RESTORE_SOUND_RESULT_H

#include "audio/loudness.h"
#include "plan/sound.h"
#include "restore/done.h"
#include "restore/work.h"

struct ta_sound_result {
    int64_t samples, packets;
    bool measured;         // loudness and peak are known
    double loudness, peak; // LUFS, dBTP before gain; -INFINITY for silence
    struct ta_level level;
    double limited; // dB that the limiter took off at most
    double played;  // dBTP of what a player decodes; -INFINITY where nothing is lost, or it is far below 0
};
void ta_sound_result_to_done(const struct ta_sound_result *r, struct ta_done *done);
struct ta_sound_result ta_sound_result_from_done(const struct ta_done *done);
// Of a finished track; samples is 0 when it is not.
struct ta_sound_result ta_sound_result_of(const struct ta_work *work, const struct ta_sound_plan *sound);
// For the report: [{"stream", "samples", "loudness", "peak", "gain", "limited", "missing",
// "true_peak_played"}].
json_t *ta_sound_results_json(const struct ta_work *work);
// Warns of tracks that did not become as loud as was asked for.
void ta_sound_tell_loudness(const struct ta_work *work, struct ta_log *log);

#endif
