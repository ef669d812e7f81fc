// The report: what was measured, put together for people. Nothing in it is made up: a part without data says
// which command makes it.
#ifndef TA_PERF_REPORT_H
#define TA_PERF_REPORT_H

#include <jansson.h>

struct ta_buf;
struct ta_tuning;

struct ta_report_data {
    const json_t *profile;          // of ta_profile_run(), judged; NULL: none
    const json_t *before;           // another, of before; NULL: none
    const json_t *records;          // of runs (records.h); may be empty
    const json_t *figures;          // of bench/kpi.py; NULL: none
    const struct ta_tuning *tuning; // as it is now
};
// Markdown. Appends.
void ta_report_write(const struct ta_report_data *data, struct ta_buf *out);

#endif
