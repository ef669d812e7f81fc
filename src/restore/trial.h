// Does the container take what a plan wants to put into it? Tried while planning, so that nothing is refused
// when all work is done.
#ifndef TA_RESTORE_TRIAL_H
#define TA_RESTORE_TRIAL_H

#include "base/env.h"
#include "plan/plan.h"

// Writes head, first packets of each stream that is copied or transcoded, and end of the output into nothing.
// A stream that the muxer refuses becomes another one in the plan: sound is transcoded where it was to be
// copied, what is left is dropped, and the plan says so. `index` is the plan's. TA_ERR_UNSUPPORTED, logged,
// when the container does not even take the pictures; TA_ERR_CANCELED, TA_ERR_NOMEM.
int ta_plan_trial(struct ta_plan *plan, const struct ta_index *index, const struct ta_env *env);

#endif
