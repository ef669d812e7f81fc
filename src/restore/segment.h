// The segment task: decode, chain, encode one range of output frames into one file. A pure function of plan,
// index and source.
#ifndef TA_RESTORE_SEGMENT_H
#define TA_RESTORE_SEGMENT_H

#include "base/env.h"
#include "plan/plan.h"
#include "restore/callbacks.h"
#include "restore/done.h"
#include "restore/turns.h"

struct ta_segment_result {
    int64_t frames, bytes;
    int64_t concealed, damaged; // source frames of the segment that were repaired
    int delay; // reorder delay in frames: the most that a packet comes later than its place in presentation
               // order
    int max_cll, max_fall; // HDR10: the brightest pixel and the brightest frame's average, cd/m2; else 0
    char sha256[65];       // of the file
};

// Makes the file `name` in the folder (a temporary name; not synced, not renamed). `turns` may be NULL. On
// failure the file is removed. TA_ERR_DAMAGED when the chain gave other frames than planned; TA_ERR_CANCELED
// when env->cancel says so. Messages go to env->log.
int ta_segment_run(const struct ta_plan *plan, int segment, const struct ta_folder *folder, const char *name,
                   struct ta_turns *turns, struct ta_meter *meter, const struct ta_env *env,
                   struct ta_segment_result *out);
// The same for any range (see ta_plan_range()).
int ta_segment_make(const struct ta_plan *plan, const struct ta_segment *segment,
                    const struct ta_folder *folder, const char *name, struct ta_turns *turns,
                    struct ta_meter *meter, const struct ta_env *env, struct ta_segment_result *out);

// As the journal keeps it, and back.
void ta_segment_to_done(const struct ta_segment_result *result, struct ta_done *done);
void ta_segment_from_done(const struct ta_done *done, struct ta_segment_result *result);

#endif
