// Re-reading a joined file: packets, times, decoding, sync, checksum. Used before an output gets its name,
// and later by `verify`.
#ifndef TA_RESTORE_CHECK_H
#define TA_RESTORE_CHECK_H

#include <jansson.h>

#include "restore/callbacks.h"
#include "plan/plan.h"

struct ta_check_result {
    int64_t bytes;
    char sha256[65];
    int64_t frames_decoded;
    int64_t sound_missing; // 1: fewer sound streams than planned
    json_t *streams; // [{"codec", "packets", "bytes", "start", "end"}] in output order; owned by the caller
    // Seconds: the largest distance of a sound stream's start from where the plan puts it.
    double worst_sync_copied, worst_sync_transcoded;
};

// `plan->index` NULL (a plan read from a report): times are checked to rise, not against the timeline.
// full: every video frame is decoded; else every key frame (for intra-only codecs one in about a second) and
// the first frames after each seam. TA_ERR_DAMAGED when something is wrong, each fault logged with its place.
int ta_check_output(const struct ta_plan *plan, const char *path, bool full, struct ta_meter *meter,
                    struct ta_check_result *out, struct ta_log *log);

#endif
