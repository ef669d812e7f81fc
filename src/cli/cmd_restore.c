// terminalai restore: the main job, for one file, several, or folders of them.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "cli/batch.h"
#include "restore/plan.h"

struct restore_opts {
    char *output;
    bool recursive;
    char *config;
    int progress; // enum ta_progress_mode
    bool json;
};

static const struct ta_opt restore_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct restore_opts, output, char *),
     .syntax = "OUT",
     .help = "file to make, or a folder for it (made when missing; needed for several inputs); \"-\" is "
             "standard output and needs --encoder raw; without it, tape.avi becomes tape.restored.mp4 in the "
             "same folder",
     .letter = 'o'},
    {.name = "recursive",
     .kind = &ta_opt_switch,
     TA_FIELD(struct restore_opts, recursive, bool),
     .help = "take the video files of folders in folders too",
     .letter = 'R'},
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct restore_opts, config, char *),
     .syntax = "FILE",
     .help = "read options from this YAML file instead of ~/.config/terminalai/config.yaml"},
    {.name = "progress",
     .kind = &ta_opt_choice,
     TA_FIELD(struct restore_opts, progress, int),
     .def = "auto",
     .choices = ta_progress_choices,
     .help = "how progress is shown"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct restore_opts, json, bool),
     .help = "write what was done as one JSON object to standard output at the end"},
    {0},
};

struct restore_run {
    struct ta_cli *cli;
    const struct restore_opts *opts;
    struct ta_progress_view view;
    FILE *data;      // where JSON goes: standard output, unless the video goes there
    json_t *results; // one object a file
};

// --- what is said ---

static void append_counted(struct ta_buf *out, int64_t count, const char *one, const char *many)
{
    ta_buf_printf(out, "%" PRId64 " %s", count, count == 1 ? one : many);
}

// "tape.restored.mp4: 1440x1080, 600 frames, 0:20 of video, 12.3 MB; took 0:35, 17.1 fps, 0.57x"
static void say_done(struct restore_run *run, const struct ta_plan *plan, const struct ta_restore_result *r)
{
    struct ta_console *console = run->cli->console;
    struct ta_buf line = {0};
    double rate = run->view.frame_rate;
    const char *output = ta_plan_output(plan);
    if (ta_console_is_quiet(console))
        return;
    ta_buf_printf(&line, "%s: %dx%d, ", strcmp(output, "-") ? output : "standard output",
                  plan->out_format.width, plan->out_format.height);
    append_counted(&line, r->frames, "frame", "frames");
    if (rate > 0) {
        ta_buf_puts(&line, ", ");
        ta_append_duration(&line, (double)r->frames / rate);
        ta_buf_puts(&line, " of video");
    }
    ta_buf_puts(&line, ", ");
    ta_append_bytes(&line, r->bytes);
    ta_buf_puts(&line, "; took ");
    ta_append_duration(&line, r->wall_seconds);
    if (r->wall_seconds > 0 && !r->segments_reused) {
        double fps = (double)r->frames / r->wall_seconds;
        ta_buf_printf(&line, ", %.1f fps", fps);
        if (rate > 0)
            ta_buf_printf(&line, ", %.2fx", fps / rate);
    }
    if (r->segments_reused) {
        ta_buf_puts(&line, ", ");
        append_counted(&line, r->segments_reused, "segment", "segments");
        ta_buf_puts(&line, " from an earlier run");
    }
    ta_console_print(console, "%s", line.data);
    ta_buf_clear(&line);
    if (r->warnings > 0) {
        append_counted(&line, r->warnings, "warning", "warnings");
        if (r->concealed > 0) {
            ta_buf_puts(&line, "; ");
            append_counted(&line, r->concealed, "frame that could not be decoded shows its neighbour",
                           "frames that could not be decoded show their neighbours");
        }
        if (r->damaged > 0) {
            ta_buf_puts(&line, "; ");
            append_counted(&line, r->damaged, "frame is damaged in the source",
                           "frames are damaged in the source");
        }
        if (strcmp(output, "-"))
            ta_buf_printf(&line, "; see %s.json", output);
        ta_console_print(console, "%s", line.data);
    }
    ta_buf_release(&line);
}

static json_t *result_json(const struct ta_batch_item *item, const struct ta_plan *plan,
                           const struct ta_restore_result *r, int err, const char *message,
                           const char *advice)
{
    json_t *o = json_object();
    const char *status = err == TA_ERR_CANCELED ? "interrupted" : err < 0 ? "failed" : "done";
    json_object_set_new(o, "input", ta_cli_json_text(item->input));
    if (plan)
        json_object_set_new(o, "output", ta_cli_json_text(ta_plan_output(plan)));
    json_object_set_new(o, "status", json_string(status));
    if (err < 0) {
        json_object_set_new(o, "error", json_string(ta_error_text(err)));
        if (message)
            json_object_set_new(o, "message", ta_cli_json_text(message));
        json_object_set_new(o, "resumable", json_boolean(r->resumable));
        if (advice && *advice)
            json_object_set_new(o, "advice", ta_cli_json_text(advice));
        return o;
    }
    json_object_set_new(o, "width", json_integer(plan->out_format.width));
    json_object_set_new(o, "height", json_integer(plan->out_format.height));
    json_object_set_new(o, "frames", json_integer(r->frames));
    json_object_set_new(o, "concealed", json_integer(r->concealed));
    json_object_set_new(o, "damaged", json_integer(r->damaged));
    json_object_set_new(o, "warnings", json_integer(r->warnings));
    json_object_set_new(o, "bytes", json_integer(r->bytes));
    json_object_set_new(o, "segments_reused", json_integer(r->segments_reused));
    json_object_set_new(o, "wall_seconds", json_real(r->wall_seconds));
    json_object_set_new(o, "cpu_seconds", json_real(r->cpu_seconds));
    if (r->wall_seconds > 0)
        json_object_set_new(o, "fps", json_real((double)r->frames / r->wall_seconds));
    json_object_set_new(o, "peak_rss_bytes", json_integer(r->peak_rss_bytes));
    return o;
}

// --- one file ---

static enum ta_exit finish_file(struct restore_run *run, const struct ta_batch_item *item,
                                const struct ta_plan *plan, const struct ta_restore_result *r, int err)
{
    struct ta_cli *cli = run->cli;
    char *message = ta_console_take_error(cli->console);
    char *advice = err < 0 && plan ? ta_restore_advice(plan, cli->options, r, err) : NULL;
    ta_progress_end(&run->view);
    if (err == TA_ERR_CANCELED) {
        if (!ta_console_is_quiet(cli->console))
            ta_console_print(cli->console, "%s: interrupted", item->input);
    } else if (err < 0 && !message) {
        ta_error(cli->log, "%s: %s", item->input, ta_error_text(err));
    } else if (!err) {
        say_done(run, plan, r);
    }
    if (advice && *advice)
        ta_console_print(cli->console, "%s", advice);
    json_t *result = result_json(item, plan, r, err, message, advice);
    json_t *event = json_pack("{s:s}", "event", "result");
    json_object_update(event, result);
    ta_progress_event(&run->view, event);
    json_array_append_new(run->results, result);
    free(advice);
    free(message);
    if (!err)
        return r->warnings > 0 ? TA_EXIT_WARNINGS : TA_EXIT_OK;
    // While planning, a wrong value is the user's; later it would be ours.
    return plan && err == TA_ERR_INVALID ? TA_EXIT_FAILED : ta_exit_from_error(err);
}

// Is a finished output in the way? The library asks that before it starts to work, but reading and measuring
// a long source comes before.
static bool is_done_already(struct ta_cli *cli, const struct ta_batch_item *item)
{
    const char *overwrite = "off";
    struct stat st;
    if (item->output && !strcmp(item->output, "-"))
        return false;
    char *output = item->output ? ta_xstrdup(item->output)
                                : ta_batch_default_output(item->input, ta_cli_output_extension(cli));
    bool done = !ta_options_get(cli->options, "overwrite", &overwrite, NULL) && strcmp(overwrite, "on") &&
                !access(item->input, R_OK) && !stat(output, &st) && S_ISREG(st.st_mode) &&
                !ta_path_same_file(item->input, output);
    if (done)
        ta_error(cli->log, "%s: exists already; --overwrite replaces it", output);
    free(output);
    return done;
}

static enum ta_exit restore_file(struct restore_run *run, const struct ta_batch_item *item, int index)
{
    struct ta_cli *cli = run->cli;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    ta_progress_begin(&run->view, item->input, index);
    struct ta_callbacks callbacks = ta_cli_callbacks(&run->view);
    free(ta_console_take_error(cli->console));
    int err = is_done_already(cli, item) ? TA_ERR_EXISTS : 0;
    if (!err)
        err = ta_plan_create(&plan, item->input, item->output, cli->options, &callbacks, cli->log);
    if (err >= 0) {
        AVRational rate = plan->out_format.frame_rate;
        run->view.frame_rate = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
        ta_info(cli->log, "%s: %" PRId64 " frames in %d segment%s, %dx%d, %s, to %s", item->input,
                ta_plan_frames(plan), ta_plan_segments(plan), ta_plan_segments(plan) == 1 ? "" : "s",
                plan->out_format.width, plan->out_format.height, plan->encoder.codec, ta_plan_output(plan));
        err = ta_restore(plan, cli->options, &callbacks, &result, cli->log);
    }
    enum ta_exit status = finish_file(run, item, plan, &result, TA_MIN(err, 0));
    ta_plan_destroy(&plan);
    return status;
}

// --- all files ---

static enum ta_exit restore_all(struct restore_run *run, const struct ta_batch *batch)
{
    enum ta_exit worst = batch->empty_folders ? TA_EXIT_FAILED : TA_EXIT_OK;
    int done = 0, failed = 0, i;
    for (i = 0; i < batch->count && !ta_signals_interrupted(); i++) {
        if (batch->count > 1)
            ta_info(run->cli->log, "[%d/%d] %s", i + 1, batch->count, batch->items[i].input);
        enum ta_exit status = restore_file(run, &batch->items[i], i);
        done += status == TA_EXIT_OK || status == TA_EXIT_WARNINGS;
        failed += status == TA_EXIT_FAILED || status == TA_EXIT_USAGE;
        worst = ta_exit_worse(worst, status);
    }
    if (ta_signals_interrupted() && i < batch->count)
        worst = ta_exit_worse(worst, TA_EXIT_INTERRUPTED);
    if (batch->count > 1 && !ta_console_is_quiet(run->cli->console)) {
        ta_console_print(run->cli->console, "%d of %d files restored%s", done, batch->count,
                         failed ? "; failed:" : "");
        for (int k = 0; failed && k < (int)json_array_size(run->results); k++) {
            const json_t *result = json_array_get(run->results, (size_t)k);
            if (!strcmp(json_string_value(json_object_get(result, "status")), "failed"))
                ta_console_print(run->cli->console, "  %s", batch->items[k].input);
        }
    }
    return worst;
}

static enum ta_exit write_results(struct restore_run *run, enum ta_exit status)
{
    json_t *all = json_object();
    json_object_set(all, "files", run->results);
    json_object_set_new(all, "exit_code", json_integer(status));
    // Behind progress events, the object keeps to one line as they do.
    char *text = run->view.mode == TA_PROGRESS_JSON ? json_dumps(all, JSON_COMPACT) : ta_json_text(all);
    size_t length = strlen(text);
    char *line = ta_xprintf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
    enum ta_exit written = TA_EXIT_OK;
    if (run->data == stdout)
        written = ta_cli_output(run->cli, line);
    else
        fputs(line, run->data);
    free(line);
    free(text);
    json_decref(all);
    return ta_exit_worse(status, written);
}

static enum ta_exit run_restore(struct ta_cli *cli)
{
    const struct restore_opts *opts = cli->values;
    enum ta_exit status = ta_cli_check_recipe(cli, opts->config);
    if (status)
        return status;
    struct ta_batch batch;
    struct ta_batch_wish wish = {
        .output = opts->output, .extension = ta_cli_output_extension(cli), .recursive = opts->recursive};
    int err = ta_batch_collect(&batch, cli->operands, cli->operand_count, &wish, cli->log);
    if (err < 0)
        return ta_exit_from_error(err);
    bool to_stdout = opts->output && !strcmp(opts->output, "-");
    struct restore_run run = {
        .cli = cli, .opts = opts, .data = to_stdout ? stderr : stdout, .results = json_array()};
    enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
    if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
        mode = TA_PROGRESS_NONE;
    run.view = (struct ta_progress_view){
        .console = cli->console, .mode = mode, .json = run.data, .count = batch.count};
    ta_signals_catch();
    status = restore_all(&run, &batch);
    if (opts->json)
        status = write_results(&run, status);
    json_decref(run.results);
    ta_batch_release(&batch);
    return status;
}

static const struct ta_example restore_examples[] = {
    {"terminalai restore tape.avi", "makes tape.restored.mp4 beside it, with what suits a VHS tape"},
    {"terminalai restore tape.avi -o christmas.mp4 --resolution 720 --quality best",
     "another name, size and more care"},
    {"terminalai restore tapes/ -o restored/ --recursive", "all video files of a folder, into another one"},
    {"terminalai restore tape.avi --encoder ffv1 -o tape.mkv", "lossless video, for an archive"},
    {"terminalai restore tape.avi -o excerpt.mp4 --range 1:00-1:20", "only twenty seconds, to try settings"},
    {"terminalai restore tape.avi --encoder raw -o - | ffplay -", "into another program"},
    {0},
};

static const struct ta_command_group restore_groups[] = {{"Files and messages", restore_options, 0}, {0}};

const struct ta_command ta_command_restore = {
    .name = "restore",
    .operands = "INPUT...",
    .summary = "restore videos: the main job",
    .description =
        "Restores each INPUT: measures it, plans, removes interlacing and noise, scales, encodes, checks "
        "the result and only then gives it its name. The source is never changed. An INPUT that is a "
        "folder stands for the video files in it. A file that fails does not stop the others.\n\nAn "
        "interrupted run (Ctrl-C, a power cut, a full disk) keeps the finished segments in OUT.terminalai: "
        "the same command goes on where it stopped, with the same result. A report is left beside the "
        "output as OUT.json.\n\nExit status: 0 done; 1 failed; 2 wrong call; 3 done with warnings that "
        "matter, such as frames that could not be decoded; 130 interrupted, the same command goes on. Of "
        "several files the worst counts.",
    .examples = restore_examples,
    .groups = restore_groups,
    .values_size = sizeof(struct restore_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_restore,
};
