#include "restore/work.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "plan/diff.h"
#include "recipe/folders.h"
#include "restore/output.h"
#include "restore/task_kind.h"
#include "restore/work_files.h"
#include "restore/work_parts.h"

char *ta_work_path(const struct ta_plan *plan, const char *work_dir)
{
    if (strcmp(plan->output, "-") != 0)
        return ta_work_path_of(plan->output, work_dir);
    // Standard output is the name of all plans that go there: one whose reader has ended must not be in the
    // way of the next.
    char identity[65], *name;
    ta_plan_identity(plan->json, identity);
    name = ta_xprintf("stdout-%.12s%s", identity, TA_WORK_SUFFIX);
    char *path = ta_path_join(work_dir && work_dir[0] ? work_dir : ".", name);
    free(name);
    return path;
}

void ta_work_choose_dir(const struct ta_plan *plan, struct ta_run_opts *run)
{
    if (strcmp(plan->output, "-") || (run->work_dir && run->work_dir[0]))
        return;
    free(run->work_dir);
    run->work_dir = ta_temporary_folder();
}

int ta_work_check_source(const struct ta_plan *plan, struct ta_log *log)
{
    struct ta_fingerprint now;
    int err = ta_fingerprint_read(plan->input, &now, log);
    if (err >= 0 && !ta_fingerprint_equal(&now, &plan->source)) {
        ta_error(log, "%s: the file has changed since it was planned", plan->input);
        err = TA_ERR_MISMATCH;
    }
    return err;
}

// A source may lie where unfinished work would, under whatever name.
static int check_place(const struct ta_work *w)
{
    struct ta_guard g = {0};
    ta_guard_add_plan(&g, w->plan);
    int err = ta_output_check_folder(&g, w->dir, w->log);
    ta_guard_release(&g);
    return err;
}

// ---- whole runs ----

static int begin_alone(struct ta_work *w, const char identity[65])
{
    int err = ta_work_refuse_foreign(w);
    if (err < 0)
        return err;
    ta_work_remove_joined_part(w);
    return ta_work_begin(w, identity);
}

static int open_locked(struct ta_work *w, const struct ta_run_opts *run)
{
    char identity[65];
    ta_plan_identity(w->plan->json, identity);
    if (run->restart) {
        ta_journal_load_in(&w->journal, &w->folder);
        return begin_alone(w, identity);
    }
    struct ta_work_found found = ta_work_find(w, identity);
    switch (found.state) {
    case TA_WORK_FRESH:
        return begin_alone(w, identity);
    case TA_WORK_SAME:
        if (run->no_resume) {
            ta_error(w->log,
                     "%s holds unfinished work; without --no-resume this command goes on with it, --restart "
                     "throws it away",
                     w->dir);
            return TA_ERR_EXISTS;
        }
        return ta_work_go_on(w, &found, identity);
    default:
        return TA_ERR_MISMATCH;
    }
}

int ta_work_open(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                 struct ta_log *log)
{
    *w = (struct ta_work){
        .plan = plan, .folder = {.fd = -1}, .log = log, .dir = ta_work_path(plan, run->work_dir)};
    int err = ta_task_kinds_check(plan, log);
    if (err >= 0)
        err = check_place(w);
    if (err >= 0)
        err = ta_work_lock(w);
    if (err >= 0)
        err = open_locked(w, run);
    if (err >= 0 && !w->done)
        w->done = ta_xcalloc((size_t)ta_plan_tasks(plan) + 1, sizeof *w->done);
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

// ---- single tasks ----

// What can't be done while others look: beginning the folder, and taking away a journal of another plan. Two
// that come at once take turns: whoever is later finds it done. The lock is given back; the caller looks
// anew.
static int begin_task(struct ta_work *w, const char identity[65])
{
    int err = 0;
    if (ta_work_lock_alone(w)) {
        struct ta_work_found found = ta_work_find(w, identity);
        if (found.state == TA_WORK_FRESH)
            err = ta_work_refuse_foreign(w);
        if (err >= 0 && found.state == TA_WORK_FRESH)
            err = ta_work_begin(w, identity);
        else if (err >= 0 && found.state == TA_WORK_SAME && found.journal_other)
            err = ta_work_renew_journal(w, identity);
        // The folder is whole, or it goes.
        if (err < 0)
            return err;
    }
    ta_work_unlock(w);
    return err;
}

static int open_task(struct ta_work *w, int number)
{
    char identity[65];
    ta_plan_identity(w->plan->json, identity);
    for (double start = ta_clock_seconds();;) {
        int err = ta_work_lock(w);
        if (err < 0)
            return err;
        struct ta_work_found found = ta_work_find(w, identity);
        if (found.state != TA_WORK_FRESH && found.state != TA_WORK_SAME)
            return TA_ERR_MISMATCH;
        if (found.state == TA_WORK_SAME && !found.journal_other)
            break;
        err = begin_task(w, identity);
        if (err < 0)
            return err;
        if (ta_clock_seconds() - start > ta_work_task_patience) {
            ta_error(w->log, "%s: other tasks keep this folder from being begun", w->dir);
            return TA_ERR_BUSY;
        }
    }
    ta_work_take_tasks(w, number);
    return 0;
}

int ta_work_open_task(struct ta_work *w, const struct ta_plan *plan, const struct ta_run_opts *run,
                      int number, struct ta_log *log)
{
    *w = (struct ta_work){.plan = plan,
                          .folder = {.fd = -1},
                          .shared = true,
                          .log = log,
                          .dir = ta_work_path(plan, run->work_dir)};
    int err = ta_task_kinds_check(plan, log);
    if (err >= 0)
        err = check_place(w);
    if (err >= 0)
        err = open_task(w, number);
    if (err < 0)
        ta_work_close(w, w->created);
    return err;
}

// ---- closing ----

// May what lies in the folder go? Not while other tasks work there, nor when any has finished something.
static bool may_remove(const struct ta_work *w)
{
    struct ta_journal j;
    if (!w->shared)
        return true;
    if (flock(w->folder.fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    ta_journal_load_in(&j, &w->folder);
    bool unused = !j.task_count;
    ta_journal_release(&j);
    return unused;
}

void ta_work_close(struct ta_work *w, bool remove)
{
    if (remove && w->folder.fd >= 0 && may_remove(w)) {
        ta_work_remove_joined_part(w);
        ta_work_remove(&w->folder, w->log);
    }
    ta_work_unlock(w);
    ta_journal_release(&w->journal);
    free(w->dir);
    free(w->done);
    *w = (struct ta_work){.folder = {.fd = -1}};
}
