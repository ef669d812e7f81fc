// A call that restores files: how each ended.
#ifndef TA_CLI_OUTCOME_H
#define TA_CLI_OUTCOME_H

#include <stdio.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "restore/delivered.h"

struct ta_restore_call {
    struct ta_cli *cli;
    struct ta_progress_view view;
    FILE *data;      // where JSON goes: standard output, unless the video goes there
    json_t *results; // one object a file
};

// Tells how a file ended, in words and as an event, and adds it to the results. `plan` may be NULL; `err` is
// 0 or TA_ERR_*.
enum ta_exit ta_restore_call_finish(struct ta_restore_call *run, const char *input,
                                    const struct ta_plan *plan, const struct ta_restore_result *result,
                                    int err);
// The same of a file that was made before, by another call: there was nothing to do.
void ta_restore_call_already(struct ta_restore_call *run, const char *input, const char *output,
                             const struct ta_output_found *found);
// Writes {"files": [...], "exit_code": N}. The worse of `status` and how that went.
enum ta_exit ta_restore_call_write(struct ta_restore_call *run, enum ta_exit status);

#endif
