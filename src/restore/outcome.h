// How far a run is and how it ended, as JSON (docs/json.md): what the program prints, what workers tell the
// service. Thread-safety: Safe.
#ifndef TA_RESTORE_OUTCOME_H
#define TA_RESTORE_OUTCOME_H

#include <jansson.h>

#include <terminalai/restore.h>

// A new reference. `frame_rate`: of the output, on average; 0 when unknown.
json_t *ta_progress_json(const struct ta_progress *p, double frame_rate);
// Adds to `o` how a call failed: "error" (the kind of `err` in words), "code", "message" and "advice".
void ta_outcome_failure(json_t *o, const struct ta_problem *failure, int err);
// How the restoration of `input` ended, without its problems; a new reference. `plan` and `failure` may be
// NULL; with a failure `result` says only whether it can go on.
json_t *ta_outcome_json(const char *input, const struct ta_plan *plan, const struct ta_restore_result *result,
                        int err, const struct ta_problem *failure);
// Adds the run to the user's records (performance_metrics.jsonl), with the status that the program ends with;
// one that never began adds nothing. What goes wrong fails nothing; 0, or TA_ERR_* when it can't be written.
int ta_outcome_keep_record(const struct ta_restore_result *result, int exit_code, struct ta_log *log);

#endif
