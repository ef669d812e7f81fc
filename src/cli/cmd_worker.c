// terminalai worker: what the service starts to do its work.
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "jobs/worker.h"
#include "recipe/folders.h"

struct worker_opts {
    char *config;
};

static const struct ta_opt worker_options[] = {
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct worker_opts, config, char *),
     .syntax = "FILE",
     .help = "the configuration that the service was given"},
    {0},
};

static enum ta_exit run_worker(struct ta_cli *cli)
{
    struct stat st;
    if (fstat(TA_WORKER_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
        return ta_cli_usage(cli, "\"terminalai serve\" starts workers; there is no use in calling one");
    char *tuning = ta_config_path("tuning.yaml");
    int err = ta_env_create(&cli->env, tuning, cli->log);
    free(tuning);
    if (!err)
        err = ta_worker_run(TA_WORKER_FD, cli->env, ((const struct worker_opts *)cli->values)->config);
    return ta_exit_from_error(err);
}

static const struct ta_command_group worker_groups[] = {{"Service", worker_options, 0}, {0}};

const struct ta_command ta_command_worker = {
    .name = "worker",
    .operands = "",
    .summary = "do the work of a service; \"serve\" starts it",
    .description =
        "Restores one job after the other for the service that has started it, and ends with it. A "
        "crash or a hostile file costs one attempt of one job.",
    .groups = worker_groups,
    .values_size = sizeof(struct worker_opts),
    .run = run_worker,
};
