// What a sub-command is made of. Parsing, help, completion, manual page and docs/options.md all read these
// tables.
#ifndef TA_CLI_COMMAND_H
#define TA_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <terminalai/terminalai.h>

#include "base/opt.h"

struct ta_console;

enum ta_exit {
    TA_EXIT_OK = 0,
    TA_EXIT_FAILED = 1,
    TA_EXIT_USAGE = 2,
    TA_EXIT_LOSS = 3, // done, but the output lacks something
    TA_EXIT_INTERRUPTED = 130,
};

// What a command's operands are, for completion.
enum ta_operand_kind {
    TA_OPERAND_NONE = 0,
    TA_OPERAND_FILE,
    TA_OPERAND_PRESET,
    TA_OPERAND_COMMAND,
    TA_OPERAND_SHELL
};

// Texts that an option collects when it is given several times; the kind is ta_opt_list.
struct ta_list {
    char **items;
    int count;
};
extern const struct ta_opt_kind ta_opt_list; // struct ta_list: each use adds one
extern const struct ta_opt_kind
    ta_opt_count; // int: a switch that counts how often it is given; "--no-..." sets 0
extern const struct ta_opt_kind
    ta_opt_help_kind; // int, enum ta_help_wish: a switch that takes "=all" or "=GROUP"

enum ta_help_wish { TA_HELP_NONE = 0, TA_HELP_SHORT, TA_HELP_ALL };

// Options of every command.
struct ta_common_opts {
    int verbose;
    bool quiet;
    char *log_file;
    struct ta_list log_level;
    int cpu_mask;           // index into the choices
    int help;               // enum ta_help_wish
    const char *help_about; // a group, or an option: what alone to tell of; NULL for all
    bool version;
};
extern const struct ta_opt ta_common_options[];

// Options of one command alone: a table, and where its struct lies in the command's values.
struct ta_command_group {
    const char *title;
    const struct ta_opt *table; // NULL ends the list
    size_t offset;
};

struct ta_example {
    const char *command; // NULL ends the list
    const char *what;
};

struct ta_cli;

struct ta_command {
    const char *name;
    const char *operands;              // as the usage line shows them: "INPUT..."; "" for none
    const char *summary;               // one line, no full stop
    const char *description;           // paragraphs, separated by an empty line
    const struct ta_example *examples; // those that most people need first
    const struct ta_choice *actions;   // what the first operand may be, where it is a verb; NULL for others
    const char *const *often; // options that -h shows, NULL-terminated; NULL: all that are not advanced
    const struct ta_command_group *groups;
    const struct ta_command_group *file_groups; // entries of lists that the configuration file alone has
    size_t values_size;
    bool family;  // only begins the names of others: "perf" of "perf metrics"; has no options and no run()
    bool recipe;  // also takes the options of recipe, stages and run: cli->options
    bool running; // also takes those of run alone: cli->options
    enum ta_operand_kind operand_kind;
    int min_operands, max_operands; // max < 0: any number
    // Runs with everything parsed; the exit status.
    enum ta_exit (*run)(struct ta_cli *cli);
};

// All commands in the order of help, NULL-terminated; those of a family, whose names have two words, behind
// it.
extern const struct ta_command *const ta_commands[];
// Is it a member of the family? Of any with NULL.
bool ta_command_is_of(const struct ta_command *command, const struct ta_command *family);
// A member by its second word, or NULL.
const struct ta_command *ta_command_member(const struct ta_command *family, const char *word);
// Names of members are the last words of their names.
const char *ta_command_last_word(const struct ta_command *command);
// What the program does under another name, a link to it: "perf profile" for performance_profiler. NULL: the
// name is none of those.
const char *ta_command_of_link(const char *argv0);
const struct ta_command *ta_command_find(const char *name);
// The name that was probably meant, or NULL: of a member of the family; with NULL, of all others.
const char *ta_command_nearest(const struct ta_command *family, const char *name);

// One call of the program. Thread-safety: Unsafe.
struct ta_cli {
    const struct ta_command *command; // NULL until it is known
    struct ta_common_opts common;
    void *values;               // of the command's groups
    struct ta_list given;       // names of options on the command line, but for those of the recipe
    struct ta_options *options; // commands with a recipe or with running; NULL for others
    struct ta_env *env;         // of the stages; NULL until ta_cli_callbacks()
    char **operands;            // borrowed from argv
    int operand_count;
    struct ta_console *console;
    struct ta_log *log; // the console's
    bool written;       // something went to standard output, or to where JSON goes instead
    int err;            // why the call as a whole failed; 0
};

extern const struct ta_command ta_command_restore, ta_command_plan, ta_command_preview, ta_command_compare,
    ta_command_task, ta_command_segment, ta_command_join, ta_command_probe, ta_command_verify,
    ta_command_presets, ta_command_encoders, ta_command_engines, ta_command_models, ta_command_doctor,
    ta_command_simulate, ta_command_completion, ta_command_help, ta_command_resume, ta_command_status,
    ta_command_clean, ta_command_audio, ta_command_serve, ta_command_worker, ta_command_submit,
    ta_command_jobs, ta_command_perf, ta_command_perf_metrics, ta_command_perf_profile,
    ta_command_perf_memory, ta_command_perf_report, ta_command_perf_tune, ta_command_perf_analyze,
    ta_command_perf_patch, ta_command_perf_bench;

// Was this option, one of the command's own or of every command, written on the command line?
bool ta_cli_is_given(const struct ta_cli *cli, const char *option);

// Is `word` an action of the command? When not, says what is near and what there is.
bool ta_cli_is_action(struct ta_cli *cli, const char *word);

// Logs a usage error, points at the command's help and returns TA_EXIT_USAGE.
enum ta_exit ta_cli_usage(struct ta_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The call as a whole failed with `err`, before any file had its turn: told if nobody has told it. Returns
// the status for it.
enum ta_exit ta_cli_fail(struct ta_cli *cli, int err);

// The layers below the command line: configuration file (`path` NULL: the user's own, if there is one) and
// environment. TA_ERR_* after a message.
int ta_cli_load_options(struct ta_cli *cli, const char *config_path);

// A file's turn begins: what was told before is another's.
void ta_cli_begin(struct ta_cli *cli);
// A call about `subject` has ended with `err`: the record of how it failed, told if nobody has told it; NULL
// when it did not fail. It lives until the next ta_cli_begin().
const struct ta_problem *ta_cli_end(struct ta_cli *cli, int err, const char *subject);

// Writes a text to standard output. TA_EXIT_OK, or TA_EXIT_FAILED when it can't be written (said unless a
// closed pipe).
enum ta_exit ta_cli_output(struct ta_cli *cli, const char *text);
// The same for words that hold names and tags from files: nothing in them may drive the terminal. Not for
// JSON.
enum ta_exit ta_cli_show(struct ta_cli *cli, const char *text);
// The end of a command that lists: `list` with `json`, else the table with `more` behind it (may be NULL).
// Releases both.
struct ta_table;
enum ta_exit ta_cli_show_list(struct ta_cli *cli, bool json, json_t *list, struct ta_table *table,
                              const char *more);

// How a row of a list failed, in the words of every failure ("error", "code", "message", "advice"), with the
// message as "why" too. `message` "": that of `err`; `advice` may be NULL.
void ta_cli_row_failed(json_t *row, int err, const char *message, const char *advice);

// What --json prints of a file whose work failed: `subject` under `key`, status, failure (may be NULL) and
// problems.
json_t *ta_cli_json_failed(struct ta_cli *cli, const char *key, const char *subject,
                           const struct ta_problem *failure, int err);
// What it prints, to `out`, of a call that failed as a whole: the same without a subject, with exit_code.
void ta_cli_json_refused(struct ta_cli *cli, enum ta_exit status, FILE *out);

// The status that tells more of two: interrupted, usage, failed, warnings, done.
enum ta_exit ta_exit_worse(enum ta_exit a, enum ta_exit b);
// The status for a call that returned `err` and told nothing that matters more.
enum ta_exit ta_exit_from_error(int err);

#endif
