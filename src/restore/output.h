// Whether a file may be written, before any work.
#ifndef TA_RESTORE_OUTPUT_H
#define TA_RESTORE_OUTPUT_H

#include <stdbool.h>

struct ta_log;

// 0, or why `output` can't be made, logged: TA_ERR_EXISTS when it is there (and not to be replaced, or no
// plain file, or the input itself), TA_ERR_NOT_FOUND or TA_ERR_ACCESS for its folder.
int ta_output_check(const char *input, const char *output, bool overwrite, struct ta_log *log);

#endif
