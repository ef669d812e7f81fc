#include "cli/recipe.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "media/encode/encoder_row.h"
#include "recipe/folders.h"
#include "recipe/options.h"
#include "restore/outcome.h"
#include "restore/output.h"
#include "restore/report.h"
#include "restore/task.h"
#include "restore/task_kind.h"
#include "restore/work.h"

enum ta_exit ta_cli_check_recipe(struct ta_cli *cli, const char *config_path)
{
    const struct ta_recipe_opts *recipe;
    struct ta_run_opts run = {0};
    int err = ta_cli_load_options(cli, config_path);
    if (err < 0) // a file with a wrong line is the user's to mend; one that can't be read is a failure
        return ta_cli_fail(cli, err == TA_ERR_FORMAT ? TA_ERR_INVALID : err);
    err = ta_options_recipe(cli->options, &recipe, cli->log);
    if (!err && strcmp(recipe->encoder, "auto") && !ta_encoder_find(recipe->encoder)) {
        const char *from = NULL, *value, *names[32];
        size_t count = 0;
        ta_options_get(cli->options, "encoder", &value, &from);
        for (const struct ta_encoder_info *const *e = ta_encoders; *e && count + 1 < TA_COUNT(names); e++)
            names[count++] = (*e)->name;
        names[count] = NULL;
        const char *nearest = ta_nearest(recipe->encoder, names);
        ta_error(cli->log, "%s: unknown encoder \"%s\"%s%s%s", from ? from : "encoder", recipe->encoder,
                 nearest ? "; did you mean \"" : " (\"terminalai encoders\" lists them)",
                 nearest ? nearest : "", nearest ? "\"?" : "");
        err = TA_ERR_INVALID;
    }
    if (!err)
        err = ta_options_run(cli->options, &run, cli->log);
    ta_opt_release(ta_run_options, &run);
    // As above: what the user wrote is wrong, or a preset's file can't be read.
    return err < 0 ? ta_cli_fail(cli, err == TA_ERR_FORMAT ? TA_ERR_INVALID : err) : TA_EXIT_OK;
}

bool ta_cli_is_on(struct ta_cli *cli, const char *name)
{
    const char *value = "off";
    return ta_options_get(cli->options, name, &value, NULL) >= 0 && !strcmp(value, "on");
}

int ta_cli_work_dir(struct ta_cli *cli, const char *given, char **out)
{
    *out = ta_xstrdup(given ? given : "");
    if (**out)
        return 0;
    struct ta_options *options = NULL;
    const char *value = "";
    int err = ta_options_create(&options, cli->log);
    if (err >= 0)
        err = ta_options_load_config(options, NULL);
    if (err >= 0)
        err = ta_options_load_environment(options);
    if (err >= 0)
        err = ta_options_get(options, "work-dir", &value, NULL);
    if (err >= 0) {
        free(*out);
        *out = ta_xstrdup(value);
    }
    ta_options_destroy(&options);
    return err;
}

const char *ta_cli_output_extension(struct ta_cli *cli)
{
    return ta_output_extension(cli->options);
}

static bool is_interrupted(void *priv)
{
    (void)priv;
    return ta_signals_interrupted();
}

struct ta_callbacks ta_cli_callbacks(struct ta_cli *cli, struct ta_progress_view *view)
{
    if (!cli->env) {
        char *tuning = ta_config_path("tuning.yaml");
        ta_env_create(&cli->env, tuning, cli->log); // without one there are no engines, and that is said then
        free(tuning);
        if (cli->env && cli->options)
            ta_env_use_options(cli->env, cli->options, NULL); // what is wrong in them was told
    }
    return (struct ta_callbacks){
        .progress = ta_progress_show, .canceled = is_interrupted, .priv = view, .env = cli->env};
}

// A plan from elsewhere may name any folder. What it says is used where the caller has put the plan itself,
// or in a folder of his own.
static bool may_write_there(const struct ta_plan *plan, const char *plan_path)
{
    const char *output = ta_plan_output(plan);
    char *dir = ta_path_dir(output), *beside = ta_path_dir(plan_path);
    struct stat st;
    bool may = !strcmp(output, "-") || ta_path_same_file(dir, beside) || stat(dir, &st) < 0 ||
               st.st_uid == geteuid();
    free(beside);
    free(dir);
    return may;
}

static char *work_folder(struct ta_announcement *a)
{
    struct ta_run_opts run;
    if (ta_options_run(a->cli->options, &run, NULL) < 0)
        return ta_xstrdup("");
    ta_work_choose_dir(a->plan, &run);
    char *dir = ta_work_path(a->plan, run.work_dir);
    ta_opt_release(ta_run_options, &run);
    return dir;
}

static void say(struct ta_announcement *a, const char *dir)
{
    if (!a->said && !ta_console_is_quiet(a->cli->console))
        ta_console_print(a->cli->console, "%s: %s in %s", ta_plan_output(a->plan), a->what, dir);
    a->said = true;
}

static void say_and_show(void *priv, const struct ta_progress *p)
{
    struct ta_announcement *a = priv;
    if (!a->said && p->phase != TA_PHASE_INDEX && p->phase != TA_PHASE_DONE) {
        char *dir = work_folder(a);
        say(a, dir);
        free(dir);
    }
    ta_progress_show(a->view, p);
}

struct ta_callbacks ta_cli_announce(struct ta_announcement *a, struct ta_cli *cli,
                                    struct ta_progress_view *view, const struct ta_plan *plan, bool begins,
                                    char *what)
{
    *a = (struct ta_announcement){.cli = cli, .view = view, .plan = plan, .what = what};
    struct stat st;
    struct ta_report report;
    char *dir = work_folder(a);
    if (begins && *dir && lstat(dir, &st) < 0 && errno == ENOENT && ta_work_check_source(plan, NULL) >= 0 &&
        ta_task_kinds_check(plan, NULL) >= 0) {
        if (ta_plan_delivered(plan, &report))
            ta_report_release(&report);
        else
            say(a, dir);
    }
    free(dir);
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, view);
    callbacks.progress = say_and_show;
    callbacks.priv = a;
    return callbacks;
}

void ta_cli_announcement_end(struct ta_announcement *a)
{
    free(a->what);
}

enum ta_exit ta_cli_task_start(struct ta_cli *cli, const struct ta_task_opts *opts, bool with_index,
                               struct ta_plan **plan)
{
    if (!opts->plan)
        return ta_cli_usage(cli, "%s needs --plan FILE", cli->command->name);
    int err = ta_options_create(&cli->options, cli->log);
    if (err >= 0)
        err = ta_cli_load_options(cli, opts->config);
    if (err >= 0 && opts->work_dir)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "work-dir", opts->work_dir, "--work-dir");
    if (err >= 0 && opts->no_cache)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "no-cache", "on", "--no-cache");
    if (err < 0)
        return ta_cli_fail(cli, err == TA_ERR_FORMAT ? TA_ERR_INVALID : err);
    const char *work_dir = "";
    char *cache = ta_options_cache(cli->options);
    ta_options_get(cli->options, "work-dir", &work_dir, NULL);
    err = with_index ? ta_plan_load(plan, opts->plan, opts->output, work_dir, cache, cli->log)
                     : ta_plan_read(plan, opts->plan, opts->output, cli->log);
    free(cache);
    if (err >= 0 && !opts->output && !may_write_there(*plan, opts->plan)) {
        ta_error(cli->log, "%s: the plan writes into a folder that is not yours: name the output with -o",
                 ta_plan_output(*plan));
        err = TA_ERR_ACCESS;
        ta_plan_destroy(plan);
    }
    if (err < 0) { // a file that is no plan is a failure, whatever its numbers are
        ta_cli_end(cli, err, opts->plan);
        ta_cli_fail(cli, err);
        return TA_EXIT_FAILED;
    }
    return TA_EXIT_OK;
}

struct ta_progress_view ta_cli_task_view(struct ta_cli *cli, const struct ta_task_opts *opts,
                                         const struct ta_plan *plan)
{
    enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
    if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
        mode = TA_PROGRESS_NONE;
    bool to_stdout = !strcmp(ta_plan_output(plan), "-");
    struct ta_progress_view view = {
        .console = cli->console, .mode = mode, .json = to_stdout ? stderr : stdout, .count = 1};
    ta_progress_begin(&view, ta_plan_input(plan), 0);
    ta_progress_plan(&view, plan);
    ta_cli_begin(cli);
    ta_signals_catch();
    return view;
}

enum ta_exit ta_cli_finish(struct ta_cli *cli, int err, const char *subject, const char *output, bool json,
                           enum ta_progress_mode mode, json_t *done)
{
    const struct ta_problem *failure = ta_cli_end(cli, err, subject);
    if (err == TA_ERR_CANCELED)
        ta_console_print(cli->console, "%s: interrupted", subject);
    bool lacks = json_integer_value(json_object_get(done, "losses")) > 0;
    enum ta_exit status = (enum ta_exit)ta_exit_status(lacks ? TA_SEVERITY_LOSS : TA_SEVERITY_NONE, err);
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "output", ta_json_any_text(output));
        json_object_set_new(o, "status",
                            json_string(err == TA_ERR_CANCELED ? "interrupted"
                                        : err < 0              ? "failed"
                                                               : "done"));
        if (failure)
            ta_outcome_failure(o, failure, err);
        else if (done)
            json_object_update(o, done);
        json_object_set_new(o, "problems", ta_problems_to_json(ta_console_problems(cli->console)));
        json_object_set_new(o, "exit_code", json_integer(status));
        char *text = mode == TA_PROGRESS_JSON ? json_dumps(o, JSON_COMPACT) : ta_json_text(o);
        size_t length = strlen(text);
        char *line = ta_xprintf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
        cli->written = true;
        if (!strcmp(output, "-"))
            fputs(line, stderr);
        else
            status = ta_exit_worse(status, ta_cli_output(cli, line));
        free(line);
        free(text);
        json_decref(o);
    }
    json_decref(done);
    return status;
}

enum ta_exit ta_cli_task_end(struct ta_cli *cli, const struct ta_task_opts *opts, const struct ta_plan *plan,
                             int err, json_t *done)
{
    // What the plan says was checked before: nothing here is the caller's fault any more.
    int failure = err < 0 && err != TA_ERR_CANCELED ? TA_ERR_IO : err;
    enum ta_exit status = ta_cli_finish(cli, err, ta_plan_output(plan), ta_plan_output(plan), opts->json,
                                        (enum ta_progress_mode)opts->progress, done);
    return status == TA_EXIT_USAGE ? ta_exit_from_error(failure) : status;
}

// ---- costs ----

// What players and their decoders take of H.264 and HEVC: level 4.2 and 5.1 have no more in the profiles that
// they know.
static void warn_of_rate(struct ta_cli *cli, const struct ta_plan *plan, const struct ta_estimate *e)
{
    static const double MOST = 60, AVERAGED = 1; // Mbit/s; seconds
    double seconds = ta_plan_seconds(plan), rate = seconds > 0 ? (double)e->output_bytes * 8e-6 / seconds : 0;
    bool for_players = plan->encoder.info && !plan->encoder.info->lossless &&
                       !plan->encoder.info->lossy_intra && strcmp(plan->output, "-");
    if (!e->tried || !for_players || seconds < AVERAGED || rate <= MOST)
        return;
    struct ta_problem_about about = {.file = plan->input, .args = json_pack("{s:f}", "megabits", rate)};
    ta_problem_at(
        cli->log, TA_PROBLEM_RATE_HIGH, &about,
        "%s: about %.0f Mbit/s, more than most players take (%.0f): more --denoise-strength, a higher "
        "--crf or a lower --resolution makes less of it",
        plan->input, rate, MOST);
}

static void warn_of_days(struct ta_cli *cli, const struct ta_plan *plan, const struct ta_estimate *e)
{
    static const double DAY = 86400;
    if (e->seconds <= DAY)
        return;
    struct ta_problem_about about = {.file = plan->input, .args = json_pack("{s:f}", "seconds", e->seconds)};
    ta_problem_at(
        cli->log, TA_PROBLEM_TAKES_LONG, &about,
        "%s: about %.1f days on this machine, %.1f s a frame: --scale resize, a smaller network or a "
        "device for it take less",
        plan->input, e->seconds / DAY, e->seconds / (double)TA_MAX(plan->out_frames, 1));
}

char *ta_cli_plan_text(struct ta_cli *cli, struct ta_plan *plan, const struct ta_callbacks *callbacks)
{
    static const double PATIENCE = 5; // seconds
    struct ta_estimate e;
    int err = ta_plan_suit(plan, cli->options, PATIENCE, callbacks, &e, cli->log);
    if (err < 0)
        return NULL;
    warn_of_rate(cli, plan, &e);
    warn_of_days(cli, plan, &e);
    return ta_plan_describe(plan, &e, cli->common.verbose > 0);
}

int ta_cli_suit(struct ta_cli *cli, struct ta_plan *plan, bool tell, const struct ta_callbacks *callbacks)
{
    enum { LONG_FRAMES = 1200 };      // a try is a small part of what takes long
    static const double PATIENCE = 3; // seconds
    struct ta_estimate e;
    double patience = PATIENCE * TA_MIN(1, (double)ta_plan_frames(plan) / LONG_FRAMES);
    int err = ta_plan_suit(plan, cli->options, tell ? patience : 0, callbacks, &e, cli->log);
    if (err < 0)
        return err;
    warn_of_rate(cli, plan, &e);
    warn_of_days(cli, plan, &e);
    if (!tell || e.seconds <= 0) // what can't be tried is told by the run
        return 0;
    char *text = ta_plan_describe_costs(plan, &e), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && *line)
        ta_console_print(cli->console, "%s", line);
    free(text);
    return 0;
}
