// terminalai compare: the same excerpts under several presets.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
#include "recipe/options.h"

struct compare_opts {
    char *output, *presets;
    struct ta_time start;
    double duration;
    int64_t excerpts;
    bool join;
    char *config;
    int progress;
    bool json;
};

static const struct ta_opt compare_options[] = {
    {.name = "presets",
     .kind = &ta_opt_text,
     TA_FIELD(struct compare_opts, presets, char *),
     .syntax = "A,B,...",
     .help = "presets to compare, any number, by names or files; must be given"},
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct compare_opts, output, char *),
     .syntax = "DIR",
     .help =
         "folder for the results, made when missing; without it, tape.avi gives tape.compare in the same folder",
     .letter = 'o'},
    {.name = "excerpts",
     .kind = &ta_opt_int,
     TA_FIELD(struct compare_opts, excerpts, int64_t),
     .def = "3",
     .min = 1,
     .max = 100,
     .help = "how many excerpts, spread over the source",
     .letter = 'n'},
    {.name = "start",
     .kind = &ta_opt_time,
     TA_FIELD(struct compare_opts, start, struct ta_time),
     .def = "",
     .help = "a single excerpt that begins here, as time (1:23:45.5), percent (25%) or frame (1200f)",
     .letter = 's'},
    {.name = "duration",
     .kind = &ta_opt_float,
     TA_FIELD(struct compare_opts, duration, double),
     .def = "2",
     .min = 0.001,
     .max = 3600,
     .unit = "seconds",
     .help = "how long each excerpt is",
     .letter = 'd'},
    TA_JOIN_OPTION(struct compare_opts),
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct compare_opts, config, char *),
     .syntax = "FILE",
     .help = "read options from this YAML file instead of ~/.config/terminalai/config.yaml"},
    {.name = "progress",
     .kind = &ta_opt_choice,
     TA_FIELD(struct compare_opts, progress, int),
     .def = "auto",
     .choices = ta_progress_choices,
     .help = "how progress is shown"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct compare_opts, json, bool),
     .help =
         "write what was done as one JSON object to standard output at the end; the measures are in report.json"},
    {0},
};

// "vhs,dvd, clean"
static struct ta_list split(const char *text)
{
    struct ta_list list = {0};
    while (*text) {
        size_t n = strcspn(text, ","), first = strspn(text, " ");
        size_t end = n;
        while (end > first && text[end - 1] == ' ')
            end--;
        if (end > first) {
            list.items = ta_xrealloc(list.items, (size_t)(list.count + 1) * sizeof *list.items);
            list.items[list.count++] = ta_xstrndup(text + first, end - first);
        }
        text += n + (text[n] == ',');
    }
    return list;
}

static char *default_folder(const char *input)
{
    char *dir = ta_name_dir(input), *stem = ta_name_stem(input), *name = ta_xprintf("%s.compare", stem);
    char *path = !strcmp(dir, ".") ? ta_xstrdup(name) : ta_path_join(dir, name);
    free(name);
    free(stem);
    free(dir);
    return path;
}

// How to run segments does not matter here: nothing is kept, nothing resumed.
static enum ta_exit refuse_others(struct ta_cli *cli)
{
    for (const struct ta_opt *o = ta_run_options; o->name; o++)
        if (strcmp(o->name, "overwrite") && strcmp(o->name, "no-cache") &&
            ta_options_by_caller(cli->options, o->name))
            return ta_cli_usage(cli, "--%s is of no use to compare", o->name);
    if (ta_options_by_caller(cli->options, "preset"))
        return ta_cli_usage(cli, "--presets names the presets to compare; leave --preset out");
    return TA_EXIT_OK;
}

static int make(struct ta_cli *cli, const char *input, const char *folder, const struct ta_list *presets,
                const struct ta_callbacks *callbacks, json_t **done)
{
    const struct compare_opts *opts = cli->values;
    struct ta_compare_result r = {0};
    struct ta_buf start = {0};
    ta_time_format(&opts->start, &start);
    struct ta_compare_wish wish = {.presets = (const char *const *)presets->items,
                                   .preset_count = presets->count,
                                   .start = opts->start.unit ? ta_buf_text(&start) : NULL,
                                   .excerpts = (int)opts->excerpts,
                                   .duration = opts->duration};
    int err = ta_compare(input, folder, cli->options, &wish, callbacks, &r, cli->log);
    ta_buf_release(&start);
    if (err < 0)
        return err;
    if (!ta_console_is_quiet(cli->console))
        ta_console_print(cli->console,
                         "%s: grid.mp4 (%dx%d, %" PRId64 " %s, %d %s), contact.png, report.html, "
                         "report.txt, report.json",
                         folder, r.width, r.height, r.frames, ta_plural(r.frames, "frame", "frames"), r.panes,
                         ta_plural(r.panes, "pane", "panes"));
    *done = json_pack("{s:i, s:i, s:I, s:i, s:i, s:I, s:I}", "width", r.width, "height", r.height, "frames",
                      (json_int_t)r.frames, "panes", r.panes, "excerpts", r.excerpts, "warnings",
                      (json_int_t)r.warnings, "losses", (json_int_t)r.warnings);
    return 0;
}

static enum ta_exit run_compare(struct ta_cli *cli)
{
    const struct compare_opts *opts = cli->values;
    char *input = NULL;
    struct ta_list presets = split(opts->presets ? opts->presets : "");
    enum ta_exit status = TA_EXIT_OK;
    if (!presets.count)
        status = ta_cli_usage(cli, "compare needs --presets A,B,...");
    if (!status)
        status = refuse_others(cli);
    if (!status)
        status = ta_cli_check_recipe(cli, opts->config);
    int found = status ? 0 : ta_batch_one(&input, cli->operands, cli->operand_count, opts->join, cli->log);
    if (found < 0)
        status = ta_cli_fail(cli, found);
    if (!status) {
        char *folder = opts->output ? ta_xstrdup(opts->output) : default_folder(input);
        enum ta_progress_mode mode = (enum ta_progress_mode)opts->progress;
        if (ta_console_is_quiet(cli->console) && mode != TA_PROGRESS_JSON)
            mode = TA_PROGRESS_NONE;
        struct ta_progress_view view = {.console = cli->console, .mode = mode, .json = stdout, .count = 1};
        struct ta_callbacks callbacks = ta_cli_callbacks(cli, &view);
        json_t *done = NULL;
        ta_progress_begin(&view, input, 0);
        ta_cli_begin(cli);
        ta_signals_catch();
        int err = make(cli, input, folder, &presets, &callbacks, &done);
        ta_progress_end(&view);
        status = ta_cli_finish(cli, err, input, folder, opts->json, mode, done);
        free(folder);
    }
    ta_opt_list.release(&presets);
    free(input);
    return status;
}

static const struct ta_example compare_examples[] = {
    {"terminalai compare tape.avi --presets vhs,dvd,clean",
     "three excerpts under three presets, into tape.compare/"},
    {"terminalai compare tape.avi --presets vhs,./mine.yaml -s 12:30 -d 5 -o try/",
     "five seconds, a preset of your own among them"},
    {0},
};

static const struct ta_command_group compare_groups[] = {{"What to compare", compare_options, 0}, {0}};

static const char *const compare_often[] = {"presets",  "output",     "start", "duration",
                                            "excerpts", "resolution", NULL};

const struct ta_command ta_command_compare = {
    .name = "compare",
    .operands = "INPUT...",
    .summary = "show the same excerpts under several presets, with measures",
    .description =
        "Restores excerpts of INPUT under each of the presets, the other options being the same, and writes into a "
        "folder: grid.mp4, the source and all results in step, each with its label; contact.png, a frame of each "
        "excerpt; report.html, report.txt and report.json with measures (noise, sharpness, combing, distance from the "
        "source) and cost (frames a second, CPU time, bit rate). What is shown is what the encoder makes of the "
        "result. Sizes that differ are brought to the largest, with their shapes kept. Several "
        "INPUTs are one film, with --join. Takes the options of \"restore\" that say what to make, but --preset.",
    .examples = compare_examples,
    .often = compare_often,
    .groups = compare_groups,
    .values_size = sizeof(struct compare_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_compare,
};
