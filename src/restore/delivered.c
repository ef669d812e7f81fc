#include "restore/delivered.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/mem.h"
#include "media/parts/name.h"
#include "plan/diff.h"
#include "plan/redo_ranges.h"
#include "recipe/models.h"
#include "recipe/options.h"
#include "restore/work_files.h"
#include "video/stage.h"

// ---- work that was left ----

static bool has_all_redone(const struct ta_look *f)
{
    char redo[65];
    ta_redo_sum(f->plan, redo);
    return f->journal.joined[0] && !strcmp(f->journal.joined_redo, redo);
}

// The report of the file that has this name now, by its size; reading all of it is what "verify" is for.
static bool load_report(struct ta_report *report, const char *output)
{
    char *path = ta_report_path(output);
    struct stat st;
    *report = (struct ta_report){0};
    bool fits = ta_look_is_file(output) && access(path, R_OK) == 0 && ta_report_load(report, path, NULL) >= 0;
    if (fits && (stat(output, &st) < 0 || st.st_size != report->bytes)) {
        ta_report_release(report);
        fits = false;
    }
    free(path);
    return fits;
}

bool ta_look_is_delivered(const struct ta_look *f, const char *output)
{
    struct ta_report report;
    if (f->live || !f->plan || !has_all_redone(f) || !load_report(&report, output))
        return false;
    bool yes = report.bytes == f->journal.joined_bytes && !strcmp(report.sha256, f->journal.joined);
    ta_report_release(&report);
    return yes;
}

bool ta_look_is_kept(const struct ta_look *f)
{
    return !f->live && f->plan && f->journal.kept && has_all_redone(f) && f->done == ta_plan_tasks(f->plan);
}

// The same segments, and the same parts of them made again?
static bool is_same_plan(const struct ta_plan *a, const struct ta_plan *b)
{
    char x[65], y[65], redo_x[65], redo_y[65];
    ta_plan_identity(a->json, x);
    ta_plan_identity(b->json, y);
    ta_redo_sum(a, redo_x);
    ta_redo_sum(b, redo_y);
    return !strcmp(x, y) && !strcmp(redo_x, redo_y);
}

bool ta_output_is_kept(const char *output, const char *work_dir, const struct ta_plan *plan)
{
    char *dir = ta_work_path_of(output, work_dir);
    bool kept = false;
    if (access(dir, F_OK) == 0) {
        struct ta_look f;
        ta_look_init(&f, dir);
        kept = ta_look_is_kept(&f) && ta_look_is_delivered(&f, output) &&
               (!plan || is_same_plan(plan, f.plan));
        ta_look_release(&f);
    }
    free(dir);
    return kept;
}

// What is left of a work folder where somebody was killed while removing it: at most the journal, which goes
// last and names the very file that was delivered.
static bool is_remains(const struct ta_folder *folder, const struct ta_report *report)
{
    char **names = NULL;
    if (ta_folder_list(folder, &names, NULL) < 0)
        return false;
    bool yes = true;
    for (char **n = names; *n && yes; n++)
        yes = !ta_work_is_own_name(*n) || !strcmp(*n, "journal.jsonl");
    ta_dir_list_free(&names);
    struct ta_journal journal;
    ta_journal_load_in(&journal, folder);
    yes = yes && (!ta_folder_has(folder, "journal.jsonl") || !strcmp(journal.joined, report->sha256));
    ta_journal_release(&journal);
    return yes;
}

// Is there nothing to go on with: no work folder, or only remains of one? Those are removed when `sweep` says
// so, unless a run has begun in them.
static bool is_without_work(const char *dir, const struct ta_report *report, bool sweep)
{
    struct ta_folder folder;
    if (access(dir, F_OK) != 0)
        return true;
    bool yes = ta_folder_hold(&folder, dir, NULL) >= 0 && (!sweep || ta_folder_own(&folder, NULL) >= 0) &&
               flock(folder.fd, LOCK_EX | LOCK_NB) == 0 && is_remains(&folder, report);
    if (yes && sweep)
        ta_work_remove(&folder, NULL);
    ta_folder_close(&folder);
    return yes;
}

static bool is_finished(const char *output, const char *work_dir, bool sweep)
{
    char *dir = ta_work_path_of(output, work_dir);
    struct ta_report report;
    bool finished = load_report(&report, output);
    if (finished) {
        finished = is_without_work(dir, &report, sweep);
        ta_report_release(&report);
    }
    free(dir);
    return finished;
}

bool ta_output_is_finished(const char *output, const char *work_dir, bool *kept)
{
    *kept = ta_output_is_kept(output, work_dir, NULL);
    return *kept || is_finished(output, work_dir, true);
}

void ta_output_sweep(const char *output, const char *work_dir)
{
    is_finished(output, work_dir, true);
}

// ---- what an output is ----

struct file_check {
    const struct ta_plan *plan;
    struct ta_buf *differs;
};

// A file that an option names, and that is not what it was: its checksum is in the plan.
static bool is_unchanged(void *priv, const struct ta_stage_info *stage, const char *name, const char *value)
{
    const struct file_check *c = priv;
    char *path = NULL, sum[65] = "";
    if (!strcmp(value, "none"))
        return true;
    bool same = ta_stage_find_file(stage, value, &path, sum, NULL) >= 0 && strstr(c->plan->json, sum);
    free(path);
    if (!same)
        ta_buf_printf(c->differs, "--%s: %s has changed", name, value);
    return same;
}

static enum ta_output_state compare(const struct ta_plan *made, const char *input, struct ta_options *options,
                                    struct ta_buf *differs)
{
    struct ta_fingerprint now;
    if (ta_fingerprint_read(input, &now, NULL) < 0 || !ta_fingerprint_equal(&now, &made->source)) {
        if (!ta_name_same(input, made->input))
            return TA_OUTPUT_OTHER_SOURCE;
        if (now.size_bytes != made->source.size_bytes)
            ta_buf_printf(differs, "its bytes: %lld -> %lld", (long long)made->source.size_bytes,
                          (long long)now.size_bytes);
        else
            ta_buf_puts(differs, strcmp(now.head_tail, made->source.head_tail) ? "its content is another"
                                                                               : "its date is another");
        return TA_OUTPUT_CHANGED_SOURCE;
    }
    json_t *recipe = ta_options_recipe_json(options);
    ta_recipe_differences(made->recipe, recipe, differs);
    json_decref(recipe);
    if (!differs->size)
        ta_options_each_file(options, is_unchanged, &(struct file_check){made, differs});
    return differs->size ? TA_OUTPUT_OTHER_RECIPE : TA_OUTPUT_SAME;
}

int ta_output_find(struct ta_output_found *out, const char *input, const char *output, const char *work_dir,
                   struct ta_options *options, struct ta_log *log)
{
    struct ta_buf differs = {0};
    const struct ta_recipe_opts *recipe;
    *out = (struct ta_output_found){0};
    if (!ta_look_is_file(output) || ta_name_holds(input, output) || !ta_name_exists(input))
        return 0;
    int err = ta_options_recipe(options, &recipe, log);
    if (err < 0)
        return err;
    char *dir = ta_work_path_of(output, work_dir);
    out->kept = ta_output_is_kept(output, work_dir, NULL);
    if (!out->kept && access(dir, F_OK) == 0 && !is_finished(output, work_dir, false))
        out->state = TA_OUTPUT_UNFINISHED;
    else if (!load_report(&out->report, output))
        out->state = TA_OUTPUT_UNKNOWN;
    else
        out->state = compare(out->report.plan, input, options, &differs);
    out->differs = ta_xstrdup(ta_buf_text(&differs));
    ta_buf_release(&differs);
    free(dir);
    return 0;
}

void ta_output_found_release(struct ta_output_found *found)
{
    ta_report_release(&found->report);
    free(found->differs);
    *found = (struct ta_output_found){0};
}
