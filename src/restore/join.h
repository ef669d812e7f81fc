// Joining: finished segments and the source's other streams become one container file.
#ifndef TA_RESTORE_JOIN_H
#define TA_RESTORE_JOIN_H

#include "restore/callbacks.h"
#include "plan/plan.h"
#include "restore/sound.h"
#include "restore/work.h"

struct ta_join_result {
    int64_t bytes;
    int64_t audio_gaps, audio_overlaps, audio_errors; // of transcoded sound
    int64_t early;                                    // packets that lay before time 0 and found no place
    int64_t refused; // packets of copied streams that the container did not take
};

// Writes `path` ("-": standard output). All segments must be finished; the tracks of `sound` are taken. On
// failure nothing is left at `path`.
int ta_join(const struct ta_work *work, struct ta_sound *sound, const char *path, struct ta_meter *meter,
            struct ta_join_result *out, struct ta_log *log);

// Colour, geometry and field order of the output's pictures, as the plan has them.
void ta_join_describe_video(const struct ta_plan *plan, AVCodecParameters *par);

// The video lane alone, for tests: packets with final times in plan->out_time_base. To be destroyed with
// ta_lane_destroy().
int ta_join_video_lane(struct ta_lane **out, const struct ta_work *work, struct ta_log *log);

#endif
