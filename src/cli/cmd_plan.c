// terminalai plan: what `restore` would do, and why.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "media/parts/name.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "cli/batch.h"
#include "restore/delivered.h"
#include "recipe/options.h"

struct plan_opts {
    char *output;
    char *config;
    bool json;
    bool values;
    bool join;
    bool dry_run;
};

static const struct ta_opt plan_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct plan_opts, output, char *),
     .syntax = "OUT",
     .help = "file that \"restore\" would make; its name decides the container",
     .letter = 'o'},
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct plan_opts, config, char *),
     .syntax = "FILE",
     .help = "read options from this YAML file instead of ~/.config/terminalai/config.yaml"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct plan_opts, json, bool),
     .help = "print the plan itself, as JSON: the same input, options and version give the same bytes"},
    {.name = "values",
     .kind = &ta_opt_switch,
     TA_FIELD(struct plan_opts, values, bool),
     .help = "add each option with its value and the place it came from"},
    TA_JOIN_OPTION(struct plan_opts),
    {.name = "dry-run",
     .kind = &ta_opt_switch,
     TA_FIELD(struct plan_opts, dry_run, bool),
     .help = "as of \"restore\": changes nothing here, where nothing is made anyway",
     .letter = 'n',
     .flags = TA_OPT_ADVANCED},
    {0},
};

// "crf  18  default"
static void append_values(struct ta_cli *cli, struct ta_buf *out)
{
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups), width = ta_console_columns(STDOUT_FILENO);
    struct ta_table table = {.columns = 3};
    for (int g = 0; g < count; g++) {
        for (const struct ta_opt *o = groups[g].table; o->name; o++) {
            char *name = ta_option_full_name(&groups[g], o);
            const char *value = "", *from = "";
            if (!(o->flags & TA_OPT_HIDDEN) && !ta_options_get(cli->options, name, &value, &from)) {
                ta_table_cell(&table, "%s", name);
                ta_table_cell(&table, "%s", *value ? value : "-");
                ta_table_cell(&table, "%s", from);
            }
            free(name);
        }
    }
    ta_buf_puts(out, "\nOptions, their values and where these come from:\n");
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

// Files that seem to be one film, which nobody said.
static void hint_at_series(const char *input, struct ta_buf *out)
{
    char *series = ta_batch_series(input), **files;
    if (!series)
        return;
    int count = ta_name_files(series, &files);
    ta_buf_printf(out, "hint\n  %s seems to go on in %s%s; if they are one film: --join %s %s%s\n",
                  ta_path_name(files[0]), ta_path_name(files[1]), count > 2 ? " and others" : "", files[0],
                  files[1], count > 2 ? " ..." : "");
    ta_name_files_free(&files);
    free(series);
}

// What "restore" would say of a file that has the output's name already.
static void append_existing(struct ta_cli *cli, const struct ta_plan *plan, struct ta_buf *out)
{
    const char *work_dir = "";
    struct ta_output_found found;
    ta_options_get(cli->options, "work-dir", &work_dir, NULL);
    if (!strcmp(ta_plan_output(plan), "-") ||
        ta_output_find(&found, ta_plan_input(plan), ta_plan_output(plan), work_dir, cli->options, NULL) < 0)
        return;
    if (found.state == TA_OUTPUT_SAME)
        ta_buf_puts(
            out, "exists    the output is there, of this source with these options: nothing would be done\n");
    else if (found.state == TA_OUTPUT_UNFINISHED)
        ta_buf_puts(out, "exists    unfinished work of the output is there: restore goes on with it\n");
    else if (found.state != TA_OUTPUT_ABSENT)
        ta_buf_printf(out,
                      "exists    the output's name is taken%s%s: restore needs --overwrite or --new-name\n",
                      found.differs[0] ? " by one that differs: " : "", found.differs);
    ta_output_found_release(&found);
}

static enum ta_exit print_plan(struct ta_cli *cli, struct ta_plan *plan, const char *input,
                               const struct ta_callbacks *callbacks, struct ta_progress_view *view)
{
    const struct plan_opts *opts = cli->values;
    if (opts->json)
        return ta_cli_output(cli, ta_plan_json(plan));
    struct ta_buf text = {0};
    char *words = ta_cli_plan_text(cli, plan, callbacks);
    ta_progress_end(view);
    if (!words)
        return TA_EXIT_INTERRUPTED;
    append_existing(cli, plan, &text);
    ta_buf_puts(&text, words);
    free(words);
    hint_at_series(input, &text);
    if (opts->values)
        append_values(cli, &text);
    enum ta_exit status = ta_cli_show(cli, ta_buf_text(&text));
    ta_buf_release(&text);
    return status;
}

// In the plan's place: an object with a status, which plans have not.
static enum ta_exit tell_failure(struct ta_cli *cli, const char *input, const struct ta_problem *failure,
                                 int err)
{
    const struct plan_opts *opts = cli->values;
    enum ta_exit status = ta_exit_from_error(err);
    if (!opts->json)
        return status;
    json_t *o = ta_cli_json_failed(cli, "input", input, failure, err);
    json_object_set_new(o, "exit_code", json_integer(status));
    char *text = ta_json_text(o);
    status = ta_exit_worse(status, ta_cli_output(cli, text));
    free(text);
    json_decref(o);
    return status;
}

static enum ta_exit run_plan(struct ta_cli *cli)
{
    const struct plan_opts *opts = cli->values;
    if (opts->json && opts->values)
        return ta_cli_usage(cli, "--json has the values already; leave --values out");
    enum ta_exit status = ta_cli_check_recipe(cli, opts->config);
    if (status)
        return status;
    struct ta_batch batch;
    struct ta_batch_wish wish = {.output = opts->output,
                                 .extension = ta_cli_output_extension(cli),
                                 .options = cli->options,
                                 .join = opts->join,
                                 .look = true};
    int err = ta_batch_collect(&batch, cli->operands, cli->operand_count, &wish, cli->log);
    if (err < 0)
        return ta_cli_fail(cli, err);
    struct ta_progress_view view = {.console = cli->console, .mode = TA_PROGRESS_LINE, .count = 1};
    if (!ta_console_is_terminal(cli->console) || ta_console_is_quiet(cli->console))
        view.mode = TA_PROGRESS_NONE;
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &view);
    ta_signals_catch();
    status = batch.empty_folders ? TA_EXIT_FAILED : TA_EXIT_OK;
    for (int i = 0; i < batch.count && !ta_signals_interrupted(); i++) {
        struct ta_plan *plan = NULL;
        ta_progress_begin(&view, batch.items[i].input, i);
        ta_cli_begin(cli);
        err = ta_plan_create(&plan, batch.items[i].input, batch.items[i].output, cli->options, &callbacks,
                             cli->log);
        ta_progress_end(&view);
        const struct ta_problem *failure = ta_cli_end(cli, err, batch.items[i].input);
        status = ta_exit_worse(status, err < 0
                                           ? tell_failure(cli, batch.items[i].input, failure, err)
                                           : print_plan(cli, plan, batch.items[i].input, &callbacks, &view));
        ta_plan_destroy(&plan);
    }
    ta_batch_release(&batch);
    return ta_signals_interrupted() ? TA_EXIT_INTERRUPTED : status;
}

static const struct ta_example plan_examples[] = {
    {"terminalai plan tape.avi", "every decision with its reason, before anything is made"},
    {"terminalai plan tape.avi --preset dvd --values", "the same for another preset, with all values"},
    {"terminalai plan tape.avi --json > plan.json", "for programs and for the record"},
    {0},
};

static const struct ta_command_group plan_groups[] = {{"What to show", plan_options, 0}, {0}};

static const char *const plan_often[] = {"output",     "values",  "json",    "preset",
                                         "resolution", "quality", "encoder", NULL};

const struct ta_command ta_command_plan = {
    .name = "plan",
    .operands = "INPUT...",
    .summary = "show what restore would do, with the reasons",
    .description =
        "Reads and measures INPUT as \"restore\" does and prints every decision with its reason: how it is "
        "deinterlaced, cleaned and scaled, what becomes of each stream, into how many segments it is cut. "
        "Nothing is made. Takes the options of \"restore\".",
    .examples = plan_examples,
    .often = plan_often,
    .groups = plan_groups,
    .values_size = sizeof(struct plan_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_plan,
};
