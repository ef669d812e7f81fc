// Single tasks of a plan, for other runners: machines under a batch system, a queue, a shell loop. A plan as
// JSON (ta_plan_json) and the source are all that a task needs. Any number of segment tasks may run at once,
// on any machines that see the same files; the join comes last. What comes out is what ta_restore() makes,
// bit for bit.
#ifndef TERMINALAI_TASK_H
#define TERMINALAI_TASK_H

#include <terminalai/restore.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ta_task_result {
    bool already;   // done before: nothing was to do
    bool delivered; // the plan's output is already there, as its report says
    int64_t frames; // output frames of the segment
    int64_t concealed, damaged;
    int64_t bytes; // of the segment's file
    double wall_seconds, cpu_seconds;
};

// Makes segment `segment` (0..ta_plan_segments()-1) in the plan's work folder, which is created when missing.
// `options` gives work-dir and strict. Doing it again is no work; a second copy that runs at the same time
// does no harm. TA_ERR_BUSY when a run of the whole plan, or the join, works on this output.
int ta_segment_task(const struct ta_plan *plan, int segment, struct ta_options *options,
                    const struct ta_callbacks *callbacks, struct ta_task_result *result, struct ta_log *log);

// Joins the finished segments, verifies the output, puts it in place and writes its report; then the work
// folder is removed. `options` gives work-dir, keep-work, overwrite and verify. `already` (may be NULL) is
// set when the output was already delivered from this plan. TA_ERR_NOT_FOUND when segments are missing: the
// message names them. TA_ERR_BUSY while segment tasks run.
int ta_join_task(const struct ta_plan *plan, struct ta_options *options, const struct ta_callbacks *callbacks,
                 bool *already, struct ta_restore_result *result, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
