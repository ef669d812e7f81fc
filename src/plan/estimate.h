// What a plan will take on disk, before anything is encoded.
#ifndef TA_PLAN_ESTIMATE_H
#define TA_PLAN_ESTIMATE_H

#include "plan/plan.h"

// Bytes of the sound, subtitles and other streams that go into the output; from the index, so nearly exact
// for what is copied. 0 for a plan without index.
int64_t ta_estimate_other_streams(const struct ta_plan *plan);

#endif
