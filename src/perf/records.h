// The records of runs (performance_metrics.jsonl, metrics/metrics.h), read again: to be shown, and to be
// given away without what tells whose they are.
#ifndef TA_PERF_RECORDS_H
#define TA_PERF_RECORDS_H

#include <jansson.h>

struct ta_log;

// The records in the file and in those put aside before it (PATH.4 ... PATH.1, PATH), oldest first; of them
// the last `most` (0: all). Lines that are no record are passed over, and counted in *broken. A new array;
// NULL after a message when there is a file that can't be read. Files that are missing hold no record.
// Blocks.
json_t *ta_records_read(const char *path, int most, int *broken, struct ta_log *log);

// A copy without names and traces: no host, no checksum of a source, no run's id; of the time only the day,
// of a recipe only the name of a preset that everybody has. Numbers stay. A new reference.
json_t *ta_records_anonymous(const json_t *records);

#endif
