// What a run's record says of it.
#ifndef TA_RESTORE_MEASURE_H
#define TA_RESTORE_MEASURE_H

#include "infer/sessions.h"
#include "metrics/metrics.h"
#include "plan/plan.h"
#include "restore/callbacks.h"

struct ta_measure {
    struct ta_metrics *metrics;
    const struct ta_plan *plan;
    const struct ta_env *env; // NULL: none
    struct ta_sessions_stats before;
    struct ta_stage_seconds {
        double all, scale, encode; // of the kind "stage" in the ledger
    } spent;
};

void ta_measure_begin(struct ta_measure *m, struct ta_metrics *metrics, const struct ta_plan *plan,
                      const struct ta_callbacks *callbacks, const char *kind);
// delivered: output frames; made: those that this run made itself.
void ta_measure_end(struct ta_measure *m, int64_t delivered, int64_t made, double seconds);

#endif
