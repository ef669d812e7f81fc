// Checking a delivered file against its report.
#ifndef TERMINALAI_VERIFY_H
#define TERMINALAI_VERIFY_H

#include <terminalai/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

// Re-checks `output` against OUTPUT.json: size, checksum, packet counts, times, key frames; all frames when
// `full`. 0 when all fits; TA_ERR_MISMATCH or TA_ERR_DAMAGED with the reasons in the log; TA_ERR_NOT_FOUND
// without file or report.
int ta_verify(const char *output, bool full, const struct ta_callbacks *callbacks, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
