// The report beside a delivered file: OUTPUT.json.
#ifndef TA_RESTORE_REPORT_H
#define TA_RESTORE_REPORT_H

#include <terminalai/restore.h>

#include "base/problem.h"
#include "infer/sessions.h"
#include "restore/check.h"
#include "restore/join.h"
#include "restore/work.h"

char *ta_report_path(const char *output); // to be freed

// Text of the report, to be freed. Everything but the times of the run and the counts of the cache of
// networks (told of plans with a network) is the same for the same plan and source.
char *ta_report_text(const struct ta_work *work, const struct ta_join_result *join,
                     const struct ta_check_result *check, const struct ta_restore_result *result,
                     const struct ta_problems *problems, const struct ta_sessions_stats *networks);

// What `verify` needs of a report.
struct ta_report {
    int64_t bytes;
    char sha256[65];
    json_t *streams;
    struct ta_plan *plan; // without index
};
int ta_report_load(struct ta_report *out, const char *path, struct ta_log *log);
int ta_report_parse(struct ta_report *out, const char *text, size_t size, const char *name,
                    struct ta_log *log);
void ta_report_release(struct ta_report *r);
// Is the file a report of ours that names this output? With `sums`: of a run that made frame checksums, too.
bool ta_report_is_of(const char *path, const char *output, bool sums);

#endif
