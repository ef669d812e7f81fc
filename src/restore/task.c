// One task of a plan alone, for runners outside this process.
#include <terminalai/task.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "restore/plan_index.h"
#include "restore/report.h"
#include "restore/run.h"
#include "restore/task.h"
#include "restore/task_kind.h"

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

static void tell_done(const struct ta_done *done, struct ta_task_result *out)
{
    out->frames = ta_counts_get(&done->counts, "frames");
    out->samples = ta_counts_get(&done->counts, "samples");
    out->concealed = ta_counts_get(&done->counts, "concealed");
    out->damaged = ta_counts_get(&done->counts, "damaged");
    out->bytes = done->bytes;
}

static int make_task(struct ta_work *work, int number, const struct ta_run_opts *run, struct ta_meter *meter,
                     struct ta_log *log)
{
    struct ta_task task = ta_plan_task(work->plan, number);
    int missing;
    if (!ta_work_is_ready(work, number, &missing)) {
        ta_error(log, "%s: %s needs %s, which is not made yet", work->plan->output, task.stem,
                 ta_plan_task(work->plan, missing).stem);
        return TA_ERR_NOT_FOUND;
    }
    ta_meter_set_work(
        meter, &(struct ta_meter_work){.frames_total = number < work->plan->segment_count ? task.frames : 0,
                                       .other_total = ta_task_cost(work->plan, number),
                                       .tasks_total = 1,
                                       .segments_total = number < work->plan->segment_count});
    ta_meter_start(meter, TA_PHASE_SEGMENTS);
    return ta_run_task(work, run, number, meter, log);
}

static int run_with_index(const struct ta_plan *plan, int number, const struct ta_run_opts *run,
                          struct ta_meter *meter, struct ta_task_result *out, struct ta_log *log)
{
    struct ta_work work;
    int err = ta_work_open_task(&work, plan, run, number, log);
    if (err < 0)
        return err;
    out->already = work.done[number].bytes > 0;
    if (!out->already)
        err = make_task(&work, number, run, meter, log);
    if (err >= 0)
        tell_done(&work.done[number], out);
    ta_work_close(&work, err < 0);
    return err;
}

static int run_task(const struct ta_plan *plan, int number, const struct ta_run_opts *run, const char *cache,
                    struct ta_meter *meter, struct ta_task_result *out, struct ta_log *log)
{
    struct ta_report report;
    if (ta_plan_delivered(plan, &report)) {
        ta_report_release(&report);
        out->already = out->delivered = true;
        return 0;
    }
    // What was read without its index gets it here, in a copy: a plan is read-only.
    struct ta_plan own = *plan;
    own.survey = json_incref(plan->survey);
    int err = ta_work_check_source(plan, log);
    if (err >= 0)
        err = ta_task_kinds_check(plan, log);
    if (err >= 0 && !own.index)
        err = ta_plan_find_index_once(&own, run->work_dir, cache, log);
    if (err >= 0)
        err = run_with_index(&own, number, run, meter, out, log);
    if (!plan->index)
        ta_index_destroy(&own.index);
    json_decref(own.survey);
    return err;
}

int ta_task_run(const struct ta_plan *plan, const char *stem, struct ta_options *options,
                const struct ta_callbacks *callbacks, struct ta_task_result *result, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "restore");
    struct ta_run_opts run;
    struct ta_meter meter;
    struct ta_task_result out = {0};
    double wall = ta_clock_seconds(), cpu = ta_cpu_seconds();
    ta_log_only_first_error(own); // a full disk stops the encoder and what writes for it
    int number = ta_plan_find_task(plan, stem), err = number < 0 ? number : 0;
    if (err < 0)
        ta_error(own, "%s: the plan has no task \"%s\"", plan->output, stem);
    if (err >= 0)
        err = ta_options_run(options, &run, own);
    if (err >= 0) {
        ta_work_choose_dir(plan, &run);
        ta_meter_init(&meter, callbacks);
        char *cache = ta_options_cache(options);
        err = run_task(plan, number, &run, cache, &meter, &out, own);
        free(cache);
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
