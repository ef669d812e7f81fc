// What was measured of a source: plain data, as a survey keeps it and a plan is decided from it.
#ifndef TA_DIAGNOSE_MEASURED_H
#define TA_DIAGNOSE_MEASURED_H

#include <stdbool.h>

#include <jansson.h>

struct ta_log;

// A sample is short windows spread evenly over the file, the first and the last of its frames included.
enum ta_depth { TA_DEPTH_SAMPLE = 0, TA_DEPTH_FULL };
const char *ta_depth_name(enum ta_depth depth); // "sample", "full"

enum { TA_SERIES_MAX = 2000 }; // points

// One measure's result. All is owned.
struct ta_measured {
    char *name, *unit; // unit of value and series, "" for none
    json_t *value;
    double confidence; // 0..1
    enum ta_depth depth;
    json_t *series;  // numbers in the order of time, evenly over the file, at most TA_SERIES_MAX; NULL: none
    bool wants_full; // a sample that can't tell
};
void ta_measured_free(struct ta_measured **list, int count);
// By its name; NULL when it was not measured.
const struct ta_measured *ta_measured_find(const struct ta_measured *list, int count, const char *name);

// {name, unit, value, confidence, depth, wants_full?, series?}, and back. Read: all but what `value` means is
// checked; *out holds nothing on failure.
json_t *ta_measured_json(const struct ta_measured *m);
int ta_measured_read(struct ta_measured *out, const json_t *o, const char *where, struct ta_log *log);

#endif
