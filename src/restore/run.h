// The local scheduler: runs the plan's missing tasks on threads of this process.
#ifndef TA_RESTORE_RUN_H
#define TA_RESTORE_RUN_H

#include "restore/callbacks.h"
#include "restore/sound.h"
#include "restore/space.h"
#include "restore/work.h"

// How many segments are encoded at once on this machine: enough encoders to fill the cores, within the
// memory.
int ta_run_jobs(const struct ta_plan *plan, const struct ta_run_opts *run, const struct ta_env *env);

// Runs what is missing, each task after those that it needs. Stops at the first failure, of the sound beside
// it too, or when the caller cancels; finished tasks stay finished. `log` tells its first error alone
// (ta_log_only_first_error()), and so do those of `work` and `space`: what stops one task, a full disk
// mostly, stops those beside it too.
int ta_run_tasks(struct ta_work *work, const struct ta_sound *sound, const struct ta_run_opts *run,
                 struct ta_space *space, struct ta_meter *meter, struct ta_log *log);

// Runs one task alone, in a folder opened by ta_work_open_task(); what it needs is finished. 0 when it is
// finished too, even where there is no room for another. `log` as above.
int ta_run_task(struct ta_work *work, const struct ta_run_opts *run, int number, struct ta_meter *meter,
                struct ta_log *log);

#endif
