// terminalai perf tune: how many pictures at a time a device of this machine wants.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/dir.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/table.h"
#include "perf/tune.h"
#include "recipe/folders.h"

struct tune_opts {
    char *network, *engine, *library;
    int64_t frames, rounds;
    bool dry_run, json;
};

static const struct ta_opt tune_options[] = {
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

static int keep(struct ta_cli *cli, const char *device, int batch)
{
    char *path = ta_config_path("tuning.yaml");
    struct ta_tuning tuning;
    struct ta_device_tuning *d = NULL;
    if (!path) {
        ta_error(cli->log, "neither HOME nor XDG_CONFIG_HOME names a folder: nothing is kept");
        return TA_ERR_NOT_FOUND;
    }
    ta_tuning_load(&tuning, path, cli->log);
    for (int i = 0; i < tuning.device_count; i++)
        if (!strcmp(tuning.devices[i].device, device))
            d = &tuning.devices[i];
    if (!d && tuning.device_count < TA_TUNING_DEVICES && strlen(device) < sizeof d->device) {
        d = &tuning.devices[tuning.device_count++];
        *d = (struct ta_device_tuning){0};
        strcpy(d->device, device);
    }
    int err = TA_ERR_LIMIT;
    if (d) {
        d->batch = batch;
        err = ta_tuning_save(&tuning, path, cli->log);
    }
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "kept in %s", path);
    free(path);
    return err;
}

static enum ta_exit show(struct ta_cli *cli, json_t *found, bool json)
{
    const json_t *tries = json_object_get(found, "tries"), *t;
    struct ta_table table = {.columns = 2};
    size_t i;
    ta_table_cell(&table, "pictures at a time");
    ta_table_cell(&table, "pictures a second");
    json_array_foreach(tries, i, t)
    {
        ta_table_cell(&table, "%d", (int)json_integer_value(json_object_get(t, "batch")));
        ta_table_cell(&table, "%.2f", json_real_value(json_object_get(t, "frames_a_second")));
    }
    char *more = ta_xprintf("\n%s: %d at a time\n", ta_json_member_text(found, "device"),
                            (int)json_integer_value(json_object_get(found, "best")));
    enum ta_exit status = ta_cli_show_list(cli, json, json_incref(found), &table, more);
    free(more);
    return status;
}

static enum ta_exit run_tune(struct ta_cli *cli)
{
    const struct tune_opts *o = cli->values;
    if (!o->network)
        return ta_cli_usage(cli, "tune needs --scale-model NAME: a network that enlarges pictures");
    char *folder = ta_temporary_folder_create("terminalai-tune", cli->log);
    json_t *found = NULL;
    if (folder) {
        struct ta_tune_config config = {o->engine, o->library,     o->network,
                                        folder,    (int)o->frames, (int)o->rounds};
        found = ta_tune_batch(&config, cli->log);
        ta_dir_remove_all(folder);
    }
    enum ta_exit status = found ? show(cli, found, o->json) : ta_cli_fail(cli, TA_ERR_DEVICE);
    if (found && !o->dry_run) {
        int err = keep(cli, ta_json_member_text(found, "device"),
                       (int)json_integer_value(json_object_get(found, "best")));
        status = err < 0 ? ta_cli_fail(cli, err) : status;
    }
    json_decref(found);
    free(folder);
    return status;
}

static const struct ta_command_group tune_groups[] = {{"What to try", tune_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf tune --scale-model NAME --dry-run", "see it, and keep nothing"},
    {0},
};

const struct ta_command ta_command_perf_tune = {
    .name = "perf tune",
    .operands = "",
    .summary = "find how many pictures at a time a device wants, and keep it",
    .description =
        "Enlarges a simulated tape by a network with 1, 2, 4, 8, 16 and 32 pictures at a time, in turns, and keeps the "
        "least number within 3 % of the quickest in tuning.yaml beside the configuration, for the device that "
        "computed. Runs take it from there unless --batch says otherwise. No result changes by it.",
    .examples = examples,
    .groups = tune_groups,
    .values_size = sizeof(struct tune_opts),
    .run = run_tune,
};
