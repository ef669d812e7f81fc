// terminalai completion: scripts for shells.
#include <string.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/help.h"

static enum ta_exit run_completion(struct ta_cli *cli)
{
    const char *shell = cli->operands[0];
    struct ta_buf out = {0};
    if (!strcmp(shell, "bash"))
        ta_completion_bash(&out);
    else if (!strcmp(shell, "zsh"))
        ta_completion_zsh(&out);
    else if (!strcmp(shell, "fish"))
        ta_completion_fish(&out);
    else
        return ta_cli_usage(cli, "unknown shell \"%s\": bash, zsh and fish are known", shell);
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static const struct ta_example completion_examples[] = {
    {"source <(terminalai completion bash)", "in ~/.bashrc"},
    {"terminalai completion zsh > ~/.zfunc/_terminalai", "with ~/.zfunc in $fpath"},
    {"terminalai completion fish > ~/.config/fish/completions/terminalai.fish", "read at the next start"},
    {0},
};

const struct ta_command ta_command_completion = {
    .name = "completion",
    .operands = "SHELL",
    .summary = "print the completion script for bash, zsh or fish",
    .description = "Prints a script that makes the shell complete commands, options and their values. \"make "
                   "install\" puts the scripts where shells look for them.",
    .examples = completion_examples,
    .operand_kind = TA_OPERAND_SHELL,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_completion,
};
