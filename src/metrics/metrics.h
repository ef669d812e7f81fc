// Inside the library: an empty record, and the limits of the file.
#ifndef TA_METRICS_METRICS_H
#define TA_METRICS_METRICS_H

#include <terminalai/metrics.h>

#include <stddef.h>

enum { TA_METRICS_FILES = 5 };
#define TA_METRICS_FILE_BYTES ((int64_t)10 * 1000 * 1000)

// A run that begins now: its id and time, nothing measured.
void ta_metrics_begin(struct ta_metrics *m, const char *kind);

#endif
