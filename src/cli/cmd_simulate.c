// terminalai simulate: a tape made from nothing, to try the program and to test it.
#include <stdlib.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "restore/output.h"
#include "simulate/scene.h"

struct simulate_values {
    struct simulate_opts {
        char *output;
        bool overwrite, json;
    } own;
    struct ta_scene_opts scene;
};

static const struct ta_opt simulate_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct simulate_opts, output, char *),
     .syntax = "TAPE",
     .help = "file to make: .avi is DV with PCM sound, .mkv lossless FFV1 with PCM, .mpg MPEG-2 with MP2",
     .letter = 'o'},
    {.name = "overwrite",
     .kind = &ta_opt_switch,
     TA_FIELD(struct simulate_opts, overwrite, bool),
     .help = "replace an existing file",
     .letter = 'y'},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct simulate_opts, json, bool),
     .help = "write what was made as one JSON object to standard output"},
    {0},
};

static json_t *made_json(const struct ta_scene_opts *scene, int64_t bytes)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:I}", "width", (json_int_t)scene->width, "height",
                     (json_int_t)scene->height, "frames", (json_int_t)scene->frames, "scan",
                     ta_scan_type_name(scene->scan), "bytes", (json_int_t)bytes);
}

static enum ta_exit run_simulate(struct ta_cli *cli)
{
    const struct simulate_values *v = cli->values;
    const char *output = v->own.output;
    struct stat st;
    if (!output)
        return ta_cli_usage(cli, "simulate needs -o TAPE");
    ta_cli_begin(cli);
    static const struct ta_guard none = {0}; // nothing is read
    int err = ta_output_check(&none, output, v->own.overwrite, cli->log);
    if (err >= 0)
        err = ta_scene_write_tape(&v->scene, output, cli->log);
    int64_t bytes = err >= 0 && !stat(output, &st) ? st.st_size : 0;
    if (err >= 0 && !ta_console_is_quiet(cli->console)) {
        struct ta_buf size = {0};
        ta_append_bytes(&size, bytes);
        ta_console_print(cli->console, "%s: %dx%d, %lld %s, %s, %s", output, v->scene.width, v->scene.height,
                         (long long)v->scene.frames, ta_plural(v->scene.frames, "frame", "frames"),
                         ta_scan_type_name(v->scene.scan), ta_buf_text(&size));
        ta_buf_release(&size);
    }
    return ta_cli_finish(cli, TA_MIN(err, 0), output, output, v->own.json, TA_PROGRESS_NONE,
                         err < 0 ? NULL : made_json(&v->scene, bytes));
}

static const struct ta_example simulate_examples[] = {
    {"terminalai simulate -o tape.avi", "a short DV tape to try \"restore\" on"},
    {0},
};

static const struct ta_command_group simulate_groups[] = {
    {"Where to", simulate_options, offsetof(struct simulate_values, own)},
    {"The scene", ta_scene_options, offsetof(struct simulate_values, scene)},
    {0},
};

const struct ta_command ta_command_simulate = {
    .name = "simulate",
    .operands = "",
    .summary = "make a sample tape, as a camcorder would have left it",
    .description =
        "Draws a moving scene with sound and degrades it the way a tape does: interlaced, noisy, colour of "
        "low resolution, torn lines at the bottom. The same options give the same file. Needs no source.",
    .examples = simulate_examples,
    .groups = simulate_groups,
    .values_size = sizeof(struct simulate_values),
    .run = run_simulate,
};
