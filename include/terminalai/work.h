// Unfinished work: how far it is, going on with it, finding and removing what nobody needs any more.
#ifndef TERMINALAI_WORK_H
#define TERMINALAI_WORK_H

#include <terminalai/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

// `work_dir` in all of these: the value of the option "work-dir" that the run had, NULL or "" for none.

// How far an output is, as JSON text: "state" is "running", "interrupted" or "finished"; segments done,
// running and left, frames, speed, time to go, "playable" with the paths of finished segments (NUT files that
// players open), and "next", what to do in one line. Reads small files only and disturbs no run.
// TA_ERR_NOT_FOUND when there is neither unfinished work nor a finished file. *json is freed with free();
// NULL on failure.
int ta_status(const char *output, const char *work_dir, char **json, struct ta_log *log);

// The plan of unfinished work, to be given to ta_restore() with the same "work-dir". TA_ERR_NOT_FOUND when
// there is no unfinished work, TA_ERR_EXISTS when the output is finished, TA_ERR_FORMAT when the plan is
// garbled: the message says what to do. `cache` as for ta_plan_load().
int ta_plan_resume(struct ta_plan **out, const char *output, const char *work_dir, const char *cache,
                   struct ta_log *log);

// The work folders in `dir` (or `dir` itself when it is one), as a JSON list of {folder, state, output,
// source, source_exists, output_exists, bytes, age_seconds, segments_done, segments_total}, and folder_hex
// where the name is no UTF-8. "state" is "running" (a run is working in it now), "unfinished", "garbled" (no
// plan that can be read), "kept" (whole, left on purpose by keep-work) or "foreign" (it holds files that no
// run makes). recursive: in folders in it too, links not followed.
int ta_work_list(const char *dir, bool recursive, char **json, struct ta_log *log);

// Removes a work folder with what runs have made in it. TA_ERR_BUSY when a run is working in it,
// TA_ERR_INVALID when it is no work folder.
int ta_work_discard(const char *folder, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
