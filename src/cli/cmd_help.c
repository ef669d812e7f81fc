// terminalai help: for people, as a manual page, as docs/options.md.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/help.h"

struct help_opts {
    bool man;
    bool markdown;
    bool json, schema;
};

static const struct ta_opt help_options[] = {
    {.name = "man",
     .kind = &ta_opt_switch,
     TA_FIELD(struct help_opts, man, bool),
     .help = "print the manual page (roff)"},
    {.name = "markdown",
     .kind = &ta_opt_switch,
     TA_FIELD(struct help_opts, markdown, bool),
     .help = "print docs/options.md"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct help_opts, json, bool),
     .help = "print all options of recipes and runs as JSON, for programs"},
    {.name = "schema",
     .kind = &ta_opt_switch,
     TA_FIELD(struct help_opts, schema, bool),
     .help = "print them as a JSON Schema (2020-12)"},
    {0},
};

static void append_options(bool schema, struct ta_buf *out)
{
    char *text = schema ? ta_options_schema() : ta_options_describe();
    ta_buf_puts(out, text);
    free(text);
}

static enum ta_exit run_help(struct ta_cli *cli)
{
    const struct help_opts *opts = cli->values;
    const struct ta_command *command = NULL;
    if (cli->operand_count && !(command = ta_command_find(cli->operands[0]))) {
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, cli->operands[0]);
        const char *nearest = ta_command_nearest(NULL, cli->operands[0]);
        enum ta_exit status = ta_cli_usage(cli, "unknown command %s%s%s%s", quoted.data,
                                           nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                                           nearest ? "\"?" : "");
        ta_buf_release(&quoted);
        return status;
    }
    int used = 1;
    if (command && command->family && cli->operand_count > 1) {
        const struct ta_command *member = ta_command_member(command, cli->operands[used++]);
        if (!member)
            return ta_cli_usage(cli, "%s has no command \"%s\"", command->name, cli->operands[1]);
        command = member;
    }
    const char *about = cli->operand_count > used ? cli->operands[used] : NULL;
    if (about && !ta_help_knows(command, about)) {
        struct ta_buf groups = {0};
        ta_help_groups(command, &groups);
        ta_error(cli->log, "%s has no group or option \"%s\"; groups: %s", command->name, about,
                 ta_buf_text(&groups));
        ta_buf_release(&groups);
        return TA_EXIT_USAGE;
    }
    int width = TA_MIN(ta_console_columns(STDOUT_FILENO), 100);
    struct ta_buf out = {0};
    if (opts->man)
        ta_help_man(&out);
    else if (opts->markdown)
        ta_help_markdown(&out);
    else if (opts->json || opts->schema)
        append_options(opts->schema, &out);
    else if (command)
        ta_help_command(command, TA_HELP_ALL, about, &out, width);
    else
        ta_help_overview(&out, width);
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static const struct ta_command_group help_groups[] = {{"Form", help_options, 0}, {0}};

const struct ta_command ta_command_help = {
    .name = "help",
    .operands = "[COMMAND [GROUP]]",
    .summary = "explain the program or one command",
    .description =
        "Without COMMAND, an overview. \"terminalai COMMAND --help\" does the same for one command, and -h is "
        "shorter. GROUP is a part of the title of a group of options, or of an option's name.",
    .groups = help_groups,
    .values_size = sizeof(struct help_opts),
    .operand_kind = TA_OPERAND_COMMAND,
    .max_operands = 3,
    .run = run_help,
};
