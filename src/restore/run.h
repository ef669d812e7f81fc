// The local scheduler: runs the plan's missing segments on threads of this process.
#ifndef TA_RESTORE_RUN_H
#define TA_RESTORE_RUN_H

#include "restore/callbacks.h"
#include "restore/sound.h"
#include "restore/space.h"
#include "restore/work.h"

// How many segments are encoded at once on this machine: enough encoders to fill the cores, within the
// memory.
int ta_run_jobs(const struct ta_plan *plan, const struct ta_run_opts *run, const struct ta_env *env);

// Runs what is missing. Stops at the first failure, of the sound beside it too, or when the caller cancels;
// finished segments stay finished.
int ta_run_segments(struct ta_work *work, const struct ta_sound *sound, const struct ta_run_opts *run,
                    struct ta_space *space, struct ta_meter *meter, struct ta_log *log);

// Runs one segment alone, in a folder opened by ta_work_open_task().
int ta_run_segment(struct ta_work *work, const struct ta_run_opts *run, int segment, struct ta_meter *meter,
                   struct ta_log *log);

#endif
