// terminalai perf metrics: the records of runs, shown and exported.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "metrics/metrics.h"
#include "perf/records.h"
#include "recipe/folders.h"

struct metrics_opts {
    int64_t last;
    char *export_file, *input;
    bool json;
};

static const struct ta_opt metrics_options[] = {
    {.name = "last",
     .kind = &ta_opt_int,
     TA_FIELD(struct metrics_opts, last, int64_t),
     .def = "20",
     .max = 1000000,
     .help = "the newest so many runs; 0: all"},
    {.name = "input",
     .kind = &ta_opt_path,
     TA_FIELD(struct metrics_opts, input, char *),
     .syntax = "FILE",
     .help = "records of another place or machine instead of one's own"},
    {.name = "export",
     .kind = &ta_opt_path,
     TA_FIELD(struct metrics_opts, export_file, char *),
     .syntax = "FILE",
     .help =
         "write them to FILE, a line of JSON each, without what tells whose they are: no host, no trace of "
         "sources, days instead of times, only presets that everybody has"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct metrics_opts, json, bool),
     .help = "print the records as a JSON list"},
    {0},
};

static void number_cell(struct ta_table *t, const json_t *record, const char *key, const char *format)
{
    const json_t *value = json_object_get(record, key);
    if (json_is_number(value))
        ta_table_cell(t, format, json_number_value(value));
    else
        ta_table_cell(t, "-");
}

static void add_record(struct ta_table *t, const json_t *r)
{
    ta_table_cell(t, "%s", ta_json_member_text(r, "time"));
    ta_table_cell(t, "%s", ta_json_member_text(r, "kind"));
    number_cell(t, r, "frames", "%.0f");
    number_cell(t, r, "total_time_sec", "%.1f");
    number_cell(t, r, "preprocessing_time_sec", "%.1f");
    number_cell(t, r, "upscaling_time_sec", "%.1f");
    number_cell(t, r, "encoding_time_sec", "%.1f");
    number_cell(t, r, "frames_per_second", "%.1f");
    number_cell(t, r, "peak_memory_mb", "%.0f");
    number_cell(t, r, "model_load_time_sec", "%.2f");
    number_cell(t, r, "exit_code", "%.0f");
}

static enum ta_exit show(struct ta_cli *cli, json_t *records, const char *path, bool json)
{
    static const char *const titles[] = {"began",  "kind",     "frames", "seconds", "before", "scaling",
                                         "coding", "a second", "MB",     "loading", "exit"};
    struct ta_table t = {.columns = TA_COUNT(titles)};
    const json_t *r;
    size_t i;
    if (!json && !json_array_size(records))
        ta_console_print(cli->console, "%s holds no run", path);
    for (i = 0; i < TA_COUNT(titles) && json_array_size(records); i++)
        ta_table_cell(&t, "%s", titles[i]);
    json_array_foreach(records, i, r) add_record(&t, r);
    return ta_cli_show_list(cli, json, records, &t, NULL);
}

static enum ta_exit export_records(struct ta_cli *cli, const json_t *records, const char *path)
{
    json_t *harmless = ta_records_anonymous(records), *r;
    struct ta_buf out = {0};
    size_t i;
    json_array_foreach(harmless, i, r)
    {
        char *line = json_dumps(r, JSON_COMPACT | JSON_REAL_PRECISION(9));
        ta_buf_printf(&out, "%s\n", line);
        free(line);
    }
    int err = ta_file_write_atomic(path, ta_buf_text(&out), out.size, cli->log);
    if (err >= 0) {
        size_t count = json_array_size(harmless);
        ta_console_print(cli->console, "%zu %s in %s; look at it before you give it away", count,
                         ta_plural((int64_t)count, "run", "runs"), path);
    }
    ta_buf_release(&out);
    json_decref(harmless);
    return err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
}

static bool is_record_file(const char *records, const char *path)
{
    bool is = ta_path_same_file(records, path);
    for (int i = 1; i < TA_METRICS_FILES && !is; i++) {
        char *aside = ta_xprintf("%s.%d", records, i);
        is = ta_path_same_file(aside, path);
        free(aside);
    }
    return is;
}

static enum ta_exit run_metrics(struct ta_cli *cli)
{
    const struct metrics_opts *opts = cli->values;
    char *path = opts->input ? ta_xstrdup(opts->input) : ta_state_path("performance_metrics.jsonl");
    int broken = 0;
    if (!path) {
        ta_error(cli->log, "neither HOME nor XDG_STATE_HOME names a folder: there are no records of runs");
        return ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    }
    enum ta_exit status = TA_EXIT_OK;
    json_t *records = NULL;
    if (opts->input && access(path, F_OK) < 0) {
        ta_error(cli->log, "%s: there is no such file", path);
        status = ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    } else if (!(records = ta_metrics_last(path, (int)opts->last, &broken, cli->log))) {
        status = ta_cli_fail(cli, TA_ERR_IO);
    }
    if (broken)
        ta_warn(cli->log, "%s: %d %s no record and left out", path, broken,
                ta_plural(broken, "line is", "lines are"));
    if (records && opts->export_file && is_record_file(path, opts->export_file))
        status = ta_cli_usage(cli, "--export: %s holds the records themselves", opts->export_file);
    else if (records && opts->export_file)
        status = export_records(cli, records, opts->export_file);
    if (records && status == TA_EXIT_OK && (!opts->export_file || opts->json))
        status = ta_exit_worse(status, show(cli, records, path, opts->json));
    else
        json_decref(records);
    free(path);
    return status;
}

static const struct ta_command_group metrics_groups[] = {{"Which, and how", metrics_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf metrics", "the last runs: frames, seconds, memory"},
    {"terminalai perf metrics --export runs.jsonl", "a file that may be shown to others"},
    {0},
};

const struct ta_command ta_command_perf_metrics = {
    .name = "perf metrics",
    .operands = "",
    .summary = "show or export the records of the runs made here",
    .description =
        "Every run leaves a line in $XDG_STATE_HOME/terminalai/performance_metrics.jsonl (~/.local/state): how long "
        "what took, frames a second, memory. This shows them: \"before\" are the seconds before pictures are scaled, "
        "\"coding\" those of the encoder, \"loading\" those of networks; \"-\" is what does not apply. They stay on "
        "this machine; --export writes a copy without what tells whose they are, and nothing sends it.",
    .examples = examples,
    .groups = metrics_groups,
    .values_size = sizeof(struct metrics_opts),
    .run = run_metrics,
};
