// Transcoded sound, made while the segments are: it would hold up the join otherwise.
#ifndef TA_RESTORE_SOUND_H
#define TA_RESTORE_SOUND_H

#include "media/mux/lane.h"
#include "media/mux/streams.h"
#include "restore/work.h"

// Every transcoded sound track of the plan, read ahead into the work folder. Nothing of it outlives the run:
// an interrupted one makes its sound anew, which is quick beside the pictures.
struct ta_sound;
// `cancel` and `work` must outlive it. On failure nothing is left running.
int ta_sound_start(struct ta_sound **out, const struct ta_work *work, const struct ta_cancel *cancel,
                   struct ta_log *log);
// The lane of the plan's stream; the caller owns it, but it must be destroyed before the sound is. NULL when
// the plan does not transcode it, and at a second call.
struct ta_lane *ta_sound_take(struct ta_sound *s, int stream);
// 0, or why a track stopped (logged); 0 for NULL, as of a segment that is made alone. Thread-safety: Safe,
// until the first take.
int ta_sound_error(const struct ta_sound *s);
// Bytes in the work folder. Thread-safety: Safe, until the first take.
int64_t ta_sound_bytes(const struct ta_sound *s);
// Of all tracks; complete once their lanes have ended.
struct ta_audio_transcode_stats ta_sound_stats(const struct ta_sound *s);
void ta_sound_destroy(struct ta_sound **s);

// What the index knows of the other streams: those that begin late, and the clock that they follow. 0 or
// TA_ERR_*.
int ta_sound_prepare(const struct ta_plan *plan, struct ta_streams *streams);

#endif
