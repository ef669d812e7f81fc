// Scan type: is a source progressive or interlaced, which field comes first, is it telecined, and where does
// that change. Measured on decoded pictures; flags in the stream decide only where the pictures say too
// little.
#ifndef TA_DIAGNOSE_SCAN_TYPE_H
#define TA_DIAGNOSE_SCAN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "media/film.h"
#include "media/format.h"

struct ta_log;
struct ta_measure_info;

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

// A sample, or all frames of the file. Change points have a minimum distance of 12 frames. Without evidence
// (stills) the stream's flags decide, or torn pictures against a progressive flag, and confidence is low. A
// sample that disagrees with itself, or looks telecined, wants the full scan.
extern const struct ta_measure_info ta_measure_scan_type;

// All of it, and back: what is read is checked against the number of the source's frames. Release *out in any
// case.
json_t *ta_scan_result_to_json(const struct ta_scan_result *r);
int ta_scan_result_from_json(struct ta_scan_result *out, const json_t *value, int64_t frames,
                             const char *where, struct ta_log *log);
// What a plan keeps of it for people to read: all but the film, of which it has its own.
json_t *ta_scan_result_summary(const struct ta_scan_result *r);
void ta_scan_result_release(struct ta_scan_result *r);

#endif
