// The tasks of a plan and how they stand.
#include <stdlib.h>
#include <string.h>

#include <terminalai/task.h>

#include "base/log.h"
#include "base/tree.h"
#include "plan/diff.h"
#include "restore/look.h"
#include "restore/report.h"
#include "restore/task.h"
#include "restore/work.h"

static json_t *task_json(const struct ta_plan *plan, int number, enum ta_look_task state)
{
    struct ta_task task = ta_plan_task(plan, number);
    json_t *needs = json_array(), *expect = json_object();
    for (int i = 0; i < task.need_count; i++)
        json_array_append_new(needs, json_string(ta_plan_task(plan, task.needs[i]).stem));
    if (task.frames)
        json_object_set_new(expect, "frames", json_integer(task.frames));
    if (task.samples)
        json_object_set_new(expect, "samples", json_integer(task.samples));
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:s}", "task", task.stem, "kind", task.kind, "index",
                     task.index, "expect", expect, "needs", needs, "state", ta_look_names[state]);
}

static json_t *list_json(const struct ta_plan *plan, const char *work_dir)
{
    char *dir = ta_work_path(plan, work_dir);
    struct ta_journal journal;
    struct ta_report report;
    char identity[65];
    bool delivered = ta_plan_delivered(plan, &report);
    if (delivered)
        ta_report_release(&report);
    // What lies there counts only when it is of this plan.
    ta_journal_load(&journal, dir);
    ta_plan_identity(plan->json, identity);
    bool ours = !strcmp(journal.plan, identity);
    if (!ours) {
        ta_journal_release(&journal);
        journal = (struct ta_journal){0};
    }
    enum ta_look_task *states = ta_look_tasks(plan, dir, &journal, ours && ta_work_is_live(dir));
    json_t *list = json_array();
    for (int i = 0, n = ta_plan_tasks(plan); i < n; i++)
        json_array_append_new(list, task_json(plan, i, delivered ? TA_LOOK_DONE : states[i]));
    free(states);
    ta_journal_release(&journal);
    free(dir);
    return json_pack("{s:o, s:b, s:o}", "output", ta_look_text(plan->output), "delivered", delivered, "tasks",
                     list);
}

int ta_task_list(const struct ta_plan *plan, struct ta_options *options, char **json, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "restore");
    struct ta_run_opts run;
    *json = NULL;
    int err = ta_options_run(options, &run, own);
    if (err >= 0) {
        ta_work_choose_dir(plan, &run);
        json_t *o = list_json(plan, run.work_dir);
        *json = ta_json_text(o);
        json_decref(o);
        ta_opt_release(ta_run_options, &run);
    }
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}
