// terminalai perf: the family of commands that measure.
#include "cli/command.h"

static const struct ta_example examples[] = {
    {"terminalai perf profile --output perf_report.txt", "where time and memory go"},
    {"terminalai perf memory -o memory.svg -- terminalai restore tape.avi", "how much memory a run takes"},
    {"terminalai perf metrics", "what took how long on this machine"},
    {"terminalai perf analyze src", "what costs time in C sources"},
    {"terminalai perf bench --list", "what can be measured beside other programs"},
    {"terminalai perf patch", "the six optimisations that can be switched, and what each gains here"},
    {0},
};

const struct ta_command ta_command_perf = {
    .name = "perf",
    .family = true,
    .operands = "COMMAND [OPTION...]",
    .summary = "measure what takes how long, and choose what is fast here",
    .description =
        "The tools that look at speed and memory. They measure on this machine and say what they measured; nothing "
        "is sent anywhere.",
    .examples = examples,
    .operand_kind = TA_OPERAND_COMMAND,
    .min_operands = 1,
    .max_operands = -1,
};
