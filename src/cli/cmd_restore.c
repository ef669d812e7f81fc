// terminalai restore: the main job, for one file, several, or folders of them.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/path.h"
#include "base/log.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/cmd_restore.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/outcome.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "cli/batch.h"
#include "recipe/options.h"
#include "plan/plan.h"
#include "media/parts/name.h"
#include "restore/output.h"
#include "restore/settle.h"

struct restore_opts {
    char *output;
    bool recursive;
    bool join;
    bool new_name;
    bool dry_run;
    char *config;
    int progress; // enum ta_progress_mode
    bool json;
    struct ta_range redo;
};

_Static_assert(sizeof(struct restore_opts) <= TA_RESTORE_VALUES_SIZE, "values of restore and audio");

const struct ta_opt ta_restore_options[] = {
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
    TA_JOIN_OPTION(struct restore_opts),
    {.name = "new-name",
     .kind = &ta_opt_switch,
     TA_FIELD(struct restore_opts, new_name, bool),
     .help = "where another file has the output's name, leave it and make tape.restored.2.mp4"},
    {.name = "dry-run",
     .kind = &ta_opt_switch,
     TA_FIELD(struct restore_opts, dry_run, bool),
     .help = "only show what would be done, as \"terminalai plan\" does",
     .letter = 'n'},
    {.name = "redo",
     .kind = &ta_opt_range,
     TA_FIELD(struct restore_opts, redo, struct ta_range),
     .def = "",
     .help = "make only this part again, with the options given now over those of the run that made OUT with "
             "--keep-work; everything else stays, byte for byte"},
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

static const char *work_dir_of(struct ta_cli *cli)
{
    const char *work_dir = "";
    ta_options_get(cli->options, "work-dir", &work_dir, NULL);
    return work_dir;
}

// What stands at the output's name decides before anything is read. TA_OUTPUT_SAME: there is nothing to do.
static int settle_output(struct ta_cli *cli, const struct ta_batch_item *item, struct ta_output_found *found,
                         char **output)
{
    const struct restore_opts *opts = cli->values;
    char *wanted = item->output
                       ? ta_xstrdup(item->output)
                       : ta_name_output(item->input, ta_output_extension_of(cli->options, item->input));
    struct ta_settle_wish wish = {item->input, wanted, opts->new_name,
                                  "--overwrite replaces it, --new-name leaves it and makes another"};
    int err = ta_output_settle(&wish, cli->options, found, output, cli->log);
    free(wanted);
    return err;
}

// The plan of an output that was made with --keep-work, with a part of it to be made again.
static int plan_redo(struct ta_cli *cli, const struct ta_batch_item *item,
                     const struct ta_callbacks *callbacks, struct ta_plan **plan)
{
    struct ta_redo_result r = {0};
    struct stat st;
    char *output = item->output
                       ? ta_xstrdup(item->output)
                       : ta_name_output(item->input, ta_output_extension_of(cli->options, item->input)),
         *range = ta_opt_text_of(ta_opt_find(ta_restore_options, "redo"), cli->values);
    int err = 0;
    if (!ta_cli_is_on(cli, "overwrite") && stat(output, &st) == 0) {
        ta_error(cli->log, "%s: exists already; --overwrite lets --redo put the new one in its place",
                 output);
        err = TA_ERR_EXISTS;
    }
    if (err >= 0)
        err = ta_redo_plan(plan, item->input, output, work_dir_of(cli), range, cli->options, callbacks, &r,
                           cli->log);
    if (err >= 0 && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console,
                         r.changed ? "%s: source frames %" PRId64 " to %" PRId64 " are made again%s%s"
                                   : "%s: source frames %" PRId64 " to %" PRId64
                                     " have these settings already%s%s",
                         output, r.first, r.end - 1, r.others[0] ? "; " : "", r.others);
    free(r.others);
    // What it can be done again with, once more.
    if (err >= 0)
        err = ta_options_set(cli->options, TA_LAYER_CALLER, "keep-work", "on", "--redo");
    free(range);
    free(output);
    return err;
}

static bool is_redo(const struct ta_cli *cli)
{
    const struct restore_opts *opts = cli->values;
    return opts->redo.start.unit || opts->redo.end.unit;
}

// What would be done, instead of doing it.
static enum ta_exit show_plan(struct ta_restore_call *run, const char *input, struct ta_plan *plan,
                              const struct ta_callbacks *callbacks, int err)
{
    const struct restore_opts *opts = run->cli->values;
    ta_progress_end(&run->view);
    ta_cli_end(run->cli, err, input);
    if (err < 0)
        return ta_exit_from_error(err);
    if (opts->json)
        return ta_cli_output(run->cli, ta_plan_json(plan));
    char *words = ta_cli_plan_text(run->cli, plan, callbacks);
    ta_progress_end(&run->view);
    enum ta_exit status = words ? ta_cli_show(run->cli, words) : TA_EXIT_INTERRUPTED;
    free(words);
    return status;
}

static enum ta_exit restore_file(struct ta_restore_call *run, const struct ta_batch_item *item, int index)
{
    struct ta_cli *cli = run->cli;
    const struct restore_opts *opts = cli->values;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    ta_progress_begin(&run->view, item->input, index);
    struct ta_callbacks callbacks = ta_cli_callbacks(cli, &run->view);
    ta_cli_begin(cli);
    struct ta_output_found found = {0};
    char *output = NULL;
    int err = is_redo(cli) ? plan_redo(cli, item, &callbacks, &plan)
                           : settle_output(cli, item, &found, &output);
    if (err >= 0 && found.state == TA_OUTPUT_SAME) {
        ta_restore_call_already(run, item->input, output, &found);
        ta_output_found_release(&found);
        free(output);
        return TA_EXIT_OK;
    }
    ta_output_found_release(&found);
    if (err >= 0 && !plan)
        err = ta_plan_create(&plan, item->input, output, cli->options, &callbacks, cli->log);
    free(output);
    if (opts->dry_run) {
        enum ta_exit status = show_plan(run, item->input, plan, &callbacks, TA_MIN(err, 0));
        ta_plan_destroy(&plan);
        return status;
    }
    bool people = run->view.mode == TA_PROGRESS_LINE || run->view.mode == TA_PROGRESS_PLAIN;
    if (err >= 0 && !is_redo(cli)) {
        if (people && run->view.count > 1 && !ta_console_is_quiet(cli->console))
            ta_console_print(cli->console, "[%d/%d] %s", index + 1, run->view.count, item->input);
        err = ta_cli_suit(cli, plan, people, &callbacks);
    }
    if (err >= 0) {
        ta_progress_plan(&run->view, plan);
        if (plan->sound_only)
            ta_info(cli->log, "%s: %d %s of sound, %.1f seconds, to %s", item->input, plan->sound_count,
                    ta_plural(plan->sound_count, "track", "tracks"), ta_plan_seconds(plan),
                    ta_plan_output(plan));
        else
            ta_info(cli->log, "%s: %" PRId64 " %s in %d %s, %dx%d, %s, to %s", item->input,
                    ta_plan_frames(plan), ta_plural(ta_plan_frames(plan), "frame", "frames"),
                    ta_plan_segments(plan), ta_plural(ta_plan_segments(plan), "segment", "segments"),
                    plan->out_format.width, plan->out_format.height, plan->encoder.codec,
                    ta_plan_output(plan));
        ta_mapped_give_back(); // of libraries that planning alone has touched
        err = ta_restore(plan, cli->options, &callbacks, &result, cli->log);
    }
    enum ta_exit status = ta_restore_call_finish(run, item->input, plan, &result, TA_MIN(err, 0));
    ta_plan_destroy(&plan);
    return status;
}

// --- all files ---

// "3 already done, 1 restored"
static void sum_up(const struct ta_restore_call *run, const struct ta_batch *batch, int begun, int failed)
{
    struct ta_console *console = run->cli->console;
    int already = 0, done = 0;
    for (int k = 0; k < begun; k++) {
        const json_t *result = json_array_get(run->results, (size_t)k);
        bool was = json_is_true(json_object_get(result, "already"));
        already += was;
        done += !was && !strcmp(json_string_value(json_object_get(result, "status")), "done");
    }
    if (already)
        ta_console_print(console, "%d already done, %d restored%s", already, done, failed ? "; failed:" : "");
    else
        ta_console_print(console, "%d of %d files restored%s", done, batch->count, failed ? "; failed:" : "");
    for (int k = 0; failed && k < begun; k++) {
        const json_t *result = json_array_get(run->results, (size_t)k);
        if (!strcmp(json_string_value(json_object_get(result, "status")), "failed"))
            ta_console_print(console, "  %s", batch->items[k].input);
    }
}

static enum ta_exit restore_all(struct ta_restore_call *run, const struct ta_batch *batch)
{
    enum ta_exit worst = batch->empty_folders ? TA_EXIT_FAILED : TA_EXIT_OK;
    int failed = 0, i;
    for (i = 0; i < batch->count && !ta_signals_interrupted(); i++) {
        if (batch->count > 1)
            ta_info(run->cli->log, "[%d/%d] %s", i + 1, batch->count, batch->items[i].input);
        enum ta_exit status = restore_file(run, &batch->items[i], i);
        failed += status == TA_EXIT_FAILED || status == TA_EXIT_USAGE;
        worst = ta_exit_worse(worst, status);
    }
    if (ta_signals_interrupted() && i < batch->count)
        worst = ta_exit_worse(worst, TA_EXIT_INTERRUPTED);
    const struct restore_opts *opts = run->cli->values;
    if (batch->count > 1 && !opts->dry_run && !ta_console_is_quiet(run->cli->console))
        sum_up(run, batch, i, failed);
    return worst;
}

static enum ta_exit run_restore(struct ta_cli *cli)
{
    const struct restore_opts *opts = cli->values;
    enum ta_exit status = ta_cli_check_recipe(cli, opts->config);
    if (status)
        return status;
    if (is_redo(cli) &&
        (ta_options_by_caller(cli->options, "range") ||
         ta_options_by_caller(cli->options, "segment-length") ||
         ta_options_by_caller(cli->options, "restart") || ta_options_by_caller(cli->options, "no-resume")))
        return ta_cli_usage(cli,
                            "--redo goes on with what is there: --range, --segment-length, --restart and "
                            "--no-resume do not go with it");
    struct ta_batch batch;
    struct ta_batch_wish wish = {.output = opts->output,
                                 .extension = ta_cli_output_extension(cli),
                                 .options = cli->options,
                                 .recursive = opts->recursive,
                                 .join = opts->join,
                                 .look = opts->dry_run};
    int err = ta_batch_collect(&batch, cli->operands, cli->operand_count, &wish, cli->log);
    if (err < 0)
        return ta_cli_fail(cli, err);
    bool to_stdout = opts->output && !strcmp(opts->output, "-");
    if (is_redo(cli) && (batch.count != 1 || to_stdout)) {
        ta_batch_release(&batch);
        return ta_cli_usage(cli, "--redo is for one file");
    }
    for (int i = 0; i < batch.count; i++)
        ta_guard_add_source(ta_options_guard(cli->options), batch.items[i].input);
    struct ta_restore_call run = {.cli = cli, .data = to_stdout ? stderr : stdout, .results = json_array()};
    enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
    if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
        mode = TA_PROGRESS_NONE;
    run.view = (struct ta_progress_view){
        .console = cli->console, .mode = mode, .json = run.data, .count = batch.count, .streams = to_stdout};
    ta_signals_catch();
    status = restore_all(&run, &batch);
    if (opts->json && !opts->dry_run)
        status = ta_restore_call_write(&run, status);
    json_decref(run.results);
    ta_batch_release(&batch);
    return status;
}

static const struct ta_example restore_examples[] = {
    {"terminalai restore tape.avi", "makes tape.restored.mp4 beside it, with what suits a VHS tape"},
    {"terminalai restore tape.avi -o christmas.mp4 --resolution 720 --quality best",
     "another name, size and more care"},
    {"terminalai restore tapes/ -o restored/ --recursive", "all video files of a folder, into another one"},
    {"terminalai restore --join capture_001.avi capture_002.avi -o tape.mp4",
     "a film that was stored in several files"},
    {"terminalai restore \"Christmas 1994/\" -o restored/", "the titles of a DVD, copied to a folder"},
    {"terminalai restore tape.avi --encoder ffv1 -o tape.mkv", "lossless video, for an archive"},
    {"terminalai restore tape.avi -o excerpt.mp4 --range 1:00-1:20", "only twenty seconds, to try settings"},
    {"terminalai restore tape.avi --redo 12:30-12:48 --denoise-strength 10:8:15:12 --overwrite",
     "one scene again, cleaned more; the run before it had --keep-work"},
    {"terminalai restore tape.avi --encoder raw -o - | ffplay -", "into another program"},
    {0},
};

static const struct ta_command_group restore_groups[] = {{"Files and messages", ta_restore_options, 0}, {0}};

static const char *const restore_often[] = {"output",           "preset",      "resolution",  "quality",
                                            "encoder",          "crf",         "deinterlace", "denoise",
                                            "denoise-strength", "crop-bottom", "range",       "overwrite",
                                            "recursive",        "join",        "dry-run",     NULL};

const struct ta_command ta_command_restore = {
    .name = "restore",
    .operands = "INPUT...",
    .summary = "restore videos: the main job",
    .description =
        "Restores each INPUT: measures it, plans, removes interlacing and noise, scales, encodes, checks "
        "the result and only then gives it its name. The source is never changed. An INPUT that is a "
        "folder stands for the video files in it, one that is a DVD (a folder with VIDEO_TS in it, VIDEO_TS "
        "itself, or an .IFO) for its titles. With --join all INPUTs are one film. A file that fails does not "
        "stop the others; an INPUT that does not exist is said before the first is begun.\n\nA file that "
        "was made before, of the same source with the same options, is not made again; one that is another "
        "is left alone and said.\n\nAn interrupted run (Ctrl-C, a power cut, a full disk) keeps the finished "
        "segments in OUT.terminalai: the same command goes on where it stopped, with the same result. A report is "
        "left beside the output as OUT.json.\n\nExit status: 0 done; 1 failed; 2 wrong call; 3 done, but the output "
        "lacks something, such as frames that could not be decoded; 130 interrupted, the same command goes on. Of "
        "several files the worst counts.",
    .examples = restore_examples,
    .often = restore_often,
    .groups = restore_groups,
    .values_size = sizeof(struct restore_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_restore,
};
