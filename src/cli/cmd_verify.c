// terminalai verify: a delivered file against its report.
#include <stdlib.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"

struct verify_opts {
    bool full, json;
};

static const struct ta_opt verify_options[] = {
    {.name = "full",
     .kind = &ta_opt_switch,
     TA_FIELD(struct verify_opts, full, bool),
     .help = "decode every frame, not only the key frames and the seams of segments"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct verify_opts, json, bool),
     .help = "write what was found as one JSON object to standard output at the end"},
    {0},
};

static enum ta_exit run_verify(struct ta_cli *cli)
{
    const struct verify_opts *opts = cli->values;
    struct ta_progress_view view = {
        .console = cli->console, .mode = TA_PROGRESS_LINE, .count = cli->operand_count};
    if (!ta_console_is_terminal(cli->console) || ta_console_is_quiet(cli->console))
        view.mode = TA_PROGRESS_NONE;
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &view);
    enum ta_exit status = TA_EXIT_OK;
    json_t *files = json_array();
    ta_signals_catch();
    for (int i = 0; i < cli->operand_count && !ta_signals_interrupted(); i++) {
        const char *output = cli->operands[i];
        ta_progress_begin(&view, output, i);
        ta_cli_begin(cli);
        int err = ta_verify(output, opts->full, &callbacks, cli->log);
        ta_progress_end(&view);
        const struct ta_problem *failure = ta_cli_end(cli, err, output);
        json_array_append_new(files, err < 0
                                         ? ta_cli_json_failed(cli, "output", output, failure, err)
                                         : json_pack("{s:o, s:s, s:o}", "output", ta_json_any_text(output),
                                                     "status", "good", "problems",
                                                     ta_problems_to_json(ta_console_problems(cli->console))));
        if (err >= 0 && !ta_console_is_quiet(cli->console))
            ta_console_print(cli->console, "%s: good, as %s.json says", output, output);
        // A file that does not fit is a failed check, never a wrong call.
        status = ta_exit_worse(status, err >= 0                 ? TA_EXIT_OK
                                       : err == TA_ERR_CANCELED ? TA_EXIT_INTERRUPTED
                                                                : TA_EXIT_FAILED);
    }
    if (ta_signals_interrupted())
        status = TA_EXIT_INTERRUPTED;
    if (opts->json) {
        json_t *all = json_pack("{s:O, s:i}", "files", files, "exit_code", status);
        char *text = ta_json_text(all);
        status = ta_exit_worse(status, ta_cli_output(cli, text));
        free(text);
        json_decref(all);
    }
    json_decref(files);
    return status;
}

static const struct ta_example verify_examples[] = {
    {"terminalai verify tape.restored.mp4", "is it still what was delivered?"},
    {"terminalai verify --full *.restored.mp4", "each frame of each file"},
    {0},
};

static const struct ta_command_group verify_groups[] = {{"How to check", verify_options, 0}, {0}};

const struct ta_command ta_command_verify = {
    .name = "verify",
    .operands = "OUTPUT...",
    .summary = "check restored files against their reports",
    .description =
        "Re-checks files that \"restore\" made against the report that lies beside each (OUTPUT.json): "
        "size, checksum, the number of frames, times, and whether they decode. Exit status 0 when all "
        "fits, 1 when not.",
    .examples = verify_examples,
    .groups = verify_groups,
    .values_size = sizeof(struct verify_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_verify,
};
