// The program: parses the command line, prepares what every command needs, runs the command.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/help.h"
#include "cli/signals.h"
#include "media/av.h"
#include "media/encode/encoder.h"
#include "recipe/folders.h"
#include "restore/output.h"

static enum ta_exit show_help(struct ta_cli *cli)
{
    struct ta_buf out = {0};
    int width = TA_MIN(ta_console_columns(STDOUT_FILENO), 100);
    if (cli->command)
        ta_help_command(cli->command, (enum ta_help_wish)cli->common.help, cli->common.help_about, &out,
                        width);
    else
        ta_help_overview(&out, width);
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static enum ta_exit show_version(struct ta_cli *cli)
{
    struct ta_buf text = {0};
    ta_buf_printf(&text, "terminalai %s\n", ta_version());
    ta_av_describe(&text);
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&text));
    ta_buf_release(&text);
    return status;
}

// What the log must not be: the files that the command names, to read or to write.
static void guard_files(struct ta_guard *g, const struct ta_cli *cli)
{
    for (int i = 0; i < cli->operand_count; i++)
        ta_guard_add_source(g, cli->operands[i]);
    for (const struct ta_command_group *group = cli->command->groups; group && group->table; group++)
        for (const struct ta_opt *o = group->table; o->name; o++) {
            char *path = o->kind == &ta_opt_path
                             ? ta_opt_text_of(o, (const char *)cli->values + group->offset)
                             : NULL;
            if (path && *path)
                ta_guard_add(g, path, false);
            free(path);
        }
}

// To what the command line says, else the tuning file: that one can't be read is told by who uses the rest.
static void limit_instructions(struct ta_cli *cli)
{
    unsigned allowed;
    bool given = ta_cli_is_given(cli, "cpu-mask"); // also "all": all that there is, whatever the file says
    struct ta_tuning tuning;
    char *mask = ta_opt_text_of(ta_opt_find(ta_common_options, "cpu-mask"), &cli->common),
         *path = ta_config_path("tuning.yaml");
    ta_tuning_load(&tuning, path, NULL);
    if (ta_cpu_mask_from_name(given ? mask : ta_tuning_kernels(&tuning), &allowed) >= 0)
        ta_cpu_mask(allowed);
    free(path);
    free(mask);
}

static enum ta_exit run_command(struct ta_cli *cli)
{
    struct ta_guard guard = {0};
    guard_files(&guard, cli);
    int err = ta_console_configure(cli->console, &cli->common, &guard);
    ta_guard_release(&guard);
    if (err < 0)
        return ta_cli_fail(cli, err);
    limit_instructions(cli);
    ta_av_apply_cpu_mask();
    return cli->command->run(cli);
}

// Programs get an object whatever happened, also where the call was wrong and no file had its turn.
static void tell_programs(struct ta_cli *cli, int argc, char **argv, enum ta_exit status)
{
    bool json = false, streams = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        json |= !strcmp(argv[i], "--json");
        // Pictures go to standard output.
        streams |= !strcmp(argv[i], "-") || !strcmp(argv[i], "-o-") || !strcmp(argv[i], "--output=-");
    }
    if (json && !cli->written && (status == TA_EXIT_FAILED || status == TA_EXIT_USAGE))
        ta_cli_json_refused(cli, status, streams ? stderr : stdout);
}

int main(int argc, char **argv)
{
    struct ta_cli cli = {0};
    enum ta_exit status;
    ta_signals_ignore_write_failures();
    ta_encoder_silence();
    if (ta_console_create(&cli.console) < 0) {
        fputs("terminalai: out of memory\n", stderr);
        return TA_EXIT_FAILED;
    }
    cli.log = ta_console_log(cli.console);
    if (ta_args_parse(&cli, argc, argv) < 0)
        status = TA_EXIT_USAGE;
    else if (cli.common.version)
        status = show_version(&cli);
    else if (cli.common.help)
        status = show_help(&cli);
    else if (!cli.command) // nothing was asked for
        status = ta_exit_worse(show_help(&cli), TA_EXIT_USAGE);
    else
        status = run_command(&cli);
    tell_programs(&cli, argc, argv, status);
    ta_cli_release(&cli);
    ta_console_destroy(&cli.console);
    return status;
}
