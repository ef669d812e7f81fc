// Help in its forms, all from the tables of the commands.
#ifndef TA_CLI_HELP_H
#define TA_CLI_HELP_H

#include <stdbool.h>

#include "cli/command.h"

struct ta_buf;

// The program: what it is, commands, first steps.
void ta_help_overview(struct ta_buf *out, int width);
// One command: what most people need of it, on a screen; with everything; or (`about`) a group of its options
// or one of them alone, by a part of its name.
void ta_help_command(const struct ta_command *command, enum ta_help_wish wish, const char *about,
                     struct ta_buf *out, int width);
bool ta_help_knows(const struct ta_command *command, const char *about);
// The titles of its groups, with commas between.
void ta_help_groups(const struct ta_command *command, struct ta_buf *out);
// The manual page (roff, man macros) and docs/options.md. The same program gives the same bytes.
void ta_help_man(struct ta_buf *out);
void ta_help_markdown(struct ta_buf *out);
// Completion scripts for "bash", "zsh" or "fish".
void ta_completion_bash(struct ta_buf *out);
void ta_completion_zsh(struct ta_buf *out);
void ta_completion_fish(struct ta_buf *out);

// "terminalai restore [OPTION...] INPUT..."
void ta_help_usage(const struct ta_command *command, struct ta_buf *out);
// What the program is; where the value of an option comes from.
extern const char ta_help_purpose[];
extern const char ta_help_layers[];

#endif
