// terminalai perf report: what was measured here, put together.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "cli/command.h"
#include "cli/console.h"
#include "perf/profile.h"
#include "metrics/metrics.h"
#include "perf/report.h"
#include "recipe/folders.h"

struct report_opts {
    char *output, *profile, *baseline, *figures;
};

static const struct ta_opt report_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct report_opts, output, char *),
     .def = "PERFORMANCE_REPORT.md",
     .syntax = "FILE",
     .help = "where it goes",
     .letter = 'o'},
    {.name = "profile",
     .kind = &ta_opt_path,
     TA_FIELD(struct report_opts, profile, char *),
     .syntax = "FILE",
     .help = "a profile as JSON (perf profile -o profile.json)"},
    {.name = "baseline",
     .kind = &ta_opt_path,
     TA_FIELD(struct report_opts, baseline, char *),
     .syntax = "FILE",
     .help = "one of before"},
    {.name = "figures",
     .kind = &ta_opt_path,
     TA_FIELD(struct report_opts, figures, char *),
     .syntax = "FILE",
     .help = "the key figures as JSON (bench/kpi.py --json)"},
    {0},
};

static int load(json_t **out, const char *path, const char *member, struct ta_log *log)
{
    int err = path ? ta_json_load(path, out, log) : 0;
    if (err >= 0 && path && !json_is_array(json_object_get(*out, member))) {
        ta_error(log, "%s: there are no \"%s\" in it", path, member);
        err = TA_ERR_FORMAT;
    }
    return err;
}

static enum ta_exit run_report(struct ta_cli *cli)
{
    const struct report_opts *o = cli->values;
    struct ta_tuning tuning;
    json_t *profile = NULL, *before = NULL, *figures = NULL, *records = NULL;
    char *tuned = ta_config_path("tuning.yaml"), *path = ta_state_path("performance_metrics.jsonl");
    int broken;
    ta_tuning_load(&tuning, tuned, cli->log);
    int err = load(&profile, o->profile, "modules", cli->log);
    if (err >= 0)
        err = load(&before, o->baseline, "modules", cli->log);
    if (err >= 0)
        err = load(&figures, o->figures, "rows", cli->log);
    if (err >= 0 && !(records = path ? ta_metrics_last(path, 0, &broken, cli->log) : json_array()))
        err = TA_ERR_IO;
    if (err >= 0) {
        struct ta_buf out = {0};
        if (profile)
            ta_profile_judge(profile, before);
        ta_report_write(&(struct ta_report_data){profile, before, records, figures, &tuning}, &out);
        err = ta_file_write_atomic(o->output, ta_buf_text(&out), out.size, cli->log);
        ta_buf_release(&out);
    }
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s", o->output);
    json_decref(profile);
    json_decref(before);
    json_decref(figures);
    json_decref(records);
    free(tuned);
    free(path);
    return err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
}

static const struct ta_command_group report_groups[] = {{"From what", report_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf report --profile profile.json", "PERFORMANCE_REPORT.md"},
    {0},
};

const struct ta_command ta_command_perf_report = {
    .name = "perf report",
    .operands = "",
    .summary = "write PERFORMANCE_REPORT.md from what was measured here",
    .description =
        "Puts together a profile, key figures, the records of runs on this machine and the switches of the tuning "
        "file, with the findings that the numbers support. What was not measured is said to be missing, with the "
        "command that makes it.",
    .examples = examples,
    .groups = report_groups,
    .values_size = sizeof(struct report_opts),
    .run = run_report,
};
