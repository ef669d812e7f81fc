// terminalai resume: goes on with unfinished work by its own plan.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/outcome.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "plan/plan.h"
#include "restore/delivered.h"
#include "restore/work_files.h"

struct resume_opts {
    int progress; // enum ta_progress_mode
    bool json;
};

static const struct ta_opt resume_options[] = {
    {.name = "progress",
     .kind = &ta_opt_choice,
     TA_FIELD(struct resume_opts, progress, int),
     .def = "auto",
     .choices = ta_progress_choices,
     .help = "how progress is shown"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct resume_opts, json, bool),
     .help = "write what was done as one JSON object to standard output at the end"},
    {0},
};

// Finished, and its work gone or left for parts to be made again: that is no unfinished work.
static enum ta_exit already_done(struct ta_restore_call *run, const char *output, bool kept)
{
    char *path = ta_report_path(output);
    struct ta_output_found found = {.state = TA_OUTPUT_SAME, .kept = kept};
    int err = ta_report_load(&found.report, path, run->cli->log);
    if (err >= 0)
        ta_restore_call_already(run, found.report.plan->input, output, &found);
    ta_output_found_release(&found);
    free(path);
    return ta_exit_from_error(TA_MIN(err, 0));
}

static enum ta_exit resume_file(struct ta_restore_call *run, const char *output, const char *work_dir,
                                int index)
{
    struct ta_cli *cli = run->cli;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    ta_progress_begin(&run->view, output, index);
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &run->view);
    ta_cli_begin(cli);
    bool kept;
    if (!ta_cli_is_on(cli, "overwrite") && ta_output_is_finished(output, work_dir, &kept))
        return already_done(run, output, kept);
    char *cache = ta_options_cache(cli->options);
    int err = ta_plan_resume(&plan, output, work_dir, cache, cli->log);
    free(cache);
    if (err >= 0) {
        ta_progress_plan(&run->view, plan);
        ta_mapped_give_back();
        err = ta_restore(plan, cli->options, &callbacks, &result, cli->log);
    }
    enum ta_exit status = ta_restore_call_finish(run, plan ? ta_plan_input(plan) : output, plan, &result,
                                                 TA_MIN(err, 0));
    // A name that leads to nothing is no wrong call.
    if (!plan && status == TA_EXIT_USAGE)
        status = TA_EXIT_FAILED;
    ta_plan_destroy(&plan);
    return status;
}

// Names that lead to nothing are said before hours are spent on those before them. How many there are.
static int count_missing(struct ta_cli *cli, const char *work_dir)
{
    int missing = 0;
    for (int i = 0; i < cli->operand_count; i++) {
        const char *output = cli->operands[i];
        char *dir = ta_work_path_of(output, work_dir);
        struct stat st;
        if (lstat(output, &st) < 0 && lstat(dir, &st) < 0) {
            ta_error(cli->log, "%s: there is no such file and no unfinished work of it (no %s)", output, dir);
            missing++;
        }
        free(dir);
    }
    return missing;
}

static enum ta_exit run_resume(struct ta_cli *cli)
{
    const struct resume_opts *opts = cli->values;
    enum ta_exit status = ta_cli_check_recipe(cli, NULL);
    if (status)
        return status;
    // Both are about what "restore" finds in its way; here it is what is asked for.
    if (ta_cli_is_on(cli, "restart") || ta_cli_is_on(cli, "no-resume"))
        return ta_cli_usage(
            cli, "resume goes on with what is there; \"terminalai restore --restart\" begins anew");
    const char *work_dir = "";
    ta_options_get(cli->options, "work-dir", &work_dir, NULL);
    if (cli->operand_count > 1 && count_missing(cli, work_dir))
        return ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    struct ta_restore_call run = {.cli = cli, .data = stdout, .results = json_array()};
    enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
    if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
        mode = TA_PROGRESS_NONE;
    run.view = (struct ta_progress_view){
        .console = cli->console, .mode = mode, .json = run.data, .count = cli->operand_count};
    ta_signals_catch();
    for (int i = 0; i < cli->operand_count && !ta_signals_interrupted(); i++)
        status = ta_exit_worse(status, resume_file(&run, cli->operands[i], work_dir, i));
    if (opts->json)
        status = ta_restore_call_write(&run, status);
    json_decref(run.results);
    return status;
}

static const struct ta_example resume_examples[] = {
    {"terminalai resume tape.restored.mp4", "goes on where the run that makes it was stopped"},
    {"terminalai resume --work-dir /scratch restored/*.mp4", "work that lies elsewhere"},
    {0},
};

static const struct ta_command_group resume_groups[] = {{"Messages", resume_options, 0}, {0}};

const struct ta_command ta_command_resume = {
    .name = "resume",
    .operands = "OUTPUT...",
    .summary = "go on with interrupted restorations",
    .description =
        "Goes on with each OUTPUT where the run that makes it was stopped, by the plan that lies in its work folder: "
        "none of the options that made it are needed again, and the result is the same, bit for bit, as if it had not "
        "been stopped. Giving the \"restore\" command again does the same. What is finished and unharmed is used, the "
        "rest is made; an OUTPUT that is finished is left as it is.",
    .examples = resume_examples,
    .groups = resume_groups,
    .values_size = sizeof(struct resume_opts),
    .running = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_resume,
};
