// terminalai join: the finished tasks of a plan become its output.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "restore/outcome.h"

struct join_opts {
    struct ta_task_opts task;
    bool keep_work, overwrite;
    int verify; // index into join_verify_choices
};

static const struct ta_choice join_verify_choices[] = {
    {"quick", "all packets and times; key frames and seams decoded"},
    {"full", "every frame decoded"},
    {0},
};

static const struct ta_opt join_options[] = {
    TA_TASK_OPTIONS(struct join_opts, task),
    {.name = "keep-work",
     .kind = &ta_opt_switch,
     TA_FIELD(struct join_opts, keep_work, bool),
     .help = "keep the work folder after success"},
    {.name = "overwrite",
     .kind = &ta_opt_switch,
     TA_FIELD(struct join_opts, overwrite, bool),
     .help = "replace an existing output, once the new one is finished and verified",
     .letter = 'y'},
    {.name = "verify",
     .kind = &ta_opt_choice,
     TA_FIELD(struct join_opts, verify, int),
     .def = "quick",
     .choices = join_verify_choices,
     .help = "how the finished file is checked before it gets its name"},
    {0},
};

static int set_options(struct ta_cli *cli, const struct join_opts *opts)
{
    int err = 0;
    if (opts->keep_work)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "keep-work", "on", "--keep-work");
    if (err >= 0 && opts->overwrite)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "overwrite", "on", "--overwrite");
    if (err >= 0 && opts->verify)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "verify", join_verify_choices[opts->verify].name,
                             "--verify");
    return err;
}

static void say(struct ta_cli *cli, const struct ta_plan *plan, const struct ta_restore_result *r,
                bool already)
{
    struct ta_buf size = {0};
    if (ta_console_is_quiet(cli->console))
        return;
    ta_append_bytes(&size, r->bytes);
    ta_console_print(cli->console, "%s: %s%" PRId64 " %s, %s", ta_plan_output(plan),
                     already ? "done already, " : "", r->frames, ta_plural(r->frames, "frame", "frames"),
                     ta_buf_text(&size));
    if (r->warnings > 0)
        ta_console_print(cli->console, "%" PRId64 " %s; see %s.json", r->warnings,
                         ta_plural(r->warnings, "warning", "warnings"), ta_plan_output(plan));
    ta_buf_release(&size);
}

static json_t *result_json(const struct ta_plan *plan, struct ta_restore_result *r, bool already)
{
    r->already = already;
    json_t *o = ta_outcome_json(ta_plan_input(plan), plan, r, 0, NULL);
    json_object_set_new(o, "segments", json_integer(ta_plan_segments(plan)));
    json_object_set_new(o, "tasks", json_integer(ta_plan_tasks(plan)));
    return o;
}

static enum ta_exit run_join(struct ta_cli *cli)
{
    const struct join_opts *opts = cli->values;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    bool already = false;
    enum ta_exit status = ta_cli_task_start(cli, &opts->task, true, &plan);
    if (status)
        return status;
    int err = set_options(cli, opts);
    struct ta_progress_view view = ta_cli_task_view(cli, &opts->task, plan);
    struct ta_announcement announcement;
    struct ta_callbacks callbacks = ta_cli_announce(
        &announcement, cli, &view, plan, false, ta_xstrdup("is made, with a report beside it, of what lies"));
    if (err >= 0)
        err = ta_join_task(plan, cli->options, &callbacks, &already, &result, cli->log);
    ta_cli_announcement_end(&announcement);
    ta_progress_end(&view);
    if (err >= 0)
        say(cli, plan, &result, already);
    json_t *object = err >= 0 ? result_json(plan, &result, already) : NULL;
    status = ta_cli_task_end(cli, &opts->task, plan, err, object);
    ta_plan_destroy(&plan);
    return status;
}

static const struct ta_example join_examples[] = {
    {"terminalai join --plan plan.json", "when all tasks are made"},
    {"terminalai join --plan plan.json --verify full",
     "with every frame decoded before the file gets its name"},
    {0},
};

static const struct ta_command_group join_groups[] = {{"The task", join_options, 0}, {0}};

const struct ta_command ta_command_join = {
    .name = "join",
    .operands = "",
    .summary = "make the output of a plan from its finished tasks",
    .description =
        "Joins the files that \"task\" made with the source's sound and other streams, checks the "
        "file, gives it its name, writes the report and removes the work folder: what \"restore\" does at its "
        "end, with the same result, bit for bit. When tasks are missing they are named and the exit status "
        "is 1. An output that this plan has delivered before is left as it is: that is said, and the exit "
        "status is 0.",
    .examples = join_examples,
    .groups = join_groups,
    .values_size = sizeof(struct join_opts),
    .operand_kind = TA_OPERAND_NONE,
    .run = run_join,
};
