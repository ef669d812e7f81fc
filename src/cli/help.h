// Help in its forms, all from the tables of the commands.
#ifndef TA_CLI_HELP_H
#define TA_CLI_HELP_H

#include <stdbool.h>

#include "cli/command.h"

struct ta_buf;

// The program: what it is, commands, first steps.
void ta_help_overview(struct ta_buf *out, int width);
// One command with its options; `all` shows the advanced ones too.
void ta_help_command(const struct ta_command *command, bool all, struct ta_buf *out, int width);
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
