// Command-line parsing from the option tables.
#ifndef TA_CLI_ARGS_H
#define TA_CLI_ARGS_H

#include "cli/command.h"

// An option by its name on the command line, from whichever table the command has it.
struct ta_found_option {
    const struct ta_opt *opt;
    char *name;   // full name, without dashes; freed by the caller
    void *values; // the struct it belongs to; NULL for options of the recipe, which go into cli->options
};

// Does the option stand without a value ("--overwrite")?
bool ta_option_is_switch(const struct ta_opt *o);

// Calls `visit` for each option of `command` (NULL: the common ones alone), with the heading of its group and
// its full name; own options first, then recipe, stages and run, then common ones. Stops when `visit` returns
// false.
void ta_command_each_option(const struct ta_command *command,
                            bool (*visit)(void *priv, const char *title, const char *name,
                                          const struct ta_opt *o),
                            void *priv);

// Parses argv[1..argc-1] into `cli` (zeroed but for console and log). The first operand names the command.
// Options may stand before, between and after operands; "--" ends them. 0, or TA_ERR_USAGE after a message;
// then cli->command tells how far it came. When --help or
// --version is among the options, nothing after it is looked at. Always release with ta_cli_release().
int ta_args_parse(struct ta_cli *cli, int argc, char **argv);
void ta_cli_release(struct ta_cli *cli); // not the console

#endif
