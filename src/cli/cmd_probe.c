// terminalai probe: what the container says of a file.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"
#include "base/opt.h"
#include "base/path.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/recipe.h"
#include "cli/progress.h"
#include "cli/table.h"

struct probe_opts {
    bool json;
    bool join;
};

static const struct ta_opt probe_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct probe_opts, json, bool),
     .help = "print JSON, for programs; a list when there are several files"},
    TA_JOIN_OPTION(struct probe_opts),
    {0},
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && !strcmp(text + length - n, end);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

// "1:02:03.480"
static void append_time(struct ta_buf *out, double seconds)
{
    double size = fabs(seconds);
    long long ms = llround(size * 1000);
    ta_buf_puts(out, seconds < 0 ? "-" : "");
    ta_append_duration(out, (double)(ms / 1000));
    if (ms % 1000)
        ta_buf_printf(out, ".%03lld", ms % 1000);
}

static void append_bit_rate(struct ta_buf *out, double rate)
{
    if (rate >= 1e6)
        ta_buf_printf(out, "%.2f Mbit/s", rate / 1e6);
    else
        ta_buf_printf(out, "%.0f kbit/s", rate / 1e3);
}

// "30000/1001" as it is, with "29.970" behind it.
static void append_rate(struct ta_buf *out, const char *text)
{
    int num, den, end = 0;
    ta_buf_puts(out, text);
    if (sscanf(text, "%d/%d%n", &num, &den, &end) == 2 && !text[end] && den > 1)
        ta_buf_printf(out, " (%.3f)", (double)num / den);
}

// A value as people read it; what kind it is shows in the key's end.
static void append_value(struct ta_buf *out, const char *key, const json_t *value)
{
    if (json_is_number(value) && ends_with(key, "_seconds")) {
        append_time(out, json_number_value(value));
    } else if (json_is_number(value) && ends_with(key, "_bytes")) {
        ta_append_bytes(out, (int64_t)json_number_value(value));
    } else if (json_is_number(value) && ends_with(key, "bit_rate")) {
        append_bit_rate(out, json_number_value(value));
    } else if (json_is_string(value) && ends_with(key, "frame_rate")) {
        append_rate(out, json_string_value(value));
    } else if (json_is_array(value)) {
        size_t i;
        json_t *item;
        json_array_foreach((json_t *)value, i, item)
        {
            ta_buf_puts(out, i ? ", " : "");
            append_value(out, key, item);
        }
    } else {
        char *text = json_is_boolean(value) ? ta_xstrdup(json_is_true(value) ? "yes" : "no")
                                            : ta_opt_json_to_text(value);
        ta_buf_puts(out, text ? text : "");
        free(text);
    }
}

// "duration_seconds" is shown as "duration".
static char *label_of(const char *key)
{
    static const char *const units[] = {"_seconds", "_bytes"};
    char *label = ta_xstrdup(key);
    for (size_t i = 0; i < TA_COUNT(units); i++)
        if (ends_with(label, units[i]))
            label[strlen(label) - strlen(units[i])] = 0;
    for (char *c = label; *c; c++)
        if (*c == '_')
            *c = ' ';
    return label;
}

// Rows for all members but those in `skip` (NULL-terminated) and lists of objects. Tags of the file keep
// their names.
static void add_rows(struct ta_table *table, const json_t *object, const char *const *skip)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        bool skipped = json_is_array(value) &&
                       (!json_array_size(value) || json_is_object(json_array_get(value, 0)));
        for (size_t i = 0; skip[i]; i++)
            skipped |= !strcmp(skip[i], key);
        if (skipped)
            continue;
        if (json_is_object(value)) {
            const char *tag;
            json_t *text;
            json_object_foreach(value, tag, text)
            {
                ta_table_cell(table, "tag %s", tag);
                ta_table_cell(table, "%s", json_string_value(text) ? json_string_value(text) : "");
            }
            continue;
        }
        struct ta_buf shown = {0};
        char *label = label_of(key);
        append_value(&shown, key, value);
        ta_table_cell(table, "%s", label);
        ta_table_cell(table, "%s", ta_buf_text(&shown));
        free(label);
        ta_buf_release(&shown);
    }
}

static void append_file(const char *path, const json_t *facts, int width, struct ta_buf *out)
{
    static const char *const skip[] = {"format", "format_long_name", NULL};
    struct ta_table table = {.columns = 2};
    const char *name = text_of(facts, "format_long_name"), *format = text_of(facts, "format");
    ta_buf_name(out, path);
    ta_buf_putc(out, '\n');
    ta_table_cell(&table, "container");
    ta_table_cell(&table, "%s%s%s%s", name ? name : "", name ? " (" : "", format ? format : "?",
                  name ? ")" : "");
    add_rows(&table, facts, skip);
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

static void append_stream(const json_t *stream, int width, struct ta_buf *out)
{
    static const char *const skip[] = {"index",           "type",  "main",   "codec",
                                       "codec_long_name", "width", "height", NULL};
    struct ta_table table = {.columns = 2};
    const char *type = text_of(stream, "type"), *codec = text_of(stream, "codec"),
               *name = text_of(stream, "codec_long_name");
    ta_buf_printf(out, "\nStream %d: %s, %s%s%s%s\n",
                  (int)json_integer_value(json_object_get(stream, "index")), type ? type : "unknown",
                  codec ? codec : "unknown codec", name ? ", " : "", name ? name : "",
                  json_is_true(json_object_get(stream, "main")) ? " - this one is restored" : "");
    const json_t *w = json_object_get(stream, "width"), *h = json_object_get(stream, "height");
    if (w && h) {
        ta_table_cell(&table, "size");
        ta_table_cell(&table, "%dx%d", (int)json_integer_value(w), (int)json_integer_value(h));
    }
    add_rows(&table, stream, skip);
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

// Chapters and attachments: a table of some of their members.
static void append_list(const json_t *list, const char *title, const char *const *keys, int columns,
                        int width, struct ta_buf *out)
{
    if (!json_array_size(list))
        return;
    struct ta_table table = {.columns = columns};
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        for (int k = 0; k < columns; k++) {
            struct ta_buf shown = {0};
            const json_t *value = json_object_get(item, keys[k]);
            if (value)
                append_value(&shown, keys[k], value);
            ta_table_cell(&table, "%s", ta_buf_text(&shown));
            ta_buf_release(&shown);
        }
    }
    ta_buf_printf(out, "\n%s\n", title);
    ta_table_print(&table, 2, width, out);
    ta_table_release(&table);
}

static enum ta_exit show(struct ta_cli *cli, const char *path, const json_t *facts)
{
    static const char *const chapter_keys[] = {"start_seconds", "end_seconds", "title"};
    static const char *const attachment_keys[] = {"stream", "type", "name"};
    int width = ta_console_columns(STDOUT_FILENO);
    struct ta_buf out = {0};
    size_t i;
    json_t *stream;
    append_file(path, facts, width, &out);
    json_array_foreach(json_object_get(facts, "streams"), i, stream) append_stream(stream, width, &out);
    append_list(json_object_get(facts, "chapters"), "Chapters", chapter_keys, 3, width, &out);
    append_list(json_object_get(facts, "attachments"), "Attachments", attachment_keys, 3, width, &out);
    // Names and tags come from the file: nothing in them may drive the terminal.
    enum ta_exit status = ta_cli_show(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static bool is_disc(const char *operand)
{
    return ta_disc_is(operand) ||
           (ta_name_title(operand, NULL) == 0 && ta_disc_has_name(ta_path_name(operand)));
}

// The sources to probe, to free with ta_name_files_free(). NULL after a message.
static char **collect(struct ta_cli *cli, bool join, int *count)
{
    char **inputs = ta_xcalloc((size_t)cli->operand_count + 1, sizeof(*inputs));
    *count = join ? 1 : cli->operand_count;
    for (int i = 0, at = 0; i < cli->operand_count && !join; i++) {
        char **titles = NULL;
        int n = is_disc(cli->operands[i]) ? ta_disc_titles(&titles, cli->operands[i], cli->log) : 0;
        if (n > 1)
            inputs = ta_xrealloc(inputs, (size_t)(*count += n - 1) * sizeof(*inputs) + sizeof(*inputs));
        for (int k = 0; k < n; k++)
            inputs[at++] = ta_xstrdup(titles[k]);
        if (n <= 0)
            inputs[at++] = ta_xstrdup(cli->operands[i]);
        inputs[at] = NULL;
        ta_name_files_free(&titles);
    }
    if (join && !(inputs[0] = ta_name_join(cli->operands, cli->operand_count))) {
        ta_cli_usage(cli, "these files can't be joined: they are too many");
        ta_name_files_free(&inputs);
    }
    return inputs;
}

static enum ta_exit run_probe(struct ta_cli *cli)
{
    const struct probe_opts *opts = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    struct ta_buf list = {0};
    int shown = 0, count;
    char **inputs = collect(cli, opts->join, &count);
    if (!inputs)
        return TA_EXIT_USAGE;
    for (int i = 0; i < count; i++) {
        char *text = NULL;
        ta_cli_begin(cli);
        int err = ta_probe(inputs[i], &text, cli->log);
        const struct ta_problem *failure = ta_cli_end(cli, err, inputs[i]);
        json_t *facts = err < 0 ? NULL : json_loads(text, 0, NULL);
        status = ta_exit_worse(status, facts ? TA_EXIT_OK : TA_EXIT_FAILED);
        if (!facts && opts->json) { // in its place among the others
            facts = ta_cli_json_failed(cli, "input", inputs[i], failure, err);
            text = ta_json_text(facts);
        }
        if (!facts) {
            // told
        } else if (opts->json) {
            while (*text && ends_with(text, "\n"))
                text[strlen(text) - 1] = 0;
            ta_buf_printf(&list, "%s%s", shown ? ",\n" : "", text);
        } else {
            status = ta_exit_worse(status, shown ? ta_cli_output(cli, "\n") : TA_EXIT_OK);
            status = ta_exit_worse(status, show(cli, inputs[i], facts));
        }
        shown += facts != NULL;
        json_decref(facts);
        free(text);
    }
    if (opts->json && shown) {
        bool many = count > 1;
        char *all = ta_xprintf("%s%s%s\n", many ? "[\n" : "", ta_buf_text(&list), many ? "\n]" : "");
        status = ta_exit_worse(status, ta_cli_output(cli, all));
        free(all);
    }
    ta_buf_release(&list);
    ta_name_files_free(&inputs);
    return status;
}

static const struct ta_example probe_examples[] = {
    {"terminalai probe tape.avi", "container, streams, chapters"},
    {"terminalai probe --json tape.avi", "the same for programs"},
    {0},
};

static const struct ta_command_group probe_groups[] = {{"What to show", probe_options, 0}, {0}};

const struct ta_command ta_command_probe = {
    .name = "probe",
    .operands = "FILE...",
    .summary = "show what a file says about itself",
    .description =
        "Prints what the container and the headers of the streams state: codecs, sizes, rates, times, tags. Nothing is "
        "measured; \"plan\" does that.",
    .examples = probe_examples,
    .groups = probe_groups,
    .values_size = sizeof(struct probe_opts),
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_probe,
};
