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

// The newest `most` records (0: all) of the file, and of those that were put aside (PATH.1, ...): a new array
// of objects, oldest first, empty where there is no file. Lines that are no record are passed over; how many
// of those that were looked at stands in *broken. NULL after a message when there is a file that can't be
// read: nobody is told that there were no runs. Older files than are needed are not opened. Blocks.
json_t *ta_metrics_last(const char *path, int most, int *broken, struct ta_log *log);

// A run that begins now: its id and time, nothing measured.
void ta_metrics_begin(struct ta_metrics *m, const char *kind);

#endif
