// Running a plan.
#ifndef TERMINALAI_RESTORE_H
#define TERMINALAI_RESTORE_H

#include <terminalai/metrics.h>
#include <terminalai/plan.h>
#include <terminalai/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ta_restore_result {
    int64_t frames;    // output frames delivered
    int64_t concealed; // source frames that could not be decoded and were replaced by a neighbour
    int64_t damaged;   // source frames that decoded with errors
    int64_t warnings;  // problems that were told, those that are losses among them
    int64_t losses;    // of these, the ones that mean that the output lacks something: exit status 3 when > 0
    int64_t bytes;     // size of the output
    int segments_reused; // finished by an earlier, interrupted run
    int tasks_reused;    // the same for tasks of all kinds, segments among them
    double wall_seconds, cpu_seconds;
    int64_t peak_rss_bytes;
    int64_t work_bytes;        // most bytes that unfinished work took on disk
    struct ta_metrics metrics; // all but the exit code, also on failure
    bool already;   // the output was there, made by this plan, and its work is kept: nothing was done
    bool resumable; // on failure: the work folder was kept and the same call goes on
};

// Runs all tasks of the plan in this process, joins, verifies and puts the output in place; the report lies
// beside it as OUTPUT.json. `options` gives how to run (jobs, work-dir, overwrite, strict, ...); what to make
// is in the plan. `result` may be NULL. TA_ERR_CANCELED when callbacks->canceled said so; TA_ERR_EXISTS when
// the output exists and overwrite is off; TA_ERR_BUSY when another run works on the same output;
// TA_ERR_MISMATCH when a work folder of another plan is there. An output "-" goes to standard output picture
// by picture, with nothing on the disk; TA_ERR_CLOSED when its reader has ended (the program must ignore
// SIGPIPE). The record of a failure (problem.h) has how the run goes on as its advice ("finished work is kept
// in ...: the same command goes on from there").
int ta_restore(const struct ta_plan *plan, struct ta_options *options, const struct ta_callbacks *callbacks,
               struct ta_restore_result *result, struct ta_log *log);

struct ta_redo_result {
    bool changed; // false: the range has these settings already; running the plan only joins what is there
    int64_t first, end; // source frames that are made with the settings: the range, its borders moved where a
                        // piece would have become too short
    int segments;       // that lie in it
    char *others; // stages of other names than before, with the reason, in words; to be freed; NULL after
                  // failure
};
// The plan of `output`, whose work folder was kept (keep-work), with a range that is made again with other
// options: those that the caller has set in `options`; the others stay as they were. `range` as the option
// "range" takes it. Run it with ta_restore() and keep-work: segments that the range does not touch stay as
// they are, byte for byte. The result must have the same size, times, format and encoder headers:
// TA_ERR_MISMATCH with the reason. TA_ERR_NOT_FOUND without a work folder.
int ta_redo_plan(struct ta_plan **out, const char *input, const char *output, const char *work_dir,
                 const char *range, struct ta_options *options, const struct ta_callbacks *callbacks,
                 struct ta_redo_result *result, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
