// terminalai perf analyze: what costs time in C sources.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "perf/analyze.h"

struct analyze_opts {
    char *output, *database, *libclang, *cache;
    struct ta_list only;
    int64_t jobs;
    int fail_on;
    bool no_cache, rules, json;
};

static const struct ta_choice fail_choices[] = {
    {"never", "whatever is found"},
    {"critical", "those that stop everybody"},
    {"high", "those and what costs at the rate of frames"},
    {"medium", "all but trifles"},
    {"low", "anything"},
    {0},
};

static const struct ta_opt analyze_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct analyze_opts, output, char *),
     .syntax = "FILE",
     .help =
         "write the plan to FILE (optimization_plan.txt), and beside it the same as .json and as .sarif (SARIF 2.1)",
     .letter = 'o'},
    {.name = "database",
     .kind = &ta_opt_path,
     TA_FIELD(struct analyze_opts, database, char *),
     .syntax = "FILE",
     .help = "compile_commands.json, or its folder; found in PATH, its build folders and above otherwise"},
    {.name = "only",
     .kind = &ta_opt_list,
     TA_FIELD(struct analyze_opts, only, struct ta_list),
     .syntax = "RULE",
     .help = "this rule alone; may be given several times"},
    {.name = "fail-on",
     .kind = &ta_opt_choice,
     TA_FIELD(struct analyze_opts, fail_on, int),
     .def = "never",
     .choices = fail_choices,
     .help = "exit with 1 when something of this severity or above is found that nobody let be"},
    {.name = "rules",
     .kind = &ta_opt_switch,
     TA_FIELD(struct analyze_opts, rules, bool),
     .help = "list the rules, with why and what to do, and end"},
    {.name = "jobs",
     .kind = &ta_opt_int,
     TA_FIELD(struct analyze_opts, jobs, int64_t),
     .def = "0",
     .max = 512,
     .help = "files read at a time; 0: as many as there are cores",
     .flags = TA_OPT_ADVANCED},
    {.name = "cache",
     .kind = &ta_opt_path,
     TA_FIELD(struct analyze_opts, cache, char *),
     .syntax = "DIR",
     .help = "where to keep what was read, so that only changed files are read again",
     .flags = TA_OPT_ADVANCED},
    {.name = "fresh",
     .kind = &ta_opt_switch,
     TA_FIELD(struct analyze_opts, no_cache, bool),
     .help = "read all files, and keep nothing",
     .flags = TA_OPT_ADVANCED},
    {.name = "libclang",
     .kind = &ta_opt_path,
     TA_FIELD(struct analyze_opts, libclang, char *),
     .syntax = "FILE",
     .help = "the library that reads C, where the system's is not meant or not found",
     .flags = TA_OPT_ADVANCED},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct analyze_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

// Rules that --only names; NULL after a message when one is unknown.
static const char **wanted_rules(struct ta_cli *cli)
{
    const struct analyze_opts *opts = cli->values;
    const char **ids = ta_xcalloc((size_t)opts->only.count + 1, sizeof *ids);
    for (int i = 0; i < opts->only.count; i++) {
        ids[i] = opts->only.items[i];
        if (!ta_rule_find(ids[i])) {
            const char *names[64] = {0};
            for (int k = 0; ta_rules[k].id && k < 63; k++)
                names[k] = ta_rules[k].id;
            const char *near = ta_nearest(ids[i], names);
            ta_cli_usage(cli, "--only: there is no rule \"%s\"%s%s%s; --rules lists them", ids[i],
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
            free((void *)ids);
            return NULL;
        }
    }
    return ids;
}

static enum ta_exit show(struct ta_cli *cli, const struct ta_analysis *a)
{
    const struct analyze_opts *opts = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    char *text = NULL;
    if (opts->json) {
        json_t *root = ta_analysis_json(a);
        text = ta_json_text(root);
        json_decref(root);
        status = ta_cli_output(cli, text);
    } else if (!opts->output) {
        text = ta_analysis_text(a);
        status = ta_cli_show(cli, text);
    } else {
        int n = ta_analysis_count(a, TA_WEIGHT_LOW);
        ta_info(cli->log, "%s: %d %s in %d %s", opts->output, n, ta_plural(n, "finding", "findings"),
                a->files, ta_plural(a->files, "file", "files"));
    }
    free(text);
    return status;
}

// An output that can't be written is told before the work, not after it.
static int check_output(struct ta_cli *cli, const char *output)
{
    char *dir = output ? ta_path_dir(output) : NULL;
    int err = 0;
    if (dir && access(dir, W_OK | X_OK) < 0) {
        ta_error(cli->log, "%s: nothing can be written into its folder", output);
        err = TA_ERR_ACCESS;
    }
    free(dir);
    return err;
}

static enum ta_exit analyze(struct ta_cli *cli, const char *const *only)
{
    const struct analyze_opts *opts = cli->values;
    char *folder = opts->no_cache || opts->cache ? NULL : ta_cache_folder();
    char *cache = opts->cache && !opts->no_cache ? ta_xstrdup(opts->cache) : NULL;
    if (folder)
        cache = ta_path_join(folder, "analyze");
    struct ta_analyze_opts what = {.path = cli->operand_count ? cli->operands[0] : ".",
                                   .database = opts->database,
                                   .libclang = opts->libclang,
                                   .cache = cache,
                                   .only = only[0] ? only : NULL,
                                   .jobs = (int)opts->jobs};
    struct ta_analysis a = {0};
    enum ta_exit status = TA_EXIT_OK;
    int err = check_output(cli, opts->output);
    if (err >= 0)
        err = ta_analyze(&what, &a, cli->log);
    if (err >= 0 && opts->output)
        err = ta_analysis_write(&a, opts->output, cli->log);
    if (err < 0)
        status = ta_cli_fail(cli, err);
    else
        status = show(cli, &a);
    // "critical" is the first choice behind "never", and the highest severity.
    if (err >= 0 && opts->fail_on && ta_analysis_count(&a, (enum ta_weight)(TA_WEIGHT_COUNT - opts->fail_on)))
        status = ta_exit_worse(status, TA_EXIT_FAILED);
    ta_analysis_release(&a);
    free(cache);
    free(folder);
    return status;
}

static enum ta_exit run_analyze(struct ta_cli *cli)
{
    const struct analyze_opts *opts = cli->values;
    if (opts->rules) {
        char *text = ta_rules_text();
        enum ta_exit status = ta_cli_show(cli, text);
        free(text);
        return status;
    }
    const char **only = wanted_rules(cli);
    enum ta_exit status = only ? analyze(cli, only) : TA_EXIT_USAGE;
    free((void *)only);
    return status;
}

static const struct ta_command_group analyze_groups[] = {{"What to look for", analyze_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf analyze", "the sources of the current folder, which has a build folder"},
    {"terminalai perf analyze src --output optimization_plan.txt", "optimization_plan.txt, .json and .sarif"},
    {"terminalai perf analyze --rules", "what it knows"},
    {0},
};

const struct ta_command ta_command_perf_analyze = {
    .name = "perf analyze",
    .operands = "[PATH]",
    .summary = "find what costs time in C sources",
    .description =
        "Reads the C sources at or below PATH (the current folder) by libclang, as compile_commands.json says that "
        "they are compiled, and looks for what costs time or memory at the rate of frames, and for locks that are "
        "held too long: allocation and text in loops of frames, files and waiting under a lock, polling, programs "
        "and JSON in loops, growth without a limit, copies. Calls are followed through the project's own "
        "functions. A comment \"perf-ok(RULE): why\" beside a place, or above it, lets a finding be; without a "
        "reason it does not count.\n\n"
        "Findings are advice by rules about code, not measurements: how much each costs, perf profile shows.",
    .examples = examples,
    .groups = analyze_groups,
    .values_size = sizeof(struct analyze_opts),
    .operand_kind = TA_OPERAND_FILE,
    .max_operands = 1,
    .run = run_analyze,
};
