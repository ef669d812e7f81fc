// Which name an output gets, by what stands there: decided before anything is read, for whoever restores.
#ifndef TA_RESTORE_SETTLE_H
#define TA_RESTORE_SETTLE_H

#include <stdbool.h>

#include "restore/delivered.h"

struct ta_settle_wish {
    const char *input;
    const char *output; // the name that is wanted; "-" is free always
    bool new_name;      // another one is taken where something else has it: tape.2.mp4 and so on
    const char *ways;   // for the message where it is taken: "--overwrite replaces it"
};
// Looks at the output's name with "overwrite" and "work-dir" of `options`. 0: *output is the name to make, to
// be freed; found->state says what is there. With TA_OUTPUT_SAME there is nothing to do, and *output is the
// one that is there. TA_ERR_* (logged): TA_ERR_EXISTS where the name is taken. `found` is to be released
// whatever is returned. Thread-safety: Parallel for options of one's own.
int ta_output_settle(const struct ta_settle_wish *wish, struct ta_options *options,
                     struct ta_output_found *found, char **output, struct ta_log *log);

#endif
