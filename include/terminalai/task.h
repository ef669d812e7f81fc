// Single tasks of a plan, for other runners: machines under a batch system, a queue, a shell loop. A plan as
// JSON (ta_plan_json) and the source are all that a task needs. Any number of tasks may run at once, on any
// machines that see the same files, each after those that it needs; the join comes last. What comes out is
// what ta_restore() makes, bit for bit.
#ifndef TERMINALAI_TASK_H
#define TERMINALAI_TASK_H

#include <terminalai/restore.h>

#ifdef __cplusplus
extern "C" {
#endif

// One piece of work that leaves one file in the work folder.
enum { TA_STEM_SIZE = 48 };
struct ta_task {
    const char *kind;        // "video": a segment; lives as long as the plan
    int index;               // among those of its kind, from 0
    char stem[TA_STEM_SIZE]; // its name in the plan, and that of its files: "seg-00012"
    int64_t frames, samples; // what its result must count; 0: nothing of that
    const int *needs;        // numbers of the tasks that must be finished before; lives as long as the plan
    int need_count;
};

// The plan's tasks by number, 0..ta_plan_tasks()-1: first the segments in their order, then all others.
int ta_plan_tasks(const struct ta_plan *plan);
struct ta_task ta_plan_task(const struct ta_plan *plan, int number);
// The number of the task with this stem, or TA_ERR_NOT_FOUND (nothing is logged).
int ta_plan_find_task(const struct ta_plan *plan, const char *stem);

struct ta_task_result {
    bool already;            // done before: nothing was to do
    bool delivered;          // the plan's output is already there, as its report says
    int64_t frames, samples; // in the task's result, whichever it counts
    int64_t concealed, damaged;
    int64_t bytes; // of the task's file
    double wall_seconds, cpu_seconds;
};

// Makes one task in the plan's work folder, which is created when missing. `options` gives work-dir and
// strict. Doing it again is no work; a second copy that runs at the same time does no harm. TA_ERR_NOT_FOUND
// when the plan has no such task, or when one that it needs is not finished: the message names it.
// TA_ERR_BUSY when a run of the whole plan, or the join, works on this output.
int ta_task_run(const struct ta_plan *plan, const char *stem, struct ta_options *options,
                const struct ta_callbacks *callbacks, struct ta_task_result *result, struct ta_log *log);

// The plan's tasks and how they stand, as JSON text: {"output", "delivered", "tasks": [{"task" (its stem),
// "kind", "index", "expect": {"frames" or "samples"}, "needs": [stems], "state"}]}; "state" is "done",
// "running" or "left". `options` gives work-dir. Reads small files only and disturbs nobody. *json is freed
// with free(); NULL on failure.
int ta_task_list(const struct ta_plan *plan, struct ta_options *options, char **json, struct ta_log *log);

// Joins the finished tasks, verifies the output, puts it in place and writes its report; then the work folder
// is removed. `options` gives work-dir, keep-work, overwrite and verify. `already` (may be NULL) is set when
// the output was already delivered from this plan. TA_ERR_NOT_FOUND when tasks are missing: the message names
// them. TA_ERR_BUSY while tasks run.
int ta_join_task(const struct ta_plan *plan, struct ta_options *options, const struct ta_callbacks *callbacks,
                 bool *already, struct ta_restore_result *result, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
