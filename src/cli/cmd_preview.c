// terminalai preview: an excerpt restored, beside its source.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "cli/batch.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "media/parts/name.h"
#include "plan/plan.h"
#include "restore/output.h"

struct preview_opts {
    char *output;
    bool join;
    struct ta_time start;
    double duration;
    int layout;
    char *config;
    int progress;
    bool json;
};

static const struct ta_opt preview_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct preview_opts, output, char *),
     .syntax = "OUT",
     .help =
         "file to make; without it, tape.avi becomes tape.preview.mp4 in the same folder; a name that ends in .png "
         "gives a single frame: source, result and their difference",
     .letter = 'o'},
    {.name = "start",
     .kind = &ta_opt_time,
     TA_FIELD(struct preview_opts, start, struct ta_time),
     .def = "25%",
     .help = "where the excerpt begins, as time (1:23:45.5), percent (25%) or frame (1200f)",
     .letter = 's'},
    {.name = "duration",
     .kind = &ta_opt_float,
     TA_FIELD(struct preview_opts, duration, double),
     .def = "10",
     .min = 0.001,
     .max = 86400,
     .unit = "seconds",
     .help = "how long it is",
     .letter = 'd'},
    {.name = "layout",
     .kind = &ta_opt_choice,
     TA_FIELD(struct preview_opts, layout, int),
     .def = "side",
     .choices = ta_show_layouts,
     .help = "how source and result are shown together",
     .letter = 'l'},
    TA_JOIN_OPTION(struct preview_opts),
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct preview_opts, config, char *),
     .syntax = "FILE",
     .help = "read options from this YAML file instead of ~/.config/terminalai/config.yaml"},
    {.name = "progress",
     .kind = &ta_opt_choice,
     TA_FIELD(struct preview_opts, progress, int),
     .def = "auto",
     .choices = ta_progress_choices,
     .help = "how progress is shown"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct preview_opts, json, bool),
     .help = "write what was done as one JSON object to standard output at the end"},
    {0},
};

static char *default_output(struct ta_cli *cli, const char *input)
{
    char *dir = ta_name_dir(input), *stem = ta_name_stem(input);
    char *name = ta_xprintf("%s.preview.%s", stem, ta_cli_output_extension(cli));
    char *path = !strcmp(dir, ".") ? ta_xstrdup(name) : ta_path_join(dir, name);
    free(name);
    free(stem);
    free(dir);
    return path;
}

static char *start_text(const struct preview_opts *opts)
{
    struct ta_buf text = {0};
    ta_time_format(&opts->start, &text);
    return ta_buf_take(&text);
}

// ---- a single frame ----

static int make_picture(struct ta_cli *cli, const char *input, const char *output,
                        const struct ta_callbacks *callbacks, json_t **done)
{
    const struct preview_opts *opts = cli->values;
    struct ta_preview_picture r;
    char *start = start_text(opts);
    int err = ta_preview_png(input, output, cli->options, start, callbacks, &r, cli->log);
    free(start);
    if (err < 0)
        return err;
    struct ta_buf size = {0};
    ta_append_bytes(&size, r.bytes);
    if (!ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s: %dx%d, source frame %" PRId64 ", %s", output, r.width, r.height,
                         r.source_frame, ta_buf_text(&size));
    ta_buf_release(&size);
    *done = json_pack("{s:i, s:i, s:I, s:f, s:I}", "width", r.width, "height", r.height, "source_frame",
                      (json_int_t)r.source_frame, "seconds", r.seconds, "bytes", (json_int_t)r.bytes);
    return 0;
}

// ---- an excerpt ----

static int make_video(struct ta_cli *cli, const char *input, const char *output,
                      struct ta_progress_view *view, json_t **done)
{
    const struct preview_opts *opts = cli->values;
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, view);
    struct ta_plan *plan = NULL;
    struct ta_restore_result r = {0};
    char *start = start_text(opts);
    struct ta_preview_wish wish = {start, opts->duration, ta_show_layouts[opts->layout].name};
    int err = ta_preview_plan(&plan, input, output, cli->options, &wish, &callbacks, cli->log);
    free(start);
    if (err < 0)
        return err;
    ta_progress_plan(view, plan);
    err = ta_restore(plan, cli->options, &callbacks, &r, cli->log);
    err = err == TA_ERR_INVALID ? TA_ERR_INTERNAL : err;
    if (err >= 0) {
        struct ta_buf line = {0};
        ta_buf_printf(&line, "%s: %dx%d, %" PRId64 " %s, ", output, plan->out_format.width,
                      plan->out_format.height, r.frames, ta_plural(r.frames, "frame", "frames"));
        ta_append_bytes(&line, r.bytes);
        ta_buf_puts(&line, "; took ");
        ta_append_duration(&line, r.wall_seconds);
        if (!ta_console_is_quiet(cli->console))
            ta_console_print(cli->console, "%s", ta_buf_text(&line));
        ta_buf_release(&line);
        *done = json_pack("{s:i, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "width",
                          plan->out_format.width, "height", plan->out_format.height, "layout", wish.layout,
                          "source_frame", (json_int_t)plan->first_frame, "source_frames",
                          (json_int_t)plan->frame_count, "frames", (json_int_t)r.frames, "concealed",
                          (json_int_t)r.concealed, "warnings", (json_int_t)r.warnings, "losses",
                          (json_int_t)r.losses, "bytes", (json_int_t)r.bytes, "wall_seconds", r.wall_seconds,
                          "cpu_seconds", r.cpu_seconds);
    } else {
        const struct ta_problem *failure = ta_cli_end(cli, err, output);
        if (*failure->advice && (r.resumable || !ta_console_is_quiet(cli->console)))
            ta_console_print(cli->console, "%s", failure->advice);
    }
    ta_plan_destroy(&plan);
    return err;
}

static bool is_done_already(struct ta_cli *cli, const char *output)
{
    if (ta_cli_is_on(cli, "overwrite") || access(output, F_OK) < 0)
        return false;
    // What was interrupted after its name was taken is told from what is in the way by the library.
    char *work = ta_xprintf("%s.terminalai", output);
    bool unfinished = access(work, F_OK) == 0;
    free(work);
    if (!unfinished)
        ta_error(cli->log, "%s: exists already; --overwrite replaces it", output);
    return !unfinished;
}

static enum ta_exit run_preview(struct ta_cli *cli)
{
    const struct preview_opts *opts = cli->values;
    enum ta_exit status = ta_cli_check_recipe(cli, opts->config);
    if (status)
        return status;
    char *input;
    int err = ta_batch_one(&input, cli->operands, cli->operand_count, opts->join, cli->log);
    if (err < 0)
        return ta_cli_fail(cli, err);
    char *output = opts->output ? ta_xstrdup(opts->output) : default_output(cli, input);
    bool to_stdout = !strcmp(output, "-"), picture = !strcasecmp(ta_path_extension(output), "png");
    enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
    if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
        mode = TA_PROGRESS_NONE;
    struct ta_progress_view view = {.console = cli->console,
                                    .mode = mode,
                                    .json = to_stdout ? stderr : stdout,
                                    .count = 1,
                                    .streams = to_stdout};
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &view);
    json_t *done = NULL;
    ta_progress_begin(&view, input, 0);
    ta_cli_begin(cli);
    ta_signals_catch();
    err = !to_stdout && is_done_already(cli, output) ? TA_ERR_EXISTS : 0;
    if (err >= 0 && !to_stdout && !picture)
        err = ta_output_check_early(input, output, cli->options, cli->log);
    if (err >= 0)
        err = picture ? make_picture(cli, input, output, &callbacks, &done)
                      : make_video(cli, input, output, &view, &done);
    ta_progress_end(&view);
    status = ta_cli_finish(cli, err, input, output, opts->json, mode, done);
    free(output);
    free(input);
    return status;
}

static const struct ta_example preview_examples[] = {
    {"terminalai preview tape.avi", "ten seconds from a quarter of the way on, side by side"},
    {"terminalai preview tape.avi -s 12:30 -d 20 --layout split -o try.mp4",
     "twenty seconds, with a line that moves over the picture"},
    {"terminalai preview tape.avi --denoise-strength 6:5:6:5 -o try.png --start 40%",
     "one frame as a picture: source, result, difference"},
    {0},
};

static const struct ta_command_group preview_groups[] = {{"What to show", preview_options, 0}, {0}};

static const char *const preview_often[] = {"output",           "start",   "duration", "layout", "preset",
                                            "denoise-strength", "quality", NULL};

const struct ta_command ta_command_preview = {
    .name = "preview",
    .operands = "INPUT...",
    .summary = "show a restored excerpt beside its source",
    .description =
        "Restores an excerpt with the chain that \"restore\" would use for the whole of INPUT and shows it beside "
        "the source, in step, with labels around the pictures: what is shown is what would be delivered, at a size "
        "that fits a screen; with --resolution at that one, to the last sample. The source is brought to the result's "
        "size and, field by field, to its rate; nothing else is done to it. Sound comes along. Several INPUTs are one "
        "film, with --join. Takes the options of \"restore\".\n\nWith an output that ends in .png one frame is "
        "shown: the source, the result, and the difference of both, eight times amplified, where grey means none.",
    .examples = preview_examples,
    .often = preview_often,
    .groups = preview_groups,
    .values_size = sizeof(struct preview_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_preview,
};
