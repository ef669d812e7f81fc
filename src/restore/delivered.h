// What an output that is there already is: whose work, and whether it is the one that is asked for. Nothing
// is changed, and no source is read but its head and tail.
#ifndef TA_RESTORE_DELIVERED_H
#define TA_RESTORE_DELIVERED_H

#include <terminalai/options.h>

#include "restore/look.h"
#include "restore/report.h"

// Is the output in place what was joined from this work, by its report?
bool ta_look_is_delivered(const struct ta_look *look, const char *output);
// Is the work whole and was it left on purpose (keep-work), for parts of it to be made again?
bool ta_look_is_kept(const struct ta_look *look);
// Both, of the work folder of this output ("work_dir" as the option), and of this very plan (NULL: of any).
bool ta_output_is_kept(const char *output, const char *work_dir, const struct ta_plan *plan);
// Is nothing left to do for it: its work is kept, or gone and the file is what its report says, by its size?
// Where somebody was killed while removing the work folder of such a file, the rest of it is removed.
bool ta_output_is_finished(const char *output, const char *work_dir, bool *kept);
// Only the removal.
void ta_output_sweep(const char *output, const char *work_dir);

enum ta_output_state {
    TA_OUTPUT_ABSENT = 0, // no plain file of this name, or one that is (part of) the source
    TA_OUTPUT_UNFINISHED, // a work folder has it in hand: a run knows what to do
    TA_OUTPUT_UNKNOWN,    // no report says what it is, or it was changed since
    TA_OUTPUT_SAME,       // made of this source with these options
    TA_OUTPUT_OTHER_RECIPE,
    TA_OUTPUT_CHANGED_SOURCE, // made of this source as it was
    TA_OUTPUT_OTHER_SOURCE,
};
struct ta_output_found {
    enum ta_output_state state;
    struct ta_report report; // where it is known
    char *differs;           // "--crf: 18 -> 20", "its bytes: 100 -> 200"; "" when there is nothing to say
    bool kept;               // its work lies beside it
};
// Looks for what `options` would make of `input` at `output`. 0, or TA_ERR_* of options that can't be used
// (logged). To be released.
int ta_output_find(struct ta_output_found *out, const char *input, const char *output, const char *work_dir,
                   struct ta_options *options, struct ta_log *log);
void ta_output_found_release(struct ta_output_found *found);

#endif
