#include "show/compare.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/survey.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "restore/output.h"

static const char *const files[] = {"grid.mp4", "contact.png", "report.json", "report.txt", "report.html"};

// ---- before any work ----

static int check_folder(const struct ta_compare *c, struct ta_options *options)
{
    struct ta_run_opts run;
    int err = ta_options_run(options, &run, c->log);
    if (err < 0)
        return err;
    bool overwrite = run.overwrite;
    struct ta_guard g = {0};
    ta_opt_release(ta_run_options, &run);
    ta_guard_add_source(&g, c->input);
    ta_guard_add_options(&g, options);
    err = ta_dir_create(c->folder, c->log);
    for (size_t i = 0; i < TA_COUNT(files) && err >= 0; i++) {
        char *path = ta_path_join(c->folder, files[i]);
        err = ta_output_check(&g, path, overwrite, c->log);
        free(path);
    }
    ta_guard_release(&g);
    return err;
}

// A preset that does not exist is told before the source is read.
static int check_presets(struct ta_options **sets, const struct ta_compare_wish *wish,
                         struct ta_options *options)
{
    int err = 0;
    for (int i = 0; i < wish->preset_count && err >= 0; i++) {
        const char *value;
        ta_options_clone(&sets[i], options);
        err = ta_options_set(sets[i], TA_LAYER_CALLER, "preset", wish->presets[i], "--presets");
        if (err >= 0)
            err = ta_options_get(sets[i], "encoder", &value, NULL);
        if (err == TA_ERR_NOT_FOUND)
            err = TA_ERR_INVALID;
    }
    return err;
}

static int plan_all(struct ta_compare *c, struct ta_options *options, struct ta_options **sets,
                    const struct ta_compare_wish *wish, const struct ta_callbacks *callbacks)
{
    // All presets are planned from one survey: the source is read and measured once.
    struct ta_survey *survey = NULL;
    char *cache = ta_options_cache(options);
    int err = ta_survey_create(&survey, c->input, cache, c->log);
    for (int i = 0; i < wish->preset_count && err >= 0; i++) {
        struct ta_contestant *p = &c->contestants[c->count++];
        p->preset = ta_xstrdup(wish->presets[i]);
        err = ta_plan_from_survey(&p->plan, survey, NULL, sets[i], callbacks, c->log);
        if (err >= 0) {
            p->cut = ta_plan_cut(p->plan);
            c->cut.top = TA_MAX(c->cut.top, p->cut.top);
            c->cut.right = TA_MAX(c->cut.right, p->cut.right);
            c->cut.bottom = TA_MAX(c->cut.bottom, p->cut.bottom);
            c->cut.left = TA_MAX(c->cut.left, p->cut.left);
        }
    }
    ta_survey_destroy(&survey);
    free(cache);
    return err;
}

// Where the excerpts lie, by the first plan: all have the same source frames.
static int choose_excerpts(struct ta_compare *c, const struct ta_compare_wish *wish)
{
    const struct ta_plan *p = c->contestants[0].plan;
    int n = wish->start ? 1 : wish->excerpts, err = 0;
    c->excerpts = ta_xcalloc((size_t)n, sizeof *c->excerpts);
    double seconds = (double)(p->index->end_pts - p->index->frames[0].pts) * av_q2d(p->index->time_base);
    // So that none begins too near the end to be as long as wished.
    double usable = TA_MAX(0.0, 1 - wish->duration / TA_MAX(seconds, 0.001));
    for (int i = 0; i < n && err >= 0; i++) {
        struct ta_excerpt e;
        char *start = wish->start ? ta_xstrdup(wish->start)
                                  : ta_xprintf("%.6f%%", 100 * usable * (i + 0.5) / n);
        err = ta_excerpt_find(p, start, wish->duration, &e, c->log);
        free(start);
        // A short source has fewer than wished.
        bool again = err >= 0 && c->excerpt_count && c->excerpts[c->excerpt_count - 1].end > e.first;
        if (err >= 0 && !again)
            c->excerpts[c->excerpt_count++] = e;
    }
    return err;
}

// ---- restoring ----

static int run_one(struct ta_compare *c, struct ta_contestant *p, int number, int excerpt)
{
    struct ta_segment range = ta_plan_range(p->plan, c->excerpts[excerpt].first, c->excerpts[excerpt].end);
    char *name = ta_xprintf("%d-%d.nut", number, excerpt);
    p->files[excerpt] = ta_path_join(c->temporary, name);
    free(name);
    double wall = ta_clock_seconds(), cpu = ta_cpu_seconds();
    struct ta_env env = ta_meter_env(c->meter, ta_meter_cancel(c->meter), c->log);
    int err = ta_segment_make(p->plan, &range, &c->held, ta_path_name(p->files[excerpt]), NULL, c->meter,
                              &env, &p->results[excerpt]);
    p->wall_seconds += ta_clock_seconds() - wall;
    p->cpu_seconds += ta_cpu_seconds() - cpu;
    c->result.warnings += p->results[excerpt].concealed + p->results[excerpt].damaged;
    return err;
}

static int run_all(struct ta_compare *c)
{
    int64_t total = 0, most = 0;
    for (int i = 0; i < c->count; i++) {
        int64_t own = 0;
        for (int k = 0; k < c->excerpt_count; k++)
            own += ta_plan_range(c->contestants[i].plan, c->excerpts[k].first, c->excerpts[k].end).out_count;
        total += own;
        most = TA_MAX(most, own);
    }
    int pieces = c->count * c->excerpt_count + 1;
    ta_meter_set_work(c->meter, &(struct ta_meter_work){.frames_total = total + most,
                                                        .tasks_total = pieces,
                                                        .segments_total = pieces});
    ta_meter_start(c->meter, TA_PHASE_SEGMENTS);
    int err = 0;
    for (int i = 0; i < c->count && err >= 0; i++) {
        struct ta_contestant *p = &c->contestants[i];
        p->files = ta_xcalloc((size_t)c->excerpt_count, sizeof *p->files);
        p->results = ta_xcalloc((size_t)c->excerpt_count, sizeof *p->results);
        for (int k = 0; k < c->excerpt_count && err >= 0; k++) {
            err = run_one(c, p, i, k);
            if (err >= 0)
                ta_meter_add_task(c->meter, true);
        }
    }
    return err;
}

// ---- the whole ----

static int hold_temporary(struct ta_compare *c)
{
    char tag[TA_TAG_SIZE];
    bool made;
    ta_file_tag(tag);
    char *path = ta_xprintf("%s/.ta-compare-%s.tmp", c->folder, tag);
    int err = ta_folder_make(&c->held, path, &made, c->log);
    if (err >= 0)
        err = ta_folder_own(&c->held, c->log);
    if (err >= 0)
        c->temporary = path; // and removed in the end
    else
        free(path);
    return err;
}

static int compare(struct ta_compare *c, struct ta_options *options, const struct ta_compare_wish *wish,
                   const struct ta_callbacks *callbacks)
{
    struct ta_options **sets = ta_xcalloc((size_t)wish->preset_count, sizeof *sets);
    bool made = access(c->folder, F_OK) < 0;
    int err = check_presets(sets, wish, options);
    if (err >= 0)
        err = check_folder(c, options);
    if (err >= 0)
        err = plan_all(c, options, sets, wish, callbacks);
    if (err >= 0)
        err = choose_excerpts(c, wish);
    if (err >= 0) {
        err = hold_temporary(c);
    }
    if (err >= 0)
        err = run_all(c);
    if (err >= 0)
        err = ta_compare_grid(c, options);
    if (err >= 0)
        err = ta_compare_report(c);
    for (int i = 0; i < wish->preset_count; i++)
        ta_options_destroy(&sets[i]);
    free(sets);
    if (c->temporary)
        ta_dir_remove(c->temporary, NULL);
    ta_folder_close(&c->held);
    if (err < 0 && made)
        rmdir(c->folder); // only when nothing is in it
    return err;
}

static void release(struct ta_compare *c)
{
    for (int i = 0; i < c->count; i++) {
        struct ta_contestant *p = &c->contestants[i];
        for (int k = 0; p->files && k < c->excerpt_count; k++)
            free(p->files[k]);
        free(p->files);
        free(p->results);
        free(p->preset);
        ta_plan_destroy(&p->plan);
    }
    free(c->contestants);
    free(c->excerpts);
    free(c->temporary);
    ta_log_destroy(&c->log);
}

int ta_compare(const char *input, const char *folder, struct ta_options *options,
               const struct ta_compare_wish *wish, const struct ta_callbacks *callbacks,
               struct ta_compare_result *result, struct ta_log *log)
{
    struct ta_meter meter;
    struct ta_compare c = {.held = {.fd = -1},
                           .input = input,
                           .folder = folder,
                           .meter = &meter,
                           .log = ta_log_child(log, "compare")};
    c.contestants = ta_xcalloc((size_t)wish->preset_count, sizeof *c.contestants);
    ta_meter_init(&meter, callbacks);
    int err = compare(&c, options, wish, callbacks);
    if (err >= 0)
        ta_meter_start(&meter, TA_PHASE_DONE);
    ta_meter_release(&meter);
    ta_log_fail(c.log, err, input, NULL);
    if (result)
        *result = c.result;
    release(&c);
    return err < 0 ? err : 0;
}
