// One segment of a plan as a task of its own, for runners outside this process.
#include <terminalai/task.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "restore/report.h"
#include "restore/run.h"
#include "restore/task.h"

bool ta_plan_delivered(const struct ta_plan *plan, struct ta_report *report)
{
    char *path = ta_report_path(plan->output);
    *report = (struct ta_report){0};
    bool is = strcmp(plan->output, "-") && access(plan->output, R_OK) == 0 && access(path, R_OK) == 0 &&
              ta_report_load(report, path, NULL) >= 0 && !strcmp(report->plan->json, plan->json);
    free(path);
    if (!is)
        ta_report_release(report);
    return is;
}

static void tell_done(const struct ta_work *work, int segment, struct ta_task_result *out)
{
    const struct ta_segment_result *r = &work->done[segment];
    out->frames = r->frames;
    out->bytes = r->bytes;
    out->concealed = r->concealed;
    out->damaged = r->damaged;
}

static int segment_task(const struct ta_plan *plan, int segment, const struct ta_run_opts *run,
                        struct ta_meter *meter, struct ta_task_result *out, struct ta_log *log)
{
    struct ta_report report;
    if (ta_plan_delivered(plan, &report)) {
        ta_report_release(&report);
        out->already = out->delivered = true;
        return 0;
    }
    struct ta_work work;
    int err = ta_work_check_source(plan, log);
    if (err >= 0)
        err = ta_work_open_task(&work, plan, run, segment, log);
    if (err < 0)
        return err;
    out->already = work.done[segment].frames > 0;
    if (!out->already) {
        ta_meter_set_work(meter,
                          &(struct ta_meter_work){.frames_total = ta_plan_segment(plan, segment).out_count,
                                                  .tasks_total = 1,
                                                  .segments_total = 1});
        ta_meter_start(meter, TA_PHASE_SEGMENTS);
        err = ta_run_segment(&work, run, segment, meter, log);
    }
    if (err >= 0)
        tell_done(&work, segment, out);
    ta_work_close(&work, err < 0);
    return err;
}

int ta_segment_task(const struct ta_plan *plan, int segment, struct ta_options *options,
                    const struct ta_callbacks *callbacks, struct ta_task_result *result, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "restore");
    struct ta_run_opts run;
    struct ta_meter meter;
    struct ta_task_result out = {0};
    double wall = ta_clock_seconds(), cpu = ta_cpu_seconds();
    int err = 0;
    if (segment < 0 || segment >= plan->segment_count) {
        ta_error(own, "there is no segment %d: the plan has %d, numbered from 0", segment,
                 plan->segment_count);
        err = TA_ERR_USAGE;
    }
    if (err >= 0)
        err = ta_options_run(options, &run, own);
    if (err >= 0) {
        ta_work_choose_dir(plan, &run);
        ta_meter_init(&meter, callbacks);
        err = segment_task(plan, segment, &run, &meter, &out, own);
        if (err >= 0)
            ta_meter_start(&meter, TA_PHASE_DONE);
        ta_meter_release(&meter);
        ta_opt_release(ta_run_options, &run);
    }
    out.wall_seconds = ta_clock_seconds() - wall;
    out.cpu_seconds = ta_cpu_seconds() - cpu;
    if (result)
        *result = out;
    ta_log_fail(own, err, plan->output, NULL);
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}
