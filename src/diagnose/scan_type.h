// Scan type: is a source progressive or interlaced, which field comes first, is it telecined, and where does
// that change. Measured on decoded pictures; flags in the stream decide only where the pictures say too
// little.
#ifndef TA_DIAGNOSE_SCAN_TYPE_H
#define TA_DIAGNOSE_SCAN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "media/film.h"
#include "media/index/index.h"

struct ta_scan_run { // frames first..first+count-1 (numbers in index->frames)
    int64_t first, count;
    enum ta_scan_type type;
};

struct ta_scan_result {
    struct ta_scan_run
        *runs; // cover all frames, neighbours differ; one run unless the full scan found changes
    int run_count;
    enum ta_scan_type
        type;          // of most frames; for telecined material the order of the fields it was woven from
    double confidence; // 0..1: share of the frames with evidence that agree, and how much evidence there was
    bool telecine_suspected;  // repeated fields in a 2:3 (or 2:3:3:2) cadence, or interlaced frames in a
                              // regular pattern among progressive ones
    bool full;                // every frame was looked at
    struct ta_film_run *film; // what inverse telecine would do with each frame; covers all, NULL unless full
    int film_count;
    int64_t frames_measured, frames_tff, frames_bff, frames_progressive,
        frames_still;          // still: no motion, no evidence
    enum ta_scan_type flagged; // what most of the measured frames are flagged as by the decoder
};

// Sampled windows (short runs of frames spread evenly over the file, head and tail included), or all frames
// when `full` or when the file is short. Change points have a minimum distance of 12 frames. Without evidence
// (stills) the stream's flags decide, or torn pictures against a progressive flag, and confidence is low. A
// sample that disagrees with itself, or looks telecined, asks for the full scan: *needs_full (may be NULL) is
// set. 0 or TA_ERR_*; on failure *out is empty. Release *out in any case.
int ta_scan_type_measure(struct ta_scan_result *out, const char *path, const struct ta_index *index,
                         bool full, bool *needs_full, const struct ta_cancel *cancel,
                         const struct ta_progress_fn *progress, struct ta_log *log);
void ta_scan_result_release(struct ta_scan_result *r);
json_t *ta_scan_result_to_json(const struct ta_scan_result *r);

#endif
