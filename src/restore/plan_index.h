// The index of a plan that was written earlier.
#ifndef TA_RESTORE_PLAN_INDEX_H
#define TA_RESTORE_PLAN_INDEX_H

#include "plan/plan.h"

// From beside the plan, its work folder (`work_dir` as the option), the cache (NULL: none), else from the
// source, which alone takes long; with it what was measured, where that lies beside it. TA_ERR_MISMATCH when
// the source is not the one that was planned for.
int ta_plan_find_index(struct ta_plan *plan, const char *work_dir, const char *cache, struct ta_log *log);
// The same for a task that may come together with others: one of them makes the index in the work folder,
// the others wait for it. The folder exists afterwards.
int ta_plan_find_index_once(struct ta_plan *plan, const char *work_dir, const char *cache,
                            struct ta_log *log);

#endif
