// Decoding and measuring the frames that the scan type is decided on, on all cores.
#ifndef TA_DIAGNOSE_SCAN_FRAMES_H
#define TA_DIAGNOSE_SCAN_FRAMES_H

#include "diagnose/cadence.h"
#include "diagnose/scan_runs.h"
#include "media/index/index.h"

struct ta_cancel;
struct ta_log;
struct ta_progress_fn;

enum { TA_SCAN_WINDOWS = 10, TA_SCAN_WINDOW_FRAMES = 12 };

struct ta_scan_frames {
    struct ta_scan_fact *facts; // [count] of the frames measured, in order
    struct ta_field_triple (
        *triples[2])[2]; // [count] for each field order; NULL unless all frames are measured
    int64_t count;
    int64_t flagged[TA_SCAN_TYPES]; // frames by what the decoder says of them
    double combing;                 // sum over still frames
    int64_t stills;
};

// Measures all frames, or windows of TA_SCAN_WINDOW_FRAMES spread evenly, the first and the last of the file
// included. The result does not depend on the number of cores. On failure nothing has to be released.
int ta_scan_frames_measure(struct ta_scan_frames *out, const char *path, const struct ta_index *index,
                           bool all, const struct ta_cancel *cancel, const struct ta_progress_fn *progress,
                           struct ta_log *log);
void ta_scan_frames_release(struct ta_scan_frames *f);

#endif
