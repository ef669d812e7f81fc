// From what single frames look like to runs of one scan type: the decision part of the scan type diagnosis,
// without any I/O.
#ifndef TA_DIAGNOSE_SCAN_RUNS_H
#define TA_DIAGNOSE_SCAN_RUNS_H

#include "diagnose/field_metrics.h"
#include "diagnose/scan_type.h"

enum { TA_SCAN_TYPES = 3, TA_SCAN_MIN_RUN = 12 };

// What one frame says.
struct ta_scan_fact {
    float share[TA_SCAN_TYPES]; // by enum ta_scan_type; their sum is 1, or 0 for a still frame
    float strength;             // 0..1: how much it counts
    float repeat;               // as in ta_field_metrics
    float motion;
    bool telecine; // lies in a pulldown cadence
};

void ta_scan_fact_from_metrics(struct ta_scan_fact *out, const struct ta_field_metrics *m);
// The type that has the largest share; -1 for a still frame.
int ta_scan_fact_type(const struct ta_scan_fact *f);

// Do these consecutive frames show a pulldown cadence of five frames? Needs at least ten.
bool ta_scan_is_telecine(const struct ta_scan_fact *facts, int64_t count);
// Looks for cadences all along consecutive frames. In these places progressive frames stop counting as such:
// they are woven from film frames in turn with combed ones. Returns the number of frames in such places.
int64_t ta_scan_mask_telecine(struct ta_scan_fact *facts, int64_t count);

// The runs of consecutive frames that fit best when none may be shorter than TA_SCAN_MIN_RUN and each change
// costs a few frames' evidence: single misreads vanish, and a change lies exactly where the frames change.
// Still frames go with their neighbours. *runs is to be freed by the caller.
int ta_scan_find_runs(const struct ta_scan_fact *facts, int64_t count, struct ta_scan_run **runs,
                      int *run_count);

#endif
