// Whether this machine can do what a plan says.
#ifndef TA_RESTORE_PLAN_CHECK_H
#define TA_RESTORE_PLAN_CHECK_H

#include "base/env.h"
#include "plan/plan.h"

// The filters are there and take what is planned, and the encoder opens. 0, or TA_ERR_* with the reason
// logged to env->log. `env` (may be NULL) is what the stages would get.
int ta_plan_check(const struct ta_plan *plan, const struct ta_env *env);

#endif
