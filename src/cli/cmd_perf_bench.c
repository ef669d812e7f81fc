// terminalai perf bench: the tables of the project, measured, kept and compared.
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "perf/bench.h"
#include "recipe/folders.h"

enum { DOCUMENT_LIMIT = 16 << 20 };

struct bench_opts {
    char *only, *output, *against, *from, *source, *assets;
    int64_t repeats;
    bool list, quick, write, json;
};

static const struct ta_opt bench_options[] = {
    {.name = "list",
     .kind = &ta_opt_switch,
     TA_FIELD(struct bench_opts, list, bool),
     .help = "show what there is to measure, how long it takes and what is missing for it"},
    {.name = "only",
     .kind = &ta_opt_text,
     TA_FIELD(struct bench_opts, only, char *),
     .syntax = "NAME,...",
     .help = "measure these alone"},
    {.name = "quick",
     .kind = &ta_opt_switch,
     TA_FIELD(struct bench_opts, quick, bool),
     .help = "do as little as shows that all is there: no figures to keep"},
    {.name = "repeats",
     .kind = &ta_opt_int,
     TA_FIELD(struct bench_opts, repeats, int64_t),
     .def = "3",
     .min = 1,
     .max = 100,
     .help = "runs of each, in turns; by them the noise is known"},
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct bench_opts, output, char *),
     .syntax = "FILE",
     .help = "where the values go, as JSON; without it a file named by the time, in the state folder",
     .letter = 'o'},
    {.name = "against",
     .kind = &ta_opt_path,
     TA_FIELD(struct bench_opts, against, char *),
     .syntax = "FILE",
     .help = "values of before: what is worse by more than noise is told, and the exit status is 1"},
    {.name = "from",
     .kind = &ta_opt_path,
     TA_FIELD(struct bench_opts, from, char *),
     .syntax = "FILE",
     .help = "take these values instead of measuring, for --against and --write"},
    {.name = "write",
     .kind = &ta_opt_switch,
     TA_FIELD(struct bench_opts, write, bool),
     .help = "put the values into docs/performance.md of the sources, a section for each bench"},
    {.name = "source",
     .kind = &ta_opt_path,
     TA_FIELD(struct bench_opts, source, char *),
     .syntax = "DIR",
     .help = "the sources, whose scripts are run; without it those above the program's file"},
    {.name = "assets",
     .kind = &ta_opt_path,
     TA_FIELD(struct bench_opts, assets, char *),
     .syntax = "DIR",
     .help = "films and sounds for scripts that take some besides what they draw"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct bench_opts, json, bool),
     .help = "print the list, or the values with the comparison, as one JSON object"},
    {0},
};

static void on_told(void *priv, const char *text)
{
    struct ta_cli *cli = priv;
    if (!ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s", text);
}

static enum ta_exit list(struct ta_cli *cli, const struct ta_bench_config *config, const json_t *rows)
{
    const struct bench_opts *o = cli->values;
    static const char *const head[] = {"name", "minutes", "missing", "what it measures"};
    struct ta_table table = {.columns = TA_COUNT(head)};
    json_t *all = json_array();
    const json_t *row;
    size_t i;
    for (size_t k = 0; k < TA_COUNT(head); k++)
        ta_table_cell(&table, "%s", head[k]);
    json_array_foreach(rows, i, row)
    {
        json_t *needs = ta_bench_missing(config, row, "needs"),
               *peers = ta_bench_missing(config, row, "peers");
        struct ta_buf text = {0};
        const json_t *item;
        size_t k;
        json_array_foreach(needs, k, item)
            ta_buf_printf(&text, "%sneeds %s", text.size ? ", " : "", json_string_value(item));
        json_array_foreach(peers, k, item)
            ta_buf_printf(&text, "%s%s", text.size ? ", " : "", json_string_value(item));
        ta_table_cell(&table, "%s", ta_json_member_text(row, "name"));
        ta_table_cell(&table, "%.3g", json_number_value(json_object_get(row, "minutes")));
        ta_table_cell(&table, "%s", text.size ? ta_buf_text(&text) : "-");
        ta_table_cell(&table, "%s", ta_json_member_text(row, "about"));
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:O, s:o, s:o}", "name", ta_json_member_text(row, "name"),
                                        "about", ta_json_member_text(row, "about"), "minutes",
                                        json_object_get(row, "minutes"), "missing", needs, "without", peers));
        ta_buf_release(&text);
    }
    return ta_cli_show_list(cli, o->json, all, &table, NULL);
}

// The rows that are asked for, in the table's order. NULL after a message that offers names.
static json_t *choose(struct ta_cli *cli, const json_t *rows, const char *only, enum ta_exit *status)
{
    json_t *chosen = json_array();
    const json_t *row;
    size_t i, found = 0, wanted = 0;
    char *names = ta_xprintf(",%s,", only ? only : "");
    json_array_foreach(rows, i, row)
    {
        char *name = ta_xprintf(",%s,", ta_json_member_text(row, "name"));
        if (!only || strstr(names, name))
            json_array_append(chosen, (json_t *)row);
        free(name);
    }
    for (const char *p = only ? only : ""; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
        size_t n = strcspn(p, ",");
        bool known = false;
        wanted++;
        json_array_foreach(rows, i, row)
        {
            const char *name = ta_json_member_text(row, "name");
            known |= strlen(name) == n && !strncmp(name, p, n);
        }
        found += known;
        if (!known && *status == TA_EXIT_OK) {
            struct ta_buf all = {0};
            json_array_foreach(rows, i, row)
                ta_buf_printf(&all, "%s%s", i ? ", " : "", ta_json_member_text(row, "name"));
            *status = ta_cli_usage(cli, "there is no bench \"%.*s\"; there are %s", (int)n, p,
                                   ta_buf_text(&all));
            ta_buf_release(&all);
        }
    }
    if (*status == TA_EXIT_OK && only && !wanted)
        *status = ta_cli_usage(cli, "--only names no bench; --list shows them");
    free(names);
    if (found == wanted && *status == TA_EXIT_OK)
        return chosen;
    json_decref(chosen);
    return NULL;
}

static char *default_output(void)
{
    char name[64];
    time_t now = time(NULL);
    struct tm parts;
    strftime(name, sizeof name, "bench/%Y%m%d-%H%M%S.json", gmtime_r(&now, &parts));
    return ta_state_path(name);
}

static int measure(struct ta_cli *cli, struct ta_bench_config *config, const json_t *rows, json_t **result)
{
    const struct bench_opts *o = cli->values;
    char *output = o->output ? ta_xstrdup(o->output) : default_output();
    int err = output ? 0 : TA_ERR_NOT_FOUND;
    if (!output)
        ta_error(cli->log,
                 "neither HOME nor XDG_STATE_HOME names a folder: say with -o FILE where values go");
    if (err >= 0 && !o->output)
        err = ta_dir_create_above(output, 0700, cli->log);
    config->output = output;
    if (err >= 0)
        *result = ta_bench_run(config, rows, &err, cli->log);
    if (*result && !o->json && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%zu values in %s",
                         json_array_size(json_object_get(*result, "values")), output);
    free(output);
    return err;
}

static int write_document(struct ta_cli *cli, const char *source, const json_t *result)
{
    char *path = ta_path_join(source, "docs/performance.md");
    struct ta_buf text = {0}, next = {0};
    int err = ta_file_read(path, DOCUMENT_LIMIT, &text, cli->log);
    if (err >= 0) {
        ta_bench_document(result, ta_buf_text(&text), &next);
        err = ta_file_write_atomic(path, ta_buf_text(&next), next.size, cli->log);
    }
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s is written", path);
    ta_buf_release(&text);
    ta_buf_release(&next);
    free(path);
    return err;
}

// What comes of the values. Releases nothing.
static enum ta_exit conclude(struct ta_cli *cli, json_t *result, const json_t *before)
{
    const struct bench_opts *o = cli->values;
    json_t *comparison = before ? ta_bench_compare(result, before) : NULL;
    enum ta_exit status = ta_bench_failed(result) ? TA_EXIT_FAILED : TA_EXIT_OK;
    if (json_integer_value(json_object_get(comparison, "worse")) > 0)
        status = TA_EXIT_FAILED;
    if (o->json) {
        json_t *all = json_copy(result);
        json_object_set(all, "against", comparison ? comparison : json_null());
        char *text = ta_json_text(all);
        status = ta_exit_worse(status, ta_cli_output(cli, text));
        free(text);
        json_decref(all);
    } else if (comparison) {
        struct ta_buf text = {0};
        ta_bench_compare_text(comparison, &text);
        status = ta_exit_worse(status, ta_cli_show(cli, ta_buf_text(&text)));
        ta_buf_release(&text);
    }
    json_decref(comparison);
    return status;
}

static char *own_program(struct ta_log *log)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        ta_error(log, "the program's own file can't be found");
    return n > 0 ? ta_xstrndup(path, (size_t)n) : NULL;
}

static enum ta_exit work(struct ta_cli *cli, struct ta_bench_config *config, const json_t *rows)
{
    const struct bench_opts *o = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    json_t *before = NULL, *result = NULL, *chosen = NULL;
    // Before hours are spent: can what comes of them be compared?
    int err = o->against ? ta_bench_load(o->against, &before, cli->log) : 0;
    if (err >= 0 && o->from)
        err = ta_bench_load(o->from, &result, cli->log);
    if (err >= 0 && !o->from && (chosen = choose(cli, rows, o->only, &status)))
        err = measure(cli, config, chosen, &result);
    if (err >= 0 && result && o->write && json_is_true(json_object_get(result, "quick")))
        status = ta_cli_usage(cli, "figures of --quick are too short to be written down");
    else if (err >= 0 && result && o->write)
        err = write_document(cli, config->source, result);
    if (err >= 0 && result && status == TA_EXIT_OK)
        status = conclude(cli, result, before);
    json_decref(chosen);
    json_decref(result);
    json_decref(before);
    return err < 0 ? ta_cli_fail(cli, err) : status;
}

static enum ta_exit run_bench(struct ta_cli *cli)
{
    const struct bench_opts *o = cli->values;
    struct ta_bench_config config = {
        .quick = o->quick, .repeats = (int)o->repeats, .tell = on_told, .priv = cli};
    enum ta_exit status;
    if (o->quick && o->write)
        return ta_cli_usage(cli, "figures of --quick are too short to be written down");
    if (o->from && (o->only || o->output || o->quick || o->list))
        return ta_cli_usage(cli, "--from measures nothing: it goes with --against and --write");
    char *program = own_program(cli->log), *source = NULL, *assets = NULL;
    json_t *rows = NULL;
    // To compare two files no sources are needed.
    bool needed = !o->from || o->write;
    if (program && needed)
        source = ta_bench_find_source(program, o->source, cli->log);
    if (source)
        rows = ta_bench_table(source, cli->log);
    assets = o->assets ? ta_path_absolute(o->assets) : NULL;
    config.source = source;
    config.program = program;
    config.assets = assets;
    if (!program || (needed && !rows))
        status = ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    else
        status = o->list ? list(cli, &config, rows) : work(cli, &config, rows);
    json_decref(rows);
    free(assets);
    free(source);
    free(program);
    return status;
}

static const struct ta_command_group bench_groups[] = {{"What to do", bench_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf bench --list", "what there is, and what is missing for it"},
    {"terminalai perf bench --only chain,passes -o before.json", "measure two, and keep the values"},
    {"terminalai perf bench --only chain,passes --against before.json", "has anything become worse?"},
    {0},
};

const struct ta_command ta_command_perf_bench = {
    .name = "perf bench",
    .operands = "",
    .summary = "measure the project's tables beside other programs, and compare with before",
    .description =
        "Runs the scripts of the sources that measure speed, memory and quality, each several times and in turns, "
        "beside the programs that are installed; what is missing is said and left out. All values are kept as JSON, "
        "each with its unit, which way is better, the command, the machine, the version and the time.\n\n"
        "With --against, worse is what differs from before by more than the repeats of both runs differ among "
        "themselves, which happens by chance once in a thousand values; the exit status is 1 then, and also when a "
        "script fails. Values by another command or on another machine are not compared.\n\n"
        "All of it takes hours, and says most on a machine that does nothing else.",
    .examples = examples,
    .groups = bench_groups,
    .values_size = sizeof(struct bench_opts),
    .run = run_bench,
};
