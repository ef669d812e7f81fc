// terminalai task, and segment: one task of a plan, as other runners call it.
#include <inttypes.h>
#include <stdlib.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/table.h"

enum { MAX_NEEDS_SHOWN = 4 };

struct one_opts { // of both commands
    struct ta_task_opts task;
    bool strict;
};
#define STRICT_OPTION(owner, field)                                                                    \
    {                                                                                                  \
        .name = "strict", .kind = &ta_opt_switch, TA_FIELD(owner, field.strict, bool),                 \
        .help = "fail where frames can't be decoded, instead of repeating a neighbour and counting it" \
    }

struct task_opts {
    struct one_opts one;
    char *stem;
    bool list;
};

static const struct ta_opt task_options[] = {
    TA_TASK_OPTIONS(struct task_opts, one.task),
    {.name = "task",
     .kind = &ta_opt_text,
     TA_FIELD(struct task_opts, stem, char *),
     .syntax = "STEM",
     .help = "which task, by the name that --list shows: seg-00003",
     .letter = 't'},
    {.name = "list",
     .kind = &ta_opt_switch,
     TA_FIELD(struct task_opts, list, bool),
     .help = "make nothing; show the plan's tasks, what they need and how far they are",
     .letter = 'l'},
    STRICT_OPTION(struct task_opts, one),
    {0},
};

struct segment_opts {
    struct one_opts one;
    int64_t index;
};

static const struct ta_opt segment_options[] = {
    TA_TASK_OPTIONS(struct segment_opts, one.task),
    {.name = "index",
     .kind = &ta_opt_int,
     TA_FIELD(struct segment_opts, index, int64_t),
     .def = "-1",
     .min = -1,
     .max = INT32_MAX,
     .help = "which segment, from 0; must be given",
     .letter = 'n'},
    STRICT_OPTION(struct segment_opts, one),
    {0},
};

// ---- making one ----

// "3456 frames, 12.3 MB"
static void append_result(struct ta_buf *out, const struct ta_task_result *r)
{
    if (r->frames)
        ta_buf_printf(out, "%" PRId64 " %s, ", r->frames, ta_plural(r->frames, "frame", "frames"));
    if (r->samples)
        ta_buf_printf(out, "%" PRId64 " %s, ", r->samples, ta_plural(r->samples, "sample", "samples"));
    ta_append_bytes(out, r->bytes);
}

static void say(struct ta_cli *cli, const struct ta_plan *plan, int number, const struct ta_task_result *r)
{
    struct ta_buf result = {0};
    struct ta_task task = ta_plan_task(plan, number);
    if (ta_console_is_quiet(cli->console))
        return;
    append_result(&result, r);
    if (r->delivered)
        ta_console_print(cli->console, "%s: nothing to do, %s is delivered", task.stem, ta_plan_output(plan));
    else
        ta_console_print(cli->console, "%s (%d of %d): %s%s", task.stem, number + 1, ta_plan_tasks(plan),
                         r->already ? "done already, " : "", ta_buf_text(&result));
    if (r->concealed > 0)
        ta_console_print(cli->console, "%s: %" PRId64 " %s be decoded and show a neighbour", task.stem,
                         r->concealed, ta_plural(r->concealed, "frame can't", "frames can't"));
    if (r->damaged > 0)
        ta_console_print(cli->console, "%s: %" PRId64 " %s with errors", task.stem, r->damaged,
                         ta_plural(r->damaged, "frame decodes", "frames decode"));
    ta_buf_release(&result);
}

static json_t *result_json(const struct ta_plan *plan, int number, const struct ta_task_result *r)
{
    struct ta_task task = ta_plan_task(plan, number);
    json_t *o = json_object();
    json_object_set_new(o, "task", json_string(task.stem));
    json_object_set_new(o, "kind", json_string(task.kind));
    json_object_set_new(o, "tasks", json_integer(ta_plan_tasks(plan)));
    json_object_set_new(o, "already", json_boolean(r->already));
    json_object_set_new(o, "delivered", json_boolean(r->delivered));
    json_object_set_new(o, "frames", json_integer(r->frames));
    if (r->samples)
        json_object_set_new(o, "samples", json_integer(r->samples));
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

// `more` (taken, may be NULL): what the command adds to the JSON.
static enum ta_exit make_task(struct ta_cli *cli, const struct one_opts *opts, const struct ta_plan *plan,
                              int number, json_t *more)
{
    struct ta_task_result result = {0};
    struct ta_task task = ta_plan_task(plan, number);
    int err = opts->strict ? ta_options_set(cli->options, TA_LAYER_CALLER, "strict", "on", "--strict") : 0;
    struct ta_progress_view view = ta_cli_task_view(cli, &opts->task, plan);
    struct ta_announcement announcement;
    char *what = ta_xprintf("makes %s", task.stem);
    struct ta_callbacks callbacks = ta_cli_announce(&announcement, cli, &view, plan, !task.need_count, what);
    if (err >= 0)
        err = ta_task_run(plan, task.stem, cli->options, &callbacks, &result, cli->log);
    ta_cli_announcement_end(&announcement);
    ta_progress_end(&view);
    json_t *object = NULL;
    if (err >= 0) {
        say(cli, plan, number, &result);
        object = result_json(plan, number, &result);
        json_object_update(object, more);
    }
    json_decref(more);
    return ta_cli_task_end(cli, &opts->task, plan, err, object);
}

// ---- listing ----

static void append_needs(struct ta_buf *out, const json_t *needs)
{
    const json_t *stem;
    size_t i;
    json_array_foreach(needs, i, stem)
    {
        if (i == MAX_NEEDS_SHOWN) {
            ta_buf_printf(out, " and %zu more", json_array_size(needs) - i);
            break;
        }
        ta_buf_printf(out, "%s%s", i ? " " : "", json_string_value(stem));
    }
    if (!json_array_size(needs))
        ta_buf_putc(out, '-');
}

static void append_expect(struct ta_buf *out, const json_t *expect)
{
    int64_t frames = json_integer_value(json_object_get(expect, "frames")),
            samples = json_integer_value(json_object_get(expect, "samples"));
    if (frames)
        ta_buf_printf(out, "%" PRId64 " %s", frames, ta_plural(frames, "frame", "frames"));
    else if (samples)
        ta_buf_printf(out, "%" PRId64 " %s", samples, ta_plural(samples, "sample", "samples"));
    else
        ta_buf_putc(out, '-');
}

static char *list_text(const json_t *root)
{
    static const char *const head[] = {"task", "kind", "state", "makes", "needs"};
    struct ta_table table = {.columns = TA_COUNT(head)};
    struct ta_buf out = {0};
    const json_t *task;
    size_t i;
    for (i = 0; i < TA_COUNT(head); i++)
        ta_table_cell(&table, "%s", head[i]);
    json_array_foreach(json_object_get(root, "tasks"), i, task)
    {
        struct ta_buf expect = {0}, needs = {0};
        append_expect(&expect, json_object_get(task, "expect"));
        append_needs(&needs, json_object_get(task, "needs"));
        ta_table_cell(&table, "%s", json_string_value(json_object_get(task, "task")));
        ta_table_cell(&table, "%s", json_string_value(json_object_get(task, "kind")));
        ta_table_cell(&table, "%s", json_string_value(json_object_get(task, "state")));
        ta_table_cell(&table, "%s", ta_buf_text(&expect));
        ta_table_cell(&table, "%s", ta_buf_text(&needs));
        ta_buf_release(&expect);
        ta_buf_release(&needs);
    }
    ta_table_print(&table, 0, ta_console_columns(1), &out);
    ta_table_release(&table);
    return ta_buf_take(&out);
}

static enum ta_exit list_tasks(struct ta_cli *cli, const struct ta_task_opts *opts,
                               const struct ta_plan *plan)
{
    char *json = NULL;
    int err = ta_task_list(plan, cli->options, &json, cli->log);
    if (err < 0)
        return ta_cli_fail(cli, err);
    json_t *root = json_loads(json, 0, NULL);
    char *text = opts->json ? NULL : list_text(root);
    enum ta_exit status = ta_cli_output(cli, text ? text : json);
    free(text);
    free(json);
    json_decref(root);
    return status;
}

// ---- the commands ----

static enum ta_exit run_task(struct ta_cli *cli)
{
    const struct task_opts *opts = cli->values;
    struct ta_plan *plan = NULL;
    bool named = opts->stem && *opts->stem;
    if (named == opts->list)
        return ta_cli_usage(cli, named ? "--task and --list do not go together"
                                       : "task needs --task STEM or --list");
    enum ta_exit status = ta_cli_task_start(cli, &opts->one.task, false, &plan);
    if (status)
        return status;
    int number = named ? ta_plan_find_task(plan, opts->stem) : 0;
    if (opts->list)
        status = list_tasks(cli, &opts->one.task, plan);
    else if (number < 0)
        status = ta_cli_usage(cli, "there is no task \"%s\" in the plan; --list shows those that there are",
                              opts->stem);
    else
        status = make_task(cli, &opts->one, plan, number, NULL);
    ta_plan_destroy(&plan);
    return status;
}

static enum ta_exit run_segment(struct ta_cli *cli)
{
    const struct segment_opts *opts = cli->values;
    struct ta_plan *plan = NULL;
    if (opts->index < 0)
        return ta_cli_usage(cli, "segment needs --index N");
    enum ta_exit status = ta_cli_task_start(cli, &opts->one.task, false, &plan);
    if (status)
        return status;
    int count = ta_plan_segments(plan);
    if (opts->index >= count)
        status = ta_cli_usage(cli, "there is no segment %" PRId64 ": the plan has %d, numbered from 0",
                              opts->index, count);
    else // the segments are the first of the tasks
        status = make_task(cli, &opts->one, plan, (int)opts->index,
                           json_pack("{s:I, s:i}", "segment", (json_int_t)opts->index, "segments", count));
    ta_plan_destroy(&plan);
    return status;
}

static const struct ta_example task_examples[] = {
    {"terminalai task --plan plan.json --list", "what there is to do, and how far it is"},
    {"terminalai task --plan plan.json --task seg-00003", "one of them, on any machine that sees the files"},
    {0},
};

static const struct ta_example segment_examples[] = {
    {"terminalai segment --plan plan.json --index 3",
     "the fourth segment, on any machine that sees the files"},
    {"seq 0 11 | xargs -P4 -n1 terminalai segment --plan plan.json --index", "twelve segments, four at once"},
    {0},
};

static const struct ta_command_group task_groups[] = {{"The task", task_options, 0}, {0}};
static const struct ta_command_group segment_groups[] = {{"The task", segment_options, 0}, {0}};

const struct ta_command ta_command_task = {
    .name = "task",
    .operands = "",
    .summary = "make one task of a plan, or list them, for other runners",
    .description =
        "A plan that \"terminalai plan tape.avi -o out.mp4 --json > plan.json\" wrote is carried out by tasks: one "
        "for each segment of the video, and others where the plan has them. Each leaves one file in the plan's work "
        "folder (OUT.terminalai, or under --work-dir). Any number of tasks may run at once, on one machine or many, "
        "each after those that it needs: --list shows which. \"join\" makes the output of their files. The result "
        "is what \"restore\" makes, bit for bit.\n\nA task that is done is not made again: that is said, and the "
        "exit status is 0. Two copies at once do no harm. One whose needs are not finished is refused with exit "
        "status 1, and so is any while \"restore\" or \"join\" works on the same output; they are refused while "
        "tasks run.\n\nThe plan names files by their full paths, and what is written where is said "
        "before. An output in a "
        "folder of somebody else, other than that of the plan, must be named with -o. The source must be the file "
        "that was planned for.",
    .examples = task_examples,
    .groups = task_groups,
    .values_size = sizeof(struct task_opts),
    .operand_kind = TA_OPERAND_NONE,
    .run = run_task,
};

const struct ta_command ta_command_segment = {
    .name = "segment",
    .operands = "",
    .summary = "make one segment of a plan, by its number",
    .description =
        "The same as \"task\" for the task of segment N: \"terminalai segment --plan FILE --index 3\" is "
        "\"terminalai task --plan FILE --task seg-00003\". The plan's \"cuts\" tell how many segments there are.",
    .examples = segment_examples,
    .groups = segment_groups,
    .values_size = sizeof(struct segment_opts),
    .operand_kind = TA_OPERAND_NONE,
    .run = run_segment,
};
