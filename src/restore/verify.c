// Re-checking a delivered file against its report.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>
#include <terminalai/verify.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "restore/report.h"

static int compare(const struct ta_report *r, const struct ta_check_result *c, const char *output,
                   struct ta_log *log)
{
    int err = 0;
    if (c->bytes != r->bytes) {
        ta_error(log, "%s: has %lld %s where the report says %lld", output, (long long)c->bytes,
                 ta_plural(c->bytes, "byte", "bytes"), (long long)r->bytes);
        err = TA_ERR_MISMATCH;
    }
    if (strcmp(c->sha256, r->sha256) != 0) {
        ta_error(log, "%s: its checksum is not the report's: the file was changed or damaged", output);
        err = TA_ERR_MISMATCH;
    }
    if (c->streams && !json_equal(c->streams, r->streams)) {
        ta_error(log, "%s: its streams are not those of the report", output);
        err = TA_ERR_MISMATCH;
    }
    return err;
}

int ta_verify(const char *output, bool full, const struct ta_callbacks *callbacks, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "verify");
    struct ta_report report;
    struct ta_check_result check = {0};
    char *path = ta_report_path(output);
    struct stat st;
    int err = 0;
    if (stat(output, &st) < 0) {
        err = TA_ERR_NOT_FOUND;
        ta_error(own, "%s: there is no such file", output);
    } else if (stat(path, &st) < 0) {
        err = TA_ERR_NOT_FOUND;
        ta_error(own, "%s: its report %s is missing", output, path);
    }
    if (err >= 0)
        err = ta_report_load(&report, path, own);
    if (err >= 0) {
        struct ta_meter meter;
        ta_meter_init(&meter, callbacks);
        ta_meter_start(&meter, TA_PHASE_VERIFY);
        err = ta_check_output(report.plan, output, full, &meter, &check, own);
        // A changed checksum explains a file that does not decode: say both.
        if (err != TA_ERR_CANCELED && check.sha256[0]) {
            int differs = compare(&report, &check, output, own);
            err = err < 0 ? err : differs;
        }
        if (err >= 0)
            ta_meter_start(&meter, TA_PHASE_DONE);
        ta_meter_release(&meter);
        json_decref(check.streams);
        ta_report_release(&report);
    }
    free(path);
    ta_log_fail(own, err, output, NULL);
    ta_log_destroy(&own);
    return err;
}
