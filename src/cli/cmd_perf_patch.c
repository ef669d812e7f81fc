// terminalai perf patch: the six optimisations that can be switched, tried on this machine.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "perf/patch.h"
#include "recipe/folders.h"

struct patch_opts {
    bool list, apply, revert, validate, dry_run, backup, json;
    int64_t pairs;
    char *program;
};

static const struct ta_opt patch_options[] = {
    {.name = "list",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, list, bool),
     .help = "what each is, whether it is applied, and what it gained here (also without any option)"},
    {.name = "apply",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, apply, bool),
     .help = "try ID, or all, with and without; apply it when the same comes out and it is not slower"},
    {.name = "revert",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, revert, bool),
     .help = "do it as before; what was applied with --backup brings back that file, byte for byte"},
    {.name = "validate",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, validate, bool),
     .help = "try ID, or all, with and without, and keep what it gains; changes no file of yours"},
    {.name = "dry-run",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, dry_run, bool),
     .help = "with --apply and --revert: show the lines that would change, and do nothing"},
    {.name = "backup",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, backup, bool),
     .help = "with --apply: keep the file as it was, as tuning.yaml.before-ID"},
    {.name = "pairs",
     .kind = &ta_opt_int,
     TA_FIELD(struct patch_opts, pairs, int64_t),
     .def = "5",
     .min = TA_PATCH_PAIRS_MIN,
     .max = TA_PATCH_PAIRS_MAX,
     .help = "how many runs with and without; more make the interval of the gain narrower",
     .flags = TA_OPT_ADVANCED},
    {.name = "program",
     .kind = &ta_opt_path,
     TA_FIELD(struct patch_opts, program, char *),
     .syntax = "FILE",
     .help = "the program that is run for trials instead of this one",
     .flags = TA_OPT_ADVANCED},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct patch_opts, json, bool),
     .help = "--list for programs"},
    {0},
};

struct call {
    struct ta_cli *cli;
    struct ta_patch_change change;
    char *file, *gains, *program;
    enum ta_exit told; // how telling went
};

static void on_told(void *priv, const char *text)
{
    struct call *c = priv;
    c->told = ta_exit_worse(c->told, ta_cli_show(c->cli, text));
}

static bool is_on(const struct ta_tuning *t, const char *id)
{
    for (const struct ta_opt *o = ta_tuning_options; o->name; o++)
        if (!strcmp(o->name, id))
            return *(const bool *)((const char *)t + o->offset);
    return false;
}

static void gain_cells(struct ta_table *table, const json_t *gain)
{
    const char *when = ta_json_member_text(gain, "when");
    if (!gain) {
        ta_table_cell(table, "not measured");
        ta_table_cell(table, "-");
        return;
    }
    if (json_is_false(json_object_get(gain, "same")))
        ta_table_cell(table, "differs");
    else
        ta_table_cell(table, "%.3gx (%.3g-%.3g)", json_number_value(json_object_get(gain, "ratio")),
                      json_number_value(json_object_get(gain, "low")),
                      json_number_value(json_object_get(gain, "high")));
    ta_table_cell(table, "%.10s", when);
}

static enum ta_exit list(struct call *c, const struct ta_tuning *t)
{
    const struct patch_opts *opts = c->cli->values;
    struct ta_table table = {.columns = 6};
    static const char *const head[] = {"id",        "state",    "severity",
                                       "gain here", "measured", "what it is, and was before"};
    json_t *all = json_array(), *gains = ta_gains_read(c->gains);
    for (size_t i = 0; i < TA_COUNT(head); i++)
        ta_table_cell(&table, "%s", head[i]);
    for (const struct ta_patch *p = ta_patches; p->id; p++) {
        json_t *gain = json_object_get(json_object_get(gains, "patches"), p->id);
        const char *state = is_on(t, p->id) ? "applied" : "off";
        ta_table_cell(&table, "%s", p->id);
        ta_table_cell(&table, "%s", state);
        ta_table_cell(&table, "%s", p->severity);
        gain_cells(&table, gain);
        ta_table_cell(&table, "%s; before: %s", p->title, p->before);
        json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:O?}", "id", p->id, "state", state,
                                             "severity", p->severity, "what", p->title, "before", p->before,
                                             "measured_by", p->measured, "gain", gain));
    }
    json_decref(gains);
    return ta_cli_show_list(c->cli, opts->json, all, &table,
                            opts->json
                                ? NULL
                                : "\nHow many times as fast as without, by interleaved runs on this machine, "
                                  "and where that lies with 95 % certainty; --validate measures.\n");
}

static int find_program(struct call *c)
{
    const struct patch_opts *opts = c->cli->values;
    c->program = opts->program ? ta_xstrdup(opts->program) : ta_path_of_program();
    if (!c->program)
        ta_error(c->cli->log, "the program's own file can't be found; name it with --program FILE");
    c->change.program = c->program;
    return c->program ? 0 : TA_ERR_UNSUPPORTED;
}

// The operands are ids, or "all"; none: all.
static enum ta_exit read_ids(struct call *c)
{
    const char *names[TA_PATCH_COUNT + 2] = {0};
    for (int i = 0; i < TA_PATCH_COUNT; i++)
        names[i] = ta_patches[i].id;
    names[TA_PATCH_COUNT] = "all";
    for (int i = 0; i < c->cli->operand_count; i++) {
        const char *id = c->cli->operands[i];
        int at = ta_patch_find(id);
        if (at < 0 && strcmp(id, "all") != 0) {
            const char *near = ta_nearest(id, names);
            struct ta_buf list = {0};
            for (int k = 0; k < TA_PATCH_COUNT; k++)
                ta_buf_printf(&list, "%s, ", names[k]);
            enum ta_exit status = ta_cli_usage(
                c->cli, "there is no patch \"%s\"%s%s%s; there are %sand \"all\"", id,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", ta_buf_text(&list));
            ta_buf_release(&list);
            return status;
        }
        for (int k = 0; k < TA_PATCH_COUNT; k++)
            c->change.which[k] |= at < 0 || k == at;
    }
    for (int k = 0; k < TA_PATCH_COUNT && !c->cli->operand_count; k++)
        c->change.which[k] = true;
    return TA_EXIT_OK;
}

static enum ta_exit act(struct call *c)
{
    const struct patch_opts *opts = c->cli->values;
    int err;
    if (opts->apply && !c->cli->operand_count)
        return ta_cli_usage(c->cli, "--apply needs ID, or all");
    enum ta_exit status = read_ids(c);
    if (status != TA_EXIT_OK)
        return status;
    c->change.on = opts->apply;
    c->change.dry_run = opts->dry_run;
    c->change.backup = opts->backup;
    c->change.pairs = (int)opts->pairs;
    c->change.told = on_told;
    c->change.priv = c;
    err = find_program(c);
    if (err >= 0)
        err = opts->validate ? ta_patch_validate(&c->change, c->cli->log)
                             : ta_patch_change(&c->change, c->cli->log);
    return ta_exit_worse(c->told, err < 0 ? ta_cli_fail(c->cli, err) : TA_EXIT_OK);
}

static enum ta_exit run_patch(struct ta_cli *cli)
{
    const struct patch_opts *opts = cli->values;
    struct call c = {
        .cli = cli, .file = ta_config_path("tuning.yaml"), .gains = ta_state_path("patches.json")};
    enum ta_exit status;
    c.change.file = c.file;
    c.change.gains = c.gains;
    if (!c.file || !c.gains) {
        ta_error(cli->log,
                 "neither HOME nor XDG_CONFIG_HOME and XDG_STATE_HOME name folders: there is no tuning file");
        status = ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    } else if (opts->apply + opts->revert + opts->validate + opts->list > 1) {
        status = ta_cli_usage(cli, "--list, --apply, --revert and --validate exclude each other");
    } else if (opts->apply || opts->revert || opts->validate) {
        status = act(&c);
    } else {
        struct ta_tuning t;
        ta_tuning_load(&t, c.file, cli->log);
        status = list(&c, &t);
    }
    free(c.program);
    free(c.gains);
    free(c.file);
    return status;
}

static const struct ta_command_group patch_groups[] = {{"What to do", patch_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf patch", "the six, whether they are applied, and what they gained here"},
    {"terminalai perf patch --validate", "measure all of them: a few minutes"},
    {"terminalai perf patch --apply video_pipeline_filters --dry-run", "the lines that would change"},
    {0},
};

const struct ta_command ta_command_perf_patch = {
    .name = "perf patch",
    .operands = "[ID...]",
    .summary = "switch the six optimisations, and measure what each gains here",
    .description =
        "All six are applied unless the tuning file (tuning.yaml beside the configuration) says otherwise; none "
        "changes a byte of what is made. --validate runs each with and without, in turns, on a small piece of work: "
        "the same must come out, and the ratio of times is told with the interval in which it lies with 95 % "
        "certainty. --apply does so before it writes the file, which stays byte for byte what it was when a trial "
        "does not hold. "
        "One of these works at a time.\n\n"
        "docs/performance-practices.md tells the story of each.",
    .examples = examples,
    .groups = patch_groups,
    .values_size = sizeof(struct patch_opts),
    .max_operands = 8,
    .run = run_patch,
};
