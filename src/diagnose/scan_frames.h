// What the frames that the scan type is decided on look like, one by one.
#ifndef TA_DIAGNOSE_SCAN_FRAMES_H
#define TA_DIAGNOSE_SCAN_FRAMES_H

#include "diagnose/cadence.h"
#include "diagnose/scan_runs.h"

struct ta_measure_frame;

struct ta_scan_frames {
    struct ta_scan_fact *facts; // [count] of the frames measured, in order
    struct ta_field_triple (
        *triples[2])[2]; // [count] for each field order; NULL unless all frames are measured
    double *combing;     // [count] of still frames, 0 for others
    uint8_t *flagged;    // [count] enum ta_scan_type by what the decoder says of them
    int64_t count;
};

// `all`: all frames of the file will come. TA_ERR_NOMEM; to be released in any case.
int ta_scan_frames_init(struct ta_scan_frames *f, int64_t count, bool all);
void ta_scan_frames_take(struct ta_scan_frames *f, const struct ta_measure_frame *frame);
void ta_scan_frames_release(struct ta_scan_frames *f);

#endif
