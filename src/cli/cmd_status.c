// terminalai status: how far an output is.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/table.h"

enum { MAX_SHOWN = 8 }; // finished segments that are named one by one

struct status_opts {
    char *work_dir;
    bool json;
};

static const struct ta_opt status_options[] = {
    {.name = "work-dir",
     .kind = &ta_opt_path,
     TA_FIELD(struct status_opts, work_dir, char *),
     .def = "",
     .syntax = "DIR",
     .help = "where its unfinished work lies, as \"restore\" was told"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct status_opts, json, bool),
     .help = "for programs: all numbers, and the paths of all finished segments"},
    {0},
};

static int64_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

// "NAME", quoted when need be, from the string at `key`.
static void append_name(struct ta_buf *out, const json_t *o, const char *key)
{
    const char *name = json_string_value(json_object_get(o, key));
    ta_buf_name(out, name ? name : "");
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

// "out.mp4: running, restore, 3 of 10 segments, 90 of 300 frames (30 %), 12.3 fps, 0:17 to go"
static void append_head(const json_t *o, struct ta_buf *out)
{
    const json_t *tasks = json_object_get(o, "tasks"), *frames = json_object_get(o, "frames");
    // Most plans have nothing else.
    bool segments = whole(tasks, "total") == whole(json_object_get(o, "segments"), "total");
    const char *phase = json_string_value(json_object_get(o, "phase"));
    int64_t done = whole(frames, "done"), total = whole(frames, "total");
    append_name(out, o, "output");
    ta_buf_printf(out, ": %s", json_string_value(json_object_get(o, "state")));
    if (phase)
        ta_buf_printf(out, ", %s", phase);
    ta_buf_printf(out, ", %" PRId64 " of %" PRId64 " %s, %" PRId64 " of %" PRId64 " %s (%.0f %%)",
                  whole(tasks, "done"), whole(tasks, "total"),
                  segments ? ta_plural(whole(tasks, "total"), "segment", "segments") : "tasks", done, total,
                  ta_plural(total, "frame", "frames"), total > 0 ? 100.0 * (double)done / (double)total : 0);
    if (number(o, "fps") > 0)
        ta_buf_printf(out, ", %.1f fps", number(o, "fps"));
    if (number(o, "eta_seconds") > 0) {
        ta_buf_puts(out, ", ");
        ta_append_duration(out, number(o, "eta_seconds"));
        ta_buf_puts(out, " to go");
    }
    ta_buf_puts(out, ", ");
    ta_append_bytes(out, whole(o, "bytes"));
    ta_buf_puts(out, " on disk\n");
}

static void append_tasks(const json_t *o, struct ta_buf *out)
{
    const json_t *running = json_object_get(json_object_get(o, "tasks"), "running");
    const json_t *playable = json_object_get(o, "playable"), *item;
    size_t i;
    if (json_array_size(running))
        ta_buf_puts(out, "  being made:");
    json_array_foreach(running, i, item) ta_buf_printf(out, " %s", json_string_value(item));
    if (json_array_size(running))
        ta_buf_putc(out, '\n');
    if (json_array_size(playable))
        ta_buf_puts(out, "  can be played already:\n");
    json_array_foreach(playable, i, item)
    {
        if (i == MAX_SHOWN) {
            ta_buf_printf(out, "    and %zu more\n", json_array_size(playable) - i);
            break;
        }
        ta_buf_puts(out, "    ");
        append_name(out, item, "path");
        if (json_object_get(item, "start_seconds")) {
            ta_buf_puts(out, "  from ");
            ta_append_duration(out, number(item, "start_seconds"));
            ta_buf_putc(out, ',');
        }
        int64_t frames = whole(item, "frames");
        ta_buf_printf(out, " %" PRId64 " %s\n", frames, ta_plural(frames, "frame", "frames"));
    }
}

static enum ta_exit show(struct ta_cli *cli, const json_t *o)
{
    struct ta_buf out = {0};
    const json_t *source = json_object_get(o, "source");
    if (!strcmp(json_string_value(json_object_get(o, "state")), "finished")) {
        append_name(&out, o, "output");
        ta_buf_puts(&out, json_is_true(json_object_get(o, "kept")) ? ": finished, work kept for --redo, "
                                                                   : ": finished, ");
        ta_append_bytes(&out, whole(o, "bytes"));
        ta_buf_putc(&out, '\n');
    } else {
        append_head(o, &out);
        bool there = json_is_true(json_object_get(source, "exists"));
        if (!there || !json_is_true(json_object_get(source, "unchanged"))) {
            ta_buf_printf(&out, "  the source %s: ", there ? "has changed since" : "is not there");
            append_name(&out, source, "path");
            ta_buf_putc(&out, '\n');
        }
        append_tasks(o, &out);
    }
    ta_buf_printf(&out, "  next: %s\n", json_string_value(json_object_get(o, "next")));
    enum ta_exit status = ta_cli_show(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static enum ta_exit run_status(struct ta_cli *cli)
{
    const struct status_opts *opts = cli->values;
    char *work_dir = NULL;
    int err = ta_cli_work_dir(cli, opts->work_dir, &work_dir);
    enum ta_exit status = err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
    json_t *all = json_array();
    for (int i = 0; i < cli->operand_count && err >= 0; i++) {
        char *text = NULL;
        ta_cli_begin(cli);
        int failed = ta_status(cli->operands[i], work_dir, &text, cli->log);
        json_t *o = text ? json_loads(text, 0, NULL) : NULL;
        free(text);
        if (!o) {
            failed = failed < 0 ? failed : TA_ERR_IO;
            const struct ta_problem *failure = ta_cli_end(cli, failed, cli->operands[i]);
            o = opts->json ? ta_cli_json_failed(cli, "output", cli->operands[i], failure, failed) : NULL;
            status = ta_exit_worse(status, TA_EXIT_FAILED);
        }
        if (o)
            json_array_append_new(all, o);
    }
    size_t i;
    json_t *o;
    if (opts->json && json_array_size(all)) {
        char *text = ta_json_text(cli->operand_count == 1 ? json_array_get(all, 0) : all);
        status = ta_exit_worse(status, ta_cli_output(cli, text));
        free(text);
    } else {
        json_array_foreach(all, i, o) status = ta_exit_worse(status, show(cli, o));
    }
    json_decref(all);
    free(work_dir);
    return status;
}

static const struct ta_example status_examples[] = {
    {"terminalai status tape.restored.mp4", "segments done and left, speed, time to go"},
    {"terminalai status --json tape.restored.mp4", "the same for programs"},
    {0},
};

static const struct ta_command_group status_groups[] = {{"What to show", status_options, 0}, {0}};

const struct ta_command ta_command_status = {
    .name = "status",
    .operands = "OUTPUT...",
    .summary = "show how far restorations are",
    .description =
        "Tells of each OUTPUT whether a run is working on it, was interrupted or has finished it; which segments are "
        "done, being made and left; how fast it goes and how long it will take. Finished segments can be played before "
        "the whole is done. It reads a few small files and disturbs no run. Exit status 1 when there is neither "
        "unfinished work nor a finished file.",
    .examples = status_examples,
    .groups = status_groups,
    .values_size = sizeof(struct status_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_status,
};
