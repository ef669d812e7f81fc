// The records of runs (performance_metrics.jsonl, metrics/metrics.h), to be given away without what tells
// whose they are.
#ifndef TA_PERF_RECORDS_H
#define TA_PERF_RECORDS_H

#include <jansson.h>

// A copy without names and traces: no host, no checksum of a source, no run's id; of the time only the day,
// of a recipe only the name of a preset that everybody has. Numbers stay. A new reference.
json_t *ta_records_anonymous(const json_t *records);

#endif
