// terminalai perf tune: what this machine wants, measured and kept: pictures at a time, threads,
// instructions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/dir.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/problem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "perf/tune.h"
#include "recipe/folders.h"

struct tune_opts {
    char *network, *engine, *library;
    int only;
    int64_t frames, rounds;
    bool dry_run, json;
};

enum { ONLY_ALL = 0, ONLY_KERNELS, ONLY_THREADS, ONLY_BATCH };
static const struct ta_choice parts[] = {
    {"all", "kernels and threads, and the batch where a network is named"},
    {"kernels", "the CPU's instructions that take the least processor time"},
    {"threads", "how many threads share the rows of a picture"},
    {"batch", "how many pictures at a time a network gets"},
    {0},
};

static const struct ta_opt tune_options[] = {
    {.name = "only",
     .kind = &ta_opt_choice,
     TA_FIELD(struct tune_opts, only, int),
     .def = "all",
     .choices = parts,
     .help = "what is measured"},
    {.name = "scale-model",
     .kind = &ta_opt_text,
     TA_FIELD(struct tune_opts, network, char *),
     .syntax = "NAME",
     .help = "the network that is tried: a name or a file"},
    {.name = "engine",
     .kind = &ta_opt_text,
     TA_FIELD(struct tune_opts, engine, char *),
     .syntax = "NAME",
     .help = "what runs it, and on which device, as restore takes it"},
    {.name = "engine-library",
     .kind = &ta_opt_path,
     TA_FIELD(struct tune_opts, library, char *),
     .syntax = "FILE",
     .help = "the library of the engine, where it is not found by itself"},
    {.name = "frames",
     .kind = &ta_opt_int,
     TA_FIELD(struct tune_opts, frames, int64_t),
     .def = "64",
     .min = 2,
     .max = 10000,
     .help = "pictures for each try"},
    {.name = "rounds",
     .kind = &ta_opt_int,
     TA_FIELD(struct tune_opts, rounds, int64_t),
     .def = "2",
     .min = 1,
     .max = 20,
     .help = "how often each size is tried, in turns; the quickest counts"},
    {.name = "dry-run",
     .kind = &ta_opt_switch,
     TA_FIELD(struct tune_opts, dry_run, bool),
     .help = "keep nothing"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct tune_opts, json, bool),
     .help = "print what was measured as one JSON object"},
    {0},
};

static const char *device_of(const json_t *found)
{
    return ta_json_member_text(json_object_get(found, "batch"), "device");
}

static int best_of(const json_t *found, const char *part)
{
    return (int)json_integer_value(json_object_get(json_object_get(found, part), "best"));
}

static int keep(struct ta_cli *cli, const json_t *found)
{
    char *path = ta_config_path("tuning.yaml");
    struct ta_tuning tuning;
    if (!path) {
        ta_error(cli->log, "neither HOME nor XDG_CONFIG_HOME names a folder: nothing is kept");
        return TA_ERR_NOT_FOUND;
    }
    ta_tuning_load(&tuning, path, cli->log);
    // Entries are for what was measured: there is room for few.
    bool of_cpu = json_object_get(found, "kernels") || json_object_get(found, "threads"),
         of_device = json_object_get(found, "batch") != NULL;
    struct ta_device_tuning *cpu = of_cpu ? ta_tuning_device(&tuning, "cpu") : NULL,
                            *device = of_device ? ta_tuning_device(&tuning, device_of(found)) : NULL;
    int err = 0;
    if ((of_cpu && !cpu) || (of_device && !device)) {
        ta_error(cli->log, "%s: has no room for one more device: remove one that is gone", path);
        err = TA_ERR_LIMIT;
    }
    if (err >= 0 && of_device)
        device->batch = best_of(found, "batch");
    // All cores are the rule, also when there are more of them some day.
    if (err >= 0 && json_object_get(found, "threads"))
        cpu->threads = best_of(found, "threads") == ta_cpu_count() ? 0 : best_of(found, "threads");
    if (err >= 0 && json_object_get(found, "kernels"))
        cpu->kernels = ta_tuning_kernels_find(ta_json_member_text(json_object_get(found, "kernels"), "best"));
    if (err >= 0)
        err = ta_tuning_save(&tuning, path, cli->log);
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "kept in %s", path);
    free(path);
    return err;
}

static void add_tries(struct ta_table *table, const json_t *found, const char *part, const char *key,
                      const char *figure, const char *unit)
{
    const json_t *one = json_object_get(found, part), *best = json_object_get(one, "best"), *t;
    size_t i;
    json_array_foreach(json_object_get(one, "tries"), i, t)
    {
        const json_t *value = json_object_get(t, key);
        ta_table_cell(table, "%s", i ? "" : part);
        if (json_is_string(value))
            ta_table_cell(table, "%s", json_string_value(value));
        else
            ta_table_cell(table, "%d", (int)json_integer_value(value));
        ta_table_cell(table, "%.2f %s", json_real_value(json_object_get(t, figure)), unit);
        ta_table_cell(table, "%s", json_equal(value, best) ? "*" : "");
    }
}

static enum ta_exit show(struct ta_cli *cli, json_t *found, bool json)
{
    struct ta_table table = {.columns = 4};
    ta_table_cell(&table, "what");
    ta_table_cell(&table, "tried");
    ta_table_cell(&table, "took");
    ta_table_cell(&table, "taken");
    add_tries(&table, found, "kernels", "kernels", "cpu_seconds", "processor seconds");
    add_tries(&table, found, "threads", "threads", "seconds", "seconds");
    add_tries(&table, found, "batch", "batch", "frames_a_second", "pictures a second");
    char *more = json_object_get(found, "batch") ? ta_xprintf("\nbatch: of %s\n", device_of(found)) : NULL;
    enum ta_exit status = ta_cli_show_list(cli, json, json_incref(found), &table, more ? more : "");
    free(more);
    return status;
}

// A network is tried for its batch alone.
static void tell_vain(struct ta_cli *cli)
{
    const struct tune_opts *o = cli->values;
    static const char *const names[] = {"scale-model", "engine", "engine-library"};
    if (o->network && (o->only == ONLY_ALL || o->only == ONLY_BATCH))
        return;
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (ta_cli_is_given(cli, names[i]))
            ta_problem_at(cli->log, TA_PROBLEM_OPTION_WITHOUT_EFFECT,
                          &(struct ta_problem_about){.option = names[i]}, "--%s changes nothing: %s",
                          names[i],
                          o->network ? "no network is tried with this --only"
                                     : "without --scale-model no network is tried");
}

// What was measured before something failed is in *found all the same.
static int measure(struct ta_cli *cli, const char *program, const char *folder, json_t **found)
{
    const struct tune_opts *o = cli->values;
    struct ta_tune_cpu_config cpu = {.program = program,
                                     .folder = folder,
                                     .frames = (int)o->frames,
                                     .rounds = (int)o->rounds,
                                     .kernels = o->only == ONLY_ALL || o->only == ONLY_KERNELS,
                                     .threads = o->only == ONLY_ALL || o->only == ONLY_THREADS,
                                     .canceled = ta_signals_interrupted};
    struct ta_tune_config device = {.engine = o->engine,
                                    .library = o->library,
                                    .network = o->network,
                                    .folder = folder,
                                    .frames = (int)o->frames,
                                    .rounds = (int)o->rounds,
                                    .canceled = ta_signals_interrupted};
    json_t *batch = NULL;
    int err = cpu.kernels || cpu.threads ? ta_tune_cpu(&cpu, found, cli->log) : 0;
    if (err >= 0 && o->network && (o->only == ONLY_ALL || o->only == ONLY_BATCH))
        err = ta_tune_batch(&device, &batch, cli->log);
    if (batch) {
        *found = *found ? *found : json_object();
        json_object_set_new(*found, "batch", batch);
    }
    return err;
}

static enum ta_exit run_tune(struct ta_cli *cli)
{
    const struct tune_opts *o = cli->values;
    if (o->only == ONLY_BATCH && !o->network)
        return ta_cli_usage(cli, "--only batch needs --scale-model NAME: a network that enlarges pictures");
    tell_vain(cli);
    ta_signals_catch();
    char *folder = ta_temporary_folder_create("terminalai-tune", cli->log), *program = ta_path_of_program();
    json_t *found = NULL;
    int err = folder ? 0 : TA_ERR_IO;
    if (err >= 0 && !program) {
        ta_error(cli->log, "the program's own file can't be found");
        err = TA_ERR_NOT_FOUND;
    }
    if (err >= 0)
        err = measure(cli, program, folder, &found);
    if (folder)
        ta_dir_remove_all(folder);
    // Where the network fails, what was measured before it counts. Who interrupts wants nothing of it.
    bool counts = found && err != TA_ERR_CANCELED;
    enum ta_exit status = counts ? show(cli, found, o->json) : TA_EXIT_OK;
    if (counts && !o->dry_run) {
        int kept = keep(cli, found);
        err = err < 0 ? err : kept;
    }
    if (err < 0)
        status = ta_cli_fail(cli, err);
    json_decref(found);
    free(program);
    free(folder);
    return status;
}

static const struct ta_command_group tune_groups[] = {{"What to try", tune_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf tune", "kernels and threads, in some minutes"},
    {"terminalai perf tune --scale-model NAME --dry-run", "a network's batch too; see it, and keep nothing"},
    {0},
};

const struct ta_command ta_command_perf_tune = {
    .name = "perf tune",
    .operands = "",
    .summary = "find what this machine wants: instructions, threads, pictures at a time; and keep it",
    .description =
        "Restores a simulated tape without an encoder's work, in turns: with each set of the CPU's instructions that "
        "it has, and with all cores, half of them, and so on to one. Kept is the set that takes the least processor "
        "time (all, where none is better by 3 %), and the least number of threads within 3 % of the quickest. With a "
        "network it is enlarged with 1, 2, 4, 8, 16 and 32 pictures at a time, and the least number within 3 % of "
        "the quickest is kept for the device that computed. All of it stands in tuning.yaml beside the "
        "configuration; runs take it from there unless --cpu-mask or --batch says otherwise. No result changes by "
        "it: a run that makes other pictures ends the measurement.",
    .examples = examples,
    .groups = tune_groups,
    .values_size = sizeof(struct tune_opts),
    .run = run_tune,
};
