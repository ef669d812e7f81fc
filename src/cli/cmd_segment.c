// terminalai segment: one segment of a plan, as other runners call it.
#include <inttypes.h>
#include <stdlib.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"

struct segment_opts {
    struct ta_task_opts task;
    int64_t index;
    bool strict;
};

static const struct ta_opt segment_options[] = {
    TA_TASK_OPTIONS(struct segment_opts, task),
    {.name = "index",
     .kind = &ta_opt_int,
     TA_FIELD(struct segment_opts, index, int64_t),
     .def = "-1",
     .min = -1,
     .max = INT32_MAX,
     .help = "which segment, from 0; must be given",
     .letter = 'n'},
    {.name = "strict",
     .kind = &ta_opt_switch,
     TA_FIELD(struct segment_opts, strict, bool),
     .help = "fail where frames can't be decoded, instead of repeating a neighbour and counting it"},
    {0},
};

static void say(struct ta_cli *cli, const struct ta_plan *plan, int64_t index, const struct ta_task_result *r)
{
    struct ta_buf size = {0};
    if (ta_console_is_quiet(cli->console))
        return;
    ta_append_bytes(&size, r->bytes);
    if (r->delivered)
        ta_console_print(cli->console, "segment %" PRId64 ": nothing to do, %s is delivered", index,
                         ta_plan_output(plan));
    else
        ta_console_print(cli->console, "segment %" PRId64 " of %d: %s%" PRId64 " frames, %s", index,
                         ta_plan_segments(plan), r->already ? "done already, " : "", r->frames,
                         ta_buf_text(&size));
    if (r->concealed + r->damaged > 0)
        ta_console_print(cli->console,
                         "segment %" PRId64 ": %" PRId64
                         " frames can't be decoded and show a neighbour, %" PRId64 " decode with errors",
                         index, r->concealed, r->damaged);
    ta_buf_release(&size);
}

static json_t *result_json(const struct ta_plan *plan, int64_t index, const struct ta_task_result *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "segment", json_integer(index));
    json_object_set_new(o, "segments", json_integer(ta_plan_segments(plan)));
    json_object_set_new(o, "already", json_boolean(r->already));
    json_object_set_new(o, "delivered", json_boolean(r->delivered));
    json_object_set_new(o, "frames", json_integer(r->frames));
    json_object_set_new(o, "concealed", json_integer(r->concealed));
    json_object_set_new(o, "damaged", json_integer(r->damaged));
    int losses = (r->concealed > 0) + (r->damaged > 0);
    json_object_set_new(o, "warnings", json_integer(losses));
    json_object_set_new(o, "losses", json_integer(losses));
    json_object_set_new(o, "bytes", json_integer(r->bytes));
    json_object_set_new(o, "wall_seconds", json_real(r->wall_seconds));
    json_object_set_new(o, "cpu_seconds", json_real(r->cpu_seconds));
    return o;
}

static enum ta_exit run_segment(struct ta_cli *cli)
{
    const struct segment_opts *opts = cli->values;
    struct ta_plan *plan = NULL;
    struct ta_task_result result = {0};
    if (opts->index < 0)
        return ta_cli_usage(cli, "segment needs --index N");
    enum ta_exit status = ta_cli_task_start(cli, &opts->task, &plan);
    if (status)
        return status;
    if (opts->index >= ta_plan_segments(plan)) {
        int count = ta_plan_segments(plan);
        ta_plan_destroy(&plan);
        return ta_cli_usage(cli, "there is no segment %" PRId64 ": the plan has %d, numbered from 0",
                            opts->index, count);
    }
    int err = opts->strict ? ta_options_set(cli->options, TA_LAYER_CALLER, "strict", "on", "--strict") : 0;
    struct ta_progress_view view = ta_cli_task_view(cli, &opts->task, plan);
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &view);
    if (err >= 0)
        err = ta_segment_task(plan, (int)opts->index, cli->options, &callbacks, &result, cli->log);
    ta_progress_end(&view);
    if (err >= 0)
        say(cli, plan, opts->index, &result);
    json_t *object = err >= 0 ? result_json(plan, opts->index, &result) : NULL;
    status = ta_cli_task_end(cli, &opts->task, plan, err, object);
    ta_plan_destroy(&plan);
    return status;
}

static const struct ta_example segment_examples[] = {
    {"terminalai segment --plan plan.json --index 3",
     "the fourth segment, on any machine that sees the files"},
    {"seq 0 11 | xargs -P4 -n1 terminalai segment --plan plan.json --index", "twelve segments, four at once"},
    {0},
};

static const struct ta_command_group segment_groups[] = {{"The task", segment_options, 0}, {0}};

const struct ta_command ta_command_segment = {
    .name = "segment",
    .operands = "",
    .summary = "make one segment of a plan, as a task for other runners",
    .description =
        "Restores one segment of a plan that \"terminalai plan tape.avi -o out.mp4 --json > plan.json\" wrote "
        "(its \"cuts\" tell how many there are) and leaves it in the plan's work folder "
        "(OUT.terminalai, or under --work-dir). Any number of these may run at once, on one machine or many; "
        "\"join\" makes the output of them. The result is what \"restore\" makes, bit for bit.\n\nA segment "
        "that is done is not made again: that is said, and the exit status is 0. Two copies at once do no "
        "harm. While \"restore\" or \"join\" works on the same output, a task is refused with exit status 1, "
        "and they are refused while tasks run.\n\nThe plan names files by their full paths. The source must be "
        "the file that was planned for.",
    .examples = segment_examples,
    .groups = segment_groups,
    .values_size = sizeof(struct segment_opts),
    .operand_kind = TA_OPERAND_NONE,
    .run = run_segment,
};
