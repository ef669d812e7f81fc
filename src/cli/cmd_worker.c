// terminalai worker: what the service starts to do its work.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "jobs/viewer.h"
#include "jobs/worker.h"
#include "recipe/folders.h"
#include "restore/sound_networks.h"

struct worker_opts {
    char *config;
    bool audio_preload;
};

static const struct ta_opt worker_options[] = {
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct worker_opts, config, char *),
     .syntax = "FILE",
     .help = "the configuration that the service was given"},
    {.name = "audio-preload",
     .kind = &ta_opt_switch,
     TA_FIELD(struct worker_opts, audio_preload, bool),
     .help = "load the networks for sound before the first job"},
    {0},
};

// What fails is said and is no reason not to work.
static void preload(struct ta_cli *cli, const char *config)
{
    struct ta_options *options = NULL;
    int err = ta_options_create(&options, cli->log);
    if (!err)
        err = ta_options_load_config(options, config);
    if (!err)
        err = ta_env_use_options(cli->env, options, cli->log);
    if (!err)
        ta_sound_networks_preload(options, cli->env, cli->log);
    ta_options_destroy(&options);
}

static enum ta_exit run_worker(struct ta_cli *cli)
{
    struct stat st;
    if (fstat(TA_WORKER_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
        return ta_cli_usage(cli, "\"terminalai serve\" starts workers; there is no use in calling one");
    bool looks = cli->operand_count == 1 && !strcmp(cli->operands[0], "look");
    if (cli->operand_count && !looks)
        return ta_cli_usage(cli, "\"terminalai serve\" starts workers; there is no use in calling one");
    const char *config = ((const struct worker_opts *)cli->values)->config;
    char *tuning = ta_config_path("tuning.yaml");
    int err = ta_env_create(&cli->env, tuning, cli->log);
    free(tuning);
    if (!err && !looks && ((const struct worker_opts *)cli->values)->audio_preload)
        preload(cli, config);
    if (!err)
        err = looks ? ta_viewer_run(TA_WORKER_FD, cli->env, config)
                    : ta_worker_run(TA_WORKER_FD, cli->env, config);
    return ta_exit_from_error(err);
}

static const struct ta_command_group worker_groups[] = {{"Service", worker_options, 0}, {0}};

const struct ta_command ta_command_worker = {
    .name = "worker",
    .operands = "[look]",
    .summary = "do the work of a service; \"serve\" starts it",
    .description =
        "Restores one job after the other for the service that has started it, and ends with it. A "
        "crash or a hostile file costs one attempt of one job. With \"look\" it answers questions about files: "
        "what is in them, plans, pictures.",
    .groups = worker_groups,
    .values_size = sizeof(struct worker_opts),
    .operand_kind = TA_OPERAND_NONE,
    .max_operands = 1,
    .run = run_worker,
};
