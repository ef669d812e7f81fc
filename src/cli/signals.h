// Interruption: SIGINT, SIGTERM and SIGHUP ask a run to stop; finished work is kept.
#ifndef TA_CLI_SIGNALS_H
#define TA_CLI_SIGNALS_H

#include <stdbool.h>

// From here on the first of these signals only sets a flag; the second ends the process at once with status
// 130, which is safe because work in progress survives being killed. A signal that was ignored when the
// program started (nohup) stays ignored.
void ta_signals_catch(void);
// Was one caught? Thread-safety: Safe.
bool ta_signals_interrupted(void);
// Writing to a closed pipe then fails with EPIPE instead of ending the process, and to a file that may grow
// no further with EFBIG.
void ta_signals_ignore_write_failures(void);

#endif
