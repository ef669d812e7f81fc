// How a failed run goes on, as one line for a person; "" where the error's message says it all.
#ifndef TA_RESTORE_ADVICE_H
#define TA_RESTORE_ADVICE_H

#include "plan/plan.h"

// To be freed. `work_dir` as chosen for the run (ta_work_choose_dir); `resumable`: finished work was kept.
char *ta_advice_after_run(const struct ta_plan *plan, const char *work_dir, bool resumable, int err);
// After ta_plan_resume(), from the work folder `dir`. Static.
const char *ta_advice_after_resuming(const char *dir, int err);
// Static.
const char *ta_advice_after_planning(int err);

#endif
