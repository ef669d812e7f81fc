// The commands of the service in a build without it: they say what was missing.
#include "cli/command.h"

static enum ta_exit run_absent(struct ta_cli *cli)
{
    ta_cli_usage(cli, "this build has no service: SQLite, libmicrohttpd and libcurl were missing when it was "
                      "made; ./setup.sh installs them, then build again");
    return TA_EXIT_FAILED;
}

#define ABSENT(id, title, what)                                                                    \
    const struct ta_command ta_command_##id = {                                                    \
        .name = title,                                                                             \
        .operands = "...",                                                                         \
        .summary = what " (not in this build)",                                                    \
        .max_operands = -1,                                                                        \
        .description =                                                                             \
            "Not in this build: SQLite, libmicrohttpd and libcurl were missing when it was made.", \
        .run = run_absent}

ABSENT(serve, "serve", "run the queue");
ABSENT(worker, "worker", "do the work of a service");
ABSENT(submit, "submit", "give files to the service");
ABSENT(jobs, "jobs", "show and change the queue of the service");
