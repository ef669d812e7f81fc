// Inside the library: an empty record, and the limits of the file.
#ifndef TA_METRICS_METRICS_H
#define TA_METRICS_METRICS_H

#include <terminalai/metrics.h>

#include <stddef.h>

#include <jansson.h>

enum { TA_METRICS_FILES = 5 };
#define TA_METRICS_FILE_BYTES ((int64_t)10 * 1000 * 1000)

// ta_metrics_append() of a line that is there already, without its newline.
int ta_metrics_append_line(const char *path, const char *line, struct ta_log *log);

// The newest `most` records of the file, and of those that were put aside, oldest first: a new array of
// objects, empty where there is none. Lines that are no record are passed over.
json_t *ta_metrics_last(const char *path, int most);

// A run that begins now: its id and time, nothing measured.
void ta_metrics_begin(struct ta_metrics *m, const char *kind);

#endif
