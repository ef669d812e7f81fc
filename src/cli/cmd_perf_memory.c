// terminalai perf memory: the memory of any program and its children, over time.
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/command.h"
#include "cli/console.h"
#include "perf/watch.h"

struct memory_opts {
    char *output;
    int64_t interval;
};

static const struct ta_opt memory_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct memory_opts, output, char *),
     .syntax = "FILE",
     .help = "a picture (SVG); the numbers go beside it, as .csv",
     .letter = 'o'},
    {.name = "interval",
     .kind = &ta_opt_int,
     TA_FIELD(struct memory_opts, interval, int64_t),
     .def = "100",
     .min = 10,
     .max = 60000,
     .unit = "ms",
     .help = "how often to look"},
    {0},
};

static int write_files(const struct ta_watched *w, const char *path, const char *title, struct ta_log *log)
{
    struct ta_buf svg = {0}, csv = {0};
    bool has = !strcasecmp(ta_path_extension(path), "svg");
    char *numbers = ta_xprintf("%.*s.csv", (int)(strlen(path) - (has ? 4 : 0)), path);
    ta_watched_svg(w, title, &svg);
    ta_watched_csv(w, &csv);
    int err = ta_file_write_atomic(path, ta_buf_text(&svg), svg.size, log);
    if (err >= 0)
        err = ta_file_write_atomic(numbers, ta_buf_text(&csv), csv.size, log);
    free(numbers);
    ta_buf_release(&svg);
    ta_buf_release(&csv);
    return err;
}

static enum ta_exit run_memory(struct ta_cli *cli)
{
    const struct memory_opts *o = cli->values;
    struct ta_watched w;
    // Behind "--" options are the command's own.
    int err = ta_watch_run(&w, cli->operands, NULL, (int)o->interval, NULL, NULL, cli->log);
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s: %.1f MB at most, in %.1f s", ta_path_name(cli->operands[0]),
                         (double)w.peak / 1e6, w.seconds);
    int status = err >= 0 && WIFEXITED(w.status) ? WEXITSTATUS(w.status) : TA_EXIT_FAILED;
    if (err >= 0 && WIFSIGNALED(w.status))
        ta_error(cli->log, "%s was ended by signal %d", cli->operands[0], WTERMSIG(w.status));
    if (err >= 0 && o->output)
        err = write_files(&w, o->output, ta_path_name(cli->operands[0]), cli->log);
    ta_watched_release(&w);
    return err < 0 ? ta_cli_fail(cli, err) : status ? TA_EXIT_FAILED : TA_EXIT_OK;
}

static const struct ta_command_group memory_groups[] = {{"What to write", memory_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf memory -o memory.svg -- terminalai restore tape.avi", "a picture, and memory.csv"},
    {0},
};

const struct ta_command ta_command_perf_memory = {
    .name = "perf memory",
    .operands = "-- COMMAND [ARGUMENT...]",
    .summary = "draw the memory that a command and its children take",
    .description =
        "Runs COMMAND and looks, each interval, at how much memory it and all processes that it starts hold, together. "
        "Pages that several of them share count for each. Exit status 1 when the command fails.",
    .examples = examples,
    .groups = memory_groups,
    .values_size = sizeof(struct memory_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_memory,
};
