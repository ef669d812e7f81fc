// What the commands that make a plan share: restore and plan.
#ifndef TA_CLI_RECIPE_H
#define TA_CLI_RECIPE_H

#include <terminalai/plan.h>

#include "cli/command.h"
#include "cli/progress.h"

// Loads the layers and refuses a recipe or a way to run that can't be used, once and before any file is
// touched. TA_EXIT_OK or the status.
enum ta_exit ta_cli_check_recipe(struct ta_cli *cli, const char *config_path);
// The folder for unfinished work: `given`, else what environment or configuration say; "" for none. To be
// freed.
int ta_cli_work_dir(struct ta_cli *cli, const char *given, char **out);
// Is this switch on?
bool ta_cli_is_on(struct ta_cli *cli, const char *name);
// The extension of outputs that are named here: the first container of the recipe's encoder.
const char *ta_cli_output_extension(struct ta_cli *cli);
// Callbacks that show progress and stop when interrupted, with the program's one stage environment, which the
// first call makes by the user's tuning file.
struct ta_callbacks ta_cli_callbacks(struct ta_cli *cli, struct ta_progress_view *view);

// The plan in words, as it suits this machine, with what a few seconds of it that are really made say of its
// costs. To be freed; NULL when interrupted (told).
char *ta_cli_plan_text(struct ta_cli *cli, struct ta_plan *plan, const struct ta_callbacks *callbacks);
// Before a run: makes the plan suit this machine. With `tell` its first three lines are shown, unless the
// work is short. A rate that players do not take is a warning. 0, or TA_ERR_*, TA_ERR_CANCELED among them.
int ta_cli_suit(struct ta_cli *cli, struct ta_plan *plan, bool tell, const struct ta_callbacks *callbacks);

// The end of a command that makes one file of one: says what failed if nothing has yet, writes the JSON if
// asked for
// (`done`, taken, NULL on failure, is its inner part), and gives the status: 3 when "warnings" in it are more
// than none.
enum ta_exit ta_cli_finish(struct ta_cli *cli, int err, const char *subject, const char *output, bool json,
                           enum ta_progress_mode mode, json_t *done);

// An entry of the table of a command whose inputs may be one film; `owner` has a bool `join`.
#define TA_JOIN_OPTION(owner)                                                                           \
    {                                                                                                   \
        .name = "join", .kind = &ta_opt_switch, TA_FIELD(owner, join, bool),                            \
        .help = "the inputs are one film, stored in several files, in the order given: sound and time " \
                "go on at the seams"                                                                    \
    }

// ---- commands that run single tasks of a plan ----

struct ta_task_opts {
    char *plan, *output, *work_dir, *config;
    int progress; // enum ta_progress_mode
    bool no_cache;
    bool json;
};
// Their entries in the command's own table.
#define TA_TASK_OPTIONS(owner, field)                                                                     \
    {.name = "plan",                                                                                      \
     .kind = &ta_opt_path,                                                                                \
     TA_FIELD(owner, field.plan, char *),                                                                 \
     .syntax = "FILE",                                                                                    \
     .help = "the plan, as \"plan --json\" prints it; must be given",                                     \
     .letter = 'p'},                                                                                      \
        {.name = "output",                                                                                \
         .kind = &ta_opt_path,                                                                            \
         TA_FIELD(owner, field.output, char *),                                                           \
         .syntax = "FILE",                                                                                \
         .help = "the output, where it is not to be the plan's own; the same for all tasks",              \
         .letter = 'o'},                                                                                  \
        {.name = "work-dir",                                                                              \
         .kind = &ta_opt_path,                                                                            \
         TA_FIELD(owner, field.work_dir, char *),                                                         \
         .syntax = "DIR",                                                                                 \
         .help = "folder for unfinished work instead of beside the output; the same for all tasks"},      \
        {.name = "config",                                                                                \
         .kind = &ta_opt_path,                                                                            \
         TA_FIELD(owner, field.config, char *),                                                           \
         .syntax = "FILE",                                                                                \
         .help =                                                                                          \
             "read options from this YAML file instead of ~/.config/terminalai/config.yaml: how to run; " \
             "what to make is in the plan"},                                                              \
        {.name = "no-cache",                                                                              \
         .kind = &ta_opt_switch,                                                                          \
         TA_FIELD(owner, field.no_cache, bool),                                                           \
         .help = "take nothing from ~/.cache/terminalai, and keep nothing there"},                        \
        {.name = "progress",                                                                              \
         .kind = &ta_opt_choice,                                                                          \
         TA_FIELD(owner, field.progress, int),                                                            \
         .def = "auto",                                                                                   \
         .choices = ta_progress_choices,                                                                  \
         .help = "how progress is shown"},                                                                \
    {                                                                                                     \
        .name = "json", .kind = &ta_opt_switch, TA_FIELD(owner, field.json, bool),                        \
        .help = "write what was done as one JSON object to standard output at the end"                    \
    }

// Loads options of running and the plan, with its index where the whole is worked on. TA_EXIT_OK, or the
// status after a message.
enum ta_exit ta_cli_task_start(struct ta_cli *cli, const struct ta_task_opts *opts, bool with_index,
                               struct ta_plan **plan);
// Says once what is written where, before it is: at once where the work folder would be made, else when the
// work begins, so that what is refused is not announced.
struct ta_announcement {
    struct ta_cli *cli;
    struct ta_progress_view *view;
    const struct ta_plan *plan;
    char *what; // "makes seg-00003"; freed with the announcement
    bool said;
};
// `what` is taken; `begins`: the command makes the work folder where there is none. The callbacks are
// ta_cli_callbacks() with the announcement ahead of the view; *a outlives them, and goes with
// ta_cli_announcement_end().
struct ta_callbacks ta_cli_announce(struct ta_announcement *a, struct ta_cli *cli,
                                    struct ta_progress_view *view, const struct ta_plan *plan, bool begins,
                                    char *what);
void ta_cli_announcement_end(struct ta_announcement *a);
// A view of its progress; signals are caught from here on.
struct ta_progress_view ta_cli_task_view(struct ta_cli *cli, const struct ta_task_opts *opts,
                                         const struct ta_plan *plan);
// Says what failed if nothing has yet, writes the JSON if asked for (`done`, taken, is NULL on failure), and
// gives the status.
enum ta_exit ta_cli_task_end(struct ta_cli *cli, const struct ta_task_opts *opts, const struct ta_plan *plan,
                             int err, json_t *done);

#endif
